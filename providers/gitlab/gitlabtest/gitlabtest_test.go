package gitlabtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitlab/gitlabtest"
	"github.com/towpath-dev/towpath/providers/memory"
)

// newServer has a project acme/config with one file, of which ada is a developer,
// and a public one acme/open.
func newServer(t *testing.T) http.Handler {
	t.Helper()
	f := memory.New(memory.Options{KeepPulls: true})
	f.AddAccount(memory.Account{Login: "ada", Token: "t"})
	f.AddToken(memory.Token{Value: "read", Login: "ada", ReadOnly: true})
	f.AddToken(memory.Token{Value: "job", Login: "ada", Kind: "job"})
	for path, public := range map[string]bool{"acme/config": false, "acme/open": true} {
		_, err := f.AddRepo(path, memory.RepoOptions{
			Author: "ada", Members: map[string]providers.Permission{"ada": providers.CanWrite}, Public: public,
			Files: map[string]memory.File{"a.txt": {Content: []byte("a\n")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return gitlabtest.New(f)
}

// ask sends a request with headers as "Name: value" and returns the status and
// the body.
func ask(t *testing.T, h http.Handler, method, target, body string, headers ...string) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	content, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, strings.TrimSpace(string(content))
}

const project = "/api/v4/projects/acme%2Fconfig"

func TestRefusals(t *testing.T) {
	t.Parallel()
	commit := func(more, actions string) string {
		return `{"branch":"x","commit_message":"m"` + more + `,"actions":[` + actions + `]}`
	}
	const create = `{"action":"create","file_path":"b.txt","content":"b"}`
	for _, tt := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		want                       string // a part of the body
	}{
		{"a wrong token", "GET", project, "", []string{"Private-Token: wrong"}, 401, `{"message":"401 Unauthorized"}`},
		{"no token", "GET", project, "", nil, 404, `{"message":"404 Project Not Found"}`},
		{"Bearer", "GET", project, "", []string{"Authorization: Bearer t"}, 200, `"path_with_namespace":"acme/config"`},
		{"a job's token for another", "GET", project, "", []string{"Private-Token: job"}, 401, ""},
		{"a job's token that writes", "POST", project + "/merge_requests", "{}", []string{"Job-Token: job"}, 401, ""},
		{"a job's token that commits", "POST", project + "/repository/commits", commit("", create), []string{"Job-Token: job"}, 404, "404 Project Not Found"},
		{"a scope too few", "POST", project + "/issues", "{}", []string{"Private-Token: read"}, 403, `"error":"insufficient_scope"`},
		{"a page for people", "GET", "/acme/config", "", nil, 404, "<!DOCTYPE html>"},
		{"no endpoint", "GET", "/api/v4/nothing", "", nil, 404, `{"error":"404 Not Found"}`},
		{"no JSON", "POST", project + "/issues", "{", []string{"Private-Token: t"}, 400, "Invalid json"},
		{"a branch that could be none", "GET", project + "/repository/branches/-x", "", []string{"Private-Token: t"}, 400, "The branch refname is invalid"},
		{"an absent branch", "GET", project + "/repository/branches/x", "", []string{"Private-Token: t"}, 404, "404 Branch Not Found"},
		{"an absent ref", "GET", project + "/repository/tree?ref=x", "", []string{"Private-Token: t"}, 404, "404 Tree Not Found"},
		{"an absent folder", "GET", project + "/repository/tree?ref=main&path=x", "", []string{"Private-Token: t"}, 404, "404 invalid revision or path Not Found"},
		{"search and regex", "GET", project + "/repository/branches?search=a&regex=b", "", []string{"Private-Token: t"}, 400, "mutually exclusive"},
		{"a commit on no branch", "POST", project + "/repository/commits", commit("", create), []string{"Private-Token: t"}, 400, "You can only create or edit files when you are on a branch"},
		{"a commit on nothing", "POST", project + "/repository/commits", commit(`,"start_sha":"`+strings.Repeat("1", 40)+`"`, create), []string{"Private-Token: t"}, 400, "Cannot find start_sha"},
		{"no title", "POST", project + "/merge_requests", "{}", []string{"Private-Token: t"}, 400, "title is missing"},
		{"nothing to change", "PUT", project + "/merge_requests/1", "{}", []string{"Private-Token: t"}, 404, "404 Not found"},
		{"the webhooks", "GET", project + "/hooks", "", []string{"Private-Token: t"}, 403, "403 Forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, body := ask(t, newServer(t), tt.method, tt.target, tt.body, tt.headers...)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s, want %d and %s", status, body, tt.status, tt.want)
			}
		})
	}
}

