package bitbucket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/bitbucket/bitbuckettest"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

func opened(t *testing.T, r providers.Repository) (p providers.PullRequest, head string) {
	t.Helper()
	head, err := commit(t, r, "x", "", add("new.txt", "new\n"))
	must(t, head, err)
	p, err = r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "New", Body: "Body"})
	return must(t, p, err), head
}

func TestSlowMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imit.SlowMerges = true
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	seen := &recorder{RoundTripper: w.server.Client().Transport}
	r := w.over(t, seen)
	p, head := opened(t, r)
	seen.told()
	sha, err := r.MergePull(t.Context(), p.Number, providers.Merge{Head: head})
	must(t, sha, err)
	if main, err := r.Resolve(t.Context(), "main"); main != sha {
		t.Errorf("main is at %s, %v, want %s", main, err, sha)
	}
	looks := 0
	for _, told := range seen.told() {
		if strings.Contains(told, "/merge/task-status/") {
			looks++
		}
	}
	if looks != 2 {
		t.Errorf("the merge was looked at %d times, want 2", looks)
	}
}

// TestEndlessMerge proves that waiting for a merge ends with the context, and
// that the merge may be done.
func TestEndlessMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imit.SlowMerges = true
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	ctx, cancel := context.WithCancel(t.Context())
	r := w.over(t, w.through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.Contains(req.URL.Path, "/task-status/") {
			cancel()
			return fixed{http.StatusOK, jsonKind, `{"task_status":"PENDING"}`, nil}.RoundTrip(req)
		}
		return next.RoundTrip(req)
	}))
	p, head := opened(t, r)
	_, err := r.MergePull(ctx, p.Number, providers.Merge{Head: head})
	if !errors.Is(err, providers.ErrUnanswered) && !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v", err)
	}
}

// TestReviewersStay proves that what an update does not change stays, though
// Bitbucket empties what it is not sent.
func TestReviewersStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	r := w.over(t, w.server.Client().Transport)
	p, _ := opened(t, r)
	requester, _ := r.(providers.ReviewRequester)
	admin, _ := w.store.Account("admin")
	for _, names := range [][]string{{"READER"}, {bitbuckettest.UUID(admin.ID)}} {
		if err := requester.RequestReviews(t.Context(), p.Number, names, nil); err != nil {
			t.Fatal(err)
		}
	}
	drafter, _ := r.(providers.Drafter)
	if err := drafter.SetDraft(t.Context(), p.Number, true); err != nil {
		t.Fatal(err)
	}
	title := "Newer"
	if _, err := r.UpdatePull(t.Context(), p.Number, providers.PullUpdate{Title: &title}); err != nil {
		t.Fatal(err)
	}
	_ = repo.Do(func(s *memory.State) error {
		got := s.Pull(p.Number)
		if diff := cmp.Diff([]string{"reader", "admin"}, got.Reviewers); diff != "" || !got.Draft || got.Body != "Body" || got.Title != title {
			t.Errorf("got %+v\n%s", got, diff)
		}
		return nil
	})
	err := requester.RequestReviews(t.Context(), p.Number, []string{"writer", "stranger"}, []string{"release"})
	for _, words := range []string{`"writer" is the author`, `"stranger" is no one member`, "no teams that could be asked"} {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q is not in the error %v", words, err)
		}
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v does not wrap ErrUnsupported", err)
	}
}

func TestClosedStaysClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	r := w.over(t, w.server.Client().Transport)
	p, head := opened(t, r)
	if _, err := r.UpdatePull(t.Context(), p.Number, providers.PullUpdate{Close: true}); err != nil {
		t.Fatal(err)
	}
	body := "Other"
	if _, err := r.UpdatePull(t.Context(), p.Number, providers.PullUpdate{Body: &body}); !errors.Is(err, providers.ErrForbidden) {
		t.Errorf("an update: got the error %v", err)
	}
	if _, err := r.MergePull(t.Context(), p.Number, providers.Merge{Head: head}); !errors.Is(err, providers.ErrForbidden) {
		t.Errorf("a merge: got the error %v", err)
	}
}

// TestTwin proves that the pull request of another process is not taken for
// one's own, as long as it has another title.
func TestTwin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	r := w.over(t, w.server.Client().Transport)
	if _, err := commit(t, r, "x", "", add("new.txt", "new\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := providers.Look(t.Context(), r, providers.Question{Heads: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	other := w.as(t, providertest.Admin)
	p, err := other.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "By hand"})
	must(t, p, err)
	if _, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "By towpath"}); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("got the error %v", err)
	}
}

