package bump

import (
	"strings"
	"sync"
	"testing"
)

// TestScanGoesOnAfterPanics makes the work on single files panic, in each of
// the visits that a scan makes.
func TestScanGoesOnAfterPanics(t *testing.T) {
	t.Parallel()
	const flux = "image: nginx:1 # {\"$imagepolicy\": \"a:b\"}\n"
	tree := memory{
		"a.yaml": "image: nginx:1\n", "broken.yaml": "image: nginx:1\n", "broken-set.yaml": "tag: 1\n", "z.yaml": "image: nginx:1\n",
		"broken-flux.yaml": flux, "flux.yaml": flux,
	}
	var mu sync.Mutex
	asked := map[string]int{}
	request := Request{
		Moves: []Move{moveTo(t, "nginx:2")},
		Set:   []Target{{Path: "broken-set.yaml", Keys: parsePath(t, "tag")}},
		Match: func(path string) bool {
			mu.Lock()
			defer mu.Unlock()
			asked[path]++
			// The listing asks first, and the work on a file once more.
			if strings.HasPrefix(path, "broken") && (path == "broken-set.yaml" || asked[path] == 2) {
				panic("bad\nluck")
			}
			return true
		},
	}
	plan := scanned(t, tree, request)
	want := "a.yaml:1:14 helm-values nginx 1 -> 2\n" +
		"broken-flux.yaml refused: internal fault, so the file is left as it is: bad\\nluck\n" +
		"broken-set.yaml refused: internal fault, so the file is left as it is: bad\\nluck\n" +
		"broken.yaml refused: internal fault, so the file is left as it is: bad\\nluck\n" +
		"flux.yaml:1:14 marker nginx 1 -> 2\n" +
		"z.yaml:1:14 helm-values nginx 1 -> 2\n"
	if got := report(plan); got != want {
		t.Errorf("report:\n%swant:\n%s", got, want)
	}
	for _, f := range plan.Files {
		for _, e := range f.Refused {
			if e.Path != f.Path || !strings.Contains(e.Hint, "please report this file") {
				t.Errorf("%s: fault at %q with hint %q", f.Path, e.Path, e.Hint)
			}
		}
	}
}

func TestPanicCountsAsFound(t *testing.T) {
	t.Parallel()
	s := newScan(nil, nil, moves{moveTo(t, "nginx:2"), moveTo(t, "redis:8")})
	s.guard("a.yaml", []byte("image: nginx:1\n"), func() { panic("bad luck") })
	plan := &Plan{Files: s.files}
	if !plan.Found("docker.io/library/nginx") || plan.Found("docker.io/library/redis") {
		t.Errorf("nginx found: %v, redis found: %v; want only nginx", plan.Found("docker.io/library/nginx"), plan.Found("docker.io/library/redis"))
	}
}
