package pattern

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// declared accepts any app and the environments named.
func declared(envs ...string) func(name, value string) bool {
	return func(name, value string) bool { return name == App || slices.Contains(envs, value) }
}

func TestCaptures(t *testing.T) {
	t.Parallel()
	envs := declared("dev", "staging", "prod", "eu-prod")
	tests := []struct {
		name, pattern, path string
		accept              func(name, value string) bool
		want                []Capture
	}{
		{"segments", "image-tags/{env}/{app}", "image-tags/prod/web", envs, []Capture{{"web", "prod"}}},
		{"only declared environments", "image-tags/{env}/{app}", "image-tags/test/web", envs, nil},
		{"ambiguity is kept", "{app}-{env}.yaml", "web-eu-prod.yaml", envs, []Capture{{"web", "eu-prod"}, {"web-eu", "prod"}}},
		{"other way round", "{env}-{app}.yaml", "eu-prod-web.yaml", declared("eu", "eu-prod"), []Capture{{"prod-web", "eu"}, {"web", "eu-prod"}}},
		{"repeated", "apps/{app}/{app}-{env}.yaml", "apps/web/web-eu-prod.yaml", envs, []Capture{{"web", "eu-prod"}}},
		{"repeated and different", "apps/{app}/{app}-{env}.yaml", "apps/web/api-prod.yaml", envs, nil},
		{"a folder that holds the file", "apps/{app}/{env}", "apps/web/prod/a/b.yaml", envs, []Capture{{"web", "prod"}}},
		{"several folders", "**/{app}", "a/b/c", nil, []Capture{{"a", ""}, {"b", ""}, {"c", ""}}},
		{"behind any folders", "**/{app}/values-{env}.yaml", "x/y/web/values-dev.yaml", envs, []Capture{{"web", "dev"}}},
		{"with globs", "*/{app}/v?.[a-z]*", "x/web/v1.yaml", envs, []Capture{{"web", ""}}},
		{"without placeholders", "apps/*", "apps/web/x", envs, []Capture{{}}},
		{"without placeholders or match", "apps/*", "app/web/x", envs, nil},
		{"side by side", "{env}{app}", "devprod", envs, []Capture{{"prod", "dev"}}},
		{"all values", "{app}{env}", "abc", nil, []Capture{{"a", "bc"}, {"ab", "c"}}},
		{"empty path", "**", "", envs, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := mustParse(t, test.pattern).Captures(test.path, test.accept)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecisionPlaceholdersMatchOneSegment(t *testing.T) {
	t.Parallel()
	p := mustParse(t, "apps/{app}/x")
	for value, want := range map[string]bool{
		"web": true, "a.b_c-1": true, "0": true, "-": true, ".": true,
		"Web": false, "a b": false, "a/b": false, "é": false, "a+b": false, "": false,
	} {
		path := "apps/" + value + "/x"
		if got := p.Captures(path, nil) != nil; got != want {
			t.Errorf("captured from %q: %t", path, got)
		}
		if got := p.Expand(map[string]string{App: value}).Match(path); got != want {
			t.Errorf("expanded with %q: %t", value, got)
		}
	}
}

func TestCapturesAreBounded(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("a-", 120)
	if got := mustParse(t, "*-{app}-*-{env}-*").Captures(name, nil); got != nil {
		t.Errorf("got %d captures", len(got))
	}
	// There are 142,506 ways to share these out among the stars, and one capture.
	want := []Capture{{App: "web"}}
	got := mustParse(t, "*a*a*a*a*a*-{app}").Captures(strings.Repeat("a", 30)+"-web", nil)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("many stars (-want +got)\n%s", diff)
	}
	// What is only long is no reason to give up.
	if got := mustParse(t, "{app}-{env}").Captures(name+"a", nil); len(got) != 120 {
		t.Errorf("got %d captures, want 120", len(got))
	}
}

// checkAgainstNaive holds Match, Captures and Index to the naive matcher.
func checkAgainstNaive(t *testing.T, p *Pattern, path string) {
	t.Helper()
	accept := func(_, value string) bool { return len(value) <= 4 }
	captures := p.Captures(path, accept)
	naive := naiveCaptures(p, path, accept)
	slices.SortFunc(naive, func(a, b Capture) int { return strings.Compare(a.App+"\x00"+a.Env, b.App+"\x00"+b.Env) })
	if diff := cmp.Diff(slices.Compact(naive), captures, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("captures of %q in %q (-naive +got)\n%s", p, path, diff)
	}
	for _, values := range append(captures, Capture{"web", "dev"}, Capture{"a", "b"}) {
		g := p.Expand(map[string]string{App: values.App, Env: values.Env})
		want := naiveMatch(g.String(), path)
		if got := g.Match(path); got != want {
			t.Fatalf("%q matches %q: got %t, naive %t", g, path, got, want)
		}
		var x Index[string]
		x.Add(g, g.String())
		if found := slices.Collect(x.Find(path)); len(found) > 0 != want {
			t.Fatalf("index of %q finds %q in %q, naive %t", g, found, path, want)
		}
	}
}

// Expand and Match, Captures, and Index say the same as a matcher that is too
// simple to be wrong.
func TestAgreeWithNaive(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	matched := 0
	for range 2000 {
		var segments, names []string
		for range 1 + random.IntN(4) {
			segments = append(segments, pick("**", "*", "{app}", "{env}", "{app}-{env}", "*-{env}", "a", "b", "[ab]?", "a*b", "?", "{app}{app}", "[!a]"))
		}
		for range 1 + random.IntN(5) {
			names = append(names, pick("a", "b", "ab", "aa", "a-b", "b-a-b", "é"))
		}
		path := strings.Join(names, "/")
		p := mustParse(t, strings.Join(segments, "/"))
		checkAgainstNaive(t, p, path)
		if p.Captures(path, nil) != nil {
			matched++
		}
	}
	if matched < 200 {
		t.Errorf("only %d of 2000 cases match: they prove little", matched)
	}
}
