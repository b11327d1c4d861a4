package bitbucket_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// over returns the driver over a base, with the writer's access token.
func (w *world) over(t *testing.T, base http.RoundTripper) providers.Repository {
	t.Helper()
	o := w.options(base)
	o.Token = "token-of-writer"
	return w.repository(t, o)
}

// through changes requests before they go out, or answers them.
type through func(*http.Request, http.RoundTripper) (*http.Response, error)

func (w *world) through(f through) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) { return f(req, w.server.Client().Transport) })
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func text(content string) memory.File { return memory.File{Content: []byte(content)} }

func must[T any](t *testing.T, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func commit(t *testing.T, r providers.Repository, branch, head string, changes ...providers.Change) (string, error) {
	t.Helper()
	parent := head
	if parent == "" {
		sha, err := r.Resolve(t.Context(), "main")
		parent = must(t, sha, err)
	}
	return r.Commit(t.Context(), providers.CommitRequest{Branch: branch, Parent: parent, Head: head, Message: "Write", Changes: changes})
}

func add(path, content string) providers.Change {
	return providers.Change{Path: path, Content: []byte(content)}
}

func change(path, content string) providers.Change {
	return providers.Change{Path: path, Content: []byte(content), Before: &providers.Entry{Path: path}}
}

// TestLFS proves that a file in Git LFS is read as what the commit has, a
// pointer, though Bitbucket redirects to the file itself; and that the store of
// those files is sent no credential.
func TestLFS(t *testing.T) {
	t.Parallel()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the store was sent a credential")
		}
		_, _ = io.WriteString(w, "hello\n")
	}))
	t.Cleanup(store.Close)
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"big.bin": text("?")})
	r := w.over(t, w.through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/big.bin") && !strings.HasPrefix(store.URL, "http://"+req.URL.Host) {
			return fixed{http.StatusMovedPermanently, "", "", http.Header{"Location": {store.URL + "/file"}}}.RoundTrip(req)
		}
		return next.RoundTrip(req)
	}))
	sha, err := r.Resolve(t.Context(), "main")
	files, err := r.Files(t.Context(), must(t, sha, err), []string{"big.bin"})
	if err != nil {
		t.Fatal(err)
	}
	want := "version https://git-lfs.github.com/spec/v1\noid sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\nsize 6\n"
	if got := string(files["big.bin"].Content); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLargeLFS proves that a file without end is not read without end.
func TestLargeLFS(t *testing.T) {
	t.Parallel()
	r := fixedRepository(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.URL.Host != "store.test" {
			return fixed{http.StatusMovedPermanently, "", "", http.Header{"Location": {"https://store.test/file"}}}.RoundTrip(req)
		}
		resp, err := fixed{http.StatusOK, "", "", nil}.RoundTrip(req)
		if err == nil {
			resp.Body, resp.ContentLength = io.NopCloser(zeros{}), -1
		}
		return resp, err
	}))
	files, err := r.Files(t.Context(), strings.Repeat("1", 40), []string{"big.bin"})
	if f, ok := files["big.bin"]; err != nil || !ok || f.Content != nil || f.Size <= providers.MaxFile {
		t.Errorf("got %d bytes of the size %d and the error %v", len(f.Content), f.Size, err)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestLargeFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exact, larger := bytes.Repeat([]byte("0123456\n"), providers.MaxFile/8), bytes.Repeat([]byte("0123456\n"), providers.MaxFile/8+1)
	w.addRepo(t, map[string]memory.File{"exact": {Content: exact}, "larger": {Content: larger}, "link": {Mode: providers.Symlink, Content: []byte("exact")}})
	for name, base := range map[string]http.RoundTripper{
		"with a length": w.server.Client().Transport,
		"without a length": w.through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				resp.ContentLength = -1
			}
			return resp, err
		}),
	} {
		r := w.over(t, base)
		sha, err := r.Resolve(t.Context(), "main")
		files, err := r.Files(t.Context(), must(t, sha, err), []string{"exact", "larger", "link"})
		if err != nil {
			t.Fatal(err)
		}
		if got := files["exact"]; !bytes.Equal(got.Content, exact) || got.Size != providers.MaxFile {
			t.Errorf("%s: the file of just the limit has %d bytes, and the size %d", name, len(got.Content), got.Size)
		}
		if got := files["larger"]; got.Content != nil || got.Size != providers.MaxFile+8 || got.Mode != providers.Regular {
			t.Errorf("%s: the larger file has %d bytes, and is %+v", name, len(got.Content), got.Entry)
		}
		if got := files["link"]; got.Content != nil || got.Mode != providers.Symlink {
			t.Errorf("%s: the link is %+v", name, got)
		}
	}
}

// TestListingLookalike proves that a file is not taken for the listing of a
// folder, whatever it holds.
func TestListingLookalike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	listing := `{"pagelen": 10, "page": 1, "values": [{"type": "commit_file", "path": "x"}]}` + "\n"
	w.addRepo(t, map[string]memory.File{"listing.json": text(listing), "folder/empty.json": text("{}\n")})
	r := w.over(t, w.server.Client().Transport)
	sha, err := r.Resolve(t.Context(), "main")
	files, err := r.Files(t.Context(), must(t, sha, err), []string{"listing.json", "folder"})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || string(files["listing.json"].Content) != listing {
		t.Errorf("got %+v", files)
	}
}

