package memory

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// newest is a heap of commits, those made last first. A commit is always made
// after its parents, so it is a topological order too.
type newest []*Commit

func (n newest) Len() int           { return len(n) }
func (n newest) Less(i, j int) bool { return n[i].order > n[j].order }
func (n newest) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *newest) Push(x any)        { *n = append(*n, x.(*Commit)) }
func (n *newest) Pop() any {
	last := (*n)[len(*n)-1]
	*n = (*n)[:len(*n)-1]
	return last
}

// walk yields the commits that lead to one, the newest first.
func (s *State) walk(sha string, yield func(*Commit) bool) {
	seen := map[string]bool{}
	queue := &newest{}
	push := func(sha string) {
		if c := s.Commit(sha); c != nil && !seen[sha] {
			seen[sha] = true
			heap.Push(queue, c)
		}
	}
	push(sha)
	for queue.Len() > 0 {
		c := heap.Pop(queue).(*Commit)
		if !yield(c) {
			return
		}
		for _, p := range c.Parents {
			push(p)
		}
	}
}

func (s *State) ancestors(sha string) map[string]bool {
	all := map[string]bool{}
	s.walk(sha, func(c *Commit) bool {
		all[c.SHA] = true
		return true
	})
	return all
}

// IsAncestor reports whether commit a is b or one that b descends from.
func (s *State) IsAncestor(a, b string) bool {
	found := false
	s.walk(b, func(c *Commit) bool {
		found = c.SHA == a
		return !found
	})
	return found
}

// MergeBase returns the commit at which two parted, "" if they have nothing in
// common. Of several the one made last is taken.
func (s *State) MergeBase(a, b string) string {
	of := s.ancestors(a)
	base := ""
	s.walk(b, func(c *Commit) bool {
		if of[c.SHA] {
			base = c.SHA
		}
		return base == ""
	})
	return base
}

// Between returns the commits of head that base has not, the oldest first.
func (s *State) Between(base, head string) []*Commit {
	of := s.ancestors(base)
	var out []*Commit
	s.walk(head, func(c *Commit) bool {
		if !of[c.SHA] {
			out = append(out, c)
		}
		return true
	})
	slices.Reverse(out)
	return out
}

// Log returns the commits that lead to a SHA, the newest first: those that
// changed a file or folder if path is not "", and not older than since if it is
// not zero. As git does, it follows, of a merge, only a parent that has the same
// at the path, if there is one.
func (s *State) Log(sha, path string, since time.Time) []*Commit {
	var out []*Commit
	seen := map[string]bool{}
	queue := &newest{}
	push := func(sha string) {
		if c := s.Commit(sha); c != nil && !seen[sha] {
			seen[sha] = true
			heap.Push(queue, c)
		}
	}
	push(sha)
	for queue.Len() > 0 {
		c := heap.Pop(queue).(*Commit)
		same := ""
		for _, p := range c.Parents {
			if path != "" && sameAt(c.Files, s.Commit(p).Files, path) {
				same = p
				break
			}
		}
		touched := path == "" || same == "" && (len(c.Parents) > 0 || hasAt(c.Files, path))
		if touched && (since.IsZero() || !c.Committer.When.Before(since)) {
			out = append(out, c)
		}
		if same != "" {
			push(same)
			continue
		}
		for _, p := range c.Parents {
			push(p)
		}
	}
	return out
}

// sameAt reports whether two trees have the same file or folder at a path.
func sameAt(a, b Files, path string) bool {
	if a[path] != b[path] {
		return false
	}
	folder := path + "/"
	for p, e := range a {
		if strings.HasPrefix(p, folder) && b[p] != e {
			return false
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok && strings.HasPrefix(p, folder) {
			return false
		}
	}
	return true
}

func hasAt(files Files, path string) bool { return !sameAt(files, nil, path) }

// Change is how a file differs between two trees.
type Change struct {
	providers.ChangedFile
	Before, After Entry // zero where there was or is none
}

// Diff returns what differs from a to b, sorted by path. A file that vanished
// and one of the same content that appeared are a rename.
func (s *State) Diff(a, b Files) []Change {
	var out []Change
	gone := map[string][]string{} // by the id of the blob, sorted paths
	for _, p := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[p]; !ok {
			gone[a[p].ID] = append(gone[a[p].ID], p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(b)) {
		after := b[p]
		before, ok := a[p]
		switch from := gone[after.ID]; {
		case ok && before == after:
		case ok:
			out = append(out, Change{providers.ChangedFile{Path: p, Status: providers.Modified}, before, after})
		case len(from) > 0 && s.Size(after) > 0:
			gone[after.ID] = from[1:]
			out = append(out, Change{providers.ChangedFile{Path: p, OldPath: from[0], Status: providers.Renamed}, a[from[0]], after})
		default:
			out = append(out, Change{providers.ChangedFile{Path: p, Status: providers.Added}, Entry{}, after})
		}
	}
	for _, paths := range gone {
		for _, p := range paths {
			out = append(out, Change{providers.ChangedFile{Path: p, Status: providers.Removed}, a[p], Entry{}})
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// MergeFiles puts what theirs did since base onto ours, by whole files: a file
// that both changed differently is a conflict, and so is one that has become a
// folder on the other side. The conflicts are sorted.
func MergeFiles(base, ours, theirs Files) (merged Files, conflicts []string) {
	merged = maps.Clone(ours)
	if merged == nil {
		merged = Files{}
	}
	paths := map[string]bool{}
	for p := range base {
		paths[p] = true
	}
	for p := range theirs {
		paths[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		was, hadIt := base[p]
		our, haveIt := ours[p]
		their, theyHave := theirs[p]
		switch {
		case was == their && hadIt == theyHave, our == their && haveIt == theyHave:
		case was != our || hadIt != haveIt:
			conflicts = append(conflicts, p)
		case theyHave:
			merged[p] = their
		default:
			delete(merged, p)
		}
	}
	for p := range merged {
		for i := range len(p) {
			if p[i] != '/' {
				continue
			}
			if _, ok := merged[p[:i]]; ok {
				conflicts = append(conflicts, p[:i])
			}
		}
	}
	slices.Sort(conflicts)
	return merged, slices.Compact(conflicts)
}
