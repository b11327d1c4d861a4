package bump

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// Subject says what a survey looks at. Its zero value is every image in every
// file.
type Subject struct {
	// Images are known to be images of the tree. Where a file leaves it open
	// which image a name stands for, they are preferred.
	Images  []image.Repository
	Targets []Target // further places; each must have its image
	Match   func(path string) bool
}

// Place is one place where a version of an image stands.
type Place struct {
	Path     string
	Position edit.Position // of the version
	Kind     Kind
	Image    image.Repository
	Version  string    // as in a reference: tag, tag@digest, or digest alone
	Keys     edit.Path // of the target that led there, if one did
	Problem  string    // why the version cannot be bumped there, "" if it can
}

// Inventory is what stands in a tree, in the order of paths and positions.
type Inventory struct {
	Places []Place
	Unread []*fault.Error // files and documents that could not be read, and may hold more

	survey *survey
	// policies reads those files of the tree that are not looked at, too, but
	// only when it is first called.
	policies func() (policies, error)
}

// Survey says which images stand in a tree, at which versions: all places that
// [Scan] would bump, if it were given their image. Files that do not match are
// read only if there are markers whose policies may stand in them. The error is
// that of listing the tree, or of ctx.
func Survey(ctx context.Context, tree Tree, subject Subject) (*Inventory, error) {
	s := newScan(tree, subject.Targets, nil)
	v := newSurvey(subject)
	s.match = subject.Match
	s.concerned = func(path string, src []byte) bool { return isHCL(path) || mayHoldImage(src) }
	s.work = v.file
	var others []string
	wanted := func(ctx context.Context, yield func(string) bool) error {
		return tree.Files(ctx, func(path string) bool {
			if s.wanted(path) {
				return yield(path)
			}
			others = append(others, path)
			return true
		})
	}
	if err := s.pass(ctx, wanted, s.first); err != nil {
		return nil, err
	}
	out := &Inventory{survey: v, policies: sync.OnceValues(func() (policies, error) {
		err := s.pass(ctx, listOf(others), func(_ string, src []byte) {
			if declares(src) {
				s.declare(src)
			}
		})
		return s.found.resolve(), err
	})}
	if len(s.marked)+len(s.set) > 0 {
		if _, err := out.policies(); err != nil {
			return nil, err
		}
	}
	if err := s.markers(ctx); err != nil {
		return nil, err
	}
	s.visitTargets()
	slices.SortFunc(s.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	for _, f := range s.files {
		out.Places = append(out.Places, f.places...)
		out.Unread = append(out.Unread, f.Refused...)
	}
	return out, nil
}

// Inspect says what would stand in a file of the tree if it had other contents,
// such as former ones. The targets are those in the file. It is safe for
// concurrent use.
func (i *Inventory) Inspect(path string, src []byte, targets []Target) []Place {
	around := surroundings{targets: map[string][]Target{path: targets}}
	if bytes.Contains(src, []byte(policyWord)) {
		around.policies, _ = i.policies() // which fails only when all is stopped
	}
	return i.survey.guarded(path, src, around).places
}

// survey is a run that looks and changes nothing.
type survey struct{ known map[image.Repository]bool }

func newSurvey(subject Subject) *survey {
	v := &survey{known: make(map[image.Repository]bool, len(subject.Images))}
	for _, repo := range subject.Images {
		v.known[repo] = true
	}
	return v
}

// guarded is file, but that a panic, which is a fault of towpath, finds nothing.
func (v *survey) guarded(path string, src []byte, around surroundings) (f File) {
	defer func() {
		if recover() != nil {
			f = File{}
		}
	}()
	return v.file(path, src, around)
}

func (v *survey) file(path string, src []byte, around surroundings) File {
	f := File{Path: path, Before: src, refused: map[image.Repository]bool{}}
	w := &run{
		survey: v, policies: around.policies, set: around.targets[path],
		file: &f, positions: positions{src: src}, seen: map[int]bool{},
	}
	l := w.open(path)
	l.look()
	slices.SortStableFunc(f.places, func(a, b Place) int {
		return cmp.Or(a.Position.Line-b.Position.Line, a.Position.Column-b.Position.Column)
	})
	// What else was noted while looking is about bumps.
	f.Before, f.Mentions = nil, nil
	return f
}

// look notes the sites of the layer and of the layers within.
func (l *layer) look() {
	for _, d := range l.docs {
		known := map[use]bool{}
		pinned := map[claim]bool{}
		sites := d.settled()
		for _, s := range sites {
			if s.digest.node != nil {
				pinned[s.tag.claim()] = true
			}
		}
		for _, s := range sites {
			again := known[s.use()] || s.joined && s.digest.node == nil && pinned[s.tag.claim()]
			if again || s.aside != "" && !s.isNamed() || s.image == "" || s.version() == "" {
				continue
			}
			known[s.use()] = true
			problem := s.problem
			if problem == "" && d.inSealed() {
				problem = sealedFault().Message
			}
			d.run.file.places = append(d.run.file.places, Place{
				Path: d.path, Position: d.run.position(d, placeOf(d, s.place())), Kind: s.kind,
				Image: s.image, Version: s.version(), Keys: s.keys, Problem: problem,
			})
		}
		for _, child := range d.children {
			child.look()
		}
	}
}

// imageWords are the words of which every text that holds a version of an
// image has one: in a key, in a scheme, or in a marker. HCL alone does without.
var imageWords = [][]byte{
	[]byte("mage"), []byte("IMAGE"), []byte("tag"), []byte("Tag"), []byte("TAG"), []byte("igest"), []byte("DIGEST"), []byte("eference"),
	[]byte("epo"), []byte("REPO"), []byte("docker"), []byte("oci:"), []byte("ontainer"), []byte("services"), []byte(markerWord),
}

// mayHoldImage reports whether a text may hold a version of an image.
func mayHoldImage(text []byte) bool {
	return slices.ContainsFunc(imageWords, func(word []byte) bool { return bytes.Contains(text, word) })
}
