package bump

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// moves are the moves of a request, each image once.
type moves []Move

func (ms moves) of(repo image.Repository) (Move, bool) {
	for _, m := range ms {
		if m.Image == repo {
			return m, true
		}
	}
	return Move{}, false
}

func (ms moves) has(repo image.Repository) bool { _, ok := ms.of(repo); return ok }

func (ms moves) first() Move { return ms[0] }

// hasBase reports whether an image that moves has the same last segment: the
// same name in another registry, most likely.
func (ms moves) hasBase(repo image.Repository) bool {
	return slices.ContainsFunc(ms, func(m Move) bool { return m.Image.Base() == repo.Base() })
}

// mentionedIn reports whether text holds the last segment of an image's name
// as a word, or as the default of a variable (${IMAGE:-web:1.4}). It is the
// test that keeps most files from being parsed: cheap, and never false for a
// file that names the image where a site may be.
func (ms moves) mentionedIn(text []byte) bool {
	for _, m := range ms {
		base := m.Image.Base()
		for from := 0; ; {
			i := bytes.Index(text[from:], []byte(base))
			if i < 0 {
				break
			}
			start := from + i
			end := start + len(base)
			if (start == 0 || !isNameByte(text[start-1]) || isDefault(text[:start])) &&
				(end == len(text) || !isNameByte(text[end]) && text[end] != '/') {
				return true
			}
			from = start + 1
		}
	}
	return false
}

// isDefault reports whether the default of a variable begins where text ends,
// behind ${NAME:- or ${NAME-.
func isDefault(text []byte) bool {
	text, ok := bytes.CutSuffix(text, []byte("-"))
	if !ok {
		return false
	}
	text = bytes.TrimSuffix(text, []byte(":"))
	for len(text) > 0 && isNameByte(text[len(text)-1]) && text[len(text)-1] != '-' && text[len(text)-1] != '.' {
		text = text[:len(text)-1]
	}
	return bytes.HasSuffix(text, []byte("${"))
}

// isNameByte reports whether c can stand within a segment of an image's name.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// run is the work on one file.
type run struct {
	moves          moves
	policies       policies
	allowDowngrade bool
	isOlder        func(repo image.Repository, from string) bool
	set            []Target // in this file
	survey         *survey  // nil when bumping
	adding         bool     // images may get entries in this kustomization
	onlySet        bool     // nothing else may change here
	format         format
	unread         []edit.Span // documents of the file that could not be read
	file           *File
	positions      positions
	seen           map[int]bool // offsets of places that were spoken of
}

// surroundings are what must be known of the tree to work on one file of it.
type surroundings struct {
	policies policies            // what the markers of Flux stand for
	targets  map[string][]Target // by path
}

// targetsByPath returns the targets of a request by their file, each with its
// image.
func targetsByPath(set []Target, ms moves) map[string][]Target {
	out := map[string][]Target{}
	for _, t := range set {
		if t.Image == "" && len(ms) > 0 {
			t.Image = ms.first().Image
		}
		out[t.Path] = append(out[t.Path], t)
	}
	return out
}

// matching returns the moves that may be made in a file.
func (r Request) matching(path string, set []Target) moves {
	if r.MatchImage == nil {
		return r.Moves
	}
	var out moves
	for _, m := range r.Moves {
		if r.MatchImage(path, m.Image) || slices.ContainsFunc(set, func(t Target) bool { return t.Image == m.Image }) {
			out = append(out, m)
		}
	}
	return out
}

