package hold

import (
	"errors"
	"io/fs"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".towpath/holds/prod/web.yaml": "reason: loses orders\n",
		".towpath/holds/prod/api.yaml": "reson: typo\n",
		".towpath/holds/README.md":     "",
		"holds/prod/web.yaml":          "reason: elsewhere\n",
	}
	read := func(path string) ([]byte, error) {
		switch path {
		case ".towpath/holds/prod/gone.yaml":
			return nil, fs.ErrNotExist
		case ".towpath/holds/dev/link.yaml":
			return nil, errors.New("not a regular file")
		}
		return []byte(files[path]), nil
	}
	found := Find([]string{
		".towpath/holds/README.md", ".towpath/holds/dev/link.yaml", ".towpath/holds/prod/api.yaml",
		".towpath/holds/prod/gone.yaml", ".towpath/holds/prod/web.yaml", "holds/prod/web.yaml",
	}, read)
	if len(found) != 3 {
		t.Fatalf("%d holds, want 3: %v", len(found), found)
	}
	for i, want := range []struct {
		env, app string
		sound    bool
	}{{"dev", "link", false}, {"prod", "api", false}, {"prod", "web", true}} {
		f := found[i]
		if f.Env != want.env || f.App != want.app || f.Hold == nil || f.Hold.Reason == "" || (f.Err == nil) != want.sound {
			t.Errorf("%s: %+v (%v), want %+v", f.Path, f.Hold, f.Err, want)
		}
	}
	if found[2].Hold.Reason != "loses orders" {
		t.Errorf("reason %q", found[2].Hold.Reason)
	}
}
