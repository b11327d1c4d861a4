package gitlabtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// draft is the mark of drafts (https://docs.gitlab.com/user/project/merge_requests/drafts/).
var draft = regexp.MustCompile(`(?i)^\s*(?:draft:|\[draft\]|\(draft\))\s*`)

func titleOf(p *memory.Pull) string {
	if p.Draft {
		return "Draft: " + p.Title
	}
	return p.Title
}

var requestStates = map[providers.PullState]string{
	providers.Open: "opened", providers.Merged: "merged", providers.Closed: "closed",
}

// sourceID is the number of the project of the source branch, 0 if it was deleted.
func (c *call) sourceID(p *memory.Pull) int64 {
	if p.Fork == "" {
		return c.repo.ID()
	}
	if fork, ok := c.forge.Repo(p.Fork); ok {
		return fork.ID()
	}
	return 0
}

// requestOf (https://docs.gitlab.com/api/merge_requests/).
func (c *call) requestOf(p *memory.Pull) object {
	o := object{
		"id": 5000 + p.Number, "iid": p.Number, "project_id": c.repo.ID(), "title": titleOf(p), "description": p.Body,
		"state": requestStates[p.State], "draft": p.Draft, "work_in_progress": p.Draft,
		"created_at": p.Created, "updated_at": p.Updated, "author": c.user(p.Author),
		"source_branch": p.HeadBranch, "target_branch": p.Base, "source_project_id": c.sourceID(p), "target_project_id": c.repo.ID(),
		"labels": append([]string{}, p.Labels...), "sha": p.HeadSHA, "assignees": c.users(p.Assignees), "reviewers": c.users(p.Reviewers),
		"merge_commit_sha": nil, "squash_commit_sha": nil, "merge_when_pipeline_succeeds": p.AutoMerge != nil,
		"web_url": c.repo.URL() + "/-/merge_requests/" + strconv.Itoa(p.Number), "detailed_merge_status": c.mergeStatus(p),
		"diff_refs":     object{"base_sha": c.PullBase(p), "head_sha": p.HeadSHA, "start_sha": c.Branches[p.Base]},
		"changes_count": nil,
	}
	if n := len(c.PullChanges(p)); n > 0 {
		o["changes_count"] = strconv.Itoa(min(n, maxDiffs))
		if n > maxDiffs {
			o["changes_count"] = fmt.Sprintf("%d+", maxDiffs)
		}
	}
	if p.State == providers.Merged {
		// A fast-forward makes no commit of its own, unless it squashes.
		switch merge := c.Commit(p.MergeSHA); {
		case p.MergeSHA == p.HeadSHA:
		case merge != nil && len(merge.Parents) > 1:
			o["merge_commit_sha"] = p.MergeSHA
		default:
			o["squash_commit_sha"] = p.MergeSHA
		}
	}
	return o
}

func (c *call) users(logins []string) []any {
	list := []any{}
	for _, login := range logins {
		list = append(list, c.user(login))
	}
	return list
}

// mergeStatus (https://docs.gitlab.com/api/merge_requests/#merge-status).
func (c *call) mergeStatus(p *memory.Pull) string {
	switch {
	case p.State != providers.Open:
		return "not_open"
	case p.Draft:
		return "draft_status"
	case c.Blocked(p) != "":
		return "ci_must_pass"
	case len(c.Clashes(p)) > 0:
		return "conflict"
	}
	return "mergeable"
}

func (c *call) find() (*memory.Pull, error) {
	n := c.number("iid")
	if p := c.Pull(n); p != nil {
		return p, nil
	}
	return nil, refuse(http.StatusNotFound, "404 Not found")
}

// getMergeRequest shows the pipeline of the head, which lists do not
// (https://docs.gitlab.com/api/merge_requests/#get-single-mr).
func (c *call) getMergeRequest() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	c.beginPipeline(p)
	o := c.requestOf(p)
	o["head_pipeline"] = nil
	if len(c.Statuses[p.HeadSHA]) > 0 {
		o["head_pipeline"] = c.pipelineOf(p.HeadSHA)
	}
	return o, nil
}

// listMergeRequests lists the latest first, and those from forks too, whatever
// source_branch says (https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests).
func (c *call) listMergeRequests() (any, error) {
	list := []any{}
	for _, p := range slices.Backward(c.Pulls) {
		fits := func(name, value string) bool { return c.query.Get(name) == "" || c.query.Get(name) == value }
		state := c.query.Get("state")
		if (state == "" || state == "all" || state == requestStates[p.State]) &&
			fits("source_branch", p.HeadBranch) && fits("target_branch", p.Base) {
			list = append(list, c.requestOf(p))
		}
	}
	return page(c, list), nil
}