// TestDeepTree proves that trees are listed whole, deeper than one request goes
// and though Bitbucket gives up on depths.
func TestDeepTree(t *testing.T) {
	t.Parallel()
	files := map[string]memory.File{}
	var want []string
	for depth := range 24 {
		path := strings.Repeat("d/", depth) + "f.txt"
		files[path] = text(path)
		want = append(want, path)
	}
	slices.Sort(want)
	for _, most := range []int{0, 3, 1} {
		w := newWorld(t)
		w.imit.MaxDepth = most
		w.addRepo(t, files)
		r := w.over(t, w.server.Client().Transport)
		sha, err := r.Resolve(t.Context(), "main")
		entries, err := r.Tree(t.Context(), must(t, sha, err))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Path)
			if e.Size != int64(len(e.Path)) {
				t.Errorf("%s has the size %d", e.Path, e.Size)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("where listings end at the depth %d: %s", most, diff)
		}
	}
}

// TestTreeTooLarge proves that a listing that Bitbucket cannot make is an error.
func TestTreeTooLarge(t *testing.T) {
	t.Parallel()
	r := fixedRepository(t, fixed{555, jsonKind, `{"type":"error","error":{"message":"timed out"}}`, nil})
	entries, err := r.Tree(t.Context(), strings.Repeat("1", 40))
	if _, ok := errors.AsType[*fault.Error](err); !ok || entries != nil {
		t.Errorf("got %v, %v", entries, err)
	}
}

// TestLostAttribute proves that it is found out if Bitbucket drops the attribute
// of an executable file, and that a branch made for it goes again.
func TestLostAttribute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{"run.sh": {Mode: providers.Executable, Content: []byte("1\n")}})
	r := w.over(t, w.through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/src") {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			if !bytes.Contains(body, []byte(`; x-attributes="executable"`)) {
				t.Error("the attribute was not sent")
			}
			req = req.Clone(req.Context())
			body = bytes.ReplaceAll(body, []byte(`; x-attributes="executable"`), nil)
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		return next.RoundTrip(req)
	}))
	base, err := r.Resolve(t.Context(), "main")
	must(t, base, err)
	for _, head := range []string{"", base} {
		branch := "x"
		if head != "" {
			branch = "main"
		}
		_, err := commit(t, r, branch, head, change("run.sh", "2\n"))
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || !errors.Is(err, errors.ErrUnsupported) || f.Hint == "" || !strings.Contains(f.Message, "run.sh") {
			t.Errorf("to %s: got the error %v", branch, err)
		}
	}
	if sha, err := r.Resolve(t.Context(), "x"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("the branch is at %s, %v", sha, err)
	}
}

// TestModesWithoutFilter proves that modes are learned where listings cannot be
// filtered.
func TestModesWithoutFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addRepo(t, map[string]memory.File{
		"a/run.sh": {Mode: providers.Executable, Content: []byte("1\n")}, "a/link": {Mode: providers.Symlink, Content: []byte("b")}, "a/b": text("b\n"),
	})
	r := w.over(t, w.through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.Contains(req.URL.Path, "/src/") && req.URL.Query().Has("q") {
			return fixed{http.StatusBadRequest, jsonKind, `{"type":"error","error":{"message":"Invalid query"}}`, nil}.RoundTrip(req)
		}
		return next.RoundTrip(req)
	}))
	_, err := commit(t, r, "x", "", change("a/b", "2\n"), change("a/link", "2\n"))
	if f, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(f.Message, `"a/link" is a symbolic link`) {
		t.Errorf("got the error %v", err)
	}
	sha, err := commit(t, r, "x", "", change("a/b", "2\n"), change("a/run.sh", "2\n"))
	entries, err := r.Tree(t.Context(), must(t, sha, err))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if (e.Mode == providers.Executable) != (e.Path == "a/run.sh") {
			t.Errorf("%s has the mode %v", e.Path, e.Mode)
		}
	}
}

func TestCommitRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status   int
		body     string
		sentinel error
		message  string
	}{
		"tip moved":        {409, `{"type":"error","error":{"message":"not the tip"}}`, providers.ErrConflict, "has changed meanwhile"},
		"parent in words":  {400, `{"type":"error","error":{"message":"The parents are not the head"}}`, providers.ErrConflict, "has changed meanwhile"},
		"restricted":       {403, `{"type":"error","error":{"message":"Permission denied to update branch."}}`, providers.ErrForbidden, "may not push"},
		"pre-receive hook": {400, `{"type":"error","error":{"message":"pre-receive hook declined"}}`, providers.ErrForbidden, "may not push"},
		"too large":        {413, `<html>`, nil, "larger than Bitbucket takes"},
		"missing scope": {
			403, `{"type":"error","error":{"message":"lack","detail":{"required":["write:repository:bitbucket"],"granted":[]}}}`,
			providers.ErrForbidden, "lacks the scope write:repository:bitbucket",
		},
		"gateway": {502, `bad gateway`, providers.ErrUnanswered, "may have done it all the same"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.addRepo(t, map[string]memory.File{"a.txt": text("a\n")})
			r := w.over(t, w.through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				if req.Method == http.MethodPost {
					return fixed{test.status, jsonKind, test.body, nil}.RoundTrip(req)
				}
				return next.RoundTrip(req)
			}))
			_, err := commit(t, r, "x", "", change("a.txt", "b\n"))
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Hint == "" || !strings.Contains(f.Message, test.message) || test.sentinel != nil && !errors.Is(err, test.sentinel) {
				t.Errorf("got the error %v", err)
			}
		})
	}
}
