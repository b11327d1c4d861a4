package memory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// What the face imitates is from GitHub's documentation
// (https://docs.github.com/en/rest, https://docs.github.com/en/graphql) and its
// descriptions of both APIs
// (https://github.com/github/rest-api-description,
// https://docs.github.com/en/graphql/overview/public-schema); where it is from
// elsewhere, a comment says so. Not verified, and imitated by analogy:
//
//   - how GraphQL words it that updateRefs finds a ref elsewhere than at
//     beforeOid, or that createCommitOnBranch finds no branch, and the types of
//     these errors; that a repository is archived, too
//   - which writes by somebody who may only read are answered with 404, as
//     those of git's objects and refs are here, and which with 403
//   - that a merge by somebody who may not push to the base is a 405
//   - that object(expression:) takes abbreviated SHAs, and where text is cut
//   - that GraphQL calls the viewer of an installation's token a User
//   - the words of POST /pulls about a base that is not there, and those of
//     reviewers that cannot be asked
//   - that a second check run of a name takes the place of the first for one
//     account; that its annotations are added to by PATCH is documented
//   - counts of lines, which are 0 everywhere

// hub speaks to the forge in GitHub's words.
type hub struct{ f *Forge }

// GitHub returns a server that speaks GitHub's API, as GitHub Enterprise Server
// does: REST below /api/v3 and GraphQL at /api/graphql. It knows what a driver
// for pull requests needs, and answers with 404 to the rest.
func (f *Forge) GitHub() http.Handler {
	h := &hub{f}
	mux := http.NewServeMux()
	mux.Handle("/", h.plain(nil, func(*hubCall) (int, any) { return http.StatusNotFound, hubMessage("Not Found") }))
	mux.Handle("POST /api/graphql", h.plain([]string{}, h.graphql))
	mux.Handle("GET /api/v3/user", h.plain([]string{}, h.getSelf))
	mux.Handle("GET /api/v3/user/{id}", h.plain([]string{}, h.getUser))
	mux.Handle("GET /api/v3/users/{login}", h.plain([]string{}, h.getUser))
	mux.Handle("GET /api/v3/rate_limit", h.plain([]string{}, h.getRateLimit))
	mux.Handle("GET /api/v3/orgs/{org}/teams/{slug}/memberships/{login}", h.plain([]string{"admin:org", "read:org", "repo", "user", "write:org"}, h.getMembership))
	mux.HandleFunc("GET /_codeload/{owner}/{repo}/{sha}", h.codeload)
	mux.HandleFunc("/api/v3/repos/", h.route)
	return mux
}

// hubRoute is an endpoint of a repository.
type hubRoute struct {
	pattern string
	need    providers.Permission // of the account
	scopes  []string             // any of which a classic token must have; nil means repo
	hidden  bool                 // who may not gets 404, not 403
	handle  func(c *hubCall, s *State) (int, any)
}

// match reports whether a request is for an endpoint, and gives it the values of
// the pattern's names. The last one may stand for several segments.
func (route hubRoute) match(r *http.Request, segments []string) bool {
	method, pattern, _ := strings.Cut(route.pattern, " ")
	if method != r.Method {
		return false
	}
	var parts []string
	if pattern != "" {
		parts = strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	}
	values := map[string]string{}
	for i, part := range parts {
		name, isName := strings.CutPrefix(strings.TrimSuffix(part, "}"), "{")
		switch {
		case i >= len(segments):
			return false
		case strings.HasSuffix(name, "..."):
			values[strings.TrimSuffix(name, "...")] = strings.Join(segments[i:], "/")
			segments = segments[:i+1]
		case isName:
			values[name] = segments[i]
		case part != segments[i]:
			return false
		}
	}
	if len(parts) != len(segments) {
		return false
	}
	for name, value := range values {
		r.SetPathValue(name, value)
	}
	return true
}

// route finds the endpoint of a repository. The multiplexer of net/http cannot:
// GitHub's patterns overlap.
func (h *hub) route(w http.ResponseWriter, r *http.Request) {
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v3/repos/"), "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			segments[i] = plain
		}
	}
	if len(segments) >= 2 {
		r.SetPathValue("owner", segments[0])
		r.SetPathValue("repo", segments[1])
		for _, routes := range [][]hubRoute{hubRepoRoutes, hubPullRoutes, hubTalkRoutes} {
			for _, route := range routes {
				if route.match(r, segments[2:]) {
					h.inRepo(route).ServeHTTP(w, r)
					return
				}
			}
		}
	}
	h.plain(nil, func(*hubCall) (int, any) { return hubMissing() }).ServeHTTP(w, r)
}

