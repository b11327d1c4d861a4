package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/layout"
	"github.com/towpath-dev/towpath/internal/schema"
	"github.com/towpath-dev/towpath/internal/status"
	"github.com/towpath-dev/towpath/providers/local"
)

// initOptions are the flags of `towpath init`.
type initOptions struct {
	repo    string
	answers []string
	dryRun  bool
	output  string
}

func newInit(c console) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first .towpath.yaml from what stands in the repo",
		Long: `Write a first .towpath.yaml from what stands in the repo.

Environments and apps are read off the names of folders and files and off what
stands in them: Kustomize overlays, values files, Flux clusters, Argo CD
Applications and ApplicationSets, Helmfile, files that hold only a tag. Comments
in the file say why; look it over before you commit it.

What cannot be told is asked on a terminal. Elsewhere the questions are printed
and nothing is written: answer them with --answer. A .towpath.yaml that is there
is never overwritten.

Exit status: 0 written, 1 something must be answered first or could not be
told, 3 usage.`,
		Example: `  towpath init
  towpath init --dry-run
  towpath init --answer environments=dev,staging,prod`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := fromEnvironment(cmd, c.env)
			if err == nil {
				err = checkOutput(o.output)
			}
			var result *initResult
			if err == nil {
				result, err = o.run(cmd.Context(), c)
			}
			return o.show(c, result, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.repo, "repo", ".", "the config repo: the `DIR` of a checkout")
	f.StringArrayVar(&o.answers, "answer", nil, "answer a question before it is asked, as `QUESTION=ANSWER` (repeatable)")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing, show the file")
	addOutput(cmd, &o.output)
	return cmd
}

// initResult is what was guessed.
type initResult struct {
	proposal layout.Proposal
	text     []byte // of the file; nil if questions are open
	written  bool
}

func (o *initOptions) run(ctx context.Context, c console) (*initResult, error) {
	answers := layout.Answers{}
	for _, a := range o.answers {
		id, answer, ok := strings.Cut(a, "=")
		if !ok || id == "" {
			return nil, fault.New(fault.Usage, "as in --answer environments=dev,staging,prod", "--answer %q is not QUESTION=ANSWER", a)
		}
		answers[id] = answer
	}
	checkout, err := openRepo(ctx, o.repo)
	if err != nil {
		return nil, err
	}
	if err := o.refuseToOverwrite(checkout); err != nil {
		return nil, err
	}
	tree, err := o.look(ctx, c, checkout)
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	passed := slices.Sorted(maps.Keys(answers))
	proposal := layout.Guess(tree, answers)
	if err := unasked(passed, proposal); err != nil {
		return nil, err
	}
	if c.canAsk {
		if proposal, err = ask(ctx, c, tree, answers); err != nil {
			return nil, interrupted(ctx, err)
		}
		if err := unasked(passed, proposal); err != nil {
			return nil, err
		}
	}
	result := &initResult{proposal: proposal}
	if err := unanswered(proposal); err != nil {
		return result, err
	}
	result.text = layout.Format(proposal)
	if err := o.prove(ctx, checkout, result.text); err != nil {
		return result, err
	}
	if o.dryRun {
		return result, nil
	}
	unlock, err := checkout.Lock(ctx)
	if err != nil {
		return result, interrupted(ctx, err)
	}
	defer unlock()
	if err := o.refuseToOverwrite(checkout); err != nil {
		return result, err
	}
	if err := checkout.Create(ctx, config.Path, result.text); err != nil {
		return result, interrupted(ctx, err)
	}
	result.written = true
	return result, nil
}

// refuseToOverwrite fails if there is a configuration already.
func (o *initOptions) refuseToOverwrite(checkout *local.Checkout) error {
	if err := misplaced(checkout); err != nil {
		return err
	}
	if top := gitTop(checkout.Dir()); top != "" && top != checkout.Dir() {
		return fault.New(fault.Usage, "pass --repo "+top, "the folder belongs to the repository at %s, and %s is read from its top only", top, config.Path)
	}
	if _, err := os.Lstat(filepath.Join(checkout.Dir(), config.Path)); err == nil {
		f := fault.New(fault.Refused, "see `towpath check` for what it means; move it away to have a new one written", "there is one already, and it is not overwritten")
		f.Path = config.Path
		return f
	}
	return nil
}

