package config

import (
	"fmt"
	"slices"
	"strings"
)

// order checks that versions can travel: that environments do not wait for
// each other, and that none waits for some that do.
func (k *check) order() {
	g := graph{
		before: make([][]int, len(k.Environments)),
		low:    make([]int, len(k.Environments)),
		part:   slices.Repeat([]int{-1}, len(k.Environments)),
	}
	index := map[string]int{}
	for i, e := range slices.Backward(k.Environments) {
		index[e.Name] = i
	}
	for i, e := range k.Environments {
		for _, name := range k.members.expand(e.After) {
			g.before[i] = append(g.before[i], index[name])
		}
	}
	for i := range k.Environments {
		g.visit(i)
	}
	stuck := make([]string, len(g.parts)) // the circle that a part waits for
	for p, part := range g.parts {
		first := slices.Min(part)
		if circle := g.circle(first); circle != nil {
			names := k.names(circle)
			stuck[p] = names
			item := k.mention(first, circle[len(circle)-2])
			what, hint := "environments wait for each other", "an environment without after comes first: take one of them out of an after"
			if len(part) == 1 {
				what, hint = "an environment waits for itself", "take it out"
				if group := k.Environments[first].After[item]; group != k.Environments[first].Name {
					hint = fmt.Sprintf("%s is in the group %s: name the members that come before it", k.Environments[first].Name, group)
				}
			}
			k.fault(steps("environments", first, "after", item), hint, "%s: %s", what, names)
			continue
		}
		for _, before := range g.before[first] {
			if names := stuck[g.part[before]]; names != "" {
				stuck[p] = names
				k.fault(steps("environments", first, "name"), "",
					"nobody can reach %s: it comes after %s, which waits for ever: %s",
					k.Environments[first].Name, k.Environments[before].Name, names)
				break
			}
		}
	}
}

// names writes a circle as the way of a version through it.
func (k *check) names(circle []int) string {
	var names []string
	for _, i := range circle {
		names = append(names, k.Environments[i].Name)
	}
	return strings.Join(names, " → ")
}

// mention returns the item of an environment's after that means another.
func (k *check) mention(i, other int) int {
	return slices.IndexFunc(k.Environments[i].After, func(name string) bool {
		return slices.Contains(k.members[name], k.Environments[other].Name)
	})
}

// graph is the environments, by their index, and what each comes after.
// Environments that can be reached from each other are one part; a part stands
// behind those that come before it. This is Tarjan's algorithm:
// https://doi.org/10.1137/0201010
type graph struct {
	before [][]int
	parts  [][]int
	part   []int // of each environment, -1 before it is known
	low    []int // 0 for one that was not visited
	count  int
	stack  []int
}

func (g *graph) visit(i int) {
	if g.low[i] != 0 {
		return
	}
	g.count++
	number := g.count
	g.low[i] = number
	g.stack = append(g.stack, i)
	for _, j := range g.before[i] {
		if g.low[j] == 0 {
			g.visit(j)
		}
		if g.part[j] < 0 {
			g.low[i] = min(g.low[i], g.low[j])
		}
	}
	if g.low[i] < number {
		return
	}
	at := slices.Index(g.stack, i)
	part := slices.Clone(g.stack[at:])
	g.stack = g.stack[:at]
	for _, j := range part {
		g.part[j] = len(g.parts)
	}
	g.parts = append(g.parts, part)
}

// circle returns the shortest way of a version from an environment back to
// it, with it at both ends, or nil.
func (g *graph) circle(start int) []int {
	next := map[int]int{} // on the way to start
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		for _, j := range g.before[queue[0]] {
			if j == start {
				way := []int{start}
				for i := queue[0]; i != start; i = next[i] {
					way = append(way, i)
				}
				return append(way, start)
			}
			if _, met := next[j]; !met {
				next[j] = queue[0]
				queue = append(queue, j)
			}
		}
	}
	return nil
}

// place gives each environment its position. There are no circles.
func (c *Config) place() {
	index := map[string]int{}
	for i, e := range c.Environments {
		index[e.Name] = i
	}
	var place func(i int) int
	place = func(i int) int {
		e := &c.Environments[i]
		if e.Position == 0 {
			e.Position = 1
			for _, name := range e.After {
				e.Position = max(e.Position, place(index[name])+1)
			}
		}
		return e.Position
	}
	for i := range c.Environments {
		place(i)
	}
}
