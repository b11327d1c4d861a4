package gitea

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// examination finds out what the token may do. The server does not tell a
// token's scopes until one is missing, so each is tried, by a request that
// changes nothing.
type examination struct {
	repository *repository
	repo       *sdk.Repository
	lacks      map[string]string // by a scope that is missing, those that are there
	findings   []providers.Finding
}

// writes are what those scopes are needed for and what changes nothing: a text
// that is rendered, and labels that are none for an issue that cannot be.
var writes = map[string]func(r *repository) call{
	"write:repository": func(r *repository) call {
		return call{method: http.MethodPost, path: r.below("markdown"), in: map[string]string{"Text": "towpath", "Mode": "markdown"}}
	},
	"write:issue": func(r *repository) call {
		return call{method: http.MethodPost, path: r.below("issues", "0", "labels"), in: map[string]any{"labels": []string{}}}
	},
}

// Examine implements providers.Examiner.
func (r *repository) Examine(ctx context.Context) ([]providers.Finding, error) {
	x := &examination{repository: r, lacks: map[string]string{}}
	if err := x.run(ctx); err != nil {
		return nil, r.fail(err, "examine %s", r.path)
	}
	return x.findings, nil
}

func (x *examination) add(what string, answer providers.Answer, detail, hint string) {
	x.findings = append(x.findings, providers.Finding{What: what, Answer: answer, Detail: detail, Hint: hint})
}

func (x *examination) run(ctx context.Context) error {
	r := x.repository
	self, err := r.self(ctx)
	if fatal := x.learn(err); fatal != nil {
		return fatal
	}
	switch {
	case err == nil:
		x.add(providers.UseCredential, providers.Yes, "the token is "+self.Login+"'s", "")
	case statusOf(err) == http.StatusUnauthorized:
		x.add(providers.UseCredential, providers.No, "the server does not accept the token", "make a new one with the scopes "+scopes)
		return nil
	default:
		x.add(providers.UseCredential, providers.Unknown, "the token may not say whose it is", "make one that has the scope read:user")
	}
	repo, err := r.get(ctx)
	if fatal := x.learn(err); fatal != nil {
		return fatal
	}
	if err != nil {
		x.add(providers.SeeRepository, providers.No, detailOf(err), "check the spelling, and that the account of the token may see the repository")
		return nil
	}
	x.repo = repo
	x.add(providers.SeeRepository, providers.Yes, "it is visible", "")
	_, err = r.forge.do(ctx, call{method: http.MethodGet, path: r.below("branches"), query: pageQuery(1)})
	if fatal := x.learn(err); fatal != nil {
		return fatal
	}
	if err == nil {
		x.add(providers.ReadFiles, providers.Yes, "its branches are listed", "")
	} else {
		x.add(providers.ReadFiles, providers.No, detailOf(err), "let the account of the token read the code")
	}
	for scope, try := range writes {
		c := try(r)
		resp, err := r.forge.send(ctx, r.forge.raw, c)
		if err == nil {
			resp.Body.Close()
		}
		if _, has := missingScope(saysOf(err)); has != "" {
			x.lacks[scope] = has
		}
		if err != nil && statusOf(err) == 0 {
			return err
		}
	}
	access := repo.Permissions
	if access == nil {
		access = &sdk.Permission{}
	}
	archived := repo.Archived
	x.right(providers.PushBranches, "write:repository", access.Push && !archived, archived)
	x.right(providers.OpenPulls, "write:repository", repo.HasPullRequests && access.Pull && !archived, archived)
	x.right("merge pull requests", "write:repository", repo.HasPullRequests && access.Push && !archived, archived)
	x.right("comment and label", "write:issue", access.Pull && !archived, archived)
	x.right("set statuses", "write:repository", access.Push && !archived, archived)
	x.right("tell what others may do", "read:repository", access.Admin, false)
	x.right("register webhooks", "write:repository", access.Admin, false)
	_, err = r.forge.do(ctx, call{method: http.MethodGet, path: []string{"orgs", r.owner, "teams"}, query: pageQuery(1)})
	if fatal := x.learn(err); fatal != nil {
		return fatal
	}
	switch {
	case err == nil:
		x.add("see teams", providers.Yes, r.owner+" shows its teams", "")
	case statusOf(err) == http.StatusNotFound:
		x.add("see teams", providers.No, r.owner+" is no organization that the token can see", "name users instead of teams")
	default:
		x.add("see teams", providers.No, detailOf(err), "make a token that has the scope read:organization, of a member of "+r.owner)
	}
	return x.rebuild(ctx)
}

// learn returns an error that ends the examination, since the server could not
// be asked.
func (x *examination) learn(err error) error {
	if statusOf(err)/100 == 4 {
		return nil
	}
	return err
}

// right adds a finding on what needs a scope and a right.
func (x *examination) right(what, scope string, may, archived bool) {
	has, lacking := x.lacks[scope]
	switch {
	case archived:
		x.add(what, providers.No, "the repository is archived", "unarchive it in its settings")
	case !may && strings.Contains(what, "pull request") && !x.repo.HasPullRequests:
		x.add(what, providers.No, "pull requests are turned off in the repository", "turn them on in its settings")
	case !may:
		x.add(what, providers.No, "the account of the token has not the right in the repository",
			"give it "+map[bool]string{true: "administrator", false: "write"}[strings.HasPrefix(what, "tell") || strings.HasPrefix(what, "register")]+" access")
	case lacking:
		x.add(what, providers.No, "the token lacks the scope "+scope+"; it has "+has, "make a token with the scopes "+scopes)
	default:
		x.add(what, providers.Yes, "the token and its account may", "")
	}
}

// rebuild says whether branches can be moved, which the version tells.
func (x *examination) rebuild(ctx context.Context) error {
	const what = "rebuild branches"
	version, _, err := x.repository.forge.sdk(ctx).ServerVersion()
	if fatal := x.learn(err); fatal != nil {
		return fatal
	}
	var major, minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	switch {
	case err != nil || major == 0:
		x.add(what, providers.Unknown, "the server does not tell its version", "")
	case strings.Contains(version, "gitea-") || major > 1 || minor < 26:
		x.add(what, providers.No, "the version is "+version, "update the server to Gitea 1.26; until then commits are added")
	default:
		x.add(what, providers.Yes, "the version is "+version, "")
	}
	return nil
}

func detailOf(err error) string {
	if says := saysOf(err); says != "" {
		return says
	}
	if status := statusOf(err); status != 0 {
		return fmt.Sprintf("the server answers %d %s", status, http.StatusText(status))
	}
	return err.Error()
}
