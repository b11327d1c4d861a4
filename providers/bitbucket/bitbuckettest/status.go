package bitbuckettest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
)

var checkStates = map[providers.CheckState]string{
	providers.Pending: "INPROGRESS", providers.Passed: "SUCCESSFUL", providers.Failed: "FAILED", providers.Skipped: "STOPPED",
}

func stateOf(names map[providers.CheckState]string, name string) (providers.CheckState, bool) {
	for state, n := range names {
		if n == name {
			return state, true
		}
	}
	return "", false
}

// maxKey is how long the key of a status may be (commit statuses).
const maxKey = 40

// statuses answers what is asked of build statuses. The store knows them by one
// name, which stands for the key.
func (c *call) statuses() answer {
	if a := c.may("repository", false, providers.CanRead); a.status != 0 {
		return a
	}
	commit := c.find(c.parts[1])
	if commit == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	switch {
	case c.is("GET", "commit", "*", "statuses"):
		var values []object
		for _, status := range c.Statuses[commit.SHA] {
			values = append(values, c.statusObject(commit.SHA, status))
		}
		return c.page(values, 100)
	case c.is("POST", "commit", "*", "statuses", "build"):
		if !c.known || c.Archived || c.token.ReadOnly || c.permission() < providers.CanWrite {
			return failure(http.StatusForbidden, "You do not have the required permission in this repository.")
		}
		var in struct{ Key, State, Name, Description, URL, RefName string }
		if err := c.read(&in); err != nil {
			return failure(http.StatusBadRequest, "%v", err)
		}
		state, known := stateOf(checkStates, in.State)
		switch {
		case in.Key == "" || len([]rune(in.Key)) > maxKey:
			return badField("key", "required key not provided, or longer than 40 characters")
		case !known:
			return badField("state", "%q is not a valid choice", in.State)
		case !strings.HasPrefix(in.URL, "http"):
			return badField("url", "Enter a valid URL.")
		}
		status := c.SetStatus(commit.SHA, c.account.Login, providers.Status{
			Name: in.Key, State: state, Description: in.Description, URL: in.URL, Branch: in.RefName,
		})
		return answer{status: http.StatusCreated, body: c.statusObject(commit.SHA, status)}
	}
	return failure(http.StatusNotFound, "Resource not found")
}

func (c *call) statusObject(sha string, s *memory.Status) object {
	return object{
		"type": "build", "key": s.Name, "name": s.Name, "state": checkStates[s.State], "description": s.Description, "url": s.URL, "refname": s.Branch,
		"created_on": stamp(s.Created), "updated_on": stamp(s.Updated),
		"links": object{"self": href(c.api("commit", sha, "statuses", "build", s.Name)), "commit": href(c.api("commit", sha))},
	}
}

var results = map[providers.CheckState]string{providers.Pending: "PENDING", providers.Passed: "PASSED", providers.Failed: "FAILED"}

// Limits of a report.
const (
	maxAtOnce      = 100
	maxAnnotations = 1000
)

// insights answers what is asked of the reports of Code Insights (reports).
// Deleting one takes its annotations away; writing it again leaves them.
func (c *call) insights() answer {
	if a := c.may("repository", false, providers.CanRead); a.status != 0 {
		return a
	}
	commit := c.find(c.parts[1])
	if commit == nil {
		return failure(http.StatusNotFound, "Commit not found")
	}
	if c.is("GET", "commit", "*", "reports") {
		var values []object
		for _, report := range c.Reports[commit.SHA] {
			values = append(values, reportObject(report))
		}
		return c.page(values, 100)
	}
	if len(c.parts) < 4 || !c.known || c.Archived || c.token.ReadOnly || c.permission() < providers.CanWrite {
		return failure(http.StatusForbidden, "You do not have the required permission in this repository.")
	}
	key := c.repo.Path() + "\x00" + commit.SHA + "\x00" + c.parts[3]
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	name := c.server.reports[key]
	i := slices.IndexFunc(c.Reports[commit.SHA], func(r *memory.Report) bool { return r.Name == name && name != "" })
	switch {
	case c.is("DELETE", "commit", "*", "reports", "*"):
		if i >= 0 {
			c.Reports[commit.SHA] = slices.Delete(c.Reports[commit.SHA], i, i+1)
			delete(c.server.reports, key)
		}
		return answer{status: http.StatusNoContent}
	case c.is("PUT", "commit", "*", "reports", "*"):
		var in struct {
			Title, Details, Link, Result string
			Type                         string `json:"report_type"`
		}
		if err := c.read(&in); err != nil || in.Title == "" || in.Details == "" || in.Type == "" {
			return failure(http.StatusBadRequest, "The report lacks a title, details or a type")
		}
		state, known := stateOf(results, in.Result)
		if !known {
			state = providers.Skipped
		}
		report := providers.Report{Name: in.Title, State: state, Summary: in.Details, URL: in.Link}
		if i >= 0 {
			report.Annotations = c.Reports[commit.SHA][i].Annotations
		}
		c.server.reports[key] = in.Title
		return success(reportObject(c.SetReport(commit.SHA, c.account.Login, report)))
	case c.is("POST", "commit", "*", "reports", "*", "annotations") && i >= 0:
		var in []struct {
			ID      string `json:"external_id"`
			Kind    string `json:"annotation_type"`
			Summary string
			Path    string
			Line    int
			Result  string
		}
		report := c.Reports[commit.SHA][i]
		if err := c.read(&in); err != nil || len(in) == 0 || len(in) > maxAtOnce || len(report.Annotations)+len(in) > maxAnnotations {
			return failure(http.StatusBadRequest, "No more than 100 annotations at once, and 1000 in all")
		}
		for _, a := range in {
			if a.ID == "" || a.Kind == "" || a.Summary == "" {
				return failure(http.StatusBadRequest, "The annotation lacks an id, a type or a summary")
			}
			report.Annotations = append(report.Annotations, providers.Annotation{Path: a.Path, Line: a.Line, Message: a.Summary, Failed: a.Result == "FAILED"})
		}
		return success([]object{})
	}
	return failure(http.StatusNotFound, "Report not found")
}

func reportObject(r *memory.Report) object {
	o := object{
		"type": "report", "uuid": UUID(r.ID), "title": r.Name, "details": r.Summary, "report_type": "TEST",
		"created_on": stamp(r.Created), "updated_on": stamp(r.Updated),
	}
	if r.URL != "" {
		o["link"] = r.URL
	}
	if result := results[r.State]; result != "" {
		o["result"] = result
	}
	return o
}
