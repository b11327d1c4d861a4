package ci

// travis reads the variables of Travis CI
// (https://docs.travis-ci.com/user/environment-variables/). They name the
// repository, but not the forge that it is on.
func travis(env func(string) string) Build {
	b := Build{
		System: "travis",
		SHA:    env("TRAVIS_COMMIT"),
		Branch: env("TRAVIS_BRANCH"),
		Tag:    env("TRAVIS_TAG"),
		Run:    number(env("TRAVIS_BUILD_NUMBER")),
		RunURL: env("TRAVIS_BUILD_WEB_URL"),
	}
	if pull := env("TRAVIS_PULL_REQUEST"); pull != "" && pull != "false" {
		// TRAVIS_COMMIT is that of a merge, and TRAVIS_BRANCH is the target.
		b.PullRequest = pull
		b.SHA, b.Branch = env("TRAVIS_PULL_REQUEST_SHA"), env("TRAVIS_PULL_REQUEST_BRANCH")
	}
	if b.Tag != "" {
		b.Branch = "" // it is the tag's name then
	}
	return b
}
