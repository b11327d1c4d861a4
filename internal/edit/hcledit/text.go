package hcledit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/towpath-dev/towpath/internal/edit"
)

var (
	errValue        = errors.New("its value is not what the bytes say")
	errUnterminated = errors.New("no string ends there")
)

// Text locates a scalar. Quoted strings and labels are [edit.Double]. Heredocs
// are [edit.Block] with a run for each piece of a line; line ends are in none,
// nor are the blank lines of <<-. Numbers, booleans and null are [edit.Bare]
// and get quotes when they are replaced. It fails for names (of attributes,
// blocks, bare keys and labels) and for strings that are not in Unicode's
// normal form C, since HCL changes those as it reads them.
func (d *Document) Text(n *edit.Node) (edit.Text, error) {
	if n == nil || n.Kind != edit.Scalar || n.Start < 0 || n.Start >= len(d.src) {
		return edit.Text{}, errors.New("not a scalar of this document")
	}
	var text edit.Text
	var err error
	switch rest := d.src[n.Start:]; {
	case n.Tag != edit.TagString:
		text = edit.Text{
			Value: n.Value,
			Raw:   edit.Span{Start: n.Start, End: n.Start + len(n.Value)},
			Runs:  []edit.Run{{Source: n.Start, Len: len(n.Value)}},
		}
		if !bytes.HasPrefix(rest, []byte(n.Value)) {
			err = errValue
		}
	case rest[0] == '"':
		text, err = quoted(d.src, n)
	case bytes.HasPrefix(rest, []byte("<<")):
		text, err = heredoc(d.src, n)
	default:
		err = errors.New("a name cannot be replaced")
	}
	if err != nil {
		return edit.Text{}, fmt.Errorf("locate %q: %w", n.Value, err)
	}
	return text, nil
}

func quoted(src []byte, n *edit.Node) (edit.Text, error) {
	end := n.Start + 1
	for end < len(src) && src[end] != '"' {
		if src[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(src) {
		return edit.Text{}, errUnterminated
	}
	value, runs, err := unescape(src, edit.Span{Start: n.Start + 1, End: end}, hclsyntax.TokenQuotedLit)
	if err != nil {
		return edit.Text{}, err
	}
	if value != n.Value {
		return edit.Text{}, errValue
	}
	return edit.Text{Value: value, Raw: edit.Span{Start: n.Start, End: end + 1}, Style: edit.Double, Runs: runs}, nil
}

// heredoc locates a heredoc without interpolations. How much indentation <<-
// takes away is not worked out again: each line of the value must be the end
// of its line in the file, with nothing but white space before it.
func heredoc(src []byte, n *edit.Node) (edit.Text, error) {
	text := edit.Text{Value: n.Value, Style: edit.Block}
	intro, _, _ := bytes.Cut(src[n.Start:], []byte("\n"))
	marker, flush := bytes.CutPrefix(bytes.TrimSpace(intro[len("<<"):]), []byte("-"))

	rest := n.Value
	for at := n.Start + len(intro) + 1; at < len(src); {
		line, _, _ := bytes.Cut(src[at:], []byte("\n"))
		end := at + len(line)
		if bytes.Equal(bytes.TrimSpace(line), marker) {
			if rest != "" {
				return edit.Text{}, errValue
			}
			text.Raw = edit.Span{Start: n.Start, End: at + len(bytes.TrimSuffix(line, []byte("\r")))}
			return text, nil
		}
		value, runs, err := unescape(src, edit.Span{Start: at, End: end}, hclsyntax.TokenStringLit)
		if err != nil {
			return edit.Text{}, err
		}
		want, next, ok := strings.Cut(rest, "\n")
		indent, isEnd := strings.CutSuffix(value, want)
		if !ok || !isEnd || strings.TrimSpace(indent) != "" || indent != "" && !flush {
			return edit.Text{}, errValue
		}
		if flush && strings.TrimSpace(value) == "" {
			// A blank line has no say in the indentation; text in it would.
			runs = nil
		}
		for _, r := range runs {
			// The part of the run that lies between indentation and line end.
			from := max(r.Value, len(indent))
			to := min(r.Value+r.Len, len(strings.TrimSuffix(value, "\r")))
			if from < to {
				offset := len(n.Value) - len(rest) - len(indent)
				text.Runs = append(text.Runs, edit.Run{Value: offset + from, Source: r.Source + from - r.Value, Len: to - from})
			}
		}
		rest = next
		at = end + 1
	}
	return edit.Text{}, errUnterminated
}

// unescape returns what a literal means, and its parts that stand for
// themselves. kind is TokenQuotedLit or TokenStringLit, as it is for hcl.
func unescape(src []byte, span edit.Span, kind hclsyntax.TokenType) (string, []edit.Run, error) {
	var value strings.Builder
	var runs []edit.Run
	for at := span.Start; at < span.End; {
		next := at
		for next < span.End && escape(src[next:span.End], kind) == 0 {
			next++
		}
		if next > at {
			runs = append(runs, edit.Run{Value: value.Len(), Source: at, Len: next - at})
			value.Write(src[at:next])
			at = next
			continue
		}
		next += escape(src[at:span.End], kind)
		decoded, diags := hclsyntax.ParseStringLiteralToken(hclsyntax.Token{Type: kind, Bytes: src[at:next]})
		if diags.HasErrors() {
			return "", nil, fmt.Errorf("decode %s: %w", src[at:next], diags)
		}
		value.WriteString(decoded)
		at = next
	}
	return value.String(), runs, nil
}

// escape returns the length of the escape sequence that b begins with, or 0.
func escape(b []byte, kind hclsyntax.TokenType) int {
	size := 0
	switch {
	case bytes.HasPrefix(b, []byte("$${")), bytes.HasPrefix(b, []byte("%%{")):
		size = len("$${")
	case kind != hclsyntax.TokenQuotedLit || b[0] != '\\':
	case bytes.HasPrefix(b, []byte(`\u`)):
		size = len(`\u0000`)
	case bytes.HasPrefix(b, []byte(`\U`)):
		size = len(`\U00000000`)
	default:
		size = len(`\n`)
	}
	return min(size, len(b))
}
