package bitbucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// Commit writes all files with one request. Bitbucket compares the branch with
// the parent itself; that there is a branch, or none, is looked at just before.
// A branch cannot be moved to a commit on another one:
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/#api-repositories-workspace-repo-slug-src-post
func (r *repository) Commit(ctx context.Context, c providers.CommitRequest) (string, error) {
	sha, err := r.write(ctx, c)
	return sha, r.wrap(fmt.Sprintf("commit to %q", c.Branch), err)
}

func (r *repository) write(ctx context.Context, c providers.CommitRequest) (string, error) {
	if c.Head != "" && c.Head != c.Parent {
		return "", refuse(fault.Refused, errors.ErrUnsupported, fmt.Sprintf("Bitbucket cannot move the branch %q to a commit on another one", c.Branch),
			"add a commit to the branch, or use a new branch and close the old one's pull request")
	}
	if c.Head != "" || !r.wasAbsent(branchKind, c.Branch) {
		at, err := r.ref(ctx, "branches", c.Branch)
		if err != nil {
			return "", err
		}
		if at != c.Head {
			return "", moved(c, at)
		}
	}
	executables, err := r.checkModes(ctx, c)
	if err != nil {
		return "", err
	}
	body, kind, err := form(c, executables)
	if err != nil {
		return "", err
	}
	reply, err := r.client.call(ctx, request{method: http.MethodPost, url: r.at("src"), body: body, kind: kind}, nil)
	if err != nil {
		return "", r.refused(ctx, c, err)
	}
	// https://api.bitbucket.org/2.0/repositories/workspace/repo/commit/sha
	sha := path.Base(reply.header.Get("Location"))
	if !isFull(sha) {
		if sha, err = r.ref(ctx, "branches", c.Branch); err != nil {
			return "", err
		}
	}
	return sha, r.checkExecutables(ctx, c, sha, executables)
}

func moved(c providers.CommitRequest, at string) error {
	message := fmt.Sprintf("the branch %q is at %s", c.Branch, at)
	switch {
	case at == "":
		message = fmt.Sprintf("the branch %q is gone", c.Branch)
	case c.Head == "":
		message = fmt.Sprintf("the branch %q is there already", c.Branch)
	}
	return refuse(fault.Conflict, providers.ErrConflict, message, "run it again")
}

// checkModes returns which of the files are executable, and refuses what is no
// file, and what should not be there: what is written becomes a regular file
// unless it is said again what it is.
func (r *repository) checkModes(ctx context.Context, c providers.CommitRequest) (executables []string, err error) {
	var paths []string
	for _, change := range c.Changes {
		if change.Content != nil {
			paths = append(paths, change.Path)
		}
		if strings.ContainsAny(change.Path, "\r\n\x00") {
			return nil, refuse(fault.Refused, errors.ErrUnsupported,
				"the name of "+fault.Printable(change.Path)+" cannot be sent to Bitbucket", "rename the file")
		}
	}
	modes, err := r.modes(ctx, c.Parent, paths)
	if err != nil {
		return nil, err
	}
	for _, change := range c.Changes {
		path := change.Path
		mode, ok := modes[path]
		switch {
		case change.Content == nil || !ok && change.Before == nil:
		case ok && change.Before == nil:
			return nil, refuse(fault.Conflict, providers.ErrConflict, fmt.Sprintf("there is a file %q already at %s", path, c.Parent), "run it again")
		case !ok:
			return nil, refuse(fault.Conflict, providers.ErrConflict, fmt.Sprintf("there is no file %q at %s", path, c.Parent), "run it again")
		case mode == providers.Symlink:
			return nil, refuse(fault.Refused, errors.ErrUnsupported, fmt.Sprintf("%q is a symbolic link", path), "name the file that it points to")
		case mode == providers.Submodule:
			return nil, refuse(fault.Refused, errors.ErrUnsupported, fmt.Sprintf("%q is a submodule", path), "change it in its own repository")
		case mode == providers.Executable:
			executables = append(executables, path)
		}
	}
	return executables, nil
}

// maxListed is how deep folders are that are listed to learn the modes of files,
// which may hold many other files.
const maxListed = 4

