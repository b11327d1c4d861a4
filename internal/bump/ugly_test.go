package bump

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/edit"
)

const (
	digest1 = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	digest2 = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// TestUglyFiles holds what an archive cannot: line breaks, byte order marks and
// ends of files that matter. The new tag is 1.10, which a plain scalar has to
// quote.
func TestUglyFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		path     string // "values.yaml" if empty
		in, want string // no change if want is empty
		report   string
	}{
		{
			name:   "CRLF",
			in:     "image:\r\n  repository: acme.io/web\r\n  tag: 1.9 # old\r\n",
			want:   "image:\r\n  repository: acme.io/web\r\n  tag: \"1.10\" # old\r\n",
			report: "values.yaml:3:8 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "CRLF in a nested document",
			in:     "values: |\r\n  image: acme.io/web:1.9\r\n  x: y\r\n",
			want:   "values: |\r\n  image: acme.io/web:1.10\r\n  x: y\r\n",
			report: "values.yaml:2:22 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "CRLF and a marker",
			in:     "a: 1.9 # towpath: acme.io/web:tag\r\n# towpath: acme.io/web:tag\r\nb: 1.9\r\n",
			want:   "a: \"1.10\" # towpath: acme.io/web:tag\r\n# towpath: acme.io/web:tag\r\nb: \"1.10\"\r\n",
			report: "values.yaml:1:4 marker acme.io/web 1.9 -> 1.10\nvalues.yaml:3:4 marker acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "CRLF in a template",
			in:     "{{ if x }}\r\nimage: acme.io/web:1.9\r\n{{ end }}\r\n",
			want:   "{{ if x }}\r\nimage: acme.io/web:1.10\r\n{{ end }}\r\n",
			report: "values.yaml:2:20 template acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "CRLF in HCL",
			path:   "main.tf",
			in:     "locals {\r\n  web = \"acme.io/web:1.9\"\r\n}\r\n",
			want:   "locals {\r\n  web = \"acme.io/web:1.10\"\r\n}\r\n",
			report: "main.tf:2:22 terraform acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "byte order mark",
			in:     "\ufeffimage: acme.io/web:1.9\n",
			want:   "\ufeffimage: acme.io/web:1.10\n",
			report: "values.yaml:1:20 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "byte order mark in JSON",
			path:   "values.json",
			in:     "\ufeff{\"image\": \"acme.io/web:1.9\"}",
			want:   "\ufeff{\"image\": \"acme.io/web:1.10\"}",
			report: "values.json:1:24 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "no final newline",
			in:     "image:\n  repository: acme.io/web\n  tag: 1.9",
			want:   "image:\n  repository: acme.io/web\n  tag: \"1.10\"",
			report: "values.yaml:3:8 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "no final newline behind a marker",
			path:   ".env",
			in:     "# towpath: acme.io/web:tag\nTAG=1.9",
			want:   "# towpath: acme.io/web:tag\nTAG=1.10",
			report: ".env:2:5 marker acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "tabs behind the colon and before the comment",
			in:     "image:\tacme.io/web:1.9\t# a\tb\n",
			want:   "image:\tacme.io/web:1.10\t# a\tb\n",
			report: "values.yaml:1:20 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "non-ASCII before the value",
			in:     "web: {título: \"日本語 🚀\", image: \"acme.io/web:1.9\", x: é} # ü\n",
			want:   "web: {título: \"日本語 🚀\", image: \"acme.io/web:1.10\", x: é} # ü\n",
			report: "values.yaml:1:44 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "block scalars",
			in:     "- image: |-\n    acme.io/web:1.9\n- image: >\n    acme.io/web:1.9\n- image:\n    acme.io/web:1.9\n- image: |2-\n      acme.io/web:1.9\n",
			want:   "- image: |-\n    acme.io/web:1.10\n- image: >\n    acme.io/web:1.9\n- image:\n    acme.io/web:1.10\n- image: |2-\n      acme.io/web:1.9\n",
			report: "values.yaml:2:17 helm-values acme.io/web 1.9 -> 1.10\nvalues.yaml:4:5 left \"acme.io/web:1.9\": it stands where towpath does not expect an image\nvalues.yaml:6:17 helm-values acme.io/web 1.9 -> 1.10\nvalues.yaml:8:7 left \"acme.io/web:1.9\": it stands where towpath does not expect an image\n",
		}, {
			name:   "explicit keys, tags and anchors",
			in:     "? image\n: !!str &a acme.io/web:1.9\n? web\n: {? repository : acme.io/web, ? tag : &t !!str 1.9}\n",
			want:   "? image\n: !!str &a acme.io/web:1.10\n? web\n: {? repository : acme.io/web, ? tag : &t !!str \"1.10\"}\n",
			report: "values.yaml:2:24 helm-values acme.io/web 1.9 -> 1.10\nvalues.yaml:4:49 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "escapes",
			in:     "image: \"acme.io\\x2fweb:1.9\"\nother: {image: \"acme.io/web:1\\u002e9\"}\n",
			want:   "image: \"acme.io\\x2fweb:1.10\"\nother: {image: \"acme.io/web:1\\u002e9\"}\n",
			report: "values.yaml:1:24 helm-values acme.io/web 1.9 -> 1.10\nvalues.yaml:2:29 refused: the bytes of the value cannot be told: \"1.9\" is not written as one piece\n",
		}, {
			name:   "escapes in JSON",
			path:   "a.json",
			in:     `[{"image": "acme.io\/web:1.9"}]`,
			want:   `[{"image": "acme.io\/web:1.10"}]`,
			report: "a.json:1:26 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "quoted over several lines",
			in:     "image: {repository: acme.io/web, tag: \"\n  1.9\"}\n",
			report: "values.yaml:1:39 left \" 1.9\": its tag is no valid tag\n",
		}, {
			name:   "directives and document ends",
			in:     "%YAML 1.2\n---\nimage: acme.io/web:1.9\n...\n# between\n---\nimage: acme.io/web:1.8\n...\n",
			want:   "%YAML 1.2\n---\nimage: acme.io/web:1.10\n...\n# between\n---\nimage: acme.io/web:1.10\n...\n",
			report: "values.yaml:3:20 helm-values acme.io/web 1.9 -> 1.10\nvalues.yaml:7:20 helm-values acme.io/web 1.8 -> 1.10\n",
		}, {
			name:   "lone carriage returns",
			in:     "image: acme.io/web:1.9\rother: x\r",
			want:   "image: acme.io/web:1.10\rother: x\r",
			report: "values.yaml:1:20 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "an alias to itself",
			in:     "a: &a {image: acme.io/web:1.9, <<: *a, self: *a}\n",
			want:   "a: &a {image: acme.io/web:1.10, <<: *a, self: *a}\n",
			report: "values.yaml:1:27 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "a reference over an anchor that is used again",
			in:     "a: {image: &i \"acme.io/web:1.9\"}\nb: {image: *i}\nc: [*i]\n",
			want:   "a: {image: &i \"acme.io/web:1.10\"}\nb: {image: *i}\nc: [*i]\n",
			report: "values.yaml:1:28 helm-values acme.io/web 1.9 -> 1.10\n",
		}, {
			name:   "invalid UTF-8",
			in:     "x: \"\xff\"\nimage: acme.io/web:1.9\n",
			report: "values.yaml:1:1 refused: names the image, but cannot be read as YAML: invalid leading UTF-8 octet\n",
		}, {
			name: "empty", in: "",
		}, {
			name: "only the name", in: "web",
		},
	}
	request := Request{Moves: []Move{moveTo(t, "acme.io/web:1.10")}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.path == "" {
				tt.path = "values.yaml"
			}
			plan := scanTwice(t, memory{tt.path: tt.in}, request)
			got := ""
			if len(plan.Files) == 1 {
				got = string(plan.Files[0].After)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("contents (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.report, report(plan)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	plan := scanned(t, memory{
		"changed.yaml": "image: acme.io/web:1\n",
		"current.yaml": "image: acme.io/api:2\n",
		"refused.yaml": "image: acme.io/job:1@" + digest1 + "\n",
		"broken.yaml":  "image: acme.io/cron:1\n x: [\n",
		"other.yaml":   "image: quay.io/acme/gone:1\n",
	}, Request{Moves: []Move{
		moveTo(t, "acme.io/web:2"), moveTo(t, "acme.io/api:2"), moveTo(t, "acme.io/job:2"),
		moveTo(t, "acme.io/cron:2"), moveTo(t, "acme.io/gone:2"),
	}})
	got := map[string]bool{}
	for _, name := range []string{"web", "api", "job", "cron", "gone"} {
		got[name] = plan.Found(moveTo(t, "acme.io/"+name+":2").Image)
	}
	want := map[string]bool{"web": true, "api": true, "job": true, "cron": true, "gone": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Found (-want +got):\n%s", diff)
	}
	if !plan.Changed() {
		t.Error("Changed() = false, want true")
	}
}

