package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrailer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		move Move
		want string
	}{
		"whole": {
			Move{App: "web", Env: "prod", Image: "ghcr.io/acme/web", From: "1.4.1", To: "1.4.2", Digest: "sha256:ab"},
			"Towpath-Move: app=web env=prod image=ghcr.io/acme/web from=1.4.1 to=1.4.2 digest=sha256:ab",
		},
		"without configuration": {Move{Image: "nginx", From: "1.27", To: "1.28"}, "Towpath-Move: image=nginx from=1.27 to=1.28"},
		"hostile":               {Move{App: "a b\nSigned-off-by: x", To: "100%"}, "Towpath-Move: app=a%20b%0ASigned-off-by:%20x to=100%25"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.move.Trailer(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if diff := cmp.Diff([]Move{test.move}, Parse("subject\n\n"+test.move.Trailer()+"\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	m := Move{Image: "nginx", From: "1", To: "2"}
	got := Message("Bump nginx\n\n", []Move{m, m, {Image: "redis", To: "7"}})
	want := "Bump nginx\n\nTowpath-Move: image=nginx from=1 to=2\nTowpath-Move: image=redis to=7\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = Message("Bump\n\nSee: this\n\nSigned-off-by: Ada <a@b>\nTowpath-Run: 7\n", []Move{m})
	want = "Bump\n\nSee: this\n\nSigned-off-by: Ada <a@b>\nTowpath-Run: 7\nTowpath-Move: image=nginx from=1 to=2\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Message("Fix: it", []Move{m}), "Fix: it\n\nTowpath-Move: image=nginx from=1 to=2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseOther(t *testing.T) {
	t.Parallel()
	want := []Move{{Image: "nginx", To: "2"}}
	got := Parse("Towpath-Moves: image=a\nTowpath-Move:\r\nTowpath-Move: later=x image=nginx bad=%zz to=2\r\n Towpath-Move: image=b\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzTrailer(f *testing.F) {
	f.Add("web", "ghcr.io/acme/web", "1.4.2")
	f.Add("a\nb", "%41", "\x00é=")
	f.Fuzz(func(t *testing.T, app, image, to string) {
		m := Move{App: app, Image: image, To: to}
		if m == (Move{}) {
			return
		}
		line := m.Trailer()
		if strings.ContainsAny(line, "\r\n") {
			t.Fatalf("%q breaks the line", line)
		}
		if diff := cmp.Diff([]Move{m}, Parse(line)); diff != "" {
			t.Error(diff)
		}
	})
}
