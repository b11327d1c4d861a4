package freeze

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func recurring(t testing.TB, cron string, length time.Duration, zone string) Window {
	t.Helper()
	w, err := Recurring(cron, length, zoneOf(t, zone))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func between(t testing.TB, from, to, zone string) Window {
	t.Helper()
	w, err := Between(from, to, zoneOf(t, zone))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// at reads an instant, "" as the zero time.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// span gives the first freeze that begins after an instant.
func spanAfter(t testing.TB, w Window, s string) (start, end string) {
	t.Helper()
	next := w.next(at(t, s))
	if next.isEmpty() {
		return "", ""
	}
	return next.start.Format(time.RFC3339), next.end.Format(time.RFC3339)
}

// TestWallClockDecides has the windows of DESIGN §5 and what the clocks of the
// world do to them.
func TestWallClockDecides(t *testing.T) {
	t.Parallel()
	const (
		london  = "Europe/London"
		newYork = "America/New_York"
		howe    = "Australia/Lord_Howe"
	)
	for name, test := range map[string]struct {
		window     Window
		after      string
		start, end string
	}{
		"a weekend": {
			window: recurring(t, "0 17 * * FRI", 63*time.Hour, london), after: "2026-06-01T00:00:00Z",
			start: "2026-06-05T17:00:00+01:00", end: "2026-06-08T08:00:00+01:00",
		},
		"a weekend in which clocks go forward is an hour shorter": {
			window: recurring(t, "0 17 * * FRI", 63*time.Hour, london), after: "2026-03-27T00:00:00Z",
			start: "2026-03-27T17:00:00Z", end: "2026-03-30T08:00:00+01:00",
		},
		"a weekend in which clocks go back is an hour longer": {
			window: recurring(t, "0 17 * * FRI", 63*time.Hour, london), after: "2026-10-23T00:00:00Z",
			start: "2026-10-23T17:00:00+01:00", end: "2026-10-26T08:00:00Z",
		},
		"a start in the missing hour is where the clocks jump": {
			window: recurring(t, "30 2 * * *", time.Hour, newYork), after: "2026-03-08T05:00:00Z",
			start: "2026-03-08T03:00:00-04:00", end: "2026-03-08T03:30:00-04:00",
		},
		"an end in the missing hour is where the clocks jump": {
			window: recurring(t, "30 1 * * *", time.Hour, newYork), after: "2026-03-08T05:00:00Z",
			start: "2026-03-08T01:30:00-05:00", end: "2026-03-08T03:00:00-04:00",
		},
		"a freeze inside the missing hour does not come that day": {
			window: recurring(t, "10 2 * * *", 40*time.Minute, newYork), after: "2026-03-08T05:00:00Z",
			start: "2026-03-09T02:10:00-04:00", end: "2026-03-09T02:50:00-04:00",
		},
		"a start in the doubled hour is the first": {
			window: recurring(t, "30 1 * * *", 3*time.Hour, newYork), after: "2026-11-01T04:00:00Z",
			start: "2026-11-01T01:30:00-04:00", end: "2026-11-01T04:30:00-05:00",
		},
		"an end in the doubled hour is the second": {
			window: recurring(t, "0 0 * * *", 90*time.Minute, newYork), after: "2026-10-31T20:00:00Z",
			start: "2026-11-01T00:00:00-04:00", end: "2026-11-01T01:30:00-05:00",
		},
		"an end where the doubled hour begins is its second beginning": {
			window: recurring(t, "0 0 * * *", time.Hour, newYork), after: "2026-10-31T20:00:00Z",
			start: "2026-11-01T00:00:00-04:00", end: "2026-11-01T01:00:00-05:00",
		},
		"a freeze inside the doubled hour spans both": {
			window: recurring(t, "15 1 * * *", 30*time.Minute, newYork), after: "2026-10-31T20:00:00Z",
			start: "2026-11-01T01:15:00-04:00", end: "2026-11-01T01:45:00-05:00",
		},
		"thirty minutes forward": {
			window: recurring(t, "15 2 * * *", 2*time.Hour, howe), after: "2026-10-03T14:00:00Z",
			start: "2026-10-04T02:30:00+11:00", end: "2026-10-04T04:15:00+11:00",
		},
		"thirty minutes back": {
			window: recurring(t, "45 1 * * *", 10*time.Minute, howe), after: "2026-04-04T14:00:00Z",
			start: "2026-04-05T01:45:00+11:00", end: "2026-04-05T01:55:00+10:30",
		},
		"half an hour off": {
			window: recurring(t, "@daily", time.Hour, "Asia/Kolkata"), after: "2026-06-01T00:00:00Z",
			start: "2026-06-02T00:00:00+05:30", end: "2026-06-02T01:00:00+05:30",
		},
		"the 30th of December 2011 was not in Samoa": {
			window: recurring(t, "0 8 30 * *", time.Hour, "Pacific/Apia"), after: "2011-12-01T12:00:00Z",
			start: "2012-01-30T08:00:00+14:00", end: "2012-01-30T09:00:00+14:00",
		},
		"across the missing day": {
			window: recurring(t, "0 8 29 12 *", 48*time.Hour, "Pacific/Apia"), after: "2011-12-01T12:00:00Z",
			start: "2011-12-29T08:00:00-10:00", end: "2011-12-31T08:00:00+14:00",
		},
		"dates": {
			window: between(t, "2026-12-20", "2027-01-03", london), after: "2026-06-01T00:00:00Z",
			start: "2026-12-20T00:00:00Z", end: "2027-01-04T00:00:00Z",
		},
		"a day of 23 hours": {
			window: between(t, "2026-03-29", "2026-03-29", london), after: "2026-03-01T00:00:00Z",
			start: "2026-03-29T00:00:00Z", end: "2026-03-30T00:00:00+01:00",
		},
		"times": {
			window: between(t, "2026-12-20T08:00", "2026-12-21 18:30:15", newYork), after: "2026-03-01T00:00:00Z",
			start: "2026-12-20T08:00:00-05:00", end: "2026-12-21T18:30:15-05:00",
		},
		"times in doubled hours": {
			window: between(t, "2026-11-01T01:30", "2026-11-01T01:31", newYork), after: "2026-03-01T00:00:00Z",
			start: "2026-11-01T01:30:00-04:00", end: "2026-11-01T01:31:00-05:00",
		},
		"a day that is not in the calendar": {
			window: between(t, "2011-12-30", "2011-12-30", "Pacific/Apia"), after: "2011-12-01T00:00:00Z",
		},
		"leap years": {
			window: recurring(t, "0 0 29 2 *", 24*time.Hour, "UTC"), after: "2096-03-01T00:00:00Z",
			start: "2104-02-29T00:00:00Z", end: "2104-03-01T00:00:00Z",
		},
		"over": {window: between(t, "2026-01-01", "2026-01-02", london), after: "2026-01-02T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, end := spanAfter(t, test.window, test.after)
			if start != test.start || end != test.end {
				t.Fatalf("from %s to %s, want from %s to %s", start, end, test.start, test.end)
			}
			if start == "" {
				return
			}
			for instant, want := range map[time.Time]bool{
				at(t, start).Add(-1): false, at(t, start): true,
				at(t, end).Add(-1): true, at(t, end): false,
			} {
				if got := test.window.At(instant); got != want {
					t.Errorf("frozen is %t at %s, want %t", got, instant, want)
				}
			}
		})
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	const zone = "Europe/London"
	weekends := Named{"weekends", recurring(t, "0 17 * * FRI", 63*time.Hour, zone)}
	newYear := Named{"new year", between(t, "2026-12-20", "2027-01-03", zone)}
	type state struct {
		Frozen        bool
		By            []string
		Closes, Opens string
	}
	for name, test := range map[string]struct {
		calendar Calendar
		at       string
		want     state
	}{
		"no freezes": {nil, "2026-06-01T00:00:00Z", state{}},
		"open":       {Calendar{weekends, newYear}, "2026-06-03T12:00:00Z", state{false, nil, "2026-06-05T17:00:00+01:00", "2026-06-08T08:00:00+01:00"}},
		"frozen":     {Calendar{weekends, newYear}, "2026-06-06T12:00:00Z", state{true, []string{"weekends"}, "2026-06-12T17:00:00+01:00", "2026-06-08T08:00:00+01:00"}},
		"at the start": {
			Calendar{weekends},
			"2026-06-05T16:00:00Z",
			state{true, []string{"weekends"}, "2026-06-12T17:00:00+01:00", "2026-06-08T08:00:00+01:00"},
		},
		"at the end": {
			Calendar{weekends},
			"2026-06-08T07:00:00Z",
			state{false, nil, "2026-06-12T17:00:00+01:00", "2026-06-15T08:00:00+01:00"},
		},
		"deny wins: one of two is enough": {
			Calendar{weekends, newYear},
			"2026-12-23T12:00:00Z",
			state{true, []string{"new year"}, "2027-01-08T17:00:00Z", "2027-01-04T08:00:00Z"},
		},
		"deny wins: both are named, and merged": {
			Calendar{newYear, weekends},
			"2027-01-01T18:00:00Z",
			state{true, []string{"new year", "weekends"}, "2027-01-08T17:00:00Z", "2027-01-04T08:00:00Z"},
		},
		"what is to come is merged too": {
			Calendar{newYear, weekends},
			"2026-12-18T12:00:00Z",
			state{false, nil, "2026-12-18T17:00:00Z", "2027-01-04T08:00:00Z"},
		},
		"adjoining freezes are one": {
			Calendar{
				{"day", recurring(t, "0 8 * * MON", 4*time.Hour, "UTC")},
				{"rest", recurring(t, "0 12 * * MON", 4*time.Hour, "UTC")},
			},
			"2026-06-01T09:00:00Z",
			state{true, []string{"day"}, "2026-06-08T08:00:00Z", "2026-06-01T16:00:00Z"},
		},
		"a freeze overlaps itself": {
			Calendar{{"hours", recurring(t, "0 8-17 * * MON-FRI", 3*time.Hour, "UTC")}},
			"2026-06-01T09:30:00Z",
			state{true, []string{"hours"}, "2026-06-02T08:00:00Z", "2026-06-01T20:00:00Z"},
		},
		"a freeze overlaps itself overnight": {
			Calendar{{"nights", recurring(t, "0 6,18 * * MON-WED", 12*time.Hour, "UTC")}},
			"2026-06-01T09:30:00Z",
			state{true, []string{"nights"}, "2026-06-08T06:00:00Z", "2026-06-04T06:00:00Z"},
		},
		"every minute of an hour": {
			Calendar{{"m", recurring(t, "* 8 * * *", time.Hour, "UTC")}},
			"2026-06-01T08:30:00Z",
			state{true, []string{"m"}, "2026-06-02T08:00:00Z", "2026-06-01T09:59:00Z"},
		},
		"every second minute": {
			Calendar{{"m", recurring(t, "*/2 * * * *", time.Minute, "UTC")}},
			"2026-06-01T08:31:00Z",
			state{false, nil, "2026-06-01T08:32:00Z", "2026-06-01T08:33:00Z"},
		},
		"no known end: all day, every day":       {Calendar{{"d", recurring(t, "@daily", 24*time.Hour, zone)}}, "2026-06-01T08:30:00Z", state{true, []string{"d"}, "", ""}},
		"no known end: all minutes":              {Calendar{{"m", recurring(t, "* * * * *", time.Minute, zone)}}, "2026-06-01T08:30:00Z", state{true, []string{"m"}, "", ""}},
		"no known end: two that take turns":      {Calendar{{"a", recurring(t, "*/2 * * * *", time.Minute, zone)}, {"b", recurring(t, "1-59/2 * * * *", time.Minute, zone)}}, "2026-06-01T08:31:00Z", state{true, []string{"b"}, "", ""}},
		"no known end: longer than its interval": {Calendar{{"y", recurring(t, "@monthly", 400*24*time.Hour, zone)}}, "2026-06-01T08:30:00Z", state{true, []string{"y"}, "", ""}},
		"a known end far away": {
			Calendar{{"decade", between(t, "2026-01-01", "2035-12-31", "UTC")}, {"day", recurring(t, "@yearly", 36*time.Hour, "UTC")}},
			"2027-01-01T12:00:00Z",
			state{true, []string{"decade", "day"}, "2037-01-01T00:00:00Z", "2036-01-02T12:00:00Z"},
		},
		"ended for ever": {Calendar{newYear}, "2027-01-04T00:00:00Z", state{}},
		"the last":       {Calendar{newYear}, "2027-01-03T23:59:59Z", state{true, []string{"new year"}, "", "2027-01-04T00:00:00Z"}},
		"the zero window": {
			Calendar{{"none", Window{}}}, "2026-06-01T08:30:00Z", state{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := State{test.want.Frozen, test.want.By, at(t, test.want.Closes), at(t, test.want.Opens)}
			if diff := cmp.Diff(want, test.calendar.State(at(t, test.at))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTimesAreInTheZoneOfTheFreeze lets a person read the opening off their own
// clock, whichever zone the question was asked in.
func TestTimesAreInTheZoneOfTheFreeze(t *testing.T) {
	t.Parallel()
	c := Calendar{{"weekends", recurring(t, "0 17 * * FRI", 63*time.Hour, "America/New_York")}}
	s := c.State(at(t, "2026-06-06T12:00:00Z"))
	if got, want := s.Opens.Format("Mon 15:04 MST"), "Mon 08:00 EDT"; got != want {
		t.Errorf("opens %s, want %s", got, want)
	}
	if got, want := s.Closes.Format("Mon 15:04 MST"), "Fri 17:00 EDT"; got != want {
		t.Errorf("closes %s, want %s", got, want)
	}
}

func BenchmarkState(b *testing.B) {
	moment := at(b, "2026-06-03T12:00:00Z")
	for _, test := range []struct {
		name     string
		calendar Calendar
	}{
		{"usual", Calendar{
			{"weekends", recurring(b, "0 17 * * FRI", 63*time.Hour, "Europe/London")},
			{"new year", between(b, "2026-12-20", "2027-01-03", "Europe/London")},
		}},
		{"endless", Calendar{{"daily", recurring(b, "@daily", 24*time.Hour, "Europe/London")}}},
		{"turns", Calendar{
			{"even", recurring(b, "*/2 * * * *", time.Minute, "Europe/London")},
			{"odd", recurring(b, "1-59/2 * * * *", time.Minute, "Europe/London")},
		}},
		{"leap years", Calendar{{"leap", recurring(b, "0 0 29 2 *", time.Hour, "Europe/London")}}},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				test.calendar.State(moment)
			}
		})
	}
}
