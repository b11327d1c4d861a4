package layout

import (
	"strings"
)

// helmfile is a helmfile.yaml that lists environments.
type helmfile struct{}

func (helmfile) clues(g *ground) []clue {
	var clues []clue
	for _, f := range g.files {
		dir, name := split(f)
		_, parent := split(dir)
		stem, ext := cutExtension(name)
		if ext == "" || stem != "helmfile" && stem != "environments" && parent != "helmfile.d" || !strings.HasPrefix(ext, ".y") {
			continue
		}
		for _, root := range parse(g.content(f)) {
			if names := keysOf(root.Get("environments")); len(names) > 0 {
				clues = append(clues, clue{names: names, file: f})
			}
		}
	}
	return clues
}
