package memory

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

// hubPullRoutes are those about pull requests.
var hubPullRoutes = []hubRoute{
	{pattern: "GET /pulls", handle: (*hubCall).listPulls},
	{pattern: "POST /pulls", handle: (*hubCall).openPull},
	{pattern: "GET /pulls/{number}", handle: onPull((*hubCall).getPull)},
	{pattern: "PATCH /pulls/{number}", handle: onPull((*hubCall).updatePull)},
	{pattern: "GET /pulls/{number}/files", handle: onPull((*hubCall).listPullFiles)},
	{pattern: "GET /pulls/{number}/commits", handle: onPull((*hubCall).listPullCommits)},
	{pattern: "GET /pulls/{number}/reviews", handle: onPull((*hubCall).listReviews)},
	{pattern: "PUT /pulls/{number}/merge", need: providers.CanWrite, handle: onPull((*hubCall).mergePull)},
	{pattern: "POST /pulls/{number}/requested_reviewers", need: providers.CanWrite, handle: onPull((*hubCall).requestReviewers)},
	{pattern: "GET /commits/{sha}/pulls", handle: (*hubCall).listPullsOf},
}

// onPull finds the pull request of a path.
func onPull(handle func(c *hubCall, s *State, p *Pull) (int, any)) func(c *hubCall, s *State) (int, any) {
	return func(c *hubCall, s *State) (int, any) {
		n, err := strconv.Atoi(c.r.PathValue("number"))
		if err != nil {
			return hubMissing()
		}
		p := s.Pull(n)
		if p == nil {
			return hubMissing()
		}
		return handle(c, s, p)
	}
}

// pull returns a pull request as lists have it.
func (c *hubCall) pull(s *State, p *Pull) map[string]any {
	n := strconv.Itoa(p.Number)
	state, merged, mergeSHA := "open", any(nil), any(nil)
	if p.State != providers.Open {
		state = "closed"
	}
	if p.State == providers.Merged {
		merged, mergeSHA = hubTime(p.Closed), p.MergeSHA
	}
	links := map[string]any{}
	for name, at := range map[string]string{
		"self": c.repoURL(s, "pulls/"+n), "html": c.pageURL(s, "pull/"+n), "issue": c.repoURL(s, "issues/"+n), "comments": c.repoURL(s, "issues/"+n+"/comments"),
		"review_comments": c.repoURL(s, "pulls/"+n+"/comments"), "review_comment": c.repoURL(s, "pulls/comments{/number}"),
		"commits": c.repoURL(s, "pulls/"+n+"/commits"), "statuses": c.repoURL(s, "statuses/"+p.HeadSHA),
	} {
		links[name] = map[string]any{"href": at}
	}
	owner, _, _ := strings.Cut(s.repo.path, "/")
	side := func(branch, sha string, repo any) map[string]any {
		return map[string]any{"label": owner + ":" + branch, "ref": branch, "sha": sha, "user": c.repo(s)["owner"], "repo": repo}
	}
	var headRepo any
	if p.Fork == "" {
		headRepo = c.repo(s)
	} else {
		fork, ok := c.h.f.Repo(p.Fork)
		if !ok {
			fork = &Repo{forge: c.h.f, path: p.Fork, id: -s.repo.id}
		}
		r := c.repo(&State{repo: fork, DefaultBranch: s.DefaultBranch})
		r["fork"] = true
		headRepo = r
	}
	head := side(p.HeadBranch, p.HeadSHA, headRepo)
	if p.Fork != "" {
		forkOwner, _, _ := strings.Cut(p.Fork, "/")
		head["label"] = forkOwner + ":" + p.HeadBranch
	}
	users := func(logins []string) []any {
		out := []any{}
		for _, login := range logins {
			out = append(out, c.user(login))
		}
		return out
	}
	out := map[string]any{
		"id": int64(p.Number), "node_id": hubID("PR", s.repo.id, p.Number), "number": p.Number, "state": state, "locked": false, "title": p.Title, "body": p.Body,
		"user": c.user(p.Author), "labels": c.labels(s, p.Labels), "draft": p.Draft, "head": head, "base": side(p.Base, s.Branches[p.Base], c.repo(s)), "_links": links,
		"assignee": nil, "assignees": users(p.Assignees), "requested_reviewers": users(p.Reviewers), "requested_teams": c.teams(s, p.Teams), "milestone": nil,
		"author_association": "CONTRIBUTOR", "auto_merge": nil, "merge_commit_sha": mergeSHA,
		"created_at": hubTime(p.Created), "updated_at": hubTime(p.Updated), "closed_at": hubTime(p.Closed), "merged_at": merged,
		"url": c.repoURL(s, "pulls/"+n), "html_url": c.pageURL(s, "pull/"+n), "diff_url": c.pageURL(s, "pull/"+n+".diff"), "patch_url": c.pageURL(s, "pull/"+n+".patch"),
		"issue_url": c.repoURL(s, "issues/"+n), "commits_url": c.repoURL(s, "pulls/"+n+"/commits"), "comments_url": c.repoURL(s, "issues/"+n+"/comments"),
		"review_comments_url": c.repoURL(s, "pulls/"+n+"/comments"), "review_comment_url": c.repoURL(s, "pulls/comments{/number}"),
		"statuses_url": c.repoURL(s, "statuses/"+p.HeadSHA),
	}
	if a := p.AutoMerge; a != nil {
		out["auto_merge"] = map[string]any{"enabled_by": c.user(a.By), "merge_method": string(a.Merge.Method), "commit_title": a.Merge.Title, "commit_message": a.Merge.Message}
	}
	return out
}

