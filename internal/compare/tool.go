package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// tools are the programs compared, by path; an empty path means that the
// program is absent.
type tools struct{ towpath, yq, kustomize string }

// find looks each program up and returns, for those that are absent, a line
// that says so.
func (t *tools) find() (absent []string) {
	for _, tool := range []struct {
		flag string
		path *string
	}{{"towpath", &t.towpath}, {"yq", &t.yq}, {"kustomize", &t.kustomize}} {
		found, err := exec.LookPath(*tool.path)
		if err == nil {
			// The program is run in other directories than this one.
			found, err = filepath.Abs(found)
		}
		if err != nil {
			absent = append(absent, fmt.Sprintf("skipped: %s, not compared: %v (give its path with -%s)", tool.flag, err, tool.flag))
			found = ""
		}
		*tool.path = found
	}
	return absent
}

// yqManifests returns what a user of yq writes to move an image in files that
// hold nothing but manifests.
func yqManifests(image, tag string) string {
	return fmt.Sprintf(`(.. | select(tag == "!!str" and test("^%s:"))) = "%s:%s"`,
		strings.ReplaceAll(regexp.QuoteMeta(image), `\`, `\\`), image, tag)
}

// yqExpression returns what a user of yq writes to move an image in manifests,
// Helm values and kustomizations at once.
func yqExpression(image, tag string) string {
	return yqManifests(image, tag) + fmt.Sprintf(
		` | (.. | select(tag == "!!map" and .repository == "%[1]s" and has("tag")) | .tag) = "%[2]s"`+
			` | (.. | select(tag == "!!map" and .name == "%[1]s" and has("newTag")) | .newTag) = "%[2]s"`, image, tag)
}

// kustomizeArgument returns the argument of `kustomize edit set image` that
// sets a tag and keeps a new name where there is one.
func kustomizeArgument(image, tag string) string { return image + "=*:" + tag }
