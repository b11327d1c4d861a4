package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/towpath-dev/towpath/internal/bump"
	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/hold"
	"github.com/towpath-dev/towpath/internal/image"
	"github.com/towpath-dev/towpath/internal/propose"
	"github.com/towpath-dev/towpath/providers/local"
)

// bumpOptions are the flags of `towpath bump`.
type bumpOptions struct {
	repo           string
	paths          []string
	env            []string
	app            []string
	noConfig       bool
	set            []string
	add            []string
	commit         bool
	message        string
	dryRun         bool
	allowDowngrade bool
	allowMissing   bool
	output         string
	publicationOptions
	forgeOptions

	patterns patterns // of paths
	tag      string   // for all images of the apps, "" if every image was named
}

func newBump(c console) *cobra.Command {
	var o bumpOptions
	cmd := &cobra.Command{
		Use:   "bump IMAGE:TAG[@DIGEST]... | :TAG --app APP",
		Short: "Write an image's new version into the files of a config repo",
		Long: `Write an image's new version into the files of a config repo.

Every place that holds a version of the image is found by the structure of the
files: Kubernetes manifests, kustomizations, Helm values, Argo CD and Flux
objects, Compose, CI pipelines, Skaffold, Helmfile, Spinnaker, Terraform, and
lines with a marker comment (# towpath: IMAGE[:tag|:digest|:name]).

Where the repo has a .towpath.yaml, an image changes in the files of the apps
that name it, and without --env only in the environments that come first, those
without "after". :TAG alone stands for all images of the apps named by --app.

Only the bytes of the version change. What cannot be changed safely is refused
with its place, and the rest is still done. A version never goes back unless
--allow-downgrade is given. Every flag can be given as an environment variable
too: TOWPATH_DRY_RUN=true is --dry-run.

Exit status: 0 done or nothing to do, 1 failed or refused, 3 usage.`,
		Example: `  towpath bump ghcr.io/acme/web:1.4.2
  towpath bump ghcr.io/acme/web:1.4.2 --env staging --env prod --commit
  towpath bump :1.4.2 --app web
  towpath bump ghcr.io/acme/web:1.4.2 --path 'apps/*/overlays/dev/**'
  towpath bump ghcr.io/acme/web:1.4.2 --set charts/web/values-dev.yaml:image.tag --dry-run`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.note(cmd)
			err := fromEnvironment(cmd, c.env)
			if err == nil {
				err = checkOutput(o.output)
			}
			var result *bumpResult
			if err == nil {
				result, err = o.run(cmd.Context(), c, args)
			}
			return o.show(c, result, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.repo, "repo", ".", "the config `REPO`: the folder of a checkout, or a repository on a forge such as github.com/acme/config")
	f.StringArrayVar(&o.env, "env", nil, "bump in the environment `ENV` or the group of that name, or in all with '*' (repeatable)")
	f.StringArrayVar(&o.app, "app", nil, "bump only in the files of the app `APP` (repeatable)")
	f.BoolVar(&o.noConfig, "no-config", false, "do as if there were no .towpath.yaml: bump wherever the image stands")
	f.StringArrayVar(&o.paths, "path", nil, "change only files that match this `GLOB`, or lie in a folder that does (repeatable)")
	f.StringArrayVar(&o.set, "set", nil, "also write the version at `FILE:KEYS`, such as values.yaml:image.tag (repeatable)")
	f.StringArrayVar(&o.add, "add", nil, "give the kustomization `FILE` an entry for the image if it has none (repeatable)")
	f.BoolVar(&o.commit, "commit", false, "commit the change through git")
	f.StringVar(&o.message, "message", propose.DefaultMessage, "the commit's message, a Go template; trailers are added to it")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, show the difference")
	f.BoolVar(&o.allowDowngrade, "allow-downgrade", false, "let a version go back to an older one")
	f.BoolVar(&o.allowMissing, "allow-missing", false, "an image that stands nowhere is no error")
	o.addPublication(cmd)
	o.addForge(cmd)
	addOutput(cmd, &o.output)
	return cmd
}

// bumpResult is what a run came to, for [bumpOptions.show].
type bumpResult struct {
	*propose.Draft
	partial bool            // --path keeps to some of the files
	commit  string          // on a checkout
	forge   *propose.Result // nil on a checkout
}

// run makes the bump. The result is nil if the run ended before there was
// a plan.
func (o *bumpOptions) run(ctx context.Context, c console, args []string) (*bumpResult, error) {
	request, err := o.request(args)
	if err != nil {
		return nil, err
	}
	message, err := parseTemplate("--message", o.message)
	if err != nil {
		return nil, err
	}
	if isForge(o.repo) {
		return o.runOnForge(ctx, c, request, message)
	}
	if err := o.onlyOnForge(); err != nil {
		return nil, err
	}
	checkout, err := openRepo(ctx, o.repo)
	if err != nil {
		return nil, err
	}
	if o.commit && !checkout.IsGit() {
		return nil, fault.New(fault.Usage, "run `git init` there, or leave out --commit", "cannot commit in %s: it is no git repository", checkout.Dir())
	}
	defer progress(c, fmt.Sprintf("at work in %s, or waiting for another run there …", checkout.Dir()))()
	if !o.dryRun {
		// Two runs at once go one after the other, so that neither writes over what
		// the other one wrote.
		unlock, err := checkout.Lock(ctx)
		if err != nil {
			return nil, interrupted(ctx, err)
		}
		defer unlock()
	}

	// Somebody else may write to a file between reading and replacing it. Then
	// the whole plan is made anew from what stands there now.
	const tries = 3
	for try := 1; ; try++ {
		b := attempt{options: o, checkout: checkout, message: message}
		result, err := b.run(ctx, request)
		if !b.written {
			err = interrupted(ctx, err)
		}
		if try == tries || b.written || !errors.Is(err, local.ErrChanged) {
			return result, err
		}
	}
}

// interrupted replaces an error that comes from a signal. It is for errors of
// steps that have changed nothing, or have taken it back.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fault.New(fault.Failed, "", "interrupted; nothing was written")
}

