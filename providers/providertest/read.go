package providertest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/towpath-dev/towpath/providers"
)

const someCommit = "1111111111111111111111111111111111111111"

var readTests = map[string]func(*scene){
	"Info":       testInfo,
	"Empty":      testEmpty,
	"Resolve":    testResolve,
	"Files":      testFiles,
	"ManyFiles":  testManyFiles,
	"Modes":      testModes,
	"Archive":    testArchive,
	"Attributes": testAttributes,
	"Look":       testLook,
}

func testInfo(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	info, err := s.r.Info(s.ctx)
	s.check(err)
	if info.DefaultBranch != "main" || info.Empty || info.Archived || !strings.Contains(info.URL, "/") {
		s.Errorf("got %+v", info)
	}
	if info.Access != nil && *info.Access != providers.CanWrite {
		s.Errorf("the writer has the access %v", *info.Access)
	}
	read, err := s.f.As(s, Reader).Info(s.ctx)
	s.check(err)
	if read.Access != nil && *read.Access != providers.CanRead {
		s.Errorf("the reader has the access %v", *read.Access)
	}
}

func testEmpty(s *scene) {
	s.begin(nil)
	info, err := s.r.Info(s.ctx)
	s.check(err)
	if !info.Empty {
		s.Errorf("got %+v, want it to be empty", info)
	}
	_, err = s.r.Resolve(s.ctx, "main")
	s.is(err, providers.ErrNotFound)
	if s.isForge {
		pulls, err := s.r.Pulls(s.ctx, providers.PullQuery{})
		s.check(err)
		if len(pulls) > 0 {
			s.Errorf("got the pull requests %v", pulls)
		}
	}
	view, err := providers.Look(s.ctx, s.r, providers.Question{Heads: []string{"towpath/bump"}})
	s.check(err)
	if !view.Info.Empty || view.SHA != "" || len(view.Heads) > 0 || len(view.Pulls) > 0 {
		s.Errorf("got the view %+v", view)
	}
	_, err = s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "towpath/bump", Parent: someCommit, Message: "Bump",
		Changes: []providers.Change{{Path: "a.txt", Content: []byte("a\n")}},
	})
	if err == nil {
		s.Error("a commit on a parent that is not there was made")
	}
}

