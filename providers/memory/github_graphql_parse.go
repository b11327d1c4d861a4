package memory

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// hubDocument is a GraphQL document: one operation and its fragments
// (https://spec.graphql.org/October2021/#sec-Document-Syntax). Subscriptions,
// schemas and block strings are not known.
type hubDocument struct {
	isMutation bool
	variables  []hubVariable
	selections []*hubSelection
	fragments  map[string]*hubFragment
}

type hubVariable struct {
	name     string
	typ      string // such as [String!]!
	fallback *hubValue
}

type hubFragment struct {
	on         string
	selections []*hubSelection
}

// hubSelection is a field, or a fragment if name is "".
type hubSelection struct {
	alias, name string
	arguments   map[string]*hubValue
	directives  map[string]map[string]*hubValue
	spread      string // name of a fragment
	on          string // type of an inline fragment
	selections  []*hubSelection
	line        int
}

// key is the name in the reply.
func (s *hubSelection) key() string {
	if s.alias != "" {
		return s.alias
	}
	return s.name
}

// hubValue is a value in a document: a variable, or a constant that may have
// variables in it.
type hubValue struct {
	variable string
	constant any // string, int, float64, bool, nil, hubEnum
	list     []*hubValue
	object   map[string]*hubValue
	kind     byte // v, c, l or o
}

type hubEnum string

// hubToken is a piece of a document: n(ame), i(nt), f(loat), s(tring),
// p(unctuation), or 0 at the end.
type hubToken struct {
	kind byte
	text string
	line int
}

func hubTokens(text string) ([]hubToken, error) {
	var tokens []hubToken
	line := 1
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == ',':
			i++
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case c == '"':
			value, n, err := hubString(text[i:])
			if err != nil {
				return nil, fmt.Errorf("%w on line %d", err, line)
			}
			tokens = append(tokens, hubToken{'s', value, line})
			i += n
		case strings.HasPrefix(text[i:], "..."):
			tokens = append(tokens, hubToken{'p', "...", line})
			i += 3
		case strings.IndexByte("{}()[]:!$@=|&", c) >= 0:
			tokens = append(tokens, hubToken{'p', string(c), line})
			i++
		case isHubName(c) || c == '-':
			end := i + 1
			for end < len(text) && (isHubName(text[end]) || text[end] == '.') {
				end++
			}
			kind := byte('n')
			if c == '-' || c >= '0' && c <= '9' {
				kind = 'i'
				if strings.ContainsAny(text[i:end], ".eE") {
					kind = 'f'
				}
			}
			tokens = append(tokens, hubToken{kind, text[i:end], line})
			i = end
		default:
			r, _ := utf8.DecodeRuneInString(text[i:])
			return nil, fmt.Errorf("unexpected %q on line %d", r, line)
		}
	}
	return append(tokens, hubToken{0, "end of file", line}), nil
}

func isHubName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// hubString reads a quoted string at the beginning of text, and returns how
// long it was. Its escapes are those of JSON, which Go's are but for the slash.
func hubString(text string) (string, int, error) {
	for i := 1; i < len(text) && text[i] != '\n'; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			value, err := strconv.Unquote(strings.ReplaceAll(text[:i+1], `\/`, `/`))
			return value, i + 1, err
		}
	}
	return "", 0, fmt.Errorf("unterminated string")
}

type hubParser struct {
	tokens []hubToken
	depth  int
}

func (p *hubParser) peek() hubToken { return p.tokens[0] }

func (p *hubParser) next() hubToken {
	t := p.tokens[0]
	if t.kind != 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *hubParser) is(text string) bool {
	t := p.peek()
	return (t.kind == 'p' || t.kind == 'n') && t.text == text
}

// accept skips a token if it is the one that is meant.
func (p *hubParser) accept(text string) bool {
	if p.is(text) {
		p.next()
		return true
	}
	return false
}

func (p *hubParser) expect(text string) error {
	if !p.accept(text) {
		return p.unexpected()
	}
	return nil
}

func (p *hubParser) unexpected() error {
	t := p.peek()
	return fmt.Errorf("Parse error on %q at [%d]", t.text, t.line) //nolint:staticcheck // GitHub's words
}

func (p *hubParser) name() (string, error) {
	if p.peek().kind != 'n' {
		return "", p.unexpected()
	}
	return p.next().text, nil
}

// parseHub reads a document.
func parseHub(text string) (*hubDocument, error) {
	tokens, err := hubTokens(text)
	if err != nil {
		return nil, fmt.Errorf("Parse error: %w", err) //nolint:staticcheck // GitHub's words
	}
	p := &hubParser{tokens: tokens}
	d := &hubDocument{fragments: map[string]*hubFragment{}}
	for p.peek().kind != 0 {
		if p.accept("fragment") {
			if err := p.fragment(d); err != nil {
				return nil, err
			}
			continue
		}
		if d.selections != nil {
			return nil, fmt.Errorf("An operation name is required") //nolint:staticcheck // GitHub's words
		}
		if err := p.operation(d); err != nil {
			return nil, err
		}
	}
	if d.selections == nil {
		return nil, fmt.Errorf("No query string was present") //nolint:staticcheck // GitHub's words
	}
	return d, nil
}

