package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

// TestMain sets what the user's configuration may not, and, as git does for
// its hooks, points to another repository, which no test may ever notice.
func TestMain(m *testing.M) {
	temp, err := os.MkdirTemp("", "towpath-local-*")
	if err != nil {
		panic(err)
	}
	for _, v := range os.Environ() {
		if key, _, _ := strings.Cut(v, "="); strings.HasPrefix(key, "GIT_") {
			os.Unsetenv(key)
		}
	}
	for key, value := range map[string]string{
		"GIT_CONFIG_GLOBAL":       os.DevNull,
		"GIT_CONFIG_NOSYSTEM":     "1",
		"GIT_CEILING_DIRECTORIES": temp,
		"TMPDIR":                  temp,
		"GIT_DIR":                 "/nowhere/.git",
		"GIT_WORK_TREE":           "/nowhere",
		"GIT_INDEX_FILE":          "/nowhere/index",
		"GIT_OBJECT_DIRECTORY":    "/nowhere/objects",
		"GIT_LITERAL_PATHSPECS":   "1",
	} {
		os.Setenv(key, value)
	}
	status := m.Run()
	if left, _ := filepath.Glob(filepath.Join(temp, "towpath-*")); len(left) > 0 {
		fmt.Printf("FAIL: %q stay behind\n", left)
		status = 1
	}
	os.RemoveAll(temp)
	os.Exit(status)
}

