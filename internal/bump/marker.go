package bump

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// marker is a comment that names the image whose version stands on its line,
// or, if the comment has a line to itself, on the next one:
//
//	# towpath: ghcr.io/acme/shop[:tag|:name|:digest]
//	# {"$imagepolicy": "namespace:policy[:tag|:name|:digest]"}
//
// The second form is Flux's, for which a policy's image is looked up in the
// tree. https://fluxcd.io/flux/components/image/imageupdateautomations/
type marker struct {
	image    image.Repository
	policy   string           // namespace:name, of a Flux marker
	field    string           // "", "tag", "name" or "digest"
	contrary image.Repository // what stands beside the value, if the policy is that of image
	bad      string           // what stands in the place of the image, if that is none
	start    int              // offset of the comment
	line     edit.Span
	value    *edit.Node
	parent   *edit.Node // the mapping or list that holds the value; nil among lines
}

const (
	markerWord = "towpath:"
	policyWord = `"$imagepolicy"`
)

// markers returns the sites that comments of the document name.
func (d *document) markers() []*site {
	text := d.text[d.span.Start:d.span.End]
	if d.run.onlySet || !bytes.Contains(text, []byte(markerWord)) && !bytes.Contains(text, []byte(policyWord)) {
		return nil
	}
	found := d.locate(d.findMarkers())
	d.resolvePolicies(found)

	var sites []*site
	type neighbours struct {
		image  image.Repository
		parent *edit.Node
	}
	open := map[neighbours][2]*site{} // a tag that waits for its digest, a digest that waits for its tag
	for _, m := range found {
		if m.bad != "" {
			d.run.refuseAt(d, m.start, markerFault(m.bad))
			continue
		}
		if m.field == "name" && m.value != nil {
			d.names[m.value] = true
		}
		if m.image == "" || m.field == "name" {
			continue
		}
		if m.value == nil {
			if m.policy == "" && d.isMoved(m.image) {
				d.run.refuse(d, &site{image: m.image, tag: part{node: &edit.Node{Start: m.start}}}, strayMarkerFault(m.image))
			}
			continue
		}
		s := m.site()
		s.doc = d
		near := neighbours{m.image, m.parent}
		wait := open[near]
		switch {
		case s.problem != "" || m.field == "":
		case s.tag.node == nil && wait[0] != nil:
			wait[0].digest, wait[0] = s.digest, nil
			s = nil
		case s.tag.node == nil:
			wait[1] = s
		case wait[1] != nil && s.digest.node == nil:
			wait[1].tag, wait[1] = s.tag, nil
			s = nil
		case s.digest.node == nil:
			wait[0] = s
		}
		open[near] = wait
		if s != nil {
			sites = append(sites, s)
		}
	}
	return sites
}

// site returns what a marker with a value and an image stands for.
func (m *marker) site() *site {
	s := &site{kind: Marker, image: m.image}
	p := whole(m.value)
	switch m.field {
	case "digest":
		digest, ok := digestIn(m.value)
		if !ok {
			s.tag, s.problem = p, "the marker stands on a value that is no digest"
			break
		}
		s.digest = digest
	case "tag":
		var ok bool
		if s.tag, s.digest, ok = versionIn(p); !ok {
			s.tag, s.problem = p, "the marker stands on a value that is no tag"
		}
		s.joined = s.digest.node != nil
	default:
		ref, ok := referenceIn(p)
		if !ok || ref.tag.node == nil && ref.digest.node == nil {
			s.tag, s.problem = p, "the marker stands on a value that is no reference with a tag (for a tag alone, write :tag behind the image)"
			break
		}
		s.tag, s.digest, s.joined = ref.tag, ref.digest, true
		// A mirror has the same name elsewhere; anything else is a slip.
		if repo, _ := ref.repository(); repo.Base() != m.image.Base() {
			s.problem = "the marker stands on " + repo.Familiar()
		}
	}
	if m.contrary != "" && s.problem == "" {
		s.problem = m.contrary.Familiar() + " stands beside it, which is not the image of its policy"
	}
	return s
}

