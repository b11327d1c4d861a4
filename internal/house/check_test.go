package house

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Every check takes a module and returns what is wrong with it, one sentence
// each, in a fixed order.

// checkRows wants one row per package and one package per row.
func checkRows(m module, floors map[string]int) []string {
	var problems []string
	for _, p := range m.packages {
		if _, ok := floors[p.dir]; !ok {
			problems = append(problems, fmt.Sprintf("package %s has no floor: add its row to floors in internal/house/house_test.go, "+
				"one above the highest package of the module that it imports or higher", p.dir))
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(floors)) {
		if !slices.ContainsFunc(m.packages, func(p pkg) bool { return p.dir == dir }) {
			problems = append(problems, fmt.Sprintf("floors has a row for %s, and there is no such package: remove the row", dir))
		}
	}
	return problems
}

// checkFloors wants every import inside the module to go down. Packages
// without a row are left to checkRows.
func checkFloors(m module, floors map[string]int) []string {
	var problems []string
	for _, p := range m.packages {
		from, ok := floors[p.dir]
		if !ok {
			continue
		}
		for _, imported := range p.imports {
			dir, inside := m.inside(imported.path)
			if !inside {
				continue
			}
			if to, ok := floors[dir]; ok && to >= from {
				problems = append(problems, fmt.Sprintf("%s: %s (floor %d) imports %s (floor %d): only a strictly lower floor may be imported",
					imported.file, p.dir, from, dir, to))
			}
		}
	}
	return problems
}

// checkKeepers wants each kept module imported by its keeper alone, and to be
// in go.mod at all.
func checkKeepers(m module, keepers map[string]string) []string {
	var problems []string
	for _, kept := range slices.Sorted(maps.Keys(keepers)) {
		keeper := keepers[kept]
		if !slices.ContainsFunc(m.requires, func(r string) bool { return withoutMajor(r) == kept }) {
			problems = append(problems, fmt.Sprintf("keepers has a row for %s, and go.mod does not require it: remove the row", kept))
		}
		if !slices.ContainsFunc(m.packages, func(p pkg) bool { return p.dir == keeper }) {
			problems = append(problems, fmt.Sprintf("keepers gives %s to %s, and there is no such package", kept, keeper))
		}
		for _, p := range m.packages {
			if p.dir == keeper {
				continue
			}
			for _, imported := range p.imports {
				if imported.path == kept || strings.HasPrefix(imported.path, kept+"/") {
					problems = append(problems, fmt.Sprintf("%s: %s imports %s: only %s may", imported.file, p.dir, imported.path, keeper))
				}
			}
		}
	}
	return problems
}

// checkDocs wants exactly one package comment in each package.
func checkDocs(m module) []string {
	var problems []string
	for _, p := range m.packages {
		switch len(p.docs) {
		case 0:
			problems = append(problems, fmt.Sprintf("package %s has no package comment: say what it owns and what it refuses", p.dir))
		case 1:
		default:
			problems = append(problems, fmt.Sprintf("package %s has a package comment in each of %s: keep one", p.dir, strings.Join(p.docs, ", ")))
		}
	}
	return problems
}

// checkNames wants packages, and the directories above them, to be named for
// what they own.
func checkNames(m module, forbidden []string) []string {
	var problems []string
	for _, p := range m.packages {
		for _, name := range append(strings.Split(p.dir, "/"), p.name) {
			if slices.Contains(forbidden, name) {
				problems = append(problems, fmt.Sprintf("package %s: the name %q says nothing about what it owns", p.dir, name))
				break
			}
		}
	}
	return problems
}

// checkEffects wants no package but a command to do anything by being imported.
// embed is let through: Go wants it imported blank, and it does nothing.
func checkEffects(m module) []string {
	var problems []string
	for _, p := range m.packages {
		if p.dir == "cmd" || strings.HasPrefix(p.dir, "cmd/") {
			continue
		}
		for _, file := range p.inits {
			problems = append(problems, fmt.Sprintf("%s: %s has an init function: initialise at the first use, or let cmd do it", file, p.dir))
		}
		for _, imported := range p.imports {
			if imported.isBlank && imported.path != "embed" {
				problems = append(problems, fmt.Sprintf("%s: %s imports %s only for its effects: leave that to cmd", imported.file, p.dir, imported.path))
			}
		}
	}
	return problems
}

// checkRooms wants no new directory at the top by accident.
func checkRooms(m module, rooms []string) []string {
	var problems []string
	for _, dir := range m.top {
		if !strings.HasPrefix(dir, ".") && !slices.Contains(rooms, dir) {
			problems = append(problems, fmt.Sprintf("%s/ stands at the top: move it into one of %s", dir, strings.Join(rooms, ", ")))
		}
	}
	return problems
}

var majorSuffix = regexp.MustCompile(`^v[0-9]+$`)

// withoutMajor returns a module's path without its major version.
func withoutMajor(module string) string {
	if dir, last := path.Split(module); majorSuffix.MatchString(last) {
		return strings.TrimSuffix(dir, "/")
	}
	return module
}

// inside returns the directory of an imported package of the module.
func (m module) inside(imported string) (dir string, ok bool) {
	if imported == m.path {
		return ".", true
	}
	return strings.CutPrefix(imported, m.path+"/")
}
