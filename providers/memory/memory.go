// Package memory owns a forge that lives in memory: accounts, repositories with
// real git objects, pull requests, comments and statuses, and a driver over
// them. It is what tests, and people who try towpath, run commands against.
//
// [Forge] and [Repo] hold the state; [Repo.Do] gives a function the whole of one
// repository at once, so that servers which imitate a forge can be built on it.
// [Forge.Repository] is the driver, without HTTP in between.
//
// It does not keep anything beyond the life of the process, does not speak
// git's protocol, and knows neither signatures nor LFS.
package memory

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// Options say what kind of forge it is. The zero value is fine.
type Options struct {
	Server string           // URL for people, without a slash at its end; "" means https://memory.test
	Now    func() time.Time // nil means time.Now

	// KeepPulls leaves a pull request open when its branch is deleted or comes
	// to have nothing that its base has not. GitHub closes it then, GitLab and
	// Bitbucket do not.
	KeepPulls bool
}

// Forge is a forge. Its methods may be called from several goroutines.
type Forge struct {
	options Options
	ids     atomic.Int64

	mu       sync.RWMutex
	accounts map[string]*Account // by lower-case login
	tokens   map[string]Token
	repos    map[string]*Repo // by lower-case path
	hear     []func(Delivery)
}

// New returns a forge without accounts and repositories.
func New(o Options) *Forge {
	if o.Server == "" {
		o.Server = "https://memory.test"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Forge{
		options:  o,
		accounts: map[string]*Account{},
		tokens:   map[string]Token{},
		repos:    map[string]*Repo{},
	}
}

// Server returns the URL of the forge for people.
func (f *Forge) Server() string { return f.options.Server }

// Now returns the time, cut to seconds as git and most forges keep it, in UTC.
func (f *Forge) Now() time.Time { return f.options.Now().UTC().Truncate(time.Second) }

// NextID returns a number that no other thing on the forge has: of an account,
// comment, review, status, report or hook.
func (f *Forge) NextID() int64 { return f.ids.Add(1) }

// Account is who can do something. Logins are compared without regard to case.
type Account struct {
	ID    int64 // 0 is replaced when it is added
	Login string
	Name  string // "" is replaced by the login
	Email string // "" is replaced by one made of the login
	Bot   bool

	// Token, if it is not "", is a token of the account that may do all that the
	// account may. [Forge.AddToken] adds lesser ones.
	Token  string
	Scopes []string // of Token, in the words of the forge that is imitated
}

// User returns the account in the words of the contract.
func (a Account) User() providers.User {
	return providers.User{ID: itoa(a.ID), Login: a.Login, Name: a.Name, Bot: a.Bot}
}

// Identity returns whom commits of the account are by.
func (a Account) Identity() providers.Identity {
	return providers.Identity{Name: a.Name, Email: a.Email}
}

// Token is a credential of an account. The zero fields take nothing away.
type Token struct {
	Value    string
	Login    string
	Kind     string   // what the imitated forge tells apart by, such as job or installation; may be ""
	Scopes   []string // in the words of the imitated forge; the driver of this package heeds none
	Expired  bool     // known and of no use
	ReadOnly bool     // may write nothing
	NoPulls  bool     // may not open pull requests, as GITHUB_TOKEN may not by default
}

// AddAccount adds an account, or replaces the one of that login, and returns it
// with what was filled in.
func (f *Forge) AddAccount(a Account) Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := strings.ToLower(a.Login)
	if old, ok := f.accounts[key]; ok && a.ID == 0 {
		a.ID = old.ID
	}
	if a.ID == 0 {
		a.ID = f.NextID()
	}
	if a.Name == "" {
		a.Name = a.Login
	}
	if a.Email == "" {
		a.Email = key + "@users.noreply.memory.test"
	}
	f.accounts[key] = &a
	if a.Token != "" {
		f.tokens[a.Token] = Token{Value: a.Token, Login: a.Login, Scopes: a.Scopes}
	}
	return a
}

// AddToken adds a credential of an account that is there.
func (f *Forge) AddToken(t Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens[t.Value] = t
}

// AccountOf returns whose a token is, false if there is none such or it is
// expired.
func (f *Forge) AccountOf(token string) (Account, Token, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	t, ok := f.tokens[token]
	if !ok || t.Expired || token == "" {
		return Account{}, Token{}, false
	}
	a, ok := f.accounts[strings.ToLower(t.Login)]
	if !ok {
		return Account{}, Token{}, false
	}
	return *a, t, true
}

// Account returns the account of a login.
func (f *Forge) Account(login string) (Account, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if a, ok := f.accounts[strings.ToLower(login)]; ok {
		return *a, true
	}
	return Account{}, false
}

// Accounts returns all accounts, sorted by id.
func (f *Forge) Accounts() []Account {
	f.mu.RLock()
	defer f.mu.RUnlock()
	all := make([]Account, 0, len(f.accounts))
	for _, a := range f.accounts {
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b Account) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// AccountByID returns the account with an id.
func (f *Forge) AccountByID(id int64) (Account, bool) {
	return f.find(func(a *Account) bool { return a.ID == id })
}

// AccountByEmail returns the account with an address, by which commits are
// credited.
func (f *Forge) AccountByEmail(email string) (Account, bool) {
	return f.find(func(a *Account) bool { return strings.EqualFold(a.Email, email) })
}

func (f *Forge) find(fits func(*Account) bool) (Account, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, a := range f.accounts {
		if fits(a) {
			return *a, true
		}
	}
	return Account{}, false
}

// user returns an account in the words of the contract, and one that is gone
// with its login alone.
func (f *Forge) user(login string) providers.User {
	if a, ok := f.Account(login); ok {
		return a.User()
	}
	return providers.User{Login: login}
}

// Repo returns the repository with a path, whose case does not matter.
func (f *Forge) Repo(path string) (*Repo, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	r, ok := f.repos[strings.ToLower(path)]
	return r, ok
}

// Repos returns all repositories, sorted by path.
func (f *Forge) Repos() []*Repo {
	f.mu.RLock()
	defer f.mu.RUnlock()
	all := slices.Collect(maps.Values(f.repos))
	slices.SortFunc(all, func(a, b *Repo) int { return strings.Compare(a.path, b.path) })
	return all
}

// RemoveRepo deletes a repository.
func (f *Forge) RemoveRepo(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.repos, strings.ToLower(path))
}
