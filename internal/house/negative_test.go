package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sound is a small module in which nothing is wrong.
func sound() module {
	return module{
		path:     "example.com/m",
		requires: []string{"example.com/heavy/v2", "example.com/light"},
		top:      []string{".github", "cmd", "internal"},
		packages: []pkg{
			{
				dir: "cmd/m", name: "main", docs: []string{"cmd/m/main.go"}, inits: []string{"cmd/m/main.go"},
				imports: []imported{
					{path: "example.com/m/internal/low", file: "cmd/m/main.go"},
					{path: "example.com/light", file: "cmd/m/main.go", isBlank: true},
				},
			},
			{
				dir: "internal/low", name: "low", docs: []string{"internal/low/low.go"},
				imports: []imported{
					{path: "embed", file: "internal/low/low.go", isBlank: true},
					{path: "example.com/heavy/v2/part", file: "internal/low/low.go"},
					{path: "example.com/heavyweight", file: "internal/low/low.go"},
				},
			},
		},
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	floors := map[string]int{"cmd/m": 6, "internal/low": 0}
	keepers := map[string]string{"example.com/heavy": "internal/low"}
	rooms := []string{"cmd", "internal"}

	rows := func(m module) []string { return checkRows(m, floors) }
	down := func(m module) []string { return checkFloors(m, floors) }
	keep := func(m module) []string { return checkKeepers(m, keepers) }
	name := func(m module) []string { return checkNames(m, forbidden) }
	room := func(m module) []string { return checkRooms(m, rooms) }

	for name, check := range map[string]func(module) []string{
		"rows": rows, "floors": down, "keepers": keep, "docs": checkDocs, "names": name, "effects": checkEffects, "rooms": room,
	} {
		if got := check(sound()); len(got) > 0 {
			t.Errorf("%s: a sound module has problems: %q", name, got)
		}
	}

	low := func(m *module) *pkg { return &m.packages[1] }
	tests := []struct {
		name  string
		spoil func(*module)
		check func(module) []string
		want  []string // a part of each problem
	}{
		{
			"new package", func(m *module) { m.packages = append(m.packages, pkg{dir: "internal/new"}) }, rows,
			[]string{"package internal/new has no floor: add its row"},
		},
		{
			"package gone", func(m *module) { m.packages = m.packages[:1] }, rows,
			[]string{"row for internal/low, and there is no such package"},
		},
		{"import upwards", func(m *module) {
			low(m).imports = append(low(m).imports, imported{path: "example.com/m/cmd/m", file: "internal/low/up.go"})
		}, down, []string{"internal/low/up.go: internal/low (floor 0) imports cmd/m (floor 6)"}},
		{"import on the same floor", func(m *module) {
			low(m).imports = append(low(m).imports, imported{path: "example.com/m/internal/low", file: "internal/low/self.go"})
		}, down, []string{"imports internal/low (floor 0)"}},
		{"kept module elsewhere", func(m *module) {
			m.packages[0].imports = append(m.packages[0].imports, imported{path: "example.com/heavy/v2", file: "cmd/m/main.go"})
		}, keep, []string{"cmd/m imports example.com/heavy/v2: only internal/low may"}},
		{"kept module in another major version", func(m *module) {
			m.packages[0].imports = append(m.packages[0].imports, imported{path: "example.com/heavy/v3/part", file: "cmd/m/main.go"})
		}, keep, []string{"cmd/m imports example.com/heavy/v3/part"}},
		{
			"kept module gone from go.mod", func(m *module) { m.requires = []string{"example.com/heavyweight"} }, keep,
			[]string{"go.mod does not require it"},
		},
		{
			"keeper gone", func(m *module) { m.packages = m.packages[:1] }, keep,
			[]string{"gives example.com/heavy to internal/low, and there is no such package"},
		},
		{
			"no package comment", func(m *module) { low(m).docs = nil }, checkDocs,
			[]string{"package internal/low has no package comment"},
		},
		{
			"two package comments", func(m *module) { low(m).docs = []string{"a.go", "b.go"} }, checkDocs,
			[]string{"in each of a.go, b.go"},
		},
		{"empty name", func(m *module) { low(m).name = "util" }, name, []string{`the name "util"`}},
		{"empty name in the path", func(m *module) { low(m).dir = "internal/common/low" }, name, []string{`the name "common"`}},
		{
			"init", func(m *module) { low(m).inits = []string{"internal/low/low.go"} }, checkEffects,
			[]string{"internal/low has an init function"},
		},
		{"blank import", func(m *module) {
			low(m).imports = append(low(m).imports, imported{path: "net/http/pprof", file: "internal/low/low.go", isBlank: true})
		}, checkEffects, []string{"imports net/http/pprof only for its effects"}},
		{"new room", func(m *module) { m.top = append(m.top, "pkg") }, room, []string{"pkg/ stands at the top"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := sound()
			tt.spoil(&m)
			got := tt.check(m)
			if len(got) != len(tt.want) {
				t.Fatalf("got %d problems, want %d: %q", len(got), len(tt.want), got)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("problem %d is %q, without %q", i, got[i], want)
				}
			}
		})
	}
}

func TestReadModule(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":               "module example.com/m\n\ngo 1.26.0\n\nrequire example.com/one v1.0.0 // indirect\n\nrequire (\n\t// why\n\texample.com/two/v2 v2.1.0\n)\n",
		"cmd/m/main.go":        "// Command m does.\npackage main\n\nimport _ \"example.com/one\"\n\nfunc init() {}\n\ntype t struct{}\n\nfunc (t) init() {}\n",
		"cmd/m/main_test.go":   "// Package main is tested.\npackage main\n\nimport \"example.com/two/v2\"\n",
		"cmd/m/only_plan9.go":  "package main\n\nimport \"fmt\"\n",
		"cmd/m/testdata/x.go":  "this is not Go\n",
		".ci/x/x.go":           "package x\n",
		"internal/nest/go.mod": "module example.com/nest\n",
		"internal/nest/x.go":   "package nest\n",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readModule(root)
	if err != nil {
		t.Fatal(err)
	}
	want := module{
		path:     "example.com/m",
		requires: []string{"example.com/one", "example.com/two/v2"},
		top:      []string{".ci", "cmd", "internal"},
		packages: []pkg{{
			dir: "cmd/m", name: "main",
			imports: []imported{
				{path: "example.com/one", file: "cmd/m/main.go", isBlank: true},
				{path: "fmt", file: "cmd/m/only_plan9.go"},
			},
			docs:  []string{"cmd/m/main.go"},
			inits: []string{"cmd/m/main.go"},
		}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(module{}, pkg{}, imported{})); diff != "" {
		t.Errorf("readModule (-want +got):\n%s", diff)
	}
}
