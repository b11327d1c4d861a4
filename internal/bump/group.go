package bump

import (
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// entry is a key and the node under it, as a mapping or a list of named values
// has it. Aliases are resolved.
type entry struct {
	key  string
	node *edit.Node
}

func (e entry) text() string { return e.node.Text() }

// role is what a key says of an image.
type role uint8

const (
	noRole role = iota
	registryRole
	repositoryRole
	imageRole // the repository's name under a key that often holds a whole reference
	nameRole
	tagRole
	versionRole
	digestRole
	typeRole
)

// roleOf reads a key such as tag, imageTag, WEB_IMAGE_TAG or image.tag. Keys
// with the same stem speak of the same image.
func roleOf(key string) (stem string, r role) {
	path, last := "", key
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		path, last = key[:i+1], key[i+1:]
	}
	word := strings.ToLower(wordBreaks.Replace(last))
	if isAside(key) {
		return "", noRole
	}
	switch word {
	case "name":
		return path, nameRole
	case "type":
		return path, typeRole
	case "version":
		return path, versionRole
	case "sha":
		return path, digestRole
	}
	for _, suffix := range suffixes {
		if stem, ok := strings.CutSuffix(word, suffix.word); ok {
			return path + strings.TrimSuffix(stem, "image"), suffix.role
		}
	}
	return "", noRole
}

var wordBreaks = strings.NewReplacer("_", "", "-", "")

var suffixes = []struct {
	word string
	role role
}{
	{"registry", registryRole},
	{"repository", repositoryRole},
	{"repo", repositoryRole},
	{"imagename", imageRole},
	{"image", imageRole},
	{"digest", digestRole},
	{"sha256", digestRole},
	{"imagesha", digestRole},
	{"imageversion", tagRole},
	{"tag", tagRole},
}

// group is what the keys with one stem say of one image.
type group struct {
	stem     string
	trail    *trail // of the mapping; nil for a list of named values
	checkout bool   // the mapping may speak of source code
	docker   bool   // the mapping says that it is an artifact of Docker
	keys     [typeRole + 1][]entry
}

// groups adds the sites of images whose name and version stand under keys of
// their own: registry, repository, tag and digest in all their spellings.
func (s *selection) groups(entries []entry, t *trail) {
	if !s.hasImage(entries) {
		return
	}
	checkout := isCheckout(entries, t)
	var groups []*group
	known := map[string]*group{} // by stem
	for _, e := range entries {
		if e.node.Kind != edit.Scalar || e.node.Tag == edit.TagNull {
			continue
		}
		k := s.role(e.key)
		if k.role == noRole || k.role == digestRole && isCommit(e) {
			continue
		}
		g := known[k.stem]
		if g == nil {
			g = &group{stem: k.stem, trail: t, checkout: checkout}
			known[k.stem] = g
			groups = append(groups, g)
		}
		g.keys[k.role] = append(g.keys[k.role], e)
		g.docker = g.docker || k.role == typeRole && e.text() == "docker/image"
	}
	for _, g := range groups {
		s.group(g)
	}
}

// hasImage reports whether entries hold more than names and types, which most
// mappings have and which say nothing of an image by themselves.
func (s *selection) hasImage(entries []entry) bool {
	for _, e := range entries {
		switch s.role(e.key).role {
		case noRole, nameRole, typeRole, registryRole, imageRole:
		default:
			return true
		}
	}
	return false
}

// keyRole is what [roleOf] says of a key.
type keyRole struct {
	stem string
	role role
}

// role is roleOf with a memory: a document has few different keys.
func (s *selection) role(key string) keyRole {
	k, ok := s.roles[key]
	if !ok {
		k.stem, k.role = roleOf(key)
		s.roles[key] = k
	}
	return k
}

// isCheckout reports whether a mapping may speak of source code, where
// repository and tag are those of git.
func isCheckout(entries []entry, t *trail) bool {
	if t != nil && (containsFold(t.key, "git") || t.key == "scm" || t.key == "vcs") {
		return true
	}
	for _, e := range entries {
		switch e.key {
		case "branch", "commit", "revision", "gitRef", "repoURL":
			return true
		}
	}
	return false
}

