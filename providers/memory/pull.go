package memory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// Pull is a pull request.
type Pull struct {
	Number      int
	Title, Body string
	State       providers.PullState
	Draft       bool
	Author      string // login
	HeadBranch  string
	HeadSHA     string // where it is, or was when the pull request was closed
	Fork        string // path of the repository that the head branch is in; "" means this one
	Base        string // branch
	Labels      []string
	Reviewers   []string // logins that were asked
	Teams       []string // slugs that were asked
	Assignees   []string
	Comments    []*Comment // by id, deleted ones too
	Reviews     []*Review  // the oldest first
	AutoMerge   *AutoMerge // nil if it is off

	Created, Updated time.Time
	Closed           time.Time // zero while open
	ClosedBy         string    // login; who merged it, too

	// MergeSHA is the commit of the base branch by which it was merged, and
	// Arrived are all those that the base branch got from it.
	MergeSHA string
	Arrived  []string

	parted string // the merge base, when it was closed
}

// AutoMerge says how a pull request is merged as soon as it may be.
type AutoMerge struct {
	By    string // login
	Merge providers.Merge
}

// Comment is a comment on a pull request.
type Comment struct {
	ID               int64
	Author           string // login
	Body             string
	Created, Updated time.Time
	System           bool // the forge's own note
	Deleted          bool
	Hidden           bool                // folded away as outdated
	Reactions        map[string][]string // emoji, in the words of the contract, to logins
}

// Review is a review.
type Review struct {
	ID      int64
	Author  string // login
	Verdict Verdict
	Body    string
	SHA     string // the head that was reviewed
	Created time.Time
}

// Verdict is what a review came to.
type Verdict string

// The verdicts. Remarked leaves what the reviewer said before in force;
// Dismissed takes it back.
const (
	Approved  Verdict = "approved"
	Rejected  Verdict = "changes-requested"
	Remarked  Verdict = "commented"
	Dismissed Verdict = "dismissed"
)

func (p *Pull) clone() *Pull {
	c := *p
	c.Labels, c.Reviewers, c.Teams = slices.Clone(p.Labels), slices.Clone(p.Reviewers), slices.Clone(p.Teams)
	c.Assignees, c.Arrived = slices.Clone(p.Assignees), slices.Clone(p.Arrived)
	c.Comments = make([]*Comment, len(p.Comments))
	for i, comment := range p.Comments {
		c.Comments[i] = comment.clone()
	}
	c.Reviews = slices.Clone(p.Reviews)
	return &c
}

func (c *Comment) clone() *Comment {
	out := *c
	out.Reactions = maps.Clone(c.Reactions)
	return &out
}

// Comment returns the comment of an id, nil if there is none or it is deleted.
func (p *Pull) Comment(id int64) *Comment {
	for _, c := range p.Comments {
		if c.ID == id && !c.Deleted {
			return c
		}
	}
	return nil
}

// Verdicts returns the last word of each reviewer who approved or asked for
// changes, in the order in which they were said.
func (p *Pull) Verdicts() []*Review {
	var out []*Review
	for _, r := range p.Reviews {
		if r.Verdict == Remarked {
			continue
		}
		out = slices.DeleteFunc(out, func(o *Review) bool { return strings.EqualFold(o.Author, r.Author) })
		if r.Verdict != Dismissed {
			out = append(out, r)
		}
	}
	return out
}

// NewPull is a pull request to be opened.
type NewPull struct {
	Head, Base  string
	Fork        string // path of the repository of the head branch; "" means this one
	SHA         string // for a fork, where its branch is: a commit of this repository, which shares the fork's objects
	Title, Body string
	Draft       bool
	Actor       string // login
}

// OpenPull opens a pull request. It fails with ErrNoBranch, ErrNothingToDo or
// ErrSamePull.
func (s *State) OpenPull(n NewPull) (*Pull, error) {
	base, ok := s.Branches[n.Base]
	if !ok {
		return nil, fmt.Errorf("open pull request into %q: %w", n.Base, ErrNoBranch)
	}
	head := n.SHA
	if n.Fork == "" {
		head = s.Branches[n.Head]
	}
	if s.Commit(head) == nil {
		return nil, fmt.Errorf("open pull request from %q: %w", n.Head, ErrNoBranch)
	}
	if s.OpenFor(n) != nil {
		return nil, fmt.Errorf("open pull request from %q into %q: %w", n.Head, n.Base, ErrSamePull)
	}
	if s.IsAncestor(head, base) {
		return nil, fmt.Errorf("open pull request from %q into %q: %w", n.Head, n.Base, ErrNothingToDo)
	}
	now := s.repo.forge.Now()
	p := &Pull{
		Number: s.NextNumber(), Title: n.Title, Body: n.Body, State: providers.Open, Draft: n.Draft, Author: n.Actor,
		HeadBranch: n.Head, HeadSHA: head, Fork: n.Fork, Base: n.Base, Created: now, Updated: now,
	}
	s.Pulls = append(s.Pulls, p)
	s.tell(Delivery{Kind: providers.PullOpened, Action: "opened", Actor: n.Actor, Pull: p})
	return p, nil
}

