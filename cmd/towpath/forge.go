package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/ci"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/redact"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/bitbucket"
	"github.com/towpath-dev/towpath/providers/gitea"
	"github.com/towpath-dev/towpath/providers/github"
	"github.com/towpath-dev/towpath/providers/gitlab"
)

// forgeOptions are the flags that say how a forge is reached.
type forgeOptions struct {
	forge   string
	api     string
	caFile  string
	timeout time.Duration

	allowHTTP bool
}

func (o *forgeOptions) addForge(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.forge, "forge", "", "what serves the host of --repo, if it cannot be told: github, gitlab, bitbucket or gitea (Forgejo too)")
	f.StringVar(&o.api, "api-url", "", "the `URL` of its API, if it is not where it usually is")
	f.StringVar(&o.caFile, "ca-file", "", "also trust the certificates in this `FILE` (PEM)")
	f.BoolVar(&o.allowHTTP, "allow-http", false, "reach the forge by http though everybody on the way can read the credential")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "give up on the forge after this time")
}

// forge is one way to reach forges, in one run.
type forge struct {
	forgeOptions
	console console
	secrets *redact.Secrets
	roots   *x509.CertPool // nil means those of the system
	opened  map[string]providers.Repository
	source  string // where the credential of the first repository came from; "" if there is none
}

// isForge reports whether --repo names a repository on a forge, and not a folder.
func isForge(repo string) bool {
	if strings.Contains(repo, "://") {
		return true
	}
	if exists(repo) || strings.HasPrefix(repo, ".") || strings.HasPrefix(repo, "/") || strings.HasPrefix(repo, "~") {
		return false
	}
	if user, rest, ok := strings.Cut(repo, "@"); ok && !strings.ContainsAny(user, "/:") && strings.Contains(rest, ":") {
		return true
	}
	host, rest, ok := strings.Cut(repo, "/")
	return ok && rest != "" && strings.ContainsAny(host, ".:")
}

// newForge reads what all requests have in common.
func newForge(o forgeOptions, c console) (*forge, error) {
	f := &forge{forgeOptions: o, console: c, secrets: &redact.Secrets{}, opened: map[string]providers.Repository{}}
	if o.timeout <= 0 {
		return nil, fault.New(fault.Usage, "such as --timeout 5m", "--timeout %s leaves no time", o.timeout)
	}
	if o.caFile == "" {
		return f, nil
	}
	pem, err := os.ReadFile(o.caFile)
	if err != nil {
		return nil, &fault.Error{Code: fault.Usage, Message: "--ca-file", Err: err, Hint: "name a file with certificates in PEM"}
	}
	if f.roots, err = transport.RootCAs(pem); err != nil {
		return nil, &fault.Error{Code: fault.Usage, Message: "--ca-file " + o.caFile, Err: err, Hint: "name a file with certificates in PEM"}
	}
	return f, nil
}

// transport returns what drivers build their client on.
func (f *forge) transport() transport.Options {
	return transport.Options{Base: f.console.base, RootCAs: f.roots, UserAgent: "towpath/" + currentVersion(), Redact: f.secrets, Now: f.console.now, Sleep: f.console.sleep}
}

// open returns a repository on a forge. It asks nothing of it yet, but for what
// serves a host that is not known by its name.
func (f *forge) open(ctx context.Context, repo string) (providers.Repository, error) {
	name, err := providers.ParseRepo(repo)
	if err != nil {
		return nil, err
	}
	if r := f.opened[name.String()]; r != nil {
		return r, nil
	}
	if name.Insecure && !isLoopback(name.Host) && !f.allowHTTP {
		return nil, fault.New(fault.Usage, "use https, or pass --allow-http if the network can be trusted", "%s would send the credential readable for everybody on the way", name)
	}
	kind, err := f.kind(ctx, name)
	if err != nil {
		return nil, err
	}
	server, isForge := f.drivers(name)[kind]
	if !isForge {
		return nil, fault.New(fault.Usage, "it is one of github, gitlab, bitbucket and gitea", "--forge %q is none that towpath knows", kind)
	}
	host, err := server()
	if err != nil {
		return nil, err
	}
	r, err := host.Repository(name.Path)
	if err == nil {
		f.opened[name.String()] = r
	}
	return r, err
}

// server is what every driver gives out.
type server interface {
	providers.Receiver
	Repository(path string) (providers.Repository, error)
}

