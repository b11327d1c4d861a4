package propose_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/archive"
	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// world is a forge with one repository, in which bot bumps and ada is a person.
type world struct {
	t     *testing.T
	forge *memory.Forge
	repo  *memory.Repo
	seen  providers.Repository
}

func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	return newWorldOf(t, memory.Options{}, files)
}

func newWorldOf(t *testing.T, o memory.Options, files map[string]string) *world {
	t.Helper()
	w := &world{t: t, forge: memory.New(o)}
	w.forge.AddAccount(memory.Account{Login: "bot", Token: "bot-token"})
	w.forge.AddAccount(memory.Account{Login: "ada", Token: "ada-token"})
	var contents map[string]memory.File
	if files != nil {
		contents = map[string]memory.File{}
	}
	for path, content := range files {
		contents[path] = memory.File{Content: []byte(content)}
	}
	repo, err := w.forge.AddRepo("acme/config", memory.RepoOptions{
		Files: contents, Author: "ada",
		Members: map[string]providers.Permission{"bot": providers.CanWrite, "ada": providers.CanAdmin},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.repo = repo
	if w.seen, err = w.forge.Repository("acme/config", "bot-token"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) do(f func(s *memory.State) error) {
	w.t.Helper()
	if err := w.repo.Do(f); err != nil {
		w.t.Fatal(err)
	}
}

// push is a commit by ada.
func (w *world) push(branch, path, content string) {
	w.t.Helper()
	w.do(func(s *memory.State) error {
		_, err := s.Push(memory.Push{Branch: branch, Actor: "ada", Message: "By hand", Files: map[string]*memory.File{path: {Content: []byte(content)}}})
		return err
	})
}

// file returns what a branch holds.
func (w *world) file(branch, path string) string {
	w.t.Helper()
	var out string
	w.do(func(s *memory.State) error {
		commit := s.Commit(s.Branches[branch])
		if commit == nil {
			return fmt.Errorf("there is no branch %s", branch)
		}
		content, _ := s.Blob(commit.Files[path].ID)
		out = string(content)
		return nil
	})
	return out
}

// pulls shows the pull requests: number, state, branch and title.
func (w *world) pulls() []string {
	w.t.Helper()
	var out []string
	w.do(func(s *memory.State) error {
		for _, p := range s.Pulls {
			out = append(out, fmt.Sprintf("#%d %s %s %s", p.Number, p.State, p.HeadBranch, p.Title))
		}
		return nil
	})
	return out
}

func publication(t *testing.T) propose.Publication {
	t.Helper()
	parse := func(text string) propose.Template {
		tmpl, err := propose.ParseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		return tmpl
	}
	return propose.Publication{
		Message: parse(propose.DefaultMessage), Title: parse(propose.DefaultTitle),
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Jitter: func() float64 { return 0 },
	}
}

func intent(images ...string) propose.Intent {
	var i propose.Intent
	for _, name := range images {
		ref, err := image.Parse("ghcr.io/acme/" + name)
		if err != nil {
			panic(err)
		}
		i.Request.Moves = append(i.Request.Moves, bump.Move{Image: ref.Repository(), Tag: ref.Tag, Digest: ref.Digest})
	}
	return i
}

// bump runs a bump that must not fail, and says what became of it.
func (w *world) bump(i propose.Intent, p propose.Publication) []string {
	w.t.Helper()
	result, err := propose.Bump(w.t.Context(), w.seen, propose.Tree{}, i, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return states(result)
}

func states(r *propose.Result) []string {
	var out []string
	for _, o := range r.Outcomes {
		text := string(o.State)
		if o.Pull != nil {
			text += fmt.Sprintf(" #%d", o.Pull.Number)
		}
		if o.Problem != nil {
			text += ": " + o.Problem.Message
		}
		for _, f := range o.Files {
			for _, refused := range f.Refused {
				text += "; " + refused.Message
			}
		}
		out = append(out, text)
	}
	return out
}

func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const deployment = "# of the web team\nkind: Deployment\nspec:\n  containers:\n    - image: ghcr.io/acme/web:1.4.1 # keep\n"

func at(version string) string { return strings.ReplaceAll(deployment, "1.4.1", version) }

func TestBumpOpensUpdatesAndRests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment, "other.yaml": "a: 1\n"})
	p := publication(t)
	same(t, "first run", []string{"opened #1"}, w.bump(intent("web:1.4.2"), p))
	same(t, "branch", at("1.4.2"), w.file("towpath/bump/web", "web.yaml"))
	same(t, "again", []string{"unchanged #1"}, w.bump(intent("web:1.4.2"), p))
	same(t, "newer", []string{"updated #1"}, w.bump(intent("web:1.4.3"), p))
	same(t, "branch", at("1.4.3"), w.file("towpath/bump/web", "web.yaml"))
	same(t, "pulls", []string{"#1 open towpath/bump/web Bump ghcr.io/acme/web to 1.4.3"}, w.pulls())
	same(t, "late", []string{"unchanged #1; ghcr.io/acme/web is at 1.4.3, and 1.4.2 is older"}, w.bump(intent("web:1.4.2"), p))
	same(t, "branch after the late one", at("1.4.3"), w.file("towpath/bump/web", "web.yaml"))
	same(t, "base", at("1.4.1"), w.file("main", "web.yaml"))
	w.do(func(s *memory.State) error {
		commits := s.Between(s.Branches["main"], s.Branches["towpath/bump/web"])
		if len(commits) != 1 || !strings.Contains(commits[0].Message, "Towpath-Move: image=ghcr.io/acme/web from=1.4.1 to=1.4.3") {
			return fmt.Errorf("the branch has %d commits: %+v", len(commits), commits)
		}
		return nil
	})
}

func TestBumpIsRebuiltOnTheBaseOfToday(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.push("main", "web.yaml", deployment+"  replicas: 2\n")
	same(t, "the file changed below it", []string{"updated #1"}, w.bump(intent("web:1.4.2"), p))
	same(t, "branch", at("1.4.2")+"  replicas: 2\n", w.file("towpath/bump/web", "web.yaml"))
	w.push("main", "README.md", "hello\n")
	same(t, "another file changed", []string{"unchanged #1"}, w.bump(intent("web:1.4.2"), p))
	same(t, "newer", []string{"updated #1"}, w.bump(intent("web:1.4.3"), p))
	same(t, "branch has the base", "hello\n", w.file("towpath/bump/web", "README.md"))
}

func TestBumpClosesWhatTheBaseHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.push("main", "web.yaml", at("1.4.2"))
	same(t, "outcome", []string{"closed #1"}, w.bump(intent("web:1.4.2"), p))
	same(t, "pulls", []string{"#1 closed towpath/bump/web Bump ghcr.io/acme/web to 1.4.2"}, w.pulls())
	same(t, "again", []string{""}, w.bump(intent("web:1.4.2"), p))
	// Since no human closed it, a base that went back gets a new one.
	w.push("main", "web.yaml", at("1.4.1"))
	same(t, "reverted", []string{"opened #2"}, w.bump(intent("web:1.4.2"), p))
}

func TestBumpAnOpenNewerOneCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.9"), p)
	w.push("main", "web.yaml", at("1.4.2"))
	same(t, "outcome", []string{"updated #1; ghcr.io/acme/web is at 1.4.9, and 1.4.2 is older"}, w.bump(intent("web:1.4.2"), p))
	same(t, "branch", at("1.4.9"), w.file("towpath/bump/web", "web.yaml"))
}

func TestBumpDoesNotReopenWhatPeopleClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.do(func(s *memory.State) error { s.ClosePull(s.Pull(1), "ada"); return nil })
	same(t, "same version", []string{"declined #1: pull request #1 with these versions was closed, so none is opened"}, w.bump(intent("web:1.4.2"), p))
	same(t, "newer version", []string{"opened #2"}, w.bump(intent("web:1.4.3"), p))
	same(t, "branch", at("1.4.3"), w.file("towpath/bump/web", "web.yaml"))
}

func TestBumpLeavesABranchThatPeoplePushedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment, "notes.md": "-\n"})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.push("towpath/bump/web", "notes.md", "by hand\n")
	same(t, "same version", []string{"unchanged #1"}, w.bump(intent("web:1.4.2"), p))
	got := w.bump(intent("web:1.4.3"), p)
	if len(got) != 1 || !strings.HasPrefix(got[0], "held #1: the branch towpath/bump/web is left as it is: ada pushed ") {
		t.Errorf("newer version: %q", got)
	}
	same(t, "branch", "by hand\n", w.file("towpath/bump/web", "notes.md"))
	same(t, "branch", at("1.4.2"), w.file("towpath/bump/web", "web.yaml"))
}

