package github

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// aboutRepository is what every question about the repository begins with.
const aboutRepository = `id isEmpty isArchived viewerPermission url defaultBranchRef { name target { oid } }`

// graphRepository answers aboutRepository.
type graphRepository struct {
	ID               string
	IsEmpty          bool
	IsArchived       bool
	ViewerPermission *string
	URL              string
	DefaultBranchRef *struct {
		Name   string
		Target graphObject
	}
}

type graphObject struct{ OID string }

type graphRef struct{ Target graphObject }

func (g *graphRepository) info() providers.Info {
	info := providers.Info{URL: g.URL, Empty: g.IsEmpty, Archived: g.IsArchived}
	if g.DefaultBranchRef != nil {
		info.DefaultBranch = g.DefaultBranchRef.Name
	}
	if g.ViewerPermission != nil {
		p := permissionOf(*g.ViewerPermission)
		info.Access = &p
	}
	return info
}

// permissionOf reads a role, as REST and GraphQL name it
// (https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories/managing-repository-roles/repository-roles-for-an-organization).
func permissionOf(role string) providers.Permission {
	switch strings.ToLower(role) {
	case "admin":
		return providers.CanAdmin
	case "maintain", "write", "push":
		return providers.CanWrite
	case "triage", "read", "pull":
		return providers.CanRead
	}
	return providers.NoAccess
}

// headsAtOnce is how many heads go into one query, which GitHub breaks off after
// 10 seconds, or where it is about thousands of objects: each head stands for ten
// pull requests with their labels
// (https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#timeouts).
const headsAtOnce = 25

// pullFields are the parts of a pull request that are needed. A login of an App
// comes without the ending [bot] that REST has. Where there are more labels than
// these few, REST has them all.
const pullFields = `
fragment pull on PullRequest {
  number url title body state isDraft headRefName headRefOid isCrossRepository baseRefName createdAt updatedAt
  author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
  labels(first: 20) { totalCount nodes { name } }
  mergeCommit { oid }
}`

type graphPull struct {
	Number            int
	URL, Title, Body  string
	State             string
	IsDraft           bool
	HeadRefName       string
	HeadRefOID        string
	IsCrossRepository bool
	BaseRefName       string
	CreatedAt         time.Time
	UpdatedAt         time.Time
	Author            *graphActor
	Labels            struct {
		TotalCount int
		Nodes      []struct{ Name string }
	}
	MergeCommit *graphObject
}

type graphActor struct {
	Typename   string `json:"__typename"`
	Login      string
	DatabaseID *int64
}

func (a *graphActor) user() providers.User {
	if a == nil {
		return providers.User{Login: "ghost"} // an account that was deleted
	}
	u := providers.User{Login: a.Login, Bot: a.Typename == "Bot" || isBot(a.Login)}
	if u.Bot && !isBot(u.Login) {
		u.Login += "[bot]"
	}
	if a.DatabaseID != nil {
		u.ID = strconv.FormatInt(*a.DatabaseID, 10)
	}
	return u
}

func (g *graphPull) pull() providers.PullRequest {
	p := providers.PullRequest{
		Number: g.Number, URL: g.URL, Title: g.Title, Body: g.Body, Draft: g.IsDraft,
		State:   providers.PullState(strings.ToLower(g.State)),
		Author:  g.Author.user(),
		Head:    providers.Head{Branch: g.HeadRefName, SHA: g.HeadRefOID, Fork: g.IsCrossRepository},
		Base:    g.BaseRefName,
		Created: g.CreatedAt, Updated: g.UpdatedAt,
	}
	for _, label := range g.Labels.Nodes {
		p.Labels = append(p.Labels, label.Name)
	}
	if p.State == providers.Merged && g.MergeCommit != nil {
		p.MergeSHA = g.MergeCommit.OID
	}
	return p
}

// Info says what the repository is.
func (r *repository) Info(ctx context.Context) (providers.Info, error) {
	var reply struct{ Repository *graphRepository }
	err := r.query(ctx, `query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { `+aboutRepository+` } }`, nil, &reply)
	if err == nil && reply.Repository == nil {
		err = errNoAnswer
	}
	if err != nil {
		return providers.Info{}, r.wrap("look at the repository", err)
	}
	r.keepID(reply.Repository.ID)
	return reply.Repository.info(), nil
}

// Look answers a question in one request, and in more where it is about many
// heads.
func (r *repository) Look(ctx context.Context, q providers.Question) (*providers.View, error) {
	v, err := r.look(ctx, q)
	return v, r.wrap("look at the repository", err)
}

