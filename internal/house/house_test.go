// Package house owns the rules that keep the packages of this module apart:
// floors, keepers, names, package comments and top-level directories. It has
// no code, only this test; what a package does inside is not its business.
package house

import (
	"path/filepath"
	"testing"
)

// floors gives every package of the module its floor. A package imports only
// packages of the module on a strictly lower floor, so there is no arrow inside
// a floor and no cycle. Tests are exempt.
var floors = map[string]int{
	// 0, ground: bytes and values, knows nothing of the module.
	"internal/audit":   0,
	"internal/edit":    0,
	"internal/fault":   0,
	"internal/freeze":  0,
	"internal/image":   0,
	"internal/ci":      0,
	"internal/pattern": 0,
	"internal/redact":  0,

	// 1, contracts: one document format or one outside interface each.
	"internal/diff":          1,
	"internal/edit/hcledit":  1,
	"internal/edit/jsonedit": 1,
	"internal/edit/yamledit": 1,
	"internal/archive":       1,
	"internal/schema":        1,
	"internal/transport":     1,
	"providers":              1,

	// 2, documents: configuration and the objects of the GitOps tools.
	"internal/config": 2,
	"internal/hold":   2,

	// 3, engines: pure; effects only through interfaces declared beside them.
	"internal/bump":    3,
	"internal/layout":  3,
	"internal/promote": 3,

	// 4, flows, adapters and forges: one outside thing each.
	"internal/propose":    4,
	"internal/status":     4,
	"providers/bitbucket": 4,
	"providers/gitea":     4,
	"providers/github":    4,
	"providers/gitlab":    4,
	"providers/local":     4,
	"providers/memory":    4,

	// 5, the step and the bot.

	// Tests only: the suite that drivers pass, and the servers that they pass it on.
	"providers/bitbucket/bitbuckettest": 5,
	"providers/gitea/giteatest":         5,
	"providers/gitlab/gitlabtest":       5,
	"providers/providertest":            5,

	// 6, programs: flags, environment, wiring.
	"cmd/towpath":      6,
	"internal/compare": 6,
}

// keepers names, for a heavy module, the one package that may import it. A
// module is named without its major version: all of them are meant.
var keepers = map[string]string{
	"code.gitea.io/sdk/gitea":         "providers/gitea",
	"github.com/google/go-github":     "providers/github",
	"github.com/hashicorp/hcl":        "internal/edit/hcledit",
	"github.com/ktrysmt/go-bitbucket": "providers/bitbucket",
	"github.com/robfig/cron":          "internal/freeze",
	"github.com/spf13/cobra":          "cmd/towpath",
	"github.com/spf13/pflag":          "cmd/towpath",
	"github.com/xanzy/go-gitlab":      "providers/gitlab",
	"go.yaml.in/yaml":                 "internal/edit/yamledit",
}

// nouns that say nothing about what a package owns.
var forbidden = []string{
	"base", "common", "core", "helpers", "manager", "models", "service",
	"shared", "types", "util", "utils",
}

// rooms are the directories that may stand at the top, beside those whose name
// starts with a dot. bin is what make build makes; git ignores it.
var rooms = []string{
	"action", "bin", "bot", "cmd", "examples", "internal", "providers", "templates",
}

func TestHouse(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	m, err := readModule(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.packages) == 0 || m.path == "" {
		t.Fatalf("read the module at %s: found %d packages and the path %q", root, len(m.packages), m.path)
	}
	checks := map[string][]string{
		"rows":    checkRows(m, floors),
		"floors":  checkFloors(m, floors),
		"keepers": checkKeepers(m, keepers),
		"docs":    checkDocs(m),
		"names":   checkNames(m, forbidden),
		"effects": checkEffects(m),
		"rooms":   checkRooms(m, rooms),
	}
	for name, problems := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}
