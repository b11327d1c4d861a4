package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/towpath-dev/towpath/internal/edit"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		src  string
		want []string
	}{
		"empty":                     {"", nil},
		"comments only":             {"# a\n\n# b\n", nil},
		"one":                       {"a: 1\n", []string{"a: 1\n"}},
		"marker first":              {"---\na: 1\n", []string{"---\na: 1\n"}},
		"two":                       {"a: 1\n---\nb: 2\n", []string{"a: 1\n", "---\nb: 2\n"}},
		"crlf":                      {"a: 1\r\n---\r\nb: 2\r\n", []string{"a: 1\r\n", "---\r\nb: 2\r\n"}},
		"comment before the marker": {"# head\n---\na: 1\n", []string{"# head\n---\na: 1\n"}},
		"directive":                 {"%YAML 1.2\n---\na: 1\n", []string{"%YAML 1.2\n---\na: 1\n"}},
		"end marker":                {"a: 1\n...\n# tail\n---\nb: 2\n", []string{"a: 1\n...\n", "# tail\n---\nb: 2\n"}},
		"content on the marker":     {"a: 1\n--- |\n text\n", []string{"a: 1\n", "--- |\n text\n"}},
		"no marker":                 {"a: 1\n----\nb: 2\n", []string{"a: 1\n----\nb: 2\n"}},
		"dashes in a block scalar":  {"a: |\n  ---\n  x\n", []string{"a: |\n  ---\n  x\n"}},
		"byte order mark":           {"\ufeffa: 1\n", []string{"a: 1\n"}},
		"empty documents":           {"---\n---\na: 1\n", []string{"---\n", "---\na: 1\n"}},
		"trailing comment":          {"a: 1\n...\n# tail\n", []string{"a: 1\n...\n# tail\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range Split([]byte(test.src)) {
				got = append(got, test.src[s.Start:s.End])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// scalars returns the string and number scalars of a tree in source order.
func scalars(n *edit.Node) []*edit.Node {
	if n == nil {
		return nil
	}
	if n.Kind == edit.Scalar {
		return []*edit.Node{n}
	}
	var out []*edit.Node
	for _, c := range n.Content {
		out = append(out, scalars(c)...)
	}
	return out
}

func find(t *testing.T, doc *Document, value string) *edit.Node {
	t.Helper()
	for _, n := range scalars(doc.Root()) {
		if n.Value == value {
			return n
		}
	}
	t.Fatalf("no scalar %q", value)
	return nil
}

// set changes the part of a scalar that reads from, proves the result and
// returns it.
func set(t *testing.T, src, scalar, from, to string) (string, error) {
	t.Helper()
	var out []byte
	for _, span := range Split([]byte(src)) {
		doc, err := Parse([]byte(src), span)
		if err != nil {
			t.Fatal(err)
		}
		n := find(t, doc, scalar)
		text, err := doc.Text(n)
		if err != nil {
			return "", err
		}
		i := strings.Index(scalar, from)
		change, err := text.Replace(i, i+len(from), to)
		if err != nil {
			return "", err
		}
		if out, err = edit.Splice([]byte(src), []edit.Change{change}); err != nil {
			t.Fatal(err)
		}
		after, err := Parse(out, Split(out)[0])
		if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		want := map[*edit.Node]string{n: scalar[:i] + to + scalar[i+len(from):]}
		if err := edit.Compare(doc.Root(), after.Root(), want); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
	}
	return string(out), nil
}

func TestReplace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ src, scalar, from, to, want string }{
		"plain":                       {"tag: 1.4.1\n", "1.4.1", "1.4.1", "1.4.2", "tag: 1.4.2\n"},
		"plain becomes a float":       {"tag: 1.4.1 # c\n", "1.4.1", "1.4.1", "1.20", "tag: \"1.20\" # c\n"},
		"plain was a float":           {"tag: 1.20\n", "1.20", "1.20", "1.21.0", "tag: 1.21.0\n"},
		"plain becomes an exponent":   {"tag: abc\n", "abc", "abc", "1e3", "tag: \"1e3\"\n"},
		"plain becomes a bool of 1.1": {"tag: abc\n", "abc", "abc", "on", "tag: \"on\"\n"},
		"plain becomes a date":        {"tag: abc\n", "abc", "abc", "2024-01-02", "tag: \"2024-01-02\"\n"},
		"plain becomes octal":         {"tag: abc\n", "abc", "abc", "0o17", "tag: \"0o17\"\n"},
		"single":                      {"tag: '1.4.1'\n", "1.4.1", "1.4.1", "1.20", "tag: '1.20'\n"},
		"double":                      {"tag: \"1.4.1\"\n", "1.4.1", "1.4.1", "1.20", "tag: \"1.20\"\n"},
		"empty double":                {"tag: \"\"\n", "", "", "1.20", "tag: \"1.20\"\n"},
		"empty single":                {"tag: ''\n", "", "", "1.20", "tag: '1.20'\n"},
		"part":                        {"image: a/b:1 # c\n", "a/b:1", "1", "2", "image: a/b:2 # c\n"},
		"after an escape":             {"image: \"a\\x2fb:1\"\n", "a/b:1", "1", "2", "image: \"a\\x2fb:2\"\n"},
		"after a wide escape":         {"image: \"\\u00e9\\x62:1\"\n", "éb:1", "1", "2", "image: \"\\u00e9\\x62:2\"\n"},
		"after a doubled quote":       {"image: 'it''s:1'\n", "it's:1", "1", "2", "image: 'it''s:2'\n"},
		"crlf":                        {"a: b\r\ntag: v1\r\n", "v1", "v1", "v2", "a: b\r\ntag: v2\r\n"},
		"byte order mark":             {"\ufefftag: v1", "v1", "v1", "v2", "\ufefftag: v2"},
		"no final newline":            {"tag: v1", "v1", "v1", "v2", "tag: v2"},
		"non-ASCII before":            {"{ünïcödé: 日本, tag: v1}\n", "v1", "v1", "v2", "{ünïcödé: 日本, tag: v2}\n"},
		"flow":                        {"{tag: v1, b: [c]}\n", "v1", "v1", "1.0", "{tag: \"1.0\", b: [c]}\n"},
		"tabs":                        {"tag:\tv1\t# c\n", "v1", "v1", "v2", "tag:\tv2\t# c\n"},
		"anchor":                      {"tag: &t v1\nb: *t\n", "v1", "v1", "v2", "tag: &t v2\nb: *t\n"},
		"anchor and type":             {"tag: !!str &t \"v1\"\n", "v1", "v1", "v2", "tag: !!str &t \"v2\"\n"},
		"anchor on a line above":      {"tag: &t # c\n  v1\n", "v1", "v1", "v2", "tag: &t # c\n  v2\n"},
		"literal":                     {"a: |\n\n    tag: v1\n    b: c\nd: e\n", "\ntag: v1\nb: c\n", "v1", "v2", "a: |\n\n    tag: v2\n    b: c\nd: e\n"},
		"literal with an indicator":   {"a:\n  b: |2-\n      tag: v1\n", "  tag: v1", "v1", "v2", "a:\n  b: |2-\n      tag: v2\n"},
		"literal with crlf":           {"a: |-\r\n  x\r\n  v1\r\n", "x\nv1", "v1", "v2", "a: |-\r\n  x\r\n  v2\r\n"},
		"folded":                      {"a: >-\n  v1\nb: c\n", "v1", "v1", "v2", "a: >-\n  v2\nb: c\n"},
		"folded lines":                {"a: >\n  x\n  v1\n", "x v1\n", "v1", "v2", "a: >\n  x\n  v2\n"},
		"top-level literal":           {"--- |\n v1\n b\n", "v1\nb\n", "v1", "v2", "--- |\n v2\n b\n"},
		"version directive":           {"%YAML 1.2\n---\ntag: v1\n", "v1", "v1", "v2", "%YAML 1.2\n---\ntag: v2\n"},
		"line separator before":       {"a: b\u2028tag: v1\n", "v1", "v1", "v2", "a: b\u2028tag: v2\n"},
		"variable with a default":     {"image: ${I:-a:1}\n", "${I:-a:1}", "1", "2", "image: ${I:-a:2}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := set(t, test.src, test.scalar, test.from, test.to)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestReplaceRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ src, scalar, from string }{
		"double over lines": {"a: \"x\n  v1\"\n", "x v1", "v1"},
		"single over lines": {"a: 'x\n  v1'\n", "x v1", "v1"},
		"plain over lines":  {"a: x\n  v1\n", "x v1", "v1"},
		"across an escape":  {"a: \"v\\x31\"\n", "v1", "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := set(t, test.src, test.scalar, test.from, "v2"); err == nil {
				t.Errorf("got %q, want an error", got)
			}
		})
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		src  string
		want int // line
	}{
		"in the second document":                 {"a: 1\n---\nb:\n  c: d\n e: f\n", 3},
		"a bracket on the first line":            {"a: [b\n", 1},
		"a bracket on the first of several":      {"a: [b\nc: d\n", 1},
		"a bracket without a line break":         {"a: {b", 1},
		"a bracket on the second line":           {"a:\n  [b\nc: d\n", 2},
		"a bracket on the second of two":         {"a: b\nc: [d\n", 2},
		"a bracket on the third line":            {"a:\n  b:\n    [c\nd: e\n", 3},
		"the start of the mapping":               {"a:\n  b:\n    - c\n   d: e\n", 2},
		"quotes":                                 {"a: b\nc: 'd\n", 2},
		"a colon":                                {"a: b\nc: d: e\n", 2},
		"an alias":                               {"# *b\na: b\nc: [d, *b]\n", 3},
		"an alias behind words that are like it": {"a: x*b\nc: *b-c\nd: \"*b\"\n", 2},
		"no UTF-8":                               {"a: b\nc: \xff\n", 2},
		"a control character":                    {"a: b\n\n# \x02", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := []byte(test.src)
			docs := Split(src)
			_, err := Parse(src, docs[len(docs)-1])
			syntax, ok := errors.AsType[*edit.SyntaxError](err)
			if !ok {
				t.Fatalf("got %v, want a syntax error", err)
			}
			if got := edit.PositionAt(src, syntax.Offset).Line; got != test.want {
				t.Errorf("%s: on line %d, want %d", syntax.Message, got, test.want)
			}
		})
	}
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	src := []byte("[" + strings.Repeat("é: v1, ", 200_000) + "end]")
	doc, err := Parse(src, Split(src)[0])
	if err != nil {
		t.Fatal(err)
	}
	text, err := doc.Text(find(t, doc, "end"))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(src) - 4; text.Raw.Start != want {
		t.Errorf("starts at %d, want %d", text.Raw.Start, want)
	}
}

