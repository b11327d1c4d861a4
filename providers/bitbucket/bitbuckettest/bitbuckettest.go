// Package bitbuckettest owns a server that imitates Bitbucket Cloud over the
// store of package memory, for tests: its REST API 2.0 under /2.0, the tarballs
// of its website, and its webhooks.
//
// It imitates what the driver asks for and no more. It does not cut replies to
// the fields that are asked for, which Bitbucket does: a client must not mind.
package bitbuckettest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

/*
What is imitated is what these say:

  - https://developer.atlassian.com/cloud/bitbucket/rest/ for everything that has
    no other source beside it, each function naming the group;
  - https://developer.atlassian.com/cloud/bitbucket/rest/intro/ for pages,
    queries and errors;
  - https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/ for
    webhooks.

What could not be verified, for lack of an account to try it with:

  - what POST /src answers if the branch's name is a folder of another one's, if
    the parent is not there, if a file to be deleted is not there, or if a file
    is where a folder has to be: here 400, and 404 for the parent;
  - what it answers where a branch restriction forbids the push: here 403;
  - in which of two ways x-attributes is written, of which the page has both
    (x-attributes:"executable" and x-attributes="executable"): here both;
  - whether PUT of a pull request empties what is left out: here it does
    (git-spice#1161 says so of the description, sourcegraph#46970 of the
    reviewers) if there is a title, but for draft and close_source_branch;
  - the order of a pull request's commits: here the newest first, although the
    page says chronological;
  - what a merge answers that a check or a conflict keeps from being done: here
    400 for the first and 409 for the second;
  - whether src can be filtered by path with "q": here it can, as the page says
    that all listings can; the driver does without where it cannot;
  - whether a nickname may be asked for in a query of permissions;
  - how long the description of a status may be, and who may set one: here who
    may write;
  - whether merge-base answers 404 for commits with nothing in common;
  - whether only its author can edit a comment: here so;
  - that there is no archived repository: one that is archived in the store
    refuses writes with 403.
*/

// Server is Bitbucket Cloud. Accounts, tokens and repositories are those of the
// store. A token of the kind "access" is an access token: it is no account's
// that could be asked for.
type Server struct {
	forge *memory.Forge

	// SlowMerges has merges answered with 202 and a task to poll.
	SlowMerges bool

	// MaxDepth is the depth of a listing beyond which it times out; 0 means none.
	MaxDepth int

	mu      sync.Mutex
	tasks   map[string]int    // of merges, by id: how often they were asked for
	reports map[string]string // names of reports by repository, commit and id
}

// New returns a server over a store.
func New(f *memory.Forge) http.Handler { return NewServer(f) }

// NewServer returns a server over a store whose behaviour can be changed before
// it is used.
func NewServer(f *memory.Forge) *Server {
	return &Server{forge: f, tasks: map[string]int{}, reports: map[string]string{}}
}

// UUID is what an account, repository or hook of the store is called by
// Bitbucket: https://developer.atlassian.com/cloud/bitbucket/rest/intro/#uri-uuid
func UUID(id int64) string { return fmt.Sprintf("{00000000-0000-4000-8000-%012x}", id) }

// call is one request.
type call struct {
	server *Server
	*http.Request
	origin  string   // of the server, as the client knows it
	parts   []string // of the path, unescaped, behind the repository
	account memory.Account
	token   memory.Token
	known   bool // there is a credential, and it is good
	body    []byte

	repo *memory.Repo
	*memory.State
}

// answer is a reply. A body that is no []byte is sent as JSON.
type answer struct {
	status int
	body   any
	header http.Header
}

type object = map[string]any

func success(body any) answer { return answer{status: http.StatusOK, body: body} }

// failure is Bitbucket's form of an error.
func failure(status int, format string, args ...any) answer {
	return answer{status: status, body: object{"type": "error", "error": object{"message": fmt.Sprintf(format, args...)}}}
}

// badField is an error in one field of the request.
func badField(field, format string, args ...any) answer {
	return answer{status: http.StatusBadRequest, body: object{"type": "error", "error": object{
		"message": "Bad request", "fields": object{field: []string{fmt.Sprintf(format, args...)}},
	}}}
}

