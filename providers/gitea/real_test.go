package gitea_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitea/giteatest"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// TestTokens proves that a token that lacks a scope is told which one.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixture := w.fixture(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	writer := w.accounts[providertest.Writer]
	ctx := t.Context()
	base, err := fixture.As(t, providertest.Writer).Resolve(ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	read := w.repository(t, w.server.NewToken(t, writer.Login, "read:repository"), fixture.Path, nil)
	commit := providers.CommitRequest{
		Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{{Path: "b.txt", Content: []byte("b\n")}},
	}
	for name, test := range map[string]struct {
		do      func() error
		missing string
	}{
		"commit":   {func() error { _, err := read.Commit(ctx, commit); return err }, "write:repository"},
		"status":   {func() error { return read.SetStatus(ctx, base, providers.Status{Name: "x", State: providers.Passed}) }, "write:repository"},
		"self":     {func() error { _, err := read.Self(ctx); return err }, "read:user"},
		"comment":  {func() error { _, err := read.AddComment(ctx, 1, "x"); return err }, "write:issue"},
		"comments": {func() error { _, err := read.Comments(ctx, 1); return err }, "read:issue"},
		"team": {
			func() error {
				_, err := read.(providers.Teams).IsMember(ctx, "owners", providers.User{Login: writer.Login})
				return err
			},
			"read:organization",
		},
	} {
		err := test.do()
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || !errors.Is(err, providers.ErrForbidden) || !strings.Contains(f.Message, "lacks the scope "+test.missing+"; it has read:repository") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	none := w.repository(t, w.server.NewToken(t, writer.Login, "read:user"), fixture.Path, nil)
	if _, err := none.Info(ctx); !errors.Is(err, providers.ErrForbidden) || !strings.Contains(err.Error(), "read:repository") {
		t.Errorf("info: got %v", err)
	}
}

// TestExamine proves that an examination says what is so, and changes nothing.
func TestExamine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixture := w.fixture(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	writer := w.accounts[providertest.Writer]
	const (
		yes     = providers.Yes
		no      = providers.No
		unknown = providers.Unknown
	)
	whats := []string{
		providers.UseCredential, providers.SeeRepository, providers.ReadFiles, providers.PushBranches, providers.OpenPulls,
		"merge pull requests", "comment and label",
		"set statuses", "tell what others may do", "register webhooks", "see teams", "rebuild branches",
	}
	for name, test := range map[string]struct {
		token string
		path  string
		want  []providers.Answer
	}{
		"admin":      {w.accounts[providertest.Admin].Token, fixture.Path, []providers.Answer{yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, yes, unknown}},
		"writer":     {writer.Token, fixture.Path, []providers.Answer{yes, yes, yes, yes, yes, yes, yes, yes, no, no, yes, unknown}},
		"reader":     {w.accounts[providertest.Reader].Token, fixture.Path, []providers.Answer{yes, yes, yes, no, yes, no, yes, no, no, no, no, unknown}},
		"read only":  {w.server.NewToken(t, writer.Login, "read:repository", "read:user"), fixture.Path, []providers.Answer{yes, yes, yes, no, no, no, no, no, no, no, no, unknown}},
		"no user":    {w.server.NewToken(t, writer.Login, "write:repository"), fixture.Path, []providers.Answer{unknown, yes, yes, yes, yes, yes, no, yes, no, no, no, unknown}},
		"stranger":   {w.accounts[providertest.Stranger].Token, fixture.Path, []providers.Answer{yes, no}},
		"wrong":      {w.accounts[providertest.Wrong].Token, fixture.Path, []providers.Answer{no}},
		"misspelled": {writer.Token, fixture.Path + "x", []providers.Answer{yes, no}},
	} {
		findings, err := w.repository(t, test.token, test.path, nil).(providers.Examiner).Examine(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []providers.Answer
		for i, f := range findings {
			got = append(got, f.Answer)
			if f.What != whats[i] || f.Detail == "" || f.Answer == no && f.Hint == "" {
				t.Errorf("%s: got %+v for %s", name, f, whats[i])
			}
		}
		// The version of a Gitea that was built as a module is not known.
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s\n%+v", name, diff, findings)
		}
	}
	pulls, err := fixture.As(t, providertest.Writer).Pulls(t.Context(), providers.PullQuery{})
	if err != nil || len(pulls) > 0 {
		t.Errorf("got %v, %v", pulls, err)
	}
}

// TestLargeTree proves that a tree of several pages is whole, and that a file in
// it is found through its folders.
func TestLargeTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := map[string]providertest.File{"deep/er/run.sh": {Mode: providers.Executable, Content: "#!/bin/sh\n"}, "top.txt": {Content: "top\n"}}
	for i := range 4200 {
		files[fmt.Sprintf("apps/%02d/app-%04d.yaml", i%40, i)] = providertest.File{Content: fmt.Sprintf("image: app:%d\n", i%100)}
	}
	fixture := w.fixture(t, files)
	r := fixture.As(t, providertest.Writer)
	sha, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	fixture.Wire.Requests()
	got, err := r.Files(t.Context(), sha, []string{"deep/er/run.sh", "top.txt", "deep/absent"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got["deep/er/run.sh"].Mode != providers.Executable || string(got["top.txt"].Content) != "top\n" {
		t.Errorf("got %v", got)
	}
	// A page of the tree, the top, deep, deep/er, and the contents.
	if n := len(fixture.Wire.Requests()); n != 5 {
		t.Errorf("two files took %d requests, want 5", n)
	}
	entries, err := r.Tree(t.Context(), sha)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(files) || !slices.IsSortedFunc(entries, func(a, b providers.Entry) int { return strings.Compare(a.Path, b.Path) }) {
		t.Errorf("the tree has %d entries, want %d, sorted", len(entries), len(files))
	}
	for _, e := range entries {
		if f, ok := files[e.Path]; !ok || f.Mode != e.Mode || e.Size != int64(len(f.Content)) {
			t.Errorf("got %+v", e)
		}
	}
}

// TestLargeFiles proves that a file is read that is too large for the server's
// own JSON, and that one that is too large for us comes without contents.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	large, huge := strings.Repeat("0123456789abcdef", 11<<20/16), strings.Repeat("x", providers.MaxFile+1)
	fixture := w.fixture(t, map[string]providertest.File{"large": {Content: large}, "huge": {Content: huge}, "small": {Content: "s"}})
	r := fixture.As(t, providertest.Writer)
	sha, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Files(t.Context(), sha, []string{"large", "huge", "small"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got["large"].Content, []byte(large)) || string(got["small"].Content) != "s" {
		t.Errorf("the large file has %d bytes, the small one %d", len(got["large"].Content), len(got["small"].Content))
	}
	if f := got["huge"]; f.Content != nil || f.Size != int64(len(huge)) {
		t.Errorf("the huge file has %d of %d bytes", len(f.Content), f.Size)
	}
}

// TestMergeBase proves where branches parted that were merged into each other.
func TestMergeBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixture := w.fixture(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	r := fixture.As(t, providertest.Writer)
	ctx := t.Context()
	push := func(branch, file string) string {
		return fixture.Push(t, providertest.Push{Branch: branch, Files: map[string]string{file: file + "\n"}})
	}
	push("x", "x.txt")
	main := push("main", "m.txt")
	// Main is merged into x, and both go on.
	p, err := r.OpenPull(ctx, providers.NewPull{Head: "main", Base: "x", Title: "Catch up"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.MergePull(ctx, p.Number, providers.Merge{Head: main, Method: providers.MergeCommit}); err != nil {
		t.Fatal(err)
	}
	head := push("x", "x2.txt")
	later := push("main", "m2.txt")
	c, err := r.Compare(ctx, later, head)
	if err != nil {
		t.Fatal(err)
	}
	if c.MergeBase != main || len(c.Commits) != 3 {
		t.Errorf("parted at %s, want %s; %d commits", c.MergeBase, main, len(c.Commits))
	}
	want := []providers.ChangedFile{{Path: "x.txt", Status: providers.Added}, {Path: "x2.txt", Status: providers.Added}}
	if diff := cmp.Diff(want, c.Files); diff != "" {
		t.Error(diff)
	}
	ok, err := providers.IsAncestor(ctx, r, main, head)
	if err != nil || !ok {
		t.Errorf("got %v, %v", ok, err)
	}
}

// TestBeginElsewhere proves that a new branch sits on its parent, whatever
// branches are known, and that none is left behind where it cannot.
func TestBeginElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixture := w.fixture(t, map[string]providertest.File{"a.txt": {Content: "a\n"}, "b.txt": {Content: "b\n"}})
	r := fixture.As(t, providertest.Writer)
	ctx := t.Context()
	base, err := r.Resolve(ctx, "main")
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Files(ctx, base, []string{"a.txt"})
	if err != nil {
		t.Fatal(err)
	}
	entry := files["a.txt"].Entry
	// The driver has seen main at base, where it is no more: once with another
	// file changed, once with the very one.
	for branch, file := range map[string]string{"x": "b.txt", "y": "a.txt"} {
		fixture.Push(t, providertest.Push{Branch: "main", Files: map[string]string{file: "by hand\n"}})
		sha, err := r.Commit(ctx, providers.CommitRequest{
			Branch: branch, Parent: base, Message: "Mine", Changes: []providers.Change{{Before: &entry, Path: "a.txt", Content: []byte(branch)}},
		})
		if err != nil {
			t.Fatalf("%s: %v", branch, err)
		}
		log, err := r.Log(ctx, providers.LogQuery{Ref: branch, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if log[0].SHA != sha || !slices.Equal(log[0].Parents, []string{base}) {
			t.Errorf("%s: got %+v, want it on %s", branch, log[0], base)
		}
	}
	stale := entry
	stale.ID = "2222222222222222222222222222222222222222"
	_, err = r.Commit(ctx, providers.CommitRequest{
		Branch: "z", Parent: base, Message: "Stale", Changes: []providers.Change{{Before: &stale, Path: "a.txt", Content: []byte("z")}},
	})
	if !errors.Is(err, providers.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if _, err := r.Resolve(ctx, "z"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the branch was left behind: %v", err)
	}
}

// TestTurnedOff proves that a repository without pull requests is told of.
func TestTurnedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixture := w.fixture(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	r := fixture.As(t, providertest.Writer)
	fixture.Push(t, providertest.Push{Branch: "x", Files: map[string]string{"b.txt": "b\n"}})
	w.server.Do(t, w.accounts[providertest.Admin].Token, http.MethodPatch, "/repos/"+fixture.Path, map[string]any{"has_pull_requests": false}, nil)
	_, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
	if !errors.Is(err, providers.ErrForbidden) || !strings.Contains(err.Error(), "turned off") {
		t.Errorf("got %v", err)
	}
}

// TestUserRepository proves that teams are not passed over where there are none.
func TestUserRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, reader := w.accounts[providertest.Admin], w.accounts[providertest.Reader]
	path, mirror := w.server.Repository(t, admin, "", &giteatest.Commit{Message: "One", Files: map[string]giteatest.Blob{"a.txt": {Mode: "100644", Content: "a\n"}}})
	w.server.Collaborate(t, admin, path, reader.Login, "read")
	mirror.Push(t, giteatest.Commit{Branch: "x", From: "main", Message: "Two", Files: map[string]giteatest.Blob{"b.txt": {Mode: "100644", Content: "b\n"}}})
	r := w.repository(t, admin.Token, path, nil)
	p, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	err = r.(providers.ReviewRequester).RequestReviews(t.Context(), p.Number, []string{reader.Login}, []string{"platform"})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	var now struct {
		Reviewers []struct{ Login string } `json:"requested_reviewers"`
	}
	w.server.Do(t, admin.Token, http.MethodGet, fmt.Sprintf("/repos/%s/pulls/%d", path, p.Number), nil, &now)
	if len(now.Reviewers) != 1 || now.Reviewers[0].Login != reader.Login {
		t.Errorf("asked %+v", now.Reviewers)
	}
	if _, err := r.(providers.Teams).IsMember(t.Context(), "platform", providers.User{Login: reader.Login}); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestRebuildGuard proves that a person's push between the last look and the
// move of a branch is not lost, and that nothing is left behind.
func TestRebuildGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fixture := w.fixture(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	r := fixture.As(t, providertest.Writer)
	ctx := t.Context()
	old := fixture.Push(t, providertest.Push{Branch: "x", Files: map[string]string{"x.txt": "x\n"}})
	base := fixture.Push(t, providertest.Push{Branch: "main", Files: map[string]string{"m.txt": "m\n"}})
	human := ""
	fixture.Wire.Cause(providertest.Accident{
		Match: func(req *http.Request) bool { return req.Method == http.MethodPut },
		Before: func() {
			human = fixture.Push(t, providertest.Push{Branch: "x", Files: map[string]string{"h.txt": "h\n"}})
		},
	})
	_, err := r.Commit(ctx, providers.CommitRequest{
		Branch: "x", Parent: base, Head: old, Message: "Rebuild", Changes: []providers.Change{{Path: "new.txt", Content: []byte("new\n")}},
	})
	if !errors.Is(err, providers.ErrConflict) || !fixture.Wire.Happened() {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if got, err := r.Resolve(ctx, "x"); err != nil || got != human {
		t.Errorf("the branch is at %s, want the person's %s: %v", got, human, err)
	}
	var branches []struct{ Name string }
	w.server.Do(t, w.accounts[providertest.Admin].Token, http.MethodGet, "/repos/"+fixture.Path+"/branches", nil, &branches)
	if len(branches) != 2 {
		t.Errorf("there are the branches %v, want main and x", branches)
	}
}
