// Package translate shows a CRIU dump as if the processes had been dumped on
// another architecture.
//
// Open reads what a dump is about: its inventory, the process tree, and the
// pairs of binaries the processes run. Everything else is done when it is asked
// for: a process is translated, whole, when one of its images is first looked
// up, at the cost of its stacks; its heap is never read. Images that do not
// depend on the architecture are the dump's own files.
//
// The bulk is not copied either. The view is an incremental dump on top of the
// untouched one, in CRIU's own format: its pages hold only what changed, every
// other page is marked as the parent's, and the directory `parent` is the dump.
package translate

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/tpfs/tpfs/translate/isa"
	"github.com/tpfs/tpfs/translate/isa/amd64"
	"github.com/tpfs/tpfs/translate/isa/arm64"
)

// isas are the architectures a dump can come from and go to.
var isas = []isa.ISA{amd64.ISA, arm64.ISA}

// The smallest and largest address space of a process that a kernel is built
// with, as powers of two.
const MinAddressBits, MaxAddressBits = 32, 57

// Options say what to translate, and where it goes.
type Options struct {
	// Source is the dump directory. It is never written.
	Source string
	// Arch is the architecture of the restoring host.
	Arch elf.Machine
	// Binaries names the destination's binary for the path of a dumped
	// executable. Both are paths on the restoring host.
	Binaries map[string]string
	// Sysroot is a directory of this host that holds the files of the
	// restoring one; "" means that they are at the same paths here.
	Sysroot string
	// Flat makes one complete dump instead of one on top of its parent.
	Flat bool
	// AddressBits is the size of a process's address space on the restoring
	// host as a power of two, from MinAddressBits to MaxAddressBits; 0 means
	// what distributions' kernels have.
	AddressBits int
}

// ParseArch understands the names people use for an architecture.
func ParseArch(s string) (elf.Machine, error) {
	switch strings.ToLower(s) {
	case "x86_64", "x86-64", "amd64":
		return elf.EM_X86_64, nil
	case "aarch64", "arm64":
		return elf.EM_AARCH64, nil
	}
	return elf.EM_NONE, fmt.Errorf("unknown architecture %q: use aarch64 (or arm64) or x86_64 (or x86-64, amd64)", s)
}

// ArchName is the name that uname -m gives the architecture.
func ArchName(m elf.Machine) string {
	if i, err := isaOf(m); err == nil {
		return i.Name()
	}
	return m.String()
}

func isaOf(m elf.Machine) (isa.ISA, error) {
	i := slices.IndexFunc(isas, func(i isa.ISA) bool { return i.Machine() == m })
	if i < 0 {
		return nil, fmt.Errorf("architecture %v is not supported", m)
	}
	return isas[i], nil
}
