package memory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// hubSDL is the part of GitHub's schema that the face answers, in its own words
// (https://docs.github.com/en/graphql/overview/public-schema). What is not in
// it is an error, as it is on GitHub.
const hubSDL = `
type Query { repository(followRenames: Boolean, name: String!, owner: String!): Repository viewer: User! organization(login: String!): Organization }
type Mutation {
  convertPullRequestToDraft(input: ConvertPullRequestToDraftInput!): ConvertPullRequestToDraftPayload
  createCommitOnBranch(input: CreateCommitOnBranchInput!): CreateCommitOnBranchPayload
  enablePullRequestAutoMerge(input: EnablePullRequestAutoMergeInput!): EnablePullRequestAutoMergePayload
  markPullRequestReadyForReview(input: MarkPullRequestReadyForReviewInput!): MarkPullRequestReadyForReviewPayload
  minimizeComment(input: MinimizeCommentInput!): MinimizeCommentPayload
  updateRefs(input: UpdateRefsInput!): UpdateRefsPayload
}
type Repository {
  id: ID! isEmpty: Boolean! isArchived: Boolean! url: URI! nameWithOwner: String!
  viewerPermission: RepositoryPermission viewerDefaultMergeMethod: PullRequestMergeMethod!
  defaultBranchRef: Ref ref(qualifiedName: String!): Ref
  refs(after: String, before: String, direction: OrderDirection, first: Int, last: Int, orderBy: RefOrder, query: String, refPrefix: String!): RefConnection
  object(expression: String, oid: GitObjectID): GitObject
  pullRequest(number: Int!): PullRequest
  pullRequests(after: String, baseRefName: String, before: String, first: Int, headRefName: String, labels: [String!], last: Int, orderBy: IssueOrder, states: [PullRequestState!]): PullRequestConnection!
}
type RefConnection { nodes: [Ref] totalCount: Int! }
type Ref { id: ID! name: String! target: GitObject }
interface GitObject { id: ID! oid: GitObjectID! }
type Commit implements GitObject { id: ID! oid: GitObjectID! message: String! tree: Tree! file(path: String!): TreeEntry }
type Tree implements GitObject { id: ID! oid: GitObjectID! entries: [TreeEntry!] }
type Blob implements GitObject { id: ID! oid: GitObjectID! byteSize: Int! isBinary: Boolean isTruncated: Boolean! text: String }
type Tag implements GitObject { id: ID! oid: GitObjectID! name: String! target: GitObject! }
type TreeEntry { mode: Int! name: String! oid: GitObjectID! path: String size: Int! type: String! object: GitObject }
type PullRequestConnection { nodes: [PullRequest] totalCount: Int! }
type PullRequest {
  id: ID! number: Int! url: URI! title: String! body: String! state: PullRequestState! isDraft: Boolean!
  headRefName: String! headRefOid: GitObjectID! isCrossRepository: Boolean! baseRefName: String!
  createdAt: DateTime! updatedAt: DateTime! author: Actor mergeCommit: Commit autoMergeRequest: AutoMergeRequest
  labels(after: String, before: String, first: Int, last: Int, orderBy: LabelOrder): LabelConnection
}
type AutoMergeRequest { enabledAt: DateTime mergeMethod: PullRequestMergeMethod! }
type LabelConnection { nodes: [Label] totalCount: Int! }
type Label { id: ID! name: String! }
interface Actor { login: String! }
type User implements Actor { id: ID! databaseId: Int login: String! name: String }
type Bot implements Actor { id: ID! databaseId: Int login: String! }
type Organization { login: String! team(slug: String!): Team }
type Team { slug: String! }
type ConvertPullRequestToDraftPayload { clientMutationId: String pullRequest: PullRequest }
type MarkPullRequestReadyForReviewPayload { clientMutationId: String pullRequest: PullRequest }
type EnablePullRequestAutoMergePayload { clientMutationId: String pullRequest: PullRequest }
type CreateCommitOnBranchPayload { clientMutationId: String commit: Commit ref: Ref }
type MinimizeCommentPayload { clientMutationId: String }
type UpdateRefsPayload { clientMutationId: String }
input ConvertPullRequestToDraftInput { clientMutationId: String pullRequestId: ID! }
input MarkPullRequestReadyForReviewInput { clientMutationId: String pullRequestId: ID! }
input EnablePullRequestAutoMergeInput {
  authorEmail: String clientMutationId: String commitBody: String commitHeadline: String
  expectedHeadOid: GitObjectID mergeMethod: PullRequestMergeMethod pullRequestId: ID!
}
input CreateCommitOnBranchInput {
  branch: CommittableBranch! clientMutationId: String expectedHeadOid: GitObjectID! fileChanges: FileChanges message: CommitMessage!
}
input CommittableBranch { branchName: String id: ID repositoryNameWithOwner: String }
input FileChanges { additions: [FileAddition!] deletions: [FileDeletion!] }
input FileAddition { contents: Base64String! path: String! }
input FileDeletion { path: String! }
input CommitMessage { body: String headline: String! }
input MinimizeCommentInput { classifier: ReportedContentClassifiers! clientMutationId: String subjectId: ID! }
input UpdateRefsInput { clientMutationId: String refUpdates: [RefUpdate!]! repositoryId: ID! }
input RefUpdate { afterOid: GitObjectID! beforeOid: GitObjectID force: Boolean name: GitRefname! }
input IssueOrder { direction: OrderDirection! field: IssueOrderField! }
input LabelOrder { direction: OrderDirection! field: LabelOrderField! }
input RefOrder { direction: OrderDirection! field: RefOrderField! }
enum OrderDirection { ASC DESC }
enum IssueOrderField { COMMENTS CREATED_AT UPDATED_AT }
enum LabelOrderField { CREATED_AT NAME }
enum RefOrderField { ALPHABETICAL TAG_COMMIT_DATE }
enum PullRequestState { CLOSED MERGED OPEN }
enum PullRequestMergeMethod { MERGE REBASE SQUASH }
enum RepositoryPermission { ADMIN MAINTAIN READ TRIAGE WRITE }
enum ReportedContentClassifiers { ABUSE DUPLICATE OFF_TOPIC OUTDATED RESOLVED SPAM }
`

