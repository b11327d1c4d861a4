package promote

import (
	"slices"
	"time"
)

// Entry is one state of an app in one environment.
type Entry struct {
	Versions Versions
	// Merged is when the base branch got it, Commit the merge commit.
	Merged time.Time
	Commit string
	// IsRollBack says that it was reached by going back, be it by a roll-back
	// or by a revert.
	IsRollBack bool
	// Health is what was seen of the environment while it stood there.
	Health []Observation
	// Checks are those of the merge commit, by their name.
	Checks map[string]Check
}

// Check is how a check of a commit stands. The zero value is a check that the
// commit does not have, or that could not be asked for.
type Check int

// The states of a check.
const (
	CheckMissing Check = iota
	CheckRunning
	CheckFailed
	CheckPassed
)

// History is the states of an app in an environment, the newest first. Its
// first entry is the present one; an empty history is an app that is not
// deployed.
type History []Entry

// Present returns the versions that stand there now, nil if none do.
func (h History) Present() Versions {
	if len(h) == 0 {
		return nil
	}
	return h[0].Versions
}

// Previous returns what a roll-back returns to: the state before the present one
// in the same environment, not the version before it. What was rolled back from
// is passed over, unless it was promoted again later. ok is false if the history
// shows no such state.
func (h History) Previous() (previous Entry, ok bool) {
	standing := h.standing()
	if len(standing) < 2 {
		return Entry{}, false
	}
	return standing[len(standing)-2], true
}

// standing returns the states that no roll-back undid, the oldest first.
func (h History) standing() []Entry {
	var out []Entry
	for _, e := range h.states() {
		if e.IsRollBack {
			// Where it went back to is not in sight, it was past everything.
			out = out[:max(0, last(out, e.Versions.isSame))]
		}
		out = append(out, e)
	}
	return out
}

// states returns the history with the oldest first, as one where the files
// changed and the versions did not.
func (h History) states() []Entry {
	var out []Entry
	for i := len(h) - 1; i >= 0; i-- {
		if n := len(out); n > 0 && out[n-1].Versions.isSame(h[i].Versions) {
			out[n-1].Health = slices.Concat(out[n-1].Health, h[i].Health)
			continue
		}
		out = append(out, h[i])
	}
	return out
}

// tenure is the time for which an environment stood at some versions.
type tenure struct {
	Entry
	until time.Time // zero while it still does
}

// tenure returns the last time that the environment stood at the versions, ok
// false if it never did or a roll-back undid it.
func (h History) tenure(v Versions) (t tenure, ok bool) {
	return find(h.standing(), v)
}

// anyTenure is [History.tenure], roll-backs or not.
func (h History) anyTenure(v Versions) (t tenure, ok bool) {
	return find(h.states(), v)
}

// age returns how many states came before the first that had the versions, ok
// false if none had.
func (h History) age(v Versions) (age int, ok bool) {
	age = slices.IndexFunc(h.states(), func(e Entry) bool { return v.agrees(e.Versions) })
	return age, age >= 0
}

func find(entries []Entry, v Versions) (t tenure, ok bool) {
	i := last(entries, v.agrees)
	if i < 0 {
		return tenure{}, false
	}
	t.Entry = entries[i]
	if i+1 < len(entries) {
		t.until = entries[i+1].Merged
	}
	return t, true
}

// last returns the index of the last entry whose versions are accepted, -1 if
// none are.
func last(entries []Entry, accepts func(Versions) bool) int {
	for i := len(entries) - 1; i >= 0; i-- {
		if accepts(entries[i].Versions) {
			return i
		}
	}
	return -1
}
