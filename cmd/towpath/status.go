package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/internal/status"
)

// statusOptions are the flags of `towpath status`.
type statusOptions struct {
	repo     string
	env      []string
	exitCode bool
	output   string
}

func newStatus(c console) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [APP]...",
		Short: "Show which version of each app stands in each environment",
		Long: `Show which version of each app stands in each environment.

For each app and environment: the version that git holds, how many versions it
is behind the environment before it, and when it last changed and by whom. All
of it is read from the files and their git history on the branch that is checked
out; what a cluster really runs is not asked.

Versions behind are those that the environment before has had since it left the
one that stands here. Changes are dated by the commit that brought them to the
branch; a merge counts as one.

Exit status: 0 done, 1 failed, 2 with --exit-code if an environment is not level
with the one before it, 3 usage or configuration.`,
		Example: `  towpath status
  towpath status web billing --env staging --env prod
  towpath status --output markdown >> "$GITHUB_STEP_SUMMARY"`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := fromEnvironment(cmd, c.env)
			if err == nil {
				err = checkOutput(o.output, "markdown")
			}
			var view *statusView
			if err == nil {
				view, err = o.run(cmd.Context(), c, args)
			}
			return o.show(c, view, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.repo, "repo", ".", "the config repo: the `DIR` of a checkout")
	f.StringArrayVar(&o.env, "env", nil, "show only this environment `ENV` or group (repeatable)")
	f.BoolVar(&o.exitCode, "exit-code", false, "exit with 2 if an environment is not level with the one before it")
	addOutput(cmd, &o.output, "markdown")
	return cmd
}

// statusView is the part of a matrix that is shown.
type statusView struct {
	matrix       *status.Matrix
	environments []string
	apps         []status.App
	history      bool // the matrix was traced
	now          time.Time
}

func (o *statusOptions) run(ctx context.Context, c console, args []string) (*statusView, error) {
	checkout, err := openRepo(ctx, o.repo)
	if err != nil {
		return nil, err
	}
	var past *history
	if checkout.IsGit() {
		if past, err = openHistory(ctx, checkout); err != nil {
			return nil, interrupted(ctx, err)
		}
		defer past.Close()
	}
	cfg, err := needConfig(ctx, checkout)
	if err != nil {
		return nil, err
	}
	defer progress(c, fmt.Sprintf("reading %s and its history …", checkout.Dir()))()
	matrix, err := status.Read(ctx, &files{Checkout: checkout}, cfg, status.Options{})
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	if err := matrix.Err(); err != nil {
		return nil, err
	}
	view, err := o.view(matrix, args)
	if err != nil {
		return nil, err
	}
	view.now = c.now()
	if past != nil {
		if err := matrix.Trace(ctx, past, view.shows()); err != nil {
			return nil, interrupted(ctx, err)
		}
		view.history = true
	}
	return view, nil
}

// view picks the apps and environments that were asked for.
func (o *statusOptions) view(m *status.Matrix, apps []string) (*statusView, error) {
	v := &statusView{matrix: m, environments: m.Environments, apps: m.Apps}
	if len(apps) > 0 {
		v.apps = nil
		for _, name := range apps {
			i := slices.IndexFunc(m.Apps, func(a status.App) bool { return a.Name == name })
			if i < 0 {
				return nil, fault.New(fault.Usage, propose.Near(name, appNames(m), "apps"), "%s names no app %q", config.Path, name)
			}
			v.apps = append(v.apps, m.Apps[i])
		}
	}
	if len(o.env) > 0 {
		wanted := map[string]bool{}
		for _, name := range o.env {
			members, err := propose.Environments(m.Config, name)
			if err != nil {
				return nil, err
			}
			for _, env := range members {
				wanted[env] = true
			}
		}
		v.environments = slices.DeleteFunc(slices.Clone(m.Environments), func(env string) bool { return !wanted[env] })
	}
	return v, nil
}

func appNames(m *status.Matrix) []string {
	var names []string
	for _, a := range m.Apps {
		names = append(names, a.Name)
	}
	return names
}

// cells returns the cells of an app that are shown, one for each environment.
func (v *statusView) cells(app *status.App) []*status.Cell {
	var out []*status.Cell
	for i := range app.Cells {
		if slices.Contains(v.environments, app.Cells[i].Env) {
			out = append(out, &app.Cells[i])
		}
	}
	return out
}

// shows tells which cells are shown.
func (v *statusView) shows() func(*status.Cell) bool {
	shown := map[*status.Cell]bool{}
	for i := range v.apps {
		for _, cell := range v.cells(&v.apps[i]) {
			shown[cell] = true
		}
	}
	return func(cell *status.Cell) bool { return shown[cell] }
}

// level reports whether every cell that is shown is known to hold the version of
// the environments before it.
func (v *statusView) level() bool {
	if len(v.matrix.Doubts()) > 0 {
		return false
	}
	for i := range v.apps {
		for _, cell := range v.cells(&v.apps[i]) {
			if cell.Deployed() && len(cell.Versions) == 0 ||
				slices.ContainsFunc(cell.Behind, func(l status.Lag) bool { return l.Relation != status.Level }) {
				return false
			}
		}
	}
	return true
}

func (o *statusOptions) show(c console, v *statusView, err error) error {
	if v != nil {
		for _, f := range v.matrix.Doubts() {
			warn(c.err, f)
		}
	}
	switch {
	case o.output == "json":
		if e := v.json(c.out, err); e != nil {
			return e
		}
	case err == nil:
		out := bufio.NewWriter(c.out)
		if o.output == "markdown" {
			v.markdown(out)
		} else {
			v.text(out)
		}
		out.Flush()
	}
	if err == nil && o.exitCode && !v.level() {
		return fmt.Errorf("%w: %w", errReported, errDifferences)
	}
	return err
}
