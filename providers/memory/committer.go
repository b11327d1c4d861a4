package memory

import (
	"context"
	"errors"
	"fmt"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Commit compares and swaps under the lock of the repository, and can do all
// that the contract asks for.
func (r *repository) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	var sha string
	err := r.write(ctx, fmt.Sprintf("commit to %q", c.Branch), func(s session) error {
		if err := r.checkPush(s, c.Branch); err != nil {
			return err
		}
		if err := r.checkHead(s, c); err != nil {
			return err
		}
		parent, err := s.commit(c.Parent)
		if err != nil {
			return err
		}
		changes, err := checkChanges(parent.Files, c.Changes)
		if err != nil {
			return err
		}
		n := NewCommit{Files: s.Put(parent.Files, changes), Parents: []string{parent.SHA}, Message: c.Message, Author: s.SignatureOf(s.me.Login)}
		if c.Author != nil {
			n.Author.Name, n.Author.Email = c.Author.Name, c.Author.Email
			n.Committer = s.SignatureOf(s.me.Login)
		}
		made, err := s.NewCommit(n)
		if err != nil {
			return err
		}
		sha = made.SHA
		return s.SetBranch(c.Branch, sha, s.me.Login)
	})
	if err != nil {
		return "", err
	}
	return sha, nil
}

// checkPush says why a branch cannot be pushed to by the one who asks.
func (r *repository) checkPush(s session, branch string) error {
	switch other := s.RefTaken(branch); {
	case !ValidRef(branch):
		return fault.New(fault.Usage, "choose another name for the branch", "%q is no name of a branch", branch)
	case !s.CanPush(s.me.Login, branch):
		return because(providers.ErrForbidden, fault.New(fault.Access,
			"open a pull request, or let "+s.me.Login+" push to it", "the branch %q of %s is protected", branch, r.name()))
	case other != "":
		return because(providers.ErrRefTaken, fault.New(fault.Refused,
			"delete or rename that branch, or choose another name", "there can be no branch %q on %s beside its branch %q", branch, r.name(), other))
	}
	return nil
}

// checkHead says why a branch is not what a commit was made for.
func (r *repository) checkHead(s session, c providers.CommitRequest) error {
	head, ok := s.Branches[c.Branch]
	switch {
	case c.Head == "" && ok:
		return fmt.Errorf("branch %q is there already: %w", c.Branch, providers.ErrConflict)
	case c.Head != "" && !ok:
		return fmt.Errorf("branch %q is gone: %w", c.Branch, providers.ErrConflict)
	case head != c.Head:
		return fmt.Errorf("branch %q is at %s, not %s: %w", c.Branch, head, c.Head, providers.ErrConflict)
	}
	return nil
}

// checkChanges returns the changes as the store takes them, or says why one is
// not made for these files.
func checkChanges(files Files, changes []providers.Change) (map[string]*File, error) {
	if len(changes) == 0 {
		return nil, errors.New("a commit needs a change")
	}
	out := make(map[string]*File, len(changes))
	for _, c := range changes {
		if _, ok := out[c.Path]; ok {
			return nil, fmt.Errorf("%q is changed twice", c.Path)
		}
		if err := checkPath(c.Path); err != nil {
			return nil, err
		}
		was, ok := files[c.Path]
		switch {
		case ok && !was.Mode.IsFile():
			return nil, fault.New(fault.Refused, "leave it out", "%q is a link or a submodule and cannot be written", c.Path)
		case ok != (c.Before != nil), ok && (was.Mode != c.Before.Mode || c.Before.ID != "" && c.Before.ID != was.ID):
			return nil, fmt.Errorf("%q is not as it was read: %w", c.Path, providers.ErrConflict)
		case c.Content == nil && !ok:
			return nil, fmt.Errorf("%q is not there to be removed: %w", c.Path, providers.ErrConflict)
		}
		out[c.Path] = nil
		if c.Content != nil {
			out[c.Path] = &File{Mode: c.Mode(), Content: c.Content}
		}
	}
	return out, nil
}

func (r *repository) DeleteBranch(ctx context.Context, name, sha string) error {
	return r.write(ctx, fmt.Sprintf("delete branch %q", name), func(s session) error {
		at, ok := s.Branches[name]
		switch {
		case !ok:
			return nil
		case at != sha:
			return fmt.Errorf("branch %q is at %s, not %s: %w", name, at, sha, providers.ErrConflict)
		case name == s.DefaultBranch || !s.CanPush(s.me.Login, name):
			return because(providers.ErrForbidden, fault.New(fault.Access,
				"leave it, or delete it by hand", "the branch %q of %s must not be deleted", name, r.name()))
		}
		s.DeleteBranch(name, s.me.Login)
		return nil
	})
}
