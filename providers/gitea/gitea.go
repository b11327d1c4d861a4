// Package gitea owns what towpath knows of Gitea and of Forgejo, which has the
// same API: it makes the contract of package providers out of theirs. It keeps
// the client library to itself, and works around what that leaves out.
//
// It does not clone, and does not know what a commit or pull request is for.
// What old servers and Forgejo lack is asked for once, and then done without or
// refused with [errors.ErrUnsupported].
package gitea

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// Options say which server to speak to, and as whom.
type Options struct {
	Server      string // such as https://gitea.acme.io, with the path below which it is served, if any
	API         string // "" means Server with /api/v1
	Token       string // an access token; "" means nobody, who may read what is public
	DraftPrefix string // of titles of drafts, one of the server's WORK_IN_PROGRESS_PREFIXES; "" means WIP:

	// Transport is for the client underneath; Origins and Authorize are replaced.
	Transport transport.Options
}

// Forge is a server. Its methods may be called from several goroutines.
type Forge struct {
	host   string // for people
	root   string // of the API, without /api/v1
	prefix string // of titles of drafts
	api    *http.Client
	raw    *http.Client // for replies that are no JSON
	sleep  func(context.Context, time.Duration) error
	redact *redact.Secrets

	noBatch   atomic.Bool // the server cannot read several files at once
	noRefMove atomic.Bool // the server cannot move a branch

	mu      sync.Mutex
	self    *providers.User
	opening map[string]chan struct{} // by what is opened, closed when it was
}

const apiPath = "/api/v1"

// New returns a forge. It does no I/O, and fails with a *fault.Error if an
// address is none.
func New(o Options) (*Forge, error) {
	if o.API == "" {
		o.API = strings.TrimSuffix(o.Server, "/") + apiPath
	}
	o.API = strings.TrimSuffix(o.API, "/")
	u, err := url.Parse(o.API)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" {
		return nil, fault.New(fault.Usage, "give one such as https://gitea.acme.io", "that is no address of a Gitea server")
	}
	if !strings.HasSuffix(o.API, apiPath) {
		return nil, fault.New(fault.Usage, "it ends in "+apiPath, "%s is no address of Gitea's API", o.API)
	}
	f := &Forge{
		host:   u.Host,
		root:   strings.TrimSuffix(o.API, apiPath),
		prefix: o.DraftPrefix,
		sleep:  o.Transport.Sleep,
		redact: o.Transport.Redact,

		opening: map[string]chan struct{}{},
	}
	if f.prefix == "" {
		f.prefix = "WIP:"
	}
	if f.sleep == nil {
		f.sleep = transport.Sleep
	}
	if f.redact == nil {
		f.redact = new(redact.Secrets)
	}
	t := o.Transport
	t.Redact = f.redact
	t.Origins = []string{u.Scheme + "://" + u.Host}
	t.Authorize = nil
	if token := strings.TrimSpace(o.Token); token != "" {
		f.redact.Add(token)
		t.Authorize = func(_ context.Context, h http.Header) error {
			h.Set("Authorization", "token "+token)
			return nil
		}
	}
	client := transport.New(t)
	f.api = &http.Client{Transport: &checked{client: client, host: f.host, redact: f.redact, json: true}}
	f.raw = &http.Client{Transport: &checked{client: client, host: f.host, redact: f.redact}}
	return f, nil
}

// Repository returns the repository at a path, such as acme/config. It does no
// I/O, and fails with a *fault.Error if that can be no path.
func (f *Forge) Repository(path string) (providers.Repository, error) {
	owner, name, ok := strings.Cut(path, "/")
	if !ok || !isName(owner) || !isName(name) {
		return nil, fault.New(fault.Usage, "write it as owner/name", "%q is no repository on %s", path, f.host)
	}
	return &repository{forge: f, path: path, owner: owner, name: name, heads: map[string]string{}}, nil
}

// isName reports whether a text can be a segment of a path that names nothing
// else: a dot or two would lead elsewhere.
func isName(text string) bool {
	return text != "" && text != "." && text != ".." && !strings.Contains(text, "/")
}

// repository is a repository on a forge.
type repository struct {
	forge       *Forge
	path        string // owner/name
	owner, name string

	mu    sync.Mutex
	trees []tree            // the last few that were listed whole
	heads map[string]string // where branches were seen
}

var (
	_ providers.Receiver        = (*Forge)(nil)
	_ providers.Repository      = (*repository)(nil)
	_ providers.Looker          = (*repository)(nil)
	_ providers.BranchDeleter   = (*repository)(nil)
	_ providers.Labeler         = (*repository)(nil)
	_ providers.ReviewRequester = (*repository)(nil)
	_ providers.Assigner        = (*repository)(nil)
	_ providers.Drafter         = (*repository)(nil)
	_ providers.AutoMerger      = (*repository)(nil)
	_ providers.Reactor         = (*repository)(nil)
	_ providers.Teams           = (*repository)(nil)
	_ providers.Issues          = (*repository)(nil)
	_ providers.Hooks           = (*repository)(nil)
	_ providers.Examiner        = (*repository)(nil)
)

// sdk returns a client of the library for one call: the library takes a context
// for a client, not for a request. Making one does no I/O if it is told not to
// ask for the server's version.
func (f *Forge) sdk(ctx context.Context) *sdk.Client {
	c, _ := sdk.NewClient(f.root, sdk.SetGiteaVersion(""), sdk.SetContext(ctx), sdk.SetHTTPClient(f.api))
	return c
}
