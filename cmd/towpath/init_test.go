package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/config"
)

// TestInitAsks answers at a terminal what init cannot tell.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, typed string
		status      int
		want        string // in the file, or in what is printed if none is written
	}{
		{"an answer", "green,blue\n", exitOK, "{name: blue, after: [green]}"},
		{"nobody is there", "", exitFailed, "there was no answer; nothing was written"},
		{"an answer that cannot be used", "green,,/\n", exitFailed, "towpath: "},
		{"a better answer", "green,/\ngreen,blue\n", exitOK, "{name: blue, after: [green]}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "overlays/blue/kustomization.yaml"), "images: [{name: web, newTag: 1.4.2}]\n")
			write(t, filepath.Join(dir, "overlays/green/kustomization.yaml"), "images: [{name: web, newTag: 1.4.1}]\n")
			var out bytes.Buffer
			status := run(t.Context(), []string{"init", "--repo", dir}, console{
				in: strings.NewReader(test.typed), out: io.Discard, err: &out, canAsk: true, env: func(string) string { return "" },
			})
			if status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
			if !strings.HasPrefix(out.String(), "In which order do versions travel?") || !strings.Contains(out.String(), "found: blue, green") {
				t.Errorf("asked:\n%s", out.String())
			}
			got := out.String()
			if file, err := os.ReadFile(filepath.Join(dir, config.Path)); err == nil {
				got = string(file)
			} else if test.status == exitOK {
				t.Error(err)
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("got:\n%s\nwant in it: %s", got, test.want)
			}
		})
	}
}

// TestInitAsksNothingInVain stops at an answer that fits no question of the
// tree before it asks others, and where another answer says that it does not.
func TestInitAsksNothingInVain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file, answer, typed string
		asks                      bool
	}{
		{"misspelt", "overlays/blue/kustomization.yaml", "ordr=blue,green", "green,blue\n", false},
		{"of another tree", "blue/kustomization.yaml", "tags/{env}/{app}:tag=web", "green,blue\n", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, env := range []string{"blue", "green"} {
				file := filepath.Join(dir, strings.ReplaceAll(test.file, "blue", env))
				write(t, file, "images: [{name: web, newTag: 1.4.2}]\n")
			}
			var out bytes.Buffer
			status := run(t.Context(), []string{"init", "--repo", dir, "--answer", test.answer}, console{
				in: strings.NewReader(test.typed), out: io.Discard, err: &out, canAsk: true, env: func(string) string { return "" },
			})
			if status != exitUsage {
				t.Errorf("status %d, want %d", status, exitUsage)
			}
			if got := strings.Contains(out.String(), "> "); got != test.asks {
				t.Errorf("asked %v, want %v:\n%s", got, test.asks, out.String())
			}
			if !strings.Contains(out.String(), "answers no question") {
				t.Errorf("said:\n%s", out.String())
			}
			if exists(filepath.Join(dir, config.Path)) {
				t.Error("a file was written")
			}
		})
	}
}

// TestInitStops interrupts a question that nobody answers.
func TestInitStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "overlays/blue/kustomization.yaml"), "images: [{name: web, newTag: 1.4.2}]\n")
	write(t, filepath.Join(dir, "overlays/green/kustomization.yaml"), "images: [{name: web, newTag: 1.4.1}]\n")
	ctx, cancel := context.WithCancel(t.Context())
	nobody, _ := io.Pipe()
	out := &cancelling{cancel: cancel}
	status := run(ctx, []string{"init", "--repo", dir}, console{in: nobody, out: io.Discard, err: out, canAsk: true, env: func(string) string { return "" }})
	if status != exitFailed || !strings.Contains(out.String(), "interrupted; nothing was written") {
		t.Errorf("status %d:\n%s", status, out.String())
	}
}

// cancelling is a terminal at which somebody presses Ctrl-C when asked.
type cancelling struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	if strings.HasSuffix(string(p), "> ") {
		c.cancel()
	}
	return c.Buffer.Write(p)
}
