// Command tpfs shows CRIU dumps translated to another CPU architecture.
//
// Each command is one file with one variable of type command; the table below
// is the only place that knows them all.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"
)

// commands are in the order of the help text.
var commands = []command{
	mountCommand,
	umountCommand,
	checkCommand,
	showCommand,
	convertCommand,
	pauseCommand,
	resumeCommand,
}

// command is what a person can type after "tpfs".
type command struct {
	name  string
	args  string // the positional arguments, as in "SRC DST"
	short string // one line, no full stop
	long  string // further paragraphs of its help; may be empty

	// setup declares the flags and returns the function that does the work.
	setup func(flags *pflag.FlagSet) runFunc
}

// runFunc runs a command with its positional arguments, of which there are as
// many as it takes. What it returns is
// printed by main, and decides the exit code, see exitCode.
type runFunc func(args []string, stdout, stderr io.Writer) error

func main() {
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// run is main with everything that a test wants to hold in its hands.
func run(argv []string, stdout, stderr io.Writer) int {
	err := dispatch(filepath.Base(argv[0]), argv[1:], stdout, stderr)
	if text := errorText(err); text != "" {
		fmt.Fprintf(stderr, "tpfs: %s\n", text)
	}
	return exitCode(err)
}

func dispatch(program string, args []string, stdout, stderr io.Writer) error {
	// mount(8) calls mount.TYPE; libfuse's mount.fuse3 calls the program
	// itself with source and mountpoint. No command has a slash in its name.
	if strings.HasPrefix(program, "mount.") || len(args) > 1 && strings.Contains(args[0], "/") {
		return mountHelper(args, stdout, stderr)
	}
	if len(args) == 0 {
		printHelp(stderr)
		return usageErrorf("")
	}
	switch args[0] {
	case "-h", "--help":
		printHelp(stdout)
		return nil
	case "-V", "--version", "version":
		fmt.Fprintln(stdout, version())
		return nil
	case "help":
		return help(args[1:], stdout)
	}
	c, err := findCommand(args[0])
	if err != nil {
		return err
	}
	flags := c.flagSet()
	do := c.setup(flags)
	err = flags.Parse(args[1:])
	if errors.Is(err, pflag.ErrHelp) {
		c.printHelp(stdout)
		return nil
	}
	if err != nil {
		return c.usageError(err)
	}
	if err := exactArgs(c.name, flags.Args(), c.args); err != nil {
		return c.usageError(err)
	}
	return do(flags.Args(), stdout, stderr)
}

func (c *command) usageError(err error) error {
	return usageErrorf("%v\nTry 'tpfs help %s'.", err, c.name)
}

func (c *command) flagSet() *pflag.FlagSet {
	flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard) // we print errors ourselves
	flags.Usage = func() {}
	flags.SortFlags = false
	return flags
}

func findCommand(name string) (*command, error) {
	best, distance := "", 3
	for i, c := range commands {
		if c.name == name {
			return &commands[i], nil
		}
		if d := editDistance(name, c.name); d < distance {
			best, distance = c.name, d
		}
	}
	hint := "See 'tpfs --help'."
	if best != "" {
		hint = fmt.Sprintf("Did you mean 'tpfs %s'?", best)
	}
	return nil, usageErrorf("unknown command %q. %s", name, hint)
}

func help(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		printHelp(stdout)
		return nil
	}
	c, err := findCommand(args[0])
	if err != nil {
		return err
	}
	c.printHelp(stdout)
	return nil
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "tpfs shows CRIU dumps as if they came from another CPU architecture.\n\nUsage: tpfs COMMAND [FLAGS] ARGS\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.short)
	}
	fmt.Fprintf(w, `
  help COMMAND tells more of one of them; --version prints the version.

A process moves like this, from one host to another that sees the same files:
  tpfs pause PID && criu dump -t PID -D /nfs/dump
  tpfs mount /nfs/dump /mnt && criu restore -D /mnt

Exit codes:
%s`, exitCodesHelp)
}

func (c *command) printHelp(w io.Writer) {
	flags := c.flagSet()
	c.setup(flags)
	fmt.Fprintf(w, "%s.\n\nUsage: tpfs %s", upperFirst(c.short), c.name)
	if flags.HasFlags() {
		fmt.Fprint(w, " [FLAGS]")
	}
	fmt.Fprintf(w, " %s\n", c.args)
	if c.long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.long))
	}
	if flags.HasFlags() {
		fmt.Fprintf(w, "\nFlags:\n%s", flags.FlagUsages())
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// version tells from what this program was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "tpfs (unknown version)"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	text := "tpfs " + info.Main.Version
	if rev := set["vcs.revision"]; rev != "" {
		text += " " + rev[:min(12, len(rev))]
		if set["vcs.modified"] == "true" {
			text += " (modified)"
		}
	}
	return fmt.Sprintf("%s, %s, %s/%s", text, info.GoVersion, set["GOOS"], set["GOARCH"])
}

// editDistance is how many letters must be inserted, removed or replaced to
// make one word of the other.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
