package schema

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
)

// fill gives a struct what its keys mean when they are not written.
func fill(out reflect.Value) {
	for _, f := range shapeOf(out.Type()).fields {
		fillField(f, out)
	}
}

func fillField(f *field, parent reflect.Value) {
	if _, many := f.prefix(); many {
		return
	}
	out := parent.Field(f.index)
	switch {
	case f.fallback != "":
		d := decoder{left: maxVisits}
		d.value(fallbackNode(f), out, slot{name: f.key, field: f})
		if len(d.faults) > 0 {
			panic(fmt.Sprintf("default %q: %s", f.fallback, d.faults[0].Message))
		}
	case out.Kind() == reflect.Struct:
		if _, ok := formOf(out.Type()); !ok {
			fill(out)
		}
	}
}

// fallbackNode reads the tag default.
func fallbackNode(f *field) *edit.Node {
	items, ok := fallbackItems(f)
	if !ok {
		return scalarNode(f.fallback, f.kind)
	}
	n := &edit.Node{Kind: edit.Sequence}
	for _, item := range items {
		n.Content = append(n.Content, scalarNode(item, f.kind.Elem()))
	}
	return n
}

// fallbackItems returns the items of a default that is a list.
func fallbackItems(f *field) (items []string, ok bool) {
	if f.kind.Kind() != reflect.Slice {
		return nil, false
	}
	inner := strings.Trim(f.fallback, "[]")
	if inner == "" {
		return nil, true
	}
	return strings.Split(inner, ", "), true
}

func scalarNode(text string, t reflect.Type) *edit.Node {
	n := &edit.Node{Kind: edit.Scalar, Tag: edit.TagString, Value: text}
	switch t.Kind() {
	case reflect.Bool:
		n.Tag = edit.TagBool
	case reflect.Int:
		n.Tag = "!!int"
	}
	return n
}
