package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/diff"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/propose"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// notFound says that an image stands nowhere, and what comes near.
func notFound(m bump.Move, r *propose.Draft) error {
	var near []string
	for _, f := range r.Plan.Files {
		for _, n := range f.Mentions {
			near = append(near, fmt.Sprintf("%s:%s: %s: %s", fault.Printable(n.Path), n.Position, fault.Printable(n.Text), n.Reason))
		}
	}
	where := fmt.Sprintf("any of %s", count(r.Looked, "file"))
	hint := "check the spelling and --path, mark the place with `# towpath: " + m.Image.Familiar() + "`, name it with --set, or pass --allow-missing"
	if r.Scope != nil {
		where = r.Scope.Where(m.Image)
		hint = "see `towpath check` for what stands in them; if only a tag does, give the app keys in " + config.Path
	}
	if r.Looked == 0 {
		hint = "there are no files to look at; does git ignore the folder?"
	}
	if len(near) > 0 {
		const shown = 5
		more := ""
		if len(near) > shown {
			more = fmt.Sprintf("\n    and %d more", len(near)-shown)
			near = near[:shown]
		}
		hint = "these come near:\n    " + strings.Join(near, "\n    ") + more
	}
	also := ""
	if len(r.Request.Moves) > 1 {
		also = "; nothing was changed"
	}
	return fault.New(fault.NotFound, hint, "no version of %s stands in %s%s", m.Image.Familiar(), where, also)
}

// show prints what a run came to. The error it returns decides the exit
// status; refusals are printed, and are an error too.
func (o *bumpOptions) show(c console, r *bumpResult, err error) error {
	if r != nil {
		r.warn(c.err)
	}
	if o.output == "json" {
		return o.showJSON(c, r, err)
	}
	if r == nil {
		return err
	}
	refused := r.refused()
	if err == nil {
		o.showText(c.out, r)
	}
	for _, f := range refused {
		report(c.err, f)
	}
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		return fmt.Errorf("%w: %w", errReported, fault.New(fault.Refused, "", "%s refused", count(len(refused), "place")))
	}
	return nil
}

// warn tells of hold files that may hold nothing, or not what was meant.
func (r *bumpResult) warn(w io.Writer) {
	if r.forge != nil {
		for _, o := range r.forge.Outcomes {
			for _, err := range o.Warnings {
				for _, f := range faultsIn(err) {
					warn(w, f)
				}
			}
		}
	}
	if r.Scope == nil {
		return
	}
	for _, err := range r.Scope.Warnings() {
		for _, f := range faultsIn(err) {
			warn(w, f)
		}
	}
}

func (r *bumpResult) refused() []*fault.Error { return append(refused(r.Draft), problems(r.forge)...) }

func refused(r *propose.Draft) []*fault.Error {
	out := slices.Clone(r.Held)
	for _, f := range r.Plan.Files {
		out = append(out, f.Refused...)
	}
	return out
}

func (o *bumpOptions) showText(w io.Writer, r *bumpResult) {
	places, changed, current := 0, 0, 0
	var envs []string
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Plan.Files {
		current += len(f.Current)
		if f.After == nil || r.isIdle(f.Path) {
			continue
		}
		changed++
		if env := r.Claim(f.Path).Env; env != "" && !slices.Contains(envs, env) {
			envs = append(envs, env)
		}
		places += len(f.Changes)
		if o.dryRun {
			fmt.Fprint(w, diff.Unified(f.Path, f.Before, f.After))
			continue
		}
		for _, c := range f.Changes {
			fmt.Fprintf(table, "%s:%s\t%s\t%s\t%s -> %s\n", fault.Printable(c.Path), c.Position, c.Kind, c.Image.Familiar(), orNone(c.From), c.To)
		}
	}
	table.Flush()
	o.showMentions(w, r)
	for _, s := range r.silent() {
		fmt.Fprintf(w, "left alone: app %s in %s: %s\n", s.App, s.Env, reasonSilent)
	}

	where := fmt.Sprintf("%s in %s", count(places, "place"), count(changed, "file"))
	if len(envs) > 0 {
		where += ", in " + strings.Join(r.Scope.Sort(envs), ", ")
	}
	switch {
	case r.forge != nil && o.showOutcomes(w, r.forge):
	case places == 0 && len(r.refused()) > 0:
		fmt.Fprintln(w, "Nothing was changed.")
	case places == 0 && current == 0:
		fmt.Fprintf(w, "Nothing to do: no version of it stands in any of %s.\n", count(r.Looked, "file"))
	case places == 0:
		fmt.Fprintf(w, "Nothing to do: %s in %s already.\n", strings.Join(r.versions(), ", "), count(current, "place"))
	case o.dryRun:
		fmt.Fprintf(w, "Would bump %s; nothing was written.\n", where)
	case r.commit != "":
		fmt.Fprintf(w, "Bumped %s, committed as %.10s.\n", where, r.commit)
	default:
		fmt.Fprintf(w, "Bumped %s.\n", where)
	}
}

// showMentions names where the old version stays behind in the files that
// deployments are made of; what a README speaks of is of no interest here.
func (o *bumpOptions) showMentions(w io.Writer, r *bumpResult) {
	const shown = 5
	n := 0
	for _, f := range r.Plan.Files {
		for _, m := range f.Mentions {
			if m.Other || strings.HasSuffix(f.Path, ".md") || strings.HasSuffix(f.Path, ".txt") {
				continue
			}
			if n++; n <= shown {
				fmt.Fprintf(w, "left alone: %s:%s: %s: %s\n", fault.Printable(m.Path), m.Position, fault.Printable(m.Text), m.Reason)
			}
		}
	}
	if n > shown {
		fmt.Fprintf(w, "left alone: %d more (see --output json)\n", n-shown)
	}
}