// createMergeRequest (GitLab's lib/api/merge_requests.rb, and validate_branches in
// app/models/merge_request.rb).
func (c *call) createMergeRequest() (any, error) {
	var values [3]string
	for i, name := range []string{"title", "source_branch", "target_branch"} {
		var err error
		if values[i], err = c.required(name); err != nil {
			return nil, err
		}
	}
	if err := c.needs(providers.CanWrite); err != nil || c.token.NoPulls {
		return nil, forbidden("")
	}
	title, source, target := values[0], values[1], values[2]
	if source == target {
		return nil, refuse(http.StatusUnprocessableEntity, []string{"You can't use same project/branch for source and target"})
	}
	for _, b := range []struct{ which, name string }{{"Source", source}, {"Target", target}} {
		if _, ok := c.Branches[b.name]; !ok {
			return nil, refuse(http.StatusUnprocessableEntity, []string{fmt.Sprintf("%s branch %q does not exist", b.which, b.name)})
		}
	}
	body, _ := c.text("description")
	n := memory.NewPull{
		Head: source, Base: target, Title: draft.ReplaceAllString(title, ""), Body: body, Draft: draft.MatchString(title), Actor: c.me.Login,
	}
	if open := c.OpenFor(n); open != nil {
		return nil, refuse(http.StatusConflict,
			[]string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", open.Number)})
	}
	p, err := c.OpenPull(n)
	if errors.Is(err, memory.ErrNothingToDo) {
		return nil, refuse(http.StatusUnprocessableEntity, []string{"The branches do not differ"})
	}
	if err != nil {
		return nil, err
	}
	return answer{http.StatusCreated, c.requestOf(p)}, nil
}

// updateMergeRequest may be used by the author and by developers
// (https://docs.gitlab.com/user/permissions/#merge-requests).
func (c *call) updateMergeRequest() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(p.Author, c.me.Login) {
		if err := c.needs(providers.CanWrite); err != nil {
			return nil, err
		}
	}
	if len(c.body) == 0 {
		return nil, &refusal{http.StatusBadRequest, object{"error": "title, description, … are missing, at least one parameter must be provided"}}
	}
	if title, ok := c.text("title"); ok {
		p.Title = draft.ReplaceAllString(title, "")
		c.SetDraft(p, draft.MatchString(title), c.me.Login)
	}
	if body, ok := c.text("description"); ok {
		p.Body = body
	}
	if labels, ok := c.text("add_labels"); ok {
		for label := range strings.SplitSeq(labels, ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(p.Labels, label) {
				c.Labels[label] = "#428BCA" // one that is missing is made
				p.Labels = append(p.Labels, label)
			}
		}
	}
	c.setPeople("reviewer_ids", &p.Reviewers)
	c.setPeople("assignee_ids", &p.Assignees)
	switch event, _ := c.text("state_event"); event {
	case "close":
		c.ClosePull(p, c.me.Login)
	case "reopen":
		if err := c.ReopenPull(p, c.me.Login); err != nil {
			return nil, refuse(http.StatusUnprocessableEntity, []string{err.Error()})
		}
	}
	c.Touch(p, "edited", c.me.Login)
	return c.requestOf(p), nil
}

// setPeople takes those who can see the project, and drops the others
// (https://docs.gitlab.com/api/merge_requests/#update-mr).
func (c *call) setPeople(name string, list *[]string) {
	value, ok := c.body[name]
	if !ok {
		return
	}
	var ids []int64
	if json.Unmarshal(value, &ids) != nil {
		return
	}
	*list = nil
	for _, id := range ids {
		if a, ok := c.forge.AccountByID(id); ok && c.Permission(a.Login) >= providers.CanRead {
			*list = append(*list, a.Login)
		}
	}
}

