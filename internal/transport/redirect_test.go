package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/transport"
)

// secretive sends a GET with everything that a client library might put on it.
func secretive(t *testing.T, client *http.Client, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PRIVATE-TOKEN": "library", "JOB-TOKEN": "library", "Cookie": "a=library", "X-New-Token": "library",
		"Accept": "application/json", "Range": "bytes=0-",
	} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func authorized(c *clock, origins ...string) transport.Options {
	o := options(c, origins...)
	o.Authorize = func(_ context.Context, h http.Header) error {
		h.Set("Authorization", "Bearer library")
		return nil
	}
	return o
}

// secretsOf returns the headers that hold a secret.
func secretsOf(r *http.Request) []string {
	var names []string
	for _, name := range []string{"Authorization", "Cookie", "Job-Token", "Private-Token", "X-New-Token"} {
		if strings.Contains(r.Header.Get(name), "library") {
			names = append(names, name)
		}
	}
	return names
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	all := []string{"Authorization", "Cookie", "Job-Token", "Private-Token", "X-New-Token"}
	other := newScript(t, reply(200, ""))
	forge := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/archive?token=temporary", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/repositories/1", http.StatusMovedPermanently)
		}
	})
	client := newClient(t, authorized(newClock(), strings.ToUpper(forge.URL[:4])+forge.URL[4:]+"/api/v3"))
	own := &http.Client{Transport: client.Transport} // as a library makes it
	for _, test := range []struct {
		name   string
		client *http.Client
		url    string
		last   *script
		want   []string
	}{
		{"the forge", client, forge.URL, forge, all},
		{"moved within", client, forge.URL + "/moved", forge, all},
		{"redirected away", client, forge.URL + "/away", other, nil},
		{"asked elsewhere", client, other.URL, other, nil},
		{"redirected away by another client", own, forge.URL + "/away", other, nil},
	} {
		if err := secretive(t, test.client, test.url); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		seen := test.last.requests()
		last := seen[len(seen)-1]
		if diff := cmp.Diff(test.want, secretsOf(last)); diff != "" {
			t.Errorf("%s: the last request's secrets (-want +got):\n%s", test.name, diff)
		}
		if last.Header.Get("Accept") != "application/json" || last.Header.Get("Range") == "" {
			t.Errorf("%s: harmless headers are gone: %v", test.name, last.Header)
		}
	}
}

func TestDowngrade(t *testing.T) {
	t.Parallel()
	plain := newScript(t, reply(200, ""))
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	o := options(newClock())
	o.Base = secure.Client().Transport
	client := newClient(t, o)
	for name, c := range map[string]*http.Client{"ours": client, "a library's": {Transport: client.Transport}} {
		_, _, err := do(t, c, t.Context(), http.MethodGet, secure.URL)
		if err == nil || !strings.Contains(err.Error(), "https to http") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := len(plain.requests()); n != 0 {
		t.Errorf("%d requests were sent in clear", n)
	}
}

func TestRedirectedWrite(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := newScript(t, reply(status, "", "Location: /elsewhere"))
		client := newClient(t, options(newClock()))
		got, _, err := do(t, client, t.Context(), http.MethodPost, server.URL)
		if got != status || err != nil || len(server.requests()) != 1 {
			t.Errorf("%d: got %d, %v, after %d requests", status, got, err, len(server.requests()))
		}
		// A client without our check must not send the body either.
		_, _, err = do(t, &http.Client{Transport: client.Transport}, t.Context(), http.MethodPut, server.URL)
		if err == nil {
			t.Errorf("%d: it was followed", status)
		}
		for _, r := range server.requests() {
			if r.URL.Path == "/elsewhere" && r.Method != http.MethodGet {
				t.Errorf("%d: %s was sent elsewhere", status, r.Method)
			}
		}
	}
}

func TestRedirectLoop(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(302, "", "Location: /again"))
	_, _, err := do(t, newClient(t, options(newClock())), t.Context(), http.MethodGet, server.URL)
	if err == nil || !strings.Contains(err.Error(), "stopped after 10 redirects") {
		t.Errorf("got %v", err)
	}
}

// TestRedirectedSecret has the place of an archive, which holds a token, stay
// out of the error.
func TestRedirectedSecret(t *testing.T) {
	t.Parallel()
	o := options(newClock())
	o.Base = trip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "forge.test" {
			return &http.Response{
				StatusCode: http.StatusFound, Body: http.NoBody,
				Header: http.Header{"Location": {"https://archives.test/x?token=temporary-1"}},
			}, nil
		}
		return nil, errors.New("cannot reach " + r.URL.String())
	})
	_, _, err := do(t, newClient(t, o), t.Context(), http.MethodGet, "https://forge.test/x")
	if err == nil || strings.Contains(transport.Clean(err).Error(), "temporary-1") {
		t.Errorf("got %v", err)
	}
}
