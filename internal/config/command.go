package config

import (
	"fmt"
	"regexp"

	"github.com/towpath-dev/towpath/internal/schema"
)

// Command is something that people ask of towpath in a pull request.
type Command string

// The commands.
const (
	CommandPromote  Command = "promote"
	CommandRollback Command = "rollback"
	CommandHold     Command = "hold"
	CommandRelease  Command = "release"
	CommandCancel   Command = "cancel"
	CommandRetry    Command = "retry"
	CommandForce    Command = "force"
	CommandPlan     Command = "plan"
	CommandDrift    Command = "drift"
	CommandStatus   Command = "status"
	CommandOkToPlan Command = "okToPlan"
)

// Form lists the commands.
func (Command) Form() schema.Form {
	return schema.Form{Noun: "command", Enum: []string{
		string(CommandPromote), string(CommandRollback), string(CommandHold), string(CommandRelease),
		string(CommandCancel), string(CommandRetry), string(CommandForce),
		string(CommandPlan), string(CommandDrift), string(CommandStatus), string(CommandOkToPlan),
	}}
}

// Commands says who may give a command: whoever one of its permissions names.
// A command that is not in it is left to what stands above it; one with an
// empty list is for nobody.
type Commands map[Command][]Permission

// Permission is what somebody needs for a command: at least one of the
// forge's levels read, triage, write, maintain and admin, to be in team:NAME,
// or to be user:NAME.
type Permission string

const permissionPattern = `^(read|triage|write|maintain|admin|(team|user):[^ ]+)$`

// Form says how a permission is written.
func (Permission) Form() schema.Form {
	return schema.Form{
		Noun:    "permission",
		Words:   "a permission: read, triage, write, maintain, admin, team:NAME or user:NAME",
		Pattern: permissionPattern,
	}
}

var permissions = regexp.MustCompile(permissionPattern)

// UnmarshalText reads a permission.
func (p *Permission) UnmarshalText(text []byte) error {
	*p = Permission(text)
	if permissions.Match(text) {
		return nil
	}
	hint := "write read, triage, write, maintain, admin, team:NAME or user:NAME"
	if near := schema.Nearest(string(text), []string{"read", "triage", "write", "maintain", "admin"}); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return &schema.TextError{Message: fmt.Sprintf("%q is not a permission", text), Hint: hint}
}

// Permissions returns who may give a command for an environment: what the
// environment says, else what the file says, else the default. An env that is
// empty, or not known, says nothing.
func (c *Config) Permissions(command Command, env string) []Permission {
	if e := c.Environment(env); e != nil {
		if own, ok := e.Commands[command]; ok {
			return own
		}
	}
	if all, ok := c.Commands[command]; ok {
		return all
	}
	switch command {
	case CommandForce:
		return []Permission{"admin"}
	case CommandPlan, CommandDrift, CommandStatus:
		return []Permission{"read"}
	}
	return []Permission{"write"}
}
