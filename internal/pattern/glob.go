package pattern

import (
	"strings"
	"unicode/utf8"
)

// Glob is a pattern whose placeholders have values, made by [Pattern.Expand].
// The zero value matches nothing.
type Glob struct {
	text     string
	segments []segment
	valid    bool
}

// String returns the glob as a pattern without placeholders. Globs with the
// same text match the same paths.
func (g Glob) String() string { return g.text }

// Match reports whether the glob matches a file, or a folder that holds it. The
// path is slash-separated and clean, without a slash at either end. The work is
// at most the length of the glob times that of the path.
func (g Glob) Match(path string) bool {
	if !g.valid || path == "" {
		return false
	}
	// After a mismatch, only the last ** has to take in one more folder: whatever
	// an earlier one could take in, the last one can.
	i, at := 0, 0
	deep, from := -1, 0
	for i < len(g.segments) {
		s := g.segments[i]
		if s.deep {
			i++
			deep, from = i, at
			continue
		}
		if at > len(path) {
			return false
		}
		if end := nameEnd(path, at); s.match(path[at:end]) {
			i++
			at = end + 1
			continue
		}
		if deep < 0 {
			return false
		}
		from = nameEnd(path, from) + 1
		i, at = deep, from
	}
	return true
}

// nameEnd returns the end of the name that starts at an offset of a path. The
// next name starts one behind it, where that is not beyond the path.
func nameEnd(path string, at int) int {
	if n := strings.IndexByte(path[at:], '/'); n >= 0 {
		return at + n
	}
	return len(path)
}

// match reports whether a name matches a segment that has no placeholder and is
// not **.
func (s segment) match(name string) bool {
	if s.atoms == nil {
		return s.text == name
	}
	// As in Match, only the last star has to take in more.
	i, at := 0, 0
	after, from := -1, 0
	for i < len(s.atoms) || at < len(name) {
		if i < len(s.atoms) {
			if s.atoms[i].kind == star {
				i++
				if i == len(s.atoms) {
					return true
				}
				after, from = i, at
				continue
			}
			if n, ok := s.atoms[i].match(name[at:]); ok {
				i++
				at += n
				continue
			}
		}
		if after < 0 || from >= len(name) {
			return false
		}
		_, size := utf8.DecodeRuneInString(name[from:])
		from += size
		i, at = after, from
	}
	return true
}

// match reports whether text starts with what the atom stands for, and how long
// that is. It is not asked about stars and placeholders.
func (a atom) match(text string) (n int, ok bool) {
	if a.kind == literal {
		return len(a.text), strings.HasPrefix(text, a.text)
	}
	if text == "" {
		return 0, false
	}
	r, size := utf8.DecodeRuneInString(text)
	return size, a.kind == one || a.set.has(r, size)
}
