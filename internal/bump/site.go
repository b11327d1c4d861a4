package bump

import (
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// part is a stretch of a scalar's value. The zero value is no part.
type part struct {
	node     *edit.Node
	from, to int
}

func whole(n *edit.Node) part { return part{n, 0, len(n.Value)} }

func (p part) text() string {
	if p.node == nil {
		return ""
	}
	return p.node.Value[p.from:p.to]
}

// site is one use of an image in a document: the version that stands there,
// and where.
type site struct {
	doc    *document
	kind   Kind
	image  image.Repository
	tag    part
	digest part // may be an empty part of a scalar that waits for a digest

	// joined is set where tag and digest are one reference, so that a digest can
	// be added behind the tag.
	joined bool

	// bare is set where the digest stands without its algorithm, as charts have
	// it that write "@sha256:" themselves.
	bare bool

	// keys are those of the target that led here, nil for other sites.
	keys edit.Path

	// exact is set where only a version of a chart may stand, such as 1.4.2.
	exact bool

	// aside says why the version is not that of what runs, if it is not.
	aside string

	// problem says why the version must not be changed here, whatever it is.
	problem string
}

func (s *site) version() string { return version(s.tag.text(), s.digestText()) }

// digestText returns the digest with its algorithm, "" if there is none.
func (s *site) digestText() string {
	if text := s.digest.text(); !s.bare || text == "" {
		return text
	}
	return sha256 + s.digest.text()
}

const sha256 = "sha256:"

// place returns the part that stands for the site in messages.
func (s *site) place() part {
	if s.tag.node != nil {
		return s.tag
	}
	return s.digest
}

// isNamed reports whether a target led to the site.
func (s *site) isNamed() bool { return s.kind == Set || s.kind == Keys }

// rewrite is the new text for a stretch of a scalar.
type rewrite struct {
	part
	text string
}

// verdict is what a move does to a site. At most one of rewrites, refusal and
// mention is set; none means that the site is current.
type verdict struct {
	rewrites []rewrite
	to       string
	refusal  *fault.Error
	mention  string
}

func refuse(hint, format string, args ...any) verdict {
	return verdict{refusal: fault.New(fault.Refused, hint, format, args...)}
}

// judge decides what a move does to a site. Tag and digest go together: what
// holds both gets both, or is refused.
func (s *site) judge(m Move, allowDowngrade bool, isOlder func(repo image.Repository, from string) bool) verdict {
	tag, digest := s.tag.text(), s.digestText()
	v := verdict{to: m.version()}
	switch {
	case s.aside != "" && !s.isNamed():
		return verdict{mention: s.aside}
	case s.problem != "":
		hint := "mend the place by hand"
		if !s.isNamed() {
			hint += ", or name it with --set"
		}
		return refuse(hint, "%s cannot be bumped here: %s", m.Image.Familiar(), s.problem)
	case s.bare && m.Digest != "" && !strings.HasPrefix(m.Digest, sha256):
		return refuse("name a sha256 digest", "%s is pinned by a digest for which only sha256 is possible", m.Image.Familiar())
	case tag == m.Tag && (m.Digest == "" || digest == m.Digest):
		v.to = s.version()
		return v
	case tag == "" && digest != "" && digest == m.Digest:
		v.to = digest
		return v
	case s.exact && !exactVersion().MatchString(m.Tag):
		return verdict{mention: "it is the version of a chart, and " + m.version() + " is none"}
	case digest != "" && m.Digest == "":
		return refuse(fmt.Sprintf("give the digest as well: %s:%s@sha256:…", m.Image.Familiar(), m.Tag),
			"%s is pinned by digest (%s), which a new tag alone would leave stale", m.Image.Familiar(), s.version())
	case digest != "" && tag != "" && m.Tag == "":
		return refuse(fmt.Sprintf("give the tag as well: %s:TAG@%s", m.Image.Familiar(), m.Digest),
			"%s is at %s, and a new digest alone would leave the tag stale", m.Image.Familiar(), s.version())
	case tag != "" && m.Tag == "":
		return verdict{mention: "it holds a tag, and only a digest is given"}
	}
	if !allowDowngrade {
		order, ordered := 0, false
		if tag != "" && m.Tag != "" {
			order, ordered = image.Compare(m.Tag, tag)
		}
		switch {
		case order < 0:
			return refuse("pass --allow-downgrade if it is meant to go back", "%s is at %s, and %s is older", m.Image.Familiar(), tag, m.Tag)
		case (!ordered || order == 0) && isOlder != nil && isOlder(m.Image, s.version()):
			return refuse("pass --allow-downgrade if it is meant to go back", "%s is at %s, and %s is older", m.Image.Familiar(), s.version(), m.version())
		}
	}

	v.to = m.Tag
	if s.tag.node != nil && m.Tag == "" { // an empty place that the caller named
		v.to = m.Digest
		v.rewrites = append(v.rewrites, rewrite{s.tag, m.Digest})
	} else if s.tag.node != nil {
		text := m.Tag
		if digest == "" && s.joined && m.Digest != "" {
			text, v.to = m.version(), m.version()
		}
		v.rewrites = append(v.rewrites, rewrite{s.tag, text})
	}
	if s.digest.node != nil && m.Digest != "" {
		text := m.Digest
		if s.bare {
			text = strings.TrimPrefix(text, sha256)
		}
		v.rewrites = append(v.rewrites, rewrite{s.digest, text})
		if v.to = m.version(); s.tag.node == nil {
			v.to = m.Digest
		}
	}
	v.rewrites = slices.DeleteFunc(v.rewrites, func(r rewrite) bool { return r.part.text() == r.text })
	return v
}
