package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// maxLog is how many commits a log has if nobody says how many.
const maxLog = 100

// logFormat is what parseLog reads: a line "commit ID" that git puts before it,
// the parents, the author, the committer and the time, a line each, and the
// message up to a NUL.
const logFormat = "--format=%P%n%an%n%ae%n%cn%n%ce%n%ct%n%B%x00"

// Log ends where the history of a shallow clone was cut off. The commit there
// looks as if it had added all of its files.
func (r *Repository) Log(ctx context.Context, q providers.LogQuery) ([]providers.Commit, error) {
	sha, err := r.Resolve(ctx, q.Ref)
	if err != nil {
		return nil, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = maxLog
	}
	args := []string{"rev-list", "--encoding=UTF-8", logFormat, "--max-count=" + strconv.Itoa(limit)}
	if q.Since.Unix() > 0 {
		args = append(args, fmt.Sprintf("--since=@%d +0000", q.Since.Unix()))
	}
	args = append(args, sha, "--")
	if q.Path != "" {
		path := strings.TrimSuffix(q.Path, "/")
		if !isPath(path) {
			return nil, nil
		}
		args = append(args, path)
	}
	return r.list(ctx, args)
}

func (r *Repository) list(ctx context.Context, args []string) ([]providers.Commit, error) {
	out, err := r.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	commits, err := parseLog(string(out))
	if err != nil {
		return nil, unlisted("rev-list", err)
	}
	return commits, nil
}

func parseLog(out string) ([]providers.Commit, error) {
	var commits []providers.Commit
	for out != "" {
		record, rest, ended := strings.Cut(out, "\x00\n")
		lines := strings.SplitN(record, "\n", 8)
		if !ended || len(lines) < 8 {
			return nil, fmt.Errorf("unknown commit %q", record)
		}
		sha, ok := strings.CutPrefix(lines[0], "commit ")
		if !ok || !isID(sha) {
			return nil, fmt.Errorf("unknown commit %q", record)
		}
		out = rest
		c := providers.Commit{
			SHA:       sha,
			Parents:   strings.Fields(lines[1]),
			Author:    providers.Identity{Name: valid(lines[2]), Email: valid(lines[3])},
			Committer: providers.Identity{Name: valid(lines[4]), Email: valid(lines[5])},
			Message:   valid(strings.TrimRight(lines[7], "\n")),
		}
		if seconds, err := strconv.ParseInt(lines[6], 10, 64); err == nil {
			c.Time = time.Unix(seconds, 0).UTC()
		}
		commits = append(commits, c)
	}
	return commits, nil
}

// Compare fails in a shallow clone if what it has does not show where the two
// parted.
func (r *Repository) Compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	for _, sha := range []string{base, head} {
		if !isID(sha) {
			return nil, unknown(sha)
		}
	}
	shallow, err := r.shallow()
	if err != nil {
		return nil, err
	}
	out, err := r.git(ctx, "merge-base", base, head)
	if err != nil && !failed(err, 1) {
		return nil, r.because(ctx, err, base, head)
	}
	c := &providers.Comparison{MergeBase: strings.TrimSpace(string(out)), Complete: true}
	if c.MergeBase == "" && len(shallow) > 0 {
		return nil, fault.New(fault.Failed, "get the whole history with `git fetch --unshallow`",
			"this is a shallow clone, which does not show where %.10s and %.10s parted", base, head)
	}
	c.Commits, err = r.list(ctx, []string{"rev-list", "--encoding=UTF-8", logFormat, "--topo-order", "--reverse", head, "^" + base, "--"})
	if err != nil {
		return nil, err
	}
	for _, commit := range c.Commits {
		c.Complete = c.Complete && !shallow[commit.SHA]
	}
	from := c.MergeBase
	if from == "" {
		from = emptyTree(head)
	}
	c.Files, err = r.diff(ctx, from, head)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// shallow returns the commits whose parents a shallow clone lacks.
func (r *Repository) shallow() (map[string]bool, error) {
	if !r.c.IsGit() {
		return nil, noRepository(r.c.dir)
	}
	list, err := os.ReadFile(filepath.Join(filepath.Dir(r.c.objects()), "shallow"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &fault.Error{Code: fault.Access, Message: "read where the history was cut off", Hint: "allow this user to read it", Err: err}
	}
	commits := map[string]bool{}
	for _, sha := range strings.Fields(string(list)) {
		commits[sha] = true
	}
	return commits, nil
}

// diff returns the files that differ between two commits or trees.
func (r *Repository) diff(ctx context.Context, from, to string) ([]providers.ChangedFile, error) {
	args := []string{"diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--ignore-submodules=none", renameLimit, "-M", from, to, "--"}
	if partial, _ := r.c.isPartial(); partial {
		args[7] = "-M100%" // since git looks into files to tell whether one was moved and edited
	}
	out, err := r.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	files, err := parseChanged(string(out))
	if err != nil {
		return nil, unlisted("diff-tree", err)
	}
	return files, nil
}

// parseChanged reads what git diff-tree --raw -z prints, as [readChanges] does,
// with all that is in a tree.
func parseChanged(out string) ([]providers.ChangedFile, error) {
	var files []providers.ChangedFile
	for out != "" {
		about, rest, _ := strings.Cut(out, "\x00")
		path, rest, ended := strings.Cut(rest, "\x00")
		_, letter, ok := parseAbout([]byte(about))
		if !ok || !ended || path == "" {
			return nil, fmt.Errorf("unknown change %q", about)
		}
		f := providers.ChangedFile{Path: path, Status: providers.Modified}
		switch letter {
		case 'A':
			f.Status = providers.Added
		case 'D':
			f.Status = providers.Removed
		case 'R':
			f.Status, f.OldPath = providers.Renamed, path
			if f.Path, rest, ended = strings.Cut(rest, "\x00"); !ended || f.Path == "" {
				return nil, fmt.Errorf("unknown change %q", about)
			}
		}
		files = append(files, f)
		out = rest
	}
	return files, nil
}

// PullsOf cannot tell.
func (r *Repository) PullsOf(context.Context, string) ([]providers.PullRequest, error) {
	return nil, fmt.Errorf("find the pull requests of a commit in a clone: %w", errors.ErrUnsupported)
}
