package gitlab_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitlab"
	"github.com/towpath-dev/towpath/providers/gitlab/gitlabtest"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// TestLookOldServer looks at a server that does not know the parameter regex.
func TestLookOldServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			q := req.URL.Query()
			q.Del("regex")
			req.URL.RawQuery = q.Encode()
			next.ServeHTTP(w, req)
		})
	})
	p := w.project(t, map[string]string{"a.txt": "a\n"})
	p.do(t, func(s *memory.State) {
		for i := range 150 {
			_ = s.SetBranch(fmt.Sprintf("a-%03d", i), s.Branches["main"], "admin")
		}
	})
	v, err := p.as(t, providertest.Writer, nil).(providers.Looker).Look(t.Context(), providers.Question{Heads: []string{"a-007", "absent"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"a-007": v.SHA}; v.SHA == "" || !cmp.Equal(v.Heads, want) {
		t.Errorf("main is at %q and the heads are %v, want %v", v.SHA, v.Heads, want)
	}
}

// TestLookManyPulls looks for a head whose merge requests are not among the latest
// 100 of all heads.
func TestLookManyPulls(t *testing.T) {
	t.Parallel()
	p := newProject(t, map[string]string{"a.txt": "a\n"})
	p.do(t, func(s *memory.State) {
		for _, branch := range []string{"rare", "busy"} {
			for range map[string]int{"rare": 12, "busy": 100}[branch] {
				if _, err := s.Push(memory.Push{Branch: branch, Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte(branch)}}}); err != nil {
					t.Error(err)
				}
				m, err := s.OpenPull(memory.NewPull{Head: branch, Base: "main", Title: branch, Actor: "admin"})
				if err != nil {
					t.Error(err)
					return
				}
				s.ClosePull(m, "admin")
			}
		}
	})
	v, err := p.as(t, providertest.Writer, nil).(providers.Looker).Look(t.Context(), providers.Question{Heads: []string{"busy", "rare"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, pull := range v.Pulls {
		got[pull.Head.Branch]++
	}
	if want := map[string]int{"busy": 100, "rare": providers.RecentPulls}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestUnsettled merges what GitLab does not yet know to be fit for it.
func TestUnsettled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		refusals int32
		status   string
		merged   bool
	}{
		"soon":           {2, "checking", true},
		"never":          {99, "preparing", false},
		"for a reason":   {1, "ci_must_pass", false},
		"from the first": {0, "mergeable", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused atomic.Int32
			w := newWorld(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					switch {
					case strings.HasSuffix(req.URL.Path, "/merge") && refused.Add(1) <= tt.refusals:
						w.Header().Set("Content-Type", "application/json")
						w.WriteHeader(http.StatusMethodNotAllowed)
						_, _ = w.Write([]byte(`{"message":"405 Method Not Allowed"}`))
					case strings.HasSuffix(req.URL.Path, "/merge_requests/1") && refused.Load() > 0:
						w.Header().Set("Content-Type", "application/json")
						_, _ = fmt.Fprintf(w, `{"iid":1,"state":"opened","detailed_merge_status":%q}`, tt.status)
					default:
						next.ServeHTTP(w, req)
					}
				})
			})
			p := w.project(t, map[string]string{"a.txt": "a\n"})
			head := ""
			p.do(t, func(s *memory.State) {
				c, _ := s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte("x")}}})
				head = c.SHA
				_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
			})
			var waited []time.Duration
			r := p.with(t, gitlab.Options{Token: providertest.Token(providertest.Writer), Transport: transport.Options{
				Sleep: func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil },
			}})
			sha, err := r.MergePull(t.Context(), 1, providers.Merge{Head: head})
			if tt.merged != (err == nil) || tt.merged != (sha != "") {
				t.Errorf("got %q and the error %v", sha, err)
			}
			if err != nil && !errors.Is(err, providers.ErrForbidden) {
				t.Errorf("got the error %v, want one that wraps ErrForbidden", err)
			}
			want := map[string]int{"soon": 2, "never": 4}[name]
			if len(waited) != want {
				t.Errorf("it waited %v, want %d times", waited, want)
			}
		})
	}
}

