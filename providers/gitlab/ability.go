package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xanzy/go-gitlab"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// AddLabels implements [providers.Labeler]. GitLab makes missing labels if the
// credential may, and else says nothing, so the reply is looked at.
func (r *repository) AddLabels(ctx context.Context, number int, labels []string) error {
	if len(labels) == 0 {
		return nil
	}
	act := "add labels to pull request !" + strconv.Itoa(number)
	for _, label := range labels {
		if strings.Contains(label, ",") {
			return fault.New(fault.Usage, "take the comma out of its name", "%s on %s: GitLab takes no label %q", act, r.name, label)
		}
	}
	m, err := r.update(ctx, act, number, &gitlab.UpdateMergeRequestOptions{AddLabels: new(gitlab.LabelOptions(labels))})
	if err != nil {
		return err
	}
	var lacking []string
	for _, label := range labels {
		if !slices.ContainsFunc(m.Labels, func(l string) bool { return strings.EqualFold(l, strings.TrimSpace(label)) }) {
			lacking = append(lacking, label)
		}
	}
	if len(lacking) > 0 {
		return &fault.Error{
			Code: fault.Access, Message: fmt.Sprintf("%s on %s: it did not get %s", act, r.name, strings.Join(lacking, ", ")),
			Hint: "make the labels in the project, or give the token's user the role Reporter or more", Err: providers.ErrForbidden,
		}
	}
	return nil
}

// RequestReviews implements [providers.ReviewRequester], for users. Without a
// licence GitLab keeps only one reviewer.
func (r *repository) RequestReviews(ctx context.Context, number int, users, teams []string) error {
	act := "request reviews of pull request !" + strconv.Itoa(number)
	var errs []error
	if len(teams) > 0 {
		errs = append(errs, &fault.Error{
			Code: fault.Refused, Message: fmt.Sprintf("%s on %s: GitLab has no reviews by groups, such as %s", act, r.name, strings.Join(teams, ", ")),
			Hint: "name users", Err: errors.ErrUnsupported,
		})
	}
	err := r.add(ctx, act, number, users, people{
		have: func(m *gitlab.MergeRequest) []*gitlab.BasicUser { return m.Reviewers },
		set:  func(o *gitlab.UpdateMergeRequestOptions, ids []int) { o.ReviewerIDs = &ids },
	})
	return join(append(errs, err))
}

// Assign implements [providers.Assigner]. Without a licence GitLab keeps only one
// assignee.
func (r *repository) Assign(ctx context.Context, number int, users []string) error {
	return r.add(ctx, "assign pull request !"+strconv.Itoa(number), number, users, people{
		have: func(m *gitlab.MergeRequest) []*gitlab.BasicUser { return m.Assignees },
		set:  func(o *gitlab.UpdateMergeRequestOptions, ids []int) { o.AssigneeIDs = &ids },
	})
}

// people are the reviewers or assignees of a merge request.
type people struct {
	have func(*gitlab.MergeRequest) []*gitlab.BasicUser
	set  func(*gitlab.UpdateMergeRequestOptions, []int)
}

