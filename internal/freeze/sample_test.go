package freeze

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// sampled is a zone's wall clock, read once a minute.
type sampled struct {
	start time.Time
	shown []time.Time // naive
}

func sample(zone *time.Location, start time.Time, days int) sampled {
	s := sampled{start: start}
	for minute := range days * 24 * 60 {
		t := start.Add(time.Duration(minute) * time.Minute).In(zone)
		s.shown = append(s.shown, time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC))
	}
	return s
}

// freeze marks the minutes from the first that shows from or later until the
// last that shows to, or the first after it where the clock skips to.
func (s sampled) freeze(frozen []bool, from, to time.Time) {
	first, last := s.near(from, -1), s.near(to, -1)
	for first < len(s.shown) && s.shown[first].Before(from) {
		first++
	}
	end := s.near(to, 1)
	for i := last; i < end; i++ {
		if s.shown[i].Before(to) {
			last = i + 1
		} else if s.shown[i].Equal(to) {
			last = i
		}
	}
	for i := first; i < last; i++ {
		frozen[i] = true
	}
}

// near returns a minute that is surely before or behind all that show n: no
// clock here jumps by more than a day.
func (s sampled) near(n time.Time, sign int) int {
	i := int(n.Sub(s.shown[0])/time.Minute) + sign*25*60
	return max(0, min(i, len(s.shown)))
}

// TestStateAgreesWithSampling compares State with a clock that is read minute
// by minute across the changes of several zones, and with the starts that the
// library of the cron gives.
func TestStateAgreesWithSampling(t *testing.T) {
	t.Parallel()
	crons := []string{
		"0 17 * * FRI", "@daily", "30 1 * * *", "15 2 * * *", "0 */3 * * *", "* 1-2 * * *", "*/2 2 * * SUN",
		"0 0 1-7 * MON", "59 23 * * *", "0 12 * * 1-5", "45 1,2 * * *", "5-55/10 * * * SAT,SUN",
	}
	lengths := []time.Duration{time.Minute, 20 * time.Minute, time.Hour, 90 * time.Minute, 3 * time.Hour, 24 * time.Hour, 63 * time.Hour}
	const days, lead = 14, 4 // the change is on a day in the middle; a freeze of 63h may have begun before
	for _, change := range []struct{ zone, start string }{
		{"Europe/London", "2026-03-24T00:00:00Z"},
		{"Europe/London", "2026-10-20T00:00:00Z"},
		{"America/New_York", "2026-03-03T00:00:00Z"},
		{"America/New_York", "2026-10-27T00:00:00Z"},
		{"Australia/Lord_Howe", "2026-03-31T00:00:00Z"},
		{"Australia/Lord_Howe", "2026-09-29T00:00:00Z"},
		{"Asia/Kolkata", "2026-06-01T00:00:00Z"},
		{"Pacific/Apia", "2011-12-25T00:00:00Z"},
		{"America/Sao_Paulo", "2018-10-30T00:00:00Z"},
	} {
		t.Run(change.zone+" "+change.start[:7], func(t *testing.T) {
			t.Parallel()
			zone, start := zoneOf(t, change.zone), at(t, change.start)
			clock := sample(zone, start, days)
			random := rand.New(rand.NewPCG(1, uint64(start.Unix())))
			for range 4 {
				var calendar Calendar
				var by [][]bool
				for range 1 + random.IntN(2) {
					spec, length := crons[random.IntN(len(crons))], lengths[random.IntN(len(lengths))]
					frozen := make([]bool, len(clock.shown))
					schedule, err := cron.ParseStandard(spec)
					if err != nil {
						t.Fatal(err)
					}
					end := clock.shown[len(clock.shown)-1]
					for n := schedule.Next(clock.shown[0].Add(-time.Minute)); !n.After(end); n = schedule.Next(n) {
						clock.freeze(frozen, n, n.Add(length))
					}
					calendar = append(calendar, Named{spec + " for " + length.String(), recurring(t, spec, length, change.zone)})
					by = append(by, frozen)
				}
				frozen := make([]bool, len(clock.shown))
				for i := range frozen {
					frozen[i] = slices.ContainsFunc(by, func(b []bool) bool { return b[i] })
				}
				for i := lead * 24 * 60; i < len(frozen); i++ {
					// Where it turns is what matters; between, a few will do.
					if turns := i+1 < len(frozen) && (frozen[i] != frozen[i-1] || frozen[i] != frozen[i+1]); turns || random.IntN(240) == 0 {
						checkSample(t, calendar, clock, frozen, i)
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

func checkSample(t *testing.T, calendar Calendar, clock sampled, frozen []bool, i int) {
	t.Helper()
	minute := func(i int) time.Time { return clock.start.Add(time.Duration(i) * time.Minute) }
	// turn returns the first minute from i on that is frozen or not, zero if it
	// is not in the sample.
	turn := func(i int, want bool) (int, time.Time) {
		j := slices.Index(frozen[i:], want)
		if j < 0 {
			return len(frozen), time.Time{}
		}
		return i + j, minute(i + j)
	}
	state := calendar.State(minute(i))
	names := func() (out []string) {
		for _, n := range calendar {
			out = append(out, n.Name)
		}
		return out
	}
	var closes, opens time.Time
	if frozen[i] {
		var j int
		j, opens = turn(i, false)
		_, closes = turn(j, true)
	} else {
		var j int
		j, closes = turn(i, true)
		_, opens = turn(j, false)
	}
	last := minute(len(frozen))
	agrees := func(got, want time.Time) bool {
		return got.Equal(want) || want.IsZero() && (got.IsZero() || !got.Before(last))
	}
	if state.Frozen != frozen[i] || len(state.By) > 0 != frozen[i] || !agrees(state.Closes, closes) || !agrees(state.Opens, opens) {
		t.Errorf("%q at %s: got %+v; sampled frozen %t, closes %s, opens %s", names(), minute(i).In(calendar[0].Window.zone), state, frozen[i], closes, opens)
	}
	if got := calendar[0].Window.At(minute(i)); got != slices.Contains(state.By, calendar[0].Name) {
		t.Errorf("%q at %s: in force is %t, by %q", names(), minute(i), got, state.By)
	}
}
