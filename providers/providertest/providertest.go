// Package providertest owns the suite that every driver passes: what the
// contract in package providers promises, tried on a repository of the forge.
//
// It knows no forge. What differs between them, and what the suite needs beyond
// the contract, such as a person who pushes, a driver's test says in a
// [Harness].
package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Harness is what a driver's test supplies.
type Harness struct {
	// New makes a private repository, whose default branch is main, with one
	// commit of these files, or an empty one for nil. It is the test's alone.
	New func(t *testing.T, files map[string]File) *Fixture

	// Abilities names the optional interfaces that the driver has, such as
	// Labeler; it must have these and no others.
	Abilities []string

	// Methods are the ways to merge, at least one.
	Methods []providers.MergeMethod

	// Receiver reads the webhooks of the forge. Nil leaves them out.
	Receiver providers.Receiver

	// Budget is how many requests are allowed. Zero leaves the counting out.
	Budget Budget

	Rebuilds            bool     // a branch can be moved to a commit on another parent
	MergeGuard          bool     // the forge itself refuses to merge another head than the one that is named
	HeadGuard           bool     // a commit onto a branch that moved is always refused, even if its files did not change
	NoExecutables       bool     // writing an executable file wraps errors.ErrUnsupported
	NoFileModes         bool     // Files calls everything regular; Tree does not
	NoBlobIDs           bool     // trees have no ids
	NoSizes             bool     // trees have no sizes
	NoLinks             bool     // New cannot make links and submodules
	NoRenames           bool     // renames are told as removed and added
	NoPullsOf           bool     // PullsOf wraps errors.ErrUnsupported
	ShortHeads          bool     // the head's SHA of a pull request may be short
	RenewsHooks         bool     // a webhook keeps its secret, so one that is renewed is another one
	AdminForPermissions bool     // Permission wraps errors.ErrUnsupported for all but admins
	RefusedBranches     []string // of the names that the suite tries, those that the forge does not take
	RefusedPaths        []string // likewise for files
	LeavesOutPaging     bool     // another harness of the driver runs the group Paging, which is slow
}

// Budget is how many requests a run of towpath may make with files that are
// known beforehand.
type Budget struct {
	Open    int // to open a first pull request
	Nothing int // to find that nothing is to do
	PerFile int // for each file on top of it
}

// Fixture is a repository of a test, and the world around it. Functions that
// are nil leave out the tests that need them.
type Fixture struct {
	Path string // as the driver's Repository takes it

	// As returns the driver for the repository as an account sees it. It waits
	// for nothing in real time.
	As func(t testing.TB, who Who) providers.Repository

	// User returns the account, with its id and login.
	User func(who Who) providers.User

	// Wire is under the driver of Writer, nil if it uses no HTTP.
	Wire *Wire

	// Push makes a commit outside of the driver, as a person would, by Admin.
	Push func(t testing.TB, p Push) (sha string)

	// Pushes makes several such commits, on one branch or several, in one go. Nil
	// means one Push after the other.
	Pushes func(t testing.TB, pushes []Push) (shas []string)

	// Tag makes a tag.
	Tag func(t testing.TB, name, sha string)

	// Review says that an account approves the head of a pull request, or asks
	// for changes.
	Review func(t testing.TB, number int, who Who, approve bool)

	// Protect forbids Writer to push to a branch, directly or by a merge.
	Protect func(t testing.TB, branch string)

	// Require lets pull requests into a branch be merged only if a check has
	// passed.
	Require func(t testing.TB, branch, check string)

	// Archive makes the repository read-only.
	Archive func(t testing.TB)

	// ForkPull opens a pull request into main from a branch of a fork, and
	// returns its number.
	ForkPull func(t testing.TB, branch string) int

	// Team makes a team that Reader belongs to and Stranger does not.
	Team func(t testing.TB) (name string)

	// Hook registers a webhook for all that Receiver knows.
	Hook func(t testing.TB, url string, secret []byte)
}

// Who is an account.
type Who string

// The accounts.
const (
	Writer   Who = "writer"   // may write; whom most tests act as
	Admin    Who = "admin"    // may administer
	Reader   Who = "reader"   // may read
	Stranger Who = "stranger" // has an account, and no right in the repository
	Wrong    Who = "wrong"    // a token that is none
)

// File is a file to begin with. The content of a link is its target, that of a
// submodule the id of a commit in hexadecimal.
type File struct {
	Mode    providers.Mode
	Content string
}

// Push is a commit that a person pushes.
type Push struct {
	Branch  string            // made if it is not there
	From    string            // branch or SHA that a new branch begins at; "" means main
	Message string            // "" means any
	Files   map[string]string // the new contents of regular files
	Remove  []string
	Rename  map[string]string // old to new path
}

// group is a part of the suite.
type group struct {
	name  string
	tests map[string]func(*scene)
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	run(t, h, true, []group{
		{"Read", readTests},
		{"Commit", commitTests},
		{"Names", nameTests},
		{"History", historyTests},
		{"Pulls", pullTests},
		{"Merge", mergeTests},
		{"Comments", commentTests},
		{"Statuses", statusTests},
		{"Accounts", accountTests},
		{"Abilities", abilityTests},
		{"Paging", pagingTests},
		{"Wire", wireTests},
		{"AtOnce", atOnceTests},
		{"Hooks", hookTests},
	})
}

