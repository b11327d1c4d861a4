package propose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/image"
)

// The templates that say what a change is, where nothing else is asked for.
// They are executed with [Facts].
const (
	DefaultTitle   = `{{if eq (len .Moves) 1}}Bump {{range .Moves}}{{.Image}} to {{.To}}{{end}}{{else}}Bump {{len .Moves}} images{{end}}{{with .Envs}} in {{join . ", "}}{{end}}`
	DefaultMessage = DefaultTitle + `
{{range .Moves}}
{{.Image}}: {{join .From ", "}} -> {{.To}}{{end}}`
)

// Template is a text template over [Facts].
type Template struct{ *template.Template }

// ParseTemplate reads a template, and tries it on made-up facts, so that a
// fault shows before anything changes.
func ParseTemplate(text string) (Template, error) {
	t, err := template.New("text").Option("missingkey=error").Funcs(template.FuncMap{"join": strings.Join}).Parse(text)
	if err != nil {
		return Template{}, err
	}
	_, err = Template{t}.Execute(&Facts{
		Moves: []Move{{Image: "nginx", From: []string{"1"}, To: "2"}},
		Files: []string{"a.yaml"}, Apps: []string{"web"}, Envs: []string{"dev"},
	})
	return Template{t}, err
}

// Execute returns the text, which must not be empty.
func (t Template) Execute(f *Facts) (string, error) {
	var b strings.Builder
	if err := t.Template.Execute(&b, f); err != nil {
		return "", err
	}
	if strings.TrimSpace(b.String()) == "" {
		return "", errors.New("the text is empty")
	}
	return b.String(), nil
}

// Facts are what a template can speak of.
type Facts struct {
	Moves  []Move   // in the order of the first change of each
	Files  []string // the changed files, sorted
	Apps   []string // to which the files belong, sorted; empty without a configuration
	Envs   []string // in which they are, sorted
	Source string   // what the versions were built from, such as github.com/acme/web@SHA; may be empty
	Run    string   // the number of the pipeline's run; may be empty
	RunURL string   // may be empty

	trailers []audit.Move
	changes  []fileChange
}

// Move is an image's way to a version.
type Move struct {
	Image string   // as people spell it
	From  []string // the versions that it had, each once
	To    string   // tag, tag@digest or digest
}

// fileChange is one row of what a pull request says.
type fileChange struct{ image, from, to, path string }

// NewFacts gathers what changes in files, of which those without new contents
// do not count.
func NewFacts(files []bump.File, claim func(path string) config.Claim) *Facts {
	out := &Facts{}
	index := map[string]int{}
	for _, f := range files {
		if f.After == nil {
			continue
		}
		out.Files = insert(out.Files, f.Path)
		c := claim(f.Path)
		out.Apps, out.Envs = insert(out.Apps, c.App), insert(out.Envs, c.Env)
		for _, change := range f.Changes {
			name := change.Image.Familiar()
			i, ok := index[name]
			if !ok {
				i = len(out.Moves)
				index[name] = i
				out.Moves = append(out.Moves, Move{Image: name, To: change.To})
			}
			m := &out.Moves[i]
			if !slices.Contains(m.From, change.From) {
				m.From = append(m.From, change.From)
			}
			tag, digest := image.CutVersion(change.To)
			if digest != "" {
				m.To = change.To // the fullest that was written
			}
			out.trailers = append(out.trailers, audit.Move{App: c.App, Env: c.Env, Image: name, From: change.From, To: tag, Digest: digest})
			out.changes = append(out.changes, fileChange{name, change.From, change.To, f.Path})
		}
	}
	return out
}

// Message returns the text of a commit with its trailers.
func (f *Facts) Message(t Template, trail audit.Trail) (string, error) {
	text, err := t.Execute(f)
	if err != nil {
		return "", fmt.Errorf("execute the template: %w", err)
	}
	return trail.Message(text, f.trailers), nil
}

// insert adds a word to sorted words, if it is not empty and not among them.
func insert(words []string, word string) []string {
	i, found := slices.BinarySearch(words, word)
	if found || word == "" {
		return words
	}
	return slices.Insert(words, i, word)
}
