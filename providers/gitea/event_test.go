package gitea

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/providers"
)

var testSecret = []byte("a secret")

func testForge(t testing.TB) *Forge {
	t.Helper()
	f, err := New(Options{Server: "https://gitea.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sign(body string) string {
	mac := hmac.New(sha256.New, testSecret)
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// headers are those of a delivery.
func headers(event, body string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-Gitea-Event", event)
	h.Set("X-Gitea-Delivery", "7d1b3e44")
	h.Set("X-Gitea-Signature", sign(body))
	return h
}

const (
	inRepo = `"repository": {"full_name": "acme/config"}, "sender": {"id": 4, "login": "ada", "full_name": "Ada"}`
	ofPull = `"number": 7, "pull_request": {"number": 7, "title": "Bump", "base": {"ref": "main"}, "head": {"ref": "x", "sha": "1111111111111111111111111111111111111111"}`
	sha1s  = "1111111111111111111111111111111111111111"
	sha2s  = "2222222222222222222222222222222222222222"
	sha0s  = "0000000000000000000000000000000000000000"
)

var deliveries = map[string]struct {
	event, body string
	want        providers.Event
}{
	"opened": {
		"pull_request", `{"action": "opened", ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.opened", Kind: providers.PullOpened},
	},
	"reopened": {
		"pull_request", `{"action": "reopened", ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.reopened", Kind: providers.PullOpened},
	},
	"pushed": {
		"pull_request", `{"action": "synchronized", ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.synchronized", Kind: providers.PullPushed},
	},
	"edited": {
		"pull_request", `{"action": "edited", "changes": {"title": {"from": "Bum"}}, ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.edited", Kind: providers.PullEdited},
	},
	"ready": {
		"pull_request", `{"action": "edited", "changes": {"title": {"from": "WIP: Bump"}}, ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.edited", Kind: providers.PullOpened},
	},
	"labeled": {
		"pull_request", `{"action": "label_updated", ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.label_updated", Kind: providers.PullEdited},
	},
	"closed": {
		"pull_request", `{"action": "closed", ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.closed", Kind: providers.PullClosed},
	},
	"merged": {
		"pull_request", `{"action": "closed", ` + ofPull + `, "merged": true}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.closed", Kind: providers.PullMerged},
	},
	"assigned": {
		"pull_request", `{"action": "assigned", ` + ofPull + `}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request.assigned"},
	},
	"approved": {
		"pull_request_approved", `{"action": "reviewed", ` + ofPull + `}, "review": {"type": "pull_request_review_approved"}, ` + inRepo + `}`,
		providers.Event{Name: "pull_request_approved.reviewed", Kind: providers.Reviewed},
	},
	"commented": {
		"issue_comment", `{"action": "created", "is_pull": true, "issue": {"number": 7}, "comment": {"id": 9, "body": "towpath plan", "user": {"id": 4, "login": "ada", "full_name": "Ada"}}, ` + inRepo + `}`,
		providers.Event{
			Name: "issue_comment.created", Kind: providers.Commented,
			Comment: &providers.Comment{ID: "9", Body: "towpath plan", Author: providers.User{ID: "4", Login: "ada", Name: "Ada"}},
		},
	},
	"comment edited": {
		"issue_comment", `{"action": "edited", "is_pull": true, "issue": {"number": 7}, "comment": {"id": 9}, ` + inRepo + `}`,
		providers.Event{Name: "issue_comment.edited"},
	},
	"on an issue": {
		"issue_comment", `{"action": "created", "issue": {"number": 7}, "comment": {"id": 9}, ` + inRepo + `}`,
		providers.Event{Name: "issue_comment.created"},
	},
	"push": {
		"push", `{"ref": "refs/heads/a/b", "before": "` + sha1s + `", "after": "` + sha2s + `", ` + inRepo + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{Branch: "a/b", Before: sha1s, After: sha2s}},
	},
	"new branch": {
		"push", `{"ref": "refs/heads/x", "before": "` + sha0s + `", "after": "` + sha2s + `", ` + inRepo + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{Branch: "x", After: sha2s}},
	},
	"gone branch": {
		"push", `{"ref": "refs/heads/x", "before": "` + sha1s + `", "after": "` + sha0s + sha0s[:24] + `", ` + inRepo + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{Branch: "x", Before: sha1s}},
	},
	"tag": {
		"push", `{"ref": "refs/tags/v1", "before": "` + sha0s + `", "after": "` + sha2s + `", ` + inRepo + `}`,
		providers.Event{Name: "push", Kind: providers.Pushed, Push: &providers.Push{After: sha2s}},
	},
	"status": {
		"status", `{"sha": "` + sha1s + `", "state": "success", ` + inRepo + `}`,
		providers.Event{Name: "status", Kind: providers.ChecksMoved},
	},
	"fork": {"fork", `{"forkee": {}, ` + inRepo + `}`, providers.Event{Name: "fork"}},
}

func TestReceive(t *testing.T) {
	t.Parallel()
	f := testForge(t)
	for name, test := range deliveries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := test.want
			want.Delivery, want.Repo = "7d1b3e44", "acme/config"
			want.Actor = providers.User{ID: "4", Login: "ada", Name: "Ada"}
			switch {
			case want.Kind == providers.Commented:
				want.Pull.Number = 7
			case strings.HasPrefix(test.event, "pull_request") && want.Kind != providers.Ignored:
				want.Pull = providers.EventPull{Number: 7, Base: "main", Head: sha1s}
			}
			got, err := f.Receive(headers(test.event, test.body), []byte(test.body), [][]byte{[]byte("old"), testSecret})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReceiveSignature(t *testing.T) {
	t.Parallel()
	f := testForge(t)
	const body = `{"ref": "refs/heads/x", ` + inRepo + `}`
	signed := func(header, value string) http.Header {
		h := headers("push", body)
		h.Del("X-Gitea-Signature")
		h.Set(header, value)
		return h
	}
	for name, test := range map[string]struct {
		header  http.Header
		secrets [][]byte
		ok      bool
	}{
		"gitea":         {signed("X-Gitea-Signature", sign(body)), [][]byte{testSecret}, true},
		"forgejo":       {signed("X-Forgejo-Signature", sign(body)), [][]byte{testSecret}, true},
		"hub":           {signed("X-Hub-Signature-256", "sha256="+sign(body)), [][]byte{testSecret}, true},
		"second secret": {signed("X-Gitea-Signature", sign(body)), [][]byte{[]byte("new"), testSecret}, true},
		"none":          {signed("X-Other", sign(body)), [][]byte{testSecret}, false},
		"wrong":         {signed("X-Gitea-Signature", sign(body+" ")), [][]byte{testSecret}, false},
		"short":         {signed("X-Gitea-Signature", sign(body)[:32]), [][]byte{testSecret}, false},
		"sha1":          {signed("X-Hub-Signature", "sha1="+sign(body)), [][]byte{testSecret}, false},
		"no secret":     {signed("X-Gitea-Signature", sign(body)), nil, false},
		"other secret":  {signed("X-Gitea-Signature", sign(body)), [][]byte{[]byte("other"), nil, {}}, false},
	} {
		e, err := f.Receive(test.header, []byte(body), test.secrets)
		if test.ok && (err != nil || e.Kind != providers.Pushed) {
			t.Errorf("%s: got %+v, %v", name, e, err)
		}
		if !test.ok && (!errors.Is(err, providers.ErrSignature) || e != nil) {
			t.Errorf("%s: got %+v, %v, want ErrSignature", name, e, err)
		}
	}
	// A body that says something else than its signature is not even read.
	h := headers("push", "not JSON")
	if _, err := f.Receive(h, []byte("not JSON"), [][]byte{[]byte("other")}); !errors.Is(err, providers.ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	f := testForge(t)
	for name, test := range map[string]struct{ event, media, body string }{
		"not JSON":        {"push", "application/json", "payload=x"},
		"null":            {"push", "application/json", "null"},
		"a form":          {"push", "application/x-www-form-urlencoded", `{"ref": "refs/heads/x", ` + inRepo + `}`},
		"no repository":   {"push", "application/json", `{"ref": "refs/heads/x"}`},
		"no pull request": {"pull_request", "application/json", `{"action": "opened", ` + inRepo + `}`},
		"no comment":      {"issue_comment", "application/json", `{"action": "created", "is_pull": true, ` + inRepo + `}`},
	} {
		h := headers(test.event, test.body)
		h.Set("Content-Type", test.media)
		e, err := f.Receive(h, []byte(test.body), [][]byte{testSecret})
		if err == nil || errors.Is(err, providers.ErrSignature) || e != nil {
			t.Errorf("%s: got %+v, %v, want another error", name, e, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	for _, d := range deliveries {
		f.Add(d.event, []byte(d.body))
	}
	f.Add("pull_request", []byte("null"))
	f.Add("push", []byte(`{"ref": 1}`))
	forge := testForge(f)
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		h := headers(event, string(body))
		e, err := forge.Receive(h, body, [][]byte{testSecret})
		switch {
		case errors.Is(err, providers.ErrSignature):
			t.Error("a good signature is refused")
		case (err == nil) != (e != nil):
			t.Errorf("got %+v and %v", e, err)
		case e == nil:
		case e.Kind == providers.Pushed && e.Push == nil, e.Kind == providers.Commented && e.Comment == nil:
			t.Errorf("got %+v without what it is about", e)
		case e.Kind != providers.Ignored && e.Kind != providers.Ping && e.Repo == "":
			t.Errorf("got %+v without a repository", e)
		}
		if e, err := forge.Receive(h, append(body, ' '), [][]byte{testSecret}); !errors.Is(err, providers.ErrSignature) || e != nil {
			t.Errorf("a changed body is read: %+v, %v", e, err)
		}
	})
}
