package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// dialogue is a git under way that answers questions, line by line, until it
// is ended. It serves one goroutine at a time.
type dialogue struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said *head
	sent chan struct{} // closed when git has been told all of the last question
}

// converse starts a git that is killed when ctx is done.
func converse(ctx context.Context, cmd *exec.Cmd) (*dialogue, error) {
	d := &dialogue{cmd: cmd, said: &head{}, sent: make(chan struct{})}
	close(d.sent)
	cmd.Stderr = d.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	d.in, d.out = in, bufio.NewReaderSize(out, 64<<10)
	if err := cmd.Start(); err != nil {
		return nil, judge(ctx, cmd, err, d.said)
	}
	return d, nil
}

// ask hands git a question of any length, while the answer is read. The answer
// to the one before must have been read. Should git end, that shows in its
// answer.
func (d *dialogue) ask(question []byte) {
	<-d.sent
	// A pipe holds at least this much everywhere, so git need not read it first.
	if len(question) <= 512 {
		_, _ = d.in.Write(question)
		return
	}
	d.sent = make(chan struct{})
	go func(sent chan struct{}) {
		defer close(sent)
		_, _ = d.in.Write(question)
	}(d.sent)
}

// broken ends git after an answer that could not be read, and says why.
func (d *dialogue) broken(ctx context.Context, err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		d.end()
		return unlisted(subcommand(d.cmd), err)
	}
	ended := judge(ctx, d.cmd, d.cmd.Wait(), d.said)
	<-d.sent
	if ended != nil {
		return ended
	}
	return unlisted(subcommand(d.cmd), err)
}

// end kills git, wherever it is.
func (d *dialogue) end() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
	<-d.sent
}
