package amd64

// AddressBits: four-level page tables, the user's half of 48 bits. Five levels
// are used only by programs that ask for them.
func (amd64) AddressBits() int { return 47 }

// AddressLimit leaves out the last page (TASK_SIZE_MAX,
// arch/x86/include/asm/page_64_types.h).
func (amd64) AddressLimit(bits int) uint64 { return 1<<bits - 4096 }
