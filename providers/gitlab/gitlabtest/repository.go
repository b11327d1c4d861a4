package gitlabtest

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// validRef is Gitlab::GitRefValidator.validate: names that git takes, without a
// dash or a prefix of full names before them (GitLab's lib/gitlab/git_ref_validator.rb).
func validRef(name string) bool {
	for _, prefix := range []string{"-", "refs/heads/", "refs/remotes/", "refs/tags/"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return name != "HEAD" && memory.ValidRef(name)
}

// branchOf (https://docs.gitlab.com/api/branches/).
func (c *call) branchOf(name string) object {
	_, protected := c.Protected[name]
	can := c.known && c.CanPush(c.me.Login, name)
	return object{
		"name": name, "commit": c.commitOf(c.Commit(c.Branches[name])), "default": name == c.DefaultBranch,
		"protected": protected, "can_push": can, "developers_can_push": !protected, "developers_can_merge": !protected,
		"web_url": c.repo.URL() + "/-/tree/" + name,
	}
}

// listBranches filters by search, with ^ and $ at its ends, or by regex, an
// expression that is not anchored (GitLab's app/finders/branches_finder.rb).
func (c *call) listBranches() (any, error) {
	search := c.query.Get("search")
	var expression *regexp.Regexp
	if text := c.query.Get("regex"); text != "" {
		if search != "" {
			return nil, &refusal{http.StatusBadRequest, object{"error": "search, regex are mutually exclusive"}}
		}
		var err error
		if expression, err = regexp.Compile(text); err != nil {
			return nil, refuse(http.StatusBadRequest, "Invalid regex")
		}
	}
	list := []any{}
	for _, name := range c.BranchNames() {
		if expression != nil && !expression.MatchString(name) || !searched(search, name) {
			continue
		}
		list = append(list, c.branchOf(name))
	}
	return page(c, list), nil
}

func searched(search, name string) bool {
	rest, begins := strings.CutPrefix(search, "^")
	rest, ends := strings.CutSuffix(rest, "$")
	switch {
	case begins && ends:
		return name == rest
	case begins:
		return strings.HasPrefix(name, rest)
	case ends:
		return strings.HasSuffix(name, rest)
	}
	return strings.Contains(strings.ToLower(name), strings.ToLower(search))
}

// findBranch is find_branch! (GitLab's lib/api/helpers.rb).
func (c *call) findBranch() (string, error) {
	name := c.args["branch"]
	if !validRef(name) {
		return "", refuse(http.StatusBadRequest, "The branch refname is invalid")
	}
	if _, ok := c.Branches[name]; !ok {
		return "", notFound("Branch")
	}
	return name, nil
}

func (c *call) getBranch() (any, error) {
	name, err := c.findBranch()
	if err != nil {
		return nil, err
	}
	return c.branchOf(name), nil
}

// deleteBranch (GitLab's lib/api/branches.rb and app/services/branches/delete_service.rb).
func (c *call) deleteBranch() (any, error) {
	if err := c.needs(providers.CanWrite); err != nil {
		return nil, err
	}
	name, err := c.findBranch()
	if err != nil {
		return nil, err
	}
	if _, ok := c.Protected[name]; ok || name == c.DefaultBranch {
		return nil, forbidden("Protected branch can't be removed")
	}
	c.DeleteBranch(name, c.me.Login)
	return answer{http.StatusNoContent, nil}, nil
}

func (c *call) getTag() (any, error) {
	name := c.args["tag"]
	if !validRef(name) {
		return nil, refuse(http.StatusBadRequest, "The tag refname is invalid")
	}
	sha, ok := c.Tags[name]
	if !ok {
		return nil, notFound("Tag")
	}
	return object{"name": name, "target": sha, "commit": c.commitOf(c.Commit(sha))}, nil
}

// commitOf (https://docs.gitlab.com/api/commits/).
func (c *call) commitOf(commit *memory.Commit) any {
	if commit == nil {
		return nil
	}
	parents := commit.Parents
	if parents == nil {
		parents = []string{}
	}
	return object{
		"id": commit.SHA, "short_id": commit.SHA[:8], "title": commit.Subject(), "message": commit.Message, "parent_ids": parents,
		"author_name": commit.Author.Name, "author_email": commit.Author.Email, "authored_date": commit.Author.When,
		"committer_name": commit.Committer.Name, "committer_email": commit.Committer.Email, "committed_date": commit.Committer.When,
		"created_at": commit.Committer.When, "web_url": c.repo.URL() + "/-/commit/" + commit.SHA,
	}
}

// revision finds a commit by what git calls a revision: a branch, a tag, or a SHA,
// which may be short.
func (c *call) revision(text string) *memory.Commit {
	if sha := c.Resolve(text); sha != "" {
		return c.Commit(sha)
	}
	if len(text) < 4 || strings.Trim(text, "0123456789abcdef") != "" {
		return nil
	}
	for _, sha := range c.Branches {
		for _, commit := range c.Log(sha, "", time.Time{}) {
			if strings.HasPrefix(commit.SHA, text) {
				return commit
			}
		}
	}
	return nil
}

func (c *call) getCommit() (any, error) {
	commit := c.revision(c.args["sha"])
	if commit == nil {
		return nil, notFound("Commit")
	}
	return c.commitOf(commit), nil
}

func (c *call) listCommits() (any, error) {
	ref := c.query.Get("ref_name")
	if ref == "" {
		ref = c.DefaultBranch
	}
	list := []any{}
	var since time.Time
	if text := c.query.Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, &refusal{http.StatusBadRequest, object{"error": "since is invalid"}}
		}
	}
	if commit := c.revision(ref); commit != nil {
		for _, commit := range c.Log(commit.SHA, c.query.Get("path"), since) {
			list = append(list, c.commitOf(commit))
		}
	}
	return page(c, list), nil
}

