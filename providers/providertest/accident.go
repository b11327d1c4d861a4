package providertest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/towpath-dev/towpath/providers"
)

var wireTests = map[string]func(*scene){
	"Reads":         testReadAccidents,
	"Limited":       testLimitedWrites,
	"LostCommit":    func(s *scene) { s.testLostCommit(nil) },
	"LostCommitBy":  func(s *scene) { s.testLostCommit(&someAuthor) },
	"LostRebuild":   testLostRebuild,
	"LostPull":      testLostPull,
	"LostComment":   testLostComment,
	"LostUpdate":    testLostUpdate,
	"LostMerge":     testLostMerge,
	"MovedBase":     func(s *scene) { s.testMovedBetween(nil) },
	"MovedBaseBy":   func(s *scene) { s.testMovedBetween(&someAuthor) },
	"MovedRebuild":  testMovedRebuild,
	"TakenBranch":   func(s *scene) { s.testTakenBetween(nil) },
	"TakenBranchBy": func(s *scene) { s.testTakenBetween(&someAuthor) },
	"MovedHead":     testMergeMovedBetween,
	"Budget":        testBudget,
}

// someAuthor has some drivers take another way to commit.
var someAuthor = providers.Identity{Name: "Zoë Bot", Email: "zoe@example.com"}

// steps is more than the requests of any call, so that loops over them end.
const steps = 40

// wired makes the repository, and skips the test if there is no wire.
func (s *scene) wired(files map[string]string) *Wire {
	s.Helper()
	s.beginWith(files)
	s.needs(s.f.Wire != nil, "HTTP")
	return s.f.Wire
}

// testReadAccidents has each request of each reading call fail once, in turn.
func testReadAccidents(s *scene) {
	files := map[string]string{}
	for i := range 120 {
		files[fmt.Sprintf("dir/%d.txt", i)] = fmt.Sprintf("%d\n", i)
	}
	w := s.wired(files)
	p := s.open("x")
	sha := s.resolve("x")
	_, err := s.r.AddComment(s.ctx, p.Number, "Hello.")
	s.check(err)
	s.check(s.r.SetStatus(s.ctx, sha, providers.Status{Name: "x", State: providers.Passed, Branch: "x"}))
	paths := []string{"dir/1.txt", "dir/2.txt", "new/x.txt"}
	for name, read := range map[string]func(r providers.Repository) (any, error){
		"Info":     func(r providers.Repository) (any, error) { return r.Info(s.ctx) },
		"Resolve":  func(r providers.Repository) (any, error) { return r.Resolve(s.ctx, "x") },
		"Files":    func(r providers.Repository) (any, error) { return r.Files(s.ctx, sha, paths) },
		"Tree":     func(r providers.Repository) (any, error) { return r.Tree(s.ctx, sha) },
		"Log":      func(r providers.Repository) (any, error) { return r.Log(s.ctx, providers.LogQuery{Ref: "x"}) },
		"Compare":  func(r providers.Repository) (any, error) { return r.Compare(s.ctx, s.base, sha) },
		"Pull":     func(r providers.Repository) (any, error) { return r.Pull(s.ctx, p.Number) },
		"Pulls":    func(r providers.Repository) (any, error) { return r.Pulls(s.ctx, providers.PullQuery{Head: "x"}) },
		"Commits":  func(r providers.Repository) (any, error) { return r.PullCommits(s.ctx, p.Number) },
		"Comments": func(r providers.Repository) (any, error) { return r.Comments(s.ctx, p.Number) },
		"Checks":   func(r providers.Repository) (any, error) { return r.Checks(s.ctx, sha) },
		"Look": func(r providers.Repository) (any, error) {
			return providers.Look(s.ctx, r, providers.Question{Heads: []string{"x", "y"}})
		},
	} {
		want, err := read(s.f.As(s, Writer))
		s.check(err)
		for _, status := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway} {
			for skip := range steps {
				w.Cause(Accident{Skip: skip, Status: status})
				got, err := read(s.f.As(s, Writer))
				if !w.Happened() {
					break
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
					s.Errorf("%s with the status %d for its request %d: %v\n%s", name, status, skip+1, err, diff)
				}
			}
		}
	}
}

