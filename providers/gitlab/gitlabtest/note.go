package gitlabtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// noteOf (https://docs.gitlab.com/api/notes/#merge-requests).
func (c *call) noteOf(p *memory.Pull, n *memory.Comment) object {
	return object{
		"id": n.ID, "type": nil, "body": n.Body, "author": c.user(n.Author), "system": n.System,
		"created_at": n.Created, "updated_at": n.Updated, "noteable_type": "MergeRequest", "noteable_iid": p.Number, //nolint:misspell // GitLab spells it so
	}
}

// listNotes lists the system's own notes too, and the latest first unless asked
// otherwise.
func (c *call) listNotes() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, n := range p.Comments {
		if !n.Deleted {
			list = append(list, c.noteOf(p, n))
		}
	}
	if c.query.Get("sort") != "asc" {
		slices.Reverse(list)
	}
	return page(c, list), nil
}

func (c *call) createNote() (any, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	body, err := c.noteBody()
	if err != nil {
		return nil, err
	}
	return answer{http.StatusCreated, c.noteOf(p, c.AddComment(p, c.me.Login, body))}, nil
}

// noteBody checks the length
// (https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics).
func (c *call) noteBody() (string, error) {
	body, err := c.required("body")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(body) == "" {
		return "", refuse(http.StatusBadRequest, "Note can't be blank")
	}
	if len([]rune(body)) > 1_000_000 {
		return "", refuse(http.StatusBadRequest, "Note is too long (maximum is 1000000 characters)")
	}
	return body, nil
}

// findNote is for changing one: its author may, and maintainers.
func (c *call) findNote() (*memory.Pull, *memory.Comment, error) {
	p, err := c.find()
	if err != nil {
		return nil, nil, err
	}
	id := c.number("note")
	n := p.Comment(int64(id))
	if n == nil {
		return nil, nil, refuse(http.StatusNotFound, "404 Not found")
	}
	return p, n, nil
}

func (c *call) mayChange(n *memory.Comment) error {
	if strings.EqualFold(n.Author, c.me.Login) {
		return nil
	}
	return c.needs(providers.CanAdmin)
}

func (c *call) updateNote() (any, error) {
	p, n, err := c.findNote()
	if err == nil {
		err = c.mayChange(n)
	}
	if err != nil {
		return nil, err
	}
	body, err := c.noteBody()
	if err != nil {
		return nil, err
	}
	n.Body, n.Updated = body, c.forge.Now()
	return c.noteOf(p, n), nil
}

func (c *call) deleteNote() (any, error) {
	_, n, err := c.findNote()
	if err == nil {
		err = c.mayChange(n)
	}
	if err != nil {
		return nil, err
	}
	n.Deleted = true
	return answer{http.StatusNoContent, nil}, nil
}

// award refuses what is there already as not found (GitLab's
// lib/api/award_emoji.rb).
func (c *call) award() (any, error) {
	_, n, err := c.findNote()
	if err != nil {
		return nil, err
	}
	name, err := c.required("name")
	if err != nil {
		return nil, err
	}
	emoji := name
	if name == "thumbsup" {
		emoji = string(providers.ThumbsUp)
	}
	if slices.Contains(n.Reactions[emoji], c.me.Login) {
		return nil, notFound("Award Emoji Name has already been taken")
	}
	n.React(c.me.Login, emoji)
	return answer{http.StatusCreated, object{"id": c.forge.NextID(), "name": name, "user": userOf(c.me)}}, nil
}
