package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/towpath-dev/towpath/internal/status"
	"github.com/towpath-dev/towpath/providers/local"
)

// history is the past of a checkout in the form that the matrix wants.
type history struct {
	checkout *local.Checkout
	blobs    *local.Blobs
}

func openHistory(ctx context.Context, checkout *local.Checkout) (*history, error) {
	blobs, err := checkout.Blobs(ctx)
	if err != nil {
		return nil, err
	}
	return &history{checkout, blobs}, nil
}

func (h *history) Close() error { return h.blobs.Close() }

func (h *history) Uncommitted(ctx context.Context) (map[string]string, error) {
	return h.checkout.Uncommitted(ctx)
}

func (h *history) Commits(ctx context.Context, yield func(status.Commit) bool) error {
	return h.checkout.History(ctx, func(c local.Commit) bool {
		out := status.Commit{SHA: c.SHA, Time: c.Time, Author: c.Author, Subject: c.Subject, RequestedBy: c.RequestedBy, Cut: c.Cut}
		for _, change := range c.Changes {
			out.Changes = append(out.Changes, status.FileChange(change))
		}
		return yield(out)
	})
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
