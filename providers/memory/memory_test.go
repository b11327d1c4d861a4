package memory_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/towpath-dev/towpath/providers"
	"github.com/towpath-dev/towpath/providers/memory"
	"github.com/towpath-dev/towpath/providers/providertest"
)

func TestDriver(t *testing.T) {
	t.Parallel()
	var seconds atomic.Int64
	forge := memory.New(memory.Options{Now: func() time.Time {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds.Add(1)) * time.Second)
	}})
	providertest.Run(t, providertest.Harness{
		New: func(t *testing.T, files map[string]providertest.File) *providertest.Fixture {
			f, _ := providertest.OverMemory(t, forge, files)
			f.As = func(t testing.TB, who providertest.Who) providers.Repository {
				r, err := forge.Repository(f.Path, providertest.Token(who))
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			return f
		},
		Abilities:  providertest.AllAbilities(),
		Methods:    []providers.MergeMethod{providers.MergeCommit, providers.Squash, providers.Rebase},
		Rebuilds:   true,
		HeadGuard:  true,
		MergeGuard: true,
	})
}
