package ci

import "strings"

// jenkins reads the variables of Jenkins and of its plugins for git and for
// multibranch pipelines, which number the runs of each branch for themselves
// (https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables,
// https://plugins.jenkins.io/git/).
func jenkins(env func(string) string) Build {
	b := Build{
		System:      "jenkins",
		SHA:         env("GIT_COMMIT"),
		Tag:         env("TAG_NAME"),
		PullRequest: env("CHANGE_ID"),
		Run:         number(env("BUILD_NUMBER")),
		RunURL:      env("BUILD_URL"),
		Actor:       env("BUILD_USER_ID"),
	}
	b.Server, b.Repo = remote(first(env("GIT_URL"), env("GIT_URL_1")))
	switch {
	case b.PullRequest != "":
		// As the job is set up, what is built is the head or a merge of it.
		b.SHA, b.Branch = "", env("CHANGE_BRANCH")
	case b.Tag == "":
		b.Branch = first(env("BRANCH_NAME"), strings.TrimPrefix(env("GIT_BRANCH"), "origin/"))
	}
	return b
}
