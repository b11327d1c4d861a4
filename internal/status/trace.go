package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Commit is one step in the history of the branch that is checked out.
type Commit struct {
	SHA     string
	Time    time.Time // when it landed on the branch
	Author  string    // by name
	Subject string
	// RequestedBy is who asked for it, where the commit says so; else "".
	RequestedBy string
	Changes     []FileChange

	// Cut is set where a shallow clone ends. What changed in it is not known.
	Cut bool
}

// By returns who made the change: who asked for it, else its author.
func (c *Commit) By() string {
	if c.RequestedBy != "" {
		return c.RequestedBy
	}
	return c.Author
}

// FileChange is what a commit did to a file. Old and New name its contents
// before and after; "" means that there was no file.
type FileChange struct {
	Path     string
	OldPath  string // another one if the file was renamed, else the same
	Old, New string
}

// ErrAbsent is what [History.Read] says of contents that a partial clone does
// not have. History ends there, as where a shallow clone ends.
var ErrAbsent = errors.New("contents are not in this clone")

// History is the past of a tree.
type History interface {
	// Uncommitted must return the files whose contents in the tree are not those
	// of the newest commit, each with the name of its contents there, "" if the
	// commit has no such file. Files that are gone from the tree are among them.
	Uncommitted(ctx context.Context) (map[string]string, error)

	// Commits must call yield with each commit, newest first, merges compared
	// with their first parent and as one step, until yield returns false.
	Commits(ctx context.Context, yield func(Commit) bool) error

	// Read must return contents by name. What is no text, or too large to be
	// one, gives nothing and no error; what is not there, one that wraps
	// [ErrAbsent].
	Read(ctx context.Context, name string) ([]byte, error)
}

// maxMoves bounds how far back it is counted how far one environment is behind
// another.
const maxMoves = 100

// Move is a change of an app's versions in an environment.
type Move struct {
	From, To Versions
	Commit   Commit // without its Changes
}

// track follows the versions of one cell back in time.
type track struct {
	cell    *Cell
	files   map[string]Versions // what stood in them at the point that is reached
	now     Versions            // of all files together
	moves   []Move              // newest first
	wants   []*Lag              // of the environments behind this one
	touched bool                // by the step that is under way
	done    bool
}

func (t *track) versions() Versions {
	out := Versions{}
	for _, v := range t.files {
		if len(t.files) == 1 {
			return v
		}
		out.addAll(v)
	}
	return out
}

// tracer is one walk back through the history.
type tracer struct {
	matrix  *Matrix
	history History
	tracks  map[*Cell]*track
	open    int
	touched []*track // by the step that is under way

	claimed map[string]*Cell // what the claims said of a path, nil if nothing
	// renamed has files that no claim knows by the names that they had before
	// they were moved to where one does.
	renamed map[string]*Cell
}

// Trace finds out when each cell of the matrix last changed and how far it is
// behind. It goes back in history only as far as it must. It may be called
// once.
func (m *Matrix) Trace(ctx context.Context, history History) error {
	tr := &tracer{matrix: m, history: history, tracks: map[*Cell]*track{}, claimed: map[string]*Cell{}, renamed: map[string]*Cell{}}
	var tracks []*track
	for _, cell := range m.cells() {
		t := newTrack(cell)
		tracks = append(tracks, t)
		tr.tracks[cell] = t
		for _, path := range cell.Files {
			tr.claimed[path] = cell
		}
	}
	tr.open = len(tracks)
	if err := tr.uncommitted(ctx); err != nil {
		return err
	}
	for _, t := range tracks {
		for i := range t.cell.Behind {
			lag := &t.cell.Behind[i]
			if lag.Relation != Level && lag.Relation != Ahead {
				from := tr.tracks[lag.of]
				from.wants = append(from.wants, lag)
			}
		}
	}
	for _, t := range tracks {
		tr.settle(t)
	}
	if tr.open == 0 {
		return nil
	}
	var failed error
	err := history.Commits(ctx, func(c Commit) bool {
		if c.Cut {
			m.Cut = c.Time
			return false
		}
		failed = tr.step(ctx, c)
		if errors.Is(failed, ErrAbsent) {
			m.Cut, failed = c.Time, nil
			return false
		}
		return failed == nil && tr.open > 0
	})
	if err = cmp.Or(failed, err); err != nil {
		return fmt.Errorf("read the history: %w", err)
	}
	return nil
}

func newTrack(cell *Cell) *track {
	t := &track{cell: cell, files: make(map[string]Versions, len(cell.Files))}
	for _, path := range cell.Files {
		t.files[path] = Versions{}
	}
	for _, p := range cell.Places {
		t.files[p.Path].add(p.Image, p.Version)
	}
	t.now = t.versions()
	return t
}

