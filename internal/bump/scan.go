package bump

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// Tree is a set of files to scan.
type Tree interface {
	// Files must call yield with the slash-separated path of each file that may
	// be edited, each once, in any order, and stop when yield returns false.
	Files(ctx context.Context, yield func(path string) bool) error

	// Read must append the contents of a file to buf[:0] and return them. A file
	// that is to be left alone, such as a binary one, gives an error wrapping
	// [ErrLeftAlone], and one that vanished since it was listed an error wrapping
	// [fs.ErrNotExist]. It is called from several goroutines at once.
	Read(path string, buf []byte) ([]byte, error)
}

// ErrLeftAlone is what a [Tree] says of files that are not edited whatever they
// hold: links, binary files, files too large.
var ErrLeftAlone = errors.New("left alone")

// Scan looks at every file of a tree and says what the request comes to. It
// writes nothing. The error is that of listing the tree, or of ctx; what goes
// wrong with single files stands in the plan.
func Scan(ctx context.Context, tree Tree, r Request) (*Plan, error) {
	if len(r.Moves) == 0 {
		return &Plan{}, nil
	}
	s := newScan(tree, r.Set, r.Moves)
	s.match = r.Match
	s.concerned = func(_ string, src []byte) bool { return moves(r.Moves).mentionedIn(src) }
	s.work = r.file
	for _, path := range r.Add {
		s.set[path] = true
	}
	if err := s.pass(ctx, tree.Files, s.first); err != nil {
		return nil, err
	}
	if err := s.markers(ctx); err != nil {
		return nil, err
	}
	s.visitTargets()
	slices.SortFunc(s.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	plan := &Plan{Files: slices.DeleteFunc(s.files, func(f File) bool { return f.isSilent() })}
	plan.dropUntagged(r.Moves)
	return plan, nil
}

// dropUntagged takes out the mentions of names without a version of those
// images that were found.
func (p *Plan) dropUntagged(ms []Move) {
	found := map[image.Repository]bool{}
	for _, m := range ms {
		found[m.Image] = p.Found(m.Image)
	}
	for i := range p.Files {
		f := &p.Files[i]
		f.Mentions = slices.DeleteFunc(f.Mentions, func(m Mention) bool { return found[m.untagged] })
	}
	p.Files = slices.DeleteFunc(p.Files, func(f File) bool { return f.isSilent() })
}

// isSilent reports whether there is nothing to tell of a file.
func (f *File) isSilent() bool {
	return f.After == nil && len(f.Current)+len(f.Refused)+len(f.Mentions)+len(f.places) == 0
}

// scan is one look at a tree.
type scan struct {
	tree    Tree
	match   func(path string) bool // which files count; nil means all
	moves   moves
	targets map[string][]Target // by their file
	set     map[string]bool     // files that the caller named, and wants

	// concerned says, from its bytes alone, whether a file may hold what is
	// looked for.
	concerned func(path string, src []byte) bool
	// work is done on each such file. src must not be kept.
	work func(path string, src []byte, around surroundings) File

	mu     sync.Mutex
	files  []File
	marked []string // files with Flux markers, which wait for the policies
	found  declarations
}

func newScan(tree Tree, set []Target, ms moves) *scan {
	s := &scan{tree: tree, moves: ms, targets: targetsByPath(set, ms), set: map[string]bool{}, found: newDeclarations()}
	for _, target := range set {
		if !target.Optional {
			s.set[target.Path] = true
		}
	}
	return s
}

// pass calls visit with every file that list yields, from several goroutines.
func (s *scan) pass(ctx context.Context, list lister, visit func(path string, src []byte)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	paths := make(chan []string, 16)
	var workers sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			var buf []byte
			for batch := range paths {
				for _, path := range batch {
					if ctx.Err() != nil {
						continue
					}
					src, err := s.tree.Read(path, buf)
					switch {
					case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrLeftAlone):
						continue
					case err != nil && !s.wanted(path): // nobody asked for it, or targets will
						continue
					case err != nil:
						s.unreadable(path, err)
						continue
					}
					s.guard(path, src, func() { visit(path, src) })
					buf = src
				}
			}
		})
	}
	// Handing over single paths would cost more than reading most files does.
	const size = 64
	batch := make([]string, 0, size)
	err := list(ctx, func(path string) bool {
		if batch = append(batch, path); len(batch) == size {
			paths <- batch
			batch = make([]string, 0, size)
		}
		return ctx.Err() == nil
	})
	paths <- batch
	close(paths)
	workers.Wait()
	return cmp.Or(err, context.Cause(ctx))
}

