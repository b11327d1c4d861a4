package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// statusTimedOut is Bitbucket's answer when it stopped working on a request
// (https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/, on
// merging). A read would time out again.
const statusTimedOut = 555

const (
	maxAttempts = 5
	firstPause  = 500 * time.Millisecond
	maxPause    = 30 * time.Second
	maxDrain    = 64 << 10 // of a body that nobody wants, so that the connection can serve again
)

// tripper is the transport of the client.
type tripper struct {
	options Options
	origins map[string]bool
	gate    gate
	cache   *cache
}

// CloseIdleConnections has http.Client close what is not in use.
func (t *tripper) CloseIdleConnections() {
	if c, ok := t.options.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip sends a request as often as it may be.
func (t *tripper) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.send(req)
	if err != nil {
		return nil, t.options.Redact.Error(err)
	}
	return resp, nil
}

func (t *tripper) send(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	t.addSecrets(req.URL)
	if err := checkRedirected(req); err != nil {
		closeBody(req)
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		again, err := t.prepare(ctx, req, attempt)
		if err != nil {
			if attempt == 1 {
				closeBody(req)
			}
			return nil, err
		}
		resp, wait, err := t.attempt(again, attempt)
		if resp != nil {
			resp.Request = req // without the credential, which libraries might show
		}
		if wait == nil {
			return resp, err
		}
		// Nothing is repeated whose body cannot be read again.
		if attempt == maxAttempts || t.isTooLong(ctx, *wait) || (hasBody(req) && req.GetBody == nil) {
			return resp, err
		}
		if resp != nil {
			drain(resp)
		}
		if *wait > 0 {
			if err := t.options.Sleep(ctx, *wait); err != nil {
				return nil, err
			}
		}
	}
}

// prepare waits until the host takes requests, and returns the request with
// everything that it needs: a round trip must not change the one it was given.
func (t *tripper) prepare(ctx context.Context, req *http.Request, attempt int) (*http.Request, error) {
	if err := t.wait(ctx, req); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // net/http would not tell that nothing was sent
	}
	out := req.Clone(ctx)
	if attempt > 1 && hasBody(req) {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("read the body again: %w", err)
		}
		out.Body = body
	}
	if t.isOrigin(req.URL) {
		if t.options.Authorize != nil {
			if err := t.options.Authorize(ctx, out.Header); err != nil {
				if attempt > 1 {
					closeBody(out)
				}
				return nil, fmt.Errorf("authorize a request to %s: %w", req.URL.Host, err)
			}
		}
		t.addCredentials(out.Header)
	} else {
		strip(out.Header)
	}
	if t.options.UserAgent != "" {
		out.Header.Set("User-Agent", t.options.UserAgent)
	}
	return out, nil
}

// attempt sends a request once. Where it may be sent again, wait is how long to
// pause before; the reply and the error are what to return if it is not.
func (t *tripper) attempt(req *http.Request, attempt int) (resp *http.Response, wait *time.Duration, err error) {
	key := t.cache.keyOf(req)
	kept := t.cache.condition(key, req)
	resp, sent, err := t.exchange(req, attempt)
	if err == nil && resp.StatusCode == http.StatusNotModified && kept != nil {
		t.gate.learn(req, resp, attempt, 0)
		t.cache.renew(kept, resp)
		return resp, nil, nil
	}
	pause := t.pause(attempt)
	if err == nil {
		if t.gate.learn(req, resp, attempt, pause) {
			drain(resp)
			var none time.Duration // the gate is closed, for this request too
			return nil, &none, &RateLimitError{Host: req.URL.Host, RetryAfter: t.gate.left(req)}
		}
		if isUnavailable(resp.StatusCode) || (resp.StatusCode == statusTimedOut && !isIdempotent(req)) {
			return t.unavailable(req, resp, pause)
		}
		if err = t.cache.keep(key, resp); err == nil {
			if !isIdempotent(req) && resp.Body != nil {
				resp.Body = &answer{ReadCloser: resp.Body, t: t, req: req}
			}
			return resp, nil, nil
		}
		resp.Body.Close()
	}
	switch {
	case req.Context().Err() != nil && (!sent || isIdempotent(req)):
		return nil, nil, err
	case isIdempotent(req) || !sent:
		if isPermanent(err) {
			return nil, nil, err
		}
		return nil, &pause, err
	}
	return nil, nil, t.unanswered(req, err)
}

// unavailable says what to do about a reply by which the forge is not there, or
// has given up.
func (t *tripper) unavailable(req *http.Request, resp *http.Response, pause time.Duration) (*http.Response, *time.Duration, error) {
	after, told := retryAfter(resp.Header, t.options.Now())
	if told {
		pause = max(pause, after)
	}
	switch {
	case isIdempotent(req):
		return resp, &pause, nil
	case resp.StatusCode == http.StatusServiceUnavailable && told:
		// It says when to come again, so it has not begun
		// (https://www.rfc-editor.org/rfc/rfc9110#status.503).
		return resp, &pause, nil
	case resp.StatusCode == http.StatusInternalServerError:
		return resp, nil, nil
	}
	drain(resp)
	return nil, nil, t.unanswered(req, &statusError{resp.Status})
}

func (t *tripper) unanswered(req *http.Request, err error) error {
	return &UnansweredError{Method: req.Method, URL: t.shown(req.URL), Err: err}
}

// exchange does one round trip. sent is false if surely no byte of the request
// has left.
func (t *tripper) exchange(req *http.Request, attempt int) (resp *http.Response, sent bool, err error) {
	var asked, wrote atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn:          func(string) { asked.Store(true) },
		WroteHeaderField: func(string, []string) { wrote.Store(true) },
		WroteHeaders:     func() { wrote.Store(true) },
	})
	start := t.options.Now()
	resp, err = t.options.Base.RoundTrip(req.WithContext(ctx))
	if resp != nil {
		resp.Request = req
	}
	if t.options.Log != nil {
		e := Exchange{
			Method:   req.Method,
			URL:      t.shown(req.URL),
			Duration: t.options.Now().Sub(start),
			Attempt:  attempt,
			Err:      t.options.Redact.Error(err),
		}
		if resp != nil {
			e.Status = resp.StatusCode
		}
		t.options.Log(e)
	}
	if err == nil {
		return resp, true, nil
	}
	// A base that is not net/http's calls no trace: then only the error tells.
	op, ok := errors.AsType[*net.OpError](err)
	notSent := (asked.Load() && !wrote.Load()) || (ok && op.Op == "dial")
	return nil, !notSent, err
}

// pause is how long to wait before the next attempt: a random part of a time
// that doubles, so that many clients do not come back at once
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func (t *tripper) pause(attempt int) time.Duration {
	limit := min(firstPause<<(attempt-1), maxPause)
	return time.Duration(t.options.Jitter() * float64(limit))
}

// isUnavailable reports whether a status says that the forge, or what stands
// before it, is out of order. 520 to 524 are those of Cloudflare, behind which
// gitlab.com is (https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/).
func isUnavailable(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return status >= 520 && status <= 524
}

// isPermanent reports whether an error will be the same at the next attempt: a
// host that does not exist, is not who it should be, or speaks no TLS.
func isPermanent(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

// answer is the reply to a write. If it breaks off, the write has been done and
// what became of it is not known.
type answer struct {
	io.ReadCloser
	t   *tripper
	req *http.Request
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader promises the bare io.EOF
		err = a.t.options.Redact.Error(a.t.unanswered(a.req, err))
	}
	return n, err
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// drain gives a connection back.
func drain(resp *http.Response) {
	if resp.Body != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		resp.Body.Close()
	}
}
