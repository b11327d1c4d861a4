package providertest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
)

// Wire is what lies between a driver and its forge: it goes under the
// transport, counts the requests, and makes the accidents happen that networks
// and forges have. Its zero value uses http.DefaultTransport and disturbs
// nothing.
type Wire struct {
	Base http.RoundTripper // nil means http.DefaultTransport

	mu       sync.Mutex
	requests []string
	accident *Accident
	seen     int
	happened bool
}

// Accident is what happens to one request.
type Accident struct {
	Match func(*http.Request) bool // nil means every request
	Skip  int                      // how many that match pass unharmed before

	Before func() // is called before the request goes out, which it then does
	Status int    // the forge answers this and does nothing; with 429 it says when to come again
	Lose   bool   // the forge does it, and the reply is lost, or is Status if that is given; it waits for one that the forge does not refuse
}

// Cause has an accident happen once, instead of any that was to happen.
func (w *Wire) Cause(a Accident) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accident, w.seen, w.happened = &a, 0, false
}

// Happened reports whether the last accident did, and has none happen from now
// on.
func (w *Wire) Happened() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accident = nil
	return w.happened
}

// Requests returns the requests since the last call, as METHOD URL.
func (w *Wire) Requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.requests
	w.requests = nil
	return out
}

// RoundTrip sends a request, unless something happens to it.
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	base := w.Base
	if base == nil {
		base = http.DefaultTransport
	}
	req, err := reread(req)
	if err != nil {
		return nil, err
	}
	a := w.next(req)
	if a == nil {
		return base.RoundTrip(req)
	}
	if a.Before != nil {
		a.Before()
	}
	if a.Status != 0 && !a.Lose {
		return answer(req, a.Status), nil
	}
	reply, err := base.RoundTrip(req)
	if err != nil || !a.Lose {
		return reply, err
	}
	if reply.StatusCode >= http.StatusBadRequest {
		// Nothing was done, so nothing is lost. Which write a forge refuses at
		// first, as while it finds out whether it may merge, is chance.
		w.spare(a)
		return reply, nil
	}
	_ = reply.Body.Close()
	if a.Status != 0 {
		return answer(req, a.Status), nil
	}
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// next counts a request and returns what happens to it.
func (w *Wire) next(req *http.Request) *Accident {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, req.Method+" "+req.URL.String())
	a := w.accident
	if a == nil || w.happened || a.Match != nil && !a.Match(req) {
		return nil
	}
	if w.seen++; w.seen <= a.Skip {
		return nil
	}
	w.happened = true
	return a
}

// spare has an accident happen to the next request that matches.
func (w *Wire) spare(a *Accident) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.accident == a {
		w.happened = false
	}
}

// reread returns a request whose body can be read any number of times by
// GetBody.
func reread(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	content, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the body of %s %s: %w", req.Method, req.URL, err)
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(content))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	return req, nil
}

// Writes reports whether a request changes something: it is neither a GET nor a
// HEAD, nor a GraphQL query.
func Writes(req *http.Request) bool {
	switch {
	case req.Method == http.MethodGet || req.Method == http.MethodHead:
		return false
	case !strings.HasSuffix(req.URL.Path, "/graphql") || req.GetBody == nil:
		return true
	}
	body, err := req.GetBody()
	if err != nil {
		return true
	}
	content, err := io.ReadAll(body)
	return err != nil || bytes.Contains(content, []byte("mutation"))
}

// Reads is the opposite of [Writes].
func Reads(req *http.Request) bool { return !Writes(req) }

// answer is a reply that no forge made.
func answer(req *http.Request, status int) *http.Response {
	body := `{"message": "An accident happened."}`
	h := http.Header{"Content-Type": {"application/json"}}
	if status == http.StatusTooManyRequests {
		h.Set("Retry-After", "1")
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        h,
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
}
