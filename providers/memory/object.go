package memory

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// objects are git's: what they are called is what git calls them.
type objects struct {
	blobs   map[string][]byte
	trees   map[string][]TreeEntry
	flat    map[string]Files // by the id of a tree, its files at any depth
	commits map[string]*Commit
}

func newObjects() *objects {
	o := &objects{
		blobs:   map[string][]byte{},
		trees:   map[string][]TreeEntry{},
		flat:    map[string]Files{},
		commits: map[string]*Commit{},
	}
	return o
}

// Entry is what stands at a path: the mode and the id of a blob, or of another
// repository's commit for a submodule.
type Entry struct {
	Mode providers.Mode
	ID   string
}

// Files are all entries of a tree by their whole path. They are shared: who
// wants others makes a copy.
type Files map[string]Entry

// TreeEntry is an entry of one folder. Mode is git's octal form, 040000 for a
// folder.
type TreeEntry struct {
	Name string
	Mode string
	ID   string
}

// ModeFolder is the mode of a [TreeEntry] that is a folder.
const ModeFolder = "040000"

// Signature says who did something to a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Commit is a commit. It never changes.
type Commit struct {
	SHA       string
	TreeID    string
	Parents   []string
	Message   string
	Author    Signature
	Committer Signature
	Files     Files

	order int // greater than that of its parents
}

// Subject is the first line of the message.
func (c *Commit) Subject() string {
	subject, _, _ := strings.Cut(c.Message, "\n")
	return subject
}

func objectID(kind string, content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// PutBlob adds a blob and returns its id.
func (s *State) PutBlob(content []byte) string {
	id := objectID("blob", content)
	if _, ok := s.objects.blobs[id]; !ok {
		s.objects.blobs[id] = bytes.Clone(content)
	}
	return id
}

// Blob returns the content of a blob, which must not be changed.
func (s *State) Blob(id string) ([]byte, bool) {
	content, ok := s.objects.blobs[id]
	return content, ok
}

// Tree returns the entries of one folder, in git's order. They must not be
// changed.
func (s *State) Tree(id string) ([]TreeEntry, bool) {
	entries, ok := s.objects.trees[id]
	return entries, ok
}

// TreeFiles returns the entries at any depth of a tree.
func (s *State) TreeFiles(id string) (Files, bool) {
	if files, ok := s.objects.flat[id]; ok {
		return files, true
	}
	if _, ok := s.objects.trees[id]; !ok {
		return nil, false
	}
	files := Files{}
	s.flatten(files, "", id)
	s.objects.flat[id] = files
	return files, true
}

func (s *State) flatten(files Files, prefix, id string) {
	for _, e := range s.objects.trees[id] {
		if e.Mode == ModeFolder {
			s.flatten(files, prefix+e.Name+"/", e.ID)
			continue
		}
		mode, _ := providers.ParseMode(e.Mode)
		files[prefix+e.Name] = Entry{Mode: mode, ID: e.ID}
	}
}

// PutTree adds the trees for these files and returns the id of the top. A path
// that git would not take, or that is a file and a folder at once, is an error.
func (s *State) PutTree(files Files) (string, error) {
	for p := range files {
		if err := checkPath(p); err != nil {
			return "", err
		}
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if _, ok := files[dir]; ok {
				return "", fmt.Errorf("%q is a file and a folder", dir)
			}
		}
	}
	id := s.putFolder(slices.Sorted(maps.Keys(files)), 0, files)
	if _, ok := s.objects.flat[id]; !ok {
		s.objects.flat[id] = maps.Clone(files)
		if files == nil {
			s.objects.flat[id] = Files{}
		}
	}
	return id, nil
}

// putFolder adds the tree of paths, which are sorted and share their first skip
// bytes.
func (s *State) putFolder(paths []string, skip int, files Files) string {
	entries := []TreeEntry{}
	for i := 0; i < len(paths); {
		name, _, deeper := strings.Cut(paths[i][skip:], "/")
		if !deeper {
			e := files[paths[i]]
			entries = append(entries, TreeEntry{Name: name, Mode: e.Mode.String(), ID: e.ID})
			i++
			continue
		}
		end := i + 1
		for end < len(paths) && strings.HasPrefix(paths[end][skip:], name+"/") {
			end++
		}
		id := s.putFolder(paths[i:end], skip+len(name)+1, files)
		entries = append(entries, TreeEntry{Name: name, Mode: ModeFolder, ID: id})
		i = end
	}
	slices.SortFunc(entries, func(a, b TreeEntry) int { return strings.Compare(a.sortKey(), b.sortKey()) })

	var raw bytes.Buffer
	for _, e := range entries {
		id, err := hex.DecodeString(e.ID)
		if err != nil || len(id) != sha1.Size {
			id = make([]byte, sha1.Size)
		}
		fmt.Fprintf(&raw, "%s %s\x00%s", strings.TrimPrefix(e.Mode, "0"), e.Name, id)
	}
	id := objectID("tree", raw.Bytes())
	s.objects.trees[id] = entries
	return id
}

