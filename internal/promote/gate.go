package promote

import (
	"fmt"
	"strings"
	"time"
)

func open(format string, args ...any) Finding {
	return Finding{State: Open, Reason: fmt.Sprintf(format, args...)}
}

func closed(format string, args ...any) Finding {
	return Finding{State: Closed, Reason: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) Finding {
	return Finding{State: Unknown, Reason: fmt.Sprintf(format, args...)}
}

func (f Facts) permission() Finding {
	by := f.By
	if by == "" {
		by = "the environment's rule"
	}
	needs := ""
	if len(f.Needs) > 0 {
		needs = ": it takes " + list(f.Needs, "or")
	}
	switch f.May {
	case NoAnswer:
		return unknown("whether %s may do this is not known%s", by, needs)
	case No:
		return closed("%s may not do this%s", by, needs)
	}
	if f.Force != nil {
		switch {
		case f.Force.May == NoAnswer:
			return unknown("whether %s may force is not known", f.Force.By)
		case f.Force.May == No:
			return closed("%s may not force", f.Force.By)
		case strings.TrimSpace(f.Force.Reason) == "":
			return closed("force needs a reason")
		}
	}
	return open("%s may do this", by)
}

func (f Facts) holds() Finding {
	var reasons []string
	for _, h := range f.Holds {
		reasons = append(reasons, h.String())
	}
	reason := strings.Join(reasons, "; ")
	switch {
	case len(f.Holds) == 0:
		return open("no hold")
	case f.IsRollBack:
		return open("%s; that does not stop a roll-back", reason)
	}
	return closed("%s", reason)
}

// String says who holds the app, since when, where that stands, and why, as far
// as the hold tells.
func (h Hold) String() string {
	text := "held"
	if h.By != "" {
		text += " by " + h.By
	}
	if !h.Since.IsZero() {
		text += " since " + moment(h.Since)
	}
	if h.PullRequest != "" {
		text += " in the open pull request " + h.PullRequest
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}

func (f Facts) downgrade(moves []Move) Finding {
	if f.IsRollBack {
		return open("a roll-back may go back")
	}
	worst := open("nothing goes backward")
	for _, m := range moves {
		switch m.Direction {
		case Downgrade:
			if f.Rules.AllowDowngrade {
				return open("%s goes back from %s to %s, which is allowed", m.Image.Familiar(), m.From, m.To)
			}
			return closed("%s would go back from %s to %s", m.Image.Familiar(), m.From, m.To)
		case Unordered:
			if f.Rules.AllowDowngrade {
				worst = open("whether %s goes back from %s to %s is not known, and would be allowed", m.Image.Familiar(), m.From, m.To)
			} else {
				worst = unknown("whether %s would go back from %s to %s is not known", m.Image.Familiar(), m.From, m.To)
			}
		}
	}
	return worst
}

// direction asks the tags, then the source commits, and last in which order the
// environments before got the versions.
func (f Facts) direction(m Move) Direction {
	if m.Direction == Unordered {
		m.Direction = f.Ancestry[m.Image]
	}
	if m.Direction != Unordered {
		return m.Direction
	}
	for _, s := range f.Before {
		from, ok := s.History.age(Versions{m.Image: m.From})
		to, isKnown := s.History.age(Versions{m.Image: m.To})
		switch {
		case !ok || !isKnown || from == to:
		case to < from:
			return Downgrade
		default:
			m.Direction = Upgrade
		}
	}
	return m.Direction
}

func (f Facts) freeze() Finding {
	s := f.Freezes.State(f.Now)
	switch {
	case s.Frozen && s.Opens.IsZero():
		return closed("frozen by %s, with no known end", list(s.By, "and"))
	case s.Frozen:
		found := closed("frozen by %s until %s", list(s.By, "and"), moment(s.Opens))
		found.Opens = s.Opens
		return found
	case s.Closes.IsZero():
		return open("no freeze")
	}
	return open("no freeze before %s", moment(s.Closes))
}

func (f Facts) after() Finding {
	switch {
	case f.IsRollBack:
		return open("a roll-back returns to what %s held before", f.Env)
	case len(f.Before) == 0:
		return open("no environment comes before %s", f.Env)
	}
	var names []string
	for _, s := range f.Before {
		if reason := s.lacks(f.To); reason != "" {
			return closed("%s", reason)
		}
		names = append(names, s.Env)
	}
	return open("%s held %s", list(names, "and"), f.To)
}

// tenure returns when an environment before stood at the versions. A roll-back
// may return to what that environment has left by a roll-back itself.
func (f Facts) tenure(s Standing) (tenure, bool) {
	if f.IsRollBack {
		return s.History.anyTenure(f.To)
	}
	return s.History.tenure(f.To)
}

// each judges every environment before, and returns the worst finding: the
// first that is not known or has no time to open, else the one that opens last,
// else the last that is open.
func (f Facts) each(judge func(name string, t tenure) Finding) Finding {
	worst := open("no environment comes before %s", f.Env)
	for _, s := range f.Before {
		t, ok := f.tenure(s)
		found := unknown("%s does not hold %s", s.Env, f.To)
		if ok {
			found = judge(s.Env, t)
		}
		switch {
		case worst.State != Open && worst.Opens.IsZero():
		case found.State != Open && found.Opens.IsZero(), worst.State == Open,
			found.State != Open && found.Opens.After(worst.Opens):
			worst = found
		}
	}
	return worst
}

func (f Facts) healthy() Finding {
	if !f.Rules.Healthy {
		return open("not asked for")
	}
	return f.each(func(name string, t tenure) Finding {
		switch h, since := t.health(); h {
		case Healthy:
			return open("%s is healthy at %s since %s", name, f.To, moment(since))
		case Unhealthy:
			return closed("%s is not healthy at %s", name, f.To)
		}
		return unknown("whether %s is healthy at %s is not known", name, f.To)
	})
}

func (f Facts) soak() Finding {
	need := f.Rules.Soak
	if need <= 0 {
		return open("not asked for")
	}
	return f.each(func(name string, t tenure) Finding {
		h, since := t.health()
		how := "healthy in " + name
		switch {
		case h == Unhealthy:
			return closed("%s is not healthy at %s: its %s start anew when it is", name, f.To, length(need))
		case h == HealthUnknown && since.After(t.Merged):
			how = "in " + name + " since it was last unhealthy, for its health is not known"
		case h == HealthUnknown:
			how = "in " + name + " since the merge, for its health is not known"
		}
		now := f.Now
		if !t.until.IsZero() && t.until.Before(now) {
			now = t.until
		}
		soaked := max(0, now.Sub(since))
		switch {
		case soaked >= need:
			return open("%s of %s %s", length(soaked), length(need), how)
		case now.Before(f.Now):
			return closed("%s of %s %s, which went on to another version", length(soaked), length(need), how)
		}
		found := closed("%s of %s %s, until %s", length(soaked), length(need), how, moment(since.Add(need)))
		found.Opens = since.Add(need)
		return found
	})
}

func (f Facts) checks() Finding {
	if len(f.Rules.Checks) == 0 {
		return open("not asked for")
	}
	return f.each(func(name string, t tenure) Finding {
		var failed, running, missing []string
		for _, check := range f.Rules.Checks {
			switch t.Checks[check] {
			case CheckPassed:
			case CheckFailed:
				failed = append(failed, check)
			case CheckRunning:
				running = append(running, check)
			default:
				missing = append(missing, check)
			}
		}
		on := "on the merge commit for " + name
		if t.Commit != "" {
			on = "on " + t.Commit + ", the merge commit for " + name
		}
		switch {
		case len(failed) > 0:
			return closed("%s failed %s", list(failed, "and"), on)
		case len(running) > 0:
			return closed("%s not finished %s", list(running, "and"), on)
		case len(missing) > 0:
			return unknown("%s not found %s", list(missing, "and"), on)
		}
		return open("%s passed %s", list(f.Rules.Checks, "and"), on)
	})
}

// moment writes a time in its own zone.
func moment(t time.Time) string { return t.Format("Mon 2006-01-02 15:04 MST") }

// length writes a duration without zeros at its end: 24h, 1h30m.
func length(d time.Duration) string {
	text := d.Truncate(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// list joins names: "a", "a and b", "a, b and c".
func list(names []string, word string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " " + word + " " + names[n-1]
	}
	return strings.Join(names, "")
}
