package edit

import (
	"fmt"
	"sort"
	"strings"
)

// Style says how a scalar is written, as far as replacing a part of it depends
// on that.
type Style uint8

// The styles of scalar.
const (
	Bare   Style = iota // without quotes: a YAML plain scalar, a JSON or HCL number
	Single              // 'it''s'
	Double              // "with \"escapes\""
	Block               // the lines of a YAML literal or folded scalar, an HCL heredoc
)

// Run says that Len bytes of a value, from offset Value on, stand in the file
// from offset Source on, byte for byte.
type Run struct{ Value, Source, Len int }

// Text says where each byte of a scalar's value stands in the file. Bytes that
// no run covers are written in another way there (an escape, a folded line
// break) and cannot be replaced by themselves.
type Text struct {
	Value string
	Raw   Span  // the scalar as it is written, quotes included
	Style Style // how it is written
	Runs  []Run // ascending in both offsets

	// IsPlain reports whether a value means itself when written without
	// quotes. It is asked only for Bare scalars; nil means no value does.
	IsPlain func(value string) bool

	// Unquotable says why a Bare scalar cannot get quotes where it stands, "" if
	// it can.
	Unquotable string
}

// Offset returns the file offset of byte i of the value, where len(Value)
// stands for the end. ok is false if that byte is not written as itself.
func (t Text) Offset(i int) (offset int, ok bool) {
	if r, ok := t.run(i); ok && i < r.Value+r.Len {
		return r.Source + i - r.Value, true
	}
	if n := len(t.Runs); n > 0 && i == len(t.Value) {
		if r := t.Runs[n-1]; r.Value+r.Len == i {
			return r.Source + r.Len, true
		}
	}
	return 0, false
}

// run returns the last run that starts at or before byte i of the value.
func (t Text) run(i int) (Run, bool) {
	next := sort.Search(len(t.Runs), func(k int) bool { return t.Runs[k].Value > i })
	if next == 0 {
		return Run{}, false
	}
	return t.Runs[next-1], true
}

// Replace returns the change that makes the scalar read as its value with the
// bytes [from, to) replaced by text, in the style in which it is written. A
// Bare scalar gets double quotes when it would not read as a string otherwise.
// It fails when those bytes are not written as themselves, and when text
// cannot be written in that style, nor get quotes if it needs them.
func (t Text) Replace(from, to int, text string) (Change, error) {
	if from < 0 || to < from || to > len(t.Value) {
		return Change{}, fmt.Errorf("range %d:%d lies outside of the value %q", from, to, t.Value)
	}
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			return Change{}, fmt.Errorf("control character in %q", text)
		}
	}
	if t.Style == Bare {
		value := t.Value[:from] + text + t.Value[to:]
		if t.IsPlain == nil || !t.IsPlain(value) {
			if t.Unquotable != "" {
				return Change{}, fmt.Errorf("%q needs quotes, and cannot get them: %s", value, t.Unquotable)
			}
			return Change{t.Raw, `"` + escapeDouble(value) + `"`}, nil
		}
	}
	span, err := t.span(from, to)
	if err != nil {
		return Change{}, err
	}
	switch t.Style {
	case Single:
		text = strings.ReplaceAll(text, "'", "''")
	case Double:
		text = escapeDouble(text)
	}
	return Change{span, text}, nil
}

// Set returns the change that makes the scalar read as value.
func (t Text) Set(value string) (Change, error) { return t.Replace(0, len(t.Value), value) }

func (t Text) span(from, to int) (Span, error) {
	if t.Value == "" && (t.Style == Single || t.Style == Double) && t.Raw.Len() == 2 {
		return Span{t.Raw.Start + 1, t.Raw.End - 1}, nil
	}
	if r, ok := t.run(from); ok && to <= r.Value+r.Len {
		return Span{r.Source + from - r.Value, r.Source + to - r.Value}, nil
	}
	return Span{}, fmt.Errorf("%q is not written as one piece", t.Value[from:to])
}

var doubleEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func escapeDouble(s string) string { return doubleEscapes.Replace(s) }
