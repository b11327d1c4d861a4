package yamledit

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/edit"
)

// reader reads the YAML that large files are made of, straight into nodes. The
// library needs 25 bytes of memory for a byte of YAML, and the time that goes
// with it; that is fine for the files that people write, and not for the
// exports and bundles of megabytes that programs write.
//
// The rules are:
//   - What it reads, it reads as the library does. A test holds the two against
//     each other.
//   - What it does not know for certain it does not read: it gives up with
//     errUnsure, and the library has the word. So tags, explicit keys, tabs in
//     indentation and all malformed input are not its business.
type reader struct {
	src     []byte
	text    string // src, of which values are parts
	base    int
	pos     int
	line    int // offset at which the line of pos starts
	depth   int
	anchors map[string]*edit.Node
	slab    []edit.Node
}

var errUnsure = errors.New("yaml beyond the plain parts of the language")

// maxDepth keeps the recursion shallow; nothing that people run is as deep.
const maxDepth = 200

// read returns the tree of a document, or errUnsure.
func read(src []byte, base int) (root *edit.Node, err error) {
	if !isOrdinary(src) {
		return nil, errUnsure
	}
	r := &reader{src: src, text: string(src), base: base, anchors: map[string]*edit.Node{}}
	defer func() {
		if v := recover(); v != nil {
			if v != errUnsure { //nolint:errorlint // the very value that unsure panics with
				panic(v)
			}
			root, err = nil, errUnsure
		}
	}()
	r.skip()
	if r.startsWith("---") {
		r.pos += 3
		if !r.atSpace() {
			r.unsure()
		}
		if !r.skip() && !r.atEnd() {
			r.unsure() // content on the line of the marker
		}
	}
	if !r.atEnd() {
		root = r.block(-1, false)
		r.skip()
	}
	if r.startsWith("...") {
		r.pos += 3
		if !r.atSpace() {
			r.unsure()
		}
		r.skip()
	}
	// What an empty document is depends on its markers.
	if !r.atEnd() || root == nil {
		r.unsure()
	}
	return root, nil
}

// isOrdinary reports whether src is UTF-8 without control characters and
// without the line breaks that only YAML 1.1 knows.
func isOrdinary(src []byte) bool {
	for i, c := range src {
		switch {
		case c >= 0x20 && c != 0x7f && c != 0xc2 && c != 0xe2 && c != 0xef, c == '\n', c == '\t':
		case c == '\r':
			if i+1 == len(src) || src[i+1] != '\n' {
				return false
			}
		case c == 0xc2: // U+0080 to U+009F
			if i+1 < len(src) && src[i+1] < 0xa0 {
				return false
			}
		case c == 0xe2: // U+2028, U+2029
			if i+2 < len(src) && src[i+1] == 0x80 && (src[i+2] == 0xa8 || src[i+2] == 0xa9) {
				return false
			}
		case c == 0xef: // byte order marks and other non-characters
			if i+2 < len(src) && (src[i+1] == 0xbb && src[i+2] == 0xbf || src[i+1] == 0xbf && src[i+2] >= 0xbe) {
				return false
			}
		default:
			return false
		}
	}
	return utf8.Valid(src)
}

func (r *reader) unsure() { panic(errUnsure) }

func (r *reader) atEnd() bool { return r.pos >= len(r.src) }

func (r *reader) peek(ahead int) byte {
	if r.pos+ahead < len(r.src) {
		return r.src[r.pos+ahead]
	}
	return '\n'
}

// atSpace reports whether what follows is white space or the end.
func (r *reader) atSpace() bool { return isSpace(r.peek(0)) }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isFlow(c byte) bool { return strings.IndexByte(",[]{}", c) >= 0 }

func (r *reader) startsWith(marker string) bool {
	return r.pos == r.line && bytes.HasPrefix(r.src[r.pos:], []byte(marker))
}

func (r *reader) column() int { return r.pos - r.line }

// skip moves to the next token and reports whether it is on another line.
func (r *reader) skip() (newLine bool) {
	for !r.atEnd() {
		switch r.src[r.pos] {
		case ' ':
			r.pos++
		case '\t':
			// Behind a token a tab is white space; before one it may pretend to be
			// indentation.
			if len(bytes.TrimLeft(r.src[r.line:r.pos], " ")) == 0 {
				r.unsure()
			}
			for r.peek(0) == ' ' || r.peek(0) == '\t' {
				r.pos++
			}
			if c := r.peek(0); c != '#' && c != '\n' && c != '\r' {
				r.unsure()
			}
		case '\r', '\n':
			r.endLine()
			newLine = true
		case '#':
			if r.pos > r.line && !isSpace(r.src[r.pos-1]) {
				r.unsure()
			}
			for !r.atEnd() && r.src[r.pos] != '\n' {
				r.pos++
			}
		default:
			if r.pos == r.line && (r.startsWith("---") || r.startsWith("%")) && r.depth > 0 {
				r.unsure()
			}
			return newLine
		}
	}
	return newLine
}

