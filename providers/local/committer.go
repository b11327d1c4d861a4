package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Commit writes to a branch that is not checked out, in no work tree of the
// repository, and refuses any other: its files would be left as they were, and
// look edited. [Checkout.Commit] is for the branch that is checked out.
//
// Identity and signing are those of `git commit`. Its hooks do not run, as there
// is no work tree for them to look at; reference-transaction does.
func (r *Repository) Commit(ctx context.Context, q providers.CommitRequest) (string, error) {
	if err := r.checkBranch(ctx, q); err != nil {
		return "", err
	}
	if err := r.checkChanges(ctx, q); err != nil {
		return "", err
	}
	tree, err := r.writeTree(ctx, q)
	if err != nil {
		return "", err
	}
	sha, err := r.writeCommit(ctx, q, tree)
	if err != nil {
		return "", err
	}
	if err := r.move(ctx, q, sha); err != nil {
		return "", err
	}
	return sha, nil
}

// checkBranch fails if a branch must not be written to, or is not as a commit
// takes it to be.
func (r *Repository) checkBranch(ctx context.Context, q providers.CommitRequest) error {
	_, err := r.git(ctx, "check-ref-format", "refs/heads/"+q.Branch)
	if failed(err, 1) || strings.ContainsRune(q.Branch, 0) || q.Branch == "HEAD" {
		return fault.New(fault.Usage, "choose another name for the branch", "%q is no name of a branch", q.Branch)
	}
	if err != nil {
		return err
	}
	if err := r.checkHead(ctx, q); err != nil {
		return err
	}
	out, err := r.git(ctx, "worktree", "list", "--porcelain")
	if err != nil {
		return err
	}
	if slices.Contains(strings.Split(string(out), "\n"), "branch refs/heads/"+q.Branch) {
		return &fault.Error{
			Code: fault.Refused, Message: fmt.Sprintf("the branch %q is checked out", q.Branch), Err: providers.ErrForbidden,
			Hint: "commit to another branch, or to the checkout itself",
		}
	}
	return nil
}

// checkHead fails if a branch is not at the head that a commit was made for, or
// if another one takes its name.
func (r *Repository) checkHead(ctx context.Context, q providers.CommitRequest) error {
	name := "refs/heads/" + q.Branch
	names := []string{name}
	for i, c := range q.Branch {
		if c == '/' {
			names = append(names, "refs/heads/"+q.Branch[:i])
		}
	}
	refs, err := r.refs(ctx, names...)
	if err != nil {
		return err
	}
	switch at := refs[name].id; {
	case at == q.Head && at != "":
		return nil
	case at == "" && q.Head != "":
		return fmt.Errorf("branch %q is gone: %w", q.Branch, providers.ErrConflict)
	case q.Head == "" && at != "":
		return fmt.Errorf("branch %q is there already: %w", q.Branch, providers.ErrConflict)
	case at != "":
		return fmt.Errorf("branch %q is at %s, not %s: %w", q.Branch, at, q.Head, providers.ErrConflict)
	}
	for other := range refs {
		if strings.HasPrefix(other, name+"/") || slices.Contains(names, other) {
			return &fault.Error{
				Code: fault.Refused, Err: providers.ErrRefTaken,
				Message: fmt.Sprintf("there can be no branch %q beside the branch %q", q.Branch, strings.TrimPrefix(other, "refs/heads/")),
				Hint:    "delete or rename that branch, or choose another name",
			}
		}
	}
	return nil
}

// checkChanges fails if the changes are not made for the files of the parent.
func (r *Repository) checkChanges(ctx context.Context, q providers.CommitRequest) error {
	if len(q.Changes) == 0 {
		return fault.New(fault.Refused, "", "no files to commit")
	}
	var paths []string
	for _, c := range q.Changes {
		if _, err := r.c.name(c.Path); err != nil {
			return err
		}
		if slices.Contains(paths, c.Path) {
			return fault.New(fault.Refused, "", "%q is changed twice", c.Path)
		}
		paths = append(paths, c.Path)
	}
	entries, err := r.entries(ctx, q.Parent, paths)
	if err != nil {
		return err
	}
	was := map[string]providers.Entry{}
	for _, e := range entries {
		was[e.Path] = e
	}
	for _, c := range q.Changes {
		e, ok := was[c.Path]
		switch {
		case ok && !e.Mode.IsFile():
			return &fault.Error{Code: fault.Refused, Message: "is a link or a submodule and cannot be written", Hint: "leave it out", Path: c.Path}
		case ok != (c.Before != nil), ok && (e.Mode != c.Before.Mode || c.Before.ID != "" && c.Before.ID != e.ID):
			return fmt.Errorf("%q is not as it was read: %w", c.Path, providers.ErrConflict)
		case !ok && c.Content == nil:
			return fmt.Errorf("%q is not there to be removed: %w", c.Path, providers.ErrConflict)
		}
	}
	return nil
}

