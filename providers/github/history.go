package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/providers"
)

// Log returns the commits that lead to a ref.
func (r *repository) Log(ctx context.Context, q providers.LogQuery) ([]providers.Commit, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	list, err := pages(limit, func(o gh.ListOptions) ([]*gh.RepositoryCommit, *gh.Response, error) {
		return r.c.Repositories.ListCommits(ctx, r.owner, r.name, &gh.CommitsListOptions{SHA: q.Ref, Path: q.Path, Since: q.Since, ListOptions: o})
	})
	switch status := statusOf(err); {
	case status == http.StatusNotFound, status == http.StatusUnprocessableEntity, said(err, "Git Repository is empty"):
		err = noCommit(q.Ref)
	}
	return commitsOf(list), r.wrap("read the history", err)
}

// maxCompared is how many files of a comparison GitHub lists, on the first page
// only (https://docs.github.com/en/rest/commits/commits#compare-two-commits).
const maxCompared = 300

// Compare says what head has that base has not. Where GitHub does not list all
// files, the trees of both commits tell.
func (r *repository) Compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	c, err := r.compare(ctx, base, head)
	return c, r.wrap("compare "+base+" with "+head, err)
}

func (r *repository) compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	var first *gh.CommitsComparison
	list, err := pages(0, func(o gh.ListOptions) ([]*gh.RepositoryCommit, *gh.Response, error) {
		c, resp, err := r.c.Repositories.CompareCommits(ctx, r.owner, r.name, base, head, &o)
		if err != nil {
			return nil, nil, err
		}
		if first == nil {
			first = c
		}
		return c.Commits, resp, nil
	})
	switch status := statusOf(err); {
	case said(err, "No common ancestor"):
		return &providers.Comparison{}, nil
	case status == http.StatusNotFound:
		return nil, fmt.Errorf("%w: %w", noCommit(base+" or "+head), err)
	}
	if err != nil {
		return nil, err
	}
	c := &providers.Comparison{
		MergeBase: first.GetMergeBaseCommit().GetSHA(),
		Commits:   commitsOf(list),
		Files:     filesOf(first.Files),
		Complete:  len(list) == first.GetTotalCommits(),
	}
	if len(first.Files) < maxCompared {
		return c, nil
	}
	files, err := r.difference(ctx, c.MergeBase, head)
	switch {
	case err == nil:
		c.Files = files
	case errors.Is(err, errTruncated):
		c.Complete = false
	default:
		return nil, err
	}
	return c, nil
}

// difference returns what the trees of two commits tell.
func (r *repository) difference(ctx context.Context, before, after string) ([]providers.ChangedFile, error) {
	from, err := r.walk(ctx, before, "")
	if err != nil {
		return nil, err
	}
	to, err := r.walk(ctx, after, "")
	if err != nil {
		return nil, err
	}
	return providers.ChangedFiles(from, to), nil
}

// PullsOf returns the pull requests that a commit came with.
func (r *repository) PullsOf(ctx context.Context, sha string) ([]providers.PullRequest, error) {
	list, err := pages(0, func(o gh.ListOptions) ([]*gh.PullRequest, *gh.Response, error) {
		return r.c.PullRequests.ListPullRequestsWithCommit(ctx, r.owner, r.name, sha, &o)
	})
	if statusOf(err) == http.StatusUnprocessableEntity {
		err = noCommit(sha)
	}
	var out []providers.PullRequest
	for _, item := range list {
		out = append(out, pullOf(item))
	}
	out = slices.DeleteFunc(out, func(p providers.PullRequest) bool { return p.State != providers.Merged })
	return out, r.wrap("find the pull requests of commit "+sha, err)
}
