package gitea

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/internal/fault"
)

// labelColor is that of labels that are made: grey.
const labelColor = "#ededed"

// AddLabels implements providers.Labeler.
func (r *repository) AddLabels(ctx context.Context, number int, labels []string) error {
	if len(labels) == 0 {
		return nil
	}
	return r.fail(r.addLabels(ctx, number, labels), "label pull request %d of %s", number, r.path)
}

func (r *repository) addLabels(ctx context.Context, number int, labels []string) error {
	// The server leaves out names that it does not know.
	add := func(in any) ([]*sdk.Label, error) {
		var now []*sdk.Label
		_, err := r.forge.do(ctx, call{
			method: http.MethodPost, path: r.below("issues", strconv.Itoa(number), "labels"), in: map[string]any{"labels": in}, out: &now,
		})
		return now, err
	}
	now, err := add(labels)
	if err != nil {
		return err
	}
	var made []int64
	for _, name := range labels {
		if slices.ContainsFunc(now, func(l *sdk.Label) bool { return l.Name == name }) {
			continue
		}
		label, _, err := r.forge.sdk(ctx).CreateLabel(r.owner, r.name, sdk.CreateLabelOption{Name: name, Color: labelColor})
		if err != nil {
			return err
		}
		made = append(made, label.ID)
	}
	if len(made) > 0 {
		_, err = add(made)
	}
	return err
}

// RequestReviews implements providers.ReviewRequester.
func (r *repository) RequestReviews(ctx context.Context, number int, users, teams []string) error {
	return r.fail(r.requestReviews(ctx, number, users, teams), "ask for reviews of pull request %d of %s", number, r.path)
}

func (r *repository) requestReviews(ctx context.Context, number int, users, teams []string) error {
	var noTeams error
	if len(teams) > 0 {
		// The server leaves teams out where there are none.
		_, err := r.forge.do(ctx, call{method: http.MethodGet, path: []string{"orgs", r.owner}})
		switch {
		case statusOf(err) == http.StatusNotFound:
			noTeams = refuse(errors.ErrUnsupported, nil, "ask for users instead", r.owner+" is no organization and has no teams")
			teams = nil
		case err != nil && statusOf(err) != http.StatusForbidden:
			return err
		}
	}
	ask := func(users, teams []string) error {
		_, err := r.forge.sdk(ctx).CreateReviewRequests(r.owner, r.name, int64(number),
			sdk.PullReviewRequestOptions{Reviewers: users, TeamReviewers: teams})
		return err
	}
	if len(users)+len(teams) == 0 {
		return noTeams
	}
	err := ask(users, teams)
	if isNameFault(err) {
		if _, lookErr := r.pull(ctx, number); lookErr != nil {
			return lookErr
		}
		// One name that is wrong keeps the others from being asked.
		var refused []string
		for _, user := range users {
			if err := ask([]string{user}, nil); isNameFault(err) {
				refused = append(refused, user)
			} else if err != nil {
				return err
			}
		}
		for _, team := range teams {
			if err := ask(nil, []string{team}); isNameFault(err) {
				refused = append(refused, "the team "+team)
			} else if err != nil {
				return err
			}
		}
		err = nil
		if len(refused) > 0 {
			err = fault.New(fault.Refused, "name people who may read the repository, and not the author of the pull request",
				"these cannot be asked to review: %s", strings.Join(refused, ", "))
		}
	}
	return errors.Join(err, noTeams)
}

// isNameFault reports whether an error can come from one of the names sent.
func isNameFault(err error) bool {
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusInternalServerError:
		return true
	}
	return false
}

// Assign implements providers.Assigner.
func (r *repository) Assign(ctx context.Context, number int, users []string) error {
	if len(users) == 0 {
		return nil
	}
	return r.fail(r.assign(ctx, number, users), "assign pull request %d of %s", number, r.path)
}

func (r *repository) assign(ctx context.Context, number int, users []string) error {
	issue, _, err := r.forge.sdk(ctx).GetIssue(r.owner, r.name, int64(number))
	if err != nil {
		return err
	}
	var now []string
	for _, u := range issue.Assignees {
		now = append(now, u.UserName)
	}
	// The list is replaced as a whole.
	set := func(names []string) error {
		_, _, err := r.forge.sdk(ctx).EditIssue(r.owner, r.name, int64(number), sdk.EditIssueOption{Assignees: names})
		return err
	}
	err = set(with(now, users...))
	if !isNameFault(err) {
		return err
	}
	var refused []string
	for _, user := range users {
		names := with(now, user)
		if err := set(names); isNameFault(err) {
			refused = append(refused, user)
		} else if err != nil {
			return err
		} else {
			now = names
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "name people who may write to the repository",
		"these cannot be assigned: %s", strings.Join(refused, ", "))
}

// with returns names with more of them added, each once, whatever its case.
func with(names []string, more ...string) []string {
	all := slices.Clone(names)
	for _, name := range more {
		if !slices.ContainsFunc(all, func(have string) bool { return strings.EqualFold(have, name) }) {
			all = append(all, name)
		}
	}
	return all
}