func (f *forge) drivers(name providers.Repo) map[string]func() (server, error) {
	api := f.api
	return map[string]func() (server, error){
		"github": func() (server, error) {
			o := github.Options{Server: name.Server(), API: api, Transport: f.transport()}
			app, err := f.app()
			if err != nil {
				return nil, err
			}
			if o.App = app; app == nil {
				if o.Token, err = f.token(name, "GITHUB", "GITHUB_TOKEN", "GH_TOKEN"); err != nil {
					return nil, err
				}
			}
			return github.New(o)
		},
		"gitlab": func() (server, error) {
			o := gitlab.Options{Server: name.Server(), API: api, Transport: f.transport()}
			var err error
			if o.OAuth, err = f.secret("TOWPATH_GITLAB_OAUTH_TOKEN"); err != nil || o.OAuth != "" {
				f.source = cmp.Or(f.source, "TOWPATH_GITLAB_OAUTH_TOKEN")
			} else if o.Token, err = f.token(name, "GITLAB", "GITLAB_TOKEN"); err == nil && o.Token == "" && f.isOwnServer(name) {
				o.JobToken = f.console.env("CI_JOB_TOKEN")
				if f.secrets.Add(o.JobToken); o.JobToken != "" {
					f.source = cmp.Or(f.source, "CI_JOB_TOKEN")
				}
			}
			if err != nil {
				return nil, err
			}
			return gitlab.New(o)
		},
		"bitbucket": func() (server, error) {
			o := bitbucket.Options{Server: name.Server(), API: api, Transport: f.transport()}
			var err error
			if o.Secret, err = f.secret("TOWPATH_BITBUCKET_SECRET"); err != nil {
				return nil, err
			}
			if o.Key = f.console.env("TOWPATH_BITBUCKET_KEY"); o.Key != "" {
				f.source = cmp.Or(f.source, "TOWPATH_BITBUCKET_KEY")
				return bitbucket.New(o)
			}
			if o.Token, err = f.token(name, "BITBUCKET", "BITBUCKET_TOKEN", "BITBUCKET_ACCESS_TOKEN"); err != nil {
				return nil, err
			}
			o.Email = cmp.Or(f.console.env("TOWPATH_BITBUCKET_EMAIL"), f.console.env("BITBUCKET_EMAIL"))
			return bitbucket.New(o)
		},
		"gitea": func() (server, error) {
			token, err := f.token(name, "GITEA", "GITEA_TOKEN", "FORGEJO_TOKEN")
			if err != nil {
				return nil, err
			}
			return gitea.New(gitea.Options{Server: name.Server(), API: api, Token: token, Transport: f.transport()})
		},
	}
}

// token returns the credential for a host: TOWPATH_TOKEN, TOWPATH_GITHUB_TOKEN
// and the like, or the file that such a variable with _FILE behind it names. The
// variables of CI systems and of other programs, which are meant for one
// server, are only taken for that one.
func (f *forge) token(name providers.Repo, kind string, usual ...string) (string, error) {
	for _, variable := range []string{"TOWPATH_" + kind + "_TOKEN", "TOWPATH_TOKEN"} {
		value, err := f.secret(variable)
		if err != nil || value != "" {
			f.source = cmp.Or(f.source, variable)
			return value, err
		}
	}
	if !f.isOwnServer(name) {
		return "", nil
	}
	for _, variable := range usual {
		if value := strings.TrimSpace(f.console.env(variable)); value != "" {
			f.secrets.Add(value)
			f.source = cmp.Or(f.source, variable)
			return value, nil
		}
	}
	return "", nil
}

// secret reads a variable, or the file that the variable with _FILE names.
func (f *forge) secret(variable string) (string, error) {
	value := f.console.env(variable)
	if file := f.console.env(variable + "_FILE"); value == "" && file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", &fault.Error{Code: fault.Usage, Message: variable + "_FILE", Err: err, Hint: "it names a file that holds the secret and nothing else"}
		}
		if value = string(content); strings.TrimSpace(value) == "" {
			return "", fault.New(fault.Usage, "it names a file that holds the secret and nothing else", "%s_FILE names %s, which is empty", variable, file)
		}
	}
	value = strings.TrimSpace(value)
	f.secrets.Add(value)
	return value, nil
}

// isOwnServer reports whether a host is the one that variables such as
// GITHUB_TOKEN are meant for: that of the pipeline, else the public one.
func (f *forge) isOwnServer(name providers.Repo) bool {
	build := ci.Detect(f.console.env)
	if build.Server != "" {
		return strings.TrimRight(build.Server, "/") == name.Server()
	}
	if host := f.console.env("GH_HOST"); host != "" && host == name.Host {
		return true
	}
	return !name.Insecure && publicHosts[name.Host] != ""
}

// publicHosts are the hosts that everybody knows.
var publicHosts = map[string]string{
	"github.com":    "github",
	"gitlab.com":    "gitlab",
	"bitbucket.org": "bitbucket",
	"codeberg.org":  "gitea",
	"gitea.com":     "gitea",
}

