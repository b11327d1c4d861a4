package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	slashpath "path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/towpath-dev/towpath/internal/fault"
)

// ErrChanged is wrapped by the error of [Checkout.Replace] when a file is not,
// or no longer, what it was when it was read.
var ErrChanged = errors.New("file changed since it was read")

// Write is the replacement of a file's contents.
type Write struct {
	Path          string
	Before, After []byte // the whole contents, as read and as they shall be
}

// target is a file on its way to new contents.
type target struct {
	path   string // relative to the checkout
	name   string // on disk
	staged string // the name on disk of the temporary file
	info   fs.FileInfo
	before []byte
	after  []byte
}

// Replace replaces the contents of all files or of none. The caller holds the
// lock of [Checkout.Lock]. The rules are:
//
//   - Every file must be a regular file within the checkout, be reached without
//     symbolic links, be writable for this user (a file without any write
//     permission is refused to root too), and hold exactly Before.
//   - The new contents are written to temporary files in the same folders, with
//     the permission bits and, as far as this user may, the owner of the files
//     that they replace. A full disk shows here, when writing or closing them.
//   - Then all files are renamed into place, which readers see as a switch
//     from old to new. From there on ctx is not obeyed. Should a rename fail,
//     the files before it get their old contents back.
//
// So a process that dies leaves every file whole, either old or new. As with
// git's own checkout nothing is synced, so the same is not promised of a power
// cut. Hard links to a replaced file keep the old contents; access lists and
// extended attributes are not carried over.
//
// The error holds a *fault.Error. Unless it says otherwise nothing was changed.
func (c *Checkout) Replace(ctx context.Context, writes []Write) error {
	targets, err := c.targets(ctx, writes)
	if err != nil {
		return err
	}
	if err := c.stageAll(ctx, targets); err != nil {
		return discard(targets, err)
	}
	for i, t := range targets {
		if err := c.rename(t.staged, t.name); err != nil {
			return c.undo(targets[:i], discard(targets[i:], unwritten(t.path, err)))
		}
	}
	return nil
}

// targets checks all writes and returns those that change anything.
func (c *Checkout) targets(ctx context.Context, writes []Write) ([]*target, error) {
	seen := make(map[string]bool, len(writes))
	var folders sync.Map
	var targets []*target
	for _, w := range writes {
		if ctx.Err() != nil {
			return nil, interrupted(ctx)
		}
		if seen[w.Path] {
			return nil, &fault.Error{Code: fault.Refused, Message: "the file is to be replaced twice", Path: w.Path}
		}
		seen[w.Path] = true
		name, err := c.name(w.Path)
		if err != nil {
			return nil, err
		}
		if err := c.follow(slashpath.Dir(w.Path), &folders); err != nil {
			return nil, unwritten(w.Path, err)
		}
		info, err := check(name, w)
		if err != nil {
			return nil, unwritten(w.Path, err)
		}
		if bytes.Equal(w.Before, w.After) {
			continue
		}
		targets = append(targets, &target{
			path:   w.Path,
			name:   name,
			staged: temporary(filepath.Dir(name)),
			info:   info,
			before: w.Before,
			after:  w.After,
		})
	}
	return targets, nil
}

// errReadOnly is for files that only a rename or root could replace.
var errReadOnly = errors.New("file is read-only")

