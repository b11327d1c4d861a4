package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	slashpath "path"
	"path/filepath"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Why a file is left alone. Callers that go through [Checkout.Files] should
// skip files that cannot be read for one of these reasons, or because they do
// not exist.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrBinary     = errors.New("binary file")
	ErrTooLarge   = errors.New("file is larger than 16 MiB")
	ErrLFS        = errors.New("a pointer of Git LFS, whose contents are elsewhere")
)

const (
	maxSize = 16 << 20
	// As many bytes as git looks at: buffer_is_binary in its xdiff-interface.c.
	sniffed = 8000
)

// Files calls yield with the path of every file that may be edited, as soon as
// it is known and in no particular order, until yield returns false. Each path
// comes once.
//
// In a git work tree these are the tracked files, ignored or not, and the
// untracked ones that are not ignored; without git, all regular files. Nothing
// under .git or node_modules is among them, no .tgz, no submodule, no nested
// repository, and no temporary file of this package: those that a killed run
// left are removed if the caller holds the lock. Folders that cannot be read
// are passed over. Without git, symbolic links are left out too. With git, what
// an untracked file is, and whether a tracked one is there at all, is only found
// out by reading it.
func (c *Checkout) Files(ctx context.Context, yield func(path string) bool) error {
	if c.IsGit() {
		return c.listed(ctx, yield)
	}
	return c.walked(ctx, yield)
}

// listed asks git. Untracked files in folders that cannot be read are missing,
// as they are for git.
//
// Two gits are asked at once: what is tracked stands in the index, and can be
// worked on while the other one still walks the folders for what is not.
func (c *Checkout) listed(ctx context.Context, yield func(path string) bool) error {
	stopping, cancel := context.WithCancel(ctx)
	defer cancel()
	untracked, err := c.list(stopping, "--others", "--exclude-standard", "--exclude=node_modules")
	if err != nil {
		return err
	}
	defer func() { cancel(); _ = untracked.end(ctx) }() // which does nothing if it has ended
	tracked, err := c.list(stopping, "--stage", "--cached")
	if err != nil {
		return err
	}
	defer func() { cancel(); _ = tracked.end(ctx) }()
	for _, l := range []*listing{tracked, untracked} {
		if stopped, err := c.each(l, yield); stopped || err != nil && ctx.Err() == nil {
			return err // git is killed, and what it would say is not asked for
		}
		if err := l.end(ctx); err != nil {
			return err
		}
	}
	return nil
}

// listing is a git ls-files under way.
type listing struct {
	cmd   *exec.Cmd
	out   io.Reader
	said  *head
	ended bool
}

// list starts git ls-files. With -t and --stage, git tells links and submodules
// from files without a look at the disk, and tracked files from untracked ones.
func (c *Checkout) list(ctx context.Context, args ...string) (*listing, error) {
	l := &listing{cmd: command(ctx, c.dir, append([]string{"ls-files", "-z", "-t"}, args...)...), said: &head{}}
	l.cmd.Stderr = l.said
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("list files of %q: %w", c.dir, err)
	}
	l.out = out
	if err := l.cmd.Start(); err != nil {
		return nil, judge(ctx, l.cmd, err, l.said)
	}
	return l, nil
}

// end waits for git, once, and says how it went.
func (l *listing) end(ctx context.Context) error {
	if l.ended {
		return nil
	}
	l.ended = true
	return judge(ctx, l.cmd, l.cmd.Wait(), l.said)
}

// each calls yield with the files of a listing. stopped says that yield wants
// no more.
func (c *Checkout) each(l *listing, yield func(path string) bool) (stopped bool, err error) {
	lines := bufio.NewScanner(l.out)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	lines.Split(splitNUL)
	var last string
	for lines.Scan() {
		tracked, name, err := parseEntry(lines.Bytes())
		if err != nil {
			return false, unlisted("ls-files", err)
		}
		// The up to three versions of an unmerged file follow each other.
		if name == nil || tracked && string(name) == last {
			continue
		}
		last = string(name)
		if !tracked {
			c.sweep(last)
		}
		if isEditable(last) && !yield(last) {
			return true, nil
		}
	}
	return false, unlisted("ls-files", lines.Err())
}

// unlisted is for what a git command printed and cannot be understood.
func unlisted(name string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Code: fault.Failed, Message: "read the output of git " + name, Err: err}
}

func splitNUL(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, fmt.Errorf("entry %q is cut off", data)
	}
	return 0, nil, nil
}

