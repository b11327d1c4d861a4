package freeze

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// LoadZone returns the time zone of a name in the IANA database, such as
// Europe/London, or UTC. A zone that would depend on the machine ("", Local) is
// refused.
func LoadZone(name string) (*time.Location, error) {
	const example = "write the name of a place in the IANA database, as in Europe/London"
	switch {
	case name == "":
		return nil, errors.New("no time zone: " + example)
	case name == "Local", name == "localtime", name == "posixrules", name == "Factory",
		// These count leap seconds, or are there on some machines only.
		strings.HasPrefix(name, "right/"), strings.HasPrefix(name, "posix/"):
		return nil, fmt.Errorf("time zone %q depends on the machine: %s", name, example)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q: %s", name, example)
	}
	return zone, nil
}

// A naive time is what a clock on the wall shows, written as if it were UTC. All
// arithmetic is done on naive times, where each day has 24 hours; only the
// result becomes an instant. The clock jumps when the offset of its zone
// changes, so a naive time can stand for no instant or for several.

// far is longer than any clock has ever jumped or been away from UTC.
const far = 48 * time.Hour

// era is a stretch of time in which a zone keeps its offset.
type era struct {
	start, end time.Time // end is excluded
	offset     time.Duration
}

// eras yields the eras of a zone that reach into from…to, in their order.
func eras(zone *time.Location, from, to time.Time) []era {
	var out []era
	for t := from; !t.After(to); {
		_, seconds := t.In(zone).Zone()
		start, end := t.In(zone).ZoneBounds()
		// Beyond what is asked for, the bounds do not matter.
		if start.IsZero() || start.After(t) {
			start = from.Add(-far)
		}
		if end.IsZero() || !end.After(t) {
			end = to.Add(far)
		}
		out = append(out, era{start, end, time.Duration(seconds) * time.Second})
		t = end
	}
	return out
}

// started returns the first instant at which the clock shows n or later: where
// the clock shows n twice, the first; where it jumps over n, the jump.
func started(zone *time.Location, n time.Time) time.Time {
	for _, e := range eras(zone, n.Add(-far), n.Add(far)) {
		if t := n.Add(-e.offset); t.Before(e.end) {
			return later(e.start, t).In(zone)
		}
	}
	return n.In(zone) // not reached: far is longer than any offset
}

// ended returns the last instant at which the clock shows n or has not yet
// reached it: where the clock shows n twice, the second; where it jumps over n,
// the jump.
func ended(zone *time.Location, n time.Time) time.Time {
	out := n
	for _, e := range eras(zone, n.Add(-far), n.Add(far)) {
		if t := n.Add(-e.offset); !t.Before(e.start) {
			out = earlier(e.end, t)
		}
	}
	return out.In(zone)
}

// reached returns the latest naive time that the clock has shown by t. It is
// ahead of what the clock shows where that was put back.
func reached(zone *time.Location, t time.Time) time.Time {
	var out time.Time
	for i, e := range eras(zone, t.Add(-far), t) {
		// An era does not hold the instant at which it ends.
		last := earlier(t, e.end.Add(-time.Nanosecond))
		if n := last.Add(e.offset).UTC(); i == 0 || n.After(out) {
			out = n
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
