package yamledit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/edit"
)

// diagnose returns what Diagnose says of the documents of a file that cannot
// be read, as line:column, message and hint; without a column if it is not
// exact.
func diagnose(t testing.TB, src string) []string {
	t.Helper()
	var out []string
	for _, span := range Split([]byte(src)) {
		_, err := Parse([]byte(src), span)
		syntax, ok := errors.AsType[*edit.SyntaxError](err)
		if !ok {
			continue
		}
		for _, d := range Diagnose([]byte(src), span, syntax) {
			at := edit.PositionAt([]byte(src), d.Offset)
			text := fmt.Sprintf("%d: %s", at.Line, d.Message)
			if d.Exact {
				text = fmt.Sprintf("%s: %s", at, d.Message)
			}
			if d.Hint != "" {
				text += " (" + d.Hint + ")"
			}
			out = append(out, text)
		}
	}
	return out
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	const (
		braces  = "a text between brackets cannot hold braces, unless it is in quotes"
		mapping = "{ starts a mapping, unless it is in quotes"
		alias   = "* starts an alias, unless it is in quotes"
	)
	in := func(message, quoted string) string { return message + " (put it in quotes: " + quoted + ")" }
	for name, test := range map[string]struct {
		src  string
		want []string
	}{
		"placeholders in a flow list":        {"a:\n  files: [apps/{app}/{env}/**]\n  x: 1\n", []string{"2:11: " + in(braces, `"apps/{app}/{env}/**"`)}},
		"placeholder in a flow mapping":      {"a:\n  - {files: apps/{env}, x: 1}\n", []string{"2:13: " + in(braces, `"apps/{env}"`)}},
		"placeholder first":                  {"a:\n  discover: {app}/x.yaml # c\n  x: 1\n", []string{"2:13: " + in(mapping, `"{app}/x.yaml"`)}},
		"placeholder first in a list":        {"a:\n  - {env}/apps/**\nx: 1\n", []string{"2:5: " + in(mapping, `"{env}/apps/**"`)}},
		"placeholder first in a flow list":   {"a: [{env}/a]\n", []string{"1:5: " + in(mapping, `"{env}/a"`)}},
		"two placeholders":                   {"a: {b: {env}/{app}, c: d}\n", []string{"1:8: " + in(mapping, `"{env}/{app}"`)}},
		"double braces":                      {"a: {{ .env }}/x\n", []string{"1:4: " + in(mapping, `"{{ .env }}/x"`)}},
		"a class first":                      {"a:\n- b\n- [ab]*.yaml\n", []string{"3:3: " + in("[ starts a list, unless it is in quotes", `"[ab]*.yaml"`)}},
		"a star":                             {"a:\n  - */{env}\n", []string{"2:5: " + in(alias, `"*/{env}"`)}},
		"a star in a flow list":              {"a: [*.yaml, b]\n", []string{"1:5: " + in(alias, `"*.yaml"`)}},
		"a cron":                             {"a:\r\n  cron: */5 * * * * # c\r\n  b: c\r\n", []string{"2:9: " + in(alias, `"*/5 * * * *"`)}},
		"a cron of stars":                    {"- cron: * * * * *\n", []string{"1:9: " + in(alias, `"* * * * *"`)}},
		"a list in a cron":                   {"cron: */5,*/7 * * * *\n", []string{"1:7: " + in(alias, `"*/5,*/7 * * * *"`)}},
		"at":                                 {"cron: @daily\n", []string{"1:7: " + in("no text starts with @, unless it is in quotes", `"@daily"`)}},
		"backtick":                           {"a: `b`\n", []string{"1:4: " + in("no text starts with `, unless it is in quotes", "\"`b`\"")}},
		"percent":                            {"a: %b\n", []string{"1:4: " + in("no text starts with %, unless it is in quotes", `"%b"`)}},
		"a range of versions":                {"a: >=1.2 <2\n", []string{"1:4: " + in("> starts a block of text, unless it is in quotes", `">=1.2 <2"`)}},
		"with quotes in it":                  {"a: *it's\\\"x\n", []string{"1:4: " + in(alias, `'*it''s\"x'`)}},
		"several on a line":                  {"- {a: [b/{env}, c, {env}/d], e: [*f/g]}\n", []string{"1:8: " + in(braces, `"b/{env}"`), "1:20: " + in(mapping, `"{env}/d"`), "1:34: " + in(alias, `"*f/g"`)}},
		"several on lines":                   {"a: [\n  b/{env},\n  c\n]\n\n\n\n\n\n\nd: @e\nf: *g\n", []string{"2:3: " + in(braces, `"b/{env}"`), "11:4: " + in("no text starts with @, unless it is in quotes", `"@e"`), `12:4: no anchor &g stands above its alias (write &g before the value that is meant; a text needs quotes: "*g")`}},
		"not what is fine":                   {"a: &a b\nc: *a\nd: d/{env}\ne: |\n  *x\nf: [g/{env}]\n", []string{"6:5: " + in(braces, `"g/{env}"`)}},
		"in the second document":             {"a: b\n---\n# é\nc: é\n--- \nd: *e\n", []string{`6:4: no anchor &e stands above its alias (write &e before the value that is meant; a text needs quotes: "*e")`}},
		"behind a byte order mark":           {"\ufeffa: *b\n", []string{`1:4: no anchor &b stands above its alias (write &b before the value that is meant; a text needs quotes: "*b")`}},
		"an alias above its anchor":          {"# *b\na: c *b\nd: *b\ne: &b f\n", []string{`3:4: no anchor &b stands above its alias (write &b before the value that is meant; a text needs quotes: "*b")`}},
		"a merge":                            {"\n\na:\n  <<: *b\n", []string{`4:7: no anchor &b stands above its alias (write &b before the value that is meant; a text needs quotes: "*b")`}},
		"an alias as a key":                  {"a: b\n*b : c\n", []string{"2: unknown anchor 'b' referenced"}},
		"a tab":                              {"a:\n\t- b\n\t- c\n", []string{"2:1: a tab as indentation (write spaces in its place)"}},
		"a tab behind spaces":                {"a:\n  - b: c\n  \td: e\n  \tf: g\n", []string{"3:3: a tab as indentation (write spaces in its place)"}},
		"a tab that is fine":                 {"a: [\n\t\"\\d\"]\n", []string{"2: found unknown escape character"}},
		"no UTF-8":                           {"a: é\nb: \xe9\n", []string{"2:4: the byte 0xe9 is no UTF-8 (save the file as UTF-8)"}},
		"half a character":                   {"a: é\n# \xc3", []string{"2:3: the byte 0xc3 is no UTF-8 (save the file as UTF-8)"}},
		"UTF-16":                             {"\xff\xfea\x00:\x00 \x00@\x00", []string{"1:1: the byte 0xff is no UTF-8 (save the file as UTF-8)"}},
		"a control character":                {"a: b\nc: d\x01\n", []string{`2:5: the control character U+0001 (leave it out, or write "\u0001" in double quotes)`}},
		"a merge conflict":                   {"a: b\n<<<<<<< HEAD\nb: c\n=======\nb: d\n>>>>>>> x\n", []string{"2:1: a merge conflict (resolve it, and leave out the lines with <<<<<<<, ======= and >>>>>>>)"}},
		"indentation":                        {"a:\n  - b: c\n  - d: e\n   f: g\n", []string{"4: did not find expected '-' indicator"}},
		"indentation of a mapping":           {"a:\n  b: c\n\n # d\n e: f\n", []string{"5: did not find expected key"}},
		"a bracket without end":              {"a: b\nc:\n  - {d: e\nf: []\n", []string{"3: did not find expected ',' or '}'"}},
		"quotes without end":                 {"a: b\nc:\n  - d: 'e\nf: []\n", []string{"3: found unexpected end of stream"}},
		"a quote within quotes":              {"a: b\nc: 'it's'\n", []string{"2: did not find expected key"}},
		"a colon":                            {"a: b\nc: d: e\n", []string{"2: mapping values are not allowed in this context"}},
		"no colon":                           {"a: b\nc\nd: e\n", []string{"2: could not find expected ':'"}},
		"a slip that does not explain it":    {"a: [b/{env}]\nc\nd: e\n", []string{"1:5: " + in(braces, `"b/{env}"`)}},
		"a slip behind what is not known":    {"a: b\nc\nd: @e\n", []string{"2: could not find expected ':'"}},
		"a placeholder beside what is wrong": {"a: b\nc: d/{env}: e\n", []string{"2: mapping values are not allowed in this context"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, diagnose(t, test.src)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What no person wrote is not looked at twice.
func TestDiagnoseLarge(t *testing.T) {
	t.Parallel()
	long := "a: [" + strings.Repeat("b/{env}, ", 2000) + "]\n"
	if got := diagnose(t, long); len(got) != 1 || !strings.HasPrefix(got[0], "1: did not find") {
		t.Errorf("a long line: %v", got)
	}
	large := strings.Repeat("a: b\n", maxDiagnosed/4) + "c: @d\n"
	if got := diagnose(t, large); len(got) != 1 || !strings.Contains(got[0], ": found character") {
		t.Errorf("a large document: %v", got)
	}
	many := strings.Repeat("- @d\n", 100)
	if got := diagnose(t, many); len(got) < maxSlips || len(got) > 2*maxSlips {
		t.Errorf("many slips: %d", len(got))
	}
}

// FuzzDiagnose wants each diagnosis to have a place in the document, and
// the quotes that it asks for to be right.
func FuzzDiagnose(f *testing.F) {
	for _, s := range plainYAML {
		f.Add([]byte(s))
	}
	for _, s := range []string{
		"a: [b/{env}, *c, {d}/e]\n", "a: *b\n---\nc: @d\n", "a:\n\t- b\n", "a: \xff", "<<<<<<< a\nb: c\n", "a: {b: >=1, c: %d}\n", "\ufeffa: {{b}}c\n", "a: *b\rc: d", "a:\n : |1  x\xf3\xf3\xf3\xf3", ": [* ]\n[*x, *}}}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, span := range Split(src) {
			_, err := Parse(src, span)
			syntax, ok := errors.AsType[*edit.SyntaxError](err)
			if !ok {
				continue
			}
			if syntax.Offset < span.Start || syntax.Offset > span.End {
				t.Fatalf("%+v lies outside of %v", syntax, span)
			}
			found := Diagnose(src, span, syntax)
			if len(found) == 0 {
				t.Fatal("nothing is said")
			}
			for _, d := range found {
				if d.Offset < span.Start || d.Offset > span.End || d.Message == "" || strings.ContainsAny(d.Message+d.Hint, "\r\n") {
					t.Fatalf("%+v in %v", d, span)
				}
				_, quoted, ok := strings.Cut(d.Hint, "quotes: ")
				if !ok {
					continue
				}
				doc, err := Parse([]byte(quoted), edit.Span{End: len(quoted)})
				if err != nil {
					t.Fatalf("%s cannot be read: %v", quoted, err)
				}
				if value := doc.Root().Text(); !strings.HasPrefix(string(src[d.Offset:]), value) {
					t.Fatalf("%s does not stand at %d", quoted, d.Offset)
				}
			}
		}
	})
}
