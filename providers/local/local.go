// Package local owns a config repository that is checked out on disk: which of
// its files may be edited, reading them, replacing them all or not at all,
// committing exactly those through the git program, so that the user's hooks,
// filters and signing apply, and which commits changed them before. It also
// gives out the commits of the repository as package providers knows them.
//
// It refuses to follow symbolic links, to touch git's own files, to overwrite
// what changed since it was read, and to commit anything beside the files it
// is given. It does not fetch, push, switch branches or know what the files
// say. A directory without git can be read and edited, but not committed.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	slashpath "path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Checkout is a directory of files to edit: a git work tree, a folder inside
// of one, or a directory that git does not know. Paths are relative to it and
// have slashes. Its methods may be called from several goroutines; only
// Replace and Commit need the caller to hold the lock of [Checkout.Lock].
type Checkout struct {
	dir    string
	gitDir string // "" if git does not know the directory

	locked atomic.Bool // by this checkout

	real sync.Map // the folders, by path, that were reached without a symbolic link

	// Replaced in tests, to fail at a chosen moment.
	stage  func(name string, content []byte, like fs.FileInfo) error
	rename func(from, to string) error
}

// Open opens a directory, which need not be the top of a git work tree. The
// variables by which git itself passes on a repository to its hooks (GIT_DIR,
// GIT_INDEX_FILE and so on) are not obeyed: the directory alone says which
// repository is meant. Open fails with a *fault.Error if dir is not there, is
// no directory, is a bare repository or lies within a .git directory, if git
// refuses it because it belongs to somebody else, and if there is a .git but
// no git program.
func Open(ctx context.Context, dir string) (*Checkout, error) {
	root, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	gitDir, err := findGit(ctx, root)
	if err != nil {
		return nil, err
	}
	return &Checkout{
		dir:    root,
		gitDir: gitDir,
		stage:  stage,
		rename: os.Rename,
	}, nil
}

// Dir returns the directory, absolute and without symbolic links.
func (c *Checkout) Dir() string { return c.dir }

// IsGit reports whether the directory is in a git work tree.
func (c *Checkout) IsGit() bool { return c.gitDir != "" }

func resolve(dir string) (string, error) {
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(root)
	}
	switch {
	case isMissing(err):
		return "", fault.New(fault.NotFound, "check the spelling; a relative path starts at the current directory",
			"directory %q does not exist", dir)
	case errors.Is(err, fs.ErrPermission):
		return "", &fault.Error{
			Code: fault.Access, Message: fmt.Sprintf("open directory %q", dir),
			Hint: "allow this user to read it", Err: cause(err),
		}
	case err != nil:
		return "", &fault.Error{Code: fault.Failed, Message: fmt.Sprintf("open directory %q", dir), Err: cause(err)}
	case !info.IsDir():
		return "", fault.New(fault.Refused, "name the directory that holds the files", "%q is not a directory", dir)
	}
	return root, nil
}

// findGit returns the .git directory of the work tree that dir is in, and ""
// if it is in none.
func findGit(ctx context.Context, dir string) (string, error) {
	out, err := git(ctx, dir, "rev-parse",
		"--is-bare-repository", "--is-inside-git-dir", "--is-inside-work-tree", "--absolute-git-dir")
	if err != nil {
		return "", unopened(dir, err)
	}
	answers := strings.SplitN(strings.TrimSuffix(string(out), "\n"), "\n", 4)
	if len(answers) != 4 {
		return "", fault.New(fault.Failed, "", "git describes %q in unknown words: %q", dir, out)
	}
	switch {
	case answers[0] == "true":
		return "", bare(dir)
	case answers[1] == "true":
		return "", fault.New(fault.Refused, "name the directory that holds the checked-out files",
			"%q is inside of a .git directory", dir)
	case answers[2] != "true":
		return "", fault.New(fault.Refused, "see `git config core.worktree`", "%q is outside of its work tree", dir)
	}
	return filepath.FromSlash(answers[3]), nil
}

// unopened judges why git could not say which repository dir is in. It returns
// nil where there simply is none.
func unopened(dir string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, exec.ErrDot) {
		if above := gitAbove(dir); above != "" {
			return &fault.Error{
				Code: fault.Failed, Message: fmt.Sprintf("%q is in a git repository, but there is no git program", dir),
				Hint: "install git 2.26 or later and put it on the PATH", Err: err,
			}
		}
		return nil
	}
	failure, ok := errors.AsType[*gitError](err)
	if !ok {
		return err
	}
	const advice = "git config --global --add safe.directory "
	switch text := failure.stderr; {
	case strings.Contains(text, "not a git repository (or any"):
		return nil
	case strings.Contains(text, "dubious ownership"), strings.Contains(text, "unsafe repository"):
		command := advice + dir
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, advice) {
				command = line
			}
		}
		return fault.New(fault.Access, "if you trust it, run: "+command,
			"git does not work in %q, because it belongs to another user", dir)
	case strings.Contains(text, "cannot use bare repository"):
		return bare(dir)
	}
	return err
}

func bare(dir string) error {
	return fault.New(fault.Refused, "clone it, and name the clone", "%q is a bare repository, without files to edit", dir)
}

// gitAbove returns the .git in dir or in the nearest directory above it.
func gitAbove(dir string) string {
	for {
		name := filepath.Join(dir, ".git")
		if _, err := os.Lstat(name); err == nil {
			return name
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// name returns the name on disk of a path, and a fault for a path that is not
// a plain one within the checkout or that is git's own.
func (c *Checkout) name(path string) (string, error) {
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) || filepath.ToSlash(local) != path || slashpath.Clean(path) != path || path == "." {
		return "", fault.New(fault.Refused, "name files by their path relative to the checkout",
			"%q is not the path of a file within the checkout", path)
	}
	for part := range strings.SplitSeq(path, "/") {
		// Some file systems ignore case, and Windows also what is trimmed here.
		if strings.EqualFold(strings.TrimRight(part, " ."), ".git") {
			return "", fault.New(fault.Refused, "", "%q is one of git's own files", path)
		}
	}
	return filepath.Join(c.dir, local), nil
}

// follow returns nil if folder, and every folder above it up to the checkout,
// is a directory and no symbolic link, which it then notes in known. Otherwise
// its error wraps [fs.ErrNotExist] or [ErrNotRegular].
func (c *Checkout) follow(folder string, known *sync.Map) error {
	if folder == "." {
		return nil
	}
	if _, ok := known.Load(folder); ok {
		return nil
	}
	if err := c.follow(slashpath.Dir(folder), known); err != nil {
		return err
	}
	info, err := os.Lstat(filepath.Join(c.dir, filepath.FromSlash(folder)))
	switch {
	case isMissing(err):
		return fs.ErrNotExist
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return fs.ErrNotExist
	case !info.IsDir():
		return fmt.Errorf("%q is a symbolic link: %w", folder, ErrNotRegular)
	}
	known.Store(folder, true)
	return nil
}
