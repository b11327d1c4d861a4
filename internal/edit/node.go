package edit

import (
	"fmt"
	"iter"
	"strings"
)

// Kind says what a [Node] is.
type Kind uint8

// The kinds of node. Opaque stands for what a format can say and this tree
// cannot, such as an HCL expression; its Value is the source text.
const (
	Opaque Kind = iota
	Scalar
	Mapping
	Sequence
	Alias
)

// The types of scalar that selectors tell apart, in YAML's spelling. Any other
// tag means a scalar that is neither.
const (
	TagString = "!!str"
	TagNull   = "!!null"
	TagBool   = "!!bool"
	TagMerge  = "!!merge"
)

// Node is one value of a document. A tree keeps the source order, duplicate
// keys included, and aliases as they are written.
type Node struct {
	Kind    Kind
	Tag     string  // of a scalar: its resolved type, such as TagString
	Value   string  // of a scalar: decoded; of an alias: the anchor's name
	Anchor  string  // the name under which aliases refer to this node
	Target  *Node   // of an alias: the node that it stands for
	Content []*Node // of a mapping: key, value, key, value …; of a sequence: its items
	Start   int     // offset in the file of the first byte, properties such as anchors included
}

// Pairs yields the keys and values of a mapping, and nothing for other kinds.
func (n *Node) Pairs() iter.Seq2[*Node, *Node] {
	return func(yield func(key, value *Node) bool) {
		if n == nil || n.Kind != Mapping {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// Items returns the items of a sequence, and nil for other kinds.
func (n *Node) Items() []*Node {
	if n == nil || n.Kind != Sequence {
		return nil
	}
	return n.Content
}

// Resolve follows aliases to the node that they stand for.
func (n *Node) Resolve() *Node {
	for n != nil && n.Kind == Alias {
		n = n.Target
	}
	return n
}

// Get returns the value of the last pair with that key, resolved, or nil. It
// does not look into merge keys.
func (n *Node) Get(key string) *Node {
	var found *Node
	for k, v := range n.Resolve().Pairs() {
		if k.Kind == Scalar && k.Value == key {
			found = v
		}
	}
	return found.Resolve()
}

// Entry is one pair of a mapping as its readers see it.
type Entry struct {
	Key    string
	Value  *Node // resolved
	Merged bool  // it comes from a merge key
}

// Entries yields the pairs of a mapping with its merge keys ("<<") worked in:
// its own pairs first, duplicates included, then those of merged mappings
// whose key was not met before. Keys that are no scalars are left out.
// See https://yaml.org/type/merge.html.
func (n *Node) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		var m merge
		m.entries(n, false, yield)
	}
}

// merge is one walk over a mapping and what it merges. Most mappings merge
// nothing, so the sets are made when the first merge key is met.
type merge struct {
	seen   map[string]bool // keys that a merged pair would not override
	merged map[*Node]bool  // mappings that have given their pairs; a second time gives nothing new
}

func (m *merge) entries(n *Node, merged bool, yield func(Entry) bool) bool {
	merges := false
	for k, v := range n.Pairs() {
		switch {
		case k.Kind != Scalar:
		case k.Tag == TagMerge:
			merges = true
		case merged && m.seen[k.Value]:
		case !yield(Entry{Key: k.Value, Value: v.Resolve(), Merged: merged}):
			return false
		}
	}
	if !merges && !merged {
		return true
	}
	if m.seen == nil {
		m.seen, m.merged = map[string]bool{}, map[*Node]bool{}
	}
	m.merged[n] = true
	for k := range n.Pairs() {
		if k.Kind == Scalar {
			m.seen[k.Value] = true
		}
	}
	for k, v := range n.Pairs() {
		if k.Tag != TagMerge {
			continue
		}
		v = v.Resolve()
		sources := v.Items()
		if sources == nil {
			sources = []*Node{v}
		}
		for _, source := range sources {
			if source = source.Resolve(); source != nil && !m.merged[source] && !m.entries(source, true, yield) {
				return false
			}
		}
	}
	return true
}

// Text returns the value of a scalar, resolved, and "" for anything else.
func (n *Node) Text() string {
	if n = n.Resolve(); n == nil || n.Kind != Scalar {
		return ""
	}
	return n.Value
}

// Document is a parsed document that can say where its scalars stand.
// Implementations must not modify the bytes that they were parsed from.
type Document interface {
	// Root returns the tree. It is nil for an empty document.
	Root() *Node
	// Text locates a scalar of the tree. It must return an error when the
	// bytes of the scalar cannot be told exactly, and must not guess.
	Text(*Node) (Text, error)
}

// Compare returns an error that names the first place where two trees differ.
// The scalars of before that are keys of want are the exception: they must
// have become strings with the value given there, or, where the file says
// their type itself ("!name v1"), have kept that type.
func Compare(before, after *Node, want map[*Node]string) error {
	c := comparison{want: want, twin: map[*Node]*Node{}}
	if err := c.compare(before, after); err != nil {
		return err
	}
	if len(c.met) != len(want) {
		return fmt.Errorf("%d of %d changed scalars are not in the document", len(want)-len(c.met), len(want))
	}
	return nil
}

type comparison struct {
	want map[*Node]string
	met  map[*Node]bool
	twin map[*Node]*Node // anchored node before → the same node after
}

func (c *comparison) compare(a, b *Node) error {
	if a == nil || b == nil {
		if a != b {
			return fmt.Errorf("document appeared or vanished")
		}
		return nil
	}
	if a.Kind != b.Kind || a.Anchor != b.Anchor {
		return fmt.Errorf("at byte %d: another kind of node", a.Start)
	}
	if a.Anchor != "" {
		c.twin[a] = b
	}
	if value, ok := c.want[a]; ok {
		if c.met == nil {
			c.met = map[*Node]bool{}
		}
		c.met[a] = true
		kept := a.Tag == b.Tag && !strings.HasPrefix(b.Tag, "!!")
		if b.Kind != Scalar || b.Tag != TagString && !kept || b.Value != value {
			return fmt.Errorf("at byte %d: would read %q (%s), not the string %q", a.Start, b.Value, b.Tag, value)
		}
		return nil
	}
	if a.Tag != b.Tag || a.Value != b.Value {
		return fmt.Errorf("at byte %d: %q would become %q", a.Start, a.Value, b.Value)
	}
	if a.Kind == Alias && c.twin[a.Target] != b.Target {
		return fmt.Errorf("at byte %d: alias %q would mean another node", a.Start, a.Value)
	}
	if len(a.Content) != len(b.Content) {
		return fmt.Errorf("at byte %d: %d children would become %d", a.Start, len(a.Content), len(b.Content))
	}
	for i := range a.Content {
		if err := c.compare(a.Content[i], b.Content[i]); err != nil {
			return err
		}
	}
	return nil
}