func TestIsString(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"1.4.2", "v1", "latest", "1.2.3-rc.1", "abc1234", "main-1", "e5", "1.2.3.4", "20240101-abc", "nope", "0x", "_a", "1.0.0"} {
		if !IsString(s) {
			t.Errorf("%q is a string", s)
		}
	}
	for _, s := range []string{"1.20", "1", "6801028", "1e3", "1E+3", "123e456", "on", "no", "y", "True", "~", "null", "0x1F", "0o17", "017", "0b1", "08", "1_000", "1:20", "190:20:30", ".5", "5.", "2024-01-02", "2001-1-1", ".inf", ".NaN", "<<", "=", "1_0.5", "0_X0"} {
		if IsString(s) {
			t.Errorf("%q is no string to every reader", s)
		}
	}
}

// What the parser itself takes for something else must be in the list too.
func FuzzIsString(f *testing.F) {
	for _, s := range []string{"1.20", "0x1p-2", "1_2", "12e03", "2001-12-14t21:59:43.10-05:00", "+.inf", "0b0", "-0o7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range s {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", c) {
				return
			}
		}
		if s == "" || !IsString(s) {
			return
		}
		var n yaml.Node
		if err := yaml.Unmarshal([]byte("k: "+s+"\n"), &n); err != nil {
			return
		}
		if v := n.Content[0].Content[1]; v.Kind == yaml.ScalarNode && v.Tag != edit.TagString {
			t.Errorf("%q is %s", s, v.Tag)
		}
	})
}

