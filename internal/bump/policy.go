package bump

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// policies are the images that Flux's image policies stand for, as far as the
// tree declares them: what a marker's "namespace:name" means. A tree that holds
// several clusters may declare one name several times, with different images.
// https://fluxcd.io/flux/components/image/imagepolicies/
type policies map[string][]image.Repository

// images returns the images of a policy. Where the tree leaves the namespace
// to a kustomization, the name decides.
func (p policies) images(policy string) []image.Repository {
	if repos, ok := p[policy]; ok {
		return repos
	}
	_, name, _ := strings.Cut(policy, ":")
	return p[":"+name]
}

// of returns the policies that stand, or may stand, for an image that moves.
func (p policies) of(ms moves) policies {
	out := policies{}
	for name, repos := range p {
		if slices.ContainsFunc(repos, ms.has) {
			out[name] = repos
		}
	}
	return out
}

// mentionedIn reports whether text has a marker of one of the policies.
func (p policies) mentionedIn(text []byte) bool {
	if len(p) == 0 || !bytes.Contains(text, []byte(policyWord)) {
		return false
	}
	for policy := range p {
		_, name, _ := strings.Cut(policy, ":")
		if bytes.Contains(text, []byte(":"+name)) {
			return true
		}
	}
	return false
}

// declarations are the policies and the repositories that they refer to, both
// by "namespace:name", as single files have them. All that is declared under a
// name is kept, so that the order of the files does not matter.
type declarations struct {
	repositories map[string]map[image.Repository]bool
	policies     map[string]map[string]bool // policy → repositories
}

func newDeclarations() declarations {
	return declarations{map[string]map[image.Repository]bool{}, map[string]map[string]bool{}}
}

// add adds what is declared elsewhere.
func (d *declarations) add(other declarations) {
	for name, repos := range other.repositories {
		for repo := range repos {
			insert(d.repositories, name, repo)
		}
	}
	for name, refs := range other.policies {
		for ref := range refs {
			insert(d.policies, name, ref)
		}
	}
}

func insert[V comparable](m map[string]map[V]bool, name string, v V) {
	if m[name] == nil {
		m[name] = map[V]bool{}
	}
	m[name][v] = true
}

// declares reports whether a file may declare a policy or a repository.
func declares(src []byte) bool {
	return bytes.Contains(src, []byte("ImagePolicy")) || bytes.Contains(src, []byte("ImageRepository"))
}

// read adds what a file declares. Documents that cannot be read declare nothing.
func (d *declarations) read(src []byte) {
	for _, span := range formatYAML.spans(src) {
		if !declares(src[span.Start:span.End]) {
			continue
		}
		doc, err := formatYAML.parse("", src, span)
		if err != nil {
			continue
		}
		root := doc.Root()
		if !strings.HasPrefix(root.Get("apiVersion").Text(), "image.toolkit.fluxcd.io/") {
			continue
		}
		namespace := root.Get("metadata").Get("namespace").Text()
		name := namespace + ":" + root.Get("metadata").Get("name").Text()
		spec := root.Get("spec")
		switch root.Get("kind").Text() {
		case "ImageRepository":
			if repo, err := image.ParseRepository(spec.Get("image").Text()); err == nil {
				insert(d.repositories, name, repo)
			}
		case "ImagePolicy":
			insert(d.policies, name, refName(spec.Get("imageRepositoryRef"), namespace))
		}
	}
}

func refName(ref *edit.Node, namespace string) string {
	if other := ref.Get("namespace").Text(); other != "" {
		namespace = other
	}
	return namespace + ":" + ref.Get("name").Text()
}

// resolve joins policies with their repositories.
func (d *declarations) resolve() policies {
	out := policies{}
	for policy, refs := range d.policies {
		images := map[image.Repository]bool{}
		for ref := range refs {
			maps.Copy(images, d.repositories[ref])
		}
		if len(images) > 0 {
			out[policy] = slices.Sorted(maps.Keys(images))
		}
	}
	return out
}
