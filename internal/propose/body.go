package propose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/audit"
)

// This file is about the body of a pull request. The rules are:
//
//   - A hidden line says which branch the pull request speaks for, to which
//     versions it moves, by a mark that is the same for the same versions, and
//     what its branch held when towpath last wrote it.
//   - Another hidden line ends what towpath writes. What people write below it is
//     kept, and a body without it, which people wrote, is kept whole.
//   - What comes from files and flags stands in code, so that it cannot be
//     taken for Markdown, a mention or a command.

const (
	markWord = "towpath v1 "
	keepText = "towpath keeps what you write below this line"
	closed   = "closed"
)

// mark is what the hidden line of a body says.
type mark struct {
	subject  string // the branch, or what it would be called without a version
	versions string
	contents string // of the changed files, see contentsOf
	head     string // the commit that holds them
	closed   bool   // towpath closed it, no human did
}

func (m mark) text() string {
	text := markWord + "subject=" + m.subject + " versions=" + m.versions + " contents=" + m.contents + " head=" + m.head
	if m.closed {
		text += " " + closed
	}
	return text
}

// hidden returns the text of a hidden line, in any forge's syntax, which is all
// that may stand in it. What only quotes one, such as the name of a file in a
// table, is none.
func hidden(line string) (text string, ok bool) {
	line = strings.TrimSpace(line)
	for _, form := range [][2]string{{"<!--", "-->"}, {"[//]: # (", ")"}, {"[//]: # \"", "\""}} {
		if rest, found := strings.CutPrefix(line, form[0]); found {
			if text, found = strings.CutSuffix(rest, form[1]); found {
				return strings.TrimSpace(text), true
			}
		}
	}
	return "", false
}

// readMark finds the mark in a body. Forges may have changed the ends of lines.
func readMark(body string) (m mark, ok bool) {
	for line := range strings.Lines(body) {
		text, isHidden := hidden(line)
		if isHidden && text == keepText {
			break // what follows is not towpath's
		}
		text, isMark := strings.CutPrefix(text, markWord)
		if !isHidden || !isMark {
			continue
		}
		m, ok = mark{}, false
		for _, word := range strings.Fields(text) {
			key, value, _ := strings.Cut(word, "=")
			switch key {
			case "subject":
				m.subject = value
			case "versions":
				m.versions, ok = value, true
			case "contents":
				m.contents = value
			case "head":
				m.head = value
			case closed:
				m.closed = true
			}
		}
	}
	return m, ok
}

// versionsOf returns the mark of versions: equal for the same images, versions,
// apps and environments, in whichever files.
func versionsOf(f *Facts) string {
	var lines []string
	for _, t := range f.trailers {
		t.From, t.Source, t.Run = "", "", ""
		lines = append(lines, t.Trailer())
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "\n")))
	return hex.EncodeToString(sum[:8])
}

// contentsOf returns the mark of contents: equal for the same files with the
// same bytes.
func contentsOf(contents map[string][]byte) string {
	h := sha256.New()
	for _, p := range slices.Sorted(maps.Keys(contents)) {
		fmt.Fprintf(h, "%q %d\n", p, len(contents[p]))
		h.Write(contents[p])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// draftText is the text of a pull request.
type draftText struct{ title, body string }

// page is what a forge says of the texts that it shows, see [providers.Comments].
type page interface {
	TextLimit() int
	Hidden(text string) string
}

// write makes the text of a pull request. old is the body that stands there now.
func (f *Facts) write(p *Publication, m mark, forge page, old string) (draftText, error) {
	title, err := p.Title.Execute(f)
	if err != nil {
		return draftText{}, fmt.Errorf("execute the template of the title: %w", err)
	}
	title, _, _ = strings.Cut(strings.TrimSpace(title), "\n")
	below := "\n\n" + forge.Hidden(m.text()) + "\n\n" + forge.Hidden(keepText) + "\n\n" + kept(old)
	room := forge.TextLimit() - utf8.RuneCountInString(below) - 64
	var above string
	if p.Body.Template != nil {
		if above, err = p.Body.Execute(f); err != nil {
			return draftText{}, fmt.Errorf("execute the template of the body: %w", err)
		}
		if utf8.RuneCountInString(above) > room {
			above = string([]rune(above)[:max(room, 0)])
		}
	} else {
		above = f.describe(p.Trail(), room)
	}
	return draftText{cut(title, 250), strings.TrimSpace(above) + below}, nil
}

// cut shortens a line to a number of characters.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// kept returns what people wrote, in a body as a forge gives it back.
func kept(body string) string {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	behind := 0 // the mark, where people removed the line that ends what is ours
	for at := 0; at < len(body); {
		line, _, _ := strings.Cut(body[at:], "\n")
		at += len(line) + 1
		text, ok := hidden(line)
		if ok && text == keepText {
			return strings.TrimSpace(body[min(at, len(body)):])
		}
		if ok && strings.HasPrefix(text, markWord) {
			behind = min(at, len(body))
		}
	}
	return strings.TrimSpace(body[behind:])
}

// describe writes what changes as a table, from whom, and the trailers, within
// a number of characters: rows that have no room are counted.
func (f *Facts) describe(trail audit.Trail, room int) string {
	var b strings.Builder
	b.WriteString("| Image | From | To | File |\n|---|---|---|---|\n")
	source := f.provenance()
	fenced := "\n```\n" + strings.TrimSpace(trail.Message("", f.trailers)) + "\n```\n"
	if utf8.RuneCountInString(fenced) > room/3 {
		fenced = ""
	}
	used := utf8.RuneCountInString(b.String()+source+fenced) + 100
	for i, c := range f.changes {
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", code(c.image), code(c.from), code(c.to), code(c.path))
		if used += utf8.RuneCountInString(row); used > room {
			fmt.Fprintf(&b, "\nand %d more.\n", len(f.changes)-i)
			break
		}
		b.WriteString(row)
	}
	return b.String() + source + fenced
}

// provenance says what built the versions.
func (f *Facts) provenance() string {
	var words []string
	if f.Source != "" {
		words = append(words, "from "+code(f.Source))
	}
	switch {
	case f.RunURL != "" && isLink(f.RunURL):
		words = append(words, "in the run "+f.RunURL)
	case f.Run != "":
		words = append(words, "in run "+code(f.Run))
	}
	if len(words) == 0 {
		return ""
	}
	return "\nBuilt " + strings.Join(words, " ") + ".\n"
}

// isLink reports whether a text is a plain link that forges show as one.
func isLink(text string) bool {
	return len(text) <= 2000 && strings.HasPrefix(text, "https://") && !strings.ContainsAny(text, " \t\r\n<>()[]`\"'|")
}

// code puts a text into a span of code in a table's cell.
func code(text string) string {
	if text == "" {
		return "-"
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, text)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		text = " " + text + " "
	}
	return fence + strings.ReplaceAll(text, "|", "\\|") + fence
}