// testLimitedWrites has each request of each writing call refused once for too
// many requests: it was not done, and can be sent again.
func testLimitedWrites(s *scene) {
	w := s.wired(map[string]string{"a.txt": "a\n"})
	for skip := range steps {
		branch := fmt.Sprintf("x-%d", skip)
		happened := false
		limited := func(call func() error) {
			s.Helper()
			w.Cause(Accident{Skip: skip, Status: http.StatusTooManyRequests})
			err := call()
			happened = w.Happened() || happened
			s.check(err)
		}
		changes := s.changes(s.base, map[string]string{"a.txt": branch + "\n"})
		limited(func() error {
			_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: branch, Parent: s.base, Message: "x", Changes: changes})
			return err
		})
		var p providers.PullRequest
		limited(func() (err error) {
			p, err = s.r.OpenPull(s.ctx, providers.NewPull{Head: branch, Base: "main", Title: "x"})
			return err
		})
		limited(func() error { _, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "Limited."); return err })
		limited(func() error {
			return s.r.SetStatus(s.ctx, s.resolve(branch), providers.Status{Name: "x", State: providers.Passed, Branch: branch})
		})
		limited(func() error {
			title := "Limited"
			_, err := s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Title: &title})
			return err
		})
		if got := s.withText(p.Number, "Limited."); len(got) != 1 {
			s.Errorf("got %+v", got)
		}
		if !happened {
			return
		}
	}
	s.Errorf("there is no end of requests")
}

// unanswered wants nil or the error of a lost reply.
func (s *scene) unanswered(what string, err error) {
	s.Helper()
	if err != nil && !errors.Is(err, providers.ErrUnanswered) {
		s.Errorf("%s: got the error %v, want none or ErrUnanswered", what, err)
	}
}

// lost calls do again and again, the reply of its first, second and further
// write being lost, until it makes no more of them; and then likewise with
// replies in its place by which the forge, or a gateway, seems to be out of order.
func (s *scene) lost(w *Wire, do func(name string, lose func(call func() error) error)) {
	s.Helper()
	for _, status := range []int{0, http.StatusInternalServerError, http.StatusBadGateway} {
		s.lostBy(w, status, do)
	}
}

func (s *scene) lostBy(w *Wire, status int, do func(name string, lose func(call func() error) error)) {
	s.Helper()
	for skip := range steps {
		hit := false
		do(fmt.Sprintf("x-%d-%d", status, skip), func(call func() error) error {
			w.Cause(Accident{Match: Writes, Skip: skip, Status: status, Lose: true})
			err := call()
			hit = w.Happened()
			return err
		})
		if !hit && skip == 0 {
			s.Error("nothing was written over the wire")
		}
		if !hit {
			return
		}
	}
	s.Errorf("there is no end of requests")
}

func (s *scene) testLostCommit(author *providers.Identity) {
	w := s.wired(map[string]string{"a.txt": "a\n", "b.txt": "b\n"})
	s.lost(w, func(branch string, lose func(call func() error) error) {
		want := map[string]string{"a.txt": branch + " a\n", "b.txt": branch + " b\n"}
		changes := s.changes(s.base, want)
		s.unanswered(branch, lose(func() error {
			_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: branch, Parent: s.base, Message: "On " + branch, Author: author, Changes: changes})
			return err
		}))
		s.commitUntilThere(branch, want)
	})
}

// testLostRebuild proves that a branch is left either where it was or rebuilt.
func testLostRebuild(s *scene) {
	s.needs(s.h.Rebuilds, "rebuilding")
	w := s.wired(map[string]string{"a.txt": "a\n"})
	base := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"b.txt": "by hand\n"}})
	s.lost(w, func(branch string, lose func(call func() error) error) {
		old := s.f.Push(s, Push{Branch: branch, From: s.base, Files: map[string]string{"a.txt": "old\n"}})
		want := map[string]string{"a.txt": branch + "\n"}
		changes := s.changes(base, want)
		s.unanswered(branch, lose(func() error {
			_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: branch, Parent: base, Head: old, Message: "Anew", Changes: changes})
			return err
		}))
		head := s.resolve(branch)
		if head == old {
			var err error
			head, err = s.r.Commit(s.ctx, providers.CommitRequest{Branch: branch, Parent: base, Head: old, Message: "Anew", Changes: changes})
			s.check(err)
		}
		s.sits(branch, head, base)
		s.sameFiles(head, map[string]string{"a.txt": branch + "\n", "b.txt": "by hand\n"})
	})
}

