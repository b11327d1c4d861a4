package gitlab

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

// Self implements [providers.Accounts].
func (r *repository) Self(ctx context.Context) (providers.User, error) {
	f := r.forge
	f.mu.Lock()
	known := f.self
	f.mu.Unlock()
	const act = "read whose the credential is"
	if known != nil {
		return *known, r.fail(act, nil, ctx.Err())
	}
	reply, option := begin(ctx)
	var u *gitlab.User
	var err error
	if f.jobToken {
		// All that a job's token may ask about itself (https://docs.gitlab.com/ci/jobs/ci_job_token/).
		var job *gitlab.Job
		if job, _, err = r.client.Jobs.GetJobTokensJob(nil, option); err == nil {
			u = job.User
		}
	} else {
		u, _, err = r.client.Users.CurrentUser(option)
	}
	if err != nil {
		return providers.User{}, r.fail(act, reply, err)
	}
	if u == nil {
		return providers.User{}, nil
	}
	self := providers.User{ID: strconv.Itoa(u.ID), Login: u.Username, Name: u.Name, Bot: u.Bot}
	f.mu.Lock()
	f.self = &self
	f.mu.Unlock()
	return self, nil
}

// Permission implements [providers.Accounts]. It is the role, whether direct, by a
// group, or by a group that the project is shared with
// (https://docs.gitlab.com/api/project_members/).
func (r *repository) Permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	act := "read the role of " + nameOf(user)
	if r.forge.jobToken {
		return 0, fmt.Errorf("%s on %s: a job's token may not: %w", act, r.name, errors.ErrUnsupported)
	}
	id, err := r.userID(ctx, user)
	if errors.Is(err, providers.ErrNotFound) {
		return providers.NoAccess, nil
	}
	if err != nil {
		return 0, err
	}
	reply, option := begin(ctx)
	m, _, err := r.client.ProjectMembers.GetInheritedProjectMember(r.path, id, option)
	switch {
	case errors.Is(err, gitlab.ErrNotFound) && !isProjectMissing(reply):
		return r.withoutRole(ctx)
	case err != nil:
		return 0, r.fail(act, reply, err)
	case m.State == "blocked" || m.State == "awaiting":
		return providers.NoAccess, nil
	}
	return permissionOf(m.AccessLevel), nil
}

// withoutRole returns what those may do who have no role: they see the code of a
// public project, and of an internal one (https://docs.gitlab.com/user/public_access/),
// unless the code is for members only.
func (r *repository) withoutRole(ctx context.Context) (providers.Permission, error) {
	p, err := r.readProject(ctx)
	if err != nil {
		return 0, err
	}
	open := p.Visibility == gitlab.PublicVisibility || p.Visibility == gitlab.InternalVisibility
	if open && p.RepositoryAccessLevel != gitlab.PrivateAccessControl && p.RepositoryAccessLevel != gitlab.DisabledAccessControl {
		return providers.CanRead, nil
	}
	return providers.NoAccess, nil
}

func nameOf(user providers.User) string {
	if user.Login != "" {
		return "@" + user.Login
	}
	return "user " + user.ID
}

// userID returns the number of a user, and an error wrapping
// [providers.ErrNotFound] if there is none.
func (r *repository) userID(ctx context.Context, user providers.User) (int, error) {
	if user.ID != "" {
		id, err := strconv.Atoi(user.ID)
		if err != nil || id <= 0 {
			return 0, fmt.Errorf("find user %q: %w", user.ID, providers.ErrNotFound)
		}
		return id, nil
	}
	if user.Login == "" {
		return 0, fmt.Errorf("find a user without a name: %w", providers.ErrNotFound)
	}
	reply, option := begin(ctx)
	list, _, err := r.client.Users.ListUsers(&gitlab.ListUsersOptions{Username: new(user.Login)}, option)
	if err != nil {
		return 0, r.fail("find @"+user.Login, reply, err)
	}
	for _, u := range list {
		if strings.EqualFold(u.Username, user.Login) {
			return u.ID, nil
		}
	}
	return 0, fmt.Errorf("find @%s: %w", user.Login, providers.ErrNotFound)
}

// IsMember implements [providers.Teams]: the team is a group, those of its
// parents belong to it.
func (r *repository) IsMember(ctx context.Context, team string, user providers.User) (bool, error) {
	id, err := r.userID(ctx, user)
	if errors.Is(err, providers.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	reply, option := begin(ctx)
	m, _, err := r.client.GroupMembers.GetInheritedGroupMember(team, id, option)
	switch {
	case errors.Is(err, gitlab.ErrNotFound) && !strings.Contains(reply.message, "Group Not Found"):
		return false, nil
	case err != nil:
		return false, r.fail("find the members of the group "+team, reply, err)
	}
	return m.State != "blocked" && m.State != "awaiting" && m.AccessLevel > gitlab.NoPermissions, nil
}

// permissionOf reads a role by its number
// (https://docs.gitlab.com/api/access_requests/#valid-access-levels).
func permissionOf(level gitlab.AccessLevelValue) providers.Permission {
	switch {
	case level >= gitlab.MaintainerPermissions:
		return providers.CanAdmin
	case level >= gitlab.DeveloperPermissions:
		return providers.CanWrite
	case level >= gitlab.ReporterPermissions:
		return providers.CanRead
	}
	return providers.NoAccess // a guest sees no code
}
