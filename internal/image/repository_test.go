package image

import (
	"strings"
	"testing"
)

func TestParseRepository(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want Repository
	}{
		{"nginx", "docker.io/library/nginx"},
		{"library/nginx", "docker.io/library/nginx"},
		{"docker.io/nginx", "docker.io/library/nginx"},
		{"docker.io/library/nginx", "docker.io/library/nginx"},
		{"Docker.IO/nginx", "docker.io/library/nginx"},
		{"index.docker.io/nginx", "docker.io/library/nginx"},
		{"index.docker.io/library/nginx", "docker.io/library/nginx"},
		{"registry-1.docker.io/library/nginx", "docker.io/library/nginx"},
		{"acme/web", "docker.io/acme/web"},
		{"docker.io/acme/web", "docker.io/acme/web"},
		{"index.docker.io/acme/web", "docker.io/acme/web"},
		{"docker.io/acme/web/api", "docker.io/acme/web/api"},
		{"ghcr.io/acme/web", "ghcr.io/acme/web"},
		{"GHCR.io/acme/web", "ghcr.io/acme/web"},
		{"ghcr.io/web", "ghcr.io/web"},
		{"ghcr.io/acme/web-api", "ghcr.io/acme/web-api"},
		{"other.io/ghcr.io/acme/web", "other.io/ghcr.io/acme/web"},
		{"docker.io/ghcr.io/web", "docker.io/ghcr.io/web"},
		{"docker.io:443/nginx", "docker.io:443/nginx"},
		{"localhost", "docker.io/library/localhost"},
		{"localhost/x", "localhost/x"},
		{"LOCALHOST/x", "localhost/x"},
		{"localhost:5000/x", "localhost:5000/x"},
		{"localhost.localdomain/x", "localhost.localdomain/x"},
		{"localhosts/x", "docker.io/localhosts/x"},
		{"registry:5000/x", "registry:5000/x"},
		{"registry/x", "docker.io/registry/x"},
		{"example.com", "docker.io/library/example.com"},
		{"[2001:DB8::1]:5000/x", "[2001:db8::1]:5000/x"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, err := ParseRepository(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("ParseRepository(%q) = %q, want %q", tt.in, got, tt.want)
			}
			checkRepository(t, got)
		})
	}
}

func TestParseRepositoryError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", `parse image repository "": empty name, at character 1`},
		{"nginx:1", `parse image repository "nginx:1": a repository has no tag, at character 6`},
		{"localhost:5000", `parse image repository "localhost:5000": a repository has no tag, at character 10`},
		{"nginx@" + sha256Digest, `a repository has no digest, at character 6`},
		{"nginx:1@" + sha256Digest, `a repository has no tag, at character 6`},
		{"nginx:", `empty tag, at character 7`},
		{"ghcr.io/Acme", `the uppercase letter 'A', at character 9`},
		{"https://ghcr.io/acme", `a reference has no URL scheme, at character 1`},
		{imageID, `an image ID is not a name, at character 1`},
	} {
		got, err := ParseRepository(tt.in)
		if err == nil {
			t.Errorf("ParseRepository(%q) = %q, want an error", tt.in, got)
			continue
		}
		if got != "" || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("ParseRepository(%q) = %q, %v, want an error that ends with %s", tt.in, got, err, tt.want)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		registry, repository string
		want                 Repository // "" for an error
	}{
		{"", "nginx", "docker.io/library/nginx"},
		{"", "acme/web", "docker.io/acme/web"},
		{"", "ghcr.io/acme/web", "ghcr.io/acme/web"},
		{"docker.io", "nginx", "docker.io/library/nginx"},
		{"docker.io/library", "nginx", "docker.io/library/nginx"},
		{"index.docker.io", "acme/web", "docker.io/acme/web"},
		{"ghcr.io", "web", "ghcr.io/web"},
		{"ghcr.io", "acme/web", "ghcr.io/acme/web"},
		{"ghcr.io/", "acme/web", "ghcr.io/acme/web"},
		{"ghcr.io/acme", "web", "ghcr.io/acme/web"},
		{"ghcr.io/acme/", "web", "ghcr.io/acme/web"},
		{"GHCR.io", "acme/web", "ghcr.io/acme/web"},
		{"acme", "web", "docker.io/acme/web"},
		{"localhost:5000", "web", "localhost:5000/web"},
		{"localhost", "web", "localhost/web"},
		{"other.io", "ghcr.io/acme/web", "other.io/ghcr.io/acme/web"},
		{"", "", ""},
		{"ghcr.io", "", ""},
		{"", "web:1", ""},
		{"ghcr.io", "web:1", ""},
		{"ghcr.io", "web@" + sha256Digest, ""},
		{"ghcr.io/acme:1", "web", ""},
		{"ghcr.io//", "web", ""},
		{"ghcr.io", "/web", ""},
		{"/", "web", ""},
		{"https://ghcr.io", "web", ""},
		{"ghcr.io", "Web", ""},
	} {
		got, err := Join(tt.registry, tt.repository)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Join(%q, %q) = %q, %v, want %q", tt.registry, tt.repository, got, err, tt.want)
		}
	}
}

