package promote

import (
	"slices"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/freeze"
)

func wantSteps(t *testing.T, f Facts, mayOpen, mayMerge bool) {
	t.Helper()
	for step, want := range map[Step]bool{Opening: mayOpen, Merging: mayMerge} {
		f.Step = step
		v := Judge(f)
		if got := v.MayOpen() || v.MayMerge(); got != want {
			t.Errorf("step %d is allowed: %t, want %t: %+v", step, got, want, v.Findings)
		}
		if v.MayOpen() && step != Opening || v.MayMerge() && step != Merging {
			t.Errorf("a verdict on step %d allows the other one", step)
		}
	}
}

// friday is the evening on which a weekend's freeze begins.
var friday = time.Date(2026, 6, 5, 17, 0, 0, 0, time.UTC)

func weekend(t *testing.T) freeze.Calendar {
	t.Helper()
	window, err := freeze.Recurring("0 17 * * FRI", 63*time.Hour, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return freeze.Calendar{{Name: "weekends", Window: window}}
}

func TestDecisionGatesAreJudgedAgainJustBeforeMerging(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Now = friday.Add(-time.Hour)
	f.Freezes = weekend(t)
	f.Rules = Rules{Healthy: true, Soak: time.Hour, Checks: []string{"smoke"}, Approvals: ApprovalRule{Count: 1}}
	f.Before[0].History[0].Health = []Observation{{noon, Healthy}}
	f.Before[0].History[0].Checks = map[string]Check{"smoke": CheckPassed}
	opening := Judge(f)
	if !opening.MayOpen() || opening.MayMerge() {
		t.Fatalf("may open %t, may merge %t: %+v", opening.MayOpen(), opening.MayMerge(), opening.Findings)
	}

	f.Step = Merging
	f.Now = f.Now.Add(30 * time.Minute)
	if Judge(f).MayMerge() {
		t.Error("it may be merged without approval")
	}
	f.Approvals = []Approval{{By: "eve"}}
	if v := Judge(f); !v.MayMerge() || v.MayOpen() {
		t.Fatalf("may merge %t, may open %t: %+v", v.MayMerge(), v.MayOpen(), v.Findings)
	}

	// What was open for opening has closed again.
	rolledBack := history("v1", "v2", "<v1")
	for name, test := range map[string]struct {
		change func(*Facts)
		gate   Gate
		want   Outcome
	}{
		"only time went by":         {func(f *Facts) { f.Now = friday }, GateFreeze, Pending},
		"the right was taken away":  {func(f *Facts) { f.May = No }, GatePermission, Refused},
		"the right cannot be asked": {func(f *Facts) { f.May = NoAnswer }, GatePermission, Refused},
		"a hold was merged":         {func(f *Facts) { f.Holds = []Hold{{}} }, GateHold, Refused},
		"the target went ahead":     {func(f *Facts) { f.From = tag("v3") }, GateDowngrade, Refused},
		"the source was rolled back": {
			func(f *Facts) { f.Before = []Standing{{Env: "staging", History: rolledBack}} }, GateAfter, Refused,
		},
		"the source is no longer healthy": {
			func(f *Facts) { see(f, Observation{f.Now, Unhealthy}) }, GateHealthy, Pending,
		},
		"its health is lost from sight": {
			func(f *Facts) { see(f, Observation{f.Now, HealthUnknown}) }, GateHealthy, Pending,
		},
		"the soak started anew": {
			func(f *Facts) { see(f, Observation{f.Now.Add(-2), Unhealthy}, Observation{f.Now.Add(-1), Healthy}) }, GateSoak, Pending,
		},
		"a check ran again": {
			func(f *Facts) {
				f.Before = []Standing{env("staging", nil, "v1", "v2")}
				f.Before[0].History[0].Checks = map[string]Check{"smoke": CheckRunning}
			}, GateChecks, Pending,
		},
		"the approval was withdrawn": {func(f *Facts) { f.Approvals = nil }, GateApprovals, Pending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := f
			test.change(&g)
			if found := finding(t, g, test.gate); found.State.Passes() {
				t.Errorf("%s is %s (%s)", test.gate, found.State, found.Reason)
			}
			if v := Judge(g); v.MayMerge() || v.Outcome != test.want {
				t.Errorf("may merge %t, outcome %d, want %d", v.MayMerge(), v.Outcome, test.want)
			}
		})
	}

	there := f
	there.From = f.To
	wantOutcome(t, there, Nothing)
	wantSteps(t, there, false, false)
}

// see adds to what was seen of the present state of the first environment
// before, without touching what other facts share.
func see(f *Facts, seen ...Observation) {
	f.Before = slices.Clone(f.Before)
	h := slices.Clone(f.Before[0].History)
	h[0].Health = slices.Concat(h[0].Health, seen)
	f.Before[0].History = h
}

func TestDecisionFreezesStopOpeningAndMerging(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Freezes = weekend(t)
	f.Now = friday.Add(-time.Minute)
	wantSteps(t, f, true, true)
	f.Now = friday
	wantSteps(t, f, false, false)
	f.Now = friday.Add(63 * time.Hour)
	wantSteps(t, f, true, true)
}

// TestApprovalsStopMergingOnly is because they are given to the pull request
// that would have to wait for them.
func TestApprovalsStopMergingOnly(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Rules.Approvals = ApprovalRule{Count: 1}
	wantSteps(t, f, true, false)
	wantGate(t, f, GateApprovals, Closed, "0 of 1")
	f.Approvals = []Approval{{By: "eve"}}
	wantSteps(t, f, true, true)

	f.Approvals, f.Freezes, f.Now = nil, weekend(t), friday
	f.Step = Opening
	if got, want := Judge(f).Opens, friday.Add(63*time.Hour); !got.Equal(want) {
		t.Errorf("may be opened at %s, want %s", got, want)
	}
	f.Step = Merging
	if got := Judge(f).Opens; !got.IsZero() {
		t.Errorf("may be merged at %s, and nobody knows when somebody approves", got)
	}
}

func TestOtherGatesStopBothSteps(t *testing.T) {
	t.Parallel()
	for gate, change := range map[Gate]func(*Facts){
		GatePermission: func(f *Facts) { f.May = No },
		GateHold:       func(f *Facts) { f.Holds = []Hold{{}} },
		GateDowngrade:  func(f *Facts) { f.From = tag("v3") },
		GateAfter:      func(f *Facts) { f.Before = []Standing{env("staging", nil, "v1")} },
		GateHealthy:    func(f *Facts) { f.Rules.Healthy = true },
		GateSoak:       func(f *Facts) { f.Rules.Soak = 24 * time.Hour },
		GateChecks:     func(f *Facts) { f.Rules.Checks = []string{"smoke"} },
	} {
		t.Run(string(gate), func(t *testing.T) {
			t.Parallel()
			f := facts()
			wantSteps(t, f, true, true)
			change(&f)
			wantSteps(t, f, false, false)
		})
	}
}
