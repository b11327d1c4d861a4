package propose

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// adorn gives a pull request, whose branch is at head, labels, reviewers and so
// on. The pull request is there without them, so what cannot be had is a warning.
func (b *attempt) adorn(ctx context.Context, o *Outcome, head string) {
	n := o.Pull.Number
	warn := func(what string, err error) {
		if errors.Is(err, errors.ErrUnsupported) {
			err = fault.New(fault.Refused, "leave the flag out for this repository", "the forge has no %s", what)
		}
		if err != nil {
			o.Warnings = append(o.Warnings, &fault.Error{Code: fault.CodeOf(err), Message: what + " of the pull request", Err: err, Hint: hintOf(err)})
		}
	}
	missing := slices.DeleteFunc(slices.Clone(b.Labels), func(l string) bool { return slices.Contains(o.Pull.Labels, l) })
	if len(missing) > 0 {
		if forge, ok := b.repo.(providers.Labeler); ok {
			warn("labels", forge.AddLabels(ctx, n, missing))
		} else {
			warn("labels", errors.ErrUnsupported)
		}
	}
	// People who took themselves out are not asked again by every update.
	if o.State == Opened && len(b.Reviewers)+len(b.Teams) > 0 {
		if forge, ok := b.repo.(providers.ReviewRequester); ok {
			warn("reviewers", forge.RequestReviews(ctx, n, b.Reviewers, b.Teams))
		} else {
			warn("reviewers", errors.ErrUnsupported)
		}
	}
	if o.State == Opened && len(b.Assignees) > 0 {
		if forge, ok := b.repo.(providers.Assigner); ok {
			warn("assignees", forge.Assign(ctx, n, b.Assignees))
		} else {
			warn("assignees", errors.ErrUnsupported)
		}
	}
	if b.AutoMerge {
		if forge, ok := b.repo.(providers.AutoMerger); ok {
			err := b.autoMerge(ctx, forge, n, head)
			warn("automatic merge", err)
			// It is merged already if nothing was missing. That it cannot be asked
			// undoes nothing.
			if now, askErr := b.repo.Pull(ctx, n); err == nil && askErr == nil {
				o.Pull = &now
			}
		} else {
			warn("automatic merge", errors.ErrUnsupported)
		}
	}
}

// autoMerge has a pull request merged when it may be, at the head that this run
// made or saw, and at no other: what people push meanwhile nobody has looked at.
func (b *attempt) autoMerge(ctx context.Context, forge providers.AutoMerger, number int, head string) error {
	const tries = 4
	for try := range tries {
		err := forge.EnableAutoMerge(ctx, number, providers.Merge{Head: head, Method: b.Method})
		if !errors.Is(err, providers.ErrConflict) || try == tries-1 {
			return err
		}
		// Forges take a push into a pull request in the background.
		if e := b.Sleep(ctx, time.Second<<try); e != nil {
			return err
		}
	}
	return nil
}

func hintOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Hint
	}
	return ""
}
