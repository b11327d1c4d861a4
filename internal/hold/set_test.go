package hold

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var names = Names{
	Members: func(name string) []string {
		switch name {
		case "dev", "eu", "us":
			return []string{name}
		case "prod":
			return []string{"eu", "us"}
		}
		return nil
	},
	HasApp: func(name string) bool { return name == "web" || name == "api" },
}

func TestRead(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".towpath/holds/prod/web.yaml": "reason: loses orders\n",
		".towpath/holds/eu/web.yaml":   "reason: not in Europe\n",
		".towpath/holds/dev/api.yaml":  "reson: typo\n",
		".towpath/holds/dev/link.yaml": "",
		".towpath/holds/dev/gone.yaml": "",
		".towpath/holds/qa/web.yaml":   "reason: nowhere\n",
		".towpath/holds/dev/wbe.yaml":  "reason: nobody\n",
		".towpath/holds/dev/Web.yml":   "reason: misnamed\n",
		".towpath/holds/dev/x/web":     "reason: misplaced\n",
		".towpath/holds/README.md":     "",
		".towpath/holds/dev/.gitkeep":  "",
		"holds/prod/web.yaml":          "reason: elsewhere\n",
	}
	var paths []string
	for path := range files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	set := Read(paths, func(path string) ([]byte, error) {
		switch path {
		case ".towpath/holds/dev/gone.yaml":
			return nil, fs.ErrNotExist
		case ".towpath/holds/dev/link.yaml":
			return nil, errors.New("not a regular file")
		}
		return []byte(files[path]), nil
	}, names)
	for _, test := range []struct{ env, app, path, reason string }{
		{"us", "web", ".towpath/holds/prod/web.yaml", "loses orders"},
		{"eu", "web", ".towpath/holds/eu/web.yaml", "not in Europe"},
		{"dev", "api", ".towpath/holds/dev/api.yaml", "its hold file .towpath/holds/dev/api.yaml cannot be read"},
		{"dev", "web", ".towpath/holds/dev/Web.yml", "misnamed"},
		{"dev", "x", "", ""},
		{"us", "api", "", ""},
	} {
		got := set.Of(test.env, test.app)
		if got.Path != test.path || (got.Hold != nil) != (test.path != "") || got.Hold != nil && got.Reason != test.reason {
			t.Errorf("%s in %s: %q %+v, want %q %q", test.app, test.env, got.Path, got.Hold, test.path, test.reason)
		}
	}
	var faults []string
	for _, err := range set.Faults {
		for line := range strings.Lines(err.Error()) {
			faults = append(faults, strings.TrimSpace(line))
		}
	}
	want := []string{
		".towpath/holds/dev/Web.yml: is no name of a hold, and holds all the same",
		".towpath/holds/dev/api.yaml:1:1: unknown key reson",
		".towpath/holds/dev/link.yaml: cannot be read: not a regular file",
		".towpath/holds/dev/link.yaml: holds nothing: there is no app link",
		".towpath/holds/dev/wbe.yaml: holds nothing: there is no app wbe",
		".towpath/holds/dev/x/web: holds nothing: that is no name of a hold",
		".towpath/holds/qa/web.yaml: holds nothing: there is no environment qa",
	}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if none := (*Set)(nil).Of("dev", "web"); none.Hold != nil {
		t.Errorf("no set holds %+v", none)
	}
}
