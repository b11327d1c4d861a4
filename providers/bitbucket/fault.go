package bitbucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// statusError is a reply that is an error.
type statusError struct {
	status   int
	message  string   // Bitbucket's words, or ""
	required []string // scopes of which one is missing
	granted  []string
	fields   []string // that are named as the reason
	isWrite  bool     // it was no GET
}

func (e *statusError) Error() string {
	if e.message == "" {
		return strings.TrimSpace(fmt.Sprintf("status %d %s", e.status, http.StatusText(e.status)))
	}
	return e.message
}

// foreignError is a reply that is not Bitbucket's.
type foreignError struct {
	host string
	err  error
}

func (e *foreignError) Error() string { return "the reply is no JSON of Bitbucket" }
func (e *foreignError) Unwrap() error { return e.err }

// readError reads a reply that is an error:
//
//	{"type": "error", "error": {"message": "…", "detail": "…" or {"required": […], "granted": […]}, "fields": {"…": ["…"]}}}
//
// (https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses).
// It may repeat what it refuses, such as the secret of a webhook.
func (c *client) readError(method string, status int, body []byte) error {
	body = []byte(c.redact.String(string(body)))
	var reply struct {
		Error struct {
			Message string                     `json:"message"`
			Detail  json.RawMessage            `json:"detail"`
			Fields  map[string]json.RawMessage `json:"fields"`
		} `json:"error"`
	}
	e := &statusError{status: status, isWrite: method != http.MethodGet && method != http.MethodHead}
	if err := json.Unmarshal(body, &reply); err != nil {
		text := strings.TrimSpace(strings.ToLower(string(body)))
		if strings.HasPrefix(text, "<") && status < 500 && status != http.StatusUnauthorized && status != http.StatusRequestEntityTooLarge {
			return &foreignError{host: c.host, err: e}
		}
		return e
	}
	e.message = oneLine(reply.Error.Message)
	var scopes struct {
		Required []string `json:"required"`
		Granted  []string `json:"granted"`
	}
	var words string
	switch {
	case json.Unmarshal(reply.Error.Detail, &scopes) == nil:
		e.required, e.granted = scopes.Required, scopes.Granted
	case json.Unmarshal(reply.Error.Detail, &words) == nil && words != "":
		e.message = strings.TrimSpace(e.message + ": " + oneLine(words))
	}
	var fields []string
	e.fields = slices.Sorted(maps.Keys(reply.Error.Fields))
	for name, raw := range reply.Error.Fields {
		var one string
		var many []string
		if json.Unmarshal(raw, &one) == nil {
			many = []string{one}
		} else if json.Unmarshal(raw, &many) != nil {
			continue
		}
		for _, text := range many {
			fields = append(fields, strings.TrimPrefix(name+": "+oneLine(text), ": "))
		}
	}
	if len(fields) > 0 {
		slices.Sort(fields)
		e.message = strings.TrimPrefix(e.message+": "+strings.Join(fields, "; "), ": ")
	}
	return e
}

// oneLine cuts what a server says to what can stand in a message.
func oneLine(text string) string {
	return cut(strings.Join(strings.Fields(text), " "), 500)
}

// cut shortens a text to some characters.
func cut(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// cause is a sentinel with what Bitbucket says.
type cause struct {
	sentinel error
	words    string
}

func (c *cause) Error() string { return c.words }
func (c *cause) Unwrap() error { return c.sentinel }

// because returns an error that is a sentinel and says words, if there are any.
func because(sentinel error, words string) error {
	if words == "" {
		return sentinel
	}
	return &cause{sentinel, words}
}

// refuse returns a fault that wraps a sentinel.
func refuse(code fault.Code, sentinel error, message, hint string) *fault.Error {
	return &fault.Error{Code: code, Message: message, Hint: hint, Err: sentinel}
}

// status returns the status of the reply that an error is, 0 if it is none.
func status(err error) int {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status
	}
	return 0
}

// isMissing reports whether the reply is that something is not there, and not
// that the repository is not.
func isMissing(err error) bool {
	return status(err) == http.StatusNotFound && !isNoRepository(err)
}

