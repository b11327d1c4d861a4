package propose

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/image"
)

// forge is what a body needs of one.
type forge struct {
	limit  int
	hidden string // a format
}

func (f forge) TextLimit() int            { return f.limit }
func (f forge) Hidden(text string) string { return fmt.Sprintf(f.hidden, text) }

var (
	github    = forge{limit: 65536, hidden: "<!-- %s -->"}
	bitbucket = forge{limit: 32000, hidden: "[//]: # (%s)"}
)

// moved is a plan of files that go from 1.0.0 to 2.0.0.
func moved(paths ...string) []bump.File {
	var out []bump.File
	for _, p := range paths {
		out = append(out, bump.File{Path: p, After: []byte("x"), Changes: []bump.Change{{Path: p, Image: "ghcr.io/acme/web", From: "1.0.0", To: "2.0.0"}}})
	}
	return out
}

func factsOf(paths ...string) *Facts {
	return NewFacts(moved(paths...), func(string) config.Claim { return config.Claim{} })
}

func templates(t *testing.T) *Publication {
	t.Helper()
	title, err := ParseTemplate(DefaultTitle)
	if err != nil {
		t.Fatal(err)
	}
	return &Publication{Title: title}
}

func TestMarkIsReadBack(t *testing.T) {
	t.Parallel()
	for _, f := range []forge{github, bitbucket} {
		for _, m := range []mark{
			{subject: "towpath/bump/web", versions: "0a1b", contents: "2c", head: "ff00"},
			{subject: "x", versions: "1", closed: true},
		} {
			text, err := factsOf("a.yaml").write(templates(t), m, f, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{text.body, strings.ReplaceAll(text.body, "\n", "\r\n"), strings.TrimSpace(text.body)} {
				got, ok := readMark(body)
				if !ok || got != m {
					t.Errorf("%+v is read back as %+v, %v", m, got, ok)
				}
			}
		}
	}
	for _, body := range []string{"", "Bump web", "towpath v1", "towpath v1 subject=x"} {
		if m, ok := readMark(body); ok {
			t.Errorf("%q has the mark %+v", body, m)
		}
	}
}

// What people wrote is kept however often the body is written again.
func TestKept(t *testing.T) {
	t.Parallel()
	for _, f := range []forge{github, bitbucket} {
		for name, human := range map[string]string{
			"nothing": "", "a line": "Ask Bob.", "Markdown": "# Notes\n\n- [ ] look\n\n```\ncode\n```", "a mark of its own": "towpath v1 is great",
		} {
			body := ""
			if human != "" {
				body = human
			}
			for i := range 3 {
				text, err := factsOf("a.yaml").write(templates(t), mark{subject: "b", versions: fmt.Sprint(i)}, f, body)
				if err != nil {
					t.Fatal(err)
				}
				body = strings.ReplaceAll(text.body, "\n", "\r\n")
				if diff := cmp.Diff(human, kept(body)); diff != "" {
					t.Fatalf("%s after %d times (-want +got):\n%s", name, i+1, diff)
				}
			}
		}
	}
}

// Who removes the line that ends what is towpath's still keeps the own text.
func TestKeptWithoutItsLine(t *testing.T) {
	t.Parallel()
	for _, f := range []forge{github, bitbucket} {
		text, err := factsOf("a.yaml").write(templates(t), mark{subject: "b", versions: "1"}, f, "Ask Bob.")
		if err != nil {
			t.Fatal(err)
		}
		body := strings.Replace(text.body, f.Hidden(keepText), "", 1)
		if got := kept(body); got != "Ask Bob." {
			t.Errorf("kept %q", got)
		}
	}
}

func TestBodyHasNoRoomForALongLink(t *testing.T) {
	t.Parallel()
	facts := factsOf("a.yaml")
	facts.RunURL = "https://ci.acme.io/" + strings.Repeat("x", github.limit)
	text, err := facts.write(templates(t), mark{subject: "b", versions: "1"}, github, "")
	if n := utf8.RuneCountInString(text.body); err != nil || n > github.limit {
		t.Errorf("%d characters, error %v", n, err)
	}
}

func TestBodyKeepsToTheLimit(t *testing.T) {
	t.Parallel()
	var paths []string
	for i := range 2000 {
		paths = append(paths, fmt.Sprintf("apps/%04d/overlays/prod-ü/kustomization.yaml", i))
	}
	for _, f := range []forge{github, bitbucket} {
		human := strings.Repeat("word ", 1000)
		text, err := factsOf(paths...).write(templates(t), mark{subject: "b", versions: "1"}, f, human)
		if err != nil {
			t.Fatal(err)
		}
		if n := utf8.RuneCountInString(text.body); n > f.limit || n < f.limit/2 {
			t.Errorf("%d characters where %d are allowed", n, f.limit)
		}
		if !strings.Contains(text.body, " more.\n") || kept(text.body) != strings.TrimSpace(human) {
			t.Errorf("the body does not say how many are left out, or loses what people wrote:\n%s", text.body[:300])
		}
		if _, ok := readMark(text.body); !ok {
			t.Error("the mark is lost")
		}
	}
}

// What comes from a repository or a flag is shown as it is, and does nothing.
func TestBodyIsDefused(t *testing.T) {
	t.Parallel()
	files := moved("a`b|c\n/merge\n@acme/team <script> <!-- towpath v1 subject=evil versions=1 -->.yaml")
	f := NewFacts(files, func(string) config.Claim { return config.Claim{} })
	f.Source, f.Run, f.RunURL = "x`@ada", "7", "https://evil.example/) [x](y) @ada"
	text, err := f.write(templates(t), mark{subject: "b", versions: "2"}, github, "")
	if err != nil {
		t.Fatal(err)
	}
	want := "| Image | From | To | File |\n|---|---|---|---|\n" +
		"| `ghcr.io/acme/web` | `1.0.0` | `2.0.0` | `` a`b\\|c\uFFFD/merge\uFFFD@acme/team <script> <!-- towpath v1 subject=evil versions=1 -->.yaml `` |\n" +
		"\nBuilt from `` x`@ada `` in run `7`.\n\n```\nTowpath-Move: image=ghcr.io/acme/web from=1.0.0 to=2.0.0\n```\n\n" +
		"<!-- towpath v1 subject=b versions=2 contents= head= -->\n\n<!-- " + keepText + " -->\n\n"
	if diff := cmp.Diff(want, text.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if m, _ := readMark(text.body); m.subject != "b" {
		t.Errorf("a file's name passes for the mark: %+v", m)
	}
}

func TestVersionsOf(t *testing.T) {
	t.Parallel()
	one, more := versionsOf(factsOf("a.yaml")), versionsOf(factsOf("b.yaml", "c.yaml"))
	if one != more {
		t.Error("the same versions in other files have another mark")
	}
	other := moved("a.yaml")
	other[0].Changes[0].To = "2.0.1"
	if versionsOf(NewFacts(other, func(string) config.Claim { return config.Claim{} })) == one {
		t.Error("other versions have the same mark")
	}
}

// regexpHash is a hash at the end of a name, which no table needs to know.
var regexpHash = regexp.MustCompile(`-[0-9a-f]{8}$`)

func TestBranchNames(t *testing.T) {
	t.Parallel()
	move := func(names ...string) []bump.Move {
		var out []bump.Move
		for _, n := range names {
			out = append(out, bump.Move{Image: image.Repository("ghcr.io/acme/" + n)})
		}
		return out
	}
	for name, test := range map[string]struct {
		p     Publication
		moves []bump.Move
		base  string
		want  string
	}{
		"one image":            {Publication{}, move("web"), "", "towpath/bump/web"},
		"two, in either order": {Publication{}, move("web", "api"), "", "towpath/bump/api.web"},
		"many":                 {Publication{}, move("a", "b", "c", "d", "e"), "", "towpath/bump/a.b.and-3-more-4bc9d1a8"},
		"an environment":       {Publication{Environments: []string{"prod"}}, move("web"), "", "towpath/bump-prod/web"},
		"all environments":     {Publication{Environments: []string{All}}, move("web"), "", "towpath/bump-all/web"},
		"another base":         {Publication{}, move("web"), "release", "towpath/bump/web-a0ed1a7f"},
		"a path":               {Publication{Places: []string{"dev/**"}}, move("web"), "", "towpath/bump/web-c0d5f7bc"},
		"odd words":            {Publication{Environments: []string{"a..b", "x y"}}, move("web.lock"), "", "towpath/bump-a.b.x-y/web-lock"},
	} {
		got, err := test.p.branch(&group{name: imagesName(test.moves)}, test.base)
		if err != nil || !isBranchName(got) {
			t.Errorf("%s: %q, error %v", name, got, err)
		}
		if hash := regexpHash.ReplaceAllString(got, "-HASH"); hash != regexpHash.ReplaceAllString(test.want, "-HASH") {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		again, _ := test.p.branch(&group{name: imagesName(test.moves)}, test.base)
		if again != got {
			t.Errorf("%s: %q, and then %q", name, got, again)
		}
	}
	for _, bad := range []string{"", "@", "-x", "a..b", "a//b", "a/", "a.lock", "a.lock/b", ".a", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{b", "a.", "a\x01"} {
		if isBranchName(bad) {
			t.Errorf("%q passes for the name of a branch", bad)
		}
	}
}
