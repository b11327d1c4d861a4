package propose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// publish brings the branch and the pull request of a group to where they
// belong. The outcome is not nil once anything was written, or would be.
func (b *attempt) publish(ctx context.Context, g *group) (*Outcome, error) {
	o := &Outcome{App: g.app, Env: g.env, Branch: g.branch}
	subject := g.branch
	pull := b.openPull(subject)
	others := b.otherPulls(subject, pull)
	branch := g.branch
	if pull != nil {
		branch = pull.Head.Branch
	}
	o.Branch, o.Pull = branch, pull
	head := b.view.Heads[branch]
	// What the pull request holds counts, though its branch be deleted, with which
	// GitLab and Bitbucket leave it open.
	at, isGone := head, pull != nil && head == ""
	if isGone {
		at = pull.Head.SHA
	}

	there, told := false, false
	if pull != nil && !isGone {
		there, told = b.isThere(ctx, g, pull, head)
	}
	unchanged := func() (*Outcome, error) {
		o.State, o.Files = Unchanged, b.filesOf(g, b.draft.Plan)
		before := b.done[o.Branch]
		b.finish(o)
		if before.State == Opened && before.Pull == nil {
			b.adorn(ctx, o, head)
		}
		return o, nil
	}
	if told && len(others) == 0 {
		return unchanged()
	}
	var c *carried
	if at != "" && (pull != nil || !b.isLeftover(branch, at)) {
		var err error
		if c, err = b.carry(ctx, at); err != nil {
			return nil, err
		}
	}
	target, err := b.target(ctx, g, c)
	if err != nil {
		return nil, err
	}
	if pull != nil && c.foreign == "" {
		if err := b.closeOthers(ctx, g, o, target, others); err != nil {
			return nil, err
		}
	}
	if c != nil && c.foreign != "" && b.Supersede == Close {
		// What people pushed stays where it is. Its versions count all the same.
		if target, err = b.yielding(ctx, g, target); err != nil {
			return nil, err
		}
	}
	o.Files = target.files
	facts := NewFacts(target.files, b.draft.Claim)
	facts.Source, facts.Run, facts.RunURL = b.Build.source(), b.Build.run(), b.Build.URL
	facts.credit(c, b.draft.Request.Moves)
	if len(target.contents) == 0 {
		if pull != nil && c != nil && c.foreign != "" {
			return b.hold(o, c.foreign), nil
		}
		return b.retire(ctx, o)
	}
	m := mark{subject: subject, versions: versionsOf(facts), contents: contentsOf(target.contents), head: head}
	if pull == nil {
		if was := b.declined(subject, m); was != nil {
			return b.decline(o, was), nil
		}
		if other := b.elsewhere(branch); other != nil {
			o.Pull = other
			return b.hold(o, fmt.Sprintf("pull request #%d from it goes to %s", other.Number, other.Base)), nil
		}
	}
	if b.Supersede == Close && !told {
		fresh := subject + "-" + m.versions
		if branch != fresh && branch != alternate(fresh, fresh) {
			return b.replace(ctx, replacement{o, g, c, target, facts, m, pull, fresh})
		}
	}
	if c != nil && head != "" && c.holds(target.contents) && (!c.stale || c.foreign != "") && (pull != nil || c.foreign == "") {
		return b.describe(ctx, o, facts, m)
	}
	if c != nil && c.foreign != "" {
		if there {
			return unchanged()
		}
		return b.hold(o, c.foreign), nil
	}
	if b.DryRun {
		o.State = Opened
		if pull != nil {
			o.State = Updated
		}
		return o, nil
	}
	o.Commit, err = b.commit(ctx, branch, head, c, target, facts)
	switch {
	case errors.Is(err, errMustReplace) && pull != nil:
		// What the branch holds would clash with the base, and cannot be moved. The
		// next pull request is open before this one is closed, so that what it holds
		// is never without one.
		if b.Supersede == Close {
			subject += "-" + m.versions
		}
		return b.replace(ctx, replacement{o, g, c, target, facts, m, pull, alternate(subject, branch)})
	case errors.Is(err, errMustReplace):
		o.Commit, err = b.recreate(ctx, branch, head, target, facts)
	}
	if err != nil {
		return o, err
	}
	return b.describe(ctx, o, facts, m)
}

