package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/towpath-dev/towpath/internal/config"
)

// state reads a tree written as "dev=3 prod=2 prod/more=2", with the version of
// web in dev/web.yaml and so on. What follows a semicolon is a comment in the
// file. The .towpath.yaml is that of conf.
func state(conf, text string) memory {
	tree := memory{config.Path: conf}
	for word := range strings.FieldsSeq(text) {
		path, version, _ := strings.Cut(word, "=")
		version, comment, _ := strings.Cut(version, ";")
		if !strings.Contains(path, "/") {
			path += "/web"
		}
		tree[path+".yaml"] = "# " + comment + "\nimage: ghcr.io/acme/web:" + version + "\n"
		if version == "-" {
			tree[path+".yaml"] = "# " + comment + "\nreplicas: 1\n"
		}
	}
	return tree
}

// chain is a configuration with dev, staging and prod after each other.
var chain = string(txtar.Parse([]byte(head + `
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/*.yaml"]}
`)).Files[0].Data)

// commits makes a history of states of the chain, the oldest first.
func commits(states ...string) []commit {
	var out []commit
	for _, text := range states {
		out = append(out, commit{tree: state(chain, text), by: "ann"})
	}
	return out
}

// traced returns what a history says of each cell of its newest tree.
func traced(t *testing.T, p *past) (*Matrix, []string) {
	t.Helper()
	m := matrixOf(t, p.tree())
	if err := m.Trace(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range m.Apps {
		for j := range m.Apps[i].Cells {
			if cell := &m.Apps[i].Cells[j]; cell.Deployed() || cell.Uncommitted {
				out = append(out, story(cell))
			}
		}
	}
	return m, out
}

// story writes what is known of a cell.
func story(cell *Cell) string {
	text := fmt.Sprintf("%s %s", cell.Env, cell.Versions)
	if cell.Uncommitted {
		text += " uncommitted"
	}
	if c := cell.Changed; c != nil {
		text += fmt.Sprintf(" by %s in %s from %s", c.Commit.By(), c.Commit.SHA, orNothing(c.From))
	}
	for _, l := range cell.Behind {
		text += fmt.Sprintf(", %s %s", l.Relation, l.Env)
		if l.Known && l.Relation != Level {
			text += fmt.Sprintf(" by %d in %d", l.Versions, l.Commits)
		}
	}
	return text
}

func orNothing(v Versions) string {
	if len(v) == 0 {
		return "nothing"
	}
	return v.String()
}

func TestTrace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		past past
		want []string
	}{
		{
			"the newest change of a version counts",
			past{commits: commits("dev=1", "dev=2", "dev=3", "dev=3 prod=1")},
			[]string{"dev 3 by ann in c3 from 2", "prod 1 by ann in c4 from nothing"},
		},
		{
			"the first commit is a change from nothing",
			past{commits: commits("dev=1")},
			[]string{"dev 1 by ann in c1 from nothing"},
		},
		{
			"who asked for it comes before the author",
			past{commits: []commit{
				{tree: state(chain, "dev=1 prod=1"), by: "ann"},
				{tree: state(chain, "dev=2 prod=1"), by: "bot", asked: "bob"},
				{tree: state(chain, "dev=2 prod=2"), by: "cem"},
			}},
			[]string{"dev 2 by bob in c2 from 1", "prod 2 by cem in c3 from 1"},
		},
		{
			"an edit of the file beside the version is no change",
			past{commits: commits("dev=1", "dev=2", "dev=2;more", "dev=2;less")},
			[]string{"dev 2 by ann in c2 from 1"},
		},
		{
			"a commit without changes is none",
			past{commits: commits("dev=1", "dev=1")},
			[]string{"dev 1 by ann in c1 from nothing"},
		},
		{
			"a revert is a change, and the older version behind none",
			past{commits: commits("dev=1 staging=1", "dev=2 staging=1", "dev=1 staging=1")},
			[]string{"dev 1 by ann in c3 from 2", "staging 1 by ann in c1 from nothing, level dev"},
		},
		{
			"files of one cell together",
			past{commits: commits("dev=1 dev/more=1", "dev=2 dev/more=1", "dev=2 dev/more=2", "dev=2;x dev/more=2;x")},
			[]string{"dev 2 by ann in c3 from 1 | 2"},
		},
		{
			"a second file at the same version is no change, and neither is its removal",
			past{commits: commits("dev=1", "dev=2", "dev=2 dev/more=2", "dev/more=2")},
			[]string{"dev 2 by ann in c2 from 1"},
		},
		{
			"a version that was missing for a while",
			past{commits: commits("dev=1", "dev=-", "dev=1", "dev=1;x")},
			[]string{"dev 1 by ann in c3 from nothing"},
		},
		{
			"a file that was gone for a while",
			past{commits: commits("dev=1 prod=1", "prod=1", "dev=1 prod=1")},
			[]string{"dev 1 by ann in c3 from nothing", "prod 1 by ann in c1 from nothing"},
		},
		{
			"what has no version any more was not changed to one",
			past{commits: commits("dev=1 prod=1", "dev=- prod=1")},
			[]string{"dev ", "prod 1 by ann in c1 from nothing"},
		},
		{
			"binary contents are no version",
			past{commits: []commit{
				{tree: memory{config.Path: chain, "dev/web.yaml": "image: ghcr.io/acme/web:1\n\x00"}, by: "ann"},
				{tree: state(chain, "dev=1"), by: "ann"},
			}},
			[]string{"dev 1 by ann in c2 from nothing"},
		},
		{
			"contents that cannot be parsed are none, either",
			past{commits: []commit{
				{tree: memory{config.Path: chain, "dev/web.yaml": "image: [ghcr.io/acme/web:1\n"}, by: "ann"},
				{tree: state(chain, "dev=1"), by: "ann"},
			}},
			[]string{"dev 1 by ann in c2 from nothing"},
		},
		{
			"no commits at all",
			past{uncommitted: state(chain, "dev=1 staging=1")},
			[]string{"dev 1 uncommitted", "staging 1 uncommitted, level dev"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, got := traced(t, &test.past)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTraceWithWhatIsNotCommitted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		commits []commit
		tree    string
		want    []string
	}{
		{
			"a version", commits("dev=1", "dev=2"), "dev=3",
			[]string{"dev 3 uncommitted by ann in c2 from 1"},
		},
		{
			"something beside the version", commits("dev=1", "dev=2"), "dev=2;x",
			[]string{"dev 2 by ann in c2 from 1"},
		},
		{
			"back to the version before", commits("dev=1", "dev=2"), "dev=1",
			[]string{"dev 1 uncommitted by ann in c2 from 1"},
		},
		{
			"a new environment", commits("dev=1"), "dev=1 staging=1",
			[]string{"dev 1 by ann in c1 from nothing", "staging 1 uncommitted, level dev"},
		},
		{
			"a new file at the same version", commits("dev=1"), "dev=1 dev/more=1",
			[]string{"dev 1 by ann in c1 from nothing"},
		},
		{
			"a file of two is gone", commits("dev=1 dev/more=2"), "dev=1",
			[]string{"dev 1 uncommitted by ann in c1 from nothing"},
		},
		{
			"all files are gone", commits("dev=1 prod=1"), "dev=1",
			[]string{"dev 1 by ann in c1 from nothing", "prod  uncommitted"},
		},
		{
			"files that are gone and had no version", commits("dev=1 prod=-"), "dev=1",
			[]string{"dev 1 by ann in c1 from nothing"},
		},
		{
			"a file is moved", commits("dev=1", "dev=2"), "dev/more=2",
			[]string{"dev 2 by ann in c2 from 1"},
		},
		{
			"the environment before has gone on", commits("dev=1 staging=1"), "dev=2 staging=1",
			[]string{"dev 2 uncommitted by ann in c1 from nothing", "staging 1 by ann in c1 from nothing, behind dev by 1 in 0"},
		},
		{
			"the environment before has gone on, to what has no order", commits("dev=abc1234 staging=abc1234"), "dev=def5678 staging=abc1234",
			[]string{
				"dev def5678 uncommitted by ann in c1 from nothing",
				"staging abc1234 by ann in c1 from nothing, behind dev by 1 in 0",
			},
		},
		{
			"the version is promoted", commits("dev=1 staging=1", "dev=2 staging=1"), "dev=2 staging=2",
			[]string{"dev 2 by ann in c2 from 1", "staging 2 uncommitted by ann in c1 from nothing, level dev"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, got := traced(t, &past{commits: test.commits, uncommitted: state(chain, test.tree)})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTraceCountsHowFarBehind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		states []string
		want   string // of prod
	}{
		{"one version", []string{"staging=1 prod=1", "staging=2 prod=1"}, "behind staging by 1 in 1"},
		{"some versions", []string{"staging=1 prod=1", "staging=2 prod=1", "staging=3 prod=1", "staging=4 prod=1"}, "behind staging by 3 in 3"},
		{"versions that came twice", []string{"staging=1 prod=1", "staging=2 prod=1", "staging=3 prod=1", "staging=2 prod=1", "staging=4 prod=1"}, "behind staging by 3 in 4"},
		{"from the newest time that it was there", []string{"staging=1 prod=1", "staging=2 prod=1", "staging=1 prod=1", "staging=3 prod=1"}, "behind staging by 1 in 1"},
		{"edits beside the version are not counted", []string{"staging=1 prod=1", "staging=2 prod=1", "staging=2;x prod=1"}, "behind staging by 1 in 1"},
		{"a time without a version is no version", []string{"staging=1 prod=1", "staging=- prod=1", "staging=2 prod=1"}, "behind staging by 1 in 2"},
		{"not deployed for a while", []string{"staging=1 prod=1", "prod=1", "staging=2 prod=1"}, "behind staging by 1 in 2"},
		{"never there", []string{"staging=2 prod=1", "staging=3 prod=1"}, "behind staging"},
		{"there before it came to prod", []string{"staging=1", "staging=2", "staging=2 prod=1"}, "behind staging by 1 in 1"},
		{"a version without order that was there", []string{"staging=abc1234 prod=abc1234", "staging=def5678 prod=abc1234"}, "behind staging by 1 in 1"},
		{"a version without order that was never there", []string{"staging=abc1234 prod=def5678"}, "differs staging"},
		{"another scheme", []string{"staging=1.4 prod=1.4", "staging=v1.5.0 prod=1.4"}, "behind staging by 1 in 1"},
		{"rolled back", []string{"staging=1 prod=1", "staging=2 prod=1", "staging=2 prod=2", "staging=1 prod=2"}, "ahead staging"},
		{"pinned by digest there only", []string{"staging=1 prod=1@sha256:" + strings.Repeat("a", 64), "staging=2 prod=1@sha256:" + strings.Repeat("a", 64)}, "behind staging by 1 in 1"},
		{"several files with versions on the way", []string{"staging=1 prod=1", "staging=2 prod=1", "staging=2 staging/more=3 prod=1", "staging=3 staging/more=3 prod=1"}, "behind staging by 2 in 3"},
		{"several files that differ now", []string{"staging=1 prod=1", "staging=2 prod=1", "staging=2 staging/more=3 prod=1"}, "behind staging by 2 in 2"},
		{"several files", []string{"staging=1 staging/more=1 prod=1", "staging=2 staging/more=1 prod=1", "staging=2 staging/more=2 prod=1"}, "behind staging by 1 in 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, _ := traced(t, &past{commits: commits(test.states...)})
			cell := cellIn(t, m, "web", "prod")
			if _, got, _ := strings.Cut(story(cell), ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTraceWithSeveralBefore(t *testing.T) {
	t.Parallel()
	conf := strings.Replace(chain, "after: [staging]", "after: [staging, dev]", 1)
	p := &past{}
	for _, text := range []string{"dev=1 staging=1 prod=1", "dev=2 staging=1 prod=1", "dev=3 staging=1 prod=1", "dev=3 staging=3 prod=1"} {
		p.commits = append(p.commits, commit{tree: state(conf, text), by: "ann"})
	}
	_, got := traced(t, p)
	want := []string{
		"dev 3 by ann in c3 from 2", "staging 3 by ann in c4 from 1, level dev",
		"prod 1 by ann in c1 from nothing, behind staging by 1 in 1, behind dev by 2 in 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

func TestTraceEndsWhereTheCloneIsCut(t *testing.T) {
	t.Parallel()
	p := &past{commits: commits("dev=1 prod=1", "dev=1 prod=1", "dev=2 prod=1")}
	p.commits[1].cut = true
	m, got := traced(t, p)
	want := []string{"dev 2 by ann in c3 from 1", "prod 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if want := dawn.Add(60 * 60e9); !m.Cut.Equal(want) {
		t.Errorf("the history is cut at %v, want %v", m.Cut, want)
	}
	if c := cellIn(t, m, "web", "dev").Changed.Commit; c.Changes != nil || !c.Time.Equal(dawn.Add(2*60*60e9)) || c.Subject != "Commit 3" {
		t.Errorf("the commit is %+v", c)
	}

	// Where all is known before, it does not matter.
	p.commits = append(p.commits, commits("dev=3 prod=3")...)
	if m, _ := traced(t, p); !m.Cut.IsZero() {
		t.Errorf("the history is cut at %v, where nobody looked", m.Cut)
	}
}

func TestTraceReadsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		past         past
		listed, read int
	}{
		{"until every last change is known", past{commits: commits("dev=1", "dev=2", "dev=2 prod=1", "dev=3 prod=1", "dev=4 prod=1")}, 3, 1},
		{"until the version before is found", past{commits: commits("dev=1", "dev=2", "dev=2 staging=2", "dev=3 staging=2", "dev=3 staging=2")}, 3, 1},
		{"nothing of what is known", past{commits: commits("prod=1", "dev=1 prod=1", "dev=2 prod=1", "dev=3 prod=1")}, 4, 1},
		{"nothing without cells", past{commits: commits("x/a=1", "x/a=2")}, 0, 0},
		{"nothing where no version stands", past{commits: commits("dev=1", "dev=-")}, 0, 0},
		{"nothing for what is new in the tree", past{commits: commits("prod=1"), uncommitted: state(chain, "prod=1 dev=1")}, 1, 0},
		{"nothing of files that belong to no app", past{commits: commits("dev=1", "dev=1 x/a=1", "dev=1 x/a=2")}, 3, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			traced(t, &test.past)
			if test.past.listed != test.listed || len(test.past.read) != test.read {
				t.Errorf("listed %d commits and read %q, want %d and %d", test.past.listed, test.past.read, test.listed, test.read)
			}
		})
	}
}

// TestTraceGivesUpFarBack: with more changes than that, the number says
// nothing that "far behind" does not.
func TestTraceGivesUpFarBack(t *testing.T) {
	t.Parallel()
	for _, behind := range []int{maxMoves - 1, maxMoves, maxMoves + 1} {
		states := []string{"staging=0", "staging=1 prod=1"}
		for i := range behind {
			states = append(states, fmt.Sprintf("staging=%d prod=1", i+2))
		}
		p := &past{commits: commits(states...)}
		m, _ := traced(t, p)
		l := cellIn(t, m, "web", "prod").Behind[0]
		if known := behind <= maxMoves; l.Known != known || known && l.Versions != behind {
			t.Errorf("%d behind: got %+v", behind, l)
		}
		if len(p.read) > maxMoves {
			t.Errorf("%d behind: read %d files", behind, len(p.read))
		}
	}
}

func TestTraceOfDiscoveredApps(t *testing.T) {
	t.Parallel()
	conf := `version: 1
environments: [{name: dev}, {name: prod, after: [dev]}]
apps:
  - {discover: "tags/{env}/{app}", images: [{image: "ghcr.io/acme/{app}", keys: [tag]}]}
`
	at := func(files ...string) commit {
		tree := memory{config.Path: conf}
		for _, f := range files {
			path, version, _ := strings.Cut(f, "=")
			tree["tags/"+path] = "tag: " + version + "\n"
		}
		return commit{tree: tree, by: "ann"}
	}
	p := &past{commits: []commit{
		at("dev/web=v1", "prod/web=v1", "dev/old=v9"),
		at("dev/web=v2", "prod/web=v1", "dev/old=v9"),
		at("dev/web=v2", "prod/web=v1", "dev/old=v9", "dev/api=v1"), // an app is added
		at("dev/web=v2", "prod/web=v1", "dev/api=v1"),               // and one removed
	}}
	_, got := traced(t, p)
	want := []string{
		"dev v1 by ann in c3 from nothing",
		"dev v2 by ann in c2 from v1", "prod v1 by ann in c1 from nothing, behind dev by 1 in 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

func TestTraceErrors(t *testing.T) {
	t.Parallel()
	for broken, want := range map[string]string{
		"uncommitted": "compare with the newest commit: broken",
		"commits":     "read the history: broken",
		"read":        "read the history: read dev/web.yaml as it was: broken",
	} {
		p := &past{commits: commits("dev=1", "dev=2"), broken: broken}
		err := matrixOf(t, p.tree()).Trace(t.Context(), p, nil)
		if !errors.Is(err, errBroken) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	p := &past{commits: commits("dev=1"), uncommitted: state(chain, "dev=2"), broken: "read"}
	err := matrixOf(t, p.tree()).Trace(t.Context(), p, nil)
	if want := "read dev/web.yaml as it was: broken"; !errors.Is(err, errBroken) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// stopped is a history that ends early with an error after it has yielded.
type stopped struct{ *past }

func (s stopped) Commits(ctx context.Context, yield func(Commit) bool) error {
	if err := s.past.Commits(ctx, yield); err != nil {
		return err
	}
	return errBroken
}

func TestTraceKeepsWhatItFoundBeforeAnError(t *testing.T) {
	t.Parallel()
	p := &past{commits: commits("dev=1 prod=1", "dev=2 prod=1")}
	m := matrixOf(t, p.tree())
	if err := m.Trace(t.Context(), stopped{p}, nil); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if got, want := story(cellIn(t, m, "web", "dev")), "dev 2 by ann in c2 from 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTraceReadsOldContentsAsTheTreeIsRead: what a marker or a mirror stands
// for is said by the rest of the tree, and that is the same for old contents.
func TestTraceReadsOldContentsAsTheTreeIsRead(t *testing.T) {
	t.Parallel()
	conf := treeOf(`
-- .towpath.yaml --
version: 1
environments: [{name: dev}]
apps:
  - {name: web, images: [ghcr.io/acme/web], files: ["{env}/web.yaml"]}
  - {name: api, images: [mirror.acme.dev/api], files: ["{env}/kustomization.yaml"]}
  - {name: old, images: [ghcr.io/acme/old], files: ["{env}/old.yaml"]}
-- flux.yaml --
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux}
spec: {image: ghcr.io/acme/web}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux}
spec: {imageRepositoryRef: {name: web}}
`)
	p := &past{}
	for i, note := range []string{"a", "b", "c"} {
		tree := maps.Clone(conf)
		tree["dev/web.yaml"] = fmt.Sprintf("# %s\nversion: 1.%d # {\"$imagepolicy\": \"flux:web:tag\"}\n", note, min(i, 1))
		tree["dev/kustomization.yaml"] = fmt.Sprintf("# %s\nimages:\n- {name: ghcr.io/acme/old, newName: mirror.acme.dev/api, newTag: \"%d\"}\n", note, min(i, 1))
		p.commits = append(p.commits, commit{tree: tree, by: "ann"})
	}
	_, got := traced(t, p)
	want := []string{"dev 1.1 by ann in c2 from 1.0", "dev 1 by ann in c2 from 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}
