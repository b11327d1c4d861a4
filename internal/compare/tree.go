package main

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// The image that the comparison bumps. In a tree made by tree it stands in one
// file of a hundred: a sidecar that every fiftieth app carries.
const (
	sidecar    = "ghcr.io/acme/proxy"
	sidecarTag = "1.4.1"
	nextTag    = "1.4.2"

	filesPerApp  = 10
	sidecarEvery = 50
)

// tree yields the paths and contents of a config repo with so many apps and so
// many files in all; the files beyond ten an app are ConfigMaps. The same
// numbers give the same bytes.
func tree(apps, files int) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for n := range apps {
			for path, text := range app(n) {
				if !yield(path, text) {
					return
				}
			}
		}
		for n := range files - apps*filesPerApp {
			if !yield(fmt.Sprintf("platform/settings/%05d.yaml", n), configMap(n)) {
				return
			}
		}
	}
}

// app yields the ten files of one app: a Kustomize base and three overlays,
// two files of Helm values, and an Argo CD Application.
func app(n int) iter.Seq2[string, string] {
	fill := strings.NewReplacer(
		"{app}", fmt.Sprintf("svc-%04d", n),
		"{team}", fmt.Sprintf("team-%02d", n%37),
		"{tag}", fmt.Sprintf("%d.%d.%d", 1+n%7, n%23, n%11),
		"{port}", fmt.Sprint(8000+n%1000),
		"{sidecar}\n", sidecarPart(n, sidecarContainer),
		"{sidecarImage}\n", sidecarPart(n, sidecarImage),
		"{sidecarValues}\n", sidecarPart(n, sidecarValues),
	)
	dir := fmt.Sprintf("apps/svc-%04d/", n)
	return func(yield func(string, string) bool) {
		for _, file := range []struct{ path, text string }{
			{"base/deployment.yaml", deployment},
			{"base/service.yaml", service},
			{"base/kustomization.yaml", base},
			{"overlays/dev/kustomization.yaml", strings.ReplaceAll(overlay, "{env}", "dev")},
			{"overlays/staging/kustomization.yaml", strings.ReplaceAll(overlay, "{env}", "staging")},
			{"overlays/prod/kustomization.yaml", strings.ReplaceAll(overlay, "{env}", "prod")},
			{"overlays/prod/replicas.yaml", replicas},
			{"helm/values.yaml", values},
			{"helm/values-prod.yaml", valuesProd},
			{"application.yaml", application},
		} {
			if !yield(dir+file.path, fill.Replace(file.text)) {
				return
			}
		}
	}
}

func sidecarPart(n int, part string) string {
	if n%sidecarEvery != sidecarEvery/2 {
		return ""
	}
	return strings.NewReplacer("{image}", sidecar, "{imageTag}", sidecarTag).Replace(part)
}

func configMap(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-%05d\ndata:\n", n)
	for i := range 30 {
		fmt.Fprintf(&b, "  KEY_%02d: \"value %d of %d\" # set by hand\n", i, i*n%101, n)
	}
	return b.String()
}

// bigList returns one YAML document of at least so many bytes: a List of
// Deployments, the sidecar in one of fifty.
func bigList(size int) string {
	var b strings.Builder
	b.Grow(size + 1<<12)
	b.WriteString("apiVersion: v1\nkind: List\nitems:\n")
	for n := 0; b.Len() < size; n++ {
		for i, line := range strings.SplitAfter(strings.TrimPrefix(deploymentOf(n), "---\n"), "\n") {
			switch {
			case line == "":
			case i == 0:
				b.WriteString("  - " + line)
			default:
				b.WriteString("    " + line)
			}
		}
	}
	return b.String()
}

// bigStream returns at least so many bytes of YAML documents, a Deployment
// each, the sidecar in one of fifty.
func bigStream(size int) string {
	var b strings.Builder
	b.Grow(size + 1<<12)
	for n := 0; b.Len() < size; n++ {
		b.WriteString(deploymentOf(n))
	}
	return b.String()
}

func deploymentOf(n int) string {
	for path, text := range app(n) {
		if strings.HasSuffix(path, "/deployment.yaml") {
			return text
		}
	}
	return ""
}

// writeFiles writes files below dir.
func writeFiles(dir string, files iter.Seq2[string, string]) error {
	made := map[string]bool{}
	for path, text := range files {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if parent := filepath.Dir(name); !made[parent] {
			if err := os.MkdirAll(parent, 0o755); err != nil {
				return err
			}
			made[parent] = true
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const deployment = `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
  labels:
    app.kubernetes.io/name: {app}
    app.kubernetes.io/part-of: {team}
spec:
  replicas: 2 # prod has its own
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: {app}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {app}
        app.kubernetes.io/part-of: {team}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "{port}"
    spec:
      serviceAccountName: {app}
      securityContext: {runAsNonRoot: true, fsGroup: 65532}
      containers:
        - name: app
          image: ghcr.io/acme/{app}:{tag}
          args:
            - --listen=:{port}
            - --log-level=info
          ports:
            - name: http
              containerPort: {port}
          env:
            - name: TEAM
              value: "{team}"
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            periodSeconds: 5
          resources:
            requests:
              cpu: 50m
              memory: 64Mi
            limits:
              memory: 256Mi
{sidecar}
      volumes:
        - name: tmp
          emptyDir: {}
`

const sidecarContainer = `        - name: proxy
          image: {image}:{imageTag}   # the mesh
          ports:
            - containerPort: 15001
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: {app}
spec:
  selector:
    app.kubernetes.io/name: {app}
  ports:
    - name: http
      port: 80
      targetPort: http
`

const base = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
`

const overlay = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {team}-{env}

resources:
  - ../../base

images:
  # moved by the pipeline of {app}
  - name: ghcr.io/acme/{app}
    newTag: "{tag}"
{sidecarImage}
configMapGenerator:
  - name: {app}-settings
    literals:
      - ENVIRONMENT={env}
      - REGION=eu-west-1
`

const sidecarImage = `  - name: {image}
    newTag: "{imageTag}"
`

const replicas = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
spec:
  replicas: 6
`

const values = `# Values of {app}, owned by {team}.
replicaCount: 2

image:
  repository: ghcr.io/acme/{app}
  tag: "{tag}"
  pullPolicy: IfNotPresent
{sidecarValues}
service:
  type: ClusterIP
  port: 80

ingress:
  enabled: true
  hosts:
    - host: {app}.example.com
      paths: [/]

resources:
  requests:
    cpu: 50m
    memory: 64Mi

tolerations: []
`

const sidecarValues = `
proxy:
  image:
    repository: {image}
    tag: {imageTag}
`

const valuesProd = `replicaCount: 6

ingress:
  hosts:
    - host: {app}.prod.example.com
      paths: [/]
`

const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {app}-prod
  namespace: argocd
spec:
  project: {team}
  source:
    repoURL: https://github.com/acme/config.git
    targetRevision: main
    path: apps/{app}/overlays/prod
  destination:
    server: https://kubernetes.default.svc
    namespace: {team}-prod
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
`
