// Package edit owns the smallest notion of changing a file: spans of bytes
// replaced by text, a neutral tree of what a file says, and the proof that a
// change altered what it was meant to alter and nothing else.
//
// It knows no file format: the packages below it (yamledit, jsonedit,
// hcledit) read bytes into [Node] trees and say with [Text] where a scalar
// stands. It never serialises a tree, so it has no way to reformat a file.
package edit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Span is the half-open range [Start, End) of byte offsets in a file.
type Span struct{ Start, End int }

// Len returns the number of bytes in the span.
func (s Span) Len() int { return s.End - s.Start }

// Change replaces the bytes of its span by Text. A span of length zero inserts.
type Change struct {
	Span
	Text string
}

// ErrOverlap is returned by [Splice] for changes that claim the same bytes
// with different texts.
var ErrOverlap = errors.New("changes overlap")

// Splice returns a copy of src with every change applied. The changes may be
// in any order, and the same change may be given more than once; src is not
// modified. It fails with [ErrOverlap] when two different changes touch the
// same bytes, and when a span does not lie within src.
func Splice(src []byte, changes []Change) ([]byte, error) {
	changes = slices.Clone(changes)
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(a.Start-b.Start, a.End-b.End, cmp.Compare(a.Text, b.Text))
	})
	changes = slices.Compact(changes)

	size := len(src)
	end := -1
	for _, c := range changes {
		if c.Start < 0 || c.End < c.Start || c.End > len(src) {
			return nil, fmt.Errorf("span %d:%d lies outside of %d bytes", c.Start, c.End, len(src))
		}
		// Two insertions at one offset have no order, so they count as overlapping.
		if c.Start < end || c.Start == end && c.Len() == 0 {
			return nil, fmt.Errorf("at byte %d: %w", c.Start, ErrOverlap)
		}
		end = c.End
		size += len(c.Text) - c.Len()
	}

	out := make([]byte, 0, size)
	done := 0
	for _, c := range changes {
		out = append(out, src[done:c.Start]...)
		out = append(out, c.Text...)
		done = c.End
	}
	return append(out, src[done:]...), nil
}

// Position is a place in a file as people and editors count it: both numbers
// start at 1, and Column counts characters (Unicode code points), not bytes.
type Position struct{ Line, Column int }

func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// PositionAt returns the position of a byte offset of src. Lines end with LF;
// a byte order mark at the start of the file has no width.
func PositionAt(src []byte, offset int) Position {
	offset = min(max(offset, 0), len(src))
	line := 1 + bytes.Count(src[:offset], []byte{'\n'})
	start := 1 + bytes.LastIndexByte(src[:offset], '\n')
	text := src[start:offset]
	if start == 0 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	return Position{Line: line, Column: 1 + utf8.RuneCount(text)}
}

// SyntaxError is a file, or one document of it, that cannot be read.
type SyntaxError struct {
	Offset  int    // byte offset in the file, as near to the fault as is known
	Message string // what is wrong, without a position
}

func (e *SyntaxError) Error() string { return e.Message }