// TestMergeMethods asks projects for what they do not do.
func TestMergeMethods(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		methods []providers.MergeMethod
		ask     providers.MergeMethod
		refused bool
	}{
		"squash where it is off":       {[]providers.MergeMethod{providers.MergeCommit}, providers.Squash, true},
		"no squash where it is forced": {[]providers.MergeMethod{providers.Squash}, providers.Rebase, true},
		"commit where there is none":   {[]providers.MergeMethod{providers.Rebase}, providers.MergeCommit, true},
		"rebase where commits are":     {[]providers.MergeMethod{providers.MergeCommit}, providers.Rebase, true},
		"whatever it does":             {[]providers.MergeMethod{providers.Squash}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, map[string]string{"a.txt": "a\n"})
			head := ""
			p.do(t, func(s *memory.State) {
				s.Methods = tt.methods
				c, _ := s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte("x")}}})
				head = c.SHA
				_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
			})
			_, err := p.as(t, providertest.Writer, nil).MergePull(t.Context(), 1, providers.Merge{Head: head, Method: tt.ask, Message: "Only a body"})
			if tt.refused {
				isFault(t, err, providers.ErrForbidden, "the project", "settings")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAutoMergeAtOnce enables it where the pipeline has passed.
func TestAutoMergeAtOnce(t *testing.T) {
	t.Parallel()
	p := newProject(t, map[string]string{"a.txt": "a\n"})
	head := ""
	p.do(t, func(s *memory.State) {
		c, _ := s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte("x")}}})
		head = c.SHA
		_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
	})
	r := p.as(t, providertest.Writer, nil)
	if err := r.SetStatus(t.Context(), head, providers.Status{Name: "x", State: providers.Passed, Branch: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := r.(providers.AutoMerger).EnableAutoMerge(t.Context(), 1, providers.Merge{Head: head}); err != nil {
		t.Fatal(err)
	}
	if pull, err := r.Pull(t.Context(), 1); err != nil || pull.State != providers.Merged {
		t.Errorf("it is %s, and the error is %v", pull.State, err)
	}
}

// TestAutoMergePipeline enables it before GitLab has made the pipeline, which it
// waits for if one is to come.
func TestAutoMergePipeline(t *testing.T) {
	t.Parallel()
	// The first read is that which tells whether GitLab still works it out.
	const none = "no pipeline has begun"
	required := func(s *memory.State) { s.Protected["main"] = memory.Protection{Checks: []string{"build"}} }
	for name, tt := range map[string]struct {
		files  []string // besides a.txt
		set    func(*gitlabtest.Server)
		before func(*memory.State)
		who    providertest.Who // "" means the writer, who does not see whether Auto DevOps is on
		merged bool             // at once
		fault  string           // "" means that it is enabled, or merged at once
		waits  int
	}{
		"no CI":                     {merged: true},
		"no CI for a maintainer":    {who: providertest.Admin, merged: true},
		"another file":              {files: []string{"ci/other.yml"}, merged: true},
		"pipelines are disabled":    {files: []string{".gitlab-ci.yml"}, set: func(s *gitlabtest.Server) { s.Builds = "disabled" }, merged: true},
		"the pipeline comes late":   {files: []string{".gitlab-ci.yml"}, set: func(s *gitlabtest.Server) { s.PipelineAfter = 4 }, waits: 2},
		"the pipeline comes soon":   {files: []string{".gitlab-ci.yml"}, set: func(s *gitlabtest.Server) { s.PipelineAfter = 2 }},
		"the pipeline never comes":  {files: []string{".gitlab-ci.yml"}, fault: none, waits: 4},
		"the pipeline comes by far": {files: []string{".gitlab-ci.yml"}, set: func(s *gitlabtest.Server) { s.PipelineAfter = 9 }, fault: none, waits: 4},
		"a path of its own": {
			files: []string{"ci/other.yml"}, set: func(s *gitlabtest.Server) { s.CIPath = "ci/other.yml" }, fault: none, waits: 4,
		},
		"a path to nothing": {files: []string{".gitlab-ci.yml"}, set: func(s *gitlabtest.Server) { s.CIPath = "ci/other.yml" }, merged: true},
		"a URL": {
			set: func(s *gitlabtest.Server) { s.CIPath, s.PipelineAfter = "https://ci.example.com/config.yml", 3 }, waits: 1,
		},
		"a file of another project": {set: func(s *gitlabtest.Server) { s.CIPath = "ci.yml@acme/ci" }, fault: none, waits: 4},
		"Auto DevOps for a maintainer": {
			set: func(s *gitlabtest.Server) { s.AutoDevOps, s.PipelineAfter = true, 3 }, who: providertest.Admin, waits: 1,
		},
		"Auto DevOps by the pipelines of pushes": {
			set: func(s *gitlabtest.Server) { s.AutoDevOps, s.PipelineAfter = true, 3 },
			before: func(s *memory.State) {
				s.SetStatus(s.Branches["main"], "", providers.Status{Name: "build", State: providers.Passed})
			},
			waits: 1,
		},
		"statuses of others are no CI": {
			before: func(s *memory.State) {
				s.SetStatus(s.Branches["main"], "admin", providers.Status{Name: "x", State: providers.Passed})
			},
			merged: true,
		},
		"a required pipeline on a server that does not wait for one": {
			files: []string{".gitlab-ci.yml"}, set: func(s *gitlabtest.Server) { s.NeedsPipeline, s.PipelineAfter = true, 3 }, before: required, waits: 1,
		},
		"a required check without CI on such a server": {
			set: func(s *gitlabtest.Server) { s.NeedsPipeline = true }, before: required, fault: "Method Not Allowed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"a.txt": "a\n"}
			for _, path := range tt.files {
				files[path] = "build: {script: make}\n"
			}
			p := newProject(t, files)
			if tt.set != nil {
				tt.set(p.imit)
			}
			head := ""
			p.do(t, func(s *memory.State) {
				if tt.before != nil {
					tt.before(s)
				}
				c, _ := s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte("x")}}})
				head = c.SHA
				_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
			})
			var waited time.Duration
			waits := 0
			who := tt.who
			if who == "" {
				who = providertest.Writer
			}
			r := p.with(t, gitlab.Options{Token: providertest.Token(who), Transport: transport.Options{
				Sleep: func(_ context.Context, d time.Duration) error {
					waited += d
					waits++
					return nil
				},
			}})
			err := r.(providers.AutoMerger).EnableAutoMerge(t.Context(), 1, providers.Merge{Head: head})
			if tt.fault == "" && err != nil {
				t.Error(err)
			}
			if tt.fault != "" {
				isFault(t, err, providers.ErrForbidden, tt.fault, "")
			}
			if waits != tt.waits || waited > 15*time.Second {
				t.Errorf("it waited %d times, %v in all; want %d times", waits, waited, tt.waits)
			}
			if tt.fault == none {
				before := waits
				_ = r.(providers.AutoMerger).EnableAutoMerge(t.Context(), 1, providers.Merge{Head: head})
				if waits != before {
					t.Errorf("it waited %d times again", waits-before)
				}
			}
			p.do(t, func(s *memory.State) {
				got := s.Pull(1)
				if (got.State == providers.Merged) != tt.merged || (got.AutoMerge != nil) != (tt.fault == "" && !tt.merged) {
					t.Errorf("it is %s, and auto-merge is %+v", got.State, got.AutoMerge)
				}
			})
		})
	}
}

