package hold

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Names says what environments and apps there are.
type Names struct {
	// Members must return the environments that a name means: the one that has
	// it, the members of the group, or none.
	Members func(name string) []string
	// HasApp must report whether there is an app of that name.
	HasApp func(name string) bool
}

// Set is the holds of a tree.
type Set struct {
	// Faults are what is wrong with the hold files, in the order of the files:
	// those that hold nothing, and those that hold but cannot be read.
	Faults []error

	held map[key]Found
}

type key struct{ env, app string }

// Found is a hold, and the file that it comes from.
type Found struct {
	Path string
	*Hold
}

// Read reads the hold files among the files of a tree. A file that names a
// group holds all its members; one that cannot be read holds, too, and one whose
// name is only spelled wrong; one that is gone when it is read does not.
func Read(files []string, read func(path string) ([]byte, error), names Names) *Set {
	s := &Set{held: map[key]Found{}}
	for _, file := range files {
		env, app, ok := ParsePath(file)
		if !ok {
			if env, app, ok = meant(file, names); !ok {
				s.note(misnamed(file))
				continue
			}
			s.note(&fault.Error{
				Code: fault.Config, Path: file, Message: "is no name of a hold, and holds all the same",
				Hint: "name it " + Path(env, app),
			})
		}
		src, err := read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		found := Found{Path: file}
		switch known, isFault := errors.AsType[*fault.Error](err); {
		case isFault:
			found.Hold = Unreadable(file)
			s.note(known)
		case err != nil:
			found.Hold = Unreadable(file)
			s.note(&fault.Error{Code: fault.Config, Path: file, Message: "cannot be read", Err: err, Hint: "a hold is a text file, and no link"})
		default:
			found.Hold, err = Parse(file, src)
			s.note(err)
		}
		members := names.Members(env)
		if len(members) == 0 {
			s.note(unknown(file, "environment "+env))
		} else if !names.HasApp(app) {
			s.note(unknown(file, "app "+app))
		}
		for _, member := range members {
			k := key{member, app}
			if _, own := s.held[k]; !own || member == env {
				s.held[k] = found
			}
		}
	}
	return s
}

func (s *Set) note(err error) {
	if err != nil {
		s.Faults = append(s.Faults, err)
	}
}

// Of returns the hold of an app in an environment. Its Hold is nil if there is
// none. A hold of the environment itself comes before one of its group.
func (s *Set) Of(env, app string) Found {
	if s == nil {
		return Found{}
	}
	return s.held[key{env, app}]
}

func unknown(file, what string) error {
	return &fault.Error{
		Code: fault.Config, Path: file, Message: fmt.Sprintf("holds nothing: there is no %s", what),
		Hint: "check the spelling, or remove the file",
	}
}

// meant returns what the name of a file is a misspelling of: letters in upper
// case, or another extension.
func meant(file string, names Names) (env, app string, ok bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(file), Dir+"/")
	if !ok {
		return "", "", false
	}
	env, app, _ = strings.Cut(rest, "/")
	app = strings.TrimSuffix(app, path.Ext(app))
	return env, app, len(names.Members(env)) > 0 && names.HasApp(app)
}

// misnamed says of a file among the holds that it is none, for its name. Notes
// and files that tools hide there are meant to be none.
func misnamed(file string) error {
	if file != Dir && !strings.HasPrefix(file, Dir+"/") || file != Dir && strings.HasPrefix(path.Base(file), ".") || path.Ext(file) == ".md" {
		return nil
	}
	return &fault.Error{
		Code: fault.Config, Path: file, Message: "holds nothing: that is no name of a hold",
		Hint: "name it " + Dir + "/<environment>/<app>.yaml",
	}
}
