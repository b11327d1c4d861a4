// Package bitbucket owns the driver for Bitbucket Cloud: what a repository there
// can be asked and told, over its REST API 2.0
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/), and what its
// webhooks tell.
//
// It does not know Bitbucket Data Center, which has another API. Bitbucket
// Cloud has no labels, assignees, reactions, automatic merges or teams that can
// be asked for, and cannot move a branch: the driver has none of it.
package bitbucket

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

const (
	defaultServer = "https://bitbucket.org"
	defaultAPI    = "https://api.bitbucket.org/2.0"
)

// Options say which Bitbucket, and with which credential: an access token of a
// repository, project or workspace (Token), an API token of a person (Email and
// Token), or an OAuth consumer (Key and Secret). With none, only public
// repositories can be read.
type Options struct {
	Server string // "" means https://bitbucket.org
	API    string // "" means the one of Server: https://api.bitbucket.org/2.0, or /2.0 on another host

	Token  string
	Email  string // of the Atlassian account that an API token belongs to
	Key    string
	Secret string

	// Transport is the HTTP client under the driver; its Origins and Authorize
	// are replaced.
	Transport transport.Options
}

// Forge is Bitbucket Cloud as one credential sees it.
type Forge struct {
	client *client

	// isAccessToken is set for an access token, which is no account's, so that
	// what asks for one gets 401 though the token is good
	// (https://github.com/danger/danger-js/pull/1398).
	isAccessToken bool

	mu     sync.Mutex
	self   *providers.User          // once it is known
	absent map[string]time.Time     // see repository.saw
	busy   map[string]chan struct{} // see repository.alone
}

var _ providers.Receiver = (*Forge)(nil)

// New returns the forge. It does no I/O. A credential that cannot work is a
// *fault.Error.
func New(o Options) (*Forge, error) {
	if o.Server == "" {
		o.Server = defaultServer
	}
	o.Server = strings.TrimRight(o.Server, "/")
	if o.API == "" {
		if o.API = o.Server + "/2.0"; o.Server == defaultServer {
			o.API = defaultAPI
		}
	}
	o.API = strings.TrimRight(o.API, "/")
	for _, address := range []string{o.Server, o.API} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
			return nil, fault.New(fault.Usage, "write it like https://bitbucket.org", "the address of Bitbucket is no URL of a server")
		}
	}
	if o.Transport.Redact == nil {
		o.Transport.Redact = new(redact.Secrets)
	}
	authorize, err := authorization(o)
	if err != nil {
		return nil, err
	}
	c, err := newClient(o, authorize)
	if err != nil {
		return nil, err
	}
	isAccessToken := o.Token != "" && o.Email == "" && o.Key == ""
	return &Forge{client: c, isAccessToken: isAccessToken, absent: map[string]time.Time{}, busy: map[string]chan struct{}{}}, nil
}

// slug is what workspaces and repositories are called, or the UUID of one
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#uri-uuid).
var slug = regexp.MustCompile(`^(?:[A-Za-z0-9_.-]+|\{[0-9a-fA-F-]+\})$`)

// Repository returns the repository workspace/slug. It does no I/O.
func (f *Forge) Repository(path string) (providers.Repository, error) {
	workspace, name, ok := strings.Cut(path, "/")
	if !ok || !slug.MatchString(workspace) || !slug.MatchString(name) || strings.Trim(workspace, ".") == "" || strings.Trim(name, ".") == "" {
		return nil, fault.New(fault.Usage, "write it as bitbucket.org/workspace/repository", "%q is no repository on Bitbucket", path)
	}
	return &repository{
		forge:     f,
		client:    f.client,
		path:      path,
		workspace: workspace,
		slug:      name,
		api:       f.client.api + "/repositories/" + url.PathEscape(workspace) + "/" + url.PathEscape(name),
	}, nil
}

// repository is what a credential can do in one repository.
type repository struct {
	forge     *Forge
	client    *client
	path      string
	workspace string
	slug      string
	api       string // the URL of the repository in the API
}

var (
	_ providers.Repository      = (*repository)(nil)
	_ providers.Looker          = (*repository)(nil)
	_ providers.BranchDeleter   = (*repository)(nil)
	_ providers.ReviewRequester = (*repository)(nil)
	_ providers.Drafter         = (*repository)(nil)
	_ providers.CheckReporter   = (*repository)(nil)
	_ providers.Hooks           = (*repository)(nil)
	_ providers.Examiner        = (*repository)(nil)
)

// at returns the URL of something in the repository. Each part is one segment
// of the path but for what comes out of [segments].
func (r *repository) at(parts ...string) string {
	return r.api + "/" + strings.Join(parts, "/")
}

// segments escapes a path or the name of a branch, whose slashes stand as they
// are.
func segments(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// saw remembers for a little while that there was no branch, or no open pull
// request of one. It saves the look just before a write, once: the write itself
// refuses all but a branch without a commit of its own, and a pull request by
// somebody who was faster.
func (r *repository) saw(kind, name string, present bool) {
	r.forge.mu.Lock()
	defer r.forge.mu.Unlock()
	now := r.client.now()
	for key, at := range r.forge.absent {
		if now.Sub(at) > briefly {
			delete(r.forge.absent, key)
		}
	}
	if key := r.path + "\x00" + kind + "\x00" + name; present {
		delete(r.forge.absent, key)
	} else {
		r.forge.absent[key] = now
	}
}

// wasAbsent reports what saw remembered, and forgets it.
func (r *repository) wasAbsent(kind, name string) bool {
	r.forge.mu.Lock()
	defer r.forge.mu.Unlock()
	key := r.path + "\x00" + kind + "\x00" + name
	at, ok := r.forge.absent[key]
	delete(r.forge.absent, key)
	return ok && r.client.now().Sub(at) <= briefly
}

const briefly = time.Minute

// alone waits until nobody else does the same, and returns what ends it.
func (r *repository) alone(ctx context.Context, what string) (func(), error) {
	f, key := r.forge, r.path+"\x00"+what
	for {
		f.mu.Lock()
		other, taken := f.busy[key]
		if !taken {
			done := make(chan struct{})
			f.busy[key] = done
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				delete(f.busy, key)
				f.mu.Unlock()
				close(done)
			}, nil
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-other:
		}
	}
}

const (
	branchKind = "branch"
	pullKind   = "pull"
)

// quote writes a string of Bitbucket's query language
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering).
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// anyOf is a query for a field that has one of some values.
func anyOf(field string, values []string) string {
	parts := make([]string, len(values))
	for i, value := range values {
		parts[i] = field + " = " + quote(value)
	}
	return strings.Join(parts, " OR ")
}

// Bitbucket's limits of pages; asking for more is an error or is ignored
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination).
const (
	pageSize     = "100"
	pullPageSize = "50"
)

func isFull(sha string) bool {
	return len(sha) >= 40 && isHex(sha)
}

func isHex(text string) bool {
	return text != "" && strings.Trim(text, "0123456789abcdef") == ""
}

// isJSON reports whether a reply says that it is JSON.
func isJSON(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.TrimSpace(strings.ToLower(kind))
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}
