package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
)

// objects returns the directory of git's objects, which a linked work tree
// shares with the others.
func (c *Checkout) objects() string {
	dir := c.gitDir
	if common, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		name := filepath.FromSlash(strings.TrimRight(string(common), "\r\n"))
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		dir = name
	}
	return filepath.Join(dir, "objects")
}

// isPartial reports whether this is a partial clone, which may lack objects for
// git to fetch when they are needed, and which hash names them. Git marks the
// packs of such a clone: only what they refer to may be missing.
func (c *Checkout) isPartial() (partial bool, hash string) {
	packs, err := os.ReadDir(filepath.Join(c.objects(), "pack"))
	if err != nil {
		return false, ""
	}
	for _, p := range packs {
		name, ok := strings.CutSuffix(p.Name(), ".promisor")
		if !ok {
			continue
		}
		if len(name) == len("pack-")+64 {
			return true, "sha256"
		}
		return true, "sha1"
	}
	return false, ""
}

// remoteless makes a git directory that shares nothing with the repository but
// its hash. Git, told to look there and to take the objects of the repository,
// says that an object is missing, where in a partial clone it would fetch it, or
// give up if it may not. The caller removes the directory.
func remoteless(hash string) (dir string, err error) {
	dir, err = os.MkdirTemp("", "towpath-git-*")
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err == nil {
		config := "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = " + hash + "\n"
		err = errors.Join(
			os.Mkdir(filepath.Join(dir, "objects"), 0o700),
			os.Mkdir(filepath.Join(dir, "refs"), 0o700),
			os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/none\n"), 0o600),
			os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600),
		)
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", &fault.Error{
			Code: fault.Failed, Message: "make a git directory without remotes",
			Hint: "check the folder for temporary files, which TMPDIR names", Err: err,
		}
	}
	return dir, nil
}
