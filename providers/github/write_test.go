package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// repo makes a repository with files, as Writer sees it with a classic token.
func (w *world) repo(t *testing.T, files map[string]providertest.File) (providers.Repository, *providertest.Fixture, *memory.Repo) {
	t.Helper()
	f, repo := providertest.OverMemory(t, w.store, files)
	return w.repository(t, w.options(providertest.Token(providertest.Writer), w.wire), f.Path), f, repo
}

func change(path, content string) providers.Change {
	return providers.Change{Path: path, Content: []byte(content), Before: &providers.Entry{Path: path}}
}

// TestCommitLeavesNoBranch has the second step of a commit on a new branch fail,
// and wants the branch, which is only the first one, to be gone.
func TestCommitLeavesNoBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _, repo := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	commit := providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{
		change("a.txt", "b\n"), {Path: "gone.txt", Before: &providers.Entry{Path: "gone.txt"}},
	}}
	if _, err := r.Commit(t.Context(), commit); err == nil {
		t.Fatal("a file that is not there was removed")
	}
	if _, err := r.Resolve(t.Context(), "x"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the branch is left: %v", err)
	}

	// The branch is somebody else's by the time it would be cleaned up.
	var human string
	w.wire.Cause(providertest.Accident{
		Match: func(req *http.Request) bool {
			return providertest.Writes(req) && strings.HasSuffix(req.URL.Path, "/graphql")
		},
		Before: func() {
			err := repo.Do(func(s *memory.State) error {
				c, err := s.Push(memory.Push{Branch: "y", Actor: "admin", Files: map[string]*memory.File{"a.txt": {Content: []byte("theirs\n")}}})
				if err == nil {
					human = c.SHA
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		},
	})
	commit.Branch = "y"
	if _, err := r.Commit(t.Context(), commit); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("got the error %v, want a conflict", err)
	}
	if got, err := r.Resolve(t.Context(), "y"); err != nil || got != human {
		t.Errorf("the branch is at %q, want %q (%v)", got, human, err)
	}
}

// TestRebuildKeepsPullOpen wants the branch of a pull request never to be where
// its base is, not even for a moment: GitHub would close it.
func TestRebuildKeepsPullOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, f, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}, "b.txt": {Content: "b\n"}})
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	head, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", "1\n")}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	base = f.Push(t, providertest.Push{Branch: "main", Files: map[string]string{"b.txt": "c\n"}})
	if head, err = r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Head: head, Message: "x", Changes: []providers.Change{change("a.txt", "2\n")}}); err != nil {
		t.Fatal(err)
	}
	got, err := r.Pull(t.Context(), p.Number)
	if err != nil || got.State != providers.Open || got.Head.SHA != head {
		t.Errorf("the pull request is %+v (%v), want it open at %s", got, err, head)
	}
}

func TestCommitRefusesFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	large := change("deep/large.bin", "")
	large.Content = make([]byte, 31<<20)
	link := change("link", "x")
	link.Before.Mode = providers.Symlink
	for path, c := range map[string]providers.Change{"deep/large.bin": large, "link": link} {
		w.wire.Requests()
		_, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{c}})
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Hint == "" || !strings.Contains(err.Error(), path) {
			t.Errorf("got the error %v, want one that names %s and says what to do", err, path)
		}
		if asked := w.wire.Requests(); len(asked) != 0 {
			t.Errorf("%s: GitHub was asked: %q", path, asked)
		}
	}
	if _, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x"}); err == nil {
		t.Error("a commit of nothing was made")
	}
}

