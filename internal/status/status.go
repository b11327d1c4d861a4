// Package status owns the matrix of a config repo: which version of each app
// stands in each environment, how far it is behind the environment before, when
// it last changed and by whom; and what in the repo and its .towpath.yaml does
// not fit together.
//
// It reads a tree and its history through interfaces, changes nothing, and asks
// no forge, registry or cluster: what stands in git is not always what runs.
package status

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/image"
)

// Matrix is the state of a config repo at one point.
type Matrix struct {
	Config       *config.Config
	Environments []string // in the order of promotion
	Apps         []App    // explicit ones as they are written, then those found, by name

	// Strays are the versions of images that stand in no app's files, and those
	// in an app's files whose image the app does not name.
	Strays []bump.Place

	// Cut is when the history ends that a shallow or partial clone has, zero if it goes back
	// to the first commit or was not looked at.
	Cut time.Time

	claims    *config.Claims
	inventory *bump.Inventory
	unread    []*fault.Error // in files that belong to an app
	holds     []*fault.Error // what is wrong with the hold files
	byClaim   map[config.Claim]*Cell
	byFile    map[string]*Cell // of the tree
}

// App is one row of the matrix.
type App struct {
	config.Application
	Cells []Cell // one for each of the matrix's environments
}

// Cell is an app in an environment.
type Cell struct {
	App, Env string
	Files    []string     // that belong to it, sorted; none means that it is not deployed
	Places   []bump.Place // where versions of its images stand
	Versions Versions
	Hold     *hold.Hold // nil if it is not held
	Behind   []Lag      // one for each environment right before this one that has the app

	// Changed is the last change of the versions in a commit. It is nil if the
	// history does not show it or was not looked at, and if the newest commit has
	// no version.
	Changed *Move
	// Uncommitted is set where the tree has other versions than the newest
	// commit, which may be none: the app is then no longer deployed.
	Uncommitted bool

	app *App
}

// Deployed reports whether the app has files in the environment.
func (c *Cell) Deployed() bool { return len(c.Files) > 0 }

// Relation says how the version of a cell relates to that of an environment
// before it.
type Relation string

// The relations.
const (
	Level   Relation = "level"   // the same version
	Behind  Relation = "behind"  // an older one, or one that was there before
	Ahead   Relation = "ahead"   // a newer one
	Differs Relation = "differs" // another one, and nothing says which is newer
)

// Lag is how far a cell is behind an environment right before it.
type Lag struct {
	Env      string // the environment before
	Relation Relation

	// Known is set where the history shows that the environment before once
	// had, or has, this cell's version. Commits counts the changes there since,
	// and Versions the different versions that they, and what is not committed,
	// led to.
	Known             bool
	Commits, Versions int

	of *Cell
	at Versions
}

// Options say how much is read.
type Options struct {
	// Everything also looks at files that belong to no app, for what
	// [Matrix.Check] says of them.
	Everything bool
}

