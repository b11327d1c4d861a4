package gitlab

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

// PullFiles implements [providers.PullDetails]. GitLab prepares what a merge
// request changes after it was opened, and cuts it at the limits of the server
// (https://docs.gitlab.com/administration/diff_limits/).
func (r *repository) PullFiles(ctx context.Context, number int) ([]providers.ChangedFile, bool, error) {
	m, err := r.mergeRequest(ctx, number)
	if err != nil {
		return nil, false, err
	}
	var files []providers.ChangedFile
	reply, option := begin(ctx)
	err = pages(func(page gitlab.ListOptions) (int, error) {
		list, resp, err := r.client.MergeRequests.ListMergeRequestDiffs(r.path, number,
			&gitlab.ListMergeRequestDiffsOptions{ListOptions: page}, option)
		if err != nil {
			return 0, err
		}
		for _, d := range list {
			files = append(files, changedFile(d.OldPath, d.NewPath, d.NewFile, d.DeletedFile, d.RenamedFile))
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, false, r.fail("list the files of pull request !"+strconv.Itoa(number), reply, err)
	}
	// The count is "1000+" where the list is cut, and absent without a change.
	total, countErr := strconv.Atoi(m.ChangesCount)
	complete := countErr == nil && total == len(files) || m.ChangesCount == "" && len(files) == 0
	prepared := m.DiffRefs.HeadSha != "" && m.DiffRefs.HeadSha == m.SHA
	return files, complete && prepared, nil
}

func changedFile(before, after string, added, removed, renamed bool) providers.ChangedFile {
	switch {
	case added:
		return providers.ChangedFile{Path: after, Status: providers.Added}
	case removed:
		return providers.ChangedFile{Path: before, Status: providers.Removed}
	case renamed && before != after:
		return providers.ChangedFile{Path: after, OldPath: before, Status: providers.Renamed}
	}
	return providers.ChangedFile{Path: after, Status: providers.Modified}
}

// PullCommits implements [providers.PullDetails].
func (r *repository) PullCommits(ctx context.Context, number int) ([]providers.Commit, error) {
	var commits []providers.Commit
	reply, option := begin(ctx)
	err := pages(func(page gitlab.ListOptions) (int, error) {
		o := gitlab.GetMergeRequestCommitsOptions(page)
		list, resp, err := r.client.MergeRequests.GetMergeRequestCommits(r.path, number, &o, option)
		if err != nil {
			return 0, err
		}
		for _, c := range list {
			commits = append(commits, commitOf(c))
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.fail("list the commits of pull request !"+strconv.Itoa(number), reply, err)
	}
	slices.Reverse(commits) // GitLab lists the newest first
	return commits, nil
}

// Reviews implements [providers.PullDetails]. GitLab knows neither which head was
// reviewed nor, for older servers, that changes were asked for.
func (r *repository) Reviews(ctx context.Context, number int) ([]providers.Review, error) {
	act := "read the reviews of pull request !" + strconv.Itoa(number)
	reply, option := begin(ctx)
	approvals, _, err := r.client.MergeRequestApprovals.GetConfiguration(r.path, number, option)
	if err != nil {
		return nil, r.fail(act, reply, err)
	}
	var reviews []providers.Review
	for _, a := range approvals.ApprovedBy {
		if a.User != nil {
			reviews = append(reviews, providers.Review{User: userOf(a.User), Approved: true})
		}
	}
	reply, option = begin(ctx)
	reviewers, _, err := r.client.MergeRequests.GetMergeRequestReviewers(r.path, number, option)
	if e, ok := errors.AsType[*gitlab.ErrorResponse](err); errors.Is(err, gitlab.ErrNotFound) ||
		ok && e.Response.StatusCode == http.StatusForbidden {
		reviewers, err = nil, nil // the endpoint came with GitLab 13.8
	}
	if err != nil {
		return nil, r.fail(act, reply, err)
	}
	for _, v := range reviewers {
		if v.User == nil || v.State != "requested_changes" {
			continue
		}
		user := userOf(v.User)
		reviews = slices.DeleteFunc(reviews, func(review providers.Review) bool { return review.User.ID == user.ID })
		reviews = append(reviews, providers.Review{User: user})
	}
	slices.SortFunc(reviews, func(a, b providers.Review) int { return strings.Compare(a.User.Login, b.User.Login) })
	return reviews, nil
}
