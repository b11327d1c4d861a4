package providertest

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// contract is the description of an API.
type contract struct {
	doc       *openapi3.T
	bases     []string // of paths, one of which is taken off, "" for none
	templates []*template
	isSwagger bool // version 2, Bitbucket's
}

// everywhere are parameters that Bitbucket takes wherever they make sense,
// without describing them
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination, #filtering, #serialization).
var everywhere = []string{"fields", "page", "pagelen", "q", "sort"}

var contracts sync.Map // file → func() (*contract, error)

// loadContract reads a file once.
func loadContract(file string) (*contract, error) {
	load, _ := contracts.LoadOrStore(file, sync.OnceValues(func() (*contract, error) {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return parseContract(data)
	}))
	return load.(func() (*contract, error))()
}

func parseContract(data []byte) (*contract, error) {
	var version struct {
		Swagger  string `json:"swagger"`
		BasePath string `json:"basePath"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, err
	}
	c := &contract{isSwagger: version.Swagger != ""}
	var err error
	if c.isSwagger {
		var doc openapi2.T
		if err = json.Unmarshal(data, &doc); err != nil {
			return nil, err
		}
		c.doc, err = openapi2conv.ToV3(&doc)
		c.bases = []string{version.BasePath}
	} else {
		c.doc, err = openapi3.NewLoader().LoadFromData(data)
		c.bases = []string{"/api/v3", ""} // of GitHub Enterprise Server, and of github.com
	}
	if err != nil {
		return nil, err
	}
	for path, item := range c.doc.Paths.Map() {
		c.templates = append(c.templates, newTemplate(path, item))
		for _, op := range item.Operations() {
			loosenOperation(op)
		}
	}
	// The more of a path is literal, the better it fits.
	slices.SortFunc(c.templates, func(a, b *template) int {
		if a.literals != b.literals {
			return b.literals - a.literals
		}
		return strings.Compare(a.path, b.path)
	})
	return c, nil
}

// segments returns the parts of a path of the API; ok is false if it is no such
// path.
func (c *contract) segments(u *url.URL) (segments []string, ok bool) {
	for _, base := range c.bases {
		rest, ok := strings.CutPrefix(u.EscapedPath(), base+"/")
		if !ok {
			continue
		}
		segments = strings.Split(rest, "/")
		for i, segment := range segments {
			if plain, err := url.PathUnescape(segment); err == nil {
				segments[i] = plain
			}
		}
		return segments, true
	}
	return nil, false
}

func (c *contract) find(segments []string) (*template, map[string]string) {
	for _, t := range c.templates {
		if params := t.match(segments); params != nil {
			return t, params
		}
	}
	return nil, nil
}

// template is a path with parameters, such as /repos/{owner}/{repo}.
type template struct {
	path     string
	parts    []string
	literals int
	isOpen   bool // its last parameter may hold slashes
	item     *openapi3.PathItem
}

func newTemplate(path string, item *openapi3.PathItem) *template {
	t := &template{path: path, parts: strings.Split(strings.Trim(path, "/"), "/"), item: item}
	for _, part := range t.parts {
		if !strings.HasPrefix(part, "{") {
			t.literals++
		}
	}
	switch t.parts[len(t.parts)-1] {
	case "{path}", "{basehead}", "{spec}", "{branch}", "{name}":
		t.isOpen = true
	case "{ref}":
		t.isOpen = t.parts[len(t.parts)-2] != "commits" // has paths below it
	}
	return t
}

// String returns the path as it is described.
func (t *template) String() string { return t.path }

// match returns the parameters of a path, nil if it is another one.
func (t *template) match(segments []string) map[string]string {
	if len(segments) < len(t.parts) || (len(segments) > len(t.parts) && !t.isOpen) {
		return nil
	}
	params := map[string]string{}
	for i, part := range t.parts {
		value := segments[i]
		if i == len(t.parts)-1 {
			value = strings.Join(segments[i:], "/")
		}
		name, isParam := strings.CutPrefix(part, "{")
		switch {
		case !isParam && part != value:
			return nil
		case isParam && value == "" && !t.isOpen:
			return nil
		case isParam:
			params[strings.TrimSuffix(name, "}")] = value
		}
	}
	return params
}

func (t *template) parameters(op *openapi3.Operation) []*openapi3.Parameter {
	var all []*openapi3.Parameter
	for _, ref := range slices.Concat(t.item.Parameters, op.Parameters) {
		if ref.Value != nil {
			all = append(all, ref.Value)
		}
	}
	return all
}
