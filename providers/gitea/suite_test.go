package gitea_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitea"
	"github.com/towpath-dev/towpath/providers/gitea/giteatest"
	"github.com/towpath-dev/towpath/providers/providertest"
)

func TestMain(m *testing.M) { os.Exit(giteatest.Main(m)) }

// world is what all tests have in common: the server and the accounts.
type world struct {
	server   *giteatest.Server
	accounts map[providertest.Who]giteatest.Account
	org      string
}

var (
	worldOnce sync.Once
	theWorld  *world
)

func newWorld(t testing.TB) *world {
	t.Helper()
	server := giteatest.Start(t)
	worldOnce.Do(func() {
		w := &world{server: server, accounts: map[providertest.Who]giteatest.Account{}}
		for _, who := range []providertest.Who{providertest.Admin, providertest.Writer, providertest.Reader, providertest.Stranger} {
			w.accounts[who] = server.Account(t, string(who))
		}
		w.accounts[providertest.Wrong] = giteatest.Account{Login: "wrong", Token: "0123456789abcdef0123456789abcdef01234567"}
		w.org = server.Org(t, w.accounts[providertest.Admin])
		// As the account of a bot would be, Writer is a member of the organization.
		var team struct{ ID int64 }
		server.Do(t, w.accounts[providertest.Admin].Token, http.MethodPost, "/orgs/"+w.org+"/teams",
			map[string]any{"name": "bots", "permission": "read", "units": []string{"repo.code"}}, &team)
		server.Do(t, w.accounts[providertest.Admin].Token, http.MethodPut,
			fmt.Sprintf("/teams/%d/members/%s", team.ID, w.accounts[providertest.Writer].Login), nil, nil)
		theWorld = w
	})
	if theWorld == nil {
		t.Fatal("another test could not make the accounts")
	}
	return theWorld
}

