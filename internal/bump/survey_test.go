package bump

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/towpath-dev/towpath/internal/image"
)

// TestSurveyFindsWhatScanBumps surveys the files of every golden archive, and
// wants a place for each change that the archive's request makes.
func TestSurveyFindsWhatScanBumps(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tree := memory{}
			for _, f := range archive.Files {
				if path, ok := strings.CutPrefix(f.Name, "in/"); ok {
					tree[path] = string(f.Data)
				}
			}
			request := requestIn(t, string(archive.Comment))
			plan, err := Scan(t.Context(), tree, request)
			if err != nil {
				t.Fatal(err)
			}
			subject := Subject{Match: request.Match}
			for _, target := range request.Set {
				target.Image = request.Moves[0].Image
				subject.Targets = append(subject.Targets, target)
			}
			for _, m := range request.Moves {
				subject.Images = append(subject.Images, m.Image)
			}
			found := surveyed(t, tree, subject)
			has := map[string]int{}
			for _, p := range found {
				has[p]++
			}
			for _, f := range plan.Files {
				for _, c := range slices.Concat(f.Changes, f.Current) {
					if c.From == "" { // an entry that --add makes, or an empty place
						continue
					}
					what := fmt.Sprintf("%s %s %s %s", c.Path, c.Kind, c.Image.Familiar(), c.From)
					if has[what]--; has[what] < 0 {
						t.Errorf("%s is bumped at %s, and no place says so; there are\n%s", what, c.Position, strings.Join(found, "\n"))
					}
				}
			}
		})
	}
}

func surveyed(t *testing.T, tree Tree, subject Subject) []string {
	t.Helper()
	inventory, err := Survey(t.Context(), tree, subject)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range inventory.Places {
		out = append(out, fmt.Sprintf("%s %s %s %s", p.Path, p.Kind, p.Image.Familiar(), p.Version))
	}
	return out
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	tree := memory{
		"apps/web.yaml":         "image:\n  repository: ghcr.io/acme/web\n  tag: 1.4.2\nsidecar:\n  image: nginx:1.27@sha256:" + strings.Repeat("a", 64) + "\n",
		"apps/service.yaml":     "kind: Service\nspec: {ports: [{port: 80}]}\n",
		"broken.yaml":           "image: [nginx:1\n",
		"flux/policy.yaml":      "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: web, namespace: flux}\nspec: {image: ghcr.io/acme/web}\n---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: web, namespace: flux}\nspec: {imageRepositoryRef: {name: web}}\n",
		"flux/values.yaml":      "version: 1.4.1 # {\"$imagepolicy\": \"flux:web:tag\"}\n",
		"image-tags/prod/web":   "image_tag: v737\n",
		"image-tags/dev/web":    "replicas: 1\n",
		"main.tf":               "locals {\n  x = \"ghcr.io/acme/api:3\"\n}\n",
		"notes.md":              "run nginx:1 by hand\n",
		"previous.yaml":         "previousImage: nginx:1\n",
		"shared.yaml":           "a: &i\n  image: nginx:1\nb: *i\n",
		"templates/deploy.yaml": "{{ if .x }}\nimage: redis:7\n{{ end }}\n",
	}
	web := image.Repository("ghcr.io/acme/web")
	subject := Subject{Images: []image.Repository{web}}
	for _, path := range []string{"image-tags/prod/web", "image-tags/dev/web"} {
		subject.Targets = append(subject.Targets, Target{Path: path, Keys: parsePath(t, "image_tag"), Image: web, Optional: true})
	}
	want := []string{
		"apps/web.yaml helm-values ghcr.io/acme/web 1.4.2",
		"apps/web.yaml helm-values nginx 1.27@sha256:" + strings.Repeat("a", 64),
		"flux/values.yaml marker ghcr.io/acme/web 1.4.1",
		"image-tags/prod/web keys ghcr.io/acme/web v737",
		"main.tf terraform ghcr.io/acme/api 3",
		"shared.yaml helm-values nginx 1",
		"templates/deploy.yaml template redis 7",
	}
	if diff := cmp.Diff(want, surveyed(t, tree, subject)); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	inventory, err := Survey(t.Context(), tree, subject)
	if err != nil {
		t.Fatal(err)
	}
	if len(inventory.Unread) != 1 || inventory.Unread[0].Path != "broken.yaml" {
		t.Errorf("unread: %v, want broken.yaml alone", inventory.Unread)
	}
	for _, p := range inventory.Places {
		if (p.Kind == Keys) != (p.Keys.String() == "image_tag") {
			t.Errorf("%s at %s: keys %q", p.Kind, p.Path, p.Keys)
		}
		if p.Path == "image-tags/prod/web" && p.Position.String() != "1:12" {
			t.Errorf("%s stands at %s", p.Path, p.Position)
		}
	}
}

