package giteatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// password is that of every account.
const password = "correct-horse-battery"

// serial makes names that no other test has.
var serial atomic.Int64

// Name returns a name that nothing else on the server has.
func Name(prefix string) string { return fmt.Sprintf("%s%d", prefix, serial.Add(1)) }

// Account is a user with a token.
type Account struct {
	ID    int64
	Login string
	Token string // for everything that the account may do
}

// Account makes one. Its name starts with a prefix.
func (s *Server) Account(t testing.TB, prefix string) Account {
	t.Helper()
	login := Name(prefix)
	var user struct {
		ID int64 `json:"id"`
	}
	s.Do(t, s.Token, http.MethodPost, "/admin/users", map[string]any{
		"username": login, "email": login + "@example.org", "full_name": "Full Name of " + login,
		"password": password, "must_change_password": false,
	}, &user)
	return Account{ID: user.ID, Login: login, Token: s.NewToken(t, login, "all")}
}

// NewToken makes a token of an account with some scopes only, such as
// read:repository.
func (s *Server) NewToken(t testing.TB, login string, scopes ...string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"name": Name("token"), "scopes": scopes})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/v1/users/"+login+"/tokens", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(login, password)
	req.Header.Set("Content-Type", "application/json")
	var token struct {
		SHA1 string `json:"sha1"`
	}
	s.send(t, req, &token)
	return token.SHA1
}

// Org makes an organization of an account.
func (s *Server) Org(t testing.TB, owner Account) string {
	t.Helper()
	name := Name("org")
	s.Do(t, owner.Token, http.MethodPost, "/orgs", map[string]any{"username": name}, nil)
	return name
}

// Repository makes a private repository of an account, or of an organization if
// one is named, with one commit on main, and returns its path and a clone. With
// nil it is empty.
//
// The commit is not pushed: the repository is put where the server looks for
// such and adopted, since every push has the server start itself three times.
func (s *Server) Repository(t testing.TB, owner Account, org string, first *Commit) (path string, m *Mirror) {
	t.Helper()
	name := Name("repo")
	path, at := owner.Login+"/"+name, "/user/repos"
	if org != "" {
		path, at = org+"/"+name, "/orgs/"+org+"/repos"
	}
	m = s.Mirror(t, owner, path)
	dir := filepath.Join(s.dir, "repositories", strings.ToLower(path)+".git")
	if first == nil {
		s.Do(t, owner.Token, http.MethodPost, at, map[string]any{"name": name, "private": true, "default_branch": "main"}, nil)
	} else {
		c := *first
		c.Branch = "main"
		m.commit(t, c)
		m.git(t, nil, "clone", "--quiet", "--bare", m.dir, dir)
		s.Do(t, s.Token, http.MethodPost, "/admin/unadopted/"+path, nil, nil)
	}
	lighten(t, filepath.Join(dir, "hooks"))
	return path, m
}

// lighten spares a repository hooks that do nothing: each starts the server's
// whole program, for a third of a second. That of update does nothing but refuse
// pushes to refs/pull, and the others do nothing for pushes of the server's own
// (runHookUpdate, runHookPreReceive and runHookPostReceive in cmd/hook.go of
// Gitea).
func lighten(t testing.TB, hooks string) {
	t.Helper()
	if err := os.Remove(filepath.Join(hooks, "update.d", "gitea")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pre-receive.d", "post-receive.d"} {
		file := filepath.Join(hooks, name, "gitea")
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shebang, rest, _ := strings.Cut(string(script), "\n")
		script = []byte(shebang + "\n[ \"$GITEA_INTERNAL_PUSH\" = true ] && exit 0\n" + rest)
		if err := os.WriteFile(file, script, 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
}

// Collaborate gives an account a right in a repository: read, write or admin.
func (s *Server) Collaborate(t testing.TB, owner Account, repo, login, permission string) {
	t.Helper()
	s.Do(t, owner.Token, http.MethodPut, "/repos/"+repo+"/collaborators/"+login, map[string]any{"permission": permission}, nil)
}

// Do sends a request to the API with a token and reads the reply, which must be
// one of success. Where out is nil it is not read.
func (s *Server) Do(t testing.TB, token, method, path string, in, out any) {
	t.Helper()
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/api/v1"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	s.send(t, req, out)
}

func (s *Server) send(t testing.TB, req *http.Request, out any) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, data)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			t.Fatalf("%s %s: %v in %q", req.Method, req.URL.Path, err, data)
		}
	}
}

// Log returns the end of Gitea's log, for a test that failed.
func (s *Server) Log() string {
	data, err := os.ReadFile(filepath.Join(s.dir, "log", "gitea.log"))
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-8<<10):])
}
