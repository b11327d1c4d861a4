package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// contender is one way to do a round's work.
type contender struct {
	name string
	argv []string
}

// round is a set of contenders that do the same work on the same files.
type round struct {
	title      string
	aim        string // what towpath should reach, for the reader to judge
	dir        string
	contenders []contender
	// reset brings the files back to how they were, and says how many had
	// been changed.
	reset func() (changed int, err error)
}

// result is what a contender's runs came to.
type result struct {
	name    string
	wall    spread[time.Duration]
	cpu     spread[time.Duration]
	peak    spread[int64]
	changed int
}

// play runs every contender once unmeasured, so that all of them find the
// files in the page cache, then runs times in turn, so that a slow minute of
// the machine hits them alike.
func (r round) play(runs int) ([]result, error) {
	samples := make([][]sample, len(r.contenders))
	changed := make([]int, len(r.contenders))
	for i := range runs + 1 {
		for n, c := range r.contenders {
			s, err := run(r.dir, c.argv)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", r.title, c.name, err)
			}
			if changed[n], err = r.reset(); err != nil {
				return nil, fmt.Errorf("%s: reset after %s: %w", r.title, c.name, err)
			}
			if i > 0 {
				samples[n] = append(samples[n], s)
			}
		}
	}
	results := make([]result, len(r.contenders))
	for n, c := range r.contenders {
		var walls, cpus []time.Duration
		var peaks []int64
		for _, s := range samples[n] {
			walls, cpus, peaks = append(walls, s.Wall), append(cpus, s.CPU), append(peaks, s.Peak)
		}
		results[n] = result{c.name, spreadOf(walls), spreadOf(cpus), spreadOf(peaks), changed[n]}
	}
	return results, nil
}

// show prints the round's results as a table; the last column relates each
// median wall time to that of the first result.
func (r round) show(out io.Writer, results []result) error {
	fmt.Fprintf(out, "\n%s (aim: %s)\n", r.title, r.aim)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\twall min\tmedian\tmax\tCPU median\tpeak MB\tfiles changed\t× %s\t\n", results[0].name)
	for _, c := range results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%.2f\t\n", c.name,
			millis(c.wall.min), millis(c.wall.median), millis(c.wall.max), millis(c.cpu.median),
			megabytes(c.peak.max), c.changed, ratio(c.wall.median, results[0].wall.median))
	}
	return w.Flush()
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func megabytes(n int64) string {
	if n == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f", float64(n)/1e6)
}

// speed makes the rounds, plays them and prints their tables.
func speed(out io.Writer, o options) error {
	temp, err := os.MkdirTemp("", "towpath-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)

	repo := filepath.Join(temp, "tree")
	onTree, err := treeRound(repo, o)
	if err != nil {
		return fmt.Errorf("make the config repo: %w", err)
	}
	stream, err := fileRound(filepath.Join(temp, "stream"), bigStream(o.size), o)
	if err != nil {
		return fmt.Errorf("make the large file: %w", err)
	}
	stream.title = fmt.Sprintf("one file of %.1f MB, many documents", float64(o.size)/1e6)
	list, err := fileRound(filepath.Join(temp, "list"), bigList(o.size), o)
	if err != nil {
		return fmt.Errorf("make the large file: %w", err)
	}
	list.title = fmt.Sprintf("one file of %.1f MB, one document", float64(o.size)/1e6)

	rounds := []round{onTree, stream, list}
	if o.towpath != "" {
		rounds = append(rounds, round{
			title: "the start of the program", aim: "under 15 ms of CPU", dir: temp,
			contenders: []contender{{"towpath version", []string{o.towpath, "version"}}},
			reset:      func() (int, error) { return 0, nil },
		})
	}
	for _, r := range rounds {
		results, err := r.play(o.runs)
		if err != nil {
			return err
		}
		if err := r.show(out, results); err != nil {
			return err
		}
	}
	fmt.Fprintln(out)
	return fidelity(out, subject{name: "the generated config repo", dir: repo, images: []string{sidecar}}, o)
}

// treeRound makes the config repo and the contenders on it.
func treeRound(dir string, o options) (round, error) {
	if err := writeFiles(dir, tree(o.apps, o.files)); err != nil {
		return round{}, err
	}
	if err := commitAll(dir); err != nil {
		return round{}, err
	}
	r := round{
		title:      fmt.Sprintf("a config repo of %d files and %d apps", o.files, o.apps),
		aim:        "grep at 0.50 or more, yq at 20 or more, peak under 100 MB",
		dir:        dir,
		contenders: onAnyFiles(dir, yqExpression(sidecar, nextTag), o.tools),
		reset:      func() (int, error) { return gitReset(dir) },
	}
	if o.kustomize != "" {
		// Which overlays hold the image is given for nothing: the user of
		// kustomize has to know it.
		overlays, err := overlaysOf(sidecar, o)
		if err != nil {
			return round{}, err
		}
		script := `k=$1 arg=$2; shift 2; for d; do (cd "$d" && "$k" edit set image "$arg") || exit 1; done`
		argv := []string{"sh", "-c", script, "sh", o.kustomize, kustomizeArgument(sidecar, nextTag)}
		r.contenders = append(r.contenders, contender{"kustomize edit set image, each overlay", append(argv, overlays...)})
	}
	return r, nil
}

// fileRound makes a directory of one large file and the contenders on it.
func fileRound(dir, text string, o options) (round, error) {
	name := filepath.Join(dir, "all.yaml")
	write := func() error { return os.WriteFile(name, []byte(text), 0o644) }
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return round{}, err
	}
	if err := write(); err != nil {
		return round{}, err
	}
	return round{
		aim:        "peak under 200 MB",
		dir:        dir,
		contenders: onAnyFiles(dir, yqManifests(sidecar, nextTag), o.tools),
		reset: func() (int, error) {
			now, err := os.ReadFile(name)
			if err != nil || string(now) == text {
				return 0, err
			}
			return 1, write()
		},
	}, nil
}

