// Package freeze owns when a freeze is in force: windows that come back by a
// cron or stand between two dates, read off the wall clock of a time zone.
//
// It refuses to read the clock, to guess a time zone, and to know what a freeze
// stops: callers pass the time and draw the conclusion.
package freeze

import "time"

// Named is a window with the name of its freeze.
type Named struct {
	Name   string
	Window Window
}

// Calendar is the freezes that concern one environment. The zero value never
// freezes. Where several are in force, one is enough: deny wins.
type Calendar []Named

// State is what a calendar says of an instant. Times are in the zone of the
// freeze that they come from.
type State struct {
	// Frozen reports whether a freeze is in force.
	Frozen bool
	// By names the freezes in force, in the calendar's order; nil if none is.
	By []string
	// Closes is when the next freeze begins: after the present one has ended
	// where one is in force. Zero means that none is known to come.
	Closes time.Time
	// Opens is when the present freeze ends or, where none is in force, the
	// one that begins at Closes. Freezes that overlap or follow each other
	// without a gap are one. Zero means that there is no freeze, or that it has
	// no known end: none was found within about two years.
	Opens time.Time
}

const (
	horizon  = 2 * 366 * 24 * time.Hour
	patience = 2_000 // spans that are merged before the end counts as unknown
)

// State judges the calendar at t.
func (c Calendar) State(t time.Time) State {
	var s State
	for _, n := range c {
		if n.Window.At(t) {
			s.By = append(s.By, n.Name)
		}
	}
	s.Frozen = len(s.By) > 0
	if s.Frozen {
		if s.Opens = c.end(t); !s.Opens.IsZero() {
			s.Closes = c.next(s.Opens)
		}
		return s
	}
	if s.Closes = c.next(t); !s.Closes.IsZero() {
		s.Opens = c.end(s.Closes)
	}
	return s
}

// next returns the first start of a freeze after t, zero if there is none.
func (c Calendar) next(t time.Time) time.Time {
	var first time.Time
	for _, n := range c {
		if s := n.Window.next(t); !s.isEmpty() && (first.IsZero() || s.start.Before(first)) {
			first = s.start
		}
	}
	return first
}

// end returns when the calendar is next open, t being frozen; zero if that is
// not known.
func (c Calendar) end(t time.Time) time.Time {
	end := t
	for range patience {
		isLate := end.Sub(t) > horizon
		isLonger := false
		for _, n := range c {
			if s := n.Window.latest(end); s.end.After(end) {
				end, isLonger = s.end, true
			}
		}
		if !isLonger {
			return end
		}
		if isLate {
			break
		}
	}
	return time.Time{}
}
