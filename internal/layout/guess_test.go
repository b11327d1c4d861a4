package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/image"
)

func TestKnown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		want span
	}{
		{"prod", span{env: "prod"}},
		{"prod2", span{env: "prod2"}},
		{"prod-eu", span{env: "prod-eu"}},
		{"eu-prod", span{env: "eu-prod"}},
		{"production-us-east-1", span{env: "production-us-east-1"}},
		{"pre-prod", span{env: "pre-prod"}},
		{"web-pre_production-eu", span{before: "web-", env: "pre_production-eu"}},
		{"values-staging", span{before: "values-", env: "staging"}},
		{"staging-values", span{env: "staging", after: "-values"}},
		{"values.eu-prod", span{before: "values.", env: "eu-prod"}},
		{"jx-staging", span{before: "jx-", env: "staging"}},
		{"test-app-prod", span{before: "test-app-", env: "prod"}},
		{"prod-canary", span{env: "prod-canary"}},
		{"dev.web.values", span{env: "dev", after: ".web.values"}},
		{"products", span{}},
		{"web", span{}},
		{"Prod", span{}},
		{"", span{}},
		{"---", span{}},
	}
	for _, tt := range tests {
		got, ok := known(tt.name)
		if !ok {
			got = span{}
		}
		if got != tt.want || ok != (tt.want != span{}) {
			t.Errorf("known(%q) = %+v, %v; want %+v", tt.name, got, ok, tt.want)
		}
	}
}

