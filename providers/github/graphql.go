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

// maxLimited is how often a request of GraphQL is sent when limits refuse it.
const maxLimited = 3

// post does a request of GraphQL. That a limit is reached it says with status
// 200, and the headers say until when: the transport has the next request wait.
func (r *repository) post(ctx context.Context, document string, variables map[string]any, out any) (http.Header, error) {
	for attempt := 1; ; attempt++ {
		header, err := r.postOnce(ctx, document, variables, out)
		e, ok := errors.AsType[graphError](err)
		if !ok || !e.has("RATE_LIMITED") {
			if strings.HasPrefix(document, "query") && isUnanswered(err) {
				err = outOfOrder(err) // nothing was to be done
			}
			return header, err
		}
		if attempt == maxLimited || header.Get("X-Ratelimit-Remaining") != "0" {
			return nil, &transport.RateLimitError{Host: r.forge.api.Host}
		}
	}
}

func (r *repository) postOnce(ctx context.Context, document string, variables map[string]any, out any) (http.Header, error) {
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
