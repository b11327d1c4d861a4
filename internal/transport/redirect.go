package transport

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 10 // that of net/http

// harmless are the headers that requests to other places than the origins keep.
// All others may hold a credential, whatever their name: net/http itself takes
// only Authorization and Cookie out, and client libraries set headers such as
// PRIVATE-TOKEN (https://docs.gitlab.com/api/rest/authentication/).
var harmless = map[string]bool{
	"Accept":            true,
	"Accept-Encoding":   true,
	"Accept-Language":   true,
	"Content-Encoding":  true,
	"Content-Type":      true,
	"If-Match":          true,
	"If-Modified-Since": true,
	"If-None-Match":     true,
	"Range":             true,
	"User-Agent":        true,
}

// checkRedirect follows redirects of reads only. That of a write is given to
// the caller as it is: it says that the repository has moved, and net/http would
// make a GET of it or send the body to wherever it says.
func (t *tripper) checkRedirect(req *http.Request, via []*http.Request) error {
	if first := via[0].Method; first != http.MethodGet && first != http.MethodHead && first != "" {
		return http.ErrUseLastResponse
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	t.addSecrets(req.URL)
	if err := checkDowngrade(via[len(via)-1].URL, req.URL); err != nil {
		return err
	}
	if !t.isOrigin(req.URL) {
		strip(req.Header)
	}
	return nil
}

var errDowngrade = errors.New("a redirect from https to http is not followed")

func checkDowngrade(from, to *url.URL) error {
	if from.Scheme == "https" && to.Scheme != "https" {
		return errDowngrade
	}
	return nil
}

// checkRedirected refuses what a client without checkRedirect makes of a
// redirect.
func checkRedirected(req *http.Request) error {
	if req.Response == nil || req.Response.Request == nil {
		return nil
	}
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return fmt.Errorf("a redirected %s is not followed", req.Method)
	}
	return checkDowngrade(req.Response.Request.URL, req.URL)
}

func strip(h http.Header) {
	for name := range h {
		if !harmless[http.CanonicalHeaderKey(name)] {
			delete(h, name)
		}
	}
}

// parseOrigin returns scheme://host:port of a URL.
func parseOrigin(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", false
	}
	return originOf(u), true
}

func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func (t *tripper) isOrigin(u *url.URL) bool { return t.origins[originOf(u)] }

// credentials are the headers that hold a credential of one of the forges.
var credentials = []string{"Authorization", "Private-Token", "Job-Token", "Cookie"}

// addCredentials has what a request carries taken out of errors.
func (t *tripper) addCredentials(h http.Header) {
	for _, name := range credentials[:3] {
		for _, value := range h.Values(name) {
			scheme, token, ok := strings.Cut(value, " ")
			if !ok {
				t.options.Redact.Add(value)
				continue
			}
			t.options.Redact.Add(token)
			if !strings.EqualFold(scheme, "Basic") {
				continue
			}
			if decoded, err := base64.StdEncoding.DecodeString(token); err == nil {
				if _, password, ok := strings.Cut(string(decoded), ":"); ok {
					t.options.Redact.Add(password)
				}
			}
		}
	}
}
