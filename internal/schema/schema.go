// Package schema owns the strict reading of a configuration file into structs:
// one declaration, Go structs with tags, gives the reading with all its faults
// at once, the JSON Schema for editors, and the list of keys for people.
//
// It reads trees, not bytes, and it judges what one value says for itself;
// whether values agree with each other is for the package that owns the file.
//
//	type Gates struct {
//		Soak  Duration `key:"soak" doc:"how long a version must have run"`
//		Teams []string `key:"teams,unique" default:"[release]" doc:"who may approve"`
//	}
//
// The tags of a field are:
//
//   - key: the key, and after commas what holds for it: required (it must be
//     there, and a list must have an item), filled (the list must have an item
//     if it is there), name (the text is a name, as [IsName] has it), unique (no
//     item of the list stands there twice), and short (a scalar in place of the
//     whole mapping is the value of this key).
//     A key that ends in * stands for all that start so; they are ignored.
//     Fields without this tag are not of the file.
//   - default: what the value is without the key, a scalar or [a, list].
//   - doc: what the key says, in a phrase.
//   - alias: other words that people write for the key, separated by commas.
//     They are unknown keys all the same, but it is known what they mean.
//   - note: what else a person must know who corrects a name.
//   - one: of all fields with the same word here, exactly one must be given.
//   - with: keys, separated by commas, that must be there when this one is.
//   - min, max: the bounds of a number; max also of the length of a list.
//
// Fields are bools, ints, strings, types with a [Form], and structs, pointers
// to structs (nil without the key), slices, and maps from strings with a Form
// that has an Enum. A struct whose key is missing gets its defaults, too. A
// string takes a number as it is written, so 1.20 is the string 1.20, but no
// boolean and no null; a type with a Form takes dates so, but no numbers.
package schema

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Form says what texts a type has. All of its fields may be zero.
type Form struct {
	Noun    string   // what it is called in a table: "duration"; of an Enum, its words if empty
	Words   string   // what it is, with its article: "a duration such as 30m"; if empty, the words of Enum
	Enum    []string // the only texts there are
	Pattern string   // a regular expression that all texts match, in the syntax that Go and JavaScript share
}

// Formed is a type that is written as one scalar and has a form of its own. If
// it is no string, it must be an [encoding.TextUnmarshaler], too, whose errors
// are shown as they are; a [TextError] says more. A string may be one for the
// sake of its errors.
type Formed interface{ Form() Form }

// TextError is a text that a type cannot be read from.
type TextError struct {
	Offset  int // the byte of the text that is at fault, 0 also if it is the whole
	Message string
	Hint    string // what to write instead, may be empty
}

func (e *TextError) Error() string { return e.Message }

// Place is embedded in a struct, or in a type with a Form, to keep where its
// value stands.
type Place struct {
	Offset int // of the first byte, in the file
	// Vague reports whether there are keys that are not known, so that what
	// seems to be missing may be there. It comes with a fault.
	Vague bool
}

func (p *Place) place(offset int) { p.Offset = offset }

func (p *Place) blur() { p.Vague = true }

type placed interface {
	place(offset int)
	blur()
}

// Hinter is a struct that knows more than others about keys that it does not
// have. An empty hint leaves the word to the nearest key.
type Hinter interface{ Hint(unknown string) string }

// NamePattern is what a name matches.
const NamePattern = `^[a-z0-9][a-z0-9._-]*$`

// nameWords are the words for it.
const nameWords = "a name of lower-case letters, digits, dots, dashes and underscores"

// IsName reports whether s is a name: lower-case letters, digits and inner
// dots, dashes and underscores, so that it can be part of a file's path.
func IsName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '-' || c == '_'):
		default:
			return false
		}
	}
	return s != ""
}

// field is what the tags of a field say.
type field struct {
	index                                 int
	kind                                  reflect.Type
	key                                   string
	required, filled, name, unique, short bool
	fallback                              string // the tag default; "" for none
	doc, note                             string
	alias                                 []string // folded
	one                                   string
	with                                  []string
	min, max                              *int
}

