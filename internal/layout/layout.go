// Package layout owns the first guess at a configuration: from the files of a
// tree, and the image versions that stand in them, it tells which environments
// and apps there are, and writes that down as a .towpath.yaml with its reasons.
//
// It refuses to decide what a tree does not say. What it cannot tell it asks,
// and what nobody answers it leaves out and says so. It reads through the
// functions that it is given, and writes no file.
package layout

import (
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// Tree is what is looked at.
type Tree struct {
	Files []string                          // slash-separated, relative to the tree, sorted
	Read  func(path string) ([]byte, error) // a file that gives an error is taken for one without content; nil reads none
	Uses  []Use
}

// Use is an image that stands in a file together with a version.
type Use struct {
	Path    string
	Image   image.Repository
	Version string // tag, tag@digest, or digest alone
}

// Proposal is a guess at a configuration.
type Proposal struct {
	Environments []Environment // in the order in which versions travel
	Apps         []App         // by name; those that are discovered come last
	Reasons      []string      // why these environments, in this order: sentences
	Notes        []string      // what was left out and why: sentences
	Questions    []Question    // what the tree does not say, and no answer did
	Asked        []string      // the IDs of all questions that may be answered on this tree; nil if Problem is set

	// Problem is set when there is nothing to write: no environment was found,
	// or an answer cannot be used. Nil means that Format writes a whole file.
	Problem *fault.Error
}

// Environment is an environment as .towpath.yaml has it.
type Environment struct {
	Name  string
	Group string   // "" if it is in none
	After []string // environments or groups; empty if versions enter here
}

// App is one app, or what is discovered by a pattern: either Name or Discover
// is set.
type App struct {
	Name     string
	Discover string   // a pattern with {app}; then Files is empty
	Images   []Image  // none if Question is open
	Files    []string // patterns

	// Question is the ID of the question that must be answered before the app
	// can be written, "" if there is none. Its keys are in Images, without name.
	Question string
}

// Image is an image of an app.
type Image struct {
	Name string   // as in a reference without a version; {app} stands for the app
	Keys []string // where its version stands if the files do not name the image
}

// Question is something that a tree does not say.
type Question struct {
	ID         string   // by which [Answers] has its answer; the same in every run on a tree
	Text       string   // one sentence
	Candidates []string // what the answer may be made of; may be empty
	Default    string   // the answer that is assumed, "" if there is none
}

// Answers are answers to questions, by [Question.ID]. An empty answer, as one
// that is not there, leaves the question open.
//
// The answer to "environments" and to "order" is a list of names, first to
// last, separated by commas; names joined by "+" get a version at the same
// time. Any other answer is the name of an image, in which {app} stands for
// the app.
type Answers map[string]string

// The questions that are not about one app.
const (
	askEnvironments = "environments"
	askOrder        = "order"
)

// Always returns the IDs of the questions that may be answered on every tree.
func Always() []string { return []string{askEnvironments, askOrder} }

// Guess looks at a tree. It calls tree.Read for some of the files, and gives
// the same proposal for the same tree and answers.
func Guess(tree Tree, answers Answers) Proposal {
	g := survey(tree)
	levels, problem := answers.names(askEnvironments, askOrder)
	if problem != nil {
		return Proposal{Problem: problem}
	}
	g.only = answers[askEnvironments] != ""
	for _, name := range slices.Concat(levels...) {
		g.given[name] = true
	}

	clues := g.look()
	v := g.read(clues)
	units := g.apps(v)
	for strays := g.strays(v, units, clues); len(strays) > 0; strays = g.strays(v, units, clues) {
		maps.Copy(g.stray, strays)
		clues = without(clues, strays)
		v = g.read(clues)
		units = g.apps(v)
	}
	if len(v.names) == 0 && g.only && len(g.given) == 1 {
		v = g.readFlat(levels[0][0])
		units = g.apps(v)
	}
	if len(v.names) == 0 {
		return nothingFound(g)
	}
	var p Proposal
	p.Environments, p.Questions = arrange(v.names, levels, clues)
	s := &settlement{ground: g, view: v, units: units, answers: answers, proposal: &p}
	s.settle()
	if p.Problem != nil {
		return Proposal{Problem: p.Problem}
	}
	p.Asked = append(Always(), slices.Sorted(maps.Keys(s.pending))...)
	p.Reasons = s.reasons(clues, levels)
	s.note()
	s.noteStrays()
	s.noteCapitals(clues)
	return p
}

// nothingFound says what was looked for, and asks for it unless the tree has to
// be changed first.
func nothingFound(g *ground) Proposal {
	names := g.capitals(func(string) bool { return true })
	switch {
	case g.only && slices.ContainsFunc(names, func(n string) bool { return g.given[strings.ToLower(n)] }), !g.only && len(names) > 1:
		return Proposal{Problem: fault.New(fault.NotFound,
			"{env} stands for lower-case names only: rename the folders or files, such as with `git mv`, and what refers to them",
			"no environments were found: %s are not in lower case", list(names, 5))}
	}
	question := Question{
		ID:   askEnvironments,
		Text: "Which environments are there, first to last, such as dev, staging, prod? Each is the name of folders or files, unless there is only one.",
	}
	return Proposal{Problem: whatWasSought(g), Questions: []Question{question}}
}

func whatWasSought(g *ground) *fault.Error {
	if g.only {
		return fault.New(fault.NotFound, "environments are told apart by the names of folders or files",
			"no folder or file is named after %s", list(slices.Sorted(maps.Keys(g.given)), len(g.given)))
	}
	files := "file"
	if len(g.files) != 1 {
		files += "s"
	}
	return fault.New(fault.NotFound,
		"towpath looked for folders and files named after environments (dev, staging, prod and the like), folders in overlays, envs, "+
			"environments and clusters, values-<env>.yaml, and environments that Argo CD, Flux and Helmfile name",
		"no environments were found in %d %s", len(g.files), files)
}