// findMarkers reads the comments of the document.
func (d *document) findMarkers() []*marker {
	l := lines{text: d.text, span: d.span}
	var found, waiting []*marker
	for at, line := range l.each() {
		body := strings.TrimSpace(line)
		m := readMarker(at, line)
		if m != nil {
			found = append(found, m)
		}
		if body == "" || strings.HasPrefix(body, "#") || strings.HasPrefix(body, "//") {
			if m != nil {
				waiting = append(waiting, m)
			}
			continue
		}
		for _, w := range waiting {
			w.line = edit.Span{Start: at, End: at + len(line)}
		}
		waiting = nil
		if m != nil {
			m.line = edit.Span{Start: at, End: m.start}
		}
	}
	return found
}

// readMarker reads the comment of one line, nil if it is no marker.
func readMarker(at int, line string) *marker {
	word, isPolicy := markerWord, false
	i := strings.Index(line, word)
	if i < 0 {
		if i = strings.Index(line, policyWord); i < 0 {
			return nil
		}
		isPolicy = true
		i = strings.LastIndexByte(line[:i], '{')
	}
	if i < 0 {
		return nil
	}
	before := strings.TrimRight(line[:i], " \t")
	comment := len(strings.TrimRight(strings.TrimRight(before, "#"), "/"))
	if len(before) == comment || comment > 0 && line[comment-1] != ' ' && line[comment-1] != '\t' {
		return nil // no comment, but a value that speaks of markers
	}
	m := &marker{start: at + comment}
	if isPolicy {
		var setter map[string]string
		if err := json.Unmarshal([]byte(line[i:]), &setter); err != nil {
			return nil
		}
		parts := strings.Split(setter["$imagepolicy"], ":")
		if len(parts) < 2 || len(parts) > 3 {
			return nil
		}
		m.policy = parts[0] + ":" + parts[1]
		if len(parts) == 3 {
			m.field = parts[2]
		}
		return m
	}
	text := strings.TrimSpace(line[i+len(word):])
	text, _, _ = strings.Cut(text, " ")
	name, tag, digest, ok := image.Split(text)
	repo, err := image.ParseRepository(name)
	if !ok || err != nil || digest != "" || tag != "" && tag != "tag" && tag != "name" && tag != "digest" {
		m.bad = text
		return m
	}
	m.image, m.field = repo, tag
	return m
}

// locate finds the value of each marker: the last scalar that starts on its
// line, before the comment. It drops markers that stand within a string, which
// are no comments.
func (d *document) locate(found []*marker) []*marker {
	if _, ok := d.tree.(lines); ok {
		for _, m := range found {
			if m.line.Len() > 0 {
				line := string(d.text[m.line.Start:m.line.End])
				if _, m.value = value(m.line.Start, line); m.value == nil {
					m.value = word(m.line.Start, line, m.image)
				}
			}
		}
		return found
	}
	type scalar struct{ node, parent *edit.Node }
	var scalars []scalar
	var visit func(n, parent *edit.Node)
	visit = func(n, parent *edit.Node) {
		switch {
		case n == nil:
		case n.Kind == edit.Mapping:
			for _, v := range n.Pairs() {
				visit(v, n)
			}
		case n.Kind == edit.Scalar && n.Tag != edit.TagNull:
			scalars = append(scalars, scalar{n, parent})
		default:
			for _, c := range n.Content {
				visit(c, n)
			}
		}
	}
	visit(d.root(), nil)
	slices.SortStableFunc(scalars, func(a, b scalar) int { return a.node.Start - b.node.Start })
	before := func(offset int) (scalar, bool) { // the last scalar that starts there
		i, _ := slices.BinarySearchFunc(scalars, offset, func(s scalar, offset int) int { return s.node.Start - offset })
		if i == 0 {
			return scalar{}, false
		}
		return scalars[i-1], true
	}
	return slices.DeleteFunc(found, func(m *marker) bool {
		if s, ok := before(m.start); ok {
			if text, err := d.tree.Text(s.node); err == nil && text.Raw.End > m.start {
				return true
			}
		}
		if s, ok := before(m.line.End); ok && s.node.Start >= m.line.Start {
			m.value, m.parent = s.node, s.parent
		}
		return false
	})
}

