package local

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
)

func TestCheckCommittable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		spoil  func(t *testing.T, dir string)
		folder string
		paths  []string
		words  []string // of the fault; nil if there is none
	}{
		{name: "clean", paths: []string{"a.yaml", "sub/b.yaml"}},
		{name: "clean, from a folder", folder: "sub", paths: []string{"b.yaml"}},
		{name: "no paths"},
		{
			name:  "others are changed",
			paths: []string{"a.yaml"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{"sub/b.yaml": "x\n", "c.yaml": "x\n", "untracked": "x\n"})
				shell(t, dir, "add", "c.yaml")
			},
		},
		{
			name:  "detached",
			paths: []string{"a.yaml"},
			spoil: func(t *testing.T, dir string) { shell(t, dir, "checkout", "--quiet", "--detach") },
		},
		{
			name:  "touched",
			paths: []string{"a.yaml"},
			spoil: func(t *testing.T, dir string) { put(t, dir, map[string]string{"a.yaml": "a: 1\n"}) },
		},
		{
			name:  "unstaged",
			paths: []string{"c.yaml", "a.yaml"},
			words: []string{"a.yaml: has changes that are not committed", "stash"},
			spoil: func(t *testing.T, dir string) { put(t, dir, map[string]string{"a.yaml": "a: 2\n"}) },
		},
		{
			name:  "unstaged, several",
			paths: []string{"a.yaml", "sub/b.yaml", "c.yaml"},
			words: []string{"a.yaml: has changes", "2 more files"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{"a.yaml": "x\n", "sub/b.yaml": "x\n", "c.yaml": "x\n"})
			},
		},
		{
			name:   "unstaged, from a folder",
			folder: "sub",
			paths:  []string{"b.yaml"},
			words:  []string{"b.yaml: has changes"},
			spoil:  func(t *testing.T, dir string) { put(t, dir, map[string]string{"sub/b.yaml": "x\n"}) },
		},
		{
			name:   "same name above the folder",
			folder: "sub",
			paths:  []string{"b.yaml"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{"b.yaml": "x\n"})
				shell(t, dir, "add", "b.yaml")
			},
		},
		{
			name:  "staged",
			paths: []string{"a.yaml"},
			words: []string{"a.yaml: has staged changes"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
				shell(t, dir, "add", "a.yaml")
			},
		},
		{
			name:  "staged, and back in the work tree",
			paths: []string{"a.yaml"},
			words: []string{"a.yaml: has staged changes"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
				shell(t, dir, "add", "a.yaml")
				put(t, dir, map[string]string{"a.yaml": "a: 1\n"})
			},
		},
		{
			name:  "staged rename",
			paths: []string{"moved.yaml"},
			words: []string{"moved.yaml: has staged changes"},
			spoil: func(t *testing.T, dir string) { shell(t, dir, "mv", "a.yaml", "moved.yaml") },
		},
		{
			name:  "untracked",
			paths: []string{"a.yaml", "new.yaml"},
			words: []string{"new.yaml: is not tracked by git", "git add"},
			spoil: func(t *testing.T, dir string) { put(t, dir, map[string]string{"new.yaml": "x\n"}) },
		},
		{
			name:  "untracked, with a name like an option of git's",
			paths: []string{":(top)new.yaml"},
			words: []string{":(top)new.yaml: is not tracked by git"},
			spoil: func(t *testing.T, dir string) { put(t, dir, map[string]string{":(top)new.yaml": "x\n"}) },
		},
		{
			name:  "only added by name",
			paths: []string{"new.yaml"},
			words: []string{"new.yaml: has changes"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{"new.yaml": "x\n"})
				shell(t, dir, "add", "--intent-to-add", "new.yaml")
			},
		},
		{
			name:  "ignored",
			paths: []string{"new.yaml", "ignored.yaml", "ignored2.yaml"},
			words: []string{"ignored.yaml: is ignored by git", "1 more file", "--force"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{"new.yaml": "x\n", "ignored.yaml": "x\n", "ignored2.yaml": "x\n"})
			},
		},
		{name: "tracked, though ignored", paths: []string{"ignored-but-tracked.yaml"}},
		{
			name:  "skipped",
			paths: []string{"a.yaml"},
			words: []string{"a.yaml: is marked", "--no-skip-worktree"},
			spoil: func(t *testing.T, dir string) { shell(t, dir, "update-index", "--skip-worktree", "a.yaml") },
		},
		{
			name:  "assumed unchanged",
			paths: []string{"a.yaml"},
			words: []string{"a.yaml: is marked"},
			spoil: func(t *testing.T, dir string) { shell(t, dir, "update-index", "--assume-unchanged", "a.yaml") },
		},
		{
			name:  "outside",
			paths: []string{"../a.yaml"},
			words: []string{`"../a.yaml" is not the path`},
		},
		{
			name:  "in a submodule",
			paths: []string{"module/a.yaml"},
			words: []string{"module/a.yaml: is not tracked by git"},
			spoil: func(t *testing.T, dir string) {
				other := repository(t, map[string]string{"a.yaml": "a: 1\n"})
				shell(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other, "module")
			},
		},
		{
			name:  "merge",
			paths: []string{"c.yaml"},
			words: []string{"in the middle of a merge", "git merge --abort"},
			spoil: func(t *testing.T, dir string) {
				diverge(t, dir)
				shell(t, dir, "merge", "--quiet", "--no-commit", "--no-ff", "side")
			},
		},
		{
			name:  "rebase",
			paths: []string{"c.yaml"},
			words: []string{"in the middle of a rebase", "git rebase --abort"},
			spoil: func(t *testing.T, dir string) {
				diverge(t, dir)
				fails(t, dir, "rebase", "--quiet", "side")
			},
		},
		{
			name:  "am",
			paths: []string{"c.yaml"},
			words: []string{"in the middle of a rebase or git am"},
			spoil: func(t *testing.T, dir string) {
				diverge(t, dir)
				put(t, dir, map[string]string{"mbox": shell(t, dir, "format-patch", "--stdout", "-1", "side") + "\n"})
				fails(t, dir, "am", "--quiet", "mbox")
			},
		},
		{
			name:  "cherry-pick",
			paths: []string{"c.yaml"},
			words: []string{"in the middle of a cherry-pick"},
			spoil: func(t *testing.T, dir string) {
				diverge(t, dir)
				fails(t, dir, "cherry-pick", "side")
			},
		},
		{
			name:  "revert",
			paths: []string{"c.yaml"},
			words: []string{"in the middle of a revert"},
			spoil: func(t *testing.T, dir string) {
				diverge(t, dir)
				fails(t, dir, "revert", "--no-edit", "HEAD~1", "side")
			},
		},
		{
			name:  "broken index",
			paths: []string{"a.yaml"},
			words: []string{"git ls-files: ", "index"},
			spoil: func(t *testing.T, dir string) {
				put(t, dir, map[string]string{".git/index": "not an index, but long enough to be read as one"})
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, map[string]string{
				"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n", "c.yaml": "c: 1\n",
				"ignored-but-tracked.yaml": "d: 1\n", ".gitignore": "ignored*\n",
			})
			if tt.spoil != nil {
				tt.spoil(t, dir)
			}
			index := content(t, dir, ".git/index")
			err := open(t, filepath.Join(dir, tt.folder)).CheckCommittable(t.Context(), tt.paths)
			if tt.words == nil && err != nil {
				t.Errorf("got %v", err)
			}
			if tt.words != nil {
				code := fault.Refused
				if tt.name == "broken index" {
					code = fault.Failed
				}
				wantFault(t, err, code, tt.words...)
			}
			if content(t, dir, ".git/index") != index {
				t.Error("the index was written")
			}
		})
	}
}

