package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Cache keeps archives in a folder, whole and as they came. Runs at once may
// share it. What it gives back is no more to be trusted than the folder: check
// it as an archive from the network is checked.
type Cache struct {
	Dir  string // made when it is first needed
	Most int    // how many archives are kept, the latest used; 0 means 16

	Now func() time.Time // nil means time.Now
}

const defaultMost = 16

// Open returns the archive of a key, such as a repository with the SHA of a
// commit. If it is not there it is fetched, and kept once it came whole.
func (c *Cache) Open(key string, fetch func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	sum := sha256.Sum256([]byte(key))
	path := filepath.Join(c.Dir, hex.EncodeToString(sum[:])+".tar.gz")
	f, err := os.Open(path)
	if err == nil {
		now := c.now()
		_ = os.Chtimes(path, now, now) // used, so that it is kept
		return f, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	body, err := fetch()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	part, err := os.CreateTemp(c.Dir, "part-*")
	if err != nil {
		return nil, fmt.Errorf("write to the cache: %w", err)
	}
	defer os.Remove(part.Name()) // which is gone if it was renamed
	_, err = io.Copy(part, io.LimitReader(body, defaultCompressed+1))
	if e := part.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return nil, fmt.Errorf("write to the cache: %w", err)
	}
	c.prune()
	return os.Open(path)
}

func (c *Cache) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// Drop forgets the archive of a key, such as one that turned out to be broken.
func (c *Cache) Drop(key string) {
	sum := sha256.Sum256([]byte(key))
	_ = os.Remove(filepath.Join(c.Dir, hex.EncodeToString(sum[:])+".tar.gz"))
}

// prune removes the archives that were not used for longest. What goes wrong
// with it does no harm.
func (c *Cache) prune() {
	most := c.Most
	if most == 0 {
		most = defaultMost
	}
	paths, _ := filepath.Glob(filepath.Join(c.Dir, "*.tar.gz"))
	type used struct {
		path string
		at   int64
	}
	var all []used
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil {
			all = append(all, used{p, info.ModTime().UnixNano()})
		}
	}
	slices.SortFunc(all, func(a, b used) int { return int(min(max(b.at-a.at, -1), 1)) })
	for _, u := range all[min(most, len(all)):] {
		_ = os.Remove(u.path)
	}
}
