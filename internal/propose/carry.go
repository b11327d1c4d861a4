package propose

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/providers"
)

// carried is what a branch holds already, as it would stand on the base of
// today.
type carried struct {
	head    string                    // the SHA of the branch
	parted  string                    // where it left the base
	files   map[string][]byte         // contents on today's base, for the files that the branch changes
	heads   map[string]providers.File // the same files as the branch has them
	stale   bool                      // the base changed some of these files since
	foreign string                    // why the branch must not be written to, "" if it may
	moves   []provenance              // what its commits tell
}

// provenance is a move, and what its version was built from in which run: ""
// for what is not known.
type provenance struct {
	audit.Move
	source, run string
}

// provenances returns what the message of a commit tells of its moves.
func provenances(message string) []provenance {
	trail := audit.ParseTrail(message)
	var out []provenance
	for _, m := range audit.Parse(message) {
		source, run := trail.Origin(m)
		m.Source, m.Run = "", ""
		out = append(out, provenance{m, source, run})
	}
	return out
}

// credit says of the moves that a branch held already where they come from: the
// trail of the commit that carries them on tells of its own run alone.
func (f *Facts) credit(c *carried, own []bump.Move) {
	if c == nil {
		return
	}
	for i := range f.trailers {
		t := &f.trailers[i]
		if slices.ContainsFunc(own, func(m bump.Move) bool {
			// A place may have room for only one of tag and digest.
			return m.Image.Familiar() == t.Image && (t.To == "" || t.To == m.Tag) && (t.Digest == "" || t.Digest == m.Digest)
		}) {
			continue
		}
		var was provenance
		for _, m := range c.moves { // the last one tells
			if m.Image == t.Image && m.To == t.To && m.Digest == t.Digest {
				was = m
			}
		}
		if was.source != f.Source || was.run != f.Run {
			t.Source, t.Run = cmp.Or(was.source, audit.Unknown), cmp.Or(was.run, audit.Unknown)
		}
	}
}

// isOwn reports whether a commit may be replaced by one of towpath: it made it,
// or it only brought the branch up to its base.
func isOwn(c providers.Commit) bool {
	return len(audit.Parse(c.Message)) > 0 || len(c.Parents) > 1
}

// carry reads what a branch changes against the base. Versions that it moved to
// count like the base's: a file that the base left alone is taken as the branch
// has it, and in others its versions are written anew.
func (b *attempt) carry(ctx context.Context, head string) (*carried, error) {
	c := &carried{head: head, files: map[string][]byte{}, heads: map[string]providers.File{}}
	compared, err := b.repo.Compare(ctx, b.view.SHA, head)
	if err != nil {
		return nil, err
	}
	c.parted = compared.MergeBase
	switch {
	case compared.MergeBase == "":
		c.foreign = "it has no history in common with " + b.view.Base
		return c, nil
	case !compared.Complete:
		c.foreign = "it holds more changes than the forge lists"
		return c, nil
	}
	for _, commit := range compared.Commits {
		if !isOwn(commit) {
			who := commit.Author.Name
			if commit.User.Login != "" {
				who = commit.User.Login
			}
			c.foreign = fmt.Sprintf("%s pushed %.10s to it", who, commit.SHA)
		}
		c.moves = append(c.moves, provenances(commit.Message)...)
	}
	var paths []string
	for _, f := range compared.Files {
		if f.Status != providers.Modified && c.foreign == "" {
			c.foreign = fmt.Sprintf("it has %s %s", f.Status, f.Path)
		}
		if f.Status != providers.Modified {
			continue
		}
		paths = append(paths, f.Path)
	}
	if len(paths) == 0 {
		return c, nil
	}
	if c.heads, err = b.repo.Files(ctx, head, paths); err != nil {
		return nil, err
	}
	if err := b.base.load(ctx, paths); err != nil {
		return nil, err
	}
	before, err := b.at(ctx, c.parted, paths)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		today, err := b.base.file(ctx, p)
		if err != nil {
			return nil, err
		}
		theirs, old := c.heads[p], before[p]
		switch {
		case today.Path == "":
			c.foreign = fmt.Sprintf("it changes %s, which is gone from %s", p, b.view.Base)
		case bytes.Equal(today.Content, old.Content):
			c.files[p] = theirs.Content
		default:
			c.stale = true
			content, ok, err := b.replay(ctx, p, old.Content, theirs.Content)
			if err != nil {
				return nil, err
			}
			if !ok {
				c.foreign = fmt.Sprintf("%s changed in it and in %s, and not only in versions", p, b.view.Base)
			}
			c.files[p] = content
		}
	}
	return c, nil
}

// at reads files of a commit, from what is there already if it is the base.
func (b *attempt) at(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	if sha != b.view.SHA {
		return b.repo.Files(ctx, sha, paths)
	}
	out := map[string]providers.File{}
	for _, p := range paths {
		f, err := b.base.file(ctx, p)
		if err != nil {
			return nil, err
		}
		out[p] = f
	}
	return out, nil
}

