package github_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/github"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// appKey is made once: that takes a while.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pemOf(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// authority gives out tokens of an App's installation, as
// https://docs.github.com/en/rest/apps/apps describes, and lets all else go on
// to next.
type authority struct {
	next  http.RoundTripper
	token string
	now   func() time.Time

	mu      sync.Mutex
	made    int // tokens
	looked  int // for the installation
	problem error
}

func (a *authority) RoundTrip(req *http.Request) (*http.Response, error) {
	isToken := strings.HasSuffix(req.URL.Path, "/app/installations/7/access_tokens")
	if !isToken && !strings.HasSuffix(req.URL.Path, "/installation") {
		return a.next.RoundTrip(req)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := httptest.NewRecorder()
	if err := a.verify(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")); err != nil {
		a.problem = errors.Join(a.problem, err)
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message": "A JSON web token could not be decoded", "documentation_url": "https://docs.github.com/rest"}`)
		return w.Result(), nil
	}
	if isToken {
		a.made++
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token": %q, "expires_at": %q, "permissions": {"checks": "write", "contents": "write", "members": "read", "metadata": "read", "pull_requests": "write", "statuses": "write"}, "repository_selection": "all"}`,
			a.token, a.now().Add(time.Hour).UTC().Format(time.RFC3339))
	} else {
		a.looked++
		if strings.Contains(req.URL.Path, "/nowhere/") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}`)
			return w.Result(), nil
		}
		fmt.Fprint(w, `{"id": 7, "app_id": 42}`)
	}
	return w.Result(), nil
}

// verify reads a JWT with the public key.
func (a *authority) verify(jwt string) error {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%q is no JWT", jwt)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&appKey().PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		return err
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	now := a.now().Unix()
	if claims.Iss != "42" || claims.Iat > now || claims.Exp < now || claims.Exp > now+600 {
		return fmt.Errorf("the claims are %s", text)
	}
	return nil
}

// asApp makes options those of an App.
func asApp(o github.Options, a *authority) github.Options {
	a.next, a.now = o.Transport.Base, time.Now
	if o.Transport.Now != nil {
		a.now = o.Transport.Now
	}
	o.Token, o.App = "", &github.App{ID: "42", Key: pemOf(appKey())}
	o.Transport.Base = a
	return o
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestAppTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f, _ := providertest.OverMemory(t, w.store, map[string]providertest.File{"a.txt": {Content: "a\n"}})
	w.store.AddToken(memory.Token{Value: "ghs_installation", Login: string(providertest.Writer), Kind: "installation"})
	c := &clock{now: time.Now()}
	a := &authority{token: "ghs_installation"}
	o := w.options("", w.server.Client().Transport)
	o.Transport.Now = c.Now
	o = asApp(o, a)
	forge, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := forge.Repository(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		made  int
	}{{0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Hour, 3}} {
		c.advance(step.after)
		if _, err := r.Info(t.Context()); err != nil {
			t.Fatalf("after %s: %v (%v)", step.after, err, a.problem)
		}
		if a.made != step.made || a.looked != 1 {
			t.Errorf("after %s there are %d tokens, want %d, and the installation was looked for %d times", step.after, a.made, step.made, a.looked)
		}
	}

	// Another owner's repositories need another token, and there is no
	// installation for them.
	other, err := forge.Repository("nowhere/config")
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Info(t.Context())
	if f, ok := errors.AsType[*fault.Error](err); !ok || !errors.Is(err, providers.ErrNotFound) || !strings.Contains(f.Hint, "install the App") {
		t.Errorf("got the error %v, want one that says to install the App", err)
	}
}

func TestAppWithWrongKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	o := asApp(w.options("", w.server.Client().Transport), &authority{})
	o.App.Key = pemOf(key)
	_, err = w.repository(t, o, "acme/config").Info(t.Context())
	if f, ok := errors.AsType[*fault.Error](err); !ok || !errors.Is(err, providers.ErrUnauthorized) || !strings.Contains(f.Hint, "private key") {
		t.Errorf("got the error %v, want one that says to check the private key", err)
	}
}

func TestNewRefusesApps(t *testing.T) {
	t.Parallel()
	good := pemOf(appKey())
	for name, o := range map[string]github.Options{
		"no key":        {App: &github.App{ID: "42"}},
		"no PEM":        {App: &github.App{ID: "42", Key: []byte("secret")}},
		"broken":        {App: &github.App{ID: "42", Key: []byte("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")}},
		"no ID":         {App: &github.App{Key: good}},
		"both":          {App: &github.App{ID: "42", Key: good}, Token: "x"},
		"line break":    {Token: "ghp_x\n"},
		"server":        {Server: "github.com"},
		"user in API":   {API: "https://me:secret@api.github.com"},
		"scheme":        {Server: "ssh://github.com"},
		"query in name": {Server: "https://github.com?x"},
	} {
		_, err := github.New(o)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Hint == "" || f.Code != fault.Usage {
			t.Errorf("%s: got the error %v, want a fault with a hint", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
	if _, err := github.New(github.Options{App: &github.App{ID: "42", Key: good}}); err != nil {
		t.Error(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(appKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := github.New(github.Options{App: &github.App{ID: "42", Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})}}); err != nil {
		t.Error(err)
	}
}
