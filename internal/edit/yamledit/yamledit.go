// Package yamledit owns where things stand in a YAML file: it reads one
// document at a time into an edit.Node tree and finds the bytes of a scalar.
//
// The parser is go.yaml.in/yaml/v3, the one that Kubernetes' own tools read
// with, so a tree means here what it means to them. The package adds byte
// offsets, which that parser does not give, and refuses to say where a scalar
// stands unless the bytes there decode to its value. It never writes YAML.
package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/towpath-dev/towpath/internal/edit"
)

// Split cuts a file into its documents. Each span starts at the document's
// directives or its "---" line and ends where the next one starts; together
// they cover the file, except for a byte order mark. A file without content
// has no documents.
//
// The cut needs no parser, because YAML allows a line that starts with "---"
// nowhere but between documents, not even in a block or quoted scalar. So a
// document that does not parse leaves its neighbours alone.
func Split(src []byte) []edit.Span {
	var docs []edit.Span
	start := len(bomPrefix(src))
	content := false // whether the current document has more than comments and directives
	for pos := start; pos < len(src); {
		line := src[pos:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		switch {
		case isMarker(line, "---"):
			if content {
				docs = append(docs, edit.Span{Start: start, End: pos})
				start = pos
			}
			content = true
		case isMarker(line, "..."):
			if content {
				docs = append(docs, edit.Span{Start: start, End: pos + len(line)})
				start = pos + len(line)
			}
			content = false
		case !content:
			text := bytes.TrimSpace(line)
			content = len(text) > 0 && text[0] != '#' && line[0] != '%'
		}
		pos += len(line)
	}
	switch {
	case content:
		docs = append(docs, edit.Span{Start: start, End: len(src)})
	case len(docs) > 0:
		docs[len(docs)-1].End = len(src)
	}
	return docs
}

func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	rest := line[len(marker):]
	return len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0
}

func bomPrefix(src []byte) []byte {
	if bytes.HasPrefix(src, []byte("\ufeff")) {
		return src[:3]
	}
	return nil
}

// Document is one parsed document. It implements [edit.Document].
type Document struct {
	src  []byte // the file up to the end of the document
	root *edit.Node
}

// Root returns the document's tree, nil if it has no content.
func (d *Document) Root() *edit.Node { return d.root }

// Parse reads the document that stands at span of the file src, as given by
// [Split]. Offsets in the tree are offsets in src. Errors are
// [edit.SyntaxError].
func Parse(src []byte, span edit.Span) (*Document, error) {
	if span.Len() >= largeDocument {
		if root, err := read(src[span.Start:span.End], span.Start); err == nil {
			return &Document{src: src[:span.End], root: root}, nil
		}
	}
	return parseWithLibrary(src, span)
}

// largeDocument is the size, in bytes, from which the library's need of memory
// is worth avoiding.
const largeDocument = 256 << 10

func parseWithLibrary(src []byte, span edit.Span) (*Document, error) {
	return parseFrom(bytes.NewReader(withoutVersion(src[span.Start:span.End])), src, span)
}

// parseFrom parses the document at span from a reader of its bytes.
func parseFrom(r io.Reader, src []byte, span edit.Span) (doc *Document, err error) {
	// The parser panics on some malformed input; for the caller that is one more
	// document that cannot be read.
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, &edit.SyntaxError{Offset: span.Start, Message: fmt.Sprintf("not YAML: %v", r)}
		}
	}()
	text := src[span.Start:span.End]
	decoder := yaml.NewDecoder(r)
	var root, rest yaml.Node
	if err := decoder.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxError(text, span.Start, err)
	}
	// The parser stops where the document ends for it; what it leaves over was
	// not understood.
	if err := decoder.Decode(&rest); err == nil {
		return nil, syntaxError(text, span.Start, fmt.Errorf("line %d: content after the end of the document", rest.Line))
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(text, span.Start, err)
	}
	doc = &Document{src: src[:span.End]}
	if root.Kind == 0 {
		return doc, nil
	}
	c := conversion{text: text, base: span.Start, lines: lineStarts(text), nodes: map[*yaml.Node]*edit.Node{}}
	doc.root = c.node(root.Content[0])
	return doc, nil
}

// withoutVersion hides a %YAML directive behind a comment of the same length:
// the parser refuses every version but 1.1, and reads them all alike.
func withoutVersion(text []byte) []byte {
	head := text
	if i := bytes.Index(text, []byte("---")); i >= 0 {
		head = text[:i]
	}
	at := 0
	if !bytes.HasPrefix(head, []byte("%YAML")) {
		if at = 1 + bytes.Index(head, []byte("\n%YAML")); at == 0 {
			return text
		}
	}
	text = bytes.Clone(text)
	text[at] = '#'
	return text
}

// syntaxError says on which line the library's error is, as well as it tells.
// [Diagnose] knows more of some.
func syntaxError(text []byte, base int, err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	offset := 0
	// "line 3: did not find …"
	if number, rest, ok := strings.Cut(strings.TrimPrefix(msg, "line "), ": "); ok && strings.HasPrefix(msg, "line ") {
		if n, err := strconv.Atoi(number); err == nil && n >= 1 {
			msg = rest
			lines := lineStarts(text)
			switch {
			case n == 1 && isFlowProblem(msg) && opensOnFirst(text, lines):
				n = 0
			case slices.Contains(countedFromZero, msg):
			default:
				n--
			}
			offset = lines[min(n, len(lines)-1)]
		}
	}
	at := 0
	if name, ok := unknownAnchor(msg); ok {
		at = alias(text, name)
	} else if isByteProblem(msg) {
		at = badByte(text)
	}
	if at > 0 {
		offset = 1 + bytes.LastIndexByte(text[:at], '\n')
	}
	return &edit.SyntaxError{Offset: base + offset, Message: msg}
}

