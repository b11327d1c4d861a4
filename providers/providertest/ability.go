package providertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
)

var abilityTests = map[string]func(*scene){
	"Claims":          testClaims,
	"Labels":          testLabels,
	"Reviewers":       testReviewers,
	"Assignees":       testAssignees,
	"Drafts":          testDrafts,
	"AutoMerge":       testAutoMerge,
	"AutoMergeAtOnce": testAutoMergeAtOnce,
	"Reactions":       testReactions,
	"Hide":            testHide,
	"Teams":           testTeams,
	"Reports":         testReports,
	"Issues":          testIssues,
	"Hooks":           testHookAbility,
	"Examine":         testExamine,
}

// abilities are all optional interfaces.
var abilities = map[string]func(providers.Repository) bool{
	"Labeler":         has[providers.Labeler],
	"ReviewRequester": has[providers.ReviewRequester],
	"Assigner":        has[providers.Assigner],
	"Drafter":         has[providers.Drafter],
	"AutoMerger":      has[providers.AutoMerger],
	"Reactor":         has[providers.Reactor],
	"CommentHider":    has[providers.CommentHider],
	"Teams":           has[providers.Teams],
	"CheckReporter":   has[providers.CheckReporter],
	"Issues":          has[providers.Issues],
	"Hooks":           has[providers.Hooks],
	"BranchDeleter":   has[providers.BranchDeleter],
	"Looker":          has[providers.Looker],
	"Examiner":        has[providers.Examiner],
}

func has[T any](r providers.Repository) bool {
	_, ok := r.(T)
	return ok
}

// AllAbilities returns the names of all optional interfaces, sorted, without
// those that are given.
func AllAbilities(without ...string) []string {
	var out []string
	for name := range abilities {
		if !slices.Contains(without, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func testClaims(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	var got []string
	for name, has := range abilities {
		if has(s.r) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(slices.Values(s.h.Abilities)), got); diff != "" {
		s.Errorf("the driver has other abilities than it claims:\n%s", diff)
	}
}

// able returns the ability of the driver, or skips the test.
func able[T any](s *scene) T {
	s.Helper()
	s.beginWith(map[string]string{"a.txt": "a\n"})
	a, ok := s.r.(T)
	if !ok {
		s.Skip("this forge has no such ability")
	}
	return a
}

func testLabels(s *scene) {
	l := able[providers.Labeler](s)
	p := s.open("x")
	s.check(l.AddLabels(s.ctx, p.Number, []string{"towpath", "env: prod & more"}))
	s.check(l.AddLabels(s.ctx, p.Number, []string{"towpath", "third"}))
	s.check(l.AddLabels(s.ctx, p.Number, nil))
	got, err := s.r.Pull(s.ctx, p.Number)
	s.check(err)
	slices.Sort(got.Labels)
	if diff := cmp.Diff([]string{"env: prod & more", "third", "towpath"}, got.Labels); diff != "" {
		s.Error(diff)
	}
	other := s.open("y")
	s.check(l.AddLabels(s.ctx, other.Number, []string{"third"}))
	pulls, err := s.r.Pulls(s.ctx, providers.PullQuery{Head: "y"})
	s.check(err)
	if len(pulls) != 1 || !slices.Equal(pulls[0].Labels, []string{"third"}) {
		s.Errorf("found %+v", pulls)
	}
}

func testReviewers(s *scene) {
	rr := able[providers.ReviewRequester](s)
	p := s.open("x")
	reader := s.f.User(Reader).Login
	s.check(rr.RequestReviews(s.ctx, p.Number, []string{reader}, nil))
	s.check(rr.RequestReviews(s.ctx, p.Number, []string{reader}, nil))
	s.check(rr.RequestReviews(s.ctx, p.Number, nil, nil))
	err := rr.RequestReviews(s.ctx, p.Number, []string{"nobody-at-all", s.f.User(Admin).Login}, nil)
	if f := s.fault(err); !strings.Contains(f, "nobody-at-all") || strings.Contains(f, s.f.User(Admin).Login) {
		s.Errorf("the fault is %q", f)
	}
}

func testAssignees(s *scene) {
	a := able[providers.Assigner](s)
	p := s.open("x")
	s.check(a.Assign(s.ctx, p.Number, []string{s.f.User(Admin).Login}))
	s.check(a.Assign(s.ctx, p.Number, []string{s.f.User(Admin).Login}))
	s.check(a.Assign(s.ctx, p.Number, nil))
	err := a.Assign(s.ctx, p.Number, []string{"nobody-at-all"})
	if f := s.fault(err); !strings.Contains(f, "nobody-at-all") {
		s.Errorf("the fault is %q", f)
	}
}

func testDrafts(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.branch("x", map[string]string{"a.txt": "b\n"})
	p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "Try it", Body: "x", Draft: true})
	d, ok := s.r.(providers.Drafter)
	if !ok {
		s.unsupported(err)
		return
	}
	s.check(err)
	draft := func(p providers.PullRequest, want bool, title string) {
		s.Helper()
		if p.Draft != want || p.Title != title {
			s.Errorf("got draft %v and the title %q, want %v and %q", p.Draft, p.Title, want, title)
		}
	}
	draft(p, true, "Try it")
	title := "Try it again"
	p, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Title: &title})
	s.check(err)
	draft(p, true, title)
	body := "y"
	p, err = s.r.UpdatePull(s.ctx, p.Number, providers.PullUpdate{Body: &body})
	s.check(err)
	draft(p, true, title)
	for _, want := range []bool{false, false, true, true, false} {
		s.check(d.SetDraft(s.ctx, p.Number, want))
		p, err = s.r.Pull(s.ctx, p.Number)
		s.check(err)
		draft(p, want, title)
	}
	found, err := s.r.Pulls(s.ctx, providers.PullQuery{Head: "x", State: providers.Open})
	s.check(err)
	if len(found) != 1 {
		s.Fatalf("found %+v", found)
	}
	draft(found[0], false, title)
}

