package freeze

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Window is when one freeze is in force, once or again and again. The zero value
// never is.
type Window struct {
	once span // empty if it comes back
	cron *recurrence
	zone *time.Location
}

// span is from start until just before end.
type span struct{ start, end time.Time }

func (s span) isEmpty() bool { return !s.start.Before(s.end) }

// Recurring returns the window that begins whenever the cron says, on the wall
// clock of the zone, and lasts for a length of that clock: "0 17 * * FRI" for 63h
// ends on Monday at 08:00 also where the clock changed between. A start that the
// clock jumps over is at the jump, and a start or an end that comes twice counts
// so that the freeze is longer.
//
// The cron has five fields (minute, hour, day of month, month, day of week), or
// is one of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly.
// Sunday is 0 or 7, and a range of weekdays may go over the end of the week, as in
// FRI-MON. Where both days are restricted, either is enough. A cron with a time zone or
// @every, one that never comes, and a length that is not positive are refused.
func Recurring(cron string, length time.Duration, zone *time.Location) (Window, error) {
	if zone == nil {
		return Window{}, errors.New("no time zone: the wall clock decides when the freeze begins")
	}
	if length <= 0 {
		return Window{}, fmt.Errorf("a freeze cannot last %s: write how long it is, as in 63h", length)
	}
	r, err := parseCron(cron, length)
	if err != nil {
		return Window{}, err
	}
	return Window{cron: r, zone: zone}, nil
}

// Between returns the window from one time until another, on the wall clock of
// the zone. Each is a date, such as 2026-12-20, or a time, such as
// 2026-12-20T08:00, also with seconds and with a space for the T. A date stands
// for the whole day: from its start, and to its end. Offsets and Z are refused,
// for the zone decides, and so is a window that ends before it begins.
func Between(from, to string, zone *time.Location) (Window, error) {
	if zone == nil {
		return Window{}, errors.New("no time zone: the wall clock decides when the freeze begins")
	}
	start, _, err := parseTime(from)
	if err != nil {
		return Window{}, fmt.Errorf("parse from %q: %w", from, err)
	}
	end, isDate, err := parseTime(to)
	if err != nil {
		return Window{}, fmt.Errorf("parse to %q: %w", to, err)
	}
	if isDate {
		end = end.AddDate(0, 0, 1)
	}
	if !end.After(start) {
		return Window{}, fmt.Errorf("the freeze ends before it begins: to %q is not after from %q", to, from)
	}
	return Window{once: span{started(zone, start), ended(zone, end)}, zone: zone}, nil
}

// At reports whether t lies in the freeze. It begins at its first instant and
// ends just before its last.
func (w Window) At(t time.Time) bool { return w.latest(t).end.After(t) }

// latest returns the span that began last by t, empty if none did lately. No
// other that has begun ends later.
func (w Window) latest(t time.Time) span {
	if w.cron == nil {
		if w.once.start.After(t) {
			return span{}
		}
		return w.once
	}
	return w.span(w.cron.latest(reached(w.zone, t)))
}

// next returns the first span that begins after t, empty if none does.
func (w Window) next(t time.Time) span {
	if w.cron == nil {
		if w.once.start.After(t) {
			return w.once
		}
		return span{}
	}
	n := reached(w.zone, t)
	for {
		start, end, ok := w.cron.next(n)
		if !ok {
			return span{}
		}
		// One that the clock jumps over from end to end does not come.
		if s := w.span(start, end, true); !s.isEmpty() {
			return s
		}
		n = start
	}
}

// span turns naive times into instants.
func (w Window) span(start, end time.Time, ok bool) span {
	if !ok {
		return span{}
	}
	return span{started(w.zone, start), ended(w.zone, end)}
}

const (
	dateLayout   = "2006-01-02"
	minuteLayout = "2006-01-02 15:04"
	secondLayout = "2006-01-02 15:04:05"
)

var offsetSuffix = regexp.MustCompile(`[0-9]\s*([Zz]|[+-][0-9]{2}(:?[0-9]{2})?|\s[A-Za-z/_]+)$`)

// parseTime returns a naive time, and whether it is written as a date.
func parseTime(s string) (naive time.Time, isDate bool, err error) {
	const example = "write a date or a local time, as in 2026-12-20 or 2026-12-20T08:00"
	text := s
	if len(s) > len(dateLayout) {
		if s[len(dateLayout)] == 'T' {
			text = s[:len(dateLayout)] + " " + s[len(dateLayout)+1:]
		}
		if offsetSuffix.MatchString(strings.TrimSpace(text[len(dateLayout):])) {
			return time.Time{}, false, errors.New("the time zone of the freeze decides: leave the offset out, as in 2026-12-20T08:00")
		}
	}
	for _, layout := range []string{dateLayout, minuteLayout, secondLayout} {
		// time.Parse also reads hours of one digit and parts of a second.
		if len(text) != len(layout) {
			continue
		}
		if t, err := time.Parse(layout, text); err == nil {
			return t, layout == dateLayout, nil
		}
	}
	return time.Time{}, false, errors.New(example)
}
