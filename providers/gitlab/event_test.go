package gitlab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitlab"
)

const (
	shaOne = "1111111111111111111111111111111111111111"
	shaTwo = "2222222222222222222222222222222222222222"
	zeros  = "0000000000000000000000000000000000000000"
)

const (
	bodyProject = `"project":{"id":5,"path_with_namespace":"acme/sub/config"}`
	bodyUser    = `"user":{"id":7,"name":"Ada","username":"ada","email":"ada@example.com"}`
	bodyRequest = `"iid":3,"target_branch":"main","source_branch":"x","last_commit":{"id":"` + shaOne + `"}`
)

func mergeRequestBody(more, changes string) string {
	return `{"object_kind":"merge_request",` + bodyUser + `,` + bodyProject + `,"object_attributes":{` + bodyRequest + more + `},"changes":{` + changes + `}}`
}

// noteBody is a comment on a kind of thing.
func noteBody(on, more string) string {
	return `{"object_kind":"note",` + bodyUser + `,` + bodyProject + `,"merge_request":{` + bodyRequest + `},"object_attributes":` +
		`{"id":99,"note":"/promote prod","url":"https://gitlab.test/n","created_at":"2026-11-22 10:11:12 UTC","updated_at":"2026-11-22T10:11:13.5Z","noteable_type":"` + on + `"` + more + `}}` //nolint:misspell // GitLab spells it so
}

var ada = providers.User{ID: "7", Login: "ada", Name: "Ada"}

var pull3 = providers.EventPull{Number: 3, Base: "main", Head: shaOne}

var deliveries = []struct {
	name, event, body string
	want              providers.Event
}{
	{"open", "Merge Request Hook", mergeRequestBody(`,"action":"open"`, ""), providers.Event{Name: "merge_request.open", Kind: providers.PullOpened, Actor: ada, Pull: pull3}},
	{"reopen", "Merge Request Hook", mergeRequestBody(`,"action":"reopen"`, ""), providers.Event{Name: "merge_request.reopen", Kind: providers.PullOpened, Actor: ada, Pull: pull3}},
	{"push to it", "Merge Request Hook", mergeRequestBody(`,"action":"update","oldrev":"`+shaTwo+`"`, ""), providers.Event{Name: "merge_request.update", Kind: providers.PullPushed, Actor: ada, Pull: pull3}},
	{"edit", "Merge Request Hook", mergeRequestBody(`,"action":"update"`, `"title":{"previous":"a","current":"b"}`), providers.Event{Name: "merge_request.update", Kind: providers.PullEdited, Actor: ada, Pull: pull3}},
	{"ready", "Merge Request Hook", mergeRequestBody(`,"action":"update"`, `"draft":{"previous":true,"current":false}`), providers.Event{Name: "merge_request.update", Kind: providers.PullOpened, Actor: ada, Pull: pull3}},
	{"draft", "Merge Request Hook", mergeRequestBody(`,"action":"update"`, `"draft":{"previous":false,"current":true}`), providers.Event{Name: "merge_request.update", Kind: providers.PullEdited, Actor: ada, Pull: pull3}},
	{"close", "Merge Request Hook", mergeRequestBody(`,"action":"close"`, ""), providers.Event{Name: "merge_request.close", Kind: providers.PullClosed, Actor: ada, Pull: pull3}},
	{"merge", "Merge Request Hook", mergeRequestBody(`,"action":"merge"`, ""), providers.Event{Name: "merge_request.merge", Kind: providers.PullMerged, Actor: ada, Pull: pull3}},
	{"approve", "Merge Request Hook", mergeRequestBody(`,"action":"approved"`, ""), providers.Event{Name: "merge_request.approved", Kind: providers.Reviewed, Actor: ada, Pull: pull3}},
	{"another action", "Merge Request Hook", mergeRequestBody(`,"action":"enqueued"`, ""), providers.Event{Name: "merge_request.enqueued", Actor: ada, Pull: pull3}},
	{"comment", "Note Hook", noteBody("MergeRequest", `,"action":"create"`), comment("note.create")},
	{"comment on an older server", "Note Hook", noteBody("MergeRequest", ""), comment("note")},
	{"edited comment", "Note Hook", noteBody("MergeRequest", `,"action":"update"`), providers.Event{Name: "note.update", Actor: ada}},
	{"remark on a line", "Note Hook", noteBody("MergeRequest", `,"action":"create","type":"DiffNote"`), providers.Event{Name: "note.create", Actor: ada}},
	{"comment on an issue", "Note Hook", noteBody("Issue", `,"action":"create"`), providers.Event{Name: "note.create", Actor: ada}},
	{"the system's note", "Note Hook", noteBody("MergeRequest", `,"action":"create","system":true`), providers.Event{Name: "note.create", Actor: ada}},
	{"push", "Push Hook", pushBody("refs/heads/feature/x", shaOne, shaTwo), push("feature/x", shaOne, shaTwo)},
	{"new branch", "Push Hook", pushBody("refs/heads/x", zeros, shaTwo), push("x", "", shaTwo)},
	{"deleted branch", "Push Hook", pushBody("refs/heads/x", shaOne, zeros), push("x", shaOne, "")},
	{"tag", "Tag Push Hook", pushBody("refs/tags/v1", zeros, shaTwo), push("", "", shaTwo)},
	{
		"pipeline", "Pipeline Hook",
		`{"object_kind":"pipeline",` + bodyUser + `,` + bodyProject + `,"object_attributes":{"id":1,"sha":"` + shaOne + `","status":"success"},"merge_request":{"iid":3,"target_branch":"main"}}`,
		providers.Event{Name: "pipeline", Kind: providers.ChecksMoved, Actor: ada, Pull: pull3},
	},
	{"of no interest", "Wiki Page Hook", `{"object_kind":"wiki_page",` + bodyProject + `}`, providers.Event{Name: "wiki_page"}},
}

