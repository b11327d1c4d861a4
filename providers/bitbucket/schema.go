package bitbucket

import (
	"encoding/json"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// The parts of Bitbucket's objects that are read. What may be null in them is a
// pointer.

type accountJSON struct {
	Type     string `json:"type"`
	UUID     string `json:"uuid"`
	Nickname string `json:"nickname"`
	Account  string `json:"account_id"`
	Name     string `json:"display_name"`
}

// user returns an account in the contract's words. People are of the type user;
// access tokens and apps are app_user.
func (a *accountJSON) user() providers.User {
	if a == nil {
		return providers.User{}
	}
	return providers.User{ID: a.UUID, Login: a.Nickname, Name: a.Name, Bot: a.Type != "" && a.Type != "user"}
}

type linksJSON struct {
	HTML struct {
		Href string `json:"href"`
	} `json:"html"`
}

type repositoryJSON struct {
	FullName   string `json:"full_name"`
	MainBranch *struct {
		Name string `json:"name"`
	} `json:"mainbranch"`
	Links linksJSON `json:"links"`
}

type refJSON struct {
	Name   string `json:"name"`
	Target struct {
		Hash string `json:"hash"`
	} `json:"target"`
}

type commitJSON struct {
	Hash      string      `json:"hash"`
	Message   string      `json:"message"`
	Date      time.Time   `json:"date"`
	Author    *authorJSON `json:"author"`
	Committer *authorJSON `json:"committer"`
	Parents   []struct {
		Hash string `json:"hash"`
	} `json:"parents"`
}

type authorJSON struct {
	Raw  string       `json:"raw"`
	User *accountJSON `json:"user"`
}

func (a *authorJSON) identity() providers.Identity {
	if a == nil {
		return providers.Identity{}
	}
	if address, err := mail.ParseAddress(a.Raw); err == nil {
		return providers.Identity{Name: address.Name, Email: address.Address}
	}
	name, email, _ := strings.Cut(a.Raw, "<")
	return providers.Identity{Name: strings.TrimSpace(name), Email: strings.TrimSuffix(strings.TrimSpace(email), ">")}
}

// commit returns a commit in the contract's words. The date is the author's,
// the only one that Bitbucket gives.
func (c commitJSON) commit() providers.Commit {
	commit := providers.Commit{
		SHA: c.Hash, Message: c.Message, Author: c.Author.identity(), Committer: c.Committer.identity(), Time: c.Date,
	}
	if c.Author != nil {
		commit.User = c.Author.User.user()
	}
	if c.Committer == nil {
		commit.Committer = commit.Author
	}
	for _, parent := range c.Parents {
		commit.Parents = append(commit.Parents, parent.Hash)
	}
	return commit
}

type endpointJSON struct {
	Branch struct {
		Name       string   `json:"name"`
		Strategies []string `json:"merge_strategies"`
		Strategy   string   `json:"default_merge_strategy"`
	} `json:"branch"`
	Commit *struct {
		Hash string `json:"hash"`
	} `json:"commit"`
	Repository *struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
}

type pullJSON struct {
	ID           int               `json:"id"`
	Title        string            `json:"title"`
	Description  string            `json:"description"`
	State        string            `json:"state"`
	Draft        bool              `json:"draft"`
	Author       *accountJSON      `json:"author"`
	Source       endpointJSON      `json:"source"`
	Destination  endpointJSON      `json:"destination"`
	Reviewers    []accountJSON     `json:"reviewers"`
	Participants []participantJSON `json:"participants"`
	CloseSource  bool              `json:"close_source_branch"`
	Created      time.Time         `json:"created_on"`
	Updated      time.Time         `json:"updated_on"`
	Links        linksJSON         `json:"links"`
	MergeCommit  *struct {
		Hash string `json:"hash"`
	} `json:"merge_commit"`
}

type participantJSON struct {
	User     *accountJSON `json:"user"`
	Approved bool         `json:"approved"`
	State    *string      `json:"state"`
	On       *time.Time   `json:"participated_on"`
}

// pull returns a pull request of the repository at path in the contract's words.
func (p pullJSON) pull(path string) providers.PullRequest {
	pull := providers.PullRequest{
		Number: p.ID, URL: p.Links.HTML.Href, Title: p.Title, Body: p.Description, Draft: p.Draft,
		Author: p.Author.user(), Base: p.Destination.Branch.Name, Created: p.Created, Updated: p.Updated,
		Head: providers.Head{
			Branch: p.Source.Branch.Name,
			Fork:   p.Source.Repository == nil || !strings.EqualFold(p.Source.Repository.FullName, path),
		},
	}
	if p.Source.Commit != nil {
		pull.Head.SHA = p.Source.Commit.Hash
	}
	switch p.State {
	case "OPEN":
		pull.State = providers.Open
	case "MERGED":
		pull.State = providers.Merged
		if p.MergeCommit != nil {
			pull.MergeSHA = p.MergeCommit.Hash
		}
	default: // DECLINED, SUPERSEDED
		pull.State = providers.Closed
	}
	return pull
}

type commentJSON struct {
	ID      int64 `json:"id"`
	Deleted bool  `json:"deleted"`
	Pending bool  `json:"pending"` // of a review that its author has not published
	Content struct {
		Raw string `json:"raw"`
	} `json:"content"`
	Inline  json.RawMessage `json:"inline"`
	User    *accountJSON    `json:"user"`
	Created time.Time       `json:"created_on"`
	Updated time.Time       `json:"updated_on"`
	Links   linksJSON       `json:"links"`
}

// isTalk reports whether a comment is one of the conversation.
func (c commentJSON) isTalk() bool {
	return !c.Deleted && !c.Pending && (len(c.Inline) == 0 || string(c.Inline) == "null")
}

func (c commentJSON) comment() providers.Comment {
	return providers.Comment{
		ID: strconv.FormatInt(c.ID, 10), URL: c.Links.HTML.Href, Body: c.Content.Raw, Author: c.User.user(), Created: c.Created, Updated: c.Updated,
	}
}

type diffstatJSON struct {
	Status string `json:"status"`
	Old    *struct {
		Path string `json:"path"`
	} `json:"old"`
	New *struct {
		Path string `json:"path"`
	} `json:"new"`
}

// changed returns a line of a diffstat in the contract's words; ok is false for
// one without a path. Conflicts have statuses of their own, such as "merge
// conflict": those files are modified.
func (d diffstatJSON) changed() (f providers.ChangedFile, ok bool) {
	switch {
	case d.New != nil:
		f.Path = d.New.Path
	case d.Old != nil:
		f.Path = d.Old.Path
	}
	switch {
	case d.Status == "added" || d.Old == nil:
		f.Status = providers.Added
	case d.Status == "removed" || d.New == nil:
		f.Status = providers.Removed
	case d.Old.Path != d.New.Path:
		f.Status, f.OldPath = providers.Renamed, d.Old.Path
	default:
		f.Status = providers.Modified
	}
	return f, f.Path != ""
}

// entryJSON is a file or folder of a tree.
type entryJSON struct {
	Type       string     `json:"type"`
	Path       string     `json:"path"`
	Size       *int64     `json:"size"`
	Attributes attributes `json:"attributes"`
}

const (
	fileType   = "commit_file"
	folderType = "commit_directory"
)

func (e entryJSON) entry() providers.Entry {
	entry := providers.Entry{Path: e.Path, Mode: e.Attributes.mode(), Size: -1}
	if e.Size != nil {
		entry.Size = *e.Size
	}
	return entry
}

// attributes are what a file is apart from its contents. The description of the
// API has one, its examples a list.
type attributes []string

func (a *attributes) UnmarshalJSON(text []byte) error {
	var one *string
	if json.Unmarshal(text, &one) == nil {
		if *a = nil; one != nil {
			*a = attributes{*one}
		}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

func (a attributes) mode() providers.Mode {
	mode := providers.Regular
	for _, attribute := range a {
		switch attribute {
		case "executable":
			mode = providers.Executable
		case "link":
			return providers.Symlink
		case "subrepository":
			return providers.Submodule
		}
	}
	return mode
}
