package amd64

// x86-64 has the open(2) flags of include/uapi/asm-generic/fcntl.h.

func (amd64) CommonOpenFlags(own uint32) uint32 { return own }
func (amd64) OwnOpenFlags(common uint32) uint32 { return common }

// Flags of mmap(2) that only x86 has (arch/x86/include/uapi/asm/mman.h). They
// say where a new mapping may go, and have done their work.
const (
	map32Bit   = 0x40
	mapAbove4G = 0x80
)

func (amd64) CommonMapFlags(own uint32) uint32 {
	return own &^ (map32Bit | mapAbove4G)
}
