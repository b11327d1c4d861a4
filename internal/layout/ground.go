package layout

import (
	"bytes"
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/image"
)

// Limits on what is read: a guess must not take longer than the bump after it.
const (
	maxDocuments = 2000    // files that are looked into for objects of GitOps tools
	maxValues    = 4000    // files that are looked into for tags without an image
	maxSize      = 1 << 20 // bytes of a file
)

// ground is a tree as it is looked at.
type ground struct {
	tree     Tree
	files    []string // those that a pattern can name
	odd      int      // the number of the others that hold versions
	dirs     map[string]*dir
	order    []string // of the paths of dirs
	uses     map[string][]image.Repository
	versions map[string][]Use                     // as uses, with their versions
	given    map[string]bool                      // environments that an answer names
	only     bool                                 // and there are no others
	told     map[string]bool                      // environments that documents, or folders made for them, name
	found    []object                             // see objects
	looked   bool                                 // found is filled
	chart    map[string][]string                  // see charts
	spaces   map[string]map[image.Repository]bool // the images of apps, by namespace
	stray    map[string]string                    // see strays
}

// dir is a folder: the names of its folders and files, sorted.
type dir struct{ folders, files []string }

// survey indexes a tree.
func survey(tree Tree) *ground {
	g := &ground{
		tree: tree, dirs: map[string]*dir{"": {}}, uses: map[string][]image.Repository{},
		given: map[string]bool{}, told: map[string]bool{}, versions: map[string][]Use{}, stray: map[string]string{},
	}
	for _, u := range tree.Uses {
		g.uses[u.Path] = append(g.uses[u.Path], u.Image)
		g.versions[u.Path] = append(g.versions[u.Path], u)
	}
	for p, images := range g.uses {
		slices.Sort(images)
		g.uses[p] = slices.Compact(images)
	}
	files := slices.Clone(tree.Files)
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		switch {
		case !isPlainPath(file):
			if len(g.uses[file]) > 0 {
				g.odd++
			}
		case !isHidden(file):
			g.files = append(g.files, file)
			g.enter(file)
		}
	}
	g.order = slices.Sorted(maps.Keys(g.dirs))
	return g
}

// enter adds a file to its folder, and the folders above to theirs.
func (g *ground) enter(file string) {
	parent, name := split(file)
	g.dir(parent).files = append(g.dir(parent).files, name)
}

func (g *ground) dir(at string) *dir {
	d := g.dirs[at]
	if d == nil {
		d = &dir{}
		g.dirs[at] = d
		parent, name := split(at)
		above := g.dir(parent)
		above.folders = append(above.folders, name)
	}
	return d
}

// split parts a path into its folder, "" for the top, and its name.
func split(file string) (parent, name string) {
	i := strings.LastIndexByte(file, '/')
	return file[:max(i, 0)], file[i+1:]
}

// isPlainPath reports whether a pattern can name a file: where a name holds a
// character that patterns give a meaning, it cannot.
func isPlainPath(file string) bool {
	return file != "" && utf8.ValidString(file) && path.Clean(file) == file && file[0] != '/' && file != ".." &&
		!strings.HasPrefix(file, "../") && file != "." && !strings.ContainsAny(file, `*?[]{}\`) &&
		!strings.ContainsFunc(file, func(r rune) bool { return !unicode.IsPrint(r) })
}

// isHidden reports whether a file is hidden, as those of CI systems are, or
// made by a tool: what it says is not deployed, or not by a version of its own.
func isHidden(file string) bool {
	if file[0] == '.' || strings.Contains(file, "/.") {
		return true
	}
	_, name := split(file)
	return name == "gotk-components.yaml" || strings.Contains("/"+file, "/node_modules/")
}

// find finds an environment in the name of a folder, or of a file without its
// extension: one that was named before one by its word.
func (g *ground) find(name string) (span, bool) {
	if s, ok := named(name, g.given); ok || g.only {
		return s, ok
	}
	if s, ok := known(name); ok {
		return s, true
	}
	return named(name, g.told)
}

// named finds the longest of some names at the end, or else at the start, of a
// name.
func named(name string, names map[string]bool) (span, bool) {
	if len(names) == 0 {
		return span{}, false
	}
	if names[name] {
		return span{env: name}, true
	}
	for i := range len(name) {
		if isSeparator(name[i]) && names[name[i+1:]] {
			return span{before: name[:i+1], env: name[i+1:]}, true
		}
	}
	for i := len(name) - 1; i > 0; i-- {
		if isSeparator(name[i]) && names[name[:i]] {
			return span{env: name[:i], after: name[i:]}, true
		}
	}
	return span{}, false
}

// content returns the contents of a file, nil if there are none.
func (g *ground) content(file string) []byte {
	if g.tree.Read == nil {
		return nil
	}
	src, err := g.tree.Read(file)
	if err != nil || len(src) > maxSize {
		return nil
	}
	return src
}

// parse reads the YAML documents of a file. Those that cannot be read are left
// out, as a template may be.
func parse(src []byte) []*edit.Node {
	var roots []*edit.Node
	for _, span := range yamledit.Split(src) {
		if doc, err := yamledit.Parse(src, span); err == nil && doc.Root() != nil {
			roots = append(roots, doc.Root())
		}
	}
	return roots
}

// object is a document of a GitOps tool.
type object struct {
	path string
	kind string
	root *edit.Node
}

// schemes are the marks of the documents that are worth parsing.
var schemes = [][]byte{[]byte("argoproj.io/"), []byte("kustomize.toolkit.fluxcd.io/")}

// objects returns the objects of Argo CD and Flux, from the files where they
// are most likely first.
func (g *ground) objects() []object {
	if g.looked {
		return g.found
	}
	g.looked = true
	var files []string
	for _, f := range g.files {
		if _, ext := cutExtension(f); ext == ".yaml" || ext == ".yml" {
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	for _, f := range files[:min(len(files), maxDocuments)] {
		src := g.content(f)
		if !slices.ContainsFunc(schemes, func(s []byte) bool { return bytes.Contains(src, s) }) {
			continue
		}
		for _, root := range parse(src) {
			g.found = append(g.found, object{f, root.Get("kind").Text(), root})
		}
	}
	return g.found
}

// distance says how far a file is from where objects of GitOps tools usually
// stand.
func distance(file string) int {
	d := strings.Count(file, "/")
	for _, hint := range []string{"argo", "flux", "cluster", "application", "appset", "bootstrap"} {
		if strings.Contains(file, hint) {
			return d
		}
	}
	return d + 20
}