func testAutoMerge(s *scene) {
	a := able[providers.AutoMerger](s)
	s.needs(s.f.Require != nil, "required checks")
	s.f.Require(s, "main", "smoke")
	p := s.open("x")
	head := s.resolve("x")
	s.is(a.EnableAutoMerge(s.ctx, p.Number, providers.Merge{Head: s.base}), providers.ErrConflict)
	s.check(a.EnableAutoMerge(s.ctx, p.Number, providers.Merge{Head: head}))
	s.check(a.EnableAutoMerge(s.ctx, p.Number, providers.Merge{Head: head}))
	got, err := s.r.Pull(s.ctx, p.Number)
	s.check(err)
	if got.State != providers.Open {
		s.Errorf("it is %s before the check has passed", got.State)
	}
	s.check(s.f.As(s, Admin).SetStatus(s.ctx, head, providers.Status{Name: "smoke", State: providers.Passed, Branch: "x"}))
	s.pullMerged(p.Number)
	if files := s.read(s.resolve("main"), "new/x.txt"); len(files) != 1 {
		s.Error("the file is not on main")
	}
}

func testAutoMergeAtOnce(s *scene) {
	a := able[providers.AutoMerger](s)
	p := s.open("x")
	s.is(a.EnableAutoMerge(s.ctx, p.Number, providers.Merge{Head: s.base}), providers.ErrConflict)
	s.check(a.EnableAutoMerge(s.ctx, p.Number, providers.Merge{Head: s.resolve("x")}))
	s.pullMerged(p.Number)
}

func testReactions(s *scene) {
	r := able[providers.Reactor](s)
	p := s.open("x")
	c, err := s.f.As(s, Admin).AddComment(s.ctx, p.Number, "/promote prod please")
	s.check(err)
	for _, reaction := range []providers.Reaction{providers.Eyes, providers.ThumbsUp, providers.Confused, providers.Rocket} {
		s.check(r.React(s.ctx, p.Number, c.ID, reaction))
		s.check(r.React(s.ctx, p.Number, c.ID, reaction))
	}
	s.is(r.React(s.ctx, p.Number, "987654321", providers.Eyes), providers.ErrNotFound)
}

func testHide(s *scene) {
	h := able[providers.CommentHider](s)
	p := s.open("x")
	c, err := s.r.AddComment(s.ctx, p.Number, "Soon outdated.")
	s.check(err)
	s.check(h.HideComment(s.ctx, p.Number, c.ID))
	s.check(h.HideComment(s.ctx, p.Number, c.ID))
	if err := h.HideComment(s.ctx, p.Number, "987654321"); err == nil {
		s.Error("a comment that is not there was hidden")
	}
}

func testTeams(s *scene) {
	teams := able[providers.Teams](s)
	s.needs(s.f.Team != nil, "teams")
	team := s.f.Team(s)
	for who, want := range map[Who]bool{Reader: true, Stranger: false} {
		u := s.f.User(who)
		for _, ask := range []providers.User{u, {Login: u.Login}} {
			got, err := teams.IsMember(s.ctx, team, ask)
			s.check(err)
			if got != want {
				s.Errorf("%s is a member: %v", who, got)
			}
		}
	}
	got, err := teams.IsMember(s.ctx, team, providers.User{Login: "nobody-at-all"})
	s.check(err)
	if got {
		s.Error("nobody at all is a member")
	}
	if got, err := teams.IsMember(s.ctx, team+"-absent", s.f.User(Reader)); got || err == nil {
		s.Errorf("a team that is not there has a member: %v, %v", got, err)
	}
}

func testReports(s *scene) {
	r := able[providers.CheckReporter](s)
	p := s.open("x")
	sha := s.resolve(p.Head.Branch)
	report := providers.Report{Name: "towpath plan", State: providers.Passed, Title: "2 apps change", Summary: "Some **text**.", URL: "https://ci.example.com/1"}
	for i := range 120 {
		report.Annotations = append(report.Annotations, providers.Annotation{
			Path: "new/x.txt", Line: i % 3, Failed: i%2 == 0, Message: fmt.Sprintf("Remark %d", i),
		})
	}
	s.check(r.Report(s.ctx, sha, report))
	report.State, report.Title, report.Annotations = providers.Failed, "1 app changes", report.Annotations[:1]
	s.check(r.Report(s.ctx, sha, report))
	report.Name, report.Annotations, report.URL = "another", nil, ""
	s.check(r.Report(s.ctx, sha, report))
	if err := r.Report(s.ctx, someCommit, report); err == nil {
		s.Error("a commit that is not there has a report")
	}
}

