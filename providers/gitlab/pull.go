package gitlab

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// draftPrefix marks drafts: GitLab keeps the state nowhere else
// (https://docs.gitlab.com/user/project/merge_requests/drafts/).
const draftPrefix = "Draft: "

var draftPattern = regexp.MustCompile(`^(?i:\s*(?:draft:|\[draft\]|\(draft\))\s*)+`)

func withoutDraft(title string) string { return draftPattern.ReplaceAllString(title, "") }

func withDraft(title string, draft bool) string {
	title = withoutDraft(title)
	if draft {
		return draftPrefix + title
	}
	return title
}

func stateOf(state string) providers.PullState {
	switch state {
	case "merged":
		return providers.Merged
	case "closed":
		return providers.Closed
	}
	return providers.Open // opened, or locked while it is being merged
}

func pullOf(m *gitlab.MergeRequest) providers.PullRequest {
	p := providers.PullRequest{
		Number: m.IID, URL: m.WebURL, Title: withoutDraft(m.Title), Body: m.Description,
		State: stateOf(m.State), Draft: m.Draft || m.WorkInProgress, Author: userOf(m.Author),
		Head: providers.Head{Branch: m.SourceBranch, SHA: m.SHA, Fork: m.SourceProjectID != m.TargetProjectID},
		Base: m.TargetBranch, Labels: m.Labels, Created: timeOf(m.CreatedAt), Updated: timeOf(m.UpdatedAt),
	}
	if len(m.Labels) == 0 {
		p.Labels = nil
	}
	if p.State == providers.Merged {
		// A project that only fast-forwards makes no merge commit.
		for _, sha := range []string{m.MergeCommitSHA, m.SquashCommitSHA, m.SHA} {
			if sha != "" {
				p.MergeSHA = sha
				break
			}
		}
	}
	return p
}

