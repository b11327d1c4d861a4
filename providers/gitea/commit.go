package gitea

import (
	"context"
	"crypto/sha1" //nolint:gosec // git's ids
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

const (
	maxBranch = 100 // characters (modules/structs/repo_file.go of Gitea)
	maxPath   = 500

	cleanUp = 20 * time.Second // for removing a branch after the caller gave up
)

// Commit implements providers.Committer.
//
// The server makes commits on branches only, and guards files, not heads: each
// one must be as it was read, so a commit may land on a newer head. It does not
// force its push, so no other commit is lost. A new branch is made by its first
// commit where a branch is known to be at Parent, and else at Parent before. A
// branch is rebuilt by a commit that is made on a branch next to it, whose name
// ends in .rebuild- and a number, and by a push with a lease on Head; servers
// before Gitea 1.26, and Forgejo, cannot do that.
func (r *repository) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	act := fmt.Sprintf("commit to %s of %s", c.Branch, r.path)
	sha, err := r.write(ctx, c)
	return sha, r.forge.fail(act, err)
}

func (r *repository) write(ctx context.Context, c providers.CommitRequest) (string, error) {
	if err := r.writable(c); err != nil {
		return "", err
	}
	operations, err := r.operations(ctx, c)
	if err != nil {
		return "", err
	}
	switch c.Head {
	case c.Parent:
		made, err := r.change(ctx, c, c.Branch, operations)
		return made.SHA, err
	case "":
		return r.begin(ctx, c, operations)
	}
	return r.rebuild(ctx, c, operations)
}

// begin makes a branch with a commit on Parent. Made in one request it is one
// push, and starts whatever the repository has started by pushes once.
func (r *repository) begin(ctx context.Context, c providers.CommitRequest, operations []*sdk.ChangeFileOperation) (string, error) {
	if c.Parent == "" {
		made, err := r.change(ctx, c, c.Branch, operations) // in an empty repository
		return made.SHA, err
	}
	if from := r.branchAt(c.Parent, c.Branch); from != "" {
		made, err := r.change(ctx, c, from, operations)
		if err == nil && slices.Equal(made.Parents, []string{c.Parent}) {
			return made.SHA, nil
		}
		if err == nil {
			r.abandon(ctx, c.Branch, made.SHA)
		} else if !errors.Is(err, errMoved) {
			return "", err
		}
		r.forget(from) // it moved meanwhile
	}
	if err := r.newBranch(ctx, c.Branch, c.Parent); err != nil {
		return "", err
	}
	made, err := r.change(ctx, c, c.Branch, operations)
	if err != nil && !isLost(err) {
		r.abandon(ctx, c.Branch, c.Parent)
	}
	return made.SHA, err
}

// errMoved says that the branch from which another one was to be made is not as
// it was seen.
var errMoved = errors.New("moved")

// writable refuses what the server would refuse with less words.
func (r *repository) writable(c providers.CommitRequest) error {
	if len([]rune(c.Branch)) > maxBranch {
		return fault.New(fault.Refused, "give a shorter name",
			"the branch %s has more than %d characters, which Gitea refuses", c.Branch, maxBranch)
	}
	if strings.HasPrefix(c.Branch, "-") {
		return fault.New(fault.Refused, "give another name", "Gitea writes to no branch whose name begins with -, such as %s", c.Branch)
	}
	for _, change := range c.Changes {
		if len([]rune(change.Path)) > maxPath {
			return fault.New(fault.Refused, "give a shorter name",
				"%s has more than %d characters, which Gitea refuses", change.Path, maxPath)
		}
		if change.Before != nil && !change.Before.Mode.IsFile() {
			return fault.New(fault.Refused, "edit what it stands for", "%s is no file", change.Path)
		}
	}
	return nil
}

func (r *repository) operations(ctx context.Context, c providers.CommitRequest) ([]*sdk.ChangeFileOperation, error) {
	var unknown []string
	for _, change := range c.Changes {
		if change.Before != nil && change.Before.ID == "" {
			unknown = append(unknown, change.Path)
		}
	}
	var entries map[string]providers.Entry
	if len(unknown) > 0 {
		var err error
		if entries, err = r.entries(ctx, c.Parent, unknown); err != nil {
			return nil, err
		}
	}
	operations := make([]*sdk.ChangeFileOperation, len(c.Changes))
	for i, change := range c.Changes {
		op := &sdk.ChangeFileOperation{Operation: "update", Path: change.Path, Content: base64.StdEncoding.EncodeToString(change.Content)}
		if change.Before == nil {
			op.Operation = "create"
		} else if op.SHA = change.Before.ID; op.SHA == "" {
			e, ok := entries[change.Path]
			if !ok {
				return nil, refuse(providers.ErrConflict, nil, "run it again", change.Path+" is not there")
			}
			op.SHA = e.ID
		}
		if change.Content == nil {
			op.Operation, op.Content = "delete", ""
			if change.Before == nil {
				return nil, refuse(providers.ErrConflict, nil, "run it again", change.Path+" is to be removed and is not there")
			}
		}
		operations[i] = op
	}
	return operations, nil
}

