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

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// draftPrefixes mark drafts on servers that are not told otherwise: Gitea's and
// Forgejo's WORK_IN_PROGRESS_PREFIXES
// (https://docs.gitea.com/administration/config-cheat-sheet#repository---pull-request-repositorypull-request).
var draftPrefixes = []string{"WIP:", "[WIP]", "Draft:"}

// undrafted returns a title without the prefix of drafts.
func (f *Forge) undrafted(title string) string {
	for _, prefix := range append([]string{f.prefix}, draftPrefixes...) {
		if len(title) >= len(prefix) && strings.EqualFold(title[:len(prefix)], prefix) {
			return strings.TrimSpace(title[len(prefix):])
		}
	}
	return title
}

func (f *Forge) drafted(title string) string { return f.prefix + " " + f.undrafted(title) }

func (r *repository) pullOf(p *sdk.PullRequest) providers.PullRequest {
	out := providers.PullRequest{
		Number:  int(p.Index),
		URL:     p.HTMLURL,
		Title:   p.Title,
		Body:    p.Body,
		State:   providers.Open,
		Draft:   p.Draft,
		Author:  userOf(p.Poster),
		Created: timeOf(p.Created),
		Updated: timeOf(p.Updated),
	}
	switch {
	case p.HasMerged:
		out.State = providers.Merged
		if p.MergedCommitID != nil {
			out.MergeSHA = *p.MergedCommitID
		}
	case p.State == sdk.StateClosed:
		out.State = providers.Closed
	}
	// Before 1.24 the reply does not tell, and the title of one that is none
	// cannot begin so.
	if bare := r.forge.undrafted(p.Title); p.Draft || bare != p.Title && out.State == providers.Open {
		out.Draft, out.Title = true, bare
	}
	if p.Base != nil {
		out.Base = p.Base.Ref
	}
	if p.Head != nil {
		out.Head = providers.Head{Branch: p.Head.Name, SHA: p.Head.Sha, Fork: p.Base == nil || p.Head.RepoID != p.Base.RepoID}
	}
	for _, label := range p.Labels {
		out.Labels = append(out.Labels, label.Name)
	}
	return out
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Pull implements providers.Pulls.
func (r *repository) Pull(ctx context.Context, number int) (providers.PullRequest, error) {
	p, err := r.pull(ctx, number)
	if err != nil {
		return providers.PullRequest{}, r.fail(err, "read pull request %d of %s", number, r.path)
	}
	return r.pullOf(p), nil
}

func (r *repository) pull(ctx context.Context, number int) (*sdk.PullRequest, error) {
	p, _, err := r.forge.sdk(ctx).GetPullRequest(r.owner, r.name, int64(number))
	if err == nil && p.Index != int64(number) {
		return nil, &strangeError{r.forge.host, "the reply tells of no pull request"}
	}
	return p, err
}

// Pulls implements providers.Pulls. The server cannot look for a branch, so with
// Head given its whole list is read, until the limit is reached.
func (r *repository) Pulls(ctx context.Context, q providers.PullQuery) ([]providers.PullRequest, error) {
	limit := cmp.Or(q.Limit, defaultLimit)
	var pulls []providers.PullRequest
	err := r.eachPull(ctx, q.State, q.Base, func(p providers.PullRequest) bool {
		if (q.State == "" || p.State == q.State) && (q.Base == "" || p.Base == q.Base) &&
			(q.Head == "" || p.Head.Branch == q.Head && !p.Head.Fork) {
			pulls = append(pulls, p)
		}
		return len(pulls) < limit
	})
	if err != nil {
		return nil, r.fail(err, "list the pull requests of %s", r.path)
	}
	return pulls, nil
}

// eachPull gives the pull requests, the latest created first, to use until that
// returns false. The first page is read alone, the others a few at a time. One
// that moves to the next page meanwhile, since another was opened, comes once.
func (r *repository) eachPull(ctx context.Context, state providers.PullState, base string, use func(providers.PullRequest) bool) error {
	fetch := func(ctx context.Context, page int) ([]*sdk.PullRequest, http.Header, error) {
		query := pageQuery(page)
		query.Set("state", "all")
		switch state {
		case providers.Open:
			query.Set("state", "open")
		case providers.Merged, providers.Closed:
			query.Set("state", "closed")
		}
		if base != "" {
			query.Set("base_branch", base) // known since 1.24; who does not know it lists more
		}
		var rows []*sdk.PullRequest
		header, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("pulls"), query: query, out: &rows})
		return rows, header, err
	}
	seen := map[int64]bool{}
	feed := func(rows []*sdk.PullRequest) bool {
		for _, row := range rows {
			if row == nil || seen[row.Index] {
				continue
			}
			seen[row.Index] = true
			if !use(r.pullOf(row)) {
				return false
			}
		}
		return true
	}
	rows, header, err := fetch(ctx, 1)
	if statusOf(err) == http.StatusNotFound {
		// There can be none in an empty repository.
		if repo, lookErr := r.get(ctx); lookErr == nil && repo.Empty {
			return nil
		}
	}
	if err != nil {
		return err
	}
	count, size := total(header), len(rows)
	if !feed(rows) || size == 0 || count >= 0 && size >= count {
		return nil
	}
	begin := rows
	for page := 2; page <= maxPages; page += parallel {
		next := make([][]*sdk.PullRequest, parallel)
		if count >= 0 {
			next = next[:min(parallel, max(0, (count+size-1)/size-page+1))]
		}
		err := each(ctx, len(next), func(ctx context.Context, i int) (err error) {
			next[i], _, err = fetch(ctx, page+i)
			return err
		})
		if err != nil {
			return err
		}
		if len(next) == 0 {
			return nil
		}
		for _, rows := range next {
			if isSameList(rows, begin) {
				return errEndless
			}
			if !feed(rows) || len(rows) == 0 {
				return nil
			}
		}
	}
	return errEndless
}

