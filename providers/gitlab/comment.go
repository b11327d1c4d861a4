package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/providers"
)

// textLimit is GitLab's limit for a note, 1,000,000 characters
// (https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics),
// which is below that for a description, less what a marker takes.
const textLimit = 1_000_000 - 200

// TextLimit implements [providers.Comments].
func (r *repository) TextLimit() int { return textLimit }

// Hidden implements [providers.Comments].
func (r *repository) Hidden(text string) string { return "<!-- " + text + " -->" }

// marked returns a body with the marker of a key.
func (r *repository) marked(key, body string) string {
	return r.marker(key) + "\n\n" + body
}

func (r *repository) marker(key string) string { return r.Hidden("towpath:" + key) }

// Comments implements [providers.Comments]. Remarks on lines of a diff are not
// of the conversation.
func (r *repository) Comments(ctx context.Context, number int) ([]providers.Comment, error) {
	var comments []providers.Comment
	reply, option := begin(ctx)
	err := pages(func(page gitlab.ListOptions) (int, error) {
		list, resp, err := r.client.Notes.ListMergeRequestNotes(r.path, number, &gitlab.ListMergeRequestNotesOptions{
			ListOptions: page, OrderBy: new("created_at"), Sort: new("asc"),
		}, option)
		if err != nil {
			return 0, err
		}
		for _, n := range list {
			if !n.System && n.Type != gitlab.DiffNote {
				comments = append(comments, r.commentOf(number, n))
			}
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.fail("list the comments of pull request !"+strconv.Itoa(number), reply, err)
	}
	slices.SortStableFunc(comments, func(a, b providers.Comment) int { return a.Created.Compare(b.Created) })
	return comments, nil
}

func (r *repository) commentOf(number int, n *gitlab.Note) providers.Comment {
	return providers.Comment{
		ID:      strconv.Itoa(n.ID),
		URL:     fmt.Sprintf("%s/%s/-/merge_requests/%d#note_%d", r.forge.server, r.path, number, n.ID),
		Body:    n.Body,
		Author:  providers.User{ID: strconv.Itoa(n.Author.ID), Login: n.Author.Username, Name: n.Author.Name},
		Created: timeOf(n.CreatedAt), Updated: timeOf(n.UpdatedAt),
	}
}

// UpsertComment implements [providers.Comments].
func (r *repository) UpsertComment(ctx context.Context, number int, key, body string) (providers.Comment, error) {
	self, err := r.Self(ctx)
	if err != nil {
		return providers.Comment{}, err
	}
	comments, err := r.Comments(ctx, number)
	if err != nil {
		return providers.Comment{}, err
	}
	marker := r.marker(key)
	mine := slices.DeleteFunc(comments, func(c providers.Comment) bool {
		return c.Author.ID != self.ID || !hasLine(c.Body, marker)
	})
	body = r.marked(key, body)
	if len(mine) == 0 {
		return r.AddComment(ctx, number, body)
	}
	for _, c := range mine[1:] {
		id, err := strconv.Atoi(c.ID)
		if err != nil {
			return providers.Comment{}, fmt.Errorf("delete a doubled comment: %w", err)
		}
		reply, option := begin(ctx)
		_, err = r.client.Notes.DeleteMergeRequestNote(r.path, number, id, option)
		if err != nil && !errors.Is(err, gitlab.ErrNotFound) {
			return providers.Comment{}, r.write(ctx, "delete a doubled comment", reply, err)
		}
	}
	if sameText(mine[0].Body, body) {
		return mine[0], nil
	}
	id, err := strconv.Atoi(mine[0].ID)
	if err != nil {
		return providers.Comment{}, fmt.Errorf("change a comment: %w", err)
	}
	reply, option := begin(ctx)
	n, _, err := r.client.Notes.UpdateMergeRequestNote(r.path, number, id,
		&gitlab.UpdateMergeRequestNoteOptions{Body: new(body)}, option)
	if err != nil {
		return providers.Comment{}, r.write(ctx, "change a comment on pull request !"+strconv.Itoa(number), reply, err)
	}
	return r.commentOf(number, n), nil
}

// hasLine reports whether a text has a line: a marker within one is quoted.
func hasLine(text, line string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), line)
}

// sameText compares texts as far as GitLab keeps them.
func sameText(a, b string) bool {
	clean := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return clean(a) == clean(b)
}

// AddComment implements [providers.Comments].
func (r *repository) AddComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	reply, option := begin(ctx)
	n, _, err := r.client.Notes.CreateMergeRequestNote(r.path, number,
		&gitlab.CreateMergeRequestNoteOptions{Body: new(body)}, option)
	if err != nil {
		return providers.Comment{}, r.write(ctx, "comment on pull request !"+strconv.Itoa(number), reply, err)
	}
	return r.commentOf(number, n), nil
}

// emojis are GitLab's names for the reactions
// (https://docs.gitlab.com/user/emoji_reactions/).
var emojis = map[providers.Reaction]string{
	providers.Eyes: "eyes", providers.ThumbsUp: "thumbsup", providers.Confused: "confused", providers.Rocket: "rocket",
}

// React implements [providers.Reactor]. GitLab refuses a reaction that is there
// already with "Name has already been taken", by 404 or 409, depending on its
// version (https://docs.gitlab.com/api/emoji_reactions/).
func (r *repository) React(ctx context.Context, number int, comment string, reaction providers.Reaction) error {
	act := "react to a comment on pull request !" + strconv.Itoa(number)
	id, err := strconv.Atoi(comment)
	if err != nil {
		return r.fail(act, nil, gitlab.ErrNotFound)
	}
	name, ok := emojis[reaction]
	if !ok {
		name = string(reaction)
	}
	reply, option := begin(ctx)
	_, _, err = r.client.AwardEmoji.CreateMergeRequestAwardEmojiOnNote(r.path, number, id,
		&gitlab.CreateAwardEmojiOptions{Name: name}, option)
	if e, ok := errors.AsType[*gitlab.ErrorResponse](err); ok && e.Response.StatusCode < http.StatusInternalServerError &&
		strings.Contains(messageOf(e.Body), "already been taken") {
		return nil
	}
	if errors.Is(err, gitlab.ErrNotFound) && strings.Contains(reply.message, "already been taken") {
		return nil
	}
	return r.write(ctx, act, reply, err)
}
