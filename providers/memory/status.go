package memory

import (
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/providers"
)

// Status is a status of a commit.
type Status struct {
	ID      int64
	Creator string // login
	providers.Status
	Created, Updated time.Time
}

// Report is a check at length: a check run as GitHub has it, a report of
// Bitbucket's Code Insights.
type Report struct {
	ID      int64
	Creator string // login
	providers.Report
	Created, Updated time.Time
}

// SetStatus writes a status in place of one of the same name.
func (s *State) SetStatus(sha, actor string, status providers.Status) *Status {
	now := s.repo.forge.Now()
	n := &Status{ID: s.repo.forge.NextID(), Creator: actor, Status: status, Created: now, Updated: now}
	list := s.Statuses[sha]
	i := slices.IndexFunc(list, func(o *Status) bool { return o.Name == status.Name })
	if i >= 0 {
		n.ID, n.Created = list[i].ID, list[i].Created
		list[i] = n
	} else {
		s.Statuses[sha] = append(list, n)
	}
	s.checked(sha, actor, providers.Check{Name: status.Name, State: status.State, Description: status.Description, URL: status.URL})
	return n
}

// SetReport writes a report in place of one of the same name by the same
// account.
func (s *State) SetReport(sha, actor string, report providers.Report) *Report {
	now := s.repo.forge.Now()
	report.Annotations = slices.Clone(report.Annotations)
	n := &Report{ID: s.repo.forge.NextID(), Creator: actor, Report: report, Created: now, Updated: now}
	list := s.Reports[sha]
	i := slices.IndexFunc(list, func(o *Report) bool { return o.Name == report.Name && o.Creator == actor })
	if i >= 0 {
		n.ID, n.Created = list[i].ID, list[i].Created
		list[i] = n
	} else {
		s.Reports[sha] = append(list, n)
	}
	s.checked(sha, actor, providers.Check{Name: report.Name, State: report.State, Description: report.Title, URL: report.URL})
	return n
}

func (s *State) checked(sha, actor string, c providers.Check) {
	s.tell(Delivery{Kind: providers.ChecksMoved, Action: string(c.State), Actor: actor, SHA: sha, Check: &c})
	s.autoMerge()
}

// Checks returns the statuses and reports of a commit, sorted by name.
func (s *State) Checks(sha string) []providers.Check {
	var out []providers.Check
	for _, st := range s.Statuses[sha] {
		out = append(out, providers.Check{Name: st.Name, State: st.State, Description: st.Description, URL: st.URL})
	}
	for _, r := range s.Reports[sha] {
		out = append(out, providers.Check{Name: r.Name, State: r.State, Description: r.Title, URL: r.URL})
	}
	slices.SortStableFunc(out, func(a, b providers.Check) int { return strings.Compare(a.Name, b.Name) })
	return out
}