// listTree pages by token (https://docs.gitlab.com/api/repositories/#list-repository-tree).
// A ref that is not there is "404 Tree Not Found", a path is "404 invalid revision
// or path Not Found" (GitLab's spec/requests/api/repositories_spec.rb).
func (c *call) listTree() (any, error) {
	commit := c.revision(c.query.Get("ref"))
	if commit == nil {
		return nil, notFound("Tree")
	}
	folder := c.query.Get("path")
	var list []object
	if !c.walk(commit.TreeID, folder, "", func(at string, e memory.TreeEntry) {
		list = append(list, treeOf(at, e))
	}) {
		return nil, notFound("invalid revision or path")
	}
	from, size := 0, min(atLeastOne(c.query.Get("per_page"), 20), 100)
	if token := c.query.Get("page_token"); token != "" {
		from = slices.IndexFunc(list, func(o object) bool { return o["path"] == token }) + 1
	}
	list = list[from:]
	if len(list) > size {
		list = list[:size]
		c.next("page_token", fmt.Sprint(list[size-1]["path"]))
	}
	if list == nil {
		list = []object{}
	}
	return list, nil
}

func treeOf(at string, e memory.TreeEntry) object {
	kind := "blob"
	switch e.Mode {
	case memory.ModeFolder:
		kind = "tree"
	case providers.Submodule.String():
		kind = "commit"
	}
	return object{"id": e.ID, "name": e.Name, "type": kind, "path": at, "mode": e.Mode}
}

// walk visits the entries of a folder, and those below them if that is asked for.
// It reports whether there is such a folder.
func (c *call) walk(tree, folder, at string, visit func(string, memory.TreeEntry)) bool {
	entries, ok := c.Tree(tree)
	if !ok {
		return false
	}
	if folder != "" {
		first, rest, _ := strings.Cut(folder, "/")
		for _, e := range entries {
			if e.Name == first && e.Mode == memory.ModeFolder {
				return c.walk(e.ID, rest, path.Join(at, first), visit)
			}
		}
		return false
	}
	for _, e := range entries {
		visit(path.Join(at, e.Name), e)
		if e.Mode == memory.ModeFolder && c.query.Get("recursive") == "true" {
			c.walk(e.ID, "", path.Join(at, e.Name), visit)
		}
	}
	return true
}

func (c *call) getBlob() (any, error) {
	content, ok := c.Blob(c.args["blob"])
	if !ok {
		return nil, notFound("Blob")
	}
	return raw{"application/octet-stream", content}, nil
}

