//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
)

// unlockable are the errors of file systems that know no such locks, some
// network ones among them.
var unlockable = []error{
	syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.ENOLCK, syscall.EBADF, syscall.EINVAL,
}

// Lock waits until no other run works on this work tree, in any of its
// folders, and keeps others out until unlock is called or this process ends.
// It fails with a *fault.Error when ctx is done before. The lock is advisory:
// it does not bind git or other programs. It leaves nothing on disk. On a file
// system that knows no locks, and on systems without flock such as Windows,
// it does not wait and keeps nobody out.
func (c *Checkout) Lock(ctx context.Context) (unlock func(), err error) {
	name := c.dir
	if c.IsGit() {
		name = c.gitDir
	}
	if os.Getenv(committing) == name {
		return nil, fault.New(fault.Conflict, "take towpath out of the hook", "towpath was started by a hook of the commit that towpath makes")
	}
	// The directory itself is locked, so that no lock file is needed.
	dir, err := os.Open(name)
	if err != nil {
		return nil, &fault.Error{Code: fault.Access, Message: fmt.Sprintf("lock %q", name), Err: cause(err)}
	}
	release := sync.OnceFunc(func() { dir.Close() })

	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		if ctx.Err() != nil {
			break
		}
		_, err := again(func() (int, error) { return 0, syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) })
		switch {
		case slices.Contains(unlockable, err):
			return release, nil
		case err == nil:
			c.locked.Store(true)
			return func() { c.locked.Store(false); release() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			release()
			return nil, &fault.Error{Code: fault.Failed, Message: fmt.Sprintf("lock %q", name), Err: err}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	release()
	return nil, &fault.Error{
		Code: fault.Conflict, Message: fmt.Sprintf("wait for another towpath run on %q", c.dir),
		Hint: "run again when the other one is done", Err: context.Cause(ctx),
	}
}
