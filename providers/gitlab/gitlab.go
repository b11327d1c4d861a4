// Package gitlab owns the driver for GitLab: gitlab.com and servers of one's
// own, over REST and, where it saves round trips, GraphQL. Merge requests are
// pull requests here, by their iid.
//
// It does not start merge requests from forks, nor render bodies. A line of a
// body that begins with / may be a command to GitLab ("quick action"), carried
// out with the credential's rights: the driver leaves bodies as they are, and
// callers must not let foreign text begin a line so
// (https://docs.gitlab.com/user/project/quick_actions/).
//
// GitLab's commits API has no compare-and-swap for a branch. A new branch is made
// only if there is none. Adding to a branch is guarded file by file, so a commit
// may land on a newer head in which its files are as they were read. To rebuild a
// branch it is looked at just before, and what is pushed in between is lost;
// GitLab leaves no better way. Likewise a file that is pushed in the moment between
// GitLab's own check and its commit.
package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xanzy/go-gitlab"
	"golang.org/x/time/rate"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// Options say which GitLab, and with what credential. At most one credential may
// be given; without any, public projects can be read.
type Options struct {
	// Server is the URL that people use, such as https://gitlab.com; a server
	// below a path, as in https://acme.io/gitlab, is fine. API is that of the REST
	// API, as in CI_API_V4_URL; "" means /api/v4 below Server.
	Server string
	API    string

	Token    string // a personal, project or group access token
	OAuth    string // an OAuth token; GitLab takes other tokens this way too
	JobToken string // CI_JOB_TOKEN, which reads public projects only

	// Transport is used with Origins and Authorize replaced. Its Now is also the
	// clock by which deliveries of webhooks are too old.
	Transport transport.Options
}

// client is the library's. Its package was renamed, which is why it is deprecated;
// the successor changes nothing that is used here.
type client = gitlab.Client //nolint:staticcheck // see above

// Forge is a GitLab.
type Forge struct {
	server   string // without a slash at its end
	api      string // likewise
	client   *client
	http     *http.Client
	jobToken bool
	hasToken bool
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	redact   *redact.Secrets

	noGraphQL atomic.Bool // it was refused once: it would be again

	mu   sync.Mutex
	self *providers.User // once it is known
}

var _ providers.Receiver = (*Forge)(nil)

// New returns a GitLab without asking it anything.
func New(o Options) (*Forge, error) {
	server, err := parseServer(o.Server)
	if err != nil {
		return nil, err
	}
	api := server + "/api/v4"
	if o.API != "" {
		if api, err = parseServer(o.API); err != nil {
			return nil, err
		}
	}
	name, value, err := o.credential()
	if err != nil {
		return nil, err
	}
	f := &Forge{
		server:   server,
		api:      api,
		jobToken: o.JobToken != "",
		hasToken: value != "",
		now:      o.Transport.Now,
		sleep:    o.Transport.Sleep,
		redact:   o.Transport.Redact,
	}
	if f.now == nil {
		f.now = time.Now
	}
	if f.sleep == nil {
		f.sleep = transport.Sleep
	}
	if f.redact == nil {
		f.redact = new(redact.Secrets)
	}
	for _, secret := range []string{o.Token, o.OAuth, o.JobToken} {
		if secret != "" {
			f.redact.Add(secret)
		}
	}
	t := o.Transport
	t.Redact = f.redact
	t.Origins = []string{origin(server), origin(api)}
	t.Authorize = func(_ context.Context, h http.Header) error {
		h.Del("Private-Token") // the library sends it empty
		if value != "" {
			h.Set(name, value)
		}
		return nil
	}
	base := transport.New(t)
	f.http = &http.Client{Transport: &watch{base: base.Transport, redact: f.redact}, CheckRedirect: base.CheckRedirect}
	f.client, err = gitlab.NewClient("", //nolint:staticcheck // see client
		gitlab.WithBaseURL(api),
		gitlab.WithHTTPClient(f.http),
		gitlab.WithoutRetries(), // it repeats POSTs whose reply was lost
		// The library's own limiter is set without a lock when the first reply comes.
		gitlab.WithCustomLimiter(rate.NewLimiter(rate.Inf, 0)),
	)
	if err != nil {
		return nil, fmt.Errorf("set up the client of %s: %w", server, err)
	}
	if t.UserAgent == "" {
		f.client.UserAgent = "towpath"
	}
	return f, nil
}

// credential returns the header that carries it
// (https://docs.gitlab.com/api/rest/authentication/).
func (o Options) credential() (name, value string, err error) {
	for _, c := range []struct{ name, prefix, value string }{
		{"Private-Token", "", o.Token},
		{"Authorization", "Bearer ", o.OAuth},
		{"Job-Token", "", o.JobToken},
	} {
		if c.value == "" {
			continue
		}
		if value != "" {
			return "", "", fault.New(fault.Usage, "give only one of access token, OAuth token and job token",
				"there is more than one credential for GitLab")
		}
		if strings.ContainsAny(c.value, "\r\n\x00 ") {
			return "", "", fault.New(fault.Usage, "look for a line end or space that came along when it was copied",
				"the token for GitLab holds a space or a control character")
		}
		name, value = c.name, c.prefix+c.value
	}
	return name, value, nil
}

// Repository returns a project by its path, such as group/sub/project, without
// asking whether it is there.
func (f *Forge) Repository(path string) (providers.Repository, error) {
	owner, name, ok := strings.Cut(path, "/")
	if !ok || owner == "" || name == "" || strings.HasSuffix(path, "/") || strings.Contains(path, "//") ||
		strings.ContainsAny(path, " \\?#%") {
		return nil, fault.New(fault.Usage, "write it as group/project or group/subgroup/project",
			"%q is no project on GitLab", path)
	}
	u, err := url.Parse(f.server)
	if err != nil {
		return nil, fmt.Errorf("read the server's URL: %w", err)
	}
	return &repository{forge: f, client: f.client, path: path, name: u.Host + u.Path + "/" + path}, nil
}

// repository is a project.
type repository struct {
	forge  *Forge
	client *client
	path   string
	name   string // for errors: gitlab.com/acme/config

	mu        sync.Mutex
	committed map[string]bool // branches that got a commit from here
	idle      bool            // it was waited for a pipeline in vain
}

// remember notes that a branch has got a commit.
func (r *repository) remember(branch string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.committed == nil {
		r.committed = map[string]bool{}
	}
	r.committed[branch] = true
}

func (r *repository) hasCommitted(branch string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.committed[branch]
}

// What GitLab can do. Team review requests are refused, comments cannot be
// folded away, and there are no reports with annotations.
var (
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

// parseServer returns a URL without its last slash.
func parseServer(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return "", fault.New(fault.Usage, "write it like https://gitlab.com", "%q is no address of a GitLab", redacted(text))
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.Path, "/"), nil
}

// redacted drops what may be a password from an address that was refused.
func redacted(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return "…@" + text[i+1:]
	}
	return text
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
