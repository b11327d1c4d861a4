package freeze

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestTimezoneIsRequired(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "localtime", "Europe/Londn", "right/Europe/London", "../etc/passwd", "UTC+1", "Europe/London\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := LoadZone(name)
			if err == nil {
				t.Fatalf("loaded %s", zone)
			}
			if !strings.Contains(err.Error(), "as in Europe/London") {
				t.Errorf("%q does not say what to write", err)
			}
		})
	}
	for _, name := range []string{"UTC", "Europe/London", "America/Argentina/Buenos_Aires", "Asia/Kolkata"} {
		if zone, err := LoadZone(name); err != nil || zone.String() != name {
			t.Errorf("load %s: %v, %v", name, zone, err)
		}
	}
	if _, err := Recurring("@daily", time.Hour, nil); err == nil || !strings.Contains(err.Error(), "time zone") {
		t.Errorf("a cron without time zone: %v", err)
	}
	if _, err := Between("2026-12-20", "2026-12-20", nil); err == nil || !strings.Contains(err.Error(), "time zone") {
		t.Errorf("dates without time zone: %v", err)
	}
}

func TestRecurringRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cron   string
		length time.Duration
		want   string // in the error
	}{
		"empty":                   {"", time.Hour, "write five"},
		"four fields":             {"0 17 * *", time.Hour, "it has 4 fields"},
		"seconds":                 {"0 0 17 * * FRI", time.Hour, "it has 6 fields"},
		"minute":                  {"60 17 * * *", time.Hour, `"60" is no minute: write 0 to 59`},
		"hour":                    {"0 24 * * *", time.Hour, `"24" is no hour: write 0 to 23`},
		"day":                     {"0 17 0 * *", time.Hour, `"0" is no day of month: write 1 to 31`},
		"month":                   {"0 17 * 13 *", time.Hour, `"13" is no month`},
		"a week has seven days":   {"0 17 * * 8", time.Hour, `"8" is no day of week: write 0 to 7 (0 and 7 are Sunday) or SUN to SAT`},
		"a step from Sunday":      {"0 17 * * 7/2", time.Hour, `"7/2" is no day of week`},
		"no step of weekdays":     {"0 17 * * FRI-MON/0", time.Hour, `"FRI-MON/0" is no day of week`},
		"a long name":             {"0 17 * * FRIDAY", time.Hour, `"FRIDAY" is no day of week`},
		"a name elsewhere":        {"0 17 * FRI *", time.Hour, `"FRI" is no month`},
		"range backward":          {"0 17 20-5 * *", time.Hour, `"20-5" is no day of month: write 1 to 31, a range from low to high`},
		"empty in a list":         {"0 17,,18 * * *", time.Hour, `"17,,18" is no hour`},
		"comma":                   {", 17 * * *", time.Hour, `"," is no minute`},
		"no step":                 {"*/0 17 * * *", time.Hour, `"*/0" is no minute`},
		"star with a range":       {"*-5 17 * * *", time.Hour, `"*-5" is no minute`},
		"sign":                    {"+5 17 * * *", time.Hour, `"+5" is no minute`},
		"every":                   {"@every 1h", time.Hour, "@every has no start"},
		"unknown name":            {"@fortnightly", time.Hour, "write @yearly"},
		"time zone":               {"TZ=Europe/London 0 17 * * FRI", time.Hour, "the time zone of the freeze decides"},
		"time zone without rest":  {"CRON_TZ=UTC", time.Hour, "the time zone of the freeze decides"},
		"time zone elsewhere":     {"0 TZ=UTC * * FRI", time.Hour, `"TZ=UTC" is no hour`},
		"never":                   {"0 0 31 2 *", time.Hour, "it never comes"},
		"never in short months":   {"0 0 31 4,6,9,11 *", time.Hour, "it never comes"},
		"length zero":             {"@daily", 0, "write how long it is, as in 63h"},
		"length below zero":       {"@daily", -time.Hour, "cannot last -1h0m0s"},
		"a Friday that is no day": {"0 0 31 2 ?", time.Hour, "it never comes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Recurring(test.cron, test.length, time.UTC)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestRecurringAllows(t *testing.T) {
	t.Parallel()
	for _, cron := range []string{
		"0 0 29 2 *", "0 0 31 2 MON", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
		"  0  17 * *	fri ", "*/7 1-5/2 1,15 JAN-MAR,jun ?",
	} {
		if _, err := Recurring(cron, time.Hour, time.UTC); err != nil {
			t.Error(err)
		}
	}
}

// TestWeekdays holds each way to write days of the week against those that it
// means, with Sunday as 0.
func TestWeekdays(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"7": "0", "0": "0", "SUN": "0", "0,7": "0", "1-7": "0123456", "0-7": "0123456", "6-7": "06", "5-7": "056", "7-2": "012", "7-7": "0",
		"FRI-MON": "0156", "fri-mon": "0156", "5-1": "0156", "FRI-1": "0156", "SAT-SUN": "06", "MON-SUN": "0123456", "SUN-SUN": "0", "MON-MON": "1",
		"1-7/2": "0135", "FRI-TUE/2": "025", "SAT-MON/7": "6", "MON,7": "01", "FRI-SUN,WED": "0356", "SUN-SAT": "0123456", "*/2": "0246", "*": "0123456", "1-5": "12345",
		"5/1": "56",
	} {
		w, err := Recurring("0 12 * * "+word, time.Hour, time.UTC)
		if err != nil {
			t.Error(err)
			continue
		}
		var got strings.Builder
		for d := range 7 { // 2026-06-07 is a Sunday
			if w.At(time.Date(2026, 6, 7+d, 12, 30, 0, 0, time.UTC)) {
				got.WriteByte(byte('0' + d))
			}
		}
		if got.String() != want {
			t.Errorf("%s: frozen on %s, want %s", word, got.String(), want)
		}
	}
}

func TestBetweenRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ from, to, want string }{
		"backward":           {"2026-12-20", "2026-12-19", "ends before it begins"},
		"nothing":            {"2026-12-20T08:00", "2026-12-20T08:00", "ends before it begins"},
		"until its start":    {"2026-12-20", "2026-12-20T00:00", "ends before it begins"},
		"empty from":         {"", "2026-12-20", "parse from"},
		"empty to":           {"2026-12-20", "", "parse to"},
		"no such day":        {"2026-02-30", "2026-12-20", "write a date or a local time"},
		"one digit":          {"2026-2-3", "2026-12-20", "write a date or a local time"},
		"hour of one digit":  {"2026-12-20T8:00", "2026-12-21", "write a date or a local time"},
		"part of a second":   {"2026-12-20T08:00:00.5", "2026-12-21", "write a date or a local time"},
		"the end of the day": {"2026-12-20", "2026-12-20T24:00", "write a date or a local time"},
		"Z":                  {"2026-12-20T08:00Z", "2026-12-21", "the time zone of the freeze decides"},
		"offset":             {"2026-12-20", "2026-12-20T08:00:00+01:00", "the time zone of the freeze decides"},
		"spaced offset":      {"2026-12-20", "2026-12-20 08:00 -0500", "the time zone of the freeze decides"},
		"zone":               {"2026-12-20", "2026-12-20 08:00 Europe/London", "the time zone of the freeze decides"},
		"date with Z":        {"2026-12-20Z", "2026-12-21", "write a date or a local time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Between(test.from, test.to, time.UTC)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// FuzzRecurring wants every cron to be read or refused, and what is read to
// agree with the cron's own library, to come to an end, and to be in order.
func FuzzRecurring(f *testing.F) {
	for _, cron := range []string{
		"0 17 * * FRI", "@daily", "@every 1s", "* * * * *", "*/2 * * * *", "0 0 29 2 *", "0 0 31 2 *", "59 23 31 12 *",
		"TZ=UTC 0 0 * * *", "TZ=", "0 TZ= * * *", "*/18446744073709551615 * * * *", "*/9223372036854775807 * * * *", ",,,, , , , ,", "0 0 * * 7,FRI-MON/2", "0 0 1 * 1-7", "30 1-3 8-14 3,11 ?",
	} {
		f.Add(cron, int64(63*time.Hour), int64(1_775_000_000))
		f.Add(cron, int64(time.Minute), int64(1_761_440_000))
		f.Add(cron, int64(math.MaxInt64), int64(0))
	}
	zone := zoneOf(f, "America/New_York")
	f.Fuzz(func(t *testing.T, cron string, length, unix int64) {
		w, err := Recurring(cron, time.Duration(length), zone)
		if err != nil {
			return
		}
		// Beyond these years, dates are not what RFC 3339 can write.
		moment := time.Unix(unix%(100*365*24*3600), 0)
		n := reached(time.UTC, moment)
		start, _, ok := w.cron.next(n)
		if own := w.cron.days.Next(n); !own.IsZero() && w.cron.isRun(own) && (!ok || !start.Equal(own)) {
			t.Errorf("the next start after %s is %s, want %s", n, start, own)
		}
		s := Calendar{{"f", w}}.State(moment)
		switch {
		case s.Frozen != w.At(moment):
			t.Errorf("frozen is %t, want %t", s.Frozen, w.At(moment))
		case s.Closes.IsZero() && !s.Frozen:
			t.Error("a cron that comes does not come")
		case !s.Closes.IsZero() && !s.Closes.After(moment):
			t.Errorf("closes %s, before %s", s.Closes, moment)
		case !s.Opens.IsZero() && (!s.Opens.After(moment) || w.At(s.Opens) || !w.At(s.Opens.Add(-1))):
			t.Errorf("opens %s after %s, and is not the end of a freeze", s.Opens, moment)
		case !s.Closes.IsZero() && (!w.At(s.Closes) || w.At(s.Closes.Add(-1))):
			t.Errorf("closes %s, and it is not the start of a freeze", s.Closes)
		}
	})
}

// isRun reports whether a start begins a run of its day, others being merged.
func (r *recurrence) isRun(start time.Time) bool {
	for _, run := range r.runs {
		if start.Equal(start.Truncate(day).Add(run.first)) {
			return true
		}
	}
	return false
}

func FuzzBetween(f *testing.F) {
	f.Add("2026-12-20", "2027-01-03")
	f.Add("2026-12-20T08:00", "2026-12-20 08:00:01")
	f.Add("2026-12-20T08:00Z", "2026-12-20T08:00+01:00")
	f.Add("0000-01-01", "9999-12-31")
	f.Add("2011-12-30", "2011-12-30T23:59")
	zone := zoneOf(f, "Pacific/Apia")
	f.Fuzz(func(t *testing.T, from, to string) {
		w, err := Between(from, to, zone)
		if err != nil {
			return
		}
		if w.once.end.Before(w.once.start) {
			t.Fatalf("from %s to %s", w.once.start, w.once.end)
		}
		if !w.once.isEmpty() && (!w.At(w.once.start) || w.At(w.once.end) || !w.At(w.once.end.Add(-1))) {
			t.Errorf("not frozen from %s to %s", w.once.start, w.once.end)
		}
	})
}
