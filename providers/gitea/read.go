package gitea

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

const (
	// batchFiles is how many files the server reads at once, unless it is told
	// otherwise (DEFAULT_PAGING_NUM in
	// https://docs.gitea.com/administration/config-cheat-sheet#api-api).
	batchFiles = 30

	// batchQuery bounds the names of files in a URL: proxies refuse long ones,
	// and the server reads files by POST only for those who may write.
	batchQuery = 4 << 10

	keptHeads = 64 // branches whose heads are remembered
)

// Info implements providers.Reader.
func (r *repository) Info(ctx context.Context) (providers.Info, error) {
	repo, err := r.get(ctx)
	if err != nil {
		return providers.Info{}, r.fail(err, "read %s", r.path)
	}
	info := providers.Info{
		DefaultBranch: repo.DefaultBranch,
		URL:           repo.HTMLURL,
		Empty:         repo.Empty,
		Archived:      repo.Archived,
	}
	if p := repo.Permissions; p != nil {
		access := providers.NoAccess
		switch {
		case p.Admin:
			access = providers.CanAdmin
		case p.Push:
			access = providers.CanWrite
		case p.Pull:
			access = providers.CanRead
		}
		info.Access = &access
	}
	return info, nil
}

func (r *repository) get(ctx context.Context) (*sdk.Repository, error) {
	repo, _, err := r.forge.sdk(ctx).GetRepo(r.owner, r.name)
	if err == nil && repo.FullName == "" {
		return nil, &strangeError{r.forge.host, "the reply tells of no repository"}
	}
	return repo, err
}

// Resolve implements providers.Reader.
func (r *repository) Resolve(ctx context.Context, ref string) (string, error) {
	sha, err := r.resolve(ctx, ref)
	return sha, r.fail(err, "find %q in %s", ref, r.path)
}

func (r *repository) resolve(ctx context.Context, ref string) (string, error) {
	if isSHA(ref) {
		// No branch has such a name: the server refuses it.
		c, err := r.commit(ctx, ref)
		if err != nil {
			return "", err
		}
		return c.SHA, nil
	}
	sha, err := r.branch(ctx, ref)
	if statusOf(err) != http.StatusNotFound || !canBeRef(ref) {
		return sha, err
	}
	var tag struct {
		Commit struct{ SHA string }
	}
	_, err = r.forge.do(ctx, call{method: http.MethodGet, path: r.below("tags", ref), out: &tag})
	return tag.Commit.SHA, err
}

// canBeRef reports whether a name can stand in a URL as that of a branch or tag,
// and not for something else.
func canBeRef(name string) bool {
	return name != "" && path.Clean("/"+name) == "/"+name
}

// branch returns where a branch is.
func (r *repository) branch(ctx context.Context, name string) (string, error) {
	if !canBeRef(name) {
		return "", &replyError{method: http.MethodGet, path: "branches", status: http.StatusNotFound}
	}
	b, _, err := r.forge.sdk(ctx).GetRepoBranch(r.owner, r.name, name)
	if err != nil {
		return "", err
	}
	if b.Commit == nil || !isSHA(b.Commit.ID) {
		return "", &strangeError{r.forge.host, "a branch has no commit"}
	}
	r.remember(name, b.Commit.ID)
	return b.Commit.ID, nil
}

// remember keeps where a branch was seen, of the last few.
func (r *repository) remember(branch, sha string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heads) >= keptHeads {
		clear(r.heads)
	}
	r.heads[branch] = sha
}

func (r *repository) forget(branch string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.heads, branch)
}

// branchAt returns a branch that was seen at a commit, and is not a given one;
// "" if there is none.
func (r *repository) branchAt(sha, not string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, branch := range slices.Sorted(maps.Keys(r.heads)) {
		if r.heads[branch] == sha && branch != not {
			return branch
		}
	}
	return ""
}

// commit asks for a commit, without what is costly to find out.
func (r *repository) commit(ctx context.Context, sha string) (*commit, error) {
	var c commit
	query := url.Values{"stat": {"false"}, "verification": {"false"}, "files": {"false"}}
	_, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("git", "commits", sha), query: query, out: &c})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// isSHA reports whether a text is a full id of SHA-1 or SHA-256.
