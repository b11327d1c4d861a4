package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wantFaults parses a file that has a fault with each of these texts, and no
// other.
func wantFaults(t *testing.T, src string, want ...string) {
	t.Helper()
	_, err := Parse([]byte(src))
	faults := faultsIn(t, err)
	if len(faults) != len(want) {
		t.Fatalf("got %d faults, want %d:\n%s", len(faults), len(want), show(faults))
	}
	for i, f := range faults {
		if text := f.Message + "; " + f.Hint; !strings.Contains(text, want[i]) {
			t.Errorf("fault %d is %q, without %q", i, text, want[i])
		}
	}
}

func TestDecisionFileIsDecodedStrictly(t *testing.T) {
	t.Parallel()
	wantFaults(t, head+"promotions: {}\nplan: {render: on}\ndrift: {every: 1}\n",
		"unknown key promotions; did you mean promotion?", "render must be auto or off", "write its unit")
}

func TestDecisionAllFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	wantFaults(t, "version: 1\nenvironments: [{name: a, after: [b]}, {name: b, after: [a]}, {name: c, auto: never, after: [d]}]\napps: [{name: x, images: [\"x:1\"], files: [x]}]\nfreezes: [{name: f, environments: [e], cron: x, for: 1h, timezone: Nowhere}]\n",
		"wait for each other", "auto must be", "no environment or group is named d", "carries a tag", "without {env}",
		"named e", "parse cron", "unknown time zone")
}

