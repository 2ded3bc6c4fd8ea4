package pair

import "encoding/binary"

// cursor reads little-endian values from untrusted bytes. A read beyond the
// end yields zero and sets short, so that a decoder may read a whole record
// and look at short once.
type cursor struct {
	data  []byte
	off   int
	short bool
}

func (c *cursor) left() int { return len(c.data) - c.off }

// bytes returns the next n bytes, sharing memory with the data.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(c.left()) {
		c.short = true
		c.off = len(c.data)
		return nil
	}
	b := c.data[c.off : c.off+int(n) : c.off+int(n)]
	c.off += int(n)
	return b
}

func (c *cursor) u8() uint8 {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// align moves to the next multiple of n, which is a power of two, counted
// from the start of the data.
func (c *cursor) align(n int) { c.bytes(uint64(-c.off & (n - 1))) }

// uleb reads DWARF's unsigned LEB128. Bits beyond the 64th are an error.
func (c *cursor) uleb() uint64 {
	var v uint64
	for shift := uint(0); ; shift += 7 {
		b := c.u8()
		if shift > 63 || (shift == 63 && b&0x7e != 0) {
			c.short = true
			return 0
		}
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return v
		}
	}
}

// sleb reads DWARF's signed LEB128. Bits beyond the 64th that are not its sign
// are an error.
func (c *cursor) sleb() int64 {
	var v int64
	for shift := uint(0); ; {
		b := c.u8()
		if shift == 63 && b != 0 && b != 0x7f {
			c.short = true
			return 0
		}
		v |= int64(b&0x7f) << shift
		shift += 7
		if b&0x80 == 0 {
			if shift < 64 && b&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
	}
}
