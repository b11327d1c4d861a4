package github

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

const (
	// GitHub takes no file of more than 100 MiB
	// (https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github),
	// but the API takes no request of more than about 40 MB, in which contents
	// take four thirds of their size.
	maxFile = 30 << 20

	// maxAtOnce is how much goes into one request; more goes file by file.
	maxAtOnce = 20 << 20
	maxInline = 1 << 20
)

// Commit makes a commit. It is made by createCommitOnBranch where that can, so
// that GitHub signs it and compares the head in the same step. That cannot keep
// the mode of an executable file, cannot name an author, and cannot move a
// branch to where it does not lead: then the commit is made first and the branch
// is moved to it in one step, so that a pull request never has an empty branch,
// for which GitHub would close it.
func (r *repository) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	sha, err := r.commit(ctx, c)
	if err == nil {
		r.mu.Lock()
		if r.committed == nil {
			r.committed = map[string]bool{}
		}
		r.committed[c.Branch] = true
		r.mu.Unlock()
	}
	return sha, r.wrap(fmt.Sprintf("commit to branch %q", c.Branch), err)
}

func (r *repository) commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	if err := check(c); err != nil {
		return "", err
	}
	if err := r.checkNew(ctx, c); err != nil {
		return "", err
	}
	isRebuild := c.Head != "" && c.Head != c.Parent
	if isRebuild || c.Author != nil || !isPlain(c.Changes) {
		sha, err := r.commitObjects(ctx, c)
		return sha, r.denied(ctx, err)
	}
	if c.Head == "" {
		if err := r.createBranch(ctx, c.Branch, c.Parent); err != nil {
			return "", r.denied(ctx, err)
		}
	}
	sha, err := r.commitOnBranch(ctx, c)
	if err != nil && c.Head == "" && !isUnanswered(err) && ctx.Err() == nil {
		// The branch without the commit would be in the way of the next attempt.
		// It goes only if nobody else has moved it.
		_ = r.moveRef(ctx, move{branch: c.Branch, before: c.Parent, after: zero(c.Parent)})
	}
	return sha, err
}

// check refuses what GitHub would refuse without saying which file it is, or
// take and spoil.
func check(c providers.CommitRequest) error {
	if len(c.Changes) == 0 {
		return fault.New(fault.Usage, "", "a commit needs a change")
	}
	for _, change := range c.Changes {
		switch {
		case !change.Mode().IsFile() && change.Content != nil:
			return &fault.Error{
				Code: fault.Refused, Path: change.Path, Hint: "write to the file that it leads to",
				Message: "is a link or a submodule, which has no contents to write",
			}
		case len(change.Content) > maxFile:
			return &fault.Error{
				Code: fault.Refused, Path: change.Path, Hint: tooLargeHint,
				Message: fmt.Sprintf("is too large: GitHub's API takes files of up to %d MiB", maxFile>>20),
			}
		}
	}
	return nil
}

// checkNew refuses to write over files that were to be new.
func (r *repository) checkNew(ctx context.Context, c providers.CommitRequest) error {
	var paths []string
	for _, change := range c.Changes {
		if change.Before == nil && change.Content != nil {
			paths = append(paths, change.Path)
		}
	}
	for chunk := range slices.Chunk(paths, batch) {
		entries, err := r.entries(ctx, c.Parent, chunk, "mode")
		if err != nil {
			return err
		}
		for i, e := range entries {
			if e != nil {
				return conflict("there is a file %s already", fault.Printable(chunk[i]))
			}
		}
	}
	return nil
}

// isPlain reports whether createCommitOnBranch writes all changes as they are:
// it makes every file 100644
// (https://github.com/babarot/gh-infra/pull/167).
func isPlain(changes []providers.Change) bool {
	size := 0
	for _, c := range changes {
		if c.Content != nil && c.Mode() != providers.Regular {
			return false
		}
		size += len(c.Content)
	}
	return size <= maxAtOnce
}

