package gitlab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitlab"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// commit makes a commit of one new file on a branch.
func commit(r providers.Repository, branch, parent string) error {
	_, err := r.Commit(context.Background(), providers.CommitRequest{
		Branch: branch, Parent: parent, Message: "Try it", Changes: []providers.Change{{Path: "new.txt", Content: []byte("new\n")}},
	})
	return err
}

// amend changes a.txt on main.
func amend(r providers.Repository, head string) error {
	_, err := r.Commit(context.Background(), providers.CommitRequest{
		Branch: "main", Parent: head, Head: head, Message: "Try it",
		Changes: []providers.Change{{Path: "a.txt", Before: &providers.Entry{}, Content: []byte("new\n")}},
	})
	return err
}

const jobHint = "a job's token reads public projects only, and writes to none: use a project access token with the scope api"

// TestFaults tries what a person can get wrong.
func TestFaults(t *testing.T) {
	t.Parallel()
	token := func(tok memory.Token) func(*testing.T, project) gitlab.Options {
		return func(_ *testing.T, p project) gitlab.Options {
			tok := tok
			tok.Value, tok.Login = "glpat-special", "writer"
			p.forge.AddToken(tok)
			if tok.Kind == "job" {
				return gitlab.Options{JobToken: tok.Value}
			}
			return gitlab.Options{Token: tok.Value}
		}
	}
	writer := func(_ *testing.T, _ project) gitlab.Options {
		return gitlab.Options{Token: providertest.Token(providertest.Writer)}
	}
	tests := []struct {
		name    string
		options func(*testing.T, project) gitlab.Options
		prepare func(*memory.State)
		do      func(ctx context.Context, r providers.Repository, sha string) error
		want    error
		message string // a part of it
		hint    string // likewise
	}{
		{
			name:    "an expired token",
			options: token(memory.Token{Expired: true}),
			do:      func(ctx context.Context, r providers.Repository, _ string) error { _, err := r.Info(ctx); return err },
			want:    providers.ErrUnauthorized, message: "read what the repository is", hint: "expired",
		},
		{
			name:    "a scope too few to commit",
			options: token(memory.Token{ReadOnly: true}),
			do:      func(_ context.Context, r providers.Repository, sha string) error { return commit(r, "x", sha) },
			want:    providers.ErrForbidden, message: "the token lacks the scope api", hint: "scope api",
		},
		{
			name:    "a scope too few to read",
			options: token(memory.Token{Scopes: []string{"read_registry"}}),
			do:      func(ctx context.Context, r providers.Repository, _ string) error { _, err := r.Info(ctx); return err },
			want:    providers.ErrForbidden, message: "the token lacks the scope api or read_api",
		},
		{
			name:    "no token",
			options: func(*testing.T, project) gitlab.Options { return gitlab.Options{} },
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.Resolve(ctx, "main")
				return err
			},
			want: providers.ErrNotFound, hint: "give a token",
		},
		{
			name:    "a job's token that writes",
			options: token(memory.Token{Kind: "job"}),
			prepare: func(s *memory.State) { s.Public = true },
			do:      func(_ context.Context, r providers.Repository, sha string) error { return commit(r, "x", sha) },
			want:    providers.ErrForbidden, hint: jobHint,
		},
		{
			name:    "a job's token that writes to a private project",
			options: token(memory.Token{Kind: "job"}),
			do:      func(_ context.Context, r providers.Repository, sha string) error { return commit(r, "x", sha) },
			want:    providers.ErrNotFound, hint: jobHint,
		},
		{
			name:    "a job's token that adds to a branch of a private project",
			options: token(memory.Token{Kind: "job"}),
			do:      func(_ context.Context, r providers.Repository, sha string) error { return amend(r, sha) },
			want:    providers.ErrNotFound, hint: jobHint,
		},
		{
			name:    "a job's token that reads a private project",
			options: token(memory.Token{Kind: "job"}),
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.Resolve(ctx, "main")
				return err
			},
			want: providers.ErrNotFound, hint: jobHint,
		},
		{
			name:    "a job's token that merges",
			options: token(memory.Token{Kind: "job"}),
			prepare: func(s *memory.State) {
				s.Public = true
				_, _ = s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte("x")}}})
				_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
			},
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				pulls, err := r.Pulls(ctx, providers.PullQuery{Head: "x"})
				if err != nil || len(pulls) != 1 {
					return fmt.Errorf("%d pull requests: %w", len(pulls), err)
				}
				_, err = r.MergePull(ctx, pulls[0].Number, providers.Merge{Head: pulls[0].Head.SHA})
				return err
			},
			want: providers.ErrForbidden, hint: jobHint,
		},
		{
			name:    "a job's token that merges when it passes",
			options: token(memory.Token{Kind: "job"}),
			prepare: func(s *memory.State) {
				s.Public = true
				_, _ = s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{".gitlab-ci.yml": {Content: []byte("x")}}})
				_, _ = s.OpenPull(memory.NewPull{Head: "x", Base: "main", Title: "x", Actor: "admin"})
			},
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				pulls, err := r.Pulls(ctx, providers.PullQuery{Head: "x"})
				if err != nil || len(pulls) != 1 {
					return fmt.Errorf("%d pull requests: %w", len(pulls), err)
				}
				return r.(providers.AutoMerger).EnableAutoMerge(ctx, pulls[0].Number, providers.Merge{Head: pulls[0].Head.SHA})
			},
			want: providers.ErrForbidden, hint: jobHint,
		},
		{
			name:    "a job's token that asks for a team",
			options: token(memory.Token{Kind: "job"}),
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.(providers.Teams).IsMember(ctx, "acme/private", providers.User{ID: "1"})
				return err
			},
			want: providers.ErrNotFound, hint: jobHint,
		},
		{
			name:    "the token of a job that is over",
			options: token(memory.Token{Kind: "job", Expired: true}),
			do:      func(ctx context.Context, r providers.Repository, _ string) error { _, err := r.Self(ctx); return err },
			want:    providers.ErrUnauthorized, hint: "the job may be over, whose token this is; besides, " + jobHint,
		},
		{
			name:    "a job's token that asks for a role",
			options: token(memory.Token{Kind: "job"}),
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.Permission(ctx, providers.User{Login: "reader"})
				return err
			},
			want: errors.ErrUnsupported,
		},
		{
			name:    "a token that may open no merge request",
			options: token(memory.Token{NoPulls: true}),
			prepare: func(s *memory.State) {
				_, _ = s.Push(memory.Push{Branch: "x", Actor: "admin", Files: map[string]*memory.File{"x": {Content: []byte("x")}}})
			},
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.OpenPull(ctx, providers.NewPull{Head: "x", Base: "main", Title: "x"})
				return err
			},
			want: providers.ErrForbidden, hint: "Developer",
		},
		{
			name:    "a protected branch",
			options: writer,
			prepare: func(s *memory.State) { s.Protected["main"] = memory.Protection{Push: providers.CanAdmin} },
			do: func(ctx context.Context, r providers.Repository, sha string) error {
				_, err := r.Commit(ctx, providers.CommitRequest{
					Branch: "main", Parent: sha, Head: sha, Message: "x", Changes: []providers.Change{{Path: "n", Content: []byte("n")}},
				})
				return err
			},
			want: providers.ErrForbidden, message: "the branch is protected", hint: "open a pull request",
		},
		{
			name:    "an archived project",
			options: writer,
			prepare: func(s *memory.State) { s.Archived = true },
			do:      func(_ context.Context, r providers.Repository, sha string) error { return commit(r, "x", sha) },
			want:    providers.ErrForbidden, message: "the project is archived", hint: "unarchive",
		},
		{
			name:    "an archived project that is labelled",
			options: writer,
			prepare: func(s *memory.State) { s.Archived = true },
			do: func(ctx context.Context, r providers.Repository, sha string) error {
				return r.SetStatus(ctx, sha, providers.Status{Name: "x", State: providers.Passed})
			},
			want: providers.ErrForbidden, message: "the project is archived",
		},
		{
			name:    "a branch where a folder is needed",
			options: writer,
			prepare: func(s *memory.State) { _ = s.SetBranch("towpath", s.Branches["main"], "admin") },
			do: func(_ context.Context, r providers.Repository, sha string) error {
				return commit(r, "towpath/bump/x", sha)
			},
			want: providers.ErrRefTaken, message: "there is a branch towpath", hint: "delete or rename",
		},
		{
			name:    "a folder where a branch is needed",
			options: writer,
			prepare: func(s *memory.State) { _ = s.SetBranch("towpath/bump/x", s.Branches["main"], "admin") },
			do:      func(_ context.Context, r providers.Repository, sha string) error { return commit(r, "towpath", sha) },
			want:    providers.ErrRefTaken, message: "there is a branch towpath/bump/x",
		},
		{
			name:    "a name that GitLab does not take",
			options: writer,
			do:      func(_ context.Context, r providers.Repository, sha string) error { return commit(r, "-x", sha) },
			message: "no branch of this name", hint: "another name",
		},
		{
			name:    "an absent branch",
			options: writer,
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.Resolve(ctx, "absent")
				return err
			},
			want: providers.ErrNotFound, message: "absent",
		},
		{
			name:    "a label with a comma",
			options: writer,
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				return r.(providers.Labeler).AddLabels(ctx, 1, []string{"a,b"})
			},
			message: `"a,b"`,
		},
		{
			name:    "a review by a group",
			options: writer,
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				return r.(providers.ReviewRequester).RequestReviews(ctx, 1, nil, []string{"acme/platform"})
			},
			want: errors.ErrUnsupported, message: "acme/platform",
		},
		{
			name:    "a webhook without a secret",
			options: writer,
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.(providers.Hooks).UpsertHook(ctx, "https://towpath.test", nil)
				return err
			},
			message: "no secret",
		},
		{
			name:    "a webhook by a developer",
			options: writer,
			do: func(ctx context.Context, r providers.Repository, _ string) error {
				_, err := r.(providers.Hooks).UpsertHook(ctx, "https://towpath.test", []byte("secret"))
				return err
			},
			want: providers.ErrForbidden, hint: "Maintainer",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, map[string]string{"a.txt": "a\n"})
			sha := ""
			p.do(t, func(s *memory.State) {
				sha = s.Branches["main"]
				if tt.prepare != nil {
					tt.prepare(s)
				}
			})
			o := tt.options(t, p)
			o.Transport.Base = p.client.Transport
			isFault(t, tt.do(t.Context(), p.with(t, o), sha), tt.want, tt.message, tt.hint)
		})
	}
}

