package status

import (
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/internal/image"
)

// versionsIn reads versions written as "web=1 web=2 api=7".
func versionsIn(t *testing.T, text string) Versions {
	t.Helper()
	out := Versions{}
	for word := range strings.FieldsSeq(text) {
		name, version, ok := strings.Cut(word, "=")
		if !ok {
			t.Fatalf("%q is no version of an image", word)
		}
		out.add(image.Repository("ghcr.io/acme/"+name), version)
	}
	return out
}

func TestVersionsCompare(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		v, w string
		want Relation // of v to w
	}{
		{"web=1", "web=1", Level},
		{"web=1", "web=2", Behind},
		{"web=2", "web=1", Ahead},
		{"web=1", "api=1", Differs},
		{"", "web=1", Differs},
		{"", "", Differs},
		{"web=1 api=3", "web=1", Level},
		{"web=1 api=3", "web=1 api=4", Behind},
		{"web=1 api=3", "web=2 api=3", Behind},
		{"web=1 api=3", "web=2 api=4", Behind},
		{"web=1 api=3", "web=2 api=2", Differs},
		{"web=1 api=abc1234", "web=2 api=abd1234", Differs},
		{"web=1 web=2", "web=1 web=2", Level},
		{"web=2 web=1", "web=1 web=2", Level},
		{"web=1 web=2", "web=3", Differs},
		{"web=1", "web=2 web=3", Differs},
		{"web=abc1234", "web=abc1234", Level},
		{"web=abc1234", "web=def5678", Differs},
		{"web=1.2", "web=1.2.0", Differs},
		{"web=1.2.0-rc.1", "web=1.2.0", Behind},

		{"web=1@sha256:a", "web=1", Level},
		{"web=1", "web=1@sha256:a", Level},
		{"web=1@sha256:a", "web=1@sha256:b", Differs},
		{"web=1@sha256:a", "web=2@sha256:b", Behind},
		{"web=1@sha256:a", "web=2@sha256:a", Behind},
		{"web=sha256:a", "web=1@sha256:a", Level},
		{"web=1@sha256:a", "web=sha256:a", Level},
		{"web=sha256:a", "web=sha256:b", Differs},
		{"web=sha256:1", "web=sha256:2", Differs},
		{"web=sha256:a", "web=1", Differs},
		{"web=1 web=1@sha256:a", "web=1", Level},
		{"web=1 web=1@sha256:a", "web=2", Behind},
		{"web=1@sha256:a web=1@sha256:b", "web=1", Differs},
	} {
		v, w := versionsIn(t, test.v), versionsIn(t, test.w)
		relation := func(v, w Versions) Relation { return lag(&Cell{Versions: v}, &Cell{Versions: w}).Relation }
		if got := relation(v, w); got != test.want {
			t.Errorf("%q to %q: %s, want %s", test.v, test.w, got, test.want)
		}
		opposite := map[Relation]Relation{Level: Level, Differs: Differs, Ahead: Behind, Behind: Ahead}[test.want]
		if got := relation(w, v); got != opposite {
			t.Errorf("%q to %q: %s, want %s", test.w, test.v, got, opposite)
		}
	}
}

func TestVersionsString(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"web=1", "1"},
		{"web=1 web=2", "1 | 2"},
		{"web=1 api=1", "1"},
		{"web=1 api=2", "api 2, web 1"},
		{"web=1 web=2 api=1", "api 1, web 1 | 2"},
		{"web=2 web=1 web=1", "1 | 2"},
	} {
		if got := versionsIn(t, test.in).String(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
	if got := Versions(nil).String(); got != "" {
		t.Errorf("the zero value is %q", got)
	}
}
