package gitlabtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

// graphQL answers queries. A token that is none is refused with 401
// (GitLab's app/controllers/graphql_controller.rb); what is wrong with a query is
// told with 200 (https://docs.gitlab.com/api/graphql/#error-handling).
func (c *call) graphQL(authError error) (any, error) {
	if authError != nil || c.job {
		return nil, &refusal{http.StatusUnauthorized, faults("Invalid token")}
	}
	if c.known && !slices.ContainsFunc(c.scopes(), func(s string) bool { return s == "api" || s == "read_api" }) {
		return nil, &refusal{http.StatusForbidden, faults("Forbidden")}
	}
	var ask struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if c.req.Method != http.MethodPost || json.NewDecoder(c.req.Body).Decode(&ask) != nil {
		return nil, &refusal{http.StatusUnprocessableEntity, faults("Unexpected end of document")}
	}
	q, err := parseQuery(ask.Query)
	if err != nil {
		return faults(err.Error()), nil
	}
	for name, required := range q.variables {
		if required && ask.Variables[name] == nil {
			return faults(fmt.Sprintf("Variable $%s of type … was provided invalid value", name)), nil
		}
	}
	data, err := pick(&entity{"Query", map[string]field{"project": {[]string{"fullPath"}, func(args map[string]any) (any, error) {
		return c.project(args, ask.Variables)
	}}}}, c.inTime(q.fields), ask.Variables)
	if err != nil {
		return faults(err.Error()), nil
	}
	return object{"data": data}, nil
}

// inTime returns the selections; the entities of a project are made when it is
// resolved, and must be read while its state is locked, so its own selections are
// kept for then.
func (c *call) inTime(fields []selection) []selection {
	c.asked = nil
	out := slices.Clone(fields)
	for i, s := range out {
		if s.name == "project" {
			c.asked, out[i].fields = s.fields, nil
		}
	}
	return out
}

func faults(message string) object {
	return object{"errors": []any{object{"message": message}}}
}

// project is null for one that is not visible.
func (c *call) project(args, variables map[string]any) (any, error) {
	path, _ := args["fullPath"].(string)
	repo, ok := c.forge.Repo(path)
	if !ok {
		return nil, nil
	}
	var out any
	err := repo.Do(func(s *memory.State) error {
		c.repo, c.State = repo, s
		if c.role() < providers.CanRead {
			return nil
		}
		if len(c.asked) == 0 {
			return errors.New("Field must have selections (field 'project' returns Project but has no selections)") //nolint:staticcheck // GitLab's words
		}
		picked, err := pick(c.projectEntity(), c.asked, variables)
		out = picked
		return err
	})
	return out, err
}

// projectEntity (https://docs.gitlab.com/api/graphql/reference/#project).
func (c *call) projectEntity() *entity {
	role := c.role()
	may := func(least providers.Permission) field {
		return plain(role >= least && (least < providers.CanWrite || !c.Archived))
	}
	return &entity{"Project", map[string]field{
		"id": plain(fmt.Sprintf("gid://gitlab/Project/%d", c.repo.ID())), "fullPath": plain(c.repo.Path()),
		"webUrl": plain(c.repo.URL()), "archived": plain(c.Archived),
		"userPermissions": plain(&entity{"ProjectPermissions", map[string]field{
			"downloadCode": may(providers.CanRead), "pushCode": may(providers.CanWrite), "adminProject": may(providers.CanAdmin),
			"createMergeRequestIn": may(providers.CanWrite),
		}}),
		"repository": plain(&entity{"Repository", map[string]field{
			"rootRef": plain(c.defaultBranch()), "empty": plain(len(c.Branches) == 0), "exists": plain(true),
			"blobs": {[]string{"ref", "paths", "first"}, c.blobs},
		}}),
		"mergeRequests": {[]string{"sourceBranches", "targetBranches", "state", "sort", "first"}, c.mergeRequests},
	}}
}

// blobs finds nothing at a ref that is not there, and leaves out folders and
// absent paths; together they must not be larger than 20 MB
// (GitLab's app/graphql/resolvers/blobs_resolver.rb).
func (c *call) blobs(args map[string]any) (any, error) {
	ref, _ := args["ref"].(string)
	paths, _ := args["paths"].([]any)
	var nodes []*entity
	if commit := c.revision(ref); commit != nil {
		total := int64(0)
		var found []string
		for _, p := range paths {
			path, _ := p.(string)
			if e, ok := commit.Files[path]; ok {
				total += c.Size(e)
				found = append(found, path)
			}
		}
		if len(paths) > 1 && total > 20<<20 {
			return nil, fmt.Errorf("Max blobs size limit exceeded (%d MB / 20 MB)", total>>20) //nolint:staticcheck // GitLab's words
		}
		for _, path := range found {
			nodes = append(nodes, c.blobEntity(path, commit.Files[path]))
		}
	}
	return connection("RepositoryBlob", nodes, args), nil
}

