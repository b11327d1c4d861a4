package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/providers"
)

// maxArguments is how many bytes of paths a command line may hold: Windows
// takes 32,767 characters in all.
const maxArguments = 24 << 10

// Files reads with two processes, however many paths there are. Contents that a
// partial clone lacks are an error that wraps [ErrAbsent].
func (r *Repository) Files(ctx context.Context, sha string, paths []string) (map[string]providers.File, error) {
	entries, err := r.entries(ctx, sha, paths)
	if err != nil {
		return nil, err
	}
	files := make(map[string]providers.File, len(entries))
	var blobs []providers.Entry
	for _, e := range entries {
		if e.Mode == providers.Submodule {
			files[e.Path] = providers.File{Entry: e}
		} else {
			blobs = append(blobs, e)
		}
	}
	err = r.read(ctx, blobs, func(f providers.File) { files[f.Path] = f })
	if err != nil {
		return nil, err
	}
	return files, nil
}

// entries returns those of the paths that a commit has, without their sizes.
func (r *Repository) entries(ctx context.Context, sha string, paths []string) ([]providers.Entry, error) {
	wanted, length := map[string]bool{}, 0
	for _, p := range paths {
		if isPath(p) {
			wanted[p] = true
			length += len(p) + 1
		}
	}
	if len(wanted) == 0 || !isID(sha) {
		_, err := r.commit(ctx, sha)
		return nil, err
	}
	args := []string{"ls-tree", "-z", "--full-tree", sha + "^{commit}"}
	if length > maxArguments {
		args = slices.Insert(args, 1, "-r")
	} else {
		args = append(args, "--")
		for p := range wanted {
			args = append(args, p)
		}
	}
	out, err := r.git(ctx, args...)
	if err != nil {
		return nil, r.because(ctx, err, sha)
	}
	all, err := parseEntries(string(out))
	if err != nil {
		return nil, unlisted("ls-tree", err)
	}
	return slices.DeleteFunc(all, func(e providers.Entry) bool { return !wanted[e.Path] }), nil
}

// isPath reports whether a commit can have a file of this path.
func isPath(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return false
		}
	}
	return true
}

// parseEntries reads what git ls-tree -z prints, with -l or without: "mode type
// id", with -l a size, a tab, the path and a NUL. Folders are left out.
func parseEntries(out string) ([]providers.Entry, error) {
	var entries []providers.Entry
	for out != "" {
		record, rest, ended := strings.Cut(out, "\x00")
		about, path, ok := strings.Cut(record, "\t")
		fields := strings.Fields(about)
		if !ended || !ok || path == "" || len(fields) < 3 || len(fields) > 4 || !isID(fields[2]) {
			return nil, fmt.Errorf("unknown entry %q", record)
		}
		out = rest
		if fields[1] == "tree" {
			continue
		}
		e := providers.Entry{Path: path, ID: fields[2], Size: -1}
		if e.Mode, ok = providers.ParseMode(fields[0]); !ok {
			return nil, fmt.Errorf("unknown mode in %q", record)
		}
		if len(fields) == 4 && fields[3] != "-" {
			size, err := strconv.ParseInt(fields[3], 10, 64)
			if err != nil || size < 0 {
				return nil, fmt.Errorf("unknown size in %q", record)
			}
			e.Size = size
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// read calls yield with what the entries hold, in their order.
func (r *Repository) read(ctx context.Context, entries []providers.Entry, yield func(providers.File)) (err error) {
	if len(entries) == 0 {
		return nil
	}
	cmd, shadow, err := r.c.catFile(ctx)
	if err != nil {
		return err
	}
	if shadow != "" {
		defer func() { err = errors.Join(err, os.RemoveAll(shadow)) }()
	}
	cmd.Env = append(cmd.Env, asItWas)
	var question strings.Builder
	for _, e := range entries {
		question.WriteString(e.ID + "\n")
	}
	d, err := converse(ctx, cmd)
	if err != nil {
		return err
	}
	d.ask([]byte(question.String()))
	for _, e := range entries {
		f, err := readWhole(d.out, e)
		switch {
		case errors.Is(err, ErrAbsent):
			d.end()
			return &fault.Error{
				Code: fault.Failed, Message: "read the file from git", Path: e.Path, Err: ErrAbsent,
				Hint: "in a clone that was made with --filter, get it with `git cat-file -e " + e.ID + "`",
			}
		case err != nil:
			return d.broken(ctx, err)
		}
		yield(f)
	}
	d.end()
	return nil
}

// readWhole reads the answer of git cat-file --batch for an entry, as
// [readBlob] does, with any contents.
func readWhole(in *bufio.Reader, e providers.Entry) (providers.File, error) {
	f := providers.File{Entry: e}
	line, err := in.ReadString('\n')
	if err != nil {
		return f, err
	}
	if line == e.ID+" missing\n" {
		return f, ErrAbsent
	}
	digits, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), e.ID+" blob ")
	size, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || size < 0 {
		return f, fmt.Errorf("unknown answer %q", line)
	}
	f.Size = size
	if e.Mode.IsFile() && size <= providers.MaxFile {
		f.Content = make([]byte, size)
		_, err = io.ReadFull(in, f.Content)
	} else {
		_, err = io.CopyN(io.Discard, in, size)
	}
	if err != nil {
		return f, cutOff(err)
	}
	end, err := in.ReadByte()
	if err == nil && end != '\n' {
		return f, fmt.Errorf("%q behind contents of %d bytes", end, size)
	}
	if err != nil {
		return f, cutOff(err)
	}
	return f, nil
}

// Tree has no sizes in a partial clone, where git would have to fetch files to
// tell them.
func (r *Repository) Tree(ctx context.Context, sha string) ([]providers.Entry, error) {
	if !isID(sha) {
		return nil, unknown(sha)
	}
	args := []string{"ls-tree", "-r", "-z", "--full-tree", sha + "^{commit}"}
	if partial, _ := r.c.isPartial(); !partial {
		args = slices.Insert(args, 1, "-l")
	}
	out, err := r.git(ctx, args...)
	if err != nil {
		return nil, r.because(ctx, err, sha)
	}
	entries, err := parseEntries(string(out))
	if err != nil {
		return nil, unlisted("ls-tree", err)
	}
	slices.SortFunc(entries, func(a, b providers.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries, nil
}

// Archive packs with git archive, which obeys .gitattributes and the
// repository's own info/attributes.
func (r *Repository) Archive(ctx context.Context, sha string) (io.ReadCloser, error) {
	if _, err := r.commit(ctx, sha); err != nil {
		return nil, err
	}
	cmd, err := r.command(ctx, "archive", "--format=tar.gz", "--prefix=x/", sha)
	if err != nil {
		return nil, err
	}
	a := &archive{ctx: ctx, cmd: cmd}
	cmd.Stderr = &a.said
	if a.out, err = cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, judge(ctx, cmd, err, &a.said)
	}
	return a, nil
}

// archive is a git archive under way. Its end is reported only once git says
// that it was all.
type archive struct {
	ctx  context.Context
	cmd  *exec.Cmd
	out  io.ReadCloser
	said head
	err  error // set when git has ended
}

func (a *archive) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.out.Read(p)
	if err == nil {
		return n, nil
	}
	a.err = judge(a.ctx, a.cmd, a.cmd.Wait(), &a.said)
	if a.err == nil {
		a.err = err
	}
	return n, a.err
}

func (a *archive) Close() error {
	if a.err == nil {
		a.err = os.ErrClosed
		// The program that compresses ends when nobody reads it any more.
		_ = a.out.Close()
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
	}
	return nil
}
