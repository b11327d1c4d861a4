package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUncommitted(t *testing.T) {
	t.Parallel()
	files := map[string]string{".gitignore": "ignored\n"}
	for _, name := range append(awkward(), "same", "edited", "staged", "gone", "removed", "sub/edited", "to link") {
		files[name] = name
	}
	dir := repository(t, files)
	put(t, dir, map[string]string{
		"edited": "2", "staged": "2", "added": "2", "untracked": "2", "ignored": "2", "sub/edited": "2", "sub/new\nline": "2",
		"-leading": "2", ":colon": "2", "naïve-日本.yaml": "2",
	})
	shell(t, dir, "add", "staged", "added")
	shell(t, dir, "rm", "--quiet", "removed")
	if err := errors.Join(os.Remove(filepath.Join(dir, "gone")), os.Remove(filepath.Join(dir, "to link"))); err != nil {
		t.Fatal(err)
	}
	symlink(t, "edited", filepath.Join(dir, "to link"))
	want := map[string]string{"added": "", "untracked": "", "sub/new\nline": ""}
	for _, name := range []string{"edited", "staged", "gone", "removed", "sub/edited", "to link", "-leading", ":colon", "naïve-日本.yaml"} {
		want[name] = shell(t, dir, "rev-parse", "HEAD:"+name)
	}
	got, err := open(t, dir).Uncommitted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uncommitted (-want +got):\n%s", diff)
	}
	got, err = open(t, dir+"/sub").Uncommitted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want = map[string]string{"edited": want["sub/edited"], "new\nline": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uncommitted in a folder (-want +got):\n%s", diff)
	}
}

func TestUncommittedConflicts(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"both": "1", "ours": "1", "theirs": "1", "same": "1"})
	shell(t, dir, "checkout", "--quiet", "-b", "side")
	put(t, dir, map[string]string{"both": "2", "ours": "2", "new": "2"})
	shell(t, dir, "rm", "--quiet", "theirs")
	record(t, dir, "side")
	shell(t, dir, "checkout", "--quiet", "-")
	put(t, dir, map[string]string{"both": "3", "theirs": "3", "new": "3"})
	shell(t, dir, "rm", "--quiet", "ours")
	record(t, dir, "main")
	fails(t, dir, "merge", "--quiet", "side")
	want := map[string]string{"ours": ""}
	for _, name := range []string{"both", "theirs", "new"} {
		want[name] = shell(t, dir, "rev-parse", "HEAD:"+name)
	}
	c := open(t, dir)
	for _, gone := range []string{"", "both", "ours", "theirs", "new"} {
		if gone != "" {
			if err := os.Remove(filepath.Join(dir, gone)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.Uncommitted(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("without %q: %v, (-want +got):\n%s", gone, err, diff)
		}
	}
}

func TestUncommittedOfNothing(t *testing.T) {
	t.Parallel()
	needGit(t)
	plain := folder(t, map[string]string{"a": "1"})
	unborn := folder(t, map[string]string{"a": "1", "b": "1"})
	initialise(t, unborn)
	shell(t, unborn, "add", "a")
	clean := repository(t, map[string]string{"a": "1"})
	for dir, want := range map[string]map[string]string{plain: {}, unborn: {"a": "", "b": ""}, clean: {}} {
		got, err := open(t, dir).Uncommitted(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	modified := "1 .M N... 100644 100644 100644 " + idA + " " + idB + " "
	for _, tt := range []struct {
		name, in, prefix string
		want             map[string]string // nil if it is refused
	}{
		{name: "nothing", want: map[string]string{}},
		{
			name: "kinds",
			in: modified + "a b\nc\x00" +
				"1 A. N... 000000 100644 100644 " + idNone + " " + idA + " added\x00" +
				"1 D. N... 100755 000000 000000 " + idA + " " + idNone + " gone\x00" +
				"1 .T N... 100644 100644 120000 " + idA + " " + idA + " to link\x00" +
				"1 .T N... 120000 120000 100644 " + idA + " " + idA + " from link\x00" +
				"1 .M N... 120000 120000 120000 " + idA + " " + idA + " link\x00" +
				"u UU N... 100644 100644 100644 100644 " + idA + " " + idB + " " + idC + " both\x00" +
				"u DU N... 100644 000000 100644 100644 " + idA + " " + idNone + " " + idC + " ours gone\x00" +
				"? new\x00? nested/\x00? " + modified + "\x00",
			want: map[string]string{
				"a b\nc": idA, "added": "", "gone": idA, "to link": idA, "from link": "", "both": idB, "ours gone": "",
				"new": "", modified: "",
			},
		},
		{name: "of a folder", in: modified + "sub/a\x00" + modified + "subs\x00? sub/b\x00", prefix: "sub/", want: map[string]string{"a": idA, "b": ""}},
		{name: "cut off", in: modified + "a"},
		{name: "no path", in: modified + "\x00"},
		{name: "no untracked path", in: "? \x00"},
		{name: "no ids", in: "1 .M N... 100644 100644 100644 a\x00"},
		{name: "few ids", in: "u UU N... 100644 100644 100644 100644 " + idA + " " + idB + " a\x00"},
		{name: "renamed", in: "2 R. N... 100644 100644 100644 " + idA + " " + idA + " R100 a\x00b\x00"},
		{name: "empty", in: "\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStatus([]byte(tt.in), tt.prefix)
			if (err != nil) != (tt.want == nil) {
				t.Fatalf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add("1 .M N... 100644 100644 100644 " + idA + " " + idB + " sub/a b\x00? sub/c\x00")
	f.Add("u DU N... 100644 000000 100644 100644 " + idA + " " + idNone + " " + idC + " a\x00")
	f.Add("? \x001 \x00u \x00")
	f.Fuzz(func(t *testing.T, in string) {
		all, err := parseStatus([]byte(in), "")
		if err != nil {
			return
		}
		for path, id := range all {
			if path == "" || id != "" && !isID(id) || !strings.Contains(in, path+"\x00") {
				t.Errorf("got %q with id %q", path, id)
			}
		}
		some, err := parseStatus([]byte(in), "sub/")
		if err != nil {
			t.Fatal(err)
		}
		for path, id := range some {
			if want, ok := all["sub/"+path]; !ok || id != want {
				t.Errorf("got %q with id %q, want %q", path, id, want)
			}
		}
	})
}
