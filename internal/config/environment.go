package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/schema"
)

// Environment is one place where apps run.
type Environment struct {
	schema.Place
	Name     string   `key:"name,required,name" doc:"how commands and {env} name it" note:"{env} stands for this name in paths, so folders and files must be named so, too"`
	Group    string   `key:"group,name" alias:"region,groups" doc:"a set of environments that can be named together; it must not be named like an environment"`
	After    []string `key:"after,name,unique" alias:"requires,dependsOn,dependencies,needs,from,upstream" doc:"the environments that must hold a version first, all of them; a group means its members"`
	Auto     Auto     `key:"auto" default:"manual" doc:"what happens when a version may enter: it is merged, a pull request is opened, or nothing"`
	Gates    Gates    `key:"gates" doc:"what must hold before a version enters"`
	Commands Commands `key:"commands" doc:"who may give a command for this environment, in place of what the file says"`

	// Position is 1 for an environment without After, and otherwise one more
	// than the highest position in After. In a parsed Config, After holds names
	// of environments only.
	Position int
}

// Auto says what happens when a version may enter an environment.
type Auto string

// The values of auto.
const (
	AutoMerge  Auto = "merge"
	AutoPR     Auto = "pr"
	AutoManual Auto = "manual"
)

// Form lists the values.
func (Auto) Form() schema.Form {
	return schema.Form{Enum: []string{string(AutoMerge), string(AutoPR), string(AutoManual)}}
}

// Gates are what must hold before a version enters an environment. The zero
// value holds always.
type Gates struct {
	Soak      Duration   `key:"soak" doc:"how long the version must have been healthy in each environment of after"`
	Healthy   bool       `key:"healthy" default:"false" doc:"whether each environment of after must be healthy now; unknown health is not healthy"`
	Checks    []string   `key:"checks,unique" doc:"statuses that must have passed on the source's merge commit"`
	Approvals *Approvals `key:"approvals" alias:"reviewers,approvers,reviews" doc:"who must approve the pull request"`
}

// Approvals are the approvals that a pull request needs. Where neither teams
// nor users are named, everybody's counts who may approve on the forge.
type Approvals struct {
	Count     int      `key:"count" default:"1" min:"1" doc:"how many are needed"`
	Teams     []string `key:"teams,unique" doc:"teams whose members count"`
	Users     []string `key:"users,unique" alias:"reviewers,approvers,people" doc:"people who count"`
	NotAuthor bool     `key:"notAuthor" default:"false" doc:"leaves out who asked for the promotion, who wrote the source pull request, and the authors of its commits"`
}

// Environment returns the environment of that name, or nil.
func (c *Config) Environment(name string) *Environment {
	if i, ok := c.byName[name]; ok {
		return &c.Environments[i]
	}
	return nil
}

// Members returns the names of the environments that a name means: the one
// that has it, or the members of the group, in the order of the file. It is
// nil for a name that is not known.
func (c *Config) Members(name string) []string {
	if c.Environment(name) != nil {
		return []string{name}
	}
	var members []string
	for _, e := range c.Environments {
		if e.Group == name && name != "" {
			members = append(members, e.Name)
		}
	}
	return members
}

// First returns the environments that come first: those without After, in the
// order of the file.
func (c *Config) First() []*Environment {
	return slices.DeleteFunc(c.Order(), func(e *Environment) bool { return e.Position > 1 })
}

// Order returns the environments so that each stands behind those in its
// After, by [Environment.Position], and by the order of the file where that is
// equal.
func (c *Config) Order() []*Environment {
	order := make([]*Environment, len(c.Environments))
	for i := range c.Environments {
		order[i] = &c.Environments[i]
	}
	slices.SortStableFunc(order, func(a, b *Environment) int { return a.Position - b.Position })
	return order
}

// Near returns the environment or group that was most likely meant by a name
// that is none, or "".
func (c *Config) Near(name string) string {
	var known []string
	for _, e := range c.Environments {
		known = append(known, e.Name)
	}
	for _, e := range c.Environments {
		if e.Group != "" && !slices.Contains(known, e.Group) {
			known = append(known, e.Group)
		}
	}
	return schema.Nearest(name, known)
}

