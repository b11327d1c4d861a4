package gitlab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Commit implements [providers.Committer]: in one request for a new branch, one
// more for each file when adding to a branch, and two to rebuild one. See the
// package for what guards it.
//
// Modes stay: GitLab's update changes no more than the contents
// (Gitaly's internal/gitaly/service/operations/commit_files.go, applyAction).
func (r *repository) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	o := &gitlab.CreateCommitOptions{
		Branch: new(c.Branch), CommitMessage: new(c.Message), Stats: new(false),
	}
	if c.Author != nil {
		o.AuthorName, o.AuthorEmail = new(c.Author.Name), new(c.Author.Email)
	}
	for _, change := range c.Changes {
		if !change.Mode().IsFile() {
			return "", &fault.Error{
				Code: fault.Refused, Message: fmt.Sprintf("commit to %s on %s: %s is a link or a submodule", c.Branch, r.name, fault.Printable(change.Path)),
				Hint: "leave it out, or put a file in its place first", Err: errors.ErrUnsupported,
			}
		}
		o.Actions = append(o.Actions, action(change))
	}
	switch {
	case c.Head == "" && c.Parent != "":
		o.StartSHA = new(c.Parent)
	case c.Head == c.Parent:
		if err := r.guard(ctx, c, o.Actions); err != nil {
			return "", err
		}
	default:
		if err := r.isAt(ctx, c.Branch, c.Head); err != nil {
			return "", err
		}
		o.StartSHA, o.Force = new(c.Parent), new(true)
	}
	reply, option := begin(ctx)
	commit, _, err := r.client.Commits.CreateCommit(r.path, o, option)
	if err != nil {
		return "", r.commitFault(ctx, c, reply, err)
	}
	if !fullSHA.MatchString(commit.ID) {
		return "", fmt.Errorf("commit to %s on %s: the reply names no commit", c.Branch, r.name)
	}
	r.remember(c.Branch)
	return commit.ID, nil
}

func action(change providers.Change) *gitlab.CommitActionOptions {
	a := &gitlab.CommitActionOptions{FilePath: new(change.Path)}
	switch {
	case change.Content == nil:
		a.Action = new(gitlab.FileDelete)
		return a
	case change.Before == nil:
		a.Action = new(gitlab.FileCreate)
	default:
		a.Action = new(gitlab.FileUpdate)
	}
	a.Content, a.Encoding = new(base64.StdEncoding.EncodeToString(change.Content)), new("base64")
	return a
}

// guard gives each action on a file that is there the commit that last changed
// it as of the parent, so that GitLab refuses the file if another changed it on
// the branch. Newer servers take any commit for it, older ones only the very last
// (GitLab's app/services/files/base_service.rb, file_has_changed?).
func (r *repository) guard(ctx context.Context, c providers.CommitRequest, actions []*gitlab.CommitActionOptions) error {
	var mu sync.Mutex
	last := make([]string, len(actions))
	indexes := make([]int, 0, len(actions))
	for i, change := range c.Changes {
		if change.Before != nil {
			indexes = append(indexes, i)
		}
	}
	err := each(indexes, func(i int) error {
		change := c.Changes[i]
		reply, option := begin(ctx)
		meta, _, err := r.client.RepositoryFiles.GetFileMetaData(r.path, change.Path,
			&gitlab.GetFileMetaDataOptions{Ref: new(c.Parent)}, option)
		switch {
		case errors.Is(err, gitlab.ErrNotFound) && r.forge.jobToken:
			return r.fail("commit to "+c.Branch, reply, err) // it may be the project that is hidden: HEAD does not tell
		case errors.Is(err, gitlab.ErrNotFound):
			return r.conflict("commit to "+c.Branch, change.Path+" is not in the commit that it was read from")
		case err != nil:
			return r.fail("read what last changed "+change.Path, reply, err)
		case meta.LastCommitID == "" || change.Before.ID != "" && meta.BlobID != change.Before.ID:
			return r.conflict("commit to "+c.Branch, change.Path+" is not as it was read")
		}
		mu.Lock()
		defer mu.Unlock()
		last[i] = meta.LastCommitID
		return nil
	})
	if err != nil {
		return err
	}
	for i, id := range last {
		if id != "" {
			actions[i].LastCommitID = new(id)
		}
	}
	return nil
}

// isAt fails if a branch is not at a SHA.
func (r *repository) isAt(ctx context.Context, branch, sha string) error {
	at, err := r.branch(ctx, branch)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return r.conflict("change the branch "+branch, "it is no longer there")
	case err != nil:
		return err
	case at != sha:
		return r.conflict("change the branch "+branch, "it was at "+sha+" and is now at "+at)
	}
	return nil
}

func (r *repository) conflict(act, why string) error {
	return &fault.Error{
		Code: fault.Conflict, Message: act + " on " + r.name, Hint: "look again and decide anew",
		Err: said(providers.ErrConflict, why),
	}
}

// The texts by which GitLab refuses a commit since something changed
// (app/services/commits/create_service.rb, app/services/files/multi_service.rb,
// Gitaly's internal/gitaly/service/operations/commit_files.go and
// internal/git/updateref).
var conflicts = regexp.MustCompile(`(?i)a branch called .* already exists|branch already exists|` +
	`has changed since you started editing it|a file with this name (?:already exists|doesn't exist)|` +
	`you can only create or edit files when you are on a branch|please refresh and try again|could not update refs/heads/`)

const rulePrefix = "GitLab: "

