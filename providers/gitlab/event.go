package gitlab

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

const (
	// signingPrefix marks the secrets of signatures, which GitLab makes in the form
	// of https://www.standardwebhooks.com.
	signingPrefix = "whsec_"

	tolerance = 5 * time.Minute // that specification's, against old deliveries sent again
)

// Receive implements [providers.Receiver]. A signature must verify if there is
// one; else the token must be one of the secrets
// (https://docs.gitlab.com/user/project/integrations/webhooks/).
func (f *Forge) Receive(header http.Header, body []byte, secrets [][]byte) (*providers.Event, error) {
	if err := f.verify(header, body, secrets); err != nil {
		return nil, err
	}
	e := &providers.Event{Delivery: deliveryOf(header, body)}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("read a delivery of GitLab: %w", err)
	}
	e.Name = p.Kind
	if p.Attributes.Action != "" {
		e.Name += "." + p.Attributes.Action
	}
	e.Repo = p.Project.Path
	switch header.Get("X-Gitlab-Event") {
	case "Merge Request Hook":
		p.mergeRequest(e)
	case "Note Hook":
		p.note(e)
	case "Push Hook":
		p.push(e)
	case "Tag Push Hook":
		p.push(e)
		e.Push.Branch = ""
	case "Pipeline Hook":
		e.Kind, e.Actor = providers.ChecksMoved, p.User.user()
		e.Pull = providers.EventPull{Number: p.MergeRequest.IID, Base: p.MergeRequest.TargetBranch, Head: commitID(p.Attributes.SHA)}
	}
	return e, nil
}

// verify checks that GitLab sent the body, before a byte of it is read.
func (f *Forge) verify(header http.Header, body []byte, secrets [][]byte) error {
	usable := false
	for _, secret := range secrets {
		usable = usable || len(secret) > 0
	}
	if !usable {
		return fmt.Errorf("verify a delivery of GitLab without a secret: %w", providers.ErrSignature)
	}
	if signature := header.Get("Webhook-Signature"); signature != "" {
		return f.verifySignature(signature, header, body, secrets)
	}
	got := sha256.Sum256([]byte(header.Get("X-Gitlab-Token")))
	ok := 0
	for _, secret := range secrets {
		// Hashes are compared, since lengths are not compared in constant time.
		want := sha256.Sum256(secret)
		same := subtle.ConstantTimeCompare(got[:], want[:])
		if len(secret) > 0 {
			ok |= same
		}
	}
	if ok != 1 {
		return fmt.Errorf("verify the token of a delivery of GitLab: %w", providers.ErrSignature)
	}
	return nil
}

// verifySignature checks the signature of the id, the time and the body, of which
// there may be several while a secret is changed.
func (f *Forge) verifySignature(signature string, header http.Header, body []byte, secrets [][]byte) error {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("read the time of a delivery of GitLab: %w", providers.ErrSignature)
	}
	if age := f.now().Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("a delivery of GitLab is from %s: %w", time.Unix(seconds, 0).UTC().Format(time.RFC3339), providers.ErrSignature)
	}
	ok := false
	for _, secret := range secrets {
		key := signingKey(secret)
		if len(key) == 0 {
			continue
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for part := range strings.FieldsSeq(signature) {
			version, text, _ := strings.Cut(part, ",")
			got, err := base64.StdEncoding.DecodeString(text)
			if version == "v1" && err == nil && hmac.Equal(got, want) {
				ok = true
			}
		}
	}
	if !ok {
		return fmt.Errorf("verify the signature of a delivery of GitLab: %w", providers.ErrSignature)
	}
	return nil
}

