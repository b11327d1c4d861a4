//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package local

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

// A pipe has no end, and opening it would wait for a writer.
func TestPipesAndSockets(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a.yaml": "a: b\n"})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	special := []string{"pipe"}
	// The name of a socket may be too long for the system.
	if socket, err := net.Listen("unix", filepath.Join(dir, "socket")); err == nil {
		defer socket.Close()
		special = append(special, "socket")
	}
	c := open(t, dir)
	if diff := cmp.Diff([]string{"a.yaml"}, files(t, c)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, path := range special {
		if _, err := c.Read(path, nil); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: got error %v, want %v", path, err, ErrNotRegular)
		}
		err := c.Replace(t.Context(), []Write{{Path: path, After: []byte("x")}})
		wantFault(t, err, fault.Refused, path+": cannot be replaced")
	}
}

func TestReplaceKeepsOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may give files to others")
	}
	dir := folder(t, map[string]string{"a.yaml": "a: b\n"})
	name := filepath.Join(dir, "a.yaml")
	if err := errors.Join(os.Chown(name, 1234, 2345), os.Chmod(name, 0o640)); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Replace(t.Context(), []Write{write("a.yaml", "a: b\n", "a: c\n")}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	if stat.Uid != 1234 || stat.Gid != 2345 || info.Mode() != 0o640 {
		t.Errorf("got owner %d:%d and mode %v, want 1234:2345 and -rw-r-----", stat.Uid, stat.Gid, info.Mode())
	}
}
