package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Where git speaks to a person, this much of it is kept.
const (
	keptBytes = 16 << 10
	keptLines = 40
)

// inherited are the variables that would turn git to another repository than
// the one of the directory it is started for, or change what a path means.
// Variables that carry configuration stay: pipelines set safe.directory so.
var inherited = map[string]bool{
	"GIT_DIR":                          true,
	"GIT_WORK_TREE":                    true,
	"GIT_INDEX_FILE":                   true,
	"GIT_PREFIX":                       true,
	"GIT_COMMON_DIR":                   true,
	"GIT_OBJECT_DIRECTORY":             true,
	"GIT_ALTERNATE_OBJECT_DIRECTORIES": true,
	"GIT_QUARANTINE_PATH":              true,
	"GIT_INTERNAL_SUPER_PREFIX":        true,
	"GIT_IMPLICIT_WORK_TREE":           true,
	"GIT_GRAFT_FILE":                   true,
	"GIT_SHALLOW_FILE":                 true,
	"GIT_NAMESPACE":                    true,
	"GIT_LITERAL_PATHSPECS":            true,
	"GIT_GLOB_PATHSPECS":               true,
	"GIT_NOGLOB_PATHSPECS":             true,
	"GIT_ICASE_PATHSPECS":              true,
}

func environ(base []string, extra ...string) []string {
	env := make([]string, 0, len(base)+len(extra)+1)
	for _, v := range base {
		if key, _, _ := strings.Cut(v, "="); !inherited[key] {
			env = append(env, v)
		}
	}
	return append(append(env, "GIT_TERMINAL_PROMPT=0"), extra...)
}

// command returns git with the environment for reading: in English, and never
// waiting for a lock or the network. Git 2.39.4 and later can be told not to
// fetch what a partial clone lacks; before, allowing no way to fetch it is what
// stops it.
func command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = environ(os.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none")
	// A hook may leave a child behind that keeps the output open.
	cmd.WaitDelay = 3 * time.Second
	return cmd
}

// git runs git for reading and returns what it prints. See [run] for errors.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	return run(ctx, command(ctx, dir, args...))
}

// run runs a git command and returns what it prints, also when it fails. The
// error is a *fault.Error that wraps the context's error, a *gitError, or why
// git could not be started.
func run(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	said := &head{}
	cmd.Stderr = said
	err := judge(ctx, cmd, cmd.Run(), said)
	return out.Bytes(), err
}

// judge turns what exec returned for a git command into the error of [run].
func judge(ctx context.Context, cmd *exec.Cmd, err error, said *head) error {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	name := subcommand(cmd)
	if ctx.Err() != nil {
		return &fault.Error{Code: fault.Failed, Message: fmt.Sprintf("git %s was stopped", name), Err: context.Cause(ctx)}
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return &fault.Error{Code: fault.Failed, Message: "start git", Hint: "install git 2.26 or later and put it on the PATH", Err: err}
	}
	return &fault.Error{
		Code: fault.Failed, Message: "git " + name,
		Err: &gitError{status: exit.ExitCode(), state: exit.String(), stderr: said.String()},
	}
}

// subcommand returns which command of git is run.
func subcommand(cmd *exec.Cmd) string {
	args := cmd.Args[1:]
	for len(args) > 2 && (args[0] == "-C" || args[0] == "-c") {
		args = args[2:]
	}
	return args[0]
}

// gitError is a failure in git's own words.
type gitError struct {
	status int
	state  string // how the process ended
	stderr string // may be empty
}

func (e *gitError) Error() string {
	if e.stderr == "" {
		return e.state
	}
	return e.stderr
}

// head is a writer that keeps the beginning of what is written to it.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), keptBytes-len(h.kept))]...)
	return len(p), nil
}

func (h *head) String() string {
	lines := strings.Split(strings.TrimSpace(string(h.kept)), "\n")
	if len(lines) > keptLines {
		lines = append(lines[:keptLines], "…")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// stop asks git to end, which gives it the time to remove its lock files, and
// kills it where processes cannot be asked.
func stop(p *os.Process) error {
	if err := p.Signal(syscall.SIGTERM); err == nil || errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.Kill()
}
