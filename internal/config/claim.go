package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/internal/pattern"
	"github.com/towpath-dev/towpath/internal/schema"
)

// dir is the folder for what towpath keeps in the repository.
const dir = ".towpath/"

// IsOwn reports whether a file is towpath's own: this one, or what it keeps
// beside it. Such a file belongs to no app.
func IsOwn(path string) bool { return path == Path || strings.HasPrefix(path, dir) }

// Claim is an app in an environment, to which files belong.
type Claim struct{ App, Env string }

// Application is an app as it comes out on a tree, declared or discovered.
type Application struct {
	Name       string
	Images     []UsedImage
	Files      map[string][]string // by environment, sorted; nothing where the app is not deployed
	Discovered bool
	Offset     int // of its entry in the file
}

// UsedImage is an image of an application.
type UsedImage struct {
	Image  image.Repository
	Keys   []Key // where only a version stands, none if the files name the image
	Policy Policy
	Offset int
}

// Names reports whether the application names an image.
func (a *Application) Names(repo image.Repository) bool {
	return slices.ContainsFunc(a.Images, func(used UsedImage) bool { return used.Image == repo })
}

// EachKeys calls yield with the keys of each image that has some.
func (a *Application) EachKeys(yield func(repo image.Repository, keys edit.Path)) {
	for _, used := range a.Images {
		for _, k := range used.Keys {
			yield(used.Image, k.Path)
		}
	}
}

// Unmatched is a pattern that no file of the tree matches.
type Unmatched struct {
	Text   string
	Offset int
}

// Claims says which file belongs to which app, in which environment.
type Claims struct {
	config    *Config
	apps      []Application
	byName    map[string]int
	index     pattern.Index[claimant]
	extent    extent       // of what is in it
	matched   map[int]bool // offsets of patterns
	unmatched []Unmatched
	faults    []schema.Fault
}

// claimant is a pattern of an app, for one environment.
type claimant struct {
	claim      Claim
	entry      int // in Config.Apps
	discovered bool
	offset     int // of the pattern
}

// Claims looks at the files of a tree. What a discover entry finds is decided
// by these files; [Claims.Of] then answers for other paths, too.
func (c *Config) Claims(files []string) *Claims {
	cl := &Claims{config: c, byName: map[string]int{}, matched: map[int]bool{}}
	for i := range c.Apps {
		if a := &c.Apps[i]; a.Name != "" {
			cl.declare(i, a)
		}
	}
	for i := range c.Apps {
		if a := &c.Apps[i]; a.Discover != nil {
			cl.discover(i, a, files)
		}
	}
	cl.assign(files)
	for i := range c.Apps {
		a := &c.Apps[i]
		patterns := a.Files
		if a.Discover != nil {
			patterns = append([]Pattern{*a.Discover}, patterns...)
		}
		for _, p := range patterns {
			if !cl.matched[p.Offset] {
				cl.unmatched = append(cl.unmatched, Unmatched{p.String(), p.Offset})
			}
		}
	}
	return cl
}

const (
	maxClaims    = 1 << 20
	maxClaimText = 64 << 20

	tooMany = "too many paths: one for each pattern and environment, and there may be 1048576 of them with 64 MiB of text"
)

// extent is how much patterns come to when each app and environment is put into
// them.
type extent struct{ paths, text int }

// add adds the patterns of an app, if that does not go too far.
func (e *extent) add(app string, patterns []Pattern, envs []Environment) (ok bool) {
	sum, names := *e, 0
	for i := range envs {
		names += len(envs[i].Name)
	}
	for _, p := range patterns {
		if p.Pattern == nil {
			continue
		}
		text := p.String()
		sum.paths += len(envs)
		sum.text += (len(text)+strings.Count(text, "{app}")*len(app))*len(envs) + strings.Count(text, "{env}")*names
	}
	if sum.paths > maxClaims || sum.text > maxClaimText {
		return false
	}
	*e = sum
	return true
}

// declare adds an app that has a name.
func (cl *Claims) declare(entry int, a *App) {
	cl.extent.add(a.Name, a.Files, cl.config.Environments)
	cl.add(entry, a, a.Name, a.Files)
}

// discover adds the apps that an entry finds, by name. An app of that name that
// is declared, or was found before, wins.
func (cl *Claims) discover(entry int, a *App, files []string) {
	found := map[string]bool{}
	for _, path := range files {
		if IsOwn(path) {
			continue
		}
		captures := a.Discover.Captures(path, cl.accept)
		if len(captures) == 0 {
			continue
		}
		cl.matched[a.Discover.Offset] = true
		found[longest(captures).App] = true
	}
	patterns := a.Files
	if a.Discover.Has(pattern.Env) || len(a.Files) == 0 {
		patterns = append([]Pattern{*a.Discover}, a.Files...)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if i, taken := cl.byName[name]; !taken {
			if !cl.extent.add(name, patterns, cl.config.Environments) {
				cl.fault(a.Discover.Offset, "narrow the pattern: write the folder where the apps stand",
					"with app %s, which it discovers, the patterns come to %s", name, tooMany)
				return
			}
			cl.add(entry, a, name, patterns)
		} else if cl.apps[i].Discovered {
			cl.fault(a.Discover.Offset, "write one entry that discovers it, with the other pattern under files",
				"app %s is discovered by two entries; the other is on line %d", name, cl.config.file.Line(cl.apps[i].Offset))
		}
	}
}

// accept says what placeholders may stand for.
func (cl *Claims) accept(placeholder, value string) bool {
	if placeholder == pattern.Env {
		return cl.config.Environment(value) != nil
	}
	return schema.IsName(value)
}

