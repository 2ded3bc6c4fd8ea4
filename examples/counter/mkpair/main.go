// Mkpair links a pair of programs: the same objects, once built for x86-64 and
// once for aarch64, so that every function and variable has one address on
// both, with the metadata that tells tpfs how to move a thread between them.
//
//	mkpair [-ld ld.lld-19] -o FILE OBJECT...
//
// It writes FILE for x86-64 and FILE.aarch64. The objects, of both ISAs in any
// order, must be built with -ffunction-sections, -fdata-sections and
// -fstack-size-section.
package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tpfs/tpfs/pair"
)

func main() {
	out := flag.String("o", "", "write the pair to `FILE` and FILE.aarch64")
	ld := flag.String("ld", "ld.lld-19", "the `linker`, LLVM's for ELF")
	flag.Parse()
	if *out == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, *ld, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mkpair:", err)
		os.Exit(1)
	}
}

// machines are the ISAs of a pair, in the order of run's results.
var machines = [2]elf.Machine{elf.EM_X86_64, elf.EM_AARCH64}

func run(out, ld string, paths []string) error {
	var objects [2][]*object
	for _, path := range paths {
		o, err := readObject(path)
		if err != nil {
			return err
		}
		for i, m := range machines {
			if o.machine == m {
				objects[i] = append(objects[i], o)
			}
		}
	}
	var programs [2]*program
	for i, m := range machines {
		if len(objects[i]) == 0 {
			return fmt.Errorf("no objects for %v", m)
		}
		var err error
		if programs[i], err = newProgram(m, objects[i]); err != nil {
			return err
		}
	}
	if err := agree(programs[0], programs[1]); err != nil {
		return err
	}
	l, err := newLayout(objects[:])
	if err != nil {
		return err
	}

	dir, err := os.MkdirTemp("", "mkpair")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var linked [2][]byte
	for i, p := range programs {
		if linked[i], err = p.link(dir, ld, l.script()); err != nil {
			return err
		}
	}
	if err := sameData(linked[0], linked[1]); err != nil {
		return err
	}
	d, err := describe(programs, linked)
	if err != nil {
		return err
	}
	var sealed [2][]byte
	if sealed[0], sealed[1], err = pair.Seal(linked[0], linked[1], d); err != nil {
		return err
	}
	for i, path := range []string{out, out + ".aarch64"} {
		if err := os.WriteFile(path, sealed[i], 0o755); err != nil {
			return err
		}
	}
	return nil
}

// link makes the ELF file of one ISA, in dir.
func (p *program) link(dir, ld, script string) ([]byte, error) {
	t := filepath.Join(dir, "pair.ld")
	if err := os.WriteFile(t, []byte(script), 0o644); err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "program")
	args := []string{"-static", "-O0", "-z", "max-page-size=65536", "--build-id=sha1", "--orphan-handling=error", "--fatal-warnings", "-T", t, "-o", out}
	for _, o := range p.objects {
		args = append(args, o.path)
	}
	if text, err := exec.Command(ld, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", ld, err, text)
	}
	return os.ReadFile(out)
}

// sameData checks that the variables begin with the same bytes on both ISAs.
func sameData(a, b []byte) error {
	var content [2][]byte
	for i, file := range [][]byte{a, b} {
		f, err := elf.NewFile(bytes.NewReader(file))
		if err != nil {
			return err
		}
		if s := f.Section(".data"); s != nil {
			if content[i], err = s.Data(); err != nil {
				return err
			}
		}
	}
	if !bytes.Equal(content[0], content[1]) {
		return errors.New(".data differs between the architectures: a variable's initial value depends on the ISA, or is an address in assembly")
	}
	return nil
}
