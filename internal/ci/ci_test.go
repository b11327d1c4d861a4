package ci_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/ci"
)

const sha = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

func TestDetect(t *testing.T) {
	t.Parallel()
	github := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/web",
		"GITHUB_SHA": sha, "GITHUB_REF": "refs/heads/feature/x", "GITHUB_RUN_NUMBER": "42", "GITHUB_RUN_ATTEMPT": "2",
		"GITHUB_RUN_ID": "991", "GITHUB_ACTOR": "jane", "GITHUB_TRIGGERING_ACTOR": "joe",
	}
	gitlab := map[string]string{
		"GITLAB_CI": "true", "CI_SERVER_URL": "https://gitlab.acme.io:8443", "CI_PROJECT_PATH": "group/sub/web",
		"CI_COMMIT_SHA": sha, "CI_COMMIT_BRANCH": "main", "CI_PIPELINE_IID": "17", "CI_JOB_ID": "5001",
		"CI_PIPELINE_URL": "https://gitlab.acme.io:8443/group/sub/web/-/pipelines/900", "CI_JOB_URL": "https://x", "GITLAB_USER_LOGIN": "jane",
	}
	bitbucket := map[string]string{
		"BITBUCKET_BUILD_NUMBER": "9", "BITBUCKET_REPO_FULL_NAME": "acme/web", "BITBUCKET_COMMIT": sha,
		"BITBUCKET_BRANCH": "main", "BITBUCKET_STEP_TRIGGERER_UUID": "{u}",
	}
	circle := map[string]string{
		"CIRCLECI": "true", "CIRCLE_SHA1": sha, "CIRCLE_BRANCH": "main", "CIRCLE_BUILD_NUM": "77",
		"CIRCLE_REPOSITORY_URL": "git@github.com:acme/web.git", "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/web/77", "CIRCLE_USERNAME": "jane",
	}
	travis := map[string]string{
		"TRAVIS": "true", "TRAVIS_REPO_SLUG": "acme/web", "TRAVIS_COMMIT": sha, "TRAVIS_BRANCH": "main",
		"TRAVIS_PULL_REQUEST": "false", "TRAVIS_BUILD_NUMBER": "5", "TRAVIS_BUILD_WEB_URL": "https://app.travis-ci.com/acme/web/builds/1",
	}
	jenkins := map[string]string{
		"JENKINS_URL": "https://jenkins.acme.io/", "BUILD_NUMBER": "31", "BUILD_URL": "https://jenkins.acme.io/job/web/31/",
		"GIT_COMMIT": sha, "GIT_BRANCH": "origin/feature/x", "GIT_URL": "ssh://git@git.acme.io:7999/acme/web.git",
	}
	onGitHub := ci.Build{
		System: "github", Server: "https://github.com", Repo: "github.com/acme/web", SHA: sha, Branch: "feature/x", Run: 42, Attempt: "2",
		RunURL: "https://github.com/acme/web/actions/runs/991", Actor: "joe",
	}
	onGitLab := ci.Build{
		System: "gitlab", Server: "https://gitlab.acme.io:8443", Repo: "gitlab.acme.io:8443/group/sub/web", SHA: sha, Branch: "main", Run: 17,
		Attempt: "5001", RunURL: "https://gitlab.acme.io:8443/group/sub/web/-/pipelines/900", Actor: "jane",
	}
	onBitbucket := ci.Build{
		System: "bitbucket", Server: "https://bitbucket.org", Repo: "bitbucket.org/acme/web", SHA: sha, Branch: "main", Run: 9,
		RunURL: "https://bitbucket.org/acme/web/pipelines/results/9", Actor: "{u}",
	}
	onCircle := ci.Build{
		System: "circleci", Server: "https://github.com", Repo: "github.com/acme/web", SHA: sha, Branch: "main", Run: 77,
		RunURL: "https://circleci.com/gh/acme/web/77", Actor: "jane",
	}
	onTravis := ci.Build{System: "travis", SHA: sha, Branch: "main", Run: 5, RunURL: "https://app.travis-ci.com/acme/web/builds/1"}
	onJenkins := ci.Build{
		System: "jenkins", Server: "https://git.acme.io", Repo: "git.acme.io/acme/web", SHA: sha, Branch: "feature/x", Run: 31,
		RunURL: "https://jenkins.acme.io/job/web/31/",
	}
	for _, test := range []struct {
		name   string
		env    map[string]string
		more   map[string]string
		want   ci.Build
		change func(*ci.Build)
	}{
		{name: "none", env: map[string]string{"CI": "true", "BUILD_NUMBER": "3"}},
		{name: "said to be none", env: github, more: map[string]string{"GITHUB_ACTIONS": "false"}},

		{name: "GitHub push", env: github, want: onGitHub},
		{name: "GitHub tag", env: github, more: map[string]string{"GITHUB_REF": "refs/tags/v1.4.2"}, want: onGitHub, change: func(b *ci.Build) {
			b.Branch, b.Tag = "", "v1.4.2"
		}},
		{name: "GitHub pull request", env: github, more: map[string]string{"GITHUB_REF": "refs/pull/7/merge", "GITHUB_HEAD_REF": "topic"}, want: onGitHub, change: func(b *ci.Build) {
			b.SHA, b.Branch, b.PullRequest = "", "topic", "7"
		}},
		{name: "GitHub pull request target", env: github, more: map[string]string{"GITHUB_REF": "refs/heads/main", "GITHUB_HEAD_REF": "topic"}, want: onGitHub, change: func(b *ci.Build) {
			b.SHA, b.Branch = "", "topic"
		}},
		{name: "GitHub Enterprise", env: github, more: map[string]string{"GITHUB_SERVER_URL": "https://GHE.acme.io/", "GITHUB_TRIGGERING_ACTOR": ""}, want: onGitHub, change: func(b *ci.Build) {
			b.Server, b.Repo, b.RunURL, b.Actor = "https://GHE.acme.io", "ghe.acme.io/acme/web", "https://GHE.acme.io/acme/web/actions/runs/991", "jane"
		}},
		{name: "GitHub with little", env: map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_RUN_NUMBER": "many", "GITHUB_RUN_ID": "3"}, want: ci.Build{System: "github"}},

		{name: "Gitea push", env: github, more: map[string]string{"GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": "http://git.acme.io:3000/"}, want: onGitHub, change: func(b *ci.Build) {
			b.System, b.Server, b.Repo, b.RunURL = "gitea", "http://git.acme.io:3000", "git.acme.io:3000/acme/web", "http://git.acme.io:3000/acme/web/actions/runs/991"
		}},
		{name: "Gitea pull request", env: github, more: map[string]string{"GITEA_ACTIONS": "true", "GITHUB_REF": "refs/pull/7/head", "GITHUB_HEAD_REF": "topic"}, want: onGitHub, change: func(b *ci.Build) {
			b.System, b.Branch, b.PullRequest = "gitea", "topic", "7"
		}},

		{name: "GitLab branch", env: gitlab, want: onGitLab},
		{name: "GitLab tag", env: gitlab, more: map[string]string{"CI_COMMIT_BRANCH": "", "CI_COMMIT_TAG": "v1"}, want: onGitLab, change: func(b *ci.Build) {
			b.Branch, b.Tag = "", "v1"
		}},
		{name: "GitLab merge request", env: gitlab, more: map[string]string{"CI_COMMIT_BRANCH": "", "CI_MERGE_REQUEST_IID": "3", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic"}, want: onGitLab, change: func(b *ci.Build) {
			b.Branch, b.PullRequest = "topic", "3"
		}},
		{name: "GitLab merged result", env: gitlab, more: map[string]string{"CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "f" + sha[1:]}, want: onGitLab, change: func(b *ci.Build) {
			b.SHA = "f" + sha[1:]
		}},
		{name: "GitLab below a path", env: gitlab, more: map[string]string{"CI_SERVER_URL": "https://acme.io/gitlab", "CI_PIPELINE_URL": ""}, want: onGitLab, change: func(b *ci.Build) {
			b.Server, b.Repo, b.RunURL = "https://acme.io/gitlab", "acme.io/gitlab/group/sub/web", "https://x"
		}},
		{name: "GitLab by its project", env: gitlab, more: map[string]string{"CI_SERVER_URL": "", "CI_PROJECT_URL": "https://gitlab.com/group/sub/web"}, want: onGitLab, change: func(b *ci.Build) {
			b.Server, b.Repo = "https://gitlab.com", "gitlab.com/group/sub/web"
		}},

		{name: "Bitbucket branch", env: bitbucket, want: onBitbucket},
		{name: "Bitbucket pull request", env: bitbucket, more: map[string]string{"BITBUCKET_PR_ID": "8", "BITBUCKET_BRANCH": "topic"}, want: onBitbucket, change: func(b *ci.Build) {
			b.Branch, b.PullRequest = "topic", "8"
		}},
		{name: "Bitbucket tag", env: bitbucket, more: map[string]string{"BITBUCKET_TAG": "v1", "BITBUCKET_BRANCH": ""}, want: onBitbucket, change: func(b *ci.Build) {
			b.Branch, b.Tag = "", "v1"
		}},
		{name: "Bitbucket with little", env: map[string]string{"BITBUCKET_BUILD_NUMBER": "9"}, want: ci.Build{System: "bitbucket", Server: "https://bitbucket.org", Run: 9}},

		{name: "CircleCI branch", env: circle, want: onCircle},
		{name: "CircleCI pull request", env: circle, more: map[string]string{"CIRCLE_PULL_REQUEST": "https://github.com/acme/web/pull/12"}, want: onCircle, change: func(b *ci.Build) {
			b.PullRequest = "12"
		}},
		{name: "CircleCI fork", env: circle, more: map[string]string{"CIRCLE_PULL_REQUEST": "https://github.com/acme/web/pull/12", "CIRCLE_PR_NUMBER": "12"}, want: onCircle, change: func(b *ci.Build) {
			b.PullRequest = "12"
		}},
		{name: "CircleCI odd pull request", env: circle, more: map[string]string{"CIRCLE_PULL_REQUEST": "none", "CIRCLE_TAG": "v1"}, want: onCircle, change: func(b *ci.Build) {
			b.Tag = "v1"
		}},

		{name: "Travis branch", env: travis, want: onTravis},
		{name: "Travis pull request", env: travis, more: map[string]string{
			"TRAVIS_PULL_REQUEST": "4", "TRAVIS_PULL_REQUEST_SHA": "e" + sha[1:], "TRAVIS_PULL_REQUEST_BRANCH": "topic",
		}, want: onTravis, change: func(b *ci.Build) {
			b.SHA, b.Branch, b.PullRequest = "e"+sha[1:], "topic", "4"
		}},
		{name: "Travis tag", env: travis, more: map[string]string{"TRAVIS_TAG": "v1", "TRAVIS_BRANCH": "v1"}, want: onTravis, change: func(b *ci.Build) {
			b.Branch, b.Tag = "", "v1"
		}},

		{name: "Jenkins branch", env: jenkins, want: onJenkins},
		{name: "Jenkins multibranch", env: jenkins, more: map[string]string{"BRANCH_NAME": "main"}, want: onJenkins, change: func(b *ci.Build) {
			b.Branch = "main"
		}},
		{name: "Jenkins change", env: jenkins, more: map[string]string{"BRANCH_NAME": "PR-6", "CHANGE_ID": "6", "CHANGE_BRANCH": "topic"}, want: onJenkins, change: func(b *ci.Build) {
			b.SHA, b.Branch, b.PullRequest = "", "topic", "6"
		}},
		{name: "Jenkins tag", env: jenkins, more: map[string]string{"BRANCH_NAME": "v1", "TAG_NAME": "v1"}, want: onJenkins, change: func(b *ci.Build) {
			b.Branch, b.Tag = "", "v1"
		}},
		{name: "Jenkins with a password", env: jenkins, more: map[string]string{"GIT_URL": "https://me:secret@git.acme.io:8443/acme/web"}, want: onJenkins, change: func(b *ci.Build) {
			b.Server, b.Repo = "https://git.acme.io:8443", "git.acme.io:8443/acme/web"
		}},
		{name: "Jenkins with a path", env: jenkins, more: map[string]string{"GIT_URL": "/srv/git/web.git"}, want: onJenkins, change: func(b *ci.Build) {
			b.Server, b.Repo = "", ""
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := test.want
			if test.change != nil {
				test.change(&want)
			}
			got := ci.Detect(func(name string) string {
				if value, ok := test.more[name]; ok {
					return value
				}
				return test.env[name]
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("build (-want +got):\n%s", diff)
			}
		})
	}
}
