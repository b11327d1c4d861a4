package freeze

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// recurrence is a cron and how long each of its windows lasts, on the naive
// clock. The starts of a day are the same on every day that the cron names, so
// they are merged once into runs.
type recurrence struct {
	days   *cron.SpecSchedule
	runs   []run // of each of these days, in their order, none overlapping or adjoining
	length time.Duration
}

// run is one start, or several of one day whose windows overlap or adjoin, as
// times since midnight.
type run struct{ first, last time.Duration }

// field is one part of a cron.
type field struct {
	name, values string
	option       cron.ParseOption
}

var fields = []field{
	{"minute", "0 to 59", cron.Minute},
	{"hour", "0 to 23", cron.Hour},
	{"day of month", "1 to 31", cron.Dom},
	{"month", "1 to 12 or JAN to DEC", cron.Month},
	{"day of week", "0 to 7 (0 and 7 are Sunday) or SUN to SAT", cron.Dow},
}

// entry is one of a list. The parser lets more through, such as *-5, +5 and
// nothing at all, and panics on TZ= in the wrong place.
var entry = regexp.MustCompile(`^([*?]|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?$`)

// day is how long a day is on the naive clock, always.
const day = 24 * time.Hour

func parseCron(text string, length time.Duration) (*recurrence, error) {
	spec, err := checkCron(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("parse cron %q: %w", text, err)
	}
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("parse cron %q: %w", text, err)
	}
	days, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("parse cron %q: it does not say when, only how often", text)
	}
	r := &recurrence{days: days, length: length}
	for minute := range 24 * 60 {
		if days.Hour&(1<<(minute/60)) == 0 || days.Minute&(1<<(minute%60)) == 0 {
			continue
		}
		at := time.Duration(minute) * time.Minute
		if n := len(r.runs); n > 0 && at-r.runs[n-1].last <= length {
			r.runs[n-1].last = at
		} else {
			r.runs = append(r.runs, run{at, at})
		}
	}
	// A leap year shows every day that there is.
	if _, _, ok := r.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); !ok {
		return nil, fmt.Errorf("parse cron %q: it never comes: no such day is in the calendar", text)
	}
	return r, nil
}

// checkCron returns the cron as the parser is to read it, or what a person has
// to write instead.
func checkCron(spec string) (string, error) {
	switch {
	case strings.HasPrefix(spec, "TZ="), strings.HasPrefix(spec, "CRON_TZ="):
		return "", errors.New("the time zone of the freeze decides: leave TZ= out")
	case strings.HasPrefix(spec, "@every"):
		return "", errors.New("@every has no start: write five fields, as in 0 17 * * FRI")
	case strings.HasPrefix(spec, "@"):
		switch spec {
		case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly":
			return spec, nil
		}
		return "", errors.New("write @yearly, @monthly, @weekly, @daily, @hourly or five fields, as in 0 17 * * FRI")
	}
	words := strings.Fields(spec)
	if len(words) != len(fields) {
		return "", fmt.Errorf("it has %d fields: write five, minute, hour, day of month, month and day of week, as in 0 17 * * FRI", len(words))
	}
	for i, f := range fields {
		word := words[i]
		if f.option == cron.Dow {
			words[i] = plainWeekdays(word)
		}
		if !f.holds(words[i]) {
			return "", fmt.Errorf("%q is no %s: write %s, a range from low to high, a list (1,3), a step (*/2) or *", word, f.name, f.values)
		}
	}
	return strings.Join(words, " "), nil
}

func (f field) holds(word string) bool {
	for e := range strings.SplitSeq(word, ",") {
		if !entry.MatchString(e) {
			return false
		}
	}
	_, err := cron.NewParser(f.option).Parse(word)
	return err == nil
}

// weekday is one of a list of days of week that are named by themselves.
var weekday = regexp.MustCompile(`(?i)^([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:-([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:/([1-7]))?)?$`)

// plainWeekdays writes out what the parser does not read: 7 for Sunday, as in
// other crons, and ranges over the end of the week, such as FRI-MON.
func plainWeekdays(word string) string {
	entries := strings.Split(word, ",")
	for i, e := range entries {
		m := weekday.FindStringSubmatch(e)
		if m == nil {
			continue
		}
		first, step := weekdayNumber(m[1]), 1
		last := first
		if m[2] != "" {
			last = weekdayNumber(m[2])
		}
		if first <= last && last < 7 {
			continue
		}
		if last < first {
			last += 7
		}
		if m[3] != "" {
			step = int(m[3][0] - '0')
		}
		var days []string
		for d := first; d <= last; d += step {
			days = append(days, strconv.Itoa(d%7))
		}
		entries[i] = strings.Join(days, ",")
	}
	return strings.Join(entries, ",")
}

// weekdayNumber is 0 for Sunday, and 7 where that is written.
func weekdayNumber(s string) int {
	if i := strings.Index("SUNMONTUEWEDTHUFRISAT", strings.ToUpper(s)); i >= 0 {
		return i / 3
	}
	return int(s[0] - '0')
}

// latest returns the run that begins last by n, ok false if none does that
// could still be in force.
func (r *recurrence) latest(n time.Time) (start, end time.Time, ok bool) {
	midnight := n.Truncate(day)
	oldest := n.Add(-r.length).Add(-day - far)
	for d := midnight; !d.Before(oldest.Add(-day)); d = d.Add(-day) {
		if !r.isDay(d) {
			continue
		}
		if i := r.begun(n.Sub(d)); i > 0 {
			start, end := r.at(d, i-1)
			return start, end, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// mostDays is longer than the calendar is ever without a 29th of February.
const mostDays = 9 * 366

// next returns the first run that begins after n, ok false if there is none.
func (r *recurrence) next(n time.Time) (start, end time.Time, ok bool) {
	d := n.Truncate(day)
	for range mostDays {
		if r.isDay(d) {
			if i := r.begun(n.Sub(d)); i < len(r.runs) {
				start, end := r.at(d, i)
				return start, end, true
			}
		}
		d = d.Add(day)
	}
	return time.Time{}, time.Time{}, false
}

// begun returns how many runs of a day have begun by a time since its midnight.
func (r *recurrence) begun(at time.Duration) int {
	return sort.Search(len(r.runs), func(i int) bool { return r.runs[i].first > at })
}

func (r *recurrence) at(midnight time.Time, i int) (start, end time.Time) {
	return midnight.Add(r.runs[i].first), midnight.Add(r.runs[i].last).Add(r.length)
}

// star marks a field of the schedule that was written as * or ?.
const star = 1 << 63

// isDay reports whether the cron names the day. As in every cron, either of day
// of month and day of week is enough where both are restricted.
func (r *recurrence) isDay(d time.Time) bool {
	_, month, date := d.Date()
	if r.days.Month&(1<<month) == 0 {
		return false
	}
	isDate := r.days.Dom&(1<<date) != 0
	isWeekday := r.days.Dow&(1<<d.Weekday()) != 0
	if r.days.Dom&star != 0 || r.days.Dow&star != 0 {
		return isDate && isWeekday
	}
	return isDate || isWeekday
}
