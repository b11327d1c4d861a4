package bitbucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	library "github.com/ktrysmt/go-bitbucket"

	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
)

// This file is the only one that knows the client library. What the library does
// right goes through it: requests for one object whose path needs no escaping.
// The rest goes over the same transport by client.do, since in v0.10.0 the
// library
//   - takes no context: it calls req.WithContext and drops the result;
//   - pages without a limit, to whatever host the reply names, and drops the
//     error of every page but the first;
//   - puts paths and names into URLs unescaped;
//   - gives no headers back, such as the Location of a new commit;
//   - empties fields of a pull request that were not to be changed;
//   - panics on replies that are no objects, where it decodes them itself.

const (
	maxReply = 32 << 20 // of JSON
	maxError = 64 << 10 // of a reply that is an error
	maxPages = 1000
)

type client struct {
	http   *http.Client
	api    string // without a slash at its end
	server string
	host   string // of server, for messages
	origin string // scheme and host of api
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	redact *redact.Secrets
}

func newClient(o Options, authorize func(context.Context, http.Header) error) (*client, error) {
	api, err := url.Parse(o.API)
	if err != nil {
		return nil, err
	}
	server, err := url.Parse(o.Server)
	if err != nil {
		return nil, err
	}
	t := o.Transport
	t.Origins = []string{o.API, o.Server}
	t.Authorize = authorize
	t.Redact.Add(o.Token)
	t.Redact.Add(o.Secret)
	c := &client{
		http: transport.New(t), api: o.API, server: o.Server,
		host: server.Host, origin: api.Scheme + "://" + api.Host,
		now: t.Now, sleep: t.Sleep, redact: t.Redact,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = transport.Sleep
	}
	return c, nil
}

// carrier gives the library's requests the context that it drops, and keeps the
// method of the last, which errors are read by.
type carrier struct {
	ctx    context.Context
	base   http.RoundTripper
	method string
}

func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	c.method = req.Method
	return c.base.RoundTrip(req.WithContext(c.ctx))
}

// via has the library do a request and decodes what it returns. A client of its
// own for each call is how a call gets its context; to make one costs nothing.
// It holds no credential: that is the transport's.
func (c *client) via(ctx context.Context, out any, call func(*library.Client) (any, error)) error {
	l, err := library.NewOAuthbearerTokenWithBaseUrlStr("", c.api)
	if err != nil {
		return err
	}
	through := &carrier{ctx: ctx, base: c.http.Transport}
	l.HttpClient = &http.Client{Transport: through, CheckRedirect: c.http.CheckRedirect}
	got, err := call(l)
	if err != nil {
		if e, ok := errors.AsType[*library.UnexpectedResponseStatusError](err); ok {
			return c.readError(through.method, e.StatusCode, e.Body)
		}
		if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
			return &foreignError{host: c.host, err: bad}
		}
		return transport.Clean(err)
	}
	if out == nil {
		return nil
	}
	text, err := json.Marshal(got)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return &foreignError{host: c.host, err: err}
	}
	return nil
}

func (c *client) pull(ctx context.Context, r *repository, number int) (pullJSON, error) {
	var p pullJSON
	err := c.via(ctx, &p, func(l *library.Client) (any, error) {
		return l.Repositories.PullRequests.Get(&library.PullRequestsOptions{Owner: r.workspace, RepoSlug: r.slug, ID: strconv.Itoa(number)})
	})
	return p, err
}

func (c *client) commit(ctx context.Context, r *repository, sha string) (commitJSON, error) {
	var commit commitJSON
	err := c.via(ctx, &commit, func(l *library.Client) (any, error) {
		return l.Repositories.Commits.GetCommit(&library.CommitsOptions{Owner: r.workspace, RepoSlug: r.slug, Revision: sha})
	})
	return commit, err
}

// comment writes a new comment, or that of an id.
func (c *client) comment(ctx context.Context, r *repository, number int, id, body string) (commentJSON, error) {
	var got commentJSON
	err := c.via(ctx, &got, func(l *library.Client) (any, error) {
		o := &library.PullRequestCommentOptions{
			Owner: r.workspace, RepoSlug: r.slug, PullRequestID: strconv.Itoa(number), Content: body, CommentId: id,
		}
		if id == "" {
			return l.Repositories.PullRequests.AddComment(o)
		}
		return l.Repositories.PullRequests.UpdateComment(o)
	})
	return got, err
}

func (c *client) deleteComment(ctx context.Context, r *repository, number int, id string) error {
	return c.via(ctx, nil, func(l *library.Client) (any, error) {
		return l.Repositories.PullRequests.DeleteComment(&library.PullRequestCommentOptions{
			Owner: r.workspace, RepoSlug: r.slug, PullRequestID: strconv.Itoa(number), CommentId: id,
		})
	})
}

// request is a request to the API or to the website.
type request struct {
	method string // "" means GET
	url    string
	query  url.Values
	json   any    // the body, or
	body   []byte // these bytes of
	kind   string // this type
}

// do sends a request and returns the reply, whose body the caller closes. A
// status that is not of the 200s is an error, which says what the reply says.
func (c *client) do(ctx context.Context, q request) (*http.Response, error) {
	method := q.method
	if method == "" {
		method = http.MethodGet
	}
	body, kind := q.body, q.kind
	if q.json != nil {
		text, err := json.Marshal(q.json)
		if err != nil {
			return nil, err
		}
		body, kind = text, "application/json"
	}
	address := q.url
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, transport.Clean(err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxError))
	return nil, c.readError(method, resp.StatusCode, text)
}

// reply is what a reply says besides its body.
type reply struct {
	status int
	header http.Header
}

// call sends a request and decodes the reply into out, if it is not nil.
func (c *client) call(ctx context.Context, q request, out any) (reply, error) {
	resp, err := c.do(ctx, q)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return reply{}, transport.Clean(err)
	}
	if len(text) > maxReply {
		return reply{}, fmt.Errorf("the reply has more than %d MiB", maxReply>>20)
	}
	if out != nil && resp.StatusCode != http.StatusNoContent {
		if err := json.Unmarshal(text, out); err != nil {
			return reply{}, &foreignError{host: c.host, err: err}
		}
	}
	return reply{resp.StatusCode, resp.Header}, nil
}

// page is a part of a list.
type page[T any] struct {
	Values []T    `json:"values"`
	Next   string `json:"next"`
	Size   *int   `json:"size"`
}

// list goes through the pages of a list until yield returns false.
func list[T any](ctx context.Context, c *client, q request, yield func([]T) bool) error {
	for range maxPages {
		var p page[T]
		if _, err := c.call(ctx, q, &p); err != nil {
			return err
		}
		if !yield(p.Values) || p.Next == "" {
			return nil
		}
		// Bitbucket wants its links followed as they are. One to elsewhere would
		// carry what was asked to somebody who was not asked.
		next, err := url.Parse(p.Next)
		if err != nil || next.Scheme+"://"+next.Host != c.origin {
			return errors.New("the reply names a next page on another host")
		}
		q = request{url: p.Next}
	}
	return fmt.Errorf("the list has more than %d pages", maxPages)
}

// all returns a whole list, or fails.
func all[T any](ctx context.Context, c *client, q request) ([]T, error) {
	var values []T
	err := list(ctx, c, q, func(got []T) bool {
		values = append(values, got...)
		return true
	})
	return values, err
}