// hubSchema is a schema that was read.
type hubSchema struct {
	kinds      map[string]string // type, interface, input or enum, by name
	fields     map[string]map[string]*hubField
	implements map[string]string
	values     map[string][]string
}

type hubField struct {
	typ       string
	arguments map[string]string // types by name
}

var hubSchemaOf = sync.OnceValues(func() (*hubSchema, error) { return parseHubSchema(hubSDL) })

func parseHubSchema(text string) (*hubSchema, error) {
	tokens, err := hubTokens(text)
	if err != nil {
		return nil, err
	}
	p := &hubParser{tokens: tokens}
	s := &hubSchema{map[string]string{}, map[string]map[string]*hubField{}, map[string]string{}, map[string][]string{}}
	for p.peek().kind != 0 {
		kind := p.next().text
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		s.kinds[name], s.fields[name] = kind, map[string]*hubField{}
		if p.accept("implements") {
			if s.implements[name], err = p.name(); err != nil {
				return nil, err
			}
		}
		if err := p.expect("{"); err != nil {
			return nil, err
		}
		for !p.accept("}") {
			field, err := p.name()
			if err != nil {
				return nil, err
			}
			if kind == "enum" {
				s.values[name] = append(s.values[name], field)
				continue
			}
			f := &hubField{arguments: map[string]string{}}
			if p.accept("(") {
				for !p.accept(")") {
					argument, err := p.name()
					if err == nil {
						err = p.expect(":")
					}
					if err == nil {
						f.arguments[argument], err = p.typ()
					}
					if err != nil {
						return nil, err
					}
				}
			}
			if err := p.expect(":"); err != nil {
				return nil, err
			}
			if f.typ, err = p.typ(); err != nil {
				return nil, err
			}
			s.fields[name][field] = f
		}
	}
	return s, nil
}

// bare returns a type without what says that it is a list or cannot be null.
func bare(typ string) string { return strings.Trim(typ, "[]!") }

