package schema

import (
	"iter"

	"github.com/towpath-dev/towpath/internal/edit"
)

// pair is one pair of a mapping, its own or a merged one, with its nodes as
// they stand in the file.
type pair struct {
	key    *edit.Node
	value  *edit.Node // not resolved
	merged bool
}

// pairs yields what [edit.Node.Entries] yields, with the nodes of the keys,
// which say where a fault is. Beyond that it yields the pairs of n itself that
// are none: those whose key is no scalar.
//
// It asks visit, if there is one, before it looks at the pairs of a merged
// mapping, and stops if the answer is no.
func pairs(n *edit.Node, visit func(nodes int) bool) iter.Seq[pair] {
	return func(yield func(pair) bool) {
		m := merge{visit: visit}
		m.pairs(n, false, yield)
	}
}

type merge struct {
	visit func(int) bool
	seen  map[string]bool     // keys that a merged pair would not override
	done  map[*edit.Node]bool // mappings that gave their pairs
}

func (m *merge) pairs(n *edit.Node, merged bool, yield func(pair) bool) bool {
	if merged && m.visit != nil && !m.visit(len(n.Content)) {
		return false
	}
	merges := false
	for k, v := range n.Pairs() {
		switch {
		case k.Kind == edit.Scalar && k.Tag == edit.TagMerge:
			merges = true
		case merged && (k.Kind != edit.Scalar || m.seen[k.Value]):
		case !yield(pair{k, v, merged}):
			return false
		}
	}
	if !merges && !merged {
		return true
	}
	if m.seen == nil {
		m.seen, m.done = map[string]bool{}, map[*edit.Node]bool{}
	}
	m.done[n] = true
	for k := range n.Pairs() {
		if k.Kind == edit.Scalar {
			m.seen[k.Value] = true
		}
	}
	for k, v := range n.Pairs() {
		if k.Kind != edit.Scalar || k.Tag != edit.TagMerge {
			continue
		}
		for _, source := range mergeSources(v) {
			if source = source.Resolve(); source != nil && !m.done[source] && !m.pairs(source, true, yield) {
				return false
			}
		}
	}
	return true
}

// mergeSources returns what a merge key names: mappings, if it is right.
func mergeSources(value *edit.Node) []*edit.Node {
	if target := value.Resolve(); target != nil && target.Kind == edit.Sequence {
		return target.Content
	}
	return []*edit.Node{value}
}
