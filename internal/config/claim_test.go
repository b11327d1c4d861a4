package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

const claimHead = `version: 1
environments:
  - name: dev
  - {name: staging, after: [dev]}
  - {name: prod, after: [staging]}
  - {name: eu-prod, after: [staging]}
apps:
`

// claimed returns the claims of a configuration on files, one line each, and
// what is wrong with them.
func claimed(t *testing.T, apps string, files ...string) (claims *Claims, lines, faults []string) {
	t.Helper()
	c, err := Parse([]byte(claimHead + apps))
	if err != nil {
		t.Fatal(err)
	}
	claims = c.Claims(files)
	for _, a := range claims.Apps() {
		for _, env := range slices.Sorted(maps.Keys(a.Files)) {
			lines = append(lines, fmt.Sprintf("%s %s: %s", a.Name, env, strings.Join(a.Files[env], " ")))
			for _, path := range a.Files[env] {
				if got, ok := claims.Of(path); !ok || got != (Claim{a.Name, env}) {
					t.Errorf("%s belongs to %v, but is listed for %s in %s", path, got, a.Name, env)
				}
			}
		}
	}
	if err := claims.Err(); err != nil {
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			f, _ := errors.AsType[*fault.Error](e)
			faults = append(faults, fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message))
		}
	}
	return claims, lines, faults
}

