package gitlab_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/providertest"
)

// TestContents reads what GraphQL does not give as it is: what is no UTF-8, what
// is cut at 10 MB, and files that are larger than 20 MB together.
func TestContents(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"latin1.txt": "Gr\xfc\xdfe\n",
		"binary":     "a\x00b",
		"plain.txt":  "plain\n",
		"cut.txt":    strings.Repeat("0123456789abcde\n", 11<<20/16),
		"over.txt":   strings.Repeat("0123456789abcde\n", providers.MaxFile/16) + "!",
	}
	small := []string{"latin1.txt", "binary", "plain.txt"}
	for name, tt := range map[string]struct {
		wrap func(http.Handler) http.Handler
		asks [][]string
	}{
		"GraphQL":        {nil, [][]string{small, append([]string{"cut.txt"}, small...), {"cut.txt", "over.txt"}}},
		"WithoutGraphQL": {withoutGraphQL, [][]string{small}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := map[string]string{}
			for _, ask := range tt.asks {
				for _, path := range ask {
					first[path] = files[path]
				}
			}
			r := newWorld(t, tt.wrap).project(t, first).as(t, providertest.Writer, nil)
			sha, err := r.Resolve(t.Context(), "main")
			if err != nil {
				t.Fatal(err)
			}
			for _, ask := range tt.asks {
				got, err := r.Files(t.Context(), sha, ask)
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range ask {
					f, want := got[path], []byte(files[path])
					if len(want) > providers.MaxFile {
						want = nil
					}
					if !bytes.Equal(f.Content, want) || (f.Content == nil) != (want == nil) || f.Size != int64(len(files[path])) {
						t.Errorf("%s has %d bytes and the size %d, want %d and %d", path, len(f.Content), f.Size, len(want), len(files[path]))
					}
				}
			}
			if _, err := r.Files(t.Context(), someSHA, []string{"plain.txt"}); !errors.Is(err, providers.ErrNotFound) {
				t.Errorf("at a commit that is not there: got the error %v, want ErrNotFound", err)
			}
		})
	}
}
