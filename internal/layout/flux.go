package layout

import (
	"slices"
	"strings"
)

// flux is a Kustomization of Flux that says which folder a cluster gets:
// clusters/customers/apps.yaml with spec.path ./apps/customers.
type flux struct{}

func (flux) clues(g *ground) []clue {
	var clues []clue
	for _, o := range g.objects() {
		api := o.root.Get("apiVersion").Text()
		if o.kind != "Kustomization" || !strings.HasPrefix(api, "kustomize.toolkit.fluxcd.io/") {
			continue
		}
		own, _ := split(o.path)
		segments := strings.Split(own, "/")
		path := strings.TrimPrefix(o.root.Get("spec").Get("path").Text(), "./")
		if path == own || strings.HasPrefix(path, own+"/") {
			continue // a folder that points at itself says nothing of others
		}
		for name := range strings.SplitSeq(path, "/") {
			// The folder of the cluster itself names the same environment.
			if i := slices.Index(segments, name); i > 0 && homes[segments[i-1]] {
				clues = append(clues, clue{names: []string{name}, file: o.path})
			}
		}
	}
	return clues
}
