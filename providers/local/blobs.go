package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/towpath-dev/towpath/internal/fault"
)

// ErrAbsent is wrapped by the error of [Blobs.Read] for contents that the
// repository does not have, as happens in a partial clone. Nothing is fetched.
var ErrAbsent = errors.New("contents are not in this clone")

// Blobs reads the contents of files, as commits have them, by their ids. It
// must be closed. Its methods may be called from several goroutines.
type Blobs struct {
	ctx    context.Context
	shadow string // the git directory to remove, "" if there is none

	mu     sync.Mutex
	git    *dialogue // nil without git
	broken error     // why no more can be read
}

// Blobs starts a git that answers until it is closed or ctx ends. Without git,
// all contents are absent.
func (c *Checkout) Blobs(ctx context.Context) (*Blobs, error) {
	b := &Blobs{ctx: ctx}
	if !c.IsGit() {
		return b, nil
	}
	cmd := command(ctx, c.dir, "cat-file", "--batch")
	if partial, hash := c.isPartial(); partial {
		shadow, err := remoteless(hash)
		if err != nil {
			return nil, err
		}
		b.shadow = shadow
		cmd.Env = append(cmd.Env, "GIT_DIR="+shadow, "GIT_OBJECT_DIRECTORY="+c.objects())
	}
	var err error
	if b.git, err = converse(ctx, cmd); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Read appends the contents with an id to buf[:0] and returns them. The error
// wraps [ErrAbsent], [ErrBinary] or [ErrTooLarge], the latter two in the sense
// of [Checkout.Read], or is a *fault.Error. After a *fault.Error that is not
// about the id, nothing can be read any more.
func (b *Blobs) Read(id string, buf []byte) ([]byte, error) {
	buf = buf[:0]
	if !isID(id) {
		return buf, fault.New(fault.Failed, "", "%q is no id of contents", id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.broken != nil:
		return buf, b.broken
	case b.git == nil:
		return buf, fmt.Errorf("read contents %.10s: %w", id, ErrAbsent)
	}
	b.git.ask([]byte(id + "\n"))
	buf, err := readBlob(b.git.out, id, buf)
	switch {
	case err == nil:
	case errors.Is(err, ErrAbsent), errors.Is(err, ErrBinary), errors.Is(err, ErrTooLarge):
		err = fmt.Errorf("read contents %.10s: %w", id, err)
	default:
		// What git says next would be taken for the answer to another question.
		b.broken = b.git.broken(b.ctx, err)
		b.git = nil
		return buf[:0], b.broken
	}
	return buf, err
}

// readBlob reads the answer of git cat-file --batch for an id: "id blob size",
// the contents and a newline, or "id missing". After [ErrAbsent], [ErrBinary]
// or [ErrTooLarge] the next answer can be read.
func readBlob(in *bufio.Reader, id string, buf []byte) ([]byte, error) {
	buf = buf[:0]
	line, err := in.ReadSlice('\n')
	if err != nil {
		return buf, err
	}
	answer, ok := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), id+" ")
	if ok && answer == "missing" {
		return buf, ErrAbsent
	}
	digits, isBlob := strings.CutPrefix(answer, "blob ")
	size, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case !ok || !isBlob || err != nil || size < 0:
		return buf, fmt.Errorf("unknown answer %q", line)
	case size > maxSize:
		if _, err := io.CopyN(io.Discard, in, size); err != nil {
			return buf, cutOff(err)
		}
		err = ErrTooLarge
	default:
		buf = slices.Grow(buf, int(size))[:size]
		if _, err := io.ReadFull(in, buf); err != nil {
			return buf[:0], cutOff(err)
		}
		if bytes.IndexByte(buf[:min(len(buf), sniffed)], 0) >= 0 {
			buf, err = buf[:0], ErrBinary
		}
	}
	var end [1]byte
	if _, e := io.ReadFull(in, end[:]); e != nil {
		return buf[:0], cutOff(e)
	}
	if end[0] != '\n' {
		return buf[:0], fmt.Errorf("%q behind contents of %d bytes", end[0], size)
	}
	return buf, err
}

// cutOff returns the error for an answer that ends early.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close ends git. It may be called more than once; nothing can be read after.
func (b *Blobs) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.git != nil {
		b.git.end()
		b.git = nil
	}
	if b.broken == nil {
		b.broken = &fault.Error{Code: fault.Failed, Message: "read contents from git", Err: fs.ErrClosed}
	}
	if b.shadow == "" {
		return nil
	}
	err := os.RemoveAll(b.shadow)
	b.shadow = ""
	return err
}
