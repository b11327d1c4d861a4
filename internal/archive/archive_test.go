package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/towpath-dev/towpath/internal/archive"
	"github.com/towpath-dev/towpath/internal/fault"
)

// pack returns a tar of headers, whose contents are their PAX record
// TEST.content, with a mark at its end.
func pack(t testing.TB, headers ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, header := range headers {
		content := header.PAXRecords["TEST.content"]
		delete(header.PAXRecords, "TEST.content")
		if header.Typeflag == tar.TypeReg {
			header.Size = int64(len(content))
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name, content string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o664, PAXRecords: map[string]string{"TEST.content": content}}
}

func folder(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o775}
}

func global() *tar.Header {
	return &tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": strings.Repeat("a", 40)}}
}

// read returns what is in an archive, until it fails.
func read(data []byte, limits archive.Limits) ([]archive.File, error) {
	var files []archive.File
	err := archive.Read(bytes.NewReader(data), limits, func(f archive.File) error {
		files = append(files, f)
		return nil
	})
	return files, err
}

func TestRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long/", 60) + "name.yaml"
	script := file("acme-web-0a1b2c3/run.sh", "#!/bin/sh\n")
	script.Mode = 0o775
	link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "acme-web-0a1b2c3/link", Linkname: "/etc/passwd", Mode: 0o777}
	hard := &tar.Header{Typeflag: tar.TypeLink, Name: "acme-web-0a1b2c3/hard", Linkname: "../x"}
	data := zip(t, pack(
		t, global(), folder("acme-web-0a1b2c3/"),
		file("acme-web-0a1b2c3/a b#?%é.yaml", "a: 1\n"), file("acme-web-0a1b2c3/v1..2.yaml", ""),
		folder("acme-web-0a1b2c3/sub/"), file("acme-web-0a1b2c3/sub/"+long, "deep"),
		script, link, hard, file("acme-web-0a1b2c3/large", strings.Repeat("x", 101)), file("acme-web-0a1b2c3/fits", strings.Repeat("y", 100)),
	))
	got, err := read(data, archive.Limits{File: 100})
	if err != nil {
		t.Fatal(err)
	}
	want := []archive.File{
		{Path: "a b#?%é.yaml", Size: 5, Content: []byte("a: 1\n")},
		{Path: "v1..2.yaml", Content: []byte{}},
		{Path: "sub/" + long, Size: 4, Content: []byte("deep")},
		{Path: "run.sh", Kind: archive.Executable, Size: 10, Content: []byte("#!/bin/sh\n")},
		{Path: "link", Kind: archive.Symlink, Target: "/etc/passwd"},
		{Path: "hard", Kind: archive.Hardlink, Target: "../x"},
		{Path: "large", Size: 101},
		{Path: "fits", Size: 100, Content: []byte(strings.Repeat("y", 100))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"an empty folder": pack(t, global(), folder("x/")),
		"no entry":        pack(t),
		"more zeros":      append(pack(t, folder("x/")), make([]byte, 10240)...),
	} {
		if files, err := read(zip(t, data), archive.Limits{}); err != nil || len(files) != 0 {
			t.Errorf("%s: got %v, %v", name, files, err)
		}
	}
	// A gzip may have several members.
	data := pack(t, file("x/a", "a"))
	if files, err := read(append(zip(t, data[:700]), zip(t, data[700:])...), archive.Limits{}); err != nil || len(files) != 1 {
		t.Errorf("two members: got %v, %v", files, err)
	}
}