func comment(name string) providers.Event {
	return providers.Event{Name: name, Kind: providers.Commented, Actor: ada, Pull: pull3, Comment: &providers.Comment{
		ID: "99", URL: "https://gitlab.test/n", Body: "/promote prod", Author: ada,
		Created: time.Date(2026, 11, 22, 10, 11, 12, 0, time.UTC), Updated: time.Date(2026, 11, 22, 10, 11, 13, 5e8, time.UTC),
	}}
}

func pushBody(ref, before, after string) string {
	return `{"object_kind":"push","ref":"` + ref + `","before":"` + before + `","after":"` + after + `","user_id":7,"user_name":"Ada","user_username":"ada",` + bodyProject + `}`
}

func push(branch, before, after string) providers.Event {
	return providers.Event{Name: "push", Kind: providers.Pushed, Actor: ada, Push: &providers.Push{Branch: branch, Before: before, After: after}}
}

func TestReceive(t *testing.T) {
	t.Parallel()
	f := newForge(t, gitlab.Options{Server: "https://gitlab.test"})
	for _, tt := range deliveries {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			header.Set("X-Gitlab-Event", tt.event)
			header.Set("X-Gitlab-Token", "new secret")
			header.Set("Idempotency-Key", "abc")
			got, err := f.Receive(header, []byte(tt.body), [][]byte{[]byte("old secret"), []byte("new secret")})
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			want.Delivery, want.Repo = "abc", "acme/sub/config"
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReceiveDelivery(t *testing.T) {
	t.Parallel()
	f := newForge(t, gitlab.Options{Server: "https://gitlab.test"})
	body := []byte(pushBody("refs/heads/x", shaOne, shaTwo))
	got := map[string]string{}
	for name, headers := range map[string][]string{
		"idempotency key": {"Idempotency-Key", "a", "X-Gitlab-Webhook-UUID", "c"},
		"webhook id":      {"webhook-id", "b", "X-Gitlab-Webhook-UUID", "c", "X-Gitlab-Event-UUID", "d"},
		"webhook UUID":    {"X-Gitlab-Webhook-UUID", "c", "X-Gitlab-Event-UUID", "d"},
		"event UUID":      {"X-Gitlab-Event-UUID", "d"},
		"nothing":         nil,
	} {
		header := http.Header{}
		header.Set("X-Gitlab-Token", "secret")
		for i := 0; i < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		e, err := f.Receive(header, body, [][]byte{[]byte("secret")})
		if err != nil {
			t.Fatal(err)
		}
		got[name] = e.Delivery
	}
	if got["idempotency key"] != "a" || got["webhook id"] != "b" || got["webhook UUID"] != "c" {
		t.Errorf("got %v", got)
	}
	if got["event UUID"] != got["nothing"] || len(got["nothing"]) < 64 {
		t.Errorf("without a number of its own, a delivery is known by its body: %v", got)
	}
}

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// sign is Standard Webhooks' signature.
func sign(key []byte, id string, at time.Time, body string) string {
	return signAt(key, id, strconv.FormatInt(at.Unix(), 10), body)
}

func signAt(key []byte, id, stamp, body string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestReceiveSignature(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	const body, id = `{"object_kind":"push"}`, "msg_1"
	good := sign(key, id, now, body)
	for _, tt := range []struct {
		name      string
		signature string
		token     string
		id        string
		at        time.Time
		body      string
		secrets   []string
		ok        bool
	}{
		{"a signature", good, "", id, now, body, []string{secret}, true},
		{"a secret in plain text", sign([]byte("plain"), id, now, body), "", id, now, body, []string{"plain"}, true},
		{"one of several", "v1,AAAA v2,BBBB " + good, "", id, now, body, []string{"other", secret}, true},
		{"four minutes old", sign(key, id, now.Add(-4*time.Minute), body), "", id, now.Add(-4 * time.Minute), body, []string{secret}, true},
		{"six minutes old", sign(key, id, now.Add(-6*time.Minute), body), "", id, now.Add(-6 * time.Minute), body, []string{secret}, false},
		{"from the future", sign(key, id, now.Add(6*time.Minute), body), "", id, now.Add(6 * time.Minute), body, []string{secret}, false},
		{"another time", good, "", id, now.Add(time.Second), body, []string{secret}, false},
		{"another id", good, "", "msg_2", now, body, []string{secret}, false},
		{"no id", sign(key, "", now, body), "", "", now, body, []string{secret}, false},
		{"another body", good, "", id, now, `{"object_kind":"note"}`, []string{secret}, false},
		{"another secret", good, "", id, now, body, []string{"whsec_AAAA"}, false},
		{"a secret that is no base64", good, "", id, now, body, []string{"whsec_!"}, false},
		{"an empty key", sign(nil, id, now, body), "", id, now, body, []string{"whsec_"}, false},
		{"another version", "v2" + good[2:], "", id, now, body, []string{secret}, false},
		{"a wrong signature beside the right token", "v1,AAAA", secret, id, now, body, []string{secret}, false},
		{"the right signature beside a wrong token", good, "wrong", id, now, body, []string{secret}, true},
		{"a token", "", "token", "", now, body, []string{"other", "token"}, true},
		{"a wrong token", "", "tokem", "", now, body, []string{"token"}, false},
		{"a part of the token", "", "toke", "", now, body, []string{"token"}, false},
		{"no token", "", "", "", now, body, []string{"token"}, false},
		{"no token and an empty secret", "", "", "", now, body, []string{""}, false},
		{"no token, an empty secret and another", "", "", "", now, body, []string{"", "token"}, false},
		{"an empty secret beside the right one", "", "token", "", now, body, []string{"", "token"}, true},
		{"no secret", "", "", "", now, body, nil, false},
		{"a signature and no secret", sign(nil, id, now, body), "", id, now, body, []string{""}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t, gitlab.Options{Server: "https://gitlab.test", Transport: transport.Options{Now: func() time.Time { return now }}})
			header := http.Header{}
			header.Set("X-Gitlab-Event", "Push Hook")
			for name, value := range map[string]string{
				"webhook-signature": tt.signature, "X-Gitlab-Token": tt.token, "webhook-id": tt.id,
				"webhook-timestamp": strconv.FormatInt(tt.at.Unix(), 10),
			} {
				if value != "" {
					header.Set(name, value)
				}
			}
			var secrets [][]byte
			for _, s := range tt.secrets {
				secrets = append(secrets, []byte(s))
			}
			e, err := f.Receive(header, []byte(tt.body), secrets)
			switch {
			case tt.ok && (err != nil || e.Kind != providers.Pushed):
				t.Errorf("got %+v and the error %v", e, err)
			case !tt.ok && !errors.Is(err, providers.ErrSignature):
				t.Errorf("got the error %v, want one that wraps ErrSignature", err)
			}
		})
	}
}

func TestReceiveGarbage(t *testing.T) {
	t.Parallel()
	f := newForge(t, gitlab.Options{Server: "https://gitlab.test"})
	header := http.Header{"X-Gitlab-Event": {"Push Hook"}, "X-Gitlab-Token": {"secret"}}
	for _, body := range []string{"", "{", "[]", `{"project":7}`, `{"object_attributes":{"iid":"three"}}`} {
		_, err := f.Receive(header, []byte(body), [][]byte{[]byte("secret")})
		if err == nil || errors.Is(err, providers.ErrSignature) {
			t.Errorf("%q: got the error %v, want another than ErrSignature", body, err)
		}
		_, err = f.Receive(http.Header{"X-Gitlab-Token": {"wrong"}}, []byte(body), [][]byte{[]byte("secret")})
		if !errors.Is(err, providers.ErrSignature) {
			t.Errorf("%q with a wrong token: got the error %v, want ErrSignature", body, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	forge := newForge(f, gitlab.Options{Server: "https://gitlab.test", Transport: transport.Options{Now: func() time.Time { return now }}})
	for _, d := range deliveries {
		f.Add(d.event, d.body, "secret", "", "")
	}
	f.Add("Push Hook", `{}`, "", sign([]byte("secret"), "a", now, "{}"), strconv.FormatInt(now.Unix(), 10))
	f.Add("Note Hook", "\xff", "secret", "v1,", "-1")
	f.Fuzz(func(t *testing.T, event, body, token, signature, stamp string) {
		header := http.Header{}
		for name, value := range map[string]string{
			"X-Gitlab-Event": event, "X-Gitlab-Token": token, "Webhook-Signature": signature, "Webhook-Timestamp": stamp, "Webhook-Id": "a",
		} {
			header.Set(name, value)
		}
		e, err := forge.Receive(header, []byte(body), [][]byte{[]byte("secret")})
		if err != nil {
			return
		}
		signed := strings.Contains(signature, strings.TrimPrefix(signAt([]byte("secret"), "a", stamp, body), "v1,"))
		switch {
		case signature == "" && token != "secret":
			t.Errorf("the token %q was taken", token)
		case signature != "" && !signed:
			t.Errorf("the signature %q was taken", signature)
		case e.Delivery == "":
			t.Error("a delivery without an id")
		case (e.Kind == providers.Commented) != (e.Comment != nil):
			t.Errorf("%s with the comment %v", e.Kind, e.Comment)
		case (e.Kind == providers.Pushed) != (e.Push != nil):
			t.Errorf("%s with the push %v", e.Kind, e.Push)
		case len(e.Pull.Head) != 0 && len(e.Pull.Head) != 40 && len(e.Pull.Head) != 64:
			t.Errorf("the head is %q", e.Pull.Head)
		}
	})
}