// isSameList reports whether two pages have the same pull requests.
func isSameList(a, b []*sdk.PullRequest) bool {
	return slices.EqualFunc(a, b, func(a, b *sdk.PullRequest) bool { return a != nil && b != nil && a.Index == b.Index })
}

// Look implements providers.Looker: the list of pull requests is read once for
// all branches.
func (r *repository) Look(ctx context.Context, q providers.Question) (*providers.View, error) {
	info, err := r.Info(ctx)
	if err != nil {
		return nil, err
	}
	v := &providers.View{Info: info, Base: cmp.Or(q.Base, info.DefaultBranch), Heads: map[string]string{}}
	if info.Empty || v.Base == "" {
		return v, nil
	}
	if v.SHA, err = r.Resolve(ctx, v.Base); err != nil || len(q.Heads) == 0 {
		return v, err
	}
	count := map[string]int{}
	for _, head := range q.Heads {
		count[head] = 0
	}
	wanting := len(count)
	err = r.eachPull(ctx, "", "", func(p providers.PullRequest) bool {
		n, asked := count[p.Head.Branch]
		if !asked || p.Head.Fork {
			return true
		}
		v.Pulls = append(v.Pulls, p)
		if p.State == providers.Open {
			v.Heads[p.Head.Branch] = p.Head.SHA
		}
		if count[p.Head.Branch]++; n+1 == providers.RecentPulls {
			wanting--
		}
		return wanting > 0
	})
	if err != nil {
		return nil, r.fail(err, "list the pull requests of %s", r.path)
	}
	for head := range count {
		if isSHA(v.Heads[head]) {
			continue
		}
		delete(v.Heads, head)
		switch sha, err := r.branch(ctx, head); {
		case err == nil:
			v.Heads[head] = sha
		case statusOf(err) != http.StatusNotFound:
			return nil, r.fail(err, "find %q in %s", head, r.path)
		}
	}
	return v, nil
}

