package status

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/config"
)

// three environments, and the start of the list of apps.
const head = `
-- .towpath.yaml --
version: 1
environments:
  - {name: prod, after: [staging]}
  - {name: dev}
  - {name: staging, after: [dev]}
apps:
`

// cellLines writes a matrix, one line for each cell of an app that is deployed.
func cellLines(m *Matrix) []string {
	var out []string
	for _, cell := range m.cells() {
		line := fmt.Sprintf("%s %s: %s", cell.App, cell.Env, cell.Versions)
		for _, lag := range cell.Behind {
			line += fmt.Sprintf(", %s %s", lag.Relation, lag.Env)
		}
		if cell.Hold != nil {
			line += ", held: " + cell.Hold.Reason
		}
		out = append(out, line)
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct {
		name, archive string
		want          []string
	}{
		{
			"environments stand in the order of promotion, and where an app is not deployed is no cell",
			head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml"]}
  - {name: api, images: [ghcr.io/acme/api], files: ["{env}/api.yaml"]}
-- dev/web.yaml --
image: ghcr.io/acme/web:1.4.2
-- staging/web.yaml --
image: ghcr.io/acme/web:1.4.2
-- prod/web.yaml --
image: ghcr.io/acme/web:1.4.1
-- prod/api.yaml --
image: ghcr.io/acme/api:7
`,
			[]string{"web dev: 1.4.2", "web staging: 1.4.2, level dev", "web prod: 1.4.1, behind staging", "api prod: 7"},
		},
		{
			"an environment in between without the app is not looked through",
			head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml"]}
-- dev/web.yaml --
image: ghcr.io/acme/web:2
-- prod/web.yaml --
image: ghcr.io/acme/web:1
`,
			[]string{"web dev: 2", "web prod: 1"},
		},
		{
			"several images, mixed ones, digests",
			head + `
  - {name: web, images: [ghcr.io/acme/web, ghcr.io/acme/migrate], files: ["{env}/**"]}
-- dev/a.yaml --
image: ghcr.io/acme/web:2
-- dev/b.yaml --
image: ghcr.io/acme/migrate:3
-- staging/a.yaml --
image: ghcr.io/acme/web:2
-- staging/b.yaml --
image: ghcr.io/acme/migrate:2
-- staging/c.yaml --
image: ghcr.io/acme/web:1
-- prod/a.yaml --
image: ghcr.io/acme/web:2@` + digest + `
-- prod/b.yaml --
image: ghcr.io/acme/migrate@` + digest + `
`,
			[]string{
				"web dev: migrate 3, web 2",
				"web staging: migrate 2, web 1 | 2, differs dev",
				"web prod: migrate " + digest + ", web 2@" + digest + ", differs staging",
			},
		},
		{
			"one image alone says how they relate, and a tag with a digest is that tag",
			head + `
  - {name: web, images: [ghcr.io/acme/web, ghcr.io/acme/migrate], files: ["{env}.yaml"]}
-- dev.yaml --
web: {image: "ghcr.io/acme/web:2"}
migrate: {image: "ghcr.io/acme/migrate:2"}
-- staging.yaml --
web: {image: "ghcr.io/acme/web:2@` + digest + `"}
-- prod.yaml --
web: {image: "ghcr.io/acme/web:3"}
migrate: {image: "ghcr.io/acme/migrate:1"}
`,
			[]string{"web dev: 2", "web staging: 2@" + digest + ", level dev", "web prod: migrate 1, web 3, ahead staging"},
		},
		{
			"what has no order differs, and so do images that go both ways",
			head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["web/{env}.yaml"]}
  - {name: api, images: [ghcr.io/acme/a, ghcr.io/acme/b], files: ["api/{env}.yaml"]}
-- web/dev.yaml --
image: ghcr.io/acme/web:abc1234
-- web/staging.yaml --
image: ghcr.io/acme/web:1.4.2
-- web/prod.yaml --
image: ghcr.io/acme/web:v1.4.2
-- api/dev.yaml --
a: {image: "ghcr.io/acme/a:1"}
b: {image: "ghcr.io/acme/b:2"}
-- api/staging.yaml --
a: {image: "ghcr.io/acme/a:2"}
b: {image: "ghcr.io/acme/b:1"}
`,
			[]string{
				"web dev: abc1234", "web staging: 1.4.2, differs dev", "web prod: v1.4.2, differs staging",
				"api dev: a 1, b 2", "api staging: a 2, b 1, differs dev",
			},
		},
		{
			"keys lead to a tag, also beside the repository, and may be absent",
			head + `
  - {name: web, images: [ghcr.io/acme/web], keys: [image.tag], files: ["web/{env}/*.yaml"]}
  - {discover: "tags/{env}/{app}", images: [{image: "ghcr.io/acme/{app}", keys: [tag]}]}
-- web/dev/values.yaml --
image: {tag: 1.4.2}
-- web/dev/other.yaml --
replicas: 2
-- web/staging/values.yaml --
image:
  repository: ghcr.io/acme/web
  tag: 1.4.2
-- web/prod/values.yaml --
image: {repository: mirror.acme.dev/web, tag: 1.4.2}
-- tags/dev/search --
tag: v7
-- tags/staging/search --
tag: v7
-- tags/staging/cart --
replicas: 1
`,
			[]string{"web dev: 1.4.2", "web staging: 1.4.2, level dev", "web prod: 1.4.2, level staging", "cart staging: ", "search dev: v7", "search staging: v7, level dev"},
		},
		{
			"a group before an environment means its members",
			`
-- .towpath.yaml --
version: 1
environments:
  - {name: eu, group: early}
  - {name: us, group: early}
  - {name: prod, after: [early]}
apps:
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}.yaml"]}
-- eu.yaml --
image: ghcr.io/acme/web:2
-- us.yaml --
image: ghcr.io/acme/web:3
-- prod.yaml --
image: ghcr.io/acme/web:2
`,
			[]string{"web eu: 2", "web us: 3", "web prod: 2, level eu, behind us"},
		},
		{
			"holds, whatever stands in them",
			head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml"]}
-- dev/web.yaml --
image: ghcr.io/acme/web:2
-- staging/web.yaml --
image: ghcr.io/acme/web:2
-- prod/web.yaml --
image: ghcr.io/acme/web:2
-- .towpath/holds/dev/web.yaml --
reason: waits for INC-311
-- .towpath/holds/staging/web.yaml --
[
-- .towpath/holds/prod/web.yaml --
a link
`,
			[]string{
				"web dev: 2, held: waits for INC-311",
				"web staging: 2, level dev, held: its hold file .towpath/holds/staging/web.yaml cannot be read",
				"web prod: 2, level staging, held: its hold file .towpath/holds/prod/web.yaml cannot be read",
			},
		},
		{
			"what cannot be parsed holds no version that is known",
			head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/*"]}
-- dev/web.yaml --
image: [ghcr.io/acme/web:1
-- dev/more.yaml --
image: ghcr.io/acme/web:2
`,
			[]string{"web dev: 2"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := matrixOf(t, treeOf(test.archive))
			if diff := cmp.Diff(test.want, cellLines(m)); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadOrdersEnvironmentsAndApps(t *testing.T) {
	t.Parallel()
	m := matrixOf(t, treeOf(head+`
  - {discover: "tags/{env}/{app}", images: [{image: "{app}", keys: [tag]}]}
  - {name: zoo, images: [zoo], files: ["zoo/{env}.yaml"]}
  - {name: api, images: [api], files: ["api/{env}.yaml"]}
-- tags/dev/web --
tag: v1
-- tags/dev/cart --
tag: v1
`))
	if diff := cmp.Diff([]string{"dev", "staging", "prod"}, m.Environments); diff != "" {
		t.Errorf("environments (-want +got):\n%s", diff)
	}
	var apps []string
	for _, a := range m.Apps {
		apps = append(apps, a.Name)
		if len(a.Cells) != len(m.Environments) {
			t.Errorf("app %s has %d cells", a.Name, len(a.Cells))
		}
	}
	if diff := cmp.Diff([]string{"zoo", "api", "cart", "web"}, apps); diff != "" {
		t.Errorf("apps (-want +got):\n%s", diff)
	}
	if cell := cellIn(t, m, "zoo", "dev"); cell.Deployed() || cell.App != "zoo" || cell.Env != "dev" || len(cell.Versions) > 0 {
		t.Errorf("the cell of an app that is not deployed is %+v", cell)
	}
}

func TestReadFindsStraysWithEverythingOnly(t *testing.T) {
	t.Parallel()
	tree := treeOf(head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml"]}
-- dev/web.yaml --
image: ghcr.io/acme/web:2
-- base/web.yaml --
image: ghcr.io/acme/web:1
`)
	cfg, err := config.Parse([]byte(tree[config.Path]))
	if err != nil {
		t.Fatal(err)
	}
	for everything, want := range map[bool]int{false: 0, true: 1} {
		m, err := Read(t.Context(), tree, cfg, Options{Everything: everything})
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Strays) != want {
			t.Errorf("with everything %v there are the strays %v", everything, m.Strays)
		}
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tree := treeOf(head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml"]}
`)
	cfg, err := config.Parse([]byte(tree[config.Path]))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, tree, cfg, Options{}); err == nil {
		t.Error("a read that was cancelled gives no error")
	}
}

func TestFilesOfACellAreSorted(t *testing.T) {
	t.Parallel()
	m := matrixOf(t, treeOf(head+`
  - {name: web, images: [ghcr.io/acme/web], files: ["z/{env}.yaml", "a/{env}/**"]}
-- z/dev.yaml --
image: ghcr.io/acme/web:2
-- a/dev/b.yaml --
image: ghcr.io/acme/web:2
-- a/dev/a.yaml --
replicas: 1
`))
	cell := cellIn(t, m, "web", "dev")
	if want := []string{"a/dev/a.yaml", "a/dev/b.yaml", "z/dev.yaml"}; !slices.Equal(cell.Files, want) {
		t.Errorf("files are %q, want %q", cell.Files, want)
	}
	if len(cell.Places) != 2 {
		t.Errorf("places are %v, want two", cell.Places)
	}
}
