package local

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// shape is a layout of a repository in which each commit edits one file.
type shape struct {
	name    string
	paths   []string
	content func(version int) string
}

// shapes are one file per version in three environments, and overlays of 1,000
// apps in five.
func shapes() []shape {
	tags := shape{name: "tags", content: func(version int) string {
		return fmt.Sprintf("image_tag: v%d\nautomatic_deploys_enabled: true\npromote_deployment: true\n", version)
	}}
	for _, env := range []string{"integration", "staging", "production"} {
		for app := range 100 {
			tags.paths = append(tags.paths, fmt.Sprintf("charts/app-config/image-tags/%s/app-%02d", env, app))
		}
	}
	overlays := shape{name: "overlays", content: func(version int) string {
		return fmt.Sprintf("kind: Kustomization\nresources:\n- ../../base\nimages:\n- name: ghcr.io/acme/app\n  newTag: 1.%d.0\n", version)
	}}
	for app := range 1000 {
		for _, env := range []string{"dev", "test", "staging", "prod-eu", "prod-us"} {
			overlays.paths = append(overlays.paths, fmt.Sprintf("apps/app-%03d/overlays/%s/kustomization.yaml", app, env))
		}
	}
	return []shape{tags, overlays}
}

// generate returns a repository with this many commits, and which path each of
// them edited, the oldest first; the first one adds them all.
func generate(t testing.TB, s shape, commits int) (dir string, edited []string) {
	t.Helper()
	needGit(t)
	dir = folder(t, nil)
	initialise(t, dir)
	random := rand.New(rand.NewPCG(1, 2))
	for range commits {
		edited = append(edited, s.paths[random.IntN(len(s.paths))])
	}
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(out, 1<<20)
		data := func(s string) { fmt.Fprintf(w, "data %d\n%s\n", len(s), s) }
		for i, path := range edited {
			fmt.Fprintf(w, "commit HEAD\ncommitter Ann %d <ann@example.com> %d +0200\n", i%50, 1_600_000_000+i)
			data(fmt.Sprintf("Update image %d\n\nTowpath-Requested-By: bob%d\n", i, i%7))
			paths := []string{path}
			if i == 0 {
				paths = s.paths
			}
			for _, path := range paths {
				fmt.Fprintf(w, "M 644 inline %s\n", path)
				data(s.content(i))
			}
		}
		out.CloseWithError(w.Flush())
	}()
	cmd := exec.Command("git", "-C", dir, "fast-import", "--quiet")
	cmd.Env = environ(os.Environ())
	cmd.Stdin = in
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v\n%s", err, said)
	}
	// As a clone would have it.
	shell(t, dir, "repack", "-a", "-d", "-f", "-q")
	shell(t, dir, "reset", "--quiet", "--hard")
	return dir, edited
}

// forShapes runs a benchmark on a repository of each shape, with as many
// commits as TOWPATH_BENCH_COMMITS says. TOWPATH_BENCH_DIR names a folder that
// keeps them, since making large ones takes minutes.
func forShapes(b *testing.B, run func(b *testing.B, dir string, commits int)) {
	commits := 2000
	if v := os.Getenv("TOWPATH_BENCH_COMMITS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatal(err)
		}
		commits = n
	}
	for _, s := range shapes() {
		b.Run(fmt.Sprintf("%s/%d", s.name, commits), func(b *testing.B) {
			var dir string
			kept := filepath.Join(os.Getenv("TOWPATH_BENCH_DIR"), fmt.Sprintf("%s-%d", s.name, commits))
			if _, err := os.Stat(kept); err == nil && filepath.IsAbs(kept) {
				dir = kept
			}
			if dir == "" {
				dir, _ = generate(b, s, commits)
				if filepath.IsAbs(kept) {
					if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			run(b, dir, commits)
		})
	}
}

func BenchmarkHistory(b *testing.B) {
	forShapes(b, func(b *testing.B, dir string, commits int) {
		c := open(b, dir)
		for b.Loop() {
			n := 0
			err := c.History(b.Context(), func(commit Commit) bool {
				n++
				return len(commit.Changes) > 0
			})
			if err != nil || n != commits {
				b.Fatalf("got %d commits, %v; want %d", n, err, commits)
			}
		}
	})
}

func BenchmarkHistoryFirst(b *testing.B) {
	forShapes(b, func(b *testing.B, dir string, _ int) {
		c := open(b, dir)
		for b.Loop() {
			if err := c.History(b.Context(), func(Commit) bool { return false }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUncommitted(b *testing.B) {
	forShapes(b, func(b *testing.B, dir string, _ int) {
		c := open(b, dir)
		for b.Loop() {
			if files, err := c.Uncommitted(b.Context()); err != nil || len(files) > 0 {
				b.Fatalf("got %d files, %v", len(files), err)
			}
		}
	})
}
