package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/edit"
)

// Diagnosis is one thing because of which a document cannot be read, for the
// person who wrote it.
type Diagnosis struct {
	Offset  int    // in the file
	Exact   bool   // Offset is where the mistake stands; otherwise only its line is known
	Message string // without a full stop
	Hint    string // what to write instead; empty if it is not known
}

const (
	maxDiagnosed = 64 << 10 // bytes of a document; larger ones are not written by hand
	maxSlips     = 10       // after which no more are looked for
	maxBack      = 6        // lines before the end of reading in which a slip is looked for
	maxLine      = 1000     // bytes of such a line
	maxGuesses   = 32       // texts that are tried with quotes at once
	maxQuoted    = 200      // bytes of a text that a hint repeats
)

// Diagnose says why [Parse] returned err for the document at span. It knows
// the mistakes that people make most often (a text that needs quotes, a tab as
// indentation, an alias without its anchor, bytes that are no UTF-8, a merge
// conflict). It says that quotes are missing only if the document can be read
// further with them, and nothing of a tab if the parser says the same without
// it. For all else there is one Diagnosis, with the parser's own message.
func Diagnose(src []byte, span edit.Span, err *edit.SyntaxError) []Diagnosis {
	document := src[span.Start:span.End]
	unknown := []Diagnosis{{Offset: err.Offset, Message: err.Message}}
	if len(document) > maxDiagnosed {
		return unknown
	}
	var out []Diagnosis
	var quotes []edit.Change // that the document needs
	for text := document; len(out) < maxSlips; {
		f := attempt(text)
		if f.err == nil {
			break
		}
		found, more := f.slips()
		if found == nil && out == nil {
			unknown[0] = Diagnosis{Offset: span.Start + f.line(), Message: f.err.Message}
		}
		all := and(quotes, more)
		mended, err := edit.Splice(document, all)
		if err != nil {
			break // quotes around what has quotes by now: one of them is wrong
		}
		for _, d := range found {
			d.Offset = span.Start + before(quotes, d.Offset)
			out = append(out, d)
		}
		if more == nil {
			break
		}
		text, quotes = mended, all
	}
	if out == nil {
		return unknown
	}
	return out
}

// and returns changes of a document with more of them, which are changes of the
// document as the first have made it.
func and(changes, more []edit.Change) []edit.Change {
	all := slices.Clone(changes)
	for _, c := range more {
		start := before(changes, c.Start)
		all = append(all, edit.Change{Span: edit.Span{Start: start, End: start + c.Len()}, Text: c.Text})
	}
	slices.SortFunc(all, func(a, b edit.Change) int { return a.Start - b.Start })
	return all
}

// before returns the offset that an offset was before some changes, which are
// in their order.
func before(changes []edit.Change, offset int) int {
	for _, c := range changes {
		if c.Start < offset {
			offset -= len(c.Text) - c.Len()
		}
	}
	return offset
}

// failure is how far a text can be read.
type failure struct {
	text []byte
	read int               // bytes that were looked at
	err  *edit.SyntaxError // with its offset in the text; nil if there is no failure
}

// attempt reads a text byte by byte, so that it is known where the reading
// ends.
func attempt(text []byte) failure {
	r := &byteReader{text: withoutVersion(text)}
	_, err := parseFrom(r, text, edit.Span{End: len(text)})
	f := failure{text: text, read: r.read}
	f.err, _ = errors.AsType[*edit.SyntaxError](err)
	return f
}

type byteReader struct {
	text []byte
	read int
}

func (r *byteReader) Read(p []byte) (int, error) {
	if r.read == len(r.text) || len(p) == 0 {
		return 0, io.EOF
	}
	p[0] = r.text[r.read]
	r.read++
	return 1, nil
}

// isFurther reports whether a text that differs in quotes can be read further.
func (f failure) isFurther(than failure) bool {
	return f.err == nil || than.err != nil && len(f.text)-f.read < len(than.text)-than.read
}

// slips returns the mistakes that are known, and the quotes that mend them, nil
// if it is for people to say what stands there.
func (f failure) slips() ([]Diagnosis, []edit.Change) {
	// The library reads UTF-16, too, but where things stand in it is not known.
	isWide := bytes.HasPrefix(f.text, []byte{0xff, 0xfe}) || bytes.HasPrefix(f.text, []byte{0xfe, 0xff})
	if isWide || isByteProblem(f.err.Message) {
		return f.badByte(), nil
	}
	if found := f.conflict(); found != nil {
		return found, nil
	}
	if found := f.tab(); found != nil {
		return found, nil
	}
	return f.unquoted()
}

