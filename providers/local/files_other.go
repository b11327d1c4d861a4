//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

const withoutFollowing = 0

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// readFile appends the contents of a regular file to buf.
func readFile(name string, buf []byte) ([]byte, error) {
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		return buf, err
	case !info.Mode().IsRegular():
		return buf, ErrNotRegular
	case info.Size() > maxSize:
		return buf, ErrTooLarge
	}
	f, err := os.Open(name)
	if err != nil {
		return buf, notOpened(name, err)
	}
	defer f.Close()
	buf = slices.Grow(buf, int(info.Size())+1)
	for {
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) > maxSize:
			return buf, ErrTooLarge
		}
		buf = slices.Grow(buf, 512)
	}
}

func own(*os.File, fs.FileInfo) error { return nil }
