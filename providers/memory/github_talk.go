package memory

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/providers"
)

// hubTalkRoutes are those about what is said of pull requests and commits.
var hubTalkRoutes = []hubRoute{
	{pattern: "GET /issues/comments/{id}", handle: onComment((*hubCall).getComment)},
	{pattern: "PATCH /issues/comments/{id}", handle: onComment((*hubCall).updateComment)},
	{pattern: "DELETE /issues/comments/{id}", handle: onComment((*hubCall).deleteComment)},
	{pattern: "POST /issues/comments/{id}/reactions", handle: onComment((*hubCall).react)},
	{pattern: "GET /issues", handle: (*hubCall).listIssues},
	{pattern: "POST /issues", handle: (*hubCall).createIssue},
	{pattern: "PATCH /issues/{number}", handle: (*hubCall).updateIssue},
	{pattern: "GET /issues/{number}/comments", handle: onPull((*hubCall).listComments)},
	{pattern: "POST /issues/{number}/comments", handle: onPull((*hubCall).createComment)},
	{pattern: "POST /issues/{number}/labels", need: providers.CanWrite, handle: onPull((*hubCall).addLabels)},
	{pattern: "POST /issues/{number}/assignees", need: providers.CanWrite, handle: onPull((*hubCall).addAssignees)},
	{pattern: "POST /statuses/{sha}", need: providers.CanWrite, scopes: []string{"repo", "repo:status"}, hidden: true, handle: onCommit((*hubCall).createStatus)},
	{pattern: "GET /commits/{sha}/status", handle: onCommit((*hubCall).getStatus)},
	{pattern: "GET /commits/{sha}/check-runs", handle: onCommit((*hubCall).listCheckRuns)},
	{pattern: "POST /check-runs", need: providers.CanWrite, hidden: true, handle: (*hubCall).createCheckRun},
	{pattern: "PATCH /check-runs/{id}", need: providers.CanWrite, hidden: true, handle: (*hubCall).updateCheckRun},
}

func (c *hubCall) comment(s *State, p *Pull, m *Comment) map[string]any {
	id := itoa(m.ID)
	return map[string]any{
		"id": m.ID, "node_id": hubID("IC", s.repo.id, p.Number, m.ID), "body": m.Body, "user": c.user(m.Author),
		"created_at": hubTime(m.Created), "updated_at": hubTime(m.Updated), "author_association": "CONTRIBUTOR",
		"url": c.repoURL(s, "issues/comments/"+id), "html_url": c.pageURL(s, fmt.Sprintf("pull/%d#issuecomment-%s", p.Number, id)),
		"issue_url": c.repoURL(s, fmt.Sprintf("issues/%d", p.Number)),
	}
}

// onComment finds the comment of a path.
func onComment(handle func(c *hubCall, s *State, p *Pull, m *Comment) (int, any)) func(c *hubCall, s *State) (int, any) {
	return func(c *hubCall, s *State) (int, any) {
		id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
		if err != nil {
			return hubMissing()
		}
		for _, p := range s.Pulls {
			if m := p.Comment(id); m != nil && !m.System {
				return handle(c, s, p, m)
			}
		}
		return hubMissing()
	}
}

func (c *hubCall) listComments(s *State, p *Pull) (int, any) {
	var list []*Comment
	for _, m := range p.Comments {
		if !m.Deleted && !m.System {
			list = append(list, m)
		}
	}
	out := []any{}
	for _, m := range hubPage(c, list) {
		out = append(out, c.comment(s, p, m))
	}
	return http.StatusOK, out
}

// maxHubBody is how long a body may be, in characters
// (https://github.com/orgs/community/discussions/27190).
const maxHubBody = 65_536

