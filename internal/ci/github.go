package ci

import "strings"

// github reads the variables of GitHub Actions
// (https://docs.github.com/en/actions/reference/workflows-and-actions/variables).
func github(env func(string) string) Build {
	b := actions(env)
	b.System = "github"
	return b
}

// actions reads what GitHub Actions and those who imitate it have in common.
func actions(env func(string) string) Build {
	b := Build{
		SHA:     env("GITHUB_SHA"),
		Branch:  env("GITHUB_HEAD_REF"),
		Run:     number(env("GITHUB_RUN_NUMBER")),
		Attempt: env("GITHUB_RUN_ATTEMPT"),
		Actor:   first(env("GITHUB_TRIGGERING_ACTOR"), env("GITHUB_ACTOR")),
	}
	b.Server, b.Repo = under(env("GITHUB_SERVER_URL"), env("GITHUB_REPOSITORY"))
	if id := env("GITHUB_RUN_ID"); id != "" && b.Repo != "" {
		b.RunURL = b.Server + "/" + env("GITHUB_REPOSITORY") + "/actions/runs/" + id
	}
	ref := env("GITHUB_REF")
	if pull, ok := strings.CutPrefix(ref, "refs/pull/"); ok {
		b.PullRequest, _, _ = strings.Cut(pull, "/")
	} else if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		b.Tag = tag
	} else if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok && b.Branch == "" {
		b.Branch = branch
	}
	// On pull_request GITHUB_SHA is a merge that GitHub made for the build, and on
	// pull_request_target it is the base's: the head's stands only in the event's
	// file, github.event.pull_request.head.sha
	// (https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request).
	isPull := env("GITHUB_HEAD_REF") != "" || b.PullRequest != ""
	if isPull && !strings.HasSuffix(ref, "/head") {
		b.SHA = ""
	}
	return b
}
