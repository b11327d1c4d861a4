// Package providers owns the contract with a forge: what a repository on
// GitHub, GitLab, Bitbucket or Gitea can be asked and told, in words that hold
// for all of them. The drivers in the folders below it keep to the contract;
// providertest is the suite that proves it.
//
// What every forge has is in [Repository], in interfaces of a few methods each.
// What only some have is an optional interface, found by type assertion:
// [Labeler], [AutoMerger] and so on.
//
// The package speaks to nobody. It does not know where versions stand, which
// pull request is towpath's, or what to do about a conflict.
package providers

import (
	"context"
	"errors"
	"time"
)

// The sentinels that errors of a driver wrap, so that callers can decide. The
// errors themselves are a *fault.Error wherever a person can do something about
// them. What a forge lacks wraps [errors.ErrUnsupported].
var (
	// ErrNotFound says that what was asked for is not there, or is not visible
	// to the credential: forges do not tell the two apart.
	ErrNotFound = errors.New("not found")

	// ErrConflict says that a write was refused, and nothing written, because what
	// it was made for is no longer so: the head moved, the branch came into being
	// or vanished, there is such a pull request already. To look again and
	// decide anew is right; to send the same again is not.
	ErrConflict = errors.New("changed meanwhile")

	// ErrRefTaken says that a branch cannot have its name since another branch has
	// a part of it as its name, or has it as a part; to try again does not help.
	ErrRefTaken = errors.New("another branch is in the way of its name")

	// ErrUnanswered says that a write may or may not have been done: the reply
	// was lost, or says no more than that the forge is out of order. To look what
	// is there is right; to send the same again is not.
	ErrUnanswered = errors.New("no answer came; it may have been done")

	// ErrUnauthorized says that the credential is missing, wrong or expired.
	ErrUnauthorized = errors.New("not authorized")

	// ErrForbidden says that the credential is good and may not do this, or that
	// a rule of the repository forbids it.
	ErrForbidden = errors.New("forbidden")
)

// Repository is a repository on a forge, as a driver gives it out. Its methods
// may be called from several goroutines. Every method obeys its context, and
// fails with an error wrapping one of the sentinels where one fits.
//
// SHAs are full ids of commits, in lower-case hexadecimal. Paths are
// slash-separated, relative to the top of the repository, and may hold any
// character that git allows, such as #, ?, % and spaces.
type Repository interface {
	Reader
	Committer
	History
	Pulls
	PullDetails
	Comments
	Statuses
	Accounts
}

// Accounts says who may do what.
type Accounts interface {
	// Self returns the account that the credential stands for. Where a credential
	// has none that can be asked for (a job's token, an installation), the login
	// may be empty.
	Self(ctx context.Context) (User, error)

	// Permission returns what an account may do in the repository, whatever
	// gives it the right. A user whom the forge does not know, or who has no
	// right, has [NoAccess] and there is no error. Where ID is given it decides,
	// else the login does. It wraps [errors.ErrUnsupported] where the credential
	// cannot be told.
	Permission(ctx context.Context, user User) (Permission, error)
}

// User is an account on a forge. Which of ID and Login is known depends on
// where it comes from.
type User struct {
	ID    string // as the API has it: a number, or on Bitbucket a UUID in braces
	Login string // as people write it behind @; a nickname on Bitbucket
	Name  string
	Bot   bool // the forge says that it is no person
}

// Permission is what an account may do in a repository.
type Permission int

// The permissions, each of which includes those before it.
const (
	NoAccess Permission = iota
	CanRead
	CanWrite // push branches and merge
	CanAdmin
)

// String returns none, read, write or admin.
func (p Permission) String() string {
	return [...]string{"none", "read", "write", "admin"}[p]
}

// Identity is who wrote a commit.
type Identity struct {
	Name  string
	Email string
}

// Commit is a commit as histories tell of it.
type Commit struct {
	SHA       string
	Parents   []string // empty where the forge does not tell
	Message   string   // whole, with its trailers
	Author    Identity
	Committer Identity
	User      User      // the author's account, zero where the forge finds none
	Time      time.Time // the committer's; zero where it is not known
}

// History says how a repository came to be what it is.
type History interface {
	// Log returns the commits that lead to a SHA or branch, the newest first.
	// It wraps ErrNotFound if there is no such ref. A path that never was has no
	// commits.
	Log(ctx context.Context, q LogQuery) ([]Commit, error)

	// Compare says what head has that base has not. Both are SHAs. It wraps
	// ErrNotFound if one of them is not there.
	Compare(ctx context.Context, base, head string) (*Comparison, error)

	// PullsOf returns the pull requests that a commit on a base branch came
	// with, open ones left out. It wraps [errors.ErrUnsupported] where the forge
	// cannot tell.
	PullsOf(ctx context.Context, sha string) ([]PullRequest, error)
}

// LogQuery says which commits are wanted.
type LogQuery struct {
	Ref   string    // a SHA or a branch
	Path  string    // only those that changed this file or folder; "" means all
	Since time.Time // only those not older; zero means all
	Limit int       // at most so many; 0 means 100
}

// Comparison is what head has that base has not.
type Comparison struct {
	MergeBase string        // the SHA at which the two parted; "" if they have nothing in common
	Commits   []Commit      // those of head that base lacks, the oldest first
	Files     []ChangedFile // from MergeBase to head
	Complete  bool          // neither list is cut short
}

// IsAncestor reports whether commit a is b or one that b descends from. The
// error is that of Compare.
func IsAncestor(ctx context.Context, h History, a, b string) (bool, error) {
	if a == b {
		return true, nil
	}
	c, err := h.Compare(ctx, b, a)
	if err != nil {
		return false, err
	}
	return c.MergeBase == a, nil
}
