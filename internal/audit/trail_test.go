package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrailFormat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trail Trail
		want  string
	}{
		"whole": {
			Trail{RequestedBy: "ada", Source: "acme/config#12", Run: "7", RunURL: "https://ci.example/runs/7", Reason: "CVE-2026-1"},
			"Towpath-Requested-By: ada\nTowpath-Source: acme/config#12\nTowpath-Run: 7\nTowpath-Run-URL: https://ci.example/runs/7\nTowpath-Reason: CVE-2026-1\n",
		},
		"some":    {Trail{Run: "7"}, "Towpath-Run: 7\n"},
		"nothing": {Trail{}, ""},
		"hostile": {
			Trail{RequestedBy: "ada\r\nSigned-off-by: eve", Reason: " 100% sure\n\n"},
			"Towpath-Requested-By: ada%0D%0ASigned-off-by:%20eve\nTowpath-Reason: %20100%25%20sure%0A%0A\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := test.trail.Format()
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(test.trail, ParseTrail("subject\n\n"+got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseTrail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		message string
		want    Trail
	}{
		"none":                 {"Bump web\n\nTowpath-Move: image=web to=2\n", Trail{}},
		"empty":                {"Towpath-Run: \nTowpath-Reason:\n", Trail{}},
		"other keys":           {"Towpath-Runs: 7\n Towpath-Run: 7\nX-Towpath-Run: 7\ntowpath-run: 7\n", Trail{}},
		"carriage returns":     {"x\r\n\r\nTowpath-Run: 7\r\nTowpath-Reason: a%20b\r\n", Trail{Run: "7", Reason: "a b"}},
		"by hand":              {"Towpath-Reason:  it is 100% out \n", Trail{Reason: "it is 100% out"}},
		"among others":         {"Towpath-Run: 7\nSigned-off-by: Ada <a@b>\nTowpath-Reason: now\n", Trail{Run: "7", Reason: "now"}},
		"the last of several":  {"Towpath-Requested-By: eve\nTowpath-Reason: x\n\n* next\n\nTowpath-Requested-By: ada\n", Trail{RequestedBy: "ada"}},
		"without a blank line": {"Towpath-Requested-By: eve\nTowpath-Reason: x\nTowpath-Requested-By: ada\n", Trail{RequestedBy: "ada"}},
		"behind moves":         {"Towpath-Reason: x\nTowpath-Move: to=2\nTowpath-Requested-By: ada\n", Trail{RequestedBy: "ada"}},
		"before moves":         {"Towpath-Requested-By: ada\nTowpath-Move: to=2\n", Trail{RequestedBy: "ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, ParseTrail(test.message)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecisionOneTrailerPerMoveAndBehindThemWhoAskedAndWhy(t *testing.T) {
	t.Parallel()
	moves := []Move{{App: "web", Env: "prod", Image: "nginx", From: "1", To: "2"}, {App: "web", Env: "prod", Image: "redis", To: "7"}}
	trail := Trail{RequestedBy: "ada", Source: "#12", Run: "7", Reason: "CVE-2026-1"}
	got := trail.Message("Promote web to prod", moves)
	want := `Promote web to prod

Towpath-Move: app=web env=prod image=nginx from=1 to=2
Towpath-Move: app=web env=prod image=redis to=7
Towpath-Requested-By: ada
Towpath-Source: #12
Towpath-Run: 7
Towpath-Reason: CVE-2026-1
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(moves, Parse(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(trail, ParseTrail(got)); diff != "" {
		t.Error(diff)
	}
	if got, want := trail.Message("Hold web", nil), "Hold web\n\n"+trail.Format(); got != want {
		t.Errorf("without moves: got %q, want %q", got, want)
	}
}

func FuzzTrail(f *testing.F) {
	f.Add("Promote web", "ada", "#12", "https://ci.example/7", "drops orders, see INC-311")
	f.Add("x\n\nTowpath-Reason: other", "a\r\nb", " ", "%41%", "\x00é\u2028=: ")
	f.Add("", "", "", "", "")
	f.Fuzz(func(t *testing.T, text, by, source, run, reason string) {
		trail := Trail{RequestedBy: by, Source: source, Run: run, Reason: reason}
		lines := trail.Format()
		if strings.Trim(lines, "\n") != strings.TrimSuffix(lines, "\n") || strings.Count(lines, "\n") > 4 || strings.Contains(lines, "\r") {
			t.Fatalf("%q breaks its lines", lines)
		}
		if trail == (Trail{}) {
			return
		}
		got := ParseTrail(trail.Message(text, []Move{{To: "2"}}))
		if diff := cmp.Diff(trail, got); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzParseTrail(f *testing.F) {
	for _, message := range []string{
		"Towpath-Requested-By: ada\nTowpath-Reason: a%20b\n", "Towpath-Reason: 100% out %4\n\nTowpath-Run: 7\nTowpath-Run: 8",
		"Towpath-Reason: %25%32%35\r\nTowpath-Move: to=2\nTowpath-Source: +\n", "",
	} {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		trail := ParseTrail(message)
		if diff := cmp.Diff(trail, ParseTrail(trail.Format())); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	trail := Trail{Source: "github.com/acme/web@3f2a", Run: "12"}
	for name, test := range map[string]struct {
		move        Move
		source, run string
	}{
		"of the commit":        {Move{Image: "nginx", To: "2"}, "github.com/acme/web@3f2a", "12"},
		"of an earlier commit": {Move{Image: "nginx", To: "2", Source: "github.com/acme/api@77aa", Run: "9"}, "github.com/acme/api@77aa", "9"},
		"unknown":              {Move{Image: "nginx", To: "2", Source: Unknown, Run: Unknown}, "", ""},
		"half known":           {Move{Image: "nginx", To: "2", Source: Unknown, Run: "9"}, "", "9"},
	} {
		message := trail.Message("Bump", []Move{test.move})
		moves := Parse(message)
		if len(moves) != 1 {
			t.Fatalf("%s: %q tells %v", name, message, moves)
		}
		if source, run := ParseTrail(message).Origin(moves[0]); source != test.source || run != test.run {
			t.Errorf("%s: got %q in %q", name, source, run)
		}
	}
}
