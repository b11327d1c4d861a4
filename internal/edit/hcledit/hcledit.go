// Package hcledit reads HCL's native syntax (Terraform, OpenTofu, Terragrunt)
// into the neutral tree of package edit and says where the strings stand in
// the file. It is the keeper of hcl. It evaluates nothing: what an expression
// would yield is Opaque, and only the literals inside it can be located.
//
// A body is a Mapping of its attributes and blocks in source order. A block is
// a pair of its type and its body, with one Mapping between per label, so that
// an attribute of resource "a" "b" stands at resource.a.b; repeated blocks are
// duplicate keys. An object is a Mapping and a tuple is a Sequence. Any other
// expression is a Sequence of its operands (the arguments of a function, the
// parts of a conditional or a template) if one of them is or holds a literal,
// an object or a tuple, and Opaque with its source text if none does.
package hcledit

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/towpath-dev/towpath/internal/edit"
)

// Document is a parsed HCL file. It refers to the bytes that it was parsed
// from.
type Document struct {
	src  []byte
	root *edit.Node
}

var _ edit.Document = (*Document)(nil)

// Parse reads an HCL file; name is what the file is called in messages. A file
// without attributes and blocks is an empty document. Errors are of type
// [*edit.SyntaxError]; nesting beyond 1000 levels is one.
func Parse(src []byte, name string) (*Document, error) {
	if err := checkNesting(src, name); err != nil {
		return nil, err
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if err := syntaxError(diags); err != nil {
		return nil, err
	}
	t := &tree{src: string(src)}
	root := t.body(file.Body.(*hclsyntax.Body), 0)
	if t.err != nil {
		return nil, t.err
	}
	if len(root.Content) == 0 {
		root = nil
	}
	return &Document{src: src, root: root}, nil
}

// Root returns the tree. It is nil for an empty document.
func (d *Document) Root() *edit.Node { return d.root }

func syntaxError(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		e := &edit.SyntaxError{Message: sentence(d.Summary)}
		if d.Detail != "" {
			e.Message += ": " + sentence(d.Detail)
		}
		if d.Subject != nil {
			e.Offset = d.Subject.Start.Byte
		}
		return e
	}
	return nil
}

// sentence puts a text of hcl's into the form of our messages: one line, no
// capital, no full stop.
func sentence(s string) string {
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[size:]
}

// tree builds nodes from hcl's syntax tree.
type tree struct {
	src string // nodes share this text
	err error  // the first error; the nodes are of no use then
}

// tooDeep reports whether depth is beyond the limit, and keeps the error.
func (t *tree) tooDeep(depth, offset int) bool {
	if depth > maxDepth && t.err == nil {
		t.err = depthError(offset)
	}
	return depth > maxDepth
}

func (t *tree) body(b *hclsyntax.Body, depth int) *edit.Node {
	type pair struct{ key, value *edit.Node }
	pairs := make([]pair, 0, len(b.Attributes)+len(b.Blocks))
	for _, a := range b.Attributes {
		pairs = append(pairs, pair{name(a.Name, a.NameRange), t.expression(a.Expr, depth+1)})
	}
	for _, block := range b.Blocks {
		pairs = append(pairs, pair{name(block.Type, block.TypeRange), t.block(block, depth+1)})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return a.key.Start - b.key.Start })

	n := &edit.Node{Kind: edit.Mapping, Content: make([]*edit.Node, 0, 2*len(pairs))}
	for _, p := range pairs {
		n.Content = append(n.Content, p.key, p.value)
	}
	if len(pairs) > 0 {
		n.Start = pairs[0].key.Start
	}
	return n
}

// block returns the body of a block, with one mapping around it per label.
func (t *tree) block(b *hclsyntax.Block, depth int) *edit.Node {
	depth += len(b.Labels)
	if t.tooDeep(depth, b.TypeRange.Start.Byte) {
		return &edit.Node{}
	}
	n := t.body(b.Body, depth)
	n.Start = b.OpenBraceRange.Start.Byte
	for i := len(b.Labels) - 1; i >= 0; i-- {
		key := name(b.Labels[i], b.LabelRanges[i])
		n = &edit.Node{Kind: edit.Mapping, Content: []*edit.Node{key, n}, Start: key.Start}
	}
	return n
}

func name(value string, r hcl.Range) *edit.Node {
	return &edit.Node{Kind: edit.Scalar, Tag: edit.TagString, Value: value, Start: r.Start.Byte}
}

func (t *tree) text(r hcl.Range) string { return t.src[r.Start.Byte:r.End.Byte] }

func (t *tree) opaque(e hclsyntax.Expression) *edit.Node {
	return &edit.Node{Kind: edit.Opaque, Value: t.text(e.Range()), Start: e.Range().Start.Byte}
}
