package transport_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tagged is a server whose replies have an ETag, made of the path and of how
// often the contents changed.
type tagged struct {
	*httptest.Server
	version atomic.Int64
	full    atomic.Int64 // replies with contents
	size    int
	headers []string
}

func newTagged(t *testing.T, size int, headers ...string) *tagged {
	t.Helper()
	s := &tagged{size: size, headers: headers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *tagged) content(path, who string) string {
	return fmt.Sprintf("%s %s %d ", path, who, s.version.Load()) + strings.Repeat("x", s.size)
}

func (s *tagged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tag := fmt.Sprintf(`"%s-%d"`, r.URL.Path, s.version.Load())
	w.Header().Set("ETag", tag)
	w.Header().Set("X-Count", fmt.Sprint(s.full.Load()))
	for _, header := range s.headers {
		name, value, _ := strings.Cut(header, ": ")
		w.Header().Set(name, value)
	}
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.full.Add(1)
	_, _ = io.WriteString(w, s.content(r.URL.Path, r.Header.Get("Authorization")+r.Header.Get("Accept")))
}

// get asks for a path and reports whether the reply was kept.
func (s *tagged) get(t *testing.T, client *http.Client, path string, headers ...string) (kept bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return false
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		return false
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Status != "200 OK" {
		t.Errorf("got %s, %v", resp.Status, err)
	}
	if want := s.content(path, req.Header.Get("Authorization")+req.Header.Get("Accept")); string(text) != want {
		t.Errorf("got %.40q, want %.40q", text, want)
	}
	if resp.ContentLength >= 0 && resp.ContentLength != int64(len(text)) {
		t.Errorf("got a length of %d for %d bytes", resp.ContentLength, len(text))
	}
	if resp.Request != req {
		t.Error("the reply's request is not the one that was made")
	}
	return resp.Header.Get("X-From-Cache") == "1"
}

func TestCache(t *testing.T) {
	t.Parallel()
	server := newTagged(t, 10)
	client := newClient(t, options(newClock(), server.URL))
	for i, step := range []struct {
		path    string
		headers []string
		change  bool
		kept    bool
	}{
		{path: "/a"},
		{path: "/a", kept: true},
		{path: "/a", kept: true},
		{path: "/b"},
		{path: "/a", headers: []string{"Accept: raw"}},
		{path: "/a", headers: []string{"Accept: raw"}, kept: true},
		{path: "/a", headers: []string{"Authorization: me"}},
		{path: "/a", headers: []string{"Authorization: you"}},
		{path: "/a", headers: []string{"Authorization: me"}, kept: true},
		{path: "/a", headers: []string{`If-None-Match: "/a-0"`}},
		{path: "/a", change: true},
		{path: "/a", kept: true},
	} {
		if step.change {
			server.version.Add(1)
		}
		if kept := server.get(t, client, step.path, step.headers...); kept != step.kept {
			t.Errorf("step %d: kept is %t, want %t", i, kept, step.kept)
		}
	}
}

func TestCacheHeaders(t *testing.T) {
	t.Parallel()
	server := newTagged(t, 10)
	client := newClient(t, options(newClock()))
	for _, want := range []string{"0", "1"} { // the newer one of the two
		resp, err := client.Get(server.URL) //nolint:noctx // a test's
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("X-Count"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNotCached(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		size    int
		headers []string
		cache   int64
	}{
		"no cache":    {size: 10, cache: -1},
		"too large":   {size: 5000, cache: 8 << 10},
		"its length":  {size: 5000, cache: 8 << 10, headers: []string{"Content-Length: 5006"}},
		"not to keep": {size: 10, headers: []string{"Cache-Control: private, No-Store"}},
		"an archive":  {size: 10, headers: []string{"Content-Type: application/x-gzip; x=y"}},
		"any vary":    {size: 10, headers: []string{"Vary: *"}},
		"no tag":      {size: 10, headers: []string{"ETag: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTagged(t, test.size, test.headers...)
			o := options(newClock())
			o.CacheSize = test.cache
			client := newClient(t, o)
			for range 2 {
				if server.get(t, client, "/a") {
					t.Error("it was kept")
				}
			}
		})
	}
}

func TestCacheDate(t *testing.T) {
	t.Parallel()
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	server := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", date)
		if r.Header.Get("If-Modified-Since") == date {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, "old")
	})
	client := newClient(t, options(newClock()))
	for range 2 {
		if status, body, err := do(t, client, t.Context(), http.MethodGet, server.URL); status != 200 || body != "old" {
			t.Errorf("got %d %q, %v", status, body, err)
		}
	}
}

// TestCacheFull has room for five replies of a thousand bytes, headers included.
func TestCacheFull(t *testing.T) {
	t.Parallel()
	server := newTagged(t, 900)
	o := options(newClock())
	o.CacheSize = 10_500
	client := newClient(t, o)
	for i := range 5 {
		server.get(t, client, fmt.Sprintf("/%d", i))
	}
	if !server.get(t, client, "/0") {
		t.Error("the first was not kept")
	}
	server.get(t, client, "/5") // takes the place of /1, which is the longest unused
	if server.get(t, client, "/1") {
		t.Error("the longest unused one was kept")
	}
	if !server.get(t, client, "/0") {
		t.Error("one that was used was not kept")
	}
}

func TestCacheConcurrent(t *testing.T) {
	t.Parallel()
	server := newTagged(t, 100)
	o := options(newClock())
	o.CacheSize = 16 << 10
	client := newClient(t, o)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				server.get(t, client, fmt.Sprintf("/%d", (i+j)%12))
			}
		})
	}
	wg.Wait()
	if server.full.Load() >= 8*20 {
		t.Error("nothing was kept")
	}
}

// TestCacheLimit has a reply that says that nothing changed say also that no
// request is left.
func TestCacheLimit(t *testing.T) {
	t.Parallel()
	c := newClock()
	server := newTagged(t, 10, "X-RateLimit-Remaining: 0", fmt.Sprintf("X-RateLimit-Reset: %d", c.time.Unix()+60))
	client := newClient(t, options(c))
	for range 2 {
		server.get(t, client, "/a")
	}
	if len(c.sleeps()) != 1 {
		t.Errorf("slept %v", c.sleeps())
	}
}
