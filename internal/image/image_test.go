package image

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	sha256Digest = "sha256:" + strings.Repeat("0123456789abcdef", 4)
	sha512Digest = "sha512:" + strings.Repeat("0123456789abcdef", 8)
	imageID      = strings.Repeat("0123456789abcdef", 4)
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want Ref
	}{
		{"nginx", Ref{Name: "nginx"}},
		{"nginx:1.27", Ref{Name: "nginx", Tag: "1.27"}},
		{"nginx@" + sha256Digest, Ref{Name: "nginx", Digest: sha256Digest}},
		{"nginx:1.27@" + sha256Digest, Ref{Name: "nginx", Tag: "1.27", Digest: sha256Digest}},
		{"nginx:1.27@" + sha512Digest, Ref{Name: "nginx", Tag: "1.27", Digest: sha512Digest}},
		{"library/nginx", Ref{Name: "library/nginx"}},
		{"docker.io/library/nginx:latest", Ref{Name: "docker.io/library/nginx", Tag: "latest"}},
		{"acme/web:1e3", Ref{Name: "acme/web", Tag: "1e3"}},
		{"ghcr.io/acme/web:v1.2.3-rc.1", Ref{Name: "ghcr.io/acme/web", Tag: "v1.2.3-rc.1"}},
		{"GHCR.io/acme/web:V1_x", Ref{Name: "GHCR.io/acme/web", Tag: "V1_x"}},
		{"localhost", Ref{Name: "localhost"}},
		{"localhost:5000", Ref{Name: "localhost", Tag: "5000"}},
		{"localhost/x", Ref{Name: "localhost/x"}},
		{"LocalHost/x", Ref{Name: "LocalHost/x"}},
		{"localhost:5000/x", Ref{Name: "localhost:5000/x"}},
		{"localhost:5000/x/y:1", Ref{Name: "localhost:5000/x/y", Tag: "1"}},
		{"registry:5000/x:5000", Ref{Name: "registry:5000/x", Tag: "5000"}},
		{"10.0.0.1/x", Ref{Name: "10.0.0.1/x"}},
		{"[::1]/x", Ref{Name: "[::1]/x"}},
		{"[2001:DB8::1]:5000/x:1", Ref{Name: "[2001:DB8::1]:5000/x", Tag: "1"}},
		{"a.b", Ref{Name: "a.b"}},
		{"a.b:1", Ref{Name: "a.b", Tag: "1"}},
		{"my-host.example.com/x", Ref{Name: "my-host.example.com/x"}},
		{"a/b/c/d/e", Ref{Name: "a/b/c/d/e"}},
		{"a--b/c__d/e.f/g_h---i", Ref{Name: "a--b/c__d/e.f/g_h---i"}},
		{"1/2:3", Ref{Name: "1/2", Tag: "3"}},
		{"x:_", Ref{Name: "x", Tag: "_"}},
		{"x:" + strings.Repeat("t", 128), Ref{Name: "x", Tag: strings.Repeat("t", 128)}},
		{strings.Repeat("a", 255), Ref{Name: strings.Repeat("a", 255)}},
		{imageID + ":1", Ref{Name: imageID, Tag: "1"}},
		{imageID[1:], Ref{Name: imageID[1:]}},
	} {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
			if got.String() != tt.in {
				t.Errorf("String() = %q, want %q", got.String(), tt.in)
			}
			checkSplit(t, tt.in)
		})
	}
}