// hubFault is an error in GraphQL's reply.
type hubFault struct {
	kind    string // its type; "" for one of the document
	message string
	path    []any
	code    string // of the document's errors
}

func (f *hubFault) Error() string { return f.message }

func (f *hubFault) json() map[string]any {
	out := map[string]any{"message": f.message, "locations": []any{map[string]any{"line": 1, "column": 1}}}
	if f.path != nil {
		out["path"] = f.path
	}
	if f.kind != "" {
		out["type"] = f.kind
	}
	if f.code != "" {
		out["extensions"] = map[string]any{"code": f.code}
	}
	return out
}

// hubCheck validates a document, as GitHub does before it runs any of it.
type hubCheck struct {
	s      *hubSchema
	d      *hubDocument
	used   map[string]bool
	spread map[string]bool // fragments that were used
	faults []*hubFault
}

// validate returns what is wrong with a document and its variables.
func (s *hubSchema) validate(d *hubDocument, variables map[string]any) []*hubFault {
	c := &hubCheck{s: s, d: d, used: map[string]bool{}, spread: map[string]bool{}}
	root := "Query"
	if d.isMutation {
		root = "Mutation"
	}
	c.selections(root, d.selections, nil)
	for _, v := range d.variables {
		if !c.used[v.name] {
			c.add("variableNotUsed", "Variable $%s is declared by anonymous operation but not used", v.name)
		}
		value, given := variables[v.name]
		if !given && v.fallback == nil && strings.HasSuffix(v.typ, "!") {
			c.add("", "Variable $%s of type %s was provided invalid value", v.name, v.typ)
		}
		if given {
			if why := s.mismatch(v.typ, value); why != "" {
				c.add("", "Variable $%s of type %s was provided invalid value for %s", v.name, v.typ, why)
			}
		}
	}
	for name := range d.fragments {
		if !c.spread[name] {
			c.add("useAndDefineFragment", "Fragment %s was defined, but not used", name)
		}
	}
	return c.faults
}

func (c *hubCheck) add(code, format string, args ...any) {
	c.faults = append(c.faults, &hubFault{code: code, message: fmt.Sprintf(format, args...)})
}

func (c *hubCheck) selections(typ string, selections []*hubSelection, inside []string) {
	for _, s := range selections {
		for name, arguments := range s.directives {
			if name != "include" && name != "skip" {
				c.add("undefinedDirective", "Directive @%s is not defined", name)
				continue
			}
			c.arguments("@"+name, map[string]string{"if": "Boolean!"}, arguments)
		}
		switch {
		case s.spread != "":
			f, ok := c.d.fragments[s.spread]
			if !ok || slices.Contains(inside, s.spread) {
				c.add("useAndDefineFragment", "Fragment %s was used, but not defined", s.spread)
				continue
			}
			c.spread[s.spread] = true
			c.fragment(typ, f.on, f.selections, append(slices.Clip(inside), s.spread))
		case s.name == "":
			on := s.on
			if on == "" {
				on = typ
			}
			c.fragment(typ, on, s.selections, inside)
		case s.name == "__typename":
		default:
			c.field(typ, s, inside)
		}
	}
}

func (c *hubCheck) fragment(typ, on string, selections []*hubSelection, inside []string) {
	if c.s.kinds[on] == "" {
		c.add("undefinedType", "No such type %s, so it can't be a fragment condition", on)
		return
	}
	if on != typ && c.s.implements[on] != typ && c.s.implements[typ] != on {
		c.add("cannotSpreadFragment", "Fragment on %s can't be spread inside %s", on, typ)
		return
	}
	c.selections(on, selections, inside)
}

func (c *hubCheck) field(typ string, s *hubSelection, inside []string) {
	f, ok := c.s.fields[typ][s.name]
	if !ok {
		c.add("undefinedField", "Field '%s' doesn't exist on type '%s'", s.name, typ)
		return
	}
	c.arguments("Field '"+s.name+"'", f.arguments, s.arguments)
	below := bare(f.typ)
	isObject := c.s.kinds[below] == "type" || c.s.kinds[below] == "interface"
	switch {
	case isObject && s.selections == nil:
		c.add("selectionMismatch", "Field must have selections (field '%s' returns %s but has no selections. Did you mean '%s { ... }'?)", s.name, below, s.name)
	case !isObject && s.selections != nil:
		c.add("selectionMismatch", "Selections can't be made on scalars (field '%s' returns %s)", s.name, below)
	case isObject:
		c.selections(below, s.selections, inside)
	}
}