// gitTop returns the folder at the top of the git repository that a folder is a
// part of, "" if it is of none.
func gitTop(dir string) string {
	for !exists(filepath.Join(dir, ".git")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
	return dir
}

// unasked returns a fault for each answer to a question that the tree does not
// raise. Where no environments are known yet, neither are the questions about
// images, whose IDs have a colon.
func unasked(ids []string, p layout.Proposal) error {
	asked := p.Asked
	if asked == nil {
		asked = layout.Always()
	}
	var faults []error
	for _, id := range ids {
		if slices.Contains(asked, id) || p.Asked == nil && strings.Contains(id, ":") {
			continue
		}
		hint := "the questions of this tree are " + strings.Join(asked, ", ")
		if near := schema.Nearest(id, asked); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		faults = append(faults, fault.New(fault.Usage, fault.Printable(hint), "--answer %q answers no question", id))
	}
	return errors.Join(faults...)
}

// look reads the checkout for the guess.
func (o *initOptions) look(ctx context.Context, c console, checkout *local.Checkout) (layout.Tree, error) {
	defer progress(c, fmt.Sprintf("looking through %s …", checkout.Dir()))()
	source := &files{Checkout: checkout}
	tree := layout.Tree{Read: func(path string) ([]byte, error) { return checkout.Read(path, nil) }}
	var err error
	if tree.Files, err = listFiles(ctx, source); err != nil {
		return tree, err
	}
	inventory, err := bump.Survey(ctx, source, bump.Subject{})
	if err != nil {
		return tree, err
	}
	for _, p := range inventory.Places {
		tree.Uses = append(tree.Uses, layout.Use{Path: p.Path, Image: p.Image, Version: p.Version})
	}
	return tree, nil
}

// ask puts the questions of a guess to the person at the terminal, until none
// is left without an answer. An empty line takes the answer that is offered.
func ask(ctx context.Context, c console, tree layout.Tree, answers layout.Answers) (layout.Proposal, error) {
	lines := make(chan string)
	go func() { // reading cannot be stopped, and must not keep a signal waiting
		defer close(lines)
		for in := bufio.NewScanner(c.in); in.Scan(); {
			lines <- in.Text()
		}
	}()
	asked := map[string]bool{}
	last := "" // the question that was answered last
	for {
		proposal := layout.Guess(tree, answers)
		if proposal.Problem != nil && proposal.Problem.Code == fault.Usage && last != "" {
			report(c.err, proposal.Problem)
			delete(answers, last)
			delete(asked, last)
			last = ""
			continue
		}
		i := slices.IndexFunc(proposal.Questions, func(q layout.Question) bool { return !asked[q.ID] })
		if i < 0 {
			return proposal, nil
		}
		open := proposal.Questions[i]
		show(c.err, open)
		select {
		case <-ctx.Done():
			return proposal, context.Cause(ctx)
		case line, ok := <-lines:
			if !ok {
				return proposal, fault.New(fault.Failed, "run it again, or pass --answer "+open.ID+"=…", "there was no answer; nothing was written")
			}
			last, asked[open.ID] = open.ID, true
			answers[open.ID] = cmp.Or(strings.TrimSpace(line), open.Default)
		}
	}
}

// show prints a question.
func show(w io.Writer, q layout.Question) {
	fmt.Fprintln(w, fault.Printable(q.Text))
	if len(q.Candidates) > 0 {
		fmt.Fprintf(w, "  found: %s\n", fault.Printable(strings.Join(q.Candidates, ", ")))
	}
	if q.Default != "" {
		fmt.Fprintf(w, "[%s] ", fault.Printable(q.Default))
	}
	fmt.Fprint(w, "> ")
}

// unanswered says what must be known before a file can be written.
func unanswered(p layout.Proposal) error {
	var faults []error
	if p.Problem != nil {
		faults = append(faults, p.Problem)
	}
	for _, q := range p.Questions {
		if q.Default != "" && p.Problem == nil {
			continue // the file says what was assumed
		}
		hint := "answer it with --answer " + q.ID + "=…, or run towpath init on a terminal"
		if len(q.Candidates) > 0 {
			hint += "; found: " + strings.Join(q.Candidates, ", ")
		}
		faults = append(faults, fault.New(fault.Failed, fault.Printable(hint), "%s", fault.Printable(q.Text)))
	}
	return errors.Join(faults...)
}

// prove checks the file against the tree before it is written.
func (o *initOptions) prove(ctx context.Context, checkout *local.Checkout, text []byte) error {
	cfg, err := config.Parse(text)
	if err != nil {
		return fmt.Errorf("the file that would be written has faults, which is a mistake of towpath; please report it: %w", err)
	}
	matrix, err := status.Read(ctx, &files{Checkout: checkout}, cfg, status.Options{})
	if err != nil {
		return interrupted(ctx, err)
	}
	var faults []error
	for _, f := range matrix.Faults() {
		faults = append(faults, f)
	}
	return errors.Join(faults...)
}

func (o *initOptions) show(c console, r *initResult, err error) error {
	if o.output == "json" {
		return o.showJSON(c.out, r, err)
	}
	if err != nil {
		return err
	}
	if o.dryRun {
		_, err := c.out.Write(r.text)
		return err
	}
	fmt.Fprintf(c.out, "Wrote %s: %s, %s.\n", config.Path, count(len(r.proposal.Environments), "environment"), entries(len(r.proposal.Apps)))
	for _, note := range r.proposal.Notes {
		fmt.Fprintf(c.out, "note: %s\n", fault.Printable(note))
	}
	fmt.Fprintln(c.out, "Look it over, then run `towpath check`.")
	return nil
}

func entries(n int) string {
	if n == 1 {
		return "1 entry for apps"
	}
	return fmt.Sprintf("%d entries for apps", n)
}

// initJSON is the JSON of `towpath init`, as the README documents it. Keys are
// only added.
type initJSON struct {
	Written   bool           `json:"written"`
	Path      string         `json:"path"`
	Text      string         `json:"text,omitempty"`
	Notes     []string       `json:"notes"`
	Questions []questionJSON `json:"questions"`
	Errors    []faultJSON    `json:"errors,omitempty"`
}

type questionJSON struct {
	ID         string   `json:"id"`
	Text       string   `json:"text"`
	Candidates []string `json:"candidates"`
	Default    string   `json:"default,omitempty"`
}

func (o *initOptions) showJSON(w io.Writer, r *initResult, err error) error {
	out := initJSON{Path: config.Path, Notes: []string{}, Questions: []questionJSON{}}
	if r != nil {
		out.Written, out.Text = r.written, string(r.text)
		out.Notes = append(out.Notes, r.proposal.Notes...)
		for _, q := range r.proposal.Questions {
			out.Questions = append(out.Questions, questionJSON{q.ID, q.Text, append([]string{}, q.Candidates...), q.Default})
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
