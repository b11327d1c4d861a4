package memory_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// hubWorld is a forge with one repository and GitHub's API before it.
type hubWorld struct {
	forge  *memory.Forge
	repo   *memory.Repo
	server *httptest.Server
	sha    string
}

func newHubWorld(t *testing.T) *hubWorld {
	t.Helper()
	w := &hubWorld{forge: memory.New(memory.Options{})}
	w.forge.AddAccount(memory.Account{Login: "zoe", Token: "good"})
	w.forge.AddToken(memory.Token{Value: "old", Login: "zoe", Expired: true})
	w.forge.AddToken(memory.Token{Value: "gist", Login: "zoe", Scopes: []string{"gist"}})
	var err error
	w.repo, err = w.forge.AddRepo("acme/config", memory.RepoOptions{
		Author: "zoe", Members: map[string]providers.Permission{"zoe": providers.CanWrite},
		Files: map[string]memory.File{"a.txt": {Content: []byte("a\n")}, "run.sh": {Mode: providers.Executable, Content: []byte("b\n")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.repo.Do(func(s *memory.State) error {
		w.sha = s.Branches["main"]
		for range 7 {
			if _, err := s.Push(memory.Push{Branch: "main", Actor: "zoe", Message: "More", Files: map[string]*memory.File{"a.txt": {Content: []byte(s.Branches["main"])}}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(w.forge.GitHub())
	t.Cleanup(w.server.Close)
	return w
}

// hubReply is what came back.
type hubReply struct {
	status int
	header http.Header
	text   string
}

// ask does a request.
func (w *hubWorld) ask(t *testing.T, method, path, body string, header ...string) hubReply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer good")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return hubReply{resp.StatusCode, resp.Header, string(text)}
}

func TestGitHubStatuses(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t)
	const at = "/api/v3/repos/acme/config"
	for name, test := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		text               string
	}{
		"repository":        {method: "GET", path: at, status: 200, text: `"full_name":"acme/config"`},
		"case":              {method: "GET", path: "/api/v3/repos/ACME/Config", status: 200},
		"token":             {method: "GET", path: at, header: []string{"Authorization", "token good"}, status: 200},
		"expired":           {method: "GET", path: at, header: []string{"Authorization", "Bearer old"}, status: 401, text: "Bad credentials"},
		"basic":             {method: "GET", path: at, header: []string{"Authorization", "Basic eDp5"}, status: 401},
		"scope":             {method: "GET", path: at, header: []string{"Authorization", "Bearer gist"}, status: 404},
		"nobody":            {method: "GET", path: at, header: []string{"Authorization", ""}, status: 404},
		"no such":           {method: "GET", path: "/api/v3/repos/acme/other", status: 404, text: `"message":"Not Found"`},
		"no endpoint":       {method: "GET", path: at + "/secret-scanning", status: 404},
		"no endpoint, put":  {method: "PUT", path: at + "/git/refs", status: 404},
		"no JSON":           {method: "POST", path: at + "/git/refs", body: "{", status: 400, text: "Problems parsing JSON"},
		"ref":               {method: "POST", path: at + "/git/refs", body: `{"ref": "refs/heads/x/y", "sha": "SHA"}`, status: 201},
		"ref of nothing":    {method: "POST", path: at + "/git/refs", body: `{"ref": "refs/heads/z", "sha": "` + strings.Repeat("a", 40) + `"}`, status: 422, text: "Object does not exist"},
		"ref there":         {method: "POST", path: at + "/git/refs", body: `{"ref": "refs/heads/main", "sha": "SHA"}`, status: 422, text: "Reference already exists"},
		"ref beside":        {method: "POST", path: at + "/git/refs", body: `{"ref": "refs/heads/main/x", "sha": "SHA"}`, status: 422, text: "Reference update failed"},
		"ref back":          {method: "PATCH", path: at + "/git/refs/heads/main", body: `{"sha": "SHA"}`, status: 422, text: "not a fast forward"},
		"ref gone":          {method: "DELETE", path: at + "/git/refs/heads/none", status: 422, text: "Reference does not exist"},
		"tarball":           {method: "GET", path: at + "/tarball/main", status: 302},
		"blob":              {method: "GET", path: at + "/git/blobs/78981922613b2afb6025042ff6bd878ac1994e85", status: 200, text: `"encoding":"base64"`},
		"raw blob":          {method: "GET", path: at + "/git/blobs/78981922613b2afb6025042ff6bd878ac1994e85", header: []string{"Accept", "application/vnd.github.raw+json"}, status: 200, text: "a\n"},
		"tree by commit":    {method: "GET", path: at + "/git/trees/SHA?recursive=1", status: 200, text: `"mode":"100755"`},
		"pull into nowhere": {method: "POST", path: at + "/pulls", body: `{"title": "x", "head": "main", "base": "none"}`, status: 422, text: `"field":"base"`},
		"pull of nothing":   {method: "POST", path: at + "/pulls", body: `{"title": "x", "head": "main", "base": "main"}`, status: 422, text: "No commits between main and main"},
		"check run":         {method: "POST", path: at + "/check-runs", body: `{}`, status: 403, text: "You must authenticate via a GitHub App."},
		"GraphQL":           {method: "POST", path: "/api/graphql", body: `{"query": "{ viewer { login } }"}`, status: 200, text: `{"data":{"viewer":{"login":"zoe"}}}`},
		"GraphQL, nobody":   {method: "POST", path: "/api/graphql", body: `{}`, header: []string{"Authorization", ""}, status: 401},
		"GraphQL, no JSON":  {method: "POST", path: "/api/graphql", body: `{`, status: 400},
		"GraphQL, nothing":  {method: "POST", path: "/api/graphql", body: `{}`, status: 200, text: `"errors"`},
		"GraphQL, field":    {method: "POST", path: "/api/graphql", body: `{"query": "{ viewer { shoe } }"}`, status: 200, text: `"code":"undefinedField"`},
		"GraphQL, no repo":  {method: "POST", path: "/api/graphql", body: `{"query": "{ repository(owner: \"a\", name: \"b\") { id } }"}`, status: 200, text: `"data":{"repository":null},"errors":[{"locations":[{"column":1,"line":1}],"message":"Could not resolve to a Repository with the name 'a/b'.","path":["repository"],"type":"NOT_FOUND"}]`},
		"GraphQL, no file":  {method: "POST", path: "/api/graphql", body: `{"query": "{ repository(owner: \"acme\", name: \"config\") { object(oid: \"SHA\") { ... on Commit { f0: file(path: \"a.txt\") { mode } f1: file(path: \"b/c.txt\") { mode } } } } }"}`, status: 200, text: `"data":{"repository":{"object":{"f0":{"mode":33188},"f1":null}}},"errors":[{"locations":[{"column":1,"line":1}],"message":"Could not resolve file for path 'b/c.txt'.","path":["repository","object","f1"],"type":"NOT_FOUND"}]`},
		"GraphQL, no node":  {method: "POST", path: "/api/graphql", body: `{"query": "mutation { markPullRequestReadyForReview(input: {pullRequestId: \"PR_1_2_3_4_5_6\"}) { clientMutationId } }"}`, status: 200, text: `"type":"NOT_FOUND"`},
		"GraphQL, stale":    {method: "POST", path: "/api/graphql", body: `{"query": "mutation($i: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $i) { commit { oid } } }", "variables": {"i": {"branch": {"repositoryNameWithOwner": "acme/config", "branchName": "main"}, "expectedHeadOid": "SHA", "message": {"headline": "x"}}}}`, status: 200, text: `"data":{"createCommitOnBranch":null}`},
	} {
		got := w.ask(t, test.method, strings.ReplaceAll(test.path, "SHA", w.sha), strings.ReplaceAll(test.body, "SHA", w.sha), test.header...)
		if got.status != test.status || !strings.Contains(got.text, test.text) {
			t.Errorf("%s: got %d %s, want %d with %s in it", name, got.status, got.text, test.status, test.text)
		}
		if got.header.Get("X-GitHub-Request-Id") == "" {
			t.Errorf("%s: the reply has no id", name)
		}
	}
}

func TestGitHubPages(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t)
	path, seen := "/api/v3/repos/acme/config/commits?per_page=3&sha=main", 0
	for range 3 {
		got := w.ask(t, http.MethodGet, path, "")
		var list []map[string]any
		if err := json.Unmarshal([]byte(got.text), &list); err != nil {
			t.Fatal(err)
		}
		seen += len(list)
		link := got.header.Get("Link")
		before, _, ok := strings.Cut(link, `>; rel="next"`)
		if !ok {
			if !strings.Contains(link, `rel="prev"`) || !strings.Contains(link, `rel="first"`) {
				t.Errorf("the last page has the links %s", link)
			}
			break
		}
		path = strings.TrimPrefix(before[strings.LastIndex(before, "<")+1:], w.server.URL)
	}
	if seen != 8 {
		t.Errorf("the pages have %d commits, want 8", seen)
	}
}

func TestGitHubTags(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t)
	const path = "/api/v3/repos/acme/config/commits"
	first := w.ask(t, http.MethodGet, path, "")
	tag := first.header.Get("ETag")
	again := w.ask(t, http.MethodGet, path, "", "If-None-Match", tag)
	if tag == "" || again.status != http.StatusNotModified || again.text != "" {
		t.Errorf("got %d %q for the tag %q", again.status, again.text, tag)
	}
	err := w.repo.Do(func(s *memory.State) error {
		_, err := s.Push(memory.Push{Branch: "main", Actor: "zoe", Files: map[string]*memory.File{"b": {}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if changed := w.ask(t, http.MethodGet, path, "", "If-None-Match", tag); changed.status != http.StatusOK {
		t.Errorf("got %d for what changed", changed.status)
	}
}

func TestGitHubHeaders(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t)
	got := w.ask(t, http.MethodGet, "/api/v3/repos/acme/config", "")
	for name, want := range map[string]string{
		"X-OAuth-Scopes": "admin:repo_hook, read:org, repo, workflow", "X-Accepted-OAuth-Scopes": "repo", "X-RateLimit-Remaining": "4999", "X-RateLimit-Resource": "core",
	} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestGitHubArchive follows the redirect without a credential.
func TestGitHubArchive(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t)
	got := w.ask(t, http.MethodGet, "/api/v3/repos/acme/config/tarball/"+w.sha, "")
	at := strings.TrimPrefix(got.header.Get("Location"), w.server.URL)
	got = w.ask(t, http.MethodGet, at, "", "Authorization", "")
	if got.status != http.StatusOK || !strings.HasPrefix(got.text, "\x1f\x8b") {
		t.Errorf("%s answers %d", at, got.status)
	}
	plain, _, _ := strings.Cut(at, "?")
	if got := w.ask(t, http.MethodGet, plain, ""); got.status != http.StatusNotFound {
		t.Errorf("without a ticket: got %d", got.status)
	}
}

// TestGitHubCommitModes has createCommitOnBranch take the mode away, as GitHub
// does.
func TestGitHubCommitModes(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t)
	head := ""
	if err := w.repo.Do(func(s *memory.State) error { head = s.Branches["main"]; return nil }); err != nil {
		t.Fatal(err)
	}
	got := w.ask(t, http.MethodPost, "/api/graphql", `{"query": "mutation($i: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $i) { commit { oid file(path: \"run.sh\") { mode } } } }",
		"variables": {"i": {"branch": {"repositoryNameWithOwner": "acme/config", "branchName": "main"}, "expectedHeadOid": "`+head+`", "message": {"headline": "x"},
		"fileChanges": {"additions": [{"path": "run.sh", "contents": "eA=="}]}}}}`)
	if !strings.Contains(got.text, `"mode":33188`) {
		t.Errorf("got %s, want the mode 100644", got.text)
	}
}
