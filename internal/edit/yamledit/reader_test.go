package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/towpath-dev/towpath/internal/edit"
)

// same holds the tree of the reader against that of the library.
func same(a, b *edit.Node, twin map[*edit.Node]*edit.Node) error {
	if a == nil || b == nil {
		if a != b {
			return errors.New("one is empty")
		}
		return nil
	}
	if a.Kind != b.Kind || a.Value != b.Value || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return fmt.Errorf("at %d: %v %q &%s with %d children, the library has %v %q &%s with %d at %d",
			a.Start, a.Kind, a.Value, a.Anchor, len(a.Content), b.Kind, b.Value, b.Anchor, len(b.Content), b.Start)
	}
	if a.Tag != b.Tag {
		return fmt.Errorf("at %d: %q is %s, to the library %s", a.Start, a.Value, a.Tag, b.Tag)
	}
	if a.Start != b.Start && (a.Tag != edit.TagNull || a.Value != "") {
		return fmt.Errorf("%q starts at %d, to the library at %d", a.Value, a.Start, b.Start)
	}
	twin[a] = b
	if a.Kind == edit.Alias && twin[a.Target] != b.Target {
		return fmt.Errorf("at %d: alias means another node", a.Start)
	}
	for i := range a.Content {
		if err := same(a.Content[i], b.Content[i], twin); err != nil {
			return err
		}
	}
	return nil
}

// check reads every document of src with both. It returns how many of them the
// reader was sure of.
func check(src []byte) (sure, total int, err error) {
	for _, span := range Split(src) {
		total++
		root, err := read(src[span.Start:span.End], span.Start)
		if err != nil {
			continue
		}
		sure++
		doc, err := parseWithLibrary(src, span)
		if err != nil {
			return sure, total, fmt.Errorf("the library refuses it: %w", err)
		}
		if err := same(root, doc.root, map[*edit.Node]*edit.Node{}); err != nil {
			return sure, total, err
		}
	}
	return sure, total, nil
}

var plainYAML = []string{
	"a: b\n", "a: b", "- a\n- b\n", "a:\n- b\n- c\nd: e\n", "a:\n  - b\n  - c: d\n    e: f\n", "- - a\n  - b\n-\n  - c\n",
	"a:\nb:\n", "a: # c\n  b: c # d\n\n# e\nf: g\n", "a: 'it''s'\nb: \"x\\n\\u00e9\"\n", "a: \"x\n  y\n\n  z\"\n", "a: 'x\n\n  y'\n",
	"a: x\n  y\n\n  z\nb: c\n", "a: |\n  x\n   y\n\n  z\n\nb: c\n", "a: >\n  x\n  y\n\n  z\n   more\n  w\nb: c\n", "a: |-\n  x\n\n", "a: |+\n  x\n\n\nb: c\n",
	"a: >-\n\n  x\n  y\n", "a: |2\n    x\n   y\n", "a:\n  b: |1\n    x\n", "a: |\nb: c\n", "a: |\n\n\nb: c\n", "- |\n x\n- >\n y\n",
	"a: {b: c, d: [e, 'f', \"g\"], h: }\n", "a: [\n  b, # c\n  d,\n]\n", "a: {}\nb: []\n", "{a: b}\n", "[a, b]", "a: {b: x:y, c: http://d}\n",
	"a: &x b\nc: *x\n", "a: &x\n  b: c\nd:\n  <<: *x\n  e: f\n", "a: &x\n- b\n", "- &x a\n- *x\n", "a: &x [b]\nc: [*x, *x]\n", "a: &x |\n  b\n",
	"---\na: b\n...\n", "# c\n---\n# d\na: b\n---\nc: d\n", "a: b\r\nc:\r\n  - d\r\n  - |\r\n    e\r\n", "é: ü\nb: 日本 # 語\n", "a: b:c\nd: e#f\ng: -h\n",
	"a: 1\nb: 1.5\nc: true\nd: ~\ne: null\nf: on\ng: 2024-01-02\n", "\"a\": b\n'c' : d\n", "a b c: d e f\n", "a:  b  \nc: d\t\n", "a: b # c # d\n",
	"a:\n    b:\n        c: d\n    e: f\n", "a:\n  - b\n\n  - c\n", "- a: b\n  c: d\n- e: f\n", "-\n  a: b\n-\n", "a:\n  -\n  - b\n", "plain\n", "'q'\n", "a: \"\"\nb: ''\n",
	"a: \"b\" # c\n", "a: [b]# c\n", "a: -1\n", "a: |  # c\n  b\n", "- >\n\n  a\n\n  b\n- c\n", "a: \"x \\\n  y\"\n", "a: - b\n", "a: b: c\n", "a: [b: c]\n", "? a\n: b\n",
	"a: !!str b\n", "a:\n\t- b\n", "a: b\n c\n", "a:\n b\nc\n", "a: {b\n  : c}\n", "a: *x\n", "a: 'b\n", "a: [b\n", "a:\n  b: c\n d: e\n", "a: @b\n", "%TAG ! x\n---\na: b\n", "a: ---\n", "a: |\n\tb\n", "a: \"b\"c\n", "--- a\n", "a: b\n---\n", "a: &x\n", "&x a: b\n", "- &x a: b\n", "a: {b: [c, {d: e}], f: g}\nh: i\n", "a: [b c, d e]\n", "a: b   #c\n", "a: 'b'#c\n", "x: >\n\n\n", "a: {\"b\":c}\n", "a: [\"b\":c]\n", "a: >\n  b\n  \tc\n  d\n", "- \t", "a: &x\n  d: &x b\nc: *x\n", "a: &x\n  d: *x\n", "&0\n&0\n-", "a: &x b\nc: &x\n  d: *x\n", " \t\t\n|", "-\t# c\n", "a:\t# c\n  b: c\n", "a: |\n  b\n \n  c\n", "a: |\n   \n  b\n",
}

