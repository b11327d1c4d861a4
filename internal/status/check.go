package status

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// Findings are what does not fit together between a config repo and its
// .towpath.yaml.
type Findings struct {
	Faults   []*fault.Error // must be mended: what they speak of cannot work
	Warnings []*fault.Error // may be meant
	Unnamed  []Unnamed      // images that no app names, by name
}

// Unnamed is an image that no app names, and where it stands.
type Unnamed struct {
	Image  image.Repository
	Places []bump.Place
}

// Err returns the faults that make it unclear which file belongs to which cell,
// joined; nil if there are none.
func (m *Matrix) Err() error { return m.claims.Err() }

// Doubts are why cells may show less than there is: files of apps that cannot be
// read, and hold files with something wrong with them.
func (m *Matrix) Doubts() []*fault.Error { return slices.Concat(m.unread, m.holds) }

// Faults are the faults of [Matrix.Check]. They need no more than the files that
// belong to apps.
func (m *Matrix) Faults() []*fault.Error { return append(faultsIn(m.Err()), m.absence().faults...) }

// Check says what does not fit together. The matrix must have been read with
// [Options].Everything, else what stands in no app's files is not known.
func (m *Matrix) Check() *Findings {
	f := &Findings{}
	absent := m.absence()
	f.Faults = append(faultsIn(m.Err()), absent.faults...)
	f.Warnings = append(f.Warnings, m.unmatched()...)
	f.Warnings = append(f.Warnings, m.empty()...)
	f.Warnings = append(f.Warnings, absent.warnings...)
	f.Warnings = append(f.Warnings, m.mixed()...)
	f.Warnings = append(f.Warnings, m.unmovable()...)
	f.Warnings = append(f.Warnings, m.unread...)
	f.Warnings = append(f.Warnings, m.holds...)
	strays, unnamed := m.strays()
	f.Warnings = append(f.Warnings, strays...)
	f.Unnamed = unnamed
	return f
}

// unmatched are the patterns that no file matches: all those of an entry at
// once where no app comes of it.
func (m *Matrix) unmatched() []*fault.Error {
	const hint = "paths start at the top of the repository; ** matches any folders"
	unmatched := map[int]bool{} // by offset, which those share that an alias repeats
	for _, p := range m.claims.Unmatched() {
		unmatched[p.Offset] = true
	}
	deployed := map[int]bool{} // entries, by their offset
	for _, cell := range m.cells() {
		deployed[cell.app.Offset] = true
	}
	// Files that two apps claim are told of, and belong to one of them.
	clash := m.claims.Err() != nil
	var out []*fault.Error
	for i := range m.Config.Apps {
		entry := &m.Config.Apps[i]
		if d := entry.Discover; d != nil && unmatched[d.Offset] {
			out = append(out, m.Config.Fault(d.Offset, hint, "no file matches %s, so no app is discovered", d))
			continue
		}
		var missing, all []string
		for _, p := range entry.Files {
			all = append(all, p.String())
			if unmatched[p.Offset] {
				missing = append(missing, p.String())
			}
		}
		if entry.Discover == nil && !deployed[entry.Offset] && (len(missing) == len(all) || !clash) {
			out = append(out, m.Config.Fault(entry.Files[0].Offset, hint, "app %s is deployed nowhere: no file matches %s", entry.Name, strings.Join(all, ", ")))
			continue
		}
		for _, p := range entry.Files {
			if unmatched[p.Offset] {
				out = append(out, m.Config.Fault(p.Offset, hint, "no file matches %s", p))
			}
		}
	}
	return out
}

// empty are the environments in which no app is deployed, while others have
// some.
func (m *Matrix) empty() []*fault.Error {
	if len(m.cells()) == 0 {
		return nil
	}
	var out []*fault.Error
	for j, name := range m.Environments {
		if slices.ContainsFunc(m.Apps, func(a App) bool { return a.Cells[j].Deployed() }) {
			continue
		}
		if env := m.Config.Environment(name); env != nil {
			out = append(out, m.Config.Fault(env.Offset, "check the name: it must be as it stands in the paths", "environment %s has no app", name))
		}
	}
	return out
}

