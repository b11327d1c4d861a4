package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// defaultLimit is what a limit of 0 means.
const defaultLimit = 100

func userOf(u *gh.User) providers.User {
	if u == nil {
		return providers.User{Login: "ghost"} // an account that was deleted
	}
	return providers.User{
		ID: strconv.FormatInt(u.GetID(), 10), Login: u.GetLogin(), Name: u.GetName(),
		Bot: u.GetType() == "Bot" || isBot(u.GetLogin()),
	}
}

func pullOf(p *gh.PullRequest) providers.PullRequest {
	out := providers.PullRequest{
		Number: p.GetNumber(), URL: p.GetHTMLURL(), Title: p.GetTitle(), Body: p.GetBody(), Draft: p.GetDraft(),
		State:  providers.Open,
		Author: userOf(p.User),
		Head: providers.Head{
			Branch: p.GetHead().GetRef(), SHA: p.GetHead().GetSHA(),
			Fork: p.GetHead().GetRepo().GetID() != p.GetBase().GetRepo().GetID(),
		},
		Base:    p.GetBase().GetRef(),
		Created: p.GetCreatedAt().Time, Updated: p.GetUpdatedAt().Time,
	}
	for _, label := range p.Labels {
		out.Labels = append(out.Labels, label.GetName())
	}
	switch {
	case p.MergedAt != nil: // lists tell nothing else
		out.State, out.MergeSHA = providers.Merged, p.GetMergeCommitSHA()
	case p.GetState() == "closed":
		out.State = providers.Closed
	}
	return out
}

// Pull returns a pull request.
func (r *repository) Pull(ctx context.Context, number int) (providers.PullRequest, error) {
	p, _, err := r.c.PullRequests.Get(ctx, r.owner, r.name, number)
	if err != nil {
		return providers.PullRequest{}, r.wrap(fmt.Sprintf("read pull request %d", number), err)
	}
	return pullOf(p), nil
}

// Pulls returns the pull requests that fit.
func (r *repository) Pulls(ctx context.Context, q providers.PullQuery) ([]providers.PullRequest, error) {
	list, err := r.pulls(ctx, q)
	return list, r.wrap("list pull requests", err)
}

func (r *repository) pulls(ctx context.Context, q providers.PullQuery) ([]providers.PullRequest, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	o := &gh.PullRequestListOptions{State: "all", Base: q.Base, Sort: "created", Direction: "desc"}
	switch q.State {
	case providers.Open:
		o.State = "open"
	case providers.Merged, providers.Closed:
		o.State = "closed"
	}
	if q.Head != "" {
		o.Head = r.owner + ":" + q.Head
	}
	o.ListOptions = gh.ListOptions{Page: 1, PerPage: min(limit, pageSize)}
	if q.State == providers.Merged || q.State == providers.Closed {
		o.PerPage = pageSize
	}
	var out []providers.PullRequest
	for {
		page, resp, err := r.c.PullRequests.List(ctx, r.owner, r.name, o)
		if err != nil {
			return nil, err
		}
		for _, item := range page {
			// A head that GitHub does not understand is no filter.
			if p := pullOf(item); fits(p, q) && len(out) < limit {
				out = append(out, p)
			}
		}
		if len(out) >= limit || resp.NextPage <= o.Page {
			return out, nil
		}
		o.Page = resp.NextPage
	}
}

func fits(p providers.PullRequest, q providers.PullQuery) bool {
	return (q.State == "" || p.State == q.State) && (q.Base == "" || p.Base == q.Base) &&
		(q.Head == "" || p.Head.Branch == q.Head && !p.Head.Fork)
}

