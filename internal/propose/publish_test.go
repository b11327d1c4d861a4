package propose_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// mortal is a repository whose user is gone after some writes. The last one is
// done or not, and has no answer.
type mortal struct {
	providers.Repository
	writes int
	done   bool
}

var errGone = errors.New("gone")

func (m *mortal) write(do func() error) error {
	m.writes--
	switch {
	case m.writes > 0:
		return do()
	case m.writes == 0 && m.done:
		return errors.Join(errGone, do())
	}
	return errGone
}

func (m *mortal) Commit(ctx context.Context, c providers.CommitRequest) (sha string, err error) {
	err = m.write(func() error { sha, err = m.Repository.Commit(ctx, c); return err })
	return sha, err
}

func (m *mortal) OpenPull(ctx context.Context, p providers.NewPull) (pull providers.PullRequest, err error) {
	err = m.write(func() error { pull, err = m.Repository.OpenPull(ctx, p); return err })
	return pull, err
}

func (m *mortal) UpdatePull(ctx context.Context, n int, u providers.PullUpdate) (pull providers.PullRequest, err error) {
	err = m.write(func() error { pull, err = m.Repository.UpdatePull(ctx, n, u); return err })
	return pull, err
}

func (m *mortal) UpsertComment(ctx context.Context, n int, key, body string) (c providers.Comment, err error) {
	err = m.write(func() error { c, err = m.Repository.UpsertComment(ctx, n, key, body); return err })
	return c, err
}

// A run that ends at any of its writes is made good by the next one.
func TestBumpAfterARunThatWasKilled(t *testing.T) {
	t.Parallel()
	for _, supersede := range []propose.Supersede{propose.Update, propose.Close} {
		for writes := 1; writes <= 6; writes++ {
			for _, done := range []bool{false, true} {
				t.Run(fmt.Sprint(supersede, writes, done), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, map[string]string{"web.yaml": deployment})
					p := publication(t)
					p.Supersede = supersede
					w.bump(intent("web:1.4.2"), p)
					killed := &mortal{Repository: w.seen, writes: writes, done: done}
					if _, err := propose.Bump(t.Context(), killed, propose.Tree{}, intent("web:1.4.3"), p); err != nil && !errors.Is(err, errGone) {
						t.Fatal(err)
					}
					w.bump(intent("web:1.4.3"), p)
					if again := w.bump(intent("web:1.4.3"), p); len(again) != 1 || !strings.HasPrefix(again[0], "unchanged ") {
						t.Errorf("again: %q", again)
					}
					open := slices.DeleteFunc(w.pulls(), func(line string) bool { return !strings.Contains(line, " open ") })
					if len(open) != 1 || !strings.HasSuffix(open[0], "to 1.4.3") {
						t.Errorf("open pull requests: %q", open)
					}
				})
			}
		}
	}
}

func TestBumpAdornsWhatALostReplyOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	w.seen = labeling{&faulty{Repository: w.seen, opened: once(providers.ErrUnanswered)}, w.seen.(providers.Labeler)}
	p := publication(t)
	p.Labels = []string{"deploy"}
	same(t, "outcome", []string{"opened #1"}, w.bump(intent("web:1.4.2"), p))
	w.do(func(s *memory.State) error {
		same(t, "labels", p.Labels, s.Pull(1).Labels)
		return nil
	})
}

// labeling is a repository that can also label.
type labeling struct {
	providers.Repository
	providers.Labeler
}

// What people pushed beside the versions is not thrown away with them.
func TestBumpDoesNotCloseWhatPeoplePushedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.push("towpath/bump/web", "new.md", "by hand\n")
	w.push("main", "web.yaml", at("1.4.2"))
	got := w.bump(intent("web:1.4.2"), p)
	if len(got) != 1 || !strings.HasPrefix(got[0], "held #1: ") {
		t.Errorf("outcome %q", got)
	}
	same(t, "branch", "by hand\n", w.file("towpath/bump/web", "new.md"))
}

func TestBumpSupersedingLeavesWhatPeoplePushed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment, "notes.md": "-\n"})
	p := publication(t)
	p.Supersede = propose.Close
	// A run that was killed leaves a branch without a pull request.
	_, err := propose.Bump(t.Context(), &mortal{Repository: w.seen, writes: 2}, propose.Tree{}, intent("web:1.4.2"), p)
	if !errors.Is(err, errGone) {
		t.Fatal(err)
	}
	var branch string
	w.do(func(s *memory.State) error {
		branch = slices.DeleteFunc(s.BranchNames(), func(name string) bool { return name == "main" })[0]
		return nil
	})
	w.push(branch, "notes.md", "by hand\n")
	got := w.bump(intent("web:1.4.2"), p)
	if len(got) != 1 || !strings.HasPrefix(got[0], "held: the branch "+branch) {
		t.Errorf("outcome %q", got)
	}
	same(t, "branch", "by hand\n", w.file(branch, "notes.md"))

	w = newWorld(t, map[string]string{"web.yaml": deployment, "notes.md": "-\n"})
	w.bump(intent("web:1.4.2"), p)
	w.do(func(s *memory.State) error { branch = s.Pull(1).HeadBranch; return nil })
	w.push(branch, "notes.md", "by hand\n")
	same(t, "beside it", []string{"opened #2"}, w.bump(intent("web:1.4.3"), p))
	w.do(func(s *memory.State) error { branch = s.Pull(2).HeadBranch; return nil })
	same(t, "the new branch has not what people pushed to the old one", "-\n", w.file(branch, "notes.md"))
}

