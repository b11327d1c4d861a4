package image

import (
	"cmp"
	"strings"
)

// ValidTag reports whether s is a tag: 1 to 128 letters, digits, "_", "." and
// "-", not starting with "." or "-".
func ValidTag(s string) bool { return !scanTag(s).found() }

func scanTag(s string) flaw {
	if s == "" {
		return flaw{what: "empty tag"}
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == maxTag:
			return flaw{what: "a tag has at most 128 characters", at: i}
		case isAlnum(c) || c == '_':
		case c != '.' && c != '-':
			return flaw{what: "a tag cannot hold", at: i, char: true}
		case i == 0:
			return flaw{what: "a tag cannot start with", at: i, char: true}
		}
	}
	return flaw{}
}

// Compare orders two tags by version: order is -1 if a is the older one, +1 if
// a is the newer one, and 0 if they say the same version. ordered is false, and
// order 0, when the two have no order that can be told from the
// tags alone. Any strings may be given; identical ones are always (0, true).
//
// The rules are:
//
//   - A tag is read as numbers, words, separators, and opaque runs that are or
//     may be a commit's hash (see opaque). Two tags are ordered only if they
//     have the same shape: equal words and separators, and numbers and opaque
//     runs in the same places. So 1.2 and 1.2.0, v1.2.3 and 1.2.3, and
//     1.2.3-alpine and 1.2.3-slim have no order.
//   - Numbers are compared from left to right, by value. Opaque runs are
//     skipped; where nothing else differs there is no order.
//   - A pre-release (see stages) right after the version number is no part of
//     the shape, and sorts before the same version without one: 1.2.0-rc.1 is
//     older than 1.2.0 and newer than 1.1.0. Of one version, alpha, beta,
//     milestone and rc follow each other; others are ordered only among tags
//     whose pre-release has the same shape.
//
// The order is partial and transitive: tags of one shape are compared by the
// numbers before the pre-release, the pre-release, and the numbers after it.
func Compare(a, b string) (order int, ordered bool) {
	if a == b {
		return 0, true
	}
	v, w := readVersion(a), readVersion(b)
	core := compareSpans(v.core(), w.core())
	flavour := compareSpans(v.flavour(), w.flavour())
	if !core.alike || !flavour.alike {
		return 0, false
	}
	if core.order != 0 {
		return core.order, true
	}
	pre, ok := comparePre(v, w)
	switch {
	case !ok:
		return 0, false
	case pre.order != 0:
		return pre.order, true
	case flavour.order != 0:
		return flavour.order, true
	}
	return 0, !core.hidden && !pre.hidden && !flavour.hidden
}

// comparePre compares the pre-releases of two tags with the same core.
func comparePre(v, w version) (c comparison, ok bool) {
	switch {
	case v.stage == released && w.stage == released:
		return comparison{}, true
	case v.stage == released:
		return comparison{order: +1}, true
	case w.stage == released:
		return comparison{order: -1}, true
	}
	if c = compareSpans(v.pre(), w.pre()); c.alike {
		return c, true
	}
	if v.stage == w.stage || v.stage == unranked || w.stage == unranked {
		return comparison{}, false
	}
	return comparison{order: cmp.Compare(v.stage, w.stage)}, true
}

// A stage is what the word of a pre-release says about its place among the
// pre-releases of one version.
type stage int8

const (
	released stage = iota // not a pre-release
	unranked              // before the release; before or after others is not known
	alpha
	beta
	milestone
	candidate
)

// stages holds the words that start a pre-release, in any case. Only those are
// ranked whose order SemVer, Maven and PEP 440 agree on; they differ about dev,
// preview and snapshot.
var stages = [...]struct {
	word  string
	stage stage
}{
	{"alpha", alpha},
	{"a", alpha},
	{"beta", beta},
	{"b", beta},
	{"milestone", milestone},
	{"m", milestone},
	{"rc", candidate},
	{"canary", unranked},
	{"dev", unranked},
	{"ea", unranked},
	{"next", unranked},
	{"nightly", unranked},
	{"pre", unranked},
	{"preview", unranked},
	{"snapshot", unranked},
}

// version is a tag in three parts: the core ends with the version number, the
// pre-release may be empty, and the flavour is the rest.
type version struct {
	tag     string
	coreEnd int
	preEnd  int
	stage   stage
}

func (v version) core() span    { return span{v.tag, 0, v.coreEnd} }
func (v version) pre() span     { return span{v.tag, v.coreEnd, v.preEnd} }
func (v version) flavour() span { return span{v.tag, v.preEnd, len(v.tag)} }

// readVersion finds the version number: the first number that stands by
// itself, as in k8s-1.2.3, else the first number, as in go1.22. What it finds
// must not depend on whether a pre-release follows, or 1.2.0 and 1.2.0-rc1
// would be cut in different places.
func readVersion(tag string) version {
	v := version{tag: tag, coreEnd: len(tag), preEnd: len(tag)}
	for i, found := 0, false; i < len(tag); {
		kind, end := token(tag, i)
		if kind != number {
			i = end
			continue
		}
		alone := standsAlone(tag, i)
		coreEnd := numbersEnd(tag, end)
		s, preEnd := prerelease(tag, coreEnd)
		if alone || !found {
			v = version{tag: tag, coreEnd: coreEnd, preEnd: preEnd, stage: s}
			found = true
		}
		if alone {
			break
		}
		// The 1 of go1.22-rc.1 stands alone, but it is not the version.
		i = preEnd
	}
	return v
}