func isSHA(text string) bool {
	if len(text) != 40 && len(text) != 64 {
		return false
	}
	return !strings.ContainsFunc(text, func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') })
}

// Files implements providers.Reader. The tree comes first: what reads contents
// does not tell which files are executable.
func (r *repository) Files(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	files, err := r.files(ctx, sha, paths)
	return files, r.fail(err, "read files of %s at %s", r.path, sha)
}

func (r *repository) files(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	entries, err := r.entries(ctx, sha, paths)
	if err != nil {
		return nil, err
	}
	files := make(map[string]providers.File, len(entries))
	var batch, single []providers.Entry
	for _, name := range paths {
		e, ok := entries[name]
		if _, done := files[name]; !ok || done {
			continue
		}
		files[name] = providers.File{Entry: e}
		switch {
		case !e.Mode.IsFile() || e.Size > providers.MaxFile:
		case e.Size == 0:
			files[name] = providers.File{Entry: e, Content: []byte{}}
		default:
			batch = append(batch, e)
		}
	}
	contents := func(e providers.Entry, data []byte) error {
		if int64(len(data)) != e.Size {
			return fmt.Errorf("%s came with %d bytes instead of %d", e.Path, len(data), e.Size)
		}
		files[e.Path] = providers.File{Entry: e, Content: data}
		return nil
	}
	for len(batch) > 0 && !r.forge.noBatch.Load() {
		read, err := r.readBatch(ctx, sha, batch)
		if status := statusOf(err); status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
			r.forge.noBatch.Store(true) // before Gitea 1.24: the commit itself is there
			break
		}
		if err != nil {
			return nil, err
		}
		for i, data := range read {
			if data == nil {
				single = append(single, batch[i])
			} else if err := contents(batch[i], data); err != nil {
				return nil, err
			}
		}
		batch = batch[len(read):]
	}
	single = append(single, batch...)
	read := make([][]byte, len(single))
	err = each(ctx, len(single), func(ctx context.Context, i int) (err error) {
		read[i], err = r.readFile(ctx, sha, single[i].Path)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, e := range single {
		if err := contents(e, read[i]); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// readBatch reads the first few of some files at once: at least one, and as many
// as the server gives. What it gives without contents, since they are too large
// for it, is nil.
func (r *repository) readBatch(ctx context.Context, sha string, files []providers.Entry) ([][]byte, error) {
	var names []string
	size := 0
	for _, e := range files[:min(len(files), batchFiles)] {
		if size += len(url.QueryEscape(e.Path)) + 16; size > batchQuery && len(names) > 0 {
			break
		}
		names = append(names, e.Path)
	}
	body, err := json.Marshal(sdk.GetFilesOptions{Files: names})
	if err != nil {
		return nil, err
	}
	var replies []*sdk.ContentsResponse
	query := url.Values{"ref": {sha}, "body": {string(body)}}
	_, err = r.forge.do(ctx, call{method: http.MethodGet, path: r.below("file-contents"), query: query, out: &replies})
	if err != nil {
		return nil, err
	}
	if len(replies) > len(names) {
		return nil, &strangeError{r.forge.host, "it gives more files than it was asked for"}
	}
	read := make([][]byte, len(replies))
	for i, reply := range replies {
		if reply == nil || reply.Content == nil {
			continue
		}
		if reply.SHA != files[i].ID {
			return nil, fmt.Errorf("%s came as %s instead of %s", files[i].Path, reply.SHA, files[i].ID)
		}
		if read[i], err = base64.StdEncoding.DecodeString(*reply.Content); err != nil {
			return nil, fmt.Errorf("read %s: %w", files[i].Path, err)
		}
	}
	if len(read) == 0 {
		return make([][]byte, 1), nil // the first is too large for its limit
	}
	return read, nil
}

// readFile reads one file as it is.
func (r *repository) readFile(ctx context.Context, sha, name string) ([]byte, error) {
	resp, err := r.forge.send(ctx, r.forge.raw, call{
		method: http.MethodGet, path: r.below("raw", name), query: url.Values{"ref": {sha}},
	})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, providers.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// Archive implements providers.Reader.
func (r *repository) Archive(ctx context.Context, sha string) (io.ReadCloser, error) {
	act := fmt.Sprintf("download %s at %s", r.path, sha)
	resp, err := r.forge.send(ctx, r.forge.raw, call{method: http.MethodGet, path: r.below("archive", sha+".tar.gz")})
	if err != nil {
		if _, ok := errors.AsType[*strangeError](err); ok {
			err = &replyError{method: http.MethodGet, path: "archive", status: http.StatusNotFound}
		}
		return nil, r.forge.fail(act, err)
	}
	return resp.Body, nil
}
