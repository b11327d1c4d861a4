package layout

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// unit is an app with its forms.
type unit struct {
	name  string
	homes []home
}

// home is a form of an app, with where the app's name stands in it.
type home struct {
	*form
	family string // forms of one family differ in the names of apps, teams and the like
	place  int    // the segment with the app's name, fileName or noPlace
	raw    string // the name as it is written there

	pattern string // of its files
}

// apps sorts the forms of a view into apps: by name.
func (g *ground) apps(v *view) []*unit {
	families := map[string][]*form{}
	for _, f := range v.forms {
		key := f.family()
		families[key] = append(families[key], f)
	}
	var units []*unit
	var nameless []home
	for _, key := range slices.Sorted(maps.Keys(families)) {
		byRoot := map[string]*unit{}
		places := rank(families[key])
		for _, f := range families[key] {
			h := home{form: f, family: key, place: noPlace}
			for _, p := range places {
				if raw := f.nameAt(p); raw != "" {
					h.place, h.raw = p, raw
					break
				}
			}
			// An app may be called like an environment where others have their names.
			if len(places) > 0 && f.isStageAt(places[0]) {
				h.place, h.raw = places[0], f.segments[places[0]]
			}
			if h.place == noPlace {
				nameless = append(nameless, h)
				continue
			}
			root := h.root()
			if byRoot[root] == nil {
				byRoot[root] = &unit{name: clean(h.raw)}
				units = append(units, byRoot[root])
			}
			byRoot[root].homes = append(byRoot[root].homes, h)
		}
	}
	byRoot := map[string]*unit{}
	for _, h := range nameless {
		root := h.root()
		if byRoot[root] == nil {
			byRoot[root] = &unit{}
			units = append(units, byRoot[root])
		}
		byRoot[root].homes = append(byRoot[root].homes, h)
	}
	g.settleSpaces(units)
	for _, u := range units {
		if u.name == "" {
			own, foreign := g.own(u)
			if len(own) == 0 {
				own = foreign
			}
			u.name = nameOf(own)
		}
	}
	units = merge(units)
	for _, u := range units {
		g.fillImages(u)
	}
	return slices.DeleteFunc(units, func(u *unit) bool { return len(u.homes) == 0 })
}

// fillImages looks for the images of tags that are still without: in the other
// files of the app, of which one may name it, and in the chart with the app's
// name.
func (g *ground) fillImages(u *unit) {
	among := map[string][]image.Repository{}
	for _, h := range u.homes {
		for _, t := range h.tags {
			if _, ok := among[t.keys]; !ok {
				among[t.keys] = g.imagesAmong(u, t.keys)
			}
		}
	}
	for _, h := range u.homes {
		for i := range h.tags {
			t := &h.tags[i]
			if t.image == "" {
				if named := among[t.keys]; len(named) == 1 {
					t.image = named[0]
				}
			}
			for _, at := range g.charts()[u.name] {
				if t.image == "" {
					t.image = g.imageOf(join(at, u.name), t.keys)
				}
			}
		}
	}
	for _, h := range u.homes {
		h.tags = slices.DeleteFunc(h.tags, func(t tag) bool {
			// Keys are looked up in all files of an app, so they cannot stand
			// for one image here and for another there.
			return slices.ContainsFunc(among[t.keys], func(r image.Repository) bool { return r != t.image })
		})
	}
	u.homes = slices.DeleteFunc(u.homes, func(h home) bool { return len(h.images)+len(h.tags) == 0 })
}

// imagesAmong returns the images that files of an app have beside some keys.
func (g *ground) imagesAmong(u *unit, keys string) []image.Repository {
	var found []image.Repository
	path, err := edit.ParsePath(keys)
	if err != nil {
		return nil
	}
	for _, h := range u.homes {
		if len(h.images) == 0 {
			continue
		}
		for _, env := range slices.Sorted(maps.Keys(h.envs)) {
			for _, root := range parse(g.content(h.path(env))) {
				if repo := repositoryAt(root, path); repo != "" && !slices.Contains(found, repo) {
					found = append(found, repo)
				}
			}
		}
	}
	return found
}

