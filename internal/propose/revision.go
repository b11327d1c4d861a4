package propose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/archive"
	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/providers"
)

// revision is a commit of a repository on a forge, as a tree for the engine. It
// reads as few files as the request needs, in as few round trips as it can: the
// rules are in [revision.fetch]. What it has read it keeps.
type revision struct {
	ctx    context.Context // of the run that the revision belongs to; the engine's reads have none
	reader providers.Reader
	sha    string
	cache  *archive.Cache // nil keeps nothing
	key    string         // of the repository in the cache

	mu      sync.Mutex
	read    map[string]providers.File // with the zero value for what is not there
	entries map[string]providers.Entry
	listing []string // sorted; nil until it is asked for
	wanted  []string // what the engine is shown
	looked  int
}

func newRevision(ctx context.Context, reader providers.Reader, sha string) *revision {
	return &revision{ctx: ctx, reader: reader, sha: sha, read: map[string]providers.File{}}
}

// most is how many files are read one by one, or in batches. More come as an
// archive, which costs a forge more and takes two round trips.
const most = 60

// load reads files that were not read yet.
func (r *revision) load(ctx context.Context, paths []string) error {
	r.mu.Lock()
	var missing []string
	for _, p := range paths {
		if _, ok := r.read[p]; !ok && !slices.Contains(missing, p) {
			missing = append(missing, p)
		}
	}
	r.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	files, err := r.reader.Files(ctx, r.sha, missing)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range missing {
		r.read[p] = files[p]
	}
	return nil
}

// list learns which files there are.
func (r *revision) list(ctx context.Context) error {
	if r.listing != nil {
		return nil
	}
	entries, err := r.reader.Tree(ctx, r.sha)
	if err != nil {
		return err
	}
	r.entries = make(map[string]providers.Entry, len(entries))
	r.listing = make([]string, 0, len(entries))
	for _, e := range entries {
		r.entries[e.Path] = e
		// A hold holds whatever its file is.
		if e.Mode.IsFile() && !isSkipped(e.Path) || strings.HasPrefix(e.Path, hold.Dir+"/") {
			r.listing = append(r.listing, e.Path)
		}
	}
	slices.Sort(r.listing)
	return nil
}

// isSkipped reports whether nothing is edited in a file whatever it holds, as
// in a checkout.
func isSkipped(file string) bool {
	return strings.HasSuffix(file, ".tgz") || strings.HasPrefix(file, "node_modules/") || strings.Contains(file, "/node_modules/")
}

// fetch reads what a request needs. Named files are read together. Of the
// others, those that match are read together too, if they are few; if they are
// many, or a marker stands in them whose policy may be declared anywhere, the
// whole commit is read as a stream, of which only what matters is kept.
func (r *revision) fetch(ctx context.Context, q bump.Request, known []string) error {
	var named []string
	for _, t := range q.Set {
		if !t.Optional {
			named = append(named, t.Path)
		}
	}
	named = append(named, q.Add...)
	r.wanted = known
	if known == nil {
		if err := r.list(ctx); err != nil {
			return err
		}
		r.wanted = slices.DeleteFunc(slices.Clone(r.listing), func(p string) bool { return q.Match != nil && !q.Match(p) })
	}
	r.looked = len(r.wanted)
	all := append(slices.Clone(r.wanted), named...)
	if len(all) <= most {
		if err := r.load(ctx, all); err != nil || !r.hasMarkers(all) {
			return err
		}
		if err := r.list(ctx); err != nil {
			return err
		}
	}
	if err := r.load(ctx, named); err != nil {
		return err
	}
	return r.stream(ctx, q)
}

func (r *revision) hasMarkers(paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return bump.HasPolicyMarker(r.read[p].Content) })
}

