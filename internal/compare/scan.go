package main

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	repositoryPattern = `[a-z0-9][a-z0-9._-]*(?::[0-9]+)?(?:/[a-z0-9][a-z0-9._-]*)*`
	tagPattern        = `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
)

var (
	imageLine = regexp.MustCompile(`(?m)^[ \t-]*image:[ \t]*["']?(` + repositoryPattern + `):` + tagPattern + `["']?[ \t]*(?:#.*)?\r?$`)
	keyLine   = regexp.MustCompile(`^([ \t]*(?:-[ \t]+)?)([A-Za-z]+):(?:[ \t]+["']?([^"'# \t\r]*)["']?)?[ \t]*(?:#.*)?\r?$`)
	wholeRepo = regexp.MustCompile(`^` + repositoryPattern + `$`)
	wholeTag  = regexp.MustCompile(`^` + tagPattern + `$`)
)

// found is what scan sees in one file: the images named with a tag, and apart
// from them the names in a kustomization's images.
type found struct{ images, kustomized []string }

// scan looks for images in a YAML file by its lines: whole references, the
// repository and tag of Helm values, and the images of a kustomization. It
// misses some and takes no interest in digests; every tool is asked for the
// same ones, so the comparison stays fair.
func scan(name, text string) found {
	images := map[string]bool{}
	for _, m := range imageLine.FindAllStringSubmatch(text, -1) {
		images[m[1]] = true
	}
	for _, block := range blocks(text) {
		image := block["repository"]
		if image != "" && block["registry"] != "" {
			image = block["registry"] + "/" + image
		}
		if wholeRepo.MatchString(image) && wholeTag.MatchString(block["tag"]) && block["digest"] == "" {
			images[image] = true
		}
	}
	f := found{images: slices.Sorted(maps.Keys(images))}
	if isKustomization(name) {
		names := map[string]bool{}
		for _, block := range blocks(text) {
			if wholeRepo.MatchString(block["name"]) && wholeTag.MatchString(block["newTag"]) && block["digest"] == "" {
				names[block["name"]] = true
			}
		}
		f.kustomized = slices.Sorted(maps.Keys(names))
	}
	return f
}

// blocks returns the runs of neighbouring "key: value" lines that are indented
// alike; a dash begins a new run and counts as indentation.
func blocks(text string) []map[string]string {
	var all []map[string]string
	var open map[string]string
	indent := -1
	for line := range strings.SplitSeq(text, "\n") {
		m := keyLine.FindStringSubmatch(line)
		if m == nil {
			if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "#") {
				indent = -1
			}
			continue
		}
		if len(m[1]) != indent || strings.Contains(m[1], "-") {
			open, indent = map[string]string{}, len(m[1])
			all = append(all, open)
		}
		open[m[2]] = m[3]
	}
	return all
}

func isKustomization(name string) bool {
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

func isYAML(name string) bool {
	return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" || path.Base(name) == "Kustomization"
}
