package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/towpath-dev/towpath/internal/redact"
)

func TestString(t *testing.T) {
	t.Parallel()
	const secret = `gl/pat+"sè cret%1234567`
	const pem = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEAvRZf\nqQfLw8o=\n-----END KEY-----\n"
	quoted, err := json.Marshal(pem)
	if err != nil {
		t.Fatal(err)
	}
	var s redact.Secrets
	for _, add := range []string{"", "abcde", "tokenA", "tokenA-longer", "  padded-token\n", secret, pem} {
		s.Add(add)
	}
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "no secret here", "no secret here"},
		{"too short", "abcde", "abcde"},
		{"plain", "x tokenA y", "x … y"},
		{"the longer one", "tokenA-longer", "…"},
		{"twice", "tokenA tokenA", "… …"},
		{"space around", "[padded-token]", "[…]"},
		{"odd characters", "<" + secret + ">", "<…>"},
		{"query", "https://h/?t=" + url.QueryEscape(secret) + "&x=1", "https://h/?t=…&x=1"},
		{"path", "https://h/" + url.PathEscape(secret) + "/x", "https://h/…/x"},
		{"lower-case escapes", "gl%2fpat%2b%22s%c3%a8+cret%251234567", "…"},
		{"quoted", fmt.Sprintf("%q", secret), `"…"`},
		{"whole key", "key: " + strings.TrimSpace(pem), "key: …"},
		{"key in JSON", strings.Replace(string(quoted), `\n"`, `"`, 1), `"…"`},
		{"line of a key", "x MIIEpAIBAAKCAQEAvRZf y", "x … y"},
		{"its first line", "-----BEGIN KEY-----", "-----BEGIN KEY-----"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := s.String(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestStringBase64(t *testing.T) {
	t.Parallel()
	const secret = "ghp_0123456789abcdefABCDEF~~??"
	var s redact.Secrets
	s.Add(secret)
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		for _, user := range []string{"", "x:", "me:", "bot:", "user@acme.io:"} {
			encoded := encoding.EncodeToString([]byte(user + secret + ":"))
			got := s.String("Basic " + encoded)
			head, tail, ok := strings.Cut(got, redact.Mark)
			if !ok {
				t.Errorf("%q: it is still there: %s", user, got)
				continue
			}
			// What is left over holds bits of the neighbours and at most some of
			// the first and the last byte.
			if len(head) > len("Basic ")+(len(user)+1)*8/6+1 || len(tail) > 4 {
				t.Errorf("%q: too much is left: %s", user, got)
			}
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	var s redact.Secrets
	s.Add("tokenA")
	cause := &url.Error{Op: "Get", URL: "https://h/?t=tokenA", Err: io.ErrUnexpectedEOF}
	err := s.Error(fmt.Errorf("read: %w", cause))
	if got, want := err.Error(), `read: Get "https://h/?t=…": unexpected EOF`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is not in the tree")
	}
	if got := s.Error(io.EOF); got != io.EOF { //nolint:errorlint // the very same value is wanted
		t.Errorf("got %v for an error without a secret, want itself", got)
	}
	if got := s.Error(nil); got != nil {
		t.Errorf("got %v for nil", got)
	}
}

func TestNone(t *testing.T) {
	t.Parallel()
	var none *redact.Secrets
	none.Add("tokenA")
	var zero redact.Secrets
	for _, s := range []*redact.Secrets{none, &zero} {
		if got := s.String("tokenA"); got != "tokenA" {
			t.Errorf("got %q", got)
		}
		if got := s.Error(io.EOF); got != io.EOF { //nolint:errorlint // the very same value is wanted
			t.Errorf("got %v", got)
		}
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	var s redact.Secrets
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			secret := fmt.Sprintf("secret-%d", i)
			for range 50 {
				s.Add(secret)
				if got := s.String("x" + secret); got != "x…" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzString(f *testing.F) {
	f.Add("tokenA", "x tokenA y")
	f.Add("a b%", "a+b%25")
	f.Add("line one of a key\nline two of a key", "line two of a key")
	f.Fuzz(func(t *testing.T, secret, text string) {
		var s redact.Secrets
		s.Add(secret)
		got := s.String(text + secret + text)
		secret = strings.TrimSpace(secret)
		if len(secret) < 6 {
			return
		}
		// Its pieces may meet around a mark; without one it must not stand there.
		for piece := range strings.SplitSeq(got, redact.Mark) {
			if strings.Contains(piece, secret) && !strings.Contains(secret, redact.Mark) {
				t.Errorf("%q is still in %q", secret, got)
			}
		}
	})
}
