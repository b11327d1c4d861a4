package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

func TestCommitWithoutRepository(t *testing.T) {
	t.Parallel()
	c := open(t, folder(t, map[string]string{"a.yaml": "a: b\n"}))
	wantFault(t, c.CheckCommittable(t.Context(), nil), fault.Refused, "not in a git repository")
	_, err := c.Commit(t.Context(), []string{"a.yaml"}, "message")
	wantFault(t, err, fault.Refused, "not in a git repository", "git init")
}

func TestCommit(t *testing.T) {
	t.Parallel()
	files := map[string]string{"sub/a.yaml": "a: 1\n", "staged.yaml": "b: 1\n", "unstaged.yaml": "c: 1\n", "sub/x": "1"}
	for _, name := range awkward() {
		files["sub/"+name] = "a: 1\r\n"
	}
	dir := repository(t, files)
	shell(t, dir, "config", "commit.cleanup", "strip")
	shell(t, dir, "config", "core.autocrlf", "false")
	before := shell(t, dir, "rev-parse", "HEAD")
	put(t, dir, map[string]string{"staged.yaml": "b: 2\n", "unstaged.yaml": "c: 2\n", "untracked.yaml": "d: 1\n", "sub/x": "2", "sub/added": "2"})
	shell(t, dir, "add", "staged.yaml", "sub/added")

	c := open(t, filepath.Join(dir, "sub"))
	paths := append(awkward(), "a.yaml")
	if err := c.CheckCommittable(t.Context(), paths); err != nil {
		t.Fatal(err)
	}
	var writes []Write
	for _, path := range paths {
		writes = append(writes, write(path, files["sub/"+path], "a: 2\r\n"))
	}
	if err := c.Replace(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	message := "bump web\n\n# not a comment\n\nTowpath-Move: app=web from=1 to=2\nTowpath-Run: https://ci.example.com/1"
	sha, err := c.Commit(t.Context(), paths, message)
	if err != nil {
		t.Fatal(err)
	}

	if head := shell(t, dir, "rev-parse", "HEAD"); sha != head || sha == before || len(sha) != 40 {
		t.Errorf("got commit %q, want the full hash of HEAD, %q", sha, head)
	}
	if parent := shell(t, dir, "rev-parse", "HEAD^"); parent != before {
		t.Errorf("got parent %q, want %q", parent, before)
	}
	if got := shell(t, dir, "log", "-1", "--format=%B"); got != message {
		t.Errorf("got message %q, want %q", got, message)
	}
	if got := shell(t, dir, "log", "-1", "--format=%(trailers:key=Towpath-Move,valueonly)"); got != "app=web from=1 to=2" {
		t.Errorf("got trailer %q", got)
	}
	changed := map[string]bool{}
	for path := range strings.SplitSeq(shell(t, dir, "diff", "-z", "--name-only", "HEAD^", "HEAD"), "\x00") {
		if path != "" {
			changed[path] = true
		}
	}
	want := map[string]bool{}
	for _, path := range paths {
		want["sub/"+path] = true
		if got, err := git(t.Context(), dir, "cat-file", "blob", "HEAD:sub/"+path); err != nil || string(got) != "a: 2\r\n" {
			t.Errorf("%s: committed %q, %v", path, got, err)
		}
	}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("committed files (-want +got):\n%s", diff)
	}
	status := "M  staged.yaml\nA  sub/added\n M sub/x\n M unstaged.yaml\n?? untracked.yaml"
	if got := shell(t, dir, "status", "--porcelain"); got != status {
		t.Errorf("got status\n%s\nwant\n%s", got, status)
	}
}

// More than fits on a command line.
func TestCommitManyPaths(t *testing.T) {
	t.Parallel()
	files, after := map[string]string{}, map[string]string{}
	var paths []string
	for i := range 3600 {
		path := fmt.Sprintf("%s/%s/%s-%d", strings.Repeat("x", 200), strings.Repeat("y", 200), strings.Repeat("z", 200), i)
		paths = append(paths, path)
		files[path], after[path] = "1", "2"
	}
	dir := repository(t, files)
	c := open(t, dir)
	if err := c.CheckCommittable(t.Context(), paths); err != nil {
		t.Fatal(err)
	}
	put(t, dir, after)
	if _, err := c.Commit(t.Context(), paths, "all"); err != nil {
		t.Fatal(err)
	}
	if got := shell(t, dir, "status", "--porcelain"); got != "" {
		t.Errorf("got status\n%s\nwant all committed", got)
	}
}

