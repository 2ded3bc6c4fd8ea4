package pair

import (
	"bytes"
	"debug/elf"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// someTables are tables with each kind of entry.
func someTables() *tables {
	return &tables{
		id:     [32]byte{1, 2, 3},
		thread: ThreadWords{NativeLow: -48, NativeHigh: 1 << 40},
		images: []imageDigest{{elf.EM_X86_64, [32]byte{4}}, {elf.EM_AARCH64, [32]byte{31: 5}}},
		reset:  []Range{{0x5000, 16}, {math.MaxUint64, 1}},
		functions: []Function{
			{Name: "main", Addr: 0x1000, Size: 0x100, PortableFrame: 96, Sites: []CallSite{{7, "größe"}, {math.MaxUint64, ""}},
				Jumps: []JumpSlot{{0, 7}, {72, math.MaxUint64}}, Indirect: true},
			{Name: "größe", Addr: 0x1100, Size: 8, Reason: "inline asm", Library: true},
			{Name: strings.Repeat("x", maxName), Addr: 0x1200, Size: 8, Sites: []CallSite{{8, "main"}}},
		},
	}
}

// The directory of tables in the header of .tpfs.pair.
const (
	dirImages = tablesHeaderSize - (6-iota)*16
	dirReset
	dirFunctions
	dirSites
	dirJumps
	dirStrings

	dirCount = 8  // in an entry of the directory
	dirSize  = 12 // of a table's entries
)

func TestTables(t *testing.T) {
	for _, want := range []*tables{someTables(), {functions: []Function{}}} {
		raw := want.encode()
		got, err := decodeTables(raw)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, not %+v: %v", got, want, err)
		}
		if !bytes.Equal(got.encode(), raw) {
			t.Error("encoded again, the bytes differ")
		}
	}
}

// TestTablesLayout reads fields where docs/pair-format.md says they are.
func TestTablesLayout(t *testing.T) {
	raw := someTables().encode()
	u32 := func(at uint64) uint32 { return le.Uint32(raw[at:]) }
	u64 := func(at uint64) uint64 { return le.Uint64(raw[at:]) }
	text := raw[u64(dirStrings):]
	name := func(at uint64) string { return string(text[u32(at):][:u32(at+4)]) }
	functions, sites, jumps := u64(dirFunctions), u64(dirSites), u64(dirJumps)
	for i, ok := range []bool{
		string(raw[:8]) == "tpfspair", u32(8) == 1, u32(12) == 0, raw[16] == 1, raw[18] == 3,
		int64(u64(48)) == -48, u64(56) == 1<<40,
		u32(64+8) == 2, u32(64+12) == 40, raw[u64(64)] == byte(elf.EM_X86_64), raw[u64(64)+8] == 4, raw[u64(64)+40+8+31] == 5,
		u32(64+16+8) == 2, u32(64+16+12) == 16, u64(u64(64+16)) == 0x5000, u64(u64(64+16)+8) == 16,
		u32(64+2*16+8) == 3, u32(64+2*16+12) == 56, u64(functions) == 0x1000, u64(functions+8) == 0x100, u64(functions+16) == 96,
		name(functions+24) == "main", name(functions+32) == "", u32(functions+40) == 2, u32(functions+44) == 2, u32(functions+48) == 1, name(functions+56+32) == "inline asm", u32(functions+56+48) == 2,
		u32(64+3*16+8) == 3, u32(64+3*16+12) == 16, u64(sites) == 7, name(sites+8) == "größe", u64(sites+16) == math.MaxUint64, name(sites+16+8) == "",
		u32(64+4*16+8) == 2, u32(64+4*16+12) == 16, u64(jumps+16) == 72, u64(jumps+24) == math.MaxUint64,
		u32(64+5*16+12) == 1, u64(dirStrings)+uint64(u32(dirStrings+8)) == uint64(len(raw)),
	} {
		if !ok {
			t.Errorf("field %d is not where the format has it", i)
		}
	}
}

