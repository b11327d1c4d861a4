// Package audit owns what a commit says of the moves in it: one Towpath-Move
// trailer for each, and behind them who asked, for what source, in which run and
// why, which a later run, or an auditor, can read back.
//
// The trailers are evidence. What runs where is read from the files and their
// history, never from here.
package audit

import (
	"fmt"
	"net/url"
	"strings"
)

// Move is one image that went from one version to another. App and Env are
// empty where no configuration names them; From is empty for a first version.
type Move struct {
	App, Env string
	Image    string // as people spell it, such as ghcr.io/acme/web
	From, To string // tags, or what else stood there
	Digest   string // of the new version, such as sha256:…

	// Source and Run are said where they are not those of the commit's trail: by
	// a commit that carries on a move of an earlier one. [Unknown] is what is not
	// known. See [Trail.Origin].
	Source, Run string
}

// Unknown stands for a source, or a run, that is not known.
const Unknown = "-"

const moveKey = "Towpath-Move"

// Trailer returns the move as a line of a commit's trailers, without the line
// break: "Towpath-Move: app=web env=prod image=… from=… to=… digest=…". Empty
// fields are left out; spaces and other bytes that would break the line are
// percent-encoded.
func (m Move) Trailer() string {
	var b strings.Builder
	b.WriteString(moveKey + ":")
	for _, f := range m.fields() {
		if *f.value != "" {
			fmt.Fprintf(&b, " %s=%s", f.key, escape(*f.value))
		}
	}
	return b.String()
}

type field struct {
	key   string
	value *string
}

func (m *Move) fields() []field {
	return []field{
		{"app", &m.App},
		{"env", &m.Env},
		{"image", &m.Image},
		{"from", &m.From},
		{"to", &m.To},
		{"digest", &m.Digest},
		{"source", &m.Source},
		{"run", &m.Run},
	}
}

// Parse returns the moves that the trailers of a commit message tell of. Lines
// that are no such trailers are passed over, and fields that it does not know.
func Parse(message string) []Move {
	var moves []Move
	for line := range strings.Lines(message) {
		rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), moveKey+":")
		if !ok {
			continue
		}
		var m Move
		for word := range strings.FieldsSeq(rest) {
			key, value, _ := strings.Cut(word, "=")
			value, err := url.PathUnescape(value)
			if err != nil {
				continue
			}
			for _, f := range m.fields() {
				if f.key == key {
					*f.value = value
				}
			}
		}
		if m != (Move{}) {
			moves = append(moves, m)
		}
	}
	return moves
}

// escape percent-encodes what cannot stand in a field.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Message returns a commit message with one trailer for each move at its end,
// no line twice: behind the trailers that text ends in already, else behind a
// blank line. For one that also says who asked, see [Trail.Message].
func Message(text string, moves []Move) string { return Trail{}.Message(text, moves) }

// Message is the function [Message], with the lines of the trail behind those
// of the moves.
func (t Trail) Message(text string, moves []Move) string {
	text = strings.TrimRight(text, " \t\r\n")
	var b strings.Builder
	b.WriteString(text + "\n")
	if !endsInTrailers(text) {
		b.WriteString("\n")
	}
	seen := map[string]bool{}
	for _, m := range moves {
		if line := m.Trailer(); !seen[line] {
			seen[line] = true
			b.WriteString(line + "\n")
		}
	}
	b.WriteString(t.Format())
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// endsInTrailers reports whether the last paragraph, unless it is the subject,
// consists of lines such as "Signed-off-by: Ada".
func endsInTrailers(text string) bool {
	i := strings.LastIndex(text, "\n\n")
	if i < 0 {
		return false
	}
	for line := range strings.SplitSeq(text[i+2:], "\n") {
		if !isTrailer(line) {
			return false
		}
	}
	return true
}

func isTrailer(line string) bool {
	key, _, ok := strings.Cut(line, ": ")
	return ok && key != "" && strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
