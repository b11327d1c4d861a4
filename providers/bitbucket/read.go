package bitbucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// Info says what the repository is. Bitbucket does not tell there what the
// credential may do.
func (r *repository) Info(ctx context.Context) (providers.Info, error) {
	var got repositoryJSON
	if _, err := r.client.call(ctx, request{url: r.api}, &got); err != nil {
		return providers.Info{}, r.wrap("read the settings", err)
	}
	if got.FullName == "" {
		return providers.Info{}, r.wrap("read the settings", &foreignError{host: r.client.host, err: errors.New("the reply is no repository")})
	}
	info := providers.Info{URL: got.Links.HTML.Href, Empty: got.MainBranch == nil}
	if got.MainBranch != nil {
		info.DefaultBranch = got.MainBranch.Name
	}
	return info, nil
}

// Resolve returns the SHA that a ref names.
func (r *repository) Resolve(ctx context.Context, ref string) (string, error) {
	sha, err := r.resolve(ctx, ref)
	return sha, r.wrap("resolve "+strconv.Quote(ref), err)
}

func (r *repository) resolve(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		return "", r.noRef(ref)
	}
	if isFull(ref) { // the likely case first: git warns of a branch of that name
		sha, err := r.fullSHA(ctx, ref)
		if err == nil || !isMissing(err) {
			return sha, err
		}
	}
	for _, kind := range []string{"branches", "tags"} {
		sha, err := r.ref(ctx, kind, ref)
		if err != nil || sha != "" {
			return sha, err
		}
	}
	if isHex(ref) && len(ref) >= 7 && !isFull(ref) {
		sha, err := r.fullSHA(ctx, ref)
		if err == nil || !isMissing(err) {
			return sha, err
		}
	}
	return "", r.noRef(ref)
}

func (r *repository) noRef(ref string) error {
	return refuse(fault.NotFound, providers.ErrNotFound, fmt.Sprintf("there is no branch, tag or commit %q", ref), "check the spelling")
}

// ref returns where a branch or tag is, "" if there is none.
func (r *repository) ref(ctx context.Context, kind, name string) (string, error) {
	if !isPath(name) {
		return "", nil
	}
	var got refJSON
	_, err := r.client.call(ctx, request{url: r.at("refs", kind, segments(name))}, &got)
	switch {
	case isMissing(err):
		return "", nil
	case err != nil:
		return "", err
	case got.Name != name:
		return "", nil // an answer to another question, such as to a name that ends in a slash
	}
	return got.Target.Hash, nil
}

// fullSHA completes a SHA that may be short.
func (r *repository) fullSHA(ctx context.Context, sha string) (string, error) {
	commit, err := r.client.commit(ctx, r, sha)
	return commit.Hash, err
}

// readers is how many files are read at once.
const readers = 8

// Files reads files, each with one request. It does not learn of every file
// whether it is executable: Bitbucket tells that only by a request more, which
// is done where the contents look like those of a link, submodule or script, and
// by [repository.Commit] for each file that it writes.
func (r *repository) Files(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	found := make([]*providers.File, len(paths))
	err := each(ctx, len(paths), func(ctx context.Context, i int) (err error) {
		found[i], err = r.file(ctx, sha, paths[i])
		return err
	})
	if err != nil {
		return nil, r.wrap("read files", err)
	}
	files := map[string]providers.File{}
	for _, file := range found {
		if file != nil {
			files[file.Path] = *file
		}
	}
	return files, nil
}

