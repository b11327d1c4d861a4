package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/schema"
)

// full has every key.
const full = `# what the file is for
version: 1
x-gates: &careful
  soak: 1d
  healthy: true
  checks: [smoke, 2024]
environments:
  - {name: dev, auto: merge}
  - name: test
    after: [dev]
    gates: {soak: 30m}
  - name: live-eu
    group: live
    after: [test]
    auto: pr
    gates:
      <<: *careful
      soak: 2d12h
      approvals: {count: 2, teams: [release], users: [ada], notAuthor: true}
    commands: {promote: ["team:release", "user:ada"], hold: []}
  - {name: live-us, group: live, after: [live-eu], gates: *careful}
  - {name: lab}
  - {name: archive, after: [live, dev], gates: {approvals: {}}}
apps:
  - name: shop
    images: [ghcr.io/acme/shop, "ghcr.io/acme/{app}-migrate"]
    files: ["deploy/{app}/{env}/**", "charts/shop-{env}.yaml"]
  - name: mail
    images:
      - {image: ghcr.io/acme/mail, policy: "semver:^2"}
    keys: [image.tag, 'a."b.c"[0]']
    files: ["charts/mail/values-{env}.yaml"]
  - discover: "tags/{env}/{app}"
    images: [{image: "ghcr.io/acme/{app}", keys: [image_tag]}]
  - {discover: "apps/{app}/app.yaml", files: ["apps/{app}/{env}.yaml"], images: [nginx]}
freezes:
  - {name: weekends, environments: [live], cron: "0 17 * * FRI", for: 63h, timezone: Europe/London}
  - {name: year's end, environments: [live-eu, dev], from: 2026-12-20, to: 2027-01-03T08:00, timezone: Europe/Paris}
promotion: {pullRequest: per-environment, supersede: close, downgrade: allow}
rollback: {to: previous, hold: false, skip: [soak, checks, approvals]}
commands: {promote: [maintain], force: ["user:ada"], okToPlan: [triage]}
plan: {render: off, ignore: ["docs/**"]}
drift: {every: 15m}
`

const head = "version: 1\nenvironments: [{name: dev}, {name: prod, after: [dev]}]\n"

func parse(t testing.TB, src string) *Config {
	t.Helper()
	c, err := Parse([]byte(src))
	if err != nil {
		t.Fatalf("%s", show(faultsIn(t, err)))
	}
	return c
}

// view is a Config as a test compares it: without positions, and with patterns
// and keys as texts.
func view(c *Config) map[string]any {
	var envs, apps []string
	for _, e := range c.Environments {
		envs = append(envs, e.Name+" after "+strings.Join(e.After, " "))
	}
	for _, a := range c.Apps {
		text := a.Name
		if a.Discover != nil {
			text = a.Discover.String()
		}
		for _, i := range a.Images {
			text += " " + i.Image
			for _, k := range i.Keys {
				text += "#" + k.String()
			}
			if i.Policy != "" {
				text += "?" + string(i.Policy)
			}
		}
		for _, f := range a.Files {
			text += " " + f.String()
		}
		apps = append(apps, text)
	}
	return map[string]any{"environments": envs, "apps": apps}
}

