package providertest

import (
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
)

var historyTests = map[string]func(*scene){
	"Log":        testLog,
	"Compare":    testCompare,
	"IsAncestor": testIsAncestor,
	"PullsOf":    testPullsOf,
}

// subjects returns the first lines of the messages.
func subjects(commits []providers.Commit) []string {
	var out []string
	for _, c := range commits {
		subject, _, _ := strings.Cut(c.Message, "\n")
		out = append(out, subject)
	}
	return out
}

func testLog(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n", "dir/b.txt": "b\n"})
	s.f.Push(s, Push{Branch: "main", Message: "One", Files: map[string]string{"a.txt": "1\n"}})
	s.f.Push(s, Push{Branch: "main", Message: "Two\n\nWith a body.\n\nTrailer: yes", Files: map[string]string{"dir/b.txt": "2\n"}})
	head := s.f.Push(s, Push{Branch: "main", Message: "Three", Files: map[string]string{"dir/c.txt": "3\n"}})
	for _, c := range []struct {
		q    providers.LogQuery
		want []string
	}{
		{providers.LogQuery{Ref: "main"}, []string{"Three", "Two", "One", "*"}},
		{providers.LogQuery{Ref: head, Limit: 2}, []string{"Three", "Two"}},
		{providers.LogQuery{Ref: s.base}, []string{"*"}},
		{providers.LogQuery{Ref: "main", Path: "a.txt"}, []string{"One", "*"}},
		{providers.LogQuery{Ref: "main", Path: "dir"}, []string{"Three", "Two", "*"}},
		{providers.LogQuery{Ref: "main", Path: "dir/c.txt"}, []string{"Three"}},
		{providers.LogQuery{Ref: "main", Path: "never.txt"}, nil},
		{providers.LogQuery{Ref: "main", Since: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}, nil},
		{providers.LogQuery{Ref: "main", Limit: 3, Since: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{"Three", "Two", "One"}},
	} {
		log, err := s.r.Log(s.ctx, c.q)
		s.check(err)
		got := subjects(log)
		if len(log) > 0 && log[len(log)-1].SHA == s.base {
			got[len(got)-1] = "*"
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			s.Errorf("%+v:\n%s", c.q, diff)
		}
	}
	log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: "main", Limit: 2})
	s.check(err)
	if got := strings.TrimRight(log[1].Message, "\n"); got != "Two\n\nWith a body.\n\nTrailer: yes" {
		s.Errorf("the message is %q", got)
	}
	if log[0].SHA != head || log[0].Author.Name == "" || log[0].Author.Email == "" || log[0].Time.IsZero() {
		s.Errorf("got %+v", log[0])
	}
	if len(log[0].Parents) > 0 && !slices.Equal(log[0].Parents, []string{log[1].SHA}) {
		s.Errorf("the parents are %v", log[0].Parents)
	}
	_, err = s.r.Log(s.ctx, providers.LogQuery{Ref: "absent"})
	s.is(err, providers.ErrNotFound)
}

func testCompare(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n", "gone.txt": "gone\n", "dir/old.txt": "a file\nwith enough\nlines to be\nknown again\n"})
	one := s.f.Push(s, Push{Branch: "x", Message: "One", Files: map[string]string{"a.txt": "1\n", "new.txt": "n\n"}})
	head := s.f.Push(s, Push{Branch: "x", Message: "Two", Remove: []string{"gone.txt"}, Rename: map[string]string{"dir/old.txt": "dir/new.txt"}})
	main := s.f.Push(s, Push{Branch: "main", Message: "Main", Files: map[string]string{"m.txt": "m\n"}})

	c, err := s.r.Compare(s.ctx, main, head)
	s.check(err)
	if c.MergeBase != s.base || !c.Complete {
		s.Errorf("the merge base is %s, want %s; complete %v", c.MergeBase, s.base, c.Complete)
	}
	if len(c.Commits) != 2 || c.Commits[0].SHA != one || c.Commits[1].SHA != head {
		s.Errorf("the commits are %v", subjects(c.Commits))
	}
	want := []providers.ChangedFile{
		{Path: "a.txt", Status: providers.Modified},
		{Path: "dir/new.txt", OldPath: "dir/old.txt", Status: providers.Renamed},
		{Path: "gone.txt", Status: providers.Removed},
		{Path: "new.txt", Status: providers.Added},
	}
	if s.h.NoRenames {
		want = slices.Replace(want, 1, 2,
			providers.ChangedFile{Path: "dir/new.txt", Status: providers.Added}, providers.ChangedFile{Path: "dir/old.txt", Status: providers.Removed})
	}
	slices.SortFunc(c.Files, func(a, b providers.ChangedFile) int { return strings.Compare(a.Path, b.Path) })
	if diff := cmp.Diff(want, c.Files); diff != "" {
		s.Error(diff)
	}

	back, err := s.r.Compare(s.ctx, head, main)
	s.check(err)
	if back.MergeBase != s.base || len(back.Commits) != 1 || back.Commits[0].SHA != main || len(back.Files) != 1 {
		s.Errorf("the other way round: %+v", back)
	}
	same, err := s.r.Compare(s.ctx, head, head)
	s.check(err)
	if same.MergeBase != head || len(same.Commits)+len(same.Files) > 0 || !same.Complete {
		s.Errorf("with itself: %+v", same)
	}
	for _, pair := range [][2]string{{someCommit, head}, {head, someCommit}} {
		_, err := s.r.Compare(s.ctx, pair[0], pair[1])
		s.is(err, providers.ErrNotFound)
	}
}

func testIsAncestor(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	x := s.f.Push(s, Push{Branch: "x", Files: map[string]string{"a.txt": "1\n"}})
	y := s.f.Push(s, Push{Branch: "y", Files: map[string]string{"a.txt": "2\n"}})
	for _, c := range []struct {
		a, b string
		want bool
	}{{s.base, x, true}, {x, s.base, false}, {x, y, false}, {x, x, true}} {
		got, err := providers.IsAncestor(s.ctx, s.r, c.a, c.b)
		s.check(err)
		if got != c.want {
			s.Errorf("%s is an ancestor of %s: %v", c.a, c.b, got)
		}
	}
}

func testPullsOf(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	if s.h.NoPullsOf {
		_, err := s.r.PullsOf(s.ctx, s.base)
		s.unsupported(err)
		return
	}
	p := s.open("x")
	head := s.resolve("x")
	open, err := s.r.PullsOf(s.ctx, head)
	s.check(err)
	if len(open) > 0 {
		s.Errorf("got %+v, which is open", open)
	}
	sha, err := s.r.MergePull(s.ctx, p.Number, providers.Merge{Head: head, Method: s.h.Methods[0]})
	s.check(err)
	s.pullMerged(p.Number)
	s.eventually("the commit is known to have come with the pull request", func() error {
		got, err := s.r.PullsOf(s.ctx, sha)
		if err == nil && (len(got) != 1 || got[0].Number != p.Number) {
			err = unexpected("got %+v", got)
		}
		return err
	})
	none, err := s.r.PullsOf(s.ctx, s.base)
	s.check(err)
	if len(none) > 0 {
		s.Errorf("the first commit came with %+v", none)
	}
}
