package gitea

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// states are Gitea's words (modules/commitstatus of Gitea); it knows skipped
// since 1.25.
var states = map[providers.CheckState]sdk.StatusState{
	providers.Pending: sdk.StatusPending,
	providers.Passed:  sdk.StatusSuccess,
	providers.Failed:  sdk.StatusFailure,
	providers.Skipped: "skipped",
}

func checkState(s sdk.StatusState) providers.CheckState {
	switch s {
	case sdk.StatusSuccess, sdk.StatusWarning:
		return providers.Passed
	case sdk.StatusFailure, sdk.StatusError:
		return providers.Failed
	case "skipped":
		return providers.Skipped
	}
	return providers.Pending
}

// SetStatus implements providers.Statuses.
func (r *repository) SetStatus(ctx context.Context, sha string, s providers.Status) error {
	_, _, err := r.forge.sdk(ctx).CreateStatus(r.owner, r.name, sha, sdk.CreateStatusOption{
		State: states[s.State], TargetURL: s.URL, Description: s.Description, Context: s.Name,
	})
	if statusOf(err) == http.StatusInternalServerError {
		if _, lookErr := r.commit(ctx, sha); lookErr != nil {
			err = lookErr
		}
	}
	return r.fail(err, "set the status %s of %s in %s", s.Name, sha, r.path)
}

// Checks implements providers.Statuses. What Gitea's Actions say is among them.
func (r *repository) Checks(ctx context.Context, sha string) ([]providers.Check, error) {
	rows, err := pages(0, func(page int) ([]*sdk.Status, http.Header, error) {
		var reply sdk.CombinedStatus
		header, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("commits", sha, "status"), query: pageQuery(page), out: &reply})
		return reply.Statuses, header, err
	})
	if err != nil {
		return nil, r.fail(err, "read the checks of %s in %s", sha, r.path)
	}
	checks := make([]providers.Check, len(rows))
	for i, row := range rows {
		checks[i] = providers.Check{Name: row.Context, State: checkState(row.State), Description: row.Description, URL: row.TargetURL}
	}
	slices.SortFunc(checks, func(a, b providers.Check) int { return cmp.Compare(a.Name, b.Name) })
	return checks, nil
}