// isFault wants an error that a person can act on, with these parts.
func isFault(t *testing.T, err, want error, message, hint string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if want != nil && !errors.Is(err, want) {
		t.Errorf("got the error %v, want one that wraps %q", err, want)
	}
	if errors.Is(want, errors.ErrUnsupported) && !ok {
		return
	}
	if !ok {
		t.Fatalf("got the error %v, want a *fault.Error", err)
	}
	if !strings.Contains(f.Error(), message) {
		t.Errorf("the fault is %q, want %q in it", f, message)
	}
	if f.Hint == "" || !strings.Contains(f.Hint, hint) {
		t.Errorf("the hint is %q, want %q in it", f.Hint, hint)
	}
	if strings.Contains(f.Error(), "glpat-") || strings.Contains(f.Error(), "token-of-") {
		t.Errorf("the fault %q tells the token", f)
	}
}

// answering returns the driver for a server that answers writes, or everything, in
// one way.
func answering(t *testing.T, status int, kind, body string) providers.Repository {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	f := newForge(t, gitlab.Options{Server: server.URL, Token: "glpat-x", Transport: transport.Options{Base: server.Client().Transport}})
	r, err := f.Repository("acme/config")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const someSHA = "1111111111111111111111111111111111111111"

// TestStrangeAnswers has servers answer what the imitated one never does.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	newCommit := func(r providers.Repository) error { return commit(r, "x", someSHA) }
	info := func(r providers.Repository) error { _, err := r.Info(context.Background()); return err }
	for _, tt := range []struct {
		name          string
		status        int
		kind, body    string
		do            func(providers.Repository) error
		want          error
		message, hint string
	}{
		{"a login page", 200, "text/html; charset=utf-8", "<html>", info, nil, "is no GitLab", "host"},
		{"a page that is not there", 404, "text/html", "<html>", info, nil, "is no GitLab", "host"},
		{"no JSON", 200, "text/plain", "hello", func(r providers.Repository) error {
			_, err := r.Pull(context.Background(), 1)
			return err
		}, nil, "is no GitLab", "host"},
		{"no JSON over GraphQL", 200, "text/plain", "hello", info, nil, "is no GitLab", "host"},
		{"too large", 413, "application/json", `{"message":"413"}`, newCommit, nil, "larger than the server takes", "smaller"},
		{
			"a file over the limit", 400, "application/json", `{"message":"GitLab: File \"a.bin\" is larger than the allowed size of 1 MiB."}`,
			newCommit, providers.ErrForbidden, "a file is larger than the project allows", "push rules",
		},
		{
			// As in https://github.com/dependabot/dependabot-script/issues/260.
			"a push rule", 400, "application/json", `{"message":"Commit message does not follow the pattern '^JIRA'"}`,
			newCommit, providers.ErrForbidden, "forbidden: Commit message does not follow the pattern", "push rules",
		},
		{
			"a push rule with its prefix", 400, "application/json", `{"message":"GitLab: Commit message does not follow the pattern '^JIRA'"}`,
			newCommit, providers.ErrForbidden, "forbidden: Commit message does not follow the pattern", "push rules",
		},
		{
			"a moved project", 405, "application/json", `{"message":"Non GET methods are not allowed for moved projects"}`,
			newCommit, providers.ErrNotFound, "the project was renamed or moved", "the name that it has now",
		},
		{
			"a moved project that is asked by HEAD", 405, "application/json", `{"message":"Non GET methods are not allowed for moved projects"}`,
			func(r providers.Repository) error { return amend(r, someSHA) },
			providers.ErrNotFound, "the project was renamed or moved", "the name that it has now",
		},
		{
			"what is not yet allowed", 405, "application/json", `{"message":"405 Method Not Allowed"}`,
			newCommit, providers.ErrForbidden, "commit to x", "on the merge request",
		},
		{
			"a commit that may have been made", 500, "application/json", `{"message":"500 Internal Server Error"}`,
			newCommit, providers.ErrUnanswered, "commit to x", "look whether",
		},
		{
			"a commit beside a branch", 400, "application/json", `{"message":"A branch called 'x' already exists. Switch to that branch in order to make changes"}`,
			newCommit, providers.ErrConflict, "already exists", "look again",
		},
		{
			"a revoked token", 401, "application/json",
			`{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`,
			info, providers.ErrUnauthorized, "", "revoked",
		},
		{
			"a limit that lasts", 429, "application/json", `{"message":"429 Too Many Requests"}`,
			info, nil, "rate limit", "try again",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			isFault(t, tt.do(answering(t, tt.status, tt.kind, tt.body)), tt.want, tt.message, tt.hint)
		})
	}
}