func (c *hubCall) teams(s *State, slugs []string) []any {
	out := []any{}
	for i, slug := range slugs {
		out = append(out, map[string]any{
			"id": i + 1, "node_id": hubID("T", slug), "name": slug, "slug": slug, "description": nil, "permission": "pull", "parent": nil, "privacy": "closed",
			"url": c.api("teams/" + slug), "html_url": c.h.f.Server() + "/orgs/x/teams/" + slug, "type": "organization",
			"members_url": c.api("teams/" + slug + "/members{/member}"), "repositories_url": c.repoURL(s, "teams"),
		})
	}
	return out
}

func (c *hubCall) labels(s *State, names []string) []any {
	out := []any{}
	for i, name := range names {
		colour := s.Labels[name]
		if colour == "" {
			colour = "ededed"
		}
		out = append(out, map[string]any{
			"id": i + 1, "node_id": hubID("LA", name), "name": name, "description": "", "color": colour, "default": false, "url": c.repoURL(s, "labels/x"),
		})
	}
	return out
}

// wholePull returns a pull request as asked for alone.
func (c *hubCall) wholePull(s *State, p *Pull) map[string]any {
	out := c.pull(s, p)
	comments := 0
	for _, m := range p.Comments {
		if !m.Deleted {
			comments++
		}
	}
	out["merged"], out["merged_by"] = p.State == providers.Merged, nil
	if p.State == providers.Merged {
		out["merged_by"] = c.user(p.ClosedBy)
	}
	out["mergeable"], out["mergeable_state"], out["rebaseable"] = len(s.Clashes(p)) == 0, "unknown", nil
	out["comments"], out["review_comments"], out["commits"] = comments, 0, len(s.PullCommits(p))
	out["additions"], out["deletions"], out["changed_files"] = 0, 0, len(s.PullChanges(p))
	out["maintainer_can_modify"] = false
	return out
}

// listPulls leaves the filter for heads out if it has no owner
// (https://docs.github.com/en/rest/pulls/pulls#list-pull-requests names both;
// that one alone is no filter is seen by many, such as in
// https://github.com/PyGithub/PyGithub/issues/1566).
func (c *hubCall) listPulls(s *State) (int, any) {
	query := c.r.URL.Query()
	owner, head, hasOwner := strings.Cut(query.Get("head"), ":")
	repoOwner, _, _ := strings.Cut(s.repo.path, "/")
	var list []*Pull
	for _, p := range s.Pulls {
		from := repoOwner
		if p.Fork != "" {
			from, _, _ = strings.Cut(p.Fork, "/")
		}
		isOpen := p.State == providers.Open
		state := query.Get("state")
		if state == "" {
			state = "open"
		}
		switch {
		case state == "open" && !isOpen, state == "closed" && isOpen:
		case query.Get("base") != "" && query.Get("base") != p.Base:
		case hasOwner && (p.HeadBranch != head || !strings.EqualFold(owner, from)):
		default:
			list = append(list, p)
		}
	}
	if query.Get("direction") != "asc" {
		slices.Reverse(list)
	}
	out := []any{}
	for _, p := range hubPage(c, list) {
		out = append(out, c.pull(s, p))
	}
	return http.StatusOK, out
}

