package status

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// found writes findings, one line each.
func found(f *Findings) []string {
	var out []string
	for _, e := range f.Faults {
		out = append(out, "fault: "+e.Error())
	}
	for _, e := range f.Warnings {
		out = append(out, e.Error())
	}
	for _, u := range f.Unnamed {
		line := "unnamed: " + u.Image.Familiar()
		for _, p := range u.Places {
			line += fmt.Sprintf(" %s:%s", p.Path, p.Position)
		}
		out = append(out, line)
	}
	return out
}

// checked returns what a check finds in a tree.
func checked(t *testing.T, archive string) []string {
	t.Helper()
	f := matrixOf(t, treeOf(archive)).Check()
	for _, e := range slices.Concat(f.Faults, f.Warnings) {
		if e.Path == "" || e.Hint == "" && !strings.Contains(e.Message, "cannot be read") {
			t.Errorf("%v has no place or no hint", e)
		}
	}
	return found(f)
}

// web is an app in all environments, for trees in which something else counts.
const web = `
-- dev/web.yaml --
image: ghcr.io/acme/web:2
-- staging/web.yaml --
image: ghcr.io/acme/web:2
-- prod/web.yaml --
image: ghcr.io/acme/web:2
`

const webApp = `  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml"]}`

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, archive string
		want          []string
	}{
		{"a repo that fits", head + webApp + web, nil},
		{
			"an image of an app in a base, and in the file of another app",
			head + webApp + `
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/api.yaml"]}
-- dev/api.yaml --
api: {image: "ghcr.io/acme/api:1"}
web: {image: "ghcr.io/acme/web:1"}
-- base/web.yaml --
image: ghcr.io/acme/web:1
-- base/api.yaml --
a: {image: "ghcr.io/acme/api:1"}
b: {image: "ghcr.io/acme/api:2"}
` + web,
			[]string{
				"base/api.yaml:1:30: ghcr.io/acme/api stands in a file which belongs to no app (and 1 place more)",
				"base/web.yaml:1:25: ghcr.io/acme/web stands in a file which belongs to no app (and 1 place more)",
			},
		},
		{
			"an image of an app in the file of another",
			head + webApp + `
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/api.yaml"]}
-- dev/api.yaml --
api: {image: "ghcr.io/acme/api:1"}
web: {image: "ghcr.io/acme/web:1"}
` + web,
			[]string{"dev/api.yaml:2:32: ghcr.io/acme/web stands in a file which belongs to app api in dev, and that does not name it"},
		},
		{
			"images that no app names, by name, but not those of towpath's own files",
			head + webApp + `
-- dev/nginx.yaml --
image: nginx:1.27
-- apps/redis.yaml --
cache: {image: "redis:7"}
proxy: {image: "nginx:1.26"}
-- .towpath/notes.yaml --
image: busybox:1
` + web,
			[]string{"unnamed: nginx apps/redis.yaml:2:23 dev/nginx.yaml:1:14", "unnamed: redis apps/redis.yaml:1:23"},
		},
		{
			"an environment without an app",
			head + webApp + `
-- dev/web.yaml --
image: ghcr.io/acme/web:2
-- prod/web.yaml --
image: ghcr.io/acme/web:2
`,
			[]string{".towpath.yaml:5:5: environment staging has no app"},
		},
		{
			"an app that is deployed nowhere is told of once",
			head + webApp + `
  - {name: api, images: [ghcr.io/acme/api], files: ["apps/{app}/{env}/**", "charts/{app}-{env}.yaml"]}
` + web,
			[]string{".towpath.yaml:8:53: app api is deployed nowhere: no file matches apps/{app}/{env}/**, charts/{app}-{env}.yaml"},
		},
		{
			"where nothing is deployed, the environments are not told of",
			head + webApp,
			[]string{".towpath.yaml:7:53: app web is deployed nowhere: no file matches {env}/web.yaml"},
		},
		{
			"a pattern of an app that another one finds",
			head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml", "{env}/web.yml"]}
` + web,
			[]string{".towpath.yaml:8:71: no file matches {env}/web.yml"},
		},
		{
			"an entry that discovers nothing is told of once",
			head + webApp + `
  - {discover: "tags/{env}/{app}", files: ["more/{env}/{app}"], images: ["{app}"]}
` + web,
			[]string{".towpath.yaml:8:16: no file matches tags/{env}/{app}, so no app is discovered"},
		},
		{
			"patterns that an alias repeats are those of each app",
			`
-- .towpath.yaml --
version: 1
environments: [{name: dev}]
x-files: &files ["{env}/{app}.yaml"]
apps:
  - {name: web, images: [ghcr.io/acme/web], files: *files}
  - {name: api, images: [ghcr.io/acme/api], files: *files}
-- dev/web.yaml --
image: ghcr.io/acme/web:2
`,
			[]string{".towpath.yaml:3:18: app api is deployed nowhere: no file matches {env}/{app}.yaml"},
		},
		{
			"an image at several versions, and at one that is pinned in one place only",
			head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/*.yaml"]}
-- dev/extra.yaml --
image: ghcr.io/acme/web:3
-- prod/extra.yaml --
image: ghcr.io/acme/web:2@sha256:` + strings.Repeat("a", 64) + `
` + web,
			[]string{"dev/extra.yaml:1:25: app web has ghcr.io/acme/web at several versions in dev: 2, 3"},
		},
		{
			"a place that no bump can change",
			head + webApp + `
  - {name: api, images: [{image: ghcr.io/acme/api, keys: [tag]}], files: ["{env}/api.yaml"]}
-- dev/api.yaml --
tag: ghcr.io/acme/shop:1
` + web,
			[]string{"dev/api.yaml:1:24: ghcr.io/acme/api cannot be bumped here: what stands there is ghcr.io/acme/shop"},
		},
		{
			"a file of an app that cannot be parsed, and not those of none",
			head + webApp + `
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/api*"]}
-- dev/api.yaml --
image: ghcr.io/acme/api:1
-- dev/api-more.yaml --
image: [ghcr.io/acme/api:1
-- other/web.yaml --
image: [ghcr.io/acme/web:1
` + web,
			[]string{"dev/api-more.yaml:1:1: names the image, but cannot be read as YAML: did not find expected ',' or ']'"},
		},
		{
			"files with two apps",
			head + webApp + `
  - {name: all, images: [ghcr.io/acme/web], files: ["{env}/*.yaml"]}
` + web,
			[]string{"fault: .towpath.yaml:8:53: dev/web.yaml belongs to app web and to app all, and so do 2 more files"},
		},
		{
			"holds that are broken",
			head + webApp + `
-- .towpath/holds/dev/web.yaml --
reason: waits
unitl: tomorrow
-- .towpath/holds/dev/wbe.yaml --
reason: waits
-- .towpath/holds/qa/web.yaml --
reason: waits
-- .towpath/holds/prod/web.yml --
reason: waits
-- .towpath/holds/prod/Web.yaml --
reason: waits
-- .towpath/holds/web.yaml --
reason: waits
-- .towpath/holds/README.md --
How we hold.
-- .towpath/holds/.gitkeep --
` + web,
			[]string{
				".towpath/holds/dev/wbe.yaml: holds nothing: there is no app wbe",
				".towpath/holds/dev/web.yaml:2:1: unknown key unitl",
				".towpath/holds/prod/Web.yaml: is no name of a hold, and holds all the same",
				".towpath/holds/prod/web.yml: is no name of a hold, and holds all the same",
				".towpath/holds/qa/web.yaml: holds nothing: there is no environment qa",
				".towpath/holds/web.yaml: holds nothing: that is no name of a hold",
			},
		},
		{
			"a hold of a group holds its members",
			`
-- .towpath.yaml --
version: 1
environments: [{name: eu, group: prod}, {name: us, group: prod}]
apps:
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}.yaml"]}
-- eu.yaml --
image: ghcr.io/acme/web:2
-- us.yaml --
image: ghcr.io/acme/web:2
-- .towpath/holds/prod/web.yaml --
reason: waits
`,
			nil,
		},
		{
			"a hold where the app is not deployed is none to warn of",
			head + webApp + `
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/api.yaml"]}
-- dev/api.yaml --
image: ghcr.io/acme/api:1
-- .towpath/holds/prod/api.yaml --
reason: not yet
` + web,
			nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, checked(t, test.archive)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecisionKeysAbsentInSomeFilesAreFineInAllAFault(t *testing.T) {
	t.Parallel()
	const app = head + `  - {name: api, images: [ghcr.io/acme/api], keys: [image.tag, sidecar.tag], files: ["{env}/*.yaml"]}`
	for _, test := range []struct {
		name, archive string
		want          []string
	}{
		{
			"absent in some", app + `
-- dev/api.yaml --
image: {tag: v1}
-- staging/api.yaml --
sidecar: {tag: v1}
-- prod/api.yaml --
replicas: 1
`,
			nil,
		},
		{
			"absent in all", app + `
-- dev/api.yaml --
image: {tag: v1}
-- staging/api.yaml --
image: {tags: v1}
-- prod/api.yaml --
image: {tag: v1}
`,
			[]string{"fault: .towpath.yaml:7:63: app api: there is no version at sidecar.tag in any of its 3 files"},
		},
		{
			"an image that no file names", head + `
  - {name: api, images: [ghcr.io/acme/api, ghcr.io/acme/migrate], files: ["{env}/*.yaml"]}
-- dev/api.yaml --
image: ghcr.io/acme/api:1
-- staging/api.yaml --
replicas: 1
-- prod/api.yaml --
image: ghcr.io/acme/api:1
`,
			[]string{"fault: .towpath.yaml:8:44: app api: no version of ghcr.io/acme/migrate stands in any of its 3 files"},
		},
		{
			"files that cannot be parsed do not mend it", head + `
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/*.yaml"]}
-- dev/api.yaml --
image: [ghcr.io/acme/api:1
-- staging/api.yaml --
image: [ghcr.io/acme/api:1
-- prod/api.yaml --
image: [ghcr.io/acme/api:1
`,
			[]string{
				"fault: .towpath.yaml:8:26: app api: no version of ghcr.io/acme/api stands in any of its 3 files",
				"dev/api.yaml:1:1: names the image, but cannot be read as YAML: did not find expected ',' or ']'",
				"prod/api.yaml:1:1: names the image, but cannot be read as YAML: did not find expected ',' or ']'",
				"staging/api.yaml:1:1: names the image, but cannot be read as YAML: did not find expected ',' or ']'",
			},
		},
		{
			"an app that is deployed nowhere has nothing to lack", head + webApp + `
  - {name: api, images: [ghcr.io/acme/api], keys: [tag], files: ["{env}/api.yaml"]}
` + web,
			[]string{".towpath.yaml:8:66: app api is deployed nowhere: no file matches {env}/api.yaml"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, checked(t, test.archive)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecisionDiscoveredAppsMayLackKeys: in a tree that is discovered, one file
// of another sort must not make the whole configuration a faulty one.
func TestDecisionDiscoveredAppsMayLackKeys(t *testing.T) {
	t.Parallel()
	const tags = `
-- .towpath.yaml --
version: 1
environments: [{name: dev}, {name: prod, after: [dev]}]
apps:
  - {discover: "tags/{env}/{app}", images: [{image: "ghcr.io/acme/{app}", keys: [tag]}]}
`
	const folders = `
-- .towpath.yaml --
version: 1
environments: [{name: dev}, {name: prod, after: [dev]}]
apps:
  - {discover: "apps/{app}/{env}/**", images: ["ghcr.io/acme/{app}"]}
`
	for _, test := range []struct {
		name, archive string
		want          []string
	}{
		{
			"an app that has the key nowhere is a warning, an environment without it is none", tags + `
-- tags/dev/web --
tag: v1
-- tags/prod/web --
version: v1
-- tags/dev/readme --
Tags of all apps.
`,
			[]string{".towpath.yaml:4:82: app readme: there is no version at tag in any of its 1 file"},
		},
		{
			"what cannot be parsed is told of once", tags + `
-- tags/dev/web --
tag: v1
-- tags/prod/web --
tag: v1
-- tags/prod/more.yaml --
tag: [v1
`,
			[]string{"tags/prod/more.yaml:1:1: names the image, but cannot be read as YAML: did not find expected ',' or ']'"},
		},
		{
			"it is a fault if no app has it", tags + `
-- tags/dev/web --
version: v1
-- tags/prod/api --
version: v1
`,
			[]string{"fault: .towpath.yaml:4:82: there is no version at tag in any of the 2 files of the apps that are discovered"},
		},
		{
			"for an image, an app that has it nowhere is a warning", folders + `
-- apps/web/dev/a.yaml --
image: ghcr.io/acme/web:1
-- apps/web/prod/a.yaml --
replicas: 1
-- apps/redis/dev/a.yaml --
image: redis:7
-- apps/redis/prod/a.yaml --
image: redis:7
-- apps/zoo/dev/a.yaml --
replicas: 1
`,
			[]string{
				".towpath.yaml:4:48: app redis: no version of ghcr.io/acme/redis stands in any of its 2 files",
				".towpath.yaml:4:48: app zoo: no version of ghcr.io/acme/zoo stands in any of its 1 file",
				"unnamed: redis apps/redis/dev/a.yaml:1:14 apps/redis/prod/a.yaml:1:14",
			},
		},
		{
			"an image that no app has is a fault", folders + `
-- apps/web/dev/a.yaml --
image: acme/web:1
-- apps/redis/prod/a.yaml --
image: redis:7
`,
			[]string{
				"fault: .towpath.yaml:4:48: no version of ghcr.io/acme/{app} stands in any of the 2 files of the apps that are discovered",
				"unnamed: acme/web apps/web/dev/a.yaml:1:17",
				"unnamed: redis apps/redis/prod/a.yaml:1:14",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, checked(t, test.archive)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecisionNotDeployedIsNoFault(t *testing.T) {
	t.Parallel()
	got := checked(t, head+webApp+`
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/api.yaml"]}
-- prod/api.yaml --
image: ghcr.io/acme/api:1
`+web)
	if got != nil {
		t.Errorf("found %q", got)
	}
}

func TestHintsSayWhatToDo(t *testing.T) {
	t.Parallel()
	f := matrixOf(t, treeOf(head+webApp+`
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/api.yaml"]}
-- .towpath/holds/dev/web.yml --
reason: waits
-- dev/api.yaml --
image: ghcr.io/acme/api:1
-- base/api.yaml --
image: ghcr.io/acme/api:1
`+web)).Check()
	var got []string
	for _, w := range f.Warnings {
		got = append(got, w.Hint)
	}
	want := []string{
		"name it .towpath/holds/dev/web.yaml",
		"no bump of app api changes it there: add the file to the app's files, or its image to the app's images",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}
