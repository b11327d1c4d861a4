package providertest

import (
	"context"
	"errors"
	"io"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

var accountTests = map[string]func(*scene){
	"Self":       testSelf,
	"Permission": testPermission,
	"Wrong":      testWrongToken,
	"Stranger":   testStranger,
	"Context":    testContext,
}

func testSelf(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	for _, who := range []Who{Writer, Admin, Reader} {
		got, err := s.f.As(s, who).Self(s.ctx)
		s.check(err)
		if want := s.f.User(who); got.ID != want.ID || got.Login != want.Login || got.ID == "" {
			s.Errorf("%s is %+v, want %+v", who, got, want)
		}
	}
}

func testPermission(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	r := s.r
	if s.h.AdminForPermissions {
		_, err := r.Permission(s.ctx, s.f.User(Admin))
		s.unsupported(err)
		r = s.f.As(s, Admin)
	}
	for who, want := range map[Who]providers.Permission{
		Writer: providers.CanWrite, Admin: providers.CanAdmin, Reader: providers.CanRead, Stranger: providers.NoAccess,
	} {
		u := s.f.User(who)
		for _, ask := range []providers.User{u, {ID: u.ID}, {Login: u.Login}} {
			got, err := r.Permission(s.ctx, ask)
			s.check(err)
			if got != want {
				s.Errorf("%s, asked for by %+v, has the permission %v, want %v", who, ask, got, want)
			}
		}
	}
	got, err := r.Permission(s.ctx, providers.User{ID: s.f.User(Reader).ID, Login: s.f.User(Admin).Login})
	s.check(err)
	if got != providers.CanRead {
		s.Errorf("the id of the reader, beside the login of another, has the permission %v", got)
	}
	for _, ask := range []providers.User{{Login: "nobody-at-all"}, {Login: "a b/../c?d#e%"}} {
		got, err := r.Permission(s.ctx, ask)
		s.check(err)
		if got != providers.NoAccess {
			s.Errorf("%s has the permission %v", ask.Login, got)
		}
	}
}

// calls are one of each method that asks the forge.
func (s *scene) calls(r providers.Repository) map[string]func() error {
	changes := []providers.Change{{Path: "new.txt", Content: []byte("new\n")}}
	return map[string]func() error{
		"Info":    func() error { _, err := r.Info(s.ctx); return err },
		"Resolve": func() error { _, err := r.Resolve(s.ctx, "main"); return err },
		"Files":   func() error { _, err := r.Files(s.ctx, s.base, []string{"a.txt"}); return err },
		"Tree":    func() error { _, err := r.Tree(s.ctx, s.base); return err },
		"Archive": func() error {
			reply, err := r.Archive(s.ctx, s.base)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, reply)
			return errors.Join(err, reply.Close())
		},
		"Commit": func() error {
			_, err := r.Commit(s.ctx, providers.CommitRequest{Branch: "x", Parent: s.base, Message: "x", Changes: changes})
			return err
		},
		"Log":     func() error { _, err := r.Log(s.ctx, providers.LogQuery{Ref: "main"}); return err },
		"Compare": func() error { _, err := r.Compare(s.ctx, s.base, s.base); return err },
		"Pull":    func() error { _, err := r.Pull(s.ctx, 1); return err },
		"Pulls":   func() error { _, err := r.Pulls(s.ctx, providers.PullQuery{}); return err },
		"OpenPull": func() error {
			_, err := r.OpenPull(s.ctx, providers.NewPull{Head: "y", Base: "main", Title: "x"})
			return err
		},
		"Comments":   func() error { _, err := r.Comments(s.ctx, 1); return err },
		"AddComment": func() error { _, err := r.AddComment(s.ctx, 1, "x"); return err },
		"SetStatus": func() error {
			return r.SetStatus(s.ctx, s.base, providers.Status{Name: "x", State: providers.Passed})
		},
		"Checks": func() error { _, err := r.Checks(s.ctx, s.base); return err },
		"Look":   func() error { _, err := providers.Look(s.ctx, r, providers.Question{}); return err },
	}
}

func testWrongToken(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.everyCall(s.f.As(s, Wrong), providers.ErrUnauthorized)
}

func testStranger(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.everyCall(s.f.As(s, Stranger), providers.ErrNotFound)
	if _, err := s.r.Resolve(s.ctx, "x"); !errors.Is(err, providers.ErrNotFound) {
		s.Errorf("the branch x is there: %v", err)
	}
}

// everyCall wants every method to fail with a fault.
func (s *scene) everyCall(r providers.Repository, want error) {
	s.Helper()
	s.open("y")
	for name, call := range s.calls(r) {
		err := call()
		f, ok := errors.AsType[*fault.Error](err)
		if !errors.Is(err, want) || !ok || f.Hint == "" {
			s.Errorf("%s: got the error %v, want a *fault.Error with a hint that wraps %q", name, err, want)
		}
	}
}

func testContext(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	if s.isForge {
		s.open("y")
	}
	ctx := s.ctx
	gone, cancel := context.WithCancel(ctx)
	cancel()
	s.ctx = gone
	calls := s.calls(s.r)
	for name, call := range calls {
		if err := call(); !errors.Is(err, gone.Err()) {
			s.Errorf("%s: got the error %v, want that of its context", name, err)
		}
	}
	s.ctx = ctx
	if _, err := s.r.Resolve(s.ctx, "x"); !errors.Is(err, providers.ErrNotFound) {
		s.Errorf("the branch x is there: %v", err)
	}
}
