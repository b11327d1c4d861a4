package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// problem is an error that a person can do something about, before it is known
// what was tried.
type problem struct {
	code fault.Code
	hint string
	err  error
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

// errNoAnswer says that a reply is JSON and yet none of GitHub's.
var errNoAnswer = errors.New("the reply has none of what GitHub replies with")

func conflict(format string, args ...any) error {
	return &problem{
		fault.Conflict, "look again, and decide anew",
		fmt.Errorf("%w: "+format, append([]any{providers.ErrConflict}, args...)...),
	}
}

// wrap says what was tried, in the one error that a method returns.
func (r *repository) wrap(act string, err error) error {
	if err == nil {
		return nil
	}
	// A redirect to an archive has a key in its URL, and GitHub may repeat what it
	// refuses, such as the secret of a webhook.
	clean := func(err error) error { return r.forge.options.Transport.Redact.Error(transport.Clean(err)) }
	act += " on " + r.repo.String()
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return &fault.Error{Code: known.Code, Message: act, Hint: known.Hint, Err: clean(err)}
	}
	p, ok := errors.AsType[*problem](err)
	if !ok {
		p = r.explain(err)
	}
	if p == nil {
		return fmt.Errorf("%s: %w", act, clean(err))
	}
	return &fault.Error{Code: p.code, Message: act, Hint: p.hint, Err: clean(p.err)}
}

// explain returns what to do about an error, nil if there is nothing to say.
func (r *repository) explain(err error) *problem {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if limit, ok := errors.AsType[*transport.RateLimitError](err); ok {
		return &problem{fault.Failed, "try again later, or use a credential with a higher limit", limit}
	}
	if lost, ok := errors.AsType[*transport.UnansweredError](err); ok {
		return &problem{fault.Failed, "look whether it was done before doing it again", fmt.Errorf("%w: %w", providers.ErrUnanswered, lost)}
	}
	if e, ok := errors.AsType[graphError](err); ok {
		return r.explainGraph(e)
	}
	if answer, ok := refusalOf(err); ok {
		return r.explainStatus(answer)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, errNoAnswer) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.noGitHub()
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return r.noGitHub()
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return &problem{fault.Failed, "check the name of the server, the network and the proxy", err}
	}
	return nil
}

func (r *repository) noGitHub() *problem {
	return &problem{
		fault.Config, "check the address of the server, and that no login page or proxy answers in its place",
		fmt.Errorf("what answers at %s is no GitHub", r.forge.api.Host),
	}
}

// refusal is what GitHub answered to a request that it refused.
type refusal struct {
	status int
	method string // of the request
	header http.Header
	words  string // what GitHub says, "" if it is not GitHub that answered
}

// refusalOf returns the refusal behind an error of go-github, false if there is
// none.
func refusalOf(err error) (refusal, bool) {
	var resp *http.Response
	if e, ok := errors.AsType[*gh.ErrorResponse](err); ok {
		resp = e.Response
	} else if e, ok := errors.AsType[*gh.RateLimitError](err); ok {
		resp = e.Response
	} else if e, ok := errors.AsType[*gh.AbuseRateLimitError](err); ok {
		resp = e.Response
	} else if e, ok := errors.AsType[*gh.TwoFactorAuthError](err); ok {
		resp = e.Response
	}
	if resp == nil {
		return refusal{}, false
	}
	// go-github leaves the body to be read again, and gives up on errors that are
	// not in the usual form.
	text, readErr := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	out := refusal{status: resp.StatusCode, header: resp.Header}
	if resp.Request != nil {
		out.method = resp.Request.Method
	}
	if readErr == nil {
		out.words = wordsIn(text)
	}
	return out, true
}

// statusOf returns the status of the reply behind an error, 0 if there is none.
func statusOf(err error) int {
	r, _ := refusalOf(err)
	return r.status
}

// wordsOf returns what GitHub says in the reply behind an error.
func wordsOf(err error) string {
	r, _ := refusalOf(err)
	return r.words
}