const reasonSilent = "no version of it stands there"

// silent returns where nothing was found though it was looked for, unless --path
// says that only a part is meant.
func (r *bumpResult) silent() []propose.Silent {
	if r.Scope == nil || r.partial {
		return nil
	}
	return r.Scope.Silent(r.Plan, r.Request.Moves)
}

func (r *bumpResult) versions() []string {
	var out []string
	for _, f := range r.Plan.Files {
		for _, c := range f.Current {
			if text := c.Image.Familiar() + " is at " + c.To; !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}

func orNone(version string) string {
	if version == "" {
		return "(none)"
	}
	return version
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// The JSON of `towpath bump`, as the README documents it. Keys are only added.
type (
	bumpJSON struct {
		Changed      bool          `json:"changed"`
		DryRun       bool          `json:"dryRun,omitempty"`
		Files        []fileJSON    `json:"files"`
		Current      []changeJSON  `json:"current"`
		Refused      []faultJSON   `json:"refused"`
		LeftAlone    []mentionJSON `json:"leftAlone"`
		Branch       string        `json:"branch,omitempty"`
		Commit       string        `json:"commit,omitempty"`
		PullRequest  *pullJSON     `json:"pullRequest,omitempty"`
		PullRequests []outcomeJSON `json:"pullRequests,omitempty"`
		Errors       []faultJSON   `json:"errors,omitempty"`
	}
	fileJSON struct {
		Path    string       `json:"path"`
		App     string       `json:"app,omitempty"`
		Env     string       `json:"env,omitempty"`
		Changes []changeJSON `json:"changes"`
	}
	changeJSON struct {
		Path   string `json:"path,omitempty"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
		Kind   string `json:"kind"`
		Image  string `json:"image"`
		From   string `json:"from"`
		To     string `json:"to"`
	}
	faultJSON struct {
		Path    string `json:"path,omitempty"`
		Line    int    `json:"line,omitempty"`
		Column  int    `json:"column,omitempty"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	}
	mentionJSON struct {
		Path   string `json:"path"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
		Text   string `json:"text"`
		Reason string `json:"reason"`
	}
)

// showJSON prints one JSON object, whatever happened. Errors stand in it and
// go to standard error too.
func (o *bumpOptions) showJSON(c console, r *bumpResult, err error) error {
	out := bumpJSON{DryRun: o.dryRun, Files: []fileJSON{}, Current: []changeJSON{}, Refused: []faultJSON{}, LeftAlone: []mentionJSON{}}
	if r != nil {
		out.Commit = r.commit
		if r.forge != nil {
			out.addOutcomes(r.forge)
		}
		for _, f := range append(slices.Clone(r.Held), problems(r.forge)...) {
			out.Refused = append(out.Refused, toFaultJSON(f))
		}
		for _, f := range r.Plan.Files {
			out.add(f, r.Claim(f.Path), err == nil)
		}
		for _, s := range r.silent() {
			out.LeftAlone = append(out.LeftAlone, mentionJSON{Path: s.File, Text: "app " + s.App + " in " + s.Env, Reason: reasonSilent})
		}
		out.Changed = len(out.Files) > 0 && !o.dryRun && (r.forge == nil || r.forge.Wrote())
	}
	for _, f := range faultsIn(err) {
		out.Errors = append(out.Errors, toFaultJSON(f))
	}
	encoder := json.NewEncoder(c.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if e := encoder.Encode(out); e != nil {
		return e
	}
	if err == nil && len(out.Refused) > 0 {
		for _, f := range r.refused() {
			report(c.err, f)
		}
		return fmt.Errorf("%w: %w", errReported, fault.New(fault.Refused, "", "%s refused", count(len(out.Refused), "place")))
	}
	return err
}

// add puts one file of the plan into the JSON. If the run failed, its changes
// were not made.
func (out *bumpJSON) add(f bump.File, claim config.Claim, made bool) {
	if f.After != nil && made {
		file := fileJSON{Path: f.Path, App: claim.App, Env: claim.Env}
		for _, c := range f.Changes {
			file.Changes = append(file.Changes, toChangeJSON(c))
		}
		out.Files = append(out.Files, file)
	}
	for _, c := range f.Current {
		current := toChangeJSON(c)
		current.Path = c.Path
		out.Current = append(out.Current, current)
	}
	for _, e := range f.Refused {
		out.Refused = append(out.Refused, toFaultJSON(e))
	}
	for _, m := range f.Mentions {
		out.LeftAlone = append(out.LeftAlone, mentionJSON{m.Path, m.Position.Line, m.Position.Column, m.Text, m.Reason})
	}
}

func toChangeJSON(c bump.Change) changeJSON {
	return changeJSON{Line: c.Position.Line, Column: c.Position.Column, Kind: string(c.Kind), Image: c.Image.Familiar(), From: c.From, To: c.To}
}

func toFaultJSON(f *fault.Error) faultJSON {
	bare := *f
	bare.Path = ""
	return faultJSON{f.Path, f.Line, f.Column, string(f.Code), bare.Error(), f.Hint}
}

// faultsIn returns the faults in an error's tree; what is none becomes one.
func faultsIn(err error) []*fault.Error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*fault.Error
		for _, e := range joined.Unwrap() {
			out = append(out, faultsIn(e)...)
		}
		return out
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return []*fault.Error{f}
	}
	return []*fault.Error{{Code: fault.Failed, Message: err.Error()}}
}
