// Package bump owns the edit of image versions: which scalars of a config
// repo's files stand for an image, what they must become, and the proof that
// nothing else changed.
//
// Places are found by structure, in the files as they are; nothing has to be
// declared first. The package is pure: it gets bytes and returns bytes, and
// reaches files only through [Tree]. It opens no pull request, asks no
// registry and knows no environments.
//
//	plan, err := bump.Scan(ctx, tree, bump.Request{
//		Moves: []bump.Move{{Image: "ghcr.io/acme/web", Tag: "1.4.2"}},
//	})
//	for _, file := range plan.Files {
//		// write file.After to file.Path
//	}
package bump

import (
	"bytes"
	"slices"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// Move is an image's new version. At least one of Tag and Digest is set; a
// place that holds both changes only when both are given, so that neither goes
// stale.
type Move struct {
	Image  image.Repository
	Tag    string
	Digest string // such as "sha256:…"
}

// version is what the move writes, as in a reference: tag, tag@digest or digest.
func (m Move) version() string { return version(m.Tag, m.Digest) }

func version(tag, digest string) string {
	if tag != "" && digest != "" {
		return tag + "@" + digest
	}
	return tag + digest
}

// Request says what to bump. Its zero value bumps nothing.
type Request struct {
	Moves          []Move   // one at most for each image
	Set            []Target // further places, which hold the version of an image
	Add            []string // kustomizations in which an image gets an entry if it has no place
	AllowDowngrade bool     // let a version go back

	// Match says which files may change, by their path. Nil means all of them.
	// Files in Set, unless they are optional, and in Add are not asked for.
	Match func(path string) bool

	// MatchImage says which images may change in a file for which Match holds.
	// Nil means all of them.
	MatchImage func(path string, repo image.Repository) bool

	// IsOlder says that an image moves to an older version than the one that it
	// is at (tag, tag@digest or digest), though their tags tell no order. It is
	// asked only about such versions. Nil means that none is.
	IsOlder func(repo image.Repository, from string) bool
}

// Concerns reports whether a file of these contents matters to the request: if
// it does not, [Scan] comes to the same without it. It serves trees that are
// read in a stream, and must not be kept.
func (r Request) Concerns(path string, src []byte) bool {
	named := slices.Contains(r.Add, path) || slices.ContainsFunc(r.Set, func(t Target) bool { return t.Path == path })
	if named || declares(src) {
		return true
	}
	if r.Match != nil && !r.Match(path) {
		return false
	}
	return bytes.Contains(src, []byte(policyWord)) || moves(r.Moves).mentionedIn(src)
}

// HasPolicyMarker reports whether a text has a marker of Flux, whose image is
// declared by an object that may stand in any file of the tree.
func HasPolicyMarker(src []byte) bool { return bytes.Contains(src, []byte(policyWord)) }

// Target is a place that the caller names: a file and a path into it.
type Target struct {
	Path  string // of the file, slash-separated, relative to the tree
	Keys  edit.Path
	Image image.Repository // whose version it holds; "" means that of the first move

	// Optional is set where the file need not be there, nor have such keys: a
	// configuration may name keys for many files, of which some do without.
	Optional bool
}

// KeyTargets returns the optional targets to which keys lead in a file. each must
// call its argument with every image and its keys.
func KeyTargets(path string, each func(yield func(repo image.Repository, keys edit.Path))) []Target {
	var out []Target
	each(func(repo image.Repository, keys edit.Path) {
		out = append(out, Target{Path: path, Keys: keys, Image: repo, Optional: true})
	})
	return out
}

// Kind says what sort of place a version stands in.
type Kind string

// The kinds of place.
const (
	Kubernetes    Kind = "kubernetes"
	Kustomization Kind = "kustomization"
	HelmValues    Kind = "helm-values"
	Chart         Kind = "chart" // the version of a chart or artifact in an OCI registry
	ArgoCD        Kind = "argocd"
	Flux          Kind = "flux"
	Compose       Kind = "compose"
	GitLabCI      Kind = "gitlab-ci"
	GitHubActions Kind = "github-actions"
	CircleCI      Kind = "circleci"
	Skaffold      Kind = "skaffold"
	Helmfile      Kind = "helmfile"
	Spinnaker     Kind = "spinnaker"
	Terraform     Kind = "terraform"
	Template      Kind = "template" // a line of a file with {{ … }} that is no YAML
	Marker        Kind = "marker"   // named by a towpath or Flux marker comment
	Set           Kind = "set"      // named by the caller
	Keys          Kind = "keys"     // named by the caller for many files
)

// Change is one place that gets, or already has, a new version. From and To
// are versions as in a reference: tag, tag@digest, or digest alone.
type Change struct {
	Path     string
	Position edit.Position // of the first byte that changes
	Kind     Kind
	Image    image.Repository
	From, To string
	Keys     edit.Path // of the target that led there, if one did
}

// Mention is a place that names an image and is left alone, and why. A name
// without a version, which is usual where a kustomization or values give it, is
// mentioned only if the image was found nowhere.
type Mention struct {
	Path     string
	Position edit.Position
	Text     string // what stands there, as one line of at most some 120 characters
	Reason   string
	Other    bool // it is another image, whose name ends alike

	untagged image.Repository // the image, if it stands there without a version
}

// File is what becomes of one file. After is nil if nothing changes in it.
type File struct {
	Path          string
	Before, After []byte
	Changes       []Change       // in the order of the file
	Current       []Change       // places that hold the version already, From equal to To
	Refused       []*fault.Error // places, or documents, that could not be changed safely
	Mentions      []Mention

	refused map[image.Repository]bool // the images that Refused speaks of
	places  []Place                   // what a survey found
}

// Plan is what a request comes to on a tree. Files are in the order of their
// paths, and only those that changed or have something to tell.
type Plan struct {
	Files []File
}

// Changed reports whether any file changes.
func (p *Plan) Changed() bool {
	return slices.ContainsFunc(p.Files, func(f File) bool { return f.After != nil })
}

// Found reports whether the image stands in a place that can be bumped:
// changed, current or refused.
func (p *Plan) Found(repo image.Repository) bool {
	is := func(c Change) bool { return c.Image == repo }
	return slices.ContainsFunc(p.Files, func(f File) bool {
		return slices.ContainsFunc(f.Changes, is) || slices.ContainsFunc(f.Current, is) || f.refused[repo]
	})
}