// signingKey returns the key that a secret stands for. One of another form than
// whsec_… is the key itself.
func signingKey(secret []byte) []byte {
	encoded, ok := strings.CutPrefix(string(secret), signingPrefix)
	if !ok {
		return secret
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return key
}

// deliveryOf returns what stays the same when a delivery is sent again.
// X-Gitlab-Event-UUID is not asked: a chain of webhooks shares it. A server that
// sends nothing of the kind is too old for any; what it sends again is the same.
func deliveryOf(header http.Header, body []byte) string {
	for _, name := range []string{"Idempotency-Key", "Webhook-Id", "X-Gitlab-Webhook-Uuid"} {
		if id := header.Get(name); id != "" {
			return id
		}
	}
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// payload is what is read of all deliveries
// (https://docs.gitlab.com/user/project/integrations/webhook_events/).
type payload struct {
	Kind    string `json:"object_kind"`
	User    person `json:"user"`
	Project struct {
		Path string `json:"path_with_namespace"`
	} `json:"project"`
	Attributes struct {
		Action       string `json:"action"`
		IID          int    `json:"iid"`
		TargetBranch string `json:"target_branch"`
		OldRev       string `json:"oldrev"`
		SHA          string `json:"sha"`
		LastCommit   struct {
			ID string `json:"id"`
		} `json:"last_commit"`

		ID           int64  `json:"id"`
		Note         string `json:"note"`
		NoteableType string `json:"noteable_type"` //nolint:misspell // GitLab spells it so
		Type         string `json:"type"`
		System       bool   `json:"system"`
		URL          string `json:"url"`
		CreatedAt    string `json:"created_at"`
		UpdatedAt    string `json:"updated_at"`
	} `json:"object_attributes"`
	Changes struct {
		Draft struct {
			Previous bool `json:"previous"`
			Current  bool `json:"current"`
		} `json:"draft"`
	} `json:"changes"`
	MergeRequest struct {
		IID          int    `json:"iid"`
		TargetBranch string `json:"target_branch"`
		LastCommit   struct {
			ID string `json:"id"`
		} `json:"last_commit"`
	} `json:"merge_request"`

	Ref          string `json:"ref"`
	Before       string `json:"before"`
	After        string `json:"after"`
	UserID       int64  `json:"user_id"`
	UserName     string `json:"user_name"`
	UserUsername string `json:"user_username"`
}

type person struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Username string `json:"username"`
}

func (p person) user() providers.User {
	u := providers.User{Login: p.Username, Name: p.Name}
	if p.ID != 0 {
		u.ID = strconv.FormatInt(p.ID, 10)
	}
	return u
}

func (p *payload) mergeRequest(e *providers.Event) {
	a := p.Attributes
	e.Actor = p.User.user()
	e.Pull = providers.EventPull{Number: a.IID, Base: a.TargetBranch, Head: commitID(a.LastCommit.ID)}
	switch a.Action {
	case "open", "reopen":
		e.Kind = providers.PullOpened
	case "update":
		switch {
		case a.OldRev != "":
			e.Kind = providers.PullPushed
		case p.Changes.Draft.Previous && !p.Changes.Draft.Current:
			e.Kind = providers.PullOpened
		default:
			e.Kind = providers.PullEdited
		}
	case "close":
		e.Kind = providers.PullClosed
	case "merge":
		e.Kind = providers.PullMerged
	case "approved", "unapproved", "approval", "unapproval":
		e.Kind = providers.Reviewed
	}
}

// note is for comments. Those that were changed are of no interest, nor those on
// lines of a diff; older servers do not say what was done, and only tell of new
// ones.
func (p *payload) note(e *providers.Event) {
	a := p.Attributes
	e.Actor = p.User.user()
	if a.NoteableType != "MergeRequest" || a.System || a.Type == "DiffNote" || (a.Action != "" && a.Action != "create") {
		return
	}
	e.Kind = providers.Commented
	e.Pull = providers.EventPull{
		Number: p.MergeRequest.IID, Base: p.MergeRequest.TargetBranch, Head: commitID(p.MergeRequest.LastCommit.ID),
	}
	e.Comment = &providers.Comment{
		ID: strconv.FormatInt(a.ID, 10), URL: a.URL, Body: a.Note, Author: e.Actor,
		Created: parseTime(a.CreatedAt), Updated: parseTime(a.UpdatedAt),
	}
}

func (p *payload) push(e *providers.Event) {
	e.Kind = providers.Pushed
	e.Actor = person{ID: p.UserID, Name: p.UserName, Username: p.UserUsername}.user()
	branch, ok := strings.CutPrefix(p.Ref, "refs/heads/")
	if !ok {
		branch = ""
	}
	e.Push = &providers.Push{Branch: branch, Before: commitID(p.Before), After: commitID(p.After)}
}

// commitID returns a SHA, and "" for what is none, such as the zeros that stand for
// no commit.
func commitID(text string) string {
	if !fullSHA.MatchString(text) || strings.Trim(text, "0") == "" {
		return ""
	}
	return text
}

// parseTime reads the two forms that webhooks have
// (https://docs.gitlab.com/user/project/integrations/webhook_events/).
func parseTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05 MST"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