func TestReadRefused(t *testing.T) {
	t.Parallel()
	device := &tar.Header{Typeflag: tar.TypeChar, Name: "x/dev"}
	fifo := &tar.Header{Typeflag: tar.TypeFifo, Name: "x/fifo"}
	whole := pack(t, file("x/a", "a"))
	for _, test := range []struct {
		name string
		data []byte
		want string
		is   error
	}{
		{"no gzip", []byte("<!DOCTYPE html><html>"), "gzip: invalid header", gzip.ErrHeader},
		{"nothing", nil, "unexpected EOF", io.ErrUnexpectedEOF},
		{"no tar", zip(t, []byte(strings.Repeat("no tar ", 200))), "invalid tar header", tar.ErrHeader},
		{"absolute", zip(t, pack(t, file("/etc/passwd", ""))), `the name of an entry is not allowed: "/etc/passwd"`, nil},
		{"upwards", zip(t, pack(t, file("x/../../a", ""))), "not allowed", nil},
		{"only upwards", zip(t, pack(t, file("..", ""))), "not allowed", nil},
		{"upwards at first", zip(t, pack(t, file("../a", ""))), "not allowed", nil},
		{"upwards within", zip(t, pack(t, file("x/a/../b", ""))), "not allowed", nil},
		{"double slash", zip(t, pack(t, file("x//a", ""))), "not allowed", nil},
		{"dot", zip(t, pack(t, file("x/./a", ""))), "not allowed", nil},
		{"only a dot", zip(t, pack(t, folder("./"))), "not allowed", nil},
		{"folder upwards", zip(t, pack(t, folder("x/../"))), "not allowed", nil},
		{"link upwards", zip(t, pack(t, &tar.Header{Typeflag: tar.TypeSymlink, Name: "../l", Linkname: "a"})), "not allowed", nil},
		{"twice", zip(t, pack(t, file("x/a", "1"), file("x/a", "2"))), `an entry comes twice: "x/a"`, nil},
		{"another folder", zip(t, pack(t, file("x/a", ""), file("y/b", ""))), `"y/b"`, nil},
		{"no folder", zip(t, pack(t, file("a", ""))), "not in the one folder", nil},
		{"device", zip(t, pack(t, device)), "neither file, folder nor link", nil},
		{"pipe", zip(t, pack(t, fifo)), "neither file, folder nor link", nil},
		{"cut gzip", zip(t, whole)[:40], "unexpected EOF", io.ErrUnexpectedEOF},
		{"cut checksum", zip(t, whole)[:len(zip(t, whole))-4], "unexpected EOF", io.ErrUnexpectedEOF},
		{"cut contents", zip(t, pack(t, file("x/a", strings.Repeat("a", 2000)))[:1000]), "unexpected EOF", io.ErrUnexpectedEOF},
		{"cut header", zip(t, whole[:300]), "unexpected EOF", io.ErrUnexpectedEOF},
		{"cut before its end", zip(t, whole[:1024]), "the mark of its end is missing", io.ErrUnexpectedEOF},
		{"cut within its end", zip(t, whole[:1536]), "the mark of its end is missing", io.ErrUnexpectedEOF},
		{"more behind its end", zip(t, append(bytes.Clone(whole), whole...)), "something follows its end", nil},
		{"more behind the gzip", append(zip(t, whole), "garbage that is long enough"...), "gzip: invalid header", gzip.ErrHeader},
		{"wrong checksum", flip(zip(t, whole), -6), "checksum", gzip.ErrChecksum},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(test.data, archive.Limits{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "read archive: ") {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got %v, want %v in its tree", err, test.is)
			}
		})
	}
}

