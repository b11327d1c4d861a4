package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/status"
)

// environmentRow is an environment as `towpath check` tells of it.
type environmentRow struct {
	Name    string     `json:"name"`
	Order   int        `json:"order"`
	Group   string     `json:"group,omitempty"`
	After   []string   `json:"after"`
	Auto    string     `json:"auto"`
	Gates   gatesJSON  `json:"gates"`
	Freezes []string   `json:"freezes"`
	Frozen  bool       `json:"frozen"`
	By      []string   `json:"frozenBy,omitempty"`
	Closes  *time.Time `json:"closes,omitempty"`
	gates   []string
	Opens   *time.Time `json:"opens,omitempty"`
}

func (r *checkResult) rows() []environmentRow {
	cfg := r.matrix.Config
	var out []environmentRow
	for _, env := range cfg.Order() {
		row := environmentRow{
			Name: env.Name, Order: env.Position, Group: env.Group, After: append([]string{}, env.After...),
			Auto: string(env.Auto), Gates: toGatesJSON(env.Gates), gates: gateTexts(env), Freezes: []string{},
		}
		for _, f := range cfg.FreezesOf(env.Name) {
			row.Freezes = append(row.Freezes, f.Name)
		}
		state := cfg.Calendar(env.Name).State(r.now)
		row.Frozen, row.By = state.Frozen, state.By
		row.Closes, row.Opens = known(state.Closes), known(state.Opens)
		out = append(out, row)
	}
	return out
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// gateTexts writes the gates in the order in which they are judged.
func gateTexts(env *config.Environment) []string {
	out := []string{}
	g := env.Gates
	if g.Healthy {
		out = append(out, "healthy")
	}
	if g.Soak > 0 {
		out = append(out, "soak "+g.Soak.String())
	}
	for _, name := range g.Checks {
		out = append(out, "check "+name)
	}
	if a := g.Approvals; a != nil {
		text := count(a.Count, "approval")
		var from []string
		for _, team := range a.Teams {
			from = append(from, "team "+team)
		}
		from = append(from, a.Users...)
		if len(from) > 0 {
			text += " by " + strings.Join(from, " or ")
		}
		if a.NotAuthor {
			text += ", not the author"
		}
		out = append(out, text)
	}
	return out
}

// freezeText says whether an environment is frozen, and when that changes.
func (row *environmentRow) freezeText() string {
	const layout = "Mon 2 Jan 2006 15:04 MST"
	by := fault.Printable(strings.Join(row.By, ", "))
	switch {
	case len(row.Freezes) == 0:
		return ""
	case row.Frozen && row.Opens == nil:
		return fmt.Sprintf("frozen by %s, with no known end", by)
	case row.Frozen && row.Closes == nil:
		return fmt.Sprintf("frozen by %s, opens %s", by, row.Opens.Format(layout))
	case row.Frozen:
		return fmt.Sprintf("frozen by %s, opens %s, closes again %s", by, row.Opens.Format(layout), row.Closes.Format(layout))
	case row.Closes == nil:
		return "open"
	case row.Opens == nil:
		return fmt.Sprintf("open, closes %s, with no known end", row.Closes.Format(layout))
	}
	return fmt.Sprintf("open, closes %s, opens again %s", row.Closes.Format(layout), row.Opens.Format(layout))
}

type (
	gatesJSON struct {
		Healthy   bool           `json:"healthy,omitempty"`
		Soak      string         `json:"soak,omitempty"`
		Checks    []string       `json:"checks,omitempty"`
		Approvals *approvalsJSON `json:"approvals,omitempty"`
	}
	approvalsJSON struct {
		Count     int      `json:"count"`
		Teams     []string `json:"teams,omitempty"`
		Users     []string `json:"users,omitempty"`
		NotAuthor bool     `json:"notAuthor,omitempty"`
	}
)

func toGatesJSON(g config.Gates) gatesJSON {
	out := gatesJSON{Healthy: g.Healthy, Soak: g.Soak.String(), Checks: g.Checks}
	if g.Soak == 0 {
		out.Soak = ""
	}
	if a := g.Approvals; a != nil {
		out.Approvals = &approvalsJSON{a.Count, a.Teams, a.Users, a.NotAuthor}
	}
	return out
}

// The JSON of `towpath check`, as the README documents it. Keys are only added.
type (
	checkJSON struct {
		Sound        bool             `json:"sound"`
		Environments []environmentRow `json:"environments"`
		Apps         []checkAppJSON   `json:"apps"`
		Unnamed      []unnamedJSON    `json:"unnamed"`
		Warnings     []faultJSON      `json:"warnings"`
		Errors       []faultJSON      `json:"errors,omitempty"`
	}
	checkAppJSON struct {
		Name       string     `json:"name"`
		Discovered bool       `json:"discovered,omitempty"`
		Images     []string   `json:"images"`
		Cells      []cellJSON `json:"environments"`
	}
	unnamedJSON struct {
		Image  string      `json:"image"`
		Places []placeJSON `json:"places"`
	}
)

func (o *checkOptions) showJSON(w io.Writer, r *checkResult, err error) error {
	out := checkJSON{Environments: []environmentRow{}, Apps: []checkAppJSON{}, Unnamed: []unnamedJSON{}, Warnings: []faultJSON{}}
	if r != nil {
		err = o.failed(r)
		out.Sound = err == nil
		out.Environments = r.rows()
		for i := range r.matrix.Apps {
			out.Apps = append(out.Apps, toCheckAppJSON(&r.matrix.Apps[i]))
		}
		for _, u := range r.findings.Unnamed {
			out.Unnamed = append(out.Unnamed, unnamedJSON{u.Image.Familiar(), toPlacesJSON(u.Places)})
		}
		if !o.strict {
			for _, f := range r.findings.Warnings {
				out.Warnings = append(out.Warnings, toFaultJSON(f))
			}
		}
	}
	for _, f := range faultsIn(err) {
		out.Errors = append(out.Errors, toFaultJSON(f))
	}
	if e := writeJSON(w, out); e != nil {
		return e
	}
	return err
}

func toCheckAppJSON(app *status.App) checkAppJSON {
	out := checkAppJSON{Name: app.Name, Discovered: app.Discovered, Images: []string{}, Cells: []cellJSON{}}
	for _, used := range app.Images {
		out.Images = append(out.Images, used.Image.Familiar())
	}
	for i := range app.Cells {
		cell := toCellJSON(&app.Cells[i])
		cell.Behind = nil // what status tells, with the history that it needs
		out.Cells = append(out.Cells, cell)
	}
	return out
}

func toPlacesJSON(places []bump.Place) []placeJSON {
	out := []placeJSON{}
	for _, p := range places {
		out = append(out, placeJSON{p.Path, p.Position.Line, p.Position.Column, string(p.Kind), p.Version})
	}
	return out
}
