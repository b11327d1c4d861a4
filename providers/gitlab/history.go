package gitlab

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

func commitOf(c *gitlab.Commit) providers.Commit {
	return providers.Commit{
		SHA: c.ID, Parents: c.ParentIDs, Message: c.Message,
		Author:    providers.Identity{Name: c.AuthorName, Email: c.AuthorEmail},
		Committer: providers.Identity{Name: c.CommitterName, Email: c.CommitterEmail},
		Time:      timeOf(c.CommittedDate),
	}
}

// Log implements [providers.History].
func (r *repository) Log(ctx context.Context, q providers.LogQuery) ([]providers.Commit, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	o := &gitlab.ListCommitsOptions{RefName: new(q.Ref)}
	if q.Path != "" {
		o.Path = new(q.Path)
	}
	if !q.Since.IsZero() {
		o.Since = new(q.Since.UTC())
	}
	var commits []providers.Commit
	reply, option := begin(ctx)
	err := pages(func(page gitlab.ListOptions) (int, error) {
		page.PerPage = min(perPage, limit)
		o.ListOptions = page
		list, resp, err := r.client.Commits.ListCommits(r.path, o, option)
		if err != nil {
			return 0, err
		}
		for _, c := range list {
			if commits = append(commits, commitOf(c)); len(commits) == limit {
				return 0, nil
			}
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.fail("read the history of "+q.Ref, reply, err)
	}
	if len(commits) == 0 {
		// GitLab has no commits for a ref that is not there, too.
		if _, err := r.Resolve(ctx, q.Ref); err != nil {
			return nil, err
		}
	}
	return commits, nil
}

// Compare implements [providers.History]. GitLab's comparison does not tell
// whether it was cut, so a long one is made from the trees of both commits.
func (r *repository) Compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	const act = "compare commits"
	c := &providers.Comparison{Complete: true}
	reply, option := begin(ctx)
	parted, _, err := r.client.Repositories.MergeBase(r.path, &gitlab.MergeBaseOptions{Ref: &[]string{base, head}}, option)
	e, refused := errors.AsType[*gitlab.ErrorResponse](err)
	switch {
	case err == nil:
		c.MergeBase = parted.ID
	case refused && e.Response.StatusCode == http.StatusBadRequest && strings.Contains(messageOf(e.Body), "Could not find ref"):
		return nil, r.noRef(strings.TrimSpace(messageOf(e.Body)[strings.LastIndexByte(messageOf(e.Body), ':')+1:]))
	case errors.Is(err, gitlab.ErrNotFound) && strings.Contains(reply.message, "Merge Base"):
		// They have nothing in common, so that there is nothing to compare with.
		c.Complete = false
		c.Commits, err = r.Log(ctx, providers.LogQuery{Ref: head, Limit: perPage})
		slices.Reverse(c.Commits)
		return c, err
	default:
		return nil, r.fail(act, reply, err)
	}
	reply, option = begin(ctx)
	list, _, err := r.client.Repositories.Compare(r.path,
		&gitlab.CompareOptions{From: new(base), To: new(head), Straight: new(false)}, option)
	if err != nil {
		return nil, r.fail(act, reply, err)
	}
	for _, commit := range list.Commits {
		c.Commits = append(c.Commits, commitOf(commit))
	}
	if n := len(c.Commits); n > 1 && c.Commits[0].SHA == head {
		slices.Reverse(c.Commits)
	}
	if n := len(c.Commits); head != c.MergeBase && (n == 0 || c.Commits[n-1].SHA != head) {
		c.Complete = false
	}
	whole := !list.CompareTimeout && len(list.Diffs) < safeFiles
	for _, d := range list.Diffs {
		whole = whole && (d.Diff != "" || d.RenamedFile)
		c.Files = append(c.Files, changedFile(d.OldPath, d.NewPath, d.NewFile, d.DeletedFile, d.RenamedFile))
	}
	if !whole {
		if c.Files, err = r.difference(ctx, c.MergeBase, head); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// safeFiles is the count of files above which GitLab leaves out the texts of
// differences. It does so above 5,000 lines and 500 KB as well, and leaves out files
// only far above (GitLab's lib/gitlab/git/diff_collection.rb): a list of fewer
// files in which no text is missing is whole.
const safeFiles = 100

// difference returns what the trees of two commits tell.
func (r *repository) difference(ctx context.Context, before, after string) ([]providers.ChangedFile, error) {
	from, err := r.Tree(ctx, before)
	if err != nil {
		return nil, err
	}
	to, err := r.Tree(ctx, after)
	if err != nil {
		return nil, err
	}
	return providers.ChangedFiles(from, to), nil
}

// PullsOf implements [providers.History].
func (r *repository) PullsOf(ctx context.Context, sha string) ([]providers.PullRequest, error) {
	var pulls []providers.PullRequest
	reply := new(reply)
	ctx = context.WithValue(ctx, replyKey{}, reply)
	err := pages(func(page gitlab.ListOptions) (int, error) {
		// The library gives no pages here.
		var list []*gitlab.MergeRequest
		req, err := r.client.NewRequest(http.MethodGet, r.in("repository/commits/%s/merge_requests", gitlab.PathEscape(sha)),
			&page, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
		if err != nil {
			return 0, err
		}
		resp, err := r.client.Do(req, &list)
		if err != nil {
			return 0, err
		}
		for _, m := range list {
			if p := pullOf(m); p.State == providers.Merged { // one that was closed did not bring it
				pulls = append(pulls, p)
			}
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.fail("list the pull requests of a commit", reply, err)
	}
	return pulls, nil
}