// change makes a commit on a branch, or on the head of another one from which
// the branch is made; if that one is to blame for what fails it wraps errMoved.
func (r *repository) change(ctx context.Context, c providers.CommitRequest, from string, operations []*sdk.ChangeFileOperation) (providers.Commit, error) {
	none := providers.Commit{}
	options := sdk.ChangeFilesOptions{Files: operations, Message: c.Message, Branch: from}
	if from != c.Branch {
		options.NewBranch = c.Branch
	}
	if c.Author != nil {
		options.Author = sdk.Identity{Name: c.Author.Name, Email: c.Author.Email}
	}
	reply, _, err := r.forge.sdk(ctx).ChangeFiles(r.owner, r.name, options)
	if err == nil {
		if reply.Commit == nil || !isSHA(reply.Commit.SHA) {
			return none, &strangeError{r.forge.host, "the reply tells of no commit"}
		}
		r.remember(c.Branch, reply.Commit.SHA)
		made := providers.Commit{SHA: reply.Commit.SHA}
		for _, parent := range reply.Commit.Parents {
			made.Parents = append(made.Parents, parent.SHA)
		}
		return made, nil
	}
	says := saysOf(err)
	switch status := statusOf(err); {
	case status == http.StatusUnprocessableEntity && strings.Contains(says, "branch already exists"):
		return none, refuse(providers.ErrConflict, err, "run it again: it is read anew", "the branch "+c.Branch+" came into being meanwhile")
	case from != c.Branch && (status == http.StatusNotFound || status == http.StatusUnprocessableEntity && isStale(says)):
		return none, fmt.Errorf("%w: %w", errMoved, err)
	case status == http.StatusUnprocessableEntity && isStale(says):
		return none, refuse(providers.ErrConflict, err, "run it again: it is read anew", "a file of "+from+" changed meanwhile")
	case status == http.StatusUnprocessableEntity:
		return none, refuse(providers.ErrForbidden, err, "see what stands in the way in the repository", "commit to "+c.Branch+" of "+r.path)
	case status == http.StatusNotFound:
		// The branch, a file on it, or all of the repository.
		if _, lookErr := r.get(ctx); lookErr != nil {
			return none, err
		}
		return none, refuse(providers.ErrConflict, err, "run it again: it is read anew", from+", or a file of it, is gone meanwhile")
	case status == http.StatusForbidden && !isRace(says):
		return none, r.forbidden(err, c.Branch)
	case status == http.StatusForbidden || isUnanswered(err):
		return r.lookAfter(ctx, c, err)
	}
	return none, err
}

// isRace reports whether a push was refused by git, and not by a rule: another
// one was quicker.
func isRace(says string) bool {
	return strings.Contains(says, "lock ref") || strings.Contains(says, "failed to update ref")
}

// isStale reports whether a message is one of those by which the guard of a file
// fails: ErrSHADoesNotMatch and ErrRepoFileAlreadyExists of Gitea, and what
// Forgejo says in their place.
func isStale(says string) bool {
	return strings.Contains(says, "sha does not match") || strings.Contains(says, "already exists")
}

// forbidden says why a branch must not be written to.
func (r *repository) forbidden(err error, branch string) error {
	if scope, _ := missingScope(saysOf(err)); scope != "" {
		return err
	}
	return refuse(providers.ErrForbidden, err,
		"let the account of the token push to it in the repository's branch protection, or give it write access",
		"the token must not push to "+branch+" of "+r.path)
}

