package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

// Examine asks for the account, the repository and the permission of the
// account. Bitbucket names the scopes of tokens in a header of every reply, but
// not those of all kinds of tokens.
func (r *repository) Examine(ctx context.Context) ([]providers.Finding, error) {
	e := examination{r: r}
	for _, look := range []func(context.Context) error{e.account, e.repository, e.rights, e.permissions, e.hooks} {
		if err := look(ctx); err != nil {
			return nil, r.wrap("examine the rights", err)
		}
	}
	return e.findings, nil
}

type examination struct {
	r        *repository
	findings []providers.Finding
	scopes   []string // empty if Bitbucket does not name them
	visible  bool
	refused  bool // the credential is not taken

	isNameless bool // it is an access token, of which this was not found out yet
}

func (e *examination) add(what string, answer providers.Answer, detail, hint string) {
	if answer == providers.Yes {
		hint = ""
	}
	e.findings = append(e.findings, providers.Finding{What: what, Answer: answer, Detail: detail, Hint: hint})
}

func (e *examination) notTaken() {
	e.refused = true
	e.add(providers.UseCredential, providers.No, "Bitbucket does not take it",
		"check that the token is right and has not expired; an API token needs the email address of its account, an access token must have none")
}

// unreachable returns err if nothing can be asked at all.
func unreachable(err error) error {
	if err == nil || status(err) != 0 && status(err) < 500 {
		return nil
	}
	return err
}

func (e *examination) account(ctx context.Context) error {
	const what = providers.UseCredential
	var got accountJSON
	reply, err := e.r.client.call(ctx, request{url: e.r.client.api + "/user"}, &got)
	if e.isNameless = e.r.forge.isNameless(err); e.isNameless {
		return nil // whether it is taken shows where the repository is read
	}
	switch status(err) {
	case 0:
		if err == nil {
			e.scopes = scopesOf(reply.header)
			e.add(what, providers.Yes, "it is that of "+got.Name, "")
		}
	case http.StatusUnauthorized:
		e.notTaken()
	case http.StatusForbidden:
		e.add(what, providers.Yes, "Bitbucket takes it, but it lacks the scope to say whose it is",
			"")
	default:
		e.add(what, providers.Unknown, err.Error(), "run it again later")
	}
	return unreachable(err)
}

func (e *examination) repository(ctx context.Context) error {
	const what = providers.SeeRepository
	reply, err := e.r.client.call(ctx, request{url: e.r.api}, &repositoryJSON{})
	switch {
	case e.isNameless && status(err) == http.StatusUnauthorized:
		e.notTaken()
	case e.isNameless && unreachable(err) == nil:
		e.add(providers.UseCredential, providers.Yes, "it is an access token, which is no account's", "")
	}
	switch {
	case err == nil:
		e.visible = true
		if e.scopes == nil {
			e.scopes = scopesOf(reply.header)
		}
		e.add(what, providers.Yes, "it was read", "")
		e.add(providers.ReadFiles, providers.Yes, "files need the scope that the repository was read with", "")
	case unreachable(err) != nil:
		return err
	default:
		const hint = "check the spelling, and that the credential has the scope read:repository:bitbucket and may see the repository"
		e.add(what, providers.No, err.Error(), hint)
		e.add(providers.ReadFiles, providers.No, "the repository cannot be read", hint)
	}
	return nil
}

// scopesOf reads the scopes of the credential, such as "repository:write,
// pullrequest", or write:repository:bitbucket for API tokens.
func scopesOf(h http.Header) []string {
	return strings.FieldsFunc(h.Get("X-OAuth-Scopes"), func(c rune) bool { return c == ',' || c == ' ' })
}

// rights judges writes by the scopes and by the permission of the account.
func (e *examination) rights(ctx context.Context) error {
	permission, known := providers.NoAccess, false
	if e.visible && !e.refused {
		got, err := all[permissionJSON](ctx, e.r.client, request{
			url:   e.r.client.api + "/user/workspaces/" + url.PathEscape(e.r.workspace) + "/permissions/repositories",
			query: url.Values{"q": {"repository.full_name = " + quote(e.r.path)}, "pagelen": {pageSize}},
		})
		if err := unreachable(err); err != nil {
			return err
		}
		for _, p := range got {
			if strings.EqualFold(p.Repository.FullName, e.r.path) {
				permission, known = max(permission, permissions[p.Permission]), true
			}
		}
	}
	for _, right := range []struct {
		what   string
		object string // of the scope
		writes bool   // the scope must be the one to write
		needs  providers.Permission
	}{
		{providers.PushBranches, "repository", true, providers.CanWrite},
		{providers.OpenPulls, "pullrequest", true, providers.CanRead},
		{"merge pull requests", "pullrequest", true, providers.CanWrite},
		{"comment on pull requests", "pullrequest", false, providers.CanRead},
		{"set statuses and reports", "repository", false, providers.CanWrite},
	} {
		scopes := []string{right.object + ":write", "write:" + right.object + ":bitbucket"}
		if !right.writes {
			scopes = []string{right.object, "read:" + right.object + ":bitbucket", scopes[0], scopes[1]}
		}
		hint := fmt.Sprintf("give the credential the scope %s (%s for an access token)", scopes[1], scopes[0])
		has := slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(e.scopes, scope) })
		switch {
		case e.refused || !e.visible:
			e.add(right.what, providers.No, "the repository cannot be read", hint)
		case len(e.scopes) > 0 && !has:
			e.add(right.what, providers.No, "the credential has only the scopes "+strings.Join(e.scopes, ", "), hint)
		case known && permission < right.needs:
			e.add(right.what, providers.No, "the account's permission in the repository is "+permission.String(), "give the account the permission "+right.needs.String())
		case has && known:
			e.add(right.what, providers.Yes, "the credential has the scope, and the account the permission "+permission.String(), "")
		default:
			e.add(right.what, providers.Unknown, "Bitbucket tells neither scopes nor permission of this kind of credential", hint)
		}
	}
	return nil
}

func (e *examination) permissions(ctx context.Context) error {
	const what = "read the permissions of others"
	_, err := e.r.permission(ctx, providers.User{ID: "{00000000-0000-0000-0000-000000000000}"})
	e.tried(what, err, "give the account the permission admin in the repository")
	return unreachable(e.inner(err))
}

func (e *examination) hooks(ctx context.Context) error {
	_, err := e.r.hooks(ctx)
	e.tried("register webhooks", err, "give the credential the scopes read:webhook:bitbucket and write:webhook:bitbucket, and the account the permission admin in the repository")
	return unreachable(err)
}

// tried judges by a read that needs the same right.
func (e *examination) tried(what string, err error, hint string) {
	switch {
	case err == nil:
		e.add(what, providers.Yes, "it was tried", "")
	case unreachable(e.inner(err)) == nil:
		e.add(what, providers.No, err.Error(), hint)
	}
}

// inner makes a refusal of permissions a reply again.
func (e *examination) inner(err error) error {
	if errors.Is(err, providers.ErrForbidden) {
		return &statusError{status: http.StatusForbidden}
	}
	return err
}
