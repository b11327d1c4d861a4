// Package jsonedit reads JSON into the neutral tree of package edit and says
// where the scalars stand in the file. It reads one value per file as RFC 8259
// has it, with or without a byte order mark; comments, trailing commas and
// JSON Lines are refused.
package jsonedit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
)

// Document is a parsed JSON file. It refers to the bytes that it was parsed
// from.
type Document struct {
	src  []byte
	root *edit.Node
}

// Parse reads a JSON file. A file of nothing but white space is an empty
// document. Errors are of type [*edit.SyntaxError]; nesting beyond the 10000
// levels that encoding/json allows is one.
func Parse(src []byte) (*Document, error) {
	text := bytes.TrimPrefix(src, []byte("\ufeff"))
	if len(bytes.TrimLeft(text, space)) == 0 {
		return &Document{src: src}, nil
	}
	offset := len(src) - len(text)
	// The decoder's own errors count offsets from odd places and it stops
	// behind the first value, so the file is judged as a whole first.
	if err := json.Unmarshal(text, new(ignored)); err != nil {
		return nil, syntaxError(err, offset, len(text))
	}
	p := &parser{src: src, offset: offset, tokens: json.NewDecoder(bytes.NewReader(text))}
	p.tokens.UseNumber()
	root, err := p.next()
	if err != nil {
		return nil, syntaxError(err, offset, len(text))
	}
	return &Document{src: src, root: root}, nil
}

// Root returns the tree. It is nil for an empty document.
func (d *Document) Root() *edit.Node { return d.root }

// space is what JSON calls insignificant white space.
const space = " \t\r\n"

type ignored struct{}

func (*ignored) UnmarshalJSON([]byte) error { return nil }

func syntaxError(err error, offset, size int) error {
	at := 0
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = int(e.Offset)
		// The offset counts the offending byte, except where there is none.
		if at > 0 && !strings.HasPrefix(e.Error(), "unexpected end") {
			at--
		}
	}
	message := strings.TrimPrefix(err.Error(), "json: ")
	return &edit.SyntaxError{Offset: offset + min(at, size), Message: message}
}

type parser struct {
	src    []byte
	offset int // of the decoder's first byte in src
	tokens *json.Decoder
	spare  []edit.Node
}

// next reads one value. It returns nil for the bracket that ends a collection.
func (p *parser) next() (*edit.Node, error) {
	start := p.offset + int(p.tokens.InputOffset())
	for start < len(p.src) && strings.IndexByte(space+",:", p.src[start]) >= 0 {
		start++
	}
	token, err := p.tokens.Token()
	if err != nil {
		return nil, err
	}
	node := edit.Node{Kind: edit.Scalar, Start: start}
	switch token := token.(type) {
	case string:
		node.Tag, node.Value = edit.TagString, token
	case json.Number:
		node.Tag, node.Value = "!!int", token.String()
		if strings.ContainsAny(node.Value, ".eE") {
			node.Tag = "!!float"
		}
	case bool:
		node.Tag, node.Value = "!!bool", fmt.Sprint(token)
	case nil:
		node.Tag, node.Value = edit.TagNull, "null"
	case json.Delim:
		switch token {
		case '{':
			node.Kind = edit.Mapping
		case '[':
			node.Kind = edit.Sequence
		default:
			return nil, nil
		}
		for {
			child, err := p.next()
			if err != nil {
				return nil, err
			}
			if child == nil {
				break
			}
			node.Content = append(node.Content, child)
		}
	}
	return p.keep(node), nil
}

// keep moves a node to the heap. Files of some megabytes hold so many nodes
// that allocating each by itself is what takes the time.
func (p *parser) keep(n edit.Node) *edit.Node {
	if len(p.spare) == cap(p.spare) {
		p.spare = make([]edit.Node, 0, min(max(16, 2*cap(p.spare)), 1024))
	}
	p.spare = append(p.spare, n)
	return &p.spare[len(p.spare)-1]
}

// Text locates a scalar. Strings are [edit.Double]; numbers, booleans and null
// are [edit.Bare] and get quotes when they are replaced. It fails for a string
// whose bytes are not valid UTF-8, since decoding loses them.
func (d *Document) Text(n *edit.Node) (edit.Text, error) {
	if n == nil || n.Kind != edit.Scalar || n.Start < 0 || n.Start >= len(d.src) {
		return edit.Text{}, errors.New("not a scalar of this document")
	}
	if n.Tag != edit.TagString {
		if !bytes.HasPrefix(d.src[n.Start:], []byte(n.Value)) {
			return edit.Text{}, fmt.Errorf("%q is not written there", n.Value)
		}
		return edit.Text{
			Value: n.Value,
			Raw:   edit.Span{Start: n.Start, End: n.Start + len(n.Value)},
			Style: edit.Bare,
			Runs:  []edit.Run{{Value: 0, Source: n.Start, Len: len(n.Value)}},
		}, nil
	}
	end, err := closingQuote(d.src, n.Start)
	if err != nil {
		return edit.Text{}, err
	}
	value, runs, err := unescape(d.src, n.Start+1, end)
	if err != nil {
		return edit.Text{}, fmt.Errorf("locate %q: %w", n.Value, err)
	}
	if value != n.Value {
		return edit.Text{}, fmt.Errorf("%q is written with bytes that are not valid UTF-8", n.Value)
	}
	return edit.Text{
		Value: value,
		Raw:   edit.Span{Start: n.Start, End: end + 1},
		Style: edit.Double,
		Runs:  runs,
	}, nil
}

// closingQuote returns the offset of the quote that ends the string at start.
func closingQuote(src []byte, start int) (int, error) {
	if src[start] == '"' {
		for i := start + 1; i < len(src); i++ {
			switch src[i] {
			case '"':
				return i, nil
			case '\\':
				i++
			}
		}
	}
	return 0, errors.New("no quoted string is written there")
}

// unescape returns what the inside of a string means, and its parts that stand
// for themselves.
func unescape(src []byte, start, end int) (string, []edit.Run, error) {
	var value strings.Builder
	var runs []edit.Run
	for at := start; at < end; {
		next := end
		if i := bytes.IndexByte(src[at:end], '\\'); i >= 0 {
			next = at + i
		}
		if next > at {
			runs = append(runs, edit.Run{Value: value.Len(), Source: at, Len: next - at})
			value.Write(src[at:next])
		}
		at = next
		// Adjacent escapes are decoded together: two may make one character.
		for next < end && src[next] == '\\' {
			if next+1 < end && src[next+1] == 'u' {
				next += len(`\u0000`)
			} else {
				next += len(`\n`)
			}
		}
		if next > at {
			var decoded string
			quoted := `"` + string(src[at:min(next, end)]) + `"`
			if err := json.Unmarshal([]byte(quoted), &decoded); err != nil {
				return "", nil, fmt.Errorf("decode %s: %w", quoted, err)
			}
			value.WriteString(decoded)
			at = next
		}
	}
	return value.String(), runs, nil
}

var _ edit.Document = (*Document)(nil)
