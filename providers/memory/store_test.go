package memory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// store makes a repository with one file and the accounts ann, who owns it, and
// bob, who may write.
func store(t *testing.T, o memory.Options) (*memory.Forge, *memory.Repo) {
	t.Helper()
	f := memory.New(o)
	f.AddAccount(memory.Account{Login: "ann", Token: "of-ann"})
	f.AddAccount(memory.Account{Login: "bob", Token: "of-bob"})
	r, err := f.AddRepo("acme/config", memory.RepoOptions{
		Author:  "ann",
		Files:   map[string]memory.File{"a.txt": {Content: []byte("a\n")}},
		Members: map[string]providers.Permission{"Ann": providers.CanAdmin, "bob": providers.CanWrite},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, r
}

func do(t *testing.T, r *memory.Repo, f func(s *memory.State) error) {
	t.Helper()
	if err := r.Do(f); err != nil {
		t.Fatal(err)
	}
}

// push commits one file to the branch x, by bob.
func push(t *testing.T, s *memory.State, path, content string) string {
	t.Helper()
	c, err := s.Push(memory.Push{Branch: "x", Actor: "bob", Files: map[string]*memory.File{path: {Content: []byte(content)}}})
	if err != nil {
		t.Fatal(err)
	}
	return c.SHA
}

func open(t *testing.T, s *memory.State) *memory.Pull {
	t.Helper()
	p, err := s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "Open x", Actor: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestIDs(t *testing.T) {
	t.Parallel()
	_, r := store(t, memory.Options{})
	do(t, r, func(s *memory.State) error {
		tree, err := s.PutTree(nil)
		if err != nil {
			return err
		}
		// As git hash-object says for nothing.
		if blob := s.PutBlob(nil); blob != "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" || tree != "4b825dc642cb6eb9a060e54bf8d69288fbee4904" {
			t.Errorf("nothing is the blob %s and the tree %s", blob, tree)
		}
		return nil
	})
}

func TestPutTreeRefuses(t *testing.T) {
	t.Parallel()
	_, r := store(t, memory.Options{})
	for _, paths := range [][]string{
		{""}, {"/a"}, {"a/"}, {"a//b"}, {"../a"}, {"a/./b"}, {".git/config"}, {"a/.GIT/b"}, {"a\x00b"}, {"a", "a/b"}, {"a/b", "a/b/c/d"},
	} {
		do(t, r, func(s *memory.State) error {
			files := memory.Files{}
			for _, p := range paths {
				files[p] = memory.Entry{ID: s.PutBlob(nil)}
			}
			if id, err := s.PutTree(files); err == nil {
				t.Errorf("%q became the tree %s", paths, id)
			}
			return nil
		})
	}
}

func TestValidRef(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "a/b", "-a", "a#1", "100%", "ü", "a@b", "@a", "a.b", "{a}"} {
		if !memory.ValidRef(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{
		"", "@", "a..b", "a b", "a~", "a^", "a:b", "a?", "a*", "a[", `a\b`, "a.", ".a", "a/.b", "a.lock", "a.lock/b", "/a", "a/", "a//b", "a@{b", "a\x7f", "a\n",
	} {
		if memory.ValidRef(name) {
			t.Errorf("%q is taken", name)
		}
	}
}

func TestBranchAndFolder(t *testing.T) {
	t.Parallel()
	_, r := store(t, memory.Options{})
	do(t, r, func(s *memory.State) error {
		sha := s.Branches["main"]
		for _, name := range []string{"a/b", "a/c", "x"} {
			if err := s.SetBranch(name, sha, "bob"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"a", "a/b/c", "x/y"} {
			if err := s.SetBranch(name, sha, "bob"); !errors.Is(err, memory.ErrRefTaken) {
				t.Errorf("%s: got the error %v", name, err)
			}
		}
		if err := s.SetBranch("no", strings.Repeat("1", 40), "bob"); !errors.Is(err, memory.ErrNoCommit) {
			t.Errorf("got the error %v", err)
		}
		return nil
	})
}

func TestMergeFiles(t *testing.T) {
	t.Parallel()
	files := func(pairs ...string) memory.Files {
		out := memory.Files{}
		for _, p := range pairs {
			path, id, _ := strings.Cut(p, "=")
			out[path] = memory.Entry{ID: id}
		}
		return out
	}
	for _, c := range []struct {
		name               string
		base, ours, theirs memory.Files
		want               memory.Files
		conflicts          []string
	}{
		{"apart", files("a=1", "b=1"), files("a=2", "b=1"), files("a=1", "b=2"), files("a=2", "b=2"), nil},
		{"the same", files("a=1"), files("a=2"), files("a=2"), files("a=2"), nil},
		{"both", files("a=1"), files("a=2"), files("a=3"), nil, []string{"a"}},
		{"added and removed", files("a=1"), files("a=1", "b=1"), files("c=1"), files("b=1", "c=1"), nil},
		{"changed and removed", files("a=1"), files("a=2"), files(), nil, []string{"a"}},
		{"both added", files(), files("a=1"), files("a=2"), nil, []string{"a"}},
		{"both removed", files("a=1"), files(), files(), files(), nil},
		{"file and folder", files(), files("a=1"), files("a/b=1"), nil, []string{"a"}},
		{"nothing in common", nil, files("a=1"), files("b=1"), files("a=1", "b=1"), nil},
	} {
		got, conflicts := memory.MergeFiles(c.base, c.ours, c.theirs)
		if diff := cmp.Diff(c.conflicts, conflicts); diff != "" {
			t.Errorf("%s: the conflicts differ:\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.want, got); diff != "" && len(conflicts) == 0 {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestPullFollowsBranches tells what becomes of a pull request when branches
// move or go.
func TestPullFollowsBranches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		act        func(s *memory.State, p *memory.Pull) error
		want, keep providers.PullState
	}{
		{"branch deleted", func(s *memory.State, _ *memory.Pull) error {
			s.DeleteBranch("x", "bob")
			return nil
		}, providers.Closed, providers.Open},
		{"branch moved to its base", func(s *memory.State, _ *memory.Pull) error {
			return s.SetBranch("x", s.Branches["main"], "bob")
		}, providers.Closed, providers.Open},
		{"base pushed to the head", func(s *memory.State, p *memory.Pull) error {
			return s.SetBranch("main", p.HeadSHA, "ann")
		}, providers.Merged, providers.Merged},
		{"branch pushed to", func(s *memory.State, p *memory.Pull) error {
			c, err := s.Push(memory.Push{Branch: "x", Actor: "bob", Files: map[string]*memory.File{"y": {}}})
			if err == nil && p.HeadSHA != c.SHA {
				err = fmt.Errorf("the head is at %s, want %s", p.HeadSHA, c.SHA)
			}
			return err
		}, providers.Open, providers.Open},
	} {
		for _, keep := range []bool{false, true} {
			_, r := store(t, memory.Options{KeepPulls: keep})
			do(t, r, func(s *memory.State) error {
				push(t, s, "x.txt", "x\n")
				p := open(t, s)
				if err := c.act(s, p); err != nil {
					return err
				}
				want := c.want
				if keep {
					want = c.keep
				}
				if p.State != want {
					t.Errorf("%s, keep %v: it is %s, want %s", c.name, keep, p.State, want)
				}
				return nil
			})
		}
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	_, r := store(t, memory.Options{})
	do(t, r, func(s *memory.State) error {
		push(t, s, "x.txt", "x\n")
		p := open(t, s)
		s.ClosePull(p, "bob")
		moved := push(t, s, "y.txt", "y\n")
		if p.HeadSHA == moved {
			t.Error("the head of a closed pull request moved")
		}
		if err := s.ReopenPull(p, "bob"); err != nil || p.State != providers.Open || p.HeadSHA != moved {
			t.Errorf("it is %s at %s: %v", p.State, p.HeadSHA, err)
		}
		s.ClosePull(p, "bob")
		second := open(t, s)
		if err := s.ReopenPull(p, "bob"); !errors.Is(err, memory.ErrSamePull) {
			t.Errorf("got the error %v", err)
		}
		s.DeleteBranch("x", "bob")
		if err := s.ReopenPull(second, "bob"); !errors.Is(err, memory.ErrNoBranch) {
			t.Errorf("got the error %v", err)
		}
		return nil
	})
}

func TestMergePullRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		act  func(s *memory.State, p *memory.Pull) providers.Merge
		want error
	}{
		{"closed", func(s *memory.State, p *memory.Pull) providers.Merge {
			s.ClosePull(p, "bob")
			return providers.Merge{}
		}, memory.ErrNotOpen},
		{"draft", func(_ *memory.State, p *memory.Pull) providers.Merge {
			p.Draft = true
			return providers.Merge{}
		}, memory.ErrDraft},
		{"head moved", func(s *memory.State, _ *memory.Pull) providers.Merge {
			return providers.Merge{Head: s.Branches["main"]}
		}, memory.ErrHeadMoved},
		{"method", func(s *memory.State, _ *memory.Pull) providers.Merge {
			s.Methods = []providers.MergeMethod{providers.Squash}
			return providers.Merge{Method: providers.Rebase}
		}, memory.ErrMethod},
		{"check", func(s *memory.State, p *memory.Pull) providers.Merge {
			s.Protected["main"] = memory.Protection{Checks: []string{"ci"}}
			s.SetStatus(p.HeadSHA, "bob", providers.Status{Name: "ci", State: providers.Failed})
			return providers.Merge{}
		}, memory.ErrBlocked},
		{"approval", func(s *memory.State, p *memory.Pull) providers.Merge {
			s.Protected["main"] = memory.Protection{Approvals: 1}
			s.AddReview(p, "ann", memory.Approved, "")
			s.AddReview(p, "ann", memory.Dismissed, "")
			return providers.Merge{}
		}, memory.ErrBlocked},
		{"changes asked for", func(s *memory.State, p *memory.Pull) providers.Merge {
			s.Protected["main"] = memory.Protection{Approvals: 1}
			s.AddReview(p, "ann", memory.Approved, "")
			s.AddReview(p, "bea", memory.Rejected, "")
			return providers.Merge{}
		}, memory.ErrBlocked},
		{"conflict", func(s *memory.State, _ *memory.Pull) providers.Merge {
			_, err := s.Push(memory.Push{Branch: "main", Files: map[string]*memory.File{"a.txt": {Content: []byte("theirs")}}})
			if err != nil {
				t.Error(err)
			}
			return providers.Merge{}
		}, memory.ErrMergeClash},
		{"conflict when rebasing", func(s *memory.State, _ *memory.Pull) providers.Merge {
			_, err := s.Push(memory.Push{Branch: "main", Files: map[string]*memory.File{"a.txt": nil}})
			if err != nil {
				t.Error(err)
			}
			return providers.Merge{Method: providers.Rebase}
		}, memory.ErrMergeClash},
	} {
		_, r := store(t, memory.Options{})
		do(t, r, func(s *memory.State) error {
			push(t, s, "a.txt", "mine\n")
			p := open(t, s)
			m := c.act(s, p)
			before := s.Branches["main"]
			if sha, err := s.MergePull(p, m, "ann"); !errors.Is(err, c.want) || sha != "" {
				t.Errorf("%s: got %q and the error %v, want %v", c.name, sha, err, c.want)
			}
			if s.Branches["main"] != before || p.State == providers.Merged {
				t.Errorf("%s: it was merged all the same", c.name)
			}
			return nil
		})
	}
}

func TestAutoMerge(t *testing.T) {
	t.Parallel()
	_, r := store(t, memory.Options{})
	do(t, r, func(s *memory.State) error {
		s.Protected["main"] = memory.Protection{Checks: []string{"ci"}, Approvals: 1}
		push(t, s, "x.txt", "x\n")
		p := open(t, s)
		p.AutoMerge = &memory.AutoMerge{By: "bob", Merge: providers.Merge{Method: providers.Squash}}
		s.SetStatus(p.HeadSHA, "ci", providers.Status{Name: "ci", State: providers.Passed})
		if p.State != providers.Open {
			t.Error("it was merged without an approval")
		}
		s.AddReview(p, "ann", memory.Approved, "")
		if c := s.Commit(s.Branches["main"]); p.State != providers.Merged || c.SHA != p.MergeSHA || c.Subject() != "Open x (#1)" || len(c.Parents) != 1 {
			t.Errorf("it is %s, main is at %+v", p.State, c)
		}
		return nil
	})
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	f, r := store(t, memory.Options{})
	var heard []string
	f.Listen(func(d memory.Delivery) {
		text := fmt.Sprintf("%s %s by %s", d.Kind, d.Action, d.Actor)
		if d.Push != nil {
			text += " " + d.Push.Branch
		}
		if d.Pull != nil {
			text += fmt.Sprintf(" #%d %s", d.Pull.Number, d.Pull.State)
		}
		if d.Comment != nil {
			text += " " + d.Comment.Body
		}
		heard = append(heard, text)
		// The state is free again.
		_ = r.Do(func(*memory.State) error { return nil })
	})
	do(t, r, func(s *memory.State) error {
		push(t, s, "x.txt", "x\n")
		p := open(t, s)
		push(t, s, "y.txt", "y\n")
		s.AddComment(p, "ann", "Hello.")
		s.AddReview(p, "ann", memory.Approved, "")
		s.SetDraft(p, true, "bob")
		s.SetDraft(p, false, "bob")
		s.SetStatus(p.HeadSHA, "ci", providers.Status{Name: "ci", State: providers.Passed})
		s.ClosePull(p, "bob")
		s.ClosePull(p, "bob")
		if err := s.ReopenPull(p, "bob"); err != nil {
			return err
		}
		_, err := s.MergePull(p, providers.Merge{}, "ann")
		s.DeleteBranch("x", "bob")
		if len(heard) > 0 {
			t.Errorf("heard %v while the state was locked", heard)
		}
		return err
	})
	want := []string{
		"pushed  by bob x",
		"pull-opened opened by bob #1 open",
		"pushed  by bob x",
		"pull-pushed pushed by bob #1 open",
		"commented created by ann #1 open Hello.",
		"reviewed approved by ann #1 open",
		"pull-edited drafted by bob #1 open",
		"pull-opened ready by bob #1 open",
		"checks passed by ci",
		"pull-closed closed by bob #1 closed",
		"pull-opened reopened by bob #1 open",
		"pull-merged closed by ann #1 merged",
		"pushed  by ann main",
		"pushed  by bob x",
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersAreShared(t *testing.T) {
	t.Parallel()
	_, r := store(t, memory.Options{})
	do(t, r, func(s *memory.State) error {
		push(t, s, "x.txt", "x\n")
		first := s.OpenIssue("ann", "One", "")
		p := open(t, s)
		second := s.OpenIssue("ann", "Two", "")
		if got := []int{first.Number, p.Number, second.Number}; !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("the numbers are %v", got)
		}
		if s.Pull(1) != nil || s.Pull(2) != p || s.Issue(3) != second || s.Issue(2) != nil {
			t.Error("a number leads to something else")
		}
		return nil
	})
}

// TestTokens tells what lesser credentials are told.
func TestTokens(t *testing.T) {
	t.Parallel()
	f, r := store(t, memory.Options{})
	f.AddToken(memory.Token{Value: "old", Login: "bob", Expired: true})
	f.AddToken(memory.Token{Value: "looks", Login: "bob", ReadOnly: true})
	f.AddToken(memory.Token{Value: "job", Login: "bob", NoPulls: true})
	do(t, r, func(s *memory.State) error {
		push(t, s, "x.txt", "x\n")
		return nil
	})
	for _, c := range []struct {
		token, message string
		want           error
	}{
		{"old", "https://memory.test does not know the credential", providers.ErrUnauthorized},
		{"", "https://memory.test does not know the credential", providers.ErrUnauthorized},
		{"looks", "bob may not open a pull request on memory.test/acme/config", providers.ErrForbidden},
		{"job", "the credential may not open pull requests on memory.test/acme/config", providers.ErrForbidden},
	} {
		repo, err := f.Repository("acme/config", c.token)
		if err != nil {
			t.Fatal(err)
		}
		_, err = repo.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
		got, ok := errors.AsType[*fault.Error](err)
		if !ok || !errors.Is(err, c.want) || got.Message != c.message || got.Hint == "" || got.Code != fault.Access {
			t.Errorf("%q: got the error %+v", c.token, err)
		}
	}
	if _, err := f.Repository("no-owner", "of-bob"); fault.CodeOf(err) != fault.Usage {
		t.Errorf("got the error %v", err)
	}
}
