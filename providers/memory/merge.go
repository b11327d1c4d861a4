package memory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

// merged says how a pull request came to be on its base.
type merged struct {
	sha    string // of the base branch, afterwards
	before string // where the base branch was
	actor  string
}

// settleMerged marks a pull request as merged.
func (s *State) settleMerged(p *Pull, m merged) {
	p.parted = s.MergeBase(m.before, p.HeadSHA)
	for _, c := range s.Between(m.before, m.sha) {
		p.Arrived = append(p.Arrived, c.SHA)
	}
	p.State, p.MergeSHA, p.Closed, p.ClosedBy, p.AutoMerge = providers.Merged, m.sha, s.repo.forge.Now(), m.actor, nil
	p.Updated = p.Closed
	s.tell(Delivery{Kind: providers.PullMerged, Action: "closed", Actor: m.actor, Pull: p})
}

// MergeMethods are the ways in which the repository merges, the preferred one
// first.
func (s *State) MergeMethods() []providers.MergeMethod {
	if len(s.Methods) == 0 {
		return []providers.MergeMethod{providers.MergeCommit, providers.Squash, providers.Rebase}
	}
	return s.Methods
}

// Blocked says why the rules of its base branch keep a pull request from being
// merged, "" if they do not.
func (s *State) Blocked(p *Pull) string {
	rule, ok := s.Protected[p.Base]
	if !ok {
		return ""
	}
	state := map[string]providers.CheckState{}
	for _, c := range s.Checks(p.HeadSHA) {
		state[c.Name] = c.State
	}
	for _, name := range rule.Checks {
		if state[name] != providers.Passed && state[name] != providers.Skipped {
			return fmt.Sprintf("Required status check %q is expected.", name)
		}
	}
	approvals := 0
	for _, r := range p.Verdicts() {
		switch {
		case r.Verdict == Rejected && rule.Approvals > 0:
			return "Changes were requested by " + r.Author + "."
		case r.Verdict == Approved:
			approvals++
		}
	}
	if approvals < rule.Approvals {
		return fmt.Sprintf("At least %d approving review is required by reviewers with write access.", rule.Approvals)
	}
	return ""
}

// Clashes returns the files by which a pull request cannot be merged.
func (s *State) Clashes(p *Pull) []string {
	base, head := s.Commit(s.Branches[p.Base]), s.Commit(p.HeadSHA)
	if base == nil || head == nil {
		return nil
	}
	_, clashes := MergeFiles(s.filesOf(s.MergeBase(base.SHA, head.SHA)), base.Files, head.Files)
	return clashes
}

func (s *State) filesOf(sha string) Files {
	if c := s.Commit(sha); c != nil {
		return c.Files
	}
	return nil
}

// MergePull merges a pull request and returns the SHA of its base branch. It
// fails with ErrNotOpen, ErrDraft, ErrHeadMoved (if m.Head is not ""),
// ErrMethod, ErrBlocked or ErrMergeClash. It asks for no permission.
func (s *State) MergePull(p *Pull, m providers.Merge, actor string) (string, error) {
	refuse := func(err error) (string, error) {
		return "", fmt.Errorf("merge pull request %d: %w", p.Number, err)
	}
	switch reason := s.Blocked(p); {
	case p.State != providers.Open:
		return refuse(ErrNotOpen)
	case m.Head != "" && m.Head != p.HeadSHA:
		return refuse(ErrHeadMoved)
	case p.Draft:
		return refuse(ErrDraft)
	case m.Method != "" && !slices.Contains(s.MergeMethods(), m.Method):
		return refuse(ErrMethod)
	case reason != "":
		return refuse(fmt.Errorf("%w: %s", ErrBlocked, reason))
	}
	if m.Method == "" {
		m.Method = s.MergeMethods()[0]
	}
	before := s.Branches[p.Base]
	c, err := s.mergeCommit(p, m, actor)
	if err != nil {
		return refuse(err)
	}
	// The pull request goes first: when the branch moves it must not be taken
	// for one that somebody merged by a push.
	s.settleMerged(p, merged{sha: c.SHA, before: before, actor: actor})
	if err := s.SetBranch(p.Base, c.SHA, actor); err != nil {
		return refuse(err)
	}
	return c.SHA, nil
}

// mergeCommit makes the commits of a merge and returns the last one.
func (s *State) mergeCommit(p *Pull, m providers.Merge, actor string) (*Commit, error) {
	base, head := s.Commit(s.Branches[p.Base]), s.Commit(p.HeadSHA)
	if base == nil {
		return nil, ErrNoBranch
	}
	if m.Method == providers.Rebase {
		return s.rebase(base, s.Between(base.SHA, head.SHA), actor)
	}
	files, clashes := MergeFiles(s.filesOf(s.MergeBase(base.SHA, head.SHA)), base.Files, head.Files)
	if len(clashes) > 0 {
		return nil, fmt.Errorf("%w in %s", ErrMergeClash, strings.Join(clashes, ", "))
	}
	n := NewCommit{Files: files, Parents: []string{base.SHA}, Author: s.SignatureOf(actor)}
	title, body := m.Title, m.Message
	if m.Method == providers.MergeCommit {
		n.Parents = append(n.Parents, head.SHA)
		if title == "" {
			title = fmt.Sprintf("Merge pull request #%d from %s", p.Number, p.HeadBranch)
		}
		if body == "" {
			body = p.Title
		}
	} else if title == "" {
		title = fmt.Sprintf("%s (#%d)", p.Title, p.Number)
	}
	n.Message = title
	if body != "" {
		n.Message += "\n\n" + body
	}
	return s.NewCommit(n)
}

// rebase puts commits onto another one. Merges among them are left out, as git
// does.
func (s *State) rebase(onto *Commit, commits []*Commit, actor string) (*Commit, error) {
	for _, c := range commits {
		if len(c.Parents) > 1 {
			continue
		}
		var before Files
		if len(c.Parents) == 1 {
			before = s.filesOf(c.Parents[0])
		}
		files, clashes := MergeFiles(before, onto.Files, c.Files)
		if len(clashes) > 0 {
			return nil, fmt.Errorf("%w in %s", ErrMergeClash, strings.Join(clashes, ", "))
		}
		next, err := s.NewCommit(NewCommit{
			Files: files, Parents: []string{onto.SHA}, Message: c.Message, Author: c.Author, Committer: s.SignatureOf(actor),
		})
		if err != nil {
			return nil, err
		}
		onto = next
	}
	return onto, nil
}

// autoMerge merges the pull requests that wait for it and may be merged now.
func (s *State) autoMerge() {
	for _, p := range s.Pulls {
		if p.State != providers.Open || p.AutoMerge == nil || p.Draft || s.Blocked(p) != "" || len(s.Clashes(p)) > 0 {
			continue
		}
		auto := *p.AutoMerge
		auto.Merge.Head = "" // it was asked for when automatic merging was enabled
		if _, err := s.MergePull(p, auto.Merge, auto.By); err != nil {
			p.AutoMerge = nil
		}
	}
}
