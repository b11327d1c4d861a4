package bitbucket_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/bitbucket"
	"github.com/towpath-dev/towpath/providers/bitbucket/bitbuckettest"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// undescribed are paths of which the description of the API that the tests are
// given has nothing, though Bitbucket's own has them
// (https://developer.atlassian.com/cloud/bitbucket/rest/), or has too little: a
// file's contents are no page of a listing.
var undescribed = []string{
	"/repositories/{workspace}/{repo_slug}/refs/tags/{name}",
	"/repositories/{workspace}/{repo_slug}/merge-base/{revspec}",
	"/repositories/{workspace}/{repo_slug}/hooks",
	"/repositories/{workspace}/{repo_slug}/hooks/{uid}",
	"/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/merge/task-status/{task_id}",
	"/workspaces/{workspace}/members",
	"/user/workspaces/{workspace}/permissions/repositories",
	"/site/oauth2/access_token",
}

// described validates requests and replies but for what the description lacks,
// though Bitbucket's own page of the endpoint has it: some parameters, and that
// a file may be empty.
type described struct{ validated, plain http.RoundTripper }

func (d described) RoundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.Query()
	isFile := strings.Contains(req.URL.Path, "/src/") && !query.Has("max_depth") && !query.Has("format")
	if isFile || query.Has("exclude") || query.Has("path") || query.Has("from_pullrequest_id") {
		return d.plain.RoundTrip(req)
	}
	return d.validated.RoundTrip(req)
}

// scopes are those of a token that may do all that towpath does.
var scopes = []string{"account", "repository:write", "pullrequest:write", "webhook:write"}

// world is a forge of a test, with a server before it.
type world struct {
	store  *memory.Forge
	imit   *bitbuckettest.Server
	server *httptest.Server
	wire   *providertest.Wire
}

// newWorld starts a forge with an account for each [providertest.Who].
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: memory.New(memory.Options{KeepPulls: true})}
	for _, who := range []providertest.Who{providertest.Writer, providertest.Admin, providertest.Reader, providertest.Stranger} {
		w.store.AddAccount(memory.Account{Login: string(who), Email: string(who) + "@example.com", Token: "token-of-" + string(who), Scopes: scopes})
	}
	w.imit = bitbuckettest.NewServer(w.store)
	w.server = httptest.NewServer(w.imit)
	t.Cleanup(w.server.Close)
	w.wire = &providertest.Wire{Base: described{
		validated: providertest.Validate(t, "bitbucket.json", w.server.Client().Transport, undescribed...),
		plain:     w.server.Client().Transport,
	}}
	return w
}

