package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// invoke runs a command line in this process and returns its status and all
// that it printed.
func invoke(ctx context.Context, args ...string) (int, string) {
	var out bytes.Buffer
	status := run(ctx, args, console{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }})
	return status, out.String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Many runs at once on one file, each with an image of its own: every version
// is there at the end, and with --commit every one has its commit.
func TestBumpAtOnce(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"edit", "commit"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			const runs = 8
			dir := t.TempDir()
			var before, after strings.Builder
			for i := range runs {
				fmt.Fprintf(&before, "- image: ghcr.io/acme/app%d:1.0.0\n", i)
				fmt.Fprintf(&after, "- image: ghcr.io/acme/app%d:1.0.1\n", i)
			}
			file := filepath.Join(dir, "all.yaml")
			write(t, file, before.String())
			args := []string{"--repo", dir}
			if mode == "commit" {
				makeRepo(t, dir)
				args = append(args, "--commit")
			}
			var wg sync.WaitGroup
			for i := range runs {
				wg.Go(func() {
					status, out := invoke(t.Context(), append([]string{"bump", fmt.Sprintf("ghcr.io/acme/app%d:1.0.1", i)}, args...)...)
					if status != exitOK {
						t.Errorf("status %d: %s", status, out)
					}
				})
			}
			wg.Wait()
			if got := read(t, file); got != after.String() {
				t.Errorf("got\n%s", got)
			}
			if mode == "commit" {
				out, err := exec.Command("git", "-C", dir, "rev-list", "--count", "HEAD").Output()
				if got := strings.TrimSpace(string(out)); err != nil || got != fmt.Sprint(runs+1) {
					t.Errorf("%s commits, %v", got, err)
				}
			}
			left, err := filepath.Glob(filepath.Join(dir, ".towpath-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func makeRepo(t *testing.T, dir string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	for _, args := range [][]string{
		{"init", "-q", "--template="},
		{"config", "user.name", "Ada"},
		{"config", "user.email", "ada@acme.example"},
		{"config", "commit.gpgsign", "false"},
		{"config", "core.hooksPath", os.DevNull},
		{"add", "."},
		{"commit", "-qm", "Start"},
	} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

// An interrupted run says so, and has changed nothing.
func TestBumpInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	write(t, file, "image: nginx:1.27\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, out := invoke(ctx, "bump", "nginx:1.28", "--repo", dir)
	if status != exitFailed || out != "towpath: interrupted; nothing was written\n" {
		t.Errorf("status %d: %q", status, out)
	}
	if got := read(t, file); got != "image: nginx:1.27\n" {
		t.Errorf("got %q", got)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, path string
		want          bool
	}{
		{"a.yaml", "a.yaml", true},
		{"a.yaml", "b/a.yaml", false},
		{"**/a.yaml", "b/c/a.yaml", true},
		{"**/a.yaml", "a.yaml", true},
		{"apps", "apps/web/a.yaml", true},
		{"apps/", "apps/web/a.yaml", true},
		{"apps", "apps-old/a.yaml", false},
		{"apps/*/prod", "apps/web/prod/x/y", true},
		{"apps/*/prod", "apps/web/dev/x", false},
		{"*.yaml", "b/a.yaml", false},
		{"{a,b}/**", "b/c", true},
		{"./apps", "apps/x", true},
		{".", "x", true},
		{"a[b]c", "abc", true},
	} {
		ps, err := parsePatterns([]string{test.pattern})
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
		} else if got := ps.match(test.path); got != test.want {
			t.Errorf("%s on %s: %v, want %v", test.pattern, test.path, got, test.want)
		}
	}
}