// lookAfter finds out what became of a commit that was answered with 500, as a
// push that lost against another one is, or not answered at all.
func (r *repository) lookAfter(ctx context.Context, c providers.CommitRequest, err error) (providers.Commit, error) {
	none := providers.Commit{}
	head, lookErr := r.ref(ctx, c.Branch)
	if statusOf(lookErr) == http.StatusNotFound {
		if inTheWay := r.inTheWay(ctx, c.Branch); inTheWay != "" {
			return none, r.nameTaken(err, c.Branch, inTheWay)
		}
	}
	if lookErr != nil || head == c.Head {
		if isRace(saysOf(err)) {
			return none, r.moved(c, nil)
		}
		return none, err
	}
	if head != c.Parent {
		commits, lookErr := r.log(ctx, logQuery{sha: head, not: c.Parent, limit: pageSize})
		if lookErr != nil {
			return none, err
		}
		for _, candidate := range commits {
			if strings.TrimSpace(candidate.Message) != strings.TrimSpace(c.Message) {
				continue
			}
			ours, lookErr := r.has(ctx, candidate.SHA, c.Changes)
			if lookErr != nil {
				return none, err
			}
			if ours {
				return candidate, nil
			}
		}
	}
	if isLost(err) {
		return none, err
	}
	return none, r.moved(c, nil)
}

// ref returns where a branch is in git itself, which knows before the server
// does.
func (r *repository) ref(ctx context.Context, branch string) (string, error) {
	refs, err := r.refs(ctx, branch)
	if err != nil {
		return "", err
	}
	for _, ref := range refs {
		if ref.Ref == "refs/heads/"+branch {
			return ref.Object.SHA, nil
		}
	}
	return "", &replyError{method: http.MethodGet, path: "git/refs", status: http.StatusNotFound}
}

// gitRef is a ref of git.
type gitRef struct {
	Ref    string
	Object struct{ SHA string }
}

// refs returns the branch of a name and those that have it as their folder.
func (r *repository) refs(ctx context.Context, branch string) ([]gitRef, error) {
	if !canBeRef(branch) {
		return nil, &replyError{method: http.MethodGet, path: "git/refs", status: http.StatusNotFound}
	}
	var refs []gitRef
	_, err := r.forge.do(ctx, call{method: http.MethodGet, path: r.below("git", "refs", "heads", branch), out: &refs})
	return refs, err
}

// has reports whether a commit has all the changes.
func (r *repository) has(ctx context.Context, sha string, changes []providers.Change) (bool, error) {
	paths := make([]string, len(changes))
	for i, change := range changes {
		paths[i] = change.Path
	}
	entries, err := r.entries(ctx, sha, paths)
	if err != nil {
		return false, err
	}
	for _, change := range changes {
		e, ok := entries[change.Path]
		if ok != (change.Content != nil) || ok && e.ID != blobID(change.Content, len(sha)) {
			return false, nil
		}
	}
	return true, nil
}

// blobID returns git's id of a file's contents, of as many digits.
func blobID(content []byte, digits int) string {
	blob := append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...)
	if digits == hex.EncodedLen(sha256.Size) {
		sum := sha256.Sum256(blob)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(blob) //nolint:gosec // git's ids
	return hex.EncodeToString(sum[:])
}

// newBranch makes a branch at a commit.
func (r *repository) newBranch(ctx context.Context, name, sha string) error {
	in := map[string]string{"new_branch_name": name, "old_ref_name": sha}
	_, err := r.forge.do(ctx, call{method: http.MethodPost, path: r.below("branches"), in: in})
	if isUnanswered(err) && !isRace(saysOf(err)) {
		// A branch with nothing of its own: whoever made it, it is as it should be.
		if at, lookErr := r.ref(ctx, name); lookErr == nil && at == sha {
			return nil
		}
	}
	switch status := statusOf(err); {
	case err == nil:
		return nil
	case status == http.StatusForbidden && !isRace(saysOf(err)):
		return r.forbidden(err, name)
	case status >= http.StatusForbidden && status <= http.StatusInternalServerError:
		if inTheWay := r.inTheWay(ctx, name); inTheWay != "" {
			return r.nameTaken(err, name, inTheWay)
		}
		if _, lookErr := r.ref(ctx, name); lookErr == nil || status == http.StatusConflict || isRace(saysOf(err)) {
			return refuse(providers.ErrConflict, err, "run it again", "the branch "+name+" came into being meanwhile")
		}
		if _, lookErr := r.commit(ctx, sha); statusOf(lookErr) == http.StatusNotFound {
			return refuse(providers.ErrNotFound, err, "run it again", "there is no commit "+sha)
		}
		if status == http.StatusUnprocessableEntity {
			return refuse(providers.ErrForbidden, err, "give another name", name+" can be no branch")
		}
	}
	return err
}

