package propose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/fault"
)

// Split says what goes into one pull request.
type Split string

// The ways to split.
const (
	PerApp Split = "per-app" // without a configuration, as PerRun
	PerEnv Split = "per-env"
	PerRun Split = "per-run"
)

// group is what goes into one pull request.
type group struct {
	name   string // of what is bumped, in the branch
	app    string // "" if it is not that of one app
	env    string // "" if it is not that of one environment
	branch string
	has    func(path string) bool
}

// groups splits a draft. Which groups there are depends on where versions stand,
// not on whether they change, so that a second run finds what the first one
// opened.
func (p *Publication) groups(d *Draft, base string) ([]group, error) {
	split := p.Split
	if split == "" {
		split = PerApp
	}
	if d.Scope == nil {
		split = PerRun
	}
	key := func(path string) string {
		switch c := d.Claim(path); split {
		case PerApp:
			return c.App
		case PerEnv:
			return c.Env
		default:
			return ""
		}
	}
	var keys []string
	for _, f := range d.Plan.Files {
		if len(f.Changes)+len(f.Current)+len(f.Refused) > 0 && !slices.Contains(keys, key(f.Path)) {
			keys = append(keys, key(f.Path))
		}
	}
	slices.Sort(keys)
	var out []group
	for _, k := range keys {
		g := group{name: k, has: func(path string) bool { return key(path) == k }}
		switch {
		case k == "":
			g.name = imagesName(d.Request.Moves)
		case split == PerApp:
			g.app = k
		case split == PerEnv:
			g.env = k
		}
		branch, err := p.branch(&g, base)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(out, func(other group) bool { return other.branch == branch }); i >= 0 {
			return nil, fault.New(fault.Usage, "let --branch use {{.Name}}, or pass --pull-request per-run",
				"%s and %s would share the branch %s", out[i].name, g.name, branch)
		}
		g.branch = branch
		out = append(out, g)
	}
	return out, nil
}

// branch names the branch of a group: a function of what is bumped, not of the
// versions, so that a newer version finds the pull request of an older one.
func (p *Publication) branch(g *group, base string) (string, error) {
	if p.Branch.Template != nil {
		var b strings.Builder
		err := p.Branch.Template.Execute(&b, BranchFacts{Name: g.name, App: g.app, Env: g.env, Base: base})
		if name := b.String(); err == nil && !isBranchName(name) {
			err = fmt.Errorf("%q cannot be the name of a branch", name)
		}
		if err != nil {
			return "", branchFault(err)
		}
		return b.String(), nil
	}
	kind := "bump"
	if envs := p.Environments; len(envs) > 0 {
		words := slices.Clone(envs)
		slices.Sort(words)
		for i, w := range words {
			if w == All {
				words[i] = "all"
			}
		}
		kind += "-" + strings.Join(slices.Compact(words), ".")
	}
	return "towpath/" + refWord(kind) + "/" + refWord(g.name) + p.variant(base), nil
}

// BranchFacts are what the template of a branch's name can speak of.
type BranchFacts struct {
	Name string // of the app, the environment or the images that are bumped
	App  string // "" if it is not for one app
	Env  string // "" if it is not for one environment
	Base string // the branch to change
}

// ParseBranch reads the template of a branch's name, over [BranchFacts].
func ParseBranch(text string) (Template, error) {
	t, err := template.New("branch").Option("missingkey=error").Parse(text)
	if err == nil {
		err = t.Execute(io.Discard, BranchFacts{Name: "web", App: "web", Env: "dev", Base: "main"})
	}
	if err != nil {
		return Template{}, branchFault(err)
	}
	return Template{t}, nil
}

func branchFault(err error) error {
	return &fault.Error{Code: fault.Usage, Message: "--branch", Err: err, Hint: "as in --branch 'bump/{{.Name}}'; it can use .Name, .App, .Env and .Base"}
}

// variant tells apart runs that bump the same thing in different places or
// branches: "" for the usual one.
func (p *Publication) variant(base string) string {
	var words []string
	if base != "" {
		words = append(words, "base="+base)
	}
	words = append(words, p.Places...)
	if len(words) == 0 {
		return ""
	}
	slices.Sort(words)
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	return "-" + hex.EncodeToString(sum[:4])
}

// imagesName names images by the last segments of their names.
func imagesName(ms []bump.Move) string {
	var names []string
	for _, m := range ms {
		names = insert(names, m.Image.Base())
	}
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ".")
	}
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return fmt.Sprintf("%s.and-%d-more-%s", strings.Join(names[:most-1], "."), len(names)-most+1, hex.EncodeToString(sum[:4]))
}

// refWord makes a text fit to stand between slashes in the name of a branch.
// https://git-scm.com/docs/git-check-ref-format
func refWord(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+", r) {
			return r
		}
		return '-'
	}, text)
	for strings.Contains(text, "..") {
		text = strings.ReplaceAll(text, "..", ".")
	}
	text = strings.Trim(text, ".")
	if strings.HasSuffix(text, ".lock") {
		text = strings.TrimSuffix(text, ".lock") + "-lock"
	}
	if text == "" {
		return "images"
	}
	return text
}

// isBranchName reports whether git and the forges take a name for a branch.
func isBranchName(name string) bool {
	if name == "" || name == "@" || strings.HasPrefix(name, "-") || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.ContainsAny(name, " ~^:?*[\\\x7f") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' })
}