// TestTablesGrow: a later minor version may lengthen the header and the
// entries; what is behind the fields of this one is skipped.
func TestTablesGrow(t *testing.T) {
	want := someTables()
	raw := want.encode()
	out := slices.Concat(raw[:tablesHeaderSize], []byte("more fields"))
	le.PutUint16(out[10:], 1)
	for dir := dirImages; dir < dirStrings; dir += 16 {
		off, count, size := le.Uint64(raw[dir:]), le.Uint32(raw[dir+dirCount:]), le.Uint32(raw[dir+dirSize:])
		le.PutUint64(out[dir:], uint64(len(out)))
		le.PutUint32(out[dir+dirSize:], size+3)
		for range count {
			out = append(append(out, raw[off:off+uint64(size)]...), "new"...)
			off += uint64(size)
		}
	}
	le.PutUint64(out[dirStrings:], uint64(len(out)))
	out = append(out, raw[le.Uint64(raw[dirStrings:]):]...)
	if got, err := decodeTables(out); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTablesRefuse(t *testing.T) {
	base := someTables().encode()
	functions, sites, jumps, text := le.Uint64(base[dirFunctions:]), le.Uint64(base[dirSites:]), le.Uint64(base[dirJumps:]), le.Uint64(base[dirStrings:])
	word := func(at, v uint64) func([]byte) { return func(b []byte) { le.PutUint32(b[at:], uint32(v)) } }
	long := func(at, v uint64) func([]byte) { return func(b []byte) { le.PutUint64(b[at:], v) } }
	set := func(at uint64, s string) func([]byte) { return func(b []byte) { copy(b[at:], s) } }
	for _, tt := range []struct {
		name  string
		spoil func(b []byte)
		err   string
	}{
		{"magic", set(0, "tpfsPair"), "does not begin with its header"},
		{"major version", set(8, "\x02\x00\x07\x00"), "version 2.7, of which this program knows only 1.x"},

		{"images beyond the end", long(dirImages, uint64(len(base)-79)), "images: beyond the section's end"},
		{"images far beyond the end", long(dirImages, math.MaxUint64), "images: beyond the section's end"},
		{"too many images", word(dirImages+dirCount, maxImages+1), "images: 9 entries of 40 bytes, where at most 8 of at least 40 are expected"},
		{"images too short", word(dirImages+dirSize, 39), "images: 2 entries of 39 bytes"},
		{"images too long", word(dirImages+dirSize, math.MaxUint32), "images: beyond the section's end"},
		{"too many ranges", word(dirReset+dirCount, maxResets+1), "ranges to reset: 4097 entries"},
		{"ranges too short", word(dirReset+dirSize, 15), "ranges to reset: 2 entries of 15 bytes"},
		{"too many functions", word(dirFunctions+dirCount, maxFunctions+1), "functions: 262145 entries"},
		{"functions that are not there", word(dirFunctions+dirCount, maxFunctions), "functions: beyond the section's end"},
		{"functions too short", word(dirFunctions+dirSize, 55), "functions: 3 entries of 55 bytes"},
		{"too many sites", word(dirSites+dirCount, maxSites+1), "sites: 524289 entries"},
		{"sites too short", word(dirSites+dirSize, 0), "sites: 3 entries of 0 bytes"},
		{"too many jump slots", word(dirJumps+dirCount, maxJumps+1), "jump slots: 65537 entries"},
		{"jump slots too short", word(dirJumps+dirSize, 15), "jump slots: 2 entries of 15 bytes"},
		{"too many strings", word(dirStrings+dirCount, maxStrings+1), "strings: 16777217 entries"},
		{"strings longer than said", word(dirStrings+dirCount, uint64(len(base))-text+1), "strings: beyond the section's end"},
		{"strings of more than bytes", func(b []byte) { le.PutUint32(b[dirStrings+dirCount:], 1); le.PutUint32(b[dirStrings+dirSize:], 2) }, "strings: entries are bytes"},

		{"images not in order", set(le.Uint64(base[dirImages:]), "\xb7\x00"), "images: not in ascending order"},
		{"an image twice", set(le.Uint64(base[dirImages:])+40, "\x3e\x00"), "images: not in ascending order"},

		{"strings that are not UTF-8", set(text, "\xff"), "strings: not UTF-8"},
		{"a control character", set(text, "\x1b"), "strings: U+001B is not printable"},
		{"a line feed", set(text, "\n"), "strings: U+000A is not printable"},
		{"a NUL", set(text, "\x00"), "strings: U+0000 is not printable"},
		{"a change of direction", set(text, "\u202e"), "strings: U+202E is not printable"},

		{"function's name beyond the table", word(functions+24, math.MaxUint32), "function 0: string of 4 bytes at 4294967295: beyond"},
		{"function's name across the end", word(functions+24, uint64(len(base))-text-3), "function 0: string of 4 bytes at "},
		{"function's name too long", word(functions+28, maxName+1), "function 0: string of 4097 bytes"},
		{"function's name as long as can be said", word(functions+28, math.MaxUint32), "function 0: string of 4294967295 bytes"},
		{"reason beyond the table", word(functions+36, maxName+1), "function main: string of 4097 bytes"},
		{"more sites than there are", word(functions+40, math.MaxUint32), "function main: more sites than the table holds"},
		{"one site more than there is", word(functions+2*56+40, 2), "more sites than the table holds"},
		{"one site less than there is", word(functions+2*56+40, 0), "1 sites belong to no function"},
		{"more jump slots than there are", word(functions+44, 3), "function main: more jump slots than the table holds"},
		{"one jump slot less than there is", word(functions+44, 1), "1 jump slots belong to no function"},
		{"jump slot not aligned", word(jumps, 4), "function main: jump slot at 0x4, outside of the portable frame of 96 bytes"},
		{"jump slot across the frame's end", word(jumps, 80), "jump slot at 0x50, outside"},
		{"jump slot beyond the frame", word(jumps+4, math.MaxUint32), "jump slot at 0xffffffff00000000, outside"},
		{"jump slot of another function's call", word(jumps+8, 8), "function main: jump slot at 0x0: 0x8 is no site of the function"},
		{"callee beyond the table", word(sites+12, maxName+1), "function main: site 0x7: string of 4097 bytes"},
		{"callee that begins inside a character", word(sites+8, le.Uint64(append(base[sites+8:sites+12:sites+12], 0, 0, 0, 0))+3), "cuts a character in two"},
		{"callee that ends inside a character", word(sites+12, 3), "function main: site 0x7: string of 3 bytes at 4: cuts a character in two"},
	} {
		b := bytes.Clone(base)
		tt.spoil(b)
		got, err := decodeTables(b)
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, err, tt.err)
			if got != nil {
				t.Error("tables with an error")
			}
		})
	}
	for n := range len(base) {
		if _, err := decodeTables(base[:n]); err == nil {
			t.Fatalf("%d of %d bytes: no error", n, len(base))
		}
	}
}

// TestTablesMemory: counts of what is not there take no memory.
func TestTablesMemory(t *testing.T) {
	raw := (&tables{}).encode()
	for dir, limit := range map[int]uint32{dirImages: maxImages, dirReset: maxResets, dirFunctions: maxFunctions, dirSites: maxSites, dirJumps: maxJumps, dirStrings: maxStrings} {
		b := bytes.Clone(raw)
		le.PutUint32(b[dir+dirCount:], limit)
		var err error
		if n := allocated(func() { _, err = decodeTables(b) }); err == nil || n > 10<<10 {
			t.Errorf("table %d: %d bytes for a section of %d, %v", dir, n, len(b), err)
		}
	}
}
