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
	"os/exec"
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
	shadow string        // the git directory to remove, "" if there is none
	asking chan struct{} // holds one for each question under way

	// Questions are asked without waiting for the answers to those before, but
	// the answers are read in turn.
	mu     sync.Mutex
	git    *dialogue     // nil without git
	turn   chan struct{} // closed when the answers to all questions were read
	closed bool          // no more questions are taken
	broken error         // why no more can be read
}

// maxAsking bounds the questions under way: all of them must find room in the
// pipe, since git does not read on while nobody reads its answers.
const maxAsking = 16

// Blobs starts a git that answers until it is closed or ctx ends. Without git,
// all contents are absent.
func (c *Checkout) Blobs(ctx context.Context) (*Blobs, error) {
	b := &Blobs{ctx: ctx, asking: make(chan struct{}, maxAsking), turn: make(chan struct{})}
	close(b.turn)
	if !c.IsGit() {
		return b, nil
	}
	cmd, shadow, err := c.catFile(ctx)
	if err != nil {
		return nil, err
	}
	b.shadow = shadow
	if b.git, err = converse(ctx, cmd); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// catFile returns the git that answers with contents. In a partial clone it
// works in another git directory, which the caller removes.
func (c *Checkout) catFile(ctx context.Context) (cmd *exec.Cmd, shadow string, err error) {
	cmd = command(ctx, c.dir, "cat-file", "--batch")
	if partial, hash := c.isPartial(); partial {
		if shadow, err = remoteless(hash); err != nil {
			return nil, "", err
		}
		cmd.Env = append(cmd.Env, "GIT_DIR="+shadow, "GIT_OBJECT_DIRECTORY="+c.objects())
	}
	return cmd, shadow, nil
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
	b.asking <- struct{}{}
	defer func() { <-b.asking }()
	b.mu.Lock()
	git, turn, err := b.git, b.turn, b.broken
	switch {
	case err != nil:
	case b.closed:
		err = errClosed
	case git == nil:
		err = fmt.Errorf("read contents %.10s: %w", id, ErrAbsent)
	}
	if err != nil {
		b.mu.Unlock()
		return buf, err
	}
	git.ask([]byte(id + "\n"))
	mine := make(chan struct{})
	b.turn = mine
	b.mu.Unlock()

	<-turn
	defer close(mine)
	if err := b.fault(); err != nil { // of a question before
		return buf, err
	}
	buf, err = readBlob(git.out, id, buf)
	switch {
	case err == nil:
	case errors.Is(err, ErrAbsent), errors.Is(err, ErrBinary), errors.Is(err, ErrTooLarge):
		err = fmt.Errorf("read contents %.10s: %w", id, err)
	default:
		// What git says next would be taken for the answer to another question.
		err = git.broken(b.ctx, err)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.broken, b.git = err, nil
		return buf[:0], err
	}
	return buf, err
}

// fault returns why no more can be read, nil if more can.
func (b *Blobs) fault() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
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

// Close ends git, once the questions under way are answered. It may be called
// more than once; nothing can be read after.
func (b *Blobs) Close() error {
	b.mu.Lock()
	b.closed = true
	turn := b.turn
	b.mu.Unlock()
	<-turn
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.git != nil {
		b.git.end()
		b.git = nil
	}
	if b.shadow == "" {
		return nil
	}
	err := os.RemoveAll(b.shadow)
	b.shadow = ""
	return err
}

var errClosed = &fault.Error{Code: fault.Failed, Message: "read contents from git", Err: fs.ErrClosed}
