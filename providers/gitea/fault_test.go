package gitea

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// serve returns a repository on a server that answers as said, and that waits
// for nothing.
func serve(t *testing.T, handler http.HandlerFunc) *repository {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	f, err := New(Options{
		Server: server.URL, Token: "a-token-of-some-length",
		Transport: transport.Options{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Repository("acme/config")
	if err != nil {
		t.Fatal(err)
	}
	return r.(*repository)
}

// reply answers with a status and JSON.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func message(text string) map[string]string { return map[string]string{"message": text} }

func TestMessages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer   http.HandlerFunc
		sentinel error
		want     string
		hint     string
	}{
		"wrong token": {
			func(w http.ResponseWriter, _ *http.Request) {
				reply(w, http.StatusUnauthorized, message("user does not exist [uid: 0, name: ]"))
			},
			providers.ErrUnauthorized, "does not accept the token", "make a new one",
		},
		"scope": {
			func(w http.ResponseWriter, _ *http.Request) {
				reply(w, http.StatusForbidden, message("token does not have at least one of required scope(s), required=[read:repository], token scope=read:user,write:issue"))
			},
			providers.ErrForbidden, "the token lacks the scope read:repository; it has read:user, write:issue", "write:repository",
		},
		"forbidden": {
			func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusForbidden, message("no way")) },
			providers.ErrForbidden, "forbids it: no way", "write access",
		},
		"not found": {
			func(w http.ResponseWriter, _ *http.Request) {
				reply(w, http.StatusNotFound, message("The target couldn't be found."))
			},
			providers.ErrNotFound, "not there, or not visible", "check the spelling",
		},
		"archived": {
			func(w http.ResponseWriter, _ *http.Request) {
				reply(w, http.StatusLocked, message("acme/config is archived"))
			},
			providers.ErrForbidden, "the repository is archived", "unarchive",
		},
		"too large": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) },
			providers.ErrForbidden, "too large", "smaller files",
		},
		"a page": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, "<html>Please sign in</html>")
			},
			nil, "is no Gitea: /api/v1/repos/acme/config is answered with text/html, not JSON", "address",
		},
		"a missing page": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusNotFound)
			},
			nil, "is no Gitea", "address",
		},
		"another forge": {
			func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, map[string]any{"id": 1}) },
			nil, "is no Gitea: the reply tells of no repository", "address",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := serve(t, test.answer)
			_, err := r.Info(t.Context())
			f, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("got %v, want a fault", err)
			}
			if !strings.Contains(f.Error(), test.want) || !strings.Contains(f.Hint, test.hint) || strings.Contains(f.Error(), "a-token") {
				t.Errorf("got %q with the hint %q", f, f.Hint)
			}
			if test.sentinel != nil && !errors.Is(err, test.sentinel) {
				t.Errorf("%v does not wrap %v", err, test.sentinel)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	f, err := New(Options{
		Server:    server.URL,
		Transport: transport.Options{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Repository("acme/config")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Info(t.Context())
	if e, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(e.Message, "cannot be reached") || e.Hint == "" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Info(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
}

// TestNames proves that names never reach what they do not name.
func TestNames(t *testing.T) {
	t.Parallel()
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		t.Errorf("got %s %s", req.Method, req.URL)
		reply(w, http.StatusOK, map[string]any{})
	})
	for _, name := range []string{"", ".", "..", "../x", "a/../b", "a/./b", "/a", "a/", "a//b"} {
		if _, err := r.branch(t.Context(), name); statusOf(err) != http.StatusNotFound {
			t.Errorf("branch %q: got %v", name, err)
		}
		if _, err := r.ref(t.Context(), name); statusOf(err) != http.StatusNotFound {
			t.Errorf("ref %q: got %v", name, err)
		}
		if _, err := r.resolve(t.Context(), name); statusOf(err) != http.StatusNotFound {
			t.Errorf("resolve %q: got %v", name, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for server, ok := range map[string]bool{
		"https://gitea.example.org": true, "http://127.0.0.1:3000/": true, "https://example.org/git": true,
		"gitea.example.org": false, "ftp://example.org": false, "": false, "https://user:word@example.org": false,
	} {
		_, err := New(Options{Server: server})
		if (err == nil) != ok {
			t.Errorf("%q: got %v", server, err)
		}
		if err != nil && (strings.Contains(err.Error(), "word") || fault.CodeOf(err) != fault.Usage) {
			t.Errorf("%q: got %v", server, err)
		}
	}
	if _, err := New(Options{API: "https://example.org/api/v3"}); fault.CodeOf(err) != fault.Usage {
		t.Errorf("another API: got %v", err)
	}
	f := testForge(t)
	for _, path := range []string{"", "acme", "acme/", "/config", "a/b/c", ".", "..", "./config", "../config", "acme/.", "acme/.."} {
		if _, err := f.Repository(path); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q: got %v", path, err)
		}
	}
}

// TestSecretsStayOut has the server repeat the token, and the secret of a
// webhook.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	const token, secret = "a-token-of-some-length", "secret-of-the-webhook"
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			reply(w, http.StatusOK, []any{})
			return
		}
		reply(w, http.StatusUnprocessableEntity, map[string]any{
			"message": secret + " is too simple", "errors": []string{"for " + req.Header.Get("Authorization")},
		})
	})
	_, err := r.UpsertHook(t.Context(), "https://towpath.test", []byte(secret))
	if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), token) ||
		!strings.Contains(err.Error(), "is too simple: for token") {
		t.Errorf("got the error %v", err)
	}
}

