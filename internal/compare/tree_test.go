package main

import (
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTree(t *testing.T) {
	t.Parallel()
	const apps, files = 100, 1010
	first := maps.Collect(tree(apps, files))
	if diff := cmp.Diff(first, maps.Collect(tree(apps, files))); diff != "" {
		t.Fatalf("a second tree differs:\n%s", diff)
	}
	if len(first) != files {
		t.Errorf("%d files, want %d", len(first), files)
	}
	holding := map[string]int{}
	for name, text := range first {
		if strings.ContainsAny(text, "{") && strings.Contains(text, "{app}") {
			t.Errorf("%s has a hole that was not filled:\n%s", name, text)
		}
		if !strings.HasSuffix(text, "\n") {
			t.Errorf("%s has no final newline", name)
		}
		if strings.Contains(text, sidecar) {
			holding[path.Base(name)]++
		}
	}
	want := map[string]int{"deployment.yaml": 2, "kustomization.yaml": 6, "values.yaml": 2}
	if diff := cmp.Diff(want, holding); diff != "" {
		t.Errorf("files that hold %s (-want +got):\n%s", sidecar, diff)
	}
}

func TestTreeStopsWhenAsked(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 15, 31} {
		n := 0
		for range tree(3, 35) {
			if n++; n == most {
				break
			}
		}
		if n != most {
			t.Errorf("%d files after stopping at %d", n, most)
		}
	}
}

func TestBigFiles(t *testing.T) {
	t.Parallel()
	const size = 200_000
	for name, text := range map[string]string{"stream": bigStream(size), "list": bigList(size)} {
		if len(text) < size || len(text) > size+4096 {
			t.Errorf("%s has %d bytes, want %d or little more", name, len(text), size)
		}
		if n := strings.Count(text, "\n---\n"); (n > 0) != (name == "stream") {
			t.Errorf("%s has %d document ends", name, n)
		}
		if n := strings.Count(text, sidecar+":"+sidecarTag); n < 2 {
			t.Errorf("%s holds %s %d times", name, sidecar, n)
		}
	}
}
