package main

import (
	"context"
	"net/mail"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/archive"
	"github.com/towpath-dev/towpath/internal/audit"
	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/ci"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers"
)

// publicationOptions are the flags of `towpath bump` that mean something on a
// forge.
type publicationOptions struct {
	base        string
	branch      string
	pullRequest string
	push        bool
	title       string
	body        string
	supersede   string
	draft       bool
	autoMerge   bool
	mergeMethod string
	labels      []string
	reviewers   []string
	assignees   []string
	author      string
	sourceRepo  string
	sourceSHA   string
	runNumber   int64
	runURL      string
	requestedBy string
	cacheDir    string

	given []string // the flags, of those above, that were given
}

func (o *publicationOptions) addPublication(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.base, "base", "", "the `BRANCH` to change, if not the default branch")
	f.StringVar(&o.branch, "branch", "", "the branch to push, a `TEMPLATE` over .Name, .App, .Env and .Base (default towpath/bump/NAME)")
	f.StringVar(&o.pullRequest, "pull-request", string(propose.PerApp), "one pull request `per-app`, per-env or per-run")
	f.BoolVar(&o.push, "push", false, "commit to the base branch, without a pull request")
	f.StringVar(&o.title, "title", propose.DefaultTitle, "the title of the pull request, a Go template as for --message")
	f.StringVar(&o.body, "body", "", "what the pull request says, a Go template as for --message (default a table of what moves)")
	f.StringVar(&o.supersede, "supersede", string(propose.Update), "`update` an open pull request for a newer version, or close it for a new one")
	f.BoolVar(&o.draft, "draft", false, "open the pull request as a draft")
	f.BoolVar(&o.autoMerge, "auto-merge", false, "have the forge merge it when all that is required has passed")
	f.StringVar(&o.mergeMethod, "merge-method", "", "how --auto-merge merges: `merge`, squash or rebase")
	f.StringSliceVar(&o.labels, "labels", nil, "labels of the pull request")
	f.StringSliceVar(&o.reviewers, "reviewers", nil, "who is asked to review: logins, and team:NAME")
	f.StringSliceVar(&o.assignees, "assignees", nil, "who it is assigned to")
	f.StringVar(&o.author, "author", "", "the author of commits, as `'NAME <MAIL>'` (default whoever the token stands for)")
	f.StringVar(&o.sourceRepo, "source-repo", "", "the `REPO` that the image is built from, such as github.com/acme/web (default the pipeline's)")
	f.StringVar(&o.sourceSHA, "source-sha", "", "the commit that it is built from (default the pipeline's)")
	f.Int64Var(&o.runNumber, "run", 0, "a `NUMBER` that grows with each run of the pipeline (default the pipeline's)")
	f.StringVar(&o.runURL, "run-url", "", "where the run can be looked at (default the pipeline's)")
	f.StringVar(&o.requestedBy, "requested-by", "", "who asked for it (default whoever started the pipeline)")
	f.StringVar(&o.cacheDir, "cache-dir", "", "keep archives of the repo in this `DIR`, for runs that look through all of it")
}

// forgeFlags are the flags that mean nothing on a checkout.
var forgeFlags = []string{
	"base", "branch", "pull-request", "push", "title", "body", "supersede", "draft", "auto-merge", "merge-method",
	"labels", "reviewers", "assignees", "author", "forge", "api-url", "ca-file",
}

// note remembers which flags of a forge were given on the command line. Those
// that come from the environment may be there for other runs.
func (o *publicationOptions) note(cmd *cobra.Command) {
	for _, name := range forgeFlags {
		if cmd.Flags().Changed(name) {
			o.given = append(o.given, name)
		}
	}
}

// onlyOnForge refuses flags that mean nothing on a checkout.
func (o *publicationOptions) onlyOnForge() error {
	if len(o.given) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "name a repository on a forge, as in --repo github.com/acme/config; on a checkout there is --commit",
		"--%s means nothing on a checkout", o.given[0])
}

// build says what built the image: as the flags say, else as the pipeline does.
func (o *publicationOptions) build(c console) propose.Build {
	found := ci.Detect(c.env)
	b := propose.Build{Repo: found.Repo, SHA: found.SHA, Run: found.Run, URL: found.RunURL}
	if o.sourceRepo != "" {
		if name, err := providers.ParseRepo(o.sourceRepo); err == nil {
			o.sourceRepo = name.String()
		}
		if o.sourceRepo != b.Repo {
			b = propose.Build{Repo: o.sourceRepo, URL: b.URL}
		}
	}
	if o.sourceSHA != "" {
		b.SHA = strings.ToLower(o.sourceSHA)
	}
	if o.runNumber != 0 {
		b.Run = o.runNumber
	}
	if o.runURL != "" {
		b.URL = o.runURL
	}
	return b
}