func (r *repository) look(ctx context.Context, q providers.Question) (*providers.View, error) {
	n := min(len(q.Heads), headsAtOnce)
	v, err := r.lookOnce(ctx, providers.Question{Base: q.Base, Heads: q.Heads[:n]})
	if err != nil {
		return nil, err
	}
	for heads := range slices.Chunk(q.Heads[n:], headsAtOnce) {
		more, err := r.lookOnce(ctx, providers.Question{Heads: heads})
		if err != nil {
			return nil, err
		}
		maps.Copy(v.Heads, more.Heads)
		v.Pulls = append(v.Pulls, more.Pulls...)
	}
	return v, nil
}

func (r *repository) lookOnce(ctx context.Context, q providers.Question) (*providers.View, error) {
	document, variables := lookDocument(q)
	var reply struct{ Repository map[string]raw }
	if err := r.query(ctx, document, variables, &reply); err != nil {
		return nil, err
	}
	return r.view(ctx, q, reply.Repository)
}

// lookDocument names the answers about a head by its index.
func lookDocument(q providers.Question) (string, map[string]any) {
	var parameters, fields strings.Builder
	variables := map[string]any{}
	if q.Base != "" {
		parameters.WriteString(", $base: String!")
		fields.WriteString("  base: ref(qualifiedName: $base) { target { oid } }\n")
		variables["base"] = "refs/heads/" + q.Base
	}
	for i, head := range q.Heads {
		fmt.Fprintf(&parameters, ", $ref%d: String!, $head%d: String!", i, i)
		fmt.Fprintf(&fields, "  ref%d: ref(qualifiedName: $ref%d) { target { oid } }\n", i, i)
		fmt.Fprintf(&fields, "  pulls%d: pullRequests(headRefName: $head%d, first: %d, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...pull } }\n", i, i, providers.RecentPulls)
		variables["ref"+strconv.Itoa(i)] = "refs/heads/" + head
		variables["head"+strconv.Itoa(i)] = head
	}
	document := "query($owner: String!, $name: String!" + parameters.String() + ") { repository(owner: $owner, name: $name) {\n  " + aboutRepository + "\n" + fields.String() + "} }"
	if len(q.Heads) > 0 {
		document += pullFields
	}
	return document, variables
}

func (r *repository) view(ctx context.Context, q providers.Question, fields map[string]raw) (*providers.View, error) {
	if fields == nil {
		return nil, errNoAnswer
	}
	var about graphRepository
	if err := assemble(fields, &about); err != nil {
		return nil, err
	}
	r.keepID(about.ID)
	v := &providers.View{Info: about.info(), Base: q.Base, Heads: map[string]string{}}
	if q.Base == "" && about.DefaultBranchRef != nil {
		v.Base, v.SHA = about.DefaultBranchRef.Name, about.DefaultBranchRef.Target.OID
	}
	if q.Base != "" {
		ref, err := decode[*graphRef](fields["base"])
		switch {
		case err != nil:
			return nil, err
		case ref != nil:
			v.SHA = ref.Target.OID
		case !about.IsEmpty:
			return nil, noBranch(q.Base)
		}
	}
	for i, head := range q.Heads {
		ref, err := decode[*graphRef](fields["ref"+strconv.Itoa(i)])
		if err != nil {
			return nil, err
		}
		if ref != nil {
			v.Heads[head] = ref.Target.OID
		}
		found, err := decode[struct{ Nodes []graphPull }](fields["pulls"+strconv.Itoa(i)])
		if err != nil {
			return nil, err
		}
		pulls, err := r.ownPulls(ctx, head, found.Nodes)
		if err != nil {
			return nil, err
		}
		v.Pulls = append(v.Pulls, pulls...)
	}
	return v, nil
}

// ownPulls leaves out the pull requests of forks. Whoever opens many from
// branches of the same name must not hide those of the repository itself.
func (r *repository) ownPulls(ctx context.Context, head string, found []graphPull) ([]providers.PullRequest, error) {
	var own []providers.PullRequest
	isCut := false
	for _, g := range found {
		if !g.IsCrossRepository {
			own = append(own, g.pull())
			isCut = isCut || g.Labels.TotalCount > len(g.Labels.Nodes)
		}
	}
	if isCut || len(found) == providers.RecentPulls && len(own) < len(found) {
		return r.pulls(ctx, providers.PullQuery{Head: head, Limit: providers.RecentPulls})
	}
	return own, nil
}

// keepID remembers the id by which mutations name the repository.
func (r *repository) keepID(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.id = id
}