// TestSharedTag: two images may share a tag through an anchor if both go to
// the same version.
func TestSharedTag(t *testing.T) {
	t.Parallel()
	in := "v: &v 1.9\na: {repository: acme.io/web, tag: *v}\nb: {repository: acme.io/job, tag: *v}\n"
	together := scanTwice(t, memory{"values.yaml": in}, Request{Moves: []Move{moveTo(t, "acme.io/web:2.0"), moveTo(t, "acme.io/job:2.0")}})
	if want := "values.yaml:1:7 helm-values acme.io/web 1.9 -> 2.0\n"; report(together) != want {
		t.Errorf("one version: %s, want %s", report(together), want)
	}
	apart := scanTwice(t, memory{"values.yaml": in}, Request{Moves: []Move{moveTo(t, "acme.io/web:2.0"), moveTo(t, "acme.io/job:2.1")}})
	if want := "values.yaml:1:7 refused: acme.io/web cannot be bumped here: acme.io/job takes its version from the same place\n"; report(apart) != want {
		t.Errorf("two versions: %s, want %s", report(apart), want)
	}
}

// TestManyMatches runs over files in which work that is not linear in their
// size would not end in the time that tests have.
func TestManyMatches(t *testing.T) {
	t.Parallel()
	const n = 20_000
	var large strings.Builder
	for i := range n {
		fmt.Fprintf(&large, "k%d: x, ", i)
	}
	tests := []struct {
		name, path, in string
		changes        int
	}{
		{"5 MB of documents", "a.yaml", strings.Repeat("kind: Pod\nspec: {image: acme.io/api:1.9}\n---\n", 100_000) + "image: acme.io/web:1.9\n", 1},
		{"5 MB in one document", "a.yaml", strings.Repeat("- {image: acme.io/api:1.9, kind: Pod, name: acme-io-api}\n", 90_000) + "- image: acme.io/web:1.9\n", 1},
		{"lines", "a.yaml", strings.Repeat("- image: acme.io/web:1.9\n", n), n},
		{"one line", "a.json", `[` + strings.Repeat(`{"image": "acme.io/web:1.9"},`, n) + `0]`, n},
		{"flow on one line", "a.yaml", `[` + strings.Repeat(`{image: acme.io/web:1.9},`, n) + `0]`, n},
		{"nested", "a.yaml", "values: |\n" + strings.Repeat("  - image: acme.io/web:1.9\n", n), n},
		{"nested in a quoted string", "a.yaml", `values: "` + strings.Repeat(`- image: acme.io/web:1.9\n`, n) + `"`, n},
		{"markers", "a.yaml", strings.Repeat("- 1.9 # towpath: acme.io/web:tag\n", n), n},
		{"flux markers", "a.yaml", strings.Repeat("- acme.io/web:1.9 # {\"$imagepolicy\": \"a:b\"}\n", n), n},
		{"template", "a.gotmpl", strings.Repeat("image: acme.io/web:1.9\n", n), n},
		{"attributes", "a.tfvars", "x = [\n" + strings.Repeat("\"acme.io/web:1.9\",\n", n) + "]\n", n},
		{"mentions", "a.txt", strings.Repeat("acme.io/web:1.9 ", n), 0},
		{"one word", "a.txt", strings.Repeat("acme.io/web:1.9/", n), 0},
		{"broken", "a.yaml", "a: [\n" + strings.Repeat("acme.io/web ", n), 0},
		{"chain of merges", "a.yaml", chain(500), 1},
		{"long chain of merges", "a.yaml", chain(n), 0},
		{"bomb of merges", "a.yaml", bomb(40), 0},
		{"bomb of aliases", "a.yaml", "image: acme.io/web:1.9\n" + strings.ReplaceAll(bomb(40), "<<: ", "list: "), 2},
		{"aliases of a large mapping", "a.yaml", "image: acme.io/web:1.9\nbig: &b {" + large.String() + "}\nlist: [" + strings.Repeat("*b, ", n) + "]\n", 1},
		{"merges of a large mapping", "a.yaml", "image: acme.io/web:1.9\nbig: &b {" + large.String() + "}\nlist: [" + strings.Repeat("{<<: *b}, ", n) + "]\n", 0},
		{"deep flow", "a.yaml", "image: acme.io/web:1.9\nx: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n", 1},
		{"too deep", "a.yaml", "image: acme.io/web:1.9\nx: " + strings.Repeat("[", 1_000_000) + "\n", 0},
		{"too deep in JSON", "a.json", `{"image": "acme.io/web:1.9", "x": ` + strings.Repeat("[", 1_000_000) + "}", 0},
		{"too deep in HCL", "a.tf", `image = "acme.io/web:1.9"` + "\nx = " + strings.Repeat("[", 1_000_000) + "\n", 0},
		{"strings in strings", "a.yaml", nest(200), 0},
		{"stems", "a.yaml", "image: acme.io/web:1.9\n" + stems(60_000), 1},
		{"tags and names in a list", "a.yaml", strings.Repeat("- {name: tag, value: x1}\n", n) + strings.Repeat("- {name: image, value: acme.io/web}\n", n), n},
		{"names and tags without a digit", "a.yaml", strings.Repeat("- {name: tag, value: x}\n- {name: name, value: web}\n", n), 0},
		{"many names and registries", "a.yaml", "- {name: tag, value: x1}\n" + manyNames(n), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := scanned(t, memory{tt.path: tt.in}, Request{Moves: []Move{moveTo(t, "acme.io/web:1.10")}})
			changes := 0
			for _, f := range plan.Files {
				changes += len(f.Changes)
				if f.After != nil && len(f.After) < len(tt.in) {
					t.Errorf("%d bytes became %d", len(tt.in), len(f.After))
				}
			}
			if changes != tt.changes {
				t.Errorf("%d changes, want %d; first: %.300s", changes, tt.changes, report(plan))
			}
		})
	}
}

