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
//     warning; for keys, so is an environment.
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
				a.keys(found, used, &used.Keys[k])
			}
			if len(used.Keys) == 0 {
				a.image(found, used)
			}
		}
	}
	return a
}

// keys looks for the versions to which keys lead in the cells of an entry.
func (a *absence) keys(cells []*Cell, used *config.Image, keys *config.Key) {
	with, without := split(cells, used, func(p bump.Place) bool { return slices.Equal(p.Keys, keys.Path) })
	const hint = "write the keys as they stand there, such as image.tag"
	switch app := cells[0].app; {
	case len(with) == 0 && app.Discovered:
		a.faults = append(a.faults, a.matrix.Config.Fault(keys.Offset, hint,
			"there is no version at %s in any of the %s of the apps that are discovered", keys, files(cells)))
		return
	case len(with) == 0:
		a.faults = append(a.faults, a.matrix.Config.Fault(keys.Offset, hint,
			"app %s: there is no version at %s in any of its %s", app.Name, keys, files(cells)))
		return
	case !app.Discovered:
		return
	}
	for _, cell := range without {
		if slices.ContainsFunc(cell.Files, func(path string) bool { return a.unread[path] }) {
			continue
		}
		f := fault.New(fault.Config, "add it, or let the pattern leave the file out", "app %s has no version at %s in %s", cell.App, keys, cell.Env)
		f.Path = cell.Files[0]
		a.warnings = append(a.warnings, f)
	}
}

// image looks for an image in the cells of an entry.
func (a *absence) image(cells []*Cell, used *config.Image) {
	with, without := split(cells, used, func(bump.Place) bool { return true })
	const hint = "check the spelling; if only a tag stands there, say where with keys"
	if len(with) == 0 && cells[0].app.Discovered {
		a.faults = append(a.faults, a.matrix.Config.Fault(used.Offset, hint,
			"no version of %s stands in any of the %s of the apps that are discovered", used.Image, files(cells)))
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
			f := a.matrix.Config.Fault(used.Offset, hint, "app %s: no version of %s stands in any of its %s",
				app.Name, app.image(used).Image.Familiar(), files(without[:n]))
			if app.Discovered {
				a.warnings = append(a.warnings, f)
			} else {
				a.faults = append(a.faults, f)
			}
		}
		without = without[n:]
	}
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