func (c *hubCall) createComment(s *State, p *Pull) (int, any) {
	var in struct{ Body string }
	if !c.in(&in) {
		return hubUnreadable()
	}
	if utf8.RuneCountInString(in.Body) > maxHubBody {
		return hubInvalid(map[string]any{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"})
	}
	return http.StatusCreated, c.comment(s, p, s.AddComment(p, c.account.Login, in.Body))
}

func (c *hubCall) getComment(s *State, p *Pull, m *Comment) (int, any) {
	return http.StatusOK, c.comment(s, p, m)
}

func (c *hubCall) mayEdit(s *State, m *Comment) bool {
	return strings.EqualFold(m.Author, c.account.Login) || c.permission(s) >= providers.CanWrite
}

func (c *hubCall) updateComment(s *State, p *Pull, m *Comment) (int, any) {
	var in struct{ Body string }
	switch {
	case !c.in(&in):
		return hubUnreadable()
	case !c.mayEdit(s, m):
		return http.StatusForbidden, hubMessage("Must have admin rights to Repository.")
	}
	m.Body, m.Updated = in.Body, c.h.f.Now()
	return http.StatusOK, c.comment(s, p, m)
}

func (c *hubCall) deleteComment(s *State, _ *Pull, m *Comment) (int, any) {
	if !c.mayEdit(s, m) {
		return http.StatusForbidden, hubMessage("Must have admin rights to Repository.")
	}
	m.Deleted = true
	return http.StatusNoContent, nil
}

// react answers 200 if the reaction was there already.
func (c *hubCall) react(_ *State, _ *Pull, m *Comment) (int, any) {
	var in struct{ Content string }
	if !c.in(&in) {
		return hubUnreadable()
	}
	if !slices.Contains([]string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}, in.Content) {
		return hubInvalid(map[string]any{"resource": "Reaction", "field": "content", "code": "invalid"})
	}
	status := http.StatusCreated
	if slices.Contains(m.Reactions[in.Content], c.account.Login) {
		status = http.StatusOK
	}
	m.React(c.account.Login, in.Content)
	return status, map[string]any{
		"id": m.ID, "node_id": hubID("REA", m.ID, in.Content), "user": c.userOf(c.account), "content": in.Content, "created_at": hubTime(m.Created),
	}
}

func (c *hubCall) addLabels(s *State, p *Pull) (int, any) {
	var in struct{ Labels []string }
	var list []string
	if !c.inEither(&in, &list) {
		return hubUnreadable()
	}
	changed := false
	for _, name := range append(in.Labels, list...) {
		if _, ok := s.Labels[name]; !ok {
			s.Labels[name] = "ededed"
		}
		if !slices.Contains(p.Labels, name) {
			p.Labels, changed = append(p.Labels, name), true
		}
	}
	if changed {
		s.Touch(p, "labelled", c.account.Login)
	}
	return http.StatusOK, c.labels(s, p.Labels)
}

// addAssignees leaves out who cannot be assigned
// (https://docs.github.com/en/rest/issues/assignees#add-assignees-to-an-issue).
func (c *hubCall) addAssignees(s *State, p *Pull) (int, any) {
	var in struct{ Assignees []string }
	if !c.in(&in) {
		return hubUnreadable()
	}
	for _, login := range in.Assignees {
		a, ok := c.h.account(login)
		if ok && s.Members[strings.ToLower(a.Login)] >= providers.CanRead && !slices.Contains(p.Assignees, a.Login) {
			p.Assignees = append(p.Assignees, a.Login)
		}
	}
	issue := c.issue(s, &Issue{Number: p.Number, Title: p.Title, Body: p.Body, Open: p.State == providers.Open, Author: p.Author, Created: p.Created, Updated: p.Updated})
	assignees := []any{}
	for _, login := range p.Assignees {
		assignees = append(assignees, c.user(login))
	}
	issue["assignees"], issue["labels"] = assignees, c.labels(s, p.Labels)
	issue["pull_request"] = c.pullLink(s, p)
	return http.StatusCreated, issue
}

func (c *hubCall) pullLink(s *State, p *Pull) map[string]any {
	n := strconv.Itoa(p.Number)
	return map[string]any{
		"url": c.repoURL(s, "pulls/"+n), "html_url": c.pageURL(s, "pull/"+n), "diff_url": c.pageURL(s, "pull/"+n+".diff"), "patch_url": c.pageURL(s, "pull/"+n+".patch"), "merged_at": nil,
	}
}

func (c *hubCall) issue(s *State, i *Issue) map[string]any {
	n := strconv.Itoa(i.Number)
	state, closed := "open", any(nil)
	if !i.Open {
		state, closed = "closed", hubTime(i.Updated)
	}
	at := c.repoURL(s, "issues/"+n)
	return map[string]any{
		"id": int64(i.Number), "node_id": hubID("I", s.repo.id, i.Number), "number": i.Number, "title": i.Title, "body": i.Body, "state": state, "locked": false,
		"user": c.user(i.Author), "labels": []any{}, "assignee": nil, "assignees": []any{}, "milestone": nil, "comments": 0, "author_association": "CONTRIBUTOR",
		"created_at": hubTime(i.Created), "updated_at": hubTime(i.Updated), "closed_at": closed,
		"url": at, "repository_url": c.repoURL(s, ""), "labels_url": at + "/labels{/name}", "comments_url": at + "/comments", "events_url": at + "/events",
		"html_url": c.pageURL(s, "issues/"+n),
	}
}

// listIssues has pull requests among the issues, as GitHub has.
func (c *hubCall) listIssues(s *State) (int, any) {
	query := c.r.URL.Query()
	creator, state := query.Get("creator"), query.Get("state")
	if state == "" {
		state = "open"
	}
	by := func(login string, open bool) bool {
		a, ok := c.h.account(login)
		return (creator == "" || ok && strings.EqualFold(hubLogin(a), creator)) && (state == "all" || open == (state == "open"))
	}
	out := map[int]map[string]any{}
	var numbers []int
	for _, i := range s.Issues {
		if by(i.Author, i.Open) {
			out[i.Number], numbers = c.issue(s, i), append(numbers, i.Number)
		}
	}
	for _, p := range s.Pulls {
		if by(p.Author, p.State == providers.Open) {
			issue := c.issue(s, &Issue{Number: p.Number, Title: p.Title, Body: p.Body, Open: p.State == providers.Open, Author: p.Author, Created: p.Created, Updated: p.Updated})
			issue["pull_request"] = c.pullLink(s, p)
			out[p.Number], numbers = issue, append(numbers, p.Number)
		}
	}
	slices.Sort(numbers)
	if query.Get("direction") != "asc" {
		slices.Reverse(numbers)
	}
	list := []any{}
	for _, n := range hubPage(c, numbers) {
		list = append(list, out[n])
	}
	return http.StatusOK, list
}

func (c *hubCall) createIssue(s *State) (int, any) {
	var in struct{ Title, Body string }
	switch {
	case !c.in(&in):
		return hubUnreadable()
	case in.Title == "":
		return hubInvalid(map[string]any{"resource": "Issue", "field": "title", "code": "missing_field"})
	}
	return http.StatusCreated, c.issue(s, s.OpenIssue(c.account.Login, in.Title, in.Body))
}

func (c *hubCall) updateIssue(s *State) (int, any) {
	var in struct{ Title, Body, State *string }
	n, err := strconv.Atoi(c.r.PathValue("number"))
	i := s.Issue(n)
	switch {
	case err != nil || i == nil:
		return hubMissing()
	case !c.in(&in):
		return hubUnreadable()
	case !strings.EqualFold(i.Author, c.account.Login) && c.permission(s) < providers.CanWrite:
		return http.StatusForbidden, hubMessage("Must have admin rights to Repository.")
	}
	if in.Title != nil {
		i.Title = *in.Title
	}
	if in.Body != nil {
		i.Body = *in.Body
	}
	if in.State != nil {
		i.Open = *in.State == "open"
	}
	i.Updated = c.h.f.Now()
	return http.StatusOK, c.issue(s, i)
}

// onCommit finds the commit of a path.
func onCommit(handle func(c *hubCall, s *State, sha string) (int, any)) func(c *hubCall, s *State) (int, any) {
	return func(c *hubCall, s *State) (int, any) {
		sha := s.Resolve(c.r.PathValue("sha"))
		if sha == "" {
			return hubRefused("No commit found for SHA: " + c.r.PathValue("sha"))
		}
		return handle(c, s, sha)
	}
}

var hubStates = map[providers.CheckState]string{
	providers.Pending: "pending", providers.Passed: "success", providers.Failed: "failure", providers.Skipped: "success",
}

func (c *hubCall) status(s *State, sha string, st *Status) map[string]any {
	var target any
	if st.URL != "" {
		target = st.URL
	}
	return map[string]any{
		"id": st.ID, "node_id": hubID("SC", st.ID), "state": hubStates[st.State], "context": st.Name, "description": st.Description, "target_url": target,
		"created_at": hubTime(st.Created), "updated_at": hubTime(st.Updated), "avatar_url": nil, "url": c.repoURL(s, "statuses/"+sha),
	}
}

func (c *hubCall) createStatus(s *State, sha string) (int, any) {
	in := struct {
		State, Context, Description string
		TargetURL                   string `json:"target_url"`
	}{Context: "default"}
	if !c.in(&in) {
		return hubUnreadable()
	}
	state, ok := map[string]providers.CheckState{
		"pending": providers.Pending, "success": providers.Passed, "failure": providers.Failed, "error": providers.Failed,
	}[in.State]
	switch {
	case !ok:
		return hubInvalid(map[string]any{"resource": "Status", "field": "state", "code": "custom", "message": "State is not included in the list"})
	case utf8.RuneCountInString(in.Description) > 140:
		return hubInvalid(map[string]any{"resource": "Status", "field": "description", "code": "custom", "message": "Description is too long (maximum is 140 characters)"})
	}
	st := s.SetStatus(sha, c.account.Login, providers.Status{Name: in.Context, State: state, Description: in.Description, URL: in.TargetURL})
	out := c.status(s, sha, st)
	out["creator"] = c.user(st.Creator)
	return http.StatusCreated, out
}

func (c *hubCall) getStatus(s *State, sha string) (int, any) {
	list := []any{}
	state := "success"
	for _, st := range s.Statuses[sha] {
		list = append(list, c.status(s, sha, st))
		switch {
		case st.State == providers.Failed:
			state = "failure"
		case st.State == providers.Pending && state == "success":
			state = "pending"
		}
	}
	total := len(list)
	if total == 0 {
		state = "pending"
	}
	return http.StatusOK, map[string]any{
		"state": state, "sha": sha, "total_count": total, "statuses": hubPage(c, list), "repository": c.repo(s),
		"commit_url": c.repoURL(s, "commits/"+sha), "url": c.repoURL(s, "commits/"+sha+"/status"),
	}
}

func (c *hubCall) checkRun(s *State, sha string, r *Report) map[string]any {
	status, conclusion, completed := "completed", any(hubStates[r.State]), hubTime(r.Updated)
	switch r.State {
	case providers.Pending:
		status, conclusion, completed = "in_progress", nil, nil
	case providers.Skipped:
		conclusion = "neutral"
	}
	var details any
	if r.URL != "" {
		details = r.URL
	}
	at := c.repoURL(s, "check-runs/"+itoa(r.ID))
	return map[string]any{
		"id": r.ID, "node_id": hubID("CR", r.ID), "head_sha": sha, "external_id": "", "url": at, "html_url": c.pageURL(s, "runs/"+itoa(r.ID)), "details_url": details,
		"status": status, "conclusion": conclusion, "started_at": hubTime(r.Created), "completed_at": completed, "name": r.Name,
		"output":      map[string]any{"title": r.Title, "summary": r.Summary, "text": nil, "annotations_count": len(r.Annotations), "annotations_url": at + "/annotations"},
		"check_suite": map[string]any{"id": 1}, "app": nil, "pull_requests": []any{},
	}
}

func (c *hubCall) listCheckRuns(s *State, sha string) (int, any) {
	list := []any{}
	for _, r := range s.Reports[sha] {
		list = append(list, c.checkRun(s, sha, r))
	}
	return http.StatusOK, map[string]any{"total_count": len(list), "check_runs": hubPage(c, list)}
}

type hubCheckRun struct {
	Name       string `json:"name"`
	HeadSHA    string `json:"head_sha"`
	DetailsURL string `json:"details_url"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	Output     *struct {
		Title, Summary string
		Annotations    []struct {
			Path      string
			StartLine int    `json:"start_line"`
			EndLine   int    `json:"end_line"`
			Level     string `json:"annotation_level"`
			Message   string
		}
	}
}

// fill puts what was sent into a report. Annotations are added to those that
// are there, 50 at most at once
// (https://docs.github.com/en/rest/checks/runs#update-a-check-run).
func (in *hubCheckRun) fill(r *providers.Report) (int, any) {
	if in.Conclusion != "" {
		in.Status = "completed"
	}
	if in.Status != "" {
		r.State = providers.Pending
	}
	if in.Status == "completed" {
		switch in.Conclusion {
		case "success":
			r.State = providers.Passed
		case "failure", "timed_out", "action_required":
			r.State = providers.Failed
		case "neutral", "skipped", "cancelled", "stale":
			r.State = providers.Skipped
		default:
			return hubRefused("Invalid request.\n\nconclusion is missing.")
		}
	}
	if in.DetailsURL != "" {
		r.URL = in.DetailsURL
	}
	if in.Output == nil {
		return 0, nil
	}
	switch {
	case len(in.Output.Annotations) > 50:
		return hubRefused("Invalid request.\n\nNo more than 50 items are allowed; " + strconv.Itoa(len(in.Output.Annotations)) + " were supplied.")
	case len(in.Output.Summary) > 65_535:
		return hubRefused("Invalid request.\n\nOnly 65535 characters are allowed.")
	}
	r.Title, r.Summary = in.Output.Title, in.Output.Summary
	for _, a := range in.Output.Annotations {
		r.Annotations = append(r.Annotations, providers.Annotation{Path: a.Path, Line: a.StartLine, Failed: a.Level == "failure", Message: a.Message})
	}
	return 0, nil
}

// createCheckRun is for Apps only; personal tokens get these words
// (https://github.com/actions/github-script/issues/118).
func (c *hubCall) createCheckRun(s *State) (int, any) {
	var in hubCheckRun
	switch {
	case c.token.Kind == "":
		return http.StatusForbidden, hubMessage("You must authenticate via a GitHub App.")
	case !c.in(&in):
		return hubUnreadable()
	case s.Commit(in.HeadSHA) == nil:
		return hubRefused("No commit found for SHA: " + in.HeadSHA)
	}
	report := providers.Report{Name: in.Name, State: providers.Pending}
	if status, body := in.fill(&report); status != 0 {
		return status, body
	}
	return http.StatusCreated, c.checkRun(s, in.HeadSHA, s.SetReport(in.HeadSHA, c.account.Login, report))
}

func (c *hubCall) updateCheckRun(s *State) (int, any) {
	var in hubCheckRun
	switch {
	case c.token.Kind == "":
		return http.StatusForbidden, hubMessage("You must authenticate via a GitHub App.")
	case !c.in(&in):
		return hubUnreadable()
	}
	for sha, list := range s.Reports {
		for _, r := range list {
			if itoa(r.ID) != c.r.PathValue("id") {
				continue
			}
			report := r.Report
			if status, body := in.fill(&report); status != 0 {
				return status, body
			}
			return http.StatusOK, c.checkRun(s, sha, s.SetReport(sha, c.account.Login, report))
		}
	}
	return hubMissing()
}
