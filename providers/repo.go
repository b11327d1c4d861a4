package providers

import (
	"net/url"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Repo names a repository on a forge.
type Repo struct {
	Host     string // with its port, if it has one: github.com, git.acme.io:3000
	Path     string // owner/name, group/sub/project, workspace/slug
	Insecure bool   // it is reached by http
}

// String returns the name as people write it, such as github.com/acme/config.
func (r Repo) String() string {
	if r.Insecure {
		return "http://" + r.Host + "/" + r.Path
	}
	return r.Host + "/" + r.Path
}

// Server returns the URL of the forge, such as https://github.com.
func (r Repo) Server() string {
	if r.Insecure {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

// Owner is the path without its last part.
func (r Repo) Owner() string {
	if i := strings.LastIndexByte(r.Path, '/'); i > 0 {
		return r.Path[:i]
	}
	return ""
}

// Name is the last part of the path.
func (r Repo) Name() string { return r.Path[strings.LastIndexByte(r.Path, '/')+1:] }

// ParseRepo reads the name of a repository: host/path, a URL of it as browsers
// and git know it, or git's user@host:path. A ".git" at its end is dropped, and
// so is what a browser shows behind the repository. A name with a password in
// it is refused, without repeating it.
func ParseRepo(text string) (Repo, error) {
	bad := func(hint string) (Repo, error) {
		return Repo{}, fault.New(fault.Usage, hint, "%q is no repository on a forge", redactUserinfo(text))
	}
	const form = "write it as host/owner/name, such as github.com/acme/config"
	full := text
	switch scheme, rest, ok := strings.Cut(text, "://"); {
	case ok && scheme != "https" && scheme != "http" && scheme != "ssh" && scheme != "git+ssh":
		return bad(form)
	case ok && scheme != "http":
		full = "https://" + rest
	case !ok:
		if user, rest, ok := strings.Cut(text, "@"); ok && !strings.ContainsAny(user, "/:") {
			if host, path, ok := strings.Cut(rest, ":"); ok && !strings.Contains(host, "/") {
				text = host + "/" + strings.TrimPrefix(path, "/")
			}
		}
		full = "https://" + text
	}
	u, err := url.Parse(full)
	if err != nil || !isMadeOf(u.Host, ".:[]") {
		return bad(form)
	}
	if _, ok := u.User.Password(); ok {
		return bad("leave the password out; credentials come from the environment")
	}
	host := strings.ToLower(u.Host)
	if strings.HasPrefix(text, "ssh://") || strings.HasPrefix(text, "git+ssh://") {
		host = strings.ToLower(u.Hostname()) // its port is not that of the API
	}
	path, _, _ := strings.Cut(strings.Trim(u.EscapedPath(), "/"), "/-/") // GitLab's pages of a project
	path = strings.TrimSuffix(path, ".git")
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return bad(form)
	}
	for _, part := range parts {
		if part == "." || part == ".." || !isMadeOf(part, "._~") {
			return bad(form)
		}
	}
	return Repo{Host: host, Path: path, Insecure: u.Scheme == "http"}, nil
}

// isMadeOf reports whether a text is not empty, and made of letters, digits, -
// and some more characters of ASCII, which is all that forges have in names.
func isMadeOf(text, more string) bool {
	for _, r := range text {
		isPlain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
		if !isPlain && !strings.ContainsRune(more, r) {
			return false
		}
	}
	return text != ""
}

// redactUserinfo drops a user and password, which must not be shown.
func redactUserinfo(text string) string {
	rest := text
	scheme := ""
	if s, r, ok := strings.Cut(text, "://"); ok {
		scheme, rest = s+"://", r
	}
	authority, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 && strings.Contains(authority[:i], ":") {
		return scheme + "…@" + authority[i+1:] + "/" + path
	}
	return text
}
