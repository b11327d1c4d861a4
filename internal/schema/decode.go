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
	n := use.Resolve()
	if word := wordInBraces(n); word != "" && hint == "" {
		hint = "put it in quotes: " + strconv.Quote(word)
	}
	d.fault(use, hint, "%s must be %s, not %s", s.name, wordsFor(s.field), describe(n))
}

// wordInBraces returns what is written as a placeholder, {env}, and is a
// mapping to YAML; "" for anything else.
func wordInBraces(n *edit.Node) string {
	if n.Kind != edit.Mapping || n.Tag != "!!map" || len(n.Content) != 2 {
		return ""
	}
	key, value := n.Content[0], n.Content[1]
	isAlone := key.Kind == edit.Scalar && value.Kind == edit.Scalar && value.Tag == edit.TagNull && value.Value == ""
	// Where a mapping starts before its key, there is a brace.
	if !isAlone || n.Anchor != "" || key.Start == n.Start || !IsName(strings.ToLower(key.Value)) {
		return ""
	}
	return "{" + short(key.Value) + "}"
}

func (d *decoder) list(use *edit.Node, out reflect.Value, s slot) {
	n := use.Resolve()
	if n.Kind != edit.Sequence {
		d.wrong(use, s, listHint(n, out.Type().Elem()))
		return
	}
	if !d.visit(len(n.Content)) {
		return
	}
	if (s.field.required || s.field.filled) && len(n.Content) == 0 {
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

// listHint says how to make a list of what is none.
func listHint(n *edit.Node, item reflect.Type) string {
	word := wordInBraces(n)
	t := mappingOf(item)
	switch {
	case n.Kind == edit.Scalar && t != nil && t.short == nil:
		return nameHintFor(t, n.Value)
	case n.Kind == edit.Scalar:
		return fmt.Sprintf("write it as a list: [%q]", short(n.Value))
	case word != "" && (t == nil || t.short != nil):
		return fmt.Sprintf("write it as a list, in quotes: [%q]", word)
	case t == nil || len(n.Content) < 2 || n.Content[0].Kind != edit.Scalar:
		return ""
	case t.byKey[n.Content[0].Value] != nil:
		return "write it as a list: put - before its first key"
	}
	return nameHintFor(t, n.Content[0].Value)
}

// mappingOf returns the shape of a type that is written as a mapping, nil for
// another.
func mappingOf(t reflect.Type) *shape {
	if _, ok := formOf(t); ok || t.Kind() != reflect.Struct {
		return nil
	}
	return shapeOf(t)
}

// nameHintFor says how an item of a list is written that has a name, for one
// of which only the name stands there.
func nameHintFor(t *shape, name string) string {
	if f := t.byKey["name"]; f == nil || f.name && !IsName(name) {
		return ""
	}
	written := short(name)
	if !IsName(name) {
		written = strconv.Quote(written)
	}
	return fmt.Sprintf("write - {name: %s}, one on a line", written)
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
	seen := map[string]*edit.Node{}
	for p := range pairs(n, d.visit) {
		if !d.key(p, s, seen) {
			continue
		}
		if !slices.Contains(form.Enum, p.key.Value) {
			d.unknown(p.key, s, form.Enum, Nearest(p.key.Value, form.Enum))
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
	if word := wordInBraces(n); word != "" && t.short != nil && t.byKey[strings.Trim(word, "{}")] == nil {
		d.wrong(use, slot{s.name, nil, t.short}, "")
		return
	}
	if n.Kind != edit.Mapping {
		d.wrong(use, s, mappingHint(n, s, t))
		return
	}
	k := keys{seen: map[string]*edit.Node{}}
	for p := range pairs(n, d.visit) {
		if !d.key(p, s, k.seen) || t.ignores(p.key.Value) {
			continue
		}
		f := t.byKey[p.key.Value]
		if f == nil {
			k.mean(d.unknownIn(out, p.key, s, n))
			if p, ok := out.Addr().Interface().(placed); ok {
				p.blur()
			}
			continue
		}
		d.value(p.value, out.Field(f.index), slot{f.key, p.key, f})
	}
	d.merges(n)
	for _, f := range t.fields {
		switch {
		case k.seen[f.key] != nil, k.meant[f.key]:
		case f.required:
			d.fault(use, describeKey(f), "%s has no %s", s.name, f.key)
		default:
			fillField(f, out)
		}
	}
	d.together(use, s, t, k)
}

// mappingHint says how to write a mapping in place of something else.
func mappingHint(n *edit.Node, s slot, t *shape) string {
	if len(t.fields) == 0 {
		return ""
	}
	if n.Kind == edit.Scalar && s.key == nil {
		if hint := nameHintFor(t, n.Value); hint != "" {
			return hint
		}
	}
	return "its keys are: " + strings.Join(t.keys(), ", ")
}

// keys are the keys of a mapping that were met, with their nodes, and those
// that were meant by keys that are not known.
type keys struct {
	seen  map[string]*edit.Node
	meant map[string]bool
}

func (k *keys) mean(key string) {
	if k.meant == nil {
		k.meant = map[string]bool{}
	}
	k.meant[key] = true
}

// key judges the key of a pair, and reports whether the pair is to be read.
func (d *decoder) key(p pair, s slot, seen map[string]*edit.Node) bool {
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

// unknown reports a key that is none of those known; meant is the one that was
// meant, if any.
func (d *decoder) unknown(key *edit.Node, s slot, known []string, meant string) {
	hint := "the keys here are: " + strings.Join(known, ", ")
	if meant != "" {
		hint = fmt.Sprintf("did you mean %s?", meant)
	}
	in := ""
	if s.key != nil || s.field.key != "" {
		in = " in " + s.name
	}
	d.fault(key, hint, "unknown key %s%s", quoteKey(key.Value), in)
}

// unknownIn reports a key that a struct does not have, and returns the one that
// was meant, if any.
func (d *decoder) unknownIn(out reflect.Value, key *edit.Node, s slot, n *edit.Node) (meant string) {
	if h, ok := out.Addr().Interface().(Hinter); ok {
		if hint := h.Hint(key.Value); hint != "" {
			d.fault(key, hint, "unknown key %s", quoteKey(key.Value))
			return ""
		}
	}
	t := shapeOf(out.Type())
	known := t.keys()
	if meant = t.alias(key.Value); meant == "" {
		meant = Nearest(key.Value, known)
	}
	// In lists, people also write the name before all that belongs to it.
	if meant == "" && s.key == nil && t.byKey["name"] != nil && IsName(key.Value) && isHeading(n, key) {
		d.fault(key, fmt.Sprintf("write name: %s, and what belongs to it beside that", short(key.Value)), "unknown key %s in %s", short(key.Value), s.name)
		return "name"
	}
	d.unknown(key, s, known, meant)
	return meant
}

// isHeading reports whether a key stands alone above a mapping, or nothing.
func isHeading(n, key *edit.Node) bool {
	if len(n.Content) != 2 || n.Content[0] != key {
		return false
	}
	value := n.Content[1].Resolve()
	return value != nil && (value.Kind == edit.Mapping || value.Tag == edit.TagNull)
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