// maxBlob is how much of a blob GitLab loads for showing it
// (GitLab's lib/gitlab/git/blob.rb, MAX_DATA_DISPLAY_SIZE).
const maxBlob = 10 << 20

// blobEntity (https://docs.gitlab.com/api/graphql/reference/#repositoryblob). Text
// that is no UTF-8 is changed into it (GitLab's lib/gitlab/encoding_helper.rb), and
// sizes are text, since they are BigInts.
func (c *call) blobEntity(path string, e memory.Entry) *entity {
	content, _ := c.Blob(e.ID)
	content = content[:min(len(content), maxBlob)]
	var text any
	if !slices.Contains(content[:min(len(content), 8000)], 0) && e.Mode != providers.Submodule {
		if !utf8.Valid(content) {
			converted := make([]rune, len(content)) // as from Latin-1
			for i, b := range content {
				converted[i] = rune(b)
			}
			content = []byte(string(converted))
		}
		text = string(content)
	}
	return &entity{"RepositoryBlob", map[string]field{
		"path": plain(path), "oid": plain(e.ID), "mode": plain(e.Mode.String()),
		"size": plain(strconv.FormatInt(c.Size(e), 10)), "rawSize": plain(strconv.FormatInt(c.Size(e), 10)), "rawTextBlob": plain(text),
	}}
}

// mergeRequests lists those from forks too.
func (c *call) mergeRequests(args map[string]any) (any, error) {
	if sort, ok := args["sort"]; ok && sort != "CREATED_DESC" {
		return nil, fmt.Errorf("Argument 'sort' on Field 'mergeRequests' has an invalid value (%v)", sort) //nolint:staticcheck // GitLab's words
	}
	heads, _ := args["sourceBranches"].([]any)
	var nodes []*entity
	for _, p := range slices.Backward(c.Pulls) {
		if len(heads) == 0 || slices.Contains(heads, any(p.HeadBranch)) {
			nodes = append(nodes, c.mergeRequestEntity(p))
		}
	}
	return connection("MergeRequest", nodes, args), nil
}

// mergeRequestEntity (https://docs.gitlab.com/api/graphql/reference/#mergerequest).
func (c *call) mergeRequestEntity(p *memory.Pull) *entity {
	o := c.requestOf(p)
	var labels []*entity
	for _, label := range p.Labels {
		labels = append(labels, &entity{"Label", map[string]field{"title": plain(label)}})
	}
	var source any
	if id := c.sourceID(p); id != 0 {
		source = id
	}
	author, _ := c.forge.Account(p.Author)
	return &entity{"MergeRequest", map[string]field{
		"iid": plain(strconv.Itoa(p.Number)), "title": plain(titleOf(p)), "description": plain(p.Body), "state": plain(o["state"]),
		"draft": plain(p.Draft), "webUrl": plain(o["web_url"]), "createdAt": plain(p.Created), "updatedAt": plain(p.Updated),
		"sourceBranch": plain(p.HeadBranch), "targetBranch": plain(p.Base), "sourceProjectId": plain(source),
		"targetProjectId": plain(c.repo.ID()), "diffHeadSha": plain(p.HeadSHA), "mergeCommitSha": plain(o["merge_commit_sha"]),
		"author": plain(&entity{"MergeRequestAuthor", map[string]field{
			"id": plain(fmt.Sprintf("gid://gitlab/User/%d", author.ID)), "username": plain(author.Login), "name": plain(author.Name),
			"bot": plain(author.Bot),
		}}),
		"labels": {[]string{"first"}, func(args map[string]any) (any, error) { return connection("Label", labels, args), nil }},
	}}
}

// connection is a page of nodes, 100 at most
// (https://docs.gitlab.com/api/graphql/#limits).
func connection(kind string, nodes []*entity, args map[string]any) *entity {
	first := 100
	switch n := args["first"].(type) {
	case int:
		first = min(first, n)
	case float64:
		first = min(first, int(n))
	}
	more := len(nodes) > first
	if more {
		nodes = nodes[:first]
	}
	if nodes == nil {
		nodes = []*entity{}
	}
	return &entity{kind + "Connection", map[string]field{
		"nodes":    plain(nodes),
		"pageInfo": plain(&entity{"PageInfo", map[string]field{"hasNextPage": plain(more)}}),
	}}
}