// lister is the form of [Tree.Files].
type lister func(ctx context.Context, yield func(path string) bool) error

// listOf lists given paths.
func listOf(paths []string) lister {
	return func(_ context.Context, yield func(path string) bool) error {
		for _, path := range paths {
			if !yield(path) {
				break
			}
		}
		return nil
	}
}

func (s *scan) wanted(path string) bool {
	return !s.set[path] && (s.match == nil || s.match(path))
}

// guard does the work on one file. A panic in it, which is a fault of towpath,
// refuses the file and leaves the others alone.
func (s *scan) guard(path string, src []byte, work func()) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		f := File{Path: path, Refused: []*fault.Error{internalFault(path, p)}, refused: map[image.Repository]bool{}}
		for _, m := range s.moves {
			f.refused[m.Image] = moves{m}.mentionedIn(src)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.files = append(s.files, f)
	}()
	work()
}

// first is the visit that decides about every file, except those with Flux
// markers: their policies may stand anywhere in the tree.
func (s *scan) first(path string, src []byte) {
	if declares(src) {
		s.declare(src)
	}
	if !s.wanted(path) {
		return
	}
	if bytes.Contains(src, []byte(policyWord)) {
		s.mu.Lock()
		s.marked = append(s.marked, path)
		s.mu.Unlock()
		return
	}
	if len(s.targets[path]) > 0 || s.concerned(path, src) {
		s.file(path, src, nil)
	}
}

func (s *scan) declare(src []byte) {
	d := newDeclarations()
	d.read(src)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found.add(d)
}

// file bumps one file and keeps the result if it has something to tell. src
// is the reader's buffer and must not outlive the call.
func (s *scan) file(path string, src []byte, known policies) {
	f := s.work(path, src, surroundings{known, s.targets})
	if f.isSilent() {
		return
	}
	if f.Before = nil; f.After != nil {
		f.Before = bytes.Clone(src)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
}

// markers is the second visit, to the files with Flux markers.
func (s *scan) markers(ctx context.Context) error {
	known := s.found.resolve()
	moved := known.of(s.moves)
	return s.pass(ctx, listOf(s.marked), func(path string, src []byte) {
		if len(s.targets[path]) > 0 || s.concerned(path, src) || moved.mentionedIn(src) {
			s.file(path, src, known)
		}
	})
}

// visitTargets visits the files that the caller named.
func (s *scan) visitTargets() {
	known := s.found.resolve()
	for _, path := range slices.Sorted(maps.Keys(s.set)) {
		src, err := s.tree.Read(path, nil)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.refuse(&fault.Error{
				Code: fault.NotFound, Path: path, Message: "there is no such file",
				Hint: "name the file relative to the repository, as in path/to/file.yaml",
			})
		case errors.Is(err, ErrLeftAlone):
			s.refuse(&fault.Error{
				Code: fault.Refused, Path: path, Message: "cannot be edited", Err: err,
				Hint: "name a text file that is no link",
			})
		case err != nil:
			s.unreadable(path, err)
		default:
			s.guard(path, src, func() { s.file(path, src, known) })
		}
	}
}

func (s *scan) unreadable(path string, err error) {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Path == path {
		s.refuse(f)
		return
	}
	s.refuse(&fault.Error{
		Code: fault.Access, Path: path, Message: "cannot be read", Err: cause(err),
		Hint: "make the file readable, or leave it out with --path",
	})
}

// cause drops the path that the file system puts into its errors, since the
// fault names it already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func (s *scan) refuse(f *fault.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, File{Path: f.Path, Refused: []*fault.Error{f}})
}
