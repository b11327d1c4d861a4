package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

// awkward are names that git, a shell or a pattern might read otherwise.
func awkward() []string {
	names := []string{"-leading", "a b", "naïve-日本.yaml", ":colon", "[ab]", "#hash", "deep/er/a'b"}
	if runtime.GOOS != "windows" {
		names = append(names, "*", "new\nline", "back\\slash", "tab\tand\"quote", "? H 100644 x 0")
	}
	return names
}

func TestFilesInGit(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{
		".gitignore":               "ignored*\nbuild/\n",
		"ignored-but-tracked.yaml": "a: b\n",
		"tracked.yaml":             "a: b\n",
		"gone.yaml":                "a: b\n",
		"apps/web/values.yaml":     "a: b\n",
		"vendor/node_modules/a.js": "a",
		"chart.tgz":                "a",
	})
	nested := filepath.Join(dir, "nested")
	put(t, dir, map[string]string{
		"ignored.yaml":                          "a: b\n",
		"build/out.yaml":                        "a: b\n",
		"untracked.yaml":                        "a: b\n",
		"staged.yaml":                           "a: b\n",
		"node_modules/x/values.yaml":            "a: b\n",
		"apps/node_modules_of_mine/a.yaml":      "a: b\n",
		"apps/web/" + prefix + "not-ours.yaml":  "a: b\n",
		"apps/web/charts/sub.tgz":               "a",
		"nested/a.yaml":                         "a: b\n",
		".github/workflows/a.yaml":              "a: b\n",
		filepath.Base(temporary("")):            "a: b\n",
		"apps/" + filepath.Base(temporary("")):  "a: b\n",
		".towpath/holds/prod/web.yaml":          "a: b\n",
		"apps/web/" + prefix + "OURSNOT234.yml": "a: b\n",
	})
	shell(t, dir, "add", "staged.yaml")
	if err := os.Remove(filepath.Join(dir, "gone.yaml")); err != nil {
		t.Fatal(err)
	}
	initialise(t, nested)
	want := []string{
		".github/workflows/a.yaml",
		".gitignore",
		".towpath/holds/prod/web.yaml",
		"apps/node_modules_of_mine/a.yaml",
		"apps/web/" + prefix + "OURSNOT234.yml",
		"apps/web/" + prefix + "not-ours.yaml",
		"apps/web/values.yaml",
		"gone.yaml", // as the contract says, reading it tells
		"ignored-but-tracked.yaml",
		"staged.yaml",
		"tracked.yaml",
		"untracked.yaml",
	}
	if diff := cmp.Diff(want, files(t, open(t, dir))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	// From a folder, paths count from there, and the rules above it hold.
	put(t, dir, map[string]string{"apps/ignored.yaml": "a: b\n"})
	want = []string{
		"node_modules_of_mine/a.yaml",
		"web/" + prefix + "OURSNOT234.yml",
		"web/" + prefix + "not-ours.yaml",
		"web/values.yaml",
	}
	if diff := cmp.Diff(want, files(t, open(t, dir+"/apps"))); diff != "" {
		t.Errorf("files of a folder (-want +got):\n%s", diff)
	}
}

