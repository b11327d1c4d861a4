package propose_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// message returns the messages of the commits that a branch has and main has not.
func (w *world) message(branch string) string {
	w.t.Helper()
	var out strings.Builder
	w.do(func(s *memory.State) error {
		for _, c := range s.Between(s.Branches["main"], s.Branches[branch]) {
			out.WriteString(c.Message)
		}
		return nil
	})
	return out.String()
}

// built returns what makes publications of a build: of the commit with a number
// of a source repository, by a run.
func (w *world) built(repo string) func(commit int, run int64) propose.Publication {
	w.t.Helper()
	source, err := w.forge.AddRepo(repo, memory.RepoOptions{
		Files: map[string]memory.File{"main.go": {Content: []byte("1")}}, Members: map[string]providers.Permission{"bot": providers.CanRead},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var shas []string
	err = source.Do(func(s *memory.State) error {
		for i := range 4 {
			commit, err := s.Push(memory.Push{Branch: "main", Actor: "ada", Files: map[string]*memory.File{"main.go": {Content: fmt.Appendf(nil, "%d", i+2)}}})
			if err != nil {
				return err
			}
			shas = append(shas, commit.SHA)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return func(commit int, run int64) propose.Publication {
		p := publication(w.t)
		p.Split = propose.PerEnv
		p.Build = propose.Build{Repo: "memory.test/" + repo, SHA: shas[commit], Run: run}
		p.Source = func(_ context.Context, name string) (providers.Repository, error) {
			return w.forge.Repository(strings.TrimPrefix(name, "memory.test/"), "bot-token")
		}
		return p
	}
}

const twoApps = "version: 1\nenvironments: [{name: dev}]\napps:\n  - discover: \"{app}/{env}.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n"

func twoAppsInDev(t *testing.T) *world {
	return newWorld(t, map[string]string{
		".towpath.yaml": twoApps, "a/dev.yaml": "image: ghcr.io/acme/a:main-aaa\n", "b/dev.yaml": "image: ghcr.io/acme/b:main-aaa\n",
	})
}

// A commit that carries a move on was made by a later run, of another build. The
// order of what is carried is that of its own build all the same.
func TestBumpOrdersWhatIsCarriedByItsOwnBuild(t *testing.T) {
	t.Parallel()
	t.Run("newer", func(t *testing.T) {
		t.Parallel()
		w := twoAppsInDev(t)
		web := w.built("acme/web")
		same(t, "a", []string{"opened #1"}, w.bump(intent("a:main-bbb"), web(0, 10)))
		same(t, "b", []string{"updated #1"}, w.bump(intent("b:main-ddd"), web(2, 12)))
		same(t, "a, built before b", []string{"updated #1"}, w.bump(intent("a:main-ccc"), web(1, 11)))
		same(t, "a", "image: ghcr.io/acme/a:main-ccc\n", w.file("towpath/bump/dev", "a/dev.yaml"))
		same(t, "b", "image: ghcr.io/acme/b:main-ddd\n", w.file("towpath/bump/dev", "b/dev.yaml"))
	})
	t.Run("older", func(t *testing.T) {
		t.Parallel()
		w := twoAppsInDev(t)
		web, other := w.built("acme/web"), w.built("acme/other")
		same(t, "a", []string{"opened #1"}, w.bump(intent("a:main-ccc"), web(1, 11)))
		same(t, "b, of another repo", []string{"updated #1"}, w.bump(intent("b:main-ddd"), other(2, 3)))
		same(t, "a, late", []string{"unchanged #1; ghcr.io/acme/a is at main-ccc, and main-bbb is older"}, w.bump(intent("a:main-bbb"), web(0, 10)))
		same(t, "a", "image: ghcr.io/acme/a:main-ccc\n", w.file("towpath/bump/dev", "a/dev.yaml"))
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		w := twoAppsInDev(t)
		web := w.built("acme/web")
		p := publication(t)
		p.Split = propose.PerEnv
		same(t, "a, of nobody knows what", []string{"opened #1"}, w.bump(intent("a:main-bbb"), p))
		same(t, "b", []string{"updated #1"}, w.bump(intent("b:main-ddd"), web(2, 12)))
		same(t, "a", []string{"updated #1"}, w.bump(intent("a:main-ccc"), web(1, 11)))
	})
	t.Run("digest", func(t *testing.T) {
		t.Parallel()
		digest := "@sha256:" + strings.Repeat("a", 64)
		w := newWorld(t, map[string]string{".towpath.yaml": twoApps, "a/dev.yaml": "a:\n  image: {repository: ghcr.io/acme/a, tag: main-aaa}\n", "b/dev.yaml": "{}\n"})
		web := w.built("acme/web")
		same(t, "a", []string{"opened #1"}, w.bump(intent("a:main-bbb"+digest), web(0, 10)))
		same(t, "a, newer", []string{"updated #1"}, w.bump(intent("a:main-ddd"+digest), web(2, 12)))
		same(t, "a, late", []string{"unchanged #1; ghcr.io/acme/a is at main-ddd, and main-ccc" + digest + " is older"}, w.bump(intent("a:main-ccc"+digest), web(1, 11)))
	})
	t.Run("merged", func(t *testing.T) {
		t.Parallel()
		w := twoAppsInDev(t)
		web := w.built("acme/web")
		w.bump(intent("a:main-ccc"), web(1, 10))
		w.bump(intent("b:main-ddd"), web(2, 12))
		w.do(func(s *memory.State) error {
			_, err := s.MergePull(s.Pull(1), providers.Merge{Method: providers.MergeCommit}, "ada")
			return err
		})
		same(t, "a, late", []string{"; ghcr.io/acme/a is at main-ccc, and main-bbb is older"}, w.bump(intent("a:main-bbb"), web(0, 9)))
		same(t, "a, newer", []string{"opened #2"}, w.bump(intent("a:main-eee"), web(3, 11)))
	})
}

const ofTwo = "kind: Deployment\nspec:\n  containers:\n    - image: ghcr.io/acme/a:1.0.0\n    - image: ghcr.io/acme/b:1.0.0\n"

// A step down that was allowed is carried on, onto a base that changed.
func TestBumpCarriesAStepDown(t *testing.T) {
	t.Parallel()
	cfg := "version: 1\nenvironments: [{name: dev}]\napps:\n  - discover: \"{app}/{env}.yaml\"\n    images: [ghcr.io/acme/a, ghcr.io/acme/b]\n"
	w := newWorld(t, map[string]string{".towpath.yaml": cfg, "web/dev.yaml": ofTwo})
	i := intent("a:0.9.0")
	i.Request.AllowDowngrade = true
	same(t, "down", []string{"opened #1"}, w.bump(i, publication(t)))
	w.push("main", "web/dev.yaml", ofTwo+"  replicas: 2\n")
	same(t, "another image", []string{"updated #1"}, w.bump(intent("b:5.0.0"), publication(t)))
	want := strings.NewReplacer("a:1.0.0", "a:0.9.0", "b:1.0.0", "b:5.0.0").Replace(ofTwo) + "  replicas: 2\n"
	same(t, "branch", want, w.file("towpath/bump/web", "web/dev.yaml"))

	w.push("main", "web/dev.yaml", strings.Replace(ofTwo, "a:1.0.0", "a:1.1.0", 1)+"  replicas: 2\n")
	same(t, "the base went up", []string{"updated #1"}, w.bump(intent("b:6.0.0"), publication(t)))
	want = strings.NewReplacer("a:1.0.0", "a:1.1.0", "b:1.0.0", "b:6.0.0").Replace(ofTwo) + "  replicas: 2\n"
	same(t, "branch", want, w.file("towpath/bump/web", "web/dev.yaml"))
}

// What cannot be carried on, onto a base that changed, is not lost without a word.
func TestBumpHoldsWhatCannotBeCarried(t *testing.T) {
	t.Parallel()
	cfg := "version: 1\nenvironments: [{name: dev}]\napps:\n  - discover: \"{app}/{env}.yaml\"\n    images: [ghcr.io/acme/a, ghcr.io/acme/b]\n"
	values := "a:\n  image: {repository: ghcr.io/acme/a, tag: 1.0.0}\nb:\n  image: {repository: ghcr.io/acme/b, tag: 1.0.0}\n"
	w := newWorld(t, map[string]string{".towpath.yaml": cfg, "web/dev.yaml": values})
	same(t, "a", []string{"opened #1"}, w.bump(intent("a:2.0.0"), publication(t)))
	before := w.file("towpath/bump/web", "web/dev.yaml")
	shared := strings.Replace(values, "tag: 1.0.0}", "tag: &tag 1.0.0}", 1) + "c:\n  image: {repository: ghcr.io/acme/c, tag: *tag}\n"
	w.push("main", "web/dev.yaml", shared)
	got := w.bump(intent("b:5.0.0"), publication(t))
	if after := w.file("towpath/bump/web", "web/dev.yaml"); after != before || len(got) != 1 || !strings.HasPrefix(got[0], "held #1") {
		t.Errorf("%q, and the branch holds %q", got, after)
	}
}

// A marker of Flux says where a version stands on any base.
func TestBumpCarriesWhatIsMarked(t *testing.T) {
	t.Parallel()
	marked := strings.Replace(ofTwo, "a:1.0.0", `a:1.0.0 # {"$imagepolicy": "flux-system:a"}`, 1)
	policy := "apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImageRepository\nmetadata: {name: a, namespace: flux-system}\nspec: {image: ghcr.io/acme/a}\n---\n" +
		"apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImagePolicy\nmetadata: {name: a, namespace: flux-system}\nspec: {imageRepositoryRef: {name: a}}\n"
	cfg := "version: 1\nenvironments: [{name: dev}]\napps:\n  - discover: \"{app}/{env}.yaml\"\n    images: [ghcr.io/acme/a, ghcr.io/acme/b]\n"
	w := newWorld(t, map[string]string{".towpath.yaml": cfg, "web/dev.yaml": marked, "flux/policy.yaml": policy})
	same(t, "a", []string{"opened #1"}, w.bump(intent("a:2.0.0"), publication(t)))
	w.push("main", "web/dev.yaml", marked+"  replicas: 2\n")
	same(t, "b", []string{"updated #1"}, w.bump(intent("b:5.0.0"), publication(t)))
	want := strings.NewReplacer("a:1.0.0", "a:2.0.0", "b:1.0.0", "b:5.0.0").Replace(marked) + "  replicas: 2\n"
	same(t, "branch", want, w.file("towpath/bump/web", "web/dev.yaml"))
}

// Carrying a version on takes back none that the base has, or that was refused.
func TestBumpCarriesNoStepDownElsewhere(t *testing.T) {
	t.Parallel()
	cfg := "version: 1\nenvironments: [{name: dev}]\napps:\n  - discover: \"{app}/{env}.yaml\"\n    images: [ghcr.io/acme/a, ghcr.io/acme/b]\n"
	twice := strings.Replace(ofTwo, "    - image: ghcr.io/acme/b", "    - image: ghcr.io/acme/a:1.0.0 # second\n    - image: ghcr.io/acme/b", 1)
	newer := strings.Replace(twice, "a:1.0.0 # second", "a:7.0.0 # second", 1)
	for name, test := range map[string]struct{ before, after string }{
		"the base has a newer one meanwhile": {twice, newer},
		"one place has a newer one":          {newer, newer + "  replicas: 2\n"},
	} {
		w := newWorld(t, map[string]string{".towpath.yaml": cfg, "web/dev.yaml": test.before})
		w.bump(intent("a:2.0.0"), publication(t))
		w.push("main", "web/dev.yaml", test.after)
		got := w.bump(intent("b:5.0.0"), publication(t))
		want := strings.NewReplacer("a:1.0.0", "a:2.0.0", "b:1.0.0", "b:5.0.0").Replace(test.after)
		if file := w.file("towpath/bump/web", "web/dev.yaml"); file != want {
			t.Errorf("%s: %q, and the branch holds %q, want %q", name, got, file, want)
		}
	}
}

// What a pull request holds of other images of its app counts, and is told,
// where only the keys of the configuration lead to them.
func TestBumpKnowsTheKeysOfOtherImages(t *testing.T) {
	t.Parallel()
	cfg := "version: 1\nenvironments: [{name: dev}]\napps:\n  - discover: \"{app}/{env}.yaml\"\n    images: [{image: ghcr.io/acme/a, keys: [aVersion]}, {image: ghcr.io/acme/b, keys: [bVersion]}]\n"
	values := "aVersion: 1.0.0\nx: 1\nbVersion: 1.0.0\n"
	w := newWorld(t, map[string]string{".towpath.yaml": cfg, "web/dev.yaml": values})
	p := publication(t)
	same(t, "a", []string{"opened #1"}, w.bump(intent("a:2.0.0"), p))
	same(t, "b, which is there", []string{"unchanged #1"}, w.bump(intent("b:1.0.0"), p))
	same(t, "pulls", []string{"#1 open towpath/bump/web Bump ghcr.io/acme/a to 2.0.0 in dev"}, w.pulls())
	same(t, "b", []string{"updated #1"}, w.bump(intent("b:3.0.0"), p))
	same(t, "pulls", []string{"#1 open towpath/bump/web Bump 2 images in dev"}, w.pulls())
	var told []string
	for _, m := range audit.Parse(w.message("towpath/bump/web")) {
		told = append(told, m.Image+" "+m.To)
	}
	same(t, "trailers", []string{"ghcr.io/acme/a 2.0.0", "ghcr.io/acme/b 3.0.0"}, told)
	w.push("main", "web/dev.yaml", strings.Replace(values, "x: 1", "x: 2", 1))
	same(t, "after the base changed", []string{"updated #1"}, w.bump(intent("b:4.0.0"), p))
	same(t, "branch", "aVersion: 2.0.0\nx: 2\nbVersion: 4.0.0\n", w.file("towpath/bump/web", "web/dev.yaml"))
}

// pushing is a repository to whose branch somebody pushes before a pull request
// is updated.
type pushing struct {
	providers.Repository
	w     *world
	heads *[]string // at which automatic merging was asked for
}

func (p pushing) UpdatePull(ctx context.Context, n int, u providers.PullUpdate) (providers.PullRequest, error) {
	p.w.push("towpath/bump/web", "other.yaml", "x: 1\n")
	return p.Repository.UpdatePull(ctx, n, u)
}

func (p pushing) EnableAutoMerge(ctx context.Context, n int, m providers.Merge) error {
	*p.heads = append(*p.heads, m.Head)
	return p.Repository.(providers.AutoMerger).EnableAutoMerge(ctx, n, m)
}

// Only what this run wrote is merged automatically.
func TestBumpDoesNotMergeWhatPeoplePush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.2"), p))
	var heads []string
	w.seen = pushing{w.seen, w, &heads}
	p.AutoMerge = true
	result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.4.3"), p)
	if err != nil {
		t.Fatal(err)
	}
	o := result.Outcomes[0]
	if len(heads) == 0 || slices.ContainsFunc(heads, func(head string) bool { return head != o.Commit }) {
		t.Errorf("it was to be merged at %q, and the commit is %s", heads, o.Commit)
	}
	if len(o.Warnings) != 1 || !errors.Is(o.Warnings[0], providers.ErrConflict) || o.Pull.State != providers.Open {
		t.Errorf("it is %s, with the warnings %v", o.Pull.State, o.Warnings)
	}
}

// interrupting is a forge that cannot move a branch, and fails now and then.
type interrupting struct {
	appending
	commit, open, closing func() error // called before a new branch, a pull request, a close; nil fails never
}

func (i *interrupting) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	if c.Head == "" && i.commit != nil {
		if err := i.commit(); err != nil {
			return "", err
		}
	}
	return i.appending.Commit(ctx, c)
}

func (i *interrupting) OpenPull(ctx context.Context, p providers.NewPull) (providers.PullRequest, error) {
	if i.open != nil {
		if err := i.open(); err != nil {
			return providers.PullRequest{}, err
		}
	}
	return i.appending.OpenPull(ctx, p)
}

func (i *interrupting) UpdatePull(ctx context.Context, n int, u providers.PullUpdate) (providers.PullRequest, error) {
	if u.Close && i.closing != nil {
		if err := i.closing(); err != nil {
			return providers.PullRequest{}, err
		}
	}
	return i.appending.UpdatePull(ctx, n, u)
}

// held returns what the branch of a pull request has in web.yaml.
func (w *world) held(number int) string {
	w.t.Helper()
	branch := ""
	w.do(func(s *memory.State) error { branch = s.Pull(number).HeadBranch; return nil })
	return w.file(branch, "web.yaml")
}

// states returns the states of the pull requests.
func (w *world) states() []string {
	w.t.Helper()
	var out []string
	w.do(func(s *memory.State) error {
		for _, p := range s.Pulls {
			out = append(out, fmt.Sprintf("#%d %s", p.Number, p.State))
		}
		return nil
	})
	return out
}

// Where branches cannot be moved, a pull request that clashes with the base is
// replaced. Wherever the run ends, what it held stays in an open one or in a
// branch that the next run finds.
func TestBumpReplacesWithoutLoss(t *testing.T) {
	t.Parallel()
	lost, killed := fmt.Errorf("502: %w", providers.ErrUnanswered), errors.New("killed")
	for _, supersede := range []propose.Supersede{propose.Update, propose.Close} {
		for name, test := range map[string]struct {
			interrupting
			ends bool
		}{
			"nothing fails":           {},
			"commit, going on":        {interrupting{commit: once(lost)}, false},
			"commit, ending":          {interrupting{commit: once(killed)}, true},
			"pull request, going on":  {interrupting{open: once(lost)}, false},
			"pull request, ending":    {interrupting{open: once(killed)}, true},
			"closing the old, ending": {interrupting{closing: once(killed)}, true},
		} {
			t.Run(string(supersede)+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, map[string]string{"web.yaml": deployment})
				p := publication(t)
				p.Supersede = supersede
				w.seen = appending{w.seen}
				same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.9"), p))
				w.push("main", "web.yaml", deployment+"  replicas: 2\n")
				whole := w.seen
				failing := test.interrupting
				failing.appending = appending{whole}
				w.seen = &failing
				late := intent("web:1.4.5")
				_, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, late, p)
				if (err != nil) != test.ends {
					t.Fatal(err)
				}
				w.bump(late, p)
				same(t, "pulls", []string{"#1 closed", "#2 open"}, w.states())
				same(t, "branch", at("1.4.9")+"  replicas: 2\n", w.held(2))
				if supersede == propose.Update {
					same(t, "later", []string{"updated #2"}, w.bump(intent("web:1.5.0"), p))
					w.push("main", "web.yaml", deployment+"  replicas: 3\n")
					same(t, "replaced again", []string{"opened #3"}, w.bump(intent("web:1.6.0"), p))
					same(t, "pulls", []string{"#1 closed", "#2 closed", "#3 open"}, w.states())
					same(t, "branch", at("1.6.0")+"  replicas: 3\n", w.held(3))
				}
			})
		}
	}
}

