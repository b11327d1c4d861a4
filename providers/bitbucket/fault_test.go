package bitbucket_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/bitbucket"
)

// fixed answers everything in one way.
type fixed struct {
	status int
	kind   string
	body   string
	header http.Header
}

func (f fixed) RoundTrip(req *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {f.kind}}
	for name, values := range f.header {
		header[name] = values
	}
	return &http.Response{
		StatusCode: f.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: req,
		Body: io.NopCloser(strings.NewReader(f.body)), ContentLength: int64(len(f.body)),
	}, nil
}

func fixedRepository(t *testing.T, base http.RoundTripper) providers.Repository {
	t.Helper()
	f, err := bitbucket.New(bitbucket.Options{Token: "token-of-somebody", Transport: transport.Options{
		Base: base, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Repository("acme/config")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const jsonKind = "application/json"

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply    fixed
		sentinel error // nil for none
		code     fault.Code
		message  string // a part
		hint     string // a part
	}{
		"wrong token": {
			fixed{401, jsonKind, `{"type":"error","error":{"message":"Token is invalid, expired, or not supported for this endpoint."}}`, nil},
			providers.ErrUnauthorized, fault.Access, "does not take the credential", "expired",
		},
		"401 without words": {fixed{401, "text/plain", ``, nil}, providers.ErrUnauthorized, fault.Access, "does not take the credential", "expired"},
		"missing scope": {
			fixed{403, jsonKind, `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.",
				"detail":{"required":["read:repository:bitbucket","read:user:bitbucket"],"granted":["read:user:bitbucket"]}}}`, nil},
			providers.ErrForbidden, fault.Access, "lacks the scope read:repository:bitbucket", "make a token",
		},
		"forbidden": {
			fixed{403, jsonKind, `{"type":"error","error":{"message":"Access denied."}}`, nil},
			providers.ErrForbidden, fault.Access, "does not allow it", "permission",
		},
		"no repository": {
			fixed{404, jsonKind, `{"type":"error","error":{"message":"Repository acme/config not found"}}`, nil},
			providers.ErrNotFound, fault.NotFound, "acme/config is not there, or the token may not see it", "spelling",
		},
		"hidden repository": {
			fixed{404, jsonKind, `{"type":"error","error":{"message":"You may not have access to this repository or it no longer exists in this workspace."}}`, nil},
			providers.ErrNotFound, fault.NotFound, "may not see it", "spelling",
		},
		"rate limit": {
			fixed{429, jsonKind, `{"type":"error","error":{"message":"Rate limit for this resource has been exceeded"}}`, http.Header{"Retry-After": {"7200"}}},
			nil, fault.Failed, "rate limit", "again",
		},
		"out of order": {fixed{500, "text/html", `<h1>Oops</h1>`, nil}, nil, fault.Failed, "out of order (status 500)", "later"},
		"another status": {
			fixed{400, jsonKind, `{"type":"error","error":{"message":"Bad request","fields":{"x":["is wrong","is long"]},"detail":"no more"}}`, nil},
			nil, fault.Failed, "Bitbucket refuses the request", "look",
		},
		"a page for people": {fixed{404, "text/html", `<!DOCTYPE html><html>`, nil}, nil, fault.Usage, "is no Bitbucket Cloud", "check the host"},
		"a page as success": {fixed{200, "text/html", `<!DOCTYPE html><html>`, nil}, nil, fault.Usage, "is no Bitbucket Cloud", "check the host"},
		"other JSON":        {fixed{200, jsonKind, `{"message":"Hello"}`, nil}, nil, fault.Usage, "is no Bitbucket Cloud", "check the host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := fixedRepository(t, test.reply).Info(ctx)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("got the error %v", err)
			}
			if f.Code != test.code || !strings.Contains(f.Message, test.message) || !strings.Contains(f.Hint, test.hint) {
				t.Errorf("got the code %q, the message %q and the hint %q", f.Code, f.Message, f.Hint)
			}
			if test.sentinel != nil && !errors.Is(err, test.sentinel) {
				t.Errorf("%v does not wrap %q", err, test.sentinel)
			}
			if strings.Contains(err.Error(), "token-of-somebody") || !strings.HasPrefix(err.Error(), "read the settings of bitbucket.org/acme/config: ") {
				t.Errorf("the error is %q", err)
			}
		})
	}
}