// mergeMergeRequest refuses in the order of GitLab's lib/api/merge_requests.rb: who
// may not is 401, what may not be 405, what cannot be 422, another head 409.
func (c *call) mergeMergeRequest() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	if !c.CanPush(c.me.Login, p.Base) {
		return nil, unauthorized()
	}
	auto := c.flag("auto_merge") || c.flag("merge_when_pipeline_succeeds")
	now := p.State == providers.Open && !p.Draft && c.Blocked(p) == ""
	waits := c.pipelineState(p.HeadSHA) == "running" || c.Blocked(p) != "" && !c.server.NeedsPipeline
	later := auto && p.State == providers.Open && waits && !c.NoAutoMerge
	switch {
	case auto && now && c.pipelineState(p.HeadSHA) != "success": // immediately_mergeable? wants a pipeline that has passed
		now = false
	case !auto && fastForwards(c.State) && !c.IsAncestor(c.Branches[p.Base], p.HeadSHA):
		now = false // it needs a rebase
	}
	if !now && !later {
		return nil, refuse(http.StatusMethodNotAllowed, "405 Method Not Allowed")
	}
	if len(c.Clashes(p)) > 0 {
		return nil, refuse(http.StatusUnprocessableEntity, "Branch cannot be merged")
	}
	if sha, ok := c.text("sha"); ok && sha != p.HeadSHA {
		return nil, refuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+p.HeadSHA)
	}
	squash, asked := c.text("squash")
	method := c.method(asked && squash == "true")
	text, _ := c.text("merge_commit_message")
	if method == providers.Squash {
		text, _ = c.text("squash_commit_message")
	}
	title, message, _ := strings.Cut(text, "\n\n")
	m := providers.Merge{Method: method, Title: title, Message: message}
	switch {
	case later && !now:
		p.AutoMerge = &memory.AutoMerge{By: c.me.Login, Merge: m}
	case method == providers.Rebase:
		// A fast-forward: the base branch moves to the head.
		err = c.SetBranch(p.Base, p.HeadSHA, c.me.Login)
	default:
		_, err = c.MergePull(p, m, c.me.Login)
	}
	if err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "Branch cannot be merged")
	}
	return c.requestOf(p), nil
}

// method is how the project merges. With merge commits a squash makes one of them
// in addition, which the store does not; so such a project must not squash here.
func (c *call) method(squash bool) providers.MergeMethod {
	methods := c.MergeMethods()
	switch {
	case squash && slices.Contains(methods, providers.Squash):
		return providers.Squash
	case slices.Contains(methods, providers.MergeCommit):
		return providers.MergeCommit
	case slices.Contains(methods, providers.Rebase):
		return providers.Rebase
	}
	return providers.Squash
}

func (c *call) listDiffs() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	diffs := diffsOf(c.PullChanges(p))
	return page(c, diffs[:min(len(diffs), maxDiffs)]), nil
}

// listMergeRequestCommits lists the newest first (https://docs.gitlab.com/api/merge_requests/).
func (c *call) listMergeRequestCommits() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, commit := range slices.Backward(c.PullCommits(p)) {
		list = append(list, c.commitOf(commit))
	}
	return page(c, list), nil
}

// listCommitMergeRequests lists open ones too
// (https://docs.gitlab.com/api/commits/#list-merge-requests-associated-with-a-commit).
func (c *call) listCommitMergeRequests() (any, error) {
	commit := c.revision(c.args["sha"])
	if commit == nil {
		return nil, notFound("Commit")
	}
	list := []any{}
	for _, p := range slices.Backward(c.Pulls) {
		if p.MergeSHA == commit.SHA || slices.Contains(p.Arrived, commit.SHA) || slices.Contains(c.PullCommits(p), commit) {
			list = append(list, c.requestOf(p))
		}
	}
	return page(c, list), nil
}

// getApprovals (https://docs.gitlab.com/api/merge_request_approvals/).
func (c *call) getApprovals() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, r := range p.Verdicts() {
		if r.Verdict == memory.Approved {
			list = append(list, object{"user": c.user(r.Author), "approved_at": r.Created})
		}
	}
	return object{"iid": p.Number, "approved": len(list) > 0, "approved_by": list}, nil
}

// listReviewers: who asks for changes becomes a reviewer
// (https://docs.gitlab.com/user/project/merge_requests/reviews/).
func (c *call) listReviewers() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	state := map[string]string{}
	logins := slices.Clone(p.Reviewers)
	for _, r := range p.Verdicts() {
		if !slices.Contains(logins, r.Author) {
			logins = append(logins, r.Author)
		}
		state[r.Author] = map[memory.Verdict]string{memory.Approved: "approved", memory.Rejected: "requested_changes"}[r.Verdict]
	}
	list := []any{}
	for _, login := range logins {
		if state[login] == "" {
			state[login] = "unreviewed"
		}
		list = append(list, object{"user": c.user(login), "state": state[login], "created_at": p.Created})
	}
	return list, nil
}