// bomb has mappings each of which merges the one before ten times.
func bomb(levels int) string {
	var b strings.Builder
	b.WriteString("m0: &m0 {image: acme.io/web:1.9}\n")
	for i := range levels {
		fmt.Fprintf(&b, "m%d: &m%d {<<: [%s]}\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*m%d, ", i), 10), ", "))
	}
	return b.String()
}

// chain has mappings each of which merges the one before.
func chain(levels int) string {
	var b strings.Builder
	b.WriteString("m0: &m0 {image: acme.io/web:1.9}\n")
	for i := range levels {
		fmt.Fprintf(&b, "m%d: &m%d {<<: *m%d, k%d: x}\n", i+1, i+1, i, i)
	}
	return b.String()
}

// stems has keys each of which is a group of its own.
func stems(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "k%dtag: x\n", i)
	}
	return b.String()
}

// manyNames has a list that names many images, registries and kinds.
func manyNames(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "- {name: image, value: web%d}\n- {name: registry, value: r%d.io}\n- {name: name, value: web}\n- {name: type, value: x}\n", i, i)
	}
	return b.String()
}

// nest writes documents within strings of documents.
func nest(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "values: |\n")
	}
	b.WriteString(strings.Repeat(" ", levels) + "image: acme.io/web:1.9\n")
	return b.String()
}