// TestJobTokens has a job's token used where GitLab looks at it, and where it does
// not, which is as without one.
func TestJobTokens(t *testing.T) {
	t.Parallel()
	h := newServer(t)
	const open = "/api/v4/projects/acme%2Fopen"
	for _, tt := range []struct {
		method, target, body, token string
		status                      int
		want                        string // a part of the body
	}{
		{"GET", "/api/v4/job", "", "job", 200, `"username":"ada"`},
		{"GET", "/api/v4/job", "", "over", 401, "401 Unauthorized"},
		{"GET", "/api/v4/user", "", "job", 401, "401 Unauthorized"},
		{"GET", "/api/v4/personal_access_tokens/self", "", "job", 401, "401 Unauthorized"},

		{"GET", project + "/repository/branches", "", "job", 200, `"name":"main"`},
		{"GET", project + "/repository/commits/main", "", "job", 200, `"id"`},
		{"GET", project + "/repository/commits/main/merge_requests", "", "job", 200, "[]"},
		{"GET", project + "/merge_requests", "", "job", 200, "[]"},
		{"GET", project + "/merge_requests/1", "", "job", 404, "404 Not found"},
		{"GET", project + "/merge_requests/1/notes", "", "job", 404, "404 Not found"},
		{"GET", project + "/repository/branches", "", "over", 401, "401 Unauthorized"},

		{"GET", project, "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/branches/main", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/tags/v1", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/tree", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/files/a.txt?ref=main", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/blobs/1/raw", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/archive.tar.gz", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/merge_base", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/compare", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/commits", "", "job", 404, "404 Project Not Found"},
		{"GET", project + "/repository/commits/main/statuses", "", "job", 401, "401 Unauthorized"},
		{"DELETE", project + "/repository/branches/main", "", "job", 404, "404 Project Not Found"},

		{"GET", open, "", "job", 200, `"permissions":null`},
		{"GET", open, "", "over", 200, `"permissions":null`},
		{"GET", open + "/repository/branches/main", "", "job", 200, `"can_push":false`},
		{"GET", open + "/repository/tree?ref=main", "", "job", 200, `"a.txt"`},
		{"POST", open + "/repository/commits", "{}", "job", 401, "401 Unauthorized"},
		{"DELETE", open + "/repository/branches/main", "", "job", 403, "403 Forbidden"},
		{"POST", open + "/merge_requests", "{}", "job", 401, "401 Unauthorized"},
	} {
		status, body := ask(t, h, tt.method, tt.target, tt.body, "Job-Token: "+tt.token)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s by %s: got %d %s, want %d and %s", tt.method, tt.target, tt.token, status, body, tt.status, tt.want)
		}
	}
}