// zero returns the id that stands for no object.
func zero(like string) string { return strings.Repeat("0", len(like)) }

// createBranch makes a branch that must not be there.
func (r *repository) createBranch(ctx context.Context, branch, sha string) error {
	_, _, err := r.c.Git.CreateRef(ctx, r.owner, r.name, &gh.Reference{
		Ref: gh.String("refs/heads/" + branch), Object: &gh.GitObject{SHA: gh.String(sha)},
	})
	switch {
	case err == nil:
		return nil
	case said(err, "Reference already exists"):
		return conflict("there is a branch %q already", branch)
	case said(err, "Object does not exist"):
		return noCommit(sha)
	case said(err, "Reference update failed"), said(err, "Reference cannot be created"):
		return r.refused(ctx, branch, err)
	case isUnanswered(err):
		// Whoever made a branch at this commit, what follows compares its head.
		if at, look := r.head(ctx, branch); look == nil && at == sha {
			return nil
		}
	}
	return err
}

// refused finds out why GitHub did not make a branch, which it does not tell
// (https://github.com/microsoft/vscode-remote-repositories-github/issues/122,
// https://github.com/github/rest-api-description/issues/4887).
func (r *repository) refused(ctx context.Context, branch string, err error) error {
	var parameters, fields strings.Builder
	variables := map[string]any{"below": "refs/heads/" + branch + "/"}
	for i, c := range branch {
		if c == '/' {
			fmt.Fprintf(&parameters, ", $r%d: String!", i)
			fmt.Fprintf(&fields, " r%d: ref(qualifiedName: $r%d) { target { oid } }", i, i)
			variables[fmt.Sprintf("r%d", i)] = "refs/heads/" + branch[:i]
		}
	}
	var reply struct{ Repository map[string]raw }
	document := "query($owner: String!, $name: String!, $below: String!" + parameters.String() + ") { repository(owner: $owner, name: $name) { below: refs(refPrefix: $below, first: 1) { nodes { name } }" + fields.String() + " } }"
	if look := r.query(ctx, document, variables, &reply); look != nil {
		return err
	}
	taken := func(other string) error {
		return &problem{
			fault.Refused, fmt.Sprintf("rename the branch %q, or take another name", other),
			fmt.Errorf("%w: git cannot have the branches %q and %q at once", providers.ErrRefTaken, other, branch),
		}
	}
	if below, look := decode[struct{ Nodes []struct{ Name string } }](reply.Repository["below"]); look == nil && len(below.Nodes) > 0 {
		return taken(branch + "/" + below.Nodes[0].Name)
	}
	for i, c := range branch {
		if c != '/' {
			continue
		}
		if ref, look := decode[*graphRef](reply.Repository[fmt.Sprintf("r%d", i)]); look == nil && ref != nil {
			return taken(branch[:i])
		}
	}
	return &problem{fault.Access, protectionHint, fmt.Errorf("%w: GitHub does not let the branch be made, and does not say why", providers.ErrForbidden)}
}

// head returns where a branch is, "" if it is not there.
func (r *repository) head(ctx context.Context, branch string) (string, error) {
	found, err := r.place(ctx, branch, "")
	if err != nil {
		return "", err
	}
	return found.head, nil
}

// place is where a write begins.
type place struct {
	id   string // of the repository
	head string // of the branch, "" if it is not there
	tree string // of the parent, "" if it is not there
}

const placeDocument = `query($owner: String!, $name: String!, $ref: String!, $parent: GitObjectID, $hasParent: Boolean!) {
  repository(owner: $owner, name: $name) { id ref(qualifiedName: $ref) { target { oid } } object(oid: $parent) @include(if: $hasParent) { ... on Commit { tree { oid } } } }
}`

