package pattern

import (
	"iter"
	"slices"
	"strings"
)

// Index finds, among many globs, those that match a path, without trying each.
// The zero value is empty. Once every glob is added, it is safe for concurrent
// use.
//
// It is a tree of segments that globs with the same start share. A name of a
// path goes on to the child with that very name, and to the children with
// wildcards that hold a piece of it, both found by hash; only children that are
// nothing but wildcards are tried one by one.
type Index[V any] struct {
	values []V
	nodes  []node
	names  map[step]int       // children whose segment is a plain name
	wilds  map[step]int       // children whose segment is not, by their text
	pieces map[piece][]branch // those of wilds that hold a piece
}

// step leads from a node to a child.
type step struct {
	node int
	text string
}

// piece is a text in a segment with wildcards.
type piece struct {
	node  int
	place place
	text  string
}

// place says where in a name a piece must stand.
type place uint8

const (
	anywhere place = iota
	first
	last
)

type branch struct {
	segment segment
	to      int
}

// node is a place in the tree. The first one is the root.
type node struct {
	values  []int    // of the globs that end here
	deep    int      // the child whose segment is **, 0 for none
	lengths [3][]int // by place, the lengths that pieces have here
	rest    []branch // the children without a piece
}

// Add adds a value under a glob. A glob may be added with several values.
func (x *Index[V]) Add(g Glob, value V) {
	if !g.valid {
		return
	}
	if x.nodes == nil {
		x.nodes = make([]node, 1)
		x.names, x.wilds, x.pieces = map[step]int{}, map[step]int{}, map[piece][]branch{}
	}
	at := 0
	for _, s := range g.segments {
		at = x.child(at, s)
	}
	x.nodes[at].values = append(x.nodes[at].values, len(x.values))
	x.values = append(x.values, value)
}

// child returns the child of a node for a segment, which it adds if need be.
func (x *Index[V]) child(at int, s segment) int {
	to := len(x.nodes)
	by := step{at, s.text}
	switch {
	case s.deep && x.nodes[at].deep > 0:
		return x.nodes[at].deep
	case s.deep:
		x.nodes[at].deep = to
	case s.atoms == nil:
		if to, ok := x.names[by]; ok {
			return to
		}
		x.names[by] = to
	default:
		if to, ok := x.wilds[by]; ok {
			return to
		}
		x.wilds[by] = to
		x.hang(at, branch{s, to})
	}
	x.nodes = append(x.nodes, node{})
	return to
}

// hang puts a branch where the names that it can match will find it: at the
// piece that the fewest branches are likely to share.
func (x *Index[V]) hang(at int, b branch) {
	n := &x.nodes[at]
	var best atom
	var where place
	for i, a := range b.segment.atoms {
		if a.kind != literal || best.rare && !a.rare || best.rare == a.rare && len(a.text) <= len(best.text) {
			continue
		}
		best, where = a, anywhere
		switch i {
		case 0:
			where = first
		case len(b.segment.atoms) - 1:
			where = last
		}
	}
	if best.text == "" {
		n.rest = append(n.rest, b)
		return
	}
	by := piece{at, where, best.text}
	x.pieces[by] = append(x.pieces[by], b)
	if lengths := n.lengths[where]; !slices.Contains(lengths, len(best.text)) {
		n.lengths[where] = append(lengths, len(best.text))
	}
}

// Find yields the values of all globs that match a path (see [Glob.Match]), in
// the order in which they were added.
func (x *Index[V]) Find(path string) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, i := range x.find(path) {
			if !yield(x.values[i]) {
				return
			}
		}
	}
}

func (x *Index[V]) find(path string) []int {
	if path == "" || x.nodes == nil {
		return nil
	}
	w := walk[V]{index: x}
	w.reach(0)
	for at := 0; at <= len(path); {
		end := nameEnd(path, at)
		w.name(path[at:end])
		at = end + 1
	}
	slices.Sort(w.found)
	return slices.Compact(w.found)
}

// walk is the way of one path through the tree.
type walk[V any] struct {
	index    *Index[V]
	here     []int // the nodes reached by the names so far, without those of deep
	previous []int // kept for its memory
	deep     []int // the nodes behind a ** that was met; every further name starts from them too
	found    []int
}

// reach takes a node in, with the one behind its **. No glob ends at that one,
// since a ** at the end is left out.
func (w *walk[V]) reach(at int) {
	n := &w.index.nodes[at]
	w.found = append(w.found, n.values...)
	w.here = append(w.here, at)
	if n.deep > 0 && !slices.Contains(w.deep, n.deep) {
		w.deep = append(w.deep, n.deep)
	}
}

// name goes on by one name of the path.
func (w *walk[V]) name(name string) {
	w.previous, w.here = w.here, w.previous[:0]
	deep := len(w.deep)
	for _, at := range w.previous {
		w.children(at, name)
	}
	for _, at := range w.deep[:deep] {
		w.children(at, name)
	}
}

// children reaches each child of a node that a name leads to.
func (w *walk[V]) children(at int, name string) {
	x, n := w.index, &w.index.nodes[at]
	if to, ok := x.names[step{at, name}]; ok {
		w.reach(to)
	}
	for where, lengths := range n.lengths {
		for _, length := range lengths {
			w.pieces(piece{node: at, place: place(where)}, length, name)
		}
	}
	for _, b := range n.rest {
		w.branch(b, name)
	}
}

// pieces reaches the children of a node that hold a piece of the name, by the
// place and the length of the piece.
func (w *walk[V]) pieces(by piece, length int, name string) {
	from, to := 0, len(name)-length
	switch by.place {
	case first:
		to = min(to, 0)
	case last:
		from = max(to, 0)
	}
	for ; from <= to; from++ {
		by.text = name[from : from+length]
		// What holds a piece that the name has twice is tried only once.
		if by.place == anywhere && strings.Contains(name[:from+length-1], by.text) {
			continue
		}
		for _, b := range w.index.pieces[by] {
			w.branch(b, name)
		}
	}
}

func (w *walk[V]) branch(b branch, name string) {
	if b.segment.match(name) {
		w.reach(b.to)
	}
}
