package audit

import (
	"net/url"
	"strings"
)

// Trail is where the moves of a commit come from. Empty fields are not said,
// and the zero value says nothing.
type Trail struct {
	RequestedBy string // who asked, as the forge spells the login; empty for a rule such as auto
	Source      string // what the versions come from, such as a pull request
	Run         string // the pipeline's run that made the commit: a number that grows, where it has one
	RunURL      string // where that run can be looked at
	Reason      string // why, as people gave it; it may have several lines
}

func (t *Trail) fields() []field {
	return []field{
		{"Towpath-Requested-By", &t.RequestedBy},
		{"Towpath-Source", &t.Source},
		{"Towpath-Run", &t.Run},
		{"Towpath-Run-URL", &t.RunURL},
		{"Towpath-Reason", &t.Reason},
	}
}

// Format returns one trailer for each field that is not empty, each with its
// line break: "Towpath-Requested-By: ada". Values are escaped as those of
// [Move.Trailer] are, so that none breaks its line or can be wrapped.
func (t Trail) Format() string {
	var b strings.Builder
	for _, f := range t.fields() {
		if *f.value != "" {
			b.WriteString(f.key + ": " + escape(*f.value) + "\n")
		}
	}
	return b.String()
}

// Origin returns what a move of a commit with this trail was built from, and in
// which run: "" for what is not known.
func (t Trail) Origin(m Move) (source, run string) {
	if m.Source == "" && m.Run == "" {
		return t.Source, t.Run
	}
	known := func(s string) string {
		if s == Unknown {
			return ""
		}
		return s
	}
	return known(m.Source), known(m.Run)
}

// ParseTrail returns the trail that a commit message tells of, the zero value
// if there is none. Of several, as in a squashed commit, it is the last, and
// nothing of another is mixed into it: one ends where a line is no trailer or a
// Towpath-Move, and where a field comes again. A value that is not well escaped
// is taken as it is written.
//
// Values may hold any bytes, line breaks too.
func ParseTrail(message string) Trail {
	var t Trail
	isOpen := false
	for line := range strings.Lines(message) {
		line = strings.TrimRight(line, "\r\n")
		key, value, _ := strings.Cut(line, ": ")
		if !isTrailer(line) || key == moveKey {
			isOpen = false
			continue
		}
		value = unescape(strings.TrimSpace(value))
		for _, f := range t.fields() {
			if f.key != key || value == "" {
				continue
			}
			if !isOpen || *f.value != "" {
				t, isOpen = Trail{}, true
			}
			*f.value = value
		}
	}
	return t
}

func unescape(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		return text
	}
	return s
}
