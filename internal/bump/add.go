package bump

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/edit/yamledit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// addition is what a kustomization's images get. It is the one thing that
// towpath writes where nothing stood, and only on request.
type addition struct {
	moves  []Move      // an entry for each
	change edit.Change // of the layer's text: the lines that are put in
}

// add gives the kustomization in the layer an entry for each image that moves
// and has none in it.
func (l *layer) add() {
	path := l.run.file.Path
	refuse := func(format string, args ...any) {
		f := fault.New(fault.Refused, "add the entry by hand: images, with name and newTag", format, args...)
		f.Path = path
		l.run.file.Refused = append(l.run.file.Refused, f)
	}
	if len(l.docs) != 1 || l.docs[0].kind != Kustomization || l.docs[0].root().Resolve() == nil || l.docs[0].root().Kind != edit.Mapping {
		refuse("no entry can be added, since it is not a single kustomization")
		return
	}
	d := l.docs[0]
	if d.inSealed() {
		f := sealedFault()
		f.Path = path
		l.run.file.Refused = append(l.run.file.Refused, f)
		return
	}
	missing := slices.DeleteFunc(slices.Clone(l.run.moves), d.uses)
	if len(missing) == 0 {
		return
	}
	at, text, err := d.entries(missing)
	if err != nil {
		refuse("no entry can be added: %v", err)
		return
	}
	d.added = addition{missing, edit.Change{Span: edit.Span{Start: at, End: at}, Text: text}}
	for _, m := range missing {
		l.run.file.Changes = append(l.run.file.Changes, Change{
			Path: path, Position: l.run.position(d, at), Kind: Kustomization, Image: m.Image, To: m.version(),
		})
	}
}

// uses reports whether the document has a place for the move's image already,
// or an entry of that name, be it one that replaces the image.
func (d *document) uses(m Move) bool {
	for _, item := range d.root().Get("images").Items() {
		if repo, err := image.ParseRepository(item.Get("name").Text()); err == nil && repo == m.Image {
			return true
		}
	}
	for _, sites := range [][]*site{d.marked, d.sites} {
		for _, s := range sites {
			if s.image == m.Image {
				return true
			}
		}
	}
	return false
}

// entries returns the lines of new entries, and where they go: behind the last
// entry of images, else with that key at the end of the document. They are
// written as the lists around them are.
func (d *document) entries(moves []Move) (at int, text string, err error) {
	root := d.root()
	if d.text[root.Start] == '{' {
		return 0, "", errors.New("the file is written in braces")
	}
	eol := "\n"
	if bytes.Contains(d.text, []byte("\r\n")) {
		eol = "\r\n"
	}
	var images *edit.Node
	prefix := "- "
	for k, v := range root.Pairs() {
		p, ok := d.prefix(v)
		switch {
		case k.Value == "images" && !ok:
			return 0, "", errors.New("its images are no list with an entry on each line")
		case k.Value == "images":
			images, prefix = v, p
		case ok && images == nil:
			prefix = p
		}
	}
	var b strings.Builder
	if images == nil {
		at = d.span.End
		b.WriteString("images:" + eol)
	} else if at, err = d.end(images); err != nil {
		return 0, "", err
	}
	indent := strings.Repeat(" ", len(prefix))
	for _, m := range moves {
		b.WriteString(prefix + "name: " + m.Image.Familiar() + eol)
		if m.Tag != "" {
			b.WriteString(indent + "newTag: " + quoted(m.Tag) + eol)
		}
		if m.Digest != "" {
			b.WriteString(indent + "digest: " + m.Digest + eol)
		}
	}
	text = b.String()
	if at > 0 && d.text[at-1] != '\n' {
		text = eol + strings.TrimSuffix(text, eol)
	}
	return at, text, nil
}

func quoted(tag string) string {
	if yamledit.IsString(tag) {
		return tag
	}
	return `"` + tag + `"`
}

// prefix returns what stands before the first entry of a block list on its
// line: indentation and dash.
func (d *document) prefix(list *edit.Node) (string, bool) {
	if len(list.Items()) == 0 || d.text[list.Start] == '[' {
		return "", false
	}
	first := list.Items()[0].Start
	prefix := string(d.text[1+bytes.LastIndexByte(d.text[:first], '\n') : first])
	return prefix, strings.Trim(prefix, " ") == "-"
}

// end returns the offset of the line behind the last line of a node.
func (d *document) end(n *edit.Node) (int, error) {
	for n.Kind == edit.Mapping || n.Kind == edit.Sequence {
		if len(n.Content) == 0 || strings.IndexByte("[{", d.text[n.Start]) >= 0 {
			break
		}
		n = n.Content[len(n.Content)-1]
	}
	at := n.Start
	if n.Kind == edit.Scalar && n.Tag != edit.TagNull {
		text, err := d.tree.Text(n)
		if err != nil {
			return 0, err
		}
		at = text.Raw.End
	} else if n.Kind != edit.Alias {
		return 0, errors.New("its last entry ends in a way that cannot be told")
	}
	if at > 0 && d.text[at-1] == '\n' {
		return at, nil
	}
	if i := bytes.IndexByte(d.text[at:], '\n'); i >= 0 {
		return at + i + 1, nil
	}
	return len(d.text), nil
}

// withoutAdded checks that a tree has the added entries at the end of its
// images, and returns it without them.
func (d *document) withoutAdded(after *edit.Node) (*edit.Node, error) {
	if len(d.added.moves) == 0 {
		return after, nil
	}
	had := len(d.root().Get("images").Items())
	images := after.Get("images")
	if len(images.Items()) != had+len(d.added.moves) {
		return nil, fmt.Errorf("images would have %d entries, not %d", len(images.Items()), had+len(d.added.moves))
	}
	for i, m := range d.added.moves {
		want := [][2]string{{"name", m.Image.Familiar()}}
		if m.Tag != "" {
			want = append(want, [2]string{"newTag", m.Tag})
		}
		if m.Digest != "" {
			want = append(want, [2]string{"digest", m.Digest})
		}
		var got [][2]string
		for k, v := range images.Items()[had+i].Pairs() {
			if v.Kind != edit.Scalar || v.Tag != edit.TagString {
				return nil, fmt.Errorf("the added %s would be no string", k.Value)
			}
			got = append(got, [2]string{k.Value, v.Value})
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return nil, fmt.Errorf("the added entry would read %v, not %v", got, want)
		}
	}
	if had > 0 {
		images.Content = images.Content[:had]
		return after, nil
	}
	after.Content = after.Content[:len(after.Content)-2]
	return after, nil
}
