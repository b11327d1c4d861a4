package github_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/github"
)

// answer is a reply that a test makes up.
type answer struct {
	status int
	header map[string]string
	body   string
}

// script answers requests by METHOD PATH, and those of GraphQL by a word in
// their document.
type script map[string]answer

func (s script) RoundTrip(req *http.Request) (*http.Response, error) {
	a, ok := s[req.Method+" "+req.URL.Path]
	if strings.HasSuffix(req.URL.Path, "/graphql") {
		document, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		for word, answer := range s {
			if strings.Contains(string(document), word) {
				a, ok = answer, true
				break
			}
		}
	}
	if !ok {
		a = answer{status: http.StatusNotFound, body: `{"message": "Not Found"}`}
	}
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range a.header {
		h.Set(name, value)
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(a.body)), Request: req,
	}, nil
}

func scripted(t *testing.T, token string, s http.RoundTripper) providers.Repository {
	t.Helper()
	f, err := github.New(github.Options{Token: token, Transport: transport.Options{
		Base: s, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Repository("acme/config")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func graphFault(kind, message string) answer {
	return answer{status: 200, body: `{"data": null, "errors": [{"type": "` + kind + `", "path": ["x"], "message": "` + message + `"}]}`}
}

// TestMessages has GitHub refuse things in its words, and wants to know what to
// do.
func TestMessages(t *testing.T) {
	t.Parallel()
	open := func(r providers.Repository) error {
		_, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "x"})
		return err
	}
	pull := func(r providers.Repository) error { _, err := r.Pull(t.Context(), 1); return err }
	info := func(r providers.Repository) error { _, err := r.Info(t.Context()); return err }
	commit := func(r providers.Repository) error {
		sha := strings.Repeat("a", 40)
		_, err := r.Commit(t.Context(), providers.CommitRequest{
			Branch: "main", Parent: sha, Head: sha, Message: "x",
			Changes: []providers.Change{{Path: "a", Content: []byte("a"), Before: &providers.Entry{Path: "a"}}},
		})
		return err
	}
	const pulls, one, graph = "POST /repos/acme/config/pulls", "GET /repos/acme/config/pulls/1", "isArchived"
	autoMerge := func(r providers.Repository) error {
		return r.(providers.AutoMerger).EnableAutoMerge(t.Context(), 1, providers.Merge{Head: "abc", Method: providers.Squash})
	}
	const node = `{"data": {"repository": {"pullRequest": {"id": "PR", "headRefOid": "abc"}}}}`
	at := `{"data": {"repository": {"id": "R", "ref": {"target": {"oid": "` + strings.Repeat("a", 40) + `"}}}}}`
	for name, test := range map[string]struct {
		token string
		do    func(providers.Repository) error
		s     script
		want  error
		hint  string // a part of it
		text  string // a part of the message
	}{
		"wrong token": {
			do: pull, s: script{one: {401, nil, `{"message": "Bad credentials"}`}},
			want: providers.ErrUnauthorized, hint: "make a new one", text: "read pull request 1 on github.com/acme/config",
		},
		"no token": {
			token: "none", do: info, s: script{graph: {401, nil, `{"message": "This endpoint requires you to be authenticated."}`}},
			want: providers.ErrUnauthorized, hint: "give a token",
		},
		"missing scope": {
			do: open, s: script{pulls: {404, map[string]string{"X-OAuth-Scopes": "gist, read:org", "X-Accepted-OAuth-Scopes": "repo"}, `{"message": "Not Found"}`}},
			want: providers.ErrForbidden, hint: "the scope repo; it has gist, read:org",
		},
		"missing permission": {
			do: open, s: script{pulls: {403, map[string]string{"X-Accepted-GitHub-Permissions": "pull_requests=write; contents=write,workflows=write"}, `{"message": "Resource not accessible by personal access token"}`}},
			want: providers.ErrForbidden, hint: "pull_requests: write, or contents: write and workflows: write",
		},
		"missing permission of an integration": {
			do: open, s: script{pulls: {403, nil, `{"message": "Resource not accessible by integration"}`}},
			want: providers.ErrForbidden, hint: "permissions: in the workflow",
		},
		"missing scope in GraphQL": {
			do: info, s: script{graph: graphFault("INSUFFICIENT_SCOPES", "requires one of the following scopes: ['repo']")},
			want: providers.ErrForbidden, hint: "scope", text: "['repo']",
		},
		"not visible": {
			do: pull, s: script{one: {404, map[string]string{"X-OAuth-Scopes": "", "X-Accepted-OAuth-Scopes": "repo"}, `{"message": "Not Found"}`}},
			want: providers.ErrNotFound, hint: "may see it",
		},
		"not visible with other scopes": {
			do: pull, s: script{one: {404, map[string]string{"X-OAuth-Scopes": "read:org", "X-Accepted-OAuth-Scopes": "repo"}, `{"message": "Not Found"}`}},
			want: providers.ErrNotFound, hint: "the scope repo, and this one has read:org",
		},
		"not visible with the scope": {
			do: pull, s: script{one: {404, map[string]string{"X-OAuth-Scopes": "read:org, repo", "X-Accepted-OAuth-Scopes": "repo"}, `{"message": "Not Found"}`}},
			want: providers.ErrNotFound, hint: "may see it",
		},
		"not visible in GraphQL": {
			do: info, s: script{graph: graphFault("NOT_FOUND", "Could not resolve to a Repository with the name 'acme/config'.")},
			want: providers.ErrNotFound, hint: "check the spelling",
		},
		"pull requests by Actions": {
			do: open, s: script{pulls: {403, nil, `{"message": "GitHub Actions is not permitted to create or approve pull requests."}`}},
			want: providers.ErrForbidden, hint: "allow GitHub Actions to create pull requests",
		},
		"single sign-on": {
			do: pull, s: script{one: {403, map[string]string{"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?x"}, `{"message": "Resource protected by organization SAML enforcement."}`}},
			want: providers.ErrForbidden, hint: "https://github.com/orgs/acme/sso?x",
		},
		"single sign-on in GraphQL": {
			do: info, s: script{graph: {200, nil, `{"data": {"repository": null}, "errors": [{"type": "FORBIDDEN", "extensions": {"saml_failure": true}, "message": "Resource protected by organization SAML enforcement."}]}`}},
			want: providers.ErrForbidden, hint: "single sign-on",
		},
		"archived": {
			do: open, s: script{pulls: {403, nil, `{"message": "Repository was archived so is read-only."}`}},
			want: providers.ErrForbidden, hint: "unarchive",
		},
		"archived in GraphQL": {
			do: commit, s: script{"createCommitOnBranch": graphFault("FORBIDDEN", "Repository was archived so is read-only."), "$ref": {200, nil, at}},
			want: providers.ErrForbidden, hint: "unarchive",
		},
		"protected branch": {
			do: commit, s: script{
				"createCommitOnBranch": graphFault("UNPROCESSABLE", "protected branch 'main' check failed: At least 1 approving review is required by reviewers with write access."),
				"$ref":                 {200, nil, at},
			},
			want: providers.ErrForbidden, hint: "bypass the rule", text: "approving review",
		},
		"lost in GraphQL": {
			do: commit, s: script{"createCommitOnBranch": graphFault("", "Something went wrong while executing your query. Please include 1:2 when reporting this issue."), "$ref": {200, nil, at}},
			want: providers.ErrUnanswered, hint: "look whether",
		},
		"lost": {
			do: open, s: script{pulls: {500, nil, `{"message": "Server Error"}`}},
			want: providers.ErrUnanswered, hint: "look whether",
		},
		"moved": {
			do: open, s: script{pulls: {307, map[string]string{"Location": "https://api.github.com/repositories/1/pulls"}, `{"message": "Moved Permanently"}`}},
			want: providers.ErrNotFound, hint: "the name that it has now",
		},
		"login page": {
			do: info, s: script{graph: {200, map[string]string{"Content-Type": "text/html"}, "<html>Log in</html>"}},
			hint: "check the address", text: "is no GitHub",
		},
		"another server": {
			do: pull, s: script{one: {404, map[string]string{"Content-Type": "text/html"}, "<h1>Not Found</h1>"}},
			hint: "check the address", text: "is no GitHub",
		},
		"another API": {
			do: info, s: script{graph: {200, nil, `{"ok": true}`}},
			hint: "check the address", text: "is no GitHub",
		},
		"workflow": {
			do: commit, s: script{"createCommitOnBranch": graphFault("FORBIDDEN", "refusing to allow a Personal Access Token to create or update workflow `x` without `workflow` scope"), "$ref": {200, nil, at}},
			want: providers.ErrForbidden, hint: "the scope workflow",
		},
		"no drafts": {
			do: open, s: script{pulls: {422, nil, `{"message": "Draft pull requests are not supported in this repository.", "errors": "x"}`}},
			want: errors.ErrUnsupported, hint: "without draft",
		},
		"check run by a person": {
			do: func(r providers.Repository) error {
				return r.(providers.CheckReporter).Report(t.Context(), strings.Repeat("a", 40), providers.Report{Name: "x"})
			},
			s:    script{"POST /repos/acme/config/check-runs": {403, nil, `{"message": "You must authenticate via a GitHub App."}`}},
			want: providers.ErrForbidden, hint: "only a GitHub App",
		},
		"no issues": {
			do: func(r providers.Repository) error {
				_, err := r.(providers.Issues).UpsertIssue(t.Context(), "drift", providers.Issue{Open: true})
				return err
			},
			s:    script{"GET /repos/acme/config/issues": {410, nil, `{"message": "Issues has been disabled in this repository."}`}, "viewer": {200, nil, `{"data": {"viewer": {"login": "x"}}}`}},
			want: errors.ErrUnsupported, hint: "switch issues on",
		},
		"auto-merge off": {
			do: autoMerge, s: script{"isDraft": {200, nil, node}, "enablePullRequestAutoMerge": graphFault("UNPROCESSABLE", "Auto merge is not allowed for this repository")},
			want: providers.ErrForbidden, hint: "allow auto-merge",
		},
		"auto-merge without a rule": {
			do: autoMerge, s: script{"isDraft": {200, nil, node}, "enablePullRequestAutoMerge": graphFault("UNPROCESSABLE", "Pull request Protected branch rules not configured for this branch")},
			want: providers.ErrForbidden, hint: "no rule of the base branch",
		},
		"auto-merge beside checks that are not required": {
			do: autoMerge, s: script{"isDraft": {200, nil, node}, "enablePullRequestAutoMerge": graphFault("UNPROCESSABLE", "Pull request Pull request is in unstable status")},
			want: providers.ErrForbidden, hint: "have them required",
		},
		"auto-merge of another head": {
			do: autoMerge, s: script{"isDraft": {200, nil, strings.Replace(node, "abc", "def", 1)}},
			want: providers.ErrConflict, hint: "look again",
		},
		"large request": {
			do: open, s: script{pulls: {413, nil, `{"message": "Payload too large"}`}},
			hint: "large files", text: "no request of this size",
		},
		"address not allowed": {
			do: pull, s: script{one: {403, nil, `{"message": "Although you appear to have the correct authorization credentials, the organization has an IP allow list enabled."}`}},
			want: providers.ErrForbidden, hint: "this machine's address",
		},
		"taken down": {
			do: pull, s: script{one: {451, nil, `{"message": "Repository access blocked"}`}},
			want: providers.ErrForbidden, hint: "another credential",
		},
		"out of order": {
			do: pull, s: script{one: {503, nil, ``}},
			hint: "try again later", text: "out of order",
		},
		"out of order in GraphQL": {
			do: info, s: script{graph: {502, nil, `{"message": "Server Error"}`}},
			hint: "try again later", text: "out of order",
		},
		"failed in GraphQL": {
			do: info, s: script{graph: graphFault("", "Something went wrong while executing your query.")},
			hint: "try again later", text: "out of order",
		},
		"rate limit": {
			do: info, s: script{graph: graphFault("RATE_LIMITED", "API rate limit exceeded")},
			hint: "try again later", text: "rate limit",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := "ghp_0123456789secret"
			if test.token != "" {
				token = ""
			}
			err := test.do(scripted(t, token, test.s))
			f, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("got the error %v, want a *fault.Error", err)
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("the error %q does not wrap %q", err, test.want)
			}
			if !strings.Contains(f.Hint, test.hint) || f.Hint == "" {
				t.Errorf("the hint of %q is %q, want %q in it", err, f.Hint, test.hint)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", err, test.text)
			}
			if strings.Contains(err.Error()+f.Hint, token) && token != "" {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestRepositoryRefuses(t *testing.T) {
	t.Parallel()
	f, err := github.New(github.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "acme", "acme/config/x", "acme/..", "acme/a b", "acme/x?y", "/"} {
		if r, err := f.Repository(path); err == nil {
			t.Errorf("%q is the repository %v", path, r)
		}
	}
}

// TestAddresses wants requests to go where each kind of GitHub has its API.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ server, api, rest, graphql string }{
		{"", "", "https://api.github.com/repos/acme/config/pulls/1", "https://api.github.com/graphql"},
		{"https://github.com/", "", "https://api.github.com/repos/acme/config/pulls/1", "https://api.github.com/graphql"},
		{"https://acme.ghe.com", "", "https://api.acme.ghe.com/repos/acme/config/pulls/1", "https://api.acme.ghe.com/graphql"},
		{"https://git.acme.io:8443", "", "https://git.acme.io:8443/api/v3/repos/acme/config/pulls/1", "https://git.acme.io:8443/api/graphql"},
		{"https://git.acme.io", "https://proxy.acme.io/github/api/v3/", "https://proxy.acme.io/github/api/v3/repos/acme/config/pulls/1", "https://proxy.acme.io/github/api/graphql"},
	} {
		var asked []string
		f, err := github.New(github.Options{Server: test.server, API: test.api, Token: "secret", Transport: transport.Options{
			Base: roundTripper(func(req *http.Request) (*http.Response, error) {
				asked = append(asked, req.URL.String())
				if got := req.Header.Get("Authorization"); got != "Bearer secret" {
					t.Errorf("%s: the credential is %q", req.URL, got)
				}
				return nil, io.EOF
			}),
			Sleep: func(context.Context, time.Duration) error { return io.EOF },
		}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Repository("acme/config")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Pull(t.Context(), 1); err == nil {
			t.Error("a pull request came out of nothing")
		}
		if _, err := r.Info(t.Context()); err == nil {
			t.Error("a repository came out of nothing")
		}
		if len(asked) != 2 || asked[0] != test.rest || asked[1] != test.graphql {
			t.Errorf("%q asks %q, want %s and %s", test.server, asked, test.rest, test.graphql)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestSecretsStayOut has GitHub and the network tell secrets, and wants none of
// them in the errors.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	const secret, key = "secret-of-the-webhook", "key-of-the-archive"
	r := scripted(t, "ghp_0123456789secret", roundTripper(func(req *http.Request) (*http.Response, error) {
		hooks := script{
			"GET /repos/acme/config/hooks":        {200, nil, `[]`},
			"POST /repos/acme/config/hooks":       {422, nil, `{"message": "Validation Failed", "errors": ["` + secret + ` is taken"]}`},
			"GET /repos/acme/config/tarball/main": {302, map[string]string{"Location": "https://codeload.test/x?token=" + key}, ``},
		}
		if req.URL.Host == "codeload.test" {
			return nil, io.ErrClosedPipe
		}
		return hooks.RoundTrip(req)
	}))
	_, hook := r.(providers.Hooks).UpsertHook(t.Context(), "https://towpath.test", []byte(secret))
	_, archive := r.Archive(t.Context(), "main")
	for _, err := range []error{hook, archive} {
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || strings.Contains(err.Error()+f.Hint, secret) || strings.Contains(err.Error()+f.Hint, key) {
			t.Errorf("got the error %v", err)
		}
	}
	if _, err := r.(providers.Hooks).UpsertHook(t.Context(), "https://towpath.test", nil); err == nil || !strings.Contains(err.Error(), "no secret") {
		t.Errorf("without a secret: got the error %v", err)
	}
}
