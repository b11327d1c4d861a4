package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/status"
)

// checkOptions are the flags of `towpath check`.
type checkOptions struct {
	repo   string
	strict bool
	output string
}

func newCheck(c console) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what .towpath.yaml means for the repo, and what is wrong with it",
		Long: `Say what .towpath.yaml means for the repo, and what is wrong with it.

Every fault in the file is shown at once, with its line and what to write
instead. If there is none, the environments are listed in the order in which
versions travel, with their gates and freezes, and then each app: the files
that are its own in each environment, and the version that stands there today.
Warnings tell what may not be meant: patterns that match nothing, images that
stand where no app looks, versions that differ within one environment.

Nothing is changed, and no forge, registry or cluster is asked.

Exit status: 0 sound, 3 with faults (with --strict also with warnings),
1 if the repo could not be read.`,
		Example: `  towpath check
  towpath check --repo ../config --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := fromEnvironment(cmd, c.env)
			if err == nil {
				err = checkOutput(o.output)
			}
			var result *checkResult
			if err == nil {
				result, err = o.run(cmd.Context(), c)
			}
			return o.show(c, result, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.repo, "repo", ".", "the config repo: the `DIR` of a checkout")
	f.BoolVar(&o.strict, "strict", false, "warnings are faults too")
	addOutput(cmd, &o.output)
	return cmd
}

// checkResult is what a check came to.
type checkResult struct {
	matrix   *status.Matrix
	findings *status.Findings
	now      time.Time
}

func (o *checkOptions) run(ctx context.Context, c console) (*checkResult, error) {
	checkout, err := openRepo(ctx, o.repo)
	if err != nil {
		return nil, err
	}
	cfg, err := needConfig(ctx, checkout)
	if err != nil {
		return nil, err
	}
	defer progress(c, fmt.Sprintf("reading %s …", checkout.Dir()))()
	matrix, err := status.Read(ctx, &files{Checkout: checkout}, cfg, status.Options{Everything: true})
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	return &checkResult{matrix, matrix.Check(), c.now()}, nil
}

// failed returns the findings that decide the exit status, as an error.
func (o *checkOptions) failed(r *checkResult) error {
	faults := r.findings.Faults
	if o.strict {
		faults = append(faults[:len(faults):len(faults)], r.findings.Warnings...)
	}
	var errs []error
	for _, f := range faults {
		bad := *f
		bad.Code = fault.Config
		errs = append(errs, &bad)
	}
	return errors.Join(errs...)
}

func (o *checkOptions) show(c console, r *checkResult, err error) error {
	if o.output == "json" {
		return o.showJSON(c.out, r, err)
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	r.environments(out)
	r.apps(out)
	r.unnamed(out)
	out.Flush()
	if !o.strict {
		for _, w := range r.findings.Warnings {
			warn(c.err, w)
		}
	}
	failed := o.failed(r)
	if failed == nil {
		more := ""
		if n := len(r.findings.Warnings); n > 0 {
			more = ", with " + count(n, "warning")
		}
		fmt.Fprintf(c.out, "%s is sound: %s, %s%s.\n", config.Path, count(len(r.matrix.Environments), "environment"), count(len(r.matrix.Apps), "app"), more)
		return nil
	}
	report(c.err, failed)
	return fmt.Errorf("%w: %w", errReported, failed)
}

// environments prints the table of environments.
func (r *checkResult) environments(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ORDER\tENVIRONMENT\tGROUP\tAFTER\tAUTO\tGATES\tFREEZES")
	for _, row := range r.rows() {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", row.Order, row.Name, dash(row.Group), dash(strings.Join(row.After, ", ")),
			row.Auto, dash(strings.Join(row.gates, ", ")), dash(row.freezeText()))
	}
	table.Flush()
	fmt.Fprintln(w)
}

// apps prints the table of apps, one line for each file, version and
// environment.
func (r *checkResult) apps(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "APP\tENVIRONMENT\tVERSION\tFILES")
	for _, app := range r.matrix.Apps {
		var absent []string
		for i := range app.Cells {
			cell := &app.Cells[i]
			if !cell.Deployed() {
				absent = append(absent, cell.Env)
				continue
			}
			version := versionOf(cell)
			if cell.Hold != nil {
				version += " (held)"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", app.Name, cell.Env, version, fileList(cell.Files))
		}
		if len(absent) > 0 {
			fmt.Fprintf(table, "%s\t%s\tnot deployed\t-\n", app.Name, strings.Join(absent, ", "))
		}
	}
	table.Flush()
	fmt.Fprintln(w)
}

// unnamed prints the images that no app names.
func (r *checkResult) unnamed(w io.Writer) {
	if len(r.findings.Unnamed) == 0 {
		return
	}
	const shown = 20
	fmt.Fprintf(w, "%s that no app names:\n", count(len(r.findings.Unnamed), "image"))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, u := range r.findings.Unnamed {
		if i == shown {
			break
		}
		more := ""
		if n := len(u.Places) - 1; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s:%s%s\n", u.Image.Familiar(), shortVersion(u.Places[0].Version), fault.Printable(u.Places[0].Path), u.Places[0].Position, more)
	}
	table.Flush()
	if n := len(r.findings.Unnamed) - shown; n > 0 {
		fmt.Fprintf(w, "  and %d more (see --output json)\n", n)
	}
	fmt.Fprintln(w)
}

// fileList writes the files of a cell, or where they are if they are many.
func fileList(files []string) string {
	const shown = 3
	var names []string
	for _, f := range files[:min(len(files), shown)] {
		names = append(names, fault.Printable(f))
	}
	text := strings.Join(names, ", ")
	if n := len(files) - shown; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// shortVersion cuts the digests and the SHAs of commits in a text of versions.
func shortVersion(text string) string {
	return longHex().ReplaceAllStringFunc(text, func(hex string) string { return hex[:12] })
}

var longHex = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9a-f]{20,}`) })

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// warn prints a finding that is no fault.
func warn(w io.Writer, f *fault.Error) { tell(w, "warning", f) }