func TestGraphQL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, query, variables, want string }{
		{
			"aliases", `query($p: ID!) { a: project(fullPath: $p) { url: webUrl repository { rootRef } } }`, `{"p":"acme/config"}`,
			`{"data":{"a":{"repository":{"rootRef":"main"},"url":"https://memory.test/acme/config"}}}`,
		},
		{"an absent project", `query($p: ID!) { project(fullPath: $p) { webUrl } }`, `{"p":"acme/absent"}`, `{"data":{"project":null}}`},
		{"a literal", `{ project(fullPath: "acme/config") { archived } }`, `{}`, `{"data":{"project":{"archived":false}}}`},
		{"an unknown field", `{ project(fullPath: "acme/config") { nothing } }`, `{}`, `{"errors":[{"message":"Field 'nothing' doesn't exist on type 'Project'"}]}`},
		{"an unknown argument", `{ project(name: "acme/config") { webUrl } }`, `{}`, `{"errors":[{"message":"Field 'project' doesn't accept argument 'name'"}]}`},
		{"no selections", `{ project(fullPath: "acme/config") { repository } }`, `{}`, `{"errors":[{"message":"Field must have selections (field 'repository' returns Repository but has no selections)"}]}`},
		{"too many", `{ project(fullPath: "acme/config") { webUrl { x } } }`, `{}`, `{"errors":[{"message":"Selections can't be made on scalars (field 'webUrl' of 'Project')"}]}`},
		{"a variable that is not declared", `{ project(fullPath: $p) { webUrl } }`, `{}`, `{"errors":[{"message":"Variable $p is used by anonymous query but not declared"}]}`},
		{"a variable that is not used", `query($p: ID!) { project(fullPath: "acme/config") { webUrl } }`, `{"p":"x"}`, `{"errors":[{"message":"Variable $p is declared by anonymous query but not used"}]}`},
		{"a document that ends early", `{ project(fullPath: "acme/config") { webUrl`, `{}`, `{"errors":[{"message":"Expected NAME, actual: \"\""}]}`},
		{
			"blobs", `{ project(fullPath: "acme/config") { repository { blobs(ref: "main", paths: $p) { nodes { path size } } } } }`, `{"p":["a.txt","absent"]}`,
			`{"errors":[{"message":"Variable $p is used by anonymous query but not declared"}]}`,
		},
		{
			"declared blobs", `query($p: [String!]!) { project(fullPath: "acme/config") { repository { blobs(ref: "main", paths: $p) { nodes { path size } } } } }`, `{"p":["a.txt","absent"]}`,
			`{"data":{"project":{"repository":{"blobs":{"nodes":[{"path":"a.txt","size":"2"}]}}}}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			query, err := json.Marshal(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			body := fmt.Sprintf(`{"query":%s,"variables":%s}`, query, tt.variables)
			status, got := ask(t, newServer(t), "POST", "/api/graphql", body, "Private-Token: t")
			if diff := cmp.Diff(tt.want, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(got)); status != 200 || diff != "" {
				t.Errorf("%d\n%s", status, diff)
			}
		})
	}
	if status, _ := ask(t, newServer(t), "POST", "/api/graphql", "{}", "Job-Token: job"); status != 401 {
		t.Errorf("a job's token is answered with %d", status)
	}
}

// TestRevalidation has an unchanged reply confirmed by its ETag, and a changed
// one sent anew.
func TestRevalidation(t *testing.T) {
	t.Parallel()
	h := newServer(t)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, project+"/repository/branches/main", nil)
	req.Header.Set("Private-Token", "t")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	tag := w.Header().Get("Etag")
	target := project + "/repository/branches/main"
	if status, body := ask(t, h, "GET", target, "", "Private-Token: t", "If-None-Match: "+tag); tag == "" || status != 304 || body != "" {
		t.Errorf("%s is answered with %d %s", tag, status, body)
	}
	body := `{"branch":"main","commit_message":"m","actions":[{"action":"update","file_path":"a.txt","content":"b"}]}`
	if status, reply := ask(t, h, "POST", project+"/repository/commits", body, "Private-Token: t"); status != 201 {
		t.Fatalf("got %d %s", status, reply)
	}
	if status, _ := ask(t, h, "GET", target, "", "Private-Token: t", "If-None-Match: "+tag); status != 200 {
		t.Errorf("after a commit it is answered with %d", status)
	}
}

// TestDeliver registers a webhook for some events only.
func TestDeliver(t *testing.T) {
	t.Parallel()
	f := memory.New(memory.Options{})
	repo, err := f.AddRepo("acme/config", memory.RepoOptions{Files: map[string]memory.File{"a": {Content: []byte("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		got = append(got, req.Header.Get("X-Gitlab-Event")+" "+req.Header.Get("X-Gitlab-Token"))
	}))
	defer receiver.Close()
	gitlabtest.Deliver(f, receiver.Client())
	err = repo.Do(func(s *memory.State) error {
		s.Hooks = []*memory.Hook{
			{URL: receiver.URL, Secret: "secret", Active: true, Events: []string{"push", "note"}},
			{URL: receiver.URL, Secret: "off", Events: []string{"push"}},
		}
		return s.SetBranch("x", s.Branches["main"], "")
	})
	if err != nil {
		t.Fatal(err)
	}
	err = repo.Do(func(s *memory.State) error {
		s.SetStatus(s.Branches["main"], "", providers.Status{Name: "x", State: providers.Passed})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Push Hook secret"}, got); diff != "" {
		t.Error(diff)
	}
}
