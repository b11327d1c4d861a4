package propose

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
)

// Intent is what a bump asks of a config repo.
type Intent struct {
	Request   bump.Request // its Match says which files are meant, before the configuration does
	Selection Selection

	// Accept may refuse a draft, so that nothing is written. Nil accepts all.
	Accept func(*Draft) error
}

// Draft is what an intent comes to on a tree.
type Draft struct {
	Request bump.Request   // narrowed to the scope
	Scope   *Scope         // nil without a configuration
	Held    []*fault.Error // what does not move because it is held
	Files   []string       // all files, sorted; nil if they did not have to be known
	Plan    *bump.Plan
	Looked  int // how many files were looked at

	LeftAlone map[string]error // why files that were looked at cannot be edited, each wrapping [bump.ErrLeftAlone]
}

// Narrow makes an intent keep to a configuration, which may be nil, on a tree of
// the given files. The draft has no plan yet.
func Narrow(intent Intent, cfg *config.Config, files []string, read func(path string) ([]byte, error)) (*Draft, error) {
	d := &Draft{Request: intent.Request, Files: files}
	if cfg == nil {
		return d, nil
	}
	var err error
	if d.Scope, err = NewScope(cfg, files, read, intent.Selection); err != nil {
		return nil, err
	}
	d.Request.Moves = slices.Clone(d.Request.Moves)
	d.Request.Set = slices.Clone(d.Request.Set)
	d.Held, err = d.Scope.Narrow(&d.Request)
	return d, err
}

// Scan makes the plan of the draft.
func (d *Draft) Scan(ctx context.Context, tree bump.Tree) error {
	seen := &noting{Tree: withoutOwn{tree}, leftAlone: map[string]error{}}
	plan, err := bump.Scan(ctx, seen, d.Request)
	d.Plan, d.LeftAlone = plan, seen.leftAlone
	return err
}

// Check refuses what must not be written: images of one app that would part,
// and what the intent does not accept.
func (d *Draft) Check(intent Intent) error {
	if intent.Accept != nil {
		if err := intent.Accept(d); err != nil {
			return err
		}
	}
	if d.Scope != nil {
		return d.Scope.CheckTogether(d.Plan)
	}
	return nil
}

// Claim returns the app and environment of a file, empty ones without a
// configuration.
func (d *Draft) Claim(path string) config.Claim {
	if d.Scope == nil {
		return config.Claim{}
	}
	claim, _ := d.Scope.Claim(path)
	return claim
}

// withoutOwn is a tree without towpath's own files: no version stands there that
// runs.
type withoutOwn struct{ bump.Tree }

func (t withoutOwn) Files(ctx context.Context, yield func(path string) bool) error {
	return t.Tree.Files(ctx, func(path string) bool { return config.IsOwn(path) || yield(path) })
}

// noting is a tree that remembers which files could not be edited.
type noting struct {
	bump.Tree

	mu        sync.Mutex
	leftAlone map[string]error
}

func (n *noting) Read(path string, buf []byte) ([]byte, error) {
	src, err := n.Tree.Read(path, buf)
	if errors.Is(err, bump.ErrLeftAlone) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.leftAlone[path] = err
	}
	return src, err
}
