package providertest

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/towpath-dev/towpath/providers"
)

var statusTests = map[string]func(*scene){
	"Set":    testSetStatus,
	"States": testStates,
	"Absent": testStatusAbsent,
}

// checks returns the checks of a commit, without what forges fill in.
func (s *scene) checks(sha string) []providers.Check {
	s.Helper()
	got, err := s.r.Checks(s.ctx, sha)
	s.check(err)
	for i := range got {
		got[i].URL = ""
	}
	return got
}

func testSetStatus(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("feature/x")
	sha := s.resolve(p.Head.Branch)
	if got := s.checks(sha); len(got) > 0 {
		s.Errorf("got %+v before any status", got)
	}
	status := providers.Status{Name: "towpath/plan of prod & staging", State: providers.Pending, Description: "Waiting", URL: "https://ci.example.com/1", Branch: "feature/x"}
	s.check(s.r.SetStatus(s.ctx, sha, status))
	s.check(s.r.SetStatus(s.ctx, sha, status))
	status.State, status.Description = providers.Passed, "Done"
	s.check(s.r.SetStatus(s.ctx, sha, status))
	s.check(s.r.SetStatus(s.ctx, sha, status))
	long := providers.Status{Name: strings.Repeat("n", 40), State: providers.Failed, Description: strings.Repeat("ä long description ", 40)}
	s.check(s.r.SetStatus(s.ctx, sha, long))
	got := s.checks(sha)
	want := []providers.Check{
		{Name: long.Name, State: providers.Failed},
		{Name: status.Name, State: providers.Passed, Description: "Done"},
	}
	for i := range got {
		if got[i].Name == long.Name {
			if !strings.HasPrefix(got[i].Description, "ä long description ") {
				s.Errorf("the long description is %q", got[i].Description)
			}
			got[i].Description = ""
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Error(diff)
	}
	all, err := s.r.Checks(s.ctx, sha)
	s.check(err)
	if !slices.ContainsFunc(all, func(c providers.Check) bool { return c.URL == "https://ci.example.com/1" }) {
		s.Errorf("no check has the URL: %+v", all)
	}
	if got := s.checks(s.base); len(got) > 0 {
		s.Errorf("another commit has %+v", got)
	}
}

func testStates(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	sha := s.resolve(p.Head.Branch)
	for _, state := range []providers.CheckState{providers.Pending, providers.Passed, providers.Failed} {
		s.check(s.r.SetStatus(s.ctx, sha, providers.Status{Name: string(state), State: state, Branch: "x"}))
	}
	s.check(s.r.SetStatus(s.ctx, sha, providers.Status{Name: "skipped", State: providers.Skipped, Branch: "x"}))
	got := s.checks(sha)
	want := []providers.Check{
		{Name: "failed", State: providers.Failed},
		{Name: "passed", State: providers.Passed},
		{Name: "pending", State: providers.Pending},
		{Name: "skipped", State: providers.Skipped},
	}
	// Forges without such a status write one that keeps nothing from going on.
	if len(got) == 4 && got[3].State == providers.Passed {
		got[3].State = providers.Skipped
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(providers.Check{}, "Description")); diff != "" {
		s.Error(diff)
	}
}

func testStatusAbsent(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	err := s.r.SetStatus(s.ctx, someCommit, providers.Status{Name: "x", State: providers.Passed})
	if err == nil {
		s.Error("a status was set on a commit that is not there")
	}
	reader := s.f.As(s, Reader)
	s.fault(reader.SetStatus(s.ctx, s.base, providers.Status{Name: "x", State: providers.Passed}), providers.ErrForbidden, providers.ErrNotFound)
}
