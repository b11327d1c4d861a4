package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// limit is how many are returned where a query does not say.
const limit = 100

// pullOf returns a pull request in the words of the contract.
func (r *repository) pullOf(p *Pull) providers.PullRequest {
	return providers.PullRequest{
		Number:   p.Number,
		URL:      fmt.Sprintf("%s/%s/pull/%d", r.forge.Server(), r.path, p.Number),
		Title:    p.Title,
		Body:     p.Body,
		State:    p.State,
		Draft:    p.Draft,
		Author:   r.forge.user(p.Author),
		Head:     providers.Head{Branch: p.HeadBranch, SHA: p.HeadSHA, Fork: p.Fork != ""},
		Base:     p.Base,
		Labels:   slices.Clone(p.Labels),
		Created:  p.Created,
		Updated:  p.Updated,
		MergeSHA: p.MergeSHA,
	}
}

func (r *repository) Pull(ctx context.Context, number int) (providers.PullRequest, error) {
	var out providers.PullRequest
	err := r.read(ctx, "read a pull request", func(s session) error {
		p, err := s.pull(number)
		if err == nil {
			out = r.pullOf(p)
		}
		return err
	})
	return out, err
}

func (r *repository) Pulls(ctx context.Context, q providers.PullQuery) ([]providers.PullRequest, error) {
	var out []providers.PullRequest
	err := r.read(ctx, "list pull requests", func(s session) error {
		out = r.pulls(s, q)
		return nil
	})
	return out, err
}

func (r *repository) pulls(s session, q providers.PullQuery) []providers.PullRequest {
	var out []providers.PullRequest
	for _, p := range slices.Backward(s.Pulls) {
		switch {
		case q.State != "" && p.State != q.State,
			q.Head != "" && (p.HeadBranch != q.Head || p.Fork != ""),
			q.Base != "" && p.Base != q.Base:
			continue
		}
		if out = append(out, r.pullOf(p)); len(out) == cmp.Or(q.Limit, limit) {
			break
		}
	}
	return out
}

func (r *repository) OpenPull(ctx context.Context, n providers.NewPull) (providers.PullRequest, error) {
	var out providers.PullRequest
	err := r.write(ctx, "open a pull request", func(s session) error {
		if s.token.NoPulls {
			return because(providers.ErrForbidden, fault.New(fault.Access,
				"allow it in the settings of the repository, or use another token", "the credential may not open pull requests on %s", r.name()))
		}
		p, err := s.OpenPull(NewPull{Head: n.Head, Base: n.Base, Title: n.Title, Body: n.Body, Draft: n.Draft, Actor: s.me.Login})
		switch {
		case errors.Is(err, ErrSamePull):
			return fmt.Errorf("%w: %w", err, providers.ErrConflict)
		case errors.Is(err, ErrNoBranch):
			return because(providers.ErrNotFound, fault.New(fault.NotFound,
				"check that both branches are there", "there is no branch %q or no branch %q on %s", n.Head, n.Base, r.name()))
		case errors.Is(err, ErrNothingToDo):
			return because(err, fault.New(fault.Refused,
				"commit something to it first", "%q has nothing on %s that %q has not", n.Head, r.name(), n.Base))
		case err != nil:
			return err
		}
		out = r.pullOf(p)
		return nil
	})
	return out, err
}

func (r *repository) UpdatePull(ctx context.Context, number int, u providers.PullUpdate) (providers.PullRequest, error) {
	var out providers.PullRequest
	err := r.write(ctx, "update a pull request", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		title, body := p.Title, p.Body
		if u.Title != nil {
			title = *u.Title
		}
		if u.Body != nil {
			body = *u.Body
		}
		if title != p.Title || body != p.Body {
			p.Title, p.Body = title, body
			s.Touch(p, "edited", s.me.Login)
		}
		if u.Close {
			s.ClosePull(p, s.me.Login)
		}
		out = r.pullOf(p)
		return nil
	})
	return out, err
}

func (r *repository) MergePull(ctx context.Context, number int, m providers.Merge) (string, error) {
	var sha string
	err := r.write(ctx, "merge a pull request", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		if m.Head == "" {
			return errors.New("the head to merge is not given")
		}
		sha, err = s.MergePull(p, m, s.me.Login)
		return mergeError(p, err)
	})
	return sha, err
}