// uncommitted puts what the newest commit has in the place of what the tree
// has, where they differ.
func (tr *tracer) uncommitted(ctx context.Context) error {
	changed, err := tr.history.Uncommitted(ctx)
	if err != nil {
		return fmt.Errorf("compare with the newest commit: %w", err)
	}
	for path, name := range changed {
		cell := tr.owner(path)
		if cell == nil {
			continue
		}
		t := tr.tracks[cell]
		if t == nil { // the app is gone from the environment, but not in a commit
			t = newTrack(cell)
			t.done = true
			tr.tracks[cell] = t
		}
		if err := tr.revert(ctx, t, FileChange{Path: path, OldPath: path, Old: name}); err != nil {
			return err
		}
	}
	for _, t := range tr.touched {
		before := t.versions()
		t.cell.Uncommitted = !before.Equal(t.now)
		t.now, t.touched = before, false
	}
	tr.touched = tr.touched[:0]
	return nil
}

// owner returns the cell that a file belonged to at the point that is reached.
func (tr *tracer) owner(path string) *Cell {
	cell, asked := tr.claimed[path]
	if !asked {
		cell = tr.matrix.cellOf(path)
		tr.claimed[path] = cell
	}
	if cell == nil {
		return tr.renamed[path]
	}
	return cell
}

// revert takes one change of a file back.
func (tr *tracer) revert(ctx context.Context, t *track, c FileChange) error {
	if !t.touched {
		t.touched = true
		tr.touched = append(tr.touched, t)
	}
	delete(t.files, c.Path)
	if c.Old == "" {
		return nil
	}
	src, err := tr.history.Read(ctx, c.Old)
	if err != nil {
		return fmt.Errorf("read %s as it was: %w", fault.Printable(c.OldPath), err)
	}
	t.files[c.OldPath] = tr.matrix.inspect(t.cell, c.OldPath, src)
	return nil
}

// step goes back over one commit.
func (tr *tracer) step(ctx context.Context, c Commit) error {
	for _, change := range c.Changes {
		if err := tr.back(ctx, change); err != nil {
			return err
		}
	}
	c.Changes = nil
	for _, t := range tr.touched {
		t.touched = false
		if before := t.versions(); !before.Equal(t.now) {
			t.moves = append(t.moves, Move{From: before, To: t.now, Commit: c})
			t.now = before
			tr.settle(t)
		}
	}
	tr.touched = tr.touched[:0]
	return nil
}

// back takes a change back in the cells that it concerns. A file that was moved
// from one to another was new in this one, and gone from that.
func (tr *tracer) back(ctx context.Context, c FileChange) error {
	to := tr.owner(c.Path)
	if c.OldPath == c.Path {
		if c.Old == "" {
			delete(tr.renamed, c.Path) // what had the name before was another file
		}
		return tr.follow(ctx, to, c)
	}
	delete(tr.renamed, c.Path)
	from := tr.owner(c.OldPath)
	if from == nil && to != nil {
		tr.renamed[c.OldPath] = to
		from = to
	}
	if from == to {
		return tr.follow(ctx, to, c)
	}
	if err := tr.follow(ctx, from, FileChange{Path: c.OldPath, OldPath: c.OldPath, Old: c.Old}); err != nil {
		return err
	}
	return tr.follow(ctx, to, FileChange{Path: c.Path, OldPath: c.Path})
}

// follow takes a change back in a cell, if there is one that is followed.
func (tr *tracer) follow(ctx context.Context, cell *Cell, c FileChange) error {
	t := tr.tracks[cell]
	if t == nil || t.done {
		return nil
	}
	return tr.revert(ctx, t, c)
}

// settle notes what the last step showed, and whether the track need be
// followed any further.
func (tr *tracer) settle(t *track) {
	if len(t.moves) == 1 {
		t.cell.Changed = &t.moves[0]
	}
	t.wants = slices.DeleteFunc(t.wants, func(lag *Lag) bool {
		if !t.now.Same(lag.at) {
			return false
		}
		lag.Known = true
		lag.Commits, lag.Versions = len(t.moves), t.distinct()
		if lag.Relation == Differs && lag.Versions > 0 {
			lag.Relation = Behind
		}
		return true
	})
	switch {
	case len(t.moves) == 0 && len(t.now) > 0:
		return // the last change is yet to be found
	case len(t.moves) > 0 && len(t.moves) < maxMoves && len(t.wants) > 0:
		return
	}
	t.done = true
	t.files = nil
	tr.open--
}

// distinct counts the different versions that the moves led to. On the way from
// one to the next, several files may stand at both.
func (t *track) distinct() int {
	var steps, seen []Versions
	if t.cell.Uncommitted {
		steps = append(steps, t.cell.Versions)
	}
	for _, m := range t.moves {
		steps = append(steps, m.To)
	}
	for i, v := range steps {
		if len(v) > 0 && (i == 0 || !v.mixed()) && !slices.ContainsFunc(seen, v.Equal) {
			seen = append(seen, v)
		}
	}
	return len(seen)
}
