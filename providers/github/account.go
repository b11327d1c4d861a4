package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Self returns the account of the credential.
func (r *repository) Self(ctx context.Context) (providers.User, error) {
	u, err := r.self(ctx)
	return u, r.wrap("ask for the credential's account", err)
}

// self asks once. GraphQL knows the account of an App and of GITHUB_TOKEN too;
// REST does not
// (https://github.com/fullsend-ai/fullsend/pull/1953).
func (r *repository) self(ctx context.Context) (providers.User, error) {
	r.c.mu.Lock()
	known := r.c.self
	r.c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var reply struct {
		Viewer *struct {
			Login, Name string
			DatabaseID  *int64
		}
	}
	if _, err := r.post(repeatable(ctx), `query { viewer { login name databaseId } }`, nil, &reply); err != nil {
		return providers.User{}, err
	}
	if reply.Viewer == nil {
		return providers.User{}, errNoAnswer
	}
	u := providers.User{Login: reply.Viewer.Login, Name: reply.Viewer.Name, Bot: isBot(reply.Viewer.Login)}
	if id := reply.Viewer.DatabaseID; id != nil {
		u.ID = strconv.FormatInt(*id, 10)
	}
	r.c.mu.Lock()
	r.c.self = &u
	r.c.mu.Unlock()
	return u, nil
}

// Permission returns what an account may do.
func (r *repository) Permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	p, err := r.permission(ctx, user)
	return p, r.wrap(fmt.Sprintf("ask what %q may do", nameOf(user)), err)
}

func nameOf(u providers.User) string {
	if u.Login != "" {
		return u.Login
	}
	return u.ID
}

func (r *repository) permission(ctx context.Context, user providers.User) (providers.Permission, error) {
	login := user.Login
	if login == "" {
		var err error
		if login, err = r.loginOf(ctx, user.ID); err != nil || login == "" {
			return providers.NoAccess, err
		}
	}
	level, u, err := r.level(ctx, login)
	if err != nil || user.ID == "" || strconv.FormatInt(u.GetID(), 10) == user.ID {
		return level, err
	}
	// The login belongs to somebody else now: accounts can be renamed.
	if login, err = r.loginOf(ctx, user.ID); err != nil || login == "" {
		return providers.NoAccess, err
	}
	level, u, err = r.level(ctx, login)
	if err == nil && strconv.FormatInt(u.GetID(), 10) != user.ID {
		return providers.NoAccess, nil
	}
	return level, err
}

func (r *repository) level(ctx context.Context, login string) (providers.Permission, *gh.User, error) {
	if !isLogin(login) {
		return providers.NoAccess, nil, nil
	}
	level, _, err := r.c.Repositories.GetPermissionLevel(ctx, r.owner, r.name, login)
	switch {
	case err == nil:
		return permissionOf(level.GetPermission()), level.User, nil
	case statusOf(err) == http.StatusNotFound:
		// It is the account that is not there, if the repository is.
		if _, look := r.Info(ctx); look != nil {
			return providers.NoAccess, nil, err
		}
		return providers.NoAccess, nil, nil
	case statusOf(err) == http.StatusForbidden:
		return providers.NoAccess, nil, &problem{
			fault.Access, "use a credential that may push to the repository",
			fmt.Errorf("%w: %w: %s", providers.ErrForbidden, errors.ErrUnsupported, wordsOf(err)),
		}
	}
	return providers.NoAccess, nil, err
}

// loginOf returns the login of an account, "" if there is none
// (https://docs.github.com/en/rest/users/users#get-a-user-using-their-id).
func (r *repository) loginOf(ctx context.Context, id string) (string, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return "", nil //nolint:nilerr // an id that GitHub cannot have is of nobody
	}
	u, _, err := r.c.Users.GetByID(ctx, n)
	if statusOf(err) == http.StatusNotFound {
		return "", nil
	}
	return u.GetLogin(), err
}

// isLogin reports whether GitHub can have a login. All others are of nobody,
// and go-github would put them into the path as they are.
func isLogin(login string) bool {
	return login != "" && !strings.ContainsFunc(strings.TrimSuffix(login, "[bot]"), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	})
}

// slugOf returns the slug of a team, which people also write behind its
// organization.
func slugOf(team string) string { return team[strings.LastIndexByte(team, '/')+1:] }

// IsMember reports whether a user belongs to a team.
func (r *repository) IsMember(ctx context.Context, team string, user providers.User) (bool, error) {
	is, err := r.isMember(ctx, team, user)
	return is, r.wrap(fmt.Sprintf("ask who is in team %q", team), err)
}

