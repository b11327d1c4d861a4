package github_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/github"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// TestMissingFiles has GitHub say in its own way that files are not there.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	const (
		found   = `{"mode": 33188, "oid": "422c2b7ab3b3c668038da977e4e93a5fc623169c", "object": {"byteSize": 4, "text": "a\nb\n"}}`
		missing = `{"type": "NOT_FOUND", "path": ["repository", "object", "f0"], "locations": [{"line": 2, "column": 5}], "message": "Could not resolve file for path 'x'."}`
		other   = `{"type": "NOT_FOUND", "path": ["repository", "object", "f2"], "locations": [{"line": 4, "column": 5}], "message": "Could not resolve file for path 'y'."}`
	)
	data := func(object string) string { return `{"data": {"repository": {"object": ` + object + `}}, "errors": [` }
	some := data(`{"__typename": "Commit", "f0": null, "f1": ` + found + `, "f2": null}`)
	for name, test := range map[string]struct {
		body string
		want error  // nil means that a.txt is there alone
		text string // a part of the error
		not  error
	}{
		"missing":               {body: some + missing + `, ` + other + `]}`},
		"without an error":      {body: strings.Replace(some, `, "errors": [`, `}`, 1)},
		"no commit":             {body: data(`null`) + missing + `]}`, want: providers.ErrNotFound, text: "there is no commit"},
		"no such object":        {body: data(`null`) + `{"type": "NOT_FOUND", "path": ["repository", "object"], "message": "Nothing."}]}`, want: providers.ErrNotFound, text: "Nothing."},
		"no repository":         {body: `{"data": {"repository": null}, "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve to a Repository."}]}`, want: providers.ErrNotFound, text: "to a Repository"},
		"a part of a file":      {body: some + `{"type": "NOT_FOUND", "path": ["repository", "object", "f1", "object"], "message": "No blob."}]}`, want: providers.ErrNotFound, text: "No blob."},
		"forbidden":             {body: some + missing + `, {"type": "FORBIDDEN", "path": ["repository", "object", "f2"], "message": "Not you."}]}`, want: providers.ErrForbidden, text: "Not you."},
		"too much":              {body: some + missing + `, {"type": "RESOURCE_LIMITS_EXCEEDED", "path": ["repository", "object", "f2"], "message": "Too much."}]}`, text: "Too much.", not: providers.ErrNotFound},
		"failed in the middle":  {body: some + missing + `, {"message": "Something went wrong while executing your query."}]}`, text: "out of order", not: providers.ErrNotFound},
		"limited in the middle": {body: some + missing + `, {"type": "RATE_LIMIT", "message": "API rate limit already exceeded for user ID 1."}]}`, text: "rate limit", not: providers.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := scripted(t, "x", script{"file(path": {200, nil, test.body}})
			got, err := r.Files(t.Context(), strings.Repeat("a", 40), []string{"x", "a.txt", "y"})
			if test.text == "" {
				if err != nil || len(got) != 1 || got["a.txt"].ID == "" {
					t.Errorf("got %+v and the error %v, want a.txt alone", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.text) || test.want != nil && !errors.Is(err, test.want) || test.not != nil && errors.Is(err, test.not) {
				t.Errorf("got %+v and the error %v, want one that wraps %v with %q in it", got, err, test.want, test.text)
			}
		})
	}
}

