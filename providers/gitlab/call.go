package gitlab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
)

// maxMessage is how much of an error's body is read.
const maxMessage = 64 << 10

// reply is what the library does not tell of the last reply to a call: for 404
// it drops the body, which says what was not found.
type reply struct {
	status  int
	message string
}

type replyKey struct{}

// watch notes the replies to calls, and refuses those that no GitLab gave.
type watch struct {
	base   http.RoundTripper
	redact *redact.Secrets
}

// errForeign says that a reply is a page for people: a login page of a proxy, or
// a server that is no GitLab.
var errForeign = errors.New("the reply is a web page")

func (w *watch) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "text/html" && resp.StatusCode < http.StatusInternalServerError && !isRedirect(resp.StatusCode) {
		_ = resp.Body.Close()
		return nil, errForeign
	}
	r, ok := req.Context().Value(replyKey{}).(*reply)
	if ok {
		r.status, r.message = resp.StatusCode, ""
	}
	if resp.StatusCode < http.StatusBadRequest || req.Method == http.MethodHead {
		return resp, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	// GitLab may repeat what it refuses, such as the secret of a webhook.
	body = []byte(w.redact.String(string(body)))
	if ok && resp.StatusCode == http.StatusNotFound {
		r.message = messageOf(body)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(body), resp.Body}
	return resp, nil
}

// CloseIdleConnections has http.Client close what is not in use.
func (w *watch) CloseIdleConnections() {
	if c, ok := w.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func isRedirect(status int) bool { return status >= 300 && status < 400 }

// begin returns a context that notes the reply to a call, and the option by which
// the library obeys it.
func begin(ctx context.Context) (*reply, gitlab.RequestOptionFunc) {
	r := new(reply)
	return r, gitlab.WithContext(context.WithValue(ctx, replyKey{}, r))
}

// messageOf returns the text of an error's body. It may be {"message": "…"}, a
// list or lists by field in its place, or {"error": "…", "error_description": "…"}.
func messageOf(body []byte) string {
	var e struct {
		Message any `json:"message"`
		Error   any `json:"error"`
		Detail  any `json:"error_description"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return ""
	}
	var parts []string
	for _, v := range []any{e.Message, e.Error, e.Detail} {
		if text := flatten(v); text != "" {
			parts = append(parts, text)
		}
	}
	return oneLine(strings.Join(parts, ": "))
}

func flatten(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, flatten(item))
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		var parts []string
		for _, key := range sortedKeys(v) {
			parts = append(parts, key+" "+flatten(v[key]))
		}
		return strings.Join(parts, "; ")
	}
	return ""
}

// oneLine makes a server's text fit for a message.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:300]) + "…"
	}
	return text
}

// errRefused says that GraphQL did not answer the question. REST can.
var errRefused = errors.New("GraphQL was refused")

// query asks over GraphQL. What REST may answer all the same is an error that
// wraps errRefused: an old server without a field, a limit of complexity.
func (r *repository) query(ctx context.Context, document string, variables map[string]any, data any) error {
	f := r.forge
	if f.jobToken || f.noGraphQL.Load() {
		return errRefused // for GraphQL a job's token is none
	}
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return err
	}
	address := strings.TrimSuffix(f.api, "/v4") + "/graphql"
	req, err := http.NewRequestWithContext(transport.Idempotent(ctx), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if f.client.UserAgent != "" {
		req.Header.Set("User-Agent", f.client.UserAgent)
	}
	resp, err := f.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode >= http.StatusInternalServerError:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
		return &gitlab.ErrorResponse{Response: resp, Body: text}
	case resp.StatusCode != http.StatusOK:
		f.noGraphQL.Store(true)
		return fmt.Errorf("%w: %s", errRefused, resp.Status)
	}
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("read the reply of GraphQL: %w", err)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%w: %s", errRefused, oneLine(answer.Errors[0].Message))
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return fmt.Errorf("read the reply of GraphQL: %w", err)
	}
	return nil
}

// send sends a request that the library lacks, to a path below the API's.
func (r *repository) send(ctx context.Context, method, path string, options, v any) error {
	req, err := r.client.NewRequest(method, path, options, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
	if err != nil {
		return err
	}
	_, err = r.client.Do(req, v)
	return err
}

// in returns a path below that of the project.
func (r *repository) in(format string, args ...any) string {
	return "projects/" + gitlab.PathEscape(r.path) + "/" + fmt.Sprintf(format, args...)
}

// pages calls fetch for each page until there is no more, or until it says so.
func pages(fetch func(page gitlab.ListOptions) (next int, err error)) error {
	for page := 1; page != 0; {
		next, err := fetch(gitlab.ListOptions{Page: page, PerPage: perPage})
		if err != nil {
			return err
		}
		if next != 0 && next <= page {
			return fmt.Errorf("page %d says that page %d comes next", page, next)
		}
		page = next
	}
	return nil
}

// perPage is the most that GitLab returns at once
// (https://docs.gitlab.com/api/rest/#pagination).
const perPage = 100
