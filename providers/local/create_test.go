package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "there"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Create(t.Context(), ".towpath.yaml", []byte("version: 1\n")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, ".towpath.yaml")); err != nil || string(got) != "version: 1\n" {
		t.Errorf("contents %q (%v)", got, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		path string
		ctx  context.Context
		is   error
		code fault.Code
	}{
		{"there", t.Context(), fs.ErrExist, fault.Refused},
		{".towpath.yaml", t.Context(), fs.ErrExist, fault.Refused},
		{"link", t.Context(), fs.ErrExist, fault.Refused},
		{"no/folder", t.Context(), nil, fault.Failed},
		{"../outside", t.Context(), nil, fault.Refused},
		{".git/config", t.Context(), nil, fault.Refused},
		{"late", canceled, context.Canceled, fault.Failed},
	} {
		err := c.Create(test.ctx, test.path, []byte("new"))
		if fault.CodeOf(err) != test.code || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("create %q: %v (code %q), want code %q", test.path, err, fault.CodeOf(err), test.code)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "there")); string(got) != "mine" {
		t.Errorf("a file that was there now holds %q", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".towpath.yaml", "link", "there"}; !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, want %q", names, want)
	}
}

// TestCreateAtOnce lets many create one file: one of them succeeds.
func TestCreateAtOnce(t *testing.T) {
	t.Parallel()
	c, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wait.Go(func() { results[i] = c.Create(t.Context(), "file", []byte{byte('a' + i)}) })
	}
	wait.Wait()
	won := -1
	for i, err := range results {
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil:
			t.Errorf("both %d and %d created the file", won, i)
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
	}
	if got, err := c.Read("file", nil); err != nil || won < 0 || string(got) != string(rune('a'+won)) {
		t.Errorf("contents %q (%v), and %d created it", got, err, won)
	}
}
