package driver

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/toolchain/layout"
)

// machine is the name of the programs that run on the build host, as
// config.guess and -dumpmachine have it.
const machine = "x86_64-linux-musl"

const help = `usage: tpcc [OPTION]... FILE...

Compiles C and assembly, and links a pair: FILE for x86-64 and FILE.aarch64.
The options are those of clang and gcc. Of its own, tpcc has:

  -fno-portable-frames    the functions of the sources cannot be moved
  --explain PROGRAM       list the functions of a pair that cannot be moved, and why
  --compare PROGRAM       prove that PROGRAM and PROGRAM.aarch64 have the same layout
  --complete BUILT DIR    put the other files of pairs, from the folder BUILT, beside
                          the programs in DIR that have none, as after make install
  --join [--private] X86 AARCH64 -o OUT
                          make one object or archive of one for each ISA; with
                          --private, each ISA has its code at addresses of its own
`

// question answers what is asked of the compiler itself: by a person, or by
// configure, cmake and meson.
func (d *driver) question(args []string) (done bool, err error) {
	if len(args) == 0 {
		return false, nil
	}
	switch args[0] {
	case "--explain":
		return true, d.each(args, d.explain)
	case "--compare":
		return true, d.each(args, d.compare)
	case "--complete":
		return true, d.complete(args[1:])
	case "--join":
		return true, d.join(args[1:])
	case "-h", "--help":
		_, err := fmt.Fprint(d.stdout, help)
		return true, err
	}
	answer := func(line string) (bool, error) {
		_, err := fmt.Fprintln(d.stdout, line)
		return true, err
	}
	library := filepath.Join(d.prefix, libraryFolder)
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch strings.Replace(name, "--", "-", 1) {
		case "-version":
			return true, d.printVersion()
		case "-dumpmachine", "-print-target-triple", "-print-effective-triple":
			return answer(machine)
		case "-dumpversion", "-dumpfullversion":
			version, err := d.clangVersion()
			if err != nil {
				return true, err
			}
			return answer(version)
		case "-print-search-dirs":
			return answer(fmt.Sprintf("programs: =%s\nlibraries: =%s", filepath.Join(d.prefix, "bin"), library))
		case "-print-file-name":
			if path := filepath.Join(library, value); value != "" && exists(path) {
				return answer(path)
			}
			return answer(value)
		case "-print-prog-name":
			for _, t := range []tool{lld, clang, codegen, verifier} {
				if value == t.name || value == strings.TrimSuffix(t.name, "-19") || value == "ld" && t == lld {
					path, err := d.find(t)
					if err != nil {
						return true, err
					}
					return answer(path)
				}
			}
			return answer(value)
		case "-print-libgcc-file-name":
			return answer(filepath.Join(library, "libbuiltins.a"))
		case "-print-multi-directory", "-print-multi-os-directory":
			return answer(".")
		case "-print-multi-lib":
			return answer(".;")
		case "-print-multiarch", "-print-sysroot":
			return answer("")
		case "-print-resource-dir":
			return true, d.run(clang, "-print-resource-dir")
		case "-Wl,-version", "-Wl,-v", "-Wl,-V":
			return true, d.run(lld, "--version")
		}
	}
	if len(args) == 1 && args[0] == "-v" {
		return true, d.printVersion()
	}
	return false, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// printVersion names clang first: build systems look for it.
func (d *driver) printVersion() error {
	version, err := d.clangVersion()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.stdout, "clang version %s (tpcc)\nTarget: %s\nThread model: posix\nInstalledDir: %s\n",
		version, machine, filepath.Join(d.prefix, "bin"))
	return err
}