// badByte finds the byte that is no text.
func (f failure) badByte() []Diagnosis {
	at := badByte(f.text)
	if at < 0 {
		return nil
	}
	d := Diagnosis{Offset: at, Exact: true}
	r, size := utf8.DecodeRune(f.text[at:])
	if r == utf8.RuneError && size == 1 {
		d.Message, d.Hint = fmt.Sprintf("the byte 0x%02x is no UTF-8", f.text[at]), "save the file as UTF-8"
	} else {
		d.Message, d.Hint = fmt.Sprintf("the control character %U", r), fmt.Sprintf(`leave it out, or write "\u%04x" in double quotes`, r)
	}
	return []Diagnosis{d}
}

// conflict finds the mark that git leaves in a file.
func (f failure) conflict() []Diagnosis {
	if !bytes.HasPrefix(f.text[f.err.Offset:], []byte("<<<<<<< ")) {
		return nil
	}
	return []Diagnosis{{
		Offset: f.err.Offset, Exact: true,
		Message: "a merge conflict", Hint: "resolve it, and leave out the lines with <<<<<<<, ======= and >>>>>>>",
	}}
}

// tab finds the tab that stands where only spaces may.
func (f failure) tab() []Diagnosis {
	spaced := bytes.Clone(f.text)
	for start := 0; start < len(spaced); start += len(lineAt(spaced, start)) + 1 {
		for i := start; i < len(spaced) && (spaced[i] == ' ' || spaced[i] == '\t'); i++ {
			spaced[i] = ' '
		}
	}
	for _, start := range f.lines() {
		line := lineAt(f.text, start)
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		at := bytes.IndexByte(indent, '\t')
		if start < f.err.Offset || at < 0 || len(indent) == len(line) {
			continue
		}
		// Which indentation is right is not known. That the tab is wrong shows in
		// that the parser says something else without it.
		if other := attempt(spaced); other.err != nil && other.err.Message == f.err.Message && other.err.Offset <= start {
			return nil
		}
		return []Diagnosis{{Offset: start + at, Exact: true, Message: "a tab as indentation", Hint: "write spaces in its place"}}
	}
	return nil
}

// unquoted finds the texts that need quotes, in the last lines that were read.
func (f failure) unquoted() ([]Diagnosis, []edit.Change) {
	var guesses []edit.Change
	starts := f.lines()
	for _, start := range starts[max(0, len(starts)-maxBack):] {
		line, end := lineAt(f.text, start), start
		if len(line) > maxLine {
			continue
		}
		for _, at := range valueStarts(line) {
			if at += start; at < end || len(guesses) == maxGuesses {
				continue
			}
			if value := f.unquotedAt(at, guesses); value != "" {
				end = at + len(value)
				guesses = append(guesses, edit.Change{Span: edit.Span{Start: at, End: end}, Text: quoted(value)})
			}
		}
	}
	if len(guesses) == 0 {
		return nil, nil
	}
	all := f.with(guesses)
	if !all.isFurther(f) {
		return nil, nil
	}
	var found []Diagnosis
	var needed []edit.Change
	for i, c := range guesses {
		// Without quotes that are needed, the text cannot be read as far.
		if without := f.with(slices.Delete(slices.Clone(guesses), i, i+1)); all.isFurther(without) && without.err != nil {
			needed = append(needed, c)
			found = append(found, f.unquotedDiagnosis(c))
		}
	}
	return found, needed
}

// with reads the text with some changes.
func (f failure) with(changes []edit.Change) failure {
	text, err := edit.Splice(f.text, changes)
	if err != nil {
		return f
	}
	return attempt(text)
}

func (f failure) unquotedDiagnosis(c edit.Change) Diagnosis {
	value := string(f.text[c.Start:c.End])
	d := Diagnosis{Offset: c.Start, Exact: true, Message: whyQuotes(value, true), Hint: "put it in quotes: " + c.Text}
	if name, ok := strings.CutPrefix(value, "*"); ok && isAnchorName(name) {
		d.Message = fmt.Sprintf("no anchor &%s stands above its alias", name)
		d.Hint = fmt.Sprintf("write &%s before the value that is meant; a text needs quotes: %s", name, c.Text)
	}
	return d
}

// unquotedAt returns the text at an offset if it looks like one that needs
// quotes, once those before it have theirs; else "".
func (f failure) unquotedAt(at int, quotes []edit.Change) string {
	if whyQuotes(textAt(f.text, at, false), false) == "" && whyQuotes(textAt(f.text, at, true), true) == "" {
		return "" // without asking the parser
	}
	text, err := edit.Splice(f.text[:at], quotes)
	if err != nil {
		return ""
	}
	// A text with nothing behind it leaves brackets and braces open.
	prefix := attempt(append(text, `"x"`...))
	isFlow := prefix.err != nil && isFlowProblem(prefix.err.Message)
	value := textAt(f.text, at, isFlow)
	if whyQuotes(value, isFlow) == "" || len(value) > maxQuoted {
		return ""
	}
	if name, ok := strings.CutPrefix(value, "*"); ok && isAnchorName(name) && bytes.Contains(f.text[:at], []byte("&"+name)) {
		return ""
	}
	return value
}

