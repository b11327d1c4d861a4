package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
)

// Text locates a scalar. It fails for scalars whose bytes cannot be told
// exactly: quoted or plain ones that go over several lines, and folded block
// scalars in which lines were joined in more than the simplest way.
func (d *Document) Text(n *edit.Node) (edit.Text, error) {
	if n == nil || n.Kind != edit.Scalar {
		return edit.Text{}, errors.New("not a scalar")
	}
	s := scan{src: d.src, pos: n.Start}
	if err := s.skipProperties(); err != nil {
		return edit.Text{}, err
	}
	t := edit.Text{Value: n.Value}
	start := s.pos
	var err error
	switch s.peek() {
	case '"':
		t.Style = edit.Double
		t.Runs, err = s.double()
	case '\'':
		t.Style = edit.Single
		t.Runs, err = s.single()
	case '|', '>':
		t.Style = edit.Block
		t.Runs, err = s.block(n.Value)
	default:
		if n.Value == "" {
			return edit.Text{}, errors.New("scalar is empty")
		}
		if !bytes.HasPrefix(d.src[s.pos:], []byte(n.Value)) || strings.ContainsAny(n.Value, "\r\n") {
			return edit.Text{}, errors.New("scalar goes over several lines")
		}
		t.Runs = []edit.Run{{Source: s.pos, Len: len(n.Value)}}
		t.IsPlain = func(value string) bool { return isPlain(n.Value, value) }
		s.pos += len(n.Value)
		if tabBelow(d.src[s.pos:]) {
			t.Unquotable = "a tab begins an empty line below"
		}
	}
	if err != nil {
		return edit.Text{}, err
	}
	t.Raw = edit.Span{Start: start, End: s.pos}
	for _, r := range t.Runs {
		if r.Value+r.Len > len(n.Value) || n.Value[r.Value:r.Value+r.Len] != string(d.src[r.Source:r.Source+r.Len]) {
			return edit.Text{}, fmt.Errorf("bytes of the scalar %.40q cannot be told exactly", n.Value)
		}
	}
	return t, nil
}

// tabBelow reports whether there is a tab in the empty lines below a scalar,
// given what follows it. The library reads it as part of plain text, and stumbles
// over it behind quotes.
func tabBelow(rest []byte) bool {
	empty := rest[:len(rest)-len(bytes.TrimLeft(rest, " \t\r\n"))]
	end := bytes.IndexAny(empty, "\r\n")
	return end >= 0 && bytes.IndexByte(empty[end:], '\t') >= 0
}

// scan reads the source of one scalar.
type scan struct {
	src []byte
	pos int
}

func (s *scan) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// skipProperties moves from the start of a node to its content, past an anchor
// and a tag, which may stand on lines of their own.
func (s *scan) skipProperties() error {
	for s.peek() == '&' || s.peek() == '!' {
		for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) < 0 {
			s.pos++
		}
		for s.pos < len(s.src) {
			if c := s.src[s.pos]; c == '#' {
				for s.pos < len(s.src) && s.src[s.pos] != '\n' {
					s.pos++
				}
			} else if strings.IndexByte(" \t\r\n", c) < 0 {
				break
			} else {
				s.pos++
			}
		}
	}
	if s.pos >= len(s.src) {
		return errors.New("scalar is empty")
	}
	return nil
}

var errSeveralLines = errors.New("quoted scalar goes over several lines")

// double reads a double-quoted scalar of one line. Escapes end a run.
func (s *scan) double() ([]edit.Run, error) {
	var runs []edit.Run
	value := 0 // offset in the decoded value
	s.pos++
	from := s.pos
	flush := func() {
		if s.pos > from {
			runs = append(runs, edit.Run{Value: value, Source: from, Len: s.pos - from})
			value += s.pos - from
		}
	}
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '"':
			flush()
			s.pos++
			return runs, nil
		case breakLen(s.src[s.pos:]) > 0:
			return nil, errSeveralLines
		case c == '\\':
			flush()
			source, decoded, err := escape(s.src[s.pos:])
			if err != nil {
				return nil, err
			}
			s.pos += source
			value += decoded
			from = s.pos
		default:
			s.pos++
		}
	}
	return nil, errors.New("quoted scalar has no end")
}

