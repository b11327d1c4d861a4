// Package archive owns the archives in which forges give out the files of a
// commit: a gzipped tar, read as it arrives and never written to disk, with
// limits that hold whatever the archive says of itself.
//
// It follows no link. That an archive has what the commit has is not its
// business: .gitattributes may leave files out and rewrite them, so a caller
// compares each with git's id of it, see [BlobID].
package archive

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha1" // git's ids are made with it
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
)

// Kind is what an entry of an archive is.
type Kind int

// The kinds. A submodule is an empty folder, and is left out with the folders.
const (
	Regular Kind = iota
	Executable
	Symlink
	Hardlink
)

// File is an entry of an archive.
type File struct {
	Path    string // from the top of the repository
	Kind    Kind
	Size    int64  // of the contents, in bytes; 0 for links
	Content []byte // nil for links, and for what is larger than the limit; else not nil
	Target  string // of a link, as it is written
}

// Limits bound what is read of an archive. A field that is 0 has the default.
type Limits struct {
	Files      int   // files and links; 200,000
	File       int64 // bytes of a file's contents, larger ones come without; 16 MiB
	Total      int64 // bytes after decompression; 2 GiB
	Compressed int64 // bytes as they arrive; 512 MiB
}

// The defaults of [Limits].
const (
	defaultFiles      = 200_000
	defaultFile       = 16 << 20
	defaultTotal      = 2 << 30
	defaultCompressed = 512 << 20
)

// Read calls yield with each file and link of an archive, in its order, and
// stops with the error that yield returns. Contents may be kept.
//
// All entries must be within one folder, whatever its name, which is taken off
// the paths; that is how GitHub, GitLab, Gitea and Bitbucket make them, with git
// archive. What exceeds a limit is a *fault.Error. An entry that is neither a
// file, a folder nor a link fails, and so does a name that is absolute, has ".."
// in it or comes twice. An archive that ends too early wraps
// [io.ErrUnexpectedEOF], even if it was compressed as a whole after it had been
// cut; what follows its end fails.
func Read(r io.Reader, limits Limits, yield func(File) error) error {
	limits = limits.orDefaults()
	compressed := &bounded{r: r, left: limits.Compressed, fault: tooLarge("compressed", limits.Compressed)}
	unzipped, err := gzip.NewReader(compressed)
	if err != nil {
		return fmt.Errorf("read archive: %w", noEOF(err))
	}
	plain := &bounded{r: unzipped, left: limits.Total, fault: tooLarge("unpacked", limits.Total)}
	s := &scan{plain: plain, tar: tar.NewReader(plain), limits: limits, seen: map[string]bool{}}
	if err := s.files(yield); err != nil {
		if _, ok := errors.AsType[*fault.Error](err); ok || s.yielded {
			return err
		}
		return fmt.Errorf("read archive: %w", err)
	}
	return nil
}

func (l Limits) orDefaults() Limits {
	if l.Files == 0 {
		l.Files = defaultFiles
	}
	if l.File == 0 {
		l.File = defaultFile
	}
	if l.Total == 0 {
		l.Total = defaultTotal
	}
	if l.Compressed == 0 {
		l.Compressed = defaultCompressed
	}
	return l
}

const hint = "name the files that may change, so that the repository is not searched as a whole"

func tooLarge(how string, limit int64) error {
	return fault.New(fault.Refused, hint, "the repository's archive is larger than %s %s", size(limit), how)
}

func size(bytes int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes >= unit.bytes && bytes%unit.bytes == 0 {
			return strconv.FormatInt(bytes/unit.bytes, 10) + " " + unit.name
		}
	}
	return strconv.FormatInt(bytes, 10) + " bytes"
}

// scan goes through one archive.
type scan struct {
	plain   *bounded
	tar     *tar.Reader
	limits  Limits
	top     string // the folder of all entries, "" before the first
	seen    map[string]bool
	total   int64 // of what the headers say: sparse files hold more than they take
	yielded bool  // the error is that of yield
}

