package promote

import (
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/hold"
)

// RollBack is an app that goes back in one environment.
type RollBack struct {
	App, Env string
	From, To Versions // what stands there, and the state to return to, such as [History.Previous]
	Hold     bool     // whether the app is held there afterwards
	// By is who asks, Reason what they give for it, and At when; all of them
	// are for the hold, and may be zero.
	By, Reason string
	At         time.Time
}

// Change is what the pull request of a roll-back changes, all of it at once.
// The zero value changes nothing.
type Change struct {
	Moves []Move
	// HoldPath is the file that holds the app there, and HoldFile its contents;
	// they are empty if it is not to be held.
	HoldPath string
	HoldFile []byte
}

// Change returns what the roll-back consists of: the moves back and, where the
// app is to be held, the hold that keeps it there, in place of one that the file
// may have now. If nothing moves, nothing is held either.
//
// An error is a [fault.Error]: no file can hold an app of that name, and without
// one the roll-back would be undone.
func (r RollBack) Change() (Change, error) {
	c := Change{Moves: Moves(r.From, r.To)}
	if len(c.Moves) == 0 || !r.Hold {
		return c, nil
	}
	if c.HoldPath = hold.Path(r.Env, r.App); c.HoldPath == "" {
		return Change{}, fault.New(fault.Refused, "set rollback.hold to false, or rename the app",
			"no hold file can be named after app %q in environment %q", r.App, r.Env)
	}
	left := Versions{}
	for _, m := range c.Moves {
		if m.From != (Version{}) {
			left[m.Image] = m.From
		}
	}
	reason := "rolled back"
	if len(left) > 0 {
		reason += " from " + left.String()
	}
	if r.Reason != "" {
		reason += ": " + r.Reason
	}
	h := hold.Hold{Reason: reason, By: r.By, Since: r.At, Version: r.To.String()}
	c.HoldFile = h.Format()
	return c, nil
}