// takenBy says why a pull request is closed for another one.
func takenBy(p *providers.PullRequest) string {
	return fmt.Sprintf("Closed: #%d has taken its place.", p.Number)
}

// alternate is the other one of the two names that a subject's branch has in turn
// where branches cannot be moved.
func alternate(subject, branch string) string {
	if branch != subject {
		return subject
	}
	sum := sha256.Sum256([]byte("alternate " + subject))
	return subject + "-" + hex.EncodeToString(sum[:4])
}

// hold makes nothing of an outcome, since its branch must not be written to.
func (b *attempt) hold(o *Outcome, why string) *Outcome {
	o.State = Held
	o.Problem = fault.New(fault.Refused, "merge or close it, or delete the branch; then run this again",
		"the branch %s is left as it is: %s", o.Branch, why)
	return b.finish(o)
}

// finish gives an outcome what an earlier try of the run wrote.
func (b *attempt) finish(o *Outcome) *Outcome {
	before, ok := b.done[o.Branch]
	if ok && (o.State == Unchanged || o.State == Updated && before.State == Opened) {
		o.State = before.State
	}
	if ok && o.Commit == "" {
		o.Commit = before.Commit
	}
	if o.Commit != "" || o.State == Opened || o.State == Updated || o.State == Closing {
		b.done[o.Branch] = *o
	}
	return o
}

// openPull returns the open pull request for a subject, the latest if there are
// several.
func (b *attempt) openPull(subject string) *providers.PullRequest {
	var last *providers.PullRequest
	for i := range b.view.Pulls {
		if p := &b.view.Pulls[i]; b.isOpenFor(p, subject) && (last == nil || p.Number > last.Number) {
			last = p
		}
	}
	return last
}

// isOpenFor reports whether a pull request is one for a subject, by its branch or
// by the mark in its body, and open.
func (b *attempt) isOpenFor(p *providers.PullRequest, subject string) bool {
	if p.State != providers.Open || p.Head.Fork || p.Base != b.view.Base {
		return false
	}
	m, ok := readMark(p.Body)
	return p.Head.Branch == subject || p.Head.Branch == alternate(subject, subject) || ok && m.subject == subject
}

// pullFrom returns the open pull request from a branch into the base.
func (b *attempt) pullFrom(branch string) *providers.PullRequest {
	return b.openFrom(branch, func(base string) bool { return base == b.view.Base })
}

// elsewhere returns an open pull request from a branch into another one than
// the base, which would be changed with the branch.
func (b *attempt) elsewhere(branch string) *providers.PullRequest {
	return b.openFrom(branch, func(base string) bool { return base != b.view.Base })
}

func (b *attempt) openFrom(branch string, into func(base string) bool) *providers.PullRequest {
	for i := range b.view.Pulls {
		if p := &b.view.Pulls[i]; p.State == providers.Open && !p.Head.Fork && p.Head.Branch == branch && into(p.Base) {
			return p
		}
	}
	return nil
}

// isLeftover reports whether a branch only stayed behind when its pull request
// was merged or closed: nothing in it is wanted any more.
func (b *attempt) isLeftover(branch, head string) bool {
	return slices.ContainsFunc(b.view.Pulls, func(p providers.PullRequest) bool {
		return p.State != providers.Open && !p.Head.Fork && p.Head.Branch == branch && p.Head.SHA != "" && strings.HasPrefix(head, p.Head.SHA)
	})
}

// declined returns the pull request with the same versions that people closed.
func (b *attempt) declined(subject string, m mark) *providers.PullRequest {
	for i := range b.view.Pulls {
		p := &b.view.Pulls[i]
		was, ok := readMark(p.Body)
		if ok && p.State == providers.Closed && !p.Head.Fork && p.Base == b.view.Base && was.subject == subject && was.versions == m.versions && !was.closed {
			return p
		}
	}
	return nil
}

// decline makes nothing of an outcome, for what people closed.
func (b *attempt) decline(o *Outcome, was *providers.PullRequest) *Outcome {
	o.State, o.Pull = Declined, was
	o.Problem = fault.New(fault.Refused, "reopen it if it is wanted, or bump to another version",
		"pull request #%d with these versions was closed, so none is opened", was.Number)
	return b.finish(o)
}

