package local

import (
	"bytes"
	"context"
)

// Uncommitted returns the files of the checkout whose contents may differ from
// those that HEAD has, each with the id of its contents there, "" where HEAD
// has no such file: those that were edited, removed or added, and those that
// are neither tracked nor ignored. A file that was only touched may be among
// them. Without git there are none; without a commit, all files.
func (c *Checkout) Uncommitted(ctx context.Context) (map[string]string, error) {
	files := map[string]string{}
	if !c.IsGit() {
		return files, nil
	}
	list := []string{"--others", "--exclude-standard"}
	if c.head(ctx) == "" {
		list = append(list, "--cached")
	} else {
		out, err := git(ctx, c.dir, "diff-index", "-z", "--raw", "--no-renames", "--no-abbrev", "--relative", "HEAD", "--")
		if err != nil {
			return nil, err
		}
		for len(out) > 0 {
			change, rest, err := parseChange(out)
			if err != nil {
				return nil, unlisted("diff-index", err)
			}
			if out = rest; change.Path != "" {
				files[change.Path] = change.Old
			}
		}
	}
	out, err := git(ctx, c.dir, append([]string{"ls-files", "-z"}, list...)...)
	if err != nil {
		return nil, err
	}
	for path := range bytes.SplitSeq(out, []byte{0}) {
		if len(path) == 0 {
			continue
		}
		if _, known := files[string(path)]; !known {
			files[string(path)] = ""
		}
	}
	return files, nil
}
