package bump

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

// exactVersion matches a version that names one release. Charts are often
// asked for by range ("^1.2", "1.x"), which is a policy and no version.
var exactVersion = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$`)
})

// chart adds the site of a chart or artifact that comes from an OCI registry,
// where it is a repository with tags like any image:
//
//	chart: oci://ghcr.io/acme/charts/web, version    Helmfile, Terraform
//	chart: acme/web, version                         Helmfile, by the name in repositories
//	repoURL: ghcr.io/acme/charts, chart, targetRevision    Argo CD
//	repoURL: oci://ghcr.io/acme/web, targetRevision        Argo CD 3.1
//	repo: oci://ghcr.io/acme/charts, name, version         helmCharts of Kustomize
//	name, repository: oci://ghcr.io/acme/charts, version   Chart.yaml, Terraform
//	url: oci://ghcr.io/acme/web, ref: {tag, digest}        Flux OCIRepository
func (s *selection) chart(n *edit.Node, entries []entry) {
	get := func(key string) string {
		for _, e := range entries {
			if e.key == key {
				return e.text()
			}
		}
		return ""
	}
	var repo image.Repository
	versionKey := "version"
	name := get("chart")
	switch {
	case strings.HasPrefix(name, "oci://"):
		repo, _ = join("", strings.TrimPrefix(name, "oci://"))
	case name != "" && get("repoURL") != "":
		repo, _ = join(strings.TrimPrefix(get("repoURL"), "oci://"), name)
		versionKey = "targetRevision"
	case strings.HasPrefix(get("repoURL"), "oci://"):
		repo, _ = join("", strings.TrimPrefix(get("repoURL"), "oci://"))
		versionKey = "targetRevision"
	case strings.HasPrefix(get("repo"), "oci://"):
		repo, _ = join(strings.TrimPrefix(get("repo"), "oci://"), get("name"))
	case strings.HasPrefix(get("repository"), "oci://"):
		if name == "" {
			name = get("name")
		}
		repo, _ = join(strings.TrimPrefix(get("repository"), "oci://"), name)
	case strings.Contains(name, "/"):
		alias, rest, _ := strings.Cut(name, "/")
		if url := s.doc.chartRepository(alias); url != "" {
			repo, _ = join(url, rest)
		} else if i := slices.IndexFunc(entries, func(e entry) bool { return e.key == "version" }); i >= 0 && entries[i].text() != "" {
			s.doc.mentionChart(entries[i].node, rest)
		}
	case strings.HasPrefix(get("url"), "oci://"):
		s.ociRepository(n, strings.TrimPrefix(get("url"), "oci://"))
		return
	}
	if repo == "" || strings.Contains(get("repoURL"), "://") && !strings.HasPrefix(get("repoURL"), "oci://") {
		return
	}
	for _, e := range entries {
		if e.key == versionKey && exactVersion().MatchString(e.text()) {
			s.add(&site{kind: Chart, image: repo, tag: whole(e.node), exact: true})
		}
	}
}

func (s *selection) ociRepository(n *edit.Node, url string) {
	repo, ok := join("", url)
	ref := n.Get("ref")
	if !ok || ref == nil {
		return
	}
	found := &site{kind: Chart, image: repo}
	if tag := ref.Get("tag"); tag != nil && tag.Kind == edit.Scalar && image.ValidTag(tag.Value) {
		found.tag = whole(tag)
	}
	if digest, ok := digestIn(ref.Get("digest")); ok && digest.text() != "" {
		found.digest = digest
	}
	if found.tag.node != nil || found.digest.node != nil {
		s.add(found)
	}
}

// chartRepository returns the OCI registry and path for which a name stands
// under repositories in a helmfile, "" if it stands for none.
func (d *document) chartRepository(name string) string {
	if d.charts == nil {
		d.charts = map[string]string{}
		for _, r := range first(d.root().Get("repositories").Items()) {
			if r.Get("oci").Text() == "true" {
				d.charts[r.Get("name").Text()] = strings.TrimPrefix(r.Get("url").Text(), "oci://")
			}
		}
	}
	return d.charts[name]
}
