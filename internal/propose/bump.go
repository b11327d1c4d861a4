package propose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/archive"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/providers"
)

// Tree says what of a repository a bump reads.
type Tree struct {
	NoConfig bool // as if there were no .towpath.yaml

	// Known are all files that may change, where they are known without looking
	// for them. Nil means to look.
	Known []string

	// Cache keeps archives of whole commits, those of this repository under Key.
	// Nil keeps none.
	Cache *archive.Cache
	Key   string
}

// tries is how often a run starts anew because something changed meanwhile.
const tries = 5

// Bump makes a bump on a forge: it opens or updates one pull request for each
// group of changes, or with Push commits to the base branch. Nothing that
// somebody else writes meanwhile is lost: what a write was refused for, or may
// have been done though no answer came, is looked at again and decided anew.
//
// The result is nil if the run ended before there was a plan. With an error, it
// tells what was done before.
func Bump(ctx context.Context, repo providers.Repository, t Tree, intent Intent, p Publication) (*Result, error) {
	done := map[string]Outcome{} // what earlier tries wrote, by branch
	pushed := ""
	var last *Result
	for try := 1; ; try++ {
		b := &attempt{repo: repo, tree: t, intent: intent, Publication: p, done: done, pushed: pushed, ordered: map[unordered]bool{}}
		result, err := b.run(ctx)
		pushed = b.pushed
		if result == nil {
			result = last
		}
		result.remember(done, pushed)
		last = result
		if err == nil || try == tries || ctx.Err() != nil || !errors.Is(err, providers.ErrConflict) && !errors.Is(err, providers.ErrUnanswered) {
			if err != nil && try == tries && errors.Is(err, providers.ErrConflict) && fault.CodeOf(err) == fault.Failed {
				err = &fault.Error{
					Code: fault.Conflict, Message: fmt.Sprintf("gave up after %d tries, since others keep changing the same", tries), Err: err,
					Hint: "run it again when there are fewer runs at once",
				}
			}
			return result, err
		}
		// Runs that met once would meet again if they waited equally long.
		wait := time.Duration(p.Jitter() * float64(time.Second) * float64(int(1)<<try) / 2)
		if e := p.Sleep(ctx, wait); e != nil {
			return result, err
		}
	}
}

// attempt is one try of a bump.
type attempt struct {
	Publication
	repo   providers.Repository
	tree   Tree
	intent Intent

	view    *providers.View
	asked   map[string]bool // the branches that view knows of
	base    *revision
	draft   *Draft
	done    map[string]Outcome
	pushed  string
	except  map[place]bool     // images that are left out
	ordered map[unordered]bool // what was found out of the order of tags: is the new one older?
}

func (b *attempt) run(ctx context.Context) (*Result, error) {
	if err := b.look(ctx, b.guess()); err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	result := &Result{Draft: b.draft, Base: b.view.Base, Pushed: b.pushed}
	if err := b.draft.Check(b.intent); err != nil {
		return result, err
	}
	groups, err := b.groups(b.draft, b.foreignBase())
	if err != nil {
		return result, err
	}
	if i := slices.IndexFunc(groups, b.isBase); i >= 0 && !b.Push {
		return result, fault.New(fault.Usage, "let --branch name another one, or pass --push to commit to it",
			"%s is not a branch to open a pull request from: it is what pull requests go to", groups[i].branch)
	}
	if err := b.lookAgain(ctx, groups); err != nil {
		return result, err
	}
	if b.Push {
		return result, b.push(ctx, groups, result)
	}
	for i := range groups {
		o, err := b.publish(ctx, &groups[i])
		if o != nil {
			result.Outcomes = append(result.Outcomes, *o)
		}
		if err != nil {
			return result, err
		}
	}
	return result, nil
}

// isBase reports whether a group would be pushed to the base, or to the default
// branch.
func (b *attempt) isBase(g group) bool {
	return g.branch == b.view.Base || g.branch == b.view.Info.DefaultBranch
}

// foreignBase returns the base if it is not the default branch.
func (b *attempt) foreignBase() string {
	if b.view.Base == b.view.Info.DefaultBranch {
		return ""
	}
	return b.view.Base
}

// guess names the branches that the run will most likely push, so that they can
// be asked for at once with the rest.
func (b *attempt) guess() []string {
	names := []string{imagesName(b.intent.Request.Moves)}
	if len(b.intent.Selection.Apps) > 0 {
		names = b.intent.Selection.Apps
	}
	var out []string
	for _, name := range names {
		if branch, err := b.branch(&group{name: name}, ""); err == nil {
			out = append(out, branch)
		}
	}
	return out
}

