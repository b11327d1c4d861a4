package bitbucket

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

// kinds are the events of interest. An update of a pull request may be a push
// or an edit, which the delivery does not tell apart: it is taken for a push,
// which asks for more to be looked at.
var kinds = map[string]providers.EventKind{
	"repo:push":                           providers.Pushed,
	"repo:commit_status_created":          providers.ChecksMoved,
	"repo:commit_status_updated":          providers.ChecksMoved,
	"pullrequest:created":                 providers.PullOpened,
	"pullrequest:updated":                 providers.PullPushed,
	"pullrequest:push":                    providers.PullPushed,
	"pullrequest:fulfilled":               providers.PullMerged,
	"pullrequest:rejected":                providers.PullClosed,
	"pullrequest:approved":                providers.Reviewed,
	"pullrequest:unapproved":              providers.Reviewed,
	"pullrequest:changes_request_created": providers.Reviewed,
	"pullrequest:changes_request_removed": providers.Reviewed,
	"pullrequest:comment_created":         providers.Commented,
}

// Receive reads a delivery, as
// https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/ describes
// it. Comments on a line of the diff are not of the conversation and ignored. A
// push of several branches tells of the first; of the others an event of their
// pull requests tells, or a look. Heads of pull requests have 12 digits.
func (f *Forge) Receive(h http.Header, body []byte, secrets [][]byte) (*providers.Event, error) {
	signature, ok := strings.CutPrefix(h.Get("X-Hub-Signature"), "sha256=")
	if !ok || !providers.VerifyHMAC(signature, body, secrets) {
		return nil, fmt.Errorf("receive a delivery: %w", providers.ErrSignature)
	}
	event := &providers.Event{Delivery: h.Get("X-Request-UUID"), Name: h.Get("X-Event-Key")}
	kind, ok := kinds[event.Name]
	if !ok {
		return event, nil
	}
	var got deliveryJSON
	if err := json.Unmarshal(body, &got); err != nil {
		return nil, fmt.Errorf("read the delivery of %q: %w", event.Name, err)
	}
	if got.Repository.FullName == "" {
		return nil, fmt.Errorf("read the delivery of %q: it names no repository", event.Name)
	}
	event.Kind, event.Repo, event.Actor = kind, got.Repository.FullName, got.Actor.user()
	if strings.HasPrefix(event.Name, "pullrequest:") {
		if err := got.pull(event); err != nil {
			return nil, err
		}
	}
	if kind == providers.Pushed {
		got.push(event)
	}
	return event, nil
}

type deliveryJSON struct {
	Actor      *accountJSON   `json:"actor"`
	Repository repositoryJSON `json:"repository"`
	Pull       *pullJSON      `json:"pullrequest"`
	Comment    *commentJSON   `json:"comment"`
	Push       struct {
		Changes []struct {
			New *targetJSON `json:"new"`
			Old *targetJSON `json:"old"`
		} `json:"changes"`
	} `json:"push"`
}

type targetJSON struct {
	refJSON
	Type string `json:"type"`
}

func (d *deliveryJSON) pull(event *providers.Event) error {
	if d.Pull == nil || d.Pull.ID <= 0 {
		return fmt.Errorf("read the delivery of %q: it names no pull request", event.Name)
	}
	event.Pull = providers.EventPull{Number: d.Pull.ID, Base: d.Pull.Destination.Branch.Name}
	if c := d.Pull.Source.Commit; c != nil {
		event.Pull.Head = c.Hash // its first 12 digits
	}
	if event.Kind != providers.Commented {
		return nil
	}
	if d.Comment == nil {
		return fmt.Errorf("read the delivery of %q: it has no comment", event.Name)
	}
	if !d.Comment.isTalk() {
		event.Kind = providers.Ignored
		return nil
	}
	comment := d.Comment.comment()
	event.Comment = &comment
	return nil
}

func (d *deliveryJSON) push(event *providers.Event) {
	var first *providers.Push
	for _, change := range d.Push.Changes {
		if change.Old == nil && change.New == nil {
			continue
		}
		push, branch := providers.Push{}, ""
		for _, end := range []struct {
			ref *targetJSON
			sha *string
		}{{change.Old, &push.Before}, {change.New, &push.After}} {
			if end.ref == nil {
				continue
			}
			*end.sha = end.ref.Target.Hash
			if end.ref.Type == "branch" || end.ref.Type == "named_branch" {
				branch = end.ref.Name
			}
		}
		push.Branch = branch
		if first == nil || first.Branch == "" && branch != "" {
			first = &push
		}
	}
	if first == nil {
		event.Kind = providers.Ignored // a push of more than Bitbucket lists
		return
	}
	event.Push = first
}
