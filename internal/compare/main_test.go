package main

import (
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"extra"}, `unexpected argument "extra"`},
		{[]string{"-runs", "0"}, "-runs is 0"},
		{[]string{"-apps", "20"}, "-apps is 20"},
		{[]string{"-apps", "50", "-files", "499"}, "-files is 499: 50 apps have 500"},
	}
	for _, tt := range tests {
		if _, err := parse(tt.args); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parse(%q) gives the error %v, want one with %q", tt.args, err, tt.want)
		}
	}
	if o, err := parse([]string{"-dir", "a", "-dir", "b", "-yq", "x"}); err != nil || len(o.dirs) != 2 || o.yq != "x" {
		t.Errorf("parse of good arguments gives %+v, %v", o, err)
	}
}

func TestAbsentToolsAreNamed(t *testing.T) {
	t.Parallel()
	none := t.TempDir()
	got := tools{towpath: none + "/towpath", yq: none + "/yq", kustomize: none + "/kustomize"}
	absent := got.find()
	if got != (tools{}) {
		t.Errorf("tools that are absent have the paths %+v", got)
	}
	if len(absent) != 3 {
		t.Fatalf("%d lines, want one for each tool: %q", len(absent), absent)
	}
	for i, name := range []string{"towpath", "yq", "kustomize"} {
		if !strings.HasPrefix(absent[i], "skipped: "+name) {
			t.Errorf("line %d is %q, want it to name %s", i, absent[i], name)
		}
	}
}
