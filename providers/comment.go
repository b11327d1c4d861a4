package providers

import (
	"context"
	"time"
)

// Comments are what is said on pull requests.
type Comments interface {
	// Comments returns those of the conversation, the oldest first, over all
	// pages; not the forge's own notes, nor deleted ones.
	Comments(ctx context.Context, number int) ([]Comment, error)

	// UpsertComment gives the credential's own comment with this key a new body,
	// or writes one. It is found by a hidden marker and by its author; of several,
	// as two runs at once may leave behind, the oldest is kept and the others are
	// deleted. A comment that says so already is not written again. Key is made
	// of letters, digits and -.
	UpsertComment(ctx context.Context, number int, key, body string) (Comment, error)

	// AddComment writes a comment.
	AddComment(ctx context.Context, number int, body string) (Comment, error)

	// TextLimit is how many characters a comment, and the body of a pull request,
	// may have at most.
	TextLimit() int

	// Hidden returns a line that carries a text and is not shown where the forge
	// renders a body. It must stand between blank lines. Text is made of
	// printable ASCII without "--", parentheses, brackets, < and >.
	Hidden(text string) string
}

// Comment is a comment on a pull request.
type Comment struct {
	ID      string
	URL     string // for people; "" where the forge does not tell
	Body    string
	Author  User
	Created time.Time
	Updated time.Time
}

// Statuses are what is said of commits, such as by CI.
type Statuses interface {
	// SetStatus writes a status, in place of one of the same name. To write the
	// same one again is no error.
	SetStatus(ctx context.Context, sha string, s Status) error

	// Checks returns the last word of each check on a commit, statuses and check
	// runs alike, sorted by name.
	Checks(ctx context.Context, sha string) ([]Check, error)
}

// Status is what is said of a commit.
type Status struct {
	Name        string // at most 40 characters, Bitbucket's limit
	State       CheckState
	Description string // one line; cut to what the forge allows
	URL         string // where to read more; "" is filled in where the forge wants one
	Branch      string // of the pull request, where the forge wants to know; may be ""
}

// Check is a status or check run.
type Check struct {
	Name        string
	State       CheckState
	Description string
	URL         string
}

// CheckState is what a check came to.
type CheckState string

// The states.
const (
	Pending CheckState = "pending" // waiting or running
	Passed  CheckState = "passed"
	Failed  CheckState = "failed"  // with an error, too
	Skipped CheckState = "skipped" // cancelled, neutral or not needed
)
