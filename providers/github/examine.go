package github

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// ability is what towpath may need, and what gives it.
type ability struct {
	what       string
	right      providers.Permission
	scopes     []string // of a classic token, any one; those of private repositories first
	permission string   // of a fine-grained token, an App or GITHUB_TOKEN
	level      string   // of the permission: read or write
}

// abilities are in the order in which they are told
// (https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens).
var abilities = []ability{
	{providers.ReadFiles, providers.CanRead, []string{"repo", "public_repo"}, "contents", "read"},
	{providers.PushBranches, providers.CanWrite, []string{"repo", "public_repo"}, "contents", "write"},
	{providers.OpenPulls, providers.CanRead, []string{"repo", "public_repo"}, "pull_requests", "write"},
	{"comment on pull requests", providers.CanRead, []string{"repo", "public_repo"}, "pull_requests", "write"},
	{"set the status of commits", providers.CanWrite, []string{"repo", "repo:status"}, "statuses", "write"},
	{"write check runs", providers.CanWrite, nil, "checks", "write"},
	{"ask what people may do", providers.CanWrite, []string{"repo", "public_repo"}, "metadata", "read"},
	{"ask who is in a team", providers.CanRead, []string{"read:org"}, "members", "read"},
	{"register webhooks", providers.CanAdmin, []string{"repo", "write:repo_hook"}, "repository_hooks", "write"},
}

// credential is what is known of what the driver speaks with.
type credential struct {
	kind        string
	scopes      []string          // of a classic token
	isClassic   bool              // scopes are known
	permissions map[string]string // of an App; nil if they are not known
}

// Examine says what the credential may do.
func (r *repository) Examine(ctx context.Context) ([]providers.Finding, error) {
	var reply struct {
		Repository *graphRepository
		Viewer     *struct{ Login string }
	}
	header, err := r.post(repeatable(ctx), `query($owner: String!, $name: String!) { viewer { login } repository(owner: $owner, name: $name) { `+aboutRepository+` } }`, r.named(nil), &reply)
	seen, known := providers.Finding{What: providers.SeeRepository}, providers.Finding{What: providers.UseCredential}
	wrapped := r.wrap("look at the repository", err)
	hint := ""
	if f, ok := errors.AsType[*fault.Error](wrapped); ok {
		hint = f.Hint
	}
	switch {
	case errors.Is(wrapped, providers.ErrUnauthorized):
		known.Answer, known.Detail, known.Hint = providers.No, "GitHub says: "+wordsOf(err), hint
		seen.Answer = providers.Unknown
		return append([]providers.Finding{known, seen}, unknown()...), nil
	case errors.Is(wrapped, providers.ErrNotFound), errors.Is(wrapped, providers.ErrForbidden):
		seen.Answer, seen.Detail, seen.Hint = providers.No, "GitHub says that there is no such repository", hint
		if errors.Is(wrapped, providers.ErrForbidden) {
			seen.Detail = err.Error()
		}
	case err != nil:
		return nil, wrapped
	case reply.Repository == nil:
		return nil, r.wrap("look at the repository", errNoAnswer)
	}
	c := r.credential(header)
	known.Answer, known.Detail = providers.Yes, "it is "+c.kind
	if reply.Viewer != nil && reply.Viewer.Login != "" {
		known.Detail += " of " + reply.Viewer.Login
	}
	if seen.Answer == providers.No {
		return append([]providers.Finding{known, seen}, unknown()...), nil
	}
	seen.Answer, seen.Detail = providers.Yes, "it is at "+reply.Repository.URL
	findings := []providers.Finding{known, seen}
	for _, a := range abilities {
		findings = append(findings, a.judge(c, reply.Repository.info()))
	}
	return findings, nil
}

func unknown() []providers.Finding {
	var out []providers.Finding
	for _, a := range abilities {
		out = append(out, providers.Finding{What: a.what, Answer: providers.Unknown, Detail: "the repository could not be looked at"})
	}
	return out
}

// credential tells what kind it is by its prefix
// (https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/).
func (r *repository) credential(h http.Header) credential {
	if r.c.token != nil {
		r.c.token.mu.Lock()
		defer r.c.token.mu.Unlock()
		return credential{kind: "a GitHub App's installation", permissions: r.c.token.permissions}
	}
	token := r.forge.options.Token
	switch {
	case strings.HasPrefix(token, "github_pat_"):
		return credential{kind: "a fine-grained token"}
	case strings.HasPrefix(token, "ghs_"):
		return credential{kind: "GITHUB_TOKEN or a token of a GitHub App"}
	case len(h.Values("X-Oauth-Scopes")) > 0:
		scopes := split(h.Get("X-Oauth-Scopes"))
		return credential{kind: "a token with the scopes " + list(scopes), scopes: scopes, isClassic: true}
	case token == "":
		return credential{kind: "none", isClassic: true}
	}
	return credential{kind: "a token"}
}

func (a ability) judge(c credential, info providers.Info) providers.Finding {
	f := providers.Finding{What: a.what}
	no := func(detail, hint string) providers.Finding {
		f.Answer, f.Detail, f.Hint = providers.No, detail, hint
		return f
	}
	isWrite := a.level == "write"
	if info.Archived && isWrite {
		return no("the repository is archived", "unarchive it")
	}
	if info.Access != nil && *info.Access < a.right {
		return no("the account has the permission "+info.Access.String(), "have it given the permission "+a.right.String())
	}
	switch {
	case c.isClassic && a.scopes == nil:
		return no("personal access tokens cannot", "use a GitHub App or GITHUB_TOKEN")
	case c.isClassic:
		for _, scope := range a.scopes {
			if covers(c.scopes, scope) {
				f.Answer, f.Detail = providers.Yes, "the token has the scope for it"
				return f
			}
		}
		if a.what == abilities[0].what {
			f.Answer, f.Detail = providers.Yes, "the repository is public"
			return f
		}
		return no("the token lacks the scope "+strings.Join(a.scopes, " or "), "give the token the scope "+a.scopes[0])
	case c.permissions != nil:
		if has := c.permissions[a.permission]; has == "write" || has == "admin" || has == a.level {
			f.Answer, f.Detail = providers.Yes, "the App has the permission "+a.permission+": "+has
			return f
		}
		return no("the App lacks the permission "+a.permission+": "+a.level, "add it in the App's settings, and accept it where the App is installed")
	}
	f.Answer, f.Detail = providers.Unknown, "GitHub does not tell what the token may do"
	f.Hint = "it needs the permission " + a.permission + ": " + a.level
	if a.what == abilities[0].what {
		f.Answer, f.Detail, f.Hint = providers.Yes, "the repository can be seen", ""
	}
	return f
}