// check returns what describes the file on disk if it is ready for w.
func check(name string, w Write) (fs.FileInfo, error) {
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, ErrNotRegular
	case info.Mode().Perm()&0o222 == 0:
		return nil, errReadOnly
	case info.Size() != int64(len(w.Before)):
		return nil, ErrChanged
	}
	// Opening it for writing asks the system about everything else that can
	// stand in the way: owner, access lists, read-only mounts.
	f, err := os.OpenFile(name, os.O_RDWR|withoutFollowing, 0)
	if err != nil {
		return nil, notOpened(name, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	now := make([]byte, len(w.Before)+1)
	n, err := io.ReadFull(f, now)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if !bytes.Equal(now[:n], w.Before) {
		return nil, ErrChanged
	}
	return info, nil
}

// stageAll writes the temporary files, and makes sure that meanwhile nobody
// touched the files that they shall replace.
func (c *Checkout) stageAll(ctx context.Context, targets []*target) error {
	for _, t := range targets {
		if ctx.Err() != nil {
			return interrupted(ctx)
		}
		if err := c.stage(t.staged, t.after, t.info); err != nil {
			return unwritten(t.path, err)
		}
	}
	for _, t := range targets {
		now, err := os.Lstat(t.name)
		if err != nil {
			return unwritten(t.path, err)
		}
		if !os.SameFile(now, t.info) || now.Size() != t.info.Size() || now.Mode() != t.info.Mode() || !now.ModTime().Equal(t.info.ModTime()) {
			return unwritten(t.path, ErrChanged)
		}
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	return nil
}

// stage writes a new file that has the mode and, if possible, the owner of
// another one.
func stage(name string, content []byte, like fs.FileInfo) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(content); err != nil {
		return err
	}
	// The owner first: changing it may take permission bits away.
	if err := own(f, like); err != nil {
		return err
	}
	return f.Chmod(like.Mode().Perm())
}

// discard removes the temporary files that are there, and returns err, with
// which of them it could not remove.
func discard(targets []*target, err error) error {
	for _, t := range targets {
		if e := os.Remove(t.staged); e != nil && !isMissing(e) {
			err = errors.Join(err, fmt.Errorf("remove temporary file %q: %w", t.staged, cause(e)))
		}
	}
	return err
}

// undo gives files that are replaced already their old contents back, and
// returns err, or what is worse.
func (c *Checkout) undo(targets []*target, err error) error {
	var kept []string
	errs := []error{err}
	for _, t := range slices.Backward(targets) {
		back := &target{staged: temporary(filepath.Dir(t.name))}
		e := c.stage(back.staged, t.before, t.info)
		if e == nil {
			e = c.rename(back.staged, t.name)
		}
		if e != nil {
			kept = append(kept, t.path)
			errs = append(errs, discard([]*target{back}, fmt.Errorf("restore %q: %w", t.path, cause(e))))
		}
	}
	if kept == nil {
		return err
	}
	slices.Reverse(kept)
	return &fault.Error{
		Code:    fault.Failed,
		Message: fmt.Sprintf("stopped half-way: these files hold their new contents and the others do not: %q", kept),
		Hint:    "restore them, with `git checkout -- FILE` if they were committed before",
		Err:     errors.Join(errs...),
	}
}

func interrupted(ctx context.Context) error {
	return &fault.Error{Code: fault.Failed, Message: "stopped before any file was changed", Err: context.Cause(ctx)}
}

// unwritten says why a file could not be replaced.
func unwritten(path string, err error) error {
	f := &fault.Error{Code: fault.Failed, Message: "cannot be replaced", Path: path, Err: cause(err)}
	switch {
	case isMissing(err):
		f.Code, f.Err = fault.Conflict, fmt.Errorf("%w: it is gone", ErrChanged)
		f.Hint = "run again"
	case errors.Is(err, ErrChanged):
		f.Code, f.Hint = fault.Conflict, "run again"
	case errors.Is(err, ErrNotRegular):
		f.Code, f.Hint = fault.Refused, "edit the file that the link points to instead"
	case errors.Is(err, errReadOnly):
		f.Code, f.Hint = fault.Access, "make it writable, with `chmod u+w`, if it is meant to be edited"
	case errors.Is(err, syscall.ENOSPC):
		f.Hint = "free some space on the disk, and run again"
	case errors.Is(err, syscall.EDQUOT):
		f.Hint = "free some of this user's disk quota, and run again"
	case errors.Is(err, syscall.EROFS):
		f.Code, f.Hint = fault.Access, "mount the file system for writing, or work on another checkout"
	case errors.Is(err, fs.ErrPermission):
		f.Code, f.Hint = fault.Access, "allow this user to write the file and its folder"
	}
	return f
}

// prefix begins the names of temporary files. What follows is the output of
// [rand.Text], so that a user's own file is not taken for one.
const prefix = ".towpath-"

func temporary(folder string) string { return filepath.Join(folder, prefix+rand.Text()) }

func isTemporary(base string) bool {
	random, ok := strings.CutPrefix(base, prefix)
	return ok && len(random) == 26 && strings.Trim(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
