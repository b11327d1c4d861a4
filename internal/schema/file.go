package schema

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
)

// Fault is one thing that is wrong with a document.
type Fault struct {
	Offset  int    // in the file, of what is wrong
	Message string // one line, without a full stop
	Hint    string // what to write instead; may be empty

	// Scalar is the one within which the fault is, nil if it is no part of one;
	// Within is the byte of its value. They say more exactly what Offset says.
	Scalar *edit.Node
	Within int

	first *edit.Node // what this repeats, nil for nothing
}

// File is a file in which faults are found.
type File struct {
	Path string
	Src  []byte
	Doc  edit.Document // may be nil, if the file cannot be read
}

// Fault returns one fault at an offset of the file, with its position and the
// text of its line.
func (f *File) Fault(offset int, hint, format string, args ...any) *fault.Error {
	c := cursor{src: f.Src}
	return c.fault(f.Path, Fault{Offset: offset, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// Error joins faults, as [fault.Error] each, in the order of the file. What is
// said twice of one place, because aliases lead there, is said once. It
// returns nil for no faults.
func (f *File) Error(faults []Fault) error {
	faults = slices.Clone(faults)
	for i := range faults {
		f.locate(&faults[i])
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Offset, b.Offset) })
	type saying struct {
		offset  int
		message string
	}
	said := map[saying]bool{}
	c := cursor{src: f.Src}
	var errs []error
	for _, one := range faults {
		if key := (saying{one.Offset, one.Message}); !said[key] {
			said[key] = true
			errs = append(errs, c.fault(f.Path, one))
		}
	}
	return errors.Join(errs...)
}

// locate makes the offset of a fault as exact as it can be.
func (f *File) locate(one *Fault) {
	if one.Scalar != nil && f.Doc != nil {
		if text, err := f.Doc.Text(one.Scalar); err == nil {
			if offset, ok := text.Offset(one.Within); ok {
				one.Offset = offset
			}
		}
	}
	if one.first != nil {
		one.Hint = f.First(one.first.Start, one.Offset)
	}
}

// First says where the first of two things stands, for the hint to the second.
func (f *File) First(first, second int) string {
	line := f.Line(first)
	if line == f.Line(second) {
		return "the first is on the same line"
	}
	return fmt.Sprintf("the first is on line %d", line)
}

// Line returns the line of an offset, from 1.
func (f *File) Line(offset int) int { return edit.PositionAt(f.Src, offset).Line }

// Offset returns where the value stands to which steps lead from the root of
// the document: keys (string) and indices (int). Where they lead nowhere, it
// is where the last value on the way stands.
func (f *File) Offset(steps ...any) int {
	if f.Doc == nil || f.Doc.Root() == nil {
		return 0
	}
	n := f.Doc.Root()
	for _, step := range steps {
		next := child(n.Resolve(), step)
		if next == nil {
			break
		}
		n = next
	}
	return n.Start
}

// Has reports whether there is a value to which steps lead; see [File.Offset].
func (f *File) Has(steps ...any) bool {
	if f.Doc == nil {
		return false
	}
	n := f.Doc.Root()
	for _, step := range steps {
		if n = child(n.Resolve(), step); n == nil {
			return false
		}
	}
	return n != nil
}

func child(n *edit.Node, step any) *edit.Node {
	switch step := step.(type) {
	case int:
		if items := n.Items(); step < len(items) {
			return items[step]
		}
	case string:
		for p := range pairs(n, nil) {
			if p.key.Kind == edit.Scalar && p.key.Value == step {
				return p.value
			}
		}
	}
	return nil
}

// cursor turns ascending offsets into positions, in one pass over the file
// even where all of them are on one long line.
type cursor struct {
	src     []byte
	at      int // the offset that line and column are of
	line    int // from 0
	column  int // from 0
	start   int // of the line
	excerpt *string
}

func (c *cursor) fault(path string, f Fault) *fault.Error {
	offset := min(max(f.Offset, c.at), len(c.src))
	passed := c.src[c.at:offset]
	if n := bytes.Count(passed, []byte{'\n'}); n > 0 {
		c.line += n
		c.start = c.at + 1 + bytes.LastIndexByte(passed, '\n')
		c.at, c.column, c.excerpt = c.start, 0, nil
	}
	text := c.src[c.at:offset]
	if c.at == 0 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	c.column += utf8.RuneCount(text)
	c.at = offset
	if c.excerpt == nil {
		line, _, _ := bytes.Cut(c.src[c.start:], []byte{'\n'})
		text := strings.TrimSuffix(string(line), "\r")
		if c.start == 0 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		c.excerpt = &text
	}
	return &fault.Error{
		Code: fault.Config, Path: path, Line: c.line + 1, Column: c.column + 1,
		Excerpt: *c.excerpt, Message: f.Message, Hint: f.Hint,
	}
}
