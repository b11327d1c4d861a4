package hold

import (
	"errors"
	"math"
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
)

const file = ".towpath/holds/prod/web.yaml"

func TestPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ env, app, want string }{
		{"prod", "web", file},
		{"prod-eu", "a.b_c", ".towpath/holds/prod-eu/a.b_c.yaml"},
		{"prod", "web.yaml", ".towpath/holds/prod/web.yaml.yaml"},
		{"0", "0", ".towpath/holds/0/0.yaml"},
	}
	for _, test := range tests {
		got := Path(test.env, test.app)
		if got != test.want {
			t.Errorf("Path(%q, %q) = %q, want %q", test.env, test.app, got, test.want)
		}
		if env, app, ok := ParsePath(got); env != test.env || app != test.app || !ok {
			t.Errorf("ParsePath(%q) = %q, %q, %t", got, env, app, ok)
		}
	}
}

func TestPathNeverEscapes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/a", `a\b`, "Web", "-a", ".a", "a b", "a\x00", "é", "a\n"} {
		if got := Path(name, "web"); got != "" {
			t.Errorf("environment %q has the path %q", name, got)
		}
		if got := Path("prod", name); got != "" {
			t.Errorf("app %q has the path %q", name, got)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"", "web.yaml", ".towpath/holds", ".towpath/holds/web.yaml", ".towpath/holds/prod/.yaml", ".towpath/holds/prod/web.yml",
		".towpath/holds/prod/web", ".towpath/holds/prod/a/web.yaml", ".towpath/holds/../prod/web.yaml", ".towpath/holds//web.yaml",
		"x/.towpath/holds/prod/web.yaml", "./.towpath/holds/prod/web.yaml", "/.towpath/holds/prod/web.yaml", ".towpath/holds/prod/Web.yaml",
	} {
		if env, app, ok := ParsePath(p); ok || env != "" || app != "" {
			t.Errorf("ParsePath(%q) = %q, %q, %t", p, env, app, ok)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		want      Hold
	}{
		{"all", "reason: 1.4.2 drops orders\nby: jane\nsince: 2026-08-21T16:30:00+02:00\nversion: 1.4.1\n", Hold{
			Reason: "1.4.2 drops orders", By: "jane", Version: "1.4.1", Since: time.Date(2026, 8, 21, 14, 30, 0, 0, time.UTC),
		}},
		{"only the reason", `{"reason": "wait"}`, Hold{Reason: "wait"}},
		{"a number for a version", "reason: wait\nversion: 1.20\n", Hold{Reason: "wait", Version: "1.20"}},
		{"several lines", "reason: |\n  first\n  second\tline\n", Hold{Reason: "first second line"}},
		{"no document ends it", "---\nreason: wait\n...\n", Hold{Reason: "wait"}},
		{"CRLF and BOM", "\ufeffreason: wait\r\nby: jane\r\n", Hold{Reason: "wait", By: "jane"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(file, []byte(test.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// faultsOf returns the faults that Parse joined.
func faultsOf(t testing.TB, err error) []*fault.Error {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("the error is a %T", err)
	}
	var faults []*fault.Error
	for _, err := range joined.Unwrap() {
		f, ok := errors.AsType[*fault.Error](err)
		if !ok {
			t.Fatalf("%v is no fault", err)
		}
		faults = append(faults, f)
	}
	return faults
}

func TestAHoldThatCannotBeReadStillHolds(t *testing.T) {
	t.Parallel()
	unread := Unreadable(file).Reason
	tests := []struct {
		name, src string
		reason    string
		want      []string // place, message and excerpt
	}{
		{"empty", "", unread, []string{file + ":1:1: the file is empty | "}},
		{"only a comment", "# later\n", unread, []string{file + ":1:1: the file is empty | # later"}},
		{"no mapping", "wait", unread, []string{file + ":1:1: the file must be a mapping, not \"wait\" | wait"}},
		{"no reason", "by: jane\n", unread, []string{file + ":1:1: the file has no reason | by: jane"}},
		{"no value", "reason:\n", unread, []string{file + ":1:1: reason has no value | reason:"}},
		{"blank reason", "by: jane\nreason: \" \"\n", unread, []string{file + ":2:9: reason is blank | reason: \" \""}},
		{"two faults", "reason: wait\nuntil: tomorrow\nsince: 2026-08-21\n", "wait", []string{
			file + ":2:1: unknown key until | until: tomorrow",
			file + ":3:8: since must be a date, a time and an offset from UTC, not \"2026-08-21\" | since: 2026-08-21",
		}},
		{"two documents", "reason: wait\n---\nreason: more\n", "wait", []string{file + ":2:1: a second document in the file | ---"}},
		{"written twice", "reason: wait\nreason: more\n", "wait", []string{file + ":2:1: the key reason is written twice | reason: more"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, err := Parse(file, []byte(test.src))
			if h == nil || h.Reason != test.reason {
				t.Fatalf("got %+v, want the reason %q", h, test.reason)
			}
			var got []string
			for _, f := range faultsOf(t, err) {
				if f.Code != fault.Config {
					t.Errorf("%v has the code %s", f, f.Code)
				}
				got = append(got, f.Error()+" | "+f.Excerpt)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSyntaxErrorHasAPlace(t *testing.T) {
	t.Parallel()
	h, err := Parse(file, []byte("reason: \"wait\nby: jane\n"))
	faults := faultsOf(t, err)
	if h.Reason != Unreadable(file).Reason || len(faults) != 1 || faults[0].Line == 0 || faults[0].Path != file {
		t.Errorf("got %+v and %v", h, faults)
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"until":  "a hold has no end of its own: remove the file to end it",
		"app":    "leave it out: the path of the file says which app is held where",
		"reasno": "did you mean reason?",
	} {
		_, err := Parse(file, []byte("reason: wait\n"+key+": x\n"))
		faults := faultsOf(t, err)
		if len(faults) != 1 || faults[0].Hint != want {
			t.Errorf("%s: got %+v, want the hint %q", key, faults, want)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	h := Hold{
		Reason: "drops \"orders\" of C:\\shop: # no comment\n\tsee\u202eINC\U000e0001", By: "@jane", Version: "1.20",
		Since: time.Date(2026, 8, 21, 16, 30, 0, 0, time.FixedZone("", 7200)),
	}
	want := `# While this file stands, towpath moves no version of the app here.
reason: "drops \"orders\" of C:\\shop: # no comment see\u202EINC\U000E0001"
by: "@jane"
since: "2026-08-21T14:30:00Z"
version: "1.20"
`
	if diff := cmp.Diff(want, string(h.Format())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	empty := `# While this file stands, towpath moves no version of the app here.
reason: "no reason given"
`
	if diff := cmp.Diff(empty, string((&Hold{By: "\n"}).Format())); diff != "" {
		t.Errorf("empty (-want +got)\n%s", diff)
	}
}

func FuzzFormat(f *testing.F) {
	f.Add("1.4.2 drops orders", "jane", "1.4.1", int64(1787322600))
	f.Add("a: b # c\n\"d\" \\ 'e' {f} [g] & * ! | > % @ `", "~", "null", int64(-1))
	f.Add("\u2028\u0085\ufeff\ufffe\x7f\xff\U0001f6d1\ud7ff\ue000", "---", "...", int64(math.MaxInt64))
	f.Add("", " ", "true", int64(253402300800))
	f.Fuzz(func(t *testing.T, reason, by, version string, since int64) {
		in := Hold{Reason: reason, By: by, Version: version, Since: time.Unix(since, 0)}
		text := in.Format()
		out, err := Parse(file, text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		want := Hold{Reason: line(reason), By: line(by), Version: line(version), Since: out.Since}
		if want.Reason == "" {
			want.Reason = "no reason given"
		}
		if diff := cmp.Diff(&want, out); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
		if year := in.Since.UTC().Year(); year >= 0 && year <= 9999 && !in.Since.Equal(out.Since) {
			t.Fatalf("since %v, read back as %v", in.Since, out.Since)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, src := range []string{
		"reason: wait\nby: jane\nsince: 2026-08-21T14:30:00Z\nversion: 1.4.1\n", "", "# x", "reason: &a [*a]", "&a {reason: *a}", "<<: {reason: x}",
		"reason: a\n---\nreason: b\n", "\ufeffreason: |\n  a\n  b\n", "reason: \"\\0\\x85\\u2028\"", "since: 0000-01-01T00:00:00+01:00\nreason: x", "reason: !!binary aGk=",
		"? {}\n: x", "reason: \" \"", "{reason: x, until: y, app: z}", "reason: \"", "[]", "reason: true",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		h, err := Parse(file, []byte(src))
		if h == nil || h.Reason == "" {
			t.Fatal("it does not hold")
		}
		for _, text := range []string{h.Reason, h.By, h.Version} {
			if text != line(text) {
				t.Fatalf("%q is no single line", text)
			}
		}
		lines := strings.Split(strings.TrimPrefix(src, "\ufeff"), "\n")
		for _, f := range faultsOf(t, err) {
			if f.Line < 1 || f.Line > len(lines) || f.Column < 1 || f.Column > utf8.RuneCountInString(lines[f.Line-1])+1 {
				t.Fatalf("%v lies outside of the file", f)
			}
		}
		if err != nil {
			return
		}
		again, err := Parse(file, h.Format())
		if err != nil {
			t.Fatal(err)
		}
		h.Since, again.Since = inRange(h.Since), inRange(again.Since)
		if diff := cmp.Diff(h, again); diff != "" {
			t.Fatalf("(-first +again)\n%s", diff)
		}
	})
}

// inRange returns what of a time Format can write.
func inRange(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func FuzzPath(f *testing.F) {
	f.Add("prod", "web", file)
	f.Add("..", "..", ".towpath/holds/../../x.yaml")
	f.Fuzz(func(t *testing.T, env, app, p string) {
		if got := Path(env, app); got != "" {
			if path.Clean(got) != got || path.Dir(path.Dir(got)) != Dir {
				t.Fatalf("Path(%q, %q) = %q leads out", env, app, got)
			}
			if e, a, ok := ParsePath(got); e != env || a != app || !ok {
				t.Fatalf("ParsePath(%q) = %q, %q, %t", got, e, a, ok)
			}
		}
		if e, a, ok := ParsePath(p); ok && Path(e, a) != p {
			t.Fatalf("ParsePath(%q) = %q, %q, which have the path %q", p, e, a, Path(e, a))
		}
	})
}
