package promote

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/freeze"
	"github.com/towpath-dev/towpath/internal/image"
)

// seen returns what was observed, by hours before noon.
func seen(hours map[float64]Health) []Observation {
	var out []Observation
	for h, health := range hours {
		out = append(out, Observation{noon.Add(-time.Duration(h * float64(time.Hour))), health})
	}
	return out
}

func TestDecisionHealthThatCannotBeKnownKeepsTheGateClosed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		health map[float64]Health
		want   State
		text   string
	}{
		"never seen":                  {nil, Unknown, "whether staging is healthy at v2 is not known"},
		"lost from sight":             {map[float64]Health{1: Healthy, 0.5: HealthUnknown}, Unknown, "not known"},
		"healthy":                     {map[float64]Health{1: Healthy}, Open, "staging is healthy at v2 since Wed 2026-06-03 11:00 UTC"},
		"unhealthy":                   {map[float64]Health{1: Healthy, 0.5: Unhealthy}, Closed, "staging is not healthy at v2"},
		"healthy at the version only": {map[float64]Health{2.5: Healthy}, Unknown, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts()
			f.Rules.Healthy = true
			f.Before[0].History[0].Health = seen(test.health)
			wantGate(t, f, GateHealthy, test.want, test.text)
			if test.want != Open {
				wantOutcome(t, f, Pending)
			}
		})
	}
}

func TestDecisionSoakRunsFromHealthyAtThatVersion(t *testing.T) {
	t.Parallel()
	const soak = 90 * time.Minute
	for name, test := range map[string]struct {
		health map[float64]Health
		want   State
		text   string
		opens  float64 // hours after noon, 0 for none
	}{
		"long enough": {map[float64]Health{1.75: Healthy}, Open, "1h45m of 1h30m healthy in staging", 0},
		"just long enough": {
			map[float64]Health{1.5: Healthy, 1: Healthy}, Open, "1h30m of 1h30m healthy in staging", 0,
		},
		"not yet":                       {map[float64]Health{1: Healthy}, Closed, "1h of 1h30m healthy in staging, until Wed 2026-06-03 12:30 UTC", 0.5},
		"unhealthy":                     {map[float64]Health{1.75: Healthy, 1: Unhealthy}, Closed, "staging is not healthy at v2: its 1h30m start anew when it is", 0},
		"unhealthy starts it anew":      {map[float64]Health{1.75: Healthy, 1.5: Unhealthy, 1: Healthy}, Closed, "1h of 1h30m healthy in staging", 0.5},
		"out of sight between":          {map[float64]Health{1.75: Healthy, 1.5: HealthUnknown, 1: Healthy}, Open, "1h45m of 1h30m", 0},
		"from the merge":                {nil, Open, "2h of 1h30m in staging since the merge, for its health is not known", 0},
		"not known, but once unhealthy": {map[float64]Health{1: Unhealthy, 0.75: HealthUnknown}, Closed, "1h of 1h30m in staging since it was last unhealthy, for its health is not known", 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts()
			f.Rules.Soak = soak
			f.Before[0].History[0].Health = seen(test.health)
			wantGate(t, f, GateSoak, test.want, test.text)
			var opens time.Time
			if test.opens != 0 {
				opens = noon.Add(time.Duration(test.opens * float64(time.Hour)))
			}
			if got := finding(t, f, GateSoak).Opens; !got.Equal(opens) {
				t.Errorf("opens %s, want %s", got, opens)
			}
		})
	}
}

func TestSoakOfWhatWasReplacedHasEnded(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Before = []Standing{env("staging", nil, "v2", "v3")} // v2 stood for an hour
	f.Rules.Soak = time.Hour
	wantGate(t, f, GateSoak, Open, "1h of 1h")
	f.Rules.Soak = 2 * time.Hour
	wantGate(t, f, GateSoak, Closed, "1h of 2h in staging since the merge, for its health is not known, which went on to another version")
	if v := Judge(f); v.Outcome != Pending || !v.Opens.IsZero() {
		t.Errorf("outcome %d, opens %s: it never opens", v.Outcome, v.Opens)
	}
}

