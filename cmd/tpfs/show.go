package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/tpfs/tpfs/translate"
)

var showCommand = command{
	name:  "show",
	args:  "DUMP",
	short: "tell what is in a dump, and whether it can be moved",
	long: `
DUMP is a directory that criu dump has written. Its processes are printed, their
threads, and the call stack of each thread, with the innermost function first.
The names are those of the programs' own metadata, from either binary of a pair:
at the path that was dumped, or where --bin and --sysroot say.

The stack of a thread that is not at an equivalence point begins with the place
where it was stopped, and goes as far as its frame pointers can be followed.`,
	setup: func(flags *pflag.FlagSet) runFunc {
		asJSON := flags.Bool("json", false, "print the same as JSON")
		f := &translateFlags{arch: hostArch()}
		f.registerBinaries(flags)
		return func(args []string, stdout, stderr io.Writer) error {
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
	line := func(format string, args ...any) {
		text := printable(fmt.Sprintf(format, args...))
		fmt.Fprintln(w, strings.ReplaceAll(text, "\n", string(unicode.ReplacementChar))) // from a name
	}
	line("%s: dumped on %s, %d images, %s", r.Source, r.Arch, r.Images, size(uint64(r.Bytes)))
	for _, t := range r.Tasks {
		if t.Zombie {
			line("process %d (%s): a zombie", t.PID, t.Command)
			continue
		}
		line("process %d (%s): %s, %s of memory, %s of it in this dump",
			t.PID, t.Command, t.Executable, size(t.Mapped), size(t.Dumped))
		if t.Problem != "" {
			for _, problem := range strings.Split(t.Problem, "\n") {
				line("  cannot be moved: %s", problem)
			}
		}
		for _, th := range t.Threads {
			if th.Movable {
				line("  thread %d: can be moved; %s", th.TID, th.State)
			} else {
				line("  thread %d: cannot be moved: %s", th.TID, th.Reason)
			}
			if len(th.Stack) > 0 {
				line("    %s", strings.Join(th.Stack, " < "))
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