func TestPositions(t *testing.T) {
	t.Parallel()
	src := []byte("\ufeffa: é\r\n" + strings.Repeat("日本語 x\n", 3000) + strings.Repeat("ü", 9000) + "\n\nend")
	p := positions{src: src}
	for offset := len(src); offset >= 0; offset -= 7 {
		if got, want := p.at(offset), edit.PositionAt(src, offset); offset == 0 && got != want || offset > 2 && isStart(src, offset) && got != want {
			t.Fatalf("at(%d) = %v, want %v", offset, got, want)
		}
	}
}

func isStart(src []byte, offset int) bool { return offset == len(src) || src[offset]&0xc0 != 0x80 }

// Entries are added with the file's own line ends, and to a file that does not
// end in one.
func TestAddUgly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, after string }{
		"crlf":             {"images:\r\n- name: a\r\n  newTag: b\r\n", "images:\r\n- name: a\r\n  newTag: b\r\n- name: nginx\r\n  newTag: \"1.28\"\r\n"},
		"no final newline": {"images:\n- name: a\n  newTag: b", "images:\n- name: a\n  newTag: b\n- name: nginx\n  newTag: \"1.28\""},
		"nothing there":    {"resources:\n- a", "resources:\n- a\nimages:\n- name: nginx\n  newTag: \"1.28\""},
		"block scalar":     {"images:\n- name: a\n  newTag: |-\n    b\n\n# c\n", "images:\n- name: a\n  newTag: |-\n    b\n- name: nginx\n  newTag: \"1.28\"\n\n# c\n"},
		"byte order mark":  {"\ufeffimages:\n- name: a\n  newTag: b\n", "\ufeffimages:\n- name: a\n  newTag: b\n- name: nginx\n  newTag: \"1.28\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Request{Moves: []Move{moveTo(t, "nginx:1.28")}, Add: []string{"kustomization.yaml"}}
			f := r.file("kustomization.yaml", []byte(test.before), surroundings{})
			if got := string(f.After); got != test.after {
				t.Errorf("got %q, want %q; %v", got, test.after, f.Refused)
			}
		})
	}
}
