package config

import (
	"slices"
	"strings"
	"time"

	"github.com/towpath-dev/towpath/internal/freeze"
	"github.com/towpath-dev/towpath/internal/schema"
)

// Freeze is when nothing is opened or merged for some environments. It comes
// back by a cron and lasts For, or stands between two dates.
type Freeze struct {
	schema.Place
	Name         string   `key:"name,required" doc:"what people are told"`
	Environments []string `key:"environments,required,name,unique" alias:"env,envs,groups" doc:"environments or groups"`
	Cron         string   `key:"cron" one:"when" with:"for" alias:"schedule" doc:"when it begins, as five fields"`
	For          Duration `key:"for" with:"cron" alias:"duration,length" doc:"how long it lasts, on the wall clock"`
	From         Date     `key:"from" one:"when" with:"to" alias:"start,starts,begin,begins" doc:"when it begins: a date, or a local time"`
	To           Date     `key:"to" with:"from" alias:"until,till,end,ends" doc:"when it ends; a date is still frozen"`
	Timezone     string   `key:"timezone,required" alias:"tz,zone" doc:"whose wall clock decides, as in Europe/London"`

	// Window is when the freeze is in force. In a parsed Config, Environments
	// holds names of environments only.
	Window freeze.Window
}

// Date is a date, or a local time, as it is written.
type Date string

// Form says how a date is written.
func (Date) Form() schema.Form {
	return schema.Form{
		Noun:    "date or local time",
		Words:   "a date such as 2026-12-20, or a local time such as 2026-12-20T08:00",
		Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$`,
	}
}

// FreezesOf returns the freezes of an environment, in the order of the file.
func (c *Config) FreezesOf(env string) []*Freeze {
	var out []*Freeze
	for i := range c.Freezes {
		if slices.Contains(c.Freezes[i].Environments, env) {
			out = append(out, &c.Freezes[i])
		}
	}
	return out
}

// Calendar returns the freezes of an environment as one calendar.
func (c *Config) Calendar(env string) freeze.Calendar {
	var out freeze.Calendar
	for _, f := range c.FreezesOf(env) {
		out = append(out, freeze.Named{Name: f.Name, Window: f.Window})
	}
	return out
}

// freezes checks the freezes, and works out when each is.
func (k *check) freezes() {
	first := map[string]int{}
	for i := range k.Freezes {
		f := &k.Freezes[i]
		if j, again := first[f.Name]; again && f.Name != "" {
			k.again(steps("freezes", j, "name"), steps("freezes", i, "name"), "freeze %q is declared twice", f.Name)
		} else {
			first[f.Name] = i
		}
		for j, name := range f.Environments {
			k.known(name, steps("freezes", i, "environments", j))
		}
		var zone *time.Location
		if f.Timezone != "" {
			var err error
			if zone, err = freeze.LoadZone(f.Timezone); err != nil {
				k.adviseOn(steps("freezes", i, "timezone"), err)
			}
		}
		k.window(i, f, zone)
	}
}

// window works out when a freeze is. Without a zone, it is looked at as far as
// that goes.
func (k *check) window(i int, f *Freeze, zone *time.Location) {
	if zone == nil {
		zone = time.UTC
	}
	var err error
	switch {
	case f.Cron != "" && f.From != "":
	case f.Cron != "":
		length := f.For
		if length == 0 {
			length = Duration(time.Hour)
		}
		if f.Window, err = freeze.Recurring(f.Cron, time.Duration(length), zone); err != nil {
			k.adviseOn(steps("freezes", i, "cron"), err)
		}
	case f.From != "" && f.To != "":
		if f.Window, err = freeze.Between(string(f.From), string(f.To), zone); err == nil {
			return
		}
		// A date that is none is at fault for itself.
		at := "to"
		if _, e := freeze.Between(string(f.From), "9999-12-31", zone); e != nil {
			at, err = "from", e
		}
		k.adviseOn(steps("freezes", i, at), err)
	}
}

// adviseOn adds the fault that an error is. What it says behind its last
// colon is the hint, if that is what to do.
func (k *check) adviseOn(at []any, err error) {
	message, hint := err.Error(), ""
	if i := strings.LastIndex(message, ": "); i >= 0 {
		if advice := message[i+2:]; strings.HasPrefix(advice, "write ") || strings.HasPrefix(advice, "leave ") {
			message, hint = message[:i], advice
		}
	}
	k.fault(at, hint, "%s", message)
}