// TestAutoMergeStalePipeline enables it while GitLab still shows the pipeline of
// the head before.
func TestAutoMergeStalePipeline(t *testing.T) {
	t.Parallel()
	reads, asked := 0, 0
	w := newWorld(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case strings.HasSuffix(req.URL.Path, "/merge"):
				if asked++; reads < 3 {
					w.WriteHeader(http.StatusMethodNotAllowed)
					_, _ = w.Write([]byte(`{"message":"405 Method Not Allowed"}`))
					return
				}
				_, _ = w.Write([]byte(`{"iid":1,"state":"opened","merge_when_pipeline_succeeds":true}`))
			case strings.HasSuffix(req.URL.Path, "/merge_requests/1"):
				pipeline := `{"id":1,"sha":"` + strings.Repeat("2", 40) + `"}`
				if reads++; reads > 2 {
					pipeline = `{"id":2,"sha":"` + someSHA + `"}`
				}
				_, _ = fmt.Fprintf(w, `{"iid":1,"state":"opened","sha":%q,"detailed_merge_status":"mergeable","head_pipeline":%s}`, someSHA, pipeline)
			default:
				next.ServeHTTP(w, req)
			}
		})
	})
	p := w.project(t, map[string]string{"a.txt": "a\n"})
	err := p.as(t, providertest.Writer, nil).(providers.AutoMerger).EnableAutoMerge(t.Context(), 1, providers.Merge{Head: someSHA})
	if err != nil || reads < 3 || asked != 3 {
		t.Errorf("after %d reads it was asked for %d times, and the error is %v", reads, asked, err)
	}
}

