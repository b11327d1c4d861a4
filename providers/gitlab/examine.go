package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

// Examine implements [providers.Examiner]. A token's scopes are known only for
// access tokens, which can read about themselves whatever their scope
// (https://docs.gitlab.com/api/personal_access_tokens/#get-details-on-the-current-token).
func (r *repository) Examine(ctx context.Context) ([]providers.Finding, error) {
	e := examination{access: providers.NoAccess}
	if err := r.examineCredential(ctx, &e); err != nil {
		return nil, err
	}
	if err := r.examineProject(ctx, &e); err != nil {
		return nil, err
	}
	api := e.scope("api")
	write := e.all(e.alive(), api, e.role(providers.CanWrite))
	findings := []providers.Finding{
		e.credential,
		e.project,
		e.finding(providers.ReadFiles, e.all(e.scope("api", "read_api"), e.role(providers.CanRead))),
		e.finding(providers.PushBranches, write),
		e.finding("push to the base branch", e.all(write, e.base())),
		e.finding(providers.OpenPulls, write),
		e.finding("comment", e.all(e.alive(), api, e.role(providers.CanRead))),
		e.finding("set statuses", write),
		e.finding("merge", e.all(write, e.merge())),
		e.finding("add labels", e.all(e.alive(), api, e.role(providers.CanRead))),
		e.finding("read who may do what", e.all(e.scope("api", "read_api"), e.person())),
		e.finding("register webhooks", e.all(e.alive(), api, e.role(providers.CanAdmin))),
	}
	return findings, nil
}

// examination is what is known.
type examination struct {
	credential, project providers.Finding
	jobToken, anonymous bool
	scopes              []string // nil if not known
	visible             bool
	hidden              string // what to do if it is not
	archived            bool
	known               bool // access is
	access              providers.Permission
	branch              *gitlab.Branch // the default one; nil if there is none
}

// verdict is an answer with its reason and what to do.
type verdict struct {
	answer       providers.Answer
	detail, hint string
}

func (r *repository) examineCredential(ctx context.Context, e *examination) error {
	e.jobToken, e.anonymous = r.forge.jobToken, !r.forge.hasToken
	e.credential = providers.Finding{What: providers.UseCredential, Answer: providers.Yes}
	if e.anonymous {
		e.credential.Answer, e.credential.Detail = providers.No, "there is none; public projects can be read all the same"
		e.credential.Hint = "give a token, such as a project access token with the scope api"
		return nil
	}
	self, err := r.Self(ctx)
	switch {
	case errors.Is(err, providers.ErrUnauthorized):
		e.credential.Answer, e.credential.Detail = providers.No, "GitLab does not accept it"
		e.credential.Hint = "check that the token is whole, not expired and not revoked"
		return nil
	case errors.Is(err, providers.ErrForbidden):
		e.credential.Detail = "GitLab accepts it, but does not say whose it is"
	case err != nil:
		return err
	default:
		e.credential.Detail = "it is that of @" + self.Login
	}
	if e.jobToken {
		e.credential.Detail = "it is a job's token, which reads public projects only"
		return nil
	}
	_, option := begin(ctx)
	token, _, err := r.client.PersonalAccessTokens.GetSinglePersonalAccessToken(option)
	if err != nil {
		return nil //nolint:nilerr // an OAuth token, or an old server: its scopes stay unknown
	}
	e.scopes = token.Scopes
	if e.scopes == nil {
		e.scopes = []string{}
	}
	e.credential.Detail += ", with the scopes " + strings.Join(e.scopes, ", ")
	if token.ExpiresAt != nil {
		e.credential.Detail += ", until " + token.ExpiresAt.String()
	}
	return nil
}

func (r *repository) examineProject(ctx context.Context, e *examination) error {
	e.project, e.hidden = providers.Finding{What: providers.SeeRepository, Answer: providers.Yes}, r.hiddenHint()
	info, err := r.Info(ctx)
	switch {
	case errors.Is(err, providers.ErrNotFound), errors.Is(err, providers.ErrUnauthorized), errors.Is(err, providers.ErrForbidden):
		e.project.Answer, e.project.Detail, e.project.Hint = providers.No, "GitLab shows no project "+r.path, e.hidden
		return nil
	case err != nil:
		return err
	}
	e.visible, e.archived = true, info.Archived
	if info.Access != nil {
		e.known, e.access = true, *info.Access
		e.project.Detail = "the credential's right is " + e.access.String()
	}
	if info.Archived {
		e.project.Detail = strings.TrimPrefix(e.project.Detail+"; the project is archived", "; ")
	}
	if info.DefaultBranch == "" || info.Empty {
		return nil
	}
	b, _, err := r.client.Branches.GetBranch(r.path, info.DefaultBranch, gitlab.WithContext(ctx))
	if err == nil {
		e.branch = b
	}
	return nil
}

