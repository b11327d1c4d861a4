package local

import (
	"io/fs"
	slashpath "path"
	"path/filepath"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Under returns the paths of all that stands in a folder of the checkout and
// the folders in it, but for folders, whatever git knows of it: files that are
// ignored, and symbolic links, which are not followed. Where there is no such
// folder, nothing does.
func (c *Checkout) Under(folder string) ([]string, error) {
	name, err := c.name(folder)
	if err != nil {
		return nil, err
	}
	var out []string
	err = filepath.WalkDir(name, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			rest, err := filepath.Rel(c.dir, name)
			if err != nil {
				return err
			}
			out = append(out, filepath.ToSlash(rest))
		}
		return nil
	})
	if isMissing(err) {
		return out, nil
	}
	if err != nil {
		return nil, &fault.Error{Code: fault.Access, Message: "list the folder", Path: slashpath.Clean(folder), Err: cause(err), Hint: "allow this user to read it"}
	}
	return out, nil
}
