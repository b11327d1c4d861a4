package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// secondaryWait is how long to wait for GitHub's secondary limit where the
	// reply does not tell: at least a minute, then exponentially longer
	// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit).
	secondaryWait = time.Minute

	// pace is the distance between requests once Bitbucket says that less than a
	// fifth of the hour's requests are left
	// (https://bitbucket.org/blog/introducing-scaled-rate-limits-for-bitbucket-cloud-api).
	pace = time.Second

	maxRetryAfter = 24 * time.Hour // more is a mistake, and would overflow
	maxPrefix     = 64 << 10       // of a body that is searched for the name of a limit
)

// gate holds requests back while their host takes none.
type gate struct {
	now   func() time.Time
	mu    sync.Mutex
	hosts map[string]*host
}

// host is what one host said of its limits.
type host struct {
	closed map[string]time.Time // by bucket, until when; the bucket "" is every one
	paced  bool
	next   time.Time // when the next one may go, if paced
}

// bucketOf returns which of GitHub's primary limits a request counts against
// (https://docs.github.com/en/rest/rate-limit/rate-limit). Forges with one limit
// have no such paths.
func bucketOf(req *http.Request) string {
	switch {
	case strings.HasSuffix(req.URL.Path, "/graphql"):
		return "graphql"
	case strings.HasPrefix(strings.TrimPrefix(req.URL.Path, "/api/v3"), "/search/"):
		return "search"
	}
	return "core"
}

// reserve returns how long a request must wait before it may go.
func (g *gate) reserve(req *http.Request) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hosts[req.URL.Host]
	if h == nil {
		return 0
	}
	now := g.now()
	at := h.opens(req, now)
	if h.paced {
		if h.next.After(at) {
			at = h.next
		}
		h.next = at.Add(pace)
	}
	return at.Sub(now)
}

// left returns for how long the host of a request is closed.
func (g *gate) left(req *http.Request) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	return g.host(req).opens(req, now).Sub(now)
}

// opens returns when a request may go: now, or later.
func (h *host) opens(req *http.Request, now time.Time) time.Time {
	at := now
	for _, bucket := range []string{"", bucketOf(req)} {
		if until := h.closed[bucket]; until.After(at) {
			at = until
		}
	}
	return at
}

// close holds back all requests of a bucket.
func (g *gate) close(req *http.Request, bucket string, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.host(req)
	if until := g.now().Add(wait); until.After(h.closed[bucket]) {
		h.closed[bucket] = until
	}
}

func (g *gate) host(req *http.Request) *host {
	h := g.hosts[req.URL.Host]
	if h == nil {
		h = &host{closed: map[string]time.Time{}}
		g.hosts[req.URL.Host] = h
	}
	return h
}

// learn reads what a reply says of limits. limited tells that the request was
// refused because of one; then its host is closed for as long as the reply says,
// or else for fallback.
func (g *gate) learn(req *http.Request, resp *http.Response, attempt int, fallback time.Duration) (limited bool) {
	now := g.now()
	if near := resp.Header.Get("X-RateLimit-NearLimit"); near != "" {
		g.mu.Lock()
		g.host(req).paced = strings.EqualFold(near, "true")
		g.mu.Unlock()
	}
	after, told := retryAfter(resp.Header, now)
	spent, reset := exhausted(resp.Header, now)
	if spent && reset > 0 {
		g.close(req, bucketOf(req), reset)
	}
	isSilent := !told && !spent
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusForbidden:
		limited = !isSilent || resp.StatusCode == http.StatusTooManyRequests
		if isSilent && isSecondary(resp) {
			limited, fallback = true, secondaryWait<<(attempt-1)
		}
	case resp.StatusCode == http.StatusOK && bucketOf(req) == "graphql":
		// Retry-After alone does not tell: what is not refused may have it, too.
		if limited = isRefusedDocument(resp, isIdempotent(req)); isSilent {
			fallback = secondaryWait << (attempt - 1)
		}
	}
	switch {
	case !limited:
	case told && after > 0:
		g.close(req, "", after)
	case reset == 0:
		g.close(req, "", fallback)
	}
	return limited
}