// modes returns what files are, those that are there: of one file by asking for
// it, of more by one filtered listing of the folder that has them all.
func (r *repository) modes(ctx context.Context, sha string, paths []string) (map[string]providers.Mode, error) {
	modes := map[string]providers.Mode{}
	if folder, depth := commonFolder(paths); len(paths) > 1 && len(paths) <= 20 && depth <= maxListed {
		err := r.listedModes(ctx, sha, folder, depth, paths, modes)
		if err != nil && status(err) < 400 {
			return nil, err
		}
		// Otherwise Bitbucket does not do it that way, and what is missing is
		// asked for below.
	}
	missing := slices.DeleteFunc(slices.Clone(paths), func(path string) bool { _, ok := modes[path]; return ok })
	entries := make([]*providers.Entry, len(missing))
	err := each(ctx, len(missing), func(ctx context.Context, i int) (err error) {
		entries[i], err = r.entry(ctx, sha, missing[i])
		return err
	})
	for i, entry := range entries {
		if entry != nil {
			modes[missing[i]] = entry.Mode
		}
	}
	return modes, err
}

func (r *repository) listedModes(ctx context.Context, sha, folder string, depth int, paths []string, modes map[string]providers.Mode) error {
	q := request{
		url: r.at("src", url.PathEscape(sha), segments(folder)),
		query: url.Values{
			"max_depth": {fmt.Sprint(depth)}, "pagelen": {pageSize}, "q": {anyOf("path", paths)},
			"fields": {"next,values.type,values.path,values.size,values.attributes"},
		},
	}
	return list(ctx, r.client, q, func(got []entryJSON) bool {
		for _, e := range got {
			if e.Type == fileType && slices.Contains(paths, e.Path) {
				modes[e.Path] = e.Attributes.mode()
			}
		}
		return len(modes) < len(paths)
	})
}

// commonFolder returns the folder that all paths are in, with a slash at its end
// or "", and how deep below it the deepest is.
func commonFolder(paths []string) (folder string, depth int) {
	if len(paths) == 0 {
		return "", 0
	}
	folder = paths[0][:strings.LastIndexByte(paths[0], '/')+1]
	for _, path := range paths {
		for !strings.HasPrefix(path, folder) {
			folder = folder[:strings.LastIndexByte(strings.TrimSuffix(folder, "/"), '/')+1]
		}
	}
	for _, path := range paths {
		depth = max(depth, strings.Count(path[len(folder):], "/")+1)
	}
	return folder, depth
}

// form writes the body of a commit. Names of files begin with a slash, so that
// none is taken for a field, such as a file called message.
func form(c providers.CommitRequest, executables []string) (body []byte, kind string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	fields := [][2]string{{"branch", c.Branch}, {"message", c.Message}}
	if c.Parent != "" {
		fields = append(fields, [2]string{"parents", c.Parent})
	}
	if c.Author != nil {
		fields = append(fields, [2]string{"author", fmt.Sprintf("%s <%s>", c.Author.Name, c.Author.Email)})
	}
	for _, change := range c.Changes {
		if change.Content == nil { // a path without contents is a file to delete
			fields = append(fields, [2]string{"files", "/" + change.Path})
		}
	}
	for _, field := range fields {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return nil, "", err
		}
	}
	for _, change := range c.Changes {
		if change.Content == nil {
			continue
		}
		disposition := fmt.Sprintf(`form-data; name="%s"; filename="%s"`, escapeQuotes("/"+change.Path), escapeQuotes(path.Base(change.Path)))
		if slices.Contains(executables, change.Path) {
			disposition += `; x-attributes="executable"`
		}
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {"application/octet-stream"}})
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(change.Content); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

func escapeQuotes(name string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
}

// checkExecutables looks whether executable files are so still. The API's page
// writes the attribute in two ways, so that it is not taken for granted.
func (r *repository) checkExecutables(ctx context.Context, c providers.CommitRequest, sha string, paths []string) error {
	for _, path := range paths {
		entry, err := r.entry(ctx, sha, path)
		if err != nil {
			return err
		}
		if entry != nil && entry.Mode == providers.Executable {
			continue
		}
		hint := "make it executable again by git, or leave it to git to change it"
		if c.Head == "" && r.deleteBranch(ctx, c.Branch, sha) == nil {
			hint = "nothing was changed: the new branch was deleted again; leave it to git to change the file"
		}
		return refuse(fault.Failed, errors.ErrUnsupported, fmt.Sprintf("%q is not executable any more in the commit %s", path, sha), hint)
	}
	return nil
}

