package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// JSON returns the JSON Schema, draft-07, of the struct that v is or points
// to, for editors. It accepts whatever [Decode] reads without a fault, and
// refuses all faults that the tags speak of, but for values that stand in a
// list twice. The same struct always gives the same bytes.
func JSON(v any, id, title string) []byte {
	root := object{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"$id", id},
		{"title", title},
	}
	root = append(root, mappingSchema(structType(v))...)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // strings, numbers and lists of them
	}
	return b.Bytes()
}

func structType(v any) reflect.Type {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// object is a JSON object that keeps its order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func fieldSchema(f *field) object {
	var o object
	if f.doc != "" {
		o = append(o, member{"description", f.doc})
	}
	o = append(o, typeSchema(f)...)
	if f.fallback != "" {
		o = append(o, member{"default", fallbackJSON(f)})
	}
	return o
}

func typeSchema(f *field) object {
	if form, ok := formOf(f.kind); ok {
		return formSchema(form)
	}
	switch f.kind.Kind() {
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int:
		o := object{{"type", "integer"}}
		if f.min != nil {
			o = append(o, member{"minimum", *f.min})
		}
		if f.max != nil {
			o = append(o, member{"maximum", *f.max})
		}
		return o
	case reflect.String:
		o := object{{"type", []string{"string", "number"}}}
		if f.name {
			return append(o, member{"pattern", NamePattern})
		}
		return append(o, member{"minLength", 1})
	case reflect.Slice:
		o := object{{"type", "array"}}
		if f.required || f.filled {
			o = append(o, member{"minItems", 1})
		}
		if f.max != nil {
			o = append(o, member{"maxItems", *f.max})
		}
		return append(o, member{"items", typeSchema(f.item())})
	case reflect.Map:
		form, _ := formOf(f.kind.Key())
		var properties object
		for _, word := range form.Enum {
			properties = append(properties, member{word, typeSchema(f.item())})
		}
		return object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
	case reflect.Pointer:
		return typeSchema(&field{kind: f.kind.Elem()})
	}
	if short := shapeOf(f.kind).short; short != nil {
		return object{{"anyOf", []object{typeSchema(short), mappingSchema(f.kind)}}}
	}
	return mappingSchema(f.kind)
}

func formSchema(form Form) object {
	o := object{{"type", "string"}}
	if form.Enum != nil {
		return append(o, member{"enum", form.Enum})
	}
	o = append(o, member{"minLength", 1})
	if form.Pattern != "" {
		o = append(o, member{"pattern", form.Pattern})
	}
	return o
}

func mappingSchema(t reflect.Type) object {
	s := shapeOf(t)
	o := object{{"type", "object"}, {"additionalProperties", false}}
	var required []string
	var properties, ignored, with object
	for _, f := range s.fields {
		if prefix, many := f.prefix(); many {
			ignored = append(ignored, member{"^" + prefix, object{{"description", f.doc}}})
			continue
		}
		if f.required {
			required = append(required, f.key)
		}
		if len(f.with) > 0 {
			with = append(with, member{f.key, f.with})
		}
		properties = append(properties, member{f.key, fieldSchema(f)})
	}
	if required != nil {
		o = append(o, member{"required", required})
	}
	if choices := s.choices(); len(choices) > 0 {
		var all []object
		for _, choice := range choices {
			var one []object
			for _, f := range choice {
				one = append(one, object{{"required", []string{f.key}}})
			}
			all = append(all, object{{"oneOf", one}})
		}
		if len(all) == 1 {
			o = append(o, all[0]...)
		} else {
			o = append(o, member{"allOf", all})
		}
	}
	if with != nil {
		o = append(o, member{"dependencies", with})
	}
	if ignored != nil {
		o = append(o, member{"patternProperties", ignored})
	}
	return append(o, member{"properties", properties})
}

// fallbackJSON is the default as a JSON value.
func fallbackJSON(f *field) any {
	if items, ok := fallbackItems(f); ok {
		return items
	}
	switch f.kind.Kind() {
	case reflect.Bool, reflect.Int:
		return json.RawMessage(f.fallback)
	}
	return f.fallback
}