// each calls f for 0 to n-1, some at once, until one fails.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	places := make(chan struct{}, readers)
	for i := range n {
		places <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-places }()
			if err := f(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// file returns a file, nil if there is none. See
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/#api-repositories-workspace-repo-slug-src-commit-path-get
func (r *repository) file(ctx context.Context, sha, path string) (*providers.File, error) {
	if !isPath(path) {
		return nil, nil
	}
	address := r.at("src", url.PathEscape(sha), segments(path))
	resp, err := r.client.do(ctx, request{url: address})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if moved := resp.Request.URL; moved.Scheme+"://"+moved.Host != r.client.origin {
		return pointer(path, resp.Body)
	}
	file := &providers.File{Entry: providers.Entry{Path: path, Size: resp.ContentLength}}
	if file.Size <= providers.MaxFile {
		if file.Content, err = io.ReadAll(io.LimitReader(resp.Body, providers.MaxFile+1)); err != nil {
			return nil, transport.Clean(err)
		}
		if len(file.Content) <= providers.MaxFile {
			file.Size = int64(len(file.Content))
		}
	}
	if isFolder(resp.Header, file.Content) {
		return nil, nil
	}
	if file.Size >= 0 && file.Size <= providers.MaxFile && !isPeculiar(file.Content) {
		return file, nil
	}
	entry, err := r.entry(ctx, sha, path)
	if err != nil || entry == nil {
		return nil, err
	}
	if file.Mode = entry.Mode; !file.Mode.IsFile() || len(file.Content) > providers.MaxFile || file.Size > providers.MaxFile {
		file.Content, file.Size = nil, entry.Size
	}
	return file, nil
}

// isPath reports whether git can have a file of that name. Others would be
// other URLs.
func isPath(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// isFolder tells the listing of a folder from a file: files come as attachments.
func isFolder(h http.Header, content []byte) bool {
	if !isJSON(h) || strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		return false
	}
	var listing struct {
		Length int         `json:"pagelen"`
		Values []entryJSON `json:"values"`
	}
	return json.Unmarshal(content, &listing) == nil && listing.Length > 0 && listing.Values != nil &&
		!slices.ContainsFunc(listing.Values, func(e entryJSON) bool { return e.Type != fileType && e.Type != folderType })
}

// isPeculiar reports whether contents may be those of a link (the path that it
// points to), of a submodule (a SHA) or of a script. Links have no line feed,
// but by malice, and Commit finds those.
func isPeculiar(content []byte) bool {
	return bytes.HasPrefix(content, []byte("#!")) || len(content) > 0 && len(content) <= 4096 && !bytes.Contains(content, []byte("\n"))
}

// maxPointed is how much of a file in Git LFS is read to find out its pointer.
const maxPointed = 4 * providers.MaxFile

// pointer returns what the commit has for a file in Git LFS, to which Bitbucket
// redirects, or a file that is too large to be read
// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer).
func pointer(path string, contents io.Reader) (*providers.File, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, io.LimitReader(contents, maxPointed+1))
	if err != nil {
		return nil, transport.Clean(err)
	}
	if size > maxPointed {
		return &providers.File{Entry: providers.Entry{Path: path, Size: size}}, nil
	}
	text := fmt.Appendf(nil, "version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", hash.Sum(nil), size)
	return &providers.File{Entry: providers.Entry{Path: path, Size: int64(len(text))}, Content: text}, nil
}

// entry returns what a file is, nil if there is none.
func (r *repository) entry(ctx context.Context, sha, path string) (*providers.Entry, error) {
	var got entryJSON
	_, err := r.client.call(ctx, request{
		url: r.at("src", url.PathEscape(sha), segments(path)), query: url.Values{"format": {"meta"}},
	}, &got)
	if isMissing(err) || err == nil && got.Type != fileType {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entry := got.entry()
	return &entry, nil
}

// Depths of folders that are asked for at once. Bitbucket gives up, with the
// status 555, where that is too much for it.
const (
	treeDepth = 10
	timedOut  = 555
)

// Tree lists the tree in pages of 100.
func (r *repository) Tree(ctx context.Context, sha string) ([]providers.Entry, error) {
	var entries []providers.Entry
	depth := treeDepth
	for folders := []string{""}; len(folders) > 0; {
		folder := folders[len(folders)-1]
		got, deeper, err := r.listing(ctx, sha, folder, depth)
		if status(err) == timedOut && depth > 1 {
			depth /= 2
			continue
		}
		if err != nil {
			return nil, r.wrap("list the files", err)
		}
		entries = append(entries, got...)
		folders = append(folders[:len(folders)-1], deeper...)
	}
	slices.SortFunc(entries, func(a, b providers.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries, nil
}

// listing lists a folder to a depth, and the folders that are deeper.
func (r *repository) listing(ctx context.Context, sha, folder string, depth int) (entries []providers.Entry, deeper []string, err error) {
	prefix := ""
	if folder != "" {
		prefix = folder + "/"
	}
	q := request{
		url: r.at("src", url.PathEscape(sha), segments(prefix)), // the root wants the slash at its end
		query: url.Values{
			"max_depth": {strconv.Itoa(depth)}, "pagelen": {pageSize},
			"fields": {"next,values.type,values.path,values.size,values.attributes"},
		},
	}
	err = list(ctx, r.client, q, func(got []entryJSON) bool {
		for _, e := range got {
			switch e.Type {
			case fileType:
				entries = append(entries, e.entry())
			case folderType:
				if path := strings.TrimSuffix(e.Path, "/"); strings.Count(strings.TrimPrefix(path, prefix), "/") == depth-1 {
					deeper = append(deeper, path)
				}
			}
		}
		return true
	})
	return entries, deeper, err
}

// Archive returns the tarball, which the website gives out, not the API.
func (r *repository) Archive(ctx context.Context, sha string) (io.ReadCloser, error) {
	address := r.client.server + "/" + url.PathEscape(r.workspace) + "/" + url.PathEscape(r.slug) + "/get/" + url.PathEscape(sha) + ".tar.gz"
	resp, err := r.client.do(ctx, request{url: address})
	if err != nil {
		var foreign *foreignError
		if errors.As(err, &foreign) { // the website's errors are pages
			err = foreign.err
		}
		return nil, r.wrap("get the archive", err)
	}
	if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
		_ = resp.Body.Close()
		return nil, r.wrap("get the archive", &statusError{status: http.StatusUnauthorized, message: "the website asks to log in"})
	}
	return resp.Body, nil
}
