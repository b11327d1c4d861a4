package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
)

// CheckCommittable fails with a *fault.Error if a commit of exactly these
// paths would hold more than the edits that the caller is about to make, or
// would not come about: without git or a first commit, in the middle of a
// merge, rebase, cherry-pick or revert, and for a path that is untracked,
// ignored, hidden from git's comparison, or changed already, staged or not.
// A detached HEAD is fine, and so are changes in other files. It changes
// nothing, not even git's index. Without paths it looks at the repository only.
func (c *Checkout) CheckCommittable(ctx context.Context, paths []string) error {
	if !c.IsGit() {
		return noRepository(c.dir)
	}
	if err := c.checkState(ctx); err != nil || len(paths) == 0 {
		return err
	}
	for _, p := range paths {
		if _, err := c.name(p); err != nil {
			return err
		}
	}
	if err := c.checkTracked(ctx, paths); err != nil {
		return err
	}
	return c.checkClean(ctx, paths)
}

func noRepository(dir string) error {
	return fault.New(fault.Refused, "edit without committing, or make a repository with `git init`",
		"%q is not in a git repository", dir)
}

// unfinished are the operations that a commit in between would disturb: by
// the file in the .git directory that tells of them, or by the commit that
// git remembers under a name, where not all ways of storing it are a file.
var unfinished = []struct{ file, name, operation, hint string }{
	{file: "rebase-merge", operation: "rebase", hint: "finish it, or `git rebase --abort`"},
	{file: "rebase-apply", operation: "rebase or git am", hint: "finish it, or `git rebase --abort` or `git am --abort`"},
	{name: "MERGE_HEAD", operation: "merge", hint: "finish it, or `git merge --abort`"},
	{name: "CHERRY_PICK_HEAD", operation: "cherry-pick", hint: "finish it, or `git cherry-pick --abort`"},
	{name: "REVERT_HEAD", operation: "revert", hint: "finish it, or `git revert --abort`"},
	{file: "sequencer", operation: "cherry-pick or revert", hint: "finish it, or `git cherry-pick --abort` or `git revert --abort`"},
}

func (c *Checkout) checkState(ctx context.Context) error {
	names := []string{"HEAD"}
	for _, u := range unfinished {
		if u.name != "" {
			names = append(names, u.name)
		}
	}
	cmd := command(ctx, c.dir, "cat-file", "--batch-check=%(objecttype)")
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	out, err := run(ctx, cmd)
	if err != nil {
		return err
	}
	exists := map[string]bool{}
	for i, answer := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if i < len(names) && answer == "commit" {
			exists[names[i]] = true
		}
	}
	for _, u := range unfinished {
		found := exists[u.name]
		if u.file != "" {
			_, err := os.Lstat(filepath.Join(c.gitDir, u.file))
			found = err == nil
		}
		if found {
			return fault.New(fault.Refused, u.hint, "%q is in the middle of a %s", c.dir, u.operation)
		}
	}
	if !exists["HEAD"] {
		return fault.New(fault.Refused, "make a first commit with the files as they are", "the branch of %q has no commit yet", c.dir)
	}
	return nil
}

// checkTracked lists all files, as git has no way to hand over as many paths
// as there may be.
func (c *Checkout) checkTracked(ctx context.Context, paths []string) error {
	out, err := git(ctx, c.dir, "ls-files", "-z", "-v", "--cached")
	if err != nil {
		return err
	}
	flags := map[string]byte{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if len(entry) > 2 {
			flags[entry[2:]] = entry[0]
		}
	}
	var untracked, hidden []string
	for _, p := range paths {
		switch flag := flags[p]; {
		case flag == 0:
			untracked = append(untracked, p)
		case flag == 'S', flag >= 'a' && flag <= 'z':
			hidden = append(hidden, p)
		}
	}
	if len(untracked) > 0 {
		return c.untracked(ctx, untracked)
	}
	if len(hidden) > 0 {
		return refuse(hidden, "is marked so that git does not see changes in it",
			"see `git update-index --no-skip-worktree --no-assume-unchanged FILE`")
	}
	return nil
}

