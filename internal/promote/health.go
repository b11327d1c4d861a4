package promote

import (
	"slices"
	"time"
)

// Health is whether an environment was well. The zero value is not known.
type Health int

// The states of health.
const (
	HealthUnknown Health = iota
	Healthy
	Unhealthy
)

// Observation is what was seen at a time.
type Observation struct {
	At     time.Time
	Health Health
}

// health returns the last health that was seen of the versions, and since when:
// if Healthy, since it was first seen so, or so again; if HealthUnknown, since
// it was last seen Unhealthy, or else since the merge.
func (t tenure) health() (h Health, since time.Time) {
	// What was seen before or behind is of other versions.
	seen := slices.DeleteFunc(slices.Clone(t.Health), func(o Observation) bool {
		return o.At.Before(t.Merged) || !t.until.IsZero() && !o.At.Before(t.until)
	})
	slices.SortStableFunc(seen, func(a, b Observation) int { return a.At.Compare(b.At) })
	if len(seen) > 0 {
		h = seen[len(seen)-1].Health
	}
	if h != Healthy {
		since = t.Merged
	}
	for _, o := range seen {
		switch {
		case h == Healthy && o.Health == Unhealthy:
			since = time.Time{}
		case h == Healthy && o.Health == Healthy && since.IsZero(), h != Healthy && o.Health == Unhealthy:
			since = o.At
		}
	}
	return h, since
}
