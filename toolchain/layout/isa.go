// Package layout makes the programs of a pair agree on every address. It works
// on object files, before any link: Equalise gives the two objects of a unit
// the same sections of the same sizes, so that links of both in the same order
// give equal addresses. See docs/toolchain.md.
//
// An object of tpcc's is an x86-64 object with the aarch64 one in it (Join,
// Split). Read takes such objects and archives of them, Select finds what a
// program needs of them, NewLink says how to link it, and Compare proves of
// two linked programs that they agree.
//
// Object files and archives may come from anywhere. Reading one takes time and
// memory in proportion to its size.
package layout

import (
	"debug/elf"
	"fmt"
)

// An ISA is one of the architectures that a pair is made for.
type ISA int

const (
	X86_64 ISA = iota
	AArch64
	numISAs = 2
)

// ISAs are all of them, in the order in which this package takes and returns
// files. The first is the one whose file holds the others.
var ISAs = [numISAs]ISA{X86_64, AArch64}

// isaTable has what the layout must know of each ISA.
var isaTable = [numISAs]struct {
	name    string
	machine elf.Machine
	trap    []byte // an instruction that is never to be reached
	abs64   uint32 // the relocation that stores an address
	got     []uint32
}{
	X86_64: {
		name: "x86_64", machine: elf.EM_X86_64, trap: []byte{0xcc}, abs64: uint32(elf.R_X86_64_64),
		got: []uint32{uint32(elf.R_X86_64_GOTPCREL), uint32(elf.R_X86_64_GOTPCRELX), uint32(elf.R_X86_64_REX_GOTPCRELX)},
	},
	AArch64: {
		name: "aarch64", machine: elf.EM_AARCH64, trap: []byte{0x20, 0x00, 0x20, 0xd4}, abs64: uint32(elf.R_AARCH64_ABS64), // brk #1
		got: []uint32{uint32(elf.R_AARCH64_ADR_GOT_PAGE), uint32(elf.R_AARCH64_LD64_GOT_LO12_NC)},
	},
}

// String is the ISA's name as in options and file names.
func (i ISA) String() string { return isaTable[i].name }

// Machine is the ISA's number in ELF files.
func (i ISA) Machine() elf.Machine { return isaTable[i].machine }

func isaOf(m elf.Machine) (ISA, error) {
	for _, i := range ISAs {
		if i.Machine() == m {
			return i, nil
		}
	}
	return 0, fmt.Errorf("an object for %v, which tpcc does not make programs for", m)
}