func testIssues(s *scene) {
	issues := able[providers.Issues](s)
	one, err := issues.UpsertIssue(s.ctx, "drift", providers.Issue{Title: "Drift", Body: "Some.", Open: true})
	s.check(err)
	for _, i := range []providers.Issue{
		{Title: "Drift", Body: "More.", Open: true},
		{Title: "Drift", Body: "None.", Open: false},
		{Title: "Drift", Body: "None.", Open: false},
		{Title: "Drift again", Body: "New.", Open: true},
	} {
		url, err := issues.UpsertIssue(s.ctx, "drift", i)
		s.check(err)
		if url != one {
			s.Errorf("%+v went to %s, want %s", i, url, one)
		}
	}
	other, err := issues.UpsertIssue(s.ctx, "drift-b", providers.Issue{Title: "Another", Body: "x", Open: true})
	s.check(err)
	if other == one || !strings.HasPrefix(other, "http") {
		s.Errorf("another key has the URL %s, as has %s", other, one)
	}
	p := s.open("x")
	found, err := s.r.Pulls(s.ctx, providers.PullQuery{})
	s.check(err)
	if len(found) != 1 || found[0].Number != p.Number {
		s.Errorf("issues are taken for pull requests: %+v", found)
	}
}

func testHookAbility(s *scene) {
	able[providers.Hooks](s)
	h, ok := s.f.As(s, Admin).(providers.Hooks)
	if !ok {
		s.Fatal("the administrator's driver has other abilities")
	}
	before, err := h.Hooks(s.ctx)
	s.check(err)
	const url = "https://towpath.example.com/hooks/x?a=b"
	one, err := h.UpsertHook(s.ctx, url, []byte("first secret"))
	s.check(err)
	two, err := h.UpsertHook(s.ctx, url, []byte("second secret"))
	s.check(err)
	if (one.ID != two.ID) != s.h.RenewsHooks || one.ID == "" || two.URL != url || !two.Active || len(two.Events) == 0 {
		s.Errorf("got %+v, then %+v", one, two)
	}
	other, err := h.UpsertHook(s.ctx, "https://towpath.example.com/hooks/y", []byte("first secret"))
	s.check(err)
	all, err := h.Hooks(s.ctx)
	s.check(err)
	if len(all) != len(before)+2 || other.ID == one.ID {
		s.Errorf("got %+v", all)
	}
	writer, ok := s.r.(providers.Hooks)
	if !ok {
		return
	}
	_, err = writer.UpsertHook(s.ctx, "https://towpath.example.com/hooks/z", []byte("a secret"))
	if err != nil {
		s.fault(err, providers.ErrForbidden, providers.ErrNotFound)
	}
}

func testExamine(s *scene) {
	able[providers.Examiner](s)
	findings := func(who Who) map[string]providers.Answer {
		s.Helper()
		r := s.f.As(s, who)
		got, err := r.(providers.Examiner).Examine(s.ctx)
		s.check(err)
		again, err := r.(providers.Examiner).Examine(s.ctx)
		s.check(err)
		if diff := cmp.Diff(got, again); diff != "" || len(got) == 0 {
			s.Errorf("%s: two examinations of %d findings differ:\n%s", who, len(got), diff)
		}
		out := map[string]providers.Answer{}
		for _, f := range got {
			if f.What == "" || f.Answer == providers.No && f.Hint == "" || out[f.What] != "" {
				s.Errorf("%s: the finding %+v says nothing, or not what to do, or is there twice", who, f)
			}
			if f.Answer != providers.Yes && f.Answer != providers.No && f.Answer != providers.Unknown {
				s.Errorf("%s: the finding %+v has no answer", who, f)
			}
			out[f.What] = f.Answer
		}
		return out
	}
	count := func(m map[string]providers.Answer, a providers.Answer) int {
		n := 0
		for _, got := range m {
			if got == a {
				n++
			}
		}
		return n
	}
	writer, reader := findings(Writer), findings(Reader)
	if count(writer, providers.Yes) == 0 || count(writer, providers.Yes) <= count(reader, providers.Yes) {
		s.Errorf("the writer has %v, the reader %v", writer, reader)
	}
	for _, who := range []Who{Stranger, Wrong} {
		if got := findings(who); count(got, providers.No) == 0 {
			s.Errorf("%s has %v", who, got)
		}
	}
	branches, err := s.r.Log(s.ctx, providers.LogQuery{Ref: "main"})
	s.check(err)
	if len(branches) != 1 || s.resolve("main") != s.base {
		s.Error("the examination changed something")
	}
}
