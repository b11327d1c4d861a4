package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

// commits returns the history of a checkout.
func commits(t testing.TB, c *Checkout) []Commit {
	t.Helper()
	var all []Commit
	err := c.History(t.Context(), func(c Commit) bool { all = append(all, c); return true })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// record commits all files as they are.
func record(t testing.TB, dir, message string) {
	t.Helper()
	shell(t, dir, "add", "--all")
	shell(t, dir, "commit", "--quiet", "--allow-empty", "--message="+message)
}

// summary is a history in lines: the subject, and after it "+new", "-gone",
// "~edited" and "old>new" files.
func summary(commits []Commit) []string {
	var lines []string
	for _, c := range commits {
		line := c.Subject
		for _, f := range c.Changes {
			switch {
			case f.OldPath != f.Path:
				line += " " + f.OldPath + ">" + f.Path
			case f.Old == "":
				line += " +" + f.Path
			case f.New == "":
				line += " -" + f.Path
			default:
				line += " ~" + f.Path
			}
		}
		if c.Cut {
			line += " (cut)"
		}
		lines = append(lines, line)
	}
	return lines
}

func wantHistory(t *testing.T, c *Checkout, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, summary(commits(t, c))); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n", "b/c": "b: 1\n"})
	put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
	shell(t, dir, "add", "a.yaml")
	shell(t, dir, "-c", "user.name=Bob", "-c", "user.email=bob@example.com", "commit", "--quiet",
		"--date=2001-01-01T00:00:00Z", "--message=second: x\n\nText.\n\ntowpath-requested-by: carol\nTowpath-Run: 1\n")
	shell(t, dir, "commit", "--quiet", "--allow-empty", "--message=third")
	got := commits(t, open(t, dir))
	var want []Commit
	for i, c := range []Commit{
		{Author: "Ann", Email: "ann@example.com", Subject: "third"},
		{
			Author: "Bob", Email: "bob@example.com", Subject: "second: x", RequestedBy: "carol",
			Changes: []FileChange{{Path: "a.yaml", OldPath: "a.yaml", Old: blob(t, dir, "a: 1\n"), New: blob(t, dir, "a: 2\n")}},
		},
		{
			Author: "Ann", Email: "ann@example.com", Subject: "first",
			Changes: []FileChange{
				{Path: "a.yaml", OldPath: "a.yaml", New: blob(t, dir, "a: 1\n")},
				{Path: "b/c", OldPath: "b/c", New: blob(t, dir, "b: 1\n")},
			},
		},
	} {
		c.SHA = shell(t, dir, "rev-parse", fmt.Sprintf("HEAD~%d", i))
		landed, err := time.Parse(time.RFC3339, shell(t, dir, "log", "-1", "--format=%cI", c.SHA))
		if err != nil {
			t.Fatal(err)
		}
		c.Time = landed.UTC()
		want = append(want, c)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// blob returns the id of contents.
func blob(t testing.TB, dir, content string) string {
	t.Helper()
	cmd := exec.Command("git", "-C", dir, "hash-object", "--stdin")
	cmd.Env = environ(os.Environ())
	cmd.Stdin = strings.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// A merge is one step: what landed on the branch, when it did.
func TestHistoryOfMerges(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.yaml": "a: 1\n"})
	shell(t, dir, "checkout", "--quiet", "-b", "side")
	put(t, dir, map[string]string{"b.yaml": "b: 1\n"})
	record(t, dir, "on the side")
	put(t, dir, map[string]string{"b.yaml": "b: 2\n"})
	record(t, dir, "on the side again")
	shell(t, dir, "checkout", "--quiet", "-")
	put(t, dir, map[string]string{"a.yaml": "a: 2\n"})
	record(t, dir, "meanwhile")
	shell(t, dir, "merge", "--quiet", "--no-ff", "--message=merge", "side")
	wantHistory(t, open(t, dir), "merge +b.yaml", "meanwhile ~a.yaml", "first +a.yaml")
}

func TestHistoryOfRenames(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("line\n", 30)
	dir := repository(t, map[string]string{"a": text + "1", "b": text + "2", "sub/x": text + "3", "other": "something else"})
	shell(t, dir, "mv", "a", "moved")
	record(t, dir, "moved")
	shell(t, dir, "mv", "moved", "edited")
	put(t, dir, map[string]string{"edited": text + "9"})
	record(t, dir, "moved and edited")
	shell(t, dir, "mv", "b", "sub/b")
	record(t, dir, "moved into the folder")
	shell(t, dir, "mv", "sub/x", "sub/y")
	record(t, dir, "moved in the folder")
	wantHistory(t, open(t, dir),
		"moved in the folder sub/x>sub/y", "moved into the folder b>sub/b", "moved and edited moved>edited", "moved a>moved",
		"first +a +b +other +sub/x")
	wantHistory(t, open(t, dir+"/sub"),
		"moved in the folder x>y", "moved into the folder +b", "moved and edited", "moved", "first +x")
}

func TestHistoryOfOtherKinds(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a": "1\n", "b": "2\n"})
	symlink(t, "a", filepath.Join(dir, "link"))
	shell(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+idA+",module")
	shell(t, dir, "add", "link")
	shell(t, dir, "commit", "--quiet", "--message=a link and a submodule")
	shell(t, dir, "update-index", "--chmod=+x", "a")
	shell(t, dir, "commit", "--quiet", "--message=mode only")
	shell(t, dir, "reset", "--quiet", "--hard")
	if err := errors.Join(os.Remove(filepath.Join(dir, "b")), os.Remove(filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	symlink(t, "a", filepath.Join(dir, "b"))
	put(t, dir, map[string]string{"link": "now a file\n"})
	shell(t, dir, "add", "b", "link")
	shell(t, dir, "commit", "--quiet", "--message=swapped")
	wantHistory(t, open(t, dir), "swapped -b +link", "mode only", "a link and a submodule", "first +a +b")
}

func TestHistoryOfAwkwardNames(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, name := range append(awkward(), ":100644 100644 x", enough[:6], idA) {
		files["sub/"+name] = name
	}
	if runtime.GOOS == "linux" {
		files["sub/\xff\xfe"] = "not UTF-8"
	}
	dir := repository(t, files)
	for path := range files {
		files[path] += " 2"
	}
	put(t, dir, files)
	record(t, dir, "all")
	for _, c := range commits(t, open(t, dir+"/sub")) {
		got := map[string]bool{}
		for _, f := range c.Changes {
			got["sub/"+f.Path] = true
		}
		for path := range files {
			if !got[path] {
				t.Errorf("%s: %q is missing", c.Subject, path)
			}
		}
		if len(got) != len(files) {
			t.Errorf("%s: got %d files, want %d", c.Subject, len(got), len(files))
		}
	}
}

func TestHistoryOfNothing(t *testing.T) {
	t.Parallel()
	needGit(t)
	wantHistory(t, open(t, folder(t, map[string]string{"a": "1"})))
	unborn := folder(t, map[string]string{"a": "1"})
	initialise(t, unborn)
	wantHistory(t, open(t, unborn))
	shell(t, unborn, "commit", "--quiet", "--allow-empty", "--message=first")
	wantHistory(t, open(t, unborn), "first")
}

func TestHistoryOfShallowClone(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a": "1", "b": "1"})
	for _, n := range []string{"2", "3", "4"} {
		put(t, dir, map[string]string{"a": n})
		record(t, dir, "to "+n)
	}
	for depth, want := range map[string][]string{
		"1": {"to 4 +a +b (cut)"},
		"2": {"to 4 ~a", "to 3 +a +b (cut)"},
		"4": {"to 4 ~a", "to 3 ~a", "to 2 ~a", "first +a +b"},
	} {
		clone := filepath.Join(folder(t, nil), "clone")
		shell(t, dir, "clone", "--quiet", "--depth="+depth, "file://"+filepath.ToSlash(dir), clone)
		wantHistory(t, open(t, clone), want...)
	}
}

// The same history, whatever the work tree, the configuration or the hash.
func TestHistoryElsewhere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		init []string
		// change returns the directory to open.
		change func(t *testing.T, dir string) string
	}{
		{name: "detached", change: func(t *testing.T, dir string) string {
			shell(t, dir, "checkout", "--quiet", "--detach")
			return dir
		}},
		{name: "linked work tree", change: func(t *testing.T, dir string) string {
			other := filepath.Join(folder(t, nil), "other")
			shell(t, dir, "worktree", "add", "--quiet", "--detach", other)
			return other
		}},
		{name: "packed, with a commit graph", change: func(t *testing.T, dir string) string {
			shell(t, dir, "repack", "-adq")
			shell(t, dir, "commit-graph", "write", "--reachable")
			return dir
		}},
		{name: "a file named HEAD", change: func(t *testing.T, dir string) string {
			put(t, dir, map[string]string{"HEAD": "x"})
			return dir
		}},
		{name: "SHA-256", init: []string{"--object-format=sha256"}},
		{name: "configuration", change: func(t *testing.T, dir string) string {
			put(t, dir, map[string]string{"order": "z\na\n"})
			for _, set := range [][2]string{
				{"color.ui", "always"},
				{"core.abbrev", "4"},
				{"core.quotePath", "true"},
				{"diff.ignoreSubmodules", "all"},
				{"diff.interHunkContext", "3"},
				{"diff.mnemonicPrefix", "true"},
				{"diff.noprefix", "true"},
				{"diff.orderFile", "order"},
				{"diff.relative", "true"},
				{"diff.renameLimit", "1"},
				{"diff.renames", "false"},
				{"diff.external", "false"},
				{"format.pretty", "oneline"},
				{"i18n.logOutputEncoding", "ISO-8859-1"},
				{"log.abbrevCommit", "true"},
				{"log.date", "relative"},
				{"log.decorate", "full"},
				{"log.diffMerges", "combined"},
				{"log.follow", "true"},
				{"log.mailmap", "false"},
				{"log.showRoot", "false"},
				{"log.showSignature", "true"},
				{"notes.displayRef", "*"},
			} {
				shell(t, dir, "config", set[0], set[1])
			}
			shell(t, dir, "notes", "add", "--message=a note", "HEAD")
			return dir
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			needGit(t)
			text := strings.Repeat("line\n", 30)
			dir := folder(t, map[string]string{"a": text + "1", "b": text + "2", "z": "1"})
			cmd := exec.Command("git", append([]string{"-C", dir, "init", "--quiet"}, tt.init...)...)
			cmd.Env = environ(os.Environ())
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("this git has no %q: %s", tt.init, out)
			}
			initialise(t, dir)
			record(t, dir, "first")
			shell(t, dir, "mv", "a", "c")
			shell(t, dir, "mv", "b", "d")
			put(t, dir, map[string]string{"c": text + "3", "d": text + "4"})
			record(t, dir, "moved")
			put(t, dir, map[string]string{"c": text + "5", "z": "2"})
			record(t, dir, "edited")
			put(t, dir, map[string]string{"c": text + "6"})
			record(t, dir, "très bien")
			if tt.change != nil {
				dir = tt.change(t, dir)
			}
			wantHistory(t, open(t, dir), "très bien ~c", "edited ~c ~z", "moved a>c b>d", "first +a +b +z")
		})
	}
}

// Replaced and grafted commits are seen as git shows them, and no shallow clone.
func TestHistoryReplaced(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a": "1"})
	for _, n := range []string{"2", "3", "4"} {
		put(t, dir, map[string]string{"a": n})
		record(t, dir, "to "+n)
	}
	shell(t, dir, "replace", "--graft", "HEAD~1", "HEAD~3")
	wantHistory(t, open(t, dir), "to 4 ~a", "to 3 ~a", "first +a")
	shell(t, dir, "replace", "--force", "--graft", "HEAD~1")
	wantHistory(t, open(t, dir), "to 4 ~a", "to 3 +a")
}

func TestHistoryPeople(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{".mailmap": "Ann Example <ann@example.org> <ann@example.com>\n"})
	shell(t, dir, "-c", "user.name=J\xfcrgen", "-c", "user.email=j@example.com", "-c", "i18n.commitEncoding=ISO-8859-1",
		"commit", "--quiet", "--allow-empty", "--message=gr\xfc\xdfe\n\nTowpath-Requested-By: J\xfcrgen\n")
	shell(t, dir, "-c", "user.name=J. R. (\"x\") O'Neill, Jr.", "-c", "user.email=j@example.com",
		"commit", "--quiet", "--allow-empty", "--message=one\ntwo\n\nTowpath-Requested-By: bob\nTowpath-Requested-By: carol\n  of course\n")
	shell(t, dir, "commit", "--quiet", "--allow-empty", "--message=Towpath-Requested-By: no trailer\n\nTowpath-Requested-By: nor this\n\nEnd.")
	type person struct{ Author, Email, Subject, RequestedBy string }
	var got []person
	for _, c := range commits(t, open(t, dir)) {
		got = append(got, person{c.Author, c.Email, c.Subject, c.RequestedBy})
	}
	want := []person{
		{"Ann Example", "ann@example.org", "Towpath-Requested-By: no trailer", ""},
		{`J. R. ("x") O'Neill, Jr`, "j@example.com", "one two", "carol of course"},
		{"Jürgen", "j@example.com", "grüße", "Jürgen"},
		{"Ann Example", "ann@example.org", "first", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
}

// More commits than are compared at once, and more than one git may be asked.
func TestHistoryInOrder(t *testing.T) {
	t.Parallel()
	s := shapes()[0]
	s.paths = s.paths[:20]
	dir, edited := generate(t, s, 4000)
	var got []Commit
	w := open(t, dir).walk()
	w.lifetime = func(context.Context) int { return 1 }
	if err := w.run(t.Context(), func(c Commit) bool { got = append(got, c); return true }); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(edited) {
		t.Fatalf("got %d commits, want %d", len(got), len(edited))
	}
	slices.Reverse(got)
	now := map[string]string{}
	for i, commit := range got {
		if want := fmt.Sprintf("Update image %d", i); commit.Subject != want {
			t.Fatalf("commit %d: got subject %q", i, commit.Subject)
		}
		if want := []string{edited[i]}; i > 0 {
			var paths []string
			for _, f := range commit.Changes {
				paths = append(paths, f.Path)
			}
			if !slices.Equal(paths, want) {
				t.Fatalf("commit %d: changed %q, want %q", i, paths, want)
			}
		}
		for _, f := range commit.Changes {
			if f.Old != now[f.Path] || f.OldPath != f.Path || f.New == "" {
				t.Fatalf("commit %d: got %+v, want it to follow on %q", i, f, now[f.Path])
			}
			now[f.Path] = f.New
		}
	}
}

// How many trees git may keep depends on how large they are.
func TestLifetime(t *testing.T) {
	t.Parallel()
	c := open(t, repository(t, map[string]string{"a": "1"}))
	small := c.lifetime(t.Context())
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprint(i)] = ""
	}
	put(t, c.Dir(), files)
	record(t, c.Dir(), "many")
	if large := c.lifetime(t.Context()); large < largest || large >= small || small < 100_000 {
		t.Errorf("got %d for a small and %d for a large tree", small, large)
	}
}

func TestHistoryOfManyFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("a/%d", i)] = strings.Repeat("line\n", 10) + fmt.Sprint(i)
	}
	dir := repository(t, files)
	shell(t, dir, "mv", "a", "b")
	record(t, dir, "moved")
	for i, c := range commits(t, open(t, dir)) {
		if len(c.Changes) != 1000 {
			t.Errorf("%s: got %d changes, want 1000", c.Subject, len(c.Changes))
		}
		for _, f := range c.Changes {
			if moved := f.OldPath != f.Path; moved != (i == 0) {
				t.Fatalf("%s: got %+v", c.Subject, f)
			}
		}
	}
}