// escape returns the length of the escape sequence that src starts with, and
// of the UTF-8 text that it stands for.
func escape(src []byte) (source, decoded int, err error) {
	if len(src) < 2 {
		return 0, 0, errors.New("escape has no end")
	}
	digits := 0
	switch src[1] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case 'N', '_':
		return 2, 2, nil // U+0085, U+00A0
	case 'L', 'P':
		return 2, 3, nil // U+2028, U+2029
	case '\r', '\n':
		return 0, 0, errSeveralLines
	default:
		return 2, 1, nil
	}
	if len(src) < 2+digits {
		return 0, 0, errors.New("escape has no end")
	}
	r := rune(0)
	for _, c := range src[2 : 2+digits] {
		v := strings.IndexByte("0123456789abcdef", c|0x20)
		if v < 0 {
			return 0, 0, fmt.Errorf("bad escape %q", src[:2+digits])
		}
		r = r<<4 | rune(v)
	}
	return 2 + digits, len(string(r)), nil
}

// single reads a single-quoted scalar of one line. A doubled quote ends a run.
func (s *scan) single() ([]edit.Run, error) {
	var runs []edit.Run
	value := 0
	s.pos++
	from := s.pos
	for s.pos < len(s.src) {
		switch {
		case breakLen(s.src[s.pos:]) > 0:
			return nil, errSeveralLines
		case s.src[s.pos] != '\'':
			s.pos++
			continue
		}
		runs = append(runs, edit.Run{Value: value, Source: from, Len: s.pos - from})
		value += s.pos - from
		s.pos++
		if s.peek() != '\'' {
			return runs, nil
		}
		s.pos++ // both quotes are the value's one, which so is not written as itself
		value++
		from = s.pos
	}
	return nil, errors.New("quoted scalar has no end")
}

// block reads a literal or folded block scalar, one run for each line of it.
// What the lines add up to depends on indicators, indentation and folding; so
// the lines are laid side by side with the value that the parser found, and a
// line that is not where it should be is an error.
func (s *scan) block(value string) ([]edit.Run, error) {
	s.pos++
	indent, indicated := -1, false // -1: not known yet
	for ; s.pos < len(s.src) && strings.IndexByte("+-0123456789", s.src[s.pos]) >= 0; s.pos++ {
		// An indicator counts from the parent's indentation, which is not known here.
		indicated = indicated || s.src[s.pos] >= '0' && s.src[s.pos] <= '9'
	}
	s.pos = s.nextLine(s.pos)

	var runs []edit.Run
	at := 0 // offset in value
	for at < len(value) && s.pos < len(s.src) {
		next := s.nextLine(s.pos)
		line := s.src[s.pos:next]
		line = line[:len(line)-trailingBreak(line)]
		if indent < 0 && len(bytes.TrimLeft(line, " ")) > 0 {
			if indent = blockIndent(line, value[at:], indicated); indent < 0 {
				return nil, errors.New("indentation of the block scalar cannot be told")
			}
		}
		if indent >= 0 && len(line) > indent {
			text := line[indent:]
			if !strings.HasPrefix(value[at:], string(text)) {
				return nil, errors.New("block scalar is folded in a way that cannot be told exactly")
			}
			runs = append(runs, edit.Run{Value: at, Source: s.pos + indent, Len: len(text)})
			at += len(text)
		}
		if at < len(value) && (value[at] == '\n' || value[at] == ' ') {
			at++
		}
		s.pos = next
	}
	if at != len(value) {
		return nil, errors.New("block scalar is folded in a way that cannot be told exactly")
	}
	return runs, nil
}

// blockIndent returns the indentation of a block scalar whose first line with
// text is line, or -1. Without an indicator that is the line's own; with one,
// as much of it as leaves the spaces that the value starts with.
func blockIndent(line []byte, value string, indicated bool) int {
	indent := len(line) - len(bytes.TrimLeft(line, " "))
	if indicated {
		indent -= len(value) - len(strings.TrimLeft(value, " "))
	}
	return max(indent, -1)
}

func (s *scan) nextLine(pos int) int {
	for pos < len(s.src) {
		if n := breakLen(s.src[pos:]); n > 0 {
			return pos + n
		}
		pos++
	}
	return pos
}

// trailingBreak returns the length of the line break that ends line.
func trailingBreak(line []byte) int {
	for n := 3; n > 0; n-- {
		if len(line) >= n && breakLen(line[len(line)-n:]) == n {
			return n
		}
	}
	return 0
}
