package yamledit

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

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
			if r.column() == 0 || newLine {
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
		return r.anchored(indent)
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

// anchored reads a node with an anchor.
func (r *reader) anchored(indent int) *edit.Node {
	start := r.pos
	r.pos++
	name := r.name()
	if !r.atSpace() {
		r.unsure()
	}
	var n *edit.Node
	if r.skip() || r.atEnd() {
		n = r.value(indent, false)
		if n.Kind == edit.Scalar && n.Tag == edit.TagNull && n.Value == "" {
			r.unsure()
		}
	} else {
		switch r.peek(0) {
		case '&', '*':
			r.unsure()
		}
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
			v = r.anchoredValue(column)
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

// anchoredValue reads the value of a key that has an anchor; below the anchor a
// list may stand at the column of the key.
func (r *reader) anchoredValue(column int) *edit.Node {
	start := r.pos
	r.pos++
	name := r.name()
	if !r.atSpace() {
		r.unsure()
	}
	if !r.skip() {
		r.pos = start
		return r.anchored(column)
	}
	n := r.value(column, true)
	if n.Kind == edit.Scalar && n.Tag == edit.TagNull {
		r.unsure()
	}
	n.Anchor, n.Start = name, r.base+start
	r.anchors[name] = n
	return n
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

// scalar reads a plain or quoted scalar. Plain ones in block context may go on
// over lines that are indented more than indent.
func (r *reader) scalar(indent int, flow bool) *edit.Node {
	n := r.node(edit.Scalar, r.pos)
	switch c := r.peek(0); {
	case c == '"' || c == '\'':
		n.Tag, n.Value = edit.TagString, r.quoted(c)
		if next := r.peek(0); !isSpace(next) && next != ':' && (!flow || !isFlow(next)) {
			r.unsure()
		}
		return n
	case strings.IndexByte("-?:,[]{}#&*!|>%@`", c) >= 0 && (c != '-' || isSpace(r.peek(1)) || flow),
		c == '-' && r.startsWith("---"), c == '.' && r.startsWith("..."):
		r.unsure()
	}
	n.Value = r.plain(indent, flow)
	n.Tag = plainTag(n.Value)
	return n
}

// plainTag returns the type of a plain scalar. What may be no string is left to
// the library to name.
func plainTag(value string) string {
	if value == "<<" {
		return edit.TagMerge
	}
	if IsString(value) {
		return edit.TagString
	}
	return (&yaml.Node{Kind: yaml.ScalarNode, Value: value}).ShortTag()
}

// plain reads a plain scalar. In a flow collection it must be on one line.
func (r *reader) plain(indent int, flow bool) string {
	first := r.plainLine(flow)
	if flow {
		if c := r.peek(0); c == '\n' || c == '\r' {
			rest := bytes.TrimLeft(r.src[r.pos:], " \r\n")
			if len(rest) == 0 || strings.IndexByte(",]}#", rest[0]) < 0 {
				r.unsure()
			}
		}
		return first
	}
	if r.peek(0) == ':' || r.isComment() {
		return first
	}
	var b strings.Builder
	for {
		pos, line, breaks := r.pos, r.line, 0
		for !r.atEnd() && isSpace(r.src[r.pos]) {
			switch r.src[r.pos] {
			case '\n', '\r':
				r.endLine()
				breaks++
			case '\t':
				r.unsure()
			default:
				r.pos++
			}
		}
		if r.atEnd() || r.column() <= indent || r.src[r.pos] == '#' || breaks == 0 {
			r.pos, r.line = pos, line
			if b.Len() > 0 {
				return b.String()
			}
			return first
		}
		if r.startsWith("---") || r.startsWith("...") {
			r.unsure()
		}
		if b.Len() == 0 {
			b.WriteString(first)
		}
		fold(&b, breaks)
		b.WriteString(r.plainLine(false))
		if r.peek(0) == ':' {
			r.unsure()
		}
		if r.isComment() {
			return b.String()
		}
	}
}

// isComment reports whether only white space separates pos from a comment.
func (r *reader) isComment() bool {
	rest := bytes.TrimLeft(r.src[r.pos:], " \t")
	return len(rest) > 0 && rest[0] == '#' && len(rest) < len(r.src)-r.pos
}

// fold writes what a number of line breaks within a scalar means.
func fold(b *strings.Builder, breaks int) {
	if breaks == 1 {
		b.WriteByte(' ')
		return
	}
	for range breaks - 1 {
		b.WriteByte('\n')
	}
}

// plainLine reads what a plain scalar has on this line, without the white
// space at its end.
func (r *reader) plainLine(flow bool) string {
	start, end := r.pos, r.pos
	for ; r.pos < len(r.src); r.pos++ {
		c := r.src[r.pos]
		switch {
		case c == '\n' || c == '\r':
			r.pos = end
			return r.text[start:end]
		case c == ' ' || c == '\t':
			continue
		case c == ':' && isSpace(r.peek(1)), c == '#' && r.pos > end:
			r.pos = end
			for r.src[r.pos] == ' ' {
				r.pos++
			}
			if r.src[r.pos] == '\t' {
				r.unsure()
			}
			if r.src[r.pos] == '#' {
				r.pos = end
			}
			return r.text[start:end]
		case flow && c == ':' && isFlow(r.peek(1)), flow && c == '?':
			r.unsure()
		case flow && isFlow(c):
			r.pos = end
			for r.src[r.pos] == ' ' || r.src[r.pos] == '\t' {
				r.pos++
			}
			return r.text[start:end]
		}
		end = r.pos + 1
	}
	r.pos = end
	return r.text[start:end]
}

// quoted reads a quoted scalar and returns its value.
func (r *reader) quoted(quote byte) string {
	r.pos++
	start := r.pos
	var b strings.Builder
	simple := true // so far the value is what stands in the file
	copied := start
	flush := func(to int) {
		b.WriteString(r.text[copied:to])
		simple = false
	}
	for !r.atEnd() {
		switch c := r.src[r.pos]; {
		case c == quote && quote == '\'' && r.peek(1) == '\'':
			flush(r.pos + 1)
			r.pos += 2
			copied = r.pos
		case c == quote:
			end := r.pos
			r.pos++
			if simple {
				return r.text[start:end]
			}
			b.WriteString(r.text[copied:end])
			return b.String()
		case c == '\\' && quote == '"':
			flush(r.pos)
			b.WriteString(r.escape())
			copied = r.pos
		case c == '\n' || c == '\r':
			end := r.pos
			for end > copied && (r.src[end-1] == ' ' || r.src[end-1] == '\t') {
				end--
			}
			flush(end)
			breaks := 0
			for !r.atEnd() && isSpace(r.src[r.pos]) {
				if c := r.src[r.pos]; c == '\n' || c == '\r' {
					r.endLine()
					breaks++
				} else {
					r.pos++
				}
			}
			if r.startsWith("---") || r.startsWith("...") {
				r.unsure()
			}
			fold(&b, breaks)
			copied = r.pos
		default:
			r.pos++
		}
	}
	r.unsure()
	return ""
}

// escape reads an escape sequence of a double-quoted scalar.
func (r *reader) escape() string {
	const letters, values = "0abtnvfre \"\\", "\x00\a\b\t\n\v\f\r\x1b \"\\"
	c := r.peek(1)
	if i := strings.IndexByte(letters, c); i >= 0 {
		r.pos += 2
		return values[i : i+1]
	}
	digits := map[byte]int{'x': 2, 'u': 4}[c]
	if digits == 0 || r.pos+2+digits > len(r.src) {
		r.unsure()
	}
	var v rune
	for _, d := range r.src[r.pos+2 : r.pos+2+digits] {
		i := strings.IndexByte("0123456789abcdef", d|0x20)
		if i < 0 || d < '0' {
			r.unsure()
		}
		v = v<<4 | rune(i)
	}
	if v >= 0xd800 && v < 0xe000 {
		r.unsure()
	}
	r.pos += 2 + digits
	return string(v)
}

// blockScalar reads a literal or folded scalar.
func (r *reader) blockScalar(parent int) *edit.Node {
	n := r.node(edit.Scalar, r.pos)
	n.Tag = edit.TagString
	literal := r.src[r.pos] == '|'
	r.pos++
	chomp, indent := byte(0), 0
	for range 2 {
		switch c := r.peek(0); {
		case c == '+' || c == '-':
			if chomp != 0 {
				r.unsure()
			}
			chomp = c
			r.pos++
		case c >= '1' && c <= '9':
			if indent != 0 {
				r.unsure()
			}
			indent = max(parent, 0) + int(c-'0')
			r.pos++
		}
	}
	if !r.atSpace() {
		r.unsure()
	}
	for !r.atEnd() && (r.src[r.pos] == ' ' || r.src[r.pos] == '\t') {
		r.pos++
	}
	if r.peek(0) == '#' && !r.atEnd() {
		for !r.atEnd() && r.src[r.pos] != '\n' && r.src[r.pos] != '\r' {
			r.pos++
		}
	}
	if r.atEnd() {
		return n
	}
	if c := r.src[r.pos]; c != '\n' && c != '\r' {
		r.unsure()
	}
	r.endLine()

	var b strings.Builder
	leadingBreak, leadingBlank := false, false
	indent, breaks := r.blockBreaks(indent, parent)
	for !r.atEnd() && r.column() == indent {
		if indent == 0 {
			r.unsure()
		}
		blank := r.src[r.pos] == ' ' || r.src[r.pos] == '\t'
		if leadingBreak {
			if !literal && !leadingBlank && !blank {
				if breaks == 0 {
					b.WriteByte(' ')
				}
			} else {
				b.WriteByte('\n')
			}
		}
		for range breaks {
			b.WriteByte('\n')
		}
		leadingBlank = blank
		start := r.pos
		for !r.atEnd() && r.src[r.pos] != '\n' && r.src[r.pos] != '\r' {
			r.pos++
		}
		b.WriteString(r.text[start:r.pos])
		if leadingBreak = !r.atEnd(); !leadingBreak {
			breaks = 0
			break
		}
		r.endLine()
		_, breaks = r.blockBreaks(indent, parent)
	}
	if chomp != '-' && leadingBreak {
		b.WriteByte('\n')
	}
	if chomp == '+' {
		for range breaks {
			b.WriteByte('\n')
		}
	}
	// What ended the scalar is the next token's line.
	r.pos = r.line
	n.Value = b.String()
	return n
}

// blockBreaks moves to the next line of a block scalar that has text, past at
// most indent spaces, and returns the number of empty lines before it. With an
// indent of 0 it is found from that line.
func (r *reader) blockBreaks(indent, parent int) (found, breaks int) {
	most := 0
	for {
		for !r.atEnd() && (indent == 0 || r.column() < indent) && r.src[r.pos] == ' ' {
			r.pos++
		}
		most = max(most, r.column())
		if !r.atEnd() && r.src[r.pos] == '\t' && (indent == 0 || r.column() < indent) {
			r.unsure()
		}
		if r.atEnd() || r.src[r.pos] != '\n' && r.src[r.pos] != '\r' {
			break
		}
		r.endLine()
		breaks++
	}
	if indent == 0 {
		if most > r.column() {
			r.unsure()
		}
		indent = max(most, parent+1, 1)
	}
	return indent, breaks
}
