package gitlabtest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// action is one of a commit (https://docs.gitlab.com/api/commits/#create-a-commit).
type action struct {
	Action          string `json:"action"`
	FilePath        string `json:"file_path"`
	Content         string `json:"content"`
	Encoding        string `json:"encoding"`
	LastCommitID    string `json:"last_commit_id"`
	ExecuteFilemode bool   `json:"execute_filemode"`
}

// createCommit refuses in the order of Commits::CreateService and
// Files::MultiService (GitLab's app/services/commits/create_service.rb,
// app/services/files/multi_service.rb).
func (c *call) createCommit() (any, error) {
	if !c.known {
		return nil, unauthorized() // authorize_push_to_branch! in lib/api/commits.rb
	}
	branch, err := c.required("branch")
	if err != nil {
		return nil, err
	}
	message, err := c.required("commit_message")
	if err != nil {
		return nil, err
	}
	var actions []action
	if err := json.Unmarshal(c.body["actions"], &actions); err != nil {
		return nil, &refusal{http.StatusBadRequest, object{"error": "actions is invalid"}}
	}
	if !c.CanPush(c.me.Login, branch) {
		return nil, forbidden("You are not allowed to push into this branch") // lib/api/commits.rb
	}
	parent, err := c.parent(branch, actions)
	if err != nil {
		return nil, err
	}
	files := memory.Files{}
	var parents []string
	if parent != nil {
		files, parents = parent.Files, []string{parent.SHA}
	}
	for _, a := range actions {
		if files, err = c.apply(files, a); err != nil {
			return nil, err
		}
	}
	author := c.SignatureOf(c.me.Login)
	if name, ok := c.text("author_name"); ok {
		author.Name = name
	}
	if email, ok := c.text("author_email"); ok {
		author.Email = email
	}
	commit, err := c.NewCommit(memory.NewCommit{
		Files: files, Parents: parents, Message: message, Author: author, Committer: c.SignatureOf(c.me.Login),
	})
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "A file with this name already exists")
	}
	if err := c.SetBranch(branch, commit.SHA, c.me.Login); err != nil {
		if errors.Is(err, memory.ErrRefTaken) {
			// Gitaly's internal/git/updateref, passed on by Rails.
			return nil, refuse(http.StatusBadRequest, fmt.Sprintf("9:Could not update refs/heads/%s. Please refresh and try again.", branch))
		}
		return nil, err
	}
	return answer{http.StatusCreated, c.commitOf(commit)}, nil
}

// parent checks the branch, and the files against what was seen of them.
func (c *call) parent(branch string, actions []action) (*memory.Commit, error) {
	start, fresh := c.text("start_sha")
	head, there := c.Branches[branch]
	switch {
	case fresh && c.Commit(start) == nil:
		return nil, refuse(http.StatusBadRequest, fmt.Sprintf("Cannot find start_sha '%s'", start))
	case !fresh && !there && len(c.Branches) > 0:
		return nil, refuse(http.StatusBadRequest, "You can only create or edit files when you are on a branch")
	case fresh && there && !c.flag("force"):
		return nil, refuse(http.StatusBadRequest,
			fmt.Sprintf("A branch called '%s' already exists. Switch to that branch in order to make changes", branch))
	case !there && !validRef(branch):
		return nil, refuse(http.StatusBadRequest,
			fmt.Sprintf("Something went wrong when we tried to create '%s' for you: Branch name is invalid", branch))
	case fresh:
		return c.Commit(start), nil
	case !there:
		return nil, nil
	}
	for _, a := range actions {
		if c.hasChanged(head, a) {
			return nil, refuse(http.StatusBadRequest, "The file has changed since you started editing it: "+a.FilePath)
		}
	}
	return c.Commit(head), nil
}

// hasChanged is file_has_changed?: the last commits that changed the file, as of
// the branch and of the commit that was named, are compared; where one of them is
// not there, nothing is (GitLab's app/services/files/base_service.rb).
func (c *call) hasChanged(head string, a action) bool {
	if a.Action == "create" || a.LastCommitID == "" || c.Commit(a.LastCommitID) == nil {
		return false
	}
	now, then := c.Log(head, a.FilePath, time.Time{}), c.Log(a.LastCommitID, a.FilePath, time.Time{})
	return len(now) > 0 && len(then) > 0 && now[0].SHA != then[0].SHA
}

