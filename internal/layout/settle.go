package layout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

const (
	manyApps = 3 // from so many on, apps that are alike are discovered
	tooMany  = 3 // an image in more apps than these is nobody's own
)

// settlement turns units into the apps of a proposal.
type settlement struct {
	ground   *ground
	view     *view
	units    []*unit
	answers  Answers
	proposal *Proposal

	dropped int // forms that could not be told from others
	own     map[*unit][]image.Repository
	left    map[image.Repository][]string // apps from which an image is left out
	unlike  []*unit                       // units of which no image is more theirs than another
	pending map[string][]*unit            // by question
}

func (s *settlement) settle() {
	s.dropped = s.ground.lay(s.units, s.view.names)
	s.units = slices.DeleteFunc(s.units, func(u *unit) bool { return len(u.homes) == 0 })
	s.sift()
	s.pending = map[string][]*unit{}
	for _, u := range s.units {
		for _, id := range s.open(u) {
			s.pending[id] = append(s.pending[id], u)
		}
	}
	replies := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(s.pending)) {
		q := s.question(id)
		replies[id] = cmp.Or(strings.TrimSpace(s.answers[id]), q.Default)
		if s.answers[id] == "" {
			s.proposal.Questions = append(s.proposal.Questions, q)
		} else if problem := checkImage(replies[id]); problem != nil {
			s.proposal.Problem = problem
			return
		}
	}
	var apps []App
	for _, u := range s.units {
		apps = append(apps, s.app(u, replies))
	}
	s.proposal.Apps = s.fold(apps)
}

func checkImage(name string) *fault.Error {
	if _, err := image.ParseRepository(strings.ReplaceAll(name, appMark, "x")); err != nil {
		f := fault.New(fault.Usage, "write the image without a version, such as ghcr.io/acme/{app}", "%q is not the name of an image", name)
		f.Err = err
		return f
	}
	return nil
}

// open returns the IDs of the questions about a unit: one for each key with
// the version of an image that nothing names.
func (s *settlement) open(u *unit) []string {
	if _, ok := u.sole(); ok {
		return nil
	}
	var ids []string
	for _, h := range u.homes {
		for _, t := range h.tags {
			if t.image == "" {
				ids = append(ids, u.ask(h, t))
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ask returns the ID of the question of which image a tag is.
func (u *unit) ask(h home, t tag) string {
	return strings.Join(u.withApp(h), "/") + ":" + t.keys
}

// question asks for an image. Images of the tree that have the names of the
// apps are candidates; one that all of them follow is the default.
func (s *settlement) question(id string) Question {
	pattern, keys, _ := strings.Cut(id, ":")
	q := Question{ID: id, Text: fmt.Sprintf("Which image has its version in %s, at %s? For example ghcr.io/acme/%s",
		pattern, keys, cmp.Or(onlyName(s.pending[id]), appMark))}
	counts := map[string]int{}
	for _, u := range s.pending[id] {
		met := map[string]bool{}
		for _, repos := range s.ground.uses {
			for _, repo := range repos {
				if squash(repo.Base()) == squash(u.name) {
					met[template(repo.Familiar(), u.name)] = true
				}
			}
		}
		for name := range met {
			counts[name]++
		}
	}
	q.Candidates = slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b))
	})
	if len(q.Candidates) == 1 && counts[q.Candidates[0]] == len(s.pending[id]) {
		q.Default = q.Candidates[0]
	}
	return q
}

func onlyName(units []*unit) string {
	if len(units) == 1 {
		return units[0].name
	}
	return ""
}

// sift finds each app's own images. Files that hold others alone are not the
// app's, and what has several of which none is more its own is no app.
func (s *settlement) sift() {
	users := map[image.Repository]int{}
	for _, u := range s.units {
		for _, repo := range u.images() {
			users[repo]++
		}
	}
	s.own = map[*unit][]image.Repository{}
	s.left = map[image.Repository][]string{}
	for _, u := range s.units {
		own, foreign := s.ground.own(u)
		if len(own) == 0 && !u.hasOpen() {
			s.unlike = append(s.unlike, u)
			continue
		}
		few := slices.DeleteFunc(slices.Clone(own), func(repo image.Repository) bool {
			return users[repo] > tooMany && likeness(u.name, repo) < 2
		})
		if len(few) > 0 {
			for _, repo := range own {
				if !slices.Contains(few, repo) {
					foreign = append(foreign, repo)
				}
			}
			own = few
		}
		s.own[u] = own
		for _, repo := range foreign {
			s.left[repo] = append(s.left[repo], u.name)
		}
	}
	s.units = slices.DeleteFunc(s.units, func(u *unit) bool { return slices.Contains(s.unlike, u) })
}