// app reads the GitHub App to act as, nil if there is none.
func (f *forge) app() (*github.App, error) {
	id := f.console.env("TOWPATH_GITHUB_APP_ID")
	key, err := f.secret("TOWPATH_GITHUB_APP_KEY")
	if err != nil || id == "" && key == "" {
		return nil, err
	}
	if id == "" || key == "" {
		return nil, fault.New(fault.Usage, "set TOWPATH_GITHUB_APP_ID, and TOWPATH_GITHUB_APP_KEY or TOWPATH_GITHUB_APP_KEY_FILE", "a GitHub App needs both its id and its private key")
	}
	f.source = cmp.Or(f.source, "TOWPATH_GITHUB_APP_ID")
	app := &github.App{ID: id, Key: []byte(key)}
	if text := f.console.env("TOWPATH_GITHUB_APP_INSTALLATION"); text != "" {
		if app.Installation, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fault.New(fault.Usage, "leave it out to have it looked up", "TOWPATH_GITHUB_APP_INSTALLATION %q is no number", text)
		}
	}
	return app, nil
}

// kind says what serves a host: as --forge says, by its name, as the pipeline
// tells, or by asking it, without a credential.
func (f *forge) kind(ctx context.Context, name providers.Repo) (string, error) {
	if f.forge != "" {
		return strings.ToLower(f.forge), nil
	}
	if kind := publicHosts[name.Host]; kind != "" {
		return kind, nil
	}
	if build := ci.Detect(f.console.env); build.Server != "" && strings.TrimRight(build.Server, "/") == name.Server() {
		switch build.System {
		case "github", "gitlab", "gitea", "bitbucket":
			return build.System, nil
		}
	}
	o := f.transport()
	o.MaxWait = time.Millisecond // a host that does not answer at once is asked no more
	client := transport.New(o)
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var failed error
	for _, probe := range probes {
		body, header, err := fetch(ctx, client, name.Server()+probe.path)
		if err != nil {
			failed = err
			continue
		}
		if probe.is(body, header) {
			return probe.kind, nil
		}
	}
	if failed != nil {
		return "", &fault.Error{Code: fault.Failed, Message: fmt.Sprintf("%s cannot be reached", name.Server()), Err: f.secrets.Error(transport.Clean(failed)), Hint: "check the name of the host, the proxy and the network; --ca-file adds certificates to trust"}
	}
	return "", fault.New(fault.NotFound, "if it is one, say which: --forge github, gitlab, bitbucket or gitea", "%s does not answer like a forge that towpath knows", name.Host)
}

// probes are what the forges answer without a credential.
var probes = []struct {
	kind, path string
	is         func(body string, header http.Header) bool
}{
	// https://docs.gitea.com/api: {"version": "1.26.1"}
	{"gitea", "/api/v1/version", func(body string, _ http.Header) bool {
		return strings.Contains(body, `"version"`)
	}},
	// https://docs.gitlab.com/api/version: 401 without a token, in JSON
	{"gitlab", "/api/v4/version", func(body string, header http.Header) bool {
		return strings.Contains(body, "401 Unauthorized") || header.Get("X-Gitlab-Meta") != ""
	}},
	// https://docs.github.com/en/enterprise-server/rest/meta/meta
	{"github", "/api/v3/meta", func(_ string, header http.Header) bool {
		return header.Get("X-Github-Request-Id") != "" || header.Get("X-Github-Enterprise-Version") != ""
	}},
}

func fetch(ctx context.Context, client *http.Client, url string) (string, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	return string(body), resp.Header, err
}

// withTimeout bounds what a run may take on a forge.
func (f *forge) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, f.timeout, fault.New(fault.Failed, "raise --timeout if the forge is slow, and run it again: what is done is found",
		"it took longer than --timeout %s", f.timeout))
}

// explain makes an error of a run on a forge fit to be shown: a signal and a
// time-out are said as such, and no secret is in it.
func (f *forge) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		if errors.Is(cause, context.Canceled) {
			return fault.New(fault.Failed, "run it again: what is done already is found", "interrupted")
		}
		return cause
	}
	if limit, ok := errors.AsType[*transport.RateLimitError](err); ok && fault.CodeOf(err) == fault.Failed {
		return &fault.Error{Code: fault.Failed, Message: fmt.Sprintf("%s asks to wait for %s", limit.Host, limit.RetryAfter.Round(time.Second)), Err: errors.New("rate limit"), Hint: "run it again then, or raise --timeout"}
	}
	return f.secrets.Error(err)
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