// What a run that ended left on a branch without a pull request is written over,
// but for what people put there.
func TestBumpFindsABranchWithoutItsPullRequest(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*world, propose.Publication, string) {
		t.Helper()
		w := newWorld(t, map[string]string{"web.yaml": deployment})
		p := publication(t)
		w.seen = appending{w.seen}
		same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.9"), p))
		w.push("main", "web.yaml", deployment+"  replicas: 2\n")
		w.seen = &interrupting{appending: appending{w.seen}, open: once(errors.New("killed"))}
		if _, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.5.0"), p); err == nil {
			t.Fatal("the run did not end")
		}
		left := ""
		w.do(func(s *memory.State) error {
			for _, name := range s.BranchNames() {
				if name != "main" && name != "towpath/bump/web" {
					left = name
				}
			}
			return nil
		})
		return w, p, left
	}
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		w, p, _ := start(t)
		same(t, "late", []string{"opened #2; ghcr.io/acme/web is at 1.4.9, and 1.4.5 is older"}, w.bump(intent("web:1.4.5"), p))
		same(t, "branch", at("1.4.9")+"  replicas: 2\n", w.held(2))
		same(t, "pulls", []string{"#1 closed", "#2 open"}, w.states())
	})
	t.Run("pushed to", func(t *testing.T) {
		t.Parallel()
		w, p, left := start(t)
		w.push(left, "mine.yaml", "x: 1\n")
		if got := w.bump(intent("web:1.5.1"), p); len(got) != 1 || !strings.HasPrefix(got[0], "held: ") {
			t.Errorf("got %q", got)
		}
		same(t, "file", "x: 1\n", w.file(left, "mine.yaml"))
		same(t, "pulls", []string{"#1 open"}, w.states())
	})
	t.Run("pushed to the old one", func(t *testing.T) {
		t.Parallel()
		w, p, _ := start(t)
		w.push("towpath/bump/web", "mine.yaml", "x: 1\n")
		if got := w.bump(intent("web:1.5.1"), p); len(got) != 1 || !strings.HasPrefix(got[0], "held #1: ") {
			t.Errorf("got %q", got)
		}
		same(t, "file", "x: 1\n", w.file("towpath/bump/web", "mine.yaml"))
		same(t, "pulls", []string{"#1 open"}, w.states())
	})
	t.Run("the base changed again", func(t *testing.T) {
		t.Parallel()
		w, p, _ := start(t)
		w.push("main", "web.yaml", deployment+"  replicas: 3\n")
		same(t, "newer", []string{"opened #2"}, w.bump(intent("web:1.5.1"), p))
		same(t, "branch", at("1.5.1")+"  replicas: 3\n", w.held(2))
		same(t, "pulls", []string{"#1 closed", "#2 open"}, w.states())
	})
}

