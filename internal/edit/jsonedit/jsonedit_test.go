package jsonedit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/jsonedit"
)

// zoo holds files that are easily damaged.
var zoo = map[string]string{
	"plain":            `{"image":"ghcr.io/acme/web:1.0"}`,
	"byte order mark":  "\ufeff{\"image\": \"ghcr.io/acme/web:1.0\"}\n",
	"crlf":             "{\r\n  \"image\": \"ghcr.io/acme/web:1.0\",\r\n  \"n\": 1\r\n}\r\n",
	"no final newline": "{\n  \"image\": \"ghcr.io/acme/web:1.0\"\n}",
	"tabs":             "{\t\"image\"\t:\t\"ghcr.io/acme/web:1.0\"\t}\n\n\n",
	"non-ASCII before": `{"über → ": "漢字", "image": "ghcr.io/acme/web:1.0", "z": "😀"}`,
	"escapes":          `{"i\u006dage": "ghcr.io\/acme\/web:1.0", "n": "a\nb", "p": "\ud83d\ude00x", "q": "\"\\"}`,
	"duplicate keys":   `{"a": "first", "a": {"b": "x"}, "a": "ghcr.io/acme/web:1.0"}`,
	"scalars":          `[1, -2.50, 1e3, true, false, null, "", [], {}]`,
	"one string":       ` "ghcr.io/acme/web:1.0" `,
	"one number":       "12",
	"nested":           `{"a":[{"b":{"c":[["ghcr.io/acme/web:1.0"]]}}]}`,
	"lone surrogate":   `["\ud83d", "\ud83dx", "ok"]`,
	"bad UTF-8":        "[\"a\xffb\", \"ok\"]",
}

func parse(t *testing.T, src string) *jsonedit.Document {
	t.Helper()
	doc, err := jsonedit.Parse([]byte(src))
	if err != nil {
		t.Fatalf("Parse(%q): %v", src, err)
	}
	return doc
}

// scalars returns the scalars of a tree in source order.
func scalars(n *edit.Node) []*edit.Node {
	if n == nil {
		return nil
	}
	if n.Kind == edit.Scalar {
		return []*edit.Node{n}
	}
	var list []*edit.Node
	for _, child := range n.Content {
		list = append(list, scalars(child)...)
	}
	return list
}

func find(t *testing.T, doc *jsonedit.Document, value string) *edit.Node {
	t.Helper()
	for _, n := range scalars(doc.Root()) {
		if n.Value == value {
			return n
		}
	}
	t.Fatalf("no scalar %q", value)
	return nil
}

// apply splices the change and checks that the node, and nothing else, became
// value.
func apply(t *testing.T, src string, doc *jsonedit.Document, change edit.Change, node *edit.Node, value string) string {
	t.Helper()
	out, err := edit.Splice([]byte(src), []edit.Change{change})
	if err != nil {
		t.Fatal(err)
	}
	after := parse(t, string(out))
	if err := edit.Compare(doc.Root(), after.Root(), map[*edit.Node]string{node: value}); err != nil {
		t.Errorf("after the change to %q: %v\n%s", value, err, out)
	}
	return string(out)
}

func TestTree(t *testing.T) {
	t.Parallel()
	doc := parse(t, "\ufeff{\"a\" : [1, -2.5,true,null],\n\"a\":{ \"b\":\"\\u0041\" } }")
	scalar := func(start int, tag, value string) *edit.Node {
		return &edit.Node{Kind: edit.Scalar, Start: start, Tag: tag, Value: value}
	}
	want := &edit.Node{Kind: edit.Mapping, Start: 3, Content: []*edit.Node{
		scalar(4, edit.TagString, "a"),
		{Kind: edit.Sequence, Start: 10, Content: []*edit.Node{
			scalar(11, "!!int", "1"),
			scalar(14, "!!float", "-2.5"),
			scalar(19, "!!bool", "true"),
			scalar(24, edit.TagNull, "null"),
		}},
		scalar(31, edit.TagString, "a"),
		{Kind: edit.Mapping, Start: 35, Content: []*edit.Node{
			scalar(37, edit.TagString, "b"),
			scalar(41, edit.TagString, "A"),
		}},
	}}
	if diff := cmp.Diff(want, doc.Root()); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestParseEmpty(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", " \r\n\t", "\ufeff", "\ufeff\n"} {
		if root := parse(t, src).Root(); root != nil {
			t.Errorf("Parse(%q) has root %v, want none", src, root)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, message string
		offset             int
	}{
		{"cut short", `{"a": [1,`, "unexpected end", 9},
		{"cut within a string", `["a`, "unexpected end", 3},
		{"missing comma", "{\n \"a\": 1\n \"b\": 2}", `invalid character '"'`, 11},
		{"trailing comma", `[1,]`, "invalid character ']'", 3},
		{"comment", "{} // x", "invalid character '/'", 3},
		{"two values", "{}\n{}", "invalid character '{'", 3},
		{"after a byte order mark", "\ufeff[x]", "invalid character 'x'", 4},
		{"second byte order mark", "\ufeff\ufeff[]", "invalid character", 3},
		{"last byte", "[}", "invalid character '}'", 1},
		{"control character", "[\"a\nb\"]", `invalid character '\n'`, 3},
		{"leading zero", "[01]", "invalid character '1'", 2},
		{"not JSON", "image: web", "invalid character 'i'", 0},
		{"deep nesting", strings.Repeat("[", 100_000), "exceeded max depth", 10_000},
		{"deep and closed", strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), "exceeded max depth", 50_000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := jsonedit.Parse([]byte(test.src))
			syntax, ok := errors.AsType[*edit.SyntaxError](err)
			if !ok {
				t.Fatalf("got error %v, want a syntax error", err)
			}
			if !strings.Contains(syntax.Message, test.message) || syntax.Offset != test.offset {
				t.Errorf("got %q at %d, want %q at %d", syntax.Message, syntax.Offset, test.message, test.offset)
			}
		})
	}
}

