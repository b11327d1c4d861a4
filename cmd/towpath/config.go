package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/towpath-dev/towpath/internal/config"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers/local"
)

// openRepo opens the checkout that --repo names.
func openRepo(ctx context.Context, repo string) (*local.Checkout, error) {
	if repo == "" {
		return nil, fault.New(fault.Usage, "leave --repo out to mean the current folder", "--repo is empty")
	}
	if isForge(repo) {
		return nil, fault.New(fault.Usage, "clone it and give the folder, as in --repo ./config", "--repo %q is no folder, and only bump and doctor work on a forge", repo)
	}
	checkout, err := local.Open(ctx, repo)
	return checkout, interrupted(ctx, err)
}

// readConfig reads the .towpath.yaml of a checkout, and returns nil if there is
// none.
func readConfig(ctx context.Context, checkout *local.Checkout) (*config.Config, error) {
	src, err := checkout.Read(config.Path, nil)
	switch {
	case err == nil:
		return config.Parse(src)
	case errors.Is(err, fs.ErrNotExist):
		if left, err := checkout.Sparse(ctx, config.Path); err != nil || len(left) > 0 {
			return nil, cmp.Or(err, error(fault.New(fault.Config, "run `git sparse-checkout add "+config.Path+"`, with the folders that it speaks of",
				"%s is in the repository, and not in this sparse checkout", config.Path)))
		}
		return nil, misplaced(checkout)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return nil, f
	}
	return nil, &fault.Error{Code: fault.Config, Path: config.Path, Message: "cannot be read", Err: err, Hint: "it must be a text file, and no link"}
}

// needConfig reads the .towpath.yaml of a checkout, which must be there.
func needConfig(ctx context.Context, checkout *local.Checkout) (*config.Config, error) {
	cfg, err := readConfig(ctx, checkout)
	if err == nil && cfg == nil {
		err = fault.New(fault.Config, "run `towpath init` to have one written from what stands there", "there is no %s in %s", config.Path, checkout.Dir())
	}
	return cfg, err
}

// misplaced finds a .towpath.yaml that was probably meant though it does not
// stand at the top of the checkout: one with another ending, or one above, at
// the top of the repository that the folder is a part of. To go on without it
// would mean to edit every environment.
func misplaced(checkout *local.Checkout) error {
	dir := checkout.Dir()
	if name := ".towpath.yml"; exists(filepath.Join(dir, name)) {
		return fault.New(fault.Config, "rename it: git mv "+name+" "+config.Path, "%s is not read: the file is called %s", name, config.Path)
	}
	for !exists(filepath.Join(dir, ".git")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
		if _, err := os.Stat(filepath.Join(dir, config.Path)); err == nil {
			if !checkout.IsGit() {
				return nil
			}
			return fault.New(fault.Usage, "pass --repo "+dir+", and --path to keep to a part of it", "the folder belongs to the repository at %s, which has a %s", dir, config.Path)
		}
	}
	return nil
}
