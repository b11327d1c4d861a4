package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// textLimit is the 65,536 characters of GitHub, less what the marker of a
// comment takes (https://github.com/orgs/community/discussions/27190).
const textLimit = 65_536 - 256

// TextLimit is how many characters a body may have.
func (r *repository) TextLimit() int { return textLimit }

// Hidden returns a line that is not shown.
func (r *repository) Hidden(text string) string { return "<!-- " + text + " -->" }

func (r *repository) marker(key string) string { return r.Hidden("towpath:v1 key=" + key) }

func commentOf(c *gh.IssueComment) providers.Comment {
	return providers.Comment{
		ID: strconv.FormatInt(c.GetID(), 10), URL: c.GetHTMLURL(), Body: c.GetBody(), Author: userOf(c.User),
		Created: c.GetCreatedAt().Time, Updated: c.GetUpdatedAt().Time,
	}
}

// Comments returns the conversation.
func (r *repository) Comments(ctx context.Context, number int) ([]providers.Comment, error) {
	list, err := r.comments(ctx, number)
	return list, r.wrap(fmt.Sprintf("read the comments of pull request %d", number), err)
}

func (r *repository) comments(ctx context.Context, number int) ([]providers.Comment, error) {
	list, err := pages(0, func(o gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return r.c.Issues.ListComments(ctx, r.owner, r.name, number, &gh.IssueListCommentsOptions{ListOptions: o})
	})
	if err != nil {
		return nil, err
	}
	var out []providers.Comment
	for _, item := range list {
		out = append(out, commentOf(item))
	}
	return out, nil
}

// UpsertComment gives the comment with a key a new body.
func (r *repository) UpsertComment(ctx context.Context, number int, key, body string) (providers.Comment, error) {
	c, err := r.upsertComment(ctx, number, key, body)
	return c, r.wrap(fmt.Sprintf("comment on pull request %d", number), err)
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
	body = strings.TrimRight(body, "\n") + "\n\n" + r.marker(key) + "\n"
	var kept *providers.Comment
	for _, c := range all {
		if !isSame(c.Author, self) || !hasLine(c.Body, r.marker(key)) {
			continue
		}
		if kept == nil {
			kept = &c
			continue
		}
		if err := r.deleteComment(ctx, c.ID); err != nil {
			return providers.Comment{}, err
		}
	}
	if kept == nil {
		return r.addComment(ctx, number, body)
	}
	if normal(kept.Body) == normal(body) {
		return *kept, nil
	}
	id, err := commentID(kept.ID)
	if err != nil {
		return providers.Comment{}, err
	}
	edited, _, err := r.c.Issues.EditComment(repeatable(ctx), r.owner, r.name, id, &gh.IssueComment{Body: gh.String(body)})
	if statusOf(err) == http.StatusNotFound {
		return r.addComment(ctx, number, body) // deleted meanwhile
	}
	if err != nil {
		return providers.Comment{}, err
	}
	return commentOf(edited), nil
}

// isSame reports whether two accounts are one. What is known of the credential's
// own may be the login alone.
func isSame(a, b providers.User) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return b.Login != "" && strings.EqualFold(a.Login, b.Login)
}

func hasLine(text, line string) bool {
	for l := range strings.Lines(text) {
		if strings.TrimSpace(l) == line {
			return true
		}
	}
	return false
}

// normal leaves out what forges change about a text that they store.
func normal(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

func commentID(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, &problem{fault.NotFound, "", fmt.Errorf("%w: %q is no id of a comment on GitHub", providers.ErrNotFound, id)}
	}
	return n, nil
}

func (r *repository) deleteComment(ctx context.Context, id string) error {
	n, err := commentID(id)
	if err != nil {
		return err
	}
	_, err = r.c.Issues.DeleteComment(ctx, r.owner, r.name, n)
	if statusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// AddComment writes a comment.
func (r *repository) AddComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	c, err := r.addComment(ctx, number, body)
	return c, r.wrap(fmt.Sprintf("comment on pull request %d", number), err)
}

func (r *repository) addComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	c, _, err := r.c.Issues.CreateComment(ctx, r.owner, r.name, number, &gh.IssueComment{Body: gh.String(body)})
	if err != nil {
		return providers.Comment{}, err
	}
	return commentOf(c), nil
}

// React adds a reaction, which GitHub does once
// (https://docs.github.com/en/rest/reactions/reactions#create-reaction-for-an-issue-comment).
func (r *repository) React(ctx context.Context, _ int, comment string, reaction providers.Reaction) error {
	id, err := commentID(comment)
	if err == nil {
		_, _, err = r.c.Reactions.CreateIssueCommentReaction(repeatable(ctx), r.owner, r.name, id, string(reaction))
	}
	return r.wrap("react to comment "+comment, err)
}

// HideComment folds a comment away as outdated.
func (r *repository) HideComment(ctx context.Context, _ int, comment string) error {
	return r.wrap("hide comment "+comment, r.hide(ctx, comment))
}

func (r *repository) hide(ctx context.Context, comment string) error {
	id, err := commentID(comment)
	if err != nil {
		return err
	}
	c, _, err := r.c.Issues.GetComment(ctx, r.owner, r.name, id)
	if err != nil {
		return err
	}
	return r.mutate(repeatable(ctx), `mutation($input: MinimizeCommentInput!) { minimizeComment(input: $input) { clientMutationId } }`,
		map[string]any{"subjectId": c.GetNodeID(), "classifier": "OUTDATED"}, nil)
}

// UpsertIssue keeps one issue.
func (r *repository) UpsertIssue(ctx context.Context, key string, issue providers.Issue) (string, error) {
	url, err := r.upsertIssue(ctx, key, issue)
	if statusOf(err) == http.StatusGone {
		err = &problem{fault.Refused, "switch issues on in the repository's settings", fmt.Errorf("%w: the repository has no issues", errors.ErrUnsupported)}
	}
	return url, r.wrap("write the issue", err)
}

func (r *repository) upsertIssue(ctx context.Context, key string, issue providers.Issue) (string, error) {
	self, err := r.self(ctx)
	if err != nil {
		return "", err
	}
	all, err := pages(0, func(o gh.ListOptions) ([]*gh.Issue, *gh.Response, error) {
		return r.c.Issues.ListByRepo(ctx, r.owner, r.name, &gh.IssueListByRepoOptions{
			State: "all", Creator: self.Login, Sort: "created", Direction: "asc", ListOptions: o,
		})
	})
	if err != nil {
		return "", err
	}
	body := strings.TrimRight(issue.Body, "\n") + "\n\n" + r.marker(key) + "\n"
	state := "closed"
	if issue.Open {
		state = "open"
	}
	for _, item := range all {
		if item.IsPullRequest() || !isSame(userOf(item.User), self) || !hasLine(item.GetBody(), r.marker(key)) {
			continue
		}
		if item.GetTitle() == issue.Title && normal(item.GetBody()) == normal(body) && item.GetState() == state {
			return item.GetHTMLURL(), nil
		}
		edited, _, err := r.c.Issues.Edit(repeatable(ctx), r.owner, r.name, item.GetNumber(), &gh.IssueRequest{
			Title: gh.String(issue.Title), Body: gh.String(body), State: gh.String(state),
		})
		return edited.GetHTMLURL(), err
	}
	if !issue.Open {
		return "", nil // there is nothing to close
	}
	made, _, err := r.c.Issues.Create(ctx, r.owner, r.name, &gh.IssueRequest{Title: gh.String(issue.Title), Body: gh.String(body)})
	return made.GetHTMLURL(), err
}
