package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the golden files of the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"towpath": func() { os.Exit(start(scriptNow)) }})
}

// scriptNow is the clock of scripts: it stands still where they set it.
func scriptNow() time.Time {
	if now, err := time.Parse(time.RFC3339, os.Getenv("SCRIPT_NOW")); err == nil {
		return now
	}
	return time.Now()
}

// TestScript runs the command line as people do: the real main, real files,
// real git.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, script("testdata/script", ""))
}

// TestForgeScript runs the same scripts on each forge that is imitated: $KIND
// names it, and is a condition.
func TestForgeScript(t *testing.T) {
	t.Parallel()
	for _, kind := range slices.Sorted(maps.Keys(imitations)) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, script("testdata/forge", kind))
		})
	}
}

// script says how the scripts of a folder are run.
func script(dir, kind string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(env.WorkDir, ".gitconfig"))
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			env.Setenv("NO_COLOR", "1")
			// The race detector has each process wait for a second at its end.
			env.Setenv("GORACE", "atexit_sleep_ms=10")
			env.Setenv("KIND", kind)
			config := "[user]\n\tname = Ada\n\temail = ada@acme.example\n[init]\n\tdefaultBranch = main\n"
			return os.WriteFile(filepath.Join(env.WorkDir, ".gitconfig"), []byte(config), 0o600)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			if _, ok := imitations[cond]; ok {
				return cond == kind, nil
			}
			return false, fmt.Errorf("the condition %s is unknown", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"crlf":         crlf,
			"trim-newline": trimNewline,
			"repo":         repo,
			"forge":        forgeCommand,
		},
	}
}

// repo DIR makes DIR a git repo with all its files in one commit.
func repo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: repo DIR")
	}
	if _, err := exec.LookPath("git"); err != nil {
		ts.Fatalf("git is not installed")
	}
	dir := ts.MkAbs(args[0])
	for _, a := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-q", "-m", "Start"}} {
		ts.Check(ts.Exec("git", append([]string{"-C", dir}, a...)...))
	}
}

// crlf FILE... gives files the line ends of Windows, which an archive cannot hold.
func crlf(ts *testscript.TestScript, neg bool, args []string) {
	rewrite(ts, neg, args, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) })
}

// trim-newline FILE... drops the last line break, which an archive always has.
func trimNewline(ts *testscript.TestScript, neg bool, args []string) {
	rewrite(ts, neg, args, func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) })
}

func rewrite(ts *testscript.TestScript, neg bool, files []string, f func([]byte) []byte) {
	if neg || len(files) == 0 {
		ts.Fatalf("name at least one file")
	}
	for _, name := range files {
		name = ts.MkAbs(name)
		b, err := os.ReadFile(name)
		ts.Check(err)
		ts.Check(os.WriteFile(name, f(b), 0o600))
	}
}
