package bitbucket

import (
	"context"
	"net/url"
	"slices"

	"github.com/towpath-dev/towpath/providers"
)

// Parts of a question that go into one request, so that its URL stays short and
// a page of pull requests has some of each branch.
const (
	branchesAtOnce = 20
	headsAtOnce    = 5
)

// Look asks for the repository, for all branches and for all pull requests: 3
// requests for up to 5 branches.
func (r *repository) Look(ctx context.Context, q providers.Question) (*providers.View, error) {
	v := &providers.View{Base: q.Base, Heads: map[string]string{}}
	var heads map[string]string
	var pulls []providers.PullRequest
	err := each(ctx, 2, func(ctx context.Context, i int) (err error) {
		if i == 1 {
			pulls, err = r.recentPulls(ctx, q.Heads)
			return err
		}
		if v.Info, err = r.Info(ctx); err != nil {
			return err
		}
		if v.Base == "" {
			v.Base = v.Info.DefaultBranch
		}
		if v.Info.Empty || v.Base == "" {
			return nil
		}
		heads, err = r.heads(ctx, append([]string{v.Base}, q.Heads...))
		return err
	})
	if err != nil {
		return nil, err
	}
	if v.Info.Empty || v.Base == "" {
		return v, nil
	}
	if v.SHA = heads[v.Base]; v.SHA == "" {
		// It may be a tag or a commit.
		if v.SHA, err = r.Resolve(ctx, v.Base); err != nil {
			return nil, err
		}
	}
	for _, head := range q.Heads {
		sha, ok := heads[head]
		if ok {
			v.Heads[head] = sha
		}
		r.saw(branchKind, head, ok)
		r.saw(pullKind, head, slices.ContainsFunc(pulls, func(p providers.PullRequest) bool {
			return p.State == providers.Open && p.Head.Branch == head
		}))
	}
	v.Pulls = pulls
	return v, nil
}

// heads returns where the branches are that are there.
func (r *repository) heads(ctx context.Context, names []string) (map[string]string, error) {
	at := map[string]string{}
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(names))), branchesAtOnce) {
		branches, err := r.branches(ctx, anyOf("name", some))
		if err != nil {
			return nil, r.wrap("read branches", err)
		}
		for _, branch := range branches {
			if slices.Contains(some, branch.Name) { // the comparison of Bitbucket may be a wider one
				at[branch.Name] = branch.Target.Hash
			}
		}
	}
	return at, nil
}

// recentPulls returns the pull requests of branches of the repository: all that
// are open, and at least [providers.RecentPulls] of each that has so many.
func (r *repository) recentPulls(ctx context.Context, heads []string) ([]providers.PullRequest, error) {
	var pulls []providers.PullRequest
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(heads))), headsAtOnce) {
		got, err := r.somePulls(ctx, some)
		if err != nil {
			return nil, r.wrap("list pull requests", err)
		}
		pulls = append(pulls, got...)
	}
	slices.SortStableFunc(pulls, latestFirst)
	return pulls, nil
}

// somePulls is recentPulls for up to [headsAtOnce] branches. If all their pull
// requests are more than a page, it takes one request more for those that are
// open, and one for each branch of which the page has too few: the others may
// have thousands, and Bitbucket takes 1,000 requests an hour
// (https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/).
func (r *repository) somePulls(ctx context.Context, heads []string) ([]providers.PullRequest, error) {
	var pulls []providers.PullRequest
	var name string // of the repository, as Bitbucket writes it
	add := func(got []pullJSON) {
		for _, p := range got {
			pull := p.pull(r.path)
			if d := p.Destination.Repository; d != nil && d.FullName != "" {
				name = d.FullName
			}
			if !pull.Head.Fork && slices.Contains(heads, pull.Head.Branch) &&
				!slices.ContainsFunc(pulls, func(p providers.PullRequest) bool { return p.Number == pull.Number }) {
				pulls = append(pulls, pull)
			}
		}
	}
	query := "(" + anyOf("source.branch.name", heads) + ")"
	var first page[pullJSON]
	if _, err := r.client.call(ctx, r.pullsRequest(nil, query), &first); err != nil {
		return nil, err
	}
	add(first.Values)
	if first.Next == "" {
		return pulls, nil
	}
	var few []string
	for _, head := range heads {
		n := 0
		for _, p := range pulls {
			if p.Head.Branch == head {
				n++
			}
		}
		if n < providers.RecentPulls {
			few = append(few, head)
		}
	}
	// Anybody can fill a page with pull requests of branches of forks that are
	// called the same (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering).
	own := ""
	if name != "" {
		own = " AND source.repository.full_name = " + quote(name)
	}
	open, err := all[pullJSON](ctx, r.client, r.pullsRequest([]string{"OPEN"}, query+own))
	if err != nil {
		return nil, err
	}
	add(open)
	for _, head := range few {
		var latest page[pullJSON]
		if _, err := r.client.call(ctx, r.pullsRequest(nil, "source.branch.name = "+quote(head)+own), &latest); err != nil {
			return nil, err
		}
		add(latest.Values)
	}
	return pulls, nil
}

func latestFirst(a, b providers.PullRequest) int { return b.Number - a.Number }

// pullsRequest lists pull requests in some states, or in all, that fit a query,
// the latest first.
func (r *repository) pullsRequest(states []string, query string) request {
	if len(states) == 0 {
		states = []string{"OPEN", "MERGED", "DECLINED", "SUPERSEDED"}
	}
	values := url.Values{"state": states, "sort": {"-created_on"}, "pagelen": {pullPageSize}}
	if query != "" {
		values.Set("q", query)
	}
	return request{url: r.at("pullrequests"), query: values}
}