func (s *selection) group(g *group) {
	tags, digests := g.tags(s.doc.kind), g.keys[digestRole]
	if (len(tags) == 0 || len(g.keys[repositoryRole]) == 0) && len(digests) > 0 && s.pinned(g, digests) {
		return
	}
	repo, problem := s.repositoryOf(g)
	if len(tags) == 0 && len(digests) == 0 {
		for _, e := range g.keys[repositoryRole] {
			s.untagged = append(s.untagged, untagged{e.node, repo})
		}
		return
	}
	// Without a name a marker or the caller may still know the tag, and then the
	// digest beside it goes along.
	if repo == "" && (len(tags) == 0 || len(digests) == 0) {
		return
	}
	for _, names := range [][]entry{g.keys[repositoryRole], g.keys[imageRole], g.keys[nameRole]} {
		for _, e := range names {
			s.doc.names[e.node] = true
		}
	}
	bare := g.isBare()
	// A key written twice means one value to one reader and the other to the
	// next, so all of them get the new version.
	for i := range max(len(tags), len(digests)) {
		found := &site{image: repo, problem: problem}
		if len(tags) > 0 {
			n := tags[min(i, len(tags)-1)].node
			var ok bool
			if found.tag, found.digest, ok = versionIn(whole(n)); !ok {
				s.doc.mention(n, repo, reasonNoTag(n.Value))
				continue
			}
			if bare && !strings.ContainsAny(n.Value, "0123456789") && n.Value != "latest" {
				continue // a name and a word, which any list may hold
			}
			found.joined = found.digest.node != nil
		}
		if len(digests) > 0 && found.digest.node == nil {
			found.setDigest(digests[min(i, len(digests)-1)])
		}
		if found.tag.node != nil || found.digest.node != nil {
			s.add(found)
		}
	}
}

// pinned adds the site of a whole reference whose digest stands under a key of
// its own, and reports whether that is what the group holds.
func (s *selection) pinned(g *group, digests []entry) bool {
	for _, e := range g.keys[imageRole] {
		ref, ok := referenceIn(whole(e.node))
		if !ok || ref.tag.node == nil || ref.digest.node != nil {
			continue
		}
		if repo, ok := ref.repository(); ok {
			for _, digest := range digests {
				found := &site{image: repo, tag: ref.tag}
				found.setDigest(digest)
				s.add(found)
			}
			return true
		}
	}
	return false
}

// tags returns the entries that hold the version: those of one key, more than
// one where it is written twice. A tag left empty beside a digest says that the
// digest alone is the version.
func (g *group) tags(kind Kind) []entry {
	tags := g.keys[tagRole]
	if len(tags) == 0 && g.isVersioned(kind) {
		tags = g.keys[versionRole]
	}
	return withoutEmpty(g.named(tags), g.keys[digestRole])
}

// withoutEmpty returns the tags that are not empty if one of the digests is not.
func withoutEmpty(tags, digests []entry) []entry {
	if !slices.ContainsFunc(digests, func(e entry) bool { return e.text() != "" && e.node.Tag != edit.TagNull }) {
		return tags
	}
	return slices.DeleteFunc(slices.Clone(tags), func(e entry) bool {
		return e.node.Kind == edit.Scalar && (e.node.Tag == edit.TagNull || e.node.Value == "")
	})
}

// named returns the tags under the key that is spelled most like that of the
// image's name: imageTag beside image, tag beside repository. What stands under
// the others is something else. Without a name nothing tells them apart.
func (g *group) named(tags []entry) []entry {
	names := g.names()
	if len(tags) < 2 || len(names) == 0 {
		return tags
	}
	like := names[0].key
	best := tags[0].key
	for _, e := range tags[1:] {
		mine, other := commonPrefix(e.key, like), commonPrefix(best, like)
		if mine > other || mine == other && len(e.key) < len(best) {
			best = e.key
		}
	}
	return slices.DeleteFunc(slices.Clone(tags), func(e entry) bool { return e.key != best })
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && strings.EqualFold(a[n:n+1], b[n:n+1]) {
		n++
	}
	return n
}

// names returns the entries that name the image.
func (g *group) names() []entry {
	for _, r := range []role{repositoryRole, imageRole, nameRole} {
		if len(g.keys[r]) > 0 {
			return g.keys[r]
		}
	}
	return nil
}

// isVersioned reports whether a key called version is that of the image. As
// often it is that of a chart, of a Terraform module, or of the tool that a CI
// job runs on the image.
func (g *group) isVersioned(kind Kind) bool {
	if g.docker {
		return true
	}
	switch kind {
	case HelmValues, Kubernetes, ArgoCD, Flux, Skaffold, Helmfile, Kustomization:
		return g.trail != nil && !containsFold(g.trail.key, "chart") && g.trail.key != "dependencies" &&
			(len(g.keys[repositoryRole])+len(g.keys[imageRole]) > 0 || containsFold(g.trail.key, "image"))
	}
	return false
}

// isCommit reports whether what stands under a key that is just sha can be no
// digest; most often it is the commit that the image was built from.
func isCommit(e entry) bool {
	text := e.text()
	return strings.EqualFold(e.key[strings.LastIndexByte(e.key, '.')+1:], "sha") && text != "" &&
		!image.ValidDigest(text) && !image.ValidDigest(sha256+text)
}

