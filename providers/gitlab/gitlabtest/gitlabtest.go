// Package gitlabtest owns a server that imitates GitLab's REST and GraphQL APIs
// over the store of package memory, for tests of what talks to GitLab. It keeps
// state, checks tokens, scopes and roles, and refuses what GitLab refuses, in
// GitLab's words.
//
// It is no GitLab: it knows what the driver asks for and no more. Each imitated
// behaviour names where it is known from.
package gitlabtest

/*
What could not be verified, since no GitLab was at hand and neither its
documentation nor the stored versions of its source tell:

  - the message for a branch whose name is taken by a folder of branches; Gitaly
    refuses to update the reference, which Rails passes on with Gitaly's words;
  - that the list of commits of a ref that is not there is empty;
  - that a merge request without a difference is refused: GitLab opens one, which
    the store cannot keep, so the answer here is a made-up 422;
  - what exactly a page token of a tree is; it is opaque here;
  - the order of the commits of a comparison, taken to be the oldest first;
  - that approvals and reviewers' states show requested changes without a licence;
  - the status of a commit whose body is too large;
  - when exactly auto-merge is available; here it is while something is required
    that is missing, and while a pipeline runs.

What is known and not imitated: quick actions in bodies, limits of rate and of
GraphQL's complexity, asynchronous preparation of merge requests, licences (all is
as with one), transformation to LFS on create, push rules, merge trains.
*/

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// New returns a server with the repositories and accounts of f, for which
// memory.Options.KeepPulls should be set. A [memory.Token] of the kind "job" is a
// job's; ReadOnly means the scope read_api, and no scopes mean api. A team is the
// group of that full path. A repository that does not merge by merge commits is
// one that only fast-forwards, and one that does not squash never does.
func New(f *memory.Forge) http.Handler { return NewServer(f) }

// NewServer is New with behaviour that can be changed before it is used.
func NewServer(f *memory.Forge) *Server { return &Server{forge: f, reads: map[string]int{}} }

// Server is GitLab.
type Server struct {
	forge *memory.Forge

	// Builds, CIPath and AutoDevOps are the settings builds_access_level,
	// ci_config_path and auto_devops_enabled of all projects; "" means that
	// pipelines are enabled, and the default path.
	Builds, CIPath string
	AutoDevOps     bool

	// PipelineAfter is how often a merge request is read before the pipeline of
	// its head is there, where there is CI; 0 means that its rules make none.
	PipelineAfter int

	// NeedsPipeline has auto-merge refused without a pipeline that runs, whatever
	// else is missing, as by older servers
	// (GitLab's app/services/auto_merge/merge_when_pipeline_succeeds_service.rb).
	NeedsPipeline bool

	mu    sync.Mutex
	reads map[string]int // of merge requests, by project and head
}

// call is one request to the REST API.
type call struct {
	server *Server
	forge  *memory.Forge
	req    *http.Request
	args   map[string]string // of the path
	query  url.Values
	body   map[string]json.RawMessage

	me    memory.Account
	token memory.Token
	known bool // me is
	job   bool // it is a job's token, which may be none if known is false

	repo *memory.Repo
	*memory.State
	reply http.Header
	asked []selection // of the project, by GraphQL
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	body   any
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %v", r.status, r.body) }

// refuse is render_api_error! (GitLab's lib/api/helpers.rb).
func refuse(status int, message any) error {
	return &refusal{status, map[string]any{"message": message}}
}

// notFound is not_found! (GitLab's lib/api/helpers.rb).
func notFound(what string) error {
	return refuse(http.StatusNotFound, strings.Join(strings.Fields("404 "+what+" Not Found"), " "))
}

// forbidden is forbidden! (GitLab's lib/api/helpers.rb).
func forbidden(reason string) error {
	if reason == "" {
		return refuse(http.StatusForbidden, "403 Forbidden")
	}
	return refuse(http.StatusForbidden, "403 Forbidden - "+reason)
}

func unauthorized() error { return refuse(http.StatusUnauthorized, "401 Unauthorized") }

// answer is one with another status than 200.
type answer struct {
	status int
	body   any
}

// raw is an answer that is no JSON.
type raw struct {
	kind    string
	content []byte
}

func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path, ok := strings.CutPrefix(req.URL.EscapedPath(), "/api/")
	if !ok {
		// Other paths are pages for people.
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<!DOCTYPE html><title>Not Found</title>"))
		return
	}
	c := &call{server: s, forge: s.forge, req: req, query: req.URL.Query(), reply: w.Header()}
	var body any
	err := c.authenticate()
	switch {
	case path == "graphql":
		body, err = c.graphQL(err)
	case err == nil:
		body, err = c.dispatch(strings.TrimPrefix(path, "v4/"))
	}
	c.write(w, body, err)
}