// isNoRepository recognises "Repository acme/config not found" and "You may not
// have access to this repository or it no longer exists in this workspace."
func isNoRepository(err error) bool {
	e, ok := errors.AsType[*statusError](err)
	if !ok || e.status != http.StatusNotFound {
		return false
	}
	words := strings.ToLower(e.message)
	return strings.HasPrefix(words, "repository ") && strings.Contains(words, "not found") ||
		strings.Contains(words, "access to this repository") || strings.Contains(words, "no workspace with identifier")
}

// wrap says what was tried, in words such as "read files", and turns what went
// wrong into what a person can act on.
func (r *repository) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s of %s/%s: %w", verb, r.client.host, r.path, r.explain(err))
}

// explain turns replies into faults. Faults, contexts and what nobody can do
// anything about stay as they are.
func (r *repository) explain(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*transport.UnansweredError](err); ok {
		return &fault.Error{
			Code: fault.Failed, Message: r.client.host + " did not answer, and may have done it all the same",
			Hint: "run it again: it looks what is there first", Err: &both{providers.ErrUnanswered, e},
		}
	}
	if e, ok := errors.AsType[*transport.RateLimitError](err); ok {
		hint := "run it again later, or use a credential of its own for this"
		if e.RetryAfter > 0 {
			hint = "run it again in " + e.RetryAfter.Round(time.Second).String() + ", or use a credential of its own for this"
		}
		return &fault.Error{Code: fault.Failed, Message: "the rate limit of Bitbucket is reached", Hint: hint, Err: e}
	}
	if e, ok := errors.AsType[*foreignError](err); ok {
		return &fault.Error{
			Code: fault.Usage, Message: e.host + " is no Bitbucket Cloud",
			Hint: "check the host; for another forge, say which it is; a proxy may have answered in its place", Err: e,
		}
	}
	e, ok := errors.AsType[*statusError](err)
	if !ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	switch {
	case e.status >= 300 && e.status < 400: // a write, which is not sent to elsewhere
		return refuse(fault.Usage, e, fmt.Sprintf("the repository %s has moved", r.path), "look where it is now, and name it so")
	case e.status == http.StatusUnauthorized:
		return refuse(fault.Access, because(providers.ErrUnauthorized, e.Error()), "Bitbucket does not take the credential",
			"check that the token is right and has not expired; an API token needs the email address of its account, an access token must have none")
	case e.status == http.StatusForbidden:
		return forbidden(e)
	case e.status == http.StatusNotFound:
		return refuse(fault.NotFound, because(providers.ErrNotFound, e.Error()),
			fmt.Sprintf("the repository %s is not there, or the token may not see it", r.path),
			"check the spelling, and that the credential may see the repository")
	case e.status == http.StatusConflict:
		return refuse(fault.Conflict, because(providers.ErrConflict, e.Error()), "it changed meanwhile", "run it again")
	case e.status == http.StatusRequestEntityTooLarge:
		return refuse(fault.Refused, e, "it is larger than Bitbucket takes", "make it smaller")
	case e.status >= 500 && e.isWrite:
		return refuse(fault.Failed, &both{providers.ErrUnanswered, e},
			fmt.Sprintf("Bitbucket is out of order (status %d), and may have done it all the same", e.status),
			"run it again: it looks what is there first")
	case e.status >= 500:
		return refuse(fault.Failed, e, fmt.Sprintf("Bitbucket is out of order (status %d)", e.status),
			"run it again later; https://bitbucket.status.atlassian.com says what is known")
	}
	return refuse(fault.Failed, e, "Bitbucket refuses the request", "look at what it says, and at what was asked for")
}

// forbidden names the scopes that are missing, which Bitbucket tells.
func forbidden(e *statusError) error {
	missing := slices.DeleteFunc(slices.Clone(e.required), func(scope string) bool { return slices.Contains(e.granted, scope) })
	if len(missing) > 0 {
		return refuse(fault.Access, because(providers.ErrForbidden, e.Error()),
			"the token lacks the scope "+strings.Join(missing, " or "),
			"make a token that has it as well; scopes of a token cannot be changed later")
	}
	return refuse(fault.Access, because(providers.ErrForbidden, e.Error()), "Bitbucket does not allow it",
		"check the permission of the credential in the repository, and the repository's branch restrictions")
}

// both is a sentinel and the error that it stands for.
type both struct{ sentinel, err error }

func (b *both) Error() string   { return b.err.Error() }
func (b *both) Unwrap() []error { return []error{b.sentinel, b.err} }
