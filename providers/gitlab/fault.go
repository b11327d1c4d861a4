package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

const (
	hintScope   = "use a project access token with the scope api and the role Developer, or Maintainer where that is needed"
	hintProject = "check the spelling, and that the token may see it: GitLab does not tell the two apart"
	hintRole    = "give the token's user the role Developer or Maintainer in the project"

	// GitLab looks at a job's token at few endpoints, of which that for a project is
	// none, and takes it for no token at the others
	// (https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access).
	hintJob = "a job's token reads public projects only, and writes to none: " + hintScope
)

// fail says of a call that it did not work: act is a verb phrase such as "open
// pull request", reply what it left behind, which may be nil.
func (r *repository) fail(act string, reply *reply, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f != nil {
		return err // it says all there is
	}
	err = r.forge.redact.Error(transport.Clean(err))
	act = act + " on " + r.name
	if limit, ok := errors.AsType[*transport.RateLimitError](err); ok {
		return &fault.Error{Code: fault.Failed, Message: act, Hint: "try again when " + limit.Host + " takes requests again", Err: err}
	}
	if isUnanswered(err) {
		return &fault.Error{
			Code: fault.Failed, Message: act, Hint: "look whether it was done before you try again",
			Err: fmt.Errorf("%w: %w", providers.ErrUnanswered, err),
		}
	}
	if errors.Is(err, errForeign) {
		return &fault.Error{
			Code: fault.Usage, Message: fmt.Sprintf("%s: %s is no GitLab", act, r.forge.api),
			Hint: "check the host's name, and that no login page of a proxy stands before it", Err: err,
		}
	}
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return &fault.Error{
			Code: fault.Usage, Message: fmt.Sprintf("%s: %s is no GitLab", act, r.forge.api),
			Hint: "check the host's name", Err: fmt.Errorf("the reply is no JSON: %w", err),
		}
	}
	switch e := (*gitlab.ErrorResponse)(nil); {
	case errors.Is(err, gitlab.ErrNotFound):
		return r.notFound(act, reply)
	case errors.As(err, &e):
		return r.refused(act, e)
	}
	return fmt.Errorf("%s: %w", act, err)
}

// isUnanswered reports whether a write may have been done.
func isUnanswered(err error) bool {
	if _, ok := errors.AsType[*transport.UnansweredError](err); ok {
		return true
	}
	e, ok := errors.AsType[*gitlab.ErrorResponse](err)
	if !ok || e.Response == nil || e.Response.Request == nil || e.Response.StatusCode < http.StatusInternalServerError {
		return false
	}
	method := e.Response.Request.Method
	return method != http.MethodGet && method != http.MethodHead &&
		!strings.HasSuffix(e.Response.Request.URL.Path, "/graphql")
}

// notFound is for 404, of which the message tells what is missing: "404 Project
// Not Found", "404 Branch Not Found".
func (r *repository) notFound(act string, reply *reply) error {
	hidden := r.forge.jobToken && reply != nil && strings.Contains(reply.message, "Group Not Found")
	if hidden || reply == nil || reply.message == "" || strings.Contains(reply.message, "Project Not Found") || reply.message == "404 Not Found" {
		return &fault.Error{Code: fault.NotFound, Message: act, Hint: r.hiddenHint(), Err: providers.ErrNotFound}
	}
	return &fault.Error{
		Code: fault.NotFound, Message: act, Hint: "check the name, and that it was not deleted meanwhile",
		Err: said(providers.ErrNotFound, strings.TrimPrefix(reply.message, "404 ")),
	}
}

// hiddenHint says what to do about a project that is not there, or not to be seen.
func (r *repository) hiddenHint() string {
	switch {
	case r.forge.jobToken:
		return hintJob
	case !r.forge.hasToken:
		return "check the spelling, or give a token: without one only public projects are visible"
	}
	return hintProject
}

