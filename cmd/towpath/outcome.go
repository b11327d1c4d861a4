package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers"
)

// showOutcomes says what became of pull requests. It reports whether there was
// anything to say.
func (o *bumpOptions) showOutcomes(w io.Writer, r *propose.Result) bool {
	said := false
	if r.Pushed != "" {
		fmt.Fprintf(w, "Pushed %.10s to %s.\n", r.Pushed, r.Base)
		said = true
	}
	for _, out := range r.Outcomes {
		if line := describeOutcome(&out, r.Base, o.dryRun); line != "" {
			fmt.Fprintln(w, line)
			said = true
		}
	}
	return said
}

func describeOutcome(out *propose.Outcome, base string, dryRun bool) string {
	number, url := "the branch "+out.Branch, ""
	if out.Pull != nil {
		number, url = fmt.Sprintf("pull request #%d", out.Pull.Number), fault.Printable(out.Pull.URL)
	}
	switch {
	case out.State == propose.Opened && dryRun:
		return fmt.Sprintf("Would open a pull request from %s into %s; nothing was written.", out.Branch, base)
	case out.State == propose.Updated && dryRun:
		return fmt.Sprintf("Would update %s: %s; nothing was written.", number, url)
	case out.State == propose.Closing && dryRun:
		return fmt.Sprintf("Would close %s, since %s has its versions already: %s; nothing was written.", number, base, url)
	case out.State == propose.Opened && out.Pull.State == providers.Merged:
		return fmt.Sprintf("Opened and merged %s: %s", number, url)
	case out.State == propose.Updated && out.Pull.State == providers.Merged:
		return fmt.Sprintf("Updated and merged %s: %s", number, url)
	case out.State == propose.Opened:
		return fmt.Sprintf("Opened %s: %s", number, url)
	case out.State == propose.Updated:
		return fmt.Sprintf("Updated %s: %s", number, url)
	case out.State == propose.Unchanged && slices.ContainsFunc(out.Files, func(f bump.File) bool { return len(f.Refused) > 0 }):
		return fmt.Sprintf("Left as it is: %s: %s", number, url)
	case out.State == propose.Unchanged:
		return fmt.Sprintf("Nothing to do: %s holds it already: %s", number, url)
	case out.State == propose.Closing:
		return fmt.Sprintf("Closed %s, since %s has its versions already: %s", number, base, url)
	case out.State == propose.Held:
		return "Left alone: " + strings.TrimSpace(number+" "+url)
	case out.State == propose.Declined:
		return fmt.Sprintf("Left alone: %s with these versions was closed: %s", number, url)
	}
	return ""
}

// isIdle reports whether a file is that of a pull request to which nothing is
// done.
func (r *bumpResult) isIdle(path string) bool {
	if r.forge == nil {
		return false
	}
	for _, o := range r.forge.Outcomes {
		if slices.ContainsFunc(o.Files, func(f bump.File) bool { return f.Path == path }) {
			return o.State != propose.Opened && o.State != propose.Updated
		}
	}
	return false
}

// problems are the outcomes that are refusals.
func problems(r *propose.Result) []*fault.Error {
	var out []*fault.Error
	if r == nil {
		return nil
	}
	for _, o := range r.Outcomes {
		if o.Problem != nil && o.State == propose.Held {
			out = append(out, o.Problem)
		}
	}
	return out
}

// The JSON of pull requests.
type (
	pullJSON struct {
		Number int    `json:"number"`
		URL    string `json:"url"`
		State  string `json:"state"`
		Merged bool   `json:"merged,omitempty"`
	}
	outcomeJSON struct {
		App         string      `json:"app,omitempty"`
		Env         string      `json:"env,omitempty"`
		Branch      string      `json:"branch"`
		Commit      string      `json:"commit,omitempty"`
		PullRequest *pullJSON   `json:"pullRequest,omitempty"`
		State       string      `json:"state"`
		Warnings    []faultJSON `json:"warnings,omitempty"`
	}
)

// addOutcomes puts what became of pull requests into the JSON: each into a list,
// and a single one into keys of its own.
func (out *bumpJSON) addOutcomes(r *propose.Result) {
	out.Commit = r.Pushed
	for _, o := range r.Outcomes {
		if o.State == "" {
			continue
		}
		j := outcomeJSON{App: o.App, Env: o.Env, Branch: o.Branch, Commit: o.Commit, State: string(o.State)}
		if o.Pull != nil {
			j.PullRequest = &pullJSON{o.Pull.Number, o.Pull.URL, string(o.State), o.Pull.State == providers.Merged}
		}
		for _, w := range o.Warnings {
			for _, f := range faultsIn(w) {
				j.Warnings = append(j.Warnings, toFaultJSON(f))
			}
		}
		out.PullRequests = append(out.PullRequests, j)
	}
	if len(out.PullRequests) == 1 {
		only := out.PullRequests[0]
		out.Branch, out.PullRequest = only.Branch, only.PullRequest
		if out.Commit == "" {
			out.Commit = only.Commit
		}
	}
}
