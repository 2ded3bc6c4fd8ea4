package pair

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A StackmapFunction is one function's part of a stack map, for Seal to write
// where no compiler wrote a section .llvm_stackmaps.
type StackmapFunction struct {
	Addr      uint64
	StackSize uint64 // as LLVM counts it: without the return address that a call pushes
	Records   []StackmapRecord
}

// A StackmapRecord is one call site in a StackmapFunction.
type StackmapRecord struct {
	ID           uint64
	ReturnOffset uint32 // of the return address from the function's address
}

// stackRecord is what a stack map says of one return address.
type stackRecord struct {
	id        uint64
	ret       uint64
	stackSize uint64
}

// parseStackmaps reads a section .llvm_stackmaps: stack maps of version 3
// (llvm.org/docs/StackMaps.html), one after the other as the linker
// concatenated them. Locations and live-outs are skipped: a statepoint without
// operands carries no values, only an address.
func parseStackmaps(data []byte) ([]stackRecord, error) {
	var records []stackRecord
	c := cursor{data: data}
	for c.left() > 0 {
		start := c.off
		version := c.u8()
		if version == 0 && isZero(c.bytes(7)) {
			continue // padding between two maps, which are 8-aligned
		}
		if version != 3 {
			return nil, fmt.Errorf("at %#x: stack map of version %d, not 3", start, version)
		}
		c.bytes(3) // reserved
		functions, constants, count := c.u32(), c.u32(), c.u32()
		table := cursor{data: c.bytes(24 * uint64(functions))}
		c.bytes(8 * uint64(constants))
		if c.short {
			return nil, fmt.Errorf("at %#x: stack map is truncated", start)
		}
		left := uint64(count)
		for table.left() > 0 {
			addr, size, n := table.u64(), table.u64(), table.u64()
			if n > left {
				return nil, fmt.Errorf("at %#x: functions claim more records than the %d of the map", start, count)
			}
			left -= n
			for range n {
				id, off := c.u64(), c.u32()
				c.u16() // reserved
				c.bytes(12 * uint64(c.u16()))
				c.align(8)
				c.u16() // padding
				c.bytes(4 * uint64(c.u16()))
				c.align(8)
				if c.short {
					return nil, fmt.Errorf("at %#x: stack map is truncated", start)
				}
				if addr > maxAddress {
					return nil, fmt.Errorf("at %#x: function at %#x, beyond any address space", start, addr)
				}
				if len(records) == maxRecords {
					return nil, fmt.Errorf("more than %d records", maxRecords)
				}
				records = append(records, stackRecord{id: id, ret: addr + uint64(off), stackSize: size})
			}
		}
		if left != 0 {
			return nil, fmt.Errorf("at %#x: %d records of the map belong to no function", start, left)
		}
	}
	if c.short {
		return nil, errors.New("ends in the middle of a stack map")
	}
	return records, nil
}

// maxRecords bounds the records of a file, of which some may not be sites.
const maxRecords = 2 * maxSites

func isZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// encodeStackmaps makes one stack map of version 3 whose records have neither
// locations nor live-outs.
func encodeStackmaps(functions []StackmapFunction) []byte {
	count := 0
	for _, f := range functions {
		count += len(f.Records)
	}
	b := []byte{3, 0, 0, 0}
	for _, n := range []int{len(functions), 0, count} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	for _, f := range functions {
		for _, v := range []uint64{f.Addr, f.StackSize, uint64(len(f.Records))} {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	for _, f := range functions {
		for _, r := range f.Records {
			b = binary.LittleEndian.AppendUint64(b, r.ID)
			b = binary.LittleEndian.AppendUint32(b, r.ReturnOffset)
			b = append(b, make([]byte, 2+2+2+2+4)...) // reserved, no locations, padding, no live-outs, to 8 bytes
		}
	}
	return b
}
