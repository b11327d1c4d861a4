//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package local

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// withoutFollowing makes opening a symbolic link fail, and opening a pipe not
// wait for somebody at its other end.
const withoutFollowing = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// isMissing includes the error for a folder of the path that is a file.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// readFile appends the contents of a regular file to buf. It makes four system
// calls; package os would make more, to learn whether the file can be polled.
func readFile(name string, buf []byte) ([]byte, error) {
	fd, err := again(func() (int, error) {
		return syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC|withoutFollowing, 0)
	})
	if err != nil {
		return buf, notOpened(name, err)
	}
	defer syscall.Close(fd)
	var stat syscall.Stat_t
	if _, err := again(func() (int, error) { return 0, syscall.Fstat(fd, &stat) }); err != nil {
		return buf, err
	}
	if stat.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return buf, ErrNotRegular
	}
	if stat.Size > maxSize {
		return buf, ErrTooLarge
	}
	// One byte more than needed, so that a short read shows the end.
	buf = slices.Grow(buf, int(stat.Size)+1)
	for {
		n, err := again(func() (int, error) { return syscall.Read(fd, buf[len(buf):cap(buf)]) })
		if err != nil {
			return buf, err
		}
		buf = buf[:len(buf)+n]
		switch {
		case n == 0, int64(len(buf)) == stat.Size:
			return buf, nil
		case len(buf) > maxSize:
			return buf, ErrTooLarge
		}
		buf = slices.Grow(buf, 512)
	}
}

func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// own gives a file the owner and group of another as far as this user may.
func own(f *os.File, like fs.FileInfo) error {
	stat, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	err := f.Chown(int(stat.Uid), int(stat.Gid))
	if isForbidden(err) {
		// A user may give files away to their own groups only.
		err = f.Chown(-1, int(stat.Gid))
	}
	if isForbidden(err) {
		return nil
	}
	return err
}

// isForbidden includes the error for an owner that is unknown in this
// container.
func isForbidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}