// OpenFor returns the open pull request for the same branches, nil if there is
// none.
func (s *State) OpenFor(n NewPull) *Pull {
	for _, p := range s.Pulls {
		if p.State == providers.Open && p.HeadBranch == n.Head && p.Base == n.Base && p.Fork == n.Fork {
			return p
		}
	}
	return nil
}

// Touch says that a pull request changed in a way that action names, such as
// edited or labelled. The change itself is made to its fields.
func (s *State) Touch(p *Pull, action, actor string) {
	p.Updated = s.repo.forge.Now()
	s.tell(Delivery{Kind: providers.PullEdited, Action: action, Actor: actor, Pull: p})
}

// ClosePull closes a pull request without merging it. One that is not open
// stays as it is.
func (s *State) ClosePull(p *Pull, actor string) {
	if p.State != providers.Open {
		return
	}
	p.parted = s.PullBase(p)
	p.State, p.Closed, p.ClosedBy, p.AutoMerge = providers.Closed, s.repo.forge.Now(), actor, nil
	p.Updated = p.Closed
	s.tell(Delivery{Kind: providers.PullClosed, Action: "closed", Actor: actor, Pull: p})
}

// ReopenPull opens a closed pull request again. It fails with ErrNoBranch if its
// branch is gone or moved to where there is nothing to merge, and with
// ErrSamePull.
func (s *State) ReopenPull(p *Pull, actor string) error {
	if p.State != providers.Closed {
		return fmt.Errorf("reopen pull request %d: %w", p.Number, ErrNotOpen)
	}
	head := p.HeadSHA
	if p.Fork == "" {
		head = s.Branches[p.HeadBranch]
	}
	if head == "" || s.Branches[p.Base] == "" || s.IsAncestor(head, s.Branches[p.Base]) {
		return fmt.Errorf("reopen pull request %d: %w", p.Number, ErrNoBranch)
	}
	if s.OpenFor(NewPull{Head: p.HeadBranch, Base: p.Base, Fork: p.Fork}) != nil {
		return fmt.Errorf("reopen pull request %d: %w", p.Number, ErrSamePull)
	}
	p.State, p.HeadSHA, p.Closed, p.ClosedBy, p.parted = providers.Open, head, time.Time{}, "", ""
	p.Updated = s.repo.forge.Now()
	s.tell(Delivery{Kind: providers.PullOpened, Action: "reopened", Actor: actor, Pull: p})
	return nil
}

// SetDraft makes a pull request a draft, or ready.
func (s *State) SetDraft(p *Pull, draft bool, actor string) {
	if p.Draft == draft {
		return
	}
	p.Draft, p.Updated = draft, s.repo.forge.Now()
	if draft {
		s.tell(Delivery{Kind: providers.PullEdited, Action: "drafted", Actor: actor, Pull: p})
		return
	}
	s.tell(Delivery{Kind: providers.PullOpened, Action: "ready", Actor: actor, Pull: p})
	s.autoMerge()
}

// PullBase returns the SHA at which the head of a pull request parted from its
// base: now if it is open, else when it was closed.
func (s *State) PullBase(p *Pull) string {
	if p.parted != "" {
		return p.parted
	}
	return s.MergeBase(s.Branches[p.Base], p.HeadSHA)
}

// PullChanges returns what a pull request changes, since its head parted from
// its base.
func (s *State) PullChanges(p *Pull) []Change {
	var before Files
	if c := s.Commit(s.PullBase(p)); c != nil {
		before = c.Files
	}
	return s.Diff(before, s.Commit(p.HeadSHA).Files)
}

// PullCommits returns the commits of a pull request, the oldest first.
func (s *State) PullCommits(p *Pull) []*Commit { return s.Between(s.PullBase(p), p.HeadSHA) }

// AddComment adds a comment to a pull request.
func (s *State) AddComment(p *Pull, actor, body string) *Comment {
	now := s.repo.forge.Now()
	c := &Comment{ID: s.repo.forge.NextID(), Author: actor, Body: body, Created: now, Updated: now, Reactions: map[string][]string{}}
	p.Comments = append(p.Comments, c)
	p.Updated = now
	s.tell(Delivery{Kind: providers.Commented, Action: "created", Actor: actor, Pull: p, Comment: c.clone()})
	return c
}

// AddReview adds a review of a pull request's head.
func (s *State) AddReview(p *Pull, actor string, verdict Verdict, body string) *Review {
	r := &Review{ID: s.repo.forge.NextID(), Author: actor, Verdict: verdict, Body: body, SHA: p.HeadSHA, Created: s.repo.forge.Now()}
	p.Reviews = append(p.Reviews, r)
	p.Updated = r.Created
	copied := *r
	s.tell(Delivery{Kind: providers.Reviewed, Action: string(verdict), Actor: actor, Pull: p, Review: &copied})
	s.autoMerge()
	return r
}

// React adds a reaction to a comment once.
func (c *Comment) React(login, emoji string) {
	if !slices.Contains(c.Reactions[emoji], login) {
		c.Reactions[emoji] = append(c.Reactions[emoji], login)
	}
}
