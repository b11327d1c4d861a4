package promote

import (
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/freeze"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/image"
)

// Answer is what somebody was asked. The zero value is no answer, and opens
// nothing.
type Answer int

// The answers.
const (
	NoAnswer Answer = iota
	Yes
	No
)

// Step is what a verdict is asked for. Each step is judged when its time has
// come, by the facts of that time.
type Step int

// The steps.
const (
	Opening Step = iota // a pull request with the move, or bringing one up to date
	Merging             // that pull request, or a commit without one
)

// Facts are all that a verdict is made of. One app enters one environment.
type Facts struct {
	Step       Step
	Now        time.Time
	Env        string // the target
	IsRollBack bool
	From, To   Versions // what the target holds, and what it is to hold

	// By is who asks, "" for a rule such as auto, and Reason what they give for
	// it, if anything; May is whether they are allowed to, which takes one of
	// Needs.
	By     string
	Reason string
	May    Answer
	Needs  []string
	// Force asks to pass gates that would open later, nil not to.
	Force *Force
	// Holds are those in force on the app in the target, merged ones and those
	// in open towpath pull requests.
	Holds []Hold
	// Ancestry is what the source commits say where the tags of an image do not:
	// Upgrade if the new one's descends from the old one's.
	Ancestry map[image.Repository]Direction
	// Freezes are those of the target.
	Freezes freeze.Calendar
	// Before holds the environments that the target comes after.
	Before []Standing
	// Rules are the target's.
	Rules     Rules
	Approvals []Approval
	// SourceAuthors wrote the source pull request, CommitAuthors the commits
	// that it brings.
	SourceAuthors, CommitAuthors []string
	// UnknownAuthors are those of them whose login is not known, in words for
	// people, such as what a commit calls them. Nobody can be told apart from
	// them.
	UnknownAuthors []string
}

// Rules are the gates that an environment asks for; the zero value asks for
// none but those that always stand.
type Rules struct {
	Healthy        bool
	Soak           time.Duration
	Checks         []string // names of checks on the source's merge commit
	Approvals      ApprovalRule
	AllowDowngrade bool
	Skip           []Gate // what a roll-back leaves out: freeze, healthy, soak, checks or approvals
}

// Force is a request to pass the gates that only wait: freeze, healthy, soak and
// checks. It needs a right of its own and a reason. Permission, holds, the order
// of versions and environments, and approvals are not passed by force.
type Force struct {
	By     string
	May    Answer
	Reason string
}

// Hold keeps an app where it is in one environment.
type Hold struct {
	hold.Hold
	// PullRequest is the open towpath pull request that it stands in, such as
	// "#7"; empty if it is merged.
	PullRequest string
}

// Gate is a rule that stands before an environment.
type Gate string

// The gates, in the order in which they are judged and shown.
const (
	GatePermission Gate = "permission"
	GateHold       Gate = "hold"
	GateDowngrade  Gate = "downgrade"
	GateFreeze     Gate = "freeze"
	GateAfter      Gate = "after"
	GateHealthy    Gate = "healthy"
	GateSoak       Gate = "soak"
	GateChecks     Gate = "checks"
	GateApprovals  Gate = "approvals"
)

// waiting are the gates that may open by themselves, or by what somebody does
// about them. The others are refusals while they are shut.
var waiting = []Gate{GateFreeze, GateHealthy, GateSoak, GateChecks, GateApprovals}

// forcible are the gates that force opens, skippable those that a roll-back may
// leave out.
var (
	forcible  = []Gate{GateFreeze, GateHealthy, GateSoak, GateChecks}
	skippable = waiting
)

// State is how a gate stands. The zero value is Unknown, and as shut as Closed.
type State int

// The states of a gate.
const (
	Unknown State = iota
	Closed
	Open
	Forced  // shut, and passed by force
	Skipped // left out by a roll-back
)

// String returns the word.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case Forced:
		return "forced"
	case Skipped:
		return "skipped"
	}
	return "unknown"
}

// Passes reports whether the gate lets a move through.
func (s State) Passes() bool { return s == Open || s == Forced || s == Skipped }

// Finding is the judgement of one gate.
type Finding struct {
	Gate   Gate
	State  State
	Reason string    // one line
	Opens  time.Time // when it opens by itself, zero if that is not known
}

// Outcome is what follows from a verdict. The zero value is Refused.
type Outcome int

// The outcomes.
const (
	Refused Outcome = iota // a gate is shut that does not open by itself
	Pending                // the gates that stop the step may open; judge again
	Ready                  // no gate stops the step
	Nothing                // the target is there already
)

