package github

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git's own
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

const (
	batch    = 100 // files in one query, each of which costs a node
	parallel = 8   // requests for single files at once
)

// raw is a part of a reply that is read later.
type raw = json.RawMessage

func decode[T any](text raw) (T, error) {
	var value T
	if len(text) == 0 {
		return value, nil
	}
	err := json.Unmarshal(text, &value)
	return value, err
}

// assemble reads the fields of an object that were kept apart.
func assemble(fields map[string]raw, out any) error {
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}

func noBranch(name string) error {
	return &problem{fault.NotFound, "check the spelling", fmt.Errorf("%w: there is no branch %q", providers.ErrNotFound, name)}
}

func noCommit(sha string) error {
	return &problem{fault.NotFound, notFoundHint, fmt.Errorf("%w: there is no commit %q", providers.ErrNotFound, sha)}
}

// isSHA reports whether a text may be the id of an object, abbreviated perhaps.
func isSHA(text string) bool {
	return len(text) >= 7 && len(text) <= 64 && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'f')
	})
}

// Resolve returns the SHA that a ref names.
func (r *repository) Resolve(ctx context.Context, ref string) (string, error) {
	sha, err := r.resolve(ctx, ref)
	return sha, r.wrap(fmt.Sprintf("resolve %q", ref), err)
}

// resolveDocument looks through tags of tags.
const resolveDocument = `query($owner: String!, $name: String!, $branch: String!, $tag: String!, $object: String!, $isObject: Boolean!) {
  repository(owner: $owner, name: $name) {
    branch: ref(qualifiedName: $branch) { target { oid } }
    tag: ref(qualifiedName: $tag) { target { __typename oid ... on Tag { target { __typename oid ... on Tag { target { __typename oid } } } } } }
    object(expression: $object) @include(if: $isObject) { __typename oid }
  }
}`

type graphTarget struct {
	Typename string `json:"__typename"`
	OID      string
	Target   *graphTarget
}

// commit returns the commit that a target is, or that it is a tag of.
func (t *graphTarget) commit() string {
	for ; t != nil; t = t.Target {
		if t.Typename == "Commit" {
			return t.OID
		}
	}
	return ""
}

func (r *repository) resolve(ctx context.Context, ref string) (string, error) {
	object := "HEAD"
	if isSHA(ref) {
		object = ref
	}
	var reply struct {
		Repository *struct {
			Branch *graphRef
			Tag    *struct{ Target *graphTarget }
			Object *graphTarget
		}
	}
	err := r.query(ctx, resolveDocument, map[string]any{
		"branch": "refs/heads/" + ref, "tag": "refs/tags/" + ref, "object": object, "isObject": isSHA(ref),
	}, &reply)
	if err != nil {
		return "", err
	}
	switch found := reply.Repository; {
	case found == nil:
		return "", errNoAnswer
	case found.Branch != nil:
		return found.Branch.Target.OID, nil
	case found.Tag != nil && found.Tag.Target.commit() != "":
		return found.Tag.Target.commit(), nil
	case found.Object.commit() != "":
		return found.Object.commit(), nil
	}
	return "", &problem{fault.NotFound, "check the spelling", fmt.Errorf("%w: there is no branch, tag or commit %q", providers.ErrNotFound, ref)}
}

// Files returns the files among paths that a commit has.
func (r *repository) Files(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	files := map[string]providers.File{}
	for chunk := range slices.Chunk(paths, batch) {
		if err := r.files(ctx, sha, chunk, files); err != nil {
			return nil, r.wrap("read files", err)
		}
	}
	return files, nil
}

type graphEntry struct {
	Mode   int
	OID    string
	Object *struct {
		ByteSize    int64
		IsBinary    *bool
		IsTruncated bool
		Text        *string
	}
}

