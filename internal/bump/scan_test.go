package bump

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// faulty is a tree in which some files cannot be read.
type faulty struct {
	memory
	errs map[string]error
}

func (f faulty) Read(path string, buf []byte) ([]byte, error) {
	if err := f.errs[path]; err != nil {
		return nil, err
	}
	return f.memory.Read(path, buf)
}

func TestScanGoesOnAfterFaults(t *testing.T) {
	t.Parallel()
	tree := faulty{
		memory: memory{"a.yaml": "image: nginx:1\n", "denied.yaml": "", "gone.yaml": "", "set.yaml": ""},
		errs: map[string]error{
			"denied.yaml": &fs.PathError{Op: "open", Path: "/long/denied.yaml", Err: fs.ErrPermission},
			"gone.yaml":   fmt.Errorf("read: %w", fs.ErrNotExist),
			"set.yaml":    fs.ErrPermission,
		},
	}
	plan, err := Scan(t.Context(), tree, Request{
		Moves: []Move{moveTo(t, "nginx:2")},
		Set:   []Target{{Path: "set.yaml", Keys: parsePath(t, "tag")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "a.yaml:1:14 helm-values nginx 1 -> 2\n" +
		"denied.yaml refused: cannot be read: permission denied\n" +
		"set.yaml refused: cannot be read: permission denied\n"
	if got := report(plan); got != want {
		t.Errorf("report:\n%swant:\n%s", got, want)
	}
	for _, f := range plan.Files {
		for _, e := range f.Refused {
			if e.Code != fault.Access || !errors.Is(e, fs.ErrPermission) {
				t.Errorf("%s: code %s, cause %v", f.Path, e.Code, e.Err)
			}
		}
	}
}

func TestScanOfNothing(t *testing.T) {
	t.Parallel()
	plan, err := Scan(t.Context(), memory{"a.yaml": "image: nginx:1\n"}, Request{})
	if err != nil || len(plan.Files) != 0 || plan.Changed() {
		t.Errorf("Scan with the zero request = %v, %v; want an empty plan", plan, err)
	}
}

func TestScanStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	if _, err := Scan(ctx, memory{"a.yaml": "image: nginx:1\n"}, Request{Moves: []Move{moveTo(t, "nginx:2")}}); !errors.Is(err, reason) {
		t.Errorf("error = %v, want %v", err, reason)
	}
}

// unlisted is a tree whose listing fails half-way.
type unlisted struct{ memory }

func (u unlisted) Files(ctx context.Context, yield func(path string) bool) error {
	if err := u.memory.Files(ctx, yield); err != nil {
		return err
	}
	return errListing
}

var errListing = errors.New("listing failed")

func TestScanReportsListing(t *testing.T) {
	t.Parallel()
	if _, err := Scan(t.Context(), unlisted{memory{"a.yaml": "image: nginx:1\n"}}, Request{Moves: []Move{moveTo(t, "nginx:2")}}); !errors.Is(err, errListing) {
		t.Errorf("error = %v, want %v", err, errListing)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tree := memory{"a/x.yaml": "image: nginx:1\n", "b/x.yaml": "image: nginx:1\n", "b/flux.yaml": "x: nginx:1 # {\"$imagepolicy\": \"a:b\"}\n"}
	plan := scanTwice(t, tree, Request{
		Moves: []Move{moveTo(t, "nginx:2")},
		Match: func(path string) bool { return strings.HasPrefix(path, "a/") },
	})
	if want := "a/x.yaml:1:14 helm-values nginx 1 -> 2\n"; report(plan) != want {
		t.Errorf("report:\n%swant:\n%s", report(plan), want)
	}
}

func TestIsOlder(t *testing.T) {
	t.Parallel()
	tree := memory{
		"a.yaml": "image: nginx:main-3f2a91c\n",
		"b.yaml": "image: nginx:main-77aa001\n",
		"c.yaml": "image: nginx:1.2\n",
	}
	for _, test := range []struct {
		to             string
		allowDowngrade bool
		want           string
	}{
		{"main-8c1d001", false, "a.yaml:1:14 refused: nginx is at main-3f2a91c, and main-8c1d001 is older\nb.yaml:1:14 helm-values nginx main-77aa001 -> main-8c1d001\nc.yaml:1:14 helm-values nginx 1.2 -> main-8c1d001\n"},
		{"main-8c1d001", true, "a.yaml:1:14 helm-values nginx main-3f2a91c -> main-8c1d001\nb.yaml:1:14 helm-values nginx main-77aa001 -> main-8c1d001\nc.yaml:1:14 helm-values nginx 1.2 -> main-8c1d001\n"},
	} {
		plan, err := Scan(t.Context(), tree, Request{
			Moves: []Move{moveTo(t, "nginx:"+test.to)}, AllowDowngrade: test.allowDowngrade,
			IsOlder: func(repo image.Repository, from string) bool {
				if repo.Familiar() != "nginx" {
					t.Errorf("asked about %s", repo)
				}
				return from == "main-3f2a91c"
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, report(plan)); diff != "" {
			t.Errorf("to %s (-want +got):\n%s", test.to, diff)
		}
	}
}

// TestIsOlderIsAskedOnlyAboutTagsWithoutOrder: where the tags tell, they decide.
func TestIsOlderIsAskedOnlyAboutTagsWithoutOrder(t *testing.T) {
	t.Parallel()
	plan, err := Scan(t.Context(), memory{"a.yaml": "image: nginx:1.2.0\n"}, Request{
		Moves:   []Move{moveTo(t, "nginx:1.3.0")},
		IsOlder: func(image.Repository, string) bool { return true },
	})
	if err != nil || !plan.Changed() {
		t.Errorf("changed: %v, error %v", plan.Changed(), err)
	}
}

// TestPrefilter: the byte search may let a file through that needs no look,
// but must not keep one out that names the image.
func TestPrefilter(t *testing.T) {
	t.Parallel()
	ms := moves{moveTo(t, "ghcr.io/acme/web:1")}
	tests := []struct {
		text string
		want bool
	}{
		{"image: ghcr.io/acme/web:1", true},
		{"repository: acme/web\n", true},
		{"name: web", true},
		{"'web'", true},
		{"web@sha256:1", true},
		{"=web:1", true},
		{"web", true},
		{"webweb web", true},
		{"ghcr.io/acme/web-api:1", false},
		{"ghcr.io/acme/web.api:1", false},
		{"my-web:1", false},
		{"web/api:1", false},
		{"website", false},
		{"", false},
	}
	for _, tt := range tests {
		if got := ms.mentionedIn([]byte(tt.text)); got != tt.want {
			t.Errorf("mentionedIn(%q) = %v, want %v", tt.text, got, tt.want)
		}
	}
}
