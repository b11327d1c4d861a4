package memory

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHub(t *testing.T) {
	t.Parallel()
	d, err := parseHub(`# a comment
query Named($a: String!, $list: [Int!]! = [1, -2]) {
  x: field(text: "a \"b\" \u00e4 \/", n: 3, f: 1.5, e: ASC, b: true, z: null, o: {k: $a, l: [1, 2]}) @include(if: false) { ...f, ... on T { y } }
}
fragment f on T { z }`)
	if err != nil {
		t.Fatal(err)
	}
	if d.isMutation || len(d.variables) != 2 || d.variables[1].typ != "[Int!]!" || d.variables[1].fallback == nil || d.fragments["f"].on != "T" {
		t.Errorf("got %+v", d)
	}
	s := d.selections[0]
	run := &hubRun{d: d, variables: map[string]any{"a": "A"}}
	got := map[string]any{}
	for name, v := range s.arguments {
		got[name] = run.value(v)
	}
	want := map[string]any{
		"text": `a "b" ä /`, "n": 3, "f": 1.5, "e": "ASC", "b": true, "z": nil,
		"o": map[string]any{"k": "A", "l": []any{1, 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.key() != "x" || s.name != "field" || s.selections[0].spread != "f" || s.selections[1].on != "T" || s.directives["include"] == nil {
		t.Errorf("got %+v", s)
	}
}

func TestParseHubRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{", "{}", "{a", "{a(}", "{a(b: )}", `{a(b: "x)}`, "query($a){a}", "subscription {a}", "{a} {b}", "{a:}", "{...}", "fragment f on T {a}",
		"{a(b: $)}", "{é}", "query($a: [Int) {a}", strings.Repeat("{a", 100), "{a(b: " + strings.Repeat("[", 100) + ")}", "{a(n: 99999999999999999999)}",
	} {
		if d, err := parseHub(text); err == nil {
			t.Errorf("%.40q is read as %+v", text, d)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	schema, err := hubSchemaOf()
	if err != nil {
		t.Fatal(err)
	}
	const head = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) "
	both := map[string]any{"owner": "a", "name": "b"}
	for text, want := range map[string]string{
		head + "{ id } }":       "",
		head + "{ idea } }":     "Field 'idea' doesn't exist on type 'Repository'",
		head + "}":              "Field must have selections",
		head + "{ id { x } } }": "Selections can't be made on scalars",
		"{ repository(owner: $o, name: \"b\") { id } }":                                 "Variable $o is used by anonymous operation but not declared",
		"query($x: Int) { viewer { login } }":                                           "Variable $x is declared by anonymous operation but not used",
		"query($x: Int!) { repository(owner: $x, name: 3) { id } }":                     "Type mismatch on variable $x",
		"{ repository(owner: \"a\") { id } }":                                           "missing required arguments: name",
		"{ repository(owner: \"a\", name: \"b\", x: 1) { id } }":                        "doesn't accept argument 'x'",
		"{ repository(owner: \"a\", name: B) { id } }":                                  "has an invalid value",
		head + "{ object(oid: \"x\") { oid } } }":                                       "has an invalid value",
		head + "{ pullRequests(orderBy: {field: X, direction: ASC}) { totalCount } } }": "has an invalid value",
		head + "{ ...f } }":                                                          "Fragment f was used, but not defined",
		head + "{ id } } fragment f on Ref { id }":                                   "Fragment f was defined, but not used",
		head + "{ ...f } } fragment f on Ref { id }":                                 "can't be spread inside Repository",
		head + "{ ...f } } fragment f on Repository { ...f }":                        "Fragment f was used, but not defined",
		head + "{ ... on Nothing { id } } }":                                         "No such type Nothing",
		head + "{ id @if(x: true) } }":                                               "Directive @if is not defined",
		head + "{ id @include } }":                                                   "(",
		"mutation { updateRefs(input: {repositoryId: \"R\"}) { clientMutationId } }": "missing required arguments: refUpdates",
	} {
		d, err := parseHub(text)
		if err != nil {
			if want != "(" {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		var got []string
		for _, f := range schema.validate(d, both) {
			got = append(got, f.message)
		}
		if joined := strings.Join(got, "; "); want == "" && joined != "" || !strings.Contains(joined, want) {
			t.Errorf("%s: got %q, want %q", text, joined, want)
		}
	}
	d, err := parseHub(head + "{ id } }")
	if err != nil {
		t.Fatal(err)
	}
	for _, variables := range []map[string]any{nil, {"owner": "a", "name": nil}, {"owner": 3.0, "name": "b"}} {
		if faults := schema.validate(d, variables); len(faults) == 0 {
			t.Errorf("the variables %v are taken", variables)
		}
	}
}

func FuzzParseHub(f *testing.F) {
	f.Add(`query($a: String! = "x") { b: c(d: [{e: $a}]) @skip(if: true) { ... on F { g } ...h } } fragment h on F { i }`)
	f.Add(`{ repository(owner: "a", name: "b") { id } }`)
	f.Add(`mutation { updateRefs(input: {repositoryId: "R", refUpdates: []}) { clientMutationId } }`)
	f.Add("{a(b: \"\\ud800\")}")
	schema, err := hubSchemaOf()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseHub(text)
		if (d == nil) == (err == nil) {
			t.Fatalf("got %+v and the error %v", d, err)
		}
		if err != nil {
			return
		}
		for _, fault := range schema.validate(d, nil) {
			if fault.message == "" {
				t.Error("a fault says nothing")
			}
		}
	})
}

// TestSDLIsGitHubs holds what the face answers against GitHub's public schema,
// schema.graphql, of which TOWPATH_GRAPHQL_SCHEMA is the path
// (https://docs.github.com/en/graphql/overview/public-schema).
func TestSDLIsGitHubs(t *testing.T) {
	t.Parallel()
	file := os.Getenv("TOWPATH_GRAPHQL_SCHEMA")
	if file == "" {
		t.Skip("TOWPATH_GRAPHQL_SCHEMA does not name GitHub's schema.graphql")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := hubSchemaOf()
	if err != nil {
		t.Fatal(err)
	}
	real := regexp.MustCompile(`(?s)""".*?"""`).ReplaceAllString(string(text), "")
	real = regexp.MustCompile(`@\w+\((?:[^()"]|"(?:[^"\\]|\\.)*")*\)`).ReplaceAllString(real, "")
	real = regexp.MustCompile(` = (\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[\w.]+)`).ReplaceAllString(real, "")
	blocks := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(?:type|interface|input|enum) (\w+)([^{]*)\{([^}]*)^\}`).FindAllStringSubmatch(real, -1) {
		blocks[m[1]] = m[2] + "\n" + m[3]
	}
	spaces := regexp.MustCompile(`[\s,]+`)
	for _, typ := range slices.Sorted(maps.Keys(schema.kinds)) {
		block, ok := blocks[typ]
		if !ok {
			t.Errorf("GitHub has no type %s", typ)
			continue
		}
		if of := schema.implements[typ]; of != "" && !regexp.MustCompile(`\b`+of+`\b`).MatchString(strings.SplitN(block, "\n", 2)[0]) {
			t.Errorf("%s implements no %s", typ, of)
		}
		for _, value := range schema.values[typ] {
			if !regexp.MustCompile(`(?m)^\s+` + value + `\b`).MatchString(block) {
				t.Errorf("GitHub has no %s.%s", typ, value)
			}
		}
		for name, field := range schema.fields[typ] {
			m := regexp.MustCompile(`(?m)^  ` + name + `(?:\(([^)]*)\))?: (\S+)`).FindStringSubmatch(block)
			if m == nil || m[2] != field.typ {
				t.Errorf("%s.%s is %s, and by GitHub %q", typ, name, field.typ, m)
				continue
			}
			given := map[string]string{}
			words := strings.Fields(spaces.ReplaceAllString(m[1], " "))
			for i := 0; i+1 < len(words); i += 2 {
				given[strings.TrimSuffix(words[i], ":")] = words[i+1]
			}
			for argument, argumentType := range field.arguments {
				if given[argument] != argumentType {
					t.Errorf("%s.%s(%s:) is %s, and by GitHub %q", typ, name, argument, argumentType, given[argument])
				}
			}
			for argument, argumentType := range given {
				if strings.HasSuffix(argumentType, "!") && field.arguments[argument] == "" {
					t.Errorf("%s.%s lacks %s: %s, which GitHub requires", typ, name, argument, argumentType)
				}
			}
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(schema.kinds)) {
		if schema.kinds[typ] != "input" {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^\s+(\w+): (\S+!)\s*$`).FindAllStringSubmatch(blocks[typ], -1) {
			if schema.fields[typ][m[1]] == nil {
				t.Errorf("%s lacks %s: %s, which GitHub requires", typ, m[1], m[2])
			}
		}
	}
}