// hubCall is a request.
type hubCall struct {
	h       *hub
	w       http.ResponseWriter
	r       *http.Request
	account Account // zero if nobody in particular asks
	token   Token
}

func hubMessage(text string) map[string]any {
	return map[string]any{"message": text, "documentation_url": "https://docs.github.com/rest"}
}

// hubInvalid is the body of a 422
// (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed).
func hubInvalid(errs ...map[string]any) (int, any) {
	m := hubMessage("Validation Failed")
	m["errors"] = errs
	return http.StatusUnprocessableEntity, m
}

func hubRefused(text string) (int, any) { return http.StatusUnprocessableEntity, hubMessage(text) }

func hubMissing() (int, any) { return http.StatusNotFound, hubMessage("Not Found") }

// hubTime writes a time, null if it is zero.
func hubTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// scopes returns those of the token. One that has none said may do all.
func (c *hubCall) scopes() []string {
	if c.token.Scopes == nil {
		return []string{"admin:repo_hook", "read:org", "repo", "workflow"}
	}
	return c.token.Scopes
}

// lacks reports whether a classic token has none of some scopes. Other kinds of
// credentials have no scopes.
func (c *hubCall) lacks(accepted ...string) bool {
	if c.token.Kind != "" {
		return false
	}
	return !slices.ContainsFunc(accepted, func(scope string) bool { return slices.Contains(c.scopes(), scope) })
}

// permission returns what the one who asks may do, whatever the token.
func (c *hubCall) permission(s *State) providers.Permission { return s.Permission(c.account.Login) }

// sees reports whether a repository is visible at all.
func (c *hubCall) sees(s *State) bool {
	return c.permission(s) >= providers.CanRead && (s.Public || !c.lacks("repo"))
}

// in reads the body.
func (c *hubCall) in(v any) bool {
	body, err := io.ReadAll(c.r.Body)
	return err == nil && json.Unmarshal(body, v) == nil
}

func hubUnreadable() (int, any) {
	return http.StatusBadRequest, hubMessage("Problems parsing JSON")
}

// plain serves an endpoint that is not of a repository.
func (h *hub) plain(scopes []string, handle func(*hubCall) (int, any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := h.begin(w, r, scopes)
		if !ok {
			return
		}
		status, body := handle(c)
		c.reply(status, body)
	})
}

// inRepo serves an endpoint of a repository.
func (h *hub) inRepo(route hubRoute) http.Handler {
	scopes := route.scopes
	if scopes == nil {
		scopes = []string{"repo"}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := h.begin(w, r, scopes)
		if !ok {
			return
		}
		status, body := hubMissing()
		if repo, ok := h.f.Repo(r.PathValue("owner") + "/" + r.PathValue("repo")); ok {
			err := repo.Do(func(s *State) error {
				status, body = c.handle(route, s)
				return nil
			})
			if err != nil {
				status, body = http.StatusInternalServerError, hubMessage(err.Error())
			}
		}
		c.reply(status, body)
	})
}

// handle asks for the right before it does what is asked for.
func (c *hubCall) handle(route hubRoute, s *State) (int, any) {
	isWrite := c.r.Method != http.MethodGet
	switch {
	case !c.sees(s):
		return hubMissing()
	case isWrite && c.account.Login == "":
		return http.StatusUnauthorized, hubMessage("Requires authentication")
	case isWrite && s.Archived:
		// https://github.com/r-universe-org/help/issues/247
		return http.StatusForbidden, hubMessage("Repository was archived so is read-only.")
	case isWrite && c.token.ReadOnly:
		// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible
		c.w.Header().Set("X-Accepted-GitHub-Permissions", "contents=write; pull_requests=write")
		if c.token.Kind == "" {
			return http.StatusForbidden, hubMessage("Resource not accessible by personal access token")
		}
		return http.StatusForbidden, hubMessage("Resource not accessible by integration")
	case isWrite && s.Public && c.lacks("public_repo", "repo") && c.lacks(route.scopes...):
		return hubMissing()
	case c.permission(s) < route.need && route.hidden:
		return hubMissing()
	case c.permission(s) < route.need:
		return http.StatusForbidden, hubMessage("Must have admin rights to Repository.")
	}
	return route.handle(c, s)
}

const (
	hubLimit     = 5000
	hubRemaining = 4999
)

