package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/status"
)

// text prints the matrix: for each app a line with the versions, and below it
// when they changed and by whom.
func (v *statusView) text(w io.Writer) {
	if len(v.apps) == 0 {
		fmt.Fprintln(w, "There are no apps.")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprint(table, "APP")
	for _, env := range v.environments {
		fmt.Fprintf(table, "\t%s", strings.ToUpper(env))
	}
	fmt.Fprintln(table)
	for i := range v.apps {
		app := &v.apps[i]
		cells := v.cells(app)
		fmt.Fprint(table, app.Name)
		for _, cell := range cells {
			fmt.Fprintf(table, "\t%s", versionText(cell))
		}
		fmt.Fprintln(table)
		changes := ""
		for _, cell := range cells {
			changes += "\t" + v.changeText(cell)
		}
		if v.history && strings.Trim(changes, "\t") != "" {
			fmt.Fprintln(table, changes)
		}
	}
	table.Flush()
	for _, note := range v.notes() {
		fmt.Fprintf(w, "\n%s\n", note)
	}
}

// versionText is the first line of a cell: version, relation, hold.
func versionText(cell *status.Cell) string {
	if !cell.Deployed() {
		return "-"
	}
	text := versionOf(cell)
	var about []string
	for _, lag := range cell.Behind {
		if word := lagText(lag, len(cell.Behind) > 1); word != "" {
			about = append(about, word)
		}
	}
	if cell.Hold != nil {
		about = append(about, "held")
	}
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	return text
}

// versionOf writes the versions of a cell.
func versionOf(cell *status.Cell) string {
	return fault.Printable(orNone(shortVersion(cell.Versions.String())))
}

// lagText says how far a cell is behind; named is set where it must be told
// behind which environment.
func lagText(lag status.Lag, named bool) string {
	text := ""
	switch {
	case lag.Relation == status.Level:
		return ""
	case lag.Relation == status.Behind && lag.Known:
		text = fmt.Sprintf("%d behind", lag.Versions)
	case lag.Relation == status.Behind:
		text = "behind"
	case lag.Relation == status.Ahead:
		text = "ahead"
	default:
		text = "differs"
	}
	if named || lag.Relation == status.Ahead || lag.Relation == status.Differs {
		preposition := " "
		switch lag.Relation {
		case status.Ahead:
			preposition = " of "
		case status.Differs:
			preposition = " from "
		}
		text += preposition + lag.Env
	}
	return text
}

// changeText is the second line of a cell: when it changed and by whom.
func (v *statusView) changeText(cell *status.Cell) string {
	switch {
	case cell.Uncommitted:
		return "not committed"
	case !cell.Deployed():
		return ""
	case cell.Changed == nil:
		return "?"
	}
	return fmt.Sprintf("%s, %s", ago(v.now.Sub(cell.Changed.Commit.Time)), fault.Printable(cell.Changed.Commit.By()))
}

// ago writes an age in its largest unit.
func ago(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%dh ago", d/time.Hour)
	case d < 60*day:
		return fmt.Sprintf("%dd ago", d/day)
	case d < 2*365*day:
		return fmt.Sprintf("%d months ago", d/(30*day))
	}
	return fmt.Sprintf("%d years ago", d/(365*day))
}

// notes are what must be known to read the matrix.
func (v *statusView) notes() []string {
	var out []string
	if !v.matrix.Cut.IsZero() {
		out = append(out, fmt.Sprintf("The clone does not have the whole history: what it has begins on %s. If it is shallow, `git fetch --unshallow` gets the rest; if it is partial, clone it without --filter.", v.matrix.Cut.Format(time.DateOnly)))
	}
	if !v.history {
		out = append(out, "This folder is in no git repository, so there is no history.")
	}
	for i := range v.apps {
		for _, cell := range v.cells(&v.apps[i]) {
			if cell.Hold != nil {
				out = append(out, fmt.Sprintf("%s is held in %s: %s", cell.App, cell.Env, fault.Printable(cell.Hold.Reason)))
			}
		}
	}
	return out
}

// markdown prints the matrix as a table in GitHub's Markdown, which GitLab and
// Bitbucket read too.
func (v *statusView) markdown(w io.Writer) {
	fmt.Fprint(w, "| App |")
	for _, env := range v.environments {
		fmt.Fprintf(w, " %s |", markdownText(env))
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(v.environments)))
	for i := range v.apps {
		app := &v.apps[i]
		fmt.Fprintf(w, "| %s |", markdownText(app.Name))
		for _, cell := range v.cells(app) {
			text := markdownText(versionText(cell))
			if change := v.changeText(cell); v.history && change != "" {
				text += "<br>" + markdownText(change)
			}
			fmt.Fprintf(w, " %s |", text)
		}
		fmt.Fprintln(w)
	}
	for _, note := range v.notes() {
		fmt.Fprintf(w, "\n%s\n", markdownText(note))
	}
}

