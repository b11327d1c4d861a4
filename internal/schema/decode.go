package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
)

// maxVisits is how many values a file may stand for. Aliases let a small file
// stand for very many; the largest that people keep stay far below.
const maxVisits = 1 << 20

// maxFaults is how many faults are told; a file with more is another sort of
// file.
const maxFaults = 1000

// Decode reads a document into the struct that v points to, which must have
// its zero value, and returns everything that is wrong, in no certain order; of
// more than a thousand faults, the first thousand and one that says so.
// What is at fault is left out of v: it has its zero value there, so that the
// items of lists keep their places.
//
// Aliases stand for their values, and a pair overrides a merged one ("<<").
// Every node with a value that v keeps a [Place] for gives it its offset; for
// an alias that is where the alias stands.
func Decode(root *edit.Node, v any) []Fault {
	out := reflect.ValueOf(v).Elem()
	d := decoder{left: maxVisits}
	if root == nil {
		d.add(Fault{Message: "the file is empty"})
		return d.faults
	}
	d.value(root, out, slot{name: "the file", field: &field{kind: out.Type()}})
	if d.full {
		last := d.faults[len(d.faults)-1].Offset
		return append(d.faults, Fault{Offset: last, Message: fmt.Sprintf("there are more than %d faults; the rest was not looked at", maxFaults)})
	}
	if d.left <= 0 {
		// What was not looked at would be reported as missing.
		return []Fault{{
			Offset: root.Start, Message: fmt.Sprintf("the file stands for more than %d values", maxVisits),
			Hint: "write fewer aliases: each counts with all that its anchor holds",
		}}
	}
	return d.faults
}

type decoder struct {
	faults []Fault
	full   bool // there are more faults than are told
	left   int  // visits; 0 or less ends the reading
}

// slot is what a value is read for.
type slot struct {
	name  string     // what faults call it: a key, or "an item of after"
	key   *edit.Node // nil for an item and the root
	field *field
}

func (d *decoder) add(f Fault) {
	if len(d.faults) == maxFaults {
		d.full, d.left = true, 0
		return
	}
	d.faults = append(d.faults, f)
}

