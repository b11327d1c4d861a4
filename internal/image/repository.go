package image

import (
	"fmt"
	"strings"
)

const (
	hub       = "docker.io" // what names without a registry mean
	localhost = "localhost"
	official  = "library/" // where Docker Hub keeps names of one segment
)

// Repository is the normalised identity of a repository, host and path, such
// as "docker.io/library/nginx" or "ghcr.io/acme/web". All spellings of one
// repository give the same value, so == compares them. The zero value is no
// repository.
type Repository string

// ParseRepository reads the name of a repository, in any spelling, without tag
// or digest: "nginx", "docker.io/nginx" and "index.docker.io/library/nginx"
// are one repository. The first segment is a registry if it holds "." or ":"
// or is "localhost"; its case is ignored.
func ParseRepository(name string) (Repository, error) {
	n, tag, digest, f := scan(name)
	switch {
	case f.found():
	case tag != "":
		f = flaw{what: "a repository has no tag", at: len(n)}
	case digest != "":
		f = flaw{what: "a repository has no digest", at: len(n)}
	}
	if f.found() {
		return "", fmt.Errorf("parse image repository %s: %w", quote(name), explain(name, f))
	}
	host, path, _ := scanName(n)
	return normalise(host, path), nil
}

// Join returns the repository of a name that is written in two parts, as Helm
// values are. The registry may be empty, a host, or a host and path, and may
// end in "/"; nothing is left out, so a registry that is also written in the
// repository counts twice, as it does where a template joins them.
func Join(registry, repository string) (Repository, error) {
	if registry == "" {
		return ParseRepository(repository)
	}
	return ParseRepository(strings.TrimSuffix(registry, "/") + "/" + repository)
}

// Registry returns the host, with its port if it has one: "docker.io".
func (r Repository) Registry() string {
	host, _, _ := strings.Cut(string(r), "/")
	return host
}

// Path returns what follows the registry: "library/nginx".
func (r Repository) Path() string {
	_, path, _ := strings.Cut(string(r), "/")
	return path
}

// Base returns the last segment of the path: "nginx".
func (r Repository) Base() string {
	path := r.Path()
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Familiar returns the shortest usual spelling, which [ParseRepository] reads
// back: "nginx" for docker.io/library/nginx, "acme/web" for docker.io/acme/web,
// and the whole for other registries.
func (r Repository) Familiar() string {
	if r.Registry() != hub {
		return string(r)
	}
	path := r.Path()
	if name, ok := strings.CutPrefix(path, official); ok && !strings.Contains(name, "/") && !isImageID(name) {
		return name
	}
	// Without its host, docker.io/a.b/web would be read as registry a.b.
	if first, _, _ := strings.Cut(path, "/"); isRegistry(first) {
		return string(r)
	}
	return path
}

// normalise takes the parts of a checked name; host is "" if none was written.
func normalise(host, path string) Repository {
	switch host = strings.ToLower(host); host {
	case "", "index.docker.io", "registry-1.docker.io":
		host = hub
	}
	if host == hub && !strings.Contains(path, "/") {
		path = official + path
	}
	return Repository(host + "/" + path)
}

func isRegistry(segment string) bool {
	return strings.IndexByte(segment, '.') >= 0 || strings.IndexByte(segment, ':') >= 0 ||
		strings.EqualFold(segment, localhost)
}

// scanName cuts a name into registry and path; host is "" if there is none.
func scanName(name string) (host, path string, f flaw) {
	if name == "" {
		return "", "", flaw{what: "empty name"}
	}
	if len(name) > maxName {
		return "", "", flaw{what: "a name has at most 255 characters", at: maxName}
	}
	first, rest, ok := strings.Cut(name, "/")
	if !ok || !isRegistry(first) {
		return "", name, scanPath(name)
	}
	if f := scanHost(first); f.found() {
		return "", "", f
	}
	return first, rest, scanPath(rest).shift(len(first) + 1)
}

// scanPath checks segments of lower-case letters and digits, with one of
// "." "_" "__" or any number of "-" between them.
func scanPath(path string) flaw {
	start := true // no character of the segment was seen yet
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case isLower(c) || isDigit(c):
			start = false
		case c == '/':
			if start {
				return flaw{what: "empty segment in the name", at: i}
			}
			start = true
		case isUpper(c):
			return flaw{what: "a name cannot hold the uppercase letter", at: i, char: true}
		case c != '.' && c != '_' && c != '-':
			return flaw{what: "a name cannot hold", at: i, char: true}
		case start:
			return flaw{what: "a segment of a name cannot start with", at: i, char: true}
		default:
			if c == '_' && i+1 < len(path) && path[i+1] == '_' {
				i++
			}
			for c == '-' && i+1 < len(path) && path[i+1] == '-' {
				i++
			}
			if i+1 == len(path) || path[i+1] == '/' {
				return flaw{what: "a segment of a name cannot end with", at: i, char: true}
			}
			if next := path[i+1]; next == '.' || next == '_' || next == '-' {
				return flaw{what: "too many separators in the name before", at: i + 1, char: true}
			}
		}
	}
	if start {
		return flaw{what: "empty segment in the name", at: len(path)}
	}
	return flaw{}
}

// scanHost checks a domain name, an IPv4 address or an IPv6 address in
// brackets, with an optional port.
func scanHost(host string) flaw {
	end := 0
	if strings.HasPrefix(host, "[") {
		end = strings.IndexByte(host, ']') + 1
		if end == 0 {
			return flaw{what: "missing ] after the address of the registry", at: len(host)}
		}
		for i := 1; i < end-1; i++ {
			if c := host[i]; !isHex(c) && (c < 'A' || c > 'F') && c != ':' {
				return flaw{what: "an IPv6 address cannot hold", at: i, char: true}
			}
		}
		if end == len("[]") {
			return flaw{what: "empty address of the registry", at: 1}
		}
	} else {
		end = strings.IndexByte(host, ':')
		if end < 0 {
			end = len(host)
		}
		if f := scanDomain(host[:end]); f.found() {
			return f
		}
	}
	if end == len(host) {
		return flaw{}
	}
	if host[end] != ':' {
		return flaw{what: "unexpected text after the address of the registry:", at: end, char: true}
	}
	if end+1 == len(host) {
		return flaw{what: "empty port of the registry", at: end + 1}
	}
	for i := end + 1; i < len(host); i++ {
		if !isDigit(host[i]) {
			return flaw{what: "a port is a number and cannot hold", at: i, char: true}
		}
	}
	return flaw{}
}

// scanDomain checks labels of letters, digits and inner hyphens, between dots.
func scanDomain(domain string) flaw {
	start := 0
	for i := 0; i <= len(domain); i++ {
		switch {
		case i == len(domain) || domain[i] == '.':
			if i == start {
				return flaw{what: "empty label in the registry's host", at: i}
			}
			if domain[i-1] == '-' {
				return flaw{what: "a label of the registry's host cannot end with", at: i - 1, char: true}
			}
			start = i + 1
		case domain[i] == '-' && i == start:
			return flaw{what: "a label of the registry's host cannot start with", at: i, char: true}
		case !isAlnum(domain[i]) && domain[i] != '-':
			return flaw{what: "the registry's host cannot hold", at: i, char: true}
		}
	}
	return flaw{}
}
