package providers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
)

// Receiver reads the deliveries of a forge's webhooks.
type Receiver interface {
	// Receive verifies a delivery and says what it tells. It must verify the
	// signature before it looks into the body, in constant time, against every
	// secret; more than one secret lets them be changed one after the other.
	// What it verifies nothing by wraps [ErrSignature]: a signature that is
	// missing or wrong, no secret, an empty one. A body that cannot be read
	// fails with another error, and what is of no interest has the kind
	// [Ignored].
	Receive(header http.Header, body []byte, secrets [][]byte) (*Event, error)
}

// ErrSignature says that a delivery is not known to come from the forge.
var ErrSignature = errors.New("the signature of the delivery is missing or wrong")

// Event is what a delivery tells. It may be old, forged by nobody but out of
// order: what to do is decided by what the forge says then.
type Event struct {
	Delivery string // by which a repeated delivery is known; the same when it is sent again
	Name     string // the forge's own, such as pull_request.synchronize
	Kind     EventKind
	Repo     string // its path, as in [Repo]; "" for a ping without one
	Actor    User   // who did it
	Pull     EventPull
	Comment  *Comment // for Commented
	Push     *Push    // for Pushed
}

// EventPull is what a delivery says of a pull request.
type EventPull struct {
	Number int
	Base   string // branch
	Head   string // SHA, short on Bitbucket; "" where the delivery does not tell
}

// Push is a branch that moved.
type Push struct {
	Branch string // "" if a tag was pushed
	Before string // SHA; "" for a new branch
	After  string // SHA; "" for a branch that was deleted
}

// EventKind says what happened.
type EventKind string

// The kinds.
const (
	Ignored     EventKind = ""
	Ping        EventKind = "ping"
	PullOpened  EventKind = "pull-opened" // or reopened, or ready for review
	PullPushed  EventKind = "pull-pushed" // its head moved
	PullEdited  EventKind = "pull-edited" // title, body, base, labels
	PullClosed  EventKind = "pull-closed" // without a merge
	PullMerged  EventKind = "pull-merged"
	Reviewed    EventKind = "reviewed"
	Commented   EventKind = "commented" // a new comment in the conversation of a pull request
	Pushed      EventKind = "pushed"
	ChecksMoved EventKind = "checks" // a status or check of a commit changed
)

// VerifyHMAC reports, in constant time, whether signature is the HMAC-SHA256 of
// body in hexadecimal under one of the secrets. Empty secrets verify nothing.
func VerifyHMAC(signature string, body []byte, secrets [][]byte) bool {
	got, err := hex.DecodeString(strings.ToLower(signature))
	if err != nil || len(got) != sha256.Size {
		return false
	}
	ok := false
	for _, secret := range secrets {
		if len(secret) == 0 {
			continue
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		ok = hmac.Equal(got, mac.Sum(nil)) || ok
	}
	return ok
}
