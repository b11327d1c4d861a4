// Package image owns what an image reference says: its grammar, which
// repository it means, whether two versions are one, and which of two tags is the
// newer one.
//
// It asks no registry and fills in nothing: a reference without a tag stays
// one, and tags whose order cannot be read off them have no order here.
package image

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName = 255 // distribution-spec: what most clients allow for host and path together
	maxTag  = 128 // distribution-spec

	sha256Hex = 64
	sha512Hex = 128

	maxReference = maxName + len(":") + maxTag + len("@sha512:") + sha512Hex
)

// Ref is an image reference as it is written, such as
// "ghcr.io/acme/web:1.4.2@sha256:…". Name is never empty in a parsed Ref; an
// empty Tag or Digest was not written.
type Ref struct {
	Name   string // as written, without normalisation
	Tag    string
	Digest string // "sha256:" and 64, or "sha512:" and 128 lower-case hex digits
}

// Parse reads a reference in Docker's grammar, name[:tag][@digest], with a name
// of at most 255 and a tag of at most 128 characters. The error says what is
// wrong and at which character, counted from 1.
func Parse(s string) (Ref, error) {
	name, tag, digest, f := scan(s)
	if f.found() {
		return Ref{}, fmt.Errorf("parse image reference %s: %w", quote(s), explain(s, f))
	}
	return Ref{Name: name, Tag: tag, Digest: digest}, nil
}

// Split cuts s into name, tag and digest as [Parse] does, without allocating;
// ok is false if s is not a reference. The name is a prefix of s, so a tag
// starts at len(name)+1, and a digest is a suffix of s.
func Split(s string) (name, tag, digest string, ok bool) {
	name, tag, digest, f := scan(s)
	if f.found() {
		return "", "", "", false
	}
	return name, tag, digest, true
}

// String returns the reference as it was given to [Parse].
func (r Ref) String() string {
	s := r.Name
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Repository returns the repository that the reference names, and "" if Name
// is not a repository's name, as in the zero Ref.
func (r Ref) Repository() Repository {
	host, path, f := scanName(r.Name)
	if f.found() {
		return ""
	}
	return normalise(host, path)
}

// ValidDigest reports whether s is a digest as registries write it: "sha256:"
// and 64, or "sha512:" and 128 lower-case hex digits.
func ValidDigest(s string) bool { return !scanDigest(s).found() }

// flaw says why a string is refused, in a form that costs nothing to make.
type flaw struct {
	what string // "" means that there is no flaw
	at   int    // byte offset
	char bool   // the character at the offset is the flaw
}

func (f flaw) found() bool { return f.what != "" }

// shift moves the flaw of a part to where the part starts in the whole.
func (f flaw) shift(by int) flaw {
	f.at += by
	return f
}

// scan cuts a reference at its punctuation and checks each part.
func scan(s string) (name, tag, digest string, f flaw) {
	if len(s) > maxReference {
		return "", "", "", flaw{what: "longer than any reference", at: maxReference}
	}
	if isImageID(s) {
		return "", "", "", flaw{what: "an image ID is not a name"}
	}
	name, digest, hasDigest := strings.Cut(s, "@")
	// A colon before the last slash belongs to the registry's port.
	last := strings.LastIndexByte(name, '/') + 1
	colon := strings.IndexByte(name[last:], ':')
	if colon >= 0 {
		name, tag = name[:last+colon], name[last+colon+1:]
	}
	if _, _, f := scanName(name); f.found() {
		return "", "", "", f
	}
	if colon >= 0 {
		if f := scanTag(tag); f.found() {
			return "", "", "", f.shift(len(name) + 1)
		}
	}
	if hasDigest {
		if f := scanDigest(digest); f.found() {
			return "", "", "", f.shift(len(s) - len(digest))
		}
	}
	return name, tag, digest, flaw{}
}

func scanDigest(s string) flaw {
	algorithm, encoded, ok := strings.Cut(s, ":")
	size, what := 0, ""
	switch {
	case s == "":
		return flaw{what: "empty digest"}
	case !ok:
		return flaw{what: "a digest starts with an algorithm, as in sha256:…"}
	case algorithm == "sha256":
		size, what = sha256Hex, "a sha256 digest has 64 hex digits"
	case algorithm == "sha512":
		size, what = sha512Hex, "a sha512 digest has 128 hex digits"
	default:
		return flaw{what: "the algorithm of a digest is sha256 or sha512"}
	}
	start := len(s) - len(encoded)
	for i := range len(encoded) {
		if !isHex(encoded[i]) {
			return flaw{what: "a digest cannot hold", at: start + i, char: true}
		}
	}
	if len(encoded) != size {
		return flaw{what: what, at: start}
	}
	return flaw{}
}

// explain words a flaw of s. Two mistakes that people make get their own
// words, wherever the grammar first noticed them.
func explain(s string, f flaw) error {
	if i := strings.Index(s, "://"); i >= 0 {
		f = flaw{what: "a reference has no URL scheme"}
	} else if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		f = flaw{what: "whitespace", at: i, char: true}
	}
	// A flaw may lie behind multi-byte characters, in whitespace above all.
	column := 1 + utf8.RuneCountInString(s[:f.at])
	if f.char {
		r, size := utf8.DecodeRuneInString(s[f.at:])
		if r == utf8.RuneError && size == 1 {
			return fmt.Errorf("%s byte 0x%02x, at character %d", f.what, s[f.at], column)
		}
		return fmt.Errorf("%s %q, at character %d", f.what, r, column)
	}
	return fmt.Errorf("%s, at character %d", f.what, column)
}

// quote keeps an error readable when a whole file was taken for a reference.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}

// isImageID reports whether s is the ID of a local image, which Docker refuses
// as a name because its own commands take either.
func isImageID(s string) bool {
	if len(s) != sha256Hex {
		return false
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isLetter(c byte) bool { return isLower(c) || isUpper(c) }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c && c <= 'f' }
