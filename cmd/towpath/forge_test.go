package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/bitbucket/bitbuckettest"
	"github.com/towpath-dev/towpath/providers/gitlab/gitlabtest"
	"github.com/towpath-dev/towpath/providers/memory"
)

// imitations are the forges that run in the test process.
var imitations = map[string]func(*memory.Forge) http.Handler{
	"github":    (*memory.Forge).GitHub,
	"gitlab":    gitlabtest.New,
	"bitbucket": bitbuckettest.New,
}

// imitation is a forge with the repository acme/config, where bot may write.
type imitation struct {
	url   string
	forge *memory.Forge
	repo  *memory.Repo

	mu       sync.Mutex
	requests []string // method and path
}

// newImitation starts a forge, which ends when stop is called.
func newImitation(kind string, files map[string]memory.File) (i *imitation, stop func(), err error) {
	i = &imitation{}
	mux := http.NewServeMux()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.requests = append(i.requests, r.Method+" "+r.URL.Path)
		i.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	i.url = server.URL
	i.forge = memory.New(memory.Options{Server: server.URL, KeepPulls: kind != "github"})
	mux.Handle("/", imitations[kind](i.forge))
	i.forge.AddAccount(memory.Account{Login: "ada"})
	i.forge.AddAccount(memory.Account{Login: "bot", Token: "bot-token", Scopes: scopes[kind]})
	i.forge.AddAccount(memory.Account{Login: "stranger", Token: "stranger-token", Scopes: scopes[kind]})
	i.repo, err = i.forge.AddRepo("acme/config", memory.RepoOptions{
		Files: files, Author: "ada", Members: map[string]providers.Permission{"ada": providers.CanAdmin, "bot": providers.CanWrite},
	})
	return i, server.Close, err
}

var scopes = map[string][]string{"github": {"repo"}, "gitlab": {"api"}}

// state says what there is: pull requests, and what branches change.
func (i *imitation) state() (string, error) {
	var b bytes.Buffer
	err := i.repo.Do(func(s *memory.State) error {
		for _, p := range s.Pulls {
			fmt.Fprintf(&b, "#%d %s %s -> %s: %s\n", p.Number, p.State, p.HeadBranch, p.Base, p.Title)
			for _, c := range p.Comments {
				text := strings.TrimSpace(hiddenMark.ReplaceAllString(c.Body, ""))
				fmt.Fprintf(&b, "  %s: %s\n", c.Author, strings.SplitN(text, "\n", 2)[0])
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.Branches)) {
			commit := s.Commit(s.Branches[name])
			fmt.Fprintf(&b, "%s: %s\n", name, commit.Subject())
			if name == s.DefaultBranch {
				continue
			}
			base := s.Commit(s.MergeBase(s.Branches[s.DefaultBranch], commit.SHA))
			for _, change := range s.Diff(base.Files, commit.Files) {
				content, _ := s.Blob(commit.Files[change.Path].ID)
				fmt.Fprintf(&b, "  %s\n%s", change.Path, indent(string(content)))
			}
		}
		return nil
	})
	return b.String(), err
}

// showPull says what a pull request has, without what changes from run to run.
func showPull(p *memory.Pull) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %s -> %s: %s\n", p.Number, p.HeadBranch, p.Base, p.Title)
	for _, list := range []struct {
		name  string
		items []string
	}{{"labels", p.Labels}, {"reviewers", p.Reviewers}, {"teams", p.Teams}, {"assignees", p.Assignees}} {
		if len(list.items) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", list.name, strings.Join(list.items, ", "))
		}
	}
	if p.Draft {
		b.WriteString("draft\n")
	}
	if p.AutoMerge != nil {
		fmt.Fprintf(&b, "auto-merge: %s\n", p.AutoMerge.Merge.Method)
	}
	return b.String() + strings.TrimSpace(hiddenMark.ReplaceAllString(p.Body, "")) + "\n"
}

// hiddenMark is what a body says to programs alone.
var hiddenMark = regexp.MustCompile(`(?s)<!--.*?-->|\[//\]: # \([^\n]*\)`)

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}

// filesIn reads a folder.
func filesIn(dir string) (map[string]memory.File, error) {
	out := map[string]memory.File{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = memory.File{Content: content}
		return err
	})
	return out, err
}

