package github_test

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
	"github.com/towpath-dev/towpath/providers/github"
)

const (
	sender = `"sender": {"id": 9, "login": "zoe", "type": "User"}, "repository": {"full_name": "acme/config"}`
	pullIn = `"pull_request": {"number": 7, "merged": false, "head": {"sha": "abc"}, "base": {"ref": "main"}}`
)

// delivered are deliveries, in the shape of
// https://docs.github.com/en/webhooks/webhook-events-and-payloads, and what they
// tell.
var delivered = map[string]struct {
	event, body string
	want        providers.Event
}{
	"ping":         {"ping", `{"zen": "Keep it simple.", "hook_id": 1, ` + sender + `}`, providers.Event{Name: "ping", Kind: providers.Ping}},
	"ping, of org": {"ping", `{"zen": "Keep it simple.", "sender": {"id": 9, "login": "zoe"}}`, providers.Event{Name: "ping", Kind: providers.Ping, Repo: "-"}},
	"opened":       {"pull_request", `{"action": "opened", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.opened", Kind: providers.PullOpened}},
	"reopened":     {"pull_request", `{"action": "reopened", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.reopened", Kind: providers.PullOpened}},
	"ready":        {"pull_request", `{"action": "ready_for_review", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.ready_for_review", Kind: providers.PullOpened}},
	"synchronize":  {"pull_request", `{"action": "synchronize", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.synchronize", Kind: providers.PullPushed}},
	"edited":       {"pull_request", `{"action": "edited", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.edited", Kind: providers.PullEdited}},
	"labeled":      {"pull_request", `{"action": "labeled", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.labeled", Kind: providers.PullEdited}},
	"closed":       {"pull_request", `{"action": "closed", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.closed", Kind: providers.PullClosed}},
	"merged":       {"pull_request", `{"action": "closed", ` + strings.Replace(pullIn, "false", "true", 1) + `, ` + sender + `}`, providers.Event{Name: "pull_request.closed", Kind: providers.PullMerged}},
	"assigned":     {"pull_request", `{"action": "assigned", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request.assigned", Kind: providers.Ignored}},
	"review":       {"pull_request_review", `{"action": "submitted", "review": {"state": "approved"}, ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request_review.submitted", Kind: providers.Reviewed}},
	"review edit":  {"pull_request_review", `{"action": "edited", ` + pullIn + `, ` + sender + `}`, providers.Event{Name: "pull_request_review.edited", Kind: providers.Ignored}},
	"comment": {
		"issue_comment",
		`{"action": "created", "issue": {"number": 7, "pull_request": {"url": "x"}}, "comment": {"id": 12345678901, "html_url": "u", "body": "/promote", "user": {"id": 41898282, "login": "ci[bot]", "type": "Bot"}, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:06Z"}, ` + sender + `}`,
		providers.Event{
			Name: "issue_comment.created", Kind: providers.Commented, Pull: providers.EventPull{Number: 7},
			Comment: &providers.Comment{
				ID: "12345678901", URL: "u", Body: "/promote", Author: providers.User{ID: "41898282", Login: "ci[bot]", Bot: true},
				Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Updated: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
			},
		},
	},
	"comment edited":   {"issue_comment", `{"action": "edited", "issue": {"number": 7, "pull_request": {}}, "comment": {"id": 1}, ` + sender + `}`, providers.Event{Name: "issue_comment.edited"}},
	"comment on issue": {"issue_comment", `{"action": "created", "issue": {"number": 7}, "comment": {"id": 1}, ` + sender + `}`, providers.Event{Name: "issue_comment.created"}},
	"push": {
		"push", `{"ref": "refs/heads/towpath/x", "before": "aa", "after": "bb", ` + sender + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{Branch: "towpath/x", Before: "aa", After: "bb"}},
	},
	"branch made": {
		"push", `{"ref": "refs/heads/x", "before": "0000000000000000000000000000000000000000", "after": "bb", ` + sender + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{Branch: "x", After: "bb"}},
	},
	"branch deleted": {
		"push", `{"ref": "refs/heads/x", "before": "aa", "after": "0000000000000000000000000000000000000000", ` + sender + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{Branch: "x", Before: "aa"}},
	},
	"tag": {
		"push", `{"ref": "refs/tags/v1", "before": "aa", "after": "bb", ` + sender + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{Before: "aa", After: "bb"}},
	},
	"status": {"status", `{"sha": "abc", "state": "success", ` + sender + `}`, providers.Event{Name: "status", Kind: providers.ChecksMoved, Pull: providers.EventPull{Head: "abc"}}},
	"check run": {
		"check_run", `{"action": "completed", "check_run": {"head_sha": "abc", "pull_requests": [{"number": 7, "base": {"ref": "main"}, "head": {"sha": "abc"}}]}, ` + sender + `}`,
		providers.Event{Name: "check_run.completed", Kind: providers.ChecksMoved, Pull: providers.EventPull{Number: 7, Base: "main", Head: "abc"}},
	},
	"check run made": {"check_run", `{"action": "created", "check_run": {"head_sha": "abc"}, ` + sender + `}`, providers.Event{Name: "check_run.created"}},
	"check suite": {
		"check_suite", `{"action": "completed", "check_suite": {"head_sha": "abc", "pull_requests": []}, ` + sender + `}`,
		providers.Event{Name: "check_suite.completed", Kind: providers.ChecksMoved, Pull: providers.EventPull{Head: "abc"}},
	},
	"star": {"star", `{"action": "created", ` + sender + `}`, providers.Event{Name: "star", Repo: "-", Actor: providers.User{Login: "-"}}},
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func headers(event, signature string) http.Header {
	return http.Header{
		"X-Github-Event": {event}, "X-Github-Delivery": {"72d3162e-cc78-11e3-81ab-4c9367dc0958"},
		"X-Hub-Signature-256": {signature}, "Content-Type": {"application/json"},
	}
}

func receiver(t testing.TB) *github.Forge {
	t.Helper()
	f, err := github.New(github.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReceive(t *testing.T) {
	t.Parallel()
	f := receiver(t)
	for name, test := range delivered {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := test.want
			want.Delivery = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
			if want.Actor == (providers.User{}) {
				want.Actor = providers.User{ID: "9", Login: "zoe"}
			} else {
				want.Actor = providers.User{}
			}
			switch want.Repo {
			case "":
				want.Repo = "acme/config"
			case "-":
				want.Repo = ""
			}
			if want.Pull == (providers.EventPull{}) && strings.Contains(test.body, `"pull_request": {"number"`) {
				want.Pull = providers.EventPull{Number: 7, Base: "main", Head: "abc"}
			}
			got, err := f.Receive(headers(test.event, sign("new", test.body)), []byte(test.body), [][]byte{[]byte("old"), []byte("new")})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	f := receiver(t)
	body := delivered["opened"].body
	secrets := [][]byte{[]byte("secret")}
	good := sign("secret", body)
	for name, test := range map[string]struct {
		change  func(http.Header)
		body    string
		secrets [][]byte
		unknown bool // by whom it is
	}{
		"no signature":     {func(h http.Header) { h.Del("X-Hub-Signature-256") }, body, secrets, true},
		"another secret":   {nil, body, [][]byte{[]byte("other")}, true},
		"no secret":        {nil, body, nil, true},
		"empty secret":     {func(h http.Header) { h.Set("X-Hub-Signature-256", sign("", body)) }, body, [][]byte{{}}, true},
		"SHA-1 only":       {func(h http.Header) { h.Del("X-Hub-Signature-256"); h.Set("X-Hub-Signature", "sha1=aa") }, body, secrets, true},
		"no prefix":        {func(h http.Header) { h.Set("X-Hub-Signature-256", strings.TrimPrefix(good, "sha256=")) }, body, secrets, true},
		"another body":     {nil, body + " ", secrets, true},
		"no JSON, unknown": {func(h http.Header) { h.Set("X-Hub-Signature-256", "sha256=00") }, "{", secrets, true},
		"form":             {func(h http.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") }, body, secrets, false},
		"no event":         {func(h http.Header) { h.Del("X-GitHub-Event") }, body, secrets, false},
		"no JSON":          {func(h http.Header) { h.Set("X-Hub-Signature-256", sign("secret", "{")) }, "{", secrets, false},
		"no pull request":  {func(h http.Header) { h.Set("X-Hub-Signature-256", sign("secret", `{"action": "opened"}`)) }, `{"action": "opened"}`, secrets, false},
	} {
		h := headers("pull_request", good)
		if test.change != nil {
			test.change(h)
		}
		e, err := f.Receive(h, []byte(test.body), test.secrets)
		if err == nil || e != nil || errors.Is(err, providers.ErrSignature) != test.unknown {
			t.Errorf("%s: got %+v and the error %v", name, e, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	for _, test := range delivered {
		f.Add(test.event, []byte(test.body))
	}
	f.Add("push", []byte(`{"ref": 1}`))
	f.Add("issue_comment", []byte(`{"action": "created", "issue": {"pull_request": null}, "comment": {"user": null}, "repository": {"full_name": "a/b"}}`))
	forge := receiver(f)
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		h := headers(event, sign("secret", string(body)))
		e, err := forge.Receive(h, body, [][]byte{[]byte("secret")})
		if (e == nil) == (err == nil) {
			t.Fatalf("got %+v and the error %v", e, err)
		}
		if err != nil {
			if errors.Is(err, providers.ErrSignature) {
				t.Errorf("the signature is good, and yet: %v", err)
			}
			return
		}
		switch {
		case e.Kind == providers.Commented && (e.Comment == nil || e.Repo == ""),
			e.Kind == providers.Pushed && (e.Push == nil || e.Repo == ""),
			strings.HasPrefix(string(e.Kind), "pull-") && (e.Pull.Number == 0 || e.Repo == ""):
			t.Errorf("%s lacks what it must tell: %+v", e.Kind, e)
		}
		h.Set("X-Hub-Signature-256", sign("other", string(body)))
		if e, err := forge.Receive(h, body, [][]byte{[]byte("secret")}); e != nil || !errors.Is(err, providers.ErrSignature) {
			t.Errorf("signed with another secret: got %+v and the error %v", e, err)
		}
	})
}
