package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/schema"
)

var update = flag.Bool("update", false, "write the results into the golden files")

const schemaFile = "towpath.schema.json"

// TestSchemaFile keeps the file for editors equal to what the parser is made
// of.
func TestSchemaFile(t *testing.T) {
	t.Parallel()
	want := schema.JSON(Config{}, "https://raw.githubusercontent.com/towpath-dev/towpath/main/internal/config/"+schemaFile, Path)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run the test with -update (-want +got):\n%s", diff)
	}
	if !bytes.Equal(got, Schema()) {
		t.Error("what is embedded is not the file")
	}
}

// compiled is the JSON Schema, for a validator that knows nothing of ours.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaFile, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rootOf(t testing.TB, src []byte) *edit.Node {
	t.Helper()
	doc, err := yamledit.Parse(src, edit.Span{End: len(src)})
	if err != nil {
		t.Fatalf("%v in %s", err, src)
	}
	return doc.Root()
}

// toJSON reads a tree as an editor does, with aliases and merge keys worked
// in. What stands below keys that are ignored is left out, since it may hold
// itself. ok is false for a tree that stands for very many values.
func toJSON(n *edit.Node, left *int) (v any, ok bool) {
	if *left--; *left < 0 {
		return nil, false
	}
	n = n.Resolve()
	switch {
	case n == nil:
		return nil, true
	case n.Kind == edit.Sequence:
		out := []any{}
		for _, item := range n.Content {
			v, ok := toJSON(item, left)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	case n.Kind == edit.Mapping:
		out := map[string]any{}
		for e := range n.Entries() {
			if strings.HasPrefix(e.Key, "x-") {
				out[e.Key] = true
				continue
			}
			v, ok := toJSON(e.Value, left)
			if !ok {
				return nil, false
			}
			out[e.Key] = v
		}
		return out, true
	case n.Tag == edit.TagNull:
		return nil, true
	case n.Tag == edit.TagBool:
		return strings.EqualFold(n.Value, "true"), true
	case n.Tag == "!!int" || n.Tag == "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), true
		}
		return json.Number("1"), true // 0x1F or .inf: a number, too
	}
	return n.Value, true
}

// toNode is the tree of a JSON value.
func toNode(v any) *edit.Node {
	switch v := v.(type) {
	case nil:
		return &edit.Node{Kind: edit.Scalar, Tag: edit.TagNull}
	case bool:
		return &edit.Node{Kind: edit.Scalar, Tag: edit.TagBool, Value: fmt.Sprint(v)}
	case string:
		return &edit.Node{Kind: edit.Scalar, Tag: edit.TagString, Value: v}
	case []any:
		n := &edit.Node{Kind: edit.Sequence}
		for _, item := range v {
			n.Content = append(n.Content, toNode(item))
		}
		return n
	case map[string]any:
		n := &edit.Node{Kind: edit.Mapping}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, toNode(key), toNode(v[key]))
		}
		return n
	}
	tag := "!!int"
	if strings.Contains(fmt.Sprint(v), ".") {
		tag = "!!float"
	}
	return &edit.Node{Kind: edit.Scalar, Tag: tag, Value: fmt.Sprint(v)}
}

// mutations yields copies of a JSON value in each of which one thing is
// another, is left out, or is too much, with the path of that thing.
func mutations(v any, path string, yield func(path string, v any)) {
	for _, other := range []any{
		nil, true, 7, 1.5, "", "x", "Bad Name", "7d", "team:x", "2026-12-20", []any{}, []any{"x"}, []any{7}, []any{nil}, map[string]any{}, map[string]any{"x": 1},
	} {
		yield(fmt.Sprintf("%s = %v", path, other), other)
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			mutations(item, fmt.Sprintf("%s[%d]", path, i), func(path string, item any) {
				changed := slices.Clone(v)
				changed[i] = item
				yield(path, changed)
			})
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			without := maps.Clone(v)
			delete(without, key)
			yield(path+"."+key+" left out", without)
			renamed := maps.Clone(without)
			renamed[key+"z"] = v[key]
			yield(path+"."+key+" renamed", renamed)
			mutations(v[key], path+"."+key, func(path string, item any) {
				changed := maps.Clone(v)
				changed[key] = item
				yield(path, changed)
			})
		}
	}
}

// TestSchemaAgreesWithParser changes each value of a file in many ways and
// finds that the parser and the JSON Schema refuse the same of them.
func TestSchemaAgreesWithParser(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	left := 10_000
	whole, _ := toJSON(rootOf(t, []byte(full)), &left)
	if err := s.Validate(whole); err != nil {
		t.Fatal(err)
	}
	refused, accepted := 0, 0
	mutations(whole, "", func(path string, v any) {
		faults := schema.Decode(toNode(v), &Config{})
		err := s.Validate(v)
		if (err != nil) != (len(faults) > 0) {
			t.Errorf("%s: the schema says %v, the parser %v", path, err, faults)
		}
		if err != nil {
			refused++
		} else {
			accepted++
		}
	})
	if refused < 1000 || accepted < 100 {
		t.Errorf("%d refused and %d accepted: too few to prove much", refused, accepted)
	}
}

// TestSchemaRefusesTheStructureFaults holds the schema to the files in
// testdata whose faults lie in the structure, and to one good file.
func TestSchemaRefusesTheStructureFaults(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	for _, c := range readCases(t, "testdata/structure.txtar") {
		left := 10_000
		v, _ := toJSON(rootOf(t, []byte(c.src)), &left)
		if s.Validate(v) == nil {
			t.Errorf("the schema accepts %s", c.name)
		}
	}
}

// TestKeys keeps the list of keys complete: each key of the schema is in it.
func TestKeys(t *testing.T) {
	t.Parallel()
	var got []string
	for _, k := range Keys() {
		if k.Doc == "" || k.Type == "" {
			t.Errorf("%s has no type or no words: %+v", k.Path, k)
		}
		got = append(got, k.Path+" ("+k.Type+") "+k.Default)
	}
	golden := "testdata/keys.txt"
	text := strings.Join(got, "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
