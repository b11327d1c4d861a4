package gitlab

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

// queryFiles costs one point for each path
// (GitLab's app/graphql/resolvers/blobs_resolver.rb), and returns nothing if the
// contents are larger than 20 MB together.
const queryFiles = `query($path: ID!, $sha: String!, $paths: [String!]!) { project(fullPath: $path) { repository {
  blobs(ref: $sha, paths: $paths, first: 100) { nodes { path oid mode size rawTextBlob } }
} } }`

const (
	maxPaths   = 100 // the most nodes of a page
	sideBySide = 8   // how many contents are read at a time
)

// Files implements [providers.Reader]. It takes a request for each 100 paths,
// and one more for each file that is no UTF-8 text. Without GraphQL it takes one
// for each folder and one for each file.
func (r *repository) Files(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	const act = "read files"
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	paths = slices.DeleteFunc(paths, func(p string) bool { return p == "" || path.Clean(p) != p || p[0] == '/' })
	files := map[string]providers.File{}
	if len(paths) == 0 {
		return files, nil
	}
	var missing []providers.Entry // those without contents as yet
	for part := range slices.Chunk(paths, maxPaths) {
		more, err := r.someFiles(ctx, sha, part, files)
		if errors.Is(err, errRefused) {
			more, err = r.entries(ctx, sha, part)
		}
		if err != nil {
			return nil, r.fail(act, nil, err)
		}
		missing = append(missing, more...)
	}
	var mu sync.Mutex
	err := each(missing, func(e providers.Entry) error {
		file := providers.File{Entry: e}
		if e.Mode.IsFile() && e.Size <= providers.MaxFile {
			var err error
			if file, err = r.content(ctx, sha, e); err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		files[e.Path] = file
		return nil
	})
	if err != nil {
		return nil, r.fail(act, nil, err)
	}
	if len(files) == 0 {
		// GraphQL finds nothing at a commit that is not there.
		if _, err := r.resolveCommit(ctx, sha); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// someFiles puts those of the paths whose contents it gets into files, and returns
// the other entries.
func (r *repository) someFiles(ctx context.Context, sha string, paths []string, files map[string]providers.File) ([]providers.Entry, error) {
	var answer struct {
		Project *struct {
			Repository *struct {
				Blobs struct {
					Nodes []struct {
						Path        string  `json:"path"`
						OID         string  `json:"oid"`
						Mode        string  `json:"mode"`
						Size        any     `json:"size"` // a BigInt, which is sent as text
						RawTextBlob *string `json:"rawTextBlob"`
					} `json:"nodes"`
				} `json:"blobs"`
			} `json:"repository"`
		} `json:"project"`
	}
	err := r.query(ctx, queryFiles, map[string]any{"path": r.path, "sha": sha, "paths": paths}, &answer)
	if err != nil {
		return nil, err
	}
	if answer.Project == nil || answer.Project.Repository == nil {
		return nil, gitlab.ErrNotFound
	}
	var missing []providers.Entry
	for _, node := range answer.Project.Repository.Blobs.Nodes {
		mode, ok := providers.ParseMode(node.Mode)
		if !ok || !slices.Contains(paths, node.Path) {
			continue
		}
		e := providers.Entry{Path: node.Path, Mode: mode, ID: node.OID, Size: -1}
		if n, err := strconv.ParseInt(fmt.Sprint(node.Size), 10, 64); err == nil && mode != providers.Submodule {
			e.Size = n
		}
		// GitLab changes text that is no UTF-8, and cuts what is large: the hash
		// tells.
		if mode.IsFile() && node.RawTextBlob != nil && blobID(node.OID, []byte(*node.RawTextBlob)) == node.OID {
			content := []byte(*node.RawTextBlob)
			e.Size = int64(len(content))
			files[e.Path] = providers.File{Entry: e, Content: content}
			continue
		}
		missing = append(missing, e)
	}
	return missing, nil
}

// isNoFolder matches what GitLab says of a folder that is not there, and older
// servers too (GitLab's spec/requests/api/repositories_spec.rb).
var isNoFolder = regexp.MustCompile("invalid revision or path|Tree Not Found")

// entries finds paths by listing their folders.
func (r *repository) entries(ctx context.Context, sha string, paths []string) ([]providers.Entry, error) {
	folders := map[string][]string{}
	for _, p := range paths {
		folder := path.Dir(p)
		if folder == "." {
			folder = ""
		}
		folders[folder] = append(folders[folder], p)
	}
	var found []providers.Entry
	var mu sync.Mutex
	names := make([]string, 0, len(folders))
	for name := range folders {
		names = append(names, name)
	}
	err := each(names, func(folder string) error {
		list, err := r.list(ctx, sha, folder, false)
		if errors.Is(err, providers.ErrNotFound) && isNoFolder.MatchString(err.Error()) {
			return nil
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, e := range list {
			if slices.Contains(folders[folder], e.Path) {
				found = append(found, e)
			}
		}
		return nil
	})
	return found, err
}

// content reads a file whole, unless it is larger than [providers.MaxFile].
func (r *repository) content(ctx context.Context, sha string, e providers.Entry) (providers.File, error) {
	reply, option := begin(ctx)
	req, err := r.client.NewRequest("GET", r.in("repository/blobs/%s/raw", gitlab.PathEscape(e.ID)), nil,
		[]gitlab.RequestOptionFunc{option})
	if err != nil {
		return providers.File{}, err
	}
	var b bytes.Buffer
	b.Grow(int(max(e.Size, 0)))
	_, err = r.client.Do(req, &limited{to: &b, left: providers.MaxFile})
	if errors.Is(err, errTooLarge) {
		reply, option := begin(ctx)
		meta, _, err := r.client.RepositoryFiles.GetFileMetaData(r.path, e.Path,
			&gitlab.GetFileMetaDataOptions{Ref: new(sha)}, option)
		if err != nil {
			return providers.File{}, r.fail("read the size of a file", reply, err)
		}
		e.Size = int64(meta.Size)
		return providers.File{Entry: e}, nil
	}
	if err != nil {
		return providers.File{}, r.fail("read "+e.Path, reply, err)
	}
	content := b.Bytes()
	if content == nil {
		content = []byte{}
	}
	if blobID(e.ID, content) != e.ID {
		return providers.File{}, fmt.Errorf("read %s on %s: its contents are not those of %s", e.Path, r.name, e.ID)
	}
	e.Size = int64(len(content))
	return providers.File{Entry: e, Content: content}, nil
}

// blobID returns git's id of contents, by the hash that like has.
func blobID(like string, content []byte) string {
	var h hash.Hash
	switch len(like) {
	case 2 * sha1.Size:
		h = sha1.New()
	case 2 * sha256.Size:
		h = sha256.New()
	default:
		return ""
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

var errTooLarge = errors.New("it is larger than can be read")

// limited fails when more than left bytes are written.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, errTooLarge
	}
	l.left -= len(p)
	return l.to.Write(p)
}

// each calls f for all items, some at a time, and returns the first error.
func each[T any](items []T, f func(T) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		gate  = make(chan struct{}, sideBySide)
	)
	for _, item := range items {
		gate <- struct{}{}
		mu.Lock()
		failed := first != nil
		mu.Unlock()
		if failed {
			<-gate
			break
		}
		wg.Go(func() {
			defer func() { <-gate }()
			if err := f(item); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
				}
			}
		})
	}
	wg.Wait()
	return first
}
