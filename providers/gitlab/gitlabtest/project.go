package gitlabtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// levels are the numbers of the roles
// (https://docs.gitlab.com/api/access_requests/#valid-access-levels).
var levels = map[providers.Permission]int{
	providers.NoAccess: 0, providers.CanRead: 20, providers.CanWrite: 30, providers.CanAdmin: 40,
}

func (c *call) user(login string) any {
	a, ok := c.forge.Account(login)
	if !ok {
		return nil
	}
	return userOf(a)
}

func userOf(a memory.Account) object {
	return object{"id": a.ID, "username": a.Login, "name": a.Name, "state": "active"}
}

// getUser (https://docs.gitlab.com/api/users/#retrieve-the-current-user).
func (c *call) getUser() (any, error) {
	u := userOf(c.me)
	u["email"], u["bot"] = c.me.Email, c.me.Bot
	return u, nil
}

// getVersion (https://docs.gitlab.com/api/version/).
func (c *call) getVersion() (any, error) {
	return object{"version": "18.5.0", "revision": "imitated"}, nil
}

// getJob (https://docs.gitlab.com/api/jobs/#retrieve-a-job-by-job-token).
func (c *call) getJob() (any, error) {
	if !c.job {
		return nil, unauthorized()
	}
	return object{"id": 1, "user": userOf(c.me)}, nil
}

// getToken (https://docs.gitlab.com/api/personal_access_tokens/).
func (c *call) getToken() (any, error) {
	return object{
		"id": 1, "name": "towpath", "revoked": false, "active": true, "scopes": c.scopes(), "user_id": c.me.ID,
		"expires_at": "2099-12-31",
	}, nil
}

// listUsers knows only username, whose case does not matter
// (https://docs.gitlab.com/api/users/#list-users).
func (c *call) listUsers() (any, error) {
	name := c.query.Get("username")
	if name == "" {
		return nil, forbidden("Not authorized!")
	}
	a, ok := c.forge.Account(name)
	if !ok {
		return []any{}, nil
	}
	return []any{userOf(a)}, nil
}

// getMember (GitLab's lib/api/members.rb): who has no role is "404 Not found".
func (c *call) getMember() (any, error) {
	id := c.number("user")
	a, ok := c.forge.AccountByID(int64(id))
	role := c.Members[strings.ToLower(a.Login)]
	if !ok || role == providers.NoAccess {
		return nil, refuse(http.StatusNotFound, "404 Not found")
	}
	m := userOf(a)
	m["access_level"], m["membership_state"] = levels[role], "active"
	return m, nil
}

func (c *call) getGroupMember() (any, error) {
	var members []string
	found := false
	for _, repo := range c.forge.Repos() {
		_ = repo.Do(func(s *memory.State) error {
			if team, ok := s.Teams[c.args["group"]]; ok {
				members, found = append(members, team...), true
			}
			return nil
		})
	}
	if !found {
		return nil, notFound("Group")
	}
	id := c.number("user")
	a, ok := c.forge.AccountByID(int64(id))
	if !ok || !slices.ContainsFunc(members, func(login string) bool { return strings.EqualFold(login, a.Login) }) {
		return nil, refuse(http.StatusNotFound, "404 Not found")
	}
	m := userOf(a)
	m["access_level"] = levels[providers.CanWrite]
	return m, nil
}

// fastForwards reports whether the project makes no merge commits.
func fastForwards(s *memory.State) bool {
	return !slices.Contains(s.MergeMethods(), providers.MergeCommit)
}

// getProject (https://docs.gitlab.com/api/projects/#retrieve-a-project).
func (c *call) getProject() (any, error) {
	p := object{
		"id": c.repo.ID(), "path_with_namespace": c.repo.Path(), "web_url": c.repo.URL(),
		"archived": c.Archived, "empty_repo": len(c.Branches) == 0, "default_branch": c.defaultBranch(),
		"merge_method": "merge", "squash_option": "default_off", "permissions": nil,
	}
	if fastForwards(c.State) {
		p["merge_method"] = "ff"
	}
	if p["visibility"] = "private"; c.Public {
		p["visibility"] = "public"
	}
	p["repository_access_level"] = "enabled"
	c.describeCI(p)
	switch methods := c.MergeMethods(); {
	case !slices.Contains(methods, providers.Squash):
		p["squash_option"] = "never"
	case len(methods) == 1:
		p["squash_option"] = "always"
	}
	if c.known {
		var access any
		if role := c.Members[strings.ToLower(c.me.Login)]; role > providers.NoAccess {
			access = object{"access_level": levels[role]}
		}
		p["permissions"] = object{"project_access": access, "group_access": nil}
	}
	return p, nil
}

