package pair

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// ThreadWords are offsets from the thread pointer, the same on each ISA, of
// the words that say where a thread's native stack is.
type ThreadWords struct {
	NativeLow, NativeHigh int64 // bounds of the native stack
}

// A Range is Size bytes at Addr.
type Range struct{ Addr, Size uint64 }

// A Function is one function of the program. Both ISAs have it at Addr.
type Function struct {
	Name          string
	Addr          uint64
	Size          uint64 // bytes reserved for it, the larger of the ISAs
	PortableFrame uint64 // bytes on the portable stack
	Reason        string // why it is not migratable; empty if it is
	Sites         []CallSite
	Jumps         []JumpSlot
	// Indirect is set if the context that the function gives to others is not
	// the address of its portable frame, but of a word with that address, as
	// it is with memory of a dynamic size below the frame.
	Indirect bool
	// Library is set if the function comes with the toolchain: the program has
	// it from there.
	Library bool
}

// A JumpSlot is where in a portable frame a call of setjmp(3) keeps its native
// state: words with the stack pointer, the frame pointer and the return
// address of the call.
type JumpSlot struct {
	Offset uint64 // from the frame's lowest address
	Site   uint64 // ID of the call
}

// A CallSite names a migratable call of a function, the same on each ISA.
type CallSite struct {
	ID     uint64 // of the pair's records in .llvm_stackmaps; unique in the pair
	Callee string // empty for an indirect call
}

// imageDigest says what the file of one ISA was when the pair was sealed.
type imageDigest struct {
	machine elf.Machine
	loaded  [32]byte
}

// tables is the content of the section .tpfs.pair: all that the ISAs share.
type tables struct {
	id        [32]byte
	thread    ThreadWords
	images    []imageDigest // ascending by machine
	reset     []Range
	functions []Function // ascending by address
}

const (
	tablesMagic      = "tpfspair"
	tablesMajor      = 1
	tablesMinor      = 0
	tablesHeaderSize = 64 + 6*16
	tablesIDOffset   = 16

	imageEntrySize    = 40
	rangeEntrySize    = 16
	functionEntrySize = 56
	siteEntrySize     = 16
	jumpEntrySize     = 16

	maxImages    = 8
	maxResets    = 4096
	maxFunctions = 1 << 18
	maxSites     = 1 << 19
	maxJumps     = 1 << 16
	maxName      = 4096
	maxStrings   = 16 << 20

	functionIndirect = 1 << 0 // flags of a function
	functionLibrary  = 1 << 1
)

// table is one array inside .tpfs.pair. Entries may be longer than what this
// version knows of; the rest of each is skipped.
type table struct {
	data  []byte
	size  int // of an entry
	count int
}

func (t table) entry(i int) *cursor { return &cursor{data: t.data[i*t.size : (i+1)*t.size]} }

