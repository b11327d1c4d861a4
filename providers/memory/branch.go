package memory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

// The sentinels of what cannot be done to branches and pull requests, whoever
// asks for it. The errors say more than they.
var (
	ErrBadRef      = errors.New("no name of a branch")
	ErrRefTaken    = errors.New("a branch has a part of the name as its name, or has the name as a part")
	ErrNoCommit    = errors.New("no such commit")
	ErrNoBranch    = errors.New("no such branch")
	ErrSamePull    = errors.New("there is an open pull request for these branches")
	ErrNothingToDo = errors.New("the branches do not differ")
	ErrNotOpen     = errors.New("the pull request is not open")
	ErrDraft       = errors.New("the pull request is a draft")
	ErrHeadMoved   = errors.New("the head is elsewhere")
	ErrMergeClash  = errors.New("merge conflict")
	ErrBlocked     = errors.New("a rule of the base branch forbids it")
	ErrMethod      = errors.New("the repository does not merge in this way")
)

// ValidRef reports whether git takes a name of a branch.
// See https://git-scm.com/docs/git-check-ref-format.
func ValidRef(name string) bool {
	if name == "" || name == "@" || strings.HasSuffix(name, ".") || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return false
	}
	for _, c := range name {
		if c < 0x20 || c == 0x7f || strings.ContainsRune(` ~^:?*[\`, c) {
			return false
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// RefTaken returns the branch because of which there can be none of this name,
// since in git a and a/b cannot both be; "" if there is none.
func (s *State) RefTaken(name string) string {
	for other := range s.Branches {
		if strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
			return other
		}
	}
	return ""
}

// SetBranch makes a branch, or moves it to wherever it shall be. Open pull
// requests follow: one whose head has nothing left that its base has not is
// closed, or is merged if it was the base that moved. It asks for no
// permission; see CanPush.
func (s *State) SetBranch(name, sha, actor string) error {
	if !ValidRef(name) {
		return fmt.Errorf("set branch %q: %w", name, ErrBadRef)
	}
	if s.Commit(sha) == nil {
		return fmt.Errorf("set branch %q to %s: %w", name, sha, ErrNoCommit)
	}
	before, ok := s.Branches[name]
	if other := s.RefTaken(name); !ok && other != "" {
		return fmt.Errorf("set branch %q beside %q: %w", name, other, ErrRefTaken)
	}
	if ok && before == sha {
		return nil
	}
	s.Branches[name] = sha
	s.tell(Delivery{Kind: providers.Pushed, Actor: actor, Push: &providers.Push{Branch: name, Before: before, After: sha}})
	for _, p := range s.Pulls {
		if p.State != providers.Open {
			continue
		}
		if p.HeadBranch == name && p.Fork == "" {
			s.follow(p, sha, actor)
		}
		if p.State == providers.Open && p.Base == name && s.IsAncestor(p.HeadSHA, sha) {
			s.settleMerged(p, merged{sha: sha, before: before, actor: actor})
		}
	}
	return nil
}

// follow has the head of a pull request move with its branch.
func (s *State) follow(p *Pull, sha, actor string) {
	before := p.HeadSHA
	p.HeadSHA, p.Updated = sha, s.repo.forge.Now()
	if base, ok := s.Branches[p.Base]; ok && s.IsAncestor(sha, base) && !s.repo.forge.options.KeepPulls {
		s.ClosePull(p, actor)
		return
	}
	s.tell(Delivery{Kind: providers.PullPushed, Action: "pushed", Actor: actor, Pull: p, Before: before})
}

// DeleteBranch deletes a branch, and closes its pull requests unless the forge
// keeps them. It reports whether there was one.
func (s *State) DeleteBranch(name, actor string) bool {
	before, ok := s.Branches[name]
	if !ok {
		return false
	}
	for _, p := range s.Pulls {
		if p.State == providers.Open && (p.HeadBranch == name && p.Fork == "" || p.Base == name) && !s.repo.forge.options.KeepPulls {
			s.ClosePull(p, actor)
		}
	}
	delete(s.Branches, name)
	s.tell(Delivery{Kind: providers.Pushed, Actor: actor, Push: &providers.Push{Branch: name, Before: before}})
	return true
}

// Push is a commit that is made and put onto a branch at once, as by a person
// with git.
type Push struct {
	Branch  string
	From    string           // ref that a new branch begins at; "" means the default branch
	Actor   string           // login
	Message string           // "" means that it is made of the branch
	Files   map[string]*File // by path; nil removes one
}

// Push adds a commit to a branch, which is made if it is not there. It asks for
// no permission.
func (s *State) Push(p Push) (*Commit, error) {
	head, ok := s.Branches[p.Branch]
	if !ok {
		from := p.From
		if from == "" {
			from = s.DefaultBranch
		}
		head = s.Resolve(from)
	}
	n := NewCommit{Message: p.Message, Author: s.SignatureOf(p.Actor)}
	if n.Message == "" {
		n.Message = "Update " + p.Branch
	}
	if c := s.Commit(head); c != nil {
		n.Parents = []string{head}
		n.Files = c.Files
	}
	n.Files = s.Put(n.Files, p.Files)
	c, err := s.NewCommit(n)
	if err != nil {
		return nil, err
	}
	return c, s.SetBranch(p.Branch, c.SHA, p.Actor)
}
