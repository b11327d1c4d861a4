package memory

import (
	"encoding/base64"
	"maps"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

func (c *hubCall) ref(s *State, name, sha string) map[string]any {
	return map[string]any{
		"ref": name, "node_id": hubID("REF", name), "url": c.repoURL(s, "git/"+name),
		"object": map[string]any{"type": "commit", "sha": sha, "url": c.repoURL(s, "git/commits/"+sha)},
	}
}

func (c *hubCall) getRef(s *State) (int, any) {
	name := c.r.PathValue("ref")
	if branch, ok := strings.CutPrefix(name, "heads/"); ok && s.Branches[branch] != "" {
		return http.StatusOK, c.ref(s, "refs/"+name, s.Branches[branch])
	}
	if tag, ok := strings.CutPrefix(name, "tags/"); ok && s.Tags[tag] != "" {
		return http.StatusOK, c.ref(s, "refs/"+name, s.Tags[tag])
	}
	return hubMissing()
}

// createRef says little when it refuses
// (https://github.com/microsoft/vscode-remote-repositories-github/issues/122,
// https://github.com/actions/github-script/issues/455).
func (c *hubCall) createRef(s *State) (int, any) {
	var in struct{ Ref, SHA string }
	if !c.in(&in) {
		return hubUnreadable()
	}
	branch, ok := strings.CutPrefix(in.Ref, "refs/heads/")
	if tag, isTag := strings.CutPrefix(in.Ref, "refs/tags/"); isTag && s.Commit(in.SHA) != nil && s.Tags[tag] == "" && ValidRef(tag) {
		s.Tags[tag] = in.SHA
		return http.StatusCreated, c.ref(s, in.Ref, in.SHA)
	}
	switch {
	case !ok:
		return hubRefused("Reference name must start with 'refs/'.")
	case s.Commit(in.SHA) == nil:
		return hubRefused("Object does not exist")
	case s.Branches[branch] != "":
		return hubRefused("Reference already exists")
	case !c.mayPush(s, branch):
		return hubRefused("Reference update failed")
	}
	if err := s.SetBranch(branch, in.SHA, c.account.Login); err != nil {
		return hubRefused("Reference update failed")
	}
	return http.StatusCreated, c.ref(s, in.Ref, in.SHA)
}

func (c *hubCall) mayPush(s *State, branch string) bool { return s.CanPush(c.account.Login, branch) }

func (c *hubCall) updateRef(s *State) (int, any) {
	var in struct {
		SHA   string
		Force bool
	}
	if !c.in(&in) {
		return hubUnreadable()
	}
	branch := strings.TrimPrefix(c.r.PathValue("ref"), "heads/")
	at, ok := s.Branches[branch]
	switch {
	case !ok:
		return hubRefused("Reference does not exist")
	case s.Commit(in.SHA) == nil:
		return hubRefused("Object does not exist")
	case !c.mayPush(s, branch):
		return hubRefused("Changes must be made through a pull request.")
	case !in.Force && !s.IsAncestor(at, in.SHA):
		return hubRefused("Update is not a fast forward")
	}
	if err := s.SetBranch(branch, in.SHA, c.account.Login); err != nil {
		return hubRefused("Reference update failed")
	}
	return http.StatusOK, c.ref(s, "refs/heads/"+branch, in.SHA)
}

func (c *hubCall) deleteRef(s *State) (int, any) {
	branch := strings.TrimPrefix(c.r.PathValue("ref"), "heads/")
	if _, ok := s.Branches[branch]; !ok {
		return hubRefused("Reference does not exist")
	}
	if !c.mayPush(s, branch) {
		return hubRefused("Cannot delete this protected branch")
	}
	s.DeleteBranch(branch, c.account.Login)
	return http.StatusNoContent, nil
}

func (c *hubCall) getBlob(s *State) (int, any) {
	id := c.r.PathValue("sha")
	content, ok := s.Blob(id)
	if !ok {
		return hubMissing()
	}
	if strings.Contains(c.r.Header.Get("Accept"), "raw") {
		return http.StatusOK, hubRaw{"application/vnd.github.raw+json; charset=utf-8", content}
	}
	return http.StatusOK, map[string]any{
		"sha": id, "node_id": hubID("B", id), "size": len(content), "url": c.repoURL(s, "git/blobs/"+id),
		"content": base64.StdEncoding.EncodeToString(content), "encoding": "base64",
	}
}

func (c *hubCall) createBlob(s *State) (int, any) {
	var in struct{ Content, Encoding string }
	if !c.in(&in) {
		return hubUnreadable()
	}
	content := []byte(in.Content)
	if in.Encoding == "base64" {
		var err error
		if content, err = decode64(in.Content); err != nil {
			return hubRefused("content is not valid Base64")
		}
	}
	id := s.PutBlob(content)
	return http.StatusCreated, map[string]any{"sha": id, "url": c.repoURL(s, "git/blobs/"+id)}
}

func (c *hubCall) tree(s *State, id string, recursive bool) map[string]any {
	entries := []any{}
	var walk func(id, folder string)
	walk = func(id, folder string) {
		list, _ := s.Tree(id)
		for _, e := range list {
			kind := hubKind(e.Mode)
			entry := map[string]any{"path": folder + e.Name, "mode": e.Mode, "type": kind, "sha": e.ID, "url": c.repoURL(s, "git/"+kind+"s/"+e.ID)}
			if kind == "blob" {
				entry["size"] = s.Size(Entry{ID: e.ID})
			}
			entries = append(entries, entry)
			if recursive && kind == "tree" {
				walk(e.ID, folder+e.Name+"/")
			}
		}
	}
	walk(id, "")
	return map[string]any{"sha": id, "url": c.repoURL(s, "git/trees/"+id), "tree": entries, "truncated": false}
}

func (c *hubCall) getTree(s *State) (int, any) {
	id := c.r.PathValue("sha")
	if k := s.Commit(s.Resolve(id)); k != nil {
		id = k.TreeID
	}
	if _, ok := s.Tree(id); !ok {
		return hubMissing()
	}
	_, recursive := c.r.URL.Query()["recursive"] // whatever its value
	return http.StatusOK, c.tree(s, id, recursive)
}

func (c *hubCall) createTree(s *State) (int, any) {
	var in struct {
		BaseTree string `json:"base_tree"`
		Tree     []struct {
			Path, Mode, Type string
			SHA, Content     *string
		}
	}
	if !c.in(&in) {
		return hubUnreadable()
	}
	files := Files{}
	if in.BaseTree != "" {
		if k := s.Commit(in.BaseTree); k != nil {
			in.BaseTree = k.TreeID
		}
		base, ok := s.TreeFiles(in.BaseTree)
		if !ok {
			return hubMissing()
		}
		files = maps.Clone(base)
	}
	for _, e := range in.Tree {
		mode, ok := providers.ParseMode(e.Mode)
		switch {
		case !ok:
			return hubRefused("tree.mode " + e.Mode + " is not a valid mode")
		case e.SHA == nil && e.Content == nil:
			if _, ok := files[e.Path]; !ok {
				return hubRefused("GitRPC::BadObjectState")
			}
			delete(files, e.Path)
			continue
		case e.SHA != nil:
			if _, ok := s.Blob(*e.SHA); !ok && mode != providers.Submodule {
				return hubRefused("tree.sha " + *e.SHA + " is not a valid blob")
			}
			files[e.Path] = Entry{Mode: mode, ID: *e.SHA}
		default:
			files[e.Path] = Entry{Mode: mode, ID: s.PutBlob([]byte(*e.Content))}
		}
		// What was a folder is a file now, and the other way round.
		maps.DeleteFunc(files, func(p string, _ Entry) bool { return strings.HasPrefix(p, e.Path+"/") })
		for folder := path.Dir(e.Path); folder != "."; folder = path.Dir(folder) {
			delete(files, folder)
		}
	}
	id, err := s.PutTree(files)
	if err != nil {
		return hubRefused("tree.path contains a malformed path component")
	}
	return http.StatusCreated, c.tree(s, id, false)
}

func (c *hubCall) gitCommit(s *State, k *Commit) map[string]any {
	parents := []any{}
	for _, p := range k.Parents {
		parents = append(parents, map[string]any{"sha": p, "url": c.repoURL(s, "git/commits/"+p), "html_url": c.pageURL(s, "commit/"+p)})
	}
	return map[string]any{
		"sha": k.SHA, "node_id": hubID("C", k.SHA), "url": c.repoURL(s, "git/commits/"+k.SHA), "html_url": c.pageURL(s, "commit/"+k.SHA),
		"author": hubSignature(k.Author), "committer": hubSignature(k.Committer), "message": k.Message, "parents": parents,
		"tree":         map[string]any{"sha": k.TreeID, "url": c.repoURL(s, "git/trees/"+k.TreeID)},
		"verification": hubVerification(),
	}
}

func (c *hubCall) getGitCommit(s *State) (int, any) {
	k := s.Commit(c.r.PathValue("sha"))
	if k == nil {
		return hubMissing()
	}
	return http.StatusOK, c.gitCommit(s, k)
}

func (c *hubCall) createCommit(s *State) (int, any) {
	type who struct {
		Name, Email string
		Date        time.Time
	}
	var in struct {
		Message, Tree     string
		Parents           []string
		Author, Committer *who
	}
	if !c.in(&in) {
		return hubUnreadable()
	}
	signature := func(w *who, otherwise Signature) Signature {
		if w == nil {
			return otherwise
		}
		return Signature{Name: w.Name, Email: w.Email, When: w.Date}
	}
	author := signature(in.Author, s.SignatureOf(c.account.Login))
	k, err := s.NewCommit(NewCommit{
		TreeID: in.Tree, Parents: in.Parents, Message: in.Message, Author: author, Committer: signature(in.Committer, author),
	})
	if err != nil {
		return hubRefused("Tree SHA does not exist")
	}
	return http.StatusCreated, c.gitCommit(s, k)
}
