package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
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
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said *head
	ctx  context.Context

	mu     sync.Mutex
	broken error // why no more can be read
}

// Blobs starts a git that answers until it is closed or ctx ends.
func (c *Checkout) Blobs(ctx context.Context) (*Blobs, error) {
	b := &Blobs{cmd: command(ctx, c.dir, "cat-file", "--batch"), said: &head{}, ctx: ctx}
	b.cmd.Stderr = b.said
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("read contents from git: %w", err)
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("read contents from git: %w", err)
	}
	b.out = bufio.NewReaderSize(out, 64<<10)
	if err := b.cmd.Start(); err != nil {
		return nil, judge(ctx, b.cmd, err, b.said)
	}
	return b, nil
}

// Read appends the contents with an id to buf[:0] and returns them. The error
// wraps [ErrAbsent], [ErrBinary] and [ErrTooLarge], in the sense of
// [Checkout.Read], or is a *fault.Error.
func (b *Blobs) Read(id string, buf []byte) ([]byte, error) {
	buf = buf[:0]
	if !isID(id) {
		return buf, fault.New(fault.Failed, "", "%q is no id of contents", id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return buf, b.broken
	}
	out, err := b.read(id, buf)
	if err != nil && !errors.Is(err, ErrAbsent) && !errors.Is(err, ErrBinary) && !errors.Is(err, ErrTooLarge) {
		// What git says next would be taken for the answer to another question.
		b.broken = &fault.Error{Code: fault.Failed, Message: "read contents from git", Err: err}
		if b.ctx.Err() != nil {
			b.broken = &fault.Error{Code: fault.Failed, Message: "reading contents was stopped", Err: context.Cause(b.ctx)}
		}
		err = b.broken
	}
	return out, err
}

func (b *Blobs) read(id string, buf []byte) ([]byte, error) {
	if _, err := io.WriteString(b.in, id+"\n"); err != nil {
		return buf, err
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return buf, err
	}
	size, err := parseAnswer(strings.TrimSuffix(line, "\n"), id)
	if err != nil {
		return buf, err
	}
	if size > maxSize {
		if _, err := io.CopyN(io.Discard, b.out, size+1); err != nil {
			return buf, err
		}
		return buf, fmt.Errorf("contents %.10s: %w", id, ErrTooLarge)
	}
	if int64(cap(buf)) < size+1 {
		buf = make([]byte, 0, size+1)
	}
	buf = buf[:size+1]
	if _, err := io.ReadFull(b.out, buf); err != nil {
		return buf[:0], err
	}
	buf = buf[:size]
	if bytes.IndexByte(buf[:min(len(buf), sniffed)], 0) >= 0 {
		return buf[:0], fmt.Errorf("contents %.10s: %w", id, ErrBinary)
	}
	return buf, nil
}

// parseAnswer reads "id blob size", or "id missing".
func parseAnswer(line, id string) (size int64, err error) {
	rest, ok := strings.CutPrefix(line, id+" ")
	if !ok {
		return 0, fmt.Errorf("unknown answer %q", line)
	}
	if rest == "missing" {
		return 0, fmt.Errorf("contents %.10s: %w", id, ErrAbsent)
	}
	digits, ok := strings.CutPrefix(rest, "blob ")
	if !ok {
		return 0, fmt.Errorf("unknown answer %q", line)
	}
	size, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || size < 0 {
		return 0, fmt.Errorf("unknown answer %q", line)
	}
	return size, nil
}

// Close ends git. It may be called more than once.
func (b *Blobs) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd.ProcessState != nil {
		return nil
	}
	b.in.Close()
	if err := judge(b.ctx, b.cmd, b.cmd.Wait(), b.said); b.broken == nil && b.ctx.Err() == nil {
		return err
	}
	return nil
}