// publication reads the flags.
func (o *bumpOptions) publication(c console, message propose.Template) (propose.Publication, error) {
	p := propose.Publication{
		Base: o.base, Split: propose.Split(o.pullRequest), Push: o.push, DryRun: o.dryRun,
		Environments: o.env, Message: message, Supersede: propose.Supersede(o.supersede),
		Draft: o.draft, AutoMerge: o.autoMerge, Method: providers.MergeMethod(o.mergeMethod),
		Labels: o.labels, Assignees: o.assignees, Build: o.build(c), RequestedBy: o.requestedBy,
		Sleep: c.sleep, Jitter: c.jitter,
	}
	if p.RequestedBy == "" {
		p.RequestedBy = ci.Detect(c.env).Actor
	}
	for _, place := range [][]string{o.paths, o.set, o.add} {
		p.Places = append(p.Places, place...)
	}
	for _, name := range o.reviewers {
		if team, ok := strings.CutPrefix(name, "team:"); ok {
			p.Teams = append(p.Teams, team)
		} else {
			p.Reviewers = append(p.Reviewers, strings.TrimPrefix(name, "@"))
		}
	}
	for flag, check := range map[string]struct {
		value string
		known []string
	}{
		"pull-request": {o.pullRequest, []string{"per-app", "per-env", "per-run"}},
		"supersede":    {o.supersede, []string{"update", "close"}},
		"merge-method": {o.mergeMethod, []string{"", "merge", "squash", "rebase"}},
	} {
		if !slices.Contains(check.known, check.value) {
			return p, fault.New(fault.Usage, "it is one of "+strings.Join(check.known, ", "), "--%s %q is unknown", flag, check.value)
		}
	}
	if p.Draft && p.AutoMerge {
		return p, fault.New(fault.Usage, "leave one of them out", "--draft and --auto-merge exclude each other: a draft is not merged")
	}
	var err error
	if p.Title, err = parseTemplate("--title", o.title); err != nil {
		return p, err
	}
	if o.body != "" {
		if p.Body, err = parseTemplate("--body", o.body); err != nil {
			return p, err
		}
	}
	if o.branch != "" {
		if p.Branch, err = propose.ParseBranch(o.branch); err != nil {
			return p, err
		}
	}
	if o.author != "" {
		address, err := mail.ParseAddress(o.author)
		if err != nil || address.Name == "" {
			return p, fault.New(fault.Usage, "as in --author 'Ada <ada@acme.io>'", "--author %q is no name with an address", o.author)
		}
		p.Author = &providers.Identity{Name: address.Name, Email: address.Address}
	}
	return p, nil
}

// parseTemplate reads the template of a flag.
func parseTemplate(flag, text string) (propose.Template, error) {
	t, err := propose.ParseTemplate(text)
	if err != nil {
		return t, &fault.Error{
			Code: fault.Usage, Message: flag + " is no usable template", Err: err,
			Hint: "it can use .Moves (each with .Image, .From, .To), .Files, .Apps and .Envs, as in " + flag + " '{{range .Moves}}Deploy {{.Image}} {{.To}}{{end}}'",
		}
	}
	return t, nil
}

// trail is what a commit on a checkout says of its origin: what was asked for
// it to say, and no guesses.
func (o *publicationOptions) trail() audit.Trail {
	p := propose.Publication{Build: propose.Build{Repo: o.sourceRepo, SHA: o.sourceSHA, Run: o.runNumber, URL: o.runURL}, RequestedBy: o.requestedBy}
	return p.Trail()
}

// runOnForge makes the bump through the API of a forge.
func (o *bumpOptions) runOnForge(ctx context.Context, c console, request bump.Request, message propose.Template) (*bumpResult, error) {
	if o.commit {
		return nil, fault.New(fault.Usage, "leave it out: a pull request is opened; --push commits to the base branch", "--commit is for a checkout, and --repo is on a forge")
	}
	p, err := o.publication(c, message)
	if err != nil {
		return nil, err
	}
	host, err := newForge(o.forgeOptions, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := host.withTimeout(ctx)
	defer cancel()
	defer progress(c, "at work on "+o.repo+" …")()
	repo, err := host.open(ctx, o.repo)
	if err != nil {
		return nil, host.explain(ctx, err)
	}
	p.Source = host.open
	tree := propose.Tree{NoConfig: o.noConfig, Known: o.known(), Key: o.repo}
	if o.cacheDir != "" {
		tree.Cache = &archive.Cache{Dir: o.cacheDir, Now: c.now}
	}
	done, err := propose.Bump(ctx, repo, tree, o.intent(request), p)
	err = host.explain(ctx, err)
	if done == nil {
		return nil, err
	}
	result := &bumpResult{Draft: done.Draft, partial: len(o.paths) > 0, forge: done}
	result.gather()
	return result, err
}

// known returns the files that may change if the flags name them all. Some of
// them may turn out to be folders.
func (o *bumpOptions) known() []string {
	if len(o.patterns) == 0 {
		return nil
	}
	var out []string
	for _, p := range o.patterns {
		if !p.isLiteral() {
			return nil
		}
		out = append(out, p.glob)
	}
	return out
}

// gather shows, in place of the plan on the base, what the pull requests come
// to.
func (r *bumpResult) gather() {
	if len(r.forge.Outcomes) == 0 {
		return
	}
	draft := *r.Draft
	draft.Plan = &bump.Plan{}
	for _, o := range r.forge.Outcomes {
		draft.Plan.Files = append(draft.Plan.Files, o.Files...)
	}
	r.Draft = &draft
}