func TestHistoryStops(t *testing.T) {
	t.Parallel()
	s := shapes()[0]
	dir, _ := generate(t, s, 1000)
	c := open(t, dir)
	for _, after := range []int{1, smallest, smallest + 1, 999} {
		n := 0
		if err := c.History(t.Context(), func(Commit) bool { n++; return n < after }); err != nil || n != after {
			t.Errorf("got %d commits, %v; want %d and no error", n, err, after)
		}
	}
	for _, after := range []int{1, 200, 999} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		err := c.History(ctx, func(Commit) bool {
			if n++; n == after {
				cancel()
			}
			return true
		})
		// What was compared already may still come.
		if err == nil && n == 1000 {
			continue
		}
		wantFault(t, err, fault.Failed, "was stopped")
		if !errors.Is(err, context.Canceled) || n < after {
			t.Errorf("got %v after %d commits, want it to wrap context.Canceled", err, n)
		}
	}
}

func TestHistoryBroken(t *testing.T) {
	t.Parallel()
	for _, object := range []string{"HEAD~2", "HEAD~2^{tree}", "HEAD", "HEAD^{tree}"} {
		t.Run(object, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, map[string]string{"sub/a": "1"})
			for _, n := range []string{"2", "3", "4"} {
				put(t, dir, map[string]string{"sub/a": n})
				record(t, dir, "to "+n)
			}
			c := open(t, dir)
			id := shell(t, dir, "rev-parse", object)
			if err := os.Remove(filepath.Join(dir, ".git", "objects", id[:2], id[2:])); err != nil {
				t.Fatal(err)
			}
			err := c.History(t.Context(), func(Commit) bool { return true })
			wantFault(t, err, fault.Failed, "git ")
		})
	}
}