func TestRepositoryParts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in                             Repository
		registry, path, base, familiar string
	}{
		{"docker.io/library/nginx", "docker.io", "library/nginx", "nginx", "nginx"},
		{"docker.io/acme/web", "docker.io", "acme/web", "web", "acme/web"},
		{"docker.io/library/a/b", "docker.io", "library/a/b", "b", "library/a/b"},
		{"docker.io/acme/library/web", "docker.io", "acme/library/web", "web", "acme/library/web"},
		{"docker.io/a.b/web", "docker.io", "a.b/web", "web", "docker.io/a.b/web"},
		{"docker.io/localhost/web", "docker.io", "localhost/web", "web", "docker.io/localhost/web"},
		{"docker.io/library/example.com", "docker.io", "library/example.com", "example.com", "example.com"},
		{Repository("docker.io/library/" + imageID), "docker.io", "library/" + imageID, imageID, "library/" + imageID},
		{"ghcr.io/acme/web", "ghcr.io", "acme/web", "web", "ghcr.io/acme/web"},
		{"ghcr.io/library/web", "ghcr.io", "library/web", "web", "ghcr.io/library/web"},
		{"localhost:5000/x", "localhost:5000", "x", "x", "localhost:5000/x"},
		{"docker.io:443/library/x", "docker.io:443", "library/x", "x", "docker.io:443/library/x"},
		{"", "", "", "", ""},
	} {
		r := tt.in
		if r.Registry() != tt.registry || r.Path() != tt.path || r.Base() != tt.base || r.Familiar() != tt.familiar {
			t.Errorf("%q has registry %q, path %q, base %q and familiar name %q, want %q, %q, %q and %q",
				r, r.Registry(), r.Path(), r.Base(), r.Familiar(), tt.registry, tt.path, tt.base, tt.familiar)
		}
		if r != "" {
			checkRepository(t, r)
		}
	}
}

// checkRepository fails the test unless r is normalised and its spellings read
// back as r.
func checkRepository(t *testing.T, r Repository) {
	t.Helper()
	if r.Registry() == "" || r.Path() == "" || r.Base() == "" || r.Registry()+"/"+r.Path() != string(r) {
		t.Fatalf("%q has registry %q, path %q and base %q", r, r.Registry(), r.Path(), r.Base())
	}
	spellings := []string{r.Familiar()}
	// Normalising may take a name over the limit, which is counted as written.
	if len(r) <= maxName {
		spellings = append(spellings, string(r), strings.ToUpper(r.Registry())+"/"+r.Path())
	}
	for _, s := range spellings {
		if got, err := ParseRepository(s); err != nil || got != r {
			t.Fatalf("ParseRepository(%q) = %q, %v, want %q", s, got, err, r)
		}
	}
}