// onAnyFiles returns the contenders that need to know nothing about the files
// but the expression for yq; towpath is the first if it is there.
func onAnyFiles(dir, expression string, t tools) []contender {
	var c []contender
	if t.towpath != "" {
		c = append(c, contender{"towpath bump", []string{t.towpath, "bump", sidecar + ":" + nextTag, "--repo", dir}})
	}
	const search = `grep -rlF --exclude-dir=.git -- "$1" "$2"`
	c = append(c, contender{"grep -rlF", []string{"sh", "-c", search, "sh", sidecar, dir}})
	if t.yq != "" {
		// One file at a time: yq -i writes only the first of its files.
		const script = search + ` | xargs -n 1 "$3" -i "$4"`
		c = append(c, contender{"grep -rlF | xargs yq -i", []string{"sh", "-c", script, "sh", sidecar, dir, t.yq, expression}})
	}
	return c
}

// overlaysOf returns the directories, relative to the tree, of the
// kustomizations that name the image.
func overlaysOf(image string, o options) ([]string, error) {
	var dirs []string
	for path, text := range tree(o.apps, o.files) {
		if dir, ok := strings.CutSuffix(path, "/kustomization.yaml"); ok && strings.Contains(text, "name: "+image+"\n") {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("no overlay holds %s: give more -apps", image)
	}
	return dirs, nil
}

// commitAll makes dir a git repo with everything in one commit and one pack,
// as a clone has it.
func commitAll(dir string) error {
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"config", "core.autocrlf", "false"},
		{"config", "gc.auto", "0"},
		{"add", "--all"},
		{"-c", "user.name=compare", "-c", "user.email=compare@example.com", "-c", "commit.gpgSign=false", "commit", "--quiet", "--no-verify", "-m", "tree"},
		{"repack", "--quiet", "-ad"},
		{"prune-packed", "--quiet"},
	} {
		if _, err := git(dir, args...); err != nil {
			return err
		}
	}
	return nil
}

// gitReset brings dir back to its commit and returns how many files differed.
func gitReset(dir string) (int, error) {
	status, err := git(dir, "status", "--porcelain")
	if err != nil {
		return 0, err
	}
	if _, err := git(dir, "checkout", "--quiet", "--", "."); err != nil {
		return 0, err
	}
	_, err = git(dir, "clean", "--quiet", "-fd")
	return strings.Count(status, "\n"), err
}

func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run git %s: %w: %s", short(args), err, lastLine(errs.String()))
	}
	return string(out), nil
}
