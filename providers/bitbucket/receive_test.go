package bitbucket_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/bitbucket"
)

// The deliveries are shaped like those that
// https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/ shows, with
// the nulls that Bitbucket has in them.
const (
	actorJSON = `"actor": {"type": "user", "display_name": "Jane Doe", "uuid": "{87bb15eb-47c1-49b3-9f16-ca824a2979a4}", "nickname": "jane", "account_id": "557058:1"}`
	repoJSON  = `"repository": {"type": "repository", "full_name": "acme/config", "uuid": "{bc771cbf-829e-4c4b-b71f-a0eb3ac2b860}"}`
	pullJSON  = `"pullrequest": {"type": "pullrequest", "id": 7, "title": "Bump", "state": "OPEN", "merge_commit": null, "closed_by": null, "reviewers": [],
		"source": {"commit": {"hash": "507a576e59b3"}, "branch": {"name": "towpath/x"}, "repository": null},
		"destination": {"commit": {"hash": "7d1a175411ef"}, "branch": {"name": "main"}, "repository": {"full_name": "acme/config"}}}`
	commentJSON = `"comment": {"type": "pullrequest_comment", "id": 311512047, "deleted": false, "content": {"raw": "/promote prod", "markup": "markdown"},
		"created_on": "2022-06-23T22:10:09.939925+00:00", "updated_on": "2022-06-23T22:10:09.939978+00:00",
		"user": {"type": "user", "uuid": "{145a94da-035e-42d6-bf85-296cea8005ba}", "nickname": "rutvij", "display_name": "Rutvij"},
		"links": {"html": {"href": "https://bitbucket.org/acme/config/pull-requests/7/_/diff#comment-311512047"}}}`
)

const (
	shaOld = "40e7580cf11311d84a6e5e97e2cbba6df1675750"
	shaNew = "141977fedf5cf35aa290ac87d4b5177ac4cd9de1"
)

func ref(kind, name, sha string) string {
	return `{"type": "` + kind + `", "name": "` + name + `", "target": {"type": "commit", "hash": "` + sha + `"}}`
}

func push(changes ...string) string {
	return `{"push": {"changes": [` + strings.Join(changes, ", ") + `]}, ` + actorJSON + `, ` + repoJSON + `}`
}

func delivery(parts ...string) string { return "{" + strings.Join(parts, ", ") + "}" }

var secret = []byte("a secret of some length")

func signed(event, body string, key []byte) http.Header {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(body))
	return http.Header{
		"X-Event-Key": {event}, "X-Request-Uuid": {"b8cf3b8e-0000-4000-8000-000000000001"}, "X-Attempt-Number": {"2"},
		"X-Hub-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}
}

