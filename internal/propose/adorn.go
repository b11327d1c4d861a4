package propose

import (
	"context"
	"errors"
	"slices"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// adorn gives a pull request labels, reviewers and so on. The pull request is
// there without them, so what cannot be had is a warning.
func (b *attempt) adorn(ctx context.Context, o *Outcome) {
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
			err := forge.EnableAutoMerge(ctx, n, providers.Merge{Head: o.Pull.Head.SHA, Method: b.Method})
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

func hintOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Hint
	}
	return ""
}