// stream reads the commit as an archive and keeps what concerns the request.
// What the archive lacks or has otherwise than the tree, as .gitattributes may
// have it, is read by itself.
func (r *revision) stream(ctx context.Context, q bump.Request) error {
	seen := map[string]bool{}
	kept := map[string]providers.File{}
	keep := func(f archive.File) error {
		entry, ok := r.entries[f.Path]
		if !ok || !entry.Mode.IsFile() || f.Content == nil || !isSame(entry, f.Content) {
			return nil
		}
		seen[f.Path] = true
		if !isSkipped(f.Path) && !isBinary(f.Content) && q.Concerns(f.Path, f.Content) {
			kept[f.Path] = providers.File{Entry: entry, Content: f.Content}
		}
		return nil
	}
	err := r.archive(ctx, keep)
	if err != nil && r.cache != nil {
		// What is kept may be broken; what comes now is not.
		r.cache.Drop(r.key + "@" + r.sha)
		err = r.archive(ctx, keep)
	}
	if err != nil {
		return fmt.Errorf("read the archive of %s: %w", r.sha, err)
	}
	var others []string
	for _, p := range r.listing {
		if e := r.entries[p]; !seen[p] && (e.Size < 0 || e.Size <= providers.MaxFile) {
			others = append(others, p)
		}
	}
	rewritten, err := r.rewrites(ctx)
	if err != nil {
		return err
	}
	if rewritten {
		others = r.listing
	}
	const batch = 1000
	for chunk := range slices.Chunk(others, batch) {
		files, err := r.reader.Files(ctx, r.sha, chunk)
		if err != nil {
			return err
		}
		for p, f := range files {
			if q.Concerns(p, f.Content) {
				kept[p] = f
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = r.wanted[:0:0]
	for p, f := range kept {
		r.read[p] = f
		r.wanted = append(r.wanted, p)
	}
	slices.Sort(r.wanted)
	return nil
}

// archive reads the archive of the commit, from the cache if it is there.
func (r *revision) archive(ctx context.Context, keep func(archive.File) error) error {
	fetch := func() (io.ReadCloser, error) { return r.reader.Archive(ctx, r.sha) }
	var body io.ReadCloser
	var err error
	if r.cache != nil {
		body, err = r.cache.Open(r.key+"@"+r.sha, fetch)
	} else {
		body, err = fetch()
	}
	if err != nil {
		return err
	}
	defer body.Close()
	return archive.Read(body, archive.Limits{}, keep)
}

// rewrites reports whether files may be written otherwise in an archive without
// that it shows: on a forge whose trees have no ids.
func (r *revision) rewrites(ctx context.Context) (bool, error) {
	var attributes []string
	for p, e := range r.entries {
		if e.ID == "" && path.Base(p) == ".gitattributes" {
			attributes = append(attributes, p)
		}
	}
	if err := r.load(ctx, attributes); err != nil {
		return false, err
	}
	return slices.ContainsFunc(attributes, func(p string) bool {
		return bytes.Contains(r.read[p].Content, []byte("export-subst"))
	}), nil
}

// isSame reports whether contents are those of an entry, as far as is known.
func isSame(e providers.Entry, content []byte) bool {
	switch len(e.ID) {
	case 0:
		return e.Size < 0 || e.Size == int64(len(content))
	case 64:
		h := sha256.New()
		h.Write([]byte("blob " + strconv.Itoa(len(content)) + "\x00"))
		h.Write(content)
		return hex.EncodeToString(h.Sum(nil)) == e.ID
	}
	return archive.BlobID(content) == e.ID
}

// Files is that of [bump.Tree].
func (r *revision) Files(_ context.Context, yield func(path string) bool) error {
	for _, p := range r.wanted {
		if !yield(p) {
			break
		}
	}
	return nil
}

// Why a file on a forge is left alone.
var (
	errNoFile   = errors.New("not a regular file")
	errBinary   = errors.New("binary file")
	errTooLarge = errors.New("file is larger than 16 MiB")
	errLFS      = errors.New("a pointer of Git LFS, whose contents are elsewhere")
)

// leftAlone is why a file is not edited.
type leftAlone struct{ error }

func (leftAlone) Is(target error) bool { return target == bump.ErrLeftAlone }

// Read is that of [bump.Tree].
func (r *revision) Read(p string, buf []byte) ([]byte, error) {
	f, err := r.file(r.ctx, p)
	switch {
	case err != nil:
		return nil, err
	case f.Path == "":
		return nil, fs.ErrNotExist
	case !f.Mode.IsFile():
		return nil, leftAlone{errNoFile}
	case f.Content == nil && f.Size > 0:
		return nil, leftAlone{errTooLarge}
	case providers.IsLFSPointer(f.Content):
		return nil, leftAlone{errLFS}
	case isBinary(f.Content):
		return nil, leftAlone{errBinary}
	}
	return append(buf[:0], f.Content...), nil
}

// file returns a file, the zero value if there is none.
func (r *revision) file(ctx context.Context, p string) (providers.File, error) {
	if err := r.load(ctx, []string{p}); err != nil {
		return providers.File{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read[p], nil
}

// isBinary decides as git does, which looks for a NUL at the beginning.
func isBinary(content []byte) bool {
	return bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0
}

// overlay is a tree in which some files have other contents.
type overlay struct {
	bump.Tree
	files map[string][]byte
}

func (o overlay) Files(ctx context.Context, yield func(path string) bool) error {
	seen, stopped := map[string]bool{}, false
	err := o.Tree.Files(ctx, func(p string) bool {
		seen[p] = true
		stopped = !yield(p)
		return !stopped
	})
	if err != nil || stopped {
		return err
	}
	for p := range o.files {
		if !seen[p] && !yield(p) {
			break
		}
	}
	return nil
}

func (o overlay) Read(p string, buf []byte) ([]byte, error) {
	if content, ok := o.files[p]; ok {
		return append(buf[:0], content...), nil
	}
	return o.Tree.Read(p, buf)
}
