package pattern

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Capture is what a path says about the placeholders of a pattern. The field of
// a placeholder that the pattern does not have is empty.
type Capture struct{ App, Env string }

// maxSteps bounds the search for captures in one path. A path of ten folders
// takes some hundred steps; only a name of a hundred dashes and a pattern with
// several stars in one segment come near the limit.
const maxSteps = 1 << 16

// Captures returns every way in which a path, or a folder that holds it,
// matches the pattern with values that accept allows, each once, by App and
// then by Env: "{app}-{env}.yaml" finds two ways in web-eu-prod.yaml, unless
// accept knows better. accept is asked with [App] or [Env] and a value; nil
// allows all. A pattern without placeholders has one way, with empty values.
//
// The work is bounded; a path that would take much more than any layout needs
// gives no captures.
func (p *Pattern) Captures(path string, accept func(name, value string) bool) []Capture {
	if path == "" {
		return nil
	}
	s := search{pattern: p, path: path, accept: accept}
	s.names(0, 0)
	if s.steps > maxSteps {
		return nil
	}
	slices.SortFunc(s.found, func(a, b Capture) int {
		return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(a.Env, b.Env))
	})
	return slices.Compact(s.found)
}

// search looks for captures in one path.
type search struct {
	pattern *Pattern
	path    string
	accept  func(name, value string) bool

	bound Capture // the values of the placeholders met so far
	found []Capture
	steps int
	seen  map[state]bool
}

// state is a point of the search: what is found from there on depends on
// nothing else.
type state struct {
	segment, atom, at int
	bound             Capture
}

// enter counts a step, and reports whether to take it: not where an equal one
// was taken before, nor when there were too many.
func (s *search) enter(segment, atom, at int) bool {
	s.steps++
	if s.steps > maxSteps {
		return false
	}
	// Only where stars share out the path between them, two ways lead to one
	// state.
	if s.pattern.stars < 2 {
		return true
	}
	if s.seen == nil {
		s.seen = map[state]bool{}
	}
	here := state{segment, atom, at, s.bound}
	if s.seen[here] {
		return false
	}
	s.seen[here] = true
	return true
}

// names matches the segments from i on with the names of the path from an
// offset on, which is beyond the path if no name is left.
func (s *search) names(i, at int) {
	segments := s.pattern.segments
	if i == len(segments) {
		s.found = append(s.found, s.bound)
		return
	}
	if at > len(s.path) || !s.enter(i, -1, at) {
		return
	}
	if !segments[i].deep {
		s.name(i, at)
		return
	}
	for ; at <= len(s.path); at = nameEnd(s.path, at) + 1 {
		s.names(i+1, at)
	}
}

// name matches segment i with the name at an offset of the path.
func (s *search) name(i, at int) {
	segment := s.pattern.segments[i]
	end := nameEnd(s.path, at)
	if segment.atoms != nil {
		s.parts(part{segment: i, at: at, end: end})
	} else if segment.text == s.path[at:end] {
		s.names(i+1, end+1)
	}
}

// part is what is left of a segment, from one of its atoms on, and of the name
// that it is matched with.
type part struct{ segment, atom, at, end int }

func (s *search) parts(p part) {
	atoms := s.pattern.segments[p.segment].atoms
	if p.atom == len(atoms) {
		if p.at == p.end {
			s.names(p.segment+1, p.end+1)
		}
		return
	}
	if !s.enter(p.segment, p.atom, p.at) {
		return
	}
	a := atoms[p.atom]
	rest := s.path[p.at:p.end]
	next := p
	next.atom++
	switch a.kind {
	case star:
		for {
			s.parts(next)
			if next.at == p.end {
				return
			}
			_, size := utf8.DecodeRuneInString(s.path[next.at:p.end])
			next.at += size
		}
	case hole:
		s.hole(a.text, next)
	default:
		if n, ok := a.match(rest); ok {
			next.at += n
			s.parts(next)
		}
	}
}

// hole gives a placeholder each value that it can have before the part that
// follows it.
func (s *search) hole(name string, next part) {
	value := &s.bound.App
	if name == Env {
		value = &s.bound.Env
	}
	rest := s.path[next.at:next.end]
	if *value != "" {
		if strings.HasPrefix(rest, *value) {
			next.at += len(*value)
			s.parts(next)
		}
		return
	}
	atoms := s.pattern.segments[next.segment].atoms
	for n := 1; n <= len(rest) && isValueByte(rest[n-1]); n++ {
		// What follows is looked at first: it costs less than to ask.
		if next.atom == len(atoms) && n < len(rest) {
			continue
		}
		if next.atom < len(atoms) && atoms[next.atom].kind == literal && !strings.HasPrefix(rest[n:], atoms[next.atom].text) {
			continue
		}
		if s.accept != nil && !s.accept(name, rest[:n]) {
			continue
		}
		*value = rest[:n]
		then := next
		then.at += n
		s.parts(then)
	}
	*value = ""
}
