package local

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

// partialClone returns a clone without the objects that the filter takes away,
// and a check that nobody tried to fetch them.
func partialClone(t *testing.T, filter string, init ...string) (clone string, fetched func() bool) {
	t.Helper()
	needGit(t)
	if runtime.GOOS == "windows" {
		t.Skip("the remote is a shell command")
	}
	text := strings.Repeat("line\n", 30)
	dir := folder(t, map[string]string{"sub/a": text + "1", "sub/b": text + "2"})
	shell(t, dir, append([]string{"init", "--quiet"}, init...)...)
	initialise(t, dir)
	shell(t, dir, "config", "uploadpack.allowFilter", "true")
	record(t, dir, "first")
	shell(t, dir, "mv", "sub/a", "sub/c")
	record(t, dir, "moved")
	shell(t, dir, "mv", "sub/b", "sub/d")
	put(t, dir, map[string]string{"sub/d": text + "3"})
	record(t, dir, "moved and edited")
	clone = filepath.Join(folder(t, nil), "clone")
	shell(t, dir, "clone", "--quiet", "--filter="+filter, "file://"+filepath.ToSlash(dir), clone)
	mark := filepath.Join(folder(t, nil), "fetched")
	shell(t, clone, "config", "remote.origin.url", "ext::touch "+mark)
	shell(t, clone, "config", "protocol.ext.allow", "always")
	return clone, func() bool {
		_, err := os.Stat(mark)
		return err == nil
	}
}

func TestPartialClone(t *testing.T) {
	t.Parallel()
	for name, init := range map[string][]string{"SHA-1": nil, "SHA-256": {"--object-format=sha256"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, fetched := partialClone(t, "blob:none", init...)
			linked := filepath.Join(folder(t, nil), "linked")
			shell(t, dir, "worktree", "add", "--quiet", "--detach", linked)
			for _, dir := range []string{dir, linked} {
				c := open(t, dir)
				wantHistory(t, c, "moved and edited -sub/b +sub/d", "moved sub/a>sub/c", "first +sub/a +sub/b")
				b := blobs(t, c)
				for _, commit := range commits(t, c) {
					for _, f := range commit.Changes {
						isThere := f.Path == "sub/c" || f.Path == "sub/d" || f.Path == "sub/a" // of which sub/c is a copy
						if f.New == "" {
							continue
						}
						got, err := b.Read(f.New, nil)
						if isThere && (err != nil || len(got) == 0) || !isThere && !errors.Is(err, ErrAbsent) {
							t.Errorf("%s: got %d bytes and error %v, want them there: %v", f.Path, len(got), err, isThere)
						}
					}
				}
				put(t, dir, map[string]string{"sub/c": "edited"})
				got, err := c.Uncommitted(t.Context())
				want := map[string]string{"sub/c": shell(t, dir, "rev-parse", "HEAD:sub/c")}
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("uncommitted: %v (-want +got):\n%s", err, diff)
				}
			}
			if fetched() {
				t.Error("git tried to fetch")
			}
			// Else the check above could not fail.
			users := exec.Command("git", "-C", dir, "cat-file", "blob", "HEAD~2:sub/b")
			users.Env = environ(os.Environ())
			if out, err := users.CombinedOutput(); err == nil || !fetched() {
				t.Errorf("a user's git does not try to fetch either: %v: %s", err, out)
			}
		})
	}
}

func TestTreelessClone(t *testing.T) {
	t.Parallel()
	dir, fetched := partialClone(t, "tree:0")
	err := open(t, dir).History(t.Context(), func(Commit) bool { return true })
	wantFault(t, err, fault.Failed, "git diff-tree")
	if fetched() {
		t.Error("git tried to fetch")
	}
}
