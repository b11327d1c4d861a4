// Command towpath moves image versions through a GitOps config repo.
//
// This package owns the command line: flags, environment, what is printed and
// the exit status. It wires the engines to the outside and decides nothing of
// its own about versions or files.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/towpath-dev/towpath/internal/fault"
)

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks to stop, the second one kills.
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		env: os.Getenv, isTerminal: isTerminal(os.Stderr),
	})
}

// console is all that a command has of the world besides the file system.
type console struct {
	in         io.Reader
	out, err   io.Writer
	env        func(string) string
	isTerminal bool // err is a terminal, where progress may be shown
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// output is standard output, with the first error of writing to it, so that
// commands need not look at each line.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// The exit statuses that the README promises. 2 is kept for --exit-code.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 3
)

// exitStatus returns the status for what a command returned.
func exitStatus(err error) int {
	switch fault.CodeOf(err) {
	case "":
		return exitOK
	case fault.Usage, fault.Config:
		return exitUsage
	}
	return exitFailed
}

// run runs one command line and returns the exit status.
func run(ctx context.Context, args []string, c console) int {
	out := &output{w: c.out}
	c.out = out
	cmd := newRoot(c)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = &fault.Error{Code: fault.Failed, Message: "the result could not be printed", Err: out.err, Hint: "what it would have said is done all the same"}
	}
	if err != nil && !errors.Is(err, errReported) {
		report(c.err, err)
	}
	return exitStatus(err)
}
