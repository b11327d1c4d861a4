package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

// The documents ask for no more than GitLab's limit of complexity allows: 250, and
// 200 without a token (https://docs.gitlab.com/api/graphql/#limits). A field costs
// a point or more; a list of 100 costs twice what one node does.
const (
	projectFields = `webUrl archived repository { rootRef empty } userPermissions { pushCode adminProject }`

	queryProject = `query($path: ID!) { project(fullPath: $path) { ` + projectFields + ` } }`

	queryLook = `query($path: ID!, $heads: [String!]) { project(fullPath: $path) { ` + projectFields + `
  mergeRequests(sourceBranches: $heads, first: 100, sort: CREATED_DESC) {
    pageInfo { hasNextPage }
    nodes {
      iid title description state draft webUrl createdAt updatedAt
      sourceBranch targetBranch sourceProjectId targetProjectId diffHeadSha mergeCommitSha
      author { id username name bot }
      labels { nodes { title } }
    }
  }
} }`
)

// glimpse is the answer to the documents.
type glimpse struct {
	Project *struct {
		WebURL     string `json:"webUrl"`
		Archived   bool   `json:"archived"`
		Repository *struct {
			RootRef string `json:"rootRef"`
			Empty   bool   `json:"empty"`
		} `json:"repository"`
		UserPermissions struct {
			PushCode     bool `json:"pushCode"`
			AdminProject bool `json:"adminProject"`
		} `json:"userPermissions"`
		MergeRequests struct {
			PageInfo struct {
				HasNextPage bool `json:"hasNextPage"`
			} `json:"pageInfo"`
			Nodes []glimpsed `json:"nodes"`
		} `json:"mergeRequests"`
	} `json:"project"`
}

// glimpsed is a merge request in an answer of GraphQL.
type glimpsed struct {
	IID             string    `json:"iid"`
	Title           string    `json:"title"`
	Description     string    `json:"description"`
	State           string    `json:"state"`
	Draft           bool      `json:"draft"`
	WebURL          string    `json:"webUrl"`
	CreatedAt       time.Time `json:"createdAt"`
	UpdatedAt       time.Time `json:"updatedAt"`
	SourceBranch    string    `json:"sourceBranch"`
	TargetBranch    string    `json:"targetBranch"`
	SourceProjectID int       `json:"sourceProjectId"` // 0 if it was deleted
	TargetProjectID int       `json:"targetProjectId"`
	DiffHeadSHA     string    `json:"diffHeadSha"`
	MergeCommitSHA  string    `json:"mergeCommitSha"`
	Author          *struct {
		ID       string `json:"id"` // gid://gitlab/User/7
		Username string `json:"username"`
		Name     string `json:"name"`
		Bot      bool   `json:"bot"`
	} `json:"author"`
	Labels struct {
		Nodes []struct {
			Title string `json:"title"`
		} `json:"nodes"`
	} `json:"labels"`
}

func (g glimpsed) pull() (providers.PullRequest, error) {
	number, err := strconv.Atoi(g.IID)
	if err != nil {
		return providers.PullRequest{}, fmt.Errorf("read the number of a merge request: %w", err)
	}
	p := providers.PullRequest{
		Number: number, URL: g.WebURL, Title: withoutDraft(g.Title), Body: g.Description,
		State: stateOf(g.State), Draft: g.Draft,
		Head: providers.Head{
			Branch: g.SourceBranch, SHA: g.DiffHeadSHA,
			Fork: g.SourceProjectID != g.TargetProjectID,
		},
		Base: g.TargetBranch, Created: g.CreatedAt, Updated: g.UpdatedAt,
	}
	if p.State == providers.Merged {
		p.MergeSHA = g.MergeCommitSHA
	}
	if a := g.Author; a != nil {
		p.Author = providers.User{ID: a.ID[strings.LastIndexByte(a.ID, '/')+1:], Login: a.Username, Name: a.Name, Bot: a.Bot}
	}
	for _, label := range g.Labels.Nodes {
		p.Labels = append(p.Labels, label.Title)
	}
	return p, nil
}

// Look takes two requests: one over GraphQL for the project and its merge
// requests, and one for where the branches are, which GraphQL does not tell.
// Without GraphQL it takes one more, and one for each head.
func (r *repository) Look(ctx context.Context, q providers.Question) (*providers.View, error) {
	const act = "look at the repository"
	info, pulls, err := r.glance(ctx, q.Heads)
	if err != nil {
		return nil, r.fail(act, nil, err)
	}
	v := &providers.View{Info: info, Base: q.Base, Heads: map[string]string{}, Pulls: pulls}
	if v.Base == "" {
		v.Base = info.DefaultBranch
	}
	if info.Empty || v.Base == "" {
		return v, nil
	}
	found, err := r.branches(ctx, append([]string{v.Base}, q.Heads...))
	if err != nil {
		return nil, r.fail(act, nil, err)
	}
	var ok bool
	if v.SHA, ok = found[v.Base]; !ok {
		return nil, r.noRef(v.Base)
	}
	for _, head := range q.Heads {
		if sha, ok := found[head]; ok {
			v.Heads[head] = sha
		}
	}
	return v, nil
}

