package gitea

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

const (
	// treePage is how many entries the server lists at once at most
	// (DEFAULT_GIT_TREES_PER_PAGE in
	// https://docs.gitea.com/administration/config-cheat-sheet#api-api).
	treePage = 1000

	keptTrees   = 4       // of a repository
	keptEntries = 20_000  // larger trees are listed anew
	maxEntries  = 2 << 20 // more is no tree that anybody has
)

// tree is a commit's listing, which never changes.
type tree struct {
	sha     string
	entries []providers.Entry
}

// Tree implements providers.Reader.
func (r *repository) Tree(ctx context.Context, sha string) ([]providers.Entry, error) {
	if t, ok := r.kept(sha); ok {
		return slices.Clone(t), ctx.Err()
	}
	first, err := r.treePage(ctx, sha, 1, true)
	if err == nil {
		var all []providers.Entry
		if all, err = r.wholeTree(ctx, sha, first); err == nil {
			return slices.Clone(all), nil
		}
	}
	return nil, r.fail(err, "list the files of %s at %s", r.path, sha)
}

func (r *repository) kept(sha string) ([]providers.Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.trees {
		if t.sha == sha {
			return t.entries, true
		}
	}
	return nil, false
}

func (r *repository) keep(sha string, entries []providers.Entry) {
	if len(entries) > keptEntries {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trees = append(r.trees, tree{sha, entries})
	r.trees = r.trees[max(0, len(r.trees)-keptTrees):]
}

// wholeTree returns the listing of which the first page is known.
func (r *repository) wholeTree(ctx context.Context, sha string, first *sdk.GitTreeResponse) ([]providers.Entry, error) {
	rows := first.Entries
	if first.Truncated {
		size := len(first.Entries)
		if size == 0 || first.TotalCount <= size || first.TotalCount > maxEntries {
			return nil, fmt.Errorf("the server lists %d of %d entries", size, first.TotalCount)
		}
		rest := make([][]sdk.GitEntry, (first.TotalCount+size-1)/size-1)
		err := each(ctx, len(rest), func(ctx context.Context, i int) error {
			page, err := r.treePage(ctx, sha, i+2, true)
			if err != nil {
				return err
			}
			rest[i] = page.Entries
			return nil
		})
		if err != nil {
			return nil, err
		}
		rows = slices.Concat(append([][]sdk.GitEntry{rows}, rest...)...)
		if len(rows) != first.TotalCount {
			return nil, fmt.Errorf("the server lists %d of %d entries", len(rows), first.TotalCount)
		}
	}
	all := make([]providers.Entry, 0, len(rows))
	for _, row := range rows {
		if e, ok := entryOf("", row); ok {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b providers.Entry) int { return cmp.Compare(a.Path, b.Path) })
	for i := 1; i < len(all); i++ {
		if all[i].Path == all[i-1].Path {
			return nil, fmt.Errorf("the server lists %q twice", all[i].Path)
		}
	}
	r.keep(sha, all)
	return all, nil
}

// entries returns those of the commit's entries that have the paths. It takes
// as few requests as it can: all of a small tree, or the folders on the way.
func (r *repository) entries(ctx context.Context, sha string, paths []string) (map[string]providers.Entry, error) {
	found := map[string]providers.Entry{}
	if all, ok := r.kept(sha); ok {
		pick(found, all, paths)
		return found, ctx.Err()
	}
	first, err := r.treePage(ctx, sha, 1, true)
	if err != nil {
		return nil, err
	}
	folders := foldersOf(paths)
	if size := len(first.Entries); first.Truncated && size > 0 && first.TotalCount > size*(len(folders)+1) {
		return found, r.walk(ctx, sha, folders, found)
	}
	all, err := r.wholeTree(ctx, sha, first)
	if err != nil {
		return nil, err
	}
	pick(found, all, paths)
	return found, nil
}

func pick(found map[string]providers.Entry, all []providers.Entry, paths []string) {
	for _, name := range paths {
		i, ok := slices.BinarySearchFunc(all, name, func(e providers.Entry, name string) int { return cmp.Compare(e.Path, name) })
		if ok {
			found[name] = all[i]
		}
	}
}

// foldersOf returns for each folder on the way to a path which names in it are
// wanted; "." is the top.
func foldersOf(paths []string) map[string]map[string]bool {
	folders := map[string]map[string]bool{".": {}}
	for _, name := range paths {
		if name == "" || path.Clean(name) != name || path.IsAbs(name) || strings.HasPrefix(name, "../") {
			continue
		}
		for name != "." {
			dir := path.Dir(name)
			if folders[dir] == nil {
				folders[dir] = map[string]bool{}
			}
			folders[dir][path.Base(name)] = true
			name = dir
		}
	}
	return folders
}

// walk lists the folders from the top down, and adds the files that are wanted.
func (r *repository) walk(ctx context.Context, sha string, folders map[string]map[string]bool, found map[string]providers.Entry) error {
	ids := map[string]string{".": sha}
	for _, dir := range slices.SortedFunc(maps.Keys(folders), func(a, b string) int {
		return cmp.Or(cmp.Compare(depth(a), depth(b)), cmp.Compare(a, b))
	}) {
		id, ok := ids[dir]
		if !ok {
			continue // there is no such folder
		}
		rows, err := pages(0, func(page int) ([]sdk.GitEntry, http.Header, error) {
			t, err := r.treePage(ctx, id, page, false)
			if err != nil {
				return nil, nil, err
			}
			return t.Entries, http.Header{"X-Total-Count": {strconv.Itoa(t.TotalCount)}}, nil
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if !folders[dir][row.Path] {
				continue
			}
			if row.Type == "tree" {
				ids[path.Join(dir, row.Path)] = row.SHA
			} else if e, ok := entryOf(dir, row); ok {
				found[e.Path] = e
			}
		}
	}
	return nil
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return strings.Count(dir, "/") + 1
}

// entryOf reads an entry of the listing of a folder; folders are none.
func entryOf(dir string, row sdk.GitEntry) (providers.Entry, bool) {
	mode, ok := providers.ParseMode(row.Mode)
	if !ok {
		return providers.Entry{}, false
	}
	e := providers.Entry{Path: row.Path, Mode: mode, ID: row.SHA, Size: row.Size}
	if dir != "" && dir != "." {
		e.Path = dir + "/" + row.Path
	}
	if mode == providers.Submodule {
		e.Size = -1
	}
	return e, true
}

func (r *repository) treePage(ctx context.Context, sha string, page int, recursive bool) (*sdk.GitTreeResponse, error) {
	query := url.Values{"page": {strconv.Itoa(page)}, "per_page": {strconv.Itoa(treePage)}}
	if recursive {
		query.Set("recursive", "true")
	}
	var reply sdk.GitTreeResponse
	_, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("git", "trees", sha), query: query, out: &reply})
	if statusOf(err) == http.StatusBadRequest {
		// It says so of a commit that is not there, as GetTree in
		// routers/api/v1/repo/tree.go of Gitea does.
		return nil, &replyError{method: http.MethodGet, path: "git/trees", status: http.StatusNotFound, message: saysOf(err)}
	}
	return &reply, err
}