func TestFilesSubmodule(t *testing.T) {
	t.Parallel()
	other := repository(t, map[string]string{"b.yaml": "a: b\n"})
	dir := repository(t, map[string]string{"a.yaml": "a: b\n"})
	shell(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other, "sub")
	if diff := cmp.Diff([]string{".gitmodules", "a.yaml"}, files(t, open(t, dir))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestFilesUnmergedOnce(t *testing.T) {
	t.Parallel()
	dir := conflicted(t)
	if diff := cmp.Diff([]string{"a.yaml", "b.yaml"}, files(t, open(t, dir))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// conflicted returns a repository in the middle of a merge, of a.yaml.
func conflicted(t *testing.T) string {
	t.Helper()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
	shell(t, dir, "checkout", "--quiet", "-b", "other")
	put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
	shell(t, dir, "commit", "--quiet", "--all", "--message=second")
	shell(t, dir, "checkout", "--quiet", "-b", "third", "HEAD~1")
	put(t, dir, map[string]string{"a.yaml": "a: 3\n"})
	shell(t, dir, "commit", "--quiet", "--all", "--message=third")
	if _, err := git(t.Context(), dir, "merge", "--quiet", "other"); err == nil {
		t.Fatal("the merge has no conflict")
	}
	return dir
}

func TestFilesAwkwardNames(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, name := range awkward() {
		want[name] = "content of " + name
	}
	for name, dir := range map[string]string{
		"tracked":   repository(t, want),
		"untracked": repository(t, nil),
		"plain":     folder(t, want),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			put(t, dir, want)
			c := open(t, dir)
			got := map[string]string{}
			for _, path := range files(t, c) {
				b, err := c.Read(path, nil)
				if err != nil {
					t.Error(err)
				}
				got[path] = string(b)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesWithoutGit(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"a.yaml":                       "a: b\n",
		".gitignore":                   "a.yaml\n",
		"apps/web/values.yaml":         "a: b\n",
		"apps/node_modules/a.yaml":     "a: b\n",
		"apps/web/chart.tgz":           "a",
		"sub/.git":                     "gitdir: elsewhere\n",
		"sub/b.yaml":                   "a: b\n",
		filepath.Base(temporary("")):   "a: b\n",
		"apps/.git/hooks/a.yaml":       "a: b\n",
		"apps/nothing/.hidden/c.yaml":  "a: b\n",
		"apps/node_modules.yaml":       "a: b\n",
		"apps/.towpath-mine/file.yaml": "a: b\n",
	})
	symlink(t, "a.yaml", filepath.Join(dir, "link.yaml"))
	symlink(t, "apps", filepath.Join(dir, "link"))
	want := []string{
		".gitignore",
		"a.yaml",
		"apps/.towpath-mine/file.yaml",
		"apps/node_modules.yaml",
		"apps/nothing/.hidden/c.yaml",
		"apps/web/values.yaml",
		"sub/b.yaml",
	}
	if diff := cmp.Diff(want, files(t, open(t, dir))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestFilesWithoutGitUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read every folder")
	}
	dir := folder(t, map[string]string{"closed/a.yaml": "a: b\n", "open.yaml": "a: b\n"})
	if err := os.Chmod(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "closed"), 0o700) })
	var got []string
	if err := open(t, dir).Files(t.Context(), func(path string) bool { got = append(got, path); return true }); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"open.yaml"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFilesStops(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for i := range 3000 {
		want[fmt.Sprintf("folder-with-a-long-name/and-a-folder/file-%04d.yaml", i)] = "a: b\n"
	}
	for name, dir := range map[string]string{"git": repository(t, want), "plain": folder(t, want)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, dir)
			calls := 0
			if err := c.Files(t.Context(), func(string) bool { calls++; return calls < 3 }); err != nil {
				t.Error(err)
			}
			if calls != 3 {
				t.Errorf("got %d calls, want 3", calls)
			}

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls = 0
			err := c.Files(ctx, func(string) bool { calls++; cancel(); return true })
			// Git may have told everything before it could be stopped.
			if err == nil && calls != len(want) {
				t.Errorf("got no error after %d of %d files", calls, len(want))
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want it to wrap context.Canceled", err)
			}
			err = c.Files(ctx, func(string) bool { t.Error("called after the end"); return true })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want it to wrap context.Canceled", err)
			}
		})
	}
}

func TestFilesSaysWhatGitSays(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: b\n"})
	c := open(t, dir)
	put(t, dir, map[string]string{".git/index": "not an index, but long enough to be read as one"})
	err := c.Files(t.Context(), func(string) bool { return true })
	wantFault(t, err, fault.Failed, "git ls-files", "index")
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{
		"empty":           "",
		"crlf.yaml":       "\ufeffa: b\r\nc: d",
		"late-nul":        strings.Repeat("x", sniffed) + "\x00",
		"nul":             strings.Repeat("x", sniffed-1) + "\x00",
		"sub/long.yaml":   strings.Repeat("a: b\n", 50_000),
		"outside/in.yaml": "a: b\n",
	})
	out := folder(t, map[string]string{"out.yaml": "secret: 1\n"})
	symlink(t, filepath.Join(out, "out.yaml"), filepath.Join(dir, "link-out.yaml"))
	symlink(t, out, filepath.Join(dir, "dir-out"))
	symlink(t, "sub", filepath.Join(dir, "dir-in"))
	symlink(t, "crlf.yaml", filepath.Join(dir, "link-in.yaml"))
	symlink(t, "nothing", filepath.Join(dir, "dangling"))
	big, err := os.Create(filepath.Join(dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(big.Truncate(maxSize+1), big.Close()); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)

	for _, path := range []string{"empty", "crlf.yaml", "late-nul", "sub/long.yaml"} {
		for _, buf := range [][]byte{nil, make([]byte, 5, 7), make([]byte, 300_000)} {
			got, err := c.Read(path, buf)
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if want := content(t, dir, path); string(got) != want {
				t.Errorf("%s: got %d bytes, want %d", path, len(got), len(want))
			}
		}
	}
	for path, want := range map[string]error{
		"none":              fs.ErrNotExist,
		"none/none":         fs.ErrNotExist,
		"crlf.yaml/none":    fs.ErrNotExist,
		"crlf.yaml/no/none": fs.ErrNotExist,
		"nul":               ErrBinary,
		"big":               ErrTooLarge,
		"sub":               ErrNotRegular,
		"link-out.yaml":     ErrNotRegular,
		"link-in.yaml":      ErrNotRegular,
		"dangling":          ErrNotRegular,
		"dir-out":           ErrNotRegular,
		"dir-out/out.yaml":  ErrNotRegular,
		"dir-in/long.yaml":  ErrNotRegular,
	} {
		got, err := c.Read(path, []byte("before"))
		if !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", path, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("read %q: ", path)) {
			t.Errorf("error %v does not name %q", err, path)
		}
		if len(got) != 0 {
			t.Errorf("%s: got %q along with an error", path, got)
		}
	}
	_, err = c.Read("../out.yaml", nil)
	wantFault(t, err, fault.Refused)
}

