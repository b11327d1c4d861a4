// Package propose owns what a change to a config repo may touch before it is
// made: which files of which apps, in which environments, and which are held.
//
// It decides and explains; the edits are the engine's, and writing, committing
// and opening pull requests belong to those who hold the repository.
package propose

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/internal/schema"
)

// All is the name that stands for every environment.
const All = "*"

// Selection says where versions may change. Its zero value means the
// environments that come first, and all apps.
type Selection struct {
	Environments []string // names of environments or groups, or [All]
	Apps         []string
	Tag          string // to which all images of the apps move, as far as a request does not name them
}

// Scope is a selection as it comes out on a tree.
type Scope struct {
	cfg    *config.Config
	claims *config.Claims
	envs   map[string]bool
	apps   map[string]bool // nil means all
	tag    string
	tagged map[image.Repository]bool // the images that move to the tag
	holds  *hold.Set
}

// NewScope applies a selection to the files of a tree, which read reads. Faults
// of the configuration on this tree, and names that it does not know, are
// errors, all at once. What is wrong with hold files is none: see
// [Scope.Warnings].
func NewScope(cfg *config.Config, files []string, read func(path string) ([]byte, error), s Selection) (*Scope, error) {
	scope := &Scope{cfg: cfg, claims: cfg.Claims(files), envs: map[string]bool{}, tag: s.Tag, tagged: map[image.Repository]bool{}}
	scope.holds = hold.Read(files, read, hold.Names{
		Members: cfg.Members,
		HasApp:  func(name string) bool { return scope.claims.App(name) != nil },
	})
	var faults []error
	faults = appendIf(faults, scope.claims.Err())
	if len(s.Environments) == 0 {
		for _, env := range cfg.First() {
			scope.envs[env.Name] = true
		}
	}
	for _, name := range s.Environments {
		members, err := Environments(cfg, name)
		if err != nil {
			faults = append(faults, err)
		}
		for _, env := range members {
			scope.envs[env] = true
		}
	}
	if len(s.Apps) > 0 {
		scope.apps = map[string]bool{}
	}
	for _, name := range s.Apps {
		if !slices.ContainsFunc(scope.claims.Apps(), func(a config.Application) bool { return a.Name == name }) {
			faults = append(faults, fault.New(fault.Usage, Near(name, scope.names(), "apps"), "%s names no app %q", config.Path, name))
		}
		scope.apps[name] = true
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return scope, nil
}

// Environments returns the environments that a name stands for: one, the
// members of a group, or with [All] every one. A name that is unknown is a
// usage fault.
func Environments(cfg *config.Config, name string) ([]string, error) {
	if name == All {
		var all []string
		for i := range cfg.Environments {
			all = append(all, cfg.Environments[i].Name)
		}
		return all, nil
	}
	if members := cfg.Members(name); members != nil {
		return members, nil
	}
	var known []string
	for i := range cfg.Environments {
		for _, name := range []string{cfg.Environments[i].Name, cfg.Environments[i].Group} {
			if name != "" && !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	return nil, fault.New(fault.Usage, Near(name, known, "environments and groups"), "%s names no environment or group %q", config.Path, name)
}

// Near is a hint for a name that is unknown: the known one that was probably
// meant, else the known ones.
func Near(name string, known []string, what string) string {
	const shown = 20
	if near := schema.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(known) == 0 {
		return fmt.Sprintf("there are no %s", what)
	}
	more := ""
	if n := len(known) - shown; n > 0 {
		known, more = known[:shown], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("the %s are %s%s", what, strings.Join(known, ", "), more)
}

func (s *Scope) names() []string {
	var out []string
	for _, a := range s.claims.Apps() {
		out = append(out, a.Name)
	}
	return out
}

func (s *Scope) has(c config.Claim) bool { return s.envs[c.Env] && (s.apps == nil || s.apps[c.App]) }

func (s *Scope) isHeld(c config.Claim) bool { return s.holds.Of(c.Env, c.App).Hold != nil }

// Warnings are what is wrong with hold files: some may hold nothing.
func (s *Scope) Warnings() []error { return s.holds.Faults }

// Claim returns the app and the environment that a file belongs to, whether
// they are in scope or not.
func (s *Scope) Claim(path string) (config.Claim, bool) { return s.claims.Of(path) }

// Images returns the images of the apps that were selected by name, those of
// all apps if none was.
func (s *Scope) Images() []image.Repository {
	seen := map[image.Repository]bool{}
	var out []image.Repository
	for _, app := range s.claims.Apps() {
		if s.apps != nil && !s.apps[app.Name] {
			continue
		}
		for _, used := range app.Images {
			if !seen[used.Image] {
				seen[used.Image] = true
				out = append(out, used.Image)
			}
		}
	}
	return out
}

// Narrow makes a request keep to the scope: an image changes in the files of
// the apps that name it, in the environments that were selected, and where keys
// say that only a version stands, there. Places that the request names itself
// stay. What is held stays as it is, which is an error for a place that the
// request names, and else one of the refusals that are returned.
//
// It fails if no app names an image, and if none that does is deployed in an
// environment that was selected.
func (s *Scope) Narrow(r *bump.Request) (held []*fault.Error, err error) {
	named := slices.Clone(r.Add)
	for _, t := range r.Set {
		named = append(named, t.Path)
	}
	var faults []error
	for _, c := range s.heldClaims(named) {
		faults = append(faults, s.refusal(c))
	}
	told := map[config.Claim]bool{}
	for _, m := range r.Moves {
		found := s.gather(m.Image, r)
		for _, c := range found.held {
			if !told[c] {
				told[c] = true
				held = append(held, s.refusal(c))
			}
		}
		if len(named) == 0 {
			faults = appendIf(faults, s.explain(m.Image, found))
		}
	}
	if s.tag != "" {
		more, err := s.tagAll(r)
		faults = appendIf(faults, err)
		for _, c := range more {
			if !told[c] {
				told[c] = true
				held = append(held, s.refusal(c))
			}
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	match := r.Match
	r.Match = func(path string) bool {
		c, ok := s.claims.Of(path)
		return ok && s.has(c) && !s.isHeld(c) && (match == nil || match(path))
	}
	r.MatchImage = func(path string, repo image.Repository) bool {
		c, _ := s.claims.Of(path)
		app := s.claims.App(c.App)
		return app != nil && app.Names(repo)
	}
	return held, nil
}

// tagAll adds a move to the scope's tag for each image of its apps that the
// request does not name, and returns what is held of them. It fails if none of
// the apps is deployed.
func (s *Scope) tagAll(r *bump.Request) (held []config.Claim, err error) {
	deployed := len(r.Moves) > 0
	for _, repo := range s.Images() {
		if slices.ContainsFunc(r.Moves, func(m bump.Move) bool { return m.Image == repo }) {
			continue
		}
		found := s.gather(repo, r)
		held = append(held, found.held...)
		if !found.deployed {
			err = s.explain(repo, found)
			continue
		}
		deployed = true
		s.tagged[repo] = true
		r.Moves = append(r.Moves, bump.Move{Image: repo, Tag: s.tag})
	}
	if deployed {
		err = nil
	}
	return held, err
}

// IsExpected reports whether it is a fault that a plan has no place for an
// image: not if it is held, nor if another image stands for it that moves to
// the same tag.
func (s *Scope) IsExpected(repo image.Repository, plan *bump.Plan) bool {
	if len(s.gather(repo, &bump.Request{}).held) > 0 {
		return false
	}
	if !s.tagged[repo] {
		return true
	}
	for other := range s.tagged {
		if plan.Found(other) {
			return false
		}
	}
	return true
}

// Silent is an app in an environment that is in scope and has files, in which a
// plan found no version of the images that move.
type Silent struct {
	config.Claim
	File string // the first of its files
}

// Silent returns where a plan found nothing though an app is deployed there. What
// is held is not among it.
func (s *Scope) Silent(plan *bump.Plan, moves []bump.Move) []Silent {
	spoken := map[config.Claim]bool{}
	for _, f := range plan.Files {
		if len(f.Changes)+len(f.Current)+len(f.Refused) > 0 {
			c, _ := s.claims.Of(f.Path)
			spoken[c] = true
		}
	}
	var out []Silent
	for _, app := range s.claims.Apps() {
		if !slices.ContainsFunc(moves, func(m bump.Move) bool { return app.Names(m.Image) }) {
			continue
		}
		for _, env := range s.cfg.Order() {
			c := config.Claim{App: app.Name, Env: env.Name}
			if files := app.Files[env.Name]; len(files) > 0 && s.has(c) && !s.isHeld(c) && !spoken[c] {
				out = append(out, Silent{c, files[0]})
			}
		}
	}
	return out
}

// CheckTogether fails if images that move to one tag stand at different ones in
// an environment: then they do not travel together, and the tag is not one of
// all of them.
func (s *Scope) CheckTogether(plan *bump.Plan) error {
	versions := map[config.Claim]map[string]image.Repository{}
	for _, f := range plan.Files {
		c, _ := s.claims.Of(f.Path)
		for _, change := range slices.Concat(f.Changes, f.Current) {
			if !s.tagged[change.Image] {
				continue
			}
			if versions[c] == nil {
				versions[c] = map[string]image.Repository{}
			}
			tag, _, _ := strings.Cut(change.From, "@")
			versions[c][tag] = change.Image
		}
	}
	var faults []error
	for _, app := range s.claims.Apps() {
		for i := range s.cfg.Environments {
			c := config.Claim{App: app.Name, Env: s.cfg.Environments[i].Name}
			if len(versions[c]) < 2 {
				continue
			}
			var texts []string
			for _, tag := range slices.Sorted(maps.Keys(versions[c])) {
				texts = append(texts, versions[c][tag].Familiar()+" at "+tag)
			}
			faults = append(faults, fault.New(fault.Refused, "name each image that moves with its tag, as in `towpath bump IMAGE:TAG`",
				"the images of app %s stand at different versions in %s: %s", c.App, c.Env, strings.Join(texts, ", ")))
		}
	}
	return errors.Join(faults...)
}

// Sort puts environments into the order of the configuration.
func (s *Scope) Sort(envs []string) []string {
	var out []string
	for _, env := range s.cfg.Order() {
		if slices.Contains(envs, env.Name) {
			out = append(out, env.Name)
		}
	}
	return out
}

// Where says in words which files are looked at for an image.
func (s *Scope) Where(repo image.Repository) string {
	var apps []string
	for _, app := range s.claims.Apps() {
		if app.Names(repo) && (s.apps == nil || s.apps[app.Name]) {
			apps = append(apps, app.Name)
		}
	}
	return fmt.Sprintf("the files of app %s in %s", strings.Join(apps, ", "), strings.Join(s.Sort(slices.Collect(maps.Keys(s.envs))), ", "))
}

func appendIf(faults []error, err error) []error {
	if err == nil {
		return faults
	}
	return append(faults, err)
}

// heldClaims returns what is held of what files belong to, each once.
func (s *Scope) heldClaims(paths []string) []config.Claim {
	var out []config.Claim
	for _, path := range paths {
		if c, ok := s.claims.Of(path); ok && s.isHeld(c) && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

func (s *Scope) refusal(c config.Claim) *fault.Error {
	h := s.holds.Of(c.Env, c.App)
	f := fault.New(fault.Refused, "remove the file when it may move again", "app %s is held in %s: %s", c.App, c.Env, h.Reason)
	f.Path = h.Path
	return f
}

// gathered is where an image stands in the scope.
type gathered struct {
	apps      []string        // that name it and were selected
	elsewhere map[string]bool // the environments, not selected, in which they are deployed
	deployed  bool            // in an environment that was selected
	held      []config.Claim
}

// gather looks for the apps with an image, and adds the targets to which their
// keys lead to the request.
func (s *Scope) gather(repo image.Repository, r *bump.Request) gathered {
	g := gathered{elsewhere: map[string]bool{}}
	for _, app := range s.claims.Apps() {
		if !app.Names(repo) || s.apps != nil && !s.apps[app.Name] {
			continue
		}
		g.apps = append(g.apps, app.Name)
		for i := range s.cfg.Environments {
			c := config.Claim{App: app.Name, Env: s.cfg.Environments[i].Name}
			files := app.Files[c.Env]
			switch {
			case len(files) == 0:
				continue
			case !s.envs[c.Env]:
				g.elsewhere[c.Env] = true
				continue
			}
			g.deployed = true
			if r.Match != nil {
				files = slices.DeleteFunc(slices.Clone(files), func(path string) bool { return !r.Match(path) })
			}
			if s.isHeld(c) {
				if len(files) > 0 {
					g.held = append(g.held, c)
				}
				continue
			}
			for _, path := range files {
				r.Set = append(r.Set, targets(&app, path, repo)...)
			}
		}
	}
	return g
}

// targets are those to which an app's keys lead in one of its files: for one
// image, or with "" for all.
func targets(app *config.Application, path string, repo image.Repository) []bump.Target {
	return slices.DeleteFunc(bump.KeyTargets(path, app.EachKeys), func(t bump.Target) bool { return repo != "" && t.Image != repo })
}

// explain says why an image has no file in the scope, nil if it has.
func (s *Scope) explain(repo image.Repository, g gathered) error {
	switch {
	case g.deployed:
		return nil
	case len(g.apps) == 0 && s.apps != nil:
		return fault.New(fault.NotFound, "name another app, or add the image to its images", "%s is no image of app %s",
			repo.Familiar(), strings.Join(slices.Sorted(maps.Keys(s.apps)), ", "))
	case len(g.apps) == 0:
		hint := "add it to an app's images, or pass --no-config to bump it wherever it stands"
		var known []string
		for _, other := range s.Images() {
			known = append(known, other.Familiar())
		}
		if near := schema.Nearest(repo.Familiar(), known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return fault.New(fault.NotFound, hint, "no app in %s names %s", config.Path, repo.Familiar())
	}
	hint := "see `towpath check` for the files that it looks for"
	if envs := s.Sort(slices.Collect(maps.Keys(g.elsewhere))); len(envs) > 0 {
		hint = "it is deployed in " + strings.Join(envs, ", ") + ": pass --env " + envs[0]
	}
	return fault.New(fault.NotFound, hint, "app %s is not deployed in %s",
		strings.Join(g.apps, ", "), strings.Join(s.Sort(slices.Collect(maps.Keys(s.envs))), ", "))
}
