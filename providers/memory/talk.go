package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// textLimit is GitHub's.
const textLimit = 65536

func (r *repository) TextLimit() int { return textLimit }

func (r *repository) Hidden(text string) string { return "<!-- " + text + " -->" }

func (r *repository) commentOf(p *Pull, c *Comment) providers.Comment {
	return providers.Comment{
		ID:      itoa(c.ID),
		URL:     fmt.Sprintf("%s/%s/pull/%d#comment-%d", r.forge.Server(), r.path, p.Number, c.ID),
		Body:    c.Body,
		Author:  r.forge.user(c.Author),
		Created: c.Created,
		Updated: c.Updated,
	}
}

func (r *repository) Comments(ctx context.Context, number int) ([]providers.Comment, error) {
	var out []providers.Comment
	err := r.read(ctx, "list comments", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		for _, c := range p.Comments {
			if !c.Deleted && !c.System {
				out = append(out, r.commentOf(p, c))
			}
		}
		return nil
	})
	return out, err
}

func (r *repository) AddComment(ctx context.Context, number int, body string) (providers.Comment, error) {
	var out providers.Comment
	err := r.session(ctx, "comment", providers.CanRead, func(s session) error {
		p, err := s.pull(number)
		if err == nil {
			err = r.checkTalk(s, body)
		}
		if err == nil {
			out = r.commentOf(p, s.AddComment(p, s.me.Login, body))
		}
		return err
	})
	return out, err
}

// checkTalk says why the one who asks cannot comment: whoever can read may.
func (r *repository) checkTalk(s session, body string) error {
	switch {
	case s.Archived || s.token.ReadOnly:
		return because(providers.ErrForbidden, fault.New(fault.Access,
			"unarchive it, or use a token that may write", "%s may not comment on %s", s.me.Login, r.name()))
	case strings.TrimSpace(body) == "":
		return fault.New(fault.Usage, "", "a comment needs a text")
	case utf8.RuneCountInString(body) > textLimit:
		return fault.New(fault.Refused, "make it shorter", "a comment may have %d characters at most", textLimit)
	}
	return nil
}

func (r *repository) UpsertComment(ctx context.Context, number int, key, body string) (providers.Comment, error) {
	var out providers.Comment
	err := r.session(ctx, "comment", providers.CanRead, func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		marker := r.Hidden("towpath:" + key)
		body := marker + "\n\n" + body
		if err := r.checkTalk(s, body); err != nil {
			return err
		}
		var own *Comment
		for _, c := range p.Comments {
			switch {
			case c.Deleted || c.Author != s.me.Login || !slices.Contains(strings.Split(c.Body, "\n"), marker):
			case own == nil:
				own = c
			default:
				c.Deleted = true
			}
		}
		switch {
		case own == nil:
			own = s.AddComment(p, s.me.Login, body)
		case own.Body != body:
			own.Body, own.Updated = body, r.forge.Now()
		}
		out = r.commentOf(p, own)
		return nil
	})
	return out, err
}

func (r *repository) React(ctx context.Context, number int, comment string, reaction providers.Reaction) error {
	return r.session(ctx, "react", providers.CanRead, func(s session) error {
		c, err := s.comment(number, comment)
		if err == nil {
			c.React(s.me.Login, string(reaction))
		}
		return err
	})
}

func (r *repository) HideComment(ctx context.Context, number int, comment string) error {
	return r.write(ctx, "hide a comment", func(s session) error {
		c, err := s.comment(number, comment)
		if err == nil {
			c.Hidden = true
		}
		return err
	})
}

func (r *repository) UpsertIssue(ctx context.Context, key string, issue providers.Issue) (string, error) {
	var link string
	err := r.write(ctx, "write an issue", func(s session) error {
		marker := r.Hidden("towpath:" + key)
		i := slices.IndexFunc(s.Issues, func(i *Issue) bool {
			return i.Author == s.me.Login && slices.Contains(strings.Split(i.Body, "\n"), marker)
		})
		var own *Issue
		body := marker + "\n\n" + issue.Body
		if i >= 0 {
			own = s.Issues[i]
			own.Title, own.Body, own.Updated = issue.Title, body, r.forge.Now()
		} else {
			own = s.OpenIssue(s.me.Login, issue.Title, body)
		}
		own.Open = issue.Open
		link = fmt.Sprintf("%s/%s/issues/%d", r.forge.Server(), r.path, own.Number)
		return nil
	})
	return link, err
}
