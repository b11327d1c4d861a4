package memory

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/towpath-dev/towpath/providers"
)

// Archive returns a commit as a gzipped tar with all files in the folder top,
// as git archive makes it: what .gitattributes marks with export-ignore is left
// out, and what it marks with export-subst has $Format:%H$ and $Format:%h$
// replaced. See https://git-scm.com/docs/git-archive#ATTRIBUTES. Macros and
// quoted patterns are not known.
func (s *State) Archive(sha, top string) ([]byte, error) {
	c := s.Commit(sha)
	if c == nil {
		return nil, fmt.Errorf("archive %s: %w", sha, ErrNoCommit)
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	t := tar.NewWriter(zipped)
	err := s.writeArchive(t, c, strings.TrimSuffix(top, "/")+"/")
	if err == nil {
		err = t.Close()
	}
	if err == nil {
		err = zipped.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", sha, err)
	}
	return out.Bytes(), nil
}

func (s *State) writeArchive(t *tar.Writer, c *Commit, top string) error {
	err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": c.SHA}})
	if err != nil {
		return err
	}
	written := map[string]bool{}
	folder := func(name string) error {
		if written[name] {
			return nil
		}
		written[name] = true
		return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o775, ModTime: c.Committer.When})
	}
	if err := folder(top); err != nil {
		return err
	}
	attributes := s.attributes(c)
	for _, p := range slices.Sorted(maps.Keys(c.Files)) {
		if isIgnored(attributes, p) {
			continue
		}
		for i, b := range []byte(p) {
			if b != '/' {
				continue
			}
			if err := folder(top + p[:i+1]); err != nil {
				return err
			}
		}
		e := c.Files[p]
		h := &tar.Header{Typeflag: tar.TypeReg, Name: top + p, Mode: 0o664, ModTime: c.Committer.When}
		content := s.objects.blobs[e.ID]
		switch e.Mode {
		case providers.Submodule:
			if err := folder(top + p + "/"); err != nil {
				return err
			}
			continue
		case providers.Symlink:
			h.Typeflag, h.Linkname, h.Mode, content = tar.TypeSymlink, string(content), 0o777, nil
		case providers.Executable:
			h.Mode = 0o775
		}
		if e.Mode.IsFile() && isSet(attributes, p, "export-subst") {
			content = substitute(content, c)
		}
		h.Size = int64(len(content))
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	return nil
}

var formatMark = regexp.MustCompile(`\$Format:([^$\n]*)\$`)

func substitute(content []byte, c *Commit) []byte {
	return formatMark.ReplaceAllFunc(content, func(mark []byte) []byte {
		format := string(formatMark.FindSubmatch(mark)[1])
		return []byte(strings.NewReplacer("%H", c.SHA, "%h", c.SHA[:7], "%s", c.Subject(), "%%", "%").Replace(format))
	})
}

// attribute is one line of a .gitattributes file, of which the later and deeper
// ones prevail.
type attribute struct {
	folder  string // where the file stands, with a slash at its end, or ""
	pattern string
	names   []string
}

// attributes returns the lines of all .gitattributes files, those nearer to the
// top first.
func (s *State) attributes(c *Commit) []attribute {
	var files []string
	for p, e := range c.Files {
		if path.Base(p) == ".gitattributes" && e.Mode.IsFile() {
			files = append(files, p)
		}
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	var out []attribute
	for _, p := range files {
		for line := range strings.Lines(string(s.objects.blobs[c.Files[p].ID])) {
			words := strings.Fields(line)
			if len(words) < 2 || strings.HasPrefix(words[0], "#") {
				continue
			}
			out = append(out, attribute{folder: strings.TrimSuffix(p, ".gitattributes"), pattern: words[0], names: words[1:]})
		}
	}
	return out
}

func (a attribute) matches(p string) bool {
	rel, ok := strings.CutPrefix(p, a.folder)
	if !ok {
		return false
	}
	pattern := strings.TrimPrefix(a.pattern, "/")
	if !strings.Contains(a.pattern, "/") {
		rel = path.Base(rel)
	}
	matched, err := doublestar.Match(pattern, rel)
	return err == nil && matched
}

// isSet reports whether an attribute is set for a file or folder itself.
func isSet(attributes []attribute, p, name string) bool {
	set := false
	for _, a := range attributes {
		if !a.matches(p) {
			continue
		}
		for _, n := range a.names {
			switch n {
			case name:
				set = true
			case "-" + name, "!" + name:
				set = false
			}
		}
	}
	return set
}

// isIgnored reports whether a file, or a folder that it is in, is left out.
func isIgnored(attributes []attribute, p string) bool {
	if len(attributes) == 0 {
		return false
	}
	for i, b := range []byte(p) {
		if b == '/' && isSet(attributes, p[:i], "export-ignore") {
			return true
		}
	}
	return isSet(attributes, p, "export-ignore")
}