func TestReader(t *testing.T) {
	t.Parallel()
	sure := 0
	for _, src := range plainYAML {
		n, _, err := check([]byte(src))
		if err != nil {
			t.Errorf("%q: %v", src, err)
		}
		sure += n
	}
	// Most of the list is plain; a reader that gives up on it proves nothing.
	if sure < 55 {
		t.Errorf("the reader was sure of %d documents of %d files", sure, len(plainYAML))
	}
}

// TestReaderOnTree compares the two on the YAML in this repository, and on that
// in the folder that TOWPATH_YAML_TREE names, if it is set.
func TestReaderOnTree(t *testing.T) {
	t.Parallel()
	sure, total := 0, 0
	look := func(path string, src []byte) {
		s, n, err := check(src)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		sure, total = sure+s, total+n
	}
	visit := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml":
			look(path, src)
		case ".txtar":
			for _, f := range txtar.Parse(src).Files {
				look(path+": "+f.Name, f.Data)
			}
		}
		return nil
	}
	for _, dir := range []string{"../../..", os.Getenv("TOWPATH_YAML_TREE")} {
		if dir == "" {
			continue
		}
		if err := filepath.WalkDir(dir, visit); err != nil {
			t.Fatal(err)
		}
	}
	if sure < 100 {
		t.Errorf("the reader was sure of %d documents only, of %d", sure, total)
	}
	t.Logf("the reader was sure of %d documents of %d", sure, total)
}

func FuzzReader(f *testing.F) {
	for _, s := range plainYAML {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, _, err := check(src); err != nil {
			t.Errorf("%q: %v", src, err)
		}
	})
}

// large is a document that is long enough for the reader.
func large() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 5_000_000; i++ {
		fmt.Fprintf(&b, "app%d:\n  image:\n    repository: ghcr.io/acme/app%d\n    tag: 1.2.%d # comment\n  env:\n    - name: FOO\n      value: \"bar\"\n    - {name: BAR, value: 'x'}\n", i, i, i)
	}
	return b.Bytes()
}

func TestLargeDocument(t *testing.T) {
	t.Parallel()
	src := large()
	sure, _, err := check(src)
	if err != nil || sure != 1 {
		t.Fatalf("the reader was sure of %d documents: %v", sure, err)
	}
}

func BenchmarkLarge(b *testing.B) {
	src := large()
	span := Split(src)[0]
	for name, parse := range map[string]func() error{
		"reader":  func() error { _, err := read(src, 0); return err },
		"library": func() error { _, err := parseWithLibrary(src, span); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if err := parse(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
