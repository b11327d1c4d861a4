package status

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTraceFollowsFilesThatAreMoved(t *testing.T) {
	t.Parallel()
	at := func(text string, moved ...string) commit {
		c := commit{tree: state(chain, text), by: "ann", moved: map[string]string{}}
		for _, m := range moved {
			from, to, _ := strings.Cut(m, ">")
			c.moved[to+".yaml"] = from + ".yaml"
		}
		return c
	}
	for _, test := range []struct {
		name    string
		commits []commit
		want    []string
	}{
		{
			"within a cell",
			[]commit{at("dev/old=1"), at("dev/old=2"), at("dev/web=2", "dev/old>dev/web")},
			[]string{"dev 2 by ann in c2 from 1"},
		},
		{
			"within a cell, with a new version",
			[]commit{at("dev/old=1"), at("dev/web=2", "dev/old>dev/web")},
			[]string{"dev 2 by ann in c2 from 1"},
		},
		{
			"from where no app looks, twice",
			[]commit{at("x/a=1"), at("x/a=2"), at("y/b=2", "x/a>y/b"), at("y/b=2;x"), at("dev/web=2", "y/b>dev/web")},
			[]string{"dev 2 by ann in c2 from 1"},
		},
		{
			"from another environment that is no more",
			[]commit{at("staging=1"), at("staging=2"), at("prod=2", "staging/web>prod/web"), at("prod=2;x")},
			[]string{"prod 2 by ann in c3 from nothing"},
		},
		{
			"from another environment that goes on",
			[]commit{at("staging=1 staging/more=1"), at("staging=1 prod/web=1", "staging/more>prod/web"), at("staging=1 prod/web=1;x")},
			[]string{"staging 1 by ann in c1 from nothing", "prod 1 by ann in c2 from nothing, level staging"},
		},
		{
			"from another environment, which has changed by it",
			[]commit{at("staging=1 staging/more=2"), at("staging=1 prod/web=2", "staging/more>prod/web")},
			[]string{"staging 1 by ann in c2 from 1 | 2", "prod 2 by ann in c2 from nothing, ahead staging"},
		},
		{
			"out of a cell, to where no app looks",
			[]commit{at("dev=1 dev/more=2"), at("dev=1 x/old=2", "dev/more>x/old"), at("dev=1 x/old=3")},
			[]string{"dev 1 by ann in c2 from 1 | 2"},
		},
		{
			"a circle between environments",
			[]commit{at("dev=1 dev/more=1"), at("dev=1 x/a=1", "dev/more>x/a"), at("dev=1 prod=1", "x/a>prod/web")},
			[]string{"dev 1 by ann in c1 from nothing", "prod 1 by ann in c2 from nothing"},
		},
		{
			"another file had the old name before",
			[]commit{at("x/a=7"), at("prod=7", "x/a>prod/web"), at("prod=7 x/a=1"), at("prod=7 x/a=2"), at("prod=7 dev=2", "x/a>dev/web")},
			[]string{"dev 2 by ann in c4 from 1", "prod 7 by ann in c1 from nothing"},
		},
		{
			"another file had the name in between before",
			[]commit{at("x/a=7"), at("x/b=2"), at("x/a=2", "x/b>x/a"), at("dev=2", "x/a>dev/web")},
			[]string{"dev 2 by ann in c2 from nothing"},
		},
		{
			"the old name was used for something else, and is again",
			[]commit{at("x/a=7"), at(""), at("x/a=2"), at("dev=2", "x/a>dev/web"), at("dev=2 x/a=9")},
			[]string{"dev 2 by ann in c3 from nothing"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, got := traced(t, &past{commits: test.commits})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}