// file makes the moves of the request in one file. The result says it all:
// there is no error besides what is refused.
func (r Request) file(path string, src []byte, around surroundings) File {
	f := File{Path: path, Before: src, refused: map[image.Repository]bool{}}
	w := &run{
		policies: around.policies, allowDowngrade: r.AllowDowngrade, isOlder: r.IsOlder,
		onlySet: r.Match != nil && !r.Match(path), set: around.targets[path],
		file: &f, positions: positions{src: src}, seen: map[int]bool{},
	}
	if w.moves = r.Moves; !w.onlySet {
		w.moves = r.matching(path, w.set)
	}
	if len(w.moves) == 0 {
		return f
	}
	w.adding = slices.Contains(r.Add, path)
	l := w.open(path)
	if w.adding {
		l.add()
	}
	l.apply()
	w.finish(l)
	if w.onlySet {
		f.Mentions = nil
	} else {
		w.mentions()
	}
	slices.SortStableFunc(f.Changes, byPosition)
	slices.SortStableFunc(f.Current, byPosition)
	slices.SortStableFunc(f.Refused, func(a, b *fault.Error) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	slices.SortStableFunc(f.Mentions, func(a, b Mention) int {
		return cmp.Or(a.Position.Line-b.Position.Line, a.Position.Column-b.Position.Column)
	})
	return f
}

// open reads the file, as far as it may hold places that matter.
func (r *run) open(path string) *layer {
	src := r.file.Before
	l := &layer{run: r, path: path, text: src}
	r.format, l.known = formatOf(path, src)
	if !isState(path) {
		l.open(r.format)
	}
	for _, t := range r.set {
		l.target(t)
	}
	return l
}

func byPosition(a, b Change) int {
	return cmp.Or(a.Position.Line-b.Position.Line, a.Position.Column-b.Position.Column)
}

// finish makes the changes and proves them. A file whose result does not prove
// itself is refused whole.
func (r *run) finish(l *layer) {
	if len(r.file.Changes) == 0 {
		return
	}
	changes, err := l.changes()
	if err == nil {
		var after []byte
		if after, err = edit.Splice(l.text, changes); err == nil {
			if err = l.prove(after); err == nil {
				r.file.After = after
				return
			}
		}
	}
	first := r.file.Changes[0]
	for _, c := range r.file.Changes {
		r.file.refused[c.Image] = true
	}
	r.file.Changes = nil
	r.file.Refused = append(r.file.Refused, at(unprovedFault(err), r.file.Path, first.Position))
}

// concerns reports whether a text may hold a place that must be looked at.
func (r *run) concerns(text []byte) bool {
	if r.survey != nil && (r.format == formatHCL || mayHoldImage(text)) {
		return true
	}
	return len(r.set) > 0 || r.adding || r.moves.mentionedIn(text) || r.policies.mentionedIn(text)
}

// target adds the site at a path that the caller named.
func (l *layer) target(t Target) {
	if (l.format == formatText || l.format == formatTemplate) && t.Optional {
		l.unreadTarget(t)
		return
	}
	kind := Set
	if t.Optional {
		kind = Keys
	}
	keys := t.Keys
	if l.format == formatText || l.format == formatTemplate {
		l.run.file.Refused = append(l.run.file.Refused, &fault.Error{
			Code: fault.Refused, Path: l.path, Message: "is no YAML, JSON or HCL, in which keys could be found",
			Hint: "put the comment `# towpath: " + t.Image.Familiar() + ":tag` on the line above the value",
		})
		return
	}
	var found *edit.Node
	var sites []*site
	ambiguous := false
	for _, d := range l.docs {
		for _, n := range keys.Find(d.root()) {
			switch {
			case n == nil:
				continue
			case n.Kind != edit.Scalar || n.Tag == edit.TagNull:
				l.run.refuseAt(d, n.Start, fault.New(fault.Refused, "name a string; an empty one is written \"\"", "%s is no value that can hold a version", keys))
			default:
				s := named(n, t.Image)
				s.doc, s.kind, s.keys = d, kind, keys
				sites = append(sites, s)
			}
			// A key written twice is one place to those who read it; what holds
			// different values is not.
			ambiguous = ambiguous || found != nil && (found.Kind != n.Kind || found.Value != n.Value)
			found = n
		}
	}
	for _, s := range sites {
		if ambiguous {
			s.problem = keys.String() + " leads to several places with different values; an index tells repeated keys apart, as in set[1].value"
		}
		s.doc.marked = append(s.doc.marked, s)
	}
	if found == nil && t.Optional {
		l.unreadTarget(t)
		return
	}
	if found == nil && len(l.run.unread) == 0 {
		l.run.file.Refused = append(l.run.file.Refused, &fault.Error{
			Code: fault.NotFound, Path: l.path, Message: "no value at " + keys.String(),
			Hint: "paths look like image.tag, \"a.b\".c or releases[0].version",
		})
	}
}

// unreadTarget refuses the line of a template, or of a file that is YAML by no
// name and cannot be read as such, that gives the last key of a target a
// version: that it is the right one cannot be told without a tree, and to leave
// it as it is would look like success.
func (l *layer) unreadTarget(t Target) {
	if textNames[strings.ToLower(path.Ext(l.path))] {
		return
	}
	last := t.Keys[len(t.Keys)-1].Key
	for _, d := range l.docs {
		text, ok := d.tree.(lines)
		if !ok {
			continue
		}
		for at, line := range text.each() {
			key, n := value(at, line)
			if n == nil || last == "" || strings.TrimLeft(key, "- ") != last {
				continue
			}
			if _, _, ok := versionIn(whole(n)); ok && !d.isMarked(t.Image) {
				l.run.refuse(d, &site{image: t.Image, tag: whole(n)}, fault.New(fault.Refused,
					"put the comment `# towpath: "+t.Image.Familiar()+":tag` behind it, or make the file YAML that can be read",
					"%s may lead here, which cannot be told where the file cannot be read as YAML", t.Keys))
				return
			}
		}
	}
}

// named returns the site of a scalar that the caller says holds the version of
// an image: a tag, a digest, a reference with one of them, or nothing yet.
func named(n *edit.Node, repo image.Repository) *site {
	s := &site{image: repo, tag: whole(n)}
	ref, isRef := referenceIn(s.tag)
	found, _ := ref.repository()
	if isRef && ref.tag.node == nil && ref.digest.node == nil && found == repo {
		s.problem = "what stands there is its name without a tag"
		return s
	}
	if tag, digest, ok := versionIn(s.tag); ok {
		s.tag, s.digest, s.joined = tag, digest, digest.node != nil
		return s
	}
	if digest, ok := digestIn(n); ok && n.Value != "" {
		s.tag, s.digest = part{}, digest
		return s
	}
	switch {
	case isRef && (ref.tag.node != nil || ref.digest.node != nil):
		s.tag, s.digest, s.joined = ref.tag, ref.digest, true
		// A mirror has the same name elsewhere; anything else is a slip.
		if found.Base() != repo.Base() {
			s.problem = "what stands there is " + found.Familiar()
		}
	case n.Value != "":
		s.problem = "what stands there is neither a tag, a digest nor a reference with one of them"
	}
	return s
}

// position returns where byte i of a document's text stands in the file, and
// notes that the place was spoken of.
func (r *run) position(d *document, i int) edit.Position {
	offset := d.offset(i)
	r.seen[offset] = true
	return r.positions.at(offset)
}

// placeOf returns the offset, in the document's layer, of a part of a scalar.
func placeOf(d *document, p part) int {
	if text, err := d.tree.Text(p.node); err == nil {
		if at, ok := text.Offset(p.from); ok {
			return at
		}
	}
	return p.node.Start
}

func (r *run) refuse(d *document, s *site, f *fault.Error) {
	r.file.refused[s.image] = true
	r.refuseAt(d, placeOf(d, s.place()), f)
}

func (r *run) refuseAt(d *document, offset int, f *fault.Error) {
	r.file.Refused = append(r.file.Refused, at(f, r.file.Path, r.position(d, offset)))
}

func (r *run) current(d *document, p part, c Change) {
	c.Path, c.Position = r.file.Path, r.position(d, placeOf(d, p))
	r.file.Current = append(r.file.Current, c)
}

func (r *run) changed(d *document, p part, offset int, c Change) {
	r.position(d, placeOf(d, p))
	c.Path, c.Position = r.file.Path, r.position(d, offset)
	r.file.Changes = append(r.file.Changes, c)
}
