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
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
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
		if old, now, _ := strings.Cut(string(line[:len(line)-1]), " "); old != p.old || now != p.new {
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
	fields := bytes.Split(about[1:len(about)-1], []byte(" "))
	if len(fields) != 5 || len(fields[4]) == 0 {
		return FileChange{}, fmt.Errorf("unknown change %q", about)
	}
	old, err := parseSide(fields[0], fields[2])
	if err != nil {
		return FileChange{}, err
	}
	now, err := parseSide(fields[1], fields[3])
	if err != nil {
		return FileChange{}, err
	}
	change := FileChange{Old: old, New: now}
	letter := fields[4][0]
	if change.Path, err = readPath(in); err != nil {
		return FileChange{}, err
	}
	change.OldPath = change.Path
	switch letter {
	case 'A', 'D', 'M', 'T':
	case 'R':
		if change.Path, err = readPath(in); err != nil {
			return FileChange{}, err
		}
	default:
		return FileChange{}, fmt.Errorf("unknown change %q of %q", letter, change.Path)
	}
	if old == now && (old == "" || change.OldPath == change.Path) {
		return FileChange{}, nil
	}
	return change, nil
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

// parseSide returns the id of the contents on one side of a change, "" if it
// is no regular file.
func parseSide(mode, id []byte) (string, error) {
	if len(mode) != 6 || !isID(string(id)) {
		return "", fmt.Errorf("unknown mode %q or object %q", mode, id)
	}
	if !bytes.HasPrefix(mode, []byte("100")) {
		return "", nil
	}
	return string(id), nil
}

// parseChange reads the change that out begins with, as readChange does.
func parseChange(out []byte) (change FileChange, rest []byte, err error) {
	in := bytes.NewReader(out)
	lines := bufio.NewReader(in)
	change, err = readChange(lines)
	return change, out[len(out)-in.Len()-lines.Buffered():], err
}