func TestDecisionAnchorsAreAllowed(t *testing.T) {
	t.Parallel()
	c := parse(t, "version: 1\nx-gates: &g {soak: 1h, healthy: true}\nenvironments:\n  - {name: dev}\n  - {name: a, after: [dev], gates: *g}\n  - {name: b, after: [dev], gates: {<<: *g, soak: 2h}}\n")
	if diff := cmp.Diff(Gates{Soak: Duration(time.Hour), Healthy: true}, c.Environments[1].Gates); diff != "" {
		t.Errorf("alias (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(Gates{Soak: Duration(2 * time.Hour), Healthy: true}, c.Environments[2].Gates); diff != "" {
		t.Errorf("merge (-want +got)\n%s", diff)
	}
}

func TestDecisionLaterVersionSaysToUpgrade(t *testing.T) {
	t.Parallel()
	wantFaults(t, "stages: {}\nversion: 2\nenvironments: 5\n", "upgrade towpath")
	wantFaults(t, "stages: {}\nversion: \"2\"\nenvironments: 5\n", "upgrade towpath")
	wantFaults(t, "version: \"1\"\nenvironments: [{name: dev}]\n", "write it without quotes: 1")
}

func TestDecisionAfterMakesTheOrderNotTheList(t *testing.T) {
	t.Parallel()
	c := parse(t, "version: 1\nenvironments: [{name: live, after: [test]}, {name: test, after: [dev]}, {name: dev}]\n")
	var got []string
	for _, e := range c.Order() {
		got = append(got, e.Name)
	}
	if diff := cmp.Diff([]string{"dev", "test", "live"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDecisionSoakAndHealthyAreOfAfter(t *testing.T) {
	t.Parallel()
	const hint = "write after: [dev], or leave the gate out; without after, prod comes first, and a plain `towpath bump` changes it"
	envs := func(prod string) string { return "version: 1\nenvironments: [{name: dev}, {name: prod" + prod + "}]\n" }
	wantFaults(t, envs(", gates: {soak: 24h}"), "soak can never hold prod back: it has no after; "+hint)
	wantFaults(t, envs(", gates: {healthy: true}, after: []"), "healthy can never hold prod back: it has no after; "+hint)
	wantFaults(t, envs(", gates: {soak: 1h, healthy: true}"), "soak and healthy can never hold prod back")
	parse(t, envs(", gates: {checks: [smoke], approvals: {}, healthy: false}"))
	parse(t, envs(", gates: {soak: 24h}, after: [dev]"))
	// What is wrong with after, or was meant by it, is enough.
	wantFaults(t, envs(", gates: {soak: 24h}, afetr: [dev]"), "did you mean after?")
	wantFaults(t, envs(", gates: {soak: 24h}, previous: [dev]"), "unknown key previous")
	wantFaults(t, envs(", gates: {soak: 24h}, after: dev"), "after must be a list")
	wantFaults(t, envs(", gates: {soak: 24h}, after: "), "after has no value")
}

func TestDecisionAGroupMeansItsMembers(t *testing.T) {
	t.Parallel()
	c := parse(t, "version: 1\nenvironments: [{name: eu, group: live}, {name: us, group: live, after: [eu]}, {name: dr, after: [live]}]\n")
	if diff := cmp.Diff([]string{"eu", "us"}, c.Environment("dr").After); diff != "" {
		t.Errorf("after (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"eu", "us"}, c.Members("live")); diff != "" {
		t.Errorf("members (-want +got)\n%s", diff)
	}
	// Each member waits for what its own after says.
	if diff := cmp.Diff([]string{"eu"}, c.Environment("us").After); diff != "" {
		t.Errorf("after of a member (-want +got)\n%s", diff)
	}
}

func TestDecisionEnvironmentsAndGroupsShareTheirNames(t *testing.T) {
	t.Parallel()
	wantFaults(t, "version: 1\nenvironments: [{name: live}, {name: eu, group: live}]\n", "group live is named like an environment")
}

func TestDecisionFreezesAcceptEnvironmentsAndGroups(t *testing.T) {
	t.Parallel()
	c := parse(t, "version: 1\nenvironments: [{name: dev}, {name: eu, group: live}, {name: us, group: live}]\n"+
		"freezes: [{name: f, environments: [live, dev], from: 2026-12-20, to: 2026-12-21, timezone: UTC}]\n")
	if diff := cmp.Diff([]string{"eu", "us", "dev"}, c.Freezes[0].Environments); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDecisionTimezoneIsRequired(t *testing.T) {
	t.Parallel()
	wantFaults(t, head+"freezes: [{name: f, environments: [dev], cron: \"@daily\", for: 1h}]\n", "a freeze has no timezone")
}

func TestDecisionAFreezeHasACronOrDates(t *testing.T) {
	t.Parallel()
	wantFaults(t, head+"freezes: [{name: f, environments: [dev], timezone: UTC}]\n", "neither cron nor from")
	wantFaults(t, head+"freezes: [{name: f, environments: [dev], timezone: UTC, cron: \"@daily\", for: 1h, from: 2026-12-20, to: 2026-12-21}]\n",
		"both cron and from")
}

func TestDecisionWallClockOfTheFreezeDecides(t *testing.T) {
	t.Parallel()
	c := parse(t, head+"freezes: [{name: f, environments: [prod], from: 2026-07-01, to: 2026-07-01, timezone: Europe/London}]\n")
	for at, want := range map[string]bool{
		"2026-06-30T22:59:59Z": false, "2026-06-30T23:00:00Z": true, "2026-07-01T22:59:59Z": true, "2026-07-01T23:00:00Z": false,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Calendar("prod").State(now).Frozen; got != want {
			t.Errorf("frozen at %s: %t", at, got)
		}
		if c.Calendar("dev").State(now).Frozen {
			t.Errorf("dev is frozen at %s: a freeze is the target's", at)
		}
	}
}

func TestDecisionEnvironmentCommandsWinOverTheFile(t *testing.T) {
	t.Parallel()
	c := parse(t, "version: 1\nenvironments: [{name: dev}, {name: live, commands: {promote: [\"team:release\"], hold: []}}]\n"+
		"commands: {promote: [maintain], rollback: [triage]}\n")
	for _, test := range []struct {
		command Command
		env     string
		want    []Permission
	}{
		{CommandPromote, "live", []Permission{"team:release"}},
		{CommandPromote, "dev", []Permission{"maintain"}},
		{CommandPromote, "", []Permission{"maintain"}},
		{CommandRollback, "live", []Permission{"triage"}},
		{CommandHold, "live", []Permission{}}, // nobody
		{CommandHold, "dev", []Permission{"write"}},
		{CommandForce, "live", []Permission{"admin"}},
		{CommandPlan, "live", []Permission{"read"}},
		{CommandDrift, "", []Permission{"read"}},
		{CommandStatus, "nowhere", []Permission{"read"}},
		{CommandOkToPlan, "dev", []Permission{"write"}},
	} {
		if diff := cmp.Diff(test.want, c.Permissions(test.command, test.env)); diff != "" {
			t.Errorf("%s in %q (-want +got)\n%s", test.command, test.env, diff)
		}
	}
}

func TestDecisionAnyOtherBraceIsAFault(t *testing.T) {
	t.Parallel()
	app := func(file, image string) string {
		return head + "apps: [{name: x, images: [\"" + image + "\"], files: [\"" + file + "\"]}]\n"
	}
	parse(t, app("{env}/{app}", "acme/{app}"))
	wantFaults(t, app("{env}/{cluster}", "acme/x"), "{cluster} is no placeholder")
	wantFaults(t, app("{env}/{a,b}", "acme/x"), "one pattern for each")
	wantFaults(t, app("{env}/x", "acme/{name}"), "the only placeholder in an image is {app}")
}

func TestDecisionAnImageIsTheSameInEveryEnvironment(t *testing.T) {
	t.Parallel()
	wantFaults(t, head+"apps: [{name: x, images: [\"acme/{env}/x\"], files: [\"{env}/x\"]}]\n", "an image is the same in every environment")
}

func TestDecisionFilesBelongToOneEnvironment(t *testing.T) {
	t.Parallel()
	app := "apps: [{name: x, images: [acme/x], files: [x.yaml]}]\n"
	wantFaults(t, head+app, "without {env}, each file would belong to all environments")
	parse(t, "version: 1\nenvironments: [{name: dev}]\n"+app)
}

func TestDecisionOneFileClaimedByTwoAppsIsAFault(t *testing.T) {
	t.Parallel()
	wantFaults(t, head+"apps:\n  - {name: x, images: [acme/x], files: [\"{env}/{app}.yaml\"]}\n  - {name: y, images: [acme/y], files: [\"{env}/x.yaml\"]}\n",
		"apps x and y both claim dev/x.yaml")
}

func TestDecisionDiscoverFindsApps(t *testing.T) {
	t.Parallel()
	wantFaults(t, head+"apps: [{discover: \"tags/{env}\", images: [\"acme/{app}\"]}]\n", "without {app}")
	wantFaults(t, head+"apps: [{discover: \"apps/{app}\", images: [\"acme/{app}\"]}]\n", "without {env}")
	wantFaults(t, head+"apps: [{discover: \"tags/{env}/{app}\", name: x, files: [\"{env}/{app}\"], images: [\"acme/{app}\"]}]\n", "both name and discover")
	parse(t, head+"apps: [{discover: \"apps/{app}\", files: [\"apps/{app}/{env}\"], images: [\"acme/{app}\"]}]\n")
}

func TestDecisionKeysMayStandOnAnAppWithOneImage(t *testing.T) {
	t.Parallel()
	c := parse(t, head+"apps: [{name: x, images: [acme/x], keys: ['a.\"b.c\"[0]'], files: [\"{env}/x\"]}]\n")
	if keys := c.Apps[0].Images[0].Keys; len(keys) != 1 || keys[0].String() != `a."b.c"[0]` {
		t.Errorf("got keys %v", keys)
	}
	wantFaults(t, head+"apps: [{name: x, images: [acme/x, acme/y], keys: [tag], files: [\"{env}/x\"]}]\n", "do not say whose they are")
	wantFaults(t, head+"apps: [{name: x, images: [{image: acme/x, keys: [tag]}], keys: [tag], files: [\"{env}/x\"]}]\n", "both on the app and on its image")
}

func TestDecisionImagesOfAnAppMoveTogether(t *testing.T) {
	t.Parallel()
	c := parse(t, head+"apps: [{name: x, images: [acme/x, {image: acme/x-migrate}], files: [\"{env}/x\"]}]\n")
	if n := len(c.Apps[0].Images); n != 2 {
		t.Errorf("got %d images", n)
	}
	wantFaults(t, head+"apps: [{name: x, images: [nginx, docker.io/library/nginx], files: [\"{env}/x\"]}]\n", "stands in the app twice")
}

func TestDecisionARollBackHoldsAndSkipsWhatWouldDelayIt(t *testing.T) {
	t.Parallel()
	c := parse(t, head)
	if diff := cmp.Diff(Rollback{TargetPrevious, true, []Gate{GateSoak, GateHealthy, GateFreeze}}, c.Rollback); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDecisionLiveSystemsStandInTheBotsOwnFile(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"argocd", "clusters", "registries", "kubeconfig", "credentials", "secrets", "webhooks", "terraform", "token"} {
		wantFaults(t, head+key+": {}\n", "the bot's own file")
	}
}