func (c *Checkout) untracked(ctx context.Context, paths []string) error {
	cmd := command(ctx, c.dir, "check-ignore", "-z", "--stdin")
	// The prefix keeps git from reading a leading colon as a command.
	cmd.Stdin = strings.NewReader("./" + strings.Join(paths, "\x00./") + "\x00")
	out, err := run(ctx, cmd)
	if ctx.Err() != nil {
		return err
	}
	// Git also fails when nothing is ignored, and for files in submodules.
	if err == nil && len(out) > 2 {
		ignored := strings.Split(string(out[2:len(out)-1]), "\x00./")
		return refuse(ignored, "is ignored by git",
			"edit without committing, or add it with `git add --force` and commit it first")
	}
	return refuse(paths, "is not tracked by git", "edit without committing, or add it with `git add` and commit it first")
}

func (c *Checkout) checkClean(ctx context.Context, paths []string) error {
	prefix, err := c.prefix(ctx)
	if err != nil {
		return err
	}
	out, err := git(ctx, c.dir, "status", "-z", "--porcelain=v1", "--untracked-files=no", "--ignore-submodules=all", "--no-renames")
	if err != nil {
		return err
	}
	changes := map[string]string{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if len(entry) < 4 {
			continue
		}
		// Unlike ls-files, this names paths from the top of the work tree.
		if path, ok := strings.CutPrefix(entry[3:], prefix); ok {
			changes[path] = entry[:2]
		}
	}
	var staged, unstaged []string
	for _, p := range paths {
		switch change, ok := changes[p]; {
		case !ok:
		case change[0] != ' ':
			staged = append(staged, p)
		default:
			unstaged = append(unstaged, p)
		}
	}
	const hint = "commit or stash them first, or edit without committing"
	if len(staged) > 0 {
		return refuse(staged, "has staged changes", hint)
	}
	if len(unstaged) > 0 {
		return refuse(unstaged, "has changes that are not committed", hint)
	}
	return nil
}

// refuse returns a fault for the first of the paths that counts the others.
func refuse(paths []string, claim, hint string) error {
	switch n := len(paths) - 1; {
	case n == 1:
		claim += ", and so is it with 1 more file"
	case n > 1:
		claim += fmt.Sprintf(", and so is it with %d more files", n)
	}
	return &fault.Error{Code: fault.Refused, Message: claim, Hint: hint, Path: paths[0]}
}

// Commit commits the present contents of just these paths, with the message as
// it is but for white space at its ends, and returns the full hash of the
// commit. Other changes, staged or not, stay as they are. Hooks, filters,
// signing and identity are those that `git commit` would use; the language of
// messages is English for them too.
//
// The error is a *fault.Error; git's own words are its cause. With an error
// nothing is committed, and the files keep their contents. What goes wrong once
// the commit is made, such as a hook behind it, is no error.
func (c *Checkout) Commit(ctx context.Context, paths []string, message string) (sha string, err error) {
	switch {
	case !c.IsGit():
		return "", noRepository(c.dir)
	case len(paths) == 0:
		return "", fault.New(fault.Refused, "", "no files to commit")
	case strings.TrimSpace(message) == "":
		return "", fault.New(fault.Refused, "give a message", "the commit message is empty")
	}
	list, err := c.pathspecs(paths)
	if err != nil {
		return "", err
	}
	defer os.Remove(list)

	before := c.head(ctx)
	cmd := command(ctx, c.dir, "commit", "--quiet", "--only", "--cleanup=whitespace", "--file=-",
		"--pathspec-from-file="+list, "--pathspec-file-nul")
	// Hooks inherit this. So it must not change the character set, as LC_ALL
	// would, nor how they name paths, as GIT_LITERAL_PATHSPECS would.
	cmd.Env = environ(os.Environ(), "LANGUAGE=en", committing+"="+c.gitDir)
	cmd.Stdin = strings.NewReader(message)
	cmd.Cancel = func() error { return stop(cmd.Process) }
	out, err := run(ctx, cmd)
	// Git may be stopped between making the commit and ending.
	if head := c.head(context.WithoutCancel(ctx)); head != "" && head != before {
		return head, nil
	}
	if err == nil {
		return "", fault.New(fault.Failed, "look at `git log`", "git made no commit, and did not say why")
	}
	return "", c.uncommitted(ctx, out, err)
}

// committing is the variable by which a run that a hook starts can tell that
// it would wait for the lock of the run that waits for the hook.
const committing = "TOWPATH_COMMITTING"

