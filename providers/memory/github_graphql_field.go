package memory

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/towpath-dev/towpath/providers"
)

func (x *hubRun) resolve(typ string, value any, s *hubSelection) (any, error) {
	switch v := value.(type) {
	case nil:
		return x.top(s)
	case *Repo:
		return x.repository(v, s)
	case *hubRef:
		switch s.name {
		case "id":
			return hubID("REF", v.name), nil
		case "name":
			return v.name[strings.LastIndex(v.name, v.prefix)+len(v.prefix):], nil
		}
		return x.commit(v.sha), nil
	case *Commit:
		return x.commitField(v, s)
	case *hubTree:
		return x.treeField(v, s)
	case *hubBlob:
		return x.blobField(v, s), nil
	case *hubTreeEntry:
		return x.entryField(v, s), nil
	case *Pull:
		return x.pullField(v, s), nil
	case *AutoMerge:
		if s.name == "mergeMethod" {
			return strings.ToUpper(string(v.Merge.Method)), nil
		}
		return hubTime(x.c.h.f.Now()), nil
	case Account:
		switch s.name {
		case "id":
			return hubID("U", v.ID), nil
		case "databaseId":
			return v.ID, nil
		case "name":
			return v.Name, nil
		}
		if typ == "Bot" {
			return strings.TrimSuffix(v.Login, "[bot]"), nil
		}
		return hubLogin(v), nil
	case hubConnection:
		if s.name == "totalCount" {
			return v.total, nil
		}
		return v.nodes, nil
	case hubNamed:
		if s.name == "id" {
			return hubID("N", string(v)), nil
		}
		return string(v), nil
	case hubDone:
		if s.name == "commit" && v.sha != "" {
			return x.commit(v.sha), nil
		}
		return nil, nil
	case hubOrganization:
		if s.name == "login" {
			return v.login, nil
		}
		slug := x.text(s, "slug")
		if v.teams[slug] {
			return &hubNode{"Team", hubNamed(slug)}, nil
		}
		return nil, nil
	}
	return nil, fmt.Errorf("no resolver for %s.%s", typ, s.name)
}

// hubRef is a ref. What its name is without, prefix, depends on how it was
// found.
type hubRef struct{ name, prefix, sha string }

type hubTree struct{ id string }

type hubBlob struct{ id string }

type hubTreeEntry struct {
	path string
	TreeEntry
}

// hubConnection has the nodes that were asked for, of a total.
type hubConnection struct {
	nodes []*hubNode
	total int
}

// hubNamed is what has only a name: a label, a team.
type hubNamed string

// hubDone is what a mutation answers.
type hubDone struct{ sha string }

type hubOrganization struct {
	login string
	teams map[string]bool
}

// hubID returns a global id, which callers must not look into
// (https://docs.github.com/en/graphql/guides/using-global-node-ids).
func hubID(kind string, parts ...any) string {
	text := kind
	for _, part := range parts {
		text += fmt.Sprintf("_%v", part)
	}
	return text
}

