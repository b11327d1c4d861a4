package gitlab_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitlab"
	"github.com/towpath-dev/towpath/providers/gitlab/gitlabtest"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// TestSuite runs the suite against projects with merge commits, projects that
// only fast-forward, and a server without GraphQL. A project with merge commits
// must not squash in it: GitLab then makes both commits.
func TestSuite(t *testing.T) {
	t.Parallel()
	budget := providertest.Budget{Open: 5, Nothing: 3}
	for _, c := range []struct {
		name    string
		methods []providers.MergeMethod
		wrap    func(http.Handler) http.Handler
		budget  providertest.Budget
	}{
		{"MergeCommits", []providers.MergeMethod{providers.MergeCommit}, nil, budget},
		{"FastForward", []providers.MergeMethod{providers.Squash, providers.Rebase}, nil, budget},
		{"WithoutGraphQL", []providers.MergeMethod{providers.MergeCommit}, withoutGraphQL, providertest.Budget{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.wrap)
			providertest.Run(t, providertest.Harness{
				New: func(t *testing.T, files map[string]providertest.File) *providertest.Fixture {
					f, repo := providertest.OverMemory(t, w.forge, files)
					p := project{w, repo}
					p.do(t, func(s *memory.State) { s.Methods = c.methods })
					f.Wire = &providertest.Wire{Base: w.client.Transport}
					f.As = func(t testing.TB, who providertest.Who) providers.Repository {
						if who == providertest.Writer {
							return p.as(t, who, f.Wire)
						}
						return p.as(t, who, nil)
					}
					f.Hook = p.hook
					return f
				},
				Abilities:       providertest.AllAbilities("CommentHider", "CheckReporter"),
				Methods:         c.methods,
				Receiver:        newForge(t, gitlab.Options{Server: "https://gitlab.test"}),
				Budget:          c.budget,
				LeavesOutPaging: c.name == "FastForward", // it differs from MergeCommits in merges alone
				Rebuilds:        true,
				MergeGuard:      true,
				NoSizes:         true,
				RefusedBranches: []string{"-x"}, // GitLab's lib/gitlab/git_ref_validator.rb
			})
		})
	}
}

// world is a GitLab in this process.
type world struct {
	forge  *memory.Forge
	imit   *gitlabtest.Server
	client *http.Client // of its server
	url    string
}

// newWorld starts one. Wrap may be nil.
func newWorld(t testing.TB, wrap func(http.Handler) http.Handler) *world {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { handler.ServeHTTP(w, req) }))
	t.Cleanup(server.Close)
	w := &world{forge: memory.New(memory.Options{Server: server.URL, KeepPulls: true}), client: server.Client(), url: server.URL}
	w.imit = gitlabtest.NewServer(w.forge)
	handler = w.imit
	if wrap != nil {
		handler = wrap(handler)
	}
	gitlabtest.Deliver(w.forge, w.client)
	return w
}

func withoutGraphQL(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/graphql") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error":"404 Not Found"}`))
			return
		}
		next.ServeHTTP(w, req)
	})
}

// newForge is gitlab.New for options that never wait in real time.
func newForge(t testing.TB, o gitlab.Options) *gitlab.Forge {
	t.Helper()
	if o.Transport.Sleep == nil {
		o.Transport.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	f, err := gitlab.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// project is a repository of a world.
type project struct {
	*world
	repo *memory.Repo
}

// newProject makes one of regular files in a world of its own, with the accounts
// of [providertest.OverMemory].
func newProject(t testing.TB, files map[string]string) project {
	t.Helper()
	return newWorld(t, nil).project(t, files)
}

func (w *world) project(t testing.TB, files map[string]string) project {
	t.Helper()
	first := map[string]providertest.File{}
	for path, content := range files {
		first[path] = providertest.File{Content: content}
	}
	_, repo := providertest.OverMemory(t, w.forge, first)
	return project{w, repo}
}

// as returns the driver for an account, over a wire, which may be nil.
func (p project) as(t testing.TB, who providertest.Who, wire http.RoundTripper) providers.Repository {
	t.Helper()
	if wire == nil {
		wire = p.client.Transport
	}
	return p.with(t, gitlab.Options{Token: providertest.Token(who), Transport: transport.Options{Base: wire}})
}

// with returns the driver with options, of which Server is filled in.
func (p project) with(t testing.TB, o gitlab.Options) providers.Repository {
	t.Helper()
	o.Server = p.url
	r, err := newForge(t, o).Repository(p.repo.Path())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// do changes the state.
func (p project) do(t testing.TB, change func(*memory.State)) {
	t.Helper()
	err := p.repo.Do(func(s *memory.State) error {
		change(s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p project) hook(t testing.TB, url string, secret []byte) {
	t.Helper()
	p.do(t, func(s *memory.State) {
		s.Hooks = append(s.Hooks, &memory.Hook{
			ID: p.forge.NextID(), URL: url, Secret: string(secret), Active: true,
			Events: []string{"push", "merge_requests", "note", "pipeline"},
		})
	})
}
