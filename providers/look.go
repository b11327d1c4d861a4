package providers

import (
	"context"
	"errors"
	"slices"
)

// Look says at once what a change to a repository begins with. A driver that
// can, as a [Looker], does it in fewer round trips than the methods that it
// stands for.
func Look(ctx context.Context, r Repository, q Question) (*View, error) {
	if l, ok := r.(Looker); ok {
		return l.Look(ctx, q)
	}
	info, err := r.Info(ctx)
	if err != nil {
		return nil, err
	}
	v := &View{Info: info, Base: q.Base, Heads: map[string]string{}}
	if v.Base == "" {
		v.Base = info.DefaultBranch
	}
	if info.Empty || v.Base == "" {
		return v, nil
	}
	if v.SHA, err = r.Resolve(ctx, v.Base); err != nil {
		return nil, err
	}
	for _, head := range q.Heads {
		pulls, err := r.Pulls(ctx, PullQuery{Head: head, Limit: RecentPulls})
		if err != nil {
			return nil, err
		}
		v.Pulls = append(v.Pulls, pulls...)
		if slices.ContainsFunc(pulls, func(p PullRequest) bool { return p.State == Open && len(p.Head.SHA) >= 40 }) {
			v.Heads[head] = pulls[slices.IndexFunc(pulls, func(p PullRequest) bool { return p.State == Open })].Head.SHA
			continue
		}
		sha, err := r.Resolve(ctx, head)
		switch {
		case err == nil:
			v.Heads[head] = sha
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return v, nil
}

// RecentPulls is how many pull requests of a branch [Look] returns at least, if
// there are so many, the latest first.
const RecentPulls = 10

// Looker can answer a question at once.
type Looker interface {
	Look(ctx context.Context, q Question) (*View, error)
}

// Question is what is asked before a change.
type Question struct {
	Base  string   // the branch to change; "" means the default branch
	Heads []string // branches that may be there, and their pull requests
}

// View is the answer. Its parts are not of one moment: what is read at SHA
// holds, and the write says whether it still does.
type View struct {
	Info  Info
	Base  string            // the branch
	SHA   string            // where Base is; "" in an empty repository
	Heads map[string]string // where the branches are that are there
	Pulls []PullRequest     // of the branches asked for, in any state
}
