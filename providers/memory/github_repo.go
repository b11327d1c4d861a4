package memory

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// hubRepoRoutes are those about the repository and git.
var hubRepoRoutes = []hubRoute{
	{pattern: "GET ", handle: (*hubCall).getRepo},
	{pattern: "GET /commits", handle: (*hubCall).listCommits},
	{pattern: "GET /compare/{basehead}", handle: (*hubCall).compare},
	{pattern: "GET /tarball/{sha}", handle: (*hubCall).getTarball},
	{pattern: "GET /git/ref/{ref...}", handle: (*hubCall).getRef},
	{pattern: "GET /git/blobs/{sha}", handle: (*hubCall).getBlob},
	{pattern: "GET /git/trees/{sha}", handle: (*hubCall).getTree},
	{pattern: "GET /git/commits/{sha}", handle: (*hubCall).getGitCommit},
	{pattern: "POST /git/refs", need: providers.CanWrite, hidden: true, handle: (*hubCall).createRef},
	{pattern: "PATCH /git/refs/{ref...}", need: providers.CanWrite, hidden: true, handle: (*hubCall).updateRef},
	{pattern: "DELETE /git/refs/{ref...}", need: providers.CanWrite, hidden: true, handle: (*hubCall).deleteRef},
	{pattern: "POST /git/blobs", need: providers.CanWrite, hidden: true, handle: (*hubCall).createBlob},
	{pattern: "POST /git/trees", need: providers.CanWrite, hidden: true, handle: (*hubCall).createTree},
	{pattern: "POST /git/commits", need: providers.CanWrite, hidden: true, handle: (*hubCall).createCommit},
	{pattern: "GET /collaborators/{login}/permission", handle: (*hubCall).getPermission},
	{pattern: "GET /hooks", need: providers.CanAdmin, scopes: []string{"admin:repo_hook", "read:repo_hook", "repo", "write:repo_hook"}, hidden: true, handle: (*hubCall).listHooks},
	{pattern: "POST /hooks", need: providers.CanAdmin, scopes: []string{"admin:repo_hook", "repo", "write:repo_hook"}, hidden: true, handle: (*hubCall).saveHook},
	{pattern: "PATCH /hooks/{id}", need: providers.CanAdmin, scopes: []string{"admin:repo_hook", "repo", "write:repo_hook"}, hidden: true, handle: (*hubCall).saveHook},
}

// repoURL returns where something of the repository is in the API.
func (c *hubCall) repoURL(s *State, rest string) string {
	return strings.TrimSuffix(c.api("repos/"+s.repo.path+"/"+rest), "/")
}

// page returns where something of the repository is for people.
func (c *hubCall) pageURL(s *State, rest string) string { return s.repo.URL() + "/" + rest }

// repo returns the repository as lists have it, with all that the description of
// the API requires.
func (c *hubCall) repo(s *State) map[string]any {
	owner, name, _ := strings.Cut(s.repo.path, "/")
	account, ok := c.h.account(owner)
	if !ok {
		account = Account{Login: owner}
	}
	who := c.userOf(account)
	if !ok {
		who["type"] = "Organization"
	}
	r := map[string]any{
		"id": s.repo.id, "node_id": hubID("R", s.repo.id), "name": name, "full_name": s.repo.path, "owner": who,
		"private": !s.Public, "html_url": s.repo.URL(), "description": nil, "fork": false, "url": c.repoURL(s, ""),
		"clone_url": s.repo.URL() + ".git", "git_url": "git:" + s.repo.path + ".git", "ssh_url": "git@memory.test:" + s.repo.path + ".git", "svn_url": s.repo.URL(),
		"mirror_url": nil, "homepage": nil, "language": nil, "license": nil, "default_branch": s.DefaultBranch, "archived": s.Archived, "disabled": false,
		"has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false, "has_discussions": false,
		"created_at": hubTime(s.Created), "updated_at": hubTime(s.Created), "pushed_at": hubTime(s.Created),
	}
	for _, count := range []string{"size", "forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "open_issues", "open_issues_count"} {
		r[count] = 0
	}
	for name, rest := range map[string]string{
		"archive": "{archive_format}{/ref}", "assignees": "assignees{/user}", "blobs": "git/blobs{/sha}", "branches": "branches{/branch}",
		"collaborators": "collaborators{/collaborator}", "comments": "comments{/number}", "commits": "commits{/sha}",
		"compare": "compare/{base}...{head}", "contents": "contents/{+path}", "contributors": "contributors", "deployments": "deployments",
		"downloads": "downloads", "events": "events", "forks": "forks", "git_commits": "git/commits{/sha}", "git_refs": "git/refs{/sha}",
		"git_tags": "git/tags{/sha}", "hooks": "hooks", "issue_comment": "issues/comments{/number}", "issue_events": "issues/events{/number}",
		"issues": "issues{/number}", "keys": "keys{/key_id}", "labels": "labels{/name}", "languages": "languages", "merges": "merges",
		"milestones": "milestones{/number}", "notifications": "notifications{?since,all,participating}", "pulls": "pulls{/number}",
		"releases": "releases{/id}", "stargazers": "stargazers", "statuses": "statuses/{sha}", "subscribers": "subscribers",
		"subscription": "subscription", "tags": "tags", "teams": "teams", "trees": "git/trees{/sha}",
	} {
		r[name+"_url"] = c.repoURL(s, rest)
	}
	return r
}

