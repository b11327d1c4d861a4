package bitbucket

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

// textLimit is below the 32,768 characters that are known of Bitbucket Data
// Center. Cloud takes more, but says nowhere how many.
const textLimit = 32000

// TextLimit returns how many characters a text may have.
func (r *repository) TextLimit() int { return textLimit }

// Hidden returns a definition of a link that nothing uses. Bitbucket shows
// comments of HTML as text (https://github.com/qodo-ai/pr-agent/pull/3283).
func (r *repository) Hidden(text string) string { return "[//]: # (" + text + ")" }

// Comments lists the conversation.
func (r *repository) Comments(ctx context.Context, number int) ([]providers.Comment, error) {
	comments, err := r.comments(ctx, number)
	return comments, r.wrap(fmt.Sprintf("list the comments on pull request #%d", number), err)
}

func (r *repository) comments(ctx context.Context, number int) ([]providers.Comment, error) {
	var comments []providers.Comment
	q := request{url: r.pullAt(number, "comments"), query: url.Values{"pagelen": {pageSize}, "sort": {"created_on"}}}
	err := list(ctx, r.client, q, func(got []commentJSON) bool {
		for _, c := range got {
			if c.isTalk() {
				comments = append(comments, c.comment())
			}
		}
		return true
	})
	if isMissing(err) {
		err = noPull(number)
	}
	slices.SortStableFunc(comments, func(a, b providers.Comment) int { return a.Created.Compare(b.Created) })
	return comments, err
}

// AddComment writes a comment.
func (r *repository) AddComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	c, err := r.addComment(ctx, number, body)
	return c, r.wrap(fmt.Sprintf("comment on pull request #%d", number), err)
}

func (r *repository) addComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	got, err := r.client.comment(ctx, r, number, "", body)
	if isMissing(err) {
		err = noPull(number)
	}
	return got.comment(), err
}

// UpsertComment writes the comment of a key. A credential that does not tell
// whose it is takes a comment with the mark of the key for its own if it may
// change it, which only its author may: an access token one by a bot, and an API
// token without the scope read:user:bitbucket one by a person.
func (r *repository) UpsertComment(ctx context.Context, number int, key, body string) (providers.Comment, error) {
	c, err := r.upsertComment(ctx, number, key, body)
	return c, r.wrap(fmt.Sprintf("write the comment %q on pull request #%d", key, number), err)
}

func (r *repository) upsertComment(ctx context.Context, number int, key, body string) (providers.Comment, error) {
	self, err := r.self(ctx)
	if err != nil {
		return providers.Comment{}, err
	}
	comments, err := r.comments(ctx, number)
	if err != nil {
		return providers.Comment{}, err
	}
	marker := r.Hidden("towpath:" + key)
	body = marker + "\n\n" + body
	var kept *providers.Comment
	for _, c := range comments {
		own := c.Author.ID == self.ID
		if self.ID == "" {
			own = c.Author.Bot == self.Bot
		}
		if !own || !slices.Contains(strings.Split(strings.ReplaceAll(c.Body, "\r\n", "\n"), "\n"), marker) {
			continue
		}
		if kept != nil {
			if self.ID == "" && !self.Bot {
				continue // administrators may delete what is another person's
			}
			err := r.client.deleteComment(ctx, r, number, c.ID)
			if err != nil && !isMissing(err) && (self.ID != "" || status(err) != http.StatusForbidden) {
				return providers.Comment{}, err
			}
			continue
		}
		if !sameText(c.Body, body) {
			got, err := r.client.comment(ctx, r, number, c.ID, body)
			if isMissing(err) || self.ID == "" && status(err) == http.StatusForbidden {
				continue // deleted meanwhile, or another bot's
			}
			if err != nil {
				return providers.Comment{}, err
			}
			c = got.comment()
		}
		kept = &c
	}
	if kept != nil {
		return *kept, nil
	}
	return r.addComment(ctx, number, body)
}

func sameText(a, b string) bool {
	trim := func(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }
	return trim(a) == trim(b)
}

// Self returns the account of the credential, with an empty login for access
// tokens, and for others that lack the scope to ask for it.
func (r *repository) Self(ctx context.Context) (providers.User, error) {
	user, err := r.self(ctx)
	if err != nil {
		return providers.User{}, fmt.Errorf("read the account on %s: %w", r.client.host, r.explain(err))
	}
	return user, nil
}

func (r *repository) self(ctx context.Context) (providers.User, error) {
	r.forge.mu.Lock()
	known := r.forge.self
	r.forge.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var got accountJSON
	_, err := r.client.call(ctx, request{url: r.client.api + "/user"}, &got)
	switch {
	case r.forge.isNameless(err):
		got, err = accountJSON{Type: "app_user"}, nil
	case status(err) == http.StatusForbidden:
		got, err = accountJSON{Type: "user"}, nil
	}
	if err != nil {
		return providers.User{}, err
	}
	user := got.user()
	r.forge.mu.Lock()
	r.forge.self = &user
	r.forge.mu.Unlock()
	return user, nil
}

// isNameless reports whether a question for an account was refused since the
// credential is an access token. That it is a bad one shows elsewhere.
func (f *Forge) isNameless(err error) bool {
	return f.isAccessToken && (status(err) == http.StatusUnauthorized || status(err) == http.StatusForbidden)
}