// word finds the reference to an image among the words of a line, such as the
// FROM of a Dockerfile.
func word(at int, line string, repo image.Repository) *edit.Node {
	end := 0
	for w := range strings.FieldsSeq(line) {
		start := end + strings.Index(line[end:], w)
		end = start + len(w)
		n := &edit.Node{Kind: edit.Scalar, Tag: edit.TagString, Value: w, Start: at + start}
		if ref, ok := referenceIn(whole(n)); ok && ref.tag.node != nil {
			if found, ok := ref.repository(); ok && found == repo {
				return n
			}
		}
	}
	return nil
}

// evidence is what a document shows of the image of a policy.
type evidence struct {
	image       image.Repository
	conflicting bool // it shows several
}

func (e evidence) with(repo image.Repository) evidence {
	if e.image == "" {
		return evidence{image: repo}
	}
	return evidence{e.image, e.conflicting || e.image != repo}
}

// resolvePolicies gives Flux markers their image. What stands nearest knows
// best, since a tree may declare a policy for another cluster: a repository or
// a :name marker beside the value, then a :name marker in the document, then
// the declarations, then a whole reference with a marker of the policy. Between
// the names of a mirror the declaration decides. A marker that is left without
// an image though its policy may stand for one that moves is mentioned.
func (d *document) resolvePolicies(found []*marker) {
	if !slices.ContainsFunc(found, func(m *marker) bool { return m.policy != "" }) {
		return
	}
	type neighbours struct {
		policy string
		parent *edit.Node
	}
	beside := map[neighbours]evidence{} // by :name markers
	named := map[string]evidence{}      // the same, in the whole document
	whole := map[string]evidence{}      // by whole references
	for _, m := range found {
		repo, isName := m.shows()
		switch {
		case repo == "":
		case isName:
			near := neighbours{m.policy, m.parent}
			beside[near], named[m.policy] = beside[near].with(repo), named[m.policy].with(repo)
		default:
			whole[m.policy] = whole[m.policy].with(repo)
		}
	}
	structural := map[*edit.Node]image.Repository{}
	for _, s := range d.sites {
		for _, p := range []part{s.tag, s.digest} {
			if p.node != nil && s.image != "" {
				structural[p.node] = s.image
			}
		}
	}
	for _, m := range found {
		if m.policy == "" || m.field == "name" {
			continue
		}
		near := evidence{image: structural[m.value]}
		if near.image == "" {
			near = beside[neighbours{m.policy, m.parent}]
		}
		if near.image == "" && !named[m.policy].conflicting {
			near = named[m.policy]
		}
		declared := d.run.policies.images(m.policy)
		own, _ := m.shows()
		switch {
		case own != "":
			m.image = own
			if len(declared) == 1 && (declared[0].Base() == own.Base() || !d.isMoved(own)) {
				m.image = declared[0]
			}
		case near.conflicting:
			m.image = ""
		case near.image != "" && len(declared) == 1 && declared[0].Base() == near.image.Base():
			m.image = declared[0]
		case near.image != "":
			m.image = near.image
			if len(declared) == 1 && !d.isMoved(near.image) {
				m.image, m.contrary = declared[0], near.image
			}
		case len(declared) == 1:
			m.image = declared[0]
		case !whole[m.policy].conflicting:
			m.image = whole[m.policy].image
		}
		if m.image == "" && m.value != nil && len(declared) > 1 && slices.ContainsFunc(declared, d.isMoved) {
			d.run.mention(d, part{node: m.value}, "its policy "+m.policy+" is declared twice with different images")
		}
	}
}

// shows returns the image that stands where a policy's marker does, and whether
// it is there by its name alone; "" if that is none.
func (m *marker) shows() (repo image.Repository, isName bool) {
	if m.policy == "" || m.value == nil || m.field != "" && m.field != "name" {
		return "", false
	}
	// Without a suffix the marker stands on a whole reference; a word alone may be a tag.
	ref, ok := referenceIn(whole(m.value))
	if !ok || m.field == "" && ref.tag.node == nil && ref.digest.node == nil {
		return "", false
	}
	repo, _ = ref.repository()
	return repo, m.field == "name"
}
