package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{".towpath/holds/prod/web.yaml", ".towpath/holds/dev/x/y", ".towpath/other"} {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("prod", filepath.Join(dir, ".towpath", "holds", "link")); err != nil {
		t.Skip(err)
	}
	c, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Under(".towpath/holds")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".towpath/holds/dev/x/y", ".towpath/holds/link", ".towpath/holds/prod/web.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got, err := c.Under("nowhere"); err != nil || got != nil {
		t.Errorf("nowhere holds %q (%v)", got, err)
	}
	if _, err := c.Under("../outside"); err == nil {
		t.Error("a folder outside of the checkout is listed")
	}
}
