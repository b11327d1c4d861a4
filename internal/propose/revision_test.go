package propose_test

import (
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// What is no text file is refused where it is named, and left alone elsewhere.
func TestBumpRefusesWhatIsNoTextFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"web.yaml": deployment})
	w.do(func(s *memory.State) error {
		_, err := s.Push(memory.Push{Branch: "main", Actor: "ada", Message: "More", Files: map[string]*memory.File{
			"link.yaml":   {Mode: providers.Symlink, Content: []byte("web.yaml")},
			"module":      {Mode: providers.Submodule, Content: []byte("0123456789012345678901234567890123456789")},
			"large.yaml":  {Content: []byte(strings.Repeat("image: ghcr.io/acme/web:1.4.1\n", 1<<20))},
			"stored.yaml": {Content: []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")},
			"binary.yaml": {Content: []byte("image: ghcr.io/acme/web:1.4.1\n\x00")},
		}})
		return err
	})
	same(t, "without naming them", []string{"opened #1"}, w.bump(intent("web:1.4.2"), publication(t)))
	keys, err := edit.ParsePath("image")
	if err != nil {
		t.Fatal(err)
	}
	for file, why := range map[string]string{
		"link.yaml": "not a regular file", "module": "not a regular file", "large.yaml": "file is larger than 16 MiB",
		"stored.yaml": "a pointer of Git LFS", "binary.yaml": "binary file", "gone.yaml": "there is no such file",
	} {
		i := intent("web:1.4.3")
		i.Request.Set = []bump.Target{{Path: file, Keys: keys}}
		p := publication(t)
		p.DryRun = true
		result, err := propose.Bump(t.Context(), w.seen, propose.Tree{}, i, p)
		if err != nil {
			t.Fatal(err)
		}
		if got := states(result); len(got) != 1 || !strings.Contains(got[0], why) {
			var said []string
			for _, f := range result.Plan.Files {
				for _, r := range f.Refused {
					said = append(said, r.Error())
				}
			}
			if !strings.Contains(strings.Join(said, "\n"), why) {
				t.Errorf("%s: %q, refused %q", file, got, said)
			}
		}
	}
}
