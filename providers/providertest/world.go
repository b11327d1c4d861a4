package providertest

import (
	"fmt"
	"testing"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// Token is that of an account on a forge in memory, as [OverMemory] makes them;
// that of Wrong is none.
func Token(who Who) string { return "token-of-" + string(who) }

// OverMemory makes a repository, and the accounts if need be, on a forge in
// memory, on which servers that imitate a forge are built. The fixture lacks As,
// Wire and Hook, and User has the ids of package memory.
func OverMemory(t testing.TB, forge *memory.Forge, files map[string]File) (*Fixture, *memory.Repo) {
	t.Helper()
	for _, who := range []Who{Writer, Admin, Reader, Stranger} {
		if _, ok := forge.Account(string(who)); !ok {
			forge.AddAccount(memory.Account{Login: string(who), Token: Token(who)})
		}
	}
	o := memory.RepoOptions{
		Author: string(Admin),
		Members: map[string]providers.Permission{
			string(Writer): providers.CanWrite, string(Admin): providers.CanAdmin, string(Reader): providers.CanRead,
		},
	}
	if files != nil {
		o.Files = map[string]memory.File{}
		for path, f := range files {
			o.Files[path] = memory.File{Mode: f.Mode, Content: []byte(f.Content)}
		}
	}
	path := fmt.Sprintf("acme/config-%d", forge.NextID())
	repo, err := forge.AddRepo(path, o)
	if err != nil {
		t.Fatal(err)
	}
	w := world{forge: forge, repo: repo}
	return &Fixture{
		Path:     path,
		User:     w.user,
		Push:     w.push,
		Tag:      w.tag,
		Review:   w.review,
		Protect:  w.protect,
		Require:  w.require,
		Archive:  w.archive,
		ForkPull: w.forkPull,
		Team:     w.team,
	}, repo
}

// world does to a repository in memory what a fixture is asked to.
type world struct {
	forge *memory.Forge
	repo  *memory.Repo
}

func (w world) do(t testing.TB, f func(s *memory.State) error) {
	t.Helper()
	if err := w.repo.Do(f); err != nil {
		t.Fatal(err)
	}
}

func (w world) user(who Who) providers.User {
	a, _ := w.forge.Account(string(who))
	return a.User()
}

func (w world) push(t testing.TB, p Push) string {
	t.Helper()
	var sha string
	w.do(t, func(s *memory.State) error {
		files := map[string]*memory.File{}
		for path, content := range p.Files {
			files[path] = &memory.File{Content: []byte(content)}
		}
		from := p.Branch
		if _, ok := s.Branches[from]; !ok {
			if from = p.From; from == "" {
				from = s.DefaultBranch
			}
		}
		for before, after := range p.Rename {
			e := s.Commit(s.Resolve(from)).Files[before]
			content, _ := s.Blob(e.ID)
			files[before], files[after] = nil, &memory.File{Mode: e.Mode, Content: content}
		}
		for _, path := range p.Remove {
			files[path] = nil
		}
		c, err := s.Push(memory.Push{Branch: p.Branch, From: p.From, Actor: string(Admin), Message: p.Message, Files: files})
		if err == nil {
			sha = c.SHA
		}
		return err
	})
	return sha
}

func (w world) tag(t testing.TB, name, sha string) {
	t.Helper()
	w.do(t, func(s *memory.State) error {
		s.Tags[name] = sha
		return nil
	})
}

func (w world) review(t testing.TB, number int, who Who, approve bool) {
	t.Helper()
	w.do(t, func(s *memory.State) error {
		verdict := memory.Rejected
		if approve {
			verdict = memory.Approved
		}
		s.AddReview(s.Pull(number), string(who), verdict, "")
		return nil
	})
}

func (w world) protect(t testing.TB, branch string) {
	t.Helper()
	w.do(t, func(s *memory.State) error {
		s.Protected[branch] = memory.Protection{Push: providers.CanAdmin}
		return nil
	})
}

func (w world) require(t testing.TB, branch, check string) {
	t.Helper()
	w.do(t, func(s *memory.State) error {
		s.Protected[branch] = memory.Protection{Checks: []string{check}}
		return nil
	})
}

func (w world) archive(t testing.TB) {
	t.Helper()
	w.do(t, func(s *memory.State) error {
		s.Archived = true
		return nil
	})
}

func (w world) forkPull(t testing.TB, branch string) int {
	t.Helper()
	number := 0
	w.do(t, func(s *memory.State) error {
		base := s.Commit(s.Branches["main"])
		c, err := s.NewCommit(memory.NewCommit{
			Files:   s.Put(base.Files, map[string]*memory.File{"fork.txt": {Content: []byte("fork\n")}}),
			Parents: []string{base.SHA}, Message: "From a fork", Author: s.SignatureOf(string(Stranger)),
		})
		if err != nil {
			return err
		}
		p, err := s.OpenPull(memory.NewPull{
			Head: branch, Base: "main", Fork: "stranger/config", SHA: c.SHA, Title: "From a fork", Actor: string(Stranger),
		})
		if err == nil {
			number = p.Number
		}
		return err
	})
	return number
}

func (w world) team(t testing.TB) string {
	t.Helper()
	w.do(t, func(s *memory.State) error {
		s.Teams["release"] = []string{string(Reader)}
		return nil
	})
	return "release"
}
