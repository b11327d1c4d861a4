// Package redact owns the secrets that must not be seen: it takes them out of
// texts and errors, in the forms in which they are written down on their way.
//
// It does not find secrets by their looks. What nobody added is left as it is.
package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Mark is what stands in the place of a secret.
const Mark = "…"

const (
	minSecret = 6  // shorter ones occur in every text
	minLine   = 16 // of a secret of several lines, such as a key in PEM
	minBase64 = 8  // characters; shorter pieces occur in every encoded text
)

// Secrets are the secrets of a process. The zero value holds none, and so does
// nil. All methods may be called from several goroutines.
type Secrets struct {
	mu       sync.RWMutex
	known    map[string]bool
	forms    map[string]bool
	replacer *strings.Replacer
}

// Add has a secret taken out from now on. Fewer than 6 bytes are no secret, and
// space around it is no part of it. Of a secret of several lines, each long line
// is a secret too.
func (s *Secrets) Add(secret string) {
	secret = strings.TrimSpace(secret)
	if s == nil || len(secret) < minSecret {
		return
	}
	s.mu.RLock()
	known := s.known[secret]
	s.mu.RUnlock()
	if known {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known, s.forms = map[string]bool{}, map[string]bool{}
	}
	s.known[secret] = true
	for _, form := range formsOf(secret) {
		s.forms[form] = true
	}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= minLine && !strings.HasPrefix(line, "-----") {
			for _, form := range formsOf(line) {
				s.forms[form] = true
			}
		}
	}
	forms := make([]string, 0, len(s.forms))
	for form := range s.forms {
		forms = append(forms, form)
	}
	// A replacer takes the first that fits: the longest must come first, or a
	// secret that begins with another one would show its end.
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, Mark)
	}
	s.replacer = strings.NewReplacer(pairs...)
}

// String returns a text with a mark in place of every secret: as it is, encoded
// for a URL, quoted as in JSON or Go, or in base64, also behind a user's name as
// in basic authentication.
func (s *Secrets) String(text string) string {
	if s == nil {
		return text
	}
	s.mu.RLock()
	replacer := s.replacer
	s.mu.RUnlock()
	if replacer == nil {
		return text
	}
	return replacer.Replace(text)
}

// Error returns an error whose text has no secret. It is err itself if that has
// none, and else one that wraps it: errors.Is and errors.As find what they
// found, and the text of what they find is as it was.
func (s *Secrets) Error(err error) error {
	if s == nil || err == nil {
		return err
	}
	text := err.Error()
	clean := s.String(text)
	if clean == text {
		return err
	}
	return &redacted{text: clean, err: err}
}

type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }

// formsOf returns the ways in which a secret may stand in a text, itself among
// them.
func formsOf(secret string) []string {
	forms := []string{secret}
	for _, form := range []string{url.QueryEscape(secret), url.PathEscape(secret)} {
		forms = append(forms, form, lowerEscapes(form))
	}
	if quoted, err := json.Marshal(secret); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	quoted := strconv.Quote(secret)
	forms = append(forms, quoted[1:len(quoted)-1])
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, base64Forms(encoding, secret)...)
	}
	return slices.DeleteFunc(forms, func(form string) bool { return len(form) < minSecret })
}

// lowerEscapes writes the hexadecimal digits of escapes in lower case, as some
// servers do.
func lowerEscapes(escaped string) string {
	out := []byte(escaped)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i:i+3], strings.ToLower(escaped[i:i+3]))
		}
	}
	return string(out)
}

// base64Forms returns what a secret comes to in base64, wherever it stands in
// the text that is encoded: the characters that depend on nothing but it, for
// each of the three ways in which it can fall onto groups of three bytes.
func base64Forms(encoding *base64.Encoding, secret string) []string {
	var forms []string
	for before, foreign := range []int{0, 2, 3} { // characters that hold bits of what stands before
		encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
		whole := (before + len(secret)) * 8 / 6
		if piece := encoded[foreign:whole]; len(piece) >= minBase64 {
			forms = append(forms, piece)
		}
	}
	return forms
}