// entries asks for the entries at paths, nil where there is none.
func (r *repository) entries(ctx context.Context, sha string, paths []string, fields string) ([]*graphEntry, error) {
	var parameters, aliases strings.Builder
	variables := map[string]any{"sha": sha}
	for i, path := range paths {
		fmt.Fprintf(&parameters, ", $p%d: String!", i)
		fmt.Fprintf(&aliases, "    f%d: file(path: $p%d) { ...entry }\n", i, i)
		variables["p"+strconv.Itoa(i)] = path
	}
	document := "query($owner: String!, $name: String!, $sha: GitObjectID!" + parameters.String() + ") { repository(owner: $owner, name: $name) { object(oid: $sha) { __typename ... on Commit {\n" + aliases.String() + "} } } }\nfragment entry on TreeEntry { " + fields + " }"
	var reply struct {
		Repository *struct{ Object map[string]raw }
	}
	if err := exceptMissingFiles(r.query(ctx, document, variables, &reply)); err != nil {
		return nil, err
	}
	if reply.Repository == nil || reply.Repository.Object == nil {
		return nil, noCommit(sha)
	}
	entries := make([]*graphEntry, len(paths))
	for i := range paths {
		var err error
		if entries[i], err = decode[*graphEntry](reply.Repository.Object["f"+strconv.Itoa(i)]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// exceptMissingFiles takes out of an error of the query of entries what says that
// a file is not there, null in a reply which holds otherwise: to GitHub it is a
// fault of type NOT_FOUND, by the words "Could not resolve file for path"
// (https://github.com/changesets/ghcommit/blob/main/tests/integration/utils.ts
// waits for them). That the repository or the commit is not there stays an error.
func exceptMissingFiles(err error) error {
	e, ok := errors.AsType[graphError](err)
	if !ok || isInternal(e) {
		return err
	}
	if e = slices.DeleteFunc(e, graphFault.isMissingFile); len(e) == 0 {
		return nil
	}
	return e
}

// isMissingFile reports whether a fault is that of a file in the query of
// entries, by its alias
// (https://spec.graphql.org/October2021/#sec-Errors.Error-result-format).
func (f graphFault) isMissingFile() bool {
	if f.Type != "NOT_FOUND" || len(f.Path) != 3 || f.Path[0] != "repository" || f.Path[1] != "object" {
		return false
	}
	alias, ok := f.Path[2].(string)
	return ok && strings.HasPrefix(alias, "f")
}

// files reads some files in one query, and those that GraphQL does not give as
// they are one by one.
func (r *repository) files(ctx context.Context, sha string, paths []string, files map[string]providers.File) error {
	entries, err := r.entries(ctx, sha, paths, "mode oid object { ... on Blob { byteSize isBinary isTruncated text } }")
	if err != nil {
		return err
	}
	var whole []providers.Entry
	for i, path := range paths {
		g := entries[i]
		if g == nil {
			continue
		}
		mode, ok := providers.ParseMode(strconv.FormatInt(int64(g.Mode), 8))
		if !ok {
			continue // a directory
		}
		f := providers.File{Entry: providers.Entry{Path: path, Mode: mode, ID: g.OID}}
		if g.Object != nil {
			f.Size = g.Object.ByteSize
		}
		files[path] = f
		if !mode.IsFile() || g.Object == nil || g.Object.ByteSize > providers.MaxFile {
			continue
		}
		// GraphQL gives text that is not in UTF-8 in another encoding than the
		// file has: only the id tells whether it is what git has.
		if text := g.Object.Text; text != nil && !g.Object.IsTruncated && blobID([]byte(*text), g.OID) == g.OID {
			f.Content = []byte(*text)
			files[path] = f
			continue
		}
		whole = append(whole, f.Entry)
	}
	contents, err := r.blobs(ctx, whole)
	if err != nil {
		return err
	}
	for i, e := range whole {
		files[e.Path] = providers.File{Entry: e, Content: contents[i]}
	}
	return nil
}

// blobs reads contents whole, which REST gives up to 100 MB
// (https://docs.github.com/en/rest/git/blobs#get-a-blob).
func (r *repository) blobs(ctx context.Context, entries []providers.Entry) ([][]byte, error) {
	contents := make([][]byte, len(entries))
	failures := make([]error, len(entries))
	slots := make(chan struct{}, parallel)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	for i, e := range entries {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if contents[i], failures[i] = r.blob(ctx, e); failures[i] != nil {
				cancel()
			}
		})
	}
	group.Wait()
	first := errors.Join(failures...)
	for _, err := range failures {
		if err != nil && !errors.Is(err, context.Canceled) {
			return nil, err
		}
	}
	return contents, first
}

func (r *repository) blob(ctx context.Context, e providers.Entry) ([]byte, error) {
	req, err := r.c.NewRequest(http.MethodGet, r.path("git/blobs/"+e.ID), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.github.raw+json")
	resp, err := r.c.BareDo(ctx, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, providers.MaxFile+1))
	if err != nil {
		return nil, err
	}
	if blobID(content, e.ID) != e.ID {
		return nil, fmt.Errorf("the contents of %s are not those that git knows as %s", fault.Printable(e.Path), e.ID)
	}
	return content, nil
}

// path returns where something of the repository is.
func (r *repository) path(rest string) string { return "repos/" + r.owner + "/" + r.name + "/" + rest }

// blobID returns git's id of contents, made as the id like was
// (https://git-scm.com/docs/hash-function-transition#_object_names).
func blobID(content []byte, like string) string {
	var h hash.Hash
	if len(like) == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	} else {
		h = sha1.New() //nolint:gosec // git's own
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// Tree returns all that a commit has.
func (r *repository) Tree(ctx context.Context, sha string) ([]providers.Entry, error) {
	entries, err := r.walk(ctx, sha, "")
	if err != nil {
		if statusOf(err) == http.StatusNotFound || statusOf(err) == http.StatusUnprocessableEntity {
			err = noCommit(sha)
		}
		return nil, r.wrap("list the files", err)
	}
	slices.SortFunc(entries, func(a, b providers.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries, nil
}

// errTruncated says that a tree cannot be listed, not even in parts.
var errTruncated = errors.New("there are more entries than GitHub lists")

// walk lists a tree. Where that is more than the 100,000 entries or 7 MB that
// GitHub gives at once
// (https://docs.github.com/en/rest/git/trees#get-a-tree), it lists its parts.
func (r *repository) walk(ctx context.Context, sha, folder string) ([]providers.Entry, error) {
	all, _, err := r.c.Git.GetTree(ctx, r.owner, r.name, sha, true)
	if err != nil {
		return nil, err
	}
	deep := true
	if all.GetTruncated() {
		deep = false
		if all, _, err = r.c.Git.GetTree(ctx, r.owner, r.name, sha, false); err != nil {
			return nil, err
		}
		if all.GetTruncated() {
			return nil, fmt.Errorf("%w in the folder %q", errTruncated, folder)
		}
	}
	var entries []providers.Entry
	for _, e := range all.Entries {
		path := folder + e.GetPath()
		mode, ok := providers.ParseMode(e.GetMode())
		if !ok {
			if e.GetType() == "tree" && !deep {
				below, err := r.walk(ctx, e.GetSHA(), path+"/")
				if err != nil {
					return nil, err
				}
				entries = append(entries, below...)
			}
			continue
		}
		size := int64(-1)
		if e.Size != nil {
			size = int64(*e.Size)
		}
		entries = append(entries, providers.Entry{Path: path, Mode: mode, ID: e.GetSHA(), Size: size})
	}
	return entries, nil
}

// Archive returns a commit's files as a gzipped tar. GitHub answers with a
// redirect to another host, which needs no credential and gets none
// (https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-tar).
func (r *repository) Archive(ctx context.Context, sha string) (io.ReadCloser, error) {
	req, err := r.c.NewRequest(http.MethodGet, r.path("tarball/"+sha), nil)
	if err != nil {
		return nil, r.wrap("fetch the archive", err)
	}
	resp, err := r.c.BareDo(ctx, req)
	if err != nil {
		if statusOf(err) == http.StatusNotFound {
			err = noCommit(sha)
		}
		return nil, r.wrap("fetch the archive", err)
	}
	head := make([]byte, 2)
	n, err := io.ReadFull(resp.Body, head)
	if err == nil && !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		err = errNoAnswer
	}
	if err != nil {
		resp.Body.Close()
		return nil, r.wrap("fetch the archive", err)
	}
	return &stream{io.MultiReader(bytes.NewReader(head[:n]), resp.Body), resp.Body}, nil
}

// stream reads from one place and closes another.
type stream struct {
	io.Reader
	io.Closer
}
