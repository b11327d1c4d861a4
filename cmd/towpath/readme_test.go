package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/towpath-dev/towpath/internal/config"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// blocks returns the fenced blocks of a language.
func blocks(text, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?\n)```\n").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// What the README shows on a terminal is what one sees there, on the repo that
// the demo makes.
func TestReadmeConsole(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	shown := blocks(readme(t), "console")
	if len(shown) == 0 {
		t.Fatal("the README shows no terminal")
	}
	for _, block := range shown {
		s := stage{ctx: t.Context(), dir: filepath.Join(t.TempDir(), "config")}
		if s.build(); s.err != nil {
			t.Fatal(s.err)
		}
		var got strings.Builder
		for line := range strings.Lines(block) {
			command, ok := strings.CutPrefix(line, "$ towpath ")
			if !ok {
				continue
			}
			got.WriteString(line)
			var out bytes.Buffer
			args := append(strings.Fields(command), "--repo", s.dir)
			run(t.Context(), args, console{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }})
			got.WriteString(out.String())
		}
		if diff := cmp.Diff(block, got.String()); diff != "" {
			t.Error(diff)
		}
	}
}

// The JSON that the README shows is the JSON that is printed by the command in
// the comment above it, on the repo that the demo makes, after an init.
func TestReadmeJSON(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	shown := regexp.MustCompile("(?s)\n<!-- towpath (.*?) -->\n```json\n(.*?\n)```\n").FindAllStringSubmatch(readme(t), -1)
	if want := len(blocks(readme(t), "json")); len(shown) != want || want == 0 {
		t.Fatalf("the README shows %d JSON objects, and %d have a command above", want, len(shown))
	}
	for _, m := range shown {
		command, want := m[1], m[2]
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := stage{ctx: t.Context(), dir: filepath.Join(t.TempDir(), "config")}
			if s.build(); s.err != nil {
				t.Fatal(s.err)
			}
			c := console{in: strings.NewReader(""), out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
			if !strings.Contains(command, "--no-config") {
				run(t.Context(), []string{"init", "--repo", s.dir}, c)
			}
			var out bytes.Buffer
			c.out = &out
			run(t.Context(), append(strings.Fields(command), "--repo", s.dir, "--output", "json"), c)
			if !json.Valid([]byte(want)) {
				t.Error("the README shows no valid JSON")
			}
			if diff := cmp.Diff(timeless(want), timeless(out.String())); diff != "" {
				t.Errorf("(-README +printed):\n%s", diff)
			}
		})
	}
}

// timeless replaces what is another one in every repo: times and SHAs.
func timeless(text string) string {
	text = regexp.MustCompile(`"[0-9a-f]{40}"`).ReplaceAllString(text, `"SHA"`)
	return regexp.MustCompile(`"[0-9-]{10}T[0-9:]{8}Z"`).ReplaceAllString(text, `"TIME"`)
}

// README and --help speak of the same flags, and of no others.
func TestReadmeFlags(t *testing.T) {
	t.Parallel()
	text := readme(t)
	rows := strings.Join(regexp.MustCompile("(?m)^\\| `--.*").FindAllString(text, -1), "\n")
	known := map[string]bool{}
	for _, cmd := range newRoot(console{}).Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			known[f.Name] = true
			if cmd.Name() == "bump" && f.Name != "help" && !regexp.MustCompile("`--"+f.Name+"[ `]").MatchString(rows) {
				t.Errorf("the README's table lacks --%s", f.Name)
			}
		})
	}
	for _, m := range regexp.MustCompile("--([a-z][a-z-]+)").FindAllStringSubmatch(text, -1) {
		if !known[m[1]] {
			t.Errorf("the README speaks of --%s, which does not exist", m[1])
		}
	}
	if n := strings.Count(text, "\n"); n >= 480 {
		t.Errorf("the README has %d lines", n)
	}
}

// The README has every key of .towpath.yaml once, with its default.
func TestReadmeKeys(t *testing.T) {
	t.Parallel()
	text := readme(t)
	const head = "| Key | Value | Default | What it says |\n|---|---|---|---|\n"
	var want strings.Builder
	want.WriteString(head)
	for _, k := range config.Keys() {
		value := "none"
		switch {
		case k.Required:
			value = "required"
		case k.Default != "":
			value = "`" + k.Default + "`"
		case len(k.Or) > 0:
			value = "required, or `" + strings.Join(k.Or, "`, `") + "`"
		case len(k.With) > 0:
			value = "required with `" + strings.Join(k.With, "`, `") + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", k.Path, k.Type, value, k.Doc)
	}
	before, rest, ok := strings.Cut(text, head)
	if !ok {
		t.Fatal("the README has no table of keys")
	}
	rows, after, _ := strings.Cut(rest, "\n\n")
	if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(head+rows+"\n", "\n")); diff != "" && !*update {
		t.Errorf("keys (-want +README; go test -run ReadmeKeys . -update writes it):\n%s", diff)
	}
	if *update {
		if err := os.WriteFile("../../README.md", []byte(before+want.String()+"\n"+strings.TrimLeft(after, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What the README shows of .towpath.yaml can be read.
func TestReadmeConfig(t *testing.T) {
	t.Parallel()
	found := false
	for _, block := range blocks(readme(t), "yaml") {
		if !strings.Contains(block, "environments:") {
			continue
		}
		found = true
		if _, err := config.Parse([]byte(block)); err != nil {
			t.Error(err)
		}
	}
	if !found {
		t.Error("the README shows no .towpath.yaml")
	}
}
