package gitlab

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

var (
	fullSHA  = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)
	maybeSHA = regexp.MustCompile(`^[0-9a-fA-F]{4,64}$`)
)

// Info implements [providers.Reader].
func (r *repository) Info(ctx context.Context) (providers.Info, error) {
	info, _, err := r.glance(ctx, nil)
	if err != nil {
		return providers.Info{}, r.fail("read what the repository is", nil, err)
	}
	return info, nil
}

// info is Info by REST.
func (r *repository) info(ctx context.Context) (providers.Info, error) {
	p, err := r.readProject(ctx)
	if err != nil {
		return providers.Info{}, err
	}
	info := providers.Info{DefaultBranch: p.DefaultBranch, URL: p.WebURL, Empty: p.EmptyRepo, Archived: p.Archived}
	if p.Permissions != nil {
		level := gitlab.NoPermissions
		if a := p.Permissions.ProjectAccess; a != nil {
			level = max(level, a.AccessLevel)
		}
		if a := p.Permissions.GroupAccess; a != nil {
			level = max(level, a.AccessLevel)
		}
		// Rights by a group that the project is shared with are not among them, so
		// that none says nothing.
		if level > gitlab.NoPermissions {
			info.Access = new(permissionOf(level))
		}
	}
	return info, nil
}

func (r *repository) readProject(ctx context.Context) (*gitlab.Project, error) {
	reply, option := begin(ctx)
	p, _, err := r.client.Projects.GetProject(r.path, nil, option)
	return p, r.fail("read the project", reply, err)
}

// Resolve implements [providers.Reader].
func (r *repository) Resolve(ctx context.Context, ref string) (string, error) {
	const act = "find a ref"
	if fullSHA.MatchString(ref) {
		return r.resolveCommit(ctx, ref)
	}
	if ref == "" {
		return "", r.noRef(ref)
	}
	sha, err := r.branch(ctx, ref)
	if !errors.Is(err, providers.ErrNotFound) {
		return sha, err
	}
	reply, option := begin(ctx)
	tag, _, err := r.client.Tags.GetTag(r.path, ref, option)
	switch {
	case err == nil && tag.Commit != nil:
		return tag.Commit.ID, nil
	case err == nil:
		return "", r.noRef(ref) // a tag of something else, such as a tree
	case maybeSHA.MatchString(ref) && isMissing(err):
		return r.resolveCommit(ctx, ref)
	case isMissing(err) && !isProjectMissing(reply):
		return "", r.noRef(ref)
	}
	return "", r.fail(act, reply, err)
}

// branch returns where a branch is.
func (r *repository) branch(ctx context.Context, name string) (string, error) {
	reply, option := begin(ctx)
	b, _, err := r.client.Branches.GetBranch(r.path, name, option)
	switch {
	case err == nil && b.Commit != nil:
		return b.Commit.ID, nil
	case err == nil, isMissing(err) && !isProjectMissing(reply):
		return "", r.noRef(name)
	}
	return "", r.fail("find a branch", reply, err)
}

// isMissing reports whether there is no such branch or tag, of which a name that
// could be none is a case: "The branch refname is invalid"
// (GitLab's lib/api/helpers.rb).
func isMissing(err error) bool {
	if errors.Is(err, gitlab.ErrNotFound) {
		return true
	}
	e, ok := errors.AsType[*gitlab.ErrorResponse](err)
	return ok && e.Response.StatusCode == http.StatusBadRequest && strings.Contains(messageOf(e.Body), "refname is invalid")
}

func isProjectMissing(reply *reply) bool { return strings.Contains(reply.message, "Project Not Found") }

func (r *repository) noRef(ref string) error {
	return &fault.Error{
		Code: fault.NotFound, Message: "there is no branch, tag or commit " + fault.Printable(ref) + " in " + r.name,
		Hint: "check the name, and that it was not deleted meanwhile", Err: providers.ErrNotFound,
	}
}

func (r *repository) resolveCommit(ctx context.Context, ref string) (string, error) {
	reply, option := begin(ctx)
	c, _, err := r.client.Commits.GetCommit(r.path, ref, &gitlab.GetCommitOptions{Stats: new(false)}, option)
	switch {
	case err == nil && strings.HasPrefix(c.ID, strings.ToLower(ref)):
		return c.ID, nil
	case err == nil, errors.Is(err, gitlab.ErrNotFound) && !isProjectMissing(reply):
		return "", r.noRef(ref)
	}
	return "", r.fail("find a commit", reply, err)
}

// Tree implements [providers.Reader]. It takes a request for each 100 files and
// folders.
func (r *repository) Tree(ctx context.Context, sha string) ([]providers.Entry, error) {
	entries, err := r.list(ctx, sha, "", true)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b providers.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries, nil
}

// list returns the files, links and submodules of a folder.
func (r *repository) list(ctx context.Context, sha, folder string, recursive bool) ([]providers.Entry, error) {
	o := &gitlab.ListTreeOptions{
		Ref: new(sha), Recursive: new(recursive),
		ListOptions: gitlab.ListOptions{PerPage: perPage, Pagination: "keyset"},
	}
	if folder != "" {
		o.Path = new(folder)
	}
	var entries []providers.Entry
	reply, option := begin(ctx)
	options := []gitlab.RequestOptionFunc{option}
	for last := ""; ; {
		nodes, resp, err := r.client.Repositories.ListTree(r.path, o, options...)
		if err != nil {
			return nil, r.fail("list the files", reply, err)
		}
		for _, node := range nodes {
			mode, ok := providers.ParseMode(node.Mode)
			if !ok {
				continue // a folder
			}
			entries = append(entries, providers.Entry{Path: node.Path, Mode: mode, ID: node.ID, Size: -1})
		}
		if resp.NextLink == "" {
			return entries, nil
		}
		if resp.NextLink == last {
			return nil, r.fail("list the files", reply, errors.New("the next page is this one"))
		}
		last = resp.NextLink
		options = []gitlab.RequestOptionFunc{option, gitlab.WithKeysetPaginationParameters(last)}
	}
}

// Archive implements [providers.Reader].
func (r *repository) Archive(ctx context.Context, sha string) (io.ReadCloser, error) {
	const act = "read the archive"
	reply, option := begin(ctx)
	req, err := r.client.NewRequest(http.MethodGet, r.in("repository/archive.tar.gz"),
		&gitlab.ArchiveOptions{SHA: new(sha)}, []gitlab.RequestOptionFunc{option})
	if err != nil {
		return nil, r.fail(act, reply, err)
	}
	// The library would copy it all into a writer.
	req.Header.Del("Private-Token")
	resp, err := r.forge.http.Do(req.Request)
	if err != nil {
		return nil, r.fail(act, reply, err)
	}
	if err := gitlab.CheckResponse(resp); err != nil {
		_ = resp.Body.Close()
		return nil, r.fail(act, reply, err)
	}
	return resp.Body, nil
}
