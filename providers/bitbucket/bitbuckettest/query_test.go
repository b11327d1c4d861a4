package bitbuckettest

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	o := object{"name": `a"b\c`, "state": "OPEN", "source": object{"branch": object{"name": "towpath/x"}}}
	for query, want := range map[string]bool{
		`state = "OPEN"`:                                 true,
		`state="OPEN"`:                                   true,
		`state != "OPEN"`:                                false,
		`name = "a\"b\\c"`:                               true,
		`source.branch.name ~ "PATH/"`:                   true,
		`source.branch.name = "x"`:                       false,
		`source.absent.name = "x"`:                       false,
		`state = "x" OR name ~ "b" AND state = "OPEN"`:   true,
		`(state = "OPEN" OR name = "x") AND state = "x"`: false,
	} {
		fits, err := parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := fits(o); got != want {
			t.Errorf("%s: got %v", query, got)
		}
	}
	for _, query := range []string{``, `state`, `state =`, `state = x`, `state = "x`, `(state = "x"`, `state = "x" name = "y"`, `= "x"`, `state < "x"`} {
		if _, err := parse(query); err == nil {
			t.Errorf("%s is taken", query)
		}
	}
}