// refused says why a commit was refused. What git itself refuses comes in
// several statuses, with git's words or none.
func (r *repository) refused(ctx context.Context, c providers.CommitRequest, err error) error {
	e, ok := errors.AsType[*statusError](err)
	if !ok || e.status == http.StatusUnauthorized || len(e.required) > 0 || isNoRepository(err) {
		return err
	}
	words := strings.ToLower(e.message)
	says := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(words, part) })
	}
	if e.status == http.StatusForbidden || e.status == http.StatusBadRequest && says("permission", "restrict", "protected", "pre-receive", "not allowed") {
		return refuse(fault.Access, because(providers.ErrForbidden, e.Error()), fmt.Sprintf("the credential may not push to the branch %q", c.Branch),
			"check the permission of the credential, and the repository's branch restrictions")
	}
	if e.status != http.StatusRequestEntityTooLarge && c.Head == "" {
		if other, err := r.obstacle(ctx, c.Branch); err == nil && other != "" {
			return refuse(fault.Refused, because(providers.ErrRefTaken, e.Error()),
				fmt.Sprintf("there cannot be a branch %q: there is one called %q", c.Branch, other), "delete or rename that one, or use another name")
		}
	}
	if e.status == http.StatusConflict || e.status == http.StatusBadRequest && says("parent", " tip", "fast-forward", "fast forward", "already exists") {
		return refuse(fault.Conflict, because(providers.ErrConflict, e.Error()), fmt.Sprintf("the branch %q has changed meanwhile", c.Branch), "run it again")
	}
	if e.status == http.StatusNotFound {
		return refuse(fault.Conflict, because(providers.ErrConflict, e.Error()), fmt.Sprintf("the commit %s is not there", c.Parent), "run it again")
	}
	return err
}

// obstacle returns a branch whose name is a folder of another branch's, or has
// the other as its folder: git keeps branches as files.
func (r *repository) obstacle(ctx context.Context, name string) (string, error) {
	var folders []string
	for i := range name {
		if name[i] == '/' {
			folders = append(folders, name[:i])
		}
	}
	q := "name ~ " + quote(name+"/")
	if len(folders) > 0 {
		q += " OR " + anyOf("name", folders)
	}
	branches, err := r.branches(ctx, q)
	for _, branch := range branches {
		if strings.HasPrefix(branch.Name, name+"/") || slices.Contains(folders, branch.Name) {
			return branch.Name, nil
		}
	}
	return "", err
}

func (r *repository) branches(ctx context.Context, q string) ([]refJSON, error) {
	return all[refJSON](ctx, r.client, request{
		url:   r.at("refs", "branches"),
		query: url.Values{"q": {q}, "pagelen": {pageSize}, "fields": {"next,values.name,values.target.hash"}},
	})
}

// DeleteBranch deletes a branch, after a look at where it is.
func (r *repository) DeleteBranch(ctx context.Context, name, sha string) error {
	return r.wrap(fmt.Sprintf("delete the branch %q", name), r.deleteBranch(ctx, name, sha))
}

func (r *repository) deleteBranch(ctx context.Context, name, sha string) error {
	at, err := r.ref(ctx, "branches", name)
	if err != nil || at == "" {
		return err
	}
	if at != sha {
		return refuse(fault.Conflict, providers.ErrConflict, fmt.Sprintf("the branch %q is at %s, not at %s", name, at, sha), "look at the branch, and run it again")
	}
	_, err = r.client.call(ctx, request{method: http.MethodDelete, url: r.at("refs", "branches", segments(name))}, nil)
	if isMissing(err) {
		return nil
	}
	if e, ok := errors.AsType[*statusError](err); ok && (e.status == http.StatusBadRequest || e.status == http.StatusForbidden && len(e.required) == 0) {
		return refuse(fault.Access, because(providers.ErrForbidden, e.Error()), fmt.Sprintf("the branch %q may not be deleted", name),
			"the main branch never may be; for others look at the repository's branch restrictions")
	}
	return err
}
