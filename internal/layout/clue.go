package layout

import (
	"maps"
	"slices"
	"strings"
)

// slot is where names of environments stand in paths: in the names of the
// folders, or of the files, of one folder.
type slot struct {
	dir           string
	before, after string // the rest of the name, with the extension of a file
	file          bool
}

// path returns the path of the folder or file of an environment.
func (s slot) path(env string) string { return join(s.dir, s.before+env+s.after) }

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// clue is what a layout gives away: names of environments.
type clue struct {
	names []string // in the order in which they are written
	slot  *slot    // nil if a document names them
	file  string   // that document
	sure  bool     // they are environments whatever their names are
}

// layout is a way in which trees tell their environments apart. Its clues must
// be the same for the same ground, in the same order.
type layout interface {
	clues(g *ground) []clue
}

// documents are the layouts that name environments in files; paths are those
// that name them in paths, which may need those names.
var (
	documents = []layout{argo{}, flux{}, helmfile{}}
	paths     = []layout{folders{}, valuesFiles{}}
)

// look collects the clues of all layouts.
func (g *ground) look() []clue {
	var clues []clue
	for _, l := range documents {
		for _, c := range l.clues(g) {
			c.names = slices.DeleteFunc(c.names, func(n string) bool {
				return !isName(n) || neverEnvironments[n]
			})
			if len(c.names) > 0 {
				g.tell(c.names)
				clues = append(clues, c)
			}
		}
	}
	for _, l := range paths {
		for _, c := range l.clues(g) {
			if c.sure {
				g.tell(c.names)
			}
		}
	}
	for _, l := range paths {
		clues = append(clues, l.clues(g)...)
	}
	return clues
}

func (g *ground) tell(names []string) {
	for _, n := range names {
		g.told[n] = true
	}
}

// reading is a file, or a folder, that belongs to an environment by its name.
type reading struct {
	clue *clue
	env  string
}

// view is a tree as the clues read it.
type view struct {
	at    map[string]reading // by path
	names []string           // of environments, sorted
	forms []*form
	flat  string // the only environment, if paths do not name it
}

// family returns what slots that differ only in the names of folders above
// have in common.
func (s slot) family() string {
	var b strings.Builder
	for segment := range strings.SplitSeq(s.dir, "/") {
		if segment != "" && !containers[segment] && !homes[segment] && (s.before == "" || kinds[strings.Trim(s.before, "-_.")]) {
			segment = "?"
		}
		b.WriteString(segment + "/")
	}
	return b.String() + s.before + envMark + s.after
}

// read applies the clues to the paths. A single name in folders of a family is
// believed only if it means nothing else, and there are no other environments
// or it is one of them.
func (g *ground) read(clues []clue) *view {
	families := map[string]map[string]bool{}
	for _, c := range clues {
		if c.slot == nil {
			continue
		}
		key := c.slot.family()
		if families[key] == nil {
			families[key] = map[string]bool{}
		}
		for _, n := range c.names {
			families[key][n] = true
		}
	}
	believed := map[string]bool{}
	for _, c := range clues {
		if c.slot == nil || c.sure || len(families[c.slot.family()]) > 1 {
			for _, n := range c.names {
				believed[n] = true
			}
		}
	}
	v := &view{at: map[string]reading{}}
	for i := range clues {
		c := &clues[i]
		if c.slot == nil {
			continue
		}
		alone := !c.sure && len(families[c.slot.family()]) == 1
		for _, n := range c.names {
			_, word, ok := stageWord(n)
			lonely := alone && (!ok || !telling[word] || !believed[n] && len(believed) > 0)
			if g.given[n] || !g.only && !lonely {
				v.at[c.slot.path(n)] = reading{c, n}
			}
		}
	}
	g.shape(v)
	if v.names = v.used(); len(v.names) == 0 {
		v.names = v.seen(clues)
	}
	return v
}

// readFlat reads a tree that has one environment, which no path names.
func (g *ground) readFlat(env string) *view {
	v := &view{at: map[string]reading{}, names: []string{env}, flat: env}
	g.shape(v)
	return v
}

// readings returns how each segment of the path of a file names an environment,
// and the index of the one that counts, -1 if there is none: the one in the
// folder that has most environments, and the outermost of those.
func (v *view) readings(file string) (all []reading, best int) {
	best = -1
	for i := 1; i <= len(file); i++ {
		if i < len(file) && file[i] != '/' {
			continue
		}
		r := v.at[file[:i]]
		if r.clue != nil && r.clue.slot.file != (i == len(file)) {
			r = reading{}
		}
		if r.clue != nil && (best < 0 || weight(r) > weight(all[best])) {
			best = len(all)
		}
		all = append(all, r)
	}
	return all, best
}

func weight(r reading) int {
	w := 2 * min(len(r.clue.names), 10)
	if r.clue.sure {
		w++
	}
	return w
}

// used returns the environments that hold versions, and those beside them in
// the same places, sorted.
func (v *view) used() []string {
	var names []string
	for _, f := range v.forms {
		names = append(names, slices.Collect(maps.Keys(f.envs))...)
		for _, c := range f.clues {
			for _, n := range c.names {
				// A folder beside those of environments may be something else,
				// if its name is no word for one and no version stands in it.
				if _, _, ok := stageWord(n); ok && v.at[c.slot.path(n)].clue == c {
					names = append(names, n)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// seen returns the environments that have no more than a folder, sorted: those
// of the places where there are most.
func (v *view) seen(clues []clue) []string {
	var names []string
	top := 0
	for i := range clues {
		c := &clues[i]
		if c.slot == nil || !c.sure && c.slot.before != "" && !strings.HasPrefix(c.slot.before, "values") {
			continue
		}
		var own []string
		for _, n := range c.names {
			if v.at[c.slot.path(n)].clue == c {
				own = append(own, n)
			}
		}
		w := weight(reading{clue: c})
		if len(own) == 0 || w < top {
			continue
		}
		if w > top {
			top, names = w, nil
		}
		names = append(names, own...)
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 2 {
		return nil // one folder says too little
	}
	return names
}

// inClosed reports whether a folder lies in one that all environments share.
func inClosed(dir string) bool {
	for segment := range strings.SplitSeq(dir, "/") {
		if closed[segment] {
			return true
		}
	}
	return false
}
