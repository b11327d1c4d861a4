package propose

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// narrowed is what a request comes to.
type narrowed struct {
	Files, Keys, Held, Faults []string
}

// narrow moves images to a version within a scope, and returns the files with
// the images that may change in them, and the keys.
func narrow(t *testing.T, scope *Scope, r *bump.Request, images ...string) narrowed {
	t.Helper()
	for _, name := range images {
		r.Moves = append(r.Moves, bump.Move{Image: image.Repository("ghcr.io/acme/" + name), Tag: "2"})
	}
	held, err := scope.Narrow(r)
	n := narrowed{Held: lines(t, held...), Faults: faultLines(t, err)}
	if err != nil {
		return n
	}
	for _, path := range tree {
		for _, m := range r.Moves {
			if r.Match(path) && r.MatchImage(path, m.Image) {
				n.Files = append(n.Files, path+" "+m.Image.Base())
			}
		}
	}
	for _, target := range r.Set {
		line := fmt.Sprintf("%s:%s", target.Path, target.Keys)
		if target.Optional {
			line += " " + target.Image.Base()
		}
		n.Keys = append(n.Keys, line)
	}
	return n
}

func TestNarrow(t *testing.T) {
	t.Parallel()
	in := func(names ...string) Selection { return Selection{Environments: names} }
	for _, test := range []struct {
		name      string
		selection Selection
		images    []string
		want      narrowed
	}{
		{
			"an environment", in("staging"),
			[]string{"web"},
			narrowed{Files: []string{"apps/web/staging/a.yaml web"}},
		},
		{
			"a group means its members", in("prod"),
			[]string{"web"},
			narrowed{Files: []string{"apps/web/prod-eu/a.yaml web", "apps/web/prod-us/a.yaml web"}},
		},
		{
			"several names, one of them twice", in("prod-eu", "staging", "prod"),
			[]string{"web"},
			narrowed{Files: []string{"apps/web/prod-eu/a.yaml web", "apps/web/prod-us/a.yaml web", "apps/web/staging/a.yaml web"}},
		},
		{
			"an app of two that name the image",
			Selection{Apps: []string{"copy"}},
			[]string{"web"},
			narrowed{Files: []string{"apps/copy/dev/a.yaml web"}},
		},
		{
			"app and environment",
			Selection{Environments: []string{"prod"}, Apps: []string{"web"}},
			[]string{"web"},
			narrowed{Files: []string{"apps/web/prod-eu/a.yaml web", "apps/web/prod-us/a.yaml web"}},
		},
		{
			"keys in each file of the app that is selected", in("dev", "prod"),
			[]string{"billing"},
			narrowed{
				Files: []string{"charts/billing/values-dev.yaml billing", "charts/billing/values-prod-us.yaml billing"},
				Keys: []string{
					"charts/billing/values-dev.yaml:image.tag billing", `charts/billing/values-dev.yaml:cron."image.tag" billing`,
					"charts/billing/values-prod-us.yaml:image.tag billing", `charts/billing/values-prod-us.yaml:cron."image.tag" billing`,
				},
			},
		},
		{
			"keys of an app that is discovered", in("*"),
			[]string{"search"},
			narrowed{
				Files: []string{"tags/dev/search search", "tags/prod-eu/search search"},
				Keys:  []string{"tags/dev/search:image_tag search", "tags/prod-eu/search:image_tag search"},
			},
		},
		{
			"several images, each in the files of its apps",
			Selection{},
			[]string{"shop", "shop-migrate", "search"},
			narrowed{
				Files: []string{
					"apps/shop/dev/a.yaml shop", "apps/shop/dev/a.yaml shop-migrate",
					"apps/shop/lab/a.yaml shop", "apps/shop/lab/a.yaml shop-migrate", "tags/dev/search search",
				},
				Keys: []string{"tags/dev/search:image_tag search"},
			},
		},
		{
			"an image that no app names",
			Selection{},
			[]string{"wbe"},
			narrowed{Faults: []string{"no app in .towpath.yaml names ghcr.io/acme/wbe"}},
		},
		{
			"an image of another app",
			Selection{Apps: []string{"shop", "billing"}},
			[]string{"web"},
			narrowed{Faults: []string{"ghcr.io/acme/web is no image of app billing, shop"}},
		},
		{
			"an app that is not deployed there", in("dev", "staging"),
			[]string{"late"},
			narrowed{Faults: []string{"app late is not deployed in dev, staging"}},
		},
		{
			"an app that is deployed nowhere", in("*"),
			[]string{"gone"},
			narrowed{Faults: []string{"app gone is not deployed in dev, lab, staging, prod-eu, prod-us"}},
		},
		{
			"all faults at once",
			Selection{},
			[]string{"web", "late", "wbe"},
			narrowed{Faults: []string{"app late is not deployed in dev, lab", "no app in .towpath.yaml names ghcr.io/acme/wbe"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := narrow(t, scopeOf(t, test.selection), &bump.Request{}, test.images...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("narrowed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecisionWithoutEnvOnlyEnvironmentsThatComeFirst(t *testing.T) {
	t.Parallel()
	got := narrow(t, scopeOf(t, Selection{}), &bump.Request{}, "web", "shop")
	want := narrowed{Files: []string{
		"apps/copy/dev/a.yaml web", "apps/shop/dev/a.yaml shop", "apps/shop/lab/a.yaml shop",
		"apps/web/dev/a.yaml web", "apps/web/dev/b.yaml web",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("narrowed (-want +got):\n%s", diff)
	}
}

func TestDecisionStarMeansAllEnvironments(t *testing.T) {
	t.Parallel()
	got := narrow(t, scopeOf(t, Selection{Environments: []string{All}, Apps: []string{"web"}}), &bump.Request{}, "web")
	want := narrowed{Files: []string{
		"apps/web/dev/a.yaml web", "apps/web/dev/b.yaml web", "apps/web/prod-eu/a.yaml web", "apps/web/prod-us/a.yaml web", "apps/web/staging/a.yaml web",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("narrowed (-want +got):\n%s", diff)
	}
}

func TestDecisionBumpHonoursHolds(t *testing.T) {
	t.Parallel()
	held := func(env, app string) string {
		return fmt.Sprintf(".towpath/holds/%s/%s.yaml: app %s is held in %s: loses orders", env, app, app, env)
	}
	for _, test := range []struct {
		name      string
		selection Selection
		holds     []string
		images    []string
		want      narrowed
	}{
		{
			"what is held stays, and the rest moves",
			Selection{},
			[]string{"dev/web"},
			[]string{"web"},
			narrowed{Files: []string{"apps/copy/dev/a.yaml web"}, Held: []string{held("dev", "web")}},
		},
		{
			"with several images it is said once",
			Selection{},
			[]string{"dev/shop"},
			[]string{"shop", "shop-migrate"},
			narrowed{
				Files: []string{"apps/shop/lab/a.yaml shop", "apps/shop/lab/a.yaml shop-migrate"},
				Held:  []string{held("dev", "shop")},
			},
		},
		{
			"in each environment by itself",
			Selection{Environments: []string{"prod"}},
			[]string{"prod-eu/web", "prod-us/web"},
			[]string{"web"},
			narrowed{Held: []string{held("prod-eu", "web"), held("prod-us", "web")}},
		},
		{
			"keys are held, too",
			Selection{},
			[]string{"dev/billing"},
			[]string{"billing"},
			narrowed{Held: []string{held("dev", "billing")}},
		},
		{
			"other environments do not matter",
			Selection{},
			[]string{"staging/web", "prod-eu/web"},
			[]string{"web"},
			narrowed{Files: []string{"apps/copy/dev/a.yaml web", "apps/web/dev/a.yaml web", "apps/web/dev/b.yaml web"}},
		},
		{
			"a hold of a group holds its members",
			Selection{Environments: []string{"*"}},
			[]string{"prod/web"},
			[]string{"web"},
			narrowed{
				Files: []string{"apps/copy/dev/a.yaml web", "apps/web/dev/a.yaml web", "apps/web/dev/b.yaml web", "apps/web/staging/a.yaml web"},
				Held: []string{
					".towpath/holds/prod/web.yaml: app web is held in prod-eu: loses orders",
					".towpath/holds/prod/web.yaml: app web is held in prod-us: loses orders",
				},
			},
		},
		{
			"nor do other apps",
			Selection{Environments: []string{"prod"}},
			[]string{"prod-eu/shop", "qa/web", "prod-eu/wbe"},
			[]string{"web"},
			narrowed{Files: []string{"apps/web/prod-eu/a.yaml web", "apps/web/prod-us/a.yaml web"}},
		},
		{
			"where the app is not deployed there is nothing to hold",
			Selection{},
			[]string{"lab/web"},
			[]string{"web"},
			narrowed{Files: []string{"apps/copy/dev/a.yaml web", "apps/web/dev/a.yaml web", "apps/web/dev/b.yaml web"}},
		},
		{
			"a hold that cannot be read holds",
			Selection{Apps: []string{"web"}},
			[]string{"dev/web!"},
			[]string{"web"},
			narrowed{Held: []string{".towpath/holds/dev/web.yaml: app web is held in dev: its hold file .towpath/holds/dev/web.yaml cannot be read"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := narrow(t, scopeOf(t, test.selection, test.holds...), &bump.Request{}, test.images...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("narrowed (-want +got):\n%s", diff)
			}
		})
	}
}

func keys(t *testing.T, text string) edit.Path {
	t.Helper()
	path, err := edit.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNarrowWithPlacesThatAreNamed(t *testing.T) {
	t.Parallel()
	set := func(paths ...string) *bump.Request {
		r := &bump.Request{}
		for _, path := range paths {
			r.Set = append(r.Set, bump.Target{Path: path, Keys: keys(t, "tag")})
		}
		return r
	}
	for _, test := range []struct {
		name    string
		request *bump.Request
		holds   []string
		images  []string
		want    narrowed
	}{
		{
			"they stay, also outside of the scope", set("apps/web/prod-eu/a.yaml", "README.md"), nil,
			[]string{"late"},
			narrowed{Keys: []string{"apps/web/prod-eu/a.yaml:tag", "README.md:tag"}},
		},
		{
			"they may be for an image that no app names", set("README.md"), nil,
			[]string{"wbe"},
			narrowed{Keys: []string{"README.md:tag"}},
		},
		{
			"they come with those of the apps", set("README.md"), nil,
			[]string{"billing"},
			narrowed{
				Files: []string{"charts/billing/values-dev.yaml billing"},
				Keys:  []string{"README.md:tag", "charts/billing/values-dev.yaml:image.tag billing", `charts/billing/values-dev.yaml:cron."image.tag" billing`},
			},
		},
		{
			"in what is held they are refused, wherever it is", set("apps/web/prod-eu/a.yaml", "apps/web/prod-eu/a.yaml"),
			[]string{"prod-eu/web"},
			[]string{"web"},
			narrowed{Faults: []string{".towpath/holds/prod-eu/web.yaml: app web is held in prod-eu: loses orders"}},
		},
		{
			"also where the file is yet to come", set("apps/web/prod-eu/new.yaml"),
			[]string{"prod-eu/web"},
			[]string{"web"},
			narrowed{Faults: []string{".towpath/holds/prod-eu/web.yaml: app web is held in prod-eu: loses orders"}},
		},
		{
			"and so are entries that would be added", &bump.Request{Add: []string{"apps/web/dev/a.yaml", "apps/copy/dev/a.yaml"}},
			[]string{"dev/web", "dev/copy"},
			[]string{"web"},
			narrowed{Faults: []string{
				".towpath/holds/dev/web.yaml: app web is held in dev: loses orders",
				".towpath/holds/dev/copy.yaml: app copy is held in dev: loses orders",
			}},
		},
		{
			"in what is not held they are not", set("apps/web/prod-us/a.yaml"),
			[]string{"prod-eu/web"},
			[]string{"late"},
			narrowed{Keys: []string{"apps/web/prod-us/a.yaml:tag"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := narrow(t, scopeOf(t, Selection{}, test.holds...), test.request, test.images...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("narrowed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNarrowKeepsTheMatchOfTheRequest(t *testing.T) {
	t.Parallel()
	under := func(dir string) *bump.Request {
		return &bump.Request{Match: func(path string) bool { return strings.HasPrefix(path, dir) }}
	}
	for _, test := range []struct {
		name, dir string
		holds     []string
		want      narrowed
	}{
		{"files in scope that match", "apps/web/", nil, narrowed{Files: []string{"apps/web/dev/a.yaml web", "apps/web/dev/b.yaml web"}}},
		{"keys are only in files that match", "charts/", nil, narrowed{
			Files: []string{"charts/billing/values-dev.yaml billing"},
			Keys:  []string{"charts/billing/values-dev.yaml:image.tag billing", `charts/billing/values-dev.yaml:cron."image.tag" billing`},
		}},
		{"what is held elsewhere is not told of", "apps/copy/", []string{"dev/web"}, narrowed{Files: []string{"apps/copy/dev/a.yaml web"}}},
		{"what is held there is", "apps/web/dev/b", []string{"dev/web"}, narrowed{
			Held: []string{".towpath/holds/dev/web.yaml: app web is held in dev: loses orders"},
		}},
		{"nothing", "nowhere/", nil, narrowed{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := narrow(t, scopeOf(t, Selection{}, test.holds...), under(test.dir), "web", "billing")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("narrowed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNarrowExplains(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, image string
		selection   Selection
		code        fault.Code
		hint        string
	}{
		{"a near image", "wbe", Selection{}, fault.NotFound, "did you mean ghcr.io/acme/web?"},
		{"another image", "zookeeper", Selection{}, fault.NotFound, "add it to an app's images, or pass --no-config to bump it wherever it stands"},
		{"another app", "web", Selection{Apps: []string{"shop"}}, fault.NotFound, "name another app, or add the image to its images"},
		{"another environment", "late", Selection{}, fault.NotFound, "it is deployed in prod-eu: pass --env prod-eu"},
		{"no environment", "gone", Selection{}, fault.NotFound, "see `towpath check` for the files that it looks for"},
	} {
		r := &bump.Request{Moves: []bump.Move{{Image: image.Repository("ghcr.io/acme/" + test.image), Tag: "2"}}}
		_, err := scopeOf(t, test.selection).Narrow(r)
		faults := err.(interface{ Unwrap() []error }).Unwrap()
		if f, _ := errors.AsType[*fault.Error](faults[0]); f.Code != test.code || f.Hint != test.hint {
			t.Errorf("%s: got %s %q, want %s %q", test.name, f.Code, f.Hint, test.code, test.hint)
		}
		if r.Match != nil || r.MatchImage != nil {
			t.Errorf("%s: the request was narrowed in spite of the error", test.name)
		}
	}
}

func TestHeldIsRefused(t *testing.T) {
	t.Parallel()
	r := &bump.Request{Moves: []bump.Move{{Image: "ghcr.io/acme/web", Tag: "2"}}}
	held, err := scopeOf(t, Selection{Apps: []string{"web"}}, "dev/web").Narrow(r)
	if err != nil {
		t.Fatal(err)
	}
	want := []*fault.Error{{
		Code: fault.Refused, Message: "app web is held in dev: loses orders", Hint: "remove the file when it may move again", Path: ".towpath/holds/dev/web.yaml",
	}}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}
