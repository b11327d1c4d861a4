package propose

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/towpath-dev/towpath/internal/fault"
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
	if was := b.declined(r.mark.subject, r.mark); was != nil {
		return b.decline(o, was), nil
	}
	if r.carried != nil && r.carried.foreign != "" && r.old != nil {
		o.Warnings = append(o.Warnings, fault.New(fault.Refused, "close it by hand",
			"pull request #%d stays open beside the new one: %s", r.old.Number, r.carried.foreign))
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
	others := b.otherPulls(r.mark.subject, r.old)
	others = slices.DeleteFunc(others, func(p providers.PullRequest) bool { return p.Number == o.Pull.Number })
	if err := b.closePull(ctx, r.old, takenBy(o.Pull)); err != nil {
		return o, err
	}
	return o, b.closeOthers(ctx, r.group, o, r.target, others)
}

// otherPulls returns the open pull requests for a subject besides one: those
// that a run which was interrupted, or ran at the same time, left to be closed.
func (b *attempt) otherPulls(subject string, pull *providers.PullRequest) []providers.PullRequest {
	seen := map[int]bool{}
	if pull != nil {
		seen[pull.Number] = true
	}
	var out []providers.PullRequest
	for _, p := range b.view.Pulls {
		m, ok := readMark(p.Body)
		if ok && m.subject == subject && p.State == providers.Open && !p.Head.Fork && p.Base == b.view.Base && !seen[p.Number] {
			seen[p.Number] = true
			out = append(out, p)
		}
	}
	return out
}

// closeOthers closes the other pull requests that the one of an outcome has
// overtaken: on what they hold, the same bump comes to the same.
func (b *attempt) closeOthers(ctx context.Context, g *group, o *Outcome, t *target, others []providers.PullRequest) error {
	for i := range others {
		c, err := b.carry(ctx, others[i].Head.SHA)
		if err != nil {
			return err
		}
		ahead, err := b.target(ctx, g, c)
		if err != nil {
			return err
		}
		if c.foreign != "" || b.DryRun || !maps.EqualFunc(ahead.contents, t.contents, bytes.Equal) {
			continue
		}
		if err := b.closePull(ctx, &others[i], takenBy(o.Pull)); err != nil {
			return err
		}
	}
	return nil
}
