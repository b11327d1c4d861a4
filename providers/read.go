package providers

import (
	"bytes"
	"context"
	"io"
)

// Reader reads a repository. All but Info and Resolve speak of a commit, which
// never changes, so what they return may be kept.
type Reader interface {
	// Info says what the repository is.
	Info(ctx context.Context) (Info, error)

	// Resolve returns the SHA of the commit that a branch, a tag or a SHA names;
	// of a branch and a tag with one name, the branch's. It wraps ErrNotFound if
	// there is none.
	Resolve(ctx context.Context, ref string) (sha string, err error)

	// Files returns the files among paths that the commit has, whole, in as few
	// round trips as the forge allows. It wraps ErrNotFound if there is no such
	// commit, where the forge tells that from a commit without the files. Paths that are not there, or are
	// directories, are left out. Links and submodules come without contents.
	// Large contents are read all the same, up to 16 MiB; a larger file comes
	// without contents and with its size.
	Files(ctx context.Context, sha string, paths []string) (map[string]File, error)

	// Tree returns every file, link and submodule of the commit, sorted by path,
	// or fails: a listing that the forge cuts short is completed or an error.
	Tree(ctx context.Context, sha string) ([]Entry, error)

	// Archive returns the commit's files as a gzipped tar, all within one folder
	// whatever its name. What .gitattributes leaves out or rewrites is not as
	// the commit has it: compare with Tree. The caller closes it.
	Archive(ctx context.Context, sha string) (io.ReadCloser, error)
}

// Info is what a repository is, apart from what it holds.
type Info struct {
	DefaultBranch string      // "" in an empty repository, where the forge names none
	URL           string      // for people
	Empty         bool        // without a commit
	Archived      bool        // nothing can be written
	Access        *Permission // what the credential may do; nil where the forge does not tell
}

// MaxFile is how large a file may be for its contents to be read, in bytes.
const MaxFile = 16 << 20

// Mode is what an entry of a tree is.
type Mode int

// The modes, as git has them: 100644, 100755, 120000 and 160000.
const (
	Regular Mode = iota
	Executable
	Symlink
	Submodule
)

// IsFile reports whether an entry has contents that can be edited.
func (m Mode) IsFile() bool { return m == Regular || m == Executable }

// String returns git's octal form, such as 100644.
func (m Mode) String() string {
	return [...]string{"100644", "100755", "120000", "160000"}[m]
}

// ParseMode reads git's octal form, 040000 excepted. Group-writable files
// (100664), which old commits have, are regular.
func ParseMode(text string) (Mode, bool) {
	switch text {
	case "100644", "100664":
		return Regular, true
	case "100755":
		return Executable, true
	case "120000":
		return Symlink, true
	case "160000":
		return Submodule, true
	}
	return 0, false
}

// Entry is a file, link or submodule of a tree.
type Entry struct {
	Path string
	Mode Mode
	ID   string // git's id of the contents (SHA-1, or SHA-256 in such a repository); "" where the forge does not tell
	Size int64  // in bytes; -1 where the forge does not tell
}

// File is an entry with its contents. They are nil for what is no file, and for
// what is larger than MaxFile.
type File struct {
	Entry
	Content []byte
}

// IsLFSPointer reports whether contents stand in for a file that Git LFS keeps
// elsewhere (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
func IsLFSPointer(content []byte) bool {
	return bytes.HasPrefix(content, []byte("version https://git-lfs.github.com/spec/"))
}
