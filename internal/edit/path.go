package edit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Path leads from the root of a document to a value, such as
//
//	image.tag
//	releases[0].values."app.kubernetes.io/version"
//
// Steps are keys, separated by dots, and indices from 0 in brackets. A key
// that holds a dot, a bracket, a quote or white space is written in double
// quotes, in which \" and \\ are escapes.
type Path []Step

// Step is one step of a [Path]: a key, or an index if Key is empty and the
// step was written in brackets.
type Step struct {
	Key   string
	Index int // -1 for a key
}

// ParsePath reads a path. The error names the offset, in bytes, at which the
// text cannot be read.
func ParsePath(s string) (Path, error) {
	var path Path
	fail := func(at int, format string, args ...any) (Path, error) {
		return nil, fmt.Errorf("key path %q: at %d: %s", s, at+1, fmt.Sprintf(format, args...))
	}
	for i := 0; i < len(s); {
		switch {
		case s[i] == '[':
			end := strings.IndexByte(s[i:], ']')
			if end < 0 {
				return fail(i, "bracket is not closed")
			}
			digits := s[i+1 : i+end]
			n, err := strconv.ParseUint(digits, 10, 31)
			if err != nil || strconv.FormatUint(n, 10) != digits {
				return fail(i+1, "%q is not an index", digits)
			}
			path = append(path, Step{Index: int(n)})
			i += end + 1
		case s[i] == '.' && len(path) == 0:
			return fail(i, "a path does not start with a dot")
		default:
			if len(path) > 0 {
				if s[i] != '.' {
					return fail(i, "expected a dot or a bracket")
				}
				i++
			}
			key, n, why := pathKey(s[i:])
			if why != "" {
				return fail(i, "%s", why)
			}
			path = append(path, Step{Key: key, Index: -1})
			i += n
		}
	}
	if len(path) == 0 {
		return nil, fmt.Errorf("key path is empty")
	}
	return path, nil
}

// pathKey reads the key that s starts with and returns its length in s.
func pathKey(s string) (key string, n int, why string) {
	if !strings.HasPrefix(s, `"`) {
		n = strings.IndexAny(s, `.["`+" \t\r\n]")
		if n < 0 {
			n = len(s)
		}
		if n == 0 {
			return "", 0, "expected a key"
		}
		return s[:n], n, ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if b.Len() == 0 {
				return "", 0, "key is empty"
			}
			return b.String(), i + 1, ""
		case '\\':
			if i+1 == len(s) || s[i+1] != '"' && s[i+1] != '\\' {
				return "", 0, `only \" and \\ are escapes`
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return "", 0, "quote is not closed"
}

// String writes the path so that [ParsePath] reads it back.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		if s.Index >= 0 {
			fmt.Fprintf(&b, "[%d]", s.Index)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		if strings.ContainsAny(s.Key, ".[]\"\\ \t\r\n") {
			b.WriteString(`"` + escapeDouble(s.Key) + `"`)
		} else {
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

func isSequence(n *Node) bool { return n != nil && n.Kind == Sequence }

// Find returns every node that the path leads to from root: more than one if
// keys are written twice, none if it leads nowhere. Keys that are written more
// than once, such as the blocks of HCL, can be told apart by an index. Aliases are followed, and
// merge keys are looked into where a mapping has no such key of its own.
func (p Path) Find(root *Node) []*Node {
	nodes := []*Node{root.Resolve()}
	for _, step := range p {
		var next []*Node
		if many := step.Index >= 0 && len(nodes) > 1; many && step.Index < len(nodes) && !slices.ContainsFunc(nodes, isSequence) {
			nodes = nodes[step.Index : step.Index+1]
			continue
		}
		for _, n := range nodes {
			if step.Index >= 0 {
				if items := n.Items(); step.Index < len(items) {
					next = append(next, items[step.Index].Resolve())
				}
				continue
			}
			for e := range n.Entries() {
				if e.Key == step.Key {
					next = append(next, e.Value)
				}
			}
		}
		nodes = next
	}
	if len(nodes) == 1 && nodes[0] == nil {
		return nil
	}
	return nodes
}
