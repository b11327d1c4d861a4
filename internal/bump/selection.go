package bump

import (
	"iter"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// selection is one walk over a document that gathers its sites. It visits
// every mapping and list once, where it is defined: an alias is looked through
// where a version may stand behind it, and not walked again.
type selection struct {
	doc      *document
	registry string // the registry that the document sets for all its images
	sites    []*site
	asides   []*site // come last: an alias may give what runs the same version
	nested   []nested
	untagged []untagged

	roles   map[string]keyRole // what was found out of keys
	scratch []entry            // the entries of the mapping at hand
}

// nested is a string that is a document of its own.
type nested struct {
	node   *edit.Node
	format format
}

// untagged is an image's name where no version was found with it.
type untagged struct {
	node *edit.Node
	repo image.Repository
}

// trail is where in the document a node stands: the keys that lead to it, the
// nearest last. Sequences add no key.
type trail struct {
	key string
	up  *trail
}

func (t *trail) at(keys ...string) bool {
	for i := len(keys) - 1; i >= 0; i-- {
		if t == nil || t.key != keys[i] {
			return false
		}
		t = t.up
	}
	return true
}

func (s *selection) walk(n *edit.Node, t *trail) {
	if n == nil {
		return
	}
	switch n.Kind {
	case edit.Mapping:
		if s.doc.kind == Spinnaker && (t.at("triggers") || t.at("matchArtifact")) {
			// What stands here selects pushes and artifacts; it is no version that runs.
			return
		}
		s.mapping(n, t)
		for k, v := range n.Pairs() {
			switch {
			case containsFold(k.Value, "image") && isAside(k.Value):
				s.leave(v, "it stands under "+k.Value+", which does not say what runs")
			case k.Value == "status" && s.isObject(n):
				s.leave(v, "it stands under status, which says what ran")
			default:
				s.walk(v, &trail{k.Value, t})
			}
		}
	case edit.Sequence:
		s.namedValues(n)
		for _, item := range n.Items() {
			if target := item.Resolve(); target != nil && target.Kind == edit.Scalar && !strings.Contains(target.Value, "\n") {
				item = target
			}
			s.walk(item, t)
		}
	case edit.Scalar:
		s.scalar(n, t)
	}
}

// isObject reports whether a mapping is an object of Kubernetes. It looks at
// the first keys only, where those that tell stand.
func (s *selection) isObject(n *edit.Node) bool {
	const most = 16
	version, kind, seen := false, false, 0
	for k := range n.Pairs() {
		version, kind = version || k.Value == "apiVersion", kind || k.Value == "kind"
		if seen++; seen == most || version && kind {
			break
		}
	}
	return version && kind
}

// leave notes the references under a node that does not say what runs.
func (s *selection) leave(n *edit.Node, reason string) {
	if n == nil {
		return
	}
	switch n.Kind {
	case edit.Mapping:
		for _, v := range n.Pairs() {
			s.leave(v, reason)
		}
	case edit.Sequence:
		for _, item := range n.Items() {
			s.leave(item, reason)
		}
	case edit.Scalar:
		ref, ok := referenceIn(whole(n))
		if !ok || ref.tag.node == nil && ref.digest.node == nil {
			return
		}
		if repo, ok := ref.repository(); ok && s.doc.isMoved(repo) {
			s.asides = append(s.asides, &site{doc: s.doc, image: repo, tag: ref.tag, digest: ref.digest, aside: reason})
		}
	}
}

func (s *selection) mapping(n *edit.Node, t *trail) {
	entries := s.scratch[:0]
	for e := range n.Entries() {
		if e.Value != nil {
			entries = append(entries, entry{key: e.Key, node: e.Value})
		}
	}
	s.scratch = entries
	switch {
	case isKustomizeImage(n, t):
		s.kustomizeImage(entries)
	default:
		s.groups(entries, t)
		s.chart(n, entries)
		s.patch(n)
	}
	for k, v := range n.Pairs() {
		if target := v.Resolve(); v.Kind == edit.Alias && target != nil && target.Kind == edit.Scalar && isImageKey(k.Value) {
			s.reference(whole(target))
		}
	}
	if s.doc.format == formatHCL {
		s.blocks(n)
	}
}

// scalar looks at a scalar by itself, with the keys above it.
func (s *selection) scalar(n *edit.Node, t *trail) {
	if n.Tag == edit.TagNull {
		return
	}
	if f, ok := s.doc.nestedFormat(n, t); ok {
		s.nested = append(s.nested, nested{n, f})
		return
	}
	p := whole(n)
	if key, value, ok := strings.Cut(n.Value, "="); ok && key != "" && !strings.ContainsAny(key, " \t\n") {
		value := part{n, len(n.Value) - len(value), len(n.Value)}
		if t.at("kustomize", "images") {
			s.kustomizeString(key, value)
		} else if isImageKey(key) {
			s.reference(value)
		}
		return
	}
	switch {
	case t != nil && isImageKey(t.key),
		t != nil && t.key == "name" && t.up != nil && isImageKey(t.up.key), // GitLab CI, Tekton
		s.doc.anyKey,
		s.doc.kind == GitLabCI && t.at("services", "name"),
		s.doc.kind == GitLabCI && t.at("services"),
		s.doc.kind == GitHubActions && t.at("container"),
		strings.HasPrefix(n.Value, "docker://"):
		s.reference(p)
	}
}

// patch looks at an operation of a JSON patch that writes an image.
// https://www.rfc-editor.org/rfc/rfc6902
func (s *selection) patch(n *edit.Node) {
	value := n.Get("value")
	if value == nil || value.Kind != edit.Scalar || n.Get("op") == nil {
		return
	}
	path := n.Get("path").Text()
	if isImageKey(path[strings.LastIndexByte(path, '/')+1:]) {
		s.reference(whole(value))
	}
}

// isImageKey reports whether a value under that key may be a whole image
// reference: image, images, webImage, SIDECAR_IMAGE, imageId, --proxy-image,
// and Spinnaker's reference. The annotations of Argo CD Image Updater are
// constraints, even where they look like references; so are keys such as
// allowedImages, see [isAside].
func isImageKey(key string) bool {
	return key == "reference" || containsFold(key, "image") && !strings.HasPrefix(key, "argocd-image-updater.") && !isAside(key)
}

// isAside reports whether a word of a key says that what stands there is not
// what runs: what ran before, the bound of a range, or the rule of a policy.
func isAside(key string) bool {
	for word := range words(key) {
		if aside[strings.ToLower(word)] {
			return true
		}
	}
	return false
}

var aside = map[string]bool{
	"previous": true, "prev": true, "last": true, "old": true, "former": true, "rollback": true,
	"minimum": true, "min": true, "maximum": true, "max": true,
	"allow": true, "allowed": true, "allowlist": true, "whitelist": true,
	"deny": true, "denied": true, "denylist": true, "blacklist": true, "blocklist": true, "blocked": true,
	"forbidden": true, "disallowed": true, "banned": true, "ignore": true, "ignored": true, "exclude": true, "excluded": true,
}

// words yields the words of a key in camelCase, snake_case or kebab-case.
func words(key string) iter.Seq[string] {
	isUpper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	return func(yield func(string) bool) {
		start := 0
		for i := range len(key) {
			switch {
			case strings.IndexByte("_-./ ", key[i]) >= 0:
				if !yield(key[start:i]) {
					return
				}
				start = i + 1
			case i > start && isUpper(key[i]) && !isUpper(key[i-1]):
				if !yield(key[start:i]) {
					return
				}
				start = i
			}
		}
		yield(key[start:])
	}
}

func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

// reference adds the site of a whole reference with a version.
func (s *selection) reference(p part) {
	ref, ok := referenceIn(p)
	if !ok {
		return
	}
	repo, ok := ref.repository()
	if !ok {
		return
	}
	if ref.tag.node == nil && ref.digest.node == nil {
		s.untagged = append(s.untagged, untagged{p.node, repo})
		return
	}
	s.add(&site{image: repo, tag: ref.tag, digest: ref.digest, joined: true})
}

// mentionUntagged mentions the names of images that stand without a version,
// except where they always do.
func (s *selection) mentionUntagged() {
	kind := s.doc.root().Get("kind").Text()
	if s.doc.kind == Skaffold || s.doc.kind == Flux && (kind == "ImageRepository" || kind == "ImagePolicy") {
		return
	}
	for _, u := range s.untagged {
		if s.doc.isMoved(u.repo) && !s.doc.names[u.node] {
			s.doc.names[u.node] = true
			s.doc.run.mention(s.doc, whole(u.node), "it has no tag").untagged = u.repo
		}
	}
}

func (s *selection) add(found *site) {
	found.doc = s.doc
	if found.kind == "" {
		found.kind = s.doc.kind
	}
	s.sites = append(s.sites, found)
}

// namedValues treats a list of {name, value} as one mapping: environment
// variables, helm.parameters of Argo CD, set of Helmfile.
func (s *selection) namedValues(list *edit.Node) {
	var entries []entry
	for _, item := range list.Items() {
		if e, ok := namedValue(item); ok {
			entries = append(entries, e)
		}
	}
	s.named(entries)
}

func (s *selection) named(entries []entry) {
	if len(entries) == 0 {
		return
	}
	s.groups(entries, nil)
	for _, e := range entries {
		if isImageKey(e.key) {
			s.reference(whole(e.node))
		}
	}
}

func namedValue(n *edit.Node) (entry, bool) {
	const most = 16 // keys; what has more is no such pair
	if target := n.Resolve(); target == nil || len(target.Content) > 2*most {
		return entry{}, false
	}
	name, value := n.Get("name"), n.Get("value")
	if name == nil || value == nil || name.Kind != edit.Scalar || value.Kind != edit.Scalar {
		return entry{}, false
	}
	return entry{key: name.Value, node: value}, true
}

// blocks treats the repeated blocks of HCL as one mapping each: set { name, value }
// of a helm_release, and variable "name" { default }.
func (s *selection) blocks(n *edit.Node) {
	var set, variables []entry
	for k, v := range n.Pairs() {
		switch k.Value {
		case "set", "set_sensitive", "env":
			if e, ok := namedValue(v); ok {
				set = append(set, e)
			}
		case "variable":
			for name, body := range v.Pairs() {
				if value := body.Get("default"); value != nil && value.Kind == edit.Scalar {
					variables = append(variables, entry{key: name.Value, node: value})
				}
			}
		}
	}
	s.named(set)
	s.named(variables)
}

// join returns the image that a registry and a repository's name stand for.
func join(registry, name string) (image.Repository, bool) {
	repo, err := image.Join(registry, name)
	return repo, err == nil
}
