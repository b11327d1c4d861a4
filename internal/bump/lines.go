package bump

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/image"
)

// lines is a document of which only lines are known: a template, or a text of
// no format that towpath reads. It implements [edit.Document] without a tree;
// its scalars are made by value.
type lines struct {
	text     []byte
	span     edit.Span
	template bool
}

// Root returns nil.
func (l lines) Root() *edit.Node { return nil }

// Text locates a scalar made by value, whose Start is its first byte within
// the quotes.
func (l lines) Text(n *edit.Node) (edit.Text, error) {
	end := n.Start + len(n.Value)
	if n.Start < 0 || end > len(l.text) || string(l.text[n.Start:end]) != n.Value {
		return edit.Text{}, errors.New("line has changed")
	}
	t := edit.Text{Value: n.Value, Raw: edit.Span{Start: n.Start, End: end}, Runs: []edit.Run{{Source: n.Start, Len: len(n.Value)}}}
	if n.Start > 0 && end < len(l.text) && l.text[n.Start-1] == l.text[end] {
		switch l.text[end] {
		case '"':
			t.Style = edit.Double
			return t, nil
		case '\'':
			t.Style = edit.Single
			return t, nil
		}
	}
	// Only YAML gives a bare word another type when it looks like a number.
	t.IsPlain = func(value string) bool { return !l.template || yamledit.IsString(value) }
	return t, nil
}

// each yields the offset and the text of every line of the span, without its
// line break.
func (l lines) each() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for at := l.span.Start; at < l.span.End; {
			end := l.span.End
			if i := bytes.IndexByte(l.text[at:end], '\n'); i >= 0 {
				end = at + i + 1
			}
			if !yield(at, strings.TrimRight(string(l.text[at:end]), "\r\n")) {
				return
			}
			at = end
		}
	}
}

// value finds what a line assigns: the word behind its key ("image: x",
// "TAG=x", "- x"), without quotes and without a comment behind it. It returns
// nil if the line has no such word or more than one.
func value(at int, line string) (key string, n *edit.Node) {
	rest := line
	for _, comment := range []string{" #", "\t#", " //"} {
		if i := strings.Index(rest, comment); i >= 0 {
			rest = rest[:i]
		}
	}
	rest = strings.TrimRight(rest, " \t,;")
	start := len(rest) - len(strings.TrimLeft(rest, " \t-"))
	body := rest[start:]
	if i := strings.IndexAny(body, ":="); i >= 0 && (body[i] == '=' || i+1 < len(body) && (body[i+1] == ' ' || body[i+1] == '\t')) {
		words := strings.Fields(body[:i])
		if len(words) == 0 {
			return "", nil
		}
		key = strings.Trim(words[len(words)-1], `"'`)
		skip := i + 1
		for skip < len(body) && strings.IndexByte(" \t=:", body[skip]) >= 0 {
			skip++
		}
		start += skip
		body = body[skip:]
	}
	if len(body) >= 2 && (body[0] == '"' || body[0] == '\'') && body[len(body)-1] == body[0] {
		start++
		body = body[1 : len(body)-1]
	}
	if body == "" || strings.ContainsAny(body, " \t\"'{}") {
		return key, nil
	}
	return key, &edit.Node{Kind: edit.Scalar, Tag: edit.TagString, Value: body, Start: at + start}
}

