package propose_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/internal/transport"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/gitea"
	"github.com/towpath-dev/towpath/providers/gitea/giteatest"
)

func TestMain(m *testing.M) { os.Exit(giteatest.Main(m)) }

// TestBumpOnGitea plays the main story on a real forge.
func TestBumpOnGitea(t *testing.T) {
	t.Parallel()
	const steps = 20 // at once
	server := giteatest.Start(t)
	owner := server.Account(t, "ada")
	files := map[string]giteatest.Blob{"web.yaml": {Mode: "100755", Content: deployment}}
	for i := range steps {
		files[fmt.Sprintf("s%d.yaml", i)] = giteatest.Blob{Mode: "100644", Content: fmt.Sprintf("image: ghcr.io/acme/s%d:1.0.0\n", i)}
	}
	path, person := server.Repository(t, owner, "", &giteatest.Commit{Branch: "main", Message: "Start", Files: files})
	requests := &tally{}
	forge, err := gitea.New(gitea.Options{Server: server.URL, Token: owner.Token, Transport: transport.Options{Base: requests}})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := forge.Repository(path)
	if err != nil {
		t.Fatal(err)
	}
	p := publication(t)
	bump := func(known []string, images ...string) []string {
		t.Helper()
		requests.reset()
		result, err := propose.Bump(t.Context(), repo, propose.Tree{Known: known}, intent(images...), p)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %d requests", images, requests.reset())
		return states(result)
	}
	content := func(branch, file string) string {
		t.Helper()
		sha, err := repo.Resolve(t.Context(), branch)
		if err != nil {
			t.Fatal(err)
		}
		got, err := repo.Files(t.Context(), sha, []string{file})
		if err != nil {
			t.Fatal(err)
		}
		if file == "web.yaml" && got[file].Mode != providers.Executable {
			t.Errorf("%s has the mode %s on %s", file, got[file].Mode, branch)
		}
		return string(got[file].Content)
	}
	known := []string{"web.yaml"}
	same(t, "first", []string{"opened #1"}, bump(known, "web:1.4.2"))
	same(t, "again", []string{"unchanged #1"}, bump(known, "web:1.4.2"))
	same(t, "newer, looking for it", []string{"updated #1"}, bump(nil, "web:1.4.3"))
	same(t, "late", []string{"unchanged #1; ghcr.io/acme/web is at 1.4.3, and 1.4.2 is older"}, bump(known, "web:1.4.2"))
	same(t, "branch", at("1.4.3"), content("towpath/bump/web", "web.yaml"))

	person.Push(t, giteatest.Commit{Branch: "main", Message: "Scale", Files: map[string]giteatest.Blob{"web.yaml": {Mode: "100755", Content: deployment + "  replicas: 2\n"}}})
	got := bump(known, "web:1.4.3")
	if len(got) != 1 || !strings.HasPrefix(got[0], "updated #1") && !strings.HasPrefix(got[0], "opened #") {
		t.Errorf("after the base changed: %q", got)
	}
	same(t, "branch on the new base", at("1.4.3")+"  replicas: 2\n", content("towpath/bump/web", "web.yaml"))

	var group sync.WaitGroup
	for i := range steps {
		group.Go(func() {
			if _, err := propose.Bump(t.Context(), repo, propose.Tree{}, intent(fmt.Sprintf("s%d:2.0.0", i)), publication(t)); err != nil {
				t.Errorf("s%d: %v", i, err)
			}
		})
	}
	group.Wait()
	for i := range steps {
		same(t, "branch", fmt.Sprintf("image: ghcr.io/acme/s%d:2.0.0\n", i), content(fmt.Sprintf("towpath/bump/s%d", i), fmt.Sprintf("s%d.yaml", i)))
	}

	person.Push(t, giteatest.Commit{Branch: "towpath/bump/s3", Message: "By hand", Files: map[string]giteatest.Blob{"notes.md": {Mode: "100644", Content: "-\n"}}})
	got = bump(nil, "s3:3.0.0")
	if len(got) != 1 || !strings.HasPrefix(got[0], "held #") || !strings.Contains(got[0], " pushed ") {
		t.Errorf("after somebody pushed to it: %q", got)
	}
}

// tally counts requests.
type tally struct {
	mu sync.Mutex
	n  int
}

func (c *tally) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func (c *tally) reset() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = 0
	return n
}
