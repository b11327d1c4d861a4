package memory_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// git is a repository of the real git, against which the one in memory is
// proved.
type git struct {
	t   *testing.T
	dir string
}

func newGit(t *testing.T) git {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	g := git{t: t, dir: t.TempDir()}
	g.run("", "init", "--quiet", "--bare")
	return g
}

func (g git) run(stdin string, args ...string) string {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), "git", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("git %v: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

func (g git) lines(args ...string) []string {
	g.t.Helper()
	return strings.Fields(g.run("", args...))
}

// history is a random one, made in memory and told to git.
type history struct {
	*memory.State
	commits []*memory.Commit
	stream  strings.Builder
}

func (h *history) add(n memory.NewCommit) *memory.Commit {
	c, err := h.NewCommit(n)
	if err != nil {
		panic(err)
	}
	h.commits = append(h.commits, c)
	fmt.Fprintf(&h.stream, "commit refs/heads/c%d\nmark :%d\n", len(h.commits), len(h.commits))
	fmt.Fprintf(&h.stream, "author %s\ncommitter %s\n", c.Author, c.Committer)
	fmt.Fprintf(&h.stream, "data %d\n%s\n", len(c.Message), c.Message)
	for i, p := range c.Parents {
		word := "merge"
		if i == 0 {
			word = "from"
		}
		mark := slices.IndexFunc(h.commits, func(c *memory.Commit) bool { return c.SHA == p }) + 1
		fmt.Fprintf(&h.stream, "%s :%d\n", word, mark)
	}
	h.stream.WriteString("deleteall\n")
	for path, e := range c.Files {
		if e.Mode == providers.Submodule {
			fmt.Fprintf(&h.stream, "M %s %s %s\n", e.Mode, e.ID, path)
			continue
		}
		content, _ := h.Blob(e.ID)
		fmt.Fprintf(&h.stream, "M %s inline %s\ndata %d\n%s\n", e.Mode, path, len(content), content)
	}
	h.stream.WriteString("\n")
	return c
}

// TestGit proves ids, histories and archives against the real git.
func TestGit(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	repo, err := memory.New(memory.Options{Now: func() time.Time {
		now = now.Add(time.Minute)
		return now
	}}).AddRepo("acme/config", memory.RepoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = repo.Do(func(s *memory.State) error {
		h := &history{State: s}
		h.grow(rand.New(rand.NewPCG(1, 2)), 60)
		g.run(h.stream.String(), "fast-import", "--quiet", "--date-format=raw")
		for i, c := range h.commits {
			if got := g.lines("rev-parse", fmt.Sprintf("c%d", i+1), fmt.Sprintf("c%d^{tree}", i+1)); !slices.Equal(got, []string{c.SHA, c.TreeID}) {
				t.Fatalf("commit %d is %s with the tree %s, to git %v", i+1, c.SHA, c.TreeID, got)
			}
		}
		h.compare(g)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// paths are sorted by git in another way than by their bytes, some of them.
var paths = []string{"a", "a.b", "a-b/c", "b/c/d", "b/c.d", "b/e", "z/run.sh", "ü"}

// grow adds commits with one or two parents.
func (h *history) grow(random *rand.Rand, n int) {
	author := memory.Signature{Name: "Zoë <Z>", Email: "zoe@example.com"}
	h.add(memory.NewCommit{
		Files: h.Put(nil, map[string]*memory.File{
			"mod":  {Mode: providers.Submodule, Content: []byte("2222222222222222222222222222222222222222")},
			"link": {Mode: providers.Symlink, Content: []byte("a")},
		}),
		Message: "First\n", Author: author,
	})
	for i := range n {
		parent := h.commits[max(0, len(h.commits)-1-random.IntN(4))]
		next := memory.NewCommit{Parents: []string{parent.SHA}, Message: fmt.Sprintf("Commit %d\n\nBody.", i), Author: author}
		files := parent.Files
		if other := h.commits[random.IntN(len(h.commits))]; random.IntN(3) == 0 && other != parent {
			next.Parents = append(next.Parents, other.SHA)
			files = other.Files
			if random.IntN(2) == 0 {
				files, _ = memory.MergeFiles(nil, parent.Files, other.Files)
			}
		}
		path := paths[random.IntN(len(paths))]
		change := &memory.File{Content: fmt.Appendf(nil, "content %d\n", random.IntN(6))}
		switch random.IntN(8) {
		case 0:
			change = nil
		case 1:
			change.Mode = providers.Executable
		}
		next.Files = h.Put(files, map[string]*memory.File{path: change})
		h.add(next)
	}
}

func (h *history) compare(g git) {
	t := g.t
	shas := func(commits []*memory.Commit) []string {
		out := []string{}
		for _, c := range commits {
			out = append(out, c.SHA)
		}
		return out
	}
	last := h.commits[len(h.commits)-1]
	for _, path := range append(paths, "", "b", "b/c", "absent") {
		args := []string{"log", "--format=%H", last.SHA}
		if path != "" {
			args = append(args, "--", path)
		}
		if diff := cmp.Diff(g.lines(args...), shas(h.Log(last.SHA, path, time.Time{}))); diff != "" && path != "absent" {
			t.Errorf("the log of %q:\n%s", path, diff)
		}
	}
	for i := 0; i < len(h.commits); i += 5 {
		for j := 1; j < len(h.commits); j += 11 {
			a, b := h.commits[i], h.commits[j]
			between := shas(h.Between(a.SHA, b.SHA))
			slices.Sort(between)
			want := append([]string{}, g.lines("rev-list", b.SHA, "^"+a.SHA)...)
			slices.Sort(want)
			if diff := cmp.Diff(want, between); diff != "" {
				t.Errorf("what %d has that %d has not:\n%s", j, i, diff)
			}
			bases := g.lines("merge-base", "--all", a.SHA, b.SHA)
			if got := h.MergeBase(a.SHA, b.SHA); !slices.Contains(bases, got) {
				t.Errorf("the merge base of %d and %d is %s, to git %v", i, j, got, bases)
			}
			if got, want := h.IsAncestor(a.SHA, b.SHA), slices.Contains(bases, a.SHA); got != want {
				t.Errorf("%d is an ancestor of %d: %v", i, j, got)
			}
			want = strings.Split(strings.TrimSuffix(g.run("", "diff", "--no-renames", "--name-only", "-z", a.SHA, b.SHA), "\x00"), "\x00")
			got := []string{}
			for _, c := range h.Diff(a.Files, b.Files) {
				got = append(got, c.Path)
				if c.OldPath != "" {
					got = append(got, c.OldPath)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" && len(got) > 0 {
				t.Errorf("from %d to %d:\n%s", i, j, diff)
			}
		}
	}
}

// TestArchive proves archives against those of the real git.
func TestArchive(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	repo, err := memory.New(memory.Options{}).AddRepo("acme/config", memory.RepoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = repo.Do(func(s *memory.State) error {
		h := &history{State: s}
		files := map[string]*memory.File{
			".gitattributes": {Content: []byte("# comment\n*.secret export-ignore\n/top.txt export-ignore\nkeep/*.secret -export-ignore\n" +
				"hidden export-ignore\nversion export-subst\ndocs/** export-ignore\n*.sh text\n")},
			"deep/.gitattributes": {Content: []byte("x.yaml export-ignore\nsub/*.md export-ignore\n*.secret !export-ignore\n")},
			"a.secret":            {Content: []byte("a")},
			"top.txt":             {Content: []byte("a")},
			"deep/top.txt":        {Content: []byte("a")},
			"deep/a.secret":       {Content: []byte("a")},
			"keep/a.secret":       {Content: []byte("a")},
			"hidden/deep/file":    {Content: []byte("a")},
			"other/hidden":        {Content: []byte("a")},
			"version":             {Content: []byte("$Format:%H$ $Format:%h %s$ $Format: $Id$\n")},
			"deep/x.yaml":         {Content: []byte("a")},
			"x.yaml":              {Content: []byte("a")},
			"deep/sub/x.md":       {Content: []byte("a")},
			"deep/sub/sub/x.md":   {Content: []byte("a")},
			"docs/a/b.md":         {Content: []byte("a")},
			"run.sh":              {Mode: providers.Executable, Content: []byte("a")},
			"link":                {Mode: providers.Symlink, Content: []byte("x.yaml")},
			"mod":                 {Mode: providers.Submodule, Content: []byte("2222222222222222222222222222222222222222")},
			strings.Repeat("l", 90) + "/" + strings.Repeat("ü", 90): {Content: []byte("long")},
		}
		c := h.add(memory.NewCommit{Files: s.Put(nil, files), Message: "Subject\n\nBody."})
		g.run(h.stream.String(), "fast-import", "--quiet", "--date-format=raw")
		archive, err := s.Archive(c.SHA, "top")
		if err != nil {
			return err
		}
		want := g.run("", "-c", "tar.umask=0002", "archive", "--format=tar.gz", "--prefix=top/", c.SHA)
		if diff := cmp.Diff(untar(t, []byte(want)), untar(t, archive)); diff != "" {
			t.Error(diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// untar returns the entries of an archive but the folders, in one line each.
func untar(t *testing.T, archive []byte) []string {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(out)
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%c %s %o %s %q %q", h.Typeflag, h.Name, h.Mode, h.Linkname, content, h.PAXRecords["comment"]))
	}
}
