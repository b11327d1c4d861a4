// Package hold owns the files .towpath/holds/<env>/<app>.yaml: while one stands
// in a config repo, the app must not move in that environment.
//
//	reason: "1.4.2 drops orders, see INC-311"
//	by: "jane"
//	since: "2026-08-21T14:30:00Z"
//	version: "1.4.1"
//
// Only the reason is required. That the file is there is what holds, whatever
// stands in it. The package reads and writes the bytes of such files; it lists
// no folder, and who may hold and release is not its business.
package hold

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/schema"
)

// Dir is the folder of all holds, from the top of the repository.
const Dir = ".towpath/holds"

// Hold says why an app must not move in an environment. Each text is one line.
type Hold struct {
	Reason  string    // never empty after Parse
	By      string    // who asked for it; empty if the file does not say
	Since   time.Time // zero if the file does not say
	Version string    // what the app is held at; empty if the file does not say
}

// Path returns the path of the file that holds an app in an environment. It is
// empty if one of them is no name (see [schema.IsName]), so no path leads out
// of [Dir].
func Path(env, app string) string {
	if !schema.IsName(env) || !schema.IsName(app) {
		return ""
	}
	return Dir + "/" + env + "/" + app + ".yaml"
}

// ParsePath returns the environment and the app that a file holds. ok is false
// if the path is none that [Path] returns.
func ParsePath(path string) (env, app string, ok bool) {
	rest, ok := strings.CutPrefix(path, Dir+"/")
	if !ok {
		return "", "", false
	}
	env, file, _ := strings.Cut(rest, "/")
	app, ok = strings.CutSuffix(file, ".yaml")
	if !ok || !schema.IsName(env) || !schema.IsName(app) {
		return "", "", false
	}
	return env, app, true
}

// Unreadable returns the hold of a file that is there but cannot be read.
func Unreadable(path string) *Hold {
	return &Hold{Reason: fmt.Sprintf("its hold file %s cannot be read", path)}
}

// document is the file as it is written.
type document struct {
	Reason  string `key:"reason,required" doc:"why the app must not move"`
	By      string `key:"by" doc:"who asked for the hold"`
	Since   moment `key:"since" doc:"since when it holds"`
	Version string `key:"version" doc:"the version that the app is held at"`
}

// Hint answers keys that people expect of a hold.
func (document) Hint(unknown string) string {
	switch strings.ToLower(unknown) {
	case "until", "expires", "expiry", "end", "ends", "for", "to":
		return "a hold has no end of its own: remove the file to end it"
	case "app", "env", "environment":
		return "leave it out: the path of the file says which app is held where"
	}
	return ""
}

// moment is a time as RFC 3339 writes it.
type moment time.Time

// Form implements [schema.Formed].
func (moment) Form() schema.Form {
	return schema.Form{Words: "a time such as 2026-08-21T14:30:00Z"}
}

// UnmarshalText reads the time. An error is a [*schema.TextError].
func (m *moment) UnmarshalText(text []byte) error {
	if err := (*time.Time)(m).UnmarshalText(text); err != nil {
		return &schema.TextError{
			Message: fmt.Sprintf("since must be a date, a time and an offset from UTC, not %q", text),
			Hint:    "write it as 2026-08-21T14:30:00Z or 2026-08-21T16:30:00+02:00",
		}
	}
	return nil
}

// Parse reads a hold file strictly. The path is for the faults, which the error
// joins, all of them, each a *fault.Error.
//
// What cannot be read still holds: the hold is never nil. With an error it has
// what could be read, and where that is no reason, one that says so. The error
// is for people who check the repository; nobody may take it for a release.
func Parse(path string, src []byte) (*Hold, error) {
	file := &schema.File{Path: path, Src: src}
	docs := yamledit.Split(src)
	if len(docs) == 0 {
		return Unreadable(path), file.Error([]schema.Fault{{
			Message: "the file is empty", Hint: "say why the app is held, as in reason: \"waits for INC-311\"; to end the hold, remove the file",
		}})
	}
	var faults []schema.Fault
	if len(docs) > 1 {
		faults = append(faults, schema.Fault{
			Offset: docs[1].Start, Message: "a second document in the file", Hint: "write one hold in each file",
		})
	}
	doc, err := yamledit.Parse(src, docs[0])
	if err != nil {
		at := docs[0].Start
		if syntax, ok := errors.AsType[*edit.SyntaxError](err); ok {
			at = syntax.Offset
		}
		return Unreadable(path), file.Error(append(faults, schema.Fault{Offset: at, Message: err.Error()}))
	}
	file.Doc = doc
	var d document
	faults = append(faults, schema.Decode(doc.Root(), &d)...)
	h := &Hold{Reason: line(d.Reason), By: line(d.By), Since: time.Time(d.Since), Version: line(d.Version)}
	if h.Reason == "" {
		if d.Reason != "" {
			faults = append(faults, schema.Fault{Offset: file.Offset("reason"), Message: "reason is blank", Hint: "say why the app is held"})
		}
		h.Reason = Unreadable(path).Reason
	}
	return h, file.Error(faults)
}

// line makes one line of a text: each run of white space and control characters
// becomes a space, and what is no UTF-8 becomes U+FFFD.
func line(text string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "\ufffd"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
	return strings.Join(words, " ")
}

// Format writes the file, so that [Parse] reads the same hold back: each text
// as one line, the time in UTC, and "no reason given" for an empty reason.
func (h *Hold) Format() []byte {
	var b strings.Builder
	b.WriteString("# While this file stands, towpath moves no version of the app here.\n")
	write := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, quote(value))
		}
	}
	reason := line(h.Reason)
	if reason == "" {
		reason = "no reason given"
	}
	write("reason", reason)
	write("by", line(h.By))
	// RFC 3339 has years of four digits, and no other times.
	if since := h.Since.UTC(); !since.IsZero() && since.Year() >= 0 && since.Year() <= 9999 {
		write("since", since.Format(time.RFC3339Nano))
	}
	write("version", line(h.Version))
	return []byte(b.String())
}

// quote writes a text in YAML's double quotes, in which everything can stand.
// What an editor would not show is escaped.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
