package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tool's tally counts every file that differs, and apart from them those in
// which more than a tag does.
func TestTallyCompare(t *testing.T) {
	t.Parallel()
	before, after := t.TempDir(), t.TempDir()
	old := map[string]string{
		"same.yaml":    "a: 1\n",
		"tag.yaml":     "image: web:1\n",
		"d/other.yaml": "image: web:1   # x\n",
		"gone.yaml":    "a: 1\n",
		".git/config":  "old\n",
	}
	now := map[string]string{
		"same.yaml":    "a: 1\n",
		"tag.yaml":     "image: web:" + sentinel + "\n",
		"d/other.yaml": "image: web:" + sentinel + " # x\n",
		"made.yaml":    "a: 1\n",
		".git/config":  "new\n",
	}
	if err := writeFiles(before, maps.All(old)); err != nil {
		t.Fatal(err)
	}
	if err := writeFiles(after, maps.All(now)); err != nil {
		t.Fatal(err)
	}
	var got tally
	if err := got.compare(before, after); err != nil {
		t.Fatal(err)
	}
	want := tally{changed: 4, spoilt: []string{"d/other.yaml", "gone.yaml", "made.yaml"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tally{})); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}

func TestCopyFolder(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	files := map[string]string{"a.yaml": "a\r\n", "d/e/b": "\x00", ".git/HEAD": "x"}
	if err := writeFiles(from, maps.All(files)); err != nil {
		t.Fatal(err)
	}
	if err := copyFolder(from, to); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err := filepath.WalkDir(to, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(to, name)
		got[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(files, ".git/HEAD")
	if diff := cmp.Diff(files, got); diff != "" {
		t.Errorf("copy (-want +got):\n%s", diff)
	}
}