func (c *hubCall) getRepo(s *State) (int, any) {
	r := c.repo(s)
	r["network_count"], r["subscribers_count"] = 0, 0
	p := c.permission(s)
	r["permissions"] = map[string]any{
		"admin": p >= providers.CanAdmin, "maintain": p >= providers.CanAdmin, "push": p >= providers.CanWrite, "triage": p >= providers.CanWrite, "pull": true,
	}
	return http.StatusOK, r
}

func hubSignature(g Signature) map[string]any {
	return map[string]any{"name": g.Name, "email": g.Email, "date": hubTime(g.When)}
}

func hubVerification() map[string]any {
	return map[string]any{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

// commit returns a commit as lists have it.
func (c *hubCall) commit(s *State, k *Commit) map[string]any {
	who := func(g Signature) any {
		if a, ok := c.h.f.AccountByEmail(g.Email); ok {
			return c.userOf(a)
		}
		return nil
	}
	parents := []any{}
	for _, p := range k.Parents {
		parents = append(parents, map[string]any{"sha": p, "url": c.repoURL(s, "commits/"+p), "html_url": c.pageURL(s, "commit/"+p)})
	}
	return map[string]any{
		"sha": k.SHA, "node_id": hubID("C", k.SHA), "url": c.repoURL(s, "commits/"+k.SHA), "html_url": c.pageURL(s, "commit/"+k.SHA),
		"comments_url": c.repoURL(s, "commits/"+k.SHA+"/comments"), "author": who(k.Author), "committer": who(k.Committer), "parents": parents,
		"commit": map[string]any{
			"url": c.repoURL(s, "git/commits/"+k.SHA), "message": k.Message, "author": hubSignature(k.Author), "committer": hubSignature(k.Committer),
			"tree": map[string]any{"sha": k.TreeID, "url": c.repoURL(s, "git/trees/"+k.TreeID)}, "comment_count": 0, "verification": hubVerification(),
		},
	}
}

func (c *hubCall) commits(s *State, list []*Commit) []any {
	out := []any{}
	for _, k := range list {
		out = append(out, c.commit(s, k))
	}
	return out
}

func (c *hubCall) listCommits(s *State) (int, any) {
	query := c.r.URL.Query()
	if len(s.Branches) == 0 {
		return http.StatusConflict, hubMessage("Git Repository is empty.")
	}
	ref := query.Get("sha")
	if ref == "" {
		ref = s.DefaultBranch
	}
	sha := s.Resolve(ref)
	if sha == "" {
		return hubMissing()
	}
	since, err := time.Parse(time.RFC3339, query.Get("since"))
	if err != nil {
		since = time.Time{}
	}
	return http.StatusOK, c.commits(s, hubPage(c, s.Log(sha, query.Get("path"), since)))
}

// maxHubCompared is how many files of a comparison are listed
// (https://docs.github.com/en/rest/commits/commits#compare-two-commits).
const maxHubCompared = 300

func (c *hubCall) compare(s *State) (int, any) {
	base, head, _ := strings.Cut(c.r.PathValue("basehead"), "...")
	a, b := s.Commit(s.Resolve(base)), s.Commit(s.Resolve(head))
	if a == nil || b == nil {
		return hubMissing()
	}
	parted := s.Commit(s.MergeBase(a.SHA, b.SHA))
	if parted == nil {
		return http.StatusNotFound, hubMessage(fmt.Sprintf("No common ancestor between %s and %s.", base, head))
	}
	ahead, behind := s.Between(a.SHA, b.SHA), s.Between(b.SHA, a.SHA)
	status := "identical"
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		status = "diverged"
	case len(ahead) > 0:
		status = "ahead"
	case len(behind) > 0:
		status = "behind"
	}
	out := map[string]any{
		"url": c.repoURL(s, "compare/"+base+"..."+head), "html_url": c.pageURL(s, "compare/"+base+"..."+head),
		"permalink_url": c.pageURL(s, "compare/"+a.SHA+"..."+b.SHA), "diff_url": c.pageURL(s, "compare/x.diff"), "patch_url": c.pageURL(s, "compare/x.patch"),
		"base_commit": c.commit(s, a), "merge_base_commit": c.commit(s, parted), "status": status,
		"ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "commits": c.commits(s, hubPage(c, ahead)),
	}
	if page := c.r.URL.Query().Get("page"); page == "" || page == "1" {
		changes := s.Diff(parted.Files, b.Files)
		out["files"] = c.changes(s, b.SHA, changes[:min(len(changes), maxHubCompared)])
	}
	return http.StatusOK, out
}

func (c *hubCall) changes(s *State, sha string, changes []Change) []any {
	out := []any{}
	for _, change := range changes {
		escaped := (&url.URL{Path: change.Path}).EscapedPath()
		entry := map[string]any{
			"sha": strings.Repeat("0", 40), "filename": change.Path, "status": string(change.Status), "additions": 0, "deletions": 0, "changes": 0,
			"blob_url": c.pageURL(s, "blob/"+sha+"/"+escaped), "raw_url": c.pageURL(s, "raw/"+sha+"/"+escaped),
			"contents_url": c.repoURL(s, "contents/"+escaped+"?ref="+sha),
		}
		if k := s.Commit(sha); k != nil && k.Files[change.Path].ID != "" {
			entry["sha"] = k.Files[change.Path].ID
		}
		if change.OldPath != "" {
			entry["previous_filename"] = change.OldPath
		}
		out = append(out, entry)
	}
	return out
}

func (c *hubCall) getTarball(s *State) (int, any) {
	sha := s.Resolve(c.r.PathValue("sha"))
	if sha == "" {
		return hubMissing()
	}
	c.w.Header().Set("Location", "http://"+c.r.Host+"/_codeload/"+s.repo.path+"/"+sha+"?token="+hubTicket(s.repo.path, sha))
	return http.StatusFound, nil
}

// getPermission has its own words for who may not ask
// (https://github.com/yegor256/rultor/issues/1407).
func (c *hubCall) getPermission(s *State) (int, any) {
	if c.permission(s) < providers.CanWrite {
		return http.StatusForbidden, hubMessage("Must have push access to view collaborator permission.")
	}
	a, ok := c.h.account(c.r.PathValue("login"))
	if !ok {
		return http.StatusNotFound, hubMessage(c.r.PathValue("login") + " is not a user")
	}
	p := s.Permission(a.Login).String()
	user := c.userOf(a)
	user["role_name"] = p
	return http.StatusOK, map[string]any{"permission": p, "role_name": p, "user": user}
}

func (c *hubCall) hook(s *State, h *Hook) map[string]any {
	at := c.repoURL(s, "hooks/"+itoa(h.ID))
	return map[string]any{
		"type": "Repository", "id": h.ID, "name": "web", "active": h.Active, "events": h.Events,
		"config": map[string]any{"url": h.URL, "content_type": "json", "insecure_ssl": "0", "secret": "********"},
		"url":    at, "test_url": at + "/test", "ping_url": at + "/pings", "deliveries_url": at + "/deliveries",
		"created_at": hubTime(s.Created), "updated_at": hubTime(s.Created), "last_response": map[string]any{"code": nil, "status": "unused", "message": nil},
	}
}

func (c *hubCall) listHooks(s *State) (int, any) {
	out := []any{}
	for _, h := range s.Hooks {
		out = append(out, c.hook(s, h))
	}
	return http.StatusOK, hubPage(c, out)
}

// saveHook makes or changes a webhook.
func (c *hubCall) saveHook(s *State) (int, any) {
	var in struct {
		Config struct{ URL, Secret string }
		Events []string
		Active *bool
	}
	if !c.in(&in) {
		return hubUnreadable()
	}
	h, status := &Hook{ID: c.h.f.NextID(), Events: []string{"push"}, Active: true}, http.StatusCreated
	if id := c.r.PathValue("id"); id != "" {
		i := slices.IndexFunc(s.Hooks, func(h *Hook) bool { return itoa(h.ID) == id })
		if i < 0 {
			return hubMissing()
		}
		h, status = s.Hooks[i], http.StatusOK
	} else if slices.ContainsFunc(s.Hooks, func(h *Hook) bool { return h.URL == in.Config.URL }) {
		return hubInvalid(map[string]any{"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"})
	}
	if _, err := url.ParseRequestURI(in.Config.URL); err != nil {
		return hubInvalid(map[string]any{"resource": "Hook", "code": "custom", "field": "url", "message": "url is not valid"})
	}
	h.URL, h.Secret = in.Config.URL, in.Config.Secret
	if in.Events != nil {
		h.Events = in.Events
	}
	if in.Active != nil {
		h.Active = *in.Active
	}
	if status == http.StatusCreated {
		s.Hooks = append(s.Hooks, h)
	}
	return status, c.hook(s, h)
}