// isThere reports whether a branch holds just what the plan makes of the base
// in the files of the group, and the plan makes something of it. The mark in the
// pull request tells, if nobody pushed since it was written; else the branch.
// It also reports whether the pull request says so: a run that was interrupted
// leaves one that does not.
func (b *attempt) isThere(ctx context.Context, g *group, pull *providers.PullRequest, head string) (there, told bool) {
	contents := map[string][]byte{}
	for _, f := range b.draft.Plan.Files {
		if g.has(f.Path) && f.After != nil {
			contents[f.Path] = f.After
		}
	}
	if len(contents) == 0 {
		return false, false
	}
	m, ok := readMark(pull.Body)
	told = ok && !m.closed && m.contents == contentsOf(contents)
	if told && m.head == head {
		return true, true
	}
	files, err := b.repo.Files(ctx, head, slices.Sorted(maps.Keys(contents)))
	if err != nil {
		return false, false // which shows again where it matters
	}
	for p, content := range contents {
		if !bytes.Equal(files[p].Content, content) {
			return false, false
		}
	}
	return true, told
}

// filesOf returns the files of a plan that belong to a group.
func (b *attempt) filesOf(g *group, plan *bump.Plan) []bump.File {
	return slices.DeleteFunc(slices.Clone(plan.Files), func(f bump.File) bool { return !g.has(f.Path) })
}

// holds reports whether the branch has these contents already, and changes
// nothing else.
func (c *carried) holds(contents map[string][]byte) bool {
	for p, f := range c.heads {
		want, ok := contents[p]
		if !ok || !bytes.Equal(f.Content, want) {
			return false
		}
	}
	for p := range contents {
		if _, ok := c.heads[p]; !ok {
			return false
		}
	}
	return true
}

// commit brings a branch to the target: as one commit on the base of today, or
// where the forge cannot move a branch, as one more commit.
func (b *attempt) commit(ctx context.Context, branch, head string, c *carried, t *target, facts *Facts) (string, error) {
	message, err := facts.Message(b.Message, b.Trail())
	if err != nil {
		return "", err
	}
	onBase, err := b.onBase(ctx, t)
	if err != nil {
		return "", err
	}
	request := providers.CommitRequest{
		Branch: branch, Parent: b.view.SHA, Head: head, Message: message, Author: b.Author, Changes: onBase,
	}
	sha, err := b.repo.Commit(ctx, request)
	if !errors.Is(err, errors.ErrUnsupported) || head == "" {
		return sha, err
	}
	if c != nil && c.stale {
		return "", errMustReplace
	}
	if c == nil || len(c.heads) == 0 {
		// What is left of an old branch must not come back with it.
		return b.recreate(ctx, branch, head, t, facts)
	}
	request.Parent = head
	request.Changes = nil
	for p, f := range c.heads {
		want, ok := t.contents[p]
		if !ok {
			base, err := b.base.file(ctx, p)
			if err != nil {
				return "", err
			}
			want = base.Content
		}
		if !bytes.Equal(want, f.Content) {
			request.Changes = append(request.Changes, providers.Change{Path: p, Before: &f.Entry, Content: want})
		}
	}
	for _, change := range onBase {
		if _, ok := c.heads[change.Path]; !ok {
			request.Changes = append(request.Changes, change)
		}
	}
	slices.SortFunc(request.Changes, func(a, b providers.Change) int { return strings.Compare(a.Path, b.Path) })
	return b.repo.Commit(ctx, request)
}

// errMustReplace says that a branch cannot hold the target but as a new one.
var errMustReplace = errors.New("the branch must be made anew")

// recreate removes a branch and makes it again, on the base of today.
func (b *attempt) recreate(ctx context.Context, branch, head string, t *target, facts *Facts) (string, error) {
	if deleter, ok := b.repo.(providers.BranchDeleter); ok {
		if err := deleter.DeleteBranch(ctx, branch, head); err != nil {
			return "", err
		}
	}
	return b.commit(ctx, branch, "", nil, t, facts)
}

