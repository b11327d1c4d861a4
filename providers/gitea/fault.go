package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
)

// scopes are what a token needs for all that towpath does
// (https://docs.gitea.com/development/oauth2-provider#scopes).
const scopes = "write:repository, write:issue, read:user and, for teams, read:organization"

// cause is an error with what the server said for a text, and a sentinel.
type cause struct {
	sentinel error
	err      error // may be nil
}

func (c *cause) Error() string {
	if says := saysOf(c.err); says != "" {
		return says
	}
	if c.err != nil {
		return c.err.Error()
	}
	return c.sentinel.Error()
}

func (c *cause) Unwrap() []error {
	if c.err == nil {
		return []error{c.sentinel}
	}
	return []error{c.sentinel, c.err}
}

// fail returns err as the contract has it: what a person can do something about
// is a fault. act says what was tried, such as "read acme/config".
func (f *Forge) fail(act string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	made := func(code fault.Code, sentinel error, what, hint string) error {
		e := &fault.Error{Code: code, Hint: hint, Message: act + ": " + what, Err: &cause{sentinel, err}}
		if saysOf(err) == "" && statusOf(err) != 0 {
			e.Err = &cause{sentinel: sentinel}
		}
		return e
	}
	err = f.redact.Error(transport.Clean(err))
	if e, ok := errors.AsType[*transport.UnansweredError](err); ok {
		return &fault.Error{
			Code: fault.Failed, Message: act + ": no answer came, and it may have been done",
			Hint: "run it again: what was done is found", Err: &cause{providers.ErrUnanswered, e},
		}
	}
	if e, ok := errors.AsType[*replyError](err); ok && isUnanswered(err) {
		return &fault.Error{
			Code: fault.Failed, Message: fmt.Sprintf("%s: %s is out of order (status %d), and it may have been done", act, f.host, e.status),
			Hint: "run it again: what was done is found", Err: &cause{providers.ErrUnanswered, e},
		}
	}
	if e, ok := errors.AsType[*transport.RateLimitError](err); ok {
		return &fault.Error{Code: fault.Failed, Message: act, Hint: "wait, or give more time", Err: e}
	}
	if e, ok := errors.AsType[*strangeError](err); ok {
		return &fault.Error{
			Code: fault.Usage, Message: act + ": " + f.redact.String(e.Error()),
			Hint: "check the address of the server, and whether a proxy answers in its place",
		}
	}
	switch statusOf(err) {
	case 0:
		if e, ok := errors.AsType[*url.Error](err); ok && !isContextError(err) {
			return &fault.Error{
				Code: fault.Failed, Message: act + ": " + f.host + " cannot be reached",
				Hint: "check the address of the server, and the network and proxy between", Err: e,
			}
		}
		return fmt.Errorf("%s: %w", act, err)
	case http.StatusUnauthorized:
		return made(fault.Access, providers.ErrUnauthorized, f.host+" does not accept the token",
			"make a new one under Settings, Applications, with the scopes "+scopes)
	case http.StatusForbidden:
		if scope, has := missingScope(saysOf(err)); scope != "" {
			return made(fault.Access, providers.ErrForbidden, "the token lacks the scope "+scope+"; it has "+has,
				"make a token with the scopes "+scopes)
		}
		return made(fault.Access, providers.ErrForbidden, f.host+" forbids it",
			"give the account of the token write access to the repository")
	case http.StatusNotFound:
		return made(fault.NotFound, providers.ErrNotFound, "it is not there, or not visible to the token",
			"check the spelling, and that the account of the token may see the repository")
	case http.StatusLocked:
		return made(fault.Access, providers.ErrForbidden, "the repository is archived",
			"unarchive it in its settings, or leave it out")
	case http.StatusRequestEntityTooLarge:
		return made(fault.Refused, providers.ErrForbidden, "what was sent is too large for "+f.host,
			"write smaller files, or raise the limit of the proxy before it")
	}
	if e, ok := errors.AsType[*replyError](err); ok {
		err = e // without the URL around it
	}
	return fmt.Errorf("%s: %w", act, err)
}

// isUnanswered reports whether a write may have been done.
func isUnanswered(err error) bool {
	e, ok := errors.AsType[*replyError](err)
	return isLost(err) ||
		ok && e.status >= http.StatusInternalServerError && e.method != http.MethodGet && e.method != http.MethodHead
}

// isLost reports whether no reply to a write came.
func isLost(err error) bool {
	_, ok := errors.AsType[*transport.UnansweredError](err)
	return ok
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// fail returns an error of the repository as the contract has it.
func (r *repository) fail(err error, format string, args ...any) error {
	return r.forge.fail(fmt.Sprintf(format, args...), err)
}

// refuse returns a fault with what the server said as its cause.
func refuse(sentinel, err error, hint, message string) error {
	code := fault.Refused
	switch {
	case errors.Is(sentinel, providers.ErrConflict):
		code = fault.Conflict
	case errors.Is(sentinel, providers.ErrForbidden):
		code = fault.Access
	case errors.Is(sentinel, providers.ErrNotFound):
		code = fault.NotFound
	}
	return &fault.Error{Code: code, Message: message, Hint: hint, Err: &cause{sentinel, err}}
}

// See tokenRequiresScopes in routers/api/v1/api.go of Gitea.
var scopeMessage = regexp.MustCompile(`required=\[([^\]]*)\], token scope=(\S*)`)

// missingScope reads from what the server says which scope it asks for, and
// which ones the token has.
func missingScope(message string) (missing, has string) {
	m := scopeMessage.FindStringSubmatch(message)
	if m == nil {
		return "", ""
	}
	has = strings.ReplaceAll(m[2], ",", ", ")
	if has == "" {
		has = "none"
	}
	return strings.Join(strings.Fields(m[1]), " or "), has
}
