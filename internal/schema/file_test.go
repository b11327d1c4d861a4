package schema

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

func TestFileError(t *testing.T) {
	t.Parallel()
	src := "\ufeffa: ü, b\r\n\nc: d\nlast"
	f := File{Path: "p", Src: []byte(src)}
	at := func(text string) int { return strings.Index(src, text) }
	err := f.Error([]Fault{
		{Offset: at("d\n"), Message: "third"},
		{Offset: at("b"), Message: "second", Hint: "so"},
		{Offset: at("b"), Message: "second", Hint: "so"},
		{Offset: 0, Message: "first"},
		{Offset: at("b"), Message: "also second"},
		{Offset: len(src) + 9, Message: "last"},
	})
	var got []fault.Error
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		f, _ := errors.AsType[*fault.Error](e)
		got = append(got, *f)
	}
	want := []fault.Error{
		{Code: fault.Config, Path: "p", Line: 1, Column: 1, Excerpt: "a: ü, b", Message: "first"},
		{Code: fault.Config, Path: "p", Line: 1, Column: 7, Excerpt: "a: ü, b", Message: "second", Hint: "so"},
		{Code: fault.Config, Path: "p", Line: 1, Column: 7, Excerpt: "a: ü, b", Message: "also second"},
		{Code: fault.Config, Path: "p", Line: 3, Column: 4, Excerpt: "c: d", Message: "third"},
		{Code: fault.Config, Path: "p", Line: 4, Column: 5, Excerpt: "last", Message: "last"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i, one := range got {
		if i == 1 || i == 2 {
			continue
		}
		offset := []int{0, 0, 0, at("d\n"), len(src)}[i]
		if alone := f.Fault(offset, "", "%s", one.Message); alone.Line != one.Line || alone.Column != one.Column || alone.Excerpt != one.Excerpt {
			t.Errorf("alone it is %+v, not %+v", alone, one)
		}
	}
	if err := f.Error(nil); err != nil || errors.Unwrap(err) != nil {
		t.Errorf("no faults make %v", err)
	}
}

func TestFileOffset(t *testing.T) {
	t.Parallel()
	src := "base: &b {deep: [x, y]}\nlist:\n  - {<<: *b, own: z}\n  - *b\n"
	f := File{Src: []byte(src), Doc: documentOf(t, src)}
	for _, test := range []struct {
		steps []any
		want  string
	}{
		{nil, "base"},
		{[]any{"list", 0, "own"}, "z}"},
		{[]any{"list", 0, "deep", 1}, "y]"},
		{[]any{"list", 1}, "*b\n"},
		{[]any{"list", 1, "deep", 0}, "x,"},
		{[]any{"list", 1, "shallow", 0}, "*b\n"}, // as far as it goes
		{[]any{"list", 9}, "- {<<"},
		{[]any{"nowhere"}, "base"},
	} {
		if got := f.Offset(test.steps...); !strings.HasPrefix(src[got:], test.want) {
			t.Errorf("%v is at %d, %q, not at %q", test.steps, got, src[got:], test.want)
		}
	}
	if got := (&File{}).Offset("a"); got != 0 {
		t.Errorf("without a document: %d", got)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"name", "group", "after", "auto", "gates", "commands", "pullRequest", "environments", "prod-eu", "for", "to"}
	for word, want := range map[string]string{
		"nam": "name", "naem": "name", "Name": "name", "gruop": "group", "afer": "after", "pull_request": "pullRequest",
		"pull-requests": "pullRequest", "enviromnents": "environments", "env": "environments", "prod": "prod-eu", "prod_eu": "prod-eu",
		"command": "commands", "fr": "for", "of": "", "xyz": "", "": "", "key": "", "gate": "gates", "aut": "auto",
		strings.Repeat("a", 1000): "",
	} {
		if got := Nearest(word, keys); got != want {
			t.Errorf("nearest to %q: got %q, want %q", word, got, want)
		}
	}
	if got := Nearest("cat", []string{"car", "bat", strings.Repeat("c", 100)}); got != "car" {
		t.Errorf("of two as near, got %q", got)
	}
}

func TestIsName(t *testing.T) {
	t.Parallel()
	re := compiled(NamePattern)
	for _, s := range []string{"a", "0", "a.b_c-d", "2024", "", ".", "..", "-a", "_a", "A", "a b", "a/b", "ä", "a\n", "a.", "a-"} {
		if got, want := IsName(s), re.MatchString(s); got != want {
			t.Errorf("%q: got %t, but the pattern says %t", s, got, want)
		}
	}
}
