package providertest

import (
	"errors"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

var mergeTests = map[string]func(*scene){
	"Methods":      testMethods,
	"MovedHead":    testMovedHead,
	"Refused":      testMergeRefused,
	"Blocked":      testBlocked,
	"WithoutRight": testMergeWithoutRight,
}

func testMethods(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	if len(s.h.Methods) == 0 {
		s.Fatal("the harness names no way to merge")
	}
	for _, method := range append([]providers.MergeMethod{""}, s.h.Methods...) {
		branch := "by-" + string(method)
		p := s.open(branch)
		head := s.resolve(branch)
		before := s.resolve("main")
		m := providers.Merge{Head: head, Method: method}
		if method == providers.MergeCommit || method == providers.Squash {
			m.Title, m.Message = "The title of "+branch, "The message.\n\nTowpath-Move: app=web"
		}
		sha, err := s.r.MergePull(s.ctx, p.Number, m)
		s.check(err)
		if got := s.resolve("main"); got != sha || got == before {
			s.Errorf("%s: main is at %s, want %s", method, got, sha)
		}
		got := s.pullMerged(p.Number)
		if got.MergeSHA != sha {
			s.Errorf("%s: the pull request was merged by %q, want %s", method, got.MergeSHA, sha)
		}
		if got := s.read(sha, "new/"+branch+".txt"); len(got) != 1 {
			s.Errorf("%s: the file is not on main", method)
		}
		log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: sha, Limit: 1})
		s.check(err)
		if m.Title != "" && strings.TrimRight(log[0].Message, "\n") != m.Title+"\n\n"+m.Message {
			s.Errorf("%s: the message is %q", method, log[0].Message)
		}
		parents := log[0].Parents
		want := []string{before}
		if method == providers.MergeCommit {
			want = append(want, head)
		}
		if method != "" && len(parents) > 0 && !slices.Equal(parents, want) {
			s.Errorf("%s: the parents are %v, want %v", method, parents, want)
		}
	}
	absent := slices.IndexFunc([]providers.MergeMethod{providers.MergeCommit, providers.Squash, providers.Rebase}, func(m providers.MergeMethod) bool {
		return !slices.Contains(s.h.Methods, m)
	})
	if absent < 0 {
		return
	}
	p := s.open("absent")
	method := []providers.MergeMethod{providers.MergeCommit, providers.Squash, providers.Rebase}[absent]
	if _, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: s.resolve("absent"), Method: method}); err == nil {
		s.Errorf("%s, which the harness does not name, did not fail", method)
	}
}

func testMovedHead(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	head := s.resolve("x")
	moved := s.f.Push(s, Push{Branch: "x", Files: map[string]string{"b.txt": "b\n"}})
	s.pullAt(p.Number, moved)
	_, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: head})
	s.is(err, providers.ErrConflict)
	if got := s.resolve("main"); got != s.base {
		s.Errorf("main moved to %s", got)
	}
	_, err = s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: moved})
	s.check(err)
	s.pullMerged(p.Number)
}

func testMergeRefused(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("closed")
	_, err := s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Close: true})
	s.check(err)
	_, err = s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: s.resolve("closed")})
	s.is(err, providers.ErrForbidden)

	clash := s.branch("clash", map[string]string{"a.txt": "mine\n"})
	p, err = s.r.OpenPull(s.ctx, providers.NewPull{Head: "clash", Base: "main", Title: "Clash"})
	s.check(err)
	main := s.f.Push(s, Push{Branch: "main", Files: map[string]string{"a.txt": "theirs\n"}})
	s.eventually("the merge is refused for its conflict", func() error {
		_, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: clash})
		if err == nil {
			s.Fatal("a conflict was merged")
		}
		return notForbidden(err)
	})
	if got := s.resolve("main"); got != main {
		s.Errorf("main moved to %s", got)
	}
	if _, ok := s.r.(providers.Drafter); !ok {
		return
	}
	head := s.branch("draft", map[string]string{"d.txt": "d\n"})
	p, err = s.r.OpenPull(s.ctx, providers.NewPull{Head: "draft", Base: "main", Title: "Draft", Draft: true})
	s.check(err)
	_, err = s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: head})
	s.is(err, providers.ErrForbidden)
}

func testBlocked(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.needs(s.f.Require != nil, "required checks")
	p := s.open("x")
	head := s.resolve("x")
	s.f.Require(s, "main", "smoke")
	_, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: head})
	s.fault(err, providers.ErrForbidden)
	if got := s.resolve("main"); got != s.base {
		s.Errorf("main moved to %s", got)
	}
	s.check(s.f.As(s, Admin).SetStatus(s.ctx, head, providers.Status{Name: "smoke", State: providers.Passed, Branch: "x"}))
	s.eventually("it can be merged", func() error {
		_, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: head})
		return err
	})
	s.pullMerged(p.Number)
}

func testMergeWithoutRight(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	reader := s.f.As(s, Reader)
	_, err := reader.MergePull(s.ctx, p.Number, providers.Merge{Head: s.resolve("x")})
	s.fault(err, providers.ErrForbidden, providers.ErrNotFound)
	if got := s.resolve("main"); got != s.base {
		s.Errorf("main moved to %s", got)
	}
}

// notForbidden returns an error that does not wrap ErrForbidden.
func notForbidden(err error) error {
	if errors.Is(err, providers.ErrForbidden) {
		return nil
	}
	return err
}