// Verdict is the judgement of a move for one step. It holds for the facts' time
// only: what could be opened is judged again just before merging.
type Verdict struct {
	Step     Step
	Outcome  Outcome
	Moves    []Move    // with their direction by all that is known
	Findings []Finding // of every gate, in their order
	// Opens is when a pending verdict can become ready, zero if that is not
	// known.
	Opens time.Time
	// Force is who forced a gate and why, nil if none was.
	Force *Force
	// Trail is what the commit says of who asked and why; force stands in it,
	// with the gates that it passed. Source and Run are for callers to add.
	Trail audit.Trail
}

// MayOpen reports whether a pull request with the moves may be opened, or
// brought up to date. Every gate stops that but the approvals, which are given
// to the pull request.
func (v Verdict) MayOpen() bool { return v.Step == Opening && v.Outcome == Ready }

// MayMerge reports whether the moves may be merged now. Every gate stops that,
// and a verdict for opening never allows it.
func (v Verdict) MayMerge() bool { return v.Step == Merging && v.Outcome == Ready }

// Judge judges every gate, also behind one that is shut.
func Judge(f Facts) Verdict {
	v := Verdict{Step: f.Step, Moves: Moves(f.From, f.To)}
	for i := range v.Moves {
		v.Moves[i].Direction = f.direction(v.Moves[i])
	}
	for _, g := range []struct {
		gate  Gate
		judge func() Finding
	}{
		{GatePermission, f.permission},
		{GateHold, f.holds},
		{GateDowngrade, func() Finding { return f.downgrade(v.Moves) }},
		{GateFreeze, f.freeze},
		{GateAfter, f.after},
		{GateHealthy, f.healthy},
		{GateSoak, f.soak},
		{GateChecks, f.checks},
		{GateApprovals, f.approvals},
	} {
		found := g.judge()
		found.Gate = g.gate
		switch {
		case found.State.Passes():
		case f.skips(g.gate):
			found = Finding{Gate: g.gate, State: Skipped, Reason: found.Reason + "; a roll-back leaves it out"}
		case f.forces(g.gate):
			found = Finding{Gate: g.gate, State: Forced, Reason: found.Reason + "; forced by " + f.Force.By + ": " + f.Force.Reason}
			v.Force = f.Force
		}
		v.Findings = append(v.Findings, found)
	}
	if v.Outcome = v.outcome(); len(f.To) == 0 {
		v.Outcome = Refused
	}
	if v.Outcome == Pending {
		v.Opens = v.opens(f)
	}
	v.Trail = v.trail(f)
	return v
}

// stops reports whether what was found of a gate keeps the step from being
// taken.
func (v Verdict) stops(found Finding) bool {
	if v.Step == Opening && found.Gate == GateApprovals {
		return false
	}
	return !found.State.Passes()
}

func (v Verdict) outcome() Outcome {
	if len(v.Moves) == 0 {
		return Nothing
	}
	out := Ready
	for _, found := range v.Findings {
		switch {
		case !v.stops(found):
		case slices.Contains(waiting, found.Gate):
			out = Pending
		default:
			return Refused
		}
	}
	return out
}

// opens returns when the last of the gates that stop the step opens.
func (v Verdict) opens(f Facts) time.Time {
	var t time.Time
	for _, found := range v.Findings {
		switch {
		case !v.stops(found):
		case found.Opens.IsZero():
			return time.Time{}
		case found.Opens.After(t):
			t = found.Opens
		}
	}
	// A freeze that is not yet in force can be by then.
	if s := f.Freezes.State(t); s.Frozen && !f.skips(GateFreeze) && !f.forces(GateFreeze) {
		return s.Opens
	}
	return t
}

func (v Verdict) trail(f Facts) audit.Trail {
	out := audit.Trail{RequestedBy: f.By, Reason: f.Reason}
	if v.Force == nil {
		return out
	}
	var passed []string
	for _, found := range v.Findings {
		if found.State == Forced {
			passed = append(passed, string(found.Gate))
		}
	}
	out.Reason = "forced past " + list(passed, "and") + " by " + v.Force.By + ": " + v.Force.Reason
	return out
}

func (f Facts) skips(g Gate) bool {
	return f.IsRollBack && slices.Contains(skippable, g) && slices.Contains(f.Rules.Skip, g)
}

func (f Facts) forces(g Gate) bool {
	return f.Force != nil && f.Force.May == Yes && strings.TrimSpace(f.Force.Reason) != "" && slices.Contains(forcible, g)
}
