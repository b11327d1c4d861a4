package propose

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/providers"
)

// unordered is an image at a version that has no order with the one it moves to.
type unordered struct {
	repo image.Repository
	from string // tag, tag@digest or digest
}

// order finds out, for the changes of a plan whose tags tell no order, which of
// them would go back. It reports whether there are any that it did not know of.
//
// The order is that of the commits that the versions were built from; where they
// are not known, or are on branches that parted, that of the pipeline's runs.
// What neither tells is let through.
func (b *attempt) order(ctx context.Context, plan *bump.Plan, c *carried) bool {
	found := false
	for _, f := range plan.Files {
		for _, change := range f.Changes {
			from, _ := image.CutVersion(change.From)
			to, _ := image.CutVersion(change.To)
			u := unordered{change.Image, change.From}
			if _, known := b.ordered[u]; known || change.From == "" {
				continue
			}
			if order, ok := image.Compare(to, from); ok && order != 0 {
				continue
			}
			b.ordered[u] = b.isOlder(ctx, u, f.Path, c)
			found = found || b.ordered[u]
		}
	}
	return found
}

// isOlder reports whether what is bumped now is older than a version that stands
// in a file.
func (b *attempt) isOlder(ctx context.Context, u unordered, file string, c *carried) bool {
	if b.Build == (Build{}) {
		return false
	}
	there, known := b.origin(ctx, u, file, c)
	if b.Build.SHA != "" && b.Build.Repo != "" && b.Source != nil {
		sha := there.sha
		if sha == "" {
			tag, _ := image.CutVersion(u.from)
			sha = hexIn(tag)
		}
		if sha != "" && (there.repo == "" || there.repo == b.Build.Repo) {
			if older, ok := b.precedes(ctx, sha); ok {
				return older
			}
		}
	}
	sameRepo := there.repo == "" || b.Build.Repo == "" || there.repo == b.Build.Repo
	return known && sameRepo && there.run != 0 && b.Build.Run != 0 && b.Build.Run < there.run
}

// precedes reports whether the commit that is bumped now is an ancestor of
// another one of its repository. It is not known if neither is of the other.
func (b *attempt) precedes(ctx context.Context, other string) (older, ok bool) {
	source, err := b.Source(ctx, b.Build.Repo)
	if err != nil {
		return false, false
	}
	if len(other) < 40 {
		if other, err = source.Resolve(ctx, other); err != nil {
			return false, false
		}
	}
	if other == b.Build.SHA {
		return false, true
	}
	compared, err := source.Compare(ctx, b.Build.SHA, other)
	if err != nil {
		return false, false
	}
	switch compared.MergeBase {
	case b.Build.SHA:
		return true, true
	case other:
		return false, true
	}
	return false, false
}

// origin is what a version was built from.
type origin struct {
	repo, sha string
	run       int64
}

// origin looks for the commit that moved an image to a version, in the branch
// and then in the history of the file on the base.
func (b *attempt) origin(ctx context.Context, u unordered, file string, c *carried) (origin, bool) {
	var tells []provenance
	if c != nil {
		tells = c.moves
	}
	if o, ok := originOf(tells, u); ok {
		return o, true
	}
	const far = 50 // commits
	commits, err := b.repo.Log(ctx, providers.LogQuery{Ref: b.view.SHA, Path: file, Limit: far})
	if err != nil {
		return origin{}, false
	}
	tells = nil
	for i := len(commits) - 1; i >= 0; i-- {
		tells = append(tells, provenances(commits[i].Message)...)
	}
	return originOf(tells, u)
}

// originOf returns where the last of the moves to a version comes from.
func originOf(tells []provenance, u unordered) (origin, bool) {
	tag, digest := image.CutVersion(u.from)
	for i := len(tells) - 1; i >= 0; i-- {
		if t := tells[i]; t.Image == u.repo.Familiar() && t.To == tag && (t.Digest == digest || digest == "") {
			var o origin
			o.repo, o.sha, _ = cutLast(t.source, "@")
			o.run, _ = strconv.ParseInt(t.run, 10, 64)
			return o, true
		}
	}
	return origin{}, false
}

// cutLast is [strings.Cut] at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", "", false
}

var hexWord = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)

// hexIn returns the id of a commit in a tag such as main-3f2a91c, if there is
// just one word that can be one. Digits alone may be a date.
func hexIn(tag string) string {
	words := hexWord.FindAllString(tag, -1)
	if len(words) != 1 || strings.Trim(words[0], "0123456789") == "" {
		return ""
	}
	return words[0]
}