// onBase returns the target as changes to the base.
func (b *attempt) onBase(ctx context.Context, t *target) ([]providers.Change, error) {
	var out []providers.Change
	for p, content := range t.contents {
		f, err := b.base.file(ctx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, providers.Change{Path: p, Before: &f.Entry, Content: content})
	}
	slices.SortFunc(out, func(a, b providers.Change) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// describe opens the pull request of an outcome, or gives it the text that it
// should have.
func (b *attempt) describe(ctx context.Context, o *Outcome, facts *Facts, m mark) (*Outcome, error) {
	if o.Commit != "" {
		m.head = o.Commit
	}
	if o.Pull == nil {
		text, err := facts.write(&b.Publication, m, b.repo, "")
		if err != nil {
			return o, err
		}
		o.State = Opened
		if b.DryRun {
			return o, nil
		}
		pull, err := b.repo.OpenPull(ctx, providers.NewPull{Head: o.Branch, Base: b.view.Base, Title: text.title, Body: text.body, Draft: b.Draft})
		if errors.Is(err, providers.ErrUnanswered) {
			b.done[o.Branch] = *o // it may be there, and then lacks labels and so on
		}
		if err != nil {
			return o, err
		}
		o.Pull = &pull
		b.adorn(ctx, o, m.head)
		return b.finish(o), nil
	}
	o.State = Unchanged
	if o.Commit != "" {
		o.State = Updated
	}
	if was, ok := readMark(o.Pull.Body); ok && was == m && o.Commit == "" {
		return b.finish(o), nil
	}
	o.State = Updated
	if b.DryRun {
		return o, nil
	}
	// People may have written below the line since the run began.
	now, err := b.repo.Pull(ctx, o.Pull.Number)
	if err != nil {
		return o, err
	}
	if now.State != providers.Open {
		return o, fmt.Errorf("pull request #%d was %s: %w", now.Number, now.State, providers.ErrConflict)
	}
	text, err := facts.write(&b.Publication, m, b.repo, now.Body)
	if err != nil {
		return o, err
	}
	pull, err := b.repo.UpdatePull(ctx, o.Pull.Number, providers.PullUpdate{Title: &text.title, Body: &text.body})
	if err != nil {
		return o, err
	}
	o.Pull = &pull
	if o.Commit != "" {
		b.adorn(ctx, o, m.head)
	}
	return b.finish(o), nil
}

// retire closes the pull request of an outcome, if it has one: its base has it
// all.
func (b *attempt) retire(ctx context.Context, o *Outcome) (*Outcome, error) {
	if o.Pull == nil {
		o.Branch = ""
		return o, nil
	}
	o.State = Closing
	if b.DryRun {
		return o, nil
	}
	why := fmt.Sprintf("Closed: %s has these versions, or newer ones, already.", code(b.view.Base))
	if err := b.closePull(ctx, o.Pull, why); err != nil {
		return o, err
	}
	return b.finish(o), nil
}

// closePull closes a pull request with a comment, marks it as closed by towpath,
// and removes its branch where the forge can.
func (b *attempt) closePull(ctx context.Context, pull *providers.PullRequest, why string) error {
	now, err := b.repo.Pull(ctx, pull.Number)
	if err != nil {
		return err
	}
	head := b.view.Heads[pull.Head.Branch]
	if head != "" && !strings.HasPrefix(head, now.Head.SHA) {
		return fmt.Errorf("somebody pushed to pull request #%d: %w", pull.Number, providers.ErrConflict)
	}
	if m, ok := readMark(now.Body); ok && !m.closed {
		before := m.text()
		m.closed = true
		body := strings.Replace(now.Body, before, m.text(), 1)
		if _, err := b.repo.UpdatePull(ctx, pull.Number, providers.PullUpdate{Body: &body}); err != nil {
			return err
		}
	}
	if _, err := b.repo.UpsertComment(ctx, pull.Number, "closed", why); err != nil {
		return err
	}
	after, err := b.repo.UpdatePull(ctx, pull.Number, providers.PullUpdate{Close: true})
	if err != nil {
		return err
	}
	*pull = after
	for i := range b.view.Pulls {
		if b.view.Pulls[i].Number == after.Number {
			b.view.Pulls[i] = after
		}
	}
	if deleter, ok := b.repo.(providers.BranchDeleter); ok && head != "" {
		err := deleter.DeleteBranch(ctx, pull.Head.Branch, head)
		if err == nil {
			delete(b.view.Heads, pull.Head.Branch)
		}
		if err != nil && !errors.Is(err, providers.ErrConflict) && !errors.Is(err, providers.ErrForbidden) {
			return err
		}
	}
	return nil
}