// forgeCommand is the command of scripts about a forge:
//
//	forge start KIND DIR          a forge with the files of DIR in acme/config; $FORGE is its URL
//	forge state FILE              what there is now, into a file
//	forge push BRANCH FILE PATH   a commit by ada: the file at the path
//	forge branch NAME             a branch where main is
//	forge close N                 ada closes a pull request
//	forge show N FILE             what a pull request says and has, into a file
//	forge archive
//	forge protect                 nobody may push to main
//	forge require BRANCH CHECK…   what must have passed before a merge
//	forge put KIND PATH           something odd at a path of main: see oddities
//	forge token KIND              from now on a lesser token of bot: expired, no-pulls or scope:NAME
func forgeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: forge start|state|push|close|archive …")
	}
	if args[0] == "start" {
		files, err := filesIn(ts.MkAbs(args[2]))
		ts.Check(err)
		i, stop, err := newImitation(args[1], files)
		ts.Check(err)
		ts.Defer(stop)
		ts.Setenv("FORGE", i.url)
		ts.Setenv("TOWPATH_FORGE", args[1])
		ts.Setenv("TOWPATH_TOKEN", "bot-token")
		forges.Store(ts.Getenv("WORK"), i)
		return
	}
	v, ok := forges.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("forge start comes first")
	}
	i := v.(*imitation)
	switch args[0] {
	case "state":
		text, err := i.state()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
	case "push":
		content, err := os.ReadFile(ts.MkAbs(args[2]))
		ts.Check(err)
		ts.Check(i.repo.Do(func(s *memory.State) error {
			_, err := s.Push(memory.Push{Branch: args[1], Actor: "ada", Message: "By hand", Files: map[string]*memory.File{args[3]: {Content: content}}})
			return err
		}))
	case "close":
		ts.Check(i.repo.Do(func(s *memory.State) error {
			for _, p := range s.Pulls {
				if fmt.Sprint(p.Number) == args[1] {
					s.ClosePull(p, "ada")
				}
			}
			return nil
		}))
	case "show":
		ts.Check(i.repo.Do(func(s *memory.State) error {
			for _, p := range s.Pulls {
				if fmt.Sprint(p.Number) == args[1] {
					return os.WriteFile(ts.MkAbs(args[2]), []byte(showPull(p)), 0o600)
				}
			}
			return fmt.Errorf("there is no pull request #%s", args[1])
		}))
	case "archive":
		ts.Check(i.repo.Do(func(s *memory.State) error { s.Archived = true; return nil }))
	case "require":
		ts.Check(i.repo.Do(func(s *memory.State) error {
			s.Protected[args[1]] = memory.Protection{Push: providers.CanWrite, Checks: args[2:]}
			return nil
		}))
	case "put":
		ts.Check(i.repo.Do(func(s *memory.State) error {
			odd := oddities[args[1]]
			_, err := s.Push(memory.Push{Branch: "main", Actor: "ada", Message: "By hand", Files: map[string]*memory.File{args[2]: &odd}})
			return err
		}))
	case "branch":
		ts.Check(i.repo.Do(func(s *memory.State) error { return s.SetBranch(args[1], s.Branches["main"], "ada") }))
	case "token":
		token := memory.Token{Value: "lesser-token", Login: "bot", Kind: "installation", Expired: args[1] == "expired", NoPulls: args[1] == "no-pulls", Scopes: scopes[ts.Getenv("KIND")]}
		if scope, ok := strings.CutPrefix(args[1], "scope:"); ok {
			token.Scopes, token.Kind = []string{scope}, ""
		}
		i.forge.AddToken(token)
		ts.Setenv("TOWPATH_TOKEN", token.Value)
	case "protect":
		ts.Check(i.repo.Do(func(s *memory.State) error {
			s.Protected["main"] = memory.Protection{Push: memory.Nobody}
			return nil
		}))
	default:
		ts.Fatalf("forge %s is unknown", args[0])
	}
}

// oddities are what a version cannot be written to.
var oddities = map[string]memory.File{
	"link":   {Mode: providers.Symlink, Content: []byte("web.yaml")},
	"module": {Mode: providers.Submodule, Content: []byte("0123456789012345678901234567890123456789")},
	"large":  {Content: append([]byte("image: ghcr.io/acme/web:1.4.1\n#"), bytes.Repeat([]byte("x"), 16<<20)...)},
	"lfs":    {Content: []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")},
}

// forges are those of scripts, by their folder.
var forges sync.Map

// onImitation runs a command line on a forge.
func onImitation(t *testing.T, i *imitation, kind string, args ...string) (status int, out string) {
	t.Helper()
	var b bytes.Buffer
	env := map[string]string{"TOWPATH_TOKEN": "bot-token", "TOWPATH_FORGE": kind}
	status = run(t.Context(), append(args, "--repo", i.url+"/acme/config"), console{
		in: strings.NewReader(""), out: &b, err: &b, env: func(name string) string { return env[name] },
	})
	return status, b.String()
}

// TestRequests counts what a run asks of each forge: the README says so.
func TestRequests(t *testing.T) {
	t.Parallel()
	files := map[string]memory.File{
		"apps/web/values.yaml": {Content: []byte("image: ghcr.io/acme/web:1.4.1\napi:\n  image: ghcr.io/acme/api:1.0.0\n")},
		"README.md":            {Content: []byte("hello\n")},
	}
	for kind, most := range map[string]struct{ first, again, newer, glob int }{
		"github":    {first: 5, again: 2, newer: 11, glob: 7},
		"gitlab":    {first: 5, again: 3, newer: 12, glob: 8},
		"bitbucket": {first: 8, again: 5, newer: 17, glob: 9},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			i, stop, err := newImitation(kind, files)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			check := func(what string, most int, args ...string) {
				t.Helper()
				i.mu.Lock()
				i.requests = nil
				i.mu.Unlock()
				status, out := onImitation(t, i, kind, append([]string{"bump"}, args...)...)
				i.mu.Lock()
				defer i.mu.Unlock()
				if status != 0 || len(i.requests) > most || len(i.requests) == 0 {
					t.Errorf("%s: status %d after %d requests, of which there should be at most %d:\n%s\n%s",
						what, status, len(i.requests), most, strings.Join(i.requests, "\n"), out)
				}
				t.Logf("%s: %d requests", what, len(i.requests))
			}
			known := []string{"--path", "apps/web/values.yaml"}
			check("first", most.first, append(known, "ghcr.io/acme/web:1.4.2")...)
			check("again", most.again, append(known, "ghcr.io/acme/web:1.4.2")...)
			check("newer", most.newer, append(known, "ghcr.io/acme/web:1.4.3")...)
			check("nothing to do", most.again, append(known, "ghcr.io/acme/api:1.0.0")...)
			check("globs", most.glob, "--path", "apps/*/values.yaml", "ghcr.io/acme/web:1.4.2")
		})
	}
}

