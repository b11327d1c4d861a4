// Command compare runs towpath beside grep, yq and kustomize: how long each
// takes on a generated config repo and on a large file, how much memory, and
// in how many files of a given folder each changes bytes other than the tag.
// It judges nothing but that towpath changes none; timings are for people.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// options are the command line. Without dirs the speed is compared.
type options struct {
	tools
	apps, files, runs int
	size              int // of a large file, in bytes
	dirs              []string
	list              bool
}

func main() {
	if err := command(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func command(args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == measureVerb {
		return measure(args[1:], out)
	}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, line := range o.find() {
		fmt.Fprintln(out, line)
	}
	if len(o.dirs) == 0 {
		return speed(out, o)
	}
	for _, dir := range o.dirs {
		if err := fidelity(out, subject{name: dir, dir: dir}, o); err != nil {
			return err
		}
	}
	return nil
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.StringVar(&o.towpath, "towpath", "towpath", "the towpath `program`")
	f.StringVar(&o.yq, "yq", "yq", "the yq `program` (mikefarah/yq v4)")
	f.StringVar(&o.kustomize, "kustomize", "kustomize", "the kustomize `program`")
	f.IntVar(&o.apps, "apps", 1000, "apps in the generated config repo")
	f.IntVar(&o.files, "files", 10000, "files in the generated config repo, ten an app or more")
	f.IntVar(&o.runs, "runs", 7, "measured runs of each tool")
	f.IntVar(&o.size, "size", 5_000_000, "`bytes` in a large file")
	f.Func("dir", "count, in a copy of this `folder`, what each tool changes beside the tags; may be repeated", func(dir string) error {
		o.dirs = append(o.dirs, dir)
		return nil
	})
	f.BoolVar(&o.list, "list", false, "with -dir, name the files in which other bytes changed")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.runs < 1:
		return o, fmt.Errorf("-runs is %d: at least one is needed", o.runs)
	case o.apps <= sidecarEvery/2:
		return o, fmt.Errorf("-apps is %d: more than %d are needed for one to carry the bumped image", o.apps, sidecarEvery/2)
	case o.files < o.apps*filesPerApp:
		return o, fmt.Errorf("-files is %d: %d apps have %d", o.files, o.apps, o.apps*filesPerApp)
	}
	return o, nil
}