// OpenPull implements providers.Pulls.
func (r *repository) OpenPull(ctx context.Context, n providers.NewPull) (providers.PullRequest, error) {
	p, err := r.openPull(ctx, n)
	if err != nil {
		return providers.PullRequest{}, r.fail(err, "open a pull request from %s on %s", n.Head, r.path)
	}
	return r.pullOf(p), nil
}

func (r *repository) openPull(ctx context.Context, n providers.NewPull) (*sdk.PullRequest, error) {
	// The server opens one without a commit, too.
	if ahead, err := r.isAhead(ctx, n.Head, n.Base); err != nil {
		return nil, err
	} else if !ahead {
		return nil, fault.New(fault.Refused, "commit to "+n.Head+" first",
			"there is nothing to merge from %s into %s of %s", n.Head, n.Base, r.path)
	}
	// Asked for the same one twice at once the server opens two.
	done, err := r.forge.alone(ctx, r.path+" "+n.Head+" "+n.Base)
	if err != nil {
		return nil, err
	}
	defer done()
	title := n.Title
	if n.Draft {
		title = r.forge.drafted(title)
	}
	p, _, err := r.forge.sdk(ctx).CreatePullRequest(r.owner, r.name, sdk.CreatePullRequestOption{
		Head: n.Head, Base: n.Base, Title: title, Body: n.Body,
	})
	twin := func(err error) error {
		return refuse(providers.ErrConflict, err, "look at it, and update it",
			fmt.Sprintf("there is an open pull request from %s into %s of %s", n.Head, n.Base, r.path))
	}
	if err == nil {
		first, err := r.isFirst(ctx, p)
		switch {
		case err != nil:
			return nil, err
		case !first:
			return nil, twin(nil)
		case n.Draft && !r.pullOf(p).Draft:
			return nil, r.noPrefix()
		}
		return p, nil
	}
	switch {
	case statusOf(err) == http.StatusConflict:
		return nil, twin(err)
	case statusOf(err) == http.StatusForbidden:
		if scope, _ := missingScope(saysOf(err)); scope == "" {
			return nil, refuse(providers.ErrForbidden, err, "give the account of the token write access to the repository",
				"the token may open no pull requests on "+r.path)
		}
	case statusOf(err) == http.StatusNotFound:
		// The branches are there, so it is the unit.
		return nil, refuse(providers.ErrForbidden, err, "turn pull requests on in the settings of the repository",
			"pull requests are turned off in "+r.path)
	}
	return p, err
}