func userOf(u *gitlab.BasicUser) providers.User {
	if u == nil {
		return providers.User{}
	}
	return providers.User{ID: strconv.Itoa(u.ID), Login: u.Username, Name: u.Name}
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Pull implements [providers.Pulls].
func (r *repository) Pull(ctx context.Context, number int) (providers.PullRequest, error) {
	m, err := r.mergeRequest(ctx, number)
	if err != nil {
		return providers.PullRequest{}, err
	}
	return pullOf(m), nil
}

func (r *repository) mergeRequest(ctx context.Context, number int) (*gitlab.MergeRequest, error) {
	reply, option := begin(ctx)
	m, _, err := r.client.MergeRequests.GetMergeRequest(r.path, number, nil, option)
	return m, r.fail("read pull request !"+strconv.Itoa(number), reply, err)
}

// Pulls implements [providers.Pulls].
func (r *repository) Pulls(ctx context.Context, q providers.PullQuery) ([]providers.PullRequest, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	o := &gitlab.ListProjectMergeRequestsOptions{OrderBy: new("created_at"), Sort: new("desc")}
	switch q.State {
	case providers.Open:
		o.State = new("opened")
	case providers.Merged:
		o.State = new("merged")
	case providers.Closed:
		o.State = new("closed")
	}
	if q.Head != "" {
		o.SourceBranch = new(q.Head)
	}
	if q.Base != "" {
		o.TargetBranch = new(q.Base)
	}
	var pulls []providers.PullRequest
	reply, option := begin(ctx)
	err := pages(func(page gitlab.ListOptions) (int, error) {
		if limit < perPage && q.Head == "" {
			page.PerPage = limit // with a head, those of forks are dropped, and it may take more
		}
		o.ListOptions = page
		list, resp, err := r.client.MergeRequests.ListProjectMergeRequests(r.path, o, option)
		if err != nil {
			return 0, err
		}
		for _, m := range list {
			p := pullOf(m)
			if q.Head != "" && (p.Head.Fork || p.Head.Branch != q.Head) {
				continue
			}
			if pulls = append(pulls, p); len(pulls) == limit {
				return 0, nil
			}
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.fail("list pull requests", reply, err)
	}
	// Those of one moment come in no certain order.
	slices.SortStableFunc(pulls, func(a, b providers.PullRequest) int {
		if n := b.Created.Compare(a.Created); n != 0 {
			return n
		}
		return b.Number - a.Number
	})
	return pulls, nil
}

// OpenPull implements [providers.Pulls].
func (r *repository) OpenPull(ctx context.Context, p providers.NewPull) (providers.PullRequest, error) {
	act := "open pull request from " + p.Head + " to " + p.Base
	if err := r.differs(ctx, act, p); err != nil {
		return providers.PullRequest{}, err
	}
	reply, option := begin(ctx)
	m, _, err := r.client.MergeRequests.CreateMergeRequest(r.path, &gitlab.CreateMergeRequestOptions{
		Title: new(withDraft(p.Title, p.Draft)), Description: new(p.Body),
		SourceBranch: new(p.Head), TargetBranch: new(p.Base),
	}, option)
	if err == nil {
		return pullOf(m), nil
	}
	e, ok := errors.AsType[*gitlab.ErrorResponse](err)
	if ok && e.Response.StatusCode < http.StatusInternalServerError && strings.Contains(messageOf(e.Body), "does not exist") {
		return providers.PullRequest{}, &fault.Error{
			Code: fault.NotFound, Message: act + " on " + r.name, Hint: "push the branch first",
			Err: said(providers.ErrNotFound, messageOf(e.Body)),
		}
	}
	return providers.PullRequest{}, r.write(ctx, act, reply, err)
}

// differs fails if the branches do not differ, which GitLab does not mind. Of a
// branch that was committed to a moment ago it is known.
func (r *repository) differs(ctx context.Context, act string, p providers.NewPull) error {
	if p.Head == p.Base {
		return r.noDifference(act)
	}
	if r.hasCommitted(p.Head) {
		return nil
	}
	found, err := r.branches(ctx, []string{p.Head, p.Base})
	if err != nil {
		return r.fail(act, nil, err)
	}
	for _, branch := range []string{p.Head, p.Base} {
		if _, ok := found[branch]; !ok {
			return r.noRef(branch)
		}
	}
	reply, option := begin(ctx)
	parted, _, err := r.client.Repositories.MergeBase(r.path, &gitlab.MergeBaseOptions{Ref: &[]string{found[p.Base], found[p.Head]}}, option)
	switch {
	case errors.Is(err, gitlab.ErrNotFound) && strings.Contains(reply.message, "Merge Base"):
		return nil
	case err != nil:
		return r.fail(act, reply, err)
	case parted.ID == found[p.Head]:
		return r.noDifference(act)
	}
	return nil
}

func (r *repository) noDifference(act string) error {
	return fault.New(fault.Refused, "push a commit to the branch first", "%s on %s: the branches do not differ", act, r.name)
}

// UpdatePull implements [providers.Pulls]. For a new title it reads the merge
// request first: the prefix of the title is the draft state.
func (r *repository) UpdatePull(ctx context.Context, number int, u providers.PullUpdate) (providers.PullRequest, error) {
	o := &gitlab.UpdateMergeRequestOptions{Description: u.Body}
	var m *gitlab.MergeRequest
	if u.Title != nil || u.Close {
		var err error
		if m, err = r.mergeRequest(ctx, number); err != nil {
			return providers.PullRequest{}, err
		}
	}
	if u.Title != nil {
		o.Title = new(withDraft(*u.Title, m.Draft || m.WorkInProgress))
	}
	if u.Close && stateOf(m.State) == providers.Open {
		o.StateEvent = new("close")
	}
	if o.Title == nil && o.Description == nil && o.StateEvent == nil {
		if m == nil {
			return r.Pull(ctx, number) // GitLab wants at least one change
		}
		return pullOf(m), nil
	}
	m, err := r.update(ctx, "change pull request !"+strconv.Itoa(number), number, o)
	if err != nil {
		return providers.PullRequest{}, err
	}
	return pullOf(m), nil
}

func (r *repository) update(ctx context.Context, act string, number int, o *gitlab.UpdateMergeRequestOptions) (*gitlab.MergeRequest, error) {
	reply, option := begin(ctx)
	m, _, err := r.client.MergeRequests.UpdateMergeRequest(r.path, number, o, option)
	return m, r.write(ctx, act, reply, err)
}

// SetDraft implements [providers.Drafter].
func (r *repository) SetDraft(ctx context.Context, number int, draft bool) error {
	m, err := r.mergeRequest(ctx, number)
	if err != nil {
		return err
	}
	title := withDraft(m.Title, draft)
	if title == m.Title {
		return nil
	}
	_, err = r.update(ctx, "set the draft state of pull request !"+strconv.Itoa(number), number,
		&gitlab.UpdateMergeRequestOptions{Title: new(title)})
	return err
}
