package github

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/providers"
)

const (
	maxDescription = 140    // https://docs.github.com/en/rest/commits/statuses
	maxSummary     = 65_535 // https://docs.github.com/en/rest/checks/runs#create-a-check-run
	maxMessage     = 64_000 // 64 KB, see there
	maxAnnotations = 50     // in one request, see there
	maxReported    = 1000
)

// cut shortens a text to a number of characters.
func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}

// cutBytes shortens a text to a number of bytes: where GitHub says characters it
// is not known to mean fewer.
func cutBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const end = "…"
	limit -= len(end)
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + end
}

// SetStatus writes a status. To write it twice changes nothing.
func (r *repository) SetStatus(ctx context.Context, sha string, s providers.Status) error {
	state := map[providers.CheckState]string{
		providers.Pending: "pending", providers.Passed: "success", providers.Failed: "failure", providers.Skipped: "success",
	}[s.State]
	status := &gh.RepoStatus{State: gh.String(state), Context: gh.String(s.Name), Description: gh.String(cut(s.Description, maxDescription))}
	if s.URL != "" {
		status.TargetURL = gh.String(s.URL)
	}
	_, _, err := r.c.Repositories.CreateStatus(repeatable(ctx), r.owner, r.name, sha, status)
	if said(err, "No commit found") {
		err = noCommit(sha)
	}
	return r.wrap("set the status of commit "+sha, r.denied(ctx, err))
}

// Checks returns statuses and check runs. Check runs of one name may be several,
// by different workflows.
func (r *repository) Checks(ctx context.Context, sha string) ([]providers.Check, error) {
	checks, err := r.checks(ctx, sha)
	if statusOf(err) == http.StatusUnprocessableEntity {
		err = noCommit(sha)
	}
	return checks, r.wrap("read the checks of commit "+sha, err)
}

func (r *repository) checks(ctx context.Context, sha string) ([]providers.Check, error) {
	statuses, err := pages(0, func(o gh.ListOptions) ([]*gh.RepoStatus, *gh.Response, error) {
		combined, resp, err := r.c.Repositories.GetCombinedStatus(ctx, r.owner, r.name, sha, &o)
		if err != nil {
			return nil, nil, err
		}
		return combined.Statuses, resp, nil
	})
	if err != nil {
		return nil, err
	}
	runs, err := pages(0, func(o gh.ListOptions) ([]*gh.CheckRun, *gh.Response, error) {
		list, resp, err := r.c.Checks.ListCheckRunsForRef(ctx, r.owner, r.name, sha, &gh.ListCheckRunsOptions{Filter: gh.String("latest"), ListOptions: o})
		if err != nil {
			return nil, nil, err
		}
		return list.CheckRuns, resp, nil
	})
	if err != nil {
		return nil, err
	}
	var out []providers.Check
	for _, s := range statuses {
		out = append(out, providers.Check{Name: s.GetContext(), State: stateOf(s.GetState()), Description: s.GetDescription(), URL: s.GetTargetURL()})
	}
	for _, run := range runs {
		c := providers.Check{Name: run.GetName(), State: providers.Pending, Description: run.GetOutput().GetTitle(), URL: run.GetDetailsURL()}
		if run.GetStatus() == "completed" {
			c.State = stateOf(run.GetConclusion())
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b providers.Check) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// stateOf reads the state of a status or the conclusion of a check run
// (https://docs.github.com/en/rest/checks/runs). What is not known has not
// passed.
func stateOf(text string) providers.CheckState {
	switch text {
	case "success":
		return providers.Passed
	case "pending":
		return providers.Pending
	case "neutral", "skipped", "cancelled", "stale":
		return providers.Skipped
	}
	return providers.Failed
}

// Report writes a check run. One of the same name by the same App on the same
// commit takes the place of those before it; to change an old one would leave
// its annotations.
func (r *repository) Report(ctx context.Context, sha string, report providers.Report) error {
	return r.wrap("report on commit "+sha, r.denied(ctx, r.report(ctx, sha, report)))
}

func (r *repository) report(ctx context.Context, sha string, report providers.Report) error {
	o := gh.CreateCheckRunOptions{Name: report.Name, HeadSHA: sha, Status: gh.String("in_progress")}
	if report.URL != "" {
		o.DetailsURL = gh.String(report.URL)
	}
	conclusion := map[providers.CheckState]string{
		providers.Passed: "success", providers.Failed: "failure", providers.Skipped: "neutral",
	}[report.State]
	if conclusion != "" {
		o.Status, o.Conclusion = gh.String("completed"), gh.String(conclusion)
	}
	annotations := annotationsOf(report.Annotations)
	output := func(part []*gh.CheckRunAnnotation) *gh.CheckRunOutput {
		title := report.Title
		if title == "" {
			title = report.Name
		}
		return &gh.CheckRunOutput{Title: gh.String(title), Summary: gh.String(cutBytes(report.Summary, maxSummary)), Annotations: part}
	}
	first := min(len(annotations), maxAnnotations)
	o.Output = output(annotations[:first])
	run, _, err := r.c.Checks.CreateCheckRun(ctx, r.owner, r.name, o)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(annotations[first:], maxAnnotations) {
		_, _, err := r.c.Checks.UpdateCheckRun(ctx, r.owner, r.name, run.GetID(), gh.UpdateCheckRunOptions{Name: report.Name, Output: output(part)})
		if err != nil {
			return err
		}
	}
	return nil
}

func annotationsOf(list []providers.Annotation) []*gh.CheckRunAnnotation {
	var out []*gh.CheckRunAnnotation
	for _, a := range list[:min(len(list), maxReported)] {
		level := "warning"
		if a.Failed {
			level = "failure"
		}
		line := max(a.Line, 1)
		out = append(out, &gh.CheckRunAnnotation{
			Path: gh.String(a.Path), StartLine: gh.Int(line), EndLine: gh.Int(line),
			AnnotationLevel: gh.String(level), Message: gh.String(strings.ToValidUTF8(cutBytes(a.Message, maxMessage), "\ufffd")),
		})
	}
	return out
}