// alone waits until nobody else opens what has a name, and returns what lets the
// next one do it.
func (f *Forge) alone(ctx context.Context, name string) (done func(), err error) {
	mine := make(chan struct{})
	for {
		f.mu.Lock()
		other, busy := f.opening[name]
		if !busy {
			f.opening[name] = mine
		}
		f.mu.Unlock()
		if !busy {
			return func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				delete(f.opening, name)
				close(mine)
			}, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// isFirst reports whether no other pull request for the same branches is open
// that was opened before, as by another process at the same time. If there is,
// this one is closed again.
func (r *repository) isFirst(ctx context.Context, p *sdk.PullRequest) (bool, error) {
	mine := r.pullOf(p)
	first := true
	err := r.eachPull(ctx, providers.Open, mine.Base, func(other providers.PullRequest) bool {
		if other.Number < mine.Number && other.Head.Branch == mine.Head.Branch && !other.Head.Fork && other.Base == mine.Base {
			first = false
		}
		return first
	})
	if err != nil || first {
		return first, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	_, err = r.updatePull(ctx, mine.Number, providers.PullUpdate{Close: true})
	return false, err
}

// isAhead reports whether a branch has a commit that another one lacks.
func (r *repository) isAhead(ctx context.Context, head, base string) (bool, error) {
	var rows []commit
	_, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("commits"), out: &rows, query: url.Values{
		"sha": {"refs/heads/" + head}, "not": {"refs/heads/" + base}, "limit": {"1"},
		"stat": {"false"}, "verification": {"false"}, "files": {"false"},
	}})
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusInternalServerError {
		for _, branch := range []string{base, head} {
			if _, err := r.branch(ctx, branch); err != nil {
				return false, r.missing(err, branch)
			}
		}
	}
	return len(rows) > 0, err
}

// missing says that there is no branch.
func (r *repository) missing(err error, branch string) error {
	if statusOf(err) == http.StatusNotFound {
		return refuse(providers.ErrNotFound, err, "check the spelling, and that the token may see the repository",
			"there is no branch "+branch+" in "+r.path)
	}
	return err
}

func (r *repository) noPrefix() error {
	return fault.New(fault.Config, "give one of its WORK_IN_PROGRESS_PREFIXES",
		"%s does not take %q for the mark of a draft", r.forge.host, r.forge.prefix)
}

// UpdatePull implements providers.Pulls.
func (r *repository) UpdatePull(ctx context.Context, number int, u providers.PullUpdate) (providers.PullRequest, error) {
	p, err := r.updatePull(ctx, number, u)
	if err != nil {
		return providers.PullRequest{}, r.fail(err, "update pull request %d of %s", number, r.path)
	}
	return r.pullOf(p), nil
}

func (r *repository) updatePull(ctx context.Context, number int, u providers.PullUpdate) (*sdk.PullRequest, error) {
	if u == (providers.PullUpdate{}) {
		return r.pull(ctx, number)
	}
	edit := sdk.EditPullRequestOption{Body: u.Body}
	if u.Title != nil {
		// The title says that it is a draft.
		now, err := r.pull(ctx, number)
		if err != nil {
			return nil, err
		}
		if edit.Title = *u.Title; r.pullOf(now).Draft {
			edit.Title = r.forge.drafted(*u.Title)
		}
	}
	if u.Close {
		closed := sdk.StateClosed
		edit.State = &closed
	}
	p, _, err := r.forge.sdk(ctx).EditPullRequest(r.owner, r.name, int64(number), edit)
	if statusOf(err) == http.StatusPreconditionFailed && u.Close {
		return r.pull(ctx, number) // it is merged; the rest was done before
	}
	return p, err
}

// SetDraft implements providers.Drafter.
func (r *repository) SetDraft(ctx context.Context, number int, draft bool) error {
	act := "change the draft state of pull request " + strconv.Itoa(number) + " of " + r.path
	p, err := r.pull(ctx, number)
	if err != nil {
		return r.forge.fail(act, err)
	}
	now := r.pullOf(p)
	if now.Draft == draft {
		return nil
	}
	title := now.Title
	if draft {
		title = r.forge.drafted(title)
	}
	p, _, err = r.forge.sdk(ctx).EditPullRequest(r.owner, r.name, int64(number), sdk.EditPullRequestOption{Title: title})
	if err == nil && r.pullOf(p).Draft != draft {
		err = r.noPrefix()
	}
	return r.forge.fail(act, err)
}

// PullCommits implements providers.PullDetails. The server's own list follows a
// push with a delay.
func (r *repository) PullCommits(ctx context.Context, number int) ([]providers.Commit, error) {
	act := fmt.Sprintf("list the commits of pull request %d of %s", number, r.path)
	p, err := r.pull(ctx, number)
	if err != nil {
		return nil, r.forge.fail(act, err)
	}
	base, head := p.MergeBase, ""
	if p.Head != nil {
		head = p.Head.Sha
	}
	if !p.HasMerged && p.Base != nil && p.Base.Sha != "" {
		base = p.Base.Sha
	}
	commits, err := r.log(ctx, logQuery{sha: head, not: base, limit: maxCommits})
	slices.Reverse(commits)
	return commits, r.forge.fail(act, err)
}
