package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/toolchain/poison"
)

// A tree is a copy of a built program in which its test suite runs.
type tree struct {
	place    string
	kind     kind
	programs []string // the files that run, of the architecture that the suite is for
}

// emulate is a program for x86-64 that runs one for aarch64 under its own name.
const emulate = "#!/bin/sh\nexec qemu-aarch64-static -0 \"$0\" '%s' \"$@\"\n"

// newTree copies a built program to place. If the kind of run is emulated, each
// program of a pair becomes a script that runs the other one.
func newTree(ctx context.Context, built, place string, k kind) (*tree, error) {
	if err := errors.Join(os.RemoveAll(place), os.MkdirAll(filepath.Dir(place), 0o777)); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "cp", "-a", built, place).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: make programs: %w\n%s", built, err, out)
	}
	pairs, err := findPairs(place)
	if err != nil {
		return nil, err
	}
	t := &tree{place: place, kind: k}
	for _, p := range pairs {
		program := p.x86_64.Path
		if k.emulated {
			if p.aarch64 == nil {
				return nil, fmt.Errorf("%s: the other file of the pair is nowhere in the tree", program)
			}
			inPlace := built + strings.TrimPrefix(p.aarch64.Path, place)
			if err := replace(program, fmt.Sprintf(emulate, inPlace)); err != nil {
				return nil, err
			}
			program = p.aarch64.Path
		}
		if slices.Contains(t.programs, program) {
			continue // two copies of one, of which one has been stripped
		}
		if k.poison {
			if err := poison.Write(program); err != nil {
				return nil, err
			}
		}
		t.programs = append(t.programs, program)
	}
	if len(t.programs) == 0 {
		return nil, fmt.Errorf("%s: there is no pair in it", built)
	}
	return t, nil
}

// replace writes a script in place of a program, which may be open or a link.
func replace(program, script string) error {
	if err := os.Remove(program); err != nil {
		return err
	}
	return os.WriteFile(program, []byte(script), 0o777)
}

// files are the two of a pair; aarch64 is nil if the tree has none.
type files struct{ x86_64, aarch64 *pair.File }

// findPairs finds the pairs below a directory. One may be a copy without its
// other file beside it, which is then found elsewhere.
func findPairs(dir string) ([]files, error) {
	all, err := pair.Find(dir)
	if err != nil {
		return nil, err
	}
	others := map[[32]byte]*pair.File{}
	for _, f := range all {
		if f.Machine == elf.EM_AARCH64 {
			others[f.ID] = f
		}
	}
	var found []files
	for _, f := range all {
		if f.Machine == elf.EM_X86_64 {
			found = append(found, files{f, others[f.ID]})
		}
	}
	return found, nil
}

// check makes sure that the suite ran what it was to run: it must not have
// linked anew.
func (t *tree) check() error {
	if !t.kind.emulated {
		return nil
	}
	pairs, err := findPairs(t.place)
	for _, p := range pairs {
		err = errors.Join(err, fmt.Errorf("%s: linked while the suite was running", p.x86_64.Path))
	}
	return err
}
