package edit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	key := func(s string) Step { return Step{Key: s, Index: -1} }
	tests := []struct {
		in     string
		want   Path
		string string // as String writes it; in if empty
	}{
		{"tag", Path{key("tag")}, ""},
		{"image.tag", Path{key("image"), key("tag")}, ""},
		{"a[0].b", Path{key("a"), {Index: 0}, key("b")}, ""},
		{"[1][22]", Path{{Index: 1}, {Index: 22}}, ""},
		{`a."b.c".d`, Path{key("a"), key("b.c"), key("d")}, ""},
		{`"a"."b"`, Path{key("a"), key("b")}, "a.b"},
		{`"say \"hi\" \\"`, Path{key(`say "hi" \`)}, ""},
		{"web-api/x_y", Path{key("web-api/x_y")}, ""},
		{"título", Path{key("título")}, ""},
	}
	for _, tt := range tests {
		got, err := ParsePath(tt.in)
		if err != nil {
			t.Errorf("ParsePath(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParsePath(%q) (-want +got):\n%s", tt.in, diff)
		}
		if tt.string == "" {
			tt.string = tt.in
		}
		if got.String() != tt.string {
			t.Errorf("String() of %q = %q, want %q", tt.in, got.String(), tt.string)
		}
	}
}

func TestParsePathErrors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                 "empty",
		".a":               "at 1: a path does not start with a dot",
		"a.":               "at 3: expected a key",
		"a..b":             "at 3: expected a key",
		"a[":               "at 2: bracket is not closed",
		"a[x]":             `at 3: "x" is not an index`,
		"a[-1]":            `"-1" is not an index`,
		"a[01]":            `"01" is not an index`,
		"a[+1]":            `"+1" is not an index`,
		"a[]":              `"" is not an index`,
		"a[0]b":            "at 5: expected a dot or a bracket",
		"a b":              "at 2: expected a dot or a bracket",
		`"a`:               "quote is not closed",
		`""`:               "key is empty",
		`"a\n"`:            "are escapes",
		`"a"b`:             "expected a dot or a bracket",
		"a[9999999999999]": "is not an index",
	} {
		if path, err := ParsePath(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePath(%q) = %v, %v; want an error with %q", in, path, err, want)
		}
	}
}

// FuzzParsePath: what String writes is read back as the same path.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"image.tag", "a[0]", `"a.b"[1].c`, `"\\\""`, "[0", "a..b", "\x00", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, err := ParsePath(s)
		if err != nil {
			return
		}
		again, err := ParsePath(path.String())
		if err != nil {
			t.Fatalf("%q was written as %q: %v", s, path.String(), err)
		}
		if diff := cmp.Diff(path, again); diff != "" {
			t.Fatalf("%q was written as %q (-want +got):\n%s", s, path.String(), diff)
		}
	})
}

func TestFind(t *testing.T) {
	t.Parallel()
	base := mapping("tag", str("base"), "name", str("web"))
	base.Anchor = "b"
	root := mapping(
		"image", mapping("tag", str("1")),
		"list", list(str("x"), mapping("tag", str("2"))),
		"twice", mapping("tag", str("3"), "tag", str("4")),
		"alias", alias(base),
		"merged", mapping("<<", alias(base), "tag", str("own")),
		"null", &Node{Kind: Scalar, Tag: TagNull},
	)
	for path, want := range map[string][]string{
		"image.tag":   {"1"},
		"list[1].tag": {"2"},
		"list[0]":     {"x"},
		"twice.tag":   {"3", "4"},
		"alias.tag":   {"base"},
		"merged.tag":  {"own"},
		"merged.name": {"web"},
		"list[2]":     nil,
		"list.tag":    nil,
		"image[0]":    nil,
		"image.no":    nil,
		"image.tag.x": nil,
		"null":        {""},
	} {
		parsed, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range parsed.Find(root) {
			got = append(got, n.Text())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Find(%s) (-want +got):\n%s", path, diff)
		}
		if found := parsed.Find(nil); found != nil {
			t.Errorf("Find(%s) in nothing = %v", path, found)
		}
	}
}
