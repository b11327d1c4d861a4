package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
)

// What a killed run has left is removed by the next one that holds the lock,
// and by no other; a user's own file of a like name stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	left := prefix + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	files := map[string]string{"a.yaml": "a: b\n"}
	for name, dir := range map[string]string{"git": repository(t, files), "plain": folder(t, files)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{left, prefix + "notes.yaml"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("a: c\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			exists := func(name string) bool {
				_, err := os.Lstat(filepath.Join(dir, name))
				return err == nil
			}
			c := open(t, dir)
			list := func() {
				if err := c.Files(t.Context(), func(string) bool { return true }); err != nil {
					t.Fatal(err)
				}
			}
			if list(); !exists(left) {
				t.Error("removed without the lock")
			}
			unlock, err := c.Lock(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			if !c.locked.Load() {
				t.Skip("no locks on this system")
			}
			if list(); exists(left) || !exists(prefix+"notes.yaml") {
				t.Errorf("leftover is there: %v, the user's file: %v", exists(left), exists(prefix+"notes.yaml"))
			}
		})
	}
}

// A run that a hook of the commit starts would wait for ever.
func TestLockInHook(t *testing.T) {
	c := open(t, repository(t, map[string]string{"a.yaml": "a: b\n"}))
	unlock, err := c.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if !c.locked.Load() {
		t.Skip("no locks on this system")
	}
	t.Setenv(committing, c.gitDir)
	_, err = open(t, c.Dir()).Lock(t.Context())
	wantFault(t, err, fault.Conflict, "towpath was started by a hook of the commit that towpath makes")
}
