package providers

import "context"

// Committer writes to a repository.
type Committer interface {
	// Commit makes one commit of all the changes and returns its SHA. It
	// guarantees that no file it writes differs from what was read: a file that
	// somebody else changed since Parent is never overwritten.
	//
	// With Head equal to Parent the commit is added to the branch, and with Head
	// "" the branch is made. Else the branch is moved from Head to the new commit
	// on Parent, which wraps [errors.ErrUnsupported] where the forge cannot.
	//
	// It wraps ErrConflict if the branch is not at Head; a forge without
	// compare-and-swap may put the commit onto a newer head if none of its files
	// changed there. A branch's name that cannot be, since a branch has a part of
	// it as its name or has it as a part, is a *fault.Error that wraps ErrRefTaken
	// and not ErrConflict; a branch that must not be pushed to is one that wraps
	// ErrForbidden. Modes stay as they are.
	Commit(ctx context.Context, c CommitRequest) (sha string, err error)
}

// CommitRequest is a commit to be made.
type CommitRequest struct {
	Branch  string
	Parent  string // the SHA that the contents were read at, on which the commit sits
	Head    string // the SHA at which the branch was seen; "" means that there must be no such branch
	Message string
	Author  *Identity // nil means whoever the credential stands for, and lets forges sign the commit
	Changes []Change  // at least one, each path once
}

// Change is a file's new contents.
type Change struct {
	Before  *Entry // as read at Parent; nil adds the file
	Path    string
	Content []byte // nil removes the file
}

// Mode is that of the file as it is, and as it will be.
func (c Change) Mode() Mode {
	if c.Before == nil {
		return Regular
	}
	return c.Before.Mode
}

// BranchDeleter can delete branches.
type BranchDeleter interface {
	// DeleteBranch deletes a branch that is at sha; it wraps ErrConflict if it is
	// elsewhere. A branch that is not there is no error. Where the forge has no
	// compare-and-swap it is looked at just before.
	DeleteBranch(ctx context.Context, name, sha string) error
}
