package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Commit is one step of the history of HEAD: a commit on its first-parent
// line, which for a merge stands for all that landed with it. All text is
// valid UTF-8; bytes that are not are replaced by U+FFFD.
type Commit struct {
	SHA         string    // in full
	Time        time.Time // the committer's, in UTC; zero if the commit has none
	Author      string    // as .mailmap has it; "" if the commit names none
	Email       string    // as .mailmap has it
	Subject     string
	RequestedBy string // the last Towpath-Requested-By trailer; "" without

	// Changes are in the order of their paths. There are none if the commit
	// changed no file of the checkout.
	Changes []FileChange

	// Cut says that the commit has parents which the repository lacks, because
	// it is a shallow clone. All files that the commit has are then in Changes,
	// as if it had added them.
	Cut bool
}

// FileChange is a regular file whose contents or path a commit changed, against
// its first parent.
type FileChange struct {
	// Path is the file's after the commit, or before if the commit removed it.
	// It is relative to the checkout, with slashes, and may hold any bytes.
	Path string
	// OldPath differs from Path if git takes the file for another one that was
	// moved here.
	OldPath string
	// Old and New are the ids of the contents before and after, for
	// [Blobs.Read]; "" where there was no file, or only a symbolic link or a
	// submodule.
	Old, New string
}

const (
	smallest = 32   // how many commits are compared first, so that the first ones come soon
	largest  = 1024 // by how many at most

	// Above this many files on both sides git looks for files that were moved
	// and edited no more, but only for those that were moved as they are.
	renameLimit = "-l200"
)

// History calls yield with the commits on the first-parent line of HEAD, the
// newest first, until yield returns false, and then stops at once. Files
// outside of the checkout's directory are not among the changes, and a move
// across its border looks like a new or a removed file. Without git or without
// a commit there is no history, and no error.
//
// Nothing is fetched: where a partial clone lacks the contents of files, moved
// files are found only if their contents stayed as they are, and where it lacks
// trees, History fails. The error is a *fault.Error; yield may have been called
// before.
func (c *Checkout) History(ctx context.Context, yield func(Commit) bool) error {
	if !c.IsGit() {
		return nil
	}
	return c.walk().run(ctx, yield)
}

// walk is a history under way. One git lists the commits, and several compare
// their trees, a batch at a time, ahead of whoever reads the result.
type walk struct {
	c       *Checkout
	running sync.WaitGroup
	workers int      // that may still be started
	args    []string // that make git compare
	// lifetime is how many pairs of trees one git may be asked to compare.
	lifetime func(context.Context) int
	work     chan *batch // for the next worker that is free
	batches  chan *batch // in the order of the commits
	err      error       // of listing; to be read when batches is closed
}

func (c *Checkout) walk() *walk {
	workers := min(runtime.GOMAXPROCS(0), 4) // more would wait for the git that lists the commits
	return &walk{
		c:        c,
		workers:  workers,
		args:     c.comparison(),
		lifetime: c.lifetime,
		work:     make(chan *batch),
		batches:  make(chan *batch, workers),
	}
}

func (w *walk) run(ctx context.Context, yield func(Commit) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer w.running.Wait()
	defer cancel()
	w.hire(ctx) // while the commits are being listed
	w.running.Go(func() {
		defer close(w.batches)
		defer close(w.work)
		w.err = w.list(ctx)
	})
	for b := range w.batches {
		<-b.compared
		if b.err != nil {
			return b.err
		}
		for _, commit := range b.commits {
			if !yield(commit) {
				return nil
			}
		}
	}
	return w.err
}

// batch is a number of commits whose changes are known when compared is closed.
type batch struct {
	commits  []Commit
	pairs    []pair
	owners   []int // the commit of each pair
	compared chan struct{}
	err      error
}

func newBatch(size int) *batch {
	return &batch{
		commits:  make([]Commit, 0, size),
		pairs:    make([]pair, 0, size),
		owners:   make([]int, 0, size),
		compared: make(chan struct{}),
	}
}

// add adds a commit. Only trees that differ are worth a comparison.
func (b *batch) add(l listed, parent string) {
	if l.tree != parent {
		b.pairs = append(b.pairs, pair{old: parent, new: l.tree})
		b.owners = append(b.owners, len(b.commits))
	}
	b.commits = append(b.commits, l.Commit)
}