// A run that ended before it closed the old pull request leaves two, of which the
// newer one goes on.
func TestBumpClosesATwin(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*world, propose.Publication) {
		t.Helper()
		w := newWorld(t, map[string]string{"web.yaml": deployment})
		p := publication(t)
		w.seen = appending{w.seen}
		same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.9"), p))
		w.push("main", "web.yaml", deployment+"  replicas: 2\n")
		w.seen = &interrupting{appending: appending{w.seen}, closing: once(errors.New("killed"))}
		if _, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.5.0"), p); err == nil {
			t.Fatal("the run did not end")
		}
		same(t, "pulls", []string{"#1 open", "#2 open"}, w.states())
		return w, p
	}
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		w, p := start(t)
		same(t, "late", []string{"unchanged #2; ghcr.io/acme/web is at 1.5.0, and 1.4.5 is older"}, w.bump(intent("web:1.4.5"), p))
		same(t, "pulls", []string{"#1 closed", "#2 open"}, w.states())
		same(t, "branch", at("1.5.0")+"  replicas: 2\n", w.held(2))
	})
	t.Run("the base changed again", func(t *testing.T) {
		t.Parallel()
		w, p := start(t)
		w.push("main", "web.yaml", deployment+"  replicas: 3\n")
		same(t, "newer", []string{"opened #3"}, w.bump(intent("web:1.6.0"), p))
		same(t, "pulls", []string{"#1 closed", "#2 closed", "#3 open"}, w.states())
		same(t, "branch", at("1.6.0")+"  replicas: 3\n", w.held(3))
	})
	t.Run("people closed the twin", func(t *testing.T) {
		t.Parallel()
		w, p := start(t)
		w.do(func(s *memory.State) error { s.ClosePull(s.Pull(1), "ada"); return nil })
		w.push("main", "web.yaml", deployment+"  replicas: 3\n")
		same(t, "same", []string{"opened #3"}, w.bump(intent("web:1.5.0"), p))
		same(t, "branch", at("1.5.0")+"  replicas: 3\n", w.held(3))
	})
	t.Run("people wrote its text", func(t *testing.T) {
		t.Parallel()
		w, p := start(t)
		w.do(func(s *memory.State) error { s.Pull(2).Body = "mine"; return nil })
		same(t, "newer", []string{"updated #2"}, w.bump(intent("web:1.6.0"), p))
		same(t, "pulls", []string{"#1 closed", "#2 open"}, w.states())
	})
	t.Run("pushed to meanwhile", func(t *testing.T) {
		t.Parallel()
		w, p := start(t)
		w.push("towpath/bump/web", "mine.yaml", "x: 1\n")
		same(t, "newer", []string{"updated #2"}, w.bump(intent("web:1.6.0"), p))
		same(t, "file", "x: 1\n", w.file("towpath/bump/web", "mine.yaml"))
		same(t, "pulls", []string{"#1 open", "#2 open"}, w.states())
	})
}

