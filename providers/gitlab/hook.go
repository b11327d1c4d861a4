package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// hook is the library's ProjectHook with what it lacks.
type hook struct {
	ID            int     `json:"id"`
	URL           string  `json:"url"`
	Push          bool    `json:"push_events"`
	TagPush       bool    `json:"tag_push_events"`
	MergeRequests bool    `json:"merge_requests_events"`
	Notes         bool    `json:"note_events"`
	Pipelines     bool    `json:"pipeline_events"`
	Jobs          bool    `json:"job_events"`
	AlertStatus   string  `json:"alert_status"`
	DisabledUntil *string `json:"disabled_until"`
}

// hook returns it in the words of the contract. GitLab disables a hook whose
// deliveries fail, for a while and in the end for good
// (https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks).
func (h hook) hook() providers.Hook {
	out := providers.Hook{ID: strconv.Itoa(h.ID), URL: h.URL, Active: h.AlertStatus == "" || h.AlertStatus == "executable"}
	for _, event := range []struct {
		on   bool
		name string
	}{
		{h.Push, "push"},
		{h.TagPush, "tag_push"},
		{h.MergeRequests, "merge_requests"},
		{h.Notes, "note"},
		{h.Pipelines, "pipeline"},
		{h.Jobs, "job"},
	} {
		if event.on {
			out.Events = append(out.Events, event.name)
		}
	}
	switch h.AlertStatus {
	case "temporarily_disabled":
		out.Problem = "GitLab has disabled it for a while, since deliveries failed"
		if h.DisabledUntil != nil {
			out.Problem += ", until " + *h.DisabledUntil
		}
	case "disabled":
		out.Problem = "GitLab has disabled it, since deliveries failed"
	}
	return out
}

// Hooks implements [providers.Hooks].
func (r *repository) Hooks(ctx context.Context) ([]providers.Hook, error) {
	hooks, err := r.hooks(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]providers.Hook, len(hooks))
	for i, h := range hooks {
		out[i] = h.hook()
	}
	return out, nil
}

func (r *repository) hooks(ctx context.Context) ([]hook, error) {
	reply := new(reply)
	ctx = context.WithValue(ctx, replyKey{}, reply)
	var hooks []hook
	err := pages(func(page gitlab.ListOptions) (int, error) {
		var list []hook
		req, err := r.client.NewRequest(http.MethodGet, r.in("hooks"), &page, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
		if err != nil {
			return 0, err
		}
		resp, err := r.client.Do(req, &list)
		if err != nil {
			return 0, err
		}
		hooks = append(hooks, list...)
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.hookFault("list the webhooks", reply, err)
	}
	return hooks, nil
}

// hookFault has another role in its hint than other faults.
func (r *repository) hookFault(act string, reply *reply, err error) error {
	err = r.fail(act, reply, err)
	if f, ok := err.(*fault.Error); ok && f.Hint == hintRole { //nolint:errorlint // its own fault, not one that it wraps
		f.Hint = "give the token's user the role Maintainer in the project"
	}
	return err
}

// hookOptions are the library's with the signing token.
type hookOptions struct {
	URL           string `json:"url"`
	Token         string `json:"token"`
	SigningToken  string `json:"signing_token,omitempty"`
	Push          bool   `json:"push_events"`
	MergeRequests bool   `json:"merge_requests_events"`
	Notes         bool   `json:"note_events"`
	Pipelines     bool   `json:"pipeline_events"`
	VerifyTLS     bool   `json:"enable_ssl_verification"`
}

// UpsertHook implements [providers.Hooks]. The secret is sent with deliveries as
// it is; one that begins with whsec_ is for signatures too, where the server has
// them.
func (r *repository) UpsertHook(ctx context.Context, address string, secret []byte) (providers.Hook, error) {
	act := "register a webhook"
	if len(secret) == 0 {
		return providers.Hook{}, fault.New(fault.Usage, "give a secret", "%s on %s: there is no secret", act, r.name)
	}
	hooks, err := r.hooks(ctx)
	if err != nil {
		return providers.Hook{}, err
	}
	r.forge.redact.Add(string(secret))
	o := hookOptions{
		URL: address, Token: string(secret), VerifyTLS: strings.HasPrefix(address, "https://"),
		Push: true, MergeRequests: true, Notes: true, Pipelines: true,
	}
	if strings.HasPrefix(o.Token, signingPrefix) {
		o.SigningToken = o.Token
	}
	method, path := http.MethodPost, r.in("hooks")
	for _, h := range hooks {
		if h.URL == address {
			method, path = http.MethodPut, r.in("hooks/%d", h.ID)
			break
		}
	}
	reply := new(reply)
	var made hook
	if err := r.send(context.WithValue(ctx, replyKey{}, reply), method, path, o, &made); err != nil {
		if u, parseErr := url.Parse(address); parseErr == nil {
			act += " for " + u.Host
		}
		return providers.Hook{}, r.hookFault(act, reply, err)
	}
	return made.hook(), nil
}
