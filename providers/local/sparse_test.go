package local

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSparse(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"top.yaml": "a: b\n", "a/in.yaml": "a: b\n", "b/out.yaml": "a: b\n", "b/c/out.yaml": "a: b\n"})
	shell(t, dir, "sparse-checkout", "set", "a")
	c := open(t, dir)
	for _, test := range []struct{ asked, want []string }{
		{[]string{"b"}, []string{"b/c/out.yaml", "b/out.yaml"}},
		{[]string{"b/out.yaml", "top.yaml", "a", "none"}, []string{"b/out.yaml"}},
		{[]string{"a"}, nil},
	} {
		got, err := c.Sparse(t.Context(), test.asked...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.asked, diff)
		}
	}
}
