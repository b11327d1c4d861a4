// Package ci owns the facts that a CI system tells of the build it runs: the
// repository, the commit, the number of the run and so on, read from variables
// of the environment.
//
// It guesses nothing: a fact that the system does not tell stays empty. It reads
// no files and asks nobody.
package ci

import (
	"net/url"
	"strconv"
	"strings"
)

// Build is what is known of a build. Its zero value means none: no CI system
// was recognised. Every field may be empty.
type Build struct {
	System      string // github, gitea, gitlab, bitbucket, circleci, travis or jenkins
	Server      string // the URL of the forge, such as https://github.com
	Repo        string // host and path of the repository, such as github.com/acme/web
	SHA         string // the commit that somebody made; "" where only a merge of it with another is known
	Branch      string // that is built; of a pull request its source
	Tag         string
	PullRequest string // its number
	Run         int64  // grows with each run of the pipeline, and stays if it is run again; 0 if it is not known
	Attempt     string // tells runs of one number apart
	RunURL      string // for people
	Actor       string // who started it, in the words of the system
}

// Detect reads the facts with env, which returns the value of a variable or "",
// such as os.Getenv.
func Detect(env func(string) string) Build {
	for _, system := range []struct {
		variable string
		read     func(env func(string) string) Build
	}{
		{"GITEA_ACTIONS", gitea}, // which sets GITHUB_ACTIONS too
		{"GITHUB_ACTIONS", github},
		{"GITLAB_CI", gitlab},
		{"BITBUCKET_BUILD_NUMBER", bitbucket},
		{"CIRCLECI", circleCI},
		{"TRAVIS", travis},
		{"JENKINS_URL", jenkins},
	} {
		if value := env(system.variable); value != "" && value != "false" {
			return system.read(env)
		}
	}
	return Build{}
}

// number reads a positive number; what is none is 0.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// remote reads where a repository is from its URL, as git or people write it.
func remote(text string) (server, repo string) {
	if user, rest, ok := strings.Cut(text, "@"); ok && !strings.ContainsAny(user, "/:") {
		if host, path, ok := strings.Cut(rest, ":"); ok && !strings.Contains(host, "/") {
			text = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", ""
	}
	scheme, host := u.Scheme, strings.ToLower(u.Host)
	if scheme != "http" && scheme != "https" {
		scheme, host = "https", strings.ToLower(u.Hostname()) // the port is not that of the forge's pages
	}
	path := strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	if path == "" {
		return "", ""
	}
	return scheme + "://" + host, host + "/" + path
}

// under returns where a repository is from the URL of its forge and its path.
func under(server, path string) (string, string) {
	if server == "" || path == "" {
		return strings.TrimRight(server, "/"), ""
	}
	_, repo := remote(strings.TrimRight(server, "/") + "/" + path)
	return strings.TrimRight(server, "/"), repo
}
