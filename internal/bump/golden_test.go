package bump

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/image"
)

var update = flag.Bool("update", false, "write the results into testdata")

// memory is a tree in memory.
type memory map[string]string

func (m memory) Files(_ context.Context, yield func(path string) bool) error {
	for path := range m {
		if !yield(path) {
			break
		}
	}
	return nil
}

func (m memory) Read(path string, buf []byte) ([]byte, error) {
	s, ok := m[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return append(buf[:0], s...), nil
}

// TestGolden bumps the files under in/ of every archive by the request in the
// archive's comment, a line such as
//
//	bump ghcr.io/acme/web:1.4.2 [--allow-downgrade] [--set path:keys] [--add path] [--path folder]
//
// and compares what changes with want/, and what is told with report.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			request := requestIn(t, string(archive.Comment))
			in, want := memory{}, map[string]string{}
			for _, f := range archive.Files {
				if path, ok := strings.CutPrefix(f.Name, "in/"); ok {
					in[path] = string(f.Data)
				} else {
					want[f.Name] = string(f.Data)
				}
			}
			plan := scanTwice(t, in, request)
			concerned := memory{}
			for path, src := range in {
				if request.Concerns(path, []byte(src)) {
					concerned[path] = src
				}
			}
			if diff := cmp.Diff(report(plan), report(scanTwice(t, concerned, request))); diff != "" {
				t.Errorf("without the files that do not concern it (-all +some):\n%s", diff)
			}
			got := map[string]string{"report": report(plan)}
			for _, f := range plan.Files {
				if f.After != nil {
					got["want/"+f.Path] = string(f.After)
				}
			}
			if *update {
				rewriteArchive(t, file, archive, got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func requestIn(t *testing.T, comment string) Request {
	t.Helper()
	var r Request
	for line := range strings.Lines(comment) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "bump" && !strings.HasPrefix(line, "  --") {
			continue
		}
		for i := range words {
			switch words[i] {
			case "bump":
			case "--allow-downgrade":
				r.AllowDowngrade = true
			case "--path":
				prefix := words[i+1]
				r.Match = func(path string) bool { return strings.HasPrefix(path, prefix) }
			case "--add":
				r.Add = append(r.Add, words[i+1])
			case "--set":
				path, keys, _ := strings.Cut(words[i+1], ":")
				r.Set = append(r.Set, Target{Path: path, Keys: parsePath(t, keys)})
			default:
				if i > 0 && (words[i-1] == "--set" || words[i-1] == "--path" || words[i-1] == "--add") {
					continue
				}
				r.Moves = append(r.Moves, moveTo(t, words[i]))
			}
		}
	}
	if len(r.Moves) == 0 {
		t.Fatal("no request in the comment")
	}
	return r
}

func parsePath(t testing.TB, keys string) edit.Path {
	t.Helper()
	path, err := edit.ParsePath(keys)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func moveTo(t testing.TB, reference string) Move {
	t.Helper()
	ref, err := image.Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	return Move{Image: ref.Repository(), Tag: ref.Tag, Digest: ref.Digest}
}

// scanTwice scans, checks the law on the result, and checks that a second scan
// of the result finds the same places and changes nothing.
func scanTwice(t testing.TB, tree memory, r Request) *Plan {
	t.Helper()
	plan := scanned(t, tree, r)
	after := maps.Clone(tree)
	for _, f := range plan.Files {
		if (f.After != nil) != (len(f.Changes) > 0) {
			t.Errorf("%s: %d changes, but the contents say otherwise", f.Path, len(f.Changes))
		}
		for _, e := range f.Refused {
			if strings.HasPrefix(e.Message, internalMessage) {
				t.Errorf("panic: %v", e)
			}
		}
		if f.After != nil {
			checkBytes(t, f)
			after[f.Path] = string(f.After)
		}
	}
	again := scanned(t, after, r)
	for _, f := range again.Files {
		for _, c := range f.Changes {
			t.Errorf("second run changes %s:%v from %s to %s", c.Path, c.Position, c.From, c.To)
		}
	}
	if first, second := count(plan), count(again); first != second {
		t.Errorf("%d places hold the version after the first run, but the second one finds %d", first, second)
	}
	return plan
}

// count returns how many places hold the version once a plan is carried out.
func count(p *Plan) int {
	n := 0
	for _, f := range p.Files {
		n += len(f.Changes) + len(f.Current)
	}
	return n
}

func scanned(t testing.TB, tree memory, r Request) *Plan {
	t.Helper()
	plan, err := Scan(context.Background(), tree, r)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// checkBytes checks without the engine's help that a file differs from what it
// was in the reported versions alone: each line must come out of the old one by
// putting the new tag or digest, perhaps with quotes, in the place of the old
// one, and at every reported place that must have happened.
func checkBytes(t testing.TB, f File) {
	t.Helper()
	before, after := strings.Split(string(f.Before), "\n"), strings.Split(string(f.After), "\n")
	// The lines of added entries stand together, and without them the file must
	// be what it was.
	isAdded := func(c Change) bool { return c.From == "" && c.Kind == Kustomization }
	if i := slices.IndexFunc(f.Changes, isAdded); i >= 0 {
		line := f.Changes[i].Position.Line - 1
		added := max(0, len(after)-len(before))
		if text := strings.Join(after[line:line+added], "\n"); !strings.Contains(text, "- name: ") && !strings.Contains(text, "-   name: ") {
			t.Errorf("%s: added %q", f.Path, text)
		}
		after = slices.Delete(after, line, line+added)
		f.Changes = slices.DeleteFunc(slices.Clone(f.Changes), isAdded)
	}
	if len(before) != len(after) {
		t.Errorf("%s: %d lines became %d", f.Path, len(before), len(after))
		return
	}
	due := map[edit.Position][]swap{}
	var digests []swap // may stand on another line than the tag, which is the one reported
	for _, c := range f.Changes {
		fromTag, fromDigest := cutVersion(c.From)
		toTag, toDigest := cutVersion(c.To)
		pinned := []swap{{fromDigest, toDigest}, {strings.TrimPrefix(fromDigest, "sha256:"), strings.TrimPrefix(toDigest, "sha256:")}}
		due[c.Position] = append(append(due[c.Position], swap{c.From, c.To}, swap{fromTag, toTag}, swap{fromTag, c.To}), pinned...)
		if toDigest != "" {
			digests = append(digests, pinned...)
		}
	}
	for i := range before {
		l := lineChange{
			before: []rune(strings.TrimPrefix(before[i], "\ufeff")), after: []rune(strings.TrimPrefix(after[i], "\ufeff")),
			line: i + 1, due: due, anywhere: digests, dead: map[[2]int]bool{},
		}
		if !l.explained(0, 0, false) {
			t.Errorf("%s:%d: %q became %q, which the report does not explain: %+v", f.Path, i+1, before[i], after[i], due)
		}
	}
}

type swap struct{ from, to string }

// lineChange is one line before and after.
type lineChange struct {
	before, after []rune
	line          int
	due           map[edit.Position][]swap
	anywhere      []swap
	dead          map[[2]int]bool // where no explanation goes on
}

// explained reports whether the rest of the line, from i on before and from j
// on after, is the same but for the swaps; swapped says that the one due at i
// was made, which was an insertion.
func (l *lineChange) explained(i, j int, swapped bool) bool {
	for {
		if l.dead[[2]int{i, j}] {
			return false
		}
		swaps, isDue := l.due[edit.Position{Line: l.line, Column: i + 1}]
		isDue = isDue && !swapped
		swapped = false
		if !isDue {
			swaps = l.anywhere
		}
		for _, s := range swaps {
			// Only between quotes is there an empty place.
			if s.from == "" && !isDue && (i == 0 || l.before[i-1] != '"' && l.before[i-1] != '\'') {
				continue
			}
			for _, to := range []string{s.to, `"` + s.to + `"`, `\"` + s.to + `\"`} {
				from, to := []rune(s.from), []rune(to)
				if s.to != "" && hasPrefix(l.before[i:], from) && hasPrefix(l.after[j:], to) && l.explained(i+len(from), j+len(to), len(from) == 0) {
					return true
				}
			}
		}
		if isDue || i == len(l.before) || j == len(l.after) || l.before[i] != l.after[j] {
			l.dead[[2]int{i, j}] = true
			return !isDue && i == len(l.before) && j == len(l.after)
		}
		i, j = i+1, j+1
	}
}

func hasPrefix(s, prefix []rune) bool {
	return len(s) >= len(prefix) && slices.Equal(s[:len(prefix)], prefix)
}

func cutVersion(v string) (tag, digest string) {
	if strings.HasPrefix(v, "sha256:") {
		return "", v
	}
	tag, digest, _ = strings.Cut(v, "@")
	return tag, digest
}

// report writes what a plan tells, a line each, in the order of the places.
func report(p *Plan) string {
	var b strings.Builder
	for _, f := range p.Files {
		type line struct {
			at   edit.Position
			text string
		}
		var lines []line
		for _, c := range f.Changes {
			lines = append(lines, line{c.Position, fmt.Sprintf("%s %s %s -> %s", c.Kind, c.Image.Familiar(), orNone(c.From), c.To)})
		}
		for _, c := range f.Current {
			lines = append(lines, line{c.Position, fmt.Sprintf("%s %s is %s", c.Kind, c.Image.Familiar(), c.To)})
		}
		for _, e := range f.Refused {
			message, place := e.Error(), e.Place()
			lines = append(lines, line{edit.Position{Line: e.Line, Column: e.Column}, "refused: " + strings.TrimPrefix(message, place+": ")})
		}
		for _, m := range f.Mentions {
			reason, _, _ := strings.Cut(m.Reason, ";")
			lines = append(lines, line{m.Position, fmt.Sprintf("left %q: %s", m.Text, reason)})
		}
		slices.SortStableFunc(lines, func(a, b line) int {
			if a.at.Line != b.at.Line {
				return a.at.Line - b.at.Line
			}
			return a.at.Column - b.at.Column
		})
		for _, l := range lines {
			place := f.Path
			if l.at.Line > 0 {
				place += ":" + l.at.String()
			}
			fmt.Fprintf(&b, "%s %s\n", place, shorten(l.text))
		}
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// shorten keeps only the first digits of a digest.
func shorten(s string) string {
	for _, digit := range "0123456789abcdef" {
		long := strings.Repeat(string(digit), 64)
		s = strings.ReplaceAll(s, long, long[:4]+"…")
	}
	return s
}

func rewriteArchive(t *testing.T, file string, archive *txtar.Archive, got map[string]string) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return !strings.HasPrefix(f.Name, "in/") })
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if name != "report" {
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
	}
	archive.Files = append(archive.Files, txtar.File{Name: "report", Data: []byte(got["report"])})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
