package local

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// The suite commits to main only with another branch checked out.
func TestConformance(t *testing.T) {
	t.Parallel()
	needGit(t)
	harness := providertest.Harness{HeadGuard: true, Rebuilds: true, NoPullsOf: true}
	reading, committing := harness, harness
	reading.New = conforming("main")
	committing.New = conforming("elsewhere")
	t.Run("Reading", func(t *testing.T) {
		t.Parallel()
		providertest.RunReading(t, reading)
	})
	t.Run("Committing", func(t *testing.T) {
		t.Parallel()
		providertest.RunCommitting(t, committing)
	})
}

// conforming returns how to make a repository of which a branch is checked out.
func conforming(branch string) func(*testing.T, map[string]providertest.File) *providertest.Fixture {
	return func(t *testing.T, files map[string]providertest.File) *providertest.Fixture {
		dir := folder(t, nil)
		initialise(t, dir)
		shell(t, dir, "symbolic-ref", "HEAD", "refs/heads/"+branch)
		p := &person{dir: dir}
		if files != nil {
			p.begin(t, files)
			if branch != "main" {
				shell(t, dir, "branch", "--no-track", branch, "main")
			}
			// The suite has paths that not all file systems take.
			shell(t, dir, "read-tree", "HEAD")
		}
		return &providertest.Fixture{
			Path: dir,
			As: func(t testing.TB, _ providertest.Who) providers.Repository {
				return providertest.WithoutPulls(open(t, dir).Repository())
			},
			Push: func(t testing.TB, q providertest.Push) string {
				return p.push(t, []providertest.Push{q})[0]
			},
			Pushes: p.push,
			Tag: func(t testing.TB, name, sha string) {
				shell(t, dir, "tag", "--annotate", "--message=A tag", name, sha)
			},
		}
	}
}

// person commits to branches without a work tree, by git fast-import.
type person struct {
	dir     string
	seconds atomic.Int64
}

func (p *person) begin(t testing.TB, files map[string]providertest.File) {
	t.Helper()
	var edits strings.Builder
	for path, f := range files {
		if f.Mode == providers.Submodule {
			fmt.Fprintf(&edits, "M 160000 %s %s\n", f.Content, quoted(path))
			continue
		}
		fmt.Fprintf(&edits, "M %s inline %s\ndata %d\n%s\n", f.Mode, quoted(path), len(f.Content), f.Content)
	}
	p.run(t, p.commit("main", "", "First", edits.String()))
}

func (p *person) push(t testing.TB, pushes []providertest.Push) []string {
	t.Helper()
	var script strings.Builder
	made := map[string]bool{}
	for _, q := range pushes {
		from := "refs/heads/" + q.Branch + "^0"
		switch {
		case made[q.Branch]:
			from = "" // goes on
		case p.has(t, q.Branch):
		case len(q.From) == 40:
			from = q.From
		case q.From != "":
			from = "refs/heads/" + q.From + "^0"
		default:
			from = "refs/heads/main^0"
		}
		made[q.Branch] = true
		var edits strings.Builder
		for before, after := range q.Rename {
			fmt.Fprintf(&edits, "R %s %s\n", quoted(before), quoted(after))
		}
		for _, path := range q.Remove {
			fmt.Fprintf(&edits, "D %s\n", quoted(path))
		}
		for path, content := range q.Files {
			fmt.Fprintf(&edits, "M 100644 inline %s\ndata %d\n%s\n", quoted(path), len(content), content)
		}
		if q.Message == "" {
			q.Message = "By hand"
		}
		script.WriteString(p.commit(q.Branch, from, q.Message, edits.String()))
		script.WriteString("get-mark :1\n")
	}
	return strings.Fields(p.run(t, script.String()))
}

func (p *person) has(t testing.TB, branch string) bool {
	t.Helper()
	refs := strings.Fields(shell(t, p.dir, "for-each-ref", "--format=%(refname)", "refs/heads/"+branch))
	return slices.Contains(refs, "refs/heads/"+branch)
}

// commit returns what makes a commit, which is then known by the mark 1.
func (p *person) commit(branch, from, message, edits string) string {
	if from != "" {
		from = "from " + from + "\n"
	}
	return fmt.Sprintf("commit refs/heads/%s\nmark :1\ncommitter Ada <ada@example.com> %d +0000\ndata %d\n%s\n%s%s\n",
		branch, 1767225600+p.seconds.Add(1), len(message), message, from, edits)
}

func (p *person) run(t testing.TB, script string) string {
	t.Helper()
	cmd := exec.Command("git", "-C", p.dir, "fast-import", "--quiet", "--done")
	cmd.Env = environ(os.Environ())
	cmd.Stdin = strings.NewReader(script + "done\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git fast-import: %v\n%s", err, script)
	}
	return string(out)
}

// quoted returns a path as fast-import takes any.
func quoted(path string) string {
	var b strings.Builder
	for i := range len(path) {
		fmt.Fprintf(&b, `\%03o`, path[i])
	}
	return `"` + b.String() + `"`
}
