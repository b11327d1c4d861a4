package propose

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/image"
)

// target is what a group comes to.
type target struct {
	contents map[string][]byte // of the files that differ from the base
	files    []bump.File       // what is told of them, against the base
}

// target makes the plan of a group on the base with what its branch holds
// already.
func (b *attempt) target(ctx context.Context, g *group, c *carried) (*target, error) {
	layer := map[string][]byte{}
	if c != nil {
		layer = c.files
	}
	q := b.draft.Request
	match := q.Match
	q.Match = func(p string) bool { return g.has(p) && (match == nil || match(p)) }
	matchImage := q.MatchImage
	if len(b.except) > 0 {
		q.MatchImage = func(p string, repo image.Repository) bool {
			return !b.except[place{p, repo}] && (matchImage == nil || matchImage(p, repo))
		}
	}
	q.Set = slices.DeleteFunc(slices.Clone(q.Set), func(t bump.Target) bool { return !g.has(t.Path) })
	q.Add = slices.DeleteFunc(slices.Clone(q.Add), func(p string) bool { return !g.has(p) })
	q.IsOlder = func(repo image.Repository, from string) bool { return b.ordered[unordered{repo, from}] }
	tree := withoutOwn{overlay{b.base, layer}}
	plan, err := bump.Scan(ctx, tree, q)
	if err != nil {
		return nil, err
	}
	if !q.AllowDowngrade && b.order(ctx, plan, c) {
		if plan, err = bump.Scan(ctx, tree, q); err != nil {
			return nil, err
		}
	}
	t := &target{contents: map[string][]byte{}, files: plan.Files}
	for i := range t.files {
		f := &t.files[i]
		if content, ok := layer[f.Path]; ok && f.After == nil {
			f.After = content
		}
		if f.After != nil {
			t.contents[f.Path] = f.After
		}
	}
	for p, content := range layer {
		if _, ok := t.contents[p]; !ok {
			t.contents[p] = content
			t.files = append(t.files, bump.File{Path: p, After: content})
		}
	}
	for i := range t.files {
		f := &t.files[i]
		if f.After == nil {
			continue
		}
		file, err := b.base.file(ctx, f.Path)
		if err != nil {
			return nil, err
		}
		f.Before = file.Content
		if bytes.Equal(f.Before, f.After) {
			f.After = nil
			f.Changes = nil
			delete(t.contents, f.Path)
			continue
		}
		if _, ok := layer[f.Path]; ok {
			if f.Changes, err = b.changes(ctx, f); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(t.files, func(a, b bump.File) int { return strings.Compare(a.Path, b.Path) })
	return t, nil
}

// changes says which versions differ between the two contents of a file.
func (b *attempt) changes(ctx context.Context, f *bump.File) ([]bump.Change, error) {
	targets := b.targets(f.Path)
	inventory, err := bump.Survey(ctx, texts{f.Path: f.After}, bump.Subject{Targets: targets, Images: b.images(f.Path)})
	if err != nil {
		return nil, err
	}
	old, now := inventory.Inspect(f.Path, f.Before, targets), inventory.Inspect(f.Path, f.After, targets)
	var out []bump.Change
	for i, place := range now {
		from := ""
		if len(old) == len(now) {
			from = old[i].Version
		}
		if from != place.Version {
			out = append(out, bump.Change{
				Path: f.Path, Position: place.Position, Kind: place.Kind, Image: place.Image,
				From: from, To: place.Version, Keys: place.Keys,
			})
		}
	}
	return out, nil
}
