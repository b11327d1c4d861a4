package pattern

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func mustParse(t testing.TB, text string) *Pattern {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return p
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in, text string
		app, env bool
	}{
		{in: "apps/{app}/overlays/{env}/**", text: "apps/{app}/overlays/{env}/**", app: true, env: true},
		{in: "./clusters/{env}/", text: "clusters/{env}", env: true},
		{in: "apps/{app}/{app}-{env}.yaml", text: "apps/{app}/{app}-{env}.yaml", app: true, env: true},
		{in: "image-tags/prod/web", text: "image-tags/prod/web"},
		{in: "**", text: "**"},
		{in: "...", text: "..."},
		{in: ".github/*.yml", text: ".github/*.yml"},
		{in: "a]b/[]]/[!]]/[a-]/[-a]", text: "a]b/[]]/[!]]/[a-]/[-a]"},
		{in: "$prices/ä b", text: "$prices/ä b"},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			t.Parallel()
			p := mustParse(t, test.in)
			if p.String() != test.text || p.Has(App) != test.app || p.Has(Env) != test.env || p.Has("other") {
				t.Errorf("got %q with app %t, env %t, other %t; want %q, %t, %t, false",
					p, p.Has(App), p.Has(Env), p.Has("other"), test.text, test.app, test.env)
			}
		})
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     SyntaxError
	}{
		{"empty", "", SyntaxError{0, "pattern is empty", "name a file or a folder, or write ** for all files"}},
		{"only the folder itself", "./", SyntaxError{0, "pattern is empty", "name a file or a folder, or write ** for all files"}},
		{"dot", ".", SyntaxError{0, `"." in a pattern`, "leave it out; ** means all files"}},
		{"dot inside", "./a/./b", SyntaxError{4, `"." in a pattern`, "leave it out; ** means all files"}},
		{"up", "apps/../b", SyntaxError{5, `".." in a pattern`, "paths start at the top of the repository and stay in it"}},
		{"absolute", "/apps", SyntaxError{0, "pattern is an absolute path", "paths start at the top of the repository: leave out the slash at the start"}},
		{"two slashes", "apps//web", SyntaxError{5, "two slashes in a row", "write one slash between folders"}},
		{"two slashes at the end", "apps//", SyntaxError{5, "two slashes in a row", "write one slash between folders"}},
		{"double star before a name", "apps/**web", SyntaxError{5, "** stands alone between slashes", "write * within a name, and /**/ for folders"}},
		{"double star behind a placeholder", "{app}**", SyntaxError{5, "** stands alone between slashes", "write * within a name, and /**/ for folders"}},
		{"three stars", "***", SyntaxError{0, "** stands alone between slashes", "write * within a name, and /**/ for folders"}},
		{"backslash", `apps\web`, SyntaxError{4, "backslash in a pattern", "write / between folders, and [*] for a star that is part of a name"}},
		{"control character", "apps/a\tb", SyntaxError{6, "control character in a pattern", "leave it out, or write a ? for it"}},
		{"NUL", "apps/\x00", SyntaxError{5, "control character in a pattern", "leave it out, or write a ? for it"}},
		{"not UTF-8", "apps/\xff", SyntaxError{5, "pattern is not UTF-8", "write a ? for each such character"}},
		{"too long", strings.Repeat("a", maxText+1), SyntaxError{maxText, "pattern is longer than 1024 bytes", "write a * for a part of it"}},
		{"class without end", "./a/[bc/d]", SyntaxError{4, "[ without a ] before the next slash", "write [abc], [a-z] or [!abc], and [[] for a bracket that is part of a name"}},
		{"empty class", "a[]", SyntaxError{1, "[ without a ] before the next slash", "write [abc], [a-z] or [!abc], and [[] for a bracket that is part of a name"}},
		{"empty range", "a[xz-a]", SyntaxError{3, "the range z-a in a class is empty", "write the smaller character first, as in [a-z]"}},
		{"regexp's negation", "a[^b]", SyntaxError{2, "^ at the start of a class", "write [!…] for all characters but these"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(test.in)
			got, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecisionAnyOtherBraceIsAFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want SyntaxError
	}{
		{"apps/{application}/x", SyntaxError{5, "{application} is no placeholder", "write {app}"}},
		{"{App}", SyntaxError{0, "{App} is no placeholder", "write {app}"}},
		{"{{app}}/x", SyntaxError{0, "{{app}} is no placeholder", "write {app}"}},
		{"x/{{ .env }}", SyntaxError{2, "{{ .env }} is no placeholder", "write {env}"}},
		{"values-{environment}.yaml", SyntaxError{7, "{environment} is no placeholder", "write {env}"}},
		{"clusters/{cluster}", SyntaxError{9, "{cluster} is no placeholder", "write {env}"}},
		{"{microservice}", SyntaxError{0, "{microservice} is no placeholder", "write {app}"}},
		{"{region}", SyntaxError{0, "{region} is no placeholder", bracesHint}},
		{"{}", SyntaxError{0, "{} is no placeholder", bracesHint}},
		{"values-{dev,prod}.yaml", SyntaxError{7, "{dev,prod} is no placeholder, and a pattern has no alternatives", "write one pattern for each"}},
		{"shard-{1..3}", SyntaxError{6, "{1..3} is no placeholder, and a pattern has no alternatives", "write one pattern for each"}},
		{"${env}/x", SyntaxError{0, "$ before a brace", "write {app} and {env} without a $"}},
		{"a/x}", SyntaxError{3, "} without a {", bracesHint}},
		{"{app}}", SyntaxError{5, "} without a {", bracesHint}},
		{"a/{env/b}", SyntaxError{2, "{ without a } before the next slash", "write {env}"}},
		{"[{app}]", SyntaxError{1, "brace in a class", "write ? for a brace that is part of a name; {app} and {env} stand outside of classes"}},
		{"[a-}]", SyntaxError{3, "brace in a class", "end the range with a letter or a digit"}},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(test.in)
			got, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecisionPlaceholdersAreSubstitutedBeforeGlobbing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pattern, app, env string
		text                    string
		match, differ           []string
	}{
		{
			name: "a star beside a placeholder", pattern: "{env}/{app}*.yaml", app: "web", env: "prod", text: "prod/web*.yaml",
			match: []string{"prod/web.yaml", "prod/web-extra.yaml"}, differ: []string{"prod/we.yaml", "dev/web.yaml"},
		},
		{
			name: "a dot is a dot", pattern: "apps/{app}/*", app: "a.b", text: "apps/a.b/*",
			match: []string{"apps/a.b/x"}, differ: []string{"apps/axb/x", "apps/a/b/x"},
		},
		{
			name: "repeated", pattern: "apps/{app}/{app}-{env}.yaml", app: "web", env: "prod", text: "apps/web/web-prod.yaml",
			match: []string{"apps/web/web-prod.yaml"}, differ: []string{"apps/web/api-prod.yaml"},
		},
		{name: "a value never acts as a glob", pattern: "apps/{app}", app: "*", text: "apps/{app}", differ: []string{"apps/web", "apps/*"}},
		{name: "nor as a class", pattern: "apps/{app}", app: "[a-z]", text: "apps/{app}", differ: []string{"apps/a", "apps/[a-z]"}},
		{name: "nor as a path", pattern: "apps/{app}", app: "a/b", text: "apps/{app}", differ: []string{"apps/a/b", "apps/a"}},
		{name: "nor as a placeholder", pattern: "{app}/{env}", app: "{env}", env: "prod", text: "{app}/{env}", differ: []string{"prod/prod"}},
		{name: "no value", pattern: "apps/{app}x", env: "prod", text: "apps/{app}x", differ: []string{"apps/x", "apps/webx"}},
		{name: "a value that is not asked for", pattern: "apps/web", app: "*", text: "apps/web", match: []string{"apps/web"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := mustParse(t, test.pattern).Expand(map[string]string{App: test.app, Env: test.env})
			if g.String() != test.text {
				t.Errorf("got text %q, want %q", g, test.text)
			}
			for _, path := range test.match {
				if !g.Match(path) {
					t.Errorf("%q does not match %q", g, path)
				}
			}
			for _, path := range test.differ {
				if g.Match(path) {
					t.Errorf("%q matches %q", g, path)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"apps/{app}/overlays/{env}/**", "./values-{env}.yaml", "{a,b}", "[!a-z]]", "[]", "**x", "a//b", "/a", "..", "${env}", "{{app}}",
		"[{]", "[a-", "[a-}", "\xff", "a\\b", "é[à-ü]?", "**/**", "{app}{env}", "}", "{", "./", "[--0]", "[!]", "[!]]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			flaw, ok := errors.AsType[*SyntaxError](err)
			if !ok || flaw.Message == "" || flaw.Hint == "" || flaw.Offset < 0 || flaw.Offset > len(text) {
				t.Fatalf("%#v", err)
			}
			return
		}
		again := mustParse(t, p.String())
		if diff := cmp.Diff(p, again, cmp.AllowUnexported(Pattern{}, segment{}, atom{}, class{}, interval{})); diff != "" {
			t.Fatalf("read back (-want +got)\n%s", diff)
		}
		// What it expands to is a pattern with the same meaning.
		g := p.Expand(map[string]string{App: "a.b", Env: "e-1"})
		plain := mustParse(t, g.String()).Expand(nil)
		if diff := cmp.Diff(g, plain, cmp.AllowUnexported(Glob{}, segment{}, atom{}, class{}, interval{}), cmpopts.IgnoreFields(atom{}, "rare")); diff != "" {
			t.Fatalf("expanded (-want +got)\n%s", diff)
		}
	})
}
