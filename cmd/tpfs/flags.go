package main

import (
	"fmt"
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
	flags.StringVar(&f.arch, "arch", hostArch(), "`ARCH` of the restoring host: aarch64 (or arm64) or x86_64 (or x86-64, amd64)")
	f.registerBinaries(flags)
	flags.BoolVar(&f.flat, "flat", false, "make one complete dump, for tools that cannot follow a parent")
	flags.IntVar(&f.vaBits, "va-bits", 0, "`BITS` of an address of a process on the restoring host; 0 means as many as usual")
}

// registerBinaries declares the flags that tell where programs are.
func (f *translateFlags) registerBinaries(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.bins, "bin", nil, "with `PATH=FILE`, the program dumped as PATH is FILE on the restoring host; can be repeated")
	flags.StringVar(&f.sysroot, "sysroot", "", "`DIR` of this host that holds the files of the restoring host, below their paths there")
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
	if b := f.vaBits; b != 0 && (b < translate.MinAddressBits || b > translate.MaxAddressBits) {
		return o, usageErrorf("--va-bits %d: must be from %d to %d", b, translate.MinAddressBits, translate.MaxAddressBits)
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

// exactArgs checks the positional arguments against their names in the help
// text, as in "SRC DST".
func exactArgs(command string, args []string, names string) error {
	n := len(strings.Fields(names))
	if len(args) == n {
		return nil
	}
	got := "nothing"
	if len(args) > 0 {
		got = strings.Trim(fmt.Sprintf("%q", args), "[]")
	}
	return usageErrorf("%s needs %s, but was given %s", command, names, got)
}