func (e *examination) finding(what string, v verdict) providers.Finding {
	return providers.Finding{What: what, Answer: v.answer, Detail: v.detail, Hint: v.hint}
}

// all is no if one is, else unknown if one is, else yes.
func (e *examination) all(verdicts ...verdict) verdict {
	if !e.visible {
		return verdict{providers.No, "the repository is not visible", e.hidden}
	}
	for _, answer := range []providers.Answer{providers.No, providers.Unknown} {
		for _, v := range verdicts {
			if v.answer == answer {
				return v
			}
		}
	}
	var details []string
	for _, v := range verdicts {
		if v.detail != "" && !slices.Contains(details, v.detail) {
			details = append(details, v.detail)
		}
	}
	return verdict{answer: providers.Yes, detail: strings.Join(details, "; ")}
}

// scope is yes if the token has one of the scopes; the first is the one to ask for.
func (e *examination) scope(needed ...string) verdict {
	writes := len(needed) == 1
	switch {
	case writes && e.jobToken:
		return verdict{providers.No, "a job's token writes to no project", hintJob}
	case writes && e.anonymous:
		return verdict{providers.No, "there is no credential", "give a token, such as a project access token with the scope api"}
	case e.jobToken || e.anonymous:
		return verdict{answer: providers.Yes}
	case e.credential.Answer == providers.No:
		return verdict{providers.No, e.credential.Detail, e.credential.Hint}
	case e.scopes == nil:
		return verdict{providers.Unknown, "GitLab does not tell the scopes of this token", "if it fails, make a token with the scope " + needed[0]}
	}
	for _, scope := range needed {
		if slices.Contains(e.scopes, scope) {
			return verdict{answer: providers.Yes, detail: "the token has the scope " + scope}
		}
	}
	return verdict{providers.No, "the token lacks the scope " + strings.Join(needed, " or "), "make a token with the scope api"}
}

func (e *examination) role(needed providers.Permission) verdict {
	switch {
	case e.known:
	case e.jobToken && needed == providers.CanRead && e.branch != nil:
		return verdict{answer: providers.Yes, detail: "the project is public"}
	case e.jobToken:
		return verdict{providers.Unknown, "to GitLab a job's token has no role", hintJob}
	default:
		return verdict{providers.Unknown, "GitLab does not tell the role", hintRole}
	}
	if e.access >= needed {
		return verdict{answer: providers.Yes, detail: "the right is " + e.access.String()}
	}
	role := map[providers.Permission]string{
		providers.CanRead: "Reporter", providers.CanWrite: "Developer", providers.CanAdmin: "Maintainer",
	}[needed]
	return verdict{providers.No, "the right is only " + e.access.String(), fmt.Sprintf("give the token's user the role %s in the project", role)}
}

func (e *examination) alive() verdict {
	if e.archived {
		return verdict{providers.No, "the project is archived", "unarchive it in its settings, or take another repository"}
	}
	return verdict{answer: providers.Yes}
}

func (e *examination) base() verdict {
	switch {
	case e.branch == nil:
		return verdict{providers.Unknown, "there is no default branch to look at", ""}
	case !e.branch.CanPush:
		return verdict{providers.No, "the branch " + e.branch.Name + " is protected", "open pull requests, or let the token's user push to it"}
	}
	return verdict{answer: providers.Yes, detail: "it may push to " + e.branch.Name}
}

// merge cannot be known of a protected branch: GitLab tells it of roles only.
func (e *examination) merge() verdict {
	if e.branch == nil || !e.branch.Protected || e.branch.CanPush || e.branch.DevelopersCanMerge {
		return verdict{answer: providers.Yes}
	}
	return verdict{
		providers.Unknown, "the branch " + e.branch.Name + " is protected",
		"let the token's user merge: see the settings of protected branches",
	}
}

// person is yes for what GitLab only tells a user.
func (e *examination) person() verdict {
	switch {
	case e.jobToken:
		return verdict{providers.No, "GitLab tells it only to users", hintJob}
	case e.anonymous:
		return verdict{providers.No, "GitLab tells it only to users", hintScope}
	}
	return verdict{answer: providers.Yes}
}
