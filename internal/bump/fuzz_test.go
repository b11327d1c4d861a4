package bump

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzBump bumps arbitrary bytes under names of every format. Whatever they
// are, nothing panics, the law holds, and a second run changes nothing.
func FuzzBump(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for i, file := range archive.Files {
			if len(file.Data) < 2000 {
				f.Add(file.Data, i)
			}
		}
	}
	// A chart cannot have every tag that an image can.
	f.Add([]byte("dependencies:\n- {name: web, repository: oci://ghcr.io/acme, version: 1.4.1}\n"), len(fuzzNames))
	for i := range fuzzNames {
		f.Add([]byte("\ufeffimage: {repository: nginx, tag: &a 1.20, digest: "+digest1+"}\r\nb: [*a, 'nginx:1']\r\n"), i)
		f.Add([]byte("# towpath: nginx:tag\n- !!str 12\nv: |2+\n    image: nginx:1\n\n"), i)
		f.Add([]byte(`{"image": "nginx:1@`+digest1+`", "values": "image:\n  repository: nginx\n  tag: 1\n"}`), i)
		f.Add([]byte("x = <<-EOT\n    image: nginx:1\n  EOT\nimage = \"ghcr.io/acme/web:1\" # towpath: nginx\n"), i)
	}
	// Values that several places read, keys written twice, and empty tags.
	for _, src := range []string{
		"base: &base {repository: nginx, tag: 1.4.1}\nprod: {<<: *base, digest: " + digest1 + "}\n",
		"v: &v 1.4.1\na: {image: {repository: nginx, tag: *v, digest: " + digest1 + "}}\nb: {image: {repository: nginx, tag: *v, digest: " + digest2 + "}}\n",
		"image: {repository: nginx, tag: 1.4.0, tag: 1.4.1, digest: " + digest1 + "}\n",
		"d: &d " + digest1 + "\na: {image: {repository: nginx, tag: 1.4.1, digest: *d}}\nb: {image: {repository: nginx, tag: 1.4.0, digest: *d}}\n",
		"e: &e ''\na: {image: {repository: nginx, tag: 1, digest: *e}}\nb: {image: {repository: nginx, tag: 1, sha: *e}}\n",
		"a: {image: &i 'nginx:1.4.1'}\nb: {image: *i, digest: " + digest1 + "}\n",
		"v: &v 1.4.1 # towpath: nginx:tag\na: {image: {repository: nginx, tag: *v, digest: " + digest1 + "}}\nb: {repository: nginx, tag: *v, digest: " + digest2 + "}\n",
		"empty: &e \"\"\none: {image: {repository: ghcr.io/acme/web, x: 1.4.1, digest: *e}}\ntwo: {image: {repository: ghcr.io/acme/web, tag: 1.4.1, sha: *e}}\n",
		"templates: {default: &default {version: 1.4.1}}\nreleases: [{name: nginx, chart: acme/nginx, <<: *default}]\n",
		"web: {image: nginx, imageTag: 1.4.1, tag: frontend}\nb: {repository: nginx, tag: 1.0, imageVersion: '2'}\n",
		"a: {repository: nginx, tag: '', digest: " + digest1 + "}\nb: {repository: nginx, tag: ~, digest: " + digest1 + "}\n",
		"images: [{name: nginx, newTag: '', digest: " + digest1 + "}]\n",
	} {
		for choice := range 3 {
			f.Add([]byte(src), choice*len(fuzzNames))
			f.Add([]byte(src), choice*len(fuzzNames)+0x100)
		}
	}
	requests := []Request{
		{Moves: []Move{moveTo(f, "nginx:1.20")}, AllowDowngrade: true},
		{Moves: []Move{moveTo(f, "ghcr.io/acme/web:1e3@"+digest2), moveTo(f, "nginx:2.0.0@"+digest2)}, AllowDowngrade: true},
		{Moves: []Move{moveTo(f, "ghcr.io/acme/web:1.4.2"), moveTo(f, "nginx@"+digest2)}},
	}
	f.Fuzz(func(t *testing.T, src []byte, choice int) {
		if len(src) > 4000 {
			t.Skip()
		}
		choice &= 0xffff
		path := fuzzNames[choice%len(fuzzNames)]
		request := requests[choice/len(fuzzNames)%len(requests)]
		if choice&0x100 != 0 {
			for _, keys := range []string{"image", "image.tag", "version", "[0].tag"} {
				request.Set = append(request.Set, Target{Path: path, Keys: parsePath(t, keys)})
			}
		}
		scanTwice(t, memory{path: string(src)}, request)
	})
}

var fuzzNames = []string{
	"a.yaml", "a.json", "a.tf", "a.gotmpl", "a", "a.env", "kustomization.yaml", ".gitlab-ci.yml", "docker-compose.yml", "a.tf.json", "Chart.yaml",
}