// doze waits as long as is asked for, but never long: the server is real, and
// finds some things out in its own time.
func doze(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(min(d, 300*time.Millisecond))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (w *world) forge(t testing.TB, token string, base http.RoundTripper) *gitea.Forge {
	t.Helper()
	f, err := gitea.New(gitea.Options{
		Server: w.server.URL, Token: token,
		Transport: transport.Options{UserAgent: "towpath-test", Base: base, Sleep: doze},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (w *world) repository(t testing.TB, token, path string, base http.RoundTripper) providers.Repository {
	t.Helper()
	r, err := w.forge(t, token, base).Repository(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fixture makes a repository of the organization.
func (w *world) fixture(t *testing.T, files map[string]providertest.File) *providertest.Fixture {
	t.Helper()
	admin := w.accounts[providertest.Admin]
	var first *giteatest.Commit
	if files != nil {
		first = &giteatest.Commit{Message: "The first", Files: map[string]giteatest.Blob{}}
		for name, f := range files {
			first.Files[name] = giteatest.Blob{Mode: f.Mode.String(), Content: f.Content}
		}
	}
	path, mirror := w.server.Repository(t, admin, w.org, first)
	w.server.Collaborate(t, admin, path, w.accounts[providertest.Writer].Login, "write")
	w.server.Collaborate(t, admin, path, w.accounts[providertest.Reader].Login, "read")
	do := func(t testing.TB, method, at string, in, out any) {
		t.Helper()
		w.server.Do(t, admin.Token, method, "/repos/"+path+at, in, out)
	}
	wire := &providertest.Wire{}
	return &providertest.Fixture{
		Path: path,
		Wire: wire,
		As: func(t testing.TB, who providertest.Who) providers.Repository {
			t.Helper()
			if who == providertest.Writer {
				return w.repository(t, w.accounts[who].Token, path, wire)
			}
			return w.repository(t, w.accounts[who].Token, path, nil)
		},
		User: func(who providertest.Who) providers.User {
			a := w.accounts[who]
			return providers.User{ID: strconv.FormatInt(a.ID, 10), Login: a.Login}
		},
		Push: func(t testing.TB, p providertest.Push) string {
			t.Helper()
			return mirror.Push(t, commitOf(p))[0]
		},
		Pushes: func(t testing.TB, pushes []providertest.Push) []string {
			t.Helper()
			commits := make([]giteatest.Commit, len(pushes))
			for i, p := range pushes {
				commits[i] = commitOf(p)
			}
			return mirror.Push(t, commits...)
		},
		Tag: func(t testing.TB, name, sha string) {
			t.Helper()
			mirror.Tag(t, name, sha)
		},
		Review: func(t testing.TB, number int, who providertest.Who, approve bool) {
			t.Helper()
			event := "REQUEST_CHANGES"
			if approve {
				event = "APPROVED"
			}
			w.server.Do(t, w.accounts[who].Token, http.MethodPost, fmt.Sprintf("/repos/%s/pulls/%d/reviews", path, number),
				map[string]string{"event": event, "body": "A word."}, nil)
		},
		Protect: func(t testing.TB, branch string) {
			t.Helper()
			do(t, http.MethodPost, "/branch_protections", map[string]any{
				"rule_name": branch, "enable_push": false,
				"enable_merge_whitelist": true, "merge_whitelist_usernames": []string{admin.Login},
			}, nil)
		},
		Require: func(t testing.TB, branch, check string) {
			t.Helper()
			do(t, http.MethodPost, "/branch_protections", map[string]any{
				"rule_name": branch, "enable_push": true, "enable_status_check": true, "status_check_contexts": []string{check},
			}, nil)
		},
		Archive: func(t testing.TB) {
			t.Helper()
			do(t, http.MethodPatch, "", map[string]any{"archived": true}, nil)
		},
		ForkPull: func(t testing.TB, branch string) int {
			t.Helper()
			reader := w.accounts[providertest.Reader]
			name := giteatest.Name("fork")
			w.server.Do(t, reader.Token, http.MethodPost, "/repos/"+path+"/forks", map[string]any{"name": name}, nil)
			w.server.Mirror(t, reader, reader.Login+"/"+name).Push(t, giteatest.Commit{
				Branch: branch, From: "main", Message: "From outside",
				Files: map[string]giteatest.Blob{"fork.txt": {Mode: "100644", Content: "fork\n"}},
			})
			var pull struct{ Number int }
			w.server.Do(t, reader.Token, http.MethodPost, "/repos/"+path+"/pulls",
				map[string]any{"head": reader.Login + "/" + name + ":" + branch, "base": "main", "title": "From a fork"}, &pull)
			return pull.Number
		},
		Team: func(t testing.TB) string {
			t.Helper()
			name := giteatest.Name("team")
			var team struct{ ID int64 }
			w.server.Do(t, admin.Token, http.MethodPost, "/orgs/"+w.org+"/teams", map[string]any{
				"name": name, "permission": "read", "units": []string{"repo.code", "repo.pulls"}, "includes_all_repositories": false,
			}, &team)
			// Only who is in a team, or owns the organization, may ask about it.
			for _, who := range []providertest.Who{providertest.Reader, providertest.Writer} {
				w.server.Do(t, admin.Token, http.MethodPut, fmt.Sprintf("/teams/%d/members/%s", team.ID, w.accounts[who].Login), nil, nil)
			}
			do(t, http.MethodPut, "/teams/"+name, nil, nil)
			return name
		},
		Hook: func(t testing.TB, url string, secret []byte) {
			t.Helper()
			hooks := w.repository(t, admin.Token, path, nil).(providers.Hooks)
			if _, err := hooks.UpsertHook(t.Context(), url, secret); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// commitOf is a commit by hand.
func commitOf(p providertest.Push) giteatest.Commit {
	c := giteatest.Commit{
		Branch: p.Branch, From: cmp.Or(p.From, "main"), Message: cmp.Or(p.Message, "By hand"),
		Files: map[string]giteatest.Blob{}, Remove: p.Remove, Rename: p.Rename,
	}
	for name, content := range p.Files {
		c.Files[name] = giteatest.Blob{Mode: "100644", Content: content}
	}
	return c
}

func TestSuite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	providertest.Run(t, providertest.Harness{
		New: w.fixture,
		Abilities: []string{
			"Looker", "BranchDeleter", "Labeler", "ReviewRequester", "Assigner", "Drafter", "AutoMerger",
			"Reactor", "Teams", "Issues", "Hooks", "Examiner",
		},
		Methods:  []providers.MergeMethod{providers.MergeCommit, providers.Squash, providers.Rebase},
		Receiver: w.forge(t, "", nil),
		// Files come with the tree, which tells what is executable; the pull
		// request is looked for among the open ones, before and after.
		Budget:     providertest.Budget{Open: 10, Nothing: 5},
		Rebuilds:   true,
		MergeGuard: true,
		// editHook in routers/api/v1/utils/hook.go of Gitea passes the secret over.
		RenewsHooks:         true,
		AdminForPermissions: true,
		// Git takes it for an option when the server clones the branch.
		RefusedBranches: []string{"-x"},
	})
	if os.Getenv("TOWPATH_GITEA_LOG") != "" {
		t.Cleanup(func() { t.Log(w.server.Log()) })
	}
}
