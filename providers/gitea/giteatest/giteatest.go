// Package giteatest owns a real Gitea for the tests of a process: it starts one
// on a loopback port with everything in a temporary folder, makes accounts and
// repositories on it, and ends it with the process. It is for tests only, and
// imitates nothing.
//
// A package that uses it hands its tests over:
//
//	func TestMain(m *testing.M) { os.Exit(giteatest.Main(m)) }
package giteatest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a Gitea may take to be ready on a slow and busy machine.
const patience = 3 * time.Minute

// Server is a running Gitea.
type Server struct {
	URL   string // http://127.0.0.1:PORT
	Token string // of an administrator named root, for everything

	dir     string // of its data, removed at the end
	program string
	command *exec.Cmd
	hold    io.Closer // while it is open, the server runs
}

var shared struct {
	sync.Once
	server *Server
	skip   string // why there is none
	err    error
}

// Main runs the tests of a process, ends the server if one was started, and
// returns the exit status.
func Main(m *testing.M) int {
	defer func() {
		if shared.server != nil {
			shared.server.stop()
		}
	}()
	return m.Run()
}

// Start returns the Gitea of the process, starting it at the first call. It
// skips the test unless TOWPATH_GITEA names the program: with a real Gitea tests
// take minutes.
func Start(t testing.TB) *Server {
	t.Helper()
	shared.Do(func() {
		program, static, reason := find()
		if reason != "" {
			shared.skip = reason
			return
		}
		shared.server, shared.err = start(program, static)
	})
	switch {
	case shared.skip != "":
		t.Skip(shared.skip)
	case shared.err != nil:
		t.Fatal(shared.err)
	}
	return shared.server
}

// find returns the program and the folder with its templates, or says why there
// is none.
func find() (program, static, reason string) {
	if program = os.Getenv("TOWPATH_GITEA"); program == "" {
		return "", "", "no Gitea is named: build one with .ci/tools/build gitea and set TOWPATH_GITEA to the path that it prints"
	}
	if static = os.Getenv("TOWPATH_GITEA_STATIC"); static == "" {
		var err error
		if static, err = module(); err != nil {
			return "", "", fmt.Sprintf("no templates of Gitea: name the folder in TOWPATH_GITEA_STATIC (%v)", err)
		}
	}
	if _, err := os.Stat(filepath.Join(static, "templates")); err != nil {
		return "", "", fmt.Sprintf("no templates of Gitea: %v", err)
	}
	return program, static, ""
}

// module returns the folder of Gitea's source, as the module of the tool has it.
func module() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		tool := filepath.Join(dir, ".ci", "tools", "gitea")
		if _, err := os.Stat(filepath.Join(tool, "go.mod")); err == nil {
			list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "code.gitea.io/gitea")
			list.Dir = tool
			list.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
			out, err := list.Output()
			if text := strings.TrimSpace(string(out)); err == nil && text != "" {
				return text, nil
			}
			return "", fmt.Errorf("find the source of Gitea: go list -m in %s: %w", tool, err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("find the source of Gitea: there is no .ci/tools/gitea above the test")
		}
		dir = parent
	}
}

// settings makes Gitea small and quick, and has it deliver to loopback.
const settings = `APP_NAME = test
RUN_MODE = prod
RUN_USER = %[4]s
WORK_PATH = %[1]s
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[2]d
ROOT_URL = http://127.0.0.1:%[2]d/
LOCAL_ROOT_URL = http://127.0.0.1:%[2]d/
STATIC_ROOT_PATH = %[3]s
OFFLINE_MODE = true
DISABLE_SSH = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
SQLITE_TIMEOUT = 60000
SQLITE_JOURNAL_MODE = WAL
[security]
INSTALL_LOCK = true
SECRET_KEY = for-tests-only
INTERNAL_TOKEN = eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYmYiOjE3MDAwMDAwMDB9.2FkrdlGk2eSlPKvzUO0-gHtQGjoEtOgBnkiYvVAV43o
PASSWORD_HASH_ALGO = pbkdf2$1$50
[oauth2]
ENABLED = false
JWT_SECRET = KZb_QLUd4fYVyxetjxC4eZkrBgWM2SndOOWDNtgUUko
[service]
DISABLE_REGISTRATION = true
[repository]
ROOT = %[1]s/repositories
DEFAULT_BRANCH = main
[webhook]
ALLOWED_HOST_LIST = loopback
[indexer]
ISSUE_INDEXER_TYPE = db
[log]
MODE = file
LEVEL = Warn
ROOT_PATH = %[1]s/log
[actions]
ENABLED = false
[other]
ENABLE_SITEMAP = false
[git.config]
core.fsync = none
gc.auto = 0
receive.autogc = false
[cron]
ENABLED = false
[cron.update_checker]
ENABLED = false
`

// A shell between the test and Gitea ends it, and removes its folder, as soon
// as its standard input closes: at the end of the test, however that comes. What
// Gitea has started may still write there for a moment.
const watch = `"$1" web -c "$2/app.ini" >"$2/out" 2>&1 & pid=$!
read -r _
kill -9 "$pid" 2>/dev/null; wait "$pid" 2>/dev/null
rm -rf "$2" || { sleep 1; rm -rf "$2"; }`

func start(program, static string) (_ *Server, err error) {
	dir, err := os.MkdirTemp("", "towpath-gitea-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	user := os.Getenv("USER")
	if out, err := exec.Command("id", "-un").Output(); err == nil {
		user = strings.TrimSpace(string(out))
	}
	ini := fmt.Sprintf(settings, dir, port, static, user)
	if err := os.WriteFile(filepath.Join(dir, "app.ini"), []byte(ini), 0o600); err != nil {
		return nil, err
	}
	s := &Server{URL: "http://127.0.0.1:" + strconv.Itoa(port), dir: dir, program: program}
	s.command = exec.Command("sh", "-c", watch, "sh", program, dir)
	s.command.Env = s.environ()
	if s.hold, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start Gitea: %w", err)
	}
	if err := s.ready(); err != nil {
		said, _ := os.ReadFile(filepath.Join(dir, "out"))
		s.stop()
		return nil, fmt.Errorf("start Gitea: %w\n%s", err, said)
	}
	create := exec.Command(program, "admin", "user", "create", "-c", filepath.Join(dir, "app.ini"),
		"--admin", "--username", "root", "--password", password, "--email", "root@example.org",
		"--must-change-password=false", "--access-token", "--access-token-scopes", "all")
	create.Env = s.environ()
	out, err := create.CombinedOutput()
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("make Gitea's first account: %w\n%s", err, out)
	}
	_, after, ok := strings.Cut(string(out), "Access token was successfully created... ")
	if !ok {
		s.stop()
		return nil, fmt.Errorf("make Gitea's first account: no token in %q", out)
	}
	s.Token, _, _ = strings.Cut(after, "\n")
	return s, nil
}

// environ is what Gitea and its git get: nothing of the user's own settings.
func (s *Server) environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "USER=" + os.Getenv("USER"),
		"GITEA_WORK_DIR=" + s.dir, "GIT_CONFIG_NOSYSTEM=1",
	}
}

func (s *Server) stop() {
	_ = s.hold.Close()
	_ = s.command.Wait()
}

// ready waits until Gitea says that it is healthy.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/healthz", nil)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, nil // nobody listens yet
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

// poll asks until it is so, an error comes, or the context ends.
func poll(ctx context.Context, ask func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := ask(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
