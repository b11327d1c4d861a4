package providers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChangedFiles(t *testing.T) {
	t.Parallel()
	before := []Entry{
		{Path: "a", Mode: Regular, ID: "1"},
		{Path: "b", Mode: Regular, ID: "2"},
		{Path: "c", Mode: Regular, ID: "3"},
		{Path: "d", Mode: Regular, ID: "4"},
		{Path: "e", Mode: Regular, ID: "4"},
		{Path: "f", Mode: Regular, ID: "5"},
	}
	after := []Entry{
		{Path: "a", Mode: Regular, ID: "1"},
		{Path: "b", Mode: Executable, ID: "2"},
		{Path: "c", Mode: Regular, ID: "33"},
		{Path: "g", Mode: Regular, ID: "4"},
		{Path: "h", Mode: Regular, ID: "6"},
	}
	want := []ChangedFile{
		{Path: "b", Status: Modified},
		{Path: "c", Status: Modified},
		{Path: "e", Status: Removed},
		{Path: "f", Status: Removed},
		{Path: "g", OldPath: "d", Status: Renamed},
		{Path: "h", Status: Added},
	}
	if diff := cmp.Diff(want, ChangedFiles(before, after)); diff != "" {
		t.Error(diff)
	}
	if got := ChangedFiles(before, before); len(got) != 0 {
		t.Errorf("got %v of a tree and itself", got)
	}
}
