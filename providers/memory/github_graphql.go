package memory

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
)

// graphql answers a request of GraphQL: with status 200, whatever is wrong with
// it
// (https://github.com/KnpLabs/php-github-api/issues/941,
// https://gliptak.github.io/post/github_graphql_newbranch/ shows a reply).
func (h *hub) graphql(c *hubCall) (int, any) {
	if c.account.Login == "" {
		return http.StatusUnauthorized, hubMessage("This endpoint requires you to be authenticated.")
	}
	var in struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil || json.Unmarshal(body, &in) != nil {
		return http.StatusBadRequest, hubMessage("Problems parsing JSON")
	}
	schema, err := hubSchemaOf()
	if err != nil {
		return http.StatusInternalServerError, hubMessage(err.Error())
	}
	d, err := parseHub(in.Query)
	if err != nil {
		return http.StatusOK, map[string]any{"errors": []any{(&hubFault{message: err.Error()}).json()}}
	}
	if faults := schema.validate(d, in.Variables); len(faults) > 0 {
		return http.StatusOK, map[string]any{"errors": faultsJSON(faults)}
	}
	x := &hubRun{c: c, schema: schema, d: d, variables: in.Variables}
	root := "Query"
	if d.isMutation {
		root = "Mutation"
	}
	reply := map[string]any{"data": x.object(root, nil, d.selections, nil)}
	if len(x.faults) > 0 {
		reply["errors"] = faultsJSON(x.faults)
	}
	return http.StatusOK, reply
}

func faultsJSON(faults []*hubFault) []any {
	out := make([]any, len(faults))
	for i, f := range faults {
		out[i] = f.json()
	}
	return out
}

// hubRun executes a document. It locks the repository for each field of the
// document's top.
type hubRun struct {
	c         *hubCall
	schema    *hubSchema
	d         *hubDocument
	variables map[string]any
	s         *State // while it is locked
	faults    []*hubFault
}

// hubNode is a value with fields.
type hubNode struct {
	typ   string
	value any
}

// object returns what was asked of a value.
func (x *hubRun) object(typ string, value any, selections []*hubSelection, path []any) map[string]any {
	out := map[string]any{}
	for _, s := range x.flat(typ, selections) {
		key := s.key()
		at := append(slices.Clip(path), key)
		if s.name == "__typename" {
			out[key] = typ
			continue
		}
		result, err := x.resolve(typ, value, s)
		if err != nil {
			f, ok := err.(*hubFault) //nolint:errorlint // resolvers wrap none
			if !ok {
				f = &hubFault{kind: "UNPROCESSABLE", message: err.Error()}
			}
			f.path = at
			x.faults = append(x.faults, f)
			result = nil
		}
		if all, again := out[key].(map[string]any); again {
			more, _ := x.complete(result, s, at).(map[string]any)
			maps.Copy(all, more)
			continue
		}
		if node, ok := result.(topNode); ok {
			out[key] = node.done
			continue
		}
		out[key] = x.complete(result, s, at)
	}
	return out
}

// topNode is a field of the top, which was completed under its lock.
type topNode struct{ done any }

func (x *hubRun) complete(result any, s *hubSelection, path []any) any {
	switch v := result.(type) {
	case *hubNode:
		if v == nil {
			return nil
		}
		return x.object(v.typ, v.value, s.selections, path)
	case []*hubNode:
		list := make([]any, len(v))
		for i, node := range v {
			list[i] = x.complete(node, s, append(slices.Clip(path), i))
		}
		return list
	}
	return result
}

// flat returns the fields that apply to a type, those of fragments among them.
func (x *hubRun) flat(typ string, selections []*hubSelection) []*hubSelection {
	var out []*hubSelection
	for _, s := range selections {
		if include, ok := s.directives["include"]; ok && x.value(include["if"]) != true {
			continue
		}
		if skip, ok := s.directives["skip"]; ok && x.value(skip["if"]) == true {
			continue
		}
		on, below := s.on, s.selections
		switch {
		case s.name != "":
			out = append(out, s)
			continue
		case s.spread != "":
			on, below = x.d.fragments[s.spread].on, x.d.fragments[s.spread].selections
		}
		if on == "" || on == typ || x.schema.implements[typ] == on {
			out = append(out, x.flat(typ, below)...)
		}
	}
	return out
}

func (x *hubRun) value(v *hubValue) any {
	switch {
	case v == nil:
		return nil
	case v.kind == 'v':
		value, ok := x.variables[v.variable]
		if !ok {
			for _, d := range x.d.variables {
				if d.name == v.variable && d.fallback != nil {
					return x.value(d.fallback)
				}
			}
		}
		return value
	case v.kind == 'l':
		list := make([]any, len(v.list))
		for i, item := range v.list {
			list[i] = x.value(item)
		}
		return list
	case v.kind == 'o':
		object := map[string]any{}
		for name, field := range v.object {
			object[name] = x.value(field)
		}
		return object
	}
	if e, ok := v.constant.(hubEnum); ok {
		return string(e)
	}
	return v.constant
}

// text, number and object read arguments, whose types were checked.
func (x *hubRun) text(s *hubSelection, name string) string {
	text, _ := x.value(s.arguments[name]).(string)
	return text
}

func (x *hubRun) number(s *hubSelection, name string) int {
	switch n := x.value(s.arguments[name]).(type) {
	case int:
		return n
	case float64:
		return int(n)
	}
	return 0
}