func (x *hubRun) top(s *hubSelection) (any, error) {
	switch s.name {
	case "viewer":
		return &hubNode{"User", x.c.account}, nil // the viewer is one even if it is a bot, with its whole login
	case "organization":
		return x.organization(x.text(s, "login"))
	case "repository":
	default:
		return x.mutate(s)
	}
	path := x.text(s, "owner") + "/" + x.text(s, "name")
	missing := &hubFault{kind: "NOT_FOUND", message: fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", path)}
	repo, ok := x.c.h.f.Repo(path)
	if !ok {
		return nil, missing
	}
	var out any
	err := repo.Do(func(state *State) error {
		if !x.c.sees(state) {
			return missing
		}
		x.s = state
		out = x.object("Repository", repo, s.selections, []any{s.key()})
		x.s = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return topNode{out}, nil
}

func (x *hubRun) organization(login string) (any, error) {
	org := hubOrganization{login, map[string]bool{}}
	found := false
	for _, repo := range x.c.h.f.Repos() {
		if owner, _, _ := strings.Cut(repo.Path(), "/"); !strings.EqualFold(owner, login) {
			continue
		}
		found = true
		err := repo.Do(func(state *State) error {
			for slug := range state.Teams {
				org.teams[slug] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, &hubFault{kind: "NOT_FOUND", message: fmt.Sprintf("Could not resolve to an Organization with the login of '%s'.", login)}
	}
	return &hubNode{"Organization", org}, nil
}

func (x *hubRun) commit(sha string) *hubNode {
	if c := x.s.Commit(sha); c != nil {
		return &hubNode{"Commit", c}
	}
	return nil
}

func (x *hubRun) ref(name string) *hubNode {
	if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
		if sha, ok := x.s.Branches[branch]; ok {
			return &hubNode{"Ref", &hubRef{name, "refs/heads/", sha}}
		}
	}
	if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok {
		if sha, ok := x.s.Tags[tag]; ok {
			return &hubNode{"Ref", &hubRef{name, "refs/tags/", sha}}
		}
	}
	return nil
}

func (x *hubRun) repository(r *Repo, s *hubSelection) (any, error) {
	st := x.s
	switch s.name {
	case "id":
		return hubID("R", r.ID()), nil
	case "isEmpty":
		return len(st.Branches) == 0, nil
	case "isArchived":
		return st.Archived, nil
	case "url":
		return r.URL(), nil
	case "nameWithOwner":
		return r.Path(), nil
	case "viewerPermission":
		p := x.c.permission(st)
		return map[providers.Permission]any{providers.CanRead: "READ", providers.CanWrite: "WRITE", providers.CanAdmin: "ADMIN"}[p], nil
	case "viewerDefaultMergeMethod":
		return strings.ToUpper(string(st.MergeMethods()[0])), nil
	case "defaultBranchRef":
		return x.ref("refs/heads/" + st.DefaultBranch), nil
	case "ref":
		name := x.text(s, "qualifiedName")
		if !strings.HasPrefix(name, "refs/") {
			name = "refs/heads/" + name
		}
		return x.ref(name), nil
	case "refs":
		return x.refs(s), nil
	case "object":
		if oid := x.text(s, "oid"); oid != "" {
			return x.commit(oid), nil
		}
		return x.expression(x.text(s, "expression")), nil
	case "pullRequest":
		n := x.number(s, "number")
		if p := st.Pull(n); p != nil {
			return &hubNode{"PullRequest", p}, nil
		}
		return nil, &hubFault{kind: "NOT_FOUND", message: fmt.Sprintf("Could not resolve to a PullRequest with the number of %d.", n)}
	case "pullRequests":
		return x.pulls(s), nil
	}
	return nil, fmt.Errorf("no resolver for Repository.%s", s.name)
}

func (x *hubRun) refs(s *hubSelection) *hubNode {
	prefix := x.text(s, "refPrefix")
	nodes := []*hubNode{}
	for _, name := range x.s.BranchNames() {
		if full := "refs/heads/" + name; strings.HasPrefix(full, prefix) {
			nodes = append(nodes, &hubNode{"Ref", &hubRef{full, prefix, x.s.Branches[name]}})
		}
	}
	return &hubNode{"RefConnection", x.first(s, nodes)}
}

func (x *hubRun) first(s *hubSelection, nodes []*hubNode) hubConnection {
	total := len(nodes)
	if n := x.number(s, "first"); n > 0 && total > n {
		nodes = nodes[:n]
	}
	return hubConnection{nodes, total}
}

// expression finds what git's rev-parse would, of the little that is asked: a
// SHA, abbreviated perhaps, a branch, a tag.
func (x *hubRun) expression(text string) *hubNode {
	if c := x.commit(x.s.Resolve(text)); c != nil {
		return c
	}
	if len(text) < 7 {
		return nil
	}
	for _, sha := range slices.Sorted(maps.Keys(x.s.objects.commits)) {
		if strings.HasPrefix(sha, text) {
			return x.commit(sha)
		}
	}
	return nil
}

func (x *hubRun) pulls(s *hubSelection) *hubNode {
	head, base := x.text(s, "headRefName"), x.text(s, "baseRefName")
	order, _ := x.value(s.arguments["orderBy"]).(map[string]any)
	states, _ := x.value(s.arguments["states"]).([]any)
	nodes := []*hubNode{}
	for _, p := range x.s.Pulls {
		if head != "" && p.HeadBranch != head || base != "" && p.Base != base {
			continue
		}
		if len(states) > 0 && !slices.Contains(states, any(strings.ToUpper(string(p.State)))) {
			continue
		}
		nodes = append(nodes, &hubNode{"PullRequest", p})
	}
	if order["direction"] == "DESC" {
		slices.Reverse(nodes)
	}
	return &hubNode{"PullRequestConnection", x.first(s, nodes)}
}

func (x *hubRun) commitField(c *Commit, s *hubSelection) (any, error) {
	switch s.name {
	case "id":
		return hubID("C", c.SHA), nil
	case "oid":
		return c.SHA, nil
	case "message":
		return c.Message, nil
	case "tree":
		return &hubNode{"Tree", &hubTree{c.TreeID}}, nil
	}
	// file: nothing at a path is an error beside null
	// (https://github.com/changesets/ghcommit/blob/main/tests/integration/utils.ts).
	path := x.text(s, "path")
	if e, ok := x.find(c.TreeID, path); ok {
		return &hubNode{"TreeEntry", &hubTreeEntry{path, e}}, nil
	}
	return nil, &hubFault{kind: "NOT_FOUND", message: fmt.Sprintf("Could not resolve file for path '%s'.", path)}
}

// find returns the entry at a path below a tree.
func (x *hubRun) find(tree, path string) (TreeEntry, bool) {
	name, rest, deeper := strings.Cut(path, "/")
	entries, _ := x.s.Tree(tree)
	for _, e := range entries {
		switch {
		case e.Name != name:
		case !deeper:
			return e, true
		case e.Mode == ModeFolder:
			return x.find(e.ID, rest)
		}
	}
	return TreeEntry{}, false
}

func (x *hubRun) treeField(t *hubTree, s *hubSelection) (any, error) {
	if s.name != "entries" {
		return map[string]any{"id": hubID("T", t.id), "oid": t.id}[s.name], nil
	}
	entries, _ := x.s.Tree(t.id)
	nodes := make([]*hubNode, len(entries))
	for i, e := range entries {
		nodes[i] = &hubNode{"TreeEntry", &hubTreeEntry{e.Name, e}}
	}
	return nodes, nil
}

func (x *hubRun) entryField(e *hubTreeEntry, s *hubSelection) any {
	kind := hubKind(e.Mode)
	switch s.name {
	case "mode":
		mode, _ := strconv.ParseInt(e.Mode, 8, 32)
		return mode
	case "name":
		return e.Name
	case "oid":
		return e.ID
	case "path":
		return e.path
	case "type":
		return kind
	case "size":
		return x.s.Size(Entry{ID: e.ID})
	}
	switch kind { // object
	case "tree":
		return &hubNode{"Tree", &hubTree{e.ID}}
	case "blob":
		return &hubNode{"Blob", &hubBlob{e.ID}}
	}
	return nil // the commit of a submodule is in another repository
}

// hubKind returns what kind of object a mode stands for.
func hubKind(mode string) string {
	switch mode {
	case ModeFolder:
		return "tree"
	case "160000":
		return "commit"
	}
	return "blob"
}

// maxHubText is where the text of a blob is cut. That it is cut somewhere is in
// the schema; where is not written down.
const maxHubText = 512_000

func (x *hubRun) blobField(b *hubBlob, s *hubSelection) any {
	content, _ := x.s.Blob(b.id)
	isBinary := bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content)
	switch s.name {
	case "id":
		return hubID("B", b.id)
	case "oid":
		return b.id
	case "byteSize":
		return len(content)
	case "isBinary":
		return isBinary
	case "isTruncated":
		return len(content) > maxHubText
	}
	if isBinary {
		return nil
	}
	return string(content[:min(len(content), maxHubText)])
}

func (x *hubRun) pullField(p *Pull, s *hubSelection) any {
	switch s.name {
	case "author":
		a, ok := x.c.h.f.Account(p.Author)
		switch {
		case !ok:
			return nil
		case a.Bot:
			return &hubNode{"Bot", a}
		}
		return &hubNode{"User", a}
	case "labels":
		nodes := []*hubNode{}
		for _, label := range p.Labels {
			nodes = append(nodes, &hubNode{"Label", hubNamed(label)})
		}
		return &hubNode{"LabelConnection", x.first(s, nodes)}
	case "mergeCommit":
		return x.commit(p.MergeSHA)
	case "autoMergeRequest":
		if p.AutoMerge == nil {
			return nil
		}
		return &hubNode{"AutoMergeRequest", p.AutoMerge}
	}
	return map[string]any{
		"id": hubID("PR", x.s.repo.id, p.Number), "number": p.Number, "url": fmt.Sprintf("%s/pull/%d", x.s.repo.URL(), p.Number),
		"title": p.Title, "body": p.Body, "state": strings.ToUpper(string(p.State)), "isDraft": p.Draft,
		"headRefName": p.HeadBranch, "headRefOid": p.HeadSHA, "isCrossRepository": p.Fork != "", "baseRefName": p.Base,
		"createdAt": hubTime(p.Created), "updatedAt": hubTime(p.Updated),
	}[s.name]
}

// decode64 reads contents as a mutation has them.
func decode64(text string) ([]byte, error) { return base64.StdEncoding.DecodeString(text) }
