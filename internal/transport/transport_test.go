package transport_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
)

// clock is a time that passes only by sleeping. It starts at the real one, by
// which contexts end.
type clock struct {
	mu    sync.Mutex
	time  time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{time: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *clock) sleeps() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slept
}

// options returns those of a client of a server whose sleeps cost no time.
func options(c *clock, origins ...string) transport.Options {
	return transport.Options{
		Origins: origins,
		Now:     c.now,
		Sleep:   c.sleep,
		Jitter:  func() float64 { return 0.5 },
	}
}

func newClient(t *testing.T, o transport.Options) *http.Client {
	t.Helper()
	client := transport.New(o)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// script is a server that gives one reply after the other, and the last one
// from then on.
type script struct {
	*httptest.Server
	mu      sync.Mutex
	replies []http.HandlerFunc
	seen    []*http.Request
	bodies  []string
}

func newScript(t *testing.T, replies ...http.HandlerFunc) *script {
	t.Helper()
	s := &script{replies: replies}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.seen = append(s.seen, r)
	s.bodies = append(s.bodies, string(body))
	reply := s.replies[min(len(s.seen), len(s.replies))-1]
	s.mu.Unlock()
	reply(w, r)
}

func (s *script) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// reply returns a handler that answers with a status, headers given as
// "Name: value", and a body.
func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header()[name] = []string{value}
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// do sends a request and returns the status, or 0, and the body.
func do(t *testing.T, client *http.Client, ctx context.Context, method, url string) (int, string, error) { //nolint:revive // t comes first
	t.Helper()
	var body io.Reader
	if method != http.MethodGet && method != http.MethodDelete {
		body = strings.NewReader("the body")
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func TestRetries(t *testing.T) {
	t.Parallel()
	const attempts = 5
	ok := reply(200, "fine")
	for _, test := range []struct {
		name     string
		ctx      func(context.Context) context.Context
		method   string
		replies  []http.HandlerFunc
		status   int
		requests int
		as       any // what errors.As finds
	}{
		{name: "fine", method: "GET", replies: []http.HandlerFunc{ok}, status: 200, requests: 1},
		{name: "not found", method: "GET", replies: []http.HandlerFunc{reply(404, "")}, status: 404, requests: 1},
		{name: "not implemented", method: "GET", replies: []http.HandlerFunc{reply(501, "")}, status: 501, requests: 1},
		{name: "GET 500", method: "GET", replies: []http.HandlerFunc{reply(500, "no"), ok}, status: 200, requests: 2},
		{name: "GET 502", method: "GET", replies: []http.HandlerFunc{reply(502, "no"), ok}, status: 200, requests: 2},
		{name: "GET 503", method: "GET", replies: []http.HandlerFunc{reply(503, "no"), ok}, status: 200, requests: 2},
		{name: "GET 504", method: "GET", replies: []http.HandlerFunc{reply(504, "no"), ok}, status: 200, requests: 2},
		{name: "GET 521", method: "GET", replies: []http.HandlerFunc{reply(521, "no"), ok}, status: 200, requests: 2},
		{name: "GET 555", method: "GET", replies: []http.HandlerFunc{reply(555, "no"), ok}, status: 555, requests: 1},
		{name: "GET hangs up", method: "GET", replies: []http.HandlerFunc{hangUp, ok}, status: 200, requests: 2},
		{name: "PUT 500", method: "PUT", replies: []http.HandlerFunc{reply(500, "no"), ok}, status: 200, requests: 2},
		{name: "PUT hangs up", method: "PUT", replies: []http.HandlerFunc{hangUp, ok}, status: 200, requests: 2},
		{name: "DELETE 502", method: "DELETE", replies: []http.HandlerFunc{reply(502, ""), ok}, status: 200, requests: 2},
		{name: "GET never", method: "GET", replies: []http.HandlerFunc{reply(500, "no")}, status: 500, requests: attempts},
		{name: "POST 429", method: "POST", replies: []http.HandlerFunc{reply(429, ""), ok}, status: 200, requests: 2},
		{name: "POST 500", method: "POST", replies: []http.HandlerFunc{reply(500, "no"), ok}, status: 500, requests: 1},
		{name: "POST 503 later", method: "POST", replies: []http.HandlerFunc{reply(503, "no", "Retry-After: 1"), ok}, status: 200, requests: 2},
		{name: "POST 502", method: "POST", replies: []http.HandlerFunc{reply(502, "no"), ok}, requests: 1, as: new(*transport.UnansweredError)},
		{name: "POST 503", method: "POST", replies: []http.HandlerFunc{reply(503, "no"), ok}, requests: 1, as: new(*transport.UnansweredError)},
		{name: "POST 504", method: "POST", replies: []http.HandlerFunc{reply(504, "no"), ok}, requests: 1, as: new(*transport.UnansweredError)},
		{name: "POST 524", method: "POST", replies: []http.HandlerFunc{reply(524, "no"), ok}, requests: 1, as: new(*transport.UnansweredError)},
		{name: "POST 555", method: "POST", replies: []http.HandlerFunc{reply(555, "no"), ok}, requests: 1, as: new(*transport.UnansweredError)},
		{name: "PATCH hangs up", method: "PATCH", replies: []http.HandlerFunc{hangUp, ok}, requests: 1, as: new(*transport.UnansweredError)},
		{name: "POST that reads", ctx: transport.Idempotent, method: "POST", replies: []http.HandlerFunc{hangUp, reply(502, ""), ok}, status: 200, requests: 3},
		{name: "PUT once", ctx: transport.Once, method: "PUT", replies: []http.HandlerFunc{reply(502, ""), ok}, requests: 1, as: new(*transport.UnansweredError)},
		{name: "GET once", ctx: transport.Once, method: "GET", replies: []http.HandlerFunc{reply(502, ""), ok}, status: 200, requests: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := newScript(t, test.replies...)
			client := newClient(t, options(newClock(), server.URL))
			ctx := t.Context()
			if test.ctx != nil {
				ctx = test.ctx(ctx)
			}
			status, _, err := do(t, client, ctx, test.method, server.URL+"/x")
			if status != test.status {
				t.Errorf("got status %d (%v), want %d", status, err, test.status)
			}
			if test.as != nil && !errors.As(err, test.as) {
				t.Errorf("got error %v, want a %T", err, test.as)
			}
			if got := len(server.requests()); got != test.requests {
				t.Errorf("got %d requests, want %d", got, test.requests)
			}
			for i, body := range server.bodies {
				if body != server.bodies[0] || (test.method == http.MethodPost && body != "the body") {
					t.Errorf("attempt %d had the body %q", i+1, body)
				}
			}
		})
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(503, ""))
	c := newClock()
	status, _, err := do(t, newClient(t, options(c)), t.Context(), http.MethodGet, server.URL)
	if err != nil || status != 503 {
		t.Fatalf("got %d, %v", status, err)
	}
	want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}
	if diff := cmp.Diff(want, c.sleeps()); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestPauseTooLong(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(503, "later", "Retry-After: 7200"))
	for name, change := range map[string]func(*transport.Options, context.Context) (context.Context, context.CancelFunc){
		"deadline": func(_ *transport.Options, ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Hour)
		},
		"longest wait": func(o *transport.Options, ctx context.Context) (context.Context, context.CancelFunc) {
			o.MaxWait = time.Hour
			return context.WithCancel(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			o := options(c)
			ctx, cancel := change(&o, t.Context())
			defer cancel()
			status, body, err := do(t, newClient(t, o), ctx, http.MethodGet, server.URL)
			if status != 503 || body != "later" || err != nil {
				t.Errorf("got %d %q, %v", status, body, err)
			}
			if len(c.sleeps()) != 0 {
				t.Errorf("slept %v", c.sleeps())
			}
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	address := server.URL
	server.Close()
	c := newClock()
	_, _, err := do(t, newClient(t, options(c, address)), t.Context(), http.MethodPost, address)
	if err == nil {
		t.Fatal("got no error")
	}
	if unanswered, ok := errors.AsType[*transport.UnansweredError](err); ok {
		t.Errorf("got %v, but nothing was sent", unanswered)
	}
	if got := len(c.sleeps()); got != 4 {
		t.Errorf("tried again %d times, want 4", got)
	}
}

func TestCancelledWrite(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := newScript(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, _, err := do(t, newClient(t, options(newClock())), ctx, http.MethodPost, server.URL)
	if _, ok := errors.AsType[*transport.UnansweredError](err); !ok || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want an unanswered request that was cancelled", err)
	}
	_, _, err = do(t, newClient(t, options(newClock())), ctx, http.MethodPost, server.URL)
	if _, ok := errors.AsType[*transport.UnansweredError](err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want only that it was cancelled before", err)
	}
}

// TestBrokenReply has the reply end too early: what was read is tried again,
// and what was written is unanswered.
func TestBrokenReply(t *testing.T) {
	t.Parallel()
	broken := reply(200, `{"half":`, "Content-Length: 20", "Etag: \"a\"")
	server := newScript(t, broken, reply(200, "whole", "Etag: \"a\""))
	status, body, err := do(t, newClient(t, options(newClock())), t.Context(), http.MethodGet, server.URL)
	if status != 200 || body != "whole" || err != nil {
		t.Errorf("read: got %d %q, %v", status, body, err)
	}
	server = newScript(t, broken)
	_, _, err = do(t, newClient(t, options(newClock())), t.Context(), http.MethodPost, server.URL)
	if _, ok := errors.AsType[*transport.UnansweredError](err); !ok || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("write: got %v, want an unanswered request", err)
	}
}

// TestBodyOnce has a body that cannot be read again.
func TestBodyOnce(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(429, ""))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, io.LimitReader(strings.NewReader("once"), 9))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newClient(t, options(newClock())).Do(req)
	if err == nil {
		resp.Body.Close()
	}
	if _, ok := errors.AsType[*transport.RateLimitError](err); !ok || len(server.requests()) != 1 {
		t.Errorf("got %v after %d requests", err, len(server.requests()))
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(500, ""), reply(200, ""))
	o := options(newClock(), server.URL)
	count := 0
	o.UserAgent = "towpath/1.2"
	o.Authorize = func(_ context.Context, h http.Header) error {
		count++
		h.Set("Authorization", fmt.Sprintf("Bearer secret-%d", count))
		return nil
	}
	if _, _, err := do(t, newClient(t, o), t.Context(), http.MethodGet, server.URL); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Bearer secret-1", "Bearer secret-2"} {
		r := server.requests()[i]
		if got := r.Header.Get("Authorization"); got != want || r.UserAgent() != "towpath/1.2" {
			t.Errorf("attempt %d: got %q and %q", i+1, got, r.UserAgent())
		}
	}
	broken := errors.New("no key")
	o.Authorize = func(context.Context, http.Header) error { return broken }
	if _, _, err := do(t, newClient(t, o), t.Context(), http.MethodPost, server.URL); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	const token = "glpat-0123456789"
	var mu sync.Mutex
	var lines []string
	secrets := new(redact.Secrets)
	o := options(newClock(), "https://forge.test")
	o.Redact = secrets
	o.Authorize = func(_ context.Context, h http.Header) error {
		h.Set("Private-Token", token)
		return nil
	}
	o.Base = trip(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("cannot send %v to %s", r.Header.Get("Private-Token"), r.URL)
	})
	o.Log = func(e transport.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, fmt.Sprintf("%s %s %d %v", e.Method, e.URL, e.Attempt, e.Err))
	}
	_, _, err := do(t, newClient(t, o), t.Context(), http.MethodPost, "https://user:password9@forge.test/x?private_token="+token+"&a=1&sig=xyz")
	if err == nil {
		t.Fatal("got no error")
	}
	_ = transport.Clean(err)
	for _, text := range append(lines, err.Error()) {
		if strings.Contains(text, token) || strings.Contains(text, "password9") || strings.Contains(text, "xyz") && !strings.Contains(text, "cannot send") {
			t.Errorf("a secret is in %s", text)
		}
		if !strings.Contains(text, "forge.test/x?private_token=…&a=1&sig=") {
			t.Errorf("the URL is not in %s", text)
		}
	}
	if len(lines) != 1 {
		t.Errorf("got %d attempts, want 1: %v", len(lines), lines)
	}
	if got := secrets.String("x " + token); got != "x …" {
		t.Errorf("the credential was not added: %q", got)
	}
}

