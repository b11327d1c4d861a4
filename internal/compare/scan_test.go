package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		want             found
	}{
		{"nothing", "a.yaml", "a: 1\n", found{}},
		{
			"manifest", "a.yaml", "spec:\n  - image: ghcr.io/acme/web:1.2 # x\r\n  - name: b\n    image: \"nginx:1\"\n",
			found{images: []string{"ghcr.io/acme/web", "nginx"}},
		},
		{"port in the registry", "a.yaml", "image: localhost:5000/web:1\n", found{images: []string{"localhost:5000/web"}}},
		{
			"without a tag, with a digest, a template", "a.yaml",
			"image: nginx\nimage: nginx:1@sha256:00\nimage: \"{{ .Values.image }}:1\"\n",
			found{},
		},
		{
			"values", "values.yaml", "image:\n  repository: acme/web\n  # why\n  tag: \"1.2\"\n  pullPolicy: Always\n",
			found{images: []string{"acme/web"}},
		},
		{
			"values, tag first, with a registry", "values.yaml", "image:\n  tag: 1.2 # x\n  registry: quay.io\n  repository: acme/web\n",
			found{images: []string{"quay.io/acme/web"}},
		},
		{"values of two images", "values.yaml", "a:\n  repository: acme/a\n\nb:\n  tag: 1.2\n", found{}},
		{"values with a digest", "values.yaml", "repository: acme/web\ntag: 1.2\ndigest: sha256:00\n", found{}},
		{"list items", "values.yaml", "- repository: a\n  tag: 1\n- repository: b\n- tag: 2\n", found{images: []string{"a"}}},
		{
			"kustomization", "x/kustomization.yaml", "images:\n  - name: nginx\n    newTag: \"1.2\"\n  - name: web\n    digest: sha256:00\n    newTag: x\n  - name: api\n",
			found{kustomized: []string{"nginx"}},
		},
		{
			"kustomization, flush left", "kustomization.yml", "images:\n- name: a\n  newTag: 1\n- newTag: v2\n  name: b\n",
			found{kustomized: []string{"a", "b"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, scan(tt.file, tt.text), cmp.AllowUnexported(found{})); diff != "" {
				t.Errorf("scan (-want +got):\n%s", diff)
			}
		})
	}
}
