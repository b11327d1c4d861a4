package github_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/github"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// undescribed are paths of which the description of the API that the tests are
// given has nothing, though GitHub's own has them
// (https://docs.github.com/en/rest/repos/webhooks,
// https://docs.github.com/en/rest/users/users#get-a-user-using-their-id).
var undescribed = []string{"/repos/{owner}/{repo}/hooks", "/repos/{owner}/{repo}/hooks/{hook_id}", "/user/{account_id}"}

// world is a forge of a test, with GitHub's API before it.
type world struct {
	store  *memory.Forge
	server *httptest.Server
	wire   *providertest.Wire
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: memory.New(memory.Options{})}
	w.server = httptest.NewServer(w.store.GitHub())
	t.Cleanup(w.server.Close)
	w.wire = &providertest.Wire{Base: providertest.Validate(t, "github.json", w.server.Client().Transport, undescribed...)}
	return w
}

// options are those of a driver that waits for nothing.
func (w *world) options(token string, base http.RoundTripper) github.Options {
	return github.Options{Server: w.server.URL, Token: token, Transport: transport.Options{
		Base:   base,
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Jitter: func() float64 { return 0 },
	}}
}

func (w *world) repository(t testing.TB, o github.Options, path string) providers.Repository {
	t.Helper()
	f, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Repository(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSuite(t *testing.T) {
	t.Parallel()
	receiver, err := github.New(github.Options{})
	if err != nil {
		t.Fatal(err)
	}
	providertest.Run(t, providertest.Harness{
		New:        fixture,
		Abilities:  providertest.AllAbilities(),
		Methods:    []providers.MergeMethod{providers.MergeCommit, providers.Squash, providers.Rebase},
		Receiver:   receiver,
		Budget:     providertest.Budget{Open: 6, Nothing: 3},
		Rebuilds:   true,
		HeadGuard:  true,
		MergeGuard: true,
	})
}

func fixture(t *testing.T, files map[string]providertest.File) *providertest.Fixture {
	t.Helper()
	w := newWorld(t)
	f, _ := providertest.OverMemory(t, w.store, files)
	// Check runs are for Apps, so Writer is one's installation.
	w.store.AddToken(memory.Token{Value: providertest.Token(providertest.Writer), Login: string(providertest.Writer), Kind: "installation"})
	w.store.SendGitHubHooks(w.server.Client(), func(err error) { t.Errorf("send a webhook: %v", err) })
	f.Wire = w.wire
	f.As = func(t testing.TB, who providertest.Who) providers.Repository {
		t.Helper()
		if who != providertest.Writer {
			return w.repository(t, w.options(providertest.Token(who), w.server.Client().Transport), f.Path)
		}
		// Its tokens, two requests in an hour, do not go over the wire.
		return w.repository(t, asApp(w.options("", w.wire), &authority{token: providertest.Token(who)}), f.Path)
	}
	return f
}
