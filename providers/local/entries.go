package local

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// commitFormat is what readCommits reads: a line "commit ID" that git puts
// before it, then the tree, the time and so on, a line each. The trailers come
// last, as there may be several, and end with a NUL.
const commitFormat = "--format=%T%n%ct%n%aN%n%aE%n%s%n%(trailers:key=Towpath-Requested-By,valueonly,unfold)%x00"

// listed is a commit before its changes are known.
type listed struct {
	Commit
	tree string
}

// readCommits calls yield with the commits that git lists, until it returns
// false. The error wraps [io.ErrUnexpectedEOF] if the last one is cut off.
func readCommits(in io.Reader, yield func(listed) bool) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for {
		record, err := lines.ReadString(0)
		switch {
		case errors.Is(err, io.EOF) && (record == "" || record == "\n"):
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("commit %q: %w", record, io.ErrUnexpectedEOF)
		case err != nil:
			return err
		}
		l, err := parseCommit(strings.TrimPrefix(record[:len(record)-1], "\n"))
		if err != nil {
			return err
		}
		if !yield(l) {
			return nil
		}
	}
}

func parseCommit(record string) (listed, error) {
	lines := strings.SplitN(record, "\n", 7)
	if len(lines) < 7 {
		return listed{}, fmt.Errorf("unknown commit %q", record)
	}
	sha, ok := strings.CutPrefix(lines[0], "commit ")
	if tree := lines[1]; !ok || !isID(sha) || !isID(tree) || len(sha) != len(tree) {
		return listed{}, fmt.Errorf("unknown commit %q", record)
	}
	l := listed{tree: lines[1], Commit: Commit{
		SHA:     sha,
		Author:  valid(lines[3]),
		Email:   valid(lines[4]),
		Subject: valid(lines[5]),
	}}
	if seconds, err := strconv.ParseInt(lines[2], 10, 64); err == nil {
		l.Time = time.Unix(seconds, 0).UTC()
	}
	requests := strings.TrimRight(lines[6], "\n")
	l.RequestedBy = valid(strings.TrimSpace(requests[strings.LastIndexByte(requests, '\n')+1:]))
	return l, nil
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// isID reports whether s is the id of an object in full, in SHA-1 or SHA-256.
func isID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// emptyTree returns the id of the tree without entries, which git knows even
// where it is not stored, in the hash of another id.
func emptyTree(like string) string {
	if len(like) == 64 {
		return "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
	}
	return "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
}

// pair is two trees to compare, by their ids.
type pair struct{ old, new string }

// enough is a line after which git prints all that it has to say about the
// pairs before, and then the line itself, since it is none.
const enough = "enough\n"

// readChanges reads what git diff-tree --stdin -z prints for pairs of trees and
// then enough: for each pair a line with the ids, and for each file that
// differs ":mode mode id id letter", a NUL, the path, and a NUL; with the
// letter R two paths.
func readChanges(in *bufio.Reader, pairs []pair) ([][]FileChange, error) {
	all := make([][]FileChange, len(pairs))
	for i, p := range pairs {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if string(line) != p.old+" "+p.new+"\n" {
			return nil, fmt.Errorf("%q instead of the trees %s and %s", line, p.old, p.new)
		}
		for {
			if next, err := in.Peek(1); err != nil {
				return nil, err
			} else if next[0] != ':' {
				break
			}
			change, err := readChange(in)
			if err != nil {
				return nil, err
			}
			if change != (FileChange{}) {
				all[i] = append(all[i], change)
			}
		}
	}
	line, err := in.ReadSlice('\n')
	if err == nil && string(line) != enough {
		err = fmt.Errorf("%q instead of the end", line)
	}
	return all, err
}

// readChange reads one file. The result is empty if there is no regular file on
// either side, or if only the mode changed.
func readChange(in *bufio.Reader) (FileChange, error) {
	about, err := in.ReadSlice(0)
	if err != nil {
		return FileChange{}, err
	}
	change, letter, ok := parseAbout(about[:len(about)-1])
	if !ok {
		return FileChange{}, fmt.Errorf("unknown change %q", about)
	}
	if change.OldPath, err = readPath(in); err != nil {
		return FileChange{}, err
	}
	change.Path = change.OldPath
	if letter == 'R' {
		if change.Path, err = readPath(in); err != nil {
			return FileChange{}, err
		}
	}
	if change.Old == change.New && (change.Old == "" || change.OldPath == change.Path) {
		return FileChange{}, nil
	}
	return change, nil
}

// parseAbout reads ":mode mode id id letter", where a number may follow. The
// ids are "" for what is no regular file. This is done for each file that ever
// changed, so it makes no more than one string.
func parseAbout(about []byte) (change FileChange, letter byte, ok bool) {
	const start = len(":100644 100644 ")
	size := bytes.IndexByte(about[min(len(about), start):], ' ')
	end := start + 2*size + 1 // of the second id
	if size < 0 || len(about) < end+2 || about[0] != ':' || about[7] != ' ' || about[14] != ' ' || about[end] != ' ' {
		return FileChange{}, 0, false
	}
	ids := string(about[start:end])
	old, now := ids[:size], ids[size+1:]
	if !isID(old) || !isID(now) {
		return FileChange{}, 0, false
	}
	if isRegular(string(about[1:7])) {
		change.Old = old
	}
	if isRegular(string(about[8:14])) {
		change.New = now
	}
	letter = about[end+1]
	return change, letter, strings.IndexByte("ADMRT", letter) >= 0
}

func readPath(in *bufio.Reader) (string, error) {
	path, err := in.ReadSlice(0)
	if err == nil && len(path) == 1 {
		err = errors.New("change without a path")
	}
	if err != nil {
		return "", err
	}
	return string(path[:len(path)-1]), nil
}
