package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	slashpath "path"
	"path/filepath"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Create writes a file that must not be there yet, whole or not at all: it is
// written under another name and then given its own, which fails if somebody
// else was faster. Its folder must be there. The caller holds the lock of
// [Checkout.Lock]. The error holds a *fault.Error; one that wraps [fs.ErrExist]
// says that there is such a file, or anything else of that name.
func (c *Checkout) Create(ctx context.Context, path string, content []byte) error {
	name, err := c.name(path)
	if err != nil {
		return err
	}
	var folders sync.Map
	if err := c.follow(slashpath.Dir(path), &folders); err != nil {
		return uncreated(path, err)
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	staged := &target{staged: temporary(filepath.Dir(name))}
	err = writeNew(staged.staged, content)
	if err == nil {
		err = os.Link(staged.staged, name)
	}
	return discard([]*target{staged}, uncreated(path, err))
}

// writeNew writes a file with the mode that the user's umask leaves.
func writeNew(name string, content []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(content)
	return err
}

func uncreated(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return &fault.Error{
			Code: fault.Refused, Message: "is there already", Path: path, Err: fs.ErrExist,
			Hint: "move it away first if it is to be written anew",
		}
	case isMissing(err):
		return &fault.Error{Code: fault.Failed, Message: "cannot be written", Path: path, Err: fmt.Errorf("there is no folder %q", slashpath.Dir(path))}
	}
	f, ok := errors.AsType[*fault.Error](unwritten(path, err))
	if !ok {
		return err
	}
	f.Message = "cannot be written"
	return f
}
