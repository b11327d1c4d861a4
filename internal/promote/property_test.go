package promote

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/internal/freeze"
)

// randomHistory is of promotions and roll-backs, some of them hours apart.
func randomHistory(r *rand.Rand) History {
	var tags []string
	for range r.IntN(6) {
		t := "v" + strconv.Itoa(1+r.IntN(4))
		if r.IntN(3) == 0 {
			t = "<" + t
		}
		tags = append(tags, t)
	}
	h := history(tags...)
	for i := range h {
		for range r.IntN(3) {
			h[i].Health = append(h[i].Health, Observation{h[i].Merged.Add(time.Duration(r.IntN(120)) * time.Minute), Health(r.IntN(3))})
		}
		h[i].Checks = map[string]Check{"smoke": Check(r.IntN(4))}
	}
	return h
}

func randomFacts(t *testing.T, r *rand.Rand) Facts {
	f := Facts{
		Step: Step(r.IntN(2)), Now: noon.Add(time.Duration(r.IntN(240)) * time.Minute), Env: "prod", IsRollBack: r.IntN(4) == 0,
		From: tag("v" + strconv.Itoa(1+r.IntN(4))), To: tag("v" + strconv.Itoa(1+r.IntN(4))),
		By: "ada", May: Answer(min(1, r.IntN(6))),
		Rules: Rules{Healthy: r.IntN(3) == 0, Soak: time.Duration(r.IntN(3)) * time.Hour, AllowDowngrade: r.IntN(4) == 0},
	}
	for _, name := range []string{"eu", "us"} {
		if r.IntN(3) > 0 {
			f.Before = append(f.Before, Standing{Env: name, History: randomHistory(r)})
		}
	}
	if r.IntN(3) == 0 {
		f.Rules.Checks = []string{"smoke"}
	}
	if r.IntN(6) == 0 {
		f.Holds = []Hold{{PullRequest: []string{"", "#7"}[r.IntN(2)]}}
	}
	if r.IntN(4) == 0 {
		f.Force = &Force{By: "ada", May: Answer(r.IntN(3)), Reason: []string{"", "now"}[r.IntN(2)]}
	}
	if r.IntN(6) == 0 {
		f.Rules.Approvals.Count = 1
	}
	if r.IntN(2) == 0 {
		f.Approvals = []Approval{{By: "eve"}}
	}
	for _, g := range waiting {
		if r.IntN(2) == 0 {
			f.Rules.Skip = append(f.Rules.Skip, g)
		}
	}
	if r.IntN(2) == 0 {
		w, err := freeze.Recurring("0 */3 * * *", time.Duration(1+r.IntN(4))*time.Hour, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		f.Freezes = freeze.Calendar{{Name: "f", Window: w}}
	}
	return f
}

// TestNeverPastAClosedGate judges random facts: what is ready breaks no rule,
// what is pending is ready when it says, and nothing depends on more than the
// facts.
func TestNeverPastAClosedGate(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 9))
	outcomes := map[Outcome]int{}
	opened := 0
	for range 4_000 {
		f := randomFacts(t, r)
		v := Judge(f)
		outcomes[v.Outcome]++
		if isReady := v.Outcome == Ready; v.MayOpen() != (isReady && f.Step == Opening) || v.MayMerge() != (isReady && f.Step == Merging) {
			t.Errorf("may open %t, may merge %t: %+v", v.MayOpen(), v.MayMerge(), f)
		}
		isForced := f.Force != nil
		switch v.Outcome {
		case Ready:
			older, newer := f.From[web].Tag, f.To[web].Tag
			switch {
			case f.May != Yes, isForced && (f.Force.May != Yes || f.Force.Reason == ""):
				t.Errorf("nobody may: %+v", f)
			case !f.IsRollBack && len(f.Holds) > 0:
				t.Errorf("past a hold: %+v", f)
			case !f.IsRollBack && !f.Rules.AllowDowngrade && newer < older:
				t.Errorf("backward: %+v", f)
			case !f.IsRollBack && slices.ContainsFunc(f.Before, func(s Standing) bool { return s.lacks(f.To) != "" }):
				t.Errorf("an environment is skipped: %+v", f)
			case f.Freezes.State(f.Now).Frozen && !isForced && (!f.IsRollBack || !slices.Contains(f.Rules.Skip, GateFreeze)):
				t.Errorf("frozen: %+v", f)
			case f.Step == Merging && f.Rules.Approvals.Count > len(f.Approvals) && (!f.IsRollBack || !slices.Contains(f.Rules.Skip, GateApprovals)):
				t.Errorf("nobody approved: %+v", f)
			}
		case Pending:
			if v.Opens.IsZero() {
				continue
			}
			opened++
			if !v.Opens.After(f.Now) {
				t.Errorf("opens at %s, and it is %s", v.Opens, f.Now)
			}
			later := f
			later.Now = v.Opens
			if got := Judge(later); got.Outcome != Ready {
				t.Errorf("opens at %s, and does not: %+v", v.Opens, got.Findings)
			}
			later.Now = v.Opens.Add(-time.Minute)
			if got := Judge(later); got.Outcome == Ready {
				t.Errorf("opens at %s, and is open before: %+v", v.Opens, got.Findings)
			}
		}
		if t.Failed() {
			return
		}
	}
	for _, o := range []Outcome{Refused, Pending, Ready, Nothing} {
		if outcomes[o] == 0 {
			t.Errorf("no facts led to outcome %d", o)
		}
	}
	if opened == 0 {
		t.Error("nothing pending said when it opens")
	}
}

// TestPreviousWasThere wants a roll-back to return to a state of the past that
// is not the present one, and to come to an end when repeated.
func TestPreviousWasThere(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		h := randomHistory(r)
		for range len(h) + 1 {
			previous, ok := h.Previous()
			if !ok {
				break
			}
			if previous.Versions.isSame(h.Present()) || last(h, previous.Versions.isSame) < 0 {
				t.Fatalf("%s is not a state of the past: %v", previous.Versions, h)
			}
			h = slices.Concat(History{{Versions: previous.Versions, IsRollBack: true}}, h)
		}
		if previous, ok := h.Previous(); ok {
			t.Fatalf("there is still %s to return to: %v", previous.Versions, h)
		}
	}
}
