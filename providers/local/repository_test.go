package local

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

func change(path, content string, before *providers.Entry) []providers.Change {
	return []providers.Change{{Path: path, Content: []byte(content), Before: before}}
}

// Paths count from the top, wherever the checkout is, and may hold any byte.
func TestRepositoryOfFolder(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"top.yaml": "1\n", "sub/a.yaml": "2\n", "sub/new\nline": "3\n", "sub/\xff": "4\n", ":(glob)*": "5\n", `sub/"\t"`: "6\n", "sub/#?%20 x": "7\n",
	}
	dir := repository(t, want)
	r := open(t, filepath.Join(dir, "sub")).Repository()
	head := shell(t, dir, "rev-parse", "HEAD")
	entries, err := r.Tree(t.Context(), head)
	if err != nil {
		t.Fatal(err)
	}
	asked := []string{"../top.yaml", "/top.yaml", "a.yaml", "sub", "sub/", "", "*", "su*/a.yaml", "sub//a.yaml", "./top.yaml", "nul\x00"}
	for _, e := range entries {
		asked = append(asked, e.Path)
	}
	many := slices.Clone(asked)
	for range maxArguments / 100 {
		many = append(many, "absent/"+strings.Repeat("x", 200)+time.Duration(len(many)).String())
	}
	for _, paths := range [][]string{asked, many} {
		files, err := r.Files(t.Context(), head, paths)
		got := map[string]string{}
		for path, f := range files {
			got[path] = string(f.Content)
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("of %d paths: %v (-want +got):\n%s", len(paths), err, diff)
		}
	}
	for path := range want {
		log, err := r.Log(t.Context(), providers.LogQuery{Ref: head, Path: path})
		if err != nil || len(log) != 1 {
			t.Errorf("%q has %d commits, error %v", path, len(log), err)
		}
	}
	for path, want := range map[string]int{"sub/": 1, "a.yaml": 0, "../top.yaml": 0, "*": 0} {
		log, err := r.Log(t.Context(), providers.LogQuery{Ref: head, Path: path})
		if err != nil || len(log) != want {
			t.Errorf("%q has %d commits, want %d; error %v", path, len(log), want, err)
		}
	}
}

func TestRepositoryReadsAsItWas(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	head := shell(t, dir, "rev-parse", "HEAD")
	put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
	record(t, dir, "two")
	shell(t, dir, "replace", head+":a.yaml", "HEAD:a.yaml")
	files, err := open(t, dir).Repository().Files(t.Context(), head, []string{"a.yaml"})
	if err != nil || string(files["a.yaml"].Content) != "a: 1\n" {
		t.Errorf("got %q, error %v", files["a.yaml"].Content, err)
	}
}

func TestRepositoryLargeFile(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{
		"large": strings.Repeat("x", providers.MaxFile), "too large": strings.Repeat("x", providers.MaxFile+1), "z": "z",
	})
	files, err := open(t, dir).Repository().Files(t.Context(), shell(t, dir, "rev-parse", "HEAD"), []string{"large", "too large", "z"})
	if err != nil {
		t.Fatal(err)
	}
	if f := files["too large"]; f.Content != nil || f.Size != providers.MaxFile+1 {
		t.Errorf("the file that is too large has %d bytes, size %d", len(f.Content), f.Size)
	}
	if len(files["large"].Content) != providers.MaxFile || string(files["z"].Content) != "z" {
		t.Errorf("the others have %d bytes and %q", len(files["large"].Content), files["z"].Content)
	}
}

func TestRepositoryInfo(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	shell(t, dir, "branch", "--move", "trunk")
	r := open(t, dir).Repository()
	for _, step := range []struct {
		do   []string
		want string
	}{
		{[]string{"status"}, "trunk"},
		{[]string{"checkout", "--quiet", "--orphan", "unborn"}, "unborn"},
		{[]string{"checkout", "--quiet", "--detach", "trunk"}, ""},
	} {
		shell(t, dir, step.do...)
		info, err := r.Info(t.Context())
		if err != nil || info.DefaultBranch != step.want || info.Empty {
			t.Errorf("after %q: %+v, error %v", step.do, info, err)
		}
	}
}

func TestRepositoryWithoutGit(t *testing.T) {
	t.Parallel()
	r := open(t, folder(t, nil)).Repository()
	_, err := r.Info(t.Context())
	wantFault(t, err, fault.Refused, "not in a git repository")
	_, err = r.Compare(t.Context(), idA, idB)
	wantFault(t, err, fault.Refused, "not in a git repository")
}

func TestRepositoryResolve(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	shell(t, dir, "tag", "of-a-tree", "HEAD^{tree}")
	tree := shell(t, dir, "rev-parse", "HEAD^{tree}")
	head := shell(t, dir, "rev-parse", "HEAD")
	r := open(t, dir).Repository()
	for _, ref := range []string{"", "HEAD", "@", head[:12], head + "^", strings.ToUpper(head), tree, "of-a-tree", "-x", "--all", "a\x00b", "ma*", "refs/heads/main"} {
		sha, err := r.Resolve(t.Context(), ref)
		if !errors.Is(err, providers.ErrNotFound) {
			t.Errorf("%q is %q, error %v", ref, sha, err)
		}
	}
	_, err := r.Files(t.Context(), tree, []string{"a.yaml"})
	wantFault(t, err, fault.NotFound, tree)
	_, err = r.Tree(t.Context(), idA)
	wantFault(t, err, fault.NotFound, idA)
}

