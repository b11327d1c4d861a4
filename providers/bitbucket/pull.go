package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Pull returns a pull request with its SHAs in full, of which Bitbucket gives 12
// digits.
func (r *repository) Pull(ctx context.Context, number int) (providers.PullRequest, error) {
	p, err := r.readPull(ctx, number)
	if err != nil {
		return providers.PullRequest{}, r.wrap(fmt.Sprintf("read pull request #%d", number), err)
	}
	pull, err := r.complete(ctx, p.pull(r.path))
	return pull, r.wrap(fmt.Sprintf("read pull request #%d", number), err)
}

func (r *repository) readPull(ctx context.Context, number int) (pullJSON, error) {
	p, err := r.client.pull(ctx, r, number)
	if isMissing(err) {
		return p, noPull(number)
	}
	return p, err
}

func noPull(number int) error {
	return refuse(fault.NotFound, providers.ErrNotFound, fmt.Sprintf("there is no pull request #%d", number), "check the number")
}

// complete fills in SHAs. One whose commit is gone, with its fork for example,
// stays short.
func (r *repository) complete(ctx context.Context, pull providers.PullRequest) (providers.PullRequest, error) {
	for _, sha := range []*string{&pull.Head.SHA, &pull.MergeSHA} {
		if *sha == "" || isFull(*sha) {
			continue
		}
		full, err := r.fullSHA(ctx, *sha)
		if err != nil && !isMissing(err) {
			return pull, err
		}
		if strings.HasPrefix(full, *sha) {
			*sha = full
		}
	}
	return pull, nil
}

const defaultLimit = 100

// Pulls lists pull requests, the latest first. Their SHAs have 12 digits.
func (r *repository) Pulls(ctx context.Context, q providers.PullQuery) ([]providers.PullRequest, error) {
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	var states, terms []string
	switch q.State {
	case providers.Open:
		states = []string{"OPEN"}
	case providers.Merged:
		states = []string{"MERGED"}
	case providers.Closed:
		states = []string{"DECLINED", "SUPERSEDED"}
	}
	if q.Head != "" {
		terms = append(terms, "source.branch.name = "+quote(q.Head))
	}
	if q.Base != "" {
		terms = append(terms, "destination.branch.name = "+quote(q.Base))
	}
	var pulls []providers.PullRequest
	err := list(ctx, r.client, r.pullsRequest(states, strings.Join(terms, " AND ")), func(got []pullJSON) bool {
		for _, p := range got {
			pull := p.pull(r.path)
			if q.Head != "" && (pull.Head.Fork || pull.Head.Branch != q.Head) || q.Base != "" && pull.Base != q.Base ||
				q.State != "" && pull.State != q.State {
				continue
			}
			if len(pulls) < q.Limit {
				pulls = append(pulls, pull)
			}
		}
		return len(pulls) < q.Limit
	})
	return pulls, r.wrap("list pull requests", err)
}

// OpenPull opens a pull request. Where one is open already Bitbucket gives that
// one back, as if it were new
// (https://github.com/WeblateOrg/weblate/blob/main/weblate/vcs/git.py), so that
// it is looked for first. Default reviewers are not added: that is what the
// website does, and the API leaves it to its callers. Of two that another
// process opens at once with the same title, both get the one.
func (r *repository) OpenPull(ctx context.Context, p providers.NewPull) (providers.PullRequest, error) {
	pull, err := r.open(ctx, p)
	return pull, r.wrap(fmt.Sprintf("open a pull request for %q", p.Head), err)
}

type branchBody struct {
	Branch nameBody `json:"branch"`
}

type nameBody struct {
	Name string `json:"name"`
}

func (r *repository) open(ctx context.Context, p providers.NewPull) (providers.PullRequest, error) {
	// Two at once would both be given the same one.
	end, err := r.alone(ctx, p.Head+"\x00"+p.Base)
	if err != nil {
		return providers.PullRequest{}, err
	}
	defer end()
	twin := refuse(fault.Conflict, providers.ErrConflict, fmt.Sprintf("there is an open pull request from %q into %q", p.Head, p.Base), "run it again")
	if !r.wasAbsent(pullKind, p.Head) {
		pulls, err := r.Pulls(ctx, providers.PullQuery{State: providers.Open, Head: p.Head, Base: p.Base, Limit: 1})
		if err != nil {
			return providers.PullRequest{}, errors.Unwrap(err)
		}
		if len(pulls) > 0 {
			return providers.PullRequest{}, twin
		}
	}
	body := map[string]any{
		"type": "pullrequest", "title": p.Title, "description": p.Body,
		"source": branchBody{nameBody{p.Head}}, "destination": branchBody{nameBody{p.Base}},
	}
	if p.Draft {
		body["draft"] = true
	}
	var got pullJSON
	_, err = r.client.call(ctx, request{method: http.MethodPost, url: r.at("pullrequests"), json: body}, &got)
	if e, ok := errors.AsType[*statusError](err); ok && e.status >= 400 && e.status < 500 {
		words := strings.ToLower(e.message)
		switch {
		case strings.Contains(words, "no changes to be pulled"):
			return providers.PullRequest{}, refuse(fault.Refused, e, fmt.Sprintf("the branches %q and %q do not differ", p.Head, p.Base), "nothing is to be done")
		case strings.Contains(words, "already") && strings.Contains(words, "pull request"):
			return providers.PullRequest{}, twin
		case strings.Contains(words, "branch not found") || e.status == http.StatusBadRequest && strings.Contains(words, "not found"):
			return providers.PullRequest{}, refuse(fault.NotFound, because(providers.ErrNotFound, e.Error()),
				fmt.Sprintf("one of the branches %q and %q is not there", p.Head, p.Base), "check the names")
		case e.status == http.StatusForbidden && len(e.required) == 0:
			return providers.PullRequest{}, refuse(fault.Access, because(providers.ErrForbidden, e.Error()), "the credential may not open pull requests",
				"give it the scope write:pullrequest:bitbucket (pullrequest:write for an access token)")
		}
	}
	if err != nil {
		return providers.PullRequest{}, err
	}
	pull := got.pull(r.path)
	if start := min(len(p.Title), 100); !strings.HasPrefix(strings.TrimSpace(pull.Title), strings.TrimSpace(p.Title[:start])) {
		return providers.PullRequest{}, twin
	}
	return pull, nil
}