func (s *scan) files(yield func(File) error) error {
	for {
		header, err := s.tar.Next()
		if err == io.EOF { //nolint:errorlint // the tar reader returns the bare io.EOF at the end
			return s.end()
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are checked below
			return noEOF(err)
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue // git archive puts the commit's id there
		}
		name, err := s.name(header)
		if err != nil {
			return err
		}
		file, err := s.file(name, header)
		if err != nil {
			return err
		}
		if file == nil {
			continue
		}
		if err := yield(*file); err != nil {
			s.yielded = true
			return err
		}
	}
}

// end checks that the archive ends where it says so: a tar that was cut at the
// border of a block looks as if it ended there.
func (s *scan) end() error {
	if s.plain.ended {
		return fmt.Errorf("the mark of its end is missing: %w", io.ErrUnexpectedEOF)
	}
	if _, err := io.Copy(zeros{}, s.plain); err != nil {
		return noEOF(err)
	}
	return nil
}

// name returns the path of an entry from the top of the repository, "" for the
// top itself.
func (s *scan) name(header *tar.Header) (string, error) {
	name := header.Name
	if header.Typeflag == tar.TypeDir {
		name = strings.TrimSuffix(name, "/")
	}
	if name == "" || name == "." || strings.ContainsRune(name, 0) || path.IsAbs(name) || path.Clean(name) != name || name == ".." || strings.HasPrefix(name, "../") {
		return "", fmt.Errorf("the name of an entry is not allowed: %q", header.Name)
	}
	top, rest, _ := strings.Cut(name, "/")
	if s.top == "" {
		s.top = top
	}
	if top != s.top || (rest == "" && header.Typeflag != tar.TypeDir) {
		return "", fmt.Errorf("an entry is not in the one folder that all are in: %q", header.Name)
	}
	return rest, nil
}

// file returns what an entry is, nil for a folder.
func (s *scan) file(name string, header *tar.Header) (*File, error) {
	f := &File{Path: name, Size: header.Size}
	switch header.Typeflag {
	case tar.TypeDir:
		return nil, nil
	case tar.TypeReg:
		if header.Mode&0o100 != 0 {
			f.Kind = Executable
		}
	case tar.TypeSymlink:
		f.Kind, f.Size, f.Target = Symlink, 0, header.Linkname
	case tar.TypeLink:
		f.Kind, f.Size, f.Target = Hardlink, 0, header.Linkname
	default:
		return nil, fmt.Errorf("an entry is neither file, folder nor link: %q", header.Name)
	}
	if s.seen[name] {
		return nil, fmt.Errorf("an entry comes twice: %q", header.Name)
	}
	s.seen[name] = true
	if len(s.seen) > s.limits.Files {
		return nil, fault.New(fault.Refused, hint, "the repository's archive has more than %d files", s.limits.Files)
	}
	if s.total += f.Size; s.total > s.limits.Total || s.total < 0 {
		return nil, tooLarge("unpacked", s.limits.Total)
	}
	if f.Kind == Symlink || f.Kind == Hardlink || f.Size > s.limits.File {
		return f, nil
	}
	f.Content = make([]byte, f.Size)
	if _, err := io.ReadFull(s.tar, f.Content); err != nil {
		return nil, noEOF(err)
	}
	return f, nil
}

// BlobID returns git's id of contents, such as
// e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 for none, in a repository with SHA-1.
func BlobID(content []byte) string {
	hash := sha1.New()
	fmt.Fprintf(hash, "blob %d\x00", len(content))
	hash.Write(content)
	return hex.EncodeToString(hash.Sum(nil))
}

// bounded is a reader that fails behind a limit.
type bounded struct {
	r     io.Reader
	left  int64
	fault error
	ended bool // there is nothing more, and somebody asked
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.left < 0 {
		return 0, b.fault
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more tells that there is more
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, b.fault
	}
	if n == 0 && err == io.EOF {
		b.ended = true
	}
	return n, err
}

// zeros takes the zeros that fill up a tar.
type zeros struct{}

func (zeros) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != 0 {
			return 0, errors.New("something follows its end")
		}
	}
	return len(p), nil
}

// noEOF makes an end that comes too early an error that says so.
func noEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // wrapped ones say so already
		return io.ErrUnexpectedEOF
	}
	return err
}