// members are the environments that each name means.
type members map[string][]string

func (c *Config) membersByName() members {
	m := members{}
	for _, e := range c.Environments {
		if e.Group != "" {
			m[e.Group] = append(m[e.Group], e.Name)
		}
	}
	for _, e := range c.Environments {
		m[e.Name] = []string{e.Name}
	}
	return m
}

// expand puts the members of groups in their place, each environment once.
func (m members) expand(names []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range names {
		for _, member := range m[name] {
			if !seen[member] {
				seen[member] = true
				out = append(out, member)
			}
		}
	}
	return out
}

// environments checks the names of environments and groups.
func (k *check) environments() {
	k.members = k.membersByName()
	k.vague = len(k.Environments) == 0
	first := map[string]int{}
	for i, e := range k.Environments {
		at := steps("environments", i, "name")
		if e.Name == "" {
			k.vague = true
		} else if j, again := first[e.Name]; again {
			k.again(steps("environments", j, "name"), at, "environment %s is declared twice", e.Name)
		} else {
			first[e.Name] = i
		}
	}
	for i, e := range k.Environments {
		if _, ok := first[e.Group]; ok {
			k.fault(steps("environments", i, "group"),
				"environments and groups share their names: give one of them another",
				"group %s is named like an environment", e.Group)
		}
		for j, name := range e.After {
			k.known(name, steps("environments", i, "after", j))
		}
	}
}

// gates checks that the gates that ask for the environments of after have some.
func (k *check) gates() {
	for i := range k.Environments {
		e := &k.Environments[i]
		var gates []string
		if e.Gates.Soak != 0 {
			gates = append(gates, "soak")
		}
		if e.Gates.Healthy {
			gates = append(gates, "healthy")
		}
		// Where after is at fault, or may be what an unknown key means, that is said.
		isSaid := e.Vague || e.After == nil && k.file.Has("environments", i, "after")
		if gates == nil || len(e.After) > 0 || isSaid {
			continue
		}
		name := e.Name
		if name == "" {
			name = "the environment"
		}
		// What comes from an anchor stands before its alias, which is the place.
		at := max(e.Offset, k.file.Offset("environments", i, "gates"), k.file.Offset("environments", i, "gates", gates[0]))
		hint := fmt.Sprintf("leave the gate out, or declare what comes before %s, and name it in after", name)
		if before := k.likelyBefore(i); before != "" {
			hint = fmt.Sprintf("write after: [%s], or leave the gate out", before)
		}
		k.faultAt(at, hint+fmt.Sprintf("; without after, %s comes first, and a plain `towpath bump` changes it", name),
			"%s can never hold %s back: it has no after", strings.Join(gates, " and "), name)
	}
}

// likelyBefore returns the environment that one without after most likely comes
// after: the next above it in the file that can be, or else below; "" for none.
func (k *check) likelyBefore(i int) string {
	own := k.Environments[i]
	others := slices.Concat(k.Environments[:i], k.Environments[i+1:])
	slices.Reverse(others[:i])
	for _, e := range others {
		isSibling := e.Group != "" && e.Group == own.Group
		if e.Name != "" && e.Name != own.Name && !isSibling && !k.comesAfter(e.Name, own.Name, map[string]bool{}) {
			return e.Name
		}
	}
	return ""
}

// comesAfter reports whether an environment waits for another, or for one that
// does.
func (k *check) comesAfter(name, other string, seen map[string]bool) bool {
	if e := k.Environment(name); e != nil && !seen[name] {
		seen[name] = true
		for _, before := range k.members.expand(e.After) {
			if before == other || k.comesAfter(before, other, seen) {
				return true
			}
		}
	}
	return false
}

// known checks that a name means environments.
func (k *check) known(name string, at []any) {
	if name == "" || k.vague || k.members[name] != nil {
		return
	}
	k.fault(at, k.hintFor(name), "no environment or group is named %s", name)
}

func (k *check) hintFor(name string) string {
	if near := k.Near(name); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	var names []string
	for _, e := range k.Environments {
		if e.Name != "" {
			names = append(names, e.Name)
		}
	}
	const most = 10
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return "the environments are: " + strings.Join(names, ", ")
}