// Read reads the matrix of a tree.
func Read(ctx context.Context, tree bump.Tree, cfg *config.Config, o Options) (*Matrix, error) {
	var files []string
	err := tree.Files(ctx, func(path string) bool {
		files = append(files, path)
		return true
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	m := &Matrix{Config: cfg, claims: cfg.Claims(files), byClaim: map[config.Claim]*Cell{}, byFile: map[string]*Cell{}}
	for _, env := range cfg.Order() {
		m.Environments = append(m.Environments, env.Name)
	}
	subject := m.lay()
	subject.Match = func(path string) bool {
		if config.IsOwn(path) {
			return false
		}
		return o.Everything || m.byFile[path] != nil
	}
	source := &listed{Tree: tree, files: files, gone: map[string]bool{}}
	inventory, err := bump.Survey(ctx, source, subject)
	if err != nil {
		return nil, err
	}
	for _, cell := range m.byClaim {
		cell.Files = slices.DeleteFunc(cell.Files, func(path string) bool { return source.gone[path] })
	}
	m.inventory = inventory
	m.assign(inventory)
	m.readHolds(tree, files)
	m.compare()
	return m, nil
}

// listed is a tree whose files are known already.
type listed struct {
	bump.Tree
	files []string

	mu   sync.Mutex
	gone map[string]bool // files that are listed and not there, such as tracked ones that were removed
}

func (l *listed) Read(path string, buf []byte) ([]byte, error) {
	src, err := l.Tree.Read(path, buf)
	if errors.Is(err, fs.ErrNotExist) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gone[path] = true
	}
	return src, err
}

func (l *listed) Files(_ context.Context, yield func(path string) bool) error {
	for _, path := range l.files {
		if !yield(path) {
			break
		}
	}
	return nil
}

// lay makes the empty cells, and says what to look for.
func (m *Matrix) lay() bump.Subject {
	var subject bump.Subject
	known := map[image.Repository]bool{}
	for _, a := range m.claims.Apps() {
		m.Apps = append(m.Apps, App{Application: a, Cells: make([]Cell, len(m.Environments))})
	}
	for i := range m.Apps {
		app := &m.Apps[i]
		for j, env := range m.Environments {
			cell := &app.Cells[j]
			*cell = Cell{App: app.Name, Env: env, Files: app.Files[env], Versions: Versions{}, app: app}
			m.byClaim[config.Claim{App: app.Name, Env: env}] = cell
			for _, path := range cell.Files {
				m.byFile[path] = cell
				subject.Targets = append(subject.Targets, bump.KeyTargets(path, app.EachKeys)...)
			}
		}
		for _, used := range app.Images {
			if !known[used.Image] {
				known[used.Image] = true
				subject.Images = append(subject.Images, used.Image)
			}
		}
	}
	return subject
}

// cells returns the cells of apps that are deployed, row by row.
func (m *Matrix) cells() []*Cell {
	var out []*Cell
	for i := range m.Apps {
		for j := range m.Apps[i].Cells {
			if cell := &m.Apps[i].Cells[j]; cell.Deployed() {
				out = append(out, cell)
			}
		}
	}
	return out
}

// cellOf returns the cell that a file belongs, or would belong, to.
func (m *Matrix) cellOf(path string) *Cell {
	if cell := m.byFile[path]; cell != nil {
		return cell
	}
	claim, ok := m.claims.Of(path)
	if !ok {
		return nil
	}
	return m.byClaim[claim]
}

// inspect returns the versions of a cell's images in the contents of a file.
func (m *Matrix) inspect(cell *Cell, path string, src []byte) Versions {
	out := Versions{}
	for _, p := range m.inventory.Inspect(path, src, bump.KeyTargets(path, cell.app.EachKeys)) {
		if cell.app.Names(p.Image) {
			out.add(p.Image, p.Version)
		}
	}
	return out
}

func (m *Matrix) assign(inventory *bump.Inventory) {
	for _, p := range inventory.Places {
		cell := m.cellOf(p.Path)
		if cell == nil || !cell.app.Names(p.Image) {
			m.Strays = append(m.Strays, p)
			continue
		}
		cell.Places = append(cell.Places, p)
		cell.Versions.add(p.Image, p.Version)
	}
	for _, f := range inventory.Unread {
		if m.cellOf(f.Path) != nil {
			m.unread = append(m.unread, f)
		}
	}
}

// readHolds reads the hold files of the tree.
func (m *Matrix) readHolds(tree bump.Tree, files []string) {
	set := hold.Read(files, func(path string) ([]byte, error) { return tree.Read(path, nil) }, hold.Names{
		Members: m.Config.Members,
		HasApp:  func(name string) bool { return m.claims.App(name) != nil },
	})
	for _, err := range set.Faults {
		m.holds = append(m.holds, faultsIn(err)...)
	}
	for _, cell := range m.byClaim {
		cell.Hold = set.Of(cell.Env, cell.App).Hold
	}
}

// compare says of each cell how it relates to those before it.
func (m *Matrix) compare() {
	for i := range m.Apps {
		app := &m.Apps[i]
		for j := range app.Cells {
			cell := &app.Cells[j]
			env := m.Config.Environment(cell.Env)
			if env == nil || len(cell.Versions) == 0 {
				continue
			}
			for _, before := range env.After {
				from := m.byClaim[config.Claim{App: app.Name, Env: before}]
				if from == nil || len(from.Versions) == 0 {
					continue
				}
				cell.Behind = append(cell.Behind, lag(cell, from))
			}
		}
	}
}

func lag(cell, from *Cell) Lag {
	out := Lag{Env: from.Env, Relation: Differs, of: from, at: cell.Versions}
	order, known := cell.Versions.compare(from.Versions)
	switch {
	case cell.Versions.Same(from.Versions):
		out.Relation, out.Known = Level, true
	case known && order < 0:
		out.Relation = Behind
	case known && order > 0:
		out.Relation = Ahead
	}
	return out
}
