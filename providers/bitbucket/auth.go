package bitbucket

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// authorization returns what adds the credential to a request, nil for none.
func authorization(o Options) (func(context.Context, http.Header) error, error) {
	switch {
	case o.Key != "" || o.Secret != "":
		if o.Key == "" || o.Secret == "" || o.Token != "" || o.Email != "" {
			return nil, fault.New(fault.Usage, "give the consumer's key and its secret, and no token",
				"the credential for Bitbucket is not one of an OAuth consumer")
		}
		return newConsumer(o).authorize, nil
	case o.Email != "" && !strings.Contains(o.Email, "@"):
		// https://www.atlassian.com/blog/bitbucket/bitbucket-cloud-transitions-to-api-tokens-enhancing-security-with-app-password-deprecation
		return nil, fault.New(fault.Usage,
			"make an API token with scopes at https://id.atlassian.com/manage-profile/security/api-tokens and give the account's email address with it",
			"%q is no email address: Bitbucket took app passwords, which go with a username, until 28 July 2026", o.Email)
	case o.Email != "" && o.Token == "":
		return nil, fault.New(fault.Usage, "give the API token too", "there is an email address for Bitbucket and no API token")
	case o.Email != "":
		return header("Basic " + base64.StdEncoding.EncodeToString([]byte(o.Email+":"+o.Token))), nil
	case o.Token != "":
		return header("Bearer " + o.Token), nil
	}
	return nil, nil
}

func header(value string) func(context.Context, http.Header) error {
	return func(_ context.Context, h http.Header) error {
		h.Set("Authorization", value)
		return nil
	}
}

// consumer is an OAuth consumer, which gets itself tokens that live for two
// hours (https://developer.atlassian.com/cloud/bitbucket/oauth-2/).
type consumer struct {
	http   *http.Client
	url    string
	now    func() time.Time
	redact *redact.Secrets

	mu      sync.Mutex
	token   string
	expires time.Time
}

// early is how long before its end a token is renewed, so that none ends
// underway.
const early = 5 * time.Minute

func newConsumer(o Options) *consumer {
	t := o.Transport
	t.Origins = []string{o.Server}
	t.Authorize = header("Basic " + base64.StdEncoding.EncodeToString([]byte(o.Key+":"+o.Secret)))
	now := t.Now
	if now == nil {
		now = time.Now
	}
	t.Redact.Add(o.Secret)
	return &consumer{http: transport.New(t), url: o.Server + "/site/oauth2/access_token", now: now, redact: t.Redact}
}

func (c *consumer) authorize(ctx context.Context, h http.Header) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == "" || c.now().After(c.expires.Add(-early)) {
		if err := c.renew(ctx); err != nil {
			return err
		}
	}
	h.Set("Authorization", "Bearer "+c.token)
	return nil
}

func (c *consumer) renew(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	// A token too many does no harm.
	req, err := http.NewRequestWithContext(transport.Idempotent(ctx), http.MethodPost, c.url, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("get a token for the OAuth consumer: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("get a token for the OAuth consumer: %w", transport.Clean(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxError))
	if err != nil {
		return fmt.Errorf("get a token for the OAuth consumer: %w", err)
	}
	var reply struct {
		Token   string `json:"access_token"`
		Seconds int64  `json:"expires_in"`
		Problem string `json:"error_description"`
	}
	if json.Unmarshal(body, &reply) != nil || resp.StatusCode != http.StatusOK || reply.Token == "" {
		f := fault.New(fault.Access, "check the key and the secret of the OAuth consumer, and that it is a private consumer with a callback URL",
			"Bitbucket gives the OAuth consumer no token")
		f.Err = because(providers.ErrUnauthorized, c.redact.String(oneLine(reply.Problem)))
		return f
	}
	c.redact.Add(reply.Token)
	c.token, c.expires = reply.Token, c.now().Add(time.Duration(reply.Seconds)*time.Second)
	return nil
}
