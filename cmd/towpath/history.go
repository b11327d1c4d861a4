package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/towpath-dev/towpath/internal/status"
	"github.com/towpath-dev/towpath/providers/local"
)

// history is the past of a checkout in the form that the matrix wants. Git
// works on it from the start, while the caller does other things.
type history struct {
	blobs   *local.Blobs
	cancel  context.CancelFunc
	running sync.WaitGroup

	compared     chan struct{} // closed when uncommitted is there
	uncommitted  map[string]string
	incomparable error

	commits chan local.Commit
	err     error // of listing them, once commits is closed
}

// openHistory starts to read the past. It must be closed.
func openHistory(ctx context.Context, checkout *local.Checkout) (*history, error) {
	ctx, cancel := context.WithCancel(ctx)
	blobs, err := checkout.Blobs(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	h := &history{blobs: blobs, cancel: cancel, compared: make(chan struct{}), commits: make(chan local.Commit, 64)}
	h.running.Go(func() {
		defer close(h.compared)
		h.uncommitted, h.incomparable = checkout.Uncommitted(ctx)
	})
	h.running.Go(func() {
		defer close(h.commits)
		err := checkout.History(ctx, func(c local.Commit) bool {
			select {
			case h.commits <- c:
				return true
			case <-ctx.Done():
				return false
			}
		})
		h.err = cmp.Or(err, context.Cause(ctx))
	})
	return h, nil
}

func (h *history) Close() error {
	h.cancel()
	h.running.Wait()
	return h.blobs.Close()
}

func (h *history) Uncommitted(context.Context) (map[string]string, error) {
	<-h.compared
	return h.uncommitted, h.incomparable
}

// Commits may be called once.
func (h *history) Commits(_ context.Context, yield func(status.Commit) bool) error {
	for c := range h.commits {
		out := status.Commit{SHA: c.SHA, Time: c.Time, Author: c.Author, Subject: c.Subject, RequestedBy: c.RequestedBy, Cut: c.Cut}
		for _, change := range c.Changes {
			out.Changes = append(out.Changes, status.FileChange(change))
		}
		if !yield(out) {
			return nil
		}
	}
	return h.err
}

func (h *history) Read(_ context.Context, name string) ([]byte, error) {
	src, err := h.blobs.Read(name, nil)
	if errors.Is(err, local.ErrBinary) || errors.Is(err, local.ErrTooLarge) {
		return nil, nil
	}
	if errors.Is(err, local.ErrAbsent) {
		return nil, fmt.Errorf("%w: %w", status.ErrAbsent, err)
	}
	return src, err
}