// charts returns the folders that hold values.yaml, by their names.
func (g *ground) charts() map[string][]string {
	if g.chart == nil {
		g.chart = map[string][]string{}
		for _, at := range g.order {
			if at != "" && slices.Contains(g.dirs[at].files, "values.yaml") {
				_, name := split(at)
				g.chart[name] = append(g.chart[name], at)
			}
		}
	}
	return g.chart
}

// family returns what forms that differ only in names have in common.
func (f *form) family() string {
	var b strings.Builder
	for i, s := range f.segments[:max(f.at, 0)] {
		if containers[s] || isRegionName(s) || i == f.at-1 && homes[s] {
			b.WriteString(s)
		} else {
			b.WriteByte('?')
		}
		b.WriteByte('/')
	}
	if f.at == len(f.segments)-1 {
		_, ext := cutExtension(f.segments[f.at])
		b.WriteString("*" + ext)
	} else if f.at >= 0 {
		b.WriteString(envMark)
	}
	return b.String()
}

// nameAt returns the name of an app in a segment, "" if there is none.
func (f *form) nameAt(i int) string {
	if i >= len(f.segments) || i == last(f) && i != fileName || i < 0 && i != fileName {
		return ""
	}
	segment := f.segments[max(i, 0)]
	if i == fileName {
		segment = f.segments[last(f)]
	}
	start, end := nameIn(segment, i == fileName)
	return segment[start:end]
}

// isStageAt reports whether a folder between the environment's and the file has
// no name of its own but that of a stage.
func (f *form) isStageAt(i int) bool {
	if i <= f.at || i >= last(f) || !isName(f.segments[i]) {
		return false
	}
	words := tokens(f.segments[i])
	return stageWords(words) == len(words)
}

// Places that are no index of a segment.
const (
	noPlace  = -1
	fileName = -2 // the last segment of any form
)

func last(f *form) int { return len(f.segments) - 1 }

// nameIn finds the name of an app in a segment: what is left without the
// environment and, in the name of a file, without words for its kind.
func nameIn(segment string, isFile bool) (start, end int) {
	stem := segment
	if isFile {
		stem, _ = cutExtension(segment)
		// A file without an extension has no kind either: its name is the app's.
		isFile = stem != segment
	}
	at := 0
	for part := range strings.SplitSeq(stem, envMark) {
		words := tokens(part)
		if isFile {
			for len(words) > 0 && kinds[words[0].text] {
				words = words[1:]
			}
			for len(words) > 0 && kinds[words[len(words)-1].text] {
				words = words[:len(words)-1]
			}
		}
		if len(words) > 0 {
			from, to := words[0].start, words[len(words)-1].end
			if name := part[from:to]; isAppName(name, isFile) {
				return at + from, at + to
			}
		}
		at += len(part) + len(envMark)
	}
	return 0, 0
}

// isAppName reports whether a name may be one of an app.
func isAppName(name string, isFile bool) bool {
	lower := strings.ToLower(name)
	if clean(name) == "" || neverEnvironments[lower] || containers[lower] || isFile && (plain[lower] || kinds[lower]) {
		return false
	}
	for _, t := range tokens(lower) {
		if _, ok := stage(t.text); !ok && !isRegion(t.text) {
			return true
		}
	}
	return false
}

// clean turns a name into one that an app may have, "" if nothing is left.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < 128 && isNameByte(byte(r)) {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(name, "-._")
}

