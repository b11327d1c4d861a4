package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  *Error
		want string
	}{
		{New(Usage, "hint", "no %s", "tag"), "no tag"},
		{&Error{Message: "cannot be read", Path: "a.yaml"}, "a.yaml: cannot be read"},
		{&Error{Message: "is older", Path: "a.yaml", Line: 3}, "a.yaml:3: is older"},
		{&Error{Message: "x", Path: "a\n\x1b[31mé.yaml", Line: 3}, `"a\n\x1b[31mé.yaml":3: x`},
		{&Error{Message: "is older", Path: "a.yaml", Line: 3, Column: 7, Err: io.EOF}, "a.yaml:3:7: is older: EOF"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	usage := New(Usage, "", "x")
	for _, test := range []struct {
		err  error
		want Code
	}{
		{nil, ""},
		{io.EOF, Failed},
		{usage, Usage},
		{fmt.Errorf("wrapped: %w", usage), Usage},
		{errors.Join(io.EOF, usage), Usage},
		{&Error{Code: Access, Err: usage}, Access},
	} {
		if got := CodeOf(test.err); got != test.want {
			t.Errorf("%v: got %q, want %q", test.err, got, test.want)
		}
	}
	if err := (&Error{Err: io.EOF}); !errors.Is(err, io.EOF) {
		t.Error("the cause is not in the tree")
	}
}
