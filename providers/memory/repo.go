package memory

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// RepoOptions say how a repository begins. The zero value is a private, empty
// repository whose branch will be main.
type RepoOptions struct {
	DefaultBranch string          // "" means main
	Files         map[string]File // of the first commit; nil makes none
	Author        string          // login of who made the first commit and the repository; may be ""
	Members       map[string]providers.Permission
	Public        bool // everybody may read
}

// File is a file as it is put into a repository. The content of a link is its
// target, that of a submodule the SHA of a commit in hexadecimal.
type File struct {
	Mode    providers.Mode
	Content []byte
}

// Repo is a repository.
type Repo struct {
	forge *Forge
	path  string
	id    int64

	mu    sync.Mutex
	state *State
}

// AddRepo adds a repository in place of any that has its path.
func (f *Forge) AddRepo(path string, o RepoOptions) (*Repo, error) {
	if o.DefaultBranch == "" {
		o.DefaultBranch = "main"
	}
	r := &Repo{forge: f, path: path, id: f.NextID()}
	r.state = &State{
		repo:          r,
		DefaultBranch: o.DefaultBranch,
		Public:        o.Public,
		Created:       f.Now(),
		Branches:      map[string]string{},
		Tags:          map[string]string{},
		Members:       map[string]providers.Permission{},
		Teams:         map[string][]string{},
		Protected:     map[string]Protection{},
		Labels:        map[string]string{},
		Statuses:      map[string][]*Status{},
		Reports:       map[string][]*Report{},
		objects:       newObjects(),
	}
	for login, p := range o.Members {
		r.state.Members[strings.ToLower(login)] = p
	}
	f.mu.Lock()
	f.repos[strings.ToLower(path)] = r
	f.mu.Unlock()
	if o.Files == nil {
		return r, nil
	}
	return r, r.Do(func(s *State) error {
		_, err := s.Push(Push{Branch: o.DefaultBranch, Actor: o.Author, Message: "Initial commit", Files: pointers(o.Files)})
		return err
	})
}

func pointers(files map[string]File) map[string]*File {
	out := make(map[string]*File, len(files))
	for path, file := range files {
		out[path] = &file
	}
	return out
}

// Path returns the path, as it was written when the repository was added.
func (r *Repo) Path() string { return r.path }

// ID returns a number that no other thing on the forge has.
func (r *Repo) ID() int64 { return r.id }

// URL returns the address for people.
func (r *Repo) URL() string { return r.forge.Server() + "/" + r.path }

// Forge returns the forge that the repository is on.
func (r *Repo) Forge() *Forge { return r.forge }

// Do runs a function with the state of the repository, which nobody else sees
// or changes meanwhile. It must not keep the state, nor call Do of the same
// repository. What it changed stays, even if it returns an error, which is the
// one that Do returns. Listeners hear of what happened after it returned.
func (r *Repo) Do(f func(s *State) error) error {
	heard, err := r.locked(f)
	r.forge.deliver(heard)
	return err
}

func (r *Repo) locked(f func(s *State) error) ([]Delivery, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := f(r.state)
	heard := r.state.heard
	r.state.heard = nil
	return heard, err
}

// State is what a repository holds. Its fields may be read and changed within
// [Repo.Do]; branches, pull requests and statuses are better changed through
// methods, which keep them consistent and tell the listeners.
type State struct {
	DefaultBranch string // there need not be such a branch
	Public        bool
	Archived      bool // nothing can be written
	Created       time.Time
	Branches      map[string]string               // name to SHA; see SetBranch
	Tags          map[string]string               // name to the SHA of a commit
	Members       map[string]providers.Permission // by lower-case login
	Teams         map[string][]string             // slug to logins
	Protected     map[string]Protection           // by the name of a branch
	Labels        map[string]string               // name to colour
	Pulls         []*Pull                         // by number
	Issues        []*Issue                        // by number
	Statuses      map[string][]*Status            // by SHA, the oldest first
	Reports       map[string][]*Report            // by SHA, the oldest first
	Hooks         []*Hook
	Methods       []providers.MergeMethod // by which pull requests can be merged, the preferred one first; empty means all, merge first
	NoAutoMerge   bool                    // pull requests cannot be merged automatically

	repo    *Repo
	objects *objects
	numbers int
	heard   []Delivery
}

// Protection is what a protected branch demands.
type Protection struct {
	Push      providers.Permission // who may push; more than CanAdmin means nobody
	Checks    []string             // names that must have passed before a merge
	Approvals int                  // that a merge needs
}

// Nobody is a permission that nobody has.
const Nobody = providers.CanAdmin + 1

// Hook is a webhook.
type Hook struct {
	ID     int64
	URL    string
	Secret string
	Events []string // in the words of the imitated forge
	Active bool
}

// Issue is an issue. Issues and pull requests share their numbers.
type Issue struct {
	Number           int
	Title, Body      string
	Open             bool
	Author           string // login
	Created, Updated time.Time
}

// Repo returns whose state it is.
func (s *State) Repo() *Repo { return s.repo }

// NextNumber returns the number for a new pull request or issue.
func (s *State) NextNumber() int {
	s.numbers++
	return s.numbers
}

// Permission returns what an account may do, by its login.
func (s *State) Permission(login string) providers.Permission {
	p := s.Members[strings.ToLower(login)]
	if p == providers.NoAccess && s.Public {
		return providers.CanRead
	}
	return p
}

// CanPush reports whether an account may push to a branch.
func (s *State) CanPush(login, branch string) bool {
	need := providers.CanWrite
	if p, ok := s.Protected[branch]; ok {
		need = max(need, p.Push)
	}
	return !s.Archived && s.Permission(login) >= need
}

// Pull returns the pull request of a number, nil if there is none.
func (s *State) Pull(number int) *Pull {
	i, ok := slices.BinarySearchFunc(s.Pulls, number, func(p *Pull, n int) int { return cmp.Compare(p.Number, n) })
	if !ok {
		return nil
	}
	return s.Pulls[i]
}

// Issue returns the issue of a number, nil if there is none.
func (s *State) Issue(number int) *Issue {
	for _, i := range s.Issues {
		if i.Number == number {
			return i
		}
	}
	return nil
}

// OpenIssue adds an issue.
func (s *State) OpenIssue(actor, title, body string) *Issue {
	now := s.repo.forge.Now()
	i := &Issue{Number: s.NextNumber(), Title: title, Body: body, Open: true, Author: actor, Created: now, Updated: now}
	s.Issues = append(s.Issues, i)
	return i
}

// BranchNames returns the names of the branches, sorted.
func (s *State) BranchNames() []string { return slices.Sorted(maps.Keys(s.Branches)) }

// Resolve returns the SHA of the commit that a branch, a tag or a full SHA
// names, in this order, "" if there is none.
func (s *State) Resolve(ref string) string {
	if sha, ok := s.Branches[ref]; ok {
		return sha
	}
	if sha, ok := s.Tags[ref]; ok {
		return sha
	}
	if c := s.Commit(ref); c != nil {
		return c.SHA
	}
	return ""
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