// diverge gives a.yaml other contents on a branch, side, than on this one.
func diverge(t *testing.T, dir string) {
	t.Helper()
	shell(t, dir, "checkout", "--quiet", "-b", "side")
	put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
	shell(t, dir, "commit", "--quiet", "--all", "--message=side")
	shell(t, dir, "checkout", "--quiet", "-")
	put(t, dir, map[string]string{"sub/b.yaml": "b: 2\n"})
	shell(t, dir, "commit", "--quiet", "--all", "--message=here")
	if !strings.Contains(t.Name(), "merge") {
		put(t, dir, map[string]string{"a.yaml": "a: 3\n"})
		shell(t, dir, "commit", "--quiet", "--all", "--message=again")
	}
}

// fails runs git, which must stop half-way.
func fails(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := git(t.Context(), dir, args...); err == nil {
		t.Fatalf("git %q works: %s", args, out)
	}
}

func TestCheckCommittableUnborn(t *testing.T) {
	t.Parallel()
	needGit(t)
	dir := folder(t, map[string]string{"a.yaml": "a: b\n"})
	initialise(t, dir)
	shell(t, dir, "add", "a.yaml")
	err := open(t, dir).CheckCommittable(t.Context(), []string{"a.yaml"})
	wantFault(t, err, fault.Refused, "has no commit yet", "first commit")
}