// lacking is what a credential without a scope gets
// (https://github.com/gildas/bitbucket-cli/issues/56).
func (c *call) lacking(scope string) answer {
	return answer{status: http.StatusForbidden, body: object{"type": "error", "error": object{
		"message": "Your credentials lack one or more required privilege scopes.",
		"detail":  object{"required": []string{scope}, "granted": append([]string{}, c.token.Scopes...)},
	}}}
}

const maxBody = 64 << 20

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{server: s, Request: r, origin: "http://" + r.Host}
	if r.TLS != nil {
		c.origin = "https://" + r.Host
	}
	a := func() answer {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(body) > maxBody {
			return failure(http.StatusRequestEntityTooLarge, "Request entity too large")
		}
		c.body = body
		return c.answer()
	}()
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if len(c.token.Scopes) > 0 {
		w.Header().Set("X-OAuth-Scopes", strings.Join(c.token.Scopes, ", "))
	}
	content, isBytes := a.body.([]byte)
	if !isBytes && a.body != nil {
		var err error
		if content, err = json.Marshal(prune(a.body)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(content)
}

// prune leaves out what is null: Bitbucket has it, its description of the API
// does not allow for it, and a client takes one for the other.
func prune(value any) any {
	switch value := value.(type) {
	case object:
		for name, inner := range value {
			if inner == nil || prune(inner) == nil {
				delete(value, name)
			}
		}
		if value == nil {
			return nil
		}
	case []object:
		for _, inner := range value {
			prune(inner)
		}
	}
	return value
}

// answer finds out who asks, and for what.
func (c *call) answer() answer {
	if c.URL.Path == "/site/oauth2/access_token" {
		return c.grant()
	}
	if a := c.authenticate(); a.status != 0 {
		return a
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(c.URL.EscapedPath(), "/"), "/") {
		name, err := url.PathUnescape(part)
		if err != nil {
			return failure(http.StatusBadRequest, "Bad request")
		}
		c.parts = append(c.parts, name)
	}
	p := c.parts
	switch {
	case len(p) == 4 && p[2] == "get":
		return c.in(p[0]+"/"+p[1], p[3:], (*call).archive)
	case p[0] != "2.0":
		return answer{status: http.StatusNotFound, body: []byte("<!DOCTYPE html><title>404</title>")}
	case len(p) == 2 && p[1] == "user":
		return c.self()
	case len(p) == 6 && p[1] == "user" && p[4] == "permissions":
		return c.ownPermissions(p[3])
	case len(p) == 5 && p[1] == "workspaces" && p[3] == "permissions":
		return failure(http.StatusNotFound, "Not found")
	case len(p) == 6 && p[1] == "workspaces" && p[3] == "permissions":
		return c.in(p[2]+"/"+p[5], nil, (*call).permissions)
	case len(p) == 4 && p[1] == "workspaces" && p[3] == "members":
		return c.members(p[2])
	case len(p) >= 4 && p[1] == "repositories":
		return c.in(p[2]+"/"+p[3], p[4:], (*call).repository)
	}
	return failure(http.StatusNotFound, "Resource not found")
}

// authenticate reads the credential: an access token as bearer, or an API token
// behind the email address of its account
// (https://support.atlassian.com/bitbucket-cloud/docs/using-api-tokens/). Of app
// passwords, which go with a username, none is taken.
func (c *call) authenticate() answer {
	header := c.Header.Get("Authorization")
	if header == "" {
		return answer{}
	}
	// https://github.com/avivsinai/bitbucket-cli/issues/30
	wrong := failure(http.StatusUnauthorized, "Token is invalid, expired, or not supported for this endpoint.")
	value, bearer := strings.CutPrefix(header, "Bearer ")
	email := ""
	if !bearer {
		var basic bool
		if email, value, basic = c.BasicAuth(); !basic {
			return wrong
		}
	}
	account, token, ok := c.server.forge.AccountOf(value)
	if !ok || !bearer && !strings.EqualFold(email, account.Email) {
		return wrong
	}
	c.account, c.token, c.known = account, token, true
	return answer{}
}

// grant gives an OAuth consumer a token: here the consumer's key is the login of
// an account, its secret and the new token are a token of that account
// (https://developer.atlassian.com/cloud/bitbucket/oauth-2/).
func (c *call) grant() answer {
	key, secret, _ := c.BasicAuth()
	account, _, ok := c.server.forge.AccountOf(secret)
	form, err := url.ParseQuery(string(c.body))
	if !ok || !strings.EqualFold(account.Login, key) || err != nil || form.Get("grant_type") != "client_credentials" {
		return answer{status: http.StatusBadRequest, body: object{"error": "invalid_request", "error_description": "Invalid OAuth client credentials"}}
	}
	return success(object{"access_token": secret, "token_type": "bearer", "expires_in": 7200})
}

// in answers from within a repository that the caller may see. Others are as if
// they were not there.
func (c *call) in(path string, parts []string, next func(*call) answer) answer {
	hidden := failure(http.StatusNotFound, "You may not have access to this repository or it no longer exists in this workspace. "+
		"If you think this repository exists and you have access, make sure you are authenticated.")
	repo, ok := c.server.forge.Repo(path)
	if !ok {
		return hidden
	}
	var a answer
	_ = repo.Do(func(s *memory.State) error {
		c.repo, c.State, c.parts = repo, s, parts
		if c.permission() < providers.CanRead {
			a = hidden
			return nil
		}
		a = next(c)
		return nil
	})
	return a
}

func (c *call) permission() providers.Permission {
	p := providers.NoAccess
	if c.known {
		p = c.Permission(c.account.Login)
	}
	if c.Public {
		p = max(p, providers.CanRead)
	}
	return p
}

// may refuses what the credential may not do. The object of a scope is
// repository, pullrequest, webhook or account
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#scopes).
func (c *call) may(object string, write bool, needs providers.Permission) answer {
	verb := "read"
	if write {
		verb = "write"
	}
	if c.known && !c.scoped(object, write) {
		return c.lacking(verb + ":" + object + ":bitbucket")
	}
	if !c.known && (write || needs > providers.CanRead) {
		return failure(http.StatusUnauthorized, "Authentication is required for this endpoint.")
	}
	if write && c.Archived || c.permission() < needs {
		return failure(http.StatusForbidden, "You do not have the required permission in this repository.")
	}
	return answer{}
}

func (c *call) scoped(object string, write bool) bool {
	if write && c.token.ReadOnly || write && object == "pullrequest" && c.token.NoPulls || object == "user" && c.token.Kind == "access" {
		return false
	}
	if len(c.token.Scopes) == 0 {
		return true
	}
	fit := []string{object + ":write", "write:" + object + ":bitbucket", object + ":admin", "admin:" + object + ":bitbucket"}
	if !write {
		fit = append(fit, object, "read:"+object+":bitbucket")
	}
	return slices.ContainsFunc(c.token.Scopes, func(scope string) bool { return slices.Contains(fit, scope) })
}

// is reports whether the request is of a method and for a path, in which * is
// any part.
func (c *call) is(method string, pattern ...string) bool {
	if c.Method != method || len(pattern) != len(c.parts) {
		return false
	}
	for i, part := range pattern {
		if part != "*" && part != c.parts[i] {
			return false
		}
	}
	return true
}

// starts is like is for the beginning of a path that has more behind it.
func (c *call) starts(method string, pattern ...string) bool {
	if len(c.parts) <= len(pattern) {
		return false
	}
	whole := c.parts
	defer func() { c.parts = whole }()
	c.parts = whole[:len(pattern)]
	return c.is(method, pattern...)
}

// read decodes the body.
func (c *call) read(out any) error {
	if !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json") {
		return errors.New("the body is no JSON")
	}
	return json.Unmarshal(c.body, out)
}

// api returns the address of something in the repository.
func (c *call) api(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = strings.ReplaceAll(url.PathEscape(part), "%2F", "/")
	}
	return strings.TrimSuffix(c.origin+"/2.0/repositories/"+c.repo.Path()+"/"+strings.Join(escaped, "/"), "/")
}

func href(address string) object { return object{"href": address} }

// links are what objects have for the API and for people.
func (c *call) links(self, html string) object {
	return object{"self": href(self), "html": href(html)}
}
