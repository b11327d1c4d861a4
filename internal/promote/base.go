package promote

import "github.com/towpath-dev/towpath/internal/fault"

// OnDefaultBranch refuses a pull request whose base is not the default branch:
// the configuration is read from there, and what it allows holds for no other
// branch. It is for the commands that change anything; plan, drift and status
// may be asked for anywhere. Both are names without "refs/heads/". A branch that
// is not known, "", is refused, too.
//
// An error is a [fault.Error].
func OnDefaultBranch(base, defaultBranch string) error {
	switch {
	case base == "" || defaultBranch == "":
		return fault.New(fault.Refused, "try again when the forge answers",
			"the pull request's base and the default branch are not both known")
	case base != defaultBranch:
		return fault.New(fault.Refused, "open the pull request on "+defaultBranch,
			"the pull request's base is %s, and commands that change anything work on %s only", base, defaultBranch)
	}
	return nil
}