// commitUntilThere does what a caller does who does not know whether a commit
// was made: it looks, and commits what is not there.
func (s *scene) commitUntilThere(branch string, want map[string]string) {
	s.Helper()
	for range 5 {
		head, err := s.r.Resolve(s.ctx, branch)
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			s.Fatal(err)
		}
		parent := head
		if head == "" {
			parent = s.base
		}
		got := s.read(parent, "a.txt", "b.txt")
		if head != "" && cmp.Equal(want, got) {
			log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: head})
			s.check(err)
			if len(log) != 2 {
				s.Errorf("%s has the commits %v, want one on the first", branch, subjects(log))
			}
			return
		}
		_, err = s.r.Commit(s.ctx, providers.CommitRequest{
			Branch: branch, Parent: parent, Head: head, Message: "On " + branch, Changes: s.changes(parent, want),
		})
		if err != nil && !errors.Is(err, providers.ErrConflict) {
			s.Fatal(err)
		}
	}
	s.Errorf("the commit on %s cannot be made any more", branch)
}

func testLostPull(s *scene) {
	w := s.wired(map[string]string{"a.txt": "a\n"})
	s.lost(w, func(branch string, lose func(call func() error) error) {
		s.branch(branch, map[string]string{"a.txt": branch})
		n := providers.NewPull{Head: branch, Base: "main", Title: "Open " + branch}
		s.unanswered(branch, lose(func() error {
			_, err := s.r.OpenPull(s.ctx, n)
			return err
		}))
		q := providers.PullQuery{Head: branch, State: providers.Open}
		found, err := s.r.Pulls(s.ctx, q)
		s.check(err)
		if len(found) != 1 {
			s.Errorf("%s: found %+v", branch, found)
		}
	})
}

func testLostComment(s *scene) {
	w := s.wired(map[string]string{"a.txt": "a\n"})
	s.lost(w, func(branch string, lose func(call func() error) error) {
		p := s.open(branch)
		s.unanswered(branch, lose(func() error {
			_, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "One.")
			return err
		}))
		if got := s.comments(p.Number); len(got) != 1 {
			s.Errorf("%s: the comment is there %d times", branch, len(got))
		}
		_, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "One.")
		s.check(err)
		if got := s.comments(p.Number); len(got) != 1 {
			s.Errorf("%s: got %+v", branch, got)
		}
	})
}

func testLostUpdate(s *scene) {
	w := s.wired(map[string]string{"a.txt": "a\n"})
	s.lost(w, func(branch string, lose func(call func() error) error) {
		p := s.open(branch)
		title := "Title of " + branch
		s.unanswered(branch, lose(func() error {
			_, err := s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Title: &title, Close: true})
			return err
		}))
		got, err := s.r.Pull(s.ctx, p.Number)
		s.check(err)
		if got.Title != title && got.State != providers.Closed {
			s.Errorf("%s: nothing of it was done: %+v", branch, got)
		}
		got, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Title: &title, Close: true})
		s.check(err)
		if got.Title != title || got.State != providers.Closed {
			s.Errorf("got %+v", got)
		}
	})
}

func testLostMerge(s *scene) {
	w := s.wired(map[string]string{"a.txt": "a\n"})
	s.lost(w, func(branch string, lose func(call func() error) error) {
		p := s.open(branch)
		head := s.resolve(branch)
		before := s.resolve("main")
		s.unanswered(branch, lose(func() error {
			_, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: head, Method: s.h.Methods[0]})
			return err
		}))
		s.pullMerged(p.Number)
		if got := s.resolve("main"); got == before {
			s.Error("main did not move")
		}
	})
}

// testMovedBetween has a person push just before each write of a commit.
func (s *scene) testMovedBetween(author *providers.Identity) {
	for skip := range steps {
		w := s.wired(map[string]string{"a.txt": "a\n", "b.txt": "b\n"})
		changes := s.changes(s.base, map[string]string{"a.txt": "mine\n", "b.txt": "mine\n"})
		human := ""
		w.Cause(Accident{Match: Writes, Skip: skip, Before: func() {
			human = s.f.Push(s, Push{Branch: "main", Files: map[string]string{"a.txt": "theirs\n"}})
		}})
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "main", Parent: s.base, Head: s.base, Message: "Mine", Author: author, Changes: changes})
		if !w.Happened() {
			s.check(err)
			return
		}
		s.is(err, providers.ErrConflict)
		if got := s.resolve("main"); got != human {
			s.Errorf("after write %d main is at %s, want the person's commit %s", skip+1, got, human)
		}
	}
	s.Errorf("there is no end of requests")
}

