package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Log lists commits. Bitbucket cannot filter them by time: those that are older
// are dropped here, and since commits come by time the first ends the list.
func (r *repository) Log(ctx context.Context, q providers.LogQuery) ([]providers.Commit, error) {
	commits, err := r.log(ctx, q)
	return commits, r.wrap(fmt.Sprintf("read the history of %q", q.Ref), err)
}

func (r *repository) log(ctx context.Context, q providers.LogQuery) ([]providers.Commit, error) {
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	sha := q.Ref
	if !isFull(sha) { // a branch with a slash in its name cannot stand in the URL
		var err error
		if sha, err = r.resolve(ctx, q.Ref); err != nil {
			return nil, err
		}
	}
	values := url.Values{"pagelen": {strconv.Itoa(min(q.Limit, 100))}}
	if q.Path != "" {
		values.Set("path", q.Path)
	}
	var commits []providers.Commit
	err := list(ctx, r.client, request{url: r.at("commits", sha), query: values}, func(got []commitJSON) bool {
		for _, c := range got {
			if len(commits) == q.Limit || c.Date.Before(q.Since) {
				return false
			}
			commits = append(commits, c.commit())
		}
		return len(commits) < q.Limit
	})
	if isMissing(err) {
		// The path may be what is missing.
		if q.Path == "" {
			return nil, r.noRef(q.Ref)
		}
		if _, err := r.resolve(ctx, sha); err != nil {
			return nil, err
		}
		return nil, nil
	}
	return commits, err
}

// Compare asks for the merge base, for the commits and for the changes.
func (r *repository) Compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	c, err := r.compare(ctx, base, head)
	return c, r.wrap(fmt.Sprintf("compare %s with %s", base, head), err)
}

func (r *repository) compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	c := &providers.Comparison{Complete: true}
	var ancestor commitJSON
	_, err := r.client.call(ctx, request{url: r.at("merge-base", url.PathEscape(base)+".."+url.PathEscape(head))}, &ancestor)
	if isMissing(err) {
		// Either one of them is not there, or they have nothing in common.
		for _, sha := range []string{base, head} {
			if _, err := r.resolve(ctx, sha); err != nil {
				return nil, err
			}
		}
	} else if err != nil {
		return nil, err
	}
	c.MergeBase = ancestor.Hash
	if c.MergeBase == head {
		return c, nil
	}
	var history []commitJSON
	q := request{url: r.at("commits", url.PathEscape(head)), query: url.Values{"exclude": {base}, "pagelen": {pageSize}}}
	err = list(ctx, r.client, q, func(got []commitJSON) bool {
		history = append(history, got...)
		return len(history) <= maxCommits
	})
	if isMissing(err) {
		return nil, r.noRef(head)
	}
	if err != nil {
		return nil, err
	}
	c.Complete = len(history) <= maxCommits
	c.Commits = oldestFirst(history)
	if c.MergeBase == "" {
		c.Complete = false
		return c, nil
	}
	// The order is the opposite of git's.
	spec := url.PathEscape(head) + ".." + url.PathEscape(c.MergeBase)
	files, complete, err := r.diffstat(ctx, request{url: r.at("diffstat", spec), query: url.Values{"topic": {"false"}}})
	if err != nil {
		return nil, err
	}
	c.Files, c.Complete = files, c.Complete && complete
	return c, nil
}

// mergeMark is what Bitbucket writes into the message of a merge:
// "Merged in feature/x (pull request #12)".
var mergeMark = regexp.MustCompile(`\(pull request #(\d{1,9})\)\s*$`)

// PullsOf asks Bitbucket, which knows only once its app Pull Request Commit
// Links is installed; else it believes the message of a merge if the pull
// request it names says so too.
func (r *repository) PullsOf(ctx context.Context, sha string) ([]providers.PullRequest, error) {
	pulls, err := r.pullsOf(ctx, sha)
	return pulls, r.wrap("find the pull requests of "+sha, err)
}

func (r *repository) pullsOf(ctx context.Context, sha string) ([]providers.PullRequest, error) {
	var pulls []providers.PullRequest
	var waiting bool
	got, err := all[pullJSON](ctx, r.client, request{url: r.at("commit", url.PathEscape(sha), "pullrequests"), query: url.Values{"pagelen": {pullPageSize}}})
	switch {
	case isMissing(err):
		waiting = true
	case err != nil:
		return nil, err
	}
	for _, p := range got {
		if p.Destination.Branch.Name == "" { // the list may hold links only
			if p, err = r.readPull(ctx, p.ID); err != nil {
				return nil, err
			}
		}
		if pull := p.pull(r.path); pull.State != providers.Open {
			pulls = append(pulls, pull)
		}
	}
	if len(pulls) > 0 {
		return pulls, nil
	}
	commit, err := r.client.commit(ctx, r, sha)
	if isMissing(err) {
		return nil, r.noRef(sha)
	}
	if err != nil {
		return nil, err
	}
	subject, _, _ := strings.Cut(commit.Message, "\n")
	if match := mergeMark.FindStringSubmatch(subject); match != nil {
		number, _ := strconv.Atoi(match[1])
		p, err := r.readPull(ctx, number)
		if err == nil && p.State == "MERGED" && p.MergeCommit != nil && p.MergeCommit.Hash != "" && strings.HasPrefix(commit.Hash, p.MergeCommit.Hash) {
			pull, err := r.complete(ctx, p.pull(r.path))
			return []providers.PullRequest{pull}, err
		}
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			return nil, err
		}
	}
	if waiting {
		return nil, refuse(fault.Failed, errors.ErrUnsupported, "Bitbucket does not know yet which pull requests commits came with",
			"open a commit of the repository in a browser and choose \"Go to pull request\" once, which installs Pull Request Commit Links")
	}
	return nil, nil
}
