package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// capitals returns the names of folders and files that would be environments
// in lower case, sorted. It looks in the folders for which among is true.
func (g *ground) capitals(among func(dir string) bool) []string {
	found := map[string]bool{}
	for _, at := range g.order {
		if inClosed(at) || !among(at) {
			continue
		}
		_, parent := split(at)
		for _, name := range g.dirs[at].folders {
			lower := strings.ToLower(name)
			if _, ok := known(lower); name != lower && isName(lower) && (ok || homes[parent] && !neverEnvironments[lower]) {
				found[name] = true
			}
		}
		for _, name := range g.dirs[at].files {
			stem, ext := cutExtension(name)
			s, ok := known(strings.ToLower(stem))
			if !ok || ext == "" {
				continue
			}
			if env := stem[len(s.before) : len(s.before)+len(s.env)]; env != s.env {
				found[env] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// noteCapitals says which environments are missing beside the others because
// of their names.
func (s *settlement) noteCapitals(clues []clue) {
	dirs := map[string]bool{}
	for _, c := range clues {
		if c.slot != nil && slices.ContainsFunc(c.names, func(n string) bool { return s.view.at[c.slot.path(n)].env == n }) {
			dirs[c.slot.dir] = true
		}
	}
	if names := s.ground.capitals(func(dir string) bool { return dirs[dir] }); len(names) > 0 {
		s.proposal.Notes = append(s.proposal.Notes, fmt.Sprintf("%s is left out: {env} stands for lower-case names only, so rename what is called so.", list(names, 5)))
	}
}