// look learns where the branches are.
func (b *attempt) look(ctx context.Context, heads []string) error {
	heads = withAlternates(heads)
	view, err := providers.Look(ctx, b.repo, providers.Question{Base: b.Base, Heads: heads})
	if err != nil {
		return err
	}
	b.view, b.asked = view, map[string]bool{}
	for _, h := range heads {
		b.asked[h] = true
	}
	switch {
	case view.Info.Empty || view.SHA == "":
		return fault.New(fault.Refused, "push a first commit to it", "the repository is empty")
	case view.Info.Archived && !b.DryRun:
		return fault.New(fault.Access, "unarchive it, or name the repository that took its place", "the repository is archived, and cannot be written to")
	}
	b.base = newRevision(ctx, b.repo, view.SHA)
	b.base.cache, b.base.key = b.tree.Cache, b.tree.Key
	return nil
}

// lookAgain asks for the branches that were not guessed, and where older pull
// requests have branches of their own, for those.
func (b *attempt) lookAgain(ctx context.Context, groups []group) error {
	var heads []string
	for _, g := range groups {
		if !b.asked[g.branch] {
			heads = append(heads, g.branch)
		}
	}
	if err := b.lookFor(ctx, heads); err != nil || b.Supersede != Close {
		return err
	}
	const far = 500
	pulls, err := b.repo.Pulls(ctx, providers.PullQuery{State: providers.Open, Base: b.view.Base, Limit: far})
	if err != nil {
		return err
	}
	var own []string
	for _, p := range pulls {
		m, ok := readMark(p.Body)
		if ok && !p.Head.Fork && !b.asked[p.Head.Branch] && slices.ContainsFunc(groups, func(g group) bool { return g.branch == m.subject }) {
			own = append(own, p.Head.Branch)
		}
	}
	return b.lookFor(ctx, own)
}

// lookFor asks where branches are. What it finds of the base is not used: the
// plan was made for the commit that was read.
func (b *attempt) lookFor(ctx context.Context, heads []string) error {
	if len(heads) == 0 {
		return nil
	}
	heads = withAlternates(heads)
	view, err := providers.Look(ctx, b.repo, providers.Question{Base: b.Base, Heads: heads})
	if err != nil {
		return err
	}
	b.view.Pulls = append(b.view.Pulls, view.Pulls...)
	maps.Copy(b.view.Heads, view.Heads)
	for _, h := range heads {
		b.asked[h] = true
	}
	return nil
}

// withAlternates adds the second names that branches may have.
func withAlternates(heads []string) []string {
	var out []string
	for _, h := range heads {
		out = append(out, h, alternate(h, h))
	}
	return out
}

// prepare plans the bump on the base.
func (b *attempt) prepare(ctx context.Context) error {
	cfg, err := b.config(ctx)
	if err != nil {
		return err
	}
	known := b.tree.Known
	if cfg != nil {
		known = nil
		if err := b.base.list(ctx); err != nil {
			return err
		}
		var holds []string
		for p := range b.base.entries {
			if strings.HasPrefix(p, hold.Dir+"/") {
				holds = append(holds, p)
			}
		}
		if err := b.base.load(ctx, holds); err != nil {
			return err
		}
	}
	if known != nil {
		if err := b.base.load(ctx, known); err != nil {
			return err
		}
		if slices.ContainsFunc(known, func(p string) bool { return b.base.read[p].Path == "" }) {
			known = nil // a folder, or nothing
		}
	}
	read := func(p string) ([]byte, error) { return b.base.Read(p, nil) }
	if b.draft, err = Narrow(b.intent, cfg, b.base.listing, read); err != nil {
		return err
	}
	if err := b.base.fetch(ctx, b.draft.Request, known); err != nil {
		return err
	}
	if _, ok := b.base.entries[misspelt]; ok && cfg == nil && !b.tree.NoConfig {
		return fault.New(fault.Config, "rename it: git mv "+misspelt+" "+config.Path, "%s is not read: the file is called %s", config.Path, misspelt)
	}
	b.draft.Looked = b.base.looked
	return b.draft.Scan(ctx, b.base)
}

// config reads the .towpath.yaml of the default branch, together with the files
// that are known to be needed. It returns nil if there is none.
func (b *attempt) config(ctx context.Context) (*config.Config, error) {
	if b.tree.NoConfig {
		return nil, nil
	}
	rev := b.base
	if b.foreignBase() != "" {
		sha, err := b.repo.Resolve(ctx, b.view.Info.DefaultBranch)
		if err != nil {
			return nil, err
		}
		rev = newRevision(ctx, b.repo, sha)
	}
	paths := []string{config.Path}
	if rev == b.base {
		paths = append(paths, b.tree.Known...)
	}
	if err := rev.load(ctx, paths); err != nil {
		return nil, err
	}
	file, _ := rev.file(ctx, config.Path)
	if file.Path == "" {
		return nil, nil
	}
	src, err := rev.Read(config.Path, nil)
	if err != nil {
		return nil, &fault.Error{Code: fault.Config, Path: config.Path, Message: "cannot be read", Err: err, Hint: "it must be a text file, and no link"}
	}
	return config.Parse(src)
}

// misspelt is how the configuration is often called. It is only looked for where
// the files are listed anyway.
const misspelt = ".towpath.yml"