// parseEntry reads "? path" or "H mode object stage\tpath", where H may be
// another letter. The path is nil for what is not a file.
func parseEntry(entry []byte) (tracked bool, path []byte, err error) {
	if rest, ok := bytes.CutPrefix(entry, []byte("? ")); ok && len(rest) > 0 {
		if bytes.HasSuffix(rest, []byte("/")) {
			return false, nil, nil // a nested repository
		}
		return false, rest, nil
	}
	if len(entry) > 2 && entry[1] == ' ' {
		if about, name, ok := bytes.Cut(entry[2:], []byte("\t")); ok && len(name) > 0 && bytes.Count(about, []byte(" ")) == 2 {
			if !bytes.HasPrefix(about, []byte("100")) {
				return true, nil, nil // a symbolic link or a submodule
			}
			return true, name, nil
		}
	}
	return false, nil, fmt.Errorf("unknown entry %q", entry)
}

func (c *Checkout) walked(ctx context.Context, yield func(path string) bool) error {
	prefix := strings.TrimSuffix(c.dir, string(filepath.Separator)) + string(filepath.Separator)
	return filepath.WalkDir(c.dir, func(name string, entry fs.DirEntry, err error) error {
		path := filepath.ToSlash(strings.TrimPrefix(name, prefix))
		switch {
		case ctx.Err() != nil:
			return &fault.Error{Code: fault.Failed, Message: fmt.Sprintf("listing %q was stopped", c.dir), Err: context.Cause(ctx)}
		case isMissing(err):
			return nil // removed while we walk
		case errors.Is(err, fs.ErrPermission) && name != c.dir:
			return nil // as git passes over it: the data of a database, say
		case errors.Is(err, fs.ErrPermission):
			return &fault.Error{
				Code: fault.Access, Message: "list the folder", Path: path,
				Hint: "allow this user to read it, or name a folder beside it", Err: cause(err),
			}
		case err != nil:
			return &fault.Error{Code: fault.Failed, Message: "list the folder", Path: path, Err: cause(err)}
		case name == c.dir:
			return nil
		}
		if base := entry.Name(); base == ".git" || base == "node_modules" {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		c.sweep(path)
		if entry.Type().IsRegular() && isEditable(path) && !yield(path) {
			return fs.SkipAll
		}
		return nil
	})
}

// sweep removes a temporary file that a killed run has left. While this one
// holds the lock, no other can be at work on it.
func (c *Checkout) sweep(path string) {
	if c.locked.Load() && isTemporary(slashpath.Base(path)) {
		_ = os.Remove(filepath.Join(c.dir, filepath.FromSlash(path))) // it harms nobody if it stays
	}
}

func isEditable(path string) bool {
	if strings.HasSuffix(path, ".tgz") || isTemporary(slashpath.Base(path)) {
		return false
	}
	return !strings.Contains(path, "node_modules") || !strings.Contains("/"+path+"/", "/node_modules/")
}

// Read appends a file's contents to buf[:0] and returns it, so that one buffer
// serves many files. The error wraps [fs.ErrNotExist]; [ErrNotRegular] for a
// symbolic link, what is reached through one, a directory or a device;
// [ErrBinary] for a file with a NUL among its first 8000 bytes; [ErrLFS] for one
// that Git LFS has not fetched; [ErrTooLarge]; or it is a *fault.Error. That a folder is no symbolic link
// is remembered: only [Checkout.Replace] looks again.
func (c *Checkout) Read(path string, buf []byte) ([]byte, error) {
	name, err := c.name(path)
	if err != nil {
		return buf[:0], err
	}
	if err = c.follow(slashpath.Dir(path), &c.real); err == nil {
		buf, err = readFile(name, buf[:0])
	}
	if err == nil {
		switch {
		case providers.IsLFSPointer(buf):
			err = ErrLFS
		case bytes.IndexByte(buf[:min(len(buf), sniffed)], 0) >= 0:
			err = ErrBinary
		default:
			return buf, nil
		}
	}
	return buf[:0], unread(path, err)
}

func unread(path string, err error) error {
	switch {
	case isMissing(err):
		return fmt.Errorf("read %q: %w", path, fs.ErrNotExist)
	case errors.Is(err, ErrNotRegular), errors.Is(err, ErrBinary), errors.Is(err, ErrTooLarge), errors.Is(err, ErrLFS):
		return fmt.Errorf("read %q: %w", path, err)
	case errors.Is(err, fs.ErrPermission):
		return &fault.Error{
			Code: fault.Access, Message: "read the file", Path: path,
			Hint: "allow this user to read it", Err: cause(err),
		}
	}
	return &fault.Error{Code: fault.Failed, Message: "read the file", Path: path, Err: cause(err)}
}

// notOpened returns [ErrNotRegular] if that is why a file could not be opened
// without following links, which systems report in different ways.
func notOpened(name string, err error) error {
	if isMissing(err) {
		return err
	}
	if info, statErr := os.Lstat(name); statErr == nil && !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	return err
}

// cause strips the operation and the name on disk from an error, which the
// fault around it says in terms of the checkout.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
