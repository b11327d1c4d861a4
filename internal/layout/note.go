package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/image"
)

// reasons says where the environments come from, and why in this order.
func (s *settlement) reasons(clues []clue, answer [][]string) []string {
	var out []string
	if s.view.flat != "" {
		return []string{"There is one environment, and no path names it."}
	}
	out = append(out, s.places(clues))
	if docs := naming(clues, s.view.names); len(docs) > 0 {
		verb := "names"
		if len(docs) > 1 {
			verb = "name"
		}
		out = append(out, fmt.Sprintf("%s %s them too.", list(docs, 2), verb))
	}
	envs := s.proposal.Environments
	if len(envs) < 2 {
		return out
	}
	switch {
	case answer != nil:
		out = append(out, "The order is the one that was asked for.")
	case slices.ContainsFunc(s.proposal.Questions, func(q Question) bool { return q.ID == askOrder }):
		out = append(out, "The names do not say the order of all: correct `after`, which says what an environment waits for.")
	default:
		out = append(out, "The order is guessed from their names: correct `after`, which says what an environment waits for.")
	}
	for i := 1; i < len(envs); i++ {
		a, b := envs[i-1], envs[i]
		if a.Group != "" && a.Group == b.Group {
			out = append(out, fmt.Sprintf("%s and %s wait for the same; `after: [%s]` on %s makes them go one after the other.", a.Name, b.Name, a.Name, b.Name))
			break
		}
	}
	return out
}

// places says where environments are told apart, most versions first.
func (s *settlement) places(clues []clue) string {
	counts := map[string]int{}
	for _, u := range s.units {
		for _, h := range u.homes {
			segments := slices.Clone(h.segments[:h.at+1])
			for i := range segments {
				switch {
				case i == h.at:
					segments[i] = u.withApp(h)[i]
				case i == h.place, i > 0 && !containers[segments[i]] && !homes[segments[i]]:
					segments[i] = "*"
				}
			}
			counts[strings.ReplaceAll(strings.Join(segments, "/"), appMark, "*")]++
		}
	}
	if len(counts) == 0 {
		for i := range clues {
			c := &clues[i]
			if c.slot == nil {
				continue
			}
			for _, n := range c.names {
				if slices.Contains(s.view.names, n) && s.view.at[c.slot.path(n)].clue == c {
					counts[c.slot.path(envMark)]++
				}
			}
		}
	}
	where := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	return fmt.Sprintf("Environments are told apart by %s.", list(where, 3))
}

// naming returns the documents that name environments, sorted.
func naming(clues []clue, envs []string) []string {
	var docs []string
	for _, c := range clues {
		if c.slot == nil && slices.ContainsFunc(c.names, func(n string) bool { return slices.Contains(envs, n) }) {
			docs = append(docs, c.file)
		}
	}
	slices.Sort(docs)
	return slices.Compact(docs)
}

// note says what was left out.
func (s *settlement) note() {
	add := func(format string, args ...any) {
		s.proposal.Notes = append(s.proposal.Notes, fmt.Sprintf(format, args...))
	}
	if len(s.units)+len(s.unlike) == 0 {
		add("No version of an image stands in these environments, so there are no apps yet.")
	}
	filled := map[string]bool{}
	inside := map[string]bool{}
	placed := map[image.Repository]bool{}
	for _, u := range slices.Concat(s.units, s.unlike) {
		for _, repo := range u.images() {
			placed[repo] = true
		}
		for _, h := range u.homes {
			for env := range h.envs {
				filled[env] = true
				inside[h.path(env)] = true
			}
		}
		if n := len(s.own[u]); n > 1 && u.isBundle() {
			add("%s holds the versions of %d images, so they are one app and travel together.", u.files(), n)
		}
	}
	for _, env := range s.view.names {
		if !filled[env] && len(s.units) > 0 {
			add("No version of its own stands in %s.", env)
		}
	}
	s.noteForeign(add)
	s.noteOutside(placed, inside)
	if s.dropped == 1 {
		add("1 file with versions lies where those of other apps or environments do, and is left out.")
	} else if s.dropped > 0 {
		add("%d files with versions lie where those of other apps or environments do, and are left out.", s.dropped)
	}
	if s.ground.odd == 1 {
		add("1 file with versions has a name that patterns cannot hold.")
	} else if s.ground.odd > 0 {
		add("%d files with versions have names that patterns cannot hold.", s.ground.odd)
	}
	if found := s.unmet(); len(found) > 0 {
		add("Nothing is named after %s.", list(found, 5))
	}
}

