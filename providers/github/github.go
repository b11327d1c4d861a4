// Package github owns the driver for GitHub: github.com, GitHub Enterprise
// Server and GitHub with data residency. It reads and writes through GraphQL
// where that takes fewer round trips or is the only compare-and-swap, and
// through REST elsewhere, and it verifies and reads GitHub's webhooks.
//
// It does not decide anything: not what to write, not what to do about a
// conflict, nor whether a write whose answer was lost is sent again. It speaks
// no git, and uploads nothing but contents of files.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// Options say which GitHub it is and who speaks to it. Without Token and App
// only REST answers, and that about what is public: GraphQL wants to know who
// asks.
type Options struct {
	Server string // of the website; "" means https://github.com
	API    string // of REST, such as https://git.acme.io/api/v3; "" means that it follows from Server
	Token  string // personal access token, GITHUB_TOKEN or the like
	App    *App   // in place of Token

	// Transport is what requests go through. Its Origins and Authorize are set by
	// [New].
	Transport transport.Options
}

// Forge is a GitHub. Its methods may be called from several goroutines.
type Forge struct {
	server  *url.URL
	api     *url.URL // ends in a slash
	graphql string
	options Options
	key     *appKey

	mu      sync.Mutex
	clients map[string]*client // by lower-case owner, "" where one serves for all
}

// client is what the repositories of an owner share.
type client struct {
	*gh.Client
	token *installation // nil without an App

	mu   sync.Mutex
	self *providers.User
}

// repository is the value behind [providers.Repository].
type repository struct {
	forge       *Forge
	c           *client
	repo        providers.Repo
	owner, name string

	mu        sync.Mutex
	id        string          // of GraphQL; "" until it is known
	committed map[string]bool // the branches that this value committed to
}

// settled repeats a write that GitHub refused since it does not know everywhere
// yet of what was made a moment ago, as isEarly tells.
func (r *repository) settled(ctx context.Context, isEarly func(error) bool, write func() error) error {
	const tries = 4
	for try := 1; ; try++ {
		err := write()
		if err == nil || try == tries || !isEarly(err) {
			return err
		}
		if e := r.forge.options.Transport.Sleep(ctx, time.Second<<(try-1)); e != nil {
			return err
		}
	}
}

// What GitHub has of what is optional.
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
	_ providers.CommentHider    = (*repository)(nil)
	_ providers.Teams           = (*repository)(nil)
	_ providers.CheckReporter   = (*repository)(nil)
	_ providers.Issues          = (*repository)(nil)
	_ providers.Hooks           = (*repository)(nil)
	_ providers.Examiner        = (*repository)(nil)
)

// New returns a GitHub. It fails with a *fault.Error if an address is none or
// the credentials cannot be; it asks nobody.
func New(o Options) (*Forge, error) {
	if o.Server == "" {
		o.Server = "https://github.com"
	}
	server, err := parseAddress(o.Server)
	if err != nil {
		return nil, err
	}
	if o.API == "" {
		o.API = apiOf(server)
	}
	api, err := parseAddress(o.API)
	if err != nil {
		return nil, err
	}
	f := &Forge{server: server, options: o, clients: map[string]*client{}}
	base := strings.TrimSuffix(api.String(), "/")
	// https://docs.github.com/en/enterprise-server/graphql/guides/forming-calls-with-graphql#the-graphql-endpoint
	f.graphql = base + "/graphql"
	if before, ok := strings.CutSuffix(base, "/api/v3"); ok {
		f.graphql = before + "/api/graphql"
	}
	if f.api, err = url.Parse(base + "/"); err != nil {
		return nil, fmt.Errorf("read the address of the API: %w", err)
	}
	if o.Token != "" && o.App != nil {
		return nil, fault.New(fault.Usage, "give one of the two", "there is a token as well as a GitHub App")
	}
	if strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fault.New(fault.Usage, "check how it is stored: a line break at its end is no part of it", "the GitHub token has characters that no token has")
	}
	if f.options.Transport.Redact == nil {
		f.options.Transport.Redact = new(redact.Secrets)
	}
	f.options.Transport.Redact.Add(o.Token)
	if f.options.Transport.Sleep == nil {
		f.options.Transport.Sleep = transport.Sleep
	}
	if o.App != nil {
		f.options.Transport.Redact.Add(string(o.App.Key))
		if f.key, err = parseApp(*o.App); err != nil {
			return nil, err
		}
	}
	f.options.Transport.Origins = []string{f.api.Scheme + "://" + f.api.Host}
	return f, nil
}

