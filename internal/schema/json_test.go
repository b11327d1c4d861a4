package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the results into the golden files")

func TestJSON(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/sample.schema.json", string(JSON(sample{}, "https://acme.example/sample.json", "a sample")))
	if !bytes.Equal(JSON(&sample{}, "i", "t"), JSON(sample{}, "i", "t")) {
		t.Error("a pointer gives another schema")
	}
}

// TestJSONIsOne has a validator that knows nothing of ours read it.
func TestJSONIsOne(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSON(sample{}, "https://acme.example/sample.json", "")))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sample.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sample.json")
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]bool{
		`{"title": "t", "parts": ["a", {"name": "b"}], "right": "r", "x-a": 1}`:   true,
		`{"title": 1.2, "parts": ["a"], "left": "l", "far": 1, "maybe": {}}`:      true,
		`{"title": "t", "parts": ["a"]}`:                                          false,
		`{"title": "t", "parts": ["a"], "left": "l"}`:                             false,
		`{"title": "t", "parts": ["a"], "left": "l", "right": "r", "far": 1}`:     false,
		`{"title": "t", "parts": ["a"], "right": "r", "y-a": 1}`:                  false,
		`{"title": "t", "parts": [], "right": "r"}`:                               false,
		`{"title": "", "parts": ["a"], "right": "r"}`:                             false,
		`{"title": "t", "parts": [{"nam": "a"}], "right": "r"}`:                   false,
		`{"title": "t", "parts": ["a"], "right": "r", "count": 10}`:               false,
		`{"title": "t", "parts": ["a"], "right": "r", "odd": "ab"}`:               false,
		`{"title": "t", "parts": ["a"], "right": "r", "rules": {"small": []}}`:    true,
		`{"title": "t", "parts": ["a"], "right": "r", "rules": {"tiny": []}}`:     false,
		`{"title": "t", "parts": ["a"], "right": "r", "tags": [1,2,3,4,5,6]}`:     false,
		`{"title": "t", "parts": ["a"], "right": "r", "inner": {"deep": "x"}}`:    true,
		`{"title": "t", "parts": ["a"], "right": "r", "inner": null}`:             false,
		`{"title": "t", "parts": ["a"], "right": "r", "maybe": {"flag": "true"}}`: false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); (err == nil) != want {
			t.Errorf("%s: the schema says %v", src, err)
		}
		if faults := Decode(documentOf(t, src).Root(), &sample{}); (len(faults) == 0) != want {
			t.Errorf("%s: the parser says %v", src, show(t, src, faults))
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, k := range Keys(&sample{}) {
		if err := e.Encode(k); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "testdata/sample.keys", b.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run the test with -update (-want +got):\n%s", diff)
	}
}
