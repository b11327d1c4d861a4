package status

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
)

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
	text, ok := m[path]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case text == "a link\n":
		return nil, fmt.Errorf("read %s: %w", path, bump.ErrLeftAlone)
	}
	return append(buf[:0], text...), nil
}

// treeOf reads a tree written as a txtar archive.
func treeOf(archive string) memory {
	tree := memory{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		tree[f.Name] = string(f.Data)
	}
	return tree
}

// matrixOf reads the matrix of a tree with its .towpath.yaml.
func matrixOf(t testing.TB, tree memory) *Matrix {
	t.Helper()
	cfg, err := config.Parse([]byte(tree[config.Path]))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(t.Context(), tree, cfg, Options{Everything: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// cellIn returns the cell of an app in an environment.
func cellIn(t testing.TB, m *Matrix, app, env string) *Cell {
	t.Helper()
	i := slices.IndexFunc(m.Apps, func(a App) bool { return a.Name == app })
	j := slices.Index(m.Environments, env)
	if i < 0 || j < 0 {
		t.Fatalf("there is no app %s in %s", app, env)
	}
	return &m.Apps[i].Cells[j]
}

// commit is a commit of a [past], with the whole tree after it.
type commit struct {
	tree      memory
	moved     map[string]string // files that were moved, from their old paths
	by, asked string            // author, and who asked for it
	cut       bool
}

// past is a history in memory, the oldest commit first. Contents are named by
// an "=" before them.
type past struct {
	commits     []commit
	uncommitted memory // the tree, nil if it is that of the newest commit

	listed int      // commits that were asked for
	read   []string // names of contents that were

	broken string // what fails: uncommitted, commits or read
}

// reading guards what pasts note of their readers.
var reading sync.Mutex

var errBroken = errors.New("broken")

// dawn is when the first commit landed; others follow by the hour.
var dawn = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// tree returns the newest tree.
func (p *past) tree() memory {
	if p.uncommitted != nil {
		return p.uncommitted
	}
	return p.head()
}

func (p *past) head() memory {
	if len(p.commits) == 0 {
		return nil
	}
	return p.commits[len(p.commits)-1].tree
}

func (p *past) Uncommitted(context.Context) (map[string]string, error) {
	if p.broken == "uncommitted" {
		return nil, errBroken
	}
	out := map[string]string{}
	for _, c := range changesBetween(p.head(), p.tree(), nil) {
		out[c.Path] = c.Old
	}
	return out, nil
}

func (p *past) Commits(_ context.Context, yield func(Commit) bool) error {
	for i, c := range slices.Backward(p.commits) {
		p.listed++
		if p.broken == "commits" {
			return errBroken
		}
		var before memory
		if i > 0 && !c.cut {
			before = p.commits[i-1].tree
		}
		if !yield(Commit{
			SHA: fmt.Sprintf("c%d", i+1), Time: dawn.Add(time.Duration(i) * time.Hour), Author: c.by, RequestedBy: c.asked,
			Subject: fmt.Sprintf("Commit %d", i+1), Changes: changesBetween(before, c.tree, c.moved), Cut: c.cut,
		}) {
			return nil
		}
		if c.cut {
			return nil
		}
	}
	return nil
}

func (p *past) Read(_ context.Context, name string) ([]byte, error) {
	if p.broken == "read" {
		return nil, errBroken
	}
	reading.Lock()
	p.read = append(p.read, name)
	reading.Unlock()
	text, ok := strings.CutPrefix(name, "=")
	if !ok {
		return nil, fmt.Errorf("no contents are named %q", name)
	}
	if strings.Contains(text, "\x00") {
		return nil, nil
	}
	return []byte(text), nil
}

// changesBetween compares trees as git does: what was moved is one change.
func changesBetween(before, after memory, moved map[string]string) []FileChange {
	name := func(tree memory, path string) string {
		if text, ok := tree[path]; ok {
			return "=" + text
		}
		return ""
	}
	gone := map[string]bool{}
	for _, old := range moved {
		gone[old] = true
	}
	paths := maps.Clone(before)
	if paths == nil {
		paths = memory{}
	}
	maps.Copy(paths, after)
	var out []FileChange
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		c := FileChange{Path: path, OldPath: path, Old: name(before, path), New: name(after, path)}
		if old, ok := moved[path]; ok {
			c.OldPath, c.Old = old, name(before, old)
		}
		if gone[path] || c.Old == c.New && c.Path == c.OldPath {
			continue
		}
		out = append(out, c)
	}
	return out
}