func (c *hubCall) getPull(s *State, p *Pull) (int, any) { return http.StatusOK, c.wholePull(s, p) }

// openPull is answered as
// https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request says;
// https://github.com/peter-evans/create-pull-request/issues/2105 shows the words.
func (c *hubCall) openPull(s *State) (int, any) {
	var in struct {
		Title, Head, Base, Body string
		Draft                   bool
	}
	if !c.in(&in) {
		return hubUnreadable()
	}
	invalid := func(field string) (int, any) {
		return hubInvalid(map[string]any{"resource": "PullRequest", "field": field, "code": "invalid"})
	}
	custom := func(format string, args ...any) (int, any) {
		return hubInvalid(map[string]any{"resource": "PullRequest", "code": "custom", "message": fmt.Sprintf(format, args...)})
	}
	owner, _, _ := strings.Cut(s.repo.path, "/")
	head := strings.TrimPrefix(in.Head, owner+":")
	switch {
	case c.token.NoPulls:
		// https://github.com/peter-evans/create-pull-request/issues/1175
		return http.StatusForbidden, hubMessage("GitHub Actions is not permitted to create or approve pull requests.")
	case c.permission(s) < providers.CanWrite && !s.Public:
		return http.StatusForbidden, hubMessage("Must have push access to the repository.")
	case in.Title == "":
		return hubInvalid(map[string]any{"resource": "PullRequest", "field": "title", "code": "missing_field"})
	case s.Branches[in.Base] == "":
		return invalid("base")
	case s.Branches[head] == "":
		return invalid("head")
	}
	p, err := s.OpenPull(NewPull{Head: head, Base: in.Base, Title: in.Title, Body: in.Body, Draft: in.Draft, Actor: c.account.Login})
	switch {
	case errors.Is(err, ErrSamePull):
		return custom("A pull request already exists for %s:%s.", owner, head)
	case errors.Is(err, ErrNothingToDo):
		return custom("No commits between %s and %s", in.Base, head)
	case err != nil:
		return custom("%v", err)
	}
	return http.StatusCreated, c.wholePull(s, p)
}

func (c *hubCall) updatePull(s *State, p *Pull) (int, any) {
	var in struct{ Title, Body, State, Base *string }
	if !c.in(&in) {
		return hubUnreadable()
	}
	if c.permission(s) < providers.CanWrite && !strings.EqualFold(c.account.Login, p.Author) {
		return http.StatusForbidden, hubMessage("Must have admin rights to Repository.")
	}
	edited := false
	if in.Title != nil && *in.Title != p.Title {
		p.Title, edited = *in.Title, true
	}
	if in.Body != nil && *in.Body != p.Body {
		p.Body, edited = *in.Body, true
	}
	if edited {
		s.Touch(p, "edited", c.account.Login)
	}
	if in.State != nil {
		switch {
		case *in.State == "closed":
			s.ClosePull(p, c.account.Login)
		case p.State == providers.Closed:
			if err := s.ReopenPull(p, c.account.Login); err != nil {
				return hubInvalid(map[string]any{"resource": "PullRequest", "field": "state", "code": "invalid", "message": "state cannot be changed."})
			}
		}
	}
	return http.StatusOK, c.wholePull(s, p)
}

// maxHubFiles is how many files of a pull request are listed
// (https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files).
const maxHubFiles = 3000

func (c *hubCall) listPullFiles(s *State, p *Pull) (int, any) {
	changes := s.PullChanges(p)
	return http.StatusOK, c.changes(s, p.HeadSHA, hubPage(c, changes[:min(len(changes), maxHubFiles)]))
}

// maxHubCommits is how many commits of a pull request are listed
// (https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request).
const maxHubCommits = 250

func (c *hubCall) listPullCommits(s *State, p *Pull) (int, any) {
	list := s.PullCommits(p)
	return http.StatusOK, c.commits(s, hubPage(c, list[:min(len(list), maxHubCommits)]))
}

