package bump

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/hcledit"
	"github.com/towpath-dev/towpath/internal/edit/jsonedit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/image"
)

// layer is a text that holds documents: a file, or a scalar of a document that
// is YAML itself, such as helm.values of an Argo CD Application.
type layer struct {
	run  *run
	path string // of the file
	text []byte

	host     *document // the document with the scalar; nil for a file
	hostText edit.Text // where the scalar stands in it
	depth    int       // how many layers lie around this one

	sealed bool // encrypted with SOPS, which an edit would break

	format format
	known  []edit.Document // that were read already, by their span; nil for others
	docs   []*document
}

// maxDepth bounds the documents within documents: a Terraform heredoc with an
// Argo CD Application with Helm values makes two.
const maxDepth = 4

// document is one document of a layer: a tree, or lines where there is none.
type document struct {
	*layer
	index    int // among the spans of the layer's text
	span     edit.Span
	tree     edit.Document
	format   format
	kind     Kind
	anyKey   bool // a whole reference counts under any key
	marked   []*site
	sites    []*site
	names    map[*edit.Node]bool // of images whose version stands apart
	charts   map[string]string   // OCI repositories by the name that a helmfile gives them
	children map[*edit.Node]*layer
	rewrites map[*edit.Node][]rewrite
	added    addition
}

func (d *document) root() *edit.Node { return d.tree.Root() }

// isMoved reports whether an image is one of those that the run is about.
func (d *document) isMoved(repo image.Repository) bool {
	if d.run.survey != nil {
		return d.run.survey.known[repo]
	}
	return d.run.moves.has(repo)
}

// offset returns the offset in the file of byte i of the layer's text.
func (l *layer) offset(i int) int {
	if l.host == nil {
		return i
	}
	at, ok := l.hostText.Offset(i)
	if !ok {
		at = l.hostText.Raw.Start
	}
	return l.host.offset(at)
}

// lift turns a change of the layer's text into one of the file's.
func (l *layer) lift(c edit.Change) (edit.Change, error) {
	if l.host == nil {
		return c, nil
	}
	c, err := l.hostText.Replace(c.Start, c.End, c.Text)
	if err != nil {
		return edit.Change{}, err
	}
	return l.host.lift(c)
}

// spans cuts text into the documents of a format.
func (f format) spans(text []byte) []edit.Span {
	if f == formatYAML {
		return yamledit.Split(text)
	}
	return []edit.Span{{End: len(text)}}
}

// parse reads one document. Errors are [edit.SyntaxError].
func (f format) parse(path string, text []byte, span edit.Span) (edit.Document, error) {
	switch f {
	case formatYAML:
		return yamledit.Parse(text, span)
	case formatJSON:
		return jsonedit.Parse(text)
	case formatHCL:
		return hcledit.Parse(text, path)
	}
	return lines{text: text, span: span, template: f == formatTemplate}, nil
}

// open reads the documents of a layer that may name an image that moves.
func (l *layer) open(f format) {
	l.format = f
	for i, span := range f.spans(l.text) {
		text := l.text[span.Start:span.End]
		concerned := l.run.concerns(text)
		// The seal of SOPS stands in one document and covers the whole file.
		if !concerned && !bytes.Contains(text, []byte("sops")) {
			continue
		}
		d := &document{
			layer: l, index: i, span: span, format: f,
			names: map[*edit.Node]bool{}, children: map[*edit.Node]*layer{}, rewrites: map[*edit.Node][]rewrite{},
		}
		tree, err := l.parse(i, span)
		if err != nil && f == formatYAML && bytes.Contains(text, []byte("{{")) {
			d.format = formatTemplate
			tree, err = d.format.parse(l.path, l.text, span)
		}
		if err != nil {
			l.refuseUnreadable(f, span, err)
			continue
		}
		d.tree = tree
		d.describe()
		l.sealed = l.sealed || d.isSealed()
		if !concerned {
			continue
		}
		if mergesTooMuch(tree.Root()) {
			l.run.refuseAt(d, span.Start, mergeFault())
			continue
		}
		l.docs = append(l.docs, d)
		if lines, ok := tree.(lines); ok {
			d.marked = d.markers()
			d.sites = lines.references(d)
			continue
		}
		s := selection{doc: d, registry: globalRegistry(tree.Root()), roles: map[string]keyRole{}}
		s.walk(tree.Root(), nil)
		d.sites = slices.Concat(s.sites, s.asides)
		d.marked = d.markers()
		s.mentionUntagged()
		for _, n := range s.nested {
			d.nest(n.node, n.format)
		}
	}
}

