package bitbuckettest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// repository answers what is asked of a repository.
func (c *call) repository() answer {
	for len(c.parts) > 0 && c.parts[len(c.parts)-1] == "" && (len(c.parts) < 3 || c.parts[0] != "src") {
		c.parts = c.parts[:len(c.parts)-1]
	}
	switch {
	case c.is("GET"):
		return c.readable(func() answer { return success(c.repositoryObject()) })
	case c.is("GET", "refs", "branches"):
		return c.readable(c.listBranches)
	case c.is("POST", "refs", "branches"):
		return c.createBranch()
	case c.starts("GET", "refs", "branches"):
		return c.readable(func() answer { return c.readRef("branch", c.Branches) })
	case c.starts("DELETE", "refs", "branches"):
		return c.deleteBranch()
	case c.starts("GET", "refs", "tags"):
		return c.readable(func() answer { return c.readRef("tag", c.Tags) })
	case c.is("POST", "src"):
		return c.writeSource()
	case c.starts("GET", "src"):
		return c.readable(c.readSource)
	case len(c.parts) > 0 && c.parts[0] == "pullrequests":
		return c.pulls()
	case len(c.parts) > 0 && c.parts[0] == "hooks":
		return c.hooks()
	case c.starts("GET", "commit", "*", "statuses"), c.starts("POST", "commit", "*", "statuses"), c.is("GET", "commit", "*", "statuses"):
		return c.statuses()
	case len(c.parts) >= 3 && c.parts[0] == "commit" && c.parts[2] == "reports":
		return c.insights()
	case c.is("GET", "commit", "*", "pullrequests"):
		return c.pullsOf()
	case c.is("GET", "commit", "*"):
		return c.readable(c.readCommit)
	case c.is("GET", "commits", "*"):
		return c.readable(c.listCommits)
	case c.is("GET", "merge-base", "*"):
		return c.readable(c.mergeBase)
	case c.is("GET", "diffstat", "*"):
		return c.readable(c.diffstat)
	}
	return failure(http.StatusNotFound, "Resource not found")
}

func (c *call) readable(next func() answer) answer {
	if a := c.may("repository", false, providers.CanRead); a.status != 0 {
		return a
	}
	return next()
}

func (c *call) website(parts ...string) string {
	return c.origin + "/" + strings.Join(append([]string{c.repo.Path()}, parts...), "/")
}

// repositoryObject has no main branch while the repository is empty.
func (c *call) repositoryObject() object {
	o := object{
		"type": "repository", "uuid": UUID(c.repo.ID()), "full_name": c.repo.Path(), "name": c.repo.Path()[strings.IndexByte(c.repo.Path(), '/')+1:],
		"is_private": !c.Public, "scm": "git", "links": c.links(c.api(), c.website()), "mainbranch": nil, "created_on": stamp(c.Created),
	}
	if c.DefaultBranch != "" && len(c.Branches) > 0 {
		o["mainbranch"] = object{"type": "branch", "name": c.DefaultBranch}
	}
	return o
}

