package bitbucket

import (
	"context"
	"net/http"
	"net/url"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// hookEvents are those that Receive knows
// (https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/).
var hookEvents = []string{
	"repo:push",
	"repo:commit_status_created",
	"repo:commit_status_updated",
	"pullrequest:created",
	"pullrequest:updated",
	"pullrequest:fulfilled",
	"pullrequest:rejected",
	"pullrequest:approved",
	"pullrequest:unapproved",
	"pullrequest:changes_request_created",
	"pullrequest:changes_request_removed",
	"pullrequest:comment_created",
}

type hookJSON struct {
	UUID        string   `json:"uuid,omitempty"`
	Description string   `json:"description"`
	URL         string   `json:"url"`
	Active      bool     `json:"active"`
	Secret      string   `json:"secret,omitempty"` // never read back
	Events      []string `json:"events"`
	SecretSet   *bool    `json:"secret_set,omitempty"`
}

func (h hookJSON) hook() providers.Hook {
	hook := providers.Hook{ID: h.UUID, URL: h.URL, Active: h.Active, Events: h.Events}
	if h.SecretSet != nil && !*h.SecretSet {
		hook.Problem = "it has no secret, so that its deliveries are not signed"
	}
	return hook
}

// Hooks lists the webhooks. Bitbucket does not tell why deliveries fail.
func (r *repository) Hooks(ctx context.Context) ([]providers.Hook, error) {
	got, err := r.hooks(ctx)
	if err != nil {
		return nil, r.wrap("list the webhooks", err)
	}
	hooks := make([]providers.Hook, len(got))
	for i, h := range got {
		hooks[i] = h.hook()
	}
	return hooks, nil
}

func (r *repository) hooks(ctx context.Context) ([]hookJSON, error) {
	return all[hookJSON](ctx, r.client, request{url: r.at("hooks"), query: url.Values{"pagelen": {pageSize}}})
}

// maxSecret is how long the secret of a webhook may be.
const maxSecret = 128

// UpsertHook registers a webhook, or renews it.
func (r *repository) UpsertHook(ctx context.Context, address string, secret []byte) (providers.Hook, error) {
	hook, err := r.upsertHook(ctx, address, secret)
	return hook, r.wrap("register a webhook", err)
}

func (r *repository) upsertHook(ctx context.Context, address string, secret []byte) (providers.Hook, error) {
	if len(secret) == 0 || len(secret) > maxSecret {
		return providers.Hook{}, fault.New(fault.Usage, "use a random secret of 32 to 128 characters", "the secret of the webhook is empty or too long")
	}
	r.client.redact.Add(string(secret))
	hooks, err := r.hooks(ctx)
	if err != nil {
		return providers.Hook{}, err
	}
	body := hookJSON{Description: "towpath", URL: address, Active: true, Secret: string(secret), Events: hookEvents}
	q := request{method: http.MethodPost, url: r.at("hooks"), json: body}
	for _, h := range hooks {
		if h.URL == address {
			q.method, q.url = http.MethodPut, r.at("hooks", url.PathEscape(h.UUID))
			break
		}
	}
	var got hookJSON
	_, err = r.client.call(ctx, q, &got)
	return got.hook(), err
}
