package arm64

// AddressBits: the default of distributions' kernels. Kernels of small boards
// may have 39 (CONFIG_ARM64_VA_BITS).
func (arm64) AddressBits() int { return 48 }

func (arm64) AddressLimit(bits int) uint64 { return 1 << bits }
