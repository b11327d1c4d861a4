package giteatest

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Mirror is a bare clone of a repository on the server, by which tests push what
// the API could not make.
type Mirror struct {
	dir    string
	remote string
}

// Mirror makes a bare clone of a repository, as an account.
func (s *Server) Mirror(t testing.TB, account Account, repo string) *Mirror {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(account.Login, account.Token)
	m := &Mirror{dir: t.TempDir(), remote: u.JoinPath(repo + ".git").String()}
	m.git(t, nil, "init", "--quiet", "--bare", "--initial-branch=main")
	return m
}

// Commit is one that is pushed.
type Commit struct {
	Branch  string // made if it is not there
	From    string // branch or SHA that a new branch begins at; "" means none
	Message string
	Files   map[string]Blob
	Remove  []string
	Rename  map[string]string // old to new path
}

// Blob is a file. Mode is git's, such as 100644; the content of 160000 is the id
// of a commit.
type Blob struct {
	Mode    string
	Content string
}

// Push makes commits, the first one on the newest head of its branch and each
// other one on what came before, pushes them together, and returns their SHAs.
func (m *Mirror) Push(t testing.TB, commits ...Commit) []string {
	t.Helper()
	m.git(t, nil, "fetch", "--quiet", "--prune", m.remote, "+refs/heads/*:refs/heads/*")
	push := []string{"push", "--quiet", m.remote}
	var shas []string
	for _, c := range commits {
		shas = append(shas, m.commit(t, c))
		if ref := "refs/heads/" + c.Branch; !slices.Contains(push, ref) {
			push = append(push, ref)
		}
	}
	m.git(t, nil, push...)
	return shas
}

func (m *Mirror) commit(t testing.TB, c Commit) string {
	t.Helper()
	ref := "refs/heads/" + c.Branch
	from := m.git(t, nil, "for-each-ref", "--format=%(objectname)", ref)
	if from == "" {
		from = c.From
		if sha := m.git(t, nil, "for-each-ref", "--format=%(objectname)", "refs/heads/"+c.From); sha != "" && c.From != "" {
			from = sha
		}
	}
	var in bytes.Buffer
	fmt.Fprintf(&in, "commit %s\ncommitter Ada <ada@example.org> now\ndata %d\n%s\n", ref, len(c.Message), c.Message)
	if from != "" {
		fmt.Fprintf(&in, "from %s\n", from)
	}
	for _, path := range c.Remove {
		fmt.Fprintf(&in, "D %s\n", quote(path))
	}
	for from, to := range c.Rename {
		fmt.Fprintf(&in, "R %s %s\n", quote(from), quote(to))
	}
	for path, blob := range c.Files {
		if blob.Mode == "160000" {
			fmt.Fprintf(&in, "M 160000 %s %s\n", blob.Content, quote(path))
			continue
		}
		fmt.Fprintf(&in, "M %s inline %s\ndata %d\n%s\n", blob.Mode, quote(path), len(blob.Content), blob.Content)
	}
	in.WriteString("\ndone\n")
	m.git(t, in.Bytes(), "fast-import", "--quiet", "--done", "--date-format=now")
	return m.git(t, nil, "rev-parse", ref)
}

// Tag pushes a tag.
func (m *Mirror) Tag(t testing.TB, name, sha string) {
	t.Helper()
	m.git(t, nil, "fetch", "--quiet", m.remote, "+refs/heads/*:refs/heads/*")
	m.git(t, nil, "push", "--quiet", m.remote, sha+":refs/tags/"+name)
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func quote(path string) string { return `"` + quoter.Replace(path) + `"` }

func (m *Mirror) git(t testing.TB, in []byte, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = m.dir
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		i := slices.Index(args, m.remote)
		if i >= 0 {
			args[i] = "REMOTE"
		}
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