// TestLongComparison has a branch change more files than GitHub lists, and wants
// trees to be read for it only then.
func TestLongComparison(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := map[string]providertest.File{"gone.txt": {Content: "gone\n"}, "old.txt": {Content: "moved\n"}, "same.txt": {Content: "same\n"}, "zz.txt": {Content: "0\n"}}
	r, _, repo := w.repo(t, files)
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	push := func(from string, files map[string]*memory.File) (sha string) {
		t.Helper()
		err := repo.Do(func(s *memory.State) error {
			c, err := s.Push(memory.Push{Branch: "x", From: from, Actor: "admin", Message: "Change", Files: files})
			if err == nil {
				sha = c.SHA
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return sha
	}
	var want []providers.ChangedFile
	changes := map[string]*memory.File{}
	for i := range 299 {
		path := fmt.Sprintf("new/%03d.txt", i)
		changes[path] = &memory.File{Content: []byte(path)}
		want = append(want, providers.ChangedFile{Path: path, Status: providers.Added})
	}
	compare := func(head string, requests int) {
		t.Helper()
		w.wire.Requests()
		got, err := r.Compare(t.Context(), base, head)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Complete || got.MergeBase != base {
			t.Errorf("the comparison is complete: %v, and begins at %s, want %s", got.Complete, got.MergeBase, base)
		}
		slices.SortFunc(want, func(a, b providers.ChangedFile) int { return strings.Compare(a.Path, b.Path) })
		if diff := cmp.Diff(want, got.Files); diff != "" {
			t.Errorf("with %d files (-want +got):\n%s", len(want), diff)
		}
		if asked := w.wire.Requests(); len(asked) != requests {
			t.Errorf("with %d files it took %q, want %d requests", len(want), asked, requests)
		}
	}
	compare(push("", changes), 1)
	head := push("", map[string]*memory.File{
		"zz.txt": {Content: []byte("1\n")}, "gone.txt": nil, "old.txt": nil, "renamed.txt": {Content: []byte("moved\n")},
	})
	want = append(want,
		providers.ChangedFile{Path: "gone.txt", Status: providers.Removed},
		providers.ChangedFile{Path: "renamed.txt", OldPath: "old.txt", Status: providers.Renamed},
		providers.ChangedFile{Path: "zz.txt", Status: providers.Modified})
	compare(head, 3)
}

// TestComparisonOfTruncatedTrees has a comparison that is cut short, of trees
// that cannot be listed whole.
func TestComparisonOfTruncatedTrees(t *testing.T) {
	t.Parallel()
	files := strings.TrimSuffix(strings.Repeat(`{"filename": "a", "status": "added"},`, 300), ",")
	r := scripted(t, "x", script{
		"GET /repos/acme/config/compare/b...h": {200, nil, `{"merge_base_commit": {"sha": "b"}, "total_commits": 0, "files": [` + files + `]}`},
		"GET /repos/acme/config/git/trees/b":   {200, nil, `{"sha": "t", "truncated": true, "tree": []}`},
	})
	got, err := r.Compare(t.Context(), "b", "h")
	if err != nil {
		t.Fatal(err)
	}
	if got.Complete || len(got.Files) != 300 {
		t.Errorf("got %d files, complete: %v", len(got.Files), got.Complete)
	}
}

// TestLookAtMany asks about more heads than go into one query.
func TestLookAtMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	const many = 60
	var heads []string
	for i := range many {
		heads = append(heads, fmt.Sprintf("x-%02d", i))
	}
	for _, i := range []int{0, 24, 25, 50, many - 1} {
		if _, err := r.Commit(t.Context(), providers.CommitRequest{Branch: heads[i], Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", heads[i])}}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.OpenPull(t.Context(), providers.NewPull{Head: heads[i], Base: "main", Title: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	for n, requests := range map[int]int{0: 1, 1: 1, 25: 1, 26: 2, many: 3} {
		w.wire.Requests()
		v, err := providers.Look(t.Context(), r, providers.Question{Base: "main", Heads: heads[:n]})
		if err != nil {
			t.Fatal(err)
		}
		if asked := w.wire.Requests(); len(asked) != requests {
			t.Errorf("%d heads took %d requests, want %d", n, len(asked), requests)
		}
		var want, got []string
		for _, i := range []int{0, 24, 25, 50, many - 1} {
			if i < n {
				want = append(want, heads[i])
			}
		}
		for _, p := range v.Pulls {
			got = append(got, p.Head.Branch)
			if v.Heads[p.Head.Branch] != p.Head.SHA {
				t.Errorf("%s is at %q, and its pull request at %s", p.Head.Branch, v.Heads[p.Head.Branch], p.Head.SHA)
			}
		}
		if !slices.Equal(got, want) || len(v.Heads) != len(want) || v.Base != "main" || v.SHA != base {
			t.Errorf("of %d heads it saw %q and %v on %s at %s, want %q", n, got, v.Heads, v.Base, v.SHA, want)
		}
	}
}

// TestManyLabels has a pull request with more labels than one query gives.
func TestManyLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	base, err := r.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: base, Message: "x", Changes: []providers.Change{change("a.txt", "b")}}); err != nil {
		t.Fatal(err)
	}
	p, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for i := range 23 {
		labels = append(labels, fmt.Sprintf("label %02d", i))
	}
	for _, n := range []int{20, 23} {
		if err := r.(providers.Labeler).AddLabels(t.Context(), p.Number, labels[:n]); err != nil {
			t.Fatal(err)
		}
		w.wire.Requests()
		v, err := providers.Look(t.Context(), r, providers.Question{Heads: []string{"x"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Pulls) != 1 || !slices.Equal(v.Pulls[0].Labels, labels[:n]) {
			t.Errorf("got %+v, want one with %d labels", v.Pulls, n)
		}
		if asked := w.wire.Requests(); len(asked) != 1 && n == 20 {
			t.Errorf("%d labels took %q", n, asked)
		}
	}
}

// TestLimitsWithStatus200 has GitHub refuse a question and a write of GraphQL
// because of its limits, and wants them to be done after the wait.
func TestLimitsWithStatus200(t *testing.T) {
	t.Parallel()
	const words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	for name, test := range map[string]struct {
		a    answer
		want time.Duration
	}{
		"primary":         {answer{200, map[string]string{"X-RateLimit-Remaining": "4999"}, `{"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": "API rate limit already exceeded for user ID 1."}]}`}, time.Minute},
		"secondary":       {answer{200, nil, `{"errors": [{"message": "` + words + `"}]}`}, time.Minute},
		"for 30 seconds":  {answer{200, map[string]string{"Retry-After": "30"}, `{"data": null, "errors": [{"type": "RATE_LIMITED", "message": "` + words + `"}]}`}, 30 * time.Second},
		"null everywhere": {answer{200, nil, `{"data": {"repository": null, "updateRefs": null}, "errors": [{"type": "RATE_LIMITED", "message": "x"}]}`}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sha := strings.Repeat("a", 40)
			var asked []string
			var slept []time.Duration
			now := time.Now()
			f, err := github.New(github.Options{Token: "x", Transport: transport.Options{
				Base: roundTripper(func(req *http.Request) (*http.Response, error) {
					document, err := io.ReadAll(req.Body)
					if err != nil {
						return nil, err
					}
					kind, a := "query", answer{200, nil, `{"data": {"repository": {"id": "R", "ref": {"target": {"oid": "` + sha + `"}}}}}`}
					if strings.Contains(string(document), "updateRefs") {
						kind, a = "mutation", answer{200, nil, `{"data": {"updateRefs": {"clientMutationId": null}}}`}
					}
					if !slices.Contains(asked, kind) {
						a = test.a
					}
					asked = append(asked, kind)
					req.Body = http.NoBody
					return script{"POST /graphql": a}.RoundTrip(req)
				}),
				Now: func() time.Time { return now },
				Sleep: func(ctx context.Context, d time.Duration) error {
					now, slept = now.Add(d), append(slept, d)
					return ctx.Err()
				},
			}})
			if err != nil {
				t.Fatal(err)
			}
			r, err := f.Repository("acme/config")
			if err != nil {
				t.Fatal(err)
			}
			if err := r.(providers.BranchDeleter).DeleteBranch(t.Context(), "x", sha); err != nil {
				t.Fatal(err)
			}
			if want := []string{"query", "query", "mutation", "mutation"}; !slices.Equal(asked, want) {
				t.Errorf("it sent %q, want %q", asked, want)
			}
			if want := []time.Duration{test.want, test.want}; !slices.Equal(slept, want) {
				t.Errorf("it waited %v, want %v", slept, want)
			}
		})
	}
}
