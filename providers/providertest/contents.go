package providertest

import (
	"context"
	"errors"
	"testing"

	"github.com/towpath-dev/towpath/providers"
)

// Contents is a driver that has commits, and no pull requests and accounts.
type Contents interface {
	providers.Reader
	providers.Committer
	providers.History
}

// WithoutPulls gives a driver out to [RunReading] and [RunCommitting]. What it
// lacks wraps [errors.ErrUnsupported].
func WithoutPulls(c Contents) providers.Repository { return contents{Contents: c} }

// RunReading runs what concerns reading, on a driver that needs no pull requests.
// It commits to new branches only.
func RunReading(t *testing.T, h Harness) {
	t.Helper()
	run(t, h, false, []group{
		{"Read", readTests},
		{"Names", nameTests},
		{"History", historyTests},
		{"Paging", only(pagingTests, "Commits", "Files")},
		{"Accounts", only(accountTests, "Context")},
	})
}

// RunCommitting runs what concerns commits, on a driver that needs no pull
// requests. It commits to main, too.
func RunCommitting(t *testing.T, h Harness) {
	t.Helper()
	run(t, h, false, []group{
		{"Commit", commitTests},
		{"AtOnce", only(atOnceTests, "Branches", "OneBranch", "NewBranch")},
	})
}

func only(tests map[string]func(*scene), names ...string) map[string]func(*scene) {
	some := map[string]func(*scene){}
	for _, name := range names {
		some[name] = tests[name]
	}
	return some
}

// contents fills a driver up to a repository.
type contents struct {
	Contents
	lacking
}

// lacking lacks everything.
type lacking struct{}

func (lacking) err(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.ErrUnsupported
}

func (l lacking) Pull(ctx context.Context, _ int) (providers.PullRequest, error) {
	return providers.PullRequest{}, l.err(ctx)
}

func (l lacking) Pulls(ctx context.Context, _ providers.PullQuery) ([]providers.PullRequest, error) {
	return nil, l.err(ctx)
}

func (l lacking) OpenPull(ctx context.Context, _ providers.NewPull) (providers.PullRequest, error) {
	return providers.PullRequest{}, l.err(ctx)
}

func (l lacking) UpdatePull(ctx context.Context, _ int, _ providers.PullUpdate) (providers.PullRequest, error) {
	return providers.PullRequest{}, l.err(ctx)
}

func (l lacking) MergePull(ctx context.Context, _ int, _ providers.Merge) (string, error) {
	return "", l.err(ctx)
}

func (l lacking) PullFiles(ctx context.Context, _ int) ([]providers.ChangedFile, bool, error) {
	return nil, false, l.err(ctx)
}

func (l lacking) PullCommits(ctx context.Context, _ int) ([]providers.Commit, error) {
	return nil, l.err(ctx)
}

func (l lacking) Reviews(ctx context.Context, _ int) ([]providers.Review, error) {
	return nil, l.err(ctx)
}

func (l lacking) Comments(ctx context.Context, _ int) ([]providers.Comment, error) {
	return nil, l.err(ctx)
}

func (l lacking) UpsertComment(ctx context.Context, _ int, _, _ string) (providers.Comment, error) {
	return providers.Comment{}, l.err(ctx)
}

func (l lacking) AddComment(ctx context.Context, _ int, _ string) (providers.Comment, error) {
	return providers.Comment{}, l.err(ctx)
}

func (lacking) TextLimit() int { return 0 }

func (lacking) Hidden(string) string { return "" }

func (l lacking) SetStatus(ctx context.Context, _ string, _ providers.Status) error {
	return l.err(ctx)
}

func (l lacking) Checks(ctx context.Context, _ string) ([]providers.Check, error) {
	return nil, l.err(ctx)
}

func (l lacking) Self(ctx context.Context) (providers.User, error) {
	return providers.User{}, l.err(ctx)
}

func (l lacking) Permission(ctx context.Context, _ providers.User) (providers.Permission, error) {
	return providers.NoAccess, l.err(ctx)
}