// apply is Gitaly's applyAction
// (gitaly/internal/gitaly/service/operations/commit_files.go): an update keeps the
// mode, and a new file takes the place of a folder.
func (c *call) apply(files memory.Files, a action) (memory.Files, error) {
	content := []byte(a.Content)
	if a.Encoding == "base64" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(a.Content); err != nil {
			return nil, refuse(http.StatusBadRequest, "Invalid base64")
		}
	}
	if a.FilePath == "" || strings.Contains(a.FilePath, "//") {
		return nil, refuse(http.StatusBadRequest, fmt.Sprintf("invalid path: '%s'", a.FilePath))
	}
	for part := range strings.SplitSeq(a.FilePath, "/") {
		if part == ".." || part == "." || part == ".git" {
			return nil, refuse(http.StatusBadRequest, "Path cannot include directory traversal")
		}
	}
	was, there := files[a.FilePath]
	switch a.Action {
	case "create":
		if there {
			return nil, refuse(http.StatusBadRequest, "A file with this name already exists")
		}
		mode := providers.Regular
		if a.ExecuteFilemode {
			mode = providers.Executable
		}
		for other := range files {
			if strings.HasPrefix(other, a.FilePath+"/") {
				files = c.Put(files, map[string]*memory.File{other: nil})
			}
		}
		return c.Put(files, map[string]*memory.File{a.FilePath: {Mode: mode, Content: content}}), nil
	case "update", "delete":
		if !there {
			return nil, refuse(http.StatusBadRequest, "A file with this name doesn't exist")
		}
		if a.Action == "delete" {
			return c.Put(files, map[string]*memory.File{a.FilePath: nil}), nil
		}
		return c.Put(files, map[string]*memory.File{a.FilePath: {Mode: was.Mode, Content: content}}), nil
	}
	return nil, refuse(http.StatusBadRequest, fmt.Sprintf("Unknown action '%s'", a.Action))
}

// states are GitLab's words for the states of a status.
var states = map[string]providers.CheckState{
	"pending": providers.Pending, "running": providers.Pending, "success": providers.Passed,
	"failed": providers.Failed, "canceled": providers.Skipped,
}

func (c *call) statusOf(sha string, s *memory.Status) object {
	state := map[providers.CheckState]string{
		providers.Pending: "running", providers.Passed: "success", providers.Failed: "failed", providers.Skipped: "canceled",
	}[s.State]
	return object{
		"id": s.ID, "sha": sha, "ref": s.Branch, "status": state, "name": s.Name, "description": s.Description,
		"target_url": s.URL, "allow_failure": false, "created_at": s.Created, "author": c.user(s.Creator),
	}
}

// listStatuses (https://docs.gitlab.com/api/commits/#list-commit-statuses).
func (c *call) listStatuses() (any, error) {
	commit := c.revision(c.args["sha"])
	if commit == nil {
		return nil, notFound("Commit")
	}
	list := []any{}
	for _, s := range c.Statuses[commit.SHA] {
		list = append(list, c.statusOf(commit.SHA, s))
	}
	return page(c, list), nil
}

// setStatus refuses the state that an active status has already: it is a machine
// of states (GitLab's spec/requests/api/commit_statuses_spec.rb). A status that is
// over is followed by another one of its name.
func (c *call) setStatus() (any, error) {
	if err := c.needs(providers.CanWrite); err != nil {
		return nil, err
	}
	commit := c.revision(c.args["sha"])
	if commit == nil {
		return nil, notFound("Commit")
	}
	text, err := c.required("state")
	if err != nil {
		return nil, err
	}
	state, ok := states[text]
	if !ok {
		return nil, &refusal{http.StatusBadRequest, object{"error": "state does not have a valid value"}}
	}
	status := providers.Status{Name: "default", State: state}
	if name, ok := c.text("name"); ok {
		status.Name = name
	}
	status.Description, _ = c.text("description")
	if len([]rune(status.Description)) > 255 {
		return nil, refuse(http.StatusBadRequest, object{"description": []string{"is too long (maximum is 255 characters)"}})
	}
	status.URL, _ = c.text("target_url")
	status.Branch, _ = c.text("ref")
	for _, was := range c.Statuses[commit.SHA] {
		if was.Name == status.Name && was.State == providers.Pending && state == providers.Pending {
			return nil, refuse(http.StatusBadRequest,
				`Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")`)
		}
	}
	return answer{http.StatusCreated, c.statusOf(commit.SHA, c.SetStatus(commit.SHA, c.me.Login, status))}, nil
}
