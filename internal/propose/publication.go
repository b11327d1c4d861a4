package propose

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Publication says how a bump becomes commits and pull requests on a forge.
type Publication struct {
	Base   string   // the branch to change; "" means the default branch
	Branch Template // of the branches to push, over [BranchFacts]; the zero value means towpath/bump/NAME
	Split  Split    // "" means PerApp
	Push   bool     // commit to Base, without a pull request
	DryRun bool     // look, and write nothing

	// Environments and Places are what the run keeps to beyond its images, as
	// people gave them: runs that keep to different ones have branches of their own.
	Environments []string
	Places       []string

	Message Template
	Title   Template
	Body    Template // the zero value means a table of what moves

	Supersede Supersede // what becomes of an open pull request when a newer version comes; "" means Update
	Draft     bool
	AutoMerge bool
	Method    providers.MergeMethod // of the automatic merge
	Labels    []string
	Reviewers []string
	Teams     []string // reviewers, too
	Assignees []string
	Author    *providers.Identity // of commits; nil means the credential's

	Build       Build
	RequestedBy string

	// Source opens the repository that versions are built from, so that their
	// order can be asked for. Nil means that it cannot be.
	Source func(ctx context.Context, repo string) (providers.Repository, error)

	Sleep  func(ctx context.Context, d time.Duration) error
	Jitter func() float64 // in [0,1)
}

// Supersede says what becomes of an open pull request when a newer version comes.
type Supersede string

// The ways to supersede.
const (
	Update Supersede = "update" // it gets the newer version
	Close  Supersede = "close"  // it is closed, with a comment, for a new one
)

// Build says what built the versions. Its zero value says nothing.
type Build struct {
	Repo string // such as github.com/acme/web
	SHA  string
	Run  int64 // a number that is greater in each later run of the pipeline; 0 means unknown
	URL  string
}

// source returns repo@SHA, or "".
func (b Build) source() string {
	if b.Repo == "" || b.SHA == "" {
		return ""
	}
	return b.Repo + "@" + b.SHA
}

func (b Build) run() string {
	if b.Run == 0 {
		return ""
	}
	return strconv.FormatInt(b.Run, 10)
}

// Trail is what commits and pull requests say of where the versions come from.
func (p *Publication) Trail() audit.Trail {
	return audit.Trail{RequestedBy: p.RequestedBy, Source: p.Build.source(), Run: p.Build.run(), RunURL: p.Build.URL}
}

// State says what became of a pull request in a run.
type State string

// The states.
const (
	Opened    State = "opened"
	Updated   State = "updated"
	Unchanged State = "unchanged" // it says so already
	Held      State = "held"      // it must not be written to
	Declined  State = "declined"  // people closed it, with these versions
	Closing   State = "closed"    // the base has the versions already
)

// Outcome is what a run came to for one pull request.
type Outcome struct {
	App, Env string // "" if it is not for one
	Branch   string
	Commit   string                 // the SHA of what was pushed, "" if nothing was
	Pull     *providers.PullRequest // nil if there is none
	State    State                  // "" if there is none
	Files    []bump.File            // against the base, with what is there already and what was refused
	Problem  *fault.Error           // why it is held or declined
	Warnings []error                // what was asked for besides, and could not be had
}

// Changed reports whether the outcome differs from the base.
func (o *Outcome) Changed() bool { return (&bump.Plan{Files: o.Files}).Changed() }

// Result is what a run came to.
type Result struct {
	*Draft   // as on the base
	Base     string
	Outcomes []Outcome
	Pushed   string // the SHA of the commit on the base, with Push
}

// remember adds what earlier tries of the run wrote, where the last one did not
// come to it.
func (r *Result) remember(done map[string]Outcome, pushed string) {
	if r == nil {
		return
	}
	r.Pushed = pushed
	for _, branch := range slices.Sorted(maps.Keys(done)) {
		if !slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Branch == branch }) {
			r.Outcomes = append(r.Outcomes, done[branch])
		}
	}
}

// Wrote reports whether the run wrote anything.
func (r *Result) Wrote() bool {
	return r.Pushed != "" || slices.ContainsFunc(r.Outcomes, func(o Outcome) bool {
		return o.Commit != "" || o.State == Opened || o.State == Updated || o.State == Closing
	})
}
