package local

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Uncommitted returns the files of the checkout that differ from those that
// HEAD has, as git sees it, each with the id of its contents there, "" where
// HEAD has no such file: those that were edited, removed or added, staged or
// not, or are in conflict, and those that are neither tracked nor ignored.
// Without git there are none; without a commit, all files.
func (c *Checkout) Uncommitted(ctx context.Context) (map[string]string, error) {
	if !c.IsGit() {
		return map[string]string{}, nil
	}
	prefix, err := c.prefix(ctx)
	if err != nil {
		return nil, err
	}
	out, err := git(ctx, c.dir, "status", "-z", "--porcelain=v2", "--untracked-files=all", "--ignore-submodules=all", "--no-renames", "--", ".")
	if err != nil {
		return nil, err
	}
	files, err := parseStatus(out, prefix)
	if err != nil {
		return nil, unlisted("status", err)
	}
	return files, nil
}

// prefix returns the path of the checkout from the top of the work tree, with a
// slash at its end, or "".
func (c *Checkout) prefix(ctx context.Context) (string, error) {
	out, err := git(ctx, c.dir, "rev-parse", "--show-prefix")
	return strings.TrimSuffix(string(out), "\n"), err
}

// parseStatus reads what git status -z --porcelain=v2 prints, and returns the
// files whose path begins with the prefix, without it. An entry is one of
//
//	1 XY submodule mode mode mode id id path
//	u XY submodule mode mode mode mode id id id path
//	? path
//
// with the modes in HEAD, the index and the work tree, and the ids in HEAD and
// the index; of a file in conflict, with those of the common ancestor, ours
// (which is HEAD) and theirs.
func parseStatus(out []byte, prefix string) (map[string]string, error) {
	files := map[string]string{}
	for len(out) > 0 {
		entry, rest, ok := bytes.Cut(out, []byte{0})
		path, id, isFile, known := parseStatusEntry(string(entry))
		if !ok || !known {
			return nil, fmt.Errorf("unknown entry %q", entry)
		}
		out = rest
		if path, inside := strings.CutPrefix(path, prefix); inside && isFile {
			files[path] = id
		}
	}
	return files, nil
}

// parseStatusEntry returns the id in HEAD, "" if it is no regular file there,
// and whether there is a regular file anywhere.
func parseStatusEntry(entry string) (path, id string, isFile, known bool) {
	kind, rest, _ := strings.Cut(entry, " ")
	var modes []string
	var mode string
	switch kind {
	case "?":
		// What ends with a slash is a nested repository.
		return rest, "", !strings.HasSuffix(rest, "/"), rest != ""
	case "1":
		fields := strings.SplitN(rest, " ", 8)
		if len(fields) < 8 {
			return "", "", false, false
		}
		modes, mode, id, path = fields[2:5], fields[2], fields[5], fields[7]
	case "u":
		fields := strings.SplitN(rest, " ", 10)
		if len(fields) < 10 {
			return "", "", false, false
		}
		modes, mode, id, path = fields[2:6], fields[3], fields[7], fields[9]
	}
	known = path != "" && isID(id)
	if !isRegular(mode) {
		id = ""
	}
	return path, id, slices.ContainsFunc(modes, isRegular), known
}

// isRegular reports whether a mode, as git prints it, is that of a file.
func isRegular(mode string) bool { return strings.HasPrefix(mode, "100") }