// TestSecretsStayOut has GitLab repeat the secret of a webhook.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	const secret = "secret-of-the-webhook"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if req.Method == http.MethodGet {
			_, _ = io.WriteString(w, `[]`)
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"message":{"token":["`+secret+` is too simple"]}}`)
	}))
	t.Cleanup(server.Close)
	r, err := newForge(t, gitlab.Options{Server: server.URL, Token: "glpat-x", Transport: transport.Options{Base: server.Client().Transport}}).Repository("acme/config")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.(providers.Hooks).UpsertHook(t.Context(), "https://towpath.test", []byte(secret))
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "too simple") {
		t.Errorf("got the error %v", err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, o := range []gitlab.Options{
		{},
		{Server: "gitlab.com"},
		{Server: "ftp://gitlab.com"},
		{Server: "https://me:glpat-secret@gitlab.com"},
		{Server: "https://gitlab.com", API: "api/v4"},
		{Server: "https://gitlab.com", Token: "a", OAuth: "b"},
		{Server: "https://gitlab.com", Token: "glpat-secret\n"},
	} {
		_, err := gitlab.New(o)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.Usage || f.Hint == "" {
			t.Errorf("%+v: got the error %v, want a fault of use", o, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error %q tells the secret", err)
		}
	}
	f := newForge(t, gitlab.Options{Server: "https://gitlab.com/", API: "https://gitlab.com/api/v4/"})
	for _, path := range []string{"", "acme", "/acme", "acme/", "a//b", "a/b?c", "a/b c"} {
		if _, err := f.Repository(path); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q: got the error %v, want a fault of use", path, err)
		}
	}
}

// TestCredentials sees what headers go out, and where to.
func TestCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options      gitlab.Options
		header, want string
	}{
		"access token": {gitlab.Options{Token: "glpat-x"}, "Private-Token", "glpat-x"},
		"OAuth":        {gitlab.Options{OAuth: "oauth-x"}, "Authorization", "Bearer oauth-x"},
		"job token":    {gitlab.Options{JobToken: "job-x"}, "Job-Token", "job-x"},
		"none":         {gitlab.Options{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []http.Header
			elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				seen = append(seen, req.Header.Clone())
				w.Header().Set("Content-Type", "application/octet-stream")
			}))
			defer elsewhere.Close()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				seen = append(seen, req.Header.Clone())
				http.Redirect(w, req, elsewhere.URL+"/store", http.StatusFound)
			}))
			defer server.Close()
			o := c.options
			o.Server = server.URL + "/below"
			r, err := newForge(t, o).Repository("acme/config")
			if err != nil {
				t.Fatal(err)
			}
			reply, err := r.Archive(t.Context(), someSHA)
			if err != nil {
				t.Fatal(err)
			}
			_ = reply.Close()
			if len(seen) != 2 {
				t.Fatalf("there were %d requests, want 2", len(seen))
			}
			for _, header := range []string{"Private-Token", "Authorization", "Job-Token"} {
				want := ""
				if header == c.header {
					want = c.want
				}
				if got := seen[0].Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
				if values, ok := seen[1][header]; ok {
					t.Errorf("%s went elsewhere as %q", header, values)
				}
			}
		})
	}
}
