package gitlabtest

import "net/http"

// routes are the endpoints. Which a job's token may use is in
// https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access; in GitLab's lib/api
// they are those with job_token_allowed.
var routes = []route{
	{method: http.MethodGet, path: "version", handle: (*call).getVersion, users: true},
	{method: http.MethodGet, path: "user", handle: (*call).getUser, users: true},
	{method: http.MethodGet, path: "users", handle: (*call).listUsers},
	{method: http.MethodGet, path: "job", handle: (*call).getJob, jobs: true, users: true},
	{method: http.MethodGet, path: "personal_access_tokens/self", handle: (*call).getToken, users: true, anyScope: true},
	{method: http.MethodGet, path: "groups/:group/members/all/:user", handle: (*call).getGroupMember},

	{method: http.MethodGet, path: "projects/:id", handle: (*call).getProject},
	{method: http.MethodGet, path: "projects/:id/members/all/:user", handle: (*call).getMember},
	{method: http.MethodGet, path: "projects/:id/hooks", handle: (*call).listHooks},
	{method: http.MethodPost, path: "projects/:id/hooks", handle: (*call).addHook},
	{method: http.MethodPut, path: "projects/:id/hooks/:hook", handle: (*call).editHook},

	{method: http.MethodGet, path: "projects/:id/repository/branches", handle: (*call).listBranches, jobs: true},
	{method: http.MethodGet, path: "projects/:id/repository/branches/:branch", handle: (*call).getBranch},
	{method: http.MethodDelete, path: "projects/:id/repository/branches/:branch", handle: (*call).deleteBranch, late: true},
	{method: http.MethodGet, path: "projects/:id/repository/tags/:tag", handle: (*call).getTag},
	{method: http.MethodGet, path: "projects/:id/repository/tree", handle: (*call).listTree},
	{method: http.MethodGet, path: "projects/:id/repository/blobs/:blob/raw", handle: (*call).getBlob},
	{method: http.MethodGet, path: "projects/:id/repository/files/:path", handle: (*call).getFile},
	{method: http.MethodGet, path: "projects/:id/repository/archive.tar.gz", handle: (*call).getArchive},
	{method: http.MethodGet, path: "projects/:id/repository/merge_base", handle: (*call).getMergeBase},
	{method: http.MethodGet, path: "projects/:id/repository/compare", handle: (*call).compare},

	{method: http.MethodGet, path: "projects/:id/repository/commits", handle: (*call).listCommits},
	{method: http.MethodPost, path: "projects/:id/repository/commits", handle: (*call).createCommit, late: true},
	{method: http.MethodGet, path: "projects/:id/repository/commits/:sha", handle: (*call).getCommit, jobs: true},
	{method: http.MethodGet, path: "projects/:id/repository/commits/:sha/merge_requests", handle: (*call).listCommitMergeRequests, jobs: true},
	{method: http.MethodGet, path: "projects/:id/repository/commits/:sha/statuses", handle: (*call).listStatuses, users: true},
	{method: http.MethodPost, path: "projects/:id/statuses/:sha", handle: (*call).setStatus},
	{method: http.MethodGet, path: "projects/:id/pipelines", handle: (*call).listPipelines},

	{method: http.MethodGet, path: "projects/:id/merge_requests", handle: (*call).listMergeRequests, jobs: true},
	{method: http.MethodPost, path: "projects/:id/merge_requests", handle: (*call).createMergeRequest},
	{method: http.MethodGet, path: "projects/:id/merge_requests/:iid", handle: (*call).getMergeRequest, jobs: true},
	{method: http.MethodPut, path: "projects/:id/merge_requests/:iid", handle: (*call).updateMergeRequest},
	{method: http.MethodPut, path: "projects/:id/merge_requests/:iid/merge", handle: (*call).mergeMergeRequest},
	{method: http.MethodGet, path: "projects/:id/merge_requests/:iid/diffs", handle: (*call).listDiffs},
	{method: http.MethodGet, path: "projects/:id/merge_requests/:iid/commits", handle: (*call).listMergeRequestCommits},
	{method: http.MethodGet, path: "projects/:id/merge_requests/:iid/approvals", handle: (*call).getApprovals},
	{method: http.MethodGet, path: "projects/:id/merge_requests/:iid/reviewers", handle: (*call).listReviewers},

	{method: http.MethodGet, path: "projects/:id/merge_requests/:iid/notes", handle: (*call).listNotes, jobs: true, users: true},
	{method: http.MethodPost, path: "projects/:id/merge_requests/:iid/notes", handle: (*call).createNote},
	{method: http.MethodPut, path: "projects/:id/merge_requests/:iid/notes/:note", handle: (*call).updateNote},
	{method: http.MethodDelete, path: "projects/:id/merge_requests/:iid/notes/:note", handle: (*call).deleteNote},
	{method: http.MethodPost, path: "projects/:id/merge_requests/:iid/notes/:note/award_emoji", handle: (*call).award},

	{method: http.MethodGet, path: "projects/:id/issues", handle: (*call).listIssues},
	{method: http.MethodPost, path: "projects/:id/issues", handle: (*call).createIssue},
	{method: http.MethodPut, path: "projects/:id/issues/:iid", handle: (*call).updateIssue},
}
