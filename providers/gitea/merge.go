package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// The server finds out in the background whether a pull request can be merged,
// and until it knows it answers as if it could not.
const (
	mergeTries = 12
	mergeWait  = 100 * time.Millisecond // at first, growing by half each time
)

// MergePull implements providers.Pulls.
func (r *repository) MergePull(ctx context.Context, number int, m providers.Merge) (string, error) {
	act := fmt.Sprintf("merge pull request %d of %s", number, r.path)
	option, err := r.mergeOption(ctx, m)
	if err == nil {
		err = r.merge(ctx, number, option)
	}
	if err != nil && !isUnanswered(err) {
		return "", r.forge.fail(act, err)
	}
	p, lookErr := r.pull(ctx, number)
	if lookErr == nil && p.HasMerged && p.MergedCommitID != nil && (p.Head == nil || p.Head.Sha == m.Head) {
		return *p.MergedCommitID, nil
	}
	if err == nil && lookErr == nil {
		err = &strangeError{r.forge.host, "it says that it merged a pull request, and that it did not"}
	}
	return "", r.forge.fail(act, errors.Join(err, lookErr))
}

func (r *repository) mergeOption(ctx context.Context, m providers.Merge) (sdk.MergePullRequestOption, error) {
	option := sdk.MergePullRequestOption{HeadCommitId: m.Head, Title: m.Title, Message: m.Message}
	switch m.Method {
	case providers.MergeCommit:
		option.Style = sdk.MergeStyleMerge
	case providers.Squash:
		option.Style = sdk.MergeStyleSquash
	case providers.Rebase:
		option.Style = sdk.MergeStyleRebase
	case "":
		repo, err := r.get(ctx)
		if err != nil {
			return option, err
		}
		if option.Style = repo.DefaultMergeStyle; option.Style == "" {
			option.Style = sdk.MergeStyleMerge
		}
	default:
		return option, refuse(errors.ErrUnsupported, nil, "give merge, squash or rebase", fmt.Sprintf("Gitea has no merge method %q", m.Method))
	}
	return option, nil
}

// merge merges, or has it merged later, if the head is where it should be.
func (r *repository) merge(ctx context.Context, number int, option sdk.MergePullRequestOption) error {
	wait := mergeWait
	for try := 1; ; try++ {
		_, _, err := r.forge.sdk(ctx).MergePullRequest(r.owner, r.name, int64(number), option)
		again, err := r.mergeFault(ctx, number, option, err)
		if !again || try == mergeTries {
			return err
		}
		if err := r.forge.sleep(ctx, wait); err != nil {
			return err
		}
		wait += wait / 2
	}
}

// mergeFault says why a merge was refused, and whether to try again
// (MergePullRequest in routers/api/v1/repo/pull.go of Gitea).
func (r *repository) mergeFault(ctx context.Context, number int, option sdk.MergePullRequestOption, err error) (again bool, _ error) {
	status := statusOf(err)
	if err == nil || status == 0 || isUnanswered(err) || status == http.StatusUnauthorized || status == http.StatusLocked {
		return false, err
	}
	if scope, _ := missingScope(saysOf(err)); scope != "" {
		return false, err
	}
	// The message does not tell all, and the head is looked at last.
	p, lookErr := r.pull(ctx, number)
	if lookErr != nil {
		return false, lookErr
	}
	what := fmt.Sprintf("pull request %d of %s", number, r.path)
	if p.Head != nil && p.Head.Sha != option.HeadCommitId {
		return false, refuse(providers.ErrConflict, err, "look at what was pushed", "the head of "+what+" moved meanwhile")
	}
	says := saysOf(err)
	switch {
	case p.HasMerged:
		return false, refuse(providers.ErrForbidden, err, "", what+" is merged already")
	case p.State == sdk.StateClosed:
		return false, refuse(providers.ErrForbidden, err, "open it again", what+" is closed")
	case status == http.StatusConflict && option.MergeWhenChecksSucceed && strings.Contains(says, "already scheduled"):
		return false, nil
	}
	refused := refuse(providers.ErrForbidden, err, "see on its page what is missing", what+" cannot be merged now")
	switch {
	case status == http.StatusMethodNotAllowed && strings.Contains(says, "try again"):
		return true, refused
	case status == http.StatusConflict && strings.Contains(says, "out of date"):
		return true, refused // the base moved, or the head has not been taken in yet
	case status == http.StatusMethodNotAllowed || status == http.StatusConflict || status == http.StatusForbidden || status == http.StatusUnprocessableEntity:
		return false, refused
	}
	return false, err
}

// EnableAutoMerge implements providers.AutoMerger. The server does not guard the
// head, which is looked at just before; where nothing is missing it merges at
// once.
func (r *repository) EnableAutoMerge(ctx context.Context, number int, m providers.Merge) error {
	act := fmt.Sprintf("have pull request %d of %s merged when it may be", number, r.path)
	p, err := r.pull(ctx, number)
	if err != nil {
		return r.forge.fail(act, err)
	}
	if p.Head != nil && p.Head.Sha != m.Head {
		return refuse(providers.ErrConflict, nil, "look at what was pushed",
			fmt.Sprintf("the head of pull request %d of %s moved meanwhile", number, r.path))
	}
	option, err := r.mergeOption(ctx, m)
	if err == nil {
		option.MergeWhenChecksSucceed = true
		err = r.merge(ctx, number, option)
	}
	return r.forge.fail(act, err)
}
