package providertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

var pagingTests = map[string]func(*scene){
	"Pulls":    testManyPulls,
	"Comments": testManyComments,
	"Commits":  testManyCommits,
	"Files":    testManyChangedFiles,
	"Checks":   testManyChecks,
}

// many is more than any forge has on a page.
const many = 103

func testManyPulls(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	var numbers []int
	var pushes []Push
	for i := range many {
		pushes = append(pushes, Push{Branch: fmt.Sprintf("x-%d", i), Files: map[string]string{fmt.Sprintf("new/%d.txt", i): "new\n"}})
	}
	s.pushes(pushes)
	for i := range many {
		branch := fmt.Sprintf("x-%d", i)
		p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: branch, Base: "main", Title: "Open " + branch})
		s.check(err)
		numbers = append(numbers, p.Number)
		if i%2 == 0 && i < 20 {
			_, err := s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Close: true})
			s.check(err)
		}
	}
	slices.Reverse(numbers)
	for _, c := range []struct {
		q    providers.PullQuery
		want int
	}{
		{providers.PullQuery{}, 100},
		{providers.PullQuery{Limit: 1000}, many},
		{providers.PullQuery{Limit: 51}, 51},
		{providers.PullQuery{Limit: 102}, 102},
		{providers.PullQuery{State: providers.Closed}, 10},
		{providers.PullQuery{State: providers.Open, Limit: 1000}, many - 10},
		{providers.PullQuery{Head: "x-0"}, 1},
		{providers.PullQuery{Head: "x-1", State: providers.Open}, 1},
	} {
		pulls, err := s.r.Pulls(s.ctx, c.q)
		s.check(err)
		if len(pulls) != c.want {
			s.Errorf("%+v: got %d, want %d", c.q, len(pulls), c.want)
		}
		seen := map[int]bool{}
		for i, p := range pulls {
			if seen[p.Number] || c.q.State == "" && c.q.Head == "" && p.Number != numbers[i] {
				s.Errorf("%+v: number %d is at %d", c.q, p.Number, i)
			}
			seen[p.Number] = true
		}
	}
}

func testManyComments(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	admin := s.f.As(s, Admin)
	for i := range many {
		_, err := admin.AddComment(s.ctx, p.Number, fmt.Sprintf("Comment %d.", i))
		s.check(err)
	}
	one, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "One.")
	s.check(err)
	two, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "Two.")
	s.check(err)
	got := s.comments(p.Number)
	if len(got) != many+1 || one.ID != two.ID || !strings.Contains(got[len(got)-1].Body, "Two.") {
		s.Fatalf("got %d comments, the last %q", len(got), got[len(got)-1].Body)
	}
	for i, c := range got[:many] {
		if c.Body != fmt.Sprintf("Comment %d.", i) {
			s.Errorf("comment %d is %q", i, c.Body)
		}
	}
}

func testManyCommits(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	var pushes []Push
	for i := range many {
		pushes = append(pushes, Push{Branch: "x", Message: fmt.Sprintf("Commit %d", i), Files: map[string]string{"a.txt": fmt.Sprintf("%d\n", i)}})
	}
	shas := s.pushes(pushes)
	same := func(what string, got []providers.Commit, want []string) {
		s.Helper()
		var is []string
		for _, c := range got {
			is = append(is, c.SHA)
		}
		if !slices.Equal(is, want) {
			s.Errorf("%s: got %d commits %v, want %d", what, len(is), subjects(got), len(want))
		}
	}
	if s.isForge {
		p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "Many"})
		s.check(err)
		commits, err := s.r.PullCommits(s.ctx, p.Number)
		s.check(err)
		same("the pull request", commits, shas)
	}
	c, err := s.r.Compare(s.ctx, s.base, shas[many-1])
	s.check(err)
	same("the comparison", c.Commits, shas)
	if !c.Complete {
		s.Error("the comparison is cut short")
	}
	newest := slices.Clone(shas)
	slices.Reverse(newest)
	for limit, want := range map[int][]string{0: newest[:100], 101: newest[:101], 500: append(newest, s.base), 7: newest[:7]} {
		log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: "x", Path: "a.txt", Limit: limit})
		s.check(err)
		same(fmt.Sprintf("the log up to %d", limit), log, want)
	}
}

// pushes makes commits by hand and returns their SHAs.
func (s *scene) pushes(pushes []Push) []string {
	s.Helper()
	if s.f.Pushes != nil {
		return s.f.Pushes(s, pushes)
	}
	var shas []string
	for _, p := range pushes {
		shas = append(shas, s.f.Push(s, p))
	}
	return shas
}

func testManyChangedFiles(s *scene) {
	before := map[string]string{"a.txt": "a\n"}
	s.beginWith(before)
	files := map[string]string{}
	for i := range many {
		files[fmt.Sprintf("apps/%03d.yaml", i)] = fmt.Sprintf("n: %d\n", i)
	}
	sha := s.branch("x", files)
	if s.isForge {
		p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "Many"})
		s.check(err)
		got, complete, err := s.r.PullFiles(s.ctx, p.Number)
		s.check(err)
		if !complete {
			s.Error("the list is cut short")
		}
		s.changed(got, before, files)
	}
	c, err := s.r.Compare(s.ctx, s.base, sha)
	s.check(err)
	if !c.Complete {
		s.Error("the comparison is cut short")
	}
	s.changed(c.Files, before, files)
}

func testManyChecks(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	sha := s.resolve(p.Head.Branch)
	for i := range many {
		s.check(s.r.SetStatus(s.ctx, sha, providers.Status{Name: fmt.Sprintf("check %03d", i), State: providers.Passed, Branch: "x"}))
	}
	got := s.checks(sha)
	if len(got) != many {
		s.Fatalf("got %d checks, want %d", len(got), many)
	}
	for i, c := range got {
		if c.Name != fmt.Sprintf("check %03d", i) {
			s.Errorf("check %d is %q", i, c.Name)
		}
	}
}
