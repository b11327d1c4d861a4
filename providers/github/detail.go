package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/providers"
)

// maxFiles is how many files of a pull request GitHub lists
// (https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files).
const maxFiles = 3000

// PullFiles returns what a pull request changes.
func (r *repository) PullFiles(ctx context.Context, number int) ([]providers.ChangedFile, bool, error) {
	files, complete, err := r.pullFiles(ctx, number)
	return files, complete, r.wrap(fmt.Sprintf("list the files of pull request %d", number), err)
}

func (r *repository) pullFiles(ctx context.Context, number int) ([]providers.ChangedFile, bool, error) {
	list, err := pages(0, func(o gh.ListOptions) ([]*gh.CommitFile, *gh.Response, error) {
		return r.c.PullRequests.ListFiles(ctx, r.owner, r.name, number, &o)
	})
	if err != nil {
		return nil, false, err
	}
	complete := len(list) < maxFiles
	if !complete {
		p, _, err := r.c.PullRequests.Get(ctx, r.owner, r.name, number)
		if err != nil {
			return nil, false, err
		}
		complete = p.GetChangedFiles() == len(list)
	}
	return filesOf(list), complete, nil
}

func filesOf(list []*gh.CommitFile) []providers.ChangedFile {
	var out []providers.ChangedFile
	for _, f := range list {
		c := providers.ChangedFile{Path: f.GetFilename(), Status: providers.Modified} // changed is one of mode
		switch f.GetStatus() {
		case "added", "copied":
			c.Status = providers.Added
		case "removed":
			c.Status = providers.Removed
		case "renamed":
			c.Status, c.OldPath = providers.Renamed, f.GetPreviousFilename()
		case "unchanged":
			continue
		}
		out = append(out, c)
	}
	return out
}

// PullCommits returns the commits of a pull request, 250 at most
// (https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request).
func (r *repository) PullCommits(ctx context.Context, number int) ([]providers.Commit, error) {
	list, err := pages(0, func(o gh.ListOptions) ([]*gh.RepositoryCommit, *gh.Response, error) {
		return r.c.PullRequests.ListCommits(ctx, r.owner, r.name, number, &o)
	})
	return commitsOf(list), r.wrap(fmt.Sprintf("list the commits of pull request %d", number), err)
}

func commitsOf(list []*gh.RepositoryCommit) []providers.Commit {
	var out []providers.Commit
	for _, item := range list {
		c := item.GetCommit()
		commit := providers.Commit{
			SHA: item.GetSHA(), Message: c.GetMessage(),
			Author:    providers.Identity{Name: c.GetAuthor().GetName(), Email: c.GetAuthor().GetEmail()},
			Committer: providers.Identity{Name: c.GetCommitter().GetName(), Email: c.GetCommitter().GetEmail()},
			Time:      c.GetCommitter().GetDate().Time,
		}
		if item.Author.GetLogin() != "" {
			commit.User = userOf(item.Author)
		}
		for _, parent := range item.Parents {
			commit.Parents = append(commit.Parents, parent.GetSHA())
		}
		out = append(out, commit)
	}
	return out
}

// Reviews returns the last word of each reviewer. A review that a push made
// void, where the repository is set so, is one that was dismissed.
func (r *repository) Reviews(ctx context.Context, number int) ([]providers.Review, error) {
	list, err := pages(0, func(o gh.ListOptions) ([]*gh.PullRequestReview, *gh.Response, error) {
		return r.c.PullRequests.ListReviews(ctx, r.owner, r.name, number, &o)
	})
	if err != nil {
		return nil, r.wrap(fmt.Sprintf("list the reviews of pull request %d", number), err)
	}
	var out []providers.Review
	for _, item := range list {
		state := strings.ToUpper(item.GetState())
		if state != "APPROVED" && state != "CHANGES_REQUESTED" && state != "DISMISSED" {
			continue
		}
		review := providers.Review{User: userOf(item.User), Approved: state == "APPROVED", SHA: item.GetCommitID(), Time: item.GetSubmittedAt().Time}
		out = slices.DeleteFunc(out, func(o providers.Review) bool { return o.User.ID == review.User.ID && o.User.Login == review.User.Login })
		if state != "DISMISSED" {
			out = append(out, review)
		}
	}
	return out, nil
}