func parseAddress(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" {
		return nil, &fault.Error{Code: fault.Usage, Message: "the address of GitHub is no URL", Hint: "write it as https://github.com"}
	}
	return u, nil
}

// apiOf returns where the API of a server is
// (https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api,
// https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/feature-overview-for-github-enterprise-cloud-with-data-residency#api-access).
func apiOf(server *url.URL) string {
	switch host := strings.ToLower(server.Hostname()); {
	case host == "github.com" || host == "www.github.com":
		return "https://api.github.com"
	case strings.HasSuffix(host, ".ghe.com"):
		return server.Scheme + "://api." + server.Host
	}
	return strings.TrimRight(server.String(), "/") + "/api/v3"
}

// Repository returns the repository of a path such as acme/config. It asks
// nobody, so the repository need not be there.
func (f *Forge) Repository(path string) (providers.Repository, error) {
	repo, err := providers.ParseRepo(f.server.Scheme + "://" + f.server.Host + "/" + path)
	if err != nil {
		return nil, err
	}
	if repo.Path != path || strings.Count(path, "/") != 1 {
		return nil, fault.New(fault.Usage, "write it as "+f.server.Host+"/owner/name", "%q is no repository on GitHub", path)
	}
	return &repository{forge: f, c: f.client(repo), repo: repo, owner: repo.Owner(), name: repo.Name()}, nil
}

// client returns the client for the repositories of an owner: an App has a
// token of its own with each.
func (f *Forge) client(repo providers.Repo) *client {
	owner := ""
	if f.key != nil {
		owner = strings.ToLower(repo.Owner())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.clients[owner]; ok {
		return c
	}
	c := &client{}
	o := f.options.Transport
	switch {
	case f.key != nil:
		c.token = &installation{forge: f, repo: repo, id: f.key.installation}
		o.Authorize = c.token.authorize
	case f.options.Token != "":
		o.Authorize = bearer(f.options.Token)
	default:
		o.Authorize = nil
	}
	c.Client = f.newClient(o)
	f.clients[owner] = c
	return c
}

func (f *Forge) newClient(o transport.Options) *gh.Client {
	hc := transport.New(o)
	hc.Transport = uncounted{hc.Transport}
	c := gh.NewClient(hc)
	c.BaseURL = f.api
	return c
}

// uncounted keeps go-github from counting requests. It would refuse some
// without asking, by its own clock and mixing up the limits of REST and GraphQL
// on GitHub Enterprise Server; the transport below it waits. What it leaves
// uncounted it knows by this header.
type uncounted struct{ http.RoundTripper }

func (u uncounted) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := u.RoundTripper.RoundTrip(req)
	if resp != nil {
		resp.Header.Set("X-From-Cache", "1")
	}
	return resp, err
}

// isUnanswered reports whether a write may have been done.
func isUnanswered(err error) bool {
	if _, ok := errors.AsType[*transport.UnansweredError](err); ok {
		return true
	}
	e, ok := errors.AsType[graphError](err)
	return ok && isInternal(e) || statusOf(err) >= http.StatusInternalServerError
}

// pageSize is the most that lists give at once
// (https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api).
const pageSize = 100

// pages reads a list to its end, or up to a limit if that is not 0.
func pages[T any](limit int, fetch func(o gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	var all []T
	o := gh.ListOptions{Page: 1, PerPage: pageSize}
	if limit > 0 && limit < pageSize {
		o.PerPage = limit
	}
	for {
		list, resp, err := fetch(o)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		if resp.NextPage <= o.Page {
			return all, nil
		}
		o.Page = resp.NextPage
	}
}
