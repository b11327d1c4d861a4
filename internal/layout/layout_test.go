package layout

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/status"
)

var update = flag.Bool("update", false, "write the results into testdata")

// memory is a tree in memory.
type memory map[string]string

func (m memory) Files(_ context.Context, yield func(path string) bool) error {
	for path := range m {
		if !yield(path) {
			break
		}
	}
	return nil
}

func (m memory) Read(path string, buf []byte) ([]byte, error) {
	s, ok := m[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return append(buf[:0], s...), nil
}

// tree returns the files with what a survey finds in them.
func (m memory) tree(t *testing.T) Tree {
	t.Helper()
	found, err := bump.Survey(t.Context(), m, bump.Subject{})
	if err != nil {
		t.Fatal(err)
	}
	tree := Tree{
		Files: slices.Sorted(maps.Keys(m)),
		Read:  func(path string) ([]byte, error) { return m.Read(path, nil) },
	}
	for _, p := range found.Places {
		tree.Uses = append(tree.Uses, Use{Path: p.Path, Image: p.Image, Version: p.Version})
	}
	return tree
}

// TestGolden guesses at the files under in/ of every archive, with the answers
// in the archive's comment, lines such as "answer order = dev, prod", and
// compares the file with .towpath.yaml and the questions with questions. What
// is written must parse, and fit the tree.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, want := memory{}, map[string]string{}
			for _, f := range archive.Files {
				if path, ok := strings.CutPrefix(f.Name, "in/"); ok {
					in[path] = string(f.Data)
				} else {
					want[f.Name] = string(f.Data)
				}
			}
			tree, answers := in.tree(t), answersIn(string(archive.Comment))
			p := Guess(tree, answers)
			got := map[string]string{"questions": questions(p)}
			if p.Problem == nil {
				text := Format(p)
				got[".towpath.yaml"] = string(text)
				prove(t, in, text)
			}
			slices.Reverse(tree.Uses)
			if diff := cmp.Diff(all(p), all(Guess(tree, answers))); diff != "" {
				t.Errorf("the guess depends on the order of the uses:\n%s", diff)
			}
			if *update {
				rewrite(t, file, archive, got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

// all returns what a proposal says.
func all(p Proposal) string { return questions(p) + string(Format(p)) }

func answersIn(comment string) Answers {
	answers := Answers{}
	for line := range strings.Lines(comment) {
		if rest, ok := strings.CutPrefix(line, "answer "); ok {
			id, answer, _ := strings.Cut(rest, " = ")
			answers[id] = strings.TrimSpace(answer)
		}
	}
	return answers
}

func questions(p Proposal) string {
	var b strings.Builder
	if p.Problem != nil {
		fmt.Fprintf(&b, "problem: %s (%s)\n", p.Problem.Error(), p.Problem.Hint)
	}
	for _, q := range p.Questions {
		fmt.Fprintf(&b, "%s: %s %q default %q\n", q.ID, q.Text, q.Candidates, q.Default)
	}
	return b.String()
}

// prove checks a file against the tree that it was guessed from.
func prove(t *testing.T, in memory, text []byte) {
	t.Helper()
	cfg, err := config.Parse(text)
	if err != nil {
		t.Errorf("the file does not parse: %v\n%s", err, text)
		return
	}
	m, err := status.Read(t.Context(), in, cfg, status.Options{})
	if err != nil {
		t.Fatal(err)
	}
	findings := m.Check()
	for _, f := range findings.Faults {
		t.Errorf("the file does not fit the tree: %v", f)
	}
	for _, f := range findings.Warnings {
		if strings.Contains(f.Message, "no file matches") {
			t.Errorf("the file names what is not there: %v", f)
		}
	}
	for i := range m.Apps {
		if !slices.ContainsFunc(m.Apps[i].Cells, func(c status.Cell) bool { return len(c.Places) > 0 }) {
			t.Errorf("app %s has no version anywhere", m.Apps[i].Name)
		}
	}
}

func rewrite(t *testing.T, file string, archive *txtar.Archive, got map[string]string) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return !strings.HasPrefix(f.Name, "in/") })
	for _, name := range slices.Sorted(maps.Keys(got)) {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
	}
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