// rank orders the places in which forms of one family have names, the best
// first: the one whose names are those of the images, of the team's own before
// those that everybody runs, then the one that tells most forms apart, then the nearest behind the environment or before it.
func rank(forms []*form) []int {
	type score struct{ place, own, match, names, near int }
	var scores []score
	depth := 0
	for _, f := range forms {
		depth = max(depth, last(f))
	}
	for place := range depth + 1 {
		if place == depth {
			place = fileName
		}
		s := score{place: place}
		names := map[string]bool{}
		for _, f := range forms {
			name := f.nameAt(place)
			if name == "" {
				continue
			}
			names[name] = true
			own, best := 0, 0
			for _, repo := range f.images {
				n := likeness(name, repo)
				best = max(best, n)
				if !isUpstream(repo) {
					own = max(own, n)
				}
			}
			s.own += own
			s.match += best
		}
		switch at := forms[0].at; {
		case place == fileName:
			s.near = 1
		case place > at:
			s.near = 100 - (place - at)
		default:
			s.near = 50 - (at - place)
		}
		// What surrounds an environment in the name of its folder, as in
		// jx-staging, is the name of an app only if there are several.
		s.names = len(names)
		if s.names > 1 || s.names == 1 && (s.match > 0 || place != forms[0].at) {
			scores = append(scores, s)
		}
	}
	slices.SortStableFunc(scores, func(a, b score) int {
		return cmp.Or(b.own-a.own, b.match-a.match, b.names-a.names, b.near-a.near)
	})
	var places []int
	for _, s := range scores {
		places = append(places, s.place)
	}
	return places
}

// likeness says how much a name is that of an image: 3 for its last segment, 2
// for a part of that or the other way round, 1 for another segment or if its
// words stand in several.
func likeness(name string, repo image.Repository) int {
	name, base := strings.ToLower(name), strings.ToLower(repo.Base())
	switch {
	case squash(name) == squash(base):
		return 3
	case hasWord(base, name) || hasWord(base, squash(name)) || hasWord(name, base):
		return 2
	case strings.Contains("/"+squash(repo.Path())+"/", "/"+squash(name)+"/"):
		return 1
	}
	for _, word := range tokens(name) {
		if !slices.ContainsFunc(strings.Split(strings.ToLower(repo.Path()), "/"), func(s string) bool { return hasWord(s, word.text) }) {
			return 0
		}
	}
	return min(len(tokens(name)), 1)
}

// hasWord reports whether a word stands in a name between separators.
func hasWord(name, word string) bool { return swap(name, word, "\x00") != name }

// root returns the path of a form as far as it says which app it is of.
func (h home) root() string {
	return strings.Join(h.segments[:h.depth()], "/")
}

// depth returns how many segments say which app and which environment it is.
func (h home) depth() int {
	if n := max(h.at, h.place) + 1; h.place != fileName && n > 0 && n < len(h.segments) {
		return n
	}
	return len(h.segments)
}

// images returns the images that stand in the files of a unit, sorted.
func (u *unit) images() []image.Repository {
	var all []image.Repository
	for _, h := range u.homes {
		all = append(all, h.images...)
		for _, t := range h.tags {
			if t.image != "" {
				all = append(all, t.image)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// nameOf names an app after its images: the name of the only one, what the
// names of all start with, or their organisation.
func nameOf(images []image.Repository) string {
	if len(images) == 0 {
		return "app"
	}
	words := strings.FieldsFunc(images[0].Base(), func(r rune) bool { return r < 128 && isSeparator(byte(r)) })
	owner := ""
	if namespace(images[0]) != "" {
		owner = clean(parentOf(images[0]))
	}
	for _, repo := range images[1:] {
		other := strings.FieldsFunc(repo.Base(), func(r rune) bool { return r < 128 && isSeparator(byte(r)) })
		n := 0
		for n < len(words) && n < len(other) && words[n] == other[n] {
			n++
		}
		words = words[:n]
		if clean(parentOf(repo)) != owner {
			owner = ""
		}
	}
	name := cmp.Or(clean(strings.Join(words, "-")), owner)
	if name == "" && len(images) == 1 {
		name = clean(images[0].Base())
	}
	return cmp.Or(name, "app")
}

func parentOf(repo image.Repository) string {
	dir, _ := split(repo.Path())
	_, name := split(dir)
	return name
}
