//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package local

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
)

func TestLockExcludes(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"apps/a.yaml": "a: b\n"})
	for name, dirs := range map[string][]string{
		"git":   {dir, dir + "/apps"}, // they share an index
		"plain": {folder(t, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var inside atomic.Int32
			var wg sync.WaitGroup
			for i := range 8 {
				c := open(t, dirs[i%len(dirs)])
				wg.Go(func() {
					for range 5 {
						unlock, err := c.Lock(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						if n := inside.Add(1); n != 1 {
							t.Errorf("%d hold the lock", n)
						}
						for range 100 {
							runtime.Gosched()
						}
						inside.Add(-1)
						unlock()
					}
				})
			}
			wg.Wait()
			if entries, err := os.ReadDir(dirs[0]); err != nil || name == "plain" && len(entries) > 0 {
				t.Errorf("got %v, %v; want nothing left behind", entries, err)
			}
		})
	}
}

// impatient is a context that ends when somebody starts to wait for its end.
type impatient struct {
	context.Context
	cancel context.CancelFunc
}

func (c impatient) Done() <-chan struct{} {
	c.cancel()
	return c.Context.Done()
}

func TestLockWaits(t *testing.T) {
	t.Parallel()
	dir := folder(t, nil)
	unlock, err := open(t, dir).Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = other.Lock(impatient{ctx, cancel})
	wantFault(t, err, fault.Conflict, "wait for another towpath run", dir)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to wrap context.Canceled", err)
	}

	result := make(chan error)
	go func() {
		unlock, err := other.Lock(t.Context())
		if err == nil {
			unlock()
		}
		result <- err
	}()
	unlock()
	unlock() // twice is once
	if err := <-result; err != nil {
		t.Errorf("got %v after the lock was free", err)
	}
}
