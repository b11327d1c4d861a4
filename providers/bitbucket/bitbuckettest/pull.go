package bitbuckettest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// pulls answers what is asked of pull requests.
func (c *call) pulls() answer {
	if a := c.may("pullrequest", false, providers.CanRead); a.status != 0 {
		return a
	}
	switch {
	case c.is("GET", "pullrequests"):
		return c.listPulls()
	case c.is("POST", "pullrequests"):
		return c.openPull()
	case len(c.parts) < 2:
		return failure(http.StatusMethodNotAllowed, "Method not allowed")
	}
	number, _ := strconv.Atoi(c.parts[1])
	p := c.Pull(number)
	if p == nil {
		return failure(http.StatusNotFound, "Pull request %s not found", c.parts[1])
	}
	switch {
	case c.is("GET", "pullrequests", "*"):
		return success(c.pullObject(p))
	case c.is("PUT", "pullrequests", "*"):
		return c.changePull(p)
	case c.is("POST", "pullrequests", "*", "decline"):
		return c.declinePull(p)
	case c.is("POST", "pullrequests", "*", "merge"):
		return c.mergePull(p)
	case c.is("GET", "pullrequests", "*", "merge", "task-status", "*"):
		return c.mergeTask(p)
	case c.is("GET", "pullrequests", "*", "diffstat"):
		return c.redirectDiffstat(p)
	case c.is("GET", "pullrequests", "*", "commits"):
		var values []object
		for _, commit := range c.PullCommits(p) {
			values = append(values, c.commitObject(commit))
		}
		slices.Reverse(values)
		return c.pageOf(values, 30, 100)
	case len(c.parts) >= 3 && c.parts[2] == "comments":
		return c.comments(p)
	}
	return failure(http.StatusNotFound, "Resource not found")
}

var states = map[providers.PullState]string{providers.Open: "OPEN", providers.Merged: "MERGED", providers.Closed: "DECLINED"}

// short is how pull requests show SHAs (https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/,
// and the deliveries of webhooks, which have the same objects).
func short(sha string) string { return sha[:min(len(sha), 12)] }

func (c *call) endpointObject(branch, sha, repo string) object {
	o := object{"branch": object{"name": branch}, "repository": c.shortRepository(repo), "commit": nil}
	if sha != "" {
		o["commit"] = object{"type": "commit", "hash": short(sha)}
	}
	return o
}

var strategyNames = map[providers.MergeMethod]string{
	providers.MergeCommit: "merge_commit", providers.Squash: "squash", providers.Rebase: "rebase_fast_forward",
}

func (c *call) strategies() (all []string, preferred string) {
	for _, method := range c.MergeMethods() {
		all = append(all, strategyNames[method])
	}
	return all, all[0]
}

func (c *call) pullObject(p *memory.Pull) object {
	source := p.Fork
	if source == "" {
		source = c.repo.Path()
	}
	id := strconv.Itoa(p.Number)
	o := object{
		"type": "pullrequest", "id": p.Number, "title": p.Title, "description": p.Body, "summary": rendered(p.Body),
		"state": states[p.State], "draft": p.Draft, "author": c.accountOf(p.Author), "close_source_branch": false,
		"source": c.endpointObject(p.HeadBranch, p.HeadSHA, source), "destination": c.endpointObject(p.Base, c.Branches[p.Base], c.repo.Path()),
		"created_on": stamp(p.Created), "updated_on": stamp(p.Updated), "merge_commit": nil, "closed_by": nil,
		"links": c.links(c.api("pullrequests", id), c.website("pull-requests", id)), "comment_count": len(p.Comments),
	}
	destination, _ := o["destination"].(object)["branch"].(object)
	destination["merge_strategies"], destination["default_merge_strategy"] = c.strategies()
	if p.State == providers.Merged {
		o["merge_commit"] = object{"type": "commit", "hash": short(p.MergeSHA)}
	}
	if p.ClosedBy != "" {
		o["closed_by"] = c.accountOf(p.ClosedBy)
	}
	reviewers, participants := []object{}, []object{}
	for _, login := range p.Reviewers {
		if account, ok := c.server.forge.Account(login); ok {
			reviewers = append(reviewers, accountObject(account))
		}
	}
	for _, review := range p.Verdicts() {
		state := "approved"
		if review.Verdict != memory.Approved {
			state = "changes_requested"
		}
		participants = append(participants, object{
			"type": "participant", "role": "REVIEWER", "user": c.accountOf(review.Author), "approved": review.Verdict == memory.Approved,
			"state": state, "participated_on": stamp(review.Created),
		})
	}
	o["reviewers"], o["participants"] = reviewers, participants
	return o
}

