package gitea

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// hookEvents are those that [providers.Event] knows; pull_request stands for all
// of pull requests, with their comments and reviews (updateHookEvents in
// routers/api/v1/utils/hook.go of Gitea).
var hookEvents = []string{"push", "pull_request", "status"}

// Hooks implements providers.Hooks.
func (r *repository) Hooks(ctx context.Context) ([]providers.Hook, error) {
	rows, err := r.hooks(ctx)
	if err != nil {
		return nil, r.fail(err, "list the webhooks of %s", r.path)
	}
	hooks := make([]providers.Hook, len(rows))
	for i, row := range rows {
		hooks[i] = hookOf(row)
	}
	return hooks, nil
}

func hookOf(h *sdk.Hook) providers.Hook {
	return providers.Hook{ID: strconv.FormatInt(h.ID, 10), URL: h.Config["url"], Active: h.Active, Events: h.Events}
}

func (r *repository) hooks(ctx context.Context) ([]*sdk.Hook, error) {
	return pages(0, func(page int) ([]*sdk.Hook, http.Header, error) {
		var rows []*sdk.Hook
		header, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("hooks"), query: pageQuery(page), out: &rows})
		return rows, header, err
	})
}

// UpsertHook implements providers.Hooks.
func (r *repository) UpsertHook(ctx context.Context, url string, secret []byte) (providers.Hook, error) {
	h, err := r.upsertHook(ctx, url, secret)
	if statusOf(err) == http.StatusForbidden {
		if scope, _ := missingScope(saysOf(err)); scope == "" {
			err = refuse(providers.ErrForbidden, err, "make the account of the token an administrator of the repository",
				fmt.Sprintf("the token may register no webhook on %s", r.path))
		}
	}
	return h, r.fail(err, "register a webhook on %s", r.path)
}

func (r *repository) upsertHook(ctx context.Context, url string, secret []byte) (providers.Hook, error) {
	if len(secret) == 0 {
		return providers.Hook{}, fault.New(fault.Config, "give a long random secret", "a webhook needs a secret")
	}
	r.forge.redact.Add(string(secret))
	rows, err := r.hooks(ctx)
	if err != nil {
		return providers.Hook{}, err
	}
	// The server keeps the secret of a webhook that is edited, whatever is sent
	// (editHook in routers/api/v1/utils/hook.go of Gitea), so a new one takes the
	// place of the old.
	h, _, err := r.forge.sdk(ctx).CreateRepoHook(r.owner, r.name, sdk.CreateHookOption{
		Type:   sdk.HookTypeGitea,
		Config: map[string]string{"url": url, "content_type": "json", "secret": string(secret)},
		Events: hookEvents, BranchFilter: "*", Active: true,
	})
	if err != nil {
		return providers.Hook{}, err
	}
	for _, row := range rows {
		if row.Config["url"] != url {
			continue
		}
		if _, err := r.forge.sdk(ctx).DeleteRepoHook(r.owner, r.name, row.ID); err != nil && statusOf(err) != http.StatusNotFound {
			return providers.Hook{}, err
		}
	}
	return hookOf(h), nil
}