func (r *repository) isMember(ctx context.Context, team string, user providers.User) (bool, error) {
	login := user.Login
	if user.ID != "" {
		var err error
		if login, err = r.loginOf(ctx, user.ID); err != nil || login == "" {
			return false, err
		}
	}
	if org, _, ok := strings.Cut(team, "/"); ok && !strings.EqualFold(org, r.owner) {
		return false, &problem{fault.Usage, "name a team of " + r.owner, fmt.Errorf("the team is one of %q", org)}
	}
	if !isLogin(login) {
		return false, nil
	}
	if !isLogin(slugOf(team)) {
		return false, noTeam()
	}
	m, _, err := r.c.Teams.GetTeamMembershipBySlug(ctx, r.owner, slugOf(team), login)
	if statusOf(err) == http.StatusNotFound {
		return false, r.lookForTeam(ctx, team)
	}
	return m.GetState() == "active", err // one who was invited is pending
}

// lookForTeam fails if there is no such team, or the credential may not see it:
// the same answer means that somebody is not in it.
func (r *repository) lookForTeam(ctx context.Context, team string) error {
	var reply struct {
		Organization *struct{ Team *struct{ Slug string } }
	}
	_, err := r.post(repeatable(ctx), `query($org: String!, $slug: String!) { organization(login: $org) { team(slug: $slug) { slug } } }`,
		map[string]any{"org": r.owner, "slug": slugOf(team)}, &reply)
	if err == nil && (reply.Organization == nil || reply.Organization.Team == nil) {
		return noTeam()
	}
	return err
}

func noTeam() error {
	return &problem{
		fault.NotFound, "check the spelling, and that the credential may read the organization's members",
		fmt.Errorf("%w: there is no such team", providers.ErrNotFound),
	}
}

// AddLabels adds labels, which GitHub makes if they are not there.
func (r *repository) AddLabels(ctx context.Context, number int, labels []string) error {
	if len(labels) == 0 {
		return nil
	}
	// go-github sends a list, which GitHub takes and its description of the API
	// does not know.
	err := r.settled(ctx, isUnknownPull, func() error {
		return r.send(repeatable(ctx), http.MethodPost, fmt.Sprintf("issues/%d/labels", number), map[string]any{"labels": labels})
	})
	return r.wrap(fmt.Sprintf("label pull request %d", number), err)
}

// isUnknownPull reports whether a write was refused since not all of GitHub knows
// yet of the pull request, which was just opened
// (https://github.com/peter-evans/create-pull-request/issues/4321). The same is
// said for ever of other things, such as teams.
func isUnknownPull(err error) bool {
	return statusOf(err) == http.StatusUnprocessableEntity && said(err, "Could not resolve to a node with the global id of 'PR_")
}

// RequestReviews asks for reviews. One name that GitHub refuses is the end of
// all: then they are asked one by one.
func (r *repository) RequestReviews(ctx context.Context, number int, users, teams []string) error {
	return r.wrap(fmt.Sprintf("ask for reviews of pull request %d", number), r.requestReviews(ctx, number, users, teams))
}

func (r *repository) requestReviews(ctx context.Context, number int, users, teams []string) error {
	if len(users)+len(teams) == 0 {
		return nil
	}
	ask := func(users, teams []string) error {
		slugs := make([]string, len(teams))
		for i, team := range teams {
			slugs[i] = slugOf(team)
		}
		return r.settled(ctx, isUnknownPull, func() error {
			_, _, err := r.c.PullRequests.RequestReviewers(repeatable(ctx), r.owner, r.name, number, gh.ReviewersRequest{Reviewers: users, TeamReviewers: slugs})
			return err
		})
	}
	err := ask(users, teams)
	if statusOf(err) != http.StatusUnprocessableEntity {
		return err
	}
	var bad []string
	for _, user := range users {
		switch err := ask([]string{user}, nil); {
		case statusOf(err) == http.StatusUnprocessableEntity:
			bad = append(bad, user)
		case err != nil:
			return err
		}
	}
	for _, team := range teams {
		switch err := ask(nil, []string{team}); {
		case statusOf(err) == http.StatusUnprocessableEntity:
			bad = append(bad, team)
		case err != nil:
			return err
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &problem{
		fault.Refused, "name people and teams that may read the repository, other than the pull request's author",
		fmt.Errorf("GitHub cannot ask %s", strings.Join(bad, ", ")),
	}
}

// Assign adds assignees. GitHub leaves out names that it does not take
// (https://docs.github.com/en/rest/issues/assignees#add-assignees-to-an-issue).
func (r *repository) Assign(ctx context.Context, number int, users []string) error {
	if len(users) == 0 {
		return nil
	}
	var issue *gh.Issue
	err := r.settled(ctx, isUnknownPull, func() (err error) {
		issue, _, err = r.c.Issues.AddAssignees(repeatable(ctx), r.owner, r.name, number, users)
		return err
	})
	if err == nil {
		missing := slices.DeleteFunc(slices.Clone(users), func(user string) bool {
			return slices.ContainsFunc(issue.Assignees, func(u *gh.User) bool { return strings.EqualFold(u.GetLogin(), user) })
		})
		if len(missing) > 0 {
			err = &problem{
				fault.Refused, "name people who may push to the repository",
				fmt.Errorf("GitHub cannot assign %s", strings.Join(missing, ", ")),
			}
		}
	}
	return r.wrap(fmt.Sprintf("assign pull request %d", number), err)
}