func TestAllThatComeBeforeMustSoak(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Rules.Soak = 3 * time.Hour
	f.Before = []Standing{env("eu", nil, "v2"), env("us", nil, "v2"), env("asia", nil, "v2")}
	f.Before[0].History[0].Merged = noon.Add(-4 * time.Hour)
	f.Before[1].History[0].Merged = noon.Add(-time.Hour)
	wantGate(t, f, GateSoak, Closed, "1h of 3h in us")
	if got, want := Judge(f).Opens, noon.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("opens %s, want %s", got, want)
	}
}

func TestDecisionForceIsACommandOfItsOwnAndOpensWhatOnlyWaits(t *testing.T) {
	t.Parallel()
	window, err := freeze.Between("2026-06-01", "2026-06-10", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	f.Step = Merging
	f.Freezes = freeze.Calendar{{Name: "audit", Window: window}}
	f.Rules = Rules{Healthy: true, Soak: 24 * time.Hour, Checks: []string{"smoke"}}
	wantOutcome(t, f, Pending)

	f.Force = &Force{By: "ada", May: Yes, Reason: "CVE-2026-1"}
	for _, g := range []Gate{GateFreeze, GateHealthy, GateSoak, GateChecks} {
		wantGate(t, f, g, Forced, "; forced by ada: CVE-2026-1")
	}
	wantOutcome(t, f, Ready)
	if diff := cmp.Diff(f.Force, Judge(f).Force); diff != "" {
		t.Errorf("who forced, and why, is not recorded: %s", diff)
	}

	for name, test := range map[string]struct {
		change func(*Facts)
		gate   Gate
		want   Outcome
	}{
		"no right":                   {func(f *Facts) { f.Force = &Force{By: "ada", May: No, Reason: "now"} }, GatePermission, Refused},
		"a right that is not known":  {func(f *Facts) { f.Force = &Force{By: "ada", Reason: "now"} }, GatePermission, Refused},
		"no reason":                  {func(f *Facts) { f.Force = &Force{By: "ada", May: Yes, Reason: " "} }, GatePermission, Refused},
		"no right to promote at all": {func(f *Facts) { f.May = No }, GatePermission, Refused},
		"a hold":                     {func(f *Facts) { f.Holds = []Hold{{}} }, GateHold, Refused},
		"a downgrade":                {func(f *Facts) { f.From = tag("v3") }, GateDowngrade, Refused},
		"a skipped environment":      {func(f *Facts) { f.Before = []Standing{env("staging", nil, "v1")} }, GateAfter, Refused},
		"approvals":                  {func(f *Facts) { f.Rules.Approvals = ApprovalRule{Count: 1} }, GateApprovals, Pending},
	} {
		t.Run("not "+name, func(t *testing.T) {
			t.Parallel()
			g := f
			test.change(&g)
			if found := finding(t, g, test.gate); found.State.Passes() {
				t.Errorf("%s is %s (%s)", test.gate, found.State, found.Reason)
			}
			wantOutcome(t, g, test.want)
		})
	}

	open := facts() // nothing is shut
	open.Force = &Force{By: "ada", May: Yes, Reason: "to be safe"}
	if v := Judge(open); v.Outcome != Ready || v.Force != nil {
		t.Errorf("outcome %d, forced %+v, and no gate was shut", v.Outcome, v.Force)
	}
}

func TestDecisionPromoteValuesNeverLinesOrDirectories(t *testing.T) {
	t.Parallel()
	const migrate, side, fresh image.Repository = "ghcr.io/acme/web-migrate", "docker.io/library/redis", "ghcr.io/acme/new"
	from := Versions{web: {Tag: "1.4.1"}, migrate: {Tag: "1.4.2"}, side: {Tag: "7.2"}}
	to := Versions{
		web: {Tag: "1.4.2", Digest: "sha256:ab"}, migrate: {Tag: "1.4.2", Digest: "sha256:cd"}, fresh: {Tag: "1"},
	}
	want := []Move{
		{fresh, Version{}, Version{Tag: "1"}, First},
		{web, Version{Tag: "1.4.1"}, Version{"1.4.2", "sha256:ab"}, Upgrade},
	}
	if diff := cmp.Diff(want, Moves(from, to)); diff != "" {
		t.Error(diff)
	}
	for name, test := range map[string]struct {
		from, to Version
		want     Direction
	}{
		"upgrade":      {Version{Tag: "1.9.0"}, Version{Tag: "1.10.0"}, Upgrade},
		"downgrade":    {Version{Tag: "v497"}, Version{Tag: "v496"}, Downgrade},
		"commits":      {Version{Tag: "abc1234"}, Version{Tag: "def5678"}, Unordered},
		"other shapes": {Version{Tag: "1.2.3"}, Version{Tag: "1.2.4-alpine"}, Unordered},
		"a moving tag": {Version{"main", "sha256:ab"}, Version{"main", "sha256:cd"}, Unordered},
		"digests":      {Version{Digest: "sha256:ab"}, Version{Digest: "sha256:cd"}, Unordered},
		"pinned now":   {Version{Digest: "sha256:ab"}, Version{Tag: "1.2.3"}, Unordered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Moves(Versions{web: test.from}, Versions{web: test.to})
			if diff := cmp.Diff([]Move{{web, test.from, test.to, test.want}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := Unordered.String() + " " + Upgrade.String(); got != "unknown upgrade" {
		t.Errorf("the words are %q", got)
	}
}

func TestWhatIsThereAlreadyIsNoMove(t *testing.T) {
	t.Parallel()
	f := facts()
	f.From = Versions{web: {Tag: "v2"}}
	f.To = Versions{web: {Tag: "v2", Digest: "sha256:ab"}}
	wantOutcome(t, f, Nothing)
	f.From = Versions{web: {Digest: "sha256:ab"}}
	wantOutcome(t, f, Nothing)
	f.From = Versions{web: {Digest: "sha256:cd"}}
	if moves := Judge(f).Moves; len(moves) != 1 {
		t.Errorf("moves %v, want one to the other digest", moves)
	}
	f.From = nil
	if moves := Judge(f).Moves; len(moves) != 1 {
		t.Errorf("moves %v, want one from no version", moves)
	}
	f.To = nil
	wantOutcome(t, f, Refused)
}

func TestDecisionForceWithAReasonStandsInTheAuditTrail(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Step, f.Now, f.Freezes = Merging, friday, weekend(t)
	f.Rules.Soak = 24 * 365 * time.Hour
	f.Reason = "release day"
	f.Force = &Force{By: "bob", May: Yes, Reason: "CVE-2026-1\nis out"}
	v := Judge(f)
	if !v.MayMerge() {
		t.Fatalf("it is not forced: %+v", v.Findings)
	}
	want := audit.Trail{RequestedBy: "ada", Reason: "forced past freeze and soak by bob: CVE-2026-1\nis out"}
	if diff := cmp.Diff(want, v.Trail); diff != "" {
		t.Error(diff)
	}
	// The commit keeps it.
	text := v.Trail.Message("Promote web to prod", []audit.Move{{App: "web", Env: "prod", To: "v2"}})
	if diff := cmp.Diff(want, audit.ParseTrail(text)); diff != "" {
		t.Error(diff)
	}

	for name, change := range map[string]func(*Facts){
		"no reason": func(f *Facts) { f.Force = &Force{By: "bob", May: Yes, Reason: " "} },
		"no right":  func(f *Facts) { f.Force = &Force{By: "bob", May: No, Reason: "now"} },
		"not asked": func(f *Facts) { f.Force = nil },
		"not shut":  func(f *Facts) { f.Now, f.Rules.Soak = noon, 0 },
	} {
		t.Run("not with "+name, func(t *testing.T) {
			t.Parallel()
			g := f
			change(&g)
			if diff := cmp.Diff(audit.Trail{RequestedBy: "ada", Reason: "release day"}, Judge(g).Trail); diff != "" {
				t.Error(diff)
			}
		})
	}
}