// write sends an answer. GETs carry an ETag, as Rack::ETag makes it.
func (c *call) write(w http.ResponseWriter, body any, err error) {
	status := http.StatusOK
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		status, body = refused.status, refused.body
	case err != nil:
		status, body = http.StatusInternalServerError, map[string]any{"message": "500 Internal Server Error: " + err.Error()}
	}
	if a, ok := body.(answer); ok {
		status, body = a.status, a.body
	}
	content, kind := []byte(nil), "application/json"
	if r, ok := body.(raw); ok {
		content, kind = r.content, r.kind
	} else if body != nil {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		if err := encoder.Encode(body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		content = b.Bytes()
	}
	w.Header().Set("Content-Type", kind)
	if status == http.StatusOK && c.req.Method == http.MethodGet {
		sum := sha256.Sum256(content)
		tag := `W/"` + hex.EncodeToString(sum[:16]) + `"`
		w.Header().Set("Etag", tag)
		if c.req.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(status)
	if c.req.Method != http.MethodHead && status != http.StatusNoContent {
		_, _ = w.Write(content)
	}
}

// authenticate finds whose token it is. A token that is none is refused even where
// none is needed (https://docs.gitlab.com/api/rest/authentication/), but for a job's,
// of which allow decides.
func (c *call) authenticate() error {
	h := c.req.Header
	text := h.Get("Private-Token")
	if text == "" {
		text, _ = strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	}
	if job := h.Get("Job-Token"); text == "" && job != "" {
		text, c.job = job, true
	}
	if text == "" {
		return nil
	}
	c.me, c.token, c.known = c.forge.AccountOf(text)
	if c.known = c.known && c.job == (c.token.Kind == "job"); !c.known && !c.job {
		return unauthorized()
	}
	return nil
}

// allow checks the scopes: reading takes api or read_api, writing api
// (https://docs.gitlab.com/user/profile/personal_access_tokens/#personal-access-token-scopes).
// A job's token is looked at only by the endpoints that take it; to the others nobody
// asks (find_user_from_job_token in GitLab's lib/gitlab/auth/auth_finders.rb).
func (c *call) allow(r route) error {
	writes := c.req.Method != http.MethodGet && c.req.Method != http.MethodHead
	if c.job && !r.jobs {
		c.me, c.token, c.known, c.job = memory.Account{}, memory.Token{}, false, false
	}
	switch {
	case c.job && !c.known:
		return unauthorized()
	case r.anyScope && c.known && !c.job:
		return nil
	case !c.known && (writes && !r.late || r.users):
		return unauthorized()
	case c.job || !c.known:
		return nil
	}
	needed := []string{"api"}
	if !writes {
		needed = append(needed, "read_api")
	}
	for _, scope := range c.scopes() {
		if slices.Contains(needed, scope) {
			return nil
		}
	}
	// Rack::OAuth2's answer, with the scopes (GitLab's lib/api/api_guard.rb).
	return &refusal{http.StatusForbidden, map[string]any{
		"error":             "insufficient_scope",
		"error_description": "The request requires higher privileges than provided by the access token.",
		"scope":             strings.Join(needed, " "),
	}}
}

func (c *call) scopes() []string {
	switch {
	case c.token.ReadOnly:
		return []string{"read_api"}
	case len(c.token.Scopes) == 0:
		return []string{"api"}
	}
	return c.token.Scopes
}

// route is an endpoint. Its handler runs within the project's [memory.Repo.Do] if
// the path has one.
type route struct {
	method, path string
	handle       func(*call) (any, error)
	jobs         bool // a job's token may
	users        bool // nobody else may: authenticate! in GitLab's lib/api
	late         bool // it looks for the project before it asks who writes
	anyScope     bool
}

// dispatch finds the endpoint.
func (c *call) dispatch(path string) (any, error) {
	method := c.req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		decoded, err := url.PathUnescape(part)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "400 Bad Request")
		}
		parts[i] = decoded
	}
	for _, r := range routes {
		args, ok := match(r.path, parts)
		if !ok || r.method != method {
			continue
		}
		c.args = args
		if err := c.allow(r); err != nil {
			return nil, err
		}
		if err := c.readBody(); err != nil {
			return nil, err
		}
		if strings.HasPrefix(r.path, "projects/") {
			return c.inProject(r.handle)
		}
		return r.handle(c)
	}
	return nil, &refusal{http.StatusNotFound, map[string]any{"error": "404 Not Found"}}
}

