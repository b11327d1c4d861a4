package bitbucket

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/towpath-dev/towpath/providers"
)

// Limits of what is read of a pull request or comparison.
const (
	maxChanged = 10000
	maxCommits = 1000
)

// PullFiles lists what a pull request changes. Bitbucket redirects to the
// comparison of its branches.
func (r *repository) PullFiles(ctx context.Context, number int) ([]providers.ChangedFile, bool, error) {
	files, complete, err := r.diffstat(ctx, request{url: r.pullAt(number, "diffstat")})
	if isMissing(err) {
		err = noPull(number)
	}
	return files, complete, r.wrap(fmt.Sprintf("list the files of pull request #%d", number), err)
}

// diffstat lists changes. Those that Bitbucket cannot count in time are not
// listed.
func (r *repository) diffstat(ctx context.Context, q request) (files []providers.ChangedFile, complete bool, err error) {
	complete = true
	err = list(ctx, r.client, q, func(got []diffstatJSON) bool {
		for _, d := range got {
			f, ok := d.changed()
			if !ok {
				complete = false
				continue
			}
			files = append(files, f)
		}
		complete = complete && len(files) <= maxChanged
		return len(files) <= maxChanged
	})
	if status(err) == timedOut {
		return nil, false, nil
	}
	return files, complete, err
}

// PullCommits lists the commits of a pull request.
func (r *repository) PullCommits(ctx context.Context, number int) ([]providers.Commit, error) {
	got, err := all[commitJSON](ctx, r.client, request{url: r.pullAt(number, "commits"), query: url.Values{"pagelen": {pageSize}}})
	if isMissing(err) {
		err = noPull(number)
	}
	if err != nil {
		return nil, r.wrap(fmt.Sprintf("list the commits of pull request #%d", number), err)
	}
	return oldestFirst(got), nil
}

// oldestFirst turns a history around if the newest comes first, as it does: the
// API's page says that it does not.
func oldestFirst(history []commitJSON) []providers.Commit {
	commits := make([]providers.Commit, len(history))
	place := map[string]int{}
	for i, c := range history {
		commits[i] = c.commit()
		place[c.Hash] = i
	}
	for i, c := range commits {
		if slices.ContainsFunc(c.Parents, func(parent string) bool { at, ok := place[parent]; return ok && at > i }) {
			slices.Reverse(commits)
			break
		}
	}
	return commits
}

// Reviews returns who approved or asked for changes. Bitbucket does not tell of
// which head.
func (r *repository) Reviews(ctx context.Context, number int) ([]providers.Review, error) {
	p, err := r.readPull(ctx, number)
	if err != nil {
		return nil, r.wrap(fmt.Sprintf("list the reviews of pull request #%d", number), err)
	}
	var reviews []providers.Review
	for _, participant := range p.Participants {
		wants := participant.State != nil && *participant.State == "changes_requested"
		if !participant.Approved && !wants {
			continue
		}
		review := providers.Review{User: participant.User.user(), Approved: !wants}
		if participant.On != nil {
			review.Time = *participant.On
		}
		reviews = append(reviews, review)
	}
	return reviews, nil
}
