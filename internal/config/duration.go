package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/schema"
)

// Duration is a length of time, written in weeks, days, hours, minutes and
// seconds, the larger first: 30m, 24h, 7d, 1h30m. A day is 24 hours. Zero
// means that none is written.
type Duration time.Duration

// durationPattern is what a duration matches, but for the empty text, which
// does, too.
const durationPattern = `^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$`

// Form says how a duration is written.
func (Duration) Form() schema.Form {
	return schema.Form{Noun: "duration", Words: "a duration such as 30m, 24h or 7d", Pattern: durationPattern}
}

var units = []struct {
	letter byte
	length time.Duration
}{
	{'w', 7 * 24 * time.Hour},
	{'d', 24 * time.Hour},
	{'h', time.Hour},
	{'m', time.Minute},
	{'s', time.Second},
}

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	rest := string(text)
	fail := func(hint string) error {
		return &schema.TextError{Message: fmt.Sprintf("%q is not a duration", text), Hint: hint}
	}
	const hint = "write 30m, 24h, 7d or 1h30m: weeks (w), days (d), hours (h), minutes (m) and seconds (s), the larger first"
	var sum float64
	for _, u := range units {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits == len(rest) || rest[digits] != u.letter {
			continue
		}
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return fail(hint)
		}
		sum += n * float64(u.length)
		rest = rest[digits+1:]
	}
	noTime := &schema.TextError{Message: fmt.Sprintf("%q is no time at all", text), Hint: "leave the key out, or write how long"}
	switch {
	case rest != "" && strings.Trim(rest, "0") == "" && sum == 0:
		return noTime
	case rest == string(text) && rest != "" && strings.Trim(rest, "0123456789") == "":
		return fail(fmt.Sprintf("write its unit, as in %.20sm", rest))
	case rest != "" || len(text) == 0:
		return fail(hint)
	case sum == 0:
		return noTime
	case sum >= math.MaxInt64:
		return &schema.TextError{Message: fmt.Sprintf("%q is longer than 292 years", text), Hint: hint}
	}
	*d = Duration(sum)
	return nil
}

// String writes the duration so that it is read back: 1d12h for 36h.
func (d Duration) String() string {
	var b strings.Builder
	rest := time.Duration(d)
	for _, u := range units {
		// People say 14d and 24h more often than 2w and 1d, but they read both.
		if n := rest / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			rest -= n * u.length
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
