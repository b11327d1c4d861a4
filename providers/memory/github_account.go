package memory

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hubLogin returns the login of an account as GitHub has it: that of an App
// ends in [bot].
func hubLogin(a Account) string {
	if a.Bot && !strings.HasSuffix(a.Login, "[bot]") {
		return a.Login + "[bot]"
	}
	return a.Login
}

// hubAccount finds an account by the login that GitHub has for it.
func (h *hub) account(login string) (Account, bool) {
	if a, ok := h.f.Account(login); ok {
		return a, true
	}
	return h.f.Account(strings.TrimSuffix(login, "[bot]"))
}

// user returns an account as others see it.
func (c *hubCall) user(login string) any {
	a, ok := c.h.account(login)
	if !ok {
		return nil
	}
	return c.userOf(a)
}

func (c *hubCall) api(rest string) string { return "http://" + c.r.Host + "/api/v3/" + rest }

func (c *hubCall) userOf(a Account) map[string]any {
	login := hubLogin(a)
	u := map[string]any{
		"login": login, "id": a.ID, "node_id": hubID("U", a.ID), "gravatar_id": "", "site_admin": false, "type": "User",
		"url": c.api("users/" + login), "html_url": c.h.f.Server() + "/" + login, "avatar_url": c.h.f.Server() + "/avatars/" + login,
	}
	if a.Bot {
		u["type"] = "Bot"
	}
	for _, name := range []string{"followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events", "received_events"} {
		u[name+"_url"] = c.api("users/" + login + "/" + name)
	}
	return u
}

// getSelf refuses credentials that are no person's
// (https://github.com/fullsend-ai/fullsend/pull/1953).
func (h *hub) getSelf(c *hubCall) (int, any) {
	switch {
	case c.account.Login == "":
		return http.StatusUnauthorized, hubMessage("Requires authentication")
	case c.token.Kind != "":
		return http.StatusForbidden, hubMessage("Resource not accessible by integration")
	}
	return http.StatusOK, c.profile(c.account)
}

func (c *hubCall) profile(a Account) map[string]any {
	u := c.userOf(a)
	for _, name := range []string{"bio", "company", "email", "hireable", "location"} {
		u[name] = nil
	}
	for _, name := range []string{"followers", "following", "public_gists", "public_repos"} {
		u[name] = 0
	}
	u["name"], u["blog"] = a.Name, ""
	u["created_at"], u["updated_at"] = hubTime(c.h.f.Now()), hubTime(c.h.f.Now())
	return u
}

func (h *hub) getUser(c *hubCall) (int, any) {
	a, ok := h.account(c.r.PathValue("login"))
	if text := c.r.PathValue("id"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return hubMissing()
		}
		a, ok = h.f.AccountByID(id)
	}
	if !ok {
		return hubMissing()
	}
	return http.StatusOK, c.profile(a)
}

func (h *hub) getRateLimit(*hubCall) (int, any) {
	rate := map[string]any{"limit": hubLimit, "remaining": hubRemaining, "used": hubLimit - hubRemaining, "reset": h.f.Now().Add(time.Hour).Unix()}
	return http.StatusOK, map[string]any{"resources": map[string]any{"core": rate, "graphql": rate, "search": rate}, "rate": rate}
}

// getMembership knows teams as those of any repository of their owner.
func (h *hub) getMembership(c *hubCall) (int, any) {
	org, slug, login := c.r.PathValue("org"), c.r.PathValue("slug"), c.r.PathValue("login")
	a, ok := h.account(login)
	if !ok || c.account.Login == "" || c.lacks("repo", "read:org", "write:org", "admin:org") {
		return hubMissing()
	}
	isMember := false
	for _, repo := range h.f.Repos() {
		if owner, _, _ := strings.Cut(repo.Path(), "/"); !strings.EqualFold(owner, org) {
			continue
		}
		err := repo.Do(func(s *State) error {
			isMember = isMember || slices.ContainsFunc(s.Teams[slug], func(m string) bool { return strings.EqualFold(m, a.Login) })
			return nil
		})
		if err != nil {
			return http.StatusInternalServerError, hubMessage(err.Error())
		}
	}
	if !isMember {
		return hubMissing()
	}
	return http.StatusOK, map[string]any{"role": "member", "state": "active", "url": c.api("orgs/" + org + "/teams/" + slug + "/memberships/" + login)}
}
