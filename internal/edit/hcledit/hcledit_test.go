package hcledit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/hcledit"
)

const image = "ghcr.io/acme/web:1.0"

// zoo holds files that are easily damaged.
var zoo = map[string]string{
	"attribute":        `image = "ghcr.io/acme/web:1.0"` + "\n",
	"byte order mark":  "\ufeffimage = \"ghcr.io/acme/web:1.0\"\n",
	"crlf":             "a {\r\n  image = \"ghcr.io/acme/web:1.0\" # x\r\n  n     = 1\r\n}\r\n",
	"no final newline": "n = 1\nimage = \"ghcr.io/acme/web:1.0\"",
	"tabs":             "a {\n\timage\t=\t\"ghcr.io/acme/web:1.0\"\t\n\n}\n\n\n",
	"non-ASCII before": `a = { "über → " = "漢字", image = "ghcr.io/acme/web:1.0", z = "😀" }` + "\n",
	"escapes":          `a = "q\"\\\n\t\u0041\U0001f600x" ` + "\n" + `b = "$${x} %%{y} $ % $$ ok"` + "\n",
	"duplicate keys":   `a = { k = "first", k = "ghcr.io/acme/web:1.0", "k" = 1 }` + "\n",
	"comments":         "# \"one\"\n// \"two\"\n/* \"three\"\n*/ a = /* \"x\" */ \"ghcr.io/acme/web:1.0\" # \"four\"\n",
	"one-line block":   `set { value = "ghcr.io/acme/web:1.0" }` + "\nempty {}\n",
	"labels":           "resource \"a\\\"b\" name {\n  image = \"ghcr.io/acme/web:1.0\"\n}\nresource \"a\\\"b\" name {\n}\n",
	"nested objects":   "a = {\n  b = {\n    c : [[\"ghcr.io/acme/web:1.0\"], \"x\",]\n    (d.e) = \"f\"\n    \"${g}\" = \"h\"\n  }\n}\n",
	"heredoc":          "a = <<EOT\nimage:\n  repository: web\n\n  tag: 1.0\nEOT\nb = 1\n",
	"flush heredoc":    "a {\n  v = <<-EOT\n    image:\n      tag: 1.0\n\n\t  \n    end\n  EOT\n}\n",
	"blank in heredoc": "a = <<-EOT\n \r\n    tag: 1.0\n  \n  EOT\n",
	"heredoc escapes":  "a = <<-EOT\n  x: $${y}:1.0\n  z: %%{if} \\n \"q\"\n  EOT\n",
	"heredoc crlf":     "a = <<-EOT\r\n    tag: 1.0\r\n      b: 2\r\n  EOT\r\nb = 1\r\n",
	"empty heredoc":    "a = <<EOT\nEOT\nb = <<-EOT\nEOT\n",
	"expressions":      "a = var.x ? \"ghcr.io/acme/web:1.0\" : [for k, v in { a = \"b\" } : \"c\" if v != \"d\"]\nb = merge({ a = -1.5 }, var.b)[\"x\"].y\nc = [\"q\"][*].z\nd = !(-5 + 2 == 3) && null != true\ne = { for k, v in m : \"k\" => \"v\"... }\n",
	"templates":        "a = \"${var.x}:1.0\"\nb = \"${jsonencode({ image = \"ghcr.io/acme/web:1.0\" })}\"\nc = \"x${f(\"y\")}z\"\nd = <<EOT\n%{ if x == \"1\" }\"no\"%{ else }${\"yes\"}%{ endif }\n%{ for x in [\"l\"] }\"${x}\"%{ endfor }\nEOT\n",
}

