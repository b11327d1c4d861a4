package bump

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// reasonOther begins the reason of mentions of an image that does not move.
const reasonOther = "it is another image"

// mention notes a place that is left alone. The result is good until the next one.
func (r *run) mention(d *document, p part, reason string) *Mention {
	at := placeOf(d, p)
	r.file.Mentions = append(r.file.Mentions, Mention{
		Path: r.file.Path, Position: r.position(d, at), Text: excerpt(p.node.Value), Reason: escape(reason),
		Other: strings.HasPrefix(reason, reasonOther),
	})
	return &r.file.Mentions[len(r.file.Mentions)-1]
}

// escape writes control characters, and bytes that are no text, so that they
// can be shown: what a file holds must not begin a line of its own in a log.
func escape(s string) string {
	if !strings.ContainsFunc(s, isUnprintable) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isUnprintable(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isUnprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

// excerpt returns text as one short line.
func excerpt(text string) string {
	const longest = 120
	i := 0
	for at := range text {
		if i++; i > longest {
			return escape(text[:at]) + "…"
		}
	}
	return escape(text)
}

func (d *document) mention(n *edit.Node, repo image.Repository, reason string) {
	if d.isMoved(repo) {
		d.run.mention(d, whole(n), reason)
	}
}

// mentionChart notes a release whose chart has the image's name but comes from
// a repository that is no registry, as with Jenkins X: there the version of
// the chart is often that of the image, but nothing says so.
func (d *document) mentionChart(version *edit.Node, name string) {
	for _, m := range d.run.moves {
		if m.Image.Base() == name {
			d.run.mention(d, part{node: &edit.Node{Value: "chart " + name + " " + version.Text(), Start: version.Start}},
				"it is the version of a chart of that name; name it with --set if it is the image's too")
		}
	}
}

// mentions finds, in the file as it is written, what looks like a reference to
// an image that moves and stands in no place that was spoken of.
func (r *run) mentions() {
	src := r.file.Before
	for _, m := range r.moves {
		for span := range occurrences(src, m.Image.Base()) {
			place, reason := r.nearMiss(m.Image, span)
			if reason == "" || r.seen[place] || r.seen[span.Start] || r.isCommented(span.Start) || r.isUnread(span.Start) {
				continue
			}
			r.seen[place] = true
			r.file.Mentions = append(r.file.Mentions, Mention{
				Path: r.file.Path, Position: r.positions.at(span.Start), Text: excerpt(string(src[span.Start:span.End])), Reason: reason,
				Other: strings.HasPrefix(reason, reasonOther),
			})
		}
	}
}

// nearMiss says why the reference at span may be one to an image that moves,
// "" if it is not, and gives the offset by which a site there would be known.
func (r *run) nearMiss(moved image.Repository, span edit.Span) (place int, reason string) {
	src := r.file.Before
	text := string(src[span.Start:span.End])
	if path, ok := strings.CutPrefix(text, "/"); ok {
		name, _, _, ok := image.Split(path)
		if span.Start > 0 && strings.IndexByte("})%>", src[span.Start-1]) >= 0 && ok && strings.HasSuffix(string(moved), "/"+name) {
			return span.Start, "its registry is a template"
		}
		return 0, ""
	}
	name, tag, digest, ok := image.Split(text)
	repo, err := image.ParseRepository(name)
	if !ok || err != nil || repo.Base() != moved.Base() {
		return 0, ""
	}
	if tag == "" && digest == "" {
		if repo == moved && isTemplate(src[span.End:]) && !r.spokenOf(span.End) {
			return span.Start, "its tag is a template"
		}
		return 0, ""
	}
	if repo != moved {
		return span.Start + len(name) + 1, reasonOther
	}
	if isState(r.file.Path) {
		return span.Start + len(name) + 1, "it is Terraform's state, which only Terraform may write"
	}
	hint := "put the comment `# towpath: " + moved.Familiar() + "` behind it to have it bumped"
	switch r.format {
	case formatJSON:
		hint = "name it with --set to have it bumped"
	case formatText: // a Dockerfile, say, has no comments behind anything
		hint = strings.Replace(hint, "behind it", "on the line above it", 1)
	}
	return span.Start + len(name) + 1, "it stands where towpath does not expect an image; " + hint
}

// isTemplate reports whether a tag follows that is not written out.
func isTemplate(text []byte) bool {
	text, ok := bytes.CutPrefix(text, []byte(":"))
	for _, opening := range []string{"{{", "$", "%{", "<"} {
		if ok && bytes.HasPrefix(text, []byte(opening)) {
			return true
		}
	}
	return false
}

// spokenOf reports whether a site was seen in the word that goes on at an offset.
func (r *run) spokenOf(offset int) bool {
	const far = 200
	for i, c := range r.file.Before[offset:min(offset+far, len(r.file.Before))] {
		if strings.IndexByte(" \t\r\n", c) >= 0 {
			break
		}
		if r.seen[offset+i] {
			return true
		}
	}
	return false
}

// occurrences yields the stretches of text that hold a name as the last
// segment of a reference may stand there: all bytes around it that references
// are made of, a URL's scheme left out.
func occurrences(text []byte, name string) iter.Seq[edit.Span] {
	const longest = 600 // more than any reference has
	in := func(c byte) bool { return isNameByte(c) || c == '/' || c == ':' || c == '@' }
	return func(yield func(edit.Span) bool) {
		for at := 0; ; {
			i := bytes.Index(text[at:], []byte(name))
			if i < 0 {
				return
			}
			start, end := at+i, at+i+len(name)
			for limit := max(at, start-longest); start > limit && in(text[start-1]); {
				start--
			}
			for limit := min(len(text), end+longest); end < limit && in(text[end]); {
				end++
			}
			at = end
			word := strings.TrimRight(string(text[start:end]), ".:@/-_")
			end = start + len(word)
			for _, scheme := range schemes {
				start += len(word) - len(strings.TrimPrefix(word, scheme))
			}
			if !yield(edit.Span{Start: start, End: end}) {
				return
			}
		}
	}
}

// isCommented reports whether an offset lies in a comment, markers included,
// as far as the bytes right before it show.
func (r *run) isCommented(at int) bool {
	const far = 1000
	line := r.file.Before[max(r.positions.lineStart(at), at-far):at]
	text := bytes.TrimLeft(line, " \t")
	return bytes.HasPrefix(text, []byte("#")) || bytes.HasPrefix(text, []byte("//")) ||
		bytes.Contains(line, []byte(" #")) || bytes.Contains(line, []byte("\t#")) || bytes.Contains(line, []byte(" // "))
}

// isUnread reports whether an offset lies in a document that could not be read.
func (r *run) isUnread(at int) bool {
	return slices.ContainsFunc(r.unread, func(s edit.Span) bool { return s.Start <= at && at < s.End })
}

// refuseUnreadable notes a document that does not parse, if the caller named a
// place in the file, or if it names an image that moves: then it may hold a
// place that should have been bumped.
func (l *layer) refuseUnreadable(f format, span edit.Span, err error) {
	if len(l.run.set) == 0 && l.run.survey == nil && !l.names(l.text[span.Start:span.End]) {
		return
	}
	if l.host == nil {
		l.run.unread = append(l.run.unread, span)
	}
	offset := span.Start
	if syntax, ok := errors.AsType[*edit.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	l.run.refuseAt(&document{layer: l}, offset, unreadableFault(f, err))
}

// names reports whether text names an image that moves by its whole name, with
// a version or as a repository, and notes that it cannot be bumped there.
func (l *layer) names(text []byte) bool {
	found := false
	for _, m := range l.run.moves {
		for span := range occurrences(text, m.Image.Base()) {
			name, tag, digest, ok := image.Split(string(text[span.Start:span.End]))
			repo, err := image.ParseRepository(name)
			if !ok || err != nil || repo != m.Image {
				continue
			}
			if key := keyBefore(text, span.Start); tag != "" || digest != "" || isRepositoryKey(key) || key == "name" && mayBeKustomization(text) {
				l.run.file.refused[m.Image] = true
				found = true
				break
			}
		}
	}
	return found
}

// mayBeKustomization reports whether a text that cannot be read may have entries
// of images as a kustomization has them.
func mayBeKustomization(text []byte) bool {
	return bytes.Contains(text, []byte("newTag")) || bytes.Contains(text, []byte("digest"))
}

// keyBefore returns the key under which a value at an offset stands, as far as
// its line shows it.
func keyBefore(text []byte, at int) string {
	const far = 200
	line := text[max(0, at-far):at]
	line = line[1+bytes.LastIndexByte(line, '\n'):]
	key, ok := bytes.CutSuffix(bytes.TrimRight(line, " \t\"'"), []byte(":"))
	if !ok {
		return ""
	}
	key = bytes.TrimRight(key, `"'`)
	return string(key[1+bytes.LastIndexAny(key, " \t\"'{,"):])
}