func TestRepositoryPartialClone(t *testing.T) {
	t.Parallel()
	dir, fetched := partialClone(t, "blob:none")
	r := open(t, dir).Repository()
	head := shell(t, dir, "rev-parse", "HEAD")
	if _, err := r.Resolve(t.Context(), idA); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("resolve: got the error %v", err)
	}
	files, err := r.Files(t.Context(), head, []string{"sub/c", "sub/d"})
	if err != nil || len(files) != 2 {
		t.Errorf("files: %v, error %v", files, err)
	}
	old := shell(t, dir, "rev-parse", "HEAD~2")
	_, err = r.Files(t.Context(), old, []string{"sub/b"})
	if !errors.Is(err, ErrAbsent) {
		t.Errorf("absent file: got the error %v", err)
	}
	if entries, err := r.Tree(t.Context(), old); err != nil || len(entries) != 2 || entries[0].Size != -1 {
		t.Errorf("tree: %v, error %v", entries, err)
	}
	if c, err := r.Compare(t.Context(), old, head); err != nil || len(c.Files) != 3 {
		t.Errorf("compare: %+v, error %v", c, err)
	}
	initialise(t, dir)
	e := files["sub/c"].Entry
	if _, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: head, Message: "x", Changes: change("sub/c", "new", &e)}); err != nil {
		t.Errorf("commit: %v", err)
	}
	if fetched() {
		t.Error("git tried to fetch")
	}
}

func TestRepositoryShallowClone(t *testing.T) {
	t.Parallel()
	origin := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	shell(t, origin, "branch", "side")
	put(t, origin, map[string]string{"a.yaml": "a: 2\n"})
	record(t, origin, "two")
	put(t, origin, map[string]string{"a.yaml": "a: 3\n"})
	record(t, origin, "three")
	dir := filepath.Join(folder(t, nil), "clone")
	shell(t, origin, "clone", "--quiet", "--depth=1", "--no-single-branch", "file://"+filepath.ToSlash(origin), dir)
	r := open(t, dir).Repository()
	head, side := shell(t, dir, "rev-parse", "HEAD"), shell(t, dir, "rev-parse", "origin/side")
	_, err := r.Compare(t.Context(), side, head)
	wantFault(t, err, fault.Failed, "shallow", "--unshallow")
	c, err := r.Compare(t.Context(), head, head)
	if err != nil || !c.Complete || c.MergeBase != head {
		t.Errorf("with itself: %+v, error %v", c, err)
	}
}

func TestRepositoryUnrelated(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	one := shell(t, dir, "rev-parse", "HEAD")
	two := shell(t, dir, "commit-tree", "-m", "unrelated", "HEAD^{tree}")
	c, err := open(t, dir).Repository().Compare(t.Context(), one, two)
	want := []providers.ChangedFile{{Path: "a.yaml", Status: providers.Added}}
	if err != nil || c.MergeBase != "" || len(c.Commits) != 1 || cmp.Diff(want, c.Files) != "" {
		t.Errorf("got %+v, error %v", c, err)
	}
}