func TestParse(t *testing.T) {
	t.Parallel()
	c := parse(t, full)
	want := map[string]any{
		"environments": []string{
			"dev after ", "test after dev", "live-eu after test", "live-us after live-eu", "lab after ",
			"archive after live-eu live-us dev",
		},
		"apps": []string{
			"shop ghcr.io/acme/shop ghcr.io/acme/{app}-migrate deploy/{app}/{env}/** charts/shop-{env}.yaml",
			`mail ghcr.io/acme/mail#image.tag#a."b.c"[0]?semver:^2 charts/mail/values-{env}.yaml`,
			"tags/{env}/{app} ghcr.io/acme/{app}#image_tag",
			"apps/{app}/app.yaml nginx apps/{app}/{env}.yaml",
		},
	}
	if diff := cmp.Diff(want, view(c)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	gates := Gates{
		Soak: Duration(60 * time.Hour), Healthy: true, Checks: []string{"smoke", "2024"},
		Approvals: &Approvals{Count: 2, Teams: []string{"release"}, Users: []string{"ada"}, NotAuthor: true},
	}
	if diff := cmp.Diff(gates, c.Environment("live-eu").Gates); diff != "" {
		t.Errorf("gates (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(Promotion{PerEnvironment, SupersedeClose, DowngradeAllow}, c.Promotion); diff != "" {
		t.Errorf("promotion (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(Rollback{TargetPrevious, false, []Gate{GateSoak, GateChecks, GateApprovals}}, c.Rollback); diff != "" {
		t.Errorf("rollback (-want +got)\n%s", diff)
	}
	if c.Plan.Render != RenderOff || len(c.Plan.Ignore) != 1 || c.Plan.Ignore[0].String() != "docs/**" {
		t.Errorf("got plan %+v", c.Plan)
	}
	if got := time.Duration(c.Drift.Every); got != 15*time.Minute {
		t.Errorf("drift every %s", got)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := parse(t, head)
	if got := c.Environments[0].Auto; got != AutoManual {
		t.Errorf("got auto %q", got)
	}
	if diff := cmp.Diff(Gates{}, c.Environments[0].Gates); diff != "" {
		t.Errorf("gates (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(Promotion{PerApp, SupersedeUpdate, DowngradeRefuse}, c.Promotion); diff != "" {
		t.Errorf("promotion (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(Rollback{TargetPrevious, true, []Gate{GateSoak, GateHealthy, GateFreeze}}, c.Rollback); diff != "" {
		t.Errorf("rollback (-want +got)\n%s", diff)
	}
	if c.Plan.Render != RenderAuto || c.Plan.Ignore != nil || time.Duration(c.Drift.Every) != time.Hour {
		t.Errorf("got plan %+v and drift %+v", c.Plan, c.Drift)
	}
	approvals := parse(t, "version: 1\nenvironments: [{name: dev, gates: {approvals: {}}}]\n").Environments[0].Gates.Approvals
	if diff := cmp.Diff(&Approvals{Count: 1}, approvals); diff != "" {
		t.Errorf("approvals (-want +got)\n%s", diff)
	}
	// Whoever writes an empty list means it.
	if got := parse(t, head+"rollback: {skip: []}\n").Rollback.Skip; got == nil || len(got) != 0 {
		t.Errorf("got skip %v", got)
	}
}

func TestLookUps(t *testing.T) {
	t.Parallel()
	c := parse(t, full)
	names := func(envs []*Environment) string {
		var out []string
		for _, e := range envs {
			out = append(out, e.Name)
		}
		return strings.Join(out, " ")
	}
	if got, want := names(c.First()), "dev lab"; got != want {
		t.Errorf("first: got %q, want %q", got, want)
	}
	if got, want := names(c.Order()), "dev lab test live-eu live-us archive"; got != want {
		t.Errorf("order: got %q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"live": "live-eu live-us", "live-eu": "live-eu", "dev": "dev", "": "", "nowhere": "",
	} {
		if got := strings.Join(c.Members(name), " "); got != want {
			t.Errorf("members of %q: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]int{"dev": 1, "lab": 1, "test": 2, "live-eu": 3, "live-us": 4, "archive": 5} {
		if got := c.Environment(name).Position; got != want {
			t.Errorf("position of %s: got %d, want %d", name, got, want)
		}
	}
	if e := c.Environment("live"); e != nil {
		t.Errorf("the group live is the environment %v", e)
	}
	for name, want := range map[string]string{"lve": "live", "tets": "test", "live_eu": "live-eu", "elsewhere": "", "arch": "archive"} {
		if got := c.Near(name); got != want {
			t.Errorf("near %q: got %q, want %q", name, got, want)
		}
	}
	for env, want := range map[string]string{"live-eu": "weekends, year's end", "live-us": "weekends", "dev": "year's end", "lab": "", "": ""} {
		var got []string
		for _, f := range c.FreezesOf(env) {
			got = append(got, f.Name)
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("freezes of %s (-want +got)\n%s", env, diff)
		}
		if calendar := c.Calendar(env); len(calendar) != len(got) {
			t.Errorf("calendar of %s: %v", env, calendar)
		}
	}
}

func TestImageRepository(t *testing.T) {
	t.Parallel()
	c := parse(t, full)
	discovered := &c.Apps[2].Images[0]
	if got, err := discovered.Repository("pay"); err != nil || got != "ghcr.io/acme/pay" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := discovered.Repository("pay.-x"); err == nil {
		t.Errorf("got %q without an error", got)
	}
	if got, err := c.Apps[3].Images[0].Repository("any"); err != nil || got != "docker.io/library/nginx" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestFault is how a check against the tree says where it stands.
func TestFault(t *testing.T) {
	t.Parallel()
	src := "\ufeff" + strings.ReplaceAll(full, "\n", "\r\n")
	c := parse(t, src)
	for text, offset := range map[string]int{
		`{name: dev, auto: merge}`:              c.Environments[0].Offset,
		`name: mail`:                            c.Apps[1].Offset,
		`"charts/shop-{env}.yaml"]`:             c.Apps[0].Files[1].Offset,
		`"tags/{env}/{app}"`:                    c.Apps[2].Discover.Offset,
		`ghcr.io/acme/shop, `:                   c.Apps[0].Images[0].Offset,
		`{image: ghcr.io/acme/mail`:             c.Apps[1].Images[0].Offset,
		`'a."b.c"[0]'`:                          c.Apps[1].Keys[1].Offset,
		`{name: weekends`:                       c.Freezes[0].Offset,
		`{name: year's end, environments: [liv`: c.Freezes[1].Offset,
	} {
		if !strings.HasPrefix(src[offset:], text) {
			t.Errorf("%q does not stand at %d, but %.20q", text, offset, src[offset:])
		}
	}
	got := c.Fault(c.Apps[1].Keys[1].Offset, "look again", "stands in %d files", 0)
	want := &fault.Error{
		Code: fault.Config, Path: Path, Line: 31, Column: 23, Excerpt: `    keys: [image.tag, 'a."b.c"[0]']`,
		Message: "stands in 0 files", Hint: "look again",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	first := c.Fault(0, "", "x")
	if first.Line != 1 || first.Column != 1 || first.Excerpt != "# what the file is for" {
		t.Errorf("at the start of the file: %+v", first)
	}
}

// Faults are told with the end of their line, whichever it is.
func TestExcerptOfWindowsLines(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("version: 1\r\nenvironments:\r\n  - {name: dev, \"größe\": 1, auot: pr}\r\n"))
	var got []string
	for _, f := range faultsIn(t, err) {
		got = append(got, f.Place()+" "+f.Excerpt)
	}
	want := []string{
		`.towpath.yaml:3:17   - {name: dev, "größe": 1, auot: pr}`,
		`.towpath.yaml:3:29   - {name: dev, "größe": 1, auot: pr}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Every fault has a hint or says by itself what is wanted, and is one line.
func TestFaultsAreForPeople(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("version: 1\n\"a\\nb\": {}\nenvironments: [{name: \"x\\u001b[31m\"}]\nfreezes: [{name: \"a\\nb\"}, {name: \"a\\nb\"}]\n"))
	for _, f := range faultsIn(t, err) {
		if strings.ContainsAny(f.Message+f.Hint, "\n\x1b") || strings.HasSuffix(f.Message, ".") {
			t.Errorf("%q, hint %q", f.Message, f.Hint)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30m": 30 * time.Minute, "24h": 24 * time.Hour, "7d": 168 * time.Hour, "1h30m": 90 * time.Minute,
		"2w3d4h5m6s": 17*24*time.Hour + 4*time.Hour + 5*time.Minute + 6*time.Second, "90m": 90 * time.Minute, "007s": 7 * time.Second,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%s: got %s, %v", text, time.Duration(d), err)
		}
		var again Duration
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Errorf("%s is written as %s, which reads as %s, %v", text, d, again, err)
		}
	}
	for _, text := range []string{"", "0s", "0d0h", "30", "1h30", "m", "30 m", "1m1h", "1m2m", "1M", "-1m", "1.5h", "1y", "20000w", "99999999999999999999999s"} {
		var d Duration
		err := d.UnmarshalText([]byte(text))
		if e, ok := errors.AsType[*schema.TextError](err); !ok || e.Hint == "" {
			t.Errorf("%q: got %s, %v", text, d, err)
		}
	}
	if got := Duration(0).String(); got != "0s" {
		t.Errorf("zero is %q", got)
	}
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("version: 1\nenvironments: [{name: dev}, {name: test, after: [dev]}, {name: eu, group: live, after: [test]}, {name: us, group: live, after: [test]}, {name: archive, after: [live]}]\napps:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  - name: app-%d\n    images:\n      - ghcr.io/acme/app-%d\n      - {image: \"ghcr.io/acme/{app}-migrate\", keys: [migrate.tag]}\n    files: [\"apps/{app}/overlays/{env}/**\", \"charts/app-%d/values-{env}.yaml\"]\n", i, i, i)
	}
	src := []byte(text.String())
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Parse(src); err != nil {
			b.Fatal(err)
		}
	}
}