// shortRepository is how a repository stands in other objects.
func (c *call) shortRepository(path string) object {
	return object{"type": "repository", "full_name": path, "name": path[strings.IndexByte(path, '/')+1:], "links": c.links(c.origin+"/2.0/repositories/"+path, c.origin+"/"+path)}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

// accountObject is an account. Access tokens and apps are app_user
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#app-user), which
// have no nickname.
func accountObject(a memory.Account) object {
	o := object{"type": "user", "uuid": UUID(a.ID), "display_name": a.Name, "nickname": a.Login, "account_id": fmt.Sprintf("557058:%d", a.ID)}
	if a.Bot {
		o["type"] = "app_user"
	}
	return o
}

func (c *call) accountOf(login string) any {
	if a, ok := c.server.forge.Account(login); ok {
		return accountObject(a)
	}
	return nil
}

// byUUID finds an account, by its UUID or as the query of a user does.
func (c *call) byUUID(uuid string) (memory.Account, bool) {
	for _, a := range c.server.forge.Accounts() {
		if UUID(a.ID) == uuid {
			return a, true
		}
	}
	return memory.Account{}, false
}

func (c *call) self() answer {
	if !c.known {
		return failure(http.StatusUnauthorized, "Authentication is required for this endpoint.")
	}
	if c.token.Kind == "access" { // https://github.com/danger/danger-js/pull/1398
		return failure(http.StatusUnauthorized, "Token is invalid or not supported for this endpoint.")
	}
	if !c.scoped("user", false) && !c.scoped("account", false) {
		return c.lacking("read:user:bitbucket")
	}
	return success(accountObject(c.account))
}

func permissionName(p providers.Permission) string { return p.String() }

// permissions lists the effective permissions, for administrators only
// (workspaces).
func (c *call) permissions() answer {
	if a := c.may("repository", false, providers.CanAdmin); a.status != 0 {
		return a
	}
	var values []object
	for _, login := range slices.Sorted(maps.Keys(c.Members)) {
		account, known := c.server.forge.Account(login)
		if p := c.Permission(login); known && p > providers.NoAccess {
			values = append(values, object{
				"type": "repository_permission", "permission": permissionName(p), "user": accountObject(account), "repository": c.shortRepository(c.repo.Path()),
			})
		}
	}
	return c.page(values, 100)
}

// ownPermissions lists those of the caller.
func (c *call) ownPermissions(workspace string) answer {
	if !c.known {
		return failure(http.StatusUnauthorized, "Authentication is required for this endpoint.")
	}
	if c.token.Kind == "access" {
		return c.lacking("read:user:bitbucket")
	}
	var values []object
	for _, repo := range c.server.forge.Repos() {
		if !strings.HasPrefix(repo.Path(), workspace+"/") {
			continue
		}
		_ = repo.Do(func(s *memory.State) error {
			if p := s.Permission(c.account.Login); p > providers.NoAccess {
				values = append(values, object{
					"type": "repository_permission", "permission": permissionName(p), "user": accountObject(c.account), "repository": c.shortRepository(repo.Path()),
				})
			}
			return nil
		})
	}
	return c.page(values, 100)
}

// members lists who belongs to a workspace: here everybody who may do something
// in one of its repositories.
func (c *call) members(workspace string) answer {
	if !c.known {
		return failure(http.StatusUnauthorized, "Authentication is required for this endpoint.")
	}
	logins := map[string]bool{}
	for _, repo := range c.server.forge.Repos() {
		if strings.HasPrefix(repo.Path(), workspace+"/") {
			_ = repo.Do(func(s *memory.State) error {
				for login := range s.Members {
					logins[login] = true
				}
				return nil
			})
		}
	}
	var values []object
	for _, login := range slices.Sorted(maps.Keys(logins)) {
		if account, ok := c.server.forge.Account(login); ok {
			values = append(values, object{"type": "workspace_membership", "user": accountObject(account)})
		}
	}
	return c.page(values, 100)
}

func (c *call) refObject(kind, name, sha string) object {
	o := object{"type": kind, "name": name, "target": c.commitObject(c.Commit(sha))}
	if kind == "branch" {
		o["merge_strategies"], o["default_merge_strategy"] = c.strategies()
	}
	return o
}

func (c *call) listBranches() answer {
	var values []object
	for _, name := range c.BranchNames() {
		values = append(values, c.refObject("branch", name, c.Branches[name]))
	}
	return c.page(values, 100)
}

// readRef answers for one branch or tag (refs).
func (c *call) readRef(kind string, refs map[string]string) answer {
	name := strings.Join(c.parts[2:], "/")
	sha, found := refs[name]
	if !found {
		return failure(http.StatusNotFound, "%s %q does not exist.", map[string]string{"branch": "Branch", "tag": "Tag"}[kind], name)
	}
	return success(c.refObject(kind, name, sha))
}

func (c *call) createBranch() answer {
	if a := c.may("repository", true, providers.CanWrite); a.status != 0 {
		return a
	}
	var in struct {
		Name   string
		Target struct{ Hash string }
	}
	if err := c.read(&in); err != nil || in.Name == "" {
		return badField("name", "required key not provided")
	}
	if _, there := c.Branches[in.Name]; there {
		return answer{status: http.StatusBadRequest, body: object{"type": "error", "error": object{
			"message": fmt.Sprintf("Branch %q already exists.", in.Name), "data": object{"key": "BRANCH_ALREADY_EXISTS"},
		}}}
	}
	commit := c.find(in.Target.Hash)
	if commit == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	if err := c.SetBranch(in.Name, commit.SHA, c.account.Login); err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	return answer{status: http.StatusCreated, body: c.refObject("branch", in.Name, commit.SHA)}
}

// deleteBranch deletes a branch; pull requests stay open without it (refs).
func (c *call) deleteBranch() answer {
	if a := c.may("repository", true, providers.CanWrite); a.status != 0 {
		return a
	}
	name := strings.Join(c.parts[2:], "/")
	switch {
	case name == c.DefaultBranch:
		return failure(http.StatusBadRequest, "Cannot delete the main branch")
	case !c.CanPush(c.account.Login, name):
		return failure(http.StatusForbidden, "Permission denied to delete branch %s.", name)
	case !c.DeleteBranch(name, c.account.Login):
		return failure(http.StatusNotFound, "Branch %q does not exist.", name)
	}
	return answer{status: http.StatusNoContent}
}

// find returns the commit of a ref or of a SHA, which may be short, nil if there
// is none.
func (c *call) find(ref string) *memory.Commit {
	if commit := c.Commit(c.Resolve(ref)); commit != nil {
		return commit
	}
	if len(ref) < 7 || strings.Trim(ref, "0123456789abcdef") != "" {
		return nil
	}
	var tips []string
	for _, p := range c.Pulls {
		tips = append(tips, p.HeadSHA, p.MergeSHA)
	}
	tips = slices.AppendSeq(tips, maps.Values(c.Branches))
	for _, tip := range slices.Compact(slices.Sorted(slices.Values(tips))) {
		if c.Commit(tip) == nil {
			continue
		}
		for _, commit := range c.Log(tip, "", time.Time{}) {
			if strings.HasPrefix(commit.SHA, ref) {
				return commit
			}
		}
	}
	return nil
}

func (c *call) commitObject(commit *memory.Commit) object {
	if commit == nil {
		return nil
	}
	o := c.linkedCommit(commit.SHA)
	o["message"], o["date"] = commit.Message, commit.Author.When.Format(time.RFC3339)
	o["author"], o["committer"] = c.authorObject("author", commit.Author), c.authorObject("committer", commit.Committer)
	o["summary"] = rendered(commit.Message)
	o["repository"] = c.shortRepository(c.repo.Path())
	parents := []object{}
	for _, parent := range commit.Parents {
		parents = append(parents, c.linkedCommit(parent))
	}
	o["parents"] = parents
	return o
}

func (c *call) linkedCommit(sha string) object {
	return object{"type": "commit", "hash": sha, "links": c.links(c.api("commit", sha), c.website("commits", sha))}
}

func rendered(text string) object {
	return object{"raw": text, "markup": "markdown", "html": "<p>" + text + "</p>"}
}

func (c *call) authorObject(kind string, s memory.Signature) object {
	o := object{"type": kind, "raw": fmt.Sprintf("%s <%s>", s.Name, s.Email)}
	if account, ok := c.server.forge.AccountByEmail(s.Email); ok {
		o["user"] = accountObject(account)
	}
	return o
}

func (c *call) readCommit() answer {
	if commit := c.find(c.parts[1]); commit != nil {
		return success(c.commitObject(commit))
	}
	return failure(http.StatusNotFound, "Commit not found")
}

// listCommits lists history, without what is to be excluded (commits).
func (c *call) listCommits() answer {
	query := c.URL.Query()
	start := c.find(c.parts[1])
	if start == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	var excluded []string
	for _, ref := range query["exclude"] {
		commit := c.find(ref)
		if commit == nil {
			return failure(http.StatusNotFound, "Commit not found")
		}
		excluded = append(excluded, commit.SHA)
	}
	var values []object
	for _, commit := range c.Log(start.SHA, strings.TrimSuffix(query.Get("path"), "/"), time.Time{}) {
		if !slices.ContainsFunc(excluded, func(sha string) bool { return c.IsAncestor(commit.SHA, sha) }) {
			values = append(values, c.commitObject(commit))
		}
	}
	return c.pageOf(values, 30, 100)
}

// ends returns the commits of a..b.
func (c *call) ends(spec string) (a, b *memory.Commit) {
	first, second, _ := strings.Cut(spec, "..")
	return c.find(first), c.find(second)
}

func (c *call) mergeBase() answer {
	a, b := c.ends(c.parts[1])
	if a == nil || b == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	base := c.Commit(c.MergeBase(a.SHA, b.SHA))
	if base == nil {
		return failure(http.StatusNotFound, "No common ancestor")
	}
	return success(c.commitObject(base))
}

// diffstat lists what the first commit has that the second has not: the other
// way round than git. With topic it is against where they parted (commits).
func (c *call) diffstat() answer {
	source, destination := c.ends(c.parts[1])
	if source == nil || destination == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	from := destination
	if c.URL.Query().Get("topic") == "true" {
		from = cmp.Or(c.Commit(c.MergeBase(source.SHA, destination.SHA)), destination)
	}
	return c.pageOf(c.diffstatObjects(c.Diff(from.Files, source.Files)), 500, 5000)
}

func (c *call) diffstatObjects(changes []memory.Change) []object {
	var values []object
	for _, change := range changes {
		o := object{"type": "diffstat", "status": string(change.Status), "lines_added": 1, "lines_removed": 1, "old": nil, "new": nil}
		if change.Status != providers.Added {
			path := cmp.Or(change.OldPath, change.Path)
			o["old"] = object{"type": "commit_file", "path": path, "escaped_path": path}
		}
		if change.Status != providers.Removed {
			o["new"] = object{"type": "commit_file", "path": change.Path, "escaped_path": change.Path}
		}
		values = append(values, o)
	}
	return values
}