// commitFault says why a commit was refused.
func (r *repository) commitFault(ctx context.Context, c providers.CommitRequest, reply *reply, err error) error {
	act := "commit to " + c.Branch
	e, ok := errors.AsType[*gitlab.ErrorResponse](err)
	if !ok || e.Response == nil {
		return r.write(ctx, act, reply, err)
	}
	text, status := messageOf(e.Body), e.Response.StatusCode
	switch {
	case status == http.StatusForbidden || status == http.StatusBadRequest && strings.Contains(text, "not allowed to push"):
		return r.pushFault(ctx, c.Branch, act, e)
	case status != http.StatusBadRequest && status != http.StatusUnprocessableEntity && status != http.StatusInternalServerError:
		return r.write(ctx, act, reply, err)
	}
	if c.Head == "" && !strings.Contains(text, "editing it") {
		if taken := r.taken(ctx, c.Branch); taken != "" {
			return &fault.Error{
				Code:    fault.Refused,
				Message: fmt.Sprintf("%s on %s: there is a branch %s, beside which git allows none of this name", act, r.name, taken),
				Hint:    "delete or rename that branch, or choose another name", Err: providers.ErrRefTaken,
			}
		}
	}
	switch {
	case status == http.StatusInternalServerError:
		return r.fail(act, reply, err)
	case conflicts.MatchString(text):
		return r.conflict(act, text)
	case strings.Contains(text, "Cannot find start_sha"):
		return r.noRef(c.Parent)
	case strings.Contains(text, "larger than the allowed size"):
		return &fault.Error{
			Code: fault.Refused, Message: act + " on " + r.name + ": a file is larger than the project allows",
			Hint: "raise the limit in the project's push rules, or make the file smaller", Err: said(providers.ErrForbidden, text),
		}
	case strings.Contains(text, "name is invalid"):
		return &fault.Error{
			Code: fault.Usage, Message: fmt.Sprintf("%s on %s: GitLab takes no branch of this name", act, r.name),
			Hint: "choose another name", Err: errors.New(text),
		}
	case status == http.StatusBadRequest && text != "", strings.HasPrefix(text, rulePrefix), strings.Contains(text, "hook"):
		// The server's rules and hooks speak to people with a prefix
		// (https://docs.gitlab.com/administration/server_hooks/#custom-error-messages),
		// which this API cuts off (GitLab's lib/gitlab/git/pre_receive_error.rb), so
		// that nothing but what is left tells them.
		return &fault.Error{
			Code: fault.Refused, Message: act + " on " + r.name, Hint: "keep to the project's push rules",
			Err: said(providers.ErrForbidden, strings.TrimPrefix(text, rulePrefix)),
		}
	}
	return r.fail(act, reply, err)
}

// pushFault says why a branch may not be pushed to.
func (r *repository) pushFault(ctx context.Context, branch, act string, e *gitlab.ErrorResponse) error {
	err := r.forbidden(act+" on "+r.name, messageOf(e.Body), e.Body)
	if r.forge.jobToken || !strings.Contains(messageOf(e.Body), "not allowed to push") {
		return r.write(ctx, act, nil, err)
	}
	if project, readErr := r.readProject(ctx); readErr == nil && project.Archived {
		return r.archived(act)
	}
	b, _, readErr := r.client.Branches.GetBranch(r.path, branch, gitlab.WithContext(ctx))
	if readErr == nil && b.Protected {
		return &fault.Error{
			Code: fault.Refused, Message: fmt.Sprintf("%s on %s: the branch is protected", act, r.name),
			Hint: "open a pull request, or let the token's user push to it in the settings of protected branches",
			Err:  said(providers.ErrForbidden, strings.TrimPrefix(messageOf(e.Body), "403 ")),
		}
	}
	return err
}

// taken returns a branch beside which there cannot be one of this name, or "".
func (r *repository) taken(ctx context.Context, name string) string {
	parts := strings.Split(name, "/")
	var above []string
	for i := 1; i < len(parts); i++ {
		above = append(above, strings.Join(parts[:i], "/"))
	}
	if found, err := r.branches(ctx, above); err == nil {
		for _, branch := range above {
			if _, ok := found[branch]; ok {
				return branch
			}
		}
	}
	below, _, err := r.client.Branches.ListBranches(r.path, &gitlab.ListBranchesOptions{
		Search: new("^" + name + "/"), ListOptions: gitlab.ListOptions{PerPage: perPage},
	}, gitlab.WithContext(ctx))
	if err != nil {
		return ""
	}
	i := slices.IndexFunc(below, func(b *gitlab.Branch) bool { return strings.HasPrefix(b.Name, name+"/") })
	if i < 0 {
		return ""
	}
	return below[i].Name
}

// DeleteBranch implements [providers.BranchDeleter]. GitLab has no guard: the
// branch is looked at just before.
func (r *repository) DeleteBranch(ctx context.Context, name, sha string) error {
	at, err := r.branch(ctx, name)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		if _, err := r.readProject(ctx); err != nil {
			return err
		}
		return nil
	case err != nil:
		return err
	case at != sha:
		return r.conflict("delete the branch "+name, "it is at "+at)
	}
	act := "delete the branch " + name
	reply, option := begin(ctx)
	_, err = r.client.Branches.DeleteBranch(r.path, name, option)
	if errors.Is(err, gitlab.ErrNotFound) && !isProjectMissing(reply) {
		return nil
	}
	return r.write(ctx, act, reply, err)
}
