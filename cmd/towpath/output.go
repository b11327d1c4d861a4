package main

import (
	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/fault"
)

func addOutput(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "text", "how to print the result: text or json")
}

func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return fault.New(fault.Usage, "use --output text or --output json", "unknown output %q", output)
	}
	return nil
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Usage, "see `"+cmd.CommandPath()+" --help`", "%s takes no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}
