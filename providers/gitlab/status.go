package gitlab

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

// maxDescription is what GitLab's database takes
// (GitLab's db/structure.sql, ci_builds.description, and
// app/models/generic_commit_status.rb).
const maxDescription = 255

var stateNames = map[providers.CheckState]gitlab.BuildStateValue{
	providers.Pending: gitlab.Running, providers.Passed: gitlab.Success,
	providers.Failed: gitlab.Failed, providers.Skipped: gitlab.Canceled,
}

// noTransition is GitLab's answer to a state that a status has already, such as
// "Cannot transition status via :run from :running"
// (GitLab's spec/requests/api/commit_statuses_spec.rb).
var noTransition = regexp.MustCompile(`Cannot transition status via :\w+ from :(\w+)`)

// SetStatus implements [providers.Statuses]. GitLab does not change a status that
// keeps its state, so its description stays then.
func (r *repository) SetStatus(ctx context.Context, sha string, s providers.Status) error {
	state := stateNames[s.State]
	o := &gitlab.SetCommitStatusOptions{State: state, Name: new(s.Name)}
	if s.Description != "" {
		text := []rune(s.Description)
		o.Description = new(string(text[:min(len(text), maxDescription)]))
	}
	if s.URL != "" {
		o.TargetURL = new(s.URL)
	}
	if s.Branch != "" {
		// So that it stands in the pipeline that the merge request shows.
		o.Ref = new(s.Branch)
	}
	reply, option := begin(ctx)
	_, _, err := r.client.Commits.SetCommitStatus(r.path, sha, o, option)
	if e, ok := errors.AsType[*gitlab.ErrorResponse](err); ok && e.Response.StatusCode == http.StatusBadRequest {
		if m := noTransition.FindStringSubmatch(messageOf(e.Body)); m != nil && m[1] == string(state) {
			return nil
		}
	}
	return r.write(ctx, "set the status "+s.Name, reply, err)
}

// Checks implements [providers.Statuses]. To GitLab the jobs of pipelines are
// statuses too. A name that several pipelines have means its latest.
func (r *repository) Checks(ctx context.Context, sha string) ([]providers.Check, error) {
	latest := map[string]*gitlab.CommitStatus{}
	reply, option := begin(ctx)
	err := pages(func(page gitlab.ListOptions) (int, error) {
		list, resp, err := r.client.Commits.GetCommitStatuses(r.path, sha, &gitlab.GetCommitStatusesOptions{ListOptions: page}, option)
		if err != nil {
			return 0, err
		}
		for _, s := range list {
			if was := latest[s.Name]; was == nil || was.ID < s.ID {
				latest[s.Name] = s
			}
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.fail("read the checks of a commit", reply, err)
	}
	checks := make([]providers.Check, 0, len(latest))
	for _, s := range latest {
		checks = append(checks, providers.Check{
			Name: s.Name, State: checkState(s), Description: s.Description, URL: s.TargetURL,
		})
	}
	slices.SortFunc(checks, func(a, b providers.Check) int { return strings.Compare(a.Name, b.Name) })
	return checks, nil
}

// checkState reads a status (GitLab's app/models/concerns/ci/has_status.rb). A
// job that may fail, and one that a person may start, hold up nothing.
func checkState(s *gitlab.CommitStatus) providers.CheckState {
	switch s.Status {
	case "success":
		return providers.Passed
	case "failed":
		if s.AllowFailure {
			return providers.Skipped
		}
		return providers.Failed
	case "canceled", "canceling", "skipped":
		return providers.Skipped
	case "manual":
		if s.AllowFailure {
			return providers.Skipped
		}
	}
	return providers.Pending
}
