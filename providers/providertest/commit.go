package providertest

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
)

var commitTests = map[string]func(*scene){
	"NewBranch":       testNewBranch,
	"Append":          testAppend,
	"Rebuild":         testRebuild,
	"RebuildStale":    testRebuildStale,
	"AddAndRemove":    testAddAndRemove,
	"Contents":        testContents,
	"Executable":      testExecutable,
	"Author":          testAuthor,
	"BranchThere":     testBranchThere,
	"BranchVanished":  testBranchVanished,
	"BranchFolder":    testBranchFolder,
	"MovedSameFile":   testMovedSameFile,
	"MovedOtherFile":  testMovedOtherFile,
	"Protected":       testProtected,
	"Archived":        testArchived,
	"WithoutRight":    testWithoutRight,
	"DeleteBranch":    testDeleteBranch,
	"OpenPullFollows": testOpenPullFollows,
}

// blobID is what git calls a file's content.
func blobID(content string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return hex.EncodeToString(sum[:])
}

// parents returns the parents of a commit, the newest of a branch or SHA.
func (s *scene) parents(ref string) []string {
	s.Helper()
	log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: ref, Limit: 1})
	s.check(err)
	if len(log) != 1 {
		s.Fatalf("the log of %s has %d commits, want 1", ref, len(log))
	}
	return log[0].Parents
}

// sits wants a commit to be the head of a branch, and on one parent.
func (s *scene) sits(branch, sha, parent string) {
	s.Helper()
	if got := s.resolve(branch); got != sha {
		s.Errorf("%s is at %s, want %s", branch, got, sha)
	}
	if got := s.parents(sha); len(got) > 0 && !slices.Equal(got, []string{parent}) {
		s.Errorf("the commit on %s has the parents %v, want %s", branch, got, parent)
	}
}

func testNewBranch(s *scene) {
	files := map[string]string{"a.txt": "a\n", "dir/b.txt": "b\n", "c.txt": "c\n"}
	s.beginWith(files)
	message := "Bump web to 1.2.3\n\nFor a reason.\n\nTowpath-Move: app=web env=dev\nTowpath-Run: 7"
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "towpath/bump/web", Parent: s.base, Message: message,
		Changes: s.changes(s.base, map[string]string{"a.txt": "A\n", "dir/b.txt": "B\n"}),
	})
	s.check(err)
	s.sits("towpath/bump/web", sha, s.base)
	files["a.txt"], files["dir/b.txt"] = "A\n", "B\n"
	s.sameFiles(sha, files)
	if got := s.resolve("main"); got != s.base {
		s.Errorf("main moved to %s", got)
	}
	log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: sha, Limit: 1})
	s.check(err)
	if got := strings.TrimRight(log[0].Message, "\n"); got != message {
		s.Errorf("the message is %q, want %q", got, message)
	}
}

func testAppend(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	one := s.branch("towpath/x", map[string]string{"a.txt": "one\n"})
	two, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "towpath/x", Parent: one, Head: one, Message: "Two", Changes: s.changes(one, map[string]string{"a.txt": "two\n"}),
	})
	s.check(err)
	s.sits("towpath/x", two, one)
	if got := s.read(two, "a.txt")["a.txt"]; got != "two\n" {
		s.Errorf("the file is %q", got)
	}
	// To the default branch, too.
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "main", Parent: s.base, Head: s.base, Message: "Main", Changes: s.changes(s.base, map[string]string{"a.txt": "main\n"}),
	})
	s.check(err)
	s.sits("main", sha, s.base)
}

func testRebuild(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n", "b.txt": "b\n"})
	old := s.branch("towpath/x", map[string]string{"a.txt": "one\n"})
	base := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"b.txt": "by hand\n"}})
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "towpath/x", Parent: base, Head: old, Message: "Rebuilt", Changes: s.changes(base, map[string]string{"a.txt": "two\n"}),
	})
	if !s.h.Rebuilds {
		s.is(err, errors.ErrUnsupported)
		if got := s.resolve("towpath/x"); got != old {
			s.Errorf("the branch moved to %s", got)
		}
		return
	}
	s.check(err)
	s.sits("towpath/x", sha, base)
	s.sameFiles(sha, map[string]string{"a.txt": "two\n", "b.txt": "by hand\n"})
}

