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
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // for systems without a database of time zones, such as empty containers

	"golang.org/x/term"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
)

func main() { os.Exit(start(time.Now)) }

func start(now func() time.Time) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks to stop, the second one kills.
	context.AfterFunc(ctx, stop)
	shows := isTerminal(os.Stderr)
	return run(ctx, os.Args[1:], console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		env: os.Getenv, now: now, isTerminal: shows, canAsk: shows && isTerminal(os.Stdin),
	})
}

// console is all that a command has of the world besides the file system.
type console struct {
	in         io.Reader
	out, err   io.Writer
	env        func(string) string
	now        func() time.Time // nil means time.Now
	isTerminal bool             // err is a terminal, where progress may be shown
	canAsk     bool             // in is a terminal too, where questions are answered

	// How forges are reached; nil means the usual way.
	base   http.RoundTripper
	sleep  func(ctx context.Context, d time.Duration) error
	jitter func() float64
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

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

// The exit statuses that the README promises.
const (
	exitOK          = 0
	exitFailed      = 1
	exitDifferences = 2
	exitUsage       = 3
)

// errDifferences is returned by commands that were asked, with --exit-code, to
// tell by their status that there are differences.
var errDifferences = errors.New("there are differences")

// exitStatus returns the status for what a command returned.
func exitStatus(err error) int {
	if errors.Is(err, errDifferences) {
		return exitDifferences
	}
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
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = transport.Sleep
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
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