// markdownText writes text from outside so that it is nothing but text: no
// markup, no mention of a person, no end of a cell.
func markdownText(text string) string { return markdownEscapes.Replace(text) }

var markdownEscapes = strings.NewReplacer(
	"\x1b", "\ufffd", "&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "\\|", "\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]",
	"~", "\\~", "#", "\\#", "!", "\\!", "@", "@\u200b", "\r", " ", "\n", " ",
)

// The JSON of `towpath status`, as the README documents it. Keys are only added.
type (
	statusJSON struct {
		Environments []string        `json:"environments"`
		Apps         []statusAppJSON `json:"apps"`
		HistoryCut   *time.Time      `json:"historyCut,omitempty"`
		Warnings     []faultJSON     `json:"warnings"`
		Errors       []faultJSON     `json:"errors,omitempty"`
	}
	statusAppJSON struct {
		Name  string     `json:"name"`
		Cells []cellJSON `json:"environments"`
	}
	cellJSON struct {
		Env         string       `json:"name"`
		Deployed    bool         `json:"deployed"`
		Version     string       `json:"version,omitempty"`
		Images      []imageJSON  `json:"images,omitempty"`
		Files       []string     `json:"files,omitempty"`
		Behind      []lagJSON    `json:"behind,omitempty"`
		Changed     *changedJSON `json:"changed,omitempty"`
		Uncommitted bool         `json:"uncommitted,omitempty"`
		Hold        *holdJSON    `json:"hold,omitempty"`
	}
	imageJSON struct {
		Image  string      `json:"image"`
		Places []placeJSON `json:"places"`
	}
	placeJSON struct {
		Path    string `json:"path"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Kind    string `json:"kind"`
		Version string `json:"version"`
	}
	lagJSON struct {
		Env      string `json:"env"`
		Relation string `json:"relation"`
		Versions *int   `json:"versions,omitempty"`
		Commits  *int   `json:"commits,omitempty"`
	}
	changedJSON struct {
		Commit  string    `json:"commit"`
		Time    time.Time `json:"time"`
		By      string    `json:"by"`
		Subject string    `json:"subject"`
		From    string    `json:"from"`
	}
	holdJSON struct {
		Reason  string     `json:"reason"`
		By      string     `json:"by,omitempty"`
		Since   *time.Time `json:"since,omitempty"`
		Version string     `json:"version,omitempty"`
	}
)

func (v *statusView) json(w io.Writer, err error) error {
	out := statusJSON{Environments: []string{}, Apps: []statusAppJSON{}, Warnings: []faultJSON{}}
	if v != nil {
		for _, f := range v.matrix.Doubts() {
			out.Warnings = append(out.Warnings, toFaultJSON(f))
		}
		out.Environments = v.environments
		if !v.matrix.Cut.IsZero() {
			out.HistoryCut = &v.matrix.Cut
		}
		for i := range v.apps {
			app := statusAppJSON{Name: v.apps[i].Name, Cells: []cellJSON{}}
			for _, cell := range v.cells(&v.apps[i]) {
				app.Cells = append(app.Cells, toCellJSON(cell))
			}
			out.Apps = append(out.Apps, app)
		}
	}
	for _, f := range faultsIn(err) {
		out.Errors = append(out.Errors, toFaultJSON(f))
	}
	return writeJSON(w, out)
}

func toCellJSON(cell *status.Cell) cellJSON {
	out := cellJSON{
		Env: cell.Env, Deployed: cell.Deployed(), Version: cell.Versions.String(), Images: toImagesJSON(cell.Places),
		Files: cell.Files, Uncommitted: cell.Uncommitted,
	}
	for _, lag := range cell.Behind {
		l := lagJSON{Env: lag.Env, Relation: string(lag.Relation)}
		if lag.Known {
			l.Versions, l.Commits = &lag.Versions, &lag.Commits
		}
		out.Behind = append(out.Behind, l)
	}
	if m := cell.Changed; m != nil && !cell.Uncommitted {
		out.Changed = &changedJSON{m.Commit.SHA, m.Commit.Time.UTC(), m.Commit.By(), m.Commit.Subject, m.From.String()}
	}
	out.Hold = toHoldJSON(cell.Hold)
	return out
}

func toHoldJSON(h *hold.Hold) *holdJSON {
	if h == nil {
		return nil
	}
	out := &holdJSON{Reason: h.Reason, By: h.By, Version: h.Version}
	if !h.Since.IsZero() {
		out.Since = &h.Since
	}
	return out
}

// toImagesJSON groups places by their image, in the order in which images come.
func toImagesJSON(places []bump.Place) []imageJSON {
	var out []imageJSON
	index := map[string]int{}
	for _, p := range places {
		name := p.Image.Familiar()
		i, ok := index[name]
		if !ok {
			i = len(out)
			index[name] = i
			out = append(out, imageJSON{Image: name})
		}
		out[i].Places = append(out[i].Places, placeJSON{p.Path, p.Position.Line, p.Position.Column, string(p.Kind), p.Version})
	}
	return out
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