// references finds the whole references that a template assigns to keys for
// images. Names and versions on lines of their own cannot be told to belong
// together where there is no tree: unless a marker names the version's line,
// they are refused where a version that is written out stands near the name.
func (l lines) references(d *document) []*site {
	if !l.template {
		return nil
	}
	var sites []*site
	block := l.blockLines()
	list := "" // the key of the list that items belong to
	for at, line := range l.each() {
		body := strings.TrimSpace(line)
		if strings.HasPrefix(body, "#") {
			continue
		}
		if key, ok := strings.CutSuffix(body, ":"); ok {
			list = strings.TrimLeft(key, "- ")
			continue
		}
		key, n := value(at, line)
		if n == nil {
			continue
		}
		if key == "" && strings.HasPrefix(body, "- ") {
			key = list
		}
		ref, ok := referenceIn(whole(n))
		if !ok {
			continue
		}
		repo, ok := ref.repository()
		switch {
		case !ok:
		case ref.tag.node != nil || ref.digest.node != nil:
			if isImageKey(key) {
				sites = append(sites, &site{doc: d, kind: Template, image: repo, tag: ref.tag, digest: ref.digest, joined: true})
			}
		case d.isMoved(repo) && !d.isMarked(repo) && (isRepositoryKey(key) || key == "chart") && !d.run.onlySet:
			switch block.versionNear(at) {
			case literalVersion:
				d.run.refuse(d, &site{image: repo, tag: whole(n)}, templateFault(repo))
			case templateVersion:
				d.run.mention(d, whole(n), reasonNoTag("{{"))
			default:
				d.run.mention(d, whole(n), "it has no tag").untagged = repo
			}
		}
	}
	return sites
}

// blockLine is a line of a template that gives a key something.
type blockLine struct {
	at     int
	indent int // of the key, behind the dashes of a list
	item   bool
	holds  versionHeld
}

// versionHeld is what a line, or the lines around it, hold of a version.
type versionHeld uint8

const (
	noVersion versionHeld = iota
	templateVersion
	literalVersion
)

type blockLines []blockLine

// blockLines returns the lines of the span that can belong to a block: all but
// empty ones, comments, and those of the template alone.
func (l lines) blockLines() blockLines {
	var out blockLines
	for at, line := range l.each() {
		body := strings.TrimLeft(line, " \t-")
		if body == "" || strings.HasPrefix(body, "#") || strings.HasPrefix(body, "{{") || strings.HasPrefix(body, "{%") {
			continue
		}
		b := blockLine{at: at, indent: len(line) - len(body), item: strings.HasPrefix(strings.TrimLeft(line, " \t"), "- ")}
		key, n := value(at, line)
		if _, r := roleOf(key); r == tagRole || r == versionRole {
			b.holds = templateVersion
			if n != nil {
				if _, _, ok := versionIn(whole(n)); ok {
					b.holds = literalVersion
				}
			}
		}
		out = append(out, b)
	}
	return out
}

// versionNear tells what the block of the line at an offset holds of a version:
// the lines with its indentation, until that falls below or a list goes on.
func (b blockLines) versionNear(at int) versionHeld {
	const far = 100 // lines
	i, found := slices.BinarySearchFunc(b, at, func(l blockLine, at int) int { return l.at - at })
	if !found {
		return noVersion
	}
	indent := b[i].indent
	near := b[i].holds
	starts := func(l blockLine) bool { return l.item && l.indent == indent } // another entry of the list
	for j := i + 1; j < min(len(b), i+far) && b[j].indent >= indent && !starts(b[j]); j++ {
		if b[j].indent == indent {
			near = max(near, b[j].holds)
		}
	}
	for j := i; j > max(0, i-far) && !starts(b[j]) && b[j-1].indent >= indent; j-- {
		if b[j-1].indent == indent {
			near = max(near, b[j-1].holds)
		}
	}
	return near
}

// isMarked reports whether a marker of the document names an image.
func (d *document) isMarked(repo image.Repository) bool {
	return slices.ContainsFunc(d.marked, func(s *site) bool { return s.image == repo })
}

func isRepositoryKey(key string) bool {
	_, r := roleOf(key)
	return r == repositoryRole
}

// prove compares with span of after, where the document stands now: the scalars
// that were rewritten must have their value, and all else must be as before.
func (l lines) prove(after []byte, span edit.Span, want map[*edit.Node]string) error {
	var changes []edit.Change
	for n, v := range want {
		text, err := l.Text(n)
		if err != nil {
			return err
		}
		c, err := text.Set(v)
		if err != nil {
			return err
		}
		c.Start -= l.span.Start
		c.End -= l.span.Start
		changes = append(changes, c)
	}
	expected, err := edit.Splice(l.text[l.span.Start:l.span.End], changes)
	if err != nil {
		return err
	}
	if !bytes.Equal(expected, after[span.Start:span.End]) {
		return errors.New("bytes outside of the change would move")
	}
	return nil
}