// TestInspect wants of a single file what a survey of the tree finds in it,
// also where that depends on other files and images.
func TestInspect(t *testing.T) {
	t.Parallel()
	tree := memory{
		"values.yaml":        "image: nginx:1\nweb:\n  tag: 2\n",
		"flux.yaml":          "version: 1.4.1 # {\"$imagepolicy\": \"flux:web:tag\"}\n",
		"policy.yaml":        "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: web, namespace: flux}\nspec: {image: ghcr.io/acme/web}\n---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: web, namespace: flux}\nspec: {imageRepositoryRef: {name: web}}\n",
		"kustomization.yaml": "images:\n- {name: ghcr.io/acme/api, newName: mirror.acme.dev/api, newTag: \"3\"}\n",
	}
	subject := Subject{
		Images:  []image.Repository{"ghcr.io/acme/api"},
		Targets: []Target{{Path: "values.yaml", Keys: parsePath(t, "web.tag"), Image: "ghcr.io/acme/web", Optional: true}},
	}
	inventory, err := Survey(t.Context(), tree, subject)
	if err != nil {
		t.Fatal(err)
	}
	var got []Place
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		var targets []Target
		if path == "values.yaml" {
			targets = subject.Targets
		}
		got = append(got, inventory.Inspect(path, []byte(tree[path]), targets)...)
	}
	if diff := cmp.Diff(inventory.Places, got); diff != "" || len(got) != 4 {
		t.Errorf("%d places (-survey +inspect):\n%s", len(got), diff)
	}
}

// TestOptionalTargets bumps what keys lead to in many files, of which one has
// no such keys, one does not match, and one belongs to another image.
func TestOptionalTargets(t *testing.T) {
	t.Parallel()
	tree := memory{
		"tags/dev/web":  "image_tag: v1\n",
		"tags/dev/api":  "image_tag: v1\n",
		"tags/prod/web": "image_tag: v1\n",
		"tags/qa/web":   "replicas: 1\n",
		"tags/qa/text":  "hello\n",
	}
	request := Request{
		Moves: []Move{moveTo(t, "ghcr.io/acme/web:v2"), moveTo(t, "ghcr.io/acme/api:v3")},
		Match: func(path string) bool { return !strings.Contains(path, "prod") },
	}
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		repo := image.Repository("ghcr.io/acme/web")
		if strings.HasSuffix(path, "api") {
			repo = "ghcr.io/acme/api"
		}
		request.Set = append(request.Set, Target{Path: path, Keys: parsePath(t, "image_tag"), Image: repo, Optional: true})
	}
	plan := scanTwice(t, tree, request)
	want := "tags/dev/api:1:12 keys ghcr.io/acme/api v1 -> v3\n" +
		"tags/dev/web:1:12 keys ghcr.io/acme/web v1 -> v2\n"
	if got := report(plan); got != want {
		t.Errorf("report:\n%swant:\n%s", got, want)
	}
}

// TestMatchImage lets an image change only in the files that are its own.
func TestMatchImage(t *testing.T) {
	t.Parallel()
	tree := memory{"a.yaml": "a: {image: nginx:1}\nb: {image: redis:7}\n", "b.yaml": "image: nginx:1\n"}
	plan := scanTwice(t, tree, Request{
		Moves: []Move{moveTo(t, "nginx:2"), moveTo(t, "redis:8")},
		MatchImage: func(path string, repo image.Repository) bool {
			return (path == "a.yaml") == (repo == "docker.io/library/redis")
		},
	})
	want := "a.yaml:2:18 helm-values redis 7 -> 8\nb.yaml:1:14 helm-values nginx 1 -> 2\n"
	if got := report(plan); got != want {
		t.Errorf("report:\n%swant:\n%s", got, want)
	}
}

func TestSurveyStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Survey(ctx, memory{"a.yaml": "image: nginx:1\n"}, Subject{}); err == nil {
		t.Error("a survey of a canceled context gives no error")
	}
}

