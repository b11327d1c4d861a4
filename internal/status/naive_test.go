package status

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/config"
)

// naive answers from all states of a past what [Matrix.Trace] finds out from
// the newest ones.
type naive struct {
	past   *past
	owners []map[string]string // by commit: the environment of each file
}

func newNaive(p *past) *naive {
	n := &naive{past: p, owners: make([]map[string]string, len(p.commits))}
	for i, c := range slices.Backward(p.commits) {
		n.owners[i] = map[string]string{}
		for path := range c.tree {
			env, _, _ := strings.Cut(path, "/")
			if slices.Contains([]string{"dev", "staging", "prod"}, env) {
				n.owners[i][path] = env
				continue
			}
			if i+1 == len(p.commits) {
				continue
			}
			// Else it is what became of it.
			next := path
			for to, from := range p.commits[i+1].moved {
				if from == path {
					next = to
				}
			}
			n.owners[i][path] = n.owners[i+1][next]
		}
	}
	return n
}

func versionsOf(tree memory, isOwn func(path string) bool) string {
	var out []string
	for path, text := range tree {
		_, version, ok := strings.Cut(text, "image: ghcr.io/acme/web:")
		if version = strings.TrimSpace(version); ok && isOwn(path) && !slices.Contains(out, version) {
			out = append(out, version)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " | ")
}

// at returns the versions of an environment after commit i; -1 is before all.
func (n *naive) at(env string, i int) string {
	if i < 0 {
		return ""
	}
	return versionsOf(n.past.commits[i].tree, func(path string) bool { return n.owners[i][path] == env })
}

// changed returns the commit that last changed the versions, -1 for none.
func (n *naive) changed(env string) int {
	newest := len(n.past.commits) - 1
	if n.at(env, newest) == "" {
		return -1
	}
	i := newest
	for n.at(env, i) == n.at(env, i-1) {
		i--
	}
	return i
}

// behind counts the changes of an environment since it had a version.
func (n *naive) behind(env, version string) (commits int, known bool) {
	i := len(n.past.commits) - 1
	if n.at(env, i) == "" {
		return 0, false
	}
	for ; i >= 0; i-- {
		if n.at(env, i) == version {
			return commits, true
		}
		if n.at(env, i) != n.at(env, i-1) {
			commits++
		}
	}
	return 0, false
}

// randomPast makes a history in which files come, change, move and go.
func randomPast(r *rand.Rand) *past {
	paths := []string{"dev/a.yaml", "dev/b.yaml", "staging/a.yaml", "staging/b.yaml", "prod/a.yaml", "x/a.yaml", "x/b.yaml"}
	text := func() string {
		if r.IntN(8) == 0 {
			return "replicas: 1\n"
		}
		return fmt.Sprintf("# %d\nimage: ghcr.io/acme/web:%d\n", r.IntN(2), 1+r.IntN(3))
	}
	p := &past{}
	tree := memory{config.Path: chain}
	next := func() map[string]string {
		before := tree
		tree = memory{}
		for path, text := range before {
			tree[path] = text
		}
		moved := map[string]string{}
		for range 1 + r.IntN(3) {
			path, other := paths[r.IntN(len(paths))], paths[r.IntN(len(paths))]
			_, was := before[path]
			_, is := tree[path]
			_, taken := before[other]
			_, again := tree[other]
			switch {
			case r.IntN(3) > 0 && (was || !is):
				if !slices.ContainsFunc(paths, func(to string) bool { return moved[to] == path }) {
					tree[path] = text()
				}
			case was && is && r.IntN(2) == 0:
				delete(tree, path)
			case was && is && !taken && !again:
				moved[other] = path
				tree[other] = tree[path]
				if r.IntN(3) == 0 {
					tree[other] = text()
				}
				delete(tree, path)
			}
		}
		return moved
	}
	for range 1 + r.IntN(12) {
		moved := next()
		p.commits = append(p.commits, commit{tree: tree, moved: moved, by: "ann"})
	}
	if r.IntN(2) == 0 {
		next()
		p.uncommitted = tree
	}
	return p
}

func TestTraceAgreesWithALookAtAllStates(t *testing.T) {
	t.Parallel()
	seeds := uint64(1000)
	if testing.Short() {
		seeds = 200
	}
	changes, lags := 0, 0
	for seed := range seeds {
		p := randomPast(rand.New(rand.NewPCG(seed, 1)))
		n := newNaive(p)
		m := matrixOf(t, p.tree())
		if err := m.Trace(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
		if len(m.Apps) != 1 {
			t.Fatalf("there are %d apps", len(m.Apps))
		}
		for i := range m.Apps[0].Cells {
			cell := &m.Apps[0].Cells[i]
			newest := len(p.commits) - 1
			isOwn := func(path string) bool { return strings.HasPrefix(path, cell.Env+"/") }
			if got, want := cell.Uncommitted, versionsOf(p.tree(), isOwn) != n.at(cell.Env, newest); got != want {
				t.Errorf("seed %d: %s: uncommitted is %v, want %v", seed, cell.Env, got, want)
			}
			want := ""
			if c := n.changed(cell.Env); c >= 0 && cell.Deployed() {
				want = fmt.Sprintf("c%d from %s to %s", c+1, n.at(cell.Env, c-1), n.at(cell.Env, c))
				changes++
			}
			got := ""
			if c := cell.Changed; c != nil {
				got = fmt.Sprintf("%s from %s to %s", c.Commit.SHA, c.From, c.To)
			}
			if got != want {
				t.Errorf("seed %d: %s: got %q, want %q", seed, cell.Env, got, want)
			}
			for _, l := range cell.Behind {
				if l.Relation == Level || l.Relation == Ahead {
					continue
				}
				lags++
				commits, known := n.behind(l.Env, cell.Versions.String())
				if l.Known != known || l.Commits != commits {
					t.Errorf("seed %d: %s: got %+v, want %d, %v", seed, cell.Env, l, commits, known)
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	if changes == 0 || lags == 0 {
		t.Errorf("%d changes and %d lags were compared", changes, lags)
	}
}

// TestTraceOfSomeCells: what is asked of one cell does not depend on the others.
func TestTraceOfSomeCells(t *testing.T) {
	t.Parallel()
	less := 0
	for seed := range uint64(300) {
		p := randomPast(rand.New(rand.NewPCG(seed, 2)))
		all := matrixOf(t, p.tree())
		if err := all.Trace(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
		listed, read := p.listed, len(p.read)
		for i, env := range all.Environments {
			p.listed, p.read = 0, nil
			one := matrixOf(t, p.tree())
			if err := one.Trace(t.Context(), p, func(c *Cell) bool { return c.Env == env }); err != nil {
				t.Fatal(err)
			}
			if got, want := story(&one.Apps[0].Cells[i]), story(&all.Apps[0].Cells[i]); got != want {
				t.Errorf("seed %d: got %q, want %q", seed, got, want)
			}
			if p.listed > listed || len(p.read) > read {
				t.Errorf("seed %d: listed %d commits and read %d files, more than %d and %d for all cells", seed, p.listed, len(p.read), listed, read)
			}
			if p.listed < listed {
				less++
			}
		}
	}
	if less == 0 {
		t.Error("as much was read for one cell as for all, each time")
	}
}

// TestTraceQueuesSteps: what waits to be taken is the same, and no more is read
// than if it were taken at once, also where much waits.
func TestTraceQueuesSteps(t *testing.T) {
	t.Parallel()
	states := []string{"prod=1", "dev=1 prod=1"}
	for i := range 2 * maxQueue {
		states = append(states, fmt.Sprintf("dev=1;%d prod=1", i))
	}
	p := &past{commits: commits(states...)}
	_, got := traced(t, p)
	want := []string{"dev 1 by ann in c2 from nothing", "prod 1 by ann in c1 from nothing"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if p.listed != len(states) || len(p.read) != 2*maxQueue {
		t.Errorf("listed %d commits and read %d files, want %d and %d", p.listed, len(p.read), len(states), 2*maxQueue)
	}
}