func TestParseError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", `parse image reference "": empty name, at character 1`},
		{"uppercase", "Nginx", `the uppercase letter 'N', at character 1`},
		{"uppercase behind registry", "ghcr.io/acme/Web:1", `the uppercase letter 'W', at character 14`},
		{"uppercase namespace", "ACME/web", `the uppercase letter 'A', at character 1`},
		{"no name", ":1.0", `empty name, at character 1`},
		{"only digest", "@" + sha256Digest, `empty name, at character 1`},
		{"empty tag", "nginx:", `empty tag, at character 7`},
		{"empty tag before digest", "nginx:@" + sha256Digest, `empty tag, at character 7`},
		{"tag starts with dot", "nginx:.1", `a tag cannot start with '.', at character 7`},
		{"tag starts with hyphen", "nginx:-1", `a tag cannot start with '-', at character 7`},
		{"plus in tag", "nginx:1.0+build", `a tag cannot hold '+', at character 10`},
		{"two tags", "nginx:1:2", `a tag cannot hold ':', at character 8`},
		{"long tag", "x:" + strings.Repeat("t", 129), `a tag has at most 128 characters, at character 131`},
		{"long name", strings.Repeat("a", 256), `a name has at most 255 characters, at character 256`},
		{"very long", strings.Repeat("a", 1<<16), `…: longer than any reference, at character 521`},
		{"empty digest", "nginx@", `empty digest, at character 7`},
		{"digest without algorithm", "nginx@abc", `a digest starts with an algorithm, as in sha256:…, at character 7`},
		{"unknown algorithm", "nginx@md5:d41d8cd98f00b204e9800998ecf8427e", `the algorithm of a digest is sha256 or sha512, at character 7`},
		{"short digest", "nginx@sha256:abc", `a sha256 digest has 64 hex digits, at character 14`},
		{"long digest", "nginx@" + sha256Digest + "0", `a sha256 digest has 64 hex digits, at character 14`},
		{"short sha512", "nginx@sha512:" + imageID, `a sha512 digest has 128 hex digits, at character 14`},
		{"uppercase digest", "nginx@" + strings.Replace(sha256Digest, "f", "F", 1), `a digest cannot hold 'F', at character 29`},
		{"tag after digest", "nginx@" + sha256Digest + ":1", `a digest cannot hold ':', at character 78`},
		{"two digests", "nginx@" + sha256Digest + "@" + sha256Digest, `a digest cannot hold '@', at character 78`},
		{"scheme", "https://ghcr.io/acme/web", `a reference has no URL scheme, at character 1`},
		{"docker scheme", "docker://nginx:1", `a reference has no URL scheme, at character 1`},
		{"leading space", " nginx", `whitespace ' ', at character 1`},
		{"trailing newline", "nginx:1\n", `whitespace '\n', at character 8`},
		{"inner space", "nginx: 1", `whitespace ' ', at character 7`},
		{"space behind wide characters", "größe 1", `whitespace ' ', at character 6`},
		{"template", "{{.Values.image}}", `a name cannot hold '{', at character 1`},
		{"variable", "nginx:${TAG}", `a tag cannot hold '$', at character 7`},
		{"wide character", "größe", `a name cannot hold 'ö', at character 3`},
		{"bad encoding", "gr\xff", `a name cannot hold byte 0xff, at character 3`},
		{"leading slash", "/nginx", `empty segment in the name, at character 1`},
		{"trailing slash", "acme/", `empty segment in the name, at character 6`},
		{"trailing slash after host", "ghcr.io/", `empty segment in the name, at character 9`},
		{"double slash", "ghcr.io/acme//web", `empty segment in the name, at character 14`},
		{"colon in path", "a/b:c/d", `a name cannot hold ':', at character 4`},
		{"starts with separator", "acme/-web", `a segment of a name cannot start with '-', at character 6`},
		{"ends with separator", "acme_/web", `a segment of a name cannot end with '_', at character 5`},
		{"ends with hyphens", "acme/web--", `a segment of a name cannot end with '-', at character 10`},
		{"two dots", "acme/a..b", `too many separators in the name before '.', at character 8`},
		{"three underscores", "acme/a___b", `too many separators in the name before '_', at character 9`},
		{"mixed separators", "acme/a.-b", `too many separators in the name before '-', at character 8`},
		{"relative path", "./web", `empty label in the registry's host, at character 1`},
		{"parent path", "../web", `empty label in the registry's host, at character 1`},
		{"host with trailing dot", "ghcr.io./web", `empty label in the registry's host, at character 9`},
		{"host with underscore", "my_host:5000/web", `the registry's host cannot hold '_', at character 3`},
		{"host label starts with hyphen", "a.-b/web", `a label of the registry's host cannot start with '-', at character 3`},
		{"host label ends with hyphen", "a-.b/web", `a label of the registry's host cannot end with '-', at character 2`},
		{"no host", ":5000/web", `empty label in the registry's host, at character 1`},
		{"empty port", "host:/web", `empty port of the registry, at character 6`},
		{"port is no number", "host:http/web", `a port is a number and cannot hold 'h', at character 6`},
		{"two ports", "host:1:2/web", `a port is a number and cannot hold ':', at character 7`},
		{"open bracket", "[::1/web", `missing ] after the address of the registry, at character 5`},
		{"empty brackets", "[]:5000/web", `empty address of the registry, at character 2`},
		{"zone", "[fe80::1%eth0]/web", `an IPv6 address cannot hold '%', at character 9`},
		{"text after brackets", "[::1]x/web", `unexpected text after the address of the registry: 'x', at character 6`},
		{"brackets alone", "[::1]", `a name cannot hold '[', at character 1`},
		{"image ID", imageID, `an image ID is not a name, at character 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(tt.in)
			if err == nil {
				t.Fatalf("Parse(%q) = %+v, want an error", tt.in, got)
			}
			if got != (Ref{}) {
				t.Errorf("Parse returned %+v with its error", got)
			}
			if !strings.HasPrefix(err.Error(), "parse image reference ") || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("error is\n%s\nwant it to end with\n%s", err, tt.want)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
			checkSplit(t, tt.in)
		})
	}
}

func TestRefString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   Ref
		want string
	}{
		{Ref{}, ""},
		{Ref{Name: "a"}, "a"},
		{Ref{Name: "a", Tag: "1"}, "a:1"},
		{Ref{Name: "a", Digest: "d"}, "a@d"},
		{Ref{Name: "a", Tag: "1", Digest: "d"}, "a:1@d"},
	} {
		if got := tt.in.String(); got != tt.want {
			t.Errorf("%#v.String() = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestRefRepository(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		want Repository
	}{
		{"nginx", "docker.io/library/nginx"},
		{"acme/web", "docker.io/acme/web"},
		{"GHCR.IO/acme/web", "ghcr.io/acme/web"},
		{imageID, Repository("docker.io/library/" + imageID)},
		{"", ""},
		{"Nginx", ""},
		{"nginx:1", ""},
		{"https://ghcr.io/acme", ""},
	} {
		if got := (Ref{Name: tt.name, Tag: "1"}).Repository(); got != tt.want {
			t.Errorf("Ref{Name: %q}.Repository() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestValidDigest(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		sha256Digest:                        true,
		sha512Digest:                        true,
		"":                                  false,
		"sha256:":                           false,
		"sha256":                            false,
		imageID:                             false,
		sha256Digest + "0":                  false,
		sha256Digest[:70]:                   false,
		strings.ToUpper(sha256Digest):       false,
		"sha512:" + imageID:                 false,
		"sha384:" + strings.Repeat("0", 96): false,
		"sha256:" + strings.Repeat("g", 64): false,
	} {
		if got := ValidDigest(in); got != want {
			t.Errorf("ValidDigest(%q) = %t, want %t", in, got, want)
		}
	}
}

func TestSplitDoesNotAllocate(t *testing.T) {
	for _, s := range []string{
		"ghcr.io/acme/web:1.4.2@" + sha256Digest,
		"GHCR.io/acme/Web:1.4.2",
		"https://ghcr.io/acme/web",
		"nginx@sha256:abc",
		"",
	} {
		if n := testing.AllocsPerRun(10, func() { Split(s) }); n != 0 {
			t.Errorf("Split(%q) allocates %v times", s, n)
		}
	}
}

// checkSplit fails the test unless Split says the same as Parse.
func checkSplit(t *testing.T, s string) {
	t.Helper()
	ref, err := Parse(s)
	name, tag, digest, ok := Split(s)
	if ok != (err == nil) || (Ref{Name: name, Tag: tag, Digest: digest}) != ref {
		t.Fatalf("Split(%q) = %q, %q, %q, %t, but Parse = %+v, %v", s, name, tag, digest, ok, ref, err)
	}
	if !strings.HasPrefix(s, name) || !strings.HasSuffix(s, digest) {
		t.Fatalf("Split(%q) = %q, %q, %q: not parts of it", s, name, tag, digest)
	}
	if tag != "" && !strings.HasPrefix(s[len(name)+1:], tag) {
		t.Fatalf("Split(%q): tag %q does not start after name %q", s, tag, name)
	}
}

// grammar is Docker's grammar for references as one expression, which the
// scanner is held against. A first segment that looks like a registry has to
// be one, which the expression leaves to its caller.
var grammar = func() *regexp.Regexp {
	const (
		label   = `(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`
		host    = `(?:` + label + `(?:\.` + label + `)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`
		segment = `[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`
		path    = segment + `(?:/` + segment + `)*`
		digest  = `sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}`
	)
	return regexp.MustCompile(`\A((?:(` + host + `)/)?(` + path + `))(?::(\w[\w.-]{0,127}))?(?:@(` + digest + `))?\z`)
}()

var hexID = regexp.MustCompile(`\A[0-9a-f]{64}\z`)

func matchGrammar(s string) (Ref, bool) {
	m := grammar.FindStringSubmatch(s)
	if m == nil || len(m[1]) > 255 || hexID.MatchString(s) {
		return Ref{}, false
	}
	first, rest, ok := strings.Cut(m[1], "/")
	isHost := ok && (strings.ContainsAny(first, ".:") || strings.EqualFold(first, "localhost"))
	if isHost && (m[2] != first || m[3] != rest) {
		return Ref{}, false // such as a_b.c/d, which fits as a path only
	}
	if !isHost && strings.ContainsAny(first, "[ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return Ref{}, false // such as ACME/web, which fits as a host only
	}
	return Ref{Name: m[1], Tag: m[4], Digest: m[5]}, true
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "nginx", "nginx:1.27", "acme/web", "ghcr.io/acme/web:1.4.2@" + sha256Digest, "x@" + sha512Digest,
		"localhost:5000/x:1", "[::1]:5000/x", "docker.io/a__b/c---d.e", "Docker.IO/nginx", "https://x/y", "a b", "a:",
		"a@", "a/", "/a", "a_b.c/d", "a..b/c", "a-.b/c", "ACME/web", imageID, imageID + ":1", "docker.io/a.b/c",
		"docker.io/localhost/c", "registry-1.docker.io/library/a/b", "[ab]/x", "größe", "a\xff", "a\u2028:b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkSplit(t, s)
		ref, err := Parse(s)
		want, ok := matchGrammar(s)
		if ok != (err == nil) || ref != want {
			t.Fatalf("Parse(%q) = %+v, %v, but the grammar says %+v, %t", s, ref, err, want, ok)
		}
		if err != nil {
			return
		}
		if ref.String() != s {
			t.Fatalf("Parse(%q).String() = %q", s, ref.String())
		}
		if ref.Tag != "" && !ValidTag(ref.Tag) || ref.Digest != "" && !ValidDigest(ref.Digest) {
			t.Fatalf("Parse(%q) = %+v with an invalid tag or digest", s, ref)
		}
		checkRepository(t, ref.Repository())
	})
}

func BenchmarkSplit(b *testing.B) {
	for _, bb := range []struct{ name, in string }{
		{"name", "nginx"},
		{"tag", "ghcr.io/acme/web:1.4.2"},
		{"digest", "ghcr.io/acme/web:1.4.2@" + sha256Digest},
		{"prose", "Serves the shop's front page, and nothing else"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Split(bb.in)
			}
		})
	}
}
