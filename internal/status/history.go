package status

import (
	"context"
	"errors"
	"time"
)

// Commit is one step in the history of the branch that is checked out.
type Commit struct {
	SHA     string
	Time    time.Time // when it landed on the branch
	Author  string    // by name
	Subject string
	// RequestedBy is who asked for it, where the commit says so; else "".
	RequestedBy string
	Changes     []FileChange

	// Cut is set where a shallow clone ends. What changed in it is not known.
	Cut bool
}

// By returns who made the change: who asked for it, else its author.
func (c *Commit) By() string {
	if c.RequestedBy != "" {
		return c.RequestedBy
	}
	return c.Author
}

// FileChange is what a commit did to a file. Old and New name its contents
// before and after; "" means that there was no file.
type FileChange struct {
	Path     string
	OldPath  string // another one if the file was renamed, else the same
	Old, New string
}

// ErrAbsent is what [History.Read] says of contents that a partial clone does
// not have. History ends there, as where a shallow clone ends.
var ErrAbsent = errors.New("contents are not in this clone")

// History is the past of a tree.
type History interface {
	// Uncommitted must return the files whose contents in the tree are not those
	// of the newest commit, each with the name of its contents there, "" if the
	// commit has no such file. Files that are gone from the tree are among them.
	Uncommitted(ctx context.Context) (map[string]string, error)

	// Commits must call yield with each commit, newest first, merges compared
	// with their first parent and as one step, until yield returns false.
	Commits(ctx context.Context, yield func(Commit) bool) error

	// Read must return contents by name. What is no text, or too large to be
	// one, gives nothing and no error; what is not there, one that wraps
	// [ErrAbsent]. It is called from several goroutines at once, also while
	// Commits runs.
	Read(ctx context.Context, name string) ([]byte, error)
}
