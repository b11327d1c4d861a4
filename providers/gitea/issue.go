package gitea

import (
	"context"
	"net/http"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// UpsertIssue implements providers.Issues.
func (r *repository) UpsertIssue(ctx context.Context, key string, issue providers.Issue) (string, error) {
	at, err := r.upsertIssue(ctx, key, issue)
	return at, r.fail(err, "keep the issue %q of %s", issue.Title, r.path)
}

func (r *repository) upsertIssue(ctx context.Context, key string, issue providers.Issue) (string, error) {
	self, err := r.self(ctx)
	if err != nil {
		return "", err
	}
	rows, err := pages(0, func(page int) ([]*sdk.Issue, http.Header, error) {
		query := pageQuery(page)
		query.Set("state", "all")
		query.Set("type", "issues")
		query.Set("created_by", self.Login)
		var rows []*sdk.Issue
		header, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("issues"), query: query, out: &rows})
		return rows, header, err
	})
	if err != nil {
		return "", err
	}
	var own *sdk.Issue // the oldest
	for _, row := range rows {
		if userOf(row.Poster).ID == self.ID && row.PullRequest == nil && r.isMarked(key, row.Body) && (own == nil || row.Index < own.Index) {
			own = row
		}
	}
	body := r.marked(key, issue.Body)
	state := sdk.StateClosed
	if issue.Open {
		state = sdk.StateOpen
	}
	if own == nil {
		if !issue.Open {
			return "", nil
		}
		made, _, err := r.forge.sdk(ctx).CreateIssue(r.owner, r.name, sdk.CreateIssueOption{Title: issue.Title, Body: body})
		if err != nil {
			return "", err
		}
		return made.HTMLURL, nil
	}
	if own.Title == issue.Title && own.Body == body && own.State == state {
		return own.HTMLURL, nil
	}
	_, _, err = r.forge.sdk(ctx).EditIssue(r.owner, r.name, own.Index, sdk.EditIssueOption{Title: issue.Title, Body: &body, State: &state})
	return own.HTMLURL, err
}
