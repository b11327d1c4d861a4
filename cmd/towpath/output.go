package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/fault"
)

// outputs are the forms that every command prints its result in.
var outputs = []string{"text", "json"}

// addOutput adds the flag --output, for the common forms and more of them.
func addOutput(cmd *cobra.Command, output *string, more ...string) {
	all := slices.Concat(outputs, more)
	cmd.Flags().StringVarP(output, "output", "o", outputs[0], "how to print the result: "+oneOf(all))
}

func checkOutput(output string, more ...string) error {
	all := slices.Concat(outputs, more)
	if !slices.Contains(all, output) {
		return fault.New(fault.Usage, "use --output "+strings.Join(all, " or --output "), "unknown output %q", output)
	}
	return nil
}

// oneOf lists words as alternatives.
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Usage, "see `"+cmd.CommandPath()+" --help`", "%s takes no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}