// add adds users to the people of a merge request. GitLab only takes the whole
// list, and silently leaves out who may not be on it.
func (r *repository) add(ctx context.Context, act string, number int, users []string, p people) error {
	if len(users) == 0 {
		return nil
	}
	var unknown []string
	wanted := map[int]string{}
	var ids []int
	for _, login := range users {
		id, err := r.userID(ctx, providers.User{Login: login})
		switch {
		case errors.Is(err, providers.ErrNotFound):
			unknown = append(unknown, login)
		case err != nil:
			return err
		default:
			wanted[id] = login
			ids = append(ids, id)
		}
	}
	var errs []error
	if len(unknown) > 0 {
		errs = append(errs, &fault.Error{
			Code: fault.NotFound, Message: fmt.Sprintf("%s on %s: there is no user %s", act, r.name, strings.Join(unknown, ", ")),
			Hint: "check the names", Err: providers.ErrNotFound,
		})
	}
	if len(ids) == 0 {
		return join(errs)
	}
	m, err := r.mergeRequest(ctx, number)
	if err != nil {
		return join(append(errs, err))
	}
	var all []int
	for _, u := range p.have(m) {
		all = append(all, u.ID)
	}
	before := len(all)
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	if len(all) == before {
		return join(errs)
	}
	o := new(gitlab.UpdateMergeRequestOptions)
	p.set(o, all)
	if m, err = r.update(ctx, act, number, o); err != nil {
		return join(append(errs, err))
	}
	var left []string
	for _, id := range ids {
		if !slices.ContainsFunc(p.have(m), func(u *gitlab.BasicUser) bool { return u.ID == id }) {
			left = append(left, wanted[id])
		}
	}
	if len(left) > 0 {
		errs = append(errs, &fault.Error{
			Code: fault.Refused, Message: fmt.Sprintf("%s on %s: GitLab left out %s", act, r.name, strings.Join(left, ", ")),
			Hint: "check that they are members of the project; without a licence GitLab keeps only one", Err: providers.ErrForbidden,
		})
	}
	return join(errs)
}

// join is errors.Join, but leaves a single error as it is.
func join(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// UpsertIssue implements [providers.Issues].
func (r *repository) UpsertIssue(ctx context.Context, key string, issue providers.Issue) (string, error) {
	const act = "keep an issue"
	self, err := r.Self(ctx)
	if err != nil {
		return "", err
	}
	found, err := r.issue(ctx, self, key)
	if err != nil {
		return "", err
	}
	body := r.marked(key, issue.Body)
	reply, option := begin(ctx)
	if found == nil {
		made, _, err := r.client.Issues.CreateIssue(r.path, &gitlab.CreateIssueOptions{
			Title: new(issue.Title), Description: new(body),
		}, option)
		if err != nil {
			return "", r.write(ctx, act, reply, err)
		}
		if issue.Open {
			return made.WebURL, nil
		}
		found = made
	}
	o := new(gitlab.UpdateIssueOptions)
	changed := false
	if found.Title != issue.Title {
		o.Title, changed = new(issue.Title), true
	}
	if !sameText(found.Description, body) {
		o.Description, changed = new(body), true
	}
	if open := found.State == "opened"; open != issue.Open {
		event := "close"
		if issue.Open {
			event = "reopen"
		}
		o.StateEvent, changed = new(event), true
	}
	if !changed {
		return found.WebURL, nil
	}
	reply, option = begin(ctx)
	now, _, err := r.client.Issues.UpdateIssue(r.path, found.IID, o, option)
	if err != nil {
		return "", r.write(ctx, act, reply, err)
	}
	return now.WebURL, nil
}

// issue returns the oldest own issue with a key, or nil.
func (r *repository) issue(ctx context.Context, self providers.User, key string) (*gitlab.Issue, error) {
	author, err := strconv.Atoi(self.ID)
	if err != nil {
		return nil, fmt.Errorf("find the issue of %s on %s: the credential has no account: %w", key, r.name, errors.ErrUnsupported)
	}
	var found *gitlab.Issue
	reply, option := begin(ctx)
	err = pages(func(page gitlab.ListOptions) (int, error) {
		list, resp, err := r.client.Issues.ListProjectIssues(r.path, &gitlab.ListProjectIssuesOptions{
			ListOptions: page, AuthorID: new(author), Scope: new("all"), OrderBy: new("created_at"), Sort: new("asc"),
		}, option)
		if err != nil {
			return 0, err
		}
		for _, i := range list {
			if i.Author != nil && i.Author.ID == author && hasLine(i.Description, r.marker(key)) {
				found = i
				return 0, nil
			}
		}
		return resp.NextPage, nil
	})
	if err != nil {
		return nil, r.fail("list the issues", reply, err)
	}
	return found, nil
}
