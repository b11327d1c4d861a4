package bump

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/edit"
)

// format is how a file is read.
type format uint8

const (
	formatText     format = iota // lines, in which only marker comments count
	formatTemplate               // lines that are YAML but for {{ … }}
	formatYAML
	formatJSON
	formatHCL
)

// formatOf tells a file's format from its name, and where that says nothing
// from its contents: a file is JSON if it is a mapping or a list, and YAML if
// one of its documents is and all of them can be read, so that the guess alone
// never makes a file unreadable. The documents are those that were read for it,
// by their span; nil for one that cannot be read so.
func formatOf(name string, src []byte) (format, []edit.Document) {
	if f, ok := formatByName(name); ok {
		return f, nil
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(src, []byte("\ufeff")))
	if len(text) == 0 {
		return formatText, nil
	}
	if text[0] == '{' || text[0] == '[' {
		if doc, err := formatJSON.parse(name, src, edit.Span{}); err == nil {
			return formatJSON, []edit.Document{doc}
		}
	}
	if docs, ok := readYAML(name, src); ok {
		return formatYAML, docs
	}
	if bytes.Contains(text, []byte("{{")) {
		return formatTemplate, nil
	}
	return formatText, nil
}

func formatByName(name string) (f format, ok bool) {
	if isHCL(name) {
		return formatHCL, true
	}
	ext := strings.ToLower(path.Ext(name))
	switch ext {
	case ".yaml", ".yml":
		return formatYAML, true
	case ".json":
		return formatJSON, true
	case ".gotmpl", ".tmpl", ".tpl", ".j2":
		if textNames[path.Ext(strings.TrimSuffix(strings.ToLower(name), ext))] {
			return formatText, true
		}
		return formatTemplate, true
	}
	if textNames[ext] {
		return formatText, true
	}
	return formatYAML, path.Base(name) == "Kustomization"
}

func isHCL(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".tf", ".tfvars", ".hcl", ".tofu":
		return true
	}
	return false
}

// readYAML reads what may be YAML, and reports whether it is.
func readYAML(name string, src []byte) (docs []edit.Document, ok bool) {
	structured := false
	for _, span := range formatYAML.spans(src) {
		doc, err := formatYAML.parse(name, src, span)
		switch {
		case err == nil:
			structured = structured || doc.Root() != nil && doc.Root().Kind != edit.Scalar
		case bytes.Contains(src[span.Start:span.End], []byte("{{")):
			doc = nil
		default:
			return nil, false
		}
		docs = append(docs, doc)
	}
	return docs, structured
}

// isState reports whether a file is Terraform's state: a record of what was
// applied, which Terraform alone writes.
func isState(name string) bool {
	name = path.Base(name)
	return strings.HasSuffix(name, ".tfstate") || strings.Contains(name, ".tfstate.")
}

var textNames = map[string]bool{
	".md": true, ".txt": true, ".sh": true, ".go": true, ".py": true, ".js": true, ".ts": true, ".rb": true, ".lock": true, ".toml": true,
	".ini": true, ".env": true, ".properties": true, ".html": true, ".xml": true, ".csv": true, ".mdx": true, ".adoc": true, ".rst": true,
}

// describe sets what follows from the document's own contents and, where they
// do not tell, from the file's name.
func (d *document) describe() {
	root := d.root()
	d.kind = d.kindOf(root)
	d.anyKey = d.kind == Terraform
}

// isSealed reports whether SOPS sealed the document: its MAC covers every
// value, unless it is told to cover encrypted ones only.
// https://getsops.io/docs/#message-authentication-code
func (d *document) isSealed() bool {
	root := d.root()
	if root == nil { // .env and .ini files keep the seal in variables
		return bytes.Contains(d.text, []byte("sops_mac=")) && !bytes.Contains(d.text, []byte("sops_mac_only_encrypted=true"))
	}
	sops := root.Get("sops")
	return sops.Get("mac") != nil && sops.Get("mac_only_encrypted").Text() != "true"
}

func (d *document) kindOf(root *edit.Node) Kind {
	switch {
	case d.format == formatHCL, strings.HasSuffix(d.path, ".tf.json"), strings.HasSuffix(d.path, ".tfvars.json"):
		return Terraform
	case d.format == formatTemplate || d.format == formatText:
		return Template
	case d.host != nil && d.host.kind == Terraform:
		return HelmValues
	case d.host != nil:
		return d.host.kind
	}
	version, kind, name := root.Get("apiVersion").Text(), root.Get("kind").Text(), path.Base(d.path)
	group, _, _ := strings.Cut(version, "/")
	switch {
	case group == "kustomize.config.k8s.io", isKustomizationName(name):
		return Kustomization
	case group == "argoproj.io" && (kind == "Application" || kind == "ApplicationSet"):
		return ArgoCD
	case strings.HasSuffix(group, ".toolkit.fluxcd.io"):
		return Flux
	case group == "skaffold":
		return Skaffold
	case version != "" && kind != "":
		return Kubernetes
	case name == "Chart.yaml":
		return Chart
	case strings.HasPrefix(d.path, ".github/") || name == "action.yml" || name == "action.yaml":
		return GitHubActions
	case strings.HasPrefix(d.path, ".circleci/"):
		return CircleCI
	case strings.Contains(name, ".gitlab-ci."):
		return GitLabCI
	case isSpinnaker(root):
		return Spinnaker
	case strings.HasPrefix(name, "helmfile") || strings.Contains(d.path, "helmfile.d/") || isHelmfile(root):
		return Helmfile
	case isCompose(name, root):
		return Compose
	}
	return HelmValues
}

func isKustomizationName(name string) bool {
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}

// first bounds how much of a list is looked at to tell what a file is, since
// aliases can make its items as large as the file.
func first(items []*edit.Node) []*edit.Node { return items[:min(len(items), 100)] }

func isHelmfile(root *edit.Node) bool {
	for _, r := range first(root.Get("releases").Items()) {
		if r.Get("chart") != nil {
			return true
		}
	}
	return false
}

func isCompose(name string, root *edit.Node) bool {
	services := root.Get("services")
	if strings.HasPrefix(name, "docker-compose") || strings.HasPrefix(name, "compose.") {
		return services != nil
	}
	if services == nil || services.Kind != edit.Mapping {
		return false
	}
	for _, service := range first(services.Content) {
		if service.Get("image") != nil && (service.Get("ports") != nil || service.Get("environment") != nil || service.Get("depends_on") != nil) {
			return true
		}
	}
	return false
}

// isSpinnaker knows a pipeline, and a list of artifacts, by their keys.
// https://spinnaker.io/docs/reference/artifacts/
func isSpinnaker(root *edit.Node) bool {
	if root.Get("stages") != nil && (root.Get("triggers") != nil || root.Get("expectedArtifacts") != nil || root.Get("application") != nil) {
		return true
	}
	if root.Get("expectedArtifacts") != nil || root.Get("defaultArtifact") != nil {
		return true
	}
	for _, artifact := range slices.Concat(first(root.Items()), first(root.Get("artifacts").Items())) {
		if strings.HasPrefix(artifact.Get("type").Text(), "docker/") {
			return true
		}
	}
	return strings.HasPrefix(root.Get("type").Text(), "docker/")
}
