package bump

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/edit"
)

// positions finds the line and column of offsets in one file. It remembers a
// place every few thousand bytes, so that asking ten thousand times costs
// little even where a file is a single line.
type positions struct {
	src   []byte
	marks []mark
}

type mark struct {
	offset    int
	lineStart int
	position  edit.Position // of offset, as [edit.PositionAt] has it
}

const markDistance = 4096

func (p *positions) at(offset int) edit.Position {
	m := p.mark(offset)
	return advance(p.src, m, offset).position
}

// lineStart returns the offset at which the line of an offset starts.
func (p *positions) lineStart(offset int) int {
	m := p.mark(offset)
	return advance(p.src, m, offset).lineStart
}

// mark returns the last mark at or before an offset.
func (p *positions) mark(offset int) mark {
	if p.marks == nil {
		p.marks = []mark{{position: edit.Position{Line: 1, Column: 1}}}
	}
	for last := p.marks[len(p.marks)-1]; last.offset+markDistance < min(offset+1, len(p.src)); last = p.marks[len(p.marks)-1] {
		next := last.offset + markDistance
		// A mark must not cut a character into bytes that each count as one.
		for i := range utf8.UTFMax {
			if utf8.RuneStart(p.src[next-i]) {
				next -= i
				break
			}
		}
		p.marks = append(p.marks, advance(p.src, last, next))
	}
	next := sort.Search(len(p.marks), func(i int) bool { return p.marks[i].offset > offset })
	return p.marks[next-1]
}

// advance moves a mark forward to an offset.
func advance(src []byte, m mark, offset int) mark {
	text := src[m.offset:offset]
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		m.position.Line += bytes.Count(text, []byte{'\n'})
		m.position.Column = 1
		m.lineStart = m.offset + i + 1
		text = text[i+1:]
	}
	if m.offset == 0 && m.lineStart == 0 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	m.position.Column += utf8.RuneCount(text)
	m.offset = offset
	return m
}
