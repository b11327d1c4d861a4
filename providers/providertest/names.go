package providertest

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
)

var nameTests = map[string]func(*scene){
	"Files":    testFileNames,
	"Branches": testBranchNames,
}

// filePaths are paths that git allows and that careless drivers do not survive:
// because of URLs, query languages, patterns, or the names of form fields.
var filePaths = []string{
	"with space.yaml", " leading.yaml", "a#1.yaml", "what?.yaml", "100%.yaml", "%2e%2e", "a%2Fb.yaml", "v1..2.yaml", "..hidden", "...",
	"größe/ü.yaml", "e\u0301.yaml", "日本/語.yaml", "-dash.yaml", "--help", "a+b&c=d;e.yaml", "a:b.yaml", "[x]*.yaml", "{a,b}.yaml",
	`quote"'.yaml`, "$HOME.yaml", "<tag>.yaml", "message", "branch", "author", "parents", "files", ".github/workflows.yaml", "a@{1}", "tilde~1^2",
}

func testFileNames(s *scene) {
	before, after := map[string]string{"keep.txt": "keep\n"}, map[string]string{"keep.txt": "keep\n"}
	var paths []string
	for i, path := range filePaths {
		if slices.Contains(s.h.RefusedPaths, path) {
			continue
		}
		// Every other one is there before, the others come into being.
		if i%2 == 0 {
			before[path] = path + " before\n"
		}
		after[path] = path + " after\n"
		paths = append(paths, path)
	}
	s.beginWith(before)
	changed := map[string]string{}
	for _, path := range paths {
		changed[path] = after[path]
	}
	if diff := cmp.Diff(before, s.read(s.base, append(paths, "keep.txt")...)); diff != "" {
		s.Errorf("read before: %s", diff)
	}
	sha := s.branch("x", changed)
	s.sameFiles(sha, after)
	if diff := cmp.Diff(after, s.read(sha, append(paths, "keep.txt")...)); diff != "" {
		s.Errorf("read after: %s", diff)
	}
	c, err := s.r.Compare(s.ctx, s.base, sha)
	s.check(err)
	s.changed(c.Files, before, changed)
	for i, path := range paths {
		if i%5 != 0 {
			continue
		}
		log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: sha, Path: path})
		s.check(err)
		want := 1
		if _, ok := before[path]; ok {
			want = 2
		}
		if len(log) != want {
			s.Errorf("%s has %d commits, want %d", path, len(log), want)
		}
	}
	for _, path := range s.h.RefusedPaths {
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{
			Branch: "refused", Parent: s.base, Message: "Refused", Changes: []providers.Change{{Path: path, Content: []byte("x\n")}},
		})
		if err == nil {
			s.Errorf("%s is not refused", path)
		}
	}
}

// changed wants a list of files to be those that changed, and no others.
func (s *scene) changed(got []providers.ChangedFile, before, changes map[string]string) {
	s.Helper()
	var want []providers.ChangedFile
	for path := range changes {
		status := providers.Added
		if _, ok := before[path]; ok {
			status = providers.Modified
		}
		want = append(want, providers.ChangedFile{Path: path, Status: status})
	}
	byPath := func(a, b providers.ChangedFile) int { return strings.Compare(a.Path, b.Path) }
	got = slices.Clone(got)
	slices.SortFunc(got, byPath)
	slices.SortFunc(want, byPath)
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("the changed files differ:\n%s", diff)
	}
}

var branchNames = []string{
	"towpath/bump/web", "a#1", "100%", "a%2Fb", "größe", "日本", "-x", "deep/-x", "a+b", "a&b=c", `quote"x'`, "semi;colon", "at@x", "{x}", "a,b", "$x", "(x)", "x!",
}

// canOpen reports whether a pull request can be opened for a branch.
func (s *scene) canOpen(name, sha string) bool {
	s.Helper()
	p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: name, Base: "main", Title: "Open " + name})
	if err != nil {
		s.Errorf("%s: %v", name, err)
		return false
	}
	found, err := s.r.Pulls(s.ctx, providers.PullQuery{Head: name})
	s.check(err)
	if len(found) != 1 || found[0].Number != p.Number || found[0].Head.Branch != name || !s.sameSHA(found[0].Head.SHA, sha) {
		s.Errorf("%s: found %+v", name, found)
	}
	return true
}

func testBranchNames(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	for _, name := range branchNames {
		content := map[string]string{"a.txt": name + "\n"}
		if slices.Contains(s.h.RefusedBranches, name) {
			_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: name, Parent: s.base, Message: "Refused", Changes: s.changes(s.base, content)})
			if err == nil {
				s.Errorf("the branch %s is not refused", name)
			}
			continue
		}
		sha := s.branch(name, content)
		if got := s.resolve(name); got != sha {
			s.Errorf("%s is at %s, want %s", name, got, sha)
		}
		if s.isForge && !s.canOpen(name, sha) {
			continue
		}
		next, err := s.r.Commit(s.ctx, providers.CommitRequest{
			Branch: name, Parent: sha, Head: sha, Message: "More", Changes: s.changes(sha, map[string]string{"a.txt": "more\n"}),
		})
		s.check(err)
		log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: name})
		s.check(err)
		if len(log) != 3 || log[0].SHA != next {
			s.Errorf("the log of %s is %+v", name, log)
		}
		if d, ok := s.r.(providers.BranchDeleter); ok {
			s.check(d.DeleteBranch(s.ctx, name, next))
			_, err = s.r.Resolve(s.ctx, name)
			s.is(err, providers.ErrNotFound)
		}
	}
	for _, name := range []string{"with space", "a..b", "a~1", "a^", "a:b", "what?", "a*", "end.lock", "end/", "/start", ".hidden", "a//b"} {
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{
			Branch: name, Parent: s.base, Message: "Refused", Changes: s.changes(s.base, map[string]string{"a.txt": "b\n"}),
		})
		if err == nil {
			s.Errorf("the branch %q, which git does not take, was made", name)
		}
		if _, err := s.r.Resolve(s.ctx, name); !errors.Is(err, providers.ErrNotFound) {
			s.Errorf("resolve %q: got the error %v, want ErrNotFound", name, err)
		}
	}
}
