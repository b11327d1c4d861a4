package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCheckFreezes tells when each environment closes and opens next, at a
// given time.
func TestCheckFreezes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".towpath.yaml"), `version: 1
environments:
  - {name: dev}
  - {name: prod, after: [dev]}
apps: [{name: web, images: [ghcr.io/acme/web], files: ["{env}.yaml"]}]
freezes:
`+"  - FREEZE\n")
	write(t, filepath.Join(dir, "dev.yaml"), "image: ghcr.io/acme/web:1\n")
	write(t, filepath.Join(dir, "prod.yaml"), "image: ghcr.io/acme/web:1\n")
	weekends := `{name: weekends, environments: [prod], cron: "0 17 * * FRI", for: 63h, timezone: Europe/London}`
	newYear := `{name: new year, environments: [prod], from: 2026-12-20, to: 2027-01-03, timezone: Europe/London}`
	for _, test := range []struct{ name, freeze, now, want string }{
		{
			"open", weekends, "2026-11-23T12:00:00Z",
			"open, closes Fri 27 Nov 2026 17:00 GMT, opens again Mon 30 Nov 2026 08:00 GMT",
		},
		{
			"frozen", weekends, "2026-11-28T12:00:00Z",
			"frozen by weekends, opens Mon 30 Nov 2026 08:00 GMT, closes again Fri 4 Dec 2026 17:00 GMT",
		},
		{
			"across the end of summer time", weekends, "2026-10-24T12:00:00Z",
			"frozen by weekends, opens Mon 26 Oct 2026 08:00 GMT, closes again Fri 30 Oct 2026 17:00 GMT",
		},
		{
			"once", newYear, "2026-12-25T12:00:00Z",
			"frozen by new year, opens Mon 4 Jan 2027 00:00 GMT",
		},
		{"over", newYear, "2027-02-01T12:00:00Z", "open"},
		{
			"without end", `{name: always, environments: [prod], cron: "0 0 * * *", for: 24h, timezone: UTC}`, "2026-11-23T12:00:00Z",
			"frozen by always, with no known end",
		},
		{
			"from then on", `{name: far, environments: [prod], cron: "0 0 * * *", for: 36h, timezone: UTC}`, "2026-11-23T12:00:00Z",
			"frozen by far, with no known end",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			own := t.TempDir()
			for _, name := range []string{".towpath.yaml", "dev.yaml", "prod.yaml"} {
				write(t, filepath.Join(own, name), strings.ReplaceAll(read(t, filepath.Join(dir, name)), "FREEZE", test.freeze))
			}
			now, err := time.Parse(time.RFC3339, test.now)
			if err != nil {
				t.Fatal(err)
			}
			var out, json bytes.Buffer
			c := console{out: &out, err: &out, now: func() time.Time { return now }, env: func(string) string { return "" }}
			if status := run(t.Context(), []string{"check", "--repo", own}, c); status != exitOK {
				t.Errorf("status %d", status)
			}
			got := ""
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, "2      prod") {
					got = strings.TrimSpace(line[strings.LastIndex(line, "  "):])
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q\n%s", got, test.want, out.String())
			}
			c.out = &json
			run(t.Context(), []string{"check", "--repo", own, "--output", "json"}, c)
			if frozen := strings.Contains(json.String(), `"frozen": true`); frozen != strings.HasPrefix(test.want, "frozen") {
				t.Errorf("JSON:\n%s", json.String())
			}
		})
	}
}
