package bitbuckettest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// hooks answers what is asked of webhooks (repositories). Secrets are never
// given out.
func (c *call) hooks() answer {
	if a := c.may("webhook", c.Method != http.MethodGet, providers.CanAdmin); a.status != 0 {
		return a
	}
	var in struct {
		URL    string
		Secret *string
		Active bool
		Events []string
	}
	if c.Method != http.MethodGet {
		if err := c.read(&in); err != nil || in.URL == "" || len(in.Events) == 0 {
			return failure(http.StatusBadRequest, "The webhook lacks a URL or events")
		}
	}
	hook := &memory.Hook{}
	switch {
	case c.is("GET", "hooks"):
		var values []object
		for _, hook := range c.Hooks {
			values = append(values, hookObject(hook))
		}
		return c.page(values, 100)
	case c.is("POST", "hooks"):
		hook.ID = c.server.forge.NextID()
		c.Hooks = append(c.Hooks, hook)
	case c.is("PUT", "hooks", "*"):
		i := slices.IndexFunc(c.Hooks, func(h *memory.Hook) bool { return UUID(h.ID) == c.parts[1] })
		if i < 0 {
			return failure(http.StatusNotFound, "Webhook not found")
		}
		hook = c.Hooks[i]
	default:
		return failure(http.StatusNotFound, "Resource not found")
	}
	hook.URL, hook.Active, hook.Events = in.URL, in.Active, in.Events
	if in.Secret != nil {
		hook.Secret = *in.Secret
	}
	status := http.StatusOK
	if c.Method == http.MethodPost {
		status = http.StatusCreated
	}
	return answer{status: status, body: hookObject(hook)}
}

func hookObject(h *memory.Hook) object {
	return object{
		"type": "webhook_subscription", "uuid": UUID(h.ID), "url": h.URL, "active": h.Active, "events": append([]string{}, h.Events...),
		"description": "", "secret_set": h.Secret != "",
	}
}

var eventKeys = map[providers.EventKind]string{
	providers.PullOpened:  "pullrequest:created",
	providers.PullPushed:  "pullrequest:updated",
	providers.PullEdited:  "pullrequest:updated",
	providers.PullClosed:  "pullrequest:rejected",
	providers.PullMerged:  "pullrequest:fulfilled",
	providers.Commented:   "pullrequest:comment_created",
	providers.Pushed:      "repo:push",
	providers.ChecksMoved: "repo:commit_status_updated",
}

// Deliver sends the webhooks of everything that happens in the store from now
// on, by a client.
func (s *Server) Deliver(client *http.Client) {
	s.forge.Listen(func(d memory.Delivery) {
		event, known := eventKeys[d.Kind]
		if d.Kind == providers.Reviewed {
			known = true
			event = "pullrequest:approved"
			if d.Review != nil && d.Review.Verdict == memory.Rejected {
				event = "pullrequest:changes_request_created"
			}
		}
		repo, there := s.forge.Repo(d.Repo)
		if !known || !there {
			return
		}
		type letter struct{ hook memory.Hook }
		var letters []letter
		var body []byte
		_ = repo.Do(func(state *memory.State) error {
			for _, hook := range state.Hooks {
				if hook.Active && slices.Contains(hook.Events, event) {
					letters = append(letters, letter{*hook})
				}
			}
			c := &call{server: s, Request: &http.Request{}, origin: s.forge.Server(), repo: repo, State: state}
			body, _ = json.Marshal(c.payload(d))
			return nil
		})
		for _, l := range letters {
			s.send(client, l.hook, event, body)
		}
	})
}

// send sends a delivery
// (https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/).
func (s *Server) send(client *http.Client, hook memory.Hook, event string, body []byte) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Event-Key", event)
	req.Header.Set("X-Hook-UUID", UUID(hook.ID))
	req.Header.Set("X-Request-UUID", fmt.Sprintf("00000000-0000-4000-8000-%012x", s.forge.NextID()))
	req.Header.Set("X-Attempt-Number", "1")
	if hook.Secret != "" {
		mac := hmac.New(sha256.New, []byte(hook.Secret))
		mac.Write(body)
		req.Header.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}

// payload is the body of a delivery.
func (c *call) payload(d memory.Delivery) object {
	o := object{"repository": c.repositoryObject(), "actor": c.accountOf(d.Actor)}
	if d.Pull != nil {
		o["pullrequest"] = c.pullObject(d.Pull)
	}
	if d.Comment != nil && d.Pull != nil {
		o["comment"] = c.commentObject(d.Pull, d.Comment)
	}
	if d.Review != nil {
		o["approval"] = object{"date": stamp(d.Review.Created), "user": c.accountOf(d.Review.Author)}
	}
	if d.Check != nil {
		o["commit_status"] = object{"type": "build", "key": d.Check.Name, "state": checkStates[d.Check.State], "url": d.Check.URL}
	}
	if d.Push != nil {
		change := object{"old": nil, "new": nil, "created": d.Push.Before == "", "closed": d.Push.After == "", "forced": false, "truncated": false}
		for name, sha := range map[string]string{"old": d.Push.Before, "new": d.Push.After} {
			if sha != "" {
				change[name] = object{"type": "branch", "name": d.Push.Branch, "target": c.commitObject(c.Commit(sha))}
			}
		}
		o["push"] = object{"changes": []object{change}}
	}
	return o
}
