// Package config owns .towpath.yaml, the file in a config repo that says which
// environments there are, in what order versions travel through them, and
// where each app's versions stand.
//
// It reads the file strictly, reports all of its faults at once, and fills in
// the defaults. It reads no other file: which files the patterns find is asked
// of it, and what reaches live systems stands elsewhere.
package config

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/schema"
)

// Path is where the file stands, from the top of the repository.
const Path = ".towpath.yaml"

// Config is the file, with its defaults filled in. The tags of the fields are
// the declaration of the file; see [schema].
type Config struct {
	Version      int           `key:"version,required" min:"1" max:"1" doc:"the version of this file's format"`
	Environments []Environment `key:"environments,required" max:"1000" alias:"env,envs,stages" doc:"where apps run, in the order that their after gives; that of the list is for reading"`
	Apps         []App         `key:"apps" alias:"applications,services" doc:"what is deployed, and where its versions stand"`
	Freezes      []Freeze      `key:"freezes" doc:"when nothing is opened or merged for an environment"`
	Promotion    Promotion     `key:"promotion" doc:"how versions are promoted"`
	Rollback     Rollback      `key:"rollback" doc:"how versions are rolled back"`
	Commands     Commands      `key:"commands" doc:"who may give a command: whoever has one of its permissions (read, triage, write, maintain, admin, team:NAME, user:NAME), nobody for []. The commands are promote, rollback, hold, release, cancel, retry, force, plan, drift, status and okToPlan; those left out have [write], but force [admin], and plan, drift and status [read]"`
	Plan         Plan          `key:"plan" doc:"what pull requests are told of their effect"`
	Drift        Drift         `key:"drift" doc:"how what runs is compared with the repository"`
	_            struct{}      `key:"x-*" doc:"ignored: a place for anchors"`

	file   schema.File
	byName map[string]int // environments
}

//go:embed towpath.schema.json
var schemaJSON []byte

// Schema returns the JSON Schema of the file, for editors.
func Schema() []byte { return slices.Clone(schemaJSON) }

// Keys lists the keys of the file.
func Keys() []schema.Key { return schema.Keys(Config{}) }

// Parse reads the file. The error joins one [fault.Error] for each fault, in
// the order of the file, and there is no Config with an error. A file of a
// later version has that one fault only.
func Parse(src []byte) (*Config, error) {
	c := &Config{file: schema.File{Path: Path, Src: src}}
	const empty = "remove it, and `towpath init` writes a first one"
	spans := yamledit.Split(src)
	if len(spans) == 0 {
		return nil, c.Fault(0, empty, "the file is empty")
	}
	doc, err := yamledit.Parse(src, spans[0])
	if e, ok := errors.AsType[*edit.SyntaxError](err); ok {
		return nil, c.syntax(yamledit.Diagnose(src, spans[0], e))
	}
	if err != nil {
		return nil, c.Fault(0, "", "the file is not YAML: %v", err)
	}
	root := doc.Root()
	if root == nil || root.Kind == edit.Scalar && root.Tag == edit.TagNull {
		return nil, c.Fault(spans[0].Start, empty, "the file is empty")
	}
	c.file.Doc = doc
	if version := root.Get("version"); isLater(version) {
		return nil, c.Fault(version.Start, "upgrade towpath",
			"the file is for a later towpath: it has version %s, and this one reads version 1", version.Value)
	}
	faults := schema.Decode(root, c)
	c.byName = make(map[string]int, len(c.Environments))
	for i, e := range slices.Backward(c.Environments) {
		c.byName[e.Name] = i
	}
	if len(spans) > 1 {
		faults = append(faults, schema.Fault{
			Offset: spans[1].Start, Message: "the file has a second document", Hint: "write everything in one, without ---",
		})
	}
	k := check{Config: c, faults: faults}
	k.environments()
	k.order()
	k.gates()
	k.apps()
	k.claims()
	k.freezes()
	k.plan()
	if err := c.file.Error(k.faults); err != nil {
		return nil, err
	}
	c.resolve()
	return c, nil
}

// syntax makes faults of why the file cannot be read.
func (c *Config) syntax(found []yamledit.Diagnosis) error {
	var faults []schema.Fault
	for _, d := range found {
		message := "the file is not YAML: " + d.Message
		if !d.Exact {
			hint := cmp.Or(d.Hint, "look at this line and those before it for a bracket or a quote that is not closed, a colon without a space behind it, or an indentation unlike that of its neighbours")
			f := c.Fault(d.Offset, hint, "%s", message)
			f.Column = 0 // only the line is known
			return f
		}
		faults = append(faults, schema.Fault{Offset: d.Offset, Message: message, Hint: d.Hint})
	}
	return c.file.Error(faults)
}

// isLater reports whether a version is one that is yet to come, in quotes or
// not.
func isLater(version *edit.Node) bool {
	if version == nil || version.Kind != edit.Scalar {
		return false
	}
	number := strings.TrimLeft(version.Value, "0")
	return number > "1" && strings.Trim(number, "0123456789") == ""
}

// Hint says where the keys belong that people look for here.
func (Config) Hint(unknown string) string {
	switch unknown {
	case "argocd", "clusters", "registries", "kubeconfig", "credentials", "secrets", "webhooks", "terraform", "token":
		return "what reaches live systems stands in the bot's own file, never in the config repo"
	}
	return ""
}

// Fault returns a fault at an offset of the file, as values keep it, with its
// position and the text of the line.
func (c *Config) Fault(offset int, hint, format string, args ...any) *fault.Error {
	return c.file.Fault(offset, hint, format, args...)
}

// resolve puts into place what is written once for several: the members of
// groups, and an app's keys.
func (c *Config) resolve() {
	m := c.membersByName()
	for i := range c.Environments {
		c.Environments[i].After = m.expand(c.Environments[i].After)
	}
	c.place()
	for i := range c.Apps {
		if a := &c.Apps[i]; len(a.Keys) > 0 {
			a.Images[0].Keys = a.Keys
		}
	}
	for i := range c.Freezes {
		c.Freezes[i].Environments = m.expand(c.Freezes[i].Environments)
	}
}

// check is one look for what values of the file say together.
type check struct {
	*Config
	faults  []schema.Fault
	members members
	vague   bool // an environment has no name, so that one that is not known may be it
}

// fault adds a fault at the value to which steps lead.
func (k *check) fault(at []any, hint, format string, args ...any) {
	k.faultAt(k.file.Offset(at...), hint, format, args...)
}

func (k *check) faultAt(offset int, hint, format string, args ...any) {
	k.faults = append(k.faults, schema.Fault{Offset: offset, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// again adds a fault at the second of two values that must differ.
func (k *check) again(first, second []any, format string, args ...any) {
	k.fault(second, k.file.First(k.file.Offset(first...), k.file.Offset(second...)), format, args...)
}

// steps are a way through the file, for [schema.File.Offset].
func steps(s ...any) []any { return s }