func TestBumpKeepsWhatPeopleWriteBelowTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.do(func(s *memory.State) error {
		s.Pull(1).Body = strings.ReplaceAll(s.Pull(1).Body, "\n", "\r\n") + "\r\nAsk Bob first.\r\n"
		return nil
	})
	w.bump(intent("web:1.4.3"), p)
	w.do(func(s *memory.State) error {
		body := s.Pull(1).Body
		if !strings.HasSuffix(body, "\nAsk Bob first.") || !strings.Contains(body, "`1.4.3`") || strings.Contains(body, "1.4.2") {
			return fmt.Errorf("the body is:\n%s", body)
		}
		s.Pull(1).Body = "I rewrote it all"
		return nil
	})
	w.bump(intent("web:1.4.4"), p)
	w.do(func(s *memory.State) error {
		if body := s.Pull(1).Body; !strings.HasSuffix(body, "\nI rewrote it all") || !strings.Contains(body, "`1.4.4`") {
			return fmt.Errorf("the body is:\n%s", body)
		}
		return nil
	})
}

func TestBumpIntoOnePullRequestLosesNone(t *testing.T) {
	t.Parallel()
	const services = 6
	files := map[string]string{
		".towpath.yaml": "version: 1\nenvironments: [{name: dev}, {name: prod, after: [dev]}]\napps:\n  - discover: \"{app}/{env}.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n",
	}
	for i := range services {
		for _, env := range []string{"dev", "prod"} {
			files[fmt.Sprintf("s%d/%s.yaml", i, env)] = fmt.Sprintf("image: ghcr.io/acme/s%d:1.0.0\n", i)
		}
	}
	w := newWorld(t, files)
	p := publication(t)
	p.Split = propose.PerEnv
	for i := range services {
		w.bump(intent(fmt.Sprintf("s%d:2.0.%d", i, i)), p)
	}
	for i := range services {
		same(t, "dev", fmt.Sprintf("image: ghcr.io/acme/s%d:2.0.%d\n", i, i), w.file("towpath/bump/dev", fmt.Sprintf("s%d/dev.yaml", i)))
		same(t, "prod", fmt.Sprintf("image: ghcr.io/acme/s%d:1.0.0\n", i), w.file("towpath/bump/dev", fmt.Sprintf("s%d/prod.yaml", i)))
	}
	same(t, "pulls", []string{"#1 open towpath/bump/dev Bump 6 images in dev"}, w.pulls())
}

func TestBumpTwentyAtOnce(t *testing.T) {
	t.Parallel()
	const steps = 20
	files := map[string]string{}
	var all string
	for i := range steps {
		all += fmt.Sprintf("---\nimage: ghcr.io/acme/s%d:1.0.0\n", i)
	}
	files["all.yaml"] = all
	w := newWorld(t, files)
	var group sync.WaitGroup
	for i := range steps {
		group.Go(func() {
			if _, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent(fmt.Sprintf("s%d:2.0.0", i)), publication(t)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	same(t, "pull requests", steps, len(w.pulls()))
	for i := range steps {
		want := strings.ReplaceAll(all, fmt.Sprintf("s%d:1.0.0", i), fmt.Sprintf("s%d:2.0.0", i))
		same(t, "branch", want, w.file(fmt.Sprintf("towpath/bump/s%d", i), "all.yaml"))
	}
}

func TestBumpTheSameTwiceAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		w := newWorld(t, map[string]string{"web.yaml": deployment})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if _, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.2"), publication(t)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		same(t, "pulls", []string{"#1 open towpath/bump/web Bump ghcr.io/acme/web to 1.4.2"}, w.pulls())
	}
}

// faulty is a repository in which something happens around a write.
type faulty struct {
	providers.Repository
	before, after func() error // of the commit
	opened        func() error // after a pull request is opened
}

func (f *faulty) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	if f.before != nil {
		if err := f.before(); err != nil {
			return "", err
		}
	}
	sha, err := f.Repository.Commit(ctx, c)
	if err == nil && f.after != nil {
		err = f.after()
	}
	return sha, err
}

