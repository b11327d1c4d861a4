package layout

import (
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/image"
)

// folders is a folder per environment: apps/web/overlays/prod,
// clusters/prod, environments/prod, helmfiles/jx-prod, prod.
type folders struct{}

func (folders) clues(g *ground) []clue {
	var clues []clue
	for _, at := range g.order {
		if inClosed(at) {
			continue
		}
		_, name := split(at)
		children := g.dirs[at].folders
		if homes[name] && !g.only {
			if own := ownNames(g, at, children); own != nil {
				clues = append(clues, clue{names: own, slot: &slot{dir: at}, sure: true})
				continue
			}
		}
		clues = append(clues, spans(g, children, slot{dir: at})...)
	}
	return clues
}

// ownNames returns the environments in a folder that is made for them: whole
// names, unless what they have around the word is the same for all, or the name
// of an app, as in web-dev and api-dev. Nil means that they are to be taken
// apart.
func ownNames(g *ground, at string, children []string) []string {
	var names []string
	around := map[span]int{}
	for _, c := range children {
		if neverEnvironments[c] || !isName(c) {
			continue
		}
		names = append(names, c)
		if s, ok := g.find(c); ok {
			if g.isAppAround(s, join(at, c)) {
				return nil
			}
			around[span{before: s.before, after: s.after}]++
		}
	}
	for _, n := range around {
		if n == len(names) && n > 1 {
			return nil
		}
	}
	return names
}

// isAppAround reports whether what stands around an environment in the name of
// a folder is the name of an image in there.
func (g *ground) isAppAround(s span, dir string) bool {
	app := strings.Trim(s.before+s.after, "-_.")
	if app == "" {
		return false
	}
	from, _ := slices.BinarySearch(g.files, dir+"/")
	for _, file := range g.files[from:] {
		if !strings.HasPrefix(file, dir+"/") {
			break
		}
		if slices.ContainsFunc(g.uses[file], func(repo image.Repository) bool { return likeness(app, repo) > 1 }) {
			return true
		}
	}
	return false
}

// spans finds environments in the names of the folders or files of a folder,
// and sorts them by what stands around them.
func spans(g *ground, names []string, s slot) []clue {
	var clues []clue
	at := map[slot]int{}
	for _, name := range names {
		stem, ext := name, ""
		if s.file {
			stem, ext = cutExtension(name)
		}
		found, ok := g.find(stem)
		if !ok {
			continue
		}
		s.before, s.after = found.before, found.after+ext
		i, ok := at[s]
		if !ok {
			i = len(clues)
			at[s] = i
			own := s
			clues = append(clues, clue{slot: &own})
		}
		clues[i].names = append(clues[i].names, found.env)
	}
	for i := range clues {
		slices.Sort(clues[i].names)
	}
	return clues
}
