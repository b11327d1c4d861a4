package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/towpath-dev/towpath/internal/fault"
)

func blobs(t testing.TB, c *Checkout) *Blobs {
	t.Helper()
	b, err := c.Blobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"text":       "a: 1\r\n",
		"empty":      "",
		"nul":        "a\x00b",
		"late nul":   strings.Repeat("x", sniffed) + "\x00",
		"large":      strings.Repeat("x", maxSize),
		"too large":  strings.Repeat("x", maxSize+1),
		"an answer":  idA + " missing\n" + idA + " blob 3\n",
		"no newline": "a: 1",
	}
	dir := repository(t, files)
	b := blobs(t, open(t, dir))
	refused := map[string]error{"nul": ErrBinary, "too large": ErrTooLarge}
	var buf []byte
	for range 2 {
		for name, want := range files {
			var err error
			buf, err = b.Read(shell(t, dir, "rev-parse", "HEAD:"+name), buf)
			if because := refused[name]; because != nil {
				if !errors.Is(err, because) || len(buf) > 0 {
					t.Errorf("%s: got %d bytes and error %v, want %v", name, len(buf), err, because)
				}
			} else if err != nil || string(buf) != want {
				t.Errorf("%s: got %d bytes, %v; want %d", name, len(buf), err, len(want))
			}
		}
		if _, err := b.Read(idA, buf); !errors.Is(err, ErrAbsent) {
			t.Errorf("got error %v, want %v", err, ErrAbsent)
		}
		for _, id := range []string{"", "HEAD:text", idA[1:], idA[1:] + "\n", idA + "\n" + idB} {
			_, err := b.Read(id, buf)
			wantFault(t, err, fault.Failed, "no id of contents")
		}
	}
}

func TestBlobsConcurrently(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 50 {
		files[fmt.Sprint(i)] = strings.Repeat(fmt.Sprintln(i), 100*i)
	}
	dir := repository(t, files)
	b := blobs(t, open(t, dir))
	var all sync.WaitGroup
	for _, content := range files {
		id := blob(t, dir, content)
		all.Go(func() {
			for range 10 {
				if got, err := b.Read(id, nil); err != nil || string(got) != content {
					t.Errorf("got %d bytes, %v; want %d", len(got), err, len(content))
				}
			}
		})
	}
	all.Wait()
}

func TestBlobsOfOtherKinds(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a": "1"})
	b := blobs(t, open(t, dir))
	_, err := b.Read(shell(t, dir, "rev-parse", "HEAD^{tree}"), nil)
	wantFault(t, err, fault.Failed, "unknown answer")
	_, again := b.Read(shell(t, dir, "rev-parse", "HEAD:a"), nil)
	if !errors.Is(again, err) {
		t.Errorf("got %v after %v", again, err)
	}
}

func TestBlobsWithoutGit(t *testing.T) {
	t.Parallel()
	if _, err := blobs(t, open(t, folder(t, nil))).Read(idA, nil); !errors.Is(err, ErrAbsent) {
		t.Errorf("got error %v, want %v", err, ErrAbsent)
	}
}

func TestBlobsClosed(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a": "1"})
	b := blobs(t, open(t, dir))
	id := shell(t, dir, "rev-parse", "HEAD:a")
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(id, nil); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("got error %v, want it to wrap %v", err, fs.ErrClosed)
		}
	}
}

