package propose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/image"
)

const environments = `version: 1
environments:
  - {name: dev}
  - {name: lab}
  - {name: staging, after: [dev]}
  - {name: prod-eu, group: prod, after: [staging]}
  - {name: prod-us, group: prod, after: [prod-eu]}
`

const repo = environments + `apps:
  - {name: web, images: [ghcr.io/acme/web], files: ["apps/{app}/{env}/**"]}
  - {name: shop, images: [ghcr.io/acme/shop, ghcr.io/acme/shop-migrate], files: ["apps/{app}/{env}/**"]}
  - {name: billing, images: [{image: ghcr.io/acme/billing, keys: [image.tag, "cron.\"image.tag\""]}], files: ["charts/billing/values-{env}.yaml"]}
  - {name: copy, images: [ghcr.io/acme/web], files: ["apps/{app}/{env}/**"]}
  - {name: late, images: [ghcr.io/acme/late], files: ["apps/{app}/{env}/**"]}
  - {name: gone, images: [ghcr.io/acme/gone], files: ["apps/{app}/{env}/**"]}
  - {discover: "tags/{env}/{app}", images: [{image: "ghcr.io/acme/{app}", keys: [image_tag]}]}
`

// tree are the files of the repo.
var tree = []string{
	"README.md", "apps/web/base/deployment.yaml",
	"apps/copy/dev/a.yaml",
	"apps/late/prod-eu/a.yaml",
	"apps/shop/dev/a.yaml", "apps/shop/lab/a.yaml",
	"apps/web/dev/a.yaml", "apps/web/dev/b.yaml", "apps/web/prod-eu/a.yaml", "apps/web/prod-us/a.yaml", "apps/web/staging/a.yaml",
	"charts/billing/values-dev.yaml", "charts/billing/values-prod-us.yaml",
	"tags/dev/search", "tags/prod-eu/search",
}

// scopeOf applies a selection to the repo, with holds written as "env/app" or,
// if they cannot be read, as "env/app!".
func scopeOf(t *testing.T, s Selection, holds ...string) *Scope {
	t.Helper()
	cfg, err := config.Parse([]byte(repo))
	if err != nil {
		t.Fatal(err)
	}
	files := slices.Clone(tree)
	for _, h := range holds {
		files = append(files, hold.Dir+"/"+strings.TrimSuffix(h, "!")+".yaml")
	}
	read := func(path string) ([]byte, error) {
		if slices.Contains(holds, strings.TrimSuffix(strings.TrimPrefix(path, hold.Dir+"/"), ".yaml")+"!") {
			return []byte("["), nil
		}
		return []byte("reason: loses orders\n"), nil
	}
	scope, err := NewScope(cfg, files, read, s)
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

func lines(t *testing.T, faults ...*fault.Error) []string {
	t.Helper()
	var out []string
	for _, f := range faults {
		if f.Hint == "" {
			t.Errorf("%v has no hint", f)
		}
		out = append(out, f.Error())
	}
	return out
}

func faultLines(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range joined.Unwrap() {
			out = append(out, faultLines(t, e)...)
		}
		return out
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("%v is no fault", err)
	}
	return lines(t, f)
}

func TestNewScopeTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse([]byte(environments + `apps:
  - {name: web, images: [ghcr.io/acme/web], files: ["apps/web/{env}/**"]}
  - {name: all, images: [ghcr.io/acme/web], files: ["apps/*/{env}/**"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	selection := Selection{Environments: []string{"dve", "prod", "nowhere"}, Apps: []string{"wbe", "web"}}
	scope, err := NewScope(cfg, []string{"apps/web/dev/a.yaml"}, nil, selection)
	if scope != nil {
		t.Error("there is a scope in spite of the faults")
	}
	want := []string{
		".towpath.yaml:10:53: apps/web/dev/a.yaml belongs to app web and to app all",
		`.towpath.yaml names no environment or group "dve"`,
		`.towpath.yaml names no environment or group "nowhere"`,
		`.towpath.yaml names no app "wbe"`,
	}
	if diff := cmp.Diff(want, faultLines(t, err)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestUnknownNamesSayWhatIsKnown(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse([]byte(repo))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		selection Selection
		hint      string
	}{
		{Selection{Environments: []string{"stagin"}}, "did you mean staging?"},
		{Selection{Environments: []string{"prd"}}, "did you mean prod?"},
		{Selection{Environments: []string{"elsewhere"}}, "the environments and groups are dev, lab, staging, prod-eu, prod, prod-us"},
		{Selection{Apps: []string{"serch"}}, "did you mean search?"},
		{Selection{Apps: []string{"nothing-like-it"}}, "the apps are web, shop, billing, copy, late, gone, search"},
		{Selection{Environments: []string{""}}, "the environments and groups are dev, lab, staging, prod-eu, prod, prod-us"},
	} {
		_, err := NewScope(cfg, tree, nil, test.selection)
		faults := err.(interface{ Unwrap() []error }).Unwrap()
		if f, _ := errors.AsType[*fault.Error](faults[0]); f.Hint != test.hint || f.Code != fault.Usage {
			t.Errorf("%v: got %s with the hint %q, want %q", test.selection, f.Code, f.Hint, test.hint)
		}
	}
}

func TestNear(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 23 {
		many = append(many, fmt.Sprintf("app-%02d", i))
	}
	for _, test := range []struct {
		name  string
		known []string
		want  string
	}{
		{"web", nil, "there are no apps"},
		{"wbe", []string{"api", "web"}, "did you mean web?"},
		{"something", []string{"api", "web"}, "the apps are api, web"},
		{"something", many, "the apps are " + strings.Join(many[:20], ", ") + " and 3 more"},
		{"something", many[:20], "the apps are " + strings.Join(many[:20], ", ")},
	} {
		if got := Near(test.name, test.known, "apps"); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse([]byte(repo))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"dev":     {"dev"},
		"prod":    {"prod-eu", "prod-us"},
		"prod-us": {"prod-us"},
		All:       {"dev", "lab", "staging", "prod-eu", "prod-us"},
	} {
		got, err := Environments(cfg, name)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s (-want +got), error %v:\n%s", name, err, diff)
		}
	}
	if got, err := Environments(cfg, "**"); got != nil || fault.CodeOf(err) != fault.Usage {
		t.Errorf("got %q and the error %v", got, err)
	}
}

func TestScopeSaysWhereItLooks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		selection Selection
		want      string
	}{
		{Selection{}, "the files of app web, copy in dev, lab"},
		{Selection{Environments: []string{"prod"}, Apps: []string{"web", "shop"}}, "the files of app web in prod-eu, prod-us"},
	} {
		if got := scopeOf(t, test.selection).Where("ghcr.io/acme/web"); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestImagesOfTheAppsThatAreSelected(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		apps []string
		want []image.Repository
	}{
		{nil, []image.Repository{
			"ghcr.io/acme/web", "ghcr.io/acme/shop", "ghcr.io/acme/shop-migrate", "ghcr.io/acme/billing",
			"ghcr.io/acme/late", "ghcr.io/acme/gone", "ghcr.io/acme/search",
		}},
		{[]string{"copy", "search", "web"}, []image.Repository{"ghcr.io/acme/web", "ghcr.io/acme/search"}},
	} {
		if diff := cmp.Diff(test.want, scopeOf(t, Selection{Apps: test.apps}).Images()); diff != "" {
			t.Errorf("images of %q (-want +got):\n%s", test.apps, diff)
		}
	}
}

func TestClaimKnowsFilesOutsideOfTheScope(t *testing.T) {
	t.Parallel()
	scope := scopeOf(t, Selection{Environments: []string{"dev"}, Apps: []string{"shop"}})
	for path, want := range map[string]config.Claim{
		"apps/web/prod-us/a.yaml":       {App: "web", Env: "prod-us"},
		"apps/web/prod-us/new/b.yaml":   {App: "web", Env: "prod-us"},
		"apps/shop/dev/a.yaml":          {App: "shop", Env: "dev"},
		"apps/web/base/deployment.yaml": {},
		".towpath.yaml":                 {},
	} {
		if got, ok := scope.Claim(path); got != want || ok != (want != config.Claim{}) {
			t.Errorf("%s belongs to %v, want %v", path, got, want)
		}
	}
}

func TestTargetsOfAnApp(t *testing.T) {
	t.Parallel()
	app := &config.Application{Images: []config.UsedImage{
		{Image: "ghcr.io/acme/a", Keys: []config.Key{{Path: keys(t, "a.tag")}, {Path: keys(t, "a.init")}}},
		{Image: "ghcr.io/acme/b", Keys: []config.Key{{Path: keys(t, "b.tag")}}},
		{Image: "ghcr.io/acme/c"},
	}}
	for repo, want := range map[image.Repository]string{
		"":               "a.tag a.init b.tag",
		"ghcr.io/acme/a": "a.tag a.init",
		"ghcr.io/acme/c": "",
		"ghcr.io/acme/d": "",
	} {
		var got []string
		for _, target := range targets(app, "x.yaml", repo) {
			if target.Path != "x.yaml" || !target.Optional {
				t.Errorf("%+v is no optional place in the file", target)
			}
			got = append(got, target.Keys.String())
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("of %q: got %q, want %q", repo, text, want)
		}
	}
}

func TestDecisionCommandsAcceptEnvironmentsAndGroups(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse([]byte(repo))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"staging": {"staging"},
		"prod":    {"prod-eu", "prod-us"},
		All:       {"dev", "lab", "staging", "prod-eu", "prod-us"},
	} {
		if got, err := Environments(cfg, name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s means %q (%v), want %q", name, got, err, want)
		}
	}
}