func testResolve(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	sha := s.branch("feature/x", map[string]string{"a.txt": "b\n"})
	for ref, want := range map[string]string{"main": s.base, "feature/x": sha, sha: sha, s.base: s.base} {
		if got := s.resolve(ref); got != want {
			s.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	for _, ref := range []string{"absent", "feature", "feature/x/y", "main#", "main?x=1", "../main", someCommit} {
		_, err := s.r.Resolve(s.ctx, ref)
		if !errors.Is(err, providers.ErrNotFound) {
			s.Errorf("%s: got the error %v, want ErrNotFound", ref, err)
		}
	}
	if s.f.Tag == nil {
		return
	}
	s.f.Tag(s, "v1.0", sha)
	s.f.Tag(s, "main", sha)
	if got := s.resolve("v1.0"); got != sha {
		s.Errorf("the tag is at %s, want %s", got, sha)
	}
	if got := s.resolve("main"); got != s.base {
		s.Errorf("the branch that has the name of a tag is at %s, want %s", got, s.base)
	}
}

func testFiles(s *scene) {
	binary := "\x00\x01\xff\xfe\r\n\x80"
	large := strings.Repeat("0123456789abcdef", 2<<20/16)
	files := map[string]string{
		"a.txt": "a\n", "deep/er/b.txt": "b\r\nb", "empty": "", "binary": binary, "large.txt": large,
		"bom.txt": "\ufeffx\n", "lfs.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
	}
	s.beginWith(files)
	asked := []string{"absent.txt", "deep", "deep/er", "deep/absent", "a.txt/b"}
	for path := range files {
		asked = append(asked, path)
	}
	got, err := s.r.Files(s.ctx, s.base, asked)
	s.check(err)
	if len(got) != len(files) {
		s.Errorf("got %d files, want %d", len(got), len(files))
	}
	for path, want := range files {
		f := got[path]
		if string(f.Content) != want {
			s.Errorf("%s has %d bytes %.40q, want %d bytes %.40q", path, len(f.Content), f.Content, len(want), want)
		}
		if f.Content == nil {
			s.Errorf("%s has no contents", path)
		}
		if f.Path != path || f.Mode != providers.Regular || f.Size != int64(len(want)) && f.Size != -1 {
			s.Errorf("%s is %+v", path, f.Entry)
		}
	}
	none, err := s.r.Files(s.ctx, s.base, nil)
	s.check(err)
	if len(none) != 0 {
		s.Errorf("got %v for no paths", none)
	}
	// What is read at a commit does not follow the branch.
	s.f.Push(s, Push{Branch: "main", Files: map[string]string{"a.txt": "later\n"}})
	if got := s.read(s.base, "a.txt"); got["a.txt"] != "a\n" {
		s.Errorf("the file at the old commit is %q", got["a.txt"])
	}
}

func testManyFiles(s *scene) {
	files := map[string]string{}
	for i := range 250 {
		files[fmt.Sprintf("apps/%d/app-%03d.yaml", i%7, i)] = fmt.Sprintf("image: app:%d\n", i)
	}
	s.beginWith(files)
	s.sameFiles(s.base, files)
	var paths []string
	for path := range files {
		paths = append(paths, path)
	}
	if diff := cmp.Diff(files, s.read(s.base, paths...)); diff != "" {
		s.Error(diff)
	}
}

// sameFiles compares the tree of a commit with the regular files it should have.
func (s *scene) sameFiles(sha string, want map[string]string) {
	s.Helper()
	entries, err := s.r.Tree(s.ctx, sha)
	s.check(err)
	var got, paths []string
	for _, e := range entries {
		got = append(got, e.Path)
		content := want[e.Path]
		if e.Mode != providers.Regular || !s.rightID(e, content) {
			s.Errorf("the tree has %+v", e)
		}
	}
	for path := range want {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	if diff := cmp.Diff(paths, got); diff != "" {
		s.Errorf("the tree has other paths, or another order:\n%s", diff)
	}
}

// rightID reports whether an entry has the id and size of a content, as far as
// the forge tells them.
func (s *scene) rightID(e providers.Entry, content string) bool {
	id := e.ID == blobID(content) || s.h.NoBlobIDs && e.ID == ""
	size := e.Size == int64(len(content)) || s.h.NoSizes && e.Size == -1
	return id && size
}

func testModes(s *scene) {
	s.needs(!s.h.NoLinks, "way to make links")
	s.begin(map[string]File{
		"a.txt":     {Content: "a\n"},
		"run.sh":    {Mode: providers.Executable, Content: "#!/bin/sh\n"},
		"link":      {Mode: providers.Symlink, Content: "a.txt"},
		"dir/up":    {Mode: providers.Symlink, Content: "../a.txt"},
		"mod":       {Mode: providers.Submodule, Content: "2222222222222222222222222222222222222222"},
		"dir/b.txt": {Content: "b\n"},
	})
	want := map[string]providers.Mode{
		"a.txt": providers.Regular, "run.sh": providers.Executable, "link": providers.Symlink,
		"dir/up": providers.Symlink, "mod": providers.Submodule, "dir/b.txt": providers.Regular,
	}
	entries, err := s.r.Tree(s.ctx, s.base)
	s.check(err)
	got := map[string]providers.Mode{}
	var paths []string
	for _, e := range entries {
		got[e.Path] = e.Mode
		paths = append(paths, e.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("the modes of the tree differ:\n%s", diff)
	}
	files, err := s.r.Files(s.ctx, s.base, paths)
	s.check(err)
	for path, mode := range want {
		f, ok := files[path]
		if s.h.NoFileModes && mode != providers.Regular {
			continue
		}
		if !ok || f.Mode != mode || mode.IsFile() != (f.Content != nil) {
			s.Errorf("the file %s is %v %q, want the mode %v", path, f.Mode, f.Content, mode)
		}
	}
	for _, path := range []string{"link", "mod"} {
		e := providers.Entry{Path: path, Mode: want[path], Size: -1}
		if f, ok := files[path]; ok {
			e = f.Entry
		}
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{
			Branch: "over-" + path, Parent: s.base, Message: "Write over it",
			Changes: []providers.Change{{Before: &e, Path: path, Content: []byte("x\n")}},
		})
		if err == nil {
			s.Errorf("a commit wrote over %s", path)
		}
	}
}

func testArchive(s *scene) {
	files := map[string]string{"a.txt": "a\n", "deep/er/b c.txt": "b", "größe.txt": "\x00\xff", strings.Repeat("long/", 30) + "path.txt": "long\n"}
	s.beginWith(files)
	if diff := cmp.Diff(files, s.archive(s.base)); diff != "" {
		s.Error(diff)
	}
	reply, err := s.r.Archive(s.ctx, someCommit)
	if err == nil {
		_, err = io.ReadAll(reply)
		_ = reply.Close()
	}
	if err == nil {
		s.Error("there is an archive of a commit that is not there")
	}
}

// archive returns the files in the archive of a commit.
func (s *scene) archive(sha string) map[string]string {
	s.Helper()
	reply, err := s.r.Archive(s.ctx, sha)
	s.check(err)
	defer func() { _ = reply.Close() }()
	zipped, err := gzip.NewReader(reply)
	s.check(err)
	out := map[string]string{}
	top := ""
	for t := tar.NewReader(zipped); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		s.check(err)
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		folder, rest, _ := strings.Cut(h.Name, "/")
		if top == "" {
			top = folder
		}
		if folder != top {
			s.Errorf("the archive has %s, which is not in %s", h.Name, top)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(t)
		s.check(err)
		out[rest] = string(content)
	}
}

func testAttributes(s *scene) {
	s.beginWith(map[string]string{
		".gitattributes": "hidden/* export-ignore\nversion.txt export-subst\n",
		"a.txt":          "a\n",
		"hidden/x.yaml":  "x\n",
		"version.txt":    "$Format:%H$\n",
	})
	got := s.archive(s.base)
	if _, ok := got["hidden/x.yaml"]; ok || got["version.txt"] != s.base+"\n" || got["a.txt"] != "a\n" {
		s.Errorf("the archive has %q", got)
	}
	if got := s.read(s.base, "hidden/x.yaml", "version.txt"); got["hidden/x.yaml"] != "x\n" || got["version.txt"] != "$Format:%H$\n" {
		s.Errorf("the files are %q", got)
	}
}

// bare hides what a driver can beyond the contract.
type bare struct{ providers.Repository }

func testLook(s *scene) {
	s.needs(s.isForge, "pull requests")
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.branch("base/other", map[string]string{"a.txt": "other\n"})
	first := s.open("towpath/one")
	_, err := s.r.UpdatePull(s.ctx, first.Number, providers.PullUpdate{Close: true})
	s.check(err)
	again, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "towpath/one", Base: "main", Title: "Again"})
	s.check(err)
	two := s.branch("towpath/two", map[string]string{"a.txt": "two\n"})
	s.open("towpath/not-asked")
	for _, q := range []providers.Question{
		{Heads: []string{"towpath/one", "towpath/two", "towpath/absent"}},
		{Base: "base/other", Heads: []string{"towpath/two"}},
		{Base: "main"},
	} {
		got, err := providers.Look(s.ctx, s.r, q)
		s.check(err)
		want, err := providers.Look(s.ctx, bare{s.r}, q)
		s.check(err)
		same := cmp.Options{
			cmpopts.EquateEmpty(),
			cmpopts.EquateApproxTime(0),
			cmpopts.SortSlices(func(a, b providers.PullRequest) bool { return a.Number < b.Number }),
			cmpopts.IgnoreFields(providers.PullRequest{}, "Updated", "MergeSHA"),
		}
		if diff := cmp.Diff(want, got, same); diff != "" {
			s.Errorf("%+v: looking at once differs from looking step by step:\n%s", q, diff)
		}
	}
	view, err := providers.Look(s.ctx, s.r, providers.Question{Heads: []string{"towpath/one", "towpath/two", "towpath/absent"}})
	s.check(err)
	if view.Base != "main" || view.SHA != s.base || view.Heads["towpath/two"] != two || len(view.Heads) != 2 {
		s.Errorf("got %+v", view)
	}
	states := map[int]providers.PullState{}
	for _, p := range view.Pulls {
		states[p.Number] = p.State
	}
	if diff := cmp.Diff(map[int]providers.PullState{first.Number: providers.Closed, again.Number: providers.Open}, states); diff != "" {
		s.Error(diff)
	}
	_, err = providers.Look(s.ctx, s.r, providers.Question{Base: "absent"})
	s.is(err, providers.ErrNotFound)
}
