package hold

import (
	"errors"
	"io/fs"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Found is a hold file of a tree.
type Found struct {
	Path     string
	Env, App string
	Hold     *Hold // never nil: a file that cannot be read holds too
	Err      error // what is wrong with the file, see [Parse]
}

// Find reads the hold files among the files of a tree. A file that is gone when
// it is read is left out.
func Find(files []string, read func(path string) ([]byte, error)) []Found {
	var out []Found
	for _, path := range files {
		env, app, ok := ParsePath(path)
		if !ok {
			continue
		}
		f := Found{Path: path, Env: env, App: app}
		src, err := read(path)
		switch known, isFault := errors.AsType[*fault.Error](err); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case isFault:
			f.Hold, f.Err = Unreadable(path), known
		case err != nil:
			f.Hold = Unreadable(path)
			f.Err = &fault.Error{Code: fault.Config, Path: path, Message: "cannot be read", Err: err, Hint: "a hold is a text file, and no link"}
		default:
			f.Hold, f.Err = Parse(path, src)
		}
		out = append(out, f)
	}
	return out
}