// hook installs a shell script as a hook of a repository.
func hook(t *testing.T, dir, name, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("file modes do not make a program here")
	}
	put(t, dir, map[string]string{name: "#!/bin/sh\n" + script})
	if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestCommitFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		spoil   func(t *testing.T, dir string)
		paths   []string
		message string
		code    fault.Code
		words   []string
	}{
		{
			name: "hook", code: fault.Failed,
			words: []string{"a git hook rejected the commit", "to output\nto error", "mend"},
			spoil: func(t *testing.T, dir string) {
				hook(t, dir, ".git/hooks/pre-commit", "echo to output; echo to error >&2; exit 1")
			},
		},
		{
			name: "hook elsewhere", code: fault.Failed,
			words: []string{"a git hook rejected the commit", "no ticket in: message"},
			spoil: func(t *testing.T, dir string) {
				hook(t, dir, "hooks/commit-msg", `echo "no ticket in: $(cat "$1")"; exit 7`)
				shell(t, dir, "config", "core.hooksPath", "hooks")
			},
		},
		{
			name: "hook of the reference", code: fault.Failed,
			words: []string{"a git hook rejected the commit", "not this branch"},
			spoil: func(t *testing.T, dir string) {
				hook(t, dir, ".git/hooks/reference-transaction", "echo not this branch >&2; exit 1")
			},
		},
		{
			name: "hook that says nothing", code: fault.Failed,
			words: []string{"a git hook rejected the commit", "exit status 1"},
			spoil: func(t *testing.T, dir string) { hook(t, dir, ".git/hooks/pre-commit", "exit 1") },
		},
		{
			name: "no identity", code: fault.Failed,
			words: []string{"does not know who commits", "git config user.email"},
			spoil: func(t *testing.T, dir string) {
				shell(t, dir, "config", "--unset", "user.email")
				shell(t, dir, "config", "user.useConfigOnly", "true")
			},
		},
		{
			name: "index locked", code: fault.Conflict,
			words: []string{"another git process", "remove ", "index.lock"},
			spoil: func(t *testing.T, dir string) { put(t, dir, map[string]string{".git/index.lock": ""}) },
		},
		{
			name: "signing", code: fault.Failed,
			words: []string{"could not be signed", "user.signingKey"},
			spoil: func(t *testing.T, dir string) {
				shell(t, dir, "config", "commit.gpgSign", "true")
				shell(t, dir, "config", "gpg.program", "false")
			},
		},
		{
			name: "signing without a key", code: fault.Failed,
			words: []string{"could not be signed"},
			spoil: func(t *testing.T, dir string) {
				shell(t, dir, "config", "commit.gpgSign", "true")
				shell(t, dir, "config", "gpg.format", "ssh")
				shell(t, dir, "config", "user.signingKey", filepath.Join(dir, "none"))
			},
		},
		{
			name: "nothing new", code: fault.Refused, words: []string{"nothing to commit"},
			spoil: func(t *testing.T, dir string) { put(t, dir, map[string]string{"a.yaml": "a: 1\n"}) },
		},
		{
			name: "nothing new, with a hook", code: fault.Refused, words: []string{"nothing to commit"},
			spoil: func(t *testing.T, dir string) {
				hook(t, dir, ".git/hooks/pre-commit", "exit 0")
				put(t, dir, map[string]string{"a.yaml": "a: 1\n", "untracked": "x"})
			},
		},
		{
			name: "untracked", code: fault.Failed, paths: []string{"a.yaml", "none.yaml"},
			words: []string{"git did not make the commit", "none.yaml"},
			spoil: func(t *testing.T, dir string) { hook(t, dir, ".git/hooks/pre-commit", "exit 0") },
		},
		{
			name: "merge", code: fault.Failed,
			words: []string{"git did not make the commit", "cannot do a partial commit during a merge"},
			spoil: func(t *testing.T, dir string) {
				shell(t, dir, "stash", "--quiet")
				diverge(t, dir)
				shell(t, dir, "merge", "--quiet", "--no-commit", "--no-ff", "side")
			},
		},
		{name: "no paths", paths: []string{}, code: fault.Refused, words: []string{"no files"}},
		{name: "no message", message: " \n", code: fault.Refused, words: []string{"message is empty"}},
		{name: "outside", paths: []string{"../a.yaml"}, code: fault.Refused, words: []string{"../a.yaml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n"})
			put(t, dir, map[string]string{"a.yaml": "a: 9\n"})
			if tt.spoil != nil {
				tt.spoil(t, dir)
			}
			head := shell(t, dir, "rev-parse", "HEAD")
			if tt.paths == nil {
				tt.paths = []string{"a.yaml"}
			}
			if tt.message == "" {
				tt.message = "message"
			}
			sha, err := open(t, dir).Commit(t.Context(), tt.paths, tt.message)
			wantFault(t, err, tt.code, tt.words...)
			if now := shell(t, dir, "rev-parse", "HEAD"); now != head || sha != "" {
				t.Errorf("got commit %q and HEAD %s, want none and %s", sha, now, head)
			}
		})
	}
}