// testTakenBetween has a person push to the same new branch just before each
// write of a commit that makes it.
func (s *scene) testTakenBetween(author *providers.Identity) {
	for skip := range steps {
		w := s.wired(map[string]string{"a.txt": "a\n"})
		changes := s.changes(s.base, map[string]string{"a.txt": "mine\n"})
		human := ""
		w.Cause(Accident{Match: Writes, Skip: skip, Before: func() {
			human = s.f.Push(s, Push{Branch: "x", Files: map[string]string{"a.txt": "theirs\n"}})
		}})
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "x", Parent: s.base, Message: "Mine", Author: author, Changes: changes})
		if !w.Happened() {
			s.check(err)
			return
		}
		s.is(err, providers.ErrConflict)
		if got := s.resolve("x"); got != human {
			s.Errorf("after write %d the branch is at %s, want the person's commit %s", skip+1, got, human)
		}
	}
	s.Errorf("there is no end of requests")
}

// testMovedRebuild has a person push to a branch just before each write by which
// it is rebuilt.
func testMovedRebuild(s *scene) {
	s.needs(s.h.Rebuilds && s.h.HeadGuard, "guard for rebuilding")
	for skip := range steps {
		w := s.wired(map[string]string{"a.txt": "a\n"})
		old := s.branch("x", map[string]string{"a.txt": "old\n"})
		base := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"b.txt": "by hand\n"}})
		changes := s.changes(base, map[string]string{"a.txt": "mine\n"})
		human := ""
		w.Cause(Accident{Match: Writes, Skip: skip, Before: func() {
			human = s.f.Push(s, Push{Branch: "x", Files: map[string]string{"c.txt": "theirs\n"}})
		}})
		_, err := s.r.Commit(s.ctx, providers.CommitRequest{Branch: "x", Parent: base, Head: old, Message: "Mine", Changes: changes})
		if !w.Happened() {
			s.check(err)
			return
		}
		s.is(err, providers.ErrConflict)
		if got := s.resolve("x"); got != human {
			s.Errorf("after write %d the branch is at %s, want the person's commit %s", skip+1, got, human)
		}
	}
	s.Errorf("there is no end of requests")
}

func testMergeMovedBetween(s *scene) {
	s.needs(s.h.MergeGuard, "guard for merges")
	w := s.wired(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	head := s.resolve("x")
	w.Cause(Accident{Match: Writes, Before: func() {
		s.pullAt(p.Number, s.f.Push(s, Push{Branch: "x", Files: map[string]string{"unseen.txt": "x\n"}}))
	}})
	_, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: head})
	if !w.Happened() {
		s.Error("nothing was written over the wire")
	}
	s.is(err, providers.ErrConflict)
	if got := s.resolve("main"); got != s.base {
		s.Errorf("main moved to %s", got)
	}
}

// testBudget counts the requests of what a run of towpath asks of a driver.
func testBudget(s *scene) {
	s.needs(s.h.Budget.Open > 0, "budget of requests")
	w := s.wired(map[string]string{"a/values.yaml": "a\n", "b/values.yaml": "b\n", "c/values.yaml": "c\n", "d.txt": "d\n"})
	paths := []string{"a/values.yaml", "b/values.yaml", "c/values.yaml"}
	want := map[string]string{"a/values.yaml": "A\n", "b/values.yaml": "B\n", "c/values.yaml": "C\n"}
	q := providers.Question{Heads: []string{"towpath/bump/web"}}

	look := func() (providers.Repository, *providers.View) {
		s.Helper()
		r := s.f.As(s, Writer)
		w.Requests()
		v, err := providers.Look(s.ctx, r, q)
		s.check(err)
		return r, v
	}
	within := func(what string, allowed int) {
		s.Helper()
		requests := w.Requests()
		s.Logf("%s: %d requests: %q", what, len(requests), requests)
		if allowed += s.h.Budget.PerFile * len(paths); len(requests) > allowed {
			s.Errorf("%s takes %d requests, more than %d: %q", what, len(requests), allowed, requests)
		}
	}

	r, v := look()
	changes, err := changesAt(s.ctx, r, v.SHA, want)
	s.check(err)
	_, err = r.Commit(s.ctx, providers.CommitRequest{Branch: "towpath/bump/web", Parent: v.SHA, Message: "Bump web", Changes: changes})
	s.check(err)
	_, err = r.OpenPull(s.ctx, providers.NewPull{Head: "towpath/bump/web", Base: v.Base, Title: "Bump web", Body: "x"})
	s.check(err)
	within("the first pull request", s.h.Budget.Open)

	r, v = look()
	if len(v.Pulls) != 1 || v.Heads["towpath/bump/web"] == "" {
		s.Errorf("saw %+v", v)
	}
	_, err = r.Files(s.ctx, v.SHA, paths)
	s.check(err)
	within("nothing to do", s.h.Budget.Nothing)
}
