package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"
)

func TestCache(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	c := &Cache{Dir: filepath.Join(t.TempDir(), "new", "cache"), Most: 2, Now: func() time.Time { clock = clock.Add(time.Minute); return clock }}
	fetched := 0
	open := func(key string) string {
		t.Helper()
		body, err := c.Open(key, func() (io.ReadCloser, error) {
			fetched++
			return io.NopCloser(bytes.NewReader(fmt.Appendf(nil, "%s, fetch %d", key, fetched))), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		got, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	for _, want := range []string{"a, fetch 1", "a, fetch 1"} {
		if got := open("a"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	c.Drop("a")
	if got := open("a"); got != "a, fetch 2" {
		t.Errorf("after it was dropped: %q", got)
	}
	for i := range 5 {
		open(fmt.Sprint(i))
	}
	if left, _ := filepath.Glob(filepath.Join(c.Dir, "*")); len(left) != 2 {
		t.Errorf("%d files are left: %v", len(left), left)
	}
}

func TestCacheKeepsNothingBroken(t *testing.T) {
	t.Parallel()
	c := &Cache{Dir: t.TempDir()}
	broken := errors.New("connection reset")
	_, err := c.Open("a", func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader([]byte("half")), iotest.ErrReader(broken))), nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := c.Open("a", func() (io.ReadCloser, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}