// replay makes on today's contents of a file the moves that led from one of its
// contents to another one. It reports false if these differ by more than
// versions, or by versions that cannot be told apart.
func (b *attempt) replay(ctx context.Context, p string, from, to []byte) ([]byte, bool, error) {
	today, err := b.base.file(ctx, p)
	if err != nil {
		return nil, false, err
	}
	targets := b.targets(p)
	inventory, err := bump.Survey(ctx, texts{p: to}, bump.Subject{Targets: targets, Images: b.images(p)})
	if err != nil {
		return nil, false, err
	}
	old, moved := inventory.Inspect(p, from, targets), inventory.Inspect(p, to, targets)
	if len(old) != len(moved) || !differOnlyAt(from, to, moved) {
		return today.Content, false, nil
	}
	versions, left := map[image.Repository]string{}, map[image.Repository]map[string]bool{}
	var moves []bump.Move
	for i, place := range moved {
		if place.Image != old[i].Image {
			return today.Content, false, nil
		}
		if place.Version == old[i].Version {
			continue
		}
		if other, ok := versions[place.Image]; ok && other != place.Version {
			return today.Content, false, nil
		}
		if _, ok := versions[place.Image]; !ok {
			versions[place.Image], left[place.Image] = place.Version, map[string]bool{}
			tag, digest := image.CutVersion(place.Version)
			moves = append(moves, bump.Move{Image: place.Image, Tag: tag, Digest: digest})
		}
		left[place.Image][old[i].Version] = true
	}
	targets = slices.DeleteFunc(slices.Clone(targets), func(t bump.Target) bool { return left[t.Image] == nil })
	after := today.Content
	// A newer version on the base stays. Where it is at the one that the branch
	// left, the step was allowed, be it one down.
	for _, down := range []bool{false, true} {
		now := inventory.Inspect(p, after, targets)
		some := slices.DeleteFunc(slices.Clone(moves), func(m bump.Move) bool {
			return down && !slices.ContainsFunc(now, func(place bump.Place) bool { return place.Image == m.Image && left[m.Image][place.Version] })
		})
		if len(some) == 0 {
			continue
		}
		plan, err := bump.Scan(ctx, texts{p: after}, bump.Request{Moves: some, Set: targets, AllowDowngrade: down})
		if err != nil {
			return nil, false, err
		}
		for _, f := range plan.Files {
			for _, change := range f.Changes {
				if down && !left[change.Image][change.From] {
					return today.Content, false, nil // the step is not allowed everywhere
				}
			}
			if f.After != nil {
				after = f.After
			}
		}
	}
	for _, place := range inventory.Inspect(p, after, targets) {
		if left[place.Image][place.Version] {
			return today.Content, false, nil // a move was refused, and must not be lost without a word
		}
	}
	return after, true, nil
}

// targets are the places in a file that the run knows of.
func (b *attempt) targets(p string) []bump.Target {
	var out []bump.Target
	for _, t := range b.draft.Request.Set {
		if t.Path == p {
			if t.Image == "" {
				t.Image = b.draft.Request.Moves[0].Image
			}
			t.Optional = true
			out = append(out, t)
		}
	}
	if app := b.app(p); app != nil {
		// What the branch holds may be of other images than those of the run.
		for _, t := range targets(app, p, "") {
			if !slices.ContainsFunc(out, func(o bump.Target) bool { return o.Image == t.Image && slices.Equal(o.Keys, t.Keys) }) {
				out = append(out, t)
			}
		}
	}
	return out
}

// app returns the app that a file belongs to, nil if there is none.
func (b *attempt) app(p string) *config.Application {
	if b.draft.Scope == nil {
		return nil
	}
	return b.draft.Scope.claims.App(b.draft.Claim(p).App)
}

// images returns the images that are known to stand in a file.
func (b *attempt) images(p string) []image.Repository {
	var out []image.Repository
	for _, m := range b.draft.Request.Moves {
		out = append(out, m.Image)
	}
	if app := b.app(p); app != nil {
		for _, used := range app.Images {
			out = append(out, used.Image)
		}
	}
	return out
}

// differOnlyAt reports whether two texts differ in lines alone in which versions
// stand.
func differOnlyAt(from, to []byte, places []bump.Place) bool {
	a, b := bytes.Split(from, []byte("\n")), bytes.Split(to, []byte("\n"))
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) && !slices.ContainsFunc(places, func(p bump.Place) bool { return p.Position.Line == i+1 }) {
			return false
		}
	}
	return true
}

// texts is a tree of a few files.
type texts map[string][]byte

func (t texts) Files(_ context.Context, yield func(path string) bool) error {
	for p := range t {
		if !yield(p) {
			break
		}
	}
	return nil
}

func (t texts) Read(p string, buf []byte) ([]byte, error) { return append(buf[:0], t[p]...), nil }
