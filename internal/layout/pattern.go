package layout

import (
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/image"
)

// owner is whose versions a folder holds; mixed if more than one's.
type owner struct {
	unit  *unit
	env   string
	mixed bool
}

// owners finds out whose versions stand in which folder.
func owners(units []*unit) map[string]owner {
	of := map[string]owner{}
	for _, u := range units {
		for _, h := range u.homes {
			for env := range h.envs {
				for dir, _ := split(h.path(env)); ; dir, _ = split(dir) {
					o, ok := of[dir]
					switch {
					case !ok:
						of[dir] = owner{unit: u, env: env}
					case o.unit != u || o.env != env:
						of[dir] = owner{mixed: true}
					}
					if dir == "" {
						break
					}
				}
			}
		}
	}
	return of
}

// patterns returns the patterns of the files that hold versions of an app's own
// images, sorted.
func (u *unit) patterns(own []image.Repository) []string {
	var out []string
	for _, h := range u.homes {
		if h.holds(own) {
			out = append(out, h.pattern)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	all := slices.Clone(out)
	// What matches a folder matches all that is in it.
	return slices.DeleteFunc(out, func(p string) bool {
		return slices.ContainsFunc(all, func(other string) bool {
			return strings.HasPrefix(p, strings.TrimSuffix(other, "/**")+"/") && p != other
		})
	})
}

// lay gives every home its pattern, and drops those that would claim what
// belongs to another app or environment. It returns how many it dropped.
func (g *ground) lay(units []*unit, envs []string) (dropped int) {
	for {
		of := owners(units)
		for _, u := range units {
			for i, h := range u.homes {
				u.homes[i].pattern = u.patternOf(h, of, envs)
			}
		}
		losers := g.clashes(units, envs)
		if len(losers) == 0 {
			return dropped
		}
		for _, u := range units {
			u.homes = slices.DeleteFunc(u.homes, func(h home) bool { return losers[h.form] })
		}
		dropped += len(losers)
	}
}

// claim is a pattern of a home in an environment.
type claim struct {
	unit *unit
	env  string
	form *form
}

// clashes returns forms without which no file has two claims: of two, the one
// that is in fewer environments.
func (g *ground) clashes(units []*unit, envs []string) map[*form]bool {
	at := map[string][]claim{}
	for _, u := range units {
		for _, h := range u.homes {
			for _, env := range envs {
				path := strings.NewReplacer(envMark, env, appMark, u.name).Replace(strings.TrimSuffix(h.pattern, "/**"))
				at[path] = append(at[path], claim{u, env, h.form})
			}
		}
	}
	losers := map[*form]bool{}
	// Two apps must not claim one path even if there is no such file yet.
	for _, path := range slices.Sorted(maps.Keys(at)) {
		contest(at[path], losers)
	}
	var all []claim
	for _, file := range g.files {
		all = all[:0]
		for i := 1; i <= len(file); i++ {
			if i == len(file) || file[i] == '/' {
				all = append(all, at[file[:i]]...)
			}
		}
		contest(all, losers)
	}
	return losers
}

// contest finds the losers among claims to one path.
func contest(claims []claim, losers map[*form]bool) {
	var first claim
	for _, c := range claims {
		switch {
		case losers[c.form]:
		case first.unit == nil:
			first = c
		case first.unit == c.unit && first.env == c.env:
		case len(c.form.envs) > len(first.form.envs):
			losers[first.form] = true
			first = c
		default:
			losers[c.form] = true
		}
	}
}

// patternOf returns the pattern of a home: a folder where it holds nothing of
// another app or environment, so that a file that comes later belongs to the
// app too, and the file itself elsewhere.
func (u *unit) patternOf(h home, of map[string]owner, envs []string) string {
	segments := u.withApp(h)
	depth := h.depth()
	if depth == len(segments) {
		return strings.Join(segments, "/")
	}
	for _, env := range envs {
		dir := strings.ReplaceAll(strings.Join(h.segments[:depth], "/"), envMark, env)
		if o, ok := of[dir]; ok && (o.mixed || o.unit != u || h.at >= 0 && o.env != env) {
			return strings.Join(segments, "/")
		}
	}
	return strings.Join(segments[:depth], "/") + "/**"
}

// withApp returns the segments of a form with {app} in the place of the app's
// name, wherever that stands for it.
func (u *unit) withApp(h home) []string {
	segments := slices.Clone(h.segments)
	if h.place == noPlace || h.raw != u.name {
		return segments
	}
	own := h.place
	if own == fileName {
		own = last(h.form)
	}
	start, end := 0, len(h.raw)
	if segments[own] != h.raw {
		start, end = nameIn(segments[own], h.place == fileName)
	}
	segments[own] = segments[own][:start] + appMark + segments[own][end:]
	for i, s := range segments {
		switch {
		case i == own:
		case s == u.name:
			segments[i] = appMark
		case i == last(h.form):
			segments[i] = swap(s, u.name, appMark)
		}
	}
	return segments
}

// captures returns the apps that a pattern with {app} and {env} finds in files.
func captures(pattern string, files, envs []string) map[string]bool {
	found := map[string]bool{}
	pattern, isFolder := strings.CutSuffix(pattern, "/*")
	for _, env := range envs {
		segments := strings.Split(strings.TrimSuffix(strings.ReplaceAll(pattern, envMark, env), "/**"), "/")
		lead, _, _ := strings.Cut(strings.Join(segments, "/"), appMark)
		from, _ := slices.BinarySearch(files, lead)
		for _, file := range files[from:] {
			if !strings.HasPrefix(file, lead) {
				break
			}
			if app, rest, ok := capture(segments, file); ok && (rest != "" || !isFolder) {
				found[app] = true
			}
		}
	}
	return found
}

// capture returns what {app} stands for in a file, or in a folder above it, and
// the path from there.
func capture(segments []string, file string) (app, rest string, ok bool) {
	for _, s := range segments {
		var name string
		name, file, _ = strings.Cut(file, "/")
		before, after, has := strings.Cut(s, appMark)
		if !has {
			if name != s {
				return "", "", false
			}
			continue
		}
		if app == "" {
			// A second {app} in the same segment stands for the same.
			if i := strings.Index(after, appMark); i >= 0 {
				rest := strings.ReplaceAll(after, appMark, "")
				size := (len(name) - len(before) - len(rest)) / (1 + strings.Count(after, appMark))
				if size <= 0 || len(before)+size > len(name) {
					return "", "", false
				}
				app = name[len(before) : len(before)+size]
			} else if len(name) > len(before)+len(after) {
				app = name[len(before) : len(name)-len(after)]
			}
		}
		if app == "" || name != strings.ReplaceAll(s, appMark, app) || !isName(app) {
			return "", "", false
		}
	}
	return app, file, app != ""
}