func run(t *testing.T, h Harness, isForge bool, groups []group) {
	t.Helper()
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			if group.name == "Paging" && h.LeavesOutPaging {
				t.Skip("another harness of the driver runs it")
			}
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // a real forge on a busy machine takes its time
					t.Cleanup(cancel)
					test(&scene{T: t, ctx: ctx, h: h, isForge: isForge})
				})
			}
		})
	}
}

// scene is one test: the repository that it has made and what it knows of it.
type scene struct {
	*testing.T
	ctx context.Context
	h   Harness

	isForge bool // it has pull requests and accounts

	f    *Fixture
	r    providers.Repository // as Writer sees it
	base string               // where main was at the beginning
}

// begin makes the repository.
func (s *scene) begin(files map[string]File) {
	s.Helper()
	s.f = s.h.New(s.T, files)
	s.r = s.f.As(s.T, Writer)
	if files != nil {
		s.base = s.resolve("main")
	}
}

// beginWith makes a repository of regular files.
func (s *scene) beginWith(files map[string]string) {
	s.Helper()
	s.begin(regular(files))
}

func regular(files map[string]string) map[string]File {
	out := map[string]File{}
	for path, content := range files {
		out[path] = File{Content: content}
	}
	return out
}

// needs skips a test that needs what the fixture has not.
func (s *scene) needs(has bool, what string) {
	s.Helper()
	if !has {
		s.Skip("this forge's test has no " + what)
	}
}

// check ends the test if err is not nil.
func (s *scene) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("got the error %v", err)
	}
}

// is wants an error that wraps another one.
func (s *scene) is(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("got the error %v, want one that wraps %q", err, want)
	}
}

// fault wants an error that a person can act on, wrapping one of want if there
// are any, and returns its text.
func (s *scene) fault(err error, want ...error) string {
	s.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		s.Fatalf("got the error %v, want a *fault.Error", err)
	}
	if f.Message == "" || strings.ContainsRune(f.Message, '\n') || strings.HasSuffix(f.Message, ".") {
		s.Errorf("the message %q is not one line without a full stop", f.Message)
	}
	if f.Hint == "" {
		s.Errorf("the fault %q has no hint", f.Message)
	}
	if len(want) > 0 && !slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) }) {
		s.Errorf("got the error %v, want one that wraps one of %v", err, want)
	}
	return f.Error()
}

// eventually tries until it gets no error: real forges do some things a little
// later.
func (s *scene) eventually(what string, try func() error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Fatalf("%s: %v", what, err)
		}
	}
}

func (s *scene) resolve(ref string) string {
	s.Helper()
	sha, err := s.r.Resolve(s.ctx, ref)
	s.check(err)
	return sha
}

// read returns the contents of files at a commit, those that are there.
func (s *scene) read(sha string, paths ...string) map[string]string {
	s.Helper()
	files, err := s.r.Files(s.ctx, sha, paths)
	s.check(err)
	out := map[string]string{}
	for path, f := range files {
		out[path] = string(f.Content)
	}
	return out
}

// changes are those that give files new contents at a commit.
func (s *scene) changes(parent string, files map[string]string) []providers.Change {
	s.Helper()
	out, err := changesAt(s.ctx, s.r, parent, files)
	s.check(err)
	return out
}

func changesAt(ctx context.Context, r providers.Repository, parent string, files map[string]string) ([]providers.Change, error) {
	var paths []string
	for path := range files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	before, err := r.Files(ctx, parent, paths)
	if err != nil {
		return nil, err
	}
	var out []providers.Change
	for _, path := range paths {
		c := providers.Change{Path: path, Content: []byte(files[path])}
		if f, ok := before[path]; ok {
			c.Before = &f.Entry
		}
		out = append(out, c)
	}
	return out, nil
}

// branch makes a branch with a commit on main that gives files new contents.
func (s *scene) branch(name string, files map[string]string) string {
	s.Helper()
	parent := s.resolve("main")
	sha, err := s.r.Commit(s.ctx, providers.CommitRequest{
		Branch: name, Parent: parent, Message: "Change " + name, Changes: s.changes(parent, files),
	})
	s.check(err)
	return sha
}

// open makes a branch with one new file and opens a pull request for it.
func (s *scene) open(branch string) providers.PullRequest {
	s.Helper()
	s.branch(branch, map[string]string{"new/" + branch + ".txt": branch + "\n"})
	p, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: branch, Base: "main", Title: "Open " + branch, Body: "The body."})
	s.check(err)
	return p
}

// sameSHA reports whether the head of a pull request is at sha.
func (s *scene) sameSHA(got, want string) bool {
	if s.h.ShortHeads && len(got) >= 7 {
		return strings.HasPrefix(want, got)
	}
	return got == want
}

// pullAt waits until the forge has seen that the head of a pull request moved.
func (s *scene) pullAt(number int, sha string) providers.PullRequest {
	s.Helper()
	var p providers.PullRequest
	s.eventually("the head of the pull request moves", func() error {
		var err error
		p, err = s.r.Pull(s.ctx, number)
		if err == nil && !s.sameSHA(p.Head.SHA, sha) {
			err = fmt.Errorf("it is at %s, want %s", p.Head.SHA, sha)
		}
		return err
	})
	return p
}

// pullMerged waits until a pull request is merged.
func (s *scene) pullMerged(number int) providers.PullRequest {
	s.Helper()
	var p providers.PullRequest
	s.eventually("the pull request is merged", func() error {
		var err error
		p, err = s.r.Pull(s.ctx, number)
		if err == nil && p.State != providers.Merged {
			err = fmt.Errorf("it is %s", p.State)
		}
		return err
	})
	return p
}