// glance returns what the project is, and the pull requests of heads, at least
// [providers.RecentPulls] of each that has so many.
func (r *repository) glance(ctx context.Context, heads []string) (providers.Info, []providers.PullRequest, error) {
	document, variables := queryProject, map[string]any{"path": r.path}
	if len(heads) > 0 {
		document, variables["heads"] = queryLook, heads
	}
	var g glimpse
	err := r.query(ctx, document, variables, &g)
	if errors.Is(err, errRefused) {
		info, err := r.info(ctx)
		if err != nil {
			return providers.Info{}, nil, err
		}
		pulls, err := r.pullsOf(ctx, heads)
		return info, pulls, err
	}
	if err != nil {
		return providers.Info{}, nil, err
	}
	if g.Project == nil {
		return providers.Info{}, nil, gitlab.ErrNotFound
	}
	p := g.Project
	info := providers.Info{URL: p.WebURL, Archived: p.Archived, Access: new(providers.CanRead)}
	if p.Repository != nil {
		info.DefaultBranch, info.Empty = p.Repository.RootRef, p.Repository.Empty
	} else {
		info.Access = new(providers.NoAccess) // of a project whose code it may not see
	}
	switch {
	case p.UserPermissions.AdminProject:
		info.Access = new(providers.CanAdmin)
	case p.UserPermissions.PushCode:
		info.Access = new(providers.CanWrite)
	}
	var pulls []providers.PullRequest
	for _, node := range p.MergeRequests.Nodes {
		pull, err := node.pull()
		if err != nil {
			return providers.Info{}, nil, err
		}
		if !pull.Head.Fork {
			pulls = append(pulls, pull)
		}
	}
	if !p.MergeRequests.PageInfo.HasNextPage {
		return info, pulls, nil
	}
	for _, head := range heads {
		of := func(p providers.PullRequest) bool { return p.Head.Branch == head }
		if n := count(pulls, of); n >= providers.RecentPulls {
			continue
		}
		pulls = slices.DeleteFunc(pulls, of)
		more, err := r.pullsOf(ctx, []string{head})
		if err != nil {
			return providers.Info{}, nil, err
		}
		pulls = append(pulls, more...)
	}
	return info, pulls, nil
}

func (r *repository) pullsOf(ctx context.Context, heads []string) ([]providers.PullRequest, error) {
	var pulls []providers.PullRequest
	for _, head := range heads {
		more, err := r.Pulls(ctx, providers.PullQuery{Head: head, Limit: providers.RecentPulls})
		if err != nil {
			return nil, err
		}
		pulls = append(pulls, more...)
	}
	return pulls, nil
}

func count[T any](list []T, fits func(T) bool) int {
	n := 0
	for _, item := range list {
		if fits(item) {
			n++
		}
	}
	return n
}

// maxAlternatives is how many branches are asked for by one expression, so that
// the URL stays shorter than the 8 KiB that servers take.
const maxAlternatives = 20

// branches returns where those of the branches are that are there. Old servers
// ignore the parameter regex
// (https://docs.gitlab.com/api/branches/#list-repository-branches): a branch
// that was not asked for gives them away, and then each is asked for.
func (r *repository) branches(ctx context.Context, names []string) (map[string]string, error) {
	found := map[string]string{}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for part := range slices.Chunk(names, maxAlternatives) {
		if err := r.someBranches(ctx, part, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (r *repository) someBranches(ctx context.Context, names []string, found map[string]string) error {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, regexp.QuoteMeta(name))
	}
	list, _, err := r.client.Branches.ListBranches(r.path, &gitlab.ListBranchesOptions{
		Regex:       new("^(?:" + strings.Join(quoted, "|") + ")$"),
		ListOptions: gitlab.ListOptions{PerPage: perPage},
	}, gitlab.WithContext(ctx))
	known := err == nil
	for _, branch := range list {
		if !slices.Contains(names, branch.Name) || branch.Commit == nil {
			known = false
			break
		}
	}
	if known {
		for _, branch := range list {
			found[branch.Name] = branch.Commit.ID
		}
		return nil
	}
	if e, ok := errors.AsType[*gitlab.ErrorResponse](err); err != nil && (!ok || e.Response.StatusCode != http.StatusBadRequest) {
		return err
	}
	for _, name := range names {
		sha, err := r.branch(ctx, name)
		switch {
		case err == nil:
			found[name] = sha
		case !errors.Is(err, providers.ErrNotFound):
			return err
		}
	}
	return nil
}
