package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Contracts returns the folder with the API descriptions of forges: that which
// TOWPATH_CONTRACTS names, or shared/contracts beside the module. It is "" if
// there is none.
func Contracts(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("TOWPATH_CONTRACTS"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		candidate := filepath.Join(dir, "shared", "contracts")
		if info, err := os.Stat(candidate); err == nil && info.IsDir() {
			return candidate
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// Validate returns a base that holds every request and reply against one of the
// descriptions in [Contracts], such as github.json, and has the test fail at its
// end with what they violate. Without that description it returns base, and the
// test's log says so. A nil base means http.DefaultTransport.
//
// It is strict about requests: path, method, parameters and body must be
// described, in inline schemas every property. It is lenient about replies,
// which may say more than is described; so may errors that are not described at
// all. GraphQL, archives and other bodies than JSON are let through, and so are
// requests to the paths in except, written as in a description. It belongs below
// a [Wire], whose accidents are described nowhere.
func Validate(t testing.TB, name string, base http.RoundTripper, except ...string) http.RoundTripper {
	t.Helper()
	if base == nil {
		base = http.DefaultTransport
	}
	dir := Contracts(t)
	file := filepath.Join(dir, name)
	if dir == "" {
		t.Logf("requests and replies are not validated: set TOWPATH_CONTRACTS to the folder that has %s", name)
		return base
	}
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		t.Logf("requests and replies are not validated: there is no %s", file)
		return base
	}
	return validate(t, file, base, except)
}

func validate(t testing.TB, file string, base http.RoundTripper, except []string) http.RoundTripper {
	t.Helper()
	c, err := loadContract(file)
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	v := &validator{contract: c, base: base, counts: map[string]int{}}
	for _, path := range except {
		v.except = append(v.except, newTemplate(path, nil))
	}
	t.Cleanup(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, violation := range v.found {
			t.Errorf("%s: %s (%d times)", filepath.Base(file), violation, v.counts[violation])
		}
	})
	return v
}

// validator is the base that [Validate] returns.
type validator struct {
	contract *contract
	base     http.RoundTripper
	except   []*template

	mu     sync.Mutex
	found  []string // in order
	counts map[string]int
}

func (v *validator) report(method string, path any, format string, args ...any) {
	violation := fmt.Sprintf("%s %s: %s", method, path, fmt.Sprintf(format, args...))
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.counts[violation]++; v.counts[violation] == 1 {
		v.found = append(v.found, violation)
	}
}

// RoundTrip validates the request, makes it, and validates the reply.
func (v *validator) RoundTrip(req *http.Request) (*http.Response, error) {
	segments, ok := v.contract.segments(req.URL)
	if !ok || v.isExempt(req, segments) {
		return v.base.RoundTrip(req)
	}
	route, params := v.contract.find(segments)
	switch {
	case route == nil && req.Response != nil:
		return v.base.RoundTrip(req) // where the forge redirected to is its own business
	case route == nil:
		v.report(req.Method, req.URL.EscapedPath(), "the path is not described")
		return v.base.RoundTrip(req)
	}
	op := route.item.GetOperation(req.Method)
	if op == nil {
		v.report(req.Method, route, "the method is not described")
		return v.base.RoundTrip(req)
	}
	say := func(format string, args ...any) { v.report(req.Method, route, format, args...) }
	v.contract.checkParameters(route.parameters(op), params, req.URL.Query(), say)
	if err := v.contract.checkRequest(op, req, say); err != nil {
		return nil, err
	}
	resp, err := v.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := v.contract.checkReply(op, req, resp, say); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func (v *validator) isExempt(req *http.Request, segments []string) bool {
	path := req.URL.Path
	if strings.HasSuffix(path, "/graphql") || strings.HasSuffix(path, ".tar.gz") || strings.HasSuffix(path, ".zip") {
		return true
	}
	return slices.ContainsFunc(v.except, func(t *template) bool { return t.match(segments) != nil })
}

func (c *contract) checkParameters(described []*openapi3.Parameter, path map[string]string, query url.Values, say func(string, ...any)) {
	for name := range query {
		isDescribed := slices.ContainsFunc(described, func(p *openapi3.Parameter) bool { return p.In == "query" && p.Name == name })
		isGeneral := c.isSwagger && slices.Contains(everywhere, name)
		if !isDescribed && !isGeneral {
			say("the query parameter %s is not described", name)
		}
	}
	for _, p := range described {
		var values []string
		switch p.In {
		case "query":
			values = query[p.Name]
		case "path":
			if value, ok := path[p.Name]; ok {
				values = []string{value}
			}
		default:
			continue
		}
		if len(values) == 0 && p.Required {
			say("the %s parameter %s is missing", p.In, p.Name)
		}
		for _, value := range values {
			if p.Schema == nil || p.Schema.Value == nil {
				continue
			}
			for _, fault := range complaints(p.Schema.Value.VisitJSON(typed(p.Schema.Value, value), openapi3.MultiErrors())) {
				say("the %s parameter %s: %s", p.In, p.Name, fault)
			}
		}
	}
}

// typed reads a parameter as its schema has it.
func typed(schema *openapi3.Schema, text string) any {
	switch {
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case schema.Type.Is("boolean"):
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case schema.Type.Is("array"):
		var all []any
		for part := range strings.SplitSeq(text, ",") {
			if schema.Items != nil && schema.Items.Value != nil {
				all = append(all, typed(schema.Items.Value, part))
			}
		}
		return all
	}
	return text
}

func (c *contract) checkRequest(op *openapi3.Operation, req *http.Request, say func(string, ...any)) error {
	var body []byte
	if req.Body != nil && req.Body != http.NoBody {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return err
		}
		req.Body.Close()
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	var described *openapi3.RequestBody
	if op.RequestBody != nil {
		described = op.RequestBody.Value
	}
	switch {
	case len(body) == 0 && described != nil && described.Required:
		say("the request has no body")
	case len(body) == 0 || !isJSON(req.Header):
	case described == nil || described.Content.Get("application/json") == nil:
		// A client library may send null, or an empty object, where nothing is
		// described, which says nothing.
		if text := strings.TrimSpace(string(body)); text != "null" && text != "{}" {
			say("the request has a body, but none is described")
		}
	default:
		for _, fault := range check(described.Content.Get("application/json"), body) {
			// Bitbucket's objects require a type, but its own examples of requests
			// have none
			// (https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/).
			if c.isSwagger && strings.HasSuffix(fault, `property "type" is missing`) {
				continue
			}
			say("request: %s", fault)
		}
	}
	return nil
}

func (c *contract) checkReply(op *openapi3.Operation, req *http.Request, resp *http.Response, say func(string, ...any)) error {
	if resp.StatusCode == http.StatusNotModified {
		return nil
	}
	var described *openapi3.Response
	if ref := op.Responses.Status(resp.StatusCode); ref != nil {
		described = ref.Value
	} else if ref := op.Responses.Default(); ref != nil {
		described = ref.Value
	}
	if described == nil {
		if resp.StatusCode < http.StatusBadRequest {
			say("a reply with %d is not described", resp.StatusCode)
		}
		return nil
	}
	media := described.Content.Get("application/json")
	if media == nil || req.Method == http.MethodHead || !isJSON(resp.Header) {
		if media != nil && req.Method != http.MethodHead && resp.ContentLength == 0 {
			say("reply %d: the body is missing", resp.StatusCode)
		}
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	for _, fault := range check(media, body) {
		say("reply %d: %s", resp.StatusCode, fault)
	}
	return nil
}

// isJSON reports whether a body is JSON that a description tells of, and not a
// file as it is.
func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) && !strings.Contains(kind, ".raw")
}

func check(media *openapi3.MediaType, body []byte) []string {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return []string{fmt.Sprintf("the body is no JSON: %v", err)}
	}
	if media.Schema == nil || media.Schema.Value == nil {
		return nil
	}
	return complaints(media.Schema.Value.VisitJSON(value, openapi3.MultiErrors()))
}

// complaints returns what a schema says, with the place in front, each once.
func complaints(err error) []string {
	var found []string
	switch e := err.(type) { //nolint:errorlint // the tree is walked
	case nil:
	case openapi3.MultiError:
		for _, err := range e {
			found = append(found, complaints(err)...)
		}
	case *openapi3.SchemaError:
		if e.Origin != nil {
			found = complaints(e.Origin)
		}
		if len(found) == 0 {
			found = []string{"/" + strings.Join(e.JSONPointer(), "/") + ": " + e.Reason}
		}
	default:
		if cause := errors.Unwrap(err); cause != nil {
			return complaints(cause) // allOf puts words around what its parts say
		}
		found = []string{err.Error()}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