func (c *hubCall) listReviews(s *State, p *Pull) (int, any) {
	out := []any{}
	for _, r := range p.Reviews {
		at := c.pageURL(s, fmt.Sprintf("pull/%d#pullrequestreview-%d", p.Number, r.ID))
		pull := c.repoURL(s, fmt.Sprintf("pulls/%d", p.Number))
		out = append(out, map[string]any{
			"id": r.ID, "node_id": hubID("PRR", r.ID), "user": c.user(r.Author), "body": r.Body, "commit_id": r.SHA, "submitted_at": hubTime(r.Created),
			"state":    map[Verdict]string{Approved: "APPROVED", Rejected: "CHANGES_REQUESTED", Remarked: "COMMENTED", Dismissed: "DISMISSED"}[r.Verdict],
			"html_url": at, "pull_request_url": pull, "author_association": "MEMBER",
			"_links": map[string]any{"html": map[string]any{"href": at}, "pull_request": map[string]any{"href": pull}},
		})
	}
	return http.StatusOK, hubPage(c, out)
}

// mergePull is answered as
// https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request says.
func (c *hubCall) mergePull(s *State, p *Pull) (int, any) {
	var in struct {
		Title   string `json:"commit_title"`
		Message string `json:"commit_message"`
		SHA     string `json:"sha"`
		Method  string `json:"merge_method"`
	}
	if !c.in(&in) {
		return hubUnreadable()
	}
	refuse := func(text string) (int, any) { return http.StatusMethodNotAllowed, hubMessage(text) }
	if !c.mayPush(s, p.Base) {
		return refuse("You're not authorized to push to this branch. Visit https://docs.github.com/articles/about-protected-branches/ for more information.")
	}
	if in.Method == "" {
		in.Method = string(providers.MergeCommit)
	}
	sha, err := s.MergePull(p, providers.Merge{Head: in.SHA, Method: providers.MergeMethod(in.Method), Title: in.Title, Message: in.Message}, c.account.Login)
	switch {
	case errors.Is(err, ErrHeadMoved):
		return http.StatusConflict, hubMessage("Head branch was modified. Review and try the merge again.")
	case errors.Is(err, ErrBlocked):
		return refuse(s.Blocked(p))
	case errors.Is(err, ErrDraft):
		return refuse("Pull Request is still a draft")
	case errors.Is(err, ErrMethod):
		words := map[string]string{"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}[in.Method]
		return refuse(words + " are not allowed on this repository.")
	case err != nil:
		return refuse("Pull Request is not mergeable")
	}
	return http.StatusOK, map[string]any{"sha": sha, "merged": true, "message": "Pull Request successfully merged"}
}

// requestReviewers asks all or none
// (https://docs.github.com/en/rest/pulls/review-requests#request-reviewers-for-a-pull-request,
// https://github.com/peter-evans/create-pull-request/issues/4138 for the words).
func (c *hubCall) requestReviewers(s *State, p *Pull) (int, any) {
	var in struct {
		Reviewers []string `json:"reviewers"`
		Teams     []string `json:"team_reviewers"`
	}
	if !c.in(&in) {
		return hubUnreadable()
	}
	for _, login := range in.Reviewers {
		switch a, ok := c.h.account(login); {
		case ok && strings.EqualFold(a.Login, p.Author):
			return hubRefused("Review cannot be requested from pull request author.")
		case !ok || s.Members[strings.ToLower(a.Login)] < providers.CanRead:
			return hubRefused("Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the " + s.repo.path + " repository.")
		}
	}
	for _, slug := range in.Teams {
		if _, ok := s.Teams[slug]; !ok {
			return hubRefused("Could not resolve to a node with the global id of '" + slug + "'.")
		}
	}
	for _, login := range in.Reviewers {
		if a, _ := c.h.account(login); !slices.Contains(p.Reviewers, a.Login) {
			p.Reviewers = append(p.Reviewers, a.Login)
		}
	}
	for _, slug := range in.Teams {
		if !slices.Contains(p.Teams, slug) {
			p.Teams = append(p.Teams, slug)
		}
	}
	return http.StatusCreated, c.pull(s, p)
}

// listPullsOf finds the pull requests that brought a commit, and the open ones
// that have it
// (https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit).
func (c *hubCall) listPullsOf(s *State) (int, any) {
	sha := c.r.PathValue("sha")
	if s.Commit(sha) == nil {
		return hubRefused("No commit found for SHA: " + sha)
	}
	out := []any{}
	for _, p := range s.Pulls {
		has := slices.Contains(p.Arrived, sha)
		if p.State == providers.Open {
			has = slices.ContainsFunc(s.PullCommits(p), func(k *Commit) bool { return k.SHA == sha })
		}
		if has {
			out = append(out, c.pull(s, p))
		}
	}
	return http.StatusOK, hubPage(c, out)
}