// list reads the commits from git. The tree of the next one is that of the
// parent, since only first parents are listed.
func (w *walk) list(ctx context.Context) error {
	cmd := command(ctx, w.c.dir, "rev-list", "--first-parent", "--encoding=UTF-8", commitFormat, "HEAD", "--")
	// Otherwise git writes each commit by itself into the pipe.
	cmd.Env = append(cmd.Env, "GIT_FLUSH=0")
	said := &head{}
	cmd.Stderr = said
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("list commits of %q: %w", w.c.dir, err)
	}
	if err := cmd.Start(); err != nil {
		return judge(ctx, cmd, err, said)
	}
	var last listed
	b, size := newBatch(smallest), smallest
	err = readCommits(pipe, func(next listed) bool {
		if last.SHA != "" {
			b.add(last, next.tree)
		}
		last = next
		if len(b.commits) < size {
			return true
		}
		full := b
		size = min(4*size, largest)
		b = newBatch(size)
		return w.compare(ctx, full)
	})
	// Git ends when nobody reads it any more.
	pipe.Close()
	ended := judge(ctx, cmd, cmd.Wait(), said)
	switch {
	case ctx.Err() != nil:
		return stopped(ctx)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return unlisted("rev-list", err)
	case ended != nil && last.SHA == "" && w.c.head(ctx) == "":
		return nil
	case ended != nil:
		return ended
	case err != nil:
		return unlisted("rev-list", err)
	case last.SHA == "":
		return nil
	}
	if last.Cut, err = w.c.isCut(ctx, last.SHA); err != nil {
		return err
	}
	b.add(last, emptyTree(last.tree))
	if !w.compare(ctx, b) {
		return stopped(ctx) // the last commits would be missing, as if there were none
	}
	return nil
}

func stopped(ctx context.Context) error {
	return &fault.Error{Code: fault.Failed, Message: "reading the history was stopped", Err: context.Cause(ctx)}
}

// isCut reports whether a commit that git lists as the last one has parents.
func (c *Checkout) isCut(ctx context.Context, sha string) (bool, error) {
	out, err := git(ctx, c.dir, "cat-file", "commit", sha)
	header, _, _ := bytes.Cut(out, []byte("\n\n"))
	return bytes.Contains(header, []byte("\nparent ")), err
}

// compare has a batch compared, as soon as few enough others wait to be read.
// It reports whether to go on.
func (w *walk) compare(ctx context.Context, b *batch) bool {
	select {
	case w.batches <- b:
	case <-ctx.Done():
		return false
	}
	// Whoever wants only the newest commits shall not wait for another git.
	if w.workers > 0 && len(b.commits) == largest {
		w.hire(ctx)
	}
	select {
	case w.work <- b:
		return true
	case <-ctx.Done():
		b.err = stopped(ctx)
		close(b.compared)
		return false
	}
}

// hire starts a git that compares batches until there are no more.
func (w *walk) hire(ctx context.Context) {
	w.workers--
	w.running.Go(func() {
		d, err := converse(ctx, w.comparer(ctx))
		asked, limit := 0, 0
		for b := range w.work {
			if asked >= largest && limit == 0 {
				limit = w.lifetime(ctx)
			}
			if d != nil && limit > 0 && asked >= limit {
				d.end()
				d, asked = nil, 0
			}
			if d == nil && err == nil {
				d, err = converse(ctx, w.comparer(ctx))
			}
			if err == nil {
				asked += len(b.pairs)
				if err = b.ask(ctx, d); err != nil {
					d = nil
				}
			}
			b.err = err
			close(b.compared)
		}
		if d != nil {
			d.end()
		}
	})
}

// comparer is a git that compares trees. It asks for each tree once or twice, so
// that a large cache of what it unpacked costs more than it saves.
func (w *walk) comparer(ctx context.Context) *exec.Cmd {
	cmd := command(ctx, w.c.dir, w.args...)
	cmd.Args = slices.Insert(cmd.Args, 1, "-c", "core.deltaBaseCacheLimit=16m")
	return cmd
}

// ask asks git for the changes. It hands over trees, as git would parse the
// commits once more.
func (b *batch) ask(ctx context.Context, d *dialogue) error {
	if len(b.pairs) == 0 {
		return nil
	}
	var question []byte
	for _, p := range b.pairs {
		question = append(append(append(append(question, p.old...), ' '), p.new...), '\n')
	}
	d.ask(append(question, enough...))
	changes, err := readChanges(d.out, b.pairs)
	if err != nil {
		return d.broken(ctx, err)
	}
	for i, of := range b.owners {
		b.commits[of].Changes = changes[i]
	}
	return nil
}

// comparison returns the command that compares pairs of trees.
func (c *Checkout) comparison() []string {
	args := []string{"diff-tree", "--stdin", "-r", "-z", "--no-abbrev", "--relative", renameLimit}
	// Git looks into files to tell whether one was moved and edited.
	if partial, _ := c.isPartial(); partial {
		args = append(args, "-M100%")
	} else {
		args = append(args, "-M")
	}
	// At the top of the work tree a path would make git slower for nothing.
	if _, err := os.Lstat(filepath.Join(c.dir, ".git")); err != nil {
		args = append(args, "--", ".")
	}
	return args
}

// lifetime returns how many pairs of trees one git may be asked to compare. It
// keeps the top of every tree in memory, and that may be large.
func (c *Checkout) lifetime(ctx context.Context) int {
	const kept = 64 << 20
	out, err := git(ctx, c.dir, "cat-file", "-s", "HEAD^{tree}")
	size, parseErr := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || parseErr != nil {
		return largest
	}
	return max(kept/max(size, 1), largest)
}