// parse reads the document of a span, unless that was done to tell the format.
func (l *layer) parse(i int, span edit.Span) (edit.Document, error) {
	if i < len(l.known) && l.known[i] != nil {
		return l.known[i], nil
	}
	return l.format.parse(l.path, l.text, span)
}

// inSealed reports whether the layer, or one around it, is sealed.
func (l *layer) inSealed() bool { return l.sealed || l.host != nil && l.host.inSealed() }

// nest opens the document that a scalar holds.
func (d *document) nest(n *edit.Node, f format) {
	text, err := d.tree.Text(n)
	child := &layer{run: d.run, path: d.path, text: []byte(n.Value), host: d, hostText: text, depth: d.depth + 1}
	switch {
	case child.depth > maxDepth:
	case err != nil:
		if child.names(child.text) {
			d.run.refuseAt(d, n.Start, unlocatedFault(err))
		}
	default:
		if child.open(f); len(child.docs) > 0 {
			d.children[n] = child
		}
	}
}

// nestedFormat reports whether a string is a document of its own, and how it is
// read. YAML are the values for Helm in Argo CD, in the HelmChart of K3s and in
// HCL's heredocs, the containers that charts take as text, patches of Kustomize,
// and the files that ConfigMaps hold. Other strings, scripts above all, are left
// alone even where they could be read as YAML, but for lines with a marker.
func (d *document) nestedFormat(n *edit.Node, t *trail) (format, bool) {
	if !strings.Contains(n.Value, "\n") || t == nil || !d.run.concerns([]byte(n.Value)) {
		return formatText, false
	}
	switch t.key {
	case "patch", "patches", "patchesStrategicMerge", "patchesJson6902", "templatePatch", "elementsYaml":
		return formatYAML, true
	}
	if d.format == formatHCL || containsFold(t.key, "values") || containsFold(t.key, "containers") ||
		strings.HasSuffix(t.key, ".yaml") || strings.HasSuffix(t.key, ".yml") || strings.HasSuffix(t.key, ".json") {
		return formatYAML, true
	}
	return formatText, strings.Contains(n.Value, markerWord)
}

// apply decides the moves for every site of the layer and of the layers
// within, and gathers what must be rewritten.
func (l *layer) apply() {
	for _, d := range l.docs {
		d.apply()
		for _, child := range d.children {
			child.apply()
		}
	}
}

// settled returns the sites that count, each scalar in one of them. A marker,
// and the caller, know better than structure does what a scalar is; but what
// structure sees beside it, such as the digest next to a tag, goes along.
func (d *document) settled() []*site {
	claimed := map[*edit.Node]*site{}
	for _, s := range d.marked {
		for _, p := range []part{s.tag, s.digest} {
			if p.node != nil {
				claimed[p.node] = s
			}
		}
	}
	sites := slices.Clone(d.marked)
	for _, s := range d.sites {
		byTag, byDigest := claimed[s.tag.node], claimed[s.digest.node]
		switch {
		case byTag == nil && byDigest == nil:
			if !d.run.onlySet && s.image != "" {
				sites = append(sites, s)
			}
		case byTag != nil && byDigest == nil && s.digest.node != nil:
			if byTag.digest.node != nil { // an anchor lets several images read the tag
				next := *byTag
				sites, byTag = append(sites, &next), &next
			}
			byTag.digest, byTag.bare = s.digest, s.bare
		case byDigest != nil && byTag == nil && s.tag.node != nil:
			if byDigest.tag.node != nil {
				next := *byDigest
				sites, byDigest = append(sites, &next), &next
			}
			byDigest.tag = s.tag
		}
	}
	return sites
}

