package promote

import (
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
)

func TestDecisionCommandsWorkOnTheDefaultBranchOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, defaultBranch, want string }{
		{"main", "main", ""},
		{"release/1", "release/1", ""},
		{"dev", "main", "the pull request's base is dev, and commands that change anything work on main only"},
		{"Main", "main", "the pull request's base is Main, and commands that change anything work on main only"},
		{"main2", "main", "the pull request's base is main2, and commands that change anything work on main only"},
		{"main", "", "the pull request's base and the default branch are not both known"},
		{"", "main", "the pull request's base and the default branch are not both known"},
		{"", "", "the pull request's base and the default branch are not both known"},
	} {
		err := OnDefaultBranch(test.base, test.defaultBranch)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want || err != nil && fault.CodeOf(err) != fault.Refused {
			t.Errorf("%q where %q is the default: got %q, want %q", test.base, test.defaultBranch, got, test.want)
		}
	}
}