// attempt is one plan, and carrying it out.
type attempt struct {
	options  *bumpOptions
	checkout *local.Checkout
	message  propose.Template
	written  bool // the files hold, or may hold, what was planned
}

func (a *attempt) run(ctx context.Context, request bump.Request) (*bumpResult, error) {
	o := a.options
	tree := &files{Checkout: a.checkout}
	intent := o.intent(request)
	draft, err := a.narrow(ctx, tree, intent)
	if err != nil {
		return nil, err
	}
	if err := draft.Scan(ctx, tree); err != nil {
		return nil, err
	}
	draft.Looked = int(tree.read.Load())
	result := &bumpResult{Draft: draft, partial: len(o.paths) > 0}
	if err := draft.Check(intent); err != nil {
		return result, err
	}
	if !draft.Plan.Changed() {
		return result, nil
	}
	if o.commit {
		if err := a.checkout.CheckCommittable(ctx, result.changed()); err != nil {
			return result, err
		}
	}
	if o.dryRun {
		return result, nil
	}
	return result, a.write(ctx, result)
}

// intent is what the flags ask of a repository.
func (o *bumpOptions) intent(request bump.Request) propose.Intent {
	return propose.Intent{
		Request:   request,
		Selection: propose.Selection{Environments: o.env, Apps: o.app, Tag: o.tag},
		Accept: func(d *propose.Draft) error {
			if d.Scope == nil {
				if err := o.withoutConfig(); err != nil {
					return err
				}
			}
			if err := o.patterns.unmatched(d.Files, d.LeftAlone); err != nil {
				return err
			}
			return o.missing(d)
		},
	}
}

// narrow makes the request keep to what the configuration says, if there is one.
func (a *attempt) narrow(ctx context.Context, tree *files, intent propose.Intent) (*propose.Draft, error) {
	o := a.options
	var cfg *config.Config
	if !o.noConfig {
		var err error
		if cfg, err = readConfig(ctx, a.checkout); err != nil {
			return nil, err
		}
	}
	if cfg == nil {
		tree.sparse = map[string]bool{} // without environments, what is there is what is meant
		if err := o.withoutConfig(); err != nil {
			return nil, err
		}
		return propose.Narrow(intent, nil, nil, nil)
	}
	listing, err := listFiles(ctx, tree)
	if err != nil {
		return nil, err
	}
	return propose.Narrow(intent, cfg, listing, func(path string) ([]byte, error) { return tree.Read(path, nil) })
}

// withoutConfig refuses what only a configuration gives a meaning.
func (o *bumpOptions) withoutConfig() error {
	flag := ""
	switch {
	case o.tag != "":
		flag = "a tag without an image"
	case len(o.env) > 0:
		flag = "--env"
	case len(o.app) > 0:
		flag = "--app"
	default:
		return nil
	}
	if o.noConfig {
		return fault.New(fault.Usage, "leave out --no-config", "%s means nothing without %s", flag, config.Path)
	}
	return fault.New(fault.Usage, "run `towpath init` to have one written; to keep to some files, use --path", "%s means nothing here: there is no %s", flag, config.Path)
}