func TestBlobsCancelled(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a": "1"})
	ctx, cancel := context.WithCancel(t.Context())
	b, err := open(t, dir).Blobs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id := shell(t, dir, "rev-parse", "HEAD:a")
	cancel()
	for err == nil { // git may still answer before it is killed
		_, err = b.Read(id, nil)
	}
	wantFault(t, err, fault.Failed, "git cat-file was stopped")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to wrap context.Canceled", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadBlob(t *testing.T) {
	t.Parallel()
	head := idA + " blob "
	for _, tt := range []struct {
		name, in, want string
		err            error
		rest           string
		unknown        bool
	}{
		{name: "text", in: head + "2\nab\nrest", want: "ab", rest: "rest"},
		{name: "empty", in: head + "0\n\nrest", rest: "rest"},
		{name: "missing", in: idA + " missing\nrest", err: ErrAbsent, rest: "rest"},
		{name: "binary", in: head + "1\n\x00\nrest", err: ErrBinary, rest: "rest"},
		{name: "nothing", err: io.EOF},
		{name: "cut off in the header", in: head, err: io.EOF},
		{name: "cut off", in: head + "3\nab", err: io.ErrUnexpectedEOF},
		{name: "cut off before all", in: head + "3\n", err: io.ErrUnexpectedEOF},
		{name: "cut off at the end", in: head + "2\nab", err: io.ErrUnexpectedEOF},
		{name: "large and cut off", in: head + "99999999\nab", err: io.ErrUnexpectedEOF},
		{name: "longer than it says", in: head + "1\nab\n", unknown: true},
		{name: "another one", in: idB + " blob 2\nab\n", unknown: true},
		{name: "a tree", in: idA + " tree 2\nab\n", unknown: true},
		{name: "negative size", in: head + "-1\nab\n", unknown: true},
		{name: "no size", in: head + "x\nab\n", unknown: true},
		{name: "huge size", in: head + "99999999999999999999\nab\n", unknown: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := bufio.NewReader(strings.NewReader(tt.in))
			got, err := readBlob(in, idA, []byte("used before"))
			switch {
			case tt.unknown:
				if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got error %v", err)
				}
				return
			case !errors.Is(err, tt.err) || string(got) != tt.want:
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
			if rest, _ := io.ReadAll(in); string(rest) != tt.rest {
				t.Errorf("left %q, want %q", rest, tt.rest)
			}
		})
	}
}

func FuzzReadBlob(f *testing.F) {
	f.Add([]byte(idA + " blob 2\nab\n"))
	f.Add([]byte(idA + " missing\n"))
	f.Add([]byte(idA + " blob 16777217\nab\n"))
	f.Add([]byte(idA + " blob -0\n\n"))
	f.Add([]byte(idA + " commit 2\nab\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		got, err := readBlob(bufio.NewReader(bytes.NewReader(answer)), idA, nil)
		if err == nil {
			_, rest, _ := bytes.Cut(answer, []byte("\n"))
			if len(got) > maxSize || !bytes.HasPrefix(rest, append(got, '\n')) {
				t.Errorf("got %q of %q", got, answer)
			}
		} else if len(got) > 0 {
			t.Errorf("got %q with error %v", got, err)
		}
	})
}

func BenchmarkBlobs(b *testing.B) {
	forShapes(b, func(b *testing.B, dir string, _ int) {
		c := open(b, dir)
		var ids []string
		err := c.History(b.Context(), func(c Commit) bool {
			for _, f := range c.Changes {
				ids = append(ids, f.New)
			}
			return len(ids) < 1000
		})
		if err != nil {
			b.Fatal(err)
		}
		old := blobs(b, c)
		var buf []byte
		b.ResetTimer()
		for b.Loop() {
			for _, id := range ids[:1000] {
				if buf, err = old.Read(id, buf); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// TestBlobsAtOnce asks from many goroutines, and closes while they ask: each
// gets what it asked for, or learns that it was closed.
func TestBlobsAtOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("f%d", i)] = strings.Repeat(fmt.Sprintf("%d\n", i), i*50)
	}
	dir := repository(t, files)
	ids := map[string]string{}
	for line := range strings.Lines(shell(t, dir, "ls-tree", "HEAD")) {
		fields := strings.Fields(line)
		ids[fields[2]] = files[fields[3]]
	}
	for _, closing := range []bool{false, true} {
		b, err := open(t, dir).Blobs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for id, want := range ids {
			wait.Go(func() {
				got, err := b.Read(id, nil)
				if err == nil && string(got) != want || err != nil && (!closing || !errors.Is(err, fs.ErrClosed)) {
					t.Errorf("%s: %d bytes, %v; want %d", id, len(got), err, len(want))
				}
			})
		}
		if closing {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		wait.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := b.Read(slices.Collect(maps.Keys(ids))[0], nil); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
}