// prefix returns what the keys start with that the field stands for, if it
// stands for more than one.
func (f *field) prefix() (string, bool) { return strings.CutSuffix(f.key, "*") }

// item is the field as it holds for the items of its list or map.
func (f *field) item() *field {
	item := &field{kind: f.kind.Elem(), key: f.key, name: f.name, note: f.note, unique: f.unique}
	if f.kind.Kind() == reflect.Slice {
		item.unique = false
	}
	return item
}

// shape is a struct as a mapping.
type shape struct {
	fields []*field
	byKey  map[string]*field
	short  *field // nil for none
}

var shapes sync.Map // reflect.Type → *shape

// shapeOf reads the tags of a struct. A tag that makes no sense is a mistake
// in the program, and panics.
func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{byKey: map[string]*field{}}
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, ok := sf.Tag.Lookup("key")
		if !ok {
			continue
		}
		key, options, _ := strings.Cut(tag, ",")
		f := &field{
			index: i, kind: sf.Type, key: key,
			fallback: sf.Tag.Get("default"), doc: sf.Tag.Get("doc"), note: sf.Tag.Get("note"), one: sf.Tag.Get("one"),
			min: number(sf.Tag, "min"), max: number(sf.Tag, "max"),
		}
		if with := sf.Tag.Get("with"); with != "" {
			f.with = strings.Split(with, ",")
		}
		if alias := sf.Tag.Get("alias"); alias != "" {
			f.alias = strings.Split(fold(alias), ",")
		}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "":
			case "required":
				f.required = true
			case "filled":
				f.filled = true
			case "name":
				f.name = true
			case "unique":
				f.unique = true
			case "short":
				f.short = true
				s.short = f
			default:
				panic(fmt.Sprintf("field %s of %s: unknown option %q", sf.Name, t, option))
			}
		}
		s.fields = append(s.fields, f)
		s.byKey[key] = f
	}
	found, _ := shapes.LoadOrStore(t, s)
	return found.(*shape)
}

func number(tag reflect.StructTag, name string) *int {
	text, ok := tag.Lookup(name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("tag %s: %v", name, err))
	}
	return &n
}

var formedType = reflect.TypeFor[Formed]()

var forms sync.Map // reflect.Type → *Form, nil for types without one

// formOf returns the form of a type, with its words filled in, if it has one.
func formOf(t reflect.Type) (Form, bool) {
	if f, ok := forms.Load(t); ok {
		if form := f.(*Form); form != nil {
			return *form, true
		}
		return Form{}, false
	}
	if t.Kind() == reflect.Pointer || !t.Implements(formedType) {
		forms.Store(t, (*Form)(nil))
		return Form{}, false
	}
	f := reflect.Zero(t).Interface().(Formed).Form()
	if f.Words == "" {
		f.Words = oneOf(f.Enum)
	}
	forms.Store(t, &f)
	return f, true
}

var patterns sync.Map // string → *regexp.Regexp

// compiled returns the regular expression of a Form, which is a constant.
func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(pattern)
	patterns.Store(pattern, re)
	return re
}

// wordsFor says what a value of the field is, with its article.
func wordsFor(f *field) string {
	t := f.kind
	if form, ok := formOf(t); ok {
		return form.Words
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		switch {
		case f.min != nil && f.max != nil && *f.min == *f.max:
			return strconv.Itoa(*f.min)
		case f.min != nil && f.max != nil:
			return fmt.Sprintf("a whole number from %d to %d", *f.min, *f.max)
		case f.min != nil:
			return fmt.Sprintf("a whole number from %d on", *f.min)
		}
		return "a whole number"
	case reflect.String:
		if f.name {
			return nameWords
		}
		return "a string"
	case reflect.Slice:
		return "a list"
	case reflect.Pointer:
		return wordsFor(&field{kind: t.Elem()})
	case reflect.Struct:
		if s := shapeOf(t); s.short != nil {
			return wordsFor(s.short) + " or a mapping"
		}
	}
	return "a mapping"
}

// oneOf lists words with commas and a last "or".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