// standsAlone reports whether the number at i follows nothing, a separator, or
// a "v" that does.
func standsAlone(tag string, i int) bool {
	if i > 0 && (tag[i-1] == 'v' || tag[i-1] == 'V') {
		i--
	}
	return i == 0 || !isAlnum(tag[i-1])
}

// numbersEnd returns the end of the further numbers at i, each after one
// separator.
func numbersEnd(tag string, i int) int {
	for i+1 < len(tag) && isSeparator(tag[i]) {
		kind, end := token(tag, i+1)
		if kind != number {
			break
		}
		i = end
	}
	return i
}

// prerelease returns the stage and the end of the pre-release at i: at most one
// separator, a word of stages, and the numbers and opaque runs that follow. It
// returns released and i if there is none.
func prerelease(tag string, i int) (s stage, end int) {
	start := skipSeparator(tag, i)
	if start == len(tag) {
		return released, i
	}
	kind, end := token(tag, start)
	if kind != word {
		return released, i
	}
	s = stageOf(tag[start:end])
	// A bare letter is as likely a later patch: tmux 3.3a follows 3.3.
	needsNumber := end-start == 1
	for {
		next := skipSeparator(tag, end)
		if next == len(tag) {
			break
		}
		kind, nextEnd := token(tag, next)
		if kind != number && kind != opaque {
			break
		}
		needsNumber = needsNumber && kind != number
		end = nextEnd
	}
	if s == released || needsNumber || end < len(tag) && isAlnum(tag[end]) {
		return released, i
	}
	return s, end
}

func stageOf(word string) stage {
	for _, s := range stages {
		if len(s.word) == len(word) && strings.EqualFold(s.word, word) {
			return s.stage
		}
	}
	return released
}

// span is a part of a tag, from one token's start to another's end. It keeps
// the whole tag, since what a digit means depends on the run it stands in.
type span struct {
	tag        string
	start, end int
}

// comparison is what a walk over two spans found. The other fields mean
// nothing unless the spans are alike.
type comparison struct {
	alike  bool // same shape
	order  int  // of the first numbers that differ
	hidden bool // opaque runs differ
}

func compareSpans(a, b span) comparison {
	c := comparison{}
	i, j := a.start, b.start
	for i < a.end && j < b.end {
		kind, iEnd := token(a.tag, i)
		other, jEnd := token(b.tag, j)
		if kind != other {
			return comparison{}
		}
		x, y := a.tag[i:iEnd], b.tag[j:jEnd]
		switch kind {
		case number:
			if c.order == 0 {
				c.order = compareNumbers(x, y)
			}
		case opaque:
			c.hidden = c.hidden || x != y
		default:
			if x != y {
				return comparison{}
			}
		}
		i, j = iEnd, jEnd
	}
	c.alike = i == a.end && j == b.end
	return c
}

// compareNumbers compares digits of any length by value.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// tokenKind is what a token can be compared by.
type tokenKind int8

const (
	number    tokenKind = iota // digits, by value
	word                       // letters, as they are
	separator                  // one byte that is neither, as it is
	opaque                     // a run that may be a hash, not at all
)

// token returns the kind and the end of the token that starts at i.
func token(tag string, i int) (tokenKind, int) {
	if !isAlnum(tag[i]) {
		return separator, i + 1
	}
	if i == 0 || !isAlnum(tag[i-1]) {
		end := i + 1
		for end < len(tag) && isAlnum(tag[end]) {
			end++
		}
		if isOpaque(tag[i:end]) {
			return opaque, end
		}
	}
	kind, of := word, isLetter
	if isDigit(tag[i]) {
		kind, of = number, isDigit
	}
	end := i + 1
	for end < len(tag) && of(tag[end]) {
		end++
	}
	return kind, end
}

// isOpaque reports whether a run of letters and digits is, or may be, the hash
// of a commit: seven or more hex digits with both letters and digits among
// them; "g" and seven or more hex digits, as git describe writes it; or only
// digits, in the usual lengths of a hash (7, GitLab's 8, 40 and 64) unless
// eight of them are a date.
func isOpaque(run string) bool {
	const short = 7
	if len(run) < short {
		return false
	}
	described := run[0] == 'g'
	hash := run
	if described {
		hash = run[1:]
	}
	digits := 0
	for i := range len(hash) {
		if !isHex(hash[i]) {
			return false
		}
		if isDigit(hash[i]) {
			digits++
		}
	}
	switch {
	case described:
		return len(hash) >= short
	case digits < len(hash):
		return digits > 0
	}
	switch len(hash) {
	case 7, 40, 64:
		return true
	case 8:
		return !isDate(hash)
	}
	return false
}

// isDate reports whether eight digits are a day of the years 1900 to 2099,
// written yyyymmdd.
func isDate(s string) bool {
	century, month, day := s[:2], s[4:6], s[6:8]
	return (century == "19" || century == "20") &&
		"01" <= month && month <= "12" && "01" <= day && day <= "31"
}

func isSeparator(c byte) bool { return c == '-' || c == '.' || c == '_' || c == '+' }

func skipSeparator(tag string, i int) int {
	if i < len(tag) && isSeparator(tag[i]) {
		return i + 1
	}
	return i
}