// listFiles returns the files of a tree, sorted.
func listFiles(ctx context.Context, tree bump.Tree) ([]string, error) {
	var out []string
	err := tree.Files(ctx, func(path string) bool {
		out = append(out, path)
		return true
	})
	slices.Sort(out)
	return out, err
}

// changed returns the paths of the files that change.
func (r *bumpResult) changed() []string {
	var paths []string
	for _, f := range r.Plan.Files {
		if f.After != nil {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// write changes the files, and commits them if that is asked for.
func (a *attempt) write(ctx context.Context, r *bumpResult) (err error) {
	var writes, back []local.Write
	for _, f := range r.Plan.Files {
		if f.After != nil {
			writes = append(writes, local.Write{Path: f.Path, Before: f.Before, After: f.After})
			back = append(back, local.Write{Path: f.Path, Before: f.After, After: f.Before})
		}
	}
	o := a.options
	if !o.commit {
		return a.checkout.Replace(ctx, writes)
	}
	text, err := propose.NewFacts(r.Plan.Files, r.Claim).Message(a.message, o.trail())
	if err != nil {
		return &fault.Error{Code: fault.Usage, Message: "--message is no usable template", Err: err}
	}
	if err := a.checkout.Replace(ctx, writes); err != nil {
		return err
	}
	a.written = true
	if r.commit, err = a.checkout.Commit(ctx, r.changed(), text); err == nil {
		return nil
	}
	// A commit is wanted whole; without it the files go back to what they were.
	if e := a.checkout.Replace(context.WithoutCancel(ctx), back); e != nil {
		return errors.Join(err, &fault.Error{
			Code: fault.Failed, Message: "the edits stay in the work tree", Err: e,
			Hint: "look at `git status`; `git checkout -- PATH` takes a file back",
		})
	}
	a.written = false
	return err
}

// missing returns an error for each image that stands nowhere.
func (o *bumpOptions) missing(r *propose.Draft) error {
	// A place that was named and is not there says more than that the image
	// stands nowhere else.
	if o.allowMissing || len(o.set)+len(o.add) > 0 && len(refused(r)) > 0 {
		return nil
	}
	var faults []error
	for _, m := range r.Request.Moves {
		if !r.Plan.Found(m.Image) && (r.Scope == nil || r.Scope.IsExpected(m.Image, r.Plan)) {
			faults = append(faults, notFound(m, r))
		}
	}
	return errors.Join(faults...)
}

// request reads the arguments and the flags that say what to bump.
func (o *bumpOptions) request(args []string) (bump.Request, error) {
	r := bump.Request{AllowDowngrade: o.allowDowngrade}
	if len(args) == 0 {
		return r, fault.New(fault.Usage, "as in `towpath bump ghcr.io/acme/web:1.4.2`", "name at least one image with its new tag")
	}
	var faults []error
	seen := map[image.Repository]bool{}
	for _, arg := range args {
		if strings.HasPrefix(arg, ":") {
			faults = append(faults, o.parseTag(arg))
			continue
		}
		ref, err := image.Parse(arg)
		switch {
		case err != nil:
			faults = append(faults, &fault.Error{
				Code: fault.Usage, Message: fmt.Sprintf("cannot read the image %q", arg), Err: err,
				Hint: "write it as registry/name:tag, with @sha256:… behind it to pin the digest",
			})
		case ref.Tag == "" && ref.Digest == "":
			faults = append(faults, fault.New(fault.Usage, fmt.Sprintf("add it: %s:TAG", arg), "image %q has no tag to bump to", arg))
		case seen[ref.Repository()]:
			faults = append(faults, fault.New(fault.Usage, "name each image once", "image %s is given twice", ref.Repository().Familiar()))
		default:
			seen[ref.Repository()] = true
			r.Moves = append(r.Moves, bump.Move{Image: ref.Repository(), Tag: ref.Tag, Digest: ref.Digest})
		}
	}
	for _, s := range o.set {
		target, err := parseTarget(s)
		if err == nil && len(args) > 1 {
			err = fault.New(fault.Usage, "run towpath once for each image", "--set needs a single image, and %d are given", len(args))
		}
		if err != nil {
			faults = append(faults, err)
		}
		r.Set = append(r.Set, target)
	}
	for _, file := range o.add {
		file = filepath.ToSlash(file)
		if err := editable("--add", file); err != nil {
			faults = append(faults, err)
		}
		r.Add = append(r.Add, path.Clean(file))
	}
	if len(o.paths) > 0 {
		var err error
		if o.patterns, err = parsePatterns(o.paths); err != nil {
			faults = append(faults, err)
		}
		r.Match = o.patterns.match
	}
	return r, errors.Join(faults...)
}

// parseTag reads :TAG, which stands for all images of the apps that are named.
func (o *bumpOptions) parseTag(arg string) error {
	ref, err := image.Parse("image" + arg)
	switch {
	case err != nil || ref.Tag == "" || ref.Digest != "":
		return fault.New(fault.Usage, "write :1.4.2 for all images of the apps, or name each image with its tag", "cannot read the tag %q", arg)
	case len(o.app) == 0:
		return fault.New(fault.Usage, "say which app, as in `towpath bump "+arg+" --app web`", "%s names no image", arg)
	case o.tag != "":
		return fault.New(fault.Usage, "run towpath once for each", "two tags are given without an image: :%s and %s", o.tag, arg)
	}
	o.tag = ref.Tag
	return nil
}

// parseTarget reads FILE:KEYS.
func parseTarget(s string) (bump.Target, error) {
	file, keys, ok := strings.Cut(s, ":")
	if !ok || file == "" {
		return bump.Target{}, fault.New(fault.Usage, "as in --set apps/web/values.yaml:image.tag", "--set %q is not FILE:KEYS", s)
	}
	file = filepath.ToSlash(file)
	if err := editable("--set", file); err != nil {
		return bump.Target{}, err
	}
	parsed, err := edit.ParsePath(keys)
	if err != nil {
		return bump.Target{}, &fault.Error{
			Code: fault.Usage, Message: fmt.Sprintf("--set %q", s), Err: err,
			Hint: `keys look like image.tag, "a.b".c or releases[0].version`,
		}
	}
	return bump.Target{Path: path.Clean(file), Keys: parsed}, nil
}

// editable refuses a file, named in a flag, that no image's version stands in.
func editable(flag, file string) error {
	if !filepath.IsLocal(file) {
		return outside(flag, file)
	}
	if file = path.Clean(file); config.IsOwn(file) {
		return fault.New(fault.Usage, "edit it by hand", "%s %q is towpath's own file, in which no version stands", flag, file)
	}
	return nil
}

func outside(flag, path string) error {
	if filepath.IsAbs(path) {
		return fault.New(fault.Usage, "give a path relative to --repo", "%s %q is absolute", flag, path)
	}
	return fault.New(fault.Usage, "give a path relative to --repo", "%s %q lies outside of the repository", flag, path)
}

// errSparse is why a file cannot be read that is there. Where environments are
// told apart it must not be taken for one that is not.
var errSparse = errors.New("it is not in this sparse checkout")

// lookForSparse finds out what a sparse checkout leaves out, once.
func (f *files) lookForSparse(ctx context.Context) error {
	if f.sparse != nil {
		return nil
	}
	left, err := f.Sparse(ctx, ".")
	f.sparse = make(map[string]bool, len(left))
	for _, path := range left {
		f.sparse[path] = true
	}
	return err
}

// Files yields the holds, too, that git ignores: they hold all the same.
func (f *files) Files(ctx context.Context, yield func(path string) bool) error {
	listed := map[string]bool{}
	stopped := false
	err := f.Checkout.Files(ctx, func(path string) bool {
		if strings.HasPrefix(path, hold.Dir+"/") {
			listed[path] = true
		}
		stopped = !yield(path)
		return !stopped
	})
	if err != nil || stopped {
		return err
	}
	if err := f.lookForSparse(ctx); err != nil {
		return err
	}
	holds, err := f.Under(hold.Dir)
	for _, path := range holds {
		if !listed[path] && !yield(path) {
			break
		}
	}
	return err
}

// leftAlone is why the checkout does not give out a file.
type leftAlone struct{ error }

func (leftAlone) Is(target error) bool { return target == bump.ErrLeftAlone }

// files is the checkout as the engine wants it.
type files struct {
	*local.Checkout
	read   atomic.Int64
	sparse map[string]bool // files that are there, though not in this sparse checkout
}

func (f *files) Read(path string, buf []byte) ([]byte, error) {
	f.read.Add(1)
	src, err := f.Checkout.Read(path, buf)
	if errors.Is(err, fs.ErrNotExist) && f.sparse[path] {
		return src, errSparse
	}
	for _, reason := range []error{local.ErrNotRegular, local.ErrBinary, local.ErrTooLarge, local.ErrLFS} {
		if errors.Is(err, reason) {
			return src, leftAlone{reason}
		}
	}
	return src, err
}

// progress says on a terminal what takes longer than a second. The function
// that it returns ends it.
func progress(c console, text string) (stop func()) {
	if !c.isTerminal {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-done:
		case <-time.After(time.Second):
			fmt.Fprintf(c.err, "towpath: %s\n", text)
		}
	}()
	return func() { close(done); <-ended }
}
