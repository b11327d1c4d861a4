package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/image"
)

// merge makes one unit of those that are one app: of one name, in different
// layouts, with an image in common or with tags alone. Others of one name get
// another: they belong to different teams, say.
func merge(units []*unit) []*unit {
	byName := map[string][]*unit{}
	var names []string
	for _, u := range units {
		if byName[u.name] == nil {
			names = append(names, u.name)
		}
		same := slices.IndexFunc(byName[u.name], func(other *unit) bool { return isSame(u, other) })
		if same >= 0 {
			byName[u.name][same].homes = append(byName[u.name][same].homes, u.homes...)
			continue
		}
		byName[u.name] = append(byName[u.name], u)
	}
	slices.Sort(names)
	taken := map[string]bool{}
	for _, n := range names {
		taken[n] = true
	}
	var out []*unit
	for _, n := range names {
		// Those that only their images gave the name leave it to the others.
		namesakes := byName[n]
		slices.SortStableFunc(namesakes, func(a, b *unit) int { return b.named() - a.named() })
		rivals := 0
		for _, u := range namesakes {
			rivals += u.named()
		}
		if rivals == 0 {
			rivals = len(namesakes)
		}
		for i, u := range namesakes {
			if len(namesakes) > 1 {
				name := n
				if team := teamOf(u.homes[0], namesakes[(i+1)%rivals].homes[0]); team != "" && i < rivals && rivals > 1 {
					name = team + "-" + n
				}
				for k := 2; i > 0 && taken[name] || name != n && taken[name]; k++ {
					name = fmt.Sprintf("%s-%d", n, k)
				}
				u.name = name
				taken[name] = true
			}
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *unit) int { return cmp.Compare(a.name, b.name) })
	return out
}

// named is 1 for a unit whose name stands in its paths, else 0.
func (u *unit) named() int {
	if u.homes[0].place == noPlace {
		return 0
	}
	return 1
}

func isSame(a, b *unit) bool {
	for _, h := range a.homes {
		for _, o := range b.homes {
			if h.family == o.family && h.rootElsewhere() != o.rootElsewhere() {
				return false
			}
		}
	}
	if a.homes[0].place == noPlace || b.homes[0].place == noPlace {
		return false // only their images gave them a name
	}
	images, others := a.images(), b.images()
	return len(images) == 0 || len(others) == 0 || slices.ContainsFunc(images, func(r image.Repository) bool {
		return slices.Contains(others, r)
	})
}

// rootElsewhere returns the root without what tells regions apart: one app may
// stand in several.
func (h home) rootElsewhere() string {
	segments := slices.Clone(h.segments[:h.depth()])
	for i, s := range segments {
		if i != h.place && isRegionName(s) {
			segments[i] = "?"
		}
	}
	return strings.Join(segments, "/")
}

func isRegionName(name string) bool {
	words := tokens(name)
	return len(words) > 0 && !slices.ContainsFunc(words, func(t token) bool { return !isRegion(t.text) })
}

// teamOf returns the folder that tells an app from a namesake, "" if none does.
func teamOf(h, other home) string {
	for i, s := range h.segments[:last(h.form)] {
		if i != h.place && i != h.at && (i >= len(other.segments) || other.segments[i] != s) && !strings.Contains(s, envMark) {
			return clean(s)
		}
	}
	return ""
}
