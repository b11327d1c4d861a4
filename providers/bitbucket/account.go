package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Permission asks for the effective permission of an account, which only
// administrators of the repository may ask for.
func (r *repository) Permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	p, err := r.permission(ctx, user)
	return p, r.wrap("read a permission", err)
}

var permissions = map[string]providers.Permission{"read": providers.CanRead, "write": providers.CanWrite, "admin": providers.CanAdmin}

type permissionJSON struct {
	Permission string      `json:"permission"`
	User       accountJSON `json:"user"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
}

func (r *repository) permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	field, value := "user.uuid", user.ID
	if value == "" {
		field, value = "user.nickname", user.Login
	}
	if value == "" {
		return providers.NoAccess, nil
	}
	got, err := all[permissionJSON](ctx, r.client, request{
		url:   r.client.api + "/workspaces/" + url.PathEscape(r.workspace) + "/permissions/repositories/" + url.PathEscape(r.slug),
		query: url.Values{"q": {field + " = " + quote(value)}, "pagelen": {pageSize}},
	})
	if e, ok := errors.AsType[*statusError](err); ok && (e.status == http.StatusForbidden || r.forge.isNameless(err)) {
		return providers.NoAccess, refuse(fault.Access, &both{errors.ErrUnsupported, because(providers.ErrForbidden, e.Error())},
			"Bitbucket tells permissions only to administrators of the repository",
			"use a credential with the permission admin in the repository, or list the accounts that may give commands")
	}
	if err != nil {
		return providers.NoAccess, err
	}
	most := providers.NoAccess
	for _, p := range got {
		// A nickname may be that of several: none of them is known to be meant.
		if user.ID == "" && len(got) > 1 {
			return providers.NoAccess, nil
		}
		if user.ID == "" && strings.EqualFold(p.User.Nickname, user.Login) || user.ID != "" && p.User.UUID == user.ID {
			most = max(most, permissions[p.Permission])
		}
	}
	return most, nil
}

// RequestReviews adds reviewers, by nickname or UUID. Nicknames are looked up
// among the members of the workspace.
func (r *repository) RequestReviews(ctx context.Context, number int, users, teams []string) error {
	return r.wrap(fmt.Sprintf("ask for reviews of pull request #%d", number), r.requestReviews(ctx, number, users, teams))
}

func (r *repository) requestReviews(ctx context.Context, number int, users, teams []string) error {
	var problems []error
	if len(teams) > 0 {
		problems = append(problems, refuse(fault.Refused, errors.ErrUnsupported,
			fmt.Sprintf("Bitbucket has no teams that could be asked for a review: %s", strings.Join(teams, ", ")), "name users, or set default reviewers in the repository"))
	}
	if len(users) == 0 {
		return errors.Join(problems...)
	}
	p, err := r.readPull(ctx, number)
	if err != nil {
		return err
	}
	members, err := r.members(ctx, users)
	if err != nil {
		return err
	}
	c := changeOf(p)
	for _, name := range users {
		uuid := members[strings.ToLower(name)]
		switch {
		case uuid == "":
			problems = append(problems, refuse(fault.NotFound, providers.ErrNotFound,
				fmt.Sprintf("%q is no one member of the workspace %s", name, r.workspace), "write the nickname of a member, or the UUID in braces"))
		case p.Author != nil && p.Author.UUID == uuid:
			problems = append(problems, refuse(fault.Refused, providers.ErrForbidden, fmt.Sprintf("%q is the author of the pull request", name), "name somebody else"))
		case !slices.ContainsFunc(c.Reviewers, func(u uuidBody) bool { return u.UUID == uuid }):
			with := c
			with.Reviewers = append(slices.Clone(c.Reviewers), uuidBody{"user", uuid})
			// One by one, since one who cannot be asked has all of them refused.
			after, err := r.put(ctx, number, with)
			if err != nil && status(err) != http.StatusBadRequest {
				return err
			}
			if isAsked := func(a accountJSON) bool { return a.UUID == uuid }; err != nil || !slices.ContainsFunc(after.Reviewers, isAsked) {
				if err == nil {
					err = errors.New("it is not among the reviewers")
					c = changeOf(after)
				}
				problems = append(problems, refuse(fault.Refused, because(providers.ErrForbidden, err.Error()),
					fmt.Sprintf("%q cannot be asked for a review", name), "check that the account may see the repository"))
				continue
			}
			c = changeOf(after)
		}
	}
	return errors.Join(problems...)
}

// members returns the UUIDs of members of the workspace by lower-case nickname.
// A nickname that several have is left out. UUIDs stand for themselves.
func (r *repository) members(ctx context.Context, names []string) (map[string]string, error) {
	found := map[string]string{}
	var nicknames []string
	for _, name := range names {
		if strings.HasPrefix(name, "{") {
			found[strings.ToLower(name)] = name
		} else {
			nicknames = append(nicknames, strings.ToLower(name))
		}
	}
	if len(nicknames) == 0 {
		return found, nil
	}
	q := request{url: r.client.api + "/workspaces/" + url.PathEscape(r.workspace) + "/members", query: url.Values{"pagelen": {pageSize}}}
	err := list(ctx, r.client, q, func(got []struct {
		User accountJSON `json:"user"`
	},
	) bool {
		for _, m := range got {
			name := strings.ToLower(m.User.Nickname)
			if !slices.Contains(nicknames, name) {
				continue
			}
			if uuid, ok := found[name]; ok && uuid != m.User.UUID {
				found[name] = ""
				continue
			}
			found[name] = m.User.UUID
		}
		return true
	})
	return found, err
}
