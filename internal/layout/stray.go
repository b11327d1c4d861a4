package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// strays returns the environments that most likely are none, with a place
// where each was seen: no app in there stands in another environment, and
// where apps do travel, there is nothing of that name. So test/e2e/pod.yaml
// makes no stage of a repo of apps/*/{dev,prod}.
func (g *ground) strays(v *view, units []*unit, clues []clue) map[string]string {
	travelled := map[string]bool{} // families of slots in which an app stands in several environments
	kept := map[string]bool{}
	held := map[string]string{}
	for _, u := range units {
		envs := map[string]bool{}
		for _, h := range u.homes {
			maps.Copy(envs, h.envs)
			for _, c := range h.clues {
				if len(h.envs) > 1 {
					travelled[c.slot.family()] = true
				}
			}
		}
		for _, h := range u.homes {
			for env := range h.envs {
				kept[env] = kept[env] || len(envs) > 1
				if path := h.path(env); held[env] == "" || path < held[env] {
					held[env] = path
				}
			}
		}
	}
	if len(travelled) == 0 {
		return nil
	}
	seen := map[string]string{}
	for _, c := range clues {
		for _, n := range c.names {
			switch {
			case c.slot == nil || c.sure || travelled[c.slot.family()]:
				kept[n] = true
			case seen[n] == "":
				seen[n] = c.slot.path(n)
			}
		}
	}
	out := map[string]string{}
	for _, n := range v.names {
		if !kept[n] && !g.given[n] {
			out[n] = held[n]
			if out[n] == "" {
				out[n] = seen[n]
			}
		}
	}
	return out
}

// without returns clues that do not name some environments.
func without(clues []clue, names map[string]string) []clue {
	var out []clue
	for _, c := range clues {
		c.names = slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return names[n] != "" })
		if len(c.names) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// noteStrays says which names were taken for no environments.
func (s *settlement) noteStrays() {
	for _, n := range slices.Sorted(maps.Keys(s.ground.stray)) {
		levels, rest := byStage(append(slices.Clone(s.view.names), n))
		if len(rest) > 0 {
			levels = append(levels, rest)
		}
		s.proposal.Notes = append(s.proposal.Notes, fmt.Sprintf(
			"%s is left out: it is seen in %s, and none of the apps stand there. If it is an environment, run towpath init --answer %s=%s",
			n, s.ground.stray[n], askEnvironments, strings.ReplaceAll(written(levels), " ", "")))
	}
}
