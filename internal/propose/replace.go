package propose

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/providers"
)

// replacement is an open pull request, which may be none, and what shall take
// its place.
type replacement struct {
	outcome *Outcome
	group   *group
	carried *carried
	target  *target
	facts   *Facts
	mark    mark
	old     *providers.PullRequest
	branch  string
}

// replace opens a new pull request for newer versions, and closes the older one.
func (b *attempt) replace(ctx context.Context, r replacement) (*Outcome, error) {
	o := r.outcome
	o.Branch, o.Pull = r.branch, nil
	if err := b.lookFor(ctx, []string{r.branch}); err != nil {
		return o, err
	}
	// What is open is not declined, though a twin of it was closed.
	if m, ok := readMark(bodyOf(r.old)); !ok || m.versions != r.mark.versions {
		if was := b.declined(r.mark.subject, r.mark); was != nil {
			return b.decline(o, was), nil
		}
	}
	if r.carried != nil && r.carried.foreign != "" && r.old != nil {
		o.Warnings = append(o.Warnings, staysOpen(r.old, r.carried))
		r.old = nil
	}
	var err error
	var c *carried
	head := b.view.Heads[r.branch]
	o.Pull = b.pullFrom(r.branch)
	if head != "" && (o.Pull != nil || !b.isLeftover(r.branch, head)) {
		if c, err = b.carry(ctx, head); err != nil {
			return o, err
		}
		if c.foreign != "" {
			return b.hold(o, c.foreign), nil
		}
	}
	if b.DryRun {
		o.State = Opened
		return o, nil
	}
	if c == nil || c.stale || !c.holds(r.target.contents) {
		o.Commit, err = b.commit(ctx, r.branch, head, c, r.target, r.facts)
		if errors.Is(err, errMustReplace) && o.Pull == nil {
			// A run that ended before it opened a pull request from it left it.
			o.Commit, err = b.recreate(ctx, r.branch, head, r.target, r.facts)
		}
		if errors.Is(err, errMustReplace) {
			return b.hold(o, b.view.Base+" changed the same files"), nil
		}
		if err != nil {
			return o, err
		}
	}
	r.mark.head = head
	if o, err = b.describe(ctx, o, r.facts, r.mark); err != nil || r.old == nil {
		return o, err
	}
	if err := b.closePull(ctx, r.old, takenBy(o.Pull)); err != nil {
		return o, err
	}
	return o, b.closeOthers(ctx, r.group, o, r.target, b.otherPulls(r.mark.subject, o.Pull))
}

// staysOpen warns of a pull request that is overtaken, and holds what people
// pushed.
func staysOpen(p *providers.PullRequest, c *carried) error {
	return fault.New(fault.Refused, "close it by hand", "pull request #%d stays open beside the new one: %s", p.Number, c.foreign)
}

func bodyOf(p *providers.PullRequest) string {
	if p == nil {
		return ""
	}
	return p.Body
}

// otherPulls returns the open pull requests for a subject besides one, which may
// be nil: those that a run which was interrupted, or ran at the same time, left to
// be closed. They are those of the view.
func (b *attempt) otherPulls(subject string, pull *providers.PullRequest) []*providers.PullRequest {
	seen := map[int]bool{}
	if pull != nil {
		seen[pull.Number] = true
	}
	var out []*providers.PullRequest
	for i := range b.view.Pulls {
		if p := &b.view.Pulls[i]; b.isOpenFor(p, subject) && !seen[p.Number] {
			seen[p.Number] = true
			out = append(out, p)
		}
	}
	return out
}

// closeOthers closes the other pull requests that the one of an outcome, which
// comes to a target, has overtaken.
func (b *attempt) closeOthers(ctx context.Context, g *group, o *Outcome, t *target, others []*providers.PullRequest) error {
	for _, other := range others {
		if b.view.Heads[other.Head.Branch] == "" || b.DryRun {
			continue
		}
		c, err := b.carry(ctx, b.view.Heads[other.Head.Branch])
		if err != nil {
			return err
		}
		if c.foreign != "" {
			o.Warnings = append(o.Warnings, staysOpen(other, c))
			continue
		}
		overtaken, err := b.isOvertaken(ctx, g, c, t)
		if err != nil {
			return err
		}
		if !overtaken {
			continue
		}
		if err := b.closePull(ctx, other, takenBy(o.Pull)); err != nil {
			return err
		}
	}
	return nil
}

// isOvertaken reports whether a target has all that a branch holds: the same bump
// comes to the same on it, or all of its versions are there, or newer ones.
func (b *attempt) isOvertaken(ctx context.Context, g *group, c *carried, t *target) (bool, error) {
	ahead, err := b.target(ctx, g, c)
	if err != nil || maps.EqualFunc(ahead.contents, t.contents, bytes.Equal) {
		return err == nil, err
	}
	for p, content := range c.files {
		today, err := b.base.file(ctx, p)
		if err != nil {
			return false, err
		}
		changes, err := b.changes(ctx, &bump.File{Path: p, Before: today.Content, After: content})
		if err != nil {
			return false, err
		}
		request := bump.Request{}
		for _, change := range changes {
			tag, digest := image.CutVersion(change.To)
			request.Moves = append(request.Moves, bump.Move{Image: change.Image, Tag: tag, Digest: digest})
		}
		if len(request.Moves) == 0 {
			continue
		}
		request.Set = slices.DeleteFunc(b.targets(p), func(target bump.Target) bool {
			return !slices.ContainsFunc(request.Moves, func(m bump.Move) bool { return m.Image == target.Image })
		})
		there, ok := t.contents[p]
		if !ok {
			there = today.Content
		}
		plan, err := bump.Scan(ctx, texts{p: there}, request)
		if err != nil {
			return false, err
		}
		if plan.Changed() {
			return false, nil
		}
	}
	return true, nil
}