// TestLookSaves proves that what Look saw spares the looks before the writes,
// once.
func TestLookSaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	seen := &recorder{RoundTripper: w.server.Client().Transport}
	r := w.over(t, seen)
	view, err := providers.Look(t.Context(), r, providers.Question{Heads: []string{"x"}})
	must(t, view, err)
	if told := seen.told(); len(told) != 3 {
		t.Errorf("looking took %q", told)
	}
	request := providers.CommitRequest{Branch: "x", Parent: view.SHA, Message: "x", Changes: []providers.Change{change("a.txt", "b\n")}}
	_, err = r.Commit(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if told := seen.told(); len(told) != 2 {
		t.Errorf("the commit took %q", told)
	}
	if _, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"}); err != nil {
		t.Fatal(err)
	}
	if told := seen.told(); len(told) != 1 {
		t.Errorf("the pull request took %q", told)
	}
	if _, err := r.Commit(t.Context(), request); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("the branch made twice: %v", err)
	}
	if _, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"}); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("the pull request opened twice: %v", err)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	w.store.AddToken(memory.Token{Value: "token-to-read", Login: "writer", Scopes: []string{"read:repository:bitbucket", "read:pullrequest:bitbucket"}})
	o := w.options(w.server.Client().Transport)
	o.Token = "token-to-read"
	r := w.repository(t, o)
	p, _ := opened(t, w.over(t, w.server.Client().Transport))
	_, err := commit(t, r, "y", "", add("y.txt", "y\n"))
	_, openErr := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "y", Title: "x"})
	for scope, err := range map[string]error{"write:repository:bitbucket": err, "write:pullrequest:bitbucket": openErr} {
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || !errors.Is(err, providers.ErrForbidden) || !strings.Contains(f.Message, "lacks the scope "+scope) {
			t.Errorf("%s: got the error %v", scope, err)
		}
	}
	examiner, _ := r.(providers.Examiner)
	findings, err := examiner.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]providers.Answer{}
	for _, f := range findings {
		got[f.What] = f.Answer
	}
	want := map[string]providers.Answer{
		providers.UseCredential: providers.Yes, providers.SeeRepository: providers.Yes, providers.ReadFiles: providers.Yes,
		providers.PushBranches: providers.No, providers.OpenPulls: providers.No, "merge pull requests": providers.No, "comment on pull requests": providers.Yes,
		"set statuses and reports": providers.Yes, "read the permissions of others": providers.No, "register webhooks": providers.No,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := r.AddComment(t.Context(), p.Number, "Hello"); err != nil {
		t.Error(err)
	}
}

