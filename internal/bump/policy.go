package bump

import (
	"bytes"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// policies are the images that Flux's image policies stand for, as far as the
// tree declares them: what a marker's "namespace:name" means.
// https://fluxcd.io/flux/components/image/imagepolicies/
type policies map[string]image.Repository

// image returns the image of a policy. Where the tree leaves the namespace to
// a kustomization, the name decides.
func (p policies) image(policy string) (image.Repository, bool) {
	if repo, ok := p[policy]; ok {
		return repo, true
	}
	_, name, _ := strings.Cut(policy, ":")
	repo, ok := p[":"+name]
	return repo, ok
}

// of returns the policies that stand for an image that moves.
func (p policies) of(ms moves) policies {
	out := policies{}
	for name, repo := range p {
		if ms.has(repo) {
			out[name] = repo
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
// by "namespace:name", as single files have them.
type declarations struct {
	repositories map[string]image.Repository
	policies     map[string]string // policy → repository
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
				d.repositories[name] = repo
			}
		case "ImagePolicy":
			d.policies[name] = refName(spec.Get("imageRepositoryRef"), namespace)
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
	for policy, repository := range d.policies {
		if repo, ok := d.repositories[repository]; ok {
			out[policy] = repo
		}
	}
	return out
}
