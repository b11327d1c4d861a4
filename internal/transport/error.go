package transport

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/redact"
)

// RateLimitError says that the forge takes no more requests for now, and that
// waiting would take longer than the context lives, or did not help. What was
// asked for has not been done.
type RateLimitError struct {
	Host       string
	RetryAfter time.Duration // 0 if the forge does not tell
}

// Error says who refuses, and for how long.
func (e *RateLimitError) Error() string {
	if e.RetryAfter <= 0 {
		return fmt.Sprintf("%s takes no more requests for now: its rate limit is reached", e.Host)
	}
	wait := e.RetryAfter
	if wait > time.Second {
		wait = wait.Round(time.Second)
	}
	return fmt.Sprintf("%s takes no more requests for %s: its rate limit is reached", e.Host, wait)
}

// UnansweredError says that a write may have been done: the connection was lost
// after it was sent, or a gateway answered in the place of the forge. It must
// not be sent again before a look at what is there.
type UnansweredError struct {
	Method, URL string // the URL is without what is secret
	Err         error  // what came instead of an answer
}

// Error says what was sent and what came.
func (e *UnansweredError) Error() string {
	return fmt.Sprintf("%s %s: it may have been done, but no answer came: %v", e.Method, e.URL, e.Err)
}

// Unwrap returns what came instead of an answer.
func (e *UnansweredError) Unwrap() error { return e.Err }

// statusError is a reply that is no answer.
type statusError struct{ status string }

func (e *statusError) Error() string { return "the reply was " + e.status }

// shown returns a URL as it may be shown.
func (t *tripper) shown(u *url.URL) string { return t.options.Redact.String(withoutSecrets(u)) }

// Clean takes what is secret out of the URL that net/http puts into err, and
// returns err.
func Clean(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		if u, parseErr := url.Parse(e.URL); parseErr == nil {
			e.URL = withoutSecrets(u)
		}
	}
	return err
}

// withoutSecrets returns a URL as it may be shown: without user and password,
// and with a mark for each parameter that holds a credential.
func withoutSecrets(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	if shown.RawQuery != "" {
		parts := strings.Split(shown.RawQuery, "&")
		for i, part := range parts {
			if name, _, ok := strings.Cut(part, "="); ok && isSecretName(name) {
				parts[i] = name + "=" + redact.Mark
			}
		}
		shown.RawQuery = strings.Join(parts, "&")
	}
	return shown.String()
}

// isSecretName reports whether a parameter's name is one by which forges, and
// the stores that they redirect to, take credentials and signatures.
func isSecretName(name string) bool {
	name = strings.ToLower(name)
	for _, suffix := range []string{"token", "secret", "password", "signature", "credential"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return name == "sig" || name == "jwt" || name == "code"
}

// addSecrets has the credentials in a URL taken out of errors: those of
// http.Client show where it was redirected to.
func (t *tripper) addSecrets(u *url.URL) {
	if password, ok := u.User.Password(); ok {
		t.options.Redact.Add(password)
	}
	for name, values := range u.Query() {
		if isSecretName(name) {
			for _, value := range values {
				t.options.Redact.Add(value)
			}
		}
	}
}
