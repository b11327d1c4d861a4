package local

import (
	"bytes"
	"context"
)

// Sparse returns the tracked files, among those that are named or lie in a
// folder that is, which a sparse checkout leaves out of the work tree. They are
// not gone, though they cannot be read. See gitglossary and git-sparse-checkout.
func (c *Checkout) Sparse(ctx context.Context, paths ...string) ([]string, error) {
	if !c.IsGit() {
		return nil, nil
	}
	args := []string{"--literal-pathspecs", "ls-files", "-z", "-t", "--"}
	out, err := git(ctx, c.dir, append(args, paths...)...)
	if err != nil {
		return nil, err
	}
	var left []string
	for entry := range bytes.SplitSeq(out, []byte{0}) {
		if path, ok := bytes.CutPrefix(entry, []byte("S ")); ok {
			left = append(left, string(path))
		}
	}
	return left, nil
}