func match(pattern string, parts []string) (map[string]string, bool) {
	names := strings.Split(pattern, "/")
	if len(names) != len(parts) {
		return nil, false
	}
	args := map[string]string{}
	for i, name := range names {
		if key, ok := strings.CutPrefix(name, ":"); ok {
			args[key] = parts[i]
		} else if name != parts[i] {
			return nil, false
		}
	}
	return args, true
}

func (c *call) readBody() error {
	if c.req.Method == http.MethodGet || c.req.Method == http.MethodHead || c.req.Body == nil {
		return nil
	}
	c.body = map[string]json.RawMessage{}
	if c.req.ContentLength == 0 {
		return nil
	}
	if err := json.NewDecoder(c.req.Body).Decode(&c.body); err != nil {
		return refuse(http.StatusBadRequest, "Invalid json")
	}
	return nil
}

// inProject runs a handler with the state of the project, which must be visible:
// else it is "404 Project Not Found", even to those who could not see it if it was
// there (https://docs.gitlab.com/api/rest/troubleshooting/).
func (c *call) inProject(handle func(*call) (any, error)) (any, error) {
	repo, ok := c.forge.Repo(c.args["id"])
	if !ok {
		return nil, notFound("Project")
	}
	var out any
	err := repo.Do(func(s *memory.State) error {
		c.repo, c.State = repo, s
		if c.role() < providers.CanRead {
			return notFound("Project")
		}
		if c.known && c.req.Method != http.MethodGet && c.req.Method != http.MethodHead && s.Archived {
			// Nothing in an archived project can be changed
			// (https://docs.gitlab.com/user/project/working_with_projects/#archive-a-project).
			if strings.HasSuffix(c.req.URL.Path, "/repository/commits") {
				return forbidden("You are not allowed to push into this branch")
			}
			return forbidden("")
		}
		var err error
		out, err = handle(c)
		return err
	})
	return out, err
}

func (c *call) role() providers.Permission {
	if !c.known {
		if c.Public {
			return providers.CanRead
		}
		return providers.NoAccess
	}
	return c.Permission(c.me.Login)
}

// needs refuses who has less than a role.
func (c *call) needs(role providers.Permission) error {
	if c.role() < role {
		return forbidden("")
	}
	return nil
}

// text returns a value of the body, which may be missing.
func (c *call) text(name string) (string, bool) {
	value, ok := c.body[name]
	if !ok || string(value) == "null" {
		return "", false
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return strings.Trim(string(value), `"`), true
	}
	return s, true
}

func (c *call) flag(name string) bool {
	text, _ := c.text(name)
	return text == "true"
}

// required is text for what must be there (Grape's message).
func (c *call) required(name string) (string, error) {
	text, ok := c.text(name)
	if !ok {
		return "", &refusal{http.StatusBadRequest, map[string]any{"error": name + " is missing"}}
	}
	return text, nil
}

// number returns a part of the path, 0 if it is no number: nothing has that one.
func (c *call) number(name string) int {
	n, err := strconv.Atoi(c.args[name])
	if err != nil {
		return 0
	}
	return n
}

// page cuts a list and says so in the headers
// (https://docs.gitlab.com/api/rest/#pagination).
func page[T any](c *call, list []T) []T {
	number, size := atLeastOne(c.query.Get("page"), 1), min(atLeastOne(c.query.Get("per_page"), 20), 100)
	c.reply.Set("X-Page", strconv.Itoa(number))
	c.reply.Set("X-Per-Page", strconv.Itoa(size))
	c.reply.Set("X-Total", strconv.Itoa(len(list)))
	c.reply.Set("X-Next-Page", "")
	from := min((number-1)*size, len(list))
	to := min(from+size, len(list))
	if to < len(list) {
		c.reply.Set("X-Next-Page", strconv.Itoa(number+1))
		c.next("page", strconv.Itoa(number+1))
	}
	if list == nil {
		return []T{}
	}
	return list[from:to]
}

// next sets the link to the next page.
func (c *call) next(name, value string) {
	u := *c.req.URL
	q := u.Query()
	q.Set(name, value)
	u.RawQuery, u.Scheme, u.Host = q.Encode(), "http", c.req.Host
	c.reply.Set("Link", fmt.Sprintf(`<%s>; rel="next"`, u.String()))
}

func atLeastOne(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// object is a JSON object.
type object = map[string]any
