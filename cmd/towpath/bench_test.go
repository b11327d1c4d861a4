package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	benchApps    = flag.Int("apps", 1000, "apps of the repo that benchmarks run on, each in five environments")
	benchCommits = flag.Int("commits", 5000, "commits of that repo, each of which moves one app in one environment")
)

// benchRepo makes a repo of Kustomize overlays with a history in which version
// after version travels from dev to prod.
func benchRepo(b *testing.B) string {
	b.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		b.Skip("git is not installed")
	}
	envs := []string{"dev", "qa", "staging", "prod-eu", "prod-us"}
	var config, in bytes.Buffer
	config.WriteString("version: 1\nenvironments:\n  - name: dev\n")
	for i, env := range envs[1:] {
		fmt.Fprintf(&config, "  - {name: %s, after: [%s]}\n", env, envs[i])
	}
	config.WriteString("apps:\n")
	file := func(path, text string) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text)
	}
	commit := func(n int, subject string) {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter Ada <ada@acme.example> %d +0000\ndata %d\n%s\n", 1700000000+60*n, len(subject), subject)
	}
	overlay := func(app int, env string, version int) {
		file(fmt.Sprintf("apps/app%04d/overlays/%s/kustomization.yaml", app, env), fmt.Sprintf(
			"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: %s\nresources:\n  - ../../base\nimages:\n  - name: ghcr.io/acme/app%04d\n    newTag: 1.%d.0\n", env, app, version))
	}
	commit(0, "Start")
	for app := range *benchApps {
		fmt.Fprintf(&config, "  - {name: app%04d, images: [ghcr.io/acme/app%04d], files: ['apps/{app}/overlays/{env}/**']}\n", app, app)
		base := fmt.Sprintf("apps/app%04d/base/", app)
		file(base+"kustomization.yaml", "resources: [deployment.yaml, service.yaml]\n")
		file(base+"service.yaml", fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: app%04d}\nspec:\n  ports:\n    - port: 80\n", app))
		file(base+"deployment.yaml", fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app%04d}\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          image: ghcr.io/acme/app%04d\n", app, app))
		for _, env := range envs {
			overlay(app, env, 0)
		}
	}
	file(".towpath.yaml", config.String())
	for n := 1; n < *benchCommits; n++ {
		app, step := n%*benchApps, n / *benchApps
		env := envs[step%len(envs)]
		commit(n, "Bump")
		overlay(app, env, 1+step/len(envs))
	}
	dir := filepath.Join(b.TempDir(), "config")
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q", "--initial-branch=main"}, {"fast-import", "--quiet"}, {"checkout", "-q", "-f", "main"}} {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		if args[0] == "fast-import" {
			cmd.Stdin = &in
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	return dir
}

// BenchmarkConfig runs the commands that read a whole repo, by default on 1,000
// apps in 5 environments with 5,000 commits.
func BenchmarkConfig(b *testing.B) {
	dir := benchRepo(b)
	for _, args := range [][]string{{"check"}, {"status"}, {"bump", "ghcr.io/acme/app0500:9.9.9", "--dry-run"}, {"init", "--dry-run"}} {
		b.Run(args[0], func(b *testing.B) {
			if args[0] == "init" {
				if err := os.Rename(filepath.Join(dir, ".towpath.yaml"), filepath.Join(dir, "other.yaml")); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				var errs strings.Builder
				status := run(b.Context(), append(args, "--repo", dir), console{out: io.Discard, err: &errs, env: func(string) string { return "" }})
				if status != exitOK {
					b.Fatalf("status %d: %s", status, errs.String())
				}
			}
		})
	}
}
