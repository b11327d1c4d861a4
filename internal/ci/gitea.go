package ci

// gitea reads the variables of Gitea Actions, which has GitHub's names. Of a pull
// request it builds the head, refs/pull/…/head, so that its commit is known, and
// its runs are found by id since 1.26
// (https://github.com/go-gitea/gitea/blob/v1.26.1/services/actions/context.go).
func gitea(env func(string) string) Build {
	b := actions(env)
	b.System = "gitea"
	return b
}