// TestStrangeReplies proves that nothing panics on replies that have another
// shape than Bitbucket's: some of the library's own decoders do.
func TestStrangeReplies(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`null`, `[]`, `[null]`, `"text"`, `7`, `{}`, `{"values":null}`, `{"values":[null]}`, `{"values":{}}`, `{"id":"x"}`, `{"source":null,"destination":null,"author":null}`, `{`, ``} {
		r := fixedRepository(t, fixed{200, jsonKind, body, nil})
		ctx := t.Context()
		sha := strings.Repeat("1", 40)
		change := []providers.Change{{Path: "a.txt", Content: []byte("x")}}
		_, _ = r.Info(ctx)
		_, _ = r.Resolve(ctx, "main")
		_, _ = r.Resolve(ctx, sha)
		_, _ = r.Files(ctx, sha, []string{"a.txt"})
		_, _ = r.Tree(ctx, sha)
		_, _ = r.Commit(ctx, providers.CommitRequest{Branch: "x", Parent: sha, Message: "x", Changes: change})
		_, _ = r.Log(ctx, providers.LogQuery{Ref: sha})
		_, _ = r.Compare(ctx, sha, strings.Repeat("2", 40))
		_, _ = r.PullsOf(ctx, sha)
		_, _ = r.Pull(ctx, 1)
		_, _ = r.Pulls(ctx, providers.PullQuery{})
		_, _ = r.OpenPull(ctx, providers.NewPull{Head: "x", Base: "main", Title: "x"})
		title := "x"
		_, _ = r.UpdatePull(ctx, 1, providers.PullUpdate{Title: &title, Close: true})
		_, _ = r.MergePull(ctx, 1, providers.Merge{Head: sha})
		_, _, _ = r.PullFiles(ctx, 1)
		_, _ = r.PullCommits(ctx, 1)
		_, _ = r.Reviews(ctx, 1)
		_, _ = r.Comments(ctx, 1)
		_, _ = r.UpsertComment(ctx, 1, "key", "x")
		_, _ = r.AddComment(ctx, 1, "x")
		_ = r.SetStatus(ctx, sha, providers.Status{Name: "x", State: providers.Passed})
		_, _ = r.Checks(ctx, sha)
		_, _ = r.Self(ctx)
		_, _ = r.Permission(ctx, providers.User{ID: "{1}"})
		_, _ = r.(providers.Examiner).Examine(ctx)
		_, _ = r.(providers.Looker).Look(ctx, providers.Question{Heads: []string{"x"}})
		_, _ = r.(providers.Hooks).UpsertHook(ctx, "https://example.com", []byte("secret"))
		_ = r.(providers.ReviewRequester).RequestReviews(ctx, 1, []string{"x"}, nil)
		_ = r.(providers.CheckReporter).Report(ctx, sha, providers.Report{Name: "x"})
	}
}

// TestNextElsewhere proves that a page on another host is not asked for.
func TestNextElsewhere(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(other.Close)
	r := fixedRepository(t, fixed{200, jsonKind, `{"values":[],"next":"` + other.URL + `/2.0/next"}`, nil})
	if _, err := r.Tree(t.Context(), strings.Repeat("1", 40)); err == nil || !strings.Contains(err.Error(), "another host") {
		t.Errorf("got the error %v", err)
	}
	if asked {
		t.Error("the other host was asked")
	}
}

// TestUnansweredWrites proves that a write to which Bitbucket answers that it is
// out of order may have been done, and that a read is no write.
func TestUnansweredWrites(t *testing.T) {
	t.Parallel()
	r := fixedRepository(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		switch {
		case req.Method != http.MethodGet:
			return fixed{500, jsonKind, `{"type":"error","error":{"message":"Something went wrong"}}`, nil}.RoundTrip(req)
		case strings.HasSuffix(req.URL.Path, "/pullrequests/1"):
			return fixed{200, jsonKind, `{"id":1,"state":"OPEN","title":"y"}`, nil}.RoundTrip(req)
		case strings.HasSuffix(req.URL.Path, "/pullrequests"), strings.HasSuffix(req.URL.Path, "/branches"):
			return fixed{200, jsonKind, `{"values":[]}`, nil}.RoundTrip(req)
		case strings.Contains(req.URL.Path, "/commits"):
			return fixed{500, jsonKind, `{}`, nil}.RoundTrip(req)
		}
		return fixed{404, jsonKind, `{"type":"error","error":{"message":"Not found"}}`, nil}.RoundTrip(req)
	}))
	ctx, sha, title := t.Context(), strings.Repeat("1", 40), "x"
	for name, write := range map[string]func() error{
		"commit": func() error {
			_, err := r.Commit(ctx, providers.CommitRequest{Branch: "x", Parent: sha, Message: "x", Changes: []providers.Change{{Path: "a.txt", Content: []byte("x")}}})
			return err
		},
		"open": func() error {
			_, err := r.OpenPull(ctx, providers.NewPull{Head: "x", Base: "main", Title: "x"})
			return err
		},
		"update":  func() error { _, err := r.UpdatePull(ctx, 1, providers.PullUpdate{Title: &title}); return err },
		"close":   func() error { _, err := r.UpdatePull(ctx, 1, providers.PullUpdate{Close: true}); return err },
		"comment": func() error { _, err := r.AddComment(ctx, 1, "x"); return err },
		"status":  func() error { return r.SetStatus(ctx, sha, providers.Status{Name: "x", State: providers.Passed}) },
	} {
		if err := write(); !errors.Is(err, providers.ErrUnanswered) {
			t.Errorf("%s: got the error %v, want ErrUnanswered", name, err)
		}
	}
	if _, err := r.Log(ctx, providers.LogQuery{Ref: sha}); err == nil || errors.Is(err, providers.ErrUnanswered) {
		t.Errorf("a read: got the error %v", err)
	}
}

// TestSecretsStayOut has Bitbucket repeat the secret of a webhook.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	const secret = "secret-of-the-webhook"
	r := fixedRepository(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodGet {
			return fixed{200, jsonKind, `{"values":[]}`, nil}.RoundTrip(req)
		}
		return fixed{400, jsonKind, `{"type":"error","error":{"message":"Bad request","fields":{"secret":["` + secret + ` is too simple"]}}}`, nil}.RoundTrip(req)
	}))
	_, err := r.(providers.Hooks).UpsertHook(t.Context(), "https://towpath.test", []byte(secret))
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "too simple") {
		t.Errorf("got the error %v", err)
	}
}