// OpenPull opens a pull request.
func (r *repository) OpenPull(ctx context.Context, n providers.NewPull) (providers.PullRequest, error) {
	r.mu.Lock()
	committed := r.committed[n.Head]
	r.mu.Unlock()
	// It may not have seen what was committed a moment ago
	// (https://github.com/octokit/octokit.rb/issues/622).
	isEarly := func(err error) bool { return committed && said(err, "No commits between") }
	var p *gh.PullRequest
	err := r.settled(ctx, isEarly, func() (err error) {
		p, _, err = r.c.PullRequests.Create(ctx, r.owner, r.name, &gh.NewPullRequest{
			Title: gh.String(n.Title), Body: gh.String(n.Body), Head: gh.String(n.Head), Base: gh.String(n.Base), Draft: gh.Bool(n.Draft),
		})
		return err
	})
	if err == nil {
		return pullOf(p), nil
	}
	switch {
	case said(err, "A pull request already exists"):
		err = conflict("there is an open pull request from %q into %q", n.Head, n.Base)
	case said(err, "No commits between"):
		err = &problem{
			fault.Refused, "commit something to the branch first",
			fmt.Errorf("branch %q has nothing that %q has not", n.Head, n.Base),
		}
	case said(err, "Draft pull requests are not supported"):
		err = &problem{
			fault.Refused, "open it without draft: GitHub has drafts in public repositories and with paid plans",
			fmt.Errorf("%w: the repository has no drafts", errors.ErrUnsupported),
		}
	case said(err, "PullRequest head is invalid"):
		err = conflict("there is no branch %q", n.Head)
	case said(err, "PullRequest base is invalid"):
		err = noBranch(n.Base)
	}
	return providers.PullRequest{}, r.wrap(fmt.Sprintf("open a pull request from %q into %q", n.Head, n.Base), err)
}

// UpdatePull changes a pull request.
func (r *repository) UpdatePull(ctx context.Context, number int, u providers.PullUpdate) (providers.PullRequest, error) {
	if u == (providers.PullUpdate{}) {
		return r.Pull(ctx, number)
	}
	change := &gh.PullRequest{Title: u.Title, Body: u.Body}
	if u.Close {
		change.State = gh.String("closed")
	}
	// To set what is set already changes nothing.
	p, _, err := r.c.PullRequests.Edit(repeatable(ctx), r.owner, r.name, number, change)
	if err != nil {
		return providers.PullRequest{}, r.wrap(fmt.Sprintf("change pull request %d", number), err)
	}
	return pullOf(p), nil
}

// MergePull merges a pull request.
func (r *repository) MergePull(ctx context.Context, number int, m providers.Merge) (string, error) {
	sha, err := r.merge(ctx, number, m)
	return sha, r.wrap(fmt.Sprintf("merge pull request %d", number), err)
}

func (r *repository) merge(ctx context.Context, number int, m providers.Merge) (string, error) {
	method := m.Method
	if method == "" {
		var err error
		if method, err = r.defaultMethod(ctx); err != nil {
			return "", err
		}
	}
	// A merge that is sent again fails, and that would hide that it was done.
	done, _, err := r.c.PullRequests.Merge(transport.Once(ctx), r.owner, r.name, number, m.Message, &gh.PullRequestOptions{
		CommitTitle: m.Title, SHA: m.Head, MergeMethod: string(method),
	})
	switch statusOf(err) {
	case 0:
	case http.StatusMethodNotAllowed:
		// https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request
		return "", &problem{
			fault.Refused, "see on its page what it waits for",
			fmt.Errorf("%w: %s", providers.ErrForbidden, wordsOf(err)),
		}
	case http.StatusConflict:
		return "", conflict("the head of the pull request is not at %s", m.Head)
	}
	if err != nil {
		return "", err
	}
	return done.GetSHA(), nil
}

// graphNode is what mutations need to know of a pull request.
type graphNode struct {
	ID               string
	IsDraft          bool
	HeadRefOID       string
	AutoMergeRequest *struct{ EnabledAt string }
}

// defaultMethod is how pull requests are merged where nothing else is asked for.
func (r *repository) defaultMethod(ctx context.Context) (providers.MergeMethod, error) {
	var reply struct {
		Repository *struct{ ViewerDefaultMergeMethod string }
	}
	if err := r.query(ctx, `query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { viewerDefaultMergeMethod } }`, nil, &reply); err != nil {
		return "", err
	}
	if reply.Repository == nil {
		return "", errNoAnswer
	}
	return providers.MergeMethod(strings.ToLower(reply.Repository.ViewerDefaultMergeMethod)), nil
}