func (d *driver) clangVersion() (string, error) {
	cmd, err := d.command(clang, "-dumpversion")
	if err != nil {
		return "", err
	}
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// each calls do with each argument behind the first.
func (d *driver) each(args []string, do func(path string) error) error {
	if len(args) < 2 {
		return fmt.Errorf("%s: want a program of tpcc's", args[0])
	}
	for _, path := range args[1:] {
		if err := do(path); err != nil {
			return err
		}
	}
	return nil
}

// explain lists the functions of a pair that cannot be moved: those of the
// libraries that come with tpcc, then the program's own.
func (d *driver) explain(path string) error {
	f, err := pair.Open(path)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(slices.Clone(f.Functions), func(fn pair.Function) bool { return fn.Library })
	library := slices.DeleteFunc(slices.Clone(f.Functions), func(fn pair.Function) bool { return !fn.Library })
	return errors.Join(d.explainPart(path+", tpcc's libraries", library), d.explainPart(path, own))
}

// explainPart does so for some of the functions. The reasons of few come last.
func (d *driver) explainPart(name string, functions []pair.Function) error {
	byReason := map[string]map[string]int{} // names, and how often there are
	count := map[string]int{}
	fixed := 0
	for _, fn := range functions {
		if fn.Reason == "" {
			continue
		}
		if byReason[fn.Reason] == nil {
			byReason[fn.Reason] = map[string]int{}
		}
		byReason[fn.Reason][fn.Name]++
		count[fn.Reason]++
		fixed++
	}
	var b strings.Builder
	reasons := slices.SortedFunc(maps.Keys(count), func(x, y string) int {
		return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y))
	})
	for _, reason := range reasons {
		fmt.Fprintf(&b, "%s (%d):\n", reason, count[reason])
		for _, name := range slices.Sorted(maps.Keys(byReason[reason])) {
			times := ""
			if n := byReason[reason][name]; n > 1 {
				times = fmt.Sprintf(" (%d)", n)
			}
			fmt.Fprintf(&b, "  %s%s\n", name, times)
		}
	}
	fmt.Fprintf(&b, "%s: %d of %d functions cannot be moved", name, fixed, len(functions))
	if fixed > 0 {
		b.WriteString(": a thread waits until it has left them")
	}
	b.WriteByte('\n')
	_, err := io.WriteString(d.stdout, b.String())
	return err
}

// compare proves the layout of a pair.
func (d *driver) compare(path string) error {
	var files [len(layout.ISAs)][]byte
	for _, isa := range layout.ISAs {
		var err error
		if files[isa], err = os.ReadFile(isaFile(path, isa)); err != nil {
			return err
		}
	}
	c, err := layout.Compare(files[0], files[1])
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	private := 0
	for _, e := range c.Exceptions {
		if e.Reason == layout.ReasonPrivate {
			private++
			continue
		}
		fmt.Fprintf(d.stdout, "%#18x %#18x  %s: %s\n", e.Addr[0], e.Addr[1], e.Name, e.Reason)
	}
	_, err = fmt.Fprintf(d.stdout, "%s: %d functions and %d variables at the same addresses; %d private to each ISA, %d exceptions\n",
		path, c.Functions, c.Variables, private, len(c.Exceptions)-private)
	return err
}

// complete puts the other files of pairs beside programs that were installed
// without, by what knows of no pairs.
func (d *driver) complete(args []string) error {
	if len(args) != 2 {
		return errors.New("--complete: want the folder where programs were built, and the one where they are now")
	}
	const isa = layout.AArch64
	built, err := pair.Find(args[0])
	if err != nil {
		return err
	}
	others := map[[32]byte]*pair.File{}
	for _, f := range built {
		if f.Machine == isa.Machine() {
			others[f.ID] = f
		}
	}
	installed, err := pair.Find(args[1])
	if err != nil {
		return err
	}
	for _, f := range installed {
		path := isaFile(f.Path, isa)
		if f.Machine == isa.Machine() || exists(path) {
			continue
		}
		other := others[f.ID]
		if other == nil {
			return fmt.Errorf("%s: no file below %s is the other one of its pair", f.Path, args[0])
		}
		data, err := os.ReadFile(other.Path)
		if err != nil {
			return err
		}
		if err := writeOutput(path, data, f.Mode.Perm()); err != nil {
			return err
		}
	}
	return nil
}

// join makes one object or archive of one for each ISA.
func (d *driver) join(args []string) error {
	var paths []string
	private, output := false, ""
	for len(args) > 0 {
		switch arg := args[0]; {
		case arg == "--private":
			private = true
		case arg == "-o" && len(args) > 1:
			output, args = args[1], args[1:]
		case strings.HasPrefix(arg, "-"):
			return fmt.Errorf("--join: unknown option %s", arg)
		default:
			paths = append(paths, arg)
		}
		args = args[1:]
	}
	if len(paths) != len(layout.ISAs) || output == "" {
		return errors.New("--join: want an object or archive for x86-64, one for aarch64, and -o OUT")
	}
	var files [len(layout.ISAs)][]byte
	for isa, path := range paths {
		var err error
		if files[isa], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	joined, err := layout.JoinNative(paths[0], files[0], paths[1], files[1], private, "not compiled by tpcc")
	if err != nil {
		return err
	}
	return writeOutput(output, joined, 0o666)
}
