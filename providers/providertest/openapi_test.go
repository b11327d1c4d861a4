package providertest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const version3 = `{"openapi": "3.0.3", "info": {"title": "x", "version": "1"},
"components": {"schemas": {
  "pull": {"type": "object", "required": ["number", "head"], "properties": {
    "number": {"type": "integer"}, "merged_at": {"type": "string", "format": "date-time", "nullable": true},
    "url": {"type": "string", "format": "uri"},
    "head": {"type": "object", "required": ["sha"], "properties": {"sha": {"type": "string"}}, "additionalProperties": false}}},
  "error": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}}},
"paths": {
  "/repos/{owner}/{repo}/pulls": {
    "post": {"requestBody": {"required": true, "content": {"application/json": {"schema": {
        "type": "object", "required": ["head", "base"], "properties": {"head": {"type": "string"}, "base": {"type": "string"},
          "labels": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"name": {"type": "string"}}}]}}}}}}},
      "responses": {"201": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/pull"}}}},
        "422": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}}}},
    "get": {"parameters": [
        {"name": "state", "in": "query", "schema": {"type": "string", "enum": ["open", "closed"]}},
        {"name": "per_page", "in": "query", "schema": {"type": "integer"}},
        {"name": "draft", "in": "query", "schema": {"type": "boolean"}},
        {"name": "labels", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
        {"name": "since", "in": "query", "required": true, "schema": {"type": "string"}}],
      "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/pull"}}}}}}}},
  "/repos/{owner}/{repo}/pulls/{number}": {"parameters": [{"name": "number", "in": "path", "required": true, "schema": {"type": "integer"}}],
    "delete": {"responses": {"204": {"description": ""}}}},
  "/repos/{owner}/{repo}/commits/{ref}": {"get": {"responses": {"default": {"description": ""}}}},
  "/repos/{owner}/{repo}/contents/{path}": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {
      "discriminator": {"propertyName": "type"}, "oneOf": [{"type": "array"}, {"type": "object"}, {"type": "object", "required": ["x"]}]}}}}}}}
}}`

const version2 = `{"swagger": "2.0", "info": {"title": "x", "version": "1"}, "basePath": "/2.0",
"definitions": {"object": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}, "discriminator": "type", "additionalProperties": true},
  "pull": {"allOf": [{"$ref": "#/definitions/object"}, {"type": "object", "additionalProperties": true,
    "properties": {"title": {"type": "string"}, "links": {"type": "object", "additionalProperties": false, "properties": {"html": {"type": "string"}}}, "author": {"$ref": "#/definitions/account"}}}]},
  "account": {"allOf": [{"$ref": "#/definitions/object"}, {"type": "object", "properties": {"uuid": {"type": "string"}}}]}},
"paths": {"/repositories/{workspace}/{repo_slug}/pullrequests": {
  "parameters": [{"name": "workspace", "in": "path", "required": true, "type": "string"}],
  "get": {"parameters": [{"name": "state", "in": "query", "type": "string", "enum": ["OPEN"]}], "responses": {"200": {"description": "", "schema": {"type": "array", "items": {"$ref": "#/definitions/pull"}}}}},
  "post": {"parameters": [{"name": "_body", "in": "body", "schema": {"$ref": "#/definitions/pull"}}],
    "responses": {"201": {"description": "", "schema": {"$ref": "#/definitions/pull"}}}}}}}`

