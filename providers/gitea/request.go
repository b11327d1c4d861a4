package gitea

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/redact"
)

const (
	maxReply   = 256 << 20 // more is no reply of the API: its own limit is 100 MiB of contents
	maxMessage = 64 << 10  // of a reply that says what went wrong

	pageSize = 50 // the server's own limit, unless it is changed
	maxPages = 10_000
	parallel = 4 // requests side by side
)

// replyError is a reply that is no success.
type replyError struct {
	method, path string
	status       int
	message      string // what the server says; may be empty
}

func (e *replyError) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.method, e.path, e.status, http.StatusText(e.status))
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

// strangeError is a reply that is not from the API of a Gitea.
type strangeError struct{ host, why string }

func (e *strangeError) Error() string { return e.host + " is no Gitea: " + e.why }

// statusOf returns the status that an error comes from, 0 if there is none.
func statusOf(err error) int {
	if e, ok := errors.AsType[*replyError](err); ok {
		return e.status
	}
	return 0
}

// saysOf returns what the server said with an error.
func saysOf(err error) string {
	if e, ok := errors.AsType[*replyError](err); ok {
		return e.message
	}
	return ""
}

// checked turns replies that are no success into errors: the library drops the
// status of some, and makes several lines of others.
type checked struct {
	client *http.Client
	host   string
	redact *redact.Secrets
	json   bool
}

// RoundTrip implements http.RoundTripper; redirects are followed underneath.
func (c *checked) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.client.Do(req.Clone(req.Context()))
	if err != nil {
		// http.Client wraps what comes from here just the same.
		if e, ok := errors.AsType[*url.Error](err); ok {
			return nil, e.Err
		}
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	isJSON := media == "application/json"
	if resp.StatusCode/100 == 2 {
		if c.json && !isJSON && resp.ContentLength != 0 && resp.StatusCode != http.StatusNoContent {
			resp.Body.Close()
			return nil, &strangeError{c.host, fmt.Sprintf("%s is answered with %s, not JSON", req.URL.Path, orUnknown(media))}
		}
		if c.json {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{&limited{r: resp.Body, left: maxReply}, resp.Body}
		}
		return resp, nil
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		return nil, err
	}
	// The server may repeat what it refuses, such as the secret of a webhook.
	data = []byte(c.redact.String(string(data)))
	failed := &replyError{method: req.Method, path: req.URL.Path, status: resp.StatusCode}
	var reply struct {
		Message string
		Errors  []string
	}
	if isJSON && json.Unmarshal(data, &reply) == nil {
		failed.message = strings.Join(strings.Fields(reply.Message), " ")
		if len(reply.Errors) > 0 {
			failed.message = strings.TrimPrefix(failed.message+": "+strings.Join(reply.Errors, "; "), ": ")
		}
	} else if resp.StatusCode == http.StatusNotFound && media == "text/html" {
		return nil, &strangeError{c.host, fmt.Sprintf("%s is answered with a page", req.URL.Path)}
	}
	return nil, failed
}

func orUnknown(media string) string {
	if media == "" {
		return "something"
	}
	return media
}

// limited fails once more was read than there may be.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("the reply has more than %d bytes", int64(maxReply))
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// call is a request that the library has no function for, or none that works.
type call struct {
	method string
	path   []string   // segments below the API, escaped here
	query  url.Values // may be nil
	in     any        // sent as JSON; nil sends nothing
	out    any        // where the reply goes; nil ignores it
}

// below returns the segments of a path below the repository. Each argument may
// hold slashes, which stay.
func (r *repository) below(parts ...string) []string {
	return append([]string{"repos", r.owner, r.name}, parts...)
}

func (f *Forge) do(ctx context.Context, c call) (http.Header, error) {
	resp, err := f.send(ctx, f.api, c)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if c.out == nil {
		return resp.Header, nil
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, c.out); err != nil {
		return nil, &strangeError{f.host, fmt.Sprintf("%s is answered with something else than expected (%v)", resp.Request.URL.Path, err)}
	}
	return resp.Header, nil
}

func (f *Forge) send(ctx context.Context, client *http.Client, c call) (*http.Response, error) {
	var b strings.Builder
	b.WriteString(f.root + apiPath)
	for _, part := range c.path {
		for segment := range strings.SplitSeq(part, "/") {
			b.WriteString("/" + url.PathEscape(segment))
		}
	}
	if len(c.query) > 0 {
		b.WriteString("?" + c.query.Encode())
	}
	var body io.Reader
	if c.in != nil {
		data, err := json.Marshal(c.in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, b.String(), body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return client.Do(req)
}

// total reads how many items a list has over all its pages, -1 if the server
// does not tell.
func total(h http.Header) int {
	n, err := strconv.Atoi(h.Get("X-Total-Count"))
	if err != nil {
		return -1
	}
	return n
}

// pages collects the pages of a list, the first having the number 1, until limit
// items are there; 0 means all. The server may give fewer items on a page than
// it was asked for, and does not count the items of every list. One that gives
// the same page again has not understood which it was asked for.
func pages[T any](limit int, fetch func(page int) ([]T, http.Header, error)) ([]T, error) {
	var all, last []T
	for page := 1; page <= maxPages; page++ {
		items, header, err := fetch(page)
		if err != nil {
			return nil, err
		}
		if len(items) > 0 && reflect.DeepEqual(items, last) {
			return nil, errEndless
		}
		last = items
		all = append(all, items...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		if n := total(header); len(items) == 0 || n >= 0 && len(all) >= n {
			return all, nil
		}
	}
	return nil, errEndless
}

// errEndless says that a list has no end, as where the server, or a cache before
// it, gives the same page for every number.
var errEndless = errors.New("the pages of the list do not end")

// each calls do for 0 to n-1, some at a time, and returns the error of the first
// that failed. After one failed no more are begun.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg   sync.WaitGroup
		gate = make(chan struct{}, parallel)
	)
	for i := range n {
		gate <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-gate }()
			if err := do(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// pageQuery asks for a page of a list.
func pageQuery(page int) url.Values {
	return url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)}}
}
