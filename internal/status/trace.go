package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
)

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
	shown   bool                // its last change is asked for, not only its past versions
	touched bool                // by the step that is under way
	waits   *step               // the first step of the queue that touches it
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
	only    func(*Cell) bool
	tracks  map[*Cell]*track
	open    int
	touched []*track // by the step that is under way

	claimed map[string]*Cell // what the claims said of a path, nil if nothing
	// renamed has files that no claim knows by the names that they had before
	// they were moved to where one does.
	renamed map[string]*Cell

	queue   []*step
	waiting int // open tracks that a step of the queue touches
	reads   chan *revert
}

const (
	maxQueue = 256 // steps that wait to be taken
	readers  = 16  // more than work at once, as most of them wait for an answer
)

// step is a commit that is to be taken back. Old contents are read while later
// steps are listed, but never more of them than if each step were taken at once:
// that the first step of the queue that touches an open track must be taken is
// certain, since nothing else can close that track.
type step struct {
	commit  Commit // without its Changes
	reverts []*revert
}

// revert takes one change of a file back in a track.
type revert struct {
	track  *track
	change FileChange

	ready chan struct{} // closed when the contents were read; nil if nobody was asked to
	old   Versions      // what stood in them
	err   error
}

// Trace finds out when cells of the matrix last changed and how far they are
// behind: those of which only is true, or all if it is nil. It goes back in
// history only as far as it must. It may be called once.
func (m *Matrix) Trace(ctx context.Context, history History, only func(*Cell) bool) error {
	if only == nil {
		only = func(*Cell) bool { return true }
	}
	tr := &tracer{
		matrix: m, history: history, only: only, tracks: map[*Cell]*track{},
		claimed: maps.Clone(m.byFile), renamed: map[string]*Cell{}, reads: make(chan *revert, maxQueue),
	}
	var running sync.WaitGroup
	for range readers {
		running.Go(func() {
			for r := range tr.reads {
				tr.read(ctx, r)
				close(r.ready)
			}
		})
	}
	defer running.Wait()
	defer close(tr.reads)

	tracks := tr.begin()
	if err := tr.uncommitted(ctx); err != nil {
		return err
	}
	for _, t := range tracks {
		for i := range t.cell.Behind {
			lag := &t.cell.Behind[i]
			if t.shown && lag.Relation != Level && lag.Relation != Ahead {
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
	if err := tr.walk(ctx); err != nil {
		return fmt.Errorf("read the history: %w", err)
	}
	return nil
}

// begin makes the tracks of the cells that are asked for, and of those right
// before them.
func (tr *tracer) begin() []*track {
	var tracks []*track
	follow := func(cell *Cell) *track {
		t := tr.tracks[cell]
		if t == nil {
			t = newTrack(cell)
			tr.tracks[cell] = t
			tracks = append(tracks, t)
		}
		return t
	}
	for _, cell := range tr.matrix.cells() {
		if !tr.only(cell) {
			continue
		}
		follow(cell).shown = true
		for _, lag := range cell.Behind {
			follow(lag.of)
		}
	}
	tr.open = len(tracks)
	return tracks
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
	var reverts []*revert
	for path, name := range changed {
		cell := tr.owner(path)
		if cell == nil {
			continue
		}
		t := tr.tracks[cell]
		if t == nil {
			if cell.Deployed() || !tr.only(cell) {
				continue
			}
			// The app is gone from the environment, but not in a commit.
			t = newTrack(cell)
			t.done = true
			tr.tracks[cell] = t
		}
		r := &revert{track: t, change: FileChange{Path: path, OldPath: path, Old: name}}
		tr.order(r)
		reverts = append(reverts, r)
	}
	for _, r := range reverts {
		if err := tr.take(ctx, r); err != nil {
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

// order has the contents read that a revert needs.
func (tr *tracer) order(r *revert) {
	if r.change.Old != "" {
		r.ready = make(chan struct{})
		tr.reads <- r
	}
}

// read reads the contents that a revert needs.
func (tr *tracer) read(ctx context.Context, r *revert) {
	src, err := tr.history.Read(ctx, r.change.Old)
	if err != nil {
		r.err = fmt.Errorf("read %s as it was: %w", fault.Printable(r.change.OldPath), err)
		return
	}
	r.old = tr.matrix.inspect(r.track.cell, r.change.OldPath, src)
}

// take takes one change of a file back.
func (tr *tracer) take(ctx context.Context, r *revert) error {
	t, c := r.track, r.change
	if !t.touched {
		t.touched = true
		tr.touched = append(tr.touched, t)
	}
	delete(t.files, c.Path)
	if c.Old == "" {
		return nil
	}
	if r.ready == nil {
		tr.read(ctx, r)
	} else {
		<-r.ready
	}
	if r.err != nil {
		return r.err
	}
	t.files[c.OldPath] = r.old
	return nil
}

// walk goes back through the commits.
func (tr *tracer) walk(ctx context.Context) error {
	var failed error
	more := true
	err := tr.history.Commits(ctx, func(c Commit) bool {
		if c.Cut {
			if more, failed = tr.drain(ctx); more {
				tr.matrix.Cut = c.Time
			}
			more = false
			return false
		}
		tr.plan(c)
		if tr.waiting == tr.open || len(tr.queue) == maxQueue {
			more, failed = tr.drain(ctx)
		}
		return more
	})
	if more {
		_, failed = tr.drain(ctx)
	}
	return cmp.Or(failed, err)
}

// plan puts a commit into the queue, if it changes what is followed.
func (tr *tracer) plan(c Commit) {
	s := &step{commit: c}
	s.commit.Changes = nil
	for _, change := range c.Changes {
		tr.assign(s, change)
	}
	if len(s.reverts) > 0 {
		tr.queue = append(tr.queue, s)
	}
}

// drain takes the steps of the queue, and reports whether to go on.
func (tr *tracer) drain(ctx context.Context) (more bool, err error) {
	for _, s := range tr.queue {
		switch err = tr.step(ctx, s); {
		case errors.Is(err, ErrAbsent):
			tr.matrix.Cut = s.commit.Time
			return false, nil
		case err != nil || tr.open == 0:
			return false, err
		}
	}
	for _, s := range tr.queue {
		for _, r := range s.reverts {
			r.track.waits = nil
		}
	}
	tr.queue, tr.waiting = tr.queue[:0], 0
	return true, nil
}

// step goes back over one commit.
func (tr *tracer) step(ctx context.Context, s *step) error {
	for _, r := range s.reverts {
		if r.track.done {
			continue
		}
		if err := tr.take(ctx, r); err != nil {
			return err
		}
	}
	for _, t := range tr.touched {
		t.touched = false
		if before := t.versions(); !before.Equal(t.now) {
			t.moves = append(t.moves, Move{From: before, To: t.now, Commit: s.commit})
			t.now = before
			tr.settle(t)
		}
	}
	tr.touched = tr.touched[:0]
	return nil
}

// assign finds the cells that a change concerns. A file that was moved from one
// to another was new in this one, and gone from that.
func (tr *tracer) assign(s *step, c FileChange) {
	to := tr.owner(c.Path)
	if c.OldPath == c.Path {
		if c.Old == "" {
			delete(tr.renamed, c.Path) // what had the name before was another file
		}
		tr.follow(s, to, c)
		return
	}
	delete(tr.renamed, c.Path)
	from := tr.owner(c.OldPath)
	if from == nil && to != nil {
		tr.renamed[c.OldPath] = to
		from = to
	}
	if from == to {
		tr.follow(s, to, c)
		return
	}
	tr.follow(s, from, FileChange{Path: c.OldPath, OldPath: c.OldPath, Old: c.Old})
	tr.follow(s, to, FileChange{Path: c.Path, OldPath: c.Path})
}

// follow puts a change of a cell into a step, if the cell is followed.
func (tr *tracer) follow(s *step, cell *Cell, c FileChange) {
	t := tr.tracks[cell]
	if t == nil || t.done {
		return
	}
	r := &revert{track: t, change: c}
	s.reverts = append(s.reverts, r)
	if t.waits == nil {
		t.waits = s
		tr.waiting++
	}
	if t.waits == s {
		tr.order(r)
	}
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
	case len(t.moves) == 0 && len(t.now) > 0 && (t.shown || len(t.wants) > 0):
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
