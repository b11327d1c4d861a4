package github

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// payload is what is read of a delivery
// (https://docs.github.com/en/webhooks/webhook-events-and-payloads).
type payload struct {
	Action     string `json:"action"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	Sender      *account     `json:"sender"`
	PullRequest *pullPayload `json:"pull_request"`
	Issue       *struct {
		Number      int              `json:"number"`
		PullRequest *json.RawMessage `json:"pull_request"`
	} `json:"issue"`
	Comment *struct {
		ID        int64     `json:"id"`
		URL       string    `json:"html_url"`
		Body      string    `json:"body"`
		User      *account  `json:"user"`
		CreatedAt time.Time `json:"created_at"`
		UpdatedAt time.Time `json:"updated_at"`
	} `json:"comment"`
	Ref        string    `json:"ref"`
	Before     string    `json:"before"`
	After      string    `json:"after"`
	SHA        string    `json:"sha"`
	CheckRun   *checking `json:"check_run"`
	CheckSuite *checking `json:"check_suite"`
}

type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

func (a *account) user() providers.User {
	if a == nil {
		return providers.User{}
	}
	return providers.User{ID: strconv.FormatInt(a.ID, 10), Login: a.Login, Bot: a.Type == "Bot" || isBot(a.Login)}
}

type pullPayload struct {
	Number int  `json:"number"`
	Merged bool `json:"merged"`
	Head   struct {
		SHA string `json:"sha"`
	} `json:"head"`
	Base struct {
		Ref string `json:"ref"`
	} `json:"base"`
}

func (p *pullPayload) event() providers.EventPull {
	return providers.EventPull{Number: p.Number, Base: p.Base.Ref, Head: p.Head.SHA}
}

type checking struct {
	HeadSHA      string        `json:"head_sha"`
	PullRequests []pullPayload `json:"pull_requests"`
}

// Receive reads a delivery. Only the signature with SHA-256 counts
// (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries),
// and only JSON is read: webhooks are registered so, and people have to choose
// it.
func (f *Forge) Receive(header http.Header, body []byte, secrets [][]byte) (*providers.Event, error) {
	signature, ok := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	if !ok || !providers.VerifyHMAC(signature, body, secrets) {
		return nil, fmt.Errorf("verify a delivery of GitHub: %w", providers.ErrSignature)
	}
	name := header.Get("X-GitHub-Event")
	if kind, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, fmt.Errorf("read a delivery of GitHub: the content type is %q; set it to application/json in the webhook's settings", header.Get("Content-Type"))
	}
	if name == "" {
		return nil, fmt.Errorf("read a delivery of GitHub: it does not say what event it is")
	}
	e := &providers.Event{Delivery: header.Get("X-GitHub-Delivery"), Name: name}
	if !isKnown(name) {
		return e, nil
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("read a delivery of GitHub: %w", err)
	}
	if p.Action != "" {
		e.Name += "." + p.Action
	}
	e.Repo, e.Actor = p.Repository.FullName, p.Sender.user()
	if err := p.fill(e, name); err != nil {
		return nil, fmt.Errorf("read a delivery of GitHub: %w", err)
	}
	return e, nil
}

func isKnown(name string) bool {
	switch name {
	case "ping", "pull_request", "pull_request_review", "issue_comment", "push", "status", "check_run", "check_suite":
		return true
	}
	return false
}

// fill adds what an event of a name tells.
func (p *payload) fill(e *providers.Event, name string) error {
	if name == "ping" {
		e.Kind = providers.Ping
		return nil
	}
	if e.Repo == "" {
		return fmt.Errorf("%s names no repository", e.Name)
	}
	switch name {
	case "pull_request", "pull_request_review":
		if p.PullRequest == nil || p.PullRequest.Number == 0 {
			return fmt.Errorf("%s names no pull request", e.Name)
		}
		e.Pull, e.Kind = p.PullRequest.event(), p.pullKind(name)
	case "issue_comment":
		return p.fillComment(e)
	case "push":
		e.Kind = providers.Pushed
		branch, _ := strings.CutPrefix(p.Ref, "refs/heads/")
		if branch == p.Ref {
			branch = "" // a tag
		}
		e.Push = &providers.Push{Branch: branch, Before: nonzero(p.Before), After: nonzero(p.After)}
	case "status":
		e.Kind, e.Pull.Head = providers.ChecksMoved, p.SHA
	case "check_run", "check_suite":
		c := p.CheckRun
		if name == "check_suite" {
			c = p.CheckSuite
		}
		if p.Action != "completed" || c == nil {
			return nil
		}
		e.Kind = providers.ChecksMoved
		if len(c.PullRequests) == 1 {
			e.Pull = c.PullRequests[0].event()
		}
		e.Pull.Head = c.HeadSHA
	}
	return nil
}

func (p *payload) pullKind(name string) providers.EventKind {
	if name == "pull_request_review" {
		if p.Action == "submitted" || p.Action == "dismissed" {
			return providers.Reviewed
		}
		return providers.Ignored
	}
	switch p.Action {
	case "opened", "reopened", "ready_for_review":
		return providers.PullOpened
	case "synchronize":
		return providers.PullPushed
	case "edited", "labeled", "unlabeled":
		return providers.PullEdited
	case "closed":
		if p.PullRequest.Merged {
			return providers.PullMerged
		}
		return providers.PullClosed
	}
	return providers.Ignored
}

func (p *payload) fillComment(e *providers.Event) error {
	if p.Issue == nil || p.Comment == nil {
		return fmt.Errorf("%s names no comment", e.Name)
	}
	if p.Action != "created" || p.Issue.PullRequest == nil {
		return nil
	}
	e.Kind, e.Pull.Number = providers.Commented, p.Issue.Number
	e.Comment = &providers.Comment{
		ID: strconv.FormatInt(p.Comment.ID, 10), URL: p.Comment.URL, Body: p.Comment.Body, Author: p.Comment.User.user(),
		Created: p.Comment.CreatedAt, Updated: p.Comment.UpdatedAt,
	}
	return nil
}

// nonzero returns an id, "" if it stands for no object.
func nonzero(id string) string {
	if strings.Trim(id, "0") == "" {
		return ""
	}
	return id
}