func (r *repository) nameTaken(err error, name, inTheWay string) error {
	return refuse(providers.ErrRefTaken, err, "give another name, or delete "+inTheWay,
		fmt.Sprintf("there is a branch %s, so there can be no %s", inTheWay, name))
}

// inTheWay returns the branch that has a part of the name as its own, or has the
// name as a part: git keeps branches like files, and no file is a folder too.
func (r *repository) inTheWay(ctx context.Context, name string) string {
	for i, c := range name {
		if c != '/' {
			continue
		}
		if _, err := r.ref(ctx, name[:i]); err == nil {
			return name[:i]
		}
	}
	refs, err := r.refs(ctx, name)
	if err != nil {
		return ""
	}
	for _, ref := range refs {
		if branch := strings.TrimPrefix(ref.Ref, "refs/heads/"); strings.HasPrefix(branch, name+"/") {
			return branch
		}
	}
	return ""
}

// abandon deletes a branch that was made for nothing, if it is as it was made.
// It must happen even if the caller gave up, and cannot do more than fail.
func (r *repository) abandon(ctx context.Context, name, sha string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	_ = r.DeleteBranch(ctx, name, sha)
}

// rebuild moves a branch from Head to a new commit on Parent.
func (r *repository) rebuild(ctx context.Context, c providers.CommitRequest, operations []*sdk.ChangeFileOperation) (string, error) {
	if r.forge.noRefMove.Load() {
		return "", r.cannotMove(nil)
	}
	// Looked at first, so that a branch that moved costs one request.
	if at, err := r.branch(ctx, c.Branch); err != nil || at != c.Head {
		return "", r.moved(c, err)
	}
	const suffix = ".rebuild-"
	aside := c
	name := []rune(c.Branch)
	aside.Branch = fmt.Sprintf("%s%s%08x", string(name[:min(len(name), maxBranch-len(suffix)-8)]), suffix, rand.Uint32())
	aside.Head = ""
	sha, err := r.begin(ctx, aside, operations)
	if err != nil {
		return "", err
	}
	defer r.abandon(ctx, aside.Branch, sha)
	_, _, err = r.forge.sdk(ctx).UpdateRepoBranchRef(r.owner, r.name, c.Branch,
		sdk.UpdateRepoBranchRefOption{NewCommitID: sha, OldCommitID: c.Head, Force: true})
	switch statusOf(err) {
	case 0:
		if err == nil {
			r.remember(c.Branch, sha)
			return sha, nil
		}
		return "", err
	case http.StatusMethodNotAllowed:
		r.forge.noRefMove.Store(true)
		return "", r.cannotMove(err)
	case http.StatusForbidden:
		if !isRace(saysOf(err)) {
			return "", r.forbidden(err, c.Branch)
		}
	}
	// A lease that fails is 422 or 500, as may be one whose first reply was lost.
	now, lookErr := r.ref(ctx, c.Branch)
	if lookErr == nil && now == sha {
		return sha, nil
	}
	if lookErr != nil || now != c.Head {
		return "", r.moved(c, lookErr)
	}
	return "", err
}

// moved says that a branch is not at Head; err is that of looking.
func (r *repository) moved(c providers.CommitRequest, err error) error {
	if err != nil && statusOf(err) != http.StatusNotFound {
		return err
	}
	return refuse(providers.ErrConflict, err, "run it again: it is read anew", c.Branch+" of "+r.path+" moved meanwhile")
}

func (r *repository) cannotMove(err error) error {
	return &fault.Error{
		Code: fault.Refused, Message: r.forge.host + " cannot move a branch through its API",
		Hint: "update it to Gitea 1.26, or add to the branch instead", Err: &cause{errors.ErrUnsupported, err},
	}
}

// DeleteBranch implements providers.BranchDeleter.
func (r *repository) DeleteBranch(ctx context.Context, name, sha string) error {
	act := fmt.Sprintf("delete %s of %s", name, r.path)
	at, err := r.branch(ctx, name)
	if statusOf(err) == http.StatusNotFound {
		_, err = r.get(ctx)
		return r.forge.fail(act, err)
	}
	if err != nil {
		return r.forge.fail(act, err)
	}
	if at != sha {
		return refuse(providers.ErrConflict, nil, "look what was pushed to it", name+" of "+r.path+" moved meanwhile")
	}
	_, _, err = r.forge.sdk(ctx).DeleteRepoBranch(r.owner, r.name, name)
	switch statusOf(err) {
	case http.StatusNotFound:
		return nil
	case http.StatusForbidden:
		err = r.forbidden(err, name)
	}
	return r.forge.fail(act, err)
}
