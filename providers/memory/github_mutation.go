package memory

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/providers"
)

// mutate runs one mutation, under the lock of its repository.
func (x *hubRun) mutate(s *hubSelection) (any, error) {
	in, _ := x.value(s.arguments["input"]).(map[string]any)
	repo, number, comment := x.target(in)
	if repo == nil {
		return nil, &hubFault{kind: "NOT_FOUND", message: "Could not resolve to a node with the global id of what was given."}
	}
	var out any
	err := repo.Do(func(state *State) error {
		if !x.c.sees(state) {
			return &hubFault{kind: "NOT_FOUND", message: fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", repo.Path())}
		}
		if err := x.mayMutate(state, s.name); err != nil {
			return err
		}
		x.s = state
		defer func() { x.s = nil }()
		done, err := x.change(s.name, in, state.Pull(number), comment)
		if err != nil {
			return err
		}
		schema := x.schema.fields["Mutation"][s.name]
		out = x.object(bare(schema.typ), done, s.selections, []any{s.key()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return topNode{out}, nil
}

// target finds what a mutation is about, by the id that it names.
func (x *hubRun) target(in map[string]any) (repo *Repo, number int, comment int64) {
	branch, _ := in["branch"].(map[string]any)
	if path, ok := branch["repositoryNameWithOwner"].(string); ok {
		repo, _ = x.c.h.f.Repo(path)
		return repo, 0, 0
	}
	for _, field := range []string{"repositoryId", "pullRequestId", "subjectId"} {
		id, _ := in[field].(string)
		parts := strings.Split(id, "_")
		if len(parts) < 2 || len(parts) > 4 {
			continue
		}
		numbers := make([]int64, 3)
		for i, part := range parts[1:] {
			numbers[i], _ = strconv.ParseInt(part, 10, 64)
		}
		for _, r := range x.c.h.f.Repos() {
			if r.ID() == numbers[0] {
				return r, int(numbers[1]), numbers[2]
			}
		}
	}
	return nil, 0, 0
}

func (x *hubRun) mayMutate(s *State, name string) error {
	function := strings.ToUpper(name[:1]) + name[1:]
	switch {
	case s.Archived:
		return &hubFault{kind: "FORBIDDEN", message: "Repository was archived so is read-only."}
	case x.c.token.ReadOnly && x.c.token.Kind != "":
		return &hubFault{kind: "FORBIDDEN", message: "Resource not accessible by integration"}
	case x.c.token.ReadOnly:
		return &hubFault{kind: "FORBIDDEN", message: "Resource not accessible by personal access token"}
	case x.c.lacks("repo", "public_repo"):
		return &hubFault{kind: "INSUFFICIENT_SCOPES", message: fmt.Sprintf("Your token has not been granted the required scopes to execute this query. The '%s' field requires one of the following scopes: ['public_repo'], but your token has only been granted the: %s scopes. Please modify your token's scopes at: https://github.com/settings/tokens.", name, hubQuoted(x.c.scopes()))}
	case s.Permission(x.c.account.Login) < providers.CanWrite:
		return &hubFault{kind: "FORBIDDEN", message: fmt.Sprintf("%s does not have the correct permissions to execute `%s`", x.c.account.Login, function)}
	}
	return nil
}

func hubQuoted(scopes []string) string { return "['" + strings.Join(scopes, "', '") + "']" }

func unprocessable(format string, args ...any) error {
	return &hubFault{kind: "UNPROCESSABLE", message: fmt.Sprintf(format, args...)}
}

func (x *hubRun) change(name string, in map[string]any, p *Pull, comment int64) (any, error) {
	switch name {
	case "createCommitOnBranch":
		return x.commitOnBranch(in)
	case "updateRefs":
		return x.updateRefs(in)
	}
	if p == nil {
		return nil, &hubFault{kind: "NOT_FOUND", message: "Could not resolve to a node with the global id of what was given."}
	}
	switch name {
	case "minimizeComment":
		c := p.Comment(comment)
		if c == nil {
			return nil, &hubFault{kind: "NOT_FOUND", message: "Could not resolve to a node with the global id of what was given."}
		}
		c.Hidden = true
	case "convertPullRequestToDraft":
		x.s.SetDraft(p, true, x.c.account.Login)
	case "markPullRequestReadyForReview":
		x.s.SetDraft(p, false, x.c.account.Login)
	case "enablePullRequestAutoMerge":
		return x.autoMerge(in, p)
	}
	return hubDone{}, nil
}

// autoMerge refuses as GitHub does
// (https://github.com/peter-evans/enable-pull-request-automerge/issues/343,
// https://github.com/peter-evans/enable-pull-request-automerge/issues/355).
func (x *hubRun) autoMerge(in map[string]any, p *Pull) (any, error) {
	head, _ := in["expectedHeadOid"].(string)
	m := providers.Merge{Head: p.HeadSHA, Method: providers.MergeCommit}
	if method, ok := in["mergeMethod"].(string); ok {
		m.Method = providers.MergeMethod(strings.ToLower(method))
	}
	m.Title, _ = in["commitHeadline"].(string)
	m.Message, _ = in["commitBody"].(string)
	switch {
	case x.s.NoAutoMerge:
		return nil, unprocessable("[\"Auto merge is not allowed for this repository\"]")
	case head != "" && head != p.HeadSHA:
		return nil, &hubFault{kind: "STALE_DATA", message: "Expected head to be at \"" + head + "\" but it was not."}
	case p.State != providers.Open:
		return nil, unprocessable("[\"Pull request is closed\"]")
	case !slices.Contains(x.s.MergeMethods(), m.Method):
		// The default is a merge commit, whatever the repository allows
		// (https://github.com/wnbrb/wnb-rb-site/pull/460).
		return nil, unprocessable("[\"Merge method %s commits are not allowed on this repository\"]", m.Method)
	case !p.Draft && x.s.Blocked(p) == "" && len(x.s.Clashes(p)) == 0:
		return nil, unprocessable("[\"Pull request Pull request is in clean status\"]")
	}
	p.AutoMerge = &AutoMerge{By: x.c.account.Login, Merge: m}
	return hubDone{}, nil
}

// commitOnBranch makes a commit whose files are all 100644
// (https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch,
// https://github.com/babarot/gh-infra/pull/167), by the account and signed by
// GitHub.
func (x *hubRun) commitOnBranch(in map[string]any) (any, error) {
	target, _ := in["branch"].(map[string]any)
	branch, _ := target["branchName"].(string)
	branch = strings.TrimPrefix(branch, "refs/heads/")
	head, ok := x.s.Branches[branch]
	if !ok {
		return nil, &hubFault{kind: "NOT_FOUND", message: fmt.Sprintf("Could not resolve to a Ref with the name '%s'.", branch)}
	}
	if expected, _ := in["expectedHeadOid"].(string); expected != head {
		return nil, &hubFault{kind: "STALE_DATA", message: fmt.Sprintf("Expected branch to point to %q but it did not.  Pull and try again.", expected)}
	}
	if !x.s.CanPush(x.c.account.Login, branch) {
		return nil, unprocessable("protected branch '%s' check failed:\n\nAt least 1 approving review is required by reviewers with write access.", branch)
	}
	parent := x.s.Commit(head)
	changes, err := hubChanges(in, parent)
	if err != nil {
		return nil, err
	}
	message, _ := in["message"].(map[string]any)
	text, _ := message["headline"].(string)
	if body, _ := message["body"].(string); body != "" {
		text += "\n\n" + body
	}
	sha, err := x.newCommit(NewCommit{
		Files: x.s.Put(parent.Files, changes), Parents: []string{head}, Message: text,
		Author: x.s.SignatureOf(x.c.account.Login), Committer: Signature{Name: "GitHub", Email: "noreply@github.com"},
	})
	if err != nil {
		return nil, err
	}
	return hubDone{sha}, x.s.SetBranch(branch, sha, x.c.account.Login)
}

func (x *hubRun) newCommit(n NewCommit) (string, error) {
	c, err := x.s.NewCommit(n)
	if err != nil {
		return "", unprocessable("%v", err)
	}
	return c.SHA, nil
}

func hubChanges(in map[string]any, parent *Commit) (map[string]*File, error) {
	changes := map[string]*File{}
	all, _ := in["fileChanges"].(map[string]any)
	additions, _ := all["additions"].([]any)
	for _, item := range additions {
		addition, _ := item.(map[string]any)
		path, _ := addition["path"].(string)
		text, _ := addition["contents"].(string)
		content, err := decode64(text)
		if err != nil {
			return nil, unprocessable("The contents of %s are no base64", path)
		}
		if _, twice := changes[path]; twice {
			return nil, unprocessable("A path was requested more than once: %s", path)
		}
		changes[path] = &File{Content: content}
	}
	deletions, _ := all["deletions"].([]any)
	for _, item := range deletions {
		deletion, _ := item.(map[string]any)
		path, _ := deletion["path"].(string)
		if _, ok := parent.Files[path]; !ok {
			return nil, unprocessable("A path was requested for deletion which does not exist as of commit oid `%s`: %s", parent.SHA, path)
		}
		if _, twice := changes[path]; twice {
			return nil, unprocessable("A path was requested more than once: %s", path)
		}
		changes[path] = nil
	}
	return changes, nil
}

// updateRefs moves branches, all or none, each if it is where it was expected
// (https://docs.github.com/en/graphql/reference/input-objects#refupdate).
func (x *hubRun) updateRefs(in map[string]any) (any, error) {
	type update struct{ branch, after string }
	var updates []update
	list, _ := in["refUpdates"].([]any)
	for _, item := range list {
		u, _ := item.(map[string]any)
		name, _ := u["name"].(string)
		after, _ := u["afterOid"].(string)
		before, compare := u["beforeOid"].(string)
		force, _ := u["force"].(bool)
		branch, ok := strings.CutPrefix(name, "refs/heads/")
		at, exists := x.s.Branches[branch]
		isZero := strings.Trim(before, "0") == ""
		isDeletion := strings.Trim(after, "0") == ""
		switch {
		case !ok:
			return nil, unprocessable("Only branches are imitated: %s", name)
		case compare && (isZero && exists || !isZero && at != before):
			return nil, unprocessable("Reference cannot be updated: %s is not at %s", name, before)
		case !x.s.CanPush(x.c.account.Login, branch):
			return nil, unprocessable("protected branch '%s' check failed:\n\nCannot update this protected ref.", branch)
		case !isDeletion && x.s.Commit(after) == nil:
			return nil, unprocessable("Object does not exist: %s", after)
		case !isDeletion && exists && !force && !x.s.IsAncestor(at, after):
			return nil, unprocessable("Update is not a fast forward")
		case !isDeletion && !exists && (x.s.RefTaken(branch) != "" || !ValidRef(branch)):
			return nil, unprocessable("Ref cannot be created.")
		}
		if isDeletion {
			after = ""
		}
		updates = append(updates, update{branch, after})
	}
	var failed error
	for _, u := range updates {
		if u.after == "" {
			x.s.DeleteBranch(u.branch, x.c.account.Login)
			continue
		}
		failed = errors.Join(failed, x.s.SetBranch(u.branch, u.after, x.c.account.Login))
	}
	return hubDone{}, failed
}
