package bitbuckettest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// term answers whether an object fits a query.
type term func(object) bool

// parse reads a query of which only strings, =, !=, ~, AND, OR and parentheses
// are known (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering).
func parse(query string) (term, error) {
	p := &parser{rest: query}
	t, err := p.or()
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = fmt.Errorf("unexpected %q", p.rest)
	}
	return t, err
}

type parser struct{ rest string }

// takes reports whether a word comes next, and drops it.
func (p *parser) takes(word string) bool {
	rest := strings.TrimLeft(p.rest, " ")
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return false
	}
	p.rest = rest[len(word):]
	return true
}

func (p *parser) or() (term, error) {
	left, err := p.and()
	for err == nil && p.takes("OR ") {
		var right term
		before := left
		right, err = p.and()
		left = func(o object) bool { return before(o) || right(o) }
	}
	return left, err
}

func (p *parser) and() (term, error) {
	left, err := p.one()
	for err == nil && p.takes("AND ") {
		var right term
		before := left
		right, err = p.one()
		left = func(o object) bool { return before(o) && right(o) }
	}
	return left, err
}

func (p *parser) one() (term, error) {
	if p.takes("(") {
		t, err := p.or()
		if err == nil && !p.takes(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return t, err
	}
	p.rest = strings.TrimLeft(p.rest, " ")
	end := strings.IndexAny(p.rest, " =!~")
	if end <= 0 {
		return nil, errors.New("a field is missing")
	}
	field := p.rest[:end]
	p.rest = p.rest[end:]
	for operator, holds := range map[string]func(got, want string) bool{
		"=":  func(got, want string) bool { return got == want },
		"!=": func(got, want string) bool { return got != want },
		"~":  func(got, want string) bool { return strings.Contains(strings.ToLower(got), strings.ToLower(want)) },
	} {
		if !p.takes(operator) {
			continue
		}
		want, err := p.text()
		return func(o object) bool { return holds(valueOf(o, field), want) }, err
	}
	return nil, fmt.Errorf("unknown operator before %q", p.rest)
}

func (p *parser) text() (string, error) {
	if !p.takes(`"`) {
		return "", errors.New("a string is missing")
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch {
		case p.rest[i] == '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case p.rest[i] == '\\' && i+1 < len(p.rest):
			i++
		}
		b.WriteByte(p.rest[i])
	}
	return "", errors.New("a string is not closed")
}

// valueOf returns the string at a field such as source.branch.name.
func valueOf(o object, field string) string {
	name, rest, deeper := strings.Cut(field, ".")
	if deeper {
		inner, _ := o[name].(object)
		return valueOf(inner, rest)
	}
	return fmt.Sprint(o[name])
}

// page sends a part of a list: those that fit the query, 10 to a page or as many
// as asked for (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination).
func (c *call) page(values []object, most int) answer { return c.pageOf(values, 10, most) }

func (c *call) pageOf(values []object, usual, most int) answer {
	query := c.URL.Query()
	if q := query.Get("q"); q != "" {
		fits, err := parse(q)
		if err != nil {
			return failure(http.StatusBadRequest, "Invalid query: %v", err)
		}
		var some []object
		for _, value := range values {
			if fits(value) {
				some = append(some, value)
			}
		}
		values = some
	}
	length, err := number(query, "pagelen", usual)
	if err != nil || length > most {
		return failure(http.StatusBadRequest, "Invalid pagelen")
	}
	at, err := number(query, "page", 1)
	if err != nil {
		return failure(http.StatusBadRequest, "Invalid page")
	}
	start, end := min((at-1)*length, len(values)), min(at*length, len(values))
	body := object{"pagelen": length, "page": at, "size": len(values), "values": append([]object{}, values[start:end]...)}
	if end < len(values) {
		query.Set("page", strconv.Itoa(at+1))
		body["next"] = c.origin + c.URL.EscapedPath() + "?" + query.Encode()
	}
	return success(body)
}

func number(query url.Values, name string, usual int) (int, error) {
	if !query.Has(name) {
		return usual, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err == nil && n < 1 {
		err = errors.New("not positive")
	}
	return n, err
}
