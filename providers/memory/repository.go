package memory

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// repository is the driver: the contract, for one credential.
type repository struct {
	forge *Forge
	path  string
	token string
}

var (
	_ providers.Repository      = (*repository)(nil)
	_ providers.Labeler         = (*repository)(nil)
	_ providers.ReviewRequester = (*repository)(nil)
	_ providers.Assigner        = (*repository)(nil)
	_ providers.Drafter         = (*repository)(nil)
	_ providers.AutoMerger      = (*repository)(nil)
	_ providers.Reactor         = (*repository)(nil)
	_ providers.CommentHider    = (*repository)(nil)
	_ providers.Teams           = (*repository)(nil)
	_ providers.CheckReporter   = (*repository)(nil)
	_ providers.Issues          = (*repository)(nil)
	_ providers.Hooks           = (*repository)(nil)
	_ providers.BranchDeleter   = (*repository)(nil)
	_ providers.Looker          = (*repository)(nil)
	_ providers.Examiner        = (*repository)(nil)
)

// Repository returns the repository with a path, which need not be there yet,
// as the holder of a token sees it. It has every ability of the contract.
func (f *Forge) Repository(path, token string) (providers.Repository, error) {
	if r, err := providers.ParseRepo("memory.test/" + path); err != nil || r.Path != path {
		return nil, fault.New(fault.Usage, "write it as owner/name", "%q is no path of a repository", path)
	}
	return &repository{forge: f, path: path, token: token}, nil
}

// session is what a method of the driver works with: the state, unlocked for
// it, and who asks.
type session struct {
	*State
	me    Account
	token Token
}

// may returns what the one who asks may do.
func (s session) may() providers.Permission {
	p := s.Permission(s.me.Login)
	if s.token.ReadOnly {
		p = min(p, providers.CanRead)
	}
	return p
}

// name is how people know the repository.
func (r *repository) name() string {
	if u, err := url.Parse(r.forge.Server()); err == nil && u.Host != "" {
		return u.Host + "/" + r.path
	}
	return r.path
}

// because gives a fault its cause, a sentinel of the contract.
func because(cause error, f *fault.Error) error {
	f.Err = cause
	return f
}

// read runs do if the credential may see the repository. The errors of do are
// wrapped with what was tried.
func (r *repository) read(ctx context.Context, what string, do func(s session) error) error {
	return r.session(ctx, what, providers.CanRead, do)
}

// write is like read, if the credential may write and the repository is not
// archived.
func (r *repository) write(ctx context.Context, what string, do func(s session) error) error {
	return r.session(ctx, what, providers.CanWrite, do)
}

func (r *repository) session(ctx context.Context, what string, need providers.Permission, do func(s session) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s on %s: %w", what, r.name(), err)
	}
	me, token, ok := r.forge.AccountOf(r.token)
	if !ok {
		return because(providers.ErrUnauthorized, fault.New(fault.Access,
			"check that the token is right and has not expired", "%s does not know the credential", r.forge.Server()))
	}
	hidden := because(providers.ErrNotFound, fault.New(fault.NotFound,
		"check the spelling, and that the token may see the repository", "there is no repository %s, or the credential may not see it", r.name()))
	repo, ok := r.forge.Repo(r.path)
	if !ok {
		return hidden
	}
	err := repo.Do(func(state *State) error {
		s := session{State: state, me: me, token: token}
		switch {
		case s.may() < providers.CanRead:
			return hidden
		case need > providers.CanRead && state.Archived:
			return because(providers.ErrForbidden, fault.New(fault.Access,
				"unarchive it, or leave it out", "%s is archived: nothing can be written to it", r.name()))
		case s.may() < need:
			return because(providers.ErrForbidden, fault.New(fault.Access,
				"give the account or the token the right to "+need.String(), "%s may not %s on %s", me.Login, what, r.name()))
		}
		return do(s)
	})
	if _, ok := errors.AsType[*fault.Error](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("%s on %s: %w", what, r.name(), err)
}

// pull returns a pull request of the session.
func (s session) pull(number int) (*Pull, error) {
	if p := s.Pull(number); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("pull request %d: %w", number, providers.ErrNotFound)
}

// comment returns a comment on a pull request.
func (s session) comment(number int, id string) (*Comment, error) {
	p, err := s.pull(number)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err == nil {
		if c := p.Comment(n); c != nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("comment %q on pull request %d: %w", id, number, providers.ErrNotFound)
}

// commit returns a commit of the session.
func (s session) commit(sha string) (*Commit, error) {
	if c := s.Commit(sha); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("commit %q: %w", sha, providers.ErrNotFound)
}

// Self returns the account of the token.
func (r *repository) Self(ctx context.Context) (providers.User, error) {
	var u providers.User
	err := r.read(ctx, "ask who it is", func(s session) error {
		u = s.me.User()
		return nil
	})
	return u, err
}

// Permission returns what an account may do.
func (r *repository) Permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	p := providers.NoAccess
	err := r.read(ctx, "ask for permissions", func(s session) error {
		if a, ok := r.account(user); ok {
			p = s.Permission(a.Login)
		}
		return nil
	})
	return p, err
}

// account finds a user of the contract, by the id where there is one.
func (r *repository) account(user providers.User) (Account, bool) {
	if user.ID == "" {
		return r.forge.Account(user.Login)
	}
	id, err := strconv.ParseInt(user.ID, 10, 64)
	if err != nil {
		return Account{}, false
	}
	return r.forge.AccountByID(id)
}

// IsMember reports whether a user belongs to a team of the repository.
func (r *repository) IsMember(ctx context.Context, team string, user providers.User) (bool, error) {
	is := false
	err := r.read(ctx, "ask for the members of a team", func(s session) error {
		members, ok := s.Teams[team]
		if !ok {
			return fmt.Errorf("team %q: %w", team, providers.ErrNotFound)
		}
		a, ok := r.account(user)
		for _, login := range members {
			is = is || ok && strings.EqualFold(login, a.Login)
		}
		return nil
	})
	return is, err
}
