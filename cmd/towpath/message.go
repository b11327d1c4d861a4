package main

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

const defaultMessage = `{{if eq (len .Moves) 1}}Bump {{range .Moves}}{{.Image}} to {{.To}}{{end}}{{else}}Bump {{len .Moves}} images{{end}}{{with .Envs}} in {{join . ", "}}{{end}}
{{range .Moves}}
{{.Image}}: {{join .From ", "}} -> {{.To}}{{end}}`

// messageTemplate is the template of a commit message. It is executed with
// messageData.
type messageTemplate struct{ *template.Template }

// messageData is what a message template can speak of.
type messageData struct {
	Moves []messageMove // in the order of the command line, those with a change
	Files []string      // the changed files, sorted
	Apps  []string      // to which the files belong, sorted; empty without a configuration
	Envs  []string      // in which they are, sorted
}

type messageMove struct {
	Image string   // as people spell it
	From  []string // the versions that it had, each once
	To    string   // tag, tag@digest or digest
}

var messageFuncs = template.FuncMap{"join": strings.Join}

func parseMessage(text string) (messageTemplate, error) {
	t, err := template.New("message").Option("missingkey=error").Funcs(messageFuncs).Parse(text)
	if err == nil {
		// Run it once on made-up data, so that a fault shows before anything changes.
		_, err = messageTemplate{t}.execute(messageData{
			Moves: []messageMove{{Image: "nginx", From: []string{"1"}, To: "2"}},
			Files: []string{"a.yaml"}, Apps: []string{"web"}, Envs: []string{"dev"},
		})
	}
	if err != nil {
		return messageTemplate{}, &fault.Error{
			Code: fault.Usage, Message: "--message is no usable template", Err: err,
			Hint: "it can use .Moves (each with .Image, .From, .To), .Files, .Apps and .Envs, as in --message '{{range .Moves}}Deploy {{.Image}} {{.To}}{{end}}'",
		}
	}
	return messageTemplate{t}, nil
}

func (t messageTemplate) execute(data messageData) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	if strings.TrimSpace(b.String()) == "" {
		return "", fmt.Errorf("the message is empty")
	}
	return b.String(), nil
}

// commit returns the message for the commit of a plan, with its trailers.
func (t messageTemplate) commit(r *bumpResult) (string, error) {
	var data messageData
	var trailers []audit.Move
	index := map[string]int{}
	for _, f := range r.plan.Files {
		if f.After == nil {
			continue
		}
		data.Files = append(data.Files, f.Path)
		claim := r.claim(f.Path)
		data.Apps, data.Envs = insert(data.Apps, claim.App), insert(data.Envs, claim.Env)
		for _, c := range f.Changes {
			name := c.Image.Familiar()
			i, ok := index[name]
			if !ok {
				i = len(data.Moves)
				index[name] = i
				data.Moves = append(data.Moves, messageMove{Image: name, To: c.To})
			}
			m := &data.Moves[i]
			if !slices.Contains(m.From, c.From) {
				m.From = append(m.From, c.From)
			}
			tag, digest := image.CutVersion(c.To)
			if digest != "" {
				m.To = c.To // the fullest that was written
			}
			trailers = append(trailers, audit.Move{App: claim.App, Env: claim.Env, Image: name, From: c.From, To: tag, Digest: digest})
		}
	}
	text, err := t.execute(data)
	if err != nil {
		return "", &fault.Error{Code: fault.Usage, Message: "--message is no usable template", Err: err}
	}
	return audit.Message(text, trailers), nil
}

// insert adds a word to sorted words, if it is not empty and not among them.
func insert(words []string, word string) []string {
	i, found := slices.BinarySearch(words, word)
	if found || word == "" {
		return words
	}
	return slices.Insert(words, i, word)
}
