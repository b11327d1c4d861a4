package github

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/towpath-dev/towpath/internal/transport"
)

// repeatable marks writes that do no harm when they are done twice, such as that
// of an object which is named by its contents.
func repeatable(ctx context.Context) context.Context { return transport.Idempotent(ctx) }

// graphError is what GraphQL says, with status 200, where it could not do all.
type graphError []graphFault

type graphFault struct {
	Type       string `json:"type"` // such as NOT_FOUND; "" where the document itself is wrong
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code        string `json:"code"`
		SAMLFailure bool   `json:"saml_failure"`
	} `json:"extensions"`

	header http.Header // of the reply
}

func (e graphError) Error() string {
	messages := make([]string, len(e))
	for i, f := range e {
		messages[i] = f.Message
	}
	return strings.Join(messages, "; ")
}

func (e graphError) has(kind string) bool {
	for _, f := range e {
		if f.Type == kind {
			return true
		}
	}
	return false
}

// isLimit reports whether one of the rate limits is named, even if it was reached
// in the middle, after the transport had taken the reply for an answer.
func (e graphError) isLimit() bool {
	return e.has("RATE_LIMITED") || e.has("RATE_LIMIT") || contains(e.Error(), "secondary rate limit")
}

// query asks by GraphQL. What was answered is in out, even if there is a
// graphError about the rest.
func (r *repository) query(ctx context.Context, document string, variables map[string]any, out any) error {
	_, err := r.post(transport.Idempotent(ctx), document, r.named(variables), out)
	return err
}

// mutate writes by GraphQL.
func (r *repository) mutate(ctx context.Context, document string, input map[string]any, out any) error {
	_, err := r.post(ctx, document, map[string]any{"input": input}, out)
	return err
}

// named adds the variables by which all queries name the repository.
func (r *repository) named(variables map[string]any) map[string]any {
	all := map[string]any{"owner": r.owner, "name": r.name}
	for name, value := range variables {
		all[name] = value
	}
	return all
}

// post does a request of GraphQL. One that a limit refuses is sent again by the
// transport, which reads that in replies with status 200, too.
func (r *repository) post(ctx context.Context, document string, variables map[string]any, out any) (http.Header, error) {
	header, err := r.exchange(ctx, document, variables, out)
	if !strings.HasPrefix(document, "query") {
		return header, err
	}
	// Nothing was to be done.
	if e, ok := errors.AsType[graphError](err); ok && e.isLimit() {
		return nil, &transport.RateLimitError{Host: r.forge.api.Host}
	}
	if isUnanswered(err) {
		err = outOfOrder(err)
	}
	return header, err
}

func (r *repository) exchange(ctx context.Context, document string, variables map[string]any, out any) (http.Header, error) {
	req, err := r.c.NewRequest(http.MethodPost, r.forge.graphql, map[string]any{"query": document, "variables": variables})
	if err != nil {
		return nil, err
	}
	var reply struct {
		Data   json.RawMessage `json:"data"`
		Errors graphError      `json:"errors"`
	}
	resp, err := r.c.Do(ctx, req, &reply)
	if err != nil {
		return nil, err
	}
	if len(reply.Data) > 0 && string(reply.Data) != "null" && out != nil {
		if err := json.Unmarshal(reply.Data, out); err != nil {
			return nil, err
		}
	}
	switch {
	case len(reply.Errors) > 0:
		for i := range reply.Errors {
			reply.Errors[i].header = resp.Header
		}
		return resp.Header, reply.Errors
	case len(reply.Data) == 0:
		return nil, errNoAnswer
	}
	return resp.Header, nil
}

// send writes by REST where go-github has no call for it, and reads nothing of
// the reply.
func (r *repository) send(ctx context.Context, method, path string, body any) error {
	req, err := r.c.NewRequest(method, r.path(path), body)
	if err == nil {
		_, err = r.c.Do(ctx, req, nil)
	}
	return err
}