// TestAccessToken proves that a token that may not say whose it is still finds
// its own comment, and takes no person's for its own.
func TestAccessToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	for _, bot := range []string{"bot", "other-bot"} {
		w.store.AddAccount(memory.Account{Login: bot, Bot: true})
		w.store.AddToken(memory.Token{Value: "access-token-of-" + bot, Login: bot, Kind: "access"})
	}
	_ = repo.Do(func(s *memory.State) error {
		s.Members["bot"], s.Members["other-bot"] = providers.CanWrite, providers.CanWrite
		return nil
	})
	p, _ := opened(t, w.over(t, w.server.Client().Transport))
	marker := "[//]: # (towpath:plan)\n\n"
	if _, err := w.as(t, providertest.Reader).AddComment(t.Context(), p.Number, marker+"by a person"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ bot, body string }{{"other-bot", "one"}, {"bot", "two"}, {"bot", "three"}, {"other-bot", "four"}} {
		o := w.options(w.server.Client().Transport)
		o.Token = "access-token-of-" + step.bot
		r := w.repository(t, o)
		if self, err := r.Self(t.Context()); err != nil || self.Login != "" || self.ID != "" {
			t.Fatalf("the account is %+v, %v", self, err)
		}
		if _, err := r.UpsertComment(t.Context(), p.Number, "plan", step.body); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	comments, err := w.as(t, providertest.Admin).Comments(t.Context(), p.Number)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range comments {
		got = append(got, strings.TrimPrefix(c.Body, marker))
	}
	if diff := cmp.Diff([]string{"by a person", "four", "three"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestReportAnew proves that annotations of an older report do not stay, and
// that no more are sent than Bitbucket takes.
func TestReportAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	r := w.over(t, w.wire)
	sha, err := r.Resolve(t.Context(), "main")
	must(t, sha, err)
	reporter, _ := r.(providers.CheckReporter)
	for i, n := range []int{1200, 3} {
		report := providers.Report{Name: "Plan", State: providers.Failed, Title: "Title", Summary: strings.Repeat("ä", 5000)}
		for j := range n {
			report.Annotations = append(report.Annotations, providers.Annotation{Path: "a.txt", Line: j, Failed: true, Message: strings.Repeat("m", 600)})
		}
		if err := reporter.Report(t.Context(), sha, report); err != nil {
			t.Fatal(err)
		}
		_ = repo.Do(func(s *memory.State) error {
			if len(s.Reports[sha]) != 1 || len(s.Reports[sha][0].Annotations) != min(n, 1000) {
				t.Errorf("report %d: there are %d reports", i, len(s.Reports[sha]))
			}
			return nil
		})
	}
	checks, err := r.Checks(t.Context(), sha)
	if err != nil || len(checks) != 1 || checks[0].Name != "Plan" || checks[0].State != providers.Failed {
		t.Errorf("got %+v, %v", checks, err)
	}
}

// TestPullsOfByMessage proves that a merge's message is believed only if the
// pull request says so too, where Bitbucket has no links.
func TestPullsOfByMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	r := w.over(t, w.through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.Contains(req.URL.Path, "/commit/") && strings.HasSuffix(req.URL.Path, "/pullrequests") {
			return fixed{http.StatusNotFound, jsonKind, `{"type":"error","error":{"message":"Pull request commit links have not been indexed"}}`, nil}.RoundTrip(req)
		}
		return next.RoundTrip(req)
	}))
	p, head := opened(t, r)
	merged, err := r.MergePull(t.Context(), p.Number, providers.Merge{Head: head})
	must(t, merged, err)
	got, err := r.PullsOf(t.Context(), merged)
	if err != nil || len(got) != 1 || got[0].Number != p.Number || got[0].MergeSHA != merged {
		t.Errorf("got %+v, %v", got, err)
	}
	var forged string
	_ = repo.Do(func(s *memory.State) error {
		c, err := s.Push(memory.Push{Branch: "main", Actor: "admin", Message: fmt.Sprintf("Merged in y (pull request #%d)", p.Number), Files: map[string]*memory.File{"z": {}}})
		forged = must(t, c, err).SHA
		return nil
	})
	if got, err := r.PullsOf(t.Context(), forged); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a forged message: got %+v, %v", got, err)
	}
}

func TestIncompleteChanges(t *testing.T) {
	t.Parallel()
	r := fixedRepository(t, fixed{555, jsonKind, `{"type":"error","error":{"message":"timed out"}}`, nil})
	files, complete, err := r.PullFiles(t.Context(), 1)
	if err != nil || complete || len(files) > 0 {
		t.Errorf("got %v, %v, %v", files, complete, err)
	}
}