// TestLargeCommit wants contents that are too many for one request to go in
// several.
func TestLargeCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, f, repo := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}, "b.bin": {Content: "b"}})
	// To validate so much takes most of a minute with the race detector.
	r := w.repository(t, w.options(providertest.Token(providertest.Writer), w.server.Client().Transport), f.Path)
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a.txt": strings.Repeat("a", 11<<20), "b.bin": strings.Repeat("\xff\x00", 5<<20)}
	sha, err := r.Commit(t.Context(), providers.CommitRequest{
		Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", want["a.txt"]), change("b.bin", want["b.bin"])},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = repo.Do(func(s *memory.State) error {
		files, _ := s.TreeFiles(s.Commit(sha).TreeID)
		for path, content := range want {
			if got, _ := s.Blob(files[path].ID); string(got) != content {
				t.Errorf("%s has %d bytes, want %d", path, len(got), len(content))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReaderIsToldWhatIsMissing has one who may only read write: GitHub says
// that there is nothing there.
func TestReaderIsToldWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, f, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	r := w.repository(t, w.options(providertest.Token(providertest.Reader), w.server.Client().Transport), f.Path)
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	author := &providers.Identity{Name: "x", Email: "x@example.com"}
	for name, write := range map[string]func() error{
		"commit": func() error {
			_, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", "b")}})
			return err
		},
		"commit by an author": func() error {
			_, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Author: author, Changes: []providers.Change{change("a.txt", "b")}})
			return err
		},
		"status": func() error {
			return r.SetStatus(t.Context(), base, providers.Status{Name: "x", State: providers.Passed})
		},
	} {
		err := write()
		if !errors.Is(err, providers.ErrForbidden) || !strings.Contains(err.Error(), "permission read") {
			t.Errorf("%s: got the error %v, want one that says that the account may only read", name, err)
		}
	}
}

// TestScopes has tokens that lack a scope.
func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, f, repo := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	w.store.AddToken(memory.Token{Value: "ghp_none", Login: "writer", Scopes: []string{"gist"}})
	r := w.repository(t, w.options("ghp_none", w.server.Client().Transport), f.Path)
	if _, err := r.Info(t.Context()); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("a private repository: got the error %v, want ErrNotFound", err)
	}
	if err := repo.Do(func(s *memory.State) error { s.Public = true; return nil }); err != nil {
		t.Fatal(err)
	}
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", "b")}})
	if f, ok := errors.AsType[*fault.Error](err); !ok || !errors.Is(err, providers.ErrForbidden) || !strings.Contains(f.Hint, "scope") {
		t.Errorf("a public repository: got the error %v, want one that names the scope", err)
	}
	findings, err := r.(providers.Examiner).Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		if finding.What == "push branches" && (finding.Answer != providers.No || !strings.Contains(finding.Hint, "scope repo")) {
			t.Errorf("got the finding %+v", finding)
		}
	}
}

// TestNoPullsByActions is what a job's token meets in a repository whose
// settings forbid it.
func TestNoPullsByActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, f, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", "b")}}); err != nil {
		t.Fatal(err)
	}
	w.store.AddToken(memory.Token{Value: "ghs_job", Login: "writer", Kind: "job", NoPulls: true})
	job := w.repository(t, w.options("ghs_job", w.server.Client().Transport), f.Path)
	_, err = job.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
	if f, ok := errors.AsType[*fault.Error](err); !ok || !errors.Is(err, providers.ErrForbidden) || !strings.Contains(f.Hint, "allow GitHub Actions") {
		t.Errorf("got the error %v, want one that says what to allow", err)
	}
	if self, err := job.Self(t.Context()); err != nil || self.Login != "writer" {
		t.Errorf("the token is of %+v (%v)", self, err)
	}
}

// TestText has files whose text GraphQL cannot give as it is.
func TestText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := map[string]providertest.File{
		"latin1.txt": {Content: "gr\xfc\xdfe\n"},
		"nul.txt":    {Content: "a\x00b"},
		"empty":      {},
		"long.txt":   {Content: strings.Repeat("0123456789\n", 60_000)},
		"a:b.txt":    {Content: "colon\n"},
		"./x":        {},
	}
	delete(files, "./x")
	want := map[string]string{}
	var paths []string
	for i := range 230 {
		path := fmt.Sprintf("many/%03d.txt", i)
		files[path] = providertest.File{Content: path}
	}
	for path, f := range files {
		want[path] = f.Content
		paths = append(paths, path)
	}
	r, _, _ := w.repo(t, files)
	sha, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Files(t.Context(), sha, append(paths, "missing", "many", "./a:b.txt", "many/000.txt/x", "a\"b", "../x"))
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string]string{}
	for path, f := range got {
		if f.Content == nil {
			t.Errorf("%s has no content", path)
		}
		contents[path] = string(f.Content)
	}
	if diff := cmp.Diff(want, contents); diff != "" {
		t.Error(diff)
	}
}

