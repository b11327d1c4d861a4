package edit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func str(value string) *Node { return &Node{Kind: Scalar, Tag: TagString, Value: value} }

func list(items ...*Node) *Node { return &Node{Kind: Sequence, Content: items} }

func alias(target *Node) *Node { return &Node{Kind: Alias, Value: target.Anchor, Target: target} }

// mapping takes keys and values in turn.
func mapping(pairs ...any) *Node {
	n := &Node{Kind: Mapping}
	for _, p := range pairs {
		switch p := p.(type) {
		case string:
			key := str(p)
			if p == "<<" {
				key.Tag = TagMerge
			}
			n.Content = append(n.Content, key)
		case *Node:
			n.Content = append(n.Content, p)
		}
	}
	return n
}

func TestEntries(t *testing.T) {
	t.Parallel()
	a := mapping("x", str("ax"), "y", str("ay"))
	b := mapping("y", str("by"), "z", str("bz"))
	chained := mapping("<<", alias(a), "z", str("cz"))
	self := mapping("x", str("sx"))
	self.Content = append(self.Content, &Node{Kind: Scalar, Tag: TagMerge, Value: "<<"}, alias(self))
	tests := []struct {
		name string
		node *Node
		want string
	}{
		{"plain", a, "x=ax y=ay"},
		{"duplicates", mapping("x", str("1"), "x", str("2")), "x=1 x=2"},
		{"own pairs override, wherever the merge key stands", mapping("<<", alias(a), "x", str("own")), "x=own y=ay*"},
		{"own pairs come first", mapping("x", str("own"), "<<", alias(a)), "x=own y=ay*"},
		{"the first of several wins", mapping("<<", list(alias(b), alias(a))), "y=by* z=bz* x=ax*"},
		{"merged mappings merge", mapping("<<", alias(chained)), "z=cz* x=ax* y=ay*"},
		{"inline", mapping("<<", mapping("x", str("in"))), "x=in*"},
		{"several merge keys", mapping("<<", alias(a), "<<", alias(b)), "x=ax* y=ay* z=bz*"},
		{"itself", self, "x=sx"},
		{"the same again", mapping("<<", list(alias(a), alias(a))), "x=ax* y=ay*"},
		{"no mapping", mapping("<<", str("x"), "a", str("b")), "a=b"},
		{"an alias of nothing", mapping("<<", &Node{Kind: Alias}, "a", str("b")), "a=b"},
		{"a key that is no scalar", mapping(list(), str("v"), "a", str("b")), "a=b"},
		{"a string that looks like a merge key", &Node{Kind: Mapping, Content: []*Node{str("<<"), str("v")}}, "<<=v"},
		{"a list", list(str("x")), ""},
		{"nothing", nil, ""},
	}
	for _, tt := range tests {
		var got []string
		for e := range tt.node.Entries() {
			text := e.Key + "=" + e.Value.Text()
			if e.Merged {
				text += "*"
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestEntriesOfBomb would not end if every path to a merged mapping were walked.
func TestEntriesOfBomb(t *testing.T) {
	t.Parallel()
	n := mapping("x", str("y"))
	for range 60 {
		n = mapping("<<", list(alias(n), alias(n), alias(n)))
	}
	count := 0
	for range n.Entries() {
		count++
	}
	if count != 1 {
		t.Errorf("%d entries, want 1", count)
	}
}

func TestEntriesStop(t *testing.T) {
	t.Parallel()
	a := mapping("x", str("1"), "y", str("2"))
	n := mapping("own", str("0"), "<<", list(alias(a), alias(a)))
	for limit := 1; limit <= 3; limit++ {
		count := 0
		for range n.Entries() {
			if count++; count == limit {
				break
			}
		}
		if count != limit {
			t.Errorf("stopped after %d entries, want %d", count, limit)
		}
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	target := mapping("x", str("1"), "x", str("2"))
	if got := alias(target).Get("x").Text(); got != "2" {
		t.Errorf("Get through an alias = %q, want the last pair's", got)
	}
	var none *Node
	if none.Get("x") != nil || target.Get("y") != nil || str("x").Get("x") != nil || none.Items() != nil || none.Text() != "" || target.Text() != "" {
		t.Error("something was found in nothing")
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	// tree returns a document and the scalar in it that changes.
	tree := func(tag string) (*Node, *Node) {
		version := str(tag)
		base := mapping("version", version, "other", str("x"))
		base.Anchor = "b"
		return mapping("base", base, "list", list(str("1"), alias(base)), "null", &Node{Kind: Scalar, Tag: TagNull}), version
	}
	tests := []struct {
		name string
		edit func(after, version *Node) // what happens besides the change
		err  string
	}{
		{"as intended", func(_, _ *Node) {}, ""},
		{"other places moved", func(after, _ *Node) { after.Start = 99 }, ""},
		{"another value", func(_, version *Node) { version.Value = "3" }, `would read "3"`},
		{"another type", func(_, version *Node) { version.Tag = "!!float" }, "not the string"},
		{"no scalar any more", func(_, version *Node) { version.Kind = Alias }, "another kind"},
		{"another scalar changed", func(after, _ *Node) { after.Content[1].Content[3].Value = "y" }, `"x" would become "y"`},
		{"another scalar's type changed", func(after, _ *Node) { after.Content[1].Content[3].Tag = "!!int" }, "would become"},
		{"a key changed", func(after, _ *Node) { after.Content[0].Value = "bas" }, "would become"},
		{"an anchor changed", func(after, _ *Node) { after.Content[1].Anchor = "c" }, "another kind"},
		{"an anchor on the version", func(_, version *Node) { version.Anchor = "v" }, "another kind"},
		{"an alias means another node", func(after, _ *Node) { after.Content[3].Content[1].Target = str("z") }, "another node"},
		{"an item is gone", func(after, _ *Node) { after.Content[3].Content = after.Content[3].Content[:1] }, "2 children would become 1"},
		{"a pair appeared", func(after, _ *Node) { after.Content = append(after.Content, str("k"), str("v")) }, "6 children would become 8"},
		{"null became a string", func(after, _ *Node) { after.Content[5].Tag = TagString }, "would become"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before, version := tree("1")
			after, changed := tree("2")
			tt.edit(after, changed)
			err := Compare(before, after, map[*Node]string{version: "2"})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error = %v, want %q", err, tt.err)
			}
		})
	}
}

func TestCompareWholes(t *testing.T) {
	t.Parallel()
	own := &Node{Kind: Scalar, Tag: "!version", Value: "1"}
	tests := []struct {
		name          string
		before, after *Node
		want          map[*Node]string
		err           string
	}{
		{"nothing", nil, nil, nil, ""},
		{"appeared", nil, str("x"), nil, "appeared or vanished"},
		{"vanished", str("x"), nil, nil, "appeared or vanished"},
		{"not in the document", str("x"), str("x"), map[*Node]string{str("x"): "y"}, "1 of 1 changed scalars"},
		{"a type of its own stays", own, &Node{Kind: Scalar, Tag: "!version", Value: "2"}, map[*Node]string{own: "2"}, ""},
		{"a type of its own is lost", own, &Node{Kind: Scalar, Tag: "!other", Value: "2"}, map[*Node]string{own: "2"}, "would read"},
	}
	for _, tt := range tests {
		err := Compare(tt.before, tt.after, tt.want)
		if got := fmt.Sprint(err); tt.err == "" && err != nil || tt.err != "" && !strings.Contains(got, tt.err) {
			t.Errorf("%s: error = %v, want %q", tt.name, err, tt.err)
		}
	}
}
