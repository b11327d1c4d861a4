package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/local"
)

// doctorOptions are the flags of `towpath doctor`.
type doctorOptions struct {
	repo   string
	output string
	forgeOptions
}

func newDoctor(c console) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what will and what will not work on a config repo, changing nothing",
		Long: `Say what will and what will not work on a config repo, changing nothing.

On a forge: whether it can be reached, which credential is used, whether the
repository is visible, and what the credential may do there, as far as the forge
tells without trying. On a checkout: whether git and the configuration are sound.

Credentials come from the environment: TOWPATH_TOKEN, or TOWPATH_GITHUB_TOKEN,
TOWPATH_GITLAB_TOKEN, TOWPATH_BITBUCKET_TOKEN, TOWPATH_GITEA_TOKEN, each of which
may have _FILE behind it to name a file. GITHUB_TOKEN, GITLAB_TOKEN and the like
are used for the server that they are meant for, and for no other.

Exit status: 0 if a bump will work as far as is known, 1 if not, 3 usage.`,
		Example: `  towpath doctor --repo github.com/acme/config
  towpath doctor --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := fromEnvironment(cmd, c.env)
			if err == nil {
				err = checkOutput(o.output)
			}
			if err != nil {
				return err
			}
			d, err := o.run(cmd.Context(), c)
			return o.show(c, d, err)
		},
	}
	cmd.Flags().StringVar(&o.repo, "repo", ".", "the config `REPO`: the folder of a checkout, or a repository on a forge such as github.com/acme/config")
	o.addForge(cmd)
	addOutput(cmd, &o.output)
	return cmd
}

// What is looked at besides what a forge is asked.
const (
	credential        = "have a credential"
	readConfiguration = "read " + config.Path
)

// diagnosis is what was found of a repository.
type diagnosis struct {
	repo     string
	findings []providers.Finding
}

func (d *diagnosis) note(what string, answer providers.Answer, detail, hint string) {
	d.findings = append(d.findings, providers.Finding{What: what, Answer: answer, Detail: detail, Hint: hint})
}

// isFit reports whether nothing that a bump needs is denied.
func (d *diagnosis) isFit() bool {
	for _, f := range d.findings {
		if f.Answer == providers.No && (f.IsNeeded() || f.What == credential || f.What == readConfiguration) {
			return false
		}
	}
	return true
}

func (o *doctorOptions) run(ctx context.Context, c console) (*diagnosis, error) {
	d := &diagnosis{repo: o.repo}
	if !isForge(o.repo) {
		return d, o.checkout(ctx, d)
	}
	host, err := newForge(o.forgeOptions, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := host.withTimeout(ctx)
	defer cancel()
	repo, err := host.open(ctx, o.repo)
	if err != nil {
		return nil, host.explain(ctx, err)
	}
	if host.source == "" {
		d.note(credential, providers.No, "none is set for this host", "set TOWPATH_TOKEN to a token of it")
	} else {
		d.note(credential, providers.Yes, host.source, "")
	}
	examiner, ok := repo.(providers.Examiner)
	if !ok {
		return d, fault.New(fault.Failed, "try `towpath bump --dry-run`", "this forge cannot be examined")
	}
	findings, err := examiner.Examine(ctx)
	d.findings = append(d.findings, findings...)
	if err != nil {
		return d, host.explain(ctx, err)
	}
	o.config(ctx, d, repo)
	return d, nil
}

// config says whether the repository's own configuration can be read.
func (o *doctorOptions) config(ctx context.Context, d *diagnosis, repo providers.Repository) {
	info, err := repo.Info(ctx)
	if err != nil || info.Empty {
		return
	}
	sha, err := repo.Resolve(ctx, info.DefaultBranch)
	if err != nil {
		return
	}
	files, err := repo.Files(ctx, sha, []string{config.Path})
	if err != nil {
		return
	}
	file, ok := files[config.Path]
	if !ok {
		d.note(readConfiguration, providers.Yes, "there is none: an image is bumped wherever it stands", "")
		return
	}
	d.parse(file.Content)
}

func (d *diagnosis) parse(src []byte) {
	if _, err := config.Parse(src); err != nil {
		d.note(readConfiguration, providers.No, faultsIn(err)[0].Error(), "see `towpath check` on a checkout")
		return
	}
	d.note(readConfiguration, providers.Yes, "it is sound", "")
}

// checkout examines a folder.
func (o *doctorOptions) checkout(ctx context.Context, d *diagnosis) error {
	checkout, err := openRepo(ctx, o.repo)
	if err != nil {
		return err
	}
	d.repo = checkout.Dir()
	d.note("edit files", providers.Yes, "it is a folder", "")
	if err := checkout.CheckCommittable(ctx, nil); err != nil {
		f := faultsIn(err)[0]
		d.note("commit", providers.Unknown, f.Error(), f.Hint)
	} else {
		d.note("commit", providers.Yes, "it is a git work tree", "")
	}
	return o.localConfig(ctx, d, checkout)
}

func (o *doctorOptions) localConfig(ctx context.Context, d *diagnosis, checkout *local.Checkout) error {
	cfg, err := readConfig(ctx, checkout)
	switch {
	case err != nil:
		f := faultsIn(err)[0]
		d.note(readConfiguration, providers.No, f.Error(), "see `towpath check`")
	case cfg == nil:
		d.note(readConfiguration, providers.Yes, "there is none: an image is bumped wherever it stands", "")
	default:
		d.note(readConfiguration, providers.Yes, "it is sound", "")
	}
	return nil
}

func (o *doctorOptions) show(c console, d *diagnosis, err error) error {
	if o.output == "json" {
		return o.showJSON(c.out, d, err)
	}
	if d == nil {
		return err
	}
	fmt.Fprintln(c.out, fault.Printable(d.repo))
	var rows bytes.Buffer
	table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	for _, f := range d.findings {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Answer, f.What, visible(f.Detail))
	}
	table.Flush()
	// The hints are no part of the table, whose columns they would make as wide.
	for i, row := range slices.Collect(strings.Lines(rows.String())) {
		fmt.Fprint(c.out, row)
		if f := d.findings[i]; f.Hint != "" && f.Answer != providers.Yes {
			fmt.Fprintf(c.out, "  hint: %s\n", visible(f.Hint))
		}
	}
	if err == nil && !d.isFit() {
		err = fmt.Errorf("%w: %w", errReported, errUnfit)
	}
	return err
}

var errUnfit = fault.New(fault.Refused, "", "not all that is needed can be done")

func (o *doctorOptions) showJSON(w io.Writer, d *diagnosis, err error) error {
	type findingJSON struct {
		What   string `json:"what"`
		Answer string `json:"answer"`
		Detail string `json:"detail"`
		Hint   string `json:"hint,omitempty"`
	}
	out := struct {
		Repo     string        `json:"repo"`
		Fit      bool          `json:"fit"`
		Findings []findingJSON `json:"findings"`
		Errors   []faultJSON   `json:"errors,omitempty"`
	}{Repo: o.repo, Findings: []findingJSON{}}
	if d != nil {
		out.Fit = err == nil && d.isFit()
		for _, f := range d.findings {
			out.Findings = append(out.Findings, findingJSON{f.What, string(f.Answer), f.Detail, f.Hint})
		}
	}
	for _, f := range faultsIn(err) {
		out.Errors = append(out.Errors, toFaultJSON(f))
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if e := encoder.Encode(out); e != nil {
		return errors.Join(err, e)
	}
	if err == nil && !out.Fit {
		return fmt.Errorf("%w: %w", errReported, errUnfit)
	}
	return err
}
