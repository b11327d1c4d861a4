// Package fault owns the error that people see: what was tried, where, why it
// failed, and what to do next. Errors of other types are for the log.
package fault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Code says what sort of fault it is; the exit status and, later, the HTTP
// status and the retry follow from it.
type Code string

// The codes.
const (
	Usage    Code = "usage"     // the command line is wrong
	Config   Code = "config"    // a configuration file is wrong
	NotFound Code = "not-found" // what was asked for is not there
	Refused  Code = "refused"   // it could be done, but must not be
	Conflict Code = "conflict"  // something changed meanwhile
	Access   Code = "access"    // the system does not allow it
	Failed   Code = "failed"    // it was tried and did not work
)

// Error is a fault. Message is one line without a full stop; the other fields
// may be zero.
type Error struct {
	Code    Code
	Message string
	Hint    string // what to do next, one line
	Path    string // the file, relative to the repository
	Line    int    // from 1; 0 means the whole file
	Column  int    // from 1, in characters; 0 means the whole line
	Excerpt string // the text of that line, without its end, where it helps to see it
	Err     error  // the cause
}

// Error returns the message with its position before it and its cause behind
// it, without the hint.
func (e *Error) Error() string {
	var b strings.Builder
	if place := e.Place(); place != "" {
		b.WriteString(place + ": ")
	}
	b.WriteString(e.Message)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Place returns path:line:column as far as they are known, and "" if not even
// the path is.
func (e *Error) Place() string {
	path := Printable(e.Path)
	switch {
	case e.Path == "":
		return ""
	case e.Line == 0:
		return path
	case e.Column == 0:
		return fmt.Sprintf("%s:%d", path, e.Line)
	}
	return fmt.Sprintf("%s:%d:%d", path, e.Line, e.Column)
}

// Printable returns a text from outside, such as the name of a file, as it can
// stand on a terminal: as it is, or quoted if it holds control characters.
func Printable(text string) string {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return strconv.Quote(text)
	}
	return text
}

// New returns a fault with a code, a message and a hint, which may be empty.
func New(code Code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first fault in err's tree, Failed for an
// error that holds none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Code
	}
	return Failed
}