// begin finds out who asks, and writes the headers that all replies have
// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit,
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
func (h *hub) begin(w http.ResponseWriter, r *http.Request, scopes []string) (*hubCall, bool) {
	c := &hubCall{h: h, w: w, r: r}
	header := w.Header()
	header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	header.Set("X-GitHub-Request-Id", fmt.Sprintf("%04X:%X", h.f.NextID(), h.f.Now().Unix()))
	header.Set("X-RateLimit-Limit", strconv.Itoa(hubLimit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(hubRemaining))
	header.Set("X-RateLimit-Used", strconv.Itoa(hubLimit-hubRemaining))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(h.f.Now().Add(time.Hour).Unix(), 10))
	header.Set("X-RateLimit-Resource", "core")
	value := r.Header.Get("Authorization")
	if value == "" {
		return c, true
	}
	kind, token, _ := strings.Cut(value, " ")
	known := false
	if strings.EqualFold(kind, "bearer") || strings.EqualFold(kind, "token") {
		c.account, c.token, known = h.f.AccountOf(strings.TrimSpace(token))
	}
	if !known {
		c.reply(http.StatusUnauthorized, hubMessage("Bad credentials"))
		return nil, false
	}
	if c.token.Kind == "" {
		header.Set("X-OAuth-Scopes", strings.Join(c.scopes(), ", "))
		if scopes != nil {
			header.Set("X-Accepted-OAuth-Scopes", strings.Join(scopes, ", "))
		}
	}
	return c, true
}

// hubRaw is a body that is no JSON.
type hubRaw struct {
	kind    string
	content []byte
}

// reply writes a reply. What was read has a tag by which it can be asked for
// again, and that costs nothing if it did not change
// (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate).
func (c *hubCall) reply(status int, body any) {
	header := c.w.Header()
	raw, isRaw := body.(hubRaw)
	switch {
	case status == http.StatusNoContent || body == nil:
		c.w.WriteHeader(status)
		return
	case isRaw:
		header.Set("Content-Type", raw.kind)
	default:
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			http.Error(c.w, err.Error(), http.StatusInternalServerError)
			return
		}
		raw.content = out.Bytes()
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if c.r.Method == http.MethodGet && status == http.StatusOK {
		sum := sha256.Sum256(append([]byte(c.r.Header.Get("Accept")+"\n"), raw.content...))
		tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
		header.Set("ETag", tag)
		header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
		header.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
		if c.r.Header.Get("If-None-Match") == tag {
			header.Del("Content-Type")
			c.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(raw.content)
}

// page returns the part of a list that was asked for, and says in a header
// where the others are
// (https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api).
func hubPage[T any](c *hubCall, all []T) []T {
	query := c.r.URL.Query()
	size, err := strconv.Atoi(query.Get("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	page, err := strconv.Atoi(query.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	last := max((len(all)+size-1)/size, 1)
	if last > 1 {
		var links []string
		link := func(n int, rel string) {
			query.Set("page", strconv.Itoa(n))
			u := url.URL{Scheme: "http", Host: c.r.Host, Path: c.r.URL.Path, RawPath: c.r.URL.RawPath, RawQuery: query.Encode()}
			links = append(links, fmt.Sprintf("<%s>; rel=%q", u.String(), rel))
		}
		if page > 1 {
			link(page-1, "prev")
		}
		if page < last {
			link(page+1, "next")
			link(last, "last")
		}
		if page > 1 {
			link(1, "first")
		}
		c.w.Header().Set("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

// codeload gives out an archive. What allows it is in the URL, so that it needs
// no credential; that of a private repository is valid for five minutes
// (https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-tar).
func (h *hub) codeload(w http.ResponseWriter, r *http.Request) {
	path, sha := r.PathValue("owner")+"/"+r.PathValue("repo"), r.PathValue("sha")
	repo, ok := h.f.Repo(path)
	if !ok || r.URL.Query().Get("token") != hubTicket(path, sha) {
		http.NotFound(w, r)
		return
	}
	var archive []byte
	err := repo.Do(func(s *State) error {
		var err error
		archive, err = s.Archive(sha, strings.ReplaceAll(path, "/", "-")+"-"+sha[:min(7, len(sha))])
		return err
	})
	switch {
	case errors.Is(err, ErrNoCommit):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/x-gzip")
		_, _ = w.Write(archive)
	}
}

// hubTicket stands for the permission to fetch an archive. It guards nothing
// that matters: the forge is gone with the process.
func hubTicket(path, sha string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(path) + "@" + sha))
	return hex.EncodeToString(sum[:8])
}

// inEither reads a body that has one form or the other.
func (c *hubCall) inEither(a, b any) bool {
	body, err := io.ReadAll(c.r.Body)
	return err == nil && (json.Unmarshal(body, a) == nil || json.Unmarshal(body, b) == nil)
}
