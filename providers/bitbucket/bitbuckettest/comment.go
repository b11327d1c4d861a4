package bitbuckettest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// comments answers what is asked of the comments on a pull request.
func (c *call) comments(p *memory.Pull) answer {
	switch {
	case c.is("GET", "pullrequests", "*", "comments"):
		// Deleted ones stay in the list.
		var values []object
		for _, comment := range p.Comments {
			values = append(values, c.commentObject(p, comment))
		}
		return c.page(values, 100)
	case c.is("POST", "pullrequests", "*", "comments"):
		if a := c.may("pullrequest", false, providers.CanRead); a.status != 0 || !c.known {
			return a
		}
		if c.Archived {
			return failure(http.StatusForbidden, "You do not have the required permission in this repository.")
		}
		text, bad := c.content()
		if bad.status != 0 {
			return bad
		}
		return answer{status: http.StatusCreated, body: c.commentObject(p, c.AddComment(p, c.account.Login, text))}
	case len(c.parts) != 4:
		return failure(http.StatusNotFound, "Resource not found")
	}
	id, _ := strconv.ParseInt(c.parts[3], 10, 64)
	comment := p.Comment(id)
	if comment == nil {
		return failure(http.StatusNotFound, "Comment not found")
	}
	own := c.known && strings.EqualFold(comment.Author, c.account.Login)
	switch {
	case c.Method == http.MethodGet:
		return success(c.commentObject(p, comment))
	case c.Method == http.MethodPut && own:
		text, bad := c.content()
		if bad.status != 0 {
			return bad
		}
		comment.Body, comment.Updated = text, c.server.forge.Now()
		return success(c.commentObject(p, comment))
	case c.Method == http.MethodDelete && (own || c.permission() == providers.CanAdmin):
		comment.Deleted = true
		return answer{status: http.StatusNoContent}
	}
	return failure(http.StatusForbidden, "You may not change this comment.")
}

func (c *call) content() (string, answer) {
	var in struct{ Content struct{ Raw string } }
	if err := c.read(&in); err != nil || in.Content.Raw == "" {
		return "", badField("content", "This field is required.")
	}
	return in.Content.Raw, answer{}
}

func (c *call) commentObject(p *memory.Pull, comment *memory.Comment) object {
	id, number := strconv.FormatInt(comment.ID, 10), strconv.Itoa(p.Number)
	return object{
		"type": "pullrequest_comment", "id": comment.ID, "content": rendered(comment.Body), "user": c.accountOf(comment.Author),
		"created_on": stamp(comment.Created), "updated_on": stamp(comment.Updated), "deleted": comment.Deleted, "pending": false,
		"pullrequest": object{"type": "pullrequest", "id": p.Number, "title": p.Title},
		"links":       c.links(c.api("pullrequests", number, "comments", id), c.website("pull-requests", number)+"/_/diff#comment-"+id),
	}
}
