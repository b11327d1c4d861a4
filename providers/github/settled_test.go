package github_test

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// early refuses the first requests that match in GitHub's words, as it does when
// a part of it does not know yet of what was made a moment ago.
type early struct {
	http.RoundTripper
	match  func(*http.Request) bool
	status int // 0 means 422
	body   string

	mu      sync.Mutex
	refused int
	most    int
}

func (e *early) RoundTrip(req *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.match(req) || e.refused == e.most {
		return e.RoundTripper.RoundTrip(req)
	}
	e.refused++
	return &http.Response{
		StatusCode: cmp.Or(e.status, http.StatusUnprocessableEntity), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(e.body)), Request: req,
	}, nil
}

const unknownPull = `{"message": "Validation Failed", "errors": [{"resource": "Label", "code": "unprocessable", "field": "data", "message": "Could not resolve to a node with the global id of 'PR_kwDOA'."}]}`

// TestEarly proves that what GitHub does not know yet is waited for, and not for
// ever.
func TestEarly(t *testing.T) {
	t.Parallel()
	const noCommits = `{"message": "Validation Failed", "errors": [{"resource": "PullRequest", "code": "custom", "message": "No commits between main and y"}]}`
	for name, test := range map[string]struct {
		path, body string
		do         func(r providers.Repository) error
	}{
		"labels": {"/labels", unknownPull, func(r providers.Repository) error {
			return r.(providers.Labeler).AddLabels(t.Context(), 1, []string{"x"})
		}},
		"reviewers": {"/requested_reviewers", unknownPull, func(r providers.Repository) error {
			return r.(providers.ReviewRequester).RequestReviews(t.Context(), 1, []string{"admin"}, nil)
		}},
		"assignees": {"/assignees", unknownPull, func(r providers.Repository) error {
			return r.(providers.Assigner).Assign(t.Context(), 1, []string{"admin"})
		}},
		"pull request": {"/pulls", noCommits, func(r providers.Repository) error {
			if err := branch(t, r, "y"); err != nil {
				return err
			}
			_, err := r.OpenPull(t.Context(), providers.NewPull{Head: "y", Base: "main", Title: "y"})
			return err
		}},
	} {
		for most, want := range map[int]bool{2: true, 100: false} {
			w := newWorld(t)
			r, fixture, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
			if err := branch(t, r, "x"); err != nil {
				t.Fatal(err)
			}
			if _, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"}); err != nil {
				t.Fatal(err)
			}
			refusing := &early{RoundTripper: w.server.Client().Transport, body: test.body, most: most, match: func(req *http.Request) bool {
				return req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, test.path)
			}}
			r = w.repository(t, w.options(providertest.Token(providertest.Admin), refusing), fixture.Path)
			if err := test.do(r); (err == nil) != want || refusing.refused < 2 || refusing.refused > 8 {
				t.Errorf("%s, refused %d times: got the error %v", name, refusing.refused, err)
			}
		}
	}
}

// branch commits to a new branch.
func branch(t *testing.T, r providers.Repository, name string) error {
	t.Helper()
	sha, err := r.Resolve(t.Context(), "main")
	if err != nil {
		return err
	}
	_, err = r.Commit(t.Context(), providers.CommitRequest{
		Branch: name, Parent: sha, Message: name, Changes: []providers.Change{{Path: name, Content: []byte(name + "\n")}},
	})
	return err
}

// TestAutoMergeMethod proves that a repository that makes no merge commits is
// merged in its own way.
func TestAutoMergeMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _, repo := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	if err := repo.Do(func(s *memory.State) error {
		s.Methods = []providers.MergeMethod{providers.Squash}
		s.Protected["main"] = memory.Protection{Push: providers.CanWrite, Checks: []string{"ci"}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := branch(t, r, "x"); err != nil {
		t.Fatal(err)
	}
	p, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.(providers.AutoMerger).EnableAutoMerge(t.Context(), p.Number, providers.Merge{Head: p.Head.SHA}); err != nil {
		t.Fatal(err)
	}
	err = r.(providers.AutoMerger).EnableAutoMerge(t.Context(), p.Number, providers.Merge{Head: p.Head.SHA, Method: providers.MergeCommit})
	if err != nil {
		t.Errorf("it is enabled already, and the error is %v", err)
	}
	if err := repo.Do(func(s *memory.State) error {
		if auto := s.Pull(p.Number).AutoMerge; auto == nil || auto.Merge.Method != providers.Squash {
			t.Errorf("it is merged by %+v", auto)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestNewBranchIsUnknown proves that a branch of which the next request does not
// know yet is a conflict, so that it is tried again, and is not left behind.
func TestNewBranchIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, fixture, _ := w.repo(t, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	refusing := &early{
		RoundTripper: w.server.Client().Transport, status: http.StatusOK, most: 1,
		body: `{"data": {"createCommitOnBranch": null}, "errors": [{"type": "NOT_FOUND", "path": ["createCommitOnBranch"], "message": "Could not resolve to a ref."}]}`,
		match: func(req *http.Request) bool {
			if req.GetBody == nil {
				return false
			}
			body, err := req.GetBody()
			if err != nil {
				return false
			}
			document, err := io.ReadAll(body)
			return err == nil && strings.Contains(string(document), "createCommitOnBranch")
		},
	}
	r := w.repository(t, w.options(providertest.Token(providertest.Admin), refusing), fixture.Path)
	if err := branch(t, r, "x"); !errors.Is(err, providers.ErrConflict) || refusing.refused != 1 {
		t.Fatalf("refused %d times: got the error %v", refusing.refused, err)
	}
	if _, err := r.Resolve(t.Context(), "x"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the branch is left: %v", err)
	}
	if err := branch(t, r, "x"); err != nil {
		t.Error(err)
	}
}
