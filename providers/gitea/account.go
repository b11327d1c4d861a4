package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// userOf reads an account. Those with negative numbers are the server's own: a
// ghost for what is deleted (-1), and those that run actions
// (models/user/user_system.go of Gitea).
func userOf(u *sdk.User) providers.User {
	if u == nil {
		return providers.User{}
	}
	return providers.User{ID: strconv.FormatInt(u.ID, 10), Login: u.UserName, Name: u.FullName, Bot: u.ID < -1}
}

// Self implements providers.Accounts.
func (r *repository) Self(ctx context.Context) (providers.User, error) {
	self, err := r.self(ctx)
	return self, r.fail(err, "ask %s whose the token is", r.forge.host)
}

func (r *repository) self(ctx context.Context) (providers.User, error) {
	f := r.forge
	f.mu.Lock()
	known := f.self
	f.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	u, _, err := f.sdk(ctx).GetMyUserInfo()
	if err != nil {
		return providers.User{}, err
	}
	self := userOf(u)
	f.mu.Lock()
	f.self = &self
	f.mu.Unlock()
	return self, nil
}

// Permission implements providers.Accounts. The server tells administrators of
// the repository, and each account of itself.
func (r *repository) Permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	p, err := r.permission(ctx, user)
	return p, r.fail(err, "ask what %s may do in %s", nameOf(user), r.path)
}

func nameOf(user providers.User) string {
	if user.Login != "" {
		return user.Login
	}
	return "account " + user.ID
}

func (r *repository) permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	login, err := r.login(ctx, user)
	if err != nil || login == "" {
		return providers.NoAccess, err
	}
	result, _, err := r.forge.sdk(ctx).CollaboratorPermission(r.owner, r.name, login)
	switch statusOf(err) {
	case http.StatusNotFound:
		_, err = r.get(ctx)
		return providers.NoAccess, err
	case http.StatusForbidden:
		if scope, _ := missingScope(saysOf(err)); scope == "" {
			return providers.NoAccess, refuse(errors.ErrUnsupported, err, "make the account of the token an administrator of the repository",
				r.forge.host+" tells only administrators what others may do in "+r.path)
		}
	}
	if err != nil {
		return providers.NoAccess, err
	}
	switch result.Permission {
	case sdk.AccessModeOwner, sdk.AccessModeAdmin:
		return providers.CanAdmin, nil
	case sdk.AccessModeWrite:
		return providers.CanWrite, nil
	case sdk.AccessModeRead:
		return providers.CanRead, nil
	}
	return providers.NoAccess, nil
}

// login returns the login of a user, "" if the forge does not know the ID.
func (r *repository) login(ctx context.Context, user providers.User) (string, error) {
	if user.ID == "" {
		if strings.ContainsAny(user.Login, "/?#") {
			return "", nil // such a one could ask something else
		}
		return user.Login, nil
	}
	var found struct{ Data []*sdk.User }
	_, err := r.forge.do(ctx, call{method: http.MethodGet, path: []string{"users", "search"}, query: url.Values{"uid": {user.ID}}, out: &found})
	if err != nil {
		return "", err
	}
	for _, u := range found.Data {
		if strconv.FormatInt(u.ID, 10) == user.ID {
			return u.UserName, nil
		}
	}
	return "", nil
}

// IsMember implements providers.Teams. The server tells those who are in the
// team themselves, and the owners of the organization.
func (r *repository) IsMember(ctx context.Context, team string, user providers.User) (bool, error) {
	act := fmt.Sprintf("ask whether %s is in the team %s of %s", nameOf(user), team, r.owner)
	is, err := r.isMember(ctx, team, user)
	return is, r.forge.fail(act, err)
}

func (r *repository) isMember(ctx context.Context, team string, user providers.User) (bool, error) {
	id, err := r.team(ctx, team)
	if err != nil {
		return false, err
	}
	login, err := r.login(ctx, user)
	if err != nil || login == "" {
		return false, err
	}
	_, _, err = r.forge.sdk(ctx).GetTeamMember(id, login)
	if statusOf(err) == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// team returns the number of a team of the owner.
func (r *repository) team(ctx context.Context, name string) (int64, error) {
	none := func(err error) error {
		return refuse(providers.ErrNotFound, err, "check the spelling, and make the account of the token a member of the team or an owner of the organization",
			"there is no team "+name+" of "+r.owner)
	}
	rows, err := pages(0, func(page int) ([]*sdk.Team, http.Header, error) {
		var found struct{ Data []*sdk.Team }
		query := pageQuery(page)
		query.Set("q", name)
		header, err := r.forge.do(ctx, call{method: http.MethodGet, path: []string{"orgs", r.owner, "teams", "search"}, query: query, out: &found})
		return found.Data, header, err
	})
	if statusOf(err) == http.StatusNotFound {
		return 0, none(err)
	}
	if scope, _ := missingScope(saysOf(err)); statusOf(err) == http.StatusForbidden && scope == "" {
		return 0, refuse(providers.ErrForbidden, err, "add the account of the token to the team",
			"only members of "+r.owner+" see its teams")
	}
	if err != nil {
		return 0, err
	}
	for _, t := range rows {
		if strings.EqualFold(t.Name, name) {
			return t.ID, nil
		}
	}
	return 0, none(nil)
}