func (c *hubCheck) arguments(what string, types map[string]string, given map[string]*hubValue) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		typ, ok := types[name]
		if !ok {
			c.add("argumentNotAccepted", "%s doesn't accept argument '%s'", what, name)
			continue
		}
		c.value(what, typ, given[name])
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		if strings.HasSuffix(types[name], "!") && given[name] == nil {
			c.add("missingRequiredArguments", "%s is missing required arguments: %s", what, name)
		}
	}
}

func (c *hubCheck) value(what, typ string, v *hubValue) {
	switch v.kind {
	case 'v':
		i := slices.IndexFunc(c.d.variables, func(d hubVariable) bool { return d.name == v.variable })
		if i < 0 {
			c.add("variableNotDefined", "Variable $%s is used by anonymous operation but not declared", v.variable)
			return
		}
		c.used[v.variable] = true
		if has := c.d.variables[i]; has.typ != typ && has.typ != typ+"!" && (has.fallback == nil || has.typ+"!" != typ) {
			c.add("variableMismatch", "Type mismatch on variable $%s and argument (%s / %s) of %s", v.variable, has.typ, typ, what)
		}
	case 'o':
		types := map[string]string{}
		for name, f := range c.s.fields[bare(typ)] {
			types[name] = f.typ
		}
		c.arguments("InputObject '"+bare(typ)+"'", types, v.object)
	case 'l':
		for _, item := range v.list {
			c.value(what, strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(typ, "!"), "["), "]"), item)
		}
	default:
		constant := v.constant
		if e, ok := constant.(hubEnum); ok {
			constant = string(e)
			if c.s.kinds[bare(typ)] != "enum" {
				constant = []any{} // which fits nothing
			}
		}
		if why := c.s.mismatch(typ, constant); why != "" {
			c.add("argumentLiteralsIncompatible", "Argument of %s has an invalid value. Expected type '%s'.", what, typ)
		}
	}
}

// mismatch returns the place in a value that is not of a type, "" if all is.
func (s *hubSchema) mismatch(typ string, value any) string {
	inner, required := strings.CutSuffix(typ, "!")
	if value == nil {
		if required {
			return "null"
		}
		return ""
	}
	if item, ok := strings.CutPrefix(inner, "["); ok {
		list, ok := value.([]any)
		if !ok {
			return inner
		}
		for _, v := range list {
			if why := s.mismatch(strings.TrimSuffix(item, "]"), v); why != "" {
				return why
			}
		}
		return ""
	}
	switch s.kinds[inner] {
	case "enum":
		if text, ok := value.(string); ok && slices.Contains(s.values[inner], text) {
			return ""
		}
		return inner
	case "input":
		return s.objectMismatch(inner, value)
	}
	ok := false
	switch inner {
	case "Int":
		switch n := value.(type) {
		case float64:
			ok = n == float64(int32(n)) //nolint:gosec // that is what is asked
		case int:
			ok = true
		}
	case "Boolean":
		_, ok = value.(bool)
	case "GitObjectID":
		text, is := value.(string)
		ok = is && len(text) == 40 && strings.Trim(text, "0123456789abcdef") == ""
	case "GitRefname":
		text, is := value.(string)
		ok = is && strings.HasPrefix(text, "refs/")
	default:
		_, ok = value.(string)
	}
	if ok {
		return ""
	}
	return inner
}

func (s *hubSchema) objectMismatch(typ string, value any) string {
	object, ok := value.(map[string]any)
	if !ok {
		return typ
	}
	for name := range object {
		if s.fields[typ][name] == nil {
			return typ + "." + name + " (Field is not defined on " + typ + ")"
		}
	}
	for name, f := range s.fields[typ] {
		if why := s.mismatch(f.typ, object[name]); why != "" {
			return typ + "." + name
		}
	}
	return ""
}
