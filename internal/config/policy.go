package config

import (
	"fmt"
	"strings"

	"github.com/towpath-dev/towpath/internal/schema"
)

// Policy says which newer version of an image is picked: a kind, and for most
// of them what it is asked, as in semver:^2. Empty means that none is written.
type Policy string

// policyKinds are the kinds, and how each is written.
var policyKinds = []struct{ name, example string }{
	{"semver", "semver:^2"},
	{"newest", "newest"},
	{"alphabetical", "alphabetical"},
	{"numerical", "numerical"},
	{"calver", "calver:YYYY.MM.DD"},
	{"regexp", "regexp:^v([0-9]+)$"},
	{"digest", "digest:latest"},
}

// Form says how a policy is written.
func (Policy) Form() schema.Form {
	return schema.Form{
		Noun:    "policy",
		Words:   "a policy such as semver:^2, semver:minor or newest",
		Pattern: `^(newest|alphabetical|numerical|(semver|calver|regexp|digest):[^ \n][^\n]*)$`,
	}
}

// UnmarshalText checks the kind of a policy.
func (p *Policy) UnmarshalText(text []byte) error {
	*p = Policy(text)
	kind, rest, asked := strings.Cut(string(text), ":")
	var names, examples []string
	for _, k := range policyKinds {
		_, _, asks := strings.Cut(k.example, ":")
		switch {
		case k.name != kind:
		case asks && strings.TrimSpace(rest) == "":
			return &schema.TextError{Message: fmt.Sprintf("policy %s does not say what it picks", kind), Hint: "write it as in " + k.example}
		case !asks && asked:
			return &schema.TextError{Message: fmt.Sprintf("policy %s takes nothing behind it", kind), Hint: "write " + k.example}
		default:
			return nil
		}
		names = append(names, k.name)
		examples = append(examples, k.example)
	}
	hint := "write one of " + strings.Join(examples, ", ")
	switch kind {
	case "patch", "minor", "major":
		hint = "write semver:" + kind
	default:
		if near := schema.Nearest(kind, names); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
	}
	return &schema.TextError{Message: fmt.Sprintf("%q is no policy", text), Hint: hint}
}
