package layout

import (
	"maps"
	"slices"
)

// valuesFiles is a file per environment: values-prod.yaml, prod-values.yaml,
// values/prod.yaml, web.prod.tfvars, environments/prod.yaml.
type valuesFiles struct{}

func (valuesFiles) clues(g *ground) []clue {
	var clues []clue
	for _, at := range g.order {
		if inClosed(at) {
			continue
		}
		_, name := split(at)
		children := g.dirs[at].files
		if rosters[name] && !g.only {
			sure, rest := roster(g, at, children)
			clues = append(clues, sure...)
			children = rest
		}
		clues = append(clues, spans(g, children, slot{dir: at, file: true})...)
	}
	return clues
}

// roster takes the files of a folder that is made for environments: the names
// of those of one extension are environments, unless they are words for
// something else.
func roster(g *ground, at string, children []string) (sure []clue, rest []string) {
	names := map[string][]string{}
	for _, c := range children {
		stem, ext := cutExtension(c)
		s, ok := g.find(stem)
		switch {
		case ext == "" || !isName(stem) || neverEnvironments[stem] || plain[stem] || kinds[stem],
			ok && s.env != stem:
			rest = append(rest, c)
		default:
			names[ext] = append(names[ext], stem)
		}
	}
	for _, ext := range slices.Sorted(maps.Keys(names)) {
		sure = append(sure, clue{names: names[ext], slot: &slot{dir: at, after: ext, file: true}, sure: true})
	}
	return sure, rest
}