func (r *repository) place(ctx context.Context, branch, parent string) (place, error) {
	var reply struct {
		Repository *struct {
			ID     string
			Ref    *graphRef
			Object *struct{ Tree graphObject }
		}
	}
	variables := map[string]any{"ref": "refs/heads/" + branch, "hasParent": parent != ""}
	if parent != "" {
		variables["parent"] = parent
	}
	if err := r.query(ctx, placeDocument, variables, &reply); err != nil {
		return place{}, err
	}
	if reply.Repository == nil {
		return place{}, errNoAnswer
	}
	r.keepID(reply.Repository.ID)
	p := place{id: reply.Repository.ID}
	if reply.Repository.Ref != nil {
		p.head = reply.Repository.Ref.Target.OID
	}
	if reply.Repository.Object != nil {
		p.tree = reply.Repository.Object.Tree.OID
	}
	return p, nil
}

const commitDocument = `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }`

// commitOnBranch adds a commit to a branch that is at its parent.
func (r *repository) commitOnBranch(ctx context.Context, c providers.CommitRequest) (string, error) {
	additions, deletions := []map[string]any{}, []map[string]any{}
	for _, change := range c.Changes {
		if change.Content == nil {
			deletions = append(deletions, map[string]any{"path": change.Path})
			continue
		}
		additions = append(additions, map[string]any{"path": change.Path, "contents": base64.StdEncoding.EncodeToString(change.Content)})
	}
	headline, body, _ := strings.Cut(c.Message, "\n")
	var reply struct {
		CreateCommitOnBranch *struct{ Commit *graphObject }
	}
	err := r.mutate(ctx, commitDocument, map[string]any{
		"branch":          map[string]any{"repositoryNameWithOwner": r.repo.Path, "branchName": c.Branch},
		"expectedHeadOid": c.Parent,
		"message":         map[string]any{"headline": headline, "body": strings.TrimLeft(body, "\n")},
		"fileChanges":     map[string]any{"additions": additions, "deletions": deletions},
	}, &reply)
	if e, ok := errors.AsType[graphError](err); ok && c.Head == "" && e.has("NOT_FOUND") {
		// The branch was made a moment ago, which not all of GitHub may know yet.
		return "", conflict("GitHub does not find branch %q, which was just made", c.Branch)
	}
	if err != nil {
		return "", r.moved(ctx, c.Branch, c.Parent, err)
	}
	if reply.CreateCommitOnBranch == nil || reply.CreateCommitOnBranch.Commit == nil {
		return "", errNoAnswer
	}
	return reply.CreateCommitOnBranch.Commit.OID, nil
}

// moved finds out whether a branch was refused because it is not where it was:
// GitHub has a word for that only where it is at another commit.
func (r *repository) moved(ctx context.Context, branch, head string, err error) error {
	e, ok := errors.AsType[graphError](err)
	if !ok {
		return err
	}
	if e.has("STALE_DATA") {
		return conflict("branch %q is no longer at %s", branch, head)
	}
	at, look := r.head(ctx, branch)
	switch {
	case look != nil || at == head:
		return err
	case at == "":
		return conflict("there is no branch %q any more", branch)
	}
	return conflict("branch %q is at %s, and was at %s", branch, at, head)
}

// commitObjects makes a commit of git objects and moves the branch to it.
func (r *repository) commitObjects(ctx context.Context, c providers.CommitRequest) (string, error) {
	at, err := r.place(ctx, c.Branch, c.Parent)
	switch {
	case err != nil:
		return "", err
	case at.head != c.Head && at.head == "":
		return "", conflict("there is no branch %q any more", c.Branch)
	case at.head != c.Head && c.Head == "":
		return "", conflict("there is a branch %q already", c.Branch)
	case at.head != c.Head:
		return "", conflict("branch %q is at %s, and was at %s", c.Branch, at.head, c.Head)
	case at.tree == "":
		return "", noCommit(c.Parent)
	}
	sha, err := r.newCommit(ctx, at.tree, c)
	if err != nil {
		return "", err
	}
	if c.Head == "" {
		return sha, r.createBranch(ctx, c.Branch, sha)
	}
	err = r.moveRef(ctx, move{branch: c.Branch, before: c.Head, after: sha, force: c.Head != c.Parent})
	if isUnanswered(err) {
		if now, look := r.head(ctx, c.Branch); look == nil && now == sha {
			return sha, nil
		}
	}
	if err != nil {
		return "", r.moved(ctx, c.Branch, c.Head, err)
	}
	return sha, nil
}

