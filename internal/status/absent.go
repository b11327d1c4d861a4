package status

import (
	"slices"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
)

// absence is the search for images, and for keys, at which no version stands.
// The rules are:
//
//   - What no file of a declared app has is a fault. That some of its files do
//     without is fine.
//   - What no app of a discover entry has is a fault. An app without it is a
//     warning.
type absence struct {
	matrix           *Matrix
	unread           map[string]bool // paths
	faults, warnings []*fault.Error
}

func (m *Matrix) absence() *absence {
	a := &absence{matrix: m, unread: map[string]bool{}}
	for _, f := range m.unread {
		a.unread[f.Path] = true
	}
	cells := map[int][]*Cell{} // by the entry of their app
	for _, cell := range m.cells() {
		cells[cell.app.Offset] = append(cells[cell.app.Offset], cell)
	}
	for i := range m.Config.Apps {
		entry := &m.Config.Apps[i]
		found := cells[entry.Offset]
		if len(found) == 0 {
			continue
		}
		for j := range entry.Images {
			used := &entry.Images[j]
			for k := range used.Keys {
				a.look(found, used, &used.Keys[k])
			}
			if len(used.Keys) == 0 {
				a.look(found, used, nil)
			}
		}
	}
	return a
}

// look looks for an image in the cells of an entry: where its keys lead to, or
// without keys anywhere.
func (a *absence) look(cells []*Cell, used *config.Image, keys *config.Key) {
	offset := used.Offset
	what := func(name string) string { return "no version of " + name + " stands in" }
	hint := "check the spelling; if only a tag stands there, say where with keys"
	stands := func(bump.Place) bool { return true }
	if keys != nil {
		offset = keys.Offset
		what = func(string) string { return "there is no version at " + keys.String() + " in" }
		hint = "write the keys as they stand there, such as image.tag"
		stands = func(p bump.Place) bool { return slices.Equal(p.Keys, keys.Path) }
	}
	with, without := split(cells, used, stands)
	if len(with) == 0 && cells[0].app.Discovered {
		a.faults = append(a.faults, a.matrix.Config.Fault(offset, hint, "%s any of the %s of the apps that are discovered", what(used.Image), files(cells)))
		return
	}
	// All cells of an app follow each other.
	for len(without) > 0 {
		app := without[0].app
		n := slices.IndexFunc(without, func(c *Cell) bool { return c.app != app })
		if n < 0 {
			n = len(without)
		}
		if !slices.ContainsFunc(with, func(c *Cell) bool { return c.app == app }) {
			name := app.image(used).Image.Familiar()
			f := a.matrix.Config.Fault(offset, hint, "app %s: %s any of its %s", app.Name, what(name), files(without[:n]))
			switch {
			case !app.Discovered:
				a.faults = append(a.faults, f)
			case !slices.ContainsFunc(without[:n], a.isUnread):
				a.warnings = append(a.warnings, f)
			}
		}
		without = without[n:]
	}
}

// isUnread reports whether a file of a cell could not be read, so that nobody
// knows what stands in it.
func (a *absence) isUnread(cell *Cell) bool {
	return slices.ContainsFunc(cell.Files, func(path string) bool { return a.unread[path] })
}

// split sorts cells by whether a version of an image stands at such a place.
func split(cells []*Cell, used *config.Image, at func(bump.Place) bool) (with, without []*Cell) {
	for _, cell := range cells {
		own := cell.app.image(used)
		if own == nil {
			continue
		}
		if slices.ContainsFunc(cell.Places, func(p bump.Place) bool { return p.Image == own.Image && at(p) }) {
			with = append(with, cell)
		} else {
			without = append(without, cell)
		}
	}
	return with, without
}

// image returns what an image of the configuration is for the app, nil if it
// cannot be read.
func (a *App) image(used *config.Image) *config.UsedImage {
	i := slices.IndexFunc(a.Images, func(own config.UsedImage) bool { return own.Offset == used.Offset })
	if i < 0 {
		return nil
	}
	return &a.Images[i]
}

// files counts the files of cells.
func files(cells []*Cell) string {
	n := 0
	for _, cell := range cells {
		n += len(cell.Files)
	}
	return count(n, "file")
}