// recorder is a test whose failures are looked at.
type recorder struct {
	testing.TB
	cleanups []func()
	failures []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// exchange is a request and its reply.
type exchange struct {
	method, path string
	kind         string // of the request's body, JSON if it is ""
	body         string
	status       int
	replyKind    string // likewise
	reply        string
}

// violations returns what a contract says to an exchange, without its name.
func violations(t *testing.T, file string, e exchange, except ...string) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) != e.body {
			t.Errorf("the server got the body %q, want %q", body, e.body)
		}
		w.Header().Set("Content-Type", or(e.replyKind, "application/json; charset=utf-8"))
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, e.reply)
	}))
	defer server.Close()
	r := &recorder{TB: t}
	client := &http.Client{Transport: validate(r, file, server.Client().Transport, except)}
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), e.method, server.URL+e.path, strings.NewReader(e.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", or(e.kind, "application/json"))
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != e.reply {
			t.Errorf("the driver got %q, %v, want %q", body, err, e.reply)
		}
		resp.Body.Close()
	}
	for _, f := range r.cleanups {
		f()
	}
	for i, failure := range r.failures {
		failure = strings.TrimPrefix(failure, filepath.Base(file)+": ")
		failure, twice := strings.CutSuffix(failure, " (2 times)")
		if !twice {
			t.Errorf("not counted: %s", failure)
		}
		r.failures[i] = failure
	}
	return r.failures
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "contract.json")
	if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestValidate(t *testing.T) {
	t.Parallel()
	three := write(t, version3)
	two := write(t, version2)
	const pulls, pull = "/repos/acme/web/pulls", `{"number": 1, "head": {"sha": "a", "more": 1}, "merged_at": null, "url": "not a url", "extra": true}`
	const bitbucket = "/2.0/repositories/acme/web/pullrequests"
	for _, test := range []struct {
		name string
		file string
		exchange
		except string
		want   []string
	}{
		{"right", three, exchange{method: "POST", path: pulls, body: `{"head": "a", "base": "b", "labels": ["x", {"name": "y"}]}`, status: 201, reply: pull}, "", nil},
		{"on a server of its own", three, exchange{method: "POST", path: "/api/v3" + pulls, body: `{"head": "a", "base": "b"}`, status: 201, reply: pull}, "", nil},
		{"parameters", three, exchange{method: "GET", path: pulls + "?state=open&per_page=100&draft=true&labels=1,2&since=x", status: 200, reply: "[" + pull + "]"}, "", nil},
		{"nothing to say", three, exchange{method: "DELETE", path: pulls + "/7", status: 204}, "", nil},
		{"error that is described", three, exchange{method: "POST", path: pulls, body: `{"head": "a", "base": "b"}`, status: 422, reply: `{"message": "no"}`}, "", nil},
		{"error that is not", three, exchange{method: "GET", path: pulls + "?since=x", status: 429, reply: `[]`}, "", nil},
		{"not modified", three, exchange{method: "GET", path: pulls + "?since=x", status: 304}, "", nil},
		{"slashes in a path", three, exchange{method: "GET", path: "/repos/acme/web/contents/a/b%2Fc/d.yaml", status: 200, reply: `{"type": "file"}`}, "", nil},
		{"folder", three, exchange{method: "GET", path: "/repos/acme/web/contents/a", status: 200, reply: `[]`}, "", nil},
		{"raw file", three, exchange{method: "GET", path: "/repos/acme/web/contents/a", status: 200, replyKind: "application/vnd.github.raw+json", reply: `no JSON`}, "", nil},
		{"default reply", three, exchange{method: "GET", path: "/repos/acme/web/commits/main", status: 200, reply: `{}`}, "", nil},
		{"GraphQL", three, exchange{method: "POST", path: "/graphql", body: `{"query": ""}`, status: 200, reply: `{}`}, "", nil},
		{"archive", three, exchange{method: "GET", path: "/acme/web/get/0a1b.tar.gz", status: 200, reply: "x"}, "", nil},
		{"exception", three, exchange{method: "GET", path: "/repos/acme/web/hooks", status: 200, reply: "x"}, "/repos/{owner}/{repo}/hooks", nil},
		{"body where none is described", three, exchange{method: "DELETE", path: pulls + "/7", body: "null", status: 204}, "", nil},

		{"unknown path", three, exchange{method: "GET", path: "/repos/acme/web/pull", status: 200, reply: "{}"}, "", []string{"GET /repos/acme/web/pull: the path is not described"}},
		{"path below one", three, exchange{method: "GET", path: "/repos/acme/web/commits/a/b", status: 200, reply: "{}"}, "", []string{"GET /repos/acme/web/commits/a/b: the path is not described"}},
		{"empty name", three, exchange{method: "GET", path: "/repos//web/pulls", status: 200, reply: "{}"}, "", []string{"GET /repos//web/pulls: the path is not described"}},
		{"unknown method", three, exchange{method: "PUT", path: pulls, status: 200, reply: "{}"}, "", []string{"PUT /repos/{owner}/{repo}/pulls: the method is not described"}},
		{"unknown parameter", three, exchange{method: "GET", path: pulls + "?since=x&sort=y", status: 200, reply: "[]"}, "", []string{"GET /repos/{owner}/{repo}/pulls: the query parameter sort is not described"}},
		{"missing parameter", three, exchange{method: "GET", path: pulls, status: 200, reply: "[]"}, "", []string{"GET /repos/{owner}/{repo}/pulls: the query parameter since is missing"}},
		{"wrong parameters", three, exchange{method: "GET", path: pulls + "?since=x&state=merged&per_page=many", status: 200, reply: "[]"}, "", []string{
			`GET /repos/{owner}/{repo}/pulls: the query parameter state: /: value is not one of the allowed values ["open","closed"]`,
			"GET /repos/{owner}/{repo}/pulls: the query parameter per_page: /: value must be an integer",
		}},
		{"wrong path parameter", three, exchange{method: "DELETE", path: pulls + "/seven", status: 204}, "", []string{"DELETE /repos/{owner}/{repo}/pulls/{number}: the path parameter number: /: value must be an integer"}},
		{"no request body", three, exchange{method: "POST", path: pulls, status: 201, reply: pull}, "", []string{"POST /repos/{owner}/{repo}/pulls: the request has no body"}},
		{"body nobody asked for", three, exchange{method: "DELETE", path: pulls + "/7", body: `{"a": 1}`, status: 204}, "", []string{"DELETE /repos/{owner}/{repo}/pulls/{number}: the request has a body, but none is described"}},
		{"wrong request", three, exchange{method: "POST", path: pulls, body: `{"head": 1, "bas": "b", "labels": [{"nam": "x"}]}`, status: 201, reply: pull}, "", []string{
			`POST /repos/{owner}/{repo}/pulls: request: /: property "bas" is unsupported`,
			`POST /repos/{owner}/{repo}/pulls: request: /base: property "base" is missing`,
			`POST /repos/{owner}/{repo}/pulls: request: /head: value must be a string`,
			`POST /repos/{owner}/{repo}/pulls: request: /labels/0: doesn't match any schema from "anyOf"`,
		}},
		{"request that is no JSON", three, exchange{method: "POST", path: pulls, body: `{`, status: 201, reply: pull}, "", []string{"POST /repos/{owner}/{repo}/pulls: request: the body is no JSON: unexpected end of JSON input"}},
		{"wrong reply", three, exchange{method: "POST", path: pulls, body: `{"head": "a", "base": "b"}`, status: 201, reply: `{"number": "1", "head": {}, "url": null}`}, "", []string{
			`POST /repos/{owner}/{repo}/pulls: reply 201: /head/sha: property "sha" is missing`,
			"POST /repos/{owner}/{repo}/pulls: reply 201: /number: value must be an integer",
			"POST /repos/{owner}/{repo}/pulls: reply 201: /url: Value is not nullable",
		}},
		{"wrong error", three, exchange{method: "POST", path: pulls, body: `{"head": "a", "base": "b"}`, status: 422, reply: `{}`}, "", []string{
			`POST /repos/{owner}/{repo}/pulls: reply 422: /message: property "message" is missing`,
		}},
		{"wrong status", three, exchange{method: "POST", path: pulls, body: `{"head": "a", "base": "b"}`, status: 200, reply: pull}, "", []string{"POST /repos/{owner}/{repo}/pulls: a reply with 200 is not described"}},
		{"no reply body", three, exchange{method: "GET", path: pulls + "?since=x", status: 200}, "", []string{"GET /repos/{owner}/{repo}/pulls: reply 200: the body is no JSON: unexpected end of JSON input"}},
		{"reply that is text", three, exchange{method: "GET", path: pulls + "?since=x", status: 200, replyKind: "text/plain"}, "", []string{"GET /repos/{owner}/{repo}/pulls: reply 200: the body is missing"}},

		{"right in version 2", two, exchange{method: "POST", path: bitbucket, body: `{"title": "x", "links": {"more": ""}}`, status: 201, reply: `{"type": "pullrequest", "links": {"more": {}}}`}, "", nil},
		{"parameters of everything", two, exchange{method: "GET", path: bitbucket + "?state=OPEN&q=a&pagelen=50&page=2&fields=values", status: 200, reply: "[]"}, "", nil},
		{"outside of its base", two, exchange{method: "GET", path: "/site/oauth2/access_token", status: 200, reply: "{}"}, "", nil},
		{"wrong in version 2", two, exchange{method: "POST", path: bitbucket, body: `{"title": 1, "author": {"uuid": 2}}`, status: 201, reply: `{"title": "x"}`}, "", []string{
			"POST /repositories/{workspace}/{repo_slug}/pullrequests: request: /author/uuid: value must be a string",
			"POST /repositories/{workspace}/{repo_slug}/pullrequests: request: /title: value must be a string",
			`POST /repositories/{workspace}/{repo_slug}/pullrequests: reply 201: /type: property "type" is missing`,
		}},
		{"unknown in version 2", two, exchange{method: "GET", path: "/2.0/repositories/acme/web/issues", status: 200, reply: "[]"}, "", []string{"GET /2.0/repositories/acme/web/issues: the path is not described"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var except []string
			if test.except != "" {
				except = append(except, test.except)
			}
			if diff := cmp.Diff(test.want, violations(t, test.file, test.exchange, except...)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestContracts reads the true descriptions.
func TestContracts(t *testing.T) {
	t.Parallel()
	dir := Contracts(t)
	if dir == "" {
		t.Skip("TOWPATH_CONTRACTS names no folder, and there is none beside the module")
	}
	const ref = `{"ref": "refs/heads/a/b", "node_id": "x", "url": "u", "object": {"type": "commit", "sha": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "url": "u"}}`
	for _, test := range []struct {
		file string
		exchange
		want int
	}{
		{"github.json", exchange{method: "GET", path: "/repos/acme/web/git/ref/heads/a/b", status: 200, reply: ref}, 0},
		{"github.json", exchange{method: "GET", path: "/repos/acme/web/git/ref/heads/a/b", status: 200, reply: strings.Replace(ref, `"sha"`, `"id"`, 1)}, 1},
		{"github.json", exchange{method: "POST", path: "/repos/acme/web/git/refs", body: `{"ref": "refs/heads/x", "sha": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}`, status: 201, reply: ref}, 0},
		{"github.json", exchange{method: "POST", path: "/repos/acme/web/git/refs", body: `{"ref": "refs/heads/x", "sah": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}`, status: 201, reply: ref}, 2},
		{"github.json", exchange{method: "GET", path: "/repos/acme/web/pulls?state=all&head=acme:x&per_page=100", status: 200, reply: "[]"}, 0},
		{"github.json", exchange{method: "GET", path: "/repos/acme/web/pulls?state=merged", status: 200, reply: "[]"}, 1},
		{"bitbucket.json", exchange{method: "GET", path: "/2.0/repositories/acme/web/refs/branches/a%2Fb", status: 200, reply: `{"type": "branch", "name": "a/b", "target": {"type": "commit", "hash": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}}`}, 0},
		{"bitbucket.json", exchange{method: "GET", path: "/2.0/repositories/acme/web/refs/branches/a%2Fb", status: 200, reply: `{"type": "branch", "name": 1}`}, 1},
		{"bitbucket.json", exchange{method: "GET", path: "/2.0/repositories/acme/web/pullrequests?state=OPEN&q=x", status: 200, reply: `{"values": []}`}, 0},
		{"bitbucket.json", exchange{method: "POST", path: "/2.0/repositories/acme/web/pullrequests", body: `{"title": "x", "source": {"branch": {"name": "a"}}}`, status: 201, reply: `{"type": "pullrequest", "id": 1, "title": "x"}`}, 0},
		{"bitbucket.json", exchange{method: "POST", path: "/2.0/repositories/acme/web/src", kind: "multipart/form-data; boundary=x", body: "--x--", status: 201}, 0},
		{"bitbucket.json", exchange{method: "GET", path: "/2.0/repositories/acme/web/src/0a1b/", status: 200, reply: `{"values": []}`}, 0},
	} {
		if got := violations(t, filepath.Join(dir, test.file), test.exchange); len(got) != test.want {
			t.Errorf("%s %s: got %d violations, want %d: %q", test.method, test.path, len(got), test.want, got)
		}
	}
}

func TestValidateWithout(t *testing.T) {
	t.Setenv("TOWPATH_CONTRACTS", t.TempDir())
	base := http.NewFileTransport(http.Dir(t.TempDir()))
	if got := Validate(t, "github.json", base); got != base {
		t.Errorf("got %v, want the base itself", got)
	}
	if got := Validate(t, "github.json", nil); got != http.DefaultTransport {
		t.Errorf("got %v, want the default", got)
	}
}

func TestBrokenContract(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON": "{", "no reference 3": `{"openapi": "3.0.3", "paths": {"/x": {"get": {"responses": {"200": {"$ref": "#/no"}}}}}}`, "wrong swagger": `{"swagger": "2.0", "paths": 1}`,
	} {
		if _, err := parseContract([]byte(text)); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