func (d *decoder) fault(at *edit.Node, hint, format string, args ...any) {
	d.add(Fault{Offset: at.Start, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// visit counts nodes that are looked at, and reports whether that goes on.
func (d *decoder) visit(nodes int) bool {
	d.left -= nodes
	return d.left > 0
}

func (d *decoder) value(use *edit.Node, out reflect.Value, s slot) {
	if !d.visit(1) {
		return
	}
	n := use.Resolve()
	if n == nil {
		d.fault(use, "", "the alias *%s stands within its own anchor", use.Value)
		return
	}
	if n.Kind == edit.Scalar && n.Tag == edit.TagNull {
		d.null(use, s)
		return
	}
	if p, ok := out.Addr().Interface().(placed); ok {
		p.place(use.Start)
	}
	if form, ok := formOf(out.Type()); ok {
		d.formed(use, out, s, form)
		return
	}
	switch out.Kind() {
	case reflect.Bool:
		d.boolean(use, out, s)
	case reflect.Int:
		d.integer(use, out, s)
	case reflect.String:
		d.text(use, out, s)
	case reflect.Slice:
		d.list(use, out, s)
	case reflect.Map:
		d.table(use, out, s)
	case reflect.Struct:
		d.mapping(use, out, s)
	case reflect.Pointer:
		target := reflect.New(out.Type().Elem())
		d.value(use, target.Elem(), slot{s.name, s.key, &field{kind: out.Type().Elem()}})
		out.Set(target)
	default:
		panic(fmt.Sprintf("%s: no value of a file is a %s", s.name, out.Type()))
	}
}

func (d *decoder) null(use *edit.Node, s slot) {
	if s.key == nil {
		d.fault(use, "", "%s has no value", s.name)
		return
	}
	hint := "give it one, or leave the key out"
	if s.field.required {
		hint = "it must be " + wordsFor(s.field)
	}
	d.fault(s.key, hint, "%s has no value", s.name)
}

// wrong says that another kind of value is wanted.
func (d *decoder) wrong(use *edit.Node, s slot, hint string) {
	d.fault(use, hint, "%s must be %s, not %s", s.name, wordsFor(s.field), describe(use.Resolve()))
}

func (d *decoder) list(use *edit.Node, out reflect.Value, s slot) {
	n := use.Resolve()
	if n.Kind != edit.Sequence {
		hint := ""
		if n.Kind == edit.Scalar {
			hint = fmt.Sprintf("write it as a list: [%q]", short(n.Value))
		}
		d.wrong(use, s, hint)
		return
	}
	if !d.visit(len(n.Content)) {
		return
	}
	if s.field.required && len(n.Content) == 0 {
		d.fault(use, "", "%s is empty", s.name)
	}
	if most := s.field.max; most != nil && len(n.Content) > *most {
		d.fault(use, "", "%s has %d items, more than the %d that are read", s.name, len(n.Content), *most)
		return
	}
	items := reflect.MakeSlice(out.Type(), len(n.Content), len(n.Content))
	item := slot{name: itemName(s.name, out.Type().Elem()), field: s.field.item()}
	for i, child := range n.Content {
		d.value(child, items.Index(i), item)
	}
	out.Set(items)
	if s.field.unique {
		d.unique(n, s)
	}
}

// unique reports the scalars that stand in a list twice.
func (d *decoder) unique(list *edit.Node, s slot) {
	first := map[string]*edit.Node{}
	for _, child := range list.Content {
		n := child.Resolve()
		switch {
		case n == nil || n.Kind != edit.Scalar || n.Tag == edit.TagNull:
		case first[n.Value] != nil:
			d.add(Fault{
				Offset: child.Start, Message: fmt.Sprintf("%q stands in %s twice", short(n.Value), s.name),
				first: first[n.Value],
			})
		default:
			first[n.Value] = child
		}
	}
}

// itemName is what faults call an item of a list: the singular of the key for
// a mapping.
func itemName(key string, t reflect.Type) string {
	if _, ok := formOf(t); ok || t.Kind() != reflect.Struct {
		return "an item of " + key
	}
	one := strings.TrimSuffix(key, "s")
	if strings.ContainsRune("aeiou", rune(one[0])) {
		return "an " + one
	}
	return "a " + one
}

// table reads a map, whose keys are words of an Enum.
func (d *decoder) table(use *edit.Node, out reflect.Value, s slot) {
	n := use.Resolve()
	form, _ := formOf(out.Type().Key())
	if n.Kind != edit.Mapping {
		d.wrong(use, s, "its keys are: "+strings.Join(form.Enum, ", "))
		return
	}
	out.Set(reflect.MakeMap(out.Type()))
	seen := seenKeys{}
	for p := range pairs(n, d.visit) {
		if !d.key(p, s, seen) {
			continue
		}
		if !slices.Contains(form.Enum, p.key.Value) {
			d.unknown(p.key, s, form.Enum)
			continue
		}
		value := reflect.New(out.Type().Elem()).Elem()
		d.value(p.value, value, slot{p.key.Value, p.key, s.field.item()})
		out.SetMapIndex(reflect.ValueOf(p.key.Value).Convert(out.Type().Key()), value)
	}
	d.merges(n)
}

func (d *decoder) mapping(use *edit.Node, out reflect.Value, s slot) {
	n := use.Resolve()
	t := shapeOf(out.Type())
	if n.Kind == edit.Scalar && t.short != nil {
		fill(out)
		d.value(use, out.Field(t.short.index), slot{s.name, nil, t.short})
		return
	}
	if n.Kind != edit.Mapping {
		hint := ""
		if len(t.fields) > 0 {
			hint = "its keys are: " + strings.Join(t.keys(), ", ")
		}
		d.wrong(use, s, hint)
		return
	}
	seen := seenKeys{}
	var meant map[string]bool // keys that an unknown one was a slip for
	for p := range pairs(n, d.visit) {
		if !d.key(p, s, seen) || t.ignores(p.key.Value) {
			continue
		}
		f := t.byKey[p.key.Value]
		if f == nil {
			if meant == nil {
				meant = map[string]bool{}
			}
			meant[d.unknownIn(out, p.key, s, t)] = true
			continue
		}
		d.value(p.value, out.Field(f.index), slot{f.key, p.key, f})
	}
	d.merges(n)
	for _, f := range t.fields {
		switch {
		case seen[f.key] != nil, meant[f.key]:
		case f.required:
			d.fault(use, describeKey(f), "%s has no %s", s.name, f.key)
		default:
			fillField(f, out)
		}
	}
	for key := range meant {
		if f := t.byKey[key]; f != nil && seen[key] == nil {
			seen[key] = n
		}
	}
	d.together(use, s, t, seen)
}

// seenKeys are the keys of a mapping that were met, with their nodes.
type seenKeys map[string]*edit.Node

// key judges the key of a pair, and reports whether the pair is to be read.
func (d *decoder) key(p pair, s slot, seen seenKeys) bool {
	if !d.visit(1) {
		return false
	}
	if p.key.Kind != edit.Scalar {
		d.fault(p.key, "", "a key of %s must be a string", s.name)
		return false
	}
	if first := seen[p.key.Value]; first != nil {
		d.add(Fault{Offset: p.key.Start, Message: fmt.Sprintf("the key %s is written twice", quoteKey(p.key.Value)), first: first})
		return false
	}
	seen[p.key.Value] = p.key
	return true
}

func quoteKey(key string) string {
	if IsName(strings.ToLower(key)) {
		return short(key)
	}
	return strconv.Quote(short(key))
}

// unknown reports a key that is none of those known, and returns the one that
// was meant, if any.
func (d *decoder) unknown(key *edit.Node, s slot, known []string) (meant string) {
	meant = Nearest(key.Value, known)
	hint := "the keys here are: " + strings.Join(known, ", ")
	if meant != "" {
		hint = fmt.Sprintf("did you mean %s?", meant)
	}
	in := ""
	if s.key != nil || s.field.key != "" {
		in = " in " + s.name
	}
	d.fault(key, hint, "unknown key %s%s", quoteKey(key.Value), in)
	return meant
}

func (d *decoder) unknownIn(out reflect.Value, key *edit.Node, s slot, t *shape) (meant string) {
	if h, ok := out.Addr().Interface().(Hinter); ok {
		if hint := h.Hint(key.Value); hint != "" {
			d.fault(key, hint, "unknown key %s", quoteKey(key.Value))
			return ""
		}
	}
	return d.unknown(key, s, t.keys())
}

// merges checks what the merge keys of a mapping name.
func (d *decoder) merges(n *edit.Node) {
	for k, v := range n.Pairs() {
		if k.Kind != edit.Scalar || k.Tag != edit.TagMerge {
			continue
		}
		for _, source := range mergeSources(v) {
			if target := source.Resolve(); target == nil || target.Kind != edit.Mapping {
				d.fault(source, "name a mapping by an alias, such as <<: *defaults", "<< must merge a mapping")
			}
		}
	}
}
