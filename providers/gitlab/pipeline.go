package gitlab

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// awaited are the states of a merge request in which a pipeline that begins can
// change what GitLab says to auto-merge
// (https://docs.gitlab.com/api/merge_requests/#merge-status).
var awaited = append([]string{"mergeable", "ci_must_pass", "ci_still_running"}, unsettled...)

// autoMergeRefused goes on where GitLab refused auto-merge, with the fault that
// it gave. It refuses where there is nothing to wait for, and where there is no
// pipeline yet: they are made in the background, some seconds after a push
// (https://gitlab.com/gitlab-org/gitlab/-/merge_requests/199730,
// https://github.com/renovatebot/renovate/issues/6248). So a merge request without
// one is merged at once only if none is to come.
func (r *repository) autoMergeRefused(ctx context.Context, act string, number int, m providers.Merge, refused error) error {
	hasCI, tried := false, 0
	for wait := firstWait; ; wait *= 2 {
		now, err := r.mergeRequest(ctx, number)
		switch {
		case err != nil:
			return refused
		case now.SHA != m.Head:
			return &fault.Error{
				Code: fault.Conflict, Message: act + " on " + r.name, Hint: "look at what was pushed",
				Err: said(providers.ErrConflict, "its head is at "+now.SHA),
			}
		case now.MergeWhenPipelineSucceeds:
			return nil
		case !slices.Contains(awaited, now.DetailedMergeStatus):
			return refused
		case now.HeadPipeline != nil && now.HeadPipeline.ID != tried:
			_, err := r.accept(ctx, act, number, m, true)
			// One of another commit may be that of the head before, which GitLab
			// shows until there is the next, or one of the merged result.
			if err == nil || !errors.Is(err, providers.ErrForbidden) || now.HeadPipeline.SHA == m.Head {
				return err
			}
			tried = now.HeadPipeline.ID
		case now.HeadPipeline == nil && !hasCI:
			if hasCI, err = r.hasCI(ctx, m.Head); err != nil {
				return err
			}
			switch {
			case hasCI:
			case now.DetailedMergeStatus == "mergeable":
				_, err := r.accept(ctx, act, number, m, false)
				return err
			default:
				return refused
			}
		}
		if r.isInVain(hasCI && now.HeadPipeline == nil, wait > lastWait) {
			return &fault.Error{
				Code: fault.Refused, Message: act + " on " + r.name + ": no pipeline has begun",
				Hint: "run it again when one has, or merge it by hand", Err: providers.ErrForbidden,
			}
		}
		if err := r.forge.sleep(ctx, wait); err != nil {
			return r.fail(act, nil, err)
		}
	}
}

// ciSettings are what a project says of its pipelines
// (https://docs.gitlab.com/api/projects/#retrieve-a-project).
type ciSettings struct {
	Builds     string `json:"builds_access_level"`
	Jobs       *bool  `json:"jobs_enabled"` // what old servers have in its place
	Path       string `json:"ci_config_path"`
	AutoDevOps *bool  `json:"auto_devops_enabled"` // only maintainers see it (GitLab's lib/api/entities/project.rb)
}

// defaultCIPath is the file that configures pipelines where nothing else is set
// (https://docs.gitlab.com/ci/pipelines/settings/#specify-a-custom-cicd-configuration-file).
const defaultCIPath = ".gitlab-ci.yml"

// hasCI reports whether GitLab may make a pipeline for a commit: rules may keep
// it from doing so all the same. Where the credential does not see whether Auto
// DevOps is on, which needs no file, the pipelines of earlier pushes tell.
func (r *repository) hasCI(ctx context.Context, sha string) (bool, error) {
	const act = "find out whether a pipeline is to come"
	reply, option := begin(ctx)
	var s ciSettings
	if err := r.send(context.WithValue(ctx, replyKey{}, reply), http.MethodGet, "projects/"+gitlab.PathEscape(r.path), nil, &s); err != nil {
		return false, r.fail(act, reply, err)
	}
	path := s.Path
	if path == "" {
		path = defaultCIPath
	}
	switch {
	case s.Builds == string(gitlab.DisabledAccessControl), s.Builds == "" && s.Jobs != nil && !*s.Jobs:
		return false, nil
	case s.AutoDevOps != nil && *s.AutoDevOps, strings.Contains(path, "://"), strings.Contains(path, "@"):
		// Such a path is a URL, or file@group/project.
		return true, nil
	}
	_, _, err := r.client.RepositoryFiles.GetFileMetaData(r.path, path, &gitlab.GetFileMetaDataOptions{Ref: new(sha)}, option)
	if err == nil || !errors.Is(err, gitlab.ErrNotFound) {
		return err == nil, r.fail(act, reply, err)
	}
	if s.AutoDevOps != nil {
		return false, nil
	}
	pushed, _, err := r.client.Pipelines.ListProjectPipelines(r.path, &gitlab.ListProjectPipelinesOptions{
		Source: new("push"), ListOptions: gitlab.ListOptions{PerPage: 1},
	}, option)
	return len(pushed) > 0, r.fail(act, reply, err)
}

// isInVain reports whether to wait no longer: after the last time, and after the
// first where it was waited before for a pipeline that did not come. Rules that
// make none for one branch mostly make none for the next, and waits would add up.
func (r *repository) isInVain(hasNone, isLast bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = r.idle || hasNone && isLast
	return isLast || hasNone && r.idle
}
