package main

import (
	"bufio"
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

// benchEnvs are the environments of that repo, in the order of promotion.
var benchEnvs = []string{"dev", "qa", "staging", "prod-eu", "prod-us"}

// benchRepo makes a repo of Kustomize overlays with a history in which version
// after version travels from dev to prod.
func benchRepo(b *testing.B) string {
	b.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		b.Skip("git is not installed")
	}
	dir := filepath.Join(b.TempDir(), "config")
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(out, 1<<20)
		benchHistory(w)
		out.CloseWithError(w.Flush())
	}()
	for _, args := range [][]string{{"init", "-q", "--initial-branch=main"}, {"fast-import", "--quiet"}, {"checkout", "-q", "-f", "main"}} {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		if args[0] == "fast-import" {
			cmd.Stdin = in
			// Else glibc hands the memory of each compression back to the system,
			// which can take ten times as long as all the rest.
			cmd.Env = append(os.Environ(), "MALLOC_TOP_PAD_=67108864")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	return dir
}

// benchHistory writes the history in the format of git fast-import.
func benchHistory(w io.Writer) {
	file := func(path, text string) {
		fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text)
	}
	commit := func(n int, subject string) {
		fmt.Fprintf(w, "commit refs/heads/main\ncommitter Ada <ada@acme.example> %d +0000\ndata %d\n%s\n", 1700000000+60*n, len(subject), subject)
	}
	overlay := func(app int, env string, version int) {
		file(fmt.Sprintf("apps/app%04d/overlays/%s/kustomization.yaml", app, env), fmt.Sprintf(
			"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: %s\nresources:\n  - ../../base\nimages:\n  - name: ghcr.io/acme/app%04d\n    newTag: 1.%d.0\n", env, app, version))
	}
	var config strings.Builder
	config.WriteString("version: 1\nenvironments:\n  - name: dev\n")
	for i, env := range benchEnvs[1:] {
		fmt.Fprintf(&config, "  - {name: %s, after: [%s]}\n", env, benchEnvs[i])
	}
	config.WriteString("apps:\n")
	commit(0, "Start")
	for app := range *benchApps {
		fmt.Fprintf(&config, "  - {name: app%04d, images: [ghcr.io/acme/app%04d], files: ['apps/{app}/overlays/{env}/**']}\n", app, app)
		base := fmt.Sprintf("apps/app%04d/base/", app)
		file(base+"kustomization.yaml", "resources: [deployment.yaml, service.yaml]\n")
		file(base+"service.yaml", fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: app%04d}\nspec:\n  ports:\n    - port: 80\n", app))
		file(base+"deployment.yaml", fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app%04d}\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          image: ghcr.io/acme/app%04d\n", app, app))
		for _, env := range benchEnvs {
			overlay(app, env, 0)
		}
	}
	file(".towpath.yaml", config.String())
	for n := 1; n < *benchCommits; n++ {
		app, step := n%*benchApps, n / *benchApps
		commit(n, "Bump")
		overlay(app, benchEnvs[step%len(benchEnvs)], 1+step/len(benchEnvs))
	}
}

// BenchmarkConfig runs the commands that read a whole repo, by default on 1,000
// apps in 5 environments with 5,000 commits.
func BenchmarkConfig(b *testing.B) {
	dir := benchRepo(b)
	for _, args := range [][]string{{"check"}, {"status"}, {"bump", "ghcr.io/acme/app0500:9.9.9", "--dry-run"}, {"init", "--dry-run"}} {
		b.Run(args[0], func(b *testing.B) {
			if args[0] == "init" {
				from, to := filepath.Join(dir, ".towpath.yaml"), filepath.Join(filepath.Dir(dir), "away.yaml")
				if err := os.Rename(from, to); err != nil {
					b.Fatal(err)
				}
				defer func() {
					if err := os.Rename(to, from); err != nil {
						b.Error(err)
					}
				}()
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
