package gitlabtest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// The subset of GraphQL that documents for GitLab need: one anonymous query with
// variables, fields with arguments and aliases, and nothing else
// (https://spec.graphql.org/October2021/).

// query is a parsed document.
type query struct {
	variables map[string]bool // declared: whether one must be given
	used      map[string]bool
	fields    []selection
}

// selection is a field that is asked for.
type selection struct {
	alias, name string
	args        map[string]argument
	fields      []selection
}

// argument is a value, or the name of a variable.
type argument struct {
	variable string
	value    any
}

type parser struct {
	tokens []string
	query  *query
}

// parseQuery reads a document.
func parseQuery(document string) (*query, error) {
	p := &parser{tokens: tokenize(document), query: &query{variables: map[string]bool{}, used: map[string]bool{}}}
	if p.peek() == "query" {
		p.take()
		if err := p.declarations(); err != nil {
			return nil, err
		}
	}
	var err error
	if p.query.fields, err = p.selections(); err != nil {
		return nil, err
	}
	if p.peek() != "" {
		return nil, fmt.Errorf("Expected end of document, actual: %s", p.peek()) //nolint:staticcheck // GitLab's words
	}
	for name := range p.query.used {
		if _, ok := p.query.variables[name]; !ok {
			return nil, fmt.Errorf("Variable $%s is used by anonymous query but not declared", name) //nolint:staticcheck // GitLab's words
		}
	}
	for name := range p.query.variables {
		if !p.query.used[name] {
			return nil, fmt.Errorf("Variable $%s is declared by anonymous query but not used", name) //nolint:staticcheck // GitLab's words
		}
	}
	return p.query, nil
}

// tokenize splits a document; commas are spaces in GraphQL.
func tokenize(document string) []string {
	var tokens []string
	for i := 0; i < len(document); {
		r := rune(document[i])
		switch {
		case unicode.IsSpace(r) || r == ',':
			i++
		case r == '"':
			end := i + 1
			for end < len(document) && document[end] != '"' {
				end++
			}
			tokens = append(tokens, document[i:min(end+1, len(document))])
			i = end + 1
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-':
			end := i
			for end < len(document) && (document[end] == '_' || document[end] == '-' || isWord(rune(document[end]))) {
				end++
			}
			tokens = append(tokens, document[i:end])
			i = end
		default:
			tokens = append(tokens, document[i:i+1])
			i++
		}
	}
	return tokens
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) take() string {
	token := p.peek()
	if token != "" {
		p.tokens = p.tokens[1:]
	}
	return token
}

func (p *parser) expect(token string) error {
	if got := p.take(); got != token {
		return fmt.Errorf("Expected %q, actual: %q", token, got) //nolint:staticcheck // GitLab's words
	}
	return nil
}

func (p *parser) declarations() error {
	if p.peek() != "(" {
		return nil
	}
	p.take()
	for p.peek() != ")" {
		if err := p.expect("$"); err != nil {
			return err
		}
		name := p.take()
		if err := p.expect(":"); err != nil {
			return err
		}
		var kind strings.Builder
		for p.peek() != "$" && p.peek() != ")" && p.peek() != "" {
			kind.WriteString(p.take())
		}
		p.query.variables[name] = strings.HasSuffix(kind.String(), "!")
	}
	p.take()
	return nil
}

func (p *parser) selections() ([]selection, error) {
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var list []selection
	for p.peek() != "}" {
		if p.peek() == "" || p.peek() == "." {
			return nil, fmt.Errorf("Expected NAME, actual: %q", p.peek()) //nolint:staticcheck // GitLab's words
		}
		s := selection{name: p.take(), args: map[string]argument{}}
		s.alias = s.name
		if p.peek() == ":" {
			p.take()
			s.name = p.take()
		}
		if p.peek() == "(" {
			p.take()
			for p.peek() != ")" {
				name := p.take()
				if err := p.expect(":"); err != nil {
					return nil, err
				}
				var err error
				if s.args[name], err = p.value(); err != nil {
					return nil, err
				}
			}
			p.take()
		}
		if p.peek() == "{" {
			var err error
			if s.fields, err = p.selections(); err != nil {
				return nil, err
			}
		}
		list = append(list, s)
	}
	p.take()
	return list, nil
}

func (p *parser) value() (argument, error) {
	switch token := p.take(); {
	case token == "$":
		name := p.take()
		p.query.used[name] = true
		return argument{variable: name}, nil
	case strings.HasPrefix(token, `"`):
		return argument{value: strings.Trim(token, `"`)}, nil
	case token != "" && (unicode.IsDigit(rune(token[0])) || token[0] == '-'):
		n, err := strconv.Atoi(token)
		return argument{value: n}, err
	case token != "" && unicode.IsLetter(rune(token[0])):
		return argument{value: token}, nil
	default:
		return argument{}, fmt.Errorf("Unexpected %q", token) //nolint:staticcheck // GitLab's words
	}
}

// entity is a value of a GraphQL type.
type entity struct {
	kind   string
	fields map[string]field
}

// field resolves to nil, a scalar, a list of scalars, an *entity or a list of
// them.
type field struct {
	args    []string
	resolve func(args map[string]any) (any, error)
}

// plain is a field that is there already.
func plain(v any) field {
	return field{resolve: func(map[string]any) (any, error) { return v, nil }}
}

// pick returns what was asked of an entity.
func pick(e *entity, fields []selection, variables map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for _, s := range fields {
		f, ok := e.fields[s.name]
		if !ok {
			return nil, fmt.Errorf("Field '%s' doesn't exist on type '%s'", s.name, e.kind) //nolint:staticcheck // GitLab's words
		}
		args := map[string]any{}
		for name, a := range s.args {
			known := false
			for _, n := range f.args {
				known = known || n == name
			}
			if !known {
				return nil, fmt.Errorf("Field '%s' doesn't accept argument '%s'", s.name, name) //nolint:staticcheck // GitLab's words
			}
			args[name] = a.value
			if a.variable != "" {
				args[name] = variables[a.variable]
			}
		}
		v, err := f.resolve(args)
		if err != nil {
			return nil, err
		}
		if out[s.alias], err = shape(v, s, e.kind, variables); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func shape(v any, s selection, parent string, variables map[string]any) (any, error) {
	switch v := v.(type) {
	case *entity:
		if v == nil {
			return nil, nil
		}
		if len(s.fields) == 0 {
			return nil, fmt.Errorf("Field must have selections (field '%s' returns %s but has no selections)", s.name, v.kind) //nolint:staticcheck // GitLab's words
		}
		return pick(v, s.fields, variables)
	case []*entity:
		list := []any{}
		for _, item := range v {
			picked, err := shape(item, s, parent, variables)
			if err != nil {
				return nil, err
			}
			list = append(list, picked)
		}
		return list, nil
	}
	if len(s.fields) > 0 && v != nil {
		return nil, fmt.Errorf("Selections can't be made on scalars (field '%s' of '%s')", s.name, parent) //nolint:staticcheck // GitLab's words
	}
	return v, nil
}
