package layout

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/towpath-dev/towpath/internal/edit/yamledit"
)

const (
	modeline = "# yaml-language-server: $schema=https://raw.githubusercontent.com/towpath-dev/towpath/main/internal/config/towpath.schema.json\n"
	width    = 100 // of a line, from which on a list gets a line for each item
)

// Format writes a proposal as a .towpath.yaml, with its reasons and notes as
// comments and without what is the default. What a question keeps open stands
// there as a comment too, to be filled in. The text is valid YAML whatever the
// names are.
func Format(p Proposal) []byte {
	var b bytes.Buffer
	b.WriteString(modeline)
	b.WriteString("version: 1\n\n")
	for _, r := range p.Reasons {
		comment(&b, r)
	}
	if len(p.Environments) > 0 {
		b.WriteString("environments:\n")
	}
	for _, e := range p.Environments {
		fields := []string{"name: " + scalar(e.Name)}
		if e.Group != "" {
			fields = append(fields, "group: "+scalar(e.Group))
		}
		if len(e.After) > 0 {
			fields = append(fields, "after: "+flow(e.After))
		}
		fmt.Fprintf(&b, "  - {%s}\n", strings.Join(fields, ", "))
	}
	var known, open []App
	for _, a := range p.Apps {
		if a.Question == "" {
			known = append(known, a)
		} else {
			open = append(open, a)
		}
	}
	b.WriteString("\n")
	if len(known) > 0 {
		b.WriteString("apps:\n")
		for _, a := range known {
			b.WriteString(entry(a))
		}
	}
	if len(open) > 0 {
		if len(known) > 0 {
			b.WriteString("\n")
		}
		comment(&b, "Nothing says which image this is: put its name for IMAGE, and take the comment signs away.")
		if len(known) == 0 {
			b.WriteString("# apps:\n")
		}
		for _, a := range open {
			for line := range strings.Lines(entry(a)) {
				b.WriteString("# " + line)
			}
		}
	}
	if len(p.Notes) > 0 {
		if len(known)+len(open) > 0 {
			b.WriteString("\n")
		}
		for _, n := range p.Notes {
			comment(&b, n)
		}
	}
	if len(p.Environments) > 0 {
		b.WriteString(hints(p))
	}
	return b.Bytes()
}

// hints are settings that many want next. Nothing moves by itself without
// them, since a guess is no ground for that.
func hints(p Proposal) string {
	final := p.Environments[len(p.Environments)-1]
	name := final.Name
	if final.Group != "" {
		name = final.Group
	}
	return fmt.Sprintf(`
# Versions wait to be promoted. On an environment, `+"`auto: pr`"+` opens the pull request by itself, and
# `+"`gates: {soak: 24h, approvals: {count: 1, notAuthor: true}}`"+` says what must hold before.
# freezes:
#   - {name: weekends, environments: %s, cron: "0 17 * * FRI", for: 63h, timezone: Europe/London}
`, flow([]string{name}))
}

func entry(a App) string {
	var b strings.Builder
	if a.Discover != "" {
		fmt.Fprintf(&b, "  - discover: %s\n", scalar(a.Discover))
	} else {
		fmt.Fprintf(&b, "  - name: %s\n", scalar(a.Name))
	}
	var images []string
	for _, m := range a.Images {
		name := m.Name
		if name == "" && a.Question != "" {
			name = "IMAGE"
			if a.Discover != "" {
				name = "IMAGE/{app}"
			}
		}
		item := scalar(name)
		if len(m.Keys) > 0 {
			item = fmt.Sprintf("{image: %s, keys: %s}", item, flow(m.Keys))
		}
		images = append(images, item)
	}
	items(&b, "images", images)
	var files []string
	for _, f := range a.Files {
		files = append(files, scalar(f))
	}
	items(&b, "files", files)
	return b.String()
}

// items writes a list of an app, on one line if it fits.
func items(b *strings.Builder, key string, written []string) {
	if len(written) == 0 {
		return
	}
	line := fmt.Sprintf("    %s: [%s]\n", key, strings.Join(written, ", "))
	if len(line) <= width || len(written) == 1 {
		b.WriteString(line)
		return
	}
	fmt.Fprintf(b, "    %s:\n", key)
	for _, w := range written {
		fmt.Fprintf(b, "      - %s\n", w)
	}
}

func flow(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, scalar(n))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// comment writes a sentence as lines of comment. What could end a line, or is
// no text, becomes a question mark.
func comment(b *bytes.Buffer, sentence string) {
	line := "#"
	for word := range strings.FieldsSeq(printable(sentence)) {
		if len(line)+1+len(word) > width && line != "#" {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, text)
}

// scalar writes a string as a scalar that every reader of YAML takes for it,
// inside a flow collection too. Bytes that are no text become U+FFFD.
func scalar(text string) string {
	const bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"
	isBare := func(r rune) bool { return strings.ContainsRune(bare, r) }
	if text != "" && !strings.ContainsRune("._-/", rune(text[0])) && yamledit.IsString(text) &&
		!slices.ContainsFunc([]rune(text), func(r rune) bool { return !isBare(r) }) {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