// TestUnanswered proves that a write that was answered with 500 is not taken for
// one that was not done, and a question is.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/pulls/1") {
			reply(w, http.StatusOK, map[string]any{"number": 1, "state": "open"})
			return
		}
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/git/commits/") {
			reply(w, http.StatusOK, map[string]any{"sha": sha1s})
			return
		}
		reply(w, http.StatusInternalServerError, message("out of luck"))
	})
	text := "x"
	for what, call := range map[string]func(ctx context.Context) error{
		"comment": func(ctx context.Context) error { _, err := r.AddComment(ctx, 1, text); return err },
		"update": func(ctx context.Context) error {
			_, err := r.UpdatePull(ctx, 1, providers.PullUpdate{Body: &text})
			return err
		},
		"merge": func(ctx context.Context) error {
			_, err := r.MergePull(ctx, 1, providers.Merge{Head: sha1s, Method: providers.Squash})
			return err
		},
		"status": func(ctx context.Context) error {
			return r.SetStatus(ctx, sha1s, providers.Status{Name: "x", State: providers.Passed})
		},
		"commit": func(ctx context.Context) error {
			_, err := r.Commit(ctx, providers.CommitRequest{
				Branch: "x", Parent: sha1s, Head: sha1s, Message: "x", Changes: []providers.Change{{Path: "x", Content: []byte("x")}},
			})
			return err
		},
	} {
		err := call(t.Context())
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || !errors.Is(err, providers.ErrUnanswered) || f.Hint == "" || !strings.Contains(err.Error(), "out of luck") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if _, err := r.Info(t.Context()); err == nil || errors.Is(err, providers.ErrUnanswered) {
		t.Errorf("a question: got %v", err)
	}
}

// TestEndless proves that a server is not asked without end which gives the same
// page for every number, or always another one.
func TestEndless(t *testing.T) {
	t.Parallel()
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/hooks") {
			reply(w, http.StatusOK, []any{map[string]any{"id": 1, "config": map[string]any{"url": "https://towpath.test"}}})
			return
		}
		reply(w, http.StatusOK, []any{map[string]any{"number": 1, "state": "open"}, map[string]any{"number": 2, "state": "open"}})
	})
	if _, err := r.Hooks(t.Context()); !errors.Is(err, errEndless) {
		t.Errorf("the webhooks: got %v", err)
	}
	if _, err := r.Pulls(t.Context(), providers.PullQuery{}); !errors.Is(err, errEndless) {
		t.Errorf("the pull requests: got %v", err)
	}
	rows, err := pages(0, func(page int) ([]int, http.Header, error) { return []int{page}, nil, nil })
	if !errors.Is(err, errEndless) {
		t.Errorf("pages without end: got %d rows, %v", len(rows), err)
	}
}

// TestOpenTwin proves that of two pull requests for the same branches, which two
// processes opened at once, the later one is closed.
func TestOpenTwin(t *testing.T) {
	t.Parallel()
	pull := func(number int, state string) map[string]any {
		return map[string]any{
			"number": number, "state": state, "title": "Bump",
			"base": map[string]any{"ref": "main", "repo_id": 1}, "head": map[string]any{"label": "x", "sha": sha2s, "repo_id": 1},
		}
	}
	closed := 0
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		at := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/api/v1/repos/acme/config")
		switch at {
		case "GET /commits":
			reply(w, http.StatusOK, []any{map[string]any{"sha": sha2s}})
		case "POST /pulls":
			reply(w, http.StatusCreated, pull(8, "open"))
		case "GET /pulls":
			w.Header().Set("X-Total-Count", "2")
			reply(w, http.StatusOK, []any{pull(8, "open"), pull(7, "open")})
		case "PATCH /pulls/8":
			closed++
			reply(w, http.StatusCreated, pull(8, "closed"))
		default:
			t.Errorf("got %s", at)
			reply(w, http.StatusNotFound, message(at))
		}
	})
	_, err := r.OpenPull(t.Context(), providers.NewPull{Head: "x", Base: "main", Title: "Bump"})
	if !errors.Is(err, providers.ErrConflict) || closed != 1 {
		t.Errorf("got %v, closed %d times", err, closed)
	}
}

