package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for _, v := range []string{
				"GIT_CONFIG_GLOBAL=" + filepath.Join(env.WorkDir, ".gitconfig"),
				"GIT_CONFIG_NOSYSTEM=1",
				"NO_COLOR=1",
			} {
				name, value, _ := strings.Cut(v, "=")
				env.Setenv(name, value)
			}
			config := "[user]\n\tname = Ada\n\temail = ada@acme.example\n[init]\n\tdefaultBranch = main\n"
			return os.WriteFile(filepath.Join(env.WorkDir, ".gitconfig"), []byte(config), 0o600)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"crlf":         crlf,
			"trim-newline": trimNewline,
			"repo":         repo,
			"forge":        forgeCommand,
		},
	})
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
