package providertest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

var hookTests = map[string]func(*scene){"Deliveries": testDeliveries}

// delivery is what came in.
type delivery struct {
	header http.Header
	body   []byte
}

// testDeliveries has the forge send real webhooks and reads them.
func testDeliveries(s *scene) {
	s.needs(s.h.Receiver != nil, "webhooks")
	s.beginWith(map[string]string{"a.txt": "a\n"})
	secret := []byte("It's a secret: äöü")
	came := make(chan delivery, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err == nil {
			came <- delivery{req.Header.Clone(), body}
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	s.Cleanup(server.Close)
	if s.f.Hook != nil {
		s.f.Hook(s, server.URL, secret)
	} else {
		h, ok := s.f.As(s, Admin).(providers.Hooks)
		s.needs(ok, "way to register webhooks")
		_, err := h.UpsertHook(s.ctx, server.URL, secret)
		s.check(err)
	}
	writer := s.f.User(Writer)

	sha := s.branch("x", map[string]string{"a.txt": "b\n"})
	s.event(came, secret, func(e *providers.Event) bool {
		// Where a branch is made first, and then the commit, Before is the parent.
		return e.Kind == providers.Pushed && e.Push != nil && e.Push.Branch == "x" && e.Push.After == sha &&
			(e.Push.Before == "" || e.Push.Before == s.base)
	})
	p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "x"})
	s.check(err)
	about := func(e *providers.Event, kind providers.EventKind, head string) bool {
		return e.Kind == kind && e.Pull.Number == p.Number && (e.Pull.Base == "main" || e.Pull.Base == "") &&
			(s.sameSHA(e.Pull.Head, head) || e.Pull.Head == "")
	}
	e := s.event(came, secret, func(e *providers.Event) bool { return about(e, providers.PullOpened, sha) })
	if e.Actor.ID != writer.ID || e.Pull.Base != "main" || e.Pull.Head == "" {
		s.Errorf("the pull request was opened by %+v, into %q from %q", e.Actor, e.Pull.Base, e.Pull.Head)
	}
	moved := s.f.Push(s, Push{Branch: "x", Files: map[string]string{"b.txt": "b\n"}})
	s.event(came, secret, func(e *providers.Event) bool { return about(e, providers.PullPushed, moved) })
	c, err := s.r.AddComment(s.ctx, p.Number, "towpath promote prod")
	s.check(err)
	e = s.event(came, secret, func(e *providers.Event) bool { return about(e, providers.Commented, moved) })
	if e.Comment == nil || e.Comment.ID != c.ID || e.Comment.Body != "towpath promote prod" || e.Comment.Author.ID != writer.ID {
		s.Errorf("the comment is %+v", e.Comment)
	}
	if s.f.Review != nil {
		s.f.Review(s, p.Number, Admin, true)
		e = s.event(came, secret, func(e *providers.Event) bool { return about(e, providers.Reviewed, moved) })
		if e.Actor.ID != s.f.User(Admin).ID {
			s.Errorf("the review is by %+v", e.Actor)
		}
	}
	s.pullAt(p.Number, moved)
	merged, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: moved})
	s.check(err)
	s.event(came, secret, func(e *providers.Event) bool { return about(e, providers.PullMerged, moved) })
	other := s.open("y")
	_, err = s.r.UpdatePull(s.ctx, other.Number, providers.PullUpdate{Close: true})
	s.check(err)
	s.event(came, secret, func(e *providers.Event) bool {
		return e.Kind == providers.PullClosed && e.Pull.Number == other.Number
	})
	if s.resolve("main") != merged {
		s.Errorf("main is not at %s", merged)
	}
}

// event waits for a delivery that fits. All that come before are verified too.
func (s *scene) event(came chan delivery, secret []byte, fits func(*providers.Event) bool) *providers.Event {
	s.Helper()
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	var others []*providers.Event
	for {
		var d delivery
		select {
		case d = <-came:
		case <-timeout.C:
			s.Fatalf("the delivery did not come; %d others did", len(others))
		}
		for name, bad := range map[string][][]byte{"another secret": {[]byte("another")}, "no secret": nil, "an empty secret": {nil}} {
			if e, err := s.h.Receiver.Receive(d.header, d.body, bad); !errors.Is(err, providers.ErrSignature) || e != nil {
				s.Errorf("with %s: got %+v and the error %v, want ErrSignature", name, e, err)
			}
		}
		e, err := s.h.Receiver.Receive(d.header, d.body, [][]byte{[]byte("another"), secret})
		if err != nil {
			s.Errorf("receive: %v: %.300s", err, d.body)
			continue
		}
		if e.Delivery == "" || e.Name == "" || e.Kind != providers.Ping && !strings.EqualFold(e.Repo, s.f.Path) {
			s.Errorf("the delivery %q is named %q, of %q", e.Delivery, e.Name, e.Repo)
		}
		if fits(e) {
			return e
		}
		others = append(others, e)
	}
}
