package ci

import "strings"

// circleCI reads the variables of CircleCI
// (https://circleci.com/docs/reference/variables/).
func circleCI(env func(string) string) Build {
	b := Build{
		System:      "circleci",
		SHA:         env("CIRCLE_SHA1"),
		Branch:      env("CIRCLE_BRANCH"),
		Tag:         env("CIRCLE_TAG"),
		PullRequest: env("CIRCLE_PR_NUMBER"), // only of a fork's
		Run:         number(env("CIRCLE_BUILD_NUM")),
		RunURL:      env("CIRCLE_BUILD_URL"),
		Actor:       env("CIRCLE_USERNAME"),
	}
	b.Server, b.Repo = remote(env("CIRCLE_REPOSITORY_URL"))
	if pull := env("CIRCLE_PULL_REQUEST"); b.PullRequest == "" && pull != "" {
		if last := pull[strings.LastIndexByte(pull, '/')+1:]; number(last) > 0 {
			b.PullRequest = last
		}
	}
	return b
}