// TestManyHeads proves that a question about many branches is answered whole.
func TestManyHeads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	r := w.over(t, w.wire)
	var heads []string
	for i := range 24 {
		head := "towpath/bump/" + strconv.Itoa(i)
		heads = append(heads, head)
		if i%2 == 1 {
			continue
		}
		if _, err := commit(t, r, head, "", change("a.txt", head)); err != nil {
			t.Fatal(err)
		}
		for range 1 + i%3 {
			p, err := r.OpenPull(t.Context(), providers.NewPull{Head: head, Base: "main", Title: head})
			if _, err := r.UpdatePull(t.Context(), must(t, p, err).Number, providers.PullUpdate{Close: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	view, err := providers.Look(t.Context(), r, providers.Question{Heads: heads})
	must(t, view, err)
	count := map[string]int{}
	for _, p := range view.Pulls {
		count[p.Head.Branch]++
	}
	for i, head := range heads {
		_, there := view.Heads[head]
		if want := i%2 == 0; there != want || want && count[head] != 1+i%3 {
			t.Errorf("%s is there: %v, with %d pull requests", head, there, count[head])
		}
	}
}

// TestLookManyPulls proves that Look finds what is open, and some of each branch,
// by few requests, however many pull requests there are.
func TestLookManyPulls(t *testing.T) {
	t.Parallel()
	type pulls struct {
		head, base, fork string
		open             bool
		times            int
	}
	for name, test := range map[string]struct {
		pulls    []pulls // the oldest first
		heads    []string
		want     map[string]int // at least so many of each branch
		open     []int
		requests int
	}{
		"one busy branch": {
			pulls: []pulls{
				{head: "busy", base: "other", open: true, times: 1},
				{head: "quiet", base: "main", open: true, times: 1},
				{head: "rare", base: "main", times: 12},
				{head: "busy", base: "main", times: 400},
			},
			heads: []string{"new", "busy", "rare", "quiet", "newer"}, open: []int{1, 2}, requests: 6,
			want: map[string]int{"busy": providers.RecentPulls, "rare": providers.RecentPulls, "quiet": 1},
		},
		"an older one into another base": {
			pulls: []pulls{{head: "busy", base: "other", open: true, times: 1}, {head: "busy", base: "main", times: 60}},
			heads: []string{"busy"}, open: []int{1}, requests: 2, want: map[string]int{"busy": providers.RecentPulls},
		},
		"a new branch among busy ones": {
			pulls: []pulls{
				{head: "a", base: "main", times: 60},
				{head: "b", base: "main", times: 13},
				{head: "c", base: "main", times: 13},
				{head: "d", base: "main", times: 13},
				{head: "a", base: "main", times: 11},
			},
			heads: []string{"a", "b", "c", "d", "new"}, requests: 3,
			want: map[string]int{"a": providers.RecentPulls, "b": providers.RecentPulls, "c": providers.RecentPulls, "d": providers.RecentPulls},
		},
		"branches of forks": {
			pulls: []pulls{
				{head: "x", base: "main", times: 11},
				{head: "x", base: "main", open: true, times: 1},
				{head: "x", base: "main", fork: "stranger/config", times: 60},
			},
			heads: []string{"x"}, open: []int{12}, requests: 3, want: map[string]int{"x": providers.RecentPulls},
		},
		"few": {
			pulls: []pulls{{head: "x", base: "main", times: 3}, {head: "y", base: "main", open: true, times: 1}},
			heads: []string{"x", "y", "new"}, open: []int{4}, requests: 1, want: map[string]int{"x": 3, "y": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			repo := w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
			err := repo.Do(func(s *memory.State) error {
				if err := s.SetBranch("other", s.Branches["main"], "admin"); err != nil {
					return err
				}
				for _, of := range test.pulls {
					commit, err := s.Push(memory.Push{Branch: of.head, Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte(of.base)}}})
					if err != nil {
						return err
					}
					for range of.times {
						n := memory.NewPull{Head: of.head, Base: of.base, Title: "x", Actor: "admin"}
						if of.fork != "" {
							n.Fork, n.SHA = of.fork, commit.SHA
						}
						p, err := s.OpenPull(n)
						if err != nil {
							return err
						}
						if !of.open {
							s.ClosePull(p, "admin")
						}
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			seen := &recorder{RoundTripper: w.server.Client().Transport}
			view, err := providers.Look(t.Context(), w.over(t, seen), providers.Question{Heads: test.heads})
			must(t, view, err)
			requests := 0
			for _, told := range seen.told() {
				if strings.HasSuffix(told, "/pullrequests") {
					requests++
				}
			}
			if requests != test.requests {
				t.Errorf("it took %d requests for pull requests, want %d", requests, test.requests)
			}
			count, numbers := map[string]int{}, map[int]bool{}
			var open []int
			for _, p := range view.Pulls {
				if numbers[p.Number] || p.Head.Fork {
					t.Errorf("#%d is there twice, or is from a fork", p.Number)
				}
				numbers[p.Number] = true
				count[p.Head.Branch]++
				if p.State == providers.Open {
					open = append(open, p.Number)
				}
			}
			slices.Sort(open)
			if diff := cmp.Diff(test.open, open); diff != "" {
				t.Errorf("the open ones differ:\n%s", diff)
			}
			for head, want := range test.want {
				if count[head] < want {
					t.Errorf("%s has %d pull requests, want %d", head, count[head], want)
				}
			}
		})
	}
}

// TestNullParts reads pull requests of which Bitbucket does not know the source
// any more: that is null once a fork is deleted, as is the destination's commit
// once the branch is
// (https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/322).
func TestNullParts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source string
		want   providers.Head
	}{
		"a deleted fork":         {`{"branch":{"name":"x"},"repository":null,"commit":null}`, providers.Head{Branch: "x", Fork: true}},
		"no commit":              {`{"branch":{"name":"x"},"repository":{"full_name":"Acme/config"},"commit":null}`, providers.Head{Branch: "x"}},
		"nothing":                {`null`, providers.Head{Fork: true}},
		"a branch of null":       {`{"branch":null,"repository":{"full_name":"acme/config"}}`, providers.Head{}},
		"a commit without a SHA": {`{"branch":{"name":"x"},"repository":{"full_name":"acme/config"},"commit":{"hash":""}}`, providers.Head{Branch: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pull := `{"id":7,"title":"Bump","state":"OPEN","author":null,"source":` + test.source +
				`,"destination":{"branch":{"name":"main"},"repository":{"full_name":"acme/config"},"commit":null},"merge_commit":null,"reviewers":null}`
			r := fixedRepository(t, roundTrip(func(req *http.Request) (*http.Response, error) {
				switch {
				case strings.HasSuffix(req.URL.Path, "/pullrequests"):
					return fixed{http.StatusOK, jsonKind, `{"values":[` + pull + `]}`, nil}.RoundTrip(req)
				case strings.Contains(req.URL.Path, "/pullrequests/7"):
					return fixed{http.StatusOK, jsonKind, pull, nil}.RoundTrip(req)
				case strings.Contains(req.URL.Path, "/branches"):
					return fixed{http.StatusOK, jsonKind, `{"values":[{"name":"main","target":{"hash":"` + strings.Repeat("1", 40) + `"}}]}`, nil}.RoundTrip(req)
				}
				return fixed{http.StatusOK, jsonKind, `{"full_name":"acme/config","mainbranch":{"name":"main"}}`, nil}.RoundTrip(req)
			}))
			p, err := r.Pull(t.Context(), 7)
			want := providers.PullRequest{Number: 7, Title: "Bump", State: providers.Open, Base: "main", Head: test.want}
			if diff := cmp.Diff(want, p); diff != "" || err != nil {
				t.Errorf("the error is %v\n%s", err, diff)
			}
			if _, err := r.MergePull(t.Context(), 7, providers.Merge{Head: strings.Repeat("1", 40)}); !errors.Is(err, providers.ErrConflict) {
				t.Errorf("merging it: got the error %v, want ErrConflict", err)
			}
			view, err := providers.Look(t.Context(), r, providers.Question{Heads: []string{"x"}})
			if err != nil {
				t.Fatal(err)
			}
			if found := len(view.Pulls) == 1; found != (test.want == providers.Head{Branch: "x"}) || len(view.Heads) != 0 {
				t.Errorf("got %+v", view)
			}
		})
	}
}

// TestBranchGone proves that a pull request whose branch was deleted stays what
// it is, and that nothing is committed to the branch.
func TestBranchGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	r := w.over(t, w.wire)
	p, head := opened(t, r)
	if err := r.(providers.BranchDeleter).DeleteBranch(t.Context(), "x", head); err != nil {
		t.Fatal(err)
	}
	got, err := r.Pull(t.Context(), p.Number)
	if must(t, got, err); got.State != providers.Open || got.Head != (providers.Head{Branch: "x", SHA: head}) {
		t.Errorf("got %+v", got)
	}
	view, err := providers.Look(t.Context(), r, providers.Question{Heads: []string{"x"}})
	if must(t, view, err); len(view.Heads) != 0 || len(view.Pulls) != 1 || view.Pulls[0].State != providers.Open {
		t.Errorf("got %+v", view)
	}
	if _, err := commit(t, r, "x", head, add("more.txt", "more\n")); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("a commit to it: got the error %v, want ErrConflict", err)
	}
	if at, err := r.Resolve(t.Context(), "x"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the branch is at %q, and the error is %v", at, err)
	}
}

// TestQueries proves that names stand in queries as what they are.
func TestQueries(t *testing.T) {
	t.Parallel()
	var got url.Values
	r := fixedRepository(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		got = req.URL.Query()
		return fixed{http.StatusOK, jsonKind, `{"values":[]}`, nil}.RoundTrip(req)
	}))
	if _, err := r.Pulls(t.Context(), providers.PullQuery{Head: `a" OR "b\`, Base: "main", State: providers.Closed}); err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"q":     {`source.branch.name = "a\" OR \"b\\" AND destination.branch.name = "main"`},
		"state": {"DECLINED", "SUPERSEDED"}, "sort": {"-created_on"}, "pagelen": {"50"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAccessTokenIsExamined proves that a token which is nobody's is not called a
// bad one, and that a bad one is.
func TestAccessTokenIsExamined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	w.store.AddAccount(memory.Account{Login: "bot", Bot: true})
	w.store.AddToken(memory.Token{Value: "access-token", Login: "bot", Kind: "access"})
	if err := repo.Do(func(s *memory.State) error { s.Members["bot"] = providers.CanWrite; return nil }); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]providers.Answer{"access-token": providers.Yes, "wrong-token": providers.No} {
		o := w.options(w.server.Client().Transport)
		o.Token = token
		findings, err := w.repository(t, o).(providers.Examiner).Examine(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]providers.Answer{}
		for _, f := range findings {
			got[f.What] = f.Answer
		}
		if got[providers.UseCredential] != want || got[providers.SeeRepository] != want || (got[providers.PushBranches] == providers.No) != (want == providers.No) {
			t.Errorf("%s: got %v", token, got)
		}
	}
}

// TestTokenWithoutUser proves that a person's token which may not say whose it is
// finds its own comment, and changes nobody else's.
func TestTokenWithoutUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	w.store.AddToken(memory.Token{Value: "narrow", Login: "writer", Scopes: []string{"write:repository:bitbucket", "write:pullrequest:bitbucket"}})
	o := w.options(w.server.Client().Transport)
	o.Email, o.Token = "writer@example.com", "narrow"
	r := w.repository(t, o)
	p, _ := opened(t, w.over(t, w.server.Client().Transport))
	if _, err := w.as(t, providertest.Admin).AddComment(t.Context(), p.Number, "[//]: # (towpath:plan)\n\nby another person"); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"one", "two", "two"} {
		if _, err := r.UpsertComment(t.Context(), p.Number, "plan", body); err != nil {
			t.Fatal(err)
		}
	}
	comments, err := r.Comments(t.Context(), p.Number)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range comments {
		lines := strings.Split(strings.TrimSpace(c.Body), "\n")
		got = append(got, c.Author.Login+": "+lines[len(lines)-1])
	}
	if diff := cmp.Diff([]string{"admin: by another person", "writer: two"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestReviewerWhoLeft proves that one who may review no more keeps nobody from
// changing a pull request, and that the others stay.
func TestReviewerWhoLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
	for _, login := range []string{"eve", "ada", "bob"} {
		w.store.AddAccount(memory.Account{Login: login})
	}
	leave := func(logins ...string) {
		t.Helper()
		if err := repo.Do(func(s *memory.State) error {
			for _, login := range []string{"eve", "ada", "bob"} {
				s.Members[login] = providers.CanRead
			}
			for _, login := range logins {
				delete(s.Members, login)
			}
			s.Pulls[0].Reviewers = []string{"eve", "ada", "bob"}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	r := w.as(t, providertest.Writer)
	p, _ := opened(t, w.over(t, w.server.Client().Transport))
	reviewers := func() []string {
		t.Helper()
		var out []string
		if err := repo.Do(func(s *memory.State) error { out = s.Pulls[0].Reviewers; return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for title, test := range map[string]struct{ left, want []string }{
		"one left":  {[]string{"eve"}, []string{"ada", "bob"}},
		"two left":  {[]string{"eve", "bob"}, []string{"ada"}},
		"all left":  {[]string{"eve", "ada", "bob"}, nil},
		"none left": {nil, []string{"eve", "ada", "bob"}},
	} {
		leave(test.left...)
		got, err := r.UpdatePull(t.Context(), p.Number, providers.PullUpdate{Title: &title})
		if err != nil || got.Title != title {
			t.Errorf("%s: the title is %q, and the error %v", title, got.Title, err)
		}
		if diff := cmp.Diff(test.want, reviewers()); diff != "" {
			t.Errorf("%s: %s", title, diff)
		}
	}
	leave("eve", "bob")
	if err := r.(providers.ReviewRequester).RequestReviews(t.Context(), p.Number, []string{string(providertest.Admin)}, nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"ada", string(providertest.Admin)}, reviewers()); diff != "" {
		t.Error(diff)
	}
	leave("eve", "bob")
	stranger := bitbuckettest.UUID(w.store.AddAccount(memory.Account{Login: "stranger"}).ID)
	if err := r.(providers.ReviewRequester).RequestReviews(t.Context(), p.Number, []string{stranger}, nil); !errors.Is(err, providers.ErrForbidden) {
		t.Errorf("a stranger is asked: %v", err)
	}
	if diff := cmp.Diff([]string{"ada"}, reviewers()); diff != "" {
		t.Error(diff)
	}
	leave("eve")
	if err := r.(providers.Drafter).SetDraft(t.Context(), p.Number, true); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"eve", "ada", "bob"}, reviewers()); diff != "" {
		t.Error(diff)
	}
}
