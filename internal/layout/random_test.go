package layout

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestAnyTree guesses at trees that are put together from what repos have, in
// ways that none has: the file must fit the tree all the same.
func TestAnyTree(t *testing.T) {
	t.Parallel()
	folders := strings.Fields("apps overlays clusters envs k8s base teams red dev prod staging test prod-eu prod-us blue eu web api web-dev api-prod values charts image-tags dev-web")
	names := strings.Fields("kustomization.yaml values-dev.yaml values-prod.yaml values.yaml dev.yaml prod.yaml web.yaml api.yaml web-prod.yaml dev-api.yaml web api release.yaml values.prod-eu.yaml")
	images := strings.Fields("ghcr.io/acme/web ghcr.io/acme/api nginx redis grafana/grafana axllent/mailpit ghcr.io/acme/web-migrate registry.example.org:5000/red/api")
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 5))
		pick := func(list []string) string { return list[r.IntN(len(list))] }
		in := memory{}
		for range 2 + r.IntN(25) {
			var path []string
			for range r.IntN(5) {
				path = append(path, pick(folders))
			}
			name := strings.Join(append(path, pick(names)), "/")
			isFolder := func(other string) bool {
				return strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/")
			}
			var taken bool
			for other := range in {
				taken = taken || isFolder(other)
			}
			if taken {
				continue
			}
			switch r.IntN(5) {
			case 0:
				in[name] = "image:\n  tag: v1\n"
			case 1:
				in[name] = "image_tag: v1\nweb:\n  image: {tag: v2}\n"
			case 2:
				in[name] = fmt.Sprintf("image: {repository: %s, tag: v1}\nsidecar: {image: %s:v3}\n", pick(images), pick(images))
			default:
				in[name] = fmt.Sprintf("apiVersion: v1\nkind: Pod\nspec:\n  containers: [{image: '%s:v1'}]\n", pick(images))
			}
		}
		tree := in.tree(t)
		p := Guess(tree, nil)
		answers := Answers{}
		for _, q := range p.Questions {
			switch {
			case q.Default != "":
			case len(q.Candidates) > 0:
				answers[q.ID] = q.Candidates[0]
			case strings.Contains(q.ID, ":"):
				answers[q.ID] = "ghcr.io/acme/{app}"
			case q.ID == askEnvironments:
				answers[q.ID] = "home"
			}
		}
		for _, a := range []Answers{nil, answers} {
			p := Guess(tree, a)
			if p.Problem != nil {
				continue
			}
			prove(t, in, Format(p))
			if t.Failed() {
				t.Fatalf("seed %d: files %s:\n%s%s", seed, slices.Sorted(maps.Keys(in)), Format(p), questions(p))
			}
		}
	}
}
