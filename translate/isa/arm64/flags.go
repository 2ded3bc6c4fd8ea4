package arm64

// openFlags pairs the open(2) flags that aarch64 numbers differently
// (arch/arm64/include/uapi/asm/fcntl.h) with those of
// include/uapi/asm-generic/fcntl.h.
var openFlags = []struct{ own, common uint32 }{
	{0x04000, 0x10000}, // O_DIRECTORY
	{0x08000, 0x20000}, // O_NOFOLLOW
	{0x10000, 0x04000}, // O_DIRECT
	{0x20000, 0x08000}, // O_LARGEFILE
}

// permuted holds all bits that change places.
const permuted = 0x3c000

func (arm64) CommonOpenFlags(own uint32) uint32 {
	common := own &^ permuted
	for _, f := range openFlags {
		if own&f.own != 0 {
			common |= f.common
		}
	}
	return common
}

func (arm64) OwnOpenFlags(common uint32) uint32 {
	own := common &^ permuted
	for _, f := range openFlags {
		if common&f.common != 0 {
			own |= f.own
		}
	}
	return own
}

// aarch64 has no mmap(2) flags of its own.
func (arm64) CommonMapFlags(own uint32) uint32 { return own }
