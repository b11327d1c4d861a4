package pattern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	var x Index[string]
	for _, text := range []string{
		"**/values-prod.yaml", "apps/web/**", "**", "apps/*/prod", "apps/web", "*", "apps/we*", "apps/*eb", "apps/*e*", "apps/[a-z]eb", "**/web/**/x", "a/b",
	} {
		x.Add(mustParse(t, text).Expand(nil), text)
	}
	x.Add(Glob{}, "nothing")
	x.Add(mustParse(t, "apps/web").Expand(nil), "again")
	tests := []struct {
		path string
		want []string
	}{
		{"apps/web/prod/x", []string{"apps/web/**", "**", "apps/*/prod", "apps/web", "*", "apps/we*", "apps/*eb", "apps/*e*", "apps/[a-z]eb", "**/web/**/x", "again"}},
		{"apps/api/values-prod.yaml", []string{"**/values-prod.yaml", "**", "*"}},
		{"web/web/x/x", []string{"**", "*", "**/web/**/x"}},
		{"a", []string{"**", "*"}},
		{"", nil},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, slices.Collect(x.Find(test.path))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	for first := range x.Find("a") {
		if first != "**" {
			t.Errorf("got %q first", first)
		}
		break
	}
	var empty Index[int]
	for range empty.Find("a") {
		t.Error("the empty index finds something")
	}
}

// An index of many globs finds what trying each one finds.
func TestIndexAgreesWithMatch(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	var x Index[int]
	var globs []Glob
	for i := range 300 {
		var segments []string
		for range 1 + random.IntN(4) {
			segments = append(segments, pick("**", "*", "a", "b", "ab", "a*", "*b", "a*b", "?", "[ab]", "ab*", "*ab*", "a?b*b"))
		}
		globs = append(globs, mustParse(t, strings.Join(segments, "/")).Expand(nil))
		x.Add(globs[i], i)
	}
	var paths []string
	for range 500 {
		var names []string
		for range 1 + random.IntN(5) {
			names = append(names, pick("a", "b", "ab", "abb", "aab", "c", "axbb"))
		}
		paths = append(paths, strings.Join(names, "/"))
	}
	// Several at once: lookups share nothing that they write.
	var group sync.WaitGroup
	for part := range 4 {
		group.Go(func() {
			for _, path := range paths[part*125:][:125] {
				var want []int
				for i, g := range globs {
					if g.Match(path) {
						want = append(want, i)
					}
				}
				if diff := cmp.Diff(want, slices.Collect(x.Find(path))); diff != "" {
					t.Errorf("%q (-each +index)\n%s", path, diff)
				}
			}
		})
	}
	group.Wait()
}

// layouts are the shapes of config repos that the index is measured on, with a
// path that each of them claims.
var layouts = []struct{ name, pattern, path string }{
	{"overlays", "apps/{app}/overlays/{env}/**", "apps/%s/overlays/%s/kustomization.yaml"},
	{"between", "apps/*/{app}/{env}.yaml", "apps/team/%s/%s.yaml"},
	{"anywhere", "**/{app}/values-{env}.yaml", "charts/team/%s/values-%s.yaml"},
	{"start", "{env}/{app}-*.yaml", "%[2]s/%[1]s-values.yaml"},
	{"end", "envs/{env}/*-{app}.yaml", "envs/%[2]s/acme-%[1]s.yaml"},
	{"middle", "envs/{env}/*{app}*", "envs/%[2]s/x%[1]sx"},
	{"common end", "**/*{app}*-values.yaml", "envs/%[2]s/x%[1]s-values.yaml"},
}

const apps, envs = 1000, 5

// forEach yields the names of 1,000 apps in 5 environments.
func forEach(yield func(app, env string)) {
	for a := range apps {
		for e := range envs {
			yield(fmt.Sprintf("web-%d", a), fmt.Sprintf("env%d", e))
		}
	}
}

// BenchmarkIndexAdd expands and adds 5,000 globs.
func BenchmarkIndexAdd(b *testing.B) {
	for _, layout := range layouts {
		b.Run(layout.name, func(b *testing.B) {
			p := mustParse(b, layout.pattern)
			for b.Loop() {
				var x Index[int]
				forEach(func(app, env string) { x.Add(p.Expand(map[string]string{App: app, Env: env}), 1) })
			}
		})
	}
}

// BenchmarkIndexFind looks up 20,000 files, of which 5,000 are claimed, in
// 5,000 globs.
func BenchmarkIndexFind(b *testing.B) {
	for _, layout := range layouts {
		b.Run(layout.name, func(b *testing.B) {
			p := mustParse(b, layout.pattern)
			var x Index[int]
			var paths []string
			forEach(func(app, env string) {
				x.Add(p.Expand(map[string]string{App: app, Env: env}), len(paths))
				path := fmt.Sprintf(layout.path, app, env)
				paths = append(paths, path, path+".md", "docs/"+app+"/"+env+"/README.md", "base/x/"+path)
			})
			for b.Loop() {
				found := 0
				for _, path := range paths {
					for range x.Find(path) {
						found++
					}
				}
				if found < apps*envs {
					b.Fatalf("found %d", found)
				}
			}
		})
	}
}

// BenchmarkCaptures reads the apps of 5,000 files.
func BenchmarkCaptures(b *testing.B) {
	p := mustParse(b, "apps/{app}/{app}-{env}.yaml")
	var paths []string
	forEach(func(app, env string) { paths = append(paths, "apps/"+app+"/"+app+"-"+env+".yaml") })
	accept := declared("env0", "env1", "env2", "env3", "env4")
	for b.Loop() {
		for _, path := range paths {
			if len(p.Captures(path, accept)) != 1 {
				b.Fatal(path)
			}
		}
	}
}
