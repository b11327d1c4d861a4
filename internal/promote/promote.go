// Package promote owns the decision whether a version may enter an environment:
// where it comes from, what it changes, which gates stand before it, and what a
// roll-back returns to. It is for the flow behind the commands promote and
// rollback, be they given in a comment or on the command line.
//
// It is pure: facts go in, verdicts come out, and the same facts give the same
// verdict. It refuses to gather facts, to read the clock, and to edit anything.
package promote

import (
	"maps"
	"slices"

	"github.com/towpath-dev/towpath/internal/image"
)

// Version is where one image stands. Either field may be empty; the zero value
// is no version.
type Version struct{ Tag, Digest string }

// String returns the tag, with the digest where there is one: "1.4.2",
// "1.4.2@sha256:…" or "sha256:…".
func (v Version) String() string {
	switch {
	case v.Tag == "":
		return v.Digest
	case v.Digest == "":
		return v.Tag
	}
	return v.Tag + "@" + v.Digest
}

// isSame reports whether two versions are one, by the rule of
// [image.SameVersion].
func (v Version) isSame(other Version) bool {
	return image.SameVersion(v.String(), other.String())
}

// Versions is where the images of one app stand in one environment. They are
// what is promoted, never lines or directories. Nil is an app that is not
// deployed.
type Versions map[image.Repository]Version

// String names each version once, in the order of the images.
func (v Versions) String() string {
	var names []string
	for _, r := range v.images() {
		if name := v[r].String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return list(names, "and")
}

func (v Versions) images() []image.Repository { return slices.Sorted(maps.Keys(v)) }

func (v Versions) isSame(other Versions) bool {
	return maps.EqualFunc(v, other, Version.isSame)
}

// agrees reports whether the images that both have stand at the same versions,
// and there is one: an environment may do without some of an app's images.
func (v Versions) agrees(other Versions) bool {
	shared := false
	for r, version := range v {
		theirs, ok := other[r]
		if ok && !version.isSame(theirs) {
			return false
		}
		shared = shared || ok
	}
	return shared
}

// Direction is where a move goes.
type Direction string

// The directions. The zero value is Unordered.
const (
	Unordered Direction = ""          // which version is the newer one is not known
	Upgrade   Direction = "upgrade"   // to a newer version
	Downgrade Direction = "downgrade" // to an older version
	First     Direction = "first"     // from no version
)

// String returns the word, "unknown" for Unordered.
func (d Direction) String() string {
	if d == Unordered {
		return "unknown"
	}
	return string(d)
}

// Move is one image that goes from one version to another. From is zero where
// the environment does not have the image.
type Move struct {
	Image     image.Repository
	From, To  Version
	Direction Direction // as far as the tags tell
}

// Moves returns what has to change for an environment that stands at from to
// stand at to, in the order of the images. Images that to does not name, and
// those that are there already, are left alone.
func Moves(from, to Versions) []Move {
	var moves []Move
	for _, r := range to.images() {
		m := Move{Image: r, From: from[r], To: to[r]}
		if m.From.isSame(m.To) {
			continue
		}
		m.Direction = m.direction()
		moves = append(moves, m)
	}
	return moves
}

func (m Move) direction() Direction {
	switch order, ok := image.Compare(m.To.Tag, m.From.Tag); {
	case m.From == Version{}:
		return First
	case m.From.Tag == "" || m.To.Tag == "":
		return Unordered
	case ok && order > 0:
		return Upgrade
	case ok && order < 0:
		return Downgrade
	}
	return Unordered
}
