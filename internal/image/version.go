package image

import "strings"

// SameVersion reports whether two versions, written as behind the name of a
// reference ("1.4", "1.4@sha256:…" or "sha256:…"), are one as far as both tell.
// What only one of them says does not set them apart:
//
//   - 1.4@sha256:aa is the same version as 1.4, and as sha256:aa.
//   - 1.4@sha256:aa and 1.4@sha256:bb differ, and so do 1.4@sha256:aa and
//     1.5@sha256:aa.
//   - 1.4 and sha256:aa say nothing of each other, and differ.
//   - No version, "", is the same only as itself.
//
// Versions that are the same as a third one need not be the same: 1.4 is both
// 1.4@sha256:aa and 1.4@sha256:bb. Tags are compared to the letter; for their
// order, see [Compare].
func SameVersion(a, b string) bool {
	if a == b {
		return true
	}
	tag, digest := CutVersion(a)
	otherTag, otherDigest := CutVersion(b)
	switch {
	case tag != "" && otherTag != "":
		return tag == otherTag && (digest == "" || otherDigest == "" || digest == otherDigest)
	case digest != "" && otherDigest != "":
		return digest == otherDigest
	}
	return false
}

// CutVersion returns the parts of a version, written as behind the name of a
// reference; either may be absent. It does not judge them: what has a colon is
// no tag.
func CutVersion(version string) (tag, digest string) {
	if tag, digest, ok := strings.Cut(version, "@"); ok {
		return tag, digest
	}
	if strings.Contains(version, ":") {
		return "", version
	}
	return version, ""
}