// listPulls lists the open ones, or those of the states asked for. Lists have no
// reviewers and no participants.
func (c *call) listPulls() answer {
	query := c.URL.Query()
	wanted := query["state"]
	if len(wanted) == 0 && !strings.Contains(query.Get("q"), "state") {
		wanted = []string{"OPEN"}
	}
	var values []object
	for _, p := range slices.Backward(c.Pulls) {
		if len(wanted) == 0 || slices.Contains(wanted, states[p.State]) {
			o := c.pullObject(p)
			delete(o, "reviewers")
			delete(o, "participants")
			values = append(values, o)
		}
	}
	if sort := query.Get("sort"); sort == "created_on" {
		slices.Reverse(values)
	}
	return c.page(values, 50)
}

type pullBody struct {
	Title       string
	Description *string
	Draft       *bool
	Source      *struct{ Branch struct{ Name string } }
	Destination *struct{ Branch struct{ Name string } }
	Reviewers   []struct{ UUID string }
}

// reviewers finds the accounts that are to review.
func (c *call) reviewers(in pullBody, author string) ([]string, answer) {
	var logins []string
	for _, reviewer := range in.Reviewers {
		account, ok := c.byUUID(reviewer.UUID)
		switch {
		case !ok || c.Permission(account.Login) < providers.CanRead:
			return nil, badField("reviewers", "Malformed reviewers list")
		case strings.EqualFold(account.Login, author):
			return nil, badField("reviewers", "%s is the author and cannot be included as a reviewer.", account.Name)
		}
		logins = append(logins, account.Login)
	}
	return logins, answer{}
}

// openPull opens a pull request. If there is one for the same branches, that one
// comes back: "Bitbucket Cloud handles Pull request already exists and just
// returns its data" (https://github.com/WeblateOrg/weblate/blob/main/weblate/vcs/git.py).
func (c *call) openPull() answer {
	if a := c.may("pullrequest", true, providers.CanRead); a.status != 0 {
		return a
	}
	var in pullBody
	if err := c.read(&in); err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	switch {
	case in.Title == "":
		return badField("title", "This field is required.")
	case in.Source == nil || in.Source.Branch.Name == "":
		return badField("source", "This field is required.")
	}
	n := memory.NewPull{Head: in.Source.Branch.Name, Base: c.DefaultBranch, Title: in.Title, Actor: c.account.Login}
	if in.Destination != nil && in.Destination.Branch.Name != "" {
		n.Base = in.Destination.Branch.Name
	}
	if in.Description != nil {
		n.Body = *in.Description
	}
	n.Draft = in.Draft != nil && *in.Draft
	for field, branch := range map[string]string{"source": n.Head, "destination": n.Base} {
		if _, there := c.Branches[branch]; !there {
			return badField(field, "branch not found: %s", branch)
		}
	}
	reviewers, bad := c.reviewers(in, c.account.Login)
	if bad.status != 0 {
		return bad
	}
	if twin := c.OpenFor(n); twin != nil {
		return answer{status: http.StatusCreated, body: c.pullObject(twin)}
	}
	p, err := c.OpenPull(n)
	if errors.Is(err, memory.ErrNothingToDo) {
		return failure(http.StatusBadRequest, "There are no changes to be pulled")
	}
	if err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	p.Reviewers = reviewers
	return answer{status: http.StatusCreated, body: c.pullObject(p), header: http.Header{"Location": {c.api("pullrequests", strconv.Itoa(p.Number))}}}
}

// changePull replaces an open pull request: with a title, what is left out is
// emptied (https://github.com/abhinav/git-spice/pull/1161). Without one only what
// is there is changed, as recorded in https://github.com/abhinav/git-spice,
// TestIntegration/SubmitEditDraft.yaml; a description needs one
// (https://github.com/renovatebot/renovate/issues/3509).
func (c *call) changePull(p *memory.Pull) answer {
	if a := c.may("pullrequest", true, providers.CanRead); a.status != 0 {
		return a
	}
	var in pullBody
	if err := c.read(&in); err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	if in.Title == "" && (in.Description != nil || in.Reviewers != nil || in.Draft == nil) {
		return badField("title", "This field is required.")
	}
	if p.State != providers.Open {
		return failure(http.StatusBadRequest, "Only open pull requests can be mutated")
	}
	if a := c.owns(p); a.status != 0 {
		return a
	}
	reviewers, bad := c.reviewers(in, p.Author)
	if bad.status != 0 {
		return bad
	}
	if in.Title != "" {
		p.Title, p.Body, p.Reviewers = in.Title, "", reviewers
	}
	if in.Description != nil {
		p.Body = *in.Description
	}
	if in.Draft != nil && *in.Draft != p.Draft {
		c.SetDraft(p, *in.Draft, c.account.Login)
	}
	c.Touch(p, "edited", c.account.Login)
	return success(c.pullObject(p))
}

