package diff

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, after, want string }{
		"same": {"a\n", "a\n", ""},
		"one line": {"a\nb\nc\n", "a\nB\nc\n", `--- a/f
+++ b/f
@@ -1,3 +1,3 @@
 a
-b
+B
 c
`},
		"no final newline": {"a: 1", "a: 2", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a: 1\n\\ No newline at end of file\n+a: 2\n\\ No newline at end of file\n"},
		"crlf":             {"a: 1\r\n", "a: 2\r\n", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a: 1\r\n+a: 2\r\n"},
		"grows":            {"a\n", "a\nb\n", "--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n a\n+b\n"},
		"from nothing":     {"", "a\n", "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, Unified("f", []byte(test.before), []byte(test.after))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The hunks must be such that git itself can apply them.
func TestUnifiedApplies(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	for _, changed := range [][]int{{0}, {19}, {3, 10}, {3, 9}, {0, 1, 2}, {5, 13, 19}, {0, 7, 14}} {
		t.Run(fmt.Sprint(changed), func(t *testing.T) {
			t.Parallel()
			var before []string
			for i := range 20 {
				before = append(before, fmt.Sprintf("line %d\n", i))
			}
			after := append([]string(nil), before...)
			for _, i := range changed {
				after[i] = strings.ToUpper(after[i])
			}
			dir := t.TempDir()
			name := "f"
			if runtime.GOOS != "windows" {
				name = "f\"\n\\é"
			}
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(strings.Join(before, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(git, "apply", "--unsafe-paths", "--whitespace=nowarn", "-")
			cmd.Dir = dir
			cmd.Stdin = strings.NewReader(Unified(name, []byte(strings.Join(before, "")), []byte(strings.Join(after, ""))))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, []byte(strings.Join(after, ""))) {
				t.Errorf("patched to\n%s", got)
			}
		})
	}
}
