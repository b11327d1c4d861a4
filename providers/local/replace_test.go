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
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

func write(path, before, after string) Write {
	return Write{Path: path, Before: []byte(before), After: []byte(after)}
}

// tree returns all files of a directory, hidden and temporary ones included,
// with their modes.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var content []byte
		if info.Mode().IsRegular() {
			if content, err = os.ReadFile(name); err != nil {
				return err
			}
		}
		path, err := filepath.Rel(dir, name)
		got[filepath.ToSlash(path)] = fmt.Sprintf("%v %s", info.Mode(), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReplace(t *testing.T) {
	t.Parallel()
	before := map[string]string{"run.sh": "#!/bin/sh\r\n", "sub/dir/empty": "", "same.yaml": "a: b\n", "other.yaml": "a: b\n"}
	for _, name := range awkward() {
		before[name] = "old " + name + "\r\n"
	}
	for i := range 50 {
		before[fmt.Sprintf("many/f%d", i)] = "old\n"
	}
	dir := folder(t, before)
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := tree(t, dir)
	same, err := os.Stat(filepath.Join(dir, "same.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	writes := []Write{write("same.yaml", "a: b\n", "a: b\n")}
	for path, content := range before {
		if path != "same.yaml" && path != "other.yaml" {
			after := strings.Replace(content, "old", "new", 1) + "more\r\nno end"
			writes = append(writes, write(path, content, after))
			want[path] = strings.TrimSuffix(want[path], content) + after
		}
	}
	if err := open(t, dir).Replace(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	if now, err := os.Stat(filepath.Join(dir, "same.yaml")); err != nil || !os.SameFile(now, same) {
		t.Errorf("a file that stays the same was replaced: %v", err)
	}
}

func TestReplaceNothing(t *testing.T) {
	t.Parallel()
	if err := open(t, folder(t, nil)).Replace(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// TestReplaceRefuses puts one write that must be refused behind one that could
// be made.
func TestReplaceRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		bad   Write
		code  fault.Code
		is    error
		words []string
	}{
		{"absolute", write("/etc/hosts", "", "x"), fault.Refused, nil, []string{"/etc/hosts"}},
		{"above", write("../a", "", "x"), fault.Refused, nil, []string{"../a"}},
		{"up and down", write("sub/../good.yaml", "a: b\n", "x"), fault.Refused, nil, nil},
		{"git's own", write(".git/config", "", "x"), fault.Refused, nil, []string{"git's own"}},
		{"twice", write("good.yaml", "a: b\n", "x"), fault.Refused, nil, []string{"good.yaml: ", "twice"}},
		{"edited", write("edited.yaml", "a: 1\n", "a: 3\n"), fault.Conflict, ErrChanged, []string{"edited.yaml: ", "changed since", "run again"}},
		{"edited, not changed by us", write("edited.yaml", "a: 1\n", "a: 1\n"), fault.Conflict, ErrChanged, nil},
		{"shorter", write("edited.yaml", "a: 22\n", "a: 3\n"), fault.Conflict, ErrChanged, nil},
		{"longer", write("edited.yaml", "a: 2", "a: 3\n"), fault.Conflict, ErrChanged, nil},
		{"gone", write("gone.yaml", "a: 1\n", "a: 3\n"), fault.Conflict, ErrChanged, []string{"gone.yaml: ", "it is gone"}},
		{"folder gone", write("gone/gone.yaml", "a: 1\n", "a: 3\n"), fault.Conflict, ErrChanged, nil},
		{"folder is a file", write("good.yaml/gone.yaml", "a: 1\n", "a: 3\n"), fault.Conflict, ErrChanged, nil},
		{"directory", write("sub", "", "x"), fault.Refused, ErrNotRegular, []string{"sub: "}},
		{"link", write("link.yaml", "a: b\n", "x"), fault.Refused, ErrNotRegular, []string{"link.yaml: "}},
		{"link out", write("link-out.yaml", "o: b\n", "x"), fault.Refused, ErrNotRegular, nil},
		{"folder is a link", write("link/in.yaml", "i: b\n", "x"), fault.Refused, ErrNotRegular, []string{`"link" is a symbolic link`}},
		{"folder is a link out", write("dir-out/out.yaml", "o: b\n", "x"), fault.Refused, ErrNotRegular, nil},
		{"below a link out", write("dir-out/deep/out.yaml", "o: b\n", "x"), fault.Refused, ErrNotRegular, nil},
		{"read-only", write("locked.yaml", "a: b\n", "x"), fault.Access, nil, []string{"locked.yaml: ", "read-only", "chmod u+w"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := folder(t, map[string]string{"out.yaml": "o: b\n", "deep/out.yaml": "o: b\n"})
			dir := folder(t, map[string]string{
				"good.yaml": "a: b\n", "edited.yaml": "a: 2\n", "locked.yaml": "a: b\n", "sub/in.yaml": "i: b\n", ".git/config": "",
			})
			symlink(t, "good.yaml", filepath.Join(dir, "link.yaml"))
			symlink(t, "sub", filepath.Join(dir, "link"))
			symlink(t, out, filepath.Join(dir, "dir-out"))
			symlink(t, filepath.Join(out, "out.yaml"), filepath.Join(dir, "link-out.yaml"))
			if err := os.Chmod(filepath.Join(dir, "locked.yaml"), 0o444); err != nil {
				t.Fatal(err)
			}
			want, wantOut := tree(t, dir), tree(t, out)
			err := open(t, dir).Replace(t.Context(), []Write{write("good.yaml", "a: b\n", "a: c\n"), tt.bad})
			wantFault(t, err, tt.code, tt.words...)
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want it to wrap %q", err, tt.is)
			}
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantOut, tree(t, out)); diff != "" {
				t.Errorf("tree outside (-want +got):\n%s", diff)
			}
		})
	}
}

// A folder that became a link after it was read is noticed.
func TestReplaceLooksAgain(t *testing.T) {
	t.Parallel()
	out := folder(t, map[string]string{"a.yaml": "a: b\n"})
	dir := folder(t, map[string]string{"sub/a.yaml": "a: b\n"})
	c := open(t, dir)
	before, err := c.Read("sub/a.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "sub")); err != nil {
		t.Fatal(err)
	}
	symlink(t, out, filepath.Join(dir, "sub"))
	err = c.Replace(t.Context(), []Write{{Path: "sub/a.yaml", Before: before, After: []byte("a: c\n")}})
	wantFault(t, err, fault.Refused, `"sub" is a symbolic link`)
	if got := content(t, out, "a.yaml"); got != "a: b\n" {
		t.Errorf("a file outside became %q", got)
	}
}

func TestReplaceForbidden(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user may write to every folder")
	}
	dir := folder(t, map[string]string{"a.yaml": "a: b\n", "sub/b.yaml": "a: b\n"})
	sub := filepath.Join(dir, "sub")
	want := tree(t, dir)
	writes := []Write{write("a.yaml", "a: b\n", "a: c\n"), write("sub/b.yaml", "a: b\n", "a: c\n")}
	if err := os.Chmod(sub, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(sub, 0o777) })
	err := open(t, dir).Replace(t.Context(), writes)
	wantFault(t, err, fault.Access, "sub/b.yaml: cannot be replaced: permission denied", "its folder")
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// full stages files until the n-th one, which gets half of its contents.
func full(n int64, because error) func(string, []byte, fs.FileInfo) error {
	var calls atomic.Int64
	return func(name string, content []byte, like fs.FileInfo) error {
		if calls.Add(1) != n {
			return stage(name, content, like)
		}
		if err := stage(name, content[:len(content)/2], like); err != nil {
			return err
		}
		return &fs.PathError{Op: "write", Path: name, Err: because}
	}
}

func TestReplaceStagingFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err   error
		code  fault.Code
		words []string
	}{
		{syscall.ENOSPC, fault.Failed, []string{"free some space"}},
		{syscall.EDQUOT, fault.Failed, []string{"quota"}},
		{syscall.EROFS, fault.Access, []string{"mount"}},
		{syscall.EACCES, fault.Access, []string{"allow this user"}},
		{syscall.EIO, fault.Failed, nil},
	} {
		for _, n := range []int64{1, 12, 20} {
			t.Run(fmt.Sprintf("%v at file %d", tt.err, n), func(t *testing.T) {
				t.Parallel()
				dir, writes := twenty(t)
				want := tree(t, dir)
				c := open(t, dir)
				c.stage = full(n, tt.err)
				err := c.Replace(t.Context(), writes)
				wantFault(t, err, tt.code, append(tt.words, "cannot be replaced: "+tt.err.Error())...)
				if strings.Contains(err.Error(), prefix) {
					t.Errorf("%v names a temporary file", err)
				}
				if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
					t.Errorf("tree (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// twenty returns a directory with 20 files and a write for each of them.
func twenty(t *testing.T) (dir string, writes []Write) {
	t.Helper()
	files := map[string]string{}
	for i := range 20 {
		path := fmt.Sprintf("d%d/f%02d", i%4, i)
		files[path] = "old contents of " + path
		writes = append(writes, write(path, files[path], "new contents of "+path))
	}
	return folder(t, files), writes
}

func TestReplaceCancelled(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 20} {
		t.Run(fmt.Sprintf("after %d files", n), func(t *testing.T) {
			t.Parallel()
			dir, writes := twenty(t)
			want := tree(t, dir)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if n == 0 {
				cancel()
			}
			c := open(t, dir)
			var staged atomic.Int64
			c.stage = func(name string, content []byte, like fs.FileInfo) error {
				err := stage(name, content, like)
				if staged.Add(1) == n {
					cancel()
				}
				return err
			}
			c.rename = func(from, to string) error {
				t.Errorf("renamed %q", to)
				return os.Rename(from, to)
			}
			err := c.Replace(ctx, writes)
			wantFault(t, err, fault.Failed, "before any file was changed")
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want it to wrap context.Canceled", err)
			}
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplaceCancelledWhileRenaming(t *testing.T) {
	t.Parallel()
	dir, writes := twenty(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := open(t, dir)
	c.rename = func(from, to string) error {
		cancel()
		return os.Rename(from, to)
	}
	if err := c.Replace(ctx, writes); err != nil {
		t.Error(err)
	}
	for _, w := range writes {
		if got := content(t, dir, w.Path); got != string(w.After) {
			t.Errorf("%s: got %q, want %q", w.Path, got, w.After)
		}
	}
}

func TestReplaceEditedWhileStaging(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(file string) error{
		"new contents": func(file string) error { return os.WriteFile(file, []byte("edited meanwhile, and longer"), 0o666) },
		"another file": func(file string) error {
			if err := os.WriteFile(file+"~", []byte("old contents of d0/f00"), 0o666); err != nil {
				return err
			}
			return os.Rename(file+"~", file)
		},
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, writes := twenty(t)
			c := open(t, dir)
			var once atomic.Bool
			var want map[string]string
			c.stage = func(name string, content []byte, like fs.FileInfo) error {
				if bytes.HasSuffix(content, []byte("d0/f00")) && once.CompareAndSwap(false, true) {
					if err := edit(filepath.Join(dir, "d0", "f00")); err != nil {
						return err
					}
				}
				return stage(name, content, like)
			}
			c.rename = func(_, to string) error {
				t.Errorf("renamed %q", to)
				return nil
			}
			err := c.Replace(t.Context(), writes)
			wantFault(t, err, fault.Conflict, "d0/f00: ")
			if !errors.Is(err, ErrChanged) {
				t.Errorf("got %v, want it to wrap ErrChanged", err)
			}
			want = tree(t, dir)
			for _, w := range writes[1:] {
				if got := content(t, dir, w.Path); got != string(w.Before) {
					t.Errorf("%s: got %q, want %q", w.Path, got, w.Before)
				}
			}
			for path := range want {
				if isTemporary(filepath.Base(path)) {
					t.Errorf("%q stays behind", path)
				}
			}
		})
	}
}

func TestReplaceRenameFails(t *testing.T) {
	t.Parallel()
	dir, writes := twenty(t)
	want := tree(t, dir)
	c := open(t, dir)
	calls := 0
	c.rename = func(from, to string) error {
		if calls++; calls == 5 {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EIO}
		}
		return os.Rename(from, to)
	}
	err := c.Replace(t.Context(), writes)
	wantFault(t, err, fault.Failed, writes[4].Path+": cannot be replaced: "+syscall.EIO.Error())
	if calls != 9 {
		t.Errorf("got %d renames, want 4, 1 that fails, and 4 back", calls)
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestReplaceCannotGoBack(t *testing.T) {
	t.Parallel()
	dir, writes := twenty(t)
	want := tree(t, dir)
	for _, i := range []int{0, 2} {
		want[writes[i].Path] = strings.Replace(want[writes[i].Path], "old", "new", 1)
	}
	c := open(t, dir)
	calls := 0
	c.rename = func(from, to string) error {
		// The fourth fails, and on the way back the third and the first.
		if calls++; calls == 4 || calls == 5 || calls == 7 {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EIO}
		}
		return os.Rename(from, to)
	}
	err := c.Replace(t.Context(), writes)
	wantFault(t, err, fault.Failed, fmt.Sprintf("half-way: these files hold their new contents and the others do not: %q",
		[]string{writes[0].Path, writes[2].Path}), writes[3].Path+": cannot be replaced", "git checkout")
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestTemporary(t *testing.T) {
	t.Parallel()
	a, b := temporary("x"), temporary("x")
	if a == b || filepath.Dir(a) != "x" {
		t.Errorf("got %q and %q, want two names in x", a, b)
	}
	for base, want := range map[string]bool{
		filepath.Base(a):            true,
		".towpath.yaml":             false,
		".towpath-":                 false,
		".towpath-notes.yaml":       false,
		filepath.Base(a) + "A":      false,
		"x" + filepath.Base(a):      false,
		filepath.Base(a)[:33] + "1": false,
	} {
		if got := isTemporary(base); got != want {
			t.Errorf("%q: got %v, want %v", base, got, want)
		}
	}
}

func BenchmarkReplace100(b *testing.B) {
	files := map[string]string{}
	var there, back []Write
	for i := range 100 {
		path := fmt.Sprintf("d%d/f%d", i%10, i)
		files[path] = strings.Repeat("image: a/b:1\n", 100)
		after := strings.Repeat("image: a/b:2\n", 100)
		there = append(there, write(path, files[path], after))
		back = append(back, write(path, after, files[path]))
	}
	c := open(b, folder(b, files))
	for b.Loop() {
		if err := c.Replace(b.Context(), there); err != nil {
			b.Fatal(err)
		}
		there, back = back, there
	}
}
