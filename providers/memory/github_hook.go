package memory

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// hubDeliveryTime is how long GitHub waits for an answer to a webhook
// (https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks#respond-within-10-seconds).
const hubDeliveryTime = 10 * time.Second

// SendGitHubHooks has what happens from now on sent to the webhooks of the
// repositories, as GitHub sends it
// (https://docs.github.com/en/webhooks/webhook-events-and-payloads), one after
// the other. failed is called for what did not arrive; nil is called never. As
// with GitHub nothing is sent again.
func (f *Forge) SendGitHubHooks(client *http.Client, failed func(error)) {
	h := &hub{f}
	f.Listen(func(d Delivery) {
		event, payload := h.payload(d)
		repo, ok := f.Repo(d.Repo)
		if event == "" || !ok {
			return
		}
		var hooks []Hook
		err := repo.Do(func(s *State) error {
			for _, hook := range s.Hooks {
				if hook.Active && (slices.Contains(hook.Events, event) || slices.Contains(hook.Events, "*")) {
					hooks = append(hooks, *hook)
				}
			}
			return nil
		})
		for _, hook := range hooks {
			if err == nil {
				err = h.send(client, hook, event, payload)
			}
			if err != nil && failed != nil {
				failed(err)
			}
			err = nil
		}
	})
}

func (h *hub) send(client *http.Client, hook Hook, event string, payload map[string]any) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("write a delivery: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), hubDeliveryTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send a delivery: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "GitHub-Hookshot/memory")
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("X-GitHub-Delivery", fmt.Sprintf("00000000-0000-0000-0000-%012x", h.f.NextID()))
	req.Header.Set("X-GitHub-Hook-ID", itoa(hook.ID))
	if hook.Secret != "" {
		mac := hmac.New(sha256.New, []byte(hook.Secret))
		mac.Write(body)
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send a delivery: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("send a delivery: %s answers %s", hook.URL, resp.Status)
	}
	return nil
}

// payload returns the name of the event that a delivery is and what is sent,
// "" if GitHub sends nothing.
func (h *hub) payload(d Delivery) (string, map[string]any) {
	owner, name, _ := strings.Cut(d.Repo, "/")
	out := map[string]any{
		"repository": map[string]any{
			"full_name": d.Repo, "name": name, "html_url": h.f.Server() + "/" + d.Repo, "owner": map[string]any{"login": owner},
		},
		"sender": h.sender(d.Actor),
	}
	if d.Pull != nil {
		out["pull_request"], out["number"] = h.pullPayload(d), d.Pull.Number
	}
	action := func(event, name string) (string, map[string]any) {
		out["action"] = name
		return event, out
	}
	switch d.Kind {
	case providers.PullOpened:
		return action("pull_request", map[string]string{"opened": "opened", "reopened": "reopened", "ready": "ready_for_review"}[d.Action])
	case providers.PullPushed:
		out["before"], out["after"] = d.Before, d.Pull.HeadSHA
		return action("pull_request", "synchronize")
	case providers.PullEdited:
		name := map[string]string{"labelled": "labeled", "drafted": "converted_to_draft"}[d.Action]
		if name == "" {
			name = "edited"
		}
		return action("pull_request", name)
	case providers.PullClosed, providers.PullMerged:
		return action("pull_request", "closed")
	case providers.Reviewed:
		name := "submitted"
		if d.Review.Verdict == Dismissed {
			name = "dismissed"
		}
		out["review"] = map[string]any{
			"id": d.Review.ID, "state": strings.ReplaceAll(string(d.Review.Verdict), "-", "_"), "user": h.sender(d.Review.Author), "commit_id": d.Review.SHA, "body": d.Review.Body,
		}
		return action("pull_request_review", name)
	case providers.Commented:
		out["issue"] = map[string]any{"number": d.Pull.Number, "title": d.Pull.Title, "pull_request": map[string]any{"html_url": h.pullURL(d)}}
		out["comment"] = map[string]any{
			"id": d.Comment.ID, "body": d.Comment.Body, "user": h.sender(d.Comment.Author),
			"html_url":   fmt.Sprintf("%s#issuecomment-%d", h.pullURL(d), d.Comment.ID),
			"created_at": hubTime(d.Comment.Created), "updated_at": hubTime(d.Comment.Updated),
		}
		delete(out, "pull_request")
		delete(out, "number")
		return action("issue_comment", "created")
	case providers.Pushed:
		zero := strings.Repeat("0", 40)
		before, after := d.Push.Before, d.Push.After
		out["created"], out["deleted"] = before == "", after == ""
		if before == "" {
			before = zero
		}
		if after == "" {
			after = zero
		}
		out["ref"], out["before"], out["after"] = "refs/heads/"+d.Push.Branch, before, after
		return "push", out
	case providers.ChecksMoved:
		out["sha"], out["context"], out["state"] = d.SHA, d.Check.Name, hubStates[d.Check.State]
		return "status", out
	}
	return "", nil
}

func (h *hub) sender(login string) any {
	a, ok := h.f.Account(login)
	if !ok {
		return map[string]any{"login": login, "id": 0, "type": "User"}
	}
	kind := "User"
	if a.Bot {
		kind = "Bot"
	}
	return map[string]any{"login": hubLogin(a), "id": a.ID, "type": kind}
}

func (h *hub) pullURL(d Delivery) string {
	return fmt.Sprintf("%s/%s/pull/%d", h.f.Server(), d.Repo, d.Pull.Number)
}

func (h *hub) pullPayload(d Delivery) map[string]any {
	p := d.Pull
	state := "open"
	if p.State != providers.Open {
		state = "closed"
	}
	return map[string]any{
		"number": p.Number, "title": p.Title, "body": p.Body, "state": state, "draft": p.Draft, "merged": p.State == providers.Merged, "html_url": h.pullURL(d),
		"user": h.sender(p.Author), "head": map[string]any{"ref": p.HeadBranch, "sha": p.HeadSHA}, "base": map[string]any{"ref": p.Base},
	}
}
