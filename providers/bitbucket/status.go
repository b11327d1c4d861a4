package bitbucket

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// Limits of a status. That of the key is documented, that of the description is
// what the database of Bitbucket is known to take.
const (
	maxKey         = 40
	maxDescription = 255
)

var statusStates = map[providers.CheckState]string{
	providers.Pending: "INPROGRESS",
	providers.Passed:  "SUCCESSFUL",
	providers.Failed:  "FAILED",
	providers.Skipped: "STOPPED",
}

type statusJSON struct {
	Type        string     `json:"type"`
	Key         string     `json:"key"`
	State       string     `json:"state"`
	Name        string     `json:"name,omitempty"`
	Description string     `json:"description"`
	URL         string     `json:"url"`
	RefName     string     `json:"refname,omitempty"`
	Updated     *time.Time `json:"updated_on,omitempty"`
}

// SetStatus writes a build status. One of the same key is overwritten. The name
// of the branch ties it to the pull request.
func (r *repository) SetStatus(ctx context.Context, sha string, s providers.Status) error {
	body := statusJSON{
		Type: "build", Key: cut(s.Name, maxKey), Name: s.Name, State: statusStates[s.State],
		Description: cut(s.Description, maxDescription), URL: s.URL, RefName: s.Branch,
	}
	if body.URL == "" {
		body.URL = r.client.server + "/" + r.path + "/commits/" + url.PathEscape(sha)
	}
	_, err := r.client.call(ctx, request{method: http.MethodPost, url: r.at("commit", url.PathEscape(sha), "statuses", "build"), json: body}, nil)
	if isMissing(err) {
		err = r.noRef(sha)
	}
	return r.wrap("set a status on "+sha, err)
}

// Checks lists build statuses and the reports of Code Insights.
func (r *repository) Checks(ctx context.Context, sha string) ([]providers.Check, error) {
	checks, err := r.checks(ctx, sha)
	return checks, r.wrap("list the checks of "+sha, err)
}

func (r *repository) checks(ctx context.Context, sha string) ([]providers.Check, error) {
	statuses, err := all[statusJSON](ctx, r.client, request{
		url: r.at("commit", url.PathEscape(sha), "statuses"), query: url.Values{"pagelen": {pageSize}},
	})
	if isMissing(err) {
		return nil, r.noRef(sha)
	}
	if err != nil {
		return nil, err
	}
	reports, err := all[reportJSON](ctx, r.client, request{
		url: r.at("commit", url.PathEscape(sha), "reports"), query: url.Values{"pagelen": {pageSize}},
	})
	if err != nil && !isMissing(err) {
		return nil, err
	}
	type word struct {
		providers.Check
		at time.Time
	}
	last := map[string]word{}
	hear := func(check providers.Check, at *time.Time) {
		w := word{Check: check}
		if at != nil {
			w.at = *at
		}
		if old, ok := last[check.Name]; !ok || !w.at.Before(old.at) {
			last[check.Name] = w
		}
	}
	for _, s := range statuses {
		check := providers.Check{Name: cmp.Or(s.Name, s.Key), State: providers.Pending, Description: s.Description, URL: s.URL}
		for state, name := range statusStates {
			if name == s.State {
				check.State = state
			}
		}
		hear(check, s.Updated)
	}
	for _, report := range reports {
		check := providers.Check{Name: report.Title, State: providers.Skipped, Description: report.Details, URL: report.Link}
		for state, name := range reportResults {
			if name == report.Result {
				check.State = state
			}
		}
		hear(check, report.Updated)
	}
	checks := make([]providers.Check, 0, len(last))
	for _, w := range last {
		checks = append(checks, w.Check)
	}
	slices.SortFunc(checks, func(a, b providers.Check) int { return strings.Compare(a.Name, b.Name) })
	return checks, nil
}

// Limits of Code Insights
// (https://developer.atlassian.com/cloud/bitbucket/rest/api-group-reports/).
const (
	maxDetails     = 2000
	maxSummary     = 450
	maxAnnotations = 1000
	annotationsPer = 100
)

// reportResults has no word for a check that was skipped: such a report has no
// result.
var reportResults = map[providers.CheckState]string{
	providers.Pending: "PENDING",
	providers.Passed:  "PASSED",
	providers.Failed:  "FAILED",
}

type reportJSON struct {
	Type    string     `json:"type"`
	Title   string     `json:"title"`
	Details string     `json:"details"`
	Kind    string     `json:"report_type"`
	By      string     `json:"reporter,omitempty"`
	Link    string     `json:"link,omitempty"`
	Result  string     `json:"result,omitempty"`
	Updated *time.Time `json:"updated_on,omitempty"`
}

type annotationJSON struct {
	Type     string `json:"type"`
	ID       string `json:"external_id"`
	Kind     string `json:"annotation_type"`
	Summary  string `json:"summary"`
	Details  string `json:"details,omitempty"`
	Severity string `json:"severity"`
	Result   string `json:"result"`
	Path     string `json:"path,omitempty"`
	Line     int    `json:"line,omitempty"`
}

// Report writes a report of Code Insights, anew: annotations of an older one
// would stay otherwise.
func (r *repository) Report(ctx context.Context, sha string, report providers.Report) error {
	return r.wrap(fmt.Sprintf("report %q on %s", report.Name, sha), r.report(ctx, sha, report))
}

func (r *repository) report(ctx context.Context, sha string, report providers.Report) error {
	id := "towpath-" + strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(report.Name))
	at := r.at("commit", url.PathEscape(sha), "reports", url.PathEscape(id))
	if _, err := r.client.call(ctx, request{method: http.MethodDelete, url: at}, nil); err != nil && !isMissing(err) {
		return err
	}
	body := reportJSON{
		Type: "report", Title: report.Name, Kind: "TEST", By: "towpath", Link: report.URL, Result: reportResults[report.State],
		Details: cut(strings.TrimSpace(report.Title+"\n\n"+report.Summary), maxDetails),
	}
	if _, err := r.client.call(ctx, request{method: http.MethodPut, url: at, json: body}, nil); err != nil {
		if isMissing(err) {
			return r.noRef(sha)
		}
		return err
	}
	annotations := report.Annotations[:min(len(report.Annotations), maxAnnotations)]
	for start := 0; start < len(annotations); start += annotationsPer {
		var bodies []annotationJSON
		for i, a := range annotations[start:min(start+annotationsPer, len(annotations))] {
			b := annotationJSON{
				Type: "report_annotation", ID: fmt.Sprintf("%s-%d", id, start+i), Kind: "BUG", Severity: "LOW", Result: "PASSED",
				Summary: cut(a.Message, maxSummary), Path: a.Path, Line: a.Line,
			}
			if a.Failed {
				b.Severity, b.Result = "HIGH", "FAILED"
			}
			if b.Summary != a.Message {
				b.Details = cut(a.Message, maxDetails)
			}
			bodies = append(bodies, b)
		}
		if _, err := r.client.call(ctx, request{method: http.MethodPost, url: at + "/annotations", json: bodies}, nil); err != nil {
			return err
		}
	}
	return nil
}