func TestDeepest(t *testing.T) {
	t.Parallel()
	src := strings.Repeat("[", 10_000) + `"x"` + strings.Repeat("]", 10_000)
	doc := parse(t, src)
	node := find(t, doc, "x")
	text, err := doc.Text(node)
	if err != nil {
		t.Fatal(err)
	}
	change, err := text.Set("y")
	if err != nil {
		t.Fatal(err)
	}
	apply(t, src, doc, change, node, "y")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	for name, src := range zoo {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := parse(t, src)
			var changes []edit.Change
			for _, node := range scalars(doc.Root()) {
				text, err := doc.Text(node)
				if err != nil || text.Style == edit.Bare || len(text.Runs) > 1 {
					continue
				}
				if change, err := text.Set(node.Value); err == nil {
					changes = append(changes, change)
				}
			}
			out, err := edit.Splice([]byte(src), changes)
			if err != nil {
				t.Fatal(err)
			}
			if string(out) != src {
				t.Errorf("got %q, want %q", out, src)
			}
		})
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, old, new, want string }{
		{"string", `{"a": "1.0", "b": 2}`, "1.0", "1.1", `{"a": "1.1", "b": 2}`},
		{"empty string", `["", 1]`, "", "x", `["x", 1]`},
		{"key", `{"1.0" : null}`, "1.0", "1.1", `{"1.1" : null}`},
		{"to quotes", `["a"]`, "a", `q"\`, `["q\"\\"]`},
		{"to empty", `["a"]`, "a", "", `[""]`},
		{"integer", `[ 12,13]`, "12", "13a", `[ "13a",13]`},
		{"float", `{"tag":1.10}`, "1.10", "1.11", `{"tag":"1.11"}`},
		{"boolean", `[true]`, "true", "on", `["on"]`},
		{"null", `[null ]`, "null", "x", `["x" ]`},
		{"last of the file", `1`, "1", "2", `"2"`},
		{"byte order mark", zoo["byte order mark"], "ghcr.io/acme/web:1.0", "x", "\ufeff{\"image\": \"x\"}\n"},
		{"crlf", zoo["crlf"], "ghcr.io/acme/web:1.0", "x", "{\r\n  \"image\": \"x\",\r\n  \"n\": 1\r\n}\r\n"},
		{"tabs", zoo["tabs"], "ghcr.io/acme/web:1.0", "x", "{\t\"image\"\t:\t\"x\"\t}\n\n\n"},
		{"non-ASCII before", zoo["non-ASCII before"], "ghcr.io/acme/web:1.0", "ü", `{"über → ": "漢字", "image": "ü", "z": "😀"}`},
		{"after an escaped quote", `{"a\"b:": "x"}`, "x", "y", `{"a\"b:": "y"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc := parse(t, test.src)
			node := find(t, doc, test.old)
			text, err := doc.Text(node)
			if err != nil {
				t.Fatal(err)
			}
			change, err := text.Set(test.new)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, apply(t, test.src, doc, change, node, test.new)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplaceAmongEscapes(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, value, part, new, want string }{
		{"solidus", `{"a": "ghcr.io\/acme\/web:1.0"}`, "ghcr.io/acme/web:1.0", "1.0", "1.1", `{"a": "ghcr.io\/acme\/web:1.1"}`},
		{"letters", `["\u0061\u0062:1"]`, "ab:1", "1", "2", `["\u0061\u0062:2"]`},
		{"surrogate pair", `["\ud83d\ude00:1"]`, "😀:1", "1", "2", `["\ud83d\ude00:2"]`},
		{"before an escape", `["1\n2"]`, "1\n2", "1", "3", `["3\n2"]`},
		{"adjacent escapes", `["\"\\\u002f1\t"]`, "\"\\/1\t", "1", "2", `["\"\\\u002f2\t"]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc := parse(t, test.src)
			node := find(t, doc, test.value)
			text, err := doc.Text(node)
			if err != nil {
				t.Fatal(err)
			}
			from := strings.Index(test.value, test.part)
			change, err := text.Replace(from, from+len(test.part), test.new)
			if err != nil {
				t.Fatal(err)
			}
			value := strings.Replace(test.value, test.part, test.new, 1)
			if diff := cmp.Diff(test.want, apply(t, test.src, doc, change, node, value)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := text.Set("whole"); err == nil {
				t.Error("Set across an escape succeeded")
			}
		})
	}
}

func TestTextRefuses(t *testing.T) {
	t.Parallel()
	doc := parse(t, zoo["bad UTF-8"])
	if _, err := doc.Text(find(t, doc, "a\ufffdb")); err == nil {
		t.Error("Text located a string with bytes that the decoder lost")
	}
	if _, err := doc.Text(find(t, doc, "ok")); err != nil {
		t.Errorf("Text of the string beside it: %v", err)
	}
	strangers := []*edit.Node{
		nil,
		doc.Root(),
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: 1000},
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: 0},
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: len(zoo["bad UTF-8"]) - 2},
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: -1},
		{Kind: edit.Scalar, Tag: "!!int", Value: "5", Start: 0},
	}
	for _, n := range strangers {
		if _, err := doc.Text(n); err == nil {
			t.Errorf("Text(%+v) succeeded", n)
		}
	}
}

// large returns a file of at least size bytes, with an image and a note per
// object.
func large(size int, note string) string {
	var b strings.Builder
	b.WriteString("[\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "  {\"name\": \"app-%d\", \"replicas\": %d, \"on\": true, \"note\": %q, \"image\": \"ghcr.io/acme/app-%d:1.0.%d\"},\n", i, i%9, note, i, i)
	}
	b.WriteString("  {\"image\": \"last\"}\n]\n")
	return b.String()
}

func TestLarge(t *testing.T) {
	t.Parallel()
	src := large(5<<20, strings.Repeat("long ", 200))
	doc := parse(t, src)
	node := find(t, doc, "last")
	text, err := doc.Text(node)
	if err != nil {
		t.Fatal(err)
	}
	change, err := text.Set("new")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(src, `"last"`, `"new"`, 1)
	if apply(t, src, doc, change, node, "new") != want {
		t.Error("more than the last image changed")
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range zoo {
		f.Add([]byte(src))
	}
	f.Add([]byte(`{"a":"\u00e9\ud83d\ude00\u12"}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := jsonedit.Parse(src)
		if err != nil {
			if e, ok := errors.AsType[*edit.SyntaxError](err); !ok || e.Offset < 0 || e.Offset > len(src) || e.Message == "" {
				t.Fatalf("error %#v is no syntax error within the file", err)
			}
			return
		}
		const value = "v1.2.3x"
		edited := 0
		for _, node := range scalars(doc.Root()) {
			text, err := doc.Text(node)
			if err != nil {
				continue
			}
			for _, r := range text.Runs {
				if string(src[r.Source:r.Source+r.Len]) != node.Value[r.Value:r.Value+r.Len] {
					t.Fatalf("run %+v of %q is not written as itself", r, node.Value)
				}
			}
			change, err := text.Set(value)
			if err != nil {
				continue
			}
			out, err := edit.Splice(src, []edit.Change{change})
			if err != nil {
				t.Fatal(err)
			}
			after, err := jsonedit.Parse(out)
			if err != nil {
				t.Fatalf("after Set of %q: %v\n%s", node.Value, err, out)
			}
			if err := edit.Compare(doc.Root(), after.Root(), map[*edit.Node]string{node: value}); err != nil {
				t.Fatalf("after Set of %q: %v\n%s", node.Value, err, out)
			}
			if edited++; edited == 5 {
				break
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	src := []byte(large(1<<20, "short"))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsonedit.Parse(src); err != nil {
			b.Fatal(err)
		}
	}
}
