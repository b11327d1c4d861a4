package main

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/towpath-dev/towpath/internal/fault"
)

// pattern is one value of --path. It matches a file, or a folder and so all
// files in it.
type pattern struct {
	typed string
	glob  string
	used  atomic.Bool
}

// patterns are all values of --path.
type patterns []*pattern

// isLiteral reports whether the pattern names one file or folder.
func (p *pattern) isLiteral() bool { return !strings.ContainsAny(p.glob, `*?[]{}\`) && p.glob != "." }

func parsePatterns(typed []string) (patterns, error) {
	var out patterns
	for _, t := range typed {
		p := filepath.ToSlash(t)
		switch {
		case p == "":
			return nil, fault.New(fault.Usage, "leave --path out, or pass --path . to mean all files", "--path is empty")
		case path.IsAbs(p), filepath.IsAbs(p), p == "..", strings.HasPrefix(path.Clean(p), "../"):
			return nil, outside("--path", t)
		}
		glob := path.Clean(p)
		if !doublestar.ValidatePattern(glob) {
			return nil, fault.New(fault.Usage, "* and ? match within a name, ** across folders, {a,b} either", "--path %q is no pattern", t)
		}
		out = append(out, &pattern{typed: t, glob: glob})
	}
	return out, nil
}

// match reports whether one of the patterns matches a file. It may be called
// from several goroutines.
func (ps patterns) match(file string) bool {
	matched := false
	for _, p := range ps {
		for name := file; name != "." && name != "/"; name = path.Dir(name) {
			if p.glob == "." || doublestar.MatchUnvalidated(p.glob, name) {
				p.used.Store(true)
				matched = true
				break
			}
		}
	}
	return matched
}

// unmatched returns an error if a pattern has matched no file that match was
// asked about: most likely it is misspelt. files are those that match was not
// asked about where a configuration leaves them out, leftAlone those that cannot
// be edited, with the reason.
func (ps patterns) unmatched(files []string, leftAlone map[string]error) error {
	for _, p := range ps {
		if !p.used.Load() {
			if reason := leftAlone[p.glob]; reason != nil {
				return &fault.Error{Code: fault.Refused, Path: p.glob, Message: "cannot be edited", Err: reason, Hint: "name a text file that is no link"}
			}
			if slices.ContainsFunc(files, patterns{p}.match) {
				return fault.New(fault.NotFound, "pass --env for the environment that they belong to, or --no-config to bump wherever the image stands",
					"--path %q matches only files that this run leaves out", p.typed)
			}
			return fault.New(fault.NotFound, "paths are relative to --repo, as in --path 'apps/*/overlays/dev'", "no file matches --path %q", p.typed)
		}
	}
	return nil
}