// writeTree stores the files and the tree that the parent and they make, which
// differs from the parent's in these files only.
func (r *Repository) writeTree(ctx context.Context, q providers.CommitRequest) (tree string, err error) {
	ids, err := r.writeBlobs(ctx, q.Parent, q.Changes)
	if err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp("", "towpath-index-*")
	if err == nil {
		temp, err = filepath.Abs(temp)
	}
	if err != nil {
		return "", &fault.Error{
			Code: fault.Failed, Message: "make a folder for an index of git's",
			Hint: "check the folder for temporary files, which TMPDIR names", Err: err,
		}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()

	var edits bytes.Buffer
	for i, c := range q.Changes {
		mode := c.Mode().String()
		if c.Content == nil {
			mode = "0"
		}
		fmt.Fprintf(&edits, "%s %s\t%s\x00", mode, ids[i], c.Path)
	}
	var out []byte
	for _, step := range [][]string{
		{"read-tree", q.Parent + "^{commit}"},
		{"update-index", "-z", "--index-info"},
		{"write-tree", "--missing-ok"}, // what a partial clone lacks
	} {
		// Split indexes have a part in git's own directory.
		cmd, err := r.command(ctx, append([]string{"-c", "core.splitIndex=false", "-c", "core.fsmonitor=false"}, step...)...)
		if err != nil {
			return "", err
		}
		cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+filepath.Join(temp, "index"))
		cmd.Stdin = bytes.NewReader(edits.Bytes())
		if out, err = run(ctx, cmd); err != nil {
			return "", err
		}
	}
	tree = strings.TrimSpace(string(out))
	if !slices.ContainsFunc(q.Changes, func(c providers.Change) bool { return c.Before == nil }) {
		return tree, nil
	}
	// A file takes the place of a folder of its name, and of a file that has a
	// part of its path as its name.
	out, err = r.git(ctx, "diff-tree", "-r", "-z", "--no-renames", "--name-only", "--ignore-submodules=none", q.Parent, tree, "--")
	if err != nil {
		return "", err
	}
	for path := range strings.SplitSeq(string(out), "\x00") {
		if path != "" && !slices.ContainsFunc(q.Changes, func(c providers.Change) bool { return c.Path == path }) {
			return "", &fault.Error{Code: fault.Refused, Message: "is in the way of a file that would be added", Path: path, Hint: "choose another path"}
		}
	}
	return tree, nil
}

// writeBlobs stores the new contents and returns their ids, zeros for a file
// that is removed.
func (r *Repository) writeBlobs(ctx context.Context, parent string, changes []providers.Change) ([]string, error) {
	var script bytes.Buffer
	for i, c := range changes {
		if c.Content != nil {
			fmt.Fprintf(&script, "blob\nmark :%d\ndata %d\n%s\nget-mark :%d\n", i+1, len(c.Content), c.Content, i+1)
		}
	}
	var out []byte
	if script.Len() > 0 {
		script.WriteString("done\n")
		cmd, err := r.command(ctx, "fast-import", "--quiet", "--done")
		if err != nil {
			return nil, err
		}
		cmd.Stdin = &script
		if out, err = run(ctx, cmd); err != nil {
			return nil, err
		}
	}
	written := strings.Fields(string(out))
	ids := make([]string, len(changes))
	for i, c := range changes {
		switch {
		case c.Content == nil:
			ids[i] = strings.Repeat("0", len(parent))
		case len(written) == 0 || !isID(written[0]):
			return nil, unlisted("fast-import", fmt.Errorf("no id of %q", c.Path))
		default:
			ids[i], written = written[0], written[1:]
		}
	}
	return ids, nil
}

func (r *Repository) writeCommit(ctx context.Context, q providers.CommitRequest, tree string) (string, error) {
	args := []string{"-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-p", q.Parent}
	// Unlike git commit, this command does not look for itself.
	sign, err := r.git(ctx, "config", "--type=bool", "commit.gpgSign")
	if err != nil && !failed(err, 1) {
		return "", err
	}
	if strings.TrimSpace(string(sign)) == "true" {
		args = append(args, "-S")
	}
	cmd, err := r.command(ctx, append(args, tree)...)
	if err != nil {
		return "", err
	}
	if q.Author != nil {
		cmd.Env = append(cmd.Env, "GIT_AUTHOR_NAME="+q.Author.Name, "GIT_AUTHOR_EMAIL="+q.Author.Email)
	}
	cmd.Stdin = strings.NewReader(q.Message)
	out, err := run(ctx, cmd)
	if failure, ok := errors.AsType[*gitError](err); ok {
		switch {
		case noIdentity().MatchString(failure.stderr):
			return "", anonymous(failure)
		case unsigned().MatchString(failure.stderr):
			return "", notSigned(failure)
		}
	}
	return strings.TrimSpace(string(out)), err
}

// move sets a branch to a commit, if it is where it should be.
func (r *Repository) move(ctx context.Context, q providers.CommitRequest, sha string) error {
	head := q.Head
	if head == "" {
		head = strings.Repeat("0", len(sha))
	}
	subject, _, _ := strings.Cut(q.Message, "\n")
	cmd, err := r.command(ctx, "update-ref", "-m", "commit: "+strings.ReplaceAll(subject, "\x00", ""), "refs/heads/"+q.Branch, sha, head)
	if err != nil {
		return err
	}
	cmd.Cancel = func() error { return stop(cmd.Process) }
	_, err = run(ctx, cmd)
	if err == nil {
		return nil
	}
	// It may have been stopped at any moment.
	after := context.WithoutCancel(ctx)
	if refs, e := r.refs(after, "refs/heads/"+q.Branch); e == nil && refs["refs/heads/"+q.Branch].id == sha {
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if moved := r.checkHead(after, q); moved != nil {
		return moved
	}
	if failure, ok := errors.AsType[*gitError](err); ok && locked().MatchString(failure.stderr) {
		return &fault.Error{
			Code: fault.Conflict, Message: "another git process is at work on the branch", Err: failure,
			Hint: fmt.Sprintf("wait for it; if there is none, remove %s", locked().FindStringSubmatch(failure.stderr)[1]),
		}
	}
	return err
}
