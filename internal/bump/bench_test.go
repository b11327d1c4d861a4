package bump

import (
	"fmt"
	"strings"
	"testing"
)

const (
	benchKustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: web\nresources:\n- ../../base\n- ingress.yaml\nimages:\n- name: ghcr.io/acme/app-7\n  newTag: 1.4.1\n"
	benchValues        = "replicaCount: 2\nimage:\n  repository: ghcr.io/acme/app-7\n  tag: 1.4.1\n  pullPolicy: IfNotPresent\nservice:\n  type: ClusterIP\n  port: 80\ningress:\n  enabled: true\n  hosts:\n  - host: web.acme.dev\n    paths: [{path: /, pathType: Prefix}]\nresources:\n  limits: {cpu: 500m, memory: 256Mi}\n"
	benchDeployment    = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-7\n  labels: {app: app-7}\nspec:\n  replicas: 2\n  selector:\n    matchLabels: {app: app-7}\n  template:\n    metadata:\n      labels: {app: app-7}\n    spec:\n      containers:\n      - name: app-7\n        image: ghcr.io/acme/app-7:1.4.1\n        ports: [{containerPort: 8080}]\n"
)

func benchRequest(b *testing.B) Request {
	return Request{Moves: []Move{moveTo(b, "ghcr.io/acme/app-7:1.4.2")}}
}

func BenchmarkFile(b *testing.B) {
	for _, bb := range []struct{ name, path, in string }{
		{"kustomization", "kustomization.yaml", benchKustomization},
		{"values", "values.yaml", benchValues},
		{"deployment", "deployment.yaml", benchDeployment},
		{"5MB", "all.yaml", strings.Repeat(strings.ReplaceAll(benchDeployment, "app-7", "app-8")+"---\n", 10_000) + benchDeployment},
		{"5MB in one document", "all.yaml", "items:\n" + strings.Repeat("- {image: ghcr.io/acme/app-8:1.4.1, name: app-8}\n", 100_000) + "- image: ghcr.io/acme/app-7:1.4.1\n"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r, src := benchRequest(b), []byte(bb.in)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if f := r.file(bb.path, src, surroundings{}); f.After == nil {
					b.Fatal("nothing changed")
				}
			}
		})
	}
}

// benchTree has 10,000 files of 1,000 apps, of which 100 files name app-7.
func benchTree() memory {
	tree := memory{}
	for app := range 1000 {
		name := fmt.Sprintf("app-%d", app+1000)
		for i, in := range []string{benchKustomization, benchValues, benchDeployment, benchKustomization, benchValues, benchDeployment, benchKustomization, benchValues, benchDeployment, "# " + name + "\n"} {
			if i == 0 && app%10 == 0 {
				tree[fmt.Sprintf("apps/%s/%d/kustomization.yaml", name, i)] = in
				continue
			}
			tree[fmt.Sprintf("apps/%s/%d/file.yaml", name, i)] = strings.ReplaceAll(in, "app-7", name)
		}
	}
	return tree
}

func BenchmarkScan(b *testing.B) {
	tree, r := benchTree(), benchRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if plan, err := Scan(b.Context(), tree, r); err != nil || len(plan.Files) != 100 {
			b.Fatalf("%d files, error %v", len(plan.Files), err)
		}
	}
}

func BenchmarkPrefilter(b *testing.B) {
	src := []byte(strings.Repeat(strings.ReplaceAll(benchDeployment, "app-7", "app-70"), 100))
	ms := moves(benchRequest(b).Moves)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if ms.mentionedIn(src) {
			b.Fatal("found what is not there")
		}
	}
}
