// Package diff owns how a change of a text is shown to people. Its input is
// what changed; it changes nothing itself.
package diff

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// context is the number of unchanged lines around a hunk, as in diff -u.
const context = 3

// Unified returns the difference between two versions of a file in the unified
// format that git and patch read, "" if there is none. It pairs the lines by
// their number, so it is meant for edits within lines: a line too many shifts
// all that follow.
func Unified(path string, before, after []byte) string {
	if bytes.Equal(before, after) {
		return ""
	}
	a, b := lines(before), lines(after)
	n := max(len(a), len(b))
	differs := func(i int) bool { return i >= len(a) || i >= len(b) || !bytes.Equal(a[i], b[i]) }

	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", name("a/"+path), name("b/"+path))
	for i := 0; i < n; {
		if !differs(i) {
			i++
			continue
		}
		start, end := max(0, i-context), i
		for j := i; j < n && j <= end+2*context; j++ {
			if differs(j) {
				end = j
			}
		}
		end = min(n, end+1+context)
		hunk(&out, span(a, start, end), span(b, start, end), start)
		i = end
	}
	return out.String()
}

// name returns a file's name as git writes it: in quotes if it holds control
// characters, quotes or backslashes.
func name(path string) string {
	if strings.ContainsFunc(path, unicode.IsControl) || strings.ContainsAny(path, "\"\\") {
		return quoteASCII(path)
	}
	return path
}

func quoteASCII(path string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(path) {
		switch c := path[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// hunk writes the lines of one hunk, which starts at line start, from 0.
func hunk(out *strings.Builder, a, b [][]byte, start int) {
	fmt.Fprintf(out, "@@ -%s +%s @@\n", extent(start, len(a)), extent(start, len(b)))
	for i := 0; i < max(len(a), len(b)); {
		if i < len(a) && i < len(b) && bytes.Equal(a[i], b[i]) {
			line(out, ' ', a[i])
			i++
			continue
		}
		from := i
		for i < max(len(a), len(b)) && (i >= len(a) || i >= len(b) || !bytes.Equal(a[i], b[i])) {
			i++
		}
		for _, l := range span(a, from, i) {
			line(out, '-', l)
		}
		for _, l := range span(b, from, i) {
			line(out, '+', l)
		}
	}
}

func line(out *strings.Builder, sign byte, text []byte) {
	out.WriteByte(sign)
	out.Write(text)
	if !bytes.HasSuffix(text, []byte("\n")) {
		out.WriteString("\n\\ No newline at end of file\n")
	}
}

func extent(start, count int) string {
	if count == 0 {
		return fmt.Sprintf("%d,0", start)
	}
	if count == 1 {
		return fmt.Sprint(start + 1)
	}
	return fmt.Sprintf("%d,%d", start+1, count)
}

func span(lines [][]byte, from, to int) [][]byte {
	return lines[min(from, len(lines)):min(to, len(lines))]
}

// lines cuts a text after its line breaks; a text that ends in one has no
// empty line behind it.
func lines(text []byte) [][]byte {
	out := bytes.SplitAfter(text, []byte("\n"))
	if last := len(out) - 1; len(out[last]) == 0 {
		out = out[:last]
	}
	return out
}
