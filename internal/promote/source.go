package promote

import (
	"slices"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Standing is how an app stands in one environment.
type Standing struct {
	Env     string
	After   []string // the environments it comes after, groups resolved
	History History
}

// Origin is where the versions for a target come from.
type Origin struct {
	Target string
	Env    string // one of the environments that the target comes after
	Entry  Entry  // its present state, whose versions are promoted
	Err    error  // why there is none; the fields but Target are zero then
}

// Sources returns the origin for each target, such as the members of a group.
// Each is judged alone, by its own environments before, as they are now.
func Sources(targets []string, from string, standings []Standing) []Origin {
	origins := make([]Origin, len(targets))
	for i, target := range targets {
		o, err := Source(target, from, standings)
		if err != nil {
			o = Origin{Target: target, Err: err}
		}
		origins[i] = o
	}
	return origins
}

// Source returns where a target gets its versions from: the environment that it
// comes after. Where there are several, all must hold the versions: now, or
// before they went on to newer ones, but not if they were rolled back. Where
// they differ, from has to name one; else from may be empty. standings holds
// the target and the environments that it comes after.
//
// An error is a [fault.Error]. Whether the move goes backward is for [Judge].
func Source(target, from string, standings []Standing) (Origin, error) {
	t, ok := standingOf(standings, target)
	switch {
	case !ok:
		return Origin{}, fault.New(fault.NotFound, "towpath check lists the environments", "there is no environment %q", target)
	case len(t.After) == 0:
		return Origin{}, fault.New(fault.Refused, "use bump, or pick an environment with `after`",
			"no environment comes before %s, so nothing can be promoted to it", target)
	case from != "" && !slices.Contains(t.After, from):
		return Origin{}, fault.New(fault.Refused, "leave --from out, or name "+list(t.After, "or"),
			"%s comes after %s, not after %s, and no environment is skipped", target, list(t.After, "and"), from)
	}
	source := from
	if source == "" {
		source = t.After[0]
	}
	chosen, _ := standingOf(standings, source)
	wanted := chosen.History.Present()
	if len(wanted) == 0 {
		return Origin{}, fault.New(fault.Refused, "deploy it there first", "the app is not deployed in %s", source)
	}
	for _, name := range t.After {
		s, _ := standingOf(standings, name)
		if present := s.History.Present(); from == "" && len(present) > 0 && !present.agrees(wanted) {
			return Origin{}, fault.New(fault.Refused, "say which with --from "+list(t.After, "or"),
				"%s comes after %s, and they differ: %s holds %s, %s holds %s",
				target, list(t.After, "and"), source, wanted, name, present)
		}
		if reason := s.lacks(wanted); reason != "" {
			return Origin{}, fault.New(fault.Refused, "all of "+list(t.After, "and")+" have to hold it before "+target, "%s", reason)
		}
	}
	brought, _ := chosen.History.tenure(wanted)
	return Origin{Target: target, Env: source, Entry: brought.Entry}, nil
}

func standingOf(standings []Standing, env string) (s Standing, ok bool) {
	i := slices.IndexFunc(standings, func(s Standing) bool { return s.Env == env })
	if i < 0 {
		return Standing{Env: env}, false
	}
	return standings[i], true
}

// lacks says why the environment does not vouch for the versions, "" if it does.
func (s Standing) lacks(v Versions) string {
	if _, ok := s.History.tenure(v); ok {
		return ""
	}
	if _, ok := s.History.anyTenure(v); ok {
		return s.Env + " was rolled back from " + v.String()
	}
	if len(s.History) == 0 {
		return "the app is not deployed in " + s.Env
	}
	return s.Env + " has not held " + v.String()
}
