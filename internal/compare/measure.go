package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// sample is what one run of a command cost, with all the processes that it
// waited for. Peak is the greatest resident set among them, in bytes, and 0
// where the system does not tell.
type sample struct {
	Wall, CPU time.Duration
	Peak      int64
}

// measureVerb, as the first argument, makes this program run the rest as a
// command and print its sample as JSON.
const measureVerb = "measure"

// run runs argv in dir and returns what it cost. It is started by a fresh copy
// of this program: Linux counts the memory of the process that starts another
// as if it were the other's own, so the starter has to be small. What it takes
// itself, about 4 MB, is the least peak that can be seen.
func run(dir string, argv []string) (sample, error) {
	self, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(self, append([]string{measureVerb}, argv...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("run %s: %w: %s", short(argv), err, lastLine(errs.String()))
	}
	var s sample
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		return sample{}, fmt.Errorf("read the cost of %s: %w", short(argv), err)
	}
	return s, nil
}

// measure is the other side of run.
func measure(argv []string, out io.Writer) error {
	if len(argv) == 0 {
		return errors.New("no command to measure")
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	// A pipe, not the null device: GNU grep stops at its first match when it
	// sees that nobody will read the rest.
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return err
	}
	state := cmd.ProcessState
	return json.NewEncoder(out).Encode(sample{
		Wall: wall,
		CPU:  state.UserTime() + state.SystemTime(),
		Peak: peak(state),
	})
}

func short(argv []string) string {
	const most = 6
	if len(argv) > most {
		argv = append(append([]string{}, argv[:most]...), "…")
	}
	return strings.Join(argv, " ")
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
