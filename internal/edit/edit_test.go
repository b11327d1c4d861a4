package edit

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSplice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		src     string
		changes []Change
		want    string
		err     string // a part of the message, "overlap" for ErrOverlap
	}{
		{"none", "abc", nil, "abc", ""},
		{"replace", "abcdef", []Change{{Span{2, 4}, "XYZ"}}, "abXYZef", ""},
		{"delete", "abcdef", []Change{{Span{2, 4}, ""}}, "abef", ""},
		{"insert", "abc", []Change{{Span{0, 0}, "<"}, {Span{3, 3}, ">"}}, "<abc>", ""},
		{"any order", "abcdef", []Change{{Span{4, 5}, "2"}, {Span{1, 2}, "1"}}, "a1cd2f", ""},
		{"touching", "abcd", []Change{{Span{0, 2}, "x"}, {Span{2, 4}, "y"}}, "xy", ""},
		{"the same twice", "abcd", []Change{{Span{1, 2}, "x"}, {Span{1, 2}, "x"}}, "axcd", ""},
		{"insert before a change", "abcd", []Change{{Span{1, 2}, "y"}, {Span{1, 1}, "x"}}, "axycd", ""},
		{"overlapping", "abcd", []Change{{Span{0, 2}, "x"}, {Span{1, 3}, "y"}}, "", "overlap"},
		{"within", "abcd", []Change{{Span{0, 4}, "x"}, {Span{1, 2}, "y"}}, "", "overlap"},
		{"the same with another text", "abcd", []Change{{Span{1, 2}, "x"}, {Span{1, 2}, "y"}}, "", "overlap"},
		{"insert twice at one place", "abcd", []Change{{Span{1, 1}, "x"}, {Span{1, 1}, "y"}}, "", "overlap"},
		{"insert behind a change", "abcd", []Change{{Span{0, 1}, "x"}, {Span{1, 1}, "y"}}, "", "overlap"},
		{"negative", "abcd", []Change{{Span{-1, 1}, "x"}}, "", "lies outside"},
		{"backwards", "abcd", []Change{{Span{2, 1}, "x"}}, "", "lies outside"},
		{"too far", "abcd", []Change{{Span{3, 5}, "x"}}, "", "lies outside"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := []byte(tt.src)
			given := slices.Clone(tt.changes)
			got, err := Splice(src, tt.changes)
			switch {
			case tt.err == "" && err != nil:
				t.Fatal(err)
			case tt.err == "overlap" && !errors.Is(err, ErrOverlap):
				t.Fatalf("error = %v, want ErrOverlap", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Fatalf("error = %v, want one with %q", err, tt.err)
			}
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if string(src) != tt.src || !slices.Equal(given, tt.changes) {
				t.Error("the arguments were modified")
			}
		})
	}
}

func TestPositionAt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src    string
		offset int
		want   Position
	}{
		{"", 0, Position{1, 1}},
		{"abc", 0, Position{1, 1}},
		{"abc", 2, Position{1, 3}},
		{"abc", 3, Position{1, 4}},
		{"abc", 99, Position{1, 4}},
		{"abc", -1, Position{1, 1}},
		{"a\nb", 1, Position{1, 2}},
		{"a\nb", 2, Position{2, 1}},
		{"a\r\nb", 3, Position{2, 1}},
		{"\n\n", 2, Position{3, 1}},
		{"é日x", 5, Position{1, 3}},
		{"\ufeffab", 3, Position{1, 1}},
		{"\ufeffab", 4, Position{1, 2}},
		{"a\n\ufeffb", 5, Position{2, 2}},
	}
	for _, tt := range tests {
		if got := PositionAt([]byte(tt.src), tt.offset); got != tt.want {
			t.Errorf("PositionAt(%q, %d) = %v, want %v", tt.src, tt.offset, got, tt.want)
		}
	}
}

// FuzzSplice compares with changes made one by one, from the last.
func FuzzSplice(f *testing.F) {
	f.Add([]byte("abcdef"), 1, 2, "x", 4, 4, "y")
	f.Add([]byte("abcdef"), 1, 4, "x", 2, 3, "y")
	f.Add([]byte(""), 0, 0, "x", 0, 0, "x")
	f.Add([]byte("a"), -1, 0, "", 1, 7, "")
	f.Fuzz(func(t *testing.T, src []byte, from1, to1 int, text1 string, from2, to2 int, text2 string) {
		first, second := Change{Span{from1, to1}, text1}, Change{Span{from2, to2}, text2}
		if second.Start < first.Start || second.Start == first.Start && second.End < first.End {
			first, second = second, first
		}
		got, err := Splice(src, []Change{second, first})
		for _, c := range []Change{first, second} {
			if valid := 0 <= c.Start && c.Start <= c.End && c.End <= len(src); !valid {
				if err == nil {
					t.Fatalf("span %+v was taken for %d bytes", c.Span, len(src))
				}
				return
			}
		}
		if errors.Is(err, ErrOverlap) {
			if first == second || first.End < second.Start {
				t.Fatalf("%+v and %+v do not overlap", first, second)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Concat(src[:second.Start], []byte(second.Text), src[second.End:])
		if first != second {
			want = slices.Concat(want[:first.Start], []byte(first.Text), want[first.End:])
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%q with %+v and %+v = %q, want %q", src, first, second, got, want)
		}
	})
}