// mixed are the cells in which an image stands at several versions.
func (m *Matrix) mixed() []*fault.Error {
	var out []*fault.Error
	for _, cell := range m.cells() {
		for _, used := range cell.app.Images {
			versions := different(cell.Versions[used.Image])
			if len(versions) < 2 {
				continue
			}
			i := slices.IndexFunc(cell.Places, func(p bump.Place) bool { return p.Image == used.Image && p.Version == versions[1] })
			out = append(out, at(cell.Places[i], "bump it to have one version there",
				"app %s has %s at several versions in %s: %s", cell.App, used.Image.Familiar(), cell.Env, brief(versions)))
		}
	}
	return out
}

// brief writes some of the versions, without the greater part of digests.
func brief(versions []string) string {
	const shown, kept = 3, len("sha256:") + 12
	var out []string
	for _, v := range versions[:min(len(versions), shown)] {
		if i := strings.Index(v, "sha256:"); i >= 0 && len(v) > i+kept {
			v = v[:i+kept]
		}
		out = append(out, v)
	}
	text := strings.Join(out, ", ")
	if n := len(versions) - shown; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// unmovable are the places that no bump can change.
func (m *Matrix) unmovable() []*fault.Error {
	var out []*fault.Error
	for _, cell := range m.cells() {
		for _, p := range cell.Places {
			if p.Problem != "" {
				out = append(out, at(p, "mend the place by hand", "%s cannot be bumped here: %s", p.Image.Familiar(), p.Problem))
			}
		}
	}
	return out
}

// strays are images that an app names and that stand where it does not look,
// and images that no app names at all.
func (m *Matrix) strays() ([]*fault.Error, []Unnamed) {
	apps := map[image.Repository][]string{}
	for i := range m.Apps {
		for _, used := range m.Apps[i].Images {
			apps[used.Image] = append(apps[used.Image], m.Apps[i].Name)
		}
	}
	places := map[image.Repository][]bump.Place{}
	for _, p := range m.Strays {
		places[p.Image] = append(places[p.Image], p)
	}
	var out []*fault.Error
	var unnamed []Unnamed
	for repo, found := range places {
		names := apps[repo]
		if len(names) == 0 {
			unnamed = append(unnamed, Unnamed{repo, found})
			continue
		}
		first := found[0]
		where := "which belongs to no app"
		if cell := m.cellOf(first.Path); cell != nil {
			where = fmt.Sprintf("which belongs to app %s in %s, and that does not name it", cell.App, cell.Env)
		}
		more := ""
		if len(found) > 1 {
			more = fmt.Sprintf(" (and %s more)", count(len(found)-1, "place"))
		}
		out = append(out, at(first, "no bump of app "+strings.Join(names, ", ")+" changes it there: add the file to the app's files, or its image to the app's images",
			"%s stands in a file %s%s", repo.Familiar(), where, more))
	}
	slices.SortFunc(out, func(a, b *fault.Error) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), a.Line-b.Line, a.Column-b.Column, cmp.Compare(a.Message, b.Message))
	})
	slices.SortFunc(unnamed, func(a, b Unnamed) int { return cmp.Compare(a.Image, b.Image) })
	return out, unnamed
}

// faultsIn returns the faults that an error joins.
func faultsIn(err error) []*fault.Error {
	if err == nil {
		return nil
	}
	var out []*fault.Error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			out = append(out, faultsIn(e)...)
		}
		return out
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return []*fault.Error{f}
	}
	return []*fault.Error{{Code: fault.Config, Message: err.Error()}}
}

func at(p bump.Place, hint, format string, args ...any) *fault.Error {
	f := fault.New(fault.Config, hint, format, args...)
	f.Path, f.Line, f.Column = p.Path, p.Position.Line, p.Position.Column
	return f
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
