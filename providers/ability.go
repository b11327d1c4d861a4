package providers

import "context"

// What only some forges have, found by type assertion.

// Labeler can put labels on pull requests.
type Labeler interface {
	// AddLabels adds labels, making those that the repository lacks.
	AddLabels(ctx context.Context, number int, labels []string) error
}

// ReviewRequester can ask for reviews.
type ReviewRequester interface {
	// RequestReviews asks users, by login, and teams, by slug, to review. A name
	// that cannot be asked is a *fault.Error that names it, and the others are
	// asked all the same. Teams where the forge has none wrap
	// [errors.ErrUnsupported].
	RequestReviews(ctx context.Context, number int, users, teams []string) error
}

// Assigner can assign pull requests.
type Assigner interface {
	// Assign adds assignees, by login. A name that cannot be assigned is a
	// *fault.Error that names it.
	Assign(ctx context.Context, number int, users []string) error
}

// Drafter knows drafts.
type Drafter interface {
	// SetDraft makes a pull request a draft, or ready.
	SetDraft(ctx context.Context, number int, draft bool) error
}

// AutoMerger can merge once everything that is required has passed.
type AutoMerger interface {
	// EnableAutoMerge has a pull request merged by the forge when it may be, if
	// its head is at the SHA of m. One from which nothing that is required is
	// missing is merged at once, though a forge refuses to wait for nothing.
	// It is no error if it is enabled already.
	EnableAutoMerge(ctx context.Context, number int, m Merge) error
}

// Reactor can react to a comment.
type Reactor interface {
	// React adds a reaction once, however often it is called.
	React(ctx context.Context, number int, comment string, r Reaction) error
}

// Reaction is an emoji.
type Reaction string

// The reactions that all forges with reactions have.
const (
	Eyes     Reaction = "eyes"
	ThumbsUp Reaction = "+1"
	Confused Reaction = "confused"
	Rocket   Reaction = "rocket"
)

// CommentHider can fold away a comment as outdated.
type CommentHider interface {
	HideComment(ctx context.Context, number int, comment string) error
}

// Teams knows teams or groups.
type Teams interface {
	// IsMember reports whether a user belongs to a team of the repository's
	// owner; on GitLab the team is a group's full path.
	IsMember(ctx context.Context, team string, user User) (bool, error)
}

// CheckReporter can say what was found as a report with annotations: check runs
// on GitHub, Code Insights on Bitbucket.
type CheckReporter interface {
	// Report writes a report, in place of one of the same name by the same
	// credential.
	Report(ctx context.Context, sha string, r Report) error
}

// Report is a check's result at length.
type Report struct {
	Name        string
	State       CheckState
	Title       string
	Summary     string // Markdown where the forge renders it, cut to its limit
	URL         string
	Annotations []Annotation // cut to what the forge takes
}

// Annotation is a remark on a line.
type Annotation struct {
	Path    string
	Line    int // from 1; 0 means the whole file
	Failed  bool
	Message string
}

// Issues can keep one living issue.
type Issues interface {
	// UpsertIssue gives the credential's own issue with this key a title and
	// body, or opens one, and returns its URL. Closed ones are opened again if
	// open is set, and an open one is closed if it is not.
	UpsertIssue(ctx context.Context, key string, issue Issue) (url string, err error)
}

// Issue is an issue.
type Issue struct {
	Title, Body string
	Open        bool
}

// Hooks can register webhooks.
type Hooks interface {
	// Hooks returns the webhooks of the repository.
	Hooks(ctx context.Context) ([]Hook, error)

	// UpsertHook registers a webhook for the events that [Event] knows, or
	// renews the one of the same URL, its secret too.
	UpsertHook(ctx context.Context, url string, secret []byte) (Hook, error)
}

// Hook is a webhook of a repository.
type Hook struct {
	ID      string
	URL     string
	Active  bool
	Events  []string // in the forge's words
	Problem string   // why deliveries fail, where the forge tells
}

// Examiner can say what the credential may and may not do in the repository,
// changing nothing.
type Examiner interface {
	// Examine returns one finding for each thing that towpath may need, in a
	// fixed order. It fails only if the forge cannot be asked at all: a bad
	// credential and a repository that is not visible are findings.
	Examine(ctx context.Context) ([]Finding, error)
}

// Finding is what an examination says of one ability.
type Finding struct {
	What   string // one of the constants below, or another ability in such words
	Answer Answer
	Detail string // why it is known, such as "the token has the scope repo"
	Hint   string // what to do if it is needed; "" if it can be done
}

// What a bump needs. A driver says them in these words.
const (
	UseCredential = "use the credential"
	SeeRepository = "see the repository"
	ReadFiles     = "read files"
	PushBranches  = "push branches"
	OpenPulls     = "open pull requests"
)

// IsNeeded reports whether no pull request can be opened without it.
func (f Finding) IsNeeded() bool {
	switch f.What {
	case UseCredential, SeeRepository, ReadFiles, PushBranches, OpenPulls:
		return true
	}
	return false
}

// Answer says whether something can be done.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown" // only trying would tell
)
