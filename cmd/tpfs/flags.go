package main

import (
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tpfs/tpfs/translate"
)

// translateFlags are the flags of all commands that translate.
type translateFlags struct {
	arch    string
	bins    []string
	sysroot string
	flat    bool
	vaBits  int
}

func (f *translateFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.arch, "arch", hostArch(), "architecture of the restoring host: aarch64 (arm64) or x86_64 (x86-64, amd64)")
	f.registerBinaries(flags)
	flags.BoolVar(&f.flat, "flat", false, "make one complete dump, for tools that cannot follow a parent")
	flags.IntVar(&f.vaBits, "va-bits", 0, "size of a process's address space on the restoring host, in `BITS`; 0 means the usual one")
}

// registerBinaries declares the flags that tell where programs are.
func (f *translateFlags) registerBinaries(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.bins, "bin", nil, "`PATH=FILE`: the program dumped as PATH is FILE on the restoring host; can be repeated")
	flags.StringVar(&f.sysroot, "sysroot", "", "`DIR` of this host that holds the files of the restoring host")
}

// hostArch is this host's architecture by the name that people know.
func hostArch() string {
	m, err := translate.ParseArch(runtime.GOARCH)
	if err != nil {
		return runtime.GOARCH // whoever uses it is told that it is unknown
	}
	return translate.ArchName(m)
}

// options checks the flags. Paths become absolute, so that they stay valid when
// the working directory changes.
func (f *translateFlags) options(source string) (translate.Options, error) {
	o := translate.Options{Flat: f.flat, AddressBits: f.vaBits}
	var err error
	if o.Arch, err = translate.ParseArch(f.arch); err != nil {
		return o, usageErrorf("%w", err)
	}
	if o.Source, err = filepath.Abs(source); err != nil {
		return o, err
	}
	if f.sysroot != "" {
		if o.Sysroot, err = filepath.Abs(f.sysroot); err != nil {
			return o, err
		}
	}
	for _, bin := range f.bins {
		path, file, err := f.bin(bin)
		if err != nil {
			return o, err
		}
		if _, ok := o.Binaries[path]; ok {
			return o, usageErrorf("--bin names a file for %s twice", path)
		}
		if o.Binaries == nil {
			o.Binaries = map[string]string{}
		}
		o.Binaries[path] = file
	}
	return o, nil
}

func (f *translateFlags) bin(text string) (path, file string, err error) {
	path, file, ok := strings.Cut(text, "=")
	switch {
	case !ok || file == "":
		return "", "", usageErrorf("--bin %s: must be PATH=FILE", text)
	case !filepath.IsAbs(path):
		return "", "", usageErrorf("--bin %s: %s is not the absolute path that a dump records", text, path)
	case f.sysroot == "":
		file, err = filepath.Abs(file)
	case !filepath.IsAbs(file):
		err = usageErrorf("--bin %s: with --sysroot, %s must be an absolute path below it", text, file)
	}
	return path, file, err
}

// exactArgs checks the number of positional arguments, whose names are those of
// the help text.
func exactArgs(args []string, names ...string) error {
	if len(args) == len(names) {
		return nil
	}
	what := "no arguments"
	if len(names) > 0 {
		what = strings.Join(names, " ")
	}
	return usageErrorf("the command takes %s, but was given %q", what, args)
}
