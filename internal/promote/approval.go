package promote

import (
	"fmt"
	"slices"
	"strings"
)

// ApprovalRule is who has to approve. With a Count of 0, nobody has to.
type ApprovalRule struct {
	Count int
	// Teams and Users name those whose approvals count, either being enough;
	// where both are empty, everybody's do.
	Teams, Users []string
	// NotAuthor leaves out who asked, who forced, who wrote the source pull
	// request, and the authors of the commits. While one of these is not known,
	// nobody's approval opens the gate.
	NotAuthor bool
}

// Approval is one person's approval of the head that would be merged.
type Approval struct {
	By    string
	Teams []string // those that the person is in, as far as they are known
}

func (f Facts) approvals() Finding {
	rule := f.Rules.Approvals
	if rule.Count <= 0 {
		return open("not asked for")
	}
	var count, aside []string
	for _, a := range f.Approvals {
		reason := f.discounts(a)
		switch {
		case isOneOf(count, a.By):
		case reason != "":
			aside = append(aside, reason)
		default:
			count = append(count, a.By)
		}
	}
	text := fmt.Sprintf("%d of %d", len(count), rule.Count)
	if len(count) > 0 {
		text += ": " + list(count, "and")
	}
	if len(aside) > 0 {
		text += " (" + strings.Join(aside, "; ") + ")"
	}
	if len(count) < rule.Count {
		if whose := slices.Concat(prefixed("team:", rule.Teams), prefixed("user:", rule.Users)); len(whose) > 0 {
			text += ", by " + list(whose, "or")
		}
		return closed("%s", text)
	}
	if rule.NotAuthor && len(f.UnknownAuthors) > 0 {
		return unknown("%s, but who %s is on the forge is not known, and an author's approval does not count", text, list(f.UnknownAuthors, "and"))
	}
	return open("%s", text)
}

// discounts says why an approval does not count, "" if it does.
func (f Facts) discounts(a Approval) string {
	rule := f.Rules.Approvals
	if a.By == "" {
		return "nobody is named"
	}
	if rule.NotAuthor {
		switch {
		case strings.EqualFold(a.By, f.By):
			return a.By + " asked for it"
		case f.Force != nil && strings.EqualFold(a.By, f.Force.By):
			return a.By + " forced it"
		case isOneOf(f.SourceAuthors, a.By):
			return a.By + " wrote the source pull request"
		case isOneOf(f.CommitAuthors, a.By):
			return a.By + " wrote a commit in it"
		}
	}
	isNamed := isOneOf(rule.Users, a.By) || slices.ContainsFunc(a.Teams, func(t string) bool { return isOneOf(rule.Teams, t) })
	if !isNamed && len(rule.Teams)+len(rule.Users) > 0 {
		return a.By + " is not among those who are asked"
	}
	return ""
}

// isOneOf compares as forges do, which ignore the case of a login.
func isOneOf(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

func prefixed(prefix string, names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, prefix+n)
	}
	return out
}