// Whatever the file: a scalar that can be located can be set, the result
// proves itself, and no byte outside of the change moves.
func FuzzReplace(f *testing.F) {
	for _, s := range []string{
		"a: b\n", "a: &x 'b'\nc: *x\n", "a: |\n  b\n  c\n", "a: >-\n  b\n", "{a: [b, \"c\"]}", "\ufeffé: ü\r\n", "- !!str b # c\n",
		"%YAML 1.2\n---\na: b\n...\n---\nc: d\n", "a: \"\\u00e9\\\"x\"\n", "? a\n: b\n", "a:\n- b\n-  - c\n", "a: |2\n   b\n\n  c\n", "a: b\u0085c: d\n", "<<: *x\n", "--- |\nx\n", "a: |+\n\n  b\n\n",
		"\"a\": 1\r\n\"b\" : '2'\r", "a: >\n  b\n   c\n\n  d\n", "--- &x\n- *x\n", "a: !<tag:x> b\n", "'a''b': c\n", "é: ",
	} {
		f.Add([]byte(s), 0)
		f.Add([]byte(s), 1)
	}
	f.Add([]byte("0\n\t"), 0)
	f.Add([]byte("0\r\t"), 0)
	f.Add([]byte("''''"), 0)
	f.Add([]byte("a: '''b'\n"), 1)
	f.Add([]byte("a: 0 \n \t\nb: c\n"), 1)
	f.Fuzz(func(t *testing.T, src []byte, pick int) {
		docs := Split(src)
		end := len(bomPrefix(src))
		for _, d := range docs {
			if d.Start != end {
				t.Fatalf("documents %v leave a gap at %d", docs, end)
			}
			end = d.End
		}
		if len(docs) > 0 && end != len(src) {
			t.Fatalf("documents %v end before %d", docs, len(src))
		}
		for i, span := range docs {
			doc, err := Parse(src, span)
			if err != nil {
				continue
			}
			nodes := scalars(doc.Root())
			if len(nodes) == 0 {
				continue
			}
			n := nodes[uint(pick)%uint(len(nodes))]
			text, err := doc.Text(n)
			if err != nil || n.Tag == edit.TagMerge || src[n.Start] == '!' || src[n.Start] == '&' {
				continue
			}
			change, err := text.Set("1.20")
			if err != nil {
				continue
			}
			out, err := edit.Splice(src, []edit.Change{change})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(out, src[:change.Start]) || !bytes.HasSuffix(out, src[change.End:]) {
				t.Fatal("bytes outside of the change moved")
			}
			again := Split(out)
			if len(again) != len(docs) {
				t.Fatalf("%d documents became %d in %q", len(docs), len(again), out)
			}
			after, err := Parse(out, again[i])
			if err != nil {
				t.Fatalf("%q became %q: %v", src, out, err)
			}
			if err := edit.Compare(doc.Root(), after.Root(), map[*edit.Node]string{n: "1.20"}); err != nil {
				t.Fatalf("%q became %q: %v", src, out, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var buf bytes.Buffer
	for i := range 5_000 {
		fmt.Fprintf(&buf, "app%d:\n  image:\n    repository: ghcr.io/acme/app%d\n    tag: 1.2.%d # comment\n  env:\n    - name: FOO\n      value: \"bar\"\n", i, i, i)
	}
	src := buf.Bytes()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(src, Split(src)[0]); err != nil {
			b.Fatal(err)
		}
	}
}