func TestReadReusesBuffer(t *testing.T) {
	t.Parallel()
	c := open(t, folder(t, map[string]string{"a": "first", "b": "second"}))
	buf, err := c.Read("a", make([]byte, 0, 100))
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Read("b", buf)
	if err != nil {
		t.Fatal(err)
	}
	if &buf[0] != &again[0] {
		t.Error("the buffer was large enough, and another was made")
	}
}

func TestReadForbidden(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user may read every file")
	}
	dir := folder(t, map[string]string{"a.yaml": "a: b\n"})
	if err := os.Chmod(filepath.Join(dir, "a.yaml"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, dir).Read("a.yaml", nil)
	wantFault(t, err, fault.Access, "a.yaml: read the file: permission denied")
}

func TestReadConcurrently(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for i := range 100 {
		want[fmt.Sprintf("d%d/e%d/f%d", i%3, i%7, i)] = fmt.Sprint(i)
	}
	c := open(t, folder(t, want))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var buf []byte
			for path, content := range want {
				var err error
				if buf, err = c.Read(path, buf); err != nil || string(buf) != content {
					t.Errorf("%s: got %q, %v; want %q", path, buf, err, content)
				}
			}
		})
	}
	wg.Wait()
}

func TestParseEntry(t *testing.T) {
	t.Parallel()
	const id = "587be6b4c3f93f93c489c0111bba5596147a26cb"
	for _, tt := range []struct {
		in      string
		tracked bool
		path    string
		ok      bool
	}{
		{"? a b", false, "a b", true},
		{"? nested/", false, "", true},
		{"? H 100644 " + id + " 0\tx", false, "H 100644 " + id + " 0\tx", true},
		{"H 100644 " + id + " 0\ta\tb", true, "a\tb", true},
		{"S 100755 " + id + " 0\ta", true, "a", true},
		{"M 100644 " + id + " 3\ta", true, "a", true},
		{"H 120000 " + id + " 0\tlink", true, "", true},
		{"H 160000 " + id + " 0\tsub", true, "", true},
		{"", false, "", false},
		{"? ", false, "", false},
		{"H ", false, "", false},
		{"H 100644 " + id + " 0\t", false, "", false},
		{"H a", false, "", false},
		{"a", false, "", false},
	} {
		tracked, path, err := parseEntry([]byte(tt.in))
		if tracked != tt.tracked || string(path) != tt.path || (err == nil) != tt.ok {
			t.Errorf("%q: got %v, %q, %v; want %v, %q, ok %v", tt.in, tracked, path, err, tt.tracked, tt.path, tt.ok)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	for _, s := range []string{"? a", "? a/", "H 100644 0123 0\ta", "H 120000 0123 0\ta", "", "? ", "H \t", "M 100644 0123 1\ta\tb"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		_, path, err := parseEntry(entry)
		if err != nil && path != nil {
			t.Fatalf("got path %q with error %v", path, err)
		}
		if path != nil && (len(path) == 0 || !bytes.HasSuffix(entry, path)) {
			t.Fatalf("got path %q of %q", path, entry)
		}
		// Whatever the name, as git prints it it is read back.
		if name := bytes.TrimRight(entry, "/"); len(name) > 0 {
			var tracked bool
			if tracked, path, err = parseEntry(append([]byte("? "), name...)); tracked || !bytes.Equal(path, name) || err != nil {
				t.Fatalf("untracked %q: got %v, %q, %v", name, tracked, path, err)
			}
			if tracked, path, err = parseEntry(append([]byte("H 100644 0123 0\t"), name...)); !tracked || !bytes.Equal(path, name) || err != nil {
				t.Fatalf("tracked %q: got %v, %q, %v", name, tracked, path, err)
			}
		}
	})
}

func BenchmarkFilesAndRead(b *testing.B) {
	want := map[string]string{}
	for i := range 10_000 {
		want[fmt.Sprintf("apps/app-%d/overlays/env-%d/file-%d.yaml", i/40, i/10, i)] = strings.Repeat("image: a/b:1\n", 30)
	}
	for name, dir := range map[string]string{"git": repository(b, want), "plain": folder(b, want)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := open(b, dir)
				var buf []byte
				n := 0
				err := c.Files(b.Context(), func(path string) bool {
					var err error
					if buf, err = c.Read(path, buf); err != nil {
						b.Error(err)
					}
					n++
					return true
				})
				if err != nil || n != len(want) {
					b.Fatalf("got %d files, %v; want %d", n, err, len(want))
				}
			}
		})
	}
}
