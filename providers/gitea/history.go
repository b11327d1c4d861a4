package gitea

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

const (
	defaultLimit = 100
	maxCommits   = 20_000 // between two commits that are compared
)

// commit is a commit as the server tells of it.
type commit struct {
	SHA     string
	Author  *sdk.User // the account; nil if there is none
	Parents []struct{ SHA string }
	Commit  struct {
		Message           string
		Author, Committer struct {
			Name, Email string
			Date        time.Time
		}
	}
}

func (c *commit) contract() providers.Commit {
	out := providers.Commit{
		SHA:       c.SHA,
		Message:   c.Commit.Message,
		Author:    providers.Identity{Name: c.Commit.Author.Name, Email: c.Commit.Author.Email},
		Committer: providers.Identity{Name: c.Commit.Committer.Name, Email: c.Commit.Committer.Email},
		User:      userOf(c.Author),
		Time:      c.Commit.Committer.Date,
	}
	for _, parent := range c.Parents {
		out.Parents = append(out.Parents, parent.SHA)
	}
	return out
}

// logQuery says which commits are wanted.
type logQuery struct {
	sha, not string // those that lead to sha and not to not, which may be ""
	path     string
	since    time.Time
	limit    int // 0 means all
}

// log returns commits, the newest first. Where there is no such commit it is
// not found, whatever the server says.
func (r *repository) log(ctx context.Context, q logQuery) ([]providers.Commit, error) {
	if q.sha == "" {
		// Of none the server lists the default branch.
		return nil, &replyError{method: http.MethodGet, path: "commits", status: http.StatusNotFound}
	}
	query := url.Values{
		"sha": {q.sha}, "limit": {strconv.Itoa(pageSize)},
		"stat": {"false"}, "verification": {"false"}, "files": {"false"},
	}
	if q.not != "" {
		query.Set("not", q.not)
	}
	if q.path != "" {
		query.Set("path", literal(q.path))
	}
	if !q.since.IsZero() {
		query.Set("since", q.since.UTC().Format(time.RFC3339))
	}
	if q.limit > 0 && q.path == "" {
		query.Set("limit", strconv.Itoa(min(q.limit, pageSize)))
	}
	rows, err := pages(q.limit, func(page int) ([]commit, http.Header, error) {
		query.Set("page", strconv.Itoa(page))
		var rows []commit
		header, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("commits"), query: query, out: &rows})
		return rows, header, err
	})
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusInternalServerError {
		// A path that never was is not found either, and a commit that is not
		// there is an internal error.
		for _, sha := range []string{q.sha, q.not} {
			if sha == "" {
				continue
			}
			if _, err := r.commit(ctx, sha); err != nil {
				return nil, err
			}
		}
		if status == http.StatusNotFound && q.path != "" {
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	commits := make([]providers.Commit, 0, len(rows))
	for i := range rows {
		// Git takes years after 2099 for no date, and lists all.
		if c := rows[i].contract(); !c.Time.Before(q.since) {
			commits = append(commits, c)
		}
	}
	return commits, nil
}

// literal returns a path so that git, to which the server gives it as a
// pathspec, takes it for itself.
func literal(path string) string {
	if strings.ContainsAny(path, `*?[\`) || strings.HasPrefix(path, ":") {
		return ":(literal)" + path
	}
	return path
}

// Log implements providers.History.
func (r *repository) Log(ctx context.Context, q providers.LogQuery) ([]providers.Commit, error) {
	act := fmt.Sprintf("read the history of %q in %s", q.Ref, r.path)
	sha := q.Ref
	if !isSHA(sha) {
		// The server's own look prefers a tag of the name.
		var err error
		if sha, err = r.branch(ctx, q.Ref); err != nil {
			return nil, r.forge.fail(act, err)
		}
	}
	commits, err := r.log(ctx, logQuery{sha: sha, path: q.Path, since: q.Since, limit: cmp.Or(q.Limit, defaultLimit)})
	return commits, r.forge.fail(act, err)
}

// Compare implements providers.History. The server's own comparison does not
// tell where the two parted, nor what files differ.
func (r *repository) Compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	act := fmt.Sprintf("compare %s with %s in %s", base, head, r.path)
	c, err := r.compare(ctx, base, head)
	if err != nil {
		return nil, r.forge.fail(act, err)
	}
	return c, nil
}

func (r *repository) compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	commits, err := r.log(ctx, logQuery{sha: head, not: base, limit: maxCommits})
	if err != nil {
		return nil, err
	}
	if len(commits) == maxCommits {
		return nil, fmt.Errorf("more than %d commits lie between them", maxCommits)
	}
	slices.Reverse(commits)
	c := &providers.Comparison{Commits: commits, Complete: true}
	if c.MergeBase, err = r.mergeBase(ctx, head, commits); err != nil {
		return nil, err
	}
	if len(commits) == 0 {
		return c, nil
	}
	var before []providers.Entry
	if c.MergeBase != "" {
		if before, err = r.Tree(ctx, c.MergeBase); err != nil {
			return nil, err
		}
	}
	after, err := r.Tree(ctx, head)
	if err != nil {
		return nil, err
	}
	c.Files = providers.ChangedFiles(before, after)
	return c, nil
}

// mergeBase returns the commit at which head parted from a base, given the
// commits that only head has.
func (r *repository) mergeBase(ctx context.Context, head string, own []providers.Commit) (string, error) {
	if len(own) == 0 {
		return head, nil
	}
	isOwn := map[string]bool{}
	for _, c := range own {
		isOwn[c.SHA] = true
	}
	// Where a parent is no commit of its own, head touches the history of base.
	var touched []string
	for _, c := range own {
		for _, parent := range c.Parents {
			if !isOwn[parent] && !slices.Contains(touched, parent) {
				touched = append(touched, parent)
			}
		}
	}
	if len(touched) == 0 {
		return "", nil
	}
	// Of several, as after merges of base, the best is one that leads to no other.
	best := touched[0]
	for _, other := range touched[1:] {
		ahead, err := r.log(ctx, logQuery{sha: best, not: other, limit: 1})
		if err != nil {
			return "", err
		}
		if len(ahead) == 0 {
			best = other
		}
	}
	return best, nil
}

// PullsOf implements providers.History. The server knows the pull request of a
// commit by which one was merged; of the others it is looked for among those
// that changed last.
func (r *repository) PullsOf(ctx context.Context, sha string) ([]providers.PullRequest, error) {
	act := fmt.Sprintf("find the pull request of %s in %s", sha, r.path)
	var pull sdk.PullRequest
	_, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("commits", sha, "pull"), out: &pull})
	if err == nil {
		return []providers.PullRequest{r.pullOf(&pull)}, nil
	}
	if statusOf(err) != http.StatusNotFound {
		return nil, r.forge.fail(act, err)
	}
	if _, err := r.commit(ctx, sha); err != nil {
		return nil, r.forge.fail(act, err)
	}
	query := pageQuery(1)
	query.Set("state", "closed")
	query.Set("sort", "recentupdate")
	var recent []*sdk.PullRequest
	if _, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("pulls"), query: query, out: &recent}); err != nil {
		return nil, r.forge.fail(act, err)
	}
	var pulls []providers.PullRequest
	for _, row := range recent {
		if row.HasMerged && row.Head != nil && row.Head.Sha == sha {
			pulls = append(pulls, r.pullOf(row))
		}
	}
	return pulls, nil
}
