package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/schema"
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
	root.AddCommand(newBump(c), newCheck(c), newInit(c), newStatus(c), newDoctor(c), newDemo(c), newVersion(c))
	return root
}

// flagHint names the flag that was probably meant.
func flagHint(cmd *cobra.Command, err error) string {
	hint := fmt.Sprintf("see `%s --help`", cmd.CommandPath())
	_, typed, ok := strings.Cut(err.Error(), "unknown flag: --")
	if !ok {
		return hint
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := schema.Nearest(typed, known); near != "" {
		hint = fmt.Sprintf("did you mean --%s?", near)
	}
	return hint
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
	tell(w, "towpath", err)
}

// tell prints one error behind a word, with the line that it speaks of and what
// to do. Control characters, which names and values may bring along, are not
// printed as they are.
func tell(w io.Writer, word string, err error) {
	fmt.Fprintf(w, "%s: %s\n", word, visible(err.Error()))
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return
	}
	fmt.Fprint(w, excerpt(f))
	if f.Hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", visible(f.Hint))
	}
}

// visible replaces the control characters in a text, but for line breaks.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return '\uFFFD'
		}
		return r
	}, text)
}

// excerpt shows the line that a fault speaks of, with a caret under the column.
func excerpt(f *fault.Error) string {
	if strings.TrimSpace(f.Excerpt) == "" || f.Line == 0 {
		return ""
	}
	const far = 160 // characters, which most terminals show on two lines
	line := []rune(visible(strings.ReplaceAll(f.Excerpt, "\t", " ")))
	column := min(f.Column, len(line)+1)
	cut := ""
	if column > far {
		line, column, cut = line[column-far/2:], far/2, "…"
	}
	if len(line) > far {
		line = append(line[:far:far], '…')
	}
	number := strconv.Itoa(f.Line)
	text := fmt.Sprintf("  %s | %s%s\n", number, cut, string(line))
	if column > 0 {
		text += fmt.Sprintf("  %s | %s^\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", column-1+utf8.RuneCountInString(cut)))
	}
	return text
}
