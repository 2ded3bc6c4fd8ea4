package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/tpfs/tpfs/translate"
	"github.com/tpfs/tpfs/translate/view"
)

var convertCommand = command{
	name:  "convert",
	args:  "SRC OUT",
	short: "write the translated dump to a new directory",
	long: `
SRC is a directory that criu dump has written. OUT must not exist, or be empty.
It becomes what a mount would show, the untouched dump in OUT/parent included;
with --flat it becomes one complete dump.`,
	setup: func(flags *pflag.FlagSet) runFunc {
		f := &translateFlags{}
		f.register(flags)
		return func(args []string, stdout, stderr io.Writer) error {
			o, err := f.options(args[0])
			if err != nil {
				return err
			}
			v, err := translate.Open(o)
			if err != nil {
				return translateError(err)
			}
			defer v.Close()
			// Nothing is written that would be half of a dump.
			if err := v.Check(); err != nil {
				return translateError(err)
			}
			if err := emptyDir(args[1]); err != nil {
				return err
			}
			n, err := writeDir(v.Root(), args[1])
			if err != nil {
				return fmt.Errorf("%s is incomplete, and good for nothing: %w", args[1], err)
			}
			from, to := v.Arch()
			fmt.Fprintf(stdout, "%s: translated from %s to %s into %s, %s\n", o.Source, from, to, args[1], size(uint64(n)))
			return nil
		}
	},
}

// emptyDir makes a directory, which may be there if nothing is in it.
func emptyDir(path string) error {
	if err := os.Mkdir(path, 0o700); err == nil || !os.IsExist(err) {
		return err
	}
	entries, err := os.ReadDir(path)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty: give a new directory", path)
	}
	return err
}

// writeDir copies a view into a directory, and gives the number of bytes.
func writeDir(dir view.Dir, path string) (int64, error) {
	names, err := dir.Names()
	if err != nil {
		return 0, err
	}
	var total int64
	for _, name := range names {
		e, err := dir.Lookup(name.Name)
		if err != nil {
			return total, err
		}
		to := filepath.Join(path, name.Name)
		var n int64
		if e.Dir != nil {
			if err := os.Mkdir(to, 0o700); err != nil {
				return total, err
			}
			n, err = writeDir(e.Dir, to)
		} else {
			n, err = writeFile(e.File, to)
		}
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func writeFile(f view.File, path string) (n int64, err error) {
	h, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer h.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
	}()
	n, err = io.Copy(out, io.NewSectionReader(h, 0, f.Size()))
	if err == nil && n != f.Size() {
		err = fmt.Errorf("%s: %d bytes, where %d were expected", path, n, f.Size())
	}
	return n, err
}
