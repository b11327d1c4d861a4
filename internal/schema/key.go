package schema

import (
	"reflect"
	"slices"
	"strings"
)

// Key is one key of a file, as a README lists it.
type Key struct {
	Path     string // as in environments[].gates.soak
	Type     string // in words, without its article
	Required bool
	Default  string   // as it would be written; "" for none
	Or       []string // the keys beside it of which one, or this one, must be given
	With     []string // the keys beside it with which it must be given
	Doc      string
}

// Keys lists all keys of the struct that v is or points to, each below the one
// that it belongs to, in the order of the fields. The keys of a map are one
// row, with a star.
func Keys(v any) []Key { return keysUnder("", structType(v)) }

func keysUnder(prefix string, t reflect.Type) []Key {
	var out []Key
	for _, f := range shapeOf(t).fields {
		row := Key{Path: prefix + f.key, Type: typeWords(f), Required: f.required, Default: f.fallback, Doc: f.doc}
		row.Or, row.With = f.neighbours(shapeOf(t).fields)
		out = append(out, row)
		if _, many := f.prefix(); many {
			out[len(out)-1].Type = "anything"
			continue
		}
		below, inner := row.Path+".", f.kind
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			if _, ok := formOf(inner); ok {
				break
			}
			if inner.Kind() == reflect.Slice {
				below = row.Path + "[]."
			}
			inner = inner.Elem()
		}
		if _, ok := formOf(inner); ok || inner.Kind() != reflect.Struct {
			continue
		}
		out = append(out, keysUnder(below, inner)...)
	}
	return out
}

// neighbours returns the keys that stand for a field, and those that need it.
func (f *field) neighbours(all []*field) (or, with []string) {
	for _, other := range all {
		if other == f {
			continue
		}
		if f.one != "" && other.one == f.one {
			or = append(or, other.key)
		}
		if slices.Contains(other.with, f.key) {
			with = append(with, other.key)
		}
	}
	return or, with
}

// typeWords names the type of a field in a table.
func typeWords(f *field) string {
	if form, ok := formOf(f.kind); ok {
		if form.Noun == "" {
			return oneOf(form.Enum)
		}
		return form.Noun
	}
	switch f.kind.Kind() {
	case reflect.Slice:
		item := f.item()
		if form, ok := formOf(item.kind); ok && form.Noun == "" {
			return "list of " + oneOf(form.Enum)
		}
		return "list of " + strings.ReplaceAll(typeWords(item), " or ", "s or ") + "s"
	case reflect.Map:
		return "mapping from " + typeWords(&field{kind: f.kind.Key()}) + " to " + typeWords(f.item())
	case reflect.Pointer:
		return typeWords(&field{kind: f.kind.Elem()})
	case reflect.Struct:
		if short := shapeOf(f.kind).short; short != nil {
			return typeWords(short) + " or mapping"
		}
		return "mapping"
	case reflect.String:
		if f.name {
			return "name"
		}
		return "string"
	case reflect.Int:
		return strings.TrimPrefix(wordsFor(f), "a ")
	}
	return wordsFor(f)
}