// isBundle reports whether a unit is one file without a name but its images'.
func (u *unit) isBundle() bool { return len(u.homes) == 1 && u.homes[0].place == noPlace }

// files returns where a unit stands, as a person would write it.
func (u *unit) files() string {
	if len(u.homes) == 1 {
		return strings.Join(u.homes[0].segments, "/")
	}
	return strings.ReplaceAll(u.homes[0].pattern, appMark, u.name)
}

// noteForeign says which images run beside apps that are not theirs: a version
// of the app must not be written to them.
func (s *settlement) noteForeign(add func(format string, args ...any)) {
	const most = 12 // notes of a kind; a list that nobody reads warns of nothing
	beside := map[string][]string{}
	shared := 0
	for _, repo := range slices.Sorted(maps.Keys(s.left)) {
		apps := s.left[repo]
		if len(apps) == 1 {
			beside[apps[0]] = append(beside[apps[0]], repo.Familiar())
			continue
		}
		if shared++; shared <= most {
			add("%s stands in %d apps and is left out of them.", repo.Familiar(), len(apps))
		}
	}
	if shared > most {
		add("So are %d more images that stand in several apps.", shared-most)
	}
	names := slices.Sorted(maps.Keys(beside))
	for _, app := range names[:min(len(names), most)] {
		run, is := "runs", "is"
		if len(beside[app]) > 1 {
			run, is = "run", "are"
		}
		add("%s %s beside %s and %s left out of it.", list(beside[app], 5), run, app, is)
	}
	if len(names) > most {
		add("So are images that run beside %s.", list(names[most:], 5))
	}
	for _, u := range s.unlike[:min(len(s.unlike), most)] {
		var images []string
		for _, repo := range u.images() {
			images = append(images, repo.Familiar())
		}
		add("%s is no app yet: it holds %s, and nothing says which of them travel together. Make apps of those that are to be promoted.",
			u.files(), list(images, 5))
	}
	if n := len(s.unlike) - most; n > 0 {
		add("Nor are %d more places with several images.", n)
	}
}

// noteOutside counts the images that stand in no environment.
func (s *settlement) noteOutside(placed map[image.Repository]bool, inside map[string]bool) {
	base, other := map[image.Repository]string{}, map[image.Repository]string{}
	for _, file := range s.ground.files {
		if inside[file] {
			continue
		}
		in := other
		if s.isShared(file) {
			in = base
		}
		for _, repo := range s.ground.uses[file] {
			if _, ok := in[repo]; !ok && !placed[repo] {
				in[repo] = file
			}
		}
	}
	for repo := range base {
		delete(other, repo)
	}
	if n, some := example(base); n > 0 {
		s.proposal.Notes = append(s.proposal.Notes, fmt.Sprintf("%s in files that all environments share: a new version reaches all of them at once (%s).", counted(n), some))
	}
	if n, some := example(other); n > 0 {
		s.proposal.Notes = append(s.proposal.Notes, fmt.Sprintf("%s in no environment (%s).", counted(n), some))
	}
}

func counted(n int) string {
	if n == 1 {
		return "1 image stands"
	}
	return fmt.Sprintf("%d images stand", n)
}

func example(of map[image.Repository]string) (int, string) {
	for _, repo := range slices.Sorted(maps.Keys(of)) {
		return len(of), fmt.Sprintf("such as %s in %s", repo.Familiar(), of[repo])
	}
	return 0, ""
}

// isShared reports whether a file is one that environments share.
func (s *settlement) isShared(file string) bool {
	dir, name := split(file)
	for segment := range strings.SplitSeq(dir, "/") {
		switch segment {
		case "base", "bases", "common", "shared", "components", "templates", "default":
			return true
		}
	}
	// A chart's values are those of all environments if some have their own.
	return name == "values.yaml" && slices.ContainsFunc(s.units, func(u *unit) bool {
		return slices.ContainsFunc(u.homes, func(h home) bool { return strings.HasPrefix(strings.Join(h.segments, "/"), dir+"/") })
	})
}

// unmet returns the environments of an answer that are not in the tree.
func (s *settlement) unmet() []string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(s.ground.given)) {
		if !slices.Contains(s.view.names, n) {
			out = append(out, n)
		}
	}
	return out
}