// change is what a pull request becomes. Everything is sent again, for what is
// left out may be emptied
// (https://github.com/abhinav/git-spice/pull/1161,
// https://github.com/sourcegraph/sourcegraph-public-snapshot/issues/46970).
type change struct {
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Reviewers   []uuidBody `json:"reviewers"`
	CloseSource bool       `json:"close_source_branch"`
	Draft       bool       `json:"draft"`
}

type uuidBody struct {
	Type string `json:"type"`
	UUID string `json:"uuid"`
}

func changeOf(p pullJSON) change {
	c := change{
		Type: "pullrequest", Title: p.Title, Description: p.Description, Reviewers: []uuidBody{}, CloseSource: p.CloseSource, Draft: p.Draft,
	}
	for _, reviewer := range p.Reviewers {
		c.Reviewers = append(c.Reviewers, uuidBody{"user", reviewer.UUID})
	}
	return c
}

// put writes a pull request. Bitbucket refuses all of it for a reviewer who may
// not be one any more, since the account was deactivated or left the workspace
// (https://github.com/renovatebot/renovate/issues/10700). It does not say which
// one, so each is left out in turn; where there are several, they are added one by
// one, without those who are refused.
func (r *repository) put(ctx context.Context, number int, c change) (pullJSON, error) {
	got, err := r.putOnce(ctx, number, c)
	if !isReviewersFault(err) {
		return got, err
	}
	all := c.Reviewers
	for i := range all {
		c.Reviewers = slices.Delete(slices.Clone(all), i, i+1)
		if got, err = r.putOnce(ctx, number, c); !isReviewersFault(err) {
			return got, err
		}
	}
	c.Reviewers = []uuidBody{}
	if got, err = r.putOnce(ctx, number, c); err != nil {
		return got, err
	}
	for _, reviewer := range all {
		with := c
		with.Reviewers = append(slices.Clone(c.Reviewers), reviewer)
		after, err := r.putOnce(ctx, number, with)
		switch {
		case err == nil:
			got, c = after, with
		case !isReviewersFault(err):
			return got, err
		}
	}
	return got, nil
}

func (r *repository) putOnce(ctx context.Context, number int, c any) (pullJSON, error) {
	var got pullJSON
	_, err := r.client.call(ctx, request{method: http.MethodPut, url: r.pullAt(number), json: c}, &got)
	return got, err
}

// isReviewersFault reports whether a pull request was refused for its reviewers.
func isReviewersFault(err error) bool {
	e, ok := errors.AsType[*statusError](err)
	return ok && e.status == http.StatusBadRequest && slices.Contains(e.fields, "reviewers")
}

func (r *repository) pullAt(number int, parts ...string) string {
	return r.at(append([]string{"pullrequests", strconv.Itoa(number)}, parts...)...)
}

// UpdatePull changes an open pull request. What somebody else changes between
// the look at it and the write is lost: Bitbucket has no guard for that.
func (r *repository) UpdatePull(ctx context.Context, number int, u providers.PullUpdate) (providers.PullRequest, error) {
	pull, err := r.update(ctx, number, u)
	return pull, r.wrap(fmt.Sprintf("update pull request #%d", number), err)
}

func (r *repository) update(ctx context.Context, number int, u providers.PullUpdate) (providers.PullRequest, error) {
	p, err := r.readPull(ctx, number)
	if err != nil {
		return providers.PullRequest{}, err
	}
	c := changeOf(p)
	changes := false
	for _, field := range []struct {
		to   *string
		from *string
	}{{u.Title, &c.Title}, {u.Body, &c.Description}} {
		if field.to != nil && *field.to != *field.from {
			*field.from, changes = *field.to, true
		}
	}
	if p.State != "OPEN" {
		if changes && !u.Close {
			return providers.PullRequest{}, refuse(fault.Refused, providers.ErrForbidden, fmt.Sprintf("pull request #%d is not open", number),
				"Bitbucket changes only open pull requests, and opens none again")
		}
		return r.complete(ctx, p.pull(r.path))
	}
	if changes {
		if p, err = r.put(ctx, number, c); err != nil {
			return providers.PullRequest{}, err
		}
	}
	if u.Close {
		if _, err := r.client.call(ctx, request{method: http.MethodPost, url: r.pullAt(number, "decline")}, &p); err != nil {
			return providers.PullRequest{}, err
		}
	}
	return p.pull(r.path), nil
}

// SetDraft makes a pull request a draft, or ready.
func (r *repository) SetDraft(ctx context.Context, number int, draft bool) error {
	p, err := r.readPull(ctx, number)
	if err == nil && p.Draft != draft {
		// This alone leaves the rest as it is, unlike a title alone: recorded in
		// https://github.com/abhinav/git-spice, TestIntegration/SubmitEditDraft.yaml.
		_, err = r.putOnce(ctx, number, map[string]any{"type": "pullrequest", "draft": draft})
	}
	return r.wrap(fmt.Sprintf("change the draft state of pull request #%d", number), err)
}
