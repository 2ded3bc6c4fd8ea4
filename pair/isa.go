package pair

import (
	"debug/elf"
	"fmt"
)

// isa is what the metadata's readers must know of an architecture.
type isa struct {
	name   string // as users write it, and in the section name .tpfs.<name>
	fp, ra uint64 // DWARF numbers of the frame pointer and the return address
	// context is the DWARF number of the callee-saved register that carries the
	// address of the caller's portable frame.
	context uint64
	pushed  uint64 // bytes that a call pushes, which LLVM's stack size leaves out
}

// isas are the architectures a pair can be of. The DWARF numbers are those of
// the System V psABI supplements.
var isas = map[elf.Machine]isa{
	elf.EM_X86_64:  {name: "x86_64", fp: 6, ra: 16, context: 13, pushed: 8},
	elf.EM_AARCH64: {name: "aarch64", fp: 29, ra: 30, context: 20},
}

// maxAddress bounds every address: above it lies no user space on any ISA,
// and sums of two addresses or sizes below it cannot overflow.
const maxAddress = 1 << 56

func machineName(m elf.Machine) string {
	if i, ok := isas[m]; ok {
		return i.name
	}
	return fmt.Sprintf("machine %d", uint16(m))
}
