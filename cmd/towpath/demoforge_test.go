package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// announcement is a writer that tells of the first URL written to it.
type announcement struct {
	mu  sync.Mutex
	buf bytes.Buffer
	url chan string
}

func (s *announcement) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(p)
	if url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(s.buf.String()); url != "" {
		select {
		case s.url <- url:
		default:
		}
	}
	return len(p), nil
}

func TestDemoForge(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"the demo's repo": nil, "a folder": {"--from", "demo"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			out := &announcement{url: make(chan string, 1)}
			ended := make(chan int, 1)
			quiet := func(string) string { return "" }
			go func() {
				ended <- run(ctx, append([]string{"demo", "forge", "--listen", "127.0.0.1:0"}, args...), console{in: strings.NewReader(""), out: out, err: out, env: quiet})
			}()
			var url string
			select {
			case url = <-out.url:
			case status := <-ended:
				t.Fatalf("it ended with status %d: %s", status, out.buf.String())
			}
			var said bytes.Buffer
			env := func(name string) string { return map[string]string{"TOWPATH_TOKEN": demoToken}[name] }
			status := run(ctx, []string{"bump", "ghcr.io/acme/web:1.5.0", "--repo", url + "/acme/config"}, console{in: strings.NewReader(""), out: &said, err: &said, env: env})
			if status != exitOK || !strings.Contains(said.String(), "Opened pull request #1: "+url+"/acme/config/pull/1") {
				t.Errorf("status %d: %s", status, said.String())
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/acme/config/pull/1", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			page, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || !strings.Contains(string(page), "#1 Bump ghcr.io/acme/web to 1.5.0 (open, from towpath/bump/web into main)") {
				t.Errorf("page %s, error %v", page, err)
			}
			stop()
			if status := <-ended; status != exitOK {
				t.Errorf("it ended with status %d", status)
			}
		})
	}
}