func (f *faulty) OpenPull(ctx context.Context, p providers.NewPull) (providers.PullRequest, error) {
	pull, err := f.Repository.OpenPull(ctx, p)
	if err == nil && f.opened != nil {
		err = f.opened()
	}
	return pull, err
}

// once returns a function that fails the first time it is called.
func once(err error) func() error {
	var called atomic.Bool
	return func() error {
		if called.Swap(true) {
			return nil
		}
		return err
	}
}

func TestBumpAfterALostReply(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("post: %w", providers.ErrUnanswered)
	for name, f := range map[string]faulty{
		"commit not done":   {before: once(lost)},
		"commit done":       {after: once(lost)},
		"pull request open": {opened: once(lost)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{"web.yaml": deployment})
			f.Repository = w.seen
			w.seen = &f
			got := w.bump(intent("web:1.4.2"), publication(t))
			if len(got) != 1 || got[0] != "opened #1" && got[0] != "unchanged #1" {
				t.Errorf("outcome %q", got)
			}
			same(t, "pulls", []string{"#1 open towpath/bump/web Bump ghcr.io/acme/web to 1.4.2"}, w.pulls())
			w.do(func(s *memory.State) error {
				if n := len(s.Between(s.Branches["main"], s.Branches["towpath/bump/web"])); n != 1 {
					return fmt.Errorf("%d commits on the branch", n)
				}
				return nil
			})
		})
	}
}

func TestPushNeverPutsOldContentsOnANewParent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	p.Push = true
	moved := once(errors.New("moved"))
	w.seen = &faulty{Repository: w.seen, before: func() error {
		if moved() != nil {
			w.push("main", "web.yaml", deployment+"  replicas: 3\n")
		}
		return nil
	}}
	result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.2"), p)
	if err != nil || result.Pushed == "" {
		t.Fatalf("pushed %q, error %v", result.Pushed, err)
	}
	same(t, "main", at("1.4.2")+"  replicas: 3\n", w.file("main", "web.yaml"))
}

func TestBumpGivesUpAfterFiveConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	tried := 0
	w.seen = &faulty{Repository: w.seen, before: func() error {
		tried++
		return fmt.Errorf("create ref: %w", providers.ErrConflict)
	}}
	_, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.2"), publication(t))
	if fault.CodeOf(err) != fault.Conflict || !errors.Is(err, providers.ErrConflict) || tried != 5 {
		t.Errorf("after %d tries: %v", tried, err)
	}
}

func TestPushKeepsToOpenPullRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.9"), p)
	p.Push, p.RequestedBy = true, "ada" // which makes it another commit than the branch's
	result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.2"), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Plan.Files) != 1 || len(result.Plan.Files[0].Refused) != 1 {
		t.Errorf("plan %+v", result.Plan.Files)
	}
	same(t, "main", at("1.4.1"), w.file("main", "web.yaml"))
	if result, err = propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.9"), p); err != nil {
		t.Fatal(err)
	}
	same(t, "outcome", []string{"closed #1"}, states(result))
	same(t, "main", at("1.4.9"), w.file("main", "web.yaml"))
}