// newCommit makes a commit that no branch leads to yet. What is named by its
// contents can be made again without harm.
func (r *repository) newCommit(ctx context.Context, tree string, c providers.CommitRequest) (string, error) {
	ctx = repeatable(ctx)
	var entries []*gh.TreeEntry
	for _, change := range c.Changes {
		e := &gh.TreeEntry{Path: gh.String(change.Path), Mode: gh.String(change.Mode().String()), Type: gh.String("blob")}
		if change.Mode() == providers.Submodule {
			e.Type = gh.String("commit") // it can be removed
		}
		switch content := change.Content; {
		case content == nil:
		case len(content) <= maxInline && utf8.Valid(content) && !bytes.ContainsRune(content, 0):
			e.Content = gh.String(string(content))
		default:
			blob, _, err := r.c.Git.CreateBlob(ctx, r.owner, r.name, &gh.Blob{
				Content: gh.String(base64.StdEncoding.EncodeToString(content)), Encoding: gh.String("base64"),
			})
			if err != nil {
				return "", err
			}
			e.SHA = blob.SHA
		}
		entries = append(entries, e)
	}
	made, _, err := r.c.Git.CreateTree(ctx, r.owner, r.name, tree, entries)
	if err != nil {
		return "", err
	}
	commit := &gh.Commit{
		Message: gh.String(c.Message), Tree: &gh.Tree{SHA: made.SHA}, Parents: []*gh.Commit{{SHA: gh.String(c.Parent)}},
	}
	// Without an author GitHub names the credential's account, and signs for an
	// App and GITHUB_TOKEN
	// (https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots).
	if c.Author != nil {
		commit.Author = &gh.CommitAuthor{Name: gh.String(c.Author.Name), Email: gh.String(c.Author.Email)}
	}
	done, _, err := r.c.Git.CreateCommit(ctx, r.owner, r.name, commit, nil)
	if err != nil {
		return "", err
	}
	return done.GetSHA(), nil
}

// move is that of a branch. Zeros stand for no branch.
type move struct {
	branch, before, after string
	force                 bool // the way from before to after may be no descent
}

const moveDocument = `mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }`

// moveRef moves or deletes a branch if it is where it was. REST has no such
// comparison
// (https://docs.github.com/en/graphql/reference/mutations#updaterefs).
func (r *repository) moveRef(ctx context.Context, m move) error {
	r.mu.Lock()
	id := r.id
	r.mu.Unlock()
	if id == "" {
		at, err := r.place(ctx, m.branch, "")
		if err != nil {
			return err
		}
		id = at.id
	}
	return r.mutate(ctx, moveDocument, map[string]any{
		"repositoryId": id,
		"refUpdates":   []map[string]any{{"name": "refs/heads/" + m.branch, "beforeOid": m.before, "afterOid": m.after, "force": m.force}},
	}, nil)
}

// DeleteBranch deletes a branch that is at sha.
func (r *repository) DeleteBranch(ctx context.Context, name, sha string) error {
	return r.wrap(fmt.Sprintf("delete branch %q", name), r.deleteBranch(ctx, name, sha))
}

func (r *repository) deleteBranch(ctx context.Context, name, sha string) error {
	at, err := r.head(ctx, name)
	switch {
	case err != nil || at == "":
		return err
	case at != sha:
		return conflict("branch %q is at %s, not at %s", name, at, sha)
	}
	err = r.moveRef(ctx, move{branch: name, before: sha, after: zero(sha)})
	if err == nil {
		return nil
	}
	now, look := r.head(ctx, name)
	switch {
	case look != nil || now == sha:
		return err
	case now == "":
		return nil
	}
	return conflict("branch %q is at %s, not at %s", name, now, sha)
}
