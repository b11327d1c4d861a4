package bump

import (
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// reference is an image reference that makes up a stretch of a scalar.
type reference struct {
	name        string
	tag, digest part
}

// repository returns the image that the reference names.
func (r reference) repository() (image.Repository, bool) {
	repo, err := image.ParseRepository(r.name)
	return repo, err == nil
}

// schemes are the prefixes with which image references are written as URLs.
var schemes = []string{"docker://", "oci://"}

// referenceIn reads the stretch p of a scalar as one image reference. Besides
// the plain form it knows the defaults of shell variables, as Docker Compose
// has them: ${IMAGE:-repo:tag} and repo:${TAG:-tag}.
func referenceIn(p part) (reference, bool) {
	s := p.text()
	for _, scheme := range schemes {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			p.from += len(scheme)
			s = rest
		}
	}
	if at, length, ok := variableDefault(s); ok {
		if at+length+1 == len(s) && strings.HasPrefix(s, "${") {
			return referenceIn(part{p.node, p.from + at, p.from + at + length})
		}
		start := strings.Index(s, "${")
		name, isTag := strings.CutSuffix(s[:start], ":")
		tag, digest, isVersion := versionIn(part{p.node, p.from + at, p.from + at + length})
		if !isTag || at+length+1 != len(s) || !isVersion {
			return reference{}, false
		}
		if _, err := image.ParseRepository(name); err != nil {
			return reference{}, false
		}
		return reference{name: name, tag: tag, digest: digest}, true
	}
	name, tag, digest, ok := image.Split(s)
	if !ok {
		return reference{}, false
	}
	r := reference{name: name}
	at := p.from + len(name)
	if tag != "" {
		r.tag = part{p.node, at + 1, at + 1 + len(tag)}
		at = r.tag.to
	}
	if digest != "" {
		r.digest = part{p.node, at + 1, at + 1 + len(digest)}
	}
	return r, true
}

// variableDefault finds the default of the only variable in s, as in ${V:-default}.
func variableDefault(s string) (at, length int, ok bool) {
	start := strings.Index(s, "${")
	if start < 0 || strings.Count(s, "${") != 1 {
		return 0, 0, false
	}
	end := strings.IndexByte(s[start:], '}')
	dash := strings.IndexByte(s[start:], '-')
	if end < 0 || dash < 0 || dash > end {
		return 0, 0, false
	}
	return start + dash + 1, end - dash - 1, true
}

// versionIn reads the stretch p of a scalar as what stands behind a
// repository's name: a tag, or tag@digest.
func versionIn(p part) (tag, digest part, ok bool) {
	s := p.text()
	t, d, pinned := strings.Cut(s, "@")
	if p.node.Tag == edit.TagBool || !image.ValidTag(t) || pinned && !image.ValidDigest(d) {
		return part{}, part{}, false
	}
	tag = part{p.node, p.from, p.from + len(t)}
	if pinned {
		digest = part{p.node, tag.to + 1, p.to}
	}
	return tag, digest, true
}

// digestIn reads a scalar as a digest, or as the empty place for one. An empty
// scalar that others refer to is no such place, since they may not want one.
func digestIn(n *edit.Node) (part, bool) {
	if n == nil || n.Kind != edit.Scalar || n.Tag != edit.TagString {
		return part{}, false
	}
	return whole(n), n.Value == "" && n.Anchor == "" || image.ValidDigest(n.Value)
}
