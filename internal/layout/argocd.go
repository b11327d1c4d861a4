package layout

import (
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
)

// argo is an Application or an ApplicationSet of Argo CD that names
// environments: in the elements of a list, or in the path that it deploys.
type argo struct{}

// elementKeys are the keys under which elements name an environment.
var elementKeys = []string{"env", "environment", "envName", "stage", "cluster", "clusterName"}

func (argo) clues(g *ground) []clue {
	var clues []clue
	for _, o := range g.objects() {
		if o.kind != "Application" && o.kind != "ApplicationSet" {
			continue
		}
		var names []string
		add := func(name string) {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		walk(o.root, func(key string, n *edit.Node) {
			switch key {
			case "elements":
				for _, e := range n.Items() {
					for _, k := range elementKeys {
						if name := e.Get(k).Text(); name != "" {
							add(name)
							break
						}
					}
				}
			case "path":
				add(homeChild(n.Text()))
			}
		})
		if len(names) > 0 {
			clues = append(clues, clue{names: names, file: o.path})
		}
	}
	return clues
}

// homeChild returns the name in a path that follows a folder made for
// environments, "" if there is none or it is a placeholder.
func homeChild(path string) string {
	segments := strings.Split(path, "/")
	for i := len(segments) - 1; i > 0; i-- {
		if homes[segments[i-1]] && !containers[segments[i]] {
			return segments[i]
		}
	}
	return ""
}

// walk calls visit for every value of a mapping in a tree, with its key, in
// the order in which they are written.
func walk(n *edit.Node, visit func(key string, n *edit.Node)) {
	if n == nil {
		return
	}
	for key, value := range n.Pairs() {
		visit(key.Text(), value.Resolve())
		walk(value, visit)
	}
	for _, item := range n.Items() {
		walk(item, visit)
	}
}

// keysOf returns the keys of a mapping as they are written.
func keysOf(n *edit.Node) []string {
	var names []string
	for key := range n.Pairs() {
		names = append(names, key.Text())
	}
	return names
}