// TestBranchGone commits to a branch that was deleted while its merge request
// stayed open.
func TestBranchGone(t *testing.T) {
	t.Parallel()
	p := newProject(t, map[string]string{"a.txt": "a\n"})
	var base, head string
	p.do(t, func(s *memory.State) {
		base = s.Branches["main"]
		c, _ := s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte("x")}}})
		head = c.SHA
		_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
		s.DeleteBranch("x", "admin")
	})
	r := p.as(t, providertest.Writer, nil)
	pull, err := r.Pull(t.Context(), 1)
	if want := (providers.Head{Branch: "x", SHA: head}); err != nil || pull.State != providers.Open || pull.Head != want {
		t.Errorf("got %+v and the error %v", pull, err)
	}
	v, err := r.(providers.Looker).Look(t.Context(), providers.Question{Heads: []string{"x"}})
	if err != nil || len(v.Heads) != 0 || len(v.Pulls) != 1 || v.Pulls[0].State != providers.Open {
		t.Errorf("got %+v and the error %v", v, err)
	}
	for name, parent := range map[string]string{"added to": head, "rebuilt": base} {
		_, err := r.Commit(t.Context(), providers.CommitRequest{
			Branch: "x", Parent: parent, Head: head, Message: "x", Changes: []providers.Change{{Path: "n", Content: []byte("n")}},
		})
		if !errors.Is(err, providers.ErrConflict) {
			t.Errorf("%s: got the error %v, want ErrConflict", name, err)
		}
	}
	if at, err := r.Resolve(t.Context(), "x"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the branch is at %q, and the error is %v", at, err)
	}
}

// TestNullParts reads merge requests of which GitLab does not know the source any
// more, as of a fork that was deleted.
func TestNullParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case strings.HasSuffix(req.URL.Path, "/merge_requests/7"):
				_, _ = fmt.Fprint(w, `{"iid":7,"title":"Bump","state":"opened","author":null,"source_branch":"x","source_project_id":null,`+
					`"target_branch":"main","target_project_id":1,"sha":null,"merge_commit_sha":null,"labels":null,"head_pipeline":null,"created_at":null}`)
			case strings.HasSuffix(req.URL.Path, "/graphql"):
				_, _ = fmt.Fprint(w, `{"data":{"project":{"webUrl":"https://gitlab.test/acme/config","repository":{"rootRef":"main","empty":false},`+
					`"mergeRequests":{"pageInfo":{"hasNextPage":false},"nodes":[`+
					`{"iid":"7","state":"opened","sourceBranch":"x","sourceProjectId":null,"targetProjectId":1,"diffHeadSha":null,"author":null,"labels":null},`+
					`{"iid":"8","state":"opened","sourceBranch":"x","sourceProjectId":1,"targetProjectId":1,"diffHeadSha":null,"author":null,"labels":null}]}}}}`)
			default:
				next.ServeHTTP(w, req)
			}
		})
	})
	r := w.project(t, map[string]string{"a.txt": "a\n"}).as(t, providertest.Writer, nil)
	pull, err := r.Pull(t.Context(), 7)
	want := providers.PullRequest{Number: 7, Title: "Bump", State: providers.Open, Base: "main", Head: providers.Head{Branch: "x", Fork: true}}
	if diff := cmp.Diff(want, pull); diff != "" || err != nil {
		t.Errorf("the error is %v\n%s", err, diff)
	}
	v, err := r.(providers.Looker).Look(t.Context(), providers.Question{Heads: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]providers.PullRequest{{Number: 8, State: providers.Open, Head: providers.Head{Branch: "x"}}}, v.Pulls); diff != "" {
		t.Error(diff)
	}
}