// owns lets the author of a pull request, and who may write, change it.
func (c *call) owns(p *memory.Pull) answer {
	if !strings.EqualFold(p.Author, c.account.Login) && c.permission() < providers.CanWrite {
		return failure(http.StatusForbidden, "You do not have the required permission in this repository.")
	}
	return answer{}
}

func (c *call) declinePull(p *memory.Pull) answer {
	if a := c.may("pullrequest", true, providers.CanRead); a.status != 0 {
		return a
	}
	if a := c.owns(p); a.status != 0 {
		return a
	}
	if p.State != providers.Open {
		return failure(http.StatusBadRequest, "This pull request is already closed.")
	}
	c.ClosePull(p, c.account.Login)
	return success(c.pullObject(p))
}

// mergePull merges, whatever the head is now.
func (c *call) mergePull(p *memory.Pull) answer {
	if a := c.may("pullrequest", true, providers.CanWrite); a.status != 0 {
		return a
	}
	var in struct {
		Type        string
		Message     string
		Strategy    string `json:"merge_strategy"`
		CloseSource bool   `json:"close_source_branch"`
	}
	if err := c.read(&in); err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	m := providers.Merge{}
	if in.Strategy == "" {
		in.Strategy = "merge_commit"
	}
	for method, name := range strategyNames {
		if name == in.Strategy {
			m.Method = method
		}
	}
	if m.Method == "" {
		return badField("merge_strategy", "%q is not a valid choice", in.Strategy)
	}
	if !c.CanPush(c.account.Login, p.Base) {
		return failure(http.StatusForbidden, "You do not have permission to merge into %s.", p.Base)
	}
	m.Title, m.Message, _ = strings.Cut(in.Message, "\n")
	m.Message = strings.TrimSpace(m.Message)
	if m.Title == "" {
		m.Title, m.Message = fmt.Sprintf("Merged in %s (pull request #%d)", p.HeadBranch, p.Number), p.Title
	}
	_, err := c.MergePull(p, m, c.account.Login)
	switch {
	case errors.Is(err, memory.ErrMergeClash):
		return failure(http.StatusConflict, "The pull request has conflicts: %v", err)
	case err != nil:
		return failure(http.StatusBadRequest, "%v", err)
	}
	if in.CloseSource {
		c.DeleteBranch(p.HeadBranch, c.account.Login)
	}
	if !c.server.SlowMerges {
		return success(c.pullObject(p))
	}
	id := fmt.Sprintf("task-%d", c.server.forge.NextID())
	c.server.mu.Lock()
	c.server.tasks[id] = 0
	c.server.mu.Unlock()
	return answer{status: http.StatusAccepted, header: http.Header{
		"Location": {c.api("pullrequests", strconv.Itoa(p.Number), "merge", "task-status", id)},
	}}
}

// mergeTask says that a merge is pending, and done when it is asked for again.
func (c *call) mergeTask(p *memory.Pull) answer {
	c.server.mu.Lock()
	asked, known := c.server.tasks[c.parts[4]]
	c.server.tasks[c.parts[4]] = asked + 1
	c.server.mu.Unlock()
	switch {
	case !known:
		return failure(http.StatusBadRequest, "There is no such task")
	case asked == 0:
		return success(object{"task_status": "PENDING"})
	}
	return success(object{"task_status": "SUCCESS", "merge_result": c.pullObject(p)})
}

// redirectDiffstat sends to the comparison of the branches. The place has a
// query of its own, and none of what the caller asked for.
func (c *call) redirectDiffstat(p *memory.Pull) answer {
	base := c.PullBase(p)
	return answer{status: http.StatusFound, header: http.Header{
		"Location": {fmt.Sprintf("%s?from_pullrequest_id=%d&topic=true", c.api("diffstat", p.HeadSHA+".."+base), p.Number)},
	}}
}

// pullsOf knows which pull requests a commit came with.
func (c *call) pullsOf() answer {
	if a := c.may("pullrequest", false, providers.CanRead); a.status != 0 {
		return a
	}
	commit := c.find(c.parts[1])
	if commit == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	var values []object
	for _, p := range c.Pulls {
		if slices.Contains(p.Arrived, commit.SHA) || p.MergeSHA == commit.SHA {
			values = append(values, c.pullObject(p))
		}
	}
	return c.pageOf(values, 30, 50)
}
