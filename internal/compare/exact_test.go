package main

import (
	"strings"
	"testing"
)

func TestOnlyTags(t *testing.T) {
	t.Parallel()
	const tag = "9.9-new"
	sha := "@sha256:" + strings.Repeat("0f", 32)
	tests := []struct {
		name, before, after string
		want                bool
	}{
		{"nothing changed", "a: 1\n", "a: 1\n", true},
		{"both empty", "", "", true},
		{"something else changed", "a: 1\n", "a: 2\n", false},
		{"tag", "image: web:1.2 # web\r\n", "image: web:9.9-new # web\r\n", true},
		{"two tags", "- web:1\n- web:v2.0_x\n", "- web:9.9-new\n- web:9.9-new\n", true},
		{"tag at both ends", "1.2 and 3", "9.9-new and 9.9-new", true},
		{"one of two tags", "- web:1\n- api:2\n", "- web:9.9-new\n- api:2\n", true},
		{"one of two tags, the other one too", "- web:1\n- api:2\n", "- web:9.9-new\n- api:3\n", false},
		{"comment lost", "tag: 1.2 # why\n", "tag: 9.9-new\n", false},
		{"comment moved", "tag: 1.2   # why\n", "tag: 9.9-new # why\n", false},
		{"final newline added", "tag: 1.2", "tag: 9.9-new\n", false},
		{"final newline lost", "tag: 1.2\n", "tag: 9.9-new", false},
		{"blank line lost", "a: 1\n\ntag: 1.2\n", "a: 1\ntag: 9.9-new\n", false},
		{"quotes kept", `tag: "1.20"`, `tag: "9.9-new"`, true},
		{"quotes added", "tag: 1.20\n", "tag: \"9.9-new\"\n", true},
		{"quotes added at the end", "tag: 1.20", "tag: '9.9-new'", true},
		{"quotes added, twice", "a: 1\nb: 2\n", "a: '9.9-new'\nb: '9.9-new'\n", true},
		{"quotes lost", "tag: \"1.20\"\n", "tag: 9.9-new\n", false},
		{"quotes changed", `tag: "1.20"`, `tag: '9.9-new'`, false},
		{"quotes around more than the tag", "image: web:1\n", "image: \"web:9.9-new\"\n", false},
		{"digest dropped with the tag", "web:1.2" + sha + "\n", "web:9.9-new\n", true},
		{"digest left", "web:1.2" + sha + "\n", "web:9.9-new" + sha + "\n", true},
		{"digest cut short", "web:1.2" + sha[:40] + "\n", "web:9.9-new\n", false},
		{"tag where none was", "tag:\nb: 1\n", "tag: 9.9-new\nb: 1\n", false},
		{"line added", "name: web\n", "name: web\nnewTag: 9.9-new\n", false},
		{"cut off", "web:1 and more", "web:9.9-new", false},
		{"not ASCII before", "é: web:1\n", "é: web:9.9-new\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := onlyTags([]byte(tt.before), []byte(tt.after), tag); got != tt.want {
				t.Errorf("onlyTags(%q, %q) = %t, want %t", tt.before, tt.after, got, tt.want)
			}
		})
	}
}

// A tag exchanged is found whatever is around it, and a byte more is too.
func FuzzOnlyTags(f *testing.F) {
	f.Add("image: web:", "1.2", " # \"x\"\n")
	f.Add("", "v1", "")
	f.Add("tag: \"", "1.20", "\"\n")
	f.Add("tag: '9", "0", "'@sha256:")
	f.Fuzz(func(t *testing.T, head, old, tail string) {
		const tag = "9.9-new"
		if strings.Contains(head+old+tail, tag) || len(tagStart.FindString(old)) != len(old) || old == "" {
			t.Skip()
		}
		if tail != "" && len(tagStart.FindString(old+tail)) > len(old) {
			t.Skip() // the tag would go on in the tail
		}
		before, after := head+old+tail, head+tag+tail
		if strings.Count(after, tag) != 1 {
			t.Skip()
		}
		if !onlyTags([]byte(before), []byte(after), tag) {
			t.Errorf("onlyTags(%q, %q) is false", before, after)
		}
		if onlyTags([]byte(before), []byte(" "+after), tag) && !strings.HasPrefix(before, " ") {
			t.Errorf("onlyTags(%q, %q) is true", before, " "+after)
		}
	})
}
