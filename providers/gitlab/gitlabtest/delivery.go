package gitlabtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// Deliver has the webhooks of all repositories of f called for what happens from
// now on, by client, before what made it happen is over. Failures are not told,
// as GitLab does not.
func Deliver(f *memory.Forge, client *http.Client) {
	f.Listen(func(d memory.Delivery) {
		event, header, body := payload(f, d)
		if event == "" {
			return
		}
		repo, ok := f.Repo(d.Repo)
		if !ok {
			return
		}
		var hooks []memory.Hook
		_ = repo.Do(func(s *memory.State) error {
			for _, h := range s.Hooks {
				hooks = append(hooks, *h)
			}
			return nil
		})
		for _, h := range hooks {
			if h.Active && slices.Contains(h.Events, event) {
				send(client, h, header, f.NextID(), body)
			}
		}
	})
}

// send (https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers).
func send(client *http.Client, h memory.Hook, event string, id int64, body []byte) {
	req, err := http.NewRequest(http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Gitlab-Event", event)
	req.Header.Set("X-Gitlab-Token", h.Secret)
	req.Header.Set("Idempotency-Key", fmt.Sprintf("00000000-0000-0000-0000-%012d", id))
	reply, err := client.Do(req)
	if err != nil {
		return
	}
	_ = reply.Body.Close()
}

// payload returns what a delivery looks like, and the name of its kind, "" for
// what GitLab does not tell of
// (https://docs.gitlab.com/user/project/integrations/webhook_events/).
func payload(f *memory.Forge, d memory.Delivery) (event, header string, body []byte) {
	p := object{
		"user":    person(f, d.Actor),
		"project": object{"path_with_namespace": d.Repo, "web_url": f.Server() + "/" + d.Repo},
	}
	switch d.Kind {
	case providers.PullOpened, providers.PullPushed, providers.PullEdited, providers.PullClosed, providers.PullMerged, providers.Reviewed:
		event, header = "merge_requests", "Merge Request Hook"
		p["object_kind"], p["object_attributes"] = "merge_request", requestAttributes(d)
		if d.Action == "ready" {
			p["changes"] = object{"draft": object{"previous": true, "current": false}}
		}
	case providers.Commented:
		if d.Comment == nil || d.Pull == nil {
			return "", "", nil
		}
		event, header = "note", "Note Hook"
		p["object_kind"] = "note"
		p["object_attributes"] = object{
			"id": d.Comment.ID, "note": d.Comment.Body, "noteable_type": "MergeRequest", "action": "create", //nolint:misspell // GitLab spells it so
			"system": d.Comment.System, "created_at": d.Comment.Created.Format("2006-01-02 15:04:05 UTC"),
			"url": fmt.Sprintf("%s/%s/-/merge_requests/%d#note_%d", f.Server(), d.Repo, d.Pull.Number, d.Comment.ID),
		}
		p["merge_request"] = requestAttributes(d)
	case providers.Pushed:
		event, header = "push", "Push Hook"
		u := person(f, d.Actor)
		p = object{
			"object_kind": "push", "event_name": "push", "ref": "refs/heads/" + d.Push.Branch,
			"before": zeros(d.Push.Before), "after": zeros(d.Push.After),
			"user_id": u["id"], "user_name": u["name"], "user_username": u["username"], "project": p["project"],
		}
	case providers.ChecksMoved:
		event, header = "pipeline", "Pipeline Hook"
		p["object_kind"] = "pipeline"
		p["object_attributes"] = object{"id": 1, "sha": d.SHA, "status": d.Action, "source": "external"}
		p["merge_request"] = nil
	default:
		return "", "", nil
	}
	body, err := json.Marshal(p)
	if err != nil {
		return "", "", nil
	}
	return event, header, body
}

func person(f *memory.Forge, login string) object {
	a, _ := f.Account(login)
	return object{"id": a.ID, "name": a.Name, "username": a.Login}
}

// zeros stand for no commit.
func zeros(sha string) string {
	if sha == "" {
		return strings.Repeat("0", 40)
	}
	return sha
}

func requestAttributes(d memory.Delivery) object {
	o := object{
		"id": 5000 + d.Pull.Number, "iid": d.Pull.Number, "title": titleOf(d.Pull), "target_branch": d.Pull.Base,
		"source_branch": d.Pull.HeadBranch, "state": requestStates[d.Pull.State], "last_commit": object{"id": d.Pull.HeadSHA},
		"url": strconv.Itoa(d.Pull.Number),
	}
	switch d.Kind {
	case providers.PullOpened:
		o["action"] = map[string]string{"opened": "open", "reopened": "reopen", "ready": "update"}[d.Action]
	case providers.PullPushed:
		o["action"], o["oldrev"] = "update", d.Before
	case providers.PullEdited:
		o["action"] = "update"
	case providers.PullClosed:
		o["action"] = "close"
	case providers.PullMerged:
		o["action"] = "merge"
	case providers.Reviewed:
		o["action"] = "approved"
		if d.Review != nil && d.Review.Verdict != memory.Approved {
			o["action"] = "unapproved"
		}
	}
	return o
}
