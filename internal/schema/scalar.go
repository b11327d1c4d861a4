package schema

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/edit"
)

// formed reads a type with a form. The form is asked of numbers, too, since it
// says best what to write in their place.
func (d *decoder) formed(use *edit.Node, out reflect.Value, s slot, form Form) {
	n := use.Resolve()
	if n.Kind != edit.Scalar || !isText(n) && !isNumber(n) {
		d.wrong(use, s, quoteHint(n, form))
		return
	}
	if err := unmarshal(out, n.Value); err != nil {
		f := Fault{Offset: n.Start, Message: err.Error()}
		if e, ok := errors.AsType[*TextError](err); ok {
			f.Hint = e.Hint
			if e.Offset > 0 {
				f.Scalar, f.Within = n, e.Offset
			}
		}
		d.add(f)
		out.SetZero()
		return
	}
	if !form.fits(n.Value) {
		d.fault(n, didYouMean(n.Value, form.Enum), "%s must be %s, not %s", s.name, form.Words, describe(n))
		out.SetZero()
		return
	}
	if isNumber(n) {
		d.wrong(use, s, quoteHint(n, form))
		out.SetZero()
		return
	}
	if out.Kind() == reflect.String {
		out.SetString(n.Value)
	}
}

// unmarshal lets a type read a text, if it does.
func unmarshal(out reflect.Value, text string) error {
	if u, ok := out.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	return nil
}

// isText reports whether a scalar is a string for people: a date is one.
func isText(n *edit.Node) bool {
	return n.Tag == edit.TagString || n.Tag == timestamp || n.Tag == edit.TagMerge
}

func isNumber(n *edit.Node) bool { return n.Tag == "!!int" || n.Tag == "!!float" }

// fits reports whether a text has the form.
func (f Form) fits(text string) bool {
	return text != "" && (f.Enum == nil || slices.Contains(f.Enum, text)) &&
		(f.Pattern == "" || compiled(f.Pattern).MatchString(text))
}

// quoteHint says how a scalar becomes the string that it was meant to be.
func quoteHint(n *edit.Node, form Form) string {
	switch {
	case n.Kind != edit.Scalar || !form.fits(n.Value):
		return ""
	case n.Tag != edit.TagBool && !isNumber(n):
		return "leave the tag out"
	}
	return "write it in quotes: " + strconv.Quote(short(n.Value))
}

func didYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return ""
}

// text reads a string. What YAML takes for a number or a date is taken as it
// is written.
func (d *decoder) text(use *edit.Node, out reflect.Value, s slot) {
	n := use.Resolve()
	if n.Kind != edit.Scalar {
		d.wrong(use, s, "")
		return
	}
	if !isText(n) && !isNumber(n) {
		d.wrong(use, s, quoteHint(n, Form{}))
		return
	}
	switch {
	case n.Value == "":
		d.fault(n, "", "%s is empty", s.name)
	case s.field.name && !IsName(n.Value):
		hint := nameHint(n.Value)
		if hint != "" && s.field.note != "" {
			hint += "; " + s.field.note
		}
		d.fault(n, hint, "%s must be %s, not %s", s.name, nameWords, describe(n))
	default:
		out.SetString(n.Value)
	}
}

// nameHint makes a name of what was meant to be one.
func nameHint(text string) string {
	name := strings.Map(func(r rune) rune {
		if r == ' ' || r == '/' || r == ':' {
			return '-'
		}
		return r
	}, strings.ToLower(text))
	if IsName(name) {
		return "write " + name
	}
	return ""
}

func (d *decoder) boolean(use *edit.Node, out reflect.Value, s slot) {
	n := use.Resolve()
	if n.Kind == edit.Scalar && n.Tag == edit.TagBool {
		out.SetBool(strings.EqualFold(n.Value, "true"))
		return
	}
	hint := ""
	if n.Kind == edit.Scalar {
		switch strings.ToLower(n.Value) {
		case "yes", "on", "y", "1", "true":
			hint = "write true"
		case "no", "off", "n", "0", "false":
			hint = "write false"
		}
	}
	d.wrong(use, s, hint)
}

func (d *decoder) integer(use *edit.Node, out reflect.Value, s slot) {
	n := use.Resolve()
	if n.Kind != edit.Scalar || n.Tag != "!!int" {
		hint := ""
		if n.Kind == edit.Scalar && isDecimal(n.Value) {
			hint = "write it without quotes: " + short(n.Value)
		}
		d.wrong(use, s, hint)
		return
	}
	i, err := strconv.Atoi(n.Value)
	f := s.field
	if f.min != nil && f.max != nil && *f.min == *f.max && i != *f.min {
		d.wrong(use, s, fmt.Sprintf("write %s: %d", s.name, *f.min))
		return
	}
	if err != nil || !isDecimal(strings.TrimPrefix(n.Value, "-")) || f.min != nil && i < *f.min || f.max != nil && i > *f.max {
		d.wrong(use, s, "")
		return
	}
	out.SetInt(int64(i))
}

// isDecimal reports whether s is a number that all readers of YAML read alike.
func isDecimal(s string) bool {
	n, err := strconv.ParseUint(s, 10, 63)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// describe says what stands there.
func describe(n *edit.Node) string {
	switch n.Kind {
	case edit.Mapping:
		return "a mapping"
	case edit.Sequence:
		return "a list"
	}
	value := short(n.Value)
	switch {
	case n.Tag == edit.TagBool:
		return "the boolean " + value
	case isNumber(n):
		return "the number " + value
	case isText(n):
		return strconv.Quote(value)
	}
	return fmt.Sprintf("%q with the tag %q", value, short(n.Tag))
}

const timestamp = "!!timestamp"

// short keeps a message readable when a whole file was taken for a value.
func short(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
