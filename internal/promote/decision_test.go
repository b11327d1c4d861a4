package promote

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/freeze"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/image"
)

// Each TestDecision… is one decision of DESIGN §5, and has its name.

const web image.Repository = "ghcr.io/acme/web"

// noon is the time of every judgement, a Wednesday.
var noon = time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)

func tag(t string) Versions { return Versions{web: {Tag: t}} }

// history reads states from the oldest to the newest, an hour apart, the newest
// merged two hours before noon. A "<" before a tag is a roll-back to it.
func history(tags ...string) History {
	h := make(History, len(tags))
	for i, t := range tags {
		name, isRollBack := strings.CutPrefix(t, "<")
		h[len(tags)-1-i] = Entry{
			Versions: tag(name), IsRollBack: isRollBack,
			Merged: noon.Add(-time.Duration(len(tags)-i+1) * time.Hour), Commit: "c" + name,
		}
	}
	return h
}

func env(name string, after []string, tags ...string) Standing {
	return Standing{Env: name, After: after, History: history(tags...)}
}

// facts ask for v2 in prod, where v1 stands, and staging holds v2. Every gate is
// open.
func facts() Facts {
	return Facts{
		Now: noon, Env: "prod", From: tag("v1"), To: tag("v2"), By: "ada", May: Yes,
		Before: []Standing{env("staging", nil, "v1", "v2")},
	}
}

// finding judges the facts and returns what was found of one gate.
func finding(t *testing.T, f Facts, g Gate) Finding {
	t.Helper()
	for _, found := range Judge(f).Findings {
		if found.Gate == g {
			return found
		}
	}
	t.Fatalf("%s was not judged", g)
	return Finding{}
}

func wantGate(t *testing.T, f Facts, g Gate, want State, reason string) {
	t.Helper()
	if got := finding(t, f, g); got.State != want || !strings.Contains(got.Reason, reason) {
		t.Errorf("%s is %s (%s), want %s (%s)", g, got.State, got.Reason, want, reason)
	}
}

func wantOutcome(t *testing.T, f Facts, want Outcome) {
	t.Helper()
	if v := Judge(f); v.Outcome != want {
		t.Errorf("outcome %d, want %d: %+v", v.Outcome, want, v.Findings)
	}
}

// source gives the origin as "staging v2", or the message of the refusal.
func source(target, from string, standings ...Standing) string {
	o, err := Source(target, from, standings)
	if err != nil {
		return err.Error()
	}
	return o.Env + " " + o.Entry.Versions.String()
}