func TestReceive(t *testing.T) {
	t.Parallel()
	jane := providers.User{ID: "{87bb15eb-47c1-49b3-9f16-ca824a2979a4}", Login: "jane", Name: "Jane Doe"}
	about := providers.EventPull{Number: 7, Base: "main", Head: "507a576e59b3"}
	event := func(name string, kind providers.EventKind) *providers.Event {
		return &providers.Event{Delivery: "b8cf3b8e-0000-4000-8000-000000000001", Name: name, Kind: kind, Repo: "acme/config", Actor: jane}
	}
	ofPull := func(name string, kind providers.EventKind) *providers.Event {
		e := event(name, kind)
		e.Pull = about
		return e
	}
	ofPush := func(p providers.Push) *providers.Event {
		e := event("repo:push", providers.Pushed)
		e.Push = &p
		return e
	}
	commented := ofPull("pullrequest:comment_created", providers.Commented)
	commented.Comment = &providers.Comment{
		ID: "311512047", URL: "https://bitbucket.org/acme/config/pull-requests/7/_/diff#comment-311512047", Body: "/promote prod",
		Author:  providers.User{ID: "{145a94da-035e-42d6-bf85-296cea8005ba}", Login: "rutvij", Name: "Rutvij"},
		Created: time.Date(2022, 6, 23, 22, 10, 9, 939925000, time.UTC), Updated: time.Date(2022, 6, 23, 22, 10, 9, 939978000, time.UTC),
	}
	pull := delivery(actorJSON, repoJSON, pullJSON)
	unknown := &providers.Event{Delivery: "b8cf3b8e-0000-4000-8000-000000000001", Name: "issue:created"}
	old, now := ref("branch", "main", shaOld), ref("branch", "main", shaNew)
	for name, test := range map[string]struct {
		event, body string
		want        *providers.Event
	}{
		"opened":            {"pullrequest:created", pull, ofPull("pullrequest:created", providers.PullOpened)},
		"updated":           {"pullrequest:updated", pull, ofPull("pullrequest:updated", providers.PullPushed)},
		"merged":            {"pullrequest:fulfilled", pull, ofPull("pullrequest:fulfilled", providers.PullMerged)},
		"declined":          {"pullrequest:rejected", pull, ofPull("pullrequest:rejected", providers.PullClosed)},
		"approved":          {"pullrequest:approved", pull, ofPull("pullrequest:approved", providers.Reviewed)},
		"not approved":      {"pullrequest:unapproved", pull, ofPull("pullrequest:unapproved", providers.Reviewed)},
		"changes requested": {"pullrequest:changes_request_created", pull, ofPull("pullrequest:changes_request_created", providers.Reviewed)},
		"comment":           {"pullrequest:comment_created", delivery(actorJSON, repoJSON, pullJSON, commentJSON), commented},
		"comment on a line": {
			"pullrequest:comment_created",
			delivery(actorJSON, repoJSON, pullJSON, strings.Replace(commentJSON, `"deleted": false`, `"deleted": false, "inline": {"path": "a.txt", "to": 3}`, 1)),
			ofPull("pullrequest:comment_created", providers.Ignored),
		},
		"status":      {"repo:commit_status_updated", delivery(actorJSON, repoJSON), event("repo:commit_status_updated", providers.ChecksMoved)},
		"push":        {"repo:push", push(`{"old": ` + old + `, "new": ` + now + `}`), ofPush(providers.Push{Branch: "main", Before: shaOld, After: shaNew})},
		"new branch":  {"repo:push", push(`{"old": null, "new": ` + now + `}`), ofPush(providers.Push{Branch: "main", After: shaNew})},
		"gone branch": {"repo:push", push(`{"old": ` + old + `, "new": null}`), ofPush(providers.Push{Branch: "main", Before: shaOld})},
		"tag":         {"repo:push", push(`{"old": null, "new": ` + ref("tag", "v1", shaNew) + `}`), ofPush(providers.Push{After: shaNew})},
		"a tag, then branches": {
			"repo:push",
			push(`{"old": null, "new": `+ref("tag", "v1", shaNew)+`}`, `{"old": `+old+`, "new": `+now+`}`, `{"old": null, "new": `+ref("branch", "x", shaNew)+`}`),
			ofPush(providers.Push{Branch: "main", Before: shaOld, After: shaNew}),
		},
		"too large a push": {"repo:push", push(), event("repo:push", providers.Ignored)},
		"of no interest":   {"issue:created", "not even JSON", unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := bitbucket.New(bitbucket.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Receive(signed(test.event, test.body, secret), []byte(test.body), [][]byte{[]byte("the old secret"), secret})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	f, err := bitbucket.New(bitbucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	body := delivery(actorJSON, repoJSON, pullJSON)
	good := signed("pullrequest:created", body, secret)
	for name, test := range map[string]struct {
		change  func(http.Header)
		body    string
		secrets [][]byte
	}{
		"no signature": {func(h http.Header) { h.Del("X-Hub-Signature") }, body, [][]byte{secret}},
		"another algorithm": {func(h http.Header) {
			h.Set("X-Hub-Signature", strings.Replace(h.Get("X-Hub-Signature"), "sha256", "sha1", 1))
		}, body, [][]byte{secret}},
		"a cut signature":    {func(h http.Header) { h.Set("X-Hub-Signature", h.Get("X-Hub-Signature")[:20]) }, body, [][]byte{secret}},
		"another body":       {nil, body + " ", [][]byte{secret}},
		"another secret":     {nil, body, [][]byte{[]byte("another secret")}},
		"no secret":          {nil, body, nil},
		"an empty secret":    {func(h http.Header) { h.Set("X-Hub-Signature", signed("x", body, nil).Get("X-Hub-Signature")) }, body, [][]byte{nil, {}}},
		"unsigned and wrong": {func(h http.Header) { h.Del("X-Hub-Signature") }, "not JSON", [][]byte{secret}},
	} {
		h := good.Clone()
		if test.change != nil {
			test.change(h)
		}
		if got, err := f.Receive(h, []byte(test.body), test.secrets); !errors.Is(err, providers.ErrSignature) || got != nil {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for name, body := range map[string]string{
		"no JSON":         "{",
		"no repository":   delivery(actorJSON, pullJSON),
		"no pull request": delivery(actorJSON, repoJSON),
		"no number":       delivery(repoJSON, `"pullrequest": {}`),
	} {
		got, err := f.Receive(signed("pullrequest:created", body, secret), []byte(body), [][]byte{secret})
		if err == nil || errors.Is(err, providers.ErrSignature) || got != nil {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	body = delivery(actorJSON, repoJSON, pullJSON)
	if got, err := f.Receive(signed("pullrequest:comment_created", body, secret), []byte(body), [][]byte{secret}); err == nil {
		t.Errorf("a delivery without its comment: got %+v", got)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add("pullrequest:created", delivery(actorJSON, repoJSON, pullJSON))
	f.Add("pullrequest:comment_created", delivery(actorJSON, repoJSON, pullJSON, commentJSON))
	f.Add("repo:push", push(`{"old": null, "new": `+ref("branch", "main", shaNew)+`}`))
	f.Add("repo:push", push(`{"old": `+ref("branch", "main", shaOld)+`, "new": null}`, `null`))
	f.Add("pullrequest:created", `{"repositorY":{"full_nAme":"0"}}`)
	f.Add("repo:commit_status_created", delivery(actorJSON, repoJSON, `"commit_status": {"key": "x"}`))
	f.Add("pullrequest:updated", `{"repository": {"full_name": "a/b"}, "pullrequest": {"id": 1, "source": null, "destination": {}}}`)
	forge, err := bitbucket.New(bitbucket.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, event, body string) {
		got, err := forge.Receive(signed(event, body, secret), []byte(body), [][]byte{secret})
		if (got == nil) == (err == nil) {
			t.Fatalf("got %+v and %v", got, err)
		}
		if err != nil {
			if errors.Is(err, providers.ErrSignature) {
				t.Fatal("a good signature was refused")
			}
			return
		}
		switch got.Kind {
		case providers.Ignored:
		case providers.Pushed:
			if got.Push == nil {
				t.Fatal("a push without one")
			}
		case providers.Commented:
			if got.Comment == nil || got.Pull.Number <= 0 {
				t.Fatalf("a comment without one, or on nothing: %+v", got)
			}
		case providers.ChecksMoved:
		default:
			if got.Pull.Number <= 0 {
				t.Fatalf("an event of no pull request: %+v", got)
			}
		}
		if got.Kind != providers.Ignored && got.Repo == "" {
			t.Fatal("an event of no repository")
		}
		wrong := signed(event, body+"x", secret)
		if _, err := forge.Receive(wrong, []byte(body), [][]byte{secret}); !errors.Is(err, providers.ErrSignature) {
			t.Fatalf("a wrong signature: %v", err)
		}
	})
}