// head returns the hash of the commit that is checked out, "" if there is none.
func (c *Checkout) head(ctx context.Context) string {
	out, err := git(ctx, c.dir, "rev-parse", "--verify", "--quiet", "HEAD")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// pathspecs writes the paths to a file, since there may be more of them than
// fit on a command line and standard input is taken by the message.
func (c *Checkout) pathspecs(paths []string) (name string, err error) {
	var list bytes.Buffer
	for _, p := range paths {
		if _, err := c.name(p); err != nil {
			return "", err
		}
		fmt.Fprintf(&list, ":(literal)%s\x00", p)
	}
	f, err := os.CreateTemp("", "towpath-paths-*")
	if err == nil {
		_, err = f.Write(list.Bytes())
		err = errors.Join(err, f.Close())
		// TMPDIR may be relative, but git runs in another directory.
		name = f.Name()
		if full, absErr := filepath.Abs(name); absErr == nil {
			name = full
		}
	}
	if err != nil {
		os.Remove(name)
		return "", &fault.Error{
			Code: fault.Failed, Message: "write the list of files to commit",
			Hint: "check the folder for temporary files, which TMPDIR names", Err: err,
		}
	}
	return name, nil
}

// The ways in which git commit fails that a person can mend, in its own words.
var (
	nothing    = words(`nothing to commit|nothing added to commit|no changes added to commit`)
	noIdentity = words(`[Pp]lease tell me who you are|empty ident name|auto-detect email address|no email was given|no name was given`)
	locked     = words(`Unable to create '(.+\.lock)': File exists`)
	unsigned   = words(`(?i)failed to sign|gpg|ssh-keygen|signing ?key|load (?:public )?key|ssh fingerprint`)
	hookEnded  = words(`aborted by hook`)
)

// words compiles a pattern when it is first used, since most runs commit
// nothing and all of them start.
func words(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func (c *Checkout) uncommitted(ctx context.Context, out []byte, err error) error {
	failure, ok := errors.AsType[*gitError](err)
	if !ok {
		return err
	}
	said := failure.stderr
	switch {
	case locked().MatchString(said):
		return &fault.Error{
			Code: fault.Conflict, Message: "another git process is at work in the repository", Err: failure,
			Hint: fmt.Sprintf("wait for it; if there is none, remove %s", locked().FindStringSubmatch(said)[1]),
		}
	case noIdentity().MatchString(said):
		return anonymous(failure)
	case strings.Contains(said, "failed to write commit object") && unsigned().MatchString(said):
		return notSigned(failure)
	case failure.status == 1 && nothing().Match(out):
		return fault.New(fault.Refused, "", "the files are as they were committed last, so there is nothing to commit")
	case hookEnded().MatchString(said), failure.status == 1 && !strings.HasPrefix(said, "error: pathspec") && c.hasHook(ctx):
		return &fault.Error{
			Code: fault.Failed, Message: "a git hook rejected the commit", Err: failure,
			Hint: "mend what the hook says, and run again",
		}
	}
	return &fault.Error{
		Code: fault.Failed, Message: "git did not make the commit", Err: failure,
		Hint: "`git status` may say more",
	}
}

func anonymous(failure *gitError) error {
	return &fault.Error{
		Code: fault.Failed, Message: "git does not know who commits", Err: failure,
		Hint: `set it with git config user.name "NAME" and git config user.email "ADDRESS"`,
	}
}

func notSigned(failure *gitError) error {
	return &fault.Error{
		Code: fault.Failed, Message: "the commit could not be signed", Err: failure,
		Hint: "check user.signingKey, gpg.format and commit.gpgSign in git's configuration",
	}
}

// hasHook reports whether there is a hook that can reject a commit.
func (c *Checkout) hasHook(ctx context.Context) bool {
	top, err := git(ctx, c.dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return false
	}
	// Git prints a relative core.hooksPath as it stands, which counts from there.
	dir := filepath.FromSlash(strings.TrimSuffix(string(top), "\n"))
	for _, hook := range []string{"pre-commit", "prepare-commit-msg", "commit-msg"} {
		out, err := git(ctx, dir, "rev-parse", "--git-path", "hooks/"+hook)
		if err != nil {
			return false
		}
		name := filepath.FromSlash(strings.TrimSuffix(string(out), "\n"))
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
}
