package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tpfs/tpfs/translate"
)

var showCommand = command{
	name:  "show",
	args:  "DUMP",
	short: "tell what is in a dump, and whether it can be moved",
	long: `
The call stacks are told by the programs' own metadata, from either binary of
a pair: at the path that was dumped, or where --bin and --sysroot say.`,
	setup: func(flags *pflag.FlagSet) runFunc {
		asJSON := flags.Bool("json", false, "print JSON")
		f := &translateFlags{arch: hostArch()}
		f.registerBinaries(flags)
		return func(args []string, stdout, stderr io.Writer) error {
			if err := exactArgs(args, "DUMP"); err != nil {
				return err
			}
			o, err := f.options(args[0])
			if err != nil {
				return err
			}
			r, err := translate.Inspect(o)
			if err != nil {
				return withCode(exitImage, err)
			}
			if *asJSON {
				e := json.NewEncoder(stdout)
				e.SetIndent("", "  ")
				return e.Encode(r)
			}
			printReport(stdout, r)
			return nil
		}
	},
}

func printReport(w io.Writer, r *translate.Report) {
	fmt.Fprintf(w, "%s: dumped on %s, %d images, %s\n", r.Source, r.Arch, r.Images, size(uint64(r.Bytes)))
	for _, t := range r.Tasks {
		if t.Zombie {
			fmt.Fprintf(w, "process %d (%s): a zombie\n", t.PID, t.Command)
			continue
		}
		fmt.Fprintf(w, "process %d (%s): %s, %s of memory, %s of it in this dump\n",
			t.PID, t.Command, t.Executable, size(t.Mapped), size(t.Dumped))
		if t.Problem != "" {
			fmt.Fprintf(w, "  cannot be moved: %s\n", t.Problem)
			continue
		}
		for _, th := range t.Threads {
			if th.Movable {
				fmt.Fprintf(w, "  thread %d: can be moved; %s\n    %s\n", th.TID, th.State, strings.Join(th.Stack, " < "))
			} else {
				fmt.Fprintf(w, "  thread %d: cannot be moved: %s\n", th.TID, th.Reason)
			}
		}
	}
}

// size in words: a power of two with one digit behind the point.
func size(n uint64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	f, u := float64(n), 0
	for f >= 1024 && u < len(units)-1 {
		f, u = f/1024, u+1
	}
	if u == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}