func TestDecisionWithSeveralAfterAllMustHoldTheVersion(t *testing.T) {
	t.Parallel()
	both := []string{"eu", "us"}
	prod := env("prod", both)
	for name, test := range map[string]struct {
		from   string
		eu, us []string
		want   string
	}{
		"all hold it":                  {"", []string{"v1", "v2"}, []string{"v2"}, "eu v2"},
		"a newer one later is fine":    {"eu", []string{"v1", "v2"}, []string{"v1", "v2", "v3"}, "eu v2"},
		"two newer ones":               {"eu", []string{"v2"}, []string{"v2", "v3", "v4"}, "eu v2"},
		"one lacks it":                 {"eu", []string{"v1", "v2"}, []string{"v1"}, "us has not held v2"},
		"rolled back is not":           {"eu", []string{"v1", "v2"}, []string{"v1", "v2", "<v1"}, "us was rolled back from v2"},
		"rolled back past it":          {"eu", []string{"v2"}, []string{"v1", "v2", "v3", "<v1"}, "us was rolled back from v2"},
		"rolled back to it is holding": {"eu", []string{"v2"}, []string{"v2", "v3", "<v2"}, "eu v2"},
		"rolled back, then again":      {"eu", []string{"v2"}, []string{"v1", "v2", "<v1", "v2"}, "eu v2"},
		"not deployed":                 {"", []string{"v1"}, nil, "the app is not deployed in us"},
		"the one named not deployed":   {"us", []string{"v1"}, nil, "the app is not deployed in us"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := source("prod", test.from, prod, env("eu", nil, test.eu...), env("us", nil, test.us...)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDecisionWhereTheyDifferFromIsAskedFor(t *testing.T) {
	t.Parallel()
	standings := []Standing{env("prod", []string{"eu", "us"}), env("eu", nil, "v1", "v2"), env("us", nil, "v1", "v2", "v3")}
	_, err := Source("prod", "", standings)
	want := fault.New(fault.Refused, "say which with --from eu or us", "prod comes after eu and us, and they differ: eu holds v2, us holds v3")
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
	if got, want := source("prod", "us", standings...), "eu has not held v3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecisionAGroupMeansItsMembersEachByItsOwnAfter(t *testing.T) {
	t.Parallel()
	standings := []Standing{
		env("staging", nil, "v1", "v2"),
		env("prod-eu", []string{"staging"}, "v1"), env("prod-us", []string{"prod-eu"}, "v0"), env("prod-asia", []string{"lab"}),
	}
	var got []string
	for _, o := range Sources([]string{"prod-eu", "prod-us", "prod-asia"}, "", standings) {
		if o.Err != nil {
			got = append(got, o.Target+": "+o.Err.Error())
		} else {
			got = append(got, o.Target+": "+o.Env+" "+o.Entry.Versions.String())
		}
	}
	want := []string{"prod-eu: staging v2", "prod-us: prod-eu v1", "prod-asia: the app is not deployed in lab"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecisionSkippingAnEnvironmentIsRefused(t *testing.T) {
	t.Parallel()
	standings := []Standing{env("dev", nil, "v3"), env("staging", []string{"dev"}, "v2"), env("prod", []string{"staging"}, "v1")}
	for name, test := range map[string]struct{ target, from, want string }{
		"skipped":        {"prod", "dev", "prod comes after staging, not after dev, and no environment is skipped"},
		"itself":         {"prod", "prod", "prod comes after staging, not after prod, and no environment is skipped"},
		"named":          {"prod", "staging", "staging v2"},
		"first":          {"dev", "", "no environment comes before dev, so nothing can be promoted to it"},
		"not an one":     {"live", "", `there is no environment "live"`},
		"step by step":   {"staging", "", "dev v3"},
		"from elsewhere": {"staging", "prod", "staging comes after dev, not after prod, and no environment is skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := source(test.target, test.from, standings...); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	f := facts()
	f.Before = []Standing{env("staging", nil, "v1")} // v2 is in dev only
	wantGate(t, f, GateAfter, Closed, "staging has not held v2")
	wantOutcome(t, f, Refused)
}

func TestDecisionGoingBackwardIsRefused(t *testing.T) {
	t.Parallel()
	f := facts()
	f.From, f.To = tag("v3"), tag("v2")
	wantGate(t, f, GateDowngrade, Closed, "ghcr.io/acme/web would go back from v3 to v2")
	wantOutcome(t, f, Refused)
	f.Rules.AllowDowngrade = true
	wantGate(t, f, GateDowngrade, Open, "which is allowed")
	wantOutcome(t, f, Ready)

	f = facts()
	f.From, f.To = tag("abc1234"), tag("def5678")
	f.Before = []Standing{env("staging", nil, "def5678")}
	wantGate(t, f, GateDowngrade, Unknown, "not known")
	wantOutcome(t, f, Refused)
	f.Ancestry = map[image.Repository]Direction{web: Downgrade}
	wantGate(t, f, GateDowngrade, Closed, "would go back")
	f.Ancestry = map[image.Repository]Direction{web: Upgrade}
	wantGate(t, f, GateDowngrade, Open, "nothing goes backward")
	f.Ancestry = nil
	f.Before = []Standing{env("staging", nil, "abc1234", "def5678")}
	wantGate(t, f, GateDowngrade, Open, "nothing goes backward")
	f.Before = []Standing{env("staging", nil, "def5678", "abc1234", "<def5678")}
	wantGate(t, f, GateDowngrade, Closed, "would go back")
}

func TestDecisionGatesAreJudgedInThisOrderAndAllShown(t *testing.T) {
	t.Parallel()
	f := facts()
	f.May = No // the first is shut, and the others are judged all the same
	var got []Gate
	for _, found := range Judge(f).Findings {
		got = append(got, found.Gate)
		if found.Reason == "" {
			t.Errorf("%s has no reason", found.Gate)
		}
	}
	want := []Gate{"permission", "hold", "downgrade", "freeze", "after", "healthy", "soak", "checks", "approvals"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantOutcome(t, f, Refused)
	wantOutcome(t, facts(), Ready)
}

func TestPermissionThatIsNotKnownRefuses(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Needs = []string{"team:release", "admin"}
	wantGate(t, f, GatePermission, Open, "ada may do this")
	f.May = No
	wantGate(t, f, GatePermission, Closed, "ada may not do this: it takes team:release or admin")
	f.May = NoAnswer
	wantGate(t, f, GatePermission, Unknown, "not known")
	wantOutcome(t, f, Refused)
}

func TestDecisionFreezesAreTheTargetsAndDenyWins(t *testing.T) {
	t.Parallel()
	zone, err := freeze.LoadZone("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	weekends, err := freeze.Recurring("0 17 * * FRI", 63*time.Hour, zone)
	if err != nil {
		t.Fatal(err)
	}
	always, err := freeze.Recurring("@daily", 24*time.Hour, zone)
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	f.Freezes = freeze.Calendar{{Name: "weekends", Window: weekends}}
	wantGate(t, f, GateFreeze, Open, "no freeze before Fri 2026-06-05 17:00 BST")
	f.Now = time.Date(2026, 6, 6, 12, 0, 0, 0, time.UTC)
	wantGate(t, f, GateFreeze, Closed, "frozen by weekends until Mon 2026-06-08 08:00 BST")
	wantOutcome(t, f, Pending)
	opens := time.Date(2026, 6, 8, 7, 0, 0, 0, time.UTC)
	if v := Judge(f); !v.Opens.Equal(opens) || !finding(t, f, GateFreeze).Opens.Equal(opens) {
		t.Errorf("opens %s, want %s", v.Opens, opens)
	}
	f.Freezes = append(f.Freezes, freeze.Named{Name: "stop", Window: always})
	wantGate(t, f, GateFreeze, Closed, "frozen by weekends and stop, with no known end")
	if v := Judge(f); !v.Opens.IsZero() {
		t.Errorf("opens %s", v.Opens)
	}
}

func TestAGateThatOpensIntoAFreezeWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	window, err := freeze.Between("2026-06-04", "2026-06-05", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	f.Rules.Soak = 24 * time.Hour // until Thursday at 10:00
	f.Freezes = freeze.Calendar{{Name: "audit", Window: window}}
	wantGate(t, f, GateFreeze, Open, "no freeze before Thu 2026-06-04 00:00 UTC")
	if got, want := Judge(f).Opens, time.Date(2026, 6, 6, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("opens %s, want %s", got, want)
	}
}

func TestDecisionChecksAreOnTheSourcesMergeCommit(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Rules.Checks = []string{"smoke", "load"}
	wantGate(t, f, GateChecks, Unknown, "smoke and load not found on cv2, the merge commit for staging")
	for _, test := range []struct {
		smoke Check
		want  State
		text  string
	}{
		{CheckMissing, Unknown, "smoke not found"},
		{CheckRunning, Closed, "smoke not finished"},
		{CheckFailed, Closed, "smoke failed"},
		{CheckPassed, Open, "smoke and load passed on cv2"},
	} {
		f.Before[0].History[0].Checks = map[string]Check{"smoke": test.smoke, "load": CheckPassed}
		// Those of another version are not asked.
		f.Before[0].History[1].Checks = map[string]Check{"smoke": CheckPassed, "load": CheckFailed}
		wantGate(t, f, GateChecks, test.want, test.text)
	}
}

func TestDecisionNotAuthorExcludesWhoAskedAndTheAuthors(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Rules.Approvals = ApprovalRule{Count: 1, Teams: []string{"release"}, Users: []string{"zoe"}, NotAuthor: true}
	f.SourceAuthors, f.CommitAuthors = []string{"bob"}, []string{"Cleo"}
	release := []string{"Release"}
	for name, test := range map[string]struct {
		approval Approval
		want     State
		text     string
	}{
		"who asked":              {Approval{"Ada", release}, Closed, "0 of 1 (Ada asked for it), by team:release or user:zoe"},
		"who wrote the source":   {Approval{"bob", release}, Closed, "bob wrote the source pull request"},
		"who wrote a commit":     {Approval{"cleo", release}, Closed, "cleo wrote a commit in it"},
		"a stranger":             {Approval{"dan", []string{"web"}}, Closed, "dan is not among those who are asked"},
		"nobody":                 {Approval{"", release}, Closed, "nobody is named"},
		"one of the team":        {Approval{"eve", release}, Open, "1 of 1: eve"},
		"a user who is named":    {Approval{"Zoe", nil}, Open, "1 of 1: Zoe"},
		"the bot, as any author": {Approval{"towpath[bot]", nil}, Closed, "is not among"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := f
			g.Approvals = []Approval{test.approval}
			wantGate(t, g, GateApprovals, test.want, test.text)
		})
	}
}

func TestApprovalsAreOfSeveralPeople(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Rules.Approvals = ApprovalRule{Count: 2}
	f.Approvals = []Approval{{By: "ada"}, {By: "Ada"}}
	wantGate(t, f, GateApprovals, Closed, "1 of 2: ada")
	f.Approvals = append(f.Approvals, Approval{By: "bob"})
	wantGate(t, f, GateApprovals, Open, "2 of 2: ada and bob")
}

func TestDecisionNotAuthorExcludesWhoForcedAndAuthorsNotKnown(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Step = Merging
	f.Rules.Approvals = ApprovalRule{Count: 1, NotAuthor: true}
	f.Force = &Force{By: "bob", May: Yes, Reason: "CVE-2026-1"}
	f.Approvals = []Approval{{By: "Bob"}}
	wantGate(t, f, GateApprovals, Closed, "0 of 1 (Bob forced it)")
	wantOutcome(t, f, Pending)

	f.Approvals = append(f.Approvals, Approval{By: "eve"})
	wantGate(t, f, GateApprovals, Open, "1 of 1: eve (Bob forced it)")
	wantOutcome(t, f, Ready)

	f.UnknownAuthors = []string{"eve@home.example", "root"}
	wantGate(t, f, GateApprovals, Unknown, "1 of 1: eve (Bob forced it), but who eve@home.example and root is on the forge is not known")
	wantOutcome(t, f, Pending)
	f.Approvals = nil
	wantGate(t, f, GateApprovals, Closed, "0 of 1")

	// Without the rule, authors may approve, whoever they are.
	f.Rules.Approvals.NotAuthor = false
	f.Approvals = []Approval{{By: "bob"}}
	wantGate(t, f, GateApprovals, Open, "1 of 1: bob")
	wantOutcome(t, f, Ready)
}

func TestDecisionAHoldIsInForceWhenMergedOrInAnOpenPullRequest(t *testing.T) {
	t.Parallel()
	leaks := hold.Hold{By: "bob", Reason: "v2 leaks", Since: noon.Add(-time.Hour)}
	for name, test := range map[string]struct {
		holds []Hold
		want  string
	}{
		"merged":              {[]Hold{{Hold: leaks}}, "held by bob since Wed 2026-06-03 11:00 UTC: v2 leaks"},
		"in an open one":      {[]Hold{{leaks, "#7"}}, "held by bob since Wed 2026-06-03 11:00 UTC in the open pull request #7: v2 leaks"},
		"both":                {[]Hold{{Hold: hold.Hold{By: "cleo", Reason: "INC-311"}}, {leaks, "#7"}}, "held by cleo: INC-311; held by bob since"},
		"by nobody knows who": {[]Hold{{Hold: hold.Hold{Reason: "loses orders"}}}, "held: loses orders"},
		"only since":          {[]Hold{{Hold: hold.Hold{Since: noon}}}, "held since Wed 2026-06-03 12:00 UTC"},
		"that says nothing":   {[]Hold{{}}, "held"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts()
			f.Holds = test.holds
			wantGate(t, f, GateHold, Closed, test.want)
			wantOutcome(t, f, Refused)
			wantSteps(t, f, false, false)
			f.Force = &Force{By: "ada", May: Yes, Reason: "now"}
			wantOutcome(t, f, Refused)
			f.IsRollBack = true
			wantGate(t, f, GateHold, Open, test.want)
			wantGate(t, f, GateHold, Open, "; that does not stop a roll-back")
		})
	}
	f := facts()
	f.Holds = []Hold{{Hold: hold.Hold{Reason: "loses orders"}}}
	if got, want := finding(t, f, GateHold).Reason, "held: loses orders"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
