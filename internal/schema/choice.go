package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
)

// together checks which keys may, and which must, stand beside each other. A
// key that was only meant, by one that is not known, is not missing; but what
// goes with it is not asked for.
func (d *decoder) together(use *edit.Node, s slot, t *shape, k keys) {
	isBoth := map[string]bool{} // choices of which more than one key is there
	for _, choice := range t.choices() {
		var given []string
		isMeant := false
		for _, f := range choice {
			if k.seen[f.key] != nil {
				given = append(given, f.key)
			}
			isMeant = isMeant || k.meant[f.key]
		}
		switch {
		case len(given) == 0 && !isMeant:
			var hints []string
			for _, f := range choice {
				hints = append(hints, describeKey(f))
			}
			d.fault(use, strings.Join(hints, "; or "), "%s has neither %s", s.name, strings.Join(keysOf(choice), " nor "))
		case len(given) > 1:
			last := k.seen[given[0]]
			for _, key := range given[1:] {
				if k.seen[key].Start > last.Start {
					last = k.seen[key]
				}
			}
			isBoth[choice[0].one] = true
			d.fault(last, "leave one of them out", "%s has both %s", s.name, strings.Join(given, " and "))
		}
	}
	for _, f := range t.fields {
		// Which of two keys is to go is not known, nor what would go with it.
		if k.seen[f.key] == nil || isBoth[f.one] {
			continue
		}
		for _, other := range f.with {
			if k.seen[other] == nil && !k.meant[other] {
				d.fault(k.seen[f.key], describeKey(t.byKey[other]), "%s stands without %s", f.key, other)
			}
		}
	}
}

// describeKey says what to add where a key is missing.
func describeKey(f *field) string {
	switch {
	case f.min != nil && f.max != nil && *f.min == *f.max:
		return fmt.Sprintf("add %s: %d", f.key, *f.min)
	case f.doc == "":
		return "add " + f.key
	}
	return fmt.Sprintf("add %s: %s", f.key, f.doc)
}

func keysOf(fields []*field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.key)
	}
	return out
}

func (t *shape) keys() []string {
	var out []string
	for _, f := range t.fields {
		if _, many := f.prefix(); !many {
			out = append(out, f.key)
		}
	}
	return out
}

// alias returns the key for which people write a word.
func (t *shape) alias(word string) string {
	folded := fold(word)
	for _, f := range t.fields {
		if slices.Contains(f.alias, folded) {
			return f.key
		}
	}
	return ""
}

// ignores reports whether a key is one of those that are left alone.
func (t *shape) ignores(key string) bool {
	for _, f := range t.fields {
		if prefix, many := f.prefix(); many && strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// choices returns the sets of fields of which one must be given.
func (t *shape) choices() [][]*field {
	var out [][]*field
	for _, f := range t.fields {
		if f.one == "" {
			continue
		}
		i := slices.IndexFunc(out, func(c []*field) bool { return c[0].one == f.one })
		if i < 0 {
			out = append(out, []*field{f})
			continue
		}
		out[i] = append(out[i], f)
	}
	return out
}
