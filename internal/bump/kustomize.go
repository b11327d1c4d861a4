package bump

import (
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// isKustomizeImage reports whether a mapping is an entry of images, as it
// stands in a kustomization, and in the Kustomization of Flux.
// https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
func isKustomizeImage(n *edit.Node, t *trail) bool {
	if !t.at("images") || n.Get("name") == nil {
		return false
	}
	return n.Get("newTag") != nil || n.Get("newName") != nil || n.Get("digest") != nil && n.Get("tag") == nil
}

// kustomizeImage adds the sites of one entry. It speaks of the image by the
// name that manifests use and by the one that it is replaced with, and either
// finds it while both are the same image: see [replaces].
func (s *selection) kustomizeImage(entries []entry) {
	var names []image.Repository // the new name first
	var tags, digests []entry
	newName := ""
	for _, e := range entries {
		switch e.key {
		case "name", "newName":
			s.doc.names[e.node] = true
			repo, err := image.ParseRepository(e.text())
			if e.key == "newName" {
				newName = e.text()
			}
			if err == nil && e.key == "newName" {
				names = slices.Insert(names, 0, repo)
			} else if err == nil {
				names = append(names, repo)
			}
		case "newTag":
			tags = append(tags, e)
		case "digest":
			digests = append(digests, e)
		}
	}
	if len(names) == 0 {
		return
	}
	tags = withoutEmpty(tags, digests)
	repo := names[0]
	if i := slices.IndexFunc(names, s.doc.isMoved); i >= 0 {
		repo = names[i]
	}
	for i := range max(len(tags), len(digests)) {
		found := &site{image: repo}
		if len(tags) > 0 {
			n := tags[min(i, len(tags)-1)].node
			if n.Kind != edit.Scalar || !image.ValidTag(n.Value) {
				s.doc.mention(n, repo, reasonNoTag(n.Text()))
				continue
			}
			found.tag = whole(n)
		}
		if len(digests) > 0 {
			found.setDigest(digests[min(i, len(digests)-1)])
		}
		switch {
		case found.tag.node == nil && found.digest.node == nil:
		case replaces(newName, repo):
			s.doc.mention(found.place().node, repo, reasonReplaced+newName)
		default:
			s.add(found)
		}
	}
	if len(tags) == 0 && len(digests) == 0 {
		s.doc.mention(entries[0].node, repo, "the entry has neither newTag nor digest")
	}
}

// reasonReplaced begins the reason of mentions of versions that are those of
// the image that a kustomization puts in another's place.
const reasonReplaced = "it is replaced by "

// replaces reports whether newName puts something else in an image's place,
// whose version is its own. A mirror has the same name elsewhere.
func replaces(newName string, repo image.Repository) bool {
	return newName != "" && newName[strings.LastIndexByte(newName, '/')+1:] != repo.Base()
}

// kustomizeString adds the site of an image override written as a string, as
// Argo CD's kustomize.images and `kustomize edit set image` have it:
// name=newname:tag, name=*:tag, name=:tag.
func (s *selection) kustomizeString(name string, value part) {
	old, err := image.ParseRepository(name)
	if err != nil {
		return
	}
	if text := value.text(); strings.HasPrefix(text, "*:") || strings.HasPrefix(text, ":") {
		from := value.from + strings.IndexByte(text, ':') + 1
		if tag, digest, ok := versionIn(part{value.node, from, value.to}); ok {
			s.add(&site{image: old, tag: tag, digest: digest, joined: true})
		}
		return
	}
	ref, ok := referenceIn(value)
	if !ok {
		return
	}
	repo, ok := ref.repository()
	if !ok {
		return
	}
	if s.doc.isMoved(old) && !s.doc.isMoved(repo) {
		if (ref.tag.node != nil || ref.digest.node != nil) && replaces(ref.name, old) {
			s.doc.mention(value.node, old, reasonReplaced+repo.Familiar())
			return
		}
		repo = old
	}
	if ref.tag.node == nil && ref.digest.node == nil {
		s.untagged = append(s.untagged, untagged{value.node, repo})
		return
	}
	s.add(&site{image: repo, tag: ref.tag, digest: ref.digest, joined: true})
}
