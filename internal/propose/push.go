package propose

import (
	"context"
	"maps"
	"slices"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/providers"
)

// push commits all groups to the base branch at once. What an open pull request
// holds counts like the base: what would go back from there is refused. A pull
// request that the base has overtaken is closed.
func (b *attempt) push(ctx context.Context, groups []group, result *Result) error {
	whole := &target{contents: map[string][]byte{}}
	var open []group
	for i := range groups {
		g := &groups[i]
		var c *carried
		if pull := b.openPull(g.branch); pull != nil {
			open = append(open, *g)
			var err error
			if c, err = b.carry(ctx, pull.Head.SHA); err != nil {
				return err
			}
		}
		t, err := b.target(ctx, g, c)
		if err == nil {
			t, err = b.yielding(ctx, g, t)
		}
		if err != nil {
			return err
		}
		maps.Copy(whole.contents, t.contents)
		whole.files = append(whole.files, t.files...)
	}
	result.Plan = &bump.Plan{Files: whole.files}
	if len(whole.contents) > 0 && !b.DryRun {
		facts := NewFacts(whole.files, b.draft.Claim)
		message, err := facts.Message(b.Message, b.Trail())
		if err != nil {
			return err
		}
		changes, err := b.onBase(ctx, whole)
		if err != nil {
			return err
		}
		b.pushed, err = b.repo.Commit(ctx, providers.CommitRequest{
			Branch: b.view.Base, Parent: b.view.SHA, Head: b.view.SHA, Message: message, Author: b.Author, Changes: changes,
		})
		if err != nil {
			return err
		}
		result.Pushed = b.pushed
	}
	if len(open) == 0 || b.DryRun {
		return nil
	}
	return b.retireOvertaken(ctx, open, result)
}

// place is an image in a file.
type place struct {
	path string
	repo image.Repository
}

// yielding makes the plan of a group on the base alone, without the images in
// which what a branch holds is ahead: where the same move would take it back.
func (b *attempt) yielding(ctx context.Context, g *group, ahead *target) (*target, error) {
	t, err := b.target(ctx, g, nil)
	if err != nil {
		return nil, err
	}
	b.except = t.behind(ahead)
	defer func() { b.except = nil }()
	if len(b.except) == 0 {
		return t, nil
	}
	if t, err = b.target(ctx, g, nil); err != nil {
		return nil, err
	}
	for _, f := range ahead.files {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(b.except)), func(p place) bool { return p.path == f.Path }) {
			continue
		}
		if i := slices.IndexFunc(t.files, func(other bump.File) bool { return other.Path == f.Path }); i >= 0 {
			t.files[i].Refused = f.Refused
		} else {
			t.files = append(t.files, bump.File{Path: f.Path, Refused: f.Refused})
		}
	}
	return t, nil
}

// behind returns the images that change on the base, and neither change nor are
// current on what a branch holds: there they are refused.
func (t *target) behind(ahead *target) map[place]bool {
	type moved struct {
		place
		to string
	}
	fine := map[moved]bool{}
	refused := map[string]int{}
	for _, f := range ahead.files {
		refused[f.Path] = len(f.Refused)
		for _, c := range append(slices.Clone(f.Changes), f.Current...) {
			fine[moved{place{f.Path, c.Image}, c.To}] = true
		}
	}
	out := map[place]bool{}
	for _, f := range t.files {
		for _, c := range f.Changes {
			if p := (place{f.Path, c.Image}); refused[f.Path] > len(f.Refused) && !fine[moved{p, c.To}] {
				out[p] = true
			}
		}
	}
	return out
}

// retireOvertaken closes the pull requests that the base, as it is now, leaves
// without a change.
func (b *attempt) retireOvertaken(ctx context.Context, open []group, result *Result) error {
	after := *b
	after.Push = false
	if err := after.look(ctx, branches(open)); err != nil {
		return err
	}
	for i := range open {
		pull := after.openPull(open[i].branch)
		if pull == nil {
			continue
		}
		c, err := after.carry(ctx, pull.Head.SHA)
		if err != nil {
			return err
		}
		for p, content := range c.files {
			file, err := after.base.file(ctx, p)
			if err != nil {
				return err
			}
			if string(file.Content) == string(content) {
				delete(c.files, p)
			}
		}
		if len(c.files) > 0 || c.foreign != "" {
			continue
		}
		o, err := after.retire(ctx, &Outcome{App: open[i].app, Env: open[i].env, Branch: pull.Head.Branch, Pull: pull})
		if err != nil {
			return err
		}
		result.Outcomes = append(result.Outcomes, *o)
	}
	return nil
}

func branches(groups []group) []string {
	var out []string
	for _, g := range groups {
		out = append(out, g.branch)
	}
	return out
}