// TestOldServer proves that what an old server, or Forgejo, lacks is asked for
// once.
func TestOldServer(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		at := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/api/v1/repos/acme/config")
		asked[at]++
		switch {
		case strings.HasPrefix(at, "GET /git/trees/"):
			reply(w, http.StatusOK, map[string]any{"total_count": 1, "tree": []any{
				map[string]any{"path": "a.txt", "mode": "100644", "type": "blob", "sha": blobID([]byte("a\n"), 40), "size": 2},
			}})
		case at == "GET /raw/a.txt":
			_, _ = io.WriteString(w, "a\n")
		case at == "GET /branches/x" || at == "GET /git/refs/heads/x":
			reply(w, http.StatusOK, map[string]any{"commit": map[string]any{"id": sha1s}})
		case at == "POST /branches":
			reply(w, http.StatusCreated, map[string]any{})
		case at == "POST /contents":
			reply(w, http.StatusCreated, map[string]any{"commit": map[string]any{"sha": sha0s, "parents": []any{map[string]any{"sha": sha2s}}}})
		case strings.HasPrefix(at, "GET /branches/x.rebuild-"):
			reply(w, http.StatusOK, map[string]any{"commit": map[string]any{"id": sha0s}})
		case strings.HasPrefix(at, "DELETE /branches/x.rebuild-"):
			asked["DELETE"]++
			w.WriteHeader(http.StatusNoContent)
		case at == "PUT /branches/x":
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			reply(w, http.StatusNotFound, message(at))
		}
	})
	for i := range 2 {
		files, err := r.Files(t.Context(), fmt.Sprintf("%040d", i), []string{"a.txt"})
		if err != nil || string(files["a.txt"].Content) != "a\n" {
			t.Errorf("got %v, %v", files, err)
		}
		_, err = r.Commit(t.Context(), providers.CommitRequest{
			Branch: "x", Parent: sha2s, Head: sha1s, Message: "Rebuild", Changes: []providers.Change{{Path: "b.txt", Content: []byte("b")}},
		})
		if !errors.Is(err, errors.ErrUnsupported) || fault.CodeOf(err) != fault.Refused {
			t.Errorf("got %v", err)
		}
	}
	for at, want := range map[string]int{"GET /file-contents": 1, "GET /raw/a.txt": 2, "PUT /branches/x": 1, "POST /branches": 1, "DELETE": 1} {
		if asked[at] != want {
			t.Errorf("%s was asked for %d times, want %d", at, asked[at], want)
		}
	}
}

// TestCommentAtOnce proves that a comment that another run deletes while it is
// edited is written anew, once, although the reply to that says nothing.
func TestCommentAtOnce(t *testing.T) {
	t.Parallel()
	var now []any
	writes := ""
	comment := func(id int, body string) map[string]any {
		return map[string]any{"id": id, "body": body, "user": map[string]any{"id": 4}}
	}
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		at := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/api/v1/repos/acme/config")
		if req.Method != http.MethodGet {
			writes += req.Method + " "
		}
		switch at {
		case "GET /api/v1/user":
			reply(w, http.StatusOK, map[string]any{"id": 4})
		case "GET /issues/7/comments":
			reply(w, http.StatusOK, now)
		case "GET /pulls/7":
			reply(w, http.StatusOK, map[string]any{"number": 7})
		case "PATCH /issues/comments/1":
			now = nil
			reply(w, http.StatusInternalServerError, message(""))
		case "POST /issues/7/comments":
			var in struct{ Body string }
			_ = json.NewDecoder(req.Body).Decode(&in)
			now = append(now, comment(2, in.Body))
			reply(w, http.StatusInternalServerError, message(""))
		default:
			t.Errorf("got %s", at)
			reply(w, http.StatusNotFound, message(at))
		}
	})
	now = []any{comment(1, r.marked("plan", "Old."))}
	c, err := r.UpsertComment(t.Context(), 7, "plan", "New.")
	if err != nil || c.ID != "2" || writes != "PATCH POST " {
		t.Errorf("got %+v, %v after %s", c, err, writes)
	}
}