func TestArrange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		names string
		want  string // name[group](after) …
	}{
		{"the usual words", "prod dev staging qa local", "local dev(local) qa(dev) staging(qa) prod(staging)"},
		{"long words", "production acceptance test development", "development test(development) acceptance(test) production(acceptance)"},
		{"regions come at once", "prod-us prod-eu staging", "staging prod-eu[prod](staging) prod-us[prod](staging)"},
		{"a group is waited for", "dev1 dev2 prod", "dev1[dev] dev2[dev] prod(dev)"},
		{"one region is no group", "eu-prod dev", "dev eu-prod(dev)"},
		{"a group is not named like an environment", "prod prod-eu prod-us", "prod prod-eu prod-us"},
		{"a canary is before the rest", "prod-canary prod dev", "dev prod-canary(dev) prod(prod-canary)"},
		{"pre-prod is before prod", "prod pre-prod non-prod-2", "non-prod-2 pre-prod prod(non-prod-2,pre-prod)"},
		{"two spellings come at once", "prod production dev", "dev prod(dev) production(dev)"},
		{"unknown beside the last of several", "dev prod customers", "dev prod(dev) customers(dev)"},
		{"unknown after the only one", "dev customers", "dev customers(dev)"},
		{"unknown alone", "customers", "customers"},
		{"unknown all", "blue green", "blue green"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			names := strings.Fields(tt.names)
			slices.Sort(names)
			envs, _ := arrange(names, nil, nil)
			var got []string
			for _, e := range envs {
				s := e.Name
				if e.Group != "" {
					s += "[" + e.Group + "]"
				}
				if len(e.After) > 0 {
					s += "(" + strings.Join(e.After, ",") + ")"
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	envs, questions := arrange([]string{"a", "b", "c", "d"}, [][]string{{"d"}, {"b", "c", "x"}}, nil)
	want := []Environment{{Name: "d"}, {Name: "b", After: []string{"d"}}, {Name: "c", After: []string{"d"}}, {Name: "a", After: []string{"d"}}}
	if diff := cmp.Diff(want, envs); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if len(questions) > 0 {
		t.Errorf("asks again: %v", questions)
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	tree := Tree{Files: []string{"dev/a", "prod/a"}}
	for _, answer := range []string{"dev, Prod", "dev, dev", "dev+prod/eu", "a b"} {
		for _, id := range []string{askEnvironments, askOrder} {
			if p := Guess(tree, Answers{id: answer}); p.Problem == nil {
				t.Errorf("%s = %q: no problem", id, answer)
			}
		}
	}
}

func TestCaptures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		files   string
		want    string
	}{
		{"apps/{app}/overlays/{env}/**", "apps/web/overlays/dev/x apps/api/overlays/prod/a/b apps/no/overlays/qa/x apps/no/base/x", "api web"},
		{"{env}/{app}/**", "dev/web/x dev/readme prod/API/x", "readme web"},
		{"{env}/{app}/*", "dev/web/x dev/readme prod/api/x/y", "api web"},
		{"{env}/{app}.yaml", "dev/web.yaml dev/.yaml dev/api.yml", "web"},
		{"{app}-{env}.yaml", "web-dev.yaml web-qa.yaml -dev.yaml", "web"},
		{"{app}/{app}-{env}.yaml", "web/web-dev.yaml web/api-dev.yaml", "web"},
		{"x/{app}-{app}/{env}", "x/a-a/dev x/a-b/dev x/-/dev", "a"},
	}
	for _, tt := range tests {
		files := strings.Fields(tt.files)
		slices.Sort(files)
		var got []string
		for name := range captures(tt.pattern, files, []string{"dev", "prod"}) {
			got = append(got, name)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != tt.want {
			t.Errorf("captures of %s = %v, want %s", tt.pattern, got, tt.want)
		}
	}
}

// Anchors may refer to each other, or to what they are in.
func TestDocumentsInCircles(t *testing.T) {
	t.Parallel()
	in := memory{
		"argocd/dev.yaml":  "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: &s\n  source: {path: envs/dev}\n  again: *s\n  <<: *s\n",
		"argocd/prod.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec: &s\n  elements: &e [*e, *s, {env: prod}]\n",
		"helmfile.yaml":    "environments: &e\n  dev: *e\n  prod: {a: *e}\n",
		"envs/dev/a":       "image: &i\n  tag: v1\n  image: *i\n",
		"envs/prod/a":      "image: &i {tag: v1, image: *i, other: {image: *i}}\n",
	}
	tree := Tree{Files: slices.Sorted(maps.Keys(in)), Read: func(path string) ([]byte, error) { return in.Read(path, nil) }}
	p := Guess(tree, nil)
	if p.Problem != nil || len(p.Environments) != 2 || p.Environments[0].Name != "dev" {
		t.Errorf("found %+v, problem %v; want dev and prod", p.Environments, p.Problem)
	}
}

// FuzzGuess takes the lines of a text for the paths of files, in all of which
// the images stand that its first line names. There may be a question or a
// problem, but what is written must be a configuration, and fit the tree.
func FuzzGuess(f *testing.F) {
	f.Add("web api\napps/web/overlays/dev/kustomization.yaml\napps/api/overlays/prod/kustomization.yaml\napps/web/overlays/prod/x", "")
	f.Add("web\ncharts/web/values-dev.yaml\ncharts/web/values-prod-eu.yaml\ncharts/web/values-prod-us.yaml", "dev, prod-us, prod-eu")
	f.Add("a b c d e\nclusters/one/a/x\nclusters/one/b/x\nclusters/two/a/x\nclusters/two/b.yaml", "")
	f.Add("web\ndev/web\nprod/web\ndev/api\nprod/api\ndev/ui\nprod/ui", "")
	f.Add("env app\n{env}/{app}\ndev/env/app\nprod/app/env\n*/dev/prod", "")
	f.Add("a\ndev-a.yaml\na-dev.yaml\nprod.yaml\nenvironments/prod.yaml\nenvironments/dev.yml", "dev+prod")
	f.Add("x\nx", "x")
	f.Add("dev\ndev/dev/dev\nprod/dev/prod\nprod/prod/dev/dev", "")
	f.Add("a\nprod/overlays/prod/a\nprod/overlays/dev/b\ndev/overlays/prod/a", "")
	f.Fuzz(func(t *testing.T, text, answer string) {
		lines := strings.Split(text, "\n")
		if len(lines) > 60 || len(text) > 4000 {
			return
		}
		in := memory{}
		tree := Tree{Read: func(path string) ([]byte, error) { return in.Read(path, nil) }}
		paths := lines[1:]
		for i, path := range paths {
			// No file is a folder too.
			if slices.ContainsFunc(paths, func(other string) bool { return strings.HasPrefix(other, path+"/") }) {
				continue
			}
			in[path] = "image: {tag: v1}\nimage_tag: v1\n"
			tree.Files = append(tree.Files, path)
			for k, name := range strings.Fields(lines[0]) {
				repo, err := image.ParseRepository(name)
				// So that images stand in some files, and in several together.
				if err == nil && (i+k)%3 > 0 {
					tree.Uses = append(tree.Uses, Use{path, repo, "v1"})
				}
			}
		}
		for _, id := range []string{askEnvironments, askOrder} {
			answers := Answers{id: answer}
			p := Guess(tree, answers)
			slices.Reverse(tree.Files)
			if again := Guess(tree, answers); all(again) != all(p) {
				t.Fatalf("the guess differs from run to run:\n%s\n%s", all(p), all(again))
			}
			text := Format(p)
			if p.Problem != nil {
				continue
			}
			cfg, err := config.Parse(text)
			if err != nil {
				t.Fatalf("the file does not parse: %v\n%s", err, text)
			}
			claims := cfg.Claims(tree.Files)
			if err := claims.Err(); err != nil {
				t.Fatalf("the file does not fit the tree: %v\n%s", err, text)
			}
			for _, app := range claims.Apps() {
				if len(app.Files) == 0 {
					t.Fatalf("app %s has no files:\n%s", app.Name, text)
				}
			}
		}
	})
}

// FuzzFormat writes proposals of any names. The text must be YAML that says
// these names, whatever is in them.
func FuzzFormat(f *testing.F) {
	f.Add("prod", "ghcr.io/acme/{app}", "a reason")
	f.Add("true", "1.0", "# \x00 \u2028 \u0085 \ufeff \ufffe")
	f.Add("a\nb", "\"\\", "two\nlines\r\nand\ta tab")
	f.Add("- x", "{a: b}", "")
	f.Add("\x80\xff", "\u00ad\U000e0001", "---\n...")
	f.Add("0x1f", "~", strings.Repeat("long ", 100))
	f.Add("0", "", "0")
	f.Fuzz(func(t *testing.T, name, other, reason string) {
		p := Proposal{
			Environments: []Environment{{Name: name}, {Name: other, Group: name, After: []string{name, other}}},
			Apps: []App{
				{Name: name, Images: []Image{{Name: other, Keys: []string{name}}, {Name: name}}, Files: []string{other, name}},
				{Discover: other, Images: []Image{{Keys: []string{other}}}, Question: reason + "?"},
			},
			Reasons: []string{reason}, Notes: []string{name, reason},
		}
		text := Format(p)
		spans := yamledit.Split(text)
		if len(spans) != 1 {
			t.Fatalf("%d documents:\n%s", len(spans), text)
		}
		doc, err := yamledit.Parse(text, spans[0])
		if err != nil {
			t.Fatalf("not YAML: %v\n%s", err, text)
		}
		env := doc.Root().Get("environments").Items()[1]
		app := doc.Root().Get("apps").Items()[0]
		got := []string{
			env.Get("name").Text(), env.Get("group").Text(), env.Get("after").Items()[1].Text(),
			app.Get("name").Text(), app.Get("images").Items()[0].Get("image").Text(), app.Get("files").Items()[0].Text(),
		}
		text1, text2 := string([]rune(name)), string([]rune(other))
		want := []string{text2, text1, text2, text1, text2, text2}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("names (-want +got):\n%s\n%s", diff, text)
		}
	})
}

func BenchmarkGuess(b *testing.B) {
	tree := Tree{Read: func(string) ([]byte, error) { return []byte("image:\n  tag: v1\n"), nil }}
	for i := range 1000 {
		app := fmt.Sprintf("app%d", i)
		for _, env := range []string{"dev", "staging", "prod-eu", "prod-us"} {
			dir := fmt.Sprintf("apps/%s/overlays/%s/", app, env)
			tree.Files = append(tree.Files, dir+"kustomization.yaml", dir+"patch.yaml", dir+"config.yaml", dir+"values.yaml", dir+"secret.yaml")
			tree.Uses = append(tree.Uses, Use{dir + "kustomization.yaml", image.Repository("ghcr.io/acme/" + app), "v1"})
		}
	}
	slices.Sort(tree.Files)
	for b.Loop() {
		if p := Guess(tree, nil); len(p.Apps) == 0 {
			b.Fatal("found no apps")
		}
	}
}
