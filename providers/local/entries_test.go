package local

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	idA, idB, idC = strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("c", 40)
	idNone        = strings.Repeat("0", 40)
	idLong        = strings.Repeat("d", 64)
)

// raw joins what git prints for a file, with NULs for the blanks between words
// that are in no header.
func raw(modes, old, now, letter string, paths ...string) string {
	return ":" + modes + " " + old + " " + now + " " + letter + "\x00" + strings.Join(paths, "\x00") + "\x00"
}

func TestReadCommits(t *testing.T) {
	t.Parallel()
	one := "commit " + idA + "\n" + idB + "\n1700000000\nAnn\nann@example.com\nSubject: x\n"
	for _, tt := range []struct {
		name, in string
		want     []listed
		cutOff   bool
		unknown  bool
	}{
		{name: "none"},
		{
			name: "two",
			in:   one + "\x00\n" + "commit " + idLong + "\n" + idLong + "\n\n\n\n\nann\nbob\n\x00\n",
			want: []listed{
				{tree: idB, Commit: Commit{
					SHA: idA, Time: time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC),
					Author: "Ann", Email: "ann@example.com", Subject: "Subject: x",
				}},
				{tree: idLong, Commit: Commit{SHA: idLong, RequestedBy: "bob"}},
			},
		},
		{
			name: "not UTF-8",
			in:   "commit " + idA + "\n" + idB + "\n1\n\xe9\n\xe9\n\xe9\n\xe9\n\x00\n",
			want: []listed{{tree: idB, Commit: Commit{
				SHA: idA, Time: time.Unix(1, 0).UTC(), Author: "\uFFFD", Email: "\uFFFD", Subject: "\uFFFD", RequestedBy: "\uFFFD",
			}}},
		},
		{name: "cut off", in: one, cutOff: true},
		{name: "no header", in: one[1:] + "\x00", unknown: true},
		{name: "short id", in: strings.Replace(one, "a", "", 1) + "\x00", unknown: true},
		{name: "two hashes", in: strings.Replace(one, idB, idLong, 1) + "\x00", unknown: true},
		{name: "too few lines", in: "commit " + idA + "\n" + idB + "\n1\nAnn\nann@example.com\n\x00", unknown: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []listed
			err := readCommits(strings.NewReader(tt.in), func(l listed) bool { got = append(got, l); return true })
			if errors.Is(err, io.ErrUnexpectedEOF) != tt.cutOff || (err != nil) != (tt.cutOff || tt.unknown) {
				t.Errorf("got error %v, want cut off %v, unknown %v", err, tt.cutOff, tt.unknown)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(listed{})); diff != "" {
				t.Errorf("commits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadChanges(t *testing.T) {
	t.Parallel()
	pairs := []pair{{idA, idB}, {idB, idC}}
	first, second := idA+" "+idB+"\n", idB+" "+idC+"\n"
	changed := func(modes, letter string, paths ...string) string { return raw(modes, idA, idB, letter, paths...) }
	for _, tt := range []struct {
		name, in string
		want     [][]FileChange // nil if it is refused
	}{
		{
			name: "all kinds",
			in: first +
				raw("100644 100755", idA, idB, "M", "a b\nc") +
				raw("000000 100644", idNone, idA, "A", "added") +
				raw("100644 000000", idA, idNone, "D", "gone") +
				raw("100644 120000", idA, idB, "T", "to link") +
				raw("160000 100644", idA, idB, "T", "from module") +
				raw("100644 100644", idA, idB, "R075", "from", "to") +
				raw("100644 100644", idA, idA, "R100", "from 2", "to 2") +
				second,
			want: [][]FileChange{{
				{Path: "a b\nc", OldPath: "a b\nc", Old: idA, New: idB},
				{Path: "added", OldPath: "added", New: idA},
				{Path: "gone", OldPath: "gone", Old: idA},
				{Path: "to link", OldPath: "to link", Old: idA},
				{Path: "from module", OldPath: "from module", New: idB},
				{Path: "to", OldPath: "from", Old: idA, New: idB},
				{Path: "to 2", OldPath: "from 2", Old: idA, New: idA},
			}, nil},
		},
		{
			name: "nothing of interest",
			in: first + raw("100644 100755", idA, idA, "M", "a") + second +
				raw("120000 120000", idA, idB, "M", "link") + raw("000000 160000", idNone, idB, "A", "module") +
				raw("120000 120000", idA, idA, "R100", "link", "link 2"),
			want: [][]FileChange{nil, nil},
		},
		{
			name: "paths like headers",
			in:   first + second + changed("100644 100644", "M", second) + changed("100644 100644", "M", enough),
			want: [][]FileChange{nil, {
				{Path: second, OldPath: second, Old: idA, New: idB}, {Path: enough, OldPath: enough, Old: idA, New: idB},
			}},
		},
		{name: "no second answer", in: first},
		{name: "answers out of order", in: second + first},
		{name: "no modes", in: first + ":" + idA + " " + idB + " M\x00a\x00" + second},
		{name: "no ids", in: first + ":100644 100644 M\x00a\x00" + second},
		{name: "short ids", in: first + raw("100644 100644", idA[1:], idB[1:], "M", "a") + second},
		{name: "no letter", in: first + raw("100644 100644", idA, idB, "", "a") + second},
		{name: "unknown letter", in: first + changed("100644 100644", "X", "a") + second},
		{name: "no path", in: first + changed("100644 100644", "M", "") + second},
		{name: "no new path", in: first + changed("100644 100644", "R100", "a", "") + second},
		{name: "not git's", in: "fatal\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := readChanges(bufio.NewReader(strings.NewReader(tt.in+enough)), pairs)
			if (err != nil) != (tt.want == nil) {
				t.Fatalf("got error %v", err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			// Wherever it is cut off, it is noticed.
			whole := tt.in + enough
			for i := range len(whole) {
				if _, err := readChanges(bufio.NewReader(strings.NewReader(whole[:i])), pairs); !errors.Is(err, io.EOF) {
					t.Fatalf("cut off after %q: got error %v", whole[:i], err)
				}
			}
		})
	}
}

func TestIsID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		idA: true, idLong: true, "": false, "HEAD": false, idA[1:]: false, idA + "a": false,
		strings.ToUpper(idA): false, idA[1:] + "\n": false, idA[1:] + "g": false,
	} {
		if got := isID(id); got != want {
			t.Errorf("%q: got %v", id, got)
		}
	}
}

func FuzzReadCommits(f *testing.F) {
	f.Add("commit " + idA + "\n" + idB + "\n1700000000\nAnn\nann@example.com\nSubject\nbob\n\x00\n")
	f.Add("commit " + idLong + "\n" + idLong + "\n-1\n\xff\n\n\n\n\x00\ncommit")
	f.Add("\n")
	f.Fuzz(func(t *testing.T, in string) {
		var all []listed
		err := readCommits(strings.NewReader(in), func(l listed) bool { all = append(all, l); return true })
		for _, l := range all {
			if !isID(l.SHA) || !isID(l.tree) {
				t.Errorf("commit %q with tree %q", l.SHA, l.tree)
			}
			for _, s := range []string{l.Author, l.Email, l.Subject, l.RequestedBy} {
				if !utf8.ValidString(s) || strings.Contains(s, "\n") {
					t.Errorf("text %q", s)
				}
			}
		}
		if n := strings.Count(in, "\x00"); err == nil && n != len(all) {
			t.Errorf("got %d commits of %d", len(all), n)
		}
	})
}

func FuzzReadChanges(f *testing.F) {
	header := idA + " " + idB + "\n"
	f.Add(header + raw("100644 100644", idA, idB, "M", "a") + enough)
	f.Add(header + raw("100644 000000", idA, idNone, "D", "a\nb") + raw("100644 100644", idA, idB, "R09", "a", "b") + enough)
	f.Add(header + raw("120000 100755", idA, idB, "T", header) + enough)
	f.Add(header + ":100644 100644 a b M\x00\x00" + enough)
	f.Add(enough)
	f.Fuzz(func(t *testing.T, in string) {
		got, err := readChanges(bufio.NewReader(strings.NewReader(in)), []pair{{idA, idB}})
		if err != nil {
			return
		}
		var again strings.Builder
		again.WriteString(header)
		for _, c := range got[0] {
			modes, old, now, letter := "100644 100644", c.Old, c.New, "M"
			if old == "" {
				modes, old = "000000"+modes[6:], idNone
			}
			if now == "" {
				modes, now = modes[:7]+"000000", idNone
			}
			paths := []string{c.Path}
			if c.OldPath != c.Path {
				letter, paths = "R100", []string{c.OldPath, c.Path}
			}
			again.WriteString(raw(modes, old, now, letter, paths...))
		}
		again.WriteString(enough)
		same, err := readChanges(bufio.NewReader(strings.NewReader(again.String())), []pair{{idA, idB}})
		if diff := cmp.Diff(got, same, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("read %q again: %v\n%s", again.String(), err, diff)
		}
	})
}
