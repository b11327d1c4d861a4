package providertest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
)

var pullTests = map[string]func(*scene){
	"Open":            testOpen,
	"OpenTwice":       testOpenTwice,
	"OpenNothing":     testOpenNothing,
	"Update":          testUpdate,
	"Close":           testClose,
	"Find":            testFind,
	"Fork":            testFork,
	"Absent":          testAbsent,
	"FilesAndCommits": testFilesAndCommits,
	"Reviews":         testReviews,
}

// unexpected is an error of a try that may turn out better the next time.
func unexpected(format string, args ...any) error { return fmt.Errorf(format, args...) }

// unsupported wants an error that says that the forge lacks something.
func (s *scene) unsupported(err error) {
	s.Helper()
	s.is(err, errors.ErrUnsupported)
}

func testOpen(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	sha := s.branch("towpath/x", map[string]string{"a.txt": "b\n"})
	body := "Some **text** with ümlaut, `code` & <!-- hidden -->\n\n- a list\n\n" + s.r.Hidden("towpath subject=x versions=1.2.3+4")
	p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "towpath/x", Base: "main", Title: `Bump "x" to 1.2.3 & more`, Body: body})
	s.check(err)
	got, err := s.r.Pull(s.ctx, p.Number)
	s.check(err)
	for _, p := range []providers.PullRequest{p, got} {
		if p.Number <= 0 || p.Title != `Bump "x" to 1.2.3 & more` || p.Body != body || p.State != providers.Open || p.Draft {
			s.Errorf("got %+v", p)
		}
		if p.Head.Branch != "towpath/x" || !s.sameSHA(p.Head.SHA, sha) || p.Head.Fork || p.Base != "main" {
			s.Errorf("got the head %+v into %s", p.Head, p.Base)
		}
		if !strings.HasPrefix(p.URL, "http") || p.MergeSHA != "" || p.Created.IsZero() {
			s.Errorf("got the URL %q, merged %q, created %v", p.URL, p.MergeSHA, p.Created)
		}
		if me := s.f.User(Writer); p.Author.ID != me.ID {
			s.Errorf("the author is %+v, want %+v", p.Author, me)
		}
	}
}

func testOpenTwice(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	_, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "Again"})
	s.is(err, providers.ErrConflict)
	found, err := s.r.Pulls(s.ctx, providers.PullQuery{Head: "x"})
	s.check(err)
	if len(found) != 1 || found[0].Title != p.Title {
		s.Errorf("found %+v", found)
	}
	s.branch("other", map[string]string{"o.txt": "o\n"})
	if _, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "other", Title: "Into another base"}); err != nil {
		s.Errorf("another base: %v", err)
	}
}

func testOpenNothing(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.f.Push(s, Push{Branch: "x", Files: map[string]string{"a.txt": "b\n"}})
	s.f.Push(s, Push{Branch: "main", From: "x", Files: map[string]string{"z.txt": "z\n"}})
	for name, n := range map[string]providers.NewPull{
		"itself":      {Head: "main", Base: "main", Title: "Nothing"},
		"absent head": {Head: "absent", Base: "main", Title: "Nothing"},
		"absent base": {Head: "x", Base: "absent", Title: "Nothing"},
	} {
		_, err := s.r.OpenPull(s.ctx, n)
		if err == nil {
			s.Errorf("%s: a pull request was opened", name)
			continue
		}
		s.fault(err)
	}
	pulls, err := s.r.Pulls(s.ctx, providers.PullQuery{})
	s.check(err)
	if len(pulls) > 0 {
		s.Errorf("found %+v", pulls)
	}
}

func testUpdate(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	title, body := "Another title", "Another body.\n\nWith two paragraphs."
	got, err := s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Title: &title})
	s.check(err)
	if got.Title != title || got.Body != p.Body || got.State != providers.Open {
		s.Errorf("after a new title: %+v", got)
	}
	got, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Body: &body})
	s.check(err)
	if got.Title != title || got.Body != body {
		s.Errorf("after a new body: %+v", got)
	}
	none := ""
	got, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Body: &none})
	s.check(err)
	if got.Title != title || got.Body != "" {
		s.Errorf("after an empty body: %+v", got)
	}
	got, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{})
	s.check(err)
	if got.Title != title || got.State != providers.Open {
		s.Errorf("after no change: %+v", got)
	}
}

