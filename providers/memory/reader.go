package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/towpath-dev/towpath/providers"
)

func (r *repository) Info(ctx context.Context) (providers.Info, error) {
	var info providers.Info
	err := r.read(ctx, "read", func(s session) error {
		info = s.info()
		return nil
	})
	return info, err
}

func (s session) info() providers.Info {
	access := s.may()
	return providers.Info{
		DefaultBranch: s.DefaultBranch,
		URL:           s.repo.URL(),
		Empty:         len(s.Branches) == 0,
		Archived:      s.Archived,
		Access:        &access,
	}
}

func (r *repository) Resolve(ctx context.Context, ref string) (string, error) {
	var sha string
	err := r.read(ctx, fmt.Sprintf("resolve %q", ref), func(s session) error {
		if sha = s.Resolve(ref); sha == "" {
			return providers.ErrNotFound
		}
		return nil
	})
	return sha, err
}

func (r *repository) Files(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	out := map[string]providers.File{}
	err := r.read(ctx, "read files", func(s session) error {
		c, err := s.commit(sha)
		if err != nil {
			return err
		}
		for _, p := range paths {
			e, ok := c.Files[p]
			if !ok {
				continue
			}
			f := providers.File{Entry: s.entry(p, e)}
			if e.Mode.IsFile() && f.Size <= providers.MaxFile {
				f.Content = append([]byte{}, s.objects.blobs[e.ID]...)
			}
			out[p] = f
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s session) entry(p string, e Entry) providers.Entry {
	return providers.Entry{Path: p, Mode: e.Mode, ID: e.ID, Size: s.Size(e)}
}

func (r *repository) Tree(ctx context.Context, sha string) ([]providers.Entry, error) {
	var out []providers.Entry
	err := r.read(ctx, "list files", func(s session) error {
		c, err := s.commit(sha)
		if err != nil {
			return err
		}
		for _, p := range slices.Sorted(maps.Keys(c.Files)) {
			out = append(out, s.entry(p, c.Files[p]))
		}
		return nil
	})
	return out, err
}

func (r *repository) Archive(ctx context.Context, sha string) (io.ReadCloser, error) {
	var archive []byte
	err := r.read(ctx, "read an archive", func(s session) error {
		c, err := s.commit(sha)
		if err != nil {
			return err
		}
		archive, err = s.Archive(sha, path.Base(r.path)+"-"+c.SHA[:7])
		return err
	})
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(archive)), nil
}

// Look answers all at once, so that its parts are of one moment.
func (r *repository) Look(ctx context.Context, q providers.Question) (*providers.View, error) {
	v := &providers.View{Heads: map[string]string{}}
	err := r.read(ctx, "look", func(s session) error {
		v.Info, v.Base = s.info(), q.Base
		if v.Base == "" {
			v.Base = s.DefaultBranch
		}
		if v.Info.Empty {
			return nil
		}
		sha, ok := s.Branches[v.Base]
		if !ok {
			return fmt.Errorf("branch %q: %w", v.Base, providers.ErrNotFound)
		}
		v.SHA = sha
		for _, head := range q.Heads {
			if sha, ok := s.Branches[head]; ok {
				v.Heads[head] = sha
			}
			v.Pulls = append(v.Pulls, r.pulls(s, providers.PullQuery{Head: head, Limit: providers.RecentPulls})...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}
