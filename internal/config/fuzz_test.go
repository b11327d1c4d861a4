package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("\ufeff" + strings.ReplaceAll(full, "\n", "\r\n")))
	f.Add([]byte("version: 1\nenvironments: &e [{name: a, after: *e}, *e]\nx-a: &a {<<: *a}\n"))
	f.Add([]byte("version: 1\nenvironments: [&a {name: 1.0, after: [1.0, 1]}, {<<: *a, name: 1}]\n"))
	f.Add([]byte("version: 1\nenvironments: [{name: a}]\nfreezes: [{name: <<, environments: [a], from: 2026-12-20 08:00, to: 2026-12-20, timezone: UTC}]\n"))
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, archive := range archives {
		for _, c := range readCases(f, archive) {
			f.Add([]byte(c.src))
		}
	}
	schema := compiled(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		first, err := Parse(src)
		second, again := Parse(src)
		if !reflect.DeepEqual(first, second) || (err == nil) != (again == nil) || err != nil && err.Error() != again.Error() {
			t.Fatalf("parsed twice, it differs: %v, %v", err, again)
		}
		if (first == nil) != (err != nil) {
			t.Fatal("a Config comes with an error, or none without")
		}
		lines := strings.Split(strings.TrimPrefix(string(src), "\ufeff"), "\n")
		last := 0
		for _, fault := range faultsIn(t, err) {
			if fault.Line < 1 || fault.Line > len(lines) || fault.Line < last {
				t.Fatalf("line %d of %d, after %d: %v", fault.Line, len(lines), last, fault)
			}
			last = fault.Line
			line := lines[fault.Line-1]
			if fault.Excerpt != strings.TrimSuffix(line, "\r") {
				t.Fatalf("line %d is %q, not %q", fault.Line, line, fault.Excerpt)
			}
			if fault.Column < 0 || fault.Column > utf8.RuneCountInString(line)+1 {
				t.Fatalf("column %d in %q", fault.Column, line)
			}
			if fault.Message == "" || strings.ContainsAny(fault.Message+fault.Hint, "\n\r\x1b") {
				t.Fatalf("message %q, hint %q", fault.Message, fault.Hint)
			}
		}
		if err != nil {
			return
		}
		left := 10_000
		v, ok := toJSON(rootOf(t, src), &left)
		if !ok {
			return
		}
		if err := schema.Validate(v); err != nil {
			t.Fatalf("the schema refuses what the parser reads: %v", err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"30m", "1h30m", "7d", "2w3d4h5m6s", "0s", "99999w", "1.5h", "30", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d, again Duration
		if d.UnmarshalText([]byte(text)) != nil {
			return
		}
		if d <= 0 {
			t.Fatalf("%q is %d", text, d)
		}
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Fatalf("%q is written as %q, which reads as %d, %v", text, d, again, err)
		}
	})
}
