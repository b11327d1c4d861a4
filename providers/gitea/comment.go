package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/providers"
)

// textLimit is GitHub's. Gitea itself has none but that of its database, which
// is 65535 bytes of UTF-8 on old servers with MySQL.
const textLimit = 65_000

// TextLimit implements providers.Comments.
func (*repository) TextLimit() int { return textLimit }

// Hidden implements providers.Comments.
func (*repository) Hidden(text string) string { return "<!-- " + text + " -->" }

// marker is the line by which a comment or issue with a key is found again.
func (r *repository) marker(key string) string { return r.Hidden("towpath:" + key) }

// marked returns a body with the marker at its end.
func (r *repository) marked(key, body string) string {
	return strings.TrimRight(body, "\n") + "\n\n" + r.marker(key) + "\n"
}

// isMarked reports whether a body has the marker in a line of its own: in a
// quotation it has something before it.
func (r *repository) isMarked(key, body string) bool {
	marker := r.marker(key)
	for line := range strings.Lines(body) {
		if strings.TrimSpace(line) == marker && strings.HasPrefix(line, "<") {
			return true
		}
	}
	return false
}

func commentOf(c *sdk.Comment) providers.Comment {
	return providers.Comment{
		ID: strconv.FormatInt(c.ID, 10), URL: c.HTMLURL, Body: c.Body,
		Author: userOf(c.Poster), Created: c.Created, Updated: c.Updated,
	}
}

// Comments implements providers.Comments.
func (r *repository) Comments(ctx context.Context, number int) ([]providers.Comment, error) {
	comments, err := r.comments(ctx, number)
	return comments, r.fail(err, "list the comments on pull request %d of %s", number, r.path)
}

func (r *repository) comments(ctx context.Context, number int) ([]providers.Comment, error) {
	var rows []*sdk.Comment
	// All come at once, whatever page is asked for.
	_, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("issues", strconv.Itoa(number), "comments"), out: &rows})
	if statusOf(err) == http.StatusInternalServerError {
		// As it is answered for one that is not there.
		if _, lookErr := r.pull(ctx, number); lookErr != nil {
			return nil, lookErr
		}
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b *sdk.Comment) int { return a.Created.Compare(b.Created) })
	comments := make([]providers.Comment, len(rows))
	for i, row := range rows {
		comments[i] = commentOf(row)
	}
	return comments, nil
}

// upsertTries is how often a comment is looked for and written. The server
// answers with 404 or 500 if another run changes or deletes it at the same time,
// and has then finished with it: looking again tells what came of it.
const upsertTries = 4

// UpsertComment implements providers.Comments.
func (r *repository) UpsertComment(ctx context.Context, number int, key, body string) (c providers.Comment, err error) {
	for range upsertTries {
		c, err = r.upsertComment(ctx, number, key, body)
		if e, ok := errors.AsType[*replyError](err); !ok || e.method == http.MethodGet ||
			e.status != http.StatusInternalServerError && e.status != http.StatusNotFound {
			break
		}
	}
	return c, r.fail(err, "comment on pull request %d of %s", number, r.path)
}

func (r *repository) upsertComment(ctx context.Context, number int, key, body string) (providers.Comment, error) {
	self, err := r.self(ctx)
	if err != nil {
		return providers.Comment{}, err
	}
	all, err := r.comments(ctx, number)
	if err != nil {
		return providers.Comment{}, err
	}
	own := slices.DeleteFunc(all, func(c providers.Comment) bool { return c.Author.ID != self.ID || !r.isMarked(key, c.Body) })
	body = r.marked(key, body)
	if len(own) == 0 {
		return r.addComment(ctx, number, body)
	}
	for _, twin := range own[1:] {
		id, err := strconv.ParseInt(twin.ID, 10, 64)
		if err != nil {
			return providers.Comment{}, err
		}
		if _, err := r.forge.sdk(ctx).DeleteIssueComment(r.owner, r.name, id); err != nil && statusOf(err) != http.StatusNotFound {
			return providers.Comment{}, err
		}
	}
	if own[0].Body == body {
		return own[0], nil
	}
	id, err := strconv.ParseInt(own[0].ID, 10, 64)
	if err != nil {
		return providers.Comment{}, err
	}
	c, _, err := r.forge.sdk(ctx).EditIssueComment(r.owner, r.name, id, sdk.EditIssueCommentOption{Body: body})
	if err != nil {
		return providers.Comment{}, err
	}
	return commentOf(c), nil
}

// AddComment implements providers.Comments.
func (r *repository) AddComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	c, err := r.addComment(ctx, number, body)
	return c, r.fail(err, "comment on pull request %d of %s", number, r.path)
}

func (r *repository) addComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	c, _, err := r.forge.sdk(ctx).CreateIssueComment(r.owner, r.name, int64(number), sdk.CreateIssueCommentOption{Body: body})
	if statusOf(err) == http.StatusInternalServerError {
		if _, lookErr := r.pull(ctx, number); lookErr != nil {
			return providers.Comment{}, lookErr
		}
	}
	if err != nil {
		return providers.Comment{}, err
	}
	return commentOf(c), nil
}

// React implements providers.Reactor. The server keeps one of a kind per account.
func (r *repository) React(ctx context.Context, number int, comment string, reaction providers.Reaction) error {
	act := fmt.Sprintf("react to comment %s on pull request %d of %s", comment, number, r.path)
	id, err := strconv.ParseInt(comment, 10, 64)
	if err != nil {
		return r.forge.fail(act, refuse(providers.ErrNotFound, nil, "give the number of a comment", act))
	}
	_, _, err = r.forge.sdk(ctx).PostIssueCommentReaction(r.owner, r.name, id, string(reaction))
	return r.forge.fail(act, err)
}