// wordsIn reads the body of a refusal.
func wordsIn(text []byte) string {
	var body struct {
		Message string          `json:"message"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(text, &body) != nil {
		return ""
	}
	words := []string{body.Message}
	var list []json.RawMessage
	if json.Unmarshal(body.Errors, &list) != nil && len(body.Errors) > 0 {
		list = []json.RawMessage{body.Errors}
	}
	for _, item := range list {
		var e struct{ Message, Resource, Field, Code string }
		var plain string
		switch {
		case json.Unmarshal(item, &plain) == nil:
			words = append(words, plain)
		case json.Unmarshal(item, &e) != nil:
		case e.Message != "":
			words = append(words, e.Message)
		case e.Field != "":
			words = append(words, strings.TrimSpace(e.Resource+" "+e.Field+" is "+e.Code))
		}
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" || w == "Validation Failed" })
	if len(words) == 0 {
		return body.Message
	}
	return strings.Join(words, "; ")
}

// said reports whether GitHub refused a request with these words in its reply.
func said(err error, words string) bool { return contains(wordsOf(err), words) }

func contains(text, words string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(words))
}

func (r *repository) explainStatus(answer refusal) *problem {
	words := answer.words
	if words == "" && answer.status < http.StatusInternalServerError {
		return r.noGitHub()
	}
	because := func(sentinel error) error { return fmt.Errorf("%w: %s", sentinel, words) }
	switch status := answer.status; {
	case status >= 300 && status < 400:
		return &problem{
			fault.NotFound, "give the repository by the name that it has now",
			fmt.Errorf("%w: the repository was renamed or moved", providers.ErrNotFound),
		}
	case status == http.StatusUnauthorized:
		return &problem{fault.Access, r.credentialHint(), because(providers.ErrUnauthorized)}
	case status == http.StatusForbidden || status == http.StatusUnavailableForLegalReasons:
		return &problem{fault.Access, r.forbiddenHint(words, answer.header), because(providers.ErrForbidden)}
	case status == http.StatusNotFound:
		if hint := missing(answer.header); hint != "" && answer.method != http.MethodGet {
			// GitHub hides what may not be written
			// (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#404-not-found-for-an-existing-resource).
			return &problem{fault.Access, hint, because(providers.ErrForbidden)}
		}
		return &problem{fault.NotFound, unseen(answer.header), because(providers.ErrNotFound)}
	case status == http.StatusGone:
		return &problem{fault.Refused, "switch it on in the repository's settings", because(errors.ErrUnsupported)}
	case status == http.StatusConflict:
		return &problem{fault.Conflict, "look again, and decide anew", because(providers.ErrConflict)}
	case status == http.StatusUnprocessableEntity && isProtection(words):
		return &problem{fault.Access, protectionHint, because(providers.ErrForbidden)}
	case status == http.StatusRequestEntityTooLarge:
		return &problem{fault.Refused, tooLargeHint, fmt.Errorf("GitHub takes no request of this size: %s", words)}
	case status >= http.StatusInternalServerError && answer.method != http.MethodGet:
		return &problem{fault.Failed, "look whether it was done before doing it again", fmt.Errorf("%w: status %d %s", providers.ErrUnanswered, status, words)}
	case status >= http.StatusInternalServerError:
		return &problem{fault.Failed, outageHint, fmt.Errorf("GitHub is out of order: status %d %s", status, words)}
	}
	return &problem{fault.Failed, "", fmt.Errorf("GitHub refused it: %s", words)}
}

const (
	notFoundHint   = "check the spelling, and that the credential may see it: GitHub does not tell the two apart"
	protectionHint = "let the credential bypass the rule in the repository's settings, or take a branch that no rule covers"
	tooLargeHint   = "keep large files out of the config repo"
	outageHint     = "try again later; https://www.githubstatus.com tells of outages"
)

// outOfOrder is a question that GitHub failed to answer.
func outOfOrder(err error) error {
	if answer, ok := refusalOf(err); ok {
		return &problem{fault.Failed, outageHint, fmt.Errorf("GitHub is out of order: status %d %s", answer.status, answer.words)}
	}
	return &problem{fault.Failed, outageHint, fmt.Errorf("GitHub is out of order: %w", err)}
}

// isProtection reports whether GitHub speaks of a protected branch or a ruleset
// (https://github.com/microsoft/vscode-remote-repositories-github/issues/252,
// https://github.com/googleapis/repo-automation-bots/issues/5551).
func isProtection(words string) bool {
	for _, part := range []string{
		"protected branch", "branch protection", "repository rule", "through a pull request", "required status check",
		"protected ref", "approving review is required", "not authorized to push", "cannot force-push", "creations being restricted",
	} {
		if contains(words, part) {
			return true
		}
	}
	return false
}

// isInternal reports whether GraphQL failed in the middle, as it says by words
// alone (https://github.com/octokit/graphql-action/issues/110).
func isInternal(e graphError) bool {
	return contains(e.Error(), "something went wrong while executing")
}

func (r *repository) explainGraph(e graphError) *problem {
	because := func(sentinel error) error { return fmt.Errorf("%w: %w", sentinel, e) }
	words := e.Error()
	switch {
	case slices.ContainsFunc(e, func(f graphFault) bool { return f.Extensions.SAMLFailure }):
		return &problem{fault.Access, ssoHint, because(providers.ErrForbidden)}
	case isInternal(e):
		return &problem{fault.Failed, "look whether it was done before doing it again", because(providers.ErrUnanswered)}
	case e.has("STALE_DATA"):
		return &problem{fault.Conflict, "look again, and decide anew", because(providers.ErrConflict)}
	case e.has("NOT_FOUND"):
		return &problem{fault.NotFound, unseen(e[0].header), because(providers.ErrNotFound)}
	case e.has("INSUFFICIENT_SCOPES"):
		return &problem{fault.Access, "give the token the scope that is named", because(providers.ErrForbidden)}
	case e.has("FORBIDDEN") || contains(words, "resource not accessible") || contains(words, "read-only"):
		return &problem{fault.Access, r.forbiddenHint(words, nil), because(providers.ErrForbidden)}
	case isProtection(words):
		return &problem{fault.Access, protectionHint, because(providers.ErrForbidden)}
	case contains(words, "too large"):
		return &problem{fault.Refused, tooLargeHint, e}
	}
	return &problem{fault.Failed, "", fmt.Errorf("GitHub refused it: %w", e)}
}

func (r *repository) credentialHint() string {
	switch {
	case r.forge.key != nil:
		return "check the App's ID and private key, and this machine's clock"
	case r.forge.options.Token == "":
		return "give a token"
	}
	return "the token is wrong, expired or revoked: make a new one"
}

const ssoHint = "authorize the token for the organization's single sign-on, under the token's settings on GitHub"

func (r *repository) forbiddenHint(words string, h http.Header) string {
	switch sso := h.Get("X-Github-Sso"); {
	case strings.HasPrefix(sso, "required; url="):
		return ssoHint + ": " + strings.TrimPrefix(sso, "required; url=")
	case sso != "" || contains(words, "SAML"):
		return ssoHint
	}
	switch {
	case contains(words, "archived"):
		return "unarchive the repository, or take another"
	case contains(words, "GitHub Actions is not permitted to create"):
		return "in the settings of the repository or organization, under Actions, General, allow GitHub Actions to create pull requests; or use the token of a GitHub App or a person"
	case isProtection(words):
		return protectionHint
	case contains(words, "without `workflow` scope") || contains(words, "without `workflows` permission"):
		return "give the token the scope workflow, or the App the permission workflows: write"
	case contains(words, "authenticate via a GitHub App"):
		return "only a GitHub App or GITHUB_TOKEN can do this"
	case contains(words, "IP allow list"):
		return "have the organization allow this machine's address"
	case contains(words, "suspended"):
		return "have the account or installation reinstated"
	}
	if hint := missing(h); hint != "" {
		return hint
	}
	switch {
	case contains(words, "accessible by integration"):
		return "give GITHUB_TOKEN the permission under permissions: in the workflow, or the App in its settings"
	case contains(words, "accessible by personal access token"):
		return "give the token the permission in its settings, and let it see the repository"
	}
	return "have the credential's account given the right, or use another credential"
}

// unseen says what to do about what is not there, or may not be seen: to GitHub
// the two are one, but a classic token's scopes may tell. Where none are told, it
// may be the token of an App (https://github.com/cli/cli/pull/2207).
func unseen(h http.Header) string {
	if has := split(h.Get("X-Oauth-Scopes")); len(has) > 0 && !covers(has, "repo") {
		return fmt.Sprintf("check the spelling; a private repository needs a token with the scope repo, and this one has %s", list(has))
	}
	return notFoundHint
}

// missing says what a credential lacks, as far as the headers of a reply tell
// (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#insufficient-scope-errors,
// https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps).
func missing(h http.Header) string {
	if accepted := split(h.Get("X-Accepted-Oauth-Scopes")); len(h.Values("X-Oauth-Scopes")) > 0 && len(accepted) > 0 {
		has := split(h.Get("X-Oauth-Scopes"))
		if !slices.ContainsFunc(accepted, func(scope string) bool { return covers(has, scope) }) {
			return fmt.Sprintf("give the token the scope %s; it has %s", strings.Join(accepted, " or "), list(has))
		}
	}
	if permissions := h.Get("X-Accepted-Github-Permissions"); permissions != "" {
		alternatives := strings.Split(permissions, ";")
		for i, a := range alternatives {
			alternatives[i] = strings.ReplaceAll(strings.Join(split(a), " and "), "=", ": ")
		}
		return "give the token or App the permission " + strings.Join(alternatives, ", or ")
	}
	return ""
}

// covers reports whether scopes have one, or one that it is a part of
// (https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
func covers(has []string, scope string) bool {
	for _, s := range has {
		parent, _, _ := strings.Cut(scope, ":")
		switch {
		case s == scope, s == parent, s == "repo" && scope == "public_repo",
			s == "admin:org" && (scope == "read:org" || scope == "write:org"), s == "write:org" && scope == "read:org",
			s == "admin:repo_hook" && strings.HasSuffix(scope, ":repo_hook"), s == "repo" && strings.HasSuffix(scope, ":repo_hook"):
			return true
		}
	}
	return false
}

func split(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func list(items []string) string {
	if len(items) == 0 {
		return "none"
	}
	return strings.Join(items, ", ")
}

// denied finds out whether what GitHub hides from a write is there to be read:
// then it is the right to write that is missing
// (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#404-not-found-for-an-existing-resource).
func (r *repository) denied(ctx context.Context, err error) error {
	if answer, ok := refusalOf(err); !ok || answer.status != http.StatusNotFound || missing(answer.header) != "" {
		return err
	}
	info, look := r.Info(ctx)
	if look != nil || info.Access == nil || *info.Access >= providers.CanWrite {
		return err
	}
	return &problem{
		fault.Access, "have the account given the permission to write, or use another credential",
		fmt.Errorf("%w: the account has the permission %s", providers.ErrForbidden, *info.Access),
	}
}