func testRebuildStale(s *scene) {
	s.needs(s.h.Rebuilds, "rebuilding")
	s.beginWith(map[string]string{"a.txt": "a\n", "b.txt": "b\n"})
	old := s.branch("towpath/x", map[string]string{"a.txt": "one\n"})
	base := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"b.txt": "by hand\n"}})
	changes := s.changes(base, map[string]string{"a.txt": "two\n"})
	human := s.f.Push(s, Push{Branch: "towpath/x", Files: map[string]string{"c.txt": "kept\n"}})
	_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "towpath/x", Parent: base, Head: old, Message: "Rebuilt", Changes: changes})
	s.is(err, providers.ErrConflict)
	if got := s.resolve("towpath/x"); got != human {
		s.Errorf("the branch is at %s, want the person's commit %s", got, human)
	}
}

func testAddAndRemove(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n", "gone.txt": "gone\n", "dir/only.txt": "x\n"})
	changes := append(
		s.changes(s.base, map[string]string{"new/file.txt": "new\n", "empty": ""}),
		s.changes(s.base, map[string]string{"gone.txt": "", "dir/only.txt": ""})...)
	changes[2].Content, changes[3].Content = nil, nil
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "x", Parent: s.base, Message: "Add and remove", Changes: changes})
	s.check(err)
	s.sameFiles(sha, map[string]string{"a.txt": "a\n", "new/file.txt": "new\n", "empty": ""})

	// A file to be added that is there already was added by somebody else.
	_, err = s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "y", Parent: s.base, Message: "Add",
		Changes: []providers.Change{{Path: "a.txt", Content: []byte("over\n")}},
	})
	if err == nil {
		s.Error("a file that was to be new was written over")
	}
}

func testContents(s *scene) {
	s.beginWith(map[string]string{"binary": "\x00\xff", "crlf.txt": "a\r\n", "large.txt": "small\n", "text": "x"})
	want := map[string]string{
		"binary":    "\xff\xfe\x00\x01\r\n\n",
		"crlf.txt":  "a\r\nb\r\n",
		"large.txt": strings.Repeat("x", 1<<20) + strings.Repeat("a line of some length, with äöü\n", 2),
		"text":      " leading, trailing \n\n",
		"bom.txt":   "\ufeffx",
		"base64":    "aGVsbG8=",
		"json":      `{"a": "b & c < d"}`,
	}
	sha := s.branch("x", want)
	got := s.read(sha, "binary", "crlf.txt", "large.txt", "text", "bom.txt", "base64", "json")
	for path, content := range want {
		if got[path] != content {
			s.Errorf("%s has %d bytes %.40q, want %d bytes %.40q", path, len(got[path]), got[path], len(content), content)
		}
	}
}

func testExecutable(s *scene) {
	s.begin(map[string]File{
		"run.sh": {Mode: providers.Executable, Content: "echo 1\n"},
		"a.txt":  {Content: "a\n"},
	})
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "x", Parent: s.base, Message: "Both", Changes: s.changes(s.base, map[string]string{"run.sh": "echo 2\n", "a.txt": "b\n"}),
	})
	if s.h.NoExecutables {
		s.is(err, errors.ErrUnsupported)
		s.fault(err)
		return
	}
	s.check(err)
	s.modes(sha, map[string]providers.Mode{"run.sh": providers.Executable, "a.txt": providers.Regular})
	next, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "x", Parent: sha, Head: sha, Message: "More", Changes: s.changes(sha, map[string]string{"run.sh": "echo 3\n"}),
	})
	s.check(err)
	s.modes(next, map[string]providers.Mode{"run.sh": providers.Executable, "a.txt": providers.Regular})
	if !s.h.Rebuilds {
		return
	}
	base := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"a.txt": "c\n"}})
	rebuilt, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "x", Parent: base, Head: next, Message: "Rebuilt", Changes: s.changes(base, map[string]string{"run.sh": "echo 4\n"}),
	})
	s.check(err)
	s.modes(rebuilt, map[string]providers.Mode{"run.sh": providers.Executable, "a.txt": providers.Regular})
}

func (s *scene) modes(sha string, want map[string]providers.Mode) {
	s.Helper()
	entries, err := s.r.Tree(s.ctx, sha)
	s.check(err)
	got := map[string]providers.Mode{}
	for _, e := range entries {
		got[e.Path] = e.Mode
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("the modes differ:\n%s", diff)
	}
}