// holds reports whether a file has a version of one of an app's own images, or
// of one that is not known.
func (h home) holds(own []image.Repository) bool {
	return slices.ContainsFunc(h.images, func(r image.Repository) bool { return slices.Contains(own, r) }) ||
		slices.ContainsFunc(h.tags, func(t tag) bool { return t.image == "" || slices.Contains(own, t.image) })
}

// app makes the app of a unit, with the images that are its own.
func (s *settlement) app(u *unit, replies map[string]string) App {
	own := s.own[u]
	app := App{Name: u.name, Files: u.patterns(own)}
	for _, repo := range own {
		app.Images = append(app.Images, Image{Name: repo.Familiar()})
	}
	add := func(name, keys string) {
		i := slices.IndexFunc(app.Images, func(m Image) bool { return m.Name == name })
		if i < 0 {
			i = len(app.Images)
			app.Images = append(app.Images, Image{Name: name})
		}
		if !slices.Contains(app.Images[i].Keys, keys) {
			app.Images[i].Keys = append(app.Images[i].Keys, keys)
		}
	}
	sole, isSole := u.sole()
	for _, h := range u.homes {
		for _, t := range h.tags {
			switch {
			case t.image != "":
				if slices.Contains(own, t.image) {
					add(t.image.Familiar(), t.keys)
				}
			case isSole:
				add(sole.Familiar(), t.keys)
			default:
				id := u.ask(h, t)
				add(strings.ReplaceAll(replies[id], appMark, u.name), t.keys)
				if replies[id] == "" && app.Question == "" {
					app.Question = id
				}
			}
		}
	}
	// The name of an image is not known to be one until it is parsed.
	for i := range app.Images {
		slices.Sort(app.Images[i].Keys)
	}
	return app
}

// fold makes one entry of apps that are alike but for their names.
func (s *settlement) fold(apps []App) []App {
	alike := map[string][]int{}
	for i, a := range apps {
		if key := likenessOf(a); key != "" {
			alike[key] = append(alike[key], i)
		}
	}
	folded := map[int]bool{}
	var found []App
	for _, key := range slices.Sorted(maps.Keys(alike)) {
		same := alike[key]
		first := apps[same[0]]
		if len(same) < manyApps {
			continue
		}
		pattern := s.discovery(first.Files[0], apps, same)
		if pattern == "" {
			continue
		}
		entry := App{Discover: pattern, Question: first.Question}
		for _, m := range first.Images {
			entry.Images = append(entry.Images, Image{template(m.Name, first.Name), m.Keys})
		}
		found = append(found, entry)
		for _, i := range same {
			folded[i] = true
		}
	}
	var out []App
	for i, a := range apps {
		if !folded[i] {
			out = append(out, a)
		}
	}
	return append(out, found...)
}

// discovery returns the pattern that finds apps whose files match a pattern,
// "" if it would find more than them and others that have an entry of their
// own with the same pattern.
func (s *settlement) discovery(pattern string, apps []App, same []int) string {
	listed := map[string]bool{}
	for _, a := range apps {
		if slices.Contains(a.Files, pattern) {
			listed[a.Name] = true
		}
	}
	candidates := []string{pattern}
	if folder, ok := strings.CutSuffix(pattern, "/**"); ok && strings.HasSuffix(folder, appMark) {
		// x/** is x too, which may be a file beside the folders of apps.
		candidates = append(candidates, folder+"/*")
	}
	for _, p := range candidates {
		names := captures(p, s.ground.files, s.view.names)
		extra := slices.ContainsFunc(slices.Collect(maps.Keys(names)), func(n string) bool { return !listed[n] })
		if !extra && !slices.ContainsFunc(same, func(i int) bool { return !names[apps[i].Name] }) {
			return p
		}
	}
	return ""
}

// likenessOf returns what apps that one entry may discover have in common, ""
// for one that is to be listed.
func likenessOf(a App) string {
	if len(a.Files) != 1 || !strings.Contains(a.Files[0], appMark) || !strings.Contains(a.Files[0], envMark) {
		return ""
	}
	var b strings.Builder
	b.WriteString(a.Files[0])
	for _, m := range a.Images {
		name := template(m.Name, a.Name)
		if name == m.Name && name != "" {
			return ""
		}
		fmt.Fprintf(&b, "\n%s %q", name, m.Keys)
	}
	return b.String()
}

// template puts {app} in the place of an app's name in that of an image: in
// the last segment that has it.
func template(name, app string) string {
	segments := strings.Split(name, "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if s := swap(segments[i], app, appMark); s != segments[i] {
			segments[i] = s
			break
		}
	}
	return strings.Join(segments, "/")
}