// A branch whose pull request was closed counts if another one is open from it.
func TestBumpKeepsToAPullRequestOpenedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.5"), p)
	w.do(func(s *memory.State) error {
		s.ClosePull(s.Pull(1), "ada")
		_, err := s.OpenPull(memory.NewPull{Actor: "ada", Head: "towpath/bump/web", Base: "main", Title: "Again"})
		return err
	})
	w.bump(intent("web:1.4.3"), p)
	same(t, "branch", at("1.4.5"), w.file("towpath/bump/web", "web.yaml"))
}

func TestBumpDoesNotPushToTheBaseAsABranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	var err error
	if p.Branch, err = propose.ParseBranch("main"); err != nil {
		t.Fatal(err)
	}
	if _, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.2"), p); fault.CodeOf(err) != fault.Usage {
		t.Errorf("error %v", err)
	}
	same(t, "main", deployment, w.file("main", "web.yaml"))
}

// One branch is not that of two pull requests, into different branches.
func TestBumpLeavesABranchThatGoesElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.do(func(s *memory.State) error {
		s.Pull(1).Base = "release"
		return s.SetBranch("release", s.Branches["main"], "ada")
	})
	same(t, "outcome", []string{"held #1: the branch towpath/bump/web is left as it is: pull request #1 from it goes to release"}, w.bump(intent("web:1.4.3"), p))
	same(t, "branch", at("1.4.2"), w.file("towpath/bump/web", "web.yaml"))
}

// foreign is a repository whose closed pull requests come from forks.
type foreign struct{ providers.Repository }

func (f foreign) Pulls(ctx context.Context, q providers.PullQuery) ([]providers.PullRequest, error) {
	pulls, err := f.Repository.Pulls(ctx, q)
	for i := range pulls {
		pulls[i].Head.Fork = pulls[i].State == providers.Closed
	}
	return pulls, err
}

// Anybody can open a pull request from a fork, with a copied mark, and close it.
func TestBumpIsNotDeclinedByAFork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.do(func(s *memory.State) error {
		s.ClosePull(s.Pull(1), "ada")
		s.DeleteBranch("towpath/bump/web", "ada")
		return nil
	})
	w.seen = foreign{w.seen}
	same(t, "outcome", []string{"opened #2"}, w.bump(intent("web:1.4.2"), p))
}

// A moving tag has no order but that of its builds.
func TestBumpOrdersDigestsOfOneTag(t *testing.T) {
	t.Parallel()
	digest := func(c string) string { return "@sha256:" + strings.Repeat(c, 64) }
	w := newWorld(t, map[string]string{"web.yaml": "image: ghcr.io/acme/web:main" + digest("a") + "\n"})
	build := func(run int64) propose.Publication {
		p := publication(t)
		p.Build = propose.Build{Repo: "memory.test/acme/web", Run: run}
		return p
	}
	same(t, "first", []string{"opened #1"}, w.bump(intent("web:main"+digest("c")), build(7)))
	got := w.bump(intent("web:main"+digest("b")), build(6))
	if len(got) != 1 || !strings.HasPrefix(got[0], "unchanged #1; ghcr.io/acme/web is at main"+digest("c")) {
		t.Errorf("an older run: %q", got)
	}
	same(t, "branch", "image: ghcr.io/acme/web:main"+digest("c")+"\n", w.file("towpath/bump/web", "web.yaml"))
	same(t, "a newer run", []string{"updated #1"}, w.bump(intent("web:main"+digest("d")), build(8)))
}

// Where an open pull request is ahead in one image, the others still go on.
func TestPushGoesOnBesideWhatIsAhead(t *testing.T) {
	t.Parallel()
	const both = "web:\n  image: ghcr.io/acme/web:1.0.0\napi:\n  image: ghcr.io/acme/api:1.0.0\n"
	w := newWorld(t, map[string]string{"all.yaml": both})
	p := publication(t)
	p.Branch, _ = propose.ParseBranch("bump/all")
	w.bump(intent("web:2.0.0"), p)
	p.Push = true
	result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.5.0", "api:1.5.0"), p)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "main", strings.ReplaceAll(both, "api:1.0.0", "api:1.5.0"), w.file("main", "all.yaml"))
	var refused []string
	for _, f := range result.Plan.Files {
		for _, r := range f.Refused {
			refused = append(refused, r.Message)
		}
	}
	same(t, "refused", []string{"ghcr.io/acme/web is at 2.0.0, and 1.5.0 is older"}, refused)
}