// setDigest takes what stands under a key for digests. Keys such as sha hold
// the hex digits alone, since the chart writes "@sha256:" itself.
func (s *site) setDigest(e entry) {
	if e.node.Kind != edit.Scalar || e.node.Tag == edit.TagNull {
		return
	}
	digest, ok := digestIn(e.node)
	text := e.node.Value
	switch {
	case !ok && text != "" && image.ValidDigest(sha256+text):
		s.digest, s.bare = whole(e.node), true
	case !ok && text != "":
		s.problem = "what stands under " + e.key + " is no digest such as sha256:…"
	case ok && (text != "" || s.tag.node != nil):
		s.digest = digest
		s.bare = text == "" && strings.Contains(strings.ToLower(e.key), "sha")
	}
}

func reasonNoTag(text string) string {
	switch {
	case text == "":
		return "its tag is empty; name it with --set to have it set"
	case strings.Contains(text, "{{") || strings.Contains(text, "$"):
		return "its tag is a template"
	}
	return "its tag is no valid tag"
}

// repositoryOf returns the image that a group names, "" if it names none.
func (s *selection) repositoryOf(g *group) (repo image.Repository, problem string) {
	for _, e := range unlike(g.names()) {
		found := s.resolve(g, e)
		switch {
		case found == "":
			continue
		case repo == "":
			repo = found
		case repo != found:
			problem = "the key " + e.key + " is written twice with different images"
			if s.doc.isMoved(found) {
				repo = found
			}
		}
	}
	return repo, problem
}

// unlike returns the first entry with each text.
func unlike(entries []entry) []entry {
	if len(entries) < 2 {
		return entries
	}
	seen := map[string]bool{}
	var out []entry
	for _, e := range entries {
		if !seen[e.text()] {
			seen[e.text()] = true
			out = append(out, e)
		}
	}
	return out
}

// resolve returns the image that a name means next to the registries that the
// group and the document give. Charts differ in which one wins; so does the
// answer, in favour of an image that moves.
func (s *selection) resolve(g *group, e entry) image.Repository {
	name := e.text()
	if g.isAmbiguous(e) {
		return ""
	}
	var candidates []image.Repository
	add := func(registry, name string) {
		if repo, ok := join(registry, name); ok {
			candidates = append(candidates, repo)
		}
	}
	// A key that is written with many texts is a list of some sort; the bound
	// keeps the combinations from being many times the file.
	const most = 16
	registries := 0
	for _, e := range g.parts(most, registryRole) {
		if e.text() != "" {
			add(e.text(), name)
			registries++
		}
	}
	if s.registry != "" {
		add(s.registry, name)
	}
	if registries == 0 {
		add("", name)
		// repository: host/path, name: web
		for _, last := range g.parts(most, imageRole, nameRole) {
			if last != e {
				add(name, last.text())
			}
		}
	}
	for _, repo := range candidates {
		if s.doc.isMoved(repo) {
			return repo
		}
	}
	if len(candidates) == 0 {
		return ""
	}
	return candidates[0]
}

// parts returns the first entries of some roles, at most so many of each.
func (g *group) parts(most int, roles ...role) []entry {
	var out []entry
	for _, r := range roles {
		out = append(out, g.keys[r][:min(most, len(g.keys[r]))]...)
	}
	return out
}

// isAmbiguous reports whether a name may well be that of something other than
// an image: a bare name, or the repository of a checkout. A name with a
// registry's host is always that of an image.
func (g *group) isAmbiguous(e entry) bool {
	if g.docker || len(g.keys[registryRole]) > 0 || containsFold(g.stem, "image") ||
		g.trail != nil && containsFold(g.trail.key, "image") {
		return false
	}
	_, r := roleOf(e.key)
	host, _, qualified := strings.Cut(e.text(), "/")
	return r == nameRole && !qualified || r != imageRole && g.checkout && !strings.ContainsAny(host, ".:")
}

// isBare reports whether all that the group knows of its image is a name
// without a slash under the key name, and that not within a key image.
func (g *group) isBare() bool {
	if g.trail == nil || strings.HasSuffix(strings.ToLower(g.trail.key), "image") {
		return false
	}
	if len(g.keys[registryRole])+len(g.keys[repositoryRole])+len(g.keys[imageRole]) > 0 || g.docker {
		return false
	}
	return !slices.ContainsFunc(g.keys[nameRole], func(e entry) bool { return strings.Contains(e.text(), "/") })
}

// globalRegistry returns the registry that a values file sets for all its
// images, as Bitnami's charts and those that follow them have it.
func globalRegistry(root *edit.Node) string {
	global := root.Get("global")
	for _, n := range []*edit.Node{global.Get("imageRegistry"), global.Get("image").Get("registry"), global.Get("registry")} {
		if text := n.Text(); text != "" {
			return text
		}
	}
	return ""
}