func (r *repository) node(ctx context.Context, number int) (*graphNode, error) {
	var reply struct {
		Repository *struct{ PullRequest *graphNode }
	}
	err := r.query(ctx, `query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) { pullRequest(number: $number) { id isDraft headRefOid autoMergeRequest { enabledAt } } } }`, map[string]any{"number": number}, &reply)
	if err != nil {
		return nil, err
	}
	if reply.Repository == nil || reply.Repository.PullRequest == nil {
		return nil, errNoAnswer
	}
	return reply.Repository.PullRequest, nil
}

// SetDraft makes a pull request a draft, or ready. REST cannot.
func (r *repository) SetDraft(ctx context.Context, number int, draft bool) error {
	return r.wrap(fmt.Sprintf("change whether pull request %d is a draft", number), r.setDraft(ctx, number, draft))
}

func (r *repository) setDraft(ctx context.Context, number int, draft bool) error {
	node, err := r.node(ctx, number)
	if err != nil || node.IsDraft == draft {
		return err
	}
	document := `mutation($input: MarkPullRequestReadyForReviewInput!) { markPullRequestReadyForReview(input: $input) { clientMutationId } }`
	if draft {
		document = `mutation($input: ConvertPullRequestToDraftInput!) { convertPullRequestToDraft(input: $input) { clientMutationId } }`
	}
	return r.mutate(ctx, document, map[string]any{"pullRequestId": node.ID}, nil)
}

// EnableAutoMerge implements providers.AutoMerger. GitHub refuses it where nothing
// is waited for, and where checks that are not required have not passed.
func (r *repository) EnableAutoMerge(ctx context.Context, number int, m providers.Merge) error {
	return r.wrap(fmt.Sprintf("have pull request %d merged automatically", number), r.autoMerge(ctx, number, m))
}

func (r *repository) autoMerge(ctx context.Context, number int, m providers.Merge) error {
	node, err := r.node(ctx, number)
	switch {
	case err != nil:
		return err
	case node.HeadRefOID != m.Head:
		return conflict("the head of the pull request is at %s, not at %s", node.HeadRefOID, m.Head)
	case node.AutoMergeRequest != nil:
		return nil
	}
	if m.Method == "" {
		// GitHub's default is a merge commit, which the repository may not allow
		// (EnablePullRequestAutoMergeInput in its schema).
		if m.Method, err = r.defaultMethod(ctx); err != nil {
			return err
		}
	}
	input := map[string]any{"pullRequestId": node.ID, "expectedHeadOid": m.Head, "mergeMethod": strings.ToUpper(string(m.Method))}
	if m.Title != "" {
		input["commitHeadline"] = m.Title
	}
	if m.Message != "" {
		input["commitBody"] = m.Message
	}
	err = r.mutate(ctx, `mutation($input: EnablePullRequestAutoMergeInput!) { enablePullRequestAutoMerge(input: $input) { clientMutationId } }`, input, nil)
	e, ok := errors.AsType[graphError](err)
	if !ok || e.has("STALE_DATA") || e.has("NOT_FOUND") || e.has("FORBIDDEN") {
		return err
	}
	hint := "see on its page what it waits for"
	switch words := e.Error(); {
	case contains(words, "not allowed for this repository"):
		hint = "allow auto-merge in the repository's settings"
	case contains(words, "clean status"):
		// There is nothing to wait for
		// (https://github.com/peter-evans/enable-pull-request-automerge/issues/343).
		_, err := r.merge(ctx, number, m)
		return err
	case contains(words, "protected branch rules not configured"):
		// https://github.com/hatena/Hatena-Blog-Workflows-Boilerplate/issues/12
		hint = "no rule of the base branch says what to wait for, and checks have not passed: have checks required, or merge it by hand"
	case contains(words, "not allowed on this repository"):
		hint = "choose another method, or allow it in the repository's settings"
	case contains(words, "unstable status"):
		hint = "checks have not passed that are not required: have them required, or merge it by hand"
	}
	return &problem{fault.Refused, hint, fmt.Errorf("%w: %w", providers.ErrForbidden, e)}
}
