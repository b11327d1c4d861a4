package providertest

import "github.com/getkin/kin-openapi/openapi3"

// loosenOperation makes the schemas of an operation say what forges keep to.
// Replies may have more properties than are described, formats are not looked
// at, and where one of several schemas fits it does not matter that another one
// fits too: descriptions are written for people, and their alternatives overlap.
//
// Requests, on the other hand, may have no properties but those described, so
// that a wrong name is found; as far as schemas are the request's own.
func loosenOperation(op *openapi3.Operation) {
	seen := map[*openapi3.Schema]bool{}
	content := func(c openapi3.Content) {
		for _, media := range c {
			loosen(media.Schema, seen)
		}
	}
	for _, ref := range op.Responses.Map() {
		if ref.Value != nil {
			content(ref.Value.Content)
		}
	}
	if op.RequestBody != nil && op.RequestBody.Value != nil {
		content(op.RequestBody.Value.Content)
		if media := op.RequestBody.Value.Content.Get("application/json"); media != nil {
			closeSchema(media.Schema)
		}
	}
}

func loosen(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	s.Format = ""
	s.Discriminator = nil
	s.AnyOf = append(s.AnyOf, s.OneOf...)
	s.OneOf = nil
	if s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has {
		s.AdditionalProperties.Has = nil
	}
	for _, child := range children(s) {
		loosen(child, seen)
	}
}

func closeSchema(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil || ref.Ref != "" {
		return // one that others refer to as well
	}
	s := ref.Value
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil && len(s.AllOf)+len(s.AnyOf) == 0 {
		no := false
		s.AdditionalProperties.Has = &no
	}
	if len(s.AllOf) > 0 {
		return // each part describes some of the properties
	}
	for _, child := range children(s) {
		closeSchema(child)
	}
}

func children(s *openapi3.Schema) []*openapi3.SchemaRef {
	all := []*openapi3.SchemaRef{s.Items, s.Not, s.AdditionalProperties.Schema}
	all = append(all, s.AllOf...)
	all = append(all, s.AnyOf...)
	for _, property := range s.Properties {
		all = append(all, property)
	}
	return all
}
