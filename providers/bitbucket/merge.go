package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// strategies are Bitbucket's names of the ways to merge
// (https://support.atlassian.com/bitbucket-cloud/docs/merge-a-pull-request/).
var strategies = map[providers.MergeMethod]string{
	providers.MergeCommit: "merge_commit",
	providers.Squash:      "squash",
	providers.Rebase:      "rebase_fast_forward",
}

// MergePull merges a pull request. Bitbucket has no guard for its head, which is
// looked at just before.
func (r *repository) MergePull(ctx context.Context, number int, m providers.Merge) (string, error) {
	sha, err := r.merge(ctx, number, m)
	return sha, r.wrap(fmt.Sprintf("merge pull request #%d", number), err)
}

func (r *repository) merge(ctx context.Context, number int, m providers.Merge) (string, error) {
	p, err := r.readPull(ctx, number)
	if err != nil {
		return "", err
	}
	if p.State != "OPEN" {
		return "", refuse(fault.Refused, providers.ErrForbidden, fmt.Sprintf("pull request #%d is not open", number), "look at the pull request")
	}
	if !atHead(p, m.Head) {
		return "", headMoved(number, m.Head)
	}
	body := map[string]any{"type": "pullrequest_merge_parameters", "close_source_branch": p.CloseSource}
	if message := strings.TrimSpace(m.Title + "\n\n" + m.Message); message != "" {
		body["message"] = message
	}
	strategy := p.Destination.Branch.Strategy
	if m.Method != "" {
		strategy = strategies[m.Method]
		if known := p.Destination.Branch.Strategies; strategy == "" || len(known) > 0 && !slices.Contains(known, strategy) {
			return "", refuse(fault.Refused, errors.ErrUnsupported, fmt.Sprintf("the repository does not merge by %q", m.Method), "use another way to merge, or allow this one in the repository's merge strategies")
		}
	}
	if strategy != "" {
		body["merge_strategy"] = strategy
	}
	var merged pullJSON
	reply, err := r.client.call(ctx, request{method: http.MethodPost, url: r.pullAt(number, "merge"), json: body}, nil)
	switch {
	case err != nil:
		return "", r.unmerged(ctx, number, m.Head, err)
	case reply.status == http.StatusAccepted:
		if merged, err = r.awaitMerge(ctx, number, reply.header.Get("Location")); err != nil {
			return "", r.unmerged(ctx, number, m.Head, err)
		}
	default:
		if merged, err = r.readPull(ctx, number); err != nil {
			return "", err
		}
	}
	if merged.MergeCommit == nil {
		return "", fmt.Errorf("the merged pull request has no merge commit")
	}
	return r.fullSHA(ctx, merged.MergeCommit.Hash)
}

// atHead reports whether the head of a pull request, of which Bitbucket gives
// 12 digits, is a SHA.
func atHead(p pullJSON, sha string) bool {
	return p.Source.Commit != nil && len(p.Source.Commit.Hash) >= 7 && strings.HasPrefix(sha, p.Source.Commit.Hash)
}

func headMoved(number int, sha string) error {
	return refuse(fault.Conflict, providers.ErrConflict, fmt.Sprintf("the head of pull request #%d is not %s any more", number, sha),
		"look at what was pushed, and run it again")
}

// unmerged says why a merge was refused: checks that have not passed come as
// status 400 or 409, and so do conflicts.
func (r *repository) unmerged(ctx context.Context, number int, head string, err error) error {
	e, ok := errors.AsType[*statusError](err)
	switch {
	case !ok || e.status == http.StatusUnauthorized || len(e.required) > 0:
		return err
	case e.status == timedOut:
		return &fault.Error{
			Code: fault.Failed, Message: "Bitbucket gave up waiting for the merge, which may be done all the same",
			Hint: "look at the pull request, then run it again", Err: &both{providers.ErrUnanswered, e},
		}
	case e.status >= 500:
		return err
	}
	if p, err := r.readPull(ctx, number); err == nil && !atHead(p, head) {
		return headMoved(number, head)
	}
	return refuse(fault.Refused, because(providers.ErrForbidden, e.Error()), fmt.Sprintf("pull request #%d cannot be merged", number),
		"look at its checks, its approvals and its conflicts")
}

// Waits between looks at a merge that takes its time.
const (
	firstWait = time.Second
	lastWait  = 10 * time.Second
)

// awaitMerge follows a merge that goes on after the reply:
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/#api-repositories-workspace-repo-slug-pullrequests-pull-request-id-merge-task-status-task-id-get
func (r *repository) awaitMerge(ctx context.Context, number int, location string) (pullJSON, error) {
	// The place is made from the task's id alone, so that no other is asked.
	at, err := url.Parse(location)
	if err != nil {
		return pullJSON{}, err
	}
	task := at.Path[strings.LastIndexByte(at.Path, '/')+1:]
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		var got struct {
			Status string   `json:"task_status"`
			Result pullJSON `json:"merge_result"`
		}
		if _, err := r.client.call(ctx, request{url: r.pullAt(number, "merge", "task-status", url.PathEscape(task))}, &got); err != nil {
			return pullJSON{}, err
		}
		if got.Status == "SUCCESS" {
			return got.Result, nil
		}
		if err := r.client.sleep(ctx, wait); err != nil {
			return pullJSON{}, &fault.Error{
				Code: fault.Failed, Message: "the merge is not done yet", Hint: "look at the pull request", Err: &both{providers.ErrUnanswered, err},
			}
		}
	}
}
