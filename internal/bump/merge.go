package bump

import "github.com/towpath-dev/towpath/internal/edit"

// maxMerged bounds the pairs that merge keys repeat in one document. Real files
// have some hundreds; a few lines can be written that have billions.
const maxMerged = 1_000_000

// mergesTooMuch reports whether the merge keys of a document repeat more pairs
// than maxMerged.
func mergesTooMuch(root *edit.Node) bool {
	w := weights{}
	w.visit(root)
	return w.total > maxMerged
}

// weights counts, for the mappings with merge keys, the pairs that a reader
// meets in them, without meeting them all.
type weights struct {
	total int
	known map[*edit.Node]int
}

func (w *weights) visit(n *edit.Node) {
	if n == nil {
		return
	}
	for k := range n.Pairs() {
		if k.Tag == edit.TagMerge {
			w.total = min(w.total+w.of(n), maxMerged+1)
			break
		}
	}
	for _, c := range n.Content {
		w.visit(c)
	}
}

func (w *weights) of(n *edit.Node) int {
	if weight, ok := w.known[n]; ok {
		return weight
	}
	if w.known == nil {
		w.known = map[*edit.Node]int{}
	}
	w.known[n] = 0 // a mapping can merge itself
	weight := 0
	for k, v := range n.Pairs() {
		weight++
		if k.Tag != edit.TagMerge {
			continue
		}
		v = v.Resolve()
		sources := v.Items()
		if sources == nil {
			sources = []*edit.Node{v}
		}
		for _, source := range sources {
			if source = source.Resolve(); source != nil {
				weight = min(weight+w.of(source), maxMerged+1)
			}
		}
	}
	w.known[n] = weight
	return weight
}
