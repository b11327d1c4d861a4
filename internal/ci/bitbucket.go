package ci

// bitbucket reads the variables of Bitbucket Pipelines
// (https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/).
func bitbucket(env func(string) string) Build {
	b := Build{
		System:      "bitbucket",
		SHA:         env("BITBUCKET_COMMIT"),
		Branch:      env("BITBUCKET_BRANCH"),
		Tag:         env("BITBUCKET_TAG"),
		PullRequest: env("BITBUCKET_PR_ID"),
		Run:         number(env("BITBUCKET_BUILD_NUMBER")),
		Actor:       env("BITBUCKET_STEP_TRIGGERER_UUID"),
	}
	// Pipelines are only on bitbucket.org; the origin that git knows is http.
	b.Server, b.Repo = under("https://bitbucket.org", env("BITBUCKET_REPO_FULL_NAME"))
	if b.Repo != "" {
		b.RunURL = "https://" + b.Repo + "/pipelines/results/" + env("BITBUCKET_BUILD_NUMBER")
	}
	return b
}