// What people push to a pull request while it is replaced is not closed with it.
func TestBumpLeavesWhatIsPushedWhileItReplaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.seen = appending{w.seen}
	same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.9"), p))
	w.push("main", "web.yaml", deployment+"  replicas: 2\n")
	pushed := once(errors.New("now"))
	w.seen = &interrupting{appending: appending{w.seen}, open: func() error {
		if pushed() != nil {
			w.push("towpath/bump/web", "mine.yaml", "x: 1\n")
		}
		return nil
	}}
	result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, intent("web:1.5.0"), p)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "outcome", []string{"opened #2"}, states(result))
	same(t, "pulls", []string{"#1 open", "#2 open"}, w.states())
	same(t, "file", "x: 1\n", w.file("towpath/bump/web", "mine.yaml"))
	if warnings := result.Outcomes[0].Warnings; len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "#1 stays open beside") {
		t.Errorf("the warnings are %v", warnings)
	}
}

// Where a pull request stays open without its branch, the branch is made again.
func TestBumpMakesADeletedBranchAgain(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, memory.Options{KeepPulls: true}, map[string]string{"web.yaml": deployment})
	p := publication(t)
	remove := func() {
		w.do(func(s *memory.State) error { s.DeleteBranch("towpath/bump/web", "ada"); return nil })
	}
	same(t, "first", []string{"opened #1"}, w.bump(intent("web:1.4.9"), p))
	remove()
	same(t, "the same", []string{"updated #1"}, w.bump(intent("web:1.4.9"), p))
	same(t, "branch", at("1.4.9"), w.file("towpath/bump/web", "web.yaml"))
	remove()
	same(t, "late", []string{"updated #1; ghcr.io/acme/web is at 1.4.9, and 1.4.5 is older"}, w.bump(intent("web:1.4.5"), p))
	same(t, "branch", at("1.4.9"), w.file("towpath/bump/web", "web.yaml"))
	remove()
	same(t, "newer", []string{"updated #1"}, w.bump(intent("web:1.5.0"), p))
	same(t, "branch", at("1.5.0"), w.file("towpath/bump/web", "web.yaml"))
}

