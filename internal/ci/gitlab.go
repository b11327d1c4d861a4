package ci

import "net/url"

// gitlab reads the variables of GitLab CI
// (https://docs.gitlab.com/ci/variables/predefined_variables/).
func gitlab(env func(string) string) Build {
	b := Build{
		System: "gitlab",
		// In a pipeline for merged results CI_COMMIT_SHA is that of a merge that
		// GitLab made; only there is the source's SHA set.
		SHA:         first(env("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"), env("CI_COMMIT_SHA")),
		Branch:      first(env("CI_COMMIT_BRANCH"), env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")),
		Tag:         env("CI_COMMIT_TAG"),
		PullRequest: env("CI_MERGE_REQUEST_IID"),
		Run:         number(env("CI_PIPELINE_IID")),
		Attempt:     env("CI_JOB_ID"),
		RunURL:      first(env("CI_PIPELINE_URL"), env("CI_JOB_URL")),
		Actor:       env("GITLAB_USER_LOGIN"),
	}
	b.Server = env("CI_SERVER_URL")
	if b.Server, b.Repo = under(b.Server, env("CI_PROJECT_PATH")); b.Server == "" {
		if u, err := url.Parse(env("CI_PROJECT_URL")); err == nil && u.Host != "" {
			b.Server, b.Repo = remote(u.String())
		}
	}
	return b
}