func (p *hubParser) fragment(d *hubDocument) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	if err := p.expect("on"); err != nil {
		return err
	}
	on, err := p.name()
	if err != nil {
		return err
	}
	selections, err := p.selections()
	d.fragments[name] = &hubFragment{on, selections}
	return err
}

func (p *hubParser) operation(d *hubDocument) error {
	if !p.is("{") {
		d.isMutation = p.is("mutation")
		if !p.accept("query") && !p.accept("mutation") {
			return p.unexpected()
		}
		if p.peek().kind == 'n' {
			p.next()
		}
		if p.accept("(") {
			for !p.accept(")") {
				if err := p.variable(d); err != nil {
					return err
				}
			}
		}
	}
	var err error
	d.selections, err = p.selections()
	return err
}

func (p *hubParser) variable(d *hubDocument) error {
	if err := p.expect("$"); err != nil {
		return err
	}
	name, err := p.name()
	if err != nil {
		return err
	}
	if err := p.expect(":"); err != nil {
		return err
	}
	v := hubVariable{name: name}
	if v.typ, err = p.typ(); err != nil {
		return err
	}
	if p.accept("=") {
		if v.fallback, err = p.value(); err != nil {
			return err
		}
	}
	d.variables = append(d.variables, v)
	return nil
}

func (p *hubParser) typ() (string, error) {
	var typ string
	var err error
	if p.accept("[") {
		if typ, err = p.typ(); err != nil {
			return "", err
		}
		typ = "[" + typ + "]"
		err = p.expect("]")
	} else {
		typ, err = p.name()
	}
	if err == nil && p.accept("!") {
		typ += "!"
	}
	return typ, err
}

// maxHubDepth keeps a document from using up the stack.
const maxHubDepth = 50

func (p *hubParser) selections() ([]*hubSelection, error) {
	if p.depth++; p.depth > maxHubDepth {
		return nil, fmt.Errorf("the document is nested too deeply")
	}
	defer func() { p.depth-- }()
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	selections := []*hubSelection{}
	for !p.accept("}") {
		s, err := p.selection()
		if err != nil {
			return nil, err
		}
		selections = append(selections, s)
	}
	if len(selections) == 0 {
		return nil, p.unexpected()
	}
	return selections, nil
}

func (p *hubParser) selection() (*hubSelection, error) {
	s := &hubSelection{line: p.peek().line}
	var err error
	switch isFragment := p.accept("..."); {
	case isFragment && p.accept("on"):
		s.on, err = p.name()
	case isFragment && p.peek().kind == 'n':
		s.spread, err = p.name()
	case isFragment:
	default:
		if s.name, err = p.name(); err != nil {
			return nil, err
		}
		if p.accept(":") {
			s.alias = s.name
			s.name, err = p.name()
		}
		if err == nil && p.is("(") {
			s.arguments, err = p.arguments()
		}
	}
	for err == nil && p.accept("@") {
		var name string
		if name, err = p.name(); err != nil {
			break
		}
		if s.directives == nil {
			s.directives = map[string]map[string]*hubValue{}
		}
		s.directives[name], err = p.arguments()
	}
	if err == nil && s.spread == "" && (p.is("{") || s.name == "") {
		s.selections, err = p.selections()
	}
	return s, err
}

func (p *hubParser) arguments() (map[string]*hubValue, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	return p.fields(")")
}

// fields reads names with values up to a closing bracket.
func (p *hubParser) fields(end string) (map[string]*hubValue, error) {
	fields := map[string]*hubValue{}
	for !p.accept(end) {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		if fields[name], err = p.value(); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func (p *hubParser) value() (*hubValue, error) {
	if p.depth++; p.depth > maxHubDepth {
		return nil, fmt.Errorf("the document is nested too deeply")
	}
	defer func() { p.depth-- }()
	t := p.next()
	switch {
	case t.kind == 's':
		return &hubValue{kind: 'c', constant: t.text}, nil
	case t.kind == 'i':
		n, err := strconv.Atoi(t.text)
		return &hubValue{kind: 'c', constant: n}, err
	case t.kind == 'f':
		n, err := strconv.ParseFloat(t.text, 64)
		return &hubValue{kind: 'c', constant: n}, err
	case t.kind == 'n' && t.text == "null":
		return &hubValue{kind: 'c'}, nil
	case t.kind == 'n' && (t.text == "true" || t.text == "false"):
		return &hubValue{kind: 'c', constant: t.text == "true"}, nil
	case t.kind == 'n':
		return &hubValue{kind: 'c', constant: hubEnum(t.text)}, nil
	case t.text == "$":
		name, err := p.name()
		return &hubValue{kind: 'v', variable: name}, err
	case t.text == "{":
		fields, err := p.fields("}")
		return &hubValue{kind: 'o', object: fields}, err
	case t.text == "[":
		v := &hubValue{kind: 'l'}
		for !p.accept("]") {
			item, err := p.value()
			if err != nil {
				return nil, err
			}
			v.list = append(v.list, item)
		}
		return v, nil
	}
	return nil, fmt.Errorf("Parse error on %q at [%d]", t.text, t.line) //nolint:staticcheck // GitHub's words
}