// TestAtOnce: steps at once lose nothing of each other, on every forge.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	const steps = 20
	for kind := range imitations {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var all string
			for n := range steps {
				all += fmt.Sprintf("---\nimage: ghcr.io/acme/s%d:1.0.0\n", n)
			}
			i, stop, err := newImitation(kind, map[string]memory.File{"all.yaml": {Content: []byte(all)}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			var group sync.WaitGroup
			for n := range steps {
				for range 2 { // two for the same image
					group.Go(func() {
						if status, out := onImitation(t, i, kind, "bump", fmt.Sprintf("ghcr.io/acme/s%d:2.0.0", n)); status != 0 {
							t.Errorf("s%d: status %d: %s", n, status, out)
						}
					})
				}
			}
			group.Wait()
			err = i.repo.Do(func(s *memory.State) error {
				if len(s.Pulls) != steps {
					t.Errorf("%d pull requests", len(s.Pulls))
				}
				for n := range steps {
					commit := s.Commit(s.Branches[fmt.Sprintf("towpath/bump/s%d", n)])
					if commit == nil {
						t.Errorf("there is no branch for s%d", n)
						continue
					}
					content, _ := s.Blob(commit.Files["all.yaml"].ID)
					want := strings.ReplaceAll(all, fmt.Sprintf("s%d:1.0.0", n), fmt.Sprintf("s%d:2.0.0", n))
					if string(content) != want || len(s.Between(s.Branches["main"], commit.SHA)) != 1 {
						t.Errorf("s%d: %d commits, content %q", n, len(s.Between(s.Branches["main"], commit.SHA)), content)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPushAtOnce: several steps commit to the base branch, each another image in
// the same file, and none is lost.
func TestPushAtOnce(t *testing.T) {
	t.Parallel()
	const steps = 4
	for kind := range imitations {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var all, want string
			for n := range steps {
				all += fmt.Sprintf("---\nimage: ghcr.io/acme/s%d:1.0.0\n", n)
				want += fmt.Sprintf("---\nimage: ghcr.io/acme/s%d:2.0.0\n", n)
			}
			i, stop, err := newImitation(kind, map[string]memory.File{"all.yaml": {Content: []byte(all)}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			var group sync.WaitGroup
			for n := range steps {
				group.Go(func() {
					if status, out := onImitation(t, i, kind, "bump", "--push", fmt.Sprintf("ghcr.io/acme/s%d:2.0.0", n)); status != 0 {
						t.Errorf("s%d: status %d: %s", n, status, out)
					}
				})
			}
			group.Wait()
			err = i.repo.Do(func(s *memory.State) error {
				content, _ := s.Blob(s.Commit(s.Branches["main"]).Files["all.yaml"].ID)
				if string(content) != want {
					t.Errorf("main holds %q", content)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestForgeKind: what serves a host is found out without a credential.
func TestForgeKind(t *testing.T) {
	t.Parallel()
	open := func(url string) (string, error) {
		f, err := newForge(forgeOptions{timeout: time.Minute}, console{env: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		name, err := providers.ParseRepo(url + "/acme/config")
		if err != nil {
			t.Fatal(err)
		}
		return f.kind(t.Context(), name)
	}
	for _, kind := range []string{"github", "gitlab"} {
		i, stop, err := newImitation(kind, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		if got, err := open(i.url); got != kind || err != nil {
			t.Errorf("%s is taken for %q, error %v", kind, got, err)
		}
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a credential was sent")
		}
		fmt.Fprint(w, "<html>Welcome</html>")
	}))
	t.Cleanup(site.Close)
	if _, err := open(site.URL); fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), "does not answer like a forge") {
		t.Errorf("a plain site: %v", err)
	}
	site.Close()
	if _, err := open(site.URL); fault.CodeOf(err) != fault.Failed || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("nobody there: %v", err)
	}
}

// A branch may be left alone that has no pull request.
func TestOutcomeWithoutAPullRequest(t *testing.T) {
	t.Parallel()
	got := describeOutcome(&propose.Outcome{Branch: "towpath/bump/web", State: propose.Held}, "main", false)
	if want := "Left alone: the branch towpath/bump/web"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