func testAuthor(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	author := providers.Identity{Name: "Zoë Bot", Email: "zoe@example.com"}
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "x", Parent: s.base, Message: "By Zoë", Author: &author, Changes: s.changes(s.base, map[string]string{"a.txt": "b\n"}),
	})
	s.check(err)
	log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: sha, Limit: 1})
	s.check(err)
	if diff := cmp.Diff(author, log[0].Author); diff != "" {
		s.Error(diff)
	}
}

func testBranchThere(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	// One is elsewhere, the other at the very parent.
	ahead := s.branch("ahead", map[string]string{"a.txt": "b\n"})
	for branch, at := range map[string]string{"ahead": ahead, "main": s.base} {
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{
			Branch: branch, Parent: s.base, Message: "New", Changes: s.changes(s.base, map[string]string{"a.txt": "c\n"}),
		})
		s.is(err, providers.ErrConflict)
		if got := s.resolve(branch); got != at {
			s.Errorf("%s moved to %s", branch, got)
		}
	}
}

func testBranchVanished(s *scene) {
	d, ok := providers.BranchDeleter(nil), false
	s.beginWith(map[string]string{"a.txt": "a\n"})
	if d, ok = s.r.(providers.BranchDeleter); !ok {
		s.Skip("this forge deletes no branches")
	}
	sha := s.branch("x", map[string]string{"a.txt": "b\n"})
	s.check(d.DeleteBranch(s.ctx, "x", sha))
	changes := s.changes(sha, map[string]string{"a.txt": "c\n"})
	_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "x", Parent: sha, Head: sha, Message: "Append", Changes: changes})
	s.is(err, providers.ErrConflict)
	if s.h.Rebuilds {
		changes = s.changes(s.base, map[string]string{"a.txt": "c\n"})
		_, err = s.r.Commit(s.ctx, providers.CommitRequest{Branch: "x", Parent: s.base, Head: sha, Message: "Rebuild", Changes: changes})
		s.is(err, providers.ErrConflict)
	}
	_, err = s.r.Resolve(s.ctx, "x")
	s.is(err, providers.ErrNotFound)
}

func testBranchFolder(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.branch("towpath", map[string]string{"a.txt": "b\n"})
	s.branch("deep/er", map[string]string{"a.txt": "b\n"})
	for _, branch := range []string{"towpath/bump/web", "deep"} {
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{
			Branch: branch, Parent: s.base, Message: "New", Changes: s.changes(s.base, map[string]string{"a.txt": "c\n"}),
		})
		s.fault(err, providers.ErrRefTaken)
		if errors.Is(err, providers.ErrConflict) {
			s.Errorf("got the error %v, after which one would try again", err)
		}
		_, err = s.r.Resolve(s.ctx, branch)
		s.is(err, providers.ErrNotFound)
	}
}

func testMovedSameFile(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n", "b.txt": "b\n"})
	changes := s.changes(s.base, map[string]string{"a.txt": "A\n", "b.txt": "B\n"})
	human := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"a.txt": "by hand\n"}})
	_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "main", Parent: s.base, Head: s.base, Message: "Stale", Changes: changes})
	s.is(err, providers.ErrConflict)
	if got := s.resolve("main"); got != human {
		s.Errorf("main is at %s, want %s", got, human)
	}
	// A file that came into being, and one that vanished, changed too.
	changes = s.changes(human, map[string]string{"new.txt": "mine\n"})
	human2 := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"new.txt": "theirs\n"}, Remove: []string{"b.txt"}})
	_, err = s.r.Commit(s.ctx, providers.CommitRequest{Branch: "main", Parent: human, Head: human, Message: "Stale", Changes: changes})
	s.is(err, providers.ErrConflict)
	changes = s.changes(human, map[string]string{"b.txt": "B\n"})
	_, err = s.r.Commit(s.ctx, providers.CommitRequest{Branch: "main", Parent: human, Head: human, Message: "Stale", Changes: changes})
	s.is(err, providers.ErrConflict)
	if got := s.resolve("main"); got != human2 {
		s.Errorf("main is at %s, want %s", got, human2)
	}
}

func testMovedOtherFile(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n", "b.txt": "b\n"})
	changes := s.changes(s.base, map[string]string{"a.txt": "A\n"})
	human := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"b.txt": "by hand\n"}})
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "main", Parent: s.base, Head: s.base, Message: "Stale", Changes: changes})
	if s.h.HeadGuard || err != nil {
		s.is(err, providers.ErrConflict)
		if got := s.resolve("main"); got != human {
			s.Errorf("main is at %s, want %s", got, human)
		}
		return
	}
	s.sits("main", sha, human)
	s.sameFiles(sha, map[string]string{"a.txt": "A\n", "b.txt": "by hand\n"})
}