// wait holds a request back until its host takes it.
func (t *tripper) wait(ctx context.Context, req *http.Request) error {
	d := t.gate.reserve(req)
	if d <= 0 {
		return nil
	}
	if t.isTooLong(ctx, d) {
		return &RateLimitError{Host: req.URL.Host, RetryAfter: d}
	}
	return t.options.Sleep(ctx, d)
}

// isTooLong reports whether a context ends before a wait does, or the wait is
// longer than any should be.
func (t *tripper) isTooLong(ctx context.Context, d time.Duration) bool {
	if t.options.MaxWait > 0 && d > t.options.MaxWait {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && t.options.Now().Add(d).After(deadline)
}

// retryAfter reads a Retry-After header: seconds, or a date
// (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		if seconds > maxRetryAfter.Seconds() {
			return maxRetryAfter, true
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter), true
	}
	return 0, false
}

// exhausted reports whether the headers say that no request is left, and for how
// long. GitHub has the prefix X- (see secondaryWait), GitLab has none
// (https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/);
// both give the reset in seconds since 1970.
func exhausted(h http.Header, now time.Time) (spent bool, reset time.Duration) {
	for _, prefix := range []string{"X-", ""} {
		if strings.TrimSpace(h.Get(prefix+"RateLimit-Remaining")) != "0" {
			continue
		}
		spent = true
		epoch, err := strconv.ParseInt(strings.TrimSpace(h.Get(prefix+"RateLimit-Reset")), 10, 64)
		if err == nil && epoch > 0 && epoch < 1<<40 {
			reset = max(reset, min(max(time.Unix(epoch, 0).Sub(now), 0), maxRetryAfter))
		}
	}
	return spent, reset
}

// isSecondary reports whether a body names GitHub's secondary limit, which the
// headers need not tell of, and leaves the body to be read.
func isSecondary(resp *http.Response) bool {
	prefix := bytes.ToLower(peek(resp))
	return bytes.Contains(prefix, []byte("secondary rate limit")) || bytes.Contains(prefix, []byte("abuse detection mechanism"))
}

// isRefusedDocument reports whether a reply of GraphQL says that a limit refuses
// the request, which GitHub does with status 200, with or without headers
// (https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#exceeding-the-rate-limit,
// https://github.com/octokit/plugin-throttling.js/pull/636); of the two types,
// the documentation has neither
// (https://github.com/octokit/plugin-throttling.js/pull/848). Words in the data
// are those of somebody's files. A write of which there is an answer was done, but
// a question of which only a part is answered is asked again.
func isRefusedDocument(resp *http.Response, isQuestion bool) bool {
	var reply struct {
		Data   json.RawMessage
		Errors []struct{ Type, Message string }
	}
	if json.Unmarshal(peek(resp), &reply) != nil || !isQuestion && hasData(reply.Data) {
		return false
	}
	for _, e := range reply.Errors {
		if e.Type == "RATE_LIMITED" || e.Type == "RATE_LIMIT" || strings.Contains(strings.ToLower(e.Message), "secondary rate limit") {
			return true
		}
	}
	return false
}

// hasData reports whether one of the fields at the top of a document has a value.
func hasData(data json.RawMessage) bool {
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return false // there is none
	}
	for _, value := range fields {
		if value != nil {
			return true
		}
	}
	return false
}

// peek returns the beginning of a body, and leaves all of it to be read.
func peek(resp *http.Response) []byte {
	if resp.Body == nil || resp.Body == http.NoBody {
		return nil
	}
	prefix, err := io.ReadAll(io.LimitReader(resp.Body, maxPrefix))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = &body{Reader: io.MultiReader(bytes.NewReader(prefix), rest), Closer: resp.Body}
	return prefix
}

// body reads from one place and closes another.
type body struct {
	io.Reader
	io.Closer
}

// failing is a reader that fails as another one did.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
