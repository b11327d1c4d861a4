package pattern

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// segment is what a pattern says about one name of a path.
type segment struct {
	text  string // as it is written; without atoms, the name itself
	deep  bool   // it is **
	atoms []atom // nil for **, and for a segment that only one name matches
}

type kind uint8

const (
	literal kind = iota
	star
	one
	set
	hole // a placeholder
)

// atom is one part of a segment that is no plain name.
type atom struct {
	kind kind
	text string // as it is written; of a placeholder, its name
	set  class
	rare bool // it holds the name of an app, which few globs share
}

// class is a set of characters.
type class struct {
	negated bool
	ranges  []interval
}

type interval struct{ first, last rune }

func (c class) has(r rune, size int) bool {
	// A byte that is no UTF-8 is a character, but none that a range can name.
	if r == utf8.RuneError && size == 1 {
		return c.negated
	}
	for _, in := range c.ranges {
		if r >= in.first && r <= in.last {
			return !c.negated
		}
	}
	return c.negated
}

// parseSegment reads the segment that stands at an offset of the pattern.
func parseSegment(text string, offset int) (segment, *SyntaxError) {
	fail := func(at int, hint, format string, args ...any) (segment, *SyntaxError) {
		return segment{}, &SyntaxError{Offset: offset + at, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	switch text {
	case "":
		return fail(0, "write one slash between folders", "two slashes in a row")
	case ".":
		return fail(0, "leave it out; ** means all files", `"." in a pattern`)
	case "..":
		return fail(0, "paths start at the top of the repository and stay in it", `".." in a pattern`)
	case "**":
		return segment{text: text, deep: true}, nil
	}
	s := segment{text: text}
	for i := 0; i < len(text); {
		var a atom
		var n int
		var flaw *SyntaxError
		switch text[i] {
		case '*':
			a, n = atom{kind: star, text: "*"}, 1
			if strings.HasPrefix(text[i:], "**") {
				return fail(i, "write * within a name, and /**/ for folders", "** stands alone between slashes")
			}
		case '?':
			a, n = atom{kind: one, text: "?"}, 1
		case '[':
			a, n, flaw = parseClass(text[i:])
		case '{', '}':
			a, n, flaw = parseBrace(text[i:])
		default:
			n = strings.IndexAny(text[i:], "*?[{}")
			if n < 0 {
				n = len(text) - i
			}
			a = atom{kind: literal, text: text[i : i+n]}
			// Shells and CI systems write ${env}.
			if strings.HasSuffix(a.text, "$") && strings.HasPrefix(text[i+n:], "{") {
				return fail(i+n-1, "write {app} and {env} without a $", "$ before a brace")
			}
		}
		if flaw != nil {
			return fail(i+flaw.Offset, flaw.Hint, "%s", flaw.Message)
		}
		s.atoms = append(s.atoms, a)
		i += n
	}
	return s.settle(), nil
}

// parseClass reads the class that text starts with and returns its length.
func parseClass(text string) (a atom, n int, flaw *SyntaxError) {
	fail := func(at int, message, hint string) (atom, int, *SyntaxError) {
		return atom{}, 0, &SyntaxError{at, message, hint}
	}
	a.kind = set
	i := 1
	if strings.HasPrefix(text[i:], "!") {
		a.set.negated = true
		i++
	} else if strings.HasPrefix(text[i:], "^") {
		return fail(i, "^ at the start of a class", "write [!…] for all characters but these")
	}
	for first := i; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == ']' && i > first {
			a.text = text[:i+1]
			return a, i + 1, nil
		}
		if r == '{' || r == '}' {
			return fail(i, "brace in a class", "write ? for a brace that is part of a name; {app} and {env} stand outside of classes")
		}
		in := interval{r, r}
		at := i
		i += size
		if rest := text[i:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			in.last, size = utf8.DecodeRuneInString(rest[1:])
			i += 1 + size
			switch {
			case in.last == '{' || in.last == '}':
				return fail(i-size, "brace in a class", "end the range with a letter or a digit")
			case in.last < in.first:
				return fail(at, fmt.Sprintf("the range %s in a class is empty", text[at:i]), "write the smaller character first, as in [a-z]")
			}
		}
		a.set.ranges = append(a.set.ranges, in)
	}
	return fail(0, "[ without a ] before the next slash", "write [abc], [a-z] or [!abc], and [[] for a bracket that is part of a name")
}

// bracesHint says what may stand in braces.
const bracesHint = "braces stand only in {app} and {env}; write ? for a brace that is part of a name"

// parseBrace reads the placeholder that text starts with and returns its length.
func parseBrace(text string) (a atom, n int, flaw *SyntaxError) {
	for _, name := range []string{App, Env} {
		if n := len(name) + 2; strings.HasPrefix(text, "{"+name+"}") {
			return atom{kind: hole, text: name}, n, nil
		}
	}
	if text[0] == '}' {
		return atom{}, 0, &SyntaxError{0, "} without a {", bracesHint}
	}
	end := strings.IndexByte(text, '}')
	if end < 0 {
		return atom{}, 0, &SyntaxError{0, "{ without a } before the next slash", nearest(text)}
	}
	whole := text[:end+1]
	for strings.HasPrefix(text[len(whole):], "}") {
		whole += "}"
	}
	if strings.Contains(whole, ",") || strings.Contains(whole, "..") {
		return atom{}, 0, &SyntaxError{0, whole + " is no placeholder, and a pattern has no alternatives", "write one pattern for each"}
	}
	return atom{}, 0, &SyntaxError{0, whole + " is no placeholder", nearest(whole)}
}

// nearest returns the hint for a brace that is no placeholder.
func nearest(brace string) string {
	name := strings.ToLower(strings.Trim(brace, "{}.$ "))
	for _, known := range []struct {
		placeholder string
		words       []string
	}{
		{App, []string{"app", "service", "svc", "name", "component", "release", "project"}},
		{Env, []string{"env", "stage", "cluster", "tier"}},
	} {
		for _, word := range known.words {
			if strings.HasPrefix(name, word) || strings.HasSuffix(name, word) {
				return "write {" + known.placeholder + "}"
			}
		}
	}
	return bracesHint
}

// settle returns the segment as a plain name if only one name matches it.
func (s segment) settle() segment {
	if len(s.atoms) == 1 && s.atoms[0].kind == literal {
		return segment{text: s.atoms[0].text}
	}
	return s
}

// expand returns the segment with values for its placeholders.
func (s segment) expand(app, env string) segment {
	if !slices.ContainsFunc(s.atoms, func(a atom) bool { return a.kind == hole }) {
		return s
	}
	atoms := make([]atom, 0, len(s.atoms))
	text := ""
	for _, a := range s.atoms {
		if a.kind == hole {
			if a.text == App {
				a = atom{kind: literal, text: app, rare: true}
			} else {
				a = atom{kind: literal, text: env}
			}
		}
		text += a.text
		if n := len(atoms); a.kind == literal && n > 0 && atoms[n-1].kind == literal {
			atoms[n-1].text += a.text
			atoms[n-1].rare = atoms[n-1].rare || a.rare
			continue
		}
		atoms = append(atoms, a)
	}
	return segment{text: text, atoms: atoms}.settle()
}
