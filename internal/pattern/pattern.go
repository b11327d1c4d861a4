// Package pattern owns the paths of a configuration: globs with the
// placeholders {app} and {env}, what they match, what a path says about the
// placeholders, and which of many globs a file falls under.
//
// A pattern is a path from the top of the repository, with slashes:
//
//	apps/{app}/overlays/{env}/**
//
// Within a segment * matches any characters, ? one of them, and [abc], [a-z]
// and [!abc] one of a set; a segment ** matches any number of folders, also
// none. Names that start with a dot are no exception. {app} and {env} stand
// for one or more of a-z, 0-9, ".", "_" and "-", and for the same text wherever
// they are repeated. Nothing is an escape: [*] is a star. There are no
// alternatives: every other brace is a fault.
//
// A pattern that matches a folder matches all files in it. The package reads no
// file and knows neither which apps and environments there are nor which of two
// patterns wins.
package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The names of the placeholders.
const (
	App = "app"
	Env = "env"
)

// Pattern is a path with placeholders, made by [Parse].
type Pattern struct {
	text     string
	segments []segment
	app, env bool
	stars    int // how many * and ** matter
}

// SyntaxError is a text that is no pattern.
type SyntaxError struct {
	Offset  int    // in bytes, into the text
	Message string // what is wrong, without a position
	Hint    string // what to write instead
}

func (e *SyntaxError) Error() string { return e.Message }

// maxText is the length of a pattern in bytes. What Linux takes for a path is
// four times as long; the limit bounds the work of matching.
const maxText = 1024

// Parse reads a pattern. A leading "./" and one trailing slash are dropped. The
// error is a [*SyntaxError].
func Parse(text string) (*Pattern, error) {
	if flaw := scanText(text); flaw != nil {
		return nil, flaw
	}
	path := strings.TrimPrefix(text, "./")
	at := len(text) - len(path)
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return nil, &SyntaxError{0, "pattern is empty", "name a file or a folder, or write ** for all files"}
	}
	p := &Pattern{text: path}
	for text := range strings.SplitSeq(path, "/") {
		s, flaw := parseSegment(text, at)
		if flaw != nil {
			return nil, flaw
		}
		p.segments = append(p.segments, s)
		at += len(text) + 1
	}
	p.segments = collapse(p.segments)
	for _, s := range p.segments {
		if s.deep {
			p.stars++
		}
		for _, a := range s.atoms {
			switch {
			case a.kind == star:
				p.stars++
			case a.kind == hole && a.text == App:
				p.app = true
			case a.kind == hole:
				p.env = true
			}
		}
	}
	return p, nil
}

// scanText finds what is wrong with a text wherever it stands.
func scanText(text string) *SyntaxError {
	if len(text) > maxText {
		return &SyntaxError{maxText, "pattern is longer than 1024 bytes", "write a * for a part of it"}
	}
	if strings.HasPrefix(text, "/") {
		return &SyntaxError{0, "pattern is an absolute path", "paths start at the top of the repository: leave out the slash at the start"}
	}
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &SyntaxError{i, "pattern is not UTF-8", "write a ? for each such character"}
		case unicode.IsControl(r):
			return &SyntaxError{i, "control character in a pattern", "leave it out, or write a ? for it"}
		case r == '\\':
			return &SyntaxError{i, "backslash in a pattern", `write / between folders, and [*] for a star that is part of a name`}
		}
	}
	return nil
}

// collapse leaves out each ** that changes nothing: one that follows another,
// and one at the end, since a folder matches with all that it holds.
func collapse(segments []segment) []segment {
	kept := segments[:0]
	for _, s := range segments {
		if n := len(kept); s.deep && n > 0 && kept[n-1].deep {
			continue
		}
		kept = append(kept, s)
	}
	if n := len(kept); kept[n-1].deep {
		kept = kept[:n-1]
	}
	return kept
}

// String returns the pattern as it was written, without the "./" and the slash
// that [Parse] drops.
func (p *Pattern) String() string { return p.text }

// Has reports whether the placeholder of that name, [App] or [Env], stands in
// the pattern.
func (p *Pattern) Has(name string) bool {
	return name == App && p.app || name == Env && p.env
}

// Expand puts values, by the names of the placeholders, in their place. They
// stand for themselves: the dot of an app named "a.b" is a dot. Values of other
// names are not looked at. If a placeholder of the pattern has no value, or one
// that it cannot match, the glob matches nothing and keeps the text of the
// pattern.
func (p *Pattern) Expand(values map[string]string) Glob {
	if !p.app && !p.env {
		return Glob{text: p.text, segments: p.segments, valid: true}
	}
	app, env := values[App], values[Env]
	if p.app && !isValue(app) || p.env && !isValue(env) {
		return Glob{text: p.text}
	}
	g := Glob{
		text:     strings.ReplaceAll(strings.ReplaceAll(p.text, "{"+App+"}", app), "{"+Env+"}", env),
		segments: make([]segment, len(p.segments)),
		valid:    true,
	}
	for i, s := range p.segments {
		g.segments[i] = s.expand(app, env)
	}
	return g
}

// isValue reports whether a placeholder can match s.
func isValue(s string) bool {
	for i := range len(s) {
		if !isValueByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isValueByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}
