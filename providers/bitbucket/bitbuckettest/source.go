package bitbuckettest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"path"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// readSource gives out a file or folder (source).
func (c *call) readSource() answer {
	commit := c.find(c.parts[1])
	if commit == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	name := strings.Trim(strings.Join(c.parts[2:], "/"), "/")
	entry, isFile := commit.Files[name]
	isFolder := name == ""
	for file := range commit.Files {
		isFolder = isFolder || strings.HasPrefix(file, name+"/")
	}
	meta := c.URL.Query().Get("format") == "meta"
	switch {
	case isFile && meta:
		return success(c.fileObject(commit, name))
	case isFile:
		return c.readFile(name, entry)
	case isFolder && meta:
		return success(c.folderObject(commit, name))
	case isFolder:
		return c.listFolder(commit, name)
	}
	return failure(http.StatusNotFound, "No such file or directory: %s", name)
}

// readFile gives out the contents: of a link its target, of a submodule the SHA.
// They come as an attachment with a type by their name, and with an ETag of the
// contents and the attributes.
func (c *call) readFile(name string, entry memory.Entry) answer {
	content, _ := c.Blob(entry.ID)
	if entry.Mode == providers.Submodule {
		content = []byte(entry.ID)
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".json" {
		kind = "application/json"
	}
	if kind == "" {
		kind = "text/plain"
	}
	tag := fmt.Sprintf("%q", entry.ID+entry.Mode.String())
	header := http.Header{"Content-Type": {kind}, "Content-Disposition": {"attachment"}, "Etag": {tag}}
	if c.Header.Get("If-None-Match") == tag {
		return answer{status: http.StatusNotModified, header: header}
	}
	return answer{status: http.StatusOK, header: header, body: bytes.Clone(content)}
}

func (c *call) entryObject(commit *memory.Commit, kind, name string) object {
	return object{"type": kind, "path": name, "commit": c.linkedCommit(commit.SHA), "links": object{
		"self": href(c.api("src", commit.SHA, name)), "meta": href(c.api("src", commit.SHA, name) + "?format=meta"),
	}}
}

func (c *call) fileObject(commit *memory.Commit, name string) object {
	entry := commit.Files[name]
	o := c.entryObject(commit, "commit_file", name)
	attributes := []string{}
	switch entry.Mode {
	case providers.Executable:
		attributes = append(attributes, "executable")
	case providers.Symlink:
		attributes = append(attributes, "link")
	case providers.Submodule:
		attributes = append(attributes, "subrepository")
	}
	o["attributes"], o["size"], o["escaped_path"] = attributes, c.Size(entry), name
	return o
}

func (c *call) folderObject(commit *memory.Commit, name string) object {
	return c.entryObject(commit, "commit_directory", name)
}

// statusTimeout is Bitbucket's own.
const statusTimeout = 555

// listFolder lists a folder breadth first, to a depth.
func (c *call) listFolder(commit *memory.Commit, name string) answer {
	depth, err := number(c.URL.Query(), "max_depth", 1)
	if err != nil {
		return failure(http.StatusBadRequest, "Invalid max_depth")
	}
	if most := c.server.MaxDepth; most > 0 && depth > most {
		return failure(statusTimeout, "The request timed out")
	}
	prefix := ""
	if name != "" {
		prefix = name + "/"
	}
	levels := make([]map[string]bool, depth) // whether each path is a file
	for file := range commit.Files {
		rest, ok := strings.CutPrefix(file, prefix)
		if !ok {
			continue
		}
		parts := strings.Split(rest, "/")
		for i := range min(len(parts), depth) {
			if levels[i] == nil {
				levels[i] = map[string]bool{}
			}
			levels[i][prefix+strings.Join(parts[:i+1], "/")] = i == len(parts)-1
		}
	}
	var values []object
	for _, level := range levels {
		var paths []string
		for path := range level {
			paths = append(paths, path)
		}
		slices.Sort(paths)
		for _, path := range paths {
			if level[path] {
				values = append(values, c.fileObject(commit, path))
			} else {
				values = append(values, c.folderObject(commit, path))
			}
		}
	}
	return c.page(values, 100)
}

// upload is the form of a commit.
type upload struct {
	fields map[string][]string
	files  map[string]*memory.File
}

func (u *upload) field(name string) string {
	if values := u.fields[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// readUpload reads a commit. A part with a file name is a file, whatever it is
// called, others are fields (source).
func (c *call) readUpload() (*upload, error) {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, errors.New("expected multipart/form-data")
	}
	u := &upload{fields: map[string][]string{}, files: map[string]*memory.File{}}
	reader := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		// The page writes the attribute with a colon where it shows one.
		_, named, err := mime.ParseMediaType(strings.Replace(part.Header.Get("Content-Disposition"), "x-attributes:", "x-attributes=", 1))
		if err != nil {
			return nil, err
		}
		name, isFile := named["name"], false
		if _, isFile = named["filename"]; !isFile {
			u.fields[name] = append(u.fields[name], string(content))
			continue
		}
		file := &memory.File{Content: content}
		switch named["x-attributes"] {
		case "executable":
			file.Mode = providers.Executable
		case "link":
			file.Mode = providers.Symlink
		}
		u.files[strings.TrimPrefix(name, "/")] = file
	}
}

// writeSource makes a commit. The rules of branch and parents are those of the
// field "branch" (source).
func (c *call) writeSource() answer {
	if a := c.may("repository", true, providers.CanWrite); a.status != 0 {
		return a
	}
	u, err := c.readUpload()
	if err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	branch := u.field("branch")
	if branch == "" {
		branch = c.DefaultBranch
	}
	tip, there := c.Branches[branch]
	parent := u.field("parents")
	empty := len(c.Branches) == 0
	switch {
	case there && parent != "" && parent != tip:
		return failure(http.StatusConflict, "The parent %s is not the tip of the branch %s", parent, branch)
	case there:
		parent = tip
	case parent == "" && !empty:
		parent = c.Branches[c.DefaultBranch]
	}
	if !c.CanPush(c.account.Login, branch) {
		return failure(http.StatusForbidden, "Permission denied to update branch %s.", branch)
	}
	if other := c.RefTaken(branch); other != "" || !memory.ValidRef(branch) {
		return failure(http.StatusBadRequest, "Invalid branch name")
	}
	n := memory.NewCommit{Message: u.field("message"), Author: c.SignatureOf(c.account.Login)}
	if n.Message == "" {
		n.Message = "Edited with Bitbucket"
	}
	if raw := u.field("author"); raw != "" {
		address, err := mail.ParseAddress(raw)
		if err != nil {
			return failure(http.StatusBadRequest, "Invalid author")
		}
		n.Author.Name, n.Author.Email = address.Name, address.Address
	}
	var files memory.Files
	if parent != "" {
		commit := c.Commit(parent)
		if commit == nil {
			return failure(http.StatusNotFound, "Commit not found")
		}
		files, n.Parents = commit.Files, []string{parent}
	}
	changes := u.files
	for _, name := range u.fields["files"] {
		name = strings.TrimPrefix(name, "/")
		if _, replaced := changes[name]; replaced {
			continue
		}
		if _, has := files[name]; !has {
			return failure(http.StatusBadRequest, "No such file: %s", name)
		}
		changes[name] = nil
	}
	n.Files = c.Put(files, changes)
	commit, err := c.NewCommit(n)
	if err == nil {
		err = c.SetBranch(branch, commit.SHA, c.account.Login)
	}
	if err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	if empty {
		c.DefaultBranch = branch
	}
	return answer{status: http.StatusCreated, header: http.Header{"Location": {c.api("commit", commit.SHA)}}}
}

// archive gives out a tarball, whose top folder is named for the workspace,
// the repository and 12 digits of the SHA.
func (c *call) archive() answer {
	sha, isTar := strings.CutSuffix(c.parts[0], ".tar.gz")
	commit := c.find(sha)
	if !isTar || commit == nil {
		return answer{status: http.StatusNotFound, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("<!DOCTYPE html><title>404</title>")}
	}
	content, err := c.Archive(commit.SHA, strings.ReplaceAll(c.repo.Path(), "/", "-")+"-"+commit.SHA[:12])
	if err != nil {
		return failure(http.StatusInternalServerError, "%v", err)
	}
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/x-gzip"}}, body: content}
}