// TestGuard adds to a branch on which a file changed and changed back.
func TestGuard(t *testing.T) {
	t.Parallel()
	p := newProject(t, map[string]string{"a.txt": "a\n", "b.txt": "b\n"})
	r := p.as(t, providertest.Writer, nil)
	sha, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.Files(t.Context(), sha, []string{"a.txt"})
	if err != nil {
		t.Fatal(err)
	}
	p.do(t, func(s *memory.State) {
		_, _ = s.Push(memory.Push{Branch: "main", Actor: "admin", Files: map[string]*memory.File{"b.txt": {Content: []byte("B\n")}}})
	})
	entry := before["a.txt"].Entry
	request := providers.CommitRequest{
		Branch: "main", Parent: sha, Head: sha, Message: "x",
		Changes: []providers.Change{{Before: &entry, Path: "a.txt", Content: []byte("A\n")}},
	}
	if _, err := r.Commit(t.Context(), request); err != nil {
		t.Errorf("another file changed: %v", err)
	}
	if _, err := r.Commit(t.Context(), request); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("the file changed: got the error %v, want ErrConflict", err)
	}
	stale := providers.Entry{Path: "a.txt", ID: strings.Repeat("2", 40)}
	request.Changes[0].Before = &stale
	if _, err := r.Commit(t.Context(), request); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("the file was never so: got the error %v, want ErrConflict", err)
	}
}

// TestCompareLong compares commits between which GitLab leaves out files.
func TestCompareLong(t *testing.T) {
	t.Parallel()
	first := map[string]string{"old/name.txt": "renamed\n", "gone.txt": "gone\n"}
	p := newProject(t, first)
	var base, head string
	p.do(t, func(s *memory.State) {
		base = s.Branches["main"]
		files := map[string]*memory.File{"old/name.txt": nil, "gone.txt": nil, "new/name.txt": {Content: []byte("renamed\n")}}
		for i := range 1200 {
			files[fmt.Sprintf("many/%04d.txt", i)] = &memory.File{Content: fmt.Append(nil, i)}
		}
		c, err := s.Push(memory.Push{Branch: "x", Actor: "admin", Files: files})
		if err != nil {
			t.Error(err)
			return
		}
		head = c.SHA
		_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
	})
	r := p.as(t, providertest.Writer, nil)
	c, err := r.Compare(t.Context(), base, head)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Files) != 1202 || !c.Complete {
		t.Errorf("got %d files, complete %v; want 1202", len(c.Files), c.Complete)
	}
	for _, want := range []providers.ChangedFile{
		{Path: "new/name.txt", OldPath: "old/name.txt", Status: providers.Renamed}, {Path: "gone.txt", Status: providers.Removed},
	} {
		if !slices.Contains(c.Files, want) {
			t.Errorf("%+v is missing", want)
		}
	}
	files, complete, err := r.PullFiles(t.Context(), 1)
	if err != nil || complete || len(files) != 1000 {
		t.Errorf("the merge request has %d files, complete %v, and the error %v; want 1000 that are not complete", len(files), complete, err)
	}
}

// TestCompareUnrelated compares commits that have nothing in common.
func TestCompareUnrelated(t *testing.T) {
	t.Parallel()
	p := newProject(t, map[string]string{"a.txt": "a\n"})
	var base, other string
	p.do(t, func(s *memory.State) {
		base = s.Branches["main"]
		c, err := s.NewCommit(memory.NewCommit{Files: s.Put(memory.Files{}, map[string]*memory.File{"x": {Content: []byte("x")}}), Message: "Another root"})
		if err != nil {
			t.Error(err)
			return
		}
		other = c.SHA
		_ = s.SetBranch("other", other, "admin")
	})
	c, err := p.as(t, providertest.Writer, nil).Compare(t.Context(), base, other)
	if err != nil {
		t.Fatal(err)
	}
	if c.MergeBase != "" || len(c.Commits) != 1 || c.Complete {
		t.Errorf("got %+v", c)
	}
}

