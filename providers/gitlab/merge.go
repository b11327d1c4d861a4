package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// acceptance is the library's AcceptMergeRequestOptions with auto_merge, by which
// newer servers know merge_when_pipeline_succeeds
// (https://docs.gitlab.com/api/merge_requests/#merge-a-merge-request).
type acceptance struct {
	MergeCommitMessage        string `json:"merge_commit_message,omitempty"`
	SquashCommitMessage       string `json:"squash_commit_message,omitempty"`
	Squash                    *bool  `json:"squash,omitempty"`
	SHA                       string `json:"sha"`
	AutoMerge                 bool   `json:"auto_merge,omitempty"`
	MergeWhenPipelineSucceeds bool   `json:"merge_when_pipeline_succeeds,omitempty"`
}

// MergePull implements [providers.Pulls]. While GitLab is still working out
// whether it can be merged, as it is for seconds after a push, it waits a little.
func (r *repository) MergePull(ctx context.Context, number int, m providers.Merge) (string, error) {
	merged, err := r.accept(ctx, "merge pull request !"+strconv.Itoa(number), number, m, false)
	if err != nil {
		return "", err
	}
	p := pullOf(merged)
	if p.State != providers.Merged {
		return "", fmt.Errorf("merge pull request !%d on %s: it is %s: %w", number, r.name, merged.State, providers.ErrUnanswered)
	}
	return p.MergeSHA, nil
}

// EnableAutoMerge implements [providers.AutoMerger]. GitLab merges it at once if
// its pipeline has passed already, and refuses if there is no pipeline and
// nothing else to wait for: one in a project without CI is merged at once, and in
// one with CI it waits for the pipeline to begin.
func (r *repository) EnableAutoMerge(ctx context.Context, number int, m providers.Merge) error {
	act := "enable auto-merge of pull request !" + strconv.Itoa(number)
	_, err := r.accept(ctx, act, number, m, true)
	if err == nil || !errors.Is(err, providers.ErrForbidden) || r.forge.jobToken {
		return err // no pipeline gives a job's token the right
	}
	return r.autoMergeRefused(ctx, act, number, m, err)
}

func (r *repository) accept(ctx context.Context, act string, number int, m providers.Merge, auto bool) (*gitlab.MergeRequest, error) {
	a := acceptance{SHA: m.Head, AutoMerge: auto, MergeWhenPipelineSucceeds: auto}
	if err := r.choose(ctx, act, m, &a); err != nil {
		return nil, err
	}
	if m.Title != "" || m.Message != "" {
		title := m.Title
		if title == "" {
			p, err := r.Pull(ctx, number)
			if err != nil {
				return nil, err
			}
			title = p.Title
		}
		a.MergeCommitMessage = strings.TrimRight(title+"\n\n"+m.Message, "\n")
		a.SquashCommitMessage = a.MergeCommitMessage
	}
	// A merge must not be sent twice, although it is a PUT.
	once := transport.Once(ctx)
	for wait := firstWait; ; wait *= 2 {
		reply := new(reply)
		var merged gitlab.MergeRequest
		err := r.send(context.WithValue(once, replyKey{}, reply), http.MethodPut, r.in("merge_requests/%d/merge", number), a, &merged)
		if err == nil {
			return &merged, nil
		}
		if wait > lastWait || !r.isUnsettled(ctx, number, err) {
			return nil, r.mergeFault(ctx, act, reply, err)
		}
		if err := r.forge.sleep(ctx, wait); err != nil {
			return nil, r.fail(act, nil, err)
		}
	}
}

const (
	firstWait = time.Second
	lastWait  = 8 * time.Second
)

// unsettled are the states in which GitLab does not yet know whether a merge
// request can be merged
// (https://docs.gitlab.com/api/merge_requests/#merge-status).
var unsettled = []string{"unchecked", "checking", "preparing", "approvals_syncing"}

// isUnsettled reports whether a merge was refused only since GitLab does not know
// yet.
func (r *repository) isUnsettled(ctx context.Context, number int, err error) bool {
	e, ok := errors.AsType[*gitlab.ErrorResponse](err)
	if !ok || !slices.Contains([]int{405, 406, 422}, e.Response.StatusCode) {
		return false
	}
	m, readErr := r.mergeRequest(ctx, number)
	return readErr == nil && m.State == "opened" && slices.Contains(unsettled, m.DetailedMergeStatus)
}

// mergeFault says why a merge was refused: 401 for who may not merge, 405 for what
// must not be merged yet, 406 or 422 for what cannot be, 409 for another head.
func (r *repository) mergeFault(ctx context.Context, act string, reply *reply, err error) error {
	e, ok := errors.AsType[*gitlab.ErrorResponse](err)
	if !ok || e.Response == nil {
		return r.write(ctx, act, reply, err)
	}
	text := messageOf(e.Body)
	switch e.Response.StatusCode {
	case http.StatusUnauthorized:
		// A bad token is refused with words of its own; this is the answer to who
		// lacks the right (GitLab's lib/api/merge_requests.rb).
		// Nor is that of a job's token, which GitLab does not look at here.
		if text != "401 Unauthorized" || r.forge.jobToken {
			break
		}
		if _, selfErr := r.Self(ctx); selfErr != nil {
			break
		}
		return &fault.Error{
			Code: fault.Access, Message: act + " on " + r.name,
			Hint: "let the token's user merge into the base branch: see the settings of protected branches",
			Err:  said(providers.ErrForbidden, "the credential may not merge it"),
		}
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return &fault.Error{
			Code: fault.Refused, Message: act + " on " + r.name, Hint: "see on the merge request what it waits for",
			Err: said(providers.ErrForbidden, text),
		}
	}
	return r.write(ctx, act, reply, err)
}

// choose sets how it is merged. Whether a merge commit is made is a setting of
// the project; only squashing can be chosen
// (https://docs.gitlab.com/user/project/merge_requests/methods/).
func (r *repository) choose(ctx context.Context, act string, m providers.Merge, a *acceptance) error {
	if m.Method == "" {
		return nil
	}
	p, err := r.readProject(ctx)
	if err != nil {
		return err
	}
	a.Squash = new(m.Method == providers.Squash)
	no := func(why string) error {
		return &fault.Error{
			Code: fault.Refused, Message: fmt.Sprintf("%s on %s: %s", act, r.name, why),
			Hint: "choose another method, or change the project's settings of merge requests", Err: providers.ErrForbidden,
		}
	}
	switch fast := p.MergeMethod == gitlab.FastForwardMerge; {
	case m.Method == providers.Squash && p.SquashOption == gitlab.SquashOptionNever:
		return no("the project does not squash")
	case m.Method != providers.Squash && p.SquashOption == gitlab.SquashOptionAlways:
		return no("the project always squashes")
	case m.Method == providers.MergeCommit && fast:
		return no("the project makes no merge commits")
	case m.Method == providers.Rebase && !fast:
		return no("the project makes merge commits")
	}
	return nil
}