func (c *call) defaultBranch() any {
	if len(c.Branches) == 0 {
		return nil
	}
	return c.DefaultBranch
}

// hookOf (https://docs.gitlab.com/api/project_webhooks/). The secret is not shown.
func hookOf(h *memory.Hook) object {
	o := object{"id": h.ID, "url": h.URL, "alert_status": "executable", "disabled_until": nil}
	if !h.Active {
		o["alert_status"] = "disabled"
	}
	for _, event := range hookEvents {
		o[event+"_events"] = slices.Contains(h.Events, event)
	}
	return o
}

var hookEvents = []string{"push", "tag_push", "merge_requests", "note", "pipeline", "job"}

func (c *call) listHooks() (any, error) {
	if err := c.needs(providers.CanAdmin); err != nil {
		return nil, err
	}
	list := []any{}
	for _, h := range c.Hooks {
		list = append(list, hookOf(h))
	}
	return page(c, list), nil
}

func (c *call) addHook() (any, error) {
	if err := c.needs(providers.CanAdmin); err != nil {
		return nil, err
	}
	h := &memory.Hook{ID: c.forge.NextID(), Active: true}
	if err := c.fillHook(h); err != nil {
		return nil, err
	}
	c.Hooks = append(c.Hooks, h)
	return answer{http.StatusCreated, hookOf(h)}, nil
}

func (c *call) editHook() (any, error) {
	if err := c.needs(providers.CanAdmin); err != nil {
		return nil, err
	}
	for _, h := range c.Hooks {
		if strconv.FormatInt(h.ID, 10) == c.args["hook"] {
			return hookOf(h), c.fillHook(h)
		}
	}
	return nil, notFound("")
}

func (c *call) fillHook(h *memory.Hook) error {
	address, err := c.required("url")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return refuse(http.StatusUnprocessableEntity, "Invalid url given")
	}
	h.URL = address
	if token, ok := c.text("token"); ok {
		h.Secret = token
	}
	h.Events = nil
	for _, event := range hookEvents {
		if c.flag(event + "_events") {
			h.Events = append(h.Events, event)
		}
	}
	return nil
}

// issueOf (https://docs.gitlab.com/api/issues/).
func (c *call) issueOf(i *memory.Issue) object {
	state := "closed"
	if i.Open {
		state = "opened"
	}
	return object{
		"id": 1000 + i.Number, "iid": i.Number, "title": i.Title, "description": i.Body, "state": state,
		"author": c.user(i.Author), "created_at": i.Created, "updated_at": i.Updated,
		"web_url": c.repo.URL() + "/-/issues/" + strconv.Itoa(i.Number),
	}
}

func (c *call) listIssues() (any, error) {
	list := []any{}
	for _, i := range c.Issues {
		a, _ := c.forge.Account(i.Author)
		if author := c.query.Get("author_id"); author == "" || author == strconv.FormatInt(a.ID, 10) {
			list = append(list, c.issueOf(i))
		}
	}
	if c.query.Get("sort") != "asc" {
		slices.Reverse(list)
	}
	return page(c, list), nil
}

func (c *call) createIssue() (any, error) {
	title, err := c.required("title")
	if err != nil {
		return nil, err
	}
	body, _ := c.text("description")
	return answer{http.StatusCreated, c.issueOf(c.OpenIssue(c.me.Login, title, body))}, nil
}

func (c *call) updateIssue() (any, error) {
	n := c.number("iid")
	i := c.Issue(n)
	if i == nil {
		return nil, notFound("Issue")
	}
	if !strings.EqualFold(i.Author, c.me.Login) {
		if err := c.needs(providers.CanRead + 1); err != nil {
			return nil, err
		}
	}
	if title, ok := c.text("title"); ok {
		i.Title = title
	}
	if body, ok := c.text("description"); ok {
		i.Body = body
	}
	switch event, _ := c.text("state_event"); event {
	case "close":
		i.Open = false
	case "reopen":
		i.Open = true
	}
	i.Updated = c.forge.Now()
	return c.issueOf(i), nil
}