// TestTruncatedTree has GitHub list the tree only in parts.
func TestTruncatedTree(t *testing.T) {
	t.Parallel()
	const top, folder = "GET /repos/acme/config/git/trees/top", "GET /repos/acme/config/git/trees/f1"
	parts := map[string]string{
		top + "?recursive=1":    `{"sha": "top", "truncated": true, "tree": [{"path": "a.txt", "mode": "100644", "type": "blob", "sha": "b1", "size": 3}]}`,
		top:                     `{"sha": "top", "truncated": false, "tree": [{"path": "z.txt", "mode": "100755", "type": "blob", "sha": "b1", "size": 3}, {"path": "f", "mode": "040000", "type": "tree", "sha": "f1"}]}`,
		folder + "?recursive=1": `{"sha": "f1", "truncated": false, "tree": [{"path": "g", "mode": "040000", "type": "tree", "sha": "g1"}, {"path": "g/x", "mode": "120000", "type": "blob", "sha": "b2", "size": 1}, {"path": "mod", "mode": "160000", "type": "commit", "sha": "c1"}]}`,
	}
	serve := func(parts map[string]string) providers.Repository {
		return scripted(t, "x", roundTripper(func(req *http.Request) (*http.Response, error) {
			key := req.Method + " " + req.URL.Path
			if req.URL.RawQuery != "" {
				key += "?" + req.URL.RawQuery
			}
			return script{req.Method + " " + req.URL.Path: {200, nil, parts[key]}}.RoundTrip(req)
		}))
	}
	got, err := serve(parts).Tree(t.Context(), "top")
	want := []providers.Entry{
		{Path: "f/g/x", Mode: providers.Symlink, ID: "b2", Size: 1},
		{Path: "f/mod", Mode: providers.Submodule, ID: "c1", Size: -1},
		{Path: "z.txt", Mode: providers.Executable, ID: "b1", Size: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	parts[top] = strings.Replace(parts[top], "false", "true", 1)
	if got, err := serve(parts).Tree(t.Context(), "top"); err == nil {
		t.Errorf("a folder that cannot be listed whole is listed as %+v", got)
	}
}

// TestForksDoNotHide has so many pull requests from forks for a branch's name
// that those of the repository itself are not among the latest.
func TestForksDoNotHide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, f, repo := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", "b")}}); err != nil {
		t.Fatal(err)
	}
	own, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for range providers.RecentPulls + 2 {
		n := f.ForkPull(t, "x")
		// Only one of a fork can be open.
		err := repo.Do(func(s *memory.State) error { s.ClosePull(s.Pull(n), "stranger"); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	v, err := providers.Look(t.Context(), r, providers.Question{Heads: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Pulls) != 1 || v.Pulls[0].Number != own.Number {
		t.Errorf("saw %+v, want pull request %d alone", v.Pulls, own.Number)
	}
}

// TestAnnotations wants more of them than go into one request.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, f, repo := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	r := w.repository(t, asApp(w.options("", w.wire), &authority{token: "ghs_x"}), f.Path)
	w.store.AddToken(memory.Token{Value: "ghs_x", Login: "writer", Kind: "installation"})
	sha, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	report := providers.Report{Name: "plan", State: providers.Failed, Title: "Plan", Summary: strings.Repeat("ä", 70_000)}
	for i := range 120 {
		report.Annotations = append(report.Annotations, providers.Annotation{Path: "a.txt", Line: i, Failed: i%2 == 0, Message: "x"})
	}
	err = r.(providers.CheckReporter).Report(t.Context(), sha, report)
	if err != nil {
		t.Fatal(err)
	}
	err = repo.Do(func(s *memory.State) error {
		if list := s.Reports[sha]; len(list) != 1 || len(list[0].Annotations) != 120 || list[0].Annotations[0].Line != 1 {
			t.Errorf("got %d reports", len(list))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