func decodeTables(data []byte) (*tables, error) {
	if len(data) < tablesHeaderSize || string(data[:8]) != tablesMagic {
		return nil, errors.New("does not begin with its header")
	}
	c := cursor{data: data, off: 8}
	major, minor := c.u16(), c.u16()
	if major != tablesMajor {
		return nil, fmt.Errorf("version %d.%d, of which this program knows only %d.x", major, minor, tablesMajor)
	}
	c.u32() // reserved
	t := &tables{id: [32]byte(c.bytes(32))}
	t.thread = ThreadWords{NativeLow: int64(c.u64()), NativeHigh: int64(c.u64())}

	next := func(what string, size, limit int) (table, error) {
		off, count, entry := c.u64(), c.u32(), c.u32()
		if uint64(count) > uint64(limit) || uint64(entry) < uint64(size) {
			return table{}, fmt.Errorf("%s: %d entries of %d bytes, where at most %d of at least %d are expected", what, count, entry, limit, size)
		}
		n := uint64(count) * uint64(entry)
		if off > uint64(len(data)) || n > uint64(len(data))-off {
			return table{}, fmt.Errorf("%s: beyond the section's end", what)
		}
		return table{data: data[off : off+n], size: int(entry), count: int(count)}, nil
	}
	images, err := next("images", imageEntrySize, maxImages)
	if err != nil {
		return nil, err
	}
	reset, err := next("ranges to reset", rangeEntrySize, maxResets)
	if err != nil {
		return nil, err
	}
	functions, err := next("functions", functionEntrySize, maxFunctions)
	if err != nil {
		return nil, err
	}
	sites, err := next("sites", siteEntrySize, maxSites)
	if err != nil {
		return nil, err
	}
	jumps, err := next("jump slots", jumpEntrySize, maxJumps)
	if err != nil {
		return nil, err
	}
	stringTable, err := next("strings", 1, maxStrings)
	if err != nil {
		return nil, err
	}
	if stringTable.size != 1 {
		return nil, errors.New("strings: entries are bytes")
	}
	// Names end up in messages on terminals: nothing there to play tricks with.
	text := string(stringTable.data)
	if !utf8.ValidString(text) {
		return nil, errors.New("strings: not UTF-8")
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return nil, fmt.Errorf("strings: %U is not printable", r)
		}
	}
	boundary := func(i uint64) bool { return i == uint64(len(text)) || utf8.RuneStart(text[i]) }
	name := func(c *cursor) (string, error) {
		off, n := uint64(c.u32()), uint64(c.u32())
		if n > maxName || off+n > uint64(len(text)) {
			return "", fmt.Errorf("string of %d bytes at %d: beyond the table or longer than %d", n, off, maxName)
		}
		if !boundary(off) || !boundary(off+n) {
			return "", fmt.Errorf("string of %d bytes at %d: cuts a character in two", n, off)
		}
		return text[off : off+n], nil
	}

	for i := range images.count {
		e := images.entry(i)
		d := imageDigest{machine: elf.Machine(e.u16())}
		e.bytes(6)
		d.loaded = [32]byte(e.bytes(32))
		if i > 0 && d.machine <= t.images[i-1].machine {
			return nil, errors.New("images: not in ascending order of machines")
		}
		t.images = append(t.images, d)
	}
	for i := range reset.count {
		e := reset.entry(i)
		t.reset = append(t.reset, Range{Addr: e.u64(), Size: e.u64()})
	}
	t.functions = make([]Function, functions.count)
	used, usedJumps := 0, 0
	for i := range functions.count {
		e, f := functions.entry(i), &t.functions[i]
		f.Addr, f.Size, f.PortableFrame = e.u64(), e.u64(), e.u64()
		if f.Name, err = name(e); err != nil {
			return nil, fmt.Errorf("function %d: %w", i, err)
		}
		if f.Reason, err = name(e); err != nil {
			return nil, fmt.Errorf("function %s: %w", f.Name, err)
		}
		n, nJumps, flags := int64(e.u32()), int64(e.u32()), e.u32()
		if n > int64(sites.count-used) {
			return nil, fmt.Errorf("function %s: more sites than the table holds", f.Name)
		}
		if nJumps > int64(jumps.count-usedJumps) {
			return nil, fmt.Errorf("function %s: more jump slots than the table holds", f.Name)
		}
		f.Indirect, f.Library = flags&functionIndirect != 0, flags&functionLibrary != 0
		for range n {
			e := sites.entry(used)
			used++
			s := CallSite{ID: e.u64()}
			if s.Callee, err = name(e); err != nil {
				return nil, fmt.Errorf("function %s: site %#x: %w", f.Name, s.ID, err)
			}
			f.Sites = append(f.Sites, s)
		}
		own := map[uint64]bool{} // sites of the function, if it has jump slots
		if nJumps > 0 {
			for _, s := range f.Sites {
				own[s.ID] = true
			}
		}
		for range nJumps {
			e := jumps.entry(usedJumps)
			usedJumps++
			j := JumpSlot{Offset: e.u64(), Site: e.u64()}
			if j.Offset%8 != 0 || j.Offset > f.PortableFrame || f.PortableFrame-j.Offset < jumpSlotSize {
				return nil, fmt.Errorf("function %s: jump slot at %#x, outside of the portable frame of %d bytes", f.Name, j.Offset, f.PortableFrame)
			}
			if !own[j.Site] {
				return nil, fmt.Errorf("function %s: jump slot at %#x: %#x is no site of the function", f.Name, j.Offset, j.Site)
			}
			f.Jumps = append(f.Jumps, j)
		}
	}
	if used != sites.count {
		return nil, fmt.Errorf("%d sites belong to no function", sites.count-used)
	}
	if usedJumps != jumps.count {
		return nil, fmt.Errorf("%d jump slots belong to no function", jumps.count-usedJumps)
	}
	return t, nil
}