func testClose(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	title := "Closed"
	for range 2 {
		got, err := s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Close: true})
		s.check(err)
		if got.State != providers.Closed {
			s.Errorf("it is %s", got.State)
		}
	}
	got, err := s.r.Pull(s.ctx, p.Number)
	s.check(err)
	if got.State != providers.Closed || got.MergeSHA != "" || !s.sameSHA(got.Head.SHA, s.resolve("x")) {
		s.Errorf("got %+v", got)
	}
	other := s.open("y")
	got, err = s.r.UpdatePull(s.ctx, other.Number, providers.PullUpdate{Title: &title, Close: true})
	s.check(err)
	if got.State != providers.Closed || got.Title != title {
		s.Errorf("got %+v", got)
	}
	again, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "Again"})
	s.check(err)
	if again.Number == p.Number {
		s.Error("the closed pull request was opened again")
	}
}

func testFind(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.branch("base", map[string]string{"base.txt": "b\n"})
	first := s.open("x")
	_, err := s.r.UpdatePull(s.ctx, first.Number, providers.PullUpdate{Close: true})
	s.check(err)
	second, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "Second"})
	s.check(err)
	third, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "base", Title: "Third"})
	s.check(err)
	like := s.open("x-like")
	merged := s.open("m")
	_, err = s.r.MergePull(s.ctx, merged.Number, providers.Merge{Head: s.resolve("m")})
	s.check(err)
	s.pullMerged(merged.Number)
	for _, c := range []struct {
		q    providers.PullQuery
		want []int
	}{
		{providers.PullQuery{}, []int{merged.Number, like.Number, third.Number, second.Number, first.Number}},
		{providers.PullQuery{Limit: 2}, []int{merged.Number, like.Number}},
		{providers.PullQuery{Head: "x"}, []int{third.Number, second.Number, first.Number}},
		{providers.PullQuery{Head: "x", Limit: 1}, []int{third.Number}},
		{providers.PullQuery{Head: "x", State: providers.Open}, []int{third.Number, second.Number}},
		{providers.PullQuery{Head: "x", Base: "main"}, []int{second.Number, first.Number}},
		{providers.PullQuery{Head: "x", Base: "main", State: providers.Open}, []int{second.Number}},
		{providers.PullQuery{Head: "x", State: providers.Closed}, []int{first.Number}},
		{providers.PullQuery{State: providers.Closed}, []int{first.Number}},
		{providers.PullQuery{State: providers.Merged}, []int{merged.Number}},
		{providers.PullQuery{State: providers.Open}, []int{like.Number, third.Number, second.Number}},
		{providers.PullQuery{Base: "base"}, []int{third.Number}},
		{providers.PullQuery{Head: "x-"}, nil},
		{providers.PullQuery{Head: `x" OR source.branch.name = "m`}, nil},
		{providers.PullQuery{Base: "absent"}, nil},
	} {
		pulls, err := s.r.Pulls(s.ctx, c.q)
		s.check(err)
		var got []int
		for _, p := range pulls {
			got = append(got, p.Number)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			s.Errorf("%+v:\n%s", c.q, diff)
		}
	}
}

func testFork(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.needs(s.f.ForkPull != nil, "forks")
	fork := s.f.ForkPull(s, "towpath/x")
	p, err := s.r.Pull(s.ctx, fork)
	s.check(err)
	if !p.Head.Fork || p.Head.Branch != "towpath/x" {
		s.Errorf("the head is %+v", p.Head)
	}
	found, err := s.r.Pulls(s.ctx, providers.PullQuery{Head: "towpath/x"})
	s.check(err)
	if len(found) > 0 {
		s.Errorf("found %+v for a branch of the repository itself", found)
	}
	view, err := providers.Look(s.ctx, s.r, providers.Question{Heads: []string{"towpath/x"}})
	s.check(err)
	if len(view.Pulls)+len(view.Heads) > 0 {
		s.Errorf("saw %+v", view)
	}
	own := s.open("towpath/x")
	found, err = s.r.Pulls(s.ctx, providers.PullQuery{Head: "towpath/x"})
	s.check(err)
	if len(found) != 1 || found[0].Number != own.Number || found[0].Head.Fork {
		s.Errorf("found %+v", found)
	}
}

