package providertest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/towpath-dev/towpath/providers"
)

var atOnceTests = map[string]func(*scene){
	"Branches":  testManyBranches,
	"OneBranch": testOneBranch,
	"OnePull":   testOnePull,
	"NewBranch": testOneNewBranch,
	"Comments":  testCommentsAtOnce,
}

// atOnce calls do n times at once and returns the errors, by their number.
func atOnce(n int, do func(i int) error) []error {
	out := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			out[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	return out
}

func testManyBranches(s *scene) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("app-%d.yaml", i)] = "image: old\n"
	}
	s.beginWith(files)
	shas := make([]string, 20)
	for _, err := range atOnce(20, func(i int) error {
		branch, path := fmt.Sprintf("towpath/bump/app-%d", i), fmt.Sprintf("app-%d.yaml", i)
		changes, err := changesAt(s.ctx, s.r, s.base, map[string]string{path: fmt.Sprintf("image: new-%d\n", i)})
		if err != nil {
			return err
		}
		shas[i], err = s.r.Commit(s.ctx, providers.CommitRequest{Branch: branch, Parent: s.base, Message: "Bump " + path, Changes: changes})
		if err != nil || !s.isForge {
			return err
		}
		_, err = s.r.OpenPull(s.ctx, providers.NewPull{Head: branch, Base: "main", Title: "Bump " + path})
		return err
	}) {
		s.check(err)
	}
	if s.isForge {
		pulls, err := s.r.Pulls(s.ctx, providers.PullQuery{State: providers.Open})
		s.check(err)
		heads := map[string]bool{}
		for _, p := range pulls {
			heads[p.Head.Branch] = true
		}
		if len(pulls) != 20 || len(heads) != 20 {
			s.Errorf("there are %d pull requests of %d branches, want 20", len(pulls), len(heads))
		}
	}
	for i, sha := range shas {
		path := fmt.Sprintf("app-%d.yaml", i)
		if got := s.read(sha, path)[path]; got != fmt.Sprintf("image: new-%d\n", i) {
			s.Errorf("%s is %q", path, got)
		}
		s.sits(fmt.Sprintf("towpath/bump/app-%d", i), sha, s.base)
	}
}

// commitRetrying commits to a branch as a caller does: after a conflict it reads
// again, and changes what is there then.
func commitRetrying(ctx context.Context, r providers.Repository, branch string, files map[string]string) error {
	for range 100 {
		head, err := r.Resolve(ctx, branch)
		if err != nil {
			return err
		}
		changes, err := changesAt(ctx, r, head, files)
		if err != nil {
			return err
		}
		_, err = r.Commit(ctx, providers.CommitRequest{Branch: branch, Parent: head, Head: head, Message: "Bump", Changes: changes})
		if !errors.Is(err, providers.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("commit to %q: a hundred conflicts", branch)
}

func testOneBranch(s *scene) {
	files := map[string]string{"keep.txt": "keep\n"}
	for i := range 10 {
		files[fmt.Sprintf("app-%d.yaml", i)] = "image: old\n"
	}
	s.beginWith(files)
	for _, err := range atOnce(10, func(i int) error {
		return commitRetrying(s.ctx, s.r, "main", map[string]string{fmt.Sprintf("app-%d.yaml", i): fmt.Sprintf("image: new-%d\n", i)})
	}) {
		s.check(err)
	}
	for i := range 10 {
		files[fmt.Sprintf("app-%d.yaml", i)] = fmt.Sprintf("image: new-%d\n", i)
	}
	s.sameFiles(s.resolve("main"), files)
	log, err := s.r.Log(s.ctx, providers.LogQuery{Ref: "main"})
	s.check(err)
	if len(log) != 11 {
		s.Errorf("there are %d commits, want 11", len(log))
	}
}

func testOnePull(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	s.branch("x", map[string]string{"a.txt": "b\n"})
	good := 0
	for _, err := range atOnce(2, func(int) error {
		_, err := s.r.OpenPull(s.ctx, providers.NewPull{Head: "x", Base: "main", Title: "One"})
		return err
	}) {
		if err == nil {
			good++
			continue
		}
		s.is(err, providers.ErrConflict)
	}
	pulls, err := s.r.Pulls(s.ctx, providers.PullQuery{Head: "x"})
	s.check(err)
	if good != 1 || len(pulls) != 1 {
		s.Errorf("%d calls opened %d pull requests, want one", good, len(pulls))
	}
}

func testOneNewBranch(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	shas := make([]string, 4)
	good := ""
	for i, err := range atOnce(4, func(i int) error {
		changes, err := changesAt(s.ctx, s.r, s.base, map[string]string{"a.txt": fmt.Sprintf("by %d\n", i)})
		if err != nil {
			return err
		}
		shas[i], err = s.r.Commit(s.ctx, providers.CommitRequest{Branch: "x", Parent: s.base, Message: fmt.Sprintf("By %d", i), Changes: changes})
		return err
	}) {
		switch {
		case err != nil:
			s.is(err, providers.ErrConflict)
		case good != "":
			s.Errorf("two calls made the branch: %v", shas)
		default:
			good = shas[i]
		}
	}
	if good == "" {
		s.Fatal("no call made the branch")
	}
	s.sits("x", good, s.base)
}

// testCommentsAtOnce proves that runs at once are put right by the next one.
func testCommentsAtOnce(s *scene) {
	s.beginWith(map[string]string{"a.txt": "a\n"})
	p := s.open("x")
	for _, err := range atOnce(4, func(i int) error {
		_, err := s.r.UpsertComment(s.ctx, p.Number, "plan", fmt.Sprintf("By %d.", i))
		return err
	}) {
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			s.Error(err)
		}
	}
	_, err := s.r.UpsertComment(s.ctx, p.Number, "plan", "At last.")
	s.check(err)
	if got := s.comments(p.Number); len(got) != 1 {
		s.Errorf("got %+v", got)
	}
}