// endLine moves past a line break.
func (r *reader) endLine() {
	if r.src[r.pos] == '\r' {
		r.pos++
	}
	r.pos++
	r.line = r.pos
}

func (r *reader) node(kind edit.Kind, start int) *edit.Node {
	if len(r.slab) == 0 {
		r.slab = make([]edit.Node, 512)
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	n.Kind, n.Start = kind, r.base+start
	return n
}

func (r *reader) null() *edit.Node {
	n := r.node(edit.Scalar, r.pos)
	n.Tag = edit.TagNull
	return n
}

// block reads a node in block context, whose token is next. Its parent's
// column is indent; inline is set where the parent's token is on the same line,
// behind which no mapping may start unless the parent is a list.
func (r *reader) block(indent int, inline bool) *edit.Node {
	if r.depth++; r.depth > maxDepth {
		r.unsure()
	}
	defer func() { r.depth-- }()
	start, column := r.pos, r.column()
	switch c := r.peek(0); {
	case c == '-' && isSpace(r.peek(1)):
		if inline {
			r.unsure()
		}
		return r.list(column)
	case c == '&':
		return r.anchored(indent, false)
	case c == '|' || c == '>':
		return r.blockScalar(indent)
	case c == '[' || c == '{':
		n := r.flow()
		r.noKey()
		return n
	case c == '*':
		n := r.alias()
		r.noKey()
		return n
	}
	n := r.scalar(indent, false)
	if r.isKey(start) {
		if inline {
			r.unsure()
		}
		return r.mapping(column, n)
	}
	return n
}

// isKey reports whether the scalar that started at start is a key, with the
// colon next.
func (r *reader) isKey(start int) bool {
	end := r.pos
	for end < len(r.src) && r.src[end] == ' ' {
		end++
	}
	if end >= len(r.src) || r.src[end] != ':' || end+1 < len(r.src) && !isSpace(r.src[end+1]) {
		return false
	}
	// The library takes nothing longer for a key, nor what goes over lines.
	if end-start > 1000 || r.line > start {
		r.unsure()
	}
	r.pos = end
	return true
}

// noKey gives up if what was read is followed by a colon.
func (r *reader) noKey() {
	rest := bytes.TrimLeft(r.src[r.pos:], " \t")
	if len(rest) > 0 && rest[0] == ':' {
		r.unsure()
	}
}

// endNode moves from a node to the next token, which must be the first on its
// line.
func (r *reader) endNode() {
	r.skip()
	if !r.atEnd() && len(bytes.TrimLeft(r.src[r.line:r.pos], " ")) > 0 {
		r.unsure()
	}
}

// anchored reads a node with an anchor. mapping says that it is the value of a
// key, below whose anchor a list may stand at the column of the key.
func (r *reader) anchored(indent int, mapping bool) *edit.Node {
	start := r.pos
	r.pos++
	name := r.name()
	if !r.atSpace() {
		r.unsure()
	}
	if _, again := r.anchors[name]; again {
		r.unsure()
	}
	r.anchors[name] = nil // so that an alias within the node is found out
	var n *edit.Node
	newLine := r.skip()
	if c := r.peek(0); c == '&' || c == '*' {
		r.unsure()
	}
	if newLine || r.atEnd() {
		n = r.value(indent, mapping)
		if n.Kind == edit.Scalar && n.Tag == edit.TagNull && n.Value == "" {
			r.unsure()
		}
	} else {
		if n = r.block(indent, true); n.Kind == edit.Mapping && r.src[n.Start-r.base] != '{' {
			r.unsure()
		}
	}
	n.Anchor, n.Start = name, r.base+start
	r.anchors[name] = n
	return n
}

func (r *reader) name() string {
	start := r.pos
	for !r.atEnd() {
		c := r.src[r.pos]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
		r.pos++
	}
	if r.pos == start {
		r.unsure()
	}
	return r.text[start:r.pos]
}

func (r *reader) alias() *edit.Node {
	n := r.node(edit.Alias, r.pos)
	r.pos++
	n.Value = r.name()
	if c := r.peek(0); !isSpace(c) && !isFlow(c) {
		r.unsure()
	}
	if n.Target = r.anchors[n.Value]; n.Target == nil {
		r.unsure()
	}
	return n
}

// value reads what stands below a key or an anchor: a node that is indented
// more than the mapping, a list at its very column, or nothing.
func (r *reader) value(indent int, mapping bool) *edit.Node {
	if r.atEnd() || r.startsWith("...") {
		return r.null()
	}
	column := r.column()
	isList := r.peek(0) == '-' && isSpace(r.peek(1))
	if column > indent || mapping && column == indent && isList {
		if column == indent {
			if r.depth++; r.depth > maxDepth {
				r.unsure()
			}
			defer func() { r.depth-- }()
			return r.list(column)
		}
		return r.block(indent, false)
	}
	return r.null()
}

func (r *reader) list(column int) *edit.Node {
	n := r.node(edit.Sequence, r.pos)
	n.Tag = "!!seq"
	for !r.atEnd() && r.column() == column && r.peek(0) == '-' && isSpace(r.peek(1)) {
		r.pos++
		if blank := bytes.TrimLeft(r.src[r.pos:], " "); len(blank) > 0 && blank[0] == '\t' {
			r.unsure() // here a tab could be indentation
		}
		if r.skip() || r.atEnd() {
			n.Content = append(n.Content, r.value(column, false))
		} else {
			n.Content = append(n.Content, r.block(column, false))
		}
		r.endNode()
		if r.startsWith("...") {
			break
		}
	}
	if !r.atEnd() && r.column() > column {
		r.unsure()
	}
	return n
}

func (r *reader) mapping(column int, key *edit.Node) *edit.Node {
	n := r.node(edit.Mapping, key.Start-r.base)
	n.Tag = "!!map"
	for {
		r.pos++ // the colon
		var v *edit.Node
		switch {
		case r.skip() || r.atEnd():
			v = r.value(column, true)
		case r.peek(0) == '&':
			v = r.anchored(column, true)
		default:
			v = r.block(column, true)
		}
		n.Content = append(n.Content, key, v)
		r.endNode()
		if r.atEnd() || r.startsWith("...") || r.column() < column {
			return n
		}
		if r.column() > column || r.peek(0) == '-' && isSpace(r.peek(1)) {
			r.unsure()
		}
		start := r.pos
		switch r.peek(0) {
		case '&', '*', '[', '{', '|', '>':
			r.unsure()
		}
		if key = r.scalar(column, false); !r.isKey(start) {
			r.unsure()
		}
	}
}

// flow reads a collection in brackets or braces.
func (r *reader) flow() *edit.Node {
	if r.depth++; r.depth > maxDepth {
		r.unsure()
	}
	defer func() { r.depth-- }()
	open := r.src[r.pos]
	n, end := r.node(edit.Mapping, r.pos), byte('}')
	n.Tag = "!!map"
	if open == '[' {
		n.Kind, n.Tag, end = edit.Sequence, "!!seq", ']'
	}
	r.pos++
	for {
		r.skipFlow()
		if r.peek(0) == end {
			r.pos++
			return n
		}
		start := r.pos
		item := r.flowNode()
		r.skipFlow()
		colon := r.peek(0) == ':'
		if colon && (open == '[' || r.line > start || r.pos-start > 1000 || item.Kind != edit.Scalar) {
			r.unsure()
		}
		n.Content = append(n.Content, item)
		if open == '{' {
			v := r.null
			if colon {
				if r.pos++; !isSpace(r.peek(0)) {
					r.unsure()
				}
				r.skipFlow()
				if c := r.peek(0); c != ',' && c != end {
					v = r.flowNode
				}
			} else if item.Kind != edit.Scalar {
				r.unsure()
			}
			n.Content = append(n.Content, v())
			r.skipFlow()
		}
		switch r.peek(0) {
		case ',':
			r.pos++
		case end:
		default:
			r.unsure()
		}
	}
}

func (r *reader) skipFlow() {
	r.skip()
	if r.atEnd() || r.startsWith("...") {
		r.unsure()
	}
}

func (r *reader) flowNode() *edit.Node {
	switch r.peek(0) {
	case '[', '{':
		return r.flow()
	case '*':
		return r.alias()
	}
	return r.scalar(0, true)
}