func TestRepositoryArchiveClosed(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	head := shell(t, dir, "rev-parse", "HEAD")
	r := open(t, dir).Repository()
	a, err := r.Archive(t.Context(), head)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := a.Read(make([]byte, 1)); err == nil {
		t.Error("a closed archive can be read")
	}
	ctx, cancel := context.WithCancel(t.Context())
	a, err = r.Archive(ctx, head)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	// Git may have packed all of it before it is killed.
	if _, err := io.Copy(io.Discard, a); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestRepositoryCommitRefuses(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n", "folder/b.yaml": "b: 1\n"})
	shell(t, dir, "branch", "--move", "main")
	linked := filepath.Join(folder(t, nil), "linked")
	shell(t, dir, "worktree", "add", "--quiet", "-b", "linked", linked)
	r := open(t, dir).Repository()
	head := shell(t, dir, "rev-parse", "HEAD")
	refs := shell(t, dir, "for-each-ref")
	files, err := r.Files(t.Context(), head, []string{"a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	a := files["a.yaml"].Entry
	stale, other := a, a
	stale.ID, other.Mode = idA, providers.Executable
	edit := change("a.yaml", "a: 2\n", &a)
	for name, tt := range map[string]struct {
		branch, head string
		changes      []providers.Change
		err          error
		code         fault.Code
	}{
		"checked out":           {branch: "main", head: head, changes: edit, err: providers.ErrForbidden, code: fault.Refused},
		"checked out elsewhere": {branch: "linked", head: head, changes: edit, err: providers.ErrForbidden, code: fault.Refused},
		"bad name":              {branch: "a..b", changes: edit, code: fault.Usage},
		"HEAD":                  {branch: "HEAD", changes: edit, code: fault.Usage},
		"gone":                  {branch: "gone", head: head, changes: edit, err: providers.ErrConflict},
		"nothing":               {branch: "x", code: fault.Refused},
		"twice":                 {branch: "x", changes: slices.Concat(edit, edit), code: fault.Refused},
		"stale":                 {branch: "x", changes: change("a.yaml", "2", &stale), err: providers.ErrConflict},
		"another mode":          {branch: "x", changes: change("a.yaml", "2", &other), err: providers.ErrConflict},
		"there already":         {branch: "x", changes: change("a.yaml", "2", nil), err: providers.ErrConflict},
		"not there":             {branch: "x", changes: []providers.Change{{Path: "none", Before: &a}}, err: providers.ErrConflict},
		"over a folder":         {branch: "x", changes: change("folder", "2", nil), code: fault.Refused},
		"below a file":          {branch: "x", changes: change("a.yaml/b", "2", nil), code: fault.Refused},
		"outside":               {branch: "x", changes: change("../a", "2", nil), code: fault.Refused},
		"git's own":             {branch: "x", changes: change(".git/config", "2", nil), code: fault.Refused},
	} {
		sha, err := r.Commit(t.Context(), providers.CommitRequest{Branch: tt.branch, Parent: head, Head: tt.head, Message: "x", Changes: tt.changes})
		if sha != "" || err == nil || tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, error %v, want %v", name, sha, err, tt.err)
		}
		if tt.code != "" {
			wantFault(t, err, tt.code)
		}
	}
	if now := shell(t, dir, "for-each-ref"); now != refs {
		t.Errorf("the refs changed:\n%s", now)
	}
}

// The checkout, its index and what is staged stay as they are.
func TestRepositoryCommitLeavesCheckout(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
	put(t, dir, map[string]string{"b.yaml": "b: 2\n"})
	shell(t, dir, "add", "b.yaml")
	index, status := content(t, dir, ".git/index"), shell(t, dir, "status", "--porcelain")
	head := shell(t, dir, "rev-parse", "HEAD")
	r := open(t, dir).Repository()
	sha, err := r.Commit(t.Context(), providers.CommitRequest{
		Branch: "x", Parent: head, Message: "Add\n\nTrailer: yes", Changes: []providers.Change{{Path: "new.yaml", Content: []byte("n: 1\n")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := shell(t, dir, "diff-tree", "-r", "--name-status", head, sha); got != "A\tnew.yaml" {
		t.Errorf("the commit has %q", got)
	}
	if content(t, dir, ".git/index") != index || shell(t, dir, "status", "--porcelain") != status {
		t.Error("the checkout changed")
	}
	if got := shell(t, dir, "fsck", "--strict"); strings.Contains(got, "error") {
		t.Error(got)
	}
}

func TestRepositoryCommitSHA256(t *testing.T) {
	t.Parallel()
	needGit(t)
	dir := folder(t, map[string]string{"a.yaml": "a: 1\n"})
	shell(t, dir, "init", "--quiet", "--object-format=sha256")
	initialise(t, dir)
	record(t, dir, "first")
	r := open(t, dir).Repository()
	head := shell(t, dir, "rev-parse", "HEAD")
	files, err := r.Files(t.Context(), head, []string{"a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	e := files["a.yaml"].Entry
	changes := []providers.Change{{Path: "a.yaml", Before: &e}, {Path: "b.yaml", Content: []byte("b\n")}}
	sha, err := r.Commit(t.Context(), providers.CommitRequest{Branch: "x", Parent: head, Message: "x", Changes: changes})
	if err != nil || shell(t, dir, "ls-tree", "--name-only", sha) != "b.yaml" {
		t.Errorf("got %q, error %v", sha, err)
	}
}

func TestRepositoryParsers(t *testing.T) {
	t.Parallel()
	for _, out := range []string{"x", "100644 blob " + idA + "\ta", "100644 blob x\ta\x00", "100644 blob " + idA + " -1\ta\x00", "1 blob " + idA + "\ta\x00", "100644 blob " + idA + "\t\x00"} {
		if got, err := parseEntries(out); err == nil {
			t.Errorf("the entries %q are read as %v", out, got)
		}
	}
	about := ":100644 100644 " + idA + " " + idB + " "
	for _, out := range []string{"x\x00a\x00", about + "M\x00", about + "M\x00a", about + "M\x00\x00", about + "R100\x00a\x00", about + "X\x00a\x00"} {
		if got, err := parseChanged(out); err == nil {
			t.Errorf("the changes %q are read as %v", out, got)
		}
	}
	for _, out := range []string{"x", "commit " + idA + "\n\x00\n", "commit x\n\nn\ne\nn\ne\n1\nm\x00\n", "commit " + idA + "\n\nn\ne\nn\ne\n1\nm"} {
		if got, err := parseLog(out); err == nil {
			t.Errorf("the commits %q are read as %v", out, got)
		}
	}
}