// opensOnFirst reports whether a bracket that is not closed stands on the first
// line. Of such a one the library tells the line on which its end is missed.
func opensOnFirst(text []byte, lines []int) bool {
	if len(lines) == 1 || lines[1] == len(text) {
		return true
	}
	first := text[:lines[1]]
	_, err := parseFrom(bytes.NewReader(first), first, edit.Span{End: len(first)})
	return err != nil && isFlowProblem(err.Error())
}

func isFlowProblem(message string) bool {
	return message == "did not find expected ',' or ']'" || message == "did not find expected ',' or '}'"
}

// countedFromZero are the problems for which the library counts lines from 0:
// those that its parser finds, not its scanner.
var countedFromZero = []string{
	"did not find expected <document start>", "did not find expected node content", "did not find expected key",
	"did not find expected '-' indicator", "did not find expected ',' or ']'", "did not find expected ',' or '}'",
	"found undefined tag handle", "found duplicate %YAML directive", "found duplicate %TAG directive",
}

// unknownAnchor returns the name of the alias that a message is about.
func unknownAnchor(message string) (name string, ok bool) {
	name, ok = strings.CutPrefix(message, "unknown anchor '")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "' referenced")
}

// alias returns where the first alias of that name stands, -1 for nowhere.
func alias(text []byte, name string) int {
	word := []byte("*" + name)
	for at := 0; ; at++ {
		i := bytes.Index(text[at:], word)
		if i < 0 {
			return -1
		}
		at += i
		line := text[1+bytes.LastIndexByte(text[:at], '\n') : at]
		isComment := bytes.HasPrefix(line, []byte("#")) || bytes.Contains(line, []byte(" #"))
		isWord := len(line) == 0 || isSpace(line[len(line)-1]) || isFlow(line[len(line)-1])
		if end := at + len(word); isWord && !isComment && (end == len(text) || isSpace(text[end]) || isFlow(text[end])) {
			return at
		}
	}
}

// isByteProblem reports whether a message is about bytes that are no text.
func isByteProblem(message string) bool {
	return strings.Contains(message, "UTF-8") || message == "control characters are not allowed" || message == "invalid Unicode character"
}

// badByte returns where the first byte stands that is no text to YAML, -1 for
// nowhere.
func badByte(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		isControl := r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
		if r == utf8.RuneError && size == 1 || isControl {
			return i
		}
		i += size
	}
	return -1
}

// lineStarts returns the offset at which each line of text starts. YAML 1.1,
// and so the parser's line numbers, know five kinds of line break.
func lineStarts(text []byte) []int {
	starts := make([]int, 1, 1+len(text)/32)
	for i := 0; i < len(text); {
		if n := breakLen(text[i:]); n > 0 {
			i += n
			starts = append(starts, i)
			continue
		}
		i++
	}
	return starts
}

// breakLen returns the length of the line break that text starts with, or 0.
func breakLen(text []byte) int {
	switch {
	case len(text) == 0:
		return 0
	case text[0] == '\n':
		return 1
	case text[0] == '\r':
		if len(text) > 1 && text[1] == '\n' {
			return 2
		}
		return 1
	case text[0] == 0xc2 && len(text) > 1 && text[1] == 0x85: // NEL
		return 2
	case text[0] == 0xe2 && len(text) > 2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9): // LS, PS
		return 3
	}
	return 0
}

// conversion turns the parser's nodes into the smaller ones that selectors
// work on, with byte offsets.
type conversion struct {
	text  []byte
	base  int
	lines []int
	nodes map[*yaml.Node]*edit.Node // anchored nodes, for aliases

	// The place that was asked for last. Nodes come in source order, so going on
	// from there keeps a file that is one long line linear.
	line, column, offset int
}

func (c *conversion) node(n *yaml.Node) *edit.Node {
	out := &edit.Node{Anchor: n.Anchor, Start: c.base + c.at(n.Line, n.Column)}
	if n.Anchor != "" {
		c.nodes[n] = out
	}
	switch n.Kind {
	case yaml.ScalarNode:
		out.Kind, out.Tag, out.Value = edit.Scalar, n.Tag, n.Value
	case yaml.AliasNode:
		// An anchor inside its own node has no value; the parser lets it pass.
		out.Kind, out.Value, out.Target = edit.Alias, n.Value, c.nodes[n.Alias]
	case yaml.MappingNode:
		out.Kind, out.Tag = edit.Mapping, n.Tag
	case yaml.SequenceNode:
		out.Kind, out.Tag = edit.Sequence, n.Tag
	}
	if len(n.Content) > 0 {
		out.Content = make([]*edit.Node, len(n.Content))
		for i, child := range n.Content {
			out.Content[i] = c.node(child)
			n.Content[i] = nil // let the larger tree go while the smaller one grows
		}
	}
	return out
}

// at returns the byte offset of a line and a column, both from 1, the column
// in characters.
func (c *conversion) at(line, column int) int {
	if line < 1 || line > len(c.lines) {
		return len(c.text)
	}
	if line != c.line || column < c.column {
		c.line, c.column, c.offset = line, 1, c.lines[line-1]
		if line == 1 {
			c.offset += len(bomPrefix(c.text))
		}
	}
	for c.column < column && c.offset < len(c.text) {
		_, size := utf8.DecodeRune(c.text[c.offset:])
		c.offset += size
		c.column++
	}
	return c.offset
}