// encode makes the section .tpfs.pair. It does not judge the content.
func (t *tables) encode() []byte {
	var text []byte
	offsets := map[string]uint32{}
	name := func(b []byte, s string) []byte {
		off, ok := offsets[s]
		if !ok {
			off = uint32(len(text))
			offsets[s] = off
			text = append(text, s...)
		}
		b = binary.LittleEndian.AppendUint32(b, off)
		return binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	}
	u64 := binary.LittleEndian.AppendUint64

	var images, reset, functions, sites, jumps []byte
	siteCount, jumpCount := 0, 0
	for _, d := range t.images {
		images = binary.LittleEndian.AppendUint16(images, uint16(d.machine))
		images = append(images, make([]byte, 6)...)
		images = append(images, d.loaded[:]...)
	}
	for _, r := range t.reset {
		reset = u64(u64(reset, r.Addr), r.Size)
	}
	for _, f := range t.functions {
		functions = u64(u64(u64(functions, f.Addr), f.Size), f.PortableFrame)
		functions = name(name(functions, f.Name), f.Reason)
		functions = binary.LittleEndian.AppendUint32(functions, uint32(len(f.Sites)))
		functions = binary.LittleEndian.AppendUint32(functions, uint32(len(f.Jumps)))
		flags := uint32(0)
		if f.Indirect {
			flags |= functionIndirect
		}
		if f.Library {
			flags |= functionLibrary
		}
		functions = binary.LittleEndian.AppendUint32(functions, flags)
		functions = append(functions, 0, 0, 0, 0)
		for _, s := range f.Sites {
			sites = name(u64(sites, s.ID), s.Callee)
		}
		siteCount += len(f.Sites)
		for _, j := range f.Jumps {
			jumps = u64(u64(jumps, j.Offset), j.Site)
		}
		jumpCount += len(f.Jumps)
	}

	b := append([]byte(nil), tablesMagic...)
	b = binary.LittleEndian.AppendUint16(b, tablesMajor)
	b = binary.LittleEndian.AppendUint16(b, tablesMinor)
	b = append(b, 0, 0, 0, 0)
	b = append(b, t.id[:]...)
	for _, off := range []int64{t.thread.NativeLow, t.thread.NativeHigh} {
		b = u64(b, uint64(off))
	}
	off := uint64(tablesHeaderSize)
	for _, a := range []struct {
		data        []byte
		count, size int
	}{
		{images, len(t.images), imageEntrySize},
		{reset, len(t.reset), rangeEntrySize},
		{functions, len(t.functions), functionEntrySize},
		{sites, siteCount, siteEntrySize},
		{jumps, jumpCount, jumpEntrySize},
		{text, len(text), 1},
	} {
		b = u64(b, off)
		b = binary.LittleEndian.AppendUint32(b, uint32(a.count))
		b = binary.LittleEndian.AppendUint32(b, uint32(a.size))
		off += uint64(len(a.data))
	}
	return slices.Concat(b, images, reset, functions, sites, jumps, text)
}