// refused is for what GitLab said no to.
func (r *repository) refused(act string, e *gitlab.ErrorResponse) error {
	text := messageOf(e.Body)
	status := 0
	if e.Response != nil {
		status = e.Response.StatusCode
	}
	switch status {
	case http.StatusUnauthorized:
		hint := "check that the token is whole, not expired and not revoked"
		switch {
		case !r.forge.hasToken:
			hint = "give a token, such as a project access token with the scope api"
		case r.forge.jobToken && e.Response.Request != nil && e.Response.Request.Method != http.MethodGet:
			// Where a job's token may not be used, GitLab does not look at it.
			return r.forbidden(act, text, nil)
		case r.forge.jobToken:
			hint = "the job may be over, whose token this is; besides, " + hintJob
		}
		return &fault.Error{Code: fault.Access, Message: act, Hint: hint, Err: said(providers.ErrUnauthorized, text)}
	case http.StatusForbidden:
		return r.forbidden(act, text, e.Body)
	case http.StatusConflict:
		return &fault.Error{
			Code: fault.Conflict, Message: act, Hint: "look again and decide anew",
			Err: said(providers.ErrConflict, text),
		}
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable:
		if isMoved(e.Response, text) {
			return &fault.Error{
				Code: fault.NotFound, Message: act, Hint: "give the project by the name that it has now",
				Err: fmt.Errorf("%w: the project was renamed or moved", providers.ErrNotFound),
			}
		}
		return &fault.Error{
			Code: fault.Refused, Message: act, Hint: "see on the merge request what it waits for",
			Err: said(providers.ErrForbidden, text),
		}
	case http.StatusRequestEntityTooLarge:
		return &fault.Error{
			Code: fault.Refused, Message: act + ": it is larger than the server takes",
			Hint: "change fewer or smaller files at once, or raise the server's limit",
		}
	}
	if text == "" {
		text = http.StatusText(status)
	}
	return fmt.Errorf("%s: GitLab answered %d: %s", act, status, text)
}

// isMoved reports whether the project has another name by now. GitLab redirects GET
// from the old one, and answers all else with 405 (find_project! in its
// lib/api/helpers.rb). That says so, except to HEAD, for which there is no other 405.
func isMoved(resp *http.Response, text string) bool {
	if resp.StatusCode != http.StatusMethodNotAllowed {
		return false
	}
	return strings.Contains(text, "moved projects") || resp.Request != nil && resp.Request.Method == http.MethodHead
}

// forbidden is for 403. A token whose scope is too narrow is told which it lacks
// (https://docs.gitlab.com/api/rest/troubleshooting/; RFC 6750 §3.1).
func (r *repository) forbidden(act, text string, body []byte) error {
	var lack struct {
		Error string `json:"error"`
		Scope string `json:"scope"`
	}
	_ = json.Unmarshal(body, &lack) // a body of another form names no scope
	hint := hintRole
	switch {
	case lack.Error == "insufficient_scope":
		needed := strings.Join(strings.Fields(lack.Scope), " or ")
		if needed == "" {
			needed = "api"
		}
		return &fault.Error{
			Code: fault.Access, Message: fmt.Sprintf("%s: the token lacks the scope %s", act, needed),
			Hint: "make a token with the scope api", Err: providers.ErrForbidden,
		}
	case r.forge.jobToken:
		hint = hintJob
	case !r.forge.hasToken:
		hint = "give a token, such as a project access token with the scope api"
	}
	return &fault.Error{Code: fault.Access, Message: act, Hint: hint, Err: said(providers.ErrForbidden, strings.TrimPrefix(text, "403 "))}
}

// said adds the forge's words to a sentinel.
func said(sentinel error, text string) error {
	text = strings.TrimSuffix(strings.TrimSpace(text), ".")
	if text == "" {
		return sentinel
	}
	return fmt.Errorf("%w: %s", sentinel, text)
}

// write is fail for writes. Where GitLab only says that it is forbidden, it asks
// whether the project is archived, so that the message can tell.
func (r *repository) write(ctx context.Context, act string, reply *reply, err error) error {
	if err = r.fail(act, reply, err); err == nil || !errors.Is(err, providers.ErrForbidden) {
		return err
	}
	if project, readErr := r.readProject(ctx); readErr == nil && project.Archived {
		return r.archived(act)
	}
	return err
}

func (r *repository) archived(act string) error {
	return &fault.Error{
		Code: fault.Refused, Message: fmt.Sprintf("%s on %s: the project is archived", act, r.name),
		Hint: "unarchive it in its settings, or take another repository", Err: providers.ErrForbidden,
	}
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