func testProtected(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.needs(s.f.Protect != nil, "protected branches")
	p := s.open("x")
	s.f.Protect(s, "main")
	changes := s.changes(s.base, map[string]string{"a.txt": "b\n"})
	_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "main", Parent: s.base, Head: s.base, Message: "Push", Changes: changes})
	s.fault(err, providers.ErrForbidden)
	if got := s.resolve("main"); got != s.base {
		s.Errorf("main moved to %s", got)
	}
	_, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Close: true})
	s.check(err)
}

func testArchived(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.needs(s.f.Archive != nil, "archived repositories")
	p := s.open("x")
	s.branch("y", map[string]string{"a.txt": "c\n"})
	s.f.Archive(s)
	info, err := s.r.Info(s.ctx)
	s.check(err)
	if !info.Archived {
		s.Error("the repository does not say that it is archived")
	}
	changes := s.changes(s.base, map[string]string{"a.txt": "b\n"})
	_, err = s.r.Commit(s.ctx, providers.CommitRequest{Branch: "z", Parent: s.base, Message: "Push", Changes: changes})
	s.fault(err, providers.ErrForbidden)
	_, err = s.r.OpenPull(s.ctx, providers.NewPull{Head: "y", Base: "main", Title: "Open"})
	s.fault(err, providers.ErrForbidden)
	_, err = s.r.AddComment(s.ctx, p.Number, "Hello.")
	s.fault(err, providers.ErrForbidden)
}

func testWithoutRight(s *scene) {
	s.needs(s.isForge, "accounts")
	s.beginWith(map[string]string{"a.txt": "a\n"})
	changes := s.changes(s.base, map[string]string{"a.txt": "b\n"})
	reader := s.f.As(s, Reader)
	for branch, head := range map[string]string{"x": "", "main": s.base} {
		_, err := reader.Commit(s.ctx, providers.CommitRequest{Branch: branch, Parent: s.base, Head: head, Message: "Push", Changes: changes})
		s.fault(err, providers.ErrForbidden, providers.ErrNotFound)
	}
	if got := s.resolve("main"); got != s.base {
		s.Errorf("main moved to %s", got)
	}
	_, err := s.r.Resolve(s.ctx, "x")
	s.is(err, providers.ErrNotFound)
}

func testDeleteBranch(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	d, ok := s.r.(providers.BranchDeleter)
	s.needs(ok, "deleting of branches")
	sha := s.branch("towpath/x", map[string]string{"a.txt": "b\n"})
	s.is(d.DeleteBranch(s.ctx, "towpath/x", s.base), providers.ErrConflict)
	if got := s.resolve("towpath/x"); got != sha {
		s.Errorf("the branch is at %s, want %s", got, sha)
	}
	s.check(d.DeleteBranch(s.ctx, "towpath/x", sha))
	_, err := s.r.Resolve(s.ctx, "towpath/x")
	s.is(err, providers.ErrNotFound)
	s.check(d.DeleteBranch(s.ctx, "towpath/x", sha))
}

// testOpenPullFollows proves that a pull request stays open while its branch is
// appended to and rebuilt.
func testOpenPullFollows(s *scene) {
	s.needs(s.isForge, "pull requests")
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("towpath/x")
	head := s.resolve("towpath/x")
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "towpath/x", Parent: head, Head: head, Message: "More", Changes: s.changes(head, map[string]string{"a.txt": "b\n"}),
	})
	s.check(err)
	if got := s.pullAt(p.Number, sha); got.State != providers.Open {
		s.Errorf("the pull request is %s", got.State)
	}
	if !s.h.Rebuilds {
		return
	}
	base := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"z.txt": "z\n"}})
	rebuilt, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: "towpath/x", Parent: base, Head: sha, Message: "Anew", Changes: s.changes(base, map[string]string{"a.txt": "c\n"}),
	})
	s.check(err)
	if got := s.pullAt(p.Number, rebuilt); got.State != providers.Open {
		s.Errorf("the pull request is %s", got.State)
	}
	files, complete, err := s.r.PullFiles(s.ctx, p.Number)
	s.check(err)
	want := []providers.ChangedFile{{Path: "a.txt", Status: providers.Modified}}
	if diff := cmp.Diff(want, files); diff != "" || !complete {
		s.Errorf("complete %v:\n%s", complete, diff)
	}
}
