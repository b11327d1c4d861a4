package config

import (
	"github.com/towpath-dev/towpath/internal/pattern"
	"github.com/towpath-dev/towpath/internal/schema"
)

// Promotion says how versions are promoted.
type Promotion struct {
	PullRequest PullRequest `key:"pullRequest" default:"per-app" doc:"what one pull request holds: an app, or all apps of an environment"`
	Supersede   Supersede   `key:"supersede" default:"update" doc:"what becomes of an open promotion when a newer version comes"`
	Downgrade   Downgrade   `key:"downgrade" default:"refuse" doc:"whether a promotion may go back to an older version; a roll-back always may"`
}

// Rollback says how versions are rolled back.
type Rollback struct {
	To   Target `key:"to" default:"previous" doc:"which version a roll-back goes to: the environment's previous one"`
	Hold bool   `key:"hold" default:"true" doc:"whether a roll-back holds the app there until it is released"`
	Skip []Gate `key:"skip,unique" default:"[soak, healthy, freeze]" doc:"the gates that a roll-back need not pass"`
}

// Plan says what pull requests are told of their effect.
type Plan struct {
	Render Render    `key:"render" default:"auto" doc:"whether manifests are rendered"`
	Ignore []Pattern `key:"ignore,unique" doc:"globs of files that no plan looks at"`
}

// Drift says how what runs is compared with the repository.
type Drift struct {
	Every Duration `key:"every" default:"1h" doc:"how often it is compared"`
}

// PullRequest says what one pull request holds.
type PullRequest string

// The values of pullRequest.
const (
	PerApp         PullRequest = "per-app"
	PerEnvironment PullRequest = "per-environment"
)

// Form lists the values.
func (PullRequest) Form() schema.Form {
	return schema.Form{Enum: []string{string(PerApp), string(PerEnvironment)}}
}

// Supersede says what becomes of an open promotion when a newer version comes.
type Supersede string

// The values of supersede.
const (
	SupersedeUpdate Supersede = "update" // it gets the newer version
	SupersedeClose  Supersede = "close"  // it is closed for a new one
	SupersedeKeep   Supersede = "keep"   // it stays, beside a new one
)

// Form lists the values.
func (Supersede) Form() schema.Form {
	return schema.Form{Enum: []string{string(SupersedeUpdate), string(SupersedeClose), string(SupersedeKeep)}}
}

// Downgrade says whether a promotion may go back to an older version.
type Downgrade string

// The values of downgrade.
const (
	DowngradeRefuse Downgrade = "refuse"
	DowngradeAllow  Downgrade = "allow"
)

// Form lists the values.
func (Downgrade) Form() schema.Form {
	return schema.Form{Enum: []string{string(DowngradeRefuse), string(DowngradeAllow)}}
}

// Target is the version that a roll-back goes to.
type Target string

// TargetPrevious is the value that the environment had before.
const TargetPrevious Target = "previous"

// Form lists the values.
func (Target) Form() schema.Form { return schema.Form{Enum: []string{string(TargetPrevious)}} }

// Gate is one of the gates that a roll-back can skip.
type Gate string

// The gates.
const (
	GateSoak      Gate = "soak"
	GateHealthy   Gate = "healthy"
	GateFreeze    Gate = "freeze"
	GateChecks    Gate = "checks"
	GateApprovals Gate = "approvals"
)

// Form lists the gates.
func (Gate) Form() schema.Form {
	return schema.Form{Enum: []string{
		string(GateSoak), string(GateHealthy), string(GateFreeze), string(GateChecks), string(GateApprovals),
	}}
}

// Render says whether manifests are rendered.
type Render string

// The values of render.
const (
	RenderAuto Render = "auto" // where it is known how
	RenderOff  Render = "off"
)

// Form lists the values.
func (Render) Form() schema.Form {
	return schema.Form{Enum: []string{string(RenderAuto), string(RenderOff)}}
}

// plan checks the globs of files that no plan looks at.
func (k *check) plan() {
	for i, p := range k.Plan.Ignore {
		if p.Pattern != nil && (p.Has(pattern.App) || p.Has(pattern.Env)) {
			k.fault(steps("plan", "ignore", i), "write * in place of a name", "what a plan ignores has no placeholders")
		}
	}
}