// What people write while a run is at work is kept.
func TestBumpKeepsWhatPeopleWriteMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	p := publication(t)
	w.bump(intent("web:1.4.2"), p)
	w.seen = &faulty{Repository: w.seen, before: func() error {
		w.do(func(s *memory.State) error { s.Pull(1).Body += "\nreviewed by ada\n"; return nil })
		return nil
	}}
	same(t, "newer", []string{"updated #1"}, w.bump(intent("web:1.4.3"), p))
	w.do(func(s *memory.State) error {
		if body := s.Pull(1).Body; !strings.Contains(body, "reviewed by ada") {
			return fmt.Errorf("the body is %q", body)
		}
		return nil
	})
}

// What a run did before it failed is told.
func TestBumpTellsWhatItDidBeforeItFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{".towpath.yaml": twoApps, "a/dev.yaml": "image: ghcr.io/acme/a:1.0.0\n", "b/dev.yaml": "image: ghcr.io/acme/b:1.0.0\n"})
	commits := 0
	w.seen = &failing{Repository: w.seen, commit: func() error {
		if commits++; commits == 2 {
			return fmt.Errorf("create a commit: %w", providers.ErrConflict)
		}
		return nil
	}, look: func() error {
		if commits == 2 {
			return errors.New("out of order")
		}
		return nil
	}}
	i := intent("a:2.0.0", "b:2.0.0")
	result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, i, publication(t))
	if err == nil || result == nil {
		t.Fatalf("result %v, error %v", result, err)
	}
	if got := states(result); !slices.Contains(got, "opened #1") {
		t.Errorf("told %q", got)
	}
}

// failing is a repository that fails when it is told to.
type failing struct {
	providers.Repository
	commit, look func() error
}

func (f *failing) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	if err := f.commit(); err != nil {
		return "", err
	}
	return f.Repository.Commit(ctx, c)
}

func (f *failing) Info(ctx context.Context) (providers.Info, error) {
	if err := f.look(); err != nil {
		return providers.Info{}, err
	}
	return f.Repository.Info(ctx)
}
