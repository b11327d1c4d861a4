package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/transport"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	const half = 250 * time.Millisecond // of the first pause
	for _, test := range []struct {
		name    string
		status  int
		body    string
		headers func(now time.Time) []string
		want    time.Duration // how long to wait
		limited bool
	}{
		{"nothing told", 429, "", nil, half, true},
		{"seconds", 429, "", func(time.Time) []string { return []string{"Retry-After: 7"} }, 7 * time.Second, true},
		{"at once", 429, "", func(time.Time) []string { return []string{"Retry-After: 0"} }, half, true},
		{"garbage", 429, "", func(time.Time) []string { return []string{"Retry-After: soon"} }, half, true},
		{"before", 429, "", func(time.Time) []string { return []string{"Retry-After: -7"} }, half, true},
		{"too far", 429, "", func(time.Time) []string { return []string{"Retry-After: 99999999999999999999"} }, 24 * time.Hour, true},
		{"date", 429, "", func(now time.Time) []string {
			return []string{"Retry-After: " + now.Add(90*time.Second).UTC().Format(http.TimeFormat)}
		}, 90 * time.Second, true},
		{"date that was", 429, "", func(now time.Time) []string {
			return []string{"Retry-After: " + now.Add(-time.Hour).UTC().Format(http.TimeFormat)}
		}, half, true},
		{"GitHub primary", 403, "", func(now time.Time) []string {
			return []string{"X-RateLimit-Remaining: 0", fmt.Sprintf("X-RateLimit-Reset: %d", now.Add(20*time.Minute).Unix())}
		}, 20 * time.Minute, true},
		{"reset that was", 403, "", func(now time.Time) []string {
			return []string{"X-RateLimit-Remaining: 0", fmt.Sprintf("X-RateLimit-Reset: %d", now.Add(-time.Minute).Unix())}
		}, half, true},
		{"reset that is none", 403, "", func(time.Time) []string {
			return []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 9223372036854775807"}
		}, half, true},
		{"GitLab", 429, "", func(now time.Time) []string {
			return []string{"RateLimit-Remaining: 0", fmt.Sprintf("RateLimit-Reset: %d", now.Add(30*time.Second).Unix())}
		}, 30 * time.Second, true},
		{"the longer one", 429, "", func(now time.Time) []string {
			return []string{"Retry-After: 5", "RateLimit-Remaining: 0", fmt.Sprintf("RateLimit-Reset: %d", now.Add(30*time.Second).Unix())}
		}, 30 * time.Second, true},
		{"GitHub secondary", 403, `{"message":"You have exceeded a secondary rate limit. Please wait"}`, nil, time.Minute, true},
		{"as 429", 429, `{"message":"You have exceeded a secondary rate limit. Please wait"}`, nil, time.Minute, true},
		{"its old name", 403, `{"message":"You have triggered an abuse detection mechanism."}`, nil, time.Minute, true},
		{"told with 403", 403, "", func(time.Time) []string { return []string{"Retry-After: 11"} }, 11 * time.Second, true},
		{"forbidden", 403, `{"message":"Resource not accessible by integration"}`, func(now time.Time) []string {
			return []string{"X-RateLimit-Remaining: 4999", fmt.Sprintf("X-RateLimit-Reset: %d", now.Add(time.Hour).Unix())}
		}, 0, false},
		{"forbidden at length", 403, strings.Repeat("x", 70<<10) + "secondary rate limit", nil, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			c.time = c.time.Truncate(time.Second)
			var headers []string
			if test.headers != nil {
				headers = test.headers(c.time)
			}
			server := newScript(t, reply(test.status, test.body, headers...), reply(200, "fine"))
			status, body, err := do(t, newClient(t, options(c)), t.Context(), http.MethodPost, server.URL)
			if err != nil {
				t.Fatal(err)
			}
			if !test.limited {
				if status != test.status || body != test.body || len(c.sleeps()) != 0 {
					t.Errorf("got %d, %d bytes, slept %v", status, len(body), c.sleeps())
				}
				return
			}
			if status != 200 || body != "fine" {
				t.Errorf("got %d %q", status, body)
			}
			if diff := cmp.Diff([]time.Duration{test.want}, c.sleeps()); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLimitsOfGraphQL has replies with status 200 name a limit, or only look like
// it.
func TestLimitsOfGraphQL(t *testing.T) {
	t.Parallel()
	const (
		primary   = `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`
		secondary = `{"data":null,"errors":[{"message":"You have exceeded a secondary rate limit. Please wait"}]}`
		partial   = `{"data":{"a":{"id":"1"},"b":null},"errors":[{"type":"RATE_LIMIT","path":["b"],"message":"x"}]}`
	)
	later := func(now time.Time) []string {
		return []string{"X-RateLimit-Remaining: 0", fmt.Sprintf("X-RateLimit-Reset: %d", now.Add(20*time.Minute).Unix())}
	}
	after := func(time.Time) []string { return []string{"X-RateLimit-Remaining: 12", "Retry-After: 7"} }
	none := func(time.Time) []string { return nil }
	for _, test := range []struct {
		name     string
		path     string
		question bool
		status   int
		body     string
		headers  func(now time.Time) []string
		want     time.Duration // how long to wait; 0 if the reply is for the caller
	}{
		{"primary", "/graphql", false, 200, primary, later, 20 * time.Minute},
		{"primary of another name", "/graphql", false, 200, strings.Replace(primary, "RATE_LIMITED", "RATE_LIMIT", 1), none, time.Minute},
		{"secondary", "/graphql", false, 200, secondary, none, time.Minute},
		{"seconds", "/api/graphql", false, 200, secondary, after, 7 * time.Second},
		{"no field", "/graphql", false, 200, strings.Replace(secondary, "null", `{"a":null,"b":null}`, 1), none, time.Minute},
		{"a part of a question", "/graphql", true, 200, partial, none, time.Minute},
		{"a part of a write", "/graphql", false, 200, partial, after, 0},
		{"of REST", "/repos", true, 200, secondary, after, 0},
		{"accepted", "/graphql", true, 202, secondary, after, 0},
		{"nothing wrong", "/graphql", true, 200, `{"data":{"a":"1"}}`, after, 0},
		{"another error", "/graphql", true, 200, `{"data":null,"errors":[{"type":"NOT_FOUND","message":"x"}]}`, after, 0},
		{"in a file", "/graphql", true, 200, `{"data":{"text":"exceeded a secondary rate limit"},"errors":[{"type":"NOT_FOUND","message":"x"}]}`, none, 0},
		{"no JSON", "/graphql", true, 200, `secondary rate limit`, none, 0},
		{"nothing", "/graphql", true, 200, ``, none, 0},
		{"long", "/graphql", true, 200, `{"data":{"text":"` + strings.Repeat("x", 70<<10) + `"},"errors":[{"type":"NOT_FOUND","message":"x"}]}`, none, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			c.time = c.time.Truncate(time.Second)
			server := newScript(t, reply(test.status, test.body, test.headers(c.time)...), reply(200, "fine"))
			client := newClient(t, options(c))
			ctx := t.Context()
			if test.question {
				ctx = transport.Idempotent(ctx)
			}
			status, body, err := do(t, client, ctx, http.MethodPost, server.URL+test.path)
			if err != nil {
				t.Fatal(err)
			}
			var want []time.Duration
			if test.want == 0 {
				if status != test.status || body != test.body {
					t.Errorf("got %d and %d bytes, want %d and the %d of the reply", status, len(body), test.status, len(test.body))
				}
				// Whoever comes next does not wait either.
				if _, _, err := do(t, client, ctx, http.MethodPost, server.URL+test.path); err != nil {
					t.Fatal(err)
				}
			} else {
				want = append(want, test.want)
				if status != 200 || body != "fine" {
					t.Errorf("got %d %q", status, body)
				}
			}
			if diff := cmp.Diff(want, c.sleeps()); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimitOfGraphQLForEver(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(200, `{"errors":[{"type":"RATE_LIMITED","message":"secondary rate limit"}]}`))
	c := newClock()
	_, _, err := do(t, newClient(t, options(c)), t.Context(), http.MethodPost, server.URL+"/graphql")
	if _, ok := errors.AsType[*transport.RateLimitError](err); !ok {
		t.Errorf("got %v", err)
	}
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}
	if diff := cmp.Diff(want, c.sleeps()); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestLimitTooLong(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(429, "", "Retry-After: 7200"))
	c := newClock()
	client := newClient(t, options(c))
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for range 2 { // the second is not even sent
		_, _, err := do(t, client, ctx, http.MethodPost, server.URL)
		limit, ok := errors.AsType[*transport.RateLimitError](err)
		if !ok || limit.RetryAfter != 2*time.Hour || limit.Host != strings.TrimPrefix(server.URL, "http://") {
			t.Fatalf("got %v", err)
		}
		if !strings.Contains(err.Error(), "takes no more requests for 2h0m0s") {
			t.Errorf("got %q", err)
		}
	}
	if len(server.requests()) != 1 || len(c.sleeps()) != 0 {
		t.Errorf("sent %d requests, slept %v", len(server.requests()), c.sleeps())
	}
}

func TestLimitForEver(t *testing.T) {
	t.Parallel()
	server := newScript(t, reply(403, "secondary rate limit"))
	c := newClock()
	_, _, err := do(t, newClient(t, options(c)), t.Context(), http.MethodGet, server.URL)
	if _, ok := errors.AsType[*transport.RateLimitError](err); !ok {
		t.Errorf("got %v", err)
	}
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}
	if diff := cmp.Diff(want, c.sleeps()); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

// TestLimitOfOthers has one request meet a limit that another one then waits
// for, where it counts for both.
func TestLimitOfOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		reply  func(now time.Time) http.HandlerFunc
		second string
		want   []time.Duration
	}{
		{"nothing left", spent, "/b", []time.Duration{time.Minute}},
		{"another limit", spent, "/graphql", nil},
		{"another limit of search", spent, "/api/v3/search/code", nil},
		{"the whole host", func(time.Time) http.HandlerFunc { return reply(403, "", "Retry-After: 60") }, "/graphql", []time.Duration{time.Minute}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			c.time = c.time.Truncate(time.Second)
			o := options(c)
			o.MaxWait = time.Second // the first does not wait
			server := newScript(t, test.reply(c.time), reply(200, ""))
			client := newClient(t, o)
			if status, _, err := do(t, client, t.Context(), http.MethodGet, server.URL+"/a"); status != 200 && err == nil {
				t.Fatalf("got %d", status)
			}
			_, _, err := do(t, client, t.Context(), http.MethodGet, server.URL+test.second)
			limit, ok := errors.AsType[*transport.RateLimitError](err)
			switch {
			case test.want == nil && err != nil:
				t.Errorf("got %v, want no wait", err)
			case test.want != nil && (!ok || limit.RetryAfter != test.want[0]):
				t.Errorf("got %v, want to wait %v", err, test.want)
			}
		})
	}
}

func spent(now time.Time) http.HandlerFunc {
	return reply(200, "", "X-RateLimit-Remaining: 0", fmt.Sprintf("X-RateLimit-Reset: %d", now.Add(time.Minute).Unix()))
}

func TestPace(t *testing.T) {
	t.Parallel()
	near := reply(200, "", "X-RateLimit-NearLimit: true")
	server := newScript(t, near, near, near, reply(200, "", "X-RateLimit-NearLimit: false"))
	c := newClock()
	client := newClient(t, options(c))
	for range 6 {
		if _, _, err := do(t, client, t.Context(), http.MethodGet, server.URL); err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Duration{time.Second, time.Second}
	if diff := cmp.Diff(want, c.sleeps()); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestRateLimitErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"h takes no more requests for now: its rate limit is reached":   &transport.RateLimitError{Host: "h"},
		"h takes no more requests for 90ms: its rate limit is reached":  &transport.RateLimitError{Host: "h", RetryAfter: 90 * time.Millisecond},
		"h takes no more requests for 1m30s: its rate limit is reached": &transport.RateLimitError{Host: "h", RetryAfter: 90*time.Second + 1},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