// mergeError puts an error of the store into the words of the contract.
func mergeError(p *Pull, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrHeadMoved):
		return fmt.Errorf("%w: %w", err, providers.ErrConflict)
	}
	reason := err.Error()
	if i := strings.Index(reason, ": "); i >= 0 {
		reason = reason[i+2:]
	}
	return because(fmt.Errorf("%w: %w", providers.ErrForbidden, err), fault.New(fault.Refused,
		"see the pull request for what is missing", "pull request %d cannot be merged: %s", p.Number, strings.TrimSuffix(reason, ".")))
}

func (r *repository) PullFiles(ctx context.Context, number int) ([]providers.ChangedFile, bool, error) {
	var out []providers.ChangedFile
	err := r.read(ctx, "list changed files", func(s session) error {
		p, err := s.pull(number)
		if err == nil {
			out = changedFiles(s.PullChanges(p))
		}
		return err
	})
	return out, err == nil, err
}

func changedFiles(changes []Change) []providers.ChangedFile {
	out := make([]providers.ChangedFile, len(changes))
	for i, c := range changes {
		out[i] = c.ChangedFile
	}
	return out
}

func (r *repository) PullCommits(ctx context.Context, number int) ([]providers.Commit, error) {
	var out []providers.Commit
	err := r.read(ctx, "list commits", func(s session) error {
		p, err := s.pull(number)
		if err == nil {
			out = r.commits(s.PullCommits(p))
		}
		return err
	})
	return out, err
}

func (r *repository) commits(commits []*Commit) []providers.Commit {
	out := make([]providers.Commit, len(commits))
	for i, c := range commits {
		out[i] = providers.Commit{
			SHA:       c.SHA,
			Parents:   slices.Clone(c.Parents),
			Message:   c.Message,
			Author:    providers.Identity{Name: c.Author.Name, Email: c.Author.Email},
			Committer: providers.Identity{Name: c.Committer.Name, Email: c.Committer.Email},
			Time:      c.Committer.When,
		}
		if a, ok := r.forge.AccountByEmail(c.Author.Email); ok {
			out[i].User = a.User()
		}
	}
	return out
}

func (r *repository) Reviews(ctx context.Context, number int) ([]providers.Review, error) {
	var out []providers.Review
	err := r.read(ctx, "list reviews", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		for _, v := range p.Verdicts() {
			out = append(out, providers.Review{User: r.forge.user(v.Author), Approved: v.Verdict == Approved, SHA: v.SHA, Time: v.Created})
		}
		return nil
	})
	return out, err
}

func (r *repository) Log(ctx context.Context, q providers.LogQuery) ([]providers.Commit, error) {
	var out []providers.Commit
	err := r.read(ctx, "read history", func(s session) error {
		sha := s.Resolve(q.Ref)
		if sha == "" {
			return fmt.Errorf("%q: %w", q.Ref, providers.ErrNotFound)
		}
		found := s.Log(sha, strings.Trim(q.Path, "/"), q.Since)
		out = r.commits(found[:min(len(found), cmp.Or(q.Limit, limit))])
		return nil
	})
	return out, err
}

func (r *repository) Compare(ctx context.Context, base, head string) (*providers.Comparison, error) {
	var out *providers.Comparison
	err := r.read(ctx, "compare", func(s session) error {
		for _, sha := range []string{base, head} {
			if _, err := s.commit(sha); err != nil {
				return err
			}
		}
		parted := s.MergeBase(base, head)
		out = &providers.Comparison{
			MergeBase: parted,
			Commits:   r.commits(s.Between(base, head)),
			Files:     changedFiles(s.Diff(s.filesOf(parted), s.Commit(head).Files)),
			Complete:  true,
		}
		return nil
	})
	return out, err
}

func (r *repository) PullsOf(ctx context.Context, sha string) ([]providers.PullRequest, error) {
	var out []providers.PullRequest
	err := r.read(ctx, "find pull requests", func(s session) error {
		if _, err := s.commit(sha); err != nil {
			return err
		}
		for _, p := range slices.Backward(s.Pulls) {
			if p.State != providers.Open && (p.MergeSHA == sha || slices.Contains(p.Arrived, sha)) {
				out = append(out, r.pullOf(p))
			}
		}
		return nil
	})
	return out, err
}
