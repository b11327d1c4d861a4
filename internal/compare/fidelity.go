package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// sentinel is the tag that every image is moved to: one that stands in no file.
const sentinel = "9.99.999-compare"

// tally is what a tool did to a folder. Spoilt are the files in which it
// changed bytes other than the tag, or which it made or removed; failed counts
// the runs that ended with an error.
type tally struct {
	tool         string
	runs, failed int
	changed      int
	spoilt       []string
}

// work is one tool's way to bump every image on a copy of a folder.
type work struct {
	tool string
	argv func(dir string) [][]string // the command lines
}

// subject is a folder whose images are to be moved; without images, all that
// are found in it.
type subject struct {
	name, dir string
	images    []string
}

// fidelity bumps a subject's images in copies of it and prints what each tool
// changed beside the tags. It is an error if towpath changed anything.
func fidelity(out io.Writer, s subject, o options) error {
	files, err := scanFolder(s.dir)
	if err != nil {
		return err
	}
	images := s.images
	if len(images) == 0 {
		images = files.images()
	}
	if len(images) == 0 {
		_, err := fmt.Fprintf(out, "bytes beside the tag: %s (no image with a tag found)\n", s.name)
		return err
	}
	var tallies []tally
	for _, w := range works(files, images, o.tools) {
		t, err := try(s.dir, w)
		if err != nil {
			return err
		}
		tallies = append(tallies, t)
	}
	fmt.Fprintf(out, "bytes beside the tag: %s (YAML files: %d, images moved: %d)\n", s.name, len(files), len(images))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\truns\tfailed\tfiles changed\tother bytes changed in\t")
	for _, t := range tallies {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", t.tool, t.runs, t.failed, t.changed, len(t.spoilt))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, t := range tallies {
		if o.list {
			for _, name := range t.spoilt {
				fmt.Fprintf(out, "%s: %s\n", t.tool, name)
			}
		}
		if t.tool == "towpath" && len(t.spoilt) > 0 {
			return fmt.Errorf("towpath changed bytes other than the tag in %s", strings.Join(t.spoilt, ", "))
		}
	}
	return nil
}

// folder holds what was found in each YAML file, by its path below the folder.
type folder map[string]found

func (f folder) images() []string {
	all := map[string]bool{}
	for _, file := range f {
		for _, image := range slices.Concat(file.images, file.kustomized) {
			all[image] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func scanFolder(dir string) (folder, error) {
	files := folder{}
	err := walk(dir, func(name string) error {
		if !isYAML(name) {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte(sentinel)) {
			return fmt.Errorf("%s in %s already holds %s", name, dir, sentinel)
		}
		files[name] = scan(name, string(text))
		return nil
	})
	return files, err
}

// works returns the work of each tool that is there.
func works(files folder, images []string, t tools) []work {
	var all []work
	names := slices.Sorted(maps.Keys(files))
	if t.towpath != "" {
		all = append(all, work{"towpath", func(dir string) (lines [][]string) {
			for _, image := range images {
				lines = append(lines, []string{t.towpath, "bump", image + ":" + sentinel, "--repo", dir, "--allow-downgrade"})
			}
			return lines
		}})
	}
	if t.yq != "" {
		all = append(all, work{"yq -i", func(dir string) (lines [][]string) {
			for _, name := range names {
				var parts []string
				for _, image := range both(images, slices.Concat(files[name].images, files[name].kustomized)) {
					parts = append(parts, yqExpression(image, sentinel))
				}
				if len(parts) > 0 {
					lines = append(lines, []string{t.yq, "-i", strings.Join(parts, " | "), filepath.Join(dir, filepath.FromSlash(name))})
				}
			}
			return lines
		}})
	}
	if t.kustomize != "" {
		all = append(all, work{"kustomize edit set image", func(dir string) (lines [][]string) {
			for _, name := range names {
				line := []string{
					"sh", "-c", `cd "$1" && shift && exec "$@"`, "sh",
					filepath.Join(dir, filepath.FromSlash(path.Dir(name))), t.kustomize, "edit", "set", "image",
				}
				kustomized := both(images, files[name].kustomized)
				for _, image := range kustomized {
					line = append(line, kustomizeArgument(image, sentinel))
				}
				if len(kustomized) > 0 {
					lines = append(lines, line)
				}
			}
			return lines
		}})
	}
	return all
}

// both returns the sorted elements that a and b share.
func both(a, b []string) []string {
	var shared []string
	for _, s := range slices.Compact(slices.Sorted(slices.Values(b))) {
		if slices.Contains(a, s) {
			shared = append(shared, s)
		}
	}
	return shared
}

// try does a tool's work on a copy of dir and compares the two.
func try(dir string, w work) (tally, error) {
	t := tally{tool: w.tool}
	temp, err := os.MkdirTemp("", "towpath-compare-")
	if err != nil {
		return t, err
	}
	defer os.RemoveAll(temp)
	if err := copyFolder(dir, temp); err != nil {
		return t, fmt.Errorf("copy %s: %w", dir, err)
	}
	for _, argv := range w.argv(temp) {
		t.runs++
		err := exec.Command(argv[0], argv[1:]...).Run()
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit):
			t.failed++
		case err != nil:
			return t, fmt.Errorf("run %s: %w", short(argv), err)
		}
	}
	return t, t.compare(dir, temp)
}

// compare counts how after differs from before.
func (t *tally) compare(before, after string) error {
	seen := map[string]bool{}
	err := walk(before, func(name string) error {
		seen[name] = true
		old, err := os.ReadFile(filepath.Join(before, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		now, err := os.ReadFile(filepath.Join(after, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && bytes.Equal(old, now) {
			return nil
		}
		t.changed++
		if err != nil || !onlyTags(old, now, sentinel) {
			t.spoilt = append(t.spoilt, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return walk(after, func(name string) error {
		if !seen[name] {
			t.changed++
			t.spoilt = append(t.spoilt, name)
		}
		return nil
	})
}

// walk calls visit with the slashed path below dir of every regular file
// outside .git.
func walk(dir string, visit func(name string) error) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(rel))
	})
}

func copyFolder(from, to string) error {
	return walk(from, func(name string) error {
		text, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		target := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}