func TestBumpSupersedesByClosing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	p.Supersede = propose.Close
	same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.2"), p))
	same(t, "again", []string{"unchanged #1"}, w.bump(intent("web:1.4.2"), p))
	same(t, "newer", []string{"opened #2"}, w.bump(intent("web:1.4.3"), p))
	same(t, "late", []string{"unchanged #2; ghcr.io/acme/web is at 1.4.3, and 1.4.2 is older"}, w.bump(intent("web:1.4.2"), p))
	var titles []string
	for _, line := range w.pulls() {
		number, rest, _ := strings.Cut(line, " ")
		state, _, _ := strings.Cut(rest, " ")
		titles = append(titles, number+" "+state)
	}
	same(t, "pulls", []string{"#1 closed", "#2 open"}, titles)
	w.do(func(s *memory.State) error {
		if c := s.Pull(1).Comments; len(c) != 1 || !strings.Contains(c[0].Body, "#2 has taken its place") {
			return fmt.Errorf("comments %+v", c)
		}
		return nil
	})
}

func TestBumpOrdersTagsByTheirSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": strings.ReplaceAll(deployment, "1.4.1", "main-aaa")})
	source, err := w.forge.AddRepo("acme/web", memory.RepoOptions{Files: map[string]memory.File{"main.go": {Content: []byte("1")}}, Members: map[string]providers.Permission{"bot": providers.CanRead}})
	if err != nil {
		t.Fatal(err)
	}
	var shas []string
	if err := source.Do(func(s *memory.State) error {
		for i := range 3 {
			commit, err := s.Push(memory.Push{Branch: "main", Actor: "ada", Files: map[string]*memory.File{"main.go": {Content: fmt.Appendf(nil, "%d", i+2)}}})
			if err != nil {
				return err
			}
			shas = append(shas, commit.SHA)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	build := func(i int, run int64) propose.Publication {
		p := publication(t)
		p.Build = propose.Build{Repo: "memory.test/acme/web", SHA: shas[i], Run: run}
		p.Source = func(context.Context, string) (providers.Repository, error) {
			return w.forge.Repository("acme/web", "bot-token")
		}
		return p
	}
	same(t, "first", []string{"opened #1"}, w.bump(intent("web:main-bbb"), build(1, 10)))
	same(t, "an older commit, built later", []string{"unchanged #1; ghcr.io/acme/web is at main-bbb, and main-ccc is older"}, w.bump(intent("web:main-ccc"), build(0, 11)))
	same(t, "a newer commit", []string{"updated #1"}, w.bump(intent("web:main-ddd"), build(2, 12)))
	blind := build(2, 9)
	blind.Source = nil
	same(t, "an older run", []string{"unchanged #1; ghcr.io/acme/web is at main-ddd, and main-eee is older"}, w.bump(intent("web:main-eee"), blind))
	blind.Build.Run = 13
	same(t, "a newer run", []string{"updated #1"}, w.bump(intent("web:main-eee"), blind))

	// Merged, the trailers are in the history of the base.
	w.do(func(s *memory.State) error {
		_, err := s.MergePull(s.Pull(1), providers.Merge{Head: s.Pull(1).HeadSHA}, "ada")
		return err
	})
	got := w.bump(intent("web:main-fff"), build(0, 14))
	if len(got) != 1 || !strings.HasSuffix(got[0], "ghcr.io/acme/web is at main-eee, and main-fff is older") {
		t.Errorf("an older commit than the base's: %q", got)
	}
}

func TestBumpFindsFilesInManyWays(t *testing.T) {
	t.Parallel()
	files := map[string]string{".gitattributes": "hidden/** export-ignore\nstamped.yaml export-subst\n"}
	for i := range 100 {
		files[fmt.Sprintf("noise/%d.yaml", i)] = "a: b\n"
	}
	files["web.yaml"], files["hidden/web.yaml"], files["node_modules/x/web.yaml"] = deployment, deployment, deployment
	files["stamped.yaml"] = "# $Format:%H$\nimage: ghcr.io/acme/web:1.4.1\n"
	files["name with # and ?.yaml"] = "image: ghcr.io/acme/web:1.4.1\n"
	w := newWorld(t, files)
	result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.2"), publication(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range result.Outcomes[0].Files {
		if f.After != nil {
			got = append(got, f.Path)
		}
	}
	slices.Sort(got)
	same(t, "files", []string{"hidden/web.yaml", "name with # and ?.yaml", "stamped.yaml", "web.yaml"}, got)
	same(t, "a file that archives rewrite", "# $Format:%H$\nimage: ghcr.io/acme/web:1.4.2\n", w.file("towpath/bump/web", "stamped.yaml"))
}

// counting counts the archives that are asked for.
type counting struct {
	providers.Repository
	archives int
}

func (c *counting) Archive(ctx context.Context, sha string) (io.ReadCloser, error) {
	c.archives++
	return c.Repository.Archive(ctx, sha)
}

func TestBumpKeepsArchives(t *testing.T) {
	t.Parallel()
	files := map[string]string{"web.yaml": deployment}
	for i := range 100 {
		files[fmt.Sprintf("noise/%d.yaml", i)] = "a: b\n"
	}
	w := newWorld(t, files)
	seen := &counting{Repository: w.seen}
	tree := propose.Tree{Cache: &archive.Cache{Dir: t.TempDir()}, Key: "acme/config"}
	p := publication(t)
	p.DryRun = true
	for range 3 {
		if _, err := propose.Bump(t.Context(), seen, tree, intent("web:1.4.2"), p); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "archives", 1, seen.archives)
	kept, err := os.ReadDir(tree.Cache.Dir)
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	if err := os.WriteFile(filepath.Join(tree.Cache.Dir, kept[0].Name()), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := propose.Bump(t.Context(), seen, tree, intent("web:1.4.2"), p)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "after it broke", []string{"opened"}, states(result))
	same(t, "archives", 2, seen.archives)
}

func TestBumpRefusesBadRepositories(t *testing.T) {
	t.Parallel()
	empty := newWorld(t, nil)
	archived := newWorld(t, map[string]string{"web.yaml": deployment})
	archived.do(func(s *memory.State) error { s.Archived = true; return nil })
	misspelt := newWorld(t, map[string]string{"web.yaml": deployment, ".towpath.yml": "version: 1\n"})
	for name, w := range map[string]*world{"the repository is empty": empty, "the repository is archived": archived, "the file is called .towpath.yml": misspelt} {
		_, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.2"), publication(t))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}

func TestBumpWithoutRebuilding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	w.seen = appending{w.seen}
	p := publication(t)
	same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.2"), p))
	w.push("main", "README.md", "hello\n")
	same(t, "newer", []string{"updated #1"}, w.bump(intent("web:1.4.3"), p))
	same(t, "branch", at("1.4.3"), w.file("towpath/bump/web", "web.yaml"))
	w.push("main", "web.yaml", deployment+"  replicas: 2\n")
	same(t, "the base changed the same file", []string{"opened #2"}, w.bump(intent("web:1.4.4"), p))
	same(t, "branch", at("1.4.4")+"  replicas: 2\n", w.held(2))
	w.do(func(s *memory.State) error {
		if clashes := s.Clashes(s.Pull(2)); len(clashes) > 0 || s.Pull(1).State != providers.Closed {
			return fmt.Errorf("#1 is %s, #2 clashes in %v", s.Pull(1).State, clashes)
		}
		s.ClosePull(s.Pull(2), "ada")
		return nil
	})
	same(t, "what is left of a closed one is not carried", []string{"opened #3"}, w.bump(intent("web:1.4.5"), p))
}

// appending is a forge that cannot move a branch, as Bitbucket.
type appending struct{ providers.Repository }

func (a appending) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	if c.Head != "" && c.Head != c.Parent {
		return "", fmt.Errorf("move a branch: %w", errors.ErrUnsupported)
	}
	return a.Repository.Commit(ctx, c)
}

func (a appending) DeleteBranch(ctx context.Context, name, sha string) error {
	return a.Repository.(providers.BranchDeleter).DeleteBranch(ctx, name, sha)
}
