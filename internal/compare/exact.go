package main

import (
	"bytes"
	"regexp"
)

var (
	tagStart = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*`)
	digest   = regexp.MustCompile(`^@sha256:[0-9a-f]{64}`)
)

// onlyTags reports whether after is before with nothing but tags replaced by
// tag: in place of each tag stood another, which may have had a digest behind
// it, or stood without the quotes that are around it now.
func onlyTags(before, after []byte, tag string) bool {
	parts := bytes.Split(after, []byte(tag))
	if len(parts) == 1 {
		return bytes.Equal(before, after)
	}
	// A tag's end is not certain (with its digest or without, its quotes new
	// or old), so every offset of before that may be reached is followed.
	reached := map[int]bool{0: true}
	for i, part := range parts {
		last := i == len(parts)-1
		next := map[int]bool{}
		for at := range reached {
			for _, p := range unquoted(part, i > 0, !last) {
				if !bytes.HasPrefix(before[at:], p) {
					continue
				}
				end := at + len(p)
				if last {
					if end == len(before) {
						return true
					}
					continue
				}
				for _, n := range tagLengths(before[end:]) {
					next[end+n] = true
				}
			}
		}
		reached = next
	}
	return false
}

// unquoted returns part as it is and as it was if the quotes beside the tags
// are new: the first byte belongs to a tag before it, the last to one behind.
// That both quotes of a pair are new or none is left open: a lone quote would
// not be YAML.
func unquoted(part []byte, before, behind bool) [][]byte {
	all := [][]byte{part}
	if before && len(part) > 0 && isQuote(part[0]) {
		all = append(all, part[1:])
	}
	if !behind {
		return all
	}
	for _, p := range all {
		if len(p) > 0 && isQuote(p[len(p)-1]) {
			all = append(all, p[:len(p)-1])
		}
	}
	return all
}

func isQuote(c byte) bool { return c == '"' || c == '\'' }

// tagLengths returns how many bytes at the start of text may be a tag.
func tagLengths(text []byte) []int {
	n := len(tagStart.Find(text))
	if n == 0 {
		return nil
	}
	if d := len(digest.Find(text[n:])); d > 0 {
		return []int{n, n + d}
	}
	return []int{n}
}
