package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

func (r *repository) AddLabels(ctx context.Context, number int, labels []string) error {
	return r.write(ctx, "label", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		for _, label := range labels {
			if _, ok := s.Labels[label]; !ok {
				s.Labels[label] = "ededed"
			}
		}
		if add(&p.Labels, labels) {
			s.Touch(p, "labelled", s.me.Login)
		}
		return nil
	})
}

// add appends what a list lacks, and reports whether it lacked any.
func add(list *[]string, more []string) bool {
	before := len(*list)
	for _, m := range more {
		if !slices.ContainsFunc(*list, func(have string) bool { return strings.EqualFold(have, m) }) {
			*list = append(*list, m)
		}
	}
	return len(*list) > before
}

func (r *repository) RequestReviews(ctx context.Context, number int, users, teams []string) error {
	return r.write(ctx, "ask for reviews", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		var good, goodTeams, bad []string
		for _, login := range users {
			if strings.EqualFold(login, p.Author) || s.Permission(login) < providers.CanRead {
				bad = append(bad, login)
				continue
			}
			good = append(good, login)
		}
		for _, team := range teams {
			if _, ok := s.Teams[team]; !ok {
				bad = append(bad, team)
				continue
			}
			goodTeams = append(goodTeams, team)
		}
		if byUser, byTeam := add(&p.Reviewers, good), add(&p.Teams, goodTeams); byUser || byTeam {
			s.Touch(p, "review-requested", s.me.Login)
		}
		if len(bad) == 0 {
			return nil
		}
		return fault.New(fault.Refused, "name users who can read the repository, other than the author, and teams that are there",
			"%s cannot be asked to review pull request %d of %s", strings.Join(bad, ", "), number, r.name())
	})
}

func (r *repository) Assign(ctx context.Context, number int, users []string) error {
	return r.write(ctx, "assign", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		var good, bad []string
		for _, login := range users {
			if s.Permission(login) < providers.CanRead {
				bad = append(bad, login)
				continue
			}
			good = append(good, login)
		}
		if add(&p.Assignees, good) {
			s.Touch(p, "assigned", s.me.Login)
		}
		if len(bad) == 0 {
			return nil
		}
		return fault.New(fault.Refused, "name users who can read the repository",
			"pull request %d of %s cannot be assigned to %s", number, r.name(), strings.Join(bad, ", "))
	})
}

func (r *repository) SetDraft(ctx context.Context, number int, draft bool) error {
	return r.write(ctx, "change a draft", func(s session) error {
		p, err := s.pull(number)
		if err == nil {
			s.SetDraft(p, draft, s.me.Login)
		}
		return err
	})
}

func (r *repository) EnableAutoMerge(ctx context.Context, number int, m providers.Merge) error {
	return r.write(ctx, "enable automatic merging", func(s session) error {
		p, err := s.pull(number)
		if err != nil {
			return err
		}
		refuse := func(reason string) error {
			return because(providers.ErrForbidden, fault.New(fault.Refused,
				"merge it, or see the settings of the repository", "pull request %d of %s cannot be merged automatically: %s", number, r.name(), reason))
		}
		switch {
		case p.State != providers.Open:
			return refuse("it is not open")
		case m.Head != p.HeadSHA:
			return fmt.Errorf("pull request %d is at %s, not %s: %w", number, p.HeadSHA, m.Head, providers.ErrConflict)
		case m.Method != "" && !slices.Contains(s.MergeMethods(), m.Method):
			return refuse("the repository does not merge by " + string(m.Method))
		case p.AutoMerge != nil:
			return nil
		case s.NoAutoMerge:
			return refuse("the repository does not allow it")
		case s.Blocked(p) == "" && !p.Draft:
			_, err := s.MergePull(p, m, s.me.Login)
			return mergeError(p, err)
		}
		p.AutoMerge = &AutoMerge{By: s.me.Login, Merge: m}
		s.Touch(p, "auto-merge-enabled", s.me.Login)
		return nil
	})
}

func (r *repository) Hooks(ctx context.Context) ([]providers.Hook, error) {
	var out []providers.Hook
	err := r.session(ctx, "list webhooks", providers.CanAdmin, func(s session) error {
		for _, h := range s.Hooks {
			out = append(out, hookOf(h))
		}
		return nil
	})
	return out, err
}

func hookOf(h *Hook) providers.Hook {
	return providers.Hook{ID: itoa(h.ID), URL: h.URL, Active: h.Active, Events: slices.Clone(h.Events)}
}

func (r *repository) UpsertHook(ctx context.Context, url string, secret []byte) (providers.Hook, error) {
	var out providers.Hook
	err := r.session(ctx, "register a webhook", providers.CanAdmin, func(s session) error {
		if len(secret) == 0 {
			return fault.New(fault.Usage, "give one, so that deliveries can be told from forged ones", "a webhook needs a secret")
		}
		i := slices.IndexFunc(s.Hooks, func(h *Hook) bool { return h.URL == url })
		if i < 0 {
			s.Hooks = append(s.Hooks, &Hook{ID: r.forge.NextID(), URL: url})
			i = len(s.Hooks) - 1
		}
		h := s.Hooks[i]
		h.Secret, h.Active = string(secret), true
		h.Events = []string{"pull_request", "pull_request_review", "issue_comment", "push", "status"}
		out = hookOf(h)
		return nil
	})
	return out, err
}

// Examine says what the credential may do.
func (r *repository) Examine(ctx context.Context) ([]providers.Finding, error) {
	const known, visible = "the credential is known", "the repository is visible"
	may, noPulls, archived := providers.NoAccess, false, false
	err := r.read(ctx, "examine", func(s session) error {
		may, noPulls, archived = s.may(), s.token.NoPulls, s.Archived
		return nil
	})
	hint := ""
	if f, ok := errors.AsType[*fault.Error](err); ok {
		hint = f.Hint
	}
	switch {
	case errors.Is(err, providers.ErrUnauthorized):
		return []providers.Finding{{What: known, Answer: providers.No, Hint: hint}}, nil
	case errors.Is(err, providers.ErrNotFound):
		return []providers.Finding{{What: known, Answer: providers.Yes}, {What: visible, Answer: providers.No, Hint: hint}}, nil
	case err != nil:
		return nil, err
	}
	out := []providers.Finding{
		{What: known, Answer: providers.Yes},
		{What: visible, Answer: providers.Yes},
	}
	for _, f := range []struct {
		what string
		need providers.Permission
		also bool
		hint string
	}{
		{"read files", providers.CanRead, true, ""},
		{"push branches", providers.CanWrite, !archived, "give the account the right to write"},
		{"open pull requests", providers.CanWrite, !archived && !noPulls, "use a token that may open pull requests"},
		{"comment", providers.CanRead, !archived, "unarchive the repository"},
		{"set statuses", providers.CanWrite, !archived, "give the account the right to write"},
		{"register webhooks", providers.CanAdmin, !archived, "give the account the right to administer"},
	} {
		finding := providers.Finding{What: f.what, Answer: providers.Yes, Detail: "the account has the permission " + may.String()}
		if may < f.need || !f.also {
			finding.Answer, finding.Hint = providers.No, f.hint
		}
		out = append(out, finding)
	}
	return out, nil
}