func testAbsent(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	const number = 987654
	title := "x"
	for name, call := range map[string]func() error{
		"Pull":        func() error { _, err := s.r.Pull(s.ctx, number); return err },
		"UpdatePull":  func() error { _, err := s.r.UpdatePull(s.ctx, number, providers.PullUpdate{Title: &title}); return err },
		"close":       func() error { _, err := s.r.UpdatePull(s.ctx, number, providers.PullUpdate{Close: true}); return err },
		"MergePull":   func() error { _, err := s.r.MergePull(s.ctx, number, providers.Merge{Head: s.base}); return err },
		"PullFiles":   func() error { _, _, err := s.r.PullFiles(s.ctx, number); return err },
		"PullCommits": func() error { _, err := s.r.PullCommits(s.ctx, number); return err },
		"Reviews":     func() error { _, err := s.r.Reviews(s.ctx, number); return err },
		"Comments":    func() error { _, err := s.r.Comments(s.ctx, number); return err },
		"AddComment":  func() error { _, err := s.r.AddComment(s.ctx, number, "x"); return err },
		"Upsert":      func() error { _, err := s.r.UpsertComment(s.ctx, number, "key", "x"); return err },
	} {
		if err := call(); !errors.Is(err, providers.ErrNotFound) {
			s.Errorf("%s: got the error %v, want ErrNotFound", name, err)
		}
	}
}

func testFilesAndCommits(s *scene) {
	before := map[string]string{"a.txt": "a\n", "gone.txt": "gone\n", "dir/old.txt": "a file\nwith enough\nlines to be\nknown again\n"}
	s.beginWith(before)
	one := s.f.Push(s, Push{Branch: "x", Message: "One", Files: map[string]string{"a.txt": "1\n", "new.txt": "n\n"}})
	p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "x"})
	s.check(err)
	two := s.f.Push(s, Push{Branch: "x", Message: "Two\n\nBody: yes", Remove: []string{"gone.txt"}, Rename: map[string]string{"dir/old.txt": "dir/new.txt"}})
	s.f.Push(s, Push{Branch: "main", Message: "Main", Files: map[string]string{"m.txt": "m\n"}})
	s.pullAt(p.Number, two)
	files, complete, err := s.r.PullFiles(s.ctx, p.Number)
	s.check(err)
	got := map[string]providers.ChangedFile{}
	for _, f := range files {
		got[f.Path] = f
	}
	want := map[string]providers.ChangedFile{
		"a.txt":       {Path: "a.txt", Status: providers.Modified},
		"dir/new.txt": {Path: "dir/new.txt", OldPath: "dir/old.txt", Status: providers.Renamed},
		"gone.txt":    {Path: "gone.txt", Status: providers.Removed},
		"new.txt":     {Path: "new.txt", Status: providers.Added},
	}
	if s.h.NoRenames {
		want["dir/new.txt"] = providers.ChangedFile{Path: "dir/new.txt", Status: providers.Added}
		want["dir/old.txt"] = providers.ChangedFile{Path: "dir/old.txt", Status: providers.Removed}
	}
	if diff := cmp.Diff(want, got); diff != "" || !complete {
		s.Errorf("complete %v:\n%s", complete, diff)
	}
	commits, err := s.r.PullCommits(s.ctx, p.Number)
	s.check(err)
	if len(commits) != 2 || commits[0].SHA != one || commits[1].SHA != two || strings.TrimRight(commits[1].Message, "\n") != "Two\n\nBody: yes" {
		s.Errorf("the commits are %+v", commits)
	}
}

func testReviews(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.needs(s.f.Review != nil, "reviews")
	p := s.open("x")
	none, err := s.r.Reviews(s.ctx, p.Number)
	s.check(err)
	if len(none) > 0 {
		s.Errorf("got %+v before any review", none)
	}
	s.f.Review(s, p.Number, Admin, false)
	s.reviews(p.Number, map[string]bool{s.f.User(Admin).ID: false})
	s.f.Review(s, p.Number, Admin, true)
	s.f.Review(s, p.Number, Reader, true)
	s.reviews(p.Number, map[string]bool{s.f.User(Admin).ID: true, s.f.User(Reader).ID: true})
}

func (s *scene) reviews(number int, want map[string]bool) {
	s.Helper()
	reviews, err := s.r.Reviews(s.ctx, number)
	s.check(err)
	got := map[string]bool{}
	for _, r := range reviews {
		got[r.User.ID] = r.Approved
		if r.SHA != "" && !s.sameSHA(r.SHA, s.resolve("x")) {
			s.Errorf("%+v is of another commit", r)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(reviews) != len(want) {
		s.Errorf("got %+v\n%s", reviews, diff)
	}
}
