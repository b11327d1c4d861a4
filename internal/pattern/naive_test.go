package pattern

import (
	"strings"
	"unicode/utf8"
)

// naiveMatch says what a pattern without placeholders means, in the plainest
// words and with no regard to speed.
func naiveMatch(pattern, path string) bool {
	names := strings.Split(path, "/")
	for n := range names {
		if naiveNames(strings.Split(pattern, "/"), names[:n+1]) {
			return true
		}
	}
	return false
}

func naiveNames(segments, names []string) bool {
	switch {
	case len(segments) == 0:
		return len(names) == 0
	case segments[0] == "**":
		return naiveNames(segments[1:], names) || len(names) > 0 && naiveNames(segments, names[1:])
	}
	return len(names) > 0 && naiveName(segments[0], names[0]) && naiveNames(segments[1:], names[1:])
}

func naiveName(segment, name string) bool {
	if segment == "" {
		return name == ""
	}
	if segment[0] == '*' {
		if naiveName(segment[1:], name) {
			return true
		}
		_, size := utf8.DecodeRuneInString(name)
		return name != "" && naiveName(segment, name[size:])
	}
	if name == "" {
		return false
	}
	r, size := utf8.DecodeRuneInString(name)
	switch segment[0] {
	case '?':
		return naiveName(segment[1:], name[size:])
	case '[':
		end := 2 + strings.IndexByte(segment[2:], ']')
		if segment[1] == '!' {
			end = 3 + strings.IndexByte(segment[3:], ']')
		}
		return naiveClass(segment[1:end], r, size) && naiveName(segment[end+1:], name[size:])
	}
	return segment[0] == name[0] && naiveName(segment[1:], name[1:])
}

func naiveClass(class string, r rune, size int) bool {
	set := []rune(strings.TrimPrefix(class, "!"))
	in := false
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			in = in || r >= set[i] && r <= set[i+2]
			i += 2
		} else {
			in = in || r == set[i]
		}
	}
	if r == utf8.RuneError && size == 1 {
		in = false
	}
	return in != strings.HasPrefix(class, "!")
}

// naiveCaptures tries every pair of values that the path could hold.
func naiveCaptures(p *Pattern, path string, accept func(name, value string) bool) []Capture {
	values := func(name string, has bool) []string {
		if !has {
			return []string{""}
		}
		var all []string
		for i := range path {
			for j := i + 1; j <= len(path); j++ {
				if v := path[i:j]; isValue(v) && accept(name, v) {
					all = append(all, v)
				}
			}
		}
		return all
	}
	var found []Capture
	for _, app := range values(App, p.Has(App)) {
		for _, env := range values(Env, p.Has(Env)) {
			text := strings.NewReplacer("{app}", app, "{env}", env).Replace(p.String())
			if naiveMatch(text, path) {
				found = append(found, Capture{App: app, Env: env})
			}
		}
	}
	return found
}
