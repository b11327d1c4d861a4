package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
)

// names reads the first answer of some that is a list of names: the names that
// get a version at the same time, first to last. It is nil without an answer.
func (a Answers) names(ids ...string) ([][]string, *fault.Error) {
	var levels [][]string
	for _, id := range ids {
		seen := map[string]bool{}
		for level := range strings.SplitSeq(a[id], ",") {
			var names []string
			for name := range strings.SplitSeq(level, "+") {
				name = strings.TrimSpace(name)
				switch {
				case name == "":
					continue
				case !isName(name) && isName(strings.ToLower(name)):
					return nil, fault.New(fault.Usage, "{env} stands for lower-case names only: rename the folders or files that are called so, and answer "+strings.ToLower(name),
						"%q cannot name an environment", name)
				case !isName(name):
					return nil, fault.New(fault.Usage, "write lower-case letters, digits, dots, dashes and underscores", "%q cannot name an environment", name)
				case seen[name]:
					return nil, fault.New(fault.Usage, "write each environment once", "%q is named twice", name)
				}
				seen[name] = true
				names = append(names, name)
			}
			if len(names) > 0 {
				levels = append(levels, names)
			}
		}
		if levels != nil {
			return levels, nil
		}
	}
	return nil, nil
}

// arrange puts environments in order: as an answer says, else by the stages
// that their names name, else as a document lists them.
func arrange(names []string, answer [][]string, clues []clue) ([]Environment, []Question) {
	var levels [][]string
	var unknown []string
	if answer != nil {
		levels, unknown = byAnswer(names, answer)
	} else {
		levels, unknown = byStage(names)
	}
	var questions []Question
	if len(unknown) > 0 && len(names) > 1 {
		q := Question{
			ID:   askOrder,
			Text: fmt.Sprintf("In which order do versions travel? The names do not say it of %s. Separate with commas, first to last, and join with + what gets a version at the same time.", list(unknown, 5)),
		}
		switch listed := listedOrder(unknown, clues); {
		case len(levels) > 1:
			// Beside the last, where nothing comes by itself.
			levels[len(levels)-1] = append(levels[len(levels)-1], unknown...)
			q.Default = written(levels)
		case len(levels) == 1:
			levels = append(levels, unknown)
			q.Default = written(levels)
		case listed != nil:
			for _, n := range listed {
				levels = append(levels, []string{n})
			}
			q.Default = written(levels)
		default:
			levels = [][]string{unknown}
		}
		for _, l := range levels {
			q.Candidates = append(q.Candidates, l...)
		}
		if answer == nil {
			questions = append(questions, q)
		}
	} else if len(unknown) > 0 {
		levels = [][]string{unknown}
	}
	return chain(levels, names), questions
}

func written(levels [][]string) string {
	var parts []string
	for _, l := range levels {
		parts = append(parts, strings.Join(l, "+"))
	}
	return strings.Join(parts, ", ")
}

func byAnswer(names []string, answer [][]string) (levels [][]string, rest []string) {
	left := slices.Clone(names)
	for _, level := range answer {
		var own []string
		for _, n := range level {
			if i := slices.Index(left, n); i >= 0 {
				own = append(own, n)
				left = slices.Delete(left, i, i+1)
			}
		}
		if len(own) > 0 {
			levels = append(levels, own)
		}
	}
	return levels, left
}

func byStage(names []string) (levels [][]string, rest []string) {
	byStage := make([][]string, len(stages))
	for _, n := range names {
		if i, _, ok := stageWord(n); ok {
			byStage[i] = append(byStage[i], n)
		} else {
			rest = append(rest, n)
		}
	}
	return slices.DeleteFunc(byStage, func(l []string) bool { return len(l) == 0 }), rest
}

// listedOrder returns names in the order of the first document that lists all
// of them, nil if there is none.
func listedOrder(names []string, clues []clue) []string {
	for _, c := range clues {
		var own []string
		for _, n := range c.names {
			if c.slot == nil && slices.Contains(names, n) && !slices.Contains(own, n) {
				own = append(own, n)
			}
		}
		if len(own) == len(names) {
			return own
		}
	}
	return nil
}

// chain makes environments of levels: each waits for the level before.
func chain(levels [][]string, taken []string) []Environment {
	var out []Environment
	var after []string
	for _, level := range levels {
		groups := groupsOf(level, taken)
		next := []string{}
		for _, n := range level {
			out = append(out, Environment{Name: n, Group: groups[n], After: after})
			if g := cmp.Or(groups[n], n); !slices.Contains(next, g) {
				next = append(next, g)
			}
		}
		after = next
	}
	return out
}

// groupsOf gives environments of one stage, such as prod-eu and prod-us, a
// group by the word that they share, unless something has that name already.
func groupsOf(level, taken []string) map[string]string {
	words := map[string][]string{}
	for _, n := range level {
		if _, word, ok := stageWord(n); ok && word != n {
			words[word] = append(words[word], n)
		}
	}
	groups := map[string]string{}
	for word, members := range words {
		if len(members) > 1 && !slices.Contains(taken, word) && isName(word) {
			for _, n := range members {
				groups[n] = word
			}
		}
	}
	return groups
}

// list writes some of names as people do, and counts the others.
func list(names []string, most int) string {
	if len(names) > most {
		other := "others"
		if len(names) == most+1 {
			other = "other"
		}
		return fmt.Sprintf("%s and %d %s", strings.Join(names[:most], ", "), len(names)-most, other)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