// flip changes a byte, counted from the end.
func flip(data []byte, at int) []byte {
	data[len(data)+at] ^= 0xff
	return data
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bomb := zip(t, pack(t, file("x/bomb", strings.Repeat("\x00", 4<<20))))
	sparse := zip(t, sparseTar(t, 1<<40))
	three := zip(t, pack(t, file("x/a", ""), file("x/b", ""), file("x/c", "")))
	random := make([]byte, 8<<10)
	for i := range random {
		random[i] = byte(i * i * 31 >> 3)
	}
	for _, test := range []struct {
		name   string
		data   []byte
		limits archive.Limits
		want   string
	}{
		{"files", three, archive.Limits{Files: 2}, "the repository's archive has more than 2 files"},
		{"just the files", three, archive.Limits{Files: 3}, ""},
		{"bomb", bomb, archive.Limits{Total: 1 << 20}, "the repository's archive is larger than 1 MiB unpacked"},
		{"bomb that is skipped", bomb, archive.Limits{Total: 1 << 20, File: 10}, "the repository's archive is larger than 1 MiB unpacked"},
		{"just unpacked", three, archive.Limits{Total: 5 << 9}, ""},
		{"zeros at the end", zip(t, append(pack(t, folder("x/")), make([]byte, 2<<20)...)), archive.Limits{Total: 1 << 20}, "1 MiB unpacked"},
		{"sparse", sparse, archive.Limits{}, "the repository's archive is larger than 2 GiB unpacked"},
		{"compressed", zip(t, pack(t, file("x/a", string(random)))), archive.Limits{Compressed: 1000}, "the repository's archive is larger than 1000 bytes compressed"},
		{"just compressed", three, archive.Limits{Compressed: int64(len(three))}, ""},
		{"one less", three, archive.Limits{Compressed: int64(len(three)) - 1}, "compressed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(test.data, test.limits)
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != fault.Refused || f.Hint == "" || !strings.Contains(f.Message, test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// sparseTar returns a tar of one file that is nearly all hole, in PAX format 1.0
// (https://www.gnu.org/software/tar/manual/html_node/PAX-1.html), which
// archive/tar does not write.
func sparseTar(t *testing.T, size int64) []byte {
	t.Helper()
	var records strings.Builder
	for _, record := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=x/hole", fmt.Sprintf("GNU.sparse.realsize=%d", size)} {
		length := len(record) + len(" \n") + 2 // all have two digits
		fmt.Fprintf(&records, "%d %s\n", length, record)
	}
	holes := fmt.Sprintf("1\n%d\n0\n", size)
	data := pack(t, file("x/records", records.String()), file("x/hole", holes+strings.Repeat("\x00", 512-len(holes))))
	data[156] = tar.TypeXHeader
	copy(data[148:156], "        ")
	sum := 0
	for _, b := range data[:512] {
		sum += int(b)
	}
	copy(data[148:], fmt.Sprintf("%06o\x00 ", sum))
	return data
}

func TestYield(t *testing.T) {
	t.Parallel()
	data := zip(t, pack(t, file("x/a", ""), file("x/b", "")))
	stop := errors.New("enough")
	count := 0
	err := archive.Read(bytes.NewReader(data), archive.Limits{}, func(archive.File) error {
		count++
		return stop
	})
	if err != stop || count != 1 { //nolint:errorlint // the very same value is promised
		t.Errorf("got %v after %d files", err, count)
	}
}

// TestGit reads what git archive makes, as the forges do.
func TestGit(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), git, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return out
	}
	run("init", "--quiet")
	long := strings.Repeat("d", 120) + "/" + strings.Repeat("é", 100)
	for name, content := range map[string]string{"a.yaml": "a: 1\n", "run.sh": "#!\n", long: "x", "b#?.yaml": ""} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.yaml", filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here")
	}
	run("add", ".")
	run("update-index", "--chmod=+x", "run.sh")
	run("-c", "user.name=x", "-c", "user.email=x@acme.io", "commit", "--quiet", "-m", "x")
	data := run("archive", "--format=tar.gz", "--prefix=acme-web-0a1b2c3/", "HEAD")
	files, err := read(data, archive.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	modes := map[archive.Kind]string{archive.Regular: "100644", archive.Executable: "100755", archive.Symlink: "120000"}
	var got []string
	for _, f := range files {
		content := f.Content
		if f.Kind == archive.Symlink {
			content = []byte(f.Target)
		}
		got = append(got, fmt.Sprintf("%s blob %s\t%s", modes[f.Kind], archive.BlobID(content), f.Path))
	}
	want := strings.Split(strings.TrimRight(string(run("ls-tree", "-r", "-z", "HEAD")), "\x00"), "\x00")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestBlobID(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                 "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
		"hello\n":          "ce013625030ba8dba906f756967f9e9ca394464a",
		"what is up, doc?": "bd9dbf5aae1a3862dd1526723246b20206e5fc37",
	} {
		if got := archive.BlobID([]byte(content)); got != want {
			t.Errorf("%q: got %s, want %s", content, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "x/l", Linkname: "/etc"}
	for _, seed := range [][]byte{
		pack(f, global(), folder("x/"), file("x/a", "a"), link),
		pack(f, file("x/"+strings.Repeat("long/", 60)+"n", "a")),
		pack(f, file("x/../a", "")),
		pack(f, file("/a", "")),
		pack(f, file("x/a", ""), file("x/a", "")),
		pack(f, file("x/a", strings.Repeat("a", 3000)))[:1500],
		[]byte("no tar"),
	} {
		f.Add(seed, true)
		f.Add(zip(f, seed), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, pack bool) {
		if pack {
			data = zip(t, data) // else hardly anything gets past the checksum
		}
		limits := archive.Limits{Files: 50, File: 4096, Total: 1 << 16, Compressed: 1 << 16}
		files, err := read(data, limits)
		if len(files) > limits.Files {
			t.Errorf("%d files", len(files))
		}
		seen := map[string]bool{}
		var total int64
		for _, f := range files {
			if f.Path == "" || path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || strings.HasPrefix(f.Path+"/", "../") || strings.ContainsRune(f.Path, 0) || seen[f.Path] {
				t.Errorf("the path %q was let through (%v)", f.Path, err)
			}
			seen[f.Path] = true
			if f.Content != nil && int64(len(f.Content)) != f.Size {
				t.Errorf("%q has %d bytes and a size of %d", f.Path, len(f.Content), f.Size)
			}
			total += int64(len(f.Content))
		}
		if total > limits.Total {
			t.Errorf("%d bytes", total)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	headers := []*tar.Header{global(), folder("acme-config-0a1b2c3/")}
	content := strings.Repeat("image: ghcr.io/acme/web:1.4.2\n", 40)
	for i := range 10_000 {
		headers = append(headers, file(fmt.Sprintf("acme-config-0a1b2c3/apps/%d/values.yaml", i), content))
	}
	data := zip(b, pack(b, headers...))
	b.SetBytes(int64(len(content)) * 10_000)
	b.ReportAllocs()
	for b.Loop() {
		count := 0
		err := archive.Read(bytes.NewReader(data), archive.Limits{}, func(archive.File) error {
			count++
			return nil
		})
		if err != nil || count != 10_000 {
			b.Fatalf("read %d files: %v", count, err)
		}
	}
}
