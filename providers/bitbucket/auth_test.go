package bitbucket_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/bitbucket"
	"github.com/towpath-dev/towpath/providers/memory"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options bitbucket.Options
		want    string
	}{
		"app password":    {bitbucket.Options{Email: "jane", Token: "secret-word"}, "app passwords"},
		"no API token":    {bitbucket.Options{Email: "jane@example.com"}, "no API token"},
		"no key":          {bitbucket.Options{Secret: "secret-word"}, "OAuth consumer"},
		"no secret":       {bitbucket.Options{Key: "key"}, "OAuth consumer"},
		"two credentials": {bitbucket.Options{Key: "key", Secret: "secret-word", Token: "t"}, "OAuth consumer"},
		"no URL":          {bitbucket.Options{Server: "bitbucket.org"}, "no URL"},
		"a password":      {bitbucket.Options{API: "https://jane:secret-word@api.bitbucket.org/2.0"}, "no URL"},
	} {
		_, err := bitbucket.New(test.options)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.Usage || f.Hint == "" || !strings.Contains(f.Message, test.want) || strings.Contains(f.Error(), "secret-word") {
			t.Errorf("%s: got the error %v", name, err)
		}
	}
	f, err := bitbucket.New(bitbucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "acme", "acme/", "/config", "acme/config/x", "acme/..", "a b/c", "acme/c?d", "acme/%2e"} {
		if _, err := f.Repository(path); err == nil {
			t.Errorf("%q is taken for a repository", path)
		}
	}
	if _, err := f.Repository("acme/{61fc5cf6-d054-47d2-b4a9-061ccf858379}"); err != nil {
		t.Error(err)
	}
}

// recorder keeps what is sent.
type recorder struct {
	http.RoundTripper

	mu   sync.Mutex
	seen []*http.Request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.seen = append(r.seen, req)
	r.mu.Unlock()
	return r.RoundTripper.RoundTrip(req)
}

// told returns what was asked for, as method and path.
func (r *recorder) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, req := range r.seen {
		out = append(out, req.Method+" "+req.URL.Path)
	}
	r.seen = nil
	return out
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": {Content: []byte("a\n")}})
	for name, set := range map[string]func(*bitbucket.Options){
		"access token":   func(o *bitbucket.Options) { o.Token = "token-of-writer" },
		"API token":      func(o *bitbucket.Options) { o.Email, o.Token = "Writer@example.com", "token-of-writer" },
		"OAuth consumer": func(o *bitbucket.Options) { o.Key, o.Secret = "writer", "token-of-writer" },
	} {
		o := w.options(w.server.Client().Transport)
		set(&o)
		self, err := w.repository(t, o).Self(t.Context())
		if err != nil || self.Login != "writer" {
			t.Errorf("%s: got %+v, %v", name, self, err)
		}
	}
	for name, set := range map[string]func(*bitbucket.Options){
		"none":                  func(*bitbucket.Options) {},
		"another's address":     func(o *bitbucket.Options) { o.Email, o.Token = "admin@example.com", "token-of-writer" },
		"wrong token":           func(o *bitbucket.Options) { o.Token = "wrong-token" },
		"wrong consumer secret": func(o *bitbucket.Options) { o.Key, o.Secret = "writer", "wrong-token" },
	} {
		o := w.options(w.server.Client().Transport)
		set(&o)
		r := w.repository(t, o)
		_, err := r.Self(t.Context())
		if name == "wrong token" { // whose an access token is nobody can ask, were it a good one
			_, err = r.Info(t.Context())
		}
		f, ok := errors.AsType[*fault.Error](err)
		if !errors.Is(err, providers.ErrUnauthorized) || !ok || f.Hint == "" || strings.Contains(err.Error(), "-token") {
			t.Errorf("%s: got the error %v", name, err)
		}
	}
}

// TestRenewal proves that a consumer gets one token for many requests, and
// another one before the first ends.
func TestRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"a.txt": {Content: []byte("a\n")}})
	seen := &recorder{RoundTripper: w.server.Client().Transport}
	now := time.Now()
	o := w.options(seen)
	o.Key, o.Secret = "writer", "token-of-writer"
	o.Transport.Now = func() time.Time { return now }
	r := w.repository(t, o)
	grants := func() int {
		t.Helper()
		if _, err := r.Resolve(t.Context(), "main"); err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(seen.told(), func(told string) bool { return told != "POST /site/oauth2/access_token" }))
	}
	var got []int
	for _, passes := range []time.Duration{0, time.Minute, time.Hour, time.Hour, 0} {
		now = now.Add(passes)
		got = append(got, grants())
	}
	if diff := cmp.Diff([]int{1, 0, 0, 1, 0}, got); diff != "" {
		t.Error(diff)
	}
}