func parse(t *testing.T, src string) *hcledit.Document {
	t.Helper()
	doc, err := hcledit.Parse([]byte(src), "test.tf")
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

// find returns the last scalar with a value.
func find(t *testing.T, doc *hcledit.Document, value string) *edit.Node {
	t.Helper()
	var found *edit.Node
	for _, n := range scalars(doc.Root()) {
		if n.Value == value {
			found = n
		}
	}
	if found == nil {
		t.Fatalf("no scalar %q", value)
	}
	return found
}

// replace replaces the first part of a scalar's value, checks that the scalar,
// and nothing else, became that, and returns the new file.
func replace(t *testing.T, src, value, part, with string) string {
	t.Helper()
	doc := parse(t, src)
	node := find(t, doc, value)
	text, err := doc.Text(node)
	if err != nil {
		t.Fatal(err)
	}
	from := strings.Index(value, part)
	change, err := text.Replace(from, from+len(part), with)
	if err != nil {
		t.Fatal(err)
	}
	out, err := edit.Splice([]byte(src), []edit.Change{change})
	if err != nil {
		t.Fatal(err)
	}
	want := map[*edit.Node]string{node: value[:from] + with + value[from+len(part):]}
	if err := edit.Compare(doc.Root(), parse(t, string(out)).Root(), want); err != nil {
		t.Errorf("after %q became %q: %v\n%s", part, with, err, out)
	}
	return string(out)
}

// outline writes a tree as one line: {key: value} [item] "string" other
// <opaque>.
func outline(n *edit.Node) string {
	var parts []string
	switch {
	case n == nil:
		return "nothing"
	case n.Kind == edit.Opaque:
		return "<" + n.Value + ">"
	case n.Kind == edit.Scalar && n.Tag == edit.TagString:
		return fmt.Sprintf("%q", n.Value)
	case n.Kind == edit.Scalar:
		return n.Value + strings.TrimPrefix(n.Tag, "!")
	case n.Kind == edit.Sequence:
		for _, item := range n.Content {
			parts = append(parts, outline(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for key, value := range n.Pairs() {
		parts = append(parts, outline(key)+": "+outline(value))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func TestTree(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want string }{
		{"empty", "", `nothing`},
		{"comment", "# a\n", `nothing`},
		{"byte order mark alone", "\ufeff", `nothing`},
		{"source order", "b = 1\nset {\n}\na = 2\nset {\n  x = 3\n}\n", `{"b": 1!int, "set": {}, "a": 2!int, "set": {"x": 3!int}}`},
		{"labels", "resource \"a\" b {\n  c = 1\n}\n", `{"resource": {"a": {"b": {"c": 1!int}}}}`},
		{"literals", `a = [1, -2.5, 1e3, true, null, "s", ("p")]`, `{"a": [1!int, -2.5!float, 1e3!float, true!bool, null!null, "s", "p"]}`},
		{
			"keys", `a = { b = 1, "c" = 2, (d) = 3, "${e}x" = 4, 5 = 6, true = 7, ("f") = 8, g.h = 9, for_x = 10 }`,
			`{"a": {"b": 1!int, "c": 2!int, <(d)>: 3!int, <"${e}x">: 4!int, 5!int: 6!int, "true": 7!int, "f": 8!int, <g.h>: 9!int, "for_x": 10!int}}`,
		},
		{
			"references", `a = [var.a, local.b[0], c["d"], "${var.e}", "${var.f}:1.0", !g]`,
			`{"a": [<var.a>, <local.b[0]>, <c["d"]>, <var.e>, <"${var.f}:1.0">, <!g>]}`,
		},
		{"functions", `a = jsonencode(merge({ b = "c" }, var.d, f(e)))`, `{"a": [[{"b": "c"}, <var.d>, <f(e)>]]}`},
		{"conditional", `a = b ? "c" : d`, `{"a": [<b>, "c", <d>]}`},
		{"operators", `a = "b" == c && - 1 < -d`, `{"a": [["b", <c>], [[1!int], <-d>]]}`},
		{"for", `a = { for k, v in ["b"] : "c" => "d" if "e" }`, `{"a": [["b"], "c", "d", "e"]}`},
		{"index", `a = {b = "c"}[d].e`, `{"a": [[{"b": "c"}, <d>]]}`},
		{"splat", `a = ["b"][*].c`, `{"a": [["b"], <[*].c>]}`},
		{"template", `a = "b${c("d")}e"`, `{"a": [<b>, ["d"], <e>]}`},
		{
			"directives", "a = <<X\n%{ if b }\"c\"%{ else }${\"d\"}%{ endif }%{ for e in [\"f\"] }\"g\"%{ endfor }\nX\n",
			`{"a": [[<b>, <"c">, "d"], [["f"], <"g">], <` + "\n" + `>]}`,
		},
		{"heredoc", "a = <<X\n b\n  c\nX\n", `{"a": " b\n  c\n"}`},
		{"flush heredoc", "a = <<-X\n b\n\n  c\n X\n", `{"a": "b\n\n c\n"}`},
		{"heredoc with interpolation", "a = <<X\nb ${c}\nX\n", "{\"a\": <<<X\nb ${c}\nX>}"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, outline(parse(t, test.src).Root())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestStarts(t *testing.T) {
	t.Parallel()
	src := "\ufeff# ü\nblock \"label\" bare {\n  # 漢字\n  attr = f(( \"text\" ), { key = -1 }, <<-X\n  doc\n  X\n  , var.x)\n}\n"
	var visit func(n *edit.Node)
	seen := 0
	visit = func(n *edit.Node) {
		rest := src[n.Start:]
		written := n.Value
		switch {
		case n.Kind == edit.Sequence && strings.HasPrefix(rest, "f("),
			n.Kind == edit.Mapping && strings.HasPrefix(rest, "{"),
			n.Kind == edit.Mapping && len(n.Content) > 0 && n.Start == n.Content[0].Start,
			n.Value == "doc\n" && strings.HasPrefix(rest, "<<-X"):
			written = ""
		case n.Value == "text", n.Value == "label":
			written = `"` + n.Value + `"`
		case n.Kind == edit.Sequence, n.Kind == edit.Mapping:
			t.Errorf("collection starts with %.10q", rest)
		}
		if !strings.HasPrefix(rest, written) {
			t.Errorf("%q starts with %.10q", n.Value, rest)
		}
		seen++
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(parse(t, src).Root())
	if seen != 15 {
		t.Errorf("saw %d nodes, want 15", seen)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, message string
		offset             int
	}{
		{"no value", "a = 1\nb =\n", "invalid expression: expected the start of an expression, but found an invalid expression token", 9},
		{"after a byte order mark", "\ufeffa = ]\n", "invalid expression", 7},
		{"unclosed block", "a {\n", "unclosed configuration block", 2},
		{"attribute twice", "a = 1\na = 2\n", "attribute redefined", 6},
		{"single quotes", "a = 'b'\n", "invalid character: single quotes are not valid", 4},
		{"line break in a string", "a = \"b\nc\"\n", "invalid multi-line string", 6},
		{"broken UTF-8", "a = \"b\xff\"\n", "invalid character encoding", 6},
		{"second byte order mark", "\ufeff\ufeffa = 1\n", "invalid character", 3},
		{"JSON", `{"a": 1}`, "argument or block definition required", 0},
		{"heredoc without end", "a = <<X\nb\n", "unterminated template string", 10},
		{"brackets", "a = " + strings.Repeat("[", 100_000), "nested too deeply", 4 + 999},
		{"closed brackets", "a = " + strings.Repeat("[", 12_000) + strings.Repeat("]", 12_000), "nested too deeply", 4 + 999},
		{"mismatched brackets", "a = " + strings.Repeat("[ )", 12_000), "nested too deeply", 4 + 3*999},
		{"blocks", strings.Repeat("a {\n", 12_000), "nested too deeply", 4*999 + 2},
		{"interpolations", "a = " + strings.Repeat(`"${`, 12_000), "nested too deeply", 4 + 3*499 + 1},
		{"signs", "a = " + strings.Repeat("!-", 12_000) + "1", "nested too deeply", 4 + 1000},
		{"conditionals", "a = " + strings.Repeat("b ? c : ", 12_000) + "d", "nested too deeply", 4 + 8*10_000 + 2},
		{"conditionals over lines", "a = [" + strings.Repeat("b ?\nc : ", 12_000) + "d]", "nested too deeply", 5 + 8*10_000 + 2},
		{"conditionals within the limit of the parser", "a = " + strings.Repeat("b ? c : ", 5_000) + "d", "nested too deeply", 4 + 8*999},
		{"splats", "a = b" + strings.Repeat("[*]", 12_000), "nested too deeply", 5 + 3*10_000 + 1},
		{"sums", "a = 1" + strings.Repeat("+1", 12_000), "nested too deeply", 4},
		{"labels", "a" + strings.Repeat(" b", 12_000) + " {\n}\n", "nested too deeply", 0},
		{"lines", "a = <<X\n" + strings.Repeat("b\n", 12_000) + "X\n", "string of more than 10000 lines or parts", 8 + 2*10_000},
		{"parts", "a = \"" + strings.Repeat("$$ ", 12_000) + "\"\n", "string of more than 10000 lines or parts", 5 + 10_000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := hcledit.Parse([]byte(test.src), "test.tf")
			syntax, ok := errors.AsType[*edit.SyntaxError](err)
			if !ok {
				t.Fatalf("got error %v, want a syntax error", err)
			}
			if !strings.HasPrefix(syntax.Message, test.message) || syntax.Offset != test.offset {
				t.Errorf("got %q at %d, want %q at %d", syntax.Message, syntax.Offset, test.message, test.offset)
			}
		})
	}
}

// TestManyConditionals checks that the limits are on what nests, not on what
// follows each other.
func TestManyConditionals(t *testing.T) {
	t.Parallel()
	src := strings.Repeat("a {\n  b = c ? d[*].e[*].f[*].g[*] : -1 # ?\n}\n", 2_500)
	if got := len(parse(t, src).Root().Content); got != 5_000 {
		t.Errorf("got %d keys and values, want 5000", got)
	}
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
				if err != nil || text.Style == edit.Bare {
					continue
				}
				for _, r := range text.Runs {
					change, err := text.Replace(r.Value, r.Value+r.Len, node.Value[r.Value:r.Value+r.Len])
					if err != nil && text.Style == edit.Double {
						t.Errorf("run %+v of %q: %v", r, node.Value, err)
					}
					if err == nil {
						changes = append(changes, change)
					}
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

func TestReplaceImage(t *testing.T) {
	t.Parallel()
	for name, src := range zoo {
		if strings.Count(src, image) != 1 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := strings.Replace(src, image, "ghcr.io/acme/web:2.0-ü", 1)
			if diff := cmp.Diff(want, replace(t, src, image, "1.0", "2.0-ü")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, value, part, with, want string }{
		{"empty string", "a = \"\"\n", "", "", "x", "a = \"x\"\n"},
		{"to quotes", "a = \"b\"\n", "b", "b", `q"\`, "a = \"q\\\"\\\\\"\n"},
		{"integer", "a = [12,13]\n", "12", "12", "12a", "a = [\"12a\",13]\n"},
		{"negative", "a = -1.5\n", "-1.5", "-1.5", "x", "a = \"x\"\n"},
		{"part of a number", "a = 1.10 # x", "1.10", "10", "11", "a = \"1.11\" # x"},
		{"boolean", "a = true\n", "true", "true", "on", "a = \"on\"\n"},
		{"null", "a = { b = null }\n", "null", "null", "x", "a = { b = \"x\" }\n"},
		{"number as a key", "a = { 1 = 2 }\n", "1", "1", "x", "a = { \"x\" = 2 }\n"},
		{"number in a template", "a = \"x${1}\"\n", "1", "1", "y", "a = \"x${\"y\"}\"\n"},
		{"label", "a \"1.0\" {\n}\n", "1.0", "1.0", "1.1", "a \"1.1\" {\n}\n"},
		{"quoted key", "a = { \"1.0\" = 2 }\n", "1.0", "1.0", "1.1", "a = { \"1.1\" = 2 }\n"},
		{"behind escapes", `a = "\u0041\"$${b}:1.0"`, `A"${b}:1.0`, "1.0", "1.1", `a = "\u0041\"$${b}:1.1"`},
		{"before an escape", `a = "1.0\n"`, "1.0\n", "1.0", "1.1", `a = "1.1\n"`},
		{"dollar before an escape", `a = "$$${b}:1"`, "$${b}:1", "1", "2", `a = "$$${b}:2"`},
		{"argument of a template", "a = \"x${f(\"1.0\")}\"\n", "1.0", "1.0", "1.1", "a = \"x${f(\"1.1\")}\"\n"},
		{"heredoc", zoo["heredoc"], "image:\n  repository: web\n\n  tag: 1.0\n", "1.0", "1.1", strings.Replace(zoo["heredoc"], "1.0", "1.1", 1)},
		{"flush heredoc", zoo["flush heredoc"], "image:\n  tag: 1.0\n\n\t  \nend\n", "1.0", `"1.1"`, strings.Replace(zoo["flush heredoc"], "1.0", `"1.1"`, 1)},
		{"heredoc escapes", zoo["heredoc escapes"], "x: ${y}:1.0\nz: %{if} \\n \"q\"\n", ":1.0", ":1.1", strings.Replace(zoo["heredoc escapes"], "1.0", "1.1", 1)},
		{"heredoc crlf", zoo["heredoc crlf"], "tag: 1.0\r\n  b: 2\r\n", "1.0", "1.1", strings.Replace(zoo["heredoc crlf"], "1.0", "1.1", 1)},
		{"heredoc after a byte order mark", "\ufeffa = <<X\nü: 1.0\nX\n", "ü: 1.0\n", "1.0", "1.1", "\ufeffa = <<X\nü: 1.1\nX\n"},
		{"marker within a heredoc", "a = <<X\nX: 1.0\nXX\n X\n", "X: 1.0\nXX\n", "1.0", "1.1", "a = <<X\nX: 1.1\nXX\n X\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, replace(t, test.src, test.value, test.part, test.with)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRawOfHeredoc(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n"} {
		raw := strings.ReplaceAll("<<-X\n  a\n  X", "\n", end)
		doc := parse(t, "v = "+raw+end+"w = 1"+end)
		text, err := doc.Text(doc.Root().Get("v"))
		if err != nil {
			t.Fatal(err)
		}
		if want := (edit.Span{Start: 4, End: 4 + len(raw)}); text.Raw != want || text.Style != edit.Block {
			t.Errorf("got %v in style %v, want %v in style %v", text.Raw, text.Style, want, edit.Block)
		}
	}
}

func TestTextRefuses(t *testing.T) {
	t.Parallel()
	src := "name {\n  attr = \"e\u0301\"\n  doc = <<X\ne\u0301\nX\n  ref = var.x\n  key = { bare = 1 }\n}\nblock label {\n}\n"
	doc := parse(t, src)
	for _, value := range []string{"name", "attr", "é", "é\n", "bare", "label"} {
		if _, err := doc.Text(find(t, doc, value)); err == nil {
			t.Errorf("Text located %q", value)
		}
	}
	strangers := []*edit.Node{
		nil,
		doc.Root(),
		doc.Root().Get("name").Get("ref"),
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: len(src)},
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: -1},
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: strings.Index(src, `"`)},
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x", Start: strings.LastIndex(src, `"`)},
		{Kind: edit.Scalar, Tag: edit.TagString, Value: "x\n", Start: strings.Index(src, "<<")},
		{Kind: edit.Scalar, Tag: "!!int", Value: "5", Start: 0},
	}
	for _, n := range strangers {
		if _, err := doc.Text(n); err == nil {
			t.Errorf("Text(%+v) succeeded", n)
		}
	}
}

// TestReplaceBlankLine checks that a blank line of a flush heredoc stays one:
// text there would be indented less than the other lines.
func TestReplaceBlankLine(t *testing.T) {
	t.Parallel()
	doc := parse(t, zoo["blank in heredoc"])
	text, err := doc.Text(doc.Root().Get("a"))
	if err != nil {
		t.Fatal(err)
	}
	if change, err := text.Replace(0, 1, "x"); err == nil {
		t.Errorf("Replace gave %+v", change)
	}
}

// TestReplaceHeredocLines checks that a change cannot take a line end along.
func TestReplaceHeredocLines(t *testing.T) {
	t.Parallel()
	doc := parse(t, "a = <<X\nb\nc\nX\n")
	text, err := doc.Text(doc.Root().Get("a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range [][2]int{{0, 4}, {0, 2}, {1, 2}, {1, 3}} {
		if change, err := text.Replace(span[0], span[1], "x"); err == nil {
			t.Errorf("Replace(%d, %d) gave %+v", span[0], span[1], change)
		}
	}
}

// large returns a file of at least size bytes, with an image and a note per
// block.
func large(size int, note string) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "resource \"kubernetes_deployment\" \"app_%d\" {\n  replicas = %d # %s\n  labels   = { app = \"app-%d\", env = var.env }\n  container {\n    image = \"ghcr.io/acme/app-%d:1.0.%d\"\n  }\n}\n\n", i, i%9, note, i, i, i)
	}
	b.WriteString("image = \"last\"\n")
	return b.String()
}

func TestLarge(t *testing.T) {
	t.Parallel()
	src := large(256<<10, "short")
	if replace(t, src, "last", "last", "new") != strings.Replace(src, `"last"`, `"new"`, 1) {
		t.Error("more than the last image changed")
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range zoo {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := hcledit.Parse(src, "test.tf")
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
			want := value
			if err != nil && len(text.Runs) > 0 {
				r := text.Runs[0]
				change, err = text.Replace(r.Value, r.Value+r.Len, value)
				want = node.Value[:r.Value] + value + node.Value[r.Value+r.Len:]
			}
			if err != nil {
				continue
			}
			out, err := edit.Splice(src, []edit.Change{change})
			if err != nil {
				t.Fatal(err)
			}
			after, err := hcledit.Parse(out, "test.tf")
			if err != nil {
				t.Fatalf("after Set of %q: %v\n%s", node.Value, err, out)
			}
			if err := edit.Compare(doc.Root(), after.Root(), map[*edit.Node]string{node: want}); err != nil {
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
		if _, err := hcledit.Parse(src, "test.tf"); err != nil {
			b.Fatal(err)
		}
	}
}
