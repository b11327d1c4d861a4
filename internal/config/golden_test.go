package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/towpath-dev/towpath/internal/fault"
)

// faultsIn returns the faults that an error of Parse joins.
func faultsIn(t testing.TB, err error) []*fault.Error {
	t.Helper()
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	var out []*fault.Error
	for _, e := range all {
		f, ok := errors.AsType[*fault.Error](e)
		if !ok {
			t.Fatalf("%v is no fault", e)
		}
		if f.Code != fault.Config || f.Path != Path {
			t.Errorf("%v has the code %q and the path %q", f, f.Code, f.Path)
		}
		out = append(out, f)
	}
	if len(out) != 1 && errors.Unwrap(err) != nil {
		t.Errorf("faults are wrapped: %v", err)
	}
	return out
}

// show writes faults as a terminal shows them.
func show(faults []*fault.Error) string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "%d:%d: %s\n", f.Line, f.Column, f.Message)
		if f.Excerpt != "" {
			fmt.Fprintf(&b, "  | %s\n", f.Excerpt)
		}
		if f.Excerpt != "" && f.Column > 0 {
			fmt.Fprintf(&b, "  | %s^\n", strings.Repeat(" ", f.Column-1))
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", f.Hint)
		}
	}
	return b.String()
}

// goldenCase is a file in an archive, and the faults that stand there for it.
type goldenCase struct{ name, src, faults string }

func readCases(t testing.TB, path string) []goldenCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []goldenCase
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".yaml"); ok {
			out = append(out, goldenCase{name: name, src: string(f.Data)})
			continue
		}
		last := len(out) - 1
		if last < 0 || f.Name != out[last].name+".faults" {
			t.Fatalf("%s: %s stands behind no file of that name", path, f.Name)
		}
		out[last].faults = string(f.Data)
	}
	return out
}

// TestFaults holds each name.yaml in the archives to the faults in
// name.faults.
func TestFaults(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			cases := readCases(t, file)
			got := &txtar.Archive{}
			for _, c := range cases {
				config, err := Parse([]byte(c.src))
				faults := show(faultsIn(t, err))
				if (config == nil) != (err != nil) {
					t.Errorf("%s: a Config comes with an error, or none without", c.name)
				}
				if faults == "" {
					t.Errorf("%s: no fault", c.name)
				}
				got.Files = append(got.Files,
					txtar.File{Name: c.name + ".yaml", Data: []byte(c.src)},
					txtar.File{Name: c.name + ".faults", Data: []byte(faults)})
				if diff := cmp.Diff(c.faults, faults); diff != "" && !*update {
					t.Errorf("%s (-want +got):\n%s", c.name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
