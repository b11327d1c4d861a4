package local

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnviron(t *testing.T) {
	t.Parallel()
	got := environ([]string{
		"PATH=/bin",
		"GIT_DIR=/x",
		"GIT_INDEX_FILE=/x/index",
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_CONFIG_COUNT=1",
		"GIT_AUTHOR_NAME=Ann",
		"GIT_DIRECTORY=kept",
	}, "LC_ALL=C")
	want := []string{
		"PATH=/bin",
		"GIT_CONFIG_COUNT=1",
		"GIT_AUTHOR_NAME=Ann",
		"GIT_DIRECTORY=kept",
		"GIT_TERMINAL_PROMPT=0",
		"LC_ALL=C",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("line\n", keptLines)
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"trimmed", "\n a \nb\n\n", "a \nb"},
		{"all lines", many, strings.TrimSpace(many)},
		{"first lines", many + "more\n", many + "…"},
		{"first bytes", strings.Repeat("x", 3*keptBytes), strings.Repeat("x", keptBytes)},
	} {
		h := &head{}
		for rest := tt.in; rest != ""; {
			n := min(len(rest), 10_000)
			if written, err := h.Write([]byte(rest[:n])); written != n || err != nil {
				t.Fatalf("%s: wrote %d, %v; want %d", tt.name, written, err, n)
			}
			rest = rest[n:]
		}
		if got := h.String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
