package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// App is a GitHub App, which acts through its installation with the owner of a
// repository.
type App struct {
	ID           string // its number or client ID
	Key          []byte // private key in PEM, as GitHub gives it out
	Installation int64  // 0 means that of the repository's owner
}

type appKey struct {
	id           string
	key          *rsa.PrivateKey
	installation int64
}

func parseApp(a App) (*appKey, error) {
	bad := func(format string, args ...any) (*appKey, error) {
		return nil, fault.New(fault.Usage, "give the file that GitHub let you download as the App's private key", format, args...)
	}
	if a.ID == "" {
		return nil, fault.New(fault.Usage, "give the App ID or client ID from the App's settings", "the GitHub App has no ID")
	}
	block, _ := pem.Decode(a.Key)
	if block == nil {
		return bad("the private key of the GitHub App is not in PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return &appKey{a.ID, key, a.Installation}, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return bad("the private key of the GitHub App cannot be read")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return bad("the private key of the GitHub App is no RSA key")
	}
	return &appKey{a.ID, key, a.Installation}, nil
}

const (
	// A JWT must expire within 10 minutes, and begin a minute ago for clocks that
	// are slow
	// (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app).
	jwtSlack = time.Minute
	jwtLife  = 9 * time.Minute

	// renewal is how long before its end, an hour after its beginning, the token
	// of an installation is replaced.
	renewal = 5 * time.Minute
)

// jwt returns what the App proves itself by.
func (k *appKey) jwt(now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iat": now.Add(-jwtSlack).Unix(),
		"exp": now.Add(jwtLife).Unix(),
		"iss": k.id,
	})
	if err != nil {
		return "", fmt.Errorf("write the claims of the App: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign as the App: %w", err)
	}
	return text + "." + encode(signature), nil
}

func bearer(token string) func(context.Context, http.Header) error {
	return func(_ context.Context, h http.Header) error {
		h.Set("Authorization", "Bearer "+token)
		return nil
	}
}

// installation is where an App's token for the repositories of an owner comes
// from.
type installation struct {
	forge *Forge
	repo  providers.Repo // by which it is found

	mu          sync.Mutex
	id          int64
	token       string
	expires     time.Time
	permissions map[string]string
}

func (i *installation) authorize(ctx context.Context, h http.Header) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.forge.now()
	if i.token == "" || now.Add(renewal).After(i.expires) {
		if err := i.renew(ctx, now); err != nil {
			return err
		}
	}
	h.Set("Authorization", "Bearer "+i.token)
	return nil
}

func (i *installation) renew(ctx context.Context, now time.Time) error {
	jwt, err := i.forge.key.jwt(now)
	if err != nil {
		return err
	}
	o := i.forge.options.Transport
	o.Authorize = bearer(jwt)
	o.CacheSize = -1
	r := &repository{forge: i.forge, repo: i.repo, c: &client{Client: i.forge.newClient(o)}}
	if i.id == 0 {
		found, _, err := r.c.Apps.FindRepositoryInstallation(ctx, i.repo.Owner(), i.repo.Name())
		if statusOf(err) == http.StatusNotFound {
			err = &problem{
				fault.NotFound, "install the App on the account " + i.repo.Owner() + " and let it see the repository",
				fmt.Errorf("%w: the GitHub App is not installed there", providers.ErrNotFound),
			}
		}
		if err != nil {
			return r.wrap("find the installation of the GitHub App", err)
		}
		i.id = found.GetID()
	}
	// To make one more token does no harm.
	token, _, err := r.c.Apps.CreateInstallationToken(repeatable(ctx), i.id, &gh.InstallationTokenOptions{})
	if err != nil {
		return r.wrap("make a token for the GitHub App", err)
	}
	i.token, i.expires = token.GetToken(), token.GetExpiresAt().Time
	i.forge.options.Transport.Redact.Add(i.token)
	i.permissions = permissionsOf(token.GetPermissions())
	return nil
}

// permissionsOf returns the permissions by the names that GitHub has for them.
func permissionsOf(p *gh.InstallationPermissions) map[string]string {
	named := map[string]string{}
	text, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(text, &named)
	}
	if err != nil {
		return nil
	}
	return named
}

func (f *Forge) now() time.Time {
	if f.options.Transport.Now != nil {
		return f.options.Transport.Now()
	}
	return time.Now()
}

// isBot reports whether a login is that of an App, as all but GraphQL's authors
// have it (https://github.com/digdir/designsystemet/pull/5338).
func isBot(login string) bool { return strings.HasSuffix(login, "[bot]") }
