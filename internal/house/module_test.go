package house

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is what the checks look at.
type module struct {
	path     string   // from go.mod
	requires []string // the modules that go.mod requires, indirect ones too
	packages []pkg    // sorted by directory
	top      []string // directories at the top
}

// pkg is a package without its tests. Files are named relative to the module,
// with slashes.
type pkg struct {
	dir     string // relative to the module; "." at the top
	name    string
	imports []imported
	docs    []string // the files with a package comment
	inits   []string // the file of each init function
}

// imported is one import line.
type imported struct {
	path    string
	file    string
	isBlank bool
}

// readModule reads every Go file below root, whatever its build constraints:
// a rule must not hold on one system only. Tests, testdata, nested modules and
// directories that the go command passes over are left out.
func readModule(root string) (module, error) {
	var m module
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return m, err
	}
	m.path, m.requires = parseGoMod(string(mod))

	found := map[string]*pkg{}
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			if rel != "." && !strings.Contains(rel, "/") {
				m.top = append(m.top, rel)
			}
			if rel != "." && isSkipped(name, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		dir := path.Dir(rel)
		if found[dir] == nil {
			found[dir] = &pkg{dir: dir}
		}
		return found[dir].add(rel, source)
	})
	if err != nil {
		return m, fmt.Errorf("read the module at %s: %w", root, err)
	}
	for _, p := range found {
		m.packages = append(m.packages, *p)
	}
	slices.SortFunc(m.packages, func(a, b pkg) int { return cmp.Compare(a.dir, b.dir) })
	return m, nil
}

func isSkipped(name, base string) bool {
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" {
		return true
	}
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	return err == nil
}

// add reads one file of the package.
func (p *pkg) add(file string, source []byte) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.name = parsed.Name.Name
	if parsed.Doc != nil && strings.TrimSpace(parsed.Doc.Text()) != "" {
		p.docs = append(p.docs, file)
	}
	for _, spec := range parsed.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("%s: import of %s: %w", file, spec.Path.Value, err)
		}
		p.imports = append(p.imports, imported{path: to, file: file, isBlank: spec.Name != nil && spec.Name.Name == "_"})
	}
	for _, decl := range parsed.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			p.inits = append(p.inits, file)
		}
	}
	return nil
}

// parseGoMod returns a go.mod file's module path and the paths it requires.
func parseGoMod(text string) (name string, requires []string) {
	inBlock := false
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case inBlock && fields[0] == ")":
			inBlock = false
		case inBlock:
			requires = append(requires, fields[0])
		case fields[0] == "module" && len(fields) == 2:
			name = fields[1]
		case fields[0] == "require" && len(fields) == 2 && fields[1] == "(":
			inBlock = true
		case fields[0] == "require" && len(fields) == 3:
			requires = append(requires, fields[1])
		}
	}
	return name, requires
}
