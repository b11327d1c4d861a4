package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers/memory"
)

// demoRepo is the config repo of a made-up company.
//
//go:embed all:demo
var demoRepo embed.FS

func newDemo(c console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show on a small config repo what towpath does",
		Long: `Show on a small config repo what towpath does.

It makes the repo in a temporary folder, runs towpath and git there, and prints
each command with its output. The folder is left behind to play with. Nothing
else is touched, and no network is needed.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd, c.env); err != nil {
				return err
			}
			s := stage{ctx: cmd.Context(), out: c.out, dir: dir, now: c.now}
			return s.play(story())
		},
	}
	cmd.AddCommand(newDemoForge(c))
	cmd.Flags().StringVar(&dir, "dir", "", "make the repo in this new or empty `DIR`, not in a temporary folder")
	return cmd
}

// scene is one step of the demo's story. Scenes are played in order, each on
// what the one before it left.
type scene struct {
	title string
	run   func(*stage)
}

func story() []scene {
	return []scene{
		{"A config repo: Kustomize overlays, Helm values, an Argo CD Application, a Flux HelmRelease", func(s *stage) {
			s.git("ls-files")
		}},
		{"CI has built ghcr.io/acme/web:1.4.2. One command finds every place that holds its version", func(s *stage) {
			s.towpath(exitOK, "bump", "ghcr.io/acme/web:1.4.2")
		}},
		{"Only the bytes of the version changed: comments, quotes and order are as they were", func(s *stage) {
			s.git("diff", "-U1")
		}},
		{"The same command again changes nothing", func(s *stage) {
			s.towpath(exitOK, "bump", "ghcr.io/acme/web:1.4.2")
			s.git("commit", "-qam", "Bump web to 1.4.2")
		}},
		{"A CI job for an older commit finishes late. It must not undo the newer version", func(s *stage) {
			s.towpath(exitFailed, "bump", "ghcr.io/acme/web:1.4.0", "--path", "apps/web/overlays/prod")
		}},
		{"The next version goes to dev first, as a commit with its audit trail", func(s *stage) {
			s.towpath(exitOK, "bump", "ghcr.io/acme/web:1.10.0", "--path", "apps/*/overlays/dev", "--commit")
			s.git("log", "-1", "--format=%B", "--stat")
		}},
		{"A .towpath.yaml says which environments there are, and where each app's version stands", func(s *stage) {
			s.towpath(exitOK, "init")
			s.git("add", ".towpath.yaml")
			s.git("commit", "-qm", "Say which environments there are")
		}},
		{"What it means for this repo, and what it leaves out", func(s *stage) {
			s.towpath(exitOK, "check")
		}},
		{"From now on a bump goes to the first environment, and the others wait", func(s *stage) {
			s.towpath(exitOK, "bump", "ghcr.io/acme/web:1.11.0", "--commit")
			s.towpath(exitOK, "status")
		}},
		{"On a forge the same command opens a pull request through the API. This one lives in memory and speaks as GitHub does", func(s *stage) {
			s.onForge(exitOK, "bump", "ghcr.io/acme/web:1.12.0")
		}},
		{"Again nothing is done, and a newer version goes into the same pull request", func(s *stage) {
			s.onForge(exitOK, "bump", "ghcr.io/acme/web:1.12.0")
			s.onForge(exitOK, "bump", "ghcr.io/acme/web:1.13.0")
		}},
	}
}

// stage is where the story is played: a repo, and what people see of it. Once
// something fails that should not, err is set and the rest is skipped.
type stage struct {
	ctx   context.Context
	out   io.Writer
	dir   string
	now   func() time.Time
	forge *demoForge // nil until a scene needs it
	err   error
}

func (s *stage) play(scenes []scene) error {
	s.build()
	for i, scene := range scenes {
		if s.err != nil {
			break
		}
		fmt.Fprintf(s.out, "%d. %s.\n\n", i+1, scene.title)
		scene.run(s)
	}
	if s.forge != nil {
		s.err = errors.Join(s.err, s.forge.close())
	}
	if s.err != nil {
		return s.err
	}
	fmt.Fprintf(s.out, "The repo is yours to play with: cd %s\n", s.dir)
	return nil
}

// build makes the repo, with settings of its own, so that the story is the
// same whatever git is told elsewhere.
func (s *stage) build() {
	if _, err := exec.LookPath("git"); err != nil {
		s.err = fault.New(fault.Failed, "install git, then run `towpath demo` again", "the demo needs the git program")
		return
	}
	if s.err = s.makeDir(); s.err != nil {
		return
	}
	files, err := fs.Sub(demoRepo, "demo")
	if err == nil {
		err = os.CopyFS(s.dir, files)
	}
	if err != nil {
		s.err = fmt.Errorf("write the demo's repo: %w", err)
		return
	}
	for _, args := range [][]string{
		{"init", "-q", "--template=", "--initial-branch=main"},
		{"config", "user.name", "Ada"},
		{"config", "user.email", "ada@acme.example"},
		{"config", "commit.gpgsign", "false"},
		{"config", "core.autocrlf", "false"},
		{"config", "core.hooksPath", os.DevNull},
		{"add", "."},
		{"commit", "-qm", "Config of acme"},
	} {
		if _, s.err = s.runGit(args...); s.err != nil {
			return
		}
	}
}

func (s *stage) makeDir() error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "towpath-demo-")
		s.dir = dir
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return &fault.Error{Code: fault.Access, Message: "cannot make the demo's folder", Err: err, Hint: "give another --dir"}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return &fault.Error{Code: fault.Access, Message: "cannot read the demo's folder", Err: err, Hint: "give another --dir"}
	}
	if len(entries) > 0 {
		return fault.New(fault.Usage, "give a new or empty folder", "the folder %s is not empty", s.dir)
	}
	s.dir, err = filepath.Abs(s.dir)
	return err
}

// towpath runs a command line of this program on the repo and shows it as if
// it had been typed there.
func (s *stage) towpath(want int, args ...string) {
	if s.err != nil {
		return
	}
	var out bytes.Buffer
	full := append(append([]string(nil), args...), "--repo", s.dir)
	status := run(s.ctx, full, console{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }})
	s.show("towpath", args, out.String())
	if status != want {
		s.err = fmt.Errorf("towpath %s ended with status %d, not %d", args[0], status, want)
	}
}

// onForge runs a command line of this program on the repository of a forge.
func (s *stage) onForge(want int, args ...string) {
	if s.err == nil && s.forge == nil {
		var files map[string]memory.File
		if files, s.err = demoFiles(); s.err == nil {
			s.forge, s.err = startDemoForge(s.ctx, "127.0.0.1:0", files, s.now)
		}
	}
	if s.err != nil {
		return
	}
	var out bytes.Buffer
	args = append(args, "--repo", s.forge.url+"/acme/config")
	env := func(name string) string { return map[string]string{"TOWPATH_TOKEN": demoToken}[name] }
	status := run(s.ctx, args, console{in: strings.NewReader(""), out: &out, err: &out, env: env, now: s.now})
	s.show("towpath", args, out.String())
	if status != want {
		s.err = fmt.Errorf("towpath %s ended with status %d, not %d", args[0], status, want)
	}
}

// git runs git on the repo and shows it.
func (s *stage) git(args ...string) {
	if s.err != nil {
		return
	}
	out, err := s.runGit(args...)
	s.show("git", args, out)
	s.err = err
}

func (s *stage) runGit(args ...string) (string, error) {
	cmd := exec.CommandContext(s.ctx, "git", append([]string{"-C", s.dir, "--no-pager", "-c", "color.ui=never"}, args...)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = &fault.Error{Code: fault.Failed, Message: fmt.Sprintf("run git %s", args[0]), Err: fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))}
	}
	return string(out), err
}

// show prints a command as one would type it, and its output.
func (s *stage) show(program string, args []string, out string) {
	line := program
	for _, a := range args {
		if strings.ContainsAny(a, " *%'") {
			a = "'" + a + "'"
		}
		line += " " + a
	}
	fmt.Fprintf(s.out, "   $ %s\n", line)
	for l := range strings.Lines(out) {
		fmt.Fprint(s.out, strings.TrimRight("   "+l, " \n")+"\n")
	}
	fmt.Fprintln(s.out)
}
