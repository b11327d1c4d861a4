// Package transport owns the HTTP client under all drivers of forges. It sends
// credentials to the forge and to nobody else, waits when the forge says so,
// tries again what may be tried again, keeps replies for revalidation, and lets
// no secret into an error.
//
// It does not know what is asked of a forge, nor whose credential it carries. A
// write that may have been done is never sent again: the caller looks what is
// there, then decides.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/towpath-dev/towpath/internal/redact"
)

// Options say how a client behaves. The zero value is one without a credential.
type Options struct {
	// Origins are the only places that credentials are sent to, by redirects too,
	// such as https://api.github.com: scheme, host and port, exactly. Requests
	// to elsewhere carry only headers that tell nothing, such as Accept.
	Origins []string

	// Authorize adds the credential to a request to one of the origins, before
	// each attempt; nil adds none. It may do requests of its own, through another
	// client.
	Authorize func(ctx context.Context, h http.Header) error

	// UserAgent replaces what client libraries send; "" leaves it.
	UserAgent string

	// Base makes the round trips. Nil means one that takes the proxy from the
	// environment, with sane limits of time.
	Base http.RoundTripper

	// RootCAs are the authorities to trust where Base is nil; nil means those of
	// the system. See [RootCAs] for adding to them.
	RootCAs *x509.CertPool

	// Now is nil for time.Now.
	Now func() time.Time

	// Sleep waits, or returns early with the context's error. Nil means a timer.
	Sleep func(ctx context.Context, d time.Duration) error

	// Jitter is a random number in [0,1), nil that of math/rand/v2.
	Jitter func() float64

	// MaxWait is the longest wait before an attempt; 0 means as long as the
	// context lives. A longer one for a rate limit is a [RateLimitError] at once.
	MaxWait time.Duration

	// Redact holds what must not appear in errors; the credentials that are sent
	// are added to it. Nil means only those.
	Redact *redact.Secrets

	// Log is called after each attempt; nil is called never. It must not block.
	Log func(Exchange)

	// CacheSize is how many bytes of replies are kept, 0 means 16 MiB and less
	// than 0 none. A reply to a GET that has an ETag or a date is kept, and given
	// again, with the header X-From-Cache: 1, when the forge says that it has not
	// changed.
	CacheSize int64
}

// Exchange is one attempt of a request.
type Exchange struct {
	Method   string
	URL      string // without what is secret
	Status   int    // 0 if no reply came
	Duration time.Duration
	Attempt  int   // from 1
	Err      error // why no reply came
}

const (
	defaultCache = 16 << 20

	dialTimeout   = 10 * time.Second
	headerTimeout = 60 * time.Second // forges give up after 10 (GitHub) to 60 seconds (GitLab) themselves
	idleTimeout   = 90 * time.Second
)

// New returns a client that behaves as said. A client library may copy it, or
// take its Transport for a client of its own: all but the handling of redirected
// writes is in the Transport.
//
// What the client returns as an error is a [RateLimitError], an
// [UnansweredError], or the last attempt's error. As ever with net/http it is
// within a *url.Error, which shows the last URL: [Clean] is for that.
//
// GET, HEAD, PUT and DELETE are tried up to 5 times if no reply comes, or one by
// which the forge is out of order (500, 502, 503, 504); the last reply is given
// to the caller. A POST or PATCH is tried again only if surely nothing was done:
// it was refused because of a limit, or never sent. A reply of 500 to it is
// given to the caller, and those of gateways are an [UnansweredError]; so is a
// reply that breaks off while it is read.
func New(o Options) *http.Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = Sleep
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Redact == nil {
		o.Redact = new(redact.Secrets)
	}
	if o.Base == nil {
		o.Base = base(o.RootCAs)
	}
	if o.CacheSize == 0 {
		o.CacheSize = defaultCache
	}
	t := &tripper{
		options: o,
		origins: map[string]bool{},
		gate:    gate{now: o.Now, hosts: map[string]*host{}},
		cache:   newCache(o.CacheSize),
	}
	for _, origin := range o.Origins {
		if name, ok := parseOrigin(origin); ok {
			t.origins[name] = true
		}
	}
	return &http.Client{Transport: t, CheckRedirect: t.checkRedirect}
}

// RootCAs returns the system's authorities and those of certificates in PEM.
func RootCAs(pem []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without any, such as an empty container
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("read certificate authorities: there is no certificate in PEM")
	}
	return pool, nil
}

func base(roots *x509.CertPool) http.RoundTripper {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   16, // contents of files are read side by side
		IdleConnTimeout:       idleTimeout,
	}
}

// Sleep waits, or returns early with the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

type contextKey int

const (
	idempotentKey contextKey = iota
	onceKey
)

// Idempotent marks requests whose method writes but which only read, such as
// GraphQL queries: they are tried again like a GET.
func Idempotent(ctx context.Context) context.Context {
	return context.WithValue(ctx, idempotentKey, true)
}

// Once marks requests whose method may be tried again but which may not, such
// as a PUT that merges: they are treated like a POST.
func Once(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey, true)
}

// isIdempotent reports whether a request may be sent again after it may have
// been done.
func isIdempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	case http.MethodPut, http.MethodDelete:
		return req.Context().Value(onceKey) == nil
	}
	return req.Context().Value(idempotentKey) != nil
}
