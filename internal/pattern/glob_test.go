package pattern

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern       string
		match, differ []string
	}{
		{
			pattern: "apps/{app}/overlays/{env}/**",
			match:   []string{"apps/web/overlays/prod/kustomization.yaml", "apps/web/overlays/prod/patches/image.yaml", "apps/web/overlays/prod"},
			differ:  []string{"apps/web/overlays/prod-eu/kustomization.yaml", "apps/api/overlays/prod/kustomization.yaml", "apps/web/base/kustomization.yaml", "apps/web/overlays"},
		},
		{
			pattern: "charts/{app}/values-{env}.yaml",
			match:   []string{"charts/web/values-prod.yaml"},
			differ:  []string{"charts/web/values-prod.yml", "charts/web/values-prodxyaml", "x/charts/web/values-prod.yaml", "charts/web/templates/values-prod.yaml"},
		},
		{
			pattern: "clusters/{env}/apps/{app}.yaml",
			match:   []string{"clusters/prod/apps/web.yaml"},
			differ:  []string{"clusters/prod/apps/web/web.yaml", "clusters/prod/web.yaml"},
		},
		{
			pattern: "image-tags/{env}/{app}",
			match:   []string{"image-tags/prod/web", "image-tags/prod/web/tag"},
			differ:  []string{"image-tags/prod/web-admin", "image-tags/prod"},
		},
		{
			pattern: "environments/{env}/**",
			match:   []string{"environments/prod/a", "environments/prod/a/b/c"},
			differ:  []string{"environments/production/a", "environments/a/prod"},
		},
		{
			pattern: "{env}/{app}-values.yaml.gotmpl",
			match:   []string{"prod/web-values.yaml.gotmpl"},
			differ:  []string{"prod/web-values.yaml", "helmfile/prod/web-values.yaml.gotmpl"},
		},
		{
			pattern: "**/{app}/values-{env}.yaml",
			match:   []string{"web/values-prod.yaml", "a/web/values-prod.yaml", "a/b/c/web/values-prod.yaml", "web/web/values-prod.yaml"},
			differ:  []string{"values-prod.yaml", "web/x/values-prod.yaml"},
		},
		{
			pattern: "a/**/b/**/c",
			match:   []string{"a/b/c", "a/x/b/y/z/c", "a/b/b/c/c/d", "a/c/b/c"},
			differ:  []string{"a/c/b", "a/b", "b/c"},
		},
		{pattern: "**", match: []string{"a", "a/b/.c"}},
		{pattern: "**/**", match: []string{"a", "a/b"}},
		{pattern: "**/*.yaml", match: []string{"a.yaml", ".yaml", "a/b/c.yaml", "x.yaml/y"}, differ: []string{"a.yml"}},
		{pattern: "*", match: []string{"a", "a/b", ".hidden"}},
		{pattern: "apps/*", match: []string{"apps/.hidden", "apps/a/b"}, differ: []string{"apps", "app/s"}},
		{pattern: "a*b*c", match: []string{"abc", "abxbc", "aXbXc"}, differ: []string{"ab", "ac", "abcd"}},
		{pattern: "?", match: []string{"é", "\xff", "x/y"}, differ: []string{"ab"}},
		{pattern: "*?", match: []string{"é", "ab"}},
		{pattern: "*[!é]", match: []string{"éa", "é\xff"}, differ: []string{"é", "aé"}},
		{pattern: "v[0-9]", match: []string{"v1"}, differ: []string{"v", "va", "v12"}},
		{pattern: "[!a-c]x", match: []string{"dx", "éx"}, differ: []string{"ax", "x"}},
		{pattern: "[*][?][[][]]", match: []string{"*?[]"}, differ: []string{"abcd"}},
		{pattern: "[-a][a-]", match: []string{"-a", "a-"}, differ: []string{"b-"}},
		{pattern: "[�]", match: []string{"�"}, differ: []string{"\xff"}},
		{pattern: "apps/web", match: []string{"apps/web", "apps/web/x.yaml"}, differ: []string{"apps/website", "apps", "Apps/web"}},
	}
	for _, test := range tests {
		t.Run(test.pattern, func(t *testing.T) {
			t.Parallel()
			g := mustParse(t, test.pattern).Expand(map[string]string{App: "web", Env: "prod"})
			check := func(path string, want bool) {
				if got := g.Match(path); got != want {
					t.Errorf("Match(%q) = %t", path, got)
				}
				if got := naiveMatch(g.String(), path); got != want {
					t.Errorf("the naive matcher says %t of %q", got, path)
				}
			}
			for _, path := range test.match {
				check(path, true)
			}
			for _, path := range test.differ {
				check(path, false)
			}
		})
	}
}

func TestNothingMatches(t *testing.T) {
	t.Parallel()
	if (Glob{}).Match("a") {
		t.Error("the zero glob matches")
	}
	if mustParse(t, "**").Expand(nil).Match("") {
		t.Error("the empty path is matched")
	}
}

// With 40 stars, a matcher that tried every way to share out the path would
// not come back.
func TestManyStarsAreCheap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pattern, path string }{
		{strings.Repeat("*a", 40) + "b", strings.Repeat("a", 4000)},
		{strings.Repeat("**/a/", 40) + "b", strings.Repeat("a/", 2000) + "a"},
		{strings.Repeat("**/*a*a*/", 40) + "b", strings.Repeat("aaaa/", 1000) + "a"},
	} {
		if mustParse(t, test.pattern).Expand(nil).Match(test.path) {
			t.Errorf("%.20q… matches", test.pattern)
		}
		if got := mustParse(t, test.pattern+"{app}").Captures(test.path, nil); got != nil {
			t.Errorf("%.20q… captures %v", test.pattern, got)
		}
	}
}

// isSmall keeps the naive matcher's work within bounds.
func isSmall(pattern, path string) bool {
	return len(path) <= 24 && len(pattern) <= 40 && strings.Count(pattern, "*") <= 6
}

func isClean(path string) bool {
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			return false
		}
	}
	return true
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"apps/{app}/overlays/{env}/**", "apps/web/overlays/dev/x"},
		{"**/{app}/values-{env}.yaml", "c/web/values-dev.yaml"},
		{"{app}-{env}", "web-eu-dev"},
		{"{app}/{app}{env}", "a/ab"},
		{"**/a/**/b*", "a/x/a/bc"},
		{"*a*b", "aabab"},
		{"*[!é]?", "éa\xff"},
		{"[]-a]", "]"},
		{"[!--0]", "/"},
		{"**", "a/b"},
		{"*{app}*", "ab.c"},
		{"**/{env}/**/{app}", "a/b/c/d"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		p, err := Parse(text)
		if err != nil || !isSmall(text, path) || !isClean(path) {
			return
		}
		checkAgainstNaive(t, p, path)
	})
}