// Hooks must see the world as with git commit: no option of ours may change
// what a path means to them, and the index is the one to be committed.
func TestCommitHookEnvironment(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
	hook(t, dir, ".git/hooks/pre-commit", `git diff --cached --name-only -- '*.yaml' >seen; git rev-parse --git-dir >>seen`)
	put(t, dir, map[string]string{"a.yaml": "a: 2\n", "b.yaml": "b: 2\n"})
	if _, err := open(t, dir).Commit(t.Context(), []string{"b.yaml"}, "message"); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, dir, "seen"), "b.yaml\n.git\n"; got != want {
		t.Errorf("the hook saw %q, want %q", got, want)
	}
}

func TestCommitSigns(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("there is no ssh-keygen program")
	}
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	shell(t, dir, "config", "commit.gpgSign", "true")
	shell(t, dir, "config", "gpg.format", "ssh")
	shell(t, dir, "config", "user.signingKey", key)
	put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
	if _, err := open(t, dir).Commit(t.Context(), []string{"a.yaml"}, "message"); err != nil {
		if strings.Contains(err.Error(), "unsupported value for gpg.format") {
			t.Skip("this git cannot sign with ssh keys")
		}
		t.Fatal(err)
	}
	if got := shell(t, dir, "cat-file", "commit", "HEAD"); !strings.Contains(got, "BEGIN SSH SIGNATURE") {
		t.Errorf("the commit has no signature:\n%s", got)
	}
}

// A commit that is stopped while a hook runs must not leave git's lock behind.
func TestCommitCancelled(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	hook(t, dir, ".git/hooks/pre-commit", `echo started >started; exec cat blocked`)
	for _, name := range []string{"started", "blocked"} {
		if out, err := exec.Command("mkfifo", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Skipf("cannot make a named pipe: %v: %s", err, out)
		}
	}
	put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
	head := shell(t, dir, "rev-parse", "HEAD")
	c := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		// Returns when the hook runs, which then waits for a writer in vain.
		if _, err := os.ReadFile(filepath.Join(dir, "started")); err != nil {
			t.Error(err)
		}
		cancel()
	}()
	_, err := c.Commit(ctx, []string{"a.yaml"}, "message")
	wantFault(t, err, fault.Failed, "git commit was stopped")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to wrap context.Canceled", err)
	}
	if now := shell(t, dir, "rev-parse", "HEAD"); now != head {
		t.Errorf("got HEAD %s, want %s", now, head)
	}
	if locks, err := filepath.Glob(filepath.Join(dir, ".git", "*.lock")); err != nil || len(locks) > 0 {
		t.Errorf("git left %q, %v", locks, err)
	}
}

// What git says is judged in English, whatever the user speaks. It runs alone,
// since the environment is the process's.
func TestCommitInAnotherLanguage(t *testing.T) {
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Setenv("LANGUAGE", "de")
	_, err := open(t, dir).Commit(t.Context(), []string{"a.yaml"}, "message")
	wantFault(t, err, fault.Refused, "nothing to commit")
	_, err = Open(t.Context(), folder(t, nil))
	if err != nil {
		t.Errorf("without a repository: %v", err)
	}
}