func TestClaims(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		apps   string
		files  []string
		want   []string
		faults []string
	}{
		{
			name:  "app and env are substituted before globbing",
			apps:  `  - {name: web, images: [web], files: ["apps/{app}/overlays/{env}/**"]}`,
			files: []string{"apps/web/base/a.yaml", "apps/web/overlays/dev/a.yaml", "apps/web/overlays/dev/x/b.yaml", "apps/web2/overlays/dev/a.yaml", "apps/web/overlays/qa/a.yaml"},
			want:  []string{"web dev: apps/web/overlays/dev/a.yaml apps/web/overlays/dev/x/b.yaml"},
		},
		{
			name:  "a pattern of a folder means all files in it",
			apps:  `  - {name: web, images: [web], files: ["{env}/{app}"]}`,
			files: []string{"dev/web/a.yaml", "dev/web.yaml", "prod/web"},
			want:  []string{"web dev: dev/web/a.yaml", "web prod: prod/web"},
		},
		{
			name:  "env stands for declared names only",
			apps:  `  - {name: web, images: [web], files: ["values-{env}.yaml"]}`,
			files: []string{"values-dev.yaml", "values-qa.yaml", "values-prod.yaml", "values-eu-prod.yaml", "values-us-prod.yaml"},
			want:  []string{"web dev: values-dev.yaml", "web eu-prod: values-eu-prod.yaml", "web prod: values-prod.yaml"},
		},
		{
			name:  "discover makes one app of each name",
			apps:  `  - {discover: "image-tags/{env}/{app}", images: [{image: "ghcr.io/acme/{app}", keys: [image_tag]}]}`,
			files: []string{"image-tags/dev/web", "image-tags/prod/web", "image-tags/dev/api", "image-tags/qa/cart", "image-tags/dev/.gitkeep", "image-tags/dev/README.md"},
			want:  []string{"api dev: image-tags/dev/api", "web dev: image-tags/dev/web", "web prod: image-tags/prod/web"},
		},
		{
			name: "an explicit app wins over a discovered one of its name, and over its files",
			apps: `  - {name: web, images: [web], files: ["special/{env}.yaml"]}
  - {discover: "tags/{env}/{app}", images: ["{app}"]}
  - {name: odd, images: [odd], files: ["tags/{env}/x"]}`,
			files: []string{"special/dev.yaml", "tags/dev/web", "tags/dev/api", "tags/dev/x"},
			want:  []string{"web dev: special/dev.yaml", "odd dev: tags/dev/x", "api dev: tags/dev/api"},
		},
		{
			name:  "discovered apps can have more files, and names alone can be discovered",
			apps:  `  - {discover: "apps/{app}/base", files: ["apps/{app}/overlays/{env}", "argocd/{env}/{app}.yaml"], images: ["{app}"]}`,
			files: []string{"apps/web/base/a.yaml", "apps/web/overlays/dev/a.yaml", "argocd/dev/web.yaml", "argocd/dev/api.yaml"},
			want:  []string{"web dev: apps/web/overlays/dev/a.yaml argocd/dev/web.yaml"},
		},
		{
			name:  "the longest environment wins in a discovered name",
			apps:  `  - {discover: "{app}-{env}.yaml", images: ["{app}"]}`,
			files: []string{"web-eu-prod.yaml", "web-prod.yaml", "web-eu-dev.yaml"},
			want:  []string{"web eu-prod: web-eu-prod.yaml", "web prod: web-prod.yaml", "web-eu dev: web-eu-dev.yaml"},
		},
		{
			name: "one file claimed by two apps is a fault",
			apps: `  - {name: web, images: [web], files: ["apps/web/{env}/**"]}
  - {name: all, images: [web], files: ["apps/*/{env}/**"]}`,
			files:  []string{"apps/web/dev/a.yaml", "apps/web/dev/b.yaml", "apps/api/dev/a.yaml"},
			want:   []string{"web dev: apps/web/dev/a.yaml apps/web/dev/b.yaml", "all dev: apps/api/dev/a.yaml"},
			faults: []string{"9:40: apps/web/dev/a.yaml belongs to app web and to app all, and so does 1 more file"},
		},
		{
			name:   "one file in two environments is a fault",
			apps:   `  - {name: web, images: [web], files: ["**/{env}/**"]}`,
			files:  []string{"dev/prod/a.yaml"},
			want:   []string{"web dev: dev/prod/a.yaml"},
			faults: []string{"8:40: dev/prod/a.yaml belongs to dev and to prod in app web"},
		},
		{
			name: "an app is discovered by one entry",
			apps: `  - {discover: "a/{env}/{app}", images: ["{app}"]}
  - {discover: "b/{env}/{app}", images: ["{app}"]}`,
			files:  []string{"a/dev/web", "b/dev/web"},
			want:   []string{"web dev: a/dev/web"},
			faults: []string{"9:16: app web is discovered by two entries; the other is on line 8"},
		},
		{
			name:  "towpath's own files belong to no app",
			apps:  `  - {discover: "**/{env}/{app}.yaml", images: ["{app}"]}`,
			files: []string{".towpath/holds/dev/web.yaml", ".towpath.yaml", "x/dev/web.yaml"},
			want:  []string{"web dev: x/dev/web.yaml"},
		},
		{
			name:  "absent from an environment is not deployed",
			apps:  `  - {name: web, images: [web], files: ["{env}/web.yaml"]}`,
			files: []string{"prod/web.yaml"},
			want:  []string{"web prod: prod/web.yaml"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, got, faults := claimed(t, test.apps, test.files...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.faults, faults); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClaimsOfOtherPaths asks for files that were there once, or will be.
func TestClaimsOfOtherPaths(t *testing.T) {
	t.Parallel()
	claims, _, _ := claimed(t, `  - {discover: "tags/{env}/{app}", images: ["{app}"]}`, "tags/dev/web")
	for path, want := range map[string]Claim{
		"tags/prod/web":               {"web", "prod"},
		"tags/prod/api":               {},
		"tags/qa/web":                 {},
		".towpath/holds/dev/web.yaml": {},
	} {
		if got, ok := claims.Of(path); got != want || ok != (want != Claim{}) {
			t.Errorf("%s belongs to %v (%v), want %v", path, got, ok, want)
		}
	}
	if claims.App("api") != nil || claims.App("web") == nil {
		t.Error("the apps are not those that the files name")
	}
}

func TestUnmatchedPatterns(t *testing.T) {
	t.Parallel()
	claims, _, _ := claimed(t, `  - {name: web, images: [web], files: ["a/{env}.yaml", "typo/{env}.yaml"]}
  - {discover: "none/{env}/{app}", images: ["{app}"]}
  - {discover: "some/{app}", files: ["{app}/{env}", "other/{app}/{env}"], images: ["{app}"]}`,
		"a/dev.yaml", "some/api", "api/dev/x")
	var got []string
	for _, u := range claims.Unmatched() {
		got = append(got, u.Text)
	}
	if diff := cmp.Diff([]string{"typo/{env}.yaml", "none/{env}/{app}", "other/{app}/{env}"}, got); diff != "" {
		t.Errorf("unmatched (-want +got):\n%s", diff)
	}
}

// FuzzClaims holds the claims of any pattern on any files together.
func FuzzClaims(f *testing.F) {
	f.Add("apps/{app}/{env}/**", "{app}-{env}.yaml", "apps/web/dev/a.yaml\nweb-eu-prod.yaml\n.towpath.yaml")
	f.Add("**/{env}/*", "{env}/{app}", "dev/prod/x\ndev/web\nprod/dev/web")
	f.Fuzz(func(t *testing.T, declared, discover, list string) {
		text := fmt.Sprintf("%s  - {name: web, images: [web], files: [%q]}\n  - {discover: %q, images: ['{app}']}\n", claimHead, declared, discover)
		c, err := Parse([]byte(text))
		if err != nil {
			t.Skip()
		}
		files := strings.Split(list, "\n")
		slices.Sort(files)
		files = slices.Compact(files)
		claims := c.Claims(files)
		listed := map[string]int{}
		for _, a := range claims.Apps() {
			for env, paths := range a.Files {
				for _, path := range paths {
					listed[path]++
					if got, ok := claims.Of(path); !ok || got != (Claim{a.Name, env}) {
						t.Errorf("%q belongs to %v, but is listed for %s in %s", path, got, a.Name, env)
					}
				}
			}
		}
		for _, path := range files {
			_, ok := claims.Of(path)
			if want := map[bool]int{true: 1}[ok]; listed[path] != want {
				t.Errorf("%q is listed %d times, want %d", path, listed[path], want)
			}
			if ok && IsOwn(path) {
				t.Errorf("%q belongs to an app", path)
			}
		}
		_ = claims.Err()
	})
}

// BenchmarkClaims resolves 1,000 apps in 5 environments on 10,000 files.
func BenchmarkClaims(b *testing.B) {
	var text strings.Builder
	text.WriteString("version: 1\nenvironments: [{name: e0}, {name: e1}, {name: e2}, {name: e3}, {name: e4}]\napps:\n")
	var files []string
	for i := range 1000 {
		fmt.Fprintf(&text, "  - {name: app%d, images: [ghcr.io/acme/app%d], files: ['apps/{app}/overlays/{env}/**']}\n", i, i)
		for e := range 5 {
			files = append(files, fmt.Sprintf("apps/app%d/overlays/e%d/kustomization.yaml", i, e), fmt.Sprintf("apps/app%d/base/file%d.yaml", i, e))
		}
	}
	c, err := Parse([]byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if claims := c.Claims(files); len(claims.Apps()) != 1000 {
			b.Fatal("apps are missing")
		}
	}
}

func TestDecisionEnvMeansDeclaredEnvironmentsOnly(t *testing.T) {
	t.Parallel()
	_, got, _ := claimed(t, `  - {name: web, images: [web], files: ["{env}/web.yaml"]}`, "dev/web.yaml", "qa/web.yaml", "eu-prod/web.yaml")
	if diff := cmp.Diff([]string{"web dev: dev/web.yaml", "web eu-prod: eu-prod/web.yaml"}, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestDecisionExplicitAppWinsOverDiscovered(t *testing.T) {
	t.Parallel()
	_, got, faults := claimed(t, `  - {discover: "tags/{env}/{app}", images: ["{app}"]}
  - {name: web, images: [web], files: ["own/{env}.yaml", "tags/{env}/shop"]}`,
		"own/dev.yaml", "tags/dev/api", "tags/dev/shop", "tags/dev/web")
	if diff := cmp.Diff([]string{"web dev: own/dev.yaml tags/dev/shop", "api dev: tags/dev/api"}, got); diff != "" || faults != nil {
		t.Errorf("claims (-want +got):\n%s\nfaults: %q", diff, faults)
	}
}

func TestDecisionAbsentFromAnEnvironmentIsNotDeployed(t *testing.T) {
	t.Parallel()
	claims, got, faults := claimed(t, `  - {name: web, images: [web], files: ["{env}/web.yaml"]}`, "prod/web.yaml")
	if diff := cmp.Diff([]string{"web prod: prod/web.yaml"}, got); diff != "" || faults != nil || claims.Unmatched() != nil {
		t.Errorf("claims (-want +got):\n%s\nfaults: %q, unmatched: %v", diff, faults, claims.Unmatched())
	}
}

// wide returns a configuration with 1,000 environments and what stands under
// apps, in which *f is ten patterns.
func wide(apps string) string {
	var b strings.Builder
	b.WriteString("version: 1\nx-files: &f [")
	for i := range 10 {
		fmt.Fprintf(&b, "'%d/{app}/{env}/**', ", i)
	}
	b.WriteString("]\nenvironments: [")
	for i := range 1000 {
		fmt.Fprintf(&b, "{name: e%d}, ", i)
	}
	return b.String() + "]\napps:\n" + apps
}

func TestDeclaredAppsHaveABound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, tail string
		app        int // that goes too far
	}{
		{"number", "**", 104},
		{"length", strings.Repeat("x", 700), 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var apps strings.Builder
			for i := range 500 {
				fmt.Fprintf(&apps, "  - {name: a%d, images: [a], files: *f}\n", i)
			}
			_, err := Parse([]byte(strings.ReplaceAll(wide(apps.String()), "**", test.tail)))
			faults := faultsIn(t, err)
			if len(faults) != 1 {
				t.Fatalf("got %v", err)
			}
			want := fmt.Sprintf("up to app a%d, the patterns come to %s", test.app, tooMany)
			if f := faults[0]; f.Message != want || f.Line != 5+test.app || f.Column != 5 {
				t.Errorf("got %v, want %s", f, want)
			}
		})
	}
}

func TestDiscoveredAppsHaveABound(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 1049 {
		fmt.Fprintf(&many, "'%d/{app}/{env}', ", i)
	}
	c, err := Parse([]byte(wide("  - {discover: 'few/{app}', images: [a], files: *f}\n  - {discover: 'many/{app}', images: [b], files: [" + many.String() + "]}\n")))
	if err != nil {
		t.Fatal(err)
	}
	claims := c.Claims([]string{"few/a", "few/b", "many/c", "many/d"})
	faults := faultsIn(t, claims.Err())
	if len(faults) != 1 {
		t.Fatalf("got %v", claims.Err())
	}
	const want = "with app c, which it discovers, the patterns come to " + tooMany
	if f := faults[0]; f.Message != want || f.Line != 6 || f.Column != 16 {
		t.Errorf("got %v", f)
	}
	if n := len(claims.Apps()); n != 2 {
		t.Errorf("there are %d apps, want 2", n)
	}
}

func TestEnvironmentByName(t *testing.T) {
	t.Parallel()
	c, err := Parse([]byte(wide("  - {name: a, images: [a], files: *f}\n")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Environments {
		if e := &c.Environments[i]; c.Environment(e.Name) != e {
			t.Errorf("%s is another environment", e.Name)
		}
	}
	if c.Environment("") != nil || c.Environment("e1000") != nil {
		t.Error("there are environments that nobody declared")
	}
}