// longest returns the capture with the longest environment: in web-eu-prod.yaml,
// that is eu-prod rather than prod, if there are both.
func longest(captures []pattern.Capture) pattern.Capture {
	return slices.MaxFunc(captures, func(a, b pattern.Capture) int { return len(a.Env) - len(b.Env) })
}

// add adds an app with its patterns.
func (cl *Claims) add(entry int, a *App, name string, patterns []Pattern) {
	app := Application{Name: name, Files: map[string][]string{}, Discovered: a.Discover != nil, Offset: a.Offset}
	for i := range a.Images {
		used := &a.Images[i]
		repo, err := used.Repository(name)
		if err != nil {
			cl.fault(used.Offset, "", "the image of app %s cannot be read: %v", name, err)
			continue
		}
		app.Images = append(app.Images, UsedImage{Image: repo, Keys: used.Keys, Policy: used.Policy, Offset: used.Offset})
	}
	cl.byName[name] = len(cl.apps)
	cl.apps = append(cl.apps, app)
	for i := range cl.config.Environments {
		env := cl.config.Environments[i].Name
		for _, p := range patterns {
			glob := p.Expand(map[string]string{pattern.App: name, pattern.Env: env})
			cl.index.Add(glob, claimant{Claim{name, env}, entry, app.Discovered, p.Offset})
		}
	}
}

// claimants returns those that claim a file, one for each claim: declared apps,
// if there are any, else discovered ones.
func (cl *Claims) claimants(path string) []claimant {
	if IsOwn(path) {
		return nil
	}
	var declared, discovered []claimant
	for c := range cl.index.Find(path) {
		list := &declared
		if c.discovered {
			list = &discovered
		}
		if !slices.ContainsFunc(*list, func(other claimant) bool { return other.claim == c.claim }) {
			*list = append(*list, c)
		}
	}
	if len(declared) > 0 {
		return declared
	}
	// Where one entry finds several apps in a name, its longest environment wins.
	return slices.DeleteFunc(discovered, func(c claimant) bool {
		return slices.ContainsFunc(discovered, func(other claimant) bool {
			return other.entry == c.entry && other.claim.App != c.claim.App && len(other.claim.Env) > len(c.claim.Env)
		})
	})
}

// assign gives each file to its app.
func (cl *Claims) assign(files []string) {
	type pair struct{ first, second int } // offsets of patterns
	clashes := map[pair]*clash{}
	for _, path := range files {
		found := cl.claimants(path)
		if len(found) == 0 {
			continue
		}
		for _, c := range found {
			cl.matched[c.offset] = true
		}
		first := found[0]
		app := &cl.apps[cl.byName[first.claim.App]]
		app.Files[first.claim.Env] = append(app.Files[first.claim.Env], path)
		for _, other := range found[1:] {
			key := pair{first.offset, other.offset}
			if clashes[key] == nil {
				clashes[key] = &clash{path: path, first: first, second: other}
			}
			clashes[key].files++
		}
	}
	for i := range cl.apps {
		for _, list := range cl.apps[i].Files {
			slices.Sort(list)
		}
	}
	keys := slices.SortedFunc(maps.Keys(clashes), func(a, b pair) int { return cmp.Or(a.second-b.second, a.first-b.first) })
	for _, key := range keys {
		cl.clash(clashes[key])
	}
}

// clash is a pair of patterns that claim a file, and how many more.
type clash struct {
	path          string
	first, second claimant
	files         int
}

func (cl *Claims) clash(c *clash) {
	more := ""
	if c.files > 1 {
		more = fmt.Sprintf(", and so do %d more files", c.files-1)
		if c.files == 2 {
			more = ", and so does 1 more file"
		}
	}
	line := cl.config.file.Line(c.first.offset)
	path := fault.Printable(c.path)
	if c.first.claim.App == c.second.claim.App {
		cl.fault(c.second.offset, "write the pattern so that it matches in one of them only",
			"%s belongs to %s and to %s in app %s%s", path, c.first.claim.Env, c.second.claim.Env, c.first.claim.App, more)
		return
	}
	cl.fault(c.second.offset, fmt.Sprintf("a file belongs to one app: narrow one of the patterns (the other is on line %d), or make one app with both images", line),
		"%s belongs to app %s and to app %s%s", path, c.first.claim.App, c.second.claim.App, more)
}

func (cl *Claims) fault(offset int, hint, format string, args ...any) {
	cl.faults = append(cl.faults, schema.Fault{Offset: offset, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// Apps returns the apps: those that are declared, as they are written, then
// those that are discovered, by entry and name.
func (cl *Claims) Apps() []Application { return cl.apps }

// App returns the app of that name, or nil.
func (cl *Claims) App(name string) *Application {
	if i, ok := cl.byName[name]; ok {
		return &cl.apps[i]
	}
	return nil
}

// Of returns the app and the environment that a file belongs to, whether it is
// in the tree or would be.
func (cl *Claims) Of(path string) (Claim, bool) {
	found := cl.claimants(path)
	if len(found) == 0 {
		return Claim{}, false
	}
	return found[0].claim, true
}

// Unmatched returns the patterns that match no file, as they are written.
func (cl *Claims) Unmatched() []Unmatched { return cl.unmatched }

// Err returns what is wrong between the configuration and the tree, with one
// [fault.Error] for each fault, joined in the order of the file: files that
// belong to two apps, or to two environments of one, and more apps discovered
// than there may be, which are then left out.
func (cl *Claims) Err() error { return cl.config.file.Error(cl.faults) }