// sortKey is by what git sorts: a folder as if its name ended in a slash.
func (e TreeEntry) sortKey() string {
	if e.Mode == ModeFolder {
		return e.Name + "/"
	}
	return e.Name
}

func checkPath(p string) error {
	if p == "" || strings.ContainsRune(p, 0) {
		return fmt.Errorf("%q is no path", p)
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return fmt.Errorf("%q is no path in a repository", p)
		}
	}
	return nil
}

// Commit returns the commit of a full SHA, nil if there is none.
func (s *State) Commit(sha string) *Commit { return s.objects.commits[sha] }

// NewCommit is a commit to be made. Its files are Files, or those of the tree
// TreeID if it is not "".
type NewCommit struct {
	Files     Files
	TreeID    string
	Parents   []string
	Message   string
	Author    Signature // without a time it is made now; the zero value is the forge itself
	Committer Signature // the zero value is the author
}

// NewCommit adds a commit, without moving a branch.
func (s *State) NewCommit(n NewCommit) (*Commit, error) {
	if n.TreeID == "" {
		id, err := s.PutTree(n.Files)
		if err != nil {
			return nil, err
		}
		n.TreeID = id
	}
	files, ok := s.TreeFiles(n.TreeID)
	if !ok {
		return nil, fmt.Errorf("there is no tree %s", n.TreeID)
	}
	if n.Author.Name == "" && n.Author.Email == "" {
		n.Author.Name, n.Author.Email = "memory", "noreply@memory.test"
	}
	if n.Author.When.IsZero() {
		n.Author.When = s.repo.forge.Now()
	}
	if n.Committer == (Signature{}) {
		n.Committer = n.Author
	}
	if n.Committer.When.IsZero() {
		n.Committer.When = s.repo.forge.Now()
	}
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "tree %s\n", n.TreeID)
	for _, p := range n.Parents {
		if s.Commit(p) == nil {
			return nil, fmt.Errorf("there is no commit %s", p)
		}
		fmt.Fprintf(&raw, "parent %s\n", p)
	}
	fmt.Fprintf(&raw, "author %s\ncommitter %s\n\n%s", n.Author, n.Committer, n.Message)
	sha := objectID("commit", raw.Bytes())
	if c := s.Commit(sha); c != nil {
		return c, nil
	}
	c := &Commit{
		SHA: sha, TreeID: n.TreeID, Parents: slices.Clone(n.Parents), Message: n.Message,
		Author: n.Author, Committer: n.Committer, Files: files,
		order: len(s.objects.commits),
	}
	s.objects.commits[sha] = c
	return c, nil
}

// String is git's form. What would end it early is left out, as git does.
func (g Signature) String() string {
	return fmt.Sprintf("%s <%s> %d +0000", unquoted.Replace(g.Name), unquoted.Replace(g.Email), g.When.Unix())
}

var unquoted = strings.NewReplacer("<", "", ">", "", "\n", "")

// SignatureOf returns that of an account, now; the zero value if there is none.
func (s *State) SignatureOf(login string) Signature {
	a, ok := s.repo.forge.Account(login)
	if !ok {
		return Signature{}
	}
	return Signature{Name: a.Name, Email: a.Email, When: s.repo.forge.Now()}
}

// Put returns a copy of files in which one is changed, or removed if f is nil.
func (s *State) Put(files Files, changes map[string]*File) Files {
	out := maps.Clone(files)
	if out == nil {
		out = Files{}
	}
	for p, f := range changes {
		switch {
		case f == nil:
			delete(out, p)
		case f.Mode == providers.Submodule:
			out[p] = Entry{Mode: f.Mode, ID: string(f.Content)}
		default:
			out[p] = Entry{Mode: f.Mode, ID: s.PutBlob(f.Content)}
		}
	}
	return out
}

// Size returns how large the content of an entry is, 0 for a submodule.
func (s *State) Size(e Entry) int64 { return int64(len(s.objects.blobs[e.ID])) }
