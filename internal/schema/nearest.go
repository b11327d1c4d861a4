package schema

import "strings"

// Nearest returns the candidate that somebody most likely meant who wrote
// word, the first of several, and "" if none comes near. Case, dashes and
// underscores count for nothing, so that pull_request is near pullRequest, and
// the start of a candidate, from three letters on, is near it.
func Nearest(word string, candidates []string) string {
	const longest = 64 // what is longer is no slip of the pen
	if len(word) > longest {
		return ""
	}
	folded := fold(word)
	best, found := 1+slips(len(folded)), ""
	for _, c := range candidates {
		if len(c) > longest {
			continue
		}
		if d := distance(folded, fold(c)); d < best {
			best, found = d, c
		}
	}
	if found != "" || len(folded) < 3 {
		return found
	}
	for _, c := range candidates {
		if strings.HasPrefix(fold(c), folded) {
			return c
		}
	}
	return ""
}

// slips returns how many letters of a word may be wrong for it still to be
// recognised.
func slips(length int) int {
	switch {
	case length < 5:
		return 1
	case length < 9:
		return 2
	}
	return 3
}

var separators = strings.NewReplacer("-", "", "_", "")

func fold(s string) string { return separators.Replace(strings.ToLower(s)) }

// distance returns the number of letters to insert, drop or replace, or of
// neighbours to swap, on the way from a to b.
func distance(a, b string) int {
	width := len(b) + 1
	cost := make([]int, (len(a)+1)*width)
	for i := range len(a) + 1 {
		for j := range width {
			at := i*width + j
			if i == 0 || j == 0 {
				cost[at] = i + j
				continue
			}
			replaced := cost[at-width-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			cost[at] = min(replaced, cost[at-1]+1, cost[at-width]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cost[at] = min(cost[at], cost[at-2*width-2]+1)
			}
		}
	}
	return cost[len(cost)-1]
}
