package yamledit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/towpath-dev/towpath/internal/edit"
)

// This file is what the reader does with scalars: plain, quoted and block.

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
