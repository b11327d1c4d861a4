package promote

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/freeze"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/image"
)

func TestDecisionPreviousIsTheEnvironmentsPreviousValue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		history []string
		want    string // "" if there is none
	}{
		"not the version before":                    {[]string{"v1", "v4"}, "v1"},
		"skipping what it was rolled back from":     {[]string{"v1", "v2", "<v1", "v3"}, "v1"},
		"once more":                                 {[]string{"v1", "v2", "v3", "<v2"}, "v1"},
		"again and again":                           {[]string{"v1", "v2", "v3", "v4", "<v3", "<v2"}, "v1"},
		"two at once":                               {[]string{"v1", "v2", "v3", "v4", "<v2", "v5"}, "v2"},
		"promoted again after a roll-back":          {[]string{"v1", "v2", "<v1", "v2", "v3"}, "v2"},
		"the files changed, the versions did not":   {[]string{"v1", "v2", "v2"}, "v1"},
		"an older one on purpose is a value":        {[]string{"v2", "v1"}, "v2"},
		"rolled back past all that is in sight":     {[]string{"v5", "v6", "<v2"}, ""},
		"and forward from there":                    {[]string{"v5", "v6", "<v2", "v3"}, "v2"},
		"the first":                                 {[]string{"v1"}, ""},
		"nothing":                                   {nil, ""},
		"the first value, rolled back to":           {[]string{"v1", "v2", "<v1"}, ""},
		"a roll-back to where it is changes little": {[]string{"v1", "v2", "<v2"}, "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := history(test.history...).Previous()
			if got.Versions.String() != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %t, want %q", got.Versions, ok, test.want)
			}
		})
	}
}

func TestDecisionARollBackLeavesOutTheGatesThatSkipNames(t *testing.T) {
	t.Parallel()
	window, err := freeze.Between("2026-06-01", "2026-06-10", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	f.Step = Merging
	f.From, f.To = tag("v3"), tag("v2")
	f.Freezes = freeze.Calendar{{Name: "audit", Window: window}}
	f.Rules = Rules{
		Healthy: true, Soak: 24 * time.Hour, Checks: []string{"smoke"}, Approvals: ApprovalRule{Count: 1},
		Skip: []Gate{GateSoak, GateHealthy, GateFreeze, GatePermission, GateHold},
	}
	wantGate(t, f, GateSoak, Closed, "of 24h") // a promotion leaves out none
	f.IsRollBack = true
	for _, g := range []Gate{GateSoak, GateHealthy, GateFreeze} {
		wantGate(t, f, g, Skipped, "a roll-back leaves it out")
	}
	wantGate(t, f, GateDowngrade, Open, "a roll-back may go back")
	wantGate(t, f, GateAfter, Open, "prod held before")
	wantGate(t, f, GateChecks, Unknown, "smoke not found")
	wantGate(t, f, GateApprovals, Closed, "0 of 1")
	wantOutcome(t, f, Pending)
	f.Rules.Skip = append(f.Rules.Skip, GateChecks, GateApprovals)
	wantOutcome(t, f, Ready)
	f.May = No
	wantOutcome(t, f, Refused)
}

func TestDecisionARollBackWritesAHoldInTheSamePullRequest(t *testing.T) {
	t.Parallel()
	h := history("v1", "v3", "v2")
	previous, _ := h.Previous()
	r := RollBack{
		App: "web", Env: "prod", From: h.Present(), To: previous.Versions, Hold: true,
		By: "ada", Reason: "drops orders,\nsee INC-311", At: noon,
	}
	got, err := r.Change()
	if err != nil {
		t.Fatal(err)
	}
	moves := []Move{{web, Version{Tag: "v2"}, Version{Tag: "v3"}, Upgrade}}
	if diff := cmp.Diff(moves, got.Moves); diff != "" {
		t.Error(diff)
	}
	if want := ".towpath/holds/prod/web.yaml"; got.HoldPath != want {
		t.Errorf("the hold is %q, want %q", got.HoldPath, want)
	}
	written, err := hold.Parse(got.HoldPath, got.HoldFile)
	if err != nil {
		t.Fatal(err)
	}
	want := &hold.Hold{Reason: "rolled back from v2: drops orders, see INC-311", By: "ada", Since: noon, Version: "v3"}
	if diff := cmp.Diff(want, written); diff != "" {
		t.Error(diff)
	}

	f := facts() // a promotion after it, at the version that was left
	f.From, f.To, f.Before = r.To, r.From, []Standing{env("staging", nil, "v2")}
	f.Holds = []Hold{{Hold: *written}}
	wantGate(t, f, GateHold, Closed, "held by ada since Wed 2026-06-03 12:00 UTC: rolled back from v2: drops orders")
}

func TestDecisionARollBackHoldsOnlyIfItIsToldTo(t *testing.T) {
	t.Parallel()
	r := RollBack{App: "web", Env: "prod", From: tag("v2"), To: tag("v1")}
	got, err := r.Change()
	if err != nil {
		t.Fatal(err)
	}
	want := Change{Moves: []Move{{web, Version{Tag: "v2"}, Version{Tag: "v1"}, Downgrade}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRollBackChange(t *testing.T) {
	t.Parallel()
	const migrate image.Repository = "ghcr.io/acme/web-migrate"
	for name, test := range map[string]struct {
		from, to Versions
		reason   string // "" for no hold
		version  string
	}{
		"nothing moves":          {tag("v1"), tag("v1"), "", ""},
		"to nothing":             {tag("v1"), nil, "", ""},
		"from nothing":           {nil, tag("v1"), "rolled back", "v1"},
		"without words":          {tag("v2"), tag("v1"), "rolled back from v2", "v1"},
		"one of several images":  {Versions{web: {Tag: "v2"}, migrate: {Tag: "v1"}}, Versions{web: {Tag: "v1"}, migrate: {Tag: "v1"}}, "rolled back from v2", "v1"},
		"all of them":            {Versions{web: {Tag: "v3"}, migrate: {Tag: "v2"}}, Versions{web: {Tag: "v1"}, migrate: {Tag: "v1"}}, "rolled back from v3 and v2", "v1"},
		"to versions of its own": {Versions{web: {Tag: "v3"}, migrate: {Tag: "v3"}}, Versions{web: {Tag: "v1"}, migrate: {Tag: "v2"}}, "rolled back from v3", "v1 and v2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := RollBack{App: "web", Env: "prod", From: test.from, To: test.to, Hold: true}.Change()
			if err != nil {
				t.Fatal(err)
			}
			if test.reason == "" {
				if diff := cmp.Diff(Change{}, got); diff != "" {
					t.Error(diff)
				}
				return
			}
			written, err := hold.Parse(got.HoldPath, got.HoldFile)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&hold.Hold{Reason: test.reason, Version: test.version}, written); diff != "" {
				t.Error(diff)
			}
		})
	}
	got, err := RollBack{App: "../web", Env: "prod", From: tag("v2"), To: tag("v1"), Hold: true}.Change()
	if fault.CodeOf(err) != fault.Refused {
		t.Errorf("an app that no file can hold: %+v, %v", got, err)
	}
}
