package layout

import (
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/image"
)

const (
	envMark = "{env}"
	appMark = "{app}"
)

// form is a file that holds versions, as it is called in every environment.
type form struct {
	segments []string // of its path, with {env} in it
	at       int      // the segment that names the environment, -1 if there is none
	envs     map[string]bool
	clues    []*clue
	images   []image.Repository // sorted
	tags     []tag              // versions of images that it does not name
}

// path returns the path of the file in an environment.
func (f *form) path(env string) string {
	return strings.ReplaceAll(strings.Join(f.segments, "/"), envMark, env)
}

// shape finds the forms of the files that hold versions.
func (g *ground) shape(v *view) {
	byPath := map[string]*form{}
	literal := g.literals(v)
	looked := 0
	for _, file := range g.files {
		images := g.uses[file]
		mayTag := mayHoldTags(file) && (len(images) == 0 || strings.Contains(file, "values"))
		if len(images) == 0 && !mayTag {
			continue
		}
		segments, at, r := strings.Split(file, "/"), -1, reading{env: v.flat}
		if v.flat == "" {
			var all []reading
			if all, at = v.readings(file); at < 0 {
				continue
			}
			r = all[at]
			if whole := withEnvironment(slices.Clone(segments), all, at, true); literal[strings.Join(whole, "/")] {
				segments = withEnvironment(segments, all, at, false)
			} else {
				segments = whole
			}
		}
		key := strings.Join(segments, "/")
		f := byPath[key]
		if f == nil {
			f = &form{segments: segments, at: at, envs: map[string]bool{}}
		}
		if mayTag {
			if f.tags == nil && looked < maxValues && at >= 0 {
				looked++
				f.tags = g.tags(file)
			}
			if f.tags == nil && len(images) == 0 {
				continue
			}
		}
		if byPath[key] == nil {
			byPath[key] = f
			v.forms = append(v.forms, f)
		}
		f.envs[r.env] = true
		f.images = append(f.images, images...)
		if r.clue != nil && !slices.Contains(f.clues, r.clue) {
			f.clues = append(f.clues, r.clue)
		}
	}
	for _, f := range v.forms {
		slices.Sort(f.images)
		f.images = slices.Compact(f.images)
	}
	slices.SortFunc(v.forms, func(a, b *form) int { return slices.Compare(a.segments, b.segments) })
}

// literals returns the paths, as they are called in every environment, in which
// the later of two names of the environment does not stand for it: dev/dev/x
// beside prod/dev/x has an app that is called dev.
func (g *ground) literals(v *view) map[string]bool {
	if v.flat != "" {
		return nil
	}
	type spelling struct{ whole, plain string }
	var doubtful []spelling
	envs := map[string]map[string]bool{}
	for _, file := range g.files {
		all, at := v.readings(file)
		if at < 0 {
			continue
		}
		segments := strings.Split(file, "/")
		s := spelling{
			strings.Join(withEnvironment(slices.Clone(segments), all, at, true), "/"),
			strings.Join(withEnvironment(segments, all, at, false), "/"),
		}
		if s.whole != s.plain {
			doubtful = append(doubtful, s)
		}
		for _, path := range []string{s.whole, s.plain} {
			if envs[path] == nil {
				envs[path] = map[string]bool{}
			}
			envs[path][all[at].env] = true
		}
	}
	out := map[string]bool{}
	for _, s := range doubtful {
		if n := len(envs[s.plain]); n > 1 && n >= len(envs[s.whole]) {
			out[s.whole] = true
		}
	}
	return out
}

// withEnvironment puts {env} in the place of an environment's name: in the
// segment that counts, in those before it that name the same environment beside
// another, and in those after it if they stand for it too.
func withEnvironment(segments []string, all []reading, at int, after bool) []string {
	env := all[at].env
	for i, r := range all {
		switch {
		case i == at, i < at && r.env == env && len(r.clue.names) > 1:
			segments[i] = r.clue.slot.before + envMark + r.clue.slot.after
		case after && i > at && (segments[i] == env || i == len(segments)-1):
			segments[i] = swap(segments[i], env, envMark)
		}
	}
	return segments
}

// swap replaces a word of a name, wherever it stands between separators.
func swap(name, word, with string) string {
	for from := 0; ; {
		i := strings.Index(name[from:], word)
		if i < 0 {
			return name
		}
		i += from
		end := i + len(word)
		if (i == 0 || isSeparator(name[i-1])) && (end == len(name) || isSeparator(name[end])) {
			name = name[:i] + with + name[end:]
			end = i + len(with)
		}
		from = end
	}
}