func (w *world) addRepo(t *testing.T, files map[string]memory.File) *memory.Repo {
	t.Helper()
	repo, err := w.store.AddRepo("acme/config", memory.RepoOptions{
		Files: files, Author: string(providertest.Admin), Members: map[string]providers.Permission{
			string(providertest.Writer): providers.CanWrite, string(providertest.Admin): providers.CanAdmin, string(providertest.Reader): providers.CanRead,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// options are those of a driver that waits for nothing.
func (w *world) options(base http.RoundTripper) bitbucket.Options {
	return bitbucket.Options{Server: w.server.URL, Transport: transport.Options{
		Base:   base,
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Jitter: func() float64 { return 0 },
	}}
}

func (w *world) repository(t testing.TB, o bitbucket.Options) providers.Repository {
	t.Helper()
	f, err := bitbucket.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Repository("acme/config")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// as returns the driver as an account sees it; that of the writer goes over the
// wire.
func (w *world) as(t testing.TB, who providertest.Who) providers.Repository {
	t.Helper()
	base := w.server.Client().Transport
	if who == providertest.Writer {
		base = w.wire
	}
	o := w.options(base)
	o.Token = "token-of-" + string(who)
	return w.repository(t, o)
}

func TestSuite(t *testing.T) {
	t.Parallel()
	receiver, err := bitbucket.New(bitbucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	providertest.Run(t, providertest.Harness{
		New:                 fixture,
		Abilities:           []string{"ReviewRequester", "Drafter", "CheckReporter", "Hooks", "BranchDeleter", "Looker", "Examiner"},
		Methods:             []providers.MergeMethod{providers.MergeCommit, providers.Squash, providers.Rebase},
		Receiver:            receiver,
		Budget:              providertest.Budget{Open: 6, Nothing: 3, PerFile: 1},
		HeadGuard:           true,
		NoBlobIDs:           true,
		ShortHeads:          true,
		AdminForPermissions: true,
	})
}

func fixture(t *testing.T, files map[string]providertest.File) *providertest.Fixture {
	t.Helper()
	w := newWorld(t)
	var first map[string]memory.File
	if files != nil {
		first = map[string]memory.File{}
	}
	for path, file := range files {
		first[path] = memory.File{Mode: file.Mode, Content: []byte(file.Content)}
	}
	repo := w.addRepo(t, first)
	do := func(t testing.TB, f func(s *memory.State) error) {
		t.Helper()
		if err := repo.Do(f); err != nil {
			t.Fatal(err)
		}
	}
	return &providertest.Fixture{
		Path: repo.Path(),
		Wire: w.wire,
		As:   w.as,
		User: func(who providertest.Who) providers.User {
			account, _ := w.store.Account(string(who))
			return providers.User{ID: bitbuckettest.UUID(account.ID), Login: account.Login, Name: account.Name}
		},
		Push: func(t testing.TB, p providertest.Push) (sha string) {
			t.Helper()
			do(t, func(s *memory.State) error {
				push := memory.Push{Branch: p.Branch, From: p.From, Message: p.Message, Actor: string(providertest.Admin), Files: map[string]*memory.File{}}
				for path, content := range p.Files {
					push.Files[path] = &memory.File{Content: []byte(content)}
				}
				for _, path := range p.Remove {
					push.Files[path] = nil
				}
				tip := s.Commit(s.Branches[p.Branch])
				for from, to := range p.Rename {
					content, _ := s.Blob(tip.Files[from].ID)
					push.Files[from], push.Files[to] = nil, &memory.File{Mode: tip.Files[from].Mode, Content: slices.Clone(content)}
				}
				commit, err := s.Push(push)
				if err == nil {
					sha = commit.SHA
				}
				return err
			})
			return sha
		},
		Tag: func(t testing.TB, name, sha string) {
			t.Helper()
			do(t, func(s *memory.State) error { s.Tags[name] = sha; return nil })
		},
		Review: func(t testing.TB, number int, who providertest.Who, approve bool) {
			t.Helper()
			do(t, func(s *memory.State) error {
				verdict := memory.Approved
				if !approve {
					verdict = memory.Rejected
				}
				s.AddReview(s.Pull(number), string(who), verdict, "")
				return nil
			})
		},
		Protect: func(t testing.TB, branch string) {
			t.Helper()
			do(t, func(s *memory.State) error {
				s.Protected[branch] = memory.Protection{Push: providers.CanAdmin}
				return nil
			})
		},
		Require: func(t testing.TB, branch, check string) {
			t.Helper()
			do(t, func(s *memory.State) error {
				s.Protected[branch] = memory.Protection{Checks: []string{check}}
				return nil
			})
		},
		ForkPull: func(t testing.TB, branch string) (number int) {
			t.Helper()
			do(t, func(s *memory.State) error {
				base := s.Commit(s.Branches["main"])
				commit, err := s.NewCommit(memory.NewCommit{
					Parents: []string{base.SHA}, Message: "Forked", Files: s.Put(base.Files, map[string]*memory.File{"fork.txt": {Content: []byte("f\n")}}),
				})
				if err != nil {
					return err
				}
				p, err := s.OpenPull(memory.NewPull{
					Head: branch, Base: "main", Fork: "stranger/config", SHA: commit.SHA, Title: "From a fork", Actor: string(providertest.Stranger),
				})
				if err == nil {
					number = p.Number
				}
				return err
			})
			return number
		},
		Hook: func(t testing.TB, url string, secret []byte) {
			t.Helper()
			hooks, ok := w.as(t, providertest.Admin).(providers.Hooks)
			if !ok {
				t.Fatal("the driver registers no webhooks")
			}
			if _, err := hooks.UpsertHook(t.Context(), url, secret); err != nil {
				t.Fatal(err)
			}
			w.imit.Deliver(http.DefaultClient)
		},
	}
}
