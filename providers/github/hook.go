package github

import (
	"context"
	"strconv"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// hookEvents are those that [Forge.Receive] understands.
var hookEvents = []string{"check_run", "check_suite", "issue_comment", "pull_request", "pull_request_review", "push", "status"}

// Hooks returns the webhooks of the repository.
func (r *repository) Hooks(ctx context.Context) ([]providers.Hook, error) {
	list, err := r.hooks(ctx)
	if err != nil {
		return nil, r.wrap("list the webhooks", err)
	}
	var out []providers.Hook
	for _, h := range list {
		out = append(out, hookOf(h))
	}
	return out, nil
}

func (r *repository) hooks(ctx context.Context) ([]*gh.Hook, error) {
	return pages(0, func(o gh.ListOptions) ([]*gh.Hook, *gh.Response, error) {
		return r.c.Repositories.ListHooks(ctx, r.owner, r.name, &o)
	})
}

func hookOf(h *gh.Hook) providers.Hook {
	out := providers.Hook{ID: strconv.FormatInt(h.GetID(), 10), URL: h.GetConfig().GetURL(), Active: h.GetActive(), Events: h.Events}
	if code, ok := h.LastResponse["code"].(float64); ok && (code < 200 || code > 299) {
		out.Problem = "the last delivery was answered with status " + strconv.Itoa(int(code))
		if message, ok := h.LastResponse["message"].(string); ok && message != "" {
			out.Problem += ": " + message
		}
	}
	return out
}

// UpsertHook registers or renews a webhook.
func (r *repository) UpsertHook(ctx context.Context, url string, secret []byte) (providers.Hook, error) {
	h, err := r.upsertHook(ctx, url, secret)
	if err != nil {
		return providers.Hook{}, r.wrap("register the webhook", err)
	}
	return hookOf(h), nil
}

func (r *repository) upsertHook(ctx context.Context, url string, secret []byte) (*gh.Hook, error) {
	if len(secret) == 0 {
		return nil, fault.New(fault.Usage, "give a secret", "there is no secret, so that its deliveries would not be signed")
	}
	r.forge.options.Transport.Redact.Add(string(secret))
	all, err := r.hooks(ctx)
	if err != nil {
		return nil, err
	}
	hook := &gh.Hook{
		Active: gh.Bool(true), Events: hookEvents,
		Config: &gh.HookConfig{URL: gh.String(url), ContentType: gh.String("json"), InsecureSSL: gh.String("0"), Secret: gh.String(string(secret))},
	}
	for _, h := range all {
		if h.GetConfig().GetURL() == url {
			edited, _, err := r.c.Repositories.EditHook(repeatable(ctx), r.owner, r.name, h.GetID(), hook)
			return edited, err
		}
	}
	made, _, err := r.c.Repositories.CreateHook(ctx, r.owner, r.name, hook)
	return made, err
}
