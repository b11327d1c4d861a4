package local

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

var (
	_ providers.Reader    = (*Repository)(nil)
	_ providers.History   = (*Repository)(nil)
	_ providers.Committer = (*Repository)(nil)
)

// Repository is the git repository that a checkout belongs to, as package
// providers speaks of one: commits, not the work tree, and paths from the top
// of the repository, even if the checkout is a folder inside of it. There are
// no pull requests and no accounts.
//
// Nothing is fetched: what a shallow or partial clone lacks is not there.
// Replaced objects (git replace) are read as they were, since a SHA must mean
// the same everywhere. Its methods may be called from several goroutines.
type Repository struct {
	c *Checkout

	mu  sync.Mutex
	top string // of the work tree; "" until it is asked for
}

// Repository returns the repository of the checkout. Without git all of its
// methods fail.
func (c *Checkout) Repository() *Repository { return &Repository{c: c} }

// Info has the branch of HEAD as the default branch, "" if HEAD is detached,
// which says nothing of being empty.
func (r *Repository) Info(ctx context.Context) (providers.Info, error) {
	name := filepath.ToSlash(r.c.dir)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // C:/config
	}
	info := providers.Info{URL: (&url.URL{Scheme: "file", Path: name}).String()}
	var err error
	if info.DefaultBranch, err = r.headBranch(ctx); err != nil {
		return providers.Info{}, err
	}
	if _, err = r.commit(ctx, "HEAD"); err == nil {
		return info, nil
	}
	if !errors.Is(err, providers.ErrNotFound) {
		return providers.Info{}, err
	}
	// Another branch may have commits.
	out, err := r.git(ctx, "for-each-ref", "--count=1", "refs/heads", "refs/tags", "refs/remotes")
	if err != nil {
		return providers.Info{}, err
	}
	info.Empty = len(out) == 0
	return info, nil
}

// headBranch returns the branch that is checked out, which may have no commit
// yet, and "" if HEAD is detached.
func (r *Repository) headBranch(ctx context.Context) (string, error) {
	out, err := r.git(ctx, "symbolic-ref", "--quiet", "HEAD")
	if failed(err, 1) {
		return "", nil
	}
	branch, ok := strings.CutPrefix(strings.TrimSuffix(string(out), "\n"), "refs/heads/")
	if err != nil || !ok {
		return "", err
	}
	return branch, nil
}

// Resolve takes no other names than those of branches, of tags and full SHAs:
// not HEAD, and not main~1.
func (r *Repository) Resolve(ctx context.Context, ref string) (string, error) {
	if strings.ContainsRune(ref, 0) {
		return "", unknown(ref)
	}
	refs, err := r.refs(ctx, "refs/heads/"+ref, "refs/tags/"+ref)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"refs/heads/" + ref, "refs/tags/" + ref} {
		at, ok := refs[name]
		if ok && at.isCommit {
			return at.id, nil
		}
		if ok {
			return r.commit(ctx, at.id)
		}
	}
	if !isID(ref) {
		return "", unknown(ref)
	}
	return r.commit(ctx, ref)
}

func unknown(ref string) error {
	return &fault.Error{
		Code: fault.NotFound, Message: fmt.Sprintf("there is no commit, branch or tag %q in this clone", ref),
		Hint: "check the spelling; if it is on the remote, run `git fetch` first", Err: providers.ErrNotFound,
	}
}

// pointed is what a ref is at: a commit, or an annotated tag.
type pointed struct {
	id       string
	isCommit bool
}

// refs returns the refs with these names, and those below them.
func (r *Repository) refs(ctx context.Context, names ...string) (map[string]pointed, error) {
	out, err := r.git(ctx, append([]string{"for-each-ref", "--format=%(objectname) %(objecttype) %(refname)"}, names...)...)
	if err != nil {
		return nil, err
	}
	refs := map[string]pointed{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || !isID(fields[0]) {
			return nil, unlisted("for-each-ref", fmt.Errorf("unknown ref %q", line))
		}
		refs[fields[2]] = pointed{id: fields[0], isCommit: fields[1] == "commit"}
	}
	return refs, nil
}

// commit returns the commit that an id of it or of a tag names, or that HEAD is
// at. The error wraps [providers.ErrNotFound] if there is none.
func (r *Repository) commit(ctx context.Context, id string) (string, error) {
	if id != "HEAD" && !isID(id) {
		return "", unknown(id)
	}
	out, err := r.git(ctx, "rev-parse", "--verify", "--quiet", id+"^{commit}")
	partial, _ := r.c.isPartial()
	// There git does not say that an object is missing, but that it may not fetch it.
	if failed(err, 1) || partial && failed(err, 128) {
		return "", unknown(id)
	}
	return strings.TrimSpace(string(out)), err
}

// because returns why git could not do what it was to do with commits: that one
// of them is not there, or else err.
func (r *Repository) because(ctx context.Context, err error, commits ...string) error {
	if _, ok := errors.AsType[*gitError](err); !ok {
		return err
	}
	for _, sha := range commits {
		if _, e := r.commit(ctx, sha); errors.Is(e, providers.ErrNotFound) {
			return e
		}
	}
	return err
}

// failed reports whether err says that git ended with a status.
func failed(err error, status int) bool {
	failure, ok := errors.AsType[*gitError](err)
	return ok && failure.status == status
}

// git runs git for reading at the top of the work tree, where some commands
// have to be run to see all of it.
func (r *Repository) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd, err := r.command(ctx, args...)
	if err != nil {
		return nil, err
	}
	return run(ctx, cmd)
}

func (r *Repository) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	top, err := r.workTree(ctx)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, top, args...)
	cmd.Env = append(cmd.Env, "GIT_LITERAL_PATHSPECS=1", "GIT_FLUSH=0", asItWas)
	return cmd, nil
}

// asItWas makes git read objects that were replaced as they were.
const asItWas = "GIT_NO_REPLACE_OBJECTS=1"

func (r *Repository) workTree(ctx context.Context) (string, error) {
	if !r.c.IsGit() {
		return "", noRepository(r.c.dir)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.top != "" {
		return r.top, nil
	}
	if _, err := os.Lstat(filepath.Join(r.c.dir, ".git")); err == nil {
		r.top = r.c.dir
		return r.top, nil
	}
	out, err := git(ctx, r.c.dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	r.top = filepath.FromSlash(strings.TrimSuffix(string(out), "\n"))
	return r.top, nil
}