// isAnchorName reports whether s can be the name of an anchor to the library.
func isAnchorName(s string) bool {
	rest := strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
	return s != "" && rest == ""
}

// lines returns where the lines start that were read.
func (f failure) lines() []int {
	var out []int
	for start := 0; start < f.read; {
		out = append(out, start)
		i := bytes.IndexByte(f.text[start:], '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	return out
}

// lineAt returns the line that starts at an offset, without its end.
func lineAt(text []byte, start int) []byte {
	line, _, _ := bytes.Cut(text[start:], []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// valueStarts returns where on a line a value can start: at its first
// character, behind dashes and colons, and between brackets. Some of them are
// no values, but parts of one.
func valueStarts(line []byte) []int {
	var out []int
	isStart := true
	var quote byte
	for i, c := range line {
		isLast := i+1 == len(line)
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == ' ' || c == '\t':
		case c == '#' && i > 0 && isSpace(line[i-1]):
			return out
		case isStart && (c == '"' || c == '\''):
			quote, isStart = c, false
		case isStart && c == '-' && (isLast || isSpace(line[i+1])):
		default:
			if isStart {
				out = append(out, i)
			}
			isStart = c == '[' || c == '{' || c == ',' || c == ':' && (isLast || isSpace(line[i+1]))
		}
	}
	return out
}

// textAt returns what a person took for the text at an offset: all until the
// end of the line or a comment, and between brackets until the comma or bracket
// that is not the text's own.
func textAt(text []byte, at int, isFlow bool) string {
	line := lineAt(text, at)
	depth := 0
	for i, c := range line {
		switch {
		case c == '#' && i > 0 && isSpace(line[i-1]):
			return string(bytes.TrimRight(line[:i], " \t"))
		case !isFlow:
		case c == '[' || c == '{':
			depth++
		case depth == 0 && (c == ',' || c == ']' || c == '}'):
			return string(bytes.TrimRight(line[:i], " \t"))
		case c == ']' || c == '}':
			depth--
		}
	}
	return string(bytes.TrimRight(line, " \t"))
}

// group is a placeholder, or another thing in brackets, with text behind it.
var group = regexp.MustCompile(`^(\{[^{}]*\}|\{\{[^{}]*\}\}|\[[^\[\]]*\])[^\s,:\]}]`)

// placeholder is what a pattern has in braces.
var placeholder = regexp.MustCompile(`\{\s*[A-Za-z][A-Za-z0-9_.-]*\s*\}`)

// blockHeader is what rightly starts a block of text.
var blockHeader = regexp.MustCompile(`^[|>][-+0-9]*$`)

// whyQuotes says why a text, between brackets or not, cannot stand without
// quotes, "" if it can, or if it may be meant as something else than a text.
func whyQuotes(value string, isFlow bool) string {
	if value == "" || badByte([]byte(value)) >= 0 || strings.ContainsAny(value, "\r\u0085\u2028\u2029") || blockHeader.MatchString(value) || strings.Contains(value, ": ") || strings.HasSuffix(value, ":") {
		return ""
	}
	first := value[0]
	switch {
	case strings.IndexByte("@`%", first) >= 0:
		return fmt.Sprintf("no text starts with %c, unless it is in quotes", first)
	case first == '*':
		return "* starts an alias, unless it is in quotes"
	case first == '>' || first == '|':
		return fmt.Sprintf("%c starts a block of text, unless it is in quotes", first)
	case first == '{' && group.MatchString(value):
		return "{ starts a mapping, unless it is in quotes"
	case first == '[' && group.MatchString(value):
		return "[ starts a list, unless it is in quotes"
	case isFlow && strings.IndexByte("{}[]\"'&!#,?", first) < 0 && placeholder.MatchString(value):
		return "a text between brackets cannot hold braces, unless it is in quotes"
	}
	return ""
}

// quoted writes a text in quotes.
func quoted(value string) string {
	if strings.ContainsAny(value, `"\`) {
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return `"` + value + `"`
}

// line returns where the line of the failure starts, as well as it can be
// told. The parser names the line on which the list or mapping starts that
// goes wrong, which may be far above.
func (f failure) line() int {
	if f.err.Message != "did not find expected key" && f.err.Message != "did not find expected '-' indicator" {
		return f.err.Offset
	}
	at := f.err.Offset
	for _, start := range slices.Backward(f.lines()) {
		if at = start; start <= f.err.Offset {
			break
		}
		// Without the line, and those behind it, the text fails all the same.
		if other := attempt(f.text[:start]); other.err == nil || other.err.Message != f.err.Message {
			break
		}
	}
	return at
}