// TestChecks reads statuses and jobs, of which GitLab has more states than it
// takes.
func TestChecks(t *testing.T) {
	t.Parallel()
	body := `[
		{"id":1,"name":"build","status":"failed"}, {"id":2,"name":"build","status":"success"},
		{"id":3,"name":"flaky","status":"failed","allow_failure":true}, {"id":4,"name":"deploy","status":"manual","allow_failure":true},
		{"id":5,"name":"gate","status":"manual"}, {"id":6,"name":"queued","status":"waiting_for_resource"},
		{"id":7,"name":"test","status":"failed"}, {"id":8,"name":"old","status":"skipped"}]`
	got, err := answering(t, 200, "application/json", body).Checks(t.Context(), someSHA)
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.Check{
		{Name: "build", State: providers.Passed},
		{Name: "deploy", State: providers.Skipped},
		{Name: "flaky", State: providers.Skipped},
		{Name: "gate", State: providers.Pending},
		{Name: "old", State: providers.Skipped},
		{Name: "queued", State: providers.Pending},
		{Name: "test", State: providers.Failed},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestHookHealth reads webhooks that GitLab has disabled.
func TestHookHealth(t *testing.T) {
	t.Parallel()
	r := answering(t, 200, "application/json", `[
		{"id":1,"url":"https://a.test","push_events":true,"note_events":true,"alert_status":"executable"},
		{"id":2,"url":"https://b.test","alert_status":"temporarily_disabled","disabled_until":"2026-11-22T10:00:00Z"},
		{"id":3,"url":"https://c.test","alert_status":"disabled"}]`)
	got, err := r.(providers.Hooks).Hooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.Hook{
		{ID: "1", URL: "https://a.test", Active: true, Events: []string{"push", "note"}},
		{ID: "2", URL: "https://b.test", Problem: "GitLab has disabled it for a while, since deliveries failed, until 2026-11-22T10:00:00Z"},
		{ID: "3", URL: "https://c.test", Problem: "GitLab has disabled it, since deliveries failed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestExamine examines what credentials of all sorts may do.
func TestExamine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token    *memory.Token // of writer; nil means none
		archived bool
		public   bool
		want     map[string]providers.Answer
	}{
		"api": {&memory.Token{Scopes: []string{"api"}}, false, false, map[string]providers.Answer{
			providers.UseCredential: providers.Yes, providers.SeeRepository: providers.Yes, providers.ReadFiles: providers.Yes,
			providers.PushBranches: providers.Yes, "push to the base branch": providers.Yes, providers.OpenPulls: providers.Yes,
			"comment": providers.Yes, "set statuses": providers.Yes, "merge": providers.Yes, "add labels": providers.Yes,
			"read who may do what": providers.Yes, "register webhooks": providers.No,
		}},
		"read_api": {&memory.Token{ReadOnly: true}, false, false, map[string]providers.Answer{
			providers.UseCredential: providers.Yes, providers.SeeRepository: providers.Yes, providers.ReadFiles: providers.Yes,
			providers.PushBranches: providers.No, "push to the base branch": providers.No, providers.OpenPulls: providers.No,
			"comment": providers.No, "set statuses": providers.No, "merge": providers.No, "add labels": providers.No,
			"read who may do what": providers.Yes, "register webhooks": providers.No,
		}},
		"job": {&memory.Token{Kind: "job"}, false, false, map[string]providers.Answer{
			providers.UseCredential: providers.Yes, providers.SeeRepository: providers.No, providers.ReadFiles: providers.No,
			providers.PushBranches: providers.No, "push to the base branch": providers.No, providers.OpenPulls: providers.No,
			"comment": providers.No, "set statuses": providers.No, "merge": providers.No, "add labels": providers.No,
			"read who may do what": providers.No, "register webhooks": providers.No,
		}},
		"job in a public project": {&memory.Token{Kind: "job"}, false, true, map[string]providers.Answer{
			providers.UseCredential: providers.Yes, providers.SeeRepository: providers.Yes, providers.ReadFiles: providers.Yes,
			providers.PushBranches: providers.No, "push to the base branch": providers.No, providers.OpenPulls: providers.No,
			"comment": providers.No, "set statuses": providers.No, "merge": providers.No, "add labels": providers.No,
			"read who may do what": providers.No, "register webhooks": providers.No,
		}},
		"none": {nil, false, false, map[string]providers.Answer{
			providers.UseCredential: providers.No, providers.SeeRepository: providers.No, providers.ReadFiles: providers.No,
			providers.PushBranches: providers.No, "push to the base branch": providers.No, providers.OpenPulls: providers.No,
			"comment": providers.No, "set statuses": providers.No, "merge": providers.No, "add labels": providers.No,
			"read who may do what": providers.No, "register webhooks": providers.No,
		}},
		"archived": {&memory.Token{Scopes: []string{"api"}}, true, false, map[string]providers.Answer{
			providers.UseCredential: providers.Yes, providers.SeeRepository: providers.Yes, providers.ReadFiles: providers.Yes,
			providers.PushBranches: providers.No, "push to the base branch": providers.No, providers.OpenPulls: providers.No,
			"comment": providers.No, "set statuses": providers.No, "merge": providers.No, "add labels": providers.No,
			"read who may do what": providers.Yes, "register webhooks": providers.No,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, map[string]string{"a.txt": "a\n"})
			p.do(t, func(s *memory.State) { s.Archived, s.Public = tt.archived, tt.public })
			var o gitlab.Options
			if tt.token != nil {
				token := *tt.token
				token.Value, token.Login = "glpat-special", "writer"
				p.forge.AddToken(token)
				o.Token = token.Value
				if token.Kind == "job" {
					o.Token, o.JobToken = "", token.Value
				}
			}
			findings, err := p.with(t, o).(providers.Examiner).Examine(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]providers.Answer{}
			for _, f := range findings {
				got[f.What] = f.Answer
				if (f.Hint == "") != (f.Answer == providers.Yes) {
					t.Errorf("%+v: only what can be done has no hint", f)
				}
				if o.JobToken != "" && f.Answer != providers.Yes && !strings.HasPrefix(f.Hint, jobHint) {
					t.Errorf("%+v: the hint is not that a job's token does not do", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the answers differ:\n%s\n%+v", diff, findings)
			}
		})
	}
}

// TestJobToken reads a public project with a job's token, by REST alone.
func TestJobToken(t *testing.T) {
	t.Parallel()
	p := newProject(t, map[string]string{"a.txt": "a\n"})
	p.do(t, func(s *memory.State) { s.Public = true })
	p.forge.AddToken(memory.Token{Value: "job-x", Login: "writer", Kind: "job"})
	wire := &providertest.Wire{Base: p.client.Transport}
	r := p.with(t, gitlab.Options{JobToken: "job-x", Transport: transport.Options{Base: wire}})
	v, err := r.(providers.Looker).Look(t.Context(), providers.Question{Heads: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Files(t.Context(), v.SHA, []string{"a.txt"})
	if err != nil || string(files["a.txt"].Content) != "a\n" {
		t.Errorf("got %v and the error %v", files, err)
	}
	self, err := r.Self(t.Context())
	if err != nil || self.Login != "writer" {
		t.Errorf("it is %+v, and the error is %v", self, err)
	}
	for _, request := range wire.Requests() {
		if strings.Contains(request, "graphql") {
			t.Errorf("there was the request %s", request)
		}
	}
}

// TestPublic asks for who has no role in a public project.
func TestPublic(t *testing.T) {
	t.Parallel()
	p := newProject(t, map[string]string{"a.txt": "a\n"})
	p.do(t, func(s *memory.State) { s.Public = true })
	r := p.as(t, providertest.Writer, nil)
	for login, want := range map[string]providers.Permission{
		"stranger": providers.CanRead, "nobody-at-all": providers.NoAccess, "admin": providers.CanAdmin,
	} {
		got, err := r.Permission(t.Context(), providers.User{Login: login})
		if err != nil || got != want {
			t.Errorf("%s has the permission %v, want %v, and the error is %v", login, got, want, err)
		}
	}
}

// TestPaths sends projects below groups, and refs, escaped.
func TestPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	repo, err := w.forge.AddRepo("acme/sub.group/config", memory.RepoOptions{Public: true, Files: map[string]memory.File{"a": {Content: []byte("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	wire := &providertest.Wire{Base: w.client.Transport}
	r := project{w, repo}.with(t, gitlab.Options{Transport: transport.Options{Base: wire}})
	if _, err := r.Resolve(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	u := w.url + "/api/v4/projects/acme%2Fsub%2Egroup%2Fconfig/repository/branches/main"
	if diff := cmp.Diff([]string{"GET " + u}, wire.Requests()); diff != "" {
		t.Error(diff)
	}
}
