package providers

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// Pulls are the pull requests of a repository.
type Pulls interface {
	// Pull returns one. It wraps ErrNotFound if there is none of that number.
	Pull(ctx context.Context, number int) (PullRequest, error)

	// Pulls returns those that fit, the latest created first, all of them up to
	// the limit, over as many pages as they fill.
	Pulls(ctx context.Context, q PullQuery) ([]PullRequest, error)

	// OpenPull opens one. It wraps ErrConflict if there is an open one for the
	// same branches. It fails with a *fault.Error if the branches do not differ,
	// or if the credential may not open any.
	OpenPull(ctx context.Context, p NewPull) (PullRequest, error)

	// UpdatePull changes what is given and leaves the rest, reviewers and draft
	// state too. To close one that is closed already is no error.
	UpdatePull(ctx context.Context, number int, u PullUpdate) (PullRequest, error)

	// MergePull merges one whose head is at a SHA and returns the SHA of the
	// commit on the base branch. It wraps ErrConflict if the head is elsewhere,
	// and ErrForbidden, with the forge's words, if it must not or cannot be merged
	// yet. Where the forge has no guard for the head it is looked at just before.
	MergePull(ctx context.Context, number int, m Merge) (sha string, err error)
}

// PullRequest is a pull request, by GitLab called a merge request.
type PullRequest struct {
	Number  int
	URL     string // for people
	Title   string // without the prefix by which GitLab marks drafts
	Body    string
	State   PullState
	Draft   bool
	Author  User
	Head    Head
	Base    string   // the name of the branch that it would be merged into
	Labels  []string // empty where the forge has none
	Created time.Time
	Updated time.Time

	// MergeSHA is the commit by which it was merged, "" if it was not, or if the
	// forge does not tell in a list.
	MergeSHA string
}

// Head is the branch that a pull request would merge.
type Head struct {
	Branch string
	SHA    string // where it is, or was when the pull request was closed; short where Bitbucket knows no more
	Fork   bool   // it is in another repository, or in one that was deleted
}

// PullState says what has become of a pull request.
type PullState string

// The states.
const (
	Open   PullState = "open"
	Merged PullState = "merged"
	Closed PullState = "closed" // not merged; Bitbucket calls it declined or superseded
)

// PullQuery says which pull requests are wanted. Its zero value means the latest 100.
type PullQuery struct {
	State PullState // "" means any
	Head  string    // only those of this branch of the repository itself; "" means any
	Base  string    // only those into this branch; "" means any
	Limit int       // at most so many; 0 means 100
}

// NewPull is a pull request to open, from a branch of the repository itself.
type NewPull struct {
	Head, Base  string // branches
	Title, Body string
	Draft       bool // where the driver is no [Drafter] it wraps [errors.ErrUnsupported]
}

// PullUpdate says what changes. Nil fields stay.
type PullUpdate struct {
	Title *string
	Body  *string
	Close bool
}

// Merge says how to merge.
type Merge struct {
	Head    string      // the SHA that is merged, and no other
	Method  MergeMethod // "" means what the repository prefers
	Title   string      // of the commit; "" means the forge's
	Message string      // its body; "" means the forge's
}

// MergeMethod is a way to merge. A forge or repository without it fails with
// ErrForbidden or [errors.ErrUnsupported].
type MergeMethod string

// The methods.
const (
	MergeCommit MergeMethod = "merge"
	Squash      MergeMethod = "squash"
	Rebase      MergeMethod = "rebase"
)

// PullDetails are what stands around a pull request.
type PullDetails interface {
	// PullFiles returns what it changes, against where it parted from its base.
	// complete is false if the forge does not list all of it.
	PullFiles(ctx context.Context, number int) (files []ChangedFile, complete bool, err error)

	// PullCommits returns its commits, the oldest first, as far as the forge
	// lists them (250 on GitHub).
	PullCommits(ctx context.Context, number int) ([]Commit, error)

	// Reviews returns the last word of each reviewer who approved or asked for
	// changes. What was dismissed is left out; what an older head was reviewed
	// with shows by its SHA.
	Reviews(ctx context.Context, number int) ([]Review, error)
}

// ChangedFile is a file that a pull request or a comparison changes.
type ChangedFile struct {
	Path    string // after, or before if it is removed
	OldPath string // before, if it differs
	Status  FileStatus
}

// ChangedFiles compares two trees that have the ids of contents, and returns what
// differs, sorted by path. A file that has the contents of one that is gone was
// renamed.
func ChangedFiles(before, after []Entry) []ChangedFile {
	old := make(map[string]Entry, len(before))
	for _, e := range before {
		old[e.Path] = e
	}
	var files []ChangedFile
	var added []Entry
	for _, e := range after {
		was, ok := old[e.Path]
		delete(old, e.Path)
		switch {
		case !ok:
			added = append(added, e)
		case was.ID != e.ID || was.Mode != e.Mode:
			files = append(files, ChangedFile{Path: e.Path, Status: Modified})
		}
	}
	gone := map[string][]string{} // by id, sorted
	for _, p := range slices.Sorted(maps.Keys(old)) {
		gone[old[p].ID] = append(gone[old[p].ID], p)
	}
	for _, e := range added {
		if paths := gone[e.ID]; len(paths) > 0 {
			gone[e.ID] = paths[1:]
			files = append(files, ChangedFile{Path: e.Path, OldPath: paths[0], Status: Renamed})
			continue
		}
		files = append(files, ChangedFile{Path: e.Path, Status: Added})
	}
	for _, paths := range gone {
		for _, p := range paths {
			files = append(files, ChangedFile{Path: p, Status: Removed})
		}
	}
	slices.SortFunc(files, func(a, b ChangedFile) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// FileStatus says what happened to a file.
type FileStatus string

// The statuses. A forge that cannot tell a copy calls it added.
const (
	Added    FileStatus = "added"
	Modified FileStatus = "modified"
	Removed  FileStatus = "removed"
	Renamed  FileStatus = "renamed"
)

// Review is a reviewer's last word.
type Review struct {
	User     User
	Approved bool      // else changes were asked for
	SHA      string    // the head that was reviewed; "" where the forge does not tell
	Time     time.Time // zero where the forge does not tell
}
