// Package isa holds what differs between architectures when a dump is
// translated. Everything outside its subfolders is written once for all of
// them; each subfolder has files of the same names that do the same things.
//
// A thread at an equivalence point has little state (see docs/pair-format.md):
// where it is, its stack, its thread pointer, and the floating-point
// environment of C's <fenv.h>. Thread is that state in terms of no
// architecture in particular; an ISA reads it out of a CRIU core image and
// writes it into one.
package isa

import (
	"debug/elf"
	"fmt"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
)

// ISA is one architecture, as a source and as a destination.
type ISA interface {
	// Machine is the architecture as ELF headers name it.
	Machine() elf.Machine
	// Name is the architecture as uname -m, and people, name it.
	Name() string
	// March is the architecture as core images name it (field mtype).
	March() criu_core.CoreEntryMarch

	// ReadThread takes the state of a thread out of its core image.
	ReadThread(core *criu_core.CoreEntry) (Thread, error)
	// WriteThread replaces the architecture's part of a core image.
	WriteThread(core *criu_core.CoreEntry, t Thread) error

	// CommonOpenFlags turns open(2) flags of this architecture's kernel into
	// those of include/uapi/asm-generic/fcntl.h; OwnOpenFlags goes back.
	CommonOpenFlags(own uint32) uint32
	OwnOpenFlags(common uint32) uint32

	// CommonMapFlags turns mmap(2) flags of this architecture's kernel into
	// those that all architectures have.
	CommonMapFlags(own uint32) uint32

	// AddressBits is the size of a process's address space on this
	// architecture's kernels unless told otherwise, as a power of two.
	AddressBits() int
	// AddressLimit is the first address that no mapping of a process may
	// reach, given the size of the address space.
	AddressLimit(bits int) uint64
}

// Thread is the state of a thread stopped at an equivalence point.
type Thread struct {
	PC, SP, FP uint64
	LR         uint64 // link register; zero where there is none
	Result     uint64 // the register in which a system call returns its result
	TP         uint64 // thread pointer: fs_base, tpidr_el0
	Context    uint64 // the register that carries the portable frame: r13, x20
	ClearTID   uint64 // set_tid_address(2)
	Float      FloatEnv
}

// FloatEnv is the floating-point environment, as <fenv.h> knows it. All
// exceptions are masked: a core image in which one traps is refused.
type FloatEnv struct {
	Rounding Rounding
	// FlushToZero treats subnormal operands and results as zeros.
	FlushToZero bool
	// Raised holds the exceptions raised since they were last cleared.
	Raised Exceptions
}

// Rounding is a rounding direction.
type Rounding uint8

const (
	ToNearest Rounding = iota
	Downward
	Upward
	TowardZero
)

// Exceptions is a set of IEEE 754 exceptions.
type Exceptions uint8

const (
	Invalid Exceptions = 1 << iota
	DivideByZero
	Overflow
	Underflow
	Inexact
	// Subnormal: an operand was subnormal. Not in IEEE 754, but both
	// architectures keep it.
	Subnormal
)

// Dead fills registers and stack words that hold nothing at an equivalence
// point. Were one read all the same, the fault would show at once: as an
// address it is not canonical on x86-64 and not mapped on aarch64.
const Dead uint64 = 0xa5a5a5a5a5a5a5a5

// Errorf is the error of a core image that an ISA cannot read.
func Errorf(i ISA, format string, args ...any) error {
	return fmt.Errorf("%s registers: %w", i.Name(), fmt.Errorf(format, args...))
}
