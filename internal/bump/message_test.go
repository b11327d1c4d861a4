package bump

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMessagesAreOneLine: what a file holds must not begin a line of its own
// in a log.
func TestMessagesAreOneLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 200)
	plan := scanned(t, memory{
		"a.yaml": `web: {repository: acme.io/web, tag: "x\n::error::pwned"}` + "\n" +
			"long: {repository: acme.io/web, tag: \"" + long + "\"}\n" +
			`key: {repository: acme.io/web, "a\nb\nimage.repository": acme.io/web, "a\nb\nimage.tag": "1", "a\nb\nimage.digest": "\r"}` + "\n",
		"kustomization.yaml": `images: [{name: acme.io/web, newName: "x\n::error::y", newTag: "1"}]` + "\n",
	}, Request{Moves: []Move{moveTo(t, "acme.io/web:2")}})
	var texts []string
	for _, f := range plan.Files {
		for _, m := range f.Mentions {
			texts = append(texts, m.Text+": "+m.Reason)
		}
		for _, e := range f.Refused {
			texts = append(texts, e.Message)
		}
	}
	want := []string{
		`x\n::error::pwned: its tag is no valid tag`,
		strings.Repeat("é", 120) + "…: its tag is no valid tag",
		`acme.io/web cannot be bumped here: what stands under a\nb\nimage.digest is no digest such as sha256:…`,
		`1: it is replaced by x\n::error::y`,
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
}

// TestSetHint: who named a place is not told to name it.
func TestSetHint(t *testing.T) {
	t.Parallel()
	tree := memory{"a.yaml": "x: a word\nimage: {repository: acme.io/web, tag: 1, digest: word}\n"}
	plan := scanned(t, tree, Request{
		Moves: []Move{moveTo(t, "acme.io/web:2")},
		Set:   []Target{{Path: "a.yaml", Keys: parsePath(t, "x")}},
	})
	var hints []string
	for _, e := range plan.Files[0].Refused {
		hints = append(hints, e.Hint)
	}
	want := []string{"mend the place by hand", "mend the place by hand, or name it with --set"}
	if diff := cmp.Diff(want, hints); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}