// trip is a base that calls no trace.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestBodiesAreClosed has every reply but the last one closed, and the
// request's body each time.
func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	var open atomic.Int64
	statuses := []int{500, 429, 503, 200}
	o := options(newClock())
	o.Base = trip(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			r.Body.Close()
		}
		open.Add(1)
		status := statuses[0]
		statuses = statuses[1:]
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: &counted{strings.NewReader("x"), &open}}, nil
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://forge.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	body := func() (io.ReadCloser, error) {
		open.Add(1)
		return &counted{strings.NewReader("y"), &open}, nil
	}
	req.Body, _ = body()
	req.GetBody = body
	resp, err := newClient(t, o).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := open.Load(); got != 1 {
		t.Errorf("%d bodies are open, want that of the reply", got)
	}
	resp.Body.Close()
	if got := open.Load(); got != 0 {
		t.Errorf("%d bodies are open at the end", got)
	}
}

type counted struct {
	io.Reader
	open *atomic.Int64
}

func (c *counted) Close() error {
	c.open.Add(-1)
	return nil
}

func TestClean(t *testing.T) {
	t.Parallel()
	if err := transport.Clean(io.EOF); err != io.EOF { //nolint:errorlint // the very same value is wanted
		t.Errorf("got %v", err)
	}
	if err := transport.Clean(nil); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestRootCAs(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(reply(200, "fine"))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
	server.StartTLS()
	t.Cleanup(server.Close)
	c := newClock()
	if _, _, err := do(t, newClient(t, options(c)), t.Context(), http.MethodGet, server.URL); err == nil {
		t.Error("an unknown authority was trusted")
	}
	if len(c.sleeps()) != 0 {
		t.Error("tried again, though a certificate stays as it is")
	}
	pool, err := transport.RootCAs(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if err != nil {
		t.Fatal(err)
	}
	o := options(c)
	o.RootCAs = pool
	if status, _, err := do(t, newClient(t, o), t.Context(), http.MethodGet, server.URL); status != 200 {
		t.Errorf("got %d, %v", status, err)
	}
	if _, err := transport.RootCAs([]byte("no certificate")); err == nil {
		t.Error("got no error for what is no certificate")
	}
}

// TestZero has nothing injected.
func TestZero(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(429, "", "Retry-After: 0.001"), reply(200, "fine"))
	if status, body, err := do(t, newClient(t, transport.Options{}), t.Context(), http.MethodGet, server.URL); status != 200 || body != "fine" {
		t.Errorf("got %d %q, %v", status, body, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	server = newScript(t, func(w http.ResponseWriter, r *http.Request) {
		reply(429, "", "Retry-After: 3600")(w, r)
		cancel()
	})
	if _, _, err := do(t, newClient(t, transport.Options{}), ctx, http.MethodGet, server.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the sleep was cancelled", err)
	}
}
