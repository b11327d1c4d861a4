package giteatest

import (
	"net/http"
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// TestUnnamed proves that a Gitea is not looked for where none is named.
func TestUnnamed(t *testing.T) {
	t.Setenv("TOWPATH_GITEA", "")
	const want = "no Gitea is named: build one with .ci/tools/build gitea and set TOWPATH_GITEA to the path that it prints"
	if program, _, reason := find(); program != "" || reason != want {
		t.Errorf("found %q, and the reason %q", program, reason)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	s := Start(t)
	owner := s.Account(t, "ada")
	for _, first := range []*Commit{nil, {Message: "One", Files: map[string]Blob{"a.txt": {"100644", "a\n"}}}} {
		repo, mirror := s.Repository(t, owner, "", first)
		var got struct {
			FullName      string `json:"full_name"`
			Empty         bool   `json:"empty"`
			Private       bool   `json:"private"`
			DefaultBranch string `json:"default_branch"`
		}
		s.Do(t, owner.Token, http.MethodGet, "/repos/"+repo, nil, &got)
		if got.FullName != repo || got.Empty != (first == nil) || !got.Private || got.DefaultBranch != "main" {
			t.Errorf("got %+v for %s", got, repo)
		}
		if first == nil {
			continue
		}
		two := Commit{Branch: "x", From: "main", Message: "Two", Files: map[string]Blob{"b.txt": {"100755", "b\n"}}}
		shas := mirror.Push(t, two, Commit{Branch: "x", Message: "Three", Remove: []string{"a.txt"}})
		var branch struct{ Commit struct{ ID string } }
		s.Do(t, owner.Token, http.MethodGet, "/repos/"+repo+"/branches/x", nil, &branch)
		if branch.Commit.ID != shas[1] {
			t.Errorf("the branch is at %s, want the last of %v", branch.Commit.ID, shas)
		}
	}
	if Start(t) != s {
		t.Error("a second Gitea was started")
	}
}