// shell runs git in dir, as a user would.
func shell(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(environ(os.Environ()), "GIT_LITERAL_PATHSPECS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// folder returns a new directory with files in it.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, files)
	return dir
}

func put(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for path, content := range files {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// repository returns a new directory with committed files in it.
func repository(t testing.TB, files map[string]string) string {
	t.Helper()
	needGit(t)
	dir := folder(t, files)
	initialise(t, dir)
	shell(t, dir, "add", "--all", "--force")
	shell(t, dir, "commit", "--quiet", "--allow-empty", "--message=first")
	return dir
}

func initialise(t testing.TB, dir string) {
	t.Helper()
	shell(t, dir, "init", "--quiet")
	shell(t, dir, "config", "user.name", "Ann")
	shell(t, dir, "config", "user.email", "ann@example.com")
}

func needGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git program")
	}
}

func open(t testing.TB, dir string) *Checkout {
	t.Helper()
	c, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func content(t testing.TB, dir, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantFault checks the code of an error, and that its text and hint hold words.
func wantFault(t testing.TB, err error, code fault.Code, words ...string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("got error %v, want a fault", err)
	}
	text := fmt.Sprintf("%v\nhint: %s", err, f.Hint)
	if f.Code != code {
		t.Errorf("got code %q, want %q: %s", f.Code, code, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("got %s\nwant it to hold %q", text, w)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"apps/web/values.yaml": "a: b\n"})
	for _, tt := range []struct{ name, open, want string }{
		{"the top", ".", "."},
		{"a folder", "apps/web", "apps/web"},
		{"an unclean name", "apps/../apps//web/", "apps/web"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := open(t, dir+"/"+tt.open)
			if want := filepath.Join(dir, tt.want); c.Dir() != want {
				t.Errorf("got directory %q, want %q", c.Dir(), want)
			}
			if !c.IsGit() {
				t.Error("git is not noticed")
			}
		})
	}
}

func TestOpenThroughLink(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: b\n"})
	link := filepath.Join(t.TempDir(), "link")
	symlink(t, dir, link)
	if c := open(t, link); c.Dir() != dir || !c.IsGit() {
		t.Errorf("got %q, git %v; want %q in git", c.Dir(), c.IsGit(), dir)
	}
}

func TestOpenLinkedWorkTree(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: b\n"})
	other := filepath.Join(folder(t, nil), "other")
	shell(t, dir, "worktree", "add", "--quiet", other)
	c := open(t, other)
	if want := filepath.Join(dir, ".git", "worktrees", "other"); c.gitDir != want {
		t.Errorf("got git directory %q, want %q", c.gitDir, want)
	}
}

func TestOpenWithoutRepository(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a.yaml": "a: b\n"})
	if c := open(t, dir); c.IsGit() || c.Dir() != dir {
		t.Errorf("got %q, git %v; want %q without git", c.Dir(), c.IsGit(), dir)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: b\n"})
	bare := folder(t, nil)
	shell(t, bare, "init", "--quiet", "--bare")
	broken := repository(t, nil)
	put(t, broken, map[string]string{".git/config": "[core\n"})
	for _, tt := range []struct {
		name, dir string
		code      fault.Code
		words     []string
	}{
		{"missing", dir + "/none", fault.NotFound, []string{"none", "does not exist"}},
		{"below a file", dir + "/a.yaml/none", fault.NotFound, []string{"does not exist"}},
		{"file", dir + "/a.yaml", fault.Refused, []string{"not a directory"}},
		{"git's own", dir + "/.git", fault.Refused, []string{"inside of a .git directory"}},
		{"below git's own", dir + "/.git/hooks", fault.Refused, []string{"inside of a .git directory"}},
		{"bare", bare, fault.Refused, []string{"bare repository", "clone"}},
		{"below bare", bare + "/refs", fault.Refused, []string{"bare repository"}},
		{"broken configuration", broken, fault.Failed, []string{"bad config line 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), filepath.FromSlash(tt.dir))
			wantFault(t, err, tt.code, tt.words...)
		})
	}
}

func TestOpenCancelled(t *testing.T) {
	t.Parallel()
	needGit(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, folder(t, nil))
	wantFault(t, err, fault.Failed, "stopped")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to wrap context.Canceled", err)
	}
}

// The environment is the process's, so the tests that change it run alone.

func TestOpenOthersRepository(t *testing.T) {
	dir := repository(t, map[string]string{"apps/a.yaml": "a: b\n"})
	if os.Geteuid() == 0 {
		for _, name := range []string{dir, dir + "/.git"} {
			if err := os.Chown(name, 12345, 12345); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("SUDO_UID", "0")
	} else {
		t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
	}
	_, err := Open(t.Context(), filepath.Join(dir, "apps"))
	wantFault(t, err, fault.Access, "belongs to another user", "run: git config --global --add safe.directory "+dir)
}

func TestOpenWithoutGitProgram(t *testing.T) {
	dir := repository(t, map[string]string{"apps/a.yaml": "a: b\n"})
	plain := folder(t, map[string]string{"a.yaml": "a: b\n"})
	t.Setenv("PATH", t.TempDir())
	for _, sub := range []string{"", "apps", ".git/hooks"} {
		_, err := Open(t.Context(), filepath.Join(dir, filepath.FromSlash(sub)))
		wantFault(t, err, fault.Failed, "no git program", "install git")
	}
	if c := open(t, plain); c.IsGit() {
		t.Error("git is noticed where there is none")
	}
	if diff := cmp.Diff([]string{"a.yaml"}, files(t, open(t, plain))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	c := open(t, folder(t, nil))
	for path, ok := range map[string]bool{
		"a.yaml":             true,
		"a/b.yaml":           true,
		"-a":                 true,
		"*":                  true,
		"a b\nc":             true,
		".github/a.yml":      true,
		".gitlab-ci.yml":     true,
		"..a/b..":            true,
		"":                   false,
		".":                  false,
		"..":                 false,
		"../a":               false,
		"a/../../b":          false,
		"a/../b":             false,
		"./a":                false,
		"a//b":               false,
		"a/":                 false,
		"/etc/passwd":        false,
		".git":               false,
		".git/config":        false,
		"sub/.git/hooks/x":   false,
		".GIT/config":        false,
		"sub/.Git. /hooks/x": false,
	} {
		name, err := c.name(path)
		if ok != (err == nil) {
			t.Errorf("%q: got error %v, want ok %v", path, err, ok)
		}
		if err != nil {
			wantFault(t, err, fault.Refused)
		} else if want := filepath.Join(c.dir, filepath.FromSlash(path)); name != want {
			t.Errorf("%q: got %q, want %q", path, name, want)
		}
	}
}

// files returns the sorted paths that a checkout yields.
func files(t testing.TB, c *Checkout) []string {
	t.Helper()
	var paths []string
	err := c.Files(t.Context(), func(path string) bool {
		paths = append(paths, path)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}

func symlink(t testing.TB, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
			t.Skipf("this user cannot make symbolic links: %v", err)
		}
		t.Fatal(err)
	}
}
