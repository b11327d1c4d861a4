package gitea

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// The server takes a push into its lists of a pull request in the background.
const (
	takenInTries = 8
	takenInWait  = 50 * time.Millisecond // at first, doubling
)

// PullFiles implements providers.PullDetails.
func (r *repository) PullFiles(ctx context.Context, number int) (files []providers.ChangedFile, complete bool, err error) {
	act := fmt.Sprintf("list the files of pull request %d of %s", number, r.path)
	p, err := r.pull(ctx, number)
	if err != nil {
		return nil, false, r.forge.fail(act, err)
	}
	if p.Head == nil || p.Base == nil {
		return nil, false, r.forge.fail(act, &strangeError{r.forge.host, "a pull request has no branches"})
	}
	if p.State == sdk.StateOpen && !r.takenIn(ctx, p) {
		return r.compareFiles(ctx, p, act)
	}
	count := 0
	rows, err := pages(0, func(page int) ([]*sdk.ChangedFile, http.Header, error) {
		var rows []*sdk.ChangedFile
		header, err := r.forge.do(ctx, call{
			method: http.MethodGet, path: r.below("pulls", fmt.Sprint(number), "files"), query: pageQuery(page), out: &rows,
		})
		count = total(header)
		return rows, header, err
	})
	if statusOf(err) == http.StatusInternalServerError {
		// It stops its own diff at some size, and then fails for what lies behind.
		return r.compareFiles(ctx, p, act)
	}
	if err != nil {
		return nil, false, r.forge.fail(act, err)
	}
	for _, row := range rows {
		f := providers.ChangedFile{Path: row.Filename, OldPath: row.PreviousFilename, Status: providers.Modified}
		switch row.Status {
		case "added", "copied":
			f.Status = providers.Added
		case "deleted":
			f.Status = providers.Removed
		case "renamed":
			f.Status = providers.Renamed
		}
		if f.Status != providers.Renamed {
			f.OldPath = ""
		}
		files = append(files, f)
	}
	return files, count < 0 || len(files) == count, nil
}

// takenIn reports whether the server's lists are those of the head that the pull
// request has, waiting for a moment if they are not.
func (r *repository) takenIn(ctx context.Context, p *sdk.PullRequest) bool {
	wait := takenInWait
	for range takenInTries {
		var refs []struct{ Object struct{ SHA string } }
		_, err := r.forge.do(ctx, call{
			method: http.MethodGet, path: r.below("git", "refs", "pull", fmt.Sprint(p.Index), "head"), out: &refs,
		})
		if err == nil && len(refs) == 1 && refs[0].Object.SHA == p.Head.Sha {
			return true
		}
		if r.forge.sleep(ctx, wait) != nil {
			return false
		}
		wait *= 2
	}
	return false
}

func (r *repository) compareFiles(ctx context.Context, p *sdk.PullRequest, act string) ([]providers.ChangedFile, bool, error) {
	base := p.MergeBase
	if !p.HasMerged && p.Base.Sha != "" {
		base = p.Base.Sha
	}
	c, err := r.compare(ctx, base, p.Head.Sha)
	if err != nil {
		return nil, false, r.forge.fail(act, err)
	}
	return c.Files, c.Complete, nil
}

// Reviews implements providers.PullDetails. A review that was dismissed is no
// word any more.
func (r *repository) Reviews(ctx context.Context, number int) ([]providers.Review, error) {
	rows, err := pages(0, func(page int) ([]*sdk.PullReview, http.Header, error) {
		var rows []*sdk.PullReview
		header, err := r.forge.do(ctx, call{
			method: http.MethodGet, path: r.below("pulls", fmt.Sprint(number), "reviews"), query: pageQuery(page), out: &rows,
		})
		return rows, header, err
	})
	if err != nil {
		return nil, r.fail(err, "list the reviews of pull request %d of %s", number, r.path)
	}
	slices.SortStableFunc(rows, func(a, b *sdk.PullReview) int {
		return cmp.Or(a.Submitted.Compare(b.Submitted), cmp.Compare(a.ID, b.ID))
	})
	last := map[int64]*sdk.PullReview{} // by reviewer
	var order []int64
	for _, row := range rows {
		if row.Reviewer == nil || row.State != sdk.ReviewStateApproved && row.State != sdk.ReviewStateRequestChanges {
			continue
		}
		if last[row.Reviewer.ID] == nil {
			order = append(order, row.Reviewer.ID)
		}
		last[row.Reviewer.ID] = row
	}
	var reviews []providers.Review
	for _, id := range order {
		if row := last[id]; !row.Dismissed {
			reviews = append(reviews, providers.Review{
				User: userOf(row.Reviewer), Approved: row.State == sdk.ReviewStateApproved, SHA: row.CommitID, Time: row.Submitted,
			})
		}
	}
	return reviews, nil
}
