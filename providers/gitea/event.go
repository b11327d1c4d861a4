package gitea

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// zeroSHA stands for no commit in pushes, in SHA-1 and SHA-256 repositories.
const zeroSHA = "0000000000000000000000000000000000000000000000000000000000000000"

// payload is what the deliveries have in common that are of interest
// (modules/structs/hook.go of Gitea).
type payload struct {
	Action     string
	Number     int64 // of the pull request
	Repository *struct {
		FullName string `json:"full_name"`
	}
	Sender      *sdk.User
	PullRequest *sdk.PullRequest `json:"pull_request"`
	Changes     *struct {
		Title *struct{ From string }
	}

	Issue   *struct{ Number int64 }
	IsPull  bool `json:"is_pull"`
	Comment *sdk.Comment

	Ref, Before, After string
}

// Receive implements providers.Receiver. Gitea signs the body with HMAC-SHA256,
// in hexadecimal; Forgejo says so under its own name
// (https://docs.gitea.com/usage/webhooks, https://forgejo.org/docs/latest/user/webhooks/).
func (f *Forge) Receive(header http.Header, body []byte, secrets [][]byte) (*providers.Event, error) {
	signature := cmp.Or(header.Get("X-Gitea-Signature"), header.Get("X-Forgejo-Signature"))
	if signature == "" {
		signature = strings.TrimPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	}
	if !providers.VerifyHMAC(signature, body, secrets) {
		return nil, fmt.Errorf("receive a delivery of %s: %w", f.host, providers.ErrSignature)
	}
	if media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); media != "application/json" {
		return nil, fmt.Errorf("receive a delivery of %s: it is %q; have the webhook send application/json", f.host, media)
	}
	name := eventName(header)
	event := &providers.Event{
		Delivery: cmp.Or(header.Get("X-Gitea-Delivery"), header.Get("X-Forgejo-Delivery"), header.Get("X-GitHub-Delivery")),
		Name:     name,
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("receive a delivery of %s: %w", f.host, err)
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return nil, fmt.Errorf("receive a delivery of %s: it is empty", f.host)
	}
	if p.Action != "" {
		event.Name += "." + p.Action
	}
	if p.Repository != nil {
		event.Repo = p.Repository.FullName
	}
	event.Actor = userOf(p.Sender)
	if err := f.read(event, name, &p); err != nil {
		return nil, fmt.Errorf("receive a delivery of %s: %s: %w", f.host, event.Name, err)
	}
	return event, nil
}

func eventName(header http.Header) string {
	return cmp.Or(header.Get("X-Gitea-Event"), header.Get("X-Forgejo-Event"), header.Get("X-GitHub-Event"))
}

// read fills in what an event tells, by its kind.
func (f *Forge) read(event *providers.Event, name string, p *payload) error {
	switch name {
	case "pull_request":
		event.Kind = f.pullKind(p)
	case "pull_request_approved", "pull_request_rejected":
		event.Kind = providers.Reviewed
	case "issue_comment":
		if !p.IsPull || p.Action != "created" {
			return nil
		}
		event.Kind = providers.Commented
		if p.Comment == nil || p.Issue == nil {
			return errors.New("there is no comment in it")
		}
		comment := commentOf(p.Comment)
		event.Comment = &comment
		event.Pull.Number = int(p.Issue.Number)
	case "push":
		event.Kind = providers.Pushed
		event.Push = &providers.Push{Before: notZero(p.Before), After: notZero(p.After)}
		if branch, ok := strings.CutPrefix(p.Ref, "refs/heads/"); ok {
			event.Push.Branch = branch
		} else if !strings.HasPrefix(p.Ref, "refs/tags/") {
			event.Kind, event.Push = providers.Ignored, nil
		}
	case "status":
		event.Kind = providers.ChecksMoved
	case "ping":
		event.Kind = providers.Ping
	}
	if event.Kind == providers.Ignored || event.Kind == providers.Ping {
		return nil
	}
	if event.Repo == "" {
		return errors.New("there is no repository in it")
	}
	if pull := p.PullRequest; pull != nil {
		event.Pull.Number = int(cmp.Or(p.Number, pull.Index))
		if pull.Base != nil {
			event.Pull.Base = pull.Base.Ref
		}
		if pull.Head != nil {
			event.Pull.Head = pull.Head.Sha
		}
	} else if strings.HasPrefix(name, "pull_request") {
		return errors.New("there is no pull request in it")
	}
	return nil
}

func (f *Forge) pullKind(p *payload) providers.EventKind {
	switch p.Action {
	case "opened", "reopened":
		return providers.PullOpened
	case "synchronized", "synchronize":
		return providers.PullPushed
	case "edited", "label_updated", "label_cleared":
		if p.Changes != nil && p.Changes.Title != nil && p.PullRequest != nil {
			from, to := p.Changes.Title.From, p.PullRequest.Title
			if f.undrafted(from) != from && f.undrafted(to) == to {
				return providers.PullOpened // it is ready for review
			}
		}
		return providers.PullEdited
	case "closed":
		if p.PullRequest != nil && p.PullRequest.HasMerged {
			return providers.PullMerged
		}
		return providers.PullClosed
	}
	return providers.Ignored
}

// notZero returns a SHA, "" if it stands for none.
func notZero(sha string) string {
	if strings.HasPrefix(zeroSHA, sha) {
		return ""
	}
	return sha
}