// shared finds the scalars that anchors let several images read which do not
// go to one version, and for each of them two of the images.
func (d *document) shared(sites []*site) map[claim][]image.Repository {
	shared := map[claim][]image.Repository{}
	users := map[claim]image.Repository{}
	for _, s := range sites {
		for _, p := range []part{s.tag, s.digest} {
			if p.node == nil {
				continue
			}
			user, ok := users[p.claim()]
			if !ok {
				users[p.claim()] = s.image
				continue
			}
			mine, moved := d.run.moves.of(s.image)
			theirs, other := d.run.moves.of(user)
			if user != s.image && (!moved || !other || mine.version() != theirs.version()) {
				shared[p.claim()] = []image.Repository{user, s.image}
			}
		}
	}
	return shared
}

// changes returns what must change in the layer's text: its own rewrites, and
// those of the layers within it.
func (l *layer) changes() ([]edit.Change, error) {
	var out []edit.Change
	for _, d := range l.docs {
		if len(d.added.moves) > 0 {
			out = append(out, d.added.change)
		}
		for n, rewrites := range d.rewrites {
			text, err := d.tree.Text(n)
			if err != nil {
				return nil, err
			}
			c, err := text.Replace(merged(n, rewrites))
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
		for _, child := range d.children {
			inner, err := child.changes()
			if err != nil {
				return nil, err
			}
			if len(inner) == 0 {
				continue
			}
			for _, c := range inner {
				if c, err = child.hostText.Replace(c.Start, c.End, c.Text); err != nil {
					return nil, err
				}
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// merged turns the rewrites of one scalar into a single one, since a scalar
// that needs quotes must be written at once.
func merged(n *edit.Node, rewrites []rewrite) (from, to int, text string) {
	slices.SortFunc(rewrites, func(a, b rewrite) int { return a.from - b.from })
	from, to = rewrites[0].from, rewrites[0].from
	var b strings.Builder
	for _, r := range rewrites {
		b.WriteString(n.Value[to:r.from])
		b.WriteString(r.text)
		to = r.to
	}
	return from, to, b.String()
}

// rewritten returns the value of a scalar after its rewrites.
func rewritten(n *edit.Node, rewrites []rewrite) string {
	from, to, text := merged(n, rewrites)
	return n.Value[:from] + text + n.Value[to:]
}

// prove reads the layer's text anew and compares: the scalars that were
// rewritten must read as intended, and everything else as before.
func (l *layer) prove(after []byte) error {
	before, spans := l.format.spans(l.text), l.format.spans(after)
	if len(before) != len(spans) {
		return fmt.Errorf("%d documents would become %d", len(before), len(spans))
	}
	touched := map[int]*document{}
	for _, d := range l.docs {
		if len(d.rewrites) > 0 || len(d.children) > 0 || len(d.added.moves) > 0 {
			touched[d.index] = d
		}
	}
	for i, span := range spans {
		d := touched[i]
		if d == nil {
			if old := before[i]; !bytes.Equal(l.text[old.Start:old.End], after[span.Start:span.End]) {
				return errors.New("bytes outside of the change would move")
			}
			continue
		}
		if err := d.prove(after, span); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) prove(after []byte, span edit.Span) error {
	want := map[*edit.Node]string{}
	for n, rewrites := range d.rewrites {
		want[n] = rewritten(n, rewrites)
	}
	for n, child := range d.children {
		changes, err := child.changes()
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			continue
		}
		text, err := edit.Splice(child.text, changes)
		if err != nil {
			return err
		}
		if err := child.prove(text); err != nil {
			return err
		}
		want[n] = string(text)
	}
	if old, ok := d.tree.(lines); ok {
		return old.prove(after, span, want)
	}
	tree, err := d.format.parse(d.path, after, span)
	if err != nil {
		return err
	}
	root, err := d.withoutAdded(tree.Root())
	if err != nil {
		return err
	}
	return edit.Compare(d.root(), root, want)
}