// getFile tells of a file in headers, which is all that HEAD gets
// (https://docs.gitlab.com/api/repository_files/#get-file-from-repository).
func (c *call) getFile() (any, error) {
	ref := c.query.Get("ref")
	if ref == "" {
		return nil, &refusal{http.StatusBadRequest, object{"error": "ref is missing, ref is empty"}}
	}
	commit := c.revision(ref)
	if commit == nil {
		return nil, notFound("Commit")
	}
	name := c.args["path"]
	e, ok := commit.Files[name]
	if !ok {
		return nil, notFound("File")
	}
	last := c.Log(commit.SHA, name, time.Time{})[0].SHA
	for key, value := range map[string]string{
		"Blob-Id": e.ID, "Commit-Id": commit.SHA, "File-Name": path.Base(name), "File-Path": name, "Last-Commit-Id": last,
		"Ref": ref, "Size": strconv.FormatInt(c.Size(e), 10), "Encoding": "base64",
		"Execute-Filemode": strconv.FormatBool(e.Mode == providers.Executable),
	} {
		c.reply.Set("X-Gitlab-"+key, value)
	}
	if c.req.Method == http.MethodHead {
		return nil, nil
	}
	content, _ := c.Blob(e.ID)
	return object{
		"file_name": path.Base(name), "file_path": name, "size": c.Size(e), "encoding": "base64", "content": content, "ref": ref,
		"blob_id": e.ID, "commit_id": commit.SHA, "last_commit_id": last, "execute_filemode": e.Mode == providers.Executable,
	}, nil
}

func (c *call) getArchive() (any, error) {
	commit := c.revision(c.query.Get("sha"))
	if commit == nil {
		return nil, notFound("File")
	}
	content, err := c.Archive(commit.SHA, path.Base(c.repo.Path())+"-"+commit.SHA)
	return raw{"application/octet-stream", content}, err
}

// getMergeBase (GitLab's lib/api/repositories.rb).
func (c *call) getMergeBase() (any, error) {
	refs := c.query["refs[]"]
	if len(refs) < 2 {
		return nil, refuse(http.StatusBadRequest, "Provide at least 2 refs")
	}
	var commits []*memory.Commit
	var unknown []string
	for _, ref := range refs {
		commit := c.revision(ref)
		if commit == nil {
			unknown = append(unknown, ref)
		}
		commits = append(commits, commit)
	}
	if len(unknown) > 0 {
		noun := "ref"
		if len(unknown) > 1 {
			noun = "refs"
		}
		return nil, refuse(http.StatusBadRequest, fmt.Sprintf("Could not find %s: %s", noun, strings.Join(unknown, ", ")))
	}
	base := c.MergeBase(commits[0].SHA, commits[1].SHA)
	if base == "" {
		return nil, notFound("Merge Base")
	}
	return c.commitOf(c.Commit(base)), nil
}

// compare leaves out the texts of differences from the 100th file on
// (GitLab's lib/gitlab/git/diff_collection.rb), and files from the 1000th on
// (https://docs.gitlab.com/administration/diff_limits/).
func (c *call) compare() (any, error) {
	from, to := c.revision(c.query.Get("from")), c.revision(c.query.Get("to"))
	if from == nil || to == nil {
		return nil, notFound("Ref")
	}
	commits := []any{}
	for _, commit := range c.Between(from.SHA, to.SHA) {
		commits = append(commits, c.commitOf(commit))
	}
	base := from
	if c.query.Get("straight") != "true" {
		base = c.Commit(c.MergeBase(from.SHA, to.SHA))
	}
	diffs := []any{}
	if base != nil {
		diffs = diffsOf(c.Diff(base.Files, to.Files))
	}
	return object{
		"commit": c.commitOf(to), "commits": commits, "diffs": diffs[:min(len(diffs), maxDiffs)],
		"compare_timeout": false, "compare_same_ref": from == to,
	}, nil
}

const maxDiffs = 1000

func diffsOf(changes []memory.Change) []any {
	diffs := []any{}
	for i, change := range changes {
		before := change.OldPath
		if before == "" {
			before = change.Path
		}
		text := "@@ -1 +1 @@\n-before\n+after\n"
		if i >= 100 || change.Status == providers.Renamed {
			text = ""
		}
		diffs = append(diffs, object{
			"old_path": before, "new_path": change.Path, "diff": text, "a_mode": change.Before.Mode.String(), "b_mode": change.After.Mode.String(),
			"new_file": change.Status == providers.Added, "deleted_file": change.Status == providers.Removed,
			"renamed_file": change.Status == providers.Renamed,
		})
	}
	return diffs
}
