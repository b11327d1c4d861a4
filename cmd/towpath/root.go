package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/towpath-dev/towpath/internal/fault"
)

// errReported stands in the tree of an error whose message people have seen.
var errReported = errors.New("reported")

func newRoot(c console) *cobra.Command {
	root := &cobra.Command{
		Use:   "towpath",
		Short: "Move image versions through a GitOps config repo",
		Long: `Towpath moves image versions through a GitOps config repo.

It finds where an image's version stands, by the structure of the files, and
changes those bytes and no others.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			hint := "see `towpath --help`"
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf("did you mean `towpath %s`?", near[0])
			}
			return fault.New(fault.Usage, hint, "there is no command %q", args[0])
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &fault.Error{Code: fault.Usage, Message: err.Error(), Hint: flagHint(cmd, err)}
	})
	root.AddCommand(newBump(c), newDemo(c), newVersion(c))
	return root
}

// flagHint names the flag that was probably meant.
func flagHint(cmd *cobra.Command, err error) string {
	hint := fmt.Sprintf("see `%s --help`", cmd.CommandPath())
	_, typed, ok := strings.Cut(err.Error(), "unknown flag: --")
	if !ok {
		return hint
	}
	best := 3 // more edits than that are another word
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if d := distance(typed, f.Name); d < best {
			best, hint = d, fmt.Sprintf("did you mean --%s?", f.Name)
		}
	})
	return hint
}

// distance returns the number of letters to insert, drop or replace on the
// way from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// fromEnvironment gives every flag that was not set on the command line the
// value of its environment variable, TOWPATH_DRY_RUN for --dry-run. Flags that
// can be repeated take one value a line.
func fromEnvironment(cmd *cobra.Command, env func(string) string) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := environmentName(f.Name)
		value := env(name)
		if f.Changed || value == "" || err != nil || f.Name == "help" {
			return
		}
		values := []string{value}
		if _, ok := f.Value.(pflag.SliceValue); ok {
			values = strings.Split(strings.TrimSpace(value), "\n")
		}
		for _, v := range values {
			if strings.TrimSpace(v) == "" {
				continue
			}
			if e := cmd.Flags().Set(f.Name, strings.TrimSpace(v)); e != nil {
				err = fault.New(fault.Usage, fmt.Sprintf("see `%s --help` for --%s", cmd.CommandPath(), f.Name),
					"environment variable %s: %q is no value for --%s", name, v, f.Name)
			}
		}
	})
	return err
}

func environmentName(flag string) string {
	return "TOWPATH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// report prints an error for people: every fault in it with its hint below.
func report(w io.Writer, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			report(w, e)
		}
		return
	}
	if errors.Is(err, errReported) {
		return
	}
	fmt.Fprintf(w, "towpath: %v\n", err)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", f.Hint)
	}
}