// TestOptionalTargetInTemplate refuses a line that keys may lead to, since
// leaving it as it is would look like success.
func TestOptionalTargetInTemplate(t *testing.T) {
	t.Parallel()
	tree := memory{
		"values.yaml":        "image:\n  tag: 1.0.0\n",
		"extra.yaml.gotmpl":  "image:\n  tag: 1.0.0\n  x: {{ .y }}\n",
		"marked.yaml.gotmpl": "image:\n  tag: 1.0.0 # towpath: ghcr.io/acme/web:tag\n  x: {{ .y }}\n",
		"mixed.yaml":         "{{ if .x }}\nimage:\n  tag: 1.0.0\n{{ end }}\n",
		"other.yaml.gotmpl":  "image:\n  tag: {{ .tag }}\n  x: 1\n",
		"notes.md":           "tag: 1.0.0\n",
		"conflict":           "<<<<<<< HEAD\nimage:\n  tag: 1.0.0\n=======\n",
	}
	request := Request{Moves: []Move{moveTo(t, "ghcr.io/acme/web:1.1.0")}}
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		request.Set = append(request.Set, Target{Path: path, Keys: parsePath(t, "image.tag"), Image: "ghcr.io/acme/web", Optional: true})
	}
	plan := scanTwice(t, tree, request)
	want := "conflict:3:8 refused: image.tag may lead here, which cannot be told where the file cannot be read as YAML\n" +
		"extra.yaml.gotmpl:2:8 refused: image.tag may lead here, which cannot be told where the file cannot be read as YAML\n" +
		"marked.yaml.gotmpl:2:8 marker ghcr.io/acme/web 1.0.0 -> 1.1.0\n" +
		"mixed.yaml:3:8 refused: image.tag may lead here, which cannot be told where the file cannot be read as YAML\n" +
		"values.yaml:2:8 keys ghcr.io/acme/web 1.0.0 -> 1.1.0\n"
	if got := report(plan); got != want {
		t.Errorf("report:\n%swant:\n%s", got, want)
	}
}

// noted is a tree that notes what is read of it.
type noted struct {
	memory
	mu   sync.Mutex
	read map[string]int
}

func (n *noted) Read(path string, buf []byte) ([]byte, error) {
	n.mu.Lock()
	n.read[path]++
	n.mu.Unlock()
	return n.memory.Read(path, buf)
}

// TestSurveyReadsOtherFilesForMarkersOnly: what does not match is read once,
// for the policies in it, as soon as there is a marker that may stand for one.
func TestSurveyReadsOtherFilesForMarkersOnly(t *testing.T) {
	t.Parallel()
	const plain, marked = "image: nginx:1\n", "version: 1.4.1 # {\"$imagepolicy\": \"flux:web:tag\"}\n"
	policy := "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: web, namespace: flux}\nspec: {image: ghcr.io/acme/web}\n---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: web, namespace: flux}\nspec: {imageRepositoryRef: {name: web}}\n"
	subject := Subject{Match: func(path string) bool { return strings.HasPrefix(path, "apps/") }}
	for _, text := range []string{plain, marked} {
		tree := &noted{memory: memory{"apps/web.yaml": text, "policy.yaml": policy}, read: map[string]int{}}
		inventory, err := Survey(t.Context(), tree, subject)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"apps/web.yaml": 1}
		if text == marked {
			want = map[string]int{"apps/web.yaml": 2, "policy.yaml": 1}
		}
		if diff := cmp.Diff(want, tree.read); diff != "" {
			t.Errorf("files read (-want +got):\n%s", diff)
		}
		// Other contents may have the first marker.
		for range 2 {
			places := inventory.Inspect("apps/web.yaml", []byte(marked), nil)
			if len(places) != 1 || places[0].Image != "ghcr.io/acme/web" || places[0].Version != "1.4.1" {
				t.Errorf("got %+v", places)
			}
		}
		if tree.read["policy.yaml"] != 1 {
			t.Errorf("the policies are read %d times", tree.read["policy.yaml"])
		}
	}
}

// TestUnreadKustomizationIsRefused wants what cannot be read, and names the
// image as kustomizations do, refused.
func TestUnreadKustomizationIsRefused(t *testing.T) {
	t.Parallel()
	tree := memory{
		"a/kustomization.yaml": "images:\n  - name: ghcr.io/acme/web\n   newTag: 1.2.0\n",
		"b/deployment.yaml":    "containers:\n  - name: web\n   ports: []\n",
	}
	plan := scanned(t, tree, Request{Moves: []Move{moveTo(t, "ghcr.io/acme/web:2")}})
	if len(plan.Files) != 1 || plan.Files[0].Path != "a/kustomization.yaml" || len(plan.Files[0].Refused) != 1 || !plan.Found("ghcr.io/acme/web") {
		t.Errorf("report:\n%s", report(plan))
	}
}
