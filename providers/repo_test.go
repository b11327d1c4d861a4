package providers_test

import (
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

func TestParseRepo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"github.com/acme/config":                            "github.com/acme/config",
		"GitHub.com/acme/Config":                            "github.com/acme/Config",
		"https://github.com/acme/config":                    "github.com/acme/config",
		"https://github.com/acme/config.git":                "github.com/acme/config",
		"https://github.com/acme/config/":                   "github.com/acme/config",
		"git@github.com:acme/config.git":                    "github.com/acme/config",
		"ssh://git@git.acme.io:2222/acme/config.git":        "git.acme.io/acme/config",
		"https://ada@bitbucket.org/acme/config":             "bitbucket.org/acme/config",
		"gitlab.com/acme/platform/config":                   "gitlab.com/acme/platform/config",
		"https://gitlab.com/acme/platform/config/-/tree/go": "gitlab.com/acme/platform/config",
		"git.acme.io:3000/acme/config":                      "git.acme.io:3000/acme/config",
		"http://127.0.0.1:3000/acme/config":                 "http://127.0.0.1:3000/acme/config",
		"[::1]:3000/acme/config":                            "[::1]:3000/acme/config",
	} {
		got, err := providers.ParseRepo(text)
		if err != nil || got.String() != want {
			t.Errorf("%q is read as %q, error %v; want %q", text, got, err, want)
		}
		again, err := providers.ParseRepo(got.String())
		if err != nil || again != got {
			t.Errorf("%q is read again as %+v, error %v", got, again, err)
		}
	}
	for _, text := range []string{
		"", "github.com", "github.com/acme", "/acme/config", "https:///acme/config", "ftp://github.com/acme/config",
		"github.com/acme/../config", "github.com/acme//config", "github.com/acme/con fig", "github.com/acme/c%2Fd",
		"https://ada:hunter22@github.com/acme/config",
	} {
		repo, err := providers.ParseRepo(text)
		if fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q is read as %q, error %v", text, repo, err)
		} else if strings.Contains(err.Error(), "hunter22") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestRepoParts(t *testing.T) {
	t.Parallel()
	r := providers.Repo{Host: "gitlab.com", Path: "acme/platform/config"}
	if r.Owner() != "acme/platform" || r.Name() != "config" || r.Server() != "https://gitlab.com" {
		t.Errorf("owner %q, name %q, server %q", r.Owner(), r.Name(), r.Server())
	}
}

func FuzzParseRepo(f *testing.F) {
	f.Add("github.com/acme/config")
	f.Add("git@github.com:acme/config.git")
	f.Add("https://ada:secret12@github.com/acme/config?x#y")
	f.Fuzz(func(t *testing.T, text string) {
		repo, err := providers.ParseRepo(text)
		if err != nil {
			return
		}
		if repo.Host == "" || repo.Owner() == "" || repo.Name() == "" || strings.ContainsAny(repo.Path, " ?#\\") {
			t.Fatalf("%q is read as %+v", text, repo)
		}
		again, err := providers.ParseRepo(repo.String())
		if err != nil || again != repo {
			t.Fatalf("%q is read as %+v, and that as %+v, error %v", text, repo, again, err)
		}
	})
}
