package status

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/config"
)

const benchConfig = `version: 1
environments:
  - {name: dev}
  - {name: test, after: [dev]}
  - {name: staging, after: [test]}
  - {name: prod-eu, after: [staging]}
  - {name: prod-us, after: [prod-eu]}
apps:
`

// layout is where the versions of many apps stand.
type layout struct {
	name, apps string
	path       func(app int, env string) string
	content    func(app, version int) string
}

var layouts = []layout{
	{
		"overlays", `  - {discover: "apps/{app}/overlays/{env}/kustomization.yaml", images: ["ghcr.io/acme/{app}"]}`,
		func(app int, env string) string {
			return fmt.Sprintf("apps/app-%03d/overlays/%s/kustomization.yaml", app, env)
		},
		func(app, version int) string {
			return fmt.Sprintf("kind: Kustomization\nresources:\n- ../../base\nimages:\n- name: ghcr.io/acme/app-%03d\n  newTag: 1.%d.0\n", app, version)
		},
	},
	{
		"values", `  - {discover: "charts/{app}/values-{env}.yaml", images: [{image: "ghcr.io/acme/{app}", keys: [image.tag]}]}`,
		func(app int, env string) string { return fmt.Sprintf("charts/app-%03d/values-%s.yaml", app, env) },
		func(_, version int) string {
			return fmt.Sprintf("replicaCount: 2\nimage:\n  tag: 1.%d.0\n  pullPolicy: IfNotPresent\nservice:\n  type: ClusterIP\n  port: 80\nresources:\n  limits: {cpu: 500m, memory: 256Mi}\n", version)
		},
	},
	{
		"tags", `  - {discover: "image-tags/{env}/{app}", images: [{image: "ghcr.io/acme/{app}", keys: [image_tag]}]}`,
		func(app int, env string) string { return fmt.Sprintf("image-tags/%s/app-%03d", env, app) },
		func(_, version int) string {
			return fmt.Sprintf("image_tag: v%d\nautomatic_deploys_enabled: true\npromote_deployment: true\n", version)
		},
	},
}

const benchApps = 1000

var benchEnvs = []string{"dev", "test", "staging", "prod-eu", "prod-us"}

// long is a history in which each commit bumps an app in dev, or promotes it.
// Contents are named by their app and version.
type long struct {
	layout
	edits []update // the newest first
	tree  memory
}

type update struct{ app, env, from, to int }

func newLong(l layout, commits int) *long {
	r := rand.New(rand.NewPCG(1, 2))
	h := &long{layout: l, edits: make([]update, commits), tree: memory{config.Path: benchConfig + l.apps}}
	var versions [benchApps][5]int
	for i := range commits {
		app, env := r.IntN(benchApps), r.IntN(len(benchEnvs))
		to := versions[app][env] + 1
		if env > 0 {
			to = versions[app][env-1]
		}
		h.edits[commits-1-i] = update{app, env, versions[app][env], to}
		versions[app][env] = to
	}
	for app := range benchApps {
		for env, name := range benchEnvs {
			h.tree[l.path(app, name)] = l.content(app, versions[app][env])
		}
	}
	return h
}

func (h *long) Uncommitted(context.Context) (map[string]string, error) { return nil, nil }

func (h *long) Commits(_ context.Context, yield func(Commit) bool) error {
	for i, e := range h.edits {
		c := Commit{SHA: strconv.Itoa(i), Time: time.Unix(int64(1e9-i), 0), Author: "ann"}
		if e.from != e.to {
			path := h.path(e.app, benchEnvs[e.env])
			c.Changes = []FileChange{{Path: path, OldPath: path, Old: blob(e.app, e.from), New: blob(e.app, e.to)}}
		}
		if !yield(c) {
			break
		}
	}
	return nil
}

func blob(app, version int) string { return strconv.Itoa(app) + " " + strconv.Itoa(version) }

func (h *long) Read(_ context.Context, name string) ([]byte, error) {
	app, version, _ := strings.Cut(name, " ")
	a, err := strconv.Atoi(app)
	if err != nil {
		return nil, err
	}
	v, err := strconv.Atoi(version)
	return []byte(h.content(a, v)), err
}

// BenchmarkTrace looks for the last changes of 5,000 cells in 100,000 commits.
func BenchmarkTrace(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			h := newLong(l, 100_000)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				m := matrixOf(b, h.tree)
				b.StartTimer()
				if err := m.Trace(b.Context(), h, nil); err != nil {
					b.Fatal(err)
				}
				for _, cell := range m.cells() {
					if cell.Changed == nil {
						b.Fatalf("the change of %s in %s was not found", cell.App, cell.Env)
					}
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			h := newLong(l, 100_000)
			b.ReportAllocs()
			for b.Loop() {
				if cells := matrixOf(b, h.tree).cells(); len(cells) != benchApps*len(benchEnvs) {
					b.Fatalf("there are %d cells", len(cells))
				}
			}
		})
	}
}
